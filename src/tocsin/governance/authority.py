"""Whether an act may be entered into the log under the mandate that it names: asked in the entry's own transaction.

What an entry makes of bodies and motions is written here too, by the one function that also retells it from the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tocsin.agreements import store as agreements
from tocsin.agreements.life import AgreementStatus
from tocsin.errors import ForbiddenError
from tocsin.governance import store
from tocsin.governance.course import CHANGES_AGREEMENT, KINDS, enter, require_said
from tocsin.governance.privileged import ACTS, required
from tocsin.governance.state import Scene, Told
from tocsin.parties import store as parties
from tocsin.parties.model import parse_reference
from tocsin.parties.register import require_party_by_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from tocsin.governance.state import Governed
    from tocsin.log.service import Record
    from tocsin.parties.model import Party, User

__all__ = ["MandateAuthority", "StoredRegister"]

# Entries about a body that its pending motions may not survive.
_ENDS_MOTIONS: Final = frozenset({"body.changed", "body.dissolved"})


class StoredRegister:
    """Who is there, and which agreements, in one transaction: a ``Register``."""

    def __init__(self, connection: Connection, environment: int) -> None:
        self._connection = connection
        self._environment = environment

    def party(self, name: str) -> Party | None:
        """Return a party by its short name."""
        row = parties.party_by_name(self._connection, self._environment, name)
        return None if row is None else row.party

    def party_of(self, uri: str) -> Party | None:
        """Return a party by its URI."""
        row = parties.party_by_uri(self._connection, self._environment, uri)
        return None if row is None else row.party

    def user(self, reference: str) -> User | None:
        """Return a user by ``user@party``."""
        party, user = parse_reference(reference)
        found = parties.party_by_name(self._connection, self._environment, party)
        row = None if found is None or user is None else parties.user_by_name(self._connection, found.party_id, user)
        return None if row is None else row.user

    def hub(self) -> str | None:
        """Return the short name of the party that runs the hub."""
        uri = parties.read_hub(self._connection, self._environment)
        row = None if uri is None else parties.party_by_uri(self._connection, self._environment, uri)
        return None if row is None else row.party.name

    def digest(self, agreement: str, version: int) -> str | None:
        """Return the digest of a version that was proposed."""
        rows = agreements.agreement_rows(self._connection, self._environment, agreement)
        return next((row.digest.hex() for row in rows if row.version == version), None)

    def in_force(self, agreement: str) -> str | None:
        """Return the digest of the version that is in force."""
        rows = agreements.agreement_rows(self._connection, self._environment, agreement)
        return next((row.digest.hex() for row in rows if row.status is AgreementStatus.IN_FORCE), None)


class MandateAuthority:
    """The log's ``Authority``: no privileged act without a mandate that stands, and no other act with one."""

    def __init__(self, *, environment: int, environment_name: str) -> None:
        self._environment = environment
        self._environment_name = environment_name

    def admit(self, connection: Connection, record: Record, index: int) -> None:
        """Refuse an act that its mandate does not authorise, and write what entry ``index`` makes of governance.

        Raises:
            ForbiddenError: it has no mandate, one for something else, used or ended, or one where none belongs.
            InputError: it tables a motion that does not say what exactly is decided.
            RefusedError: a body or motion is not in a state in which this can happen.
        """
        if record.kind not in ACTS and record.kind not in KINDS:
            if record.mandate is not None:
                raise ForbiddenError(f"{record.kind} takes no mandate")
            return

        def name_of(uri: str) -> str:
            return require_party_by_uri(connection, self._environment, uri).party.name

        needed = required(record.kind, record.data, name_of)
        if needed is not None and record.mandate is not None:
            record.mandate.require(self._environment_name, *needed)
        mandate = None if record.mandate is None else str(record.mandate)
        body = needed[1] if needed is not None and record.kind in _ENDS_MOTIONS else None
        before = self._load(connection, record.kind, record.data, mandate, body)
        told = Told(index=index, kind=record.kind, data=record.data, mandate=mandate)
        after = enter(
            before,
            told,
            Scene(at=record.at, acting=record.acting, register=StoredRegister(connection, self._environment)),
            name_of,
        )
        require_said(after, told)  # whatever was done before motions had texts
        store.save(connection, self._environment, before, after)

    def _load(
        self, connection: Connection, kind: str, data: Mapping[str, Any], mandate: str | None, body: str | None
    ) -> Governed:
        """Return as much as this entry can touch."""
        named = {str(data[key]) for key in ("motion", "dispute") if kind in KINDS and key in data}
        if kind == "motion.tabled":
            named.add(str(data["subject"]))  # perhaps a dispute's
        basis, _, reference = (mandate or "").partition(":")
        if basis == "motion":
            named.add(reference)
        return store.load(
            connection,
            self._environment,
            uuids=named,
            agreement=str(data.get("agreement")) if kind in CHANGES_AGREEMENT else None,
            body=body,
            charters=kind.startswith("charter."),
        )
