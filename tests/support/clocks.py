"""Clocks of tests: one that stands still until it is told to move, or that goes on at each look, as machines' do."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from tocsin.kernel.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.kernel.clock import Micros

__all__ = ["EVERYWHERE", "Ticking", "clock_at", "go_on_from", "going_on"]

# Microseconds by which the clock of each hub of a run goes on at each look; 0: where a test says nothing, it stands.
EVERYWHERE: Final = int(os.environ.get("TOCSIN_TEST_TICK", "0"))
# How often a clock is looked at, at most, while a module founds the hub that its tests begin with.
READINGS: Final = 10_000

_step = [EVERYWHERE]


class Ticking(ManualClock):
    """A clock that is later at each look than at the one before."""

    def __init__(self, at: Micros, *, step: Micros = 1) -> None:
        super().__init__(at)
        self.step = step

    def now(self) -> Micros:
        """Return the instant last set, or one step after the last that was returned."""
        at = self.at
        self.at += self.step
        return at


@contextlib.contextmanager
def going_on(step: Micros) -> Iterator[None]:
    """Let the clocks of hubs that are opened meanwhile go on by so much at each look."""
    before, _step[0] = _step[0], step
    try:
        yield
    finally:
        _step[0] = before


def clock_at(at: Micros) -> ManualClock:
    """Return the clock of a test's hub."""
    return Ticking(at, step=_step[0]) if _step[0] else ManualClock(at)


def go_on_from(clock: ManualClock, last: Micros) -> None:
    """Let a clock that goes on by itself take up where a hub's was left, as the one clock of a machine would.

    One that had moved by more than it does by itself was set: then it is the test's to say what time it is.
    """
    if isinstance(clock, Ticking) and clock.at < last < clock.at + clock.step * READINGS:
        clock.at = last
