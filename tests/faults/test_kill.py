"""A hub whose process is killed at any instant: nothing promised is lost, nothing is half done."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from support.forking import forking
from support.hub import World
from support.inspection import inspect_hub, released_in, tell
from support.killed import SIZE, ids_of, share_and_read
from support.treaty import found_treaty
from tocsin.exchange.model import Query, VersionChoice

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path


class Promises:
    """What the killed processes were promised, all together."""

    def __init__(self) -> None:
        self.shared: set[int] = set()
        self.released: dict[str, frozenset[int]] = {}

    def hear(self, channel: Connection[Any, Any]) -> bool:
        """Take in one message; False: there is none any more."""
        try:
            told = channel.recv()
        except (EOFError, OSError):  # killed before or within a message
            return False
        if told[0] == "shared":
            self.shared.add(told[1])
        elif told[0] == "released":
            self.released[told[1]] = frozenset(told[2])
        return True


def _run_and_kill(home: Path, first: int, seed: int, promises: Promises) -> None:
    """Start a process, hear some of its messages, and kill it at some instant of what it does next."""
    chance = random.Random(seed)
    context = forking()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=share_and_read, args=(str(home), first, seed, theirs))
    process.start()
    theirs.close()
    try:
        for _ in range(chance.randint(1, 16)):  # the first says that it is ready; then two for each submission
            assert promises.hear(ours), "it ended by itself"
        process.join(timeout=chance.uniform(0, 0.1))
        assert process.exitcode is None, "it ended by itself"
    finally:
        process.kill()
        process.join()
    while promises.hear(ours):
        pass
    ours.close()


def _whole_bundles(world: World, upto: int) -> set[int]:
    """Return the bundles that are in the hub, and fail on one that is there in part."""
    there = {item.object_id for item, _ in world.read("alfa", query=Query(versions=frozenset({VersionChoice.ALL})))}
    found = set()
    for number in range(upto):
        present = there.intersection(ids_of(number))
        assert len(present) in (0, SIZE), f"bundle {number} is in with {len(present)} of {SIZE} objects"
        if present:
            found.add(number)
    assert len(there) == SIZE * len(found)
    return found


def _kill_and_check(home: Path, *, kills: int, submissions: int, seed: int) -> None:
    found_treaty(home).hub.close()
    promises, first = Promises(), 0
    for turn in range(kills):
        _run_and_kill(home, first, seed * 1_000 + turn, promises)
        world = World.again(home, seed=seed * 1_000 + 500 + turn)
        inspect_hub(world.hub)
        entered = released_in(tell(world.hub))
        assert promises.released.items() <= entered.items()
        there = _whole_bundles(world, first + submissions + 1)
        assert promises.shared <= there
        world.hub.close()
        first = max(there, default=-1) + 1
        if len(promises.shared) >= submissions:
            break
    assert promises.shared
    assert promises.released


def test_a_dozen_kills(tmp_path: Path) -> None:
    _kill_and_check(tmp_path / "home", kills=12, submissions=200, seed=1)


@pytest.mark.long
def test_two_hundred_submissions(tmp_path: Path) -> None:
    _kill_and_check(tmp_path / "home", kills=400, submissions=200, seed=2)
