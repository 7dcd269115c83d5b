"""The same agreement at a running hub: each of its clauses, from an act that it is about to what members then get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec.structs import replace

from support.hub import OPERATOR, START, World, key_of
from support.keeping import notices
from support.publishing import HOUR
from support.sharing import Mark, bundle, indicator, object_id, stamp, terms_mark
from tocsin.agreements.annexes.model import Asked
from tocsin.agreements.annexes.wire import call_bytes
from tocsin.agreements.document import parse_agreement, public_key_of, sign_bytes, sign_document
from tocsin.agreements.model import Tlp
from tocsin.errors import ConflictError, ForbiddenError
from tocsin.exchange.sanitise.service import Viewer
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Kind, Role, User

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEXT: Final = (
    (Path(__file__).parent / "nordic-grid-exchange.yaml")
    .read_text(encoding="utf-8")
    .replace("national-cert", "hub")  # whoever runs this hub coordinates
)
SIGNED: Final = ("hub", "nordkraft", "svea-vatten", "fjord-el")
SHARED: Final = stamp(START)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nordic") / "hub"
    world = World(folder)
    hub = world.hub.parties.get("hub")
    with world.hub.parties.acting(OPERATOR, world.hub.mandate) as acts:
        acts.add_user(User(name="sig", party=hub.uri, roles=frozenset({Role.SIGNATORY})))
        acts.register_signing_key("sig@hub", public_key_of(key_of("hub")))
        cleared = acts.clear_party("hub", clearance="restricted", until=None)
        # a national CERT runs it: what rests on the law of public bodies rests on that
        acts.change_party(replace(cleared, kind=Kind.PUBLIC))
    world.party("nordkraft")
    world.party("svea-vatten", country="SE", sectors=frozenset({"drinking-water"}))
    world.party("dansk-el", country="DK")
    world.party("fjord-el", data_region="us")
    world.party("suomi-verkko", country="FI")
    world.party("riks-cert", country="SE", kind=Kind.PUBLIC, capacities=frozenset({"csirt", "operator"}))
    for name, nationality in (("kari@nordkraft", "NO"), ("erik@svea-vatten", "DK")):
        world.user(name, nationality=nationality)
    world.user("lia@riks-cert", roles=frozenset({Role.LIAISON}), nationality="SE")
    world.user("dora@riks-cert", roles=frozenset({Role.LIAISON}), nationality="DK")
    world.user("nina@nordkraft", roles=frozenset({Role.LIAISON}), nationality="NO")
    world.agreement(TEXT, signed_by=(*SIGNED, "riks-cert"))
    world.hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "hub", template=template)
    yield made
    made.hub.close()


def made(kind: str, number: int, **says: Any) -> dict[str, Any]:  # noqa: ANN401  any JSON value
    """Return an object of a type that the agreement names."""
    common = {"type": kind, "spec_version": "2.1", "id": object_id(kind, number), "created": SHARED, "modified": SHARED}
    needed: dict[str, Any] = {
        "incident": {"name": f"outage {number}"},
        "observed-data": {
            "first_observed": SHARED,
            "last_observed": SHARED,
            "number_observed": 1,
            "object_refs": [object_id("ipv4-addr", "198.51.100.1")],
        },
    }
    return {**common, **needed[kind], **says}


def give(world: World, *objects: dict[str, Any], tlp: Tlp = Tlp.AMBER, marked: Sequence[Mark] = ()) -> None:
    """Share objects of Nordkraft's, all under these markings."""
    listed = [one | ({"object_marking_refs": [mark.id for mark in marked]} if marked else {}) for one in objects]
    receipt = world.share("nordkraft", bundle(listed, marked=marked), tlp=tlp)
    assert [one.reason for one in receipt.results] == [None] * (len(objects) + len(marked))


def gets(world: World, reader: str, purpose: str = "detect") -> set[str]:
    """Return the ids of what a reader gets, definitions of markings aside."""
    found = world.read(reader, purpose=purpose)
    ids = {item.object_id for item, _ in found if not item.object_id.startswith("marking-definition--")}
    world.hub.integrator.integrate()
    return ids


