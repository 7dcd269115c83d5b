"""How people and markings name a recipient, and the address that labels hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from support.hub import OPERATOR
from support.treaty import Templates, templates
from tocsin.errors import InputError
from tocsin.exchange.addressing import address_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World

FOUND: Final = {
    "alfa": "https://alfa.example",
    "https://alfa.example": "https://alfa.example",
    "ana@alfa": "ana@https://alfa.example",
    "ana@https://alfa.example": "ana@https://alfa.example",
    "hub": "https://hub.example",
    "coast": "https://coast.example",  # suspended, and may be cleared again
}
UNKNOWN: Final = (
    "",
    "@",
    "@alfa",
    "ana@",
    "ana",
    "nobody",
    "Alfa",
    " alfa",
    "alfa ",
    "https://nobody.example",
    "https://alfa.example/",
    "HTTPS://alfa.example",
    "nobody@alfa",
    "ana@nobody",
    "ana@ana@alfa",
    "ana@bravo",  # disabled
    "outsider",  # has left
    "ana@outsider",
    "alfa\x00",
    "\udcff",
    "\ud800@alfa",
    "x" * 10_000,
)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    for hubs in templates():
        made: Templates = hubs
        world = made.world()
        acts = world.hub.parties
        acts.disable_user(OPERATOR, world.hub.mandate, "ana@bravo")
        acts.suspend_party(OPERATOR, world.hub.mandate, "coast", "a test")
        acts.leave_party(OPERATOR, world.hub.mandate, "outsider")
        yield world
        made.drop(world)


@pytest.mark.parametrize("reference", FOUND)
def test_each_way_of_naming_somebody(world: World, reference: str) -> None:
    with world.hub.store.read() as connection:
        assert address_of(connection, world.hub.environment, reference) == FOUND[reference]


@pytest.mark.parametrize("reference", UNKNOWN)
def test_nobody_is_named_by_anything_else(world: World, reference: str) -> None:
    with world.hub.store.read() as connection, pytest.raises(InputError, match="there is no recipient") as refused:
        address_of(connection, world.hub.environment, reference)
    assert len(str(refused.value)) < 300


def test_another_environment_has_other_people(world: World) -> None:
    with world.hub.store.read() as connection, pytest.raises(InputError):
        address_of(connection, world.hub.environment + 1, "alfa")
