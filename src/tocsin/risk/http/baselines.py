"""Baselines over ``/api/v1``: what is required, what a party says of itself, and what it lacks.

A party sees its own; who runs the hub, everybody's (``Baselines.assessments`` decides). Who confirms somebody else's
assessment names the digests of the documents that they were shown: without them there is no such assessment, so that
nobody learns by trying what others have assessed.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec

from tocsin.errors import NotFoundError
from tocsin.exchange.api import lists
from tocsin.exchange.api.lists import ListQuery
from tocsin.exchange.api.parts import MISSING, NAMED, READ, REFUSED, ROOT, SMALL, TAKEN, WRITE, Given, listed
from tocsin.exchange.api.queries import Day, Name, Said, Text
from tocsin.exchange.api.viewers import Register, known_party
from tocsin.exchange.api.wire import Next, read_body, reply
from tocsin.kernel.clock import format_instant, parse_date
from tocsin.kernel.db.spans import stretch
from tocsin.kernel.http.operations import Answer, Operation, Part
from tocsin.kernel.http.routes import Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.risk.baselines.catalogue import CONTROL_ID, Catalogue, Control
from tocsin.risk.baselines.model import Lack, Recovery, Standing
from tocsin.risk.baselines.state import target_key
from tocsin.risk.http.asked import LARGE_BODY, RiskCall, Sha256, part_of
from tocsin.risk.http.scenarios import PieceAsk, evidence_of
from tocsin.risk.registry.model import MAX_EVIDENCE, Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.parties.model import Principal
    from tocsin.risk.baselines.model import Assessment, Gap
    from tocsin.risk.baselines.service import Baselines

__all__ = ["Services", "operations"]

_NONE: Final = "there is no such catalogue or control"
_NOT_SHOWN: Final = "there is no such assessment on these documents"

ControlName = Annotated[str, msgspec.Meta(pattern=f"^{CONTROL_ID.pattern}$", max_length=128)]


class AssessAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far your party meets a control, on what evidence, and when it looks again.

    What is met, or partly, is shown by a document; what does not apply has a note that says why.
    """

    catalogue: Name
    control: ControlName
    standing: Standing
    review: Day
    evidence: Annotated[list[PieceAsk], msgspec.Meta(max_length=MAX_EVIDENCE)] = []
    note: Said = ""


class ConfirmAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What you found: of which party and control, on exactly which documents, by their SHA-256."""

    party: Name
    catalogue: Name
    control: ControlName
    documents: Annotated[list[Sha256], msgspec.Meta(min_length=1, max_length=MAX_EVIDENCE)]
    reasons: Text
    agrees: bool = True


class ConfirmedResource(msgspec.Struct, frozen=True, kw_only=True):
    """What was entered; what else the party says of itself stays with it."""

    party: str
    catalogue: str
    control: str
    standing: Standing
    by: str
    at: str
    agrees: bool


class AssessmentsQuery(ListQuery, frozen=True, kw_only=True):
    """Of which party; for who runs the hub, since others have one to look at."""

    party: Name | None = None


class CatalogueResource(msgspec.Struct, frozen=True, kw_only=True):
    """A catalogue: the built-in one, or one that was imported."""

    catalogue: str
    title: str
    version: str
    controls: int
    sha256: str | None


class CatalogueList(msgspec.Struct, frozen=True, kw_only=True):
    """The catalogues, the first first."""

    catalogues: list[CatalogueResource]
    next: Next


class ControlList(msgspec.Struct, frozen=True, kw_only=True):
    """Controls of a catalogue, as they stand there."""

    controls: list[Control]
    next: Next


class TargetResource(msgspec.Struct, frozen=True, kw_only=True):
    """What parties of these sectors (of all, if none is named) are to have, by when, under which mandate."""

    catalogue: str
    control: str
    standing: Standing
    due: str
    sectors: list[str]
    confirmed: bool
    recovery: Recovery | None
    mandate: str


class TargetList(msgspec.Struct, frozen=True, kw_only=True):
    """The targets, the first first."""

    targets: list[TargetResource]
    next: Next


class ConfirmationResource(msgspec.Struct, frozen=True, kw_only=True):
    """Who looked at the evidence, and what they found."""

    by: str
    at: str
    agrees: bool
    reasons: str


class AssessmentResource(msgspec.Struct, frozen=True, kw_only=True):
    """What a party says of itself about one control, and what others said of that; the last of them counts."""

    party: str
    catalogue: str
    control: str
    standing: Standing
    by: str
    at: str
    review: str
    evidence: list[Evidence]
    note: str
    confirmations: list[ConfirmationResource]
    confirmed: bool


class AssessmentList(msgspec.Struct, frozen=True, kw_only=True):
    """Assessments, the first first: one keeps its place when the party assesses itself anew."""

    assessments: list[AssessmentResource]
    next: Next


class GapResource(msgspec.Struct, frozen=True, kw_only=True):
    """What a party lacks of one target: the first reason that applies."""

    party: str
    catalogue: str
    control: str
    lack: Lack
    due: str
    overdue: bool


class GapList(msgspec.Struct, frozen=True, kw_only=True):
    """What one party lacks, in the order in which its targets were first set."""

    gaps: list[GapResource]
    next: Next


class Services(lists.Services, Register, Protocol):
    """What the addresses need of a hub."""

    @property
    def baselines(self) -> Baselines:
        """What is required, and who has it."""
        ...


class Assessing:
    """The addresses of baselines in one environment."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._baselines = services.baselines
        self._parties = services.parties
        self._lists = lists.Lists(services)

    def catalogues(self, call: RiskCall) -> Reply:
        """Answer with the catalogues."""
        found = part_of(self._baselines.catalogues(), self._lists.span(call, "catalogues"))
        told = [_catalogue(one) for one in found.items]
        return reply(CatalogueList(catalogues=told, next=self._lists.next(call, "catalogues", found.last)))

    def catalogue(self, call: RiskCall) -> Reply:
        """Answer with one catalogue."""
        return reply(_catalogue(self._named(call)))

    def controls(self, call: RiskCall) -> Reply:
        """Answer with a page of a catalogue's controls."""
        catalogue = self._named(call)
        place = f"controls {catalogue.name}"
        found = part_of(catalogue.controls, self._lists.span(call, place))
        return reply(ControlList(controls=list(found.items), next=self._lists.next(call, place, found.last)))

    def control(self, call: RiskCall) -> Reply:
        """Answer with one control."""
        try:
            return reply(self._named(call).control(call.path["control"]))
        except NotFoundError as error:
            raise NotFoundError(_NONE) from error

    def targets(self, call: RiskCall) -> Reply:
        """Answer with the targets."""
        found = part_of(self._baselines.state().targets.values(), self._lists.span(call, "targets"))
        told = [
            TargetResource(
                catalogue=one.catalogue,
                control=one.control,
                standing=one.standing,
                due=format_instant(one.due),
                sectors=sorted(one.sectors),
                confirmed=one.confirmed,
                recovery=one.recovery,
                mandate=one.mandate,
            )
            for one in found.items
        ]
        return reply(TargetList(targets=told, next=self._lists.next(call, "targets", found.last)))

    def assessments(self, call: RiskCall) -> Reply:
        """Answer with assessments of the asker's party; for who runs the hub, of any."""
        asked, span = self._lists.asked(call, "assessments", AssessmentsQuery)
        names = self._parties.names()
        seen = self._baselines.assessments(call.principal.id)
        found = part_of(seen, span, lambda one: asked.party in (None, names[one.party]))
        told = [_assessment(one, names) for one in found.items]
        return reply(AssessmentList(assessments=told, next=self._lists.next(call, "assessments", found.last, asked)))

    def gaps(self, call: RiskCall) -> Reply:
        """Answer with what the asker's party lacks; for who runs the hub, any one party."""
        asked, span = self._lists.asked(call, "gaps", AssessmentsQuery)
        party = asked.party or call.principal.party_name
        places = {key: number for number, key in enumerate(self._baselines.state().targets, 1)}
        seen = [one for one in self._baselines.gaps(call.principal.id) if one.party == party]
        found = stretch(sorted(((places[_key(one)], one) for one in seen), key=lambda one: one[0]), span)
        told = [
            GapResource(
                party=one.party,
                catalogue=one.catalogue,
                control=one.control,
                lack=one.lack,
                due=format_instant(one.due),
                overdue=one.overdue,
            )
            for one in found.items
        ]
        return reply(GapList(gaps=told, next=self._lists.next(call, "gaps", found.last, asked)))

    def assess(self, call: RiskCall) -> Reply:
        """Take what the asker's party says of itself."""
        asked = read_body(call.body, AssessAsk)
        made = self._baselines.assess(
            Acting(actor=call.principal.id),
            call.principal.party_name,
            asked.catalogue,
            asked.control,
            standing=asked.standing,
            review=parse_date(asked.review),
            evidence=evidence_of(asked.evidence),
            note=asked.note,
        )
        return reply(_assessment(made, self._parties.names()), status=HTTPStatus.CREATED)

    def confirm(self, call: RiskCall) -> Reply:
        """Take what a person found who was shown another party's documents."""
        asked = read_body(call.body, ConfirmAsk)
        party = known_party(self._services, asked.party).name
        try:
            made = self._baselines.confirm(
                Acting(actor=call.principal.id),
                party,
                asked.catalogue,
                asked.control,
                agrees=asked.agrees,
                reasons=asked.reasons,
                seen=frozenset(asked.documents),
            )
        except NotFoundError as error:
            raise NotFoundError(_NOT_SHOWN) from error
        last = made.confirmations[-1]
        told = ConfirmedResource(
            party=party,
            catalogue=made.catalogue,
            control=made.control,
            standing=made.standing,
            by=last.by,
            at=format_instant(last.at),
            agrees=last.agrees,
        )
        return reply(told, status=HTTPStatus.CREATED)

    def _named(self, call: RiskCall) -> Catalogue:
        try:
            return self._baselines.state().catalogue(call.path["catalogue"])
        except NotFoundError as error:
            raise NotFoundError(_NONE, todo="`GET /api/v1/baselines/catalogues` lists them") from error


