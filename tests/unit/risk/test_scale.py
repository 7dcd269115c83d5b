from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InputError
from tocsin.risk.registry.scale import (
    BORDERS,
    Kind,
    band,
    chance_of,
    level_of_chance,
    level_of_rate,
    rate_of,
    window,
)

KINDS = st.sampled_from(Kind)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(("border", "below", "at"), [(0.002, 1, 2), (0.01, 2, 3), (0.05, 3, 4)])
def test_a_border_is_the_worse_levels_as_a_chance_and_as_a_rate(kind: Kind, border: float, below: int, at: int) -> None:
    assert level_of_chance(border) == level_of_rate(rate_of(border, kind), kind) == at
    assert level_of_chance(math.nextafter(border, 0)) == below
    assert level_of_rate(math.nextafter(rate_of(border, kind), 0), kind) == below


@pytest.mark.parametrize("kind", Kind)
def test_above_a_quarter_is_above_it(kind: Kind) -> None:
    assert level_of_chance(0.25) == level_of_rate(rate_of(0.25, kind), kind) == 4
    assert level_of_rate(math.nextafter(rate_of(0.25, kind), 1), kind) == 5


@given(rate=st.floats(0, 100), kind=KINDS)
def test_a_rate_lies_in_the_band_of_its_level(rate: float, kind: Kind) -> None:
    low, high = band(level_of_rate(rate, kind), kind)
    assert low <= rate <= high


@given(rate=st.floats(0, 5), kind=KINDS)
def test_a_chance_is_one_minus_that_of_nothing_in_all_the_years(rate: float, kind: Kind) -> None:
    none_in_a_year = math.exp(-rate)
    assert chance_of(rate, kind) == pytest.approx(1 - none_in_a_year ** window(kind), abs=1e-12)


@given(chance=st.floats(0, 0.999), kind=KINDS)
def test_chance_to_rate_and_back(chance: float, kind: Kind) -> None:
    assert chance_of(rate_of(chance, kind), kind) == pytest.approx(chance, rel=1e-12, abs=1e-300)


def test_two_years_for_what_somebody_means_to_do() -> None:
    assert rate_of(0.25, Kind.MALICIOUS) == pytest.approx(0.143841, abs=1e-6)
    assert rate_of(0.25, Kind.NATURAL) == pytest.approx(0.0575364, abs=1e-6)
    assert len(BORDERS) == 4


@pytest.mark.parametrize("chance", [-0.1, 1, 1.5, math.nan])
def test_no_rate_makes_a_thing_certain(chance: float) -> None:
    with pytest.raises(InputError):
        rate_of(chance, Kind.NATURAL)


@pytest.mark.parametrize("rate", [-1, math.inf, math.nan])
def test_what_is_no_rate_has_no_level(rate: float) -> None:
    with pytest.raises(InputError):
        level_of_rate(rate, Kind.NATURAL)
