"""The one intake: bound, parse, validate, scrub, label, offer.

Parsing happens before the writer's turn; labelling, storing, offering and logging happen in one transaction, so that a
bundle is in with all its good objects and its log entry, or not at all.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from tocsin.agreements.interning import as_json, count_new_labels, intern_labels
from tocsin.agreements.model import Label, Tlp
from tocsin.errors import ForbiddenError, InputError, LimitError
from tocsin.exchange import store
from tocsin.exchange.access.delegating import standing_delegation
from tocsin.exchange.addressing import address_of
from tocsin.exchange.ceiling import ABOVE_CEILING, Screen, above, screen
from tocsin.exchange.ceilings import effective, read_ceiling
from tocsin.exchange.closing import closed_for_good
from tocsin.exchange.earlier import enter_version, last_versions, reference_notes
from tocsin.exchange.labelling import MARKING_DEFINITION, Handling, Labeller, contradicted, marking_refs
from tocsin.exchange.markings import KNOWN_MARKINGS
from tocsin.exchange.model import DEFAULT_COLLECTION, Collection, Outcome, Receipt, Result
from tocsin.exchange.recall.wire import NOTICE_EXTENSION
from tocsin.exchange.relations import references
from tocsin.exchange.remarks import remarks_on
from tocsin.exchange.sanitise.making import Making, Planned, Taken
from tocsin.exchange.stamps import drawn
from tocsin.exchange.stix import ParsedBundle, ParsedObject, RefusedObject, parse_bundle, parse_envelope
from tocsin.exchange.store import Own
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS, SUBMISSIONS
from tocsin.kernel.clock import DAY, Micros, format_instant, parse_instant
from tocsin.kernel.db.store import next_id
from tocsin.kernel.ids import new_uuid
from tocsin.kernel.mandate import Acting
from tocsin.log.commitment import SALT_BYTES, commit_content, content_text
from tocsin.log.service import Record
from tocsin.parties import store as parties
from tocsin.parties.model import PartyStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Collection as Collection_

    from sqlalchemy import Connection

    from tocsin.exchange.access.delegation import Delegation
    from tocsin.kernel.db import Store
    from tocsin.kernel.ids import Entropy
    from tocsin.log.service import Log

    # connection, acting, URI of the owner; of each offer: contribution, object id, version, label
    Follow: TypeAlias = Callable[[Connection, Acting, str, Sequence[tuple[int, str, Micros, int]]], None]

__all__ = ["MAX_NEW_LABELS_A_DAY", "READING", "STORING", "Intake", "Submission"]

# The stages of a submission, as progress is told: while it reads, intake looks at the bytes alone.
READING: Final = "reading"
STORING: Final = "storing"

# Every new label costs each reader a decision. A party that marks with care makes some dozens; thousands are a mistake
# or an attack on everybody's pages.
MAX_NEW_LABELS_A_DAY: Final = 2_000


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One arrival: whose it is, what it says, and how its sender wants it handled."""

    party: str  # URI
    acting: Acting
    data: bytes
    envelope: bool = False  # a TAXII envelope rather than a bundle
    collection: str = DEFAULT_COLLECTION  # alias or UUID
    tlp: Tlp | None = None  # of objects that say less
    to: tuple[str, ...] = ()  # recipients, as `party` or `user@party`; nobody: as the markings say
    delegate: str | None = None  # URI of who shares for the party, under a delegation; None: the party itself


