"""A partnership rebuilt from its log alone, and every release decided again.

Nothing here touches a database: parties, agreements, labels and offers come from the payloads of an export that was
verified before. A release is judged by what the log said when it was decided (``as_of`` entries), at the instant of the
decision, by the same gate that judged it then.

Whoever holds the hub's key can sign whatever they like. So every rule that the hub keeps while it acts is kept here
again: who may act, by what right, when, and on what.

``steps`` walks over the entries and hands each to its part: ``frame`` (what every entry says, and the founding),
``offers``, ``releases``, and ``rooms`` for what the rooms tell by rules of their own.
"""

from __future__ import annotations

from typing import Final

from tocsin.exchange.replay.rebuilt import Judged, Offered, Rebuilt
from tocsin.exchange.replay.releases import MAX_STANDSTILL, MAX_WAIT
from tocsin.exchange.replay.steps import KINDS, replay

__all__ = ["CLOSING", "KINDS", "MAX_STANDSTILL", "MAX_WAIT", "Judged", "Offered", "Rebuilt", "replay"]

# Entries that withdraw offers beside what else they do.
CLOSING: Final = ("purge", "recall.ordered", "recall.imposed")
