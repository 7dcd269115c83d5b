"""Values in one spelling, words, terms, and how indicators age."""

from __future__ import annotations

import ipaddress
import time
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.exchange.search.decay import DEFAULT_BASE, MODEL, Model, base_of, decayed, score_at
from tocsin.exchange.search.values import MAX_VALUE, MAX_WORD, canonical, covering, hosts, term, words
from tocsin.kernel.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

# name: spellings of one thing, and how the index spells it
SPELLINGS = {
    "an address": (["198.51.100.7", " 198.51.100.7 ", "198[.]51[.]100[.]7", "198.51.100.7/32"], "198.51.100.7"),
    "a network": (["198.51.100.0/24", "198.51.100.77/24"], "198.51.100.0/24"),
    "an address of version 6": (["2001:DB8:0:0:0:0:0:1", "2001:db8::1", "[2001:db8::1]"], "2001:db8::1"),
    "a domain": (
        ["Evil.EXAMPLE", "evil[.]example", "evil(dot)example", "evil[[.]]example", "evil.example."],
        "evil.example",
    ),
    "a domain beyond ASCII": (["Bücher.example", "BÜCHER.example", "xn--bcher-kva.example"], "xn--bcher-kva.example"),
    "a URL": (
        ["http://Evil.example/A", "hxxp://evil[.]example/A", "HTTP://evil.example:80/A", "http://evil.example/A#part"],
        "http://evil.example/A",
    ),
    "a URL without a path": (["https://evil.example", "hxxps[://]evil.example:443/"], "https://evil.example/"),
    "a URL at an address": (["http://[2001:DB8::1]:8080/x"], "http://[2001:db8::1]:8080/x"),
    "an e-mail address": (["Ann@Evil.example", "ann[at]evil[.]example", "ann[@]evil.example"], "ann@evil.example"),
    "a hash": (["D41D8CD98F00B204E9800998ECF8427E"], "d41d8cd98f00b204e9800998ecf8427e"),
    "a MAC": (["AA-BB-CC-00-11-22", "aa:bb:cc:00:11:22"], "aa:bb:cc:00:11:22"),
    "a system": (["AS64500", "as 64500", "AS064500"], "as64500"),
    "a file": (["Invoice.PDF.exe", "invoice.pdf.exe"], "invoice.pdf.exe"),
    "a path": ([r"C:\Windows\Temp\A.dll"], r"c:\windows\temp\a.dll"),
    "a weakness": (["CVE-2015-5374"], "cve-2015-5374"),
    "full width": (["\uff45\uff56\uff49\uff4c\uff0eexample"], "evil.example"),
}


@pytest.mark.parametrize("case", SPELLINGS)
def test_every_spelling_of_a_thing_is_one_value(case: str) -> None:
    spelt, value = SPELLINGS[case]
    assert {canonical(one) for one in spelt} == {value}


PIECES = st.sampled_from(
    ["hxxp", "http", "[.]", ".", "://", ":", "@", "[", "]", "/", "a", "ß", "É", "1", "%", " ", "xn--", "#", "?"]
)


