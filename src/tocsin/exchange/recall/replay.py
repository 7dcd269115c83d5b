"""Recalls rebuilt from the log alone, and compared with what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import msgspec
from sqlalchemy import select

from tocsin.agreements.lapses import LapseName, lapse_of
from tocsin.errors import InputError, LogBrokenError, StoreBrokenError
from tocsin.exchange.recall import store
from tocsin.exchange.recall.model import (
    Answer,
    Authority,
    Demand,
    Order,
    OurCopy,
    Recall,
    asks_as_much,
    check_attestation,
    check_order,
    reaches,
)
from tocsin.exchange.recall.tables import RECALL_ATTESTATIONS, RECALL_NOTICES, RECALL_OBJECTS, RECALLS
from tocsin.exchange.tables import CONTRIBUTIONS
from tocsin.kernel.clock import Micros, parse_instant
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tocsin.exchange.case import Case

__all__ = ["KINDS", "PRIVILEGED", "Key", "Rules", "Told", "apply", "check_recalls"]

PRIVILEGED: Final = frozenset({"recall.imposed"})
KINDS: Final = PRIVILEGED | {"recall.ordered", "recall.noticed", "recall.attested"}

Key: TypeAlias = tuple[str, str, Micros]
"""A contribution, as the log names it: its owner's URI, its object's id, its version."""

_Attested: TypeAlias = tuple[str, Micros | None, str, str, str | None, Micros]


class Ordered(msgspec.Struct, kw_only=True):
    """One recall: what it is about, and who was to be told (by notice: party and address)."""

    recall: Recall
    keys: frozenset[Key]
    recipients: dict[str, tuple[str, str]]


class Noticed(msgspec.Struct, kw_only=True):
    """One notice: of which recall, to whom, about what, and what was attested."""

    recall: str
    party: str
    address: str
    keys: frozenset[Key]
    attested: list[_Attested] = msgspec.field(default_factory=list)


class Told(msgspec.Struct, kw_only=True):
    """What the entries so far have made."""

    recalls: dict[str, Ordered] = msgspec.field(default_factory=dict)
    notices: dict[str, Noticed] = msgspec.field(default_factory=dict)
    awaited: dict[str, str] = msgspec.field(default_factory=dict)  # notices that were not entered yet -> recall
    untold: dict[str, frozenset[Key]] = msgspec.field(default_factory=dict)  # of those, what is new to their recipients


class Rules(Protocol):
    """What the entries before one made, as far as its rules ask; of a self-test, which only compares, there is none."""

    def has(self, key: Key) -> bool:
        """Return whether there is a contribution."""
        ...

    def received(
        self, keys: Collection[Key], *, since: Micros | None, until: Micros | None, under: str | None
    ) -> Mapping[tuple[str, str], set[Key]]:
        """Return who received which of these contributions of one owner in a time, by party and address.

        ``under``: through this annex alone, and never in another way.
        """
        ...

    def speaks_for(self, reference: str, party: str) -> bool:
        """Return whether a user is one of a party who may attest."""
        ...

    def agreed(self, basis: str, owner: str) -> bool:
        """Return whether an owner signed the agreement that a basis begins with."""
        ...

    def lapsed(self, lapse: LapseName, at: Micros) -> bool:
        """Return whether a legal basis lapsed by an instant under an agreement that then calls back what is held."""
        ...


class _Order(msgspec.Struct, frozen=True, kw_only=True):
    recall: str
    owner: str
    authority: Authority
    basis: str | None
    reason: str
    demand: Demand
    due: str
    ours: OurCopy
    only: list[str] | None
    since: str | None
    until: str | None
    objects: list[tuple[str, Micros]]
    withdrawn: dict[str, list[int]]
    recipients: list[tuple[str, str, str]]
    under: str | None = None


class _Notice(msgspec.Struct, frozen=True, kw_only=True):
    notice: str
    party: str
    address: str
    demand: Demand
    due: str
    reason: str
    objects: list[tuple[str, Micros]]


class _Attest(msgspec.Struct, frozen=True, kw_only=True):
    notice: str
    party: str
    answer: Answer
    until: str | None
    remark: str


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry says beside its data."""

    kind: str
    at: Micros
    actor: str
    on_behalf_of: str | None


def apply(told: Told, act: Act, data: Mapping[str, Any], *, rules: Rules | None) -> None:
    """Note what an entry tells of recalls; with ``rules``, hold it to them.

    Raises:
        LogBrokenError: it is not what such an entry holds, or cannot have happened.
    """
    try:
        _STEPS[act.kind](told, act, dict(data), rules)
    except (msgspec.ValidationError, InputError) as error:
        raise LogBrokenError(str(error), where=act.kind) from error