class _Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One object on its way into the store."""

    index: int
    parsed: ParsedObject
    version: Micros
    digest: bytes
    label: Label
    again: Own | None  # contributed before, and only offered anew
    bound: bool  # marked with terms for its recipients


class Intake:
    """Takes submissions."""

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        entropy: Entropy,
        environment: int,
        lowered_ceiling: str | None,
        making: Making,
        follow: Follow = lambda _connection, _acting, _owner, _entered: None,
    ) -> None:
        """Take what it works on; ``follow`` is told, in its transaction, what a submission offered.

        ``lowered_ceiling`` is what this process holds itself to below the hub's ceiling, if it does.
        """
        self._lowered = lowered_ceiling
        self._making = making
        self._store = store
        self._log = log
        self._entropy = entropy
        self._environment = environment
        self._follow = follow

    def submit(self, submission: Submission, progress: Callable[[str], None] = lambda _stage: None) -> Receipt:
        """Take a submission; durable when this returns.

        Raises:
            InputError: the whole is no bundle or envelope, or a recipient is unknown.
            LimitError: it is too large, or makes too many new labels for one day.
            NotFoundError: there is no such collection.
            ForbiddenError: the party may not submit.
        """
        progress(READING)
        parsed = (parse_envelope if submission.envelope else parse_bundle)(submission.data)
        screened = screen(parsed, submission.data)
        parsed = scrub(parsed)
        progress(STORING)
        with self._store.write() as connection:
            return _Transaction(self, connection, submission, screened).run(parsed)

    def submit_in(self, connection: Connection, submission: Submission) -> Receipt:
        """Take a submission of the hub's own in a transaction that is open for writing; otherwise as ``submit``.

        It is read in the writer's turn: for what the hub wrote itself a moment ago, and bounds itself.
        """
        parsed = (parse_envelope if submission.envelope else parse_bundle)(submission.data)
        screened = screen(parsed, submission.data)
        return _Transaction(self, connection, submission, screened, bounded=False).run(scrub(parsed))

    def offer(
        self,
        connection: Connection,
        submission: Submission,
        collection: Collection,
        objects: Sequence[tuple[ParsedObject, Label]],
    ) -> Receipt:
        """Offer what the hub made itself, in the caller's transaction: new objects, under labels that it gives.

        Nothing of ``submission`` counts but whose it is and who acts; ``collection`` may be one that is made for this.

        Raises:
            ForbiddenError, LimitError: as ``submit``.
        """
        return _Transaction(self, connection, submission, Screen(objects={}, markings={})).offer(collection, objects)

    def receipt(self, party: str, uuid: str) -> Receipt | None:
        """Return the receipt of a party's own submission, or None."""
        with self._store.read() as connection:
            row = parties.party_by_uri(connection, self._environment, party)
            return None if row is None else store.read_receipt(connection, self._environment, uuid, row.party_id)


def scrub(parsed: ParsedBundle) -> ParsedBundle:
    """Pass everything through: no recogniser is at work yet."""
    return parsed


