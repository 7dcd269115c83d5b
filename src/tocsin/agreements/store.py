"""Agreements and signatures as rows, and the epoch that counts every change to what verdicts are made from."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import bindparam, select

from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import AgreementDocument, parse_agreement
from tocsin.agreements.facts import Activated
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.tables import AGREEMENTS, POLICY_EPOCHS, SIGNATURES
from tocsin.errors import InputError, StoreBrokenError
from tocsin.kernel.clock import Micros
from tocsin.kernel.db.store import next_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from tocsin.agreements.cedar import Policy

__all__ = [
    "AgreementRow",
    "SignatureRow",
    "add_agreement",
    "add_signature",
    "agreement_rows",
    "policy_epoch",
    "raise_epoch",
    "read_in_force",
    "set_status",
    "start_epochs",
]

# Asked for by every request.
_EPOCH: Final = select(POLICY_EPOCHS.c.epoch).where(POLICY_EPOCHS.c.environment == bindparam("environment"))

_NAMES: Final = msgspec.json.Decoder(dict[str, str])


class SignatureRow(msgspec.Struct, frozen=True, kw_only=True):
    """One party's signature; key and signature are base64."""

    party: str  # URI
    signatory: str  # name of the user
    key: str
    signature: str
    signed_at: Micros


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

    @property
    def signed(self) -> frozenset[str]:
        """Return the URIs of the parties that signed."""
        return frozenset(signature.party for signature in self.signatures)

    @property
    def activated(self) -> Activated:
        """Return it as the gate takes it."""
        _, policies = _load(self.text, tuple(sorted(self.names.items())))
        return Activated(document=self.document, names=self.names, signed=self.signed, policies=policies)


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


def read_in_force(connection: Connection, environment: int) -> tuple[Activated, ...]:
    """Return every version that is activated and not superseded, whatever its term says of the present."""
    return tuple(
        row.activated for row in agreement_rows(connection, environment) if row.status is AgreementStatus.IN_FORCE
    )


def agreement_rows(connection: Connection, environment: int, name: str | None = None) -> list[AgreementRow]:
    """Return all versions of all agreements, or of one, by name and version.

    Raises:
        StoreBrokenError: a row is not what it must be.
    """
    query = select(AGREEMENTS).where(AGREEMENTS.c.environment == environment)
    if name is not None:
        query = query.where(AGREEMENTS.c.name == name)
    rows = connection.execute(query.order_by(AGREEMENTS.c.name, AGREEMENTS.c.version)).all()
    signatures = _signatures(connection, environment) if rows else {}
    return [_agreement(row, tuple(signatures.get(row.agreement_id, ()))) for row in rows]


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
        )
    )


def set_status(connection: Connection, agreement_id: int, status: AgreementStatus, at: Micros) -> None:
    """Move a version to a status; the instants of its activation and of its end are entered with it."""
    values: dict[str, object] = {"status": str(status)}
    if status is AgreementStatus.IN_FORCE:
        values["activated_at"] = at
    if status is AgreementStatus.SUPERSEDED:
        values["ended_at"] = at
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
            )
        )
    return found


def _agreement(row: Row[tuple[object, ...]], signatures: tuple[SignatureRow, ...]) -> AgreementRow:
    where = f"agreements row {row.agreement_id}"
    try:
        names = _NAMES.decode(row.names)
        document, _ = _load(row.document, tuple(sorted(names.items())))
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
        signatures=signatures,
        proposed_at=row.proposed_at,
        activated_at=row.activated_at,
        ended_at=row.ended_at,
    )


# Reading and compiling a document takes some ten milliseconds, and every change of a party reads them all anew; a hub
# of this many versions is larger than any that we know.
@functools.lru_cache(maxsize=1_024)
def _load(text: bytes, names: tuple[tuple[str, str], ...]) -> tuple[AgreementDocument, tuple[Policy, ...]]:
    document = parse_agreement(text, where="agreement").document
    return document, compile_agreement(document, dict(names))
