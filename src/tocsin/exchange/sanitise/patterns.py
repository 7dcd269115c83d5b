"""Patterns of sanitised indicators: written anew, in our spelling, or refused where they ask what is not published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.errors import InputError
from tocsin.exchange.stix.pattern import parse, to_text
from tocsin.exchange.stix.pattern.model import (
    ConstantKind,
    ObservationExpression,
    Qualified,
    StartStop,
    Test,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.exchange.stix.pattern.model import Comparison, Expression
    from tocsin.scrub.model import Plan

__all__ = ["rewritten"]

# What they hold cannot be looked through, nor can anybody see who is named in it.
_OPAQUE: Final = frozenset({ConstantKind.BINARY, ConstantKind.HEX})


def rewritten(text: str, plan: Plan) -> str:
    """Return a pattern in the one spelling that says the same: how its writer spaces and brackets goes.

    Raises:
        InputError: it is no STIX pattern, asks about objects or properties that the plan does not publish, says when
            something was seen, or holds bytes.
    """
    try:
        pattern = parse(text)
    except InputError as error:
        raise InputError(
            "its pattern is no STIX pattern, and no other is looked through", where="pattern", todo="write it in STIX"
        ) from error
    for test in _tests(pattern):
        asked = test.path.steps[0]
        if asked not in plan.paths.get(test.path.object_type, ()):
            what = f"its pattern asks for {test.path.object_type}:{asked}, which is not published under this plan"
            raise InputError(what[:200], where="pattern", todo="share an indicator of its own without that")
        if any(constant.kind in _OPAQUE for constant in test.constants):
            raise InputError("its pattern holds bytes", where="pattern", todo="write them as text")
    return to_text(pattern)


def _tests(pattern: Expression) -> Iterator[Test]:
    """Yield each comparison.

    Raises:
        InputError: a qualifier says when it was seen.
    """
    waiting: list[Expression | Comparison] = [pattern]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Test):
            yield one
        elif isinstance(one, ObservationExpression):
            waiting.append(one.comparison)
        elif isinstance(one, Qualified):
            if any(isinstance(qualifier, StartStop) for qualifier in one.qualifiers):
                raise InputError("its pattern says when it was seen", where="pattern", todo="leave START and STOP out")
            waiting.append(one.expression)
        else:
            waiting.extend(one.operands)
