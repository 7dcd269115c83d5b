"""Patterns, case by case: what is a fault and where, what compares with what, what is bounded."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import pytest

from support.patterns import SECOND, bundle, observed_data, sco
from tocsin.errors import InputError, LimitError
from tocsin.exchange.stix.pattern import (
    MAX_LENGTH,
    MAX_NESTING,
    Match,
    Observed,
    diagnose,
    match,
    notes,
    object_types,
    parse,
    pattern_error,
    to_text,
)
from tocsin.exchange.stix.pattern.observed import UNITS, instant
from tocsin.exchange.stix.pattern.parser import MAX_DIGITS, MAX_STEPS_OF_PATH
from tocsin.exchange.stix.pattern.plan import MAX_COPIES, MAX_DEPTH
from tocsin.exchange.stix.pattern.values import MAX_SEARCHED
from tocsin.exchange.stix.pattern.wire import read_observations

# --- faults -----------------------------------------------------------------------------------------------------------

# name: text, line, column, what is said
FAULTS: Final[dict[str, tuple[str, int, int, str]]] = {
    "nothing": ("", 1, 1, "expected '[', found the end"),
    "no brackets": ("file:name = 'a'", 1, 1, "expected '[', found 'file'"),
    "no constant": ("[file:name = ]", 1, 14, "expected a constant, found ']'"),
    "on the second line": ("[file:name = 'a'\n AND ]", 2, 6, "expected an object type, found ']'"),
    "after a Windows line end": ("[file:name\r\n= ]", 2, 3, "expected a constant, found ']'"),
    "a string without end": ("[file:name = 'a]", 1, 14, "no word, literal or sign of the pattern language"),
    "a comment without end": ("[file:name /* = 'a']", 1, 12, "no word, literal or sign of the pattern language"),
    "an escape that is none": (r"[file:name = 'a\n']", 1, 14, "no word, literal or sign of the pattern language"),
    "a hyphen in a property": ("[file:hashes.SHA-256 = 'a']", 1, 14, "expected a property (quoted"),
    "no operator": ("[file:name 'a']", 1, 12, "expected a comparison operator, found"),
    "an order of booleans": ("[a:b > true]", 1, 8, "expected a constant, found 'true'"),
    "LIKE a number": ("[a:b LIKE 5]", 1, 11, "expected a string, found '5'"),
    "a qualifier twice": ("[a:b = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS", 1, 28, "the qualifier WITHIN comes twice"),
    "repeated never": ("[a:b = 1] REPEATS 0 TIMES", 1, 19, "expected a number above 0, found '0'"),
    "repeated a bit": ("[a:b = 1] REPEATS 1.5 TIMES", 1, 19, "expected an integer, found '1.5'"),
    "within no time": ("[a:b = 1] WITHIN 0.0 SECONDS", 1, 18, "expected a number above 0, found '0.0'"),
    "within less": ("[a:b = 1] WITHIN -1 SECONDS", 1, 18, "expected a positive number, found '-1'"),
    "from a string": ("[a:b = 1] START '2020-01-01' STOP '2021-01-01'", 1, 17, "expected a timestamp, found"),
    "a day that is none": ("[a:b = t'2021-02-29T00:00:00Z']", 1, 8, "this day or second does not exist"),
    "an index below 0": ("[a:b[-1] = 1]", 1, 6, "expected an index from 0, found '-1'"),
    "half a byte": ("[a:b = h'0']", 1, 8, "expected a constant, found 'h'"),
    "base64 without its padding": ("[a:b = b'YQ']", 1, 8, "expected a constant, found 'b'"),
    "leading zeros": ("[a:b = 007]", 1, 8, "no word, literal or sign of the pattern language"),
    "something after the end": (
        "[a:b = 1] [c:d = 2]",
        1,
        11,
        "expected an operator, a qualifier or the end, found '['",
    ),
    "NOT without EXISTS": ("[NOT a:b = 1]", 1, 6, "expected EXISTS, found 'a'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_its_place_and_what_to_do(name: str) -> None:
    text, line, column, what = FAULTS[name]
    fault = diagnose(text)
    assert fault is not None
    assert (fault.line, fault.column) == (line, column)
    assert fault.what.startswith(what)
    assert fault.todo


SPELLINGS: Final = {
    "[a:b == 1]": "[a:b = 1]",
    "[a:b <> 'x']": "[a:b != 'x']",
    "[ a:b\n=\t1 /* one */ ] // end": "[a:b = 1]",
    "[(a:b = 1)]": "[a:b = 1]",
    "([a:b = 1])": "[a:b = 1]",
    "[(a:b = 1 AND c:d = 2) OR e:f = 3]": "[a:b = 1 AND c:d = 2 OR e:f = 3]",
    "[a:b = 1 AND (c:d = 2 OR e:f = 3)]": "[a:b = 1 AND (c:d = 2 OR e:f = 3)]",
    "[a:b = 1] AND ([c:d = 2] AND [e:f = 3])": "[a:b = 1] AND ([c:d = 2] AND [e:f = 3])",
    "([a:b = 1] OR [c:d = 2]) FOLLOWEDBY [e:f = 3]": "[a:b = 1] OR [c:d = 2] FOLLOWEDBY [e:f = 3]",
    "[a:'b'.'c-d'.'AND' = +1.50]": "[a:b.'c-d'.'AND' = 1.5]",
    "[a:b = h'00FF' OR a:b = b'YQ==']": "[a:b = h'00ff' OR a:b = b'YQ==']",
    r"[a:b = 'it\'s \\ here']": r"[a:b = 'it\'s \\ here']",
    "[a:b = .0000001]": "[a:b = 0.0000001]",
    "([a:b = 1] WITHIN 5 SECONDS) WITHIN .5 SECONDS": "([a:b = 1] WITHIN 5 SECONDS) WITHIN .5 SECONDS",
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_there_is_one_spelling(text: str) -> None:
    assert to_text(parse(text)) == SPELLINGS[text]


# --- comparing --------------------------------------------------------------------------------------------------------

THING: Final[dict[str, Any]] = {
    "type": "thing",
    "text": "Grüße",
    "apart": "Gru\u0308ße",
    "whole": 7,
    "real": 0.5,
    "yes": True,
    "when": "2020-01-01T00:00:00.50Z",
    "payload_bin": "AGE=",
    "digest_hex": "00FF",
    "net": "198.51.100.64/26",
    "net6": "2001:db8::/32",
    "list": ["a", "b", ["c"]],
    "map": {"a.b": {"it's": 1}},
    "self_ref": "thing--0",
    "many_refs": ["thing--0", "thing--1", "thing--9"],
    "zero": None,
}
OTHER: Final[dict[str, Any]] = {"type": "other", "name": "o", "self_ref": "thing--0"}

# comparison: whether it holds
COMPARISONS: Final[dict[str, bool]] = {
    # §9.6: types
    "thing:whole = 7": True,
    "thing:whole = 7.0": True,
    "thing:whole = '7'": False,
    "thing:whole != '7'": True,
    "thing:whole NOT = '7'": True,
    "thing:whole > '6'": False,
    "thing:whole >= 7": True,
    "thing:whole < 7.5": True,
    "thing:real IN (1, 0.5)": True,
    "thing:real NOT IN (1, 0.5)": False,
    "thing:real IN ()": False,
    "thing:yes = true": True,
    "thing:yes = 1": False,
    "thing:whole != true": True,
    "thing:when = t'2020-01-01T00:00:00.5Z'": True,
    "thing:when > t'2020-01-01T00:00:00.499999999999Z'": True,
    "thing:when = '2020-01-01T00:00:00.5Z'": False,
    "thing:text = t'2020-01-01T00:00:00Z'": False,
    # §9.6.2: code points, no normalisation
    "thing:text = 'Grüße'": True,
    "thing:apart = 'Grüße'": False,
    "thing:apart < 'Grüße'": True,
    # §9.6.1: LIKE and MATCHES in Normalization Form C
    "thing:apart LIKE 'Gr_ße'": True,
    "thing:apart MATCHES '^Gr.ße$'": True,
    "thing:text LIKE 'gr%'": False,
    "thing:text LIKE '%'": True,
    "thing:text LIKE 'Gr'": False,
    "thing:text LIKE '.....'": False,
    "thing:text MATCHES 'rü'": True,
    "thing:whole LIKE '%'": False,
    "thing:whole NOT LIKE '%'": True,
    # §9.6.3, §9.6.4: binary is its octets
    "thing:payload_bin = h'0061'": True,
    "thing:payload_bin = b'AGE='": True,
    "thing:payload_bin = 'AGE='": False,
    "thing:payload_bin = '\0a'": True,
    "thing:payload_bin = '\u0100'": False,
    "thing:payload_bin != '\u0100'": True,
    "thing:payload_bin < h'0062'": True,
    "thing:payload_bin MATCHES 'a$'": True,
    "thing:payload_bin LIKE '_a'": True,
    "thing:payload_bin MATCHES '\u0100'": False,
    "thing:digest_hex = h'00ff'": True,
    "thing:digest_hex = '\0ÿ'": True,
    "thing:text = h'00'": False,
    # §9.6.1: networks
    "thing:net ISSUBSET '198.51.100.0/24'": True,
    "thing:net ISSUBSET '198.51.100.64/26'": True,
    "thing:net ISSUPERSET '198.51.100.64/26'": True,
    "thing:net ISSUPERSET '198.51.100.65'": True,
    "thing:net ISSUBSET '198.51.100.65'": False,
    "thing:net ISSUBSET '0.0.0.0/0'": True,
    "thing:net ISSUBSET '::/0'": False,
    "thing:net6 ISSUBSET '2001::/16'": True,
    "thing:net6 ISSUPERSET '2001:db8::1'": True,
    "thing:net ISSUBSET '198.51.100.0/255.255.255.0'": False,
    "thing:text NOT ISSUBSET '0.0.0.0/0'": True,
    # §9.7: paths
    "thing:list[0] = 'a'": True,
    "thing:list[9] = 'a'": False,
    "thing:list[*] = 'b'": True,
    "thing:list[*] != 'b'": True,
    "thing:list[2][0] = 'c'": True,
    "thing:list = 'a'": False,
    "thing:text[0] = 'G'": False,
    r"thing:map.'a.b'.'it\'s' = 1": True,
    "thing:nothing = 'a'": False,
    "thing:nothing != 'a'": False,
    "thing:nothing NOT = 'a'": False,
    "EXISTS thing:map.'a.b'": True,
    "EXISTS thing:zero": False,
    "NOT EXISTS thing:nothing": True,
    "NOT EXISTS nothing:nothing": False,
    # §9.7.4: references
    "thing:self_ref.self_ref.self_ref.whole = 7": True,
    "thing:self_ref = 'thing--0'": True,
    "thing:many_refs[*].name = 'o'": True,
    "thing:many_refs[1].name = 'o'": True,
    "thing:many_refs[2].name = 'o'": False,
    "thing:many_refs.name = 'o'": False,
    "thing:many_refs[*] = 'thing--9'": True,
    # §9.5: one object
    "thing:whole = 7 AND other:name = 'o'": False,
    "thing:whole = 8 OR other:name = 'o'": True,
    "thing:whole = 7 AND thing:many_refs[*].name = 'o'": True,
    "thing:whole = 8 AND thing:real = 0.5 OR thing:yes = true": True,
    "thing:whole = 8 AND (thing:real = 0.5 OR thing:yes = true)": False,
}


def observed(second: int = 0, *, count: int = 1, name: str = "") -> Observed:
    known = {"thing--0": THING, "thing--1": OTHER}
    return Observed(
        id=name or f"observed-data--{second}", at=second * UNITS, count=count, objects=(THING, OTHER), known=known
    )


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_a_comparison_holds_as_the_specification_says(comparison: str) -> None:
    assert match(parse(f"[{comparison}]"), [observed()]).matched == COMPARISONS[comparison]


# --- in time ----------------------------------------------------------------------------------------------------------

YES, NO = "[thing:whole = 7]", "[thing:whole = 8]"

# name: pattern, seconds at which the thing was seen, whether it matches
IN_TIME: Final[dict[str, tuple[str, tuple[int, ...], bool]]] = {
    "two need two": (f"{YES} AND {YES}", (0,), False),
    "two have two": (f"{YES} AND {YES}", (0, 0), True),
    "one of two": (f"{YES} OR {NO}", (0,), True),
    "followed at once": (f"{YES} FOLLOWEDBY {YES}", (0, 0), True),
    "followed by itself": (f"{YES} FOLLOWEDBY {YES}", (0,), False),
    "within": (f"({YES} AND {YES}) WITHIN 5 SECONDS", (0, 4), True),
    "within, at its end": (f"({YES} AND {YES}) WITHIN 5 SECONDS", (0, 5), False),
    "within, at its end and a bit": (f"({YES} AND {YES}) WITHIN 5.000000000001 SECONDS", (0, 5), True),
    "a qualifier is for what stands before it": (f"{YES} AND {YES} WITHIN 5 SECONDS", (0, 50), True),
    "repeats": (f"{YES} REPEATS 3 TIMES", (0, 9, 99), True),
    "repeats too often": (f"{YES} REPEATS 4 TIMES", (0, 9, 99), False),
    "repeats, then within": (f"{YES} REPEATS 2 TIMES WITHIN 5 SECONDS", (0, 9, 13), True),
    "within, then repeats": (f"({YES} AND {YES}) WITHIN 5 SECONDS REPEATS 2 TIMES", (0, 4, 5, 9), True),
    "a pair that repeats in turn": (f"({YES} FOLLOWEDBY {YES}) REPEATS 2 TIMES", (0, 1, 2), False),
    "start": (f"{YES} START t'1970-01-01T00:00:05Z' STOP t'1970-01-01T00:00:06Z'", (5,), True),
    "stop": (f"{YES} START t'1970-01-01T00:00:05Z' STOP t'1970-01-01T00:00:06Z'", (6,), False),
    "start after stop": (f"{YES} START t'1970-01-01T00:00:06Z' STOP t'1970-01-01T00:00:05Z'", (5, 6), False),
    "and binds closer than or": (f"{YES} OR {NO} AND {NO}", (0,), True),
    "or binds closer than followed by": (f"{YES} OR {YES} FOLLOWEDBY {NO}", (0, 1), False),
}


@pytest.mark.parametrize("name", IN_TIME)
def test_time_counts_as_the_specification_says(name: str) -> None:
    text, seconds, expected = IN_TIME[name]
    seen = [observed(second, name=f"observed-data--{place}") for place, second in enumerate(seconds)]
    assert match(parse(text), seen).matched == expected


def test_what_is_bound_names_the_expression_and_the_observation() -> None:
    text = f"{NO} OR {YES} REPEATS 3 TIMES"
    found = match(parse(text), [observed(0, count=2), observed(1, count=2)])
    assert [(text[one.start : one.end], one.observed, one.times) for one in found.bound] == [
        (YES, "observed-data--0", 2),
        (YES, "observed-data--1", 1),
    ]
    assert found.observed == ("observed-data--0", "observed-data--1")


def test_an_instant_is_exact() -> None:
    assert instant("1970-01-01T00:00:01.000000000000000001Z") == UNITS + 1
    assert instant("1970-01-01T00:00:01.0000000000000000019Z") == UNITS + 1
    assert instant("2016-12-31T23:59:60.5Z") == instant("2017-01-01T00:00:00.5Z")


# --- limits -----------------------------------------------------------------------------------------------------------


def refused(text: str, *seen: Observed) -> LimitError:
    begin = time.process_time()
    with pytest.raises(LimitError) as error:
        match(parse(text), seen or [observed()])
    assert time.process_time() - begin < 20
    assert error.value.todo
    return error.value


def test_a_pattern_is_read_up_to_its_limits() -> None:
    inner = "[thing:whole = 7]"
    deep = "(" * MAX_NESTING + inner + ")" * MAX_NESTING
    assert match(parse(deep), [observed()]).matched
    for text in (
        f"({deep})",
        "[" + "(" * (MAX_NESTING + 1) + "a:b = 1",
        "x" * (MAX_LENGTH + 1),
        f"[a:b = {'1' * (MAX_DIGITS + 1)}]",
        f"[a:b = 0.{'1' * MAX_DIGITS}]",
        f"[a:b[{'1' * (MAX_DIGITS + 1)}] = 1]",
        f"[a:b = 1] REPEATS {'1' * (MAX_DIGITS + 1)} TIMES",
        f"[a:b = 1] WITHIN {'1' * (MAX_DIGITS + 1)} SECONDS",
        f"[a:b{'.c' * MAX_STEPS_OF_PATH} = 1]",
        f"[a:b{'.c' * MAX_STEPS_OF_PATH} = 'd']",
    ):
        assert pattern_error(text)
        fault = diagnose(text)
        assert fault is not None
        assert fault.limit
        assert fault.column > 0
        refused(text)


def test_nesting_ends_before_the_stack_does() -> None:
    text = YES
    for _ in range(MAX_NESTING - 1):
        text = f"({text} AND {YES} OR {YES}) WITHIN 9 SECONDS"
    assert f"more than {MAX_DEPTH} groups" in refused(text).what
    comparison = "thing:whole = 7"
    for _ in range(MAX_NESTING - 1):
        comparison = f"({comparison} AND thing:whole = 7 OR thing:whole = 8)"
    assert match(parse(f"[{comparison}]"), [observed()]).matched


def test_repetitions_are_bounded_only_where_they_multiply() -> None:
    assert not match(parse(f"{YES} REPEATS {10**299} TIMES"), [observed(count=999_999_999)]).matched
    assert match(parse(f"({YES} AND {YES}) REPEATS 400000000 TIMES"), [observed(count=999_999_999)]).matched
    refused(f"({YES} FOLLOWEDBY {YES}) REPEATS {MAX_COPIES + 1} TIMES")
    refused(
        f"((({YES} FOLLOWEDBY {YES}) REPEATS 1000 TIMES OR {NO}) REPEATS 1000 TIMES OR {NO}) REPEATS 1000 TIMES",
        observed(count=10**9),
    )


def test_combinations_end_with_the_budget() -> None:
    # as many of each as are wanted of both together: no prospect tells, and there are 2^20 ways
    both = "([thing:whole = 7] REPEATS 2 TIMES OR [thing:whole = 7] REPEATS 3 TIMES)"
    text = " AND ".join([both] * 24)
    assert "not decided" in refused(text, *(observed(second) for second in range(47))).what


def test_long_chains_are_quick() -> None:
    seen = [observed(second, name=str(second)) for second in range(200)]
    chain = " FOLLOWEDBY ".join([YES] * 100)
    found = match(parse(chain), seen)
    assert found.matched
    assert found.steps < 200_000
    assert not match(parse(" FOLLOWEDBY ".join([YES] * 201)), seen).matched


def test_paths_through_circles_do_not_multiply() -> None:
    size = 30
    names = [f"thing--{number}" for number in range(size)]
    known: dict[str, dict[str, Any]] = {name: {"type": "thing", "to_refs": names} for name in names}
    seen = Observed(id="observed-data--0", at=0, count=1, objects=tuple(known.values()), known=known)
    found = match(parse(f"[thing:to_refs[*]{'.to_refs[*]' * 20}.name = 'x']"), [seen])
    assert not found.matched


def test_expressions_are_bounded() -> None:
    seen = Observed(
        id="observed-data--0",
        at=0,
        count=1,
        objects=({"type": "a", "b": "a" * 50_000, "c": "x" * (MAX_SEARCHED + 1)},),
        known={},
    )
    begin = time.process_time()
    assert not match(parse("[a:b MATCHES '^(a+)+$' AND a:b MATCHES '(a|aa)+b']"), [seen]).matched
    assert time.process_time() - begin < 5
    refused("[a:b MATCHES '((a{100}){100}){100}']", seen)
    refused("[a:c LIKE 'x%']", seen)
    with pytest.raises(InputError, match="not supported here") as error:
        match(parse(r"[a:b MATCHES '(a)\\1']"), [seen])
    assert error.value.where == "character 14"


# --- bundles ----------------------------------------------------------------------------------------------------------

ADDRESS: Final = sco("ipv4-addr", value="198.51.100.1")
DOMAIN: Final = sco("domain-name", value="a.example", resolves_to_refs=[ADDRESS["id"]])


def asked(pattern: str, *objects: dict[str, Any]) -> Match:
    found = read_observations(json.dumps(bundle(objects)).encode())
    assert not found.refused
    return match(parse(pattern), found.observed)


def test_a_bundle_is_read_for_what_was_observed() -> None:
    seen = observed_data(1, [DOMAIN["id"]], first=SECOND.format(0))
    assert asked("[domain-name:value = 'a.example']", DOMAIN, seen).matched
    # the address is known, but was not observed
    assert not asked("[ipv4-addr:value = '198.51.100.1']", DOMAIN, ADDRESS, seen).matched
    assert asked("[domain-name:resolves_to_refs[*].value = '198.51.100.1']", DOMAIN, ADDRESS, seen).matched


def test_embedded_objects_refer_to_their_keys() -> None:
    seen = observed_data(1, [], first=SECOND.format(0))
    del seen["object_refs"]
    seen["objects"] = {
        "0": {"type": "domain-name", "value": "a.example", "resolves_to_refs": ["1"]},
        "1": {"type": "ipv4-addr", "value": "198.51.100.1"},
    }
    assert asked("[domain-name:resolves_to_refs[0].value = '198.51.100.1']", seen).matched
    assert asked("[ipv4-addr:value = '198.51.100.1']", seen).matched


def test_the_newest_version_counts_and_a_revoked_one_does_not() -> None:
    older = observed_data(1, [DOMAIN["id"]], first=SECOND.format(0), count=5)
    newer = older | {"modified": "2020-01-02T00:00:00.000Z", "number_observed": 1}
    document = {"type": "bundle", "id": "bundle--44af6c39-c09b-49c5-9de2-394224b04982"}
    twice = json.dumps(document | {"objects": [DOMAIN, newer, older]}).encode()
    (kept,) = read_observations(twice).observed
    assert kept.count == 1
    gone = json.dumps(document | {"objects": [DOMAIN, older, newer | {"revoked": True}]}).encode()
    assert read_observations(gone).observed == ()


def test_what_is_absent_or_refused_is_told() -> None:
    seen = observed_data(1, [DOMAIN["id"], ADDRESS["id"]], first=SECOND.format(0))
    broken = DOMAIN | {"value": 7}
    found = read_observations(json.dumps(bundle([seen, broken])).encode())
    assert found.absent == 2
    assert [item.id for item in found.refused] == [DOMAIN["id"]]


# --- notes ------------------------------------------------------------------------------------------------------------

NOTES: Final = {
    "[a:b = 1 AND c:d = 2]": "different types",
    "[a:b = 1 AND (c:d = 2 OR e:f = 3)]": "different types",
    "[a:b = 1] START t'2021-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'": "not before STOP",
    "[a:b MATCHES '(?=a)']": "not supported here",
    "[a:b ISSUBSET 'example.com']": "this is none",
    "[a:b IN ()]": "empty set",
}


@pytest.mark.parametrize("text", NOTES)
def test_what_is_strange_is_noted(text: str) -> None:
    (note,) = notes(parse(text))
    assert NOTES[text] in note.what
    assert 0 <= note.start < note.end <= len(text)


def test_what_is_usual_is_not() -> None:
    pattern = parse("([a:b = 1 OR c:d = 2 AND c:e = 3] AND [f:g ISSUBSET '10.0.0.0/8']) WITHIN 5 SECONDS")
    assert notes(pattern) == ()
    assert object_types(pattern) == ("a", "c", "f")
