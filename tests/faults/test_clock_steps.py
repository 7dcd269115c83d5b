"""The machine's clock is set in the middle of whatever is being done: ahead by a day and back, by seconds, to and fro.

Whatever it does, the hub does what it was asked for, its self-test passes, and what comes after is in order.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import pytest

from support import stores
from support.deeds import DEEDS, Desk, prepare
from support.inspection import inspect_hub
from support.sabotage import observe
from support.sharing import bundle, indicator
from support.sites import Sites, sites
from support.told import entries_of
from tocsin.exchange.releases import OVERDUE
from tocsin.exchange.replay import MAX_WAIT
from tocsin.kernel.clock import DAY, SECOND, ManualClock, Micros, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# How far from the right time the clock is at a step of what is being done: a statement, a beginning, a commit.
STEPS: Final[dict[str, Callable[[int], Micros]]] = {
    "ahead by a day, and set right": lambda step: DAY if step < 8 else 0,
    "ahead by a day in the middle": lambda step: DAY if step >= 4 else 0,
    "ahead by a day for a moment": lambda step: DAY if step == 5 else 0,
    "back by a day, and set right": lambda step: -DAY if step < 8 else 0,
    "back by a day in the middle": lambda step: -DAY if step >= 4 else 0,
    "corrected by two seconds, back": lambda step: -2 * SECOND if step >= 4 else 0,
    "drawn back at every look": lambda step: -step * SECOND,
    "to and fro": lambda step: (-1) ** step * step * 60 * SECOND,
}


class Setting:
    """Sets a clock at each step that a store takes."""

    def __init__(self, clock: ManualClock, off: Callable[[int], Micros]) -> None:
        self._clock = clock
        self._off = off
        self._now: Micros = 0
        self.steps = 0

    def before(self, statement: str, driver: Any) -> None:  # noqa: ANN401  the driver's own connection
        """Set the clock."""
        self.steps += 1
        self._set(self._off(self.steps))

    def after(self, statement: str, driver: Any) -> None:  # noqa: ANN401  as above
        """Leave it."""

    def right(self) -> None:
        """Set it right."""
        self._set(0)

    def _set(self, off: Micros) -> None:
        self._clock.advance(off - self._now)
        self._now = off


@pytest.fixture(scope="module")
def made() -> Iterator[Sites]:
    yield from sites(stores.KIND, prepare)


def _done_meanwhile(made: Sites, deed: str, case: str) -> None:
    site = made.site()
    desk = Desk(site.world())
    if deed == "deliver":
        desk.with_courier()
    with pytest.MonkeyPatch.context() as patched:
        setting = Setting(desk.world.clock, STEPS[case])
        observe(desk.hub.store, setting, put=patched.setattr)
        meanwhile = DEEDS[deed](desk)
    assert setting.steps > 0
    setting.right()
    desk.hub.self_test.require()
    # doing it twice is doing it once, whatever time it was
    assert DEEDS[deed](desk) == meanwhile
    desk.world.share("bravo", bundle([indicator(77)]))
    inspect_hub(desk.hub)
    instants = [parse_instant(one.at) for one in entries_of(desk.world)]
    assert instants == sorted(instants)
    desk.close()
    site.drop()


@pytest.mark.parametrize("deed", DEEDS)
def test_the_clock_is_set_in_the_middle(made: Sites, deed: str) -> None:
    _done_meanwhile(made, deed, random.Random(deed).choice([*STEPS]))


@pytest.mark.long
@pytest.mark.parametrize("case", STEPS)
@pytest.mark.parametrize("deed", DEEDS)
def test_the_clock_is_set_in_the_middle_in_every_way(made: Sites, deed: str, case: str) -> None:
    _done_meanwhile(made, deed, case)


@pytest.mark.parametrize("by", [MAX_WAIT + 1, DAY])
@pytest.mark.parametrize("act", ["share", "why", "withdraw"])
def test_what_waited_for_the_log_goes_in_before_what_is_done_much_later(made: Sites, act: str, by: Micros) -> None:
    """The machine slept, or its clock was set ahead, with releases that were decided and not entered yet."""
    site = made.site()
    desk = Desk(site.world())
    assert desk.hub.integrator.pending()
    before = len(entries_of(desk.world))
    desk.world.clock.advance(by)
    DEEDS[act](desk)
    told = [one.kind for one in entries_of(desk.world)[before:]]
    assert told[0] == "release"
    assert told[-1] != "release"
    inspect_hub(desk.hub)
    desk.close()
    site.drop()


def test_what_waits_is_entered_before_a_replay_would_not_believe_it() -> None:
    assert 2 * OVERDUE < MAX_WAIT
