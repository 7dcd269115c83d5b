"""What commands of the map have in common: where a map is from, for whom something is shared, and the receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import msgspec
import typer

from tocsin.agreements.model import Tlp
from tocsin.cli.options import checked
from tocsin.cli.output import Output
from tocsin.cli.session import Session, opened, write_new
from tocsin.errors import ForbiddenError, InputError, UsageError
from tocsin.exchange.model import Outcome
from tocsin.map.formats import Format, ReadMap, read_folder, write
from tocsin.map.model import AssetMap
from tocsin.map.seen import Seen
from tocsin.map.service import sorted_by_name
from tocsin.map.shelf import Sharing
from tocsin.parties.model import Permission, check_purpose, role_permissions

if TYPE_CHECKING:
    from tocsin.exchange.model import Receipt
    from tocsin.map.supply.service import SeenChains

__all__ = [
    "MARKS",
    "FromOption",
    "MappingOption",
    "PlotOption",
    "ReaderOption",
    "SeenPurposeOption",
    "left_out_lines",
    "map_of",
    "read_map",
    "receipt_lines",
    "sharing_of",
    "write_map",
]

# TLP 2.0 in STIX 2.1 (facts of FIRST and OASIS): what an object is marked with.
MARKS: Final = {
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
# Of each list of notes so many lines are for a person; `--json` has all.
_LINES: Final = 20

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


def left_out_lines(out: Output, seen: Seen | SeenChains) -> None:
    """Say of which parties nothing is in what a reader sees, and why."""
    for one in seen.parties_left_out:
        out.line(f"left out: all of {one.party}: {one.cause}")


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


def sharing_of(
    session: Session, reference: str, collection: str, *, to: tuple[str, ...] = (), tlp: Tlp | None = None
) -> Sharing:
    """Return how a party, or a user of it, shares what it says of the map.

    Raises:
        ForbiddenError: the user may not share.
    """
    party, user = session.resolve(reference)
    if user is not None and Permission.OBJECTS_SUBMIT not in role_permissions(user.roles):
        raise ForbiddenError(
            "the roles of this user do not allow to share", where=reference, todo="act for the party, or for an analyst"
        )
    # what the party itself shared before, it may always read
    asker = msgspec.structs.replace(session.asker(party.name, "analyse"), acting=session.acting(reference))
    return Sharing(asker=asker, acting=session.acting(reference), collection=collection, to=to, tlp=tlp)


def receipt_lines(out: Output, receipt: Receipt) -> None:
    """Print what became of what was shared; ends the command with 1 where some of it was refused."""
    refused = [result for result in receipt.results if result.outcome is Outcome.REFUSED]
    for result in refused[:_LINES]:
        out.line(f"refused: {result.id}: {result.reason}")
    for text in sorted({note for result in receipt.results for note in result.notes}):
        out.line(f"note: {text}")
    if receipt.id is not None:
        out.line(f"receipt {receipt.id}, collection {receipt.collection}, {receipt.received_at}")
    if refused:
        raise typer.Exit(1)
