"""What the map derives of a network, against power flow and pressure-driven hydraulics that are not ours.

The whole tables are `python -m bench --only truth`; docs/map.md has them, and why the map is wrong where it is.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bench.truth import Score


def _scored(name: str, *, singles: int | None, pairs: int) -> list[Score]:
    from bench import truth

    case = truth.made(name)
    return [truth.scored(case, outages) for _, outages in truth.outages_of(case, singles=singles, pairs=pairs)]


def test_net1_every_single_outage_and_some_pairs() -> None:
    pytest.importorskip("wntr")
    singles, pairs = _scored("Net1", singles=None, pairs=20)
    assert (singles.alarm, singles.missed) == (0, 0)
    assert singles.right == 39
    assert pairs.alarm == 0
    assert pairs.recall > 0.9


def test_a_radial_network_of_medium_voltage() -> None:
    pytest.importorskip("pandapower")
    for got in _scored("mv_oberrhein", singles=6, pairs=3):
        assert (got.alarm, got.missed) == (0, 0)
        assert got.right + got.quiet > 300


@pytest.mark.long
@pytest.mark.parametrize(("name", "precision", "recall"), [("Net3", 0.2, 0.65), ("Net2", 0.8, 0.8)])
def test_networks_of_pipes_where_pressure_says_more_than_paths(name: str, precision: float, recall: float) -> None:
    pytest.importorskip("wntr")
    singles, _ = _scored(name, singles=None, pairs=5)
    assert singles.precision >= precision
    assert singles.recall >= recall


@pytest.mark.long
def test_every_single_outage_of_a_radial_network() -> None:
    pytest.importorskip("pandapower")
    singles, pairs = _scored("mv_oberrhein", singles=None, pairs=100)
    assert (singles.alarm, singles.missed, pairs.alarm, pairs.missed) == (0, 0, 0, 0)


def test_the_outages_that_are_asked_are_the_same_in_every_run() -> None:
    pytest.importorskip("wntr")
    from bench import truth

    case = truth.made("Net1")
    first, again = (list(truth.outages_of(case, singles=5, pairs=5)) for _ in range(2))
    assert first == again
    assert random.Random(7).sample([(one,) for one in case.elements], 5) == first[0][1]
