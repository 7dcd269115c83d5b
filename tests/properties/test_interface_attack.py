"""What somebody learns of a member's inside from its interface, and from hits on everybody else. docs/map.md has it."""

from __future__ import annotations

import random
from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from support.cascades import needs, plain
from support.members import any_member
from support.surveyor import Surveyor, drawn, scored, truth_of
from tocsin.map.interfaces import interface_of, rounded
from tocsin.map.model import Asset, AssetMap, Need, Supplier

if TYPE_CHECKING:
    from tocsin.map.model import DependencyGroup

SEEDS = st.integers(0, 2**32)


def longer(draw: random.Random, plan: AssetMap, own: frozenset[str]) -> tuple[AssetMap, frozenset[str]]:
    """Return a map that answers alike, with more assets and other edges inside."""
    groups: list[DependencyGroup] = list(plan.groups)
    added: list[str] = []
    for place in range(len(groups)):
        group = groups[place]
        within = [one.asset for one in group.suppliers if one.asset in own]
        if group.asset not in own or not within or draw.random() < 0.4:
            continue
        chosen = draw.choice(within)
        name = f"new{len(added)}"
        added.append(name)
        if draw.random() < 0.5:  # a link in between
            groups.append(needs(name, chosen, need=Need.COUNT))
        else:  # a twin, either of which does
            twin = f"twin{len(added)}"
            added.append(twin)
            groups += [structs.replace(one, asset=twin) for one in plan.groups if one.asset == chosen]
            groups.append(needs(name, chosen, twin, need=Need.COUNT))
        groups[place] = structs.replace(
            group,
            suppliers=tuple(
                structs.replace(one, asset=name) if one.asset == chosen else one for one in group.suppliers
            ),
        )
    assets = (*plan.assets, *(Asset(id=name) for name in added))
    return AssetMap(assets=assets, groups=tuple(groups)), own | frozenset(added)


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_insides_that_answer_alike_cannot_be_told_apart(seed: int) -> None:
    draw = random.Random(seed)
    plan, own = any_member(draw, rings=False, degraded=False)
    other, more = longer(draw, plan, own)
    assert interface_of(other, more) == interface_of(plan, own)


def test_what_is_recovered_of_the_inside_is_what_the_page_says() -> None:
    total = np.zeros(9)
    for seed in range(60):
        draw = random.Random(seed)
        plan, own = any_member(draw, rings=False, degraded=False)
        found = interface_of(plan, own)
        outputs = {one.id for one in found.outputs}
        surveyor = Surveyor(plan, own, found)
        total += astuple(scored(truth_of(plan, own, outputs), drawn(surveyor, ask=False), outputs))
    hidden, guessed, inner, tried, right, by_chance, entering, _, entering_right = total
    assert [hidden, inner, entering] == [66, 247, 436]
    assert guessed < hidden
    assert tried > 100
    assert right <= by_chance
    assert right / inner <= 0.06
    assert entering_right / entering <= 0.61


def test_a_stock_hides_its_parts_until_outages_are_watched() -> None:
    # 4 and 6 hours in a row: the interface says 10; short pauses in real outages show both
    plan = plain(
        needs("mid", "grid", buffer_h=4, need=Need.COUNT),
        needs("out", "mid", buffer_h=6, need=Need.COUNT),
        needs("user", "out", need=Need.COUNT),
    )
    own = frozenset({"mid", "out"})
    found = interface_of(plan, own)
    (stock,) = found.outputs[0].stocks
    assert stock.hours == 10
    surveyor = Surveyor(plan, own, found)
    assert surveyor.buffers(found.outputs[0], stock) == pytest.approx([4, 6], abs=0.1)
    assert surveyor.asked < 20


def test_what_was_rounded_is_not_in_what_is_told() -> None:
    # an hour within a step is told as one of its two ends, whichever hour it was
    told = set()
    for hours in (8.1, 9.3, 11.9):
        plan = plain(needs("out", "grid", buffer_h=hours, need=Need.COUNT), needs("user", "out"))
        told |= {rounded(interface_of(plan, {"out"}), 4.0, seed=seed) for seed in range(60)}
    assert {one.outputs[0].stocks[0].hours for one in told} == {8.0, 12.0}


def test_an_edge_that_changes_no_answer_is_not_told() -> None:
    plain_one = plain(needs("out", "grid", need=Need.COUNT), needs("user", "out"))
    with_more = structs.replace(
        plain_one,
        assets=(*plain_one.assets, Asset(id="spare")),
        groups=(
            structs.replace(plain_one.groups[0], suppliers=(Supplier(asset="grid"), Supplier(asset="spare"))),
            plain_one.groups[1],
            needs("spare", "grid", need=Need.COUNT),
        ),
    )
    assert interface_of(with_more, {"out", "spare"}) == interface_of(plain_one, {"out"})
