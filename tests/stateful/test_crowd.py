"""Several processes on one hub at once, any of which is stopped or killed at any step, and so is the database.

Writers share, withdraw and change rights while readers walk by cursors, by places, by ``added_after`` and by streams
that they come back to. Whatever happens in between: what was acknowledged is there, wholly, once and in order; no
reader skips or repeats an object; and log and store agree.
"""

from __future__ import annotations

import functools
import logging
import random
from collections import Counter
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from support import stores
from support.crew import PATIENCE, Mate, Plain, Share, Step, Task, Trip
from support.hub import World
from support.ledger import CHANGING, READERS, WAYS, Ledger, Walk
from support.sites import Sites, sites
from tocsin.kernel.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

CREW: Final = 3
WALKS: Final = 8
# Seconds by which the clocks of the processes differ: the hub's order must not hang on them.
SKEWS: Final = (0, 20, -20)
_told = logging.getLogger("crowd")
HAPPENED: Final[Counter[str]] = Counter()

KNOWN: Final = ("again", "rival", "repeat", "retry")
OTHERS: Final = ("integrate", "index", "search", "suspend", "clear", "withdraw")
ORDERS: Final = (*["share"] * 5, *["read"] * 9, *KNOWN, *OTHERS)
# the database alone stops in a "crash", and everybody who works on it with it in a "power cut"
ACCIDENTS: Final = ("kill", "kill", "hang up", "hang up", "crash", "power cut")


