"""What a diff says of a change is so of every reader and object: widening closes nothing, narrowing opens nothing."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from support.agreement_strategies import Reader, World, forbids, labels, permits, readers, worlds
from tocsin.agreements.diff import Bearing, Change, diff
from tocsin.agreements.document import AgreementDocument, parse_agreement
from tocsin.agreements.gate import decide, slice_for
from tocsin.agreements.reveal import totalled

if TYPE_CHECKING:
    from tocsin.agreements.model import Label

CASES = settings(
    max_examples=50,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


@st.composite
def changed(draw: st.DrawFn, world: World) -> dict[str, Any]:
    """Return the content of the world's first agreement with one thing changed."""
    content = copy.deepcopy(world.papers[0].content)
    clause = draw(st.sampled_from(content["clauses"]))
    other = draw(permits() if "permit" in clause else forbids())
    what = draw(st.sampled_from(["key", "key", "key", "drop", "add", "bases"]))
    if what == "key":
        key = draw(st.sampled_from(["to", "of", "unless", "for"]))
        if key in other and key in clause and key != "for":
            clause[key] = draw(st.sampled_from([other[key], clause[key] | other[key]]))
        elif key in clause and not (key == "to" and "permit" in clause):
            del clause[key]
        elif key == "unless" and key in other:
            clause[key] = other[key]
    elif what == "drop" and len(content["clauses"]) > 1:
        content["clauses"].remove(clause)
    elif what == "add":
        content["clauses"].append({"id": "new"} | {key: value for key, value in other.items() if key != "rests_on"})
        content["clauses"][-1].pop("for", None)
    elif what == "bases" and "rests_on" in clause:
        del clause["rests_on"]
    # a forbid must still say something, and ask for no category that it also asks not to be there
    fine = all("permit" in one or one.keys() & {"to", "of"} for one in content["clauses"]) and not any(
        {*_listed(of.get("category"))} & {*_listed(of.get("without"))}
        for of in (one.get("of", {}) for one in content["clauses"])
    )
    return content if fine else world.papers[0].content


def _listed(words: str | list[str] | None) -> list[str]:
    return [words] if isinstance(words, str) else words or []


def parsed(world: World) -> AgreementDocument:
    return world.activated(world.papers[0]).document


def opened(world: World, reader: Reader, batch: list[Label]) -> frozenset[int]:
    profile, facts = world.profile(reader), world.facts()
    verdicts = decide(slice_for(profile, facts), profile, batch)
    return frozenset(index for index, verdict in enumerate(verdicts) if verdict.allows)


@CASES
@given(
    worlds(most=1), st.lists(readers(), min_size=3, max_size=8), st.lists(labels(), min_size=4, max_size=12), st.data()
)
def test_a_bearing_holds_for_every_reader_and_object(
    world: World, askers: list[Reader], batch: list[Label], data: st.DataObject
) -> None:
    after = world.with_content(0, data.draw(changed(world)))
    found = diff(parsed(world), parsed(after))
    bearings = {one.bearing for one in found}
    event(", ".join(sorted(bearings)) or "no change")
    for reader in askers:
        was, now = opened(world, reader, batch), opened(after, reader, batch)
        if bearings <= {Bearing.WIDENS, Bearing.NEITHER}:
            assert was <= now, found
        if bearings <= {Bearing.NARROWS, Bearing.NEITHER}:
            assert now <= was, found


@CASES
@given(worlds(most=1), st.data())
def test_a_diff_read_backwards_says_the_opposite(world: World, data: st.DataObject) -> None:
    after = world.with_content(0, data.draw(changed(world)))
    forth, back = diff(parsed(world), parsed(after)), diff(parsed(after), parsed(world))
    opposite = {Bearing.WIDENS: Bearing.NARROWS, Bearing.NARROWS: Bearing.WIDENS}
    other = {Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED}
    turned = {
        (one.about, other.get(one.change, one.change), opposite.get(one.bearing, one.bearing), one.after, one.before)
        for one in back
    }
    assert {(one.about, one.change, one.bearing, one.before, one.after) for one in forth} == turned
    assert diff(parsed(world), parsed(world)) == ()


def totalling(content: dict[str, Any]) -> dict[str, Any]:
    """Return content whose permits tell totals in place of opening anything."""
    made = copy.deepcopy(content)
    for clause in made["clauses"]:
        if clause.pop("permit", None) is not None:
            for key in clause.keys() & {"for", "rests_on", "onward"}:
                del clause[key]
            clause["total"] = "map"
            clause.get("of", {}).pop("type", None)
    return made


def told(world: World, reader: Reader, batch: list[Label]) -> frozenset[int]:
    found = totalled(world.profile(reader), batch, world.facts())
    return frozenset(index for index, clause in enumerate(found) if clause is not None)


