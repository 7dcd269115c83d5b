"""Listeners: a reader of event streams, written from the HTML standard, and one that can be cut off anywhere."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from tocsin.exchange.live.model import BATCH
from tocsin.exchange.live.streams import Streams

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from support.hub import World
    from tocsin.bootstrap import Hub
    from tocsin.exchange.live.model import Pace, Wish
    from tocsin.exchange.live.streams import Listener
    from tocsin.exchange.reading import Reading

__all__ = ["Ear", "Event", "EventSource", "settled", "streams_of"]

# Far more than anything here takes, on a machine that is busy with other things.
PATIENCE = 60


@dataclass(frozen=True)
class Event:
    """One event as a client gets it."""

    type: str
    data: str
    last: str  # the last event id when it came

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The objects that it holds."""
        found: list[dict[str, Any]] = json.loads(self.data)["objects"]
        return found


@dataclass
class EventSource:
    """Interprets an event stream, HTML standard §9.2.6, from bytes that may be cut anywhere."""

    last: str = ""  # what a client sends as Last-Event-ID
    retry: int | None = None
    events: list[Event] = field(default_factory=list)
    comments: int = 0
    _rest: bytes = b""
    _type: str = ""
    _data: str = ""
    _id: str | None = None

    def feed(self, chunk: bytes) -> None:
        """Take in some bytes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            assert b"\r" not in line
            self._line(line.decode("utf-8"))

    def _line(self, line: str) -> None:
        if not line:
            self._dispatch()
        elif line.startswith(":"):
            self.comments += 1
        else:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                self._type = value
            elif name == "data":
                self._data += value + "\n"
            elif name == "id" and "\0" not in value:
                self._id = value
            elif name == "retry" and value.isascii() and value.isdigit():
                self.retry = int(value)

    def _dispatch(self) -> None:
        # the buffer of the last event id is not reset: it counts from the blank line on, with or without data
        if self._id is not None:
            self.last = self._id
        if self._data:
            self.events.append(Event(self._type or "message", self._data.removesuffix("\n"), self.last))
        self._data = self._type = ""


async def _granted() -> None:
    """Prove somebody whose credentials are good."""


class Ear:
    """A client of one stream. With ``held`` it has only the bytes that it was given with ``receive``."""

    def __init__(
        self,
        streams: Streams,
        world: World,
        who: str,
        wish: Wish,
        *,
        again: Callable[[], Awaitable[None]] = _granted,
        held: bool = False,
        client: str | None = None,
        purpose: str = "detect",
    ) -> None:
        self._held = held
        self._received = 0
        self.source = EventSource(last=wish.last or "")
        self.raw = b""
        self.ended = False
        self._streams = streams
        self._asker = msgspec.structs.replace(world.asker(who, purpose=purpose), client=client)
        self._wish = wish
        self._again = again
        self._chunks: AsyncGenerator[bytes] | None = None
        self._task: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self.listener: Listener | None = None

    async def open(self) -> Ear:
        """Begin to listen."""
        before = set(self._streams._listeners)
        self._chunks = await self._streams.open(self._asker, self._wish, self._again)
        self._take(await anext(self._chunks, b""))
        found = set(self._streams._listeners) - before
        self.listener = found.pop() if found else None
        self._task = asyncio.create_task(self._listen())
        return self

    async def _listen(self) -> None:
        assert self._chunks is not None
        try:
            async for chunk in self._chunks:
                self._take(chunk)
        finally:
            self.ended = True

    def _take(self, chunk: bytes) -> None:
        self.raw += chunk
        self._moved.set()
        if not self._held:
            self.receive(len(chunk))

    def receive(self, count: int) -> None:
        """Take in so many bytes more of those that were sent."""
        self.source.feed(self.raw[self._received : self._received + count])
        self._received = min(self._received + count, len(self.raw))

    async def settle(self) -> None:
        """Look once for news, and wait until this listener has them all, or was sent away."""
        await self._streams.look()
        await settled(self)
        if self.ended and self._task is not None:
            await self._task  # what went wrong in it is what is told

    async def moved(self) -> None:
        """Wait for the next bytes."""
        self._moved.clear()
        await asyncio.wait_for(self._moved.wait(), PATIENCE)

    async def close(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._chunks is not None:
            await self._chunks.aclose()


def streams_of(hub: Hub, *, pace: Pace, batch: int = BATCH, reading: Reading | None = None) -> Streams:
    """Return streams of a hub that look when they are told to, or as often as the pace says."""
    return Streams(
        store=hub.store,
        log=hub.log,
        gate=hub.gate,
        reading=reading or hub.reading,
        entropy=hub.entropy,
        environment=hub.environment,
        pace=pace,
        batch=batch,
        crises=hub.alarm.of,
    )


async def settled(*ears: Ear) -> None:
    """Wait until these listeners have what there is, or were sent away."""
    async with asyncio.timeout(PATIENCE):
        for ear in ears:
            one = ear.listener
            # the pages are made in threads, which set no event
            while one is not None and not ear.ended and (one.due or one.reading or one.unproved):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
