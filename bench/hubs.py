"""Hubs to measure: made through the public services, run on the machine's own clock and randomness."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from bench.http_client import Client, Server
from support.hub import World
from tocsin.bootstrap import Hub, open_hub, upgrade_hub
from tocsin.exchange.intake import Submission
from tocsin.exchange.reading import KEPT_BYTES, KEPT_SECONDS, Asker
from tocsin.kernel.clock import SystemClock
from tocsin.kernel.kept import Lately
from tocsin.kernel.mandate import Acting
from tocsin.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tocsin.exchange.model import Receipt
    from tocsin.settings import Postgres

OWNER: Final = "alfa"
READER: Final = "bravo"

_AGREEMENT: Final = """
agreement: {name}
version: 1
title: {name}
instrument: {{title: "Agreement", sha256: "{hash}", prevails: instrument}}
in_force: {{from: 2026-01-01, until: 2099-12-31}}
parties: [{parties}]
purposes: [detect]
clauses:
  - {{id: "1", permit: read, to: {{parties: all}}, of: {{{terms}}}, for: [detect]}}
"""


def agreement(world: World, name: str, parties: tuple[str, ...], terms: str) -> None:
    """Bring an agreement with one permit into force, signed by all of these parties."""
    listed = ", ".join(f"{{name: {party}}}" for party in parties)
    text = _AGREEMENT.format(name=name, hash="a" * 64, parties=listed, terms=terms)
    world.agreement(text, signed_by=parties)


def nothing_read(hub: Hub) -> None:
    """Let a process's memory be as if nobody had read anything lately."""
    hub.reading._contents = Lately(  # noqa: SLF001  only time does so otherwise
        KEPT_SECONDS, weigh=lambda content: len(content[1]), heaviest=KEPT_BYTES
    )


def small_hub(home: Path, database: Postgres | None = None) -> tuple[Settings, str, str]:
    """Make a hub in which one party reads all of another's; returns its settings, and the tokens of both."""
    settings = Settings(home=home, database=database or home / "hub.db")
    world = World(home, start=SystemClock().now(), settings=settings)
    for name in (OWNER, READER):
        world.party(name)
    agreement(world, "bench", (OWNER, READER), "tlp: {at_most: amber}")
    tokens = world.token(OWNER), world.token(READER)
    world.hub.close()
    return world.settings, *tokens


def kept(settings: Settings) -> Settings:
    """Bring a hub that was made by an earlier run to the present schema."""
    upgrade_hub(settings)
    return settings


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Hub]:
    """Open a hub in this process."""
    hub = open_hub(settings)
    try:
        yield hub
    finally:
        hub.close()


@contextlib.contextmanager
def served(settings: Settings, token: str) -> Iterator[Server]:
    """Serve a hub from a process of its own; gives a client at its collection, under a token."""
    command = [sys.executable, "-m", "bench.serve", str(settings.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            if not line:
                raise RuntimeError("our own server did not start")
            base = f"{line}/live/collections/exchange"
            yield Server(client=Client(base, f"Bearer {token}"), pid=process.pid, base=base)
        finally:
            process.terminate()


def share(hub: Hub, party: str, data: bytes) -> Receipt:
    """Submit a bundle in this process."""
    return hub.intake.submit(Submission(party=f"https://{party}.example", acting=Acting(actor=party), data=data))


def asker(party: str) -> Asker:
    """Return the service of a party."""
    return Asker(party=f"https://{party}.example", user=None, purpose="detect", acting=Acting(actor=party))
