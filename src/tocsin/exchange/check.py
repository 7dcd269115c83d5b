"""The self-test of a hub: every invariant of its store and log derived anew, each check by its name.

The store holds what the log tells, and nothing else. Everything is read in one snapshot, entry by entry and a few
thousand rows at a time, so that the cost is linear in what there is.
"""

from __future__ import annotations

import hashlib
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import Integer, cast, func, select
from sqlalchemy.exc import SQLAlchemyError

from tocsin.agreements.interning import as_json, read_profile
from tocsin.agreements.store import agreement_rows
from tocsin.errors import LogBrokenError, StoreBrokenError, TocsinError
from tocsin.exchange import store
from tocsin.exchange.access.check import check_access
from tocsin.exchange.again_check import check_made, check_offerings
from tocsin.exchange.case import Case, Entries
from tocsin.exchange.ceilings import check_ceiling
from tocsin.exchange.check_agreements import check_agreements, check_annexes
from tocsin.exchange.check_records import (
    Concerned,
    check_credentials,
    check_labels,
    check_opened,
    check_profiles,
    require_as_taken,
)
from tocsin.exchange.live.webhooks.replay import check_webhooks
from tocsin.exchange.recall.replay import check_recalls
from tocsin.exchange.releases import WITHDRAWN, decode_offers, narrowed
from tocsin.exchange.replay import CLOSING, replay
from tocsin.exchange.retention.replay import check_retention
from tocsin.exchange.sanitise.replay import check_sanitised
from tocsin.exchange.search.check import check_index
from tocsin.exchange.tables import (
    COLLECTIONS,
    CONTRIBUTIONS,
    LABEL_COUNTS,
    OFFERS,
    RELEASED_UNDER,
    RELEASES,
    SUBMISSIONS,
)
from tocsin.governance import store as governance
from tocsin.kernel.clock import format_instant, parse_instant
from tocsin.kernel.db.store import chunks
from tocsin.log.commitment import commit_content, content_text
from tocsin.log.model import decode_payload
from tocsin.parties import store as parties
from tocsin.parties.vetting.store import access_reviews, applications

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Row

    from tocsin.agreements.service import Agreements
    from tocsin.exchange.releases import Integrator
    from tocsin.kernel.db import Store
    from tocsin.log.model import EntryPayload
    from tocsin.log.service import Log

__all__ = ["CHECKS", "Finding", "SelfTest"]

