"""Applications, evidence, reviews, access reviews: values, and the one function that carries an application on.

The same function judges an act when it is done and when a log is replayed, so that nothing can be admitted on paper
that the rules did not allow.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import ConflictError, ForbiddenError, InputError, LimitError, NotFoundError, TransitionError
from tocsin.kernel.clock import DAY, Micros, format_instant
from tocsin.parties.model import (
    CLEARANCES,
    SPEAKERS,
    Party,
    PartyStatus,
    Role,
    User,
    UserStatus,
    check_name,
    check_remark,
    check_uri,
    clearance_rank,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ACCESS_REVIEW_EVERY",
    "LIGHT_CLEARANCE",
    "LONGEST_PROLONGED",
    "LONGEST_VETTING",
    "NEEDED",
    "AccessReview",
    "Application",
    "ApplicationAct",
    "ApplicationStatus",
    "Evidence",
    "EvidenceKind",
    "Review",
    "Scene",
    "Track",
    "carried_on",
    "check_access_review",
    "last_admission",
    "last_admissions",
    "missing_for_admission",
    "require_last",
    "require_only_one",
]

# What was true of an organisation three years ago is not known any more.
LONGEST_VETTING: Final[Micros] = 3 * 366 * DAY
# Until an incident is over; who takes longer is vetted anew. Counted from the end that was set when it was admitted, so
# that one after the other is no vetting. As long as a legal basis that lapsed can be given a grace.
LONGEST_PROLONGED: Final[Micros] = 60 * DAY
# Twice a year somebody looks who still needs what they were given.
ACCESS_REVIEW_EVERY: Final[Micros] = 182 * DAY
# The light path is for those who will not hold what needs a cleared facility.
LIGHT_CLEARANCE: Final = "restricted"
MAX_EVIDENCE: Final = 100  # a thorough file has some dozen papers
MAX_REVIEWS: Final = 20
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_REVIEWERS: Final = frozenset({Role.LIAISON, Role.SIGNATORY, Role.AUDITOR, Role.OPERATOR})


class Track(enum.StrEnum):
    """How an applicant is vetted."""

    FULL = "full"  # two reviewers
    LIGHT = "light"  # for small organisations: one reviewer, and a member that answers for it


NEEDED: Final[dict[Track, int]] = {Track.FULL: 2, Track.LIGHT: 1}
"""How many approve, each another person."""


class ApplicationStatus(enum.StrEnum):
    """Where an application stands."""

    OPEN = "open"
    ADMITTED = "admitted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ApplicationAct(enum.StrEnum):
    """What happens to an application: the kinds of its entries, behind ``application.``."""

    OPENED = "opened"
    EVIDENCE = "evidence"
    REVIEWED = "reviewed"
    ENDORSED = "endorsed"
    ADMITTED = "admitted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    PROLONGED = "prolonged"  # the vetting that an admission began, under a mandate of its own


_ENDS: Final[dict[ApplicationAct, ApplicationStatus]] = {
    ApplicationAct.ADMITTED: ApplicationStatus.ADMITTED,
    ApplicationAct.REFUSED: ApplicationStatus.REFUSED,
    ApplicationAct.WITHDRAWN: ApplicationStatus.WITHDRAWN,
}


class EvidenceKind(enum.StrEnum):
    """What a paper shows."""

    REGISTRATION = "registration"  # that the organisation exists, and who speaks for it
    CAPACITY = "capacity"  # that it is what it says: operator, csirt, …
    FACILITY_CLEARANCE = "facility-clearance"
    SECURITY = "security"  # its policy, its certificates
    REFERENCE = "reference"
    OTHER = "other"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A paper by its hash; the paper itself stays where it is kept."""

    kind: EvidenceKind
    title: str
    sha256: str
    added_at: Micros
    until: Micros | None = None  # when it ends

    def __post_init__(self) -> None:
        if not check_remark(self.title, "title").strip():
            raise InputError("a paper has a title", where="evidence")
        if _SHA256.fullmatch(self.sha256) is None:
            raise InputError("this is no SHA-256", where=self.title, todo="write 64 digits of 0-9a-f: `sha256sum FILE`")


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What one reviewer found."""

    reviewer: str  # name of the user
    party: str  # URI of the reviewer's party
    approves: bool
    reasons: str
    at: Micros


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """A party that asks to be admitted, or vetted anew."""

    uuid: str
    party: str  # URI
    track: Track
    clearance: str  # the facility clearance that it asks for
    capacities: frozenset[str]
    sponsor: str | None  # URI; of the light track
    opened_at: Micros
    status: ApplicationStatus = ApplicationStatus.OPEN
    evidence: tuple[Evidence, ...] = ()
    reviews: tuple[Review, ...] = ()
    endorsed_by: str | None = None  # name of the sponsor's user
    ended_at: Micros | None = None
    until: Micros | None = None  # of an admission
    reason: str = ""
    prolonged: Micros | None = None  # until when, if somebody put its end off
    prolonged_because: str = ""

    @property
    def ends(self) -> Micros | None:
        """Return when the vetting that it began ends, or ended; None: it began none."""
        return self.until if self.prolonged is None else self.prolonged

    def __post_init__(self) -> None:
        check_uri(self.party)
        clearance_rank(self.clearance)
        for capacity in self.capacities:
            check_name(capacity, "capacity")
        if (self.track is Track.LIGHT) != (self.sponsor is not None):
            raise InputError("the light path takes a sponsor, and only that", where="sponsor")
        if self.sponsor == self.party:
            raise InputError("nobody sponsors itself", where="sponsor")
        if self.track is Track.LIGHT and clearance_rank(self.clearance) > CLEARANCES.index(LIGHT_CLEARANCE):
            raise InputError(
                f"the light path reaches up to {LIGHT_CLEARANCE}", where="clearance", todo="take the full one"
            )


class AccessReview(msgspec.Struct, frozen=True, kw_only=True):
    """A liaison looked who of their party has which roles and tokens; ``digest`` is of the list that they saw."""

    party: str  # URI
    by: str  # name of the user
    at: Micros
    digest: str
    users: int
    tokens: int


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Who is there when an act happens, who does it, and when."""

    parties: Mapping[str, Party]  # by URI
    user: User | None  # in whose name it is done; None: a party itself, or nobody whom the act needs
    actor_party: str  # URI of that user's, or of the party that acts
    at: Micros


