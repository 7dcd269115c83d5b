"""The one table of privileged acts: which right an entry of the log needs, and what that right's subject is.

A kind of entry that stands here is never entered without a mandate, and one that does not stand here never with one.
Whoever adds an act under a mandate adds its right to ``Right`` and its kind here; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tocsin.errors import InputError
from tocsin.governance import texts
from tocsin.governance.texts import Terms, text_of
from tocsin.kernel.mandate import Right

__all__ = ["ACTS", "TAKES_TEXT", "Act", "decided", "required"]


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of privileged entry.

    ``subject(data, name_of)`` reads the subject out of the entry's data; ``name_of`` gives a party's short name for its
    URI. It is the same text that the act hands to ``Mandate.require``. ``terms(data)`` reads out what is decided beside
    it; None: nothing is left to whoever enters it but words.
    """

    right: Right
    subject: Callable[[Mapping[str, Any], Callable[[str], str]], str]
    terms: Callable[[Mapping[str, Any]], Terms] | None = None


def _party(data: Mapping[str, Any], _name_of: Callable[[str], str]) -> str:
    return str(data["party"]["name"])


def _user(data: Mapping[str, Any], name_of: Callable[[str], str]) -> str:
    user = data["user"]
    return f"{user['name']}@{name_of(user['party'])}"


def _token_holder(data: Mapping[str, Any], name_of: Callable[[str], str]) -> str:
    name = name_of(data["party"])
    return name if data["user"] is None else f"{data['user']}@{name}"


def _version(data: Mapping[str, Any], _name_of: Callable[[str], str]) -> str:
    return f"{data['agreement']}/{data['version']}"


def _admitted(data: Mapping[str, Any], name_of: Callable[[str], str]) -> str:
    return f"{_version(data, name_of)}:{name_of(data['party'])}"


def _basis(data: Mapping[str, Any], name_of: Callable[[str], str]) -> str:
    return f"{_version(data, name_of)}:{data['basis']}"


def _annex(data: Mapping[str, Any], name_of: Callable[[str], str]) -> str:
    return f"{_version(data, name_of)}#{data['annex']}"


def _on_duty(data: Mapping[str, Any], name_of: Callable[[str], str]) -> str:
    return f"{data['user']}@{name_of(data['party'])}"


def _of_party(data: Mapping[str, Any], name_of: Callable[[str], str]) -> str:
    return name_of(data["party"])


def _body(data: Mapping[str, Any], _name_of: Callable[[str], str]) -> str:
    return str(data["body"]["name"])


def _charter(data: Mapping[str, Any], _name_of: Callable[[str], str]) -> str:
    return f"{data['charter']}/{data['version']}"


def _catalogue(data: Mapping[str, Any], _name_of: Callable[[str], str]) -> str:
    return str(data["catalogue"]["name"])


def _target(data: Mapping[str, Any], _name_of: Callable[[str], str]) -> str:
    return f"{data['target']['catalogue']}:{data['target']['control']}"


def _project(data: Mapping[str, Any], _name_of: Callable[[str], str]) -> str:
    return f"{data['fund']}/{data['project']}"


def _tranche(data: Mapping[str, Any], name_of: Callable[[str], str]) -> str:
    return f"{_project(data, name_of)}/{data['tranche']}"


def _field(name: str) -> Callable[[Mapping[str, Any], Callable[[str], str]], str]:
    return lambda data, _name_of: str(data[name])


