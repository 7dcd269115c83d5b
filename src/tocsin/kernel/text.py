"""Text of strangers in one normal form, in time that grows with its length alone."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import Literal

__all__ = ["MAX_MARKS", "fitting", "normal"]

MAX_MARKS: Final = 30
"""Combining characters in a row: no writing has so many (UAX #15, Stream-Safe Text Format). Putting a run of them in
order takes its square, and holds the interpreter for as long."""

_JOINER: Final = "\u034f"
# Planes 0 and 1 hold every character that combines, and every one that is several in its compatibility form.
_PLANES: Final = 0x20000
# These count as no combining characters, and are one or two of them in a normal form.
_DECOMPOSED: Final = "\u0f73\u0f75\u0f81\uff9e\uff9f"


def normal(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return a text in a normal form; a longer run of combining characters is broken as the Stream-Safe Format does.

    COMBINING GRAPHEME JOINER stands after every ``MAX_MARKS`` of such a run, and nowhere else.
    """
    return unicodedata.normalize(form, _broken(text))


def fitting(text: str, most: int) -> tuple[str, int]:
    """Return the beginning of a text that has at most ``most`` characters in form NFKC, and how many it may have there.

    One character can be eighteen of them, and making the form takes time by what comes out.
    """
    text = text[:most]
    if text.isascii():
        return text, len(text)
    growth = _growth()
    grown = 0
    for found in _growing().finditer(text):
        before = found.start() + grown
        if before >= most:
            break
        if before + 1 + growth[found[0]] > most:
            return text[: found.start()], before
        grown += growth[found[0]]
    text = text[: most - grown]
    return text, len(text) + grown


def _broken(text: str) -> str:
    # a run that is too long meets one of every so many characters: most text is looked at no closer
    if text.isascii() or _marks().isdisjoint(text[:: MAX_MARKS + 1]):
        return text
    marks = _marks()
    parts: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if character in marks else 0
        if run > MAX_MARKS:
            parts.append(_JOINER)
            run = 1
        parts.append(character)
    return "".join(parts)


@functools.cache
def _marks() -> frozenset[str]:
    """Return the characters whose normal forms begin with one that combines."""
    return frozenset(_DECOMPOSED) | {one for one in map(chr, range(_PLANES)) if unicodedata.combining(one)}


@functools.cache
def _growth() -> dict[str, int]:
    """Return the characters that are several in form NFKC, with how many more they are."""
    lengths = ((one, len(unicodedata.normalize("NFKC", one))) for one in map(chr, range(_PLANES)))
    return {one: length - 1 for one, length in lengths if length > 1}


@functools.cache
def _growing() -> re.Pattern[str]:
    return re.compile(f"[{re.escape(''.join(_growth()))}]")
