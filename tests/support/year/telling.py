"""Telling a hub what happens, through the services that the command line calls, and the plain state beside it.

An act is a word and its plain values, so that a script of acts can be printed, cut and told again. What the hub refuses
changes nothing; what it takes is entered into the state. An act returns the parties that it touched, or None where it
was refused.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import event, select

from support import stores
from support.council import constitute, council, motion_on, vote
from support.hub import OPERATOR, World, key_of
from support.sharing import bundle
from support.year.documents import BEGIN, CREATED, definition_of, kind_of, marks_of, stix, version_of
from support.year.evaluator import Evaluator, Reader
from support.year.state import Delegation, Grant, Org, Paper, Partnership, Person, Span, duration
from tocsin.agreements.annexes.model import Asked
from tocsin.agreements.annexes.wire import call_bytes
from tocsin.agreements.document import Said, act_bytes, parse_agreement, public_key_of, sign_bytes, sign_document
from tocsin.agreements.model import Tlp
from tocsin.errors import NotFoundError, RefusedError, TransitionError
from tocsin.exchange.access.granting import Terms
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Query, VersionChoice
from tocsin.exchange.reading import Reading
from tocsin.exchange.recall.model import Demand
from tocsin.exchange.retention.model import Scope
from tocsin.exchange.tables import CONTRIBUTIONS
from tocsin.governance.model.bodies import Seat, Side
from tocsin.governance.model.motions import MotionStatus
from tocsin.kernel.clock import DAY, parse_instant
from tocsin.kernel.mandate import Acting, Right
from tocsin.parties.model import Kind, Party, Role, User
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from pathlib import Path

    from support.year.state import Json
    from tocsin.agreements.document import AgreementDocument
    from tocsin.exchange.reading import Asker
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.mandate import Mandate

__all__ = ["Act", "Found", "Year"]

# what changes nothing that the evaluator keeps between two looks
OF_OBJECTS = frozenset(
    ("share", "take_back", "read", "sweep", "hold", "recall", "give", "revoke", "delegate", "end_delegation")
)
ANNEX = "crisis"  # the one that agreements here may have
COUNCIL = (Right.ANNEX_ACTIVATE, Right.ANNEX_REVIEW, Right.PARTY_SUSPEND)
Act = tuple[str, dict[str, Any]]
Found = set[tuple[str, "Micros", str]] | None
ALL = Query(versions=frozenset({VersionChoice.ALL}))


class _Looking(Reading):
    """Reading that leaves no release behind: to look at what everybody sees must change nothing."""

    def _stage(self, *_: object, **__: object) -> str:
        return "looked at"


class Year:
    """A hub and a plain state that are told the same."""

    def __init__(self, home: Path, *, seed: int, template: Path | None = None) -> None:
        """Found a hub in ``home``, or begin with a copy of a closed one; ``founding`` makes both alike."""
        self.world = World(home, seed=seed, start=BEGIN, template=template)
        hub = self.world.hub
        if not stores.on_postgres():
            event.listen(hub.store.adapter.engine, "connect", _in_no_hurry)
            hub.store.adapter.engine.dispose()
        self.looking = _Looking(
            store=hub.store,
            log=hub.log,
            gate=hub.gate,
            cursors=hub.reading._cursors,
            entropy=hub.entropy,
            environment=hub.environment,
        )
        self.state = Partnership(at=BEGIN)
        self.evaluator = Evaluator(self.state)
        self._owners: dict[int, str] = {}
        self._documents: dict[tuple[str, int], AgreementDocument] = {}

    def close(self) -> None:
        """Close the hub and forget its database."""
        self.world.hub.store.close()
        stores.drop(self.world.settings.home)

    # --- comparing ----------------------------------------------------------------------------------------------------

    def looked(self, reader: Reader, collection: str = "exchange") -> Found:
        """Return what the hub shows a reader of a collection: id, version and whose, of everything."""
        cursor, found = None, set()
        while True:
            try:
                answer = self.looking.manifest(self._asker(reader), collection, ALL, cursor=cursor)
            except NotFoundError:
                return None
            for item in answer.page.items:
                found.add((item.object_id, item.version, self._owner(item.contribution_id)))
            cursor = answer.next
            if cursor is None:
                return found

    def differs(self, reader: Reader) -> tuple[Found, Found] | None:
        """Return what the hub shows and what the pages say, if that is not the same."""
        shown, said = self.looked(reader), self.evaluator.visible(reader)
        if shown != said:
            return shown, said
        # what was granted is for the party alone
        if reader.client or not any(grant.party == reader.party for grant in self.state.grants.values()):
            return None
        # who was never given a grant knows of no such collection; of two owners' copies either may be the first
        found = {(one, version) for one, version, _ in self.looked(reader, "grants") or set()}
        granted = self.evaluator.granted(reader) or set()
        if found != granted:
            return {(*one, "granted") for one in found}, {(*one, "granted") for one in granted}
        return None

    def _asker(self, reader: Reader) -> Asker:
        asker = self.world.asker(reader.reference, purpose=reader.purpose)
        client = None if reader.client is None else f"https://{reader.client}.example"
        return msgspec.structs.replace(asker, capacity=reader.capacity, client=client)

    def _owner(self, contribution: int) -> str:
        if contribution not in self._owners:
            query = (
                select(CONTRIBUTIONS.c.contribution_id, PARTIES.c.name)
                .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
                .where(CONTRIBUTIONS.c.contribution_id > max(self._owners, default=0))
            )
            with self.world.hub.store.read() as connection:
                self._owners |= {row.contribution_id: row.name for row in connection.execute(query)}
        return self._owners[contribution]

    # --- acts ---------------------------------------------------------------------------------------------------------

    def do(self, act: Act) -> set[str] | None:
        """Let one act happen; returns whom it touched, or None where the hub refused it."""
        verb, says = act
        try:
            touched: set[str] = getattr(self, f"_{verb}")(**says)
        except RefusedError:
            return None
        if verb not in (
            "share",
            "take_back",
            "read",
            "sweep",
            "hold",
            "recall",
            "give",
            "revoke",
            "delegate",
            "end_delegation",
        ):
            self.state.changes += 1
        return touched

    def _wait(self, *, by: Micros) -> set[str]:
        self.world.clock.advance(by)
        self.state.at = self.world.clock.at
        self.state.changes -= 1  # time is no change: the evaluator knows what ends when
        return set()

    def _add(self, *, name: str, org: Json, people: dict[str, Json]) -> set[str]:
        made = msgspec.convert({"name": name, **org}, Org)
        with self.world.hub.parties.acting(OPERATOR, self.world.hub.mandate) as acts:
            acts.add_party(
                Party(
                    uri=made.uri,
                    name=name,
                    title=name,
                    kind=Kind(made.kind),
                    country=made.country,
                    capacities=made.capacities,
                    sectors=made.sectors,
                    communities=made.communities,
                    data_region=made.region,
                )
            )
            acts.clear_party(name, clearance=made.clearance, until=None)
            acts.add_user(User(name="sig", party=made.uri, roles=frozenset({Role.SIGNATORY})))
            acts.register_signing_key(f"sig@{name}", public_key_of(key_of(name)))
            for user, says in people.items():
                person = msgspec.convert({"name": user, "party": name, **says}, Person)
                acts.add_user(_user(person, made))
                self.state.people[person.reference] = person
        self.state.orgs[name] = made
        return {name}

    def _clear(self, *, party: str, clearance: str, until: Micros | None) -> set[str]:
        self.world.hub.parties.clear_party(OPERATOR, self.world.hub.mandate, party, clearance=clearance, until=until)
        org = self.state.orgs[party]
        org.status, org.clearance, org.cleared_until = "vetted", clearance, until
        return {party}

    def _suspend(self, *, party: str) -> set[str]:
        mandate = self._decided(Right.PARTY_SUSPEND, party)
        self.world.hub.parties.suspend_party(OPERATOR, mandate, party, "a year")
        self.state.orgs[party].status = "suspended"
        return {party}

    def _leave(self, *, party: str) -> set[str]:
        self.world.hub.parties.leave_party(OPERATOR, self.world.hub.mandate, party)
        self.state.orgs[party].status = "left"
        return {party}

    def _change(self, *, party: str, what: str, value: Any) -> set[str]:  # noqa: ANN401  a word, words, or nothing
        org = msgspec.convert(msgspec.to_builtins(self.state.orgs[party]) | {what: value}, Org)
        new = msgspec.structs.replace(
            self.world.hub.parties.get(party),
            kind=Kind(org.kind),
            country=org.country,
            capacities=org.capacities,
            sectors=org.sectors,
            communities=org.communities,
            data_region=org.region,
            clients=frozenset(f"https://{one}.example" for one in org.clients),
        )
        self.world.hub.parties.change_party(OPERATOR, self.world.hub.mandate, new)
        self.state.orgs[party] = org
        return {party}

    def _change_person(self, *, person: str, what: str, value: Any) -> set[str]:  # noqa: ANN401  as above
        new = msgspec.convert(msgspec.to_builtins(self.state.people[person]) | {what: value}, Person)
        user = _user(new, self.state.orgs[new.party])
        self.world.hub.parties.change_user(OPERATOR, self.world.hub.mandate, user)
        self.state.people[person] = new
        return {new.party}

    def _disable(self, *, person: str) -> set[str]:
        self.world.hub.parties.disable_user(OPERATOR, self.world.hub.mandate, person)
        self.state.people[person].active = False
        return {self.state.people[person].party}

    # --- objects ------------------------------------------------------------------------------------------------------

    def _share(self, *, party: str, made: Json, number: int, version: int, by: str | None = None) -> set[str]:
        content, marked = stix(made, number, version), marks_of(made)
        data, to = bundle([content], marked=marked), tuple(made.get("to", ()))
        if by is None:
            receipt = self.world.share(party, data, to=to)
        else:
            parties = self.world.hub.parties
            receipt = self.world.hub.intake.submit(
                Submission(
                    party=parties.get(party).uri,
                    acting=OPERATOR.for_(by),
                    data=data,
                    to=to,
                    delegate=parties.get(by).uri,
                )
            )
        said = json.dumps(content, sort_keys=True)
        observable = "modified" not in content
        at = 0 if observable else version_of(made, version)
        before = self.state.copies.get((party, content["id"], at))
        shared = [
            (mark.id, CREATED, definition_of(made), mark.id) for mark in marked if mark.definition is not None
        ] + [(content["id"], at, kind_of(made), said)]
        expected = [
            self.state.share(party, *one) if by is None or self.state.delegated(party, by, one[2]) else "refused"
            for one in shared
        ]
        told = [str(result.outcome) for result in receipt.results]
        assert told == expected, (told, expected, [result.reason for result in receipt.results], before)
        if observable and told[-1] == "accepted":
            copy = self.state.copies[party, content["id"], 0]
            copy.version = parse_instant(receipt.results[-1].version or "")
        return {party} | {one.rpartition("@")[2] for one in made.get("to", ())}

    def _delegate(self, *, key: str, party: str, to: str, types: list[str] | None, tlp: str, until: Micros) -> set[str]:
        delegating, parties = self.world.hub.delegating, self.world.hub.parties
        named = None if types is None else frozenset(types)
        draft, message = delegating.draft(
            parties.get(party), parties.get(to), types=named, tlp=Tlp(tlp), until=until, signatory="sig"
        )
        given = delegating.give(OPERATOR.for_(f"sig@{party}"), draft, sign_bytes(message, key_of(party)).signature)
        self.state.delegations[key] = Delegation(
            owner=party,
            delegate=to,
            types=None if types is None else tuple(types),
            tlp=tlp,
            until=until,
            uuid=given.uuid,
        )
        return set()

    def _end_delegation(self, *, key: str) -> set[str]:
        if key not in self.state.delegations:
            raise NotFoundError("it was cut out of the script")
        one = self.state.delegations[key]
        owner = self.world.hub.parties.get(one.owner)
        self.world.hub.delegating.revoke(OPERATOR.for_(one.owner), owner, None, one.uuid)
        one.revoked = True
        return set()

    def _take_back(self, *, party: str, known: str) -> set[str]:
        mine = self.state.own(party, known)
        versions = {VersionChoice.ALL}
        try:
            count = self.world.hub.withdrawals.withdraw(
                Acting(actor=party), f"https://{party}.example", "exchange", known, versions
            )
        except NotFoundError:
            assert not mine, "what is offered can be taken back"
            raise
        assert count == len(mine)
        for copy in mine:
            self.state.end(copy, "withdrawn")
        return {party}

    def _read(self, *, party: str, person: str | None, purpose: str) -> set[str]:
        reader = Reader(party=party, person=person, purpose=purpose)
        found = {item.object_id for item, _ in self.world.read(reader.reference, purpose=purpose)}
        seen = self.evaluator.last(reader)
        assert found == {object_id for object_id, _ in seen}
        for object_id, owner in seen:
            self.state.received.setdefault((owner, object_id), set()).add(party)
        return {party}

    def _give(
        self, *, key: str, party: str, known: str, to: str, until: Micros, purposes: list[str] | None
    ) -> set[str]:
        terms = Terms(object_id=known, to=to, until=until)
        if purposes is not None:
            terms = msgspec.structs.replace(terms, purposes=frozenset(purposes))
        owner = self.world.hub.parties.get(party)
        given = self.world.hub.granting.give(OPERATOR.for_(party), owner, None, terms).grant
        self.state.grants[key] = Grant(
            owner=party,
            party=to,
            id=known,
            purposes=frozenset(purposes or ("detect", "prevent", "respond", "analyse")),
            until=until,
            uuid=given.uuid,
        )
        return {party, to}

    def _revoke(self, *, key: str) -> set[str]:
        if key not in self.state.grants:
            raise NotFoundError("it was cut out of the script")
        grant = self.state.grants[key]
        owner = self.world.hub.parties.get(grant.owner)
        self.world.hub.granting.revoke(OPERATOR.for_(grant.owner), owner, None, grant.uuid)
        grant.revoked = True
        return {grant.owner, grant.party}

    def _sweep(self) -> set[str]:
        due = self.state.purge_due()
        self.world.hub.retention.sweep()
        return {copy.owner for copy in due}

    def _hold(self, *, party: str, until: Micros) -> set[str]:
        self.world.hub.holds.place(
            OPERATOR,
            self.world.hub.mandate,
            authority="a court",
            reason="a year",
            scope=Scope(owner=f"https://{party}.example"),
            until=until,
        )
        self.state.holds.append((party, until))
        return {party}

    def _recall(self, *, party: str, known: str, demand: str, due: Micros) -> set[str]:
        uri = f"https://{party}.example"
        (recall,) = self.world.hub.recalls.recall(
            Acting(actor=party), uri, known, demand=Demand(demand), due=due, reason="a year"
        )
        told = {one.party for one in self.world.hub.recalls.report(recall.uuid, uri).recipients}
        received = self.state.received.get((party, known), set()) - {party}
        assert told == {f"https://{one}.example" for one in received}, "exactly who received it is told"
        for copy in list(self.state.copies.values()):
            if copy.owner == party and copy.id == known and copy.state != "gone":
                if demand == "destroy":
                    self.state.destroy(copy)
                else:
                    self.state.end(copy, "closed")
        return {party} | received

    # --- agreements ---------------------------------------------------------------------------------------------------

    def _propose(self, *, content: Json, amends: bool) -> set[str]:
        text = json.dumps(content)
        self.world.hub.agreements.propose(OPERATOR, self.world.hub.mandate, text.encode(), where="drawn", amends=amends)
        paper = Paper(content=content, proposed_at=self.state.at, amends=amends)
        self.state.papers[paper.name, paper.number] = paper
        return set()

    def _document(self, name: str, number: int) -> AgreementDocument:
        if (name, number) not in self._documents:
            text = json.dumps(self._paper(name, number).content)
            self._documents[name, number] = parse_agreement(text.encode(), where="drawn").document
        return self._documents[name, number]

    def _paper(self, name: str, number: int) -> Paper:
        try:
            return self.state.papers[name, number]
        except KeyError:
            raise NotFoundError("it was cut out of the script") from None

    def _sign(self, *, name: str, number: int, parties: list[str]) -> set[str]:
        paper, document = self._paper(name, number), self._document(name, number)
        before = set(paper.signed)
        for party in parties:
            signatory, signature = f"sig@{party}", sign_document(document, key_of(party))
            with contextlib.suppress(RefusedError):
                self.world.hub.agreements.sign(
                    Acting(actor=signatory), name, number, signatory=signatory, signature=signature
                )
                self.state.sign(paper, party)
        if paper.signed == before:
            raise TransitionError("nobody of them may")
        return paper.signed - before

    def _activate(self, *, name: str, number: int) -> set[str]:
        paper = self._paper(name, number)
        before = self.state.in_force(name)
        self.world.hub.agreements.activate(OPERATOR, self.world.hub.mandate, name, number)
        self.state.activate(paper)
        return paper.bound | (before.bound if before else set())

    def _adopt(self, *, name: str, number: int) -> set[str]:
        paper = self._paper(name, number)
        before = self.state.in_force(name)
        with self._living() as acts:
            acts.adopt(self.world.hub.mandate, name, number)
        self.state.adopt(paper)
        return paper.bound | (before.bound if before else set())

    def _object(self, *, name: str, number: int, party: str) -> set[str]:
        paper = self._paper(name, number)
        said = act_bytes(self._document(name, number), Said.OBJECT, party=f"https://{party}.example", reason="a year")
        with self._living(party) as acts:
            made = sign_bytes(said, key_of(party))
            acts.object(name, number, signatory=f"sig@{party}", made=made, reason="a year")
        paper.objected.add(party)
        return {party}

    def _withdraw(self, *, name: str, number: int, party: str) -> set[str]:
        paper = self._paper(name, number)
        said = act_bytes(self._document(name, number), Said.WITHDRAW, party=f"https://{party}.example", reason="a year")
        with self._living(party) as acts:
            made = sign_bytes(said, key_of(party))
            until = acts.withdraw(name, number, signatory=f"sig@{party}", made=made, reason="a year")
        paper.left[party] = self.state.at + duration(paper.content["withdrawal"]["notice"])
        assert until == paper.left[party]
        return {party}

    def _change_paper(self, *, verb: str, name: str, number: int) -> set[str]:
        paper = self._paper(name, number)
        with self._living() as acts:
            getattr(acts, verb)(self.world.hub.mandate, name, number, "a year")
        began = paper.status in ("in-force", "suspended")
        paper.status = {
            "suspend": "suspended",
            "resume": "in-force",
            "terminate": "terminated" if began else "dropped",
        }[verb]
        return set(paper.bound)

    def _grace(self, *, name: str, number: int, basis: str, parties: list[str], until: Micros) -> set[str]:
        paper = self._paper(name, number)
        with self._living() as acts:
            acts.grace(
                self.world.hub.mandate, name, number, basis=basis, parties_=parties, until=until, reason="a year"
            )
        paper.graces.append((basis, frozenset(parties), until))
        return set(parties)

    def _admit(self, *, name: str, number: int, party: str) -> set[str]:
        self._paper(name, number)
        with self._living() as acts:
            acts.admit(self.world.hub.mandate, name, number, party, "a year")
        return {party}

    def _annex(self, *, verb: str, name: str, number: int) -> set[str]:
        paper = self._paper(name, number)
        decided = self.world.hub.mandate
        if verb != "end":
            right = Right.ANNEX_REVIEW if verb == "review" else Right.ANNEX_ACTIVATE
            decided = self._decided(right, f"{name}/{number}#{ANNEX}")
        with self.world.hub.agreements.emergency(OPERATOR) as acts:
            getattr(acts, verb)(decided, name, number, ANNEX, "a year")
        at = self.state.at
        match verb:
            case "activate":
                assert self.state.council or self.state.renewable(name, duty=False), "renewed without a motion"
                paper.spans.append(
                    Span(at, at + paper.lasts(by_body=bool(self.state.council)), bool(self.state.council))
                )
            case "ratify":
                assert self.state.council, "ratified without a motion"
                span = next(one for one in reversed(paper.spans) if one.begins <= at < one.ends and not one.answered)
                span.ends, span.answered = span.begins + paper.lasts(by_body=True), True
            case "review":
                for span in paper.spans:
                    span.answered = span.answered or bool(self.state.council)
            case _:
                for span in paper.spans:
                    span.ends = min(span.ends, at)
        return set(paper.bound)

    def _call(self, *, name: str, number: int, parties: list[str]) -> set[str]:
        """Let people on duty of some parties call, one after the other, until their calls open the annex."""
        paper, at = self._paper(name, number), self.state.at
        document = self.world.hub.agreements.get(name, number).document
        for party in parties:
            with self.world.hub.agreements.emergency(OPERATOR) as acts:
                acts.set_duty(self.world.hub.mandate, f"sig@{party}", starts=at, until=at + 7 * DAY)
            data = call_bytes(
                document,
                annex=ANNEX,
                asked=Asked.ACTIVATE,
                hub="https://hub.example",
                party=f"https://{party}.example",
                user="sig",
                said_at=at,
                reason="a year",
            )
            with self.world.hub.agreements.emergency(Acting(actor=f"sig@{party}")) as acts:
                made = acts.call(
                    name,
                    number,
                    ANNEX,
                    caller=f"sig@{party}",
                    asked=Asked.ACTIVATE,
                    said_at=at,
                    made=sign_bytes(data, key_of(party)),
                    reason="a year",
                )
            if made:
                assert self.state.renewable(name, duty=True), "renewed without a motion"
                paper.spans.append(Span(at, at + paper.lasts(by_body=False), duty=True))
                return set(paper.bound)
        return set()

    # --- a body -------------------------------------------------------------------------------------------------------

    def _constitute(self, *, parties: list[str]) -> set[str]:
        sides = {"public": Side.PUBLIC, "private": Side.PRIVATE}
        seats = tuple(
            Seat(name=party, side=sides.get(self.state.orgs[party].kind, Side.PRIVATE), holder=f"sig@{party}")
            for party in parties
        )
        constitute(self.world, council(COUNCIL, name="crisis-council", seats=seats))
        self.state.council = tuple(parties)
        return set()

    def _decided(self, right: Right, subject: str) -> Mandate:
        """Return the founding mandate, or that of a motion for which everybody voted who sits in the body."""
        if not self.state.council:
            return self.world.hub.mandate
        motion = motion_on(self.world, right, subject, body="crisis-council")
        for party in self.state.council:
            if motion.status is MotionStatus.OPEN:
                with contextlib.suppress(RefusedError):  # who is suspended has no vote
                    motion = vote(self.world, motion, f"sig@{party}", seat=party)
        return self.world.hub.governance.granted(motion.uuid)

    def _living(self, party: str | None = None) -> Any:  # noqa: ANN401  a context of acts
        acting = OPERATOR if party is None else Acting(actor=f"sig@{party}")
        return self.world.hub.agreements.living(acting)


def _user(person: Person, org: Org) -> User:
    return User(
        name=person.name,
        party=org.uri,
        roles=frozenset(Role(role) for role in person.roles),
        clearance=person.clearance,
        nationality=person.nationality,
    )


def _in_no_hurry(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's own
    """Let a hub that is thrown away be in no hurry to reach the disk."""
    connection.execute("PRAGMA synchronous=OFF")
