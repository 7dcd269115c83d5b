"""Signatories' private keys as files: PKCS #8 in PEM, as other tools write them, or the raw 32 bytes.

A signatory's key belongs to the signatory. The keyring in the hub's folder is for trials: who holds it signs for
everybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tocsin.agreements.document import public_key_of
from tocsin.cli.session import read_bounded, write_new
from tocsin.errors import InputError, UsageError

if TYPE_CHECKING:
    from tocsin.kernel.ids import Entropy
    from tocsin.settings import Settings

__all__ = ["new_key", "place_of", "read_key"]

RAW_BYTES: Final = 32  # RFC 8032 §5.1.5
# PKCS #8 of an Ed25519 key has some 120 bytes in PEM; comments may stand around it.
MAX_KEY_BYTES: Final = 16_384


def place_of(settings: Settings, reference: str) -> Path:
    """Return where the keyring keeps the key of ``user@party``."""
    return settings.keyring / f"{reference}.key"


def new_key(path: Path, entropy: Entropy) -> str:
    """Make a key and write it where only the owner of the file reads it; returns its public half, base64.

    Raises:
        ConflictError: there is a file already; UsageError: it cannot be written.
    """
    raw = entropy.bytes(RAW_BYTES)
    private = Ed25519PrivateKey.from_private_bytes(raw)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror or error}", where=str(path)) from error
    write_new(str(path), private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
    return public_key_of(raw)


def read_key(path: Path) -> bytes:
    """Return the raw private key that a file holds.

    Raises:
        UsageError: it cannot be read; InputError: it is no unencrypted Ed25519 key.
    """
    data = read_bounded(str(path), MAX_KEY_BYTES, "a key")
    if len(data) == RAW_BYTES:
        return data
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            "this is no signing key",
            where=str(path),
            todo="name a file with an unencrypted Ed25519 key: PKCS #8 in PEM, or its 32 raw bytes",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("this key is not of the kind Ed25519", where=str(path), todo="use a signatory's key")
    return key.private_bytes_raw()
