"""Bodies of requests: counted byte by byte, whatever their headers say."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from tocsin.errors import InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from typing import Any

    Receive = Callable[[], Awaitable[Any]]  # ASGI's

__all__ = [
    "BODY_BYTES_A_SECOND",
    "BODY_GRACE_SECONDS",
    "BODY_SECONDS",
    "DRAIN_BYTES",
    "DRAIN_SECONDS",
    "DisconnectedError",
    "Incoming",
    "has_body",
]

# 64 MiB within this time is 5 Mbit/s; who is slower holds a place that others need.
BODY_SECONDS: Final = 120
# Nor may a place be held by a byte now and then: so much a second on average, which a modem does, once the slowest
# handshake and the longest hiccup of a line are over.
BODY_BYTES_A_SECOND: Final = 4_096
BODY_GRACE_SECONDS: Final = 10
# A client that sends first and reads later must not lose our refusal to a connection that we reset: so much of what it
# still sends is thrown away, for so long, before we answer and close.
DRAIN_BYTES: Final = 256 * 1024 * 1024
DRAIN_SECONDS: Final = 10


class DisconnectedError(InputError):
    """The client went away in the middle of its own request: there is nobody left to answer."""


def has_body(headers: Mapping[str, str]) -> bool:
    """Return whether a request announces a body (RFC 9112 §6)."""
    return "transfer-encoding" in headers or headers.get("content-length", "0").strip() != "0"


class Incoming:
    """The body of one request, as it comes in. ``unread`` says whether any of it may still be on its way."""

    def __init__(self, receive: Receive, headers: Mapping[str, str]) -> None:
        self._receive = receive
        self._declared = headers.get("content-length")
        self.unread = has_body(headers)

    async def read(self, limit: int, *, seconds: float = BODY_SECONDS, grace: float = BODY_GRACE_SECONDS) -> bytes:
        """Return the whole body; at most ``limit`` bytes of it are ever held.

        Raises:
            LimitError: there are more, or its Content-Length says so beforehand.
            InputError: it took longer than ``seconds``, or than ``grace`` and its bytes at the slowest rate.
            DisconnectedError: it was cut off.
        """
        if self._declared is not None and _exceeds(self._declared, limit):
            raise _too_large(limit)
        chunks: list[bytes] = []
        size = 0
        start = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(seconds, grace)) as timer:
                async for chunk in self._chunks():
                    size += len(chunk)
                    if size > limit:
                        raise _too_large(limit)
                    chunks.append(chunk)
                    timer.reschedule(start + min(seconds, grace + size / BODY_BYTES_A_SECOND))
        except TimeoutError as error:
            raise InputError("the body was not here in time", todo="send less, or faster") from error
        return b"".join(chunks)

    async def drain(self, *, most: int = DRAIN_BYTES, seconds: float = DRAIN_SECONDS) -> None:
        """Throw what is left of it away, so far and so long as the limits say; never fails."""
        size = 0
        with contextlib.suppress(TimeoutError, DisconnectedError):
            async with asyncio.timeout(seconds):
                async for chunk in self._chunks():
                    size += len(chunk)
                    if size > most:
                        return

    async def _chunks(self) -> AsyncIterator[bytes]:
        while self.unread:
            message = await self._receive()
            if message["type"] != "http.request":
                self.unread = False
                raise DisconnectedError("the body was cut off")
            self.unread = message.get("more_body", False)
            yield message.get("body", b"")


def _exceeds(declared: str, limit: int) -> bool:
    if not (declared.isascii() and declared.isdigit()):
        return False
    # a number longer than the limit's needs no conversion: a million digits would take its time
    digits = declared.lstrip("0")
    return len(digits) > len(str(limit)) or int(digits or "0") > limit


def _too_large(limit: int) -> LimitError:
    return LimitError(f"the body has more than the {limit:,} bytes that we take", todo="split it into several requests")
