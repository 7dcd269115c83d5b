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
    assert _reads(world, "bravo", 1)
    assert not _reads(world, "coast", 1)


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
