"""Bills of materials that members share: who sees them, what they reach, and what nobody must be able to tell."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING, Any, Final

import httpx
import msgspec
import pytest
from msgspec import structs

from support.adversary import plain
from support.bills import made_bill
from support.hub import World
from support.mapped import ALFA, BRAVO, COAST, STRICT, region, share_map, sharing
from tocsin.errors import InputError
from tocsin.exchange.model import Query, VersionChoice
from tocsin.kernel.clock import SECOND
from tocsin.map.supply import service, wire
from tocsin.map.supply.model import Bill, Part, Statement, Verdict
from tocsin.map.supply.service import Bounds
from tocsin.map.wire import asset_id
from tocsin.serving.app import create_app, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tocsin.exchange.model import Receipt
    from tocsin.map.supply.service import Reach

AMBER: Final = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
CVE: Final = "CVE-2024-3094"
PUMP: Final = asset_id(ALFA, "pump")
PLANT: Final = asset_id(ALFA, "plant")
EVERY: Final = Query(types=wire.TYPES, versions=frozenset({VersionChoice.ALL}))

# Bills are a type of their own: a clause that opens the map to all does not open them.
_AGREEMENT: Final = """
agreement: region
version: 1
title: What falls next
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: bravo}, {name: coast}]
purposes: [analyse, respond, detect]
clauses:
  - id: "1"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}, type: [asset, asset-detail, dependency, asset-state]}
    for: [analyse, respond, detect]
  - id: "3"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}, type: [vulnerability, software, relationship]}
    for: [analyse]
  - id: "2"
    permit: read
    to: {parties: [alfa, bravo]}
    of: {tlp: {at_most: amber}, type: [bill-of-materials, asset-bill]}
    for: [analyse]
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "hub")
    agreed(world)
    return world


def agreed(world: World) -> None:
    for name in ("alfa", "bravo", "coast"):
        world.party(name)
    world.agreement(_AGREEMENT, signed_by=("alfa", "bravo", "coast"))


def firmware(version: str = "12.4", verdict: Verdict | None = Verdict.AFFECTED) -> Bill:
    xz = Part(name="xz-utils", version="5.6.0", purl="pkg:deb/debian/xz-utils@5.6.0", supplier="Debian")
    return Bill(
        parts=(
            Part(name="RTU firmware", version=version, kind="firmware", supplier="Nordstation AS", contains=(1,)),
            Part(name="yocto", version="4.0", depends_on=(2,)),
            xz,
        ),
        statements=() if verdict is None else (Statement(ids=(CVE,), verdict=verdict, parts=(2,)),),
    )


def share_bill(
    world: World, name: str, bill: Bill, *assets: str, tlp: str = AMBER, replace: bool = False
) -> Receipt | None:
    own = sharing(world, name)
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
    changes = world.hub.supplies.changes(bill, assets, own, at=at, tlp=tlp, replace=replace)
    receipt = world.hub.supplies.share(changes, own)
    assert receipt is None or not [one.reason for one in receipt.results if one.reason is not None]
    return receipt


def reach(world: World, name: str, text: str = CVE) -> Reach:
    world.hub.indexer.index()
    return world.hub.supplies.reach(world.asker(name, purpose="analyse"), text)


def names(found: Reach) -> list[str]:
    return [found.assets[one.asset].id if one.asset in found.assets else "?" for one in found.answer.reached]


# --- sharing ---------------------------------------------------------------------------------------------------------


def test_which_assets_a_vulnerability_reaches(world: World) -> None:
    share_map(world, "alfa", region())
    share_bill(world, "alfa", firmware(), PUMP, PLANT)
    found = reach(world, "bravo")
    assert sorted(names(found)) == ["plant", "pump"]
    (way,) = {one.path for one in found.answer.reached}
    assert way == ("RTU firmware 12.4", "yocto 4.0", "xz-utils 5.6.0")
    assert {(one.verdict, one.judged_by, one.fitted_by) for one in found.answer.reached} == {
        (Verdict.AFFECTED, (ALFA,), (ALFA,))
    }
    assert {asset.people for asset in found.assets.values()} == {0, 400}
    for text in ("pkg:deb/debian/xz-utils@5.6.0", "xz-utils", "yocto@4.0", "RTU firmware@12.4"):
        assert sorted(names(reach(world, "bravo", text))) == ["plant", "pump"], text
    assert names(reach(world, "bravo", "pkg:deb/debian/xz-utils@5.6.1")) == []


