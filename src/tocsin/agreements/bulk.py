"""Every verdict of many readers at once: a row of open and shut for each, over the labels of a store.

A thousand readers differ from each other in few labels, their own and those addressed to them: of each class of readers
(``tocsin.agreements.classes``) everything else is decided once, and laid beside what is each one's own. A row is one
integer, a bit for each label: rows of five thousand labels are compared in less than a microsecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tocsin.agreements.classes import Classes, reader_class
from tocsin.agreements.gate import Slice
from tocsin.agreements.ground import Ground, ground_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tocsin.agreements.classes import ReaderClass
    from tocsin.agreements.facts import Facts
    from tocsin.agreements.model import Label, Profile
    from tocsin.kernel.clock import Micros

__all__ = ["Bulk", "Row", "Universe"]

Row: TypeAlias = int
"""Of each label whether it is open: the bit at its place."""

_NOTHING: Final[Row] = 0


class Universe:
    """The labels that some objects carry, as they count at an instant, and how many objects of which type each has."""

    def __init__(self, counted: Iterable[tuple[Label, int]], at: Micros) -> None:
        """Take labels with how many objects carry them."""
        pairs = [(label.as_of(at), count) for label, count in counted if count]
        self.labels = dict(enumerate(label for label, _ in pairs))
        self.size = len(pairs)
        self.total = sum(count for _, count in pairs)
        self._types: dict[str, Row] = {}
        self._planes: dict[int, Row] = {}  # the labels whose count has this power of two in it
        # of each label the number of its kind: equal but for owner; none where it is for somebody by name
        self.kinds: list[int | None] = []
        numbers: dict[Label, int] = {}
        self._owned: dict[str, Row] = {}
        self._addressed: dict[str, Row] = {}
        for place, (label, count) in enumerate(pairs):
            bit = 1 << place
            for rows, key in ((self._types, label.type), (self._owned, label.owner)):
                rows[key] = rows.get(key, _NOTHING) | bit
            kind = msgspec.structs.replace(label, owner="", ends=None)
            self.kinds.append(None if label.recipients else numbers.setdefault(kind, len(numbers)))
            for address in label.recipients:
                self._addressed[address] = self._addressed.get(address, _NOTHING) | bit
            for power in range(count.bit_length()):
                if count >> power & 1:
                    self._planes[power] = self._planes.get(power, _NOTHING) | bit

    @property
    def all(self) -> Row:
        """Return the row in which everything is open."""
        return (1 << self.size) - 1

    def apart(self, profile: Profile) -> Row:
        """Return the labels in which a reader differs from others of its class."""
        found = self._owned.get(profile.party, _NOTHING)
        for address in profile.addresses:
            found |= self._addressed.get(address, _NOTHING)
        return found

    def at(self, row: Row) -> dict[int, Label]:
        """Return the labels of a row, by their places."""
        return self.labels if row == self.all else {place: self.labels[place] for place in places(row)}

    def objects(self, row: Row) -> dict[str, int]:
        """Return how many objects of which types carry the labels of a row."""
        found = {}
        for name in sorted(self._types):
            if here := row & self._types[name]:
                found[name] = sum((here & plane).bit_count() << power for power, plane in self._planes.items())
        return found


class Bulk:
    """Verdicts under one set of facts."""

    def __init__(self, facts: Facts, universe: Universe) -> None:
        self.facts = facts
        self.universe = universe
        self._classes = Classes()
        self._grounds: dict[str, Ground] = {}
        self._kept: dict[tuple[Ground, ReaderClass], _Class] = {}

    def row(self, profile: Profile) -> Row:
        """Return what is open to a reader who holds no grants."""
        ground = self._grounds.get(profile.party)
        if ground is None:
            ground = self._grounds[profile.party] = ground_for(profile.party, self.facts)
        slice_ = Slice(party=profile.party, ground=ground, valid_until=None)
        apart = self.universe.apart(profile)
        key = (ground, reader_class(ground, profile))
        common = self._kept.get(key)
        if common is None:
            common = self._kept[key] = _Class()
        kinds = self.universe.kinds
        # what nobody of the class was asked yet; and of its own what no other asked of its own
        others = self.universe.all & ~common.decided & ~apart
        own = list(places(apart))
        new = sum(1 << place for place in own if kinds[place] is None or kinds[place] not in common.own)
        opened = _NOTHING
        if asked := others | new:
            # one question for all: it is the asking that takes time
            opened = row_of(self._classes.opened(slice_, profile, self.universe.at(asked)))
            common.row |= opened & others
            common.decided |= others
        for place in own:
            if kinds[place] is not None and new >> place & 1:
                common.own[kinds[place]] = bool(opened >> place & 1)
        known = sum(1 << place for place in own if not new >> place & 1 and common.own[kinds[place]])
        return (common.row & ~apart) | (opened & new) | known


class _Class:
    """What readers of one class have in common: what is open to those of them to whom a label is nothing special."""

    def __init__(self) -> None:
        self.row = _NOTHING
        self.decided = _NOTHING
        self.own: dict[int | None, bool] = {}  # whether each one's own of a kind is open to it


def places(row: Row) -> Iterator[int]:
    """Yield the places of a row's labels, the lowest first."""
    for byte, bits in enumerate(row.to_bytes((row.bit_length() + 7) // 8, "little")):
        if bits:
            yield from (8 * byte + bit for bit in range(8) if bits >> bit & 1)


def row_of(found: Iterable[int]) -> Row:
    """Return the row of some places."""
    data = bytearray()
    for place in found:
        byte = place >> 3
        if byte >= len(data):
            data.extend(bytes(byte + 1 - len(data)))
        data[byte] |= 1 << (place & 7)
    return int.from_bytes(data, "little")
