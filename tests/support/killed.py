"""A process that shares and reads without end, and says what it was promised, until it is killed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Final

from support import stores
from support.clocks import clock_at
from support.hub import START
from support.sharing import bundle, indicator
from tocsin.bootstrap import open_hub
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Query
from tocsin.exchange.reading import Asker
from tocsin.kernel.clock import SECOND
from tocsin.kernel.ids import SeededEntropy
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["SIZE", "ids_of", "share_and_read"]

SIZE: Final = 20  # objects of a bundle

# told over the channel: ("ready",), ("shared", number), ("released", id, sequences)
Told = tuple[str] | tuple[str, int] | tuple[str, str, list[int]]


def ids_of(number: int) -> list[str]:
    """Return the ids of the objects of one bundle."""
    return [indicator(number * SIZE + place)["id"] for place in range(SIZE)]


def share_and_read(home: str, first: int, seed: int, channel: Connection[Told, object]) -> None:
    """Share bundles ``first``, ``first + 1``, … as alfa, and read each as bravo."""
    folder = Path(home)
    clock = clock_at(START + first * SECOND)
    hub = open_hub(stores.settings_of(folder), clock=clock, entropy=SeededEntropy(seed))
    bravo = Asker(party="https://bravo.example", user=None, purpose="detect", acting=Acting(actor="bravo"))
    channel.send(("ready",))
    for number in itertools.count(first):
        clock.advance(SECOND)
        data = bundle([indicator(number * SIZE + place) for place in range(SIZE)])
        hub.intake.submit(Submission(party="https://alfa.example", acting=Acting(actor="alfa"), data=data))
        channel.send(("shared", number))
        answer = hub.reading.objects(bravo, "exchange", Query(ids=frozenset(ids_of(number))))
        assert answer.release is not None
        assert len(answer.page.items) == SIZE
        channel.send(("released", answer.release, [item.seq for item in answer.page.items]))
        if number % 3 == 0:
            hub.integrator.integrate()
