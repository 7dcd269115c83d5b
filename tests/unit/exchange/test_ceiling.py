"""What is marked above the hub's ceiling leaves no trace: not its bytes, not its name, not its id."""

from __future__ import annotations

import contextlib
import copy
import json
import os
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from support import stores
from support.hub import OPERATOR, START, World
from support.inspection import inspect_hub, tell
from support.sharing import Mark, bundle, indicator, stamp
from tocsin.bootstrap import open_hub
from tocsin.errors import InputError, LogBrokenError, TransitionError, UsageError
from tocsin.exchange.intake import Submission
from tocsin.exchange.markings import ACS_EXTENSION, banner_of, classification_of
from tocsin.exchange.markings.classification import BANNERS, WORDS
from tocsin.exchange.model import Outcome, Receipt
from tocsin.exchange.replay import replay
from tocsin.exchange.tables import CEILINGS as CEILINGS_TABLE
from tocsin.kernel.db.opening import open_store
from tocsin.kernel.ids import SeededEntropy
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import CLEARANCES, clearance_rank
from tocsin.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ABOVE: Final = "marked above the classification"
# Words that stand nowhere else: what a search of the files looks for.
CANARY: Final = "zq8canary"
NUMBER: Final = 77


def _mark(number: int, **says: Any) -> Mark:  # noqa: ANN401  a definition's own properties
    own = f"marking-definition--0000abcd-0000-4000-8000-{number:012d}"
    made = {"type": "marking-definition", "spec_version": "2.1", "id": own, "created": stamp(START), **says}
    return Mark(id=own, definition=made)


def _statement(text: str, number: int = 1) -> Mark:
    return _mark(number, definition_type="statement", definition={"statement": text})


def _acs(number: int = 2, **control: Any) -> Mark:  # noqa: ANN401  a control set's own properties
    contents = {
        "extension_type": "property-extension",
        "identifier": f"isa:guide.19001.ACS3-{CANARY}",
        "create_date_time": stamp(START),
        "responsible_entity_custodian": "USA.DHS",
        "policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=permit",
        "control_set": control,
    }
    return _mark(number, extensions={ACS_EXTENSION: contents})


def _secret(**more: Any) -> dict[str, Any]:  # noqa: ANN401  an object's own properties
    return indicator(NUMBER) | {"name": f"{CANARY} name", "description": f"{CANARY} text"} | more


