"""The demonstration, step by step: what it does, and what it prints while doing it."""

from __future__ import annotations

import contextlib
import json
import shutil
from typing import TYPE_CHECKING, Final

import msgspec
from rich.table import Table

from tocsin.bootstrap import Founding, found_hub
from tocsin.demo import resilience
from tocsin.demo.home import cleared
from tocsin.demo.partnership import AGREEMENTS, HUB, PARTIES, STORY, Credential, build, credentials, story, tell
from tocsin.demo.region import cascade, seen_by, share_maps, single_point
from tocsin.errors import LogBrokenError, NotFoundError
from tocsin.exchange.asking import Question
from tocsin.exchange.evidence import export_log
from tocsin.exchange.labelling import DEFAULT_TLP
from tocsin.exchange.markings import KNOWN_MARKINGS, Marking, join
from tocsin.exchange.model import Outcome, Query
from tocsin.exchange.reading import Asker
from tocsin.exchange.replay import replay
from tocsin.kernel.mandate import Acting
from tocsin.log.verify import Disclosures, verify_export
from tocsin.risk.replay import Retelling
from tocsin.serving.app import create_app, listen, running, serve
from tocsin.settings import Settings

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from rich.console import Console

    from tocsin.bootstrap import Hub
    from tocsin.exchange.asking import Why

__all__ = ["run"]

ANNA: Final = "anna@fjordkraft"
OPERATOR: Final = f"operator@{HUB.name}"


class _Object(msgspec.Struct, frozen=True, kw_only=True):
    """One object of the story, as the tables show it."""

    id: str
    title: str
    type: str
    owner: str
    tlp: str


def run(home: Path, console: Console, *, port: int | None) -> None:
    """Build the partnership in ``home``, show it, and serve on ``port`` until interrupted (None: stop before).

    Raises:
        ConflictError: ``home`` holds something that no demonstration made, or another process uses it.
        UsageError: the port is taken, or ``home`` cannot be written.
    """
    with contextlib.ExitStack() as held:
        # a port that is taken is told before anything is built, and not after
        listening = None if port is None else held.enter_context(listen("127.0.0.1", port))
        held.enter_context(cleared(home))
        hub = found_hub(Settings(home=home, database=home / "hub.db"), Founding(party=HUB))
        held.callback(hub.close)
        _partnership(hub, console)
        objects = _incident(hub, console)
        issued = credentials(hub)
        received = _receptions(hub, console, objects)
        _questions(hub, console, objects)
        _map(hub, console, incident=next(item.id for item in objects if item.type == "incident"))
        _proof(hub, console, home)
        _clients(hub, console, issued, received)
        _tokens(home, issued)
        if listening is not None:
            _serve(hub, console, issued, listening)
        else:
            console.print(
                f"\nThe hub stays in {home}: [bold]TOCSIN_HOME={home} .venv/bin/tocsin serve[/bold] serves it."
            )


# --- 1: who ----------------------------------------------------------------------------------------------------------


def _partnership(hub: Hub, console: Console) -> None:
    build(hub)
    _title(console, 1, "A partnership: seven parties, two agreements signed by all")
    table = Table("party", "kind", "country", "capacity", "sector", "clearance", box=None, pad_edge=False)
    for party in hub.parties.all_parties():
        if party.uri != HUB.uri:
            table.add_row(
                party.name,
                party.kind,
                party.country,
                *map(", ".join, (party.capacities, party.sectors)),
                party.clearance,
            )
    console.print(table)
    for name in AGREEMENTS:
        version = hub.agreements.get(name)
        console.print(
            f"[bold]{version.name}[/bold] version {version.version}: {version.status}, "
            f"{len(version.signatures)} signatures, {len(version.policies)} Cedar policies"
        )


# --- 2: what ---------------------------------------------------------------------------------------------------------


def _incident(hub: Hub, console: Console) -> list[_Object]:
    _title(console, 2, "An incident, told in four submissions")
    for told, receipt in tell(hub):
        counts = ", ".join(f"{receipt.count(outcome)} {outcome}" for outcome in Outcome if receipt.count(outcome))
        addressed = f" to {', '.join(told.to)}" if told.to else ""
        console.print(f"[bold]{told.party}[/bold]{addressed}: {told.says}\n    {counts}")
    objects = []
    for told in STORY:
        for item in json.loads(story(told.file))["objects"]:
            title = item.get("name") or item.get("value") or item.get("relationship_type", "")
            tlp = join(KNOWN_MARKINGS.get(ref, Marking()) for ref in item.get("object_marking_refs", ())).tlp
            objects.append(
                _Object(id=item["id"], title=title, type=item["type"], owner=told.party, tlp=tlp or DEFAULT_TLP)
            )
    return objects