ACTS: Final[dict[str, Act]] = {
    "party.added": Act(right=Right.PARTY_ADD, subject=_party, terms=texts.party_terms),
    "party.changed": Act(right=Right.PARTY_CHANGE, subject=_party, terms=texts.party_terms),
    "party.cleared": Act(right=Right.PARTY_CLEAR, subject=_party, terms=texts.clearance_terms),
    "party.suspended": Act(right=Right.PARTY_SUSPEND, subject=_party),
    "party.left": Act(right=Right.PARTY_LEAVE, subject=_party),
    "user.added": Act(right=Right.USER_ADD, subject=_user, terms=texts.user_terms),
    "user.changed": Act(right=Right.USER_CHANGE, subject=_user, terms=texts.user_terms),
    "user.disabled": Act(right=Right.USER_DISABLE, subject=_user),
    "token.issued": Act(right=Right.TOKEN_ISSUE, subject=_token_holder, terms=texts.token_terms),
    "token.revoked": Act(right=Right.TOKEN_REVOKE, subject=_field("token_id")),
    "application.prolonged": Act(right=Right.VETTING_PROLONG, subject=_of_party, terms=texts.prolonged_terms),
    "agreement.proposed": Act(right=Right.AGREEMENT_PROPOSE, subject=_version),
    "agreement.activated": Act(right=Right.AGREEMENT_ACTIVATE, subject=_version),
    "agreement.adopted": Act(right=Right.AGREEMENT_ACTIVATE, subject=_version),
    "agreement.suspended": Act(right=Right.AGREEMENT_SUSPEND, subject=_version),
    "agreement.resumed": Act(right=Right.AGREEMENT_RESUME, subject=_version),
    "agreement.terminated": Act(right=Right.AGREEMENT_TERMINATE, subject=_version),
    "agreement.dropped": Act(right=Right.AGREEMENT_TERMINATE, subject=_version),
    "agreement.admitted": Act(right=Right.ACCESSION_ADMIT, subject=_admitted),
    "agreement.grace": Act(right=Right.LAPSE_GRACE, subject=_basis, terms=texts.grace_terms),
    "annex.activated": Act(right=Right.ANNEX_ACTIVATE, subject=_annex),
    "annex.ratified": Act(right=Right.ANNEX_ACTIVATE, subject=_annex),
    "annex.ended": Act(right=Right.ANNEX_END, subject=_annex),
    "annex.reviewed": Act(right=Right.ANNEX_REVIEW, subject=_annex),
    "duty.set": Act(right=Right.DUTY_SET, subject=_on_duty, terms=texts.duty_terms),
    "collection.added": Act(right=Right.COLLECTION_ADD, subject=_field("alias"), terms=texts.collection_terms),
    "ceiling.set": Act(right=Right.CEILING_SET, subject=_field("ceiling")),
    "hold.placed": Act(right=Right.HOLD_PLACE, subject=_field("authority"), terms=texts.hold_terms),
    "hold.renewed": Act(right=Right.HOLD_RENEW, subject=_field("hold"), terms=texts.renewal_terms),
    "hold.lifted": Act(right=Right.HOLD_LIFT, subject=_field("hold")),
    "recall.imposed": Act(right=Right.RECALL_ORDER, subject=_field("basis"), terms=texts.recall_terms),
    "webhook.added": Act(right=Right.WEBHOOK_ADD, subject=_of_party, terms=texts.webhook_terms),
    "webhook.removed": Act(right=Right.WEBHOOK_REMOVE, subject=_field("webhook")),
    "webhook.resumed": Act(right=Right.WEBHOOK_RESUME, subject=_field("webhook")),
    "body.constituted": Act(right=Right.BODY_CONSTITUTE, subject=_body, terms=texts.body_terms),
    "body.changed": Act(right=Right.BODY_CHANGE, subject=_body, terms=texts.body_terms),
    "body.dissolved": Act(right=Right.BODY_DISSOLVE, subject=_field("body")),
    "charter.adopted": Act(right=Right.CHARTER_ADOPT, subject=_charter, terms=texts.charter_terms),
    "dispute.decided": Act(right=Right.DISPUTE_DECIDE, subject=_field("dispute"), terms=texts.dispute_terms),
    "sanitised.cleared": Act(right=Right.SANITISED_APPROVE, subject=_field("version")),
    "sanitised.stopped": Act(right=Right.SANITISED_STOP, subject=_field("version")),
    "rollup.published": Act(right=Right.ROLLUP_PUBLISH, subject=_field("unit"), terms=texts.rollup_terms),
    "catalogue.imported": Act(right=Right.CATALOGUE_IMPORT, subject=_catalogue, terms=texts.catalogue_terms),
    "target.set": Act(right=Right.TARGET_SET, subject=_target, terms=texts.target_terms),
    "fund.opened": Act(right=Right.FUND_OPEN, subject=_field("fund"), terms=texts.fund_terms),
    "fund.decided": Act(right=Right.PORTFOLIO_DECIDE, subject=_field("fund"), terms=texts.portfolio_terms),
    "fund.awarded": Act(right=Right.AWARD_MAKE, subject=_project, terms=texts.award_terms),
    "fund.called-back": Act(right=Right.AWARD_CALL_BACK, subject=_project, terms=texts.call_back_terms),
    "fund.released": Act(right=Right.TRANCHE_RELEASE, subject=_tranche),
    "fund.settled": Act(right=Right.CLAIM_DECIDE, subject=_field("claim"), terms=texts.claim_terms),
}

# What a body votes on is fixed by a text that the motion keeps.
TAKES_TEXT: Final = frozenset(act.right for act in ACTS.values() if act.terms is not None)


def required(kind: str, data: Mapping[str, Any], name_of: Callable[[str], str]) -> tuple[Right, str] | None:
    """Return the right and subject that an entry needs a mandate for, or None for one that needs none.

    Raises:
        InputError: the data has not what its kind has.
    """
    act = ACTS.get(kind)
    if act is None:
        return None
    try:
        return act.right, act.subject(data, name_of)
    except (LookupError, TypeError) as error:
        raise InputError(f"its data is not that of {kind}") from error


def decided(kind: str, data: Mapping[str, Any]) -> str | None:
    """Return the text of what an entry decides, or None of one that decides nothing but its subject.

    Raises:
        InputError: the data has not what its kind has.
    """
    act = ACTS.get(kind)
    if act is None or act.terms is None:
        return None
    try:
        return text_of(act.terms(data))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"its data is not that of {kind}") from error
