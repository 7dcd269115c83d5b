"""Who is asking: from an ``Authorization`` header to a ``Principal``, or to one error that tells nothing.

Every failure is the same error with the same words, and what an attempt costs depends on what was sent alone: one
query and, for a password, one run of argon2, whether or not such a user exists, has a password or may sign in.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from tocsin.errors import AuthenticationError
from tocsin.parties import store
from tocsin.parties.model import (
    Party,
    PartyStatus,
    Permission,
    Principal,
    PrincipalKind,
    User,
    UserStatus,
    role_permissions,
)
from tocsin.parties.wire import TOKEN_PREFIX, BasicCredentials, parse_authorization, token_text

if TYPE_CHECKING:
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.log.service import Log
    from tocsin.parties.passwords import Passwords

__all__ = ["CHALLENGES", "TOKEN_BYTES", "Authenticator", "TokenKey"]

# 256 bits: nobody guesses one, so a single fast hash of it is enough.
TOKEN_BYTES: Final = 32
# Values of `WWW-Authenticate` on a 401 (RFC 7617 §2, RFC 6750 §3).
CHALLENGES: Final = ('Basic realm="tocsin", charset="UTF-8"', 'Bearer realm="tocsin"')


class TokenKey:
    """The hub's key for tokens, in one environment: a token of another environment has another digest."""

    def __init__(self, *, key: bytes, environment: int) -> None:
        self._key = key
        self._domain = f"tocsin/token/v1\n{environment}\n".encode()

    def mint(self, entropy: Entropy) -> str:
        """Return the text of a new token."""
        return token_text(entropy.bytes(TOKEN_BYTES))

    def digest(self, token: str) -> bytes:
        """Return what is stored in a token's place: HMAC-SHA-256 under the hub's key."""
        return hmac.digest(self._key, self._domain + token.encode(), hashlib.sha256)


class Authenticator:
    """Proves who is asking, in one environment. Writes nothing; safe to use from many threads."""

    def __init__(self, *, store: Store, log: Log, token_key: TokenKey, passwords: Passwords) -> None:
        self._store = store
        self._log = log
        self._token_key = token_key
        self._passwords = passwords

    def authenticate(self, authorization: str | None) -> Principal:
        """Return who is asking.

        ``authorization`` is the value of the header: Basic with user and password, user and token, or party and the
        token of its service; or Bearer with a token.

        Raises:
            AuthenticationError: in every other case, in the same words.
            BusyError: too many passwords are waiting to be checked; tokens and remembered passwords still work.
        """
        credentials = parse_authorization(authorization)
        principal: Principal | None = None
        if isinstance(credentials, BasicCredentials):
            if credentials.secret.startswith(TOKEN_PREFIX):
                principal = self._by_token(credentials.secret)
                # user and token: the token is that user's own
                if principal is not None and (principal.party_name, principal.user) != (
                    credentials.party,
                    credentials.user,
                ):
                    principal = None
            elif credentials.user is not None:
                principal = self._by_password(credentials.party, credentials.user, credentials.secret)
        elif credentials is not None:
            principal = self._by_token(credentials.token)
        if principal is None:
            raise AuthenticationError(
                "we do not know who is asking", todo="send HTTP Basic or Bearer credentials that are valid here"
            )
        return principal

    def recognise(self, authorization: str | None) -> Principal | None:
        """Return who is asking, as ``authenticate`` does, or None where that would take a run of argon2: never waits.

        Raises:
            AuthenticationError: it is nobody, and nothing else need be asked.
        """
        credentials = parse_authorization(authorization)
        if (
            isinstance(credentials, BasicCredentials)
            and credentials.user is not None
            and not credentials.secret.startswith(TOKEN_PREFIX)
            and not self._remembers(credentials.party, credentials.user, credentials.secret)
        ):
            return None
        return self.authenticate(authorization)

    def _remembers(self, party_name: str, user_name: str, password: str) -> bool:
        with self._store.read() as connection:
            row = store.sign_in_by_name(connection, self._log.environment, party_name, user_name)
            at = self._log.now(connection)
        hashed = None if row is None else row[1].password
        return hashed is not None and self._passwords.remembers(hashed, password, at)

    def _by_token(self, text: str) -> Principal | None:
        digest = self._token_key.digest(text)
        with self._store.read() as connection:
            row = store.sign_in_by_token(connection, self._log.environment, digest)
            at = self._log.now(connection)
        if row is None or not row.token.stands(at) or not _may_sign_in(row.party, row.user):
            return None
        token = row.token
        # a role that was taken away takes its permissions from the person's tokens too
        permissions = token.permissions if row.user is None else token.permissions & role_permissions(row.user.roles)
        principal = _principal(row.party, row.user, token.purpose, permissions)
        return replace(principal, capacity=token.capacity)

    def _by_password(self, party_name: str, user_name: str, password: str) -> Principal | None:
        with self._store.read() as connection:
            row = store.sign_in_by_name(connection, self._log.environment, party_name, user_name)
            at = self._log.now(connection)
        if row is not None and not _may_sign_in(row[0], row[1].user):
            # a right password of somebody who may not sign in is no more right than a wrong one, nor remembered
            row = None
        # outside the snapshot: argon2 takes its time
        right = self._passwords.verify(None if row is None else row[1].password, password, at)
        if row is None or not right:
            return None
        party, user = row[0], row[1].user
        return _principal(party, user, user.purpose, role_permissions(user.roles))


def _may_sign_in(party: Party, user: User | None) -> bool:
    return party.status is PartyStatus.VETTED and (user is None or user.status is UserStatus.ACTIVE)


def _principal(party: Party, user: User | None, purpose: str, permissions: frozenset[Permission]) -> Principal:
    return Principal(
        kind=PrincipalKind.SERVICE if user is None else PrincipalKind.USER,
        party=party.uri,
        party_name=party.name,
        user=None if user is None else user.name,
        purpose=purpose,
        permissions=permissions,
    )