class _Transaction:
    """One submission inside the writer's turn."""

    def __init__(
        self,
        intake: Intake,
        connection: Connection,
        submission: Submission,
        screened: Screen,
        *,
        bounded: bool = True,
    ) -> None:
        # labels of what the hub publishes for others are bounded by what those may make
        self._bounded = bounded
        self._screened = screened
        self._log = intake._log  # noqa: SLF001  one class in two parts
        self._entropy = intake._entropy  # noqa: SLF001
        self._environment = intake._environment  # noqa: SLF001
        self._adapter = intake._store.adapter  # noqa: SLF001
        self._follow = intake._follow  # noqa: SLF001
        self._making = intake._making  # noqa: SLF001
        self._connection = connection
        # in the writer's turn: what was lowered counts from the very next submission on, in every process
        self._ceiling = effective(read_ceiling(connection, self._environment).level, intake._lowered)  # noqa: SLF001
        self._submission = submission
        self._at = self._log.now(connection)
        self._results: dict[int, Result] = {}
        self._closed: set[int] = set()
        self._delegation: Delegation | None = None

    def run(self, parsed: ParsedBundle) -> Receipt:
        submission = self._submission
        self._begin()
        self._delegation = self._delegated(submission)
        collection = store.find_collection(self._connection, self._environment, submission.collection, party=None)
        objects: list[tuple[int, ParsedObject]] = []
        for index, item in enumerate(parsed.items):
            if above((self._screened.objects.get(index),), self._ceiling):
                self._results[index] = _spilled(index)
            elif isinstance(item, RefusedObject):
                self._results[index] = _refusal(item, index)
            else:
                objects.append((index, item))
        offers = self._choose(collection, objects)
        receipt = self._receipt(collection)
        planned = self._plan(collection, offers)
        results = self._in_order(len(parsed.items))
        taken = any(result.outcome is not Outcome.REFUSED for result in results)
        if not taken and not submission.envelope:
            # what is refused as a whole leaves nothing behind; over TAXII the client may ask for its status (§4.3)
            return msgspec.structs.replace(receipt, id=None, results=results)
        self._enter(collection, offers, receipt, len(parsed.items))
        self._making.enter(
            self._connection, planned, acting=submission.acting, submission=str(receipt.id), owner_id=self._owner_id
        )
        return msgspec.structs.replace(receipt, results=results)

    def _delegated(self, submission: Submission) -> Delegation | None:
        """Return the delegation under which somebody else shares for the party.

        Raises:
            ForbiddenError: there is none, or that party is not vetted.
        """
        if submission.delegate is None:
            return None
        delegate = parties.party_by_uri(self._connection, self._environment, submission.delegate)
        if delegate is None or delegate.party.status is not PartyStatus.VETTED:
            raise ForbiddenError("this party may not share: it is not vetted", where=submission.delegate)
        return standing_delegation(
            self._connection,
            self._environment,
            represented=submission.party,
            delegate=submission.delegate,
            at=self._at,
        )

    def offer(self, collection: Collection, objects: Sequence[tuple[ParsedObject, Label]]) -> Receipt:
        self._begin()
        offers = [
            _Offer(
                index=index,
                parsed=parsed,
                version=self._at if parsed.version is None else parsed.version,
                digest=hashlib.sha256(parsed.body).digest(),
                label=label,
                bound=False,
                again=None,
            )
            for index, (parsed, label) in enumerate(objects)
        ]
        self._results = {
            one.index: Result(
                index=one.index, id=one.parsed.id, version=format_instant(one.version), outcome=Outcome.ACCEPTED
            )
            for one in offers
        }
        receipt = self._receipt(collection)
        self._enter(collection, offers, receipt, len(offers))
        return msgspec.structs.replace(receipt, results=self._in_order(len(offers)))

    def _begin(self) -> None:
        row = parties.party_by_uri(self._connection, self._environment, self._submission.party)
        if row is None or row.party.status is not PartyStatus.VETTED:
            raise ForbiddenError("this party may not share: it is not vetted", where=self._submission.party)
        self._owner_id = row.party_id

    def _receipt(self, collection: Collection) -> Receipt:
        received_at = format_instant(self._at)
        return Receipt(id=new_uuid(self._entropy), collection=collection.alias, received_at=received_at, results=())

    def _in_order(self, count: int) -> tuple[Result, ...]:
        return tuple(self._results[index] for index in range(count))

    # --- label -------------------------------------------------------------------------------------------------------

    def _choose(self, collection: Collection, objects: Sequence[tuple[int, ParsedObject]]) -> list[_Offer]:
        """Label every object, and find out which are new, which the sender shared before, and which contradict that."""
        connection = self._connection
        to = [address_of(connection, self._environment, reference) for reference in self._submission.to]
        handling = Handling(tlp=self._submission.tlp, recipients=frozenset(to) or None)
        ids = dict.fromkeys(parsed.id for _, parsed in objects)
        # what objects refer to as well: their sender is told of its own objects, and of nobody else's
        named = dict.fromkeys(ref for _, parsed in objects for ref in references(parsed.obj))
        own = store.own_contributions(connection, self._adapter, self._environment, self._owner_id, ids | named)
        before = [one.contribution_id for key in ids if key in own for one in own[key].values()]
        offered = store.offered_in(connection, self._adapter, collection.id, before) if before else set()
        # asked of the sender's own alone, and only of what it offers no more
        over = [one for one in before if one not in offered]
        self._closed = closed_for_good(connection, self._adapter, over) if over else set()
        definitions, refused = self._definitions(objects, own)
        labeller = Labeller(
            owner=self._submission.party,
            handling=handling,
            definitions=definitions,
            refused=refused,
            classified=self._screened.markings,
            at=self._at,
            address=lambda reference: address_of(connection, self._environment, reference),
        )
        handled = handling != Handling()
        histories = last_versions(connection, self._adapter, (parsed for _, parsed in objects), own)
        chosen: list[_Offer] = []
        taken: dict[str, dict[Micros, bytes]] = {}
        for index, parsed in objects:
            digest = hashlib.sha256(parsed.body).digest()
            try:
                if NOTICE_EXTENSION in parsed.obj.extensions:
                    raise _FORGED
                label, notes = labeller.label(parsed)
                if above((label.classification,), self._ceiling):
                    self._results[index] = _spilled(index)
                    continue
                if self._delegation is not None:
                    self._delegation.require(label)
                here = taken.get(parsed.id, _NOTHING)
                again, version, repeated = self._place(parsed, digest, own.get(parsed.id, _NOTHING), here, offered)
                notes += remarks_on(parsed)
                if again is None and not repeated:
                    notes += enter_version(histories, parsed)
            except (InputError, ForbiddenError) as error:
                self._results[index] = _refused(index, parsed, error)
                continue
            outcome = Outcome.REPEATED if repeated else Outcome.ACCEPTED
            self._results[index] = Result(
                index=index,
                id=parsed.id,
                version=format_instant(version),
                outcome=outcome,
                notes=(*notes, _LABEL_STAYS) if again is not None and handled else notes,
            )
            if not repeated:
                taken.setdefault(parsed.id, {})[version] = digest
                chosen.append(
                    _Offer(
                        index=index,
                        parsed=parsed,
                        version=version,
                        digest=digest,
                        label=label,
                        again=again,
                        bound=labeller.bound(parsed),
                    )
                )
        self._note_references(chosen, own)
        return chosen

    def _note_references(self, chosen: Sequence[_Offer], own: Mapping[str, Mapping[Micros, Own]]) -> None:
        shared = [(offer.parsed, offer.label if offer.again is None else None) for offer in chosen]
        for offer, note in zip(chosen, reference_notes(self._connection, self._adapter, shared, own), strict=True):
            if note is not None:
                result = self._results[offer.index]
                self._results[offer.index] = msgspec.structs.replace(result, notes=(*result.notes, note))

    def _place(
        self,
        parsed: ParsedObject,
        digest: bytes,
        own: Mapping[Micros, Own],
        here: Mapping[Micros, bytes],
        offered: Collection_[int],
    ) -> tuple[Own | None, Micros, bool]:
        """Return the earlier contribution that this is, if any, its version, and whether it stands there already.

        ``own`` and ``here`` are what the sender contributed under this id before, and earlier in this submission.

        Raises:
            InputError: the sender shared other content under the same id and version.
        """
        version = self._version(parsed, digest, own, here)
        before = own.get(version)
        if before is not None:
            if before.contribution_id in self._closed:
                raise _CLOSED
            if before.digest != digest:
                raise _OTHER_CONTENT
            return before, version, before.contribution_id in offered or version in here
        if here.get(version, digest) != digest:
            raise _OTHER_CONTENT
        return None, version, version in here

    def _version(
        self, parsed: ParsedObject, digest: bytes, own: Mapping[Micros, Own], here: Mapping[Micros, bytes]
    ) -> Micros:
        if parsed.version is not None:
            return parsed.version
        # STIX 2.1 gives these no `modified`: the same content is the same version, other content is a later one
        known = {version: before.digest for version, before in own.items()} | dict(here)
        for version, content in known.items():
            if content == digest:
                return version
        if known and parsed.type == MARKING_DEFINITION and parsed.id not in KNOWN_MARKINGS:
            raise _OTHER_DEFINITION
        if not known and parsed.created is not None:
            return parsed.created
        newest = max(known, default=self._at - 1)
        if newest >= _LAST_VERSION:
            raise _NO_LATER
        return max(self._at, newest + 1)

    def _definitions(
        self, objects: Sequence[tuple[int, ParsedObject]], own: Mapping[str, Mapping[Micros, Own]]
    ) -> tuple[dict[str, dict[str, object]], frozenset[str]]:
        """Return the marking-definitions that this submission may mean, and the ids whose definition it gets refused.

        They are the sender's earlier ones and those in the submission. An id of which something is refused here means
        neither what stood before, which may be laxer, nor what came now, which may be no marking at all.
        """
        here = [parsed for _, parsed in objects if parsed.type == MARKING_DEFINITION]
        refused = {result.id for result in self._results.values() if result.id is not None}
        # what is purged has no digest: it neither confirms nor contradicts
        shared = {key: {one.digest for one in versions.values() if one.digest} for key, versions in own.items()}
        refused |= contradicted(here, shared)
        wanted = {ref for _, parsed in objects for ref in marking_refs(parsed)}
        before = store.own_definitions(self._connection, self._adapter, self._environment, self._owner_id, wanted)
        bodies = {parsed.id: parsed.body for parsed in here} | before
        return {key: msgspec.json.decode(body) for key, body in bodies.items()}, frozenset(refused)

    # --- publish -----------------------------------------------------------------------------------------------------

    def _plan(self, collection: Collection, offers: Sequence[_Offer]) -> Planned:
        """Find out which sanitised versions are made beside what is new here, and tell the sender of them."""
        connection, party = self._connection, self._submission.party
        if not self._making.concerned(connection, at=self._at, party=party, owner_id=self._owner_id):
            return Planned()
        planned = self._making.plan(
            connection,
            at=self._at,
            party=party,
            owner_id=self._owner_id,
            collection=collection,
            taken=[
                Taken(
                    index=offer.index, parsed=offer.parsed, version=offer.version, label=offer.label, bound=offer.bound
                )
                for offer in offers
                if offer.again is None
            ],
        )
        for index, notes in planned.notes.items():
            result = self._results[index]
            self._results[index] = msgspec.structs.replace(result, notes=(*result.notes, *notes))
        return planned

    # --- offer -------------------------------------------------------------------------------------------------------

    def _enter(self, collection: Collection, offers: Sequence[_Offer], receipt: Receipt, count: int) -> None:
        connection, environment = self._connection, self._environment
        # in their order: what a submission makes must not hang on how Python hashes texts today
        labels = list(dict.fromkeys(offer.label for offer in offers if offer.again is None))
        ids, new = intern_labels(connection, environment, labels, self._at)
        if (
            new
            and self._bounded
            and count_new_labels(connection, environment, self._submission.party, self._at - DAY) > MAX_NEW_LABELS_A_DAY
        ):
            raise LimitError(
                f"more than {MAX_NEW_LABELS_A_DAY} new combinations of type, marking and recipients in a day",
                todo="mark alike what is alike, or wait",
            )
        submission_id = next_id(connection, SUBMISSIONS.c.submission_id)
        results = msgspec.structs.replace(receipt, results=self._in_order(count))
        connection.execute(
            SUBMISSIONS.insert().values(
                submission_id=submission_id,
                environment=environment,
                uuid=receipt.id,
                party_id=self._owner_id,
                collection_id=collection.id,
                actor=self._submission.acting.actor,
                on_behalf_of=self._submission.acting.on_behalf_of,
                received_at=self._at,
                result=msgspec.json.encode(results),
            )
        )
        placed: list[tuple[int, str, Micros, int]] = []
        entered = self._insert(collection, offers, ids, submission_id, placed)
        self._log.append(
            connection,
            [
                Record(
                    kind="submission",
                    at=self._at,
                    acting=self._submission.acting,
                    concerns=tuple(
                        sorted({self._submission.party, self._submission.delegate or self._submission.party})
                    ),
                    data={
                        "submission": receipt.id,
                        "party": self._submission.party,
                        "collection": collection.uuid,
                        "labels": [[label_id, as_json(label)] for label_id, label in new],
                        "offers": entered,
                        "repeated": results.count(Outcome.REPEATED),
                        "refused": [
                            [result.index, result.id, result.reason]
                            for result in results.results
                            if result.outcome is Outcome.REFUSED
                        ],
                    }
                    | self._shared_by(),
                )
            ],
        )
        self._follow(connection, self._submission.acting, self._submission.party, placed)

    def _shared_by(self) -> dict[str, object]:
        """Return what the entry of a submission under a delegation tells besides."""
        one = self._delegation
        return {} if one is None else {"delegation": one.uuid, "delegate": one.delegate}

    def _insert(
        self,
        collection: Collection,
        offers: Sequence[_Offer],
        labels: Mapping[Label, int],
        submission_id: int,
        placed: list[tuple[int, str, Micros, int]],
    ) -> list[dict[str, object]]:
        """Insert contributions and offers; returns the offers as the log tells them.

        Adds what was offered to ``placed``: number of the contribution, object id, version, number of the label.
        """
        if not offers:
            return []
        connection, environment = self._connection, self._environment
        free_contribution = next_id(connection, CONTRIBUTIONS.c.contribution_id)
        salts = self._entropy.bytes(SALT_BYTES * len(offers))
        contested = self._contested(collection, offers)
        numbers = [labels[offer.label] if offer.again is None else offer.again.label_id for offer in offers]
        began = max(self._at, collection.head_added)
        seq, added = collection.head_seq, began
        contribution_rows: list[tuple[object, ...]] = []
        offer_rows: list[tuple[object, ...]] = []
        entered: list[dict[str, object]] = []
        counted: Counter[int] = Counter()
        for after, place in drawn(numbers, self._entropy):
            offer, label_id = offers[place], numbers[place]
            parsed = offer.parsed
            seq += 1
            added = began + after
            if offer.again is None:
                salt = salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
                commitment = content_text(commit_content(salt=salt, body=parsed.body))
                contribution_id = free_contribution + len(contribution_rows)
                contribution_rows.append(
                    (
                        contribution_id,
                        environment,
                        self._owner_id,
                        store.object_key(environment, parsed.id),
                        parsed.id,
                        offer.version,
                        parsed.type,
                        label_id,
                        salt,
                        submission_id,
                        parsed.version is not None,
                        False,
                        None,
                        None,
                        offer.digest,
                        parsed.body,
                    )
                )
            else:
                contribution_id, commitment = offer.again.contribution_id, None
            offer_rows.append(
                (
                    collection.id,
                    seq,
                    environment,
                    label_id,
                    contribution_id,
                    offer.version,
                    added,
                    parsed.id in contested,
                    None,
                )
            )
            placed.append((contribution_id, parsed.id, offer.version, label_id))
            told: dict[str, object] = {
                "seq": seq,
                "added": added,
                "object": parsed.id,
                "version": offer.version,
                "label": label_id,
            }
            if commitment is not None:
                told["content"] = commitment
            entered.append(told)
            counted[label_id] += 1
        self._adapter.bulk_insert(connection, CONTRIBUTIONS, _CONTRIBUTION_COLUMNS, contribution_rows)
        self._adapter.bulk_insert(connection, OFFERS, _OFFER_COLUMNS, offer_rows)
        store.count_labels(connection, environment, collection.id, counted.items())
        store.move_head(connection, collection.id, seq=seq, added=added)
        return entered

    def _contested(self, collection: Collection, offers: Sequence[_Offer]) -> set[str]:
        """Return the ids of which the collection will hold more than one offer, and note that on the ones it holds."""
        here = Counter(offer.parsed.id for offer in offers)
        held = store.offers_of_objects(self._connection, self._adapter, self._environment, collection.id, here)
        # even where there are none: what is asked of the database must not tell what others offer
        store.mark_contested(self._connection, self._adapter, collection.id, [seq for _, seq in held])
        return {object_id for object_id, _ in held} | {object_id for object_id, times in here.items() if times > 1}


