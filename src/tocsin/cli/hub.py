"""``tocsin init``, ``serve``, ``upgrade`` and ``check``: the hub itself."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tocsin.bootstrap import OPERATOR, Founding, found_hub, hub_party, upgrade_hub
from tocsin.cli.options import CountryOption, JsonOption, commands, example
from tocsin.cli.output import Output
from tocsin.cli.session import opened, settings
from tocsin.demo.home import in_use
from tocsin.errors import StoreBrokenError
from tocsin.exchange.check import CHECKS
from tocsin.exchange.model import DEFAULT_COLLECTION
from tocsin.kernel.ids import SystemEntropy, new_uuid

__all__ = ["app"]

app = commands()


@app.command("init", epilog=example("tocsin init --uri https://hub.example --name hub --title 'The hub' --country NO"))
def init(
    uri: Annotated[
        str | None, typer.Option("--uri", help="What identifies the hub in the world, for ever; else a random URN.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="The short name of the party that runs it.")] = "hub",
    title: Annotated[str, typer.Option("--title", help="The full name of that party.")] = "The hub",
    country: CountryOption = "NO",
    json: JsonOption = False,
) -> None:
    """Make a new hub in TOCSIN_HOME: its keys, its store, and its log, which begins with the founding mandate."""
    out = Output(json=json)
    chosen = settings()
    party = hub_party(uri=uri or f"urn:uuid:{new_uuid(SystemEntropy())}", name=name, title=title, country=country)
    hub = found_hub(chosen, Founding(party=party))
    log, collection = hub.log, hub.collections.all()[0]
    hub.close()
    home = chosen.home.absolute()
    out.document(
        {
            "home": str(home),
            "database": chosen.where,
            "hub": party.uri,
            "operator": f"{OPERATOR}@{name}",
            "collection": collection.uuid,
            "origin": log.origin,
            "vkey": log.vkey,
        }
    )
    out.line(f"A hub in {home}, run by {OPERATOR}@{name} ({party.uri})", style="bold")
    out.line(f"  store       {chosen.where}")
    out.line(f"  keys        {chosen.keys.absolute()}  (keep a copy; who has them is the hub)")
    out.line(f"  collection  {DEFAULT_COLLECTION}, {collection.uuid}")
    out.line(f"  log         {log.origin}")
    out.line(f"  vkey        {log.vkey}")
    out.line("Members verify the log with that key: give it to them on another way.")
    if uri is None:
        out.line("The hub has a random name; --uri gives it one that others recognise.")
    out.line("next: tocsin party add NAME --uri URI --kind private --country CC")


@app.command("serve", epilog=example("tocsin serve --host 127.0.0.1 --port 8080"))
def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")] = 8080,
    address: Annotated[
        str | None, typer.Option("--address", metavar="URL", help="Under which URL others find it, behind a proxy.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Serve TAXII 2.1, /api/v1, health and metrics until interrupted. It speaks plain HTTP: put TLS before it."""
    # a web server takes half a second to import, which no other command should wait for
    from tocsin.serving import app as serving  # noqa: PLC0415
    from tocsin.serving import logs  # noqa: PLC0415

    out = Output(json=json)
    chosen = settings()
    logs.configure(sys.stderr, level=chosen.log_level, format_=chosen.log_format)
    with opened() as session, in_use(session.hub.settings.home):
        listening = serving.listen(host, port)
        taken = listening.getsockname()[1]
        base = f"http://{f'[{host}]' if ':' in host else host}:{taken}"
        out.document({"address": base, "discovery": f"{base}/taxii2/", "vkey": session.hub.log.vkey})
        out.line(f"TAXII 2.1 discovery: {base}/taxii2/")
        out.line("Ctrl-C stops it.")
        sys.stdout.flush()
        observe = logs.request_lines(session.hub.entropy)
        serving.serve(serving.create_app(session.hub, address=address, observe=observe), listening)
    out.line("stopped; every release is in the log")


@app.command("upgrade", epilog=example("tocsin upgrade"))
def upgrade(json: JsonOption = False) -> None:
    """Bring the store of an earlier version to this one's form, wholly or not at all. Stop serving and keep a copy."""
    out = Output(json=json)
    chosen = settings()
    before, after = upgrade_hub(chosen)
    out.document({"home": str(chosen.home.absolute()), "before": before, "after": after})
    if before == after:
        out.line(f"the store is of this version already (schema {after})")
    else:
        out.line(f"the store went from schema {before} to {after}; `tocsin check` tests all of it")


@app.command("check", epilog=example("tocsin check"))
def check(json: JsonOption = False) -> None:
    """Test store and log: derive every invariant anew, and rebuild everything from the log in memory."""
    out = Output(json=json)
    findings = []
    with opened() as session, out.progress("checking", len(CHECKS)) as advance:
        for finding in session.hub.self_test.run():
            findings.append(finding)
            advance(1)
    broken = [finding for finding in findings if finding.fault is not None]
    out.document(
        {
            "passed": not broken,
            "checks": [
                {"check": one.check, "passed": one.passed, "detail": one.detail, "fault": one.fault} for one in findings
            ],
        }
    )
    for finding in findings:
        state = "ok    " if finding.passed else "BROKEN"
        out.line(
            f"{state}  {finding.check:16} {finding.fault or finding.detail}", style="" if finding.passed else "red"
        )
    if broken:
        names = ", ".join(finding.check for finding in broken)
        raise StoreBrokenError(
            f"{len(broken)} of {len(findings)} checks failed: {names}",
            where=str(settings().home),
            todo="stop serving, keep a copy of the home, and compare with an export that verifies",
        )
