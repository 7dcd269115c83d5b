"""What an agreement says besides who may read what, as values.

Durations are microseconds: a year counts as 365 days and a month as 30, so that a duration is the same whenever it
begins. Shares are exact: a document's 0.6 is three fifths, not the nearest binary number.
"""

from __future__ import annotations

import enum
from fractions import Fraction
from typing import TypeAlias

import msgspec

from tocsin.agreements.model import Tlp
from tocsin.kernel.clock import Micros

__all__ = [
    "MAX_DUTY",
    "Accede",
    "Afterwards",
    "AmendBy",
    "AnnexTerms",
    "Approver",
    "Attribution",
    "Destruction",
    "DutyTerms",
    "Held",
    "Instrument",
    "Majority",
    "MotionTerms",
    "NewReleases",
    "OnLapse",
    "Onward",
    "Prevails",
    "ProtectTerms",
    "PublishTerms",
    "RetainTerms",
    "Share",
    "Survives",
    "Then",
    "Withdrawal",
]

Share: TypeAlias = Fraction
"""From 0 to 1."""

# Two people may open what a whole council answers for; after half a day the council can have met.
MAX_DUTY: Micros = 12 * 3_600 * 1_000_000


class Onward(enum.StrEnum):
    """What a reader may pass on."""

    AS_MARKED = "as-marked"
    OWN_ORGANISATION = "own-organisation"
    CLIENTS = "clients"
    COMMUNITY = "community"
    NONE = "none"


class Attribution(enum.StrEnum):
    """What a sanitised version says of its producer."""

    WITHHELD = "withheld"
    PSEUDONYMOUS = "pseudonymous"
    NAMED = "named"


class Approver(enum.StrEnum):
    """Who lets a sanitised version out; with nobody, signing the clause was the consent."""

    OWNER = "owner"
    COORDINATOR = "coordinator"
    NOBODY = "nobody"


class PublishTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Beside the original a sanitised version is made: how, under which TLP, with whose consent, how long after."""

    sanitised: str  # the name of a sanitising plan
    tlp: Tlp
    attribution: Attribution
    approve: Approver
    delay: Micros = 0


class Then(enum.StrEnum):
    """What happens when the time of a contribution is over."""

    PURGE = "purge"
    REVIEW = "review"


class RetainTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How long a contribution is kept (``for`` in the document), and what happens then."""

    lasts: Micros
    then: Then


class Survives(enum.StrEnum):
    """What a protection outlives: a party's withdrawal only, or the end of the agreement too."""

    WITHDRAWAL = "withdrawal"
    END = "end"


class ProtectTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Uses that are ruled out of what was shared (``from`` in the document)."""

    uses: tuple[str, ...]
    survives: Survives | None = None


class Majority(msgspec.Struct, frozen=True, kw_only=True):
    """More than a share: of all, or of each kind of party that is named, counted apart. One of the two is given."""

    overall: Share | None = None
    by_kind: tuple[tuple[str, Share], ...] = ()  # by kind


class MotionTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A motion that activates an annex: of which body, with what quorum (None: the body's own), by what majority."""

    body: str
    quorum: Share | None
    more_than: Majority


class DutyTerms(msgspec.Struct, frozen=True, kw_only=True):
    """People on duty who may activate an annex: how many of each kind of party, for how long at most."""

    officers: tuple[tuple[str, int], ...]  # by kind; public and private at least
    lasts: Micros  # at most MAX_DUTY
    ratify_within: Micros  # at most `lasts`


class NewReleases(enum.StrEnum):
    """What becomes of new releases when an annex ends."""

    STOP = "stop"
    CONTINUE = "continue"


class Destruction(msgspec.Struct, frozen=True, kw_only=True):
    """Objects of which types are destroyed, within what time of the annex's end."""

    types: tuple[str, ...]
    within: Micros


class Afterwards(msgspec.Struct, frozen=True, kw_only=True):
    """What follows the end of an annex."""

    new_releases: NewReleases = NewReleases.STOP
    keep: tuple[str, ...] = ()  # types of objects
    destroy: Destruction | None = None


class AnnexTerms(msgspec.Struct, frozen=True, kw_only=True):
    """An emergency annex: how long it lasts when a motion activates it, who else may, and what follows."""

    lasts: Micros
    motion: MotionTerms
    duty: DutyTerms | None
    afterwards: Afterwards = Afterwards()


class Accede(enum.StrEnum):
    """What joining a version in force takes besides the party's own signature."""

    SIGNATURE = "signature"  # nothing
    MOTION = "motion"  # that it was admitted under a mandate


class AmendBy(msgspec.Struct, frozen=True, kw_only=True):
    """Who can amend an agreement for all of its members, and how long they may object."""

    more_than: Majority
    objection_period: Micros = 0


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """How long before a member leaves it says so, and which clauses bind it afterwards."""

    notice: Micros
    survives: tuple[str, ...] = ()


class Held(enum.StrEnum):
    """What becomes of what is held when its legal basis lapses."""

    KEEP_PROTECTED = "keep-protected"
    PURGE = "purge"


class OnLapse(msgspec.Struct, frozen=True, kw_only=True):
    """What follows the lapse of a legal basis."""

    held: Held


class Prevails(enum.StrEnum):
    """Which of paper and document counts where they differ."""

    INSTRUMENT = "instrument"
    DOCUMENT = "document"


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """The paper that was signed."""

    title: str
    sha256: str | None  # hexadecimal; None: a placeholder stands there, and nothing ties the document to the paper
    prevails: Prevails = Prevails.INSTRUMENT
