"""Randomness and ids as an argument."""

from __future__ import annotations

import random  # noqa: TID251  the one place that may
import secrets  # noqa: TID251  the one place that may
import uuid
from typing import Protocol

__all__ = ["Entropy", "SeededEntropy", "SystemEntropy", "new_uuid"]


class Entropy(Protocol):
    """A source of random bytes."""

    def bytes(self, count: int) -> bytes:
        """Return so many bytes; those of the hub's own source are fit for keys."""
        ...


class SystemEntropy:
    """The operating system's source, fit for keys."""

    def bytes(self, count: int) -> bytes:
        """Return bytes that nobody can guess."""
        return secrets.token_bytes(count)


class SeededEntropy:
    """The same bytes in every run: for tests and benchmarks only, never for a hub."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  predictable on purpose

    def bytes(self, count: int) -> bytes:
        """Return the next bytes of the seed."""
        return self._random.randbytes(count)


def new_uuid(entropy: Entropy) -> str:
    """Return a random UUID, RFC 9562 version 4."""
    return str(uuid.UUID(bytes=entropy.bytes(16), version=4))
