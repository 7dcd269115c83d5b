"""Clauses that name persons: who is on the list, and nobody who is like them in all else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from support.hub import OPERATOR, World
from support.sharing import bundle, indicator
from tocsin.agreements import bulk, classes
from tocsin.agreements.document import parse_agreement
from tocsin.agreements.explain import explain, told_to
from tocsin.agreements.gate import profile_of, slice_for
from tocsin.agreements.model import Label, Tlp
from tocsin.errors import AgreementError
from tocsin.exchange.access.granting import Terms
from tocsin.exchange.asking import Question
from tocsin.exchange.emergency import widening
from tocsin.exchange.impacts import Question as Impact
from tocsin.kernel.clock import DAY
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from pathlib import Path

LICENCE: Final = """\
agreement: licence
version: 1
title: Whom the licence lists
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}]
purposes: [detect, respond]
clauses:
  - {id: "1", permit: read, to: {parties: all}, of: {type: [tool, malware]}}
  - {id: "2", permit: read, to: {persons: [ann@bravo, kim@alfa]}, of: {type: indicator}}
  - {id: "3", forbid: read, of: {type: tool}, unless: {persons: ann@bravo, purpose: detect}}
  - {id: "4", forbid: read, to: {persons: [bob@bravo]}, of: {type: malware}}
"""
THING: Final = indicator(1)["id"]


def things() -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for type_ in ("tool", "malware"):
        one: dict[str, object] = {
            "type": type_,
            "spec_version": "2.1",
            "id": f"{type_}--00000000-0000-4000-8000-000000000001",
        }
        one |= {"created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": type_}
        made.append(one | ({"is_family": False} if type_ == "malware" else {}))
    return made


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("persons") / "hub"
    made = World(folder)
    for name in ("alfa", "bravo"):
        made.party(name)
        # alike in everything but their names, so that nothing else can tell them apart
        for user in ("ann", "bob", "kim"):
            made.user(f"{user}@{name}", roles=frozenset({Role.ANALYST}))
    made.agreement(LICENCE, signed_by=("alfa", "bravo"))
    made.share("alfa", bundle([indicator(1), *things()]))
    made.hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> World:
    return World(tmp_path / "hub", template=template)


READS: Final = {
    ("ann@bravo", "detect"): {"indicator", "tool", "malware"},
    ("ann@bravo", "respond"): {"indicator", "malware"},
    ("bob@bravo", "detect"): set(),
    ("kim@bravo", "detect"): {"malware"},
    ("bravo", "detect"): {"malware"},
    ("kim@alfa", "detect"): {"indicator", "malware"},
}


@pytest.mark.parametrize("order", [1, -1])
def test_who_is_named_and_nobody_else(world: World, order: int) -> None:
    """Whoever asks first: what was decided of one of them is not what another is told."""
    for (reader, purpose), types in list(READS.items())[::order]:
        page = world.read(reader, purpose=purpose)
        assert {str(item.object_id).partition("--")[0] for item, _ in page} == types, (reader, purpose)


def test_why_says_who_is_meant(world: World) -> None:
    def told(reference: str) -> str:
        party, user = world.hub.parties.resolve(reference)
        asked = Question(object_id=str(THING), party=party, user=user, acting=OPERATOR.for_(reference))
        (why,) = world.hub.asking.why(asked)
        return str([account.failed for account in why.explanation.missing]) + str(why.explanation)

    assert "the reader is ann@bravo or kim@alfa" in told("ann@bravo")
    owner, _ = world.hub.parties.resolve("alfa")
    asked = Question(object_id=str(THING), party=owner, user=None, acting=OPERATOR.for_("alfa"), reader="bob@bravo")
    (why,) = world.hub.asking.why(asked)
    failed = [text for account in why.explanation.missing for text in account.failed]
    assert "not so: the reader is ann@bravo or kim@alfa (it is bob@bravo)" in " ".join(failed)


def test_one_function_says_which_readers_are_alike(world: World) -> None:
    """For pages, for previews and for annexes: whom a clause names is in no class with anybody else."""
    assert all(vars(room)["reader_class"] is classes.reader_class for room in (bulk, widening))
    with world.hub.store.read() as connection:
        facts = world.hub.agreements.facts(connection, world.hub.log.now(connection))

    def told(reference: str) -> classes.ReaderClass:
        party, user = world.hub.parties.resolve(reference)
        profile = profile_of(party, user, "detect", facts.at)
        return classes.reader_class(slice_for(profile, facts).ground, profile)

    world.user("joe@bravo", roles=frozenset({Role.ANALYST}))
    assert told("joe@bravo") == told("kim@bravo") != told("bravo")
    assert len({told(f"{name}@bravo") for name in ("ann", "bob", "joe")}) == 3


ELSEWHERE: Final = """\
agreement: elsewhere
version: 1
title: Whom others list
in_force: {from: 2026-01-01, until: null}
parties: [{name: %s}, {name: coast}]
purposes: [detect, respond]
clauses:
  - {id: "1", forbid: read, of: {type: malware}, unless: {persons: [zoe@coast, bob@alfa, kim@bravo]}}