_CONTRIBUTION_COLUMNS: Final = (
    "contribution_id",
    "environment",
    "owner_id",
    "object_key",
    "object_id",
    "version",
    "type",
    "label_id",
    "salt",
    "submission_id",
    "versioned",
    "sealed",
    "origin_hub",
    "origin_entry",
    "digest",
    "bytes",
)
_OFFER_COLUMNS: Final = (
    "collection_id",
    "offer_seq",
    "environment",
    "label_id",
    "contribution_id",
    "version",
    "date_added",
    "contested",
    "withdrawn_at",
)

_NOTHING: Final[Mapping[Micros, Any]] = {}

_LABEL_STAYS: Final = "you shared this before: its label stays; to change who receives it, share a later version"

_OTHER_CONTENT: Final = InputError(
    "you shared other content under this id and `modified`",
    where="modified",
    todo="give the changed object a later `modified` (STIX 2.1 §3.6)",
)

_FORGED: Final = InputError(
    "only the hub gives notice of recalls", where="extensions", todo="order one: `tocsin recall order`"
)

_CLOSED: Final = InputError(
    "you shared this version before, and it was purged or called back",
    where="modified",
    todo="share a later version, if it is to be shared again",
)

# The last instant that a timestamp can write: nothing can be versioned after it.
_LAST_VERSION: Final = parse_instant("9999-12-31T23:59:59.999999Z")

