"""Terms of clauses and of the document, from nodes to values.

Where a fault was noted, the value is a placeholder that nobody sees (``tocsin.agreements.document.checks``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tocsin.agreements.document.model import Accession
from tocsin.agreements.document.object_types import read_types
from tocsin.agreements.document.terms import (
    MAX_DUTY,
    Accede,
    Afterwards,
    AmendBy,
    AnnexTerms,
    Approver,
    Attribution,
    Destruction,
    DutyTerms,
    Held,
    Instrument,
    Majority,
    MotionTerms,
    NewReleases,
    OnLapse,
    Prevails,
    ProtectTerms,
    PublishTerms,
    RetainTerms,
    Survives,
    Then,
    Withdrawal,
)
from tocsin.agreements.document.tree import Scalar, Table
from tocsin.agreements.model import Tlp
from tocsin.kernel.clock import SECOND
from tocsin.parties.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.agreements.document.checks import Checker
    from tocsin.agreements.document.model import ReaderTerms
    from tocsin.agreements.document.tree import Entry, Node

__all__ = [
    "read_accession",
    "read_amend_by",
    "read_annex",
    "read_instrument",
    "read_on_lapse",
    "read_protect_terms",
    "read_publish_terms",
    "read_retain_terms",
    "read_withdrawal",
]

# A night's shift of a whole sector; whoever needs more has another way of deciding.
_MAX_OFFICERS: Final = 100
# One of each side: neither opens the other's doors alone.
_BOTH_SIDES: Final = (Kind.PUBLIC, Kind.PRIVATE)

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PLACEHOLDERS: Final = frozenset({"…", "..."})


# --- clauses ---------------------------------------------------------------------------------------------------------


def read_publish_terms(check: Checker, node: Node) -> PublishTerms:
    """Read what stands under ``publish``."""
    required = ("sanitised", "tlp", "attribution", "approve")
    parts = check.table(node, "what is published", required=required, optional=("delay",))
    if not parts.keys() >= set(required):
        return PublishTerms(sanitised="", tlp=Tlp.RED, attribution=Attribution.WITHHELD, approve=Approver.OWNER)
    return PublishTerms(
        sanitised=check.name(parts["sanitised"].value, "the name of a sanitising plan"),
        tlp=Tlp(check.one_of(parts["tlp"].value, "the TLP of the sanitised version", Tlp)),
        attribution=Attribution(check.one_of(parts["attribution"].value, "attribution", Attribution)),
        approve=Approver(check.one_of(parts["approve"].value, "who approves", Approver)),
        delay=check.duration(parts["delay"].value, "the delay") if "delay" in parts else 0,
    )


def read_retain_terms(check: Checker, node: Node) -> RetainTerms:
    """Read what stands under ``retain``."""
    parts = check.table(node, "how long it is retained", required=("for", "then"))
    if len(parts) < 2:  # noqa: PLR2004  both are needed
        return RetainTerms(lasts=SECOND, then=Then.REVIEW)
    return RetainTerms(
        lasts=check.duration(parts["for"].value, "how long it is retained", least=SECOND),
        then=Then(check.one_of(parts["then"].value, "what happens then", Then)),
    )


def read_protect_terms(check: Checker, node: Node) -> ProtectTerms:
    """Read what stands under ``protect``."""
    parts = check.table(node, "what is protected from", required=("from",), optional=("survives",))
    survives = None
    if "survives" in parts:
        survives = Survives(check.one_of(parts["survives"].value, "what the protection survives", Survives))
    uses = check.many(parts["from"].value, "a use that is ruled out", check.name) if "from" in parts else ()
    return ProtectTerms(uses=uses, survives=survives)


def read_annex(check: Checker, entries: Mapping[str, Entry]) -> AnnexTerms | None:
    """Read ``lasts``, ``activated_by`` and ``afterwards`` of an emergency clause; None where a part is missing."""
    afterwards = _read_afterwards(check, entries["afterwards"].value) if "afterwards" in entries else Afterwards()
    lasts = None
    if "lasts" in entries:
        lasts = check.duration(entries["lasts"].value, "how long an annex lasts", least=SECOND)
    if "activated_by" not in entries:
        return None
    ways = check.table(entries["activated_by"].value, "who activates", required=("motion",), optional=("or",))
    duty = _read_duty(check, ways["or"].value) if "or" in ways else None
    motion = _read_motion(check, ways["motion"].value) if "motion" in ways else None
    if lasts is None or motion is None:
        return None
    return AnnexTerms(lasts=lasts, motion=motion, duty=duty, afterwards=afterwards)


def _read_motion(check: Checker, node: Node) -> MotionTerms | None:
    parts = check.table(node, "a motion", required=("body", "more_than"), optional=("quorum",))
    body = check.name(parts["body"].value, "the name of a body") if "body" in parts else ""
    quorum = check.share(parts["quorum"].value, "a quorum") if "quorum" in parts else None
    if "more_than" not in parts:
        return None
    return MotionTerms(body=body, quorum=quorum, more_than=_read_majority(check, parts["more_than"].value))


def _read_duty(check: Checker, node: Node) -> DutyTerms | None:
    required = ("duty_officers", "lasts", "ratify_within")
    parts = check.table(node, "the other way", required=required)
    officers: list[tuple[str, int]] = []
    if "duty_officers" in parts:
        what = "duty officers by kind of party"
        said = check.table(parts["duty_officers"].value, what, required=_BOTH_SIDES, optional=tuple(Kind))
        for kind, entry in sorted(said.items()):
            count = check.integer(entry.value, "how many duty officers", low=1, high=_MAX_OFFICERS)
            officers.append((kind, count))
    if len(parts) < len(required):
        return None
    lasts = check.duration(parts["lasts"].value, "how long duty officers can activate", least=SECOND, most=MAX_DUTY)
    within = check.duration(
        parts["ratify_within"].value, "within what time it is ratified ('lasts' at most)", least=SECOND, most=lasts
    )
    return DutyTerms(officers=tuple(officers), lasts=lasts, ratify_within=within)


def _read_afterwards(check: Checker, node: Node) -> Afterwards:
    """Read what follows the end of an annex."""
    parts = check.table(node, "what happens afterwards", optional=("new_releases", "keep", "destroy"))
    releases = NewReleases.STOP
    if "new_releases" in parts:
        releases = NewReleases(check.one_of(parts["new_releases"].value, "new releases", NewReleases))
        if check.new and releases is NewReleases.CONTINUE:
            check.wrong(
                parts["new_releases"].value,
                "'stop'",
                "new releases stop when an annex is over: what is to go on is a permit without 'emergency'",
            )
    keep = read_types(check, parts["keep"].value) if "keep" in parts else ()
    destroy = None
    if "destroy" in parts:
        said = check.table(parts["destroy"].value, "what is destroyed", required=("types", "within"))
        types = read_types(check, said["types"].value) if "types" in said else ()
        within = check.duration(said["within"].value, "within what time") if "within" in said else 0
        destroy = Destruction(types=types, within=within)
        both = sorted(set(keep) & set(types))
        if both:
            check.wrong(said["types"].value, "other types than under 'keep'", f"both name '{both[0]}'")
    return Afterwards(new_releases=releases, keep=keep, destroy=destroy)


def _read_majority(check: Checker, node: Node) -> Majority:
    """Read a majority: one share, or one for each kind of party."""
    if not isinstance(node, Table):
        return Majority(overall=check.share(node, "a majority"))
    what = "majorities by kind of party"
    entries = check.table(node, what, optional=tuple(Kind))
    if not node.entries:
        check.wrong(node, f"{what}: one at least")
    return Majority(
        by_kind=tuple((kind, check.share(entry.value, "a majority")) for kind, entry in sorted(entries.items()))
    )


# --- the document ----------------------------------------------------------------------------------------------------


def read_instrument(check: Checker, node: Node) -> Instrument:
    """Read which paper the document is the machine-enforced form of; a placeholder for its hash is noted."""
    parts = check.table(node, "the instrument", required=("title", "sha256"), optional=("prevails",))
    title = check.text(parts["title"].value, "the title of the instrument") if "title" in parts else ""
    prevails = Prevails.INSTRUMENT
    if "prevails" in parts:
        prevails = Prevails(check.one_of(parts["prevails"].value, "what prevails", Prevails))
    sha256 = None
    if "sha256" in parts:
        said = parts["sha256"].value
        if isinstance(said, Scalar) and said.value in _PLACEHOLDERS:
            check.note("instrument sha256: is a placeholder, so nothing ties this document to the paper yet")
        else:
            what = "the hash of the instrument"
            sha256 = check.matching(said, what, _SHA256, "64 hexadecimal digits in lower case")
    return Instrument(title=title, sha256=sha256, prevails=prevails)


def read_accession(check: Checker, parts: Mapping[str, Entry], who: ReaderTerms | None) -> Accession | None:
    """Read how one accedes, beside who may; None where a part is missing."""
    if "by" not in parts:
        return None
    by = Accede(check.one_of(parts["by"].value, "how one accedes", Accede))
    return None if who is None else Accession(who=who, by=by)


def read_amend_by(check: Checker, node: Node) -> AmendBy | None:
    """Read who can amend for all; None where a part is missing."""
    parts = check.table(node, "amend_by", required=("more_than",), optional=("objection_period",))
    period = 0
    if "objection_period" in parts:
        period = check.duration(parts["objection_period"].value, "the objection period")
    if "more_than" not in parts:
        return None
    return AmendBy(more_than=_read_majority(check, parts["more_than"].value), objection_period=period)


def read_withdrawal(check: Checker, node: Node, clause_ids: frozenset[str]) -> Withdrawal:
    """Read how one leaves, and which clauses outlive it."""
    parts = check.table(node, "withdrawal", required=("notice",), optional=("survives",))
    notice = check.duration(parts["notice"].value, "the notice") if "notice" in parts else 0
    survivors: tuple[str, ...] = ()
    if "survives" in parts:
        said = parts["survives"].value
        survivors = check.many(said, "the id of a clause that survives", check.clause_id)
        for survivor in survivors:
            if survivor and survivor not in clause_ids:
                check.problem(said.place, f"clause {survivor!r}", "clauses of this agreement")
    return Withdrawal(notice=notice, survives=survivors)


def read_on_lapse(check: Checker, node: Node) -> OnLapse:
    """Read what follows the lapse of a legal basis."""
    parts = check.table(node, "on_lapse", required=("held",))
    held = Held.KEEP_PROTECTED
    if "held" in parts:
        held = Held(check.one_of(parts["held"].value, "what happens to what is held", Held))
    return OnLapse(held=held)
