from __future__ import annotations

from fractions import Fraction
from itertools import permutations, product
from math import factorial, prod
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from support.risk import scenario
from tocsin.errors import InputError
from tocsin.risk.registry.model import MAX_TREATMENTS, Loss, Scenario, Treatment, TreatmentStatus, Unit
from tocsin.risk.registry.moments import expected
from tocsin.risk.registry.pert import Pert
from tocsin.risk.registry.scores import Change, moves, scores

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTORS = ("energy", "water")
NUMBERS = st.integers(0, 50)


@st.composite
def perts(draw: st.DrawFn, most: int = 50) -> Pert:
    low, mode, high = sorted(draw(st.integers(0, most)) for _ in range(3))
    return Pert(low=str(low), mode=str(mode), high=str(high))


@st.composite
def treatments(draw: st.DrawFn) -> tuple[Treatment, ...]:
    return tuple(
        Treatment(
            id=name,
            title=name,
            owner="ada@cert",
            due=0,
            status=draw(st.sampled_from(TreatmentStatus)),
            leaves_rate=draw(st.sampled_from(["0", "0.25", "0.3", "1"])),
            leaves_loss=draw(st.sampled_from(["0.5", "1"])),
        )
        for name in draw(st.lists(st.sampled_from(["gates", "pumps", "training"]), unique=True))
    )


@st.composite
def registries(draw: st.DrawFn) -> dict[str, Scenario]:
    names = draw(st.lists(st.sampled_from(["flood", "wiper", "strike"]), unique=True))
    return {
        name: scenario(
            name,
            rate=draw(st.one_of(perts(5))),
            losses={sector: draw(perts()) for sector in draw(st.lists(st.sampled_from(SECTORS), unique=True))},
            treatments=draw(treatments()),
        )
        for name in names
    }


@given(before=registries(), after=registries())
def test_what_moved_a_score_adds_up_to_what_it_moved_by(
    before: dict[str, Scenario], after: dict[str, Scenario]
) -> None:
    was, now = scores(before, Unit.MONEY), scores(after, Unit.MONEY)
    found = moves(before, after, Unit.MONEY)
    for sector in SECTORS:
        moved = sum((one.amount for one in found if one.sector == sector), start=Fraction(0))
        assert moved == now.get(sector, 0) - was.get(sector, 0)


@given(before=registries(), after=registries())
def test_back_again_moves_the_other_way(before: dict[str, Scenario], after: dict[str, Scenario]) -> None:
    there, back = moves(before, after, Unit.MONEY), moves(after, before, Unit.MONEY)
    assert sorted((m.sector, m.scenario, m.treatment, m.amount) for m in there) == sorted(
        (m.sector, m.scenario, m.treatment, -m.amount) for m in back
    )


@given(before=registries(), after=registries())
def test_a_part_is_the_mean_over_all_orders_of_making_the_changes(
    before: dict[str, Scenario], after: dict[str, Scenario]
) -> None:
    """The oracle: every order is walked through on real scenarios."""
    for name in before.keys() & after.keys():
        old, new = before[name], after[name]
        for sector in SECTORS:
            if expected(old, sector, Unit.MONEY) is None or expected(new, sector, Unit.MONEY) is None:
                continue
            steps = ["rate", "loss", *sorted({t.id for s in (old, new) for t in s.treatments})]
            parts = dict.fromkeys(steps, Fraction(0))
            orders = list(permutations(steps))
            for order in orders:
                now, worth = old, expected(old, sector, Unit.MONEY)
                for step in order:
                    now = _with(now, new, step)
                    made = expected(now, sector, Unit.MONEY)
                    parts[step] += (made or Fraction(0)) - (worth or Fraction(0))
                    worth = made
            found = {
                one.treatment or str(one.change): one.amount
                for one in moves({name: old}, {name: new}, Unit.MONEY)
                if one.sector == sector
            }
            assert found == {step: part / len(orders) for step, part in parts.items() if part}


