"""What somebody learns of a member's inside from its interface, and from hits on everybody else. docs/map.md has it."""

from __future__ import annotations

import random
from dataclasses import astuple, fields
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from support.cascades import needs, plain
from support.members import any_member, large_member
from support.surveyor import Score, Surveyor, drawn, scored, truth_of
from tocsin.map.interfaces import bounds_of, compose, interface_of, others_of, rounded
from tocsin.map.model import Asset, AssetMap, Need, Supplier

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.map.model import DependencyGroup

SEEDS = st.integers(0, 2**32)


def longer(draw: random.Random, plan: AssetMap, own: frozenset[str]) -> tuple[AssetMap, frozenset[str]]:
    """Return a map that answers alike, with more assets and other edges inside."""
    outputs = {one.asset for group in plan.groups if group.asset not in own for one in group.suppliers} & own
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
        if chosen in outputs or draw.random() < 0.5:  # a link in between; an output's twin would take its hits away
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
    assert bounds_of(other, more) == bounds_of(plan, own)


def recovered(
    make: Callable[[random.Random], tuple[AssetMap, frozenset[str]]], seeds: range, *, by: str, ask: bool = False
) -> Score:
    """Return what a surveyor draws of these insides in all: from their interfaces, from their bounds, or asking a hub.

    The hub has the others' map with the interface in it. It is asked for every loss of up to three inputs and outputs,
    at each degree, short and long and twice; what it answers is made an interface of.
    """
    total = np.zeros(len(fields(Score)))
    for seed in seeds:
        plan, own = make(random.Random(seed))
        found = bounds_of(plan, own).most if by == "bounds" else interface_of(plan, own)
        if by == "hub":
            others = others_of(plan, own)
            asked = compose(others, found)
            found = interface_of(asked, {one.id for one in asked.assets} - {one.id for one in others.assets})
        outputs = {one.id for one in found.outputs}
        surveyor = Surveyor(plan, own, found)
        total += astuple(scored(truth_of(plan, own, outputs), drawn(surveyor, ask=ask), outputs))
    return Score(*total.tolist())  # type: ignore[arg-type]  # sums of them all


def small(draw: random.Random) -> tuple[AssetMap, frozenset[str]]:
    return any_member(draw, rings=False, degraded=False)


def large(draw: random.Random) -> tuple[AssetMap, frozenset[str]]:
    return large_member(draw, draw.randint(20, 60))


@pytest.mark.parametrize("by", ["interface", "bounds"])
def test_what_is_recovered_of_small_insides_is_what_the_page_says(by: str) -> None:
    # most of their assets are outputs; what these pass on to each other is told, and so are edges between them
    found = recovered(small, range(60), by=by)
    assert (found.hidden, found.between, found.inner, found.entering) == (66, 135, 112, 436)
    assert found.guessed < found.hidden
    assert found.between_right <= 120
    assert found.entering_right <= 306
    # of what is hidden hardly more than blindly
    assert found.drawn > 80
    assert found.right <= min(20, 1.3 * found.by_chance)


@pytest.mark.parametrize(("by", "ask"), [("interface", False), ("bounds", False), ("hub", False), ("interface", True)])
def test_what_is_recovered_of_large_insides_is_what_the_page_says(by: str, *, ask: bool) -> None:
    found = recovered(large, range(20), by=by, ask=ask)
    assert (found.hidden, found.between, found.inner, found.entering) == (721, 17, 1380, 341)
    assert found.guessed <= 0.16 * found.hidden
    assert found.entering_right <= 0.2 * found.entering
    # more of it is right than blindly, and it is hardly more than a hundredth of what there is
    assert found.drawn > 100
    assert found.by_chance < found.right <= 0.015 * found.inner


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
