"""Clocks of tests: one that stands still until it is told to move, or that goes on at each look, as machines' do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from tocsin.kernel.clock import ManualClock

if TYPE_CHECKING:
    from tocsin.kernel.clock import Micros

__all__ = ["TICK", "Ticking", "clock_at", "go_on_from"]

# Microseconds by which a hub's clock goes on at each look, in every test of a run; 0: it stands still.
TICK: Final = int(os.environ.get("TOCSIN_TEST_TICK", "0"))
# How often a clock is looked at, at most, while a module founds the hub that its tests begin with.
READINGS: Final = 10_000


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


def clock_at(at: Micros) -> ManualClock:
    """Return the clock of a test's hub."""
    return Ticking(at, step=TICK) if TICK else ManualClock(at)


def go_on_from(clock: ManualClock, last: Micros) -> None:
    """Let a clock that goes on by itself take up where a hub's was left, as the one clock of a machine would.

    One that had moved by more than it does by itself was set: then it is the test's to say what time it is.
    """
    if TICK and clock.at < last < clock.at + TICK * READINGS:
        clock.at = last
