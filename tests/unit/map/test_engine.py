"""What the compiled engine refuses, and how it says so."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

from support.cascades import needs, plain
from tocsin.errors import InputError, LimitError, NotFoundError
from tocsin.map.cascade.engine import simulate, trace
from tocsin.map.cascade.hits import Hit, hits_of, of_table
from tocsin.map.cascade.reference import course
from tocsin.map.cascade.wiring import wire
from tocsin.map.model import DependencyGroup, Supplier

PLAN = plain(needs("mill", "grid"), people=1_000)
WIRING = wire(PLAN)


@pytest.mark.parametrize(
    ("hit", "kind", "what"),
    [
        (Hit(asset="mine", until_h=1), NotFoundError, "no such asset"),
        (Hit(asset="mill", until_h=1, damage=1.5), InputError, "a damage of 1.5"),
        (Hit(asset="mill", until_h=-1), InputError, "a time of -1"),
        (Hit(asset="mill", until_h=float("nan")), InputError, "a time of nan"),
        (Hit(asset="mill", until_h=1, from_h=2), InputError, "repaired before it is hit"),
    ],
    ids=lambda one: one.asset + str(one.until_h) if isinstance(one, Hit) else "",
)
def test_a_hit_that_is_none_is_refused(hit: Hit, kind: type[InputError], what: str) -> None:
    with pytest.raises(kind, match=what):
        hits_of(WIRING, [[hit]])


def test_a_row_off_the_map_is_refused() -> None:
    with pytest.raises(InputError, match="hit 0"):
        of_table(WIRING, first=np.array([0, 1]), table=np.array([[2, 1, 0, 1]]))


def test_an_asset_hit_twice_is_told_with_its_sample() -> None:
    once = [Hit(asset="mill", until_h=1)]
    with pytest.raises(InputError, match="sample 2: mill: an asset is hit twice"):
        hits_of(WIRING, [once, once, once * 2, once])
    table = np.array([[1, 1, 0, 1]] * 5)
    for jobs in (1, 2):
        with pytest.raises(InputError, match="sample 2: an asset is hit twice"):
            simulate(WIRING, of_table(WIRING, first=np.array([0, 1, 2, 4, 5]), table=table), horizon_h=9, jobs=jobs)


@pytest.mark.parametrize("hours", [0.0, 1e5])
def test_a_horizon_that_does_not_fit_is_refused(hours: float) -> None:
    with pytest.raises(LimitError, match="horizon"):
        simulate(WIRING, hits_of(WIRING, [[]]), horizon_h=hours)


def test_sums_that_would_not_fit_are_refused_beforehand() -> None:
    many = structs.replace(PLAN, assets=tuple(structs.replace(one, people=10**10) for one in PLAN.assets))
    wiring = wire(many)
    hits = hits_of(wiring, [[]])
    assert simulate(wiring, hits, horizon_h=168).outage_h.tolist() == [0, 0]
    with pytest.raises(LimitError, match="people"):
        simulate(wiring, hits, horizon_h=8_760)


def test_no_samples_lose_nothing_and_one_is_traced_at_a_time() -> None:
    with pytest.raises(InputError, match="2 samples"):
        trace(WIRING, hits_of(WIRING, [[], []]), horizon_h=1)
    with pytest.raises(InputError, match="no samples"):
        simulate(WIRING, hits_of(WIRING, []), horizon_h=1)


def test_a_ring_that_creeps_down_is_stopped_and_said() -> None:
    # a needs a millionth of c, the rest comes round by b: what c lacks goes off in a million rounds
    plan = plain(needs("a", "b", "c"), needs("b", "a"))
    almost = DependencyGroup(
        asset="a", name="power", suppliers=(Supplier(asset="b", weight=0.999), Supplier(asset="c", weight=0.001))
    )
    wiring = wire(structs.replace(plan, groups=(almost, plan.groups[1])))
    hits = hits_of(wiring, [[Hit(asset="c", until_h=5)]])
    found = course(wiring, hits.table, 10**7)
    assert trace(wiring, hits, horizon_h=10) == found
    assert found.changes[0][2] < 1_000
    with pytest.raises(LimitError, match="still goes on"):
        simulate(wiring, hits, horizon_h=10, most_told=1_000)
    # what was stopped left nothing behind
    assert simulate(wiring, hits_of(wiring, [[]]), horizon_h=10).lost_h.tolist() == [[0.0]]
