"""The self-test of grants: each row is as its entries tell, and who knows of their collection was given something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from tocsin.agreements import grant_store
from tocsin.errors import StoreBrokenError
from tocsin.exchange.access.delegating import delegations_of
from tocsin.exchange.access.delegation import Delegation, delegation_from_data
from tocsin.exchange.access.granting import MADE_FOR
from tocsin.exchange.access.request import Outcome, Request, request_from_data, with_answer
from tocsin.exchange.access.requesting import requests_in
from tocsin.exchange.access.wire import grant_from_data
from tocsin.exchange.tables import AUDIENCES, MADE_COLLECTIONS
from tocsin.kernel.clock import parse_instant

if TYPE_CHECKING:
    from tocsin.agreements.grants import Grant
    from tocsin.exchange.case import Case

__all__ = ["check_access"]


def check_access(case: Case) -> str:
    """Compare what is stored with what the log tells.

    Raises:
        StoreBrokenError: they differ.
    """
    told: dict[str, Grant] = {}
    for _, payload in case.entries("grant.given", "grant.revoked"):
        at = parse_instant(payload.at)
        if payload.kind == "grant.given":
            grant = grant_from_data(payload.data, at)
            told[grant.uuid] = grant
        else:
            uuid = str(payload.data["grant"])
            told[uuid] = msgspec.structs.replace(told[uuid], revoked_at=at)
    stored = {one.uuid: one for one in grant_store.grants_of(case.connection, case.environment)}
    for uuid in sorted(told.keys() | stored.keys()):
        if told.get(uuid) != stored.get(uuid):
            raise StoreBrokenError("it is another than the log tells", where=f"grant {uuid}")
    known = case.connection.execute(
        select(AUDIENCES.c.party, AUDIENCES.c.since)
        .join(MADE_COLLECTIONS, MADE_COLLECTIONS.c.collection_id == AUDIENCES.c.collection_id)
        .where(AUDIENCES.c.environment == case.environment, MADE_COLLECTIONS.c.made_for == MADE_FOR)
    )
    since: dict[str, int] = {}
    for grant in told.values():
        since.setdefault(grant.party, grant.given_at)
    if {row.party: row.since for row in known} != since:
        raise StoreBrokenError("others know of it than were given a grant", where=f"collection for {MADE_FOR}")
    delegated, asked = _check_delegations(case), _check_requests(case)
    standing = sum(one.revoked_at is None for one in told.values())
    revoked = len(told) - standing
    return f"{len(told)} grants, {revoked} of them revoked; {delegated} delegations, {asked} requests"


def _check_delegations(case: Case) -> int:
    told: dict[str, Delegation] = {}
    for _, payload in case.entries("delegation.given", "delegation.revoked"):
        at = parse_instant(payload.at)
        if payload.kind == "delegation.given":
            one = delegation_from_data(payload.data, at)
            told[one.uuid] = one
        else:
            uuid = str(payload.data["delegation"])
            told[uuid] = msgspec.structs.replace(told[uuid], revoked_at=at)
    if told != {one.uuid: one for one in delegations_of(case.connection, case.environment)}:
        raise StoreBrokenError("they are others than the log tells", where="delegations")
    return len(told)


def _check_requests(case: Case) -> int:
    told: dict[str, Request] = {}
    for _, payload in case.entries("request.asked", "request.answered"):
        at, data = parse_instant(payload.at), payload.data
        if payload.kind == "request.asked":
            request = request_from_data(data, at)
            told[request.uuid] = request
        else:
            uuid = str(data["request"])
            grant, amendment = (None if data[name] is None else str(data[name]) for name in ("grant", "amendment"))
            told[uuid] = with_answer(
                told[uuid],
                Outcome(str(data["outcome"])),
                at=at,
                answer=str(data["answer"]),
                grant=grant,
                amendment=amendment,
            )
    if told != {one.uuid: one for one in requests_in(case.connection, case.environment)}:
        raise StoreBrokenError("they are others than the log tells", where="access_requests")
    return len(told)
