"""The times at which offers are added, and how many new labels a party may make."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from support.pact import Pacts, pacts
from support.sharing import bundle, indicator, known_marks
from tocsin.agreements.tables import LABELS
from tocsin.errors import LimitError
from tocsin.exchange.intake import entering
from tocsin.exchange.tables import CONTRIBUTIONS, LABEL_COUNTS, OFFERS, SUBMISSIONS
from tocsin.kernel.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from support.sharing import Mark

copies = pytest.fixture(scope="module")(pacts)


@pytest.fixture
def world(copies: Pacts) -> Iterator[World]:
    with copies.world() as world:
        yield world


# --- date_added -------------------------------------------------------------------------------------------------------


def _added(world: World) -> list[int]:
    with world.hub.store.read() as connection:
        return list(connection.execute(select(OFFERS.c.date_added).order_by(OFFERS.c.offer_seq)).scalars())


@pytest.mark.parametrize(("count", "within"), [(1, 1 << 10), (300, 1 << 10), (600, 1 << 14)])
def test_times_rise_within_a_window_that_is_as_long_for_few_as_for_many(world: World, count: int, within: int) -> None:
    world.clock.advance(DAY)
    world.share("alfa", bundle([indicator(number) for number in range(count)]))
    added = _added(world)[-count:]
    assert added == sorted(set(added))
    assert world.clock.at < added[0]
    assert added[-1] <= world.clock.at + within


def test_times_rise_through_submissions_of_one_microsecond(world: World) -> None:
    for number, name in enumerate(("alfa", "bravo", "alfa", "coast")):
        world.share(name, bundle([indicator(10 * number + own) for own in range(10)]))
    world.clock.advance(-DAY)
    world.share("bravo", bundle([indicator(100)]))
    added = _added(world)
    assert len(added) == 4 + 41
    assert all(before < after for before, after in pairwise(added))


# --- new labels -------------------------------------------------------------------------------------------------------

MOST = 5
_SEEN = (CONTRIBUTIONS, OFFERS, SUBMISSIONS, LABELS, LABEL_COUNTS)


def _marked() -> list[tuple[Mark, ...]]:
    """Return markings that each make another label, of those that everybody knows."""
    by_tlp = {mark.tlp: mark for mark in known_marks() if mark.tlp in {"clear", "green", "amber"}}
    by_pap = {mark.pap: mark for mark in known_marks() if mark.pap is not None}
    return list(product(by_tlp.values(), by_pap.values()))


def _share(world: World, name: str, numbers: range) -> None:
    listed = [indicator(number, marked=_marked()[number]) for number in numbers]
    receipt = world.share(name, bundle(listed))
    assert [result.reason for result in receipt.results] == [None] * len(numbers)


def _state(world: World) -> list[int]:
    with world.hub.store.read() as connection:
        counts = [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in _SEEN]
        return [*counts, world.hub.log.head(connection).frontier.size]


@pytest.fixture
def few(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a hub whose readers can be burdened with few new labels a day; a day after all that was shared before."""
    monkeypatch.setattr(entering, "MAX_NEW_LABELS_A_DAY", MOST)
    world.clock.advance(2 * DAY)
    return world


def test_as_many_new_labels_as_the_limit_are_taken(few: World) -> None:
    _share(few, "alfa", range(MOST))


@pytest.mark.parametrize("before", [1, 2, MOST])
def test_one_more_is_refused_with_all_that_came_with_it(few: World, before: int) -> None:
    _share(few, "alfa", range(before))
    state = _state(few)
    with pytest.raises(LimitError, match=f"more than {MOST} new"):
        _share(few, "alfa", range(before, MOST + 1))
    assert _state(few) == state


def test_the_limit_is_each_party_s_own_and_of_new_labels_only(few: World) -> None:
    _share(few, "alfa", range(MOST))
    _share(few, "bravo", range(MOST))
    again = [indicator(20 + number, marked=_marked()[number]) for number in range(MOST)]
    receipt = few.share("alfa", bundle(again))
    assert [result.reason for result in receipt.results] == [None] * MOST


@pytest.mark.still
def test_a_day_later_there_is_room_again(few: World) -> None:
    _share(few, "alfa", range(MOST))
    few.clock.advance(DAY)
    with pytest.raises(LimitError):
        _share(few, "alfa", range(MOST, MOST + 1))
    few.clock.advance(1)
    _share(few, "alfa", range(MOST, 2 * MOST))
