"""From text to pattern (STIX 2.1 §9): a recursive descent that says where a text goes wrong, and what to do.

Whether a text is a pattern is asked at intake of every indicator, so the most frequent form is recognised by one
expression, and nothing is built for it. Nesting is bounded, so no text exhausts the stack.
"""

from __future__ import annotations

import binascii
import re
from typing import Final, NoReturn

from tocsin.errors import InputError, LimitError
from tocsin.exchange.stix.pattern.lexer import BOOLEANS, COUNTED, KEYWORDS, KINDS, PATH, SIMPLE, STEP, TOKEN
from tocsin.exchange.stix.pattern.model import (
    Comparison,
    ComparisonGroup,
    Constant,
    ConstantKind,
    Expression,
    ExpressionGroup,
    Fault,
    Joiner,
    ObjectPath,
    ObservationExpression,
    Operator,
    Qualified,
    Qualifier,
    Repeats,
    StartStop,
    Step,
    Test,
    Within,
)
from tocsin.exchange.stix.times import micros

__all__ = ["MAX_DIGITS", "MAX_LENGTH", "MAX_NESTING", "MAX_STEPS_OF_PATH", "diagnose", "parse", "pattern_error"]

MAX_LENGTH: Final = 1_000_000
"""Characters. Patterns are written by people or list some hundred indicators; ten thousand hashes fit."""

MAX_NESTING: Final = 64
"""Parentheses within parentheses: far beyond what a person can read, far below what the stack can hold."""

MAX_DIGITS: Final = 300
"""Of a number: what follows is more than a double holds, and Python reads long integers in quadratic time."""

MAX_STEPS_OF_PATH: Final = 100
"""As deep as a document may nest, once: a path that follows more references than that describes no observation."""

_SYMBOLS: Final = {
    "=": Operator.EQUAL,
    "==": Operator.EQUAL,
    "!=": Operator.NOT_EQUAL,
    "<>": Operator.NOT_EQUAL,
    "<": Operator.LESS,
    ">": Operator.GREATER,
    "<=": Operator.LESS_OR_EQUAL,
    ">=": Operator.GREATER_OR_EQUAL,
}
_WITH_STRING: Final = {
    "LIKE": Operator.LIKE,
    "MATCHES": Operator.MATCHES,
    "ISSUBSET": Operator.IS_SUBSET,
    "ISSUPERSET": Operator.IS_SUPERSET,
}
# a boolean is a word to the lexer
_LITERALS: Final[dict[str, ConstantKind]] = {
    str(kind): kind for kind in ConstantKind if kind is not ConstantKind.BOOLEAN
}
_PREFIXED: Final = "write t'2016-05-12T08:17:27Z' in UTC, h'00ff' in pairs of digits, b'AAA=' in padded base64"
_ARTICLES: Final = {"integer": "an integer", "float": "a float"}
_QUALIFIERS: Final = frozenset({"START", "WITHIN", "REPEATS"})
_SHOWN: Final = 40
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_LINE_END: Final = re.compile(r"\r\n?|\n")
_TOKEN: Final = TOKEN.match  # looked up once: half of the time goes by here


