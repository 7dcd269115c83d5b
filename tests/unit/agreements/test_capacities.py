"""Two hats: who is a supervisor and something else acts as a supervisor only when it says so, and is seen to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from sqlalchemy import text

from support.hub import OPERATOR, World
from support.sharing import bundle, indicator, terms_mark
from tocsin.agreements.gate import acting_in, can_act
from tocsin.agreements.model import Tlp
from tocsin.errors import InputError, StoreBrokenError
from tocsin.exchange.model import Query
from tocsin.exchange.reading import Asker
from tocsin.log.model import EntryPayload, decode_payload
from tocsin.parties.model import Kind, Permission

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TREATY: Final = """\
agreement: two-hats
version: 1
title: Two hats
in_force: {from: 2026-01-01, until: null}
parties: [{name: grid}, {name: authority}]
purposes: [detect, respond]
clauses:
  - {id: "1", permit: read, to: {capacity: csirt}, of: {type: indicator, without: [findings, private]}}
  - id: "2"
    permit: read
    to: {capacity: supervisor}
    of: {type: indicator, category: findings}
    for: [detect, enforce]
  - {id: "3", permit: read, to: {parties: all}, of: {type: indicator, category: private}}
  - {id: "4", forbid: read, to: {capacity: supervisor}, of: {type: indicator, category: private}}
  - {id: "5", permit: read, to: {capacity: csirt}, of: {type: indicator, category: findings}, for: [enforce]}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hats") / "hub"
    world = World(folder)
    world.party("grid")
    world.party("authority", kind=Kind.PUBLIC, capacities=frozenset({"csirt", "supervisor"}))
    world.agreement(TREATY, signed_by=("grid", "authority"))
    for number, category in enumerate((None, "findings", "private"), 1):
        marks = () if category is None else (terms_mark(categories=(category,)),)
        world.share("grid", bundle([indicator(number, marked=marks)], marked=marks), tlp=Tlp.GREEN)
    world.hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "hub", template=template)
    yield made
    made.hub.close()


def reads(world: World, capacity: str | None, purpose: str = "detect") -> int:
    """Return how many objects the authority's service reads in a capacity."""
    asker = world.asker("authority", purpose=purpose)
    asker = msgspec.structs.replace(asker, capacity=capacity)
    return len(world.hub.reading.objects(asker, "exchange", Query(), limit=100).page.items)


def releases(world: World) -> list[EntryPayload]:
    world.hub.integrator.integrate()
    with world.hub.store.read() as connection:
        rows = list(world.hub.log.rows(connection))
    told = [decode_payload(row.payload) for row in rows if row.payload is not None]
    return [one for one in told if one.kind == "release"]


# in which capacity, for what purpose; how many of: one for csirts, one of findings, one kept from supervisors
HATS: Final = {
    "unasked it is no supervisor": (None, "detect", 1),
    "as a csirt": ("csirt", "detect", 1),
    "as a supervisor": ("supervisor", "detect", 1),
    "a supervisor enforces": ("supervisor", "enforce", 1),
    "a csirt that supervises too does not, whatever a clause says": ("csirt", "enforce", 0),
    "nor does it unasked": (None, "enforce", 0),
    "a capacity that it has not is none": ("operator", "detect", 0),
}


@pytest.mark.parametrize("name", HATS)
def test_what_is_read_under_which_hat(world: World, name: str) -> None:
    capacity, purpose, count = HATS[name]
    assert reads(world, capacity, purpose) == count
    world.hub.self_test.require()


def test_a_forbid_for_supervisors_holds_for_one_that_took_off_the_hat(world: World) -> None:
    assert reads(world, "csirt") == 1  # the one for csirts: of what is kept from supervisors it reads nothing
    party = world.hub.parties.get("authority")
    only_csirt = msgspec.structs.replace(party, capacities=frozenset({"csirt"}))
    world.hub.parties.change_party(OPERATOR, world.hub.mandate, only_csirt)
    assert reads(world, None) == 2


def test_the_record_says_under_which_hat(world: World) -> None:
    for capacity in (None, "csirt", "supervisor"):
        reads(world, capacity)
    assert [one.data["profile"].get("acts_as") for one in releases(world)] == [["csirt"], ["csirt"], ["supervisor"]]
    assert {tuple(one.data["profile"]["capacities"]) for one in releases(world)} == {("csirt", "supervisor")}


def test_a_token_acts_in_the_capacity_that_it_was_made_for(world: World) -> None:
    issue = world.hub.parties.issue_token
    allowed = frozenset({Permission.OBJECTS_READ})
    with pytest.raises(InputError, match="no such capacity"):
        issue(OPERATOR, world.hub.mandate, "grid", purpose="detect", permissions=allowed, capacity="supervisor")
    secret, made = issue(
        OPERATOR, world.hub.mandate, "authority", purpose="detect", permissions=allowed, capacity="supervisor"
    )
    assert made.capacity == "supervisor"
    principal = world.hub.authenticator.recognise(f"Bearer {secret}")
    assert principal is not None
    assert principal.capacity == "supervisor"
    assert Asker.of(principal).capacity == "supervisor"
    world.hub.self_test.require()
    with world.hub.store.write() as connection:
        connection.execute(text("UPDATE tokens SET capacity = 'csirt' WHERE capacity = 'supervisor'"))
    with pytest.raises(StoreBrokenError, match="token"):
        world.hub.self_test.require()


@pytest.mark.parametrize(
    ("has", "chosen", "acts"),
    [
        ({"csirt", "supervisor"}, None, {"csirt"}),
        ({"csirt", "supervisor", "operator"}, None, {"csirt", "operator"}),
        ({"supervisor"}, None, None),
        ({"csirt", "operator"}, None, None),
        (set(), None, None),
        ({"csirt", "supervisor"}, "supervisor", {"supervisor"}),
        ({"supervisor"}, "supervisor", None),
        ({"csirt"}, "supervisor", set()),
    ],
)
def test_in_what_one_acts(has: set[str], chosen: str | None, acts: set[str] | None) -> None:
    found = acting_in(frozenset(has), chosen)
    assert found == (None if acts is None else frozenset(acts))
    assert can_act(frozenset(has), found)
    assert not can_act(frozenset(has), frozenset({"king"}))
