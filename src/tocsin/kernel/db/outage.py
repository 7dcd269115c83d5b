"""One line in the operator's log when the database goes away, and one when it is back: not one for each who asked."""

from __future__ import annotations

import contextlib
import threading
from time import monotonic
from typing import TYPE_CHECKING, Final

import structlog

from tocsin.errors import StoreAwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Outage"]

# A database that answers one and not the next is still away: it is back when nobody was turned away for so long.
QUIET: Final = 5.0

_log: Final = structlog.get_logger("tocsin.store")


class Outage:
    """Whether the database of one process is away. ``ticks`` are seconds that never go back; any thread may tell."""

    def __init__(self, ticks: Callable[[], float] = monotonic) -> None:
        self._ticks = ticks
        self._lock = threading.Lock()
        self._since: float | None = None
        self._last = 0.0

    @contextlib.contextmanager
    def noticed(self) -> Iterator[None]:
        """Return a context in which a database that goes away is noticed; the error goes on."""
        try:
            yield
        except StoreAwayError as error:
            with self._lock:
                self._last = self._ticks()
                first = self._since is None
                if first:
                    self._since = self._last
            if first:
                _log.error("store-away", what=str(error))
            raise

    def answered(self) -> None:
        """Note that the database answered."""
        if self._since is None:
            return  # as nearly always, and without waiting for anybody
        ended = self._end()
        if ended is not None:
            _log.info("store-back", seconds=round(ended, 1))

    def _end(self) -> float | None:
        with self._lock:
            now, since = self._ticks(), self._since
            if since is None or now - self._last < QUIET:
                return None
            self._since = None
            return now - since
