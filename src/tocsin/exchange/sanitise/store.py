"""Rows of chains, sanitised versions and pseudonyms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import bindparam, select, update

from tocsin.agreements.document import Approver, Attribution
from tocsin.agreements.model import Tlp
from tocsin.exchange.sanitise.model import Chain, Ending, Standing, State, Version
from tocsin.exchange.sanitise.tables import PSEUDONYMS, SANITISED, SANITISED_CHAINS
from tocsin.exchange.store import object_key
from tocsin.exchange.tables import COLLECTIONS
from tocsin.kernel.clock import Micros
from tocsin.kernel.db.store import chunks, next_id
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection, Row
    from sqlalchemy.engine import RowMapping

    from tocsin.kernel.db.adapter import Adapter

__all__ = [
    "ChainRow",
    "Kept",
    "New",
    "PseudonymRow",
    "add_chains",
    "add_pseudonym",
    "add_versions",
    "all_chains",
    "bear",
    "bear_pseudonym",
    "chains_of",
    "has_chains",
    "pseudonym_rows",
    "set_decided",
    "set_ended",
    "set_left",
    "version_rows",
    "versions_of_chains",
]


class ChainRow(msgspec.Struct, frozen=True, kw_only=True):
    """A chain as it is stored. ``born``: the slot in which its first version left."""

    chain_id: int
    chain: Chain
    born: Micros | None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A version as it is stored: what it is, how it stands, and what will leave while it waits."""

    key: int
    chain_id: int
    owner_id: int
    collection_id: int
    alias: str
    version: Version
    standing: Standing
    born: Micros | None
    published_as: Micros | None
    salt: bytes | None
    draft: bytes | None


class PseudonymRow(msgspec.Struct, frozen=True, kw_only=True):
    """The identity that stands for a producer under an agreement, towards the readers of one TLP."""

    pseudonym_id: int
    owner_id: int
    party: str
    agreement: str
    tlp: Tlp
    identity: str
    born: Micros | None


# --- chains ----------------------------------------------------------------------------------------------------------


def chains_of(
    connection: Connection, adapter: Adapter, environment: int, owner_id: int, object_ids: Collection[str]
) -> list[ChainRow]:
    """Return the chains of a party's objects, under whatever agreement."""
    keys = adapter.integers([object_key(environment, one) for one in object_ids], "keys")
    query = (
        select(SANITISED_CHAINS, PARTIES.c.uri)
        .join(PARTIES, PARTIES.c.party_id == SANITISED_CHAINS.c.owner_id)
        .where(SANITISED_CHAINS.c.object_key.in_(select(keys.c.value)), SANITISED_CHAINS.c.owner_id == owner_id)
        .order_by(SANITISED_CHAINS.c.chain_id)
    )
    return [_chain_row(row._mapping) for row in connection.execute(query) if row.object_id in object_ids]  # noqa: SLF001


def has_chains(connection: Connection, owner_id: int) -> bool:
    """Return whether a party has any chain."""
    query = select(SANITISED_CHAINS.c.chain_id).where(SANITISED_CHAINS.c.owner_id == owner_id).limit(1)
    return connection.execute(query).first() is not None


def all_chains(connection: Connection, environment: int) -> list[ChainRow]:
    """Return every chain, in the order of being made."""
    query = (
        select(SANITISED_CHAINS, PARTIES.c.uri)
        .join(PARTIES, PARTIES.c.party_id == SANITISED_CHAINS.c.owner_id)
        .where(SANITISED_CHAINS.c.environment == environment)
        .order_by(SANITISED_CHAINS.c.chain_id)
    )
    return [_chain_row(row._mapping) for row in connection.execute(query)]  # noqa: SLF001  SQLAlchemy's public name


def _chain_row(row: RowMapping) -> ChainRow:
    return ChainRow(chain_id=row["chain_id"], chain=_chain(row), born=row["born"])


def _chain(row: RowMapping) -> Chain:
    return Chain(
        party=row["uri"], agreement=row["agreement"], object_id=row["object_id"], sanitised_id=row["sanitised_id"]
    )


