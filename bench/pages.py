"""GET of a page of 1,000 from a collection of 1,000: over HTTP against the peers, and in process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bench import hubs, peers
from bench.data import Source, bundle
from bench.measure import Costs, Ratio, Table, interleave, line, over, seconds
from tocsin.exchange.model import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.run import Run

ROUNDS: Final = 15
SIZE: Final = 1_000
PATH: Final = f"/objects/?limit={SIZE}"
GET, SERVICE, PEER, MEMORY = "ours, GET", "ours, in process", f"{peers.OPENTAXII}, GET", f"{peers.MEDALLION}, GET"
# of a round, so that a page of ours is not measured by one stroke of the disk
TIMES: Final = 10


def measure(run: Run) -> Iterator[Table]:
    """Measure everybody's page of the same objects."""
    source = Source()
    objects = source.take(SIZE)
    settings, _, token = hubs.small_hub(run.folder / "pages")
    with hubs.opened(settings) as hub:
        hubs.share(hub, hubs.OWNER, bundle(objects))
    with (
        peers.opentaxii(run.folder / "opentaxii-pages") as peer,
        peers.medallion(run.folder / "medallion", objects) as memory,
        hubs.served(settings, token) as server,
        hubs.opened(settings) as hub,
    ):
        asker, costs = hubs.asker(hubs.READER), Costs()
        peer.client.post("/objects/", b'{"objects":[' + b",".join(objects) + b"]}")
        wanted = {json.loads(item)["id"] for item in objects}
        for one in (server, peer, memory):
            assert {item["id"] for item in json.loads(one.client.get(PATH))["objects"]} == wanted
        values = interleave(
            run.rounds(ROUNDS),
            {
                GET: costs.counted(GET, server.pid, TIMES, _often(lambda: server.client.get(PATH), TIMES)),
                SERVICE: _often(lambda: hub.reading.objects(asker, "exchange", Query(), limit=SIZE), TIMES),
                PEER: costs.counted(PEER, peer.pid, TIMES, _often(lambda: peer.client.get(PATH), TIMES)),
            },
            run.noise,
        )
        # ten seconds a page: few rounds say enough
        turn = costs.counted(MEMORY, memory.pid, 1, _often(lambda: memory.client.get(PATH), 1))
        values |= interleave(1 if run.quick else 3, {MEMORY: turn}, run.noise)
    yield Table(
        name="pages",
        title=f"GET limit={SIZE:,} from a collection of {SIZE:,}",
        lines=(*(line(one, "ms", measured) for one, measured in values.items()), *costs.lines("page")),
        ratios=(
            Ratio(name="OpenTAXII's GET to ours", value=over(values, PEER, GET), aim=20),
            Ratio(name="OpenTAXII's GET to ours in process", value=over(values, PEER, SERVICE)),
            Ratio(name="processor time: OpenTAXII's to ours", value=costs.each(PEER) / costs.each(GET)),
            Ratio(name="medallion's GET to ours", value=over(values, MEMORY, GET)),
        ),
        notes=(
            source.note(),
            "ours stages a release durably before each page leaves; the peers write nothing",
            "one client, one connection (gunicorn's worker closes it after each answer)",
        ),
    )


def _often(work: Callable[[], object], times: int) -> Callable[[], float]:
    return lambda: 1e3 * seconds(lambda: [work() for _ in range(times)]) / times
