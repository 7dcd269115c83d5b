"""Real collections, shared in one go and read back: each object equal to what went in, none twice, none missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from support import stores
from support.inspection import inspect_hub
from support.treaty import Templates, templates
from tocsin.agreements.model import Tlp
from tocsin.exchange.asking import Question
from tocsin.exchange.model import Outcome, Query, VersionChoice
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World

REALDATA: Final = Path(os.environ.get("TOCSIN_REALDATA") or Path(__file__).parents[2] / "../shared/data")
FILES: Final = ("ics-attack-18.1.json", "predator.stix2", "operation_triangulation.stix2", "kingspawn.stix2")
COUNTS: Final = {"ics-attack-18.1.json": 1826}

Objects = dict[tuple[str, str | None], Any]


def _file(name: str) -> Path:
    path = REALDATA / "stix" / name
    if not path.is_file():
        pytest.skip(f"no {path}: set TOCSIN_REALDATA to the folder of real data")
    return path


def _by_handling(objects: list[Any]) -> dict[str, list[Any]]:
    """Return objects by what makes their labels: within one they keep the order of the file."""
    found: dict[str, list[Any]] = {}
    for one in objects:
        found.setdefault(json.dumps([one["type"], one.get("object_marking_refs")]), []).append(one)
    return found


def _by_version(objects: list[Any]) -> Objects:
    """Return objects by id and version, and fail on one that is there twice."""
    found = {(item["id"], item.get("modified")): item for item in objects}
    assert len(found) == len(objects)
    return found


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


@pytest.mark.parametrize("name", FILES)
def test_a_member_reads_back_all_that_was_shared(hubs: Templates, name: str) -> None:
    data = _file(name).read_bytes()
    sent = json.loads(data)["objects"]
    assert len(sent) == COUNTS.get(name, len(sent)) > 0
    world = hubs.world()
    receipt = world.share("alfa", data)
    assert receipt.count(Outcome.ACCEPTED) == len(sent), [
        result for result in receipt.results if result.outcome is not Outcome.ACCEPTED
    ][:3]
    for limit in (1000, 97):
        read = world.read("bravo", limit=limit, query=Query(versions=frozenset({VersionChoice.ALL})))
        assert _by_version([json.loads(body) for _, body in read]) == _by_version(sent)
    assert _by_handling([json.loads(body) for _, body in world.read("alfa")]) == _by_handling(sent), "in its order"
    assert world.read("outsider") == []
    assert world.read("ana@outsider", purpose="respond") == []
    again = world.share("alfa", data)
    assert again.count(Outcome.REPEATED) == len(sent)
    inspect_hub(world.hub)
    hubs.drop(world)


def test_who_names_what_an_outsider_lacks(hubs: Templates) -> None:
    data = _file(FILES[0]).read_bytes()
    campaign = next(item for item in json.loads(data)["objects"] if item["type"] == "campaign")
    world = hubs.world()
    world.share("alfa", data, tlp=Tlp.AMBER_STRICT)
    world.read("ana@bravo", purpose="respond", query=Query(ids=frozenset({campaign["id"]})))
    party, user = world.hub.parties.resolve("ana@alfa")
    account = world.hub.asking.who(
        Question(object_id=campaign["id"], party=party, user=user, acting=Acting(actor="ana@alfa"))
    )
    standings = {standing.reader: standing for standing in account.standings}
    assert account.received == ()
    bravo, outsider = standings["bravo"], standings["outsider"]
    assert bravo.purposes == outsider.purposes == ()
    lacking = {clause.clause: clause.failed for clause in bravo.explanation.missing}
    assert any("its TLP is clear, green or amber" in condition for condition in lacking["1"])
    assert any("the reader's roles include analyst" in condition for condition in lacking["2"])
    assert [remark.text for remark in outsider.explanation.remarks] == ["no agreement in force joins outsider and alfa"]
    hubs.drop(world)


def _tocsin(world: World, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    home = world.settings.home
    environ = {**os.environ, "TOCSIN_HOME": str(home), "TOCSIN_DATABASE": stores.url_of(home)}
    return subprocess.run(
        [sys.executable, "-m", "tocsin.cli", *arguments], env=environ, capture_output=True, check=False
    )


@pytest.mark.parametrize("name", [FILES[0], *(pytest.param(name, marks=pytest.mark.long) for name in FILES[1:])])
def test_the_command_line_shares_and_reads_it_all(hubs: Templates, name: str) -> None:
    path = _file(name)
    sent = json.loads(path.read_bytes())["objects"]
    world = hubs.world()
    shared = _tocsin(world, "share", str(path), "--as", "alfa", "--json")
    assert shared.returncode == 0, shared.stderr
    assert json.loads(shared.stdout)["counts"] == {"accepted": len(sent), "repeated": 0, "refused": 0}
    read = _tocsin(world, "read", "--as", "bravo", "--json")
    assert read.returncode == 0, read.stderr
    assert _by_version(json.loads(read.stdout)["objects"]) == _by_version(sent)
    nothing = _tocsin(world, "read", "--as", "outsider", "--json")
    assert nothing.returncode == 0, nothing.stderr
    assert json.loads(nothing.stdout) == {"objects": [], "next": None, "more": False}
    inspect_hub(world.reopen())
    hubs.drop(world)