def test_a_clause_on_the_map_opens_no_bill(world: World) -> None:
    share_map(world, "alfa", region())
    share_bill(world, "alfa", firmware(), PUMP)
    found = reach(world, "coast")
    assert (found.answer.reached, found.answer.parts, found.chains.chains.bills) == ((), 0, {})
    assert world.hub.maps.seen(world.asker("coast", purpose="analyse")).plan.assets
    # nor does another purpose than the clause names
    assert not world.hub.supplies.seen(world.asker("bravo", purpose="detect")).chains.bills


def test_what_is_amber_strict_stays_at_home(world: World) -> None:
    share_map(world, "alfa", region())
    share_bill(world, "alfa", firmware(), PUMP, tlp=STRICT)
    assert names(reach(world, "alfa")) == ["pump"]
    assert reach(world, "bravo").answer == reach(world, "coast").answer


def test_an_import_again_shares_what_has_changed(world: World) -> None:
    share_bill(world, "alfa", firmware(), PUMP)
    assert share_bill(world, "alfa", firmware(), PUMP) is None
    world.clock.advance(SECOND)
    receipt = share_bill(world, "alfa", firmware(verdict=Verdict.NOT_AFFECTED), PUMP)
    assert receipt is not None
    assert [one.id for one in receipt.results] == [wire.bill_id(firmware().product, ALFA)]
    found = reach(world, "bravo")
    assert found.answer.reached == ()
    assert [(one.asset, one.verdict) for one in found.answer.cleared] == [(PUMP, Verdict.NOT_AFFECTED)]


def test_a_new_version_takes_the_place_of_the_old_one_where_that_is_said(world: World) -> None:
    share_bill(world, "alfa", firmware(), PUMP, PLANT)
    share_bill(world, "alfa", structs.replace(made_bill(random.Random(1)), statements=()), PUMP)
    world.clock.advance(SECOND)
    share_bill(world, "alfa", firmware("12.5", None), PUMP)
    assert {one.asset for one in reach(world, "bravo", "xz-utils").answer.reached} == {PUMP, PLANT}
    versions = [one.path[0] for one in reach(world, "bravo", "xz-utils").answer.reached if one.asset == PUMP]
    assert sorted(versions) == ["RTU firmware 12.4", "RTU firmware 12.5"]
    world.clock.advance(SECOND)
    share_bill(world, "alfa", firmware("12.5", None), PUMP, replace=True)
    versions = [one.path[0] for one in reach(world, "bravo", "xz-utils").answer.reached]
    assert sorted(versions) == ["RTU firmware 12.4", "RTU firmware 12.5"]  # the plant's and the pump's
    assert "product" in {one.path[0].split(" ")[0] for one in reach(world, "bravo", "product").answer.reached}


def test_what_was_taken_down_is_not_reached_and_may_come_back(world: World) -> None:
    share_bill(world, "alfa", firmware(), PUMP, PLANT)
    own = sharing(world, "alfa")
    for assets, left in (((PUMP,), {PLANT}), ((), set())):
        world.clock.advance(SECOND)
        with world.hub.store.read() as connection:
            at = world.hub.log.now(connection)
        world.hub.supplies.share(world.hub.supplies.taken_down(firmware(), assets, own, at=at), own)
        assert {one.asset for one in reach(world, "bravo").answer.reached} == left
        with pytest.raises(InputError, match="did not share that, or took it down"):
            world.hub.supplies.taken_down(firmware(), assets, own, at=at)
    world.clock.advance(SECOND)
    share_bill(world, "alfa", firmware(), PUMP)
    assert {one.asset for one in reach(world, "bravo").answer.reached} == {PUMP, PLANT}


def test_what_is_marked_more_narrowly_is_open_in_no_version(world: World) -> None:
    share_bill(world, "alfa", firmware(), PUMP)
    world.clock.advance(SECOND)
    share_bill(world, "alfa", firmware("12.4", None), PUMP)
    world.clock.advance(SECOND)
    assert len(world.read("bravo", purpose="analyse", query=EVERY)) == 3
    share_bill(world, "alfa", firmware(), PUMP, tlp=STRICT)
    assert world.read("bravo", purpose="analyse", query=EVERY) == []
    assert {one.asset for one in reach(world, "alfa").answer.reached} == {PUMP}


# --- several parties -------------------------------------------------------------------------------------------------


