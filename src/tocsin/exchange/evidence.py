"""What a hub hands to outsiders so that they can check it: exports of its log, and proofs of single entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import select

from tocsin.errors import InputError, LogBrokenError, NotFoundError
from tocsin.exchange.store import object_key
from tocsin.exchange.tables import CONTRIBUTIONS, SUBMISSIONS
from tocsin.log.commitment import commit_content, content_text
from tocsin.log.export import write_export
from tocsin.log.model import Disclosure, decode_payload
from tocsin.log.proof import CONTENT_FIELD, Content, Proof, ProvenEntry, verify_proof
from tocsin.log.service import Record
from tocsin.parties import store as parties

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

    from tocsin.kernel.db import Store
    from tocsin.kernel.mandate import Acting
    from tocsin.log.export import ExportSummary
    from tocsin.log.model import EntryPayload
    from tocsin.log.service import Log
    from tocsin.log.store import Row

__all__ = [
    "SCOPES",
    "ProvenOffer",
    "check_scope",
    "export_log",
    "prove_entry",
    "prove_object",
    "proven_offer",
    "verify_evidence",
]

# What an export may disclose: every payload, none, or those that are about one party.
SCOPES: Final = "all, none or party:NAME"
_WITHOUT_PARTY: Final = frozenset({"all", "none"})
_PARTY: Final = "party:"


class ProvenOffer(msgspec.Struct, frozen=True, kw_only=True):
    """The offer of which a proof showed the bytes: whose, what, and when the hub took it."""

    party: str  # URI
    collection: str  # UUID
    object_id: str
    version: int  # microseconds
    sequence: int
    date_added: int  # microseconds


def export_log(
    store: Store, log: Log, directory: Path, *, scope: str = "all", progress: Callable[[int], None] | None = None
) -> ExportSummary:
    """Write what an outsider needs to check the log into a new directory.

    Args:
        store: the hub's.
        log: the hub's.
        directory: where to; must not exist, or be empty.
        scope: ``all``, ``none`` or ``party:NAME`` (the entries that are about that party).
        progress: called with the number of entries written since the last call.

    Raises:
        InputError: there is no such scope; NotFoundError: no such party.
        ConflictError: the directory holds something.
        UsageError: it cannot be written to.
        LogBrokenError: the log is not what it must be.
    """
    with store.read() as connection:
        concerned = _concerned(connection, log, scope)
        head = log.head(connection)
        size = head.frontier.size
        return write_export(
            directory,
            checkpoint=head.checkpoint,
            signer=log.signer,
            entries=(row.entry for row in log.rows(connection, 0, size)),
            disclosures=(
                Disclosure(index=row.index, salt=row.salt, payload=row.payload)
                for row in (log.rows(connection, 0, size) if scope != "none" else ())
                # what is purged cannot be disclosed to anybody
                if row.salt is not None and row.payload is not None and (concerned is None or concerned in row.concerns)
            ),
            scope=scope,
            progress=progress,
        )


def prove_entry(store: Store, log: Log, index: int) -> Proof:
    """Return the proof of an entry under the newest checkpoint.

    Raises:
        NotFoundError: the log has no such entry, or its payload is purged.
    """
    with store.read() as connection:
        return _proof(connection, log, log.row(connection, index), None)


def prove_object(store: Store, log: Log, acting: Acting, *, owner: str, object_id: str) -> Proof:
    """Return the proof that the hub took an object: the entry that offered it, and what opens its commitment.

    The newest version of that id counts. What leaves in a proof passes no gate: it is for its owner alone, and what
    others contributed under the same id does not exist for it. Asking is an act: it is logged, whatever the answer, and
    the owner sees it.

    Args:
        store: the hub's.
        log: the hub's.
        acting: who asks, for the owner.
        owner: URI of the party that asks, and whose contribution is meant.
        object_id: what to prove.

    Raises:
        NotFoundError: it contributed none, or it is purged.
    """
    with store.write() as connection:
        data: dict[str, object] = {"verb": "prove", "object": object_id[:256], "owner": owner}
        at = log.now(connection)
        log.append(connection, [Record(kind="inquiry", at=at, acting=acting, concerns=(owner,), data=data)])
    with store.read() as connection:
        row = _contribution(connection, log, owner, object_id)
        if row.salt is None or row.bytes is None:
            raise NotFoundError("its content is purged, and nothing opens its commitment any more", where=object_id)
        entry = _submission_entry(connection, log, row.uuid, row.received_at)
        return _proof(connection, log, entry, Content(salt=row.salt, body=row.bytes))


def verify_evidence(proof: Proof, *, trusted_vkey: str | None = None) -> tuple[ProvenEntry, ProvenOffer | None]:
    """Check all that a proof claims, and read which offer it is about.

    Raises:
        LogBrokenError: something does not hold.
        InputError: a key is no verifier key, or the payload is of a version that is not known here.
    """
    proven = verify_proof(proof, trusted_vkey=trusted_vkey)
    if proof.content is None:
        return proven, None
    commitment = content_text(commit_content(salt=proof.content.salt, body=proof.content.body))
    return proven, proven_offer(proven.payload, commitment)


def proven_offer(payload: EntryPayload, commitment: str) -> ProvenOffer | None:
    """Return the offer of a submission's entry that carries a commitment, or None."""
    offers = payload.data.get("offers") if payload.kind == "submission" else None
    for offer in offers if isinstance(offers, list) else ():
        # a stranger may have written it: what is not an offer proves nothing
        if isinstance(offer, dict) and offer.get(CONTENT_FIELD) == commitment:
            try:
                return msgspec.convert(
                    {
                        "party": payload.data.get("party"),
                        "collection": payload.data.get("collection"),
                        "object_id": offer.get("object"),
                        "version": offer.get("version"),
                        "sequence": offer.get("seq"),
                        "date_added": offer.get("added"),
                    },
                    ProvenOffer,
                )
            except msgspec.ValidationError:
                return None
    return None