class _PatternError(ValueError):
    """What is wrong, at which offset, and what to do; ends the descent."""

    def __init__(self, what: str, offset: int, todo: str, *, limit: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.offset = offset
        self.todo = todo
        self.limit = limit


class _Parser:
    """The descent: one method for each production of the grammar, each consuming what it recognises.

    A token's text tells words and signs from all else: what is quoted begins with a quote, and the end is empty.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self.offset = 0
        self.kind = ""
        self.lexeme = ""
        self.start = 0
        self.last = 0  # the end of the token consumed last
        self.advance()

    def advance(self) -> None:
        self.last = self.offset
        match = _TOKEN(self.text, self.last)
        if match is None:
            self.stray()
        group = match.lastindex or 0
        self.kind = KINDS[group]
        self.lexeme = match[group]
        self.start, self.offset = match.span(group)

    def stray(self) -> NoReturn:
        """Say what no token begins with, and why, where a beginning tells."""
        start = self.offset
        while start < len(self.text) and self.text[start].isspace():
            start += 1
        rest = self.text[start : start + 2]
        todo = "look at the character, and quote a property that has others than letters, digits and _"
        if rest[:1] == "'":
            todo = r"end the string with ', and write \' for a quote and \\ for a backslash inside of it"
        elif rest == "/*":
            todo = "end the comment with */"
        elif rest[:1].isdigit():
            todo = "write the number without leading zeros"
        raise _PatternError("no word, literal or sign of the pattern language", start, todo)

    def fail(self, expected: str, todo: str | None = None) -> _PatternError:
        found = "the end" if self.kind == "end" else repr(self.lexeme[:_SHOWN])
        return _PatternError(f"expected {expected}, found {found}", self.start, todo or f"write {expected} here")

    def take_mark(self, mark: str) -> None:
        if self.lexeme != mark:
            raise self.fail(f"{mark!r}")
        self.advance()

    def take_word(self, word: str) -> None:
        if self.lexeme != word:
            raise self.fail(word)
        self.advance()

    def take_kind(self, *kinds: str) -> str:
        if self.kind not in kinds:
            raise self.fail(" or ".join(_ARTICLES[kind] for kind in kinds))
        token = self.lexeme
        self.advance()
        return token

    def nest(self) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            what = f"more than {MAX_NESTING} parentheses within each other"
            raise _PatternError(what, self.start, "leave out the parentheses that change nothing", limit=True)

    def pattern(self) -> Expression:
        found = self.followed_by()
        if self.kind != "end":
            raise self.fail("an operator, a qualifier or the end", "join expressions with AND, OR or FOLLOWEDBY")
        return found

    def followed_by(self) -> Expression:
        """§9.5.3: AND binds closer than OR, and OR closer than FOLLOWEDBY."""
        start = self.start
        first = self.any_of()
        if self.lexeme != "FOLLOWEDBY":
            return first
        operands = [first]
        while self.lexeme == "FOLLOWEDBY":
            self.advance()
            operands.append(self.any_of())
        return ExpressionGroup(joiner=Joiner.FOLLOWED_BY, operands=tuple(operands), start=start, end=self.last)

    def any_of(self) -> Expression:
        start = self.start
        first = self.all_of()
        if self.lexeme != "OR":
            return first
        operands = [first]
        while self.lexeme == "OR":
            self.advance()
            operands.append(self.all_of())
        return ExpressionGroup(joiner=Joiner.OR, operands=tuple(operands), start=start, end=self.last)

    def all_of(self) -> Expression:
        start = self.start
        first = self.observation()
        if self.lexeme != "AND":
            return first
        operands = [first]
        while self.lexeme == "AND":
            self.advance()
            operands.append(self.observation())
        return ExpressionGroup(joiner=Joiner.AND, operands=tuple(operands), start=start, end=self.last)

    def observation(self) -> Expression:
        start = self.start
        found: Expression
        if self.lexeme == "(":
            self.nest()
            self.advance()
            found = self.followed_by()
            self.take_mark(")")
            self.depth -= 1
        else:
            self.take_mark("[")
            comparison = self.comparisons()
            self.take_mark("]")
            found = ObservationExpression(comparison=comparison, start=start, end=self.last)
        qualifiers = self.qualifiers() if self.kind == "word" else ()
        if not qualifiers:
            return found
        return Qualified(expression=found, qualifiers=qualifiers, start=start, end=self.last)

    def qualifiers(self) -> tuple[Qualifier, ...]:
        """§9.5.1: at most one of each kind."""
        found: dict[str, Qualifier] = {}
        while self.lexeme in _QUALIFIERS:
            word = self.lexeme
            if word in found:
                todo = "keep one, or put parentheses around the expression with its first qualifier"
                raise _PatternError(f"the qualifier {word} comes twice", self.start, todo)
            found[word] = self.qualifier(word)
        return tuple(found.values())

    def qualifier(self, word: str) -> Qualifier:
        start = self.start
        usual = COUNTED.match(self.text, start)
        if usual is not None:
            return self.counted(usual)
        self.advance()
        if word == "START":
            begin = self.timestamp()
            self.take_word("STOP")
            return StartStop(begin=begin, stop=self.timestamp(), start=start, end=self.last)
        if self.kind not in {"integer", "float"} or self.lexeme[0] == "-":
            raise self.fail("a positive number")
        if not self.lexeme.strip("+0."):
            raise self.fail("a number above 0")
        if word == "WITHIN":
            seconds = self.number(self.lexeme).lstrip("+")
            self.take_kind("integer", "float")
            self.take_word("SECONDS")
            return Within(seconds=seconds, start=start, end=self.last)
        times = self.number(self.lexeme)
        self.take_kind("integer")
        self.take_word("TIMES")
        return Repeats(times=int(times), start=start, end=self.last)

    def counted(self, usual: re.Match[str]) -> Qualifier:
        times, seconds = usual.groups()
        start, self.offset = usual.span()
        self.advance()
        if times is not None:
            return Repeats(times=int(times), start=start, end=self.last)
        return Within(seconds=seconds, start=start, end=self.last)

    def comparisons(self) -> Comparison:
        """§9.6: AND binds closer than OR."""
        start = self.start
        first = self.conjunction()
        if self.lexeme != "OR":
            return first
        operands = [first]
        while self.lexeme == "OR":
            self.advance()
            operands.append(self.conjunction())
        return ComparisonGroup(joiner=Joiner.OR, operands=tuple(operands), start=start, end=self.last)

    def conjunction(self) -> Comparison:
        start = self.start
        first = self.comparison()
        if self.lexeme != "AND":
            return first
        operands = [first]
        while self.lexeme == "AND":
            self.advance()
            operands.append(self.comparison())
        return ComparisonGroup(joiner=Joiner.AND, operands=tuple(operands), start=start, end=self.last)

    def comparison(self) -> Comparison:
        start = self.start
        if self.lexeme == "(":
            self.nest()
            self.advance()
            found = self.comparisons()
            self.take_mark(")")
            self.depth -= 1
            return found
        constants: tuple[Constant, ...] = ()
        negated = self.lexeme == "NOT"
        if negated:
            self.advance()
        if negated or self.lexeme == "EXISTS":
            self.take_word("EXISTS")
            path = self.path()
            operator = Operator.EXISTS
        else:
            seen = PATH.match(self.text, start)
            if seen is not None and seen[5] is not None:
                return self.usual(seen)
            path = self.path(seen)
            negated = self.lexeme == "NOT"
            if negated:
                self.advance()
            operator, constants = self.test()
        return Test(path=path, operator=operator, constants=constants, negated=negated, start=start, end=self.last)

    def usual(self, seen: re.Match[str]) -> Test:
        """Make a comparison of the most frequent form from one match, for speed."""
        object_type, names, symbol, word, literal = seen.groups()
        start, end = seen.span()
        path = ObjectPath(object_type=object_type, steps=tuple(_steps(names, start)), start=start, end=seen.end(2))
        constant = Constant(kind=ConstantKind.STRING, value=_unescaped(literal), start=seen.start(5), end=end)
        self.offset = end
        self.advance()
        return Test(
            path=path,
            operator=_SYMBOLS[symbol] if word is None else _WITH_STRING[word],
            constants=(constant,),
            negated=False,
            start=start,
            end=end,
        )

    def test(self) -> tuple[Operator, tuple[Constant, ...]]:
        """§9.6.1: an operator and its constant."""
        token = self.lexeme
        if token in _SYMBOLS:
            self.advance()
            return _SYMBOLS[token], (self.constant(ordered=token not in {"=", "==", "!=", "<>"}),)
        if token in _WITH_STRING:
            self.advance()
            if self.kind != "string":
                raise self.fail("a string")
            return _WITH_STRING[token], (self.constant(ordered=True),)
        if self.lexeme == "IN":
            self.advance()
            return Operator.IN, self.set()
        raise self.fail("a comparison operator", "write =, !=, <, >, <=, >=, IN, LIKE, MATCHES, ISSUBSET or ISSUPERSET")

    def set(self) -> tuple[Constant, ...]:
        self.take_mark("(")
        found: list[Constant] = []
        if self.lexeme != ")":
            found.append(self.constant(ordered=False))
            while self.lexeme == ",":
                self.advance()
                found.append(self.constant(ordered=False))
        self.take_mark(")")
        return tuple(found)

    def constant(self, *, ordered: bool) -> Constant:
        """§9.2. `ordered`: for an operator that no boolean can stand behind."""
        token, start, end = self.lexeme, self.start, self.offset
        kind = _LITERALS.get(self.kind)
        value: str | int | float | bytes
        if kind is ConstantKind.STRING:
            value = _unescaped(token)
        elif kind is ConstantKind.INTEGER:
            value = int(self.number(token))
        elif kind is ConstantKind.FLOAT:
            value = float(self.number(token))
        elif kind is ConstantKind.TIMESTAMP:
            value = self.moment(token)
        elif kind is ConstantKind.HEX:
            value = bytes.fromhex(token[2:-1])
        elif kind is ConstantKind.BINARY:
            value = binascii.a2b_base64(token[2:-1])
        elif not ordered and token in BOOLEANS:
            kind, value = ConstantKind.BOOLEAN, BOOLEANS[token]
        else:
            prefixed = self.kind == "word" and token in {"t", "h", "b"}
            raise self.fail(
                "a constant", _PREFIXED if prefixed else "put a string into single quotes; true and false have no order"
            )
        self.advance()
        return Constant(kind=kind, value=value, start=start, end=end)

    def timestamp(self) -> str:
        if self.kind != "timestamp":
            raise self.fail("a timestamp", "write t'2016-05-12T08:17:27.5Z', in UTC")
        found = self.moment(self.lexeme)
        self.advance()
        return found

    def moment(self, token: str) -> str:
        """§2.16: the form alone is no date."""
        text = token[2:-1]
        try:
            micros(text)
        except ValueError:
            todo = "correct the day; a leap second is 23:59:60"
            raise _PatternError("this day or second does not exist", self.start, todo) from None
        return text

    def number(self, token: str) -> str:
        if len(token) > MAX_DIGITS:
            raise _PatternError(
                f"a number of more than {MAX_DIGITS} digits", self.start, "write a smaller one", limit=True
            )
        return token

    def path(self, seen: re.Match[str] | None = None) -> ObjectPath:
        """§9.7: object type, colon, properties, list items and dictionary keys; `seen` is what `PATH` finds here."""
        start = self.start
        seen = seen or PATH.match(self.text, start)
        steps: list[Step]
        if seen is not None:
            object_type = seen[1]
            steps = _steps(seen[2], start)
            self.offset = seen.end(2)
            self.advance()
        elif self.kind != "word" or self.lexeme in KEYWORDS:
            raise self.fail("an object type", "begin a comparison with a path, as file:name")
        else:
            object_type = self.lexeme
            self.advance()
            self.take_mark(":")
            steps = [self.property()]
        while self.lexeme in {".", "["}:
            if len(steps) == MAX_STEPS_OF_PATH:
                raise _too_many_steps(start)
            mark = self.lexeme
            self.advance()
            if mark == ".":
                steps.append(self.property())
            else:
                steps.append(self.index())
        return ObjectPath(object_type=object_type, steps=tuple(steps), start=start, end=self.last)

    def index(self) -> int | None:
        found: int | None = None
        if self.lexeme == "*":
            self.advance()
        elif self.kind != "integer" or self.lexeme[0] == "-":
            raise self.fail("an index from 0", "write a number, or * for any item")
        else:
            found = int(self.number(self.lexeme))
            self.advance()
        self.take_mark("]")
        return found

    def property(self) -> str:
        token = self.lexeme
        if self.kind == "string":
            token = _unescaped(token)
        elif self.kind != "word" or "-" in token or token in KEYWORDS:
            raise self.fail(
                "a property (quoted, if it has a hyphen)", "put the name into single quotes: file:hashes.'SHA-256'"
            )
        self.advance()
        return token


def _too_many_steps(offset: int) -> _PatternError:
    what = f"a path of more than {MAX_STEPS_OF_PATH} steps"
    return _PatternError(what, offset, "compare a nearer property", limit=True)


def _steps(names: str, start: int) -> list[Step]:
    """Return the steps of a path that one match found."""
    plain = "'" not in names and "[" not in names
    steps: list[Step] = [*names.split(".")] if plain else [_step(step) for step in STEP.findall(names)]
    if len(steps) > MAX_STEPS_OF_PATH:
        raise _too_many_steps(start)
    return steps


def _step(text: str) -> Step:
    if text[0] == "'":
        return _unescaped(text)
    if text == "*":
        return None
    return int(text) if text[0].isdigit() else text


def _unescaped(token: str) -> str:
    text = token[1:-1]
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _parse(text: str) -> Expression:
    if len(text) > MAX_LENGTH:
        what = f"more than {MAX_LENGTH:,} characters"
        raise _PatternError(what, MAX_LENGTH, "split it into several patterns", limit=True)
    return _Parser(text).pattern()


def parse(text: str) -> Expression:
    """Read a pattern.

    Raises:
        LimitError: it is longer, deeper or more than we read; see the limits above.
        InputError: it is none; `where` is its line and column.
    """
    try:
        return _parse(text)
    except _PatternError as error:
        fault = _fault(text, error)
        raised = LimitError if fault.limit else InputError
        where = f"line {fault.line}, column {fault.column}"
        raise raised(fault.what, where=where, todo=fault.todo) from None


def diagnose(text: str) -> Fault | None:
    """Say what keeps a text from being a STIX pattern; `None` if it is one."""
    try:
        _parse(text)
    except _PatternError as error:
        return _fault(text, error)
    return None


def pattern_error(text: str) -> str | None:
    """Say in one sentence what `diagnose` says, with the place as characters counted from 1; `None` for a pattern."""
    if len(text) <= MAX_LENGTH and SIMPLE.fullmatch(text) is not None:
        return None
    try:
        _parse(text)
    except _PatternError as error:
        return error.what if len(text) > MAX_LENGTH else f"{error.what} at character {error.offset + 1}"
    return None


def _fault(text: str, error: _PatternError) -> Fault:
    ends = [match.end() for match in _LINE_END.finditer(text, 0, error.offset)]
    return Fault(
        offset=error.offset,
        line=len(ends) + 1,
        column=error.offset - (ends[-1] if ends else 0) + 1,
        what=error.what,
        todo=error.todo,
        limit=error.limit,
    )