def carried_on(application: Application | None, act: ApplicationAct, told: Application, scene: Scene) -> Application:
    """Return the application after an act.

    Args:
        application: as it stood; None where the act opens it.
        act: what happens.
        told: the application as the act would have it, taken from what was asked or from the log.
        scene: who, and when.

    Raises:
        TransitionError: it is not open any more.
        ForbiddenError: whoever acts may not do that.
        InputError, ConflictError, LimitError: the act makes no sense.
    """
    if act is ApplicationAct.OPENED:
        return _opened(told, scene)
    if act is ApplicationAct.PROLONGED and application is not None:
        return _prolonged(application, told, scene)
    if application is None or application.status is not ApplicationStatus.OPEN:
        raise TransitionError("this application is decided", todo="open another one")
    match act:
        case ApplicationAct.EVIDENCE:
            return _with_evidence(application, told.evidence[-1:], scene)
        case ApplicationAct.REVIEWED:
            return _with_review(application, told.reviews[-1:], scene)
        case ApplicationAct.ENDORSED:
            return _endorsed(application, scene)
        case _:
            return _ended(application, act, told, scene)


def missing_for_admission(application: Application, parties: Mapping[str, Party], at: Micros) -> list[str]:
    """Return what keeps an application from being granted at an instant, in words; nothing: it may be.

    ``parties`` are all of the hub's by URI. Who was suspended, or has left, since they approved or endorsed it does not
    count: an admission rests on the word of those who are trusted when it is made. A rejection stands whoever made it.
    """
    approving = sum(review.approves and _vetted(parties.get(review.party)) for review in application.reviews)
    missing = []
    if approving < (needed := NEEDED[application.track]):
        missing.append(f"{approving} of {needed} reviewers approve")
    if any(not review.approves for review in application.reviews):
        missing.append("a reviewer rejects it")
    if application.sponsor is not None and application.endorsed_by is None:
        missing.append("its sponsor has not endorsed it")
    elif application.sponsor is not None and not _vetted(parties.get(application.sponsor)):
        missing.append("its sponsor is not vetted any more")
    if not application.evidence:
        missing.append("there is no evidence")
    elif all(paper.until is not None and paper.until <= at for paper in application.evidence):
        missing.append("no paper is good any more")
    return missing


