"""How sure a producer is: STIX `confidence` with its scales, and the Admiralty code. Pure.

STIX 2.1 §3.2 gives most objects a `confidence` of 0 to 100, and appendix A says how the scales that people use map to
it and back. It has one half of the Admiralty code, the credibility of the information; the reliability of the source
has no place there. Both halves stand in a property extension of ours (see ``docs/confidence.md``)::

    "extensions": {
        "extension-definition--b248f008-8a3e-4bd8-be5f-d8966833cb51": {
            "extension_type": "property-extension",
            "source_reliability": "B",
            "information_credibility": 2
        }
    }
"""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ADMIRALTY_EXTENSION",
    "CREDIBILITY_MEANS",
    "MAX_CONFIDENCE",
    "RELIABILITY_MEANS",
    "SCALES",
    "Admiralty",
    "Assessment",
    "Scale",
    "Step",
    "assess",
    "confidence_of",
    "contradiction",
    "from_scale",
    "read_admiralty",
    "read_code",
    "to_scale",
]

ADMIRALTY_EXTENSION: Final = "extension-definition--b248f008-8a3e-4bd8-be5f-d8966833cb51"
MAX_CONFIDENCE: Final = 100

RELIABILITY_MEANS: Final[dict[str, str]] = {
    "A": "completely reliable",
    "B": "usually reliable",
    "C": "fairly reliable",
    "D": "not usually reliable",
    "E": "unreliable",
    "F": "reliability cannot be judged",
}
CREDIBILITY_MEANS: Final[dict[int, str]] = {
    1: "confirmed by other sources",
    2: "probably true",
    3: "possibly true",
    4: "doubtful",
    5: "improbable",
    6: "truth cannot be judged",
}
# What cannot be judged says nothing, so that it neither orders nor filters.
UNJUDGED_RELIABILITY: Final = "F"
UNJUDGED_CREDIBILITY: Final = 6

_CODE: Final = re.compile(r"([A-F])([1-6])")


class Admiralty(msgspec.Struct, frozen=True, kw_only=True):
    """The Admiralty code: A to F for the source, 1 to 6 for the information; either half may be missing, not both."""

    reliability: str | None = None
    credibility: int | None = None

    def __post_init__(self) -> None:
        if self.reliability is None and self.credibility is None:
            raise InputError("an Admiralty code has a source_reliability, an information_credibility, or both")
        if self.reliability is not None and self.reliability not in RELIABILITY_MEANS:
            raise InputError("source_reliability is one of A to F", where="source_reliability")
        if self.credibility is not None and self.credibility not in CREDIBILITY_MEANS:
            raise InputError("information_credibility is a number from 1 to 6", where="information_credibility")

    def __str__(self) -> str:
        return f"{self.reliability or '-'}{self.credibility or '-'}"


class Assessment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an object says of how sure it is; None where it says nothing.

    ``confidence`` is the object's own `confidence`, or where it has none what its credibility maps to by appendix A.
    """

    confidence: int | None = None  # 0 to 100
    reliability: str | None = None  # "A" to "F"
    credibility: int | None = None  # 1 to 6


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a scale: its name, the confidence that it is written as, and those that are read as it."""

    name: str
    value: int
    lowest: int
    highest: int


class Scale(enum.StrEnum):
    """The scales of STIX 2.1 appendix A."""

    LEVELS = "none-low-med-high"
    TEN = "0-10"
    ADMIRALTY = "admiralty-credibility"
    WEP = "wep"
    DNI = "dni"


def _steps(*rows: tuple[str, int, int]) -> tuple[Step, ...]:
    """Make a scale of (name, value, highest), each step beginning where the one before ended."""
    lowest, made = 0, []
    for name, value, highest in rows:
        made.append(Step(name=name, value=value, lowest=lowest, highest=highest))
        lowest = highest + 1
    return tuple(made)


SCALES: Final[dict[Scale, tuple[Step, ...]]] = {
    Scale.LEVELS: _steps(("None", 0, 0), ("Low", 15, 29), ("Med", 50, 69), ("High", 85, 100)),
    Scale.TEN: _steps(*((str(step), 10 * step, min(10 * step + 4, MAX_CONFIDENCE)) for step in range(11))),
    # "6 - Truth cannot be judged" has no value: it is written as no confidence at all
    Scale.ADMIRALTY: _steps(
        ("5 - Improbable", 10, 19),
        ("4 - Doubtful", 30, 39),
        ("3 - Possibly True", 50, 59),
        ("2 - Probably True", 70, 79),
        ("1 - Confirmed by other sources", 90, 100),
    ),
    Scale.WEP: _steps(
        ("Impossible", 0, 0),
        ("Highly Unlikely/Almost Certainly Not", 10, 19),
        ("Unlikely/Probably Not", 30, 39),
        ("Even Chance", 50, 59),
        ("Likely/Probable", 70, 79),
        ("Highly likely/Almost Certain", 90, 99),
        ("Certain", 100, 100),
    ),
    Scale.DNI: _steps(
        ("Almost No Chance / Remote", 5, 9),
        ("Very Unlikely / Highly Improbable", 15, 19),
        ("Unlikely / Improbable", 30, 39),
        ("Roughly Even Chance / Roughly Even Odds", 50, 59),
        ("Likely / Probable", 70, 79),
        ("Very Likely / Highly Probable", 85, 89),
        ("Almost Certain / Nearly Certain", 95, 100),
    ),
}
"""STIX 2.1 appendix A, tables 1 to 5, from the least confident step to the most."""


