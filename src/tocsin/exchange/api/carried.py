"""The acts with which motions are carried out: from what was asked to the services that do it, each under its mandate.

Each service asks the mandate whether it is for this, and the log asks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from msgspec.structs import replace

from tocsin.errors import InputError
from tocsin.exchange.api import mandated as asks
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
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.parties.service import Parties
    from tocsin.parties.vetting.service import Vetting

__all__ = ["LEFT_OUT", "RIGHTS", "Carrier", "Services", "carry_out"]

DOCUMENT: Final = "document"

# What makes a secret, which is shown once, where it is made: at the hub's command line. And what rooms above do.
LEFT_OUT: Final = frozenset(
    {
        Right.TOKEN_ISSUE,
        Right.WEBHOOK_ADD,
        Right.ROLLUP_PUBLISH,
        Right.CATALOGUE_IMPORT,
        Right.TARGET_SET,
        Right.FUND_OPEN,
        Right.PORTFOLIO_DECIDE,
        Right.AWARD_MAKE,
        Right.AWARD_CALL_BACK,
        Right.TRANCHE_RELEASE,
        Right.CLAIM_DECIDE,
    }
)


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


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """Who carries out a motion, under which mandate, and what it is used on."""

    hub: Services
    acting: Acting
    mandate: Mandate
    subject: str

    def version(self) -> tuple[str, int]:
        """Return the name and number in ``name/version``, up to a colon or a hash.

        Raises:
            InputError: the subject is none.
        """
        name, _, number = self.subject.partition(":")[0].partition("#")[0].partition("/")
        return name, _number(number)

    def part(self, sign: str) -> str:
        """Return what stands behind a colon or a hash in the subject."""
        return self.subject.partition(sign)[2]


def carry_out(carrier: Carrier, act: str, asked: msgspec.Struct) -> None:
    """Do what a motion decided; durable and logged when this returns.

    Raises:
        TocsinError: as the act itself.
    """
    _ACTS[act][1](carrier, asked)


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


def _add_party(carrier: Carrier, asked: asks.NewParty) -> None:
    of, parties = asked.attributes, carrier.hub.parties
    if of.kind is None or of.country is None:
        raise InputError("a new party has a kind and a country", where="add_party.attributes", todo="give both")
    new = Party(uri=asked.uri, name=carrier.subject, title=carrier.subject, kind=Kind(of.kind), country=of.country)
    parties.add_party(carrier.acting, carrier.mandate, _party(new, of, parties))


def _change_party(carrier: Carrier, asked: asks.Attributes) -> None:
    parties = carrier.hub.parties
    parties.change_party(carrier.acting, carrier.mandate, _party(parties.get(carrier.subject), asked, parties))


def _clear_party(carrier: Carrier, asked: asks.Clearing) -> None:
    carrier.hub.parties.clear_party(
        carrier.acting,
        carrier.mandate,
        carrier.subject,
        clearance=asked.clearance,
        until=_day(asked.until),
        reason=asked.reason,
    )


def _admit_applicant(carrier: Carrier, asked: asks.Admitting) -> None:
    carrier.hub.vetting.admit(carrier.acting, carrier.mandate, asked.application, until=parse_date(asked.until))


def _prolong_vetting(carrier: Carrier, asked: asks.Prolonging) -> None:
    until = parse_date(asked.until)
    carrier.hub.vetting.prolong(carrier.acting, carrier.mandate, carrier.subject, until=until, reason=asked.reason)


def _suspend_party(carrier: Carrier, asked: asks.Because) -> None:
    carrier.hub.parties.suspend_party(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


def _let_party_go(carrier: Carrier, asked: asks.Because) -> None:
    carrier.hub.parties.leave_party(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


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


def _add_user(carrier: Carrier, asked: asks.Personal) -> None:
    party, name = parse_reference(carrier.subject)
    home = carrier.hub.parties.get(party)
    new = User(name=name or "", party=home.uri, roles=frozenset({Role.VIEWER}), clearance=CLEARANCES[0])
    carrier.hub.parties.add_user(carrier.acting, carrier.mandate, _person(new, asked))


def _change_user(carrier: Carrier, asked: asks.Personal) -> None:
    _, user = carrier.hub.parties.resolve(carrier.subject)
    if user is None:
        raise InputError("this is no user", where=carrier.subject)
    carrier.hub.parties.change_user(carrier.acting, carrier.mandate, _person(user, asked))


def _register_keys(carrier: Carrier, asked: asks.Keys) -> None:
    carrier.hub.parties.register_signing_key(
        carrier.acting, carrier.mandate, carrier.subject, asked.key, ml_dsa_key=asked.ml_dsa_key
    )


def _authorise_signatory(carrier: Carrier, asked: asks.Signing) -> None:
    given = Authority(agreements=frozenset(asked.agreements), until=_day(asked.until), evidence=asked.evidence)
    authority = None if given == Authority() else given
    carrier.hub.parties.authorise_signatory(carrier.acting, carrier.mandate, carrier.subject, authority)


def _disable_user(carrier: Carrier, asked: asks.Because) -> None:
    carrier.hub.parties.disable_user(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


def _revoke_token(carrier: Carrier, asked: asks.Because) -> None:
    carrier.hub.parties.revoke_token(carrier.acting, carrier.mandate, _number(carrier.subject), asked.reason)


# --- agreements ------------------------------------------------------------------------------------------------------


def _propose_agreement(carrier: Carrier, asked: asks.Proposal) -> None:
    carrier.hub.agreements.propose(
        carrier.acting, carrier.mandate, asked.document.encode(), where=DOCUMENT, amends=asked.amends
    )


def _activate_agreement(carrier: Carrier, _asked: asks.Nothing) -> None:
    carrier.hub.agreements.activate(carrier.acting, carrier.mandate, *carrier.version())


def _adopt_amendment(carrier: Carrier, _asked: asks.Nothing) -> None:
    with carrier.hub.agreements.living(carrier.acting) as acts:
        acts.adopt(carrier.mandate, *carrier.version())


def _suspend_agreement(carrier: Carrier, asked: asks.Because) -> None:
    with carrier.hub.agreements.living(carrier.acting) as acts:
        acts.suspend(carrier.mandate, *carrier.version(), asked.reason)


def _resume_agreement(carrier: Carrier, asked: asks.Because) -> None:
    with carrier.hub.agreements.living(carrier.acting) as acts:
        acts.resume(carrier.mandate, *carrier.version(), asked.reason)


def _terminate_agreement(carrier: Carrier, asked: asks.Because) -> None:
    with carrier.hub.agreements.living(carrier.acting) as acts:
        acts.terminate(carrier.mandate, *carrier.version(), asked.reason)


def _admit_to_agreement(carrier: Carrier, asked: asks.Because) -> None:
    with carrier.hub.agreements.living(carrier.acting) as acts:
        acts.admit(carrier.mandate, *carrier.version(), carrier.part(":"), asked.reason)


def _grant_grace(carrier: Carrier, asked: asks.Grace) -> None:
    with carrier.hub.agreements.living(carrier.acting) as acts:
        acts.grace(
            carrier.mandate,
            *carrier.version(),
            basis=carrier.part(":"),
            parties_=frozenset(asked.parties),
            until=parse_date(asked.until),
            reason=asked.reason,
        )


def _activate_annex(carrier: Carrier, asked: asks.Because) -> None:
    with carrier.hub.agreements.emergency(carrier.acting) as acts:
        acts.activate(carrier.mandate, *carrier.version(), carrier.part("#"), asked.reason)
    carrier.hub.emergencies.turn()


def _ratify_annex(carrier: Carrier, asked: asks.Because) -> None:
    with carrier.hub.agreements.emergency(carrier.acting) as acts:
        acts.ratify(carrier.mandate, *carrier.version(), carrier.part("#"), asked.reason)
    carrier.hub.emergencies.turn()


def _end_annex(carrier: Carrier, asked: asks.Because) -> None:
    with carrier.hub.agreements.emergency(carrier.acting) as acts:
        acts.end(carrier.mandate, *carrier.version(), carrier.part("#"), asked.reason)
    carrier.hub.emergencies.turn()


def _review_annex(carrier: Carrier, asked: asks.Because) -> None:
    with carrier.hub.agreements.emergency(carrier.acting) as acts:
        acts.review(carrier.mandate, *carrier.version(), carrier.part("#"), asked.reason)


def _set_duty(carrier: Carrier, asked: asks.Duty) -> None:
    with carrier.hub.agreements.emergency(carrier.acting) as acts:
        acts.set_duty(carrier.mandate, carrier.subject, starts=parse_date(asked.starts), until=parse_date(asked.until))


# --- the exchange ----------------------------------------------------------------------------------------------------


def _add_collection(carrier: Carrier, asked: asks.NewCollection) -> None:
    carrier.hub.collections.add(
        carrier.acting, carrier.mandate, carrier.subject, title=asked.title, description=asked.description
    )


def _set_ceiling(carrier: Carrier, asked: asks.Because) -> None:
    carrier.hub.ceilings.set(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


def _place_hold(carrier: Carrier, asked: asks.NewHold) -> None:
    carrier.hub.holds.place(
        carrier.acting,
        carrier.mandate,
        authority=carrier.subject,
        reason=asked.reason,
        scope=Scope(
            owner=None if asked.party is None else carrier.hub.parties.get(asked.party).uri,
            objects=tuple(sorted(set(asked.objects))),
            types=tuple(sorted(set(asked.types))),
            since=_day(asked.since),
            until=_day(asked.before),
        ),
        until=parse_date(asked.until),
    )


def _renew_hold(carrier: Carrier, asked: asks.Longer) -> None:
    until = parse_date(asked.until)
    carrier.hub.holds.renew(carrier.acting, carrier.mandate, carrier.subject, reason=asked.reason, until=until)


def _lift_hold(carrier: Carrier, asked: asks.Because) -> None:
    carrier.hub.holds.lift(carrier.acting, carrier.mandate, carrier.subject, reason=asked.reason)


def _impose_recall(carrier: Carrier, asked: asks.Imposing) -> None:
    parties = carrier.hub.parties
    carrier.hub.recalls.recall(
        carrier.acting,
        parties.get(asked.party).uri,
        asked.object,
        demand=asked.demand,
        due=parse_date(asked.by),
        reason=asked.reason,
        recipients=None if asked.recipients is None else frozenset(parties.get(one).uri for one in asked.recipients),
        decided=Decided(mandate=carrier.mandate, basis=carrier.subject),
    )
    carrier.hub.retention.erase()


def _remove_webhook(carrier: Carrier, asked: asks.Because) -> None:
    carrier.hub.webhooks.remove(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


def _resume_webhook(carrier: Carrier, _asked: asks.Nothing) -> None:
    carrier.hub.webhooks.resume(carrier.acting, carrier.mandate, carrier.subject)


def _clear_sanitised(carrier: Carrier, _asked: asks.Nothing) -> None:
    carrier.hub.sanitised.clear(carrier.acting, carrier.mandate, carrier.subject)


def _stop_sanitised(carrier: Carrier, asked: asks.Because) -> None:
    carrier.hub.sanitised.stop(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


# --- governance ------------------------------------------------------------------------------------------------------


def _constitute_body(carrier: Carrier, asked: asks.Seating) -> None:
    body = read_seats(asked.document.encode(), where=DOCUMENT)
    carrier.hub.governance.constitute(carrier.acting, carrier.mandate, body)


def _change_body(carrier: Carrier, asked: asks.Seating) -> None:
    body = read_seats(asked.document.encode(), where=DOCUMENT)
    carrier.hub.governance.change(carrier.acting, carrier.mandate, body, asked.reason)


def _dissolve_body(carrier: Carrier, asked: asks.Because) -> None:
    carrier.hub.governance.dissolve(carrier.acting, carrier.mandate, carrier.subject, asked.reason)


def _decide_dispute(carrier: Carrier, asked: asks.Deciding) -> None:
    carrier.hub.disputes.decide(
        carrier.acting,
        carrier.mandate,
        carrier.subject,
        outcome=asked.outcome,
        reasons=asked.reasons,
        remedy=asked.remedy,
    )


def _adopt_charter(carrier: Carrier, asked: asks.Seating) -> None:
    carrier.hub.charters.adopt(carrier.acting, carrier.mandate, asked.document.encode(), where=DOCUMENT)


# --- common ----------------------------------------------------------------------------------------------------------


def _day(text: str | None) -> Micros | None:
    return None if text is None else parse_date(text)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):  # noqa: PLR2004  below 64 bits
        raise InputError("the motion is on no such thing: it names no number", where=text[:80])
    return int(text)


A = TypeVar("A", bound="msgspec.Struct")


def _act(shape: type[A], run: Callable[[Carrier, A], None]) -> Callable[[Carrier, msgspec.Struct], None]:
    """Return an act as a function of whatever body; ``Execution`` gives each its own."""

    def act(carrier: Carrier, asked: msgspec.Struct) -> None:
        if not isinstance(asked, shape):
            raise InputError("this is not what the act takes")
        run(carrier, asked)

    return act


_ACTS: Final[dict[str, tuple[Right, Callable[[Carrier, msgspec.Struct], None]]]] = {
    "add_party": (Right.PARTY_ADD, _act(asks.NewParty, _add_party)),
    "change_party": (Right.PARTY_CHANGE, _act(asks.Attributes, _change_party)),
    "clear_party": (Right.PARTY_CLEAR, _act(asks.Clearing, _clear_party)),
    "admit_applicant": (Right.PARTY_CLEAR, _act(asks.Admitting, _admit_applicant)),
    "prolong_vetting": (Right.VETTING_PROLONG, _act(asks.Prolonging, _prolong_vetting)),
    "suspend_party": (Right.PARTY_SUSPEND, _act(asks.Because, _suspend_party)),
    "let_party_go": (Right.PARTY_LEAVE, _act(asks.Because, _let_party_go)),
    "add_user": (Right.USER_ADD, _act(asks.Personal, _add_user)),
    "change_user": (Right.USER_CHANGE, _act(asks.Personal, _change_user)),
    "register_keys": (Right.USER_CHANGE, _act(asks.Keys, _register_keys)),
    "authorise_signatory": (Right.USER_CHANGE, _act(asks.Signing, _authorise_signatory)),
    "disable_user": (Right.USER_DISABLE, _act(asks.Because, _disable_user)),
    "revoke_token": (Right.TOKEN_REVOKE, _act(asks.Because, _revoke_token)),
    "propose_agreement": (Right.AGREEMENT_PROPOSE, _act(asks.Proposal, _propose_agreement)),
    "activate_agreement": (Right.AGREEMENT_ACTIVATE, _act(asks.Nothing, _activate_agreement)),
    "adopt_amendment": (Right.AGREEMENT_ACTIVATE, _act(asks.Nothing, _adopt_amendment)),
    "suspend_agreement": (Right.AGREEMENT_SUSPEND, _act(asks.Because, _suspend_agreement)),
    "resume_agreement": (Right.AGREEMENT_RESUME, _act(asks.Because, _resume_agreement)),
    "terminate_agreement": (Right.AGREEMENT_TERMINATE, _act(asks.Because, _terminate_agreement)),
    "admit_to_agreement": (Right.ACCESSION_ADMIT, _act(asks.Because, _admit_to_agreement)),
    "grant_grace": (Right.LAPSE_GRACE, _act(asks.Grace, _grant_grace)),
    "activate_annex": (Right.ANNEX_ACTIVATE, _act(asks.Because, _activate_annex)),
    "ratify_annex": (Right.ANNEX_ACTIVATE, _act(asks.Because, _ratify_annex)),
    "end_annex": (Right.ANNEX_END, _act(asks.Because, _end_annex)),
    "review_annex": (Right.ANNEX_REVIEW, _act(asks.Because, _review_annex)),
    "set_duty": (Right.DUTY_SET, _act(asks.Duty, _set_duty)),
    "add_collection": (Right.COLLECTION_ADD, _act(asks.NewCollection, _add_collection)),
    "set_ceiling": (Right.CEILING_SET, _act(asks.Because, _set_ceiling)),
    "place_hold": (Right.HOLD_PLACE, _act(asks.NewHold, _place_hold)),
    "renew_hold": (Right.HOLD_RENEW, _act(asks.Longer, _renew_hold)),
    "lift_hold": (Right.HOLD_LIFT, _act(asks.Because, _lift_hold)),
    "impose_recall": (Right.RECALL_ORDER, _act(asks.Imposing, _impose_recall)),
    "remove_webhook": (Right.WEBHOOK_REMOVE, _act(asks.Because, _remove_webhook)),
    "resume_webhook": (Right.WEBHOOK_RESUME, _act(asks.Nothing, _resume_webhook)),
    "constitute_body": (Right.BODY_CONSTITUTE, _act(asks.Seating, _constitute_body)),
    "change_body": (Right.BODY_CHANGE, _act(asks.Seating, _change_body)),
    "dissolve_body": (Right.BODY_DISSOLVE, _act(asks.Because, _dissolve_body)),
    "decide_dispute": (Right.DISPUTE_DECIDE, _act(asks.Deciding, _decide_dispute)),
    "adopt_charter": (Right.CHARTER_ADOPT, _act(asks.Seating, _adopt_charter)),
    "clear_sanitised": (Right.SANITISED_APPROVE, _act(asks.Nothing, _clear_sanitised)),
    "stop_sanitised": (Right.SANITISED_STOP, _act(asks.Because, _stop_sanitised)),
}
RIGHTS: Final = {name: right for name, (right, _) in _ACTS.items()}
