"""Who may read what, sentence by sentence as ``docs`` say it, in plain Python over a plain state: no Cedar, no SQL.

It is slow and independent of the hub. What it answers holds until the state changes or an instant passes at which
something written anywhere ends or begins; only within such a stretch are answers kept.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from support.year.state import HEEDED, Copy, Kind, Paper, listed, midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from support.year.state import Json, Org, Partnership, Person
    from tocsin.kernel.clock import Micros

__all__ = ["CLEARANCES", "Evaluator", "Reader", "label_meets"]

TLPS: Final = ("clear", "green", "amber", "amber+strict", "red")
PAPS: Final = ("clear", "green", "amber", "red")
CLEARANCES: Final = ("unclassified", "restricted", "confidential", "secret", "top-secret")

# what decides between two owners: the permits that let their objects out to a reader, the forbids that bind, whether
# they are the reader's own, whether TLP:AMBER+STRICT of theirs may go by each of those permits; and of whom one reads
# for, the forbids that bind, and whether they are its own
Situation = tuple[tuple[int, ...], tuple[int, ...], bool, tuple[bool, ...], tuple[int, ...], bool]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who reads: a party's service or one of its people, for a purpose; in one capacity, for a client, perhaps."""

    party: str
    person: str | None = None
    purpose: str = "detect"
    capacity: str | None = None
    client: str | None = None

    @property
    def reference(self) -> str:
        return self.party if self.person is None else f"{self.person}@{self.party}"


@dataclass(frozen=True, kw_only=True)
class _Clause:
    paper: Paper
    content: Json

    @property
    def names(self) -> str:
        return f"{self.paper.name}/{self.paper.number}/{self.content['id']}"


