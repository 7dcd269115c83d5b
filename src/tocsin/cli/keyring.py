"""Signatories' private keys as files: PKCS #8 in PEM, as other tools write it, or 32 raw bytes (of ML-DSA the seed).

A signatory's key belongs to the signatory. The keyring in the hub's folder is for trials: who holds it signs for
everybody.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tocsin.agreements.document import ml_dsa_public_key_of, public_key_of
from tocsin.cli.session import read_bounded, write_new
from tocsin.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from tocsin.kernel.ids import Entropy
    from tocsin.settings import Settings

__all__ = [
    "ml_dsa_place_of",
    "new_key",
    "new_ml_dsa_key",
    "place_of",
    "public_half",
    "read_key",
    "read_ml_dsa_seed",
    "registering",
    "require_one",
]

RAW_BYTES: Final = 32  # RFC 8032 §5.1.5; FIPS 204's seed is as long
# PKCS #8 of an Ed25519 key has some 120 bytes in PEM; comments may stand around it.
MAX_KEY_BYTES: Final = 16_384


def place_of(settings: Settings, reference: str) -> Path:
    """Return where the keyring keeps the key of ``user@party``."""
    return settings.keyring / f"{reference}.key"


def ml_dsa_place_of(settings: Settings, reference: str) -> Path:
    """Return where the keyring keeps the ML-DSA-44 key of ``user@party``."""
    return settings.keyring / f"{reference}.ml-dsa.key"


def new_key(path: Path, entropy: Entropy) -> str:
    """Make an Ed25519 key and write it where only the owner of the file reads it; returns its public half, base64.

    Raises:
        ConflictError: there is a file already; UsageError: it cannot be written.
    """
    raw = entropy.bytes(RAW_BYTES)
    private = Ed25519PrivateKey.from_private_bytes(raw)
    _write(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return public_key_of(raw)


def new_ml_dsa_key(path: Path, entropy: Entropy) -> str:
    """Make an ML-DSA-44 key, likewise.

    Raises:
        ConflictError: there is a file already; UsageError: it cannot be written.
    """
    seed = entropy.bytes(RAW_BYTES)
    private = MLDSA44PrivateKey.from_seed_bytes(seed)
    _write(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return ml_dsa_public_key_of(seed)


@contextlib.contextmanager
def registering() -> Iterator[list[Path]]:
    """Yield a list for the files of fresh keys; where the block fails none was registered, and they are removed."""
    written: list[Path] = []
    try:
        yield written
    except BaseException:
        # whatever it was, an interrupt too: a key that nobody registered is nobody's, and no file may hold it
        for path in written:
            path.unlink(missing_ok=True)
        raise


def public_half(
    public: str | None, path: Path, make: Callable[[Path, Entropy], str], entropy: Entropy, written: list[Path]
) -> str:
    """Return the public key that was given, or that of a fresh key, whose file is then among those ``written``.

    Raises:
        ConflictError: there is a file already; UsageError: it cannot be written.
    """
    if public is not None:
        return public
    made = make(path, entropy)
    written.append(path)
    return made


def require_one(public: str | None, key_file: Path | None) -> None:
    """Refuse a public key together with a file for a fresh one.

    Raises:
        UsageError: both are given.
    """
    if public is not None and key_file is not None:
        raise UsageError("a public key is registered, and no file written", where="--key-file", todo="leave it out")


def read_key(path: Path) -> bytes:
    """Return the raw private key that a file holds.

    Raises:
        UsageError: it cannot be read; InputError: it is no unencrypted Ed25519 key.
    """
    key = _read(path, "Ed25519")
    if isinstance(key, bytes):
        return key
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("this key is not of the kind Ed25519", where=str(path), todo="use a signatory's key")
    return key.private_bytes_raw()


def read_ml_dsa_seed(path: Path) -> bytes:
    """Return the seed of the ML-DSA-44 key that a file holds.

    Raises:
        UsageError: it cannot be read; InputError: it is no unencrypted ML-DSA-44 key.
    """
    key = _read(path, "ML-DSA-44")
    if isinstance(key, bytes):
        return key
    if not isinstance(key, MLDSA44PrivateKey):
        raise InputError("this key is not of the kind ML-DSA-44", where=str(path), todo="use a signatory's second key")
    return key.private_bytes_raw()


def _write(path: Path, pem: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror or error}", where=str(path)) from error
    write_new(str(path), pem, mode=0o600)


def _read(path: Path, kind: str) -> bytes | PrivateKeyTypes:
    """Return 32 raw bytes, or what PKCS #8 in PEM holds."""
    data = read_bounded(str(path), MAX_KEY_BYTES, "a key")
    if len(data) == RAW_BYTES:
        return data
    try:
        return load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            "this is no signing key",
            where=str(path),
            todo=f"name a file with an unencrypted {kind} key: PKCS #8 in PEM, or its 32 raw bytes",
        ) from error
