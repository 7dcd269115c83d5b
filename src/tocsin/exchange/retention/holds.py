"""Legal holds: placed, renewed and lifted under a mandate, each act in the log; seen by who runs or audits the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.errors import LimitError, NotFoundError, TransitionError
from tocsin.exchange.retention import store
from tocsin.exchange.retention.model import MAX_HOLDS, Hold, Scope, check_hold
from tocsin.exchange.stix.types import check_object_id, check_type
from tocsin.kernel.clock import Micros, format_instant
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Right
from tocsin.log.service import Record
from tocsin.parties.model import check_remark

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log

__all__ = ["Holds", "hold_data"]


class Holds:
    """The legal holds of one environment."""

    def __init__(self, *, store: Store, log: Log, entropy: Entropy, environment: int) -> None:
        self._store = store
        self._log = log
        self._entropy = entropy
        self._environment = environment

    def place(
        self, acting: Acting, mandate: Mandate, *, authority: str, reason: str, scope: Scope, until: Micros
    ) -> Hold:
        """Keep what a scope names from being destroyed, until an instant at most.

        Raises:
            ForbiddenError: the mandate is of another environment.
            InputError: authority or reason are missing, the hold ends before it begins, or what it names is no id or
                type that an object can have.
            LimitError: it is to last too long, or too many stand.
        """
        mandate.require(self._log.environment_name, Right.HOLD_PLACE, authority)
        for object_id in scope.objects:
            check_object_id(object_id)
        for name in scope.types:
            check_type(name)
        with self._store.write() as connection:
            at = self._log.now(connection)
            check_hold(authority=authority, reason=reason, until=until, at=at)
            if sum(one.stands(at) for one in store.holds(connection, self._environment)) >= MAX_HOLDS:
                raise LimitError(f"at most {MAX_HOLDS} holds stand at a time", todo="lift those that are not needed")
            hold = Hold(
                uuid=new_uuid(self._entropy),
                authority=authority,
                reason=reason,
                scope=scope,
                placed_at=at,
                until=until,
            )
            store.add_hold(connection, self._environment, hold)
            self._enter(connection, acting, mandate, kind="hold.placed", data=hold_data(hold), at=at)
        return hold

    def renew(self, acting: Acting, mandate: Mandate, uuid: str, *, reason: str, until: Micros) -> Hold:
        """Let a hold that stands end later, for a reason that is given anew.

        Raises:
            ForbiddenError, InputError, LimitError: as ``place``.
            NotFoundError: there is none of this id. TransitionError: it keeps nothing any more, or ends later already.
        """
        mandate.require(self._log.environment_name, Right.HOLD_RENEW, uuid)
        with self._store.write() as connection:
            at = self._log.now(connection)
            hold = self._standing(connection, uuid, at)
            check_hold(authority=hold.authority, reason=reason, until=until, at=at)
            if until <= hold.until:
                raise TransitionError("this hold lasts until then already", where=uuid, todo="name a later day")
            store.move_hold(connection, self._environment, uuid, until)
            data: dict[str, object] = {"hold": uuid, "reason": reason, "until": format_instant(until)}
            self._enter(connection, acting, mandate, kind="hold.renewed", data=data, at=at)
        return msgspec.structs.replace(hold, until=until)

    def lift(self, acting: Acting, mandate: Mandate, uuid: str, *, reason: str) -> Hold:
        """End a hold before its time; what waited for it goes with the next sweep.

        Raises:
            ForbiddenError: the mandate is of another environment. NotFoundError: there is none of this id.
            TransitionError: it keeps nothing any more. InputError: the reason cannot be recorded.
        """
        mandate.require(self._log.environment_name, Right.HOLD_LIFT, uuid)
        check_remark(reason, "reason")
        with self._store.write() as connection:
            at = self._log.now(connection)
            hold = self._standing(connection, uuid, at)
            store.lift_hold(connection, self._environment, uuid, at)
            self._enter(connection, acting, mandate, kind="hold.lifted", data={"hold": uuid, "reason": reason}, at=at)
        return msgspec.structs.replace(hold, lifted_at=at)

    def all(self) -> list[tuple[Hold, bool]]:
        """Return every hold, the first placed first, and whether it stands now."""
        with self._store.read() as connection:
            at = self._log.now(connection)
            return [(one, one.stands(at)) for one in store.holds(connection, self._environment)]

    def covered(self, scope: Scope) -> int:
        """Return how many contributions a scope covers that are stored now: for who runs or audits the hub alone.

        Who carries out a hold over the network is not told: the number would say whether an object of others is here.
        """
        with self._store.read() as connection:
            return store.count_covered(connection, self._environment, scope)

    def _standing(self, connection: Connection, uuid: str, at: Micros) -> Hold:
        for one in store.holds(connection, self._environment):
            if one.uuid == uuid:
                if not one.stands(at):
                    raise TransitionError("this hold keeps nothing any more", where=uuid, todo="place a new one")
                return one
        raise NotFoundError("there is no such hold", where=uuid[:80], todo="`tocsin retention holds` shows them")

    def _enter(
        self,
        connection: Connection,
        acting: Acting,
        mandate: Mandate,
        *,
        kind: str,
        data: dict[str, object],
        at: Micros,
    ) -> None:
        # it concerns no party by name: whom an authority looks at is not for parties to read in their exports
        self._log.append(connection, [Record(kind=kind, at=at, acting=acting, mandate=mandate, data=data)])


def hold_data(hold: Hold) -> dict[str, object]:
    """Return a new hold as the log tells it."""
    return {
        "hold": hold.uuid,
        "authority": hold.authority,
        "reason": hold.reason,
        "scope": msgspec.json.decode(msgspec.json.encode(hold.scope)),
        "until": format_instant(hold.until),
    }
