"""The plain state of a partnership: what everybody is, what was signed, what was shared.

Nothing here decides anything but what the pages say of an act that was taken: whom an activation carries, whom a
notice lets go. Who may read is in ``evaluator``.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import Any, Final

from tocsin.kernel.clock import DAY, SECOND, Micros, parse_date

__all__ = [
    "HEEDED",
    "Copy",
    "Delegation",
    "Grant",
    "Json",
    "Kind",
    "Org",
    "Paper",
    "Partnership",
    "Person",
    "Span",
    "duration",
    "listed",
    "midnight",
]

Json = dict[str, Any]
_PERIOD: Final = re.compile(r"P(?:(\d+)D)?(?:T(\d+)H)?")
# of these a version's forbids bind (docs/agreements.md, The life of a version)
HEEDED: Final = ("in-force", "suspended", "terminated")


def duration(text: str) -> Micros:
    """Read a period of days and hours."""
    days, hours = _PERIOD.fullmatch(text).groups(default="0")  # type: ignore[union-attr]  # of our own documents
    return int(days) * DAY + int(hours) * 3_600 * SECOND


@functools.cache
def midnight(day: str) -> Micros:
    """Return the midnight at which a day begins."""
    return parse_date(day)


def listed(value: Any) -> list[str]:  # noqa: ANN401  a word or a list, as documents have it
    """Return a list of words, of which one may stand alone."""
    return [value] if isinstance(value, str) else list(value)


@dataclass(kw_only=True)
class Org:
    """A party."""

    name: str
    kind: str
    country: str
    capacities: frozenset[str]
    sectors: frozenset[str]
    communities: frozenset[str] = frozenset()
    clients: frozenset[str] = frozenset()
    region: str | None = None
    clearance: str = "unclassified"
    cleared_until: Micros | None = None
    status: str = "vetted"

    @property
    def uri(self) -> str:
        return f"https://{self.name}.example"


@dataclass(kw_only=True)
class Person:
    """A user, written ``anna@p01``."""

    name: str
    party: str
    roles: frozenset[str]
    nationality: str | None
    clearance: str
    active: bool = True

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.party}"


@dataclass
class Span:
    """A time that an annex was active.

    ``answered`` by a motion that activated it, ratified it or closed its review; ``duty``: opened by people on duty.
    """

    begins: Micros
    ends: Micros
    answered: bool = False
    duty: bool = False


@dataclass(kw_only=True)
class Paper:
    """A version of an agreement."""

    content: Json
    proposed_at: Micros
    amends: bool = False
    status: str = "proposed"
    signed: set[str] = field(default_factory=set)
    objected: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)  # whom it bound at any time since it began
    left: dict[str, Micros] = field(default_factory=dict)  # from when on it binds them no more
    graces: list[tuple[str, frozenset[str], Micros]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)  # of its annex

    @property
    def name(self) -> str:
        return str(self.content["agreement"])

    @property
    def number(self) -> int:
        return int(self.content["version"])

    @property
    def named(self) -> set[str]:
        return {entry["name"] for entry in self.content["parties"] if "name" in entry}

    def lasts(self, *, by_body: bool) -> Micros:
        """Return how long its annex lasts: as a motion decides, or without a body, until that must be ratified."""
        clause = next(one for one in self.content["clauses"] if "emergency" in one)
        duty = clause["activated_by"]["or"]
        whole = duration(clause["lasts"])
        return whole if by_body else min(whole, duration(duty["lasts"]), duration(duty["ratify_within"]))

    def in_term(self, at: Micros) -> bool:
        begins, ends = self.content["in_force"]["from"], self.content["in_force"]["until"]
        return midnight(begins) <= at and (ends is None or at < midnight(ends))

    def binds(self, at: Micros) -> set[str]:
        """Return whom it binds as one of those that it is in force for."""
        return {name for name in self.bound if name not in self.left or at < self.left[name]}

    def departed(self, at: Micros) -> set[str]:
        """Return whom it bound once, and now only by what survives."""
        return self.bound - self.binds(at)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What clauses can ask of an object, but whose it is."""

    type: str
    tlp: str
    pap: str | None = None
    categories: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    residency: str | None = None
    recipients: frozenset[str] = frozenset()  # names of parties, references of people
    unknown: bool = False


