"""One search in one snapshot: what it asks becomes terms and labels, and what fits comes in batches, newest first.

Everything here rests on the labels that the gate opened and on nothing else: which statements are sent, how many, and
what they walk over is the same in a hub that differs in nothing but what the reader may not see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.model import Label
from tocsin.errors import InputError, LimitError
from tocsin.exchange.search import store
from tocsin.exchange.search.decay import base_of, score_at
from tocsin.exchange.search.model import JUDGED_RELIABILITY
from tocsin.exchange.search.store import Facts, Match, Range, Version
from tocsin.exchange.search.values import canonical, covering, term, words
from tocsin.kernel.clock import Micros
from tocsin.parties.store import party_by_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from tocsin.exchange.search.model import SearchQuery
    from tocsin.kernel.db.adapter import Adapter

__all__ = ["LOOKED_AT", "MAX_WORDS", "Batch", "Fit", "Plan", "Sight", "by_terms", "plan", "scan", "standing"]

# Words of one search; each is looked for beside every other.
MAX_WORDS: Final = 32
# Offers that one page looks at before it says that there may be more.
LOOKED_AT: Final = 5_000
_IDENTITY: Final = "identity--"


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader sees of one collection in one snapshot."""

    environment: int
    collection_id: int
    labels: dict[int, Label]  # open ones only
    upto: int  # the number of the newest offer that is indexed
    now: Micros


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A search as the index takes it."""

    labels: tuple[int, ...]  # those open ones whose objects the search is about, sorted
    groups: tuple[tuple[int, ...], ...]  # of each, one term must be there
    facts: Facts
    words: tuple[str, ...] = ()
    versions: bool = False
    min_score: int | None = None


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """One offer that was found, with its score (of indicators) and when it was last sighted."""

    match: Match
    score: float | None
    sighted: Micros | None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Some of what fits; ``place``: the number of the last offer looked at; ``last``: nothing is left behind it."""

    fits: tuple[Fit, ...]
    looked_at: int
    place: int
    last: bool


def plan(connection: Connection, sight: Sight, query: SearchQuery) -> Plan:
    """Return what a query means in a snapshot.

    Raises:
        InputError: there is no word in its text, or it names producers of both kinds.
        LimitError: it has too many words.
    """
    wanted = tuple(dict.fromkeys(words(query.text)))
    if query.text.strip() and not wanted:
        raise InputError("there is no word in it", where="text", todo="a word is a run of letters and digits")
    if len(wanted) > MAX_WORDS:
        raise LimitError(f"a search has at most {MAX_WORDS} words", where="text", todo="look for fewer")
    groups: list[tuple[int, ...]] = [(term("word", word),) for word in wanted]
    if query.values is not None:
        spelt = {one for value in query.values for one in covering(canonical(value))}
        groups.append(tuple(sorted(term("value", value) for value in spelt)))
    if query.ids is not None:
        groups.append(tuple(sorted(term("id", one) for one in query.ids)))
    labels = sight.labels
    if query.types is not None:
        labels = {key: label for key, label in labels.items() if label.type in query.types}
    if query.tlps is not None:
        labels = {key: label for key, label in labels.items() if label.tlp in query.tlps}
    if query.producers is not None:
        identities = {one for one in query.producers if one.startswith(_IDENTITY)}
        if identities and identities != query.producers:
            raise InputError(
                "they are parties and identities", where="producers", todo="ask for one kind, then for the other"
            )
        if identities:
            groups.append(tuple(sorted(term("creator", one) for one in identities)))
        else:
            owners = _owners(connection, sight.environment, query.producers)
            labels = {key: label for key, label in labels.items() if label.owner in owners}
    return Plan(
        labels=tuple(sorted(labels)),
        groups=tuple(groups),
        facts=Facts(
            time=query.time,
            since=query.since,
            until=query.until,
            min_confidence=query.min_confidence,
            reliability=_as_reliable(query.min_reliability),
            credibility=query.min_credibility,
            expired=query.expired,
            revoked=query.revoked,
            scored=query.min_score is not None,
            now=sight.now,
        ),
        words=wanted,
        versions=query.versions,
        min_score=query.min_score,
    )


def _as_reliable(letter: str | None) -> tuple[str, ...] | None:
    """Return the letters of sources that are as reliable as this one, or more."""
    return None if letter is None else tuple(one for one in JUDGED_RELIABILITY if one <= letter)


def by_terms(sight: Sight, kind: str, texts: Sequence[str], *, types: frozenset[str] | None = None) -> Plan:
    """Return the search for what stands under any of these texts of a kind."""
    labels = [key for key, label in sight.labels.items() if types is None or label.type in types]
    return Plan(
        labels=tuple(sorted(labels)),
        groups=(tuple(sorted({term(kind, text) for text in texts})),),
        facts=Facts(now=sight.now),
    )


def _owners(connection: Connection, environment: int, producers: frozenset[str]) -> set[str]:
    """Return the URIs that are meant: a party may be named by its short name, too."""
    owners = set(producers)
    for name in sorted(producers):
        row = party_by_name(connection, environment, name)
        if row is not None:
            owners.add(row.party.uri)
    return owners


