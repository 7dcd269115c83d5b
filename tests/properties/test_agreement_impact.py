"""What an impact tells is what every single verdict says, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from support.agreement_strategies import Reader, World, labels, living_worlds, readers
from tocsin.agreements.bulk import Bulk, Universe
from tocsin.agreements.gate import decide, profile_of, slice_for
from tocsin.agreements.impact import Move, Seat, band, impact, purposes_apart
from tocsin.parties.model import PURPOSES, PartyStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tocsin.agreements.facts import Facts
    from tocsin.agreements.model import Label, Profile
    from tocsin.parties.model import User

CASES = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
Counted = list[tuple["Label", int]]


def opened(profile: Profile, facts: Facts, counted: Counted) -> set[int]:
    """Return the places of what is open to a reader, question by question."""
    batch = [label.as_of(facts.at) for label, _ in counted]
    verdicts = decide(slice_for(profile, facts), profile, batch)
    return {place for place, verdict in enumerate(verdicts) if verdict.allows}


def one_by_one(world: World, users: dict[str, list[User]], facts: Facts, counted: Counted) -> dict[Any, set[int]]:
    """Return what is open by party, seat and purpose; of people to any of them."""
    found: dict[Any, set[int]] = {}
    for party in world.parties.values():
        if party.status is not PartyStatus.VETTED:
            continue
        hats = [None, "supervisor"] if "supervisor" in party.capacities and len(party.capacities) > 1 else [None]
        for purpose in PURPOSES:
            for user in (None, *users.get(party.uri, ())):
                seat = Seat.MACHINE if user is None else Seat.PEOPLE
                for hat in hats:
                    profile = profile_of(party, user, purpose, facts.at, capacity=hat)
                    found.setdefault((party.uri, seat, purpose), set()).update(opened(profile, facts, counted))
    return found


def told(moves: Iterable[Move]) -> dict[Any, Any]:
    return {
        (move.party, move.seat, purpose): (
            (move.gains.labels, dict(move.gains.objects)),
            (move.losses.labels, dict(move.losses.objects)),
        )
        for move in moves
        for purpose in move.purposes
    }


def counts(places: set[int], counted: Counted) -> tuple[int, dict[str, int]]:
    objects: dict[str, int] = {}
    for place in places:
        label, count = counted[place]
        objects[label.type] = objects.get(label.type, 0) + count
    return len(places), objects


@CASES
@given(
    living_worlds(),
    living_worlds(),
    st.lists(readers(), max_size=3),
    st.lists(st.tuples(labels(), st.integers(1, 1_000_000)), min_size=1, max_size=8),
)
def test_an_impact_is_the_difference_of_every_verdict(
    world: World, other: World, people: list[Reader], counted: Counted
) -> None:
    # of the same parties at the same instant; only the agreements are others
    later = msgspec.structs.replace(world, papers=other.papers)
    users: dict[str, list[User]] = {}
    for one in people:
        if one.user is not None:
            users.setdefault(one.user.party, []).append(one.user)
    before, after = world.facts(), later.facts()
    result = impact(before, after, Universe(counted, world.at), users)
    was, now = (one_by_one(world, users, facts, counted) for facts in (world.facts(), later.facts()))
    expected = {
        key: (counts(now[key] - was[key], counted), counts(was[key] - now[key], counted))
        for key in was
        if was[key] != now[key]
    }
    assert told(result.moves) == expected
    event("changes" if expected else "nothing changes")
    single = {
        uri: impact(before, after, Universe(counted, world.at), users, of={uri}).moves
        for uri in (party.uri for party in world.parties.values())
    }
    assert sorted(map(repr, result.moves)) == sorted(repr(move) for moves in single.values() for move in moves)


@CASES
@given(living_worlds(), st.lists(readers(), min_size=2, max_size=6), st.lists(labels(), min_size=1, max_size=8))
def test_a_row_is_every_verdict_of_a_reader(world: World, askers: list[Reader], batch: list[Label]) -> None:
    counted = [(label, 1) for label in batch]
    bulk = Bulk(world.facts(), Universe(counted, world.at))
    for reader in [*askers, *reversed(askers)]:
        row = bulk.row(world.profile(reader))
        assert {place for place in range(len(batch)) if row >> place & 1} == opened(
            world.profile(reader), world.facts(), counted
        )


@given(st.lists(st.tuples(labels(), st.integers(0, 10**7)), max_size=8), st.data())
@settings(max_examples=60)
def test_objects_are_counted_exactly(counted: Counted, data: st.DataObject) -> None:
    universe = Universe(counted, 0)
    kept = [one for one in counted if one[1]]
    chosen = data.draw(st.sets(st.sampled_from(range(len(kept))))) if kept else set()
    row = sum(1 << place for place in chosen)
    assert universe.objects(row) == counts(chosen, kept)[1]
    assert universe.total == sum(count for _, count in counted)
    assert universe.objects(universe.all) == counts(set(range(len(kept))), kept)[1]


@CASES
@given(living_worlds())
def test_purposes_that_are_told_together_are_no_policy_s_business(world: World) -> None:
    groups = purposes_apart(world.facts())
    assert sorted(purpose for group in groups for purpose in group) == sorted(PURPOSES)
    texts = "".join(policy.text for one in world.facts().agreements for policy in one.policies)
    assert all(len(group) == 1 or not any(f'"{one}"' in texts for one in group) for group in groups)


@given(st.integers(0, 10**9))
def test_a_band_holds_its_number(count: int) -> None:
    said = band(count)
    if count == 0:
        assert said == "none"
        return
    low, high = (int(part.replace(",", "")) for part in said.split(" to "))
    assert low <= count <= high == low * 10 - 1
