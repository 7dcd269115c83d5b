"""A marking means what its sender defined first."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import pytest

from support.sharing import TERMS, Mark, bundle, indicator, known_marks, terms_mark
from support.treaty import Templates, templates
from tocsin.exchange.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World

MARK: Final = terms_mark(recipients=("bravo",))
CANNOT: Final = "you shared another definition under this id"


def _wider(mark: Mark) -> dict[str, Any]:
    """Return a definition of the same id that addresses nobody in particular."""
    definition = copy.deepcopy(mark.definition)
    assert definition is not None
    definition["extensions"][TERMS] = {"extension_type": "property-extension", "sectors": ["energy"]}
    return definition


@pytest.fixture
def world() -> Iterator[World]:
    for hubs in templates():
        made: Templates = hubs
        opened = made.world()
        yield opened
        made.drop(opened)


def _reads(world: World, reader: str, number: int) -> bool:
    return indicator(number)["id"] in {item.object_id for item, _ in world.read(reader)}


@pytest.mark.parametrize("between", ["in one bundle", "in two", "before it is used"])
def test_another_definition_under_the_same_id_neither_counts_nor_enters(world: World, between: str) -> None:
    marked = indicator(1, marked=[MARK])
    assert MARK.definition is not None
    if between == "in one bundle":
        receipt = world.share("alfa", bundle([MARK.definition, _wider(MARK), marked]))
        refused = receipt.results[1]
    elif between == "in two":
        world.share("alfa", bundle([MARK.definition]))
        refused = world.share("alfa", bundle([_wider(MARK), marked])).results[0]
    else:
        world.share("alfa", bundle([MARK.definition]))
        refused = world.share("alfa", bundle([_wider(MARK)])).results[0]
        world.share("alfa", bundle([marked]))
    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, CANNOT)
    # next to what contradicts it the first one is in doubt, and nobody is meant
    assert _reads(world, "bravo", 1) is (between == "before it is used")
    assert not _reads(world, "coast", 1)
    assert _reads(world, "alfa", 1)


def _malformed(definition: dict[str, Any]) -> dict[str, Any]:
    return definition | {"created_by_ref": "identity--broken"}


@pytest.mark.parametrize("stricter", ["is no STIX", "contradicts", "is written twice"])
def test_no_laxer_definition_stands_in_for_one_that_is_refused(world: World, stricter: str) -> None:
    assert MARK.definition is not None
    sent = {
        "is no STIX": [_malformed(MARK.definition)],
        "contradicts": [MARK.definition],
        "is written twice": [_wider(MARK), MARK.definition],
    }[stricter]
    world.share("alfa", bundle([_wider(MARK)]))
    receipt = world.share("alfa", bundle([*sent, indicator(1, marked=[MARK])]))
    *_, refused, marked = receipt.results
    assert (refused.outcome, marked.outcome) == (Outcome.REFUSED, Outcome.ACCEPTED)
    assert "definition is refused here" in marked.notes[0]
    assert [reader for reader in ("alfa", "bravo", "coast") if _reads(world, reader, 1)] == ["alfa"]


def test_what_is_refused_in_one_submission_changes_nothing_in_the_next(world: World) -> None:
    assert MARK.definition is not None
    world.share("alfa", bundle([MARK.definition]))
    world.share("alfa", bundle([_malformed(MARK.definition)]))
    world.share("alfa", bundle([indicator(1, marked=[MARK])]))
    assert _reads(world, "bravo", 1)
    assert not _reads(world, "coast", 1)


def test_a_published_marking_means_the_same_however_badly_it_was_sent(world: World) -> None:
    (green,) = (mark for mark in known_marks() if mark.id.endswith("bab4a63c-aed9-4cf5-a766-dfca5abac2bb"))
    receipt = world.share("alfa", bundle([_last(green.id, "a") | {"created": 7}, indicator(1, marked=[green])]))
    assert [result.outcome for result in receipt.results] == [Outcome.REFUSED, Outcome.ACCEPTED]
    assert receipt.results[1].notes == ()
    assert _reads(world, "coast", 1)


def test_a_definition_is_for_those_whom_it_names(world: World) -> None:
    """It tells the names: who may not read what it marks learns nothing of it."""
    assert MARK.definition is not None
    world.share("alfa", bundle([MARK.definition]))
    readers = {"alfa", "bravo", "coast"}
    assert {one for one in readers if MARK.id in {item.object_id for item, _ in world.read(one)}} == {"alfa", "bravo"}


def _last(key: str, statement: str) -> dict[str, Any]:
    """Return a statement dated to the last instant that can be written."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": key,
        "created": "9999-12-31T23:59:59.999999Z",
        "definition_type": "statement",
        "definition": {"statement": statement},
    }


def test_one_that_can_have_no_later_version_is_refused_alone(world: World) -> None:
    """A published marking may come in several ways, each a version of its own; after the last instant none is left."""
    (green,) = (mark for mark in known_marks() if mark.id.endswith("bab4a63c-aed9-4cf5-a766-dfca5abac2bb"))
    world.share("alfa", bundle([_last(green.id, "a")]))
    receipt = world.share("alfa", bundle([_last(green.id, "b"), indicator(1, marked=[green])]))
    late, innocent = receipt.results
    assert (late.outcome, late.where) == (Outcome.REFUSED, "objects[0].created")
    assert "last instant" in (late.reason or "")
    assert innocent.outcome is Outcome.ACCEPTED
    assert _reads(world, "coast", 1)


def test_a_leap_second_after_which_nothing_comes_is_refused_alone(world: World) -> None:
    late = indicator(2) | {"modified": "9999-12-31T23:59:60.000Z"}
    receipt = world.share("alfa", bundle([late, indicator(1)]))
    assert [result.outcome for result in receipt.results] == [Outcome.REFUSED, Outcome.ACCEPTED]


def test_the_same_definition_again_is_repeated(world: World) -> None:
    assert MARK.definition is not None
    world.share("alfa", bundle([MARK.definition]))
    again = world.share("alfa", bundle([MARK.definition, indicator(1, marked=[MARK])]))
    assert [result.outcome for result in again.results] == [Outcome.REPEATED, Outcome.ACCEPTED]
    assert not _reads(world, "coast", 1)


def test_a_definition_counts_wherever_it_stands_in_the_bundle(world: World) -> None:
    assert MARK.definition is not None
    world.share("alfa", bundle([indicator(1, marked=[MARK]), MARK.definition]))
    assert _reads(world, "bravo", 1)
    assert not _reads(world, "coast", 1)


def test_a_published_marking_may_be_written_in_several_ways(world: World) -> None:
    """TLP:GREEN as STIX 2.1 §7.2.1.4 has it, with its properties in two orders: its id says all."""
    (green,) = (mark for mark in known_marks() if mark.id.endswith("34098fce-860f-48ae-8e50-ebd3cc5e41da"))
    written = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": green.id,
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "name": "TLP:GREEN",
        "definition": {"tlp": "green"},
    }
    receipt = world.share("alfa", bundle([written, dict(reversed(written.items())), indicator(1, marked=[green])]))
    assert [result.outcome for result in receipt.results] == [Outcome.ACCEPTED] * 3
    assert _reads(world, "coast", 1)
