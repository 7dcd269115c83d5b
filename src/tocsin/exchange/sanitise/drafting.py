"""From the objects of a submission to drafts of sanitised versions, under one agreement; ids are drawn outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from tocsin.agreements.document import Attribution
from tocsin.agreements.model import Label
from tocsin.errors import InputError
from tocsin.exchange.addressing import UNKNOWN
from tocsin.exchange.sanitise import wire
from tocsin.exchange.sanitise.patterns import rewritten
from tocsin.exchange.sanitise.rights import Publishing, label_of, obstacle
from tocsin.exchange.stix import ParsedObject, RefusedObject, parse_object
from tocsin.exchange.stix.model import VersionedObject
from tocsin.kernel.clock import Micros
from tocsin.scrub.names import Names
from tocsin.scrub.plans import PLANS
from tocsin.scrub.sanitise import Draft, sanitise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tocsin.agreements.facts import Facts

__all__ = ["ROUNDS", "Before", "Candidate", "Drafting", "Taken", "names_of"]

# Objects of a submission refer to each other; one that cannot be published may take another with it, and that the
# next. Deeper than this no honest bundle goes, and each round looks at every object.
ROUNDS: Final = 6

_TOO_DEEP: Final = "what it refers to cannot be published, and so on for too long"


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One object that intake takes and that its sender never shared before.

    ``bound``: it is marked with terms for whoever receives it, or with a policy that ends.
    """

    index: int
    parsed: ParsedObject
    version: Micros
    label: Label
    bound: bool


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What stands of an object's chain already. ``newest``: of its versions; ``born``: one of them left."""

    chain_id: int
    sanitised_id: str
    newest: Micros | None
    born: Micros | None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An object that a clause publishes, and the id that its sanitised version has."""

    taken: Taken
    publishing: Publishing
    sanitised_id: str
    before: Before | None


def names_of(facts: Facts, *, but: str | None = None) -> Names:
    """Return what no sanitised version may speak of: every party that members may know, ``but`` one that is named."""
    found: list[str] = []
    for uri, party in facts.parties.items():
        if party.status not in UNKNOWN and uri != but:
            found += [party.name, party.title, urlsplit(uri).hostname or uri]
    return Names(found)


class Drafting:
    """Drafts what one agreement publishes of a submission. ``notes`` are for its sender, by the object's index."""

    def __init__(
        self,
        *,
        clauses: Sequence[Publishing],
        before: Mapping[str, Before],
        facts: Facts,
        publisher: str,
        slot: Micros,
        names: Callable[[str | None], Names],
        new_uuid: Callable[[], str],
    ) -> None:
        self._clauses = clauses
        self._before = before
        self._facts = facts
        self._publisher = publisher
        self._slot = slot
        self._names = names
        self._new_uuid = new_uuid
        self.notes: dict[int, str] = {}

    def drafts(self, taken: Sequence[Taken]) -> list[tuple[Candidate, Draft]]:
        """Return the drafts of those objects that can be published, in the order of being shared."""
        chosen = self._choose(taken)
        for _ in range(ROUNDS):
            references = {key: one.sanitised_id for key, one in self._before.items()}
            references |= {key: one.sanitised_id for key, one in chosen.items()}
            found: list[tuple[Candidate, Draft]] = []
            failed: list[str] = []
            for key, candidate in chosen.items():
                try:
                    found.append((candidate, self._draft(candidate, references)))
                except InputError as error:
                    failed.append(key)
                    self._refuse(candidate.taken, candidate.publishing, error.what)
            if not failed:
                return found
            for key in failed:
                del chosen[key]
        for candidate in chosen.values():
            self._refuse(candidate.taken, candidate.publishing, _TOO_DEEP)
        return []

    def _choose(self, taken: Sequence[Taken]) -> dict[str, Candidate]:
        """Return what a clause covers and nothing stands against, the newest version of each object."""
        chosen: dict[str, Candidate] = {}
        for one in sorted(taken, key=lambda one: one.version):
            clause = next((clause for clause in self._clauses if clause.covers(one.label)), None)
            # the newest version counts: what an earlier one was marked with does not let it out
            chosen.pop(one.parsed.id, None)
            if clause is None:
                continue
            before = self._before.get(one.parsed.id)
            why = obstacle(one.label, clause.terms, self._facts, self._publisher, bound=one.bound)
            if why is None and before is not None and before.newest is not None and before.newest > one.version:
                why = "a later version of it was shared before"
            if why is None and getattr(one.parsed.obj, "revoked", False) and (before is None or before.born is None):
                why = "it is revoked, and no version of it was published"
            if why is not None:
                self._refuse(one, clause, why)
                continue
            new = f"{one.parsed.type}--{self._new_uuid()}"
            chosen[one.parsed.id] = Candidate(
                taken=one,
                publishing=clause,
                sanitised_id=new if before is None else before.sanitised_id,
                before=before,
            )
        places = {one.parsed.id: place for place, one in enumerate(taken)}
        return dict(sorted(chosen.items(), key=lambda item: places[item[0]]))

    def _draft(self, candidate: Candidate, references: Mapping[str, str]) -> Draft:
        terms, parsed = candidate.publishing.terms, candidate.taken.parsed
        named = terms.attribution is Attribution.NAMED
        plan = PLANS[terms.sanitised]
        if parsed.type not in plan.types:
            # said before anything is read: most bundles hold some
            raise InputError(f"{parsed.type} is not published under the plan {plan.name}")
        source: dict[str, Any] = msgspec.json.decode(parsed.body)
        draft = sanitise(
            source,
            plan,
            object_id=candidate.sanitised_id,
            references=references,
            slot=self._slot,
            names=self._names(candidate.taken.label.owner if named else None),
            pattern=rewritten,
        )
        finished = self._finished(draft, candidate, source.get("created_by_ref") if named else None)
        # as it would leave at the earliest: what is no valid object then is not made at all
        checked = parse_object(wire.rendered(finished, slot=0, born=None))
        if isinstance(checked, RefusedObject):
            raise InputError(f"what would be left of it is no valid object: {checked.reason}")
        return finished

    def _finished(self, draft: Draft, candidate: Candidate, creator: str | None) -> Draft:
        """Add what every object has: times of the slot, markings of the new label, a creator where it is named."""
        label = label_of(candidate.taken.label, candidate.publishing.terms, self._publisher)
        body = draft.body | {"object_marking_refs": wire.markings(label)[0]}
        issued = draft.issued
        if isinstance(candidate.taken.parsed.obj, VersionedObject):
            body["created"] = ""
            issued = (*issued, "modified")
            if creator is not None:
                body["created_by_ref"] = creator
        return Draft(body=body, issued=issued)

    def _refuse(self, taken: Taken, publishing: Publishing, why: str) -> None:
        where = f"{publishing.agreement.id} clause {publishing.clause.id}"
        self.notes[taken.index] = f"no sanitised version is made under {where}: {why}"
