"""Entries of rooms that keep rules of their own: each is handed what its rules ask of the entries before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tocsin.agreements import replay as agreements
from tocsin.errors import LogBrokenError
from tocsin.exchange.access import replay as access
from tocsin.exchange.emergency.replay import require_settled
from tocsin.exchange.live.webhooks import replay as webhooks
from tocsin.exchange.replay.forms import broken
from tocsin.exchange.sanitise import replay as sanitised
from tocsin.parties.model import PartyStatus, Role, UserStatus
from tocsin.parties.vetting import replay as vetting

if TYPE_CHECKING:
    from tocsin.agreements.model import Label
    from tocsin.exchange.replay.offers import Offers
    from tocsin.exchange.replay.state import State
    from tocsin.kernel.clock import Micros
    from tocsin.log.model import EntryPayload

__all__ = ["Before", "grant", "hook", "keep", "publish", "settle", "vet"]


class Before(NamedTuple):
    """What was told before."""

    state: State
    offers: Offers


def grant(before: Before, index: int, payload: EntryPayload) -> None:
    """Note what is told of a grant."""

    def versions(owner: str, object_id: str) -> list[Micros]:
        return [key[2] for key in before.offers.contributions if key[:2] == (owner, object_id)]

    situation = access.Situation(
        people=before.state.rebuilt.people, names=before.state.names, versions=versions, at=before.state.at
    )
    try:
        access.apply(before.state.rebuilt.granted, payload, situation)
    except LogBrokenError as error:
        raise broken(index, str(error)) from error


def vet(before: Before, index: int, payload: EntryPayload) -> None:
    """Note what is told of vetting."""
    try:
        vetting.apply(
            before.state.rebuilt.vetted,
            payload,
            people=before.state.rebuilt.people,
            names=before.state.names,
            at=before.state.at,
        )
    except LogBrokenError as error:
        raise broken(index, str(error)) from error


def publish(before: Before, index: int, payload: EntryPayload) -> None:
    """Note what is told of a sanitised version."""
    at = before.state.at
    world = _world(before, payload)
    sanitised.tell(before.state.rebuilt.sanitised, index, payload.kind, payload.data, at=at, world=world)


def _world(before: Before, payload: EntryPayload) -> sanitised.World:
    """Return what an entry about a sanitised version is held to."""
    rebuilt = before.state.rebuilt
    latest = before.offers.latest

    def label(owner: str, object_id: str, version: Micros) -> Label | None:
        number = before.offers.contributions.get((owner, object_id, version))
        return None if number is None else rebuilt.labels[number]

    homes = {
        before.state.names.get(reference.rpartition("@")[2])
        for reference in (payload.actor, payload.on_behalf_of)
        if reference is not None
    }
    return sanitised.World(
        publisher=rebuilt.hub or "",
        facts=lambda at: agreements.facts_of(rebuilt.agreed, rebuilt.people, at),
        label=label,
        newer=lambda owner, object_id, version: latest.get((owner, object_id), version) > version,
        offered=lambda *place: place in before.offers.standing,
        submitted=before.offers.submissions.get,
        called_back=lambda *key: before.offers.keeping.is_called_back(key),
        purged=lambda *key: before.offers.keeping.expired(key),
        speaks=homes.__contains__,
    )


def keep(before: Before, index: int, payload: EntryPayload) -> None:
    """Note what is told of purges, reviews, holds and recalls."""
    before.offers.keeping.step(index, payload, before.state.at)


def settle(before: Before, index: int, payload: EntryPayload) -> None:
    """Check that what follows the end of an annex was carried out when the entry says so."""
    try:
        require_settled(before.state.rebuilt.agreed, payload.data, before.offers.keeping)
    except LogBrokenError as error:
        raise broken(index, str(error)) from error


def hook(before: Before, index: int, payload: EntryPayload) -> None:
    """Note what is told of a webhook, for which an operator answers."""
    people = before.state.rebuilt.people.parties
    name, _, home = payload.actor.rpartition("@")
    user = before.state.rebuilt.people.users[before.state.names[home], name]
    if payload.kind != "webhook.removed" and (user.status is not UserStatus.ACTIVE or Role.OPERATOR not in user.roles):
        raise broken(index, "only operators register webhooks")

    def vetted(uri: str) -> bool:
        return uri in people and people[uri].status is PartyStatus.VETTED

    try:
        webhooks.apply(
            before.state.rebuilt.webhooks,
            payload.kind,
            payload.data,
            actor=payload.actor,
            vetted=vetted,
            collections=before.state.rebuilt.collections,
        )
    except LogBrokenError as error:
        raise broken(index, str(error)) from error
