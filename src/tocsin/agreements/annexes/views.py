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

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tocsin.agreements.facts import Activated

__all__ = ["AnnexView", "Begun", "OnDuty", "begun", "views"]


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """How an activation began, as the log says."""

    actor: str  # user@party or party; of duty-holders, whose call was the last that was missing
    mandate: str | None  # basis:reference; duty-holders need none
    reason: str


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
    calls: tuple[Call, ...]  # that count now, or that activated it
    begun: Mapping[int, Begun] = {}  # by the number of an activation

    @property
    def active(self) -> bool:
        """Return whether it opens anything now."""
        return self.until is not None


class OnDuty(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's last shift."""

    user: str  # user@party
    kind: str  # of the party
    starts: Micros
    until: Micros
    now: bool


def begun(entries: Iterable[tuple[str, str | None, Mapping[str, Any]]]) -> dict[tuple[str, int], Begun]:
    """Return how each activation began, by its agreement and number.

    ``entries`` are actor, mandate and data of what the log says of activations and calls, in its order.

    Raises:
        InputError: the data are not of such entries.
    """
    found: dict[tuple[str, int], Begun] = {}
    for actor, mandate, data in entries:
        said = from_data(data, Calling if "asked" in data else AnnexAct)
        for one in said.activations:
            words = Begun(actor=actor, mandate=mandate, reason=said.reason)
            found.setdefault((said.agreement, one.number), words)
    return found


def views(
    agreements: Iterable[tuple[Activated, bool]],
    calls: Sequence[Call],
    at: Micros,
    words: Mapping[tuple[str, int], Begun],
) -> Iterator[AnnexView]:
    """Yield the annexes of versions, each with whether it is in force; of others only what lasts or is to be reviewed.

    ``calls`` are those of all of these agreements, ``words`` how their activations began.
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
                calls=tuple(standing),
                begun={each.number: word for each in made if (word := words.get((document.name, each.number)))},
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
