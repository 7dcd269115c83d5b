"""Drawn annual losses against closed forms, against Panjer's recursion and against the Fourier transform."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from support.risk import scenario
from tocsin.errors import InputError, LimitError
from tocsin.risk.registry import loss
from tocsin.risk.registry.loss import simulate, work_of
from tocsin.risk.registry.model import Scenario, Treatment, TreatmentStatus, Unit
from tocsin.risk.registry.moments import expected, variance
from tocsin.risk.registry.pert import Pert
from tocsin.risk.registry.plots import exceeded

YEARS = 40_000
CASES = {
    "rare": scenario(rate=Pert.known("0.2"), losses={"energy": Pert(low="10", mode="40", high="100")}),
    "often": scenario(rate=Pert.known("6"), losses={"energy": Pert(low="0", mode="0", high="50")}),
    "unsure": scenario(rate=Pert(low="0.5", mode="1", high="5"), losses={"energy": Pert(low="1", mode="9", high="9")}),
    "treated": scenario(
        rate=Pert(low="0.5", mode="1", high="5"),
        losses={"energy": Pert(low="10", mode="40", high="100")},
        treatments=(
            Treatment(
                id="spares",
                title="Spares",
                owner="ada@cert",
                due=0,
                status=TreatmentStatus.DONE,
                leaves_rate="0.5",
                leaves_loss="0.25",
            ),
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_mean_and_variance_are_those_of_the_closed_forms(name: str) -> None:
    case = CASES[name]
    drawn = simulate([case], Unit.MONEY, seed=7, years=YEARS)
    mean, error = drawn.mean("energy")
    exact, spread = expected(case, "energy", Unit.MONEY), variance(case, "energy", Unit.MONEY)
    assert exact is not None
    assert spread is not None
    # four standard errors, with a seed that stays
    assert abs(mean - float(exact)) < 4 * error
    years = drawn.of("energy")
    fourth = float(((years - mean) ** 4).mean())
    assert abs(years.var() - float(spread)) < 4 * math.sqrt((fourth - float(spread) ** 2) / YEARS)


@pytest.mark.parametrize("name", ["rare", "often"])
def test_quantiles_hold_those_of_panjers_recursion(name: str) -> None:
    case = CASES[name]
    exact = panjer(float(case.rate.mean), severity(case)) if case.rate else np.zeros(0)
    assert np.allclose(exact, fourier(float(case.rate.mean), severity(case), len(exact)) if case.rate else 0, atol=1e-9)
    below = np.cumsum(exact)
    assert below[-1] == pytest.approx(1, abs=1e-9)
    drawn = simulate([case], Unit.MONEY, seed=11, years=YEARS)
    for share in (0.5, 0.9, 0.95, 0.99):
        found = drawn.quantile(share, "energy")
        true = float(np.searchsorted(below, share)) * STEP
        assert found.low - STEP <= true <= found.high + STEP, (share, true, found)
        assert found.low <= found.value <= found.high


STEP = 0.25


def severity(case: Scenario) -> np.ndarray:
    """Return the chances of a loss that is a number of steps, each the nearest: the PERT by its definition."""
    low, mode, high = (float(point) for point in case.losses[0].money.points)  # type: ignore[union-attr]
    beta = stats.beta(1 + 4 * (mode - low) / (high - low), 1 + 4 * (high - mode) / (high - low), low, high - low)
    edges = (np.arange(int(high / STEP) + 2) - 0.5) * STEP
    return np.diff(beta.cdf(np.append(edges, edges[-1] + STEP)))


def panjer(rate: float, chances: np.ndarray) -> np.ndarray:
    """Panjer 1981, for Poisson: g(0) = e^(λ(f(0) - 1)), g(s) = λ/s Σ j f(j) g(s - j)."""
    size = int(len(chances) * max(12, 5 * rate))
    total = np.zeros(size)
    total[0] = math.exp(rate * (chances[0] - 1))
    weighted = np.arange(len(chances)) * chances
    for place in range(1, size):
        reach = min(place, len(chances) - 1)
        total[place] = rate / place * (weighted[1 : reach + 1] @ total[place - reach : place][::-1])
    return total


def fourier(rate: float, chances: np.ndarray, size: int) -> np.ndarray:
    return np.real(np.fft.ifft(np.exp(rate * (np.fft.fft(chances, size) - 1))))


def test_what_did_not_change_draws_what_it_drew() -> None:
    flood, wiper = (scenario(name, losses={"energy": Pert(low="1", mode="2", high="9")}) for name in ("flood", "wiper"))
    alone = simulate([flood], Unit.MONEY, seed=3, years=2_000).of()
    other = simulate([wiper], Unit.MONEY, seed=3, years=2_000).of()
    both = simulate([wiper, flood], Unit.MONEY, seed=3, years=2_000).of()
    assert np.allclose(both, alone + other)
    assert not np.array_equal(alone, other)
    assert np.array_equal(alone, simulate([flood], Unit.MONEY, seed=3, years=2_000).of())


def test_a_higher_rate_makes_no_year_better() -> None:
    cost = {"energy": Pert(low="1", mode="2", high="9")}
    less = simulate(
        [scenario(rate=Pert(low="0.1", mode="0.2", high="0.9"), losses=cost)], Unit.MONEY, seed=5, years=5_000
    )
    more = simulate(
        [scenario(rate=Pert(low="0.2", mode="0.4", high="1.8"), losses=cost)], Unit.MONEY, seed=5, years=5_000
    )
    assert (more.of() >= less.of()).all()
    assert more.of().sum() > less.of().sum()


def test_a_quantile_that_too_few_years_can_bound_has_no_end() -> None:
    drawn = simulate([CASES["rare"]], Unit.MONEY, seed=1, years=50)
    assert drawn.quantile(0.99).high == math.inf


def test_more_than_can_be_drawn_is_refused_before_anything_is() -> None:
    with pytest.raises(LimitError):
        simulate([CASES["often"]], Unit.MONEY, seed=1, years=10**9)
    with pytest.raises(InputError):
        simulate([CASES["often"]], Unit.MONEY, seed=1, years=0)
    with pytest.raises(InputError):
        simulate([CASES["often"]], Unit.MONEY, seed=1, years=10).of("water")


MANY = {
    "often": (CASES["often"],),
    "unsure": (CASES["unsure"],),
    "treated": (CASES["treated"],),
    # a full register of what hardly happens: what it takes is drawn for each scenario, whether it happens or not
    "rare": tuple(
        scenario(
            f"rare-{number}",
            rate=Pert(low="0.0001", mode="0.001", high="0.002"),
            losses={f"sector-{place}": Pert(low="1", mode="40", high="100") for place in range(4)},
        )
        for number in range(50)
    ),
}


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("years", [200, 5_000])
def test_the_work_that_is_counted_is_what_is_done(name: str, years: int, monkeypatch: pytest.MonkeyPatch) -> None:
    done = {"drawn": 0.0, "read": 0.0}
    draw, read = loss._uniform, loss.quantiles

    def drawing(seed: int, scenario: str, question: str, years: int) -> np.ndarray:
        done["drawn"] += loss._BEGUN + years
        return draw(seed, scenario, question, years)

    def reading(estimate: Pert, shares: np.ndarray) -> np.ndarray:
        done["read"] += loss._READ * shares.size
        return read(estimate, shares)

    monkeypatch.setattr(loss, "_uniform", drawing)
    monkeypatch.setattr(loss, "quantiles", reading)
    made = simulate(MANY[name], Unit.MONEY, seed=3, years=years)
    work = work_of(MANY[name], Unit.MONEY, years=years)
    told = loss._SORTED * made.drawn.size
    assert sum(done.values()) + told < 1.3 * work
    assert work < 3 * (sum(done.values()) + told)


@pytest.mark.parametrize("name", ["rare", "often", "unsure", "treated"])
def test_a_scenario_happens_as_often_as_its_year_says(name: str) -> None:
    case = CASES[name]
    assert case.rate is not None
    rates = loss.quantiles(case.rate, loss._uniform(5, case.id, "rate", 3_000)) * float(case.left_rate)
    expected_counts = stats.poisson.ppf(loss._uniform(5, case.id, "count", 3_000), rates)
    assert np.array_equal(loss._counts(case, 5, 3_000), expected_counts)


def test_the_picture_of_a_simulation_is_what_was_drawn() -> None:
    made = simulate([CASES["rare"], CASES["often"]], Unit.MONEY, seed=2, years=500)
    for sector in (*made.sectors, None):
        years = made.of(sector)
        losses, shares = exceeded(made, sector)
        assert shares == [float((years > loss).mean()) for loss in losses]
        assert all(shares)
        assert losses == sorted(losses)
    one = simulate(
        [scenario(rate=Pert.known("0.0001"), losses={"energy": Pert.known("5")})], Unit.MONEY, seed=1, years=5
    )
    assert exceeded(one, None) == ([], [])
