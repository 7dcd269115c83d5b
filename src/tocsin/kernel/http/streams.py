"""Answers without an end: a chunk at a time, as fast as the client takes them, until somebody goes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from litestar.response.base import ASGIResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from litestar.types import Receive, Send

    from tocsin.kernel.http.guard import Guard
    from tocsin.kernel.http.routes import StreamReply

__all__ = ["Flow"]


class Flow(ASGIResponse):
    """The answer of one stream. ``failed`` is told what the generator raised; the client only sees the end.

    It ends when the generator does, when the client goes and when the server stops, whichever is first.
    """

    _should_set_content_length = False

    def __init__(
        self,
        reply: StreamReply,
        guard: Guard[Any],
        *,
        headers: list[tuple[str, str]],
        failed: Callable[[Exception], None],
    ) -> None:
        super().__init__(headers=[*headers, ("content-type", reply.media_type)])
        self._chunks = reply.chunks
        self._seconds = reply.seconds
        self._guard = guard
        self._failed = failed

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Send what the generator gives until it, the client or the server ends."""
        self._guard.streams += 1
        ends = {asyncio.ensure_future(self._gone(receive)), asyncio.ensure_future(self._guard.stopping.wait())}
        flowing = asyncio.ensure_future(self._flow(send))
        try:
            ended, _ = await asyncio.wait({flowing, *ends}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._guard.streams -= 1
            for task in (flowing, *ends):
                task.cancel()
            flowed, *_ = await asyncio.gather(flowing, *ends, return_exceptions=True)
            if isinstance(flowed, Exception):
                self._failed(flowed)
            await self._chunks.aclose()
        if ended:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        # else a client that takes next to nothing would have us wait for the end, too: the connection is closed on it

    async def _flow(self, send: Send) -> None:
        async for chunk in self._chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

    @staticmethod
    async def _gone(receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
