"""Many clients at once: every answer is whole, every page is in order, and nothing is lost between them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from support.taxii import Live, checked, envelope, indicator, living, object_id
from tocsin.exchange.taxii.wire import TAXII

if TYPE_CHECKING:
    from collections.abc import Generator

OBJECTS = "/live/collections/inbox/objects/"
WRITERS = 2  # as many submissions of one party as are taken at once
READERS = 4
ENVELOPES = 12
EACH = 5


@pytest.fixture
def busy(tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    yield from living(tmp_path_factory.mktemp("busy") / "hub")


def write(live: Live, writer: int) -> list[str]:
    """Submit envelopes one after the other; gives the ids that were acknowledged."""
    acknowledged: list[str] = []
    headers = {"content-type": TAXII, "accept": TAXII}
    with httpx.Client(base_url=live.url, auth=live.secrets["alfa"], headers=headers, timeout=60) as client:
        for number in range(ENVELOPES):
            items = [indicator(f"busy {writer} {number} {place}") for place in range(EACH)]
            answer = checked(client.post(OBJECTS, content=envelope(*items)))
            assert answer.status_code == 202
            assert answer.json()["success_count"] == EACH
            acknowledged += [item["id"] for item in items]
    return acknowledged


def follow(live: Live, who: str) -> list[str]:
    """Poll by ``added_after`` until everything has come; gives the ids in their order."""
    found: list[str] = []
    after = ""
    with httpx.Client(base_url=live.url, auth=live.secrets[who], headers={"accept": TAXII}, timeout=60) as client:
        for _ in range(2_000):
            answer = checked(client.get(f"{OBJECTS}?limit=7{after}"))
            assert answer.status_code == 200
            objects = answer.json().get("objects", [])
            found += [one["id"] for one in objects]
            if objects:
                after = f"&added_after={answer.headers['x-taxii-date-added-last']}"
            if len(found) >= WRITERS * ENVELOPES * EACH:
                break
    return found


def test_readers_that_follow_writers_miss_nothing(busy: Live) -> None:
    who = ["bravo", "anna-token", "alfa", "reader"][:READERS]
    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        writing = [pool.submit(write, busy, writer) for writer in range(WRITERS)]
        reading = [pool.submit(follow, busy, name) for name in who]
        acknowledged = [one for future in writing for one in future.result()]
        followed = [future.result() for future in reading]
    assert len(set(acknowledged)) == WRITERS * ENVELOPES * EACH
    for found in followed:
        assert len(found) == len(set(found)), "nothing comes twice"
        assert set(found) == set(acknowledged), "nothing is missed"
    assert len({tuple(found) for found in followed}) == 1, "one order for everybody"
    assert object_id("indicator", "hidden") not in followed[0]