def test_the_vendors_own_bill_says_what_is_in_an_operators_part(world: World) -> None:
    share_map(world, "alfa", region())
    line = Bill(
        parts=(
            Part(name="Pump line", version="1", contains=(1,)),
            Part(name="RTU firmware", version="12.4", supplier="nordstation  as"),
        )
    )
    share_bill(world, "alfa", line, PUMP)
    assert reach(world, "bravo").answer.reached == ()
    share_bill(world, "bravo", firmware())
    (one,) = reach(world, "bravo").answer.reached
    assert one.path == ("Pump line 1", "RTU firmware 12.4", "yocto 4.0", "xz-utils 5.6.0")
    assert (one.bills_by, one.judged_by) == ((ALFA, BRAVO), (BRAVO,))


def test_one_bills_word_counts_for_parts_of_the_same_name_elsewhere_unless_their_own_says_otherwise(
    world: World,
) -> None:
    other = structs.replace(
        firmware("1", None), parts=(Part(name="Gateway", version="1", contains=(2,)), *firmware().parts[1:])
    )
    share_bill(world, "bravo", firmware())
    share_bill(world, "alfa", other, PUMP)
    (one,) = reach(world, "alfa").answer.reached
    assert (one.path, one.judged_by) == (("Gateway 1", "xz-utils 5.6.0"), (BRAVO,))
    world.clock.advance(SECOND)
    cleared = Statement(ids=("GHSA-rxwq-x6h5-x525", CVE), verdict=Verdict.NOT_AFFECTED, parts=(2,))
    share_bill(world, "alfa", structs.replace(other, statements=(cleared,)), PUMP)
    found = reach(world, "alfa").answer
    assert (found.reached, [one.judged_by for one in found.cleared]) == ((), [(ALFA,)])


def test_what_differs_by_more_than_the_version_is_not_counted_and_said(world: World) -> None:
    arm = structs.replace(firmware().parts[2], purl="pkg:deb/debian/xz-utils@5.6.0?arch=armhf")
    amd = structs.replace(arm, purl="pkg:deb/debian/xz-utils@5.6.0?arch=amd64")
    told = structs.replace(firmware(), parts=(*firmware().parts[:2], arm))
    other = Bill(parts=(Part(name="Gateway", version="1", contains=(1,)), amd))
    share_bill(world, "bravo", told)
    share_bill(world, "alfa", other, PUMP)
    found = reach(world, "alfa").answer
    assert (found.reached, found.near) == ((), (amd.purl,))


def test_nobody_speaks_under_anothers_id(world: World) -> None:
    """Who is first with another's id does not hide whose word it is, nor takes a way from it."""
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
    forged = wire.encode_bill(firmware(verdict=Verdict.NOT_AFFECTED), by=ALFA, at=at, tlp=AMBER)
    share_told(world, bundled(forged), by="bravo")
    world.clock.advance(SECOND)
    share_bill(world, "alfa", firmware(), PUMP)
    found = reach(world, "bravo")
    assert [one.asset for one in found.answer.reached] == [PUMP]
    assert [one.by for one in found.chains.unread] == [BRAVO]


def bundled(*objects: dict[str, Any]) -> bytes:
    bundle_id = "bundle--00000000-0000-4000-8000-000000000000"
    return msgspec.json.encode({"type": "bundle", "id": bundle_id, "objects": objects})


# --- what the hub's own objects say ----------------------------------------------------------------------------------


def share_told(world: World, data: bytes, *, by: str = "coast") -> None:
    receipt = world.share(by, data)
    assert not [one.reason for one in receipt.results if one.reason is not None]


def told_by_software(*, cpe: str | None = None, version: str | None = None, marked: str = AMBER) -> bytes:
    """Return a vulnerability, a software, and that this has that: as others' platforms write it."""
    common = {"spec_version": "2.1", "object_marking_refs": [marked]}
    timed = common | {"created": "2026-01-02T00:00:00.000Z", "modified": "2026-01-02T00:00:00.000Z"}
    vulnerability = f"vulnerability--{uuid.UUID(int=7, version=4)}"
    software = f"software--{uuid.UUID(int=8, version=4)}"
    said = {key: value for key, value in (("cpe", cpe), ("version", version)) if value is not None}
    return bundled(
        timed
        | {"type": "vulnerability", "id": vulnerability, "name": "A backdoor"}
        | {"external_references": [{"source_name": "cve", "external_id": CVE}]},
        common | {"type": "software", "id": software, "name": "xz-utils"} | said,
        timed
        | {"type": "relationship", "id": f"relationship--{uuid.UUID(int=9, version=4)}", "relationship_type": "has"}
        | {"source_ref": software, "target_ref": vulnerability},
    )


