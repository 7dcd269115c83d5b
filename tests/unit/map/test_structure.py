"""Minimal cut sets of every size and what they add up to, against every subset tried by the reference."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Final

import pytest
from msgspec import structs

from support.cascades import made_map, needs, plain
from tocsin.errors import InputError, LimitError
from tocsin.map import structure as shelf
from tocsin.map.cascade.grid import FULL, TICKS
from tocsin.map.cascade.reference import course
from tocsin.map.cascade.wiring import wire
from tocsin.map.diagrams import Diagrams
from tocsin.map.failures import cuts
from tocsin.map.model import DependencyGroup, Need, Supplier
from tocsin.map.structure import structure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.map.cascade.wiring import Wiring
    from tocsin.map.model import AssetMap

BRIDGE: Final = {"p14": "14", "p25": "25", "p135": "135", "p234": "234"}


def bridge() -> AssetMap:
    ways = [needs(path, *parts, k=len(parts), need=Need.COUNT) for path, parts in BRIDGE.items()]
    return plain(*ways, needs("t", *BRIDGE, need=Need.COUNT))


def test_two_of_three() -> None:
    wiring = wire(plain(needs("t", "a", "b", "c", k=2, need=Need.COUNT)))
    found = structure(wiring, wiring.ids.index("t"))
    assert found.cuts(largest=3) == [(0, 1), (0, 2), (1, 2)]
    assert found.sizes() == {2: 3}
    assert 1 - found.probability(dict.fromkeys(range(3), 0.1)) == pytest.approx(0.972, abs=1e-12)


def test_the_bridge() -> None:
    wiring = wire(bridge())
    found = structure(wiring, wiring.ids.index("t"))
    parts = [wiring.ids.index(name) for name in "12345"]
    assert 1 - found.probability(dict.fromkeys(parts, 0.1)) == pytest.approx(0.97848, abs=1e-12)
    named = ["".join(wiring.ids[asset] for asset in one) for one in found.cuts(largest=3)]
    assert [one for one in named if set(one) <= set("12345")] == ["12", "45", "135", "234"]


def test_only_those_among_which_one_asks_can_fail() -> None:
    wiring = wire(bridge())
    among = {wiring.ids.index(name) for name in "12345"}
    every = structure(wiring, wiring.ids.index("t")).cuts(largest=4)
    some = structure(wiring, wiring.ids.index("t"), among=among)
    assert some.cuts(largest=4) == [one for one in every if among.issuperset(one)]
    assert set(some.parts) == among


def test_sets_of_another_size_cost_nothing_to_leave_out() -> None:
    # one of each of 40 pairs: 2 to the 40 sets of 40, and of every other size none
    pairs = [needs(f"m{number}", f"a{number}", f"b{number}", k=2, need=Need.COUNT) for number in range(40)]
    wiring = wire(plain(*pairs, needs("t", *(f"m{number}" for number in range(40)), need=Need.COUNT)))
    among = {at for at, name in enumerate(wiring.ids) if name[0] in "ab"}
    found = structure(wiring, wiring.ids.index("t"), among=among, diagrams=Diagrams(steps=100_000))
    assert found.sizes() == {40: 2**40}
    assert found.cuts(largest=39) == []


def test_the_work_is_bounded_and_not_only_what_is_left_of_it() -> None:
    wiring = wire(bridge())
    with pytest.raises(LimitError, match="more than 50 steps"):
        structure(wiring, wiring.ids.index("t"), diagrams=Diagrams(steps=50))
    group = needs("t", *(f"s{number}" for number in range(1_200)), k=1)
    with pytest.raises(LimitError, match="1,200 suppliers"):
        structure(wire(plain(group)), 1_200, among={3})


def lost(wiring: Wiring, target: int, failed: tuple[int, ...]) -> int:
    """Return the service that the target is left with."""
    table = [(asset, FULL, 0, TICKS) for asset in failed]
    level = FULL
    for _, asset, now in course(wiring, table, TICKS).changes:
        level = now if asset == target else level
    return level


def minimal(wiring: Wiring, target: int, service: float) -> set[tuple[int, ...]]:
    others = [asset for asset in range(wiring.assets) if asset != target]
    found: list[frozenset[int]] = []
    for size in range(len(others) + 1):
        for one in itertools.combinations(others, size):
            if not any(cut <= set(one) for cut in found) and lost(wiring, target, one) < round(service * FULL):
                found.append(frozenset(one))
    return {tuple(sorted(one)) for one in found}


def without_buffers(plan: AssetMap) -> AssetMap:
    return structs.replace(plan, groups=tuple(structs.replace(one, buffer_h=0.0) for one in plan.groups))


def up_or_down(draw: random.Random) -> AssetMap:
    plan = made_map(draw, draw.randint(3, 8), whole=True)
    groups = (
        structs.replace(
            group,
            need=Need.COUNT,
            k=float(draw.randint(1, len(group.suppliers))),
            alpha=1.0,
            beta=0.0,
        )
        for group in plan.groups
    )
    return structs.replace(plan, groups=tuple(groups))


def cases() -> Iterator[tuple[int, Wiring, float]]:
    for seed in range(60):
        draw = random.Random(seed)
        plan = up_or_down(draw) if seed % 2 else made_map(draw, draw.randint(3, 6), whole=False)
        yield seed, wire(without_buffers(plan)), draw.choice((1.0, 0.7, 0.2))


def test_every_minimal_cut_set_and_no_other() -> None:
    sizes: set[int] = set()
    compared = 0
    for seed, wiring, service in cases():
        try:
            found = structure(wiring, wiring.assets - 1, service=service)
        except LimitError:
            assert seed % 2 == 0  # services that come down step by step
            continue
        compared += 1
        sets = found.cuts(largest=wiring.assets)
        assert set(sets) == minimal(wiring, wiring.assets - 1, service), seed
        assert len(set(sets)) == len(sets) == sum(found.sizes().values())
        sizes |= set(found.sizes())
    assert compared > 45
    assert sizes >= {1, 2, 3}


def test_the_probability_is_that_of_all_states_together() -> None:
    for seed in range(1, 20, 2):
        draw = random.Random(seed)
        wiring = wire(without_buffers(up_or_down(draw)))
        chance = {asset: draw.random() for asset in range(wiring.assets - 1)}
        total = 0.0
        for state in itertools.product((True, False), repeat=wiring.assets - 1):
            failed = tuple(asset for asset, down in enumerate(state) if down)
            if lost(wiring, wiring.assets - 1, failed) < FULL:
                share = 1.0
                for asset, down in enumerate(state):
                    share *= chance[asset] if down else 1 - chance[asset]
                total += share
        assert structure(wiring, wiring.assets - 1).probability(chance) == pytest.approx(total, abs=1e-12)


def test_singles_and_pairs_by_cascade_are_those_of_the_diagram() -> None:
    # a cascade over time, beyond all buffers, comes to what the diagram says of no time at all
    for seed in range(1, 16, 2):
        wiring = wire(up_or_down(random.Random(seed)))
        one, two = cuts(wiring, wiring.assets - 1, horizon_h=200, jobs=1)
        found = structure(wiring, wiring.assets - 1).cuts(largest=2)
        assert [(asset,) for asset in one.tolist()] + [tuple(both) for both in two.tolist()] == found


def test_a_ring_without_a_source_is_up_until_it_is_cut() -> None:
    ring = plain(needs("a", "b", "c", need=Need.COUNT), needs("b", "a", "d", need=Need.COUNT), needs("t", "a"))
    wiring = wire(ring)
    found = structure(wiring, wiring.ids.index("t"))
    assert ["".join(wiring.ids[asset] for asset in one) for one in found.cuts(largest=4)] == ["a", "bc"]


def test_degraded_service_is_cut_at_the_service_asked_for() -> None:
    group = DependencyGroup(
        asset="t",
        name="power",
        suppliers=(
            Supplier(asset="a", weight=3),
            Supplier(asset="b", weight=2),
            Supplier(asset="c", weight=2),
        ),
        k=6,
    )
    wiring = wire(structs.replace(plain(needs("t", "a", "b", "c")), groups=(group,)))
    target = wiring.ids.index("t")
    at = {
        share: [
            "".join(wiring.ids[asset] for asset in one)
            for one in structure(wiring, target, service=share).cuts(largest=3)
        ]
        for share in (1.0, 0.7, 0.5, 0.1)
    }
    assert at == {1.0: ["a", "b", "c"], 0.7: ["a", "bc"], 0.5: ["ab", "ac"], 0.1: ["abc"]}


def test_what_nothing_can_take_down_has_no_cut_sets() -> None:
    wiring = wire(plain(needs("t", "a", alpha=0.0, beta=1.0)))
    found = structure(wiring, wiring.ids.index("t"))
    assert found.cuts(largest=5) == []
    assert found.probability({0: 1.0}) == 0


def test_what_grows_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wiring = wire(bridge())
    target = wiring.ids.index("t")
    with pytest.raises(LimitError, match="more than 10 nodes"):
        structure(wiring, target, diagrams=Diagrams(most=10))
    monkeypatch.setattr(shelf, "MOST_PARTS", 5)
    with pytest.raises(LimitError, match="9 assets are behind it"):
        structure(wiring, target)
    monkeypatch.undo()
    monkeypatch.setattr(shelf, "MOST_TOLD", 3)
    with pytest.raises(LimitError, match="cut sets"):
        structure(wiring, target).cuts(largest=3)
    # each round of this ring is a little lower than the last
    creeping = plain(needs("a", "b", "c", k=2.0), needs("b", "a", alpha=0.9, beta=0.05))
    with pytest.raises(LimitError, match="different services"):
        structure(wire(creeping), 0)


def test_a_chance_or_service_that_is_none_is_refused() -> None:
    wiring = wire(bridge())
    with pytest.raises(InputError, match="a service of 0"):
        structure(wiring, 0, service=0)
    with pytest.raises(InputError, match="a chance of"):
        structure(wiring, wiring.ids.index("t")).probability({0: 1.5})


def test_three_hundred_in_a_row_are_not_too_deep() -> None:
    names = [f"a{number:03}" for number in range(301)]
    wiring = wire(plain(*(needs(one, other) for one, other in itertools.pairwise(names))))
    assert structure(wiring, 0).sizes() == {1: 300}
    many = wire(plain(needs("t", *names[:60], k=30, need=Need.COUNT)))
    target = many.ids.index("t")
    assert structure(many, target).sizes() == {31: 114449595062769120}
