"""What is done to each property of an object that is sanitised: a plan, as values."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

__all__ = ["Plan", "Rule", "Treatment"]


class Treatment(enum.StrEnum):
    """What becomes of one property. What no rule names goes."""

    KEEP = "kept"
    ADVERSARY = "refused where it names a party; of several, those go that do"  # what the adversary's things are called
    GENERIC = "replaced by a word that is the same for all"
    EARLIER = "rounded down to a slot"
    LATER = "rounded up to a slot"
    ISSUED = "the slot's where it lies in the slot of the writing, else rounded down to one"
    WORDS = "only words of the specification's vocabulary"
    PHASES = "only phases of kill chains that everybody uses"
    HASHES = "only hashes by well-known algorithms"
    CONFIDENCE = "rounded to low, medium or high"
    REFERENCE = "replaced by the id of the other's sanitised version, else gone"
    PATTERN = "written anew; refused where it asks about what is not published"


class Rule(msgspec.Struct, frozen=True):
    """A treatment; ``word`` is the vocabulary, or the word that stands for all, ``otherwise`` what stands for none."""

    treatment: Treatment
    word: str = ""
    otherwise: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A named way of sanitising: which properties of which types stay, and how.

    A type that it does not name is not published. ``paths`` says of which types of objects a pattern may ask what: the
    first steps of its paths. ``says`` is for people.
    """

    name: str
    says: str
    types: Mapping[str, Mapping[str, Rule]]
    paths: Mapping[str, frozenset[str]]
