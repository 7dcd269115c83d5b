"""Purges, reviews and legal holds rebuilt from the log alone, and compared with what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import msgspec
from sqlalchemy import select

from tocsin.agreements.document.terms import Then
from tocsin.errors import InputError, LogBrokenError, StoreBrokenError
from tocsin.exchange.retention import store
from tocsin.exchange.retention.model import REVIEW_TIME, Decision, Ground, Hold, Item, Rule, Scope, check_hold
from tocsin.exchange.retention.rules import due_at, rules_for
from tocsin.exchange.retention.service import planned
from tocsin.exchange.retention.tables import PURGES, RETENTION_PLACES, RETENTION_REVIEWS
from tocsin.exchange.tables import CONTRIBUTIONS
from tocsin.kernel.clock import Micros, parse_instant
from tocsin.parties.tables import PARTIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tocsin.agreements.facts import Activated
    from tocsin.agreements.model import Label
    from tocsin.exchange.case import Case

__all__ = ["KINDS", "PRIVILEGED", "Key", "Rules", "Told", "apply", "check_retention"]

PRIVILEGED: Final = frozenset({"hold.placed", "hold.renewed", "hold.lifted"})
KINDS: Final = PRIVILEGED | {"purge", "review.opened", "review.decided"}

Key: TypeAlias = tuple[str, str, Micros]
"""A contribution, as the log names it: its owner's URI, its object's id, its version."""


class Asked(msgspec.Struct, kw_only=True):
    """One review: when it was opened, and what came of it."""

    opened_at: Micros
    answer_by: Micros
    decided_at: Micros | None = None
    decision: str | None = None
    kept_until: Micros | None = None


class Gone(msgspec.Struct, kw_only=True):
    """One order to purge; ``purged_at`` None: a legal hold keeps it."""

    ground: str
    reference: str
    ordered_at: Micros
    purged_at: Micros | None


class Told(msgspec.Struct, kw_only=True):
    """What the entries so far have made."""

    holds: dict[str, Hold] = msgspec.field(default_factory=dict)
    purges: dict[Key, Gone] = msgspec.field(default_factory=dict)
    reviews: dict[tuple[Key, str], list[Asked]] = msgspec.field(default_factory=dict)


class Rules(Protocol):
    """What the entries before one made, as far as its rules ask; of a self-test, which only compares, there is none."""

    def contributed(self, key: Key) -> tuple[Label, Micros] | None:
        """Return the label of a contribution, and when it was submitted; None: there is none."""
        ...

    def bound(self) -> Sequence[Activated]:
        """Return the agreements whose retain clauses bind."""
        ...

    def called_back(self, recall: str, key: Key) -> bool:
        """Return whether a recall orders the hub to destroy a contribution."""
        ...


class _Purge(msgspec.Struct, frozen=True, kw_only=True):
    owner: str
    ground: Ground
    reference: str
    objects: list[tuple[str, Micros]]
    held: list[tuple[str, Micros]]
    withdrawn: dict[str, list[int]]


class _Opened(msgspec.Struct, frozen=True, kw_only=True):
    owner: str
    reference: str
    objects: list[tuple[str, Micros]]
    answer_by: str


class _Decided(msgspec.Struct, frozen=True, kw_only=True):
    owner: str
    reference: str
    objects: list[tuple[str, Micros]]
    kept_until: str


class _Placed(msgspec.Struct, frozen=True, kw_only=True):
    hold: str
    authority: str
    reason: str
    scope: Scope
    until: str


class _Renewed(msgspec.Struct, frozen=True, kw_only=True):
    hold: str
    reason: str
    until: str


class _Lifted(msgspec.Struct, frozen=True, kw_only=True):
    hold: str
    reason: str


def apply(told: Told, kind: str, data: Mapping[str, Any], *, at: Micros, rules: Rules | None) -> None:
    """Note what an entry tells of purges, reviews and holds; with ``rules``, hold it to them.

    Raises:
        LogBrokenError: it is not what such an entry holds, or cannot have happened.
    """
    try:
        _STEPS[kind](told, dict(data), at, rules)
    except (msgspec.ValidationError, InputError) as error:
        raise LogBrokenError(str(error), where=kind) from error


def _place(told: Told, data: dict[str, Any], at: Micros, _rules: Rules | None) -> None:
    placed = msgspec.convert(data, _Placed, strict=True)
    until = parse_instant(placed.until)
    check_hold(authority=placed.authority, reason=placed.reason, until=until, at=at)
    if placed.hold in told.holds:
        raise InputError("there is a hold of this id already")
    told.holds[placed.hold] = Hold(
        uuid=placed.hold,
        authority=placed.authority,
        reason=placed.reason,
        scope=placed.scope,
        placed_at=at,
        until=until,
    )


def _renew(told: Told, data: dict[str, Any], at: Micros, _rules: Rules | None) -> None:
    renewed = msgspec.convert(data, _Renewed, strict=True)
    hold, until = _standing(told, renewed.hold, at), parse_instant(renewed.until)
    check_hold(authority=hold.authority, reason=renewed.reason, until=until, at=at)
    if until <= hold.until:
        raise InputError("it was to last until then already")
    told.holds[hold.uuid] = msgspec.structs.replace(hold, until=until)


def _lift(told: Told, data: dict[str, Any], at: Micros, _rules: Rules | None) -> None:
    lifted = msgspec.convert(data, _Lifted, strict=True)
    hold = _standing(told, lifted.hold, at)
    told.holds[hold.uuid] = msgspec.structs.replace(hold, lifted_at=at)


def _standing(told: Told, uuid: str, at: Micros) -> Hold:
    hold = told.holds.get(uuid)
    if hold is None or not hold.stands(at):
        raise InputError("it is about a hold that does not stand")
    return hold


def _purge(told: Told, data: dict[str, Any], at: Micros, rules: Rules | None) -> None:
    purge = msgspec.convert(data, _Purge, strict=True)
    if not purge.objects and not purge.held:
        raise InputError("it purges nothing")
    for names, held in ((purge.objects, False), (purge.held, True)):
        for object_id, version in names:
            key = (purge.owner, object_id, version)
            before = told.purges.get(key)
            if before is not None and (before.purged_at is not None or held):
                raise InputError(f"{object_id} was purged, or found under a hold, before")
            if rules is not None:
                _require_purge(told, purge, key, rules, at=at, held=held, waited=before)
            if before is None:
                told.purges[key] = Gone(
                    ground=str(purge.ground),
                    reference=purge.reference,
                    ordered_at=at,
                    purged_at=None if held else at,
                )
            else:
                before.purged_at = at
            _close_reviews(told, key, at)


def _require_purge(
    told: Told, purge: _Purge, key: Key, rules: Rules, *, at: Micros, held: bool, waited: Gone | None
) -> None:
    """Refuse a purge that nothing orders, or that a hold forbids."""
    known = rules.contributed(key)
    if known is None:
        raise InputError(f"{key[1]} was never contributed")
    label, submitted = known
    item = Item(
        contribution_id=0,
        owner=key[0],
        object_id=key[1],
        version=key[2],
        type=label.type,
        label_id=0,
        submitted=submitted,
    )
    covered = any(hold.stands(at) and hold.scope.covers(item) for hold in told.holds.values())
    if covered is not held:
        raise InputError(f"{key[1]} was {'under a' if covered else 'under no'} hold")
    if waited is not None:
        # it was ordered when it began to wait; another order may have come since
        return
    if purge.ground is Ground.RETENTION:
        rule = _rule(rules, label, purge.reference, Then.PURGE)
        if due_at(submitted, rule) > at or not _binds(rule, submitted):
            raise InputError(f"{key[1]} was not due yet")
    elif purge.ground is Ground.REVIEW:
        asked = told.reviews.get((key, purge.reference))
        if not asked or asked[-1].decided_at is not None:
            raise InputError(f"no review of {key[1]} was open")
    elif not rules.called_back(purge.reference, key):
        raise InputError(f"no recall orders {key[1]} destroyed")


def _rule(rules: Rules, label: Label, reference: str, then: Then) -> Rule:
    for rule in rules_for(label, rules.bound()):
        if rule.reference == reference and rule.then is then:
            return rule
    raise InputError(f"no clause {reference[:80]} binds it")


def _binds(rule: Rule, submitted: Micros) -> bool:
    return rule.until is None or submitted < rule.until


def _close_reviews(told: Told, key: Key, at: Micros) -> None:
    for (named, _), asked in told.reviews.items():
        if named == key and asked[-1].decided_at is None:
            asked[-1].decided_at, asked[-1].decision = at, str(Decision.PURGE)


def _open(told: Told, data: dict[str, Any], at: Micros, rules: Rules | None) -> None:
    opened = msgspec.convert(data, _Opened, strict=True)
    answer_by = parse_instant(opened.answer_by)
    if answer_by != at + REVIEW_TIME:
        raise InputError("its owner has another time to answer")
    for object_id, version in opened.objects:
        key = (opened.owner, object_id, version)
        asked = told.reviews.setdefault((key, opened.reference), [])
        last = asked[-1] if asked else None
        if key in told.purges or (last is not None and (last.kept_until is None or last.kept_until > at)):
            raise InputError(f"{object_id} was not to be reviewed")
        if rules is not None and last is None:
            known = rules.contributed(key)
            rule = None if known is None else _rule(rules, known[0], opened.reference, Then.REVIEW)
            if known is None or rule is None or due_at(known[1], rule) > at or not _binds(rule, known[1]):
                raise InputError(f"{object_id} was not due for review")
        asked.append(Asked(opened_at=at, answer_by=answer_by))


def _decide(told: Told, data: dict[str, Any], at: Micros, _rules: Rules | None) -> None:
    decided = msgspec.convert(data, _Decided, strict=True)
    kept_until = parse_instant(decided.kept_until)
    for object_id, version in decided.objects:
        asked = told.reviews.get(((decided.owner, object_id, version), decided.reference))
        if not asked or asked[-1].decided_at is not None or kept_until <= at:
            raise InputError(f"no review of {object_id} was open")
        asked[-1].decided_at, asked[-1].decision, asked[-1].kept_until = at, str(Decision.KEEP), kept_until


_STEPS: Final[dict[str, Callable[[Told, dict[str, Any], Micros, Rules | None], None]]] = {
    "hold.placed": _place,
    "hold.renewed": _renew,
    "hold.lifted": _lift,
    "purge": _purge,
    "review.opened": _open,
    "review.decided": _decide,
}


# --- the self-test ---------------------------------------------------------------------------------------------------


def check_retention(case: Case) -> str:
    """Return what was counted, once purges, reviews and holds are as the log tells, and nothing overdue is passed by.

    Raises:
        StoreBrokenError: one is not.
    """
    told = Told()
    for _index, payload in case.entries(*KINDS):
        apply(told, payload.kind, payload.data, at=parse_instant(payload.at), rules=None)
    keys = {
        row.contribution_id: ((row.uri, row.object_id, row.version), row.salt is None, row.bytes is None, row.digest)
        for row in case.connection.execute(
            select(
                CONTRIBUTIONS.c.contribution_id,
                PARTIES.c.uri,
                CONTRIBUTIONS.c.object_id,
                CONTRIBUTIONS.c.version,
                CONTRIBUTIONS.c.salt,
                CONTRIBUTIONS.c.bytes,
                CONTRIBUTIONS.c.digest,
            )
            .join(PARTIES, PARTIES.c.party_id == CONTRIBUTIONS.c.owner_id)
            .where(
                CONTRIBUTIONS.c.environment == case.environment,
                CONTRIBUTIONS.c.salt.is_(None)
                | CONTRIBUTIONS.c.bytes.is_(None)
                | CONTRIBUTIONS.c.contribution_id.in_(select(PURGES.c.contribution_id))
                | CONTRIBUTIONS.c.contribution_id.in_(select(RETENTION_REVIEWS.c.contribution_id)),
            )
        )
    }
    stored = {one.uuid: one for one in store.holds(case.connection, case.environment)}
    if stored != told.holds:
        raise StoreBrokenError("holds are stored that the log does not tell of, or the other way", where="legal_holds")
    _compare_purges(case, told, {key: found[0] for key, found in keys.items()})
    for key, no_salt, no_bytes, digest in keys.values():
        gone = key in told.purges and told.purges[key].purged_at is not None
        if not gone == no_salt == no_bytes == (not digest):
            raise StoreBrokenError(
                "it is purged, and the log does not tell so, or the other way", where=f"{key[1]} of {key[0]}"
            )
    _compare_reviews(case, told, {key: found[0] for key, found in keys.items()})
    _check_places(case)
    done = sum(one.purged_at is not None for one in told.purges.values())
    asked = sum(map(len, told.reviews.values()))
    return f"{done} contributions purged, {len(told.purges) - done} held, {asked} reviews, {len(told.holds)} holds"


def _compare_purges(case: Case, told: Told, keys: Mapping[int, Key]) -> None:
    stored = {
        keys.get(row.contribution_id): Gone(
            ground=row.ground, reference=row.reference, ordered_at=row.ordered_at, purged_at=row.purged_at
        )
        for row in case.connection.execute(select(PURGES).where(PURGES.c.environment == case.environment))
    }
    if stored != told.purges:
        raise StoreBrokenError("purges are stored that the log does not tell of, or the other way", where="purges")


def _compare_reviews(case: Case, told: Told, keys: Mapping[int, Key]) -> None:
    stored: dict[tuple[Key | None, str], list[Asked]] = {}
    rows = case.connection.execute(
        select(RETENTION_REVIEWS)
        .where(RETENTION_REVIEWS.c.environment == case.environment)
        .order_by(RETENTION_REVIEWS.c.review_id)
    )
    for row in rows:
        stored.setdefault((keys.get(row.contribution_id), row.reference), []).append(
            Asked(
                opened_at=row.opened_at,
                answer_by=row.answer_by,
                decided_at=row.decided_at,
                decision=row.decision,
                kept_until=row.kept_until,
            )
        )
    if stored != told.reviews:
        raise StoreBrokenError(
            "reviews are stored that the log does not tell of, or the other way", where="retention_reviews"
        )


def _check_places(case: Case) -> None:
    """Nothing that a clause wants gone or reviewed lies behind the place that the sweep has noted for it."""
    places = {
        row.rule: row.upto
        for row in case.connection.execute(
            select(RETENTION_PLACES).where(RETENTION_PLACES.c.environment == case.environment)
        )
    }
    for plan in planned(case.connection, case.store.adapter, case.environment) if places else ():
        upto = places.get(plan.key, 0)
        if plan.rule.until is not None:
            upto = min(upto, store.last_submitted(case.connection, case.environment, plan.rule.until - 1))
        passed = store.items_between(
            case.connection, case.store.adapter, case.environment, upto=upto, labels=plan.labels
        )
        waits = store.closed(case.connection, case.store.adapter, passed) if passed else set()
        asked = store.asked(case.connection, case.store.adapter, passed, plan.rule.reference) if passed else set()
        left = set(passed) - waits - (asked if plan.rule.then is Then.REVIEW else set())
        if left:
            raise StoreBrokenError(
                f"contribution {min(left)} was passed by",
                where=f"retention_places, {plan.rule.reference}",
                todo="run `tocsin retention sweep` after removing the row",
            )
