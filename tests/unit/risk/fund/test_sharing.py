"""Cost sharing: answers that are known, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from support.fairness import is_nucleolus
from tocsin.errors import InputError, LimitError
from tocsin.risk.fund.cents import apportioned, written
from tocsin.risk.fund.games import MOST_PLAYERS, MOST_WORTH, Game, game, of_function
from tocsin.risk.fund.nucleolus import MOST_NUCLEOLUS, nucleolus
from tocsin.risk.fund.sharing import Blocking, capped, core, estimated_shapley, shapley


def airport(*needs: int) -> Game:
    """Runways as long as the largest aircraft needs (Littlechild and Owen 1973)."""
    need = {f"type {place}": one for place, one in enumerate(needs, 1)}
    return of_function(list(need), lambda some: max(need[one] for one in some), costs=True)


def talmud(estate: int) -> Game:
    """Claims of 100, 200 and 300 on an estate: what is left when the others are paid (Aumann and Maschler 1985)."""
    claims = {"a": 100, "b": 200, "c": 300}
    return of_function(
        list(claims), lambda some: max(0, estate - sum(one for name, one in claims.items() if name not in some))
    )


GLOVES = of_function(["left", "right", "second right"], lambda some: int("left" in some and len(some) > 1))
WEIGHTS = {"a": 4, "b": 3, "c": 2, "d": 1}
VOTING = of_function(list(WEIGHTS), lambda some: int(sum(WEIGHTS[one] for one in some) >= 6))


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(airport(8, 11, 13, 18), (2, 3, 4, 9), id="airport"),
        pytest.param(GLOVES, (Fraction(2, 3), Fraction(1, 6), Fraction(1, 6)), id="gloves"),
        pytest.param(
            VOTING,
            (Fraction(5, 12), Fraction(3, 12), Fraction(3, 12), Fraction(1, 12)),
            id="votes of 4, 3, 2, 1 against 6",
        ),
    ],
)
def test_shapley_values_that_are_known(one: Game, expected: tuple[Fraction, ...]) -> None:
    assert tuple(shapley(one).values()) == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(talmud(100), (Fraction(100, 3), Fraction(100, 3), Fraction(100, 3)), id="estate of 100"),
        pytest.param(talmud(200), (50, 75, 75), id="estate of 200"),
        pytest.param(talmud(300), (50, 100, 150), id="estate of 300"),
        pytest.param(
            airport(8, 11, 13, 18), (Fraction(13, 4), Fraction(13, 4), Fraction(13, 4), Fraction(33, 4)), id="airport"
        ),
        pytest.param(GLOVES, (1, 0, 0), id="gloves: the core is one point"),
        pytest.param(game(["only"], {frozenset({"only"}): 7}), (7,), id="nobody to share with"),
        pytest.param(game(["a", "b"], {}), (0, 0), id="nothing to share"),
    ],
)
def test_nucleoli_that_are_known(one: Game, expected: tuple[Fraction, ...]) -> None:
    found = nucleolus(one)
    assert tuple(found.values()) == expected
    assert is_nucleolus(one, found)


def test_the_oracle_knows_what_is_no_nucleolus() -> None:
    one = talmud(200)
    assert not is_nucleolus(one, {"a": Fraction(60), "b": Fraction(70), "c": Fraction(70)})
    assert not is_nucleolus(one, {"a": Fraction(50), "b": Fraction(76), "c": Fraction(74)})


def test_who_would_do_better_alone_is_named() -> None:
    one = airport(8, 11, 13, 18)
    assert core(one, shapley(one)).in_core
    dear = {"type 1": Fraction(9), "type 2": Fraction(9), "type 3": Fraction(0), "type 4": Fraction(0)}
    assert core(one, dear) == Blocking(coalition=("type 1", "type 2"), gain=Fraction(7))
    votes = core(VOTING, shapley(VOTING))
    assert not votes.in_core
    assert votes == Blocking(coalition=("b", "c", "d"), gain=Fraction(1) - Fraction(7, 12))
    with pytest.raises(InputError, match="do not add up"):
        core(one, {**shapley(one), "type 1": Fraction(0)})


def test_many_players_are_estimated_and_the_error_is_stated() -> None:
    weights = {f"seat {place:02}": 1 + place % 5 for place in range(30)}
    quota = sum(weights.values()) // 2 + 1

    def worth(some: frozenset[str]) -> int:
        return 1_000 * (sum(weights[one] for one in some) >= quota)

    found = estimated_shapley(list(weights), worth, orders=400, seed=7)
    assert sum(one.share for one in found.values()) == pytest.approx(1_000)
    # seats of one weight have one value: by symmetry the mean of the six is a better estimate than each
    for weight in range(1, 6):
        same = [one for name, one in found.items() if weights[name] == weight]
        mean = sum(one.share for one in same) / len(same)
        assert all(abs(one.share - mean) < 2 * one.error for one in same)
    assert found == estimated_shapley(list(weights), worth, orders=400, seed=7)


def test_an_estimate_is_near_what_is_exact() -> None:
    one = airport(8, 11, 13, 18)
    need = {"type 1": 8, "type 2": 11, "type 3": 13, "type 4": 18}
    found = estimated_shapley(one.players, lambda some: max(need[name] for name in some), orders=2_000, seed=1)
    for name, exact in shapley(one).items():
        assert abs(found[name].share - float(exact)) < 2 * found[name].error


def test_nobody_pays_more_than_it_gains() -> None:
    found = capped({"a": 700, "b": 300}, {"a": 500, "b": 900})
    assert (found.shares, found.uncovered) == ({"a": 500, "b": 300}, 200)
    with pytest.raises(InputError, match="has its benefit"):
        capped({"a": 1}, {})
    with pytest.raises(InputError, match="below 0"):
        capped({"a": -1}, {"a": 1})


@pytest.mark.parametrize(
    ("players", "worths", "error"),
    [
        pytest.param([], np.zeros(1, dtype=np.int64), InputError, id="nobody"),
        pytest.param(["a", "a"], np.zeros(4, dtype=np.int64), InputError, id="one name twice"),
        pytest.param(["a"], np.zeros(3, dtype=np.int64), InputError, id="another number of worths"),
        pytest.param(["a"], np.array([1, 2]), InputError, id="nobody is worth something"),
        pytest.param(["a"], np.array([0, MOST_WORTH + 1]), LimitError, id="too much"),
        pytest.param([str(one) for one in range(MOST_PLAYERS + 1)], np.zeros(1), LimitError, id="too many"),
    ],
)
def test_what_is_no_game(players: list[str], worths: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error):
        Game(players, worths)


def test_what_has_no_nucleolus() -> None:
    with pytest.raises(InputError, match="less than each alone"):
        nucleolus(game(["a", "b"], {frozenset("a"): 2, frozenset("b"): 2, frozenset("ab"): 3}))
    with pytest.raises(LimitError, match="nucleolus of 13"):
        nucleolus(of_function([str(one) for one in range(MOST_NUCLEOLUS + 1)], len))
    with pytest.raises(InputError, match="no player"):
        game(["a"], {frozenset("b"): 1})


def test_cents_go_to_the_largest_remainders() -> None:
    third = Fraction(100, 3)
    assert apportioned(100, {"c": third, "b": third, "a": third}) == {"c": 33, "b": 33, "a": 34}
    assert apportioned(-1, {"a": Fraction(-1, 2), "b": Fraction(-1, 2)}) == {"a": 0, "b": -1}
    with pytest.raises(InputError, match="add up"):
        apportioned(100, {"a": Fraction(99)})


def test_money_as_people_write_it() -> None:
    assert [written(cents) for cents in (0, 5, -5, 123_456_789)] == ["0.00", "0.05", "-0.05", "1,234,567.89"]
    assert written(100, "EUR") == "1.00 EUR"
