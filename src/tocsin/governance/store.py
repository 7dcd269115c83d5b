"""Rows of bodies and motions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import func, select, update

from tocsin.errors import StoreBrokenError
from tocsin.governance.model.bodies import Body
from tocsin.governance.model.charter import Charter
from tocsin.governance.model.disputes import Dispute
from tocsin.governance.model.motions import Motion, MotionStatus
from tocsin.governance.state import Governed
from tocsin.governance.tables import BODIES, CHARTERS, DISPUTES, MOTIONS
from tocsin.kernel.db.spans import EVERYTHING, stretch, within
from tocsin.kernel.db.store import next_id
from tocsin.kernel.mandate import Right

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import ColumnElement, Connection

    from tocsin.kernel.db.spans import Span, Stretch

__all__ = ["PENDING", "count_pending", "load", "load_all", "motions", "save", "verify"]

PENDING: Final = (MotionStatus.TABLED, MotionStatus.OPEN, MotionStatus.PASSED)
_BODY: Final = msgspec.json.Decoder(Body)
_CHARTER: Final = msgspec.json.Decoder(Charter)
_DISPUTE: Final = msgspec.json.Decoder(Dispute)
_MOTION: Final = msgspec.json.Decoder(Motion)


def load(
    connection: Connection,
    environment: int,
    *,
    uuids: Collection[str] = (),
    agreement: str | None = None,
    body: str | None = None,
    charters: bool = False,
) -> Governed:
    """Return all bodies, the motions and disputes named by ``uuids``, and the disputes that those motions are on.

    Of an agreement or a body, if it is given, the pending motions too; and the charters if they are asked for.
    """
    wanted: list[ColumnElement[bool]] = []
    if uuids:
        wanted.append(MOTIONS.c.uuid.in_(list(uuids)))
    if agreement is not None:
        wanted.append((MOTIONS.c.agreement == agreement) & MOTIONS.c.status.in_(PENDING))
    if body is not None:
        wanted.append((MOTIONS.c.body == body) & MOTIONS.c.status.in_(PENDING))
    found: dict[str, Motion] = {}
    for condition in wanted:
        found |= {motion.uuid: motion for motion in motions(connection, environment, condition)}
    standing, dissolved = _bodies(connection, environment)
    named = {*uuids} | {motion.subject for motion in found.values() if motion.right is Right.DISPUTE_DECIDE}
    told = disputes(connection, environment, DISPUTES.c.uuid.in_(list(named))) if named else []
    return Governed(
        bodies=standing,
        dissolved=dissolved,
        motions=found,
        disputes={dispute.uuid: dispute for dispute in told},
        charters=_charters(connection, environment) if charters else {},
    )


def load_all(connection: Connection, environment: int) -> Governed:
    """Return everything."""
    standing, dissolved = _bodies(connection, environment)
    return Governed(
        bodies=standing,
        dissolved=dissolved,
        motions={motion.uuid: motion for motion in motions(connection, environment)},
        disputes={dispute.uuid: dispute for dispute in disputes(connection, environment)},
        charters=_charters(connection, environment),
    )


def motions(connection: Connection, environment: int, *conditions: ColumnElement[bool]) -> list[Motion]:
    """Return motions in the order in which they were tabled."""
    return [motion for _, motion in numbered_motions(connection, environment, *conditions)]


def numbered_motions(
    connection: Connection, environment: int, *conditions: ColumnElement[bool], after: int = 0
) -> Iterator[tuple[int, Motion]]:
    """Yield motions with their numbers, behind the one of a number, in the order in which they were tabled."""
    query = select(MOTIONS.c.motion_id, MOTIONS.c.motion).where(MOTIONS.c.environment == environment, *conditions)
    for row in connection.execute(query.where(MOTIONS.c.motion_id > after).order_by(MOTIONS.c.motion_id)):
        yield row.motion_id, _MOTION.decode(row.motion)


def disputes(connection: Connection, environment: int, *conditions: ColumnElement[bool]) -> list[Dispute]:
    """Return disputes in the order in which they were filed."""
    return [*disputes_within(connection, environment, EVERYTHING, *conditions).items]


def disputes_within(
    connection: Connection, environment: int, span: Span, *conditions: ColumnElement[bool]
) -> Stretch[Dispute]:
    """Return a span of what ``disputes`` returns."""
    query = select(DISPUTES.c.dispute_id, DISPUTES.c.dispute).where(DISPUTES.c.environment == environment, *conditions)
    rows = connection.execute(within(query, DISPUTES.c.dispute_id, span))
    return stretch(((row.dispute_id, _DISPUTE.decode(row.dispute)) for row in rows), span)


def count_pending(connection: Connection, environment: int) -> int:
    """Return how many motions are not closed, or passed and not carried out."""
    query = select(func.count()).select_from(MOTIONS)
    found = connection.execute(query.where(MOTIONS.c.environment == environment, MOTIONS.c.status.in_(PENDING)))
    return int(found.scalar_one())


def save(connection: Connection, environment: int, before: Governed, after: Governed) -> None:
    """Write what differs."""
    for name, body in after.bodies.items():
        if before.bodies.get(name) != body:
            _put_body(connection, environment, body, new=name not in before.bodies)
    for name in after.dissolved.keys() - before.dissolved.keys():
        connection.execute(
            update(BODIES).where(BODIES.c.environment == environment, BODIES.c.name == name).values(dissolved=True)
        )
    for uuid, motion in after.motions.items():
        if before.motions.get(uuid) != motion:
            _put_motion(connection, environment, motion, new=uuid not in before.motions)
    for uuid, dispute in after.disputes.items():
        if before.disputes.get(uuid) != dispute:
            _put_dispute(connection, environment, dispute, new=uuid not in before.disputes)
    for name, charter in after.charters.items():
        if before.charters.get(name) != charter:
            _put_charter(connection, environment, charter, new=name not in before.charters)


def _bodies(connection: Connection, environment: int) -> tuple[dict[str, Body], dict[str, Body]]:
    query = select(BODIES.c.body, BODIES.c.dissolved).where(BODIES.c.environment == environment)
    standing: dict[str, Body] = {}
    dissolved: dict[str, Body] = {}
    for row in connection.execute(query.order_by(BODIES.c.body_id)):
        body = _BODY.decode(row.body)
        (dissolved if row.dissolved else standing)[body.name] = body
    return standing, dissolved


def _put_body(connection: Connection, environment: int, body: Body, *, new: bool) -> None:
    data = msgspec.json.encode(body)
    if new:
        connection.execute(
            BODIES.insert().values(
                body_id=next_id(connection, BODIES.c.body_id),
                environment=environment,
                name=body.name,
                dissolved=False,
                body=data,
            )
        )
        return
    connection.execute(
        update(BODIES).where(BODIES.c.environment == environment, BODIES.c.name == body.name).values(body=data)
    )


def _put_motion(connection: Connection, environment: int, motion: Motion, *, new: bool) -> None:
    columns = motion_columns(motion)
    if new:
        connection.execute(
            MOTIONS.insert().values(
                motion_id=next_id(connection, MOTIONS.c.motion_id), environment=environment, uuid=motion.uuid, **columns
            )
        )
        return
    connection.execute(
        update(MOTIONS).where(MOTIONS.c.environment == environment, MOTIONS.c.uuid == motion.uuid).values(**columns)
    )


def _charters(connection: Connection, environment: int) -> dict[str, Charter]:
    query = select(CHARTERS.c.charter).where(CHARTERS.c.environment == environment).order_by(CHARTERS.c.charter_id)
    found = [_CHARTER.decode(row.charter) for row in connection.execute(query)]
    return {charter.name: charter for charter in found}


def _put_charter(connection: Connection, environment: int, charter: Charter, *, new: bool) -> None:
    data, named = msgspec.json.encode(charter, order="deterministic"), {"version": charter.version}
    if new:
        charter_id = next_id(connection, CHARTERS.c.charter_id)
        values = {"charter_id": charter_id, "environment": environment, "name": charter.name, "charter": data, **named}
        connection.execute(CHARTERS.insert().values(values))
        return
    here = (CHARTERS.c.environment == environment) & (CHARTERS.c.name == charter.name)
    connection.execute(update(CHARTERS).where(here).values(charter=data, **named))


def _put_dispute(connection: Connection, environment: int, dispute: Dispute, *, new: bool) -> None:
    columns = dispute_columns(dispute)
    if new:
        dispute_id = next_id(connection, DISPUTES.c.dispute_id)
        connection.execute(
            DISPUTES.insert().values(dispute_id=dispute_id, environment=environment, uuid=dispute.uuid, **columns)
        )
        return
    connection.execute(
        update(DISPUTES).where(DISPUTES.c.environment == environment, DISPUTES.c.uuid == dispute.uuid).values(**columns)
    )


def dispute_columns(dispute: Dispute) -> dict[str, object]:
    """Return what stands beside a dispute in its row."""
    return {
        "status": str(dispute.status),
        "due": dispute.due,
        "complainant": dispute.complainant,
        "respondent": dispute.respondent,
        "dispute": msgspec.json.encode(dispute, order="deterministic"),
    }


def motion_columns(motion: Motion) -> dict[str, object]:
    """Return what stands beside a motion in its row."""
    return {
        "body": motion.body,
        "agreement": None if motion.about is None else motion.about.agreement,
        "status": str(motion.status),
        "tabled_at": motion.tabled_at,
        "deadline": motion.deadline,
        "until": motion.until,
        "motion": msgspec.json.encode(motion, order="deterministic"),
    }


def verify(connection: Connection, environment: int) -> str:
    """Return what there is, once each body and motion is kept under what it says of itself.

    Raises:
        StoreBrokenError: one is not; says which.
    """
    bodies = connection.execute(select(BODIES).where(BODIES.c.environment == environment)).all()
    for row in bodies:
        if _BODY.decode(row.body).name != row.name:
            raise StoreBrokenError("it is kept as another than it is", where=f"body {row.name}")
    rows = connection.execute(select(MOTIONS).where(MOTIONS.c.environment == environment)).all()
    for row in rows:
        motion = _MOTION.decode(row.motion)
        if motion.uuid != row.uuid or any(
            getattr(row, name) != value for name, value in motion_columns(motion).items()
        ):
            raise StoreBrokenError("it is kept as another than it is", where=f"motion {row.uuid}")
    filed = connection.execute(select(DISPUTES).where(DISPUTES.c.environment == environment)).all()
    for row in filed:
        dispute = _DISPUTE.decode(row.dispute)
        beside = dispute_columns(dispute) | {"uuid": dispute.uuid}
        if any(getattr(row, name) != value for name, value in beside.items()):
            raise StoreBrokenError("it is kept as another than it is", where=f"dispute {row.uuid}")
    adopted = connection.execute(select(CHARTERS).where(CHARTERS.c.environment == environment)).all()
    for row in adopted:
        charter = _CHARTER.decode(row.charter)
        if (charter.name, charter.version) != (row.name, row.version):
            raise StoreBrokenError("it is kept as another than it is", where=f"charter {row.name}")
    return f"{len(bodies)} bodies, {len(rows)} motions, {len(filed)} disputes, {len(adopted)} charters"
