"""Rows of the registry and of baselines: a room's state is mappings from keys to values, one for each noun."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
from sqlalchemy import select, update

from tocsin.errors import StoreBrokenError
from tocsin.kernel.db.store import next_id
from tocsin.risk.tables import RISK_FIGURES, RISK_RECORDS

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["add_figures", "count_figures", "load", "read_figures", "save"]

_State = TypeVar("_State", bound=msgspec.Struct)


def load(connection: Connection, environment: int, kind: type[_State]) -> _State:
    """Return a room's state: for each field, by its name as the noun, the records of its mapping's type.

    Raises:
        StoreBrokenError: a record has not its form.
    """
    found: dict[str, dict[str, object]] = {}
    for field in msgspec.structs.fields(kind):
        query = select(RISK_RECORDS.c.key, RISK_RECORDS.c.body).where(
            RISK_RECORDS.c.environment == environment, RISK_RECORDS.c.noun == field.name
        )
        decoder = msgspec.json.Decoder(field.type.__args__[1])
        rows = connection.execute(query.order_by(RISK_RECORDS.c.record_id))
        try:
            found[field.name] = {row.key: decoder.decode(row.body) for row in rows}
        except msgspec.MsgspecError as error:
            raise StoreBrokenError(
                f"a record has not its form: {error}", where=f"risk_records, {field.name}"
            ) from error
    return kind(**found)


def save(connection: Connection, environment: int, before: _State, after: _State) -> None:
    """Write what differs. Nothing is ever taken away."""
    for field in msgspec.structs.fields(type(after)):
        old, new = getattr(before, field.name), getattr(after, field.name)
        for key, value in new.items():
            if old.get(key) == value:
                continue
            body = msgspec.json.encode(value, order="deterministic")
            if key in old:
                here = (
                    (RISK_RECORDS.c.environment == environment)
                    & (RISK_RECORDS.c.noun == field.name)
                    & (RISK_RECORDS.c.key == key)
                )
                connection.execute(update(RISK_RECORDS).where(here).values(body=body))
                continue
            record_id = next_id(connection, RISK_RECORDS.c.record_id)
            values = {"record_id": record_id, "environment": environment, "noun": field.name, "key": key, "body": body}
            connection.execute(RISK_RECORDS.insert().values(values))


def add_figures(connection: Connection, environment: int, uuid: str, sealed: bytes) -> None:
    """Keep a sheet of figures."""
    figures_id = next_id(connection, RISK_FIGURES.c.figures_id)
    values = {"figures_id": figures_id, "environment": environment, "uuid": uuid, "sealed": sealed}
    connection.execute(RISK_FIGURES.insert().values(values))


def read_figures(connection: Connection, environment: int, uuid: str) -> bytes:
    """Return a sheet of figures, sealed.

    Raises:
        StoreBrokenError: it is missing.
    """
    query = select(RISK_FIGURES.c.sealed).where(RISK_FIGURES.c.environment == environment, RISK_FIGURES.c.uuid == uuid)
    found = connection.execute(query).scalar()
    if found is None:
        raise StoreBrokenError("the figures that the log commits to are missing", where=f"sheet {uuid}")
    return bytes(found)


def count_figures(connection: Connection, environment: int) -> int:
    """Return how many sheets of figures are kept."""
    query = select(RISK_FIGURES.c.uuid).where(RISK_FIGURES.c.environment == environment)
    return len(connection.execute(query).all())
