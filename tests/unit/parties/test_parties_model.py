from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from support.party_strategies import any_party, any_user, instants, names
from support.partyworld import HUB, START, party
from tocsin.errors import InputError, LimitError, TransitionError
from tocsin.kernel.clock import DAY
from tocsin.parties import model
from tocsin.parties.model import (
    CLEARANCES,
    COUNTRIES,
    COUNTRY,
    MAX_CLIENTS,
    MAX_URI,
    MAX_VOCABULARY,
    ROLE_PERMISSIONS,
    Party,
    PartyAct,
    PartyStatus,
    Permission,
    Role,
    Token,
    User,
    UserAct,
    UserStatus,
    check_country,
    check_remark,
    check_uri,
    country_meant,
    effective_clearance,
    next_status,
    next_user_status,
    parse_reference,
    role_permissions,
)

C, V, S, L = PartyStatus.CANDIDATE, PartyStatus.VETTED, PartyStatus.SUSPENDED, PartyStatus.LEFT
# rows: from; columns: clear, suspend, leave
LIFECYCLE: dict[PartyStatus, tuple[PartyStatus | None, PartyStatus | None, PartyStatus | None]] = {
    C: (V, None, L),
    V: (V, S, L),
    S: (V, None, L),
    L: (None, None, None),
}


AFTER_CAN = {PartyAct.CLEAR: "be cleared", PartyAct.SUSPEND: "be suspended", PartyAct.LEAVE: "leave"}


@pytest.mark.parametrize("status", PartyStatus)
@pytest.mark.parametrize("act", PartyAct)
def test_the_party_lifecycle_is_this_table(status: PartyStatus, act: PartyAct) -> None:
    expected = LIFECYCLE[status][[PartyAct.CLEAR, PartyAct.SUSPEND, PartyAct.LEAVE].index(act)]
    if expected is not None:
        assert next_status(status, act) is expected
        return
    with pytest.raises(TransitionError) as caught:
        next_status(status, act)
    assert f"cannot {AFTER_CAN[act]}" in caught.value.what
    possible = [str(each) for each in PartyAct if (status, each) in model.PARTY_TRANSITIONS]
    assert all(each in str(caught.value) for each in possible or ["nothing"])


def test_a_disabled_user_stays_disabled() -> None:
    assert next_user_status(UserStatus.ACTIVE, UserAct.DISABLE) is UserStatus.DISABLED
    with pytest.raises(TransitionError):
        next_user_status(UserStatus.DISABLED, UserAct.DISABLE)


GOOD_URIS = [
    "https://cert.example",
    "https://cert.example/a/",
    "https://cert.example:8443/a/b?c=d",
    "https://cert.example?c=d",
    "https://cert.example:80",
    "http://cert.example:443",
    "https://cert.example:4430",
    "urn:example:a//b/?c",
    "https://xn--blbrgrd-fxak7p.example",
    "urn:example:cert",
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "tag:cert.example,2026:hub",
    "https://cert.example/%C3%A6",
    "did:web:cert.example",
    "x:" + "a" * (MAX_URI - 2),
]
BAD_URIS = {
    "empty": "",
    "relative": "cert.example",
    "a path": "/cert",
    "scheme only": "https:",
    "no authority": "https://",
    "no authority but a path": "https:///cert",
    "upper-case scheme": "HTTPS://cert.example",
    "upper-case host": "https://Cert.example",
    "user name": "https://user@cert.example",
    "IP literal": "https://[::1]/",
    "fragment": "https://cert.example/#a",
    "space": "https://cert.example/a b",
    "line end": "https://cert.example\n",
    "escape": "https://cert.example/\x1b[0m",
    "quote": 'https://cert.example/"',
    "letters of another script": "https://\u0441ert.example",
    "broken percent-encoding": "https://cert.example/%G0",
    "lower-case percent-encoding": "https://cert.example/%c3",
    "no port": "https://cert.example:/",
    "too long": "x:" + "a" * (MAX_URI - 1),
}


@pytest.mark.parametrize("uri", GOOD_URIS)
def test_a_uri_that_identifies_a_party(uri: str) -> None:
    assert check_uri(uri) == uri


@pytest.mark.parametrize("uri", BAD_URIS.values(), ids=BAD_URIS.keys())
def test_no_uri_of_a_party(uri: str) -> None:
    with pytest.raises(InputError) as caught:
        check_uri(uri)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


