"""A folder or a file on disk to a map: within limits, and nothing outside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.map.formats.reading import read_files

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.map.formats.reading import ReadMap

__all__ = ["read_folder"]


def read_folder(path: Path, mapping: Path | None = None) -> ReadMap:
    """Return the map of a folder's files, or of one file; ``mapping``: by default the folder's ``mapping.yaml``."""
    files = [path] if path.is_file() else sorted(one for one in path.iterdir() if one.is_file())
    return read_files({one.name: one.read_bytes() for one in files}, None if mapping is None else mapping.read_bytes())
