"""What follows the end of an annex, and how its runs are named. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError
from tocsin.exchange.recall.model import MAX_DUE
from tocsin.kernel.clock import DAY, Micros, format_instant

if TYPE_CHECKING:
    from tocsin.agreements.annexes.model import Run
    from tocsin.agreements.document import AnnexTerms

__all__ = ["MADE_FOR", "UNRATIFIED_WITHIN", "Crisis", "destroyed", "due_at", "parse_run", "reason_for", "run_name"]

# What a collection for an annex is made for begins so, and with it what is offered in it.
MADE_FOR: Final = "annex:"
# Where no body wanted what was let out, and the agreement names no time, a week is enough to delete it.
UNRATIFIED_WITHIN: Final[Micros] = 7 * DAY
# A hub that comes back late still leaves its members a day.
LEAST_TIME: Final[Micros] = DAY
_RUN: Final = re.compile(r"([^/#]+)/([1-9][0-9]{0,8})#([^/#]+)/([1-9][0-9]{0,8})")


class Crisis(msgspec.Struct, frozen=True, kw_only=True):
    """An annex that is active, as its members are told."""

    agreement: str
    version: int
    annex: str
    since: Micros
    until: Micros  # by all that is known; a body may end it earlier, or prolong it
    ratify_by: Micros | None  # while no body has answered for it

    @property
    def id(self) -> str:
        """Return ``name/version#annex``."""
        return f"{self.agreement}/{self.version}#{self.annex}"


def run_name(agreement: str, run: Run) -> str:
    """Return ``name/version#annex/number``: one time that an annex was in force."""
    return f"{agreement}/{run.version}#{run.annex}/{run.number}"


def parse_run(text: str) -> tuple[str, int, str, int]:
    """Return agreement, version, annex and number that ``run_name`` wrote.

    Raises:
        InputError: it wrote no such text.
    """
    match = _RUN.fullmatch(text)
    if match is None:
        raise InputError("this names no activation of an annex", where=text[:80])
    name, version, annex, number = match.groups()
    return name, int(version), annex, int(number)


def destroyed(terms: AnnexTerms, run: Run, object_type: str) -> bool:
    """Return whether objects of a type that only the annex let out are to be destroyed when it is over.

    What the agreement lets its members keep they keep in any case. Of the rest, what it names is destroyed; and
    everything, where no body answered for the annex.
    """
    afterwards = terms.afterwards
    if object_type in afterwards.keep:
        return False
    return not run.answered or (afterwards.destroy is not None and object_type in afterwards.destroy.types)


def due_at(terms: AnnexTerms, run: Run, at: Micros) -> Micros:
    """Return by when it is to be destroyed, when that is ordered at an instant."""
    destroy = terms.afterwards.destroy
    within = UNRATIFIED_WITHIN if destroy is None else destroy.within
    return min(max(run.last + within, at + LEAST_TIME), at + MAX_DUE)


def reason_for(run: Run) -> str:
    """Return what recipients are told."""
    over = f"the emergency annex {run.annex} was over at {format_instant(run.last)}"
    if not run.answered:
        return f"{over}, and no body had ratified it: what only the annex let out is destroyed"
    return f"{over}: what only the annex let out, and its members do not keep, is destroyed"
