"""The grammar of STIX patterns (STIX 2.1 §9), for telling whether a text is one. Nothing is matched here.

A tokeniser and a recursive descent over its tokens; nesting is bounded, so it cannot exhaust the stack. The most
frequent form of all, one comparison of one property with one string, is recognised by one expression.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MAX_LENGTH", "MAX_NESTING", "pattern_error"]

MAX_LENGTH: Final = 1_000_000
"""Characters. Patterns are written by people or list some hundred indicators; ten thousand hashes fit."""

MAX_NESTING: Final = 64
"""Parentheses within parentheses: far beyond what a person can read, far below what the stack can hold."""

_STRING: Final = r"'(?:[^'\\]|\\['\\])*+'"
_KEYWORDS: Final = frozenset(
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
_BOOLEANS: Final = frozenset({"true", "false"})
_SIMPLE: Final = re.compile(
    rf"\[\s*[a-z][a-z0-9-]*:[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*|\.{_STRING})*\s*=\s*{_STRING}\s*\]"
)
_TOKEN: Final = re.compile(
    r"(?:\s|/\*.*?\*/|//[^\r\n]*)*+(?:"
    r"(?P<timestamp>t'[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?Z')"
    r"|(?P<hex>h'(?:[0-9A-Fa-f]{2})*+')"
    r"|(?P<binary>b'(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?')"
    rf"|(?P<string>{_STRING})"
    r"|(?P<float>[+-]?[0-9]*\.[0-9]+)"
    r"|(?P<integer>[+-]?(?:0|[1-9][0-9]*))(?![0-9])"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<mark>==|!=|<>|<=|>=|[=<>\[\]().:,*])"
    r"|(?P<end>\Z)"
    r")",
    re.DOTALL,
)
_LITERALS: Final = frozenset({"timestamp", "hex", "binary", "string", "float", "integer"})


class _PatternError(ValueError):
    """What is wrong, in words; ends the descent."""


class _Parser:
    """The descent: one method for each production of the grammar, each consuming what it recognises."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self.offset = 0
        self.kind = ""
        self.token = ""
        self.start = 0
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.offset)
        if match is None:
            raise _PatternError(self.at("no word, literal or sign of the pattern language", self.offset))
        self.kind = match.lastgroup or ""
        self.token = match[self.kind]
        self.start = match.start(self.kind)
        self.offset = match.end()

    def at(self, what: str, offset: int | None = None) -> str:
        return f"{what} at character {(self.start if offset is None else offset) + 1}"

    def fail(self, expected: str) -> _PatternError:
        found = "the end" if self.kind == "end" else repr(self.token[:40])
        return _PatternError(self.at(f"expected {expected}, found {found}"))

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.token in words

    def is_mark(self, *marks: str) -> bool:
        return self.kind == "mark" and self.token in marks

    def take_mark(self, mark: str) -> None:
        if not self.is_mark(mark):
            raise self.fail(f"{mark!r}")
        self.advance()

    def take_word(self, word: str) -> None:
        if not self.is_word(word):
            raise self.fail(word)
        self.advance()

    def take_kind(self, *kinds: str) -> None:
        if self.kind not in kinds:
            raise self.fail(" or ".join(f"a {kind}" for kind in kinds))
        self.advance()

    def nest(self) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise _PatternError(self.at(f"more than {MAX_NESTING} parentheses within each other"))

    def pattern(self) -> None:
        self.observations()
        if self.kind != "end":
            raise self.fail("an operator, a qualifier or the end")

    def observations(self) -> None:
        """§9.5: observation expressions joined by operators; precedence decides nothing about validity."""
        self.observation()
        while self.is_word("AND", "OR", "FOLLOWEDBY"):
            self.advance()
            self.observation()

    def observation(self) -> None:
        if self.is_mark("("):
            self.nest()
            self.advance()
            self.observations()
            self.take_mark(")")
            self.depth -= 1
        else:
            self.take_mark("[")
            self.comparisons()
            self.take_mark("]")
        self.qualifiers()

    def qualifiers(self) -> None:
        """§9.5.1: at most one of each kind."""
        seen: set[str] = set()
        while self.is_word("START", "WITHIN", "REPEATS"):
            word = self.token
            if word in seen:
                raise _PatternError(self.at(f"the qualifier {word} comes twice"))
            seen.add(word)
            self.advance()
            if word == "START":
                self.take_kind("timestamp")
                self.take_word("STOP")
                self.take_kind("timestamp")
            elif self.token.startswith("-"):
                raise self.fail("a positive number")
            elif word == "WITHIN":
                self.take_kind("integer", "float")
                self.take_word("SECONDS")
            else:
                self.take_kind("integer")
                self.take_word("TIMES")

    def comparisons(self) -> None:
        """§9.6."""
        self.comparison()
        while self.is_word("AND", "OR"):
            self.advance()
            self.comparison()

    def comparison(self) -> None:
        if self.is_mark("("):
            self.nest()
            self.advance()
            self.comparisons()
            self.take_mark(")")
            self.depth -= 1
            return
        negated = self.is_word("NOT")
        if negated:
            self.advance()
        if negated or self.is_word("EXISTS"):
            self.take_word("EXISTS")
            self.path()
            return
        self.path()
        if self.is_word("NOT"):
            self.advance()
        self.test()

    def test(self) -> None:
        """§9.6.1: an operator and its constant."""
        if self.is_mark("=", "==", "!=", "<>"):
            self.advance()
            self.literal(ordered=False)
        elif self.is_mark("<", ">", "<=", ">="):
            self.advance()
            self.literal(ordered=True)
        elif self.is_word("IN"):
            self.advance()
            self.set()
        elif self.is_word("LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"):
            self.advance()
            self.take_kind("string")
        else:
            raise self.fail("a comparison operator")

    def set(self) -> None:
        self.take_mark("(")
        if not self.is_mark(")"):
            self.literal(ordered=False)
            while self.is_mark(","):
                self.advance()
                self.literal(ordered=False)
        self.take_mark(")")

    def literal(self, *, ordered: bool) -> None:
        if self.kind in _LITERALS or (not ordered and self.is_word(*_BOOLEANS)):
            self.advance()
        else:
            raise self.fail("a constant")

    def path(self) -> None:
        """§9.7: object type, colon, properties, list items and dictionary keys."""
        if self.kind != "word" or self.token in _KEYWORDS:
            raise self.fail("an object type")
        self.advance()
        self.take_mark(":")
        self.property()
        while self.is_mark(".", "["):
            mark = self.token
            self.advance()
            if mark == ".":
                self.property()
            else:
                if self.is_mark("*"):
                    self.advance()
                elif self.token.startswith("-"):
                    raise self.fail("an index from 0")
                else:
                    self.take_kind("integer")
                self.take_mark("]")

    def property(self) -> None:
        if self.kind == "string" or (self.kind == "word" and "-" not in self.token and self.token not in _KEYWORDS):
            self.advance()
        else:
            raise self.fail("a property (quoted, if it has a hyphen)")


def pattern_error(text: str) -> str | None:
    """Say what keeps a text from being a STIX pattern, and where (characters counted from 1); `None` if it is one."""
    if len(text) > MAX_LENGTH:
        return f"more than {MAX_LENGTH:,} characters"
    if _SIMPLE.fullmatch(text) is not None:
        return None
    try:
        _Parser(text).pattern()
    except _PatternError as error:
        return str(error)
    return None
