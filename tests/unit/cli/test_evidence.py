"""Exports and proofs made from the store: what they disclose, and whose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from support.cli import bundle, indicator
from support.hub import OPERATOR, World
from tocsin.errors import InputError, LogBrokenError, NotFoundError
from tocsin.exchange.evidence import export_log, prove_entry, prove_object, verify_evidence
from tocsin.exchange.model import VersionChoice
from tocsin.exchange.tables import CONTRIBUTIONS
from tocsin.log.proof import Content, decode_proof, encode_proof
from tocsin.log.verify import Disclosures, verify_export

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.log.proof import Proof

ONE = indicator(1)
ID = str(ONE["id"])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evidence") / "home"
    world = World(folder)
    world.party("alpha")
    world.party("beta")
    # several submissions within one instant, so that the instant alone does not find the entry
    for number in range(5, 8):
        world.share("alpha", bundle(indicator(number)))
    world.share("alpha", bundle(ONE, indicator(2)))
    world.share("beta", bundle(indicator(3)))
    world.clock.advance(1_000_000)
    world.share("beta", bundle(indicator(4)))
    world.hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> World:
    return World(tmp_path / "home", template=template)


def prove(world: World, owner: str, object_id: str = ID) -> Proof:
    hub = world.hub
    return prove_object(hub.store, hub.log, OPERATOR.for_(owner), owner=hub.parties.get(owner).uri, object_id=object_id)


def test_an_object_s_proof_shows_its_bytes_and_its_offer(world: World) -> None:
    proof = decode_proof(encode_proof(prove(world, "alpha")))
    proven, offer = verify_evidence(proof, trusted_vkey=world.hub.log.vkey)
    assert proven.with_content
    assert proof.content is not None
    assert json.loads(proof.content.body) == ONE
    assert offer is not None
    assert (offer.object_id, offer.party, offer.sequence) == (ID, "https://alpha.example", 4)


@pytest.mark.parametrize(
    ("owner", "number"), [("alpha", 2), ("beta", 3), ("beta", 4), ("alpha", 5), ("alpha", 6), ("alpha", 7)]
)
def test_each_object_is_proven_by_the_entry_that_offered_it(world: World, owner: str, number: int) -> None:
    object_id = str(indicator(number)["id"])
    _, offer = verify_evidence(prove(world, owner, object_id), trusted_vkey=world.hub.log.vkey)
    assert offer is not None
    assert offer.object_id == object_id


def test_the_newest_version_is_proven(world: World) -> None:
    later = ONE | {"modified": "2026-02-01T00:00:00.000Z", "name": "renamed"}
    world.share("alpha", bundle(later))
    proof = prove(world, "alpha")
    assert proof.content is not None
    assert json.loads(proof.content.body) == later


def test_an_object_that_was_offered_again_is_proven_by_its_first_offer(world: World) -> None:
    first = prove(world, "alpha").index
    world.hub.withdrawals.withdraw(OPERATOR, "https://alpha.example", "exchange", ID, [VersionChoice.ALL])
    world.share("alpha", bundle(ONE))
    assert prove(world, "alpha").index == first


def test_of_an_object_that_several_shared_each_proves_its_own(world: World) -> None:
    world.share("beta", bundle(ONE | {"name": "as beta tells it"}))
    for owner, name in (("alpha", ONE.get("name")), ("beta", "as beta tells it")):
        proof = prove(world, owner)
        _, offer = verify_evidence(proof, trusted_vkey=world.hub.log.vkey)
        assert offer is not None
        assert offer.party == f"https://{owner}.example"
        assert proof.content is not None
        assert json.loads(proof.content.body).get("name") == name


def test_another_s_object_is_none(world: World) -> None:
    with pytest.raises(NotFoundError) as other:
        prove(world, "beta")
    with pytest.raises(NotFoundError) as none:
        prove(world, "beta", "indicator--00000000-0000-4000-8000-00000000dead")
    assert str(other.value) == str(none.value)


def test_asking_for_a_proof_is_logged_whatever_the_answer(world: World) -> None:
    with pytest.raises(NotFoundError):
        prove(world, "beta")
    with world.hub.store.read() as connection:
        size = world.hub.log.head(connection).frontier.size
        row = world.hub.log.row(connection, size - 1)
    assert row.kind == "inquiry"
    assert row.concerns == ("https://beta.example",)
    assert b'"verb":"prove"' in (row.payload or b"")


def test_an_owner_sees_who_took_the_content_of_its_object(world: World, tmp_path: Path) -> None:
    prove(world, "alpha")
    for name, seen in (("alpha", [("operator@hub", "alpha", ID)]), ("beta", [])):
        export_log(world.hub.store, world.hub.log, tmp_path / name, scope=f"party:{name}")
        told = [payload for _, payload in Disclosures(tmp_path / name) if payload.kind == "inquiry"]
        assert [(one.actor, one.on_behalf_of, one.data["object"]) for one in told] == seen


@pytest.mark.parametrize("gone", ["salt", "bytes"])
def test_what_is_purged_is_not_proven(world: World, gone: str) -> None:
    with world.hub.store.write() as connection:
        connection.execute(CONTRIBUTIONS.update().values({gone: None}))
    with pytest.raises(NotFoundError, match="purged"):
        prove(world, "alpha")


def test_a_proof_with_another_content_does_not_hold(world: World) -> None:
    proof = prove(world, "alpha")
    other = prove(world, "alpha", str(indicator(2)["id"]))
    assert proof.index == other.index
    assert proof.content is not None
    forged = msgspec.structs.replace(proof, content=Content(salt=proof.content.salt, body=proof.content.body + b" "))
    with pytest.raises(LogBrokenError):
        verify_evidence(forged)
    # the other object of the same entry is another offer, and is told as such
    _, offer = verify_evidence(msgspec.structs.replace(proof, content=other.content))
    assert offer is not None
    assert offer.object_id == indicator(2)["id"]


def test_an_entry_s_proof_tells_no_content(world: World) -> None:
    hub = world.hub
    proof = prove_entry(hub.store, hub.log, 0)
    proven, offer = verify_evidence(proof, trusted_vkey=hub.log.vkey)
    assert (proven.payload.kind, proven.with_content, offer) == ("hub.founded", False, None)
    with pytest.raises(NotFoundError):
        prove_entry(hub.store, hub.log, 10_000)


def test_every_entry_is_proven_under_the_newest_head(world: World) -> None:
    hub = world.hub
    with hub.store.read() as connection:
        size = hub.log.head(connection).frontier.size
    for index in range(size):
        proven, _ = verify_evidence(prove_entry(hub.store, hub.log, index), trusted_vkey=hub.log.vkey)
        assert (proven.index, proven.size) == (index, size)


def test_a_scope_discloses_what_it_says(world: World, tmp_path: Path) -> None:
    hub = world.hub
    disclosed: dict[str, set[int]] = {}
    for scope in ("all", "none", "party:alpha", "party:beta"):
        directory = tmp_path / scope.replace(":", "-")
        seen: list[int] = []
        written = export_log(hub.store, hub.log, directory, scope=scope, progress=seen.append)
        assert sum(seen) == written.size
        assert verify_export(directory, trusted_vkey=hub.log.vkey).scope == scope
        disclosed[scope] = {index for index, _ in Disclosures(directory)}
    with hub.store.read() as connection:
        rows = list(hub.log.rows(connection))
    assert disclosed["all"] == {row.index for row in rows}
    assert disclosed["none"] == set()
    for name in ("alpha", "beta"):
        uri = f"https://{name}.example"
        assert disclosed[f"party:{name}"] == {row.index for row in rows if uri in row.concerns}
        assert disclosed[f"party:{name}"]


def test_a_scope_that_is_none_is_refused(world: World, tmp_path: Path) -> None:
    hub = world.hub
    for scope, kind in (("some", InputError), ("party:", NotFoundError), ("party:nobody", NotFoundError)):
        with pytest.raises(kind):
            export_log(hub.store, hub.log, tmp_path / "export", scope=scope)
    assert not (tmp_path / "export").exists()
