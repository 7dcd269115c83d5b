"""What a credential proves, what a failure tells (nothing), and where a secret is kept (nowhere)."""

from __future__ import annotations

import base64
import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import select

from support import stores
from support.party_strategies import passwords
from support.partyworld import ACTING, MANDATE, World, party
from tocsin.errors import AuthenticationError, BusyError
from tocsin.kernel.clock import DAY, SECOND
from tocsin.parties.credentials import CHALLENGES, TOKEN_BYTES, TokenKey
from tocsin.parties.model import (
    PURPOSES,
    ROUTINE,
    Permission,
    Principal,
    PrincipalKind,
    Role,
    role_permissions,
)
from tocsin.parties.passwords import CACHE_LIFETIME
from tocsin.parties.tables import USERS
from tocsin.parties.wire import MAX_AUTHORIZATION, TOKEN_PREFIX, normal_password, token_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD = "correct horse battery"
READ = frozenset({Permission.OBJECTS_READ})
# of what a member does: no role of ada's lets her watch the hub
ALL = ROUTINE
REFUSAL = "we do not know who is asking (send HTTP Basic or Bearer credentials that are valid here)"


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def bearer(token: str) -> str:
    return f"Bearer {token}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.vetted(party("acme"))
    world.vetted(party("bravo"))
    world.user("ada", "acme", Role.ANALYST, password=PASSWORD)
    world.user("bo", "acme", Role.VIEWER)
    world.user("ada", "bravo", Role.ANALYST, password=PASSWORD + " of bravo")
    yield world
    world.close()


def issue(
    world: World, reference: str, *, permissions: frozenset[Permission] = READ, lifetime: int | None = DAY
) -> str:
    text, _ = world.parties.issue_token(
        ACTING, MANDATE, reference, purpose="respond", permissions=permissions, lifetime=lifetime
    )
    return text


def test_a_password_lets_its_user_in(world: World) -> None:
    assert world.authenticator.authenticate(basic("ada@acme", PASSWORD)) == Principal(
        kind=PrincipalKind.USER,
        party="https://acme.example",
        party_name="acme",
        user="ada",
        purpose="detect",
        permissions=role_permissions(frozenset({Role.ANALYST})),
    )


def test_a_session_by_password_has_the_users_own_purpose_and_roles(world: World) -> None:
    user = world.parties.resolve("ada@acme")[1]
    assert user is not None
    world.parties.change_user(
        ACTING, MANDATE, replace(user, purpose="prevent", roles=frozenset({Role.VIEWER, Role.AUDITOR}))
    )
    principal = world.authenticator.authenticate(basic("ada@acme", PASSWORD))
    assert (principal.purpose, principal.permissions) == (
        "prevent",
        role_permissions(frozenset({Role.VIEWER, Role.AUDITOR})),
    )


@pytest.mark.parametrize("reference", ["acme", "ada@acme", "ops@hub"])
def test_a_token_lets_its_subject_in_by_bearer_and_by_basic(world: World, reference: str) -> None:
    token = issue(world, reference)
    by_bearer = world.authenticator.authenticate(bearer(token))
    assert (by_bearer.id, by_bearer.purpose, by_bearer.permissions) == (reference, "respond", READ)
    assert (by_bearer.kind is PrincipalKind.USER) == ("@" in reference)
    assert world.authenticator.authenticate(basic(reference, token)) == by_bearer
    assert world.authenticator.authenticate(f"bearer  {token}") == by_bearer


def test_a_role_that_was_taken_away_is_taken_from_the_tokens_too(world: World) -> None:
    token = issue(world, "ada@acme", permissions=ALL)
    assert world.authenticator.authenticate(bearer(token)).permissions == ALL
    user = world.parties.resolve("ada@acme")[1]
    assert user is not None
    world.parties.change_user(ACTING, MANDATE, replace(user, roles=frozenset({Role.VIEWER})))
    assert world.authenticator.authenticate(bearer(token)).permissions == role_permissions(frozenset({Role.VIEWER}))


