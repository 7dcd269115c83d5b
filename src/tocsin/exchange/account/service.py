"""Makes a party's account from the log, and checks one against an export of it, without the hub.

Whatever left of a party's contributions is an entry, and every entry up to a checkpoint is read: so an account says as
well that nobody else received anything. Each release is decided again while it is told, by the rules of a replay: the
clauses and bases are those that let it out then, not those of today.
"""

from __future__ import annotations

import contextlib
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec

from tocsin.agreements.terms import terms_for
from tocsin.errors import ForbiddenError, LogBrokenError, UsageError
from tocsin.exchange.account.model import Account, Clause, Left, Protected, Published, Under
from tocsin.exchange.account.wire import encode_account
from tocsin.exchange.replay import replay
from tocsin.log.merkle import Frontier, leaf_hash
from tocsin.log.model import decode_payload
from tocsin.log.service import Record
from tocsin.log.tiles import bundles_of, decode_bundle
from tocsin.log.verify import Disclosures
from tocsin.parties import store as parties
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from tocsin.agreements.facts import Facts
    from tocsin.exchange.releases import Integrator
    from tocsin.exchange.replay import Judged
    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db import Store
    from tocsin.kernel.mandate import Acting
    from tocsin.log.model import EntryPayload
    from tocsin.log.service import Log
    from tocsin.log.verify import Verified
    from tocsin.parties.model import Party, User

__all__ = ["ASKING", "Accounts", "Checked", "Entries", "check_account", "tell"]

# Who is told in a party's name what became of all that it ever shared.
ASKING = frozenset({Role.SIGNATORY, Role.LIAISON, Role.AUDITOR})


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was held against an export. ``whole``: every entry was there to read, so that nothing can be left out."""

    releases: int
    whole: bool


class Accounts:
    """Makes accounts of one environment."""

    def __init__(self, *, store: Store, log: Log, integrator: Integrator) -> None:
        self._store = store
        self._log = log
        self._integrator = integrator

    def make(
        self, acting: Acting, asker: tuple[Party, User | None], party: Party, progress: Callable[[int], None]
    ) -> tuple[Account, bytes]:
        """Return the account of a party, and the document of it that the hub signs. Asking is an act.

        For the party itself (a signatory, liaison or auditor of it), and for who runs or audits the hub.

        Raises:
            ForbiddenError: the asker is neither.
            LogBrokenError: the log does not replay.
        """
        self.ask(acting, asker, party)
        account = self.account(party, progress)
        return account, encode_account(account, self._log.signer)

    def account(self, party: Party, progress: Callable[[int], None]) -> Account:
        """Return the account of a party, for whoever has asked; errors as ``make``."""
        with self._store.read() as connection:
            frontier = self._log.head(connection).frontier
            entries = Entries(self._log, connection, frontier.size, progress)
            root = frontier.root()
            return tell(entries, origin=self._log.origin, size=frontier.size, root=root, party=party.uri)

    def ask(self, acting: Acting, asker: tuple[Party, User | None], party: Party) -> Micros:
        """Enter that somebody asks for an account, which is an act whatever is answered; returns hub time.

        Raises:
            ForbiddenError: as ``make``.
        """
        self._require(asker, party)
        with self._store.write() as connection:
            self._integrator.enter(connection)
            data: dict[str, object] = {"verb": "account", "object": "", "owner": party.uri}
            at = self._log.now(connection)
            record = Record(kind="inquiry", at=at, acting=acting, concerns=(party.uri,), data=data)
            self._log.append(connection, [record])
        return at

    def _require(self, asker: tuple[Party, User | None], party: Party) -> None:
        home, user = asker
        with self._store.read() as connection:
            hub = parties.read_hub(connection, self._log.environment)
        roles = user.roles if user is not None else frozenset[Role]()
        if (home.uri == party.uri and roles & ASKING) or (home.uri == hub and roles & {Role.OPERATOR, Role.AUDITOR}):
            return
        raise ForbiddenError(
            "an account is for the party itself, and for who runs or audits the hub",
            todo="let a signatory, liaison or auditor of the party ask",
        )


class Entries:
    """The entries of a log up to a size: read anew each time they are walked over."""

    def __init__(self, log: Log, connection: Connection, size: int, progress: Callable[[int], None]) -> None:
        self._log = log
        self._connection = connection
        self._size = size
        self._progress = progress

    def __iter__(self) -> Iterator[tuple[int, EntryPayload]]:
        for row in self._log.rows(self._connection, 0, self._size):
            if row.payload is None:
                raise LogBrokenError("its payload is purged: no account can be complete", where=f"entry {row.index}")
            yield row.index, decode_payload(row.payload, where=f"entry {row.index}")
            self._progress(1)


def tell(entries: Iterable[tuple[int, EntryPayload]], *, origin: str, size: int, root: bytes, party: str) -> Account:
    """Return the account that entries give; they are walked over twice, and what was published is known by the second.

    Raises:
        LogBrokenError: they do not replay.
    """
    found: list[Left] = []
    instead: list[Left] = []
    press = _Press(entries, party)

    def witness(judged: Judged) -> None:
        if judged.owner == party:
            found.append(_left(judged))
        elif any((one.object_id, one.version) in press.published for one in judged.offers):
            instead.append(_left(judged, only=press.published, to=party))

    replay(press, witness=witness)
    return Account(
        origin=origin,
        size=size,
        root=root,
        party=party,
        releases=tuple(sorted(found, key=lambda left: left.entry)),
        published=press.told(),
        instead=tuple(sorted(instead, key=lambda left: left.entry)),
    )


class _Press:
    """Entries, as they are walked over: remembers which sanitised versions left in place of a party's objects."""

    def __init__(self, entries: Iterable[tuple[int, EntryPayload]], party: str) -> None:
        self._entries = entries
        self._party = party
        self._made: dict[str, dict[str, Any]] = {}  # by the version's UUID
        self.published: dict[tuple[str, int], Published] = {}  # by what it was published as

    def __iter__(self) -> Iterator[tuple[int, EntryPayload]]:
        for index, payload in self._entries:
            if payload.data.get("party") == self._party:
                with _formed(index):
                    self._note(payload)
            yield index, payload

    def told(self) -> tuple[Published, ...]:
        """Return what left so far, by what it was made of."""
        return tuple(sorted(self.published.values(), key=lambda one: (one.object, one.published_as)))

    def _note(self, payload: EntryPayload) -> None:
        if payload.kind == "sanitised.made":
            self._made |= {one["version"]: one for one in payload.data["made"]}
        elif payload.kind == "sanitised.published":
            for uuid, version in payload.data["versions"]:
                made = self._made[uuid]
                named = (made["sanitised"], version)
                self.published[named] = Published(
                    object=(made["object"], made["original"]),
                    published_as=named,
                    clause=f"{made['agreement']}/{made['agreement_version']}#{made['clause']}",
                )


