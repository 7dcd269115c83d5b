"""Charters: what a partnership wants, how it is measured, by what it is content, and who answers for it. Pure."""

from __future__ import annotations

import enum
from fractions import Fraction
from typing import Final

import msgspec

from tocsin.errors import InputError
from tocsin.kernel.clock import DAY, Micros
from tocsin.parties.model import check_name, check_remark

__all__ = ["MAX_GOALS", "MAX_WINDOW", "Charter", "Figure", "Goal", "Measure", "Report", "number"]

# More goals than this steer nobody.
MAX_GOALS: Final = 50
# What lies further back says nothing of the partnership as it is.
MAX_WINDOW: Final[Micros] = 3_660 * DAY


class Measure(enum.StrEnum):
    """What is measured; all but the last from the log and the store."""

    TIME_TO_PROTECTION = "time-to-protection"  # seconds
    USE_CONFIRMED = "use-confirmed"  # a share
    ACTIONS_CLOSED = "actions-closed"  # a share
    DISPUTES_IN_TIME = "disputes-in-time"  # a share
    REPORTED = "reported"  # what its owner says


class Goal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One goal: a measure over the last ``over`` microseconds, looked at every so often, and its target.

    A target is a number written out, as exact as in the document. ``owner`` is ``party`` or ``user@party``.
    """

    id: str
    goal: str
    measure: Measure
    owner: str
    over: Micros
    every: Micros
    at_most: str | None = None
    at_least: str | None = None

    def __post_init__(self) -> None:
        check_name(self.id, "goal")
        check_remark(self.goal, "goal")
        if not 0 < self.over <= MAX_WINDOW or not 0 < self.every <= MAX_WINDOW:
            raise InputError("a goal is measured over some time, every so often, at most ten years", where=self.id)
        if (self.at_most is None) is (self.at_least is None):
            raise InputError("a target is at most, or at least, a number", where=self.id)
        number(self.at_most or self.at_least or "")

    def met(self, value: str | None) -> bool | None:
        """Return whether a value is within the target; None when there is none."""
        if value is None:
            return None
        if self.at_most is not None:
            return number(value) <= number(self.at_most)
        return number(value) >= number(self.at_least or "")


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a goal's owner says that it stands at."""

    value: str
    note: str
    by: str
    at: Micros


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One goal evaluated: its value (None: nothing to measure), of how many, and how it was computed."""

    goal: str
    value: str | None
    count: int
    met: bool | None
    how: str


class Charter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A charter in force, with what was last reported and evaluated. ``document`` is its text as it was adopted."""

    name: str
    version: int
    title: str
    goals: tuple[Goal, ...]
    document: str
    adopted_at: Micros = 0
    mandate: str = ""
    reports: dict[str, Report] = msgspec.field(default_factory=dict)
    evaluated_at: Micros | None = None
    figures: tuple[Figure, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name, "charter")
        check_remark(self.title, "title")
        if not 1 <= len(self.goals) <= MAX_GOALS or len({goal.id for goal in self.goals}) < len(self.goals):
            raise InputError(f"a charter has 1 to {MAX_GOALS} goals, each of an id of its own", where=self.name)

    def goal(self, goal_id: str) -> Goal | None:
        """Return a goal by its id."""
        return next((goal for goal in self.goals if goal.id == goal_id), None)

    def due(self, at: Micros) -> bool:
        """Return whether a goal is to be looked at again."""
        return self.evaluated_at is None or any(self.evaluated_at + goal.every <= at for goal in self.goals)


def number(text: str) -> Fraction:
    """Return a number written out.

    Raises:
        InputError: it is none, or longer than any that is meant.
    """
    try:
        if len(text) <= 40:  # noqa: PLR2004  no figure of a partnership has more digits
            return Fraction(text)
    except (ValueError, ZeroDivisionError):
        pass  # told below
    raise InputError(f"{text[:40]!r} is no number", todo="write it like 86400 or 0.8")
