from __future__ import annotations

import math

import msgspec
import pytest
from msgspec.structs import replace

from tocsin.errors import CatalogueError, ForbiddenError, InputError, LimitError
from tocsin.kernel.clock import DAY
from tocsin.map.cascade import Hit, hits_of, wire
from tocsin.map.model import Asset, AssetMap, DependencyGroup, Supplier
from tocsin.parties.model import Kind, Party, PartyStatus, User, UserStatus
from tocsin.risk.baselines.catalogue import SEVEN
from tocsin.risk.baselines.model import (
    Assessment,
    Confirmation,
    Lack,
    Recovery,
    Standing,
    Target,
    gaps,
    require_independent,
)
from tocsin.risk.baselines.oscal import read_catalogue
from tocsin.risk.baselines.recovery import Spell, judged, recoveries
from tocsin.risk.registry.model import Evidence, EvidenceKind

NOW = 1_000 * DAY
UUID = "9f1e6c3e-2f8d-4a5b-9a52-0c9f7a7f1c11"
PAPER = Evidence(kind=EvidenceKind.DOCUMENT, reference="plan.pdf", sha256="ab" * 32)


def party(name: str, **others: object) -> Party:
    values: dict[str, object] = {
        "uri": f"https://{name}.example",
        "name": name,
        "title": name,
        "kind": Kind.PRIVATE,
        "country": "NO",
        "status": PartyStatus.VETTED,
    }
    return Party(**(values | others))  # type: ignore[arg-type]


def assessment(**others: object) -> Assessment:
    values: dict[str, object] = {
        "party": "https://fjord.example",
        "catalogue": "nato-seven",
        "control": "energy",
        "standing": Standing.MET,
        "by": "bea@fjord",
        "at": NOW,
        "review": NOW + 365 * DAY,
        "evidence": (PAPER,),
    }
    return Assessment(**(values | others))  # type: ignore[arg-type]


def target(**others: object) -> Target:
    values: dict[str, object] = {
        "catalogue": "nato-seven",
        "control": "energy",
        "standing": Standing.MET,
        "due": NOW + DAY,
        "confirmed": True,
    }
    return Target(**(values | others))  # type: ignore[arg-type]


def agreed(*, agrees: bool = True) -> Confirmation:
    return Confirmation(by="eva@audit", at=NOW, agrees=agrees, reasons="seen on site")


@pytest.mark.parametrize(
    ("held", "lack"),
    [
        (None, Lack.NOT_ASSESSED),
        (assessment(standing=Standing.PARTLY), Lack.BELOW),
        (assessment(), Lack.NOT_CONFIRMED),
        (assessment(confirmations=(agreed(),)), None),
        (assessment(confirmations=(agreed(), agreed(agrees=False))), Lack.DISPUTED),
        (assessment(standing=Standing.NOT_APPLICABLE, note="no customers", evidence=()), Lack.NOT_CONFIRMED),
        (assessment(at=NOW - 2 * DAY, review=NOW, confirmations=(agreed(),)), Lack.OUT_OF_DATE),
    ],
)
def test_what_is_missing(held: Assessment | None, lack: Lack | None) -> None:
    there = {} if held is None else {(held.party, held.catalogue, held.control): held}
    found = gaps([party("fjord")], [target()], there, NOW)
    assert [one.lack for one in found] == ([] if lack is None else [lack])


def test_a_target_of_some_sectors_asks_nobody_else() -> None:
    asked = gaps(
        [
            party("fjord", sectors=frozenset({"energy"})),
            party("hafn", sectors=frozenset({"transport"})),
            party("new", status=PartyStatus.CANDIDATE),
        ],
        [target(sectors=frozenset({"energy"}))],
        {},
        NOW,
    )
    assert [(one.party, one.overdue) for one in asked] == [("fjord", False)]


@pytest.mark.parametrize(
    ("confirming", "assessed"),
    [
        (party("fjord"), party("fjord")),
        (party("mssp", clients=frozenset({"https://fjord.example"})), party("fjord")),
        (party("client"), party("fjord", clients=frozenset({"https://client.example"}))),
        (party("audit", status=PartyStatus.SUSPENDED), party("fjord")),
    ],
)
def test_who_is_not_independent_confirms_nothing(confirming: Party, assessed: Party) -> None:
    user = User(name="eva", party=confirming.uri)
    with pytest.raises(ForbiddenError):
        require_independent(assessed, f"eva@{confirming.name}", confirming, user)


def test_somebody_elses_person_confirms_and_no_machine() -> None:
    eva = User(name="eva", party="https://audit.example")
    require_independent(party("fjord"), "eva@audit", party("audit"), eva)
    for nobody in (None, replace(eva, status=UserStatus.DISABLED)):
        with pytest.raises(ForbiddenError):
            require_independent(party("fjord"), "eva@audit", party("audit"), nobody)


def test_what_is_met_is_shown_by_a_document() -> None:
    with pytest.raises(InputError):
        assessment(evidence=())
    with pytest.raises(InputError):
        assessment(evidence=(Evidence(kind=EvidenceKind.ASSET, reference=f"asset--{UUID}"),))
    with pytest.raises(InputError):
        assessment(standing=Standing.NOT_APPLICABLE, evidence=())


def test_the_seven_are_seven() -> None:
    assert [one.id for one in SEVEN.controls] == [
        "government",
        "energy",
        "movement",
        "food-water",
        "casualties",
        "communications",
        "transport",
    ]


