"""Sanitised versions rebuilt from the log alone, held to the rules of their acts, and compared with what is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tocsin.agreements.document import Approver, Attribution
from tocsin.agreements.facts import Facts
from tocsin.agreements.model import Label, Tlp
from tocsin.errors import LogBrokenError, StoreBrokenError, TocsinError
from tocsin.exchange.sanitise import store
from tocsin.exchange.sanitise.model import Act, Chain, Ending, Standing, State, Version, after, approved, begun
from tocsin.exchange.sanitise.records import KINDS
from tocsin.exchange.sanitise.rights import obstacle, publishing, still
from tocsin.kernel.clock import Micros, parse_instant
from tocsin.log.commitment import commit_content, content_text

if TYPE_CHECKING:
    from tocsin.exchange.case import Case

__all__ = ["KINDS", "Told", "World", "check_sanitised", "finish", "tell"]

_T = TypeVar("_T")

# A slot of fewer hides nobody.
LEAST = 2


class _Made(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    object: str
    sanitised: str
    original: Micros
    agreement: str
    agreement_version: int
    clause: str
    plan: str
    tlp: Tlp
    attribution: Attribution
    approve: Approver
    made_at: Micros
    leaves_at: Micros
    content: str


class _Making(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    party: str
    submission: str
    collection: str
    made: list[_Made]
    pseudonyms: list[tuple[str, Tlp, str]]


class _Deciding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    party: str
    version: str
    alone: bool = False
    reason: str = ""


class _Publishing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    party: str
    slot: Micros
    decided_at: Micros
    least: int
    submission: str
    versions: list[tuple[str, Micros]]


class _Ended(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    party: str
    versions: list[str]
    ending: Ending


class Known(msgspec.Struct, kw_only=True):
    """One version, as the log tells it."""

    version: Version
    standing: Standing
    content: str
    published_as: Micros | None = None


class _Shared(msgspec.Struct, kw_only=True):
    """What left in one submission of the publisher's: whose versions, and which of them may leave alone."""

    entry: int
    least: int
    parties: set[str] = msgspec.field(default_factory=set)
    together: bool = False  # one of them may not leave alone


