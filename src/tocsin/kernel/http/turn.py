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
    """The one turn that there is of some work, whatever it is asked for.

    Of those who wait it goes to whoever had it longest ago: a party that asks for ten things at once waits for one of
    each of the others before its second.
    """

    def __init__(self, what: str, *, wait_s: float = WAIT_S) -> None:
        """Take ``what`` is done, as who has to wait is told: ``simulation``."""
        self._what = what
        self._wait_s = wait_s
        self._changed = threading.Condition()
        self._taken = False
        self._waiting: list[tuple[object, str]] = []  # in the order in which they came
        self._turns = 0
        self._had: dict[str, int] = {}  # by party: the number of its last turn

    @contextlib.contextmanager
    def taken(self, party: str) -> Iterator[None]:
        """Have the turn, for a party, while the ``with`` lasts.

        Raises:
            BusyError: others have it, for longer than one waits.
        """
        mine = (object(), party)
        with self._changed:
            self._waiting.append(mine)
            mine_now = self._changed.wait_for(lambda: not self._taken and self._next() is mine, self._wait_s)
            self._waiting.remove(mine)
            if not mine_now:
                # it may have been this one's turn just when it gave up
                self._changed.notify_all()
                raise BusyError(f"another {self._what} is running", todo="try again in a few seconds")
            self._taken = True
            self._turns += 1
            self._had[party] = self._turns
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()

    def _next(self) -> tuple[object, str]:
        return min(self._waiting, key=lambda one: self._had.get(one[1], 0))
