"""Recalls: ordered, told to exactly those who received what is called back, and attested by each of them.

``order_recall`` works on the caller's connection: the end of an annex, a lapse, a withdrawal or a veto order theirs in
the transaction in which they happen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.hub_rules import NOTICE
from tocsin.agreements.model import Label, Tlp, user_address
from tocsin.errors import ForbiddenError, InputError, NotFoundError, StoreBrokenError
from tocsin.exchange import store as exchange_store
from tocsin.exchange.closing import close_offers
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Audience
from tocsin.exchange.recall import store, wire
from tocsin.exchange.recall.before import Before, recipients_of
from tocsin.exchange.recall.model import (
    MAX_OBJECTS,
    RECALLS,
    Answer,
    Authority,
    Demand,
    Named,
    Notice,
    Order,
    OurCopy,
    Recall,
    Recipient,
    check_attestation,
    check_order,
    reaches,
    state_of,
)
from tocsin.exchange.retention import store as retention
from tocsin.exchange.retention.model import HUB_HOLDS, Ground
from tocsin.exchange.stix import ParsedObject, parse_object
from tocsin.kernel.clock import Micros, format_instant
from tocsin.kernel.db.spans import EVERYTHING, Stretch, stretch
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import ANY_SUBJECT, Acting, Mandate, Right
from tocsin.log.service import Record
from tocsin.parties import store as parties
from tocsin.parties.model import SPEAKERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from tocsin.exchange.again import OfferingAgain
    from tocsin.exchange.intake import Intake
    from tocsin.exchange.model import Collection
    from tocsin.exchange.recall.store import NoticeRow, RecallRow
    from tocsin.exchange.releases import Integrator
    from tocsin.exchange.retention.purge import Purger
    from tocsin.kernel.db import Store
    from tocsin.kernel.db.spans import Span
    from tocsin.kernel.ids import Entropy
    from tocsin.log.service import Log
    from tocsin.parties.model import Party, User

__all__ = ["Decided", "Recalls", "Report"]

# One text for what is not there and for what is another's.
_NOTHING: Final = "there is no such recall, or none of yours"


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What decided a recall that is not its owner's: a mandate, and in words what that is about.

    Where ``basis`` is an object's id, it is that object which is called back.
    """

    mandate: Mandate
    basis: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Where a recall stands: its objects, its recipients, and what became of the hub's own copies.

    ``ours`` counts them: ``purged``, ``held`` (``HUB_HOLDS``) or ``stored``.
    """

    recall: Recall
    objects: tuple[Named, ...]
    recipients: tuple[Recipient, ...]
    ours: dict[str, int]


class Recalls:
    """The recalls of one environment."""

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        offering: OfferingAgain,
        intake: Intake,
        integrator: Integrator,
        purger: Purger,
        entropy: Entropy,
        environment: int,
    ) -> None:
        self._store = store
        self._log = log
        self._offering = offering
        self._intake = intake
        self._integrator = integrator
        self._purger = purger
        self._entropy = entropy
        self._environment = environment

    def open(self, connection: Connection, acting: Acting) -> Collection:
        """Return the collection in which notices are given; a hub that has none yet opens it.

        Every party knows of it, and from the beginning: opened with the first notice, it would tell that there is one.
        """
        return self._offering.collection(
            connection,
            acting,
            RECALLS,
            alias=RECALLS,
            title="Recalls",
            description="What is called back, told to each of its recipients alone",
            audience=Audience.ALL,
        )

    # --- ordering ----------------------------------------------------------------------------------------------------

    def recall(
        self,
        acting: Acting,
        owner: str,
        object_id: str,
        *,
        demand: Demand,
        due: Micros,
        reason: str,
        versions: Iterable[Micros] | None = None,
        recipients: frozenset[str] | None = None,
        decided: Decided | None = None,
    ) -> list[Recall]:
        """Call back an object of the owner's (by URI), some versions or all: from everybody, and from the hub.

        Args:
            acting: who orders it.
            owner: whose object it is.
            object_id: of the object.
            demand: what its recipients are to do.
            due: by when.
            reason: why; they read it.
            versions: only these; None: all, as where a mandate decided it, which is about the whole object.
            recipients: only from these parties (URIs), of those who received it: it stays on offer for the others.
            decided: by which mandate, where it is not its owner who orders it.

        Raises:
            ForbiddenError: the mandate is not for this.
            NotFoundError: the owner contributed no such object or version, or one of ``recipients`` received none.
            InputError, LimitError: the order cannot be followed.
            ConflictError: all that is ordered was ordered before, of everybody who has it.
        """
        if decided is not None and versions is not None:
            raise InputError("what was decided is about all versions of the object", where="versions")
        if decided is not None and not reaches(decided.basis, {object_id}):
            raise ForbiddenError(
                "what was decided is about another object", where=object_id[:256], todo=f"recall {decided.basis}"
            )
        with self._store.write() as connection:
            row = parties.party_by_uri(connection, self._environment, owner)
            found = exchange_store.own_contributions(
                connection, self._store.adapter, self._environment, row.party_id if row else 0, [object_id]
            ).get(object_id, {})
            chosen = set(found) if versions is None else set(versions) & set(found)
            if not chosen:
                whose = "yours" if decided is None else "that party's"
                raise NotFoundError(f"there is no such object of {whose}", where=object_id[:256])
            ids = tuple(sorted(found[version].contribution_id for version in chosen))
            if recipients is not None:
                self._require_received(connection, ids, recipients)
            whole = OurCopy.PURGE if demand is Demand.DESTROY else OurCopy.WITHDRAW
            order = Order(
                contributions=ids,
                demand=demand,
                due=due,
                reason=reason,
                authority=Authority.OWNER if decided is None else Authority.MANDATE,
                basis=None if decided is None else decided.basis,
                ours=whole if recipients is None else OurCopy.KEEP,
                recipients=recipients,
            )
            made = self.order_recall(connection, acting, order, None if decided is None else decided.mandate)
            if not made:
                raise Before.of(connection, self._store.adapter, self._environment, order).conflict()
            return made

    def _require_received(self, connection: Connection, ids: tuple[int, ...], recipients: frozenset[str]) -> None:
        had = {left.party for left in store.received(connection, self._store.adapter, ids)}
        names = {row.party.uri: row.party.name for row in parties.party_rows(connection, self._environment)}
        strangers = sorted(names.get(uri, uri) for uri in recipients - had)
        if strangers or not recipients:
            raise NotFoundError(
                f"{', '.join(strangers) or 'nobody'} received none of it",
                where="recipients",
                todo="name parties that received it; `tocsin who` says who did",
            )

    def order_recall(
        self, connection: Connection, acting: Acting, order: Order, mandate: Mandate | None = None
    ) -> list[Recall]:
        """Call contributions back, in the caller's transaction; returns one recall for each owner with anything new.

        Who was told before what is asked now, and received it before that, is not told again.

        Who received any of them is told what it received: through the collection ``recalls``, by every way on which
        collections are read. What was released and not yet entered is entered first. An order of ``Authority.MANDATE``
        takes the right ``exchange:recall:order``. Who may order for an owner or by an agreement, the caller knows.

        Raises:
            ForbiddenError: the mandate is missing, is of another environment, or stands where none belongs.
            NotFoundError: there is no such contribution.
            InputError, LimitError: the order cannot be followed.
        """
        if (order.authority is Authority.MANDATE) is (mandate is None):
            raise ForbiddenError("a recall that a body decided takes its mandate, and no other does")
        if mandate is not None:
            mandate.require(self._log.environment_name, Right.RECALL_ORDER, order.basis or ANY_SUBJECT)
        self._integrator.enter(connection)
        # hub time goes on while that is entered: what the log is held to later is the time of the order
        at = self._log.now(connection)
        check_order(order, at)
        found = store.owned(connection, self._store.adapter, order.contributions)
        if len(found) != len(set(order.contributions)):
            raise NotFoundError("there is no such contribution")
        by_owner: dict[str, list[store.Owned]] = {}
        for one in found:
            by_owner.setdefault(one.owner, []).append(one)
        made: list[Recall] = []
        for _, owned in sorted(by_owner.items()):
            before = Before.of(connection, self._store.adapter, self._environment, order)
            told = before.untold(recipients_of(connection, self._store.adapter, order, owned))
            wanted = before.left(connection, owned, told)
            for start in range(0, len(wanted), MAX_OBJECTS):
                part = wanted[start : start + MAX_OBJECTS]
                here = {one.contribution_id for one in part}
                theirs = {who: sorted(here & ids) for who, ids in told.items() if here & ids}
                made.append(self._order(connection, acting, order, part, told=theirs, mandate=mandate, at=at))
        return made

    def _order(
        self,
        connection: Connection,
        acting: Acting,
        order: Order,
        owned: Sequence[store.Owned],
        *,
        told: Mapping[tuple[str, str], list[int]],
        mandate: Mandate | None,
        at: Micros,
    ) -> Recall:
        owner, ids = owned[0], [one.contribution_id for one in owned]
        recall = Recall(
            uuid=new_uuid(self._entropy),
            owner=owner.owner,
            authority=order.authority,
            basis=order.basis,
            reason=order.reason,
            demand=order.demand,
            due=order.due,
            ours=order.ours,
            ordered_at=at,
            actor=acting.actor,
            on_behalf_of=acting.on_behalf_of,
        )
        recall_id = store.add_recall(connection, self._environment, recall, owner_id=owner.owner_id, ids=ids)
        closed = (
            close_offers(connection, self._store.adapter, self._environment, ids, at)
            if order.ours is OurCopy.WITHDRAW
            else {}
        )
        uuids = {key: new_uuid(self._entropy) for key in told}
        self._log.append(
            connection,
            [
                Record(
                    kind="recall.imposed" if mandate is not None else "recall.ordered",
                    at=at,
                    acting=acting,
                    mandate=mandate,
                    concerns=(recall.owner,),
                    data=_data(recall, order, owned, {uuids[key]: key for key in told}, closed),
                )
            ],
        )
        self._notify(connection, recall, recall_id, owned, {uuids[key]: (key, told[key]) for key in told})
        if order.ours is OurCopy.PURGE:
            self._purger.purge(connection, acting, ids, ground=Ground.RECALL, reference=recall.uuid)
        return recall

    def _notify(
        self,
        connection: Connection,
        recall: Recall,
        recall_id: int,
        owned: Sequence[store.Owned],
        told: Mapping[str, tuple[tuple[str, str], list[int]]],
    ) -> None:
        """Enter the notices, and offer each to its recipient: the hub's own, so that an entry names no other party."""
        if not told:
            return
        at = recall.ordered_at
        itself, hub = self._itself(connection)
        by_id = {one.contribution_id: Named(id=one.object_id, version=one.version) for one in owned}
        numbers = {row.party.uri: row.party_id for row in parties.party_rows(connection, self._environment)}
        store.add_notices(
            connection,
            self._environment,
            recall_id,
            [(uuid, numbers[party], frozenset({address}), ids) for uuid, ((party, address), ids) in told.items()],
        )
        records: list[Record] = []
        offered: list[tuple[ParsedObject, Label]] = []
        for uuid, ((party, address), ids) in told.items():
            named = [by_id[one] for one in ids]
            data: dict[str, object] = {
                "notice": uuid,
                "party": party,
                "address": address,
                "demand": str(recall.demand),
                "due": format_instant(recall.due),
                "reason": recall.reason,
                "objects": [[one.id, one.version] for one in named],
            }
            records.append(Record(kind="recall.noticed", at=at, acting=itself, concerns=(party,), data=data))
            label = Label(
                owner=hub,
                type="note",
                tlp=Tlp.AMBER_STRICT if address == party else Tlp.RED,
                categories=frozenset({NOTICE}),
                recipients=frozenset({address}),
            )
            notes = wire.notes(
                notice=uuid,
                demand=recall.demand,
                due=recall.due,
                reason=recall.reason,
                at=at,
                objects=named,
                red=address != party,
            )
            offered += [(_parsed(note), label) for note in notes]
        self._log.append(connection, records)
        submission = Submission(party=hub, acting=itself, data=b"")
        self._intake.offer(connection, submission, self.open(connection, itself), offered)

    def _itself(self, connection: Connection) -> tuple[Acting, str]:
        uri = parties.read_hub(connection, self._environment)
        row = None if uri is None else parties.party_by_uri(connection, self._environment, uri)
        if row is None:
            raise StoreBrokenError("nobody runs this hub", where="hubs")
        return Acting(actor=row.party.name), row.party.uri

    # --- what recipients do ------------------------------------------------------------------------------------------

    def notices(self, party: Party, user: User | None) -> list[Notice]:
        """Return what a party was told, the first first; objects that went to individuals are named to those alone."""
        return [*self.notices_within(party, user, EVERYTHING).items]

    def notices_within(self, party: Party, user: User | None, span: Span) -> Stretch[Notice]:
        """Return a span of what ``notices`` returns."""
        addresses = {party.uri} | ({user_address(user.name, party.uri)} if user is not None else set())
        with self._store.read() as connection:
            rows = store.notices_to(connection, self._environment, party.uri, span=span)
            found = stretch(((row.notice_id, row) for row in rows), span)
            return Stretch(items=tuple(self._told(connection, found.items, addresses)), last=found.last)

    def attest(
        self,
        acting: Acting,
        party: Party,
        user: User | None,
        notice: str,
        *,
        answer: Answer,
        until: Micros | None = None,
        remark: str = "",
    ) -> Notice:
        """Enter what became of what a notice is about: said by a liaison or signatory of its recipient.

        Raises:
            ForbiddenError: it is neither.
            NotFoundError: there is no such notice to this party.
            InputError, LimitError: the attestation says too little, or its date is none.
            TransitionError: it is destroyed, and was attested to be.
        """
        if user is None or user.party != party.uri or not user.roles & SPEAKERS:
            raise ForbiddenError(
                "an attestation is its party's word", todo="let a liaison or signatory of the party give it"
            )
        with self._store.write() as connection:
            rows = store.notices_to(connection, self._environment, party.uri, notice)
            if not rows:
                raise NotFoundError("there is no such notice to this party", where=notice[:80])
            row, at = rows[0], self._log.now(connection)
            recall = store.recalls_by_id(connection, self._environment, [row.recall_id])[row.recall_id]
            before = store.attestations_of(connection, [row.notice_id]).get(row.notice_id)
            check_attestation(
                answer,
                until=until,
                remark=remark,
                at=at,
                demand=recall.demand,
                before=None if before is None else before.answer,
            )
            store.add_attestation(
                connection,
                self._environment,
                row.notice_id,
                answer=answer,
                until=until,
                remark=remark,
                acting=acting,
                at=at,
            )
            data: dict[str, object] = {
                "notice": notice,
                "party": party.uri,
                "answer": str(answer),
                "until": None if until is None else format_instant(until),
                "remark": remark,
            }
            concerns = tuple(sorted({party.uri, recall.owner}))
            self._log.append(
                connection, [Record(kind="recall.attested", at=at, acting=acting, concerns=concerns, data=data)]
            )
            return self._told(connection, rows, {party.uri, user_address(user.name, party.uri)})[0]

    def _told(self, connection: Connection, rows: Sequence[NoticeRow], addresses: set[str]) -> list[Notice]:
        at = self._log.now(connection)
        recalls = store.recalls_by_id(connection, self._environment, {row.recall_id for row in rows})
        attested = store.attestations_of(connection, [row.notice_id for row in rows])
        open_to = [row for row in rows if row.addresses & addresses]
        named = store.named(connection, self._store.adapter, {one for row in open_to for one in row.contributions})
        return [
            Notice(
                uuid=row.uuid,
                demand=recalls[row.recall_id].demand,
                due=recalls[row.recall_id].due,
                reason=recalls[row.recall_id].reason,
                ordered_at=recalls[row.recall_id].ordered_at,
                objects=tuple(named[one] for one in row.contributions) if row.addresses & addresses else (),
                withheld=0 if row.addresses & addresses else len(row.contributions),
                attested=attested.get(row.notice_id),
                state=state_of(attested.get(row.notice_id), due=recalls[row.recall_id].due, at=at),
            )
            for row in rows
        ]

    # --- what owners and auditors see --------------------------------------------------------------------------------

    def ordered(self, owner: str | None) -> list[Report]:
        """Return the recalls of an owner (by URI), or of all, the first first."""
        return [*self.ordered_within(owner, EVERYTHING).items]

    def ordered_within(self, owner: str | None, span: Span) -> Stretch[Report]:
        """Return a span of what ``ordered`` returns."""
        with self._store.read() as connection:
            rows = store.recalls_of(connection, self._environment, owner=owner, span=span)
            found = stretch(((row.recall_id, row) for row in rows), span)
            return Stretch(items=tuple(self._reports(connection, found.items)), last=found.last)

    def report(self, uuid: str, owner: str | None) -> Report:
        """Return where one recall stands, for its owner (by URI); None: for who sees all.

        Raises:
            NotFoundError: there is none of this id, or none of the owner's.
        """
        with self._store.read() as connection:
            rows = store.recalls_of(connection, self._environment, owner=owner, uuid=uuid)
            if not rows:
                raise NotFoundError(_NOTHING, where=uuid[:80])
            return self._reports(connection, rows)[0]

    def _reports(self, connection: Connection, rows: Sequence[RecallRow]) -> list[Report]:
        at = self._log.now(connection)
        notices: dict[int, list[NoticeRow]] = {}
        for notice in store.notices_of(connection, self._environment, [row.recall_id for row in rows]):
            notices.setdefault(notice.recall_id, []).append(notice)
        attested = store.attestations_of(connection, [one.notice_id for some in notices.values() for one in some])
        return [
            Report(
                recall=row.recall,
                objects=tuple(named for _, named in store.contributions_of(connection, row.recall_id)),
                recipients=tuple(
                    Recipient(
                        notice=one.uuid,
                        party=one.party,
                        objects=len(one.contributions),
                        attested=attested.get(one.notice_id),
                        state=state_of(attested.get(one.notice_id), due=row.recall.due, at=at),
                    )
                    for one in notices.get(row.recall_id, [])
                ),
                ours=self._ours(connection, row.recall_id),
            )
            for row in rows
        ]

    def _ours(self, connection: Connection, recall_id: int) -> dict[str, int]:
        ids = [one for one, _ in store.contributions_of(connection, recall_id)]
        there = {item.contribution_id for item in retention.items_of(connection, self._store.adapter, ids)}
        waits = retention.closed(connection, self._store.adapter, there) if there else set()
        told = {"purged": len(ids) - len(there), HUB_HOLDS: len(waits), "stored": len(there) - len(waits)}
        return {what: count for what, count in told.items() if count}


def _data(
    recall: Recall,
    order: Order,
    owned: Sequence[store.Owned],
    notices: Mapping[str, tuple[str, str]],
    closed: Mapping[str, list[int]],
) -> dict[str, object]:
    under: dict[str, object] = {} if order.under is None else {"under": order.under}
    return under | {
        "recall": recall.uuid,
        "owner": recall.owner,
        "authority": str(recall.authority),
        "basis": recall.basis,
        "reason": recall.reason,
        "demand": str(recall.demand),
        "due": format_instant(recall.due),
        "ours": str(recall.ours),
        "only": None if order.recipients is None else sorted(order.recipients),
        "since": None if order.since is None else format_instant(order.since),
        "until": None if order.until is None else format_instant(order.until),
        "objects": [[one.object_id, one.version] for one in owned],
        "withdrawn": dict(closed),
        "recipients": [[uuid, party, address] for uuid, (party, address) in notices.items()],
    }


def _parsed(note: bytes) -> ParsedObject:
    parsed = parse_object(note)
    if not isinstance(parsed, ParsedObject):
        raise InputError(f"this notice is no STIX: {parsed.reason}")
    return parsed
