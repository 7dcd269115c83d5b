"""The record that a review begins with: who received what under an emergency annex, told by the log alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.exchange.account.service import Entries
from tocsin.exchange.replay import replay

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.agreements.model import Reason
    from tocsin.exchange.releases import Integrator
    from tocsin.exchange.replay import Judged
    from tocsin.kernel.db import Store
    from tocsin.log.service import Log

__all__ = ["Received", "received_under"]


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One object that left to one reader while the annex was active, and that nothing but the annex let out."""

    entry: int  # of the log
    at: str
    reader: str  # URI of the party
    user: str | None  # name within it; None: its service
    owner: str  # URI
    object_id: str
    version: int  # microseconds
    clauses: tuple[str, ...]  # of the annex


def received_under(
    store: Store,
    log: Log,
    integrator: Integrator,
    *,
    annex: str,
    progress: Callable[[int], None] = lambda _count: None,
) -> list[Received]:
    """Return what left under an annex, in the order of the log; every release is decided again while it is told.

    Args:
        store: of the hub.
        log: of the hub.
        integrator: enters what is staged first, so that nothing is missing.
        annex: ``name/version#annex``.
        progress: is told of each entry.

    Raises:
        LogBrokenError: the log does not replay.
    """
    found: list[Received] = []

    def witness(judged: Judged) -> None:
        for label_id, annexes in judged.annexes.items():
            if annex not in annexes:
                continue
            clauses = {one.clause for one in judged.verdicts[label_id].reasons if _is_of(one, annex)}
            found.extend(
                Received(
                    entry=judged.index,
                    at=judged.decided_at,
                    reader=judged.profile.party,
                    user=judged.profile.user,
                    owner=judged.owner,
                    object_id=one.object_id,
                    version=one.version,
                    clauses=tuple(sorted(clauses)),
                )
                for one in judged.offers
                if one.label_id == label_id
            )

    integrator.integrate()
    with store.read() as connection:
        size = log.head(connection).frontier.size
        replay(Entries(log, connection, size, progress), witness=witness)
    return sorted(found, key=lambda one: (one.entry, one.object_id, one.version))


def _is_of(reason: Reason, annex: str) -> bool:
    return f"{reason.agreement}/{reason.version}" == annex.partition("#")[0]