def require_only_one(opened: Application, others: Iterable[Application]) -> None:
    """Refuse a second open application of one party.

    Raises:
        ConflictError: there is one.
    """
    if any(one.party == opened.party and one.status is ApplicationStatus.OPEN for one in others):
        raise ConflictError("an application of this party is open already", where=opened.party)


def check_access_review(review: AccessReview, user: User | None) -> None:
    """Refuse an access review by anybody but an active liaison of the party itself.

    Raises:
        ForbiddenError: it is by another.
    """
    if (
        user is None
        or (user.party, user.name) != (review.party, review.by)
        or Role.LIAISON not in user.roles
        or user.status is not UserStatus.ACTIVE
    ):
        raise ForbiddenError("a party's own liaison reviews who has access", where=review.by)


def _opened(told: Application, scene: Scene) -> Application:
    party = scene.parties.get(told.party)
    if party is None or party.status is PartyStatus.LEFT:
        raise NotFoundError("there is no such party to vet", todo="`tocsin party add` admits a candidate")
    if told.sponsor is not None:
        _require_vetted(scene.parties.get(told.sponsor), "sponsor")
    if unknown := sorted(told.capacities - party.capacities):
        raise InputError(
            f"the register does not say that it is {unknown[0]}",
            where="capacity",
            todo="`tocsin party show` says what it is",
        )
    if (told.status, told.evidence, told.reviews, told.endorsed_by) != (ApplicationStatus.OPEN, (), (), None):
        raise InputError("an application begins empty", where=told.uuid)
    return msgspec.structs.replace(told, opened_at=scene.at)


def _with_evidence(application: Application, added: tuple[Evidence, ...], scene: Scene) -> Application:
    (paper,) = added
    if any(paper.sha256 == one.sha256 for one in application.evidence):
        raise ConflictError("this paper is in the file already", where=paper.title)
    if len(application.evidence) >= MAX_EVIDENCE:
        raise LimitError(f"an application has at most {MAX_EVIDENCE} papers", where=application.uuid)
    if paper.until is not None and paper.until <= scene.at:
        raise InputError("this paper has ended already", where=paper.title, todo="add one that is valid")
    return msgspec.structs.replace(
        application, evidence=(*application.evidence, msgspec.structs.replace(paper, added_at=scene.at))
    )


def _with_review(application: Application, added: tuple[Review, ...], scene: Scene) -> Application:
    (review,) = added
    user = _person(scene, _REVIEWERS, "a liaison, signatory, auditor or operator")
    if user.party in (application.party, application.sponsor):
        raise ForbiddenError("nobody reviews their own party, nor the one that it sponsors", where=user.name)
    if any((user.party, user.name) == (one.party, one.reviewer) for one in application.reviews):
        raise ConflictError("this person has reviewed it already", where=user.name, todo="somebody else looks, too")
    if len(application.reviews) >= MAX_REVIEWS:
        raise LimitError(f"an application has at most {MAX_REVIEWS} reviews", where=application.uuid)
    if not check_remark(review.reasons, "reason").strip():
        raise InputError("a review says why", where="reasons")
    if review.approves and not application.evidence:
        raise InputError("nothing is approved without evidence", where=application.uuid, todo="add some first")
    made = Review(reviewer=user.name, party=user.party, approves=review.approves, reasons=review.reasons, at=scene.at)
    return msgspec.structs.replace(application, reviews=(*application.reviews, made))


