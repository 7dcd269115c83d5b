"""From an object's bytes to what the index keeps."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.stix_objects import stix_object
from tocsin.exchange.search import values, wire
from tocsin.exchange.search.indexer import indexed
from tocsin.exchange.search.values import MAX_WORD
from tocsin.exchange.search.wire import MAX_READ, extract, terms_of
from tocsin.exchange.uncertainty import ADMIRALTY_EXTENSION
from tocsin.kernel.clock import parse_instant
from tocsin.kernel.text import normal

if TYPE_CHECKING:
    from tocsin.exchange.search.wire import Document


REALDATA = Path(os.environ.get("TOCSIN_REALDATA", Path(__file__).parents[3] / "../shared/data"))


def taken(kind: str, **changes: object) -> Document:
    return extract(json.dumps(stix_object(kind) | changes).encode())


# a pattern, and the values that it compares
PATTERNS: dict[str, tuple[str, set[str]]] = {
    "an address": ("[ipv4-addr:value = '198.51.100.7']", {"198.51.100.7"}),
    "a network": ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", {"198.51.100.0/24"}),
    "alternatives": ("[domain-name:value IN ('a.example', 'B.example')]", {"a.example", "b.example"}),
    "several observations": (
        "([url:value = 'http://c.example/x'] FOLLOWEDBY [email-addr:value == 'ann@d.example']) WITHIN 5 SECONDS",
        {"http://c.example/x", "c.example", "ann@d.example"},
    ),
    "hashes": (
        "[file:hashes.'SHA-256' = 'AB12' OR file:hashes.MD5 = 'CD34' AND file:name = 'A.exe']",
        {"ab12", "cd34", "a.exe"},
    ),
    "an address behind a reference": ("[network-traffic:dst_ref.value = '198.51.100.9']", {"198.51.100.9"}),
    "one of several": ("[domain-name:resolves_to_refs[*].value = '198.51.100.9']", {"198.51.100.9"}),
    "an escaped quote": (r"[file:name = 'it\'s.exe']", {"it's.exe"}),
    "a system": ("[autonomous-system:number = 64500]", {"as64500"}),
    "what is not so": ("[ipv4-addr:value NOT = '198.51.100.7' AND ipv4-addr:value != '198.51.100.8']", set()),
    "likenesses": ("[domain-name:value LIKE '%.example' AND url:value MATCHES '^http://x']", set()),
    "what is no value": ("[network-traffic:dst_port = 443 AND network-traffic:protocols[0] = 'tcp']", set()),
    "words that look like one": ("[file:name = 'ipv4-addr:value = ']", {"ipv4-addr:value ="}),
}


@pytest.mark.parametrize("case", PATTERNS)
def test_a_pattern_gives_what_it_compares_with(case: str) -> None:
    pattern, values = PATTERNS[case]
    assert set(taken("indicator", pattern=pattern, pattern_type="stix").values) == values


def test_a_pattern_of_another_language_gives_words_only() -> None:
    document = taken("indicator", pattern="alert ip any -> 198.51.100.7 any", pattern_type="snort")
    assert document.values == ()
    assert "alert" in document.words


OBSERVABLES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "domain-name": ({"value": "EVIL.example"}, {"evil.example"}),
    "url": ({"value": "http://EVIL.example/A"}, {"http://evil.example/A", "evil.example"}),
    "file": ({"name": "A.exe", "hashes": {"MD5": "AB", "SHA-256": "CD"}}, {"a.exe", "ab", "cd"}),
    "autonomous-system": ({"number": 64500}, {"as64500"}),
    "mutex": ({"name": "Global\\X"}, {"global\\x"}),
    "windows-registry-key": ({"key": "HKEY_LOCAL_MACHINE\\Software\\X"}, {"hkey_local_machine\\software\\x"}),
    "user-account": ({"user_id": "1001", "account_login": "Ann"}, {"1001", "ann"}),
    "vulnerability": (
        {"name": "CVE-2015-5374", "external_references": [{"source_name": "cve", "external_id": "CVE-2015-5375"}]},
        {"cve-2015-5374", "cve-2015-5375"},
    ),
    "malware": ({"name": "evil.example"}, set()),
    "observed-data": ({"objects": {"0": {"type": "domain-name", "value": "E.example"}}}, {"e.example"}),
}


@pytest.mark.parametrize("kind", OBSERVABLES)
def test_an_object_gives_its_observable_values(kind: str) -> None:
    changes, values = OBSERVABLES[kind]
    assert set(taken(kind, **changes).values) == values


def test_words_are_those_that_people_wrote() -> None:
    document = taken(
        "malware",
        name="Industroyer",
        description="Speaks IEC-104 to the grid",
        aliases=["CrashOverride"],
        labels=["ics"],
        x_acme_note={"deep": ["Ukraine", 2016]},
        created_by_ref="identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
        created="2016-12-17T00:00:00.000Z",
        modified="2016-12-18T00:00:00.000Z",
        external_references=[{"source_name": "attack", "external_id": "S0604"}],
    )
    assert {"industroyer", "iec", "104", "grid", "crashoverride", "ics", "ukraine", "s0604"} <= set(document.words)
    # neither ids, types nor instants are words
    assert not {"malware", "f431f809", "2016", "2", "identity"} & set(document.words)


def test_facts_are_what_the_object_says() -> None:
    document = taken(
        "indicator",
        confidence=85,
        revoked=True,
        valid_from="2026-01-01T00:00:00Z",
        valid_until="2026-02-01T00:00:00Z",
        created_by_ref="identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
        extensions={
            ADMIRALTY_EXTENSION: {
                "extension_type": "property-extension",
                "source_reliability": "B",
                "information_credibility": 2,
            }
        },
    )
    assert (document.confidence, document.reliability, document.credibility) == (85, "B", 2)
    assert document.revoked
    assert document.valid_from == parse_instant("2026-01-01T00:00:00Z")
    assert document.valid_until == parse_instant("2026-02-01T00:00:00Z")
    assert document.creator == "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff"
    assert document.creator in document.refs


def test_markings_are_no_references() -> None:
    marking = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
    named = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
    assert taken("report", object_refs=[named], object_marking_refs=[marking]).refs == (named,)


@pytest.mark.parametrize(("count", "seen"), [(None, True), (3, True), (0, False)])
def test_a_sighting_of_nothing_sees_nothing(count: int | None, seen: bool) -> None:  # noqa: FBT001  a column of cases
    named = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
    sighting = taken("sighting", sighting_of_ref=named, **({} if count is None else {"count": count}))
    assert sighting.sighted == (named if seen else None)
    assert sighting.refs == (named,)


def test_what_is_kept_has_an_end() -> None:
    many = " ".join(f"word{number}" for number in range(wire.MAX_WORDS + 50))
    assert len(taken("malware", description=many).words) == wire.MAX_WORDS
    listed = ", ".join(f"'d{number}.example'" for number in range(wire.MAX_KEPT + 50))
    document = taken("indicator", pattern=f"[domain-name:value IN ({listed})]", pattern_type="stix")
    assert len(document.values) == wire.MAX_KEPT
    nested: dict[str, Any] = {"a": "deepest"}
    for _ in range(wire.MAX_DEPTH + 2):
        nested = {"a": nested}
    assert "deepest" not in taken("malware", x_acme_nest=nested).words


def test_a_hostile_pattern_costs_no_more_than_its_length() -> None:
    # alternatives within alternatives would take a backtracking reader for ever: these have to be done at once
    for piece in ("file:name", "a:b.", "'\\\\", "x:y[*].", "file:name IN ('a', ", "file:'"):
        taken("indicator", pattern=f"[{piece * 20_000}", pattern_type="stix")


def test_what_is_no_object_is_indexed_as_nothing() -> None:
    for body in (b"", b"{", b"[]", b"{}", b'{"type": 1}', b'{"id": "x", "type": "indicator", "pattern": 7}'):
        assert indexed(body)[1] in ([], terms_of(indexed(body)[0]))
    with pytest.raises(msgspec.DecodeError):
        extract(b"{")


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_any_property_is_taken_in(value: object) -> None:
    names = (
        "external_references",
        "objects",
        "pattern",
        "confidence",
        "extensions",
        "hashes",
        "x",
        "a_ref",
        "a_refs",
        "count",
    )
    for kind in ("indicator", "observed-data", "vulnerability", "file", "sighting"):
        body = json.dumps(
            {"type": kind, "id": f"{kind}--1", "pattern_type": "stix"} | dict.fromkeys(names, value)
        ).encode()
        document = extract(body)
        assert extract(body) == document
        assert len(set(terms_of(document))) == len(terms_of(document))


@pytest.mark.parametrize("name", ["ics-attack-18.1.json", "predator.stix2"])
def test_real_objects_give_what_a_second_reading_gives(name: str) -> None:
    """The values of single comparisons, references and words, read here by a few lines of their own."""
    path = REALDATA / "stix" / name
    if not path.exists():
        pytest.skip(f"no {path}: set TOCSIN_REALDATA to the folder of real data")
    for told in json.loads(path.read_bytes())["objects"]:
        document = extract(json.dumps(told).encode())
        refs = {
            one
            for name, value in told.items()
            if name.endswith(("_ref", "_refs")) and name != "object_marking_refs"
            for one in ([value] if isinstance(value, str) else value)
        }
        assert set(document.refs) == refs
        if told["type"] == "indicator" and "LIKE" not in told["pattern"]:
            simple = re.findall(r"\[(?:domain-name|ipv4-addr):value\s*=\s*'([^'\\]*)'\]", told["pattern"])
            assert {one.lower() for one in simple} <= set(document.values), told["id"]
        for text in (told.get("name", ""), told.get("description", "")):
            written = {word for word in re.findall(r"[a-z0-9]+", text.lower()) if len(word) < MAX_WORD}
            assert written <= {*document.words, *_beyond_ascii(text)}, told["id"]


def _beyond_ascii(text: str) -> set[str]:
    """Return the ASCII pieces of words that hold more than ASCII: those stand in the index whole."""
    return {
        piece
        for word in re.findall(r"\w+", text.lower())
        if not word.isascii()
        for piece in re.findall(r"[a-z0-9]+", word)
    }


@pytest.mark.parametrize("character", ["\ufdfa", "\u3316", "\u0133", "\u00e9", "a"])
def test_work_is_bounded_by_what_a_text_becomes(monkeypatch: pytest.MonkeyPatch, character: str) -> None:
    """One character may be eighteen words: what is made is counted, and not the time that it takes."""
    made: list[int] = []

    def counted(form: Literal["NFC", "NFKC"], text: str) -> str:
        found = normal(form, text)
        made.append(len(found))
        return found

    monkeypatch.setattr(values, "normal", counted)
    told = {"type": "report", "id": "report--1", "name": character * 150_000, "description": character * 150_000}
    extract(json.dumps(told).encode())
    assert sum(made) <= MAX_READ
    assert bool(made) == (character != "a"), "ASCII has one form"
