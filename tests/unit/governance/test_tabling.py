"""What people write becomes the text of a motion: the same as that of the act which enters it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.council import council, signatory, written
from support.hub import OPERATOR, START, World
from support.privileged import CHARTER, ECHO_TERMS
from tocsin.errors import InputError, RefusedError
from tocsin.governance.authority import StoredRegister
from tocsin.governance.model.bodies import Abstentions, Body, Closing, Rule
from tocsin.governance.privileged import TAKES_TEXT, decided
from tocsin.governance.tabling import TERMS, read_text
from tocsin.governance.texts import MAX_MOTION_TEXT, differing, read_terms, text_of
from tocsin.governance.wire import as_data
from tocsin.kernel.clock import DAY, format_instant
from tocsin.kernel.mandate import Right

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("tabling") / "hub")
    for name in ("alfa", "bravo"):
        made.party(name)
    signatory(made, "two@bravo")
    yield made
    made.hub.close()


def text(world: World, right: Right, subject: str, document: str) -> str:
    with world.hub.store.read() as connection:
        register = StoredRegister(connection, world.hub.environment)
        return read_text(right, subject, document.encode(), register, where="written")


def test_every_right_with_a_text_can_be_written() -> None:
    whole = {Right.BODY_CONSTITUTE, Right.BODY_CHANGE, Right.CHARTER_ADOPT}
    assert TERMS.keys() | whole == TAKES_TEXT
    assert TERMS.keys().isdisjoint(whole)


SAYS: Final[dict[str, tuple[Right, str, str, dict[str, Any]]]] = {
    "a clearance": (Right.PARTY_CLEAR, "bravo", "clearance: secret", {"clearance": "secret", "until": None}),
    "a day": (
        Right.PARTY_CLEAR,
        "bravo",
        "{clearance: secret, until: 2027-01-01}",
        {"clearance": "secret", "until": "2027-01-01T00:00:00.000000Z"},
    ),
    "parties by name, in any order": (
        Right.LAPSE_GRACE,
        "pact/1:basis",
        '{for: "bravo,alfa", until: 2027-01-01}',
        {"for": ["https://alfa.example", "https://bravo.example"], "until": "2027-01-01T00:00:00.000000Z"},
    ),
    "parties by URI": (
        Right.LAPSE_GRACE,
        "pact/1:basis",
        '{"for": ["https://bravo.example"], "until": "2027-01-01"}',
        {"for": ["https://bravo.example"], "until": "2027-01-01T00:00:00.000000Z"},
    ),
    "no remedy": (
        Right.DISPUTE_DECIDE,
        "",
        "{outcome: rejected, reasons: So}",
        {"outcome": "rejected", "reasons": "So", "remedy": ""},
    ),
    "who is added": (
        Right.USER_ADD,
        "new@bravo",
        "nationality: 'NO'",
        {"roles": ["viewer"], "clearance": "unclassified", "nationality": "NO", "purpose": "detect"},
    ),
    "a party that is added": (
        Right.PARTY_ADD,
        "echo",
        "{uri: 'https://echo.example', kind: public, country: SE}",
        {"uri": "https://echo.example", "title": "echo", "kind": "public", "country": "SE"},
    ),
}


@pytest.mark.parametrize("case", SAYS)
def test_what_a_document_says(world: World, case: str) -> None:
    right, subject, document, says = SAYS[case]
    found = text(world, right, subject, document)
    terms = read_terms(found)
    assert terms | says == terms, terms
    assert not [name for name in terms.keys() - says.keys() if terms[name] not in (None, [])]
    assert text_of(terms) == found


def test_what_is_not_said_of_a_person_stays(world: World) -> None:
    before = read_terms(text(world, Right.USER_CHANGE, "two@bravo", "{}"))
    assert before["roles"] == ["signatory"]
    assert "signing_key" in before
    after = read_terms(text(world, Right.USER_CHANGE, "two@bravo", "{clearance: secret, clearance_until: 2027-01-01}"))
    assert differing(before, after) == ["clearance", "clearance_until"]
    # a clearance that is named without an end has none
    assert "clearance_until" not in read_terms(text(world, Right.USER_CHANGE, "two@bravo", "clearance: secret"))
    authority = "authority: {agreements: [pact], until: 2027-01-01}"
    assert differing(before, read_terms(text(world, Right.USER_CHANGE, "two@bravo", authority))) == ["authority"]
    set_ = read_terms(text(world, Right.USER_CHANGE, "two@bravo", "password: set"))
    assert differing(before, set_) == ["password"]


SHARES: Final = st.sampled_from(("1/2", "3/5", "3/4", "9/10"))
MIDNIGHT: Final = START - START % DAY


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    """Draw a body as a document can tell it: terms of whole days, shares that a decimal can write."""
    dual = draw(st.booleans())
    rule = Rule(
        quorum=draw(SHARES),
        more_than=None if dual else draw(SHARES),
        public=draw(SHARES) if dual else None,
        private="1/2" if dual else None,
        abstentions=draw(st.sampled_from(Abstentions)),
        closes=draw(st.sampled_from(Closing)),
    )
    plain = council(draw(st.sets(st.sampled_from(Right), max_size=4)), name="drawn", rule=rule)
    days = draw(st.none() | st.integers(1, 400))
    end = None if days is None else MIDNIGHT + days * DAY
    first = msgspec.structs.replace(plain.seats[0], weight=draw(st.integers(1, 9)), starts=MIDNIGHT, ends=end)
    return msgspec.structs.replace(plain, seats=(first, *plain.seats[1:]), ends=end)


@given(body=bodies())
@settings(max_examples=40, deadline=None)
def test_a_body_and_its_document_have_one_text(world: World, body: Body) -> None:
    document = written(body)
    for instant in (MIDNIGHT, body.ends or MIDNIGHT):
        document = document.replace(format_instant(instant), format_instant(instant)[:10])
    found = text(world, Right.BODY_CONSTITUTE, "drawn", document)
    assert found == decided("body.constituted", {"body": as_data(body), "reason": ""})
    # and another body has another
    other = msgspec.structs.replace(body, title="Another")
    assert found != decided("body.constituted", {"body": as_data(other), "reason": ""})


def test_only_the_canonical_form_is_a_text() -> None:
    deep = '{"a":' + "[" * 5_000 + "]" * 5_000 + "}"
    for wrong in ("", "[]", "{", '{"b":1,"a":2}', '{"a": 1}', '{"a":1.0}', '{"a":"\\u0041"}', '{"a":1,"a":1}', deep):
        with pytest.raises(InputError):
            read_terms(wrong)
    with pytest.raises(InputError, match="at most"):
        read_terms(text_of({"a": "x" * MAX_MOTION_TEXT}))


WRONG: Final = {
    "a right that leaves nothing open": (Right.PARTY_LEAVE, "bravo", "clearance: secret", "takes no document"),
    "another body's": (Right.BODY_CONSTITUTE, "task", written(council(name="senate")), "the document of senate"),
    "another version": (Right.CHARTER_ADOPT, "north/2", CHARTER, "the document of north/1"),
    "what is not decided": (Right.PARTY_CLEAR, "bravo", "{clearance: secret, status: vetted}", "not decided here"),
    "nothing": (Right.PARTY_CLEAR, "bravo", "until: 2027-01-01", "says nothing of clearance"),
    "no clearance": (Right.PARTY_CLEAR, "bravo", "clearance: cosmic", "cosmic"),
    "no day": (Right.PARTY_CLEAR, "bravo", "{clearance: secret, until: soon}", "soon"),
    "no list": (Right.PARTY_CLEAR, "bravo", "secret", "no list of names"),
    "nobody": (Right.USER_CHANGE, "zed@bravo", "clearance: secret", "there is no"),
    "nobody's": (Right.USER_ADD, "zed@zulu", "clearance: secret", "there is no"),
    "a party for a person": (Right.USER_CHANGE, "bravo", "clearance: secret", "there is no"),
    "no party": (Right.PARTY_CHANGE, "zulu", "title: Zulu", "there is no party"),
    "a grace for nobody": (Right.LAPSE_GRACE, "field/1:statute", "{for: zulu, until: 2026-06-20}", "no party 'zulu'"),
    "a role of none": (Right.USER_CHANGE, "two@bravo", "roles: [king]", "king"),
    "a kind of none": (Right.PARTY_ADD, "echo", ECHO_TERMS.replace("public,", "royal,"), "royal"),
    "no key": (Right.USER_CHANGE, "two@bravo", "signing_key: AAAA", "key"),
    "a password": (Right.USER_CHANGE, "two@bravo", "password: hunter2", "nobody's to read"),
    "an authority of another form": (Right.USER_CHANGE, "two@bravo", "authority: all", "no authority"),
    "no outcome": (Right.DISPUTE_DECIDE, "", "{outcome: draw, reasons: So}", "'draw' is none of them"),
    "a line end": (Right.DISPUTE_DECIDE, "", '{outcome: upheld, reasons: "So\\nit is"}', "cannot be recorded"),
    "no YAML": (Right.PARTY_CLEAR, "bravo", "{clearance: [", "YAML"),
    "a name twice": (Right.PARTY_CLEAR, "bravo", "{clearance: secret, clearance: restricted}", "clearance"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_no_document_of_a_motion_is(world: World, case: str) -> None:
    right, subject, document, said = WRONG[case]
    with pytest.raises(RefusedError) as refused:
        text(world, right, subject, document)
    assert said in str(refused.value)
    assert "written" in str(refused.value)


def test_a_resolution_takes_no_document(world: World) -> None:
    world.hub.governance.constitute(OPERATOR, world.hub.mandate, council(name="talk", seats=council().seats[:1]))
    with pytest.raises(InputError, match="a resolution takes no document"):
        world.hub.governance.table(OPERATOR, "talk", title="T", reasons="R", document=b"clearance: secret")
