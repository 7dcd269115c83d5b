"""Grants as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select, update

from tocsin.agreements.grants import Grant
from tocsin.agreements.tables import GRANTS
from tocsin.errors import InputError, StoreBrokenError
from tocsin.kernel.db.spans import EVERYTHING, stretch, within
from tocsin.kernel.db.store import next_id

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db.spans import Span, Stretch

__all__ = [
    "add_grant",
    "count_standing",
    "find_grant",
    "granted_to",
    "grants_about",
    "grants_of",
    "grants_within",
    "revoke_grant",
]

# Asked for by every page.
_STANDING: Final = (
    select(GRANTS)
    .where(
        GRANTS.c.environment == bindparam("environment"),
        GRANTS.c.party == bindparam("party"),
        GRANTS.c.until > bindparam("at"),
        GRANTS.c.revoked_at.is_(None),
    )
    .order_by(GRANTS.c.grant_id)
)


def granted_to(connection: Connection, environment: int, party: str, at: Micros) -> tuple[Grant, ...]:
    """Return the grants that stand for a party (its URI) at an instant, oldest first."""
    rows = connection.execute(_STANDING, {"environment": environment, "party": party, "at": at}).all()
    return tuple(_grant(row) for row in rows)


def grants_about(connection: Connection, environment: int, owner: str, object_id: str) -> list[Grant]:
    """Return every grant that an owner gave of an object, oldest first, those included that are over."""
    return _read(connection, _all(environment).where(GRANTS.c.owner == owner, GRANTS.c.object_id == object_id))


def grants_of(connection: Connection, environment: int, party: str | None = None) -> list[Grant]:
    """Return every grant that a party gave or was given, or all of the hub's, oldest first."""
    return [*grants_within(connection, environment, EVERYTHING, party).items]


def grants_within(connection: Connection, environment: int, span: Span, party: str | None = None) -> Stretch[Grant]:
    """Return a span of what ``grants_of`` returns."""
    query = select(GRANTS).where(GRANTS.c.environment == environment)
    if party is not None:
        query = query.where((GRANTS.c.owner == party) | (GRANTS.c.party == party))
    rows = connection.execute(within(query, GRANTS.c.grant_id, span))
    return stretch(((row.grant_id, _grant(row)) for row in rows), span)


def find_grant(connection: Connection, environment: int, uuid: str) -> Grant | None:
    """Return one grant, or None."""
    found = _read(connection, _all(environment).where(GRANTS.c.uuid == uuid))
    return found[0] if found else None


def count_standing(connection: Connection, environment: int, at: Micros, *, owner: str | None = None) -> int:
    """Return how many grants stand, of one owner or of all."""
    query = (
        select(func.count())
        .select_from(GRANTS)
        .where(GRANTS.c.environment == environment, GRANTS.c.until > at, GRANTS.c.revoked_at.is_(None))
    )
    if owner is not None:
        query = query.where(GRANTS.c.owner == owner)
    return int(connection.execute(query).scalar_one())


def add_grant(connection: Connection, environment: int, grant: Grant) -> None:
    """Enter a grant."""
    connection.execute(
        GRANTS.insert().values(
            grant_id=next_id(connection, GRANTS.c.grant_id),
            environment=environment,
            uuid=grant.uuid,
            owner=grant.owner,
            party=grant.party,
            object_id=grant.object_id,
            version=grant.version,
            purposes=" ".join(sorted(grant.purposes)),
            given_at=grant.given_at,
            until=grant.until,
            reason=grant.reason,
            revoked_at=grant.revoked_at,
        )
    )


def revoke_grant(connection: Connection, environment: int, uuid: str, at: Micros) -> None:
    """Note that a grant was revoked."""
    connection.execute(
        update(GRANTS).where(GRANTS.c.environment == environment, GRANTS.c.uuid == uuid).values(revoked_at=at)
    )


def _all(environment: int) -> Select[*tuple[Any, ...]]:
    return select(GRANTS).where(GRANTS.c.environment == environment).order_by(GRANTS.c.grant_id)


def _read(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[Grant]:
    return [_grant(row) for row in connection.execute(query)]


def _grant(row: Row[*tuple[Any, ...]]) -> Grant:
    try:
        return Grant(
            uuid=row.uuid,
            owner=row.owner,
            party=row.party,
            object_id=row.object_id,
            version=row.version,
            purposes=frozenset(row.purposes.split()),
            given_at=row.given_at,
            until=row.until,
            reason=row.reason,
            revoked_at=row.revoked_at,
        )
    except InputError as error:
        raise StoreBrokenError(error.what, where=f"grant {row.uuid}", todo="run `tocsin check`") from error
