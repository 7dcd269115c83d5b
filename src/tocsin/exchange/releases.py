"""Releases: staged before a byte leaves, integrated into the log within a second, asked for by owners ever after."""

from __future__ import annotations

import operator
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from sqlalchemy import bindparam, select, update

from tocsin.agreements.interning import as_json, read_profile
from tocsin.errors import StoreBrokenError
from tocsin.exchange.store import offers_of_label
from tocsin.exchange.tables import COLLECTIONS, CONTRIBUTIONS, OFFERS, RELEASED_UNDER, RELEASES
from tocsin.kernel.canonical import Json
from tocsin.kernel.clock import SECOND, Micros, format_instant
from tocsin.kernel.db.store import next_id
from tocsin.kernel.mandate import Acting
from tocsin.log.service import Log, Record
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from tocsin.agreements.gatekeeper import Gate, Pass
    from tocsin.kernel.db import Store

    StagedRow: TypeAlias = Row[*tuple[Any, ...]]

__all__ = [
    "OVERDUE",
    "TOTAL",
    "TOTAL_AGAIN",
    "WITHDRAWN",
    "Integrator",
    "Leaving",
    "Part",
    "Release",
    "Under",
    "decode_offers",
    "encode_offers",
    "narrowed",
    "parts_of",
    "releases_of",
    "stage",
    "stage_if_still",
    "under_annexes",
]

# Of totals over what the reader may not read, told anew or once more: it holds what a clause lets them count.
TOTAL: Final = "total"
TOTAL_AGAIN: Final = "total-again"
# The label of an offer that its owner withdrew: no gate ever opens it.
WITHDRAWN: Final = 0
# One group commit: some megabytes of entries at most.
BATCH: Final = 500
# Many times what a release waits for the log; a replay believes none that waited some minutes while others acted.
OVERDUE: Final[Micros] = 60 * SECOND

# Built once: every page enters one.
_STAGE: Final = RELEASES.insert()
_ENTERED: Final = (
    update(RELEASES).where(RELEASES.c.release_id == bindparam("release")).values(log_idx=bindparam("idx"), parts=None)
)
_STAGED: Final = (
    select(RELEASES)
    .where(RELEASES.c.environment == bindparam("environment"), RELEASES.c.log_idx.is_(None))
    .order_by(RELEASES.c.release_id)
    .limit(bindparam("most"))
)
_FIRST_STAGED: Final = (
    select(RELEASES.c.at)
    .where(RELEASES.c.environment == bindparam("environment"), RELEASES.c.log_idx.is_(None))
    .order_by(RELEASES.c.release_id)
    .limit(1)
)
_encode: Final = msgspec.json.Encoder().encode


