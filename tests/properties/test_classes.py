"""What is decided once for a class of questions is what Cedar says of each of them."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from support.agreement_strategies import NAMES, START, Reader, World, labels, readers, worlds
from support.agreement_texts import PLAIN
from tocsin.agreements.classes import opened
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import parse_agreement
from tocsin.agreements.facts import Activated, Facts
from tocsin.agreements.gate import decide, profile_of, slice_for
from tocsin.agreements.model import Label, Tlp
from tocsin.agreements.placed import Kinds
from tocsin.kernel.clock import DAY, parse_date
from tocsin.parties.model import Kind, Party, PartyStatus, Role, User

CASES = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def alike(label: Label) -> list[Label]:
    """Return labels that differ from this one in what classes look at: whose it is, and to whom it is addressed."""
    uris = [f"https://{name}.example" for name in NAMES]
    addressed = [frozenset(), frozenset(uris[:1]), frozenset({f"anna@{uris[1]}"}), frozenset(uris[2:])]
    return [
        msgspec.structs.replace(label, owner=owner, recipients=recipients)
        for owner in (*uris, "https://nobody.example")
        for recipients in addressed
    ]


def one_by_one(facts: Facts, reader: Reader, world: World, known: dict[int, Label]) -> frozenset[int]:
    profile = profile_of(world.parties[reader.party], reader.user, reader.purpose, facts.at)
    verdicts = decide(slice_for(profile, facts), profile, list(known.values()))
    return frozenset(number for number, verdict in zip(known, verdicts, strict=True) if verdict.allows)


@CASES
@given(worlds(), st.lists(readers(), min_size=2, max_size=6), st.lists(labels(), min_size=1, max_size=3), st.data())
def test_a_class_is_decided_as_each_of_its_questions(
    world: World, askers: list[Reader], drawn: list[Label], data: st.DataObject
) -> None:
    known = dict(enumerate(label for one in drawn for label in alike(one)))
    facts, kinds = world.facts(), Kinds()
    for reader in askers:
        profile = world.profile(reader)
        # some at first, so that later ones meet answers that other labels and readers left behind
        some = data.draw(st.sets(st.sampled_from(sorted(known))))
        slice_ = slice_for(profile, facts)
        opened(slice_, profile, {number: known[number] for number in some}, kinds)
        result = opened(slice_, profile, known, kinds)
        assert result == one_by_one(world.facts(), reader, world, known)
        event("something is open" if result else "nothing is open")


@CASES
@given(worlds(), readers(), st.lists(labels(), min_size=1, max_size=4), st.integers(0, 60 * DAY), st.integers(0, DAY))
def test_facts_that_move_in_time_are_those_made_anew(
    world: World, reader: Reader, batch: list[Label], first: int, later: int
) -> None:
    # a ground's labels are told apart by the kinds of one store, as the gate has them
    known, kinds = dict(enumerate(batch)), Kinds()
    start = msgspec.structs.replace(world, at=START + first).facts()
    profile_then = profile_of(world.parties[reader.party], reader.user, reader.purpose, start.at)
    opened(slice_for(profile_then, start), profile_then, known, kinds)
    at = start.at + later
    moved = start.moved(at)
    fresh = msgspec.structs.replace(world, at=at).facts()
    if moved is None:
        assert start.until is not None
        assert start.until <= at
        return
    profile = profile_of(world.parties[reader.party], reader.user, reader.purpose, at)
    one, two = slice_for(profile, moved), slice_for(profile, fresh)
    assert (one.digest, one.valid_until) == (two.digest, two.valid_until)
    assert opened(one, profile, known, kinds) == one_by_one(fresh, reader, world, known)
    assert start.moved(start.at - 1) is None


NAMING = {
    "a reader's party": "permit: read\n    to: {parties: [party-1]}\n    of: {tlp: {at_most: red}}",
    "an owner": "permit: read\n    to: {parties: all}\n    of: {owner: [party-1], tlp: {at_most: red}}",
    "whom it spares": "forbid: read\n    of: {type: indicator}\n    unless: {parties: [party-2]}",
    "who is addressed": "permit: read\n    to: {addressed: true}\n    of: {tlp: {at_most: red}}",
    "amber+strict under a bound": "permit: read\n    to: {parties: all}\n    of: {tlp: {at_most: red}}",
    "nobody": "permit: read\n    to: {parties: all}\n    of: {tlp: {at_most: amber}}",
}


def member(number: int) -> Party:
    return Party(
        uri=f"https://party-{number}.example",
        name=f"party-{number}",
        title="Member",
        kind=Kind.PRIVATE,
        country="NO",
        capacities=frozenset({"operator"}),
        status=PartyStatus.VETTED,
    )


@pytest.mark.parametrize("clause", NAMING)
def test_parties_that_are_alike_but_for_their_name(clause: str) -> None:
    # nothing but names, ownership and address tells these apart: every combination is asked, of every reader
    open_to_all = "permit: read\n    to: {parties: all}\n    of: {type: report}"
    text = f"""agreement: alike
