"""Collections: where objects are offered, opened under a mandate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.errors import ConflictError, InputError, LimitError
from tocsin.exchange import store
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Right
from tocsin.log.service import Record
from tocsin.parties.model import check_name, check_remark

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.exchange.model import Collection
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log

__all__ = ["MAX_COLLECTIONS", "Collections"]

# A client asks each of them in turn; what needs more is a matter of labels and clauses, not of places.
MAX_COLLECTIONS: Final = 200


class Collections:
    """The collections of one environment."""

    def __init__(self, *, store: Store, log: Log, entropy: Entropy, environment: int) -> None:
        self._store = store
        self._log = log
        self._entropy = entropy
        self._environment = environment

    def all(self) -> list[Collection]:
        """Return every collection, in the order of being opened."""
        with self._store.read() as connection:
            return store.read_collections(connection, self._environment)

    def add(self, acting: Acting, mandate: Mandate, alias: str, *, title: str, description: str = "") -> Collection:
        """Open a collection; durable and logged when it returns.

        Raises:
            ForbiddenError: the mandate is not for this.
            InputError: alias, title or description cannot be recorded.
            ConflictError: the alias is taken.
            LimitError: the hub has too many.
        """
        with self._store.write() as connection:
            return self.add_in(connection, acting, mandate, alias, title=title, description=description)

    def add_in(
        self,
        connection: Connection,
        acting: Acting,
        mandate: Mandate,
        alias: str,
        *,
        title: str,
        description: str = "",
    ) -> Collection:
        """Open a collection in the caller's transaction; errors as ``add``."""
        mandate.require(self._log.environment_name, Right.COLLECTION_ADD, alias)
        check_name(alias, "collection")
        if not check_remark(title, "title").strip():
            raise InputError("a collection has a title", where=alias, todo="say in some words what is offered in it")
        check_remark(description, "description")
        present = store.read_collections(connection, self._environment)
        if any(alias in (one.alias, one.uuid) for one in present):
            raise ConflictError("there is a collection of this name", where=alias, todo="choose another name")
        if len(present) >= MAX_COLLECTIONS:
            raise LimitError(f"a hub has at most {MAX_COLLECTIONS} collections", where=alias)
        at, uuid = self._log.now(connection), new_uuid(self._entropy)
        store.add_collection(
            connection, self._environment, uuid=uuid, alias=alias, title=title, description=description, at=at
        )
        data: dict[str, object] = {"uuid": uuid, "alias": alias, "title": title, "description": description}
        self._log.append(
            connection, [Record(kind="collection.added", at=at, acting=acting, mandate=mandate, data=data)]
        )
        return store.find_collection(connection, self._environment, uuid, party=None)
