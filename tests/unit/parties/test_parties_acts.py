from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from support.partyworld import ACTING, HUB, MANDATE, START, World, party
from tocsin.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    LimitError,
    NotFoundError,
    StoreBrokenError,
    TocsinError,
    TransitionError,
    UsageError,
)
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting, founding_mandate
from tocsin.parties import acts as acts_module
from tocsin.parties.model import PartyStatus, Permission, Role, User, UserStatus
from tocsin.parties.tables import PARTIES, USERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from tocsin.kernel.clock import Micros
    from tocsin.parties.acts import Acts

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode()
READ = frozenset({Permission.OBJECTS_READ})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.vetted(party("acme"))
    world.user("ada", "acme", Role.ANALYST, Role.SIGNATORY)
    world.user("eve", "acme", Role.VIEWER)
    world.parties.disable_user(ACTING, MANDATE, "eve@acme")
    world.parties.add_party(ACTING, MANDATE, party("newcomer"))
    world.vetted(party("gone"))
    world.user("gus", "gone", Role.ANALYST, Role.SIGNATORY)
    world.parties.leave_party(ACTING, MANDATE, "gone")
    world.policy_changes.clear()
    yield world
    world.close()


def acme(world: World) -> str:
    return world.parties.get("acme").uri


def ada(world: World) -> User:
    _, user = world.parties.resolve("ada@acme")
    assert user is not None
    return user


# each act: what it is entered as, and whether a verdict can depend on what it changed
ACTS: dict[str, tuple[Callable[[World, Acts], object], str, bool]] = {
    "add a party": (lambda _, acts: acts.add_party(party("bravo")), "party.added", True),
    "change a party": (
        lambda w, acts: acts.change_party(replace(w.parties.get("acme"), sectors=frozenset({"energy"}))),
        "party.changed",
        True,
    ),
    "clear": (
        lambda _, acts: acts.clear_party("acme", clearance="secret", until=START + DAY, reason="vetted anew"),
        "party.cleared",
        True,
    ),
    "suspend": (lambda _, acts: acts.suspend_party("acme", "audit"), "party.suspended", True),
    "leave": (lambda _, acts: acts.leave_party("acme"), "party.left", True),
    "add a user": (lambda w, acts: acts.add_user(User(name="bo", party=acme(w))), "user.added", True),
    "change a user": (
        lambda w, acts: acts.change_user(replace(ada(w), nationality="NO")),
        "user.changed",
        True,
    ),
    "disable a user": (lambda _, acts: acts.disable_user("ada@acme", "left us"), "user.disabled", True),
    "register a key": (lambda _, acts: acts.register_signing_key("ada@acme", KEY), "user.changed", True),
    "issue a token": (
        lambda _, acts: acts.issue_token("ada@acme", purpose="detect", permissions=READ),
        "token.issued",
        False,
    ),
}


@pytest.mark.parametrize(("act", "kind", "matters"), ACTS.values(), ids=ACTS.keys())
def test_an_act_is_entered_with_who_for_whom_and_by_what_right(
    world: World, act: Callable[[World, Acts], object], kind: str, *, matters: bool
) -> None:
    acting = Acting(actor="ops@hub", on_behalf_of="acme")
    before = len(world.payloads())
    with world.parties.acting(acting, MANDATE) as acts:
        act(world, acts)
    (entry,) = world.payloads()[before:]
    assert (entry.kind, entry.actor, entry.on_behalf_of, entry.mandate) == (kind, "ops@hub", "acme", str(MANDATE))
    assert world.policy_changes == ([START] if matters else [])
    assert world.rebuilt() == world.stored()


@pytest.mark.parametrize("act", [act for act, _, _ in ACTS.values()], ids=ACTS.keys())
def test_a_mandate_of_another_environment_does_nothing(world: World, act: Callable[[World, Acts], object]) -> None:
    before = (world.stored(), world.payloads())
    with (
        pytest.raises(ForbiddenError),
        world.parties.acting(ACTING, founding_mandate("winter-exercise")) as acts,
    ):
        act(world, acts)
    assert (world.stored(), world.payloads()) == before


@pytest.mark.parametrize("act", [act for act, _, _ in ACTS.values()], ids=ACTS.keys())
def test_an_act_that_fails_later_in_its_transaction_leaves_nothing(
    world: World, act: Callable[[World, Acts], object]
) -> None:
    before = (world.stored(), world.payloads(), world.parties.tokens("acme"))

    def interrupted() -> None:
        with world.parties.acting(ACTING, MANDATE) as acts:
            act(world, acts)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (world.stored(), world.payloads(), world.parties.tokens("acme")) == before


