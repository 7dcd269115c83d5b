"""Annexes and who is on duty, for people to read. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements.annexes.model import Activation, Asked, Call, annex_terms, standing_calls
from tocsin.agreements.document import AnnexTerms
from tocsin.kernel.clock import Micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tocsin.agreements.facts import Activated

__all__ = ["AnnexView", "OnDuty", "views"]


class AnnexView(msgspec.Struct, frozen=True, kw_only=True):
    """One annex of the version of an agreement that is in force, or of one that has a review open."""

    agreement: str
    version: int
    annex: str
    clauses: tuple[str, ...]
    terms: AnnexTerms
    in_force: bool  # the version
    until: Micros | None  # while it is active: when that ends, by all that is known
    to_ratify: Micros | None  # by when a body has to ratify what people on duty activated
    activations: tuple[Activation, ...]
    review_open: tuple[int, ...]  # numbers of activations that are over and were not reviewed
    calls: tuple[Call, ...]  # that count now

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


def views(agreements: Iterable[tuple[Activated, bool]], calls: Sequence[Call], at: Micros) -> Iterator[AnnexView]:
    """Yield the annexes of versions, each with whether it is in force; of others only what is to be reviewed.

    ``calls`` are those of all of these agreements.
    """
    for one, in_force in agreements:
        document = one.document
        for annex in sorted({clause.emergency for clause in document.clauses if clause.emergency is not None}):
            made = tuple(each for each in one.annexes if each.annex == annex)
            active = [each for each in made if each.active(at)] if in_force else []
            open_ = tuple(each.number for each in made if not (in_force and each.active(at)) and each.reviewed is None)
            if not in_force and not open_:
                continue
            standing = [call for asked in Asked for call in standing_calls(calls, annex=annex, at=at, asked=asked)]
            waiting = [each.ratify_by for each in active if each.ratify_by is not None and not each.answered]
            yield AnnexView(
                agreement=document.name,
                version=document.version,
                annex=annex,
                clauses=tuple(clause.id for clause in document.clauses if clause.emergency == annex),
                terms=annex_terms(document, annex),
                in_force=in_force,
                until=max((each.last for each in active), default=None),
                to_ratify=min(waiting, default=None),
                activations=made,
                review_open=open_,
                calls=tuple(standing),
            )
