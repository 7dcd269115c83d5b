"""A log of many releases is checked and replayed a piece at a time: what is held does not grow with their bytes."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from msgspec.structs import replace

from support.sharing import bundle, indicator
from support.treaty import templates
from tocsin.exchange import releases
from tocsin.exchange.case import Case
from tocsin.exchange.check import CHECKS
from tocsin.exchange.releases import Release, decode_offers
from tocsin.exchange.replay import replay
from tocsin.exchange.tables import RELEASES
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Acting
from tocsin.log import store as log_store
from tocsin.log.model import EntryPayload, decode_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.hub import World

OBJECTS: Final = 5
COPIES: Final = 200
# of what is asked for: as long as the offers of a page of a thousand, and made faster
FILTER: Final = {"types": ["x" * 8_000]}
STEP: Final = 64 * 1024


class Told:
    """A log of so many releases more, all of them made while it is read."""

    def __init__(self, entries: list[tuple[int, EntryPayload]], more: int) -> None:
        self.entries = entries
        self.more = more

    def __iter__(self) -> Iterator[tuple[int, EntryPayload]]:
        yield from self.entries
        last, release = self.entries[-1]
        assert release.kind == "release"
        for index in range(last + 1, last + 1 + self.more):
            data = msgspec.json.decode(msgspec.json.encode(release.data | {"filter": FILTER}))
            yield index, replace(release, data=data | {"release": f"r{index}", "as_of": index})


@pytest.fixture(scope="module")
def long() -> Iterator[World]:
    """A hub with a long log: one page, released over and over."""
    for hubs in templates():
        world = hubs.world()
        _release(world)
        yield world
        hubs.drop(world)


def _release(world: World) -> None:
    world.share("alfa", bundle([indicator(number) for number in range(OBJECTS)]))
    world.read("bravo")
    hub = world.hub
    with hub.store.write() as connection:
        row = connection.execute(RELEASES.select()).one()
        for number in range(1, COPIES):
            releases.stage(
                connection,
                Release(
                    environment=row.environment,
                    uuid=new_uuid(world.entropy),
                    at=row.at,
                    as_of=row.as_of + number,
                    kind=row.kind,
                    acting=Acting(actor=row.actor, on_behalf_of=row.on_behalf_of),
                    profile_id=row.profile_id,
                    party=row.party,
                    purpose=row.purpose,
                    slice_digest=row.slice_digest,
                    collection_id=row.collection_id,
                    filter={"types": ["x" * 8_000]},
                    offers=tuple(decode_offers(row.offers)),
                    parts=None if row.parts is None else releases._decode(row.parts),
                ),
            )
    hub.integrator.integrate()


def _peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_walk_holds_as_many_bytes_as_it_is_allowed(long: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_store, "_STEP_BYTES", STEP)
    with long.hub.store.read() as connection:
        every = list(long.hub.log.rows(connection))
        head = long.hub.log.head(connection).frontier.size
        assert [row.index for row in every] == list(range(head))
        kinds = ("submission", "release")
        some = [row.index for row in long.hub.log.rows(connection, 3, head - 2, kinds=kinds)]
        assert some == [row.index for row in every[3 : head - 2] if row.kind in kinds]
        total = sum(len(row.payload or b"") for row in every)
        assert total > 4 * STEP
        assert _peak(lambda: [None for _ in long.hub.log.rows(connection)]) < total / 2


def test_the_replay_of_a_long_log_holds_little_of_each_release(long: World) -> None:
    with long.hub.store.read() as connection:
        first = [(row.index, decode_payload(row.payload or b"")) for row in long.hub.log.rows(connection)]
    entries = first[: next(index for index, payload in first if payload.kind == "release") + 1]
    assert replay(Told(entries, 3)).releases == 4

    def held(more: int) -> int:
        return _peak(lambda: replay(Told(entries, more)))

    assert (held(150) - held(50)) / 100 < 3_000, "far from the 8,000 bytes that it tells"


def test_an_iterator_is_no_log() -> None:
    with pytest.raises(TypeError, match="twice"):
        replay(iter(()))


@pytest.mark.parametrize("check", ["releases", "replay"])
def test_the_self_test_of_a_long_log_holds_a_piece_of_it(
    long: World, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_store, "_STEP_BYTES", STEP)
    hub = long.hub
    with hub.store.read() as connection:
        case = Case(hub.store, hub.log, hub.agreements, hub.environment, connection)
        total = sum(len(row.payload or b"") for row in hub.log.rows(connection, kinds=("release",)))
        assert total > 20 * STEP
        said = CHECKS[check](case)
        assert f"{COPIES} release" in said
        # what is held besides hangs on the partnership, and on the objects that there are
        assert _peak(lambda: CHECKS[check](case)) < total / 2
