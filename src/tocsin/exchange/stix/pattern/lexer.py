"""The words of a STIX pattern (STIX 2.1 §9.2, §9.4): one regular expression, one token at a time."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["BOOLEANS", "COUNTED", "KEYWORDS", "KINDS", "PATH", "SIMPLE", "STEP", "TOKEN"]

_STRING: Final = r"'(?:[^'\\]|\\['\\])*+'"
_TIMESTAMP: Final = (
    r"t'[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?Z'"
)
_FIRST: Final = "[a-z_][a-z0-9_]*"
_NEXT: Final = rf"(?:\.[a-z_][a-z0-9_]*|\.{_STRING}|\[(?:\*|0|[1-9][0-9]{{0,8}})\])"

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

SIMPLE: Final = re.compile(rf"\[\s*[a-z][a-z0-9-]*:{_FIRST}{_NEXT}{{0,99}}\s*=\s*{_STRING}\s*\]")
"""The most frequent form of all: one property that equals one string, with no more steps than a path may have."""

STEP: Final = re.compile(rf"[a-z_][a-z0-9_]*|{_STRING}|\*|[0-9]+")
"""One step of the steps in `PATH`."""

PATH: Final = re.compile(
    rf"([a-z][a-z0-9-]*):({_FIRST}{_NEXT}*)"
    rf"(?:(?:\s*(==?|!=|<>|[<>]=?)|\s+(LIKE|MATCHES|ISSUBSET|ISSUPERSET))\s*({_STRING})|(?![A-Za-z0-9_'-]))",
)
"""Type and steps of a path, or of its beginning; then operator and string, where a string follows.

Four tokens or more at one look. No word or literal is cut in two.
"""

COUNTED: Final = re.compile(
    r"(?:REPEATS\s+([1-9][0-9]{0,8})\s+TIMES|WITHIN\s+([1-9][0-9]{0,8}(?:\.[0-9]{1,9})?)\s+SECONDS)(?![A-Za-z0-9_-])"
)
"""A qualifier with its number, as most are written: three tokens at one look."""

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

KINDS: Final = ("", *TOKEN.groupindex)
"""The kind of a token by the number of its group."""
