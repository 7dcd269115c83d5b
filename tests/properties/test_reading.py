"""What a bulk read gives is what deciding each contribution alone gives, for random partnerships.

The other side of the comparison is slow and separate: labels by ``support.sharing``, verdicts by
``support.agreement_evaluator``, versions by the few lines of ``_expected`` below.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from support import agreement_strategies as drawn
from support.agreement_evaluator import slow_verdict
from support.hub import OPERATOR, World, key_of
from support.sharing import Shared, bundle, expected_label, indicator, marks, objects
from support.treaty import MEMBERS, Templates, templates
from tocsin.agreements.document import parse_agreement, public_key_of, sign_document
from tocsin.agreements.model import Label
from tocsin.errors import NotFoundError, RefusedError
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import MAX_PAGE, Outcome, Query, VersionChoice
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS
from tocsin.kernel.clock import Micros, parse_instant
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import PartyStatus, Role, User
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


KINDS = ("indicator", "incident", "report", "ipv4-addr")
NUMBERS = 2  # of each kind: so few that parties meet under one id
USERS = ("anna", "bo")
# every way in which a recipient can be written
ADDRESSES = {
    name: address
    for party in drawn.NAMES
    for uri in [f"https://{party}.example"]
    for name, address in [
        (party, uri),
        (uri, uri),
        *((f"{user}@{way}", f"{user}@{uri}") for user in USERS for way in (party, uri)),
    ]
}
CHOICES = (
    frozenset({VersionChoice.LAST}),
    frozenset({VersionChoice.FIRST}),
    frozenset({VersionChoice.ALL}),
    frozenset({VersionChoice.FIRST, VersionChoice.LAST}),
)


# a case costs half a second and more: shrinking one would take longer than reading it
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a collection must hold, in its order."""

    owner: str
    id: str
    type: str
    version: Micros
    label: Label
    json: dict[str, Any]


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A submission, as it was drawn."""

    party: str
    objects: tuple[Shared, ...]
    tlp: str | None
    to: tuple[str, ...]


# drawn clauses let little out: beside this one, they and the floors have something to take away
BROAD = drawn.Paper(
    content={
        "agreement": "broad",
        "version": 1,
        "title": "Nearly everything to everybody",
        "in_force": {"from": drawn.day(-5), "until": None},
        "parties": [{"name": name} for name in drawn.NAMES],
        "purposes": list(drawn.SAID_PURPOSES),
        "clauses": [
            {"id": "1", "permit": "read", "to": {"parties": "all"}, "of": {"tlp": ["clear", "green", "amber", "red"]}},
            {"id": "2", "permit": "read", "to": {"addressed": True}, "of": {"tlp": ["amber+strict"]}},
        ],
    },
    signed=frozenset(drawn.NAMES),
)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A partnership, its people, and what they share."""

    partnership: drawn.World
    users: dict[str, tuple[User, ...]]
    arrivals: tuple[Arrival, ...]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    partnership = draw(drawn.worlds())
    if draw(st.booleans()):
        partnership = msgspec.structs.replace(partnership, papers=(*partnership.papers, BROAD))
    users = {
        name: tuple(
            User(
                name=user,
                party=party.uri,
                roles=draw(st.sampled_from([frozenset({role}) for role in (Role.ANALYST, Role.LIAISON)])),
                clearance=draw(st.sampled_from(["unclassified", "restricted", "confidential"])),
                nationality=draw(st.none() | st.sampled_from(drawn.COUNTRIES)),
            )
            for user in USERS
        )
        for name, party in partnership.parties.items()
    }
    marking = marks(recipients=sorted(ADDRESSES))
    arrival = st.builds(
        Arrival,
        party=st.sampled_from(drawn.NAMES),
        objects=st.lists(objects(marking, kinds=KINDS, numbers=NUMBERS), min_size=1, max_size=6).map(tuple),
        tlp=st.sampled_from([None, None, None, "green", "amber+strict"]),
        to=st.just(()) | st.just(()) | st.lists(st.sampled_from(sorted(ADDRESSES)), max_size=2).map(tuple),
    )
    return Case(
        partnership=partnership,
        users=users,
        arrivals=tuple(draw(st.lists(arrival, min_size=2, max_size=5))),
    )


