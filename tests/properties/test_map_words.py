"""A map that was written as objects is the same map when it is read; whose word counts; and nothing read can crash."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from support.cascades import made_map, told_map
from tocsin.agreements.document.object_types import MAP_TYPES
from tocsin.errors import InputError
from tocsin.exchange.stix import ParsedObject, parse_object
from tocsin.map import wire
from tocsin.map.model import Asset, AssetMap, Place
from tocsin.map.seen import Seen, assembled, read_words
from tocsin.map.supply import wire as supply
from tocsin.map.wire import ATTRIBUTES, Told, asset_id, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWNER: Final = "https://alfa.example"
OTHER: Final = "https://bravo.example"
AT: Final = 1_780_000_000_000_000
MARK: Final = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
SEEDS = st.integers(0, 2**32)


def told(objects: Iterable[Mapping[str, Any]], by: str = OWNER) -> list[Told]:
    return [Told(by=by, body=msgspec.json.encode(one)) for one in objects]


def seen(*told_: Told) -> Seen:
    words, unread = read_words(told_)
    assert not unread
    return assembled(words)


def made(seed: int) -> AssetMap:
    draw = random.Random(seed)
    plan = made_map(draw, draw.randint(1, 20), whole=draw.random() < 0.5)
    return told_map(draw, plan, owner=OWNER)


@given(seed=SEEDS, marked=st.sets(st.sampled_from((*ATTRIBUTES, wire.DEPENDENCIES))))
@settings(max_examples=40, deadline=None)
def test_what_was_written_is_read_again(seed: int, marked: set[str]) -> None:
    plan = made(seed)
    objects = encode(plan, by=OWNER, at=AT, markings=dict.fromkeys(marked, MARK))
    found = seen(*told(objects))
    assert found.plan == plan
    assert (found.unseen, found.lent, found.beside, found.partly) == ((), (), (), ())
    assert found.refs == {asset.id: asset_id(OWNER, asset.id) for asset in plan.assets}
    ids = [one["id"] for one in objects]
    assert len(ids) == len(set(ids))


@given(seed=SEEDS)
@settings(max_examples=15, deadline=None)
def test_every_object_is_stix(seed: int) -> None:
    for one in encode(made(seed), by=OWNER, at=AT, markings={"place": MARK}, tlp=MARK):
        body = msgspec.json.encode(one)
        read = parse_object(body)
        assert isinstance(read, ParsedObject), read
        assert read.body == body  # and intake changes nothing


@given(seed=SEEDS)
@settings(max_examples=15, deadline=None)
def test_an_import_again_says_the_same(seed: int) -> None:
    plan = made(seed)
    first, second = encode(plan, by=OWNER, at=AT), encode(plan, by=OWNER, at=AT + 1)
    assert all(map(wire.same_content, first, second))
    assert [one["id"] for one in first] == [one["id"] for one in second]


@given(seed=SEEDS, wrong=st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_whatever_is_done_to_an_object_is_read_or_told(seed: int, wrong: random.Random) -> None:
    objects = encode(made(seed), by=OWNER, at=AT, markings={"place": MARK})
    for one in objects:
        broken(one, wrong)
    words, unread = read_words(told(objects))
    assert len(words) + len(unread) == len(objects)
    assert all(cause for _, cause in unread)
    assembled(words)


def broken(one: dict[str, Any], wrong: random.Random) -> None:
    name = wrong.choice(sorted(one))
    if wrong.random() < 0.3:
        del one[name]
    else:
        one[name] = wrong.choice(
            (None, "", "x", -1, 1e308, 2**53, True, [], [None], [{}], {}, {"a": {}}, one["id"], [{"supplier_ref": 1}])
        )


@example(data=b'{"":"\x80"')
@given(data=st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(msgspec.json.encode))
def test_no_bytes_crash_it(data: bytes) -> None:
    with pytest.raises(InputError):
        wire.read_word(Told(by=OWNER, body=data))


def test_agreements_know_the_types_of_the_map() -> None:
    assert wire.TYPES | supply.TYPES == MAP_TYPES


# --- whose word counts -----------------------------------------------------------------------------------------------

PUMP: Final = Asset(id="pump", owner=OWNER, kind="pump", people=400)
ONE: Final = AssetMap(assets=(PUMP,))


def of_other(**said: Any) -> list[Told]:  # noqa: ANN401  attributes of any type
    plan = AssetMap(assets=(Asset(id="pump", owner=OWNER, **said),))
    return told(encode(plan, by=OTHER, at=AT), by=OTHER)


@pytest.mark.parametrize("first", [True, False])
def test_the_owner_counts_first_and_others_fill_in(*, first: bool) -> None:
    own, other = told(encode(ONE, by=OWNER, at=AT)), of_other(people=9, sector="water")
    found = seen(*own, *other) if first else seen(*other, *own)
    assert found.plan.assets == (structs.replace(PUMP, sector="water"),)
    assert [(one.what, one.by, one.says) for one in found.lent] == [("sector", OTHER, '"water"')]
    assert [(one.what, one.by, one.says) for one in found.beside] == [("people", OTHER, "9")]


def test_an_asset_that_only_others_speak_of() -> None:
    found = seen(*of_other(people=9))
    assert found.plan.assets == (Asset(id="pump", owner=OWNER, people=9),)
    assert [one.by for one in found.lent] == [OTHER]


@pytest.mark.parametrize("form", ["asset", "asset-detail", "dependency"])
def test_nobody_speaks_in_the_owners_place(form: str) -> None:
    plan = structs.replace(
        made(7), assets=tuple(structs.replace(one, place=Place(longitude=1, latitude=2)) for one in made(7).assets)
    )
    objects = encode(plan, by=OWNER, at=AT, markings={"place": MARK})
    chosen = [one for one in objects if one["type"] == form]
    assert chosen
    words, unread = read_words(told(chosen, by=OTHER))
    assert not words
    assert len(unread) == len(chosen)


def test_what_the_owner_took_down_is_gone_whatever_others_say() -> None:
    (own,) = told(encode(ONE, by=OWNER, at=AT))
    down = msgspec.json.encode(wire.retired(own.body, at=AT + 1))
    found = seen(Told(by=OWNER, body=down), *of_other(people=9))
    assert found.plan == AssetMap(assets=())
    back = encode(ONE, by=OWNER, at=AT + 2)
    assert seen(*told(back)).plan == ONE


def test_two_owners_may_use_one_name() -> None:
    theirs = AssetMap(assets=(Asset(id="pump", owner=OTHER, people=3),))
    found = seen(*told(encode(ONE, by=OWNER, at=AT)), *told(encode(theirs, by=OTHER, at=AT), by=OTHER))
    ids = {asset_id(OWNER, "pump"), asset_id(OTHER, "pump")}
    assert {asset.id for asset in found.plan.assets} == ids
    assert found.named(asset_id(OTHER, "pump")) in ids


@pytest.mark.parametrize("text", ["a\nb", " pump", "\x1b[2J", "\x00", "x" * 30_000])
def test_texts_that_files_and_terminals_do_not_hold_are_neither_written_nor_read(text: str) -> None:
    with pytest.raises(InputError):
        encode(AssetMap(assets=(Asset(id="pump", kind=text),)), by=OWNER, at=AT)
    (one,) = encode(AssetMap(assets=(Asset(id="pump", kind="a"),)), by=OWNER, at=AT)
    assert read_words(told([one | {"kind": text}]))[1]


def test_no_asset_is_called_like_an_id() -> None:
    ref = asset_id(OTHER, "pump")
    plan = AssetMap(assets=(Asset(id=ref, owner=OWNER, people=1),))
    with pytest.raises(InputError, match="STIX id"):
        encode(plan, by=OWNER, at=AT)
    forged = encode(AssetMap(assets=(Asset(id="x", people=1),)), by=OWNER, at=AT)[0] | {
        "name": ref,
        "id": asset_id(OWNER, ref),
    }
    assert read_words(told([forged]))[1]


# --- reports of the field --------------------------------------------------------------------------------------------

HOUR: Final = 3_600_000_000
REPORTS = st.tuples(
    st.sampled_from([0.0, 0.5, 1.0]), st.integers(-50, 0), st.one_of(st.none(), st.integers(1, 80)), st.integers(0, 3)
)


def report(by: str, made_: tuple[float, int, int | None, int]) -> Told:
    """Return a report of the one asset: its service, made so many hours from now, over so many later, by which crew."""
    service, hours, lasts, crew = made_
    at = AT + hours * HOUR
    until = None if lasts is None else at + lasts * HOUR
    state = wire.State(asset=asset_id(OWNER, "pump"), service=service, since=at, until=until, source=f"crew {crew}")
    return Told(by=by, body=msgspec.json.encode(wire.encode_state(state, by=by, at=at)))


def standings(*reports: Told) -> Seen:
    asset = told(encode(AssetMap(assets=(Asset(id="pump", owner=OWNER),)), by=OWNER, at=AT - 100 * HOUR))
    words, unread = read_words([*asset, *reports])
    assert not unread
    return assembled(words, at=AT)


@given(own=st.lists(REPORTS, min_size=1, max_size=4), others=st.lists(REPORTS, max_size=6))
@settings(max_examples=150, deadline=None)
def test_while_the_owners_word_stands_nobody_elses_changes_what_counts(
    own: list[tuple[float, int, int | None, int]], others: list[tuple[float, int, int | None, int]]
) -> None:
    owners = [report(OWNER, one) for one in own]
    alone = standings(*owners)
    both = standings(*owners, *(report(f"https://{at}.example", one) for at, one in enumerate(others)))
    (before,) = [one for one in alone.states if one.counts]
    (after,) = [one for one in both.states if one.counts]
    over = before.state.until is not None and before.state.until <= AT
    if not over:
        assert after == before
    else:
        assert after.reported == max(one.reported for one in both.states)
    for one in both.states:
        lasts = one.state.until is None or one.state.until > AT
        assert one.differs == (lasts and one.state.service != after.state.service)
        assert one.owners == (one.by == OWNER)
