"""Acts on sanitised versions: the rows and the entry of each, in one transaction.

An entry concerns the producer alone: whose versions share a slot stands in no entry together, and the entries of what
the publisher shares name no producer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements.model import Tlp
from tocsin.exchange.sanitise import store
from tocsin.exchange.sanitise.model import Act, Ending, Standing, State, after, approved
from tocsin.log.commitment import commit_content, content_text
from tocsin.log.service import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from tocsin.exchange.sanitise.store import Kept, New
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.mandate import Acting, Mandate
    from tocsin.log.service import Log

__all__ = ["KINDS", "PRIVILEGED", "Acts", "Pseudonym", "version_data"]

PRIVILEGED = frozenset({"sanitised.cleared", "sanitised.stopped"})
KINDS = PRIVILEGED | {
    "sanitised.made",
    "sanitised.approved",
    "sanitised.vetoed",
    "sanitised.published",
    "sanitised.ended",
}


class Pseudonym(msgspec.Struct, frozen=True, kw_only=True):
    """An identity that is to stand for a producer."""

    agreement: str
    tlp: Tlp
    identity: str


def version_data(new: New) -> dict[str, object]:
    """Return what the log says of a version when it is made: all of it, and a commitment to what will leave."""
    version = new.version
    return {
        "version": version.uuid,
        "object": version.chain.object_id,
        "sanitised": version.chain.sanitised_id,
        "original": version.version,
        "agreement": version.chain.agreement,
        "agreement_version": version.agreement_version,
        "clause": version.clause,
        "plan": version.plan,
        "tlp": str(version.tlp),
        "attribution": str(version.attribution),
        "approve": str(version.approve),
        "made_at": version.made_at,
        "leaves_at": version.leaves_at,
        "content": content_text(commit_content(salt=new.salt, body=new.draft)),
    }


class Acts:
    """Acts of one transaction, by one actor; each is entered at hub time, which may move on between two."""

    def __init__(self, connection: Connection, log: Log, acting: Acting) -> None:
        self._connection = connection
        self._log = log
        self._acting = acting

    def made(self, submission: str, rows: Sequence[New], pseudonyms: Iterable[Pseudonym]) -> None:
        """Note that versions were made of a submission of one party."""
        first = rows[0].version
        data: dict[str, object] = {
            "party": first.chain.party,
            "submission": submission,
            "collection": first.collection,
            "made": [version_data(row) for row in rows],
            "pseudonyms": [[one.agreement, str(one.tlp), one.identity] for one in pseudonyms],
        }
        self._append("sanitised.made", first.chain.party, data, self._now())

    def approve(self, row: Kept, *, alone: bool = False, mandate: Mandate | None = None) -> Standing:
        """Let a version out: its owner, or with a mandate the coordinator.

        Raises:
            TransitionError: it has left, or ended.
        """
        at = self._now()
        standing = approved(row.version, row.standing, at, alone=alone)
        store.set_decided(self._connection, row.key, standing)
        data: dict[str, object] = {"party": row.version.chain.party, "version": row.version.uuid}
        if mandate is None:
            data["alone"] = alone
        kind = "sanitised.approved" if mandate is None else "sanitised.cleared"
        self._append(kind, row.version.chain.party, data, at, mandate)
        return standing

    def veto(self, row: Kept, reason: str, *, mandate: Mandate | None = None) -> Standing:
        """Keep a version in for good: its owner, or with a mandate the coordinator.

        Raises:
            TransitionError: it has left, or ended.
        """
        state = after(row.standing.state, Act.VETO, where=row.version.uuid)
        standing = msgspec.structs.replace(row.standing, state=state)
        store.set_decided(self._connection, row.key, standing)
        data: dict[str, object] = {"party": row.version.chain.party, "version": row.version.uuid, "reason": reason}
        kind = "sanitised.vetoed" if mandate is None else "sanitised.stopped"
        self._append(kind, row.version.chain.party, data, self._now(), mandate)
        return standing

    def end(self, rows: Sequence[Kept], ending: Ending) -> None:
        """Drop versions that wait, or note that published ones are offered no more; one entry for each producer.

        Raises:
            TransitionError: one has ended before.
        """
        for party, of_one in _by_party(rows).items():
            by_state: dict[State, list[int]] = {}
            for row in of_one:
                act = Act.RECALL if row.standing.state is State.PUBLISHED else Act.DROP
                by_state.setdefault(after(row.standing.state, act, where=row.version.uuid), []).append(row.key)
            for state, keys in by_state.items():
                store.set_ended(self._connection, keys, state, ending)
            data: dict[str, object] = {
                "party": party,
                "versions": [row.version.uuid for row in of_one],
                "ending": str(ending),
            }
            self._append("sanitised.ended", party, data, self._now())

    def published(
        self,
        rows: Sequence[Kept],
        *,
        slot: Micros,
        decided_at: Micros,
        least: int,
        submission: str,
        versions: Mapping[str, Micros],
    ) -> None:
        """Note that versions left in a slot; ``versions`` are those of the contributions that they became, by UUID.

        ``decided_at``: the instant whose agreements let them out. ``least``: how many producers the hub wants in a
        slot; whoever tells the log again counts them.
        """
        for party, of_one in _by_party(rows).items():
            for row in of_one:
                after(row.standing.state, Act.PUBLISH, where=row.version.uuid)
            store.set_left(self._connection, [(row.key, versions[row.version.uuid]) for row in of_one], slot)
            data: dict[str, object] = {
                "party": party,
                "slot": slot,
                "decided_at": decided_at,
                "least": least,
                "submission": submission,
                "versions": [[row.version.uuid, versions[row.version.uuid]] for row in of_one],
            }
            self._append("sanitised.published", party, data, self._now())

    def _now(self) -> Micros:
        return self._log.now(self._connection)

    def _append(
        self, kind: str, party: str, data: dict[str, object], at: Micros, mandate: Mandate | None = None
    ) -> None:
        record = Record(kind=kind, at=at, acting=self._acting, mandate=mandate, concerns=(party,), data=data)
        self._log.append(self._connection, [record])


def _by_party(rows: Sequence[Kept]) -> dict[str, list[Kept]]:
    found: dict[str, list[Kept]] = {}
    for row in rows:
        found.setdefault(row.version.chain.party, []).append(row)
    return found
