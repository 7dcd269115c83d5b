"""The laws of the gate, over random agreements, parties, readers and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from support.agreement_evaluator import permitting, slow_verdict
from support.agreement_strategies import (
    NAMES,
    START,
    Paper,
    Reader,
    World,
    day,
    forbids,
    labels,
    papers,
    readers,
    worlds,
)
from tocsin.agreements.gate import Slice, decide, profile_until, slice_for
from tocsin.agreements.model import Label, Tlp, Verdict
from tocsin.kernel.clock import DAY
from tocsin.parties.model import PartyStatus, User, clearance_rank

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BATCHES = st.lists(labels(), min_size=1, max_size=6)


def slice_of(world: World, reader: Reader) -> Slice:
    until = profile_until(world.parties[reader.party], reader.user, world.at)
    return slice_for(world.profile(reader), world.facts(), until=until)


def verdicts(world: World, reader: Reader, batch: list[Label]) -> list[Verdict]:
    return decide(slice_of(world, reader), world.profile(reader), batch)


def allowed(world: World, reader: Reader, batch: list[Label]) -> list[bool]:
    return [verdict.allows for verdict in verdicts(world, reader, batch)]


def never_wider(before: list[bool], after: list[bool]) -> bool:
    return all(was or not is_ for was, is_ in zip(before, after, strict=True))


@settings(CASES, max_examples=250)
@given(worlds(), readers(), BATCHES)
def test_the_gate_decides_as_an_evaluator_without_cedar_does(world: World, reader: Reader, batch: list[Label]) -> None:
    for label, verdict in zip(batch, verdicts(world, reader, batch), strict=True):
        expected, reasons = slow_verdict(world, reader, label)
        assert verdict.errors == ()
        assert verdict.allows is expected
        if expected:
            assert {reason.policy_id for reason in verdict.reasons} == reasons
        else:
            assert all(reason.effect == "deny" for reason in verdict.reasons)


@CASES
@given(worlds(), readers(), BATCHES, forbids(), st.data())
def test_adding_a_forbid_never_widens(
    world: World, reader: Reader, batch: list[Label], forbid: dict[str, object], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(world.papers) - 1))
    content = world.copy_of(index)
    content["clauses"].append({"id": "added"} | forbid)
    assert never_wider(allowed(world, reader, batch), allowed(world.with_content(index, content), reader, batch))


def _basis_goes(world: World, _reader: Reader, pick: Callable[[int], int]) -> World | None:
    """Remove what one country or kind has, or let it lapse on the day."""
    index = pick(len(world.papers))
    content = world.copy_of(index)
    if not content.get("legal_bases"):
        return None
    basis = sorted(content["legal_bases"])[pick(len(content["legal_bases"]))]
    entries = content["legal_bases"][basis]
    key = sorted(entries)[pick(len(entries))]
    if len(entries) > 1 and pick(2):
        del entries[key]
    else:
        entries[key]["valid"] = [day(-10), day(-5)]
    return world.with_content(index, content)


def _party_changes(world: World, name: str, **changes: object) -> World:
    party = msgspec.structs.replace(world.parties[name], **changes)
    return msgspec.structs.replace(world, parties={**world.parties, name: party})


def _clearance_expires(world: World, _reader: Reader, pick: Callable[[int], int]) -> World:
    return _party_changes(world, NAMES[pick(len(NAMES))], clearance_until=world.at)


def _party_is_suspended(world: World, _reader: Reader, pick: Callable[[int], int]) -> World:
    return _party_changes(world, NAMES[pick(len(NAMES))], status=PartyStatus.SUSPENDED)


LAPSES = {
    "a legal basis": _basis_goes,
    "a facility clearance": _clearance_expires,
    "a party's vetting": _party_is_suspended,
}


@pytest.mark.parametrize("lapse", LAPSES)
@CASES
@given(world=worlds(), reader=readers(), batch=BATCHES, data=st.data())
def test_no_lapse_widens(lapse: str, world: World, reader: Reader, batch: list[Label], data: st.DataObject) -> None:
    after = LAPSES[lapse](world, reader, lambda count: data.draw(st.integers(0, count - 1)))
    assume(after is not None and after != world)
    assert after is not None
    assert never_wider(allowed(world, reader, batch), allowed(after, reader, batch))


@CASES
@given(worlds(), readers(), BATCHES)
def test_an_expired_personal_clearance_never_widens(world: World, reader: Reader, batch: list[Label]) -> None:
    assume(reader.user is not None)
    assert reader.user is not None
    expired: User = msgspec.structs.replace(reader.user, clearance_until=world.at)
    after = msgspec.structs.replace(reader, user=expired)
    assert never_wider(allowed(world, reader, batch), allowed(world, after, batch))


@CASES
@given(worlds(most=1), readers(), BATCHES, st.sampled_from(NAMES))
def test_an_agreement_permits_nothing_more_when_a_signature_is_missing(
    world: World, reader: Reader, batch: list[Label], name: str
) -> None:
    paper = Paper(content=world.papers[0].content, signed=world.papers[0].signed - {name})
    after = msgspec.structs.replace(world, papers=(paper,))
    # with one agreement: whom a forbid of it no longer binds, its permits no longer reach either
    others = [label for label in batch if label.owner != world.uri(reader.party)]
    assert never_wider(allowed(world, reader, others), allowed(after, reader, others))


@CASES
@given(worlds(), readers(), BATCHES)
def test_tlp_floors_hold_whatever_the_agreements_say(world: World, reader: Reader, batch: list[Label]) -> None:
    party = world.parties[reader.party]
    profile = world.profile(reader)
    for label, verdict in zip(batch, verdicts(world, reader, batch), strict=True):
        if not verdict.allows:
            continue
        own = label.owner == party.uri
        assert profile.active
        assert own or not label.unknown_marking
        assert clearance_rank(label.classification or "unclassified") <= clearance_rank(profile.clearance)
        if label.tlp is Tlp.RED:
            assert reader.user is not None
            assert f"{reader.user.name}@{party.uri}" in label.recipients
        if label.recipients:
            assert own or label.recipients & profile.addresses
        if label.tlp is Tlp.AMBER_STRICT and not own and not label.recipients & profile.addresses:
            assert all("amber+strict" in str(_tlp_of(world, reason.policy_id)) for reason in verdict.reasons)


def _tlp_of(world: World, policy_id: str) -> object:
    name, _, clause_id = policy_id.split("/")
    (paper,) = [paper for paper in world.papers if paper.content["agreement"] == name]
    (clause,) = [clause for clause in paper.content["clauses"] if clause["id"] == clause_id]
    return clause["of"]["tlp"]


@CASES
@given(worlds(), readers(), BATCHES)
def test_addressing_is_necessary_and_never_sufficient(world: World, reader: Reader, batch: list[Label]) -> None:
    everywhere = world.profile(reader).addresses
    addressed = [msgspec.structs.replace(label, recipients=everywhere) for label in batch]
    for label, verdict in zip(addressed, verdicts(world, reader, addressed), strict=True):
        if verdict.allows and label.owner != world.uri(reader.party):
            assert permitting(world, reader, label, addressed=True)


@CASES
@given(worlds(), readers(), BATCHES, papers("elsewhere"), st.sampled_from(NAMES))
def test_changes_elsewhere_leave_the_slice_as_it_is(
    world: World, reader: Reader, batch: list[Label], other: Paper, fellow: str
) -> None:
    before = slice_of(world, reader)
    strangers = {
        name: msgspec.structs.replace(world.parties["alfa"], name=name, uri=f"https://{name}.example")
        for name in ("xenon", "yak")
    }
    content = other.content | {"parties": [{"name": name} for name in strangers], "clauses": _of_strangers(other)}
    after = _party_changes(
        msgspec.structs.replace(
            world,
            parties={**world.parties, **strangers},
            papers=(*world.papers, Paper(content=content, signed=frozenset(strangers))),
        ),
        fellow,
        title=f"{fellow} under another title",
        clients=frozenset({"https://xenon.example"}),
    )
    again = slice_of(after, reader)
    assert again.digest == before.digest
    assert again.valid_until == before.valid_until
    assert verdicts(after, reader, batch) == verdicts(world, reader, batch)


def _of_strangers(paper: Paper) -> list[dict[str, object]]:
    """Return the clauses with strangers for the parties that they name."""
    text = msgspec.json.encode(paper.content["clauses"]).decode()
    for name in NAMES:
        text = text.replace(f'"{name}"', '"xenon"')
    drawn: list[dict[str, object]] = msgspec.json.decode(text)
    for clause in drawn:
        for terms in clause.values():
            if isinstance(terms, dict):
                for key in ("parties", "owner"):
                    if isinstance(terms.get(key), list):
                        terms[key] = ["xenon"]
    return drawn


@CASES
@given(worlds(), worlds(), readers(), BATCHES)
def test_equal_slices_give_equal_verdicts(one: World, two: World, reader: Reader, batch: list[Label]) -> None:
    # the same agreements at two instants are the likeliest to share a slice
    later = msgspec.structs.replace(one, at=two.at)
    first, second = slice_of(one, reader), slice_of(later, reader)
    if first.digest == second.digest and one.profile(reader) == later.profile(reader):
        assert [(verdict.effect, verdict.reasons) for verdict in decide(first, one.profile(reader), batch)] == [
            (verdict.effect, verdict.reasons) for verdict in decide(second, later.profile(reader), batch)
        ]
    else:
        assert one.at != later.at


@CASES
@given(worlds(), readers(), BATCHES, st.floats(0, 1))
def test_nothing_changes_before_valid_until(world: World, reader: Reader, batch: list[Label], part: float) -> None:
    now = slice_of(world, reader)
    end = now.valid_until if now.valid_until is not None else world.at + 1_000 * DAY
    assert end > world.at
    for at in (world.at + int((end - world.at - 1) * part), end - 1):
        later = msgspec.structs.replace(world, at=at)
        assert later.profile(reader) == world.profile(reader)
        assert slice_of(later, reader).digest == now.digest
        assert slice_of(later, reader).valid_until == now.valid_until
        assert allowed(later, reader, batch) == allowed(world, reader, batch)


@CASES
@given(worlds(), readers(), BATCHES)
def test_a_batch_is_decided_as_each_label_alone(world: World, reader: Reader, batch: list[Label]) -> None:
    slice_ = slice_of(world, reader)
    profile = world.profile(reader)
    assert decide(slice_, profile, batch) == [decide(slice_, profile, [label])[0] for label in batch]


@CASES
@given(worlds(), readers(), BATCHES)
def test_outside_every_term_nothing_but_ones_own_is_open(world: World, reader: Reader, batch: list[Label]) -> None:
    before_all = msgspec.structs.replace(world, at=START - 100 * DAY)
    for label, open_ in zip(batch, allowed(before_all, reader, batch), strict=True):
        assert not open_ or label.owner == world.uri(reader.party)
