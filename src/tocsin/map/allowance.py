"""How much of a map one answer holds, and how much of that one party may fill. Pure.

A reader's answer is bounded. Were it refused whenever that is too little, one member who shares without end would close
the map for everybody. So each party has half of it and no more; whoever shares more is left out whole, and named with
the cause, since half of somebody's words would read as all of them. What one party shares never decides whether another
is left out: the largest is not dropped to make room, or whoever wanted it gone would have to add some objects only.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tocsin.errors import LimitError

__all__ = ["MOST_LEFT_OUT", "Allowance", "PartyLeftOut"]

# Of each party that is left out, half an answer was read before. So many at most: beyond, the answer is refused.
MOST_LEFT_OUT: Final = 8


class PartyLeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A party of whose objects none is in an answer, and why."""

    party: str
    cause: str


class Allowance:
    """What one answer has taken so far: ``most`` objects, and ``most_bytes``, of which one party has half."""

    def __init__(self, most: int, most_bytes: int | None = None) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._taken: dict[str, tuple[int, int]] = {}
        self._count = 0
        self._held = 0
        self._left_out: dict[str, str] = {}

    @property
    def left_out(self) -> tuple[PartyLeftOut, ...]:
        """The parties of whom nothing is taken any more, by URI."""
        return tuple(PartyLeftOut(party=party, cause=cause) for party, cause in sorted(self._left_out.items()))

    @property
    def parties(self) -> frozenset[str]:
        """Their URIs alone."""
        return frozenset(self._left_out)

    def takes(self, party: str, size: int) -> bool:
        """Count an object of a party, of so many bytes; returns whether it is taken.

        While they are read there may be half as many more: whoever is left out in the end may come last.

        Raises:
            LimitError: all of them together are more than that.
        """
        if party in self._left_out:
            return False
        count, held = self._taken.get(party, (0, 0))
        self._taken[party] = count, held = count + 1, held + size
        self._count, self._held = self._count + 1, self._held + size
        if count > self._most // 2:
            return self._leave_out(party, f"it shares more than {self._most // 2:,} objects")
        if self._most_bytes is not None and held > self._most_bytes // 2:
            return self._leave_out(party, f"it shares more than {self._most_bytes // 2:,} bytes")
        self._require(self._most + self._most // 2, None if self._most_bytes is None else self._most_bytes * 3 // 2)
        return True

    def require(self) -> None:
        """See that what was taken, when all is read, is no more than one answer holds.

        Raises:
            LimitError: it is.
        """
        self._require(self._most, self._most_bytes)

    def _require(self, most: int, most_bytes: int | None) -> None:
        if self._count > most:
            raise LimitError(f"the map has more than {self._most:,} objects", todo="read one collection")
        if most_bytes is not None and self._held > most_bytes:
            raise LimitError(f"the map has more than {self._most_bytes:,} bytes", todo="read one collection")

    def _leave_out(self, party: str, cause: str) -> bool:
        count, held = self._taken.pop(party)
        self._count, self._held = self._count - count, self._held - held
        self._left_out[party] = f"{cause}, which is half of what one answer holds"
        if len(self._left_out) > MOST_LEFT_OUT:
            raise LimitError(f"more than {MOST_LEFT_OUT} parties fill the map", todo="read one collection")
        return False
