"""A policy that ends: what carries it is open until the full hour before, and to its owner alone from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec.structs import replace

from support.hub import START
from support.inspection import inspect_hub, tell
from support.sharing import bundle, indicator, stamp
from tocsin.errors import LogBrokenError
from tocsin.exchange.asking import Question
from tocsin.exchange.markings.iep import IEP_EXTENSION
from tocsin.exchange.model import Query
from tocsin.exchange.replay import replay
from tocsin.exchange.search.model import SearchQuery
from tocsin.kernel.clock import SECOND, format_instant
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from support.treaty import Templates
    from tocsin.exchange.asking import Why

HOUR: Final = 3_600 * SECOND
MARK: Final = "marking-definition--00000000-0000-4000-8000-00000000abcd"


def _definition(ends: int) -> dict[str, Any]:
    policy = {
        "extension_type": "property-extension",
        "encrypt_in_transit": "may",
        "permitted_actions": "externally-visible-direct-actions",
        "affected_party_notifications": "may",
        "tlp": "green",
        "provider_attribution": "may",
        "unmodified_resale": "may",
        "iep_id": "0224bfdf-ea3a-49c3-96f6-66d908bb1845",
        "iep_version": 2.0,
        "description": "A policy",
        "start_date": stamp(START - HOUR),
        "end_date": stamp(ends),
    }
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": MARK,
        "created": stamp(START - HOUR),
        "extensions": {IEP_EXTENSION: policy},
    }


@pytest.fixture
def ends(world: World) -> int:
    """The end that counts of a policy that ends some minutes later."""
    return (world.clock.now() // HOUR + 3) * HOUR


@pytest.fixture
def world(hubs: Templates) -> Iterator[World]:
    world = hubs.world()
    yield world
    inspect_hub(world.hub)
    hubs.drop(world)


@pytest.fixture
def shared(world: World, ends: int) -> str:
    """An object whose policy ends, beside one without."""
    item = indicator(1) | {"object_marking_refs": [MARK]}
    receipt = world.share("alfa", bundle([_definition(ends + 17 * 60 * SECOND), item, indicator(2)]))
    assert f"from {format_instant(ends)}" in " ".join(receipt.results[1].notes)
    world.hub.indexer.index()
    return str(item["id"])


def _read(world: World, who: str) -> set[str]:
    return {item.object_id for item, _ in world.read(who)} & {str(indicator(1)["id"]), str(indicator(2)["id"])}


def _found(world: World, who: str) -> int:
    query = SearchQuery(types=frozenset({"indicator"}))
    return world.hub.search.count(world.asker(who), "exchange", query).count


def _why(world: World, who: str, object_id: str) -> Why:
    party, user = world.hub.parties.resolve(who)
    (why,) = world.hub.asking.why(Question(object_id=object_id, party=party, user=user, acting=Acting(actor=who)))
    return why


@pytest.mark.still
def test_it_is_open_until_its_end_and_to_its_owner_after_it(world: World, shared: str, ends: int) -> None:
    both = {shared, str(indicator(2)["id"])}
    world.clock.advance(ends - 1 - world.clock.now())
    assert _read(world, "bravo") == _read(world, "alfa") == both
    assert _found(world, "bravo") == 2
    verdict = _why(world, "bravo", shared).explanation.verdict
    assert verdict.allows
    assert verdict.valid_until == ends
    world.clock.advance(1)
    assert _read(world, "bravo") == both - {shared}
    assert _read(world, "alfa") == both
    assert (_found(world, "bravo"), _found(world, "alfa")) == (1, 2)
    only = Query(ids=frozenset({shared}))
    assert world.hub.reading.ahead(world.asker("bravo"), "exchange", only, place=0) is None
    own = _why(world, "alfa", shared)
    assert own.explanation.verdict.allows
    (told,) = world.hub.asking.why(
        Question(
            object_id=shared,
            party=world.hub.parties.get("alfa"),
            user=None,
            acting=Acting(actor="alfa"),
            reader="bravo",
        )
    )
    assert not told.explanation.verdict.allows
    assert any(f"ended at {format_instant(ends)}" in one.text for one in told.explanation.remarks)


@pytest.mark.still
def test_a_page_that_was_made_before_the_end_does_not_leave_after_it(
    world: World, shared: str, ends: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.clock.advance(ends - 1 - world.clock.now())
    stage = world.hub.reading._stage
    staged: list[int] = []

    def late(*args: Any, **more: Any) -> str | None:  # noqa: ANN401  passed on
        if not staged:
            world.clock.advance(1)
        staged.append(len(more["items"]))
        return stage(*args, **more)

    monkeypatch.setattr(world.hub.reading, "_stage", late)
    assert shared not in _read(world, "bravo")
    assert staged[0] == staged[1] + 1, "the first page had it, and was thrown away"


@pytest.mark.still
def test_a_search_that_was_made_before_the_end_does_not_leave_after_it(
    world: World, shared: str, ends: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.clock.advance(ends - 1 - world.clock.now())
    stage = world.hub.search._stage
    staged: list[int] = []

    def late(*args: Any, **more: Any) -> str | None:  # noqa: ANN401  passed on
        if not staged:
            world.clock.advance(1)
        staged.append(len(more["told"].owned))
        return stage(*args, **more)

    monkeypatch.setattr(world.hub.search, "_stage", late)
    assert shared
    assert _found(world, "bravo") == 1
    assert staged == [2, 1]


@pytest.mark.still
def test_a_release_after_the_end_is_no_log(world: World, shared: str, ends: int) -> None:
    world.clock.advance(ends - 1 - world.clock.now())
    assert shared in _read(world, "bravo")
    world.hub.integrator.integrate()
    told = tell(world.hub)
    assert replay(told).releases
    later = format_instant(ends)
    forged = [
        (index, replace(payload, at=later, data=payload.data | {"decided_at": later}))
        if payload.kind == "release"
        else (index, payload)
        for index, payload in told
    ]
    with pytest.raises(LogBrokenError, match="was not allowed"):
        replay(forged)


def test_ends_within_an_hour_are_one_label(world: World, ends: int) -> None:
    for number in range(4):
        item = indicator(number) | {"object_marking_refs": [MARK.replace("abcd", f"000{number}")]}
        mark = _definition(ends + number * 60 * SECOND) | {"id": item["object_marking_refs"][0]}
        world.share("alfa", bundle([mark, item]))
    labels = [one.label_id for one, _ in world.read("bravo") if one.object_id.startswith("indicator")]
    assert (len(labels), len(set(labels))) == (4, 1)
