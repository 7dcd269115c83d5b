"""Every answer to a member is byte for byte as long and as worded as where nothing is hidden, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import msgspec
import pytest

from support.adversary import plain
from support.hiding import HIDING, OWN, SHOWN, prepared
from support.sharing import indicator
from support.treaty import Templates, templates
from tocsin.exchange.taxii.wire import TAXII
from tocsin.kernel.clock import SECOND
from tocsin.serving.app import create_app, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.hub import World

TAXII_ROOT: Final = "/live/collections/exchange"
API: Final = "/api/v1/collections/exchange"
# hidden in some worlds, missing in the others
SOUGHT: Final = [indicator(number)["id"] for number in (100, 300, 400, 500, 699)]
SEEN: Final = indicator(SHOWN[0])["id"]


class Member:
    """A member who polls and submits, and notes every answer: status, headers, bytes."""

    def __init__(self, world: World, url: str) -> None:
        self._world = world
        self._client = httpx.Client(base_url=url, auth=("bravo", world.token("bravo")), timeout=60)
        self._client.headers["accept-encoding"] = "identity"
        self.heard: dict[str, object] = {}

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401  httpx's own
        accepted = {"accept": TAXII} if path.startswith("/live") else {}
        answer = self._client.request(method, path, headers=accepted | more.pop("headers", {}), **more)
        told = sorted((name, plain(value)) for name, value in answer.headers.items() if name != "date")
        # under a name without what is drawn; a page that follows comes after the one before
        self.heard[f"{len(self.heard)} {method} {plain(path)}"] = (answer.status_code, told, plain(answer.text))
        assert answer.status_code < 500
        return answer

    def poll(self) -> None:
        """Read everything, in several ways, page by page."""
        for limit in (1, 3, 1000):
            following, added = "", ""
            while True:
                page = self.ask("GET", f"{TAXII_ROOT}/objects/?limit={limit}{following}")
                added = page.headers["x-taxii-date-added-last"]
                if not page.json()["more"]:
                    break
                following = f"&next={page.json()['next']}"
            self.ask("GET", f"{TAXII_ROOT}/objects/?added_after={added}")
        self.ask("GET", f"{TAXII_ROOT}/objects/", headers={"accept-encoding": "gzip"})
        self.ask("GET", f"{TAXII_ROOT}/objects/?match[version]=all&limit=2")
        self.ask("GET", f"{TAXII_ROOT}/manifest/?limit=4")
        self.ask("GET", f"{API}/objects?limit=5")
        self.ask("GET", "/live/collections/")
        self.ask("GET", TAXII_ROOT + "/")
        for path in ("/api/v1/me", "/api/v1/parties", "/api/v1/collections", "/healthz", "/readyz"):
            self.ask("GET", path)

    def seek(self) -> None:
        """Ask for what may be hidden, by its id and by its values."""
        for one in (SEEN, *SOUGHT):
            self.ask("GET", f"{TAXII_ROOT}/objects/{one}/")
            self.ask("GET", f"{TAXII_ROOT}/objects/{one}/versions/")
            self.ask("GET", f"/api/v1/objects/{one}/why")
            self.ask("GET", f"/api/v1/objects/{one}/who")
            self.ask("GET", f"{API}/objects/{one}/relations")
            self.ask("DELETE", f"{TAXII_ROOT}/objects/{one}/")
        for asked in ({}, {"limit": 2}, {"text": "name"}, {"values": ["198.51.100.7"]}, {"ids": SOUGHT}):
            self.ask("POST", f"{API}/search", json=asked)
            self.ask("POST", f"{API}/search/count", json={key: one for key, one in asked.items() if key != "limit"})
        self.ask("POST", f"{API}/search/facets/type", json={})
        self.ask("POST", f"{API}/search/facets/producer", json={})
        self.ask("POST", f"{API}/correlate", json={"subject": SEEN})
        self.ask("GET", f"{TAXII_ROOT}/objects/?next=AAAA")
        self.ask("GET", f"{TAXII_ROOT}/objects/?limit=0")

    def submit(self) -> None:
        """Share own objects, alone and together, twice, and ask for what became of it; take one back."""
        own = [indicator(number) for number in OWN]
        for objects in (own[:1], own, own):
            body = msgspec.json.encode({"objects": objects})
            said = self.ask("POST", f"{TAXII_ROOT}/objects/", content=body, headers={"content-type": TAXII}).json()
            self.ask("GET", f"/live/status/{said['id']}/")
            self._world.clock.advance(SECOND)
        self.ask("DELETE", f"{TAXII_ROOT}/objects/{own[0]['id']}/")

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


def heard(hubs: Templates, hide: Callable[[World], None]) -> dict[str, object]:
    world = hubs.world()
    prepared(world, hide)
    with running(create_app(world.hub)) as url:
        member = Member(world, url)
        member.poll()
        member.submit()
        world.clock.advance(SECOND)
        world.hub.indexer.index()
        member.poll()
        member.seek()
        member.close()
    hubs.drop(world)
    return member.heard


@pytest.fixture(scope="module")
def alone(hubs: Templates) -> dict[str, object]:
    return heard(hubs, HIDING["nothing"])


@pytest.mark.parametrize("hiding", [name for name in HIDING if name != "nothing"])
def test_no_answer_differs_from_where_nothing_is_hidden(hubs: Templates, alone: dict[str, object], hiding: str) -> None:
    among = heard(hubs, HIDING[hiding])
    assert [name for name in alone if among.get(name) != alone[name]] == []
    assert list(among) == list(alone)


def test_what_is_compared_are_answers(alone: dict[str, object]) -> None:
    """Most of them find something, and some of them nothing."""
    statuses = [told[0] for told in alone.values() if isinstance(told, tuple)]
    assert statuses.count(200) > 60
    assert statuses.count(202) == 3
    assert statuses.count(404) > 20
    assert statuses.count(400) == 2
