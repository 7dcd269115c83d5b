"""What a log makes when it is told from its beginning."""

from __future__ import annotations

import msgspec

from tocsin.agreements import replay as agreements
from tocsin.agreements.facts import Facts
from tocsin.agreements.model import Label, Profile, Verdict
from tocsin.agreements.replay import Agreed
from tocsin.exchange.access import replay as access
from tocsin.exchange.again_replay import Made
from tocsin.exchange.live.webhooks import replay as webhooks
from tocsin.exchange.recall import replay as recall
from tocsin.exchange.retention import replay as retention
from tocsin.exchange.sanitise import replay as sanitised
from tocsin.governance.state import Governed
from tocsin.kernel.clock import Micros
from tocsin.parties import replay as parties
from tocsin.parties.replay import People
from tocsin.parties.vetting import replay as vetting

__all__ = ["Judged", "Offered", "Rebuilt"]


class Offered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An offer, as the log tells of it."""

    object_id: str
    version: Micros
    label_id: int
    owner: str
    entry: int  # that offered it


class Rebuilt(msgspec.Struct, kw_only=True):
    """What a log makes when it is told from its beginning."""

    hub: str | None = None
    entries: int = 0
    people: People = msgspec.field(default_factory=parties.People)
    agreed: Agreed = msgspec.field(default_factory=agreements.Agreed)
    labels: dict[int, Label] = msgspec.field(default_factory=dict)
    ceiling: str | None = None  # None: it was never set
    collections: dict[str, str] = msgspec.field(default_factory=dict)  # UUID -> alias
    offers: dict[tuple[str, int], Offered] = msgspec.field(default_factory=dict)  # by collection and sequence
    withdrawn: dict[tuple[str, int], int] = msgspec.field(default_factory=dict)  # -> entry that withdrew it
    made: dict[str, Made] = msgspec.field(default_factory=dict)  # collections made for something, by UUID
    vetted: vetting.Vetted = msgspec.field(default_factory=vetting.Vetted)
    granted: access.Granted = msgspec.field(default_factory=access.Granted)
    sanitised: sanitised.Told = msgspec.field(default_factory=sanitised.Told)
    webhooks: webhooks.Told = msgspec.field(default_factory=webhooks.Told)
    governed: Governed = msgspec.field(default_factory=Governed)
    kept: retention.Told = msgspec.field(default_factory=retention.Told)
    recalled: recall.Told = msgspec.field(default_factory=recall.Told)
    releases: int = 0
    verdicts: int = 0


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One owner's part of a release, as it was decided again: by what facts, with which verdict for each label."""

    index: int  # of its entry
    release: str
    decided_at: str
    profile: Profile
    kind: str
    collection: str
    owner: str
    offers: tuple[Offered, ...]
    labels: dict[int, Label]
    verdicts: dict[int, Verdict]
    annexes: dict[int, frozenset[str]]  # labels that emergency annexes alone opened
    facts: Facts
