"""What can be done to parties, users and tokens, on the caller's connection and under a mandate.

Each act checks, writes, enters itself into the log and says when verdicts may have changed, all in the caller's
transaction. No secret and no hash of one reaches the log; a token stands in it by its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from tocsin.errors import ConflictError, InputError, LimitError, TransitionError
from tocsin.kernel.clock import DAY, Micros, format_instant
from tocsin.kernel.mandate import Right
from tocsin.log.service import Record
from tocsin.parties import store
from tocsin.parties.model import (
    Authority,
    Party,
    PartyAct,
    PartyStatus,
    Permission,
    Role,
    Token,
    User,
    UserAct,
    UserStatus,
    check_purpose,
    check_remark,
    next_status,
    next_user_status,
    role_permissions,
)
from tocsin.parties.register import require_party, require_party_by_uri, require_subject, require_token, require_user
from tocsin.parties.wire import party_data, user_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log
    from tocsin.parties.credentials import TokenKey
    from tocsin.parties.passwords import PasswordHash

__all__ = [
    "MAX_LIVE_TOKENS",
    "MAX_PARTIES",
    "MAX_TOKEN_LIFETIME",
    "MAX_USERS",
    "TOKEN_LIFETIME",
    "Acts",
    "token_data",
]

# All parties are held in memory to decide who is a member of what; the largest ISACs have some thousands.
MAX_PARTIES: Final = 10_000
# The people of one organisation who handle shared intelligence, over all years: names are not given again.
MAX_USERS: Final = 10_000
# A machine needs two while one replaces the other; more than this for one subject is a loop in somebody's script.
MAX_LIVE_TOKENS: Final = 100
# A quarter: long enough for a sensor that is visited at times, short enough that a forgotten token dies.
TOKEN_LIFETIME: Final[Micros] = 90 * DAY
# Longer than any machine runs unattended; who needs more asks for no expiry and says so in the log.
MAX_TOKEN_LIFETIME: Final[Micros] = 3_660 * DAY


class Acts:
    """The privileged acts of one actor, under one mandate, in one transaction.

    ``on_policy_change(connection, at)`` is called after everything that a verdict can depend on. Each act raises a
    ForbiddenError when the mandate is not for its right and subject, or of another environment.
    """

    def __init__(
        self,
        *,
        connection: Connection,
        acting: Acting,
        mandate: Mandate,
        log: Log,
        entropy: Entropy,
        token_key: TokenKey,
        on_policy_change: Callable[[Connection, Micros], None],
    ) -> None:
        self._connection = connection
        self._environment = log.environment
        self._acting = acting
        self._mandate = mandate
        self._log = log
        self._entropy = entropy
        self._token_key = token_key
        self._on_policy_change = on_policy_change

    # --- parties -----------------------------------------------------------------------------------------------------

    def add_party(self, party: Party) -> Party:
        """Admit a candidate, without any clearance: ``clear_party`` gives it one.

        Raises:
            InputError: it comes with a status or clearance, or names a client that is not here.
            ConflictError: its name or URI is, or was, another's.
            LimitError: the hub is full.
        """
        self._require(Right.PARTY_ADD, party.name)
        if (party.status, party.clearance, party.clearance_until) != (PartyStatus.CANDIDATE, "unclassified", None):
            raise InputError(
                "a party begins as an unclassified candidate", where=party.name, todo="add it, then clear it"
            )
        for taken in (
            store.party_by_name(self._connection, self._environment, party.name),
            store.party_by_uri(self._connection, self._environment, party.uri),
        ):
            if taken is not None:
                raise ConflictError(
                    f"{taken.party.name} ({taken.party.uri}) is here already",
                    where=party.name,
                    todo="choose another name; one is never given again, even after its party left",
                )
        if store.count_parties(self._connection, self._environment) >= MAX_PARTIES:
            raise LimitError(f"a hub has at most {MAX_PARTIES} parties", where=party.name)
        self._require_clients(party)
        at = self._log.now(self._connection)
        store.add_party(self._connection, self._environment, party, at)
        self._record("party.added", at, party.uri, {"party": party_data(party)})
        self._on_policy_change(self._connection, at)
        return party

    def change_party(self, party: Party) -> Party:
        """Put new attributes in the place of a party's old ones: title, kind, country, capacities, sectors and so on.

        Raises:
            NotFoundError: there is no party of this name.
            InputError: URI, status or clearance differ, or a client is not here.
            TransitionError: the party has left.
        """
        self._require(Right.PARTY_CHANGE, party.name)
        row = require_party(self._connection, self._environment, party.name)
        old = row.party
        if (party.uri, party.status, party.clearance, party.clearance_until) != (
            old.uri,
            old.status,
            old.clearance,
            old.clearance_until,
        ):
            raise InputError(
                "URI, status and clearance are not changed this way",
                where=party.name,
                todo="a URI is for ever; clear or suspend the party for the others",
            )
        _require_here(old)
        self._require_clients(party)
        return self._replace_party(row, party, "party.changed", "")

    def clear_party(self, name: str, *, clearance: str, until: Micros | None, reason: str = "") -> Party:
        """Vet a party, or vet it anew: give it a facility clearance, which ends at ``until`` if that is given.

        Raises:
            NotFoundError: there is no such party.
            InputError: there is no such clearance, or it would have ended already.
            TransitionError: the party has left.
        """
        self._require(Right.PARTY_CLEAR, name)
        row = require_party(self._connection, self._environment, name)
        status = next_status(row.party.status, PartyAct.CLEAR)
        if until is not None and until <= self._log.now(self._connection):
            raise InputError(
                f"a clearance until {format_instant(until)} has ended already", where=name, todo="name a later day"
            )
        party = replace(row.party, status=status, clearance=clearance, clearance_until=until)
        return self._replace_party(row, party, "party.cleared", reason)

    def suspend_party(self, name: str, reason: str) -> Party:
        """Shut a party out until it is cleared again; its people and machines cannot sign in.

        Raises:
            NotFoundError: there is no such party.
            TransitionError: it is not vetted.
            ConflictError: it runs the hub.
        """
        self._require(Right.PARTY_SUSPEND, name)
        return self._end(name, PartyAct.SUSPEND, "party.suspended", reason)

    def leave_party(self, name: str, reason: str = "") -> Party:
        """Let a party go, for good: its name and URI stay taken.

        Raises:
            NotFoundError: there is no such party.
            TransitionError: it has left already.
            ConflictError: it runs the hub.
        """
        self._require(Right.PARTY_LEAVE, name)
        return self._end(name, PartyAct.LEAVE, "party.left", reason)

    # --- users -------------------------------------------------------------------------------------------------------

    def add_user(self, user: User) -> User:
        """Add a person to a party. They sign in once they have a password or a token.

        Raises:
            NotFoundError: there is no such party.
            InputError: the user comes disabled or with a signing key, or is an operator outside the hub's own party.
            ConflictError: the name is, or was, another's.
            LimitError: the party has too many.
            TransitionError: the party has left.
        """
        row = require_party_by_uri(self._connection, self._environment, user.party)
        where = f"{user.name}@{row.party.name}"
        self._require(Right.USER_ADD, where)
        if user.status is not UserStatus.ACTIVE or _signs_by(user) != (None, None, None):
            raise InputError(
                "a user begins active and without a signing key", where=where, todo="add the user, then the key"
            )
        _require_here(row.party)
        self._require_operators_home(user, where)
        if store.user_by_name(self._connection, row.party_id, user.name) is not None:
            raise ConflictError("this user is here already", where=where, todo="choose another name")
        if store.count_users(self._connection, row.party_id) >= MAX_USERS:
            raise LimitError(f"a party has at most {MAX_USERS} users", where=where)
        at = self._log.now(self._connection)
        store.add_user(self._connection, self._environment, row.party_id, user, at)
        self._record("user.added", at, user.party, {"user": user_data(user)})
        self._on_policy_change(self._connection, at)
        return user

    def change_user(self, user: User) -> User:
        """Put new attributes in the place of a user's old ones: roles, clearance, nationality, purpose.

        Raises:
            NotFoundError: there is no such user.
            InputError: status, keys or authority differ, or the user is an operator outside the hub's own party.
            TransitionError: the user is disabled, or the party has left.
        """
        party = require_party_by_uri(self._connection, self._environment, user.party)
        reference = f"{user.name}@{party.party.name}"
        self._require(Right.USER_CHANGE, reference)
        _, row = require_user(self._connection, self._environment, reference)
        if (user.status, *_signs_by(user)) != (row.user.status, *_signs_by(row.user)):
            raise InputError(
                "status, signing keys and a signatory's authority are not changed this way",
                where=reference,
                todo="disable the user, or register a key or an authority",
            )
        _require_active(party.party, row.user)
        self._require_operators_home(user, reference)
        return self._replace_user(row, user, "user.changed", {})

    def disable_user(self, reference: str, reason: str = "") -> User:
        """Shut a person out, for good; passwords and tokens of theirs are good for nothing from now on.

        Raises:
            NotFoundError: there is no such user.
            TransitionError: the user is disabled already.
        """
        self._require(Right.USER_DISABLE, reference)
        _, row = require_user(self._connection, self._environment, reference)
        user = replace(row.user, status=next_user_status(row.user.status, UserAct.DISABLE))
        return self._replace_user(row, user, "user.disabled", {"reason": check_remark(reason, "reason")})

    def set_password(self, reference: str, hashed: PasswordHash) -> User:
        """Put a password in the place of the old one; ``Passwords.hash`` makes it, before the transaction begins.

        Raises:
            NotFoundError: there is no such user.
            TransitionError: the user is disabled, or the party has left.
        """
        self._require(Right.USER_CHANGE, reference)
        party, row = require_user(self._connection, self._environment, reference)
        _require_active(party.party, row.user)
        at = self._log.now(self._connection)
        store.write_password(self._connection, row.user_id, hashed, at)
        self._record("user.changed", at, row.user.party, {"user": user_data(row.user), "password": "set"})
        return row.user

    def register_signing_key(self, reference: str, key: str, *, ml_dsa_key: str | None = None) -> User:
        """Give a signatory the Ed25519 public key (base64 of its 32 bytes) that their signatures are checked with.

        With an ML-DSA-44 key (base64 of its 1,312 bytes) beside it, nothing counts any more that not both signed. Who
        has such a key keeps it, if none is given.

        Raises:
            NotFoundError: there is no such user.
            InputError: the user is no signatory, or this is no key.
            ConflictError: a key is another person's: a signature could then be either's.
            TransitionError: the user is disabled, or the party has left.
        """
        self._require(Right.USER_CHANGE, reference)
        row = self._signatory(reference, "a signing key")
        user = replace(row.user, signing_key=key, ml_dsa_key=ml_dsa_key or row.user.ml_dsa_key)
        for other in store.user_rows(self._connection, self._environment):
            mine = {user.signing_key, user.ml_dsa_key} - {None}
            if other.user_id != row.user_id and not mine.isdisjoint({other.user.signing_key, other.user.ml_dsa_key}):
                raise ConflictError("this key is another person's", where=reference, todo="make one for each person")
        return self._replace_user(row, user, "user.changed", {})

    def authorise_signatory(self, reference: str, authority: Authority | None) -> User:
        """Say what a signatory may sign for their party; None: every agreement, without end.

        Raises:
            NotFoundError: there is no such user.
            InputError: the user is no signatory.
            TransitionError: the user is disabled, or the party has left.
        """
        self._require(Right.USER_CHANGE, reference)
        row = self._signatory(reference, "an authority to sign")
        return self._replace_user(row, replace(row.user, authority=authority), "user.changed", {})

    def _signatory(self, reference: str, what: str) -> store.UserRow:
        party, row = require_user(self._connection, self._environment, reference)
        _require_active(party.party, row.user)
        if Role.SIGNATORY not in row.user.roles:
            raise InputError(
                f"only a signatory has {what}", where=reference, todo=f"give the user the role {Role.SIGNATORY}"
            )
        return row

    # --- tokens ------------------------------------------------------------------------------------------------------

    def issue_token(
        self,
        reference: str,
        *,
        purpose: str,
        permissions: frozenset[Permission],
        lifetime: Micros | None = TOKEN_LIFETIME,
        note: str = "",
        capacity: str | None = None,
    ) -> tuple[str, Token]:
        """Make a token for a user, or for a party's service; its text is returned here and never again.

        ``lifetime`` is in microseconds from now; None: it does not expire. ``capacity`` is the one of the party's in
        which it acts; None: in all of them, but not as a supervisor where the party is something else too.

        Raises:
            NotFoundError: there is no such party or user.
            InputError: there is no such purpose, no permission, one that the user's roles do not have, a capacity
                that the party lacks, or the lifetime is not positive or longer than ``MAX_TOKEN_LIFETIME``.
            LimitError: the subject has ``MAX_LIVE_TOKENS`` already.
            TransitionError: the user is disabled, or the party has left.
        """
        self._require(Right.TOKEN_ISSUE, reference)
        party, user = require_subject(self._connection, self._environment, reference)
        _require_active(party.party, user.user if user else None)
        check_purpose(purpose)
        check_remark(note, "note")
        if capacity is not None and capacity not in party.party.capacities:
            has = ", ".join(sorted(party.party.capacities)) or "none"
            raise InputError(f"{party.party.name} has no such capacity", where=reference, todo=f"it has: {has}")
        _require_permissions(permissions, user.user if user else None, reference)
        if lifetime is not None and not 0 < lifetime <= MAX_TOKEN_LIFETIME:
            raise InputError(
                "a token lives for longer than nothing and at most ten years", where=reference, todo="name fewer days"
            )
        at = self._log.now(self._connection)
        user_id = user.user_id if user else None
        if store.count_live_tokens(self._connection, party.party_id, user_id, at) >= MAX_LIVE_TOKENS:
            raise LimitError(
                f"{MAX_LIVE_TOKENS} tokens of it are good already", where=reference, todo="revoke those not used"
            )
        text = self._token_key.mint(self._entropy)
        token_id = store.add_token(
            self._connection,
            self._environment,
            digest=self._token_key.digest(text),
            party_id=party.party_id,
            user_id=user_id,
            purpose=purpose,
            permissions=permissions,
            note=note,
            created_at=at,
            expires_at=None if lifetime is None else at + lifetime,
            capacity=capacity,
        )
        token = require_token(self._connection, self._environment, token_id)
        self._record("token.issued", at, token.party, token_data(token))
        return text, token

    def revoke_token(self, token_id: int, reason: str = "") -> Token:
        """Make a token good for nothing from now on.

        Raises:
            NotFoundError: there is no such token.
            TransitionError: it is revoked already.
        """
        self._require(Right.TOKEN_REVOKE, str(token_id))
        check_remark(reason, "reason")
        token = require_token(self._connection, self._environment, token_id)
        if token.revoked_at is not None:
            raise TransitionError(f"token {token_id} is revoked already", todo="nothing is left to do")
        at = self._log.now(self._connection)
        store.revoke_token(self._connection, token_id, at)
        self._record("token.revoked", at, token.party, token_data(token) | {"reason": reason})
        return replace(token, revoked_at=at)

    # --- common ------------------------------------------------------------------------------------------------------

    def _require(self, right: Right, subject: str) -> None:
        self._mandate.require(self._log.environment_name, right, subject)

    def _end(self, name: str, act: PartyAct, kind: str, reason: str) -> Party:
        row = require_party(self._connection, self._environment, name)
        status = next_status(row.party.status, act)
        if row.party.uri == store.read_hub(self._connection, self._environment):
            raise ConflictError(
                f"the party that runs the hub cannot {act.after_can}", where=name, todo="close the hub instead"
            )
        return self._replace_party(row, replace(row.party, status=status), kind, reason)

    def _replace_party(self, row: store.PartyRow, party: Party, kind: str, reason: str) -> Party:
        check_remark(reason, "reason")
        at = self._log.now(self._connection)
        store.replace_party(self._connection, row.party_id, party, at)
        self._record(kind, at, party.uri, {"party": party_data(party), "reason": reason})
        self._on_policy_change(self._connection, at)
        return party

    def _replace_user(self, row: store.UserRow, user: User, kind: str, more: dict[str, object]) -> User:
        at = self._log.now(self._connection)
        store.replace_user(self._connection, row.user_id, user, at)
        self._record(kind, at, user.party, {"user": user_data(user)} | more)
        self._on_policy_change(self._connection, at)
        return user

    def _record(self, kind: str, at: Micros, party: str, data: dict[str, object]) -> None:
        record = Record(kind=kind, at=at, acting=self._acting, mandate=self._mandate, data=data, concerns=(party,))
        self._log.append(self._connection, [record])

    def _require_clients(self, party: Party) -> None:
        for client in sorted(party.clients):
            require_party_by_uri(self._connection, self._environment, client)

    def _require_operators_home(self, user: User, where: str) -> None:
        # an operator sees who received what of everybody; no member's own person does
        if Role.OPERATOR in user.roles and user.party != store.read_hub(self._connection, self._environment):
            raise InputError(
                "an operator is a user of the party that runs the hub", where=where, todo="give another role"
            )


def _require_here(party: Party) -> None:
    if party.status is PartyStatus.LEFT:
        raise TransitionError("this party has left", where=party.name, todo="add a party of another name and URI")


def _signs_by(user: User) -> tuple[str | None, str | None, Authority | None]:
    return user.signing_key, user.ml_dsa_key, user.authority


def _require_active(party: Party, user: User | None) -> None:
    _require_here(party)
    if user is not None and user.status is not UserStatus.ACTIVE:
        raise TransitionError(
            "this user is disabled", where=f"{user.name}@{party.name}", todo="add a user of another name"
        )


def _require_permissions(permissions: frozenset[Permission], user: User | None, where: str) -> None:
    if not permissions:
        raise InputError("a token without permissions is good for nothing", where=where, todo="name at least one")
    excess = permissions - role_permissions(user.roles) if user else frozenset()
    if excess:
        raise InputError(
            f"the user's roles do not give {', '.join(sorted(excess))}", where=where, todo="leave them out"
        )


def token_data(token: Token) -> dict[str, object]:
    """Return what the log says of a token: all of it but its digest."""
    return {
        "token_id": token.token_id,
        "party": token.party,
        "user": token.user,
        "purpose": token.purpose,
        "permissions": sorted(token.permissions),
        "note": token.note,
        "expires_at": None if token.expires_at is None else format_instant(token.expires_at),
    } | ({} if token.capacity is None else {"capacity": token.capacity})