def accede(world: World, name: str) -> None:
    """Sign what is in force, as a party that may join does."""
    document = parse_agreement(TEXT.encode(), where="test").document
    world.hub.agreements.sign(
        Acting(actor=f"sig@{name}"),
        document.name,
        document.version,
        signatory=f"sig@{name}",
        signature=sign_document(document, key_of(name)),
    )


PLAIN: Final = indicator(1)["id"]


def test_clause_3_1_lets_members_read_for_what_is_named_and_nobody_else(world: World) -> None:
    give(world, indicator(1))
    give(world, indicator(2), marked=[terms_mark(categories=("personal-data",))])
    give(world, made("incident", 3), tlp=Tlp.AMBER_STRICT)
    for reader in ("svea-vatten", "fjord-el", "erik@svea-vatten", "riks-cert"):
        assert gets(world, reader) == {PLAIN}, reader
    assert gets(world, "svea-vatten", "enforce") == gets(world, "svea-vatten", "analyse") == set()
    assert gets(world, "suomi-verkko") == set(), "no member: the agreement names no Finns"
    assert gets(world, "dansk-el") == set(), "who has not signed is no member yet"


def test_who_may_accede_joins_by_its_own_signature_alone(world: World) -> None:
    give(world, indicator(1))
    accede(world, "dansk-el")
    assert gets(world, "dansk-el") == {PLAIN}
    with pytest.raises(ForbiddenError):
        accede(world, "suomi-verkko")


def test_clause_3_2_lets_csirts_people_read_incidents_to_respond(world: World) -> None:
    give(world, made("incident", 1), tlp=Tlp.AMBER_STRICT)
    assert gets(world, "lia@riks-cert", "respond") == {made("incident", 1)["id"]}
    for reader, purpose in (("lia@riks-cert", "detect"), ("riks-cert", "respond"), ("svea-vatten", "respond")):
        assert gets(world, reader, purpose) == set(), reader


def test_clause_4_1_keeps_export_controlled_from_people_of_other_nationality(world: World) -> None:
    give(world, made("incident", 1), marked=[terms_mark(categories=("export-controlled",))])
    assert gets(world, "lia@riks-cert", "respond") == {made("incident", 1)["id"]}
    assert gets(world, "dora@riks-cert", "respond") == set(), "a liaison as well, of another nationality"
    assert gets(world, "riks-cert", "respond") == set(), "a machine has no nationality"


def test_clause_4_2_keeps_what_must_stay_in_the_eea_there(world: World) -> None:
    give(world, indicator(1), marked=[terms_mark(residency="eea")])
    assert gets(world, "svea-vatten") == {PLAIN}
    assert gets(world, "fjord-el") == set()


def test_clause_5_1_publishes_once_the_owner_approves(world: World) -> None:
    secret = "Nordkraft's substation at Aura"
    give(world, indicator(1) | {"name": secret, "description": secret})
    (one,) = world.hub.sanitised.of_party("https://nordkraft.example")
    world.clock.advance(3 * HOUR)
    assert world.hub.slots.turn() == 0, "without its owner nothing leaves"
    party, user = world.hub.parties.resolve("nina@nordkraft")
    viewer = Viewer(party=party, user=user, acting=Acting(actor="nina@nordkraft"))
    world.hub.sanitised.approve(viewer, one.uuid, alone=True)
    world.clock.advance(HOUR)
    assert world.hub.slots.turn() == 1
    ((item, body),) = [(item, body) for item, body in world.read("svea-vatten") if item.object_id != PLAIN]
    assert world.hub.reading.tlp(item) is Tlp.GREEN
    assert "pattern" in json.loads(body)
    for word in ("nordkraft", "Aura", PLAIN.partition("--")[2]):
        assert word.encode() not in body


