"""Vetting over ``/api/v1``: a party's own applications, those it answers for, and those its people review.

Whoever is no member yet has no credentials: the coordinator opens a candidate's first application. A member's next one
it opens itself. An application is known to the applicant, to its sponsor, and to the party that runs the hub, whose
people review; what others are asked to review they are handed by the coordinator.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeAlias

import msgspec

from tocsin.agreements.prospect import prospects
from tocsin.errors import ForbiddenError, NotFoundError
from tocsin.exchange.api import lists
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import MISSING, REFUSED, ROOT, SMALL, SPEAK, TAKEN, Given, Thing, by_id, id_in, listed
from tocsin.exchange.api.queries import MAX_INSTANT, Day, Name, Said, Text
from tocsin.exchange.api.wire import Next, instant, read_body, reply
from tocsin.kernel.clock import format_instant, parse_date
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.routes import Call, Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import CLEARANCES, MAX_VOCABULARY, Principal
from tocsin.parties.vetting.model import Evidence, EvidenceKind, Track
from tocsin.parties.vetting.reminders import SOON
from tocsin.parties.vetting.service import DueKind

if TYPE_CHECKING:
    from tocsin.agreements.prospect import Prospect
    from tocsin.agreements.service import Agreements
    from tocsin.kernel.db import Store
    from tocsin.log.service import Log
    from tocsin.parties.service import Parties
    from tocsin.parties.vetting.model import AccessReview, Application
    from tocsin.parties.vetting.service import Vetting

__all__ = ["Services", "operations"]

_NONE: Final = "there is no such application, or none that you may see"

VettingCall: TypeAlias = Call[Principal]


class ApplicationAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As what your party is to be vetted anew. ``sponsor``: the light path, on which that member answers for it."""

    clearance: Annotated[str, msgspec.Meta(max_length=MAX_INSTANT)] = CLEARANCES[0]
    capacities: Annotated[list[Name], msgspec.Meta(max_length=MAX_VOCABULARY)] = []
    sponsor: Name | None = None


class EvidenceAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper by its SHA-256, in hexadecimal; the paper stays where it is."""

    kind: EvidenceKind
    title: Text
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    until: Day | None = None


class ReviewAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a reviewer looked at, and found."""

    approves: bool
    reasons: Text


class EndAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an application is withdrawn."""

    reason: Said = ""


class PaperResource(msgspec.Struct, frozen=True, kw_only=True):
    """A paper in the file."""

    kind: EvidenceKind
    title: str
    sha256: str
    until: str | None


class ReviewResource(msgspec.Struct, frozen=True, kw_only=True):
    """What one reviewer found."""

    reviewer: str
    approves: bool
    reasons: str
    at: str


class ApplicationResource(msgspec.Struct, frozen=True, kw_only=True):
    """An application; ``missing`` says what keeps it from being granted."""

    application: str
    party: str
    status: str
    path: Track
    clearance: str
    capacities: list[str]
    sponsor: str | None
    endorsed_by: str | None
    opened: str
    evidence: list[PaperResource]
    reviews: list[ReviewResource]
    missing: list[str]
    ended: str | None
    until: str | None  # as it was admitted
    prolonged: str | None  # until when, instead
    prolonged_because: str
    reason: str


class Applications(msgspec.Struct, frozen=True, kw_only=True):
    """The applications that you may see, the first first."""

    applications: list[ApplicationResource]
    next: Next


class ProspectResource(msgspec.Struct, frozen=True, kw_only=True):
    """One agreement in force that would admit your party: what it would get, give and be held to, clause by clause."""

    agreement: str
    version: int
    title: str
    purposes: list[str]
    gets: list[str]
    gives: list[str]
    held: list[str]


class Prospects(msgspec.Struct, frozen=True, kw_only=True):
    """What your party gives and gets."""

    agreements: list[ProspectResource]


class AccessReviewResource(msgspec.Struct, frozen=True, kw_only=True):
    """That your party's roles and tokens were looked at: how many there were, and a digest of what was seen."""

    by: str
    at: str
    users: int
    tokens: int
    digest: str


class DueResource(msgspec.Struct, frozen=True, kw_only=True):
    """What ends, or is to be done: ``kind``, what it is, and when."""

    kind: DueKind
    what: str
    at: str
    overdue: bool


class Dues(msgspec.Struct, frozen=True, kw_only=True):
    """What is due of your party, the most urgent first."""

    dues: list[DueResource]


