"""Norway is NO, and NO is not *no*.

In the field a country is read as false, a version as a float, a name as nothing and an hour as a number of seconds, by
a reader of YAML that knows better. Each kind of document that this hub reads is given the same values in each place
that takes text: they are what stands there, or refused where they stand, and never anything else.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

import pytest

from support.hub import World
from tocsin.agreements.document import parse_agreement
from tocsin.agreements.gate import profile_of
from tocsin.errors import AgreementError, InputError
from tocsin.governance.documents import read_body, read_charter
from tocsin.kernel.clock import parse_date
from tocsin.parties.model import Kind, Party

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.time_passes

AGREEMENT: Final = """\
agreement: {text}
version: 1
title: {title}
in_force: {{from: 2026-01-01, until: null}}
parties: [{{name: alfa}}, {{name: bravo}}]
legal_bases: {{{text}: {{NO: {{cite: {title}, valid: [2026-01-01, null]}}}}}}
purposes: [detect, {text}]
clauses:
  - id: {text}
    permit: read
    to: {{countries: NO, communities: {text}, capacity: [{text}]}}
    of: {{category: {text}, sectors: [{text}]}}
    for: [{text}]
    rests_on: {text}
"""
BODY: Final = """\
body: {text}
kind: task-force
title: {title}
decides: {{quorum: 0.5, more_than: 0.5}}
seats: [{{seat: {text}, side: private, holder: alfa}}]
"""
CHARTER: Final = """\
charter: {text}
version: 1
title: {title}
goals:
  - {{id: {text}, goal: {title}, measure: reported, owner: alfa, over: P30D, every: P7D, target: {{at_most: 9}}}}
