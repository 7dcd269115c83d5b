"""Queries of totals: what a party was told, and what there is to be counted."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import func, select

from tocsin.errors import InputError, StoreBrokenError
from tocsin.exchange.releases import TOTAL, decode_offers
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS, RELEASES
from tocsin.map.rollup.model import ALL, Sum
from tocsin.map.totals.model import SECTOR, Answer, Earlier, Item, Measure
from tocsin.map.wire import AssetWord, Told, read_word
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection

    from tocsin.kernel.db.adapter import Adapter

__all__ = ["Asked", "Counted", "answers_to", "by_release", "counted_in", "last_told", "object_ids"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The filter of a total's release. Every owner whose objects that counts is told it, and so it names no other.

    ``of``: the measure. ``shown``: the sums that were told of it, ``sector`` and ``whole``.
    """

    of: str
    sector: str
    clause: str
    shown: list[str]
    answer: str
    scope: str
    at_least: int
    totals: str = "map"


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one word on offer."""

    offer: tuple[int, int]
    label_id: int
    word: AssetWord


def last_told(connection: Connection, environment: int, party: str) -> int:
    """Return the number of the newest release of a total to a party; 0: there is none."""
    newest = select(func.max(RELEASES.c.release_id)).where(*_to(environment, party))
    return connection.execute(newest).scalar() or 0


def answers_to(connection: Connection, adapter: Adapter, environment: int, party: str) -> Iterator[Answer]:
    """Yield what a party was told, the oldest first; what was purged since is not in it.

    Raises:
        StoreBrokenError: a release cannot be read.
    """
    rows = connection.execute(select(RELEASES).where(*_to(environment, party)).order_by(RELEASES.c.release_id)).all()
    by_answer: dict[str, list[tuple[Any, Asked]]] = defaultdict(list)
    for row in rows:
        try:
            asked = msgspec.json.decode(row.filter, type=Asked)
        except msgspec.DecodeError as error:
            raise StoreBrokenError("a total that was told cannot be read", where=f"releases, {row.uuid}") from error
        by_answer[asked.answer].append((row, asked))
    for answer, parts in by_answer.items():
        items: list[Item] = []
        clauses: dict[tuple[int, int], str] = {}
        shown: dict[str, set[Sum]] = defaultdict(set)
        counted = 0
        for row, asked in parts:
            sequences = decode_offers(row.offers)
            counted += len(sequences)
            items += (
                _item(one, asked)
                for one in _words(connection, adapter, row.collection_id, OFFERS.c.offer_seq, sequences)
            )
            clauses |= {(row.collection_id, sequence): asked.clause for sequence in sequences}
            shown[asked.of] |= {(ALL if one == "whole" else asked.sector, asked.of) for one in asked.shown}
        first, asked = parts[0]
        yield Answer(
            id=answer,
            at=first.at,
            scope=asked.scope,
            at_least=asked.at_least,
            told=Earlier(
                items=tuple(sorted(items)),
                shown={measure: frozenset(sums) for measure, sums in shown.items() if sums},
            ),
            clauses=clauses,
            whole=len(items) == counted,
        )


def _to(environment: int, party: str) -> tuple[ColumnElement[bool], ...]:
    return RELEASES.c.environment == environment, RELEASES.c.party == party, RELEASES.c.kind == TOTAL


def _item(one: Counted, asked: Asked) -> Item:
    fixed = {Measure.ASSETS: 1, SECTOR: 0}
    return Item(
        sector=asked.sector,
        measure=asked.of,
        owner=one.word.by,
        ref=one.word.about,
        value=fixed[asked.of] if asked.of in fixed else round(one.word.said.get(asked.of, 0)),
        offer=one.offer,
        label_id=one.label_id,
    )


def by_release(answer: Answer) -> list[tuple[int, Asked, list[Item]]]:
    """Return collection, filter and items of each release that an answer is entered as, in a fixed order."""
    grouped: dict[tuple[int, str, str, str], list[Item]] = defaultdict(list)
    for one in answer.told.items:
        grouped[one.offer[0], answer.clauses[one.offer], one.sector, one.measure].append(one)
    found = []
    for (collection_id, clause, sector, measure), items in sorted(grouped.items()):
        sums = answer.told.shown.get(measure, frozenset())
        asked = Asked(
            of=measure,
            sector=sector,
            clause=clause,
            shown=[
                *(["sector"] if (sector, measure) in sums else []),
                *(["whole"] if (ALL, measure) in sums else []),
            ],
            answer=answer.id,
            scope=answer.scope,
            at_least=answer.at_least,
        )
        found.append((collection_id, asked, items))
    return found


def counted_in(
    connection: Connection, adapter: Adapter, collection_id: int, label_ids: Sequence[int], *, most: int
) -> list[Counted]:
    """Return every version on offer under one of these labels, ``most`` at most; what cannot be read is left out."""
    return list(_words(connection, adapter, collection_id, OFFERS.c.label_id, label_ids, most=most))


def _words(
    connection: Connection,
    adapter: Adapter,
    collection_id: int,
    column: ColumnElement[int],
    values: Sequence[int],
    *,
    most: int | None = None,
) -> Iterator[Counted]:
    wanted = adapter.integers(values, "wanted")
    rows = connection.execute(
        select(OFFERS.c.offer_seq, OFFERS.c.label_id, CONTRIBUTIONS.c.bytes, PARTIES.c.uri)
        .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
        .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
        .where(
            OFFERS.c.collection_id == collection_id,
            column.in_(select(wanted.c.value)),
            CONTRIBUTIONS.c.bytes.is_not(None),
        )
        .order_by(OFFERS.c.offer_seq)
        .limit(most)
    )
    for row in rows:
        try:
            word = read_word(Told(by=row.uri, body=row.bytes))
        except InputError:
            continue
        if isinstance(word, AssetWord):
            yield Counted(offer=(collection_id, row.offer_seq), label_id=row.label_id, word=word)


def object_ids(connection: Connection, adapter: Adapter, answer: Answer) -> dict[tuple[int, int], str]:
    """Return the id of each object that an answer counts, by its offer."""
    found: dict[tuple[int, int], str] = {}
    for collection_id in sorted({one.offer[0] for one in answer.told.items}):
        sequences = sorted({one.offer[1] for one in answer.told.items if one.offer[0] == collection_id})
        wanted = adapter.integers(sequences, "wanted")
        rows = connection.execute(
            select(OFFERS.c.offer_seq, CONTRIBUTIONS.c.object_id)
            .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
            .where(OFFERS.c.collection_id == collection_id, OFFERS.c.offer_seq.in_(select(wanted.c.value)))
        )
        found |= {(collection_id, row.offer_seq): row.object_id for row in rows}
    return found
