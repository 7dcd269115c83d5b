"""Storing, offering and logging what was chosen of a submission."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.interning import as_json, count_new_labels, intern_labels
from tocsin.errors import LimitError
from tocsin.exchange import store
from tocsin.exchange.model import Outcome
from tocsin.exchange.stamps import drawn
from tocsin.exchange.tables import CONTRIBUTIONS, OFFER_COLUMNS, OFFERS, SUBMISSIONS
from tocsin.kernel.clock import DAY
from tocsin.kernel.db.store import next_id
from tocsin.log.commitment import SALT_BYTES, commit_content, content_text
from tocsin.log.service import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tocsin.agreements.model import Label
    from tocsin.exchange.access.delegation import Delegation
    from tocsin.exchange.intake.choosing import Chosen
    from tocsin.exchange.intake.turn import Turn
    from tocsin.exchange.model import Collection, Receipt
    from tocsin.kernel.clock import Micros

__all__ = ["MAX_NEW_LABELS_A_DAY", "enter"]

# Every new label costs each reader a decision. A party that marks with care makes some dozens; thousands are a mistake
# or an attack on everybody's pages.
MAX_NEW_LABELS_A_DAY: Final = 2_000

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


def enter(
    turn: Turn,
    collection: Collection,
    offers: Sequence[Chosen],
    receipt: Receipt,
    *,
    delegations: Sequence[Delegation],
    bounded: bool,
) -> None:
    """Store a submission and what was chosen of it, offer that, log it, and tell those who follow.

    ``delegations`` are those that stood for who shares for another. The entry names the first, and beside an offer the
    one that it came under, where that is another.

    Raises:
        LimitError: it is ``bounded``, and makes too many new labels for one day.
    """
    connection, environment, submission = turn.connection, turn.environment, turn.submission
    # in their order: what a submission makes must not hang on how Python hashes texts today
    labels = list(dict.fromkeys(offer.label for offer in offers if offer.again is None))
    ids, new = intern_labels(connection, environment, labels, turn.at)
    if (
        new
        and bounded
        and count_new_labels(connection, environment, submission.party, turn.at - DAY) > MAX_NEW_LABELS_A_DAY
    ):
        raise LimitError(
            f"more than {MAX_NEW_LABELS_A_DAY} new combinations of type, marking and recipients in a day",
            todo="mark alike what is alike, or wait",
        )
    submission_id = next_id(connection, SUBMISSIONS.c.submission_id)
    connection.execute(
        SUBMISSIONS.insert().values(
            submission_id=submission_id,
            environment=environment,
            uuid=receipt.id,
            party_id=turn.owner_id,
            collection_id=collection.id,
            actor=submission.acting.actor,
            on_behalf_of=submission.acting.on_behalf_of,
            received_at=turn.at,
            result=msgspec.json.encode(receipt),
        )
    )
    placed: list[tuple[int, str, Micros, int]] = []
    common = delegations[0] if delegations else None
    entered = _insert(turn, collection, offers, labels=ids, submission_id=submission_id, common=common, placed=placed)
    data: dict[str, object] = {
        "submission": receipt.id,
        "party": submission.party,
        "collection": collection.uuid,
        "labels": [[label_id, as_json(label)] for label_id, label in new],
        "offers": entered,
        "repeated": receipt.count(Outcome.REPEATED),
        "refused": [
            [result.index, result.id, result.reason] for result in receipt.results if result.outcome is Outcome.REFUSED
        ],
    }
    if common is not None:
        data |= {"delegation": common.uuid, "delegate": common.delegate}
    concerns = tuple(sorted({submission.party, submission.delegate or submission.party}))
    record = Record(kind="submission", at=turn.at, acting=submission.acting, concerns=concerns, data=data)
    turn.means.log.append(connection, [record])
    turn.means.follow(connection, submission.acting, submission.party, placed)


def _insert(
    turn: Turn,
    collection: Collection,
    offers: Sequence[Chosen],
    *,
    labels: Mapping[Label, int],
    submission_id: int,
    common: Delegation | None,
    placed: list[tuple[int, str, Micros, int]],
) -> list[dict[str, object]]:
    """Insert contributions and offers; returns the offers as the log tells them.

    Adds what was offered to ``placed``: number of the contribution, object id, version, number of the label.
    """
    if not offers:
        return []
    connection, environment, entropy = turn.connection, turn.environment, turn.means.entropy
    free_contribution = next_id(connection, CONTRIBUTIONS.c.contribution_id)
    salts = entropy.bytes(SALT_BYTES * len(offers))
    contested = _contested(turn, collection, offers)
    numbers = [labels[offer.label] if offer.again is None else offer.again.label_id for offer in offers]
    began = max(turn.at, collection.head_added)
    seq, added = collection.head_seq, began
    contribution_rows: list[tuple[object, ...]] = []
    offer_rows: list[tuple[object, ...]] = []
    entered: list[dict[str, object]] = []
    counted: Counter[int] = Counter()
    for after, place in drawn(numbers, entropy):
        offer, label_id = offers[place], numbers[place]
        object_id = offer.parsed.id
        seq += 1
        added = began + after
        told: dict[str, object] = {
            "seq": seq,
            "added": added,
            "object": object_id,
            "version": offer.version,
            "label": label_id,
        }
        if offer.delegation is not None and offer.delegation != common:
            told["delegation"] = offer.delegation.uuid
        if offer.again is None:
            salt = salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
            told["content"] = content_text(commit_content(salt=salt, body=offer.parsed.body))
            contribution_id = free_contribution + len(contribution_rows)
            contribution_rows.append(
                _contribution(turn, offer, contribution_id, label_id=label_id, salt=salt, submission_id=submission_id)
            )
        else:
            contribution_id = offer.again.contribution_id
        offer_rows.append(
            (
                collection.id,
                seq,
                environment,
                label_id,
                contribution_id,
                offer.version,
                added,
                object_id in contested,
                None,
            )
        )
        placed.append((contribution_id, object_id, offer.version, label_id))
        entered.append(told)
        counted[label_id] += 1
    turn.adapter.bulk_insert(connection, CONTRIBUTIONS, _CONTRIBUTION_COLUMNS, contribution_rows)
    turn.adapter.bulk_insert(connection, OFFERS, OFFER_COLUMNS, offer_rows)
    store.count_labels(connection, environment, collection.id, counted.items())
    store.move_head(connection, collection.id, seq=seq, added=added)
    return entered


def _contribution(
    turn: Turn, offer: Chosen, contribution_id: int, *, label_id: int, salt: bytes, submission_id: int
) -> tuple[object, ...]:
    """Return the row of a contribution, in the order of its columns."""
    parsed = offer.parsed
    return (
        contribution_id,
        turn.environment,
        turn.owner_id,
        store.object_key(turn.environment, parsed.id),
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


def _contested(turn: Turn, collection: Collection, offers: Sequence[Chosen]) -> set[str]:
    """Return the ids of which the collection will hold more than one offer, and note that on the ones it holds."""
    here = Counter(offer.parsed.id for offer in offers)
    held = store.offers_of_objects(turn.connection, turn.adapter, turn.environment, collection.id, here)
    # even where there are none: what is asked of the database must not tell what others offer
    store.mark_contested(turn.connection, turn.adapter, collection.id, [seq for _, seq in held])
    return {object_id for object_id, _ in held} | {object_id for object_id, times in here.items() if times > 1}