def _submit(world: World, data: bytes, *, envelope: bool = False) -> Receipt:
    return world.hub.intake.submit(
        Submission(party="https://alfa.example", acting=Acting(actor="alfa"), data=data, envelope=envelope)
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("ceiling") / "template"
    made = World(home)
    made.party("alfa")
    made.hub.close()
    return home


@pytest.fixture
def world(tmp_path: Path, template: Path) -> Iterator[World]:
    made = World(tmp_path / "home", template=template)
    yield made
    made.hub.close()


def _traces(home: Path, *needles: str) -> list[str]:
    """Return where in the files of a hub, its journal included, one of these stands in bytes or in UTF-16."""
    found = []
    for folder, _, names in os.walk(home):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118  os.walk gives texts
            with open(path, "rb") as file:  # noqa: PTH123
                content = file.read()
            found += [f"{name}: {needle}" for needle in needles if needle.encode() in content]
    if stores.on_postgres():  # its files are elsewhere: every value of every table instead
        with contextlib.closing(open_store(stores.settings_of(home))) as store:
            content = stores.everything(store)
        found += [f"the database: {needle}" for needle in needles if needle.encode() in content]
    return found


MARKED: Final[dict[str, tuple[list[Mark], dict[str, Any]]]] = {
    "a statement with a banner": ([_statement("SECRET//NOFORN")], {}),
    "a statement of one word": ([_statement("Confidential")], {}),
    "a banner below other lines": ([_statement("Property of the Ministry\nNATO RESTRICTED\n")], {}),
    "the name of the marking": (
        [_mark(3, name="COSMIC TOP SECRET", definition_type="statement", definition={"statement": "x"})],
        {},
    ),
    "a type of marking that nobody knows": (
        [_mark(4, definition_type="x-level", definition={"level": ["secret"]})],
        {},
    ),
    "ACS, confidential": ([_acs(classification="C")], {}),
    "ACS, secret": ([_acs(classification="S")], {}),
    "ACS, top secret": ([_acs(classification="TS", sci_controls=["x"])], {}),
    "ACS, whose classification is none": ([_acs(classification="Z")], {}),
    "ACS without a classification": ([_acs(entity=["GOV"])], {}),
    "a portion mark in the text": ([], {"description": f"(S//NF) {CANARY}"}),
    "a banner in the text": ([], {"description": f"RESTREINT UE/EU RESTRICTED\n{CANARY}"}),
    "a banner in the name": ([], {"name": f"SECRET//REL {CANARY}"}),
}


@pytest.mark.parametrize(("place", "around"), [("whole", "bundle"), ("granular", "envelope")])
@pytest.mark.parametrize("case", MARKED)
def test_nothing_of_it_is_in_any_file(case: str, place: str, around: str, world: World) -> None:
    envelope = around == "envelope"
    marks, more = MARKED[case]
    item = _secret(**more)
    if place == "granular" and marks:
        item["granular_markings"] = [{"marking_ref": marks[0].id, "selectors": ["name"]}]
    elif marks:
        item["object_marking_refs"] = [mark.id for mark in marks]
    document = json.loads(bundle([indicator(1), item], marked=marks))
    data = msgspec.json.encode({"objects": document["objects"]} if envelope else document)
    receipt = _submit(world, data, envelope=envelope)
    *refused, good, last = receipt.results
    assert good.outcome is Outcome.ACCEPTED
    for result in (*refused, last):
        assert (result.outcome, result.id, result.version) == (Outcome.REFUSED, None, None)
        assert ABOVE in str(result.reason)
    world.hub.integrator.integrate()
    needles = (CANARY, item["id"], item["id"].split("--")[1], *(mark.id for mark in marks))
    assert _traces(world.settings.home, *needles) == []
    # the search does find what is there
    assert _traces(world.settings.home, indicator(1)["id"])
    assert CANARY not in repr(receipt)


def _broken(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"confidence": f"{CANARY} is no number", "lang": "?"}


@pytest.mark.parametrize("broken", ["the object", "the marking", "both"])
def test_what_is_no_stix_besides_is_told_no_more_of(broken: str, world: World) -> None:
    mark = _statement(f"SECRET//{CANARY}")
    assert mark.definition is not None
    definition = mark.definition if broken == "the object" else mark.definition | {"created": f"{CANARY}"}
    item = _secret(object_marking_refs=[mark.id])
    receipt = world.share(
        "alfa", bundle([definition, item if broken == "the marking" else _broken(item), indicator(1)])
    )
    assert [result.outcome for result in receipt.results] == [Outcome.REFUSED, Outcome.REFUSED, Outcome.ACCEPTED]
    assert {result.id for result in receipt.results[:2]} == {None}
    assert _traces(world.settings.home, CANARY, item["id"]) == []
    assert CANARY not in repr(receipt)


def test_a_second_definition_of_the_same_id_hides_nothing(world: World) -> None:
    mark = _statement("SECRET//NOFORN")
    assert mark.definition is not None
    laxer = copy.deepcopy(mark.definition) | {"definition": {"statement": "for everyone"}}
    for order in ((laxer, mark.definition), (mark.definition, laxer)):
        receipt = world.share("alfa", bundle([*order, _secret(object_marking_refs=[mark.id])]))
        assert receipt.results[-1].outcome is Outcome.REFUSED
        assert _traces(world.settings.home, CANARY, _secret()["id"]) == []


def test_a_recipient_that_nobody_knows_is_not_told_of_either(world: World) -> None:
    terms = {"extension_type": "property-extension", "recipients": [f"{CANARY}@nowhere"]}
    mark = _mark(
        5, name="SECRET//NOFORN", extensions={"extension-definition--59a4f6be-6b4a-4b3f-9f57-7d2c4f0a6c11": terms}
    )
    receipt = world.share("alfa", bundle([_secret(object_marking_refs=[mark.id]), indicator(1)], marked=[mark]))
    assert CANARY not in repr(receipt)
    assert _traces(world.settings.home, CANARY) == []


# the hub's ceiling, and what the process holds itself to, which may be higher
CEILINGS: Final = [(ceiling, None) for ceiling in CLEARANCES] + [
    ("secret", "top-secret"),
    ("secret", "restricted"),
    ("unclassified", "top-secret"),
    (None, "secret"),
]


@pytest.mark.parametrize(("ceiling", "lowered"), CEILINGS)
@pytest.mark.parametrize("level", ["U", "C", "S", "TS"])
def test_the_ceiling_is_the_hubs_and_a_process_may_lower_it(
    level: str, ceiling: str | None, lowered: str | None, world: World
) -> None:
    rank = {"U": 0, "C": 2, "S": 3, "TS": 4}[level]
    world.hub.close()
    settings = msgspec.structs.replace(world.settings, ceiling=lowered)
    world.hub = open_hub(settings, clock=world.clock, entropy=SeededEntropy(2))
    if ceiling is not None:
        world.hub.ceilings.set(OPERATOR, world.hub.mandate, ceiling)
    mark = _acs(classification=level)
    receipt = world.share("alfa", bundle([_secret(object_marking_refs=[mark.id])], marked=[mark]))
    taken = rank <= min(clearance_rank(ceiling or CLEARANCES[0]), clearance_rank(lowered or "top-secret"))
    assert {result.outcome for result in receipt.results} == {Outcome.ACCEPTED if taken else Outcome.REFUSED}
    assert bool(_traces(world.settings.home, CANARY)) is taken


def test_a_lower_ceiling_counts_for_markings_that_were_shared_before(world: World) -> None:
    mark = _statement("NATO SECRET")
    assert mark.definition is not None
    world.hub.ceilings.set(OPERATOR, world.hub.mandate, "secret")
    assert world.share("alfa", bundle([mark.definition])).count(Outcome.ACCEPTED) == 1
    world.hub.ceilings.set(OPERATOR, world.hub.mandate, "unclassified")
    receipt = world.share("alfa", bundle([_secret(object_marking_refs=[mark.id]), indicator(1)]))
    assert [result.outcome for result in receipt.results] == [Outcome.REFUSED, Outcome.ACCEPTED]
    assert _traces(world.settings.home, CANARY, _secret()["id"]) == []


@pytest.mark.parametrize("named", [*BANNERS, *WORDS])
def test_every_banner_is_read_as_its_level(named: str) -> None:
    level = (BANNERS | WORDS)[named]
    for text in (named, f" {named}\n", f"{named}//NOFORN", f"({named})", named.lower(), f"Owner\n** {named} **"):
        assert classification_of({"definition": {"statement": text}}) == level, text
    assert banner_of(f"{named}//REL TO someone\n\ntext") == level
    assert banner_of(f"{named} text") == BANNERS.get(named)


@pytest.mark.parametrize(
    "text",
    [
        "Secret sharing schemes are used by this malware",
        "(c) 2026 its author",
        "(C) 2026 its author",
        "(R) is a sign",
        "The actor stole top secret documents",
        "SECRETARY//general",
        "Confidential computing",
        "RESTRICTED SHELL",
        "http://secret.example//x",
        "",
    ],
)
def test_what_only_looks_like_one_in_a_text_is_none(text: str) -> None:
    assert banner_of(text) is None


@pytest.mark.parametrize(
    "text", ["Copyright 2026, the author", "TLP:RED", "secret sauce of the house", "Reuse allowed"]
)
def test_ordinary_statements_are_no_classification(text: str) -> None:
    assert classification_of({"name": text, "definition": {"statement": text}}) is None


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("CONF\u0130DENTIAL", "top-secret"),  # no capital among ours: taken for the highest
        ("\u212a\u00c4YTT\u00d6 RAJOITETTU", "restricted"),
        ("\u017fecret", "secret"),
    ],
)
def test_letters_of_other_scripts_do_not_lower_it(text: str, level: str) -> None:
    assert classification_of({"definition": {"statement": text}}) == level


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("TRE\u0300S SECRET DE\u0301FENSE//X", "top-secret"),
        ("TOP  SECRET//SI", "top-secret"),
        ("TOP\u00a0SECRET//SI", "top-secret"),
        ("TOP\nSECRET//SI", "top-secret"),
        ("T\u200bOP SECRET//SI", "top-secret"),
        ("TOP\u2011SECRET//SI", "top-secret"),
        ("TOP SECRET - NOFORN", "top-secret"),
        ("SECRET  //NOFORN", "secret"),
        ("SECRET / / NOFORN", "secret"),
        ("\uff33\uff25\uff23\uff32\uff25\uff34//NOFORN", "secret"),
        ("NATO  SECRET", "secret"),
        ("EU-SECRET", "secret"),
        ("VS \u2013 NfD".upper(), "restricted"),
        ("R-UE/EU-R", "restricted"),
        ("S-UE / EU-S", "secret"),
        (" " * 10_000 + "NATO SECRET", "secret"),
        ("NATO SECRET " + "a" + "\u0301\u0316" * 50_000, "secret"),
    ],
)
def test_a_banner_is_one_however_it_is_spaced_and_accented(text: str, level: str) -> None:
    assert banner_of(text) == level
    assert classification_of({"name": text}) == level


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("( S / / NF)", "secret"),
        ("(S/\u200b/NF)", "secret"),
        ("( T S )", "top-secret"),
        ("(C / / REL)", "confidential"),
        ("S E C R E T // NOFORN", "secret"),
        ("TOP\u200bSECRET", "top-secret"),
        ("T\u00adOP SE\u2060CRET", "top-secret"),
        ("N\u2800ATO SECRET", "secret"),
        ("=" * 60 + "\nTOP SECRET\n" + "=" * 60, "top-secret"),
        ("__NATO SECRET__ and more", "secret"),
        ("\u200b" * 10_000 + "SECRET//NF", "secret"),
        ("SEC" + "\u200b" * 10_000 + "RET//NF", "secret"),
        ("\u200b" * 200_000 + "SECRET//NF", "top-secret"),  # nobody looks so far, and nobody writes so
    ],
)
def test_a_banner_is_what_a_person_sees(text: str, level: str) -> None:
    assert banner_of(text) == level