def test_a_token_without_expiry_stands_until_it_is_revoked(world: World) -> None:
    text, token = world.parties.issue_token(ACTING, MANDATE, "acme", purpose="detect", permissions=READ, lifetime=None)
    world.clock.advance(20_000 * DAY)
    assert world.authenticator.authenticate(bearer(text)).id == "acme"
    world.parties.revoke_token(ACTING, MANDATE, token.token_id)
    with pytest.raises(AuthenticationError):
        world.authenticator.authenticate(bearer(text))


def test_an_expired_token_does_not_come_back_with_the_clock(world: World) -> None:
    token = issue(world, "acme", lifetime=DAY)
    world.clock.advance(DAY - 1)
    assert world.authenticator.authenticate(bearer(token)).id == "acme"
    world.clock.advance(1)
    world.parties.suspend_party(ACTING, MANDATE, "bravo", "moves hub time")
    world.clock.advance(-DAY)
    with pytest.raises(AuthenticationError):
        world.authenticator.authenticate(bearer(token))


def test_a_token_of_another_environment_or_hub_has_another_digest() -> None:
    keys = [TokenKey(key=key * 32, environment=number) for key in (b"a", b"b") for number in (1, 2, 12)]
    assert len({key.digest("tocsin_x") for key in keys}) == len(keys)


def then(header: Callable[[World], str], act: Callable[[World], object]) -> Callable[[World], str]:
    """Return how to make a header that is right, and to make it wrong afterwards."""

    def made(world: World) -> str:
        made = header(world)
        act(world)
        return made

    return made


def by_password(_: World) -> str:
    return basic("ada@acme", PASSWORD)


def by_token(world: World) -> str:
    return bearer(issue(world, "acme"))


def by_own_token(world: World) -> str:
    return bearer(issue(world, "ada@acme"))


def by_token_of_candidate(world: World) -> str:
    world.parties.add_party(ACTING, MANDATE, party("cargo"))
    return bearer(issue(world, "cargo"))


# How to sign in and fail, and how often argon2 must run for it.
FAILURES: dict[str, tuple[Callable[[World], str | None], int]] = {
    "no header": (lambda _: None, 0),
    "empty header": (lambda _: "", 0),
    "another scheme": (lambda _: "Digest username=ada", 0),
    "no base64": (lambda _: "Basic ada@acme", 0),
    "a header without end": (lambda _: basic("ada@acme", PASSWORD + "A" * MAX_AUTHORIZATION), 0),
    "wrong password": (lambda _: basic("ada@acme", "another horse battery"), 1),
    "empty password": (lambda _: basic("ada@acme", ""), 1),
    "another's password": (lambda _: basic("ada@bravo", PASSWORD), 1),
    "password and more": (lambda _: basic("ada@acme", PASSWORD + ":"), 1),
    "unknown user": (lambda _: basic("nobody@acme", PASSWORD), 1),
    "unknown party": (lambda _: basic("ada@nobody", PASSWORD), 1),
    "user without a password": (lambda _: basic("bo@acme", PASSWORD), 1),
    "disabled user": (then(by_password, lambda w: w.parties.disable_user(ACTING, MANDATE, "ada@acme")), 1),
    "suspended party": (then(by_password, lambda w: w.parties.suspend_party(ACTING, MANDATE, "acme", "audit")), 1),
    "party that left": (then(by_password, lambda w: w.parties.leave_party(ACTING, MANDATE, "acme")), 1),
    "password of old": (
        then(by_password, lambda w: w.parties.set_password(ACTING, MANDATE, "ada@acme", "a new horse battery")),
        1,
    ),
    "a service with a password": (lambda _: basic("acme", PASSWORD), 0),
    "unknown service with a password": (lambda _: basic("nobody", PASSWORD), 0),
    "password as bearer": (lambda _: bearer("correct-horse-battery"), 0),
    "unknown token": (lambda _: bearer(token_text(bytes(TOKEN_BYTES))), 0),
    "bearer without prefix": (lambda w: bearer(issue(w, "acme").removeprefix(TOKEN_PREFIX)), 0),
    "token cut short": (lambda w: bearer(issue(w, "acme")[:-1]), 0),
    "token in other case": (lambda w: bearer(issue(w, "acme").upper()), 0),
    "unknown token of a known user": (lambda _: basic("ada@acme", token_text(bytes(TOKEN_BYTES))), 0),
    "unknown token of an unknown user": (lambda _: basic("nobody@acme", token_text(bytes(TOKEN_BYTES))), 0),
    "a user with the service's token": (lambda w: basic("ada@acme", issue(w, "acme")), 0),
    "a service with a user's token": (lambda w: basic("acme", issue(w, "ada@acme")), 0),
    "a user with another's token": (lambda w: basic("bo@acme", issue(w, "ada@acme")), 0),
    "a namesake's token": (lambda w: basic("ada@bravo", issue(w, "ada@acme")), 0),
    "revoked token": (
        then(
            by_token,
            lambda w: w.parties.revoke_token(ACTING, MANDATE, w.parties.tokens("acme")[-1].token_id),
        ),
        0,
    ),
    "expired token": (then(by_token, lambda w: w.clock.advance(DAY)), 0),
    "token of a suspended party": (
        then(by_token, lambda w: w.parties.suspend_party(ACTING, MANDATE, "acme", "audit")),
        0,
    ),
    "token of a party that left": (then(by_token, lambda w: w.parties.leave_party(ACTING, MANDATE, "acme")), 0),
    "token of a disabled user": (then(by_own_token, lambda w: w.parties.disable_user(ACTING, MANDATE, "ada@acme")), 0),
    "token of a candidate": (by_token_of_candidate, 0),
}


