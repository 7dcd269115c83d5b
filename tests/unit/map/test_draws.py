"""Samples of hazards are the same for the same seed, and a change changes only what it is about."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec import structs

from support.cascades import made_map
from tocsin.errors import InputError
from tocsin.map.cascade import draws
from tocsin.map.cascade.draws import Hazard, draw_hits, keys_of
from tocsin.map.cascade.grid import FULL, TICKS
from tocsin.map.cascade.wiring import wire
from tocsin.map.model import Asset

if TYPE_CHECKING:
    from tocsin.map.cascade.hits import Hits

PLAN = made_map(random.Random(1), 200, whole=True)
WIRING = wire(PLAN)
KEYS = keys_of(WIRING.ids)


def hazard(count: int = 200, chance: float = 0.1) -> Hazard:
    return Hazard(
        chance=np.full(count, chance),
        damage=np.tile([0.5, 1.0], (count, 1)),
        repairs=np.array([[1.0, 2.0, 8.0], [0.0, 0.0, 4.0]]),
        repair_of=np.arange(count) % 2,
    )


def named(hits: Hits, ids: tuple[str, ...]) -> list[dict[str, list[int]]]:
    return [
        {ids[row[0]]: row[1:] for row in hits.part(sample, sample + 1).table.tolist()} for sample in range(hits.samples)
    ]


def test_a_sample_is_the_same_in_whatever_range() -> None:
    whole = named(draw_hits(WIRING, hazard(), KEYS, seed=5, samples=range(30)), WIRING.ids)
    assert whole[11:17] == named(draw_hits(WIRING, hazard(), KEYS, seed=5, samples=range(11, 17)), WIRING.ids)
    assert whole != named(draw_hits(WIRING, hazard(), KEYS, seed=6, samples=range(30)), WIRING.ids)
    assert draw_hits(WIRING, hazard(), KEYS, seed=5, samples=range(0)).samples == 0


def test_a_new_asset_leaves_all_others_their_numbers() -> None:
    wider = wire(structs.replace(PLAN, assets=(Asset(id="new"), *PLAN.assets)))
    before = draw_hits(
        WIRING, replace(hazard(), repair_of=np.zeros(200, dtype=np.int64)), KEYS, seed=5, samples=range(50)
    )
    more = replace(hazard(201), repair_of=np.zeros(201, dtype=np.int64))
    after = named(draw_hits(wider, more, keys_of(wider.ids), seed=5, samples=range(50)), wider.ids)
    assert sum(one.pop("new", None) is not None for one in after) > 0
    assert after == named(before, WIRING.ids)


def test_more_chance_adds_hits_and_changes_none() -> None:
    few = named(draw_hits(WIRING, hazard(chance=0.05), KEYS, seed=5, samples=range(50)), WIRING.ids)
    many = named(draw_hits(WIRING, hazard(chance=0.2), KEYS, seed=5, samples=range(50)), WIRING.ids)
    assert all(one.items() <= other.items() for one, other in zip(few, many, strict=True))
    assert sum(map(len, many)) > 3 * sum(map(len, few))


def test_numbers_are_spread_as_they_say() -> None:
    hits = draw_hits(WIRING, hazard(chance=0.5), KEYS, seed=9, samples=range(400))
    assert len(hits.table) / 80_000 == pytest.approx(0.5, abs=0.01)
    counts = np.bincount(hits.table[:, 0], minlength=200)
    assert abs(counts - 200).max() < 5 * 10  # five standard deviations of a fair coin tossed 400 times
    damage = hits.table[:, 1] / FULL
    assert (damage.min(), damage.mean(), damage.max()) == pytest.approx((0.5, 0.75, 1.0), abs=0.01)
    hours = hits.table[:, 3] / TICKS
    odd = hits.table[:, 0] % 2 == 1
    assert hours[~odd].mean() == pytest.approx((1.5 + 5.0) / 2, abs=0.05)
    assert (hours[odd] == 0).mean() == pytest.approx(0.5, abs=0.02)
    struck = np.zeros((400, 200))
    struck[np.repeat(np.arange(400), np.diff(hits.first)), hits.table[:, 0]] = 1
    assert np.abs(np.corrcoef(struck) - np.eye(400)).max() < 0.45
    assert np.abs(np.corrcoef(struck.T) - np.eye(200)).max() < 0.3


def mixed(word: int) -> int:
    """SplitMix64's next number (Steele, Lea and Flood 2014, figure 17), on Python's integers."""
    word = (word + 0x9E3779B97F4A7C15) % 2**64
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return word ^ word >> 31


def number(name: str, seed: int, sample: int, question: int) -> float:
    """One asset's number in one sample, as it has to stay: who asks again in a year is to get the same nights."""
    word = mixed(mixed((seed * 0x9E3779B97F4A7C15 + sample) % 2**64) + question)
    word ^= int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
    for _ in range(2):
        word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return ((word ^ word >> 31) >> 11) / 2**53


def test_the_generator_is_the_published_one() -> None:
    assert [mixed(1234567), mixed(1234567 + 0x9E3779B97F4A7C15)] == [6457827717110365317, 3203168211198807973]


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_number_is_worked_out_by_hand(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "_WORTH_WORKERS", 0)
    monkeypatch.setattr(draws, "_ROWS", 50)  # in many small blocks
    told = hazard()
    expected = []
    for sample in range(3, 20):
        for place, name in enumerate(WIRING.ids):
            strikes, hard, long = (number(name, 5, sample, question) for question in (1, 2, 3))
            if strikes < 0.1:
                short, middle, most = told.repairs[place % 2]
                hours = short + (middle - short) * 2 * long if long < 0.5 else middle + (most - middle) * (2 * long - 1)
                expected.append([place, round((0.5 + 0.5 * hard) * FULL), 0, round(hours * TICKS)])
    hits = draw_hits(WIRING, told, KEYS, seed=5, samples=range(3, 20), jobs=jobs)
    assert len(expected) > 200
    np.testing.assert_allclose(hits.table, expected, atol=1)  # a tick: the order in which doubles are added up


@pytest.mark.parametrize(
    "wrong",
    [
        {"chance": np.full(200, 1.5)},
        {"chance": np.full(199, 0.5)},
        {"damage": np.tile([0.9, 0.1], (200, 1))},
        {"repairs": np.array([[2.0, 1.0]])},
        {"repairs": np.array([[2.0]])},
        {"repairs": np.array([[0.0, np.inf]])},
        {"repair_of": np.full(200, 2)},
    ],
    ids=["chance", "count", "damage", "falling", "one quantile", "for ever", "no such repair"],
)
def test_a_hazard_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        draw_hits(WIRING, replace(hazard(), **wrong), KEYS, seed=1, samples=range(1))
