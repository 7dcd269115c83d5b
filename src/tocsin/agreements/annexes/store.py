"""Activations, calls and shifts as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from tocsin.agreements.annexes.model import ActivatedBy, Activation, Asked, Call, Shift
from tocsin.agreements.tables import AGREEMENTS, ANNEX_ACTIVATIONS, ANNEX_CALLS, DUTY
from tocsin.errors import StoreBrokenError
from tocsin.kernel.mandate import MandateBasis

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

__all__ = [
    "CallRow",
    "add_call",
    "put_activations",
    "put_shift",
    "read_activations",
    "read_calls",
    "read_shifts",
]


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """A duty-holder's call, with the signatures that prove it, in base64."""

    agreement: str
    version: int
    number: int  # of all calls of the agreement, from 1
    call: Call
    reason: str
    signature: str
    ml_dsa_key: str | None
    ml_dsa_signature: str | None


def read_activations(connection: Connection, environment: int) -> dict[str, list[Activation]]:
    """Return the activations of each agreement, by its name, in the order of their numbers.

    Raises:
        StoreBrokenError: a row is not what it must be.
    """
    table = ANNEX_ACTIVATIONS
    query = (
        select(table, AGREEMENTS.c.name, AGREEMENTS.c.version)
        .join(AGREEMENTS, AGREEMENTS.c.agreement_id == table.c.agreement_id)
        .where(table.c.environment == environment)
        .order_by(AGREEMENTS.c.name, table.c.number)
    )
    found: dict[str, list[Activation]] = {}
    for row in connection.execute(query):
        try:
            by = ActivatedBy(row.activated_by)
            reviewed_by = None if row.reviewed_by is None else MandateBasis(row.reviewed_by)
        except ValueError as error:
            raise StoreBrokenError("nobody activates or reviews an annex so", where=f"annex of {row.name}") from error
        found.setdefault(row.name, []).append(
            Activation(
                annex=row.annex,
                version=row.version,
                by=by,
                number=row.number,
                starts=row.starts,
                ends=row.ends,
                ratify_by=row.ratify_by,
                ratified=row.ratified,
                ended=row.ended,
                reviewed=row.reviewed,
                reviewed_by=reviewed_by,
                settled=row.settled,
            )
        )
    return found


def put_activations(
    connection: Connection, environment: int, agreement_id: int, changed: Iterable[Activation], *, known: int
) -> None:
    """Enter activations as they are now; those whose number is beyond ``known`` are new."""
    table = ANNEX_ACTIVATIONS
    for one in changed:
        values: dict[str, Any] = msgspec.structs.asdict(one)
        del values["version"]
        values["activated_by"] = str(values.pop("by"))
        values["reviewed_by"] = None if one.reviewed_by is None else str(one.reviewed_by)
        if one.number > known:
            connection.execute(table.insert().values(environment=environment, agreement_id=agreement_id, **values))
            continue
        at = (table.c.agreement_id == agreement_id, table.c.number == one.number)
        connection.execute(table.update().where(*at).values(**values))


def read_calls(connection: Connection, environment: int, agreement: str | None = None) -> list[CallRow]:
    """Return the calls of one agreement, or of all, in the order of their numbers.

    Raises:
        StoreBrokenError: a row is not what it must be.
    """
    table = ANNEX_CALLS
    query = (
        select(table, AGREEMENTS.c.name, AGREEMENTS.c.version)
        .join(AGREEMENTS, AGREEMENTS.c.agreement_id == table.c.agreement_id)
        .where(table.c.environment == environment)
        .order_by(AGREEMENTS.c.name, table.c.number)
    )
    if agreement is not None:
        query = query.where(AGREEMENTS.c.name == agreement)
    found = []
    for row in connection.execute(query):
        try:
            asked = Asked(row.asked)
        except ValueError as error:
            raise StoreBrokenError("nobody calls for that", where=f"call for {row.name}") from error
        call = Call(
            annex=row.annex,
            party=row.party,
            kind=row.kind,
            user=row.user,
            at=row.at,
            asked=asked,
            said_at=row.said_at,
            key=row.key,
        )
        found.append(
            CallRow(
                agreement=row.name,
                version=row.version,
                number=row.number,
                call=call,
                reason=row.reason,
                signature=row.signature,
                ml_dsa_key=row.ml_dsa_key,
                ml_dsa_signature=row.ml_dsa_signature,
            )
        )
    return found


def add_call(connection: Connection, environment: int, agreement_id: int, made: CallRow) -> None:
    """Enter a call."""
    values: dict[str, Any] = msgspec.structs.asdict(made.call) | {"asked": str(made.call.asked)}
    connection.execute(
        ANNEX_CALLS.insert().values(
            environment=environment,
            agreement_id=agreement_id,
            number=made.number,
            reason=made.reason,
            signature=made.signature,
            ml_dsa_key=made.ml_dsa_key,
            ml_dsa_signature=made.ml_dsa_signature,
            **values,
        )
    )


def read_shifts(connection: Connection, environment: int) -> list[Shift]:
    """Return the last shift of everybody who ever had one, by party and user."""
    query = select(DUTY).where(DUTY.c.environment == environment).order_by(DUTY.c.party, DUTY.c.user)
    return [
        Shift(party=row.party, user=row.user, starts=row.starts, until=row.until) for row in connection.execute(query)
    ]


def put_shift(connection: Connection, environment: int, shift: Shift) -> None:
    """Enter a shift in place of the same person's last one."""
    who = (DUTY.c.environment == environment, DUTY.c.party == shift.party, DUTY.c.user == shift.user)
    connection.execute(DUTY.delete().where(*who))
    connection.execute(DUTY.insert().values(environment=environment, **msgspec.structs.asdict(shift)))
