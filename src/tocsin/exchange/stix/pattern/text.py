"""From pattern to text (STIX 2.1 §9): one spelling for each pattern, which reads back as the same pattern."""

from __future__ import annotations

import binascii
import re
from decimal import Decimal
from typing import Final

from tocsin.exchange.stix.pattern.lexer import KEYWORDS
from tocsin.exchange.stix.pattern.model import (
    Comparison,
    Constant,
    ConstantKind,
    Expression,
    ExpressionGroup,
    Joiner,
    ObjectPath,
    ObservationExpression,
    Operator,
    Qualifier,
    Repeats,
    Test,
    Within,
)

__all__ = ["to_text"]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BOOLEANS: Final = frozenset({"true", "false"})
# §9.5.3 and §9.6: what binds closer stands higher; an operand that binds no closer than its group needs parentheses
_BINDING: Final = {Joiner.FOLLOWED_BY: 0, Joiner.OR: 1, Joiner.AND: 2}


def to_text(pattern: Expression) -> str:
    """Write a pattern: one space between words, parentheses only where they change the meaning.

    `parse(to_text(p))` is `p` but for the places, and `to_text(parse(to_text(p)))` is `to_text(p)`.
    """
    if isinstance(pattern, ObservationExpression):
        return f"[{_comparison(pattern.comparison)}]"
    if isinstance(pattern, ExpressionGroup):
        parts = [
            f"({to_text(operand)})"
            if isinstance(operand, ExpressionGroup) and _BINDING[operand.joiner] <= _BINDING[pattern.joiner]
            else to_text(operand)
            for operand in pattern.operands
        ]
        return f" {pattern.joiner} ".join(parts)
    inner = to_text(pattern.expression)
    if not isinstance(pattern.expression, ObservationExpression):
        inner = f"({inner})"
    return " ".join([inner, *map(_qualifier, pattern.qualifiers)])


def _qualifier(qualifier: Qualifier) -> str:
    if isinstance(qualifier, Within):
        return f"WITHIN {qualifier.seconds} SECONDS"
    if isinstance(qualifier, Repeats):
        return f"REPEATS {qualifier.times} TIMES"
    return f"START t'{qualifier.begin}' STOP t'{qualifier.stop}'"


def _comparison(comparison: Comparison) -> str:
    if isinstance(comparison, Test):
        return _test(comparison)
    parts = [
        _comparison(operand)
        if isinstance(operand, Test) or _BINDING[operand.joiner] > _BINDING[comparison.joiner]
        else f"({_comparison(operand)})"
        for operand in comparison.operands
    ]
    return f" {comparison.joiner} ".join(parts)


def _test(test: Test) -> str:
    path = _path(test.path)
    if test.operator is Operator.EXISTS:
        return f"NOT EXISTS {path}" if test.negated else f"EXISTS {path}"
    operator = f"NOT {test.operator}" if test.negated else str(test.operator)
    if test.operator is Operator.IN:
        return f"{path} {operator} ({', '.join(map(_constant, test.constants))})"
    return f"{path} {operator} {_constant(test.constants[0])}"


def _path(path: ObjectPath) -> str:
    parts = [path.object_type, ":"]
    for place, step in enumerate(path.steps):
        if isinstance(step, str):
            plain = _NAME.fullmatch(step) is not None and step not in KEYWORDS and step not in _BOOLEANS
            parts.append(("." if place else "") + (step if plain else _quoted(step)))
        else:
            parts.append("[*]" if step is None else f"[{step}]")
    return "".join(parts)


def _constant(constant: Constant) -> str:
    value = constant.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # the grammar knows no exponents, and no float without a point
        text = format(Decimal(repr(value)), "f")
        return text if "." in text else f"{text}.0"
    if isinstance(value, bytes):
        if constant.kind is ConstantKind.HEX:
            return f"h'{value.hex()}'"
        return f"b'{binascii.b2a_base64(value, newline=False).decode()}'"
    return f"t'{value}'" if constant.kind is ConstantKind.TIMESTAMP else _quoted(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