def _left(judged: Judged, *, only: Container[tuple[str, int]] | None = None, to: str | None = None) -> Left:
    """Return a release as far as it held a party's objects.

    ``only``: none but these, which the publisher owns; ``to``: for a party that is told no person's name, and of no
    agreement that it never joined.
    """
    profile = judged.profile
    under: list[Under] = []
    for label_id, label in judged.labels.items():
        objects = tuple((one.object_id, one.version) for one in judged.offers if one.label_id == label_id)
        if only is not None and not (objects := tuple(one for one in objects if one in only)):
            continue
        reasons = judged.verdicts[label_id].reasons
        terms = terms_for(label, judged.facts, reader=profile.party, reasons=reasons)
        told = _told_to(to, judged.facts)
        under.append(
            Under(
                objects=objects,
                clauses=tuple(
                    Clause(
                        clause=one.clause if one.agreement is None else f"{one.agreement}/{one.version}#{one.clause}",
                        bases=one.legal_basis,
                    )
                    for one in reasons
                    if told is None or one.agreement is None or one.agreement in told
                ),
                protect=tuple(
                    Protected(
                        clause=f"{one.agreement}/{one.version}#{one.clause}",
                        uses=one.uses,
                        survives=None if one.survives is None else str(one.survives),
                    )
                    for one in terms.protect
                    if told is None or one.agreement in told
                ),
                onward=str(terms.onward) if told is None else "",
            )
        )
    return Left(
        entry=judged.index,
        release=judged.release,
        at=judged.decided_at,
        reader=profile.party,
        user=profile.user if to is None else None,
        client=None if profile.client is None else profile.client.party,
        purpose=profile.purpose,
        kind=judged.kind,
        collection=judged.collection,
        under=tuple(under),
    )


def _told_to(party: str | None, facts: Facts) -> frozenset[str] | None:
    """Return the names of the agreements that a party has joined; None: no party in particular."""
    if party is None:
        return None
    return frozenset(one.document.name for one in facts.in_force if party in one.joined)


# --- without the hub -------------------------------------------------------------------------------------------------


