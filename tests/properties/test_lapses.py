"""Lapses: each is an instant at which somebody stops to read, and nobody stops by a lapse that is not told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.agreement_strategies import (
    COUNTRIES,
    START,
    Reader,
    World,
    day,
    labels,
    living_worlds,
    readers,
    worlds,
)
from tocsin.agreements.gate import decide, slice_for
from tocsin.agreements.lapses import hit, lapses
from tocsin.kernel.clock import DAY

if TYPE_CHECKING:
    from tocsin.agreements.model import Label

CASES = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BATCHES = st.lists(labels(), min_size=1, max_size=6)


def allowed(world: World, reader: Reader, batch: list[Label], at: int) -> list[bool]:
    then = msgspec.structs.replace(world, at=at)
    profile = then.profile(reader)
    return [one.allows for one in decide(slice_for(profile, then.facts()), profile, batch)]


@CASES
@given(living_worlds())
def test_a_lapse_is_when_a_basis_stops_to_hold_for_whom_it_names(world: World) -> None:
    facts = world.facts()
    found = lapses(facts, after=START - 10 * DAY, until=START + 100 * DAY)
    assert [one.at for one in found] == sorted(one.at for one in found)
    by_id = {one.id: one for one in facts.agreements}
    for lapse in found:
        agreement = by_id[lapse.id]
        basis = agreement.document.basis(lapse.basis)
        assert basis is not None
        before, after = (msgspec.structs.replace(world, at=at).facts() for at in (lapse.at - 1, lapse.at))
        for uri in lapse.parties:
            assert before.holds(basis, uri, agreement.graces)
            assert not after.holds(basis, uri, agreement.graces)


LAPSE_DAY = 17  # nothing else in drawn worlds happens then but clearances, which are taken away here


@st.composite
def _lapsing(draw: st.DrawFn) -> World:
    """Return a world in which one agreement's law ends in some countries on one day; permits rest on it, or do not."""
    world = draw(worlds())
    content = world.copy_of(0)
    ending = draw(st.lists(st.sampled_from(COUNTRIES), min_size=1, unique=True))
    content["legal_bases"] = {
        "law": {
            country: {"cite": "Act", "valid": [day(-9), day(LAPSE_DAY) if country in ending else None]}
            for country in COUNTRIES
        }
    }
    content["in_force"] = {"from": day(-9), "until": None}
    for clause in content["clauses"]:
        clause.pop("rests_on", None)
        if "permit" in clause and draw(st.integers(0, 3)):
            clause["rests_on"] = "law"
    for name, party in world.parties.items():
        uncleared = msgspec.structs.replace(party, clearance_until=None)
        world = msgspec.structs.replace(world, parties={**world.parties, name: uncleared})
    return world.with_content(0, content)


@settings(CASES, max_examples=120)
@given(_lapsing(), readers(), BATCHES)
def test_whoever_stops_to_read_by_a_lapse_is_hit_by_it_and_nobody_else(
    world: World, reader: Reader, batch: list[Label]
) -> None:
    if reader.user is not None:
        reader = msgspec.structs.replace(reader, user=msgspec.structs.replace(reader.user, clearance_until=None))
    at = START + LAPSE_DAY * DAY
    facts = msgspec.structs.replace(world, at=at).facts()
    told = lapses(facts, after=at - 1, until=at)
    before, after = (allowed(world, reader, batch, instant) for instant in (at - 1, at))
    profile = msgspec.structs.replace(world, at=at).profile(reader)
    numbered = dict(enumerate(batch))
    by_id = {one.id: one for one in facts.agreements}
    struck = frozenset().union(*(hit(lapse, by_id[lapse.id], facts, profile, numbered) for lapse in told))
    closed = {index for index, (was, is_) in enumerate(zip(before, after, strict=True)) if was and not is_}
    assert closed <= struck
    # what is still open is held under what opens it, and one's own is one's own
    assert not struck & {index for index, is_ in enumerate(after) if is_}
    assert all(batch[index].owner != profile.party for index in struck)
    concerned = frozenset().union(*(lapse.parties for lapse in told))
    assert all(concerned & {profile.party, batch[index].owner} for index in struck)
