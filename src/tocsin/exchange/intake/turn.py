"""What a submission is taken with: what intake works on, and the writer's turn in which that happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from tocsin.exchange.intake.model import Submission
    from tocsin.exchange.sanitise.making import Making
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db import Store
    from tocsin.kernel.db.adapter import Adapter
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting
    from tocsin.log.service import Log

    # connection, acting, URI of the owner; of each offer: contribution, object id, version, label
    Follow: TypeAlias = Callable[[Connection, Acting, str, Sequence[tuple[int, str, Micros, int]]], None]

__all__ = ["Follow", "Means", "Turn"]


class Means(NamedTuple):
    """What intake works on."""

    store: Store
    log: Log
    entropy: Entropy
    environment: int
    lowered_ceiling: str | None  # what this process holds itself to below the hub's ceiling, if it does
    making: Making
    follow: Follow  # is told, in its transaction, what a submission offered


class Turn(NamedTuple):
    """One submission inside the writer's turn."""

    means: Means
    connection: Connection
    submission: Submission
    owner_id: int
    at: Micros

    @property
    def adapter(self) -> Adapter:
        """The port to the database."""
        return self.means.store.adapter

    @property
    def environment(self) -> int:
        """Where all this happens."""
        return self.means.environment
