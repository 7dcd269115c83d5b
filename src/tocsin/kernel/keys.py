"""The hub's own secrets: 32 random bytes each, in files that only their owner reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import StoreBrokenError

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.kernel.ids import Entropy

__all__ = ["KEY_BYTES", "HubKeys", "create_keys", "read_keys", "write_secret"]

KEY_BYTES: Final = 32
_FILES: Final = ("log", "token", "cursor")


class HubKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What each secret is for, and for nothing else."""

    log: bytes  # Ed25519 seed: signs checkpoints and exports
    token: bytes  # HMAC key: tokens are stored under it, and the secrets of webhooks are made with it
    cursor: bytes  # AES-GCM key: seals what a client carries from page to page

    def __repr__(self) -> str:
        return "HubKeys(…)"


def create_keys(folder: Path, entropy: Entropy) -> HubKeys:
    """Make the secrets and write them; none may be there yet."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = {name: entropy.bytes(KEY_BYTES) for name in _FILES}
    for name, secret in secrets.items():
        write_secret(folder / f"{name}.key", secret)
    return HubKeys(log=secrets["log"], token=secrets["token"], cursor=secrets["cursor"])


def write_secret(path: Path, secret: bytes) -> None:
    """Write a new file, durable, that only its owner can read.

    Raises:
        FileExistsError: there is one already; a key is never overwritten.
    """
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(handle, secret)
        os.fsync(handle)
    finally:
        os.close(handle)


def read_keys(folder: Path) -> HubKeys:
    """Read the secrets.

    Raises:
        StoreBrokenError: one is missing, unreadable or of another length.
    """

    def read(name: str) -> bytes:
        path = folder / f"{name}.key"
        try:
            secret = path.read_bytes()
        except OSError as error:
            raise StoreBrokenError(
                f"the hub's key is not readable: {error.strerror}",
                where=str(path),
                todo="restore it, or run `tocsin init`",
            ) from error
        if len(secret) != KEY_BYTES:
            raise StoreBrokenError(f"a key has {KEY_BYTES} bytes, this file {len(secret)}", where=str(path))
        return secret

    return HubKeys(log=read("log"), token=read("token"), cursor=read("cursor"))
