"""A small agreement as people write it, to be broken in tests."""

from __future__ import annotations

from typing import Final

__all__ = ["PLAIN", "changed", "place_of"]

PLAIN: Final = """\
agreement: two-towns
version: 1
title: Two towns
in_force: {from: 2026-01-01, until: 2027-01-01}
parties:
  - {name: alfa, as: coordinator}
  - {name: bravo}
  - {all: {capacity: operator, countries: [NO, SE]}}
legal_bases:
  law:
    NO: {cite: "Act 1", valid: [2026-01-01, null]}
    SE: {cite: "Act 2", valid: [2026-01-15, 2026-06-01]}
purposes: [detect, respond]
clauses:
  - id: "1.1"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}}
    for: [detect]
    rests_on: [law]
  - id: "2"
    forbid: read
    of: {category: export-controlled}
    unless: {nationality: [NO, SE]}
"""


def changed(old: str, new: str) -> str:
    """Return the agreement with one piece of its text replaced; the piece is there once."""
    if PLAIN.count(old) != 1:
        raise ValueError(old)
    return PLAIN.replace(old, new)


def place_of(text: str, piece: str) -> tuple[int, int]:
    """Return line and column of the first occurrence of a piece, counted from 1."""
    at = text.index(piece)
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
