"""What a version of an agreement would change at this hub, told before anybody signs it.

Numbers about objects that somebody may not see are told to who runs or audits the hub alone. A party's own people are
told of a version that lies before them, and of two things: what their own readers would lose, and gain in orders of
magnitude; and who would read, or no longer read, what the party shared itself (docs/adr/0091).
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import func, select

from tocsin.agreements.bulk import Universe
from tocsin.agreements.contradictions import Finding, contradictions, without_effect
from tocsin.agreements.document import AgreementDocument, document_digest, names_of, parse_agreement
from tocsin.agreements.facts import eligible
from tocsin.agreements.impact import Impact, coarse, impact
from tocsin.agreements.interning import read_labels
from tocsin.agreements.prospective import Prospective, prospective
from tocsin.agreements.uncounted import Uncounted, uncounted
from tocsin.errors import ForbiddenError
from tocsin.exchange.account.service import ASKING
from tocsin.exchange.releases import WITHDRAWN
from tocsin.exchange.tables import LABEL_COUNTS, MADE_COLLECTIONS
from tocsin.kernel.mandate import Acting
from tocsin.log.service import Record
from tocsin.parties import store as parties
from tocsin.parties.model import Party, Role, User
from tocsin.parties.register import no_party

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.kernel.db import Store
    from tocsin.log.service import Log

__all__ = ["Expected", "Impacts", "Question"]

# What lies in collections that the hub made for a grant, a notice or a crisis lies elsewhere too.
_COUNTED: Final = (
    select(LABEL_COUNTS.c.label_id, func.sum(LABEL_COUNTS.c.offers).label("offers"))
    .outerjoin(MADE_COLLECTIONS, MADE_COLLECTIONS.c.collection_id == LABEL_COUNTS.c.collection_id)
    .where(MADE_COLLECTIONS.c.collection_id.is_(None), LABEL_COUNTS.c.label_id != WITHDRAWN)
    .group_by(LABEL_COUNTS.c.label_id)
)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks what a document would change, and what they assume. ``signed_by`` are short names; None: see there."""

    acting: Acting
    asker: tuple[Party, User | None]
    source: bytes
    where: str  # what to call the document in faults
    signed_by: Collection[str] | None = None
    amends: bool = False


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What would change. Of ``whole`` everything is told; else ``own`` readers' part and what the party shared.

    The gains in ``own`` are coarse (``impact.coarse``): they are of what the party may not see yet. ``uncounted`` tells
    in words what no figure does; to a party, of whom it reaches, itself alone.
    """

    prospect: Prospective
    findings: tuple[Finding, ...]
    uncounted: tuple[Uncounted, ...]
    whole: Impact | None = None
    own: Impact | None = None
    shared: Impact | None = None


class Impacts:
    """Tells impacts in one environment. Asking is an act."""

    def __init__(self, *, store: Store, log: Log) -> None:
        self._store = store
        self._log = log

    def ask(self, question: Question) -> Expected:
        """Return what a version would change if it came into force now, or when its term begins.

        Raises:
            AgreementError: the document breaks rules, or names a party that is not here.
            LimitError: it is larger, deeper or more than we take.
            ForbiddenError: the asker neither runs nor audits the hub, and the version does not lie before their party;
                or they are none of its signatories, liaisons and auditors.
            NotFoundError: no party has a name under ``signed_by``.
            ConflictError, TransitionError, InputError: as ``prospective``.
        """
        with self._store.read() as connection:
            everyone = {row.party.name: row.party for row in parties.party_rows(connection, self._log.environment)}
        document = parse_agreement(question.source, where=question.where, known_parties=everyone, new=True).document
        with self._store.write() as connection:
            whole = self._may(connection, question)
            self._note(connection, question, document)
        signers = None if question.signed_by is None else _uris(question.signed_by, everyone)
        with self._store.read() as connection:
            names = {name: everyone[name].uri for name in sorted(names_of(document))}
            prospect = prospective(
                connection,
                self._log.environment,
                document,
                names,
                now=self._log.now(connection),
                signed_by=signers,
                amends=question.amends,
            )
            if not whole:
                _require_concerned(prospect, question)
            return self._expected(connection, prospect, None if whole else question.asker[0].uri)

    def _may(self, connection: Connection, question: Question) -> bool:
        """Return whether the asker is told everything.

        Raises:
            ForbiddenError: they are told nothing.
        """
        party, user = question.asker
        roles = user.roles if user is not None else frozenset[Role]()
        hub = parties.read_hub(connection, self._log.environment)
        if party.uri == hub and roles & {Role.OPERATOR, Role.AUDITOR}:
            return True
        if not roles & ASKING:
            raise ForbiddenError(
                "an impact is for who runs or audits the hub, and for a party's signatories, liaisons and auditors"
            )
        if question.signed_by is not None:
            raise ForbiddenError(
                "who would sign is assumed by who runs the hub alone", where="--signed-by", todo="leave it out"
            )
        return False

    def _note(self, connection: Connection, question: Question, document: AgreementDocument) -> None:
        party, user = question.asker
        data: dict[str, object] = {
            "verb": "impact",
            "object": f"{document.id}#{document_digest(document).hex()}",
            "asker": party.name if user is None else f"{user.name}@{party.name}",
            "reader": "",
            "purpose": "",
        }
        at = self._log.now(connection)
        record = Record(kind="inquiry", at=at, acting=question.acting, concerns=(party.uri,), data=data)
        self._log.append(connection, [record])

    def _expected(self, connection: Connection, prospect: Prospective, party: str | None) -> Expected:
        environment = self._log.environment
        counts = {
            int(row.label_id): int(row.offers)
            for row in connection.execute(_COUNTED.where(LABEL_COUNTS.c.environment == environment))
            if row.offers
        }
        labels = read_labels(connection, self._store.adapter, sorted(counts))
        users: dict[str, list[User]] = {}
        for row in parties.user_rows(connection, environment):
            users.setdefault(row.user.party, []).append(row.user)
        counted = [(labels[label_id], count) for label_id, count in sorted(counts.items())]
        told = functools.partial(impact, prospect.before, prospect.after, users=users)
        findings = contradictions(prospect.document)
        words = uncounted(prospect)
        if party is None:
            findings += without_effect(prospect.coming, prospect.after, users)
            return Expected(
                prospect=prospect,
                findings=findings,
                uncounted=words,
                whole=told(universe=Universe(counted, prospect.at)),
            )
        others = prospect.before.parties.keys() - {party}
        mine = [(label, count) for label, count in counted if label.owner == party]
        return Expected(
            prospect=prospect,
            findings=findings,
            uncounted=tuple(
                msgspec.structs.replace(one, parties=tuple(uri for uri in one.parties if uri == party)) for one in words
            ),
            own=coarse(told(universe=Universe(counted, prospect.at), of={party})),
            shared=told(universe=Universe(mine, prospect.at), of=others),
        )


def _uris(names: Collection[str], everyone: dict[str, Party]) -> frozenset[str]:
    """Return the URIs of parties by their short names.

    Raises:
        NotFoundError: one is no party here.
    """
    if strangers := sorted(set(names) - everyone.keys()):
        raise no_party(strangers[0])
    return frozenset(everyone[name].uri for name in names)


def _require_concerned(prospect: Prospective, question: Question) -> None:
    """Refuse a version that does not lie before the asker's party: anybody can write a document."""
    party = question.asker[0]
    coming = prospect.coming
    if prospect.proposed and (party.uri in coming.joined or eligible(coming, party, prospect.at)):
        return
    raise ForbiddenError(
        "a party is told of versions that were proposed, and that it may sign",
        where=prospect.document.id,
        todo="ask who runs the hub to propose it",
    )