def to_scale(confidence: int, scale: Scale) -> Step:
    """Return the step that a confidence of 0 to 100 is on a scale.

    Raises:
        InputError: the confidence is out of its range.
    """
    for step in SCALES[scale]:
        if step.lowest <= confidence <= step.highest:
            return step
    raise InputError(f"confidence is from 0 to {MAX_CONFIDENCE} (STIX 2.1 §3.2)", where="confidence")


def from_scale(name: str, scale: Scale) -> int:
    """Return the confidence that a step of a scale is written as; the step's name in any case, or its first word.

    Raises:
        InputError: the scale has no such step.
    """
    asked = name.strip().casefold()
    for step in SCALES[scale]:
        whole = step.name.casefold()
        if asked in {whole, whole.split(" - ", 1)[0], *(part.strip() for part in whole.split("/"))}:
            return step.value
    names = ", ".join(step.name for step in SCALES[scale])
    raise InputError(f"{name[:60]!r} is no step of the scale {scale}", todo=f"use one of: {names}")


def confidence_of(credibility: int) -> int | None:
    """Return what a credibility of 1 to 6 is as `confidence`: None for 6, whose truth cannot be judged."""
    return None if credibility == UNJUDGED_CREDIBILITY else from_scale(str(credibility), Scale.ADMIRALTY)


def read_code(code: str) -> Admiralty:
    """Read an Admiralty code as people write it, ``B2``.

    Raises:
        InputError: it is none.
    """
    match = _CODE.fullmatch(code.strip().upper())
    if match is None:
        raise InputError(f"{code[:20]!r} is no Admiralty code", todo="write A to F and 1 to 6: B2")
    return Admiralty(reliability=match[1], credibility=int(match[2]))


def read_admiralty(extensions: Mapping[str, object]) -> Admiralty | None:
    """Read the Admiralty code among an object's extensions: None where there is none.

    Raises:
        InputError: there is one, and it is not written as it has to be.
    """
    contents = extensions.get(ADMIRALTY_EXTENSION)
    if contents is None:
        return None
    where = f"extensions.{ADMIRALTY_EXTENSION}"
    if not isinstance(contents, dict) or contents.get("extension_type") != "property-extension":
        raise InputError("the Admiralty code is a property-extension", where=f"{where}.extension_type")
    if unread := contents.keys() - {"extension_type", "source_reliability", "information_credibility"}:
        raise InputError(
            f"an Admiralty code has no {min(unread)[:60]!r}", where=where, todo="see docs/confidence.md for what it has"
        )
    reliability, credibility = contents.get("source_reliability"), contents.get("information_credibility")
    if reliability is not None and not isinstance(reliability, str):
        raise InputError("source_reliability is one of A to F", where=f"{where}.source_reliability")
    # True is an int to Python, and no number to JSON
    if credibility is not None and (not isinstance(credibility, int) or isinstance(credibility, bool)):
        raise InputError("information_credibility is a number from 1 to 6", where=f"{where}.information_credibility")
    try:
        return Admiralty(reliability=reliability, credibility=credibility)
    except InputError as error:
        place = f"{where}.{error.where}" if error.where else where
        raise InputError(error.what, where=place) from error


def assess(decoded: Mapping[str, object]) -> Assessment:
    """Return what an object, decoded from its bytes, says of how sure it is. What is malformed says nothing."""
    extensions = decoded.get("extensions")
    try:
        admiralty = read_admiralty(extensions) if isinstance(extensions, dict) else None
    except InputError:
        admiralty = None
    credibility = None if admiralty is None else admiralty.credibility
    stated = decoded.get("confidence")
    if not isinstance(stated, int) or isinstance(stated, bool) or not 0 <= stated <= MAX_CONFIDENCE:
        stated = None if credibility is None else confidence_of(credibility)
    return Assessment(
        confidence=stated,
        reliability=None if admiralty is None else admiralty.reliability,
        credibility=credibility,
    )


def contradiction(confidence: int | None, admiralty: Admiralty) -> str | None:
    """Return in what an object contradicts itself, as a sentence, or None.

    A credibility covers a range of `confidence` (appendix A); beside 6 there is none to state.
    """
    credibility = admiralty.credibility
    if confidence is None or credibility is None:
        return None
    if credibility == UNJUDGED_CREDIBILITY:
        return f"its information_credibility 6 says that it cannot be judged, and its confidence says {confidence}"
    step = to_scale(confidence, Scale.ADMIRALTY)
    if step.name.startswith(str(credibility)):
        return None
    return f"its information_credibility is {credibility}, and its confidence of {confidence} reads as {step.name}"