class Crowd(RuleBasedStateMachine):
    """One hub, its crew, and what was promised."""

    def __init__(self, made: Sites) -> None:
        super().__init__()
        self.site = made.site()
        self.ledger = Ledger()
        self.started = self.counted = self.shared = self.steps = 0
        self.chance = random.Random(0)
        self.world = self._open()
        self.crew = [self._start(place) for place in range(CREW)]
        for number in range(WALKS):
            reader, way = READERS[number % len(READERS)], WAYS[(number + number // 4) % len(WAYS)]
            self.ledger.walks[number] = Walk(id=number, reader=reader, way=way, limit=(3, 5, 50)[number % 3])

    def _open(self) -> World:
        self.started += 1
        return World.again(self.site.settings.home, seed=1_000 + self.started, settings=self.site.settings)

    def _start(self, place: int) -> Mate:
        # whatever opens a hub has randomness of its own: no two ever draw the same ids
        self.started += 1
        return Mate.start(self.site.settings, seed=1_000 + self.started, skew=SKEWS[place] * SECOND)

    def _tell(self, mate: int, work: Any, trip: Trip | None) -> None:  # noqa: ANN401  one of the kinds of work
        self.counted += 1
        HAPPENED[getattr(work, "what", type(work).__name__)] += 1
        HAPPENED["streams"] += isinstance(work, Step) and work.stream
        task = Task(id=self.counted, work=work, trip=trip)
        note(f"{mate} is told {task}")
        self.ledger.told(task)
        self.crew[mate].tell(task)

    def _hear(self) -> None:
        """Take in what the crew did since, and replace who is gone."""
        for place, mate in enumerate(self.crew):
            for done in mate.hear():
                self.ledger.heard(done)
            self._replace_if_gone(place)

    def _replace_if_gone(self, place: int) -> None:
        mate = self.crew[place]
        if mate.gone:
            HAPPENED["ends"] += 1
            HAPPENED["ms of the crew"] += round(mate.cpu * 1_000)
            for task in mate.tasks.values():
                self.ledger.lost(task)
            self.crew[place] = self._start(place)

    # --- work ---------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Tell several of the crew what to do, without waiting for any of it."""
        for _ in range(self.chance.randint(1, 6)):
            mate, trip = self.chance.randrange(CREW), self._trip()
            what = self.chance.choice(ORDERS)
            if what == "read":
                walk = self.ledger.walks[self.chance.randrange(WALKS)]
                if walk.task is None:
                    self._tell(mate, walk.step(), trip)
            elif what == "withdraw":
                self._withdraw(mate, trip)
            elif what == "share":
                self._tell(mate, Share(owner="alfa", number=self.shared), trip)
                self.shared += 1
            elif what in KNOWN:
                self._share_what_is_known(mate, what, trip)
            else:
                self._tell(mate, Plain(what=what), trip)

    def _race(self) -> None:
        """Stop one between two of its steps, let another do something that concerns it, and let it go on."""
        one, other = self.chance.sample(range(CREW), 2)
        trip = Trip(step=self.chance.randint(1, 14), after=self.chance.random() < 0.5, die=False)
        if self.chance.random() < 0.3:
            self._tell(one, Share(owner="alfa", number=self.shared), trip)
            self.shared += 1
        else:
            # somebody who begins anew is given most of what there is
            reader = self.chance.choice(READERS)
            walk = Walk(id=len(self.ledger.walks), reader=reader, way=self.chance.choice(WAYS), limit=50)
            self.ledger.walks[walk.id] = walk
            self._tell(one, walk.step(), trip)
        self._wait_for(one)
        what = self.chance.choice(("share", "withdraw", "suspend", "clear"))
        if what == "withdraw":
            self._withdraw(other, None)
        elif what == "share":
            self._tell(other, Share(owner="alfa", number=self.shared), None)
            self.shared += 1
        else:
            self._tell(other, Plain(what=what), None)
        self._wait_for(other)
        self._resume(self.crew[one])

    def _come_back(self) -> None:
        """Let a reader come to its end in one process, another share more, and the reader come back to the first.

        Whatever the first process remembers of that reader's page is old then.
        """
        one, other = self.chance.sample(range(CREW), 2)
        # of those whose rights stay as they are: to them nothing else than what was shared is new
        reader = self.chance.choice([name for name in READERS if name != CHANGING])
        walk = Walk(id=len(self.ledger.walks), reader=reader, way=self.chance.choice(WAYS), limit=50)
        self.ledger.walks[walk.id] = walk
        self._walk_on(one, walk)
        self._resume(self.crew[other])
        self._tell(other, Share(owner="alfa", number=self.shared), None)
        self.shared += 1
        self._wait_for(other)
        self.promises_are_kept()
        self._walk_on(one, walk)

    def _walk_on(self, place: int, walk: Walk) -> None:
        """Have one process read on, to the end if it takes few pages and nothing comes between."""
        before = len(walk.ends)
        for _ in range(6):
            self._resume(self.crew[place])
            if walk.task is None and len(walk.ends) == before:
                self._tell(place, walk.step(), None)
            self._wait_for(place)
        HAPPENED["comes back to its end"] += len(walk.ends) > before > 0

    def _trip(self) -> Trip | None:
        if self.chance.random() < 0.6:
            return None
        # a page takes some ten steps, a submission some thirty, and a withdrawal a hundred
        step = min(int(self.chance.expovariate(1 / 14)) + 1, 120)
        return Trip(step=step, after=self.chance.random() < 0.5, die=self.chance.random() < 0.35)

    def _share_what_is_known(self, mate: int, how: str, trip: Trip | None) -> None:
        led = self.ledger
        known = [one for one in led.shares if (one not in led.kept) == (how == "retry")]
        known = [one for one in known if one.number not in led.withdrawing]
        if not known:
            return
        one = self.chance.choice(known)
        if how == "again" and Share(owner="alfa", number=one.number) in led.kept:
            one = Share(owner="alfa", number=one.number, version=1)
        if how == "rival":
            one = Share(owner="bravo", number=one.number)
        self._tell(mate, one, trip)

    def _withdraw(self, mate: int, trip: Trip | None) -> None:
        led = self.ledger
        shared = {task.work.number for one in self.crew for task in one.tasks.values() if isinstance(task.work, Share)}
        quiet = sorted({one.number for one in led.kept if one.owner == "alfa"} - shared - led.withdrawing)
        if quiet:
            self._tell(mate, Plain(what="withdraw", number=self.chance.choice(quiet)), trip)

    # --- time ---------------------------------------------------------------------------------------------------------

    @rule(seed=st.integers(0, 2**32))
    def go_on(self, seed: int) -> None:
        """Do one of the things that happen; hypothesis draws the seed, since nearly all of them are likely."""
        self.chance = random.Random(f"{seed} {self.steps}")
        self.steps += 1
        (doing,) = self.chance.choices(
            (self._work, self._race, self._come_back, self._let_work, self._resume_one, self._accident, self.settle),
            (35, 20, 8, 20, 11, 11, 3),
        )
        note(f"{self.steps}: {doing.__name__}")
        doing()

    def _let_work(self) -> None:
        self._wait_for(self.chance.randrange(CREW))

    def _wait_for(self, place: int) -> None:
        """Wait until one says something; not for long, since it may wait for one that waits at its trip."""
        mate = self.crew[place]
        if mate.tasks and mate.paused is None:
            for done in mate.hear(patience=0.3):
                self.ledger.heard(done)
            self._replace_if_gone(place)

    def _resume_one(self) -> None:
        self._resume(self.chance.choice(self.crew))

    def _resume(self, mate: Mate) -> None:
        if mate.paused is not None:
            HAPPENED["resumes"] += 1
            note(f"resumed before or after {mate.paused.at}")
            mate.resume()

    def settle(self) -> None:
        """Let everybody end its work, and check everything."""
        self._finish()
        self.world.hub.store.close()
        self.world = self._open()
        self.ledger.settle(self.world)
        HAPPENED["settles"] += 1

    def _finish(self) -> None:
        while any(one.tasks for one in self.crew):
            for one in self.crew:
                self._resume(one)
            assert connection.wait([one.channel for one in self.crew if one.tasks], PATIENCE), "everybody is stuck"
            self._hear()

    # --- accidents ----------------------------------------------------------------------------------------------------

    def _accident(self) -> None:
        """Kill one, end one of the database's processes whosever it is, or stop the database at once."""
        what = self.chance.choice(ACCIDENTS)
        note(what)
        HAPPENED[what] += 1
        if what == "kill":
            self._kill(self.chance.randrange(CREW))
        elif what == "hang up":
            backends = self.site.backends()
            if backends:
                self.site.terminate(self.chance.choice(backends))
        else:
            # where nobody serves the database, those who work on it are cut off with it
            if what == "power cut" or not self.site.served:
                for place in range(CREW):
                    self._kill(place)
            self.site.crash()

    def _kill(self, place: int) -> None:
        for done in self.crew[place].kill():
            self.ledger.heard(done)
        self._replace_if_gone(place)

    # --- what holds ---------------------------------------------------------------------------------------------------

    @invariant()
    def promises_are_kept(self) -> None:
        self._hear()
        with self.world.hub.store.read() as snapshot:
            self.ledger.look(snapshot)

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            for one in self.crew:
                one.kill()
                HAPPENED["ms of the crew"] += round(one.cpu * 1_000)
            self.world.hub.store.close()
            self.site.drop()


@pytest.fixture(scope="module", params=stores.KINDS if stores.KIND == "sqlite" else [stores.KIND])
def made(request: pytest.FixtureRequest) -> Iterator[Sites]:
    yield from sites(str(request.param))


def _run(made: Sites, *, examples: int, steps: int, random: bool) -> None:
    HAPPENED.clear()
    run_state_machine_as_test(
        functools.partial(Crowd, made),  # type: ignore[arg-type]  # whatever makes one will do
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=not random,
            # processes do not do the same thing twice: a shorter story would be another one
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
    _told.info("%s: %s", made.kind, dict(HAPPENED))
    assert HAPPENED.keys() >= {
        "Share",
        "Step",
        "resumes",
        "settles",
        "ends",
        "streams",
        "comes back to its end",
        *ACCIDENTS,
    }


def test_some_stories(made: Sites) -> None:
    _run(made, examples=2, steps=60, random=False)


@pytest.mark.long
def test_many_stories(made: Sites) -> None:
    _run(made, examples=60, steps=60, random=True)