def _endorsed(application: Application, scene: Scene) -> Application:
    user = _person(scene, SPEAKERS, "a liaison or signatory")
    if application.sponsor is None or user.party != application.sponsor:
        raise ForbiddenError("its sponsor endorses it, and nobody else", where=user.name)
    if application.endorsed_by is not None:
        raise ConflictError("its sponsor has endorsed it already", where=application.uuid)
    return msgspec.structs.replace(application, endorsed_by=user.name)


def _ended(application: Application, act: ApplicationAct, told: Application, scene: Scene) -> Application:
    check_remark(told.reason, "reason")
    until = None
    if act is ApplicationAct.ADMITTED:
        if missing := missing_for_admission(application, scene.parties, scene.at):
            raise TransitionError(
                f"it cannot be admitted yet: {'; '.join(missing)}",
                where=application.uuid,
                todo="tocsin application evidence, review and endorse enter what is missing; application show says how "
                "it stands",
            )
        until = told.until
        if until is None or not scene.at < until <= scene.at + LONGEST_VETTING:
            raise InputError(
                "a vetting ends, within three years", where="until", todo="name a day that lies ahead, and no later one"
            )
    elif act is ApplicationAct.REFUSED and not told.reason.strip():
        raise InputError("a refusal says why", where="reason")
    elif act is ApplicationAct.WITHDRAWN and scene.actor_party != application.party:
        raise ForbiddenError("the applicant withdraws it, and nobody else", where=application.uuid)
    return msgspec.structs.replace(application, status=_ENDS[act], ended_at=scene.at, until=until, reason=told.reason)


def _prolonged(application: Application, told: Application, scene: Scene) -> Application:
    ends, until = application.ends, told.prolonged
    if application.until is None or ends is None:
        raise TransitionError("no vetting began with this application", where=application.uuid)
    if not check_remark(told.prolonged_because, "reason").strip():
        raise InputError("a vetting is prolonged for a reason", where="reason", todo="say why, in a line")
    if until is None or until <= max(ends, scene.at):
        raise InputError("a vetting is prolonged, and not beyond now alone", where="until", todo="name a later day")
    if until > application.until + LONGEST_PROLONGED:
        last = format_instant(application.until + LONGEST_PROLONGED)
        raise InputError(
            f"a vetting is prolonged by {LONGEST_PROLONGED // DAY} days in all: until {last}",
            where="until",
            todo="vet the party anew: tocsin application open",
        )
    return msgspec.structs.replace(application, prolonged=until, prolonged_because=told.prolonged_because)


def last_admission(party: str, applications: Iterable[Application]) -> Application | None:
    """Return the application with which a party's present vetting began, or its last one; they come oldest first."""
    return last_admissions(one for one in applications if one.party == party).get(party)


def last_admissions(applications: Iterable[Application]) -> dict[str, Application]:
    """Return the last admission of each party that had one, by its URI; applications come oldest first."""
    found: dict[str, Application] = {}
    for one in applications:
        before = found.get(one.party)
        if one.status is ApplicationStatus.ADMITTED and (
            before is None or (one.ended_at or 0) > (before.ended_at or 0)
        ):
            found[one.party] = one
    return found


def require_last(application: Application, applications: Iterable[Application]) -> None:
    """Refuse to prolong a vetting that another one followed.

    Raises:
        TransitionError: one did.
    """
    if last_admission(application.party, applications) != application:
        raise TransitionError("another vetting followed this one", where=application.uuid)


def _person(scene: Scene, roles: frozenset[Role], who: str) -> User:
    user = scene.user
    if user is None or user.status is not UserStatus.ACTIVE or user.roles.isdisjoint(roles):
        raise ForbiddenError(f"this is done by a person: {who}")
    _require_vetted(scene.parties.get(user.party), user.name)
    return user


def _vetted(party: Party | None) -> bool:
    return party is not None and party.status is PartyStatus.VETTED


def _require_vetted(party: Party | None, where: str) -> None:
    if not _vetted(party):
        raise ForbiddenError("whoever answers for an applicant is vetted", where=where)