# --- 3: who received what --------------------------------------------------------------------------------------------


def _receptions(hub: Hub, console: Console, objects: list[_Object]) -> dict[str, dict[str, bytes]]:
    _title(console, 3, "What each party receives, by the agreements and by nothing else")
    readers = [*(party.name for party in PARTIES), ANNA]
    received = {reader: _everything(hub, reader) for reader in readers}
    short = {reader: str(place) for place, reader in enumerate(readers, 1)}
    table = Table("TLP", "object", "from", *short.values(), box=None, pad_edge=False)
    for item in objects:
        if item.type in {"identity", "marking-definition", "extension-definition"}:
            continue
        marks = ["[green]●[/green]" if item.id in received[reader] else "[dim]·[/dim]" for reader in readers]
        table.add_row(item.tlp, f"{item.title[:44]} [dim]({item.type})[/dim]", item.owner, *marks)
    console.print(table)
    console.print("[dim]" + "  ".join(f"{place} {reader}" for reader, place in short.items()) + "[/dim]")
    return received


def _everything(hub: Hub, reference: str) -> dict[str, bytes]:
    party, user = hub.parties.resolve(reference)
    asker = Asker(
        party=party.uri,
        user=user.name if user else None,
        purpose="detect",
        acting=Acting(actor=OPERATOR, on_behalf_of=reference),
    )
    found: dict[str, bytes] = {}
    cursor = None
    while True:
        answer = hub.reading.objects(asker, "exchange", Query(), cursor=cursor)
        found.update({item.object_id: body for item, body in zip(answer.page.items, answer.page.bodies, strict=True)})
        cursor = answer.next
        if cursor is None:
            return found


# --- 4: why ----------------------------------------------------------------------------------------------------------


def _question(hub: Hub, object_id: str, asker: str, reader: str | None = None) -> Question:
    party, user = hub.parties.resolve(asker)
    return Question(
        object_id=object_id,
        party=party,
        user=user,
        acting=Acting(actor=OPERATOR, on_behalf_of=asker),
        reader=reader,
    )


def _questions(hub: Hub, console: Console, objects: list[_Object]) -> None:
    _title(console, 4, "Why")
    tool = next(item for item in objects if item.type == "tool")
    indicator = next(item for item in objects if item.type == "indicator")
    console.print(f"[bold]why {indicator.title!r} --as vannverket[/bold]")
    _explain(console, hub.asking.why(_question(hub, indicator.id, "vannverket"))[0])
    console.print(f"\n[bold]why {tool.title!r} --as fjordkraft --reader nordvind[/bold] (its owner asks)")
    _explain(console, hub.asking.why(_question(hub, tool.id, "fjordkraft", "nordvind"))[0])
    console.print(
        "\n[bold]the same --as nordvind[/bold], which may not see it, and then of an object that does not exist"
    )
    for object_id in (tool.id, "tool--00000000-0000-4000-8000-000000000000"):
        try:
            hub.asking.why(_question(hub, object_id, "nordvind"))
        except NotFoundError as error:
            console.print(f"    {error}")


def _explain(console: Console, why: Why) -> None:
    explanation = why.explanation
    console.print(
        f"    {explanation.verdict.effect.upper()} for {why.reader}, to {why.purpose}; TLP:{why.label.tlp.upper()}"
    )
    for account in explanation.reasons:
        place = f"{account.agreement} version {account.version}, " if account.agreement else "the hub's own rule, "
        console.print(f"    {place}clause {account.clause}")
        for basis in account.bases:
            console.print(f"    {basis.sentence}", markup=False, highlight=False)
        for line in account.cedar.strip().splitlines():
            console.print(f"      {line}", style="dim", markup=False, highlight=False)


# --- 5: the map ------------------------------------------------------------------------------------------------------


