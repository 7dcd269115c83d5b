"""The bounds of one STIX document, each with its reason.

A limit is checked before the work that it bounds: bytes before anything, depth and number of values before parsing,
number of objects before validating.
"""

from __future__ import annotations

import msgspec

__all__ = ["DEFAULT_LIMITS", "Limits"]

MAX_BYTES = 64 * 1024 * 1024
"""The largest public feeds (ATT&CK Enterprise) are below 50 MB; more belongs into several submissions."""

MAX_OBJECTS = 50_000
"""Twice ATT&CK Enterprise. One submission is one transaction, and a transaction must not hold the store for minutes."""

MAX_DEPTH = 100
"""Real objects nest below 12. Parser, encoder and readers in other languages recurse: 100 is safe in all of them."""

MAX_VALUES = 5_000_000
"""`[],[],[],…` turns three bytes into sixty: the number of values bounds the memory, not the number of bytes."""

MAX_STRING = 16 * 1024 * 1024
"""The longest honest string is an artifact's base64 payload (STIX 2.1 §6.1.1): 12 MB of file, 16 MB of text."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one document may cost; see the constants above for each default's reason.

    Bytes are those of the document as received, string length is in bytes of UTF-8 as re-encoded.
    """

    max_bytes: int = MAX_BYTES
    max_objects: int = MAX_OBJECTS
    max_depth: int = MAX_DEPTH
    max_values: int = MAX_VALUES
    max_string: int = MAX_STRING


DEFAULT_LIMITS = Limits()