@pytest.mark.parametrize(
    ("said", "reached", "vague"),
    [
        ({"cpe": "cpe:2.3:a:tukaani:xz:5.6.0:*:*:*:*:*:*:*"}, True, 0),
        ({"cpe": "cpe:2.3:a:tukaani:xz:5.6.1:*:*:*:*:*:*:*"}, False, 0),
        ({"cpe": "cpe:2.3:a:tukaani:xz:*:*:*:*:*:*:*:*"}, False, 1),
        ({"version": "5.6.0"}, True, 0),
        ({}, False, 1),
    ],
)
def test_software_that_has_a_vulnerability_is_found_in_bills(
    world: World, said: dict[str, str], *, reached: bool, vague: int
) -> None:
    xz = structs.replace(firmware().parts[2], cpes=("cpe:2.3:a:tukaani:xz:5.6.0:*:*:*:*:*:*:*",))
    bill = structs.replace(firmware(verdict=None), parts=(*firmware().parts[:2], xz))
    share_bill(world, "alfa", bill, PUMP)
    share_told(world, told_by_software(**said))
    found = reach(world, "bravo")
    assert [one.judged_by for one in found.answer.reached] == ([(COAST,)] if reached else [])
    assert found.vague == vague


def test_what_is_on_the_next_page_is_read_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    share_bill(world, "alfa", firmware(verdict=None), PUMP)
    share_told(world, told_by_software(version="5.6.0"))
    world.clock.advance(SECOND)
    later = told_by_software(version="5.6.0").replace(b"0000-4000-8000-00000000000", b"0000-4000-8000-0000000000f")
    objects = [one for one in msgspec.json.decode(later)["objects"] if one["type"] == "vulnerability"]
    share_told(world, bundled(*objects))
    monkeypatch.setattr(service, "MAX_HITS", 1)
    found = reach(world, "bravo")
    assert [one.judged_by for one in found.answer.reached] == [(COAST,)]
    assert not found.incomplete
    monkeypatch.setattr(service, "_MOST_PAGES", 1)
    assert reach(world, "bravo").incomplete


def test_however_many_edges_a_vulnerability_has_they_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that matters is the oldest, behind some hundred others; beyond the limit it is said."""
    share_bill(world, "alfa", firmware(verdict=None), PUMP)
    share_told(world, told_by_software(version="5.6.0"))
    world.clock.advance(SECOND)
    told = msgspec.json.decode(told_by_software(version="9"))["objects"]
    for start in (100, 350):
        others: list[dict[str, Any]] = []
        for number in range(start, start + 250):
            software = {"id": f"software--{uuid.UUID(int=number, version=4)}", "name": f"other {number}"}
            edge = {"id": f"relationship--{uuid.UUID(int=number, version=4)}", "source_ref": software["id"]}
            others += [told[1] | software, told[2] | edge]
        share_told(world, bundled(*others))
    found = reach(world, "bravo")
    assert [one.judged_by for one in found.answer.reached] == [(COAST,)]
    assert not found.incomplete
    for questions, incomplete in ((3, False), (2, True)):
        monkeypatch.setattr(service, "BOUNDS", Bounds(questions=questions))
        found = reach(world, "bravo")
        assert (found.incomplete, found.answer.reached == ()) == (incomplete, incomplete)


# --- what must not be told -------------------------------------------------------------------------------------------

ONLY_ALFA: Final = """
agreement: only-alfa
version: 1
title: What alfa shows
in_force: {from: 2026-01-01, until: null}
parties: [{name: alfa}, {name: reader}]
purposes: [analyse]
clauses:
  - id: "1"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}}
    for: [analyse]