def _realise(case: Case, world: World) -> tuple[drawn.World, list[Offer]]:
    """Bring a drawn partnership about in a hub; returns it as it came to be, and what was offered."""
    parties, hub = case.partnership.parties, world.hub
    with hub.parties.acting(OPERATOR, hub.mandate) as acts:
        for name, party in parties.items():
            acts.add_party(
                msgspec.structs.replace(
                    party, status=PartyStatus.CANDIDATE, clearance="unclassified", clearance_until=None
                )
            )
            acts.clear_party(name, clearance=party.clearance, until=party.clearance_until)
            acts.add_user(User(name="sig", party=party.uri, roles=frozenset({Role.SIGNATORY})))
            acts.register_signing_key(f"sig@{name}", public_key_of(key_of(name)))
            for user in case.users[name]:
                acts.add_user(user)
    papers = [paper for paper in (_sign(world, paper) for paper in case.partnership.papers) if paper is not None]
    offers = [offer for arrival in case.arrivals for offer in _share(world, arrival)]
    for name, party in parties.items():
        if party.status is PartyStatus.SUSPENDED:
            hub.parties.suspend_party(OPERATOR, hub.mandate, name, "as drawn")
    world.clock.at = case.partnership.at
    return msgspec.structs.replace(case.partnership, papers=tuple(papers)), offers


def _sign(world: World, paper: drawn.Paper) -> drawn.Paper | None:
    """Have a paper signed by whoever may, its named parties first; None: it cannot come into force."""
    text = json.dumps(paper.content).encode()
    agreements = world.hub.agreements
    document = parse_agreement(text, where="drawn").document
    named = {entry["name"] for entry in paper.content["parties"] if "name" in entry}
    agreements.propose(OPERATOR, world.hub.mandate, text, where="drawn")
    signed = set()
    for name in sorted(named | paper.signed):
        signature = sign_document(document, key_of(name))
        reference = f"sig@{name}"
        try:
            agreements.sign(
                Acting(actor=reference), document.name, document.version, signatory=reference, signature=signature
            )
        except RefusedError:
            continue  # it meets no criterion, or the term is over
        signed.add(name)
    try:
        agreements.activate(OPERATOR, world.hub.mandate, document.name, document.version)
    except RefusedError:
        return None
    return drawn.Paper(content=paper.content, signed=frozenset(signed))


def _share(world: World, arrival: Arrival) -> list[Offer]:
    marked = {mark.id: mark for item in arrival.objects for mark in item.marks}
    # a definition is read by whom its own terms let read it: it tells whom and what it names
    definitions = [
        Shared(json=mark.definition, marks=(msgspec.structs.replace(mark, tlp=None, pap=None, unknown=False),))
        for mark in marked.values()
        if mark.definition is not None
    ]
    owner = f"https://{arrival.party}.example"
    receipt = world.hub.intake.submit(
        Submission(
            party=owner,
            acting=Acting(actor=arrival.party),
            data=bundle([item.json for item in arrival.objects], marked=[*marked.values()]),
            tlp=None if arrival.tlp is None else msgspec.convert(arrival.tlp, _TLP),
            to=arrival.to,
        )
    )
    sent = [*definitions, *arrival.objects]
    offers = []
    for item, result in zip(sent, receipt.results, strict=True):
        assert result.id == item.id
        label = expected_label(
            owner=owner,
            type_=item.json["type"],
            marked=item.marks,
            addresses=ADDRESSES,
            tlp=arrival.tlp,
            to=arrival.to,
        )
        if label is None:
            assert result.outcome is Outcome.REFUSED, item
            assert result.reason == "TLP:RED is for individuals, and this names none"
        elif result.outcome is Outcome.REFUSED:
            assert result.reason == "you shared other content under this id and `modified`"
        elif result.outcome is Outcome.ACCEPTED:
            assert result.version is not None
            version = parse_instant(result.version)
            if "modified" in item.json:
                assert version == parse_instant(item.json["modified"])
            offers.append(
                Offer(owner=owner, id=item.id, type=item.json["type"], version=version, label=label, json=item.json)
            )
    places = _places(world, owner)
    return sorted(offers, key=lambda offer: places[offer.id, offer.version])


def _places(world: World, owner: str) -> dict[tuple[str, Micros], int]:
    """Return where a party's versions stand: in a submission, chance mixes those of several labels."""
    with world.hub.store.read() as connection:
        rows = connection.execute(
            select(CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.version, OFFERS.c.offer_seq)
            .join(OFFERS, OFFERS.c.contribution_id == CONTRIBUTIONS.c.contribution_id)
            .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
            .where(PARTIES.c.uri == owner)
        )
        return {(row.object_id, row.version): row.offer_seq for row in rows}