class Told(msgspec.Struct, kw_only=True):
    """What the log tells of sanitised versions."""

    versions: dict[str, Known] = msgspec.field(default_factory=dict)
    chains: dict[tuple[str, str, str], str] = msgspec.field(default_factory=dict)  # party, agreement, object -> id
    born: dict[tuple[str, str, str], Micros] = msgspec.field(default_factory=dict)
    pseudonyms: dict[tuple[str, str, Tlp], str] = msgspec.field(default_factory=dict)
    first: dict[tuple[str, str, Tlp], Micros] = msgspec.field(default_factory=dict)  # when they were first published
    shared: dict[str, _Shared] = msgspec.field(default_factory=dict)  # by submission
    # originals that are to be purged behind what ended for it: owner, object, version, and the entry that says so
    to_be_purged: dict[tuple[str, str, Micros], int] = msgspec.field(default_factory=dict)


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What else is known when an entry is told: asked by whoever decides whether it could have happened.

    ``label`` of a contribution: owner, object, version; None: there is none. ``offered``: collection, then the same.
    ``called_back`` and ``purged`` ask whether it was called back from everybody, or ordered to be purged on another
    ground. ``speaks`` says whether whoever acted may act for a party.
    """

    publisher: str
    facts: Callable[[Micros], Facts]
    label: Callable[[str, str, Micros], Label | None]
    newer: Callable[[str, str, Micros], bool]
    offered: Callable[[str, str, str, Micros], bool]
    submitted: Callable[[str], tuple[str, Micros] | None]  # by whom a submission was, and when
    called_back: Callable[[str, str, Micros], bool]
    purged: Callable[[str, str, Micros], bool]
    speaks: Callable[[str], bool]


def tell(told: Told, index: int, kind: str, data: Mapping[str, Any], *, at: Micros, world: World | None = None) -> None:
    """Note what an entry tells; with a world, hold it to what could have happened.

    Raises:
        LogBrokenError: it is not what such an entry holds, or cannot have happened.
    """
    try:
        _TELL[kind](told, index, data, at, world)
    except LogBrokenError:
        raise
    except TocsinError as error:
        raise _broken(index, str(error)) from error
    except msgspec.ValidationError as error:
        raise _broken(index, f"its payload has not the form of its kind: {error}") from error


def finish(told: Told, purged: Callable[[str, str, Micros], bool] = lambda *_: True) -> None:
    """Hold every slot to the number of its producers, and what ended for a purge to it, once everything is told.

    ``purged`` says whether a contribution was, on whatever ground.

    Raises:
        LogBrokenError: fewer shared one, and not all of them were let out alone; or an original was never purged.
    """
    for original, entry in told.to_be_purged.items():
        if not purged(*original):
            raise _broken(entry, "its original was not purged")
    for one in told.shared.values():
        if one.together and len(one.parties) < one.least:
            raise _broken(one.entry, f"{len(one.parties)} producers shared a slot that wants {one.least}")


# --- each kind -------------------------------------------------------------------------------------------------------


def _made(told: Told, index: int, data: Mapping[str, Any], at: Micros, world: World | None) -> None:
    making = _shaped(data, _Making)
    for agreement, tlp, identity in making.pseudonyms:
        key = (making.party, agreement, tlp)
        if key in told.pseudonyms or identity in told.pseudonyms.values():
            raise _broken(index, "a pseudonym is drawn for somebody who has one, or is another's")
        told.pseudonyms[key] = identity
    for one in making.made:
        version = Version(
            uuid=one.version,
            chain=Chain(party=making.party, agreement=one.agreement, object_id=one.object, sanitised_id=one.sanitised),
            version=one.original,
            collection=making.collection,
            agreement_version=one.agreement_version,
            clause=one.clause,
            plan=one.plan,
            tlp=one.tlp,
            attribution=one.attribution,
            approve=one.approve,
            made_at=one.made_at,
            leaves_at=one.leaves_at,
        )
        _enter(told, index, version, one.content)
        if one.made_at > at:
            raise _broken(index, "it was made later than it says")
        if world is not None:
            _judge_made(index, version, making, world)


def _enter(told: Told, index: int, version: Version, content: str) -> None:
    chain = version.chain
    key = (chain.party, chain.agreement, chain.object_id)
    if version.uuid in told.versions:
        raise _broken(index, "there is a sanitised version of this id already")
    if told.chains.setdefault(key, chain.sanitised_id) != chain.sanitised_id:
        raise _broken(index, "it is under another id than the versions before it")
    if (
        chain.sanitised_id == chain.object_id
        or chain.sanitised_id.partition("--")[0] != chain.object_id.partition("--")[0]
    ):
        raise _broken(index, "it is under the id of its original, or of another type")
    pseudonym = (chain.party, chain.agreement, version.tlp)
    if version.attribution is Attribution.PSEUDONYMOUS and pseudonym not in told.pseudonyms:
        raise _broken(index, "it is under a pseudonym that nobody has")
    told.versions[version.uuid] = Known(version=version, standing=begun(version), content=content)


def _judge_made(index: int, version: Version, making: _Making, world: World) -> None:
    chain = version.chain
    label = world.label(chain.party, chain.object_id, version.version)
    if label is None or chain.party == world.publisher:
        raise _broken(index, "it is made of what its owner never shared, or of the publisher's own")
    if world.submitted(making.submission) != (making.party, version.made_at):
        raise _broken(index, "it is made of a submission that is not there, another party's, or of another instant")
    facts = world.facts(version.made_at)
    found = still(publishing(facts, chain.party, world.publisher), version, label)
    if found is None or found.agreement.document.version != version.agreement_version:
        raise _broken(index, "no clause in force makes it")
    if version.leaves_at != version.made_at + found.terms.delay:
        raise _broken(index, "its countdown is not the one that the clause says")
    why = obstacle(label, found.terms, facts, world.publisher, bound=False)
    if why is not None:
        raise _broken(index, f"it may not be made: {why}")
    if not world.offered(making.collection, chain.party, chain.object_id, version.version):
        raise _broken(index, "its original is not offered")


def _approved(told: Told, index: int, data: Mapping[str, Any], at: Micros, world: World | None) -> None:
    deciding = _shaped(data, _Deciding)
    known = _known(told, index, deciding.version, deciding.party)
    if known.version.approve is Approver.COORDINATOR and known.standing.state is State.PENDING:
        raise _broken(index, "its clause gives this to the coordinator")
    _require_speaks(index, deciding.party, world)
    known.standing = approved(known.version, known.standing, at, alone=deciding.alone)


def _cleared(told: Told, index: int, data: Mapping[str, Any], at: Micros, _world: World | None) -> None:
    deciding = _shaped(data, _Deciding)
    known = _known(told, index, deciding.version, deciding.party)
    if known.version.approve is not Approver.COORDINATOR or deciding.alone:
        raise _broken(index, "its clause does not give this to the coordinator")
    known.standing = approved(known.version, known.standing, at, alone=False)


def _vetoed(told: Told, index: int, data: Mapping[str, Any], at: Micros, world: World | None) -> None:
    deciding = _shaped(data, _Deciding)
    _require_speaks(index, deciding.party, world)
    _stopped(told, index, data, at, world)


def _stopped(told: Told, index: int, data: Mapping[str, Any], _at: Micros, _world: World | None) -> None:
    deciding = _shaped(data, _Deciding)
    known = _known(told, index, deciding.version, deciding.party)
    state = after(known.standing.state, Act.VETO, where=deciding.version)
    known.standing = msgspec.structs.replace(known.standing, state=state)


def _published(told: Told, index: int, data: Mapping[str, Any], at: Micros, world: World | None) -> None:
    leaving = _shaped(data, _Publishing)
    if leaving.least < LEAST or not leaving.slot <= leaving.decided_at <= at or not leaving.versions:
        raise _broken(index, "a slot is not shared by fewer than two, and lies not ahead")
    shared = told.shared.setdefault(leaving.submission, _Shared(entry=index, least=leaving.least))
    if shared.least != leaving.least or leaving.party in shared.parties:
        raise _broken(index, "it was told of this producer and slot before, or otherwise of another")
    shared.parties.add(leaving.party)
    for uuid, published_as in leaving.versions:
        known = _known(told, index, uuid, leaving.party)
        version, chain = known.version, known.version.chain
        if known.standing.ready_at is None or known.standing.ready_at > leaving.slot:
            raise _broken(index, "it left before it was ready")
        state = after(known.standing.state, Act.PUBLISH, where=uuid)
        known.standing = msgspec.structs.replace(known.standing, state=state, slot=leaving.slot)
        known.published_as = published_as
        shared.together = shared.together or not known.standing.alone
        told.born.setdefault((chain.party, chain.agreement, chain.object_id), leaving.slot)
        if version.attribution is Attribution.PSEUDONYMOUS:
            told.first.setdefault((chain.party, chain.agreement, version.tlp), leaving.slot)
        if world is not None:
            _judge_published(index, known, leaving, world)


def _judge_published(index: int, known: Known, leaving: _Publishing, world: World) -> None:
    version, chain = known.version, known.version.chain
    original = world.label(chain.party, chain.object_id, version.version)
    left = world.label(world.publisher, chain.sanitised_id, known.published_as or 0)
    submitted = world.submitted(leaving.submission)
    if submitted is None or submitted[0] != world.publisher or left is None:
        raise _broken(index, "the publisher never shared it")
    if original is None or not world.offered(version.collection, chain.party, chain.object_id, version.version):
        raise _broken(index, "its original is offered no more")
    found = still(publishing(world.facts(leaving.decided_at), chain.party, world.publisher), version, original)
    if found is None:
        raise _broken(index, "no clause in force publishes it")
    if (left.tlp, left.type, left.pap, left.categories, left.residency) != (
        version.tlp,
        original.type,
        original.pap,
        original.categories,
        original.residency,
    ):
        raise _broken(index, "it left under another label than its clause and its original give it")


def _ended(told: Told, index: int, data: Mapping[str, Any], at: Micros, world: World | None) -> None:
    ended = _shaped(data, _Ended)
    for uuid in ended.versions:
        known = _known(told, index, uuid, ended.party)
        version, chain = known.version, known.version.chain
        act = Act.RECALL if known.standing.state is State.PUBLISHED else Act.DROP
        was_ready = known.standing.ready_at is not None and known.standing.ready_at <= at
        state = after(known.standing.state, act, where=uuid)
        known.standing = msgspec.structs.replace(known.standing, state=state, ending=ended.ending)
        if world is None:
            continue
        at_place = (version.collection, chain.party, chain.object_id, version.version)
        if ended.ending is Ending.WITHDRAWN and world.offered(*at_place):
            raise _broken(index, "its original was not taken back")
        if ended.ending is Ending.SUPERSEDED and not world.newer(chain.party, chain.object_id, version.version):
            raise _broken(index, "no later version of its original was shared")
        original = (chain.party, chain.object_id, version.version)
        if ended.ending is Ending.RECALLED and not world.called_back(*original):
            raise _broken(index, "its original was not called back from everybody")
        if ended.ending is Ending.PURGED and not world.purged(*original):
            # its entry stands before that of the purge which takes it along
            told.to_be_purged[original] = index
        if ended.ending is Ending.INVALID and (not was_ready or not world.offered(*at_place)):
            raise _broken(index, "no slot could have taken it, and found it to be no valid object")
        if act is Act.RECALL and ended.ending in {Ending.SUPERSEDED, Ending.PURGED, Ending.INVALID}:
            raise _broken(index, f"what was published does not end since it is {ended.ending}")
        left = (version.collection, world.publisher, chain.sanitised_id, known.published_as or 0)
        if act is Act.RECALL and world.offered(*left):
            raise _broken(index, "it is offered still")


_TELL: Mapping[str, Callable[[Told, int, Mapping[str, Any], Micros, World | None], None]] = {
    "sanitised.made": _made,
    "sanitised.approved": _approved,
    "sanitised.cleared": _cleared,
    "sanitised.vetoed": _vetoed,
    "sanitised.stopped": _stopped,
    "sanitised.published": _published,
    "sanitised.ended": _ended,
}


def _known(told: Told, index: int, uuid: str, party: str) -> Known:
    known = told.versions.get(uuid)
    if known is None or known.version.chain.party != party:
        raise _broken(index, "it is about a sanitised version that is not there, or another party's")
    return known


def _require_speaks(index: int, party: str, world: World | None) -> None:
    if world is not None and not world.speaks(party):
        raise _broken(index, "it was not done by or for the party whose version it is")


def _shaped(data: Mapping[str, Any], kind: type[_T]) -> _T:
    return msgspec.convert(dict(data), kind, strict=True)


def _broken(index: int, what: str) -> LogBrokenError:
    return LogBrokenError(what, where=f"entry {index}")


# --- the self-test ---------------------------------------------------------------------------------------------------


def check_sanitised(case: Case) -> str:
    """Return what was counted, once every version, chain and pseudonym is as the log tells.

    Raises:
        StoreBrokenError: one is not.
    """
    told = Told()
    for index, payload in case.entries(*sorted(KINDS)):
        tell(told, index, payload.kind, payload.data, at=parse_instant(payload.at))
    finish(told)
    rows = {row.version.uuid: row for row in store.version_rows(case.connection, case.environment)}
    if rows.keys() != told.versions.keys():
        raise StoreBrokenError("versions are stored that the log does not tell of, or the other way", where="sanitised")
    for uuid, row in rows.items():
        _compare(row, told.versions[uuid])
    chains = {
        (row.chain.party, row.chain.agreement, row.chain.object_id): (row.chain.sanitised_id, row.born)
        for row in store.all_chains(case.connection, case.environment)
    }
    if chains != {key: (sanitised, told.born.get(key)) for key, sanitised in told.chains.items()}:
        raise StoreBrokenError("a chain is another than the log tells", where="sanitised_chains")
    pseudonyms = {
        (row.party, row.agreement, row.tlp): (row.identity, row.born)
        for row in store.pseudonym_rows(case.connection, case.environment)
    }
    if pseudonyms != {key: (identity, told.first.get(key)) for key, identity in told.pseudonyms.items()}:
        raise StoreBrokenError("a pseudonym is another than the log tells", where="pseudonyms")
    return f"{len(rows)} sanitised versions in {len(chains)} chains, {len(pseudonyms)} pseudonyms"


def _compare(row: store.Kept, known: Known) -> None:
    where = f"sanitised version {row.version.uuid}"
    if row.version != known.version:
        raise StoreBrokenError("it is another than the log tells", where=where)
    if (row.standing, row.published_as) != (known.standing, known.published_as):
        raise StoreBrokenError("it stands otherwise than the log tells", where=where)
    waits = known.standing.state in {State.PENDING, State.APPROVED}
    if (row.draft is not None, row.salt is not None) != (waits, waits):
        raise StoreBrokenError("what will leave is kept after it left, or is not there before", where=where)
    if row.draft is None or row.salt is None:
        return
    if content_text(commit_content(salt=row.salt, body=row.draft)) != known.content:
        raise StoreBrokenError("what will leave is not what the log commits to", where=where)
