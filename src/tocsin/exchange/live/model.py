"""What a listener asks for, and how long and how often things happen: values."""

from __future__ import annotations

from typing import Final

import msgspec

from tocsin.exchange.model import Query

__all__ = ["BATCH", "MAX_STREAMS", "STREAMS_OF_ONE", "Pace", "Wish"]

# Objects in one event. An event is one release and one piece of memory for each listener that is slow to take it.
BATCH: Final = 100
# Each is a socket, a task and some kilobytes; what they cost when nothing happens was measured (docs/benchmarks.md).
MAX_STREAMS: Final = 2_000
# Of one party: its sensors and consoles, and those that reconnect before we saw the old connection go.
STREAMS_OF_ONE: Final = 32


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a listener asks for: a collection by alias or UUID, filters, and where it was, if it was here before."""

    collection: str
    query: Query
    last: str | None = None  # the id of the last event that it has


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often what happens, in seconds.

    ``look`` is how often a process looks for what was committed: always, and not when a hint comes, so that the moment
    at which an event comes tells no more than the turn in which its object was offered. ``beat`` is how often a comment
    is sent, counted from the opening, whatever else was sent. ``prove`` is how long credentials are believed while
    nothing is sent, ``patience`` how long when they cannot be proved because too many are waiting. ``age`` is after
    what time a stream ends, to be resumed with its last id.
    """

    look: float = 0.5
    beat: float = 15.0
    prove: float = 30.0
    patience: float = 120.0
    age: float = 3_600.0
