"""A list over several pages, while others write: everything of one's own once, in its order, and nothing else."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.hub import World, key_of
from tocsin.agreements.document import sign_bytes
from tocsin.agreements.grant_store import add_grant
from tocsin.agreements.grants import Grant
from tocsin.agreements.model import Tlp
from tocsin.errors import InputError
from tocsin.exchange.access.request import Request
from tocsin.exchange.access.requesting import add_request
from tocsin.exchange.api.operations import operations
from tocsin.governance.model.disputes import DisputeKind
from tocsin.kernel.clock import DAY
from tocsin.kernel.db.spans import Span, stretch
from tocsin.kernel.db.store import LIVE
from tocsin.kernel.http.routes import Call, Endpoint
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Permission, Principal, PrincipalKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES: Final = ("alfa", "bravo", "charlie")
OBJECT: Final = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("lists") / "hub")
    for name in NAMES:
        made.party(name)
    yield made
    made.hub.close()


def uri(name: str) -> str:
    return f"https://{name}.example"


# --- one row of each list, between two parties ------------------------------------------------------------------------


def granted(world: World, one: str, other: str) -> str:
    at, uuid = world.clock.now(), new_uuid(world.entropy)
    grant = Grant(
        uuid=uuid,
        owner=uri(one),
        party=uri(other),
        object_id=OBJECT,
        version=None,
        purposes=frozenset({"detect"}),
        given_at=at,
        until=at + DAY,
        reason="",
    )
    with world.hub.store.write() as connection:
        add_grant(connection, LIVE, grant)
    return uuid


def requested(world: World, one: str, other: str) -> str:
    request = Request(
        uuid=new_uuid(world.entropy),
        party=uri(one),
        user=None,
        owner=uri(other),
        object_id=OBJECT,
        clause="a/1/1",
        reason="",
        asked_at=world.clock.now(),
    )
    with world.hub.store.write() as connection:
        add_request(connection, LIVE, request)
    return request.uuid


def delegated(world: World, one: str, other: str) -> str:
    """Give a delegation, and revoke it: those that are over are listed too."""
    parties = world.hub.parties
    draft, message = world.hub.delegating.draft(
        parties.get(one),
        parties.get(other),
        types=None,
        tlp=Tlp.GREEN,
        until=world.clock.now() + DAY,
        signatory="sig",
    )
    who = Acting(actor=f"sig@{one}")
    made = world.hub.delegating.give(who, draft, sign_bytes(message, key_of(one)).signature)
    world.hub.delegating.revoke(who, *parties.resolve(f"sig@{one}"), made.uuid)
    return made.uuid


def disputed(world: World, one: str, other: str) -> str:
    made = world.hub.disputes.file(
        Acting(actor=f"sig@{one}"), DisputeKind.COMPLAINT, complainant=one, respondent=other, statement="It is wrong."
    )
    return made.uuid


LISTS: Final[dict[str, tuple[str, Callable[[World, str, str], str]]]] = {
    "grants": ("grant", granted),
    "requests": ("request", requested),
    "delegations": ("delegation", delegated),
    "disputes": ("dispute", disputed),
}


def page(world: World, who: str, name: str, query: str) -> dict[str, Any]:
    """Ask for a page of a list past HTTP."""
    (asked,) = [one for one in operations(world.hub) if one.id == name]
    principal = Principal(
        kind=PrincipalKind.SERVICE,
        party=uri(who),
        party_name=who,
        user=None,
        purpose="detect",
        permissions=frozenset(Permission),
    )
    assert isinstance(asked.does, Endpoint)
    answer = asked.does.run(Call(known=principal, path={}, query=query.encode(), headers={}))
    told: dict[str, Any] = json.loads(answer.body)
    return told


# --- laws -------------------------------------------------------------------------------------------------------------

PAIRS: Final = st.permutations(NAMES).map(lambda names: (names[0], names[1]))


WALKS: Final = st.fixed_dictionaries(
    {
        "before": st.lists(PAIRS, max_size=6),
        "meanwhile": st.lists(st.lists(PAIRS, max_size=3), max_size=4),
        "limit": st.integers(min_value=1, max_value=4),
        "who": st.sampled_from(NAMES),
    }
)


@pytest.mark.parametrize("name", LISTS)
@settings(max_examples=8, deadline=None)
@given(walk=WALKS)
def test_a_walk_meets_everything_of_one_s_own_once(world: World, name: str, walk: dict[str, Any]) -> None:
    before, meanwhile, limit, who = (walk[part] for part in ("before", "meanwhile", "limit", "who"))
    key, write = LISTS[name]
    # what earlier examples wrote is walked over first, since a list begins with the first
    earlier = {one[key] for one in everything(world, who, name, limit=100)}
    own = [uuid for one, other in before for uuid in [write(world, one, other)] if who in (one, other)]
    others_write = iter(meanwhile)
    during: list[str] = []

    def write_some() -> None:
        for one, other in next(others_write, []):
            uuid = write(world, one, other)
            if who in (one, other):
                during.append(uuid)

    met = [one[key] for one in everything(world, who, name, limit=limit, between=write_some)]
    assert len(met) == len(set(met))
    fresh = [uuid for uuid in met if uuid not in earlier]
    assert fresh[: len(own)] == own
    # what came meanwhile is met in its order, or not yet, and what is others' never
    assert fresh[len(own) :] == during[: len(fresh) - len(own)]


def everything(
    world: World, who: str, name: str, *, limit: int, between: Callable[[], None] = lambda: None
) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    for _ in count():
        told = page(world, who, name, f"limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        assert len(told[name]) <= limit
        # more is said to follow only where it does: no page but the first is empty
        assert told[name] or cursor is None
        yield from told[name]
        if told["next"] is None:
            return
        between()
        cursor = told["next"]


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_is_good_for_its_list_and_its_reader_alone_and_counts_nothing(world: World, name: str) -> None:
    _, write = LISTS[name]
    for _ in range(2):
        write(world, "alfa", "bravo")
        for _ in range(3):
            write(world, "bravo", "charlie")
    first = page(world, "alfa", name, "limit=1")["next"]
    assert page(world, "alfa", name, f"limit=2&cursor={first}")[name]
    assert len(first) == len(page(world, "bravo", name, "limit=4")["next"])
    for other in LISTS.keys() - {name}:
        with pytest.raises(InputError, match="not given for this question"):
            page(world, "alfa", other, f"cursor={first}")
    for text in (first[:-2] + "AA", "A" * 48, "A", "%00"):
        with pytest.raises(InputError) as refused:
            page(world, "alfa", name, f"cursor={text}")
        assert refused.value.where == "cursor"
    with pytest.raises(InputError, match="not given for this question"):
        page(world, "bravo", name, f"cursor={first}")


@given(
    numbers=st.lists(st.integers(min_value=1, max_value=50), unique=True).map(sorted),
    after=st.integers(min_value=0, max_value=50),
    most=st.integers(min_value=1, max_value=5),
)
def test_stretches_follow_each_other_and_are_the_whole(numbers: list[int], after: int, most: int) -> None:
    rows = [(number, str(number)) for number in numbers]
    met: list[str] = []
    place: int | None = after
    while place is not None:
        found = stretch(iter(rows), Span(after=place, most=most))
        assert len(found.items) == most or found.last is None
        met += found.items
        place = found.last
    assert met == [text for number, text in rows if number > after]
    assert stretch(iter(rows), Span(after=after)).items == tuple(met)
