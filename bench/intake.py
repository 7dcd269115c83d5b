"""Intake: submissions of fresh objects, durable when answered, against OpenTAXII's POST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench import hubs, peers
from bench.data import Source
from bench.measure import Costs, Ratio, Table, interleave, line, over, rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.http_client import Client
    from bench.run import Run
    from tocsin.bootstrap import Hub

ROUNDS: Final = 9
# objects in a submission: submissions of ours in a round, and of the peer's, which takes longer for one
SIZES: Final = {1_000: (4, 1), 100: (10, 3), 1: (40, 20)}
SERVICE, POST, PEER = "ours, in process", "ours, POST", f"{peers.OPENTAXII}, POST"


def measure(run: Run) -> Iterator[Table]:
    """Measure each size of submission."""
    source = Source()
    settings, token, _ = hubs.small_hub(run.folder / "intake")
    with (
        peers.opentaxii(run.folder / "opentaxii-intake") as peer,
        hubs.served(settings, token) as server,
        hubs.opened(settings) as hub,
    ):
        for size, (ours, theirs) in SIZES.items():
            costs = Costs()
            posting = _posting(server.client, source, size, ours)
            turns = {
                SERVICE: _sharing(hub, source, size, ours),
                POST: costs.counted(POST, server.pid, size * ours, posting),
                PEER: costs.counted(PEER, peer.pid, size * theirs, _posting(peer.client, source, size, theirs)),
            }
            # what the turn before left for the index is not this one's cost
            calm = {one: _settled(hub, (server.client, peer.client), turn) for one, turn in turns.items()}
            values = interleave(run.rounds(ROUNDS), calm, run.noise)
            yield Table(
                name="intake",
                title=f"Intake: submissions of {size:,}",
                lines=(
                    *(line(one, "objects/s", measured) for one, measured in values.items()),
                    *costs.lines("object"),
                ),
                ratios=(
                    Ratio(name="POST to OpenTAXII's POST", value=over(values, POST, PEER), aim=25),
                    Ratio(name="in process to OpenTAXII's POST", value=over(values, SERVICE, PEER)),
                    Ratio(name="processor time: OpenTAXII's to ours", value=costs.each(PEER) / costs.each(POST)),
                ),
                notes=(
                    source.note(),
                    "one process, SQLite with `synchronous=FULL`, one client",
                    "ours enters every submission into the log as well, and its server indexes beside intake",
                ),
            )


def _settled(hub: Hub, clients: Sequence[Client], turn: Callable[[], float]) -> Callable[[], float]:
    """Return the turn, to be taken when nothing waits for the index."""

    def settled() -> float:
        while hub.indexer.behind():
            hub.indexer.index()
        for client in clients:
            client.renew()
        return turn()

    return settled


def _sharing(hub: Hub, source: Source, size: int, times: int) -> Callable[[], float]:
    def turn() -> float:
        bundles = [source.bundle(size) for _ in range(times)]
        return rate(size * times, lambda: [hubs.share(hub, hubs.OWNER, one) for one in bundles])

    return turn


def _posting(client: Client, source: Source, size: int, times: int) -> Callable[[], float]:
    def turn() -> float:
        envelopes = [source.envelope(size) for _ in range(times)]
        return rate(size * times, lambda: [client.post("/objects/", one) for one in envelopes])

    return turn