version: 1
title: Alike
in_force: {{from: 2026-01-01, until: 2027-01-01}}
parties: [{{name: party-1}}, {{name: party-2}}, {{all: {{capacity: operator}}}}]
purposes: [detect]
clauses:
  - id: "1"
    {NAMING[clause]}
  - id: "2"
    {open_to_all}
"""
    parties = {party.uri: party for party in map(member, range(4))}
    document = parse_agreement(text.encode(), where="text").document
    names = {party.name: party.uri for party in parties.values()}
    activated = Activated(
        document=document,
        names=names,
        signed=frozenset(list(parties)[:3]),
        policies=compile_agreement(document, names),
    )
    facts, kinds = Facts(at=parse_date("2026-03-01"), parties=parties, agreements=(activated,)), Kinds()
    uris = list(parties)
    someone = [frozenset({address}) for uri in uris[1:] for address in (uri, f"anna@{uri}")]
    recipients = [frozenset(), *someone, frozenset({uris[1], f"anna@{uris[2]}"})]
    combinations = itertools.product(uris, Tlp, recipients, ("indicator", "report"))
    known = {
        number: Label(owner=owner, tlp=tlp, recipients=to, type=kind)
        for number, (owner, tlp, to, kind) in enumerate(combinations)
    }
    for party, person in itertools.product(parties.values(), (None, "anna", "bo")):
        user = None if person is None else User(name=person, party=party.uri, roles=frozenset({Role.ANALYST}))
        profile = profile_of(party, user, "detect", facts.at)
        slice_ = slice_for(profile, facts)
        verdicts = decide(slice_, profile, list(known.values()))
        expected = {number for number, verdict in zip(known, verdicts, strict=True) if verdict.allows}
        assert opened(slice_, profile, known, kinds) == expected


def test_members_share_what_was_decided() -> None:
    # Cedar is asked about classes: the number of members and of labels does not matter
    document = parse_agreement(PLAIN.encode(), where="text").document
    members = {party.uri: party for party in map(member, range(60))}
    names = {"alfa": "https://party-0.example", "bravo": "https://party-1.example"}
    policies = compile_agreement(document, names)
    activated = Activated(document=document, names=names, signed=frozenset(members), policies=policies)
    facts, kinds = Facts(at=parse_date("2026-03-01"), parties=members, agreements=(activated,)), Kinds()
    uris = sorted(members)
    tlps = (Tlp.GREEN, Tlp.AMBER, Tlp.RED)
    known = {n: Label(owner=uris[n % 60], type="indicator", tlp=tlps[n // 60 % 3]) for n in range(600)}
    for party in members.values():
        profile = profile_of(party, None, "detect", facts.at)
        own = {number for number, label in known.items() if label.owner == party.uri and label.tlp is not Tlp.RED}
        others = {number for number, label in known.items() if label.owner != party.uri and label.tlp is not Tlp.RED}
        assert opened(slice_for(profile, facts), profile, known, kinds) == own | others
    (ground,) = facts.grounds.values()
    (decided,) = ground.decided.values()
    assert len(decided) == 6  # three TLPs, one's own or another's