class Evaluator:
    """Answers for one partnership."""

    def __init__(self, state: Partnership) -> None:
        self._state = state
        self._stretch: tuple[int, int] | None = None
        self._instants: tuple[int, list[Micros]] = (-1, [])
        self._readable: dict[Reader, dict[str, frozenset[Kind]]] = {}
        self._named: dict[tuple[str, str, str], frozenset[str]] = {}

    # --- the answer ---------------------------------------------------------------------------------------------------

    def visible(self, reader: Reader) -> set[tuple[str, Micros, str]] | None:
        """Return id, version and owner of all that a reader finds, or None: it is not let in at all.

        Of several copies of one version that it may see, it finds the first (docs/adr/0014).
        """
        first = self._first(reader)
        return first if first is None else {(copy.id, copy.version, copy.owner) for copy in first}

    def last(self, reader: Reader) -> set[tuple[str, str]]:
        """Return id and owner of what comes to a reader who asks for the last version of each object.

        It is of its owner in the reader's eyes: who shared the first that the reader may see (docs/adr/0014).
        """
        first: dict[str, Copy] = {}
        for copy in self._first(reader) or []:
            if copy.id not in first or copy.place < first[copy.id].place:
                first[copy.id] = copy
        return {(copy.id, copy.owner) for copy in first.values()}

    def _first(self, reader: Reader) -> list[Copy] | None:
        kinds = self.readable(reader)
        if kinds is None:
            return None
        first: dict[tuple[str, Micros], Copy] = {}
        for (owner, kind), group in self._state.offered.items():
            if kind in kinds.get(owner, ()):
                for copy in group:
                    key = (copy.id, copy.version)
                    if key not in first or copy.place < first[key].place:
                        first[key] = copy
        return list(first.values())

    def granted(self, reader: Reader) -> set[tuple[str, Micros]] | None:
        """Return id and version of what owners granted to a reader's party (docs/access.md), None: it is not let in.

        A grant is a permit, and addresses the object to the party; what forbids forbids it, too.
        """
        self._renew()
        state = self._state
        if not self._active(reader):
            return None
        found: set[tuple[str, Micros]] = set()
        for grant in state.grants.values():
            if (
                grant.party == reader.party
                and grant.stands(state.at)
                and reader.purpose in grant.purposes
                and state.orgs[grant.owner].status == "vetted"
            ):
                found |= {
                    (copy.id, copy.version)
                    for copy in state.own(grant.owner, grant.id)
                    if self._may_be_granted(reader, copy)
                }
        return found

    def _may_be_granted(self, reader: Reader, copy: Copy) -> bool:
        kind = dataclasses.replace(copy.kind, recipients=copy.kind.recipients | {reader.party})
        papers = [paper for paper in self._state.papers.values() if paper.in_term(self._state.at)]
        forbids = [one for one in _clauses(papers, "forbid") if self._binds(one, reader.party, copy.owner)]
        return not self._closed(reader, kind, forbids, own=False) and self._enforces(reader)

    def readable(self, reader: Reader) -> dict[str, frozenset[Kind]] | None:
        """Return which kinds of objects a reader may read of each owner; None: it is not let in."""
        self._renew()
        if not self._active(reader):
            return None
        kinds = {kind for _, kind in self._state.offered}
        kept = self._readable.get(reader)
        if kept is None or kept["*"] != kinds:
            kept = self._readable[reader] = self._decide(reader, frozenset(kinds)) | {"*": frozenset(kinds)}
        return kept

    def _renew(self) -> None:
        state = self._state
        if self._instants[0] != state.changes:
            self._instants = (state.changes, sorted(self.instants()))
        stretch = (state.changes, bisect.bisect_right(self._instants[1], state.at))
        if stretch != self._stretch:
            self._stretch = stretch
            self._readable, self._named = {}, {}

    def instants(self) -> set[Micros]:
        """Return every instant at which something that is written begins or ends."""
        found = {org.cleared_until for org in self._state.orgs.values()}
        for paper in self._state.papers.values():
            content = paper.content
            days = [content["in_force"]["from"], content["in_force"]["until"]]
            for basis in content.get("legal_bases", {}).values():
                days += [day for entry in basis.values() for day in entry["valid"]]
            found |= {midnight(day) for day in days if day is not None}
            found |= {until for _, _, until in paper.graces} | set(paper.left.values())
            found |= {instant for span in paper.spans for instant in (span.begins, span.ends)}
        return {one for one in found if one is not None}

    # --- one reader ---------------------------------------------------------------------------------------------------

    def _active(self, reader: Reader) -> bool:
        """A party that is not vetted and a disabled user read nothing (tocsin.inactive)."""
        orgs = self._state.orgs
        return orgs[reader.party].status == "vetted" and (
            reader.person is None or self._state.people[reader.reference].active
        )

    def _decide(self, reader: Reader, kinds: frozenset[Kind]) -> dict[str, frozenset[Kind]]:
        papers = [paper for paper in self._state.papers.values() if paper.in_term(self._state.at)]
        permits = [clause for clause in _clauses(papers, "permit") if self._speaks_to(clause, reader)]
        forbids = _clauses(papers, "forbid")
        situations: dict[Situation, frozenset[Kind]] = {}
        found = {}
        for owner in self._state.orgs:
            situation = self._situation(reader, owner, permits, forbids)
            if situation not in situations:
                situations[situation] = frozenset(
                    kind for kind in kinds if self._reads(reader, kind, situation, permits, forbids)
                )
            found[owner] = situations[situation]
        return found

    def _situation(self, reader: Reader, owner: str, permits: list[_Clause], forbids: list[_Clause]) -> Situation:
        opening = tuple(place for place, clause in enumerate(permits) if self._lets_out(clause, owner, reader))
        return (
            opening,
            tuple(place for place, clause in enumerate(forbids) if self._binds(clause, reader.party, owner)),
            owner == reader.party,
            tuple(owner in permits[place].paper.signed or not permits[place].paper.amends for place in opening),
            tuple(
                place for place, one in enumerate(forbids) if reader.client and self._binds(one, reader.client, owner)
            ),
            owner == reader.client,
        )

    def _reads(
        self, reader: Reader, kind: Kind, situation: Situation, permits: list[_Clause], forbids: list[_Clause]
    ) -> bool:
        opening, binding, own, signed_itself, binding_client, own_of_client = situation
        if self._closed(reader, kind, [forbids[place] for place in binding], own=own):
            return False
        addressed = _addressed(reader, kind)
        opened_by = [
            permits[place].content.get("onward", "as-marked")
            for place, itself in zip(opening, signed_itself, strict=True)
            if self._enforces(reader) and self._permits(permits[place], kind, addressed=addressed, signed_itself=itself)
        ]
        # what clauses let out is kept from clients, and nothing that is the reader's own (docs/access.md)
        let_out = [] if own else opened_by
        if reader.client is not None and not self._passes_on(
            reader, kind, let_out, [forbids[place] for place in binding_client], own=own_of_client
        ):
            return False
        return own or bool(opened_by)

    def _passes_on(
        self, reader: Reader, kind: Kind, opened_by: list[str], forbids: list[_Clause], *, own: bool
    ) -> bool:
        """Return whether a party reads for its client what it may read itself (docs/access.md)."""
        client = Reader(party=str(reader.client), purpose=reader.purpose)
        # whom the owner addressed is the recipient, and its clients are judged by what they are
        addressed = _addressed(reader, kind)
        return (
            self._state.orgs[client.party].status == "vetted"
            and kind.tlp in TLPS[:3]
            and not kind.unknown
            and not {"none", "own-organisation"} & set(opened_by)
            and not any(self._forbids(clause, client, kind, addressed=addressed) for clause in forbids)
            and (own or self._enforces(client))
        )

    def _closed(self, reader: Reader, kind: Kind, forbids: list[_Clause], *, own: bool) -> bool:
        """Return whether a rule of the hub (docs/agreements.md, TLP: what no clause can lift) or a forbid closes it."""
        addressed = _addressed(reader, kind)
        in_person = reader.person is not None and reader.reference in kind.recipients
        return (
            (kind.unknown and not own)
            or (kind.tlp == "red" and not in_person)
            or (bool(kind.recipients) and not (own or addressed))
            or any(self._forbids(clause, reader, kind, addressed=addressed) for clause in forbids)
        )

    def _enforces(self, reader: Reader) -> bool:
        """Return whether a party that is a supervisor and something else acts as a supervisor, if it is to enforce."""
        has = self._state.orgs[reader.party].capacities
        return reader.purpose != "enforce" or "supervisor" not in has or self._acts_as(reader) == {"supervisor"}

    def _acts_as(self, reader: Reader) -> frozenset[str]:
        """Return the capacities in which a reader acts: the one chosen, else all but the supervisor's (Two hats)."""
        has = self._state.orgs[reader.party].capacities
        if reader.capacity is not None:
            return has & {reader.capacity}
        return has - {"supervisor"} or has

    # --- permits ------------------------------------------------------------------------------------------------------

    def _speaks_to(self, clause: _Clause, reader: Reader) -> bool:
        """Return whether a permit has effect, and is for this reader, whatever it reads."""
        paper, content = clause.paper, clause.content
        purposes = [one for one in paper.content["purposes"] if one != "enforce"]
        return (
            ("emergency" not in content or any(one.begins <= self._state.at < one.ends for one in paper.spans))
            and reader.party in self._members(paper)
            and reader.purpose in (listed(content["for"]) if "for" in content else purposes)
            and all(reader.party in self._based(paper, basis) for basis in listed(content.get("rests_on", [])))
            and self._meets(reader, content["to"], self._acts_as(reader), addressed=None)
        )

    def _lets_out(self, clause: _Clause, owner: str, reader: Reader) -> bool:
        """Return whether a permit is for what this owner contributed, whatever it is."""
        paper, content = clause.paper, clause.content
        if reader.purpose == "enforce" and paper.amends and owner not in paper.signed:
            return False  # carried by a majority: it opens nothing of theirs for this purpose
        return (
            owner in self._members(paper)
            and owner in content.get("of", {}).get("owner", [owner])
            and all(owner in self._based(paper, basis) for basis in listed(content.get("rests_on", [])))
        )

    def _permits(self, clause: _Clause, kind: Kind, *, addressed: bool, signed_itself: bool) -> bool:
        """Return whether a permit covers an object: what it says nothing of, it covers up to TLP:AMBER."""
        of = clause.content.get("of", {})
        if clause.content["to"].get("addressed") and not addressed:
            return False
        if "tlp" not in of and kind.tlp not in TLPS[:3]:
            return False
        if kind.tlp == "amber+strict":
            said = of["tlp"]
            words = list(said.values()) if isinstance(said, dict) else listed(said)
            if not (addressed or ("amber+strict" in words and signed_itself)):
                return False
        return label_meets(kind, of)

    def _once(self, paper: Paper, what: str, find: Callable[[], Iterable[str]]) -> frozenset[str]:
        """Return parties of a version that are found once in a stretch in which nothing changes."""
        key = (paper.name, str(paper.number), what)
        if key not in self._named:
            self._named[key] = frozenset(find())
        return self._named[key]

    def _members(self, paper: Paper) -> frozenset[str]:
        return self._once(paper, "members", lambda: [name for name in paper.bound if self._member(paper, name)])

    def _based(self, paper: Paper, basis: str) -> frozenset[str]:
        orgs = self._state.orgs
        return self._once(paper, f"basis {basis}", lambda: [name for name in orgs if self._basis(paper, basis, name)])

    def _member(self, paper: Paper, name: str) -> bool:
        """Return whether a party is a member now (docs/agreements.md, Who is a member, and when)."""
        state = self._state
        return (
            paper.status == "in-force"
            and paper.in_term(state.at)
            and name in paper.binds(state.at)
            and state.orgs[name].status == "vetted"
            and self.admits(paper, name)
        )

    def admits(self, paper: Paper, name: str) -> bool:
        """Return whether a party stands there by name, or meets all conditions of one entry now."""
        if name not in self._state.orgs:
            return False
        org = self._state.orgs[name]
        service = Reader(party=name)
        return any(
            entry.get("name") == name
            or ("all" in entry and self._meets(service, entry["all"], org.capacities, addressed=None))
            for entry in paper.content["parties"]
        )

    def _basis(self, paper: Paper, basis: str, name: str) -> bool:
        org = self._state.orgs.get(name)
        entries = paper.content["legal_bases"][basis]
        entry = None if org is None else entries.get(org.country) or entries.get(org.kind)
        if entry is None:
            return False
        begins, ends = entry["valid"]
        at = self._state.at
        if at < midnight(begins):
            return False
        graced = any(which == basis and name in whom and at < until for which, whom, until in paper.graces)
        return ends is None or at < midnight(ends) or graced

    # --- forbids ------------------------------------------------------------------------------------------------------

    def _binds(self, clause: _Clause, reader: str, owner: str) -> bool:
        """A forbid applies when the reader or the owner is a party whom its version binds."""
        paper, at = clause.paper, self._state.at
        bound = self._once(paper, "bound", lambda: paper.binds(at)) if paper.status in HEEDED else frozenset()
        if clause.content["id"] in paper.content.get("withdrawal", {}).get("survives", []):
            bound = bound | self._once(paper, "departed", lambda: paper.departed(at))
        about = clause.content.get("of", {}).get("owner", [owner])
        return bool({reader, owner} & bound) and owner in about

    def _forbids(self, clause: _Clause, reader: Reader, kind: Kind, *, addressed: bool) -> bool:
        content, has = clause.content, self._state.orgs[reader.party].capacities
        if not label_meets(kind, content.get("of", {})):
            return False
        if not self._meets(reader, content.get("to", {}), has, addressed=addressed):
            return False
        # what `unless` spares is spared to the capacities in which one acts (docs/adr/0081)
        return "unless" not in content or not self._meets(
            reader, content["unless"], self._acts_as(reader), addressed=addressed
        )

    # --- conditions ---------------------------------------------------------------------------------------------------

    def _meets(self, reader: Reader, terms: Json, capacities: frozenset[str], *, addressed: bool | None) -> bool:
        """Return whether all conditions on a reader hold; ``addressed`` is None where no object is meant yet."""
        org = self._state.orgs[reader.party]
        person = None if reader.person is None else self._state.people[reader.reference]
        return all(
            (key == "addressed" and addressed is not False)
            or self._holds(key, wanted, org, person, capacities, reader.purpose)
            for key, wanted in terms.items()
        )

    def _holds(  # noqa: PLR0917  a reader, taken apart
        self,
        key: str,
        wanted: Any,  # noqa: ANN401  a word or words, as documents have it
        org: Org,
        person: Person | None,
        capacities: frozenset[str],
        purpose: str,
    ) -> bool:
        if key == "clearance":
            return CLEARANCES.index(self._cleared(org, person)) >= CLEARANCES.index(wanted)
        if key == "parties":
            return wanted == "all" or org.name in listed(wanted)
        has: dict[str, frozenset[str | None]] = {
            "capacity": frozenset(capacities),
            "sectors": frozenset(org.sectors),
            "communities": frozenset(org.communities),
            "kind": frozenset({org.kind}),
            "countries": frozenset({org.country}),
            "data_region": frozenset({org.region}),
            "role": frozenset(person.roles) if person else frozenset(),
            "nationality": frozenset({person.nationality}) if person else frozenset(),
            "purpose": frozenset({purpose}),
        }
        return key != "addressed" and bool(has[key] & set(listed(wanted)))

    def _cleared(self, org: Org, person: Person | None) -> str:
        """Return the clearance that counts: the lower of the party's and the person's; an expired one is none."""
        ended = org.cleared_until is not None and org.cleared_until <= self._state.at
        own = CLEARANCES[0] if ended else org.clearance
        return own if person is None else min(own, person.clearance, key=CLEARANCES.index)


