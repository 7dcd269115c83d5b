"""Drawing what happens in a year: act after act, each from what is there, so that most of them can happen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from support.year import documents as drawn
from support.year.evaluator import CLEARANCES, Evaluator, Reader
from support.year.state import HEEDED
from tocsin.kernel.clock import DAY, SECOND, Micros, parse_date

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from support.year.state import Copy, Org, Paper, Partnership
    from support.year.telling import Act

__all__ = ["Writer", "reader_of"]

YEAR: Final[Micros] = 365 * DAY
SEASON: Final[Micros] = 90 * DAY
PURPOSES: Final = ("detect", "respond", "prevent", "analyse", "enforce")
PEOPLE: Final = ("anna", "lisa")
WAITING: Final = 0.14  # of the acts


def reader_of(rng: Random, state: Partnership, party: str) -> Reader:
    """Return one of a party's readers, for a purpose, now and then in one of its capacities."""
    capacities = sorted(state.orgs[party].capacities)
    clients = sorted(state.orgs[party].clients - {party})
    return Reader(
        client=rng.choice(clients) if clients and rng.random() < 0.3 else None,
        party=party,
        person=rng.choice((None, None, None, *PEOPLE)),
        purpose=rng.choices(PURPOSES, [45, 35, 5, 5, 10])[0],
        capacity=rng.choice(capacities) if len(capacities) > 1 and rng.random() < 0.5 else None,
    )


