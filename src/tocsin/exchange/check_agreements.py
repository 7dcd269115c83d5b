"""The self-test of agreements: each version and what was done to it, compared with the entries that tell of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from tocsin.agreements.annexes.model import Activation, Call, Shift
from tocsin.agreements.annexes.replay import ANNEX_KINDS
from tocsin.agreements.annexes.store import CallRow, read_activations, read_calls, read_shifts
from tocsin.agreements.annexes.wire import AnnexAct, Calling, Duty, call_bytes
from tocsin.agreements.document import verify_bytes
from tocsin.agreements.facts import Grace
from tocsin.agreements.membership import StandingAct
from tocsin.agreements.replay import KINDS
from tocsin.agreements.store import (
    Attachment,
    GraceRow,
    SignatureRow,
    StandingRow,
    agreement_rows,
    attachments,
)
from tocsin.errors import StoreBrokenError
from tocsin.kernel.clock import Micros, parse_instant
from tocsin.parties import store as parties

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.exchange.case import Case

__all__ = ["check_agreements", "check_annexes"]


class _Version(msgspec.Struct, kw_only=True):
    """The instants and signatures of one version of an agreement, as the log tells them."""

    proposed_at: Micros
    activated_at: Micros | None = None
    ended_at: Micros | None = None
    signatures: set[SignatureRow] = msgspec.field(default_factory=set)
    standings: set[StandingRow] = msgspec.field(default_factory=set)
    graces: list[GraceRow] = msgspec.field(default_factory=list)
    attachments: set[Attachment] = msgspec.field(default_factory=set)


def check_agreements(case: Case) -> str:
    """What a version says of itself holds, and its instants and signatures are those of its entries."""
    count = case.agreements.verify()
    told = _told_versions(case)
    for row in agreement_rows(case.connection, case.environment):
        where = f"agreement {row.name} version {row.version}"
        version = told.get((row.name, row.version))
        if version is None:
            raise StoreBrokenError("the log does not tell of it", where=where)
        if set(row.signatures) != version.signatures:
            raise StoreBrokenError("its signatures are not those that the log tells", where=where)
        instants = (version.proposed_at, version.activated_at, version.ended_at)
        if (row.proposed_at, row.activated_at, row.ended_at) != instants:
            raise StoreBrokenError("it began or ended at other times than the log tells", where=where)
        if set(row.standings) != version.standings:
            raise StoreBrokenError("who left, objected or joined is not what the log tells", where=where)
        if list(row.graces) != version.graces:
            raise StoreBrokenError("its graces are not those that the log tells", where=where)
        if set(attachments(case.connection, row.agreement_id)) != version.attachments:
            raise StoreBrokenError("its attachments are not those that the log tells", where=where)
    return f"{count} versions; policies compiled anew, signatures verified"


def check_annexes(case: Case) -> str:
    """Activations, calls and shifts are those that the log tells; every call verifies."""
    told: dict[str, dict[int, Activation]] = {}
    calls: dict[str, list[Calling]] = {}
    instants: dict[str, list[Micros]] = {}
    shifts: dict[tuple[str, str], Shift] = {}
    for _, payload in case.entries(*sorted(ANNEX_KINDS)):
        if payload.kind == "duty.set":
            duty = msgspec.convert(payload.data, Duty)
            shift = Shift(party=duty.party, user=duty.user, starts=duty.starts, until=duty.until)
            shifts[duty.party, duty.user] = shift
            continue
        said = msgspec.convert(payload.data, Calling if payload.kind == "annex.called" else AnnexAct)
        told.setdefault(said.agreement, {}).update({one.number: one for one in said.activations})
        if isinstance(said, Calling):
            calls.setdefault(said.agreement, []).append(said)
            instants.setdefault(said.agreement, []).append(parse_instant(payload.at))
    activations = read_activations(case.connection, case.environment)
    if activations != {name: [made[number] for number in sorted(made)] for name, made in told.items() if made}:
        raise StoreBrokenError("activations are not those that the log tells", where="annex_activations")
    if read_shifts(case.connection, case.environment) != [shifts[who] for who in sorted(shifts)]:
        raise StoreBrokenError("who is on duty is not what the log tells", where="duty")
    documents = {(row.name, row.version): row.document for row in agreement_rows(case.connection, case.environment)}
    hub = parties.read_hub(case.connection, case.environment) or ""
    seen: dict[str, list[tuple[Calling, Micros, CallRow]]] = {}
    stored = read_calls(case.connection, case.environment)
    if {row.agreement for row in stored} != calls.keys():
        raise StoreBrokenError("calls are not those that the log tells", where="annex_calls")
    for row in stored:
        before = seen.setdefault(row.agreement, [])
        said, at = calls[row.agreement][len(before)], instants[row.agreement][len(before)]
        before.append((said, at, row))
        if row != _told_call(said, at, len(before)):
            raise StoreBrokenError(
                "a call is another than the log tells", where=f"call {row.number} of {row.agreement}"
            )
        verify_bytes(
            call_bytes(
                documents[row.agreement, row.version],
                annex=row.call.annex,
                asked=row.call.asked,
                hub=hub,
                party=row.call.party,
                user=row.call.user,
                said_at=row.call.said_at,
                reason=row.reason,
            ),
            said.made,
            public_key=row.call.key,
            ml_dsa_key=row.ml_dsa_key,
            what="call",
        )
    if any(len(seen[name]) != len(made) for name, made in calls.items()):
        raise StoreBrokenError("calls are not those that the log tells", where="annex_calls")
    count = sum(map(len, activations.values()))
    return f"{count} activations, {len(stored)} calls, {len(shifts)} shifts; signatures verified"


def _told_call(said: Calling, at: Micros, number: int) -> CallRow:
    call = Call(
        annex=said.annex,
        party=said.party,
        kind=said.kind,
        user=said.user,
        at=at,
        asked=said.asked,
        said_at=said.said_at,
        key=said.key,
    )
    return CallRow(
        agreement=said.agreement,
        version=said.version,
        number=number,
        call=call,
        reason=said.reason,
        signature=said.signature,
        ml_dsa_key=said.ml_dsa_key,
        ml_dsa_signature=said.ml_dsa_signature,
    )


def _told_versions(case: Case) -> dict[tuple[str, int], _Version]:
    told: dict[tuple[str, int], _Version] = {}
    for _, payload in case.entries(*sorted(KINDS - ANNEX_KINDS)):
        data, at, kind = payload.data, parse_instant(payload.at), payload.kind
        key = (data["agreement"], data["version"])
        if kind == "agreement.proposed":
            told[key] = _Version(proposed_at=at)
            continue
        version = told[key]
        if kind == "agreement.signed":
            version.signatures.add(
                SignatureRow(party=data["party"], signatory=data["signatory"], signed_at=at, **_signatures(data))
            )
        elif kind in ("agreement.activated", "agreement.adopted"):
            version.activated_at = at
            for grace in data.get("graces", ()):
                _note_grace(version, grace, at)
            for (name, number), lower in told.items():
                if name == key[0] and number < key[1] and lower.ended_at is None:
                    lower.ended_at = at
        elif kind in ("agreement.terminated", "agreement.dropped"):
            version.ended_at = at
        _note_standing(version, kind, data, at)
    return told


def _note_grace(version: _Version, data: Mapping[str, Any], at: Micros) -> None:
    grace = Grace(
        basis=data["basis"],
        parties=frozenset(data["parties"]),
        until=data["until"],
        number=len(version.graces) + 1,
    )
    version.graces.append(GraceRow(grace=grace, at=at, reason=data["reason"]))


def _note_standing(version: _Version, kind: str, data: Mapping[str, Any], at: Micros) -> None:
    """Note what an entry tells of who joined, objected, left or was granted what, beside their signatures."""
    match kind:
        case "agreement.admitted":
            made = StandingRow(party=data["party"], act=StandingAct.ADMIT, at=at, reason=data["reason"])
            version.standings.add(made)
        case "agreement.objected" | "agreement.withdrawn":
            act = StandingAct.OBJECT if kind == "agreement.objected" else StandingAct.WITHDRAW
            version.standings.add(
                StandingRow(
                    party=data["party"],
                    act=act,
                    at=at,
                    until=data.get("leaves"),
                    reason=data["reason"],
                    signatory=data["signatory"],
                    **_signatures(data),
                )
            )
        case "agreement.adopted":
            version.standings |= {StandingRow(party=uri, act=StandingAct.ADOPT, at=at) for uri in data["carried"]}
            version.standings |= {
                StandingRow(party=uri, act=StandingAct.WITHDRAW, at=at, until=until)
                for uri, until in data["leaving"].items()
            }
        case "agreement.grace":
            _note_grace(version, data, at)
        case "agreement.attached":
            version.attachments.add(
                Attachment(
                    sha256=data["sha256"],
                    party=data["party"],
                    title=data["title"],
                    over=data["over"],
                    content=base64.b64decode(data["content"]),
                    at=at,
                    outcome=data["outcome"],
                )
            )


def _signatures(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": data["key"],
        "signature": data["signature"],
        "ml_dsa_key": data.get("ml_dsa_key"),
        "ml_dsa_signature": data.get("ml_dsa_signature"),
    }
