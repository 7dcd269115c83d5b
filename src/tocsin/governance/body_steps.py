"""What the entries about bodies need and make. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from tocsin.errors import ConflictError, InputError
from tocsin.governance.model.bodies import Body, check_bodies, parties_of
from tocsin.governance.model.votes import lapse, pending
from tocsin.governance.wire import from_data
from tocsin.parties.model import PartyStatus, UserStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.governance.model.motions import Motion
    from tocsin.governance.state import Governed, Scene

__all__ = ["BODY_STEPS"]


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    body: Body
    reason: str = ""


class _Dissolved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    body: str
    reason: str


def _constitute(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    body = from_data(data, _Body).body
    if body.name in governed.bodies or body.name in governed.dissolved:
        raise ConflictError(
            "there is, or was, a body of this name", where=body.name, todo="change it, or choose another name"
        )
    return _seat(governed, body, scene)


def _change(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    body = from_data(data, _Body).body
    lost = set(governed.body(body.name).rights) - set(body.rights)
    return _lapsed(_seat(governed, body, scene), body.name, lambda motion: motion.right in lost)


def _seat(governed: Governed, body: Body, scene: Scene) -> Governed:
    for name in parties_of(body):
        party = scene.register.party(name)
        if party is None or party.status is PartyStatus.LEFT:
            raise InputError(f"there is no party {name}", where=body.name, todo="add the party first")
    for seat in body.seats:
        for person in (seat.holder, *seat.deputies):
            user = scene.register.user(person) if "@" in person else None
            if "@" in person and (user is None or user.status is not UserStatus.ACTIVE):
                raise InputError(f"there is no active user {person}", where=body.name, todo="add the user first")
    if not body.stands(scene.at):
        raise InputError("its time, or that of all its seats, has run out or not begun", where=body.name)
    bodies = {**governed.bodies, body.name: body}
    check_bodies(bodies.values())
    return replace(governed, bodies=bodies)


def _dissolve(governed: Governed, data: Mapping[str, Any], _scene: Scene) -> Governed:
    told = from_data(data, _Dissolved)
    body = governed.body(told.body)
    bodies = {name: one for name, one in governed.bodies.items() if name != body.name}
    after = replace(governed, bodies=bodies, dissolved={**governed.dissolved, body.name: body})
    return _lapsed(after, body.name, lambda _motion: True)


def _lapsed(governed: Governed, body: str, gone: Callable[[Motion], bool]) -> Governed:
    """Return what there is when those of a body's pending motions that it can do nothing about any more lapse.

    They do not come back with the right: whoever has it then is asked anew.
    """
    motions = {
        uuid: lapse(motion) if motion.body == body and pending(motion) and gone(motion) else motion
        for uuid, motion in governed.motions.items()
    }
    return replace(governed, motions=motions)


BODY_STEPS: Final[dict[str, Callable[[Governed, Mapping[str, Any], Scene], Governed]]] = {
    "body.constituted": _constitute,
    "body.changed": _change,
    "body.dissolved": _dissolve,
}
