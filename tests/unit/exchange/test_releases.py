"""The numbers of a release, as bytes and back; what its entries tell each owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from support.cli import bundle, indicator
from support.treaty import found_treaty
from tocsin.agreements.model import Tlp
from tocsin.errors import StoreBrokenError
from tocsin.exchange.evidence import export_log
from tocsin.exchange.model import Query
from tocsin.exchange.releases import decode_offers, encode_offers
from tocsin.exchange.tables import RELEASES
from tocsin.kernel.clock import SECOND
from tocsin.log.verify import Disclosures

if TYPE_CHECKING:
    from pathlib import Path

    from support.hub import World

rising = st.frozensets(st.integers(1, 2**62), max_size=50).map(sorted)


@given(rising)
def test_what_is_written_reads_back(sequences: list[int]) -> None:
    assert decode_offers(encode_offers(sequences)) == sequences


@given(st.integers(1, 2**40), st.integers(0, 300))
def test_neighbours_take_one_byte_each(start: int, count: int) -> None:
    assert len(encode_offers(range(start, start + count + 1))) <= 6 + count


@given(rising.filter(bool), st.data())
def test_a_cut_is_noticed_or_at_a_number(sequences: list[int], data: st.DataObject) -> None:
    written = encode_offers(sequences)
    cut = written[: data.draw(st.integers(0, len(written) - 1))]
    try:
        read = decode_offers(cut)
    except StoreBrokenError:
        return
    assert read == sequences[: len(read)]
    assert len(read) < len(sequences)


@pytest.mark.parametrize("sequences", [[0], [1, 1], [2, 1], [-1]])
def test_only_rising_numbers_are_written(sequences: list[int]) -> None:
    with pytest.raises(StoreBrokenError):
        encode_offers(sequences)


def test_none_are_none() -> None:
    assert encode_offers([]) == b""
    assert decode_offers(b"") == []


ALFA_S, COAST_S, HIDDEN = (str(indicator(number)["id"]) for number in (1, 2, 3))
NOWHERE = "indicator--00000000-0000-4000-8000-00000000dead"
ASKED = frozenset({ALFA_S, COAST_S, HIDDEN, NOWHERE})


@pytest.fixture(params=["told when staged", "looked up when entered"])
def asked(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    """Return a hub where bravo asked by id for objects of two owners, one that it may not read, and one of nobody."""
    world = found_treaty(tmp_path / "home")
    world.share("alfa", bundle(indicator(1)), tlp=Tlp.GREEN)
    world.share("coast", bundle(indicator(2)), tlp=Tlp.GREEN)
    world.share("outsider", bundle(indicator(3)), tlp=Tlp.GREEN)
    assert {item.object_id for item, _ in world.read("bravo", query=Query(ids=ASKED))} == {ALFA_S, COAST_S}
    if request.param == "looked up when entered":
        with world.hub.store.write() as connection:
            connection.execute(RELEASES.update().values(parts=None))
    world.hub.integrator.integrate()
    return world


@pytest.mark.parametrize(
    ("name", "told"),
    [("alfa", [[ALFA_S]]), ("coast", [[COAST_S]]), ("bravo", [[ALFA_S], [COAST_S]]), ("outsider", [])],
)
def test_an_owner_is_told_of_its_own_ids_only(asked: World, tmp_path: Path, name: str, told: list[list[str]]) -> None:
    export_log(asked.hub.store, asked.hub.log, tmp_path / "export", scope=f"party:{name}")
    payloads = [payload for _, payload in Disclosures(tmp_path / "export") if payload.kind == "release"]
    assert sorted(one.data["filter"]["ids"] for one in payloads) == sorted(told)
    everything = (tmp_path / "export" / "disclosed.jsonl").read_text(encoding="utf-8")
    expected = {one for ids in told for one in ids} | ({HIDDEN} if name == "outsider" else set())
    assert {one for one in ASKED if one in everything} == expected


def test_who_asks_for_no_id_is_told_to_have_asked_for_none(asked: World) -> None:
    asked.read("bravo")
    asked.hub.integrator.integrate()
    with asked.hub.store.read() as connection:
        entries = [row for row in asked.hub.log.rows(connection) if row.kind == "release"]
    assert all(msgspec.json.decode(row.payload or b"")["data"]["filter"]["ids"] is None for row in entries[-2:])
    assert asked.hub.self_test.require()


@pytest.mark.parametrize("column", ["parts", "filter"])
def test_a_damaged_release_that_waits_stops_every_act_until_it_is_mended(asked: World, column: str) -> None:
    """As docs/operations.md has it: pages go on at first; a minute later nothing is done before it is mended."""
    asked.read("bravo")
    waiting = RELEASES.c.log_idx.is_(None)
    with asked.hub.store.write() as connection:
        kept = connection.execute(select(RELEASES.c[column]).where(waiting)).scalar_one()
        connection.execute(RELEASES.update().where(waiting).values({column: b"{"}))
    with pytest.raises(StoreBrokenError, match="waits for the log cannot be read") as told:
        asked.hub.integrator.integrate()
    assert "must not be deleted" in (told.value.todo or "")
    asked.share("alfa", bundle(indicator(4)))
    asked.clock.advance(61 * SECOND)
    with pytest.raises(StoreBrokenError):
        asked.share("alfa", bundle(indicator(5)))
    with asked.hub.store.write() as connection:
        mended = None if column == "parts" else kept
        connection.execute(RELEASES.update().where(waiting).values({column: mended}))
    asked.share("alfa", bundle(indicator(5)))
    assert asked.hub.self_test.require()


@pytest.mark.parametrize("ids", [None, [], [ALFA_S], [ALFA_S, NOWHERE]], ids=["any", "none", "one", "another"])
def test_a_filter_that_the_entries_do_not_tell_of_is_found(asked: World, ids: list[str] | None) -> None:
    assert asked.hub.self_test.require()
    with asked.hub.store.write() as connection:
        filter_ = Query().as_json() | {"ids": ids}
        connection.execute(RELEASES.update().values(filter=msgspec.json.encode(filter_)))
    assert "releases" in {finding.check for finding in asked.hub.self_test.run() if finding.fault}
