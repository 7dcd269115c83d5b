"""What is decided once for a class of questions is what Cedar says of each of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from support.agreement_relations import Asked, asked
from support.agreement_strategies import NAMES, World
from support.agreement_texts import PLAIN
from tocsin.agreements.annexes.opened import opened_by_annexes
from tocsin.agreements.classes import Classes
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import parse_agreement
from tocsin.agreements.facts import Activated, Facts
from tocsin.agreements.gate import decide, profile_of, profile_until, slice_for
from tocsin.agreements.model import Label, Tlp
from tocsin.kernel.clock import DAY, parse_date
from tocsin.parties.model import Kind, Party, PartyStatus, Role, User

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tocsin.agreements.grants import Grant
    from tocsin.agreements.model import Profile

CASES = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def one_by_one(facts: Facts, profile: Profile, known: dict[int, Label], grants: Iterable[Grant] = ()) -> frozenset[int]:
    """Return what is open to a reader, by a question for each label, on facts that nobody asked before."""
    verdicts = decide(slice_for(profile, facts, grants=grants), profile, list(known.values()))
    return frozenset(number for number, verdict in zip(known, verdicts, strict=True) if verdict.allows)


@CASES
@given(asked(), st.data())
def test_a_class_is_decided_as_each_of_its_questions(made: Asked, data: st.DataObject) -> None:
    facts, classes = made.world.facts(), Classes()
    for reader in made.askers:
        profile = made.world.profile(reader)
        # some at first, so that later ones meet answers that other labels and readers left behind
        some = data.draw(st.sets(st.sampled_from(sorted(made.labels))))
        slice_ = slice_for(profile, facts, grants=made.grants)
        classes.opened(slice_, profile, {number: made.labels[number] for number in some})
        result = classes.opened(slice_, profile, made.labels)
        assert result == one_by_one(made.world.facts(), profile, made.labels, made.grants)
        fresh = slice_for(profile, made.world.facts(), grants=made.grants)
        annexes = classes.annexes(slice_, profile, made.labels)
        assert annexes == opened_by_annexes(fresh, profile, made.labels), "and by annexes alone"
        event(
            f"open: {bool(result)}, in part: {profile.acts_as is not None}, for a client: {reader.client is not None}"
        )
        event(f"by annexes alone: {bool(annexes)}")


@st.composite
def changed(draw: st.DrawFn, world: World) -> World:
    """Draw the same agreements with other facts: who joined, who is what, what was prolonged, or later."""
    papers = []
    for paper in world.papers:
        other = draw(st.sampled_from(NAMES))
        signed = draw(st.sampled_from([paper.signed, paper.signed ^ {other}, paper.signed - {other}]))
        papers.append(msgspec.structs.replace(paper, signed=signed, graces=draw(st.sampled_from([paper.graces, ()]))))
    parties = dict(world.parties)
    name, other = draw(st.permutations(NAMES))[:2]
    kept = {"uri": parties[name].uri, "name": name, "clients": parties[name].clients}
    parties[name] = msgspec.structs.replace(draw(st.sampled_from([parties[other], parties[name]])), **kept)
    at = world.at + draw(st.sampled_from([0, 0, 1, 5])) * DAY
    return msgspec.structs.replace(world, at=at, parties=parties, papers=tuple(papers))


@settings(CASES, max_examples=60)
@given(asked(), st.data())
def test_what_was_decided_by_the_same_rules_holds_for_whoever_is_then_in_what(made: Asked, data: st.DataObject) -> None:
    worlds, classes = [made.world, *data.draw(st.lists(changed(made.world), min_size=1, max_size=2))], Classes()
    standing = [world.facts() for world in worlds]  # on which they all stand as long as one is asked
    askers = data.draw(st.permutations([(number, one) for number in range(len(worlds)) for one in made.askers]))
    for number, reader in askers:
        profile = worlds[number].profile(reader)
        slice_ = slice_for(profile, standing[number], grants=made.grants)
        assert classes.opened(slice_, profile, made.labels) == one_by_one(
            worlds[number].facts(), profile, made.labels, made.grants
        )
        fresh = slice_for(profile, worlds[number].facts(), grants=made.grants)
        assert classes.annexes(slice_, profile, made.labels) == opened_by_annexes(fresh, profile, made.labels)
    rules = {ground.rules for facts in standing for ground in facts.grounds.values()}
    event(f"grounds for one set of rules: {sum(len(facts.grounds) for facts in standing) / len(rules):.0f}")


@settings(CASES, max_examples=40)
@given(asked(), st.floats(0, 1))
def test_what_was_decided_holds_until_it_says(made: Asked, part: float) -> None:
    world, reader, classes = made.world, made.askers[0], Classes()
    client = None if reader.client is None else world.parties[reader.client]
    until = profile_until(world.parties[reader.party], reader.user, world.at, client=client)
    profile, facts = world.profile(reader), world.facts()
    slice_ = slice_for(profile, facts, until=until, grants=made.grants)
    found = classes.opened(slice_, profile, made.labels)
    horizon = slice_.valid_until if slice_.valid_until is not None else world.at + 400 * DAY
    later = msgspec.structs.replace(world, at=world.at + int((horizon - 1 - world.at) * part))
    fresh = later.facts()
    assert later.profile(reader) == profile
    assert slice_for(profile, fresh, until=until, grants=made.grants).digest == slice_.digest
    assert one_by_one(fresh, profile, made.labels, made.grants) == found
    moved = facts.moved(later.at)
    if moved is None:  # something else changed, that this reader's verdicts do not rest on
        assert facts.until is not None
        assert facts.until <= later.at
    else:
        one = slice_for(profile, moved, until=until, grants=made.grants)
        assert (one.digest, one.valid_until) == (slice_.digest, slice_.valid_until)
        assert classes.opened(one, profile, made.labels) == found
    assert facts.moved(world.at - 1) is None


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
    facts, classes = Facts(at=parse_date("2026-03-01"), parties=parties, agreements=(activated,)), Classes()
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
        assert classes.opened(slice_, profile, known) == expected


def test_members_share_what_was_decided() -> None:
    # Cedar is asked about classes: the number of members and of labels does not matter
    members = {party.uri: party for party in map(member, range(60))}
    facts, classes = signed_by_all(PLAIN, members), Classes()
    uris = sorted(members)
    tlps = (Tlp.GREEN, Tlp.AMBER, Tlp.RED)
    known = {n: Label(owner=uris[n % 60], type="indicator", tlp=tlps[n // 60 % 3]) for n in range(600)}
    for party in members.values():
        profile = profile_of(party, None, "detect", facts.at)
        own = {number for number, label in known.items() if label.owner == party.uri and label.tlp is not Tlp.RED}
        others = {number for number, label in known.items() if label.owner != party.uri and label.tlp is not Tlp.RED}
        assert classes.opened(slice_for(profile, facts), profile, known) == own | others
    (ground,) = facts.grounds.values()
    assert classes.answers(ground) == 6  # three TLPs, one's own or another's


def signed_by_all(text: str, parties: Mapping[str, Party]) -> Facts:
    """Return what is true where everybody signed one document; alfa and bravo are the first two."""
    document = parse_agreement(text.encode(), where="text").document
    names = {"alfa": "https://party-0.example", "bravo": "https://party-1.example"}
    policies = compile_agreement(document, names)
    activated = Activated(document=document, names=names, signed=frozenset(parties), policies=policies)
    return Facts(at=parse_date("2026-03-01"), parties=parties, agreements=(activated,))


def test_who_joins_leaves_the_others_their_answers() -> None:
    members = {party.uri: party for party in map(member, range(60))}
    known = {n: Label(owner=uri, type="indicator", tlp=Tlp.GREEN) for n, uri in enumerate(sorted(members))}
    first, classes = signed_by_all(PLAIN, members), Classes()
    late = member(60)
    (one,) = first.agreements
    later = msgspec.structs.replace(
        first,
        parties={**members, late.uri: late},
        agreements=(msgspec.structs.replace(one, signed=one.signed | {late.uri}),),
    )
    reader = profile_of(members["https://party-7.example"], None, "detect", first.at)
    answers = []
    for facts in (first, later):
        slice_ = slice_for(reader, facts)
        classes.opened(slice_, reader, known)
        answers.append((slice_.digest, classes.answers(slice_.ground)))
    assert answers[0][0] != answers[1][0]
    assert answers[0][1] == answers[1][1] == 2  # one's own or another's


NAMED_OR_SERVED = {
    "whom a permit names": ("to: {parties: [party-1]}\n    rests_on: [law]", None),
    "whose a permit is of": (
        "to: {parties: all}\n    of: {owner: [party-1], tlp: {at_most: red}}\n    rests_on: [law]",
        None,
    ),
    "for whom one reads": ("to: {parties: all}", "https://party-1.example"),
}


@pytest.mark.parametrize("case", NAMED_OR_SERVED)
def test_a_party_that_is_told_by_name_is_another_where_it_is_in_something_else(case: str) -> None:
    # the rules stay: a basis stops to hold for party-1, which moves; and party-1 comes to be bound by what forbids
    permit, client = NAMED_OR_SERVED[case]
    text = f"""agreement: named
