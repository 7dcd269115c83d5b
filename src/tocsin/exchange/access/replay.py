"""Grants rebuilt from the payloads of the log alone: each given by who owns what it is about, while they could."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.agreements.grants import Grant, granted_label
from tocsin.errors import InputError, LogBrokenError, RefusedError
from tocsin.exchange.access.delegation import (
    Delegation,
    delegation_data,
    delegation_from_data,
    may_delegate,
    verify_delegation,
)
from tocsin.exchange.access.granting import MADE_FOR
from tocsin.exchange.access.request import Outcome, Request, request_from_data, with_answer
from tocsin.exchange.access.wire import grant_from_data
from tocsin.kernel.clock import Micros
from tocsin.parties.model import SPEAKERS, PartyStatus, Role, UserStatus
from tocsin.parties.replay import People

if TYPE_CHECKING:
    from tocsin.agreements.model import Label
    from tocsin.log.model import EntryPayload

__all__ = ["KINDS", "Granted", "Situation", "apply", "derived", "speaks_for"]

_OF_SECOND: Final = frozenset({"ml_dsa_key", "ml_dsa_signature"})


class Granted(msgspec.Struct, kw_only=True):
    """Every grant and delegation by its id."""

    grants: dict[str, Grant] = msgspec.field(default_factory=dict)
    delegations: dict[str, Delegation] = msgspec.field(default_factory=dict)
    requests: dict[str, Request] = msgspec.field(default_factory=dict)
    two_keys: bool = False  # whether the founding asked for both of a signatory's keys, or a delegation told of them
    with_one: list[str] = msgspec.field(default_factory=list)  # by a signatory who had two keys, signed with the first

    def of(self, party: str) -> list[Grant]:
        """Return the grants for a party (its URI)."""
        return [one for one in self.grants.values() if one.party == party]


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What the entries before an entry made, as far as grants rest on it; ``versions`` of an owner's object."""

    people: People
    names: Mapping[str, str]  # of parties -> URI
    versions: Callable[[str, str], Collection[Micros]]
    at: Micros


def apply(told: Granted, payload: EntryPayload, situation: Situation) -> None:
    """Note what an entry tells of grants.

    Raises:
        LogBrokenError: it cannot have happened.
    """
    try:
        _STEPS[payload.kind](told, payload, situation)
    except RefusedError as error:
        raise LogBrokenError(str(error), where=payload.kind) from error
    except (LookupError, TypeError, ValueError) as error:
        raise LogBrokenError("its payload has not the form of its kind", where=payload.kind) from error


def derived(
    told: Granted, uuid: str, label: Label, contribution: tuple[str, str, Micros], *, made_for: str, at: Micros
) -> Label:
    """Return the label that a grant makes of a contribution's own one.

    Raises:
        LogBrokenError: there is no such grant then, or it is about something else or offered elsewhere.
    """
    grant = told.grants.get(uuid)
    if grant is None or not grant.stands(at) or not grant.covers(*contribution) or made_for != MADE_FOR:
        raise LogBrokenError("it offers for a grant what that does not open", where=f"grant {uuid[:40]}")
    return granted_label(label, grant)


def speaks_for(payload: EntryPayload, uri: str, situation: Situation) -> bool:
    """Return whether an entry was made by or for a party, or one of its people who speak for it."""
    user, _, name = (payload.on_behalf_of or payload.actor).rpartition("@")
    if situation.names.get(name) != uri:
        return False
    person = situation.people.users.get((uri, user)) if user else None
    return not user or (person is not None and not person.roles.isdisjoint(SPEAKERS))


def _give(told: Granted, payload: EntryPayload, situation: Situation) -> None:
    grant = grant_from_data(payload.data, situation.at)
    parties = situation.people.parties
    for uri in (grant.owner, grant.party):
        if uri not in parties or parties[uri].status is not PartyStatus.VETTED:
            raise InputError("a party gave or was given a grant that was not vetted", where=uri)
    if grant.uuid in told.grants:
        raise InputError("there is a grant of this id already", where=grant.uuid)
    versions = situation.versions(grant.owner, grant.object_id)
    if not any(grant.covers(grant.owner, grant.object_id, version) for version in versions):
        raise InputError("its owner had contributed no such object", where=grant.uuid)
    _require_speaker(payload, grant, situation)
    told.grants[grant.uuid] = grant


def _revoke(told: Granted, payload: EntryPayload, situation: Situation) -> None:
    grant = told.grants[payload.data["grant"]]
    if (payload.data["owner"], payload.data["party"]) != (grant.owner, grant.party) or not grant.stands(situation.at):
        raise InputError("it revokes what is over, or another's", where=grant.uuid)
    _require_speaker(payload, grant, situation)
    told.grants[grant.uuid] = msgspec.structs.replace(grant, revoked_at=situation.at)


