"""STIX 2.1: the types, and from bytes to checked objects (bound, parse, validate). No IO, no clock."""

from __future__ import annotations

from tocsin.exchange.stix.limits import DEFAULT_LIMITS, Limits
from tocsin.exchange.stix.wire import (
    ParsedBundle,
    ParsedObject,
    RefusedObject,
    parse_bundle,
    parse_envelope,
    parse_object,
)

__all__ = [
    "DEFAULT_LIMITS",
    "Limits",
    "ParsedBundle",
    "ParsedObject",
    "RefusedObject",
    "parse_bundle",
    "parse_envelope",
    "parse_object",
]
