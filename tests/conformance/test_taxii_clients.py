"""The OASIS client, as it comes, against a served hub; and real data through it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

from support.taxii import Live, indicator, living, object_id
from tocsin.exchange.intake import Submission
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(os.environ.get("TOCSIN_REALDATA") or Path(__file__).resolve().parents[2].parent / "shared" / "data")
STIX = sorted((DATA / "stix").glob("*.stix2")) + sorted((DATA / "stix").glob("*.json"))


def connect(live: Live, who: str, alias: str = "exchange") -> Collection:
    user, password = live.secrets[who]
    return Collection(f"{live.url}/live/collections/{live.collections[alias]}", user=user, password=password)


def test_the_client_finds_its_way(live: Live) -> None:
    user, password = live.secrets["anna"]
    server = Server(f"{live.url}/taxii2/", user=user, password=password)
    assert server.default.url == f"{live.url}/live/"
    root: ApiRoot = server.api_roots[0]
    assert root.max_content_length > 0
    assert {one.id for one in root.collections} == set(live.collections.values())
    assert all(one.can_read for one in root.collections)


@pytest.mark.parametrize("per_request", [1, 5, 26, 1000])
def test_the_client_reads_pages(live: Live, per_request: int) -> None:
    collection = connect(live, "bravo")
    found = [one["id"] for page in as_pages(collection.get_objects, per_request=per_request) for one in page["objects"]]
    assert len(found) == len(set(found)) == 27
    listed = [
        one["id"] for page in as_pages(collection.get_manifest, per_request=per_request) for one in page["objects"]
    ]
    assert listed == found


def test_the_client_filters(live: Live) -> None:
    collection = connect(live, "bravo")
    malware = object_id("malware", "versions")
    found = collection.get_objects(type=["malware"], version=["all"])["objects"]
    assert [one["id"] for one in found] == [malware] * 3
    assert len(collection.get_object(malware)["objects"]) == 1
    assert len(collection.object_versions(malware)["versions"]) == 3
    assert collection.get_objects(added_after="2200-01-01T00:00:00.000Z") == {}


def test_the_client_adds_and_deletes(live: Live) -> None:
    collection = connect(live, "alfa", "inbox")
    item = indicator("from the client")
    status = collection.add_objects({"objects": [item]})
    assert status.status == "complete"
    assert [one["id"] for one in status.successes] == [item["id"]]
    status.refresh()
    assert status.success_count == status.total_count == 1
    assert collection.get_object(item["id"])["objects"] == [item]
    collection.delete_object(item["id"])
    with pytest.raises(requests.HTTPError, match="404"):
        collection.get_object(item["id"])


def test_the_client_is_told_who_it_is_not(live: Live) -> None:
    with pytest.raises(requests.HTTPError, match="401"):
        _ = Server(f"{live.url}/taxii2/", user="bravo", password="wrong").title


# --- real data --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from living(tmp_path_factory.mktemp("real") / "hub")


@pytest.mark.skipif(not STIX, reason=f"no real data in {DATA}: set TOCSIN_REALDATA to a folder that has it")
@pytest.mark.parametrize("path", STIX, ids=[path.name for path in STIX])
def test_real_data_reads_back_as_it_was_shared(fresh: Live, path: Path) -> None:
    data = path.read_bytes()
    party = fresh.world.hub.parties.get("alfa")
    receipt = fresh.world.hub.intake.submit(
        Submission(party=party.uri, acting=Acting(actor="alfa"), data=data, collection="bulk")
    )
    shared: dict[str, dict[str, Any]] = {}
    for result, item in zip(receipt.results, msgspec.json.decode(data)["objects"], strict=True):
        if result.reason is None:
            shared[item["id"]] = item
    collection = connect(fresh, "bravo", "bulk")
    before = {one["id"] for one in shared.values()}
    found = [one for page in as_pages(collection.get_objects, per_request=500) for one in page["objects"]]
    ours = [one for one in found if one["id"] in before]
    assert len(ours) == len({one["id"] for one in ours})
    readable = {one["id"]: one for one in ours}
    assert all(readable[key] == shared[key] for key in readable)
    assert set(readable) == set(shared), "clause 1 opens everything up to amber"
    outsider = connect(fresh, "charlie", "bulk")
    assert outsider.get_objects() == {}
