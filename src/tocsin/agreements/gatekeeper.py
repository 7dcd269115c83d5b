"""The gate on the store: who passes now, which labels are open to them, and whether that still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements import interning
from tocsin.agreements.classes import Classes
from tocsin.agreements.facts import Facts
from tocsin.agreements.gate import Slice, profile_of, profile_until, slice_for
from tocsin.agreements.grant_store import granted_to
from tocsin.agreements.grants import Grant
from tocsin.agreements.model import Label, Profile
from tocsin.agreements.store import policy_epoch, read_heeded
from tocsin.errors import AuthenticationError, ForbiddenError
from tocsin.kernel.clock import Micros
from tocsin.kernel.kept import Kept
from tocsin.parties import store as parties

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from tocsin.kernel.db import Store
    from tocsin.log.service import Log

__all__ = ["Gate", "Pass", "Reader"]

# Readers who stay in memory: a hub's at one time.
KEPT: Final = 2_048


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: a party's service or user, for a purpose, and for a client or for itself."""

    party: str  # URI
    user: str | None  # name within the party
    purpose: str
    client: str | None = None  # URI
    capacity: str | None = None  # that the credential chose


class Pass(msgspec.Struct, kw_only=True):
    """One reader at one instant, and under which slice of policy they are judged."""

    profile: Profile
    slice: Slice
    epoch: int
    at: Micros
    grants: tuple[Grant, ...] = ()  # all that stand for the party
    capacity: str | None = None  # that the credential chose

    @property
    def slice_digest(self) -> bytes:
        """Return the digest of the policies and facts that apply to this reader."""
        return self.slice.digest


