"""What a log may tell of webhooks, and what the store may hold: false ones are refused with their reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from support.treaty import Templates, templates
from tocsin.errors import LogBrokenError
from tocsin.exchange.live.webhooks import store
from tocsin.exchange.live.webhooks.model import Webhook
from tocsin.exchange.live.webhooks.replay import Told, apply
from tocsin.kernel.db.store import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        apply(told, kind, data, vetted=lambda uri: uri == BRAVO, collections={"c"})

    for kind, data in before:
        tell(kind, data)
    with pytest.raises(LogBrokenError):
        tell(*last)


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


def test_a_webhook_that_the_log_does_not_tell_of_is_found(hubs: Templates) -> None:
    world = hubs.world()
    collection = world.hub.reading.collection(world.asker("bravo"), "exchange")
    webhook = Webhook(uuid=UUID, party=BRAVO, collection=collection.uuid, url="https://a.example/", purpose="detect")
    with world.hub.store.write() as connection:
        party = world.hub.parties.party_by_uri(connection, BRAVO)[0]
        store.add_webhook(connection, LIVE, webhook, party_id=party, collection_id=collection.id, place=0, at=0)
    faults = {one.check: one.fault for one in world.hub.self_test.run()}
    assert [name for name, fault in faults.items() if fault is not None] == ["webhooks"]
    hubs.drop(world)