"""
GATEWAY: Final = Bill(
    parts=(
        Part(name="Gateway", version="1", supplier="Nordstation AS", contains=(1,)),
        Part(name="xz-utils", version="5.6.0", purl="pkg:deb/debian/xz-utils@5.6.0"),
        Part(name="RTU firmware", version="12.4", supplier="Nordstation AS"),
    )
)


def forged_bill(world: World) -> None:
    share_told(world, bundled(wire.encode_bill(GATEWAY, by=ALFA, at=1_780_000_000_000_000, tlp=AMBER)))


HIDINGS: Final[dict[str, Callable[[World], object]]] = {
    "another's bill on the same asset": lambda world: share_bill(world, "bravo", firmware(), PUMP),
    "the owner's own, marked more narrowly": lambda world: share_bill(world, "alfa", firmware(), PUMP, tlp=STRICT),
    "a vendor's bill of what is in the asset": lambda world: share_bill(world, "bravo", firmware()),
    "a word that a part is affected": lambda world: share_bill(world, "bravo", firmware("1")),
    "a word that it is not": lambda world: share_bill(world, "bravo", firmware("1", Verdict.NOT_AFFECTED)),
    "software that has the vulnerability": lambda world: share_told(world, told_by_software(version="5.6.0")),
    "the same id": forged_bill,
}


@pytest.mark.parametrize("hide", HIDINGS)
def test_every_answer_is_the_same_whatever_is_hidden(
    tmp_path: Path, hide: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One world has what a reader may not see, the other has not: answers in every byte, errors, pages."""
    found: list[tuple[list[bytes], list[int]]] = []
    for number, hiding in enumerate((lambda _world: None, HIDINGS[hide])):
        world = World(tmp_path / str(number), seed=3)
        for name in ("alfa", "bravo", "coast", "reader"):
            world.party(name)
        world.agreement(ONLY_ALFA, signed_by=("alfa", "reader"))
        hiding(world)
        world.clock.advance(SECOND)
        share_map(world, "alfa", region())
        share_bill(world, "alfa", GATEWAY, PUMP)
        world.hub.indexer.index()
        found.append(answers(world, monkeypatch))
    assert found[0] == found[1]
    assert any(b"pump" in answer for answer in found[0][0])  # something is told at all


ASKED: Final = (CVE, "xz-utils", "pkg:deb/debian/xz-utils@5.6.0", "RTU firmware", "yocto@4.0", "nothing")


def answers(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[list[bytes], list[int]]:
    asker = world.asker("reader", purpose="analyse")
    pages: list[int] = []
    asked = world.hub.reading.objects

    def counted(*given: Any, **named: Any) -> Any:  # noqa: ANN401  as it is
        answer = asked(*given, **named)
        pages.append(len(answer.page.items))
        return answer

    monkeypatch.setattr(world.hub.reading, "objects", counted)
    told = [msgspec.json.encode(world.hub.supplies.reach(asker, text)) for text in ASKED]
    told += [msgspec.json.encode(world.hub.supplies.vendors(asker, of_parts=parts)) for parts in (False, True)]
    told.append(msgspec.json.encode(world.hub.supplies.seen(asker)))
    auth = ("reader", world.token("reader", purpose="analyse"))
    with running(create_app(world.hub)) as url, httpx.Client(base_url=f"{url}/api/v1/map", auth=auth) as client:
        heard = [client.post("/reach", json={"what": text}) for text in (*ASKED, "pkg:", "vers:npm/<2")]
        heard += [client.get(path) for path in ("/bills", "/bills?limit=1", "/vendors", "/vendors?parts=true")]
    told += [f"{one.status_code} {plain(one.text)}".encode() for one in heard]
    told += [
        repr(sorted((key, plain(of)) for key, of in one.headers.items() if key != "date")).encode() for one in heard
    ]
    assert [one.status_code for one in heard].count(200) == len(heard) - 2
    return told, pages


# --- limits ----------------------------------------------------------------------------------------------------------


def test_who_says_too_much_of_who_has_what_is_left_out_with_its_bills(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_bill(world, "alfa", firmware(), PUMP)
    share_bill(world, "bravo", firmware("13"), PUMP, PLANT)
    monkeypatch.setattr(service, "_MOST_FITS", 3)
    found = reach(world, "alfa").chains
    assert [one.party for one in found.parties_left_out] == [BRAVO]
    assert {word.by for word in found.chains.bills.values()} == {ALFA}


@pytest.mark.parametrize(("name", "most", "what"), [("bills", 4, "2 objects"), ("bill_bytes", 5_000, "2,500 byt")])
def test_who_shares_bills_without_end_is_left_out_and_hides_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, most: int, what: str
) -> None:
    share_map(world, "alfa", region())
    share_bill(world, "alfa", firmware(), PUMP)
    before = reach(world, "alfa")
    for number in range(6):
        share_bill(world, "bravo", firmware(f"{number}"), PUMP, PLANT)
    monkeypatch.setattr(service, "BOUNDS", structs.replace(Bounds(), **{name: most}))
    found = reach(world, "alfa")
    ((party, cause),) = [(one.party, one.cause) for one in found.chains.parties_left_out]
    assert (party, what in cause) == (BRAVO, True)
    assert (found.answer, found.chains.chains) == (before.answer, before.chains.chains)
    # and what the reader sees of it says so, whoever asks
    assert reach(world, "bravo").chains == found.chains
