"""Comparing one value with constants (STIX 2.1 §9.6): types, order, wildcards, expressions, networks."""

from __future__ import annotations

import binascii
import ipaddress
import operator
import re
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias

import re2

from tocsin.errors import InputError, LimitError
from tocsin.exchange.stix.pattern.model import Constant, ConstantKind, Operator, Test
from tocsin.exchange.stix.pattern.observed import instant
from tocsin.kernel.text import normal

__all__ = ["MAX_EXPRESSION_MEMORY", "MAX_SEARCHED", "Predicate", "is_network", "native", "predicate"]

MAX_EXPRESSION_MEMORY: Final = 1 << 20
"""Bytes that one compiled regular expression may take: its time per character grows with it."""

MAX_SEARCHED: Final = 4_000_000
"""Characters in which LIKE and MATCHES search: all but the payloads of artifacts, and RE2 takes them in a second."""

Predicate: TypeAlias = Callable[[object], bool]
"""Whether one value of the path satisfies the test."""

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_CIDR: Final = re.compile(r"[0-9A-Fa-f.:]{2,45}(?:/[0-9]{1,3})?")
_ORDER: Final[dict[Operator, Callable[[Any, Any], bool]]] = {
    Operator.LESS: operator.lt,
    Operator.GREATER: operator.gt,
    Operator.LESS_OR_EQUAL: operator.le,
    Operator.GREATER_OR_EQUAL: operator.ge,
}
_LATIN: Final = 256


class _Expression(Protocol):
    """A compiled regular expression; RE2's bindings come without types."""

    def search(self, text: str | bytes) -> object:
        """Give a match, or None."""


def native(name: str, value: object) -> object:
    """Give a property's value in its own form (§9.6.4): `_hex` and `_bin` are the bytes that they encode."""
    if isinstance(value, str):
        try:
            if name.endswith("_hex"):
                return binascii.a2b_hex(value)
            if name.endswith("_bin"):
                return binascii.a2b_base64(value, strict_mode=True)
        except (binascii.Error, ValueError):
            return value
    return value


def predicate(test: Test) -> Predicate:
    """Make the test of one value. It is negated as a whole by NOT: incompatible types are unequal, and so NOT equal.

    Raises:
        InputError: a regular expression that RE2 does not know; `where` is its place in the pattern.
        LimitError: a regular expression that is too large.
    """
    found = _plain(test)
    if not test.negated:
        return found
    return lambda value: not found(value)


def _plain(test: Test) -> Predicate:
    if test.operator is Operator.EXISTS:
        return lambda _value: True
    if test.operator is Operator.IN:
        equals = [_equal(constant) for constant in test.constants]
        return lambda value: any(equal(value) for equal in equals)
    (constant,) = test.constants
    if test.operator is Operator.EQUAL:
        return _equal(constant)
    if test.operator is Operator.NOT_EQUAL:
        equal = _equal(constant)
        return lambda value: not equal(value)
    if test.operator in _ORDER:
        return _ordered(constant, _ORDER[test.operator])
    if test.operator is Operator.LIKE:
        return _searches(constant, _wildcards(str(constant.value)))
    if test.operator is Operator.MATCHES:
        return _searches(constant, normal("NFC", str(constant.value)))
    return _network_test(constant, subset=test.operator is Operator.IS_SUBSET)


def _equal(constant: Constant) -> Predicate:
    return _ordered(constant, operator.eq)


def _ordered(constant: Constant, compare: Callable[[Any, Any], bool]) -> Predicate:
    """Compare where the types can be compared; where not, nothing is equal, greater or less."""
    pairs = _comparable(constant)

    def compared(value: object) -> bool:
        found = pairs(value)
        return found is not None and compare(*found)

    return compared


def _comparable(constant: Constant) -> Callable[[object], tuple[object, object] | None]:
    """Bring a value and the constant to one type, or say that there is none (§9.6, §9.6.2, §9.6.3)."""
    right = constant.value
    if constant.kind is ConstantKind.BOOLEAN:
        return lambda value: (value, right) if isinstance(value, bool) else None
    if constant.kind in {ConstantKind.INTEGER, ConstantKind.FLOAT}:
        return lambda value: (value, right) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if constant.kind is ConstantKind.TIMESTAMP:
        moment = instant(str(right))
        return lambda value: None if (at := _instant(value)) is None else (at, moment)
    octets = right if isinstance(right, bytes) else _octets(right)

    def strings(value: object) -> tuple[object, object] | None:
        if isinstance(value, str) and isinstance(right, str):
            return value, right
        left = value if isinstance(value, bytes) else _octets(value)
        return None if left is None or octets is None else (left, octets)

    return strings


def _instant(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return instant(value)
    except ValueError:
        return None


def _octets(value: object) -> bytes | None:
    """§9.6.3: a string is compared with binary when each of its code points is one octet."""
    try:
        return value.encode("latin-1") if isinstance(value, str) else None
    except UnicodeEncodeError:
        return None


def _wildcards(text: str) -> str:
    """§9.6.1, LIKE: `%` stands for any characters, `_` for one; the whole value has to be alike."""
    parts = [".*" if char == "%" else "." if char == "_" else re2.escape(char) for char in _normal(text)]
    return f"\\A(?:{''.join(parts)})\\z"


def _normal(text: str) -> str:
    return normal("NFC", text)


def _searches(constant: Constant, expression: str) -> Predicate:
    """Search text in Normalization Form C, `.` standing for line ends, too; binary as its octets (§9.6.1)."""
    searched = _compiled(constant, expression, octets=False)
    binary = _compiled(constant, expression, octets=True) if all(ord(char) < _LATIN for char in expression) else None

    def found(value: object) -> bool:
        if not isinstance(value, str | bytes):
            return False
        if len(value) > MAX_SEARCHED:
            raise LimitError(
                f"a value of {len(value):,} characters is more than LIKE and MATCHES search in",
                todo="compare a hash of it instead",
            )
        if isinstance(value, str):
            return searched.search(_normal(value)) is not None
        return binary is not None and binary.search(value) is not None

    return found


def _compiled(constant: Constant, expression: str, *, octets: bool) -> _Expression:
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    options.max_mem = MAX_EXPRESSION_MEMORY
    options.encoding = re2.Options.Encoding.LATIN1 if octets else re2.Options.Encoding.UTF8
    try:
        found: _Expression = re2.compile(expression.encode("latin-1") if octets else expression, options)
    except re2.error as error:
        where = f"character {constant.start + 1}"
        said = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        if "too large" in said or "repetition size" in said:
            raise LimitError(f"the expression is too large: {said}", where=where, todo="repeat less in it") from error
        raise InputError(
            f"the expression is not supported here: {said}",
            where=where,
            todo="write it without look-around, back references, possessive and atomic groups: RE2 has none",
        ) from error
    return found


def _network_test(constant: Constant, *, subset: bool) -> Predicate:
    """§9.6.1, ISSUBSET and ISSUPERSET: both sides are addresses or CIDR blocks, and of one version."""
    right = _network(str(constant.value))

    def compared(value: object) -> bool:
        left = _network(value)
        if left is None or right is None or left.version != right.version:
            return False
        inner, outer = (left, right) if subset else (right, left)
        return inner.prefixlen >= outer.prefixlen and int(inner.network_address) & int(outer.netmask) == int(
            outer.network_address
        )

    return compared


def is_network(value: object) -> bool:
    """Tell whether a value is an address or CIDR block of IPv4 or IPv6."""
    return _network(value) is not None


def _network(value: object) -> _Network | None:
    if not isinstance(value, str) or _CIDR.fullmatch(value) is None:
        return None
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        return None
