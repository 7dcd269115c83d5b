"""One value, one form, one digest."""

from __future__ import annotations

import json
import math
from typing import Any, Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tocsin.errors import InputError
from tocsin.kernel.canonical import canonical_json, digest

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LARGEST: Final = 2**53 - 1  # RFC 8785 §3.2.2.3: a number is a double; beyond, whole ones look like integers
numbers = st.integers(-LARGEST, LARGEST) | st.floats(-LARGEST, LARGEST, allow_nan=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def _shuffled(value: Any) -> Any:  # noqa: ANN401  any JSON
    """Return the same value with the names of its objects in another order."""
    if isinstance(value, dict):
        return {key: _shuffled(value[key]) for key in reversed(value)}
    return [_shuffled(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_it_is_json_of_the_same_value(value: Any) -> None:  # noqa: ANN401  any JSON
    assert json.loads(canonical_json(value)) == value


@given(values)
def test_it_is_its_own_form(value: Any) -> None:  # noqa: ANN401  any JSON
    written = canonical_json(value)
    assert canonical_json(json.loads(written)) == written


@given(values)
def test_the_order_of_names_does_not_matter(value: Any) -> None:  # noqa: ANN401  any JSON
    assert canonical_json(_shuffled(value)) == canonical_json(value)


@given(values, values)
def test_different_values_differ(one: Any, other: Any) -> None:  # noqa: ANN401  any JSON
    assume(json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True))
    assume(one != other)
    assert canonical_json(one) != canonical_json(other)
    assert digest("tocsin/test", one) != digest("tocsin/test", other)


# RFC 8785 §3.2.2 to §3.2.4 and appendix B
FORMS: Final[dict[bytes, Any]] = {
    b'{"a":1,"b":2}': {"b": 2, "a": 1},
    b"1e+30": 1e30,
    b"4.5": 4.50,
    b"0.002": 2e-3,
    b"1e-27": 1e-27,
    b"333333333.3333333": 333333333.33333329,
    b"0": -0.0,
    '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode(): '\u20ac$\u000f\u000aA\'B"\\\\"/',
    # names by UTF-16 units: U+1F600 before U+FB33
    '{"\r":1,"1":2,"\u0080":3,"ö":4,"€":5,"😀":6,"\ufb33":7}'.replace("\r", "\\r").encode(): {
        "€": 5,
        "\r": 1,
        "\ufb33": 7,
        "1": 2,
        "😀": 6,
        "\u0080": 3,
        "ö": 4,
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_the_rfc(form: bytes) -> None:
    assert canonical_json(FORMS[form]) == form


WITHOUT: Final[dict[str, Any]] = {
    "NaN": math.nan,
    "infinity": math.inf,
    "an integer that a double cannot hold": 2**53,
    "a lone surrogate": "\ud800",
    "a lone surrogate as a name": {"\udfff": 1},
}


@pytest.mark.parametrize("case", WITHOUT)
def test_what_has_no_form(case: str) -> None:
    with pytest.raises(InputError, match="no canonical JSON form"):
        canonical_json([WITHOUT[case]])


def test_domains_keep_digests_apart() -> None:
    assert digest("tocsin/a", 1) != digest("tocsin/b", 1)
    assert len(digest("tocsin/a", 1)) == 32
