"""Passwords: argon2id, so many at once, and a short memory of those that were right.

A hub's machines sign in with a password at every poll. Argon2 is dear on purpose, so a password that was right is
remembered for a minute, as an HMAC under a key that lives in this process only; and what runs and waits is bounded, so
that strangers who guess cannot take the memory or the processors from everybody else.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NewType

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from tocsin.errors import BusyError, InputError, StoreBrokenError
from tocsin.kernel.clock import SECOND, Micros
from tocsin.parties.wire import TOKEN_PREFIX, normal_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.kernel.ids import Entropy

__all__ = [
    "ARGON2_AT_ONCE",
    "ARGON2_WAITING",
    "CACHE_LIFETIME",
    "CACHE_SIZE",
    "MAX_PASSWORD",
    "MIN_PASSWORD",
    "PasswordHash",
    "Passwords",
    "password_hasher",
]

# Bytes, not characters: the shortest that survives offline guessing when words are common (NIST SP 800-63B asks for 8
# characters behind a rate limit; an export of the store has none), and the longest that a header should carry.
MIN_PASSWORD: Final = 12
MAX_PASSWORD: Final = 1_024
# RFC 9106 §4, the second recommended option: 64 MiB, 3 passes, 4 lanes; salt and tag as there.
MEMORY_KIB: Final = 65_536
PASSES: Final = 3
LANES: Final = 4
SALT_BYTES: Final = 16
TAG_BYTES: Final = 32
# Each run takes 64 MiB and several processors: two fill a small machine.
ARGON2_AT_ONCE: Final = 2
# Eight wait for about a second; who comes after them is told to come back.
ARGON2_WAITING: Final = 8
# How long a right password is believed without asking argon2; a changed password or status counts at once.
CACHE_LIFETIME: Final[Micros] = 60 * SECOND
# More than the people and machines of a large partnership that poll within one minute; 32 bytes each.
CACHE_SIZE: Final = 4_096

PasswordHash = NewType("PasswordHash", str)


def password_hasher() -> PasswordHasher:
    """Return argon2id with the parameters of a hub."""
    return PasswordHasher(
        time_cost=PASSES,
        memory_cost=MEMORY_KIB,
        parallelism=LANES,
        hash_len=TAG_BYTES,
        salt_len=SALT_BYTES,
        type=Type.ID,
    )


class Passwords:
    """Hashes and checks passwords, boundedly; remembers right ones for ``CACHE_LIFETIME``.

    One for each process. Safe to use from many threads.
    """

    def __init__(
        self,
        *,
        entropy: Entropy,
        hasher: PasswordHasher,
        at_once: int = ARGON2_AT_ONCE,
        waiting: int = ARGON2_WAITING,
    ) -> None:
        self._hasher = hasher
        self._entropy = entropy
        self._room = threading.BoundedSemaphore(at_once + waiting)
        self._turn = threading.BoundedSemaphore(at_once)
        self._key = entropy.bytes(32)
        self._right: OrderedDict[bytes, Micros] = OrderedDict()
        self._right_lock = threading.Lock()
        self._nobody = _unmatched_hash(hasher, entropy)

    def hash(self, password: str) -> PasswordHash:
        """Return the argon2id hash of a new password, under a salt of its own.

        Raises:
            InputError: it breaks a rule for passwords; the error does not repeat it.
            BusyError: too many passwords are waiting to be checked.
        """
        raw = normal_password(password)
        if not MIN_PASSWORD <= len(raw) <= MAX_PASSWORD:
            raise InputError(
                f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} bytes, this one {len(raw)}",
                todo="take a few random words",
            )
        if password.startswith(TOKEN_PREFIX):
            raise InputError(f"a password does not begin like a token ({TOKEN_PREFIX})", todo="choose another")
        with self._argon2():
            return PasswordHash(self._hasher.hash(raw, salt=self._entropy.bytes(SALT_BYTES)))

    def verify(self, hashed: str | None, password: str, at: Micros) -> bool:
        """Return whether the password is the one that was hashed; with no hash the answer is no, and costs the same.

        Raises:
            BusyError: too many passwords are waiting to be checked.
            StoreBrokenError: the hash is none of argon2's.
        """
        raw = _checkable(password)
        if raw is None:
            return False
        mark = self._mark(hashed or self._nobody, raw)
        if self._remembers(mark, at):
            return True
        with self._argon2():
            try:
                self._hasher.verify(hashed or self._nobody, raw)
            except VerifyMismatchError:
                return False
            except (InvalidHashError, VerificationError) as error:
                raise StoreBrokenError("a password's hash is none of argon2's", todo="set the password anew") from error
        self._remember(mark, at)
        return True

    def remembers(self, hashed: str, password: str, at: Micros) -> bool:
        """Return whether ``verify`` would say yes without a run of argon2."""
        raw = _checkable(password)
        return raw is not None and self._remembers(self._mark(hashed, raw), at)

    @contextlib.contextmanager
    def _argon2(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise BusyError("too many passwords are being checked", todo="try again in a few seconds, or use a token")
        try:
            with self._turn:
                yield
        finally:
            self._room.release()

    def _mark(self, hashed: str, raw: bytes) -> bytes:
        # the stored hash is part of the mark: a password set anew, even to the same words, has another salt
        return hmac.digest(self._key, hashed.encode() + b"\n" + raw, hashlib.sha256)

    def _remembers(self, mark: bytes, at: Micros) -> bool:
        with self._right_lock:
            since = self._right.get(mark)
        # a clock that was set back makes it forget, never remember for longer
        return since is not None and since <= at < since + CACHE_LIFETIME

    def _remember(self, mark: bytes, at: Micros) -> None:
        with self._right_lock:
            self._right[mark] = at
            self._right.move_to_end(mark)
            while len(self._right) > CACHE_SIZE:
                self._right.popitem(last=False)


def _checkable(password: str) -> bytes | None:
    """Return the bytes to check, or None for what can be nobody's password."""
    try:
        raw = normal_password(password)
    except InputError:
        return None
    return raw if len(raw) <= MAX_PASSWORD else None


def _unmatched_hash(hasher: PasswordHasher, entropy: Entropy) -> str:
    """Return a hash under the hasher's parameters that no password has: its tag is random, not computed."""

    def coded(count: int) -> str:
        return base64.b64encode(entropy.bytes(count)).decode().rstrip("=")

    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${costs}${coded(hasher.salt_len)}${coded(hasher.hash_len)}"
