"""A bill while it is read: parts by the references of its document, edges, faults with their places, what is left."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import structs

from tocsin.errors import MapError, MapFault
from tocsin.map.formats.fields import Wrong
from tocsin.map.supply.model import MOST_LINKS, MOST_PARTS, Bill, Part, Statement, faults, part_faults
from tocsin.map.supply.names import canonical_purl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.map.supply.model import Verdict

__all__ = ["MOST_FAULTS", "Draft", "ReadBill"]

# After so many, whoever made it has something to do.
MOST_FAULTS: Final = 1_000


class ReadBill(msgspec.Struct, frozen=True, kw_only=True):
    """A bill that was read. ``form``: the document's format and version; ``sha256`` of its bytes.

    ``left``: how many of what in the document was not taken; ``notes``: what else is to be known of the reading.
    """

    bill: Bill
    form: str
    sha256: str
    left: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Draft:
    """What has been read so far. Parts are named by their references in the document; faults by JSON paths."""

    name: str
    parts: list[Part] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    contains: dict[int, dict[int, None]] = field(default_factory=lambda: defaultdict(dict))
    depends_on: dict[int, dict[int, None]] = field(default_factory=lambda: defaultdict(dict))
    # parts of the document that are not in the product, and whatever else has a reference there
    apart: set[str] = field(default_factory=set)
    statements: list[Statement] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    faults: list[MapFault] = field(default_factory=list)

    def wrong(self, at: str, cause: str, expected: str) -> None:
        """Note a fault."""
        self.faults.append(MapFault(at=f"{self.name}: {at}", cause=cause, expected=expected))

    def text(self, raw: Mapping[str, object], field_: str, at: str, *, instead: str = "") -> str:
        """Return a text of an object, without spaces at its ends; empty where there is none.

        ``instead``: of what is no text, so that the fault is told once.
        """
        value = raw.get(field_)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.wrong(f"{at}.{field_}", f"is {str(value)[:60]!r}", "text")
            return instead
        return value.strip()

    def listed(self, raw: Mapping[str, object], field_: str, at: str) -> list[tuple[str, Mapping[str, object]]]:
        """Return the objects of a list, each with its path."""
        value = raw.get(field_)
        if value is None:
            return []
        where = f"{at}.{field_}" if at else field_
        if not isinstance(value, list):
            self.wrong(where, f"is {str(value)[:60]!r}", "a list")
            return []
        found: list[tuple[str, Mapping[str, object]]] = []
        for number, one in enumerate(value):
            if isinstance(one, dict):
                found.append((f"{where}[{number}]", one))
            else:
                self.wrong(f"{where}[{number}]", f"is {str(one)[:60]!r}", "an object")
        return found

    def add(self, part: Part, at: str, reference: str = "") -> int:
        """Take a part; returns its number."""
        number = len(self.parts)
        if number >= MOST_PARTS:
            self.wrong(at, f"more than {MOST_PARTS:,} parts", "a bill for each product")
            raise MapError(tuple(self.faults))
        if part.purl:
            try:
                part = structs.replace(part, purl=canonical_purl(part.purl))
            except Wrong as wrong:
                self.wrong(f"{at}.purl", wrong.cause, wrong.expected)
                part = structs.replace(part, purl="")
        for cause, expected in part_faults(part):
            self.wrong(at, cause, expected)
        self.parts.append(part)
        self.refer(reference, at)
        if reference:
            self.numbers.setdefault(reference, number)
        return number

    def aside(self, reference: str, at: str) -> None:
        """Note a reference to what is no part of the product."""
        self.refer(reference, at)
        if reference:
            self.apart.add(reference)

    def refer(self, reference: str, at: str) -> None:
        """Note that a reference stands here; a second time is a fault."""
        if reference and (reference in self.numbers or reference in self.apart):
            self.wrong(at, f"the reference {reference[:80]!r} stands twice", "each once")

    def number_of(self, reference: object, at: str) -> int | None:
        """Return the part that a reference names; None, with a fault where there is nothing of that name."""
        if isinstance(reference, str) and reference in self.numbers:
            return self.numbers[reference]
        if not isinstance(reference, str) or reference not in self.apart:
            self.wrong(at, f"there is nothing with the reference {str(reference)[:80]!r}", "one of this document")
        return None

    def bill(self) -> Bill:
        """Return the bill, every part of it in its product.

        Raises:
            MapError: with every fault that was found.
        """
        links = sum(map(len, self.contains.values())) + sum(map(len, self.depends_on.values()))
        if links > MOST_LINKS:
            self.wrong("the document", f"{links:,} edges", f"at most {MOST_LINKS:,}")
        self._require_none()
        self._hold()
        parts = tuple(
            structs.replace(part, contains=tuple(self.contains[at]), depends_on=tuple(self.depends_on[at]))
            for at, part in enumerate(self.parts)
        )
        bill = Bill(parts=parts, statements=tuple(self.statements))
        for fault in faults(bill):
            self.wrong(fault.at or "the document", fault.cause, fault.expected)
        self._require_none()
        return bill

    def _require_none(self) -> None:
        if self.faults:
            more = len(self.faults) - MOST_FAULTS
            told = self.faults[:MOST_FAULTS]
            if more > 0:
                told.append(MapFault(cause=f"{more:,} more faults", expected="none: mend those above, and read again"))
            raise MapError(tuple(told))

    def _hold(self) -> None:
        """Put into the product what stands in the document and nothing leads to: first what nothing else holds."""
        held = {
            other for edges in (self.contains, self.depends_on) for at in edges for other in edges[at] if other != at
        }
        reached = self._reached([0, *(at for at in range(1, len(self.parts)) if at not in held)])
        for at in range(1, len(self.parts)):
            if at not in held:
                self.contains[0][at] = None
            elif at not in reached:  # a ring: by its first
                self.contains[0][at] = None
                reached |= self._reached([at])

    def _reached(self, begin: list[int]) -> set[int]:
        reached, waiting = set(begin), list(begin)
        while waiting:
            at = waiting.pop()
            for other in (*self.contains[at], *self.depends_on[at]):
                if other not in reached:
                    reached.add(other)
                    waiting.append(other)
        return reached

    def state(self, ids: list[str], verdict: Verdict, parts: list[int]) -> None:
        """Take a statement on a vulnerability."""
        if parts:
            self.statements.append(Statement(ids=tuple(dict.fromkeys(ids)), verdict=verdict, parts=tuple(parts)))