def operations(services: Services) -> list[Operation[Principal]]:
    """Return the part of the table that is about baselines."""
    does = Assessing(services)
    path = f"{ROOT}/baselines"
    catalogue = {"catalogue": Part(says="A catalogue's name.", example="nato-seven", pattern=NAMED, longest=64)}
    control = {
        "control": Part(says="A control's id.", example="energy", pattern=f"^{CONTROL_ID.pattern}$", longest=128)
    }
    controls = f"{path}/catalogues/{{catalogue}}/controls"
    return [
        *listed(
            "baselines",
            f"{path}/catalogues",
            READ,
            every=Given("catalogues", does.catalogues, "What is required, by catalogue", "A page.", CatalogueList),
            one=Given("catalogue", does.catalogue, "One catalogue", "The catalogue.", CatalogueResource),
            by=catalogue,
            query=ListQuery,
        ),
        _listed("controls", controls, does.controls, "The controls of a catalogue", ControlList, parts=catalogue),
        Operation(
            id="control",
            tag="baselines",
            method="GET",
            path=f"{controls}/{{control}}",
            does=Endpoint(access=READ, run=does.control),
            summary="One control, with its statement",
            parts=catalogue | control,
            answers={HTTPStatus.OK: Answer(says="The control.", type=Control)},
            problems=MISSING,
        ),
        _listed("targets", f"{path}/targets", does.targets, "What parties are to have, by when", TargetList),
        _listed(
            "assessments",
            f"{path}/assessments",
            does.assessments,
            "What your party says of itself; for who runs the hub, every party",
            AssessmentList,
            query=AssessmentsQuery,
        ),
        Operation(
            id="assess",
            tag="baselines",
            method="POST",
            path=f"{path}/assessments",
            does=Endpoint(access=WRITE, run=does.assess, body=LARGE_BODY),
            summary="Say how far your party meets a control",
            says="In the place of what it said before; what others confirmed of that is to be confirmed anew.",
            takes=AssessAsk,
            answers={HTTPStatus.CREATED: Answer(says="The assessment.", type=AssessmentResource)},
            problems=MISSING | REFUSED,
        ),
        Operation(
            id="confirm",
            tag="baselines",
            method="POST",
            path=f"{path}/confirmations",
            does=Endpoint(access=WRITE, run=does.confirm, body=SMALL),
            summary="Say, as a person of a party independent of it, what you found in another party's evidence",
            says="Of an assessment on exactly these documents; any other answers as one that there is not.",
            takes=ConfirmAsk,
            answers={HTTPStatus.CREATED: Answer(says="It is entered.", type=ConfirmedResource)},
            problems=MISSING | REFUSED | TAKEN,
        ),
        _listed(
            "gaps",
            f"{path}/gaps",
            does.gaps,
            "What your party lacks of its targets; for who runs the hub, any party",
            GapList,
            query=AssessmentsQuery,
        ),
    ]


def _listed(
    id_: str,
    path: str,
    run: Callable[[RiskCall], Reply],
    summary: str,
    type_: type[msgspec.Struct],
    *,
    query: type[msgspec.Struct] = ListQuery,
    parts: Mapping[str, Part] | None = None,
) -> Operation[Principal]:
    return Operation(
        id=id_,
        tag="baselines",
        method="GET",
        path=path,
        does=Endpoint(access=READ, run=run),
        summary=summary,
        parts=parts or {},
        query=query,
        answers={HTTPStatus.OK: Answer(says="A page of them.", type=type_)},
        problems=MISSING if parts else {},
    )


def _key(gap: Gap) -> str:
    return target_key(gap.catalogue, gap.control)


def _catalogue(one: Catalogue) -> CatalogueResource:
    return CatalogueResource(
        catalogue=one.name, title=one.title, version=one.version, controls=len(one.controls), sha256=one.sha256
    )


def _assessment(one: Assessment, names: Mapping[str, str]) -> AssessmentResource:
    return AssessmentResource(
        party=names[one.party],
        catalogue=one.catalogue,
        control=one.control,
        standing=one.standing,
        by=one.by,
        at=format_instant(one.at),
        review=format_instant(one.review),
        evidence=list(one.evidence),
        note=one.note,
        confirmations=[
            ConfirmationResource(by=each.by, at=format_instant(each.at), agrees=each.agrees, reasons=each.reasons)
            for each in one.confirmations
        ],
        confirmed=one.confirmed,
    )
