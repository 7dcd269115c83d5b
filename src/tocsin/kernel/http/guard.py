"""The one guard: who is asking, whether they may, and how much of one kind of work there is room for.

Each kind of work has threads of its own, and what finds too many waiting is told to come back (503). All dialects of an
application share one guard, so that its limits are the process's and not a protocol's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Generic

from tocsin.errors import BusyError, ForbiddenError, NotFoundError
from tocsin.kernel.http.lanes import Lane
from tocsin.kernel.http.routes import P

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tocsin.kernel.http.routes import Access

__all__ = ["BODIES_AT_ONCE", "BODIES_OF_ONE", "READS_OF_ONE", "READS_WAITING_OF_ONE", "Guard"]

# Each may hold as many bytes as its route takes, and a parsed copy of them; it counts until it is answered.
BODIES_AT_ONCE: Final = 16
# Of one party: fewer than the writers, so that a party which sends all it may leaves room for another.
BODIES_OF_ONE: Final = 3
# Finding a token or a remembered password takes some milliseconds: a queue that is full is through in ten seconds.
SIGN_INS: Final = 2
SIGN_INS_WAITING: Final = 1_024
# A page takes some ten milliseconds, more while it waits for the writer. A thousand members who all ask when something
# happens wait for each other's pages and no longer; sending them away and meeting them again would cost all of them
# more. How many of these one party can hold is limited below.
READERS: Final = 8
READERS_WAITING: Final = 1_024
# Of one party at once; its next ones wait outside the lane. A search may take seconds: half of the threads are left
# for the others, whatever one party asks.
READS_OF_ONE: Final = 4
# Of one party, those that wait outside included. Each may bring a question of some hundred kilobytes with it.
READS_WAITING_OF_ONE: Final = 64
# There is one writer, and what comes before its turn (parsing, checking) keeps a small machine's processors busy.
WRITERS: Final = 4
WRITERS_WAITING: Final = 32
# Who watches a hub must see it most of all when everything else is full.
WATCHERS: Final = 1
WATCHERS_WAITING: Final = 4


@dataclass(kw_only=True, eq=False)
class Guard(Generic[P]):
    """Who may come in, and how many at once.

    ``recognise`` gets the ``Authorization`` header, and quickly says who is asking, raises, or returns None where that
    takes a dear proof; ``authenticate`` then gives the proof, in the lane ``proving``. ``challenges`` are the values of
    ``WWW-Authenticate``. ``stopping`` is set when the server has been told to stop: answers without an end end then.
    """

    recognise: Callable[[str | None], P | None]
    authenticate: Callable[[str | None], P]
    proving: Lane
    challenges: tuple[str, ...]
    signing_in: Lane = field(init=False, default_factory=lambda: _lane("sign-in", SIGN_INS, SIGN_INS_WAITING))
    readers: Lane = field(init=False, default_factory=lambda: _lane("reader", READERS, READERS_WAITING))
    writers: Lane = field(init=False, default_factory=lambda: _lane("writer", WRITERS, WRITERS_WAITING))
    watchers: Lane = field(init=False, default_factory=lambda: _lane("watcher", WATCHERS, WATCHERS_WAITING))
    stopping: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    streams: int = field(init=False, default=0)  # open answers without an end; on the event loop only
    _bodies: Counter[str | None] = field(init=False, default_factory=Counter)  # by party; on the event loop only
    _reading: dict[str | None, _Share] = field(init=False, default_factory=dict)  # as above

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Return every lane there is."""
        return (self.signing_in, self.proving, self.readers, self.writers, self.watchers)

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Let people in while the ``with`` lasts; leaving waits for what is under way."""
        self.stopping.clear()
        with contextlib.ExitStack() as stack:
            for lane in self.lanes:
                stack.enter_context(lane.opened())
            yield

    async def admit(self, access: Access, authorization: str | None) -> P | None:
        """Return who is asking, once they are known and may; None where anyone may, and credentials are not looked at.

        Raises:
            AuthenticationError: we do not know them.
            NotFoundError: they lack every permission that would tell them what is there.
            ForbiddenError: they lack a permission.
            BusyError: too many are waiting.
        """
        if access.anyone:
            return None
        known = await self.signing_in.run(partial(self.recognise, authorization))
        if known is None:
            known = await self.proving.run(partial(self.authenticate, authorization))
        if access.hidden_without and access.hidden_without.isdisjoint(known.permissions):
            raise NotFoundError("there is nothing at this address")
        if not access.permissions <= set(known.permissions):
            missing = ", ".join(sorted(access.permissions - set(known.permissions)))
            raise ForbiddenError(f"this takes a permission that these credentials lack: {missing}")
        if access.one_of and access.one_of.isdisjoint(known.permissions):
            either = " or ".join(sorted(access.one_of))
            raise ForbiddenError(f"this takes a permission that these credentials lack: {either}")
        return known

    @contextlib.asynccontextmanager
    async def share(self, known: P | None) -> AsyncIterator[None]:
        """Keep one of a party's places among the readers while the ``with`` lasts, once it is its turn.

        Raises:
            BusyError: too many of this party wait already.
        """
        party = None if known is None else known.party
        share = self._reading.setdefault(party, _Share())
        if share.count >= READS_WAITING_OF_ONE:
            raise BusyError(
                f"{READS_WAITING_OF_ONE} questions of yours are under way", todo="ask the next when one is answered"
            )
        share.count += 1
        try:
            async with share.turns:
                yield
        finally:
            share.count -= 1
            if not share.count:
                del self._reading[party]

    @contextlib.contextmanager
    def place(self, known: P | None) -> Iterator[None]:
        """Keep one of the places for bodies while the ``with`` lasts.

        Raises:
            BusyError: all are taken, or all that this party may take.
        """
        party = None if known is None else known.party
        if self._bodies.total() >= BODIES_AT_ONCE:
            raise BusyError("too many submissions are under way", todo="try again in a few seconds")
        if self._bodies[party] >= BODIES_OF_ONE:
            raise BusyError(
                f"{BODIES_OF_ONE} submissions of yours are under way", todo="send the next when one is answered"
            )
        self._bodies[party] += 1
        try:
            yield
        finally:
            self._bodies[party] -= 1
            if not self._bodies[party]:
                del self._bodies[party]


@dataclass(kw_only=True, eq=False)
class _Share:
    """What one party has of the readers."""

    count: int = 0
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READS_OF_ONE))


def _lane(name: str, threads: int, waiting: int) -> Lane:
    return Lane(name, threads=threads, waiting=waiting)
