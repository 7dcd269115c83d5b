"""Annexes and who is on duty, for people to read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from tocsin.agreements.annexes.model import ActivatedBy, Activation, Asked, Call, annex_terms, standing_calls
from tocsin.agreements.annexes.wire import AnnexAct, Calling
from tocsin.agreements.document import AnnexTerms
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.wire import from_data
from tocsin.kernel.clock import Micros
from tocsin.kernel.mandate import MandateBasis

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tocsin.agreements.facts import Activated

__all__ = ["AnnexView", "OnDuty", "Word", "views", "words"]


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """Who brought an activation about or ratified it, on which mandate and why, as the log says."""

    actor: str  # user@party or party; of duty-holders, whose call was the last that was missing
    mandate: str | None  # basis:reference; duty-holders need none
    reason: str

    @property
    def motion(self) -> str | None:
        """Return the id of the motion that decided it; None: none did."""
        basis, _, reference = (self.mandate or "").partition(":")
        return reference if basis == MandateBasis.MOTION else None


class AnnexView(msgspec.Struct, frozen=True, kw_only=True):
    """One annex of the version of an agreement that is in force, or of one that has a review open."""

    agreement: str
    version: int
    annex: str
    clauses: tuple[str, ...]
    terms: AnnexTerms
    in_force: bool  # the version
    until: Micros | None  # while it is active: when that ends, by all that is known
    suspended_until: Micros | None  # until when it is active again if its version, which is suspended, is resumed
    to_ratify: Micros | None  # by when a body has to ratify what no body activated
    activations: tuple[Activation, ...]
    review_open: tuple[int, ...]  # numbers of activations that are over and were not reviewed
    unanswered: tuple[int, ...]  # likewise of those without a motion that are over and that no motion answered for
    calls: tuple[Call, ...]  # that count now, or that activated it
    begun: Mapping[int, Word] = {}  # by the number of an activation
    ratified: Mapping[int, Word] = {}  # likewise

    @property
    def active(self) -> bool:
        """Return whether it opens anything now."""
        return self.until is not None

    @property
    def told(self) -> tuple[Activation, ...]:
        """Return what somebody still has to know of: activations that last, are to be reviewed, or were the last."""
        last = max((one.number for one in self.activations), default=0)
        lasting = self.until or self.suspended_until
        return tuple(
            one
            for one in self.activations
            if one.number == last or one.number in self.review_open or (one.ended is None and one.last == lasting)
        )


class OnDuty(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's last shift."""

    user: str  # user@party
    kind: str  # of the party
    starts: Micros
    until: Micros
    now: bool


def words(entries: Iterable[tuple[str, str | None, Mapping[str, Any]]]) -> dict[tuple[str, int], Word]:
    """Return who first acted on each activation, by its agreement and number.

    ``entries`` are actor, mandate and data of what the log says of one kind of act, in its order: of activations and
    calls, how each began; of ratifications, who ratified it.

    Raises:
        InputError: the data are not of such entries.
    """
    found: dict[tuple[str, int], Word] = {}
    for actor, mandate, data in entries:
        said = from_data(data, Calling if "asked" in data else AnnexAct)
        for one in said.activations:
            word = Word(actor=actor, mandate=mandate, reason=said.reason)
            found.setdefault((said.agreement, one.number), word)
    return found


def views(
    agreements: Iterable[tuple[Activated, bool]],
    calls: Sequence[Call],
    at: Micros,
    *,
    begun: Mapping[tuple[str, int], Word],
    ratified: Mapping[tuple[str, int], Word],
) -> Iterator[AnnexView]:
    """Yield the annexes of versions, each with whether it is in force; of others only what lasts or is to be reviewed.

    ``calls`` are those of all of these agreements, ``begun`` and ``ratified`` how their activations were.
    """
    for one, in_force in agreements:
        document = one.document
        for annex in sorted({clause.emergency for clause in document.clauses if clause.emergency is not None}):
            made = tuple(each for each in one.annexes if each.annex == annex)
            lasting = [each for each in made if each.active(at)]
            active = lasting if in_force else []
            suspended = [each for each in lasting if one.status is AgreementStatus.SUSPENDED]
            open_ = tuple(each.number for each in made if not each.active(at) and each.reviewed is None)
            if not in_force and not open_ and not lasting:
                continue
            standing = _counting(one.annexes, calls, annex, at)
            waiting = [each.ratify_by for each in active if each.ratify_by is not None and not each.answered]
            yield AnnexView(
                agreement=document.name,
                version=document.version,
                annex=annex,
                clauses=tuple(clause.id for clause in document.clauses if clause.emergency == annex),
                terms=annex_terms(document, annex),
                in_force=in_force,
                until=max((each.last for each in active), default=None),
                suspended_until=max((each.last for each in suspended), default=None),
                to_ratify=min(waiting, default=None),
                activations=made,
                review_open=open_,
                unanswered=tuple(each.number for each in made if not each.active(at) and not each.answered),
                calls=tuple(standing),
                begun={each.number: word for each in made if (word := begun.get((document.name, each.number)))},
                ratified={each.number: word for each in made if (word := ratified.get((document.name, each.number)))},
            )


def _counting(made: Iterable[Activation], calls: Sequence[Call], annex: str, at: Micros) -> list[Call]:
    """Return the calls that count, and those that activated what is active.

    What was called before the last activation is spent, and has no part in one that is by no duty-holders.
    """
    last = max(made, key=lambda one: one.starts, default=None)
    found = [
        call
        for call in standing_calls(calls, annex=annex, at=at)
        if last is None
        or call.at > last.starts
        or (last.by is ActivatedBy.DUTY and last.annex == annex and last.active(at))
    ]
    lasting = last is not None and last.annex == annex and last.active(at)
    ends = standing_calls(calls, annex=annex, at=at, asked=Asked.END) if lasting else []
    return found + [call for call in ends if last is not None and call.at > last.starts]
