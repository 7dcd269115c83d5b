"""What is shown of a table protects every figure: against an attacker who was written apart from what protects it."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.risk import Attacker
from tocsin.errors import LimitError
from tocsin.map.rollup.model import ALL, Figures, Publication, Rules, covers, sums_of
from tocsin.map.rollup.protect import audit, publish

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTIES = ("ada", "bea", "cai", "dag")
SECTORS = ("energy", "water")
SCENARIOS = ("flood", "wiper")
FIGURES = st.one_of(st.integers(0, 3), st.integers(0, 1_000))


@st.composite
def tables(draw: st.DrawFn) -> Figures:
    slots = [(p, s, c) for p in PARTIES for s in SECTORS for c in SCENARIOS]
    taken = draw(st.lists(st.sampled_from(slots), unique=True, min_size=1))
    return {slot: draw(FIGURES) for slot in taken}


@st.composite
def later(draw: st.DrawFn, before: Figures) -> Figures:
    """A table of which little changed: somebody joins, leaves, or gives another figure."""
    after = dict(before)
    for _ in range(draw(st.integers(1, 2))):
        slot = (draw(st.sampled_from(PARTIES)), draw(st.sampled_from(SECTORS)), draw(st.sampled_from(SCENARIOS)))
        if slot in after and draw(st.booleans()):
            del after[slot]
        else:
            after[slot] = draw(FIGURES)
    return after


@st.composite
def histories(draw: st.DrawFn) -> list[Figures]:
    history = [draw(tables())]
    for _ in range(draw(st.integers(0, 2))):
        history.append(draw(later(history[-1])))
    return [one for one in history if one]


def published(history: Sequence[Figures], rules: Rules) -> list[Publication]:
    made: list[Publication] = []
    for figures in history:
        try:
            made.append(publish(figures, made, rules))
        except LimitError:
            break
    return made


def narrowed(publications: Sequence[Publication], rules: Rules) -> list[str]:
    """Return what somebody could narrow down further than the rules allow: figures, their sums, and their changes."""
    found: list[str] = []
    parties = sorted({slot[0] for one in publications for slot in one.figures})
    sums = [*((s, c) for s in (*SECTORS, ALL) for c in (*SCENARIOS, ALL))]
    for coalition in (frozenset(some) for size in range(rules.colluding + 1) for some in combinations(parties, size)):
        attacker = Attacker(publications, coalition)
        for party in set(parties) - coalition:
            for total in sums:
                held = [
                    {
                        (slot, figure)
                        for slot, figure in one.figures.items()
                        if slot[0] == party and covers(total, slot[1:])
                    }
                    for one in publications
                ]
                for part in held:
                    if part:
                        value = sum(figure for _, figure in part)
                        reach = rules.reach(value, len(coalition))
                        low, high = attacker.interval(dict.fromkeys(part, 1))
                        if high < value + reach - 1e-4 or low > max(value - reach, 0) + 1e-4:
                            found.append(f"{sorted(coalition)} {party} {total}: {value} in {low}..{high}")
                for before, after in combinations(held, 2):
                    plus, minus = after - before, before - after
                    if plus and minus:
                        ends = [sum(figure for _, figure in some) for some in (minus, plus)]
                        reach, moved = rules.reach(max(ends), len(coalition)), ends[1] - ends[0]
                        low, high = attacker.interval(dict.fromkeys(plus, 1) | dict.fromkeys(minus, -1))
                        if high < moved + reach - 1e-4 or low > moved - reach + 1e-4:
                            found.append(f"{sorted(coalition)} {party} {total} moved {moved} in {low}..{high}")
    return found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories())
def test_no_coalition_narrows_down_anything_further_than_the_rules_allow(history: list[Figures]) -> None:
    rules = Rules()
    assert narrowed(published(history, rules), rules) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(figures=tables(), data=st.data())
def test_the_audit_finds_what_an_attacker_would(figures: Figures, data: st.DataObject) -> None:
    """Whatever is shown, chosen by nobody with sense: the audit passes it only if the attacker gets nothing."""
    rules = Rules()
    sums = sums_of(figures)
    shown = data.draw(st.lists(st.sampled_from(sorted(sums)), unique=True))
    shot = [Publication(rules=rules, figures=figures, shown={total: sums[total] for total in shown})]
    assert audit(shot, rules).passed is (narrowed(shot, rules) == [])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(figures=tables())
def test_what_is_shown_is_true_and_of_enough_parties(figures: Figures) -> None:
    made = publish(figures, [], Rules())
    sums = sums_of(figures)
    for total, value in made.shown.items():
        assert value == sums[total]
        assert len({slot[0] for slot in figures if covers(total, slot[1:])}) >= Rules().group


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(figures=tables())
def test_publishing_the_same_again_shows_the_same(figures: Figures) -> None:
    first = publish(figures, [], Rules())
    assert publish(figures, [first], Rules()).shown == first.shown


@pytest.mark.parametrize("colluding", [0, 1, 2])
def test_the_largest_coalition_of_the_rules_is_kept_out(colluding: int) -> None:
    figures: Figures = {(party, "energy", "flood"): 100 + place for place, party in enumerate(PARTIES[: colluding + 2])}
    rules = Rules(colluding=colluding, group=colluding + 2)
    made = publish(figures, [], rules)
    assert made.shown == {("energy", "flood"): sum(figures.values())}
    assert narrowed([made], rules) == []
    tighter = Rules(colluding=min(colluding + 1, 2), group=colluding + 3) if colluding < 2 else None
    if tighter is not None:
        assert not audit([made], tighter).passed
