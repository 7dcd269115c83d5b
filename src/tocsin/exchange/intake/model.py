"""What is submitted."""

from __future__ import annotations

import msgspec

from tocsin.agreements.model import Tlp
from tocsin.exchange.model import DEFAULT_COLLECTION
from tocsin.kernel.mandate import Acting

__all__ = ["Submission"]


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One arrival: whose it is, what it says, and how its sender wants it handled."""

    party: str  # URI
    acting: Acting
    data: bytes
    envelope: bool = False  # a TAXII envelope rather than a bundle
    collection: str = DEFAULT_COLLECTION  # alias or UUID
    tlp: Tlp | None = None  # of objects that say less
    to: tuple[str, ...] = ()  # recipients, as `party` or `user@party`; nobody: as the markings say
    delegate: str | None = None  # URI of who shares for the party, under a delegation; None: the party itself
