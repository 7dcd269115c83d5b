"""CSV (RFC 4180) in and out: four tables, assets.csv, failure_modes.csv, groups.csv and suppliers.csv. Pure."""

from __future__ import annotations

import csv
import io
import itertools
from typing import TYPE_CHECKING, Final

from tocsin.map.formats.draft import Draft, Row
from tocsin.map.formats.fields import LINK, REQUIRED, TABLES, text_of
from tocsin.map.formats.limits import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tocsin.map.formats.recipe import FileRecipe

__all__ = ["read_table", "records", "spoiled", "write_tables"]

_DELIMITERS: Final = ",;\t"
# What a spreadsheet takes for a formula and runs (OWASP, CSV injection): an apostrophe before it is text to it.
_FORMULA: Final = ("=", "+", "-", "@", "'")
_NUMBERS: Final = frozenset({"longitude", "latitude"})  # all that may be negative
_SHOWN: Final = 60


def read_table(draft: Draft, name: str, data: bytes, recipe: FileRecipe) -> Iterator[Row]:
    """Yield the rows of a table with our names of fields; faults go into the draft.

    UTF-8, with or without a byte order mark. A column that means nothing is a fault, or a note where a mapping names
    the columns. Text of more rows than are taken ends there, with a fault.
    """

    def lose(cells: list[str]) -> None:
        _lose(draft, recipe, cells)

    begun = len(draft.faults)
    rows = records(draft, name, data, recipe.delimiter, lose=lose)
    at, header = next(rows, (f"{name}:1", []))
    # the row after a header that is no CSV is none
    columns = None if len(draft.faults) > begun else _header(draft, at, header, recipe)
    if columns is None:
        draft.blind |= recipe.table in {"assets", "links"}
        for _, cells in rows:
            draft.lose(recipe.table, cells)
        return
    width = len(header)
    seen: dict[tuple[str, ...], str] = {}
    for count, (at, cells) in enumerate(rows):
        if count >= MOST_ROWS:
            draft.wrong(at, "there are more rows", f"at most {MOST_ROWS:,}")
            return
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) != width:
            draft.wrong(at, f"{len(cells)} cells", f"{width}, as many as the header has")
            _lose(draft, recipe, cells)
            continue
        if spoiled(draft, at, cells):
            _lose(draft, recipe, [cell for cell in cells if cell.isprintable()])
            draft.nameless += "id" in columns and not cells[columns["id"]].isprintable()
            continue
        if recipe.once and seen.setdefault(tuple(cells), at) != at:
            draft.notes.append(f"{at}: not taken: it repeats {seen[tuple(cells)]}")
            continue
        given = {field: _unquoted(cells[place]) for field, place in columns.items()}
        yield Row(at=at, values={**recipe.given, **{field: cell for field, cell in given.items() if cell != ""}})


def _header(draft: Draft, at: str, header: list[str], recipe: FileRecipe) -> dict[str, int] | None:
    if not any(header):
        draft.wrong(at, "there is no header", "a first line with the names of the columns")
        return None
    return None if spoiled(draft, at, header) else _columns(draft, at, header, recipe)


def _lose(draft: Draft, recipe: FileRecipe, cells: list[str]) -> None:
    """Note what stands in a row that could not be read; a delimiter in a name may have parted it."""
    parted = (f"{one}{recipe.delimiter or ','}{other}" for one, other in itertools.pairwise(cells))
    draft.lose("assets" if recipe.table == "links" else recipe.table, [*cells, *parted])


def spoiled(draft: Draft, at: str, cells: list[str]) -> bool:
    """Return whether bytes of these cells are no UTF-8, and tell it."""
    found = next((one for cell in cells if not cell.isascii() for one in cell if "\udc80" <= one <= "\udcff"), None)
    if found is not None:
        draft.wrong(at, f"the byte 0x{ord(found) - 0xDC00:02x}", "UTF-8 text")
    return found is not None