def test_clauses_6_purge_what_was_observed_and_lay_incidents_before_their_owner(world: World) -> None:
    give(world, made("observed-data", 1), made("incident", 2))
    assert len(gets(world, "svea-vatten")) == 2
    world.clock.advance(90 * DAY)
    assert world.hub.retention.sweep().purged == 1
    assert gets(world, "svea-vatten") == {made("incident", 2)["id"]}
    world.clock.advance(640 * DAY)
    swept = world.hub.retention.sweep()
    assert (swept.purged, swept.reviews) == (0, 1)


def test_clause_7_stands_beside_every_release_in_the_owner_s_account(world: World) -> None:
    give(world, indicator(1))
    gets(world, "svea-vatten")
    resolve = world.hub.parties.resolve
    told, _ = world.hub.accounts.make(
        Acting(actor="nina@nordkraft"), resolve("nina@nordkraft"), resolve("nordkraft")[0], lambda _done: None
    )
    (release,) = told.releases
    (under,) = release.under
    assert [(one.clause, one.bases) for one in under.clauses] == [("nordic-grid-exchange/3#3.1", ("nis2-29",))]
    ((clause, uses, survives),) = [(one.clause, one.uses, one.survives) for one in under.protect]
    assert (clause, survives) == ("nordic-grid-exchange/3#7", "end")
    assert set(uses) == {"regulatory-use", "public-records", "privilege-waiver", "antitrust"}


def test_clause_9_opens_by_two_on_duty_and_ends_by_itself(world: World) -> None:
    give(world, made("incident", 1), tlp=Tlp.AMBER_STRICT)
    with world.hub.agreements.emergency(OPERATOR) as acts:
        for name in ("nordkraft", "riks-cert"):
            acts.set_duty(world.hub.mandate, f"sig@{name}", starts=START, until=START + 7 * DAY)
    world.clock.advance(HOUR)
    assert gets(world, "svea-vatten", "respond") == set()
    assert _call(world, "nordkraft") == 0
    assert gets(world, "svea-vatten", "respond") == set(), "one side alone opens nothing"
    assert _call(world, "riks-cert") == 1
    assert gets(world, "svea-vatten", "respond") == {made("incident", 1)["id"]}
    assert gets(world, "svea-vatten", "detect") == set()
    world.clock.advance(12 * HOUR)
    assert gets(world, "svea-vatten", "respond") == set(), "nobody ratified it"
    assert world.hub.emergencies.sweep().recalled == 1
    (notice,) = notices(world, "svea-vatten")
    assert [one.id for one in notice.objects] == [made("incident", 1)["id"]], "only the annex let it read that"
    assert notices(world, "riks-cert") == []
    with pytest.raises(ConflictError, match="no motion has answered"):
        _call(world, "nordkraft")


def _call(world: World, name: str) -> int:
    """Call for the annex as a party's signatory on duty; returns how many activations that made."""
    world.clock.advance(1)
    at = world.clock.now()
    document = world.hub.agreements.get("nordic-grid-exchange", 3).document
    data = call_bytes(
        document,
        annex="grid-crisis",
        asked=Asked.ACTIVATE,
        hub="https://hub.example",
        party=f"https://{name}.example",
        user="sig",
        said_at=at,
        reason="two substations are down",
    )
    with world.hub.agreements.emergency(Acting(actor=f"sig@{name}")) as acts:
        made_ = acts.call(
            "nordic-grid-exchange",
            3,
            "grid-crisis",
            caller=f"sig@{name}",
            asked=Asked.ACTIVATE,
            said_at=at,
            made=sign_bytes(data, key_of(name)),
            reason="two substations are down",
        )
    return len(made_)


def test_every_clause_is_in_the_story() -> None:
    told = {name for name in globals() if name.startswith("test_clause")}
    for clause in parse_agreement(TEXT.encode(), where="test").document.clauses:
        section = clause.id.replace(".", "_")
        assert any(name.startswith((f"test_clause_{section}_", f"test_clauses_{section[0]}_")) for name in told), (
            section
        )