# as somebody may write it: the one spelling of it
LOOK_ALIKES = {
    "https://cert.example/": "https://cert.example",
    "https://cert.example?": "https://cert.example",
    "https://cert.example/?": "https://cert.example",
    "https://cert.example/?c=d": "https://cert.example?c=d",
    "https://cert.example/a?": "https://cert.example/a",
    "https://cert.example:443": "https://cert.example",
    "https://cert.example:0443": "https://cert.example",
    "https://cert.example:08443": "https://cert.example:8443",
    "https://cert.example:443/": "https://cert.example",
    "https://cert.example:443/a": "https://cert.example/a",
    "https://cert.example.": "https://cert.example",
    "https://cert.example.:443/?": "https://cert.example",
    "https://cert.example:8443/": "https://cert.example:8443",
    "http://cert.example:80": "http://cert.example",
    "urn:example:cert?": "urn:example:cert",
}


@pytest.mark.parametrize("uri", LOOK_ALIKES)
def test_a_look_alike_is_refused_and_the_spelling_told(uri: str) -> None:
    with pytest.raises(InputError) as caught:
        check_uri(uri)
    assert caught.value.todo == f"write it {LOOK_ALIKES[uri]}"
    assert check_uri(LOOK_ALIKES[uri]) == LOOK_ALIKES[uri]


BAD_PARTIES: dict[str, dict[str, Any]] = {
    "name": {"name": "Ada"},
    "name with an at sign": {"name": "a@b"},
    "empty name": {"name": ""},
    "name of 65": {"name": "a" * 65},
    "relative URI": {"uri": "cert"},
    "empty title": {"title": ""},
    "title with a line end": {"title": "a\nb"},
    "title that turns the text around": {"title": "a\u202eb"},
    "title with spaces around": {"title": " a"},
    "title of 201": {"title": "a" * 201},
    "title with a lone surrogate": {"title": "a\ud800"},
    "country in words": {"country": "Norway"},
    "country in small letters": {"country": "no"},
    "country that is none": {"country": "ZZ"},
    "country by another code": {"country": "UK"},
    "sector": {"sectors": frozenset({"Energy"})},
    "capacity": {"capacities": frozenset({""})},
    "community": {"communities": frozenset({"a b"})},
    "client without a URI": {"clients": frozenset({"cert"})},
    "client of itself": {"clients": frozenset({"https://acme.example"})},
    "data region": {"data_region": "EEA"},
    "clearance": {"clearance": "cosmic"},
    "clearance that ended before time began": {"clearance_until": -1},
    "clearance beyond the year 9999": {"clearance_until": 253_402_300_800_000_000},
}


