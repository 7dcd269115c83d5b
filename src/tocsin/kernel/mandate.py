"""Who acts, for whom, and by what right."""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from tocsin.errors import ForbiddenError

__all__ = ["ANY_SUBJECT", "REPEATABLE", "Acting", "Mandate", "MandateBasis", "Right", "founding_mandate"]

ANY_SUBJECT: Final = ""


class Right(enum.StrEnum):
    """What a body may decide and a mandate authorises, ``room:thing:verb``; beside each stands what its subject is.

    Every act under a mandate belongs to exactly one right, and every right has an act: the table is
    ``governance.privileged.ACTS``.
    """

    PARTY_ADD = "parties:party:add"  # the party's short name
    PARTY_CHANGE = "parties:party:change"
    PARTY_CLEAR = "parties:party:clear"
    PARTY_SUSPEND = "parties:party:suspend"
    PARTY_LEAVE = "parties:party:leave"
    USER_ADD = "parties:user:add"  # user@party
    USER_CHANGE = "parties:user:change"  # attributes, password and signing key
    USER_DISABLE = "parties:user:disable"
    TOKEN_ISSUE = "parties:token:issue"  # noqa: S105  the name of a right; whose token: party or user@party
    TOKEN_REVOKE = "parties:token:revoke"  # noqa: S105  the name of a right; the token's number
    VETTING_PROLONG = "parties:vetting:prolong"  # the party's short name
    AGREEMENT_PROPOSE = "agreements:agreement:propose"  # name/version
    AGREEMENT_ACTIVATE = "agreements:agreement:activate"  # an amendment is adopted under it too
    AGREEMENT_SUSPEND = "agreements:agreement:suspend"
    AGREEMENT_RESUME = "agreements:agreement:resume"
    AGREEMENT_TERMINATE = "agreements:agreement:terminate"  # what was never in force is dropped under it
    ACCESSION_ADMIT = "agreements:accession:admit"  # name/version:party
    LAPSE_GRACE = "agreements:lapse:grace"  # name/version:basis
    ANNEX_ACTIVATE = "agreements:annex:activate"  # name/version#annex; what duty-holders activated is ratified under it
    ANNEX_END = "agreements:annex:end"
    ANNEX_REVIEW = "agreements:annex:review"
    DUTY_SET = "agreements:duty:set"  # user@party
    COLLECTION_ADD = "exchange:collection:add"  # the collection's alias
    CEILING_SET = "exchange:ceiling:set"  # the classification
    HOLD_PLACE = "exchange:hold:place"  # the authority that orders it
    HOLD_RENEW = "exchange:hold:renew"  # the hold's UUID
    HOLD_LIFT = "exchange:hold:lift"
    RECALL_ORDER = "exchange:recall:order"  # its basis
    WEBHOOK_ADD = "exchange:webhook:add"  # the party's short name
    WEBHOOK_REMOVE = "exchange:webhook:remove"  # the webhook's UUID
    WEBHOOK_RESUME = "exchange:webhook:resume"
    BODY_CONSTITUTE = "governance:body:constitute"  # the body's name
    BODY_CHANGE = "governance:body:change"
    BODY_DISSOLVE = "governance:body:dissolve"
    DISPUTE_DECIDE = "governance:dispute:decide"  # the dispute's UUID
    CHARTER_ADOPT = "governance:charter:adopt"  # name/version
    SANITISED_APPROVE = "exchange:sanitised:approve"  # the sanitised version's UUID
    SANITISED_STOP = "exchange:sanitised:stop"
    ROLLUP_PUBLISH = "risk:rollup:publish"  # money or people-hours
    CATALOGUE_IMPORT = "risk:catalogue:import"  # its name
    TARGET_SET = "risk:target:set"  # catalogue:control
    FUND_OPEN = "risk:fund:open"  # the fund's name
    PORTFOLIO_DECIDE = "risk:portfolio:decide"  # the fund's name
    AWARD_MAKE = "risk:award:make"  # fund/project
    AWARD_CALL_BACK = "risk:award:call-back"
    TRANCHE_RELEASE = "risk:tranche:release"  # fund/project/number
    CLAIM_DECIDE = "risk:claim:decide"  # the claim's UUID


