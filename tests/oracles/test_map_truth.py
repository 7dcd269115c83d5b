"""What the map derives of a network, against power flow and pressure-driven hydraulics that are not ours.

The whole tables are `python -m bench --only truth`; docs/map.md has them, and why the map is wrong where it is.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

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
    assert pairs.recall > 0.85


def test_a_radial_network_of_medium_voltage() -> None:
    pytest.importorskip("pandapower")
    for got in _scored("mv_oberrhein", singles=6, pairs=3):
        assert (got.alarm, got.missed) == (0, 0)
        assert got.right + got.quiet > 300


def test_a_tank_gives_no_more_than_it_holds_which_epanet_2_2_lets_it(tmp_path: Path) -> None:
    """Why the truth is wntr's own simulator. If this fails, EPANET is mended, and may be the truth again."""
    wntr = pytest.importorskip("wntr")
    from bench import truth

    cut_off = truth.hydraulics("Net3").net(("206",))  # a part of the town with tank 2 and no other source
    tank = cut_off.get_node("2")
    held = (tank.init_level - tank.min_level) * math.pi * tank.diameter**2 / 4
    given = {}
    for name, simulator in (("wntr", wntr.sim.WNTRSimulator), ("EPANET", wntr.sim.EpanetSimulator)):
        files = {"file_prefix": str(tmp_path / "run")} if name == "EPANET" else {}
        out = simulator(cut_off).run_sim(**files).node["demand"]["2"]
        given[name] = -float(out.iloc[: truth.HOURS].sum()) * 3600  # each hour's rate, of 24 hours
    assert held == pytest.approx(945, abs=1)
    assert given["wntr"] == pytest.approx(held, rel=0.05)
    assert given["EPANET"] > 3 * held


@pytest.mark.long
@pytest.mark.parametrize(("name", "precision", "recall"), [("Net3", 0.97, 0.5), ("Net2", 0.97, 0.5)])
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