_TLP = type(expected_label(owner="", type_="", marked=(), addresses={}).tlp)  # type: ignore[union-attr]  # never refused


def _expected(visible: Sequence[Offer], query: Query) -> list[Offer]:
    """Choose versions among what a reader may see (TAXII 2.1 §3.4.1), with nobody else's superseding the owner's."""
    kept: list[Offer] = []
    for offer in visible:
        same = [other for other in visible if other.id == offer.id]
        first = {version: next(o for o in same if o.version == version) for version in {o.version for o in same}}
        own = [other for other in same if other.owner == same[0].owner]
        oldest, newest = min(o.version for o in own), max(o.version for o in own)
        wanted: list[Offer] = []
        for choice in query.versions:
            if choice is VersionChoice.ALL:
                wanted += first.values()
            elif choice is VersionChoice.FIRST:
                wanted.append(next(o for o in own if o.version == oldest))
            elif choice is VersionChoice.LAST:
                wanted.append(next(o for o in own if o.version == newest))
            elif choice in first:
                wanted.append(first[int(choice)])
        if (
            any(offer is one for one in wanted)
            and (query.types is None or offer.type in query.types)
            and (query.ids is None or offer.id in query.ids)
        ):
            kept.append(offer)
    return kept


def _queries(data: st.DataObject, offers: Sequence[Offer]) -> Query:
    versions: frozenset[VersionChoice | Micros] = data.draw(st.sampled_from(CHOICES), label="versions")
    if data.draw(st.booleans(), label="at an instant") and offers:
        versions = versions | {data.draw(st.sampled_from([offer.version for offer in offers]), label="instant")}
        if data.draw(st.booleans(), label="only"):
            versions = frozenset(version for version in versions if isinstance(version, int))
    types = data.draw(st.none() | st.none() | st.frozensets(st.sampled_from(KINDS), min_size=1))
    known = sorted({offer.id for offer in offers} | {"indicator--00000000-0000-4000-8000-000000000000"})
    ids = data.draw(st.none() | st.none() | st.frozensets(st.sampled_from(known), min_size=1))
    return Query(ids=ids, types=types, versions=versions)


def _read(
    world: World, reader: str, purpose: str, query: Query, limits: Sequence[int]
) -> list[tuple[str, Micros, Any]]:
    """Read all pages, with these limits in turn; an inactive reader gets nothing."""
    asker, cursor = world.asker(reader, purpose=purpose), None
    found: list[tuple[str, Micros, Any]] = []
    seen: list[int] = []
    for limit in itertools.cycle(limits):
        answer = world.hub.reading.objects(asker, "exchange", query, limit=limit, cursor=cursor)
        page = answer.page
        assert len(page.items) <= limit
        assert (answer.release is None) == (not page.items)
        found += [
            (item.object_id, item.version, json.loads(body)) for item, body in zip(page.items, page.bodies, strict=True)
        ]
        seen += [item.seq for item in page.items]
        cursor = answer.next
        if cursor is None:
            break
        assert len(page.items) == limit, "only the last page may be short"
    assert seen == sorted(set(seen))
    return found


def _check(case: Case, data: st.DataObject, folder: Path, template: Path) -> int:
    world = World(folder, template=template, start=drawn.START)
    decided = 0
    try:
        partnership, offers = _realise(case, world)
        for name in drawn.NAMES:
            for user in (None, *case.users[name]):
                reader = drawn.Reader(party=name, user=user, purpose=data.draw(st.sampled_from(drawn.SAID_PURPOSES)))
                reference = name if user is None else f"{user.name}@{name}"
                visible = [offer for offer in offers if slow_verdict(partnership, reader, offer.label)[0]]
                decided += len(offers)
                if partnership.parties[name].status is not PartyStatus.VETTED:
                    assert visible == []
                    with pytest.raises(NotFoundError):
                        _read(world, reference, reader.purpose, Query(), [MAX_PAGE])
                    continue
                everything = Query(versions=frozenset({VersionChoice.ALL}))
                for query in (everything, Query(), _queries(data, offers)):
                    limits = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3), label="limits")
                    wanted = [(offer.id, offer.version, offer.json) for offer in _expected(visible, query)]
                    assert _read(world, reference, reader.purpose, query, [MAX_PAGE]) == wanted
                    assert _read(world, reference, reader.purpose, query, limits) == wanted
        return decided
    finally:
        world.hub.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template") / "home"
    World(home, start=drawn.START).hub.close()
    return home


