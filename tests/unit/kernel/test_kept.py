"""What stays in memory for a while: bounded in number and weight, by any number of threads."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.kept import Kept, Lately

if TYPE_CHECKING:
    from collections.abc import Iterator


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))), st.integers(1, 5), st.integers(0, 20))
def test_the_newest_stay_and_never_more_than_may(puts: list[tuple[int, int]], most: int, heaviest: int) -> None:
    kept: Kept[int, int] = Kept(most, weigh=lambda value: value, heaviest=heaviest)
    expected: dict[int, int] = {}
    for key, value in puts:
        kept.put(key, value)
        expected.pop(key, None)
        expected[key] = value
        while len(expected) > most or sum(expected.values()) > heaviest:
            del expected[next(iter(expected))]
        assert {one: kept.get(one) for one in range(10) if kept.get(one) is not None} == expected
        assert len(kept) == len(expected)


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.dictionaries(st.integers(0, 9), st.integers(0, 9), max_size=4)),
        st.tuples(st.just("get"), st.lists(st.integers(0, 9), max_size=4)),
        st.tuples(st.just("wait"), st.integers(0, 25)),
    )
)


@given(_steps, st.integers(0, 20))
def test_what_nobody_asks_for_in_two_spans_is_gone_and_what_is_found_is_what_was_put(
    steps: list[tuple[str, Any]], heaviest: int
) -> None:
    now = 0
    kept: Lately[int, int] = Lately(10, weigh=lambda value: value, heaviest=heaviest, clock=lambda: now)
    newest: dict[int, int] = {}
    asked: dict[int, int] = {}  # when last
    for step, what in steps:
        if step == "wait":
            now += what
        elif step == "put":
            kept.put_all(what)
            newest |= what
            asked |= dict.fromkeys(what, now)
        else:
            found = kept.get_all(what)
            for key, value in found.items():
                assert value == newest[key]
                assert now - asked[key] < 20
            asked |= dict.fromkeys(found, now)
        weights = [sum(each.values()) for each in (kept._new, kept._old)]
        assert weights[0] == kept._weight <= heaviest
        assert weights[1] <= heaviest + 9
        assert not kept._new.keys() & kept._old.keys()


def test_what_is_asked_for_stays_while_there_is_room() -> None:
    now = 0
    kept: Lately[int, int] = Lately(10, weigh=lambda _value: 1, heaviest=100, clock=lambda: now)
    kept.put_all({1: 1, 2: 2})
    for now in range(0, 200, 9):  # noqa: B007  the clock reads it
        assert kept.get_all([1, 3]) == {1: 1}
    assert kept.get_all([1, 2]) == {1: 1}
    assert len(kept) == 1


@pytest.fixture
def often() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("often")
def test_threads_that_make_room_at_once_do_not_meet() -> None:
    kept: Kept[tuple[int, int], int] = Kept(16)
    faults: list[BaseException] = []

    def fill(own: int) -> None:
        try:
            for number in range(5_000):
                kept.put((own, number), number)
        except RuntimeError as error:
            faults.append(error)

    threads = [threading.Thread(target=fill, args=(own,)) for own in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (faults, len(kept)) == ([], 16)
