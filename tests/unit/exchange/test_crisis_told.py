"""Who is told of a crisis, where; and that nobody else is."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from support.agreement_texts import storm
from support.hub import OPERATOR
from support.listening import Ear, streams_of
from support.taxii import living
from tocsin.exchange.live.model import Pace, Wish
from tocsin.exchange.model import Query
from tocsin.kernel.clock import format_instant
from tocsin.parties.model import Permission

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.hub import World
    from support.taxii import Live

HALF_A_DAY = 12 * 3_600 * 1_000_000
GALE = storm(purpose="detect", type_="indicator")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    serving = living(tmp_path / "hub")
    live = next(serving)
    live.secrets["scraper"] = ("hub", live.world.token("hub", permissions=frozenset({Permission.HUB_WATCH})))
    live.world.agreement(GALE, signed_by=("alfa", "bravo"))
    yield live
    serving.close()


def act(world: World, verb: str) -> None:
    with world.hub.agreements.emergency(OPERATOR) as acts:
        getattr(acts, verb)(world.hub.mandate, "storm", 1, "gale", "because")
    world.hub.emergencies.turn()
    world.hub.alarm.look()


def get(live: Live, who: str, path: str) -> httpx.Response:
    return httpx.get(f"{live.url}{path}", auth=live.secrets[who], headers={"accept": "*/*"})


def told(live: Live, who: str) -> dict[str, Any]:
    """Return whatever of an answer may tell somebody that there is a crisis."""
    answers = [get(live, who, path) for path in ("/api/v1/collections", "/live/collections/", "/api/v1/parties")]
    return {
        "header": [one.headers.get("tocsin-crisis") for one in answers],
        "headers": [sorted(one.headers) for one in answers],
        "statuses": [one.status_code for one in answers],
        "collections": answers[1].json(),
    }


@pytest.mark.still
def test_members_are_told_and_nobody_else(live: Live) -> None:
    before = {who: told(live, who) for who in ("bravo", "charlie")}
    act(live.world, "activate")
    try:
        until = format_instant(live.world.clock.now() + HALF_A_DAY)
        assert told(live, "charlie") == before["charlie"], "to who is no member nothing is different"
        now = told(live, "bravo")
        header = f'storm/1#gale; until="{until}"'
        assert now["header"] == [header, None, header], "of /api/v1; TAXII has no headers of ours"
        (gale,) = [one for one in now["collections"]["collections"] if one.get("alias") == "gale"]
        assert "The annex is ACTIVE" in gale["description"]
        report = get(live, "scraper", "/readyz/details").json()
        assert report["crises"] == [{"annex": "storm/1#gale", "until": until}]
    finally:
        act(live.world, "end")
    after = told(live, "bravo")
    assert after["header"] == [None, None, None]
    (gale,) = [one for one in after["collections"]["collections"] if one.get("alias") == "gale"]
    assert "not active" in gale["description"]
    assert get(live, "scraper", "/readyz/details").json()["crises"] == []


def test_streams_tell_it_when_it_begins_and_when_it_is_over(live: Live) -> None:
    world, hub = live.world, live.world.hub
    never = Pace(look=1e6, beat=1e6, prove=1e6, patience=1e6, age=1e6)
    streams = streams_of(hub, pace=never)

    def events(ear: Ear) -> list[tuple[str, bool]]:
        return [
            (event.data and json.loads(event.data)["annex"], json.loads(event.data)["active"])
            for event in ear.source.events
            if event.type == "crisis"
        ]

    async def run() -> None:
        async with asyncio.timeout(60), streams.running():
            wish = Wish(collection="exchange", query=Query())
            member = await Ear(streams, world, "bravo", wish).open()
            outsider = await Ear(streams, world, "charlie", wish).open()
            ears = [member]
            for verb, expected in (("activate", [("gale", True)]), ("end", [("gale", True), ("gale", False)])):
                await asyncio.to_thread(act, world, verb)
                if verb == "activate":
                    ears.append(await Ear(streams, world, "alfa", wish).open())
                for ear in ears:
                    await ear.settle()
                    while events(ear) != expected:
                        await ear.moved()
                await outsider.settle()
            assert events(outsider) == []
            assert outsider.raw.count(b"crisis") == 0
            for ear in (*ears, outsider):
                await ear.close()

    asyncio.run(run())
