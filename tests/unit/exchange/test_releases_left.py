"""What leaves a release behind, of what kind, and to whom its entries in the log are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import select

from support.pact import Pacts, pacts
from support.taxii import bundle, checked, indicator
from tocsin.exchange.evidence import export_log
from tocsin.exchange.model import Query
from tocsin.exchange.tables import RELEASES
from tocsin.exchange.taxii.wire import TAXII
from tocsin.log.verify import Disclosures, verify_export
from tocsin.serving.app import create_app, running

if TYPE_CHECKING:
    from pathlib import Path

    from support.hub import World

copies = pytest.fixture(scope="module")(pacts)

NOTHING = Query(ids=frozenset({"indicator--00000000-0000-4000-8000-000000000000"}))


def _releases(world: World) -> list[tuple[str, str, int]]:
    """Return of each release its id, its kind, and how many objects it was of."""
    with world.hub.store.read() as connection:
        rows = connection.execute(select(RELEASES).order_by(RELEASES.c.release_id)).mappings().all()
    return [(row["uuid"], row["kind"], row["count"]) for row in rows]


def test_objects_and_a_manifest_each_leave_a_release(copies: Pacts) -> None:
    with copies.world() as world:
        asker, reading = world.asker("coast"), world.hub.reading
        objects = reading.objects(asker, "exchange", Query())
        manifest = reading.manifest(asker, "exchange", Query(), limit=2)
        assert objects.page.items[:2] == manifest.page.items
        assert len(objects.page.bodies) == 3
        assert manifest.page.bodies == ()
        assert _releases(world) == [(objects.release, "objects", 3), (manifest.release, "manifest", 2)]


def test_a_page_of_nothing_leaves_none(copies: Pacts) -> None:
    with copies.world() as world:
        asker, reading = world.asker("coast"), world.hub.reading
        for ask in (reading.objects, reading.manifest):
            answer = ask(asker, "exchange", NOTHING)
            assert (answer.page.items, answer.next, answer.release) == ((), None, None)
        assert _releases(world) == []


# a request, and the kinds of what it leaves: whoever asks for headers learns from them what there is
REQUESTS = {
    "GET objects": ("GET", "objects/", ["objects"]),
    "HEAD objects": ("HEAD", "objects/", ["objects"]),
    "GET manifest": ("GET", "manifest/", ["manifest"]),
    "HEAD manifest": ("HEAD", "manifest/", ["manifest"]),
    "GET nothing": ("GET", "objects/?match[id]=" + next(iter(NOTHING.ids or ())), []),
    "HEAD nothing": ("HEAD", "manifest/?match[id]=" + next(iter(NOTHING.ids or ())), []),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_leaves_what_its_answer_tells(copies: Pacts, case: str) -> None:
    method, path, left = REQUESTS[case]
    with copies.world() as world:
        auth = ("coast", world.token("coast"))
        with running(create_app(world.hub)) as url, httpx.Client(base_url=url, auth=auth) as client:
            asked = client.request(method, f"/live/collections/exchange/{path}", headers={"accept": TAXII})
        assert checked(asked).status_code == 200
        assert [kind for _, kind, _ in _releases(world)] == left


def test_entries_of_a_release_are_for_its_reader_and_each_owner(copies: Pacts, tmp_path: Path) -> None:
    with copies.world() as world:
        world.share("bravo", bundle(indicator("of bravo"), indicator("of bravo, too")))
        answer = world.hub.reading.objects(world.asker("coast"), "exchange", Query())
        world.hub.integrator.integrate()
        owners = {name: world.hub.parties.get(name).uri for name in ("alfa", "bravo")}
        alfas, bravos = (owners["alfa"], [1, 1, 1]), (owners["bravo"], [5, 1])  # steps: the fourth is for analysts
        shown = {"coast": [alfas, bravos], "alfa": [alfas], "bravo": [bravos], "hub": []}
        for name, entries in shown.items():
            export_log(world.hub.store, world.hub.log, tmp_path / name, scope=f"party:{name}")
            assert verify_export(tmp_path / name, trusted_vkey=world.hub.log.vkey).disclosed
            told = [entry.data for _, entry in Disclosures(tmp_path / name) if entry.kind == "release"]
            assert [(data["owner"], data["offers"]) for data in told] == entries
            assert {data["release"] for data in told} <= {answer.release}
