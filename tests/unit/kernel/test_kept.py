"""What stays in memory for a while: bounded in number and weight, by any number of threads."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.kept import Kept

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
    kept.clear()
    assert (len(kept), [kept.get(one) for one in range(10)]) == (0, [None] * 10)
    kept.put(0, heaviest)
    assert kept.get(0) == heaviest


@given(st.dictionaries(st.integers(0, 9), st.integers(0, 9)), st.integers(1, 5), st.integers(0, 20))
def test_many_put_at_once_are_as_put_one_by_one(values: dict[int, int], most: int, heaviest: int) -> None:
    first: Kept[int, int] = Kept(most, weigh=lambda value: value, heaviest=heaviest)
    second: Kept[int, int] = Kept(most, weigh=lambda value: value, heaviest=heaviest)
    for key, value in values.items():
        first.put(key, value)
    second.put_all(values)
    assert [second.get(one) for one in range(10)] == [first.get(one) for one in range(10)]


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
