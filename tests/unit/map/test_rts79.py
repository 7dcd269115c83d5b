"""IEEE RTS-79: loss of load and energy not supplied, exactly, and by the map's own Monte Carlo within its interval."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pytest

from support.rts79 import UNITS, hourly_loads, outage_table
from tocsin.map.cascade import simulate, wire
from tocsin.map.cascade.draws import Hazard, draw_hits, keys_of
from tocsin.map.model import Asset, AssetMap, DependencyGroup, Supplier

LOLE_H: Final = 9.39418
EENS_MWH: Final = 1176.30
# a 95 % interval from the spread of so many means of so many samples: Student's t with 39 degrees of freedom
BATCHES: Final = 40
SAMPLES: Final = 500
T_39: Final = 2.0227


def test_the_published_tables_give_the_published_answer() -> None:
    loads = hourly_loads()
    out = outage_table()
    assert len(loads) == 8_736
    assert len(out) - 1 == 3_405
    left = (len(out) - 1) - np.arange(len(out))
    lole = eens = 0.0
    for load, hours in zip(*np.unique(loads.round(9), return_counts=True), strict=True):
        short = np.maximum(load - left, 0.0)
        lole += hours * out[short > 1e-9].sum()
        eens += hours * (short @ out)
    assert lole == pytest.approx(LOLE_H, abs=5e-6)
    assert eens == pytest.approx(EENS_MWH, abs=5e-3)


def test_the_published_answer_is_within_the_interval_of_the_maps_monte_carlo() -> None:
    """Units are assets, each hour's load an asset that needs their sum: k is the load, what is short is not served."""
    names, sizes, rates = [], [], []
    for count, size, rate in UNITS:
        for number in range(count):
            names.append(f"unit {size} MW {number}")
            sizes.append(float(size))
            rates.append(rate)
    # hours of the same load are one asset; below 1,600 MW 0.0001 h a year is lost: those are left out
    levels, hours = np.unique(hourly_loads().round(6), return_counts=True)
    kept = levels > 1_600
    levels, hours = levels[kept], hours[kept]
    loads = [f"load {level:.6f} MW" for level in levels]
    plan = AssetMap(
        assets=tuple(Asset(id=name) for name in (*names, *loads)),
        groups=tuple(
            DependencyGroup(
                asset=load,
                name="power",
                k=float(level),
                suppliers=tuple(Supplier(asset=name, weight=size) for name, size in zip(names, sizes, strict=True)),
            )
            for load, level in zip(loads, levels, strict=True)
        ),
    )
    wiring = wire(plan)
    count = wiring.assets
    hazard = Hazard(
        chance=np.array([*rates, *([0.0] * len(loads))]),
        damage=np.ones((count, 2)),
        repairs=np.array([[1.0, 1.0]]),
        repair_of=np.zeros(count, dtype=np.int64),
    )
    keys = keys_of([asset.id for asset in plan.assets])
    lole, eens = [], []
    for batch in range(BATCHES):
        hits = draw_hits(wiring, hazard, keys, seed=79, samples=range(batch * SAMPLES, (batch + 1) * SAMPLES))
        outcome = simulate(wiring, hits, horizon_h=1.0, jobs=1)
        # the shares of samples in which any service was lost, and of service lost, by level of load
        lole.append(float(outcome.hurt[len(names) :] @ hours))
        eens.append(float((outcome.outage_h[len(names) :] * levels) @ hours))
    for got, known in ((lole, LOLE_H), (eens, EENS_MWH)):
        mean, error = float(np.mean(got)), float(np.std(got, ddof=1)) / math.sqrt(BATCHES)
        assert mean - T_39 * error < known < mean + T_39 * error, (mean, error, known)
        assert error < 0.1 * known  # an interval that says something