class Services(lists.Services, Protocol):
    """What the addresses need of a hub."""

    agreements: Agreements
    log: Log
    parties: Parties
    store: Store
    vetting: Vetting


class Applying:
    """The addresses of vetting in one environment."""

    def __init__(self, services: Services) -> None:
        self._lists = lists.Lists(services)
        self._agreements = services.agreements
        self._log = services.log
        self._parties = services.parties
        self._store = services.store
        self._vetting = services.vetting

    def offer(self, call: VettingCall) -> Reply:
        """Answer with what the asker's own party gives and gets."""
        party, _ = self._parties.resolve(call.principal.id)
        with self._store.read() as connection:
            found = prospects(party, self._agreements.facts(connection, self._log.now(connection)))
        return reply(Prospects(agreements=[_prospect(one) for one in found]))

    def dues(self, call: VettingCall) -> Reply:
        """Answer with what ends soon of the asker's own party, or has ended."""
        found = self._vetting.due(SOON, call.principal.party_name)
        told = [
            DueResource(kind=one.kind, what=one.what, at=format_instant(one.at), overdue=one.overdue) for one in found
        ]
        return reply(Dues(dues=told))

    def applications(self, call: VettingCall) -> Reply:
        """Answer with the applications that the asker may see."""
        hub, span = self._hub(), self._lists.span(call, "applications")
        found = self._vetting.within(span, lambda one: _concerns(one, call.principal.party, hub))
        told = [self._told(one) for one in found.items]
        return reply(Applications(applications=told, next=self._lists.next(call, "applications", found.last)))

    def application(self, call: VettingCall) -> Reply:
        """Answer with one of them."""
        return reply(self._told(self._seen(call)))

    def apply(self, call: VettingCall) -> Reply:
        """Open the next application of the asker's own party."""
        asked = read_body(call.body, ApplicationAsk)
        made = self._vetting.open(
            Acting(actor=call.principal.id),
            call.principal.party_name,
            track=Track.FULL if asked.sponsor is None else Track.LIGHT,
            clearance=asked.clearance,
            capacities=frozenset(asked.capacities),
            sponsor=asked.sponsor,
        )
        return reply(self._told(made), status=HTTPStatus.CREATED)

    def evidence(self, call: VettingCall) -> Reply:
        """Put a paper into the file of the asker's own application."""
        asked = read_body(call.body, EvidenceAsk)
        application = self._own(call)
        paper = Evidence(
            kind=asked.kind,
            title=asked.title,
            sha256=asked.sha256,
            added_at=0,
            until=None if asked.until is None else parse_date(asked.until),
        )
        return reply(self._told(self._vetting.add_evidence(Acting(actor=call.principal.id), application, paper)))

    def review(self, call: VettingCall) -> Reply:
        """Enter a review by the asker."""
        asked = read_body(call.body, ReviewAsk)
        application = self._seen(call).uuid
        acting = Acting(actor=call.principal.id)
        return reply(
            self._told(self._vetting.review(acting, application, approves=asked.approves, reasons=asked.reasons))
        )

    def endorse(self, call: VettingCall) -> Reply:
        """Enter that the sponsor answers for the applicant."""
        application = self._seen(call).uuid
        return reply(self._told(self._vetting.endorse(Acting(actor=call.principal.id), application)))

    def withdraw(self, call: VettingCall) -> Reply:
        """Take back the asker's own application."""
        asked = read_body(call.body, EndAsk)
        application = self._own(call)
        return reply(self._told(self._vetting.withdraw(Acting(actor=call.principal.id), application, asked.reason)))

    def review_access(self, call: VettingCall) -> Reply:
        """Enter that the asker has looked who of their party has which roles and tokens."""
        return reply(_access(self._vetting.review_access(Acting(actor=call.principal.id))))

    def _seen(self, call: VettingCall) -> Application:
        """Return the application that a path names, if the asker may see it.

        Raises:
            NotFoundError: there is none, or none that they may: the same words for both.
        """
        uuid, hub = id_in(call.path, "application", _NONE), self._hub()
        one = self._vetting.find(uuid)
        if one is None or not _concerns(one, call.principal.party, hub):
            raise NotFoundError(_NONE)
        return one

    def _own(self, call: VettingCall) -> str:
        seen = self._seen(call)
        if seen.party != call.principal.party:
            raise ForbiddenError("the applicant does this, and nobody else", where=seen.uuid)
        return seen.uuid

    def _hub(self) -> str | None:
        with self._store.read() as connection:
            return self._parties.hub_party(connection)

    def _told(self, one: Application) -> ApplicationResource:
        names = self._parties.names()
        return ApplicationResource(
            application=one.uuid,
            party=names[one.party],
            status=str(one.status),
            path=one.track,
            clearance=one.clearance,
            capacities=sorted(one.capacities),
            sponsor=None if one.sponsor is None else names[one.sponsor],
            endorsed_by=one.endorsed_by,
            opened=format_instant(one.opened_at),
            evidence=[
                PaperResource(kind=paper.kind, title=paper.title, sha256=paper.sha256, until=instant(paper.until))
                for paper in one.evidence
            ],
            reviews=[
                ReviewResource(
                    reviewer=f"{found.reviewer}@{names[found.party]}",
                    approves=found.approves,
                    reasons=found.reasons,
                    at=format_instant(found.at),
                )
                for found in one.reviews
            ],
            missing=self._vetting.missing(one),
            ended=instant(one.ended_at),
            until=instant(one.until),
            prolonged=instant(one.prolonged),
            prolonged_because=one.prolonged_because,
            reason=one.reason,
        )


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about vetting."""
    does = Applying(services)
    path = f"{ROOT}/applications"
    whole = Answer(says="The application, as it stands.", type=ApplicationResource)
    thing = Thing("vetting", f"{path}/{{application}}", by_id("application", "An application's id."), whole)
    return [
        Operation(
            id="offer",
            tag="vetting",
            method="GET",
            path=f"{ROOT}/offer",
            does=Endpoint(access=SPEAK, run=does.offer),
            summary="What your party gives and gets, under each agreement that would admit it",
            answers={HTTPStatus.OK: Answer(says="Clause by clause, in sentences.", type=Prospects)},
        ),
        Operation(
            id="dues",
            tag="vetting",
            method="GET",
            path=f"{ROOT}/dues",
            does=Endpoint(access=SPEAK, run=does.dues),
            summary="What of your party ends within thirty days, has ended, or is to be done",
            says="Its vetting, clearances, papers, the review of who has access. The header `Tocsin-Due` counts them.",
            answers={HTTPStatus.OK: Answer(says="All of them.", type=Dues)},
        ),
        Operation(
            id="access-review",
            tag="vetting",
            method="POST",
            path=f"{ROOT}/access-reviews",
            does=Endpoint(access=SPEAK, run=does.review_access),
            summary="Enter that you have looked who of your party has which roles and tokens",
            says="For a liaison of the party.",
            answers={HTTPStatus.OK: Answer(says="What was entered.", type=AccessReviewResource)},
        ),
        *listed(
            "vetting",
            path,
            SPEAK,
            every=Given(
                "applications",
                does.applications,
                "Your party's applications, and those it answers for",
                "A page of them.",
                Applications,
            ),
            one=Given(
                "application",
                does.application,
                "One of them: its papers, its reviews, what is missing",
                whole.says,
                ApplicationResource,
            ),
            by=thing.parts,
            query=ListQuery,
        ),
        Operation(
            id="application-open",
            tag="vetting",
            method="POST",
            path=path,
            does=Endpoint(access=SPEAK, run=does.apply, body=SMALL),
            summary="Open your party's next application",
            takes=ApplicationAsk,
            answers={HTTPStatus.CREATED: Answer(says="The application.", type=ApplicationResource)},
            problems=MISSING | REFUSED | TAKEN,
        ),
        thing.act("evidence", does.evidence, "Put a paper in, by its hash", EvidenceAsk),
        thing.act("reviews", does.review, "Enter your review", ReviewAsk),
        thing.act("endorsement", does.endorse, "Answer for the applicant, as its sponsor"),
        thing.act("withdrawal", does.withdraw, "Take it back", EndAsk),
    ]


def _concerns(one: Application, party: str, hub: str | None) -> bool:
    return party in {one.party, one.sponsor, hub, *(review.party for review in one.reviews)}


def _prospect(one: Prospect) -> ProspectResource:
    return ProspectResource(
        agreement=one.agreement,
        version=one.version,
        title=one.title,
        purposes=list(one.purposes),
        gets=list(one.gets),
        gives=list(one.gives),
        held=list(one.held),
    )


def _access(made: AccessReview) -> AccessReviewResource:
    return AccessReviewResource(
        by=made.by, at=format_instant(made.at), users=made.users, tokens=made.tokens, digest=made.digest
    )