@pytest.mark.parametrize("changed", BAD_PARTIES.values(), ids=BAD_PARTIES.keys())
def test_a_party_is_valid_by_construction(changed: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        replace(party("acme"), **changed)


MEANT = {"UK": "GB", "EL": "GR", "no": "NO", "ZZ": None, "NOR": None, "": None}


@pytest.mark.parametrize(("written", "meant"), MEANT.items())
def test_what_is_no_country_is_told_with_the_one_that_was_meant(written: str, meant: str | None) -> None:
    assert country_meant(written) == meant
    with pytest.raises(InputError) as refused:
        check_country(written)
    assert (refused.value.todo == f"did you mean {meant}?") is (meant is not None)


def test_every_country_of_iso_3166_1_is_one() -> None:
    assert len(COUNTRIES - {"XK"}) == 249
    assert all(COUNTRY.fullmatch(country) and check_country(country) == country for country in COUNTRIES)


BAD_USERS: dict[str, dict[str, Any]] = {
    "name": {"name": "a@b"},
    "party by name": {"party": "acme"},
    "no role": {"roles": frozenset()},
    "clearance": {"clearance": "cosmic"},
    "clearance beyond time": {"clearance_until": 10**18},
    "nationality": {"nationality": "NOR"},
    "nationality that is none": {"nationality": "ZZ"},
    "purpose": {"purpose": "sell"},
    "key that is no base64": {"signing_key": "!" * 44},
    "key of 31 bytes": {"signing_key": base64.b64encode(bytes(31)).decode()},
    "key of 33 bytes": {"signing_key": base64.b64encode(bytes(33)).decode()},
    "key without padding": {"signing_key": base64.b64encode(bytes(32)).decode().rstrip("=")},
    "key with stray bits": {"signing_key": "A" * 42 + "B="},
    "key with a line end": {"signing_key": base64.b64encode(bytes(32)).decode() + "\n"},
    "key in another alphabet": {"signing_key": "æ" * 44},
}


@pytest.mark.parametrize("changed", BAD_USERS.values(), ids=BAD_USERS.keys())
def test_a_user_is_valid_by_construction(changed: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        User(**({"name": "ada", "party": "https://acme.example"} | changed))


@pytest.mark.parametrize("what", ["capacities", "sectors", "communities"])
def test_a_party_has_so_many_words_and_no_more(what: str) -> None:
    words = [f"w{number}" for number in range(MAX_VOCABULARY + 1)]
    replace(party("acme"), **{what: frozenset(words[1:])})
    with pytest.raises(LimitError):
        replace(party("acme"), **{what: frozenset(words)})


def test_a_party_has_so_many_clients_and_no_more() -> None:
    clients = [f"urn:client:{number}" for number in range(MAX_CLIENTS + 1)]
    replace(party("acme"), clients=frozenset(clients[1:]))
    with pytest.raises(LimitError):
        replace(party("acme"), clients=frozenset(clients))


def test_a_party_needs_no_more_than_its_names() -> None:
    assert HUB.sectors == frozenset()
    assert replace(party("acme"), clearance_until=0).clearance_until == 0


@given(party_name=names, user=names)
def test_a_reference_reads_back(party_name: str, user: str) -> None:
    assert parse_reference(party_name) == (party_name, None)
    assert parse_reference(f"{user}@{party_name}") == (party_name, user)


@pytest.mark.parametrize("reference", ["", "@", "a@", "@b", "a@b@c", "A", "a b", "a@https://b.example", "a\n"])
def test_no_reference(reference: str) -> None:
    with pytest.raises(InputError):
        parse_reference(reference)


def test_every_role_has_its_permissions_and_only_two_contribute() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    for role, permissions in ROLE_PERMISSIONS.items():
        assert Permission.OBJECTS_READ in permissions
        assert (Permission.OBJECTS_SUBMIT in permissions) == (role in {Role.ANALYST, Role.LIAISON})
        assert (Permission.OBJECTS_DELETE in permissions) == (role in {Role.ANALYST, Role.LIAISON})
        assert (Permission.MANDATE_USE in permissions) == (role is Role.OPERATOR)
        assert (Permission.PARTY_SPEAK in permissions) == (role in {Role.SIGNATORY, Role.LIAISON})
    assert role_permissions(frozenset()) == frozenset()
    assert role_permissions(frozenset({Role.VIEWER, Role.ANALYST})) == ROLE_PERMISSIONS[Role.ANALYST]


@given(any_party, any_user, instants)
def test_the_effective_clearance_is_the_lower_and_an_expired_one_is_none(of: Party, user: User, at: int) -> None:
    for clearance, until in ((of.clearance, of.clearance_until), (user.clearance, user.clearance_until)):
        standing = clearance if until is None or at < until else CLEARANCES[0]
        assert CLEARANCES.index(effective_clearance(of, user, at)) <= CLEARANCES.index(standing)
    assert CLEARANCES.index(effective_clearance(of, user, at)) <= CLEARANCES.index(effective_clearance(of, None, at))


def test_a_clearance_ends_at_its_instant() -> None:
    of = replace(party("acme"), clearance="secret", clearance_until=START)
    assert effective_clearance(of, None, START - 1) == "secret"
    assert effective_clearance(of, None, START) == "unclassified"


@pytest.mark.parametrize(
    ("expires", "revoked", "at", "stands"),
    [
        (None, None, START, True),
        (START + 1, None, START, True),
        (START, None, START, False),
        (None, START - DAY, START, False),
        (START + DAY, START - DAY, START, False),
    ],
    ids=["no expiry", "last microsecond", "expired", "revoked", "revoked before it expires"],
)
def test_a_token_stands(expires: int | None, revoked: int | None, at: int, *, stands: bool) -> None:
    token = Token(
        token_id=1,
        party="https://acme.example",
        party_name="acme",
        user=None,
        purpose="detect",
        permissions=frozenset(),
        note="",
        created_at=0,
        expires_at=expires,
        revoked_at=revoked,
    )
    assert token.stands(at) is stands


@pytest.mark.parametrize("remark", ["a\nb", "\x1b[2J", "x" * 501, "\u202e"])
def test_no_remark(remark: str) -> None:
    with pytest.raises(InputError):
        check_remark(remark, "note")