def _order(told: Told, act: Act, data: dict[str, Any], rules: Rules | None) -> None:
    order = msgspec.convert(data, _Order, strict=True)
    recall = Recall(
        uuid=order.recall,
        owner=order.owner,
        authority=order.authority,
        basis=order.basis,
        reason=order.reason,
        demand=order.demand,
        due=parse_instant(order.due),
        ours=order.ours,
        ordered_at=act.at,
        actor=act.actor,
        on_behalf_of=act.on_behalf_of,
    )
    keys = frozenset((order.owner, object_id, version) for object_id, version in order.objects)
    if order.recall in told.recalls or told.awaited:
        raise InputError("there is a recall of this id, or one whose notices were not given")
    if (act.kind in PRIVILEGED) is not (order.authority is Authority.MANDATE):
        raise InputError("it rests on another authority than its entry")
    if order.ours is not OurCopy.WITHDRAW and order.withdrawn:
        raise InputError("it withdraws what it does not say that it withdraws")
    since = None if order.since is None else parse_instant(order.since)
    until = None if order.until is None else parse_instant(order.until)
    check_order(
        Order(
            contributions=tuple(range(len(keys))),
            demand=order.demand,
            due=recall.due,
            reason=order.reason,
            authority=order.authority,
            basis=order.basis,
            ours=order.ours,
            recipients=None if order.only is None else frozenset(order.only),
        ),
        act.at,
    )
    if order.authority is Authority.MANDATE and not reaches(order.basis or "", {key[1] for key in keys}):
        raise InputError("it calls back another object than was decided")
    recipients = {notice: (party, address) for notice, party, address in order.recipients}
    if rules is not None:
        if not all(rules.has(key) for key in keys):
            raise InputError("it calls back what was never contributed")
        _require_agreed(order, rules, until=until, at=act.at)
        found = rules.received(keys, since=since, until=until, under=order.under)
        meant = {
            who: keys_
            for who, keys_ in found.items()
            if who[0] != order.owner and (order.only is None or who[0] in order.only)
        }
        untold = _untold(told, recall, meant, rules)
        whom = set(recipients.values())
        if whom not in (set(meant), set(untold)) or len(whom) != len(order.recipients):
            raise InputError("it goes to others than those who received what it calls back")
    told.recalls[order.recall] = Ordered(recall=recall, keys=keys, recipients=recipients)
    told.awaited.update(dict.fromkeys(recipients, order.recall))
    if rules is not None:
        for notice, address in recipients.items():
            # what each is to be told, for the notice that follows
            told.notices[notice] = Noticed(
                recall=order.recall,
                party=address[0],
                address=address[1],
                keys=frozenset(meant[address]),
            )
            told.untold[notice] = frozenset(untold.get(address, ()))


def _untold(
    told: Told, recall: Recall, received: Mapping[tuple[str, str], set[Key]], rules: Rules
) -> dict[tuple[str, str], set[Key]]:
    """Return of what somebody received that of which no earlier recall told them since; earlier versions told anew."""
    untold = {who: set(keys) for who, keys in received.items()}
    wanted = frozenset[Key]().union(*received.values())
    for one in told.recalls.values():
        known = one.keys & wanted if asks_as_much(one.recall, recall) else frozenset[Key]()
        if not known:
            continue
        again = rules.received(known, since=one.recall.ordered_at, until=None, under=None)
        for notice, who in one.recipients.items():
            if who in untold:
                untold[who] -= told.notices[notice].keys - again.get(who, set())
    return {who: keys for who, keys in untold.items() if keys}


def _require_agreed(order: _Order, rules: Rules, *, until: Micros | None, at: Micros) -> None:
    if order.authority is not Authority.AGREEMENT:
        return
    basis = order.basis or ""
    if not rules.agreed(basis, order.owner):
        raise InputError("its owner never signed the agreement that it rests on")
    lapse = lapse_of(basis)
    if lapse is not None and not (rules.lapsed(lapse, at) and until == lapse.at):
        raise InputError("it follows a lapse that was none, or that calls nothing back")