def _addressed(reader: Reader, kind: Kind) -> bool:
    """Return whether the owner named the reader's party, or the person."""
    return bool({reader.party, reader.reference} & kind.recipients)


def _clauses(papers: list[Paper], form: str) -> list[_Clause]:
    return [_Clause(paper=paper, content=one) for paper in papers for one in paper.content["clauses"] if form in one]


@functools.cache
def _levels(said: tuple[tuple[str, str], ...] | tuple[str, ...], ladder: tuple[str, ...]) -> frozenset[str]:
    if not said or isinstance(said[0], str):
        return frozenset(str(one) for one in said)
    bounds = dict(said)
    low = ladder.index(bounds.get("at_least", ladder[0]))
    high = ladder.index(bounds.get("at_most", ladder[-1]))
    return frozenset(ladder[low : high + 1])


def label_meets(kind: Kind, terms: Json) -> bool:
    """Return whether all conditions on an object hold, but that on its owner."""
    for key, wanted in terms.items():
        if key in ("tlp", "pap"):
            said = tuple(wanted.items()) if isinstance(wanted, dict) else tuple(listed(wanted))
            met = (kind.tlp if key == "tlp" else kind.pap) in _levels(said, TLPS if key == "tlp" else PAPS)
        elif key == "without":
            met = not kind.categories & set(listed(wanted))
        elif key == "owner":
            met = True
        else:
            has: dict[str, frozenset[str | None]] = {
                "type": frozenset({kind.type}),
                "category": frozenset(kind.categories),
                "sectors": frozenset(kind.sectors),
                "countries": frozenset(kind.countries),
                "residency": frozenset({kind.residency}),
            }
            met = bool(has[key] & set(listed(wanted)))
        if not met:
            return False
    return True
