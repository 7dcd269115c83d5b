"""Where functions run: threads for each kind of work, and only so much of it that waits."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from tocsin.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Lane"]

R = TypeVar("R")


class Lane:
    """Threads for one kind of work: ``threads`` of it run at once, ``waiting`` more wait, and the rest is refused.

    Who is refused has cost no thread, so that a kind of work that stands still (for a writer's turn, for argon2) takes
    nothing from the others. The threads live while ``opened`` lasts.
    """

    def __init__(self, name: str, *, threads: int, waiting: int) -> None:
        self.name = name
        self.refused = 0  # how often, since it was made
        self._threads = threads
        self._room = threading.BoundedSemaphore(threads + waiting)
        self._pool: ThreadPoolExecutor | None = None
        self._counting = threading.Lock()
        self._depth = 0

    @property
    def depth(self) -> int:
        """Return how much work runs or waits here."""
        return self._depth

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Let work in while the ``with`` lasts; leaving waits for what is under way."""
        with ThreadPoolExecutor(self._threads, thread_name_prefix=f"tocsin-{self.name}") as pool:
            self._pool = pool
            try:
                yield
            finally:
                self._pool = None

    async def run(self, work: Callable[[], R]) -> R:
        """Return what ``work`` returns, from a thread of this lane.

        Raises:
            BusyError: too much is waiting already, or the lane is closed.
        """
        if self._pool is None or not self._room.acquire(blocking=False):
            self.refused += 1  # on the event loop only
            raise BusyError("too much is waiting already", todo="try again in a few seconds")
        self._count(1)
        future = self._pool.submit(work)
        # when the work has ended, not when its asker has gone: a thread cannot be called back
        future.add_done_callback(lambda _: self._leave())
        return await asyncio.wrap_future(future)

    def _leave(self) -> None:
        self._count(-1)
        self._room.release()

    def _count(self, step: int) -> None:
        with self._counting:
            self._depth += step