def add_chains(connection: Connection, environment: int, owner_id: int, chains: Sequence[Chain]) -> dict[Chain, int]:
    """Enter chains; returns their ids."""
    free = next_id(connection, SANITISED_CHAINS.c.chain_id)
    rows = [
        {
            "chain_id": free + place,
            "environment": environment,
            "owner_id": owner_id,
            "object_key": object_key(environment, chain.object_id),
            "object_id": chain.object_id,
            "agreement": chain.agreement,
            "sanitised_id": chain.sanitised_id,
            "born": None,
        }
        for place, chain in enumerate(chains)
    ]
    if rows:
        connection.execute(SANITISED_CHAINS.insert(), rows)
    return {chain: free + place for place, chain in enumerate(chains)}


def bear(connection: Connection, chain_ids: Iterable[int], slot: Micros) -> None:
    """Note the slot in which the first version of each chain left, where none is noted."""
    for part in chunks(sorted(chain_ids)):
        connection.execute(
            update(SANITISED_CHAINS)
            .where(SANITISED_CHAINS.c.chain_id.in_(part), SANITISED_CHAINS.c.born.is_(None))
            .values(born=slot)
        )


# --- versions --------------------------------------------------------------------------------------------------------


class New(msgspec.Struct, frozen=True, kw_only=True):
    """A version that is to be entered."""

    version: Version
    chain_id: int
    collection_id: int
    standing: Standing
    salt: bytes
    draft: bytes


def add_versions(connection: Connection, environment: int, versions: Sequence[New]) -> None:
    """Enter versions."""
    free = next_id(connection, SANITISED.c.sanitised_key)
    rows = [
        {
            "sanitised_key": free + place,
            "environment": environment,
            "uuid": new.version.uuid,
            "chain_id": new.chain_id,
            "version": new.version.version,
            "collection_id": new.collection_id,
            "agreement_version": new.version.agreement_version,
            "clause": new.version.clause,
            "plan": new.version.plan,
            "tlp": new.version.tlp,
            "attribution": new.version.attribution,
            "approve": new.version.approve,
            "made_at": new.version.made_at,
            "leaves_at": new.version.leaves_at,
            "state": new.standing.state,
            "ready_at": new.standing.ready_at,
            "alone": new.standing.alone,
            "slot": None,
            "published_as": None,
            "ending": None,
            "salt": new.salt,
            "draft": new.draft,
        }
        for place, new in enumerate(versions)
    ]
    if rows:
        connection.execute(SANITISED.insert(), rows)


def versions_of_chains(
    connection: Connection, adapter: Adapter, environment: int, chain_ids: Sequence[int]
) -> list[Kept]:
    """Return every version of some chains, in the order of being made."""
    wanted = adapter.integers(chain_ids, "wanted")
    return version_rows(connection, environment, SANITISED.c.chain_id.in_(select(wanted.c.value)))


def version_rows(
    connection: Connection, environment: int, *conditions: ColumnElement[bool], limit: int | None = None
) -> list[Kept]:
    """Return versions in the order of being made, those that meet all conditions on ``SANITISED`` and its chains."""
    query = (
        select(
            SANITISED,
            SANITISED_CHAINS.c.owner_id,
            SANITISED_CHAINS.c.object_id,
            SANITISED_CHAINS.c.agreement,
            SANITISED_CHAINS.c.sanitised_id,
            SANITISED_CHAINS.c.born,
            PARTIES.c.uri,
            COLLECTIONS.c.uuid.label("collection"),
            COLLECTIONS.c.alias,
        )
        .join(SANITISED_CHAINS, SANITISED_CHAINS.c.chain_id == SANITISED.c.chain_id)
        .join(PARTIES, PARTIES.c.party_id == SANITISED_CHAINS.c.owner_id)
        .join(COLLECTIONS, COLLECTIONS.c.collection_id == SANITISED.c.collection_id)
        .where(SANITISED.c.environment == environment, *conditions)
        .order_by(SANITISED.c.sanitised_key)
        .limit(limit)
    )
    return [_kept(row) for row in connection.execute(query)]


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        key=row.sanitised_key,
        chain_id=row.chain_id,
        owner_id=row.owner_id,
        collection_id=row.collection_id,
        alias=row.alias,
        version=Version(
            uuid=row.uuid,
            chain=_chain(row._mapping),  # noqa: SLF001  SQLAlchemy's public name
            version=row.version,
            collection=row.collection,
            agreement_version=row.agreement_version,
            clause=row.clause,
            plan=row.plan,
            tlp=Tlp(row.tlp),
            attribution=Attribution(row.attribution),
            approve=Approver(row.approve),
            made_at=row.made_at,
            leaves_at=row.leaves_at,
        ),
        standing=Standing(
            state=State(row.state),
            ready_at=row.ready_at,
            alone=row.alone,
            slot=row.slot,
            ending=None if row.ending is None else Ending(row.ending),
        ),
        born=row.born,
        published_as=row.published_as,
        salt=row.salt,
        draft=row.draft,
    )


