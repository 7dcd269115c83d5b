"""Why an object may or may not be read, and who received it: for those who may know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import select

from tocsin.agreements.explain import Explanation, Remark, explain, told_to
from tocsin.agreements.gate import profile_of, slice_for
from tocsin.agreements.grant_store import granted_to, grants_about
from tocsin.agreements.model import Label
from tocsin.agreements.until import stands_until
from tocsin.errors import NotFoundError
from tocsin.exchange import store
from tocsin.exchange.addressing import UNKNOWN
from tocsin.exchange.releases import TOTAL, TOTAL_AGAIN, releases_of
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS
from tocsin.kernel.clock import Micros, format_instant
from tocsin.kernel.mandate import Acting
from tocsin.log.service import Record
from tocsin.parties import store as parties
from tocsin.parties.model import PURPOSES, Party, PartyStatus, Role, User, parse_reference
from tocsin.parties.register import no_party, require_subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.facts import Facts
    from tocsin.agreements.gatekeeper import Gate
    from tocsin.agreements.grants import Grant
    from tocsin.kernel.db import Store
    from tocsin.log.service import Log

__all__ = ["Account", "Asking", "Outlook", "Question", "Received", "Standing", "Why"]

_TOTALS: Final = frozenset({TOTAL, TOTAL_AGAIN})
# One text for what is not there and for what may not be seen: it holds nothing of the question.
_NOTHING: Final = "there is no such object, or none that you may see"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """An object, who asks about it, and (for ``why``) on whose reading: the asker's own unless said otherwise.

    ``reader`` is a reference, ``party`` or ``user@party``: whether there is such a one is found out only for an asker
    who may be told.
    """

    object_id: str
    party: Party
    user: User | None
    acting: Acting
    purpose: str = "detect"
    reader: str | None = None


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one contribution, and the account of it."""

    object_id: str
    version: str
    owner: str  # name of the party
    reader: str
    purpose: str
    label: Label
    explanation: Explanation


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One release that held the object."""

    release: str
    at: str
    party: str
    actor: str
    on_behalf_of: str | None
    purpose: str
    kind: str
    version: str
    log_entry: int | None  # None: not told to this asker; or staged, and in the log within a second
    clause: str | None  # of a total that counted it: by which it was told


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a party could read the object now: for which purposes, and if for none, what is missing."""

    reader: str
    version: str
    purposes: tuple[str, ...]
    explanation: Explanation


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who received an object, and who may."""

    object_id: str
    owners: tuple[str, ...]
    received: tuple[Received, ...]
    standings: tuple[Standing, ...]
    entries_told: bool  # an index counts what everyone does: it is told to those who may see everything


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a reader could receive those objects of an owner that carry one label, and why (not)."""

    reader: str
    label: Label
    objects: tuple[str, ...]
    purposes: tuple[str, ...]  # for which it could; none: ``explanation`` says what is missing
    explanation: Explanation


