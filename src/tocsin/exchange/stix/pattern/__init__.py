"""STIX patterns (STIX 2.1 §9): read, printed, and matched against observations. No IO, no clock.

Observations are read from a bundle by `pattern.wire`, which stands above the rest of `stix`; this stands below it.
"""

from __future__ import annotations

from tocsin.exchange.stix.pattern.matcher import Bound, Match, match
from tocsin.exchange.stix.pattern.model import Expression, Fault
from tocsin.exchange.stix.pattern.notes import Note, notes, object_types
from tocsin.exchange.stix.pattern.observed import MAX_STEPS, Observed
from tocsin.exchange.stix.pattern.parser import MAX_LENGTH, MAX_NESTING, diagnose, parse, pattern_error
from tocsin.exchange.stix.pattern.text import to_text

__all__ = [
    "MAX_LENGTH",
    "MAX_NESTING",
    "MAX_STEPS",
    "Bound",
    "Expression",
    "Fault",
    "Match",
    "Note",
    "Observed",
    "diagnose",
    "match",
    "notes",
    "object_types",
    "parse",
    "pattern_error",
    "to_text",
]
