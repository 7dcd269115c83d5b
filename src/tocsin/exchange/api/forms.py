"""From what services answer to the resources of ``/api/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements.carried import marking_of
from tocsin.exchange.api.wire import (
    AgreementResource,
    ClauseResource,
    CollectionResource,
    Item,
    LegalBasisResource,
    MarkingResource,
    Me,
    ObjectsPage,
    PartyResource,
    ReceiptResource,
    ReceivedResource,
    ResultResource,
    SignatureResource,
    StandingResource,
    TermResource,
    VerdictResource,
    Verdicts,
    WhoReceived,
)
from tocsin.exchange.model import Outcome
from tocsin.kernel.clock import Micros, format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tocsin.agreements.explain import ClauseAccount, Explanation
    from tocsin.agreements.model import Tlp
    from tocsin.agreements.service import Version
    from tocsin.exchange.asking import Account, Why
    from tocsin.exchange.model import Collection, PageItem, Receipt
    from tocsin.exchange.reading import Answer
    from tocsin.parties.model import Party, Principal

__all__ = ["agreement", "collection", "me", "of_another", "page", "party", "receipt", "verdicts", "who_received"]


def me(principal: Principal) -> Me:
    """Return who is asking."""
    return Me(
        id=principal.id,
        party=principal.party_name,
        party_uri=principal.party,
        user=principal.user,
        purpose=principal.purpose,
        permissions=sorted(str(one) for one in principal.permissions),
    )


def collection(found: Collection) -> CollectionResource:
    """Return a collection's resource."""
    return CollectionResource(id=found.uuid, alias=found.alias, title=found.title, description=found.description)


def page(answer: Answer, tlp: Callable[[PageItem], Tlp]) -> ObjectsPage:
    """Return a page's resource; the objects are not read, only carried."""
    return ObjectsPage(
        items=[
            Item(
                id=item.object_id,
                version=format_instant(item.version),
                added=format_instant(item.date_added),
                tlp=tlp(item),
                object=msgspec.Raw(body),
            )
            for item, body in zip(answer.page.items, answer.page.bodies, strict=True)
        ],
        next=answer.next,
        release=answer.release,
    )


def of_another(found: Receipt) -> Receipt:
    """Return a receipt as who shared for another is told of it.

    What that party had shared before, and what becomes of it under its agreements, is the party's own to know.
    """
    told = (
        msgspec.structs.replace(
            one, outcome=Outcome.ACCEPTED if one.outcome is Outcome.REPEATED else one.outcome, notes=()
        )
        for one in found.results
    )
    return msgspec.structs.replace(found, results=tuple(told))


def receipt(found: Receipt) -> ReceiptResource:
    """Return a receipt's resource."""
    return ReceiptResource(
        id=found.id,
        collection=found.collection,
        received_at=found.received_at,
        accepted=found.count(Outcome.ACCEPTED),
        repeated=found.count(Outcome.REPEATED),
        refused=found.count(Outcome.REFUSED),
        results=[
            ResultResource(
                index=one.index,
                id=one.id,
                version=one.version,
                outcome=one.outcome,
                reason=one.reason,
                where=one.where,
                section=one.section,
                todo=one.todo,
                notes=list(one.notes),
            )
            for one in found.results
        ],
    )


def verdicts(found: Iterable[Why]) -> Verdicts:
    """Return what there is to say of why."""
    return Verdicts(
        verdicts=[
            VerdictResource(
                id=one.object_id,
                version=one.version,
                owner=one.owner,
                reader=one.reader,
                purpose=one.purpose,
                tlp=one.label.tlp,
                pap=one.label.pap,
                verdict=one.explanation.verdict.effect,
                valid_until=_at(one.explanation.verdict.valid_until),
                reasons=_clauses(one.explanation.reasons),
                missing=_clauses(one.explanation.missing),
                remarks=_remarks(one.explanation),
                terms=_terms(one.explanation),
            )
            for one in found
        ]
    )


def who_received(found: Account) -> WhoReceived:
    """Return what there is to say of who."""
    return WhoReceived(
        id=found.object_id,
        owners=list(found.owners),
        received=[
            ReceivedResource(
                release=one.release,
                at=one.at,
                party=one.party,
                actor=one.actor,
                on_behalf_of=one.on_behalf_of,
                purpose=one.purpose,
                kind=one.kind,
                version=one.version,
                log_entry=one.log_entry,
                clause=one.clause,
            )
            for one in found.received
        ],
        standings=[
            StandingResource(
                reader=one.reader,
                version=one.version,
                purposes=list(one.purposes),
                reasons=_clauses(one.explanation.reasons),
                missing=_clauses(one.explanation.missing),
                remarks=_remarks(one.explanation),
            )
            for one in found.standings
        ],
    )


def party(found: Party) -> PartyResource:
    """Return what members know of each other: no clearance, no clients, no status but that it is vetted."""
    return PartyResource(
        name=found.name,
        uri=found.uri,
        title=found.title,
        kind=found.kind,
        country=found.country,
        capacities=sorted(found.capacities),
        sectors=sorted(found.sectors),
        communities=sorted(found.communities),
    )


def agreement(found: Version) -> AgreementResource:
    """Return one version's resource; who could sign and did not is no matter of the others."""
    return AgreementResource(
        name=found.name,
        version=found.version,
        title=found.title,
        status=found.status,
        in_term=found.in_term,
        starts=format_instant(found.starts),
        ends=_at(found.ends),
        digest=found.digest.hex(),
        members=list(found.members),
        to_sign=list(found.missing),
        signatures=[
            SignatureResource(party=one.party, signatory=one.signatory, signed_at=format_instant(one.signed_at))
            for one in found.signatures
        ],
        document=found.source.decode("utf-8"),
    )


def _clauses(accounts: Iterable[ClauseAccount]) -> list[ClauseResource]:
    return [
        ClauseResource(
            effect=one.effect,
            agreement=one.agreement,
            version=one.version,
            clause=one.clause,
            sentence=one.sentence,
            failed=list(one.failed),
            legal_bases=[
                LegalBasisResource(
                    name=basis.name,
                    end=basis.end,
                    party=basis.party,
                    holds=basis.holds,
                    key=basis.key,
                    cite=basis.cite,
                    valid_from=_at(basis.valid_from),
                    valid_until=_at(basis.valid_until),
                )
                for basis in one.bases
            ],
            cedar=one.cedar,
        )
        for one in accounts
    ]


def _terms(told: Explanation) -> list[TermResource]:
    return [
        TermResource(
            kind=term.kind,
            says=term.says,
            clause=term.clause,
            marking=msgspec.convert(marking_of(term), MarkingResource),
        )
        for term in told.terms
    ]


def _remarks(told: Explanation) -> list[str]:
    return [remark.text for remark in told.remarks]


def _at(at: Micros | None) -> str | None:
    return None if at is None else format_instant(at)
