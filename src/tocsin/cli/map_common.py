"""Where a command has its map from: the hub, as one reader sees it, or files of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from tocsin.cli.options import checked
from tocsin.cli.session import opened, write_new
from tocsin.errors import InputError, UsageError
from tocsin.map.formats import Format, ReadMap, read_folder, write
from tocsin.map.model import AssetMap
from tocsin.map.seen import Seen
from tocsin.map.service import sorted_by_name
from tocsin.parties.model import check_purpose

__all__ = [
    "FromOption",
    "MappingOption",
    "PlotOption",
    "ReaderOption",
    "SeenPurposeOption",
    "map_of",
    "read_map",
    "write_map",
]

ReaderOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--as", metavar="PARTY|USER@PARTY", help="The map that this reader may see; each page is a release."),
]
FromOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--from", metavar="FOLDER|FILE", help="The map in these files, which need no hub and go nowhere."),
]
MappingOption: TypeAlias = Annotated[
    str | None, typer.Option("--mapping", metavar="FILE", help="What is what in the files, if not mapping.yaml there.")
]
SeenPurposeOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--purpose", metavar="PURPOSE", help="What the reader reads for.", callback=checked("--purpose", check_purpose)
    ),
]
PlotOption: TypeAlias = Annotated[
    str | None, typer.Option("--plot", metavar="FILE", help="Draw it, as .svg or .png (needs the extra `plot`).")
]


def read_map(path: str, mapping: str | None) -> ReadMap:
    """Read a map from a folder or file.

    Raises:
        UsageError: there is none; MapError: every fault in it.
    """
    place = Path(path)
    if not place.exists():
        raise UsageError("there is no such folder or file", where=path, todo="name one")
    if mapping is not None and not Path(mapping).is_file():
        raise UsageError("there is no such file", where=mapping, todo="name a mapping file")
    return read_folder(place, None if mapping is None else Path(mapping))


def map_of(
    reader: str | None, files: str | None, mapping: str | None, purpose: str, collection: str | None = None
) -> Seen:
    """Return the map of a reader at the hub, or of files.

    Raises:
        UsageError: neither is said, or both.
    """
    if (reader is None) == (files is None):
        raise UsageError("say whose map: --as a reader of the hub, or --from files", todo="one of the two")
    if files is not None:
        return sorted_by_name(_whole(read_map(files, mapping)))
    with opened() as session:
        return session.hub.maps.seen(session.asker(reader or "", purpose), collection)


def _whole(read: ReadMap) -> Seen:
    """Return files' map as if its reader saw all of it."""
    return Seen(plan=read.plan, refs={asset.id: asset.id for asset in read.plan.assets})


def write_map(plan: AssetMap, form: Format, folder: Path) -> list[str]:
    """Write a map into new files of a folder; returns their names.

    Raises:
        InputError: one of them is there already; UsageError: it cannot be written.
    """
    files = write(plan, form)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"it cannot be made: {error.strerror}", where=str(folder)) from error
    clash = next((name for name in sorted(files) if (folder / name).exists()), None)
    if clash is not None:
        raise InputError(f"there is a file {clash} already", where=str(folder), todo="name another folder")
    for name, data in files.items():
        write_new(str(folder / name), data)
    return sorted(files)