def _map(hub: Hub, console: Console, *, incident: str) -> None:
    _title(console, 5, "The region's map, which nobody has alone: what falls next, what hurts most, what to pay for")
    acting = Acting(actor=OPERATOR)
    for name, count in share_maps(hub, acting):
        console.print(f"[bold]{name}[/bold] shares its part: {count} objects")
    seen = seen_by(hub, acting, "national-cert")
    console.print(
        f"national-cert sees {len(seen.plan.assets)} assets and {len(seen.plan.groups)} needs;"
        f" havnlogistikk, under the same agreement, {len(seen_by(hub, acting, 'havnlogistikk').plan.assets)}"
    )
    for name, line in (
        ("cascade", cascade(seen, "Bekk", 36)),
        ("single point of failure", single_point(seen)),
        ("risk", resilience.risk(hub, acting, seen, incident)),
        ("baseline", resilience.baseline(hub, acting)),
        ("fund", resilience.fund(hub, acting, seen)),
    ):
        console.print(f"[bold]{name}[/bold]: {line}", highlight=False)


# --- 6: the proof ----------------------------------------------------------------------------------------------------


def _proof(hub: Hub, console: Console, home: Path) -> None:
    _title(console, 6, "The proof: a log that no single party can rewrite")
    hub.integrator.integrate()
    exported = home / "log-export"
    export_log(hub.store, hub.log, exported, scope="all")
    verified = verify_export(exported, trusted_vkey=hub.log.vkey)
    console.print(f"exported {verified.size} entries to {exported}; root {verified.root.hex()[:16]}…; it verifies")
    told = replay(Disclosures(exported), above=Retelling())
    console.print(
        f"replayed from the log alone: {len(told.people.parties)} parties, {len(told.agreed.versions)} agreements, "
        f"{len(told.offers)} offers; {told.releases} release entries decided again, all allowed"
    )
    forged = home / "log-forged"
    shutil.copytree(exported, forged)
    bundle = next(path for path in sorted((forged / "tile" / "entries").rglob("*")) if path.is_file())
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    try:
        verify_export(forged, trusted_vkey=hub.log.vkey)
    except LogBrokenError as error:
        console.print(f"one bit of a copy changed: [red]caught[/red]: {error}", highlight=False)
    else:
        raise LogBrokenError("a forged log verified", where=str(forged))


# --- 7: a client that we did not write -------------------------------------------------------------------------------


def _clients(hub: Hub, console: Console, issued: list[Credential], received: dict[str, dict[str, bytes]]) -> None:
    _title(console, 7, "Read back by taxii2-client, a TAXII client that is not ours")
    try:
        from taxii2client.v21 import Collection, Server, as_pages  # noqa: PLC0415  an extra: [demo]
    except ImportError:
        console.print("    skipped: taxii2-client is not installed; pip install 'tocsin[demo]'")
        return
    with running(create_app(hub)) as address:
        for credential in issued:
            name = {"user": credential.reference, "password": credential.secret}
            root = Server(f"{address}/taxii2/", **name).default
            collection = Collection(root.collections[0].url, **name)
            found: dict[str, object] = {}
            for page in as_pages(collection.get_objects, per_request=5):
                found.update({item["id"]: item for item in page.get("objects", [])})
            expected = {key: json.loads(body) for key, body in received[credential.reference].items()}
            if found != expected:
                raise LogBrokenError(
                    "the client received other objects than the gate opened", where=credential.reference
                )
            console.print(f"    {credential.reference:16} {len(found):3} objects, JSON-equal to what was shared")


# --- 8: serve --------------------------------------------------------------------------------------------------------


def _tokens(home: Path, issued: list[Credential]) -> None:
    """Leave the demonstration's credentials beside it; a real hub shows a token once and keeps none."""
    path = home / "credentials.txt"
    path.write_text("".join(f"{one.reference} {one.secret}\n" for one in issued), encoding="utf-8")
    path.chmod(0o600)


def _serve(hub: Hub, console: Console, issued: list[Credential], listening: socket.socket) -> None:
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    _title(console, 8, "Serving, until Ctrl-C")
    console.print(
        f"TAXII 2.1 discovery   {address}/taxii2/\ncollection            {address}/live/collections/exchange/\n"
    )
    for one in issued:
        console.print(f"{one.reference:16} {one.secret}", highlight=False)
    first = issued[0]
    console.print(
        f"\ntry: curl -su {first.reference}:{first.secret} -H 'Accept: application/taxii+json;version=2.1' "
        f"{address}/live/collections/exchange/objects/",
        highlight=False,
        soft_wrap=True,
    )
    serve(create_app(hub, address=address), listening)


def _title(console: Console, number: int, text: str) -> None:
    console.print(f"\n[bold cyan]{number}  {text}[/bold cyan]")
