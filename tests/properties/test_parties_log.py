"""Parties and users rebuilt from the log are those of the store; a log that tells of the impossible is refused."""

from __future__ import annotations

import base64
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from support.party_strategies import any_party, any_user
from support.partyworld import ACTING, HUB, MANDATE, START, World, party
from tocsin.errors import LogBrokenError, RefusedError
from tocsin.kernel.clock import DAY
from tocsin.parties.model import CLEARANCES, Party, PartyStatus, Permission, Role, User, UserStatus
from tocsin.parties.replay import KINDS, People, apply
from tocsin.parties.wire import party_data, user_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.parties.acts import Acts

NAMES = ("hub", "acme", "bravo", "cargo")
PEOPLE = ("ada", "bo")
name = st.sampled_from(NAMES)
person = st.builds(lambda user, home: f"{user}@{home}", st.sampled_from(PEOPLE), name)
key = st.integers(0, 2).map(lambda number: base64.b64encode(bytes([number]) * 32).decode())
clearance = st.sampled_from(CLEARANCES)
until = st.none() | st.integers(START - DAY, START + 9 * DAY)


def _changed(acts: Acts, world: World, of: str, like: Party) -> None:
    old = world.parties.resolve_in(acts._connection, of)[0]
    acts.change_party(
        replace(
            old,
            title=like.title,
            kind=like.kind,
            country=like.country,
            sectors=like.sectors,
            clients=frozenset({HUB.uri}) - {old.uri},
        )
    )


def _changed_user(acts: Acts, world: World, of: str, like: User) -> None:
    _, old = world.parties.resolve_in(acts._connection, of)
    if old is not None:
        acts.change_user(replace(old, roles=like.roles, clearance=like.clearance, nationality=like.nationality))


def _added_user(acts: Acts, world: World, of: str, like: User) -> None:
    user, _, home = of.partition("@")
    home_uri = world.parties.resolve_in(acts._connection, home)[0].uri
    acts.add_user(replace(like, name=user, party=home_uri, status=UserStatus.ACTIVE, signing_key=None))


