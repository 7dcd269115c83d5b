"""The self-test of the index: what it holds is what the offers give when they are taken apart again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.errors import StoreBrokenError
from tocsin.exchange.search import store
from tocsin.exchange.search.indexer import indexed
from tocsin.exchange.search.wire import VERSION

if TYPE_CHECKING:
    from tocsin.exchange.case import Case
    from tocsin.exchange.search.store import State

__all__ = ["check_index"]

# Offers that are compared at a time: their bodies are in memory meanwhile.
STEP: Final = 1_000
_SUM: Final = 2**64
_REMEDY: Final = "run `tocsin reindex`"


def check_index(case: Case) -> str:
    """Every offer that the index says it holds is there as it is, under its terms, and nothing else is.

    Postings are compared as sums, so that an index of any size is checked in little memory: what is damaged is found,
    what somebody forged with care may not be.
    """
    offers = terms = waiting = 0
    for state in store.read_states(case.connection, case.environment):
        if state.version != VERSION:
            waiting += state.head_seq
            continue
        waiting += state.head_seq - state.indexed_seq
        offers += state.indexed_seq
        terms += _check(case, state)
    return f"{offers} offers under {terms} terms" + (f"; {waiting} wait to be indexed" if waiting else "")


def _check(case: Case, state: State) -> int:
    where = f"collection {state.collection_id}"
    if state.indexed_seq > state.head_seq:
        raise StoreBrokenError("the index goes further than there are offers", where=where, todo=_REMEDY)
    count = total = 0
    for after in range(0, state.indexed_seq, STEP):
        upto = min(after + STEP, state.indexed_seq)
        expected: dict[int, tuple[object, ...]] = {}
        for offered in store.offered_after(case.connection, state.collection_id, after=after, upto=upto):
            if offered.body is None:
                continue
            document, terms = indexed(offered.body)
            expected[offered.seq] = store.facts_of(offered, document, terms)
            count += len(terms)
            total += sum(hash((term, offered.label_id, offered.seq)) for term in terms)
        if store.stored_facts(case.connection, state.collection_id, after=after, upto=upto) != expected:
            raise StoreBrokenError(
                "the index holds other facts than the objects",
                where=f"{where}, offers {after + 1} to {upto}",
                todo=_REMEDY,
            )
    found = found_total = 0
    for term, label_id, seq in store.postings(case.connection, state.collection_id):
        found += 1
        found_total += hash((term, label_id, seq))
    if (found, found_total % _SUM) != (count, total % _SUM):
        raise StoreBrokenError(
            f"the index has {found} terms, and the objects give {count} or others", where=where, todo=_REMEDY
        )
    return count