class Writer:
    """Draws a year of so many acts; ``most`` objects are on offer at a time, marked in some ways: labels are few."""

    def __init__(self, rng: Random, state: Partnership, *, acts: int, most: int, markings: int) -> None:
        self._rng = rng
        self._state = state
        self._evaluator = Evaluator(state)
        self._pace = round(YEAR / (acts * WAITING))
        self._most = most
        self._markings = [drawn.spec(rng) for _ in range(markings)]
        self._number = 0
        self._shared: list[tuple[str, dict[str, object], int, int]] = []
        self._versions: dict[str, int] = {}

    # --- the beginning ------------------------------------------------------------------------------------------------

    def founding(self) -> Iterator[Act]:
        """Yield what happens before the year begins: sixty parties, and agreements that most of them signed."""
        rng = self._rng
        for number, name in enumerate(drawn.PARTIES):
            people = {user: drawn.person(rng) for user in PEOPLE}
            org = drawn.organisation(rng, number) | {"clients": []}
            yield "add", {"name": name, "org": org, "people": people}
        for name in rng.sample(drawn.PARTIES, 12):
            yield "change", {"party": name, "what": "clients", "value": sorted(rng.sample(drawn.PARTIES, 3))}
        for name in drawn.AGREEMENTS[:4]:
            yield self._propose(name, amends=False)
            number = self._versions[name]
            paper = self._state.papers[name, number]
            parties = [one for one in sorted(self._candidates(paper)) if one in paper.named or rng.random() < 0.8]
            yield "sign", {"name": name, "number": number, "parties": parties}
            yield "activate", {"name": name, "number": number}

    # --- the year -----------------------------------------------------------------------------------------------------

    def act(self) -> Act:
        """Return what happens next."""
        while True:
            kind = self._rng.choices(list(_ODDS), list(_ODDS.values()))[0]
            act: Act | None = getattr(self, f"_{kind}")()
            if act is not None:
                return act

    def _wait(self) -> Act:
        rng = self._rng
        by = round(rng.expovariate(1) * self._pace)
        ahead = sorted(
            one for one in self._evaluator.instants() if self._state.at < one < self._state.at + 3 * self._pace
        )
        if ahead and rng.random() < 0.5:
            # to the very instant at which something ends, or to the last before it
            by = ahead[0] - self._state.at - rng.choice((0, 1))
        return "wait", {"by": max(by, SECOND if by > 1 else 0)}

    def _share(self) -> Act | None:
        rng = self._rng
        if len(self._on_offer()) >= self._most:
            return self._take_back()
        if self._shared and rng.random() < 0.25:
            return self._share_again()
        self._number += 1
        return self._shared_now(rng.choice(drawn.PARTIES), rng.choice(self._markings), self._number, 0)

    def _share_again(self) -> Act | None:
        """Share what is known: the same, a later version, or another party's."""
        rng = self._rng
        party, made, number, version = rng.choice(self._shared[-300:])
        way = rng.choice(("repeat", "version", "other", "other"))
        if way == "other":
            party = rng.choice(drawn.PARTIES)
        if way == "version" or (way == "other" and rng.random() < 0.3):
            if made["type"] == "ipv4-addr":
                return None  # an observable has no versions
            version += rng.randint(1, 3)
            others = [one for one in self._markings if one["type"] == made["type"]]
            made = rng.choice(others)
        return self._shared_now(party, made, number, version)

    def _shared_now(self, party: str, made: dict[str, object], number: int, version: int) -> Act:
        self._shared.append((party, made, number, version))
        return "share", {"party": party, "made": made, "number": number, "version": version}

    def _share_for(self) -> Act | None:
        """Share for another: mostly what one was let, now and then what one was not."""
        rng = self._rng
        if not self._state.delegations or len(self._on_offer()) >= self._most:
            return None
        one = rng.choice(list(self._state.delegations.values()))
        self._number += 1
        by = one.delegate if rng.random() < 0.9 else rng.choice(drawn.PARTIES)
        verb, says = self._shared_now(one.owner, rng.choice(self._markings), self._number, 0)
        return verb, says | {"by": by}

    def _delegate(self) -> Act:
        rng = self._rng
        party, to = rng.sample(drawn.PARTIES, 2)
        types = rng.choice((None, sorted(rng.sample(drawn.TYPES, 3))))
        until = self._state.at + rng.randint(1, 100) * DAY
        says = {"types": types, "tlp": rng.choice(("clear", "green", "amber", "amber")), "until": until}
        return "delegate", {"key": f"d{len(self._state.delegations)}", "party": party, "to": to, **says}

    def _end_delegation(self) -> Act | None:
        standing = [key for key, one in self._state.delegations.items() if not one.revoked]
        return ("end_delegation", {"key": self._rng.choice(standing)}) if standing else None

    def _take_back(self) -> Act | None:
        copy = self._offered()
        return None if copy is None else ("take_back", {"party": copy.owner, "known": copy.id})

    def _read(self) -> Act:
        reader = reader_of(self._rng, self._state, self._rng.choice(drawn.PARTIES))
        return "read", {"party": reader.party, "person": reader.person, "purpose": reader.purpose}

    # --- parties ------------------------------------------------------------------------------------------------------

    def _org(self, status: str = "vetted") -> Org | None:
        found = [org for org in self._state.orgs.values() if org.status == status]
        return self._rng.choice(found) if found else None

    def _clear(self) -> Act | None:
        rng = self._rng
        org = self._org("suspended" if rng.random() < 0.5 else "vetted")
        if org is None:
            return None
        midnight = self._state.at - self._state.at % DAY + rng.randint(1, 60) * DAY
        until = rng.choice((None, midnight, midnight))
        return "clear", {"party": org.name, "clearance": rng.choice(CLEARANCES[:4]), "until": until}

    def _suspend(self) -> Act | None:
        org = self._org()
        return None if org is None else ("suspend", {"party": org.name})

    def _leave(self) -> Act | None:
        gone = sum(org.status == "left" for org in self._state.orgs.values())
        org = self._org()
        return None if org is None or gone >= 6 else ("leave", {"party": org.name})

    def _change(self) -> Act | None:
        org, what = (
            self._org(),
            self._rng.choice(("sectors", "communities", "region", "capacities", "country", "kind", "clients")),
        )
        if org is None:
            return None
        value = drawn.organisation(self._rng, self._rng.randrange(60))[what]
        return "change", {"party": org.name, "what": what, "value": value}

    def _change_person(self) -> Act:
        person, what = (
            self._rng.choice(sorted(self._state.people)),
            self._rng.choice(("roles", "nationality", "clearance")),
        )
        return "change_person", {"person": person, "what": what, "value": drawn.person(self._rng)[what]}

    def _disable(self) -> Act | None:
        active = sorted(name for name, person in self._state.people.items() if person.active)
        return ("disable", {"person": self._rng.choice(active)}) if len(active) > 100 else None

    # --- agreements ---------------------------------------------------------------------------------------------------

    def _papers(self, *statuses: str) -> list[Paper]:
        return [paper for paper in self._state.papers.values() if paper.status in statuses]

    def _paper(self, *statuses: str) -> Paper | None:
        found = self._papers(*statuses)
        return self._rng.choice(found) if found else None

    def _candidates(self, paper: Paper) -> set[str]:
        return {
            name
            for name, org in self._state.orgs.items()
            if org.status == "vetted" and name not in paper.signed and self._evaluator.admits(paper, name)
        }

    def _propose(self, name: str, *, amends: bool) -> Act:
        number = self._versions[name] = self._versions.get(name, 0) + 1
        content = drawn.agreement(self._rng, name, number, self._state.at)
        return "propose", {"content": content, "amends": amends}

    def _propose_one(self) -> Act | None:
        if len(self._papers("proposed", "signed")) >= 6:
            return None
        at = self._state.at
        name = self._rng.choice(drawn.AGREEMENTS)
        current = self._state.in_force(name)
        last = max((one.proposed_at for one in self._state.papers.values() if one.name == name), default=None)
        if last is not None and at < last + SEASON:
            return None  # nobody negotiates faster; a long year would be one of hundreds of versions
        if current is not None and current.in_term(at) and self._rng.random() < 0.5:
            return None  # who has none yet, or one whose term is over, writes one sooner
        amends = current is not None and "amend_by" in current.content and self._rng.random() < 0.6
        return self._propose(name, amends=amends)

    def _sign(self) -> Act | None:
        rng, at = self._rng, self._state.at
        found = [one for one in self._papers("proposed", "signed", *HEEDED) if one.in_term(at) or rng.random() < 0.1]
        drafts = [one for one in found if one.status in ("proposed", "signed")]
        if not found:
            return None
        paper = rng.choice(drafts if drafts and rng.random() < 0.75 else found)
        candidates = self._candidates(paper)
        wanted = sorted(candidates & paper.named) or sorted(candidates)
        if rng.random() < 0.05:
            wanted = list(drawn.PARTIES)  # who may not, now and then
        some = rng.sample(wanted, min(len(wanted), rng.randint(1, 5)))
        return ("sign", _of(paper, parties=sorted(some))) if wanted else None

    def _activate(self) -> Act | None:
        paper = self._paper("signed") if self._rng.random() < 0.8 else self._paper("signed", "proposed")
        # most are waited for: an agreement of two parties is none of a partnership
        if paper is None or (len(paper.signed) < 10 and self._rng.random() < 0.9):
            return None
        return "activate", _of(paper)

    def _adopt(self) -> Act | None:
        found = [paper for paper in self._papers("proposed", "signed") if paper.amends and len(paper.signed) > 3]
        return ("adopt", _of(self._rng.choice(found))) if found else None

    def _object(self) -> Act | None:
        found = [paper for paper in self._papers("proposed", "signed") if paper.amends]
        if not found:
            return None
        paper = self._rng.choice(found)
        current = self._state.in_force(paper.name)
        bound = sorted(current.binds(self._state.at) - paper.signed) if current else []
        return ("object", _of(paper, party=self._rng.choice(bound))) if bound else None

    def _withdraw(self) -> Act | None:
        paper = self._paper("in-force", "suspended")
        if paper is None or "withdrawal" not in paper.content or not paper.bound:
            return None
        return "withdraw", _of(paper, party=self._rng.choice(sorted(paper.bound)))

    def _change_paper(self) -> Act | None:
        verb = self._rng.choices(["suspend", "resume", "terminate"], [3, 6, 1])[0]
        paper = self._paper(*{"suspend": ("in-force",), "resume": ("suspended",)}.get(verb, ("suspended", "proposed")))
        return None if paper is None else ("change_paper", {"verb": verb, **_of(paper)})

    def _grace(self) -> Act | None:
        rng, paper = self._rng, self._paper("in-force")
        if paper is None or not paper.binds(self._state.at):
            return None
        bound = sorted(paper.binds(self._state.at))
        basis = rng.choice(sorted(paper.content["legal_bases"]))
        ends = [entry["valid"][1] for entry in paper.content["legal_bases"][basis].values() if entry["valid"][1]]
        if not ends:
            return None
        until = parse_date(rng.choice(ends)) + rng.randint(1, 50) * DAY
        parties = sorted(rng.sample(bound, min(len(bound), rng.randint(1, 4))))
        return "grace", _of(paper, basis=basis, parties=parties, until=until)

    def _admit(self) -> Act | None:
        found = [one for one in self._papers("in-force") if one.content.get("accession", {}).get("by") == "motion"]
        if not found:
            return None
        paper = self._rng.choice(found)
        candidates = sorted(self._candidates(paper))
        return ("admit", _of(paper, party=self._rng.choice(candidates))) if candidates else None

    def _annex(self) -> Act | None:
        found = [
            one for one in self._papers("in-force") if any("emergency" in clause for clause in one.content["clauses"])
        ]
        verb = self._rng.choice(("activate", "activate", "ratify", "end", "review"))
        if verb in ("ratify", "end"):
            found = [one for one in found if any(self._state.at < span.ends for span in one.spans)]
        return ("annex", {"verb": verb, **_of(self._rng.choice(found))}) if found else None

    def _call(self) -> Act | None:
        found = [
            one for one in self._papers("in-force") if any("emergency" in clause for clause in one.content["clauses"])
        ]
        if not found:
            return None
        paper = self._rng.choice(found)
        sides: dict[bool, list[str]] = {True: [], False: []}
        for name in sorted(paper.binds(self._state.at)):
            org = self._state.orgs[name]
            if org.status == "vetted":
                sides[org.kind == "public"].append(name)
        if not all(sides.values()):
            return None
        return "call", _of(paper, parties=[self._rng.choice(sides[True]), self._rng.choice(sides[False])])

    def _constitute(self) -> Act | None:
        if self._state.council:
            return None
        vetted = sorted(name for name, org in self._state.orgs.items() if org.status == "vetted")
        return "constitute", {"parties": self._rng.sample(vetted, 3)}

    # --- what owners do with what they shared -------------------------------------------------------------------------

    def _on_offer(self) -> list[Copy]:
        """Return what is on offer, but markings: whoever shared under one goes on offering it."""
        offered = self._state.offered.items()
        return [copy for (_, kind), group in offered if kind.type != "marking-definition" for copy in group]

    def _offered(self) -> Copy | None:
        found = self._on_offer()
        return self._rng.choice(found) if found else None

    def _give(self) -> Act | None:
        rng, copy = self._rng, self._offered()
        if copy is None:
            return None
        purposes = rng.choice((None, None, ["respond"], ["detect", "enforce"]))
        until = self._state.at + rng.randint(1, 40) * DAY
        says = {"party": copy.owner, "known": copy.id, "to": rng.choice(drawn.PARTIES), "until": until}
        return "give", {"key": f"g{len(self._state.grants)}", "purposes": purposes, **says}

    def _revoke(self) -> Act | None:
        standing = [key for key, grant in self._state.grants.items() if grant.stands(self._state.at)]
        return ("revoke", {"key": self._rng.choice(standing)}) if standing else None

    def _sweep(self) -> Act:
        return "sweep", {}

    def _hold(self) -> Act:
        until = self._state.at + self._rng.randint(1, 100) * DAY
        return "hold", {"party": self._rng.choice(drawn.PARTIES), "until": until}

    def _recall(self) -> Act | None:
        copy = self._offered()
        if copy is None:
            return None
        demand = self._rng.choice(("destroy", "stop-using"))
        return "recall", {"party": copy.owner, "known": copy.id, "demand": demand, "due": self._state.at + 9 * DAY}


def _of(paper: Paper, **more: object) -> dict[str, object]:
    return {"name": paper.name, "number": paper.number, **more}


_ODDS: Final = {
    "share": 0.33,
    "share_for": 0.02,
    "delegate": 0.006,
    "end_delegation": 0.002,
    "take_back": 0.04,
    "read": 0.12,
    "wait": WAITING,
    "clear": 0.03,
    "suspend": 0.01,
    "leave": 0.0003,
    "change": 0.02,
    "change_person": 0.015,
    "disable": 0.001,
    "propose_one": 0.02,
    "sign": 0.1,
    "activate": 0.03,
    "adopt": 0.02,
    "object": 0.008,
    "withdraw": 0.006,
    "change_paper": 0.012,
    "grace": 0.008,
    "admit": 0.006,
    "annex": 0.008,
    "call": 0.008,
    "constitute": 0.002,
    "give": 0.015,
    "revoke": 0.005,
    "sweep": 0.02,
    "hold": 0.002,
    "recall": 0.008,
}