version: 1
title: Named
in_force: {{from: 2026-01-01, until: 2027-01-01}}
parties: [{{name: party-1}}, {{all: {{capacity: operator}}}}]
purposes: [detect]
legal_bases:
  law: {{NO: {{cite: "a law", valid: [2026-01-01, null]}}}}
clauses:
  - id: "1"
    permit: read
    {permit}
    {"" if "of:" in permit else "of: {tlp: {at_most: red}}"}
"""
    forbids = """agreement: forbids
version: 1
title: Forbids
in_force: {from: 2026-01-01, until: 2027-01-01}
parties: [{all: {capacity: operator}}]
purposes: [detect]
clauses:
  - id: "1"
    forbid: read
    of: {type: report}
"""
    one, two = (parse_agreement(each.encode(), where="text").document for each in (text, forbids))
    everyone = {party.uri: party for party in map(member, range(4))}
    named = everyone["https://party-1.example"]
    reader = msgspec.structs.replace(everyone["https://party-2.example"], clients=frozenset({named.uri}))
    known = {
        number: Label(owner=uri, type=kind, tlp=Tlp.GREEN)
        for number, (uri, kind) in enumerate(itertools.product(everyone, ("indicator", "report")))
    }
    names = {party.name: party.uri for party in everyone.values()}
    classes, found, standing = Classes(), [], []
    for country, bound in (("NO", False), ("FI", False), ("FI", True), ("NO", True)):
        parties = {**everyone, reader.uri: reader, named.uri: msgspec.structs.replace(named, country=country)}
        signed = frozenset(everyone)
        activated = (
            Activated(document=one, names=names, signed=signed, policies=compile_agreement(one, names)),
            Activated(
                document=two,
                names=names,
                signed=frozenset({"https://party-3.example"} | ({named.uri} if bound else set())),
                policies=compile_agreement(two, names),
            ),
        )
        facts = Facts(at=parse_date("2026-03-01"), parties=parties, agreements=activated)
        who = reader if client is not None or "owner" in permit else parties[named.uri]
        profile = profile_of(who, None, "detect", facts.at, client=None if client is None else parties[client])
        slice_ = slice_for(profile, facts)
        standing.append(slice_)  # a ground that goes takes its answers along
        found.append(classes.opened(slice_, profile, known))
        assert found[-1] == one_by_one(facts, profile, known)
    assert len({slice_.ground.rules for slice_ in standing}) == 1
    assert len(set(found)) > 1


def test_a_client_that_supervises_is_apart_from_others_that_own() -> None:
    # what a supervising client must not enforce by it may read all the same where it is its own
    served = msgspec.structs.replace(member(3), capacities=frozenset({"operator", "supervisor"}))
    reader = msgspec.structs.replace(member(2), clients=frozenset({served.uri}))
    parties = {party.uri: party for party in (member(0), member(1), reader, served)}
    facts, classes = signed_by_all(PLAIN.replace("for: [detect]", "for: [enforce]"), parties), Classes()
    known = {number: Label(owner=uri, type="indicator", tlp=Tlp.GREEN) for number, uri in enumerate(parties)}
    profile = profile_of(reader, None, "enforce", facts.at, client=served)
    found = classes.opened(slice_for(profile, facts), profile, known)
    assert found == one_by_one(facts, profile, known)
    assert found == {3}


def test_one_reader_in_another_capacity_or_for_another_client_is_another() -> None:
    # nothing else differs between those who ask, one after the other, in both orders
    text = PLAIN.replace("to: {parties: all}", "to: {capacity: operator}") + (
        '  - id: "3"\n    forbid: read\n    to: {capacity: supervisor}\n    of: {type: indicator}\n'
    )
    home = msgspec.structs.replace(
        member(2),
        capacities=frozenset({"operator", "csirt"}),
        clients=frozenset({"https://party-3.example", "https://party-4.example"}),
    )
    watched = msgspec.structs.replace(member(4), capacities=frozenset({"supervisor"}))
    parties = {party.uri: party for party in (member(0), member(1), home, member(3), watched)}
    facts = signed_by_all(text.replace("all: {capacity: operator, ", "all: {"), parties)
    known = {0: Label(owner="https://party-0.example", type="indicator", tlp=Tlp.GREEN)}
    asking = [
        (profile_of(home, None, "detect", facts.at, capacity=capacity, client=client), expected)
        for capacity, client, expected in (
            ("operator", None, True),
            ("csirt", None, False),
            (None, parties["https://party-3.example"], True),
            (None, watched, False),
        )
    ]
    for order in itertools.permutations(asking, 2):
        classes = Classes()
        for profile, expected in order:
            found = classes.opened(slice_for(profile, facts), profile, known)
            assert found == one_by_one(facts, profile, known)
            assert bool(found) is expected