# How many offers are compared at a time: their bodies are in memory meanwhile.
STEP: Final = 2_000
# A row or page so damaged that our own reading of it fails is a finding, too.
_DAMAGE: Final = (
    SQLAlchemyError,
    msgspec.MsgspecError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,  # an instant beyond the years that can be written
    RecursionError,  # JSON nested without end
)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found: in order, with what was counted; or the fault."""

    check: str
    detail: str
    fault: str | None = None

    @property
    def passed(self) -> bool:
        """Return whether all was in order."""
        return self.fault is None


class SelfTest:
    """Runs the checks on one environment of a hub."""

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        agreements: Agreements,
        integrator: Integrator,
        environment: int,
        above: Mapping[str, Callable[[Case], str]] | None = None,
    ) -> None:
        """Begin; ``above`` are the checks of rooms above, which run after ours."""
        self._checks = CHECKS | dict(above or {})
        self._store = store
        self._log = log
        self._agreements = agreements
        self._integrator = integrator
        self._environment = environment

    def run(self, progress: Callable[[str], None] = lambda _check: None) -> Iterator[Finding]:
        """Enter what is staged, then yield what each check finds, in the order of ``CHECKS``, then rooms above.

        A fault ends its own check only: the others still say what they find. ``progress`` is told each check's name
        before it runs.
        """
        progress("staged releases")
        try:
            self._integrator.integrate()
        except TocsinError as error:
            yield Finding(check="staged releases", detail="", fault=str(error))
        with self._store.read() as connection:
            case = Case(self._store, self._log, self._agreements, self._environment, connection)
            for name, check in self._checks.items():
                progress(name)
                try:
                    yield Finding(check=name, detail=check(case))
                except TocsinError as error:
                    yield Finding(check=name, detail="", fault=str(error))
                except _DAMAGE as error:
                    yield Finding(check=name, detail="", fault=f"unreadable: {type(error).__name__}: {error}"[:500])

    def require(self) -> int:
        """Run every check; returns how many there were.

        Raises:
            StoreBrokenError: the first fault.
        """
        count = 0
        for finding in self.run():
            count += 1
            if finding.fault is not None:
                raise StoreBrokenError(finding.fault, where=finding.check)
        return count


# --- the checks: each returns what it counted, or raises -------------------------------------------------------------


def _database(case: Case) -> str:
    faults = case.store.adapter.faults(case.connection)
    if faults:
        raise StoreBrokenError("; ".join(faults), where="database", todo="restore it from a copy")
    return "pages, indices and references are whole"


def _log(case: Case) -> str:
    size = case.log.check(case.connection)
    concerned = Concerned()
    for row in case.log.rows(case.connection):
        if row.payload is not None:
            payload = decode_payload(row.payload, where=f"entry {row.index}")
            whom = concerned.of(payload)
            if (payload.kind, parse_instant(payload.at)) != (row.kind, row.at) or whom not in (None, row.concerns):
                raise LogBrokenError("its columns say other than its payload", where=f"entry {row.index}")
    return f"{size} entries, their tree and its signed head"


def _submissions(case: Case) -> str:
    """Each submission has its entry and the other way round, and each offer is as its entry tells."""
    collections, numbers = case.collections(), case.numbers()
    total = offers = contents = 0
    for index, payload in case.entries("submission"):
        data, where = payload.data, f"entry {index}"
        row = case.connection.execute(
            select(SUBMISSIONS).where(
                SUBMISSIONS.c.environment == case.environment, SUBMISSIONS.c.uuid == data["submission"]
            )
        ).first()
        if row is None:
            raise StoreBrokenError("the submission that it tells of is not stored", where=where)
        told = (numbers.get(data["party"]), collections.get(data["collection"]), payload.actor, payload.on_behalf_of)
        if (row.party_id, row.collection_id, row.actor, row.on_behalf_of) != told:
            raise StoreBrokenError("the stored submission is another than the entry tells", where=where)
        if row.received_at != parse_instant(payload.at):
            raise StoreBrokenError("the stored submission came at another time", where=where)
        results = _results(row.result)
        if (results["repeated"], results["refused"]) != (data["repeated"], len(data["refused"])) or results[
            "accepted"
        ] != len(data["offers"]):
            raise StoreBrokenError("the receipt tells other results than the entry", where=where)
        for start in range(0, len(data["offers"]), STEP):
            contents += _compare_offers(case, row, data["offers"][start : start + STEP], where)
        total, offers = total + 1, offers + len(data["offers"])
    offers += check_offerings(case)
    for table, expected, what in (
        (SUBMISSIONS, total, "submissions"),
        (OFFERS, offers, "offers"),
        (CONTRIBUTIONS, contents, "contributions"),
    ):
        if (present := case.count(table)) != expected:
            raise StoreBrokenError(f"{present} {what} are stored, and the log tells of {expected}", where=table.name)
    return f"{total} submissions, {offers} offers; {contents} contents open their commitments"


def _results(result: bytes) -> dict[str, int]:
    listed = msgspec.json.decode(result)["results"]
    return {
        outcome: sum(item["outcome"] == outcome for item in listed) for outcome in ("accepted", "repeated", "refused")
    }


def _compare_offers(case: Case, submission: Row[Any], told: list[dict[str, Any]], where: str) -> int:
    """Compare a run of offers with what is stored; returns how many contributions it made."""
    rows = case.connection.execute(
        select(
            OFFERS,
            CONTRIBUTIONS.c.environment.label("c_environment"),
            CONTRIBUTIONS.c.object_id,
            CONTRIBUTIONS.c.object_key,
            CONTRIBUTIONS.c.version.label("c_version"),
            CONTRIBUTIONS.c.owner_id,
            CONTRIBUTIONS.c.label_id.label("c_label_id"),
            CONTRIBUTIONS.c.salt,
            CONTRIBUTIONS.c.submission_id,
            CONTRIBUTIONS.c.type,
            CONTRIBUTIONS.c.versioned,
            CONTRIBUTIONS.c.sealed,
            CONTRIBUTIONS.c.origin_hub,
            CONTRIBUTIONS.c.origin_entry,
            CONTRIBUTIONS.c.digest,
            CONTRIBUTIONS.c.bytes,
        )
        .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
        .where(
            OFFERS.c.collection_id == submission.collection_id,
            OFFERS.c.offer_seq >= told[0]["seq"],
            OFFERS.c.offer_seq <= told[-1]["seq"],
        )
        .order_by(OFFERS.c.offer_seq)
    ).all()
    if [row.offer_seq for row in rows] != [offer["seq"] for offer in told]:
        raise StoreBrokenError("offers that it tells of are not stored, or others are", where=where)
    contents = 0
    for row, offer in zip(rows, told, strict=True):
        object_id, version, label_id = offer["object"], offer["version"], offer["label"]
        here = f"offer {row.offer_seq} of {where}"
        if (row.object_id, row.version, row.date_added) != (object_id, version, offer["added"]):
            raise StoreBrokenError("it is of another object, version or time than the log tells", where=here)
        if (row.c_version, row.owner_id, row.c_label_id, row.object_key, row.c_environment) != (
            version,
            submission.party_id,
            label_id,
            store.object_key(case.environment, object_id),
            case.environment,
        ):
            raise StoreBrokenError("it and its contribution contradict each other or the log", where=here)
        if row.label_id != (label_id if row.withdrawn_at is None else WITHDRAWN):
            raise StoreBrokenError(f"it has label {row.label_id}, the log says {label_id}", where=here)
        if row.bytes is not None and hashlib.sha256(row.bytes).digest() != row.digest:
            raise StoreBrokenError("its content is not what was stored", where=here)
        if "content" in offer:
            contents += 1
            _require_content(row, submission.submission_id, offer["content"], here)
            require_as_taken(row, here)
    return contents


def _require_content(row: Row[Any], submission_id: int, commitment: str, where: str) -> None:
    if row.submission_id != submission_id:
        raise StoreBrokenError("its contribution came with another submission", where=where)
    if row.salt is None or row.bytes is None:
        return  # purged
    if content_text(commit_content(salt=row.salt, body=row.bytes)) != commitment:
        raise StoreBrokenError("its content is not the one that the log commits to", where=where)


def _labels(case: Case) -> str:
    """Labels are those that the log tells, labels and profiles are kept as what they are, and the counts are right."""
    count = check_labels(case)
    profiles = check_profiles(case)
    counted = _by_label(
        case, select(OFFERS.c.collection_id, OFFERS.c.label_id, func.count()), OFFERS.c.collection_id, OFFERS.c.label_id
    )
    kept = _by_label(case, select(LABEL_COUNTS.c.collection_id, LABEL_COUNTS.c.label_id, LABEL_COUNTS.c.offers))
    for key in sorted(counted.keys() | kept.keys()):
        if counted.get(key, 0) != kept.get(key, 0):
            raise StoreBrokenError(
                f"{kept.get(key, 0)} offers are counted, and there are {counted.get(key, 0)}",
                where=f"collection {key[0]}, label {key[1]}",
            )
    return f"{count} labels, {len(counted)} counts, {profiles} profiles"


def _by_label(case: Case, query: Any, *grouped: Any) -> dict[tuple[int, int], int]:  # noqa: ANN401  SQLAlchemy's generics
    table = query.get_final_froms()[0]
    query = query.where(table.c.environment == case.environment)
    rows = case.connection.execute(query.group_by(*grouped) if grouped else query).all()
    return {(row[0], row[1]): row[2] for row in rows}


def _collections(case: Case) -> str:
    """Each is as it was opened, its offers' numbers run without a gap to its head, and their times rise.

    What is offered more than once is marked so.
    """
    check_opened(case)
    check_made(case)
    for one in store.read_collections(case.connection, case.environment):
        where = f"collection {one.alias}"
        within = OFFERS.c.collection_id == one.id
        count, last, added = case.connection.execute(
            select(
                func.count(),
                func.coalesce(func.max(OFFERS.c.offer_seq), 0),
                func.coalesce(func.max(OFFERS.c.date_added), 0),
            ).where(within)
        ).one()
        if not count == last == one.head_seq or added != one.head_added:
            raise StoreBrokenError(f"its head is not that of its {count} offers", where=where)
        before = func.lag(OFFERS.c.date_added).over(order_by=OFFERS.c.offer_seq).label("before")
        stamps = select(OFFERS.c.date_added, before).where(within).subquery()
        if case.connection.execute(select(stamps).where(stamps.c.date_added <= stamps.c.before).limit(1)).first():
            raise StoreBrokenError("the times of its offers do not rise", where=where)
        marked = cast(OFFERS.c.contested, Integer)
        wrong = case.connection.execute(
            select(CONTRIBUTIONS.c.object_id)
            .join(OFFERS, OFFERS.c.contribution_id == CONTRIBUTIONS.c.contribution_id)
            .where(within)
            .group_by(CONTRIBUTIONS.c.object_id)
            .having(
                ((func.count() > 1) & (func.min(marked) == 0)) | ((func.count() == 1) & (func.max(marked) == 1)),
            )
            .limit(1)
        ).first()
        if wrong is not None:
            raise StoreBrokenError(
                f"{wrong.object_id} is offered more than once and not marked so, or the other way", where=where
            )
    return f"{case.count(COLLECTIONS)} collections"


def _withdrawals(case: Case) -> str:
    """Offers are withdrawn that the log says are: by their owners, by a purge or by a recall; and no others."""
    collections = case.collections()
    total = 0
    for index, payload in case.entries("withdrawal", *CLOSING):
        told = (
            {payload.data["collection"]: payload.data["offers"]}
            if payload.kind == "withdrawal"
            else payload.data["withdrawn"]
        )
        at = parse_instant(payload.at)
        for uuid, sequences in told.items():
            found = [
                tuple(row)
                for part in chunks(sequences)
                for row in case.connection.execute(
                    select(OFFERS.c.withdrawn_at, OFFERS.c.label_id).where(
                        OFFERS.c.collection_id == collections.get(uuid, 0), OFFERS.c.offer_seq.in_(part)
                    )
                )
            ]
            if found != [(at, WITHDRAWN)] * len(sequences):
                raise StoreBrokenError("an offer that it withdraws is not withdrawn", where=f"entry {index}")
            total += len(found)
    query = select(func.count()).select_from(OFFERS)
    gone = case.connection.execute(
        query.where(OFFERS.c.environment == case.environment, OFFERS.c.withdrawn_at.is_not(None))
    ).scalar_one()
    if gone != total:
        raise StoreBrokenError(f"{gone} offers are withdrawn, and the log tells of {total}", where="offers")
    return f"{total} offers withdrawn"


def _releases(case: Case) -> str:
    """Each release is in the log, once for each owner, with the offers that are stored."""
    total = 0
    for first, payloads in _told_releases(case):
        row = case.connection.execute(
            select(RELEASES, RELEASES.c["count"].label("held"), COLLECTIONS.c.uuid.label("collection"))
            .join(COLLECTIONS, COLLECTIONS.c.collection_id == RELEASES.c.collection_id)
            .where(RELEASES.c.environment == case.environment, RELEASES.c.log_idx == first)
        ).first()
        where = f"entry {first}"
        if row is None or row.uuid != payloads[0].data["release"]:
            raise StoreBrokenError("the release that it tells of is not stored", where=where)
        _compare_release(case, row, payloads, where)
        total += 1
    waiting = select(func.count()).select_from(RELEASES).where(RELEASES.c.log_idx.is_(None))
    staged = case.connection.execute(waiting.where(RELEASES.c.environment == case.environment)).scalar_one()
    # a server may stage more while we look: what waits is entered within a second, by it or by the next that opens
    if (present := case.count(RELEASES)) != total + staged:
        raise StoreBrokenError(f"{present} releases are stored, and the log tells of {total}", where="releases")
    return f"{total} releases" + (f", and {staged} staged since" if staged else "")


def _told_releases(case: Case) -> Iterator[tuple[int, list[EntryPayload]]]:
    """Yield the entries of each release together: they stand side by side."""
    first, together = 0, list[Any]()
    for index, payload in case.entries("release"):
        if together and together[0].data["release"] != payload.data["release"]:
            yield first, together
            together = []
        if not together:
            first = index
        together.append(payload)
    if together:
        yield first, together


def _compare_release(case: Case, row: Row[Any], payloads: list[EntryPayload], where: str) -> None:
    sequences = decode_offers(row.offers)
    if (row.first_seq, row.last_seq, row.held) != (sequences[0], sequences[-1], len(sequences)):
        raise StoreBrokenError("its offers are not those that its columns say", where=f"release {row.uuid}")
    told: list[int] = []
    under: dict[str, list[int]] = {}
    profile = as_json(read_profile(case.connection, row.profile_id))
    asked = msgspec.json.decode(row.filter)
    # looked up only where somebody asked by id: most releases are pages, and there are many
    named = _object_ids(case, row.collection_id, sequences) if asked.get("ids") is not None else {}
    for payload in payloads:
        data = payload.data
        own = [*accumulate(data["offers"])]
        told += own
        for annex, steps in data.get("under", ()):
            under.setdefault(annex, []).extend(accumulate(steps))
        same = (
            (payload.actor, payload.on_behalf_of, data["kind"], data["collection"], data["as_of"])
            == (row.actor, row.on_behalf_of, row.kind, row.collection, row.as_of)
            and (data["decided_at"], data["slice"]) == (format_instant(row.at), row.slice_digest.hex())
            and data["filter"] == narrowed(asked, {named[sequence] for sequence in own if sequence in named})
            and data["profile"] == profile
            and (row.party, row.purpose) == (profile["party"], profile["purpose"])
        )
        if not same:
            raise StoreBrokenError("the stored release is another than the entry tells", where=where)
    if sorted(told) != sequences:
        raise StoreBrokenError("the stored release holds other offers than the entries tell", where=where)
    stored = select(RELEASED_UNDER).where(RELEASED_UNDER.c.release_id == row.release_id)
    let_out = {one.annex: (one.environment, decode_offers(one.offers)) for one in case.connection.execute(stored)}
    if let_out != {annex: (case.environment, sorted(own)) for annex, own in under.items()}:
        raise StoreBrokenError("it was let out by other annexes than the entries tell", where=where)


def _object_ids(case: Case, collection_id: int, sequences: list[int]) -> dict[int, str]:
    wanted = case.store.adapter.integers(sequences, "wanted")
    found = case.connection.execute(
        select(OFFERS.c.offer_seq, CONTRIBUTIONS.c.object_id)
        .join(CONTRIBUTIONS, CONTRIBUTIONS.c.contribution_id == OFFERS.c.contribution_id)
        .where(OFFERS.c.collection_id == collection_id, OFFERS.c.offer_seq.in_(select(wanted.c.value)))
    )
    return {row.offer_seq: row.object_id for row in found}


def _replay(case: Case) -> str:
    """What is rebuilt from the log alone is what is stored, and every release is decided again."""
    if purged := case.log.purged(case.connection):
        return f"not possible: {purged} payloads are purged"
    rebuilt = replay(Entries(case))
    everyone = {row.party.uri: row.party for row in parties.party_rows(case.connection, case.environment)}
    people = {(row.user.party, row.user.name): row.user for row in parties.user_rows(case.connection, case.environment)}
    kept = {row.document.id: row for row in agreement_rows(case.connection, case.environment)}
    standings = {version: row.standing for version, row in kept.items()}
    reasons = {version: row.reason for version, row in kept.items() if row.reason is not None}
    aliases = {one.uuid: one.alias for one in store.read_collections(case.connection, case.environment)}
    files = {one.uuid: one for one in applications(case.connection, case.environment)}
    for what, told, stored in (
        ("hub", rebuilt.hub, parties.read_hub(case.connection, case.environment)),
        ("parties", dict(rebuilt.people.parties), everyone),
        ("users", dict(rebuilt.people.users), people),
        ("agreements", dict(rebuilt.agreed.versions), standings),
        ("reasons", dict(rebuilt.agreed.reasons), reasons),
        ("collections", rebuilt.collections, aliases),
        ("applications", rebuilt.vetted.applications, files),
        ("access_reviews", rebuilt.vetted.reviews, access_reviews(case.connection, case.environment)),
        ("governance", rebuilt.governed, governance.load_all(case.connection, case.environment)),
    ):
        if told != stored:
            raise StoreBrokenError("what is stored is not what the log tells", where=what)
    founding = next(case.entries())[1].data
    if (founding["origin"], founding["vkey"]) != (case.log.origin, case.log.vkey):
        raise LogBrokenError("the hub's key is not the one that its founding names", where="entry 0")
    return (
        f"{len(everyone)} parties, {len(people)} users, {len(kept)} agreements, {len(rebuilt.offers)} offers rebuilt; "
        f"{rebuilt.verdicts} verdicts of {rebuilt.releases} release entries decided again"
    )


def _governance(case: Case) -> str:
    """Bodies and motions are kept as what they are; whether the log tells them, ``replay`` compares."""
    return governance.verify(case.connection, case.environment)


CHECKS: Final[dict[str, Callable[[Case], str]]] = {
    "database": _database,
    "log": _log,
    "submissions": _submissions,
    "labels": _labels,
    "collections": _collections,
    "withdrawals": _withdrawals,
    "releases": _releases,
    "credentials": check_credentials,
    "ceiling": check_ceiling,
    "webhooks": check_webhooks,
    "grants": check_access,
    "sanitised": check_sanitised,
    "retention": check_retention,
    "recalls": check_recalls,
    "agreements": check_agreements,
    "annexes": check_annexes,
    "governance": _governance,
    "index": check_index,
    "replay": _replay,
}
