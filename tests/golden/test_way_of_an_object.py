"""The way of an object, from the bundle to the entry of its release: one readable file for each case.

Each file in ``cases/`` holds what goes in, and after ``decision`` what must come out: result, label, the verdict on
each reader with the clauses that decided it, and the entries of the releases. To write a new one, put only what goes
in, run the tests with ``TOCSIN_GOLDEN=write`` and read what was written.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from support.inspection import tell
from support.treaty import Templates, templates
from tocsin.agreements.interning import as_json, read_labels
from tocsin.agreements.model import Tlp
from tocsin.exchange.asking import Question
from tocsin.exchange.model import Query
from tocsin.exchange.replay import replay
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World

CASES: Final = sorted((Path(__file__).parent / "cases").glob("*.json"))
READERS: Final = ("alfa", "bravo", "ana@bravo", "coast", "ana@coast", "outsider")


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


def _decision(world: World, case: dict[str, Any]) -> dict[str, Any]:
    """Share what the case holds as alfa, let everybody read it, and tell what became of it."""
    tlp = case.get("tlp")
    receipt = world.share(
        "alfa",
        json.dumps(case["bundle"]).encode(),
        to=tuple(case.get("to", ())),
        tlp=None if tlp is None else Tlp(tlp),
    )
    result = receipt.results[-1]  # the object that the case is about comes last
    decided: dict[str, Any] = {"result": {"outcome": str(result.outcome)}}
    for key in ("reason", "where", "todo", "notes"):
        if getattr(result, key):
            decided["result"][key] = getattr(result, key)
    if result.id is None or result.reason is not None:
        return decided
    decided["verdicts"] = {reader: _verdict(world, reader, result.id, case["purpose"]) for reader in READERS}
    decided["label"] = _label(world)
    decided["received"] = {
        reader: json.loads(body) == case["bundle"]["objects"][-1]
        for reader in READERS
        for item, body in world.read(reader, purpose=case["purpose"], query=Query(ids=frozenset({result.id})))
    }
    world.hub.integrator.integrate()
    told = tell(world.hub)
    decided["entries"] = [_entry(payload.actor, payload.data) for _, payload in told if payload.kind == "release"]
    assert replay(told).releases == len(decided["entries"])
    return decided


def _label(world: World) -> dict[str, Any]:
    """Return the newest label without what it does not say."""
    with world.hub.store.read() as connection:
        entry = [row for row in world.hub.log.rows(connection) if row.kind == "submission"][-1]
        assert entry.payload is not None
        offer = json.loads(entry.payload)["data"]["offers"][-1]
        label = read_labels(connection, world.hub.store.adapter, [offer["label"]])[offer["label"]]
    return {key: value for key, value in as_json(label).items() if value not in (None, [], False)}


def _verdict(world: World, reader: str, object_id: str, purpose: str) -> dict[str, Any]:
    owner, analyst = world.hub.parties.resolve("ana@alfa")
    (why,) = world.hub.asking.why(
        Question(
            object_id=object_id,
            party=owner,
            user=analyst,
            acting=Acting(actor="ana@alfa"),
            purpose=purpose,
            reader=reader,
        )
    )
    told = why.explanation
    made: dict[str, Any] = {"effect": str(told.verdict.effect)}
    if told.reasons:
        made["by"] = [f"{one.agreement or 'the hub'}: {one.clause}" for one in told.reasons]
    if told.missing:
        made["lacking"] = {f"{one.agreement}: {one.clause}": list(one.failed) for one in told.missing}
    if told.remarks:
        made["remarks"] = [remark.text for remark in told.remarks]
    return made


def _entry(actor: str, data: dict[str, Any]) -> dict[str, Any]:
    profile = data["profile"]
    return {
        "actor": actor,
        "reader": profile["party"] if profile["user"] is None else f"{profile['user']}@{profile['party']}",
        "purpose": profile["purpose"],
        "kind": data["kind"],
        "owner": data["owner"],
        "filter": data["filter"],
        "offers": data["offers"],
    }


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(hubs: Templates, path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    world = hubs.world()
    decision = json.loads(json.dumps(_decision(world, case)))
    hubs.drop(world)
    if os.environ.get("TOCSIN_GOLDEN") == "write":
        case["decision"] = decision
        path.write_text(json.dumps(case, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert decision == case["decision"]


def test_the_cases_are_there() -> None:
    assert len(CASES) >= 8