"""


@pytest.mark.parametrize("bound", ["alfa", "bravo"])
def test_persons_of_an_agreement_that_one_is_not_party_to_are_told_to_nobody(world: World, bound: str) -> None:
    """Its forbid reaches one end through the other, and mentions people of both: neither makes one party to it."""
    world.party("coast")
    world.user("ann@coast")
    world.agreement(ELSEWHERE % bound, signed_by=(bound, "coast"))
    malware = str(things()[1]["id"])
    alfa, _ = world.hub.parties.resolve("alfa")
    asked = Question(object_id=malware, party=alfa, user=None, acting=OPERATOR.for_("alfa"), reader="ann@bravo")
    (why,) = world.hub.asking.why(asked)
    assert not why.explanation.verdict.allows
    told = str(why.explanation)
    assert ("zoe@coast" in told) is (bound == "alfa")
    assert ("that you are not party to" in told) is (bound == "bravo")
    given = world.hub.granting.give(
        OPERATOR.for_("alfa"),
        alfa,
        None,
        Terms(object_id=malware, to="bravo", until=world.clock.now() + DAY, purposes=frozenset({"detect"}), reason=""),
    )
    (closed,) = given.closed
    assert ("zoe@coast" in str(closed)) is (bound == "alfa"), "nor does who gives something learn of it"
    with world.hub.store.read() as connection:
        facts = world.hub.agreements.facts(connection, world.hub.log.now(connection))
    profile = profile_of(*world.hub.parties.resolve("ann@bravo"), "detect", facts.at)
    whole = explain(profile, Label(owner=alfa.uri, type="malware", tlp=Tlp.AMBER), facts)
    assert "zoe@coast" in str(whole)
    assert ("zoe@coast" in str(told_to(profile.party, whole, facts))) is (bound == "bravo")


def test_an_impact_tells_the_persons_apart(world: World) -> None:
    wider = LICENCE.replace("version: 1", "version: 2").replace("[ann@bravo, kim@alfa]", "[ann@bravo, bob@bravo]")
    asked = Impact(acting=OPERATOR, asker=world.hub.parties.resolve("operator@hub"), source=wider.encode(), where="x")
    whole = world.hub.impacts.ask(asked).whole
    assert whole is not None
    # bob gains an indicator for two purposes; kim of alfa owns what is lost; of bravo's people one could read it before
    assert whole.changed == 2
    assert whole.moves == ()
    strangers = LICENCE.replace("version: 1", "version: 2").replace("[ann@bravo, kim@alfa]", "[zoe@bravo]")
    findings = world.hub.impacts.ask(
        Impact(acting=OPERATOR, asker=asked.asker, source=strangers.encode(), where="x")
    ).findings
    assert any(one.clause == "2" and "no member meets what it asks of a reader" in one.text for one in findings)


@pytest.mark.parametrize(
    ("persons", "says"),
    [
        ("ann", "a person, as in kari@fjordkraft"),
        ("ann@Bravo", "a person, as in kari@fjordkraft"),
        ("[]", "at least one value"),
        ("ann@brawo", "did you mean 'ann@bravo'?"),
        ("ann@elsewhere", "add the party first"),
    ],
)
def test_what_is_no_person_of_a_party_here_is_refused(persons: str, says: str) -> None:
    text = LICENCE.replace("persons: [ann@bravo, kim@alfa]", f"persons: {persons}")
    with pytest.raises(AgreementError) as caught:
        parse_agreement(text.encode(), where="x", known_parties={"alfa", "bravo"})
    assert says in str(caught.value)


def test_a_party_has_no_persons_before_it_is_one() -> None:
    text = LICENCE.replace("{name: bravo}", "{all: {persons: ann@bravo}}")
    with pytest.raises(AgreementError, match="criteria of parties"):
        parse_agreement(text.encode(), where="x")
