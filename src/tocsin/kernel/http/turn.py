"""One at a time: work that takes a processor for a second, so that everybody else has the others."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Final

from tocsin.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WAIT_S", "Turn"]

# Who waits longer is told to come back: a thread that waits is one that answers nobody.
WAIT_S: Final = 5.0


class Turn:
    """The one turn that there is of some work, whatever it is asked for."""

    def __init__(self, what: str) -> None:
        """Take ``what`` is done, as who has to wait is told: ``simulation``."""
        self._what = what
        self._free = threading.BoundedSemaphore(1)

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Have the turn while the ``with`` lasts.

        Raises:
            BusyError: somebody else has it, for longer than one waits.
        """
        if not self._free.acquire(timeout=WAIT_S):
            raise BusyError(f"another {self._what} is running", todo="try again in a few seconds")
        try:
            yield
        finally:
            self._free.release()
