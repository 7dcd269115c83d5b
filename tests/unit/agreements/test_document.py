"""Agreement documents that are in order, and those that are not: what is said, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from support.agreement_texts import PLAIN, changed, place_of
from tocsin.agreements.document import LabelTerms, ReaderTerms, names_of, parse_agreement
from tocsin.agreements.document.object_types import STIX_TYPES
from tocsin.agreements.document.tree import MAX_BYTES, MAX_DEPTH, MAX_NODES
from tocsin.agreements.model import Pap, Tlp
from tocsin.errors import AgreementError, LimitError, Problem
from tocsin.exchange.stix.model import META_TYPES, SCO_TYPES, SDO_TYPES, SRO_TYPES
from tocsin.kernel.clock import parse_date


def problems(text: str | bytes, known: list[str] | None = None) -> tuple[Problem, ...]:
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(AgreementError) as caught:
        parse_agreement(raw, where="a.yaml", known_parties=known)
    return caught.value.problems


PARTIES: Final = PLAIN[PLAIN.index("parties:") : PLAIN.index("legal_bases:")]
BASES: Final = PLAIN[PLAIN.index("    NO:") : PLAIN.index("purposes:")]

# what is replaced, by what; the piece at whose place the fault is; what was found; what was expected
FAULTS: Final = {
    "a name with capitals": ("two-towns", "Two Towns", "Two Towns", "'Two Towns'", "the name of an agreement"),
    "a version that is no whole number": ("version: 1", "version: 1.0", "1.0", "the number 1.0", "a whole number"),
    "a version in quotes": ("version: 1", 'version: "1"', '"1"', "'1'", "a whole number"),
    "a version below one": ("version: 1", "version: 0", "0", "the number 0", "from 1 to"),
    "no title": ("title: Two towns", "title: ''", "''", "''", "1 to 500 characters"),
    "a title on two lines": ("title: Two towns", 'title: "a\\nb"', '"a', "'a\\nb'", "on one line"),
    "a title that turns the text around": (
        "title: Two towns",
        'title: "a\\u202eb"',
        '"a',
        "'a\\u202eb'",
        "printable",
    ),
    "a day that does not exist": ("from: 2026-01-01", "from: 2026-02-30", "2026-02-30", "'2026-02-30'", "a day that"),
    "a time instead of a day": (
        "from: 2026-01-01",
        'from: "2026-01-01T00:00:00Z"',
        '"2026-01-01T',
        "'2026-01-01T00:00:00Z'",
        "a day that",
    ),
    "a term that ends before it begins": (
        "until: 2027-01-01",
        "until: 2025-01-01",
        "2025-01-01",
        "'2025-01-01'",
        "an end (exclusive) after its beginning",
    ),
    "a term without its end": (", until: 2027-01-01", "", "{from: 2026", "without 'until'", "'from' and 'until'"),
    "parties that are no list": (
        PARTIES,
        "parties: all\n",
        "all\n",
        "'all'",
        "the parties: a list",
    ),
    "a party twice": ("name: bravo", "name: alfa", "alfa}", "'alfa'", "every party once"),
    "criteria without criteria": (
        "{all: {capacity: operator, countries: [NO, SE]}}",
        "{all: {}}",
        "{}}",
        "an empty mapping",
        "at least one condition",
    ),
    "criteria of a person": ("{all: {capacity: operator,", "{all: {role: analyst,", "role", "'role'", "elsewhere"),
    "Norway written as YAML 1.1 reads it is a string here": ("[NO, SE]}}", "[no, SE]}}", "no, SE", "'no'", "capital"),
    "a truth value for a country": ("[NO, SE]}}", "[true, SE]}}", "true", "the truth value true", "text"),
    "a country that is none": ("[NO, SE]}}", "[NO, ZZ]}}", "ZZ", "'ZZ'", "a country of ISO 3166-1"),
    "a legal basis in a country that is none": ("    NO: {cite", "    UK: {cite", "UK", "'UK'", "a country"),
    "three letters for a country": ("[NO, SE]}}", "[NOR, SE]}}", "NOR", "'NOR'", "two capital letters"),
    "a legal basis for countries and kinds": ("    SE: {cite", "    private: {cite", "NO: {cite", "a mapping", "all"),
    "a legal basis for nobody": (
        BASES,
        "    {}\n",
        "{}",
        "an empty mapping",
        "a mapping from countries",
    ),
    "a validity of one day": ("valid: [2026-01-01, null]", "valid: [2026-01-01]", "[2026-01-01]", "a list", "validity"),
    "a validity without beginning": ("valid: [2026-01-01, null]", "valid: [null, null]", "null", "(null)", "a day"),
    "a citation that is a number": ('cite: "Act 1"', "cite: 1", "1, valid", "the number 1", "text"),
    "a purpose that the agreement lacks": (
        "for: [detect]",
        "for: [analyse]",
        "for: [analyse]",
        "the purpose 'analyse'",
        "detect, enforce, respond",
    ),
    "no purpose": ("purposes: [detect, respond]", "purposes: []", "[]", "an empty list", "at least one value"),
    "a clause id that YAML reads as a number": ('id: "1.1"', "id: 1.1", "1.1", "the number 1.1", "text"),
    "a clause id twice": ('id: "2"', 'id: "1.1"', 'id: "1.1"\n    forbid', "clause '1.1' a second time", "of its own"),
    "a clause that does nothing": (
        "    permit: read\n",
        "",
        'id: "1.1"',
        "a clause that does nothing",
        "exactly one of",
    ),
    "a clause that does two things": (
        "    permit: read\n",
        "    permit: read\n    forbid: read\n",
        'id: "1.1"',
        "'permit' and 'forbid'",
        "exactly one of",
    ),
    "another action": ("permit: read", "permit: write", "write", "'write'", "'read'"),
    "a permit for nobody in particular": ("    to: {parties: all}\n", "", 'id: "1.1"', "without 'to'", "'to'"),
    "a permit with unless": (
        "    for: [detect]\n",
        "    for: [detect]\n    unless: {countries: NO}\n",
        "unless: {countries",
        "'unless'",
        "elsewhere",
    ),
    "a TLP that is Norway": ("at_most: amber", "at_most: NO", "NO}}", "'NO'", "'amber+strict' or 'red'"),
    "a TLP of version 1": ("at_most: amber", "at_most: white", "white", "'white'", "'clear'"),
    "bounds that cover nothing": (
        "{at_most: amber}",
        "{at_most: green, at_least: red}",
        "{at_most: green",
        "a mapping",
        "clear < green < amber < amber+strict < red",
    ),
    "no bounds": ("{tlp: {at_most: amber}}", "{tlp: {}}", "{}", "an empty mapping", "'at_most', 'at_least' or both"),
    "a legal basis that the document lacks": ("[law]", "[rule]", "rests_on: [rule]", "the legal basis 'rule'", "(law)"),
    "a forbid that rests on something": (
        "    forbid: read\n",
        "    forbid: read\n    rests_on: [law]\n",
        "rests_on: [law]\n    of: {category",
        "'rests_on'",
        "elsewhere",
    ),
    "a forbid for the uncleared": (
        "    forbid: read\n",
        "    forbid: read\n    to: {clearance: secret}\n",
        "clearance: secret",
        "'clearance'",
        "elsewhere",
    ),
    "a forbid for a purpose": (
        "    forbid: read\n",
        "    forbid: read\n    for: [detect]\n",
        "for: [detect]\n    of: {category",
        "'for'",
        "elsewhere",
    ),
    "a forbid that spares everybody": (
        "unless: {nationality: [NO, SE]}",
        "unless: { parties: all}",
        "{ parties",
        "a mapping",
        "by name",
    ),
    "the other number of a key": ("countries: [NO, SE]", "country: [NO, SE]", "country", "'country'", "'countries'"),
    "a key that is nearly right": (
        "capacity: operator",
        "capacitiy: operator",
        "capacitiy",
        "'capacitiy'",
        "'capacity'",
    ),
    "a key that means nothing": ("title: Two towns", "title: Two towns\nsecret: yes", "secret", "'secret'", "'title'"),
    "not addressed": ("{parties: all}", "{addressed: false}", "false", "the truth value false", "'addressed: true'"),
    "an empty list": ("[NO, SE]}}", "[]}}", "[]", "an empty list", "at least one value"),
    "a value twice in a list": ("[NO, SE]}}", "[NO, NO]}}", "NO]}}", "'NO'", "every value once"),
    "a category wanted and not wanted": (
        "{category: export-controlled}",
        "{category: a, without: [b, a]}",
        "[b, a]",
        "a list",
        "other categories",
    ),
    "a list where a mapping stands": ("{parties: all}", "[all]", "[all]", "a list", "a mapping with"),
    "an emergency without its end": (
        "    permit: read\n",
        "    permit: read\n    emergency: crisis\n",
        'id: "1.1"',
        "without 'lasts'",
        "'lasts'",
    ),
    # what YAML offers and an agreement may not use
    "an anchor": ("[NO, SE]}}", "&x [NO, SE]}}", "&x", "an anchor", "no anchors"),
    "an alias": ("[NO, SE]}}", "*x}}", "*x", "the alias *x", "every value written out"),
    "a tag": ("title: Two towns", "title: !!str Two towns", "!!str", "a tag", "no tags"),
    "a merge key": ("{name: bravo}", "{<<: {name: bravo}}", "<<", "a merge key", "every key written out"),
    "a key twice": (
        "title: Two towns",
        "title: Two towns\ntitle: Three",
        "title: Three",
        "'title' a second time",
        "once",
    ),
    "a number as a key": ("    NO: {cite", "    1: {cite", "1: {cite", "the key 1", "text"),
    "a list as a key": ("    NO: {cite", "    ? [NO]\n    : {cite", "[NO]", "a list or a mapping as a key", "a word"),
    "a hexadecimal version": ("version: 1", "version: 0x1", "0x1", "the number 0x1", "a plain decimal number"),
    "an infinite version": ("version: 1", "version: .inf", ".inf", "the number .inf", "a plain decimal number"),
    "a directive": ("agreement: two", "%YAML 1.1\n---\nagreement: two", "---", "a directive", "YAML 1.2 without %TAG"),
    "a second document": (
        "unless: {nationality: [NO, SE]}\n",
        "unless: {nationality: [NO, SE]}\n---\nx: 1\n",
        "---",
        "a second document",
        "one agreement in one file",
    ),
    "a line that is no YAML": ("purposes: [detect, respond]", "purposes: [detect, respond", "", "", "YAML 1.2"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_its_place(name: str) -> None:
    old, new, piece, found, expected = FAULTS[name]
    text = changed(old, new)
    told = problems(text)
    matching = [one for one in told if found in one.found and expected in one.expected]
    assert matching, "\n".join(map(str, told))
    if piece:
        assert place_of(text, piece) in [(one.line, one.column) for one in matching]
    assert all(one.where == "a.yaml" for one in told)


def test_a_country_that_is_none_is_told_with_the_one_that_was_meant() -> None:
    for old, new in (("[NO, SE]}}", "[NO, UK]}}"), ("    NO: {cite", "    UK: {cite")):
        assert [one.todo for one in problems(changed(old, new))] == ["did you mean 'GB'?"]


TYPES_NOTED = {
    "a slip": ("indicators", "'indicators' is no type of STIX 2.1", "did you mean 'indicator'?"),
    "an extension's": ("satellite", "'satellite' is no type of STIX 2.1", "brings it"),
    "one of its own": ("x-satellite", None, None),
    "one of STIX": ("incident", None, None),
}


@pytest.mark.parametrize(("type_", "says", "ends"), TYPES_NOTED.values(), ids=TYPES_NOTED.keys())
def test_a_type_that_stix_does_not_define_is_noted(type_: str, says: str | None, ends: str | None) -> None:
    text = changed("{category: export-controlled}", f"{{type: {type_}}}")
    notes = [note for note in parse_agreement(text.encode(), where="a.yaml").notes if "STIX" in note]
    if says is None or ends is None:
        assert notes == []
    else:
        (note,) = notes
        assert says in note
        assert note.endswith(ends)


def test_the_types_that_are_not_noted_are_those_that_intake_knows() -> None:
    assert SDO_TYPES.keys() | SRO_TYPES.keys() | SCO_TYPES.keys() | META_TYPES.keys() == STIX_TYPES


def test_one_reading_finds_many_faults_in_the_order_of_the_document() -> None:
    text = changed("version: 1", "version: x").replace("[NO, SE]}}", "[no, SE]}}").replace('id: "2"', "id: 2")
    told = problems(text)
    assert [one.line for one in told] == [2, 8, 21]


def test_the_error_names_the_first_fault_and_counts_the_rest() -> None:
    with pytest.raises(AgreementError) as caught:
        parse_agreement(changed("version: 1", "version: x").replace("amber", "NO").encode(), where="a.yaml")
    assert str(caught.value).startswith("a.yaml:2:10: found 'x'; expected the version of an agreement")
    assert "and 1 more" in str(caught.value)


def test_a_name_that_is_no_party_is_told_where_parties_are_known() -> None:
    (told,) = problems(PLAIN, known=["alfa", "brav"])
    assert (told.line, told.found, told.todo) == (7, "'bravo'", "did you mean 'brav'?")


LIMITS: Final = {
    "bytes": b"#" + b"x" * MAX_BYTES,
    "depth": b"[" * (MAX_DEPTH + 1),
    "a deep flow that never ends": b"[" * MAX_BYTES,
    "values": b"[" + b"a," * (MAX_NODES + 1) + b"]",
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_document_has_limits(name: str) -> None:
    with pytest.raises(LimitError):
        parse_agreement(LIMITS[name], where="a.yaml")


NOT_TEXT: Final = {
    "nothing": b"",
    "only a comment": b"# nothing\n",
    "not UTF-8": b"agreement: \xff\n",
    "UTF-16": PLAIN.encode("utf-16"),
    "a control character": PLAIN.replace("Two towns", "Two\x07towns").encode(),
    "a scalar": b"two-towns",
    "a list": b"[two-towns]",
    "an escape beyond Unicode": b'agreement: "\\UFFFFFFFF"',
    "half a surrogate pair": b'agreement: "\\ud800"',
    "an unknown escape": b'agreement: "\\q"',
    "a stray alias": b"*x",
    "tabs for spaces": PLAIN.replace("  ", "\t").encode(),
}


@pytest.mark.parametrize("name", NOT_TEXT)
def test_what_is_no_agreement_is_refused(name: str) -> None:
    told = problems(NOT_TEXT[name])
    assert told[0].line >= 1
    assert told[0].column >= 1


def test_a_list_of_clauses_has_a_limit() -> None:
    clauses = "".join(f'  - {{id: "c{n}", forbid: read}}\n' for n in range(201))
    text = PLAIN[: PLAIN.index("clauses:")] + "clauses:\n" + clauses
    assert "at most 200 clauses" in problems(text)[0].expected


def test_values() -> None:
    document = parse_agreement(PLAIN.encode(), where="a.yaml").document
    assert (document.name, document.version, document.id) == ("two-towns", 1, "two-towns/1")
    assert (document.starts, document.ends) == (parse_date("2026-01-01"), parse_date("2027-01-01"))
    permit, forbid = document.clauses
    assert permit.to == ReaderTerms(parties=())
    assert permit.of.tlp is not None
    assert permit.of.tlp.values == (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)
    assert forbid.unless == ReaderTerms(nationality=("NO", "SE"))
    assert forbid.of == LabelTerms(category=("export-controlled",))
    assert names_of(document) == {"alfa", "bravo"}


# what stands under `of`; TLP values, whether amber+strict is named, PAP values
LEVELS: Final = {
    "a value": ("{tlp: green, pap: red}", ["green"], False, ["red"]),
    "a list, in any order": ("{tlp: [red, clear]}", ["clear", "red"], False, None),
    "at most": ("{tlp: {at_most: red}}", ["clear", "green", "amber", "amber+strict", "red"], False, None),
    "at most, named": ("{tlp: {at_most: amber+strict}}", ["clear", "green", "amber", "amber+strict"], True, None),
    "at least": ("{pap: {at_least: amber}}", None, False, ["amber", "red"]),
    "at least, named": ("{tlp: {at_least: amber+strict}}", ["amber+strict", "red"], True, None),
    "both": ("{tlp: {at_least: green, at_most: amber}}", ["green", "amber"], False, None),
    "named in a list": ("{tlp: [amber+strict]}", ["amber+strict"], True, None),
}


@pytest.mark.parametrize("name", LEVELS)
def test_levels(name: str) -> None:
    said, tlp, strict, pap = LEVELS[name]
    of = parse_agreement(changed("{tlp: {at_most: amber}}", said).encode(), where="a").document.clauses[0].of
    assert (of.tlp and list(of.tlp.values)) == (tlp and [Tlp(value) for value in tlp])
    assert of.tlp is None or of.tlp.names_amber_strict is strict
    assert (of.pap and list(of.pap.values)) == (pap and [Pap(value) for value in pap])


def test_one_value_and_a_list_of_one_are_the_same_condition() -> None:
    one = parse_agreement(changed("capacity: operator", "capacity: operator").encode(), where="a").document
    many = parse_agreement(changed("capacity: operator", "capacity: [operator]").encode(), where="a").document
    assert one.parties == many.parties
    assert one.canonical != many.canonical  # what is signed is what was written


def test_the_signatures_in_the_file_are_no_part_of_what_is_signed() -> None:
    signed = PLAIN + "signatures: [{party: alfa, signature: abc}]\n"
    parsed = parse_agreement(signed.encode(), where="a")
    assert parsed.document == parse_agreement(PLAIN.encode(), where="a").document
    assert "signatures: those in the file have no effect; each signatory signs at the hub" in parsed.notes


def test_an_order_of_keys_is_no_part_of_what_is_signed() -> None:
    lines = PLAIN.split("\n")
    swapped = "\n".join([lines[1], lines[0], *lines[2:]])
    assert parse_agreement(swapped.encode(), where="a") == parse_agreement(PLAIN.encode(), where="a")


def test_a_purpose_that_no_credential_has_is_noted() -> None:
    parsed = parse_agreement(changed("purposes: [detect, respond]", "purposes: [detect, research]").encode(), where="a")
    assert "purpose 'research': no credential can be bound to it here, so it lets nobody read" in parsed.notes


# --- what people read about it ---------------------------------------------------------------------------------------

PAGE: Final = (Path(__file__).parents[3] / "docs" / "agreements.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("terms", [ReaderTerms, LabelTerms])
def test_every_condition_is_documented(terms: type[ReaderTerms | LabelTerms]) -> None:
    missing = [key for key in terms.__struct_fields__ if f"`{key}`" not in PAGE]
    assert missing == []
