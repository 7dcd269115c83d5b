"""The self-test of what was offered anew, and of the collections made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from tocsin.errors import StoreBrokenError
from tocsin.exchange.model import Audience
from tocsin.exchange.releases import WITHDRAWN
from tocsin.exchange.tables import AUDIENCES, COLLECTIONS, CONTRIBUTIONS, MADE_COLLECTIONS, OFFERS
from tocsin.kernel.clock import parse_instant
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from tocsin.exchange.case import Case

__all__ = ["check_made", "check_offerings"]

# How many offers are compared at a time.
STEP: Final = 2_000


def check_offerings(case: Case) -> int:
    """Each offer is as its ``offering`` tells; returns how many there are.

    Raises:
        StoreBrokenError: one is not.
    """
    collections, total = case.collections(), 0
    for index, payload in case.entries("offering"):
        data = payload.data
        for start in range(0, len(data["offers"]), STEP):
            told = data["offers"][start : start + STEP]
            _compare(case, collections.get(data["collection"], 0), data["owner"], told, f"entry {index}")
        total += len(data["offers"])
    return total


def _compare(case: Case, collection_id: int, owner: str, told: list[dict[str, Any]], where: str) -> None:
    wanted = case.store.adapter.integers([offer["seq"] for offer in told], "wanted")
    rows = {
        row.offer_seq: row
        for row in case.connection.execute(
            select(OFFERS, CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.version.label("c_version"), PARTIES.c.uri)
            .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
            .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
            .where(OFFERS.c.collection_id == collection_id, OFFERS.c.offer_seq.in_(select(wanted.c.value)))
        )
    }
    for offer in told:
        row, here = rows.get(offer["seq"]), f"offer {offer['seq']} of {where}"
        if row is None:
            raise StoreBrokenError("it is not stored", where=here)
        stored = (row.object_id, row.version, row.c_version, row.date_added, row.uri, row.environment)
        version = offer["version"]
        if stored != (offer["object"], version, version, offer["added"], owner, case.environment):
            raise StoreBrokenError("it is of another object, version, owner or time than the log tells", where=here)
        if row.label_id != (offer["label"] if row.withdrawn_at is None else WITHDRAWN):
            raise StoreBrokenError(f"it has label {row.label_id}, the log says {offer['label']}", where=here)


def check_made(case: Case) -> None:
    """Collections made for something are as they were made, and no other claims to be; who knows of them is a party.

    Raises:
        StoreBrokenError: one is not.
    """
    columns = ("uuid", "alias", "title", "description", "audience", "made_for")
    rows = case.connection.execute(
        select(COLLECTIONS, MADE_COLLECTIONS.c.audience, MADE_COLLECTIONS.c.made_for)
        .join(MADE_COLLECTIONS, MADE_COLLECTIONS.c.collection_id == COLLECTIONS.c.collection_id)
        .where(MADE_COLLECTIONS.c.environment == case.environment)
    ).all()
    stored = {tuple(getattr(row, column) for column in (*columns, "created_at")) for row in rows}
    told = {
        (*(payload.data[column] for column in columns), parse_instant(payload.at))
        for _, payload in case.entries("collection.made")
    }
    if stored != told:
        raise StoreBrokenError("they are made for other things than the log tells", where="made_collections")
    closed = {row.collection_id for row in rows if row.audience == Audience.GIVEN}
    known = case.connection.execute(
        select(AUDIENCES.c.collection_id, AUDIENCES.c.party).where(AUDIENCES.c.environment == case.environment)
    )
    numbers = case.numbers()
    for row in known:
        if row.collection_id not in closed or row.party not in numbers:
            raise StoreBrokenError("somebody knows of a collection who cannot", where=row.party)