@given(st.text(max_size=80) | st.lists(PIECES, max_size=12).map("".join))
def test_spelling_a_value_again_changes_nothing(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


@settings(max_examples=30, deadline=None)
@given(st.ip_addresses(), st.integers(0, 24))
def test_an_address_is_found_in_every_network_that_lists_it(address: ipaddress.IPv4Address, up: int) -> None:
    network = ipaddress.ip_network((address, address.max_prefixlen - up), strict=False)
    assert canonical(str(network)) in covering(canonical(str(address)))
    assert all(address in ipaddress.ip_network(one) for one in covering(canonical(str(address))))


def test_only_an_address_is_in_networks() -> None:
    for value in ("evil.example", "198.51.100.0/24", "", "http://198.51.100.7/"):
        assert covering(canonical(value)) == [canonical(value)]


def test_a_url_has_its_host_beside_it() -> None:
    assert hosts(canonical("hxxp://EVIL[.]example:8080/x")) == ["evil.example"]
    assert hosts(canonical("http://[2001:DB8::1]/x")) == ["2001:db8::1"]
    assert hosts("evil.example") == []
    assert hosts("http://[broken") == []


@given(st.text(max_size=60))
def test_words_do_not_depend_on_case_or_width(text: str) -> None:
    found = words(text)
    assert found == words(unicodedata.normalize("NFKC", text))
    assert all(word and len(word) <= MAX_WORD and word.isalnum() for word in found)


def _spent(read: Callable[[str], object], marks: int) -> float:
    text = "a" + "\u0301\u0316" * marks
    start = time.thread_time()
    read(text)
    return time.thread_time() - start


@pytest.mark.parametrize("read", [words, canonical])
def test_marks_without_end_cost_no_square(read: Callable[[str], object]) -> None:
    read("\u0301")
    # a square would take sixty-four times as long, and some seconds
    small, large = (min(_spent(read, marks) for _ in range(2)) for marks in (5_000, 40_000))
    assert large < 24 * small + 0.05


def test_nothing_beyond_the_limit_counts_as_value() -> None:
    assert canonical("x" * MAX_VALUE + "y") == canonical("x" * MAX_VALUE) == "x" * MAX_VALUE


WORDS = {
    "T1059.001: PowerShell": ["t1059", "001", "powershell"],
    "sandworm_team/Grid-Outage": ["sandworm", "team", "grid", "outage"],
    "STRASSE Straße": ["strasse", "strasse"],
    "  ... !! ": [],
    "送電網 grid": ["送電網", "grid"],
}


@pytest.mark.parametrize("text", WORDS)
def test_words_are_runs_of_letters_and_digits(text: str) -> None:
    assert words(text) == WORDS[text]


def test_a_text_is_another_term_for_each_kind() -> None:
    kinds = ("word", "value", "id", "ref", "creator", "sighted")
    assert len({term(kind, "evil.example") for kind in kinds}) == len(kinds)
    assert all(-(2**63) <= term("word", str(number)) < 2**63 for number in range(200))


# --- decay -----------------------------------------------------------------------------------------------------------

BASES = st.integers(0, 100)
AGES = st.integers(-DAY, 400 * DAY)
MODELS = st.builds(Model, lifetime=st.integers(1, 1_000 * DAY), speed=st.floats(0.1, 20))


@given(BASES, MODELS)
def test_nothing_is_lost_at_first_and_all_of_it_at_the_end(base: int, model: Model) -> None:
    assert decayed(base, 0, model) == base
    assert decayed(base, model.lifetime, model) == 0
    assert decayed(base, model.lifetime - 1, model) >= 0


@given(BASES, MODELS, AGES, AGES)
def test_what_is_older_is_worth_no_more(base: int, model: Model, one: int, other: int) -> None:
    young, old = sorted((one, other))
    assert 0 <= decayed(base, old, model) <= decayed(base, young, model) <= base


@given(BASES, BASES, MODELS, AGES)
def test_what_was_surer_stays_worth_more(one: int, other: int, model: Model, age: int) -> None:
    less, more = sorted((one, other))
    assert decayed(less, age, model) <= decayed(more, age, model)


@pytest.mark.parametrize(("days", "left"), [(0, 80.0), (30, 40.0), (67.5, 20.0), (120, 0.0), (500, 0.0)])
def test_the_default_is_as_documented(days: float, left: float) -> None:
    told = score_at(int(days * DAY), base=80, valid_from=0, valid_until=None, sighted=None, revoked=False)
    assert told == left


@given(BASES, AGES, st.integers(0, 300 * DAY))
def test_a_sighting_never_takes_away(base: int, now: int, sighted: int) -> None:
    plain = score_at(now, base=base, valid_from=0, valid_until=None, sighted=None, revoked=False)
    renewed = score_at(now, base=base, valid_from=0, valid_until=None, sighted=sighted, revoked=False)
    assert plain <= renewed <= base


def test_what_is_revoked_or_expired_is_worth_nothing() -> None:
    assert score_at(1, base=90, valid_from=0, valid_until=None, sighted=1, revoked=True) == 0
    assert score_at(DAY, base=90, valid_from=0, valid_until=DAY, sighted=DAY, revoked=False) == 0
    assert score_at(DAY - 1, base=90, valid_from=0, valid_until=DAY, sighted=DAY, revoked=False) == 90


GRADES = {
    "nothing is known": (None, None, DEFAULT_BASE),
    "confidence alone": (70, None, 70),
    "reliability alone": (None, "B", 75),
    "both": (90, "C", 70),
    "an unreliable source": (90, "E", 45),
    "a source that cannot be judged": (90, "F", 90),
    "neither can be judged": (None, "F", DEFAULT_BASE),
    "none at all": (0, None, 0),
}


@pytest.mark.parametrize("case", GRADES)
def test_the_base_follows_what_is_known(case: str) -> None:
    confidence, reliability, base = GRADES[case]
    assert base_of(confidence, reliability) == base


def test_the_documented_model_is_the_one_in_use() -> None:
    assert (MODEL.lifetime, MODEL.speed) == (120 * DAY, 2.0)
