"""The pattern grammar against stix2-patterns: patterns made from the grammar, and the same with a change."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.exchange.stix.pattern import MAX_LENGTH, MAX_NESTING, pattern_error

antlr4 = pytest.importorskip("antlr4")
antlr4_errors = pytest.importorskip("antlr4.error.ErrorListener")
lexers = pytest.importorskip("stix2patterns.v21.grammars.STIXPatternLexer")
parsers = pytest.importorskip("stix2patterns.v21.grammars.STIXPatternParser")

_paths = st.sampled_from(
    [
        "file:name",
        "file:hashes.'SHA-256'",
        "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
        "email-message:to_refs[*].value",
        "x-acme-thing:some_list[0].a_b",
        "process:child_refs[12].name",
    ]
)
_strings = st.sampled_from(["'x'", "''", r"'it\'s'", r"'a\\b'", "'é😀'", "'[a]'"])
_orderable = _strings | st.sampled_from(["1", "-7", "0", "1.5", "-.5", "h'00ff'", "b'AAAA'", "t'2016-01-01T00:00:00Z'"])
_literals = _orderable | st.sampled_from(["true", "false"])
_not = st.sampled_from(["", " NOT"])
_tests = st.one_of(
    st.builds("{}{} {} {}".format, _paths, _not, st.sampled_from(["=", "!=", "==", "<>"]), _literals),
    st.builds("{}{} {} {}".format, _paths, _not, st.sampled_from(["<", ">", "<=", ">="]), _orderable),
    st.builds("{}{} IN ({})".format, _paths, _not, st.lists(_literals, max_size=3).map(", ".join)),
    st.builds(
        "{}{} {} {}".format, _paths, _not, st.sampled_from(["LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"]), _strings
    ),
    st.builds("{} {}".format, st.sampled_from(["EXISTS", "NOT EXISTS"]), _paths),
)
_comparisons = st.recursive(
    _tests,
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["AND", "OR"]), inner), inner.map("({})".format)
    ),
    max_leaves=4,
)
_qualifiers = st.sampled_from(
    [
        "",
        " REPEATS 5 TIMES",
        " WITHIN 2 SECONDS",
        " WITHIN 0.5 SECONDS",
        " START t'2016-01-01T00:00:00Z' STOP t'2016-01-02T00:00:00.5Z'",
        " REPEATS 2 TIMES WITHIN 3 SECONDS",
    ]
)
_patterns = st.recursive(
    st.builds("[{}]{}".format, _comparisons, _qualifiers),
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["AND", "OR", "FOLLOWEDBY"]), inner),
        st.builds("({}){}".format, inner, _qualifiers),
    ),
    max_leaves=3,
)


# The oracle's parser comes without types.
class _Listener(antlr4_errors.ErrorListener):  # type: ignore[misc, name-defined]
    def syntaxError(self, *_: object) -> None:  # noqa: N802 - their name
        raise SyntaxError


def _accepted(text: str) -> bool:
    """Ask the oracle's grammar alone: what it checks beyond (digests, qualifiers that repeat) has its own cases."""
    lexer = lexers.STIXPatternLexer(antlr4.InputStream(text))
    parser = parsers.STIXPatternParser(antlr4.CommonTokenStream(lexer))
    for each in (lexer, parser):
        each.removeErrorListeners()
        each.addErrorListener(_Listener())
    try:
        parser.pattern()
    except SyntaxError:
        return False
    return True


_quick = settings(
    max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
)


@_quick
@given(text=_patterns)
def test_patterns_of_the_grammar_are_patterns(text: str) -> None:
    assert pattern_error(text) is None
    assert _accepted(text)


# Where we demand more than the grammar writes: §9.5.1 wants numbers above 0, and no list has an item below 0 (§9.7).
_STRICTER = re.compile(
    r"(?:a number above 0|an index from 0(?=, found '-\d+')), found '(?P<number>[^']+)' at character (?P<place>\d+)"
)


def _changed_is_the_same_to_both(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 2))
    changed = (
        text[:at]
        + data.draw(st.sampled_from(["", " ", "'", "[", ")", "AND", "-", "0", ".", "x"]))
        + text[at + length :]
    )
    found = pattern_error(changed)
    while found is not None and (stricter := _STRICTER.search(found)) is not None:
        # the rest of the text is judged with a 1 in the place of that number
        place, number = int(stricter["place"]) - 1, stricter["number"]
        assert changed[place : place + len(number)] == number
        changed = changed[:place] + "1" + changed[place + len(number) :]
        found = pattern_error(changed)
    assert (found is None) == _accepted(changed), found


@_quick
@given(text=_patterns, data=st.data())
def test_patterns_with_one_change_are_the_same_to_both(text: str, data: st.DataObject) -> None:
    _changed_is_the_same_to_both(text, data)


@pytest.mark.long
@settings(_quick, max_examples=20_000)
@given(text=_patterns, data=st.data())
def test_many_patterns_with_one_change_are_the_same_to_both(text: str, data: st.DataObject) -> None:
    _changed_is_the_same_to_both(text, data)


def test_nesting_and_length_are_bounded() -> None:
    inner = "[a:b = 1]"
    assert pattern_error("(" * MAX_NESTING + inner + ")" * MAX_NESTING) is None
    assert "parentheses" in str(pattern_error("(" * 100_000 + inner + ")" * 100_000))
    assert "characters" in str(pattern_error("x" * (MAX_LENGTH + 1)))


def test_a_qualifier_comes_once() -> None:
    """§9.5.1: not more than one of a kind on one expression."""
    assert pattern_error("[a:b = 1] REPEATS 2 TIMES WITHIN 5 SECONDS") is None
    assert "twice" in str(pattern_error("[a:b = 1] REPEATS 2 TIMES WITHIN 5 SECONDS REPEATS 3 TIMES"))
    assert "twice" in str(pattern_error("([a:b = 1] AND [c:d = 1]) WITHIN 2 SECONDS WITHIN 2 SECONDS"))
    assert pattern_error("([a:b = 1] WITHIN 2 SECONDS) WITHIN 2 SECONDS") is None


def test_the_place_is_told() -> None:
    assert pattern_error("[file:name = 'a' AND]") == "expected an object type, found ']' at character 21"
    assert pattern_error("[file:name = 'a") == "no word, literal or sign of the pattern language at character 14"
    assert pattern_error("") == "expected '[', found the end at character 1"
