"""The one turn of dear work: in which order parties have it, and that nobody keeps another from it."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tocsin.errors import BusyError
from tocsin.kernel.http.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def queued(turn: Turn, order: list[str], *parties: str) -> Iterator[None]:
    """Let parties ask for the turn while somebody has it, one behind the other; all are through at the end."""

    def work(party: str) -> None:
        with turn.taken(party):
            order.append(party)

    threads = [threading.Thread(target=work, args=(party,)) for party in parties]
    for count, thread in enumerate(threads, 1):
        thread.start()
        while len(turn._waiting) < count:
            time.sleep(0.001)
    yield
    for thread in threads:
        thread.join()


def test_who_asks_for_ten_waits_for_one_of_each_other() -> None:
    turn, order = Turn("simulation", wait_s=60), list[str]()
    with contextlib.ExitStack() as stack:
        held = stack.enter_context(contextlib.ExitStack())
        held.enter_context(turn.taken("greedy"))
        stack.enter_context(queued(turn, order, "greedy", "greedy", "greedy", "one", "other", "one"))
        held.close()
    assert order == ["one", "other", "greedy", "one", "greedy", "greedy"]


def test_who_waits_too_long_is_told_so_and_takes_no_place() -> None:
    turn = Turn("simulation", wait_s=0.01)
    with turn.taken("one"), pytest.raises(BusyError, match="another simulation is running"), turn.taken("other"):
        pass
    with turn.taken("other"):
        pass


def test_the_turn_is_free_after_a_fault() -> None:
    turn = Turn("simulation", wait_s=0.01)
    with pytest.raises(ZeroDivisionError), turn.taken("one"):
        raise ZeroDivisionError
    with turn.taken("one"):
        pass
