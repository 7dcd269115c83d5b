"""At intake: which of the objects taken get a sanitised version, what of it will leave, and what their sender is told.

Worked out before the submission is stored, so that its receipt can tell; entered after it, in the same transaction.
What is made here depends on the sender's own objects and agreements, and is told to nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document import Approver, Attribution
from tocsin.exchange.relations import references
from tocsin.exchange.sanitise import records, store, wire
from tocsin.exchange.sanitise.drafting import Before, Candidate, Drafting, Taken, names_of
from tocsin.exchange.sanitise.model import Chain, Ending, State, Version, begun
from tocsin.exchange.sanitise.rights import Publishing, publishing
from tocsin.exchange.sanitise.tables import PSEUDONYMS
from tocsin.kernel.clock import Micros, format_instant
from tocsin.kernel.ids import new_uuid
from tocsin.log.commitment import SALT_BYTES
from tocsin.parties import store as parties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.facts import Facts
    from tocsin.agreements.gatekeeper import Gate
    from tocsin.agreements.model import Tlp
    from tocsin.exchange.model import Collection
    from tocsin.exchange.sanitise.store import ChainRow
    from tocsin.kernel.db.adapter import Adapter
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting
    from tocsin.log.service import Log
    from tocsin.scrub.names import Names

__all__ = ["Making", "Planned", "Taken"]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A version that is to be entered. ``chain_id`` None: its chain is new."""

    version: Version
    chain_id: int | None
    collection_id: int
    draft: bytes


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from a submission: notes for its sender by the object's index, and what is to be entered."""

    notes: Mapping[int, tuple[str, ...]] = {}
    made: tuple[Made, ...] = ()
    pseudonyms: tuple[records.Pseudonym, ...] = ()
    overtaken: tuple[store.Kept, ...] = ()


