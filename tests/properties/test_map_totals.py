"""Totals of the map give no owner away: against an attacker who keeps all answers, and was written apart from them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tocsin.map.rollup.model import ALL, Rules, covers
from tocsin.map.totals.model import Earlier, Item, Measure, tellable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

OWNERS: Final = ("ada", "bea", "cai", "dag", "eva")
SECTORS: Final = ("energy", "water")
PEOPLE: Final = str(Measure.PEOPLE)
CASES: Final = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def item(owner: str, number: int, sector: str, value: int) -> Item:
    return Item(
        sector=sector, measure=PEOPLE, owner=owner, ref=f"{owner} {number}", value=value, offer=(1, 1), label_id=1
    )


@st.composite
def maps(draw: st.DrawFn) -> dict[str, Item]:
    """Return assets by their ids: of most owners one, of some two."""
    figures = st.one_of(st.integers(0, 4), st.integers(50, 150))
    made = [
        item(owner, number, draw(st.sampled_from(SECTORS)), draw(figures))
        for owner in OWNERS
        for number in range(draw(st.sampled_from([0, 1, 1, 1, 2])))
    ]
    return {one.ref: one for one in made}


@st.composite
def moves(draw: st.DrawFn, now: dict[str, Item], known: frozenset[str]) -> tuple[dict[str, Item], frozenset[str]]:
    """Return the map a while later, and what the reader has come to see of it: somebody's asset, or a new figure."""
    later, sees = dict(now), set(known)
    for _ in range(draw(st.integers(0, 2))):
        owner, number = draw(st.sampled_from(OWNERS)), draw(st.integers(0, 1))
        ref = f"{owner} {number}"
        what = draw(st.sampled_from(["change", "change", "go", "see"]))
        if what == "see":
            sees.add(ref)
        elif what == "go" and ref in later:
            del later[ref]
        else:
            later[ref] = item(owner, number, draw(st.sampled_from(SECTORS)), draw(st.integers(0, 150)))
    return later, frozenset(sees)


class Asker:
    """A party that asks again and again, of all there is or of a part of it, and keeps every answer."""

    def __init__(self) -> None:
        self.answers: list[Earlier] = []

    def ask(self, assets: Mapping[str, Item], known: frozenset[str], *, at_least: int = 3) -> Earlier:
        knowledge = {ref: frozenset({PEOPLE}) for ref in known}
        items = sorted(one for ref, one in assets.items() if ref not in known)
        kept, shown = tellable(items, self.answers, knowledge, at_least=at_least)
        answer = Earlier(items=tuple(kept), shown=shown)
        if shown:
            self.answers.append(answer)
        return answer


class Attacker:
    """Has one unknown for each figure of each asset that was ever counted, and one equation for each sum told."""

    def __init__(self, answers: Sequence[Earlier]) -> None:
        self._unknown = sorted({one for answer in answers for one in answer.items})
        self._place = {(one.slot, one.value): number for number, one in enumerate(self._unknown)}
        self._rows, self._right = [], []
        for answer in answers:
            for total in answer.shown.get(PEOPLE, frozenset()):
                within = [one for one in answer.items if covers(total, (one.sector, PEOPLE))]
                self._rows.append(self._sum(within))
                self._right.append(float(sum(one.value for one in within)))

    def _sum(self, items: Sequence[Item]) -> NDArray[np.float64]:
        row = np.zeros(len(self._place))
        row[[self._place[one.slot, one.value] for one in items]] = 1
        return row

    def interval(self, items: Sequence[Item], helper: str | None, known: frozenset[str]) -> tuple[float, float]:
        """Return what a sum of figures can be at least and at most, with a helper's figures and what is known."""
        bounds = [
            (one.value, one.value) if one.owner == helper or one.ref in known else (0, None) for one in self._unknown
        ]
        ends = []
        for sign in (1, -1):
            solved = linprog(sign * self._sum(items), A_eq=self._rows, b_eq=self._right, bounds=bounds)
            ends.append(sign * np.inf * -1 if solved.fun is None else sign * solved.fun)
        return ends[0], ends[1]