def test_a_marking_that_shows_nothing_is_taken_for_the_highest() -> None:
    assert classification_of({"name": "s" + "\u200b" * 200_000 + "ecret"}) == "top-secret"
    assert classification_of({"name": "for" + "\u200b" * 1_000 + " defenders"}) is None
    assert classification_of({"definition": {"statement": "for defenders " * 20_000}}) is None


UNSEEN = st.sampled_from(
    "\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e"
    "\u202e\u2060\u2064\u2800\u3164\ufe0f\ufeff\uffa0\x08\x7f\U000e0041"
)
SPACES = st.sampled_from(" \t\n\u00a0\u2003\u2009\u202f\u3000")


@st.composite
def spread(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> tuple[str, str]:
    """Draw a text, and the same with spaces and what nobody sees between its characters."""
    text = draw(texts)
    gaps = st.lists(UNSEEN | SPACES, max_size=3).map("".join)
    return text, "".join(draw(gaps) + one for one in text) + draw(gaps)


@given(spread(st.sampled_from([*BANNERS, *WORDS])), st.sampled_from(["//NF", "/ /NF", " //", "\u200b/\u200b/X"]))
def test_what_stands_between_its_letters_does_not_hide_a_banner(found: tuple[str, str], caveat: str) -> None:
    name, text = found
    level = (BANNERS | WORDS)[name]
    for seen in (
        banner_of(text + caveat),
        classification_of({"name": text}),
        classification_of({"definition": {"statement": text.lower() + caveat}}),
    ):
        assert seen is not None
        # of two words that a line break tears apart, the second may be a banner of its own: HEMLIG is SECRET
        assert seen == level or ("\n" in text and clearance_rank(seen) > clearance_rank(level))


@given(spread(st.sampled_from(["(S)", "(S//NF)", "(TS)", "(TS//SI)", "(C//REL)", "(R//X)", "(U//FOUO)"])))
def test_nor_a_portion_mark(found: tuple[str, str]) -> None:
    mark, text = found
    assert banner_of(text) == banner_of(mark) is not None


@pytest.mark.parametrize("text", ["SECRET - NOFORN", "secret: the plan", "Secret (NF)"])
def test_a_line_of_a_marking_says_it_with_whatever_follows(text: str) -> None:
    assert classification_of({"definition": {"statement": text}}) == "secret"


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["SECRET", "x", "TS", "U", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["control_set", "classification", ACS_EXTENSION, "statement"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(nested, nested, nested)
def test_whatever_it_is_given_it_answers(name: object, definition: object, extensions: object) -> None:
    found = classification_of({"name": name, "definition": definition, "extensions": extensions})
    assert found is None or found in CLEARANCES
    if isinstance(extensions, dict) and ACS_EXTENSION in extensions and extensions[ACS_EXTENSION] is not None:
        assert found is not None


def test_the_setting(world: World) -> None:
    assert read_settings({}).ceiling is None
    assert read_settings({"TOCSIN_CEILING": "secret"}).ceiling == "secret"
    assert read_settings({"TOCSIN_CEILING": ""}).ceiling is None
    with pytest.raises(UsageError) as caught:
        open_hub(msgspec.structs.replace(world.settings, ceiling="geheim"))
    assert caught.value.where == "TOCSIN_CEILING"


def test_every_process_has_the_hubs_ceiling_at_once(world: World) -> None:
    """One that was open before it was set, too; and setting it is in the log."""
    other = open_hub(world.settings, clock=world.clock, entropy=SeededEntropy(3))
    mark = _acs(classification="S")
    data = bundle([_secret(object_marking_refs=[mark.id])], marked=[mark])
    world.hub.ceilings.set(OPERATOR, world.hub.mandate, "secret", "accredited")
    party = world.hub.parties.get("alfa").uri
    taken = other.intake.submit(Submission(party=party, acting=Acting(actor="alfa"), data=data))
    assert taken.count(Outcome.ACCEPTED) == 2
    other.ceilings.set(OPERATOR, other.mandate, "restricted")
    again = world.share("alfa", bundle([_secret(id=indicator(9)["id"], object_marking_refs=[mark.id])], marked=[mark]))
    assert again.count(Outcome.REFUSED) == 2
    with pytest.raises(TransitionError):
        other.ceilings.set(OPERATOR, other.mandate, "restricted")
    with pytest.raises(InputError):
        other.ceilings.set(OPERATOR, other.mandate, "geheim")
    other.close()
    rebuilt = inspect_hub(world.hub)
    assert rebuilt.ceiling == "restricted"


def test_a_ceiling_that_somebody_changed_is_found(world: World) -> None:
    world.hub.ceilings.set(OPERATOR, world.hub.mandate, "restricted")
    with world.hub.store.write() as connection:
        connection.execute(update(CEILINGS_TABLE).values(ceiling="secret"))
    faults = {one.check: one.fault for one in world.hub.self_test.run()}
    assert [name for name, fault in faults.items() if fault is not None] == ["ceiling"]


def test_a_log_that_tells_of_more_than_the_hub_may_hold_is_broken(world: World) -> None:
    world.hub.ceilings.set(OPERATOR, world.hub.mandate, "secret")
    mark = _acs(classification="S")
    world.share("alfa", bundle([_secret(object_marking_refs=[mark.id])], marked=[mark]))
    told = tell(world.hub)
    assert replay(told).ceiling == "secret"
    at = next(index for index, payload in told if payload.kind == "ceiling.set")
    for level, says in (("confidential", "above the ceiling"), ("geheim", "no classification")):
        data = told[at][1].data | {"ceiling": level}
        forged = [*told[:at], (at, msgspec.structs.replace(told[at][1], data=data)), *told[at + 1 :]]
        with pytest.raises(LogBrokenError, match=says):
            replay(forged)


def test_an_id_in_capitals_is_the_same_marking(world: World) -> None:
    mark = _statement("NATO SECRET", number=7)
    own = f"marking-definition--{mark.id.rpartition('--')[2].upper()}"
    for ref, definition in ((own, mark.definition), (mark.id, (mark.definition or {}) | {"id": own})):
        receipt = world.share(
            "alfa",
            json.dumps(
                {
                    "type": "bundle",
                    "id": f"bundle--{mark.id[-36:]}",
                    "objects": [definition, _secret(object_marking_refs=[ref])],
                }
            ).encode(),
        )
        assert [result.id for result in receipt.results] == [None, None]
    assert _traces(world.settings.home, CANARY) == []


pieces = st.one_of(
    st.sampled_from([*BANNERS, *WORDS, *(name.capitalize() for name in WORDS), *(name.lower() for name in WORDS)]),
    st.sampled_from(["//", "(", ")", "S", "TS", "R", "-", " ", "\n", "_", "9"]),
    st.sampled_from(["\u0301", "\u00ad", "\u200d", "\U0001f142"]),
    st.text(max_size=3),
)


@given(st.lists(pieces, max_size=6).map("".join))
def test_what_is_told_at_a_glance_is_what_a_closer_look_finds(text: str) -> None:
    # what nobody sees at the top of a text is no reason to pass over it, and makes us look closer
    assert banner_of(text) == banner_of("\u200b" + text)
