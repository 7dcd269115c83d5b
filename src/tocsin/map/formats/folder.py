"""A folder or a file on disk to a map: within limits, and nothing outside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.agreements.document.tree import MAX_BYTES as MOST_MAPPING
from tocsin.errors import LimitError, NotFoundError
from tocsin.map.formats.limits import MOST_BYTES, MOST_FILES
from tocsin.map.formats.reading import read_files

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.map.formats.reading import ReadMap

__all__ = ["read_folder"]

_ENDINGS: Final = (".csv", ".geojson", ".graphml", ".inp", ".json", ".yaml")


def read_folder(path: Path, mapping: Path | None = None) -> ReadMap:
    """Return the map of a folder's files, or of one file; ``mapping``: by default the folder's ``mapping.yaml``.

    Files whose names begin with a dot, links that lead out of the folder and folders within it are not read, nor is
    what no format is for. Raises as ``read_files`` does; ``NotFoundError`` where there is nothing to read.
    """
    if not path.exists():
        raise NotFoundError("there is no such file or folder", where=str(path))
    inside = [path] if path.is_file() else sorted(one for one in path.iterdir() if _taken(one, path))
    if not inside:
        raise NotFoundError("no file of a map", where=str(path), todo=f"files that end with {', '.join(_ENDINGS)}")
    if len(inside) > MOST_FILES:
        raise LimitError(f"{len(inside)} files", where=str(path), todo=f"at most {MOST_FILES}")
    left = MOST_BYTES
    files: dict[str, bytes] = {}
    for one in inside:
        left -= one.stat().st_size
        if left < 0:
            raise LimitError("the files are larger than we take", where=str(path), todo=f"{MOST_BYTES:,} bytes at most")
        files[one.name] = _bytes(one, MOST_BYTES)
    return read_files(files, None if mapping is None else _bytes(mapping, MOST_MAPPING))


def _taken(one: Path, folder: Path) -> bool:
    plain = one.is_file() and not one.name.startswith(".") and one.resolve().parent == folder.resolve()
    return plain and one.name.lower().endswith(_ENDINGS)


def _bytes(path: Path, most: int) -> bytes:
    """Return a file's bytes, of one that grows meanwhile no more than so many."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise NotFoundError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if len(data) > most:
        raise LimitError("the file is larger than we take", where=str(path), todo=f"{most:,} bytes at most")
    return data
