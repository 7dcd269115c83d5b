"""Single points of failure and pairs, against every set of one, two and three tried by the reference."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from support.cascades import made_map, needs, plain
from support.courses import lost_hours
from tocsin.errors import LimitError
from tocsin.map import failures
from tocsin.map.cascade.grid import TICKS
from tocsin.map.cascade.hits import Hit, hits_of
from tocsin.map.cascade.reference import course
from tocsin.map.cascade.wiring import wire
from tocsin.map.failures import cuts, pairs, singles
from tocsin.map.model import Need

BRIDGE = {"p14": "14", "p25": "25", "p135": "135", "p234": "234"}


def test_the_cuts_of_the_bridge() -> None:
    ways = [needs(path, *parts, k=len(parts), need=Need.COUNT) for path, parts in BRIDGE.items()]
    wiring = wire(plain(*ways, needs("t", *BRIDGE, need=Need.COUNT), needs("end", "t", "5", k=2)))
    one, two = cuts(wiring, wiring.ids.index("t"), horizon_h=1, jobs=1)
    assert one.tolist() == []
    named = {frozenset(wiring.ids[asset] for asset in both) for both in two.tolist()}
    assert {both for both in named if both <= set("12345")} == {frozenset("12"), frozenset("45")}
    ends, _ = cuts(wiring, wiring.ids.index("end"), horizon_h=1, jobs=1)
    assert {wiring.ids[asset] for asset in ends.tolist()} == {"5", "t"}


def test_a_buffer_hides_what_is_behind_it_until_it_is_empty() -> None:
    wiring = wire(plain(needs("clinic", "grid", buffer_h=24), people=100))
    assert singles(wiring, horizon_h=24, jobs=1).people_h.tolist() == [2400, 2400]
    later = singles(wiring, horizon_h=30, jobs=1)
    assert later.people_h.tolist() == [3000, 3600]
    assert [wiring.ids[at] for at in later.ranked().tolist()] == ["grid", "clinic"]


def test_all_singles_and_pairs_are_what_the_reference_says() -> None:
    wiring = wire(made_map(random.Random(8), 14, whole=False))
    for losses, size in ((singles(wiring, horizon_h=20, jobs=1), 1), (pairs(wiring, horizon_h=20, jobs=1), 2)):
        assert losses.sets.tolist() == [list(one) for one in itertools.combinations(range(14), size)]
        for number, chosen in enumerate(losses.sets.tolist()):
            hits = hits_of(wiring, [[Hit(asset=wiring.ids[asset], until_h=20) for asset in chosen]])
            lost = np.array(lost_hours(course(wiring, hits.table, 20 * TICKS), wiring, 20 * TICKS))
            assert losses.hours[number] == pytest.approx(lost.sum(), abs=1e-4)
            assert losses.people_h[number] == pytest.approx(lost @ wiring.people, rel=1e-6)


def test_pairs_come_in_batches_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    wiring = wire(made_map(random.Random(8), 9, whole=False))
    whole = pairs(wiring, horizon_h=5, jobs=1)
    monkeypatch.setattr(failures, "_BATCH", 7)
    assert pairs(wiring, horizon_h=5, jobs=1).hours.tolist() == whole.hours.tolist()
    monkeypatch.setattr(failures, "MOST_PAIRS", 35)
    with pytest.raises(LimitError, match="36 pairs"):
        pairs(wiring, horizon_h=5)
    assert len(pairs(wiring, np.array([1, 4, 5]), horizon_h=5, jobs=1).sets) == 3
    assert len(pairs(wiring, np.array([1]), horizon_h=5, jobs=1).sets) == 0
