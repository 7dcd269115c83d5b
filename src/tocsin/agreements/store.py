"""Agreements and signatures as rows, and the epoch that counts every change to what verdicts are made from."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import bindparam, func, select

from tocsin.agreements.annexes.model import Activation
from tocsin.agreements.annexes.store import read_activations
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import AgreementDocument, Signed, parse_agreement
from tocsin.agreements.facts import Activated, Grace
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.membership import Standing, StandingAct, heeded
from tocsin.agreements.tables import AGREEMENTS, ATTACHMENTS, GRACES, POLICY_EPOCHS, SIGNATURES, STANDINGS
from tocsin.errors import InputError, StoreBrokenError
from tocsin.kernel.clock import Micros
from tocsin.kernel.db.store import next_id

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from tocsin.agreements.cedar import Policy

__all__ = [
    "AgreementRow",
    "Attachment",
    "GraceRow",
    "SignatureRow",
    "StandingRow",
    "add_agreement",
    "add_attachment",
    "add_grace",
    "add_signature",
    "add_standing",
    "agreement_rows",
    "attachments",
    "policy_epoch",
    "raise_epoch",
    "read_heeded",
    "set_status",
    "start_epochs",
]

# Asked for by every request.
_EPOCH: Final = select(POLICY_EPOCHS.c.epoch).where(POLICY_EPOCHS.c.environment == bindparam("environment"))

_NAMES: Final = msgspec.json.Decoder(dict[str, str])
_URIS: Final = msgspec.json.Decoder(list[str])


class SignatureRow(msgspec.Struct, frozen=True, kw_only=True):
    """One party's signature; key and signature are base64."""

    party: str  # URI
    signatory: str  # name of the user
    key: str
    signature: str
    signed_at: Micros
    ml_dsa_key: str | None = None
    ml_dsa_signature: str | None = None

    @property
    def made(self) -> Signed:
        """Return the signatures."""
        return Signed(signature=self.signature, ml_dsa_signature=self.ml_dsa_signature)


class StandingRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a party did to a version besides signing it, or what was done to it there; signed where it said so."""

    party: str  # URI
    act: StandingAct
    at: Micros
    until: Micros | None = None  # when it leaves
    reason: str = ""
    signatory: str | None = None
    key: str | None = None
    signature: str | None = None
    ml_dsa_key: str | None = None
    ml_dsa_signature: str | None = None


class GraceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A grace for a legal basis, as it was granted."""

    grace: Grace
    at: Micros
    reason: str


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside a version: a detached signature or seal, and what checking it gave when it was attached."""

    sha256: str
    party: str  # URI
    title: str
    over: str
    content: bytes
    at: Micros
    outcome: str


class AgreementRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an agreement, as it was proposed and as it stands."""

    agreement_id: int
    name: str
    version: int
    status: AgreementStatus
    text: bytes  # the file as proposed
    digest: bytes
    document: AgreementDocument
    names: dict[str, str]
    policies: str  # as they were compiled when it was proposed
    signatures: tuple[SignatureRow, ...]
    proposed_at: Micros
    activated_at: Micros | None
    ended_at: Micros | None
    amends: int | None
    reason: str | None
    standings: tuple[StandingRow, ...]
    graces: tuple[GraceRow, ...]
    annexes: tuple[Activation, ...] = ()

    @property
    def signed(self) -> frozenset[str]:
        """Return the URIs of the parties that signed."""
        return frozenset(signature.party for signature in self.signatures)

    @property
    def activated(self) -> Activated:
        """Return it as the gate takes it."""
        _, policies = _load(self.text, tuple(sorted(self.names.items())), amendment=self.amends is not None)
        return Activated(
            document=self.document,
            names=self.names,
            signed=self.signed,
            policies=policies,
            status=self.status,
            amends=self.amends,
            carried=self.who(StandingAct.ADOPT),
            left={
                one.party: one.until
                for one in self.standings
                if one.act is StandingAct.WITHDRAW and one.until is not None
            },
            graces=tuple(one.grace for one in self.graces),
            annexes=self.annexes,
        )

    @property
    def standing(self) -> Standing:
        """Return it as the rules of membership take it."""
        return Standing(
            activated=self.activated,
            proposed_at=self.proposed_at,
            activated_at=self.activated_at,
            ended_at=self.ended_at,
            admitted=self.who(StandingAct.ADMIT),
            objections=self.who(StandingAct.OBJECT),
        )

    def who(self, act: StandingAct) -> frozenset[str]:
        """Return the parties that did something to it, or to which it was done there."""
        return frozenset(one.party for one in self.standings if one.act is act)


# --- the epoch -------------------------------------------------------------------------------------------------------


def policy_epoch(connection: Connection, environment: int) -> int:
    """Return the count of changes to parties, users and agreements: equal epochs mean equal facts.

    Raises:
        StoreBrokenError: there is none: the hub was not founded.
    """
    epoch = connection.execute(_EPOCH, {"environment": environment}).scalar_one_or_none()
    if epoch is None:
        raise StoreBrokenError("the count of policy changes is missing", where="policy_epochs")
    return int(epoch)


