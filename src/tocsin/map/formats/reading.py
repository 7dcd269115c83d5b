"""Files to a map. Pure: bytes in, a map without a fault out."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from tocsin.errors import UsageError
from tocsin.map.model import AssetMap

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Format", "ReadMap", "Source", "read_files"]


class Format(enum.StrEnum):
    """How a map stands in files."""

    CSV = "csv"
    GEOJSON = "geojson"
    GRAPHML = "graphml"
    EPANET = "epanet"  # read only
    PANDAPOWER = "pandapower"  # read only


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was read, by its digest, and how much of the map came from it."""

    name: str
    sha256: str
    assets: int = 0
    groups: int = 0


class ReadMap(msgspec.Struct, frozen=True, kw_only=True):
    """A map, the files it came from, and what of them was not taken."""

    plan: AssetMap
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()


def read_files(files: Mapping[str, bytes], mapping: bytes | None = None) -> ReadMap:
    """Return the map that these files make together, by their names; ``mapping`` says what is what in them."""
    raise UsageError(f"maps are not yet read from {len(files)} files and a mapping of {len(mapping or b'')} bytes")
