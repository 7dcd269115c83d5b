"""How much of a map's files is read: each limit with its reason."""

from __future__ import annotations

from typing import Final

from tocsin.errors import LimitError

__all__ = [
    "MOST_BYTES",
    "MOST_DEPTH",
    "MOST_ELEMENTS",
    "MOST_FAULTS",
    "MOST_FILES",
    "MOST_ROWS",
    "MOST_TEXT",
    "bounded",
]

# A million assets with two needs each are 150 MiB as CSV: all files of a map together, as they stand in memory.
MOST_BYTES: Final = 256 << 20
# A region has a file for each network and each operator; a folder with more is another folder than was meant.
MOST_FILES: Final = 200
# Rows, features or elements of one file: what MOST_BYTES holds of the shortest that say anything.
MOST_ROWS: Final = 5_000_000
# One cell, property or attribute: a basis is a sentence, a list of failure modes a page.
MOST_TEXT: Final = 20_000
# How deep JSON and XML are nested: geometry is five deep, a need within a feature six.
MOST_DEPTH: Final = 32
# Elements of one network whose paths are derived: the work grows with their square, half a minute at this many.
MOST_ELEMENTS: Final = 5_000
# So many faults are told one by one; a file with more is another file than was meant.
MOST_FAULTS: Final = 10_000


def bounded(name: str, data: bytes) -> bytes:
    """Return the file itself. Raises ``LimitError`` where it is larger than all files of a map may be."""
    if len(data) > MOST_BYTES:
        raise LimitError(f"the file has {len(data):,} bytes", where=name, todo=f"at most {MOST_BYTES:,}")
    return data
