"""Matching against stix2-matcher: made-up patterns and observations, and every way in which it disagrees with us.

The maker stays where the specification and the oracle say the same. What lies outside is in the table: a case each,
with what decides it, and both sides still have to say what stands there.
"""

from __future__ import annotations

import binascii
import json
import random
from typing import TYPE_CHECKING, Any, Final

import pytest

from support.patterns import SECOND, Maker, bundle, observed_data, sco
from tocsin.errors import InputError
from tocsin.exchange.stix.pattern import match, parse
from tocsin.exchange.stix.pattern.wire import read_observations

if TYPE_CHECKING:
    from collections.abc import Sequence

matcher = pytest.importorskip("stix2matcher.matcher")

QUICK: Final = 400
ALL: Final = 20_000


def ours(pattern: str, document: dict[str, Any]) -> bool:
    found = read_observations(json.dumps(document).encode())
    assert not found.refused
    return match(parse(pattern), found.observed).matched


def theirs(pattern: str, document: dict[str, Any]) -> bool:
    return bool(matcher.match(pattern, [document], stix_version="2.1"))


def agree(seeds: range) -> None:
    matched = 0
    for seed in seeds:
        maker = Maker(random.Random(seed))
        document, pattern = maker.observations(), maker.pattern()
        found = ours(pattern, document)
        assert found == theirs(pattern, document), (seed, pattern)
        matched += found
    # the law would be empty if nothing matched, or everything
    assert len(seeds) / 10 < matched < len(seeds) / 2


def test_both_say_the_same_of_made_up_patterns() -> None:
    agree(range(QUICK))


@pytest.mark.long
def test_both_say_the_same_of_twenty_thousand() -> None:
    agree(range(QUICK, QUICK + ALL))


def _seen(*objects: dict[str, Any], at: int = 0, until: int | None = None, count: int = 1) -> list[dict[str, Any]]:
    """Make what one observation puts into a bundle; its number is its second."""
    refs = [item["id"] for item in objects]
    last = None if until is None else SECOND.format(until)
    return [*objects, observed_data(at, refs, first=SECOND.format(at), last=last, count=count)]


def _file(**properties: object) -> list[dict[str, Any]]:
    return _seen(sco("file", **{"name": "a", **properties}))


_V4: Final = _seen(sco("ipv4-addr", value="198.51.100.1"))
_V6: Final = _seen(sco("ipv6-addr", value="2001:db8::1"))
_LINES: Final = _file(name="a\nb")
_MAIL: Final = sco("email-addr", value="a@b.example")
_MESSAGE: Final = sco("email-message", is_multipart=False, from_ref=_MAIL["id"])
_BYTES: Final = _seen(sco("artifact", mime_type="text/plain", payload_bin="YQ=="))

REFUSES: Final = "refuses"