def test_a_policy_hook_that_fails_undoes_the_act(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_connection: Connection, _at: Micros) -> None:
        raise StoreBrokenError("no epoch")

    monkeypatch.setattr(world.parties, "_on_policy_change", fail)
    before = (world.stored(), world.payloads())
    with pytest.raises(StoreBrokenError):
        world.parties.suspend_party(ACTING, MANDATE, "acme", "audit")
    assert (world.stored(), world.payloads()) == before


REFUSED: dict[str, tuple[type[TocsinError], Callable[[World, Acts], object]]] = {
    "a party that is here": (ConflictError, lambda _, acts: acts.add_party(party("acme"))),
    "a name that left": (ConflictError, lambda _, acts: acts.add_party(replace(party("gone"), uri="urn:x:other"))),
    "a URI that left": (ConflictError, lambda _, acts: acts.add_party(replace(party("gone"), name="other"))),
    "a party that comes vetted": (
        InputError,
        lambda _, acts: acts.add_party(replace(party("bravo"), status=PartyStatus.VETTED)),
    ),
    "a party that comes cleared": (
        InputError,
        lambda _, acts: acts.add_party(replace(party("bravo"), clearance="secret")),
    ),
    "a client whom nobody knows": (
        NotFoundError,
        lambda _, acts: acts.add_party(replace(party("bravo"), clients=frozenset({"urn:nobody:1"}))),
    ),
    "a changed client whom nobody knows": (
        NotFoundError,
        lambda w, acts: acts.change_party(replace(w.parties.get("acme"), clients=frozenset({"urn:nobody:1"}))),
    ),
    "a changed URI": (
        InputError,
        lambda w, acts: acts.change_party(replace(w.parties.get("acme"), uri="urn:acme:2")),
    ),
    "a status by the back door": (
        InputError,
        lambda w, acts: acts.change_party(replace(w.parties.get("newcomer"), status=PartyStatus.VETTED)),
    ),
    "a clearance by the back door": (
        InputError,
        lambda w, acts: acts.change_party(replace(w.parties.get("acme"), clearance="secret")),
    ),
    "changing one that left": (TransitionError, lambda w, acts: acts.change_party(w.parties.get("gone"))),
    "clearing one that left": (
        TransitionError,
        lambda _, acts: acts.clear_party("gone", clearance="secret", until=None),
    ),
    "clearing nobody": (NotFoundError, lambda _, acts: acts.clear_party("nobody", clearance="secret", until=None)),
    "a clearance that there is not": (
        InputError,
        lambda _, acts: acts.clear_party("acme", clearance="cosmic", until=None),
    ),
    "a clearance that has ended": (
        InputError,
        lambda _, acts: acts.clear_party("acme", clearance="secret", until=START),
    ),
    "suspending a candidate": (TransitionError, lambda _, acts: acts.suspend_party("newcomer", "audit")),
    "suspending the hub": (ConflictError, lambda _, acts: acts.suspend_party("hub", "audit")),
    "the hub leaving": (ConflictError, lambda _, acts: acts.leave_party("hub")),
    "leaving twice": (TransitionError, lambda _, acts: acts.leave_party("gone")),
    "a reason with a terminal escape": (InputError, lambda _, acts: acts.suspend_party("acme", "\x1b[2J")),
    "a user of nobody": (NotFoundError, lambda _, acts: acts.add_user(User(name="bo", party="urn:nobody:1"))),
    "a user of one that left": (
        TransitionError,
        lambda w, acts: acts.add_user(User(name="bo", party=w.parties.get("gone").uri)),
    ),
    "a user who is here": (ConflictError, lambda w, acts: acts.add_user(User(name="ada", party=acme(w)))),
    "a user's name that was disabled": (ConflictError, lambda w, acts: acts.add_user(User(name="eve", party=acme(w)))),
    "a user who comes disabled": (
        InputError,
        lambda w, acts: acts.add_user(User(name="bo", party=acme(w), status=UserStatus.DISABLED)),
    ),
    "a user who comes with a key": (
        InputError,
        lambda w, acts: acts.add_user(User(name="bo", party=acme(w), signing_key=KEY)),
    ),
    "an operator of a member": (
        InputError,
        lambda w, acts: acts.add_user(User(name="bo", party=acme(w), roles=frozenset({Role.OPERATOR}))),
    ),
    "a member's user made operator": (
        InputError,
        lambda w, acts: acts.change_user(replace(ada(w), roles=frozenset({Role.OPERATOR}))),
    ),
    "a key by the back door": (InputError, lambda w, acts: acts.change_user(replace(ada(w), signing_key=KEY))),
    "a user disabled by the back door": (
        InputError,
        lambda w, acts: acts.change_user(replace(ada(w), status=UserStatus.DISABLED)),
    ),
    "changing who is disabled": (
        TransitionError,
        lambda w, acts: acts.change_user(User(name="eve", party=acme(w), status=UserStatus.DISABLED)),
    ),
    "disabling twice": (TransitionError, lambda _, acts: acts.disable_user("eve@acme")),
    "disabling a party": (UsageError, lambda _, acts: acts.disable_user("acme")),
    "disabling nobody": (NotFoundError, lambda _, acts: acts.disable_user("nobody@acme")),
    "a key for who does not sign": (InputError, lambda _, acts: acts.register_signing_key("ops@hub", KEY)),
    "a key of one that left": (TransitionError, lambda _, acts: acts.register_signing_key("gus@gone", KEY)),
    "a key that is none": (InputError, lambda _, acts: acts.register_signing_key("ada@acme", "AAAA")),
    "a token for one that left": (
        TransitionError,
        lambda _, acts: acts.issue_token("gone", purpose="detect", permissions=READ),
    ),
    "a token for who is disabled": (
        TransitionError,
        lambda _, acts: acts.issue_token("eve@acme", purpose="detect", permissions=READ),
    ),
    "a token for no purpose": (InputError, lambda _, acts: acts.issue_token("acme", purpose="", permissions=READ)),
    "a token for nothing": (
        InputError,
        lambda _, acts: acts.issue_token("acme", purpose="detect", permissions=frozenset()),
    ),
    "a token for more than the roles give": (
        InputError,
        lambda _, acts: acts.issue_token("ops@hub", purpose="detect", permissions=frozenset(Permission)),
    ),
    "a token that never lives": (
        InputError,
        lambda _, acts: acts.issue_token("acme", purpose="detect", permissions=READ, lifetime=0),
    ),
    "a token that outlives us": (
        InputError,
        lambda _, acts: acts.issue_token(
            "acme", purpose="detect", permissions=READ, lifetime=acts_module.MAX_TOKEN_LIFETIME + 1
        ),
    ),
    "a note with a line end": (
        InputError,
        lambda _, acts: acts.issue_token("acme", purpose="detect", permissions=READ, note="a\nb"),
    ),
    "revoking nothing": (NotFoundError, lambda _, acts: acts.revoke_token(99)),
}


