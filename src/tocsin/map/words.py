"""What parties say under the ids of a map, as one reader gets it: the last word of each; each page is a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import structs

from tocsin.errors import InputError
from tocsin.exchange.model import MAX_PAGE, MAX_QUERY_VALUES, Query
from tocsin.map.allowance import PartyLeftOut
from tocsin.map.seen import Unread
from tocsin.map.wire import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tocsin.exchange.model import PageItem
    from tocsin.exchange.reading import Asker, Reading
    from tocsin.kernel.clock import Micros
    from tocsin.map.allowance import Allowance

__all__ = ["Gathering", "Words", "batches"]

W = TypeVar("W")

# Ids, by the parties that stand in the way there: first with an id, and with nothing under it that can be read.
_Wrong: TypeAlias = "dict[str, frozenset[str]]"


class Words(msgspec.Struct, Generic[W], frozen=True, kw_only=True):
    """What a reader is told; ``unread``: objects that are left out, and why; ``left_out``: parties, likewise."""

    words: tuple[W, ...]
    unread: tuple[Unread, ...]
    left_out: tuple[PartyLeftOut, ...]


class Gathering(Generic[W]):
    """One reading of all objects of some types, within an allowance; ``read`` raises ``InputError`` where it cannot."""

    def __init__(
        self,
        *,
        reading: Reading,
        asker: Asker,
        collections: Sequence[str],
        types: frozenset[str],
        read: Callable[[Told], W],
        allowance: Allowance,
        page: int = MAX_PAGE,
    ) -> None:
        self._reading = reading
        self._asker = asker
        self._collections = collections
        self._types = types
        self._read = read
        self._allowance = allowance
        self._page = page
        self._latest: dict[tuple[str, str], tuple[Micros, W | Unread]] = {}

    def words(self) -> Words[W]:
        """Return the last word of each party under each id.

        Raises:
            LimitError: they are more than the allowance.
        """
        for item, body in self._taken():
            self._keep(item, body)
        self._allowance.require()
        # under the id of another's word: whoever was first with it must not hide whose it is
        wrong = {id_: frozenset({by}) for (id_, by), (_, word) in self._latest.items() if isinstance(word, Unread)}
        while wrong:
            wrong = self._behind(wrong)
        left_out = self._allowance.parties
        kept = [word for (_, by), (_, word) in self._latest.items() if by not in left_out]
        return Words(
            words=tuple(one for one in kept if not isinstance(one, Unread)),
            unread=tuple(sorted((one for one in kept if isinstance(one, Unread)), key=lambda one: (one.id, one.by))),
            left_out=self._allowance.left_out,
        )

    def _taken(self) -> Iterator[tuple[PageItem, bytes]]:
        """Yield what the gate opens; of a party that passes its allowance what came before, and then nothing."""
        for collection in self._collections:
            cursor = None
            while True:
                asked = Query(types=self._types, without=self._allowance.parties)
                answer = self._reading.objects(self._asker, collection, asked, limit=self._page, cursor=cursor)
                for item, body in zip(answer.page.items, answer.page.bodies, strict=True):
                    if self._allowance.takes(self._reading.owner(item), len(body)):
                        yield item, body
                if answer.next is None:
                    break
                cursor = answer.next
                if asked.without != self._allowance.parties:
                    cursor = self._onward(collection, asked, cursor)

    def _onward(self, collection: str, asked: Query, cursor: str) -> str:
        """Return the cursor of the same place, for pages without whom the answer leaves out by now."""
        where = self._reading.collection(self._asker, collection)
        after = structs.replace(asked, without=self._allowance.parties)
        return self._reading.seal(self._asker, where, after, self._reading.place(self._asker, where, asked, cursor))

    def _behind(self, wrong: Mapping[str, frozenset[str]]) -> _Wrong:
        """Read what others say under these ids; returns where that cannot be read either.

        Of each party its last version: how many there are of one id is in the hand of whoever stands in the way.
        """
        still: _Wrong = {}
        alike: dict[frozenset[str], list[str]] = {}
        for id_, parties in wrong.items():
            alike.setdefault(parties, []).append(id_)
        for parties, ids in alike.items():
            without = parties | self._allowance.parties
            for some in batches(sorted(ids)):
                query = Query(types=self._types, ids=frozenset(some), without=without)
                for collection in self._collections:
                    for item, body in self._pages(collection, query):
                        if isinstance(self._keep(item, body), Unread):
                            still[item.object_id] = without | {self._reading.owner(item)}
        return still

    def _pages(self, collection: str, query: Query) -> Iterator[tuple[PageItem, bytes]]:
        cursor = None
        while True:
            answer = self._reading.objects(self._asker, collection, query, limit=self._page, cursor=cursor)
            yield from zip(answer.page.items, answer.page.bodies, strict=True)
            cursor = answer.next
            if cursor is None:
                return

    def _keep(self, item: PageItem, body: bytes) -> W | Unread:
        """Return what an object says, and keep it if it is its party's last word under its id."""
        by, tlp = self._reading.owner(item), str(self._reading.tlp(item))
        word: W | Unread
        try:
            word = self._read(Told(by=by, body=body, tlp=tlp, added=item.date_added))
        except InputError as error:
            cause = error.what if error.where is None else f"{error.where}: {error.what}"
            word = Unread(id=item.object_id, by=by, cause=cause)
        key = (item.object_id, by)
        if key not in self._latest or self._latest[key][0] < item.version:
            self._latest[key] = (item.version, word)
        return word


def batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield ids so many at a time as one query takes."""
    return (ids[start : start + MAX_QUERY_VALUES] for start in range(0, len(ids), MAX_QUERY_VALUES))
