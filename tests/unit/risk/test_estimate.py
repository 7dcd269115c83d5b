"""What an event would cost, from samples: three points whose mean is the samples', and a document that is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin.map.cascade import Hit, hits_of, simulate, wire
from tocsin.map.model import Asset, AssetMap
from tocsin.risk.registry.documents import read_scenario
from tocsin.risk.registry.estimate import _fitted, document_of, estimated

if TYPE_CHECKING:
    from tocsin.map.cascade import Outcome

SCENARIO = "scenario: flood\ntitle: A flood\nkind: natural\nowner: cert\nreview: 2028-06-01\nlevel: 3\n"


def outcome(*until: float) -> Outcome:
    plan = AssetMap(
        assets=(
            Asset(id="line", sector="energy", value_h=3, people=10),
            Asset(id="pump", sector="water", people=7),
            Asset(id="odd", sector="No Sector!", value_h=1),
            Asset(id="far", sector="health", value_h=1),
        )
    )
    wiring = wire(plan)
    samples = [[Hit(asset=name, until_h=hours) for name in ("line", "pump", "odd")] for hours in until]
    return simulate(wiring, hits_of(wiring, samples), horizon_h=100)


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=60))
def test_the_mean_of_an_estimate_is_the_mean_of_the_samples(samples: list[float]) -> None:
    values = np.array(samples)
    made = _fitted(values)
    if values.mean() == 0:
        assert made is None
        return
    assert made is not None
    low, mode, high = made.points.points
    assert 0 <= low <= mode <= high
    assert abs(float(made.points.mean) - values.mean()) <= 2  # whole units
    assert made.low <= values.max() + 1
    assert made.high >= values.min() - 1


def test_ends_are_what_one_in_a_hundred_falls_short_of_and_exceeds() -> None:
    made = _fitted(np.arange(1.0, 1_001.0))
    assert made is not None
    assert (made.low, made.high, made.points.mode) == (10, 991, "500")


def test_what_is_printed_is_a_part_of_a_scenario() -> None:
    losses, nameless = estimated(outcome(*range(1, 41)))
    assert nameless == ["No Sector!"]
    assert [one.sector for one in losses] == ["energy", "water"]
    read = read_scenario(f"{SCENARIO}{document_of(losses)}".encode(), where="test")
    assert [one.sector for one in read.losses] == ["energy", "water"]
    energy, water = read.losses
    assert energy.money is not None
    assert abs(float(energy.money.mean) - 3 * 20.5) <= 1
    assert water.money is None
    assert water.people_hours is not None
    assert abs(float(water.people_hours.mean) - 7 * 20.5) <= 1


def test_what_is_known_is_one_number_and_a_far_end_stands_beside() -> None:
    losses, _ = estimated(outcome(4.0, 4.0))
    assert document_of(losses) == (
        "losses:\n  - {sector: energy, money: 12, people_hours: 40}\n  - {sector: water, people_hours: 28}\n"
    )
    losses, _ = estimated(outcome(*[0.0] * 19, 100.0))
    # 95 of 100 samples cost nothing: the mean is kept, and the end is told
    assert "money: [0, 0, 90]" in document_of(losses)
    assert "# 98 of 100 samples: money 0 to 300" in document_of(losses)
