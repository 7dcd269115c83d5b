"""The words of a STIX pattern (STIX 2.1 §9.2, §9.4): one regular expression, one token at a time."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["BOOLEANS", "KEYWORDS", "SIMPLE", "STEP", "TEST", "TOKEN"]

_STRING: Final = r"'(?:[^'\\]|\\['\\])*+'"
_TIMESTAMP: Final = (
    r"t'[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?Z'"
)
_STEPS: Final = rf"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*|\.{_STRING})*"
_PATH: Final = rf"[a-z][a-z0-9-]*:{_STEPS}"

KEYWORDS: Final = frozenset(
    {
        "AND",
        "EXISTS",
        "FALSE",
        "FOLLOWEDBY",
        "IN",
        "ISSUBSET",
        "ISSUPERSET",
        "LIKE",
        "MATCHES",
        "NOT",
        "OR",
        "REPEATS",
        "SECONDS",
        "START",
        "STOP",
        "TIMES",
        "TRUE",
        "WITHIN",
    }
)
BOOLEANS: Final = {"true": True, "false": False}

SIMPLE: Final = re.compile(rf"\[\s*{_PATH}\s*=\s*{_STRING}\s*\]")
"""The most frequent form of all: one comparison of one property with one string."""

TEST: Final = re.compile(rf"([a-z][a-z0-9-]*):({_STEPS})\s*(==?|!=|<>)\s*({_STRING})")
"""The comparison in it, wherever it stands: type, steps, operator, string."""

STEP: Final = re.compile(rf"[a-z_][a-z0-9_]*|{_STRING}")
"""One step of the steps in `TEST`."""

TOKEN: Final = re.compile(
    r"(?:\s|/\*.*?\*/|//[^\r\n]*)*+(?:"
    r"(?P<mark>==|!=|<>|<=|>=|[=<>\[\]():,*]|\.(?![0-9]))"
    rf"|(?P<timestamp>{_TIMESTAMP})"
    r"|(?P<hex>h'(?:[0-9A-Fa-f]{2})*+')"
    r"|(?P<binary>b'(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?')"
    rf"|(?P<string>{_STRING})"
    r"|(?P<float>[+-]?[0-9]*\.[0-9]+)"
    r"|(?P<integer>[+-]?(?:0|[1-9][0-9]*))(?![0-9])"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<end>\Z)"
    r")",
    re.DOTALL,
)
"""White space and comments, then one token; the group's name is its kind."""
