"""A hub small enough for one test: real store, real log, clock by hand, and an argon2 that is cheap and counted."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from argon2 import PasswordHasher

from support import stores
from support.clocks import clock_at
from tocsin.governance.authority import MandateAuthority
from tocsin.kernel.clock import DAY, Micros
from tocsin.kernel.db.opening import open_store
from tocsin.kernel.db.store import LIVE, LIVE_NAME
from tocsin.kernel.ids import SeededEntropy
from tocsin.kernel.mandate import Acting, founding_mandate
from tocsin.log.model import EntryPayload, decode_payload
from tocsin.log.note import NoteSigner
from tocsin.log.service import Log
from tocsin.parties import replay
from tocsin.parties.credentials import Authenticator, TokenKey
from tocsin.parties.model import Kind, Party, Role, User
from tocsin.parties.passwords import Passwords
from tocsin.parties.service import Parties

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["ACTING", "HUB", "MANDATE", "START", "CountingHasher", "World", "party"]

START: Final[Micros] = 1_800_000_000_000_000
ACTING: Final = Acting(actor="ops@hub")
MANDATE: Final = founding_mandate(LIVE_NAME)
HUB: Final = Party(uri="https://hub.example", name="hub", title="The hub", kind=Kind.INTERMEDIARY, country="NO")


def party(name: str) -> Party:
    """Return a candidate of this name."""
    return Party(uri=f"https://{name}.example", name=name, title=name.title(), kind=Kind.PRIVATE, country="SE")


class CountingHasher(PasswordHasher):
    """Argon2 with its least costs, counted."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  argon2's own name
        self.verified += 1
        return super().verify(hash, password)


@functools.cache
def _template() -> Path:
    home = Path(tempfile.mkdtemp(prefix="tocsin-test-"))
    store = stores.store_in(home)
    store.create()
    store.close()
    return home


class World:
    """A founded hub with its own vetted party and an operator, ``ops@hub``."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(stores.copy_home(_template(), folder))
        self.clock = clock_at(START)
        self.entropy = SeededEntropy(7)
        self.hasher = CountingHasher()
        self.passwords = Passwords(entropy=self.entropy, hasher=self.hasher)
        self.token_key = TokenKey(key=self.entropy.bytes(32), environment=LIVE)
        self.policy_changes: list[Micros] = []
        self.log = Log(
            store=self.store,
            environment=LIVE,
            environment_name=LIVE_NAME,
            signer=NoteSigner(name="hub.example/log", seed=self.entropy.bytes(32)),
            clock=self.clock,
            entropy=self.entropy,
            authority=MandateAuthority(environment=LIVE, environment_name=LIVE_NAME),
        )
        self.parties = Parties(
            store=self.store,
            log=self.log,
            entropy=self.entropy,
            token_key=self.token_key,
            passwords=self.passwords,
            on_policy_change=self._policy_changed,
        )
        self.authenticator = Authenticator(
            store=self.store, log=self.log, token_key=self.token_key, passwords=self.passwords
        )
        with self.store.write() as connection:
            self.log.found(connection)
            self.parties.found_hub(connection, party=HUB.uri, operator="ops", at=START)
            acts = self.parties.acts(connection, ACTING, MANDATE)
            acts.add_party(HUB)
            acts.clear_party("hub", clearance="secret", until=None)
            acts.add_user(User(name="ops", party=HUB.uri, roles=frozenset({Role.OPERATOR})))
        self.policy_changes.clear()

    def _policy_changed(self, _connection: Connection, at: Micros) -> None:
        self.policy_changes.append(at)

    def vetted(self, candidate: Party) -> Party:
        """Add a party and clear it."""
        self.parties.add_party(ACTING, MANDATE, candidate)
        return self.parties.clear_party(
            ACTING, MANDATE, candidate.name, clearance="restricted", until=self.clock.now() + 365 * DAY
        )

    def user(self, name: str, of: str, *roles: Role, password: str | None = None) -> User:
        """Add a user, with a password if one is given."""
        home = self.parties.get(of)
        user = User(name=name, party=home.uri, roles=frozenset(roles or {Role.ANALYST}))
        self.parties.add_user(ACTING, MANDATE, user)
        if password is not None:
            self.parties.set_password(ACTING, MANDATE, f"{name}@{of}", password)
        return user

    def payloads(self) -> list[EntryPayload]:
        """Return every payload of the log, in order."""
        with self.store.read() as connection:
            return [
                decode_payload(row.payload, where="log") for row in self.log.rows(connection) if row.payload is not None
            ]

    def stored(self) -> replay.People:
        """Return parties and users as the store has them."""
        with self.store.read() as connection:
            return replay.People(
                parties=self.parties.by_uri(connection),
                users={(user.party, user.name): user for user in self.parties.all_users(connection)},
            )

    def rebuilt(self) -> replay.People:
        """Return parties and users as the log has them."""
        people = replay.People()
        for payload in self.payloads():
            people = replay.apply(people, payload.kind, payload.data)
        return people

    def close(self) -> None:
        """Give the connections back."""
        self.store.close()
