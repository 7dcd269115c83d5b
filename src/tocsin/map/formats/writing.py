"""A map to files. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.map.formats.reading import Format
    from tocsin.map.model import AssetMap

__all__ = ["write"]


def write(plan: AssetMap, form: Format) -> dict[str, bytes]:
    """Return the files, by name, that ``read_files`` reads as the same map. Raises ``UsageError`` for what is read only."""
    raise UsageError(f"a map of {len(plan.assets)} assets is not yet written as {form}")
