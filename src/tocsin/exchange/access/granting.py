"""Grants: given, revoked and shown, each for the owner of what is granted.

To revoke is not to recall: what was released stays released, and an order to destroy it is another act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import select

from tocsin.agreements import grant_store
from tocsin.agreements.explain import Explanation, explain, told_to
from tocsin.agreements.gate import profile_of
from tocsin.agreements.grants import DEFAULT_PURPOSES, Grant, granted_label
from tocsin.errors import ForbiddenError, InputError, LimitError, NotFoundError, TransitionError
from tocsin.exchange import store
from tocsin.exchange.access.wire import grant_data
from tocsin.exchange.addressing import address_of
from tocsin.exchange.again import MAX_AGAIN, Again
from tocsin.exchange.model import Audience
from tocsin.exchange.tables import CONTRIBUTIONS, MADE_COLLECTIONS, OFFERS
from tocsin.kernel.clock import Micros
from tocsin.kernel.ids import new_uuid
from tocsin.log.service import Record
from tocsin.parties.model import SPEAKERS, PartyStatus, check_remark
from tocsin.parties.register import require_party_by_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from tocsin.agreements.gatekeeper import Gate
    from tocsin.agreements.model import Label
    from tocsin.exchange.again import OfferingAgain
    from tocsin.exchange.model import Collection
    from tocsin.kernel.db import Store
    from tocsin.kernel.db.spans import Span, Stretch
    from tocsin.kernel.ids import Entropy
    from tocsin.kernel.mandate import Acting
    from tocsin.log.service import Log
    from tocsin.parties.model import Party, User

__all__ = ["MAX_GRANTS", "MAX_GRANTS_OF_ONE", "Given", "Granting", "Terms", "require_grantor"]

# Every grant is a label that each reader of grants is judged by; thousands are an agreement that nobody wrote down.
MAX_GRANTS_OF_ONE: Final = 1_000
MAX_GRANTS: Final = 10_000
MADE_FOR: Final = "grants"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be granted. ``version`` None: every version, those that come later included."""

    object_id: str
    to: str  # short name or URI of the party
    until: Micros
    version: Micros | None = None
    purposes: frozenset[str] = DEFAULT_PURPOSES
    reason: str = ""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A grant, the versions that are offered for it, and what keeps some of them shut all the same.

    ``closed`` are verdicts for the party's service and the first of the purposes: floors and forbids that stand above
    the grant. A user of the party may be judged otherwise.
    """

    grant: Grant
    offered: tuple[Micros, ...]
    closed: tuple[Explanation, ...]


class Granting:
    """The grants of one environment."""

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        gate: Gate,
        offering: OfferingAgain,
        entropy: Entropy,
        environment: int,
    ) -> None:
        self._store = store
        self._log = log
        self._gate = gate
        self._offering = offering
        self._entropy = entropy
        self._environment = environment

    def give(self, acting: Acting, owner: Party, user: User | None, terms: Terms) -> Given:
        """Grant an object to a party; durable, logged and on offer when this returns.

        Args:
            acting: who does it, for the owner.
            owner: whose object it is.
            user: the person of the owner who acts, or None for the party itself.
            terms: what, to whom, until when.

        Raises:
            ForbiddenError: the user does not speak for the party, or the party is not vetted.
            NotFoundError: the owner offers no such object or version.
            InputError: there is no such party to grant it to, or these are no terms of a grant.
            LimitError: too many grants stand.
        """
        require_grantor(acting, owner, user)
        with self._store.write() as connection:
            return self.give_in(connection, acting, owner.uri, terms)

    def give_in(self, connection: Connection, acting: Acting, owner: str, terms: Terms) -> Given:
        """Grant an object in the caller's transaction, for whoever has proved to speak for its owner (a URI)."""
        at = self._log.now(connection)
        if require_party_by_uri(connection, self._environment, owner).party.status is not PartyStatus.VETTED:
            raise ForbiddenError("this party may not grant: it is not vetted", where=owner)
        party = self._party(connection, terms.to)
        for standing, most in (
            (grant_store.count_standing(connection, self._environment, at, owner=owner), MAX_GRANTS_OF_ONE),
            (grant_store.count_standing(connection, self._environment, at), MAX_GRANTS),
        ):
            if standing >= most:
                raise LimitError(
                    f"{most} grants stand already", todo="revoke what is not needed, or agree on a clause instead"
                )
        grant = Grant(
            uuid=new_uuid(self._entropy),
            owner=owner,
            party=party.uri,
            object_id=terms.object_id,
            version=terms.version,
            purposes=terms.purposes,
            given_at=at,
            until=terms.until,
            reason=terms.reason,
        )
        found = self._offered(connection, grant)
        if not found:
            raise NotFoundError(
                "the party offers no such object, or no such version of it",
                where=grant.object_id,
                todo="name one that it shared and did not withdraw, by its id: its receipts list them",
            )
        grant_store.add_grant(connection, self._environment, grant)
        self._log.append(
            connection,
            [
                Record(
                    kind="grant.given",
                    at=at,
                    acting=acting,
                    concerns=tuple(sorted({grant.owner, grant.party})),
                    data=grant_data(grant),
                )
            ],
        )
        collection = self._collection(connection, acting, party, at)
        labels = self._gate.labels(connection, sorted({label_id for _, _, label_id in found}))
        self._offer(connection, acting, collection, grant, [(one, labels[label_id]) for one, _, label_id in found])
        return Given(
            grant=grant,
            offered=tuple(sorted(version for _, version, _ in found)),
            closed=tuple(self._closed(connection, grant, party, labels.values())),
        )

    def revoke(self, acting: Acting, owner: Party, user: User | None, uuid: str, reason: str = "") -> Grant:
        """End a grant now; durable and logged when this returns.

        Raises:
            ForbiddenError: the user does not speak for the party.
            NotFoundError: the party gave no such grant.
            TransitionError: it is over already.
        """
        require_grantor(acting, owner, user)
        check_remark(reason, "reason")
        with self._store.write() as connection:
            grant = grant_store.find_grant(connection, self._environment, uuid)
            if grant is None or grant.owner != owner.uri:
                raise NotFoundError("the party gave no such grant", todo="`tocsin grant list` shows those it gave")
            at = self._log.now(connection)
            if not grant.stands(at):
                raise TransitionError("this grant is over already", where=uuid)
            grant_store.revoke_grant(connection, self._environment, uuid, at)
            data: dict[str, object] = {
                "grant": grant.uuid,
                "owner": grant.owner,
                "party": grant.party,
                "reason": reason,
            }
            concerns = tuple(sorted({grant.owner, grant.party}))
            self._log.append(
                connection, [Record(kind="grant.revoked", at=at, acting=acting, concerns=concerns, data=data)]
            )
            return msgspec.structs.replace(grant, revoked_at=at)

    def all(self, party: Party | None = None) -> tuple[list[Grant], Micros]:
        """Return the grants that a party gave or was given, or all, oldest first; and hub time."""
        with self._store.read() as connection:
            found = grant_store.grants_of(connection, self._environment, None if party is None else party.uri)
            return found, self._log.now(connection)

    def of(self, party: Party, span: Span) -> tuple[Stretch[Grant], Micros]:
        """Return a span of the grants that a party gave or was given, oldest first; and hub time."""
        with self._store.read() as connection:
            found = grant_store.grants_within(connection, self._environment, span, party.uri)
            return found, self._log.now(connection)

    def follow(
        self, connection: Connection, acting: Acting, owner: str, entered: Iterable[tuple[int, str, Micros, int]]
    ) -> None:
        """Offer new versions for the grants that stand for every version: in the transaction that enters them.

        ``entered`` are contributions of the owner: number, object id, version, label. What it costs depends on the
        owner's own grants only.
        """
        at = self._log.now(connection)
        chains: dict[str, list[Grant]] = {}
        for grant in grant_store.grants_of(connection, self._environment, owner):
            if grant.owner == owner and grant.version is None and grant.stands(at):
                chains.setdefault(grant.object_id, []).append(grant)
        if not chains:
            return
        found = [
            (grant, contribution, label_id)
            for contribution, object_id, _, label_id in entered
            for grant in chains.get(object_id, ())
        ]
        labels = self._gate.labels(connection, sorted({label_id for _, _, label_id in found})) if found else {}
        for grant in dict.fromkeys(grant for grant, _, _ in found):
            party = require_party_by_uri(connection, self._environment, grant.party).party
            collection = self._collection(connection, acting, party, at)
            of_it = [(one, labels[label_id]) for given, one, label_id in found if given == grant]
            self._offer(connection, acting, collection, grant, of_it)

    # --- parts -------------------------------------------------------------------------------------------------------

    def _party(self, connection: Connection, reference: str) -> Party:
        """Return the party that is to receive; the same words for whoever is unknown here, as when sharing."""
        address = address_of(connection, self._environment, reference)
        in_person = "@" in address.split(":", 1)[0]
        party = None if in_person else require_party_by_uri(connection, self._environment, address).party
        if party is None or party.status is not PartyStatus.VETTED:
            raise InputError("a grant is for a party that is vetted", where=reference[:80], todo="name another party")
        return party

    def _offered(self, connection: Connection, grant: Grant) -> list[tuple[int, Micros, int]]:
        """Return the contributions that it is about and that their owner offers: number, version, label."""
        adapter = self._store.adapter
        owner = require_party_by_uri(connection, self._environment, grant.owner)
        own = store.own_contributions(connection, adapter, self._environment, owner.party_id, [grant.object_id])
        versions = [
            one
            for one in own.get(grant.object_id, {}).values()
            if grant.covers(grant.owner, grant.object_id, one.version)
        ]
        wanted = adapter.integers([one.contribution_id for one in versions], "wanted")
        query = (
            select(OFFERS.c.contribution_id)
            .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
            .outerjoin(MADE_COLLECTIONS, MADE_COLLECTIONS.c.collection_id == OFFERS.c.collection_id)
            .where(
                OFFERS.c.contribution_id.in_(select(wanted.c.value)),
                OFFERS.c.withdrawn_at.is_(None),
                MADE_COLLECTIONS.c.made_for.is_(None),
                CONTRIBUTIONS.c.salt.is_not(None),
            )
        )
        offered = set(connection.execute(adapter.through(query, OFFERS, "ix_offers_contribution")).scalars())
        found = [(one.contribution_id, one.version, one.label_id) for one in versions if one.contribution_id in offered]
        if len(found) > MAX_AGAIN:
            raise LimitError(f"a grant is of at most {MAX_AGAIN} versions", todo="name the version that is needed")
        return found

    def _collection(self, connection: Connection, acting: Acting, party: Party, at: Micros) -> Collection:
        collection = self._offering.collection(
            connection,
            acting,
            MADE_FOR,
            alias="grants",
            title="Grants",
            description="What owners granted to your organisation, each object until a date",
            audience=Audience.GIVEN,
        )
        store.make_known(connection, self._environment, collection.id, party.uri, at)
        return collection

    def _offer(
        self,
        connection: Connection,
        acting: Acting,
        collection: Collection,
        grant: Grant,
        contributions: Sequence[tuple[int, Label]],
    ) -> None:
        offers = [Again(contribution_id=one, label=granted_label(label, grant)) for one, label in contributions]
        # read anew: what was offered for another grant in this transaction moved its head
        now = next(one for one in store.read_collections(connection, self._environment) if one.id == collection.id)
        self._offering.offer_again(connection, acting, now, offers, because=f"grant:{grant.uuid}")

    def _closed(
        self, connection: Connection, grant: Grant, party: Party, labels: Iterable[Label]
    ) -> Iterable[Explanation]:
        at = self._log.now(connection)
        facts = self._gate.facts(connection, at)
        profile = profile_of(party, None, min(grant.purposes), at)
        for label in labels:
            told = explain(profile, granted_label(label, grant), facts, grants=(grant,))
            if not told.verdict.allows:
                yield told_to(grant.owner, told, facts)  # the owner asks what stands against its grant


def require_grantor(acting: Acting, party: Party, user: User | None) -> None:
    """Refuse whoever does not speak for a party: the log must name one of those as acting, or as acted for.

    Raises:
        ForbiddenError: the user is neither liaison nor signatory, or another is said to act.
    """
    if (acting.on_behalf_of or acting.actor) != (f"{user.name}@{party.name}" if user else party.name):
        raise ForbiddenError("this is done by or for the party itself", where=party.name, todo="act in its name")
    if user is not None and user.roles.isdisjoint(SPEAKERS):
        raise ForbiddenError(
            "only a liaison or signatory gives away what their party owns",
            where=f"{user.name}@{party.name}",
            todo="ask one of them",
        )
