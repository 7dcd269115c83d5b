"""A matrix between sectors as CSV: a header with their names, then a row for each that begins with its name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tocsin.map.between import MOST_SECTORS
from tocsin.map.formats.draft import Draft
from tocsin.map.formats.fields import Wrong, number_of
from tocsin.map.formats.tables import records, spoiled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["MOST_MATRIX", "read_matrix"]

# Of as many sectors as we take, numbers of eight digits.
MOST_MATRIX: Final = 10 * MOST_SECTORS**2
_SHOWN: Final = 60


def read_matrix(name: str, data: bytes) -> tuple[tuple[str, ...], Floats]:
    """Return the sectors in the order of the columns, and A with A[i][j] what i (a row) loses by losing all of j.

    Rows may stand in any order. ``name``: of the file, for its faults. Raises ``MapError`` with every fault, each with
    its line.
    """
    draft = Draft()
    rows = records(draft, name, data)
    at, header = next(rows, (f"{name}:1", []))
    spoiled(draft, at, header)
    draft.done()
    names = [cell.strip() for cell in header[1:]]
    _check(draft, at, names)
    draft.done()
    place = {sector: number for number, sector in enumerate(names)}
    matrix = np.zeros((len(names), len(names)))
    seen: dict[str, str] = {}
    for at, cells in rows:
        if spoiled(draft, at, cells):
            continue
        sector = cells[0].strip()
        if sector not in place:
            draft.wrong(at, f"the row {sector[:_SHOWN]!r} is no column", f"one of {_few(names)}")
        elif seen.setdefault(sector, at) != at:
            draft.wrong(
                at, f"the row {sector[:_SHOWN]!r} stands twice", f"each sector once; it is {seen[sector]} already"
            )
        elif len(cells) != len(header):
            draft.wrong(at, f"{len(cells)} cells", f"{len(header)}, as many as the header has")
        else:
            matrix[place[sector]] = list(_numbers(draft, at, names, cells[1:]))
    missing = [sector for sector in names if sector not in seen]
    if missing and not draft.faults:
        draft.wrong(name, f"there is no row for {_few(missing)}", "a row for each column")
    draft.done()
    return tuple(names), matrix


def _check(draft: Draft, at: str, names: list[str]) -> None:
    if not names:
        draft.wrong(at, "there are no sectors", "a header: a cell that is not read, then the name of each sector")
    if len(names) > MOST_SECTORS:
        draft.wrong(at, f"{len(names):,} sectors", f"at most {MOST_SECTORS:,}")
    twice = sorted({one for one in names if names.count(one) > 1}) if len(names) <= MOST_SECTORS else []
    if twice:
        draft.wrong(at, f"the column {twice[0][:_SHOWN]!r} stands twice", "each sector once")


def _numbers(draft: Draft, at: str, names: list[str], cells: list[str]) -> Iterator[float]:
    """Yield what one sector has of each; 0 for what is no number, which is a fault."""
    for sector, cell in zip(names, cells, strict=True):
        number = 0.0
        try:
            number = number_of(cell)
        except Wrong as error:
            draft.wrong(at, f"the column {sector[:_SHOWN]!r} {error.cause}", error.expected)
        if number < 0:
            draft.wrong(at, f"the column {sector[:_SHOWN]!r} is {number:g}", "0 or more")
        yield number


def _few(names: list[str]) -> str:
    shown = ", ".join(repr(one[:_SHOWN]) for one in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"  # noqa: PLR2004  as many as are shown