def found_out(answers: Sequence[Earlier], known: frozenset[str], rules: Rules) -> list[str]:
    """Return what a party, alone or with one owner's help, narrows down further than the rules allow."""
    attacker = Attacker(answers)
    found = []
    for helper, owner, name in product((None, *OWNERS), OWNERS, (*SECTORS, ALL)):
        for number, answer in enumerate(answers):
            mine = [
                one
                for one in answer.items
                if one.owner == owner and one.ref not in known and covers((name, PEOPLE), (one.sector, PEOPLE))
            ]
            if not mine or helper == owner:
                continue
            value = sum(one.value for one in mine)
            reach = rules.reach(value, 0 if helper is None else 1)
            low, high = attacker.interval(mine, helper, known)
            if high < value + reach - 1e-4 or low > max(value - reach, 0) + 1e-4:
                found.append(f"{helper} {owner} {name} answer {number}: {value} in {low}..{high}")
    return found


@CASES
@given(assets=maps(), data=st.data())
def test_nobody_who_asks_again_finds_an_owner_out(assets: dict[str, Item], data: st.DataObject) -> None:
    asker, known = Asker(), frozenset[str]()
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.sampled_from(["all", "all", *SECTORS]))  # of one clause or collection, or of all
        asker.ask({ref: one for ref, one in assets.items() if part in ("all", one.sector)}, known)
        # what the party knows by now it may hold against every answer that it has
        lost = found_out(asker.answers, known, Rules())
        assert lost == []
        assets, _ = data.draw(moves(assets, known))


@CASES
@given(assets=maps(), data=st.data())
def test_who_comes_to_see_more_is_told_nothing_more_of_the_rest(assets: dict[str, Item], data: st.DataObject) -> None:
    """What owners show a party they may show; nothing that is told after it narrows the others down any further."""
    asker, known = Asker(), frozenset[str]()
    for _ in range(3):
        before = list(asker.answers)
        asker.ask(assets, known)
        if asker.answers != before:
            unavoidable = {one.split(":")[0] for one in found_out(before, known, Rules())}
            hurt = {one.split()[1] for one in unavoidable}
            now = found_out(asker.answers, known, Rules())
            assert [one for one in now if one.split()[1] not in hurt] == []
        assets, known = data.draw(moves(assets, known))


@CASES
@given(assets=maps(), known=st.frozensets(st.sampled_from([f"{owner} {n}" for owner in OWNERS for n in (0, 1)])))
def test_what_is_told_is_true_and_of_enough_owners(assets: dict[str, Item], known: frozenset[str]) -> None:
    for at_least in (3, 4):
        answer = Asker().ask(assets, known, at_least=at_least)
        for total in answer.shown.get(PEOPLE, frozenset()):
            within = [one for one in answer.items if covers(total, (one.sector, PEOPLE))]
            assert len({one.owner for one in within}) >= at_least
            assert {one.ref for one in within}.isdisjoint(known)
            expected = {one for ref, one in assets.items() if ref not in known and total[0] in (ALL, one.sector)}
            assert set(within) == expected


@CASES
@given(assets=maps())
def test_the_same_map_gives_the_same_answer(assets: dict[str, Item]) -> None:
    asker = Asker()
    first = asker.ask(assets, frozenset())
    assert asker.ask(assets, frozenset()) == first


def test_one_who_joins_is_not_the_difference_of_two_answers() -> None:
    assets = {one.ref: one for one in (item(owner, 0, "energy", 100) for owner in OWNERS[:4])}
    asker = Asker()
    assert asker.ask(assets, frozenset()).shown
    assets["eva 0"] = item("eva", 0, "energy", 90)
    assert not asker.ask(assets, frozenset()).shown
    assets["eva 0"] = item("eva", 0, "energy", 70)
    assert not asker.ask(assets, frozenset()).shown


def test_who_was_found_out_is_counted_no_more() -> None:
    assets = {one.ref: one for one in (item(owner, 0, "energy", 100) for owner in OWNERS)}
    asker = Asker()
    assert len(asker.ask({ref: one for ref, one in assets.items() if one.owner != "eva"}, frozenset()).items) == 4
    # three of the four let the party read theirs: the fourth's is what is left
    known = frozenset({"ada 0", "bea 0", "cai 0"})
    more = {one.ref: one for one in (item(owner, 1, "energy", 80) for owner in ("ada", "bea", "cai"))}
    answer = asker.ask(assets | more, known)
    assert {one.owner for one in answer.items} == {"ada", "bea", "cai", "eva"}