def check_account(account: Account, directory: Path, verified: Verified) -> Checked:
    """Hold an account against an export that verified, of the same log and not older.

    An export of everything is told again from its beginning, and must give the same account. Of one that discloses the
    party's own entries, each release of its objects must be in the account, and each in the account among them.

    Raises:
        UsageError: the export is of another log, older than the account, or discloses another party's entries.
        LogBrokenError: the two do not agree; says where.
    """
    if verified.origin != account.origin or verified.size < account.size:
        raise UsageError(
            "this export cannot confirm this account",
            where=str(directory),
            todo="export the same log after the account was made",
        )
    if _root_at(directory, account.size, verified.size) != account.root:
        raise LogBrokenError(f"the log had another root at {account.size} entries", where="account")
    whole = verified.disclosed == verified.size
    entries = _Upto(directory, account.size)
    if whole:
        again = tell(entries, origin=account.origin, size=account.size, root=account.root, party=account.party)
        if again != account:
            first = next(
                (ours.entry for ours, theirs in zip(again.releases, account.releases, strict=False) if ours != theirs),
                "more or fewer",
            )
            raise LogBrokenError(f"the log gives another account: entry {first}", where="account")
    else:
        _compare(account, entries)
    return Checked(releases=len(account.releases), whole=whole)


class _Upto:
    """The disclosed entries of an export below an index."""

    def __init__(self, directory: Path, size: int) -> None:
        self._directory = directory
        self._size = size

    def __iter__(self) -> Iterator[tuple[int, EntryPayload]]:
        for index, payload in Disclosures(self._directory):
            if index >= self._size:
                return
            yield index, payload


def _root_at(directory: Path, size: int, exported: int) -> bytes:
    """Return the root of the first entries of an export that verified."""
    frontier = Frontier()
    for tile in bundles_of(exported):
        if frontier.size >= size:
            break
        data = (directory / tile.path).read_bytes()
        entries = decode_bundle(data, width=tile.width, where=tile.path)[: size - frontier.size]
        frontier = frontier.grown(map(leaf_hash, entries))
    return frontier.root()


def _compare(account: Account, entries: Iterable[tuple[int, EntryPayload]]) -> None:
    """Compare what a party's own entries tell with its account: who, for whom, when, for what, and which objects.

    And what was published in place of them; who received that, the entries of the publisher tell.
    """
    press = _Press(entries, account.party)
    named: dict[tuple[str, int], tuple[str, int]] = {}
    told: dict[int, tuple[Any, ...]] = {}
    for index, payload in press:
        with _formed(index):
            _note_release(account.party, index, payload, named=named, told=told)
    if not named and account.releases:
        raise UsageError("this export does not disclose the party's entries", todo="export with --disclose party:NAME")
    said = {
        one.entry: (
            one.release,
            one.at,
            one.reader,
            one.user,
            one.client,
            one.purpose,
            one.kind,
            one.collection,
            sorted(named_ for part in one.under for named_ in part.objects),
        )
        for one in account.releases
    }
    for index in sorted(told.keys() | said.keys()):
        with _formed(index):
            *what, places = told.get(index, (None, ()))
            there = (*what, sorted(named[place] for place in places))
        if index not in told or there != said.get(index):
            raise LogBrokenError("the account and the log tell of another release here", where=f"entry {index}")
    if account.published != press.told():
        raise LogBrokenError("the log tells of other versions that were published", where="account")


def _note_release(
    party: str,
    index: int,
    payload: EntryPayload,
    *,
    named: dict[tuple[str, int], tuple[str, int]],
    told: dict[int, tuple[Any, ...]],
) -> None:
    """Note what an entry of a party's offers, by its place, or what it tells of a release, as an account does."""
    data = payload.data
    if payload.kind in {"submission", "offering"} and data.get("party", data.get("owner")) == party:
        named |= {(data["collection"], one["seq"]): (one["object"], one["version"]) for one in data["offers"]}
    if payload.kind == "release" and data["owner"] == party:
        profile = data["profile"]
        told[index] = (
            data["release"],
            data["decided_at"],
            profile["party"],
            profile["user"],
            profile["client"]["party"] if profile.get("client") is not None else None,
            profile["purpose"],
            data["kind"],
            data["collection"],
            [(data["collection"], one) for one in accumulate(data["offers"])],
        )


@contextlib.contextmanager
def _formed(index: int) -> Iterator[None]:
    """Read an entry that nobody has held to its form yet: a hub may write what it likes.

    Raises:
        LogBrokenError: it names what no entry before it told of, or has not the form of its kind.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise LogBrokenError(
            "its payload has not the form of its kind, or names what is not there", where=f"entry {index}"
        ) from error