def _with(now: Scenario, new: Scenario, step: str) -> Scenario:
    if step == "rate":
        return replace(now, rate=new.rate)
    if step == "loss":
        return replace(now, losses=new.losses)
    others = tuple(one for one in now.treatments if one.id != step)
    return replace(now, treatments=(*others, *(one for one in new.treatments if one.id == step)))


def done(count: int, prefix: str) -> tuple[Treatment, ...]:
    return tuple(
        Treatment(
            id=f"{prefix}-{place}",
            title="T",
            owner="ada@cert",
            due=0,
            status=TreatmentStatus.DONE,
            leaves_rate=f"0.{place + 1}",
            leaves_loss="0.97" if prefix == "old" else "0.53",
        )
        for place in range(count)
    )


@pytest.mark.parametrize("count", [0, 1, 2, MAX_TREATMENTS])
def test_many_changes_at_once_are_divided_in_no_time(count: int) -> None:
    """The oracle sums over every set of the others, where there are few."""
    was = scenario(rate=Pert.known("0.3"), losses={"water": Pert.known("700")}, treatments=done(count, "old"))
    now = scenario(rate=Pert.known("0.7"), losses={"water": Pert.known("900")}, treatments=done(count, "new"))
    found = moves({"flood": was}, {"flood": now}, Unit.MONEY)
    change = scores({"flood": now}, Unit.MONEY)["water"] - scores({"flood": was}, Unit.MONEY)["water"]
    assert len(found) == 2 + 2 * count
    assert sum(one.amount for one in found) == change
    if count == MAX_TREATMENTS:
        return
    pairs = {"rate": (Fraction("0.3"), Fraction("0.7")), "loss": (Fraction(700), Fraction(900))}
    for scene, at in ((was, 0), (now, 1)):
        for one in scene.treatments:
            leaves = Fraction(one.leaves_rate) * Fraction(one.leaves_loss)
            pairs[one.id] = (Fraction(1), leaves) if at else (leaves, Fraction(1))
    assert {one.treatment or str(one.change): one.amount for one in found} == _slowly(pairs)


def _slowly(pairs: Mapping[str, tuple[Fraction, Fraction]]) -> dict[str, Fraction]:
    parts = {}
    for name, (before, after) in pairs.items():
        others = [one for other, one in pairs.items() if other != name]
        total = Fraction(0)
        for made in product((0, 1), repeat=len(others)):
            size = sum(made)
            weight = Fraction(factorial(size) * factorial(len(others) - size), factorial(len(pairs)))
            total += weight * prod((one[side] for one, side in zip(others, made, strict=True)), start=Fraction(1))
        parts[name] = total * (after - before)
    return parts


def test_a_finished_treatment_is_what_moved_it() -> None:
    gates = Treatment(id="gates", title="Flood gates", owner="ada@cert", due=0, leaves_rate="0.25")
    before = scenario(losses={"water": Pert.known("1000")}, rate=Pert.known("0.1"), treatments=(gates,))
    after = replace(before, treatments=(replace(gates, status=TreatmentStatus.DONE),))
    (move,) = moves({"flood": before}, {"flood": after}, Unit.MONEY)
    assert (move.change, move.treatment, move.amount) == (Change.TREATMENT, "gates", Fraction(-75))


def test_a_level_without_a_rate_is_in_no_sum() -> None:
    judged = replace(scenario(losses={"water": Pert.known("1000")}), rate=None, level=4)
    assert scores({"flood": judged}, Unit.MONEY) == {}
    assert judged.likelihood == 4


def test_a_level_that_contradicts_the_rate_is_refused() -> None:
    with pytest.raises(InputError, match="level 1 and a rate whose likeliest value is of level 5"):
        scenario(level=1, rate=Pert.known("0.2"))


def test_losses_of_two_kinds_stand_apart() -> None:
    both = Loss(sector="water", money=Pert.known("10"), people_hours=Pert.known("70"))
    one = replace(scenario(rate=Pert.known("2")), losses=(both,))
    assert scores({"flood": one}, Unit.MONEY) == {"water": 20}
    assert scores({"flood": one}, Unit.PEOPLE_HOURS) == {"water": 140}
