"""A hub behind HTTP: three parties, an agreement between two of them, and what each has shared."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import msgspec

from support.hub import OPERATOR, World
from tocsin.exchange import store as exchange_store
from tocsin.exchange.intake import Submission
from tocsin.exchange.taxii.wire import TAXII
from tocsin.kernel.clock import SECOND
from tocsin.kernel.db.store import LIVE
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Permission
from tocsin.serving.app import create_app, running

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from pathlib import Path

    Content = bytes | Iterable[bytes]

__all__ = [
    "AGREEMENT",
    "GREEN",
    "PASSWORD",
    "Live",
    "address",
    "bundle",
    "checked",
    "envelope",
    "indicator",
    "living",
    "malware",
    "object_id",
    "share",
]

GREEN: Final = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
PASSWORD: Final = "correct horse battery staple"
CREATED: Final = "2026-01-01T00:00:00.000Z"
AGREEMENT: Final = f"""
agreement: test-exchange
version: 1
title: Threat exchange
instrument: {{title: "Agreement", sha256: "{"a" * 64}", prevails: instrument}}
in_force: {{from: 2026-01-01, until: 2028-12-31}}
parties:
  - {{name: alfa, as: coordinator}}
  - {{name: bravo}}
legal_bases:
  basis:
    NO: {{cite: "by contract", valid: [2026-01-01, null]}}
purposes: [detect, respond]
clauses:
  - id: "1"
    permit: read
    to: {{parties: all}}
    of: {{tlp: {{at_most: amber}}}}
    for: [detect]
    rests_on: [basis]
  - id: "2"
    permit: read
    to: {{addressed: true}}
    of: {{tlp: {{at_most: red}}}}
    for: [detect]
    rests_on: [basis]
"""

_READ: Final = frozenset({Permission.COLLECTIONS_READ, Permission.OBJECTS_READ})
_NAMESPACE: Final = uuid.UUID("5d5c1b6e-0d57-4c0f-8a39-1d3f6b1c6a10")


def object_id(kind: str, name: str) -> str:
    """Return an id of a type that is the same in every run; version 4, as SDOs want it."""
    return f"{kind}--{uuid.UUID(bytes=uuid.uuid5(_NAMESPACE, name).bytes, version=4)}"


def indicator(name: str, *, modified: str = CREATED, marking: str | None = GREEN) -> dict[str, Any]:
    """Return an indicator; without a marking it gets the hub's default."""
    marked = {"object_marking_refs": [marking]} if marking else {}
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": object_id("indicator", name),
        "created": CREATED,
        "modified": modified,
        "name": name,
        "pattern": "[ipv4-addr:value = '198.51.100.1']",
        "pattern_type": "stix",
        "valid_from": CREATED,
    } | marked


def malware(name: str, *, modified: str = CREATED) -> dict[str, Any]:
    """Return a malware."""
    return {
        "type": "malware",
        "spec_version": "2.1",
        "id": object_id("malware", name),
        "created": CREATED,
        "modified": modified,
        "name": name,
        "is_family": False,
        "object_marking_refs": [GREEN],
    }


def address(value: str) -> dict[str, Any]:
    """Return an address: a type without `created` and `modified`."""
    return {"type": "ipv4-addr", "spec_version": "2.1", "id": object_id("ipv4-addr", value), "value": value}


