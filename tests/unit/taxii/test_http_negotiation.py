"""Laws of media types and of Accept; what real clients send is in the conformance tests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.exchange.taxii.wire import DIALECT, TAXII, TAXII_TYPE
from tocsin.kernel.http.negotiation import MediaType, accepts, parse_media_type

OFFERED = DIALECT.offered

TYPES = {
    "a type": ("text/html", MediaType(type="text", subtype="html")),
    "a parameter": ("a/b;c=d", MediaType(type="a", subtype="b", parameters=(("c", "d"),))),
    "spaces": (" a/b ; c=d ; e=f ", MediaType(type="a", subtype="b", parameters=(("c", "d"), ("e", "f")))),
    "quotes": ('a/b;c="d;e"', MediaType(type="a", subtype="b", parameters=(("c", "d;e"),))),
    "capitals": ("A/B;C=D", MediaType(type="a", subtype="b", parameters=(("c", "D"),))),
    "an empty parameter": ("a/b;", MediaType(type="a", subtype="b")),
    "nothing": ("", None),
    "one half": ("text", None),
    "three parts": ("a/b/c", None),
    "a parameter without a value": ("a/b;c", None),
    "a quote without an end": ('a/b;c="d', None),
    "a space inside": ("a /b", None),
}


@pytest.mark.parametrize("case", TYPES.values(), ids=TYPES.keys())
def test_parse_media_type(case: tuple[str, MediaType | None]) -> None:
    text, expected = case
    assert parse_media_type(text) == expected


RANGES = st.sampled_from(
    [
        TAXII,
        "application/taxii+json",
        "application/json",
        "*/*",
        "application/*",
        "text/html",
        "application/taxii+json;q=0",
        "*/*;q=0",
        "application/json;q=0",
        "application/taxii+json;version=2.0",
        "junk",
        "application/json;q=0.5",
    ]
)


@given(st.text())
def test_any_text_has_an_answer(header: str) -> None:
    assert accepts(header, OFFERED) in {True, False}
    found = parse_media_type(header)
    assert found is None or found.name == found.name.lower()


@given(st.lists(RANGES, min_size=1, max_size=6).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_of_ranges_does_not_matter(case: tuple[list[str], list[str]]) -> None:
    one, other = case
    assert accepts(",".join(one), OFFERED) == accepts(",".join(other), OFFERED)


@given(st.lists(RANGES, min_size=1, max_size=6))
def test_asking_for_what_we_send_always_gets_it(some: list[str]) -> None:
    assert accepts(",".join([*some, TAXII]), OFFERED)


@given(st.lists(RANGES, min_size=1, max_size=6))
def test_refusing_everything_gets_nothing(some: list[str]) -> None:
    unwanted = [f"{one.split(';q=')[0]};q=0" for one in some]
    assert not accepts(",".join(unwanted), OFFERED)


@given(st.lists(RANGES, max_size=4))
def test_a_range_more_specific_decides(some: list[str]) -> None:
    wide = [one for one in some if one.startswith("*/*")]
    assert not accepts(",".join([*wide, f"{TAXII};q=0"]), (TAXII_TYPE,))
    assert accepts(",".join([*wide, "application/taxii+json"]), (TAXII_TYPE,))
