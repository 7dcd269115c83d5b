"""Keeps the index: follows what is offered, in the order of being offered, beside intake and never within it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.exchange.search import store
from tocsin.exchange.search.wire import VERSION, Document, extract, terms_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from tocsin.exchange.search.store import Offered, State
    from tocsin.kernel.db import Store

__all__ = ["BATCH", "Indexer", "indexed", "terms_in", "withdrawn"]

# Offers of one turn: a tenth of a second of the writer's time, so that intake waits no longer than that.
BATCH: Final = 500

# One turn in the background ends after so many, so that stopping waits a second and no longer.
TURN: Final = 2_000


class Indexer:
    """Follows the offers of one environment.

    Each batch is read and taken apart outside the writer's turn, and entered in one transaction together with how far
    it goes: interrupted anywhere, it is done again or was done. Several processes may follow at once.
    """

    def __init__(self, *, store: Store, environment: int) -> None:
        self._store = store
        self._environment = environment

    def behind(self, collection_id: int | None = None) -> int:
        """Return how many offers wait to be indexed, in one collection or all; reads only."""
        with self._store.read() as connection:
            return sum(
                state.head_seq - _done(state)
                for state in store.read_states(connection, self._environment)
                if collection_id in (None, state.collection_id)
            )

    @staticmethod
    def reached(state: State) -> int:
        """Return up to which number an index can be searched."""
        return _done(state)

    def index(
        self,
        *,
        collection_id: int | None = None,
        limit: int | None = None,
        progress: Callable[[int], None] = lambda _offers: None,
    ) -> int:
        """Index what waits, in one collection or all, at most about ``limit`` offers; returns how many there were."""
        total = 0
        while limit is None or total < limit:
            done = self._batch(collection_id)
            if done is None:
                break
            total += done
            progress(done)
        return total

    def turn(self) -> int:
        """Index some of what waits: what runs beside the requests calls it again and again."""
        return self.index(limit=TURN)

    def rebuild(self, *, progress: Callable[[int], None] = lambda _offers: None) -> int:
        """Empty the index and make it anew; returns how many offers it holds then.

        While it lasts, searches answer that they are busy, and nothing wrong.
        """
        with self._store.write() as connection:
            for state in store.read_states(connection, self._environment):
                store.clear(connection, state.collection_id)
        return self.index(progress=progress)

    def _batch(self, collection_id: int | None) -> int | None:
        """Index one batch of the first collection that waits; None: none does."""
        with self._store.read() as connection:
            states = [
                one
                for one in store.read_states(connection, self._environment)
                if collection_id in (None, one.collection_id) and (one.indexed_seq < one.head_seq or _foreign(one))
            ]
            state = states[0] if states else None
            if state is None:
                return None
            upto = min(_done(state) + BATCH, state.head_seq)
            offers = store.offered_after(connection, state.collection_id, after=_done(state), upto=upto)
        taken = [(offered, *indexed(offered.body)) for offered in offers if offered.body is not None]
        with self._store.write() as connection:
            return self._enter(connection, state, upto, taken)

    def _enter(
        self, connection: Connection, state: State, upto: int, taken: Sequence[tuple[Offered, Document, list[int]]]
    ) -> int:
        now = next(
            one for one in store.read_states(connection, self._environment) if one.collection_id == state.collection_id
        )
        if (now.indexed_seq, now.version) != (state.indexed_seq, state.version):
            return 0  # another process was here
        if _foreign(state):
            store.clear(connection, state.collection_id)
        labels = store.labels_now(connection, state.collection_id, after=_done(state), upto=upto)
        store.add_documents(
            connection,
            self._store.adapter,
            environment=self._environment,
            collection_id=state.collection_id,
            # what was withdrawn meanwhile has another label, and no place here
            documents=[one for one in taken if labels.get(one[0].seq) == one[0].label_id],
        )
        store.move_state(connection, self._environment, state, upto=upto, version=VERSION)
        return upto - _done(state)


def indexed(body: bytes) -> tuple[Document, list[int]]:
    """Return what the index keeps of an object, and its terms."""
    try:
        document = extract(body)
    except (msgspec.MsgspecError, LookupError, TypeError, RecursionError):
        # no intake stored this: `tocsin check` tells of it, and the index goes on without it
        return Document(id="", type=""), []
    return document, terms_of(document)


def terms_in(body: bytes | None) -> list[int]:
    """Return the terms under which an object stands in the index; of what is purged, none.

    To be asked before the writer's turn: a large object has thousands.
    """
    return [] if body is None else indexed(body)[1]


def withdrawn(connection: Connection, collection_id: int, gone: Sequence[tuple[int, int, Sequence[int]]]) -> None:
    """Take offers out of the index in the transaction that withdraws or purges them: number, old label, terms."""
    store.forget(connection, collection_id, gone)


def _foreign(state: State) -> bool:
    """Return whether what is indexed was made in another way than ours."""
    return state.version not in (0, VERSION)


def _done(state: State) -> int:
    return 0 if _foreign(state) else state.indexed_seq
