"""What is decided in a snapshot is asked again before it leaves; and what ends, ends at its instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from support.hub import OPERATOR, World
from support.inspection import inspect_hub, released_in, tell
from support.pact import (
    AGREEMENT_ENDS,
    BASIS_ENDS,
    CLEARANCE_ENDS,
    PERSON_ENDS,
    Pacts,
    before_turns,
    forbid_malware,
    kinds,
    pacts,
    page,
)
from support.taxii import object_id
from tocsin.errors import BusyError, NotFoundError
from tocsin.exchange.model import VersionChoice
from tocsin.exchange.reading import TRIES
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.exchange.reading import Answer

copies = pytest.fixture(scope="module")(pacts)


def _suspend(world: World) -> None:
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "bravo", "under investigation")


def _disable(world: World) -> None:
    world.hub.parties.disable_user(OPERATOR, world.hub.mandate, "ana@coast")


def _withdraw(world: World) -> None:
    alfa = world.hub.parties.get("alfa").uri
    world.hub.withdrawals.withdraw(OPERATOR, alfa, "exchange", object_id("malware", "one"), [VersionChoice.ALL])


def _demote(world: World) -> None:
    _, ana = world.hub.parties.resolve("ana@coast")
    assert ana is not None
    world.hub.parties.change_user(
        OPERATOR, world.hub.mandate, msgspec.structs.replace(ana, roles=frozenset({Role.VIEWER}))
    )


def _until(instant: int) -> Callable[[World], None]:
    def arrive(world: World) -> None:
        world.clock.at = instant

    return arrive


# what happens in between: to which reader, what it is, and what is still theirs after it; None: not even the collection
BETWEEN: dict[str, tuple[str, Callable[[World], None], set[str] | None]] = {
    "the party is suspended": ("bravo", _suspend, None),
    "the user is disabled": ("ana@coast", _disable, None),
    "the user is an analyst no more": ("ana@coast", _demote, {"indicator", "malware", "ipv4-addr"}),
    "an offer is withdrawn": ("coast", _withdraw, {"indicator", "ipv4-addr"}),
    "an agreement that forbids comes into force": ("coast", forbid_malware, {"indicator", "ipv4-addr"}),
    "the party's clearance ends": ("bravo", _until(CLEARANCE_ENDS), {"indicator", "malware"}),
    "the user's clearance ends": ("ana@coast", _until(PERSON_ENDS), {"indicator", "malware", "campaign"}),
    "the legal basis ends": ("coast", _until(BASIS_ENDS), {"indicator", "ipv4-addr"}),
    "the agreement ends": ("coast", _until(AGREEMENT_ENDS), set()),
}


def _whole(reader: str) -> set[str]:
    return {"indicator", "malware", "ipv4-addr"} | ({"campaign"} if "@" in reader else set())


def _left(world: World, answers: list[Answer]) -> None:
    """Hold the hub to what left it: these pages and nothing else, in its store as in its log."""
    inspect_hub(world.hub)
    told = {one.release: frozenset(item.seq for item in one.page.items) for one in answers if one.release is not None}
    assert released_in(tell(world.hub)) == told


@pytest.mark.parametrize("case", BETWEEN)
def test_what_changes_after_the_snapshot_holds_for_the_page(
    copies: Pacts, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    reader, act, rest = BETWEEN[case]
    with copies.world() as world:
        before = page(world, reader)
        assert kinds(before) == _whole(reader)
        world.hub.integrator.integrate()  # time will be leapt over, and no release may be staged that long
        turns = before_turns(monkeypatch, world.hub.store, [lambda: act(world)])
        if rest is None:
            with pytest.raises(NotFoundError):
                page(world, reader)
            assert len(turns) == 1
            _left(world, [before])
            return
        after = page(world, reader)
        assert kinds(after) == rest
        assert len(turns) == (2 if rest else 1), "the first page was thrown away; one of nothing is not staged"
        assert (after.release is None) == (not rest)
        _left(world, [before, after])
        other = World.again(world.settings.home, seed=2, start=world.clock.at)
        assert kinds(page(other, reader)) == rest, "who opens the hub anew judges the same"
        other.hub.close()


def test_a_change_that_concerns_others_discards_nothing(copies: Pacts, monkeypatch: pytest.MonkeyPatch) -> None:
    with copies.world() as world:
        turns = before_turns(monkeypatch, world.hub.store, [lambda: world.party("dale")])
        answer = page(world, "ana@coast")
        assert kinds(answer) == _whole("ana@coast")
        assert len(turns) == 1
        _left(world, [answer])


def _turn_coat(world: World) -> None:
    """Move bravo from one sector to another and back: the profile of its readers is another one each time."""
    bravo = world.hub.parties.get("bravo")
    sectors = frozenset({"energy"} ^ bravo.sectors ^ {"transport"})
    world.hub.parties.change_party(OPERATOR, world.hub.mandate, msgspec.structs.replace(bravo, sectors=sectors))


def test_a_page_waits_out_some_changes(copies: Pacts, monkeypatch: pytest.MonkeyPatch) -> None:
    with copies.world() as world:
        turns = before_turns(monkeypatch, world.hub.store, [lambda: _turn_coat(world)] * (TRIES - 1))
        answer = page(world, "bravo")
        assert len(turns) == TRIES
        _left(world, [answer])


def test_a_page_does_not_wait_for_ever(copies: Pacts, monkeypatch: pytest.MonkeyPatch) -> None:
    with copies.world() as world:
        turns = before_turns(monkeypatch, world.hub.store, [lambda: _turn_coat(world)] * (TRIES + 1))
        with pytest.raises(BusyError):
            page(world, "bravo")
        assert len(turns) == TRIES
        _left(world, [])


# --- what ends ------------------------------------------------------------------------------------------------------

ENDS: dict[str, tuple[str, int, set[str]]] = {
    "a party's clearance": ("bravo", CLEARANCE_ENDS, {"ipv4-addr"}),
    "a user's clearance": ("ana@coast", PERSON_ENDS, {"ipv4-addr"}),
    "a legal basis": ("coast", BASIS_ENDS, {"malware"}),
    "an agreement": ("coast", AGREEMENT_ENDS, {"indicator", "ipv4-addr"}),
}


@pytest.mark.still
@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize("case", ENDS)
def test_it_holds_until_its_instant_and_not_at_it(copies: Pacts, case: str, offset: int) -> None:
    reader, instant, lost = ENDS[case]
    with copies.world() as world:
        world.clock.at = instant - 2  # past all that ends sooner, which would end what is remembered too
        assert kinds(page(world, reader)) >= lost  # from here on the hub remembers what it decided
        world.clock.at = instant + offset
        found = kinds(page(world, reader))
        assert lost <= found if offset < 0 else lost.isdisjoint(found)
        other = World.again(world.settings.home, seed=2, start=instant + offset)
        assert kinds(page(other, reader)) == found
        other.hub.close()


# --- pages of one view -----------------------------------------------------------------------------------------------

CHANGES: dict[str, tuple[Callable[[World], None], set[str]]] = {
    "other policies, same reader": (forbid_malware, {"ipv4-addr", "campaign"}),
    "same policies, other reader": (_demote, {"malware", "ipv4-addr"}),
}


@pytest.mark.parametrize("case", CHANGES)
def test_the_second_page_follows_the_policy_of_its_own_time(copies: Pacts, case: str) -> None:
    act, rest = CHANGES[case]
    with copies.world() as world:
        first = page(world, "ana@coast", limit=1)
        assert kinds(first) == {"indicator"}
        assert first.next is not None
        act(world)
        second = page(world, "ana@coast", cursor=first.next)
        assert kinds(second) == rest
        _left(world, [first, second])
