"""What was read before it is a map: rows of values as they stood, each with its place, and the faults found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tocsin.errors import MapError, MapFault
from tocsin.map.formats.limits import MOST_FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Draft", "Row"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One asset, failure mode, group or supplier as it was read: our names of fields, their values, or text of them.

    ``at``: the file and the line, feature or element. ``loose``: a part of it could not be read, which is told; what
    it lacks may be that. ``held``: fields that what it stands in gives it, and is told of.
    """

    at: str
    values: Mapping[str, object]
    loose: bool = False
    held: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Draft:
    """The rows of all files of a map, and what is wrong with them; ``notes``: what was not taken, and is no fault."""

    assets: list[Row] = field(default_factory=list)
    modes: list[Row] = field(default_factory=list)
    groups: list[Row] = field(default_factory=list)
    suppliers: list[Row] = field(default_factory=list)
    # of groups that no file describes, by file: what they are where suppliers of them are named
    implied: dict[str, Row] = field(default_factory=dict)
    # rows that could not be read, by table: what stands in each, a name among it
    lost: dict[str, list[frozenset[str]]] = field(default_factory=dict)
    # rows of assets whose names nobody knows; and whether nobody knows how many there are
    nameless: int = 0
    blind: bool = False
    faults: list[MapFault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def wrong(
        self,
        at: str,
        cause: str,
        expected: str,
        *,
        asset: str | None = None,
        group: str | None = None,
        supplier: str | None = None,
    ) -> None:
        """Note a fault."""
        self.faults.append(MapFault(at=at, asset=asset, group=group, supplier=supplier, cause=cause, expected=expected))

    def lose(self, table: str, texts: Iterable[str]) -> None:
        """Note a row that could not be read, by what stands in it: what refers to it is no fault of its own."""
        self.lost.setdefault(table, []).append(frozenset(texts))

    def done(self) -> None:
        """Raise ``MapError`` with all that was found, if anything was."""
        if not self.faults:
            return
        more = len(self.faults) - MOST_FAULTS
        told = self.faults[:MOST_FAULTS]
        if more > 0:
            told.append(MapFault(cause=f"{more:,} more faults", expected="none: mend those above, and read again"))
        raise MapError(tuple(told))
