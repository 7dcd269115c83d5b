"""Rows to values and back: parties, users, tokens of one environment, on the caller's connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from sqlalchemy import and_, bindparam, func, select

from tocsin.errors import InputError, StoreBrokenError
from tocsin.kernel.db.store import next_id
from tocsin.parties.model import Party, Permission, Token, User
from tocsin.parties.tables import HUBS, PARTIES, TOKENS, USERS
from tocsin.parties.wire import decode_party, decode_user, encode_party, encode_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import ColumnElement, Connection, Row

    from tocsin.kernel.clock import Micros

__all__ = [
    "PartyRow",
    "TokenRow",
    "UserRow",
    "add_hub",
    "add_party",
    "add_token",
    "add_user",
    "count_live_tokens",
    "count_parties",
    "count_users",
    "party_by_id",
    "party_by_name",
    "party_by_uri",
    "party_rows",
    "read_hub",
    "read_operator",
    "replace_party",
    "replace_user",
    "revoke_token",
    "sign_in_by_name",
    "sign_in_by_token",
    "token_by_id",
    "token_rows",
    "user_by_name",
    "user_rows",
    "write_password",
]

_Value = TypeVar("_Value", Party, User)


class PartyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A party and its number in this store."""

    party_id: int
    party: Party


class UserRow(msgspec.Struct, frozen=True, kw_only=True):
    """A user, its number in this store and the argon2id hash of its password."""

    user_id: int
    party_id: int
    user: User
    password: str | None

    def __repr__(self) -> str:
        return f"UserRow(user_id={self.user_id})"


class TokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """A token and whom it lets in."""

    token: Token
    party: Party
    user: User | None


def _body(body: bytes, decode: Callable[[bytes], _Value], where: str) -> _Value:
    try:
        return decode(body)
    except InputError as error:
        raise StoreBrokenError(error.what, where=where, todo="run `tocsin check`") from error


def _same(columns: tuple[object, ...], carried: tuple[object, ...], where: str) -> None:
    if columns != carried:
        raise StoreBrokenError("its columns say other than its body", where=where, todo="run `tocsin check`")


def _party(row: Row[tuple[object, ...]]) -> PartyRow:
    where = f"parties row {row.party_id}"
    party = _body(row.body, decode_party, where)
    _same((row.uri, row.name, row.status), (party.uri, party.name, party.status), where)
    return PartyRow(party_id=row.party_id, party=party)


def _user(row: Row[tuple[object, ...]]) -> UserRow:
    where = f"users row {row.user_id}"
    user = _body(row.body, decode_user, where)
    _same((row.name, row.status), (user.name, user.status), where)
    return UserRow(user_id=row.user_id, party_id=row.party_id, user=user, password=row.password)


# --- the hub ---------------------------------------------------------------------------------------------------------


def read_hub(connection: Connection, environment: int) -> str | None:
    """Return the URI of the party that runs the hub, or None before it is founded."""
    found: str | None = connection.scalar(select(HUBS.c.party).where(HUBS.c.environment == environment))
    return found


def read_operator(connection: Connection, environment: int) -> str:
    """Return who founded the hub, as ``user@party``: in whose name it does what it needs for itself.

    Raises:
        StoreBrokenError: nobody did.
    """
    row = connection.execute(
        select(HUBS.c.operator, PARTIES.c.name)
        .join(PARTIES, and_(PARTIES.c.uri == HUBS.c.party, PARTIES.c.environment == HUBS.c.environment))
        .where(HUBS.c.environment == environment)
    ).first()
    if row is None:
        raise StoreBrokenError("nobody runs this hub", where="hubs", todo="run `tocsin init`")
    return f"{row.operator}@{row.name}"


def add_hub(connection: Connection, environment: int, *, party: str, operator: str, at: Micros) -> None:
    """Say which party runs the hub, and who of it founded it."""
    connection.execute(HUBS.insert().values(environment=environment, party=party, operator=operator, founded_at=at))


# Asked by every submission and whenever a reader is judged: built once.
_BY_URI: Final = select(PARTIES).where(
    PARTIES.c.environment == bindparam("environment"), PARTIES.c.uri == bindparam("uri")
)


# --- parties ---------------------------------------------------------------------------------------------------------


def party_rows(connection: Connection, environment: int) -> list[PartyRow]:
    """Return every party, by name."""
    query = select(PARTIES).where(PARTIES.c.environment == environment).order_by(PARTIES.c.name)
    return [_party(row) for row in connection.execute(query)]


