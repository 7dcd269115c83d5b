"""What is strange about a pattern that is one: parts that can match nothing, and what is not supported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.errors import InputError
from tocsin.exchange.stix.pattern.model import (
    Comparison,
    Expression,
    Joiner,
    ObservationExpression,
    Operator,
    Qualified,
    StartStop,
    Test,
)
from tocsin.exchange.stix.pattern.observed import instant
from tocsin.exchange.stix.pattern.values import is_network, predicate

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Note", "notes", "object_types"]


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One remark on the part of the pattern from `start` to `end`."""

    start: int
    end: int
    what: str


def notes(pattern: Expression) -> tuple[Note, ...]:
    """Say what a writer may not have meant, in the order of the text. A pattern with notes is valid all the same."""
    found = [note for expression in _expressions(pattern) for note in _strange(expression)]
    return tuple(sorted(found, key=lambda note: (note.start, note.end)))


def object_types(pattern: Expression) -> tuple[str, ...]:
    """Give the types of objects that the pattern asks about, sorted."""
    expressions = (one for one in _expressions(pattern) if isinstance(one, ObservationExpression))
    return tuple(sorted({test.path.object_type for one in expressions for test in _tests(one.comparison)}))


def _expressions(pattern: Expression) -> Iterator[Expression]:
    waiting = [pattern]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, Qualified):
            waiting.append(one.expression)
        elif not isinstance(one, ObservationExpression):
            waiting.extend(one.operands)


def _tests(comparison: Comparison) -> Iterator[Test]:
    waiting = [comparison]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Test):
            yield one
        else:
            waiting.extend(one.operands)


def _strange(expression: Expression) -> Iterator[Note]:
    if isinstance(expression, ObservationExpression):
        _possible, found = _types(expression.comparison)
        yield from found
        for test in _tests(expression.comparison):
            yield from _test(test)
    elif isinstance(expression, Qualified):
        for qualifier in expression.qualifiers:
            if isinstance(qualifier, StartStop) and instant(qualifier.begin) >= instant(qualifier.stop):
                what = "START is not before STOP, so nothing is between them"
                yield Note(start=qualifier.start, end=qualifier.end, what=what)


def _types(comparison: Comparison) -> tuple[frozenset[str], list[Note]]:
    """Tell the types of objects that can satisfy a comparison, and where there can be none (§9.5: AND is of one)."""
    if isinstance(comparison, Test):
        return frozenset({comparison.path.object_type}), []
    parts = [_types(operand) for operand in comparison.operands]
    found = [note for _types_, inner in parts for note in inner]
    if comparison.joiner is Joiner.OR:
        return frozenset().union(*(types for types, _ in parts)), found
    types = frozenset.intersection(*(types for types, _ in parts))
    if not types and not found:
        what = "AND joins comparisons of different types of objects, and no object is of both"
        found.append(Note(start=comparison.start, end=comparison.end, what=what))
    return types, found


def _test(test: Test) -> Iterator[Note]:
    if test.operator is Operator.MATCHES:
        try:
            predicate(test)
        except InputError as error:
            yield Note(start=test.start, end=test.end, what=f"{error.what}; {error.todo}")
    elif test.operator in {Operator.IS_SUBSET, Operator.IS_SUPERSET} and not is_network(test.constants[0].value):
        what = f"{test.operator} compares with an IPv4 or IPv6 address or CIDR block, and this is none"
        yield Note(start=test.start, end=test.end, what=what)
    elif test.operator is Operator.IN and not test.constants:
        yield Note(start=test.start, end=test.end, what="nothing is in an empty set")
