"""One submission inside the writer's turn: chosen, planned, stored, offered and logged."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from tocsin.errors import ForbiddenError
from tocsin.exchange import store
from tocsin.exchange.access.delegating import standing_delegations
from tocsin.exchange.ceiling import above
from tocsin.exchange.ceilings import effective, read_ceiling
from tocsin.exchange.intake.choosing import Choosing, Chosen
from tocsin.exchange.intake.entering import enter
from tocsin.exchange.intake.results import invalid, spilled
from tocsin.exchange.intake.turn import Turn
from tocsin.exchange.model import Outcome, Receipt, Result
from tocsin.exchange.sanitise.making import Planned, Taken
from tocsin.exchange.stix import RefusedObject
from tocsin.kernel.clock import format_instant
from tocsin.kernel.ids import new_uuid
from tocsin.parties import store as parties
from tocsin.parties.model import PartyStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.model import Label
    from tocsin.exchange.access.delegation import Delegation
    from tocsin.exchange.ceiling import Screen
    from tocsin.exchange.intake.model import Submission
    from tocsin.exchange.intake.turn import Means
    from tocsin.exchange.model import Collection
    from tocsin.exchange.stix import ParsedBundle, ParsedObject

__all__ = ["offer", "take"]


def take(
    means: Means,
    connection: Connection,
    submission: Submission,
    parsed: ParsedBundle,
    screened: Screen,
    *,
    bounded: bool,
) -> Receipt:
    """Take what a party submitted.

    ``bounded``: its new labels count against its day's. Labels of what the hub publishes for others are bounded by what
    those may make.

    Raises:
        ForbiddenError, InputError, LimitError, NotFoundError: as ``Intake.submit``.
    """
    # in the writer's turn: what was lowered counts from the very next submission on, in every process
    ceiling = effective(read_ceiling(connection, means.environment).level, means.lowered_ceiling)
    turn = _begin(means, connection, submission)
    delegations = _delegated(turn)
    collection = store.find_collection(connection, means.environment, submission.collection, party=None)
    told: dict[int, Result] = {}
    objects: list[tuple[int, ParsedObject]] = []
    for index, item in enumerate(parsed.items):
        if above((screened.objects.get(index),), ceiling):
            told[index] = spilled(index)
        elif isinstance(item, RefusedObject):
            told[index] = invalid(item, index)
        else:
            objects.append((index, item))
    choosing = Choosing(turn, screened=screened, ceiling=ceiling, delegations=delegations, results=told)
    offers = choosing.choose(collection, objects)
    receipt = _receipt(turn, collection)
    planned = _plan(turn, collection, offers)
    for index, notes in planned.notes.items():
        told[index] = msgspec.structs.replace(told[index], notes=(*told[index].notes, *notes))
    receipt = msgspec.structs.replace(receipt, results=tuple(told[index] for index in range(len(parsed.items))))
    taken = any(result.outcome is not Outcome.REFUSED for result in receipt.results)
    if not taken and not submission.envelope:
        # what is refused as a whole leaves nothing behind; over TAXII the client may ask for its status (§4.3)
        return msgspec.structs.replace(receipt, id=None)
    enter(turn, collection, offers, receipt, delegations=delegations, bounded=bounded)
    means.making.enter(
        connection, planned, acting=submission.acting, submission=str(receipt.id), owner_id=turn.owner_id
    )
    return receipt


def offer(
    means: Means,
    connection: Connection,
    submission: Submission,
    collection: Collection,
    objects: Sequence[tuple[ParsedObject, Label]],
) -> Receipt:
    """Offer new objects of the hub's own, under labels that it gives: one for each whom it tells something.

    They are not bounded. What others have the hub publish counts as labels of its own, and could use up a day's before
    somebody has to be told to give something back.

    Raises:
        ForbiddenError: as ``Intake.submit``.
    """
    turn = _begin(means, connection, submission)
    offers = [
        Chosen(
            index=index,
            parsed=parsed,
            version=turn.at if parsed.version is None else parsed.version,
            digest=hashlib.sha256(parsed.body).digest(),
            label=label,
            bound=False,
            again=None,
            delegation=None,
        )
        for index, (parsed, label) in enumerate(objects)
    ]
    results = tuple(
        Result(index=one.index, id=one.parsed.id, version=format_instant(one.version), outcome=Outcome.ACCEPTED)
        for one in offers
    )
    receipt = msgspec.structs.replace(_receipt(turn, collection), results=results)
    enter(turn, collection, offers, receipt, delegations=(), bounded=False)
    return receipt


def _begin(means: Means, connection: Connection, submission: Submission) -> Turn:
    at = means.log.now(connection)
    owner_id = _vetted(connection, means.environment, submission.party)
    return Turn(means=means, connection=connection, submission=submission, owner_id=owner_id, at=at)


def _vetted(connection: Connection, environment: int, party: str) -> int:
    """Return the number of a party that may share.

    Raises:
        ForbiddenError: it is not vetted.
    """
    row = parties.party_by_uri(connection, environment, party)
    if row is None or row.party.status is not PartyStatus.VETTED:
        raise ForbiddenError("this party may not share: it is not vetted", where=party)
    return row.party_id


def _delegated(turn: Turn) -> Sequence[Delegation]:
    """Return the delegations under which somebody else shares for the party, the newest first; none: it shares itself.

    Raises:
        ForbiddenError: there is none, or that party is not vetted.
    """
    submission = turn.submission
    if submission.delegate is None:
        return ()
    _vetted(turn.connection, turn.environment, submission.delegate)
    return standing_delegations(
        turn.connection,
        turn.environment,
        represented=submission.party,
        delegate=submission.delegate,
        at=turn.at,
    )


def _receipt(turn: Turn, collection: Collection) -> Receipt:
    received_at = format_instant(turn.at)
    return Receipt(id=new_uuid(turn.means.entropy), collection=collection.alias, received_at=received_at, results=())


def _plan(turn: Turn, collection: Collection, offers: Sequence[Chosen]) -> Planned:
    """Find out which sanitised versions are made beside what is new here."""
    making, party = turn.means.making, turn.submission.party
    if not making.concerned(turn.connection, at=turn.at, party=party, owner_id=turn.owner_id):
        return Planned()
    return making.plan(
        turn.connection,
        at=turn.at,
        party=party,
        owner_id=turn.owner_id,
        collection=collection,
        taken=[
            Taken(index=offer.index, parsed=offer.parsed, version=offer.version, label=offer.label, bound=offer.bound)
            for offer in offers
            if offer.again is None
        ],
    )
