"""A hub that sends webhooks to this machine, for the tests of what it sends and of how it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from support.hub import OPERATOR
from support.sharing import bundle, indicator, terms_mark
from tocsin.exchange.live.webhooks.courier import Courier
from tocsin.exchange.live.webhooks.model import Content, Webhook, WebhookState
from tocsin.exchange.live.webhooks.service import Secrets, Webhooks
from tocsin.kernel.clock import SECOND
from tocsin.kernel.http.outbound import Outbound, parse_networks

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hub import World
    from support.receiver import Receiver

__all__ = ["Post"]

LOOPBACK: Final = parse_networks("127.0.0.0/8")
EXPORT: Final = terms_mark(categories=("export-controlled",))


class Post:
    """The webhooks and the courier of a hub that may send to this machine, and one webhook of bravo's."""

    def __init__(self, world: World, receiver: Receiver, content: Content = Content.HINT) -> None:
        self.world = world
        self.receiver = receiver
        hub = world.hub
        secrets = Secrets(key=b"k" * 32, environment=hub.environment)
        outbound = Outbound(networks=LOOPBACK)
        self.webhooks = Webhooks(
            store=hub.store,
            log=hub.log,
            secrets=secrets,
            outbound=outbound,
            entropy=hub.entropy,
            environment=hub.environment,
        )
        self.new_courier: Callable[[], Courier] = lambda: Courier(
            store=hub.store,
            log=hub.log,
            reading=hub.reading,
            secrets=secrets,
            outbound=outbound,
            entropy=hub.entropy,
            environment=hub.environment,
        )
        self.courier = self.new_courier()
        webhook, self.secret = self.add(content=content)
        self.id = webhook.uuid

    def add(
        self, party: str = "bravo", *, url: str | None = None, content: Content = Content.HINT
    ) -> tuple[Webhook, str]:
        return self.webhooks.add(
            OPERATOR,
            self.world.hub.mandate,
            party,
            url=url or self.receiver.url,
            purpose="detect",
            collection="exchange",
            content=content,
        )

    def turns(self, count: int = 3) -> None:
        """Let the courier take some turns, and wait for each."""
        for _ in range(count):
            self.courier.turn()
            self.courier.settle()
            self.world.hub.integrator.integrate()  # as a server does beside, within a second

    def state(self) -> WebhookState:
        return self.webhooks.all()[0].state

    def share(self, *numbers: int) -> None:
        self.world.clock.advance(SECOND)
        self.world.share("alfa", bundle([indicator(number) for number in numbers]))

    def hide(self, number: int) -> None:
        self.world.share("alfa", bundle([indicator(number, marked=[EXPORT])], marked=[EXPORT]))