def start_epochs(connection: Connection, environment: int, at: Micros) -> None:
    """Begin to count."""
    connection.execute(POLICY_EPOCHS.insert().values(environment=environment, epoch=1, changed_at=at))


def raise_epoch(connection: Connection, environment: int, at: Micros) -> None:
    """Count one more change, in the transaction of that change."""
    connection.execute(
        POLICY_EPOCHS.update()
        .where(POLICY_EPOCHS.c.environment == environment)
        .values(epoch=POLICY_EPOCHS.c.epoch + 1, changed_at=at)
    )


# --- agreements ------------------------------------------------------------------------------------------------------


def read_heeded(connection: Connection, environment: int) -> tuple[tuple[Activated, ...], tuple[Activated, ...]]:
    """Return what verdicts rest on, whatever terms say of the present: agreements and former ones, as facts have it."""
    return heeded(row.standing for row in agreement_rows(connection, environment) if row.activated_at is not None)


def agreement_rows(connection: Connection, environment: int, name: str | None = None) -> list[AgreementRow]:
    """Return all versions of all agreements, or of one, by name and version.

    Raises:
        StoreBrokenError: a row is not what it must be.
    """
    query = select(AGREEMENTS).where(AGREEMENTS.c.environment == environment)
    if name is not None:
        query = query.where(AGREEMENTS.c.name == name)
    rows = connection.execute(query.order_by(AGREEMENTS.c.name, AGREEMENTS.c.version)).all()
    if not rows:
        return []
    beside = _Beside(
        signatures=_signatures(connection, environment),
        standings=_standings(connection, environment),
        graces=_graces(connection, environment),
        annexes=read_activations(connection, environment),
    )
    return [_agreement(row, beside) for row in rows]


def add_agreement(
    connection: Connection,
    environment: int,
    document: AgreementDocument,
    *,
    text: bytes,
    digest: bytes,
    names: Mapping[str, str],
    policies: str,
    at: Micros,
    amends: int | None = None,
) -> int:
    """Enter a proposed version; returns its number. (Name, version) must be free."""
    agreement_id = next_id(connection, AGREEMENTS.c.agreement_id)
    connection.execute(
        AGREEMENTS.insert().values(
            agreement_id=agreement_id,
            environment=environment,
            name=document.name,
            version=document.version,
            status=str(AgreementStatus.PROPOSED),
            document=text,
            digest=digest,
            names=msgspec.json.encode(dict(names), order="sorted"),
            policies=policies,
            proposed_at=at,
            activated_at=None,
            ended_at=None,
            amends=amends,
            reason=None,
        )
    )
    return agreement_id


def add_signature(connection: Connection, environment: int, agreement_id: int, signature: SignatureRow) -> None:
    """Enter a party's signature on a version; it has none yet."""
    connection.execute(
        SIGNATURES.insert().values(
            agreement_id=agreement_id,
            environment=environment,
            party=signature.party,
            signatory=signature.signatory,
            key=signature.key,
            signature=signature.signature.encode(),
            signed_at=signature.signed_at,
            ml_dsa_key=signature.ml_dsa_key,
            ml_dsa_signature=signature.ml_dsa_signature,
        )
    )


def add_standing(connection: Connection, environment: int, agreement_id: int, standing: StandingRow) -> None:
    """Enter what a party did to a version, once."""
    values = msgspec.structs.asdict(standing) | {"act": str(standing.act)}
    connection.execute(STANDINGS.insert().values(agreement_id=agreement_id, environment=environment, **values))


def add_grace(connection: Connection, environment: int, agreement_id: int, row: GraceRow) -> None:
    """Enter a grace; its number is the next of its version."""
    connection.execute(
        GRACES.insert().values(
            agreement_id=agreement_id,
            environment=environment,
            number=row.grace.number,
            basis=row.grace.basis,
            parties=msgspec.json.encode(sorted(row.grace.parties)),
            at=row.at,
            until=row.grace.until,
            reason=row.reason,
        )
    )


def add_attachment(connection: Connection, environment: int, agreement_id: int, made: Attachment) -> None:
    """Enter a file beside a version, which has none of the same bytes."""
    values = msgspec.structs.asdict(made)
    connection.execute(ATTACHMENTS.insert().values(agreement_id=agreement_id, environment=environment, **values))


def attachments(connection: Connection, agreement_id: int) -> list[Attachment]:
    """Return the files beside a version, oldest first."""
    query = select(ATTACHMENTS).where(ATTACHMENTS.c.agreement_id == agreement_id)
    return [
        Attachment(
            sha256=row.sha256,
            party=row.party,
            title=row.title,
            over=row.over,
            content=row.content,
            at=row.at,
            outcome=row.outcome,
        )
        for row in connection.execute(query.order_by(ATTACHMENTS.c.at, ATTACHMENTS.c.sha256))
    ]


