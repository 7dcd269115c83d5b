"""Applications and access reviews as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from tocsin.errors import InputError, StoreBrokenError
from tocsin.kernel.db.store import next_id
from tocsin.parties.vetting.model import AccessReview, Application
from tocsin.parties.vetting.tables import ACCESS_REVIEWS, APPLICATIONS
from tocsin.parties.vetting.wire import decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

__all__ = [
    "access_reviews",
    "add_application",
    "applications",
    "numbered_applications",
    "replace_application",
    "write_access_review",
]


def applications(connection: Connection, environment: int, *, uuid: str | None = None) -> list[Application]:
    """Return the applications, or the one of this id, oldest first."""
    return [one for _, one in numbered_applications(connection, environment, uuid=uuid)]


def numbered_applications(
    connection: Connection, environment: int, *, uuid: str | None = None, after: int = 0
) -> Iterator[tuple[int, Application]]:
    """Yield the applications behind a row's number, or the one of an id, oldest first, each with its row's number."""
    query = select(APPLICATIONS).where(APPLICATIONS.c.environment == environment, APPLICATIONS.c.application_id > after)
    if uuid is not None:
        query = query.where(APPLICATIONS.c.uuid == uuid)
    for row in connection.execute(query.order_by(APPLICATIONS.c.application_id)):
        where = f"application {row.uuid}"
        try:
            application = decode(row.body)
        except InputError as error:
            raise StoreBrokenError(error.what, where=where, todo="run `tocsin check`") from error
        if (row.uuid, row.party, row.status) != (application.uuid, application.party, application.status):
            raise StoreBrokenError("its columns say other than its body", where=where, todo="run `tocsin check`")
        yield row.application_id, application


def add_application(connection: Connection, environment: int, application: Application) -> None:
    """Enter an application."""
    connection.execute(
        APPLICATIONS.insert().values(
            application_id=next_id(connection, APPLICATIONS.c.application_id),
            environment=environment,
            uuid=application.uuid,
            party=application.party,
            status=str(application.status),
            body=encode(application),
        )
    )


def replace_application(connection: Connection, environment: int, application: Application) -> None:
    """Put an application in the place of what it was."""
    connection.execute(
        update(APPLICATIONS)
        .where(APPLICATIONS.c.environment == environment, APPLICATIONS.c.uuid == application.uuid)
        .values(status=str(application.status), body=encode(application))
    )


def access_reviews(connection: Connection, environment: int) -> dict[str, AccessReview]:
    """Return the last access review of each party, by its URI."""
    rows = connection.execute(select(ACCESS_REVIEWS).where(ACCESS_REVIEWS.c.environment == environment))
    return {
        row.party: AccessReview(
            party=row.party, by=row.by, at=row.at, digest=row.digest, users=row.users, tokens=row.tokens
        )
        for row in rows
    }


def write_access_review(connection: Connection, environment: int, review: AccessReview) -> None:
    """Put a party's access review in the place of the last one."""
    connection.execute(
        ACCESS_REVIEWS.delete().where(
            ACCESS_REVIEWS.c.environment == environment, ACCESS_REVIEWS.c.party == review.party
        )
    )
    connection.execute(
        ACCESS_REVIEWS.insert().values(
            environment=environment,
            party=review.party,
            by=review.by,
            at=review.at,
            digest=review.digest,
            users=review.users,
            tokens=review.tokens,
        )
    )
