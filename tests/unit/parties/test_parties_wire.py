from __future__ import annotations

import base64
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.party_strategies import any_party, any_user, names, passwords
from support.partyworld import HUB
from tocsin.errors import InputError
from tocsin.parties.wire import (
    MAX_AUTHORIZATION,
    BasicCredentials,
    BearerCredentials,
    decode_party,
    decode_user,
    encode_party,
    encode_user,
    normal_password,
    parse_authorization,
    party_data,
    party_from_data,
    user_data,
    user_from_data,
)

if TYPE_CHECKING:
    from tocsin.parties.model import Party, User


def basic(text: str | bytes, scheme: str = "Basic") -> str:
    raw = text.encode() if isinstance(text, str) else text
    return f"{scheme} {base64.b64encode(raw).decode()}"


@given(any_party)
def test_a_party_reads_back_and_has_one_form(value: Party) -> None:
    assert party_from_data(party_data(value)) == value
    assert decode_party(encode_party(value)) == value
    assert encode_party(decode_party(encode_party(value))) == encode_party(value)


@given(any_user)
def test_a_user_reads_back_and_has_one_form(value: User) -> None:
    assert user_from_data(user_data(value)) == value
    assert decode_user(encode_user(value)) == value


BROKEN: dict[str, dict[str, Any]] = {
    "an attribute that we do not know": {"rank": 3},
    "a status that there is not": {"status": "king"},
    "a number for a name": {"name": 3},
    "a set with a repetition": {"sectors": ["energy", "energy"]},
    "a set out of order": {"sectors": ["water", "energy"]},
    "an instant as a number": {"clearance_until": 5},
    "an instant in another spelling": {"clearance_until": "2027-01-01T00:00:00Z"},
    "an instant that is none": {"clearance_until": "soon"},
    "a country that is none": {"country": "Norge"},
}


@pytest.mark.parametrize("changed", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_not_in_our_form_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        party_from_data(party_data(HUB) | changed)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"null", b"\xff", b'{"name": "a"}'])
def test_bytes_that_are_no_party_or_user(body: bytes) -> None:
    for decode in (decode_party, decode_user):
        with pytest.raises(InputError):
            decode(body)


@given(names, names, st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_basic_credentials_read_back(party: str, user: str, secret: str) -> None:
    assert parse_authorization(basic(f"{user}@{party}:{secret}")) == BasicCredentials(
        party=party, user=user, secret=secret
    )
    assert parse_authorization(basic(f"{party}:{secret}", "bAsIc ")) == BasicCredentials(
        party=party, user=None, secret=secret
    )


NOBODY = {
    "empty": "",
    "scheme only": "Basic",
    "scheme and space": "Basic ",
    "another scheme": "Digest abc",
    "no base64": "Basic !!!",
    "base64 with a hole": "Basic YTp i",
    "base64 without padding": "Basic YTpiYw",
    "base64url": "Basic " + base64.urlsafe_b64encode(b"a:\xfb\xff").decode(),
    "no colon": basic("acme"),
    "not UTF-8": basic(b"acme:\xff"),
    "no name": basic(":secret"),
    "upper case": basic("Acme:secret"),
    "two at signs": basic("a@b@c:secret"),
    "bearer without a token": "Bearer ",
    "bearer with two": "Bearer a b",
    "beyond ASCII": "Bearer tocsin_æ",
    "line end": "Bearer abc\n",
    "tab": "Bearer\tabc",
    "too long": "Bearer " + "a" * (MAX_AUTHORIZATION - 6),
}


@pytest.mark.parametrize("header", NOBODY.values(), ids=NOBODY.keys())
def test_a_header_that_is_nobodys(header: str) -> None:
    assert parse_authorization(header) is None


@given(st.text(max_size=60) | st.text(max_size=60).map(lambda text: f"Basic {text}"))
def test_no_header_breaks_the_reader(header: str) -> None:
    parse_authorization(header)


def test_the_longest_header_that_can_be_right_fits() -> None:
    header = basic("u" * 64 + "@" + "p" * 64 + ":" + "w" * 1024)
    assert isinstance(parse_authorization(header), BasicCredentials)
    assert isinstance(parse_authorization("Bearer " + "a" * (MAX_AUTHORIZATION - 7)), BearerCredentials)


@given(passwords)
def test_a_password_is_the_same_however_it_was_composed(password: str) -> None:
    assert normal_password(unicodedata.normalize("NFD", password)) == normal_password(password)


@pytest.mark.parametrize("password", ["tab\there", "nul\0", "line\n", "\x7f", "\ud800"])
def test_no_password_holds_control_characters(password: str) -> None:
    with pytest.raises(InputError) as caught:
        normal_password(password)
    assert password not in str(caught.value)


def test_credentials_do_not_show_themselves() -> None:
    shown = repr(parse_authorization(basic("acme:hunter2hunter2"))) + repr(parse_authorization("Bearer hunter2hunter2"))
    assert "hunter2" not in shown
