"""The acts with which motions are carried out: from what was asked to the services that do it, each under its mandate.

Each service asks the mandate whether it is for this, and the log asks again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

from msgspec.structs import replace

from tocsin.errors import InputError
from tocsin.exchange.api import mandated as asks
from tocsin.exchange.api.acts import act, number_in
from tocsin.exchange.recall.service import Decided
from tocsin.exchange.retention.model import Scope
from tocsin.governance.documents import read_body as read_seats
from tocsin.kernel.clock import Micros, parse_date
from tocsin.kernel.mandate import Right
from tocsin.parties.model import CLEARANCES, Authority, Kind, Party, Role, User, parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec

    from tocsin.agreements.service import Agreements
    from tocsin.exchange.api.acts import Act, Carrier
    from tocsin.exchange.ceilings import Ceilings
    from tocsin.exchange.collections import Collections
    from tocsin.exchange.emergency.service import Emergencies
    from tocsin.exchange.live.webhooks.service import Webhooks
    from tocsin.exchange.recall.service import Recalls
    from tocsin.exchange.retention.holds import Holds
    from tocsin.exchange.retention.service import Retention
    from tocsin.exchange.sanitise.service import Sanitised
    from tocsin.governance.charters import Charters
    from tocsin.governance.disputes import Disputes
    from tocsin.governance.service import Governance
    from tocsin.parties.service import Parties
    from tocsin.parties.vetting.service import Vetting

__all__ = ["LEFT_OUT", "Services", "acts"]

DOCUMENT: Final = "document"

_Row: TypeAlias = "Callable[[Services], Act]"

# What makes a secret, which is shown once, where it is made: at the hub's command line.
LEFT_OUT: Final = frozenset({Right.TOKEN_ISSUE, Right.WEBHOOK_ADD})


class Services(Protocol):
    """What the acts need of a hub."""

    agreements: Agreements
    ceilings: Ceilings
    charters: Charters
    collections: Collections
    disputes: Disputes
    emergencies: Emergencies
    governance: Governance
    holds: Holds
    parties: Parties
    recalls: Recalls
    retention: Retention
    sanitised: Sanitised
    vetting: Vetting
    webhooks: Webhooks


def acts(hub: Services) -> dict[str, Act]:
    """Return the acts of these rooms, by the names that a body has for them."""
    return {name: made(hub) for name, made in _ACTS.items()}


# --- parties and people ----------------------------------------------------------------------------------------------


def _party(old: Party, asked: asks.Attributes, parties: Parties) -> Party:
    """Return a party with what is given in the place of what it had."""
    lists = {name: getattr(asked, name) for name in ("capacities", "sectors", "communities")}
    return replace(
        old,
        title=asked.title or old.title,
        kind=asked.kind or old.kind,
        country=asked.country or old.country,
        clients=old.clients if asked.clients is None else frozenset(parties.get(one).uri for one in asked.clients),
        data_region=asked.data_region or old.data_region,
        **{name: frozenset(value) for name, value in lists.items() if value is not None},
    )


def _add_party(hub: Services, carrier: Carrier, asked: asks.NewParty) -> None:
    of, parties = asked.attributes, hub.parties
    if of.kind is None or of.country is None:
        raise InputError("a new party has a kind and a country", where="add_party.attributes", todo="give both")
    new = Party(uri=asked.uri, name=carrier.subject, title=carrier.subject, kind=Kind(of.kind), country=of.country)
    parties.add_party(carrier.acting, carrier.mandate, _party(new, of, parties))


def _change_party(hub: Services, carrier: Carrier, asked: asks.Attributes) -> None:
    parties = hub.parties
    parties.change_party(carrier.acting, carrier.mandate, _party(parties.get(carrier.subject), asked, parties))


def _clear_party(hub: Services, carrier: Carrier, asked: asks.Clearing) -> None:
    hub.parties.clear_party(
        carrier.acting,
        carrier.mandate,
        carrier.subject,
        clearance=asked.clearance,
        until=_day(asked.until),
        reason=asked.reason,
    )


def _admit_applicant(hub: Services, carrier: Carrier, asked: asks.Admitting) -> None:
    hub.vetting.admit(carrier.acting, carrier.mandate, asked.application, until=parse_date(asked.until))


def _prolong_vetting(hub: Services, carrier: Carrier, asked: asks.Prolonging) -> None:
    until = parse_date(asked.until)
    hub.vetting.prolong(carrier.acting, carrier.mandate, carrier.subject, until=until, reason=asked.reason)


def _suspend_party(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    hub.parties.suspend_party(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


def _let_party_go(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    hub.parties.leave_party(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


def _person(old: User, asked: asks.Personal) -> User:
    kept = old.clearance_until if asked.clearance is None and asked.until is None else _day(asked.until)
    return replace(
        old,
        roles=old.roles if asked.roles is None else frozenset(asked.roles),
        clearance=asked.clearance or old.clearance,
        clearance_until=kept,
        nationality=asked.nationality or old.nationality,
        purpose=asked.purpose or old.purpose,
    )


def _add_user(hub: Services, carrier: Carrier, asked: asks.Personal) -> None:
    party, name = parse_reference(carrier.subject)
    home = hub.parties.get(party)
    new = User(name=name or "", party=home.uri, roles=frozenset({Role.VIEWER}), clearance=CLEARANCES[0])
    hub.parties.add_user(carrier.acting, carrier.mandate, _person(new, asked))


def _change_user(hub: Services, carrier: Carrier, asked: asks.Personal) -> None:
    _, user = hub.parties.resolve(carrier.subject)
    if user is None:
        raise InputError("this is no user", where=carrier.subject)
    hub.parties.change_user(carrier.acting, carrier.mandate, _person(user, asked))


def _register_keys(hub: Services, carrier: Carrier, asked: asks.Keys) -> None:
    hub.parties.register_signing_key(
        carrier.acting, carrier.mandate, carrier.subject, asked.key, ml_dsa_key=asked.ml_dsa_key
    )


def _authorise_signatory(hub: Services, carrier: Carrier, asked: asks.Signing) -> None:
    given = Authority(agreements=frozenset(asked.agreements), until=_day(asked.until), evidence=asked.evidence)
    authority = None if given == Authority() else given
    hub.parties.authorise_signatory(carrier.acting, carrier.mandate, carrier.subject, authority)


def _disable_user(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    hub.parties.disable_user(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


def _revoke_token(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    hub.parties.revoke_token(carrier.acting, carrier.mandate, number_in(carrier.subject), asked.reason)


# --- agreements ------------------------------------------------------------------------------------------------------


def _propose_agreement(hub: Services, carrier: Carrier, asked: asks.Proposal) -> None:
    hub.agreements.propose(
        carrier.acting, carrier.mandate, asked.document.encode(), where=DOCUMENT, amends=asked.amends
    )


def _activate_agreement(hub: Services, carrier: Carrier, _asked: asks.Nothing) -> None:
    hub.agreements.activate(carrier.acting, carrier.mandate, *carrier.version())


def _adopt_amendment(hub: Services, carrier: Carrier, _asked: asks.Nothing) -> None:
    with hub.agreements.living(carrier.acting) as acts:
        acts.adopt(carrier.mandate, *carrier.version())


def _suspend_agreement(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    with hub.agreements.living(carrier.acting) as acts:
        acts.suspend(carrier.mandate, *carrier.version(), asked.reason)


def _resume_agreement(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    with hub.agreements.living(carrier.acting) as acts:
        acts.resume(carrier.mandate, *carrier.version(), asked.reason)


def _terminate_agreement(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    with hub.agreements.living(carrier.acting) as acts:
        acts.terminate(carrier.mandate, *carrier.version(), asked.reason)


def _admit_to_agreement(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    with hub.agreements.living(carrier.acting) as acts:
        acts.admit(carrier.mandate, *carrier.version(), carrier.part(":"), asked.reason)


def _grant_grace(hub: Services, carrier: Carrier, asked: asks.Grace) -> None:
    with hub.agreements.living(carrier.acting) as acts:
        acts.grace(
            carrier.mandate,
            *carrier.version(),
            basis=carrier.part(":"),
            parties_=frozenset(asked.parties),
            until=parse_date(asked.until),
            reason=asked.reason,
        )


def _activate_annex(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    with hub.agreements.emergency(carrier.acting) as acts:
        acts.activate(carrier.mandate, *carrier.version(), carrier.part("#"), asked.reason)
    hub.emergencies.turn()


def _ratify_annex(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    with hub.agreements.emergency(carrier.acting) as acts:
        acts.ratify(carrier.mandate, *carrier.version(), carrier.part("#"), asked.reason)
    hub.emergencies.turn()


def _end_annex(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    with hub.agreements.emergency(carrier.acting) as acts:
        acts.end(carrier.mandate, *carrier.version(), carrier.part("#"), asked.reason)
    hub.emergencies.turn()


def _review_annex(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    with hub.agreements.emergency(carrier.acting) as acts:
        acts.review(carrier.mandate, *carrier.version(), carrier.part("#"), asked.reason)


def _set_duty(hub: Services, carrier: Carrier, asked: asks.Duty) -> None:
    with hub.agreements.emergency(carrier.acting) as acts:
        acts.set_duty(carrier.mandate, carrier.subject, starts=parse_date(asked.starts), until=parse_date(asked.until))


# --- the exchange ----------------------------------------------------------------------------------------------------


def _add_collection(hub: Services, carrier: Carrier, asked: asks.NewCollection) -> None:
    hub.collections.add(
        carrier.acting, carrier.mandate, carrier.subject, title=asked.title, description=asked.description
    )


def _set_ceiling(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    hub.ceilings.set(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


def _place_hold(hub: Services, carrier: Carrier, asked: asks.NewHold) -> None:
    hub.holds.place(
        carrier.acting,
        carrier.mandate,
        authority=carrier.subject,
        reason=asked.reason,
        scope=Scope(
            owner=None if asked.party is None else hub.parties.get(asked.party).uri,
            objects=tuple(sorted(set(asked.objects))),
            types=tuple(sorted(set(asked.types))),
            since=_day(asked.since),
            until=_day(asked.before),
        ),
        until=parse_date(asked.until),
    )


def _renew_hold(hub: Services, carrier: Carrier, asked: asks.Longer) -> None:
    until = parse_date(asked.until)
    hub.holds.renew(carrier.acting, carrier.mandate, carrier.subject, reason=asked.reason, until=until)


def _lift_hold(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    hub.holds.lift(carrier.acting, carrier.mandate, carrier.subject, reason=asked.reason)


def _impose_recall(hub: Services, carrier: Carrier, asked: asks.Imposing) -> None:
    parties = hub.parties
    hub.recalls.recall(
        carrier.acting,
        parties.get(asked.party).uri,
        asked.object,
        demand=asked.demand,
        due=parse_date(asked.by),
        reason=asked.reason,
        recipients=None if asked.recipients is None else frozenset(parties.get(one).uri for one in asked.recipients),
        decided=Decided(mandate=carrier.mandate, basis=carrier.subject),
    )
    hub.retention.erase()


def _remove_webhook(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    hub.webhooks.remove(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


def _resume_webhook(hub: Services, carrier: Carrier, _asked: asks.Nothing) -> None:
    hub.webhooks.resume(carrier.acting, carrier.mandate, carrier.subject)


def _clear_sanitised(hub: Services, carrier: Carrier, _asked: asks.Nothing) -> None:
    hub.sanitised.clear(carrier.acting, carrier.mandate, carrier.subject)


def _stop_sanitised(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    hub.sanitised.stop(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


# --- governance ------------------------------------------------------------------------------------------------------


def _constitute_body(hub: Services, carrier: Carrier, asked: asks.Seating) -> None:
    body = read_seats(asked.document.encode(), where=DOCUMENT)
    hub.governance.constitute(carrier.acting, carrier.mandate, body)


def _change_body(hub: Services, carrier: Carrier, asked: asks.Seating) -> None:
    body = read_seats(asked.document.encode(), where=DOCUMENT)
    hub.governance.change(carrier.acting, carrier.mandate, body, asked.reason)


def _dissolve_body(hub: Services, carrier: Carrier, asked: asks.Because) -> None:
    hub.governance.dissolve(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


def _decide_dispute(hub: Services, carrier: Carrier, asked: asks.Deciding) -> None:
    hub.disputes.decide(
        carrier.acting,
        carrier.mandate,
        carrier.subject,
        outcome=asked.outcome,
        reasons=asked.reasons,
        remedy=asked.remedy,
    )


def _adopt_charter(hub: Services, carrier: Carrier, asked: asks.Seating) -> None:
    hub.charters.adopt(carrier.acting, carrier.mandate, asked.document.encode(), where=DOCUMENT)


# --- common ----------------------------------------------------------------------------------------------------------


def _day(text: str | None) -> Micros | None:
    return None if text is None else parse_date(text)


A = TypeVar("A", bound="msgspec.Struct")


def _act(right: Right, takes: type[A], run: Callable[[Services, Carrier, A], None]) -> _Row:
    return lambda hub: act(right, takes, partial(run, hub))


_ACTS: Final[dict[str, _Row]] = {
    "add_party": _act(Right.PARTY_ADD, asks.NewParty, _add_party),
    "change_party": _act(Right.PARTY_CHANGE, asks.Attributes, _change_party),
    "clear_party": _act(Right.PARTY_CLEAR, asks.Clearing, _clear_party),
    "admit_applicant": _act(Right.PARTY_CLEAR, asks.Admitting, _admit_applicant),
    "prolong_vetting": _act(Right.VETTING_PROLONG, asks.Prolonging, _prolong_vetting),
    "suspend_party": _act(Right.PARTY_SUSPEND, asks.Because, _suspend_party),
    "let_party_go": _act(Right.PARTY_LEAVE, asks.Because, _let_party_go),
    "add_user": _act(Right.USER_ADD, asks.Personal, _add_user),
    "change_user": _act(Right.USER_CHANGE, asks.Personal, _change_user),
    "register_keys": _act(Right.USER_CHANGE, asks.Keys, _register_keys),
    "authorise_signatory": _act(Right.USER_CHANGE, asks.Signing, _authorise_signatory),
    "disable_user": _act(Right.USER_DISABLE, asks.Because, _disable_user),
    "revoke_token": _act(Right.TOKEN_REVOKE, asks.Because, _revoke_token),
    "propose_agreement": _act(Right.AGREEMENT_PROPOSE, asks.Proposal, _propose_agreement),
    "activate_agreement": _act(Right.AGREEMENT_ACTIVATE, asks.Nothing, _activate_agreement),
    "adopt_amendment": _act(Right.AGREEMENT_ACTIVATE, asks.Nothing, _adopt_amendment),
    "suspend_agreement": _act(Right.AGREEMENT_SUSPEND, asks.Because, _suspend_agreement),
    "resume_agreement": _act(Right.AGREEMENT_RESUME, asks.Because, _resume_agreement),
    "terminate_agreement": _act(Right.AGREEMENT_TERMINATE, asks.Because, _terminate_agreement),
    "admit_to_agreement": _act(Right.ACCESSION_ADMIT, asks.Because, _admit_to_agreement),
    "grant_grace": _act(Right.LAPSE_GRACE, asks.Grace, _grant_grace),
    "activate_annex": _act(Right.ANNEX_ACTIVATE, asks.Because, _activate_annex),
    "ratify_annex": _act(Right.ANNEX_ACTIVATE, asks.Because, _ratify_annex),
    "end_annex": _act(Right.ANNEX_END, asks.Because, _end_annex),
    "review_annex": _act(Right.ANNEX_REVIEW, asks.Because, _review_annex),
    "set_duty": _act(Right.DUTY_SET, asks.Duty, _set_duty),
    "add_collection": _act(Right.COLLECTION_ADD, asks.NewCollection, _add_collection),
    "set_ceiling": _act(Right.CEILING_SET, asks.Because, _set_ceiling),
    "place_hold": _act(Right.HOLD_PLACE, asks.NewHold, _place_hold),
    "renew_hold": _act(Right.HOLD_RENEW, asks.Longer, _renew_hold),
    "lift_hold": _act(Right.HOLD_LIFT, asks.Because, _lift_hold),
    "impose_recall": _act(Right.RECALL_ORDER, asks.Imposing, _impose_recall),
    "remove_webhook": _act(Right.WEBHOOK_REMOVE, asks.Because, _remove_webhook),
    "resume_webhook": _act(Right.WEBHOOK_RESUME, asks.Nothing, _resume_webhook),
    "constitute_body": _act(Right.BODY_CONSTITUTE, asks.Seating, _constitute_body),
    "change_body": _act(Right.BODY_CHANGE, asks.Seating, _change_body),
    "dissolve_body": _act(Right.BODY_DISSOLVE, asks.Because, _dissolve_body),
    "decide_dispute": _act(Right.DISPUTE_DECIDE, asks.Deciding, _decide_dispute),
    "adopt_charter": _act(Right.CHARTER_ADOPT, asks.Seating, _adopt_charter),
    "clear_sanitised": _act(Right.SANITISED_APPROVE, asks.Nothing, _clear_sanitised),
    "stop_sanitised": _act(Right.SANITISED_STOP, asks.Because, _stop_sanitised),
}