@dataclass(kw_only=True, eq=False)
class Copy:
    """One party's version of an object: a contribution."""

    owner: str
    id: str
    version: Micros
    kind: Kind
    said: str  # tells one content from another
    shared_at: Micros
    place: int = 0
    state: str = "offered"  # withdrawn: may be offered again; closed: not, while the hub has its content; gone
    due: bool = False  # to be destroyed as soon as no hold keeps it


@dataclass(kw_only=True)
class Grant:
    """What an owner let one party read besides."""

    owner: str
    party: str
    id: str
    purposes: frozenset[str]
    until: Micros
    uuid: str
    revoked: bool = False

    def stands(self, at: Micros) -> bool:
        return at < self.until and not self.revoked


@dataclass(kw_only=True)
class Delegation:
    """What a party lets another share for it."""

    owner: str
    delegate: str
    types: tuple[str, ...] | None  # None: all
    tlp: str  # no stricter
    until: Micros
    uuid: str
    revoked: bool = False

    def covers(self, kind: Kind, at: Micros) -> bool:
        return (
            not self.revoked
            and at < self.until
            and (self.types is None or kind.type in self.types)
            and kind.tlp in ("clear", "green", "amber")
            and ("clear", "green", "amber").index(kind.tlp) <= ("clear", "green", "amber").index(self.tlp)
        )