def bundle(*objects: dict[str, Any]) -> bytes:
    """Return a bundle."""
    return msgspec.json.encode({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": list(objects)})


def envelope(*objects: dict[str, Any]) -> bytes:
    """Return a TAXII envelope."""
    return msgspec.json.encode({"objects": list(objects)})


@dataclass(kw_only=True)
class Live:
    """A hub that is being served, and the credentials of everybody."""

    url: str
    world: World
    secrets: dict[str, tuple[str, str]]
    collections: dict[str, str]  # alias: uuid
    indicators: list[str] = field(default_factory=list)
    clients: dict[str | None, httpx.Client] = field(default_factory=dict)

    def client(self, who: str | None = "bravo") -> httpx.Client:
        """Return the client of somebody, or of nobody; it sends no ``Accept`` of its own."""
        client = self.clients.get(who)
        if client is None:
            auth = self.secrets[who] if who is not None else None
            client = self.clients[who] = httpx.Client(base_url=self.url, auth=auth, timeout=60)
            del client.headers["accept"]
        return client

    def ask(
        self,
        method: str,
        path: str,
        who: str | None = "bravo",
        *,
        headers: Mapping[str, str] | None = None,
        content: Content | None = None,
    ) -> httpx.Response:
        """Send one request, and hold its answer to what holds for every answer."""
        sent = {"accept": TAXII} | dict(headers or {})
        return checked(self.client(who).request(method, path, headers=sent, content=content))

    def get(self, path: str, who: str | None = "bravo", *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a GET."""
        return self.ask("GET", path, who, headers=headers)

    def post(
        self,
        content: Content,
        who: str | None = "alfa",
        *,
        to: str = "inbox",
        type_: str | None = TAXII,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send an envelope."""
        named = {} if type_ is None else {"content-type": type_}
        path = f"/live/collections/{to}/objects/"
        return self.ask("POST", path, who, headers=named | dict(headers or {}), content=content)

    def close(self) -> None:
        """Hang up."""
        for client in self.clients.values():
            client.close()


def checked(response: httpx.Response) -> httpx.Response:
    """Hold an answer to what holds for every answer (§1.6.8, §3.6.1), and hand it on."""
    text = response.text
    assert response.history == [], "no redirects: they drop credentials"
    assert "Traceback" not in text
    assert "litestar" not in text.lower()
    assert "server" not in response.headers
    if response.status_code == 204:
        assert text == ""
        return response
    assert response.headers["content-type"] == TAXII
    if response.request.method == "HEAD":
        assert text == ""
        return response
    body = response.json()
    if response.status_code >= 400:
        assert body["title"]
        assert body["description"]
        assert body["http_status"] == str(response.status_code)
        assert set(body) <= {"title", "description", "error_id", "http_status", "details"}
        assert ("error_id" in body) == (response.status_code == 500)
    if response.status_code == 401:
        challenges = response.headers.get_list("www-authenticate")
        assert {challenge.split(" ")[0] for challenge in challenges} == {"Basic", "Bearer"}
    return response


def living(home: Path) -> Generator[Live]:
    """Serve a hub while the generator is open."""
    world = World(home)
    for name in ("alfa", "bravo", "charlie"):
        world.party(name)
    world.agreement(AGREEMENT, signed_by=("alfa", "bravo"))
    world.user("anna@bravo")
    world.hub.parties.set_password(OPERATOR, world.hub.mandate, "anna@bravo", PASSWORD)
    secrets = {name: (name, world.token(name)) for name in ("alfa", "bravo", "charlie")}
    secrets["anna"] = ("anna@bravo", PASSWORD)
    secrets["anna-token"] = ("anna@bravo", world.token("anna@bravo"))
    secrets["reader"] = ("bravo", world.token("bravo", permissions=_READ))
    secrets["lister"] = ("bravo", world.token("bravo", permissions=frozenset({Permission.COLLECTIONS_READ})))
    secrets["writer"] = (
        "alfa",
        world.token("alfa", permissions=frozenset({Permission.COLLECTIONS_READ, Permission.OBJECTS_SUBMIT})),
    )
    secrets["eraser"] = ("alfa", world.token("alfa", permissions=frozenset({Permission.OBJECTS_DELETE})))
    for alias in ("inbox", "empty", "bulk"):
        with world.hub.store.write() as connection:
            exchange_store.add_collection(
                connection,
                LIVE,
                uuid=new_uuid(world.entropy),
                alias=alias,
                title=alias.title(),
                description="",
                at=world.clock.now(),
            )
    collections = {one.alias: one.uuid for one in world.hub.reading.collections(world.asker("alfa"))}
    live = Live(url="", world=world, secrets=secrets, collections=collections)
    live.indicators = [object_id("indicator", f"seed {number}") for number in range(25)]
    share(live, "alfa", *(indicator(f"seed {number}") for number in range(25)))
    for day in ("01", "02", "03"):
        share(live, "alfa", malware("versions", modified=f"2026-02-{day}T00:00:00.000Z"))
    share(live, "alfa", address("198.51.100.7"))
    share(live, "charlie", indicator("hidden"))
    try:
        with running(create_app(world.hub)) as live.url:
            yield live
    finally:
        live.close()
        world.hub.close()


def share(live: Live, name: str, *objects: dict[str, Any], collection: str = "exchange") -> None:
    """Submit a bundle past HTTP, a second after what came before."""
    live.world.clock.advance(SECOND)
    party = live.world.hub.parties.get(name)
    receipt = live.world.hub.intake.submit(
        Submission(party=party.uri, acting=Acting(actor=name), data=bundle(*objects), collection=collection)
    )
    assert not [result for result in receipt.results if result.reason is not None]