def records(
    draft: Draft,
    name: str,
    data: bytes,
    delimiter: str | None = None,
    *,
    lose: Callable[[list[str]], None] | None = None,
) -> Iterator[tuple[str, list[str]]]:
    """Yield the place and the cells of each record that is not empty; what is no CSV is a fault, and left out.

    Bytes that are no UTF-8 stand in their cells, for ``spoiled`` to tell. ``lose``: is given what was left out.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape")
    first = text[: text.find("\n")] if "\n" in text else text
    chosen = delimiter or max(_DELIMITERS, key=first.count)
    taken: list[str] = []
    reader = csv.reader(_kept(io.StringIO(text, newline=""), taken), delimiter=chosen, strict=True)
    begins = 1
    while True:
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            draft.wrong(f"{name}:{begins}", f"no CSV: {error}", "RFC 4180: quotes closed, and doubled within quotes")
            if lose is not None:
                for line in taken:  # an open quote takes lines with it
                    lose([cell.strip() for cell in line.replace('"', chosen).split(chosen)])
            cells = []
        if any(cells):
            yield f"{name}:{begins}", cells
        begins = reader.line_num + 1


def _kept(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _columns(draft: Draft, at: str, header: list[str], recipe: FileRecipe) -> dict[str, int] | None:
    """Return the place of the column of each field; None where rows cannot be read without more."""
    header = [column.strip() for column in header]
    while header and not header[-1].strip(";"):
        header.pop()  # a delimiter after the last column
    where = {column: place for place, column in enumerate(header)}
    fine = True
    if len(where) < len(header):
        twice = sorted({column for column in header if header.count(column) > 1})
        draft.wrong(at, f"the column {twice[0][:_SHOWN]!r} stands twice", "each column once")
        fine = False
    fields = LINK if recipe.table == "links" else TABLES[recipe.table]
    if recipe.columns:
        mapped = _mapped(draft, at, where, recipe)
        return mapped if fine else None
    unknown = [column for column in where if column not in fields]
    for column in unknown:
        draft.wrong(at, f"the unknown column {column[:_SHOWN]!r}", ", ".join(fields))
    missing = [field for field in REQUIRED[recipe.table] if field not in where and field not in recipe.given]
    for field in missing[len(unknown) :]:  # a column of another name is told as that
        draft.wrong(at, f"there is no column {field!r}", "it, or a mapping file that says which column it is")
    fine = fine and not missing
    return {column: place for column, place in where.items() if column in fields} if fine else None


def _mapped(draft: Draft, at: str, where: Mapping[str, int], recipe: FileRecipe) -> dict[str, int] | None:
    """Return the places of the columns that the mapping names; None where one of them is missing."""
    missing = [(field, column) for field, column in recipe.columns.items() if column not in where]
    for field, column in missing:
        draft.wrong(at, f"there is no column {column[:_SHOWN]!r}", f"it, for {field}, as the mapping says")
    left = [column for column in where if column not in recipe.columns.values()]
    if left:
        draft.notes.append(f"{at}: not taken: {', '.join(left)}")
    return None if missing else {field: where[column] for field, column in recipe.columns.items()}


def _unquoted(cell: str) -> str:
    if cell.startswith("'") and cell[1:2] in _FORMULA:
        return cell[1:]
    return cell


def _quoted(field: str, text: str) -> str:
    """Return text that no spreadsheet runs; numbers may begin with a sign."""
    return f"'{text}" if text.startswith(_FORMULA) and field not in _NUMBERS else text


def write_tables(rows: Mapping[str, Iterable[Mapping[str, object]]]) -> dict[str, bytes]:
    """Return a file for each table; columns that are empty throughout are left out, those required stay."""
    files: dict[str, bytes] = {}
    for table, values in rows.items():
        kept = list(values)
        used = {field for row in kept for field in row} | set(REQUIRED[table])
        columns = [field for field in TABLES[table] if field in used]
        text = io.StringIO(newline="")
        out = csv.writer(text, lineterminator="\n")
        out.writerow(columns)
        for row in kept:
            out.writerow([_quoted(field, text_of(row[field])) if field in row else "" for field in columns])
        if kept or table == "assets":
            files[f"{table}.csv"] = text.getvalue().encode()
    return files
