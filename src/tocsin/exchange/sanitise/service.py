"""What producers, the coordinator and auditors do with sanitised versions: look, approve, veto, lead back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.agreements.document import Approver
from tocsin.errors import ForbiddenError, NotFoundError
from tocsin.exchange import store as exchange
from tocsin.exchange.sanitise import store, wire
from tocsin.exchange.sanitise.model import ENDED, Chain, Standing, State, Version
from tocsin.exchange.sanitise.records import Acts
from tocsin.exchange.sanitise.tables import SANITISED, SANITISED_CHAINS
from tocsin.kernel.clock import Micros
from tocsin.kernel.db.spans import EVERYTHING, stretch
from tocsin.kernel.mandate import Acting, Right
from tocsin.log.service import Record
from tocsin.parties import store as parties
from tocsin.parties.model import SPEAKERS, Party, PartyStatus, Role, User, check_remark
from tocsin.scrub.sanitise import slot_after

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from tocsin.exchange.sanitise.store import Kept
    from tocsin.kernel.db import Store
    from tocsin.kernel.db.spans import Span, Stretch
    from tocsin.kernel.mandate import Mandate
    from tocsin.log.service import Log

__all__ = ["Change", "Origin", "Sanitised", "Shown", "Viewer"]

_NONE: Final = "there is no such sanitised version, or none that you may see"
_REMEDY: Final = "`tocsin sanitised list` shows them"


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks or decides: a party, or one of its users; ``acting`` does it, for whom the log names."""

    party: Party
    user: User | None
    acting: Acting


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One version as somebody may see it.

    ``body`` are the bytes that leave in ``slot``, or that left in it; None once it has ended. ``waits`` says for what.
    ``version`` is None for whoever may not know whose it is.
    """

    version: Version | None
    uuid: str
    sanitised_id: str
    standing: Standing
    slot: Micros | None
    waits: str | None
    body: bytes | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one property. ``after`` None: it is gone; ``before`` None: it is new."""

    name: str
    before: Any
    after: Any


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """A published version and the original that it was made of."""

    sanitised_id: str
    published_as: Micros
    collection: str  # UUID
    chain: Chain
    version: Micros


