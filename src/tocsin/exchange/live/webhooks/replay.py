"""Webhooks rebuilt from the log alone, and compared with what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from tocsin.errors import InputError, LogBrokenError, StoreBrokenError
from tocsin.exchange.live.webhooks import store as webhooks
from tocsin.exchange.live.webhooks.model import Content, Webhook
from tocsin.exchange.live.webhooks.tables import WEBHOOK_MESSAGES
from tocsin.kernel.http.outbound import parse_target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tocsin.exchange.case import Case

__all__ = ["KINDS", "Told", "apply", "check_webhooks"]

KINDS: Final = frozenset({"webhook.added", "webhook.removed", "webhook.resumed"})


class Told(msgspec.Struct, kw_only=True):
    """The webhooks that there are, and those that were removed, by UUID."""

    present: dict[str, Webhook] = msgspec.field(default_factory=dict)
    removed: dict[str, Webhook] = msgspec.field(default_factory=dict)


class _Added(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    webhook: str
    party: str
    collection: str
    url: str
    purpose: str
    content: Content
    types: list[str] | None


class _Named(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    webhook: str
    party: str
    reason: str = ""


def apply(
    told: Told,
    kind: str,
    data: Mapping[str, object],
    *,
    actor: str,
    vetted: Callable[[str], bool],
    collections: Collection[str],
) -> None:
    """Note what an entry, done by ``actor``, tells of a webhook.

    ``vetted`` says of a URI whether it is a vetted party's at that entry.

    Raises:
        LogBrokenError: it is not what such an entry holds, or cannot have happened.
    """
    try:
        if kind == "webhook.added":
            _add(told, msgspec.convert(dict(data), _Added, strict=True), actor, vetted, collections)
            return
        named = _present(told, msgspec.convert(dict(data), _Named, strict=True))
        if kind == "webhook.removed":
            told.removed[named.uuid] = told.present.pop(named.uuid)
        elif kind == "webhook.resumed":
            told.present[named.uuid] = replace(named, registrar=actor)
    except (msgspec.ValidationError, InputError) as error:
        raise LogBrokenError(str(error), where=kind) from error


def _present(told: Told, named: _Named) -> Webhook:
    webhook = told.present.get(named.webhook)
    if webhook is None or webhook.party != named.party:
        raise InputError("it is about a webhook that is not there, or another party's")
    return webhook


def _add(told: Told, added: _Added, actor: str, vetted: Callable[[str], bool], collections: Collection[str]) -> None:
    if not vetted(added.party):
        raise InputError("it is of a party that was not vetted")
    if added.collection not in collections:
        raise InputError("it is of a collection that is not there")
    if added.webhook in told.present or added.webhook in told.removed:
        raise InputError("there is a webhook of this id already")
    parse_target(added.url)
    told.present[added.webhook] = Webhook(
        uuid=added.webhook,
        party=added.party,
        registrar=actor,
        collection=added.collection,
        url=added.url,
        purpose=added.purpose,
        content=added.content,
        types=None if added.types is None else frozenset(added.types),
    )


def check_webhooks(case: Case) -> str:
    """Return what was counted, once every webhook is as the log tells. How far each was told is in no entry.

    Raises:
        StoreBrokenError: one is not, or its place lies beyond its collection.
    """
    told = Told()
    collections = case.collections()
    for _index, payload in case.entries(*KINDS):
        apply(told, payload.kind, payload.data, actor=payload.actor, vetted=lambda _uri: True, collections=collections)
    rows = webhooks.webhook_rows(case.connection, case.environment, removed=True)
    stored = {row.webhook.uuid: row.webhook for row in rows}
    if stored != told.present | told.removed or {row.webhook.uuid for row in rows if row.removed_at is not None} != set(
        told.removed
    ):
        raise StoreBrokenError("webhooks are stored that the log does not tell of, or the other way", where="webhooks")
    for row in rows:
        if not 0 <= row.place <= row.head_seq:
            raise StoreBrokenError("it was told more than there is", where=f"webhook {row.webhook.uuid}")
    return f"{len(told.present)} webhooks, {case.count(WEBHOOK_MESSAGES)} messages kept"
