"""Processes that work on one hub at once: each does what it is told over a pipe, and says what it was promised.

A task may carry a *trip*: at the n-th step that the store takes for it the process stops until it is told to go on, or
is gone as if the machine had taken it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
import traceback
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from support.clocks import clock_at
from support.forking import forking
from support.hub import OPERATOR, START
from support.listening import EventSource, streams_of
from support.sabotage import observe
from support.sharing import bundle, indicator
from tocsin.bootstrap import Hub, open_hub
from tocsin.errors import BusyError, NotFoundError, TocsinError
from tocsin.exchange.intake import Submission
from tocsin.exchange.live.model import Pace, Wish
from tocsin.exchange.model import Query, VersionChoice
from tocsin.exchange.reading import Asker
from tocsin.exchange.search.model import SearchQuery
from tocsin.kernel.clock import SECOND
from tocsin.kernel.http.sse import HEARTBEAT
from tocsin.kernel.ids import SeededEntropy
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from tocsin.exchange.reading import Answer, Reading
    from tocsin.settings import Settings

__all__ = ["ALL", "PATIENCE", "SIZE", "Done", "Mate", "PageTold", "Plain", "Share", "Step", "Task", "Trip", "ids_of"]

SIZE: Final = 4  # objects of a bundle
ALL: Final = frozenset({VersionChoice.ALL})
# a stream that has nothing to tell says so at once, and never looks by itself
HASTY: Final = Pace(look=1e6, beat=0.01, prove=1e6, patience=1e6, age=1e6)
PATIENCE: Final = 120  # seconds: far more than anything here takes, on a machine that is busy with other things


def ids_of(number: int) -> list[str]:
    """Return the ids of the objects of one bundle."""
    return [indicator(number * SIZE + place)["id"] for place in range(SIZE)]


@dataclass(frozen=True, kw_only=True)
class Trip:
    """Where a task is interrupted: before or after the n-th step of the store."""

    step: int
    after: bool
    die: bool  # else it waits


@dataclass(frozen=True, kw_only=True)
class Share:
    """A bundle: whose, which, and in which version."""

    owner: str
    number: int
    version: int = 0

    def data(self) -> bytes:
        """Return the bundle."""
        return bundle([indicator(self.number * SIZE + place, version=self.version) for place in range(SIZE)])


@dataclass(frozen=True, kw_only=True)
class Step:
    """The next page of a walk: behind a cursor, behind a place as streams ask, or added after an instant."""

    walk: int
    reader: str
    limit: int
    cursor: str | None = None
    place: int | None = None
    added_after: int | None = None
    stream: bool = False  # the next event of a stream, behind the last
    last: str | None = None


@dataclass(frozen=True, kw_only=True)
class Plain:
    """Something else to do, by name: integrate, index, search, suspend, clear, withdraw a bundle by its number."""

    what: str
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class Task:
    """One thing to do."""

    id: int
    work: Share | Step | Plain
    trip: Trip | None = None


@dataclass(frozen=True, kw_only=True)
class PageTold:
    """A page that a reader has in its hands."""

    items: list[tuple[int, str, int, int]]  # number, object id, version, date_added
    next: str | None
    release: str | None
    last: str | None = None  # of a stream: the id that stands for what is in its hands


@dataclass(frozen=True, kw_only=True)
class Done:
    """A task was done; ``page`` where it was one. ``problem``: it was answered with an error of ours."""

    task: Task
    page: PageTold | None = None
    problem: str | None = None
    busy: bool = False
    cpu: float = 0.0  # seconds that the process took so far


@dataclass(frozen=True, kw_only=True)
class Paused:
    """A task waits at its trip."""

    task: Task
    at: str


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The process ended by itself, which it never must."""

    why: str


# --- in the process ---------------------------------------------------------------------------------------------------