def failure(world: World, header: str | None) -> tuple[object, ...]:
    """Return all that an asker can learn from the error."""
    with pytest.raises(AuthenticationError) as caught:
        world.authenticator.authenticate(header)
    error = caught.value
    return (
        caught.type,
        str(error),
        error.what,
        error.where,
        error.todo,
        error.args,
        repr(error),
        error.__cause__,
        error.__context__,
    )


@pytest.mark.parametrize(("make", "runs"), FAILURES.values(), ids=FAILURES.keys())
def test_every_failure_is_the_same_and_costs_by_what_was_sent(
    world: World, make: Callable[[World], str | None], runs: int
) -> None:
    header = make(world)
    before = world.hasher.verified
    told = failure(world, header)
    assert told[1] == REFUSAL
    assert told == failure(world, None)
    assert world.hasher.verified - before == runs
    assert failure(world, header) == told
    assert world.hasher.verified - before == 2 * runs  # a failure is not remembered either


@pytest.mark.parametrize(
    "shut_out",
    [
        lambda w: w.parties.disable_user(ACTING, MANDATE, "ada@acme"),
        lambda w: w.parties.suspend_party(ACTING, MANDATE, "acme", "audit"),
        lambda w: w.parties.set_password(ACTING, MANDATE, "ada@acme", "a new horse battery"),
    ],
    ids=["disabled", "suspended", "changed"],
)
def test_a_remembered_password_is_forgotten_at_once(world: World, shut_out: Callable[[World], object]) -> None:
    header = basic("ada@acme", PASSWORD)
    for _ in range(3):
        world.authenticator.authenticate(header)
    assert world.hasher.verified == 1
    shut_out(world)
    failure(world, header)
    assert world.hasher.verified == 2


def test_a_remembered_password_is_asked_again_after_a_minute(world: World) -> None:
    header = basic("ada@acme", PASSWORD)
    for advance, runs in ((0, 1), (CACHE_LIFETIME - 1, 1), (1, 2), (SECOND, 2)):
        world.clock.advance(advance)
        world.authenticator.authenticate(header)
        assert world.hasher.verified == runs


def test_a_full_queue_is_busy_and_tokens_still_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token = issue(world, "acme")
    world.authenticator.authenticate(basic("ada@acme", PASSWORD))
    while world.passwords._room.acquire(blocking=False):
        pass
    for user in ("ada@bravo", "nobody@acme"):
        with pytest.raises(BusyError):
            world.authenticator.authenticate(basic(user, PASSWORD))
    assert world.authenticator.authenticate(bearer(token)).id == "acme"
    assert world.authenticator.authenticate(basic("ada@acme", PASSWORD)).id == "ada@acme"


