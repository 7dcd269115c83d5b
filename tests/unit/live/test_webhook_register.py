"""Who may have a webhook, for which address, how many, and what the log tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from support.hub import OPERATOR
from tocsin.errors import ForbiddenError, InputError, LimitError, NotFoundError, TransitionError
from tocsin.exchange.live.webhooks.model import WEBHOOKS_OF_ONE
from tocsin.kernel.mandate import Acting, founding_mandate

if TYPE_CHECKING:
    from support.posting import Post

URLS: Final = (
    "ftp://soc.example/",
    "https://",
    "soc.example/hook",
    "https://soc.example:0/",
    "https://soc.example:99999/",
    "https://name:word@soc.example/",
    "https://soc.example/#part",
    "https://soc.example/a b",
    "https://soc.example/\r\nhost: other",
    "https://s\u00f6c.example/",
    "https://soc.example\\@other/",
    "https://soc.example/" + "a" * 1_100,
    "https://10.1.2.3/",
    "http://192.0.2.1/",
)


@pytest.mark.parametrize("url", URLS, ids=lambda url: url[:40])
def test_a_url_that_is_not_sent_to_is_not_registered(post: Post, url: str) -> None:
    with pytest.raises(InputError):
        post.add(url=url)


def test_a_webhook_is_registered_under_a_mandate_for_a_party_that_is_vetted(post: Post) -> None:
    with pytest.raises(NotFoundError):
        post.add("nobody")
    post.world.hub.parties.suspend_party(OPERATOR, post.world.hub.mandate, "coast", "test")
    with pytest.raises(TransitionError):
        post.add("coast")
    with pytest.raises(ForbiddenError):
        post.webhooks.remove(OPERATOR, founding_mandate("elsewhere"), post.id)


@pytest.mark.parametrize("actor", ["ana@bravo", "bravo", "hub", "nobody@hub"])
def test_only_operators_register(post: Post, actor: str) -> None:
    with pytest.raises(ForbiddenError):
        post.webhooks.add(
            Acting(actor=actor),
            post.world.hub.mandate,
            "bravo",
            url=post.receiver.url,
            purpose="detect",
            collection="exchange",
        )


def test_a_party_has_so_many(post: Post) -> None:
    for _ in range(WEBHOOKS_OF_ONE - 1):
        post.add()
    with pytest.raises(LimitError):
        post.add()
    post.add("coast")


def test_the_log_tells_what_was_registered_and_no_secret(post: Post) -> None:
    post.webhooks.remove(OPERATOR, post.world.hub.mandate, post.id, "moved")
    with post.world.hub.store.read() as connection:
        rows = [row for row in post.world.hub.log.rows(connection) if row.kind.startswith("webhook.")]
    assert [row.kind for row in rows] == ["webhook.added", "webhook.removed"]
    assert all(row.concerns == ("https://bravo.example",) for row in rows)
    told = msgspec.json.decode(rows[0].payload or b"")["data"]
    assert told["url"] == post.receiver.url
    assert post.secret.removeprefix("whsec_").encode() not in b"".join(row.payload or b"" for row in rows)
