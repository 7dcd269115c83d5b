"""What a charter measures of the exchange: how soon members are protected, and whether what is shared is of use."""

from __future__ import annotations

import statistics
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from sqlalchemy import select

from tocsin.agreements.gate import decide, profile_of, profile_until, slice_for
from tocsin.agreements.interning import read_labels
from tocsin.exchange.tables import CONTRIBUTIONS, SUBMISSIONS
from tocsin.governance.charters import Measured, share
from tocsin.kernel.clock import SECOND, Micros, parse_instant
from tocsin.log.model import decode_payload
from tocsin.parties.model import PartyStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from tocsin.agreements.service import Agreements
    from tocsin.kernel.db import Store
    from tocsin.log.service import Log

__all__ = ["Measures"]

_Version: TypeAlias = tuple[str, str, Micros]  # owner, object, version


class Measures:
    """The measures of one environment."""

    def __init__(self, *, store: Store, log: Log, agreements: Agreements) -> None:
        self._adapter = store.adapter
        self._log = log
        self._agreements = agreements
        self._environment = log.environment

    def time_to_protection(self, connection: Connection, *, since: Micros, at: Micros) -> Measured:
        """Return the median, in seconds, of the time from an object's first sharing to its last member's receiving it.

        Of the versions first shared in the time, with every vetted party whose service may read them now, to detect.
        Whoever has not received one yet counts with the time until now: what nobody fetches does not look quick.
        """
        shared, received = self._told(connection, since)
        may = self._may_read(connection, {label for label, _ in shared.values()}, at)
        lasted: list[Micros] = []
        waiting = 0
        for version, (label, begun) in shared.items():
            members = may.get(label, frozenset()) - {version[0]}
            if not members:
                continue
            times = [received.get((version, party)) for party in members]
            waiting += None in times
            lasted.append(max(at if one is None else one for one in times) - begun)
        how = (
            f"median over {len(lasted)} versions shared in this time, from the entry that offered each to the first "
            f"release of it to the last member that may read it now to detect; {waiting} have not reached all, and "
            "count with the time until now"
        )
        value = None if not lasted else str(round(statistics.median(lasted) / SECOND))
        return Measured(value=value, count=len(lasted), how=how)

    def use_confirmed(self, connection: Connection, *, since: Micros, at: Micros) -> Measured:
        """Return the share of indicators shared in the time of which another party shared a sighting."""
        del at
        query = (
            select(CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.owner_id, CONTRIBUTIONS.c.type, CONTRIBUTIONS.c.bytes)
            .join(SUBMISSIONS, SUBMISSIONS.c.submission_id == CONTRIBUTIONS.c.submission_id)
            .where(
                CONTRIBUTIONS.c.environment == self._environment,
                CONTRIBUTIONS.c.type.in_(("indicator", "sighting")),
                SUBMISSIONS.c.received_at >= since,
            )
        )
        indicators: set[tuple[str, int]] = set()
        seen: dict[str, set[int]] = {}
        for row in connection.execute(query):
            if row.type == "indicator":
                indicators.add((row.object_id, row.owner_id))
            elif row.bytes is not None:
                seen.setdefault(msgspec.json.decode(row.bytes).get("sighting_of_ref", ""), set()).add(row.owner_id)
        confirmed = sum(bool(seen.get(object_id, set()) - {owner}) for object_id, owner in indicators)
        how = (
            f"{confirmed} of {len(indicators)} indicators shared in this time were sighted by another party than theirs"
        )
        return Measured(value=share(confirmed, len(indicators)), count=len(indicators), how=how)

    def _told(
        self, connection: Connection, since: Micros
    ) -> tuple[dict[_Version, tuple[int, Micros]], dict[tuple[_Version, str], Micros]]:
        """Return what was first shared since then (label and instant), and who received what first when."""
        offers: dict[tuple[str, int], _Version] = {}
        shared: dict[_Version, tuple[int, Micros]] = {}
        received: dict[tuple[_Version, str], Micros] = {}
        for row in self._log.rows(connection):
            if row.payload is None or row.kind not in ("submission", "offering", "release"):
                continue
            data: Mapping[str, Any] = decode_payload(row.payload, where=f"entry {row.index}").data
            if row.kind == "release":
                at = parse_instant(data["decided_at"])
                for sequence in accumulate(data["offers"]):
                    version = offers.get((data["collection"], sequence))
                    if version in shared:
                        received.setdefault((version, data["profile"]["party"]), at)
                continue
            owner = data["party"] if row.kind == "submission" else data["owner"]
            for offer in data["offers"]:
                version = (owner, offer["object"], offer["version"])
                offers[data["collection"], offer["seq"]] = version
                if row.at >= since and "content" in offer:
                    shared.setdefault(version, (offer["label"], row.at))
        return shared, received

    def _may_read(self, connection: Connection, label_ids: Iterable[int], at: Micros) -> dict[int, frozenset[str]]:
        """Return the parties whose service may read each label now, to detect."""
        wanted = sorted(label_ids)
        labels = read_labels(connection, self._adapter, wanted)
        facts = self._agreements.facts(connection, at)
        may: dict[int, set[str]] = {label_id: set() for label_id in wanted}
        for party in facts.parties.values():
            if party.status is not PartyStatus.VETTED or not wanted:
                continue
            profile = profile_of(party, None, "detect", at)
            slice_ = slice_for(profile, facts, until=profile_until(party, None, at))
            for label_id, verdict in zip(wanted, decide(slice_, profile, [labels[one] for one in wanted]), strict=True):
                if verdict.allows:
                    may[label_id].add(party.uri)
        return {label_id: frozenset(parties) for label_id, parties in may.items()}