@CASES
@given(
    worlds(most=1), st.lists(readers(), min_size=3, max_size=8), st.lists(labels(), min_size=4, max_size=12), st.data()
)
def test_a_bearing_holds_for_every_total(
    world: World, askers: list[Reader], batch: list[Label], data: st.DataObject
) -> None:
    batch = [msgspec.structs.replace(one, type=data.draw(st.sampled_from(["asset", "asset-detail"]))) for one in batch]
    before = world.with_content(0, totalling(world.papers[0].content))
    after = world.with_content(0, totalling(data.draw(changed(world))))
    found = diff(parsed(before), parsed(after))
    bearings = {one.bearing for one in found}
    event(", ".join(sorted(bearings)) or "no change")
    for reader in askers:
        was, now = told(before, reader, batch), told(after, reader, batch)
        event(f"{len(was) > 0} {len(now) > 0}")
        # nobody reads anything by these clauses, and nothing that is forbidden is counted
        assert opened(before, reader, batch).isdisjoint(was)
        if bearings <= {Bearing.WIDENS, Bearing.NEITHER}:
            assert was <= now, found
        if bearings <= {Bearing.NARROWS, Bearing.NEITHER}:
            assert now <= was, found


TOTALS: dict[str, tuple[dict[str, Any], dict[str, Any], Bearing]] = {
    "fewer owners": ({"at_least": 5}, {"at_least": 4}, Bearing.WIDENS),
    "more owners": ({}, {"at_least": 4}, Bearing.NARROWS),
    "as many, written out": ({}, {"at_least": 3}, Bearing.NEITHER),
    "more values, more owners": ({"of": {"sectors": "energy"}}, {"at_least": 4}, Bearing.CANNOT_SAY),
    "a condition less": ({"of": {"sectors": "energy"}}, {}, Bearing.WIDENS),
    "amber+strict, named": (
        {"of": {"tlp": {"at_most": "amber"}}},
        {"of": {"tlp": {"at_most": "amber+strict"}}},
        Bearing.WIDENS,
    ),
}


@pytest.mark.parametrize("name", TOTALS)
def test_a_change_of_a_total(name: str) -> None:
    old, new, bearing = TOTALS[name]
    base: dict[str, Any] = {"id": "1", "total": "map", "to": {"parties": "all"}}
    found = diff(_document(base | old), _document(base | new))
    assert {one.bearing for one in found} in ({bearing}, set() if bearing is Bearing.NEITHER else {bearing})


def test_a_total_that_comes_widens_and_one_that_goes_narrows() -> None:
    permit = {"id": "1", "permit": "read", "to": {"parties": "all"}}
    total = {"id": "2", "total": "map", "to": {"parties": "all"}}
    assert {one.bearing for one in diff(_document(permit), _document(permit, total))} == {Bearing.WIDENS}
    assert {one.bearing for one in diff(_document(permit, total), _document(permit))} == {Bearing.NARROWS}


CASES_OF_ONE: dict[str, tuple[dict[str, Any], dict[str, Any], Bearing]] = {
    "a value more": ({"to": {"capacity": "csirt"}}, {"to": {"capacity": ["csirt", "operator"]}}, Bearing.WIDENS),
    "a value less": ({"of": {"type": ["incident", "report"]}}, {"of": {"type": "incident"}}, Bearing.NARROWS),
    "a condition less": ({"of": {"sectors": "energy"}}, {}, Bearing.WIDENS),
    "one for another": ({"of": {"type": "incident"}}, {"of": {"type": "report"}}, Bearing.CANNOT_SAY),
    "a lower clearance": ({"to": {"clearance": "secret"}}, {"to": {"clearance": "restricted"}}, Bearing.WIDENS),
    "a purpose less": ({"for": ["detect", "respond"]}, {"for": "detect"}, Bearing.NARROWS),
    "a bound for its list": (
        {"of": {"tlp": {"at_most": "amber"}}},
        {"of": {"tlp": ["clear", "green", "amber"]}},
        Bearing.NEITHER,
    ),
    "silence for what it means": ({}, {"of": {"tlp": {"at_most": "amber"}}}, Bearing.NEITHER),
    "amber+strict, named": (
        {"of": {"tlp": {"at_most": "red"}}},
        {"of": {"tlp": ["clear", "green", "amber", "amber+strict", "red"]}},
        Bearing.WIDENS,
    ),
    "an exception more": ({}, {"of": {"without": ["personal-data"]}}, Bearing.NARROWS),
    "no legal basis": ({"rests_on": "law"}, {}, Bearing.WIDENS),
    "for clients": ({"onward": "none"}, {"onward": "clients"}, Bearing.WIDENS),
}


@pytest.mark.parametrize("name", CASES_OF_ONE)
def test_a_change_of_a_permit(name: str) -> None:
    old, new, bearing = CASES_OF_ONE[name]
    base: dict[str, Any] = {"id": "1", "permit": "read", "to": {"parties": "all"}}
    found = diff(_document(base | old), _document(base | new))
    # what means the same may read the same, too
    assert {one.bearing for one in found} in ({bearing}, set() if bearing is Bearing.NEITHER else {bearing})


def _document(*clauses: dict[str, Any]) -> AgreementDocument:
    content = {
        "agreement": "small",
        "version": 1,
        "title": "Small",
        "in_force": {"from": "2026-01-01", "until": None},
        "parties": [{"name": "alfa"}],
        "legal_bases": {"law": {"NO": {"cite": "Act", "valid": ["2026-01-01", None]}}},
        "purposes": ["detect", "respond"],
        "clauses": [*clauses],
    }
    return parse_agreement(json.dumps(content).encode(), where="small").document
