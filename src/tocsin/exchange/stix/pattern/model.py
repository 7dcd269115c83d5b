"""A STIX pattern as a value (STIX 2.1 §9): frozen, with the place in the text that each part came from.

Every node has `start` and `end`: offsets into the text in characters, the end exclusive. They belong to the text and
not to the meaning: two spellings of one pattern differ in nothing else.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

__all__ = [
    "Comparison",
    "ComparisonGroup",
    "Constant",
    "ConstantKind",
    "Expression",
    "ExpressionGroup",
    "Fault",
    "Joiner",
    "ObjectPath",
    "ObservationExpression",
    "Operator",
    "Qualified",
    "Qualifier",
    "Repeats",
    "StartStop",
    "Step",
    "Test",
    "Within",
]


class ConstantKind(StrEnum):
    """The types of constants (§9.2)."""

    BINARY = "binary"
    BOOLEAN = "boolean"
    FLOAT = "float"
    HEX = "hex"
    INTEGER = "integer"
    STRING = "string"
    TIMESTAMP = "timestamp"


class Operator(StrEnum):
    """The comparison operators (§9.6.1)."""

    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER_OR_EQUAL = ">="
    IN = "IN"
    LIKE = "LIKE"
    MATCHES = "MATCHES"
    IS_SUBSET = "ISSUBSET"
    IS_SUPERSET = "ISSUPERSET"
    EXISTS = "EXISTS"


class Joiner(StrEnum):
    """What joins comparisons (`AND`, `OR`) and observation expressions (all three), §9.5 and §9.5.2."""

    AND = "AND"
    OR = "OR"
    FOLLOWED_BY = "FOLLOWEDBY"


class _Node(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Any part of a pattern."""

    start: int
    end: int


class Constant(_Node, frozen=True, kw_only=True, gc=False):
    """A constant: its kind, and its value with escapes resolved.

    The value is `bytes` for binary and hex; a timestamp stays text, as it may be more precise than a clock.
    """

    kind: ConstantKind
    value: str | int | float | bytes


Step: TypeAlias = str | int | None
"""One step of a path: the name of a property or key, the index of a list item, or None for `*` (every item)."""


class ObjectPath(_Node, frozen=True, kw_only=True, gc=False):
    """An object path (§9.7): the type of object that it starts from, and at least one step, the first a name."""

    object_type: str
    steps: tuple[Step, ...]


class Test(_Node, frozen=True, kw_only=True, gc=False):
    """One comparison (§9.6). `constants`: one; none for EXISTS; any number for IN. `negated`: with NOT."""

    path: ObjectPath
    operator: Operator
    constants: tuple[Constant, ...]
    negated: bool


class ComparisonGroup(_Node, frozen=True, kw_only=True, gc=False):
    """Two or more comparisons joined by AND or OR."""

    joiner: Joiner
    operands: tuple[Comparison, ...]


Comparison: TypeAlias = Test | ComparisonGroup


class ObservationExpression(_Node, frozen=True, kw_only=True, gc=False):
    """Comparisons in square brackets: what one observation has to satisfy (§9.5)."""

    comparison: Comparison


class ExpressionGroup(_Node, frozen=True, kw_only=True, gc=False):
    """Two or more observation expressions joined by AND, OR or FOLLOWEDBY (§9.5.2)."""

    joiner: Joiner
    operands: tuple[Expression, ...]


class Within(_Node, frozen=True, kw_only=True, gc=False):
    """`WITHIN x SECONDS`. `seconds` is a positive decimal number as written, so that it stays exact."""

    seconds: str


class Repeats(_Node, frozen=True, kw_only=True, gc=False):
    """`REPEATS x TIMES`, at least once."""

    times: int


class StartStop(_Node, frozen=True, kw_only=True, gc=False):
    """`START t STOP t`: both timestamps as text."""

    begin: str
    stop: str


Qualifier: TypeAlias = Within | Repeats | StartStop


class Qualified(_Node, frozen=True, kw_only=True, gc=False):
    """An expression with qualifiers (§9.5.1), at most one of each kind; each applies to all that stands before it."""

    expression: ObservationExpression | ExpressionGroup | Qualified
    qualifiers: tuple[Qualifier, ...]


Expression: TypeAlias = ObservationExpression | ExpressionGroup | Qualified


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps a text from being a pattern. `offset` is in characters from 0, `line` and `column` count from 1.

    `limit` tells that the text may be a pattern, but is more than we read.
    """

    offset: int
    line: int
    column: int
    what: str
    todo: str
    limit: bool = False