# --- catalogues ------------------------------------------------------------------------------------------------------


def catalogue(**inside: object) -> bytes:
    metadata = {"title": "Ours", "version": "1", "oscal-version": "1.1.3", "last-modified": "2026-01-01T00:00:00Z"}
    return msgspec.json.encode({"catalog": {"uuid": "3f2c", "metadata": metadata, **inside}})


def test_unknown_fields_are_left_out_and_counted() -> None:
    control = {
        "id": "a-1",
        "title": "A",
        "colour": "red",
        "links": [],
        "parts": [{"name": "statement", "prose": "Do {{ insert: param, p1 }}."}],
    }
    made = read_catalogue(
        catalogue(params=[{"id": "p1", "label": "it"}], controls=[control, {"id": "a-2", "title": "B", "colour": 1}]),
        name="ours",
    )
    assert made.control("a-1").statement == "Do [it]."
    assert made.left_out.unknown == {"control.colour": 2}
    assert made.left_out.unused == {"control.links": 1, "metadata.last-modified": 1}


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        (b"[]", ["$", "$.catalog", "$.catalog.metadata"]),
        (catalogue(), ["$.catalog"]),
        (
            catalogue(controls=[{"id": "a", "title": "A"}, {"id": "a", "title": ""}]),
            ["$.catalog.controls[1].title", "$.catalog.controls[1].id"],
        ),
        (catalogue(groups=[{"title": "G", "controls": [3]}]), ["$.catalog.groups[0].controls[0]"]),
        (catalogue(groups={}), ["$.catalog.groups"]),
    ],
)
def test_every_fault_has_its_path(data: bytes, paths: list[str]) -> None:
    with pytest.raises(CatalogueError) as told:
        read_catalogue(data, name="ours")
    assert [fault.path for fault in told.value.faults] == paths


def test_what_is_read_differently_by_others_is_refused() -> None:
    with pytest.raises(InputError):
        read_catalogue(b'{"catalog": {}, "catalog": {}}', name="ours")
    with pytest.raises(InputError):
        read_catalogue(b"{", name="ours")


def test_what_is_nested_without_end_is_refused() -> None:
    with pytest.raises(LimitError):
        read_catalogue(b'{"a":' * 100 + b"1" + b"}" * 100, name="ours")


# --- recovery --------------------------------------------------------------------------------------------------------


def test_recovery_is_from_the_first_fall_until_it_is_back_for_good() -> None:
    plan = AssetMap(
        assets=(Asset(id="pump"), Asset(id="mill")),
        groups=(DependencyGroup(asset="mill", name="water", suppliers=(Supplier(asset="pump"),), buffer_h=2),),
    )
    wiring = wire(plan)
    hits = hits_of(
        wiring, [[Hit(asset="pump", until_h=10)], [Hit(asset="pump", until_h=1)], [Hit(asset="pump", until_h=90)]]
    )
    target = Recovery(hours=8, share=50)
    (found,) = recoveries(wiring, hits, [("mill", target)], horizon_h=48)
    assert (found.samples, found.fell, found.in_time) == (3, 2, 1)  # 8 hours, none, and not within the horizon
    assert found.longest_h == math.inf
    assert not found.met
    assert not found.missed
    with pytest.raises(InputError, match="horizon"):
        recoveries(wiring, hits, [("mill", Recovery(hours=48))], horizon_h=48)
    with pytest.raises(InputError, match="no such asset"):
        recoveries(wiring, hits, [("dam", target)], horizon_h=48)


def test_several_assets_and_targets_are_judged_each_by_its_own_level() -> None:
    plan = AssetMap(
        assets=(Asset(id="pump"), Asset(id="mill")),
        groups=(DependencyGroup(asset="mill", name="water", suppliers=(Supplier(asset="pump"),), alpha=0.4, beta=1),),
    )
    wiring = wire(plan)
    hits = hits_of(wiring, [[Hit(asset="pump", until_h=6)]] * 3)
    asked = [("mill", Recovery(hours=4, level=level)) for level in (60, 61)]
    half, more, whole = recoveries(wiring, hits, [*asked, ("pump", Recovery(hours=6))], horizon_h=48)
    # without water the mill is at 60 percent
    assert (half.fell, more.fell, more.in_time, more.longest_h) == (0, 3, 0, 6)
    assert (whole.fell, whole.in_time) == (3, 3)


def back(hours: float) -> Spell:
    return Spell(back_h=hours, seen_h=720)


def test_few_samples_prove_nothing() -> None:
    assert not judged([back(1.0)] * 20, 20, Recovery(hours=8, share=95)).met
    assert judged([back(1.0)] * 200, 200, Recovery(hours=8, share=95)).met
    assert judged([back(9.0)] * 20, 20, Recovery(hours=8, share=95)).missed
    assert judged([], 200, Recovery(hours=8)).met is False


def test_what_ended_too_early_to_be_known_counts_for_neither() -> None:
    cut = Spell(back_h=math.inf, seen_h=3)
    found = judged([cut] * 200, 200, Recovery(hours=8))
    assert (found.unknown, found.low, found.high) == (200, 0, 1)
    assert not found.missed
    assert judged([Spell(back_h=math.inf, seen_h=8)] * 200, 200, Recovery(hours=8)).missed