@pytest.mark.parametrize(("error", "act"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_act_says_what_to_do_and_changes_nothing(
    world: World, error: type[TocsinError], act: Callable[[World, Acts], object]
) -> None:
    before = (world.stored(), world.payloads())
    with pytest.raises(error) as caught, world.parties.acting(ACTING, MANDATE) as acts:
        act(world, acts)
    assert caught.type is error
    assert caught.value.todo
    assert (world.stored(), world.payloads()) == before
    assert world.policy_changes == []


def test_a_party_is_suspended_and_comes_back(world: World) -> None:
    assert world.parties.suspend_party(ACTING, MANDATE, "acme", "audit").status is PartyStatus.SUSPENDED
    back = world.parties.clear_party(ACTING, MANDATE, "acme", clearance="confidential", until=None)
    assert (back.status, back.clearance, back.clearance_until) == (PartyStatus.VETTED, "confidential", None)


def test_an_operator_is_of_the_hubs_own_party(world: World) -> None:
    added = world.parties.add_user(
        ACTING, MANDATE, User(name="oda", party=HUB.uri, roles=frozenset({Role.OPERATOR, Role.AUDITOR}))
    )
    assert added in world.parties.users("hub")


def test_a_key_belongs_to_one_person(world: World) -> None:
    world.user("sig", "acme", Role.SIGNATORY)
    world.parties.register_signing_key(ACTING, MANDATE, "ada@acme", KEY)
    world.parties.register_signing_key(ACTING, MANDATE, "ada@acme", KEY)  # one's own, again
    with pytest.raises(ConflictError):
        world.parties.register_signing_key(ACTING, MANDATE, "sig@acme", KEY)
    world.parties.register_signing_key(ACTING, MANDATE, "ada@acme", OTHER_KEY)
    world.parties.register_signing_key(ACTING, MANDATE, "sig@acme", KEY)
    assert {user.name: user.signing_key for user in world.parties.users("acme")} == {
        "ada": OTHER_KEY,
        "eve": None,
        "sig": KEY,
    }


def test_several_acts_happen_together_or_not(world: World) -> None:
    def half() -> None:
        with world.parties.acting(ACTING, MANDATE) as acts:
            acts.add_party(party("bravo"))
            acts.add_party(party("acme"))

    before = len(world.payloads())
    with pytest.raises(ConflictError):
        half()
    assert len(world.payloads()) == before
    with pytest.raises(NotFoundError):
        world.parties.get("bravo")


def test_parties_users_and_tokens_have_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts_module, "MAX_PARTIES", 4)
    monkeypatch.setattr(acts_module, "MAX_USERS", 2)
    monkeypatch.setattr(acts_module, "MAX_LIVE_TOKENS", 1)
    with pytest.raises(LimitError):
        world.parties.add_party(ACTING, MANDATE, party("bravo"))
    with pytest.raises(LimitError):
        world.parties.add_user(ACTING, MANDATE, User(name="bo", party=acme(world)))

    def issue(reference: str, lifetime: Micros | None) -> int:
        _, token = world.parties.issue_token(
            ACTING, MANDATE, reference, purpose="detect", permissions=READ, lifetime=lifetime
        )
        return token.token_id

    first = issue("acme", DAY)
    issue("ada@acme", DAY)  # another subject
    with pytest.raises(LimitError):
        issue("acme", DAY)
    world.parties.revoke_token(ACTING, MANDATE, first)
    issue("acme", DAY)
    world.clock.advance(DAY)  # expired tokens do not count
    issue("acme", None)


def test_tokens_are_listed_without_their_text_and_revoked_once(world: World) -> None:
    text, token = world.parties.issue_token(
        ACTING, MANDATE, "ada@acme", purpose="respond", permissions=READ, note="laptop"
    )
    assert (token.subject, token.purpose, token.permissions) == ("ada@acme", "respond", READ)
    assert token.expires_at == START + acts_module.TOKEN_LIFETIME
    assert world.parties.tokens("acme") == [token]
    assert text not in repr(token)
    revoked = world.parties.revoke_token(ACTING, MANDATE, token.token_id, "lost")
    assert world.parties.tokens("acme") == [revoked]
    with pytest.raises(TransitionError):
        world.parties.revoke_token(ACTING, MANDATE, token.token_id)
    issued, gone = world.payloads()[-2:]
    assert (issued.kind, gone.kind) == ("token.issued", "token.revoked")
    assert gone.data == issued.data | {"reason": "lost"}


def test_reading(world: World) -> None:
    assert [each.name for each in world.parties.all_parties()] == ["acme", "gone", "hub", "newcomer"]
    assert world.parties.resolve("acme") == (world.parties.get("acme"), None)
    with world.store.read() as connection:
        numbers = world.parties.numbers(connection)
        assert set(numbers) == set(world.parties.by_uri(connection))
        assert world.parties.party_by_uri(connection, HUB.uri) == (numbers[HUB.uri], world.parties.get("hub"))
        assert world.parties.user_of(connection, acme(world), "ada") == ada(world)
        assert world.parties.hub_party(connection) == HUB.uri
        with pytest.raises(NotFoundError):
            world.parties.user_of(connection, acme(world), "nobody")
        with pytest.raises(NotFoundError):
            world.parties.party_by_uri(connection, "urn:nobody:1")
    for missing in ("nobody", "ada@nobody", "nobody@acme"):
        with pytest.raises(NotFoundError) as caught:
            world.parties.resolve(missing)
        assert "tocsin" in (caught.value.todo or "")


def test_hub_time_does_not_go_back(world: World) -> None:
    world.parties.suspend_party(ACTING, MANDATE, "acme", "audit")
    world.clock.advance(-DAY)
    world.parties.clear_party(ACTING, MANDATE, "acme", clearance="restricted", until=START + 1)
    with world.store.read() as connection:
        world.log.check(connection)


@pytest.mark.parametrize("column", [PARTIES.c.status, PARTIES.c.name, PARTIES.c.uri, PARTIES.c.body], ids=str)
def test_a_row_that_disagrees_with_itself_is_a_broken_store(world: World, column: object) -> None:
    name = str(column).rpartition(".")[2]
    value: object = b"{}" if name == "body" else "left"
    with world.store.write() as connection:
        connection.execute(update(PARTIES).where(PARTIES.c.name == "acme").values({name: value}))
    with pytest.raises(StoreBrokenError) as caught:
        world.parties.all_parties()
    assert "parties row" in str(caught.value)


def test_a_users_row_that_disagrees_with_itself_is_a_broken_store(world: World) -> None:
    with world.store.write() as connection:
        connection.execute(update(USERS).where(USERS.c.name == "eve").values(status="active"))
    with pytest.raises(StoreBrokenError):
        world.parties.users("acme")