def set_decided(connection: Connection, key: int, standing: Standing) -> None:
    """Note that a version was approved or vetoed."""
    connection.execute(
        update(SANITISED)
        .where(SANITISED.c.sanitised_key == key)
        .values(state=standing.state, ready_at=standing.ready_at, alone=standing.alone)
    )
    if standing.state is State.VETOED:
        _forget(connection, [key])


def set_left(connection: Connection, left: Iterable[tuple[int, Micros]], slot: Micros) -> None:
    """Note that versions left in a slot: their keys, and the versions of the contributions that they became."""
    rows = [{"key": key, "version_": version} for key, version in left]
    connection.execute(_LEFT.values(slot=slot), rows)
    _forget(connection, [row["key"] for row in rows])


def set_ended(connection: Connection, keys: Sequence[int], state: State, ending: Ending) -> None:
    """Note that versions ended, in one state."""
    for part in chunks(list(keys)):
        connection.execute(
            update(SANITISED).where(SANITISED.c.sanitised_key.in_(part)).values(state=state, ending=ending)
        )
    _forget(connection, keys)


def _forget(connection: Connection, keys: Sequence[int]) -> None:
    """What leaves is kept only while it waits."""
    for part in chunks(list(keys)):
        connection.execute(update(SANITISED).where(SANITISED.c.sanitised_key.in_(part)).values(salt=None, draft=None))


_LEFT: Final = (
    update(SANITISED)
    .where(SANITISED.c.sanitised_key == bindparam("key"))
    .values(state=State.PUBLISHED, published_as=bindparam("version_"))
)


# --- pseudonyms ------------------------------------------------------------------------------------------------------


def pseudonym_rows(connection: Connection, environment: int, *conditions: ColumnElement[bool]) -> list[PseudonymRow]:
    """Return pseudonyms in the order of being made."""
    query = (
        select(PSEUDONYMS, PARTIES.c.uri)
        .join(PARTIES, PARTIES.c.party_id == PSEUDONYMS.c.owner_id)
        .where(PSEUDONYMS.c.environment == environment, *conditions)
        .order_by(PSEUDONYMS.c.pseudonym_id)
    )
    return [
        PseudonymRow(
            pseudonym_id=row.pseudonym_id,
            owner_id=row.owner_id,
            party=row.uri,
            agreement=row.agreement,
            tlp=Tlp(row.tlp),
            identity=row.identity,
            born=row.born,
        )
        for row in connection.execute(query)
    ]


def add_pseudonym(
    connection: Connection, environment: int, owner_id: int, *, agreement: str, tlp: Tlp, identity: str
) -> None:
    """Enter the identity that stands for a producer."""
    connection.execute(
        PSEUDONYMS.insert().values(
            pseudonym_id=next_id(connection, PSEUDONYMS.c.pseudonym_id),
            environment=environment,
            owner_id=owner_id,
            agreement=agreement,
            tlp=tlp,
            identity=identity,
            born=None,
        )
    )


def bear_pseudonym(connection: Connection, pseudonym_id: int, slot: Micros) -> None:
    """Note the slot in which a pseudonym was first published."""
    connection.execute(
        update(PSEUDONYMS)
        .where(PSEUDONYMS.c.pseudonym_id == pseudonym_id, PSEUDONYMS.c.born.is_(None))
        .values(born=slot)
    )