@dataclass(kw_only=True)
class Partnership:
    """Everybody, everything, now."""

    at: Micros
    orgs: dict[str, Org] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    papers: dict[tuple[str, int], Paper] = field(default_factory=dict)
    copies: dict[tuple[str, str, Micros], Copy] = field(default_factory=dict)
    offered: dict[tuple[str, Kind], list[Copy]] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    delegations: dict[str, Delegation] = field(default_factory=dict)
    received: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # owner and object: who has it
    places: int = 0  # that were given in the order of offers
    changes: int = 0  # of anything but objects
    holds: list[tuple[str, Micros]] = field(default_factory=list)  # whose contributions are kept until when
    council: tuple[str, ...] = ()  # the parties whose signatories sit in the crisis council

    # --- objects ------------------------------------------------------------------------------------------------------

    def share(self, owner: str, object_id: str, version: Micros, kind: Kind, said: str) -> str:
        """Take a version, and say what its submitter is told of it.

        The version of an observable is 0 here: it has one of each party, which is called by when it was shared.
        """
        known = self.copies.get((owner, object_id, version))
        if known is not None and known.state == "gone" and not version:
            known = None  # nothing is left by which to know an observable again: a later version
        if known is not None and (known.said != said or known.state in ("gone", "closed")):
            return "refused"
        if known is not None:
            # what was shared before is told apart by its content: its label stays what it was
            if known.state == "offered":
                return "repeated"
            self._offer(known)
            return "accepted"
        if kind.tlp == "red" and not any("@" in one for one in kind.recipients):
            return "refused"  # RED that names no individual (docs/markings.md)
        copy = Copy(
            owner=owner,
            id=object_id,
            version=version,
            kind=kind,
            said=said,
            shared_at=self.at,
        )
        self.copies[owner, object_id, version] = copy
        self._offer(copy)
        return "accepted"

    def _offer(self, copy: Copy) -> None:
        self.places += 1
        copy.state, copy.place = "offered", self.places
        self.offered.setdefault((copy.owner, copy.kind), []).append(copy)

    def end(self, copy: Copy, state: str) -> None:
        """Take a version out of every collection."""
        if copy.state == "offered":
            self.offered[copy.owner, copy.kind].remove(copy)
        copy.state = state

    def destroy(self, copy: Copy) -> None:
        """Destroy a version's content: now, or with the first sweep after the last hold on it (docs/retention.md)."""
        held = any(party == copy.owner and self.at < until for party, until in self.holds)
        self.end(copy, "closed" if held else "gone")
        copy.due = True

    def delegated(self, owner: str, delegate: str, kind: Kind) -> bool:
        """Return whether one of the delegations between two parties that stand covers an object."""
        return any(
            one.covers(kind, self.at)
            for one in self.delegations.values()
            if (one.owner, one.delegate) == (owner, delegate)
        )

    def purge_due(self) -> list[Copy]:
        """Take away whose time is over, and return it: the first clause that is due does it (docs/retention.md)."""
        rules = [paper for paper in self.papers.values() if any("retain" in one for one in paper.content["clauses"])]
        due = [
            copy
            for copy in self.copies.values()
            if copy.state != "gone" and (copy.due or any(self._over(copy, paper) for paper in rules))
        ]
        for copy in due:
            self.destroy(copy)
        return due

    def _over(self, copy: Copy, paper: Paper) -> bool:
        """Return whether a version's clauses bind a contribution whose time by them is over."""
        later = self.in_force(paper.name)
        if later is not None and later.number > paper.number and copy.owner in later.bound:
            return False  # a later version in force takes the place of the one before
        until = paper.content["in_force"]["until"]
        # what is shared after the term, or after the party left, it does not bind
        ends = [paper.left.get(copy.owner, self.at)] + ([] if until is None else [midnight(until)])
        return copy.owner in paper.bound and any(
            copy.kind.type in listed(clause["of"]["type"])
            and copy.shared_at + duration(clause["retain"]["for"]) <= self.at
            and all(copy.shared_at < end for end in ends)
            for clause in paper.content["clauses"]
            if "retain" in clause and clause["retain"]["then"] == "purge"
        )

    def own(self, owner: str, object_id: str) -> list[Copy]:
        """Return what a party offers under an id."""
        return [
            copy for (who, _), group in self.offered.items() if who == owner for copy in group if copy.id == object_id
        ]

    def renewable(self, name: str, *, duty: bool) -> bool:
        """Return whether an annex may be opened without a motion, as docs/crisis.md has it.

        Not where what people on duty opened of the agreement has no answer; nor by the founding mandate where what it
        opened itself has none. A review that was closed under the founding mandate is none.
        """
        spans = [span for (who, _), one in self.papers.items() if who == name for span in one.spans]
        return all(span.answered or (duty and not span.duty) for span in spans)

    # --- the life of a version ----------------------------------------------------------------------------------------

    def in_force(self, name: str) -> Paper | None:
        """Return the version that is heeded: in force, suspended or terminated."""
        return next((one for (who, _), one in self.papers.items() if who == name and one.status in HEEDED), None)

    def sign(self, paper: Paper, party: str) -> None:
        """Enter a signature; the last of those named, and two in all, make it signed."""
        paper.signed.add(party)
        paper.objected.discard(party)
        if paper.status == "proposed" and paper.named <= paper.signed and len(paper.signed) >= 2:
            paper.status = "signed"
        elif paper.status in HEEDED:
            paper.bound.add(party)
            self._joined(paper, {party})

    def activate(self, paper: Paper) -> None:
        """Bring it into force: it binds who signed it."""
        self._succeed(paper, set(paper.signed), {})

    def adopt(self, paper: Paper) -> None:
        """Bring an amendment into force: it carries whom the version before it binds, but who objected."""
        before = self.in_force(paper.name)
        carried = before.binds(self.at) - paper.objected if before else set()
        # a notice runs on for whom the new version carries; who signed it has joined it
        kept = carried - paper.signed
        notices = {name: until for name, until in before.left.items() if name in kept} if before else {}
        self._succeed(paper, carried | paper.signed, notices)

    def _succeed(self, paper: Paper, bound: set[str], notices: dict[str, Micros]) -> None:
        before = self.in_force(paper.name)
        for (name, number), lower in self.papers.items():
            if name == paper.name and number < paper.number and lower.status != "dropped":
                lower.status = "superseded"
        if before is not None:
            # who is not bound by the new version has left the old one, if not before
            for name in before.bound - bound:
                before.left[name] = min(self.at, before.left.get(name, self.at))
        paper.status, paper.bound = "in-force", bound
        paper.left = {name: until for name, until in notices.items() if name in bound}
        self._joined(paper, bound)

    def _joined(self, paper: Paper, parties: set[str]) -> None:
        """End what survived of lower versions for who is bound by a version of the agreement again."""
        for (name, number), lower in self.papers.items():
            if name == paper.name and number < paper.number:
                lower.bound -= parties
