"""Whatever the game: everything is shared, equals get the same, who adds nothing gets nothing."""

from __future__ import annotations

import random
from fractions import Fraction
from math import ceil, floor

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from support.fairness import is_nucleolus
from tocsin.errors import InputError
from tocsin.risk.fund.cents import apportioned
from tocsin.risk.fund.games import Game, of_function
from tocsin.risk.fund.nucleolus import nucleolus
from tocsin.risk.fund.sharing import core, shapley

SEEDS = st.integers(0, 2**32)


def made_game(seed: int, most: int = 5) -> Game:
    draw = random.Random(seed)
    count = draw.randint(1, most)
    largest = draw.choice((3, 100, 10**9))
    worths = [0] + [draw.randint(-largest, largest) for _ in range((1 << count) - 1)]
    return Game([f"p{one}" for one in range(count)], np.array(worths))


def covering(seed: int) -> Game:
    """A game of costs as the fund has them: each needs some projects, and a coalition pays for what any of it needs."""
    draw = random.Random(seed)
    costs = [draw.randint(0, 10**7) for _ in range(draw.randint(1, 6))]
    parties = {f"p{one}": {place for place in range(len(costs)) if draw.random() < 0.5} for one in range(4)}
    return of_function(
        list(parties),
        lambda some: sum(costs[place] for place in set().union(*(parties[one] for one in some))),
        costs=True,
    )


@given(SEEDS)
def test_all_is_shared(seed: int) -> None:
    one = made_game(seed)
    assert sum(shapley(one).values()) == one.total


@given(SEEDS)
def test_shapley_is_the_mean_over_all_orders(seed: int) -> None:
    from itertools import permutations

    one = made_game(seed, most=4)
    sums = dict.fromkeys(one.players, 0)
    orders = list(permutations(range(len(one.players))))
    for order in orders:
        there = 0
        for place in order:
            sums[one.players[place]] += int(one.worths[there | 1 << place] - one.worths[there])
            there |= 1 << place
    assert shapley(one) == {name: Fraction(total, len(orders)) for name, total in sums.items()}


@given(SEEDS, SEEDS)
def test_the_sum_of_games_is_shared_as_each(seed: int, other: int) -> None:
    one = made_game(seed)
    draw = random.Random(other)
    more = np.array([0] + [draw.randint(-100, 100) for _ in range(len(one.worths) - 1)])
    both = shapley(Game(one.players, one.worths + more))
    first, second = shapley(one), shapley(Game(one.players, more))
    assert both == {name: first[name] + second[name] for name in one.players}


@given(SEEDS)
def test_who_adds_nothing_gets_nothing_and_equals_the_same(seed: int) -> None:
    draw = random.Random(seed)
    worth_of = [0, *sorted(draw.randint(0, 10**6) for _ in range(3))]

    def worth(some: frozenset[str]) -> int:
        # by how many of the twins are there; the idle one changes nothing
        return worth_of[len(some & {"twin", "other twin"})] + worth_of[3] * ("third" in some) if some else 0

    one = of_function(["twin", "idle", "other twin", "third"], lambda some: worth(some - {"idle"}))
    found = shapley(one)
    assert found["idle"] == 0
    assert found["twin"] == found["other twin"]
    if sum(one.worths[1 << place] for place in range(4)) > one.total:
        return  # then there are no shares that give each what it has alone
    least = nucleolus(one)
    assert least["idle"] == 0
    assert least["twin"] == least["other twin"]


@given(SEEDS)
@settings(max_examples=40)
def test_no_complaint_can_be_lowered_without_raising_one_as_large(seed: int) -> None:
    one = made_game(seed)
    try:
        found = nucleolus(one)
    except InputError:
        assert sum(one.worths[1 << place] for place in range(len(one.players))) > one.total
        return
    assert sum(found.values()) == one.total
    assert is_nucleolus(one, found)


@given(SEEDS)
@settings(max_examples=40)
def test_joint_costs_have_a_core_that_both_ways_keep_to(seed: int) -> None:
    # such costs are concave: the Shapley value is in the core, and the nucleolus wherever there is one (Shapley 1971)
    one = covering(seed)
    assert core(one, shapley(one)).in_core
    found = nucleolus(one)
    assert core(one, found).in_core
    assert is_nucleolus(one, found)


@given(st.integers(-(10**13), 10**13), st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_cents_add_up(total: int, weights: list[int]) -> None:
    assume(sum(weights))
    shares = {str(place): Fraction(total * weight, sum(weights)) for place, weight in enumerate(weights)}
    cut = apportioned(total, shares)
    assert sum(cut.values()) == total
    assert all(floor(shares[name]) <= cut[name] <= ceil(shares[name]) for name in shares)