def _one_party(connection: Connection, environment: int, condition: ColumnElement[bool]) -> PartyRow | None:
    row = connection.execute(select(PARTIES).where(PARTIES.c.environment == environment, condition)).first()
    return None if row is None else _party(row)


def party_by_name(connection: Connection, environment: int, name: str) -> PartyRow | None:
    """Return the party of this name."""
    return _one_party(connection, environment, PARTIES.c.name == name)


def party_by_uri(connection: Connection, environment: int, uri: str) -> PartyRow | None:
    """Return the party of this URI."""
    row = connection.execute(_BY_URI, {"environment": environment, "uri": uri}).first()
    return None if row is None else _party(row)


def party_by_id(connection: Connection, environment: int, party_id: int) -> PartyRow | None:
    """Return the party of this number."""
    return _one_party(connection, environment, PARTIES.c.party_id == party_id)


def count_parties(connection: Connection, environment: int) -> int:
    """Return how many parties there are, those that left included."""
    query = select(func.count()).select_from(PARTIES).where(PARTIES.c.environment == environment)
    return connection.execute(query).scalar_one()


def add_party(connection: Connection, environment: int, party: Party, at: Micros) -> int:
    """Enter a party; returns its number. Name and URI must be free."""
    party_id = next_id(connection, PARTIES.c.party_id)
    connection.execute(
        PARTIES.insert().values(
            party_id=party_id,
            environment=environment,
            uri=party.uri,
            name=party.name,
            status=str(party.status),
            body=encode_party(party),
            changed_at=at,
        )
    )
    return party_id


def replace_party(connection: Connection, party_id: int, party: Party, at: Micros) -> None:
    """Put a party's new value in the place of the old; name and URI stay."""
    connection.execute(
        PARTIES.update()
        .where(PARTIES.c.party_id == party_id)
        .values(status=str(party.status), body=encode_party(party), changed_at=at)
    )


# --- users -----------------------------------------------------------------------------------------------------------


def user_rows(connection: Connection, environment: int, party_id: int | None = None) -> list[UserRow]:
    """Return the users of a party, or all, by party and name."""
    query = select(USERS).where(USERS.c.environment == environment).order_by(USERS.c.party_id, USERS.c.name)
    if party_id is not None:
        query = query.where(USERS.c.party_id == party_id)
    return [_user(row) for row in connection.execute(query)]


def user_by_name(connection: Connection, party_id: int, name: str) -> UserRow | None:
    """Return the user of this name in a party."""
    row = connection.execute(select(USERS).where(USERS.c.party_id == party_id, USERS.c.name == name)).first()
    return None if row is None else _user(row)


def count_users(connection: Connection, party_id: int) -> int:
    """Return how many users a party has, disabled ones included."""
    query = select(func.count()).select_from(USERS).where(USERS.c.party_id == party_id)
    return connection.execute(query).scalar_one()


def add_user(connection: Connection, environment: int, party_id: int, user: User, at: Micros) -> int:
    """Enter a user without a password; returns its number. The name must be free in the party."""
    user_id = next_id(connection, USERS.c.user_id)
    connection.execute(
        USERS.insert().values(
            user_id=user_id,
            environment=environment,
            party_id=party_id,
            name=user.name,
            status=str(user.status),
            body=encode_user(user),
            password=None,
            changed_at=at,
        )
    )
    return user_id


def replace_user(connection: Connection, user_id: int, user: User, at: Micros) -> None:
    """Put a user's new value in the place of the old; the name and the password stay."""
    connection.execute(
        USERS.update()
        .where(USERS.c.user_id == user_id)
        .values(status=str(user.status), body=encode_user(user), changed_at=at)
    )


def write_password(connection: Connection, user_id: int, hashed: str, at: Micros) -> None:
    """Put the argon2id hash of a password in the place of the old."""
    connection.execute(USERS.update().where(USERS.c.user_id == user_id).values(password=hashed, changed_at=at))


# --- tokens ----------------------------------------------------------------------------------------------------------

_TOKEN = (
    select(
        TOKENS,
        PARTIES.c.body.label("party_body"),
        USERS.c.body.label("user_body"),
    )
    .join(PARTIES, PARTIES.c.party_id == TOKENS.c.party_id)
    .outerjoin(USERS, USERS.c.user_id == TOKENS.c.user_id)
)


