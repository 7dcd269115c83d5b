"""Who tells two worlds apart: the statistics of one that listens, and the notes of one that looks at each answer."""

from __future__ import annotations

import contextlib
import math
import re
from typing import TYPE_CHECKING, Final

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from support.hub import World

__all__ = ["auc", "bound", "counted", "plain", "statements"]

# So many standard errors that a true chance would be called a leak once in 16,000 comparisons; what is asserted is the
# same in every run all the same, since seeds are.
SIGMAS: Final = 4

_CURSOR: Final = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{48}(?![A-Za-z0-9_-])")
_UUID: Final = re.compile(r"(?<!--)\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.)\d{6}Z")


def auc(one: Sequence[float], other: Sequence[float]) -> float:
    """Return how often a draw of ``other`` is above one of ``one``, ties halved: 0.5 is chance (Mann and Whitney)."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    above = 0.0
    seen = at = 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        others = sum(which for _, which in ranked[at:end])
        ones = end - at - others
        above += others * (seen + ones / 2)
        seen += ones
        at = end
    return above / (len(one) * len(other))


def bound(one: int, other: int) -> float:
    """Return how far from 0.5 chance alone takes the area of two samples of these sizes.

    Whoever tells two worlds apart with an area farther off than twice this is found out all but always.
    """
    return SIGMAS * math.sqrt((one + other + 1) / (12 * one * other))


def plain(text: str) -> str:
    """Return an answer without what is drawn for it: ids of releases and submissions, cursors, and microseconds.

    What stands in their place is as long as they were, so that two answers are equal only if they were equally long.
    """
    text = _CURSOR.sub("c" * 48, text)
    text = _UUID.sub("u" * 36, text)
    return _INSTANT.sub(r"\g<1>000000Z", text)


@contextlib.contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """Collect the text of every statement that reaches the database."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = world.hub.store.adapter.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def counted(world: World, act: Callable[[], object]) -> list[str]:
    """Return the statements of one act."""
    with statements(world) as seen:
        act()
    return seen
