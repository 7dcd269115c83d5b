"""Streams: listeners that are told at once what a page would tell them when they asked.

One task for each process looks for what was committed, and wakes those listeners only whose page is not known to be
empty. Whoever is woken is proved anew, asks for a page as any reader does, in its turn, and has it staged as a release
before its first byte leaves: a stream opens nothing that a page does not open.

While a listener has nothing to receive, its stream holds the beginning and a comment every so often, on a schedule that
was fixed when it was opened.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from tocsin.errors import (
    AuthenticationError,
    BusyError,
    ForbiddenError,
    InputError,
    NotFoundError,
    StoreBrokenError,
)
from tocsin.exchange.live import store as live
from tocsin.exchange.live.model import BATCH, MAX_STREAMS, STREAMS_OF_ONE, Pace
from tocsin.exchange.live.wire import write_crisis, write_objects
from tocsin.exchange.releases import WITHDRAWN
from tocsin.kernel.http import sse
from tocsin.kernel.http.lanes import Lane
from tocsin.kernel.http.problems import surviving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator

    from sqlalchemy import Connection

    from tocsin.agreements.gatekeeper import Gate
    from tocsin.agreements.model import Label
    from tocsin.exchange.emergency.model import Crisis
    from tocsin.exchange.live.model import Wish
    from tocsin.exchange.model import Collection, Query
    from tocsin.exchange.reading import Answer, Asker, Reading
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.log.service import Log

__all__ = ["Listener", "Streams"]

# Reading at once: two keep the writer busy with releases, and leave the other threads to those who ask for pages.
THREADS: Final = 2
# Credentials proved at once, when many are woken together: fewer than the lane for signing in lets wait, so that people
# who come in find room.
PROVING: Final = 32
# A client that was cut off comes back after this long, in ms: not all of them in the same moment.
RETRY_FIRST: Final = 2_000
RETRY_SPAN: Final = 28_000
# Up to this share of its age a stream ends earlier: not all that began together in the same moment.
AGE_SPAN: Final = 0.25

# What a listener is told before its stream ends because the database lost what was read from it.
_LOST: Final = (
    b'{"title":"the hub lost what this stream stands on",'
    b'"todo":"come back with the last id; when that is refused, without it"}'
)

_log: Final = structlog.get_logger("tocsin.live")


def _none(_party: str) -> tuple[Crisis, ...]:
    return ()


class Listener:
    """One stream: who listens, to what, and how far they are. Everything but reading happens on the event loop."""

    def __init__(
        self, asker: Asker, query: Query, collection: Collection, *, place: int, again: Callable[[], Awaitable[object]]
    ) -> None:
        self.asker = asker
        self.query = query
        self.collection = collection
        self.place = place  # everything up to this offer that they may see was sent
        self.again = again
        self.due = True  # their next page is not known to be empty
        self.unproved = True
        self.proved_at = 0.0
        self.reading = False
        self.lost = False  # what it stands on is no more
        self.crises: tuple[Crisis, ...] = ()  # that it was told of
        self.woken = asyncio.Event()


class Streams:
    """The listeners of one process in one environment.

    ``open`` gives the bytes of one stream; they come while ``running`` lasts, in events of at most ``batch`` objects.
    Tests call ``look`` themselves, with a pace that never does.
    """

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        gate: Gate,
        reading: Reading,
        entropy: Entropy,
        environment: int,
        pace: Pace | None = None,
        batch: int = BATCH,
        crises: Callable[[str], tuple[Crisis, ...]] = _none,
    ) -> None:
        self._crises = crises
        self._batch = batch
        self._store = store
        self._log = log
        self._gate = gate
        self._reading = reading
        self._entropy = entropy
        self._environment = environment
        self.pace = pace or Pace()
        self._lane = Lane("stream", threads=THREADS, waiting=MAX_STREAMS)
        self._looking = Lane("stream-watch", threads=1, waiting=1)
        self._proving = asyncio.Semaphore(PROVING)
        self._listeners: dict[Listener, None] = {}
        self._parties: Counter[str] = Counter()
        self._seen: live.Seen | None = None

    @property
    def count(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Return the lanes in which streams work."""
        return (self._lane, self._looking)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look for news while the ``with`` lasts."""
        self._proving = asyncio.Semaphore(PROVING)  # one belongs to one event loop
        with self._lane.opened(), self._looking.opened():
            watch = asyncio.create_task(self._watch(), name="tocsin-streams")
            try:
                yield
            finally:
                watch.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watch

    async def open(self, asker: Asker, wish: Wish, again: Callable[[], Awaitable[object]]) -> AsyncGenerator[bytes]:
        """Begin a stream; ``again`` proves the listener's credentials anew, or raises.

        A listener that comes for the first time begins with what is offered from now on, or behind ``added_after``.

        Raises:
            NotFoundError: there is no such collection.
            InputError: ``last`` was not given for this collection and these filters, or not to this listener.
            BusyError: too many listen, or too many of this party.
        """
        self._require_room(asker.party)
        collection, place = await self._lane.run(partial(self._begin, asker, wish))
        return self._stream(Listener(asker, wish.query, collection, place=place, again=again))

    def _begin(self, asker: Asker, wish: Wish) -> tuple[Collection, int]:
        collection = self._reading.collection(asker, wish.collection)
        if wish.last is not None:
            try:
                place = self._reading.place(asker, collection, wish.query, wish.last)
            except InputError as error:
                raise InputError(
                    "this id was not given for this stream",
                    where="Last-Event-ID",
                    todo="ask with the same credentials and filters, or without it from here on",
                ) from error
            if place > collection.head_seq:
                raise InputError(
                    "the hub lost what this id stands for: its database went back",
                    where="Last-Event-ID",
                    todo="ask without it, with `added_after` an instant from before",
                )
            return collection, place
        return collection, collection.head_seq if wish.query.added_after is None else 0

    def _require_room(self, party: str) -> None:
        if len(self._listeners) >= MAX_STREAMS:
            raise BusyError("too many streams are open", todo="ask for pages, or try again in a minute")
        if self._parties[party] >= STREAMS_OF_ONE:
            raise BusyError(
                f"{STREAMS_OF_ONE} streams of yours are open", todo="close one, or let several readers share one"
            )

    # --- one stream --------------------------------------------------------------------------------------------------

    async def _stream(self, listener: Listener) -> AsyncGenerator[bytes]:
        with contextlib.suppress(BusyError), self._room(listener.asker.party, listener):
            loop = asyncio.get_running_loop()
            opened = listener.proved_at = loop.time()
            until, beat = opened + self._age(), opened + self.pace.beat
            retry = RETRY_FIRST + self._draw() * RETRY_SPAN // 256
            yield sse.beginning(id_=self._sealed(listener, listener.place), retry=retry)
            while loop.time() < until:
                if listener.lost:
                    yield sse.failure(_LOST)
                    return
                for event in self._told(listener):
                    yield event
                if listener.due or listener.unproved:
                    try:
                        async for chunk in self._news(listener):
                            yield chunk
                    except (AuthenticationError, ForbiddenError, NotFoundError):
                        return  # whatever it was, all that a listener sees of it is that the stream ends
                    except StoreBrokenError:
                        yield sse.failure(_LOST)
                        return
                if loop.time() >= beat:
                    yield sse.HEARTBEAT
                    # from the opening, not from the last one: what was sent between moves nothing
                    beat += self.pace.beat * max(1, -(-(loop.time() - beat) // self.pace.beat))
                # not `wait_for`, which before Python 3.12 forgets that it was cancelled when the event comes with it
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(min(beat, until)):
                        await listener.woken.wait()
                listener.woken.clear()

    def _told(self, listener: Listener) -> list[bytes]:
        """Return an event for each annex of the listener's agreements that began, changed its end, or is over."""
        now, before = self._crises(listener.asker.party), listener.crises
        listener.crises = now
        over = {one.id: one for one in before}
        began = [one for one in now if over.pop(one.id, None) != one]
        told = [write_crisis(one, active=True) for one in began]
        told += [write_crisis(one, active=False) for one in over.values()]
        return [sse.notice("crisis", data) for data in told]

    @contextlib.contextmanager
    def _room(self, party: str, listener: Listener) -> Iterator[None]:
        self._require_room(party)
        self._listeners[listener] = None
        self._parties[party] += 1
        try:
            yield
        finally:
            del self._listeners[listener]
            self._parties[party] -= 1
            if not self._parties[party]:
                del self._parties[party]

    async def _news(self, listener: Listener) -> AsyncGenerator[bytes]:
        """Send page after page until there is none; each is asked for when the client has taken the one before."""
        listener.reading = True
        try:
            if not await self._prove(listener):
                return
            while listener.due:
                # what is offered while we read is found by the next look, which does not know this listener's page
                listener.due = False
                head = 0 if self._seen is None else self._seen.heads.get(listener.collection.uuid, 0)
                try:
                    answer = await self._lane.run(partial(self._page, listener, head))
                except BusyError:
                    listener.due = True  # the next look wakes it
                    return
                items = answer.page.items
                if items:
                    listener.place = items[-1].seq
                    yield sse.event("objects", write_objects(answer.page), id_=self._sealed(listener, listener.place))
                if answer.next is None:
                    listener.place = max(listener.place, head)
                    return
                listener.due = True
                if not await self._prove(listener):
                    return
        finally:
            listener.reading = False

    async def _prove(self, listener: Listener) -> bool:
        """Prove the credentials anew; returns whether that could be done.

        Raises:
            AuthenticationError, ForbiddenError: they are good for nothing now, or were not proved for too long.
        """
        loop = asyncio.get_running_loop()
        async with self._proving:
            try:
                await listener.again()
            except BusyError as error:
                if loop.time() - listener.proved_at >= self.pace.patience:
                    raise AuthenticationError("these credentials could not be proved for too long") from error
                listener.unproved = True
                return False
        listener.unproved, listener.proved_at = False, loop.time()
        return True

    def _page(self, listener: Listener, head: int) -> Answer:
        return self._reading.objects(
            listener.asker,
            listener.collection.uuid,
            listener.query,
            limit=self._batch,
            cursor=self._sealed(listener, listener.place),
            # the listener's place moves on to this head, so that no replica may answer which has not seen it
            at_least=head,
        )

    def _sealed(self, listener: Listener, place: int) -> str:
        return self._reading.seal(listener.asker, listener.collection, listener.query, place)

    def _age(self) -> float:
        return self.pace.age * (1 - AGE_SPAN * self._draw() / 256)

    def _draw(self) -> int:
        return self._entropy.bytes(1)[0]

    # --- all of them -------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            # a task that ended here would leave every listener waiting for ever
            with surviving(lambda what: _log.error("look", what=what)):
                await self.look()
            await asyncio.sleep(self.pace.look)

    def _end_all(self, error: StoreBrokenError) -> None:
        """End every stream: what they stand on is gone, and they would wait for ever for what comes after it."""
        if self._listeners:
            _log.error("streams-ended", streams=len(self._listeners), what=str(error))
        for one in self._listeners:
            one.lost = True
            one.woken.set()

    async def look(self) -> None:
        """Look once for what was committed, and wake whom it may concern."""
        asked = [one for one in self._listeners if not (one.due or one.reading)]
        places = {one: one.place for one in asked}
        try:
            change, concerned = await self._looking.run(partial(self._look, asked))
        except StoreBrokenError as error:
            self._end_all(error)
            return
        # the first look cannot tell what is new: who read before it may have read less than it saw
        first = self._seen is None
        self._seen = change.seen
        now = asyncio.get_running_loop().time()
        for one in list(self._listeners):
            if first or one in concerned or (one not in places and one.collection.uuid in change.labels):
                one.due = True
            elif one in places and one.place == places[one] and not one.reading:
                # nothing that it may see lies before this head, so that it need not be looked for again
                one.place = max(one.place, change.seen.heads.get(one.collection.uuid, 0))
            if change.credentials or now - one.proved_at >= self.pace.prove:
                one.unproved = True
            if one.due or one.unproved or one.crises != self._crises(one.asker.party):
                one.woken.set()

    def _look(self, asked: list[Listener]) -> tuple[live.Change, frozenset[Listener]]:
        with self._store.read() as connection:
            self._log.look(connection)
            change = live.look(connection, self._environment, self._seen)
            if not change.labels:
                return change, frozenset()
            return change, self._concerned(connection, change, asked)

    def _concerned(self, connection: Connection, change: live.Change, asked: list[Listener]) -> frozenset[Listener]:
        """Return the listeners whose page is not known to be empty: a new label is open to them, or undecided yet."""
        wanted = {label_id for found in change.labels.values() if found for label_id in found} - {WITHDRAWN}
        labels = self._gate.labels(connection, sorted(wanted))
        open_to: dict[Asker, Callable[[int, Label], bool]] = {}
        concerned: set[Listener] = set()
        for one in asked:
            found = change.labels.get(one.collection.uuid, frozenset())
            if found is None:
                concerned.add(one)
                continue
            new = [label_id for label_id in found if label_id in labels and _asks(one, labels[label_id])]
            if not new:
                continue
            # who reads for a client is another reader than the same party for itself
            may = open_to.get(one.asker)
            if may is None:
                may = open_to[one.asker] = self._may(connection, one.asker)
            if any(may(label_id, labels[label_id]) for label_id in new):
                concerned.add(one)
        return frozenset(concerned)

    def _may(self, connection: Connection, asker: Asker) -> Callable[[int, Label], bool]:
        """Return what says of a label whether it is open to a reader."""
        try:
            passed = self._gate.admit(
                connection, asker.party, asker.user, asker.purpose, client=asker.client, capacity=asker.capacity
            )
        except (AuthenticationError, ForbiddenError):
            return lambda _label_id, _label: True  # the reader's own turn says so
        if not passed.profile.active:
            return lambda _label_id, _label: True  # as above
        now = self._log.now(connection)
        return lambda label_id, label: bool(self._gate.opened(passed, {label_id: label}, now))


def _asks(listener: Listener, label: Label) -> bool:
    return listener.query.types is None or label.type in listener.query.types