step: st.SearchStrategy[Callable[[Acts, World], object]] = st.one_of(
    st.builds(lambda n: lambda a, _: a.add_party(party(n)), name),
    st.builds(lambda n, p: lambda a, w: _changed(a, w, n, p), name, any_party),
    st.builds(lambda n, c, u: lambda a, _: a.clear_party(n, clearance=c, until=u), name, clearance, until),
    st.builds(lambda n: lambda a, _: a.suspend_party(n, "audit"), name),
    st.builds(lambda n: lambda a, _: a.leave_party(n), name),
    st.builds(lambda p, u: lambda a, w: _added_user(a, w, p, u), person, any_user),
    st.builds(lambda p, u: lambda a, w: _changed_user(a, w, p, u), person, any_user),
    st.builds(lambda p: lambda a, _: a.disable_user(p), person),
    st.builds(lambda p, k: lambda a, _: a.register_signing_key(p, k), person, key),
    st.builds(
        lambda p: lambda a, _: a.issue_token(p, purpose="detect", permissions=frozenset({Permission.OBJECTS_READ})),
        person | name,
    ),
    st.builds(lambda number: lambda a, _: a.revoke_token(number), st.integers(1, 3)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(step, max_size=25), st.lists(st.integers(0, DAY), min_size=25, max_size=25))
def test_what_the_log_rebuilds_is_what_the_store_holds(
    steps: list[Callable[[Acts, World], object]], waits: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            for act, wait in zip(steps, waits, strict=False):
                world.clock.advance(wait)
                with contextlib.suppress(RefusedError), world.parties.acting(ACTING, MANDATE) as acts:
                    act(acts, world)
            assert world.rebuilt() == world.stored()
            with world.store.read() as connection:
                world.log.check(connection)
        finally:
            world.close()


VETTED = replace(party("acme"), status=PartyStatus.VETTED)
LEFT = replace(party("gone"), status=PartyStatus.LEFT)
ADA = User(name="ada", party=VETTED.uri)
EVE = User(name="eve", party=VETTED.uri, status=UserStatus.DISABLED)
PEOPLE_NOW = People(
    parties={each.uri: each for each in (VETTED, LEFT)},
    users={(each.party, each.name): each for each in (ADA, EVE)},
)
IMPOSSIBLE: dict[str, tuple[str, dict[str, Any]]] = {
    "a party without a party": ("party.added", {}),
    "a party that is a list": ("party.added", {"party": []}),
    "a party that is no party": ("party.added", {"party": {"name": "x"}}),
    "a party with more than we know": ("party.added", {"party": party_data(party("bravo")) | {"rank": 1}}),
    "a party added as vetted": ("party.added", {"party": party_data(replace(party("bravo"), status=VETTED.status))}),
    "a party added twice": ("party.added", {"party": party_data(party("acme"))}),
    "a name added twice": ("party.added", {"party": party_data(replace(party("acme"), uri="urn:x:1"))}),
    "clearing one never added": ("party.cleared", {"party": party_data(replace(party("bravo"), status=VETTED.status))}),
    "clearing one that left": ("party.cleared", {"party": party_data(replace(LEFT, status=VETTED.status))}),
    "clearing into suspension": (
        "party.cleared",
        {"party": party_data(replace(VETTED, status=PartyStatus.SUSPENDED))},
    ),
    "a new name": ("party.changed", {"party": party_data(replace(VETTED, name="other"))}),
    "clearing that moves the country": ("party.cleared", {"party": party_data(replace(VETTED, country="DK"))}),
    "suspension that clears": (
        "party.suspended",
        {"party": party_data(replace(VETTED, status=PartyStatus.SUSPENDED, clearance="secret"))},
    ),
    "a change that suspends": ("party.changed", {"party": party_data(replace(VETTED, status=PartyStatus.SUSPENDED))}),
    "a change that clears": ("party.changed", {"party": party_data(replace(VETTED, clearance="secret"))}),
    "a change of one that left": ("party.changed", {"party": party_data(replace(LEFT, country="DK"))}),
    "a user of nobody": ("user.added", {"user": user_data(replace(ADA, party="urn:x:1"))}),
    "a user added twice": ("user.added", {"user": user_data(ADA)}),
    "a user added as disabled": (
        "user.added",
        {"user": user_data(replace(ADA, name="bo", status=UserStatus.DISABLED))},
    ),
    "a user changed before being added": ("user.changed", {"user": user_data(replace(ADA, name="bo"))}),
    "a user disabled by a change": ("user.changed", {"user": user_data(replace(ADA, status=UserStatus.DISABLED))}),
    "a user who comes back": ("user.changed", {"user": user_data(replace(EVE, status=UserStatus.ACTIVE))}),
    "a user disabled twice": ("user.disabled", {"user": user_data(EVE)}),
    "a user disabled and promoted": (
        "user.disabled",
        {"user": user_data(replace(ADA, status=UserStatus.DISABLED, roles=frozenset({Role.LIAISON})))},
    ),
    "a token of nobody": ("token.issued", {"party": "urn:x:1", "user": None}),
    "a token of no user": ("token.issued", {"party": VETTED.uri, "user": "bo"}),
    "a token of a number": ("token.revoked", {"party": 3, "user": None}),
    "a token of a list": ("token.revoked", {"party": VETTED.uri, "user": ["ada"]}),
}


@pytest.mark.parametrize(("kind", "data"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_a_log_that_tells_of_the_impossible_is_broken(kind: str, data: dict[str, Any]) -> None:
    with pytest.raises(LogBrokenError) as caught:
        apply(PEOPLE_NOW, kind, data)
    assert kind in str(caught.value)


@given(
    st.sampled_from(sorted(KINDS)),
    st.dictionaries(
        st.sampled_from(["party", "user"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
            max_leaves=6,
        ),
    ),
)
def test_no_payload_breaks_the_rebuilding(kind: str, data: dict[str, Any]) -> None:
    before = (dict(PEOPLE_NOW.parties), dict(PEOPLE_NOW.users))
    with pytest.raises(LogBrokenError):
        apply(PEOPLE_NOW, kind, data)
    assert before == (PEOPLE_NOW.parties, PEOPLE_NOW.users)


def test_entries_of_other_rooms_change_nothing() -> None:
    assert apply(PEOPLE_NOW, "agreement.signed", {"party": 3}) is PEOPLE_NOW
