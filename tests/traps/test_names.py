"""A party is renamed.

In the field organisations merge, are bought and change their names, and whoever takes an old name inherits the trust in
it. A party's URI and its short name are for ever and nobody else's; everything else about it may change, and changes
nothing of what it did, signed, owns and is owed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from msgspec.structs import replace

from support.field import KINDS, ROUNDS, ids, seen, thing
from support.hub import OPERATOR
from support.keeping import call_back, notices
from support.sharing import bundle
from support.told import entries_of
from tocsin.errors import ConflictError, InputError, NotFoundError, TransitionError
from tocsin.exchange.recall.model import Demand
from tocsin.parties.model import Kind, Party, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hub import World

pytestmark = pytest.mark.time_passes


def retitle(world: World, name: str = "alfa", title: str = "Nordkraft AS (formerly Alfa)") -> Party:
    party = replace(world.hub.parties.get(name), title=title)
    return world.hub.parties.change_party(OPERATOR, world.hub.mandate, party)


def test_a_party_with_another_title_is_the_same_party(world: World) -> None:
    before = {one.id: one.signatures for one in _versions(world)}
    told = [payload.data for payload in entries_of(world)]
    retitle(world)
    assert world.hub.parties.get("alfa").uri == "https://alfa.example"
    assert seen(world) == set(KINDS) - {"campaign"}
    assert {one.id: one.signatures for one in _versions(world)} == before
    assert world.hub.agreements.get("field").members == ("alfa", "bravo", "coast")
    assert [payload.data for payload in entries_of(world)][: len(told)] == told, "the past says what it said"
    # what it is owed: its objects are its own, and what it calls back reaches who received it
    assert {item.object_id for item, _ in world.read("alfa")} == {*ids(*KINDS)}
    call_back(world, "alfa", ids("tool")[0], Demand.DESTROY)
    assert [one.id for notice in notices(world, "bravo") for one in notice.objects] == [ids("tool")[0]]


def _versions(world: World) -> list[_Version]:
    return [
        _Version(id=f"{one.name}/{one.version}", signatures=one.signatures)
        for one in world.hub.agreements.all_versions()
    ]


class _Version(msgspec.Struct, frozen=True):
    id: str
    signatures: tuple[object, ...]


def test_neither_its_uri_nor_its_short_name_changes(world: World) -> None:
    alfa = world.hub.parties.get("alfa")
    with pytest.raises(InputError, match="URI, status and clearance"):
        world.hub.parties.change_party(OPERATOR, world.hub.mandate, replace(alfa, uri="https://nordkraft.example"))
    with pytest.raises(NotFoundError):
        world.hub.parties.change_party(OPERATOR, world.hub.mandate, replace(alfa, name="nordkraft"))


def _leave(world: World) -> None:
    world.hub.parties.leave_party(OPERATOR, world.hub.mandate, "bravo", "bought")


def _suspend(world: World) -> None:
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "bravo", "late")


TAKEN: Final = {
    "its name": ("https://heir.example", "bravo"),
    "its uri": ("https://bravo.example", "heir"),
    "its uri with a slash": ("https://bravo.example/", "heir"),
    "its uri with the usual port": ("https://bravo.example:443", "heir"),
    "its uri with a dot": ("https://bravo.example.", "heir"),
    "its uri in capitals": ("https://BRAVO.example", "heir"),
    "its uri, escaped": ("https://br%61vo.example", "heir"),
    "its name in capitals": ("https://heir.example", "Bravo"),
    "its name in letters that look alike": ("https://heir.example", "br\u0430vo"),
    "its uri in letters that look alike": ("https://br\u0430vo.example", "heir"),
}


def _heir(world: World, uri: str, name: str) -> None:
    heir = Party(uri=uri, name=name, title="Heir", kind=Kind.PRIVATE, country="NO")
    world.hub.parties.add_party(OPERATOR, world.hub.mandate, heir)


def test_nobody_takes_a_name_that_is_somebodys(world: World) -> None:
    for case, (uri, name) in TAKEN.items():
        refused = False
        try:
            _heir(world, uri, name)
        except (ConflictError, InputError):
            refused = True
        assert refused, case


@pytest.mark.parametrize("ending", [_suspend, _leave])
def test_nobody_takes_a_name_that_was_somebodys(world: World, ending: Callable[[World], None]) -> None:
    ending(world)
    for case in ("its name", "its uri"):
        with pytest.raises(ConflictError, match="is here already"):
            _heir(world, *TAKEN[case])


def test_who_left_does_not_come_back_as_what_it_was(world: World) -> None:
    _leave(world)
    parties, mandate = world.hub.parties, world.hub.mandate
    with pytest.raises(TransitionError):
        parties.clear_party(OPERATOR, mandate, "bravo", clearance="secret", until=None)
    with pytest.raises(TransitionError):
        parties.suspend_party(OPERATOR, mandate, "bravo", "again")
    with pytest.raises(TransitionError):
        retitle(world, "bravo")
    with pytest.raises(TransitionError):
        parties.add_user(OPERATOR, mandate, User(name="new", party="https://bravo.example"))
    assert "bravo" not in world.hub.agreements.get("field").members


def test_a_users_name_is_not_given_again(world: World) -> None:
    world.user("kari@bravo")
    world.hub.parties.disable_user(OPERATOR, world.hub.mandate, "kari@bravo", "left")
    with pytest.raises(ConflictError):
        world.user("kari@bravo")


@pytest.mark.parametrize(
    "title", ["", "  ", "Alfa\nstatus: vetted", "Alfa\x1b[2J", "Alfa \u202e example", "\ufeffAlfa"]
)
def test_no_title_says_more_than_a_name(world: World, title: str) -> None:
    with pytest.raises(InputError):
        retitle(world, title=title)


def test_a_title_of_another_party_decides_nothing(world: World) -> None:
    """Titles are for people to read: what the hub decides by, and what receipts and reasons name, is the short name."""
    retitle(world, "outsider", world.hub.parties.get("alfa").title)
    receipt = world.share("outsider", bundle([thing("tool", 50)]))
    assert [one.reason for one in receipt.results] == [None]
    assert len([one for one, _ in world.read("bravo") if one.object_id.startswith("tool")]) == ROUNDS
    assert world.read("outsider")
    assert {json_["id"] for json_ in map(msgspec.json.decode, [body for _, body in world.read("outsider")])} == {
        thing("tool", 50)["id"]
    }


def test_a_party_of_another_country_is_judged_by_where_it_is_now(world: World) -> None:
    """Moved to Sweden it has no legal basis any more, on either end, and what it signed binds it still."""
    alfa = replace(world.hub.parties.get("alfa"), country="SE")
    world.hub.parties.change_party(OPERATOR, world.hub.mandate, alfa)
    assert "indicator" not in seen(world)
    world.share("alfa", bundle([thing("indicator", 60)]))
    assert seen(world) == {"malware", "tool"}
    assert world.hub.agreements.get("field").members == ("alfa", "bravo", "coast")