def set_status(
    connection: Connection, agreement_id: int, status: AgreementStatus, at: Micros, *, reason: str | None = None
) -> None:
    """Move a version to a status.

    The instant at which it first came into force is entered with it, and that at which it first ended.
    """
    values: dict[str, object] = {"status": str(status)}
    if status is AgreementStatus.IN_FORCE:
        values["activated_at"] = func.coalesce(AGREEMENTS.c.activated_at, at)
    if status in (AgreementStatus.SUPERSEDED, AgreementStatus.TERMINATED, AgreementStatus.DROPPED):
        values["ended_at"] = func.coalesce(AGREEMENTS.c.ended_at, at)
    if reason is not None:
        values["reason"] = reason
    connection.execute(AGREEMENTS.update().where(AGREEMENTS.c.agreement_id == agreement_id).values(**values))


def _signatures(connection: Connection, environment: int) -> dict[int, list[SignatureRow]]:
    query = (
        select(SIGNATURES)
        .where(SIGNATURES.c.environment == environment)
        .order_by(SIGNATURES.c.agreement_id, SIGNATURES.c.signed_at, SIGNATURES.c.party)
    )
    found: dict[int, list[SignatureRow]] = {}
    for row in connection.execute(query):
        found.setdefault(row.agreement_id, []).append(
            SignatureRow(
                party=row.party,
                signatory=row.signatory,
                key=row.key,
                signature=row.signature.decode(),
                signed_at=row.signed_at,
                ml_dsa_key=row.ml_dsa_key,
                ml_dsa_signature=row.ml_dsa_signature,
            )
        )
    return found


def _standings(connection: Connection, environment: int) -> dict[int, list[StandingRow]]:
    query = select(STANDINGS).where(STANDINGS.c.environment == environment)
    found: dict[int, list[StandingRow]] = {}
    for row in connection.execute(query.order_by(STANDINGS.c.agreement_id, STANDINGS.c.party, STANDINGS.c.act)):
        try:
            act = StandingAct(row.act)
        except ValueError as error:
            where = f"agreement_standings rows of {row.agreement_id}"
            raise StoreBrokenError(f"{row.act[:40]!r} is nothing that a party does", where=where) from error
        found.setdefault(row.agreement_id, []).append(
            StandingRow(
                party=row.party,
                act=act,
                at=row.at,
                until=row.until,
                reason=row.reason,
                signatory=row.signatory,
                key=row.key,
                signature=row.signature,
                ml_dsa_key=row.ml_dsa_key,
                ml_dsa_signature=row.ml_dsa_signature,
            )
        )
    return found


def _graces(connection: Connection, environment: int) -> dict[int, list[GraceRow]]:
    query = select(GRACES).where(GRACES.c.environment == environment)
    found: dict[int, list[GraceRow]] = {}
    for row in connection.execute(query.order_by(GRACES.c.agreement_id, GRACES.c.number)):
        try:
            parties = _URIS.decode(row.parties)
        except msgspec.MsgspecError as error:
            raise StoreBrokenError("its parties cannot be read", where=f"grace of {row.agreement_id}") from error
        grace = Grace(basis=row.basis, parties=frozenset(parties), until=row.until, number=row.number)
        found.setdefault(row.agreement_id, []).append(GraceRow(grace=grace, at=row.at, reason=row.reason))
    return found


class _Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside versions, by their number."""

    signatures: Mapping[int, list[SignatureRow]]
    standings: Mapping[int, list[StandingRow]]
    graces: Mapping[int, list[GraceRow]]
    annexes: Mapping[str, list[Activation]]  # by the agreement's name


def _agreement(row: Row[tuple[object, ...]], beside: _Beside) -> AgreementRow:
    where = f"agreements row {row.agreement_id}"
    try:
        names = _NAMES.decode(row.names)
        document, _ = _load(row.document, tuple(sorted(names.items())), amendment=row.amends is not None)
        status = AgreementStatus(row.status)
    except (InputError, msgspec.MsgspecError, ValueError) as error:
        raise StoreBrokenError(f"it cannot be read: {error}", where=where, todo="run `tocsin check`") from error
    if (row.name, row.version) != (document.name, document.version):
        raise StoreBrokenError("its columns say other than its document", where=where, todo="run `tocsin check`")
    return AgreementRow(
        agreement_id=row.agreement_id,
        name=row.name,
        version=row.version,
        status=status,
        text=row.document,
        digest=row.digest,
        document=document,
        names=names,
        policies=row.policies,
        signatures=tuple(beside.signatures.get(row.agreement_id, ())),
        proposed_at=row.proposed_at,
        activated_at=row.activated_at,
        ended_at=row.ended_at,
        amends=row.amends,
        reason=row.reason,
        standings=tuple(beside.standings.get(row.agreement_id, ())),
        graces=tuple(beside.graces.get(row.agreement_id, ())),
        annexes=tuple(one for one in beside.annexes.get(row.name, ()) if one.version == row.version),
    )


# Reading and compiling a document takes some ten milliseconds, and every change of a party reads them all anew; a hub
# of this many versions is larger than any that we know.
@functools.lru_cache(maxsize=1_024)
def _load(
    text: bytes, names: tuple[tuple[str, str], ...], *, amendment: bool
) -> tuple[AgreementDocument, tuple[Policy, ...]]:
    document = parse_agreement(text, where="agreement").document
    return document, compile_agreement(document, dict(names), amendment=amendment)
