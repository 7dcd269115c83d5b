"""The laws of agreements that live: whatever becomes of them, a slow evaluator agrees, and nothing opens by it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from support.agreement_evaluator import slow_verdict
from support.agreement_strategies import NAMES, Paper, Reader, World, labels, living_worlds, readers
from tocsin.agreements.classes import Classes
from tocsin.agreements.gate import Slice, decide, profile_until, slice_for
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.membership import going_on
from tocsin.kernel.clock import DAY

if TYPE_CHECKING:
    from tocsin.agreements.model import Label

CASES = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BATCHES = st.lists(labels(), min_size=1, max_size=6)


def slice_of(world: World, reader: Reader) -> Slice:
    until = profile_until(world.parties[reader.party], reader.user, world.at)
    return slice_for(world.profile(reader), world.facts(), until=until)


def allowed(world: World, reader: Reader, batch: list[Label]) -> list[bool]:
    return [one.allows for one in decide(slice_of(world, reader), world.profile(reader), batch)]


def never_wider(before: list[bool], after: list[bool]) -> bool:
    return all(was or not is_ for was, is_ in zip(before, after, strict=True))


def with_paper(world: World, index: int, paper: Paper) -> World:
    papers = list(world.papers)
    papers[index] = paper
    return msgspec.structs.replace(world, papers=tuple(papers))


@settings(CASES, max_examples=150)
@given(living_worlds(), readers(), BATCHES)
def test_the_gate_decides_as_an_evaluator_without_cedar_does(world: World, reader: Reader, batch: list[Label]) -> None:
    slice_ = slice_of(world, reader)
    verdicts = decide(slice_, world.profile(reader), batch)
    for label, verdict in zip(batch, verdicts, strict=True):
        expected, reasons = slow_verdict(world, reader, label)
        assert verdict.errors == ()
        assert verdict.allows is expected
        assert not expected or {reason.policy_id for reason in verdict.reasons} == reasons
    # decided by classes it is the same
    found = Classes().opened(slice_, world.profile(reader), dict(enumerate(batch)))
    assert found == {index for index, verdict in enumerate(verdicts) if verdict.allows}


@CASES
@given(living_worlds(), readers(), BATCHES, st.data())
def test_what_stops_an_agreement_opens_nothing(
    world: World, reader: Reader, batch: list[Label], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(world.papers) - 1))
    paper = world.papers[index]
    assume(paper.status is AgreementStatus.IN_FORCE)
    for status in (AgreementStatus.SUSPENDED, AgreementStatus.TERMINATED):
        stopped = with_paper(world, index, msgspec.structs.replace(paper, status=status))
        assert never_wider(allowed(world, reader, batch), allowed(stopped, reader, batch))


@CASES
@given(living_worlds(), readers(), BATCHES, st.data())
def test_where_all_forbids_survive_nobody_opens_anything_by_leaving(
    world: World, reader: Reader, batch: list[Label], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(world.papers) - 1))
    content = world.copy_of(index)
    forbids = [clause["id"] for clause in content["clauses"] if "forbid" in clause]
    content["withdrawal"] = {"notice": "P30D"} | ({"survives": forbids} if forbids else {})
    world = world.with_content(index, content)
    paper, name = world.papers[index], data.draw(st.sampled_from(NAMES))
    away = with_paper(world, index, msgspec.structs.replace(paper, left={**paper.left, name: world.at}))
    assert never_wider(allowed(world, reader, batch), allowed(away, reader, batch))


@CASES
@given(living_worlds(), readers(), BATCHES, st.data())
def test_a_grace_only_opens_and_taking_it_away_only_closes(
    world: World, reader: Reader, batch: list[Label], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(world.papers) - 1))
    paper = world.papers[index]
    without = with_paper(world, index, msgspec.structs.replace(paper, graces=()))
    assert never_wider(allowed(world, reader, batch), allowed(without, reader, batch))


@CASES
@given(living_worlds(), readers(), BATCHES, st.floats(0, 1))
def test_nothing_changes_before_valid_until(world: World, reader: Reader, batch: list[Label], part: float) -> None:
    slice_ = slice_of(world, reader)
    horizon = slice_.valid_until if slice_.valid_until is not None else world.at + 400 * DAY
    later = msgspec.structs.replace(world, at=world.at + int((horizon - 1 - world.at) * part))
    assert slice_of(later, reader).digest == slice_.digest
    assert allowed(later, reader, batch) == allowed(world, reader, batch)


@CASES
@given(living_worlds(), st.integers(0, 60 * DAY), readers())
def test_facts_that_move_in_time_are_those_made_anew(world: World, by: int, reader: Reader) -> None:
    facts = world.facts()
    later = msgspec.structs.replace(world, at=world.at + by)
    moved = facts.moved(later.at)
    if moved is not None:
        fresh = later.facts()
        profile = later.profile(reader)
        assert slice_for(profile, moved).digest == slice_for(profile, fresh).digest
        assert (moved.members, moved.bound, moved.departed) == (fresh.members, fresh.bound, fresh.departed)


@CASES
@given(living_worlds(), st.data())
def test_the_next_version_neither_loses_a_grace_nor_prolongs_it(world: World, data: st.DataObject) -> None:
    parties = {party.uri: party for party in world.parties.values()}
    for paper in world.papers:
        old = world.activated(paper)
        bound = data.draw(st.frozensets(st.sampled_from(sorted(parties))))
        new = msgspec.structs.replace(old, signed=bound, carried=frozenset(), graces=())
        graces = tuple(going_on(new, old, parties, world.at).values())
        again = msgspec.structs.replace(new, graces=graces)
        assert tuple(going_on(again, again, parties, world.at).values()) == graces
        instants = [world.at, *(until + by for _, _, until in paper.graces for by in (-1, 0) if until + by >= world.at)]
        for at, basis, uri in itertools.product(instants, old.document.legal_bases, sorted(parties)):
            facts = msgspec.structs.replace(world, at=at).facts()
            held = facts.holds(basis, uri, old.graces if uri in bound else ())
            assert facts.holds(basis, uri, graces) is held