def _notice(told: Told, act: Act, data: dict[str, Any], rules: Rules | None) -> None:
    notice = msgspec.convert(data, _Notice, strict=True)
    recall = told.recalls.get(told.awaited.pop(notice.notice, ""))
    if recall is None or recall.recipients[notice.notice] != (notice.party, notice.address):
        raise InputError("no recall gives this notice")
    of = recall.recall
    if (notice.demand, parse_instant(notice.due), notice.reason, act.at) != (
        of.demand,
        of.due,
        of.reason,
        of.ordered_at,
    ):
        raise InputError("it tells something else than its recall orders")
    keys = frozenset((of.owner, object_id, version) for object_id, version in notice.objects)
    if rules is not None:
        if keys not in (told.notices[notice.notice].keys, told.untold.pop(notice.notice)) or not keys:
            raise InputError("it names other objects than its recipient received")
    elif not keys <= recall.keys:
        raise InputError("it names other objects than its recall")
    told.notices[notice.notice] = Noticed(recall=of.uuid, party=notice.party, address=notice.address, keys=keys)


def _attest(told: Told, act: Act, data: dict[str, Any], rules: Rules | None) -> None:
    attest = msgspec.convert(data, _Attest, strict=True)
    notice = told.notices.get(attest.notice)
    if notice is None or notice.party != attest.party or attest.notice in told.awaited:
        raise InputError("it answers a notice that its party never got")
    until = None if attest.until is None else parse_instant(attest.until)
    check_attestation(
        attest.answer,
        until=until,
        remark=attest.remark,
        at=act.at,
        demand=told.recalls[notice.recall].recall.demand,
        before=Answer(notice.attested[-1][0]) if notice.attested else None,
    )
    if rules is not None and not rules.speaks_for(act.on_behalf_of or act.actor, attest.party):
        raise InputError("it is not by a liaison or signatory of its party")
    notice.attested.append((str(attest.answer), until, attest.remark, act.actor, act.on_behalf_of, act.at))


_STEPS: Final[dict[str, Callable[[Told, Act, dict[str, Any], Rules | None], None]]] = {
    "recall.ordered": _order,
    "recall.imposed": _order,
    "recall.noticed": _notice,
    "recall.attested": _attest,
}


# --- the self-test ---------------------------------------------------------------------------------------------------


def check_recalls(case: Case) -> str:
    """Return what was counted, once recalls, notices and attestations are as the log tells.

    Raises:
        StoreBrokenError: one is not.
    """
    told = Told()
    for _index, payload in case.entries(*KINDS):
        act = Act(
            kind=payload.kind, at=parse_instant(payload.at), actor=payload.actor, on_behalf_of=payload.on_behalf_of
        )
        apply(told, act, payload.data, rules=None)
    if told.awaited:
        raise StoreBrokenError("the log tells of a notice that was never given", where=min(told.awaited))
    connection, environment = case.connection, case.environment
    keys: dict[int, Key] = {
        row.contribution_id: (row.uri, row.object_id, row.version)
        for row in connection.execute(
            select(CONTRIBUTIONS.c.contribution_id, PARTIES.c.uri, CONTRIBUTIONS.c.object_id, CONTRIBUTIONS.c.version)
            .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
            .where(CONTRIBUTIONS.c.contribution_id.in_(select(RECALL_OBJECTS.c.contribution_id)))
        )
    }
    rows = store.recalls_of(connection, environment)
    about: dict[int, set[Key]] = {row.recall_id: set() for row in rows}
    for pair in connection.execute(select(RECALL_OBJECTS).where(RECALL_OBJECTS.c.environment == environment)):
        about[pair.recall_id].add(keys[pair.contribution_id])
    stored = {row.recall.uuid: (row.recall, about[row.recall_id]) for row in rows}
    if stored != {uuid: (one.recall, set(one.keys)) for uuid, one in told.recalls.items()}:
        raise StoreBrokenError("recalls are stored that the log does not tell of, or the other way", where=RECALLS.name)
    uuids = {row.recall_id: row.recall.uuid for row in rows}
    answers: dict[int, list[_Attested]] = {}
    for row in connection.execute(
        select(RECALL_ATTESTATIONS)
        .where(RECALL_ATTESTATIONS.c.environment == environment)
        .order_by(RECALL_ATTESTATIONS.c.attestation_id)
    ):
        answers.setdefault(row.notice_id, []).append(
            (row.answer, row.until, row.remark, row.actor, row.on_behalf_of, row.attested_at)
        )
    notices = {
        one.uuid: Noticed(
            recall=uuids[one.recall_id],
            party=one.party,
            address="\n".join(sorted(one.addresses)),
            keys=frozenset(keys[number] for number in one.contributions),
            attested=answers.pop(one.notice_id, []),
        )
        for one in store.notices_of(connection, environment)
    }
    if notices != told.notices or answers:
        raise StoreBrokenError(
            "notices or attestations are stored that the log does not tell of, or the other way",
            where=RECALL_NOTICES.name,
        )
    attested = sum(len(one.attested) for one in notices.values())
    return f"{len(rows)} recalls, {len(notices)} notices, {attested} attestations"
