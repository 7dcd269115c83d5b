"""From what is written on an object, and what its sender said of it, to its label. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.model import Label, Tlp
from tocsin.errors import InputError
from tocsin.exchange.markings import (
    KNOWN_MARKINGS,
    UNKNOWN,
    Marking,
    join,
    read_marking,
    read_own_terms,
    says_more,
    strictest,
)
from tocsin.kernel.clock import SECOND, Micros, format_instant
from tocsin.parties.model import CLEARANCES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from tocsin.exchange.stix import ParsedObject

__all__ = ["DEFAULT_TLP", "Handling", "Labeller", "contradicted", "marking_refs"]

# What an unmarked object counts as: shared among those whom a clause names, and no further.
DEFAULT_TLP: Final = Tlp.AMBER

# An end counts from the full hour before it: each end is a label of its own, of which there are so many a day.
_END_STEP: Final[Micros] = 3_600 * SECOND

MARKING_DEFINITION: Final = "marking-definition"
_DROPPED: Final = (
    "{} is a published id, which means its level and nothing else: what its definition here says besides is not kept"
    " to; put that into a marking with an id of its own"
)


class Handling(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender says of the whole submission. ``recipients``: addresses, None for nobody in particular."""

    tlp: Tlp | None = None
    recipients: frozenset[str] | None = None


def marking_refs(parsed: ParsedObject) -> list[str]:
    """Return the ids of all markings on an object, the granular ones included (STIX 2.1 §7.2.2, §7.2.3).

    A reader gets the whole object, so that a marking on one of its properties counts for all of it.
    """
    refs = [*parsed.obj.object_marking_refs]
    return refs + [marking.marking_ref for marking in parsed.obj.granular_markings if marking.marking_ref]


def contradicted(definitions: Iterable[ParsedObject], shared: Mapping[str, Collection[bytes]]) -> set[str]:
    """Return the ids of which these definitions are not all the same, or not what the sender ``shared``.

    ``shared`` are the SHA-256 digests of what it shared before, by id.
    """
    found: dict[str, set[bytes]] = {}
    for parsed in definitions:
        found.setdefault(parsed.id, set()).add(hashlib.sha256(parsed.body).digest())
    return {key for key, here in found.items() if len(here) > 1 or not here.issubset(shared.get(key) or here)}


