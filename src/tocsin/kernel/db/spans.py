"""Part of a list: its rows in the order of their numbers, which are given in the order of commit and never again.

So whoever walks a list, part after part, meets each row that was there when they began, once, whatever is added behind
them meanwhile.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import ColumnElement, Select

__all__ = ["EVERYTHING", "Span", "Stretch", "stretch", "within"]

T = TypeVar("T")
R = TypeVar("R")


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """At most so many rows, behind the one of a number; ``most`` None: all of them."""

    after: int = 0
    most: int | None = None


EVERYTHING: Final = Span()


class Stretch(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What a span holds. ``last`` is the number of its last row where more follow; None: nothing does."""

    items: tuple[T, ...]
    last: int | None = None

    def map(self, each: Callable[[T], R]) -> Stretch[R]:
        """Return the same part of a list of other things."""
        return Stretch(items=tuple(each(one) for one in self.items), last=self.last)


def within(query: Select[Any], number: ColumnElement[int], span: Span) -> Select[Any]:
    """Return a query for the rows of a span, in their order, and one more: by that one is known that more follow."""
    query = query.where(number > span.after).order_by(number)
    return query if span.most is None else query.limit(span.most + 1)


def stretch(rows: Iterable[tuple[int, T]], span: Span) -> Stretch[T]:
    """Return the part of a list that a span holds, from its rows with their numbers, in order; reads one row more."""
    behind = ((number, one) for number, one in rows if number > span.after)
    if span.most is None:
        return Stretch(items=tuple(one for _, one in behind))
    found = list(islice(behind, span.most + 1))
    more = len(found) > span.most
    kept = found[: span.most]
    return Stretch(items=tuple(one for _, one in kept), last=kept[-1][0] if more and kept else None)