class Sanitised:
    """The sanitised versions of one environment. ``length``: of a slot; ``least``: how many producers share one."""

    def __init__(self, *, store: Store, log: Log, environment: int, length: Micros, least: int) -> None:
        self._store = store
        self._log = log
        self._environment = environment
        self._length = length
        self._least = least

    # --- look --------------------------------------------------------------------------------------------------------

    def of_party(self, party: str, *, waiting: bool = False) -> list[Shown]:
        """Return the versions of a party's objects (by its URI), oldest first; ``waiting``: what may yet leave."""
        return [*self.of_party_within(party, EVERYTHING, waiting=waiting).items]

    def of_party_within(self, party: str, span: Span, *, waiting: bool = False) -> Stretch[Shown]:
        """Return a span of what ``of_party`` returns."""
        with self._store.read() as connection:
            conditions = [SANITISED_CHAINS.c.owner_id == _owner_id(connection, self._environment, party)]
            if waiting:
                conditions.append(SANITISED.c.state.in_([State.PENDING, State.APPROVED]))
            rows = store.version_rows(
                connection,
                self._environment,
                SANITISED.c.sanitised_key > span.after,
                *conditions,
                limit=None if span.most is None else span.most + 1,
            )
            at = self._log.now(connection)
            found = stretch(((row.key, row) for row in rows), span)
            return found.map(lambda row: self._shown(connection, row, at, whole=True))

    def for_coordinator(self) -> list[Shown]:
        """Return what waits for the coordinator: what would leave, and neither whose it is nor what it was made of."""
        with self._store.read() as connection:
            rows = store.version_rows(
                connection,
                self._environment,
                SANITISED.c.approve == Approver.COORDINATOR,
                SANITISED.c.state == State.PENDING,
            )
            at = self._log.now(connection)
            shown = [self._shown(connection, row, at, whole=False) for row in rows]
        # neither the order of arrival
        return sorted(shown, key=lambda one: one.uuid)

    def show(self, viewer: Viewer, uuid: str) -> Shown:
        """Return one version of the viewer's own; the party that runs the hub sees what it may have to decide.

        Raises:
            NotFoundError: there is none, or it is another party's: the same words for both.
        """
        with self._store.read() as connection:
            row = self._find(connection, uuid)
            own = row is not None and row.version.chain.party == viewer.party.uri
            coordinates = (
                row is not None
                and row.version.approve is Approver.COORDINATOR
                and viewer.party.uri == parties.read_hub(connection, self._environment)
            )
            if row is None or not (own or coordinates):
                raise NotFoundError(_NONE, where=uuid[:80], todo=_REMEDY)
            return self._shown(connection, row, self._log.now(connection), whole=own)

    def diff(self, viewer: Viewer, uuid: str) -> tuple[Shown, list[Change]]:
        """Return one version of the viewer's own, and what is other than in the original, property by property.

        Raises:
            NotFoundError: there is none, it is another party's, or the original or the version is not kept any more.
        """
        with self._store.read() as connection:
            row = self._own(connection, viewer, uuid)
            shown = self._shown(connection, row, self._log.now(connection), whole=True)
            chain = row.version.chain
            own = exchange.own_contributions(
                connection, self._store.adapter, self._environment, row.owner_id, [chain.object_id]
            )
            found = own.get(chain.object_id, {}).get(row.version.version)
            bodies = (
                {} if found is None else exchange.bodies_of(connection, self._store.adapter, [found.contribution_id])
            )
            original = None if found is None else bodies.get(found.contribution_id)
            if original is None or shown.body is None:
                raise NotFoundError(
                    "what is to be compared is not kept any more",
                    where=uuid[:80],
                    todo="it was decided on: `tocsin sanitised list` says how",
                )
        before, after = msgspec.json.decode(original), msgspec.json.decode(shown.body)
        return shown, [
            Change(name=name, before=before.get(name), after=after.get(name))
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        ]

    # --- decide ------------------------------------------------------------------------------------------------------

    def approve(self, viewer: Viewer, uuid: str, *, alone: bool = False) -> Shown:
        """Let a version of one's own out; ``alone``: though fewer producers than usual share its slot.

        Raises:
            NotFoundError: there is none of the viewer's. ForbiddenError: this user does not decide, or the coordinator
                does. TransitionError: it has left, or ended.
        """
        with self._store.write() as connection:
            row = self._own(connection, viewer, uuid)
            self._require_decides(viewer)
            if row.version.approve is Approver.COORDINATOR and row.standing.state is State.PENDING:
                raise ForbiddenError(
                    "the agreement gives this to the coordinator",
                    where=uuid,
                    todo="wait, or veto it if it must not leave",
                )
            acts = Acts(connection, self._log, viewer.acting)
            acts.approve(row, alone=alone)
            return self._again(connection, uuid, whole=True)

    def veto(self, viewer: Viewer, uuid: str, reason: str = "") -> Shown:
        """Keep a version of one's own in for good.

        Raises:
            NotFoundError: there is none of the viewer's. ForbiddenError: this user does not decide.
            TransitionError: it has left, or ended. InputError: the reason is too long.
        """
        check_remark(reason, "reason")
        with self._store.write() as connection:
            row = self._own(connection, viewer, uuid)
            self._require_decides(viewer)
            acts = Acts(connection, self._log, viewer.acting)
            acts.veto(row, reason)
            return self._again(connection, uuid, whole=True)

    def clear(self, acting: Acting, mandate: Mandate, uuid: str) -> Shown:
        """Let a version out as the coordinator, where its clause gives that to the coordinator.

        Raises:
            ForbiddenError: the mandate is not for this. NotFoundError: there is none that the coordinator decides on.
            TransitionError: it has left, or ended.
        """
        mandate.require(self._log.environment_name, Right.SANITISED_APPROVE, uuid)
        with self._store.write() as connection:
            acts = Acts(connection, self._log, acting)
            acts.approve(self._coordinated(connection, uuid), mandate=mandate)
            return self._again(connection, uuid, whole=False)

    def stop(self, acting: Acting, mandate: Mandate, uuid: str, reason: str = "") -> Shown:
        """Keep a version in for good as the coordinator, whoever is to approve it.

        Raises:
            ForbiddenError: the mandate is not for this. NotFoundError: there is none.
            TransitionError: it has left, or ended. InputError: the reason is too long.
        """
        mandate.require(self._log.environment_name, Right.SANITISED_STOP, uuid)
        check_remark(reason, "reason")
        with self._store.write() as connection:
            row = self._find(connection, uuid)
            if row is None:
                raise NotFoundError(_NONE, where=uuid[:80], todo=_REMEDY)
            acts = Acts(connection, self._log, acting)
            acts.veto(row, reason, mandate=mandate)
            return self._again(connection, uuid, whole=False)

    # --- lead back ---------------------------------------------------------------------------------------------------

    def origin(self, viewer: Viewer, object_id: str) -> list[Origin]:
        """Return what the published versions under an id were made of: for their producer, and for auditors of the hub.

        Asking is an act: it is logged, whatever the answer, and whoever's the original is sees who asked.

        Raises:
            NotFoundError: there is none, or none that the viewer may lead back: the same words for both.
        """
        with self._store.write() as connection:
            rows = store.version_rows(
                connection, self._environment, SANITISED_CHAINS.c.sanitised_id == object_id, _LEFT
            )
            if not self._audits(connection, viewer):
                rows = [row for row in rows if row.version.chain.party == viewer.party.uri]
            owner = rows[0].version.chain.party if rows else viewer.party.uri
            data: dict[str, object] = {"verb": "origin", "object": object_id[:256], "owner": owner}
            at = self._log.now(connection)
            record = Record(kind="inquiry", at=at, acting=viewer.acting, concerns=(owner,), data=data)
            self._log.append(connection, [record])
        if not rows:
            raise NotFoundError(_NONE, todo="the versions of what you shared: `tocsin sanitised list`")
        return [_origin(row) for row in rows if row.published_as is not None]

    def published_of(
        self, connection: Connection, party: str, object_id: str, versions: Collection[Micros] | None = None
    ) -> list[Origin]:
        """Return what was published of a party's object, for whoever recalls it: as `Origin`, newest last.

        The publisher, that owns what was published, is the party that runs the hub. ``versions`` None: of all.
        """
        rows = store.version_rows(
            connection,
            self._environment,
            SANITISED_CHAINS.c.object_key == exchange.object_key(self._environment, object_id),
            SANITISED_CHAINS.c.owner_id == _owner_id(connection, self._environment, party),
            _LEFT,
        )
        return [
            _origin(row)
            for row in rows
            if row.version.chain.object_id == object_id and (versions is None or row.version.version in versions)
        ]

    # --- within ------------------------------------------------------------------------------------------------------

    def _find(self, connection: Connection, uuid: str) -> Kept | None:
        rows = store.version_rows(connection, self._environment, SANITISED.c.uuid == uuid) if uuid.isascii() else []
        return rows[0] if rows else None

    def _own(self, connection: Connection, viewer: Viewer, uuid: str) -> Kept:
        row = self._find(connection, uuid)
        if row is None or row.version.chain.party != viewer.party.uri:
            raise NotFoundError(_NONE, where=uuid[:80], todo=_REMEDY)
        return row

    def _coordinated(self, connection: Connection, uuid: str) -> Kept:
        row = self._find(connection, uuid)
        if row is None or row.version.approve is not Approver.COORDINATOR:
            raise NotFoundError(
                "there is no such version that the coordinator decides on", where=uuid[:80], todo=_REMEDY
            )
        return row

    def _again(self, connection: Connection, uuid: str, *, whole: bool) -> Shown:
        (row,) = store.version_rows(connection, self._environment, SANITISED.c.uuid == uuid)
        return self._shown(connection, row, self._log.now(connection), whole=whole)

    @staticmethod
    def _require_decides(viewer: Viewer) -> None:
        if viewer.user is not None and not viewer.user.roles & SPEAKERS:
            raise ForbiddenError(
                "a liaison or signatory of the party decides what leaves in its stead",
                where=f"{viewer.user.name}@{viewer.party.name}",
                todo="ask one of them",
            )

    def _audits(self, connection: Connection, viewer: Viewer) -> bool:
        return (
            viewer.user is not None
            and Role.AUDITOR in viewer.user.roles
            and viewer.party.status is PartyStatus.VETTED
            and viewer.party.uri == parties.read_hub(connection, self._environment)
        )

    def _shown(self, connection: Connection, row: Kept, at: Micros, *, whole: bool) -> Shown:
        standing = row.standing
        slot, body = standing.slot, None
        if row.draft is not None:
            ready = row.version.leaves_at if standing.ready_at is None else standing.ready_at
            slot = slot_after(max(ready, at), self._length)
            body = wire.rendered(wire.decode_draft(row.draft), slot=slot, born=row.born)
        elif standing.state is State.PUBLISHED and row.published_as is not None:
            body = self._left(connection, row)
        return Shown(
            version=row.version if whole else None,
            uuid=row.version.uuid,
            sanitised_id=row.version.chain.sanitised_id,
            standing=standing,
            slot=slot,
            waits=self._waits(row, at),
            body=body,
        )

    def _left(self, connection: Connection, row: Kept) -> bytes | None:
        """Return the bytes that left, which are the publisher's contribution."""
        publisher = parties.read_hub(connection, self._environment)
        owner = None if publisher is None else parties.party_by_uri(connection, self._environment, publisher)
        if owner is None or row.published_as is None:
            return None
        name = row.version.chain.sanitised_id
        own = exchange.own_contributions(connection, self._store.adapter, self._environment, owner.party_id, [name])
        found = own.get(name, {}).get(row.published_as)
        if found is None:
            return None
        return exchange.bodies_of(connection, self._store.adapter, [found.contribution_id]).get(found.contribution_id)

    def _waits(self, row: Kept, at: Micros) -> str | None:
        standing = row.standing
        if standing.state in ENDED or standing.state is State.PUBLISHED:
            return None
        if standing.state is State.PENDING:
            return f"for approval by the {row.version.approve}"
        if standing.ready_at is not None and standing.ready_at > at:
            return "for the end of its countdown"
        if slot_after(standing.ready_at or at, self._length) > at or standing.alone:
            return "for the next slot"
        return f"for a slot that {self._least} producers share, or for its owner's word that it may leave alone"


_LEFT: Final = SANITISED.c.state.in_([State.PUBLISHED, State.RECALLED])


def _origin(row: Kept) -> Origin:
    return Origin(
        sanitised_id=row.version.chain.sanitised_id,
        published_as=row.published_as or 0,
        collection=row.version.collection,
        chain=row.version.chain,
        version=row.version.version,
    )


def _owner_id(connection: Connection, environment: int, party: str) -> int:
    row = parties.party_by_uri(connection, environment, party)
    return row.party_id if row else 0