# A machine needs two tokens while one replaces the other, which is one decision. Everything else is decided each time.
REPEATABLE: Final = frozenset({Right.TOKEN_ISSUE})


# What a body that holds rights decides of itself: else whoever runs the hub could take them from it.
_OF_ITSELF: Final = frozenset({Right.BODY_CHANGE, Right.BODY_DISSOLVE})


class MandateBasis(enum.StrEnum):
    """What a mandate rests on."""

    FOUNDING = "founding"
    MOTION = "motion"


class Mandate(msgspec.Struct, frozen=True, kw_only=True):
    """The value that proves that a privileged act was authorised.

    ``environment`` is the only one in which it counts. A motion's mandate is for one ``right`` and one ``subject``;
    ``reference`` is the motion's UUID. The founding mandate, minted by entry 0 of the log, is for every right but those
    ``withheld``, which bodies hold: pairs of right and subject, where ``ANY_SUBJECT`` stands for all.

    INVARIANT: a value is no proof by itself. The log admits an act only after asking, in the same transaction, whether
    its mandate still stands (``governance.authority``).
    """

    basis: MandateBasis
    environment: str
    reference: str
    right: Right | None = None
    subject: str = ANY_SUBJECT
    withheld: frozenset[tuple[Right, str]] = frozenset()

    def require(self, environment: str, right: Right, subject: str = ANY_SUBJECT) -> None:
        """Refuse to be used in another environment, for another right or on another subject than it was granted for.

        Raises:
            ForbiddenError: it was not granted for that.
        """
        if environment != self.environment:
            raise ForbiddenError(f"this mandate counts in {self.environment!r}, not in {environment!r}")
        if self.basis is MandateBasis.MOTION:
            if (right, subject) != (self.right, self.subject):
                raise ForbiddenError(
                    f"this mandate is for {self.right} of {self.subject or 'nothing by name'}, and this is {right}",
                    where=subject or None,
                    todo="table a motion on what is to be done",
                )
        elif right in _OF_ITSELF and (right, ANY_SUBJECT) not in self.withheld and not self.covers(right, subject):
            raise ForbiddenError(
                f"{subject} holds rights, so that its own motion alone decides {right} of it",
                where=subject,
                todo=f"tocsin motion table {subject} --right {right} --subject {subject}, and name it with --motion",
            )
        elif not self.covers(right, subject):
            raise ForbiddenError(
                f"{right} was given to a body: the founding mandate does not reach it",
                where=subject or None,
                todo="name the motion that decided it, with --motion",
            )

    def covers(self, right: Right, subject: str = ANY_SUBJECT) -> bool:
        """Return whether it was granted for a right over a subject."""
        if self.basis is MandateBasis.MOTION:
            return (right, subject) == (self.right, self.subject)
        return self.withheld.isdisjoint({(right, ANY_SUBJECT), (right, subject)})

    def __str__(self) -> str:
        return f"{self.basis}:{self.reference}"


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something, and for whom: both are named in the log.

    ``actor`` is a user (``name@party``) or a party's service (``party``); ``on_behalf_of`` likewise, or None when
    actors act for themselves.
    """

    actor: str
    on_behalf_of: str | None = None

    def for_(self, other: str) -> Acting:
        """Return the same actor, visibly acting for another."""
        return Acting(actor=self.actor, on_behalf_of=None if other == self.actor else other)


def founding_mandate(environment: str, *, withheld: frozenset[tuple[Right, str]] = frozenset()) -> Mandate:
    """Return the mandate under which a partnership without bodies runs; entry 0 of its log granted it.

    ``withheld`` are the rights that bodies hold.
    """
    return Mandate(basis=MandateBasis.FOUNDING, environment=environment, reference="entry:0", withheld=withheld)