class _Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the object as one party offers it."""

    contribution_id: int
    owner_id: int
    version: int
    label_id: int
    label: Label
    offered: bool  # in some collection; not once its owner took it back
    granted: tuple[tuple[int, Label], ...] = ()  # the labels under which it is offered for grants

    def label_for(self, grants: frozenset[str]) -> Label:
        """Return the label to judge it by for whoever holds these grants: that of a grant, where they hold one."""
        return next((label for _, label in self.granted if label.grant in grants), self.label)

    @classmethod
    def of_label(cls, label_id: int, label: Label) -> _Contribution:
        """Return what a label stands for, whichever contribution carries it."""
        return cls(contribution_id=0, owner_id=0, version=0, label_id=label_id, label=label, offered=True)


class Asking:
    """Answers ``why`` and ``who``. Asking is an act: it is logged, whatever the answer."""

    def __init__(self, *, store: Store, log: Log, gate: Gate, environment: int) -> None:
        self._store = store
        self._log = log
        self._gate = gate
        self._environment = environment

    def why(self, question: Question) -> tuple[Why, ...]:
        """Return the verdict on every contribution of the object that the asker may know of, newest version first.

        About another reader's only the asker's own contributions are told of, unless the asker sees all.

        Raises:
            InputError: the reader has not the form of a reference.
            NotFoundError: there is none, or none that the asker may see: the same words for both, whoever is
                the reader. Or the asker has some, and there is no such reader.
        """
        if question.reader is not None:
            parse_reference(question.reader)  # its form alone
        with self._store.write() as connection:
            self._note(connection, "why", question)
        with self._store.read() as connection:
            facts = self._gate.facts(connection, self._log.now(connection))
            everything = self._sees_all(connection, question)
            known = self._known(connection, question, everything=everything)
            if not known:
                raise NotFoundError(_NOTHING)
            party, user = self._reader(connection, question, everything=everything)
            grants = granted_to(connection, self._environment, party.uri, facts.at)
            found = [
                Why(
                    object_id=question.object_id,
                    version=format_instant(one.version),
                    owner=self._name(facts, one.label.owner),
                    reader=_reference(party, user),
                    purpose=question.purpose,
                    label=one.label,
                    explanation=self._told(
                        question,
                        _standing(one, _explained(party, user, question.purpose, one, facts, grants=grants)),
                        facts,
                        everything=everything,
                    ),
                )
                for one in known
            ]
        return tuple(found)

    def who(self, question: Question) -> Account:
        """Return who received the object, and for every vetted party whether it could: for owner, auditor, operator.

        Raises:
            NotFoundError: there is none, or none of the asker's.
        """
        with self._store.write() as connection:
            self._note(connection, "who", question)
        with self._store.read() as connection:
            facts = self._gate.facts(connection, self._log.now(connection))
            everything = self._sees_all(connection, question)
            found = [
                one
                for one in self._contributions(connection, question.object_id)
                if everything or one.label.owner == question.party.uri
            ]
            if not found:
                raise NotFoundError(_NOTHING)
            received = [item for one in found for item in self._received(connection, one, everything=everything)]
            standings = [
                item
                for one in found
                if one.offered
                for item in self._standings(connection, question, one, facts, everything=everything)
            ]
        return Account(
            object_id=question.object_id,
            owners=tuple(sorted({self._name(facts, one.label.owner) for one in found})),
            received=tuple(sorted(received, key=lambda item: item.at)),
            standings=tuple(standings),
            entries_told=everything,
        )

    def outlook(
        self, question: Question, versions: Mapping[str, Micros], readers: Sequence[tuple[Party, User | None]]
    ) -> tuple[Outlook, ...]:
        """Return what readers could receive of the asker's own contributions; labels that are equal are told once.

        ``versions`` are the objects by id, each with the version that is meant; what is not the asker's is left out.
        ``question.object_id`` names the question in the log.
        """
        with self._store.write() as connection:
            self._note(connection, "outlook", question)
        with self._store.read() as connection:
            facts = self._gate.facts(connection, self._log.now(connection))
            owner = parties.party_by_uri(connection, self._environment, question.party.uri)
            owner_id = owner.party_id if owner else 0
            found = store.own_contributions(connection, self._store.adapter, self._environment, owner_id, versions)
            by_label: dict[int, list[str]] = {}
            for object_id, version in versions.items():
                if (own := found.get(object_id, {}).get(version)) is not None:
                    by_label.setdefault(own.label_id, []).append(object_id)
            labels = self._gate.labels(connection, sorted(by_label))
            outlooks = []
            everything = self._sees_all(connection, question)
            for party, user in readers:
                for label_id, objects in by_label.items():
                    purposes, told = _purposes(
                        party, user, _Contribution.of_label(label_id, labels[label_id]), facts, ()
                    )
                    outlooks.append(
                        Outlook(
                            reader=_reference(party, user),
                            label=labels[label_id],
                            objects=tuple(objects),
                            purposes=purposes,
                            explanation=self._told(question, told, facts, everything=everything),
                        )
                    )
        return tuple(outlooks)

    # --- who may ask -------------------------------------------------------------------------------------------------

    def _sees_all(self, connection: Connection, question: Question) -> bool:
        """Return whether the asker is an auditor or operator of the hub's own party."""
        if question.user is None or question.party.uri != parties.read_hub(connection, self._environment):
            return False
        return question.party.status is PartyStatus.VETTED and bool(question.user.roles & {Role.AUDITOR, Role.OPERATOR})

    def _known(self, connection: Connection, question: Question, *, everything: bool) -> list[_Contribution]:
        """Return the contributions that ``why`` may tell the asker of.

        A hidden object must cost neither a query nor a decision more than a missing one: whether a label is open is
        what the gate remembers, and an account is made only of what is told.
        """
        user = question.user.name if question.user else None
        passed = self._gate.admit(connection, question.party.uri, user, question.purpose)
        found = self._contributions(connection, question.object_id)
        if everything:
            return found
        opened: frozenset[int] = frozenset()
        if _is_own(question):
            labels = {one.label_id: one.label for one in found if one.offered}
            for one in found:
                labels |= one.granted
            opened = self._gate.opened(passed, labels, self._log.now(connection))
        return [
            one
            for one in found
            if one.label.owner == question.party.uri
            or (one.offered and one.label_id in opened)
            or any(label_id in opened for label_id, _ in one.granted)
        ]

    def _reader(self, connection: Connection, question: Question, *, everything: bool) -> tuple[Party, User | None]:
        """Return whose reading is asked about; who does not see all knows of no candidate.

        Raises:
            NotFoundError: there is no such reader, or none that the asker knows of.
        """
        if question.reader is None or _is_own(question):
            return question.party, question.user
        name, _ = parse_reference(question.reader)
        row = parties.party_by_name(connection, self._environment, name)
        if not everything and row is not None and row.party.status in UNKNOWN:
            raise no_party(name)
        party, user = require_subject(connection, self._environment, question.reader)
        return party.party, user.user if user else None

    @staticmethod
    def _told(question: Question, told: Explanation, facts: Facts, *, everything: bool) -> Explanation:
        """Leave out every agreement that the asker is not party to, but for who sees all."""
        return told if everything else told_to(question.party.uri, told, facts)

    def _note(self, connection: Connection, verb: str, question: Question) -> None:
        self._log.append(
            connection,
            [
                Record(
                    kind="inquiry",
                    at=self._log.now(connection),
                    acting=question.acting,
                    concerns=(question.party.uri,),
                    data={
                        "verb": verb,
                        "object": question.object_id[:256],
                        "asker": _reference(question.party, question.user),
                        "reader": question.reader,
                        "purpose": question.purpose,
                    },
                )
            ],
        )

    # --- what there is -----------------------------------------------------------------------------------------------

    def _contributions(self, connection: Connection, object_id: str) -> list[_Contribution]:
        rows = connection.execute(
            select(
                CONTRIBUTIONS.c.contribution_id,
                CONTRIBUTIONS.c.owner_id,
                CONTRIBUTIONS.c.version,
                CONTRIBUTIONS.c.label_id,
            )
            .where(
                CONTRIBUTIONS.c.object_key == store.object_key(self._environment, object_id),
                CONTRIBUTIONS.c.object_id == object_id,
            )
            .order_by(CONTRIBUTIONS.c.version.desc(), CONTRIBUTIONS.c.contribution_id)
        ).all()
        offered = self._offered(connection, [row.contribution_id for row in rows])
        wanted = {row.label_id for row in rows}.union(*offered.values())
        labels = self._gate.labels(connection, sorted(wanted))
        return [
            _Contribution(
                contribution_id=row.contribution_id,
                owner_id=row.owner_id,
                version=row.version,
                label_id=row.label_id,
                label=labels[row.label_id],
                offered=row.contribution_id in offered,
                granted=tuple(
                    (label_id, labels[label_id])
                    for label_id in sorted(offered.get(row.contribution_id, ()))
                    if labels[label_id].grant is not None
                ),
            )
            for row in rows
        ]

    def _offered(self, connection: Connection, contribution_ids: Sequence[int]) -> dict[int, set[int]]:
        """Return those of these contributions that a collection offers and that were not withdrawn from it.

        Each with the labels under which it is offered.
        """
        adapter = self._store.adapter
        wanted = adapter.integers(contribution_ids, "wanted")
        query = select(OFFERS.c.contribution_id, OFFERS.c.label_id).where(
            OFFERS.c.contribution_id.in_(select(wanted.c.value)), OFFERS.c.withdrawn_at.is_(None)
        )
        found: dict[int, set[int]] = {}
        for row in connection.execute(adapter.through(query, OFFERS, "ix_offers_contribution")):
            found.setdefault(row.contribution_id, set()).add(row.label_id)
        return found

    def _received(self, connection: Connection, one: _Contribution, *, everything: bool) -> list[Received]:
        offers: dict[int, list[int]] = {}
        query = select(OFFERS.c.collection_id, OFFERS.c.offer_seq).where(
            OFFERS.c.contribution_id == one.contribution_id
        )
        through = self._store.adapter.through(query, OFFERS, "ix_offers_contribution")
        for row in connection.execute(through):
            offers.setdefault(row.collection_id, []).append(row.offer_seq)
        everyone = {row.party.uri: row.party.name for row in parties.party_rows(connection, self._environment)}
        return [
            Received(
                release=row.uuid,
                at=format_instant(row.at),
                party=everyone[row.party],
                actor=row.actor,
                on_behalf_of=row.on_behalf_of,
                purpose=row.purpose,
                kind=row.kind,
                version=format_instant(one.version),
                log_entry=row.log_idx if everything else None,
                clause=msgspec.json.decode(row.filter).get("clause") if row.kind in _TOTALS else None,
            )
            for collection_id, sequences in offers.items()
            for row in releases_of(connection, collection_id, sequences)
        ]

    def _standings(
        self, connection: Connection, question: Question, one: _Contribution, facts: Facts, *, everything: bool
    ) -> list[Standing]:
        readers: list[tuple[Party, User | None]] = [
            (party, None)
            for party in sorted(facts.parties.values(), key=lambda party: party.name)
            if party.status is PartyStatus.VETTED and party.uri != one.label.owner
        ]
        for row in parties.user_rows(connection, self._environment):
            address = f"{row.user.name}@{row.user.party}"
            if address in one.label.recipients and row.user.party in facts.parties:
                readers.append((facts.parties[row.user.party], row.user))
        grants = grants_about(connection, self._environment, one.label.owner, question.object_id)
        standings = []
        for party, user in readers:
            open_for, chosen = _purposes(party, user, one, facts, grants)
            standings.append(
                Standing(
                    reader=_reference(party, user),
                    version=format_instant(one.version),
                    purposes=open_for,
                    explanation=self._told(question, chosen, facts, everything=everything),
                )
            )
        return standings

    @staticmethod
    def _name(facts: Facts, uri: str) -> str:
        party = facts.parties.get(uri)
        return party.name if party else uri