class Gate:
    """Decides, and remembers what it decided as long as what that rests on is the same.

    Nothing of it is stored: what was released is decided again from the log by whoever checks.
    """

    def __init__(self, *, store: Store, log: Log, environment: int) -> None:
        self._store = store
        self._log = log
        self._environment = environment
        self._facts: tuple[int, Facts] | None = None
        self._passes: Kept[Reader, Pass] = Kept(KEPT)
        self._classes = Classes()

    def admit(
        self,
        connection: Connection,
        party: str,
        user: str | None,
        purpose: str,
        *,
        client: str | None = None,
        capacity: str | None = None,
    ) -> Pass:
        """Judge who is asking, in the snapshot of this connection.

        ``client`` is the URI of whom they read for, if any; ``capacity`` the one that the credential chose, if it did.

        Raises:
            AuthenticationError: there is no such party or user any more.
            ForbiddenError: the party serves no such client.
            StoreBrokenError: the database lost what this process had read in it.
        """
        # what is kept here and by whoever asks is good for counters and ids of one history only
        at = self._log.seen(connection)
        epoch = policy_epoch(connection, self._environment)
        grants = granted_to(connection, self._environment, party, at)
        key = Reader(party=party, user=user, purpose=purpose, client=client, capacity=capacity)
        kept = self._passes.get(key)
        if kept is not None and (kept.epoch, kept.grants) == (epoch, grants) and _holds(kept.slice, kept.at, at):
            return kept
        judged = self._judged(connection, key, at)
        if judged is None:
            raise AuthenticationError("there is no such reader")
        profile, until = judged
        slice_ = slice_for(profile, self.facts(connection, at), until=until, grants=grants)
        passed = Pass(profile=profile, slice=slice_, epoch=epoch, at=at, grants=grants, capacity=capacity)
        self._passes.put(key, passed)
        return passed

    def _judged(self, connection: Connection, reader: Reader, at: Micros) -> tuple[Profile, Micros | None] | None:
        """Return a reader's profile and its end, or None when there is no such party or user any more.

        Raises:
            ForbiddenError: the party serves no such client.
        """
        row = parties.party_by_uri(connection, self._environment, reader.party)
        user = None
        if row is not None and reader.user is not None:
            user = parties.user_by_name(connection, row.party_id, reader.user)
        if row is None or (reader.user is not None and user is None):
            return None
        client = None
        if reader.client is not None:
            found = parties.party_by_uri(connection, self._environment, reader.client)
            if found is None or reader.client not in row.party.clients:
                raise ForbiddenError("this party serves no such client", todo="`tocsin party show` names its clients")
            client = found.party
        who = None if user is None else user.user
        profile = profile_of(row.party, who, reader.purpose, at, client=client, capacity=reader.capacity)
        return profile, profile_until(row.party, who, at, client=client)

    def facts(self, connection: Connection, at: Micros) -> Facts:
        """Return what the snapshot or transaction says of all parties and agreements, as of an instant.

        Raises:
            StoreBrokenError: the database lost what this process had read in it.
        """
        if connection.engine is self._store.adapter.engine:
            self._log.require_seen(connection)
        epoch = policy_epoch(connection, self._environment)
        kept = self._facts
        moved = None if kept is None or kept[0] != epoch else kept[1].moved(at)
        if moved is not None:
            return moved
        everyone = {row.party.uri: row.party for row in parties.party_rows(connection, self._environment)}
        agreements, former = read_heeded(connection, self._environment)
        facts = Facts(at=at, parties=everyone, agreements=agreements, former=former)
        # threads hold snapshots of different epochs: each answers from its own, whichever is kept in the end
        self._facts = (epoch, facts)
        return facts

    def opened(self, passed: Pass, labels: Mapping[int, Label], at: Micros) -> frozenset[int]:
        """Return those of these labels, by id, that are open to the reader at an instant, and then until ``until``.

        A label whose policy has ended carries a marking that nobody can read: it is for its owner alone.
        """
        found = self._classes.opened(passed.slice, passed.profile, labels)
        over = {key for key in found if labels[key].over(at) and not _owns(passed.profile, labels[key])}
        return found - over if over else found

    def annexes(self, passed: Pass, labels: Mapping[int, Label]) -> dict[int, frozenset[str]]:
        """Return which of these labels, open to the reader, emergency annexes alone open, and which annexes do."""
        return self._classes.annexes(passed.slice, passed.profile, labels)

    def until(self, passed: Pass, labels: Iterable[Label]) -> Micros | None:
        """Return the instant from which one of these labels, open to the reader now, no longer is; None: none ends."""
        ends = (one.ends for one in labels if one.ends is not None and not _owns(passed.profile, one))
        return min(ends, default=None)

    def still(self, connection: Connection, passed: Pass, at: Micros) -> bool:
        """Return whether what was decided for a reader still holds, at an instant and in this transaction.

        Raises:
            StoreBrokenError: the database lost what this process had read in it.
        """
        self._log.require_seen(connection)
        if not _holds(passed.slice, passed.at, at):
            return False
        grants = granted_to(connection, self._environment, passed.profile.party, at)
        if (policy_epoch(connection, self._environment), grants) == (passed.epoch, passed.grants):
            return True
        then = passed.profile
        client = None if then.client is None else then.client.party
        try:
            reader = Reader(
                party=then.party, user=then.user, purpose=then.purpose, client=client, capacity=passed.capacity
            )
            judged = self._judged(connection, reader, at)
        except ForbiddenError:
            return False
        if judged is None or judged[0] != then:
            return False
        return slice_for(then, self.facts(connection, at), grants=grants).digest == passed.slice.digest

    def profile_id(self, connection: Connection, passed: Pass, at: Micros) -> int:
        """Return the id of a reader's profile, entering it when it is new."""
        return interning.intern_profile(connection, self._environment, passed.profile, at)

    def labels(self, connection: Connection, label_ids: Sequence[int]) -> dict[int, Label]:
        """Return labels by their ids."""
        return interning.read_labels(connection, self._store.adapter, label_ids)


def _owns(profile: Profile, label: Label) -> bool:
    return profile.party == label.owner and profile.client is None


def _holds(slice_: Slice, since: Micros, at: Micros) -> bool:
    return at >= since and (slice_.valid_until is None or at < slice_.valid_until)