def check_scope(scope: str) -> str:
    """Return what is to be disclosed if it can be; whether there is such a party is not looked up.

    Raises:
        InputError: it is none of ``SCOPES``.
    """
    if scope not in _WITHOUT_PARTY and not scope.startswith(_PARTY):
        raise InputError(f"{scope[:80]!r} is nothing that can be disclosed", todo=f"use {SCOPES}")
    return scope


def _concerned(connection: Connection, log: Log, scope: str) -> str | None:
    """Return the URI of the party whose entries a scope opens; None: all, or none at all."""
    if check_scope(scope) in _WITHOUT_PARTY:
        return None
    name = scope.removeprefix(_PARTY)
    row = parties.party_by_name(connection, log.environment, name)
    if row is None:
        raise NotFoundError(f"there is no party {name[:80]!r}", todo="`tocsin party list` shows them")
    return row.party.uri


def _proof(connection: Connection, log: Log, row: Row, content: Content | None) -> Proof:
    if row.salt is None or row.payload is None:
        raise NotFoundError("its payload is purged: only its place in the tree is left", where=f"entry {row.index}")
    return Proof(
        checkpoint=log.head(connection).checkpoint.decode(),
        vkey=log.vkey,
        index=row.index,
        entry=row.entry,
        inclusion=log.inclusion(connection, row.index),
        salt=row.salt,
        payload=row.payload.decode(),
        content=content,
    )


def _contribution(connection: Connection, log: Log, owner: str, object_id: str) -> Any:  # noqa: ANN401  a row
    party = parties.party_by_uri(connection, log.environment, owner)
    query = (
        select(CONTRIBUTIONS.c.salt, CONTRIBUTIONS.c.bytes, SUBMISSIONS.c.uuid, SUBMISSIONS.c.received_at)
        .join(SUBMISSIONS, SUBMISSIONS.c.submission_id == CONTRIBUTIONS.c.submission_id)
        .where(
            CONTRIBUTIONS.c.object_key == object_key(log.environment, object_id),
            CONTRIBUTIONS.c.object_id == object_id,
        )
        .where(CONTRIBUTIONS.c.owner_id == (party.party_id if party else 0))
        .order_by(CONTRIBUTIONS.c.version.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    if found is None:
        raise NotFoundError("there is no such object")
    return found


def _submission_entry(connection: Connection, log: Log, uuid: str, at: int) -> Row:
    """Return the entry of a submission: entries rise with time, so that it is found in few steps."""
    low, high = 0, log.head(connection).frontier.size
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if log.row(connection, middle).at < at else (low, middle)
    for row in log.rows(connection, low):
        if row.at != at:
            break
        if row.kind == "submission" and row.payload is not None:
            payload = decode_payload(row.payload, where=f"entry {row.index}")
            if payload.data.get("submission") == uuid:
                return row
    raise LogBrokenError("a submission has no entry", where=uuid, todo="run `tocsin check`")
