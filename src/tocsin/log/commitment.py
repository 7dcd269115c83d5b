"""Salted commitments: what the tree holds in place of payloads, and what a payload holds in place of contents.

An entry of the log is public and for ever; a payload is neither. The entry is a salted hash of the payload, so that
without the salt it tells nothing even of a payload that can be guessed, and purging payload and salt erases both while
the tree stays whole. The salts are arguments: 32 bytes from a cryptographic source, used once.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from hmac import compare_digest

from tocsin.errors import InputError

__all__ = [
    "ENTRY_BYTES",
    "ENTRY_VERSION",
    "SALT_BYTES",
    "commit_content",
    "commit_entry",
    "content_text",
    "opens_content",
    "opens_entry",
]

# As long as the hash: guessing the salt is as hard as inverting the hash. Its fixed length also keeps the end of the
# salt and the start of the payload apart.
SALT_BYTES = 32

ENTRY_VERSION = 1
ENTRY_BYTES = 33

# One domain each, so that no payload can pass for a content or the other way round.
_ENTRY_DOMAIN = b"tocsin/entry/v1\n"
_CONTENT_DOMAIN = b"tocsin/content/v1\n"


def commit_entry(*, salt: bytes, payload: bytes) -> bytes:
    """The entry that commits to a payload: its version byte, then the salted hash. 33 bytes.

    Raises:
        InputError: the salt has another length than 32 bytes.

    """
    return bytes([ENTRY_VERSION]) + _salted(_ENTRY_DOMAIN, salt, payload)


def opens_entry(entry: bytes, *, salt: bytes, payload: bytes) -> bool:
    """Whether salt and payload are what the entry commits to. An entry of another version is opened by nothing."""
    return len(salt) == SALT_BYTES and compare_digest(entry, commit_entry(salt=salt, payload=payload))


def commit_content(*, salt: bytes, body: bytes) -> bytes:
    """The commitment to an object's bytes that a payload carries in place of them. 32 bytes.

    Raises:
        InputError: the salt has another length than 32 bytes.

    """
    return _salted(_CONTENT_DOMAIN, salt, body)


def opens_content(commitment: bytes, *, salt: bytes, body: bytes) -> bool:
    """Whether salt and body are what the commitment stands for."""
    return len(salt) == SALT_BYTES and compare_digest(commitment, commit_content(salt=salt, body=body))


def content_text(commitment: bytes) -> str:
    """A content commitment as payloads write it: standard base64."""
    return b64encode(commitment).decode("ascii")


def _salted(domain: bytes, salt: bytes, message: bytes) -> bytes:
    if len(salt) != SALT_BYTES:
        raise InputError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}", where="commitment")
    digest = sha256(domain)
    digest.update(salt)
    digest.update(message)
    return digest.digest()