class Making:
    """Makes sanitised versions of what intake takes. ``slot``: the length of a publishing slot."""

    def __init__(
        self, *, adapter: Adapter, log: Log, gate: Gate, entropy: Entropy, environment: int, slot: Micros
    ) -> None:
        self._adapter = adapter
        self._log = log
        self._gate = gate
        self._entropy = entropy
        self._environment = environment
        self._slot = slot
        self._named: tuple[Facts, dict[str | None, Names]] | None = None

    def concerned(self, connection: Connection, *, at: Micros, party: str, owner_id: int) -> bool:
        """Return whether anything can follow from what a party shares now: most parties publish nothing."""
        publisher = parties.read_hub(connection, self._environment)
        if publisher is None or party == publisher:
            return False
        facts = self._gate.facts(connection, at)
        return bool(publishing(facts, party, publisher)) or store.has_chains(connection, owner_id)

    def plan(
        self,
        connection: Connection,
        *,
        at: Micros,
        party: str,
        owner_id: int,
        collection: Collection,
        taken: Sequence[Taken],
    ) -> Planned:
        """Return what follows from objects that are about to be stored. Draws ids; writes nothing."""
        publisher = parties.read_hub(connection, self._environment)
        if publisher is None or party == publisher:
            return Planned()
        ids = dict.fromkeys(one.parsed.id for one in taken)
        named = dict.fromkeys(ref for one in taken for ref in references(one.parsed.obj))
        chains = store.chains_of(connection, self._adapter, self._environment, owner_id, ids | named)
        overtaken, newest = self._before(connection, chains, taken)
        facts = self._gate.facts(connection, at)
        by_agreement: dict[str, list[Publishing]] = {}
        for one in publishing(facts, party, publisher):
            by_agreement.setdefault(one.agreement.document.name, []).append(one)
        notes: dict[int, tuple[str, ...]] = {}
        made: list[Made] = []
        pseudonyms: list[records.Pseudonym] = []
        for agreement, clauses in by_agreement.items():
            before = {
                row.chain.object_id: Before(
                    chain_id=row.chain_id,
                    sanitised_id=row.chain.sanitised_id,
                    newest=newest.get(row.chain_id),
                    born=row.born,
                )
                for row in chains
                if row.chain.agreement == agreement
            }
            drafting = Drafting(
                clauses=clauses,
                before=before,
                facts=facts,
                publisher=publisher,
                slot=self._slot,
                names=lambda but: self._names(facts, but),
                new_uuid=lambda: new_uuid(self._entropy),
            )
            drafts = drafting.drafts(taken)
            creators, drawn = self._creators(connection, owner_id, agreement, [one for one, _ in drafts])
            pseudonyms += drawn
            for index, note in drafting.notes.items():
                notes[index] = (*notes.get(index, ()), note)
            for candidate, draft in drafts:
                version = self._version(candidate, party=party, collection=collection, at=at)
                notes[candidate.taken.index] = (*notes.get(candidate.taken.index, ()), _told(version))
                if version.attribution is Attribution.PSEUDONYMOUS and "created" in draft.body:
                    body = draft.body | {"created_by_ref": creators[version.tlp]}
                    draft = msgspec.structs.replace(draft, body=body)  # noqa: PLW2901  the same draft, attributed
                chain_id = None if candidate.before is None else candidate.before.chain_id
                made.append(
                    Made(
                        version=version,
                        chain_id=chain_id,
                        collection_id=collection.id,
                        draft=wire.encode_draft(draft),
                    )
                )
        return Planned(notes=notes, made=tuple(made), pseudonyms=tuple(pseudonyms), overtaken=tuple(overtaken))

    def enter(
        self, connection: Connection, planned: Planned, *, acting: Acting, submission: str, owner_id: int
    ) -> None:
        """Enter what was planned, behind the entry of the submission."""
        acts = records.Acts(connection, self._log, acting)
        if planned.overtaken:
            acts.end(planned.overtaken, Ending.SUPERSEDED)
        if not planned.made:
            return
        for one in planned.pseudonyms:
            store.add_pseudonym(
                connection, self._environment, owner_id, agreement=one.agreement, tlp=one.tlp, identity=one.identity
            )
        fresh = list(dict.fromkeys(one.version.chain for one in planned.made if one.chain_id is None))
        ids = store.add_chains(connection, self._environment, owner_id, fresh)
        salts = self._entropy.bytes(SALT_BYTES * len(planned.made))
        rows = [
            store.New(
                version=one.version,
                chain_id=ids[one.version.chain] if one.chain_id is None else one.chain_id,
                collection_id=one.collection_id,
                standing=begun(one.version),
                salt=salts[place * SALT_BYTES : (place + 1) * SALT_BYTES],
                draft=one.draft,
            )
            for place, one in enumerate(planned.made)
        ]
        store.add_versions(connection, self._environment, rows)
        acts.made(submission, rows, planned.pseudonyms)

    # --- what was there before ---------------------------------------------------------------------------------------

    def _before(
        self, connection: Connection, chains: Sequence[ChainRow], taken: Sequence[Taken]
    ) -> tuple[list[store.Kept], dict[int, Micros]]:
        """Return the waiting versions that later ones of their originals overtake, and each chain's newest version.

        What its owner changed does not leave as it was before, whatever becomes of the change.
        """
        now: dict[str, Micros] = {}
        for one in taken:
            now[one.parsed.id] = max(one.version, now.get(one.parsed.id, one.version))
        wanted = [row.chain_id for row in chains if row.chain.object_id in now]
        if not wanted:
            return [], {}
        rows = store.versions_of_chains(connection, self._adapter, self._environment, wanted)
        newest: dict[int, Micros] = {}
        for row in rows:
            newest[row.chain_id] = max(row.version.version, newest.get(row.chain_id, row.version.version))
        overtaken = [
            row
            for row in rows
            if row.standing.state in {State.PENDING, State.APPROVED}
            and row.version.version < now[row.version.chain.object_id]
        ]
        return overtaken, newest

    def _creators(
        self, connection: Connection, owner_id: int, agreement: str, candidates: Sequence[Candidate]
    ) -> tuple[dict[Tlp, str], list[records.Pseudonym]]:
        """Return the identities that stand for a producer, by TLP, and those that are new."""
        terms = [one.publishing.terms for one in candidates]
        wanted = dict.fromkeys(one.tlp for one in terms if one.attribution is Attribution.PSEUDONYMOUS)
        if not wanted:
            return {}, []
        rows = store.pseudonym_rows(
            connection, self._environment, PSEUDONYMS.c.owner_id == owner_id, PSEUDONYMS.c.agreement == agreement
        )
        known = {row.tlp: row.identity for row in rows}
        drawn = [
            records.Pseudonym(agreement=agreement, tlp=tlp, identity=f"identity--{new_uuid(self._entropy)}")
            for tlp in wanted
            if tlp not in known
        ]
        return known | {one.tlp: one.identity for one in drawn}, drawn

    def _names(self, facts: Facts, but: str | None) -> Names:
        kept = self._named
        if kept is None or kept[0].parties is not facts.parties:
            kept = self._named = (facts, {})
        if but not in kept[1]:
            kept[1][but] = names_of(facts, but=but)
        return kept[1][but]

    def _version(self, candidate: Candidate, *, party: str, collection: Collection, at: Micros) -> Version:
        one, terms = candidate.publishing, candidate.publishing.terms
        return Version(
            uuid=new_uuid(self._entropy),
            chain=Chain(
                party=party,
                agreement=one.agreement.document.name,
                object_id=candidate.taken.parsed.id,
                sanitised_id=candidate.sanitised_id,
            ),
            version=candidate.taken.version,
            collection=collection.uuid,
            agreement_version=one.agreement.document.version,
            clause=one.clause.id,
            plan=terms.sanitised,
            tlp=terms.tlp,
            attribution=terms.attribution,
            approve=terms.approve,
            made_at=at,
            leaves_at=at + terms.delay,
        )


_WAITS: Final = {
    Approver.OWNER: "waits for your approval",
    Approver.COORDINATOR: "waits for the coordinator's approval",
    Approver.NOBODY: "is approved by the clause",
}


def _told(version: Version) -> str:
    return (
        f"a sanitised version is made under {version.chain.agreement}/{version.agreement_version} clause"
        f" {version.clause}: it {_WAITS[version.approve]}, and leaves after {format_instant(version.leaves_at)} unless"
        f" you veto it: tocsin sanitised show {version.uuid}"
    )