def _is_own(question: Question) -> bool:
    return question.reader in {None, _reference(question.party, question.user)}


def _purposes(
    party: Party, user: User | None, one: _Contribution, facts: Facts, grants: Sequence[Grant]
) -> tuple[tuple[str, ...], Explanation]:
    """Return for which purposes a reader could read a contribution, and the account of the first, or of none."""
    own = [grant for grant in grants if grant.party == party.uri]
    told: dict[str, Explanation] = {}
    for purpose in PURPOSES:
        profile = profile_of(party, user, purpose, facts.at)
        label = one.label_for(slice_for(profile, facts, grants=own).grants) if own else one.label
        told[purpose] = explain(profile, label, facts, grants=own)
    open_for = tuple(purpose for purpose, item in told.items() if item.verdict.allows)
    return open_for, told[open_for[0]] if open_for else told[user.purpose if user else PURPOSES[0]]


def _explained(
    party: Party, user: User | None, purpose: str, one: _Contribution, facts: Facts, *, grants: Sequence[Grant]
) -> Explanation:
    """Return the account of one verdict, with the instant until which this one stands."""
    profile = profile_of(party, user, purpose, facts.at)
    holds = slice_for(profile, facts, grants=grants).grants
    told = explain(profile, one.label_for(holds), facts, grants=grants)
    until = stands_until(party, user, facts, purpose=purpose, label_for=one.label_for, grants=grants)
    return msgspec.structs.replace(told, verdict=msgspec.structs.replace(told.verdict, valid_until=until))


def _standing(one: _Contribution, told: Explanation) -> Explanation:
    if one.offered:
        return told
    gone = Remark(text="its owner took it back: whatever the agreements say, nobody receives it")
    return msgspec.structs.replace(told, remarks=(*told.remarks, gone))


def _reference(party: Party, user: User | None) -> str:
    return f"{user.name}@{party.name}" if user else party.name
