"""Withdrawing: what an object says is read before the writer's turn, and nothing that came meanwhile is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from support.sharing import bundle, indicator
from tocsin.errors import BusyError
from tocsin.exchange import withdraw
from tocsin.exchange.model import VersionChoice
from tocsin.exchange.search.indexer import terms_in
from tocsin.exchange.search.model import SearchQuery
from tocsin.kernel.clock import SECOND
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from support.treaty import Templates

ID: Final = str(indicator(1)["id"])


@pytest.fixture
def world(hubs: Templates) -> Iterator[World]:
    world = hubs.world()
    yield world
    world.hub.self_test.require()
    hubs.drop(world)


def _share(world: World, version: int) -> None:
    world.clock.advance(SECOND)
    world.share("alfa", bundle([indicator(1, version=version)]))


def _withdraw(world: World) -> int:
    return world.hub.withdrawals.withdraw(
        Acting(actor="alfa"), "https://alfa.example", "exchange", ID, {VersionChoice.ALL}
    )


def test_what_an_object_says_is_read_before_the_writers_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in range(5):
        _share(world, version)
    held: list[bool] = []

    def watched(body: bytes | None) -> list[int]:
        held.append(world.hub.store._turn.locked())
        return terms_in(body)

    monkeypatch.setattr(withdraw, "terms_in", watched)
    assert _withdraw(world) == 5
    assert held == [False] * 5
    assert world.read("bravo") == []
    assert world.hub.search.count(world.asker("bravo"), "exchange", SearchQuery()).count == 0


def test_a_version_that_comes_meanwhile_is_withdrawn_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _share(world, 0)
    read: list[bytes | None] = []

    def shares(body: bytes | None) -> list[int]:
        if not read:
            _share(world, 1)
        read.append(body)
        return terms_in(body)

    monkeypatch.setattr(withdraw, "terms_in", shares)
    assert _withdraw(world) == 2
    assert len(read) == 2
    assert world.read("bravo") == []


def test_who_shares_on_and_on_withdraws_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _share(world, 0)
    versions = iter(range(1, 99))

    def shares(body: bytes | None) -> list[int]:
        _share(world, next(versions))
        return terms_in(body)

    with monkeypatch.context() as patch:
        patch.setattr(withdraw, "terms_in", shares)
        with pytest.raises(BusyError):
            _withdraw(world)
    assert len(world.read("bravo")) == 1
    assert _withdraw(world) == withdraw.TRIES + 1
