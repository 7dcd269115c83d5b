"""Whatever the map and its projects: more of them never lose more, and what is chosen is the best there is."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.works import made_plan, made_projects
from tocsin.risk.fund.books import Account, Books, move, posted
from tocsin.risk.fund.portfolio import choose, enumerated, searched
from tocsin.risk.fund.scenarios import Aim, Scenarios, Terms

SEEDS = st.integers(0, 2**32)


def made(seed: int, count: int, *, size: int = 10) -> Scenarios | None:
    draw = random.Random(seed)
    plan = made_plan(draw, draw.randint(3, size))
    if not plan.exposures:
        return None
    return Scenarios(plan, made_projects(draw, plan, count), Terms(seed=seed, samples=30, horizon_h=48.0))


def budget_of(scenarios: Scenarios, seed: int) -> int:
    return random.Random(~seed).randint(0, scenarios.cost(frozenset(range(len(scenarios.projects)))))


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_more_projects_never_lose_more_in_any_sample(seed: int) -> None:
    scenarios = made(seed, 4)
    if scenarios is None:
        return
    for choice in map(frozenset, itertools.chain.from_iterable(itertools.combinations(range(4), n) for n in range(4))):
        for more in set(range(4)) - choice:
            assert (scenarios.totals(choice | {more}) <= scenarios.totals(choice)).all()


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_what_is_enumerated_is_the_best_of_all_there_are(seed: int) -> None:
    scenarios = made(seed, 5)
    if scenarios is None:
        return
    aim, budget = Aim(weight="0.3", alpha="0.8"), budget_of(scenarios, seed)
    everything = [frozenset(one) for n in range(6) for one in itertools.combinations(range(5), n)]
    affordable = [one for one in everything if scenarios.cost(one) <= budget]
    best = min(scenarios.aimed(one, aim) for one in affordable)
    assert scenarios.aimed(enumerated(scenarios, aim, budget), aim) == best
    found = choose(scenarios, aim, budget=budget)
    chosen = frozenset(place for place, one in enumerate(scenarios.projects) if one.id in found.projects)
    assert scenarios.aimed(chosen, aim) == best
    # nothing in it can be left out
    assert all(scenarios.aimed(chosen - {one}, aim) > best for one in chosen)


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_a_search_never_claims_more_than_enumeration_finds(seed: int) -> None:
    scenarios = made(seed, 7)
    if scenarios is None:
        return
    aim, budget = Aim(), budget_of(scenarios, seed)
    best = scenarios.aimed(enumerated(scenarios, aim, budget), aim)
    for most in (3, 1_000):
        choice, bound = searched(scenarios, aim, budget, most)
        assert scenarios.cost(choice) <= budget
        assert bound <= best <= scenarios.aimed(choice, aim)
    # with time enough it ends, and then it has proven what it found
    assert bound == best == scenarios.aimed(choice, aim)


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_samples_are_of_their_owners(seed: int) -> None:
    scenarios = made(seed, 1)
    if scenarios is None:
        return
    none: frozenset[int] = frozenset()
    assert (scenarios.losses(none).sum(axis=1) == scenarios.totals(none)).all()
    assert np.all(scenarios.losses(none) >= 0)
    assert sum(scenarios.expected_cents(none).values()) == pytest.approx(float(scenarios.expected(none)) * 100, abs=3)


@given(st.lists(st.tuples(st.sampled_from(list(Account)), st.sampled_from(list(Account)), st.integers(-5, 10**6))))
def test_books_balance_whatever_is_tried(moves: list[tuple[Account, Account, int]]) -> None:
    from tocsin.errors import RefusedError

    books = Books()
    for index, (debit, credit, amount) in enumerate(moves):
        before = books
        try:
            books = move(books, index=index, word="a test", amount=amount, debit=(debit, "x"), credit=(credit, "y"))
        except RefusedError:
            assert books is before
        assert sum(books.balances.values()) == 0
        assert books.balances == posted(books)
        assert books.balance(Account.CASH) >= 0
        assert all(books.total(kind) >= 0 for kind in Account)
