"""The law of streams: whatever is cut off, withdrawn, hidden or suspended meanwhile, nothing is skipped or repeated."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from support.hub import OPERATOR
from support.listening import Ear, settled, streams_of
from support.sharing import bundle, indicator, terms_mark
from support.treaty import MEMBERS, Templates, templates
from tocsin.errors import NotFoundError, RefusedError
from tocsin.exchange.live.model import Pace, Wish
from tocsin.exchange.model import Query, VersionChoice
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS
from tocsin.kernel.clock import SECOND, parse_instant
from tocsin.kernel.mandate import Acting
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from support.hub import World

READER: Final = "bravo"
ALL: Final = Query(versions=frozenset({VersionChoice.ALL}), added_after=0)
NEVER: Final = Pace(look=1e6, beat=1e6, prove=1e6, patience=1e6, age=1e6)
EXPORT: Final = terms_mark(categories=("export-controlled",))

Step: TypeAlias = tuple[Any, ...]
Key: TypeAlias = tuple[str, str]

shares: Final = st.tuples(st.just("share"), st.sampled_from(MEMBERS), st.integers(1, 5), st.integers(0, 2))
steps: Final = st.lists(
    st.one_of(
        shares,
        shares,
        st.tuples(st.just("burst"), st.sampled_from(MEMBERS), st.integers(10, 30)),
        st.tuples(st.just("hide"), st.integers(6, 9)),
        st.tuples(st.just("withdraw"), st.sampled_from(MEMBERS), st.integers(1, 5)),
        st.tuples(st.just("look")),
        st.tuples(st.just("settle")),
        st.tuples(st.just("cut"), st.integers(0, 3_000)),
        st.tuples(st.just("suspend")),
        st.tuples(st.just("clear")),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


class Client:
    """A client that comes back whenever it was cut off, with the last id that it has."""

    def __init__(self, world: World, batch: int) -> None:
        self._world = world
        hub = world.hub
        self.streams = streams_of(hub, pace=NEVER, batch=batch)
        self.batch = batch
        self._ear: Ear | None = None
        self._last: str | None = None
        self.objects: list[dict[str, Any]] = []

    async def connect(self) -> None:
        """Come back, unless there is a stream already, or one may not."""
        if self._ear is not None and self._ear.ended:
            await self.cut(0)
        if self._ear is None:
            wish = Wish(collection="exchange", query=ALL, last=self._last)
            with contextlib.suppress(NotFoundError):
                self._ear = await Ear(self.streams, self._world, READER, wish, held=True).open()

    async def settle(self) -> None:
        """Wait until everything that is found by one look was sent."""
        await self.connect()
        await self.streams.look()
        if self._ear is not None:
            await settled(self._ear)

    async def cut(self, count: int) -> None:
        """Take in so many bytes more of what was sent, and hang up."""
        if self._ear is not None:
            self._ear.receive(count)
            await self._ear.close()
            self._last = self._ear.source.last or self._last
            self.objects += [one for event in self._ear.source.events for one in event.objects]
            assert all(len(event.objects) <= self.batch for event in self._ear.source.events)
            self._ear = None


def _act(world: World, step: Step) -> None:
    """Do what somebody else does meanwhile."""
    match step:
        case ("share", party, number, version):
            world.share(party, bundle([indicator(number, version=version, description=party)]))
        case ("burst", party, count):
            world.share(party, bundle([indicator(100 + number, description=party) for number in range(count)]))
        case ("hide", number):
            world.share("alfa", bundle([indicator(number, marked=[EXPORT])], marked=[EXPORT]))
        case ("withdraw", party, number):
            chosen = {VersionChoice.LAST}
            world.hub.withdrawals.withdraw(
                Acting(actor=party), f"https://{party}.example", "exchange", indicator(number)["id"], chosen
            )
        case ("suspend",):
            world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, READER, "test")
        case ("clear",):
            world.hub.parties.clear_party(OPERATOR, world.hub.mandate, READER, clearance="restricted", until=None)


async def _play(world: World, script: Sequence[Step], batch: int) -> list[dict[str, Any]]:
    client = Client(world, batch)
    async with asyncio.timeout(120), client.streams.running():
        for step in script:
            world.clock.advance(SECOND)
            match step:
                case ("look",):
                    await client.connect()
                    await client.streams.look()
                case ("settle",):
                    await client.settle()
                case ("cut", count):
                    await client.cut(count)
                case _:
                    # in a thread, while the streams read
                    with contextlib.suppress(RefusedError):
                        await asyncio.to_thread(_act, world, step)
        _act(world, ("clear",))
        await client.settle()
        await client.settle()
        await client.cut(1_000_000)
    return client.objects


def _offers(world: World) -> tuple[dict[tuple[str, str, str], list[int]], set[int]]:
    """Return the numbers of all offers by object, version and owner, and those of the withdrawn ones."""
    with world.hub.store.read() as connection:
        rows = connection.execute(
            select(
                OFFERS.c.offer_seq, CONTRIBUTIONS.c.object_id, OFFERS.c.version, OFFERS.c.withdrawn_at, PARTIES.c.name
            )
            .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
            .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
            .order_by(OFFERS.c.offer_seq)
        ).all()
    found: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        found.setdefault((row.object_id, str(row.version), row.name), []).append(row.offer_seq)
    return found, {row.offer_seq for row in rows if row.withdrawn_at is not None}


def _check(hubs: Templates, script: Sequence[Step], batch: int) -> None:
    world = hubs.world()
    heard = asyncio.run(_play(world, script, batch))
    pages = [(item.object_id, item.version) for item, _ in world.read(READER, query=ALL)]
    offers, withdrawn = _offers(world)
    seen = 0
    delivered: set[tuple[str, str]] = set()
    for one in heard:
        key = (one["id"], _micros(one["modified"]), one["description"])
        # an owner offers a version anew only when the offer before was withdrawn: the next number is the one meant
        seen = next(sequence for sequence in offers[key] if sequence > seen)
        delivered.add(key[:2])
    assert {(object_id, str(version)) for object_id, version in pages} <= delivered, "something was skipped"
    everything = {sequence for sequences in offers.values() for sequence in sequences}
    assert len(heard) <= len(everything), "something was repeated"
    if not withdrawn:
        assert [(one["id"], _micros(one["modified"])) for one in heard] == [(i, str(v)) for i, v in pages]
    world.hub.self_test.require()
    hubs.drop(world)


def _micros(text: str) -> str:
    return str(parse_instant(text))


@given(steps, st.integers(1, 7))
@settings(max_examples=10, deadline=None)
def test_what_was_heard_is_what_pages_give(hubs: Templates, script: Sequence[Step], batch: int) -> None:
    _check(hubs, script, batch)


@pytest.mark.long
@given(steps, st.integers(1, 7))
@settings(max_examples=300, deadline=None)
def test_what_was_heard_is_what_pages_give_in_many_scripts(hubs: Templates, script: Sequence[Step], batch: int) -> None:
    _check(hubs, script, batch)