def _require_speaker(payload: EntryPayload, grant: Grant, situation: Situation) -> None:
    if not speaks_for(payload, grant.owner, situation):
        raise InputError("it was not done by or for its owner", where=grant.uuid)


def _delegate(told: Granted, payload: EntryPayload, situation: Situation) -> None:
    one = delegation_from_data(payload.data, situation.at)
    people = situation.people
    for uri in (one.represented, one.delegate):
        if uri not in people.parties or people.parties[uri].status is not PartyStatus.VETTED:
            raise InputError("it is between parties that were not vetted", where=one.uuid)
    if one.uuid in told.delegations:
        raise InputError("there is a delegation of this id already", where=one.uuid)
    user = people.users.get((one.represented, one.signatory))
    if user is None or Role.SIGNATORY not in user.roles or user.status is not UserStatus.ACTIVE:
        raise InputError("it is not by an active signatory", where=one.uuid)
    if not may_delegate(user, situation.at):
        raise InputError("it is not within its signatory's authority", where=one.uuid)
    # earlier versions took the first signature alone; their logs do not begin with the word that both are asked for
    earlier = not told.two_keys and "ml_dsa_key" not in payload.data
    told.two_keys = not earlier
    form = delegation_data(one)
    if payload.data != ({name: form[name] for name in form.keys() - _OF_SECOND} if earlier else form):
        raise InputError("it has not the form of a delegation", where=one.uuid)
    by_theirs = one.key == user.signing_key and (earlier or one.ml_dsa_key == user.ml_dsa_key)
    if not by_theirs or not speaks_for(payload, one.represented, situation):
        raise InputError("it is not by the represented party's registered keys", where=one.uuid)
    verify_delegation(one)
    if user.ml_dsa_key is not None and one.ml_dsa_key is None:
        told.with_one.append(one.uuid)
    told.delegations[one.uuid] = one


def _end_delegation(told: Granted, payload: EntryPayload, situation: Situation) -> None:
    one = told.delegations[payload.data["delegation"]]
    if (payload.data["represented"], payload.data["delegate"]) != (one.represented, one.delegate):
        raise InputError("it revokes another's", where=one.uuid)
    if not one.stands(situation.at) or not speaks_for(payload, one.represented, situation):
        raise InputError("it revokes what is over, or not for the represented party", where=one.uuid)
    told.delegations[one.uuid] = msgspec.structs.replace(one, revoked_at=situation.at)


def _ask(told: Granted, payload: EntryPayload, situation: Situation) -> None:
    request = request_from_data(payload.data, situation.at)
    parties = situation.people.parties
    asks = (payload.on_behalf_of or payload.actor).rpartition("@")[2]
    if situation.names.get(asks) != request.party or request.uuid in told.requests:
        raise InputError("it was not done by or for who asks, or was asked before", where=request.uuid)
    if request.party not in parties or parties[request.party].status is not PartyStatus.VETTED:
        raise InputError("a party asked that was not vetted", where=request.uuid)
    if request.party == request.owner or not situation.versions(request.owner, request.object_id):
        raise InputError("it asks for what its owner had not contributed", where=request.uuid)
    told.requests[request.uuid] = request


def _answer(told: Granted, payload: EntryPayload, situation: Situation) -> None:
    data = payload.data
    request = told.requests[data["request"]]
    outcome = Outcome(data["outcome"])
    answered = with_answer(
        request,
        outcome,
        at=situation.at,
        answer=data["answer"],
        grant=data["grant"],
        amendment=data["amendment"],
    )
    if (data["party"], data["owner"]) != (request.party, request.owner):
        raise InputError("it answers another's", where=request.uuid)
    if outcome is Outcome.WITHDRAWN:
        asks = (payload.on_behalf_of or payload.actor).rpartition("@")[2]
        if situation.names.get(asks) != request.party:
            raise InputError("it was not withdrawn by or for who asked", where=request.uuid)
    elif not speaks_for(payload, request.owner, situation):
        raise InputError("it was not answered by or for the owner", where=request.uuid)
    if answered.grant is not None:
        grant = told.grants[answered.grant]
        of_it = (grant.owner, grant.party, grant.object_id) == (request.owner, request.party, request.object_id)
        if not (of_it and request.asked_at <= grant.given_at <= situation.at):
            raise InputError("it was answered with another grant", where=request.uuid)
    told.requests[request.uuid] = answered


_STEPS: Final[dict[str, Any]] = {
    "request.asked": _ask,
    "request.answered": _answer,
    "grant.given": _give,
    "grant.revoked": _revoke,
    "delegation.given": _delegate,
    "delegation.revoked": _end_delegation,
}
KINDS: Final = frozenset(_STEPS)