class _Work:
    """One process's hub, and the pipe to whoever commands it."""

    def __init__(self, settings: Settings, seed: int, skew: int, channel: Connection[Any, Any]) -> None:
        self._clock = clock_at(START + skew)
        self._channel = channel
        self._waiting: deque[Task] = deque()
        self._task: Task | None = None
        self._steps = 0
        self._hub = self._open(settings, seed)
        observe(self._hub.store, self)

    def _open(self, settings: Settings, seed: int) -> Hub:
        while True:
            try:
                return open_hub(settings, clock=self._clock, entropy=SeededEntropy(seed))
            except BusyError:  # hung up on just then
                continue

    def before(self, statement: str, _driver: Any) -> None:  # noqa: ANN401  the driver's own connection
        self._steps += 1
        self._trip(statement, after=False)

    def after(self, statement: str, _driver: Any) -> None:  # noqa: ANN401  as above
        self._trip(statement, after=True)

    def _trip(self, statement: str, *, after: bool) -> None:
        task = self._task
        trip = None if task is None else task.trip
        if task is None or trip is None or (trip.step, trip.after) != (self._steps, after):
            return
        if trip.die:
            os.kill(os.getpid(), signal.SIGKILL)
        self._channel.send(Paused(task=task, at=statement[:60]))
        while (said := self._channel.recv()) is not None:
            self._waiting.append(said)

    def run(self) -> None:
        """Do what is told until it is killed."""
        while True:
            self._task = self._waiting.popleft() if self._waiting else self._channel.recv()
            if self._task is None:  # told to go on, and nothing waits any more
                continue
            self._steps = 0
            self._clock.advance(SECOND // 100)
            try:
                page = self._do(self._task.work)
                done = Done(task=self._task, page=page, cpu=time.process_time())
            except TocsinError as error:
                done = Done(task=self._task, problem=str(error), busy=isinstance(error, BusyError))
            self._task = None
            self._channel.send(done)

    def _do(self, work: Share | Step | Plain) -> PageTold | None:
        if isinstance(work, Step):
            return self._listen(work) if work.stream else self._read(work)
        if isinstance(work, Share):
            party, acting = f"https://{work.owner}.example", Acting(actor=work.owner)
            self._hub.intake.submit(Submission(party=party, acting=acting, data=work.data()))
            return None
        self._plain(work)
        return None

    def _plain(self, work: Plain) -> None:
        hub = self._hub
        match work.what:
            case "integrate":
                hub.integrator.integrate()
            case "index":
                hub.indexer.index()
            case "search":
                bravo = Asker(party="https://bravo.example", user=None, purpose="detect", acting=Acting(actor="bravo"))
                hub.search.find(bravo, "exchange", SearchQuery(), limit=5)
            case "suspend":
                hub.parties.suspend_party(OPERATOR, hub.mandate, "coast", "a test")
            case "clear":
                hub.parties.clear_party(OPERATOR, hub.mandate, "coast", clearance="restricted", until=None)
            case "withdraw":
                for object_id in ids_of(work.number):
                    try:
                        hub.withdrawals.withdraw(
                            Acting(actor="alfa"), "https://alfa.example", "exchange", object_id, ALL
                        )
                    except NotFoundError:  # withdrawn by one that was lost on the way
                        continue

    def _read(self, step: Step) -> PageTold:
        party, user = self._hub.parties.resolve(step.reader)
        acting = Acting(actor=step.reader)
        asker = Asker(party=party.uri, user=user.name if user else None, purpose="detect", acting=acting)
        query, cursor = Query(versions=ALL, added_after=step.added_after), step.cursor
        if step.place is not None:
            collection = self._hub.reading.collection(asker, "exchange")
            cursor = self._hub.reading.seal(asker, collection, query, step.place)
        answer = self._hub.reading.objects(asker, "exchange", query, limit=step.limit, cursor=cursor)
        items = [(item.seq, item.object_id, item.version, item.date_added) for item in answer.page.items]
        return PageTold(items=items, next=answer.next, release=answer.release)

    def _listen(self, step: Step) -> PageTold:
        """Open a stream behind the last event, and take the next one, or hear that there is none."""
        hub, pages = self._hub, _Pages(self._hub.reading)
        streams = streams_of(hub, pace=HASTY, batch=step.limit, reading=cast("Reading", pages))
        party, user = hub.parties.resolve(step.reader)
        name, acting = user.name if user else None, Acting(actor=step.reader)
        asker = Asker(party=party.uri, user=name, purpose="detect", acting=acting)
        wish = Wish(collection="exchange", query=Query(versions=ALL, added_after=0), last=step.last)
        source, more = EventSource(last=step.last or ""), True

        async def proved() -> None:
            return None

        async def heard() -> None:
            nonlocal more
            with streams._lane.opened():
                chunks = await streams.open(asker, wish, proved)
                async for chunk in chunks:
                    source.feed(chunk)
                    if chunk == HEARTBEAT:
                        # it has nothing to tell, unless it was too busy to look
                        more = any(one.due for one in streams._listeners)
                    if source.events or chunk == HEARTBEAT:
                        break
                await chunks.aclose()

        asyncio.run(heard())
        if not source.events:
            return PageTold(items=[], next="more" if more else None, release=None, last=source.last or None)
        (event,), answer = source.events, pages.given[-1]
        assert event.type == "objects"
        items = [(item.seq, item.object_id, item.version, item.date_added) for item in answer.page.items]
        assert [one["id"] for one in event.objects] == [object_id for _, object_id, _, _ in items]
        return PageTold(items=items, next="more", release=answer.release, last=source.last)


class _Pages:
    """A hub's reading that remembers the pages it gave: an event does not tell the numbers of its offers."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.given: list[Answer] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the reading has
        return getattr(self._reading, name)

    def objects(self, *asked: Any, **more: Any) -> Answer:  # noqa: ANN401  passed on
        answer = self._reading.objects(*asked, **more)
        self.given.append(answer)
        return answer


def work(settings: Settings, seed: int, skew: int, channel: Connection[Any, Any]) -> None:
    """Work until the process is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _Work(settings, seed, skew, channel).run()
    except EOFError:  # nobody commands any more
        return
    except BaseException:
        channel.send(Ended(why=traceback.format_exc()))
        raise


# --- outside of it ----------------------------------------------------------------------------------------------------


@dataclass
class Mate:
    """One process, as whoever commands it sees it."""

    process: BaseProcess
    channel: Connection[Any, Any]
    tasks: dict[int, Task] = field(default_factory=dict)  # not done yet, in their order
    paused: Paused | None = None
    gone: bool = False
    cpu: float = 0.0

    @classmethod
    def start(cls, settings: Settings, *, seed: int, skew: int) -> Mate:
        """Start one; it is ready some time later, and takes tasks at once."""
        context = forking()
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(settings, seed, skew, theirs), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours)

    def tell(self, task: Task) -> None:
        """Have it do something after all that it was told before."""
        self.tasks[task.id] = task
        with contextlib.suppress(BrokenPipeError):  # gone at its trip, which is heard of later
            self.channel.send(task)

    def hear(self, *, patience: float = 0) -> list[Done]:
        """Return what it did since, waiting for the first word if told to."""
        heard: list[Done] = []
        if self.gone:
            return heard
        try:
            while self.channel.poll(0 if heard else patience):
                said = self.channel.recv()
                assert not isinstance(said, Ended), said.why
                if isinstance(said, Paused):
                    self.paused = said
                    return heard
                assert isinstance(said, Done)
                del self.tasks[said.task.id]
                self.cpu = max(self.cpu, said.cpu)
                heard.append(said)
        except (EOFError, ConnectionResetError):  # gone at its trip, or killed; all that it said was heard
            self.process.join()
            self.channel.close()
            self.gone = True
        return heard

    def resume(self) -> None:
        """Have it go on, where it waits."""
        if self.paused is not None:
            self.paused = None
            with contextlib.suppress(BrokenPipeError):
                self.channel.send(None)

    def kill(self) -> list[Done]:
        """Kill it; returns what it had said before."""
        self.process.kill()
        heard: list[Done] = []
        while not self.gone:
            heard += self.hear(patience=PATIENCE)
        self.paused = None
        return heard