class Labeller:
    """Labels the objects of one submission.

    ``definitions`` are marking-definitions of this submission and, behind them, those that its sender shared before: a
    marking means what its sender defined, never what another party's object of the same id says. ``refused`` are ids
    whose definition in this submission is refused: they mean nothing that can be read, unless all know them.
    ``classified`` are the classifications of markings that the submission defines, refused ones included. ``at`` is
    when: a policy that is not in effect then says nothing that can be read. ``address`` turns a reference into an
    address, or raises InputError.
    """

    def __init__(
        self,
        *,
        owner: str,
        handling: Handling,
        definitions: Mapping[str, Mapping[str, object]],
        refused: frozenset[str] = frozenset(),
        classified: Mapping[str, str] | None = None,
        at: Micros,
        address: Callable[[str], str],
    ) -> None:
        self._owner = owner
        self._handling = handling
        self._definitions = definitions
        self._refused = refused - KNOWN_MARKINGS.keys()
        self._classified = classified or {}
        self._at = at
        self._address = address
        self._known: dict[str, Marking] = dict(KNOWN_MARKINGS)
        self._labels: dict[tuple[object, ...], tuple[Label, tuple[str, ...]]] = {}

    def label(self, parsed: ParsedObject) -> tuple[Label, tuple[str, ...]]:
        """Return the label of an object, and notes for its sender.

        Raises:
            InputError: a recipient is unknown, or RED names no individual.
        """
        refs = frozenset(marking_refs(parsed))
        # a definition tells whom and what it names to whoever reads it: its own terms hold for itself
        own = read_own_terms(parsed.obj.extensions) if parsed.type == MARKING_DEFINITION else Marking()
        key = (parsed.type, refs, own)
        cached = self._labels.get(key)
        if cached is None:
            cached = self._labels[key] = self._make(parsed.type, refs, own)
        if parsed.type == MARKING_DEFINITION and self._drops(parsed.id):
            return cached[0], (*cached[1], _DROPPED.format(parsed.id))
        return cached

    def bound(self, parsed: ParsedObject) -> bool:
        """Return whether an object is marked with terms for its recipients, or with a policy that ends."""
        markings = [self._read(ref) for ref in marking_refs(parsed)]
        return any(one.terms or one.begins is not None or one.ends is not None for one in markings)

    def _make(self, type_: str, refs: frozenset[str], own: Marking) -> tuple[Label, tuple[str, ...]]:
        marking = join([self._addressed(own), *(self._read(ref) for ref in sorted(refs))])
        notes: list[str] = []
        if refs & self._refused:
            notes.append(
                "carries a marking whose definition is refused here: nobody but its owner will receive it; share a"
                " later version with the marking put right"
            )
        elif not marking.in_effect(self._at):
            notes.append("carries a policy that is not in effect now: nobody but its owner will receive it")
        elif marking.unknown:
            notes.append("carries a marking that this hub cannot read: nobody but its owner will receive it")
        notes += [_DROPPED.format(ref) for ref in sorted(refs) if self._drops(ref)]
        notes += [f"the hub passes on, and does not enforce: {term}" for term in sorted(marking.terms)]
        ends = None
        if marking.ends is not None and marking.in_effect(self._at):
            ends = marking.ends // _END_STEP * _END_STEP
            notes.append(
                f"its policy ends: from {format_instant(ends)}, the full hour before, nobody but its owner receives it"
            )
        tlp = max(
            (marking.tlp or self._handling.tlp or DEFAULT_TLP, self._handling.tlp or Tlp.CLEAR), key=list(Tlp).index
        )
        recipients = self._recipients(marking)
        if tlp is Tlp.RED and not any("@" in address.split(":", 1)[0] for address in recipients):
            raise InputError(
                "TLP:RED is for individuals, and this names none",
                where="object_marking_refs",
                todo="name them: --to USER@PARTY, or the recipients of a Tocsin marking",
            )
        if tlp is Tlp.AMBER_STRICT and not recipients:
            notes.append("TLP:AMBER+STRICT without recipients reaches only parties of a clause that names amber+strict")
        label = Label(
            owner=self._owner,
            type=type_,
            tlp=tlp,
            pap=marking.pap,
            categories=marking.categories,
            sectors=marking.sectors,
            countries=marking.countries,
            residency=marking.residency,
            recipients=recipients,
            classification=self._classification(marking, refs),
            unknown_marking=marking.unknown or not marking.in_effect(self._at),
            ends=ends,
        )
        return label, tuple(notes)

    def _classification(self, marking: Marking, refs: frozenset[str]) -> str | None:
        level = strictest((marking.classification, *(self._classified.get(ref.lower()) for ref in refs)))
        return None if level == CLEARANCES[0] else level

    def _recipients(self, marking: Marking) -> frozenset[str]:
        addressed = [named for named in (marking.recipients, self._handling.recipients) if named is not None]
        if not addressed:
            return frozenset()
        # addressed to nobody whom all name: then it is for its owner alone, which must not look like "for everyone"
        return frozenset.intersection(*addressed) or frozenset({self._owner})

    def _read(self, ref: str) -> Marking:
        marking = self._known.get(ref)
        if marking is None:
            definition = None if ref in self._refused else self._definitions.get(ref)
            marking = UNKNOWN if definition is None else self._addressed(read_marking(definition))
            self._known[ref] = marking
        return marking

    def _drops(self, ref: str) -> bool:
        definition = self._definitions.get(ref) if ref in KNOWN_MARKINGS else None
        return definition is not None and says_more(definition)

    def _addressed(self, marking: Marking) -> Marking:
        """Turn references into addresses before they are joined: a party's name and its URI mean the same."""
        if marking.recipients is None:
            return marking
        return msgspec.structs.replace(marking, recipients=frozenset(map(self._address, marking.recipients)))