# name: pattern, what was observed, what we say, what the oracle says, what decides
DISAGREEMENTS: Final[dict[str, tuple[str, Sequence[dict[str, Any]], bool | str, bool | str, str]]] = {
    "within, to the end of the window": (
        "([ipv4-addr:value LIKE '%'] AND [file:size = 7]) WITHIN 5 SECONDS",
        [*_V4, *_seen(sco("file", name="a", size=7), at=5)],
        False,
        True,
        "§9.5.1: the latest must not be equal to the earliest plus the window",
    ),
    "an observation that lasted is followed by one that began before it": (
        "[file:name = 'b'] FOLLOWEDBY [file:name = 'a']",
        [*_seen(sco("file", name="a"), at=0, until=9), *_seen(sco("file", name="b"), at=5)],
        False,
        True,
        "§9.1: first_observed is the observation's time; the oracle takes any instant until last_observed",
    ),
    "an observation that lasted, between start and stop": (
        "[file:name = 'a'] START t'2020-01-01T00:00:04Z' STOP t'2020-01-01T00:00:06Z'",
        _seen(sco("file", name="a"), at=0, until=9),
        False,
        True,
        "§9.1, as above",
    ),
    "not exists, of what is not there": (
        "[NOT EXISTS file:nothing]",
        _file(),
        True,
        False,
        "§9.6: NOT negates; the oracle tests existence whatever stands before it",
    ),
    "not exists, of what is there": ("[NOT EXISTS file:name]", _file(), False, True, "§9.6, as above"),
    "LIKE over lines": ("[file:name LIKE 'a%b']", _LINES, True, False, "§9.6.1: % is any characters"),
    "LIKE but for a line end": (
        "[file:name LIKE 'a']",
        _file(name="a\n"),
        False,
        True,
        "§9.6.1: the whole value is alike",
    ),
    "MATCHES over lines": ("[file:name MATCHES 'a.b']", _LINES, True, False, "§9.6.1: the DOTALL option is set"),
    "MATCHES, $ before the last line end": (
        "[file:name MATCHES 'a$']",
        _file(name="a\n"),
        False,
        True,
        "§9.6.1 says PCRE, so the oracle is right: RE2's $ is the end (docs/adr/0041)",
    ),
    "MATCHES, digits of other scripts": (
        r"[file:name MATCHES '^\\d$']",
        _file(name="\u0663"),
        False,
        True,
        "§9.6.1: PCRE's digits are those of ASCII",
    ),
    "MATCHES with look-ahead": (
        "[file:name MATCHES 'a(?=x)']",
        _file(name="ax"),
        REFUSES,
        True,
        "§9.6.1 says PCRE, so the oracle is right: we bound the time (docs/adr/0041)",
    ),
    "ISSUBSET of IPv6": ("[ipv6-addr:value ISSUBSET '2001:db8::/32']", _V6, True, REFUSES, "§9.6.1: IPv4 and IPv6"),
    "ISSUBSET of everything": (
        "[ipv4-addr:value ISSUBSET '0.0.0.0/0']",
        _V4,
        True,
        REFUSES,
        "RFC 4632: /0 is a prefix",
    ),
    "ISSUBSET of one address": (
        "[ipv4-addr:value ISSUBSET '198.51.100.1']",
        _V4,
        True,
        REFUSES,
        "§6.4: /32 by default",
    ),
    "ISSUPERSET, one address": ("[ipv4-addr:value ISSUPERSET '198.51.100.1']", _V4, True, REFUSES, "§6.4, as above"),
    "ISSUBSET, what is no address": (
        "[file:name ISSUBSET '198.51.100.0/24']",
        _file(),
        False,
        REFUSES,
        "§9.6: what cannot be compared is false, and no error",
    ),
    "a reference itself": (
        f"[email-message:from_ref = '{_MAIL['id']}']",
        _seen(_MAIL, _MESSAGE),
        True,
        False,
        "§9.7.4: the path goes to the object when it goes on; the property is an identifier",
    ),
    "a reference to what the observation does not list": (
        "[email-message:from_ref.value = 'a@b.example']",
        [_MAIL, *_seen(_MESSAGE)],
        True,
        False,
        "§2.9: an identifier is global; object_refs say where paths begin",
    ),
    "not greater than another type": (
        "[file:name NOT > 5]",
        _file(),
        True,
        False,
        "§9.6: false is negated as for =, where both agree",
    ),
    "IN with several types": (
        "[file:name IN (5, 'a')]",
        _file(),
        True,
        REFUSES,
        "§9.6.1: equal to one of the set; nothing asks for one type",
    ),
    "IN, a boolean and a number": (
        "[file:size IN (true)]",
        _file(size=1),
        False,
        True,
        "§9.6: other types are unequal",
    ),
    "IN, binary and a string": ("[artifact:payload_bin IN ('a')]", _BYTES, True, False, "§9.6.3, as for ="),
    "a timestamp and another text": (
        "[file:name != t'2020-01-01T00:00:00Z']",
        _file(),
        True,
        REFUSES,
        "§9.6: what cannot be compared is unequal, and no error",
    ),
    "the seventh digit of a second": (
        "[file:ctime = t'2020-01-01T00:00:00.1234567Z']",
        _file(ctime="2020-01-01T00:00:00.1234568Z"),
        False,
        True,
        "§2.16: any precision",
    ),
    "a leap second": (
        "[file:ctime = t'2016-12-31T23:59:60Z']",
        _file(ctime="2016-12-31T23:59:60Z"),
        True,
        REFUSES,
        "§2.16: RFC 3339 knows leap seconds",
    ),
    "hex that is none": ("[file:some_hex = 'zz']", _file(some_hex="zz"), True, REFUSES, "§9.6.4: it has no octets"),
    "one kind of qualifier twice": (
        "[file:name = 'a'] REPEATS 1 TIMES WITHIN 3 SECONDS REPEATS 1 TIMES",
        _file(),
        REFUSES,
        True,
        "§9.5.1: not more than one of each kind; stix2-patterns' validator says so, too",
    ),
}


def _said(ask: Any, pattern: str, document: dict[str, Any]) -> bool | str:  # noqa: ANN401  either side
    try:
        return bool(ask(pattern, document))
    except (InputError, matcher.MatcherException, binascii.Error):
        return REFUSES


@pytest.mark.parametrize("name", DISAGREEMENTS)
def test_both_still_disagree_as_written(name: str) -> None:
    pattern, objects, we, they, decides = DISAGREEMENTS[name]
    document = bundle(objects)
    assert (_said(ours, pattern, document), _said(theirs, pattern, document)) == (we, they), decides
    assert we != they
