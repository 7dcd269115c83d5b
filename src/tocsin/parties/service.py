"""Parties, their people and their credentials: what upper floors call.

A method that takes ``acting`` and ``mandate`` is a privileged act and owns its transaction: it is durable and logged
when it returns. ``acts`` does the same on the caller's connection, for what belongs together. A method that takes a
``connection`` reads in the caller's snapshot; the others open one.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tocsin.kernel.db.spans import stretch
from tocsin.parties import store
from tocsin.parties.acts import TOKEN_LIFETIME, Acts
from tocsin.parties.model import PartyStatus
from tocsin.parties.register import require_party, require_party_by_uri, require_subject, require_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db import Store
    from tocsin.kernel.db.spans import Span, Stretch
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log
    from tocsin.parties.credentials import TokenKey
    from tocsin.parties.model import Authority, Party, Permission, Token, User
    from tocsin.parties.passwords import Passwords

__all__ = ["Parties"]


class Parties:
    """The parties of one environment: that of the log.

    ``on_policy_change(connection, at)`` is called in the transaction of every change that a verdict can depend on.
    Errors of the acts are those that ``Acts`` names.
    """

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        entropy: Entropy,
        token_key: TokenKey,
        passwords: Passwords,
        on_policy_change: Callable[[Connection, Micros], None],
    ) -> None:
        self._store = store
        self._log = log
        self._environment = log.environment
        self._entropy = entropy
        self._token_key = token_key
        self._passwords = passwords
        self._on_policy_change = on_policy_change

    # --- privileged acts ---------------------------------------------------------------------------------------------

    def acts(self, connection: Connection, acting: Acting, mandate: Mandate) -> Acts:
        """Return the privileged acts in the caller's transaction."""
        return Acts(
            connection=connection,
            acting=acting,
            mandate=mandate,
            log=self._log,
            entropy=self._entropy,
            token_key=self._token_key,
            on_policy_change=self._on_policy_change,
        )

    @contextlib.contextmanager
    def acting(self, acting: Acting, mandate: Mandate) -> Iterator[Acts]:
        """Open a transaction for several acts: all of them happen, or none."""
        with self._store.write() as connection:
            yield self.acts(connection, acting, mandate)

    def add_party(self, acting: Acting, mandate: Mandate, party: Party) -> Party:
        """Admit a candidate."""
        with self.acting(acting, mandate) as acts:
            return acts.add_party(party)

    def change_party(self, acting: Acting, mandate: Mandate, party: Party) -> Party:
        """Put new attributes in the place of a party's old ones."""
        with self.acting(acting, mandate) as acts:
            return acts.change_party(party)

    def clear_party(
        self, acting: Acting, mandate: Mandate, name: str, *, clearance: str, until: Micros | None, reason: str = ""
    ) -> Party:
        """Vet a party and give it a facility clearance."""
        with self.acting(acting, mandate) as acts:
            return acts.clear_party(name, clearance=clearance, until=until, reason=reason)

    def suspend_party(self, acting: Acting, mandate: Mandate, name: str, reason: str) -> Party:
        """Shut a party out until it is cleared again."""
        with self.acting(acting, mandate) as acts:
            return acts.suspend_party(name, reason)

    def leave_party(self, acting: Acting, mandate: Mandate, name: str, reason: str = "") -> Party:
        """Let a party go, for good."""
        with self.acting(acting, mandate) as acts:
            return acts.leave_party(name, reason)

    def add_user(self, acting: Acting, mandate: Mandate, user: User) -> User:
        """Add a person to a party."""
        with self.acting(acting, mandate) as acts:
            return acts.add_user(user)

    def change_user(self, acting: Acting, mandate: Mandate, user: User) -> User:
        """Put new attributes in the place of a user's old ones."""
        with self.acting(acting, mandate) as acts:
            return acts.change_user(user)

    def disable_user(self, acting: Acting, mandate: Mandate, reference: str, reason: str = "") -> User:
        """Shut a person out, for good."""
        with self.acting(acting, mandate) as acts:
            return acts.disable_user(reference, reason)

    def set_password(self, acting: Acting, mandate: Mandate, reference: str, password: str) -> User:
        """Put a password in the place of the old one.

        Raises:
            InputError: it breaks a rule for passwords.
            BusyError: too many passwords are being checked.
        """
        # before the transaction: argon2 takes its time, and there is one writer
        hashed = self._passwords.hash(password)
        with self.acting(acting, mandate) as acts:
            return acts.set_password(reference, hashed)

    def register_signing_key(
        self, acting: Acting, mandate: Mandate, reference: str, key: str, *, ml_dsa_key: str | None = None
    ) -> User:
        """Give a signatory the public keys that their signatures are checked with."""
        with self.acting(acting, mandate) as acts:
            return acts.register_signing_key(reference, key, ml_dsa_key=ml_dsa_key)

    def authorise_signatory(
        self, acting: Acting, mandate: Mandate, reference: str, authority: Authority | None
    ) -> User:
        """Say what a signatory may sign for their party; None: every agreement, without end."""
        with self.acting(acting, mandate) as acts:
            return acts.authorise_signatory(reference, authority)

    def issue_token(
        self,
        acting: Acting,
        mandate: Mandate,
        reference: str,
        *,
        purpose: str,
        permissions: frozenset[Permission],
        lifetime: Micros | None = TOKEN_LIFETIME,
        note: str = "",
        capacity: str | None = None,
    ) -> tuple[str, Token]:
        """Make a token for a user or a party's service; the text is shown this once."""
        with self.acting(acting, mandate) as acts:
            return acts.issue_token(
                reference,
                purpose=purpose,
                permissions=permissions,
                lifetime=lifetime,
                note=note,
                capacity=capacity,
            )

    def revoke_token(self, acting: Acting, mandate: Mandate, token_id: int, reason: str = "") -> Token:
        """Make a token good for nothing from now on."""
        with self.acting(acting, mandate) as acts:
            return acts.revoke_token(token_id, reason)

    def found_hub(self, connection: Connection, *, party: str, operator: str, at: Micros) -> None:
        """Say which party (its URI) runs the hub, before that party and its operator are added.

        The caller enters the founding into the log, in the same transaction.
        """
        store.add_hub(connection, self._environment, party=party, operator=operator, at=at)

    # --- reading, in a snapshot of its own ---------------------------------------------------------------------------

    def all_parties(self) -> list[Party]:
        """Return every party by name, those that left included."""
        with self._store.read() as connection:
            return [row.party for row in store.party_rows(connection, self._environment)]

    def vetted_within(self, span: Span) -> Stretch[Party]:
        """Return a span of the vetted parties, in the order in which they were added."""
        with self._store.read() as connection:
            rows = sorted(store.party_rows(connection, self._environment), key=lambda row: row.party_id)
        return stretch(((row.party_id, row.party) for row in rows if row.party.status is PartyStatus.VETTED), span)

    def names(self) -> dict[str, str]:
        """Return the short name of every party by its URI, those that left included."""
        return {party.uri: party.name for party in self.all_parties()}

    def get(self, name: str) -> Party:
        """Return the party of this name.

        Raises:
            NotFoundError: there is none.
        """
        with self._store.read() as connection:
            return require_party(connection, self._environment, name).party

    def users(self, name: str) -> list[User]:
        """Return the users of a party by name, disabled ones included.

        Raises:
            NotFoundError: there is no such party.
        """
        with self._store.read() as connection:
            party_id = require_party(connection, self._environment, name).party_id
            return [row.user for row in store.user_rows(connection, self._environment, party_id)]

    def tokens(self, name: str) -> list[Token]:
        """Return the tokens of a party's service and users, oldest first, dead ones included.

        Raises:
            NotFoundError: there is no such party.
        """
        with self._store.read() as connection:
            party_id = require_party(connection, self._environment, name).party_id
            return [row.token for row in store.token_rows(connection, self._environment, party_id)]

    def resolve(self, reference: str) -> tuple[Party, User | None]:
        """Return who is meant by ``party`` or ``user@party``.

        Raises:
            InputError: it is neither form.
            NotFoundError: there is no such party, or no such user of it.
        """
        with self._store.read() as connection:
            return self.resolve_in(connection, reference)

    # --- reading, in the caller's snapshot ---------------------------------------------------------------------------

    def resolve_in(self, connection: Connection, reference: str) -> tuple[Party, User | None]:
        """Return who is meant by ``party`` or ``user@party``; errors as ``resolve``."""
        party, user = require_subject(connection, self._environment, reference)
        return party.party, user.user if user else None

    def by_uri(self, connection: Connection) -> dict[str, Party]:
        """Return every party by its URI, those that left included."""
        return {row.party.uri: row.party for row in store.party_rows(connection, self._environment)}

    def numbers(self, connection: Connection) -> dict[str, int]:
        """Return the ``party_id`` of every party by its URI."""
        return {row.party.uri: row.party_id for row in store.party_rows(connection, self._environment)}

    def party_by_uri(self, connection: Connection, uri: str) -> tuple[int, Party]:
        """Return a party and its ``party_id``.

        Raises:
            NotFoundError: there is none of this URI.
        """
        row = require_party_by_uri(connection, self._environment, uri)
        return row.party_id, row.party

    def user_of(self, connection: Connection, uri: str, name: str) -> User:
        """Return a user by the URI of the party and the name.

        Raises:
            NotFoundError: there is no such party or user.
        """
        party = require_party_by_uri(connection, self._environment, uri)
        _, row = require_user(connection, self._environment, f"{name}@{party.party.name}")
        return row.user

    def all_users(self, connection: Connection) -> list[User]:
        """Return the users of all parties, disabled ones included."""
        return [row.user for row in store.user_rows(connection, self._environment)]

    def hub_party(self, connection: Connection) -> str | None:
        """Return the URI of the party that runs the hub, or None before it is founded."""
        return store.read_hub(connection, self._environment)