@given(cases(), st.data())
@settings(max_examples=8, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
def test_a_bulk_read_is_each_contribution_decided_alone(
    tmp_path_factory: pytest.TempPathFactory, template: Path, case: Case, data: st.DataObject
) -> None:
    _check(case, data, tmp_path_factory.mktemp("world"), template)


@pytest.mark.long
@given(cases(), st.data())
@settings(max_examples=150, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
def test_a_bulk_read_is_each_contribution_decided_alone_in_many_partnerships(
    tmp_path_factory: pytest.TempPathFactory, template: Path, case: Case, data: st.DataObject
) -> None:
    _check(case, data, tmp_path_factory.mktemp("world"), template)


# --- paging while others write ---------------------------------------------------------------------------------------

Step = tuple[str, int, int] | None  # a party shares an object in a version; None: the reader asks for a page

steps = st.lists(
    st.one_of(st.none(), st.tuples(st.sampled_from(MEMBERS), st.integers(1, 4), st.integers(0, 3))), max_size=30
)


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


def _share_one(world: World, party: str, number: int, version: int) -> None:
    world.share(party, bundle([indicator(number, version=version, description=party)]))


@given(steps, st.lists(st.integers(1, 3), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None, phases=PHASES)
def test_no_version_comes_twice_or_never_while_others_write(
    hubs: Templates, script: Sequence[Step], limits: Sequence[int]
) -> None:
    world = hubs.world()
    asker, query = world.asker("bravo"), Query(versions=frozenset({VersionChoice.ALL}))
    sizes = itertools.cycle(limits)
    for number in (1, 2, 3, 4):
        _share_one(world, "alfa", number, 0)
    got: list[int] = []
    cursor: str | None = None
    for step in [*script, *[None] * 60]:
        if step is not None:
            _share_one(world, *step)
            continue
        answer = world.hub.reading.objects(asker, "exchange", query, limit=next(sizes), cursor=cursor)
        got += [item.seq for item in answer.page.items]
        if answer.next is None:
            break
        cursor = answer.next
    whole = world.hub.reading.objects(asker, "exchange", query)
    there = [item.seq for item in whole.page.items]
    # what was shared after the last page is not in it
    assert got == [seq for seq in there if seq <= got[-1]]
    assert len(got) >= 4
    hubs.drop(world)


@given(steps, st.integers(1, 3))
@settings(max_examples=15, deadline=None, phases=PHASES)
def test_polling_by_date_added_brings_every_last_version(hubs: Templates, script: Sequence[Step], limit: int) -> None:
    """A client that remembers the newest `date_added` and asks for more ends with what a first read would give."""
    world = hubs.world()
    asker = world.asker("bravo")
    held: dict[str, tuple[Micros, bytes]] = {}
    seen: list[int] = []
    since: Micros | None = None
    for step in [*script, *[None] * 60]:
        if step is not None:
            _share_one(world, *step)
            continue
        answer = world.hub.reading.objects(asker, "exchange", Query(added_after=since), limit=limit)
        for item, body in zip(answer.page.items, answer.page.bodies, strict=True):
            seen.append(item.seq)
            since = item.date_added
            held[item.object_id] = max(held.get(item.object_id, (0, b"")), (item.version, body))
    assert seen == sorted(set(seen))
    whole = world.read("bravo")
    assert held == {item.object_id: (item.version, body) for item, body in whole}
    hubs.drop(world)


@given(
    steps.map(lambda script: [step for step in script if step is not None]),
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(MEMBERS)), max_size=3),
)
@settings(max_examples=10, deadline=None, phases=PHASES)
def test_a_manifest_is_the_page_without_its_content(
    hubs: Templates, script: Sequence[tuple[str, int, int]], taken_back: Sequence[tuple[int, str]]
) -> None:
    world = hubs.world()
    for step in script:
        _share_one(world, *step)
    for number, party in taken_back:
        with contextlib.suppress(NotFoundError):
            world.hub.withdrawals.withdraw(
                Acting(actor=party),
                f"https://{party}.example",
                "exchange",
                indicator(number)["id"],
                {VersionChoice.LAST},
            )
    for versions in CHOICES:
        query = Query(versions=versions)
        page = world.hub.reading.objects(world.asker("coast"), "exchange", query).page
        manifest = world.hub.reading.manifest(world.asker("coast"), "exchange", query).page
        assert manifest.items == page.items
        assert manifest.bodies == ()
        assert len(page.bodies) == len(page.items)
        assert [json.loads(body)["id"] for body in page.bodies] == [item.object_id for item in page.items]
    hubs.drop(world)