def scan(
    connection: Connection, adapter: Adapter, sight: Sight, asked: Plan, *, before: int, batch: int
) -> Iterator[Batch]:
    """Yield what fits below a number, batch by batch, the newest first; the last batch says that it is the last."""
    within = Range(collection_id=sight.collection_id, labels=asked.labels, before=min(before, sight.upto + 1))
    if not asked.labels:
        yield Batch(fits=(), looked_at=0, place=0, last=True)
        return
    groups = list(asked.groups)
    if len(groups) > 1:
        often = store.frequencies(connection, adapter, within, groups)
        groups = [group for _, group in sorted(zip(often, groups, strict=True))]
    judge = _Judge(connection, adapter, sight, asked)
    while True:
        found = store.sequences(connection, adapter, within, groups, asked.facts, limit=batch)
        last = len(found) < batch
        place = found[-1] if found else 0
        yield Batch(fits=judge.kept(found) if found else (), looked_at=len(found), place=place, last=last)
        if last:
            return
        within = msgspec.structs.replace(within, before=place)


def standing(connection: Connection, adapter: Adapter, sight: Sight, object_ids: Sequence[str]) -> dict[str, Fit]:
    """Return the version that stands for each of these ids, of those that the reader may see, in their order.

    However many versions an object has, they are read once.
    """
    if not object_ids or not sight.labels:
        return {}
    fits = _Judge(connection, adapter, sight, by_terms(sight, "id", object_ids)).standing(object_ids)
    found = {one.match.object_id: one for one in fits}
    return {one: found[one] for one in object_ids if one in found}


class _Judge:
    """Keeps, of what was found, what stands for its object; looks among all that the reader sees of the collection.

    An object is judged once in a question, however many of its versions are found.
    """

    def __init__(self, connection: Connection, adapter: Adapter, sight: Sight, asked: Plan) -> None:
        self._connection = connection
        self._adapter = adapter
        self._sight = sight
        self._asked = asked
        self._whole = Range(collection_id=sight.collection_id, labels=tuple(sorted(sight.labels)), before=0)
        sightings = tuple(sorted(key for key, label in sight.labels.items() if label.type == "sighting"))
        self._stands: dict[str, set[int]] = {}
        self._sightings = msgspec.structs.replace(self._whole, labels=sightings)

    def kept(self, found: Sequence[int]) -> tuple[Fit, ...]:
        """Return those of these offers that stand for their object and have the score asked for, in their order."""
        matches = store.matches(self._connection, self._adapter, self._whole, found)
        self._judge(one.object_id for one in matches)
        return self._fits([one for one in matches if one.seq in self._stands[one.object_id]])

    def standing(self, object_ids: Iterable[str]) -> tuple[Fit, ...]:
        """Return what stands for these objects."""
        wanted = tuple(object_ids)
        self._judge(wanted)
        found = sorted(seq for one in wanted for seq in self._stands[one])
        return self._fits(store.matches(self._connection, self._adapter, self._whole, found))

    def _judge(self, object_ids: Iterable[str]) -> None:
        unknown = {one: None for one in object_ids if one not in self._stands}
        if not unknown:
            return
        offers = store.versions_of(
            self._connection, self._adapter, self._sight.environment, self._whole, unknown, upto=self._sight.upto
        )
        for one in unknown:
            self._stands[one] = _standing(offers.get(one, ()), every=self._asked.versions)

    def _fits(self, matches: Sequence[Match]) -> tuple[Fit, ...]:
        sighted = self._sighted(matches)
        fits = [_fit(one, self._sight.now, sighted.get(one.object_id)) for one in matches]
        least = self._asked.min_score
        return tuple(one for one in fits if least is None or (one.score is not None and one.score >= least))

    def _sighted(self, matches: Sequence[Match]) -> dict[str, Micros]:
        """Return when each indicator among these was last sighted, by the sightings that the reader may see."""
        terms = {term("sighted", one.object_id): one.object_id for one in matches if _scored(one)}
        if not terms or not self._sightings.labels:
            return {}
        newest = store.last_sighted(self._connection, self._adapter, self._sightings, sorted(terms))
        return {terms[key]: at for key, at in newest.items()}


def _standing(offers: Sequence[Version], *, every: bool) -> set[int]:
    """Return which of an object's visible offers, in order, stand for it.

    The first contribution of each version counts; the object's owner is the party of the first of all, and only its
    last version stands unless every one is asked for.
    """
    first_of: dict[Micros, int] = {}
    own: dict[Micros, int] = {}
    for one in offers:
        first_of.setdefault(one.version, one.seq)
        if one.owner_id == offers[0].owner_id:
            own.setdefault(one.version, one.seq)
    if every:
        return set(first_of.values())
    return {own[max(own)]} if own else set()


def _scored(match: Match) -> bool:
    return match.object_id.startswith("indicator--") and match.valid_from is not None


def _fit(match: Match, now: Micros, sighted: Micros | None) -> Fit:
    if not _scored(match) or match.valid_from is None:
        return Fit(match=match, score=None, sighted=None)
    score = score_at(
        now,
        base=base_of(match.confidence, match.reliability),
        valid_from=match.valid_from,
        valid_until=match.valid_until,
        sighted=sighted,
        revoked=match.revoked,
    )
    return Fit(match=match, score=score, sighted=sighted)
