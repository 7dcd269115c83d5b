"""What runs beside the requests: threads that live as long as the application does."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Final

import structlog

from tocsin.kernel.http.problems import surviving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from litestar import Litestar

    from tocsin.kernel.http.application import Lifespan

__all__ = ["INDEX_SECONDS", "INTEGRATE_SECONDS", "beside", "repeating"]

# A release is in the log within a second of leaving: half of it is for waiting, half for the writer's turn.
INTEGRATE_SECONDS: Final = 0.5
# Who shares something finds it a moment later; a search that comes sooner brings the index up to date itself.
INDEX_SECONDS: Final = 0.5

_log: Final = structlog.get_logger("tocsin.background")


@contextlib.contextmanager
def repeating(
    name: str, turn: Callable[[], object], *, seconds: float, first: bool = False, last: bool = True
) -> Iterator[None]:
    """Take a turn every so many seconds while the ``with`` lasts; ``first``: one at once, ``last``: one at its end.

    A turn that fails is in the operator's log, unless the store was away, which the log has already; the next one tries
    again: whatever a turn does must bear that.
    """
    stop = threading.Event()

    def run() -> None:
        if first:
            _take(name, turn)
        while not stop.wait(seconds):
            _take(name, turn)
        if last:
            _take(name, turn)

    thread = threading.Thread(target=run, name=f"tocsin-{name}")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def beside(
    name: str, turn: Callable[[], object], *, seconds: float, first: bool = False, last: bool = True
) -> Lifespan:
    """Return what an application enters to have turns taken as long as it runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        with repeating(name, turn, seconds=seconds, first=first, last=last):
            yield

    return lifespan


def _take(name: str, turn: Callable[[], object]) -> None:
    with surviving(lambda what: _log.error("turn-failed", work=name, what=what)):
        turn()
