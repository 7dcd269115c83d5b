"""The entries of a log in their order, and what was decided by those told so far."""

from __future__ import annotations

from array import array
from collections import deque
from typing import TYPE_CHECKING

from tocsin.exchange.replay.forms import Decided, Release, broken, shaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tocsin.log.model import EntryPayload

__all__ = ["Ahead"]


class Ahead:
    """The entries in their order, and the releases that were decided by what was told so far, whose entries follow."""

    def __init__(self, entries: Iterable[tuple[int, EntryPayload]]) -> None:
        # by a count of entries: the last release that was decided by just so many; 0: none was
        self._last = array("q")
        for expected, (index, payload) in enumerate(entries):
            if index != expected:
                raise broken(expected, "it is not disclosed: only an export of everything can be replayed")
            self._last.append(0)
            if payload.kind == "release":
                as_of = shaped(index, payload.data, Decided).as_of
                if not 0 < as_of <= index:
                    raise broken(index, "it was decided by entries that came after it")
                self._last[as_of] = index
        self._source = iter(entries)
        self._read: deque[tuple[int, EntryPayload]] = deque()  # and not told yet
        self._upto = -1
        self._waiting: dict[int, list[tuple[int, Release]]] = {}

    def __iter__(self) -> Iterator[tuple[int, EntryPayload]]:
        while self._read or self._more():
            yield self._read.popleft()

    def decided_by(self, count: int) -> list[tuple[int, Release]]:
        """Return the releases that the first ``count`` entries decided, with their places."""
        last = self._last[count] if count < len(self._last) else 0
        while self._upto < last and self._more():
            pass
        return self._waiting.pop(count, [])

    def _more(self) -> bool:
        """Read the next entry; returns whether there is one."""
        found = next(self._source, None)
        if found is None:
            return False
        index, payload = found
        self._read.append(found)
        self._upto = index
        if payload.kind == "release":
            release = shaped(index, payload.data, Release)
            self._waiting.setdefault(release.as_of, []).append((index, release))
        return True
