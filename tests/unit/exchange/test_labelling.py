"""From what is written on an object to its label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.sharing import TERMS, Mark, Shared, expected_label, indicator, known_marks, marks, objects, terms_mark
from tocsin.agreements.model import Label, Tlp
from tocsin.errors import InputError
from tocsin.exchange.labelling import Handling, Labeller, marking_refs
from tocsin.exchange.stix import ParsedObject, parse_object

if TYPE_CHECKING:
    from collections.abc import Sequence

OWNER: Final = "https://alfa.example"
ADDRESSES: Final = {
    "bravo": "https://bravo.example",
    "https://bravo.example": "https://bravo.example",
    "coast": "https://coast.example",
    "ana@bravo": "ana@https://bravo.example",
    "ana@https://bravo.example": "ana@https://bravo.example",
}
TLP: Final = {mark.tlp: mark for mark in known_marks() if mark.tlp is not None}


def _address(reference: str) -> str:
    if reference not in ADDRESSES:
        raise InputError(f"there is no recipient {reference!r} here")
    return ADDRESSES[reference]


def _label(item: Shared, *, tlp: str | None = None, to: Sequence[str] = ()) -> tuple[Label, tuple[str, ...]]:
    labeller = Labeller(
        owner=OWNER,
        handling=Handling(tlp=None if tlp is None else Tlp(tlp), recipients=frozenset(map(_address, to)) or None),
        definitions={mark.id: mark.definition for mark in item.marks if mark.definition is not None},
        at=0,
        address=_address,
    )
    return labeller.label(_parsed(item.json))


def _parsed(item: dict[str, Any]) -> ParsedObject:
    parsed = parse_object(msgspec.json.encode(item))
    assert isinstance(parsed, ParsedObject), parsed
    return parsed


def _marked(*marked: Mark) -> Shared:
    return Shared(json=indicator(1, marked=marked), marks=marked)


@given(
    objects(marks(recipients=sorted(ADDRESSES)), kinds=("indicator", "ipv4-addr", "report"), numbers=2),
    st.none() | st.sampled_from([str(level) for level in Tlp]),
    st.lists(st.sampled_from(sorted(ADDRESSES)), max_size=2),
)
def test_a_label_is_what_all_markings_ask_for_together(item: Shared, tlp: str | None, to: list[str]) -> None:
    wanted = expected_label(
        owner=OWNER, type_=item.json["type"], marked=item.marks, addresses=ADDRESSES, tlp=tlp, to=to
    )
    if wanted is None:
        with pytest.raises(InputError, match="RED is for individuals"):
            _label(item, tlp=tlp, to=to)
    else:
        assert _label(item, tlp=tlp, to=to)[0] == wanted


CASES: Final[dict[str, tuple[Shared, dict[str, Any], dict[str, Any]]]] = {
    "unmarked is amber": (_marked(), {}, {"tlp": Tlp.AMBER}),
    "marked clear is clear": (_marked(TLP["clear"]), {}, {"tlp": Tlp.CLEAR}),
    "the sender's word for the unmarked": (_marked(), {"tlp": "green"}, {"tlp": Tlp.GREEN}),
    "the sender may narrow": (_marked(TLP["clear"]), {"tlp": "amber"}, {"tlp": Tlp.AMBER}),
    "the sender cannot widen": (_marked(TLP["amber"]), {"tlp": "clear"}, {"tlp": Tlp.AMBER}),
    "addressed by the sender": (_marked(), {"to": ["bravo"]}, {"recipients": {"https://bravo.example"}}),
    "addressed by name and by URI": (
        _marked(terms_mark(recipients=("bravo",)), terms_mark(recipients=("https://bravo.example", "coast"))),
        {},
        {"recipients": {"https://bravo.example"}},
    ),
    "two markings that name nobody in common leave it to its owner": (
        _marked(terms_mark(recipients=("bravo",)), terms_mark(recipients=("coast",))),
        {},
        {"recipients": {OWNER}},
    ),
    "sender and marking that name nobody in common leave it to its owner": (
        _marked(terms_mark(recipients=("bravo",))),
        {"to": ["coast"]},
        {"recipients": {OWNER}},
    ),
    "a party is not each of its people": (
        _marked(terms_mark(recipients=("bravo",))),
        {"to": ["ana@bravo"]},
        {"recipients": {OWNER}},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_named_cases(case: str) -> None:
    item, handling, wanted = CASES[case]
    label, _ = _label(item, **handling)
    for key, value in wanted.items():
        assert getattr(label, key) == value


TLP_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
FOREIGN: Final = {
    "extension-definition--11111111-2222-4333-8444-555555555555": {"extension_type": "property-extension"}
}
TERMS_SAID: Final = {
    "recipients": ["bravo"],
    "categories": ["victim"],
    "residency": "eea",
    "sectors": ["energy"],
    "countries": ["NO"],
}
TERMS_HELD: Final = {
    "recipients": {"https://bravo.example"},
    "categories": {"victim"},
    "residency": "eea",
    "sectors": {"energy"},
    "countries": {"NO"},
    "unknown_marking": False,
}
NOTHING_HELD: Final[dict[str, Any]] = {
    "recipients": set(),
    "categories": set(),
    "residency": None,
    "unknown_marking": False,
}


def _terms(**says: object) -> dict[str, Any]:
    return {TERMS: {"extension_type": "property-extension", **says}}


DEFINITIONS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "its own terms hold for itself": (_terms(**TERMS_SAID), TERMS_HELD),
    "next to what cannot be read": (_terms(**TERMS_SAID) | FOREIGN, TERMS_HELD),
    "its TLP is for others": (
        _terms(**TERMS_SAID) | {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "red"}},
        TERMS_HELD | {"tlp": Tlp.AMBER},
    ),
    "terms that cannot be read": (_terms(recipients=["bravo"], until="tomorrow"), {"unknown_marking": True}),
    "of a kind that is not ours": (FOREIGN, NOTHING_HELD),
}


@pytest.mark.parametrize("case", DEFINITIONS)
def test_definitions(case: str) -> None:
    extensions, wanted = DEFINITIONS[case]
    definition = terms_mark(categories=("any",)).definition
    assert definition is not None
    label, _ = _label(Shared(json=definition | {"extensions": extensions}, marks=()))
    assert {key: getattr(label, key) for key in wanted} == wanted


def test_two_definitions_of_one_submission_are_labelled_each_by_its_own_terms() -> None:
    labeller = Labeller(owner=OWNER, handling=Handling(), definitions={}, at=0, address=_address)
    found = [
        labeller.label(_parsed(mark.definition))[0].recipients
        for mark in (terms_mark(recipients=("bravo",)), terms_mark(recipients=("coast",)))
        if mark.definition is not None
    ]
    assert found == [{"https://bravo.example"}, {"https://coast.example"}]


REFUSED: Final = {
    "red for nobody": (_marked(TLP["red"]), {}),
    "red for a party": (_marked(TLP["red"]), {"to": ["bravo"]}),
    "red by the sender's word": (_marked(), {"tlp": "red"}),
    "red for two people who differ": (
        _marked(TLP["red"], terms_mark(recipients=("ana@bravo",))),
        {"to": ["coast"]},
    ),
    "a recipient whom nobody knows": (_marked(terms_mark(recipients=("nobody",))), {}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_labelled_is_refused(case: str) -> None:
    item, handling = REFUSED[case]
    with pytest.raises(InputError):
        _label(item, **handling)  # type: ignore[arg-type]  # as the table has it


def test_its_sender_is_told_what_will_reach_nobody() -> None:
    _, unknown = _label(_marked(Mark(id="marking-definition--00000000-0000-4000-8000-000000000009", unknown=True)))
    assert "nobody but its owner" in unknown[0]
    _, strict = _label(_marked(TLP["amber+strict"]))
    assert "without recipients" in strict[0]
    assert _label(_marked(TLP["amber+strict"]), to=["bravo"])[1] == ()


def test_granular_markings_count_for_the_whole_object() -> None:
    mark = TLP["amber+strict"]
    item = indicator(1, marked=[TLP["clear"]]) | {
        "granular_markings": [{"marking_ref": mark.id, "selectors": ["name"]}, {"lang": "no", "selectors": ["name"]}]
    }
    assert marking_refs(_parsed(item)) == [TLP["clear"].id, mark.id]
    assert _label(Shared(json=item, marks=()))[0].tlp is Tlp.AMBER_STRICT


def test_custom_types_are_labelled_by_their_markings_too() -> None:
    item = indicator(1, marked=[TLP["amber+strict"]]) | {
        "type": "x-house-note",
        "id": "x-house-note--00000000-0000-4000-8000-000000000001",
    }
    label, _ = _label(Shared(json=item, marks=()))
    assert (label.type, label.tlp) == ("x-house-note", Tlp.AMBER_STRICT)
