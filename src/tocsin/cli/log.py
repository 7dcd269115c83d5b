"""``tocsin log``: what was done, and how outsiders check it. ``verify`` and ``replay`` need no hub."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from tocsin.cli.options import JsonOption, checked, commands, example
from tocsin.cli.output import Output, instant, listed
from tocsin.cli.session import STDIN, opened, read_bounded, write_new
from tocsin.errors import InputError, LogBrokenError, UsageError
from tocsin.exchange.evidence import SCOPES, check_scope, export_log, prove_entry, prove_object, verify_evidence
from tocsin.exchange.replay import KINDS, replay
from tocsin.log.model import decode_payload
from tocsin.log.note import MAX_VKEY_CHARS, VerifierKey
from tocsin.log.proof import MAX_PROOF_BYTES, decode_proof, encode_proof
from tocsin.log.verify import Disclosures, verify_export
from tocsin.risk.replay import Retelling

if TYPE_CHECKING:
    from tocsin.log.store import Row

__all__ = ["KeyOption", "app", "vkey"]

app = commands("The log: what was done, and how outsiders check it.")

# What a screen shows.
LAST: Final = 20
# An index has fewer digits; every object id has more than this many characters.
MAX_INDEX_DIGITS: Final = 15

DirectoryArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The export.")]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="VKEY|FILE", help="The hub's verifier key, had from elsewhere; else the one inside."),
]


@app.command("head", epilog=example("tocsin log head"))
def head(json: JsonOption = False) -> None:
    """Print the newest signed checkpoint."""
    out = Output(json=json)
    with opened() as session:
        log = session.hub.log
        with session.hub.store.read() as connection:
            newest = log.head(connection)
    frontier = newest.frontier
    out.document(
        {
            "origin": newest.origin,
            "size": frontier.size,
            "root": frontier.root().hex(),
            "at": instant(newest.at),
            "checkpoint": newest.checkpoint.decode(),
            "vkey": log.vkey,
        }
    )
    out.lines(newest.checkpoint.decode())


@app.command("show", epilog=example("tocsin log show --kind release --last 5"))
def show(
    index: Annotated[int | None, typer.Argument(metavar="[N]", min=0, help="This entry, in full.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Entries of this kind only, as submission.")] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="So many of the newest.")] = LAST,
    json: JsonOption = False,
) -> None:
    """List the newest entries, or show one in full."""
    out = Output(json=json)
    if kind is not None and kind not in KINDS:
        near = difflib.get_close_matches(kind[:80], KINDS, n=3, cutoff=0.4)
        meant = f"did you mean {' or '.join(near)}?" if near else "docs/log.md lists the kinds"
        raise UsageError(f"no entry is of a kind {kind[:80]!r}", where="--kind", todo=meant)
    with opened() as session, session.hub.store.read() as connection:
        log = session.hub.log
        if index is not None:
            rows = [log.row(connection, index)]
        else:
            rows = []
            stop = log.head(connection).frontier.size
            while stop > 0 and len(rows) < last:
                start = max(0, stop - max(last, 100))
                found = [row for row in log.rows(connection, start, stop) if kind in (None, row.kind)]
                rows, stop = found + rows, start
            rows = rows[-last:]
        names = session.hub.parties.names()
    if index is not None:
        (row,) = rows
        out.document(_entry_document(row))
        out.lines(msgspec.json.format(msgspec.json.encode(_entry_document(row)), indent=2).decode())
        return
    out.document([_entry_document(row) for row in rows])
    out.table(
        ("entry", "at", "kind", "actor", "for", "concerns"),
        ((row.index, instant(row.at), row.kind, *_actors(row), _concerned(row, names)) for row in rows),
        nothing="there is no such entry",
    )


def _actors(row: Row) -> tuple[str, str]:
    if row.payload is None:
        return "purged", ""
    payload = decode_payload(row.payload, where=f"entry {row.index}")
    return payload.actor, payload.on_behalf_of or ""


def _concerned(row: Row, names: dict[str, str]) -> str:
    return ", ".join(names.get(uri, uri) for uri in row.concerns)


def _entry_document(row: Row) -> dict[str, object]:
    return {
        "index": row.index,
        "kind": row.kind,
        "at": instant(row.at),
        "concerns": list(row.concerns),
        "leaf": row.leaf.hex(),
        "payload": None if row.payload is None else msgspec.Raw(row.payload),
    }


@app.command("export", epilog=example("tocsin log export ./log-of-today --disclose all"))
def export(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory.")],
    disclose: Annotated[
        str,
        typer.Option(
            "--disclose",
            metavar="SCOPE",
            help=f"Which entries are readable: {SCOPES}.",
            callback=checked("--disclose", check_scope),
        ),
    ] = "all",
    json: JsonOption = False,
) -> None:
    """Write what an outsider needs to check the log: its tree, its signed head, and the entries disclosed."""
    out = Output(json=json)
    with opened() as session:
        hub = session.hub
        hub.integrator.integrate()
        with hub.store.read() as connection:
            size = hub.log.head(connection).frontier.size
        with out.progress("exporting", size) as advance:
            written = export_log(hub.store, hub.log, directory, scope=disclose, progress=advance)
        vkey = hub.log.vkey
    out.document(
        {
            "directory": written.directory,
            "origin": written.origin,
            "size": written.size,
            "root": written.root.hex(),
            "scope": written.scope,
            "disclosed": written.disclosed,
            "files": written.files,
            "vkey": vkey,
        }
    )
    out.line(f"{written.size} entries, {written.disclosed} disclosed ({written.scope}), in {written.files} files")
    out.line(f"anybody checks it with: tocsin log verify {directory} --key {vkey}")


@app.command("verify", epilog=example("tocsin log verify ./log-of-today"))
def verify(
    path: Annotated[
        str, typer.Argument(metavar="DIR|PROOF.json", help="An export, or the proof of an entry; - for standard input.")
    ],
    key: KeyOption = None,
    json: JsonOption = False,
) -> None:
    """Check an export or a proof with nothing but itself: no hub, no database, no network."""
    out = Output(json=json)
    trusted = vkey(key)
    if path != STDIN and Path(path).is_dir():
        with out.progress("verifying") as advance:
            verified = verify_export(Path(path), trusted_vkey=trusted, progress=advance)
        document = {
            "verified": "export",
            "origin": verified.origin,
            "size": verified.size,
            "root": verified.root.hex(),
            "vkey": verified.vkey,
            "pinned": verified.pinned,
            "scope": verified.scope,
            "disclosed": verified.disclosed,
            "files": verified.files,
            "caveat": verified.caveat,
        }
        out.document(document)
        out.line(f"It verifies: {verified.size} entries of {verified.origin}, {verified.disclosed} of them disclosed.")
        out.line(f"  root {verified.root.hex()}")
        if verified.caveat:
            out.line(verified.caveat)
        return
    _verify_proof(out, read_bounded(path, MAX_PROOF_BYTES, "a proof"), path, trusted)


def _verify_proof(out: Output, data: bytes, where: str, trusted: str | None) -> None:
    try:
        proof = decode_proof(data, where=where)
        proven, offer = verify_evidence(proof, trusted_vkey=trusted)
    except InputError as error:
        # what was cut off or altered may have lost its form, too: it does not verify, whatever else it is
        raise LogBrokenError(error.what, where=error.where, todo=error.todo) from error
    payload = proven.payload
    out.document(
        {
            "verified": "proof",
            "origin": proven.origin,
            "size": proven.size,
            "root": proven.root.hex(),
            "index": proven.index,
            "pinned": proven.pinned,
            "with_content": proven.with_content,
            "payload": msgspec.to_builtins(payload),
            "offer": None
            if offer is None
            else {
                "object": offer.object_id,
                "version": instant(offer.version),
                "party": offer.party,
                "collection": offer.collection,
                "sequence": offer.sequence,
                "date_added": instant(offer.date_added),
            },
        }
    )
    out.line(f"It verifies: entry {proven.index} of the {proven.size} of {proven.origin}.")
    out.line(f"  {payload.kind}, at {payload.at}, by {payload.actor}, for {payload.on_behalf_of or 'itself'}")
    if offer is not None:
        out.line(f"  {offer.party} shared {offer.object_id}, version {instant(offer.version)},")
        out.line(f"  and the hub added it at {instant(offer.date_added)}; the proof holds its content")
    if not proven.pinned:
        out.line(f"The key was taken from the proof itself: compare it with that of {proven.origin}, {proof.vkey}")


@app.command("replay", epilog=example("tocsin log replay ./log-of-today"))
def replay_(directory: DirectoryArgument, key: KeyOption = None, json: JsonOption = False) -> None:
    """Verify an export, rebuild parties, agreements and verdicts from it alone, and decide every release again."""
    out = Output(json=json)
    with out.progress("verifying") as advance:
        verified = verify_export(directory, trusted_vkey=vkey(key), progress=advance)
    if verified.disclosed < verified.size:
        raise UsageError(
            f"{verified.disclosed} of {verified.size} entries are disclosed, and a replay needs all",
            where=str(directory),
            todo="export with --disclose all",
        )
    # they are read twice: what a release was decided by stands before it
    told = Retelling()
    with out.progress("replaying", 2 * verified.size) as advance:
        rebuilt = replay(Disclosures(directory, advance), above=told)
    document = {
        "hub": rebuilt.hub,
        "entries": rebuilt.entries,
        "parties": len(rebuilt.people.parties),
        "users": len(rebuilt.people.users),
        "agreements": {name: one.status for name, one in sorted(rebuilt.agreed.versions.items())},
        "funds": {name: one.currency for name, one in sorted(told.funded.funds.items())},
        "labels": len(rebuilt.labels),
        "offers": len(rebuilt.offers),
        "withdrawn": len(rebuilt.withdrawn),
        "releases": rebuilt.releases,
        "verdicts": rebuilt.verdicts,
        "delegations_with_one_key": rebuilt.granted.with_one,
        "pinned": verified.pinned,
        "caveat": verified.caveat,
    }
    out.document(document)
    out.line(f"It replays: {rebuilt.entries} entries of {rebuilt.hub}.")
    out.line(
        f"  {len(rebuilt.people.parties)} parties, {len(rebuilt.people.users)} users, "
        f"{len(rebuilt.agreed.versions)} agreements, {len(rebuilt.offers)} offers under {len(rebuilt.labels)} labels"
    )
    out.line(f"  {rebuilt.releases} release entries decided again, {rebuilt.verdicts} verdicts: all as they were made")
    if rebuilt.granted.with_one:
        out.line(
            f"  signed with one key by who had two, as earlier versions took them: {listed(rebuilt.granted.with_one)}; "
            "ask whoever signed"
        )
    if verified.caveat:
        out.line(verified.caveat)


@app.command("prove", epilog=example("tocsin log prove 12 --out proof.json"))
def prove(
    what: Annotated[
        str, typer.Argument(metavar="N|OBJECT", help="An entry, or an object and the entry that offered it.")
    ],
    as_: Annotated[
        str | None,
        typer.Option("--as", metavar="PARTY|USER@PARTY", help="Whose object it is: only its owner has it proven."),
    ] = None,
    out_file: Annotated[str | None, typer.Option("--out", metavar="FILE", help="A new file for the proof.")] = None,
    json: JsonOption = False,
) -> None:
    """Write a document that proves to anybody, offline, what an entry says; of an object, its content too."""
    out = Output(json=json)
    with opened() as session:
        hub = session.hub
        if what.isascii() and what.isdigit() and len(what) <= MAX_INDEX_DIGITS:
            proof = prove_entry(hub.store, hub.log, int(what))
        elif as_ is None:
            raise UsageError(
                "the content of an object is proven for its owner only", todo="say who that is: --as PARTY"
            )
        else:
            owner, _ = session.resolve(as_)
            proof = prove_object(hub.store, hub.log, session.acting(as_), owner=owner.uri, object_id=what)
    data = encode_proof(proof)
    if out_file is None:
        out.raw(data)
        return
    write_new(out_file, data)
    out.document({"file": out_file, "index": proof.index, "with_content": proof.content is not None})
    out.line(f"proof of entry {proof.index}: {out_file}")
    out.line(f"anybody checks it with: tocsin log verify {out_file} --key {proof.vkey}")


def vkey(text: str | None) -> str | None:
    """Return the key that was given, or that a file holds.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    if "+" not in text and Path(text).is_file():
        text = read_bounded(text, 4 * MAX_VKEY_CHARS, "a verifier key").decode("utf-8", "replace").strip()
    try:
        VerifierKey.parse(text)
    except InputError as error:
        raise UsageError(error.what, where="--key", todo=error.todo) from error
    return text
