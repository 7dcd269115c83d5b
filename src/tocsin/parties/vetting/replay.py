"""Vetting rebuilt from the payloads of the log alone, by the function that judged each act when it was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import LogBrokenError, RefusedError
from tocsin.parties.model import PartyStatus
from tocsin.parties.vetting.model import (
    AccessReview,
    Application,
    ApplicationAct,
    Scene,
    carried_on,
    check_access_review,
    require_last,
    require_only_one,
)
from tocsin.parties.vetting.wire import act_data, told_application, told_review

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.kernel.clock import Micros
    from tocsin.log.model import EntryPayload
    from tocsin.parties.replay import People

__all__ = ["KINDS", "Vetted", "apply"]

ACCESS_REVIEWED: Final = "access.reviewed"
_ACTS: Final = {f"application.{act}": act for act in ApplicationAct}
KINDS: Final = frozenset({*_ACTS, ACCESS_REVIEWED})


class Vetted(msgspec.Struct, kw_only=True):
    """Every application by its id, and each party's last access review."""

    applications: dict[str, Application] = msgspec.field(default_factory=dict)
    reviews: dict[str, AccessReview] = msgspec.field(default_factory=dict)


def apply(told: Vetted, payload: EntryPayload, *, people: People, names: Mapping[str, str], at: Micros) -> None:
    """Note what an entry tells of vetting; ``names`` are the parties' URIs by their short names.

    Raises:
        LogBrokenError: it cannot have happened.
    """
    user, _, name = (payload.on_behalf_of or payload.actor).rpartition("@")
    uri = names.get(name, "")
    scene = Scene(parties=people.parties, user=people.users.get((uri, user)) if user else None, actor_party=uri, at=at)
    try:
        if payload.kind == ACCESS_REVIEWED:
            review = told_review(payload.data, at)
            check_access_review(review, scene.user)
            told.reviews[review.party] = review
        else:
            _carry_on(told, _ACTS[payload.kind], payload, scene)
    except RefusedError as error:
        raise LogBrokenError(str(error), where=payload.kind) from error


def _carry_on(told: Vetted, act: ApplicationAct, payload: EntryPayload, scene: Scene) -> None:
    uuid = str(payload.data.get("application"))
    before = told.applications.get(uuid)
    if (act is ApplicationAct.OPENED) != (before is None):
        raise LogBrokenError("it was opened before, or never", where=f"application {uuid[:40]}")
    after = carried_on(before, act, told_application(act, payload.data, before), scene)
    if act_data(act, after) != dict(payload.data):
        raise LogBrokenError("it says otherwise than who made it can have said", where=f"application {uuid[:40]}")
    if act is ApplicationAct.OPENED:
        require_only_one(after, told.applications.values())
    if act is ApplicationAct.PROLONGED and before is not None:
        require_last(before, told.applications.values())
    if act is ApplicationAct.ADMITTED:
        party = scene.parties[after.party]
        now = (party.status, party.clearance, party.clearance_until)
        if now != (PartyStatus.VETTED, after.clearance, after.until):
            raise LogBrokenError("its party was not cleared so", where=f"application {uuid}")
    told.applications[uuid] = after