def _token(row: Row[tuple[object, ...]]) -> TokenRow:
    where = f"tokens row {row.token_id}"
    party = _body(row.party_body, decode_party, where)
    user = None if row.user_body is None else _body(row.user_body, decode_user, where)
    try:
        permissions = frozenset(Permission(word) for word in row.permissions.split())
    except ValueError as error:
        raise StoreBrokenError(f"there is no such permission: {error}", where=where) from error
    token = Token(
        token_id=row.token_id,
        party=party.uri,
        party_name=party.name,
        user=None if user is None else user.name,
        purpose=row.purpose,
        permissions=permissions,
        note=row.note,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        capacity=row.capacity,
    )
    return TokenRow(token=token, party=party, user=user)


def token_rows(connection: Connection, environment: int, party_id: int) -> list[TokenRow]:
    """Return the tokens of a party's service and users, oldest first, revoked and expired ones included."""
    query = _TOKEN.where(TOKENS.c.environment == environment, TOKENS.c.party_id == party_id)
    return [_token(row) for row in connection.execute(query.order_by(TOKENS.c.token_id))]


def token_by_id(connection: Connection, environment: int, token_id: int) -> TokenRow | None:
    """Return the token of this number."""
    query = _TOKEN.where(TOKENS.c.environment == environment, TOKENS.c.token_id == token_id)
    row = connection.execute(query).first()
    return None if row is None else _token(row)


def count_live_tokens(connection: Connection, party_id: int, user_id: int | None, at: Micros) -> int:
    """Return how many tokens of a user, or of a party's service, are neither revoked nor expired."""
    query = (
        select(func.count())
        .select_from(TOKENS)
        .where(
            TOKENS.c.party_id == party_id,
            TOKENS.c.user_id.is_(None) if user_id is None else TOKENS.c.user_id == user_id,
            TOKENS.c.revoked_at.is_(None),
            TOKENS.c.expires_at.is_(None) | (TOKENS.c.expires_at > at),
        )
    )
    return connection.execute(query).scalar_one()


def add_token(
    connection: Connection,
    environment: int,
    *,
    digest: bytes,
    party_id: int,
    user_id: int | None,
    purpose: str,
    permissions: Iterable[Permission],
    note: str,
    created_at: Micros,
    expires_at: Micros | None,
    capacity: str | None = None,
) -> int:
    """Enter a token by its digest; returns its number."""
    token_id = next_id(connection, TOKENS.c.token_id)
    connection.execute(
        TOKENS.insert().values(
            token_id=token_id,
            environment=environment,
            digest=digest,
            party_id=party_id,
            user_id=user_id,
            purpose=purpose,
            permissions=" ".join(sorted(permissions)),
            note=note,
            created_at=created_at,
            expires_at=expires_at,
            revoked_at=None,
            capacity=capacity,
        )
    )
    return token_id


def revoke_token(connection: Connection, token_id: int, at: Micros) -> None:
    """Make a token good for nothing from this instant on."""
    connection.execute(TOKENS.update().where(TOKENS.c.token_id == token_id).values(revoked_at=at))


# --- signing in ------------------------------------------------------------------------------------------------------


# built once: every request asks one of them
_BY_DIGEST = _TOKEN.where(TOKENS.c.environment == bindparam("environment_"), TOKENS.c.digest == bindparam("digest_"))
_BY_NAME = (
    select(USERS, PARTIES.c.body.label("party_body"))
    .join(PARTIES, PARTIES.c.party_id == USERS.c.party_id)
    .where(
        PARTIES.c.environment == bindparam("environment_"),
        PARTIES.c.name == bindparam("party_"),
        USERS.c.name == bindparam("user_"),
    )
)


def sign_in_by_token(connection: Connection, environment: int, digest: bytes) -> TokenRow | None:
    """Return the token of this digest and whom it lets in: one query, found or not.

    The look-up needs no constant time: its key is an HMAC under a key that the asker does not have.
    """
    row = connection.execute(_BY_DIGEST, {"environment_": environment, "digest_": digest}).first()
    return None if row is None else _token(row)


def sign_in_by_name(connection: Connection, environment: int, party: str, user: str) -> tuple[Party, UserRow] | None:
    """Return a user and its party by their names: one query, found or not."""
    row = connection.execute(_BY_NAME, {"environment_": environment, "party_": party, "user_": user}).first()
    if row is None:
        return None
    found = _user(row)
    return _body(row.party_body, decode_party, f"users row {found.user_id}"), found
