"""What a log may tell of webhooks, and what the store may hold: false ones are refused with their reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from support.hub import OPERATOR
from tocsin.errors import LogBrokenError
from tocsin.exchange.live.webhooks import store
from tocsin.exchange.live.webhooks.model import Webhook
from tocsin.exchange.live.webhooks.replay import Told, apply
from tocsin.exchange.live.webhooks.tables import WEBHOOKS
from tocsin.exchange.replay import replay
from tocsin.kernel.db.store import LIVE
from tocsin.log.model import decode_payload

if TYPE_CHECKING:
    from support.treaty import Templates

pytestmark = pytest.mark.time_passes

UUID: Final = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
BRAVO: Final = "https://bravo.example"
ADDED: Final[dict[str, Any]] = {
    "webhook": UUID,
    "party": BRAVO,
    "collection": "c",
    "url": "https://soc.example/",
    "purpose": "detect",
    "content": "hint",
    "types": None,
}
NAMED: Final = {"webhook": UUID, "party": BRAVO}

FALSE: Final[dict[str, list[tuple[str, dict[str, Any]]]]] = {
    "a party that is not vetted": [("webhook.added", ADDED | {"party": "https://coast.example"})],
    "no such collection": [("webhook.added", ADDED | {"collection": "d"})],
    "the same id twice": [("webhook.added", ADDED), ("webhook.added", ADDED)],
    "an id that was removed": [("webhook.added", ADDED), ("webhook.removed", NAMED), ("webhook.added", ADDED)],
    "no such purpose": [("webhook.added", ADDED | {"purpose": "sell"})],
    "no such content": [("webhook.added", ADDED | {"content": "everything"})],
    "a URL that is none": [("webhook.added", ADDED | {"url": "file:///etc/passwd"})],
    "more than is told": [("webhook.added", ADDED | {"secret": "whsec_"})],
    "removed and never added": [("webhook.removed", NAMED)],
    "another party's": [("webhook.added", ADDED), ("webhook.resumed", NAMED | {"party": "https://alfa.example"})],
}


@pytest.mark.parametrize("case", FALSE)
def test_what_cannot_have_happened_is_refused(case: str) -> None:
    told = Told()
    *before, last = FALSE[case]

    def tell(kind: str, data: dict[str, Any]) -> None:
        apply(told, kind, data, actor="operator@hub", vetted=lambda uri: uri == BRAVO, collections={"c"})

    for kind, data in before:
        tell(kind, data)
    with pytest.raises(LogBrokenError):
        tell(*last)


def test_a_webhook_that_the_log_does_not_tell_of_is_found(hubs: Templates) -> None:
    world = hubs.world()
    collection = world.hub.reading.collection(world.asker("bravo"), "exchange")
    webhook = Webhook(
        uuid=UUID,
        party=BRAVO,
        registrar="operator@hub",
        collection=collection.uuid,
        url="https://a.example/",
        purpose="detect",
    )
    with world.hub.store.write() as connection:
        party = world.hub.parties.party_by_uri(connection, BRAVO)[0]
        store.add_webhook(connection, LIVE, webhook, party_id=party, collection_id=collection.id, place=0, at=0)
    faults = {one.check: one.fault for one in world.hub.self_test.run()}
    assert [name for name, fault in faults.items() if fault is not None] == ["webhooks"]
    hubs.drop(world)


DAMAGE: Final[dict[str, dict[str, str]]] = {
    "who answers for it": {"registrar": "operator@bravo"},
    "where it leads": {"url": "https://b.example/"},
    "for what it reads": {"purpose": "prevent"},
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_webhook_that_somebody_changed_is_found(hubs: Templates, case: str) -> None:
    world = hubs.world()
    world.hub.webhooks.add(
        OPERATOR, world.hub.mandate, "bravo", url="https://93.184.215.14/", purpose="detect", collection="exchange"
    )
    with world.hub.store.write() as connection:
        connection.execute(update(WEBHOOKS).values(DAMAGE[case]))
    faults = {one.check: one.fault for one in world.hub.self_test.run()}
    assert [name for name, fault in faults.items() if fault is not None] == ["webhooks"]
    hubs.drop(world)


def test_only_an_operator_can_have_registered_one(hubs: Templates) -> None:
    world = hubs.world()
    world.hub.webhooks.add(
        OPERATOR, world.hub.mandate, "bravo", url="https://93.184.215.14/", purpose="detect", collection="exchange"
    )
    with world.hub.store.read() as connection:
        entries = [(row.index, decode_payload(row.payload or b"")) for row in world.hub.log.rows(connection)]
    assert replay(entries).webhooks.present
    number, before = next((index, payload) for index, payload in entries if payload.kind == "user.added")
    demoted = before.data | {"user": dict(before.data["user"]) | {"roles": ["auditor", "viewer"]}}
    last, added = entries.pop()
    changed = replace(added, kind="user.changed", data=demoted)
    with pytest.raises(LogBrokenError, match="only operators register webhooks"):
        replay([*entries, (last, changed), (last + 1, added)])
    assert number < last
    hubs.drop(world)