def test_what_takes_a_run_of_argon2_is_told_beforehand(world: World) -> None:
    token, password = issue(world, "acme"), basic("ada@acme", PASSWORD)
    dear = [password, basic("ada@acme", PASSWORD + "x"), basic("nobody@acme", PASSWORD), basic("ada@nowhere", "x")]
    assert [world.authenticator.recognise(header) for header in dear] == [None] * 4
    assert world.hasher.verified == 0
    world.authenticator.authenticate(password)
    runs = world.hasher.verified
    for header, who in ((password, "ada@acme"), (bearer(token), "acme"), (basic("acme", token), "acme")):
        known = world.authenticator.recognise(header)
        assert known is not None
        assert known.id == who
    nobodies: list[str | None] = [
        None,
        "Basic !",
        bearer(token + "x"),
        basic("ada@acme", token),
        basic("acme", PASSWORD),
    ]
    for nobody in nobodies:
        with pytest.raises(AuthenticationError):
            world.authenticator.recognise(nobody)
    assert world.hasher.verified == runs


@functools.cache
def shared_world() -> World:
    """Return a world that examples add to and none of them takes away from."""
    world = World(Path(tempfile.mkdtemp(prefix="tocsin-test-")))
    world.vetted(party("acme"))
    world.user("ada", "acme", Role.ANALYST)
    return world


@settings(max_examples=60, deadline=None)
@given(passwords, passwords)
def test_a_password_that_was_set_is_the_only_one_that_is_right(right: str, other: str) -> None:
    world = shared_world()
    world.parties.set_password(ACTING, MANDATE, "ada@acme", right)
    assert world.authenticator.authenticate(basic("ada@acme", right)).id == "ada@acme"
    if normal_password(other) != normal_password(right):
        failure(world, basic("ada@acme", other))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["acme", "ada@acme", "hub"]),
    st.sampled_from(PURPOSES),
    st.frozensets(st.sampled_from(sorted(ALL)), min_size=1),
    st.integers(0, 49),
    st.integers(0, 255),
)
def test_a_token_proves_what_it_was_issued_for_and_a_changed_one_nothing(
    reference: str, purpose: str, permissions: frozenset[Permission], place: int, character: int
) -> None:
    world = shared_world()
    text, token = world.parties.issue_token(
        ACTING, MANDATE, reference, purpose=purpose, permissions=permissions, lifetime=DAY
    )
    principal = world.authenticator.authenticate(bearer(text))
    assert (principal.id, principal.purpose, principal.permissions) == (reference, purpose, permissions)
    changed = text[:place] + chr(character) + text[place + 1 :]
    if changed != text:
        failure(world, bearer(changed))
    world.parties.revoke_token(ACTING, MANDATE, token.token_id)
    failure(world, bearer(text))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80) | st.text(max_size=40).map(lambda text: "Basic " + text))
def test_no_header_is_anything_but_refused(header: str) -> None:
    assert failure(shared_world(), header)[1] == REFUSAL


def test_no_secret_is_kept_anywhere(world: World) -> None:
    token = issue(world, "ada@acme")
    raw = base64.urlsafe_b64decode(token.removeprefix(TOKEN_PREFIX) + "=")
    world.authenticator.authenticate(basic("ada@acme", PASSWORD))
    world.authenticator.authenticate(bearer(token))
    with world.store.read() as connection:
        hashed = str(connection.scalar(select(USERS.c.password).where(USERS.c.password.is_not(None))))
    digest = world.token_key.digest(token)
    stored = stores.everything(world.store)
    log = b"".join(repr(payload).encode() for payload in world.payloads())
    assert hashed.encode() in stored  # the search finds what is there
    assert digest in stored
    for secret in (token.encode(), token.removeprefix(TOKEN_PREFIX).encode(), raw, PASSWORD.encode()):
        assert secret not in stored
        assert secret not in log
    for secret in (hashed.encode(), digest, digest.hex().encode(), base64.b64encode(digest)):
        assert secret not in log
    assert b"argon2" not in log


def test_the_challenges_name_both_schemes() -> None:
    assert [challenge.split()[0] for challenge in CHALLENGES] == ["Basic", "Bearer"]
    assert 'charset="UTF-8"' in CHALLENGES[0]
