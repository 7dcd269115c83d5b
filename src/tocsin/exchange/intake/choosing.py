"""Labelling every object of a submission, and finding out which are new to the hub from this sender."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.agreements.model import Label
from tocsin.errors import ForbiddenError, InputError
from tocsin.exchange import store
from tocsin.exchange.access.delegation import Delegation, covering
from tocsin.exchange.addressing import address_of
from tocsin.exchange.ceiling import above
from tocsin.exchange.closing import closed_for_good
from tocsin.exchange.earlier import enter_version, last_versions, reference_notes
from tocsin.exchange.intake.results import refused, spilled
from tocsin.exchange.labelling import MARKING_DEFINITION, Handling, Labeller, contradicted, marking_refs
from tocsin.exchange.markings import KNOWN_MARKINGS
from tocsin.exchange.model import Outcome, Result
from tocsin.exchange.recall.wire import NOTICE_EXTENSION
from tocsin.exchange.relations import references
from tocsin.exchange.remarks import remarks_on
from tocsin.exchange.stix import ParsedObject
from tocsin.exchange.store import Own
from tocsin.kernel.clock import Micros, format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Collection as Collection_
    from collections.abc import Iterator, Mapping, Sequence

    from tocsin.exchange.ceiling import Screen
    from tocsin.exchange.intake.turn import Turn
    from tocsin.exchange.model import Collection

__all__ = ["Choosing", "Chosen"]

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

_CLOSED_OBSERVABLE: Final = InputError(
    "you shared this before, and it was called back",
    where="id",
    todo="it has no `modified`, so that the same content is the same version: share it with other content, if at all",
)

# The last instant that a timestamp can write: nothing can be versioned after it.
_LAST_VERSION: Final = parse_instant("9999-12-31T23:59:59.999999Z")

_NO_LATER: Final = InputError(
    "you shared other content under this id, dated to the last instant there is: no later version can be",
    where="created",
    todo="leave this one out, or give it an id of its own",
)

# Told to who shares for another: what that party shared itself is no business of its delegate's.
_NOT_FOR_ANOTHER: Final = InputError(
    "this cannot be shared for that party", where="id", todo="share a later version, or ask that party"
)

# Without `modified` a later one would change what earlier objects are marked with.
_OTHER_DEFINITION: Final = InputError(
    "you shared another definition under this id",
    where="id",
    todo="give the new one an id of its own: marking definitions cannot be versioned (STIX 2.1 §7.2.1)",
)


class Chosen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One object on its way into the store."""

    index: int
    parsed: ParsedObject
    version: Micros
    digest: bytes
    label: Label
    again: Own | None  # contributed before, and only offered anew
    bound: bool  # marked with terms for its recipients
    delegation: Delegation | None  # under which it is shared for another; None: the party shares it itself


