"""Bytes to values: parties and users as JSON, and the ``Authorization`` header.

A party or user has one JSON form, for the store's rows and for the log's payloads: every attribute by its name, sets
as sorted lists, instants as RFC 3339. What is read back must be in exactly that form.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from tocsin.errors import InputError
from tocsin.kernel.clock import format_instant, parse_instant
from tocsin.kernel.text import normal
from tocsin.parties.model import Party, User, parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MAX_AUTHORIZATION",
    "TOKEN_PREFIX",
    "BasicCredentials",
    "BearerCredentials",
    "decode_party",
    "decode_user",
    "encode_party",
    "encode_user",
    "normal_password",
    "parse_authorization",
    "party_data",
    "party_from_data",
    "token_text",
    "user_data",
    "user_from_data",
]

# The longest that can be right: base64 of two names of 64, '@', ':' and a password of 1,024 bytes is 1,626 with scheme.
MAX_AUTHORIZATION: Final = 2_048
# So that a leaked token is recognised for what it is, by people and by scanners of repositories.
TOKEN_PREFIX: Final = "tocsin_"  # noqa: S105  a prefix is no secret
_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.ASCII | re.IGNORECASE)  # RFC 6750 §2.1
_BASIC: Final = re.compile(r"basic +([A-Za-z0-9+/]+={0,2})", re.ASCII | re.IGNORECASE)  # RFC 7617 §2
_INSTANTS: Final = ("clearance_until",)

# Attributes that came after the first parties and users were written: without them, the form is as it was.
_LATER: Final = frozenset({"ml_dsa_key", "authority"})

_Value = TypeVar("_Value", Party, User)


class BasicCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """User and password (or token), RFC 7617; ``user`` is None when a party's service signs in."""

    party: str
    user: str | None
    secret: str

    def __repr__(self) -> str:
        return "BasicCredentials(…)"


class BearerCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """A token alone, RFC 6750."""

    token: str

    def __repr__(self) -> str:
        return "BearerCredentials(…)"


def parse_authorization(header: str | None) -> BasicCredentials | BearerCredentials | None:
    """Read an ``Authorization`` header; None when there is none that could be anybody's."""
    if header is None or len(header) > MAX_AUTHORIZATION:
        return None
    if (bearer := _BEARER.fullmatch(header)) is not None:
        return BearerCredentials(token=bearer[1])
    if (basic := _BASIC.fullmatch(header)) is None:
        return None
    try:
        # RFC 7617 §2.1: our challenge says charset="UTF-8"
        text = base64.b64decode(basic[1], validate=True).decode()
        # RFC 7617 §2: the user-id ends at the first colon
        name, colon, secret = text.partition(":")
        party, user = parse_reference(name)
    except (binascii.Error, UnicodeDecodeError, InputError):
        return None
    return BasicCredentials(party=party, user=user, secret=secret) if colon else None


def normal_password(text: str) -> bytes:
    """Return the bytes that a password is hashed as: NFC, as RFC 7617 §2.1 asks through RFC 8265 §4.

    Raises:
        InputError: it holds a control character (RFC 7617 §2 forbids them) or a lone surrogate.
    """
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise InputError("a password holds no control characters", todo="choose one that can be typed")
    return normal("NFC", text).encode()


def token_text(secret: bytes) -> str:
    """Write a token: the prefix, then base64url without padding."""
    return TOKEN_PREFIX + base64.urlsafe_b64encode(secret).decode().rstrip("=")


def party_data(party: Party) -> dict[str, object]:
    """Return a party as plain JSON values."""
    return _data(party)


def user_data(user: User) -> dict[str, object]:
    """Return a user as plain JSON values."""
    return _data(user)


def party_from_data(data: Mapping[str, object]) -> Party:
    """Read what ``party_data`` wrote.

    Raises:
        InputError: it is not exactly that.
    """
    return _from_data(data, Party)


def user_from_data(data: Mapping[str, object]) -> User:
    """Read what ``user_data`` wrote.

    Raises:
        InputError: it is not exactly that.
    """
    return _from_data(data, User)


def encode_party(party: Party) -> bytes:
    """Return a party as JSON."""
    return msgspec.json.encode(_data(party))


def encode_user(user: User) -> bytes:
    """Return a user as JSON."""
    return msgspec.json.encode(_data(user))


def decode_party(body: bytes) -> Party:
    """Read what ``encode_party`` wrote.

    Raises:
        InputError: it is not exactly that.
    """
    return _decode(body, Party)


def decode_user(body: bytes) -> User:
    """Read what ``encode_user`` wrote.

    Raises:
        InputError: it is not exactly that.
    """
    return _decode(body, User)


def _data(value: Party | User) -> dict[str, object]:
    data: dict[str, Any] = msgspec.to_builtins(value, order="deterministic")
    instants = {name: format_instant(data[name]) for name in _INSTANTS if data[name] is not None}
    return {name: value for name, value in (data | instants).items() if name not in _LATER or value is not None}


def _from_data(data: Mapping[str, object], kind: type[_Value]) -> _Value:
    try:
        instants = {name: parse_instant(at) for name in _INSTANTS if isinstance(at := data.get(name), str)}
        value = msgspec.convert(dict(data) | instants, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"this is no {kind.__name__.lower()}: {error}") from error
    if _data(value) != data:
        # an attribute that we do not know, or another spelling: taking it would lose what it says
        raise InputError(f"this {kind.__name__.lower()} is not in the form that we write")
    return value


def _decode(body: bytes, kind: type[_Value]) -> _Value:
    try:
        data = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.DecodeError as error:
        raise InputError(f"this is no {kind.__name__.lower()}: {error}") from error
    return _from_data(data, kind)