class Part(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What one owner's entry of a release tells: the steps between its offers, and which of the ids asked for it is."""

    owner: str  # URI
    steps: list[int]
    ids: list[str] | None  # None: nobody asked by id


_decode: Final = msgspec.json.Decoder(tuple[Part, ...]).decode


class Under(msgspec.Struct, frozen=True, kw_only=True):
    """What of an answer nothing but an emergency annex let out."""

    annex: str  # name/version#annex
    offers: tuple[int, ...]  # sequences, rising


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that left through the gate. ``parts`` None: looked up when it is entered."""

    environment: int
    uuid: str
    at: Micros
    as_of: int
    kind: str
    acting: Acting
    profile_id: int
    party: str
    purpose: str
    slice_digest: bytes
    collection_id: int
    filter: dict[str, Json]
    offers: tuple[int, ...]  # sequences, rising
    parts: tuple[Part, ...] | None = None
    under: tuple[Under, ...] = ()


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is to leave, as its snapshot gave it.

    ``owned``: what it holds, rising: number, object id, owner's URI. ``withdrawn``: how many offers of the collection
    were withdrawn in that snapshot. ``until``: when the policy on something that it holds ends. ``under``: what of it
    only an annex let out.
    """

    environment: int
    uuid: str
    kind: str
    acting: Acting
    purpose: str
    collection_id: int
    filter: dict[str, Json]
    owned: tuple[tuple[int, str, str], ...]
    withdrawn: int
    until: Micros | None = None
    under: tuple[Under, ...] = ()


def encode_offers(sequences: Sequence[int]) -> bytes:
    """Return rising numbers as LEB128 steps: a page of neighbours takes one byte for each."""
    out = bytearray()
    before = 0
    for sequence in sequences:
        step = sequence - before
        if step <= 0:
            raise StoreBrokenError("offers of a release rise strictly", where="releases")
        before = sequence
        while step > 0x7F:  # noqa: PLR2004  seven bits a byte
            out.append(step & 0x7F | 0x80)
            step >>= 7
        out.append(step)
    return bytes(out)


def decode_offers(data: bytes) -> list[int]:
    """Return the numbers that ``encode_offers`` wrote.

    Raises:
        StoreBrokenError: the bytes end within a number.
    """
    sequences: list[int] = []
    before = step = shift = 0
    for byte in data:
        step |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            before += step
            sequences.append(before)
            step = shift = 0
    if shift:
        raise StoreBrokenError("the offers of a release end within a number", where="releases")
    return sequences


def narrowed(filter_: dict[str, Json], object_ids: Collection[str]) -> dict[str, Json]:
    """Return what an owner's entry tells of a reader's filter: of the ids asked for, those that it is about.

    The others are of other owners' objects, or of none that the reader was given: an owner has no right to either.
    """
    ids = filter_.get("ids")
    return filter_ | {"ids": [one for one in ids if one in object_ids]} if isinstance(ids, list) else filter_


def stage(connection: Connection, release: Release) -> str:
    """Enter a release; it is durable when the transaction commits, and in the log within a second after."""
    release_id = next_id(connection, RELEASES.c.release_id)
    connection.execute(
        _STAGE,
        {
            "release_id": release_id,
            "environment": release.environment,
            "uuid": release.uuid,
            "at": release.at,
            "kind": release.kind,
            "actor": release.acting.actor,
            "on_behalf_of": release.acting.on_behalf_of,
            "profile_id": release.profile_id,
            "party": release.party,
            "purpose": release.purpose,
            "as_of": release.as_of,
            "slice_digest": release.slice_digest,
            "collection_id": release.collection_id,
            "filter": msgspec.json.encode(release.filter),
            "first_seq": release.offers[0],
            "last_seq": release.offers[-1],
            "count": len(release.offers),
            "offers": encode_offers(release.offers),
            "parts": None if release.parts is None else _encode(release.parts),
            "log_idx": None,
        },
    )
    for one in release.under:
        values = {"environment": release.environment, "release_id": release_id, "annex": one.annex}
        connection.execute(RELEASED_UNDER.insert().values(**values, offers=encode_offers(one.offers)))
    return release.uuid


def under_annexes(offers: Iterable[tuple[int, int]], annexes: Mapping[int, Collection[str]]) -> tuple[Under, ...]:
    """Return what each annex alone let out.

    ``offers`` are number and label, rising; ``annexes`` those that alone opened a label, by its id.
    """
    found: dict[str, list[int]] = {}
    for sequence, label_id in offers if annexes else ():
        for annex in annexes.get(label_id, ()):
            found.setdefault(annex, []).append(sequence)
    return tuple(Under(annex=annex, offers=tuple(found[annex])) for annex in sorted(found))


def stage_if_still(connection: Connection, leaving: Leaving, *, gate: Gate, log: Log, passed: Pass) -> str | None:
    """Stage a release durably, and return its id, or None when its snapshot is out of date.

    It is when policy moved, when what was decided ended, or when an offer of the collection was withdrawn since: then
    nothing of the answer may leave.
    """
    head = log.head(connection)
    at = log.now(connection)
    if not gate.still(connection, passed, at) or (leaving.until is not None and at >= leaving.until):
        return None
    if offers_of_label(connection, leaving.collection_id, WITHDRAWN) != leaving.withdrawn:
        return None
    profile_id = gate.profile_id(connection, passed, at)
    log.note_time(connection, at)
    return stage(
        connection,
        Release(
            environment=leaving.environment,
            uuid=leaving.uuid,
            at=at,
            as_of=head.frontier.size,
            kind=leaving.kind,
            acting=leaving.acting,
            profile_id=profile_id,
            party=passed.profile.party,
            purpose=leaving.purpose,
            slice_digest=passed.slice_digest,
            collection_id=leaving.collection_id,
            filter=leaving.filter,
            offers=tuple([seq for seq, _, _ in leaving.owned]),
            parts=tuple(parts_of(leaving.owned, leaving.filter)),
            under=leaving.under,
        ),
    )


class Integrator:
    """Moves staged releases into the log, many in one commit; the log asks it for what is overdue before other acts."""

    def __init__(self, *, store: Store, log: Log, environment: int) -> None:
        self._store = store
        self._log = log
        self._environment = environment
        log.enter_overdue = self.enter_overdue

    def pending(self) -> bool:
        """Return whether a release waits; reads only."""
        with self._store.read() as connection:
            return bool(_staged(connection, self._environment, 1))

    def integrate(self) -> int:
        """Enter every staged release; returns how many there were."""
        total = 0
        while self.pending():
            with self._store.write() as connection:
                total += self._batch(connection)
        return total

    def enter(self, connection: Connection) -> int:
        """Enter every staged release in the caller's transaction; returns how many there were.

        For what is worked out of releases: those that were made before are then entries before it, too.
        """
        total = 0
        while done := self._batch(connection):
            total += done
        return total

    def enter_overdue(self, connection: Connection, at: Micros) -> int:
        """Enter every staged release if one was decided long before ``at``, at which the caller does something.

        The clock was set ahead, or the machine slept: a replay believes no release that comes behind what was done so
        much later. Otherwise the next group commit enters them.
        """
        first = connection.execute(_FIRST_STAGED, {"environment": self._environment}).scalar()
        return 0 if first is None or at <= first + OVERDUE else self.enter(connection)

    def _batch(self, connection: Connection) -> int:
        staged = _staged(connection, self._environment, BATCH)
        if not staged:
            return 0
        now = self._log.now(connection)
        uuids = dict(connection.execute(select(COLLECTIONS.c.collection_id, COLLECTIONS.c.uuid)).all())
        profiles = {
            number: as_json(read_profile(connection, number)) for number in sorted({row.profile_id for row in staged})
        }
        under = _under(connection, [row.release_id for row in staged])
        records: list[Record] = []
        places: list[int] = []
        for row in staged:
            places.append(len(records))
            asked, parts = self._read(connection, row)
            told = {
                "release": row.uuid,
                "decided_at": format_instant(row.at),
                "as_of": row.as_of,
                "kind": row.kind,
                "collection": uuids[row.collection_id],
                "profile": profiles[row.profile_id],
                "slice": row.slice_digest.hex(),
            }
            records += [
                Record(
                    kind="release",
                    at=now,
                    acting=Acting(actor=row.actor, on_behalf_of=row.on_behalf_of),
                    concerns=_concerned(profiles[row.profile_id], part.owner),
                    data=told
                    | {
                        "filter": asked if part.ids is None else asked | {"ids": part.ids},
                        "owner": part.owner,
                        "offers": part.steps,
                    }
                    | _told_under(part, under.get(row.release_id, ())),
                )
                for part in parts
            ]
        indices = self._log.append(connection, records, decided=True)
        for place, row in zip(places, staged, strict=True):
            connection.execute(_ENTERED, {"release": row.release_id, "idx": indices[place]})
        return len(staged)

    def _read(self, connection: Connection, row: StagedRow) -> tuple[dict[str, Json], Sequence[Part]]:
        try:
            asked = msgspec.json.decode(row.filter, type=dict[str, Any])
            return asked, self._looked_up(connection, row, asked) if row.parts is None else _decode(row.parts)
        except msgspec.DecodeError as error:
            raise StoreBrokenError(
                "a release that waits for the log cannot be read",
                where=f"releases, {row.uuid}",
                todo="docs/operations.md says what to do; its row must not be deleted",
            ) from error

    def _looked_up(self, connection: Connection, row: StagedRow, asked: dict[str, Json]) -> list[Part]:
        """Return the parts of a release: an entry names no other owner's offers."""
        wanted = self._store.adapter.integers(decode_offers(row.offers), "wanted")
        found = connection.execute(
            select(OFFERS.c.offer_seq, CONTRIBUTIONS.c.object_id, PARTIES.c.uri)
            .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
            .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
            # a list and not a join: SQLite would join the other way round, and look at each offer for each one wanted
            .where(OFFERS.c.collection_id == row.collection_id, OFFERS.c.offer_seq.in_(select(wanted.c.value)))
            .order_by(OFFERS.c.offer_seq)
        )
        return parts_of(found.all(), asked)


def _under(connection: Connection, release_ids: Sequence[int]) -> dict[int, list[tuple[str, frozenset[int]]]]:
    found: dict[int, list[tuple[str, frozenset[int]]]] = {}
    query = select(RELEASED_UNDER).where(RELEASED_UNDER.c.release_id.in_(release_ids)).order_by(RELEASED_UNDER.c.annex)
    for row in connection.execute(query):
        found.setdefault(row.release_id, []).append((row.annex, frozenset(decode_offers(row.offers))))
    return found


def _told_under(part: Part, under: Iterable[tuple[str, frozenset[int]]]) -> dict[str, list[list[Json]]]:
    """Return what an owner's entry tells of annexes: each with the steps between the offers that it alone let out."""
    own = [*accumulate(part.steps)]
    within = [(annex, [one for one in own if one in offers]) for annex, offers in under]
    told: list[list[Json]] = [[annex, [*_steps(offers)]] for annex, offers in within if offers]
    return {"under": told} if told else {}


def _concerned(profile: dict[str, Json], owner: str) -> tuple[str, ...]:
    """Return whom an owner's part of a release concerns: reader and owner, and the client that was read for."""
    client = profile.get("client")
    whom = {str(profile["party"]), owner} | ({str(client["party"])} if isinstance(client, dict) else set())
    return tuple(sorted(whom))


def parts_of(offers: Iterable[tuple[int, str, str]], asked: dict[str, Json]) -> list[Part]:
    """Return the parts of a release from its offers, rising: number, object id, owner's URI."""
    owned: dict[str, list[int]] = {}
    named: dict[str, set[str]] = {}
    by_id = asked.get("ids") is not None
    for sequence, object_id, uri in offers:
        owned.setdefault(uri, []).append(sequence)
        if by_id:
            named.setdefault(uri, set()).add(object_id)
    return [
        Part(owner=uri, steps=_steps(sequences), ids=_ids_among(asked, named[uri]) if by_id else None)
        for uri, sequences in owned.items()
    ]


def _ids_among(asked: dict[str, Json], object_ids: Collection[str]) -> list[str]:
    ids = narrowed(asked, object_ids)["ids"]
    return [str(one) for one in ids] if isinstance(ids, list) else []


def _staged(connection: Connection, environment: int, limit: int) -> Sequence[StagedRow]:
    return connection.execute(_STAGED, {"environment": environment, "most": limit}).all()


def _steps(sequences: Sequence[int]) -> list[int]:
    return [sequences[0], *map(operator.sub, sequences[1:], sequences)]


def releases_of(connection: Connection, collection_id: int, sequences: Iterable[int]) -> list[StagedRow]:
    """Return the releases that hold any of these offers of a collection, oldest first."""
    wanted = sorted(sequences)
    if not wanted:
        return []
    rows = connection.execute(
        select(RELEASES)
        .where(
            RELEASES.c.collection_id == collection_id,
            RELEASES.c.first_seq <= wanted[-1],
            RELEASES.c.last_seq >= wanted[0],
        )
        .order_by(RELEASES.c.release_id)
    ).all()
    return [row for row in rows if not set(wanted).isdisjoint(decode_offers(row.offers))]