class Choosing:
    """Chooses what is offered of one submission; notes in ``results`` what its sender is told of each object."""

    def __init__(
        self,
        turn: Turn,
        *,
        screened: Screen,
        ceiling: str,
        delegations: Sequence[Delegation],
        results: dict[int, Result],
    ) -> None:
        self._turn = turn
        self._screened = screened
        self._ceiling = ceiling
        self._delegations = delegations
        self._results = results
        self._closed: set[int] = set()

    def choose(self, collection: Collection, objects: Sequence[tuple[int, ParsedObject]]) -> list[Chosen]:
        """Label every object, and find out which are new, which the sender shared before, and which contradict that."""
        connection, adapter = self._turn.connection, self._turn.adapter
        to = [self._address(reference) for reference in self._turn.submission.to]
        handling = Handling(tlp=self._turn.submission.tlp, recipients=frozenset(to) or None)
        ids = dict.fromkeys(parsed.id for _, parsed in objects)
        # what objects refer to as well: their sender is told of its own objects, and of nobody else's
        named = dict.fromkeys(ref for _, parsed in objects for ref in references(parsed.obj))
        own = store.own_contributions(connection, adapter, self._turn.environment, self._turn.owner_id, ids | named)
        before = [one.contribution_id for key in ids if key in own for one in own[key].values()]
        offered = store.offered_in(connection, adapter, collection.id, before) if before else set()
        # asked of the sender's own alone, and only of what it offers no more
        over = [one for one in before if one not in offered]
        self._closed = closed_for_good(connection, adapter, over) if over else set()
        labeller = self._labeller(handling, objects, own)
        handled = handling != Handling()
        histories = last_versions(connection, adapter, (parsed for _, parsed in objects), own)
        chosen: list[Chosen] = []
        taken: dict[str, dict[Micros, bytes]] = {}
        for index, parsed in objects:
            digest = hashlib.sha256(parsed.body).digest()
            try:
                if NOTICE_EXTENSION in parsed.obj.extensions:
                    raise _FORGED
                label, notes = labeller.label(parsed)
                if above((label.classification,), self._ceiling):
                    self._results[index] = spilled(index)
                    continue
                delegation = covering(self._delegations, label) if self._delegations else None
                here = taken.get(parsed.id, _NOTHING)
                with self._told_alike():
                    again, version, repeated = self._place(parsed, digest, own.get(parsed.id, _NOTHING), here, offered)
                notes += remarks_on(parsed)
                if again is None and not repeated:
                    notes += enter_version(histories, parsed)
            except (InputError, ForbiddenError) as error:
                self._results[index] = refused(index, parsed, error)
                continue
            self._results[index] = Result(
                index=index,
                id=parsed.id,
                version=format_instant(version),
                outcome=Outcome.REPEATED if repeated else Outcome.ACCEPTED,
                notes=(*notes, _LABEL_STAYS) if again is not None and handled else notes,
            )
            if not repeated:
                taken.setdefault(parsed.id, {})[version] = digest
                bound = labeller.bound(parsed)
                chosen.append(
                    Chosen(
                        index=index,
                        parsed=parsed,
                        version=version,
                        digest=digest,
                        label=label,
                        again=again,
                        bound=bound,
                        delegation=delegation,
                    )
                )
        self._note_references(chosen, own)
        return chosen

    def _address(self, reference: str) -> str:
        return address_of(self._turn.connection, self._turn.environment, reference)

    def _labeller(
        self, handling: Handling, objects: Sequence[tuple[int, ParsedObject]], own: Mapping[str, Mapping[Micros, Own]]
    ) -> Labeller:
        definitions, refused_ids = self._definitions(objects, own)
        return Labeller(
            owner=self._turn.submission.party,
            handling=handling,
            definitions=definitions,
            refused=refused_ids,
            classified=self._screened.markings,
            at=self._turn.at,
            address=self._address,
        )

    def _note_references(self, chosen: Sequence[Chosen], own: Mapping[str, Mapping[Micros, Own]]) -> None:
        shared = [(offer.parsed, offer.label if offer.again is None else None) for offer in chosen]
        for offer, note in zip(
            chosen, reference_notes(self._turn.connection, self._turn.adapter, shared, own), strict=True
        ):
            if note is not None:
                result = self._results[offer.index]
                self._results[offer.index] = msgspec.structs.replace(result, notes=(*result.notes, note))

    @contextmanager
    def _told_alike(self) -> Iterator[None]:
        """Make one refusal of all that tell what the owner shared before, to who shares for it."""
        try:
            yield
        except InputError as error:
            if not self._delegations:
                raise
            raise _NOT_FOR_ANOTHER from error

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
                raise _CLOSED if parsed.version is not None else _CLOSED_OBSERVABLE
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
        newest = max(known, default=self._turn.at - 1)
        if newest >= _LAST_VERSION:
            raise _NO_LATER
        return max(self._turn.at, newest + 1)

    def _definitions(
        self, objects: Sequence[tuple[int, ParsedObject]], own: Mapping[str, Mapping[Micros, Own]]
    ) -> tuple[dict[str, dict[str, object]], frozenset[str]]:
        """Return the marking-definitions that this submission may mean, and the ids whose definition it gets refused.

        They are the sender's earlier ones and those in the submission. An id of which something is refused here means
        neither what stood before, which may be laxer, nor what came now, which may be no marking at all.
        """
        here = [parsed for _, parsed in objects if parsed.type == MARKING_DEFINITION]
        without = {result.id for result in self._results.values() if result.id is not None}
        # what is purged has no digest: it neither confirms nor contradicts
        shared = {key: {one.digest for one in versions.values() if one.digest} for key, versions in own.items()}
        without |= contradicted(here, shared)
        wanted = {ref for _, parsed in objects for ref in marking_refs(parsed)}
        before = store.own_definitions(
            self._turn.connection, self._turn.adapter, self._turn.environment, self._turn.owner_id, wanted
        )
        bodies = {parsed.id: parsed.body for parsed in here} | before
        return {key: msgspec.json.decode(body) for key, body in bodies.items()}, frozenset(without)
