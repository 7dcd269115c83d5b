"""What commands of the map have in common: where a map is from, for whom something is shared, and the receipt."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import msgspec
import typer

from tocsin.agreements.model import Tlp
from tocsin.cli.options import checked
from tocsin.cli.output import Output, instant
from tocsin.cli.session import Session, opened, write_new
from tocsin.errors import ForbiddenError, InputError, UsageError
from tocsin.exchange.model import Outcome
from tocsin.kernel.clock import format_instant
from tocsin.map.cascade.grid import MOST_TICKS, TICKS
from tocsin.map.formats import Format, ReadMap, read_folder, write
from tocsin.map.model import AssetMap
from tocsin.map.seen import Seen
from tocsin.map.service import sorted_by_name
from tocsin.map.shelf import Sharing
from tocsin.parties.model import Permission, check_purpose, role_permissions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tocsin.exchange.model import Receipt
    from tocsin.map.seen import Standing
    from tocsin.map.shelf import Changes
    from tocsin.map.supply.service import SeenChains

__all__ = [
    "MARKS",
    "MOST_HOURS",
    "FromOption",
    "MappingOption",
    "PlotOption",
    "ReaderOption",
    "SeenPurposeOption",
    "left_out_lines",
    "map_of",
    "numbered",
    "read_map",
    "receipt_lines",
    "require_once",
    "shared_document",
    "shared_lines",
    "sharing_of",
    "standing_document",
    "standing_line",
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
_SHOWN: Final = 200
# The engine's: an instant has so many ticks.
MOST_HOURS: Final = MOST_TICKS // TICKS

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
    try:
        there = place.exists()
    except OSError as error:  # a name that is no name, a folder that is shut
        raise UsageError(f"it cannot be read: {error.strerror}", where=path[:_SHOWN], todo="name another") from error
    if not there:
        raise UsageError("there is no such folder or file", where=path[:_SHOWN], todo="name one")
    if mapping is not None and not Path(mapping).is_file():
        raise UsageError("there is no such file", where=mapping, todo="name a mapping file")
    return read_folder(place, None if mapping is None else Path(mapping))


def map_of(
    reader: str | None, files: str | None, mapping: str | None, purpose: str, collection: str | None = None
) -> Seen:
    """Return the map of a reader at the hub, or of files.

    Raises:
        UsageError: neither is said, or both, or what is of the other.
    """
    if (reader is None) == (files is None):
        raise UsageError("say whose map: --as a reader of the hub, or --from files", todo="one of the two")
    if files is None and mapping is not None:
        raise UsageError("it says what is what in files", where="--mapping", todo="say --from, or leave it out")
    if files is not None and collection is not None:
        raise UsageError("files have no collections", where="--collection", todo="say --as, or leave it out")
    if files is not None:
        return sorted_by_name(_whole(read_map(files, mapping)))
    with opened() as session:
        return session.hub.maps.seen(session.asker(reader or "", purpose), collection)


def numbered(
    option: str, texts: Iterable[str], form: str, *, most: float = math.inf, alone: bool = True
) -> Iterator[tuple[str | None, float]]:
    """Yield the name and the number of each NAME=NUMBER; None for the name where a number stands alone.

    ``form``: how it is written, as the error says it. ``most``: numbers are 0 to this. ``alone``: whether one may.

    Raises:
        UsageError: it is neither, or no such number.
    """
    for text in texts:
        name, equals, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not 0 <= value <= most or math.isinf(value) or not (equals or alone):
            span = "0 or more" if math.isinf(most) else f"0 to {most:g}"
            raise UsageError(f"{text[:80]!r} is not {form}", where=option, todo=f"write it so, with a number of {span}")
        yield (name if equals else None), value


def require_once(option: str, names: Sequence[str]) -> None:
    """Raise ``UsageError`` where an option names an asset twice: by its name and by its STIX id, perhaps."""
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise UsageError(f"{twice[:80]!r} is named twice", where=option, todo="each asset once")


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


def standing_document(one: Standing) -> dict[str, Any]:
    """Return a report of the field as JSON has it, its instants as RFC 3339."""
    state = one.state
    times = {"since": format_instant(state.since), "until": instant(state.until)}
    document: dict[str, Any] = msgspec.to_builtins(one)
    return document | {"state": document["state"] | times, "reported": format_instant(one.reported)}


def standing_line(one: Standing) -> str:
    """Return a report of the field in one line: what it says, whose it is and since when, and whether it counts."""
    whose = "its owner, " if one.owners else ""
    told = (
        f"{one.asset}: {one.state.service:.0%} of its service since {format_instant(one.state.since)},"
        f" by {one.state.source} ({whose}{one.by})"
    )
    if one.counts:
        return told
    return f"{told}, reported {format_instant(one.reported)}; " + (
        "differs from the report that counts" if one.differs else "another report counts"
    )


def shared_document(changes: Changes, names: Sequence[str], receipt: Receipt | None) -> dict[str, Any]:
    """Return what of the counts is told under which names, and the receipt, as JSON has it."""
    told: dict[str, Any] = {"counts": _counts(changes, names), "shared": receipt is not None}
    return told if receipt is None else told | {"receipt": msgspec.to_builtins(receipt)}


def shared_lines(
    out: Output, changes: Changes, names: Sequence[str], receipt: Receipt | None, *, dry_run: bool
) -> None:
    """Print what was shared, or would be, and what became of it; ends the command as ``receipt_lines``."""
    counts = _counts(changes, names)
    out.line(", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing to share")
    if changes.missing and "missing" in names:
        out.line(
            f"note: {changes.missing} that you shared before are not in these files and stay; --retire takes them down"
        )
    if changes.stale:
        out.line(
            f"note: {len(changes.stale)} earlier versions were open to others than now: they are withdrawn; to call"
            " back what was received, order a recall"
        )
    if receipt is not None:
        receipt_lines(out, receipt)
    elif any(counts.values()):
        out.line("nothing was shared" if dry_run else "all of it is shared already")


def _counts(changes: Changes, names: Sequence[str]) -> dict[str, int]:
    return {name: getattr(changes, name) for name in names} | {"withdrawn": len(changes.stale)}


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