"""


def _agreement(text: str) -> list[str]:
    document = parse_agreement(text.encode(), where="agreement").document
    (clause,) = document.clauses
    to, of = clause.to, clause.of
    lists = (to.communities, to.capacity, of.category, of.sectors, clause.purposes, clause.rests_on)
    assert set(lists) == {(clause.id,)}
    assert document.purposes == ("detect", clause.id)
    assert (to.countries, document.legal_bases[0].name) == (("NO",), clause.id)
    return [document.name, clause.id, document.title]


def _body(text: str) -> list[str]:
    body = read_body(text.encode(), where="body")
    return [body.name, body.seats[0].name, body.title]


def _charter(text: str) -> list[str]:
    charter = read_charter(text.encode(), where="charter")
    return [charter.name, charter.goals[0].id, charter.title]


DOCUMENTS: Final[dict[str, tuple[str, Callable[[str], list[str]]]]] = {
    "an agreement": (AGREEMENT, _agreement),
    "a body": (BODY, _body),
    "a charter": (CHARTER, _charter),
}
# plain words that other readers take for truth, falsehood, times or dates; names in lower case
WORDS: Final = ("no", "on", "off", "yes", "n", "y", "2026-01-31", "12e", "0x", "0b", "1-2", "0o", "nan", "inf")
TITLES: Final = ("NO", "No", "Off", "ON", "12:30:00", "2026-01-31", "1_000", "=", "0x", "1e3e3")
# what is a number, nothing or truth in YAML 1.2 too: text only in quotes
NUMBERS: Final = ("1e3", "0x10", "0o7", "1.5", "7", "null", "~", "true", "False", "010", ".5", ".nan", "-.inf", "1.")


@pytest.mark.parametrize(("kind", "word"), list(itertools.product(DOCUMENTS, WORDS)))
def test_a_word_is_what_stands_there(kind: str, word: str) -> None:
    template, read = DOCUMENTS[kind]
    assert read(template.format(text=word, title="A title")) == [word, word, "A title"]


@pytest.mark.parametrize(("kind", "title"), list(itertools.product(DOCUMENTS, TITLES)))
def test_a_title_is_what_stands_there(kind: str, title: str) -> None:
    template, read = DOCUMENTS[kind]
    assert read(template.format(text="plain", title=title)) == ["plain", "plain", title]


@pytest.mark.parametrize(("kind", "number"), list(itertools.product(DOCUMENTS, NUMBERS)))
def test_a_number_is_no_name_unless_it_is_quoted(kind: str, number: str) -> None:
    template, read = DOCUMENTS[kind]
    for text, title in ((number, "A title"), ("plain", number)):
        with pytest.raises(AgreementError) as refused:
            read(template.format(text=text, title=title))
        assert number in str(refused.value) or "nothing" in str(refused.value)
    quoted = f'"{number}"'
    assert read(template.format(text="plain", title=quoted))[-1] == number


# where a number belongs: how it is written, and what it is; None: it is refused
COUNTS: Final = {
    "2": 2,
    "10": 10,
    "010": None,  # eight to a reader of YAML 1.1, and ten to one of 1.2
    "0x10": None,
    "0o10": None,
    "1e1": None,
    "1_0": None,
    "1.0": None,
    "+3": 3,
    '"2"': None,
    "true": None,
    "1:30": None,
    "٣": None,  # three, in digits that are not ASCII
}


@pytest.mark.parametrize("written", COUNTS)
def test_a_count_is_written_in_one_way(written: str) -> None:
    expected = COUNTS[written]
    for kind, (template, _) in DOCUMENTS.items():
        if kind == "a body":
            text = template.format(text="plain", title="A title").replace(
                "holder: alfa", f"holder: alfa, weight: {written}"
            )
        else:
            text = template.format(text="plain", title="A title").replace("version: 1", f"version: {written}")
        reads: dict[str, Callable[[bytes], int]] = {
            "an agreement": lambda data: parse_agreement(data, where="x").document.version,
            "a body": lambda data: read_body(data, where="x").seats[0].weight,
            "a charter": lambda data: read_charter(data, where="x").version,
        }
        if expected is None:
            with pytest.raises(AgreementError):
                reads[kind](text.encode())
        else:
            assert reads[kind](text.encode()) == expected


DAYS: Final = {
    "2026-02-01": True,
    '"2026-02-01"': True,
    "2026-2-1": False,
    "2026-02-30": False,
    "01-02-2026": False,
    "20260201": False,
    "2026-02-01T00:00:00": False,
    "1769904000": False,
}


@pytest.mark.parametrize("written", DAYS)
def test_a_day_is_a_day_of_the_calendar(written: str) -> None:
    documents = {
        "in_force": AGREEMENT.format(text="plain", title="A title").replace("from: 2026-01-01", f"from: {written}"),
        "term": BODY.format(text="plain", title="A title").replace("holder: alfa", f"holder: alfa, from: {written}"),
    }
    day = parse_date("2026-02-01")
    if DAYS[written]:
        assert parse_agreement(documents["in_force"].encode(), where="x").document.starts == day
        assert read_body(documents["term"].encode(), where="x").seats[0].starts == day
        return
    with pytest.raises(AgreementError):
        parse_agreement(documents["in_force"].encode(), where="x")
    with pytest.raises(AgreementError):
        read_body(documents["term"].encode(), where="x")


NORWAY: Final = """\
agreement: norway
version: 1
title: NO
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {all: {countries: NO}}]
legal_bases:
  statute:
    NO: {cite: NO, valid: [2026-01-01, null]}
purposes: [detect]
clauses:
  - {id: "1", permit: read, to: {countries: NO}, of: {countries: NO}, rests_on: statute}
  - {id: "2", forbid: read, of: {category: "off"}, unless: {nationality: NO, countries: [NO]}}
"""


def test_norway_is_a_country_from_the_document_to_the_policy(tmp_path: Any) -> None:  # noqa: ANN401  a path
    world = World(tmp_path / "hub")
    for name, country in (("alfa", "NO"), ("bravo", "NO"), ("coast", "SE")):
        world.party(name, country=country)
    world.agreement(NORWAY, signed_by=("alfa", "bravo"))
    version = world.hub.agreements.get("norway")
    assert (version.members, version.title) == (("alfa", "bravo"), "NO")
    assert "coast" not in version.eligible
    with world.hub.store.read() as connection:
        facts = world.hub.agreements.facts(connection, world.clock.now())
    assert profile_of(facts.parties["https://bravo.example"], None, "detect", facts.at).country == "NO"
    assert '"NO"' in str(version.policies)
    world.hub.self_test.require()
    world.hub.close()


@pytest.mark.parametrize("country", ["no", "No", "", "false", "False", "UK", "N", "NOR", "578"])
def test_no_other_norway_is_a_country(country: str) -> None:
    with pytest.raises(InputError):
        Party(uri="https://x.example", name="x", title="X", kind=Kind.PUBLIC, country=country)
    written = country or '""'
    with pytest.raises(AgreementError):
        parse_agreement(NORWAY.replace("to: {countries: NO}", f"to: {{countries: {written}}}").encode(), where="x")