_NO_LATER: Final = InputError(
    "you shared other content under this id, dated to the last instant there is: no later version can be",
    where="created",
    todo="leave this one out, or give it an id of its own",
)

# Without `modified` a later one would change what earlier objects are marked with.
_OTHER_DEFINITION: Final = InputError(
    "you shared another definition under this id",
    where="id",
    todo="give the new one an id of its own: marking definitions cannot be versioned (STIX 2.1 §7.2.1)",
)


def _refusal(item: RefusedObject, index: int) -> Result:
    return Result(
        index=index,
        id=item.id,
        version=None,
        outcome=Outcome.REFUSED,
        reason=item.reason,
        where=item.where,
        section=item.section,
        todo=item.todo,
    )


def _spilled(index: int) -> Result:
    """Tell of what is above the ceiling that it was refused, and nothing that it said: not even its id."""
    return Result(
        index=index,
        id=None,
        version=None,
        outcome=Outcome.REFUSED,
        reason=ABOVE_CEILING.what,
        where=f"objects[{index}]",
        todo=ABOVE_CEILING.todo,
    )


def _refused(index: int, parsed: ParsedObject, error: InputError | ForbiddenError) -> Result:
    return Result(
        index=index,
        id=parsed.id,
        version=None if parsed.version is None else format_instant(parsed.version),
        outcome=Outcome.REFUSED,
        reason=error.what,
        where=f"objects[{index}]" + (f".{error.where}" if error.where else ""),
        todo=error.todo,
    )
