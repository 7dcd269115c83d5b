"""Lists over several pages: what they are asked with, and the cursors that lead from one page to the next.

A cursor seals the number of the last row that was told (``exchange.cursor``), so that it tells nothing of how many rows
of others lie between two of one's own; it is good for its list, its filters and whoever it was given to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeVar

import msgspec

from tocsin.errors import InputError
from tocsin.exchange.api.queries import Cursor
from tocsin.kernel.db.spans import Span
from tocsin.kernel.http.query import read_query

if TYPE_CHECKING:
    from tocsin.exchange.cursor import Cursors
    from tocsin.kernel.canonical import Json
    from tocsin.kernel.http.routes import Call
    from tocsin.parties.model import Principal

__all__ = ["MAX_LISTED", "ListQuery", "Lists", "Services"]

# A row of a list may hold an object, or name some hundred: so many of them are what a page of objects holds.
MAX_LISTED: Final = 100


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which page of a list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LISTED, description="At most so many on this page.")] = MAX_LISTED
    cursor: Cursor | None = None


Q = TypeVar("Q", bound=ListQuery)


class Services(Protocol):
    """What lists need of a hub."""

    cursors: Cursors
    environment: int


class Lists:
    """The cursors of one environment's lists."""

    def __init__(self, services: Services) -> None:
        self._cursors = services.cursors
        self._environment = services.environment

    def asked(self, call: Call[Principal], name: str, shape: type[Q]) -> tuple[Q, Span]:
        """Return what a list is asked with, and where its page begins.

        Raises:
            InputError: a parameter is none, or the cursor was not given for this list and these filters.
        """
        asked = read_query(call.query, shape)
        if asked.cursor is None:
            return asked, Span(most=asked.limit)
        try:
            after = self._cursors.open(asked.cursor, self._bound(call, name, asked))
        except InputError as error:
            raise InputError(error.what, where="cursor", todo=error.todo) from error
        return asked, Span(after=after, most=asked.limit)

    def span(self, call: Call[Principal], name: str) -> Span:
        """Return where the page of a list without filters begins; errors as ``asked``."""
        return self.asked(call, name, ListQuery)[1]

    def next(self, call: Call[Principal], name: str, last: int | None, asked: ListQuery | None = None) -> str | None:
        """Return the cursor of the page behind the row of a number; None, as ``Stretch.last`` is: nothing follows."""
        return None if last is None else self._cursors.seal(last, self._bound(call, name, asked or ListQuery()))

    def _bound(self, call: Call[Principal], name: str, asked: ListQuery) -> Json:
        # how many there are on a page may change on the way
        filters = {key: value for key, value in msgspec.to_builtins(asked).items() if key not in {"limit", "cursor"}}
        return ["list", name, self._environment, call.principal.id, filters]
