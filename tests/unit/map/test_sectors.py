"""Published and hand-worked answers of models that know sectors only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from tocsin.errors import InputError, LimitError
from tocsin.map import sectors
from tocsin.map.sectors import course_of, diim, fdna, iim

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LIAN: Final = ([[0.15, 0.5], [0.1, 0.05]], [0.0, 0.1])
EQUILIBRIA: Final[dict[str, tuple[ArrayLike, ArrayLike, tuple[float, ...], float]]] = {
    "two that need each other": ([[0, 0.8], [0.2, 0]], [0, 0.6], (4 / 7, 5 / 7), 1e-12),
    "four, two of them bounded": (
        [[0, 0.9, 0, 0], [0.4, 0, 0, 0], [1, 0.8, 0, 0], [1, 0.9, 0, 0]],
        [0, 0.5, 0, 0],
        (0.70, 0.78, 1, 1),
        0.005,
    ),
    "three in a ring": ([[0, 0, 0.3], [0.4, 0, 0], [0.2, 0.6, 0]], [0, 0, 0.12], (0.04, 0.02, 0.14), 0.005),
    "two sectors of Lian and Haimes": (*LIAN, (0.066, 0.112), 0.0005),
    "more comes round than went": ([[0, 2], [2, 0]], [0.1, 0], (1, 1), 0),
    "nothing happens": ([[0, 1], [1, 0]], [0, 0], (0, 0), 0),
}


@pytest.mark.parametrize("case", EQUILIBRIA)
def test_inoperability_at_rest(case: str) -> None:
    matrix, shock, expected, within = EQUILIBRIA[case]
    assert iim(matrix, shock).tolist() == pytest.approx(list(expected), abs=within)


def test_the_bound_is_what_holds_some_below_their_unbounded_answer() -> None:
    matrix, shock, _, _ = EQUILIBRIA["four, two of them bounded"]
    free = np.linalg.solve(np.eye(4) - np.array(matrix), np.array(shock))
    assert free[2:].tolist() == pytest.approx([1.328, 1.406], abs=5e-4)
    np.testing.assert_allclose(iim(matrix, shock)[:2], free[:2])


def test_inoperability_in_time_comes_to_the_same_rest() -> None:
    states = diim(*LIAN, [0.2, 0.2], start=[1, 1], steps=100)
    assert states.shape == (101, 2)
    assert states[100].round(6).tolist() == [0.066007, 0.112212]
    assert states[1].tolist() == pytest.approx([1 + 0.2 * (0.65 - 1), 1 + 0.2 * (0.25 - 1)])
    np.testing.assert_allclose(diim(*LIAN, [0.2, 0.2], start=[0, 0.1], steps=400)[-1], iim(*LIAN), atol=1e-12)


def test_a_hit_that_ends_is_recovered_from() -> None:
    lasting = course_of(*LIAN, [0.2, 0.2], until=300, steps=300)
    np.testing.assert_allclose(lasting[-1], iim(*LIAN), atol=1e-9)
    ended = course_of(*LIAN, [0.2, 0.2], until=10, steps=300)
    assert ended.shape == lasting.shape
    np.testing.assert_array_equal(ended[:11], lasting[:11])
    np.testing.assert_array_equal(ended[10:], diim(LIAN[0], [0, 0], [0.2, 0.2], start=lasting[10], steps=290))
    assert (ended <= lasting).all()
    assert ended[-1].max() < 1e-9
    at_once = course_of(*LIAN, [0.2, 0.2], until=0, steps=5)
    np.testing.assert_array_equal(at_once, diim(LIAN[0], [0, 0], [0.2, 0.2], start=LIAN[1], steps=5))


def test_a_receiver_of_two_feeders() -> None:
    assert fdna([40, 80], [0.9, 0.5], [5, 30]) == 45
    assert fdna([40, 80], [0.9, 0.5], [60, 60]) == pytest.approx((46 + 90) / 2)
    assert fdna([100], [1], [50]) == 100


@pytest.mark.parametrize(
    ("matrix", "shock"),
    [
        ([[0, 1]], [0, 0]),
        ([[0, -1], [0, 0]], [0, 0]),
        ([[0, float("nan")], [0, 0]], [0, 0]),
        ([[0]], [1.5]),
        ([[0]], 0),
    ],
    ids=["not square", "negative", "no number", "more than all", "no list"],
)
def test_what_is_no_model_is_refused(matrix: ArrayLike, shock: ArrayLike) -> None:
    with pytest.raises(InputError):
        iim(matrix, shock)


def test_what_never_comes_to_rest_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sectors, "MOST_ROUNDS", 100)
    with pytest.raises(LimitError, match="not at rest after 100 rounds"):
        iim([[0.0, 1.0], [0.9999, 0.0]], [0.0001, 0.0])


def test_lists_that_do_not_match_and_shares_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="three lists"):
        fdna([40], [1, 1], [5])
    with pytest.raises(InputError, match="resilience"):
        diim(*LIAN, [0.2, 1.2], start=[0, 0], steps=1)
