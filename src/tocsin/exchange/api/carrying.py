"""``POST /api/v1/motions/{motion}/execution``: an operator of the hub carries out what a body decided.

A token of an operator's does over the network what a motion was passed for, once, and nothing else: the founding
mandate, under which an operator acts alone, stays at the hub's own command line.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import msgspec

from tocsin.errors import ForbiddenError, InputError, NotFoundError
from tocsin.exchange.api.acts import Carrier, execution_of
from tocsin.exchange.api.carried import Services as CarrierServices
from tocsin.exchange.api.carried import acts as own_acts
from tocsin.exchange.api.parts import CARRY, MISSING, REFUSED, ROOT, TAKEN, by_id, id_in
from tocsin.exchange.api.viewers import Register, operates
from tocsin.exchange.api.wire import read_body, reply
from tocsin.governance.model.motions import MotionStatus
from tocsin.kernel.http.operations import Answer, Operation
from tocsin.kernel.http.problem_details import JSON_TYPE
from tocsin.kernel.http.routes import Body, Call, Endpoint, Reply
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.exchange.api.acts import Act
    from tocsin.governance.service import Governance

__all__ = ["Services", "operations"]

_NO_MOTION: Final = "there is no such motion"

CarryCall: TypeAlias = Call[Principal]


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: the act, the right that it took, and on what."""

    motion: str
    act: str
    right: str
    subject: str
    status: MotionStatus


class Services(CarrierServices, Register, Protocol):
    """What the address needs of a hub."""

    governance: Governance


class Carrying:
    """The address of mandates in one environment; ``acts`` by their names."""

    def __init__(self, services: Services, acts: Mapping[str, Act]) -> None:
        self.takes = execution_of(acts)
        self._acts = acts
        self._services = services
        self._governance = services.governance

    def execute(self, call: CarryCall) -> Reply:
        """Carry out a motion."""
        if not operates(self._services, call.principal):
            raise ForbiddenError("an operator of the hub carries out what bodies decide")
        name, asked = _one_of(read_body(call.body, self.takes))
        act = self._acts[name]
        uuid = id_in(call.path, "motion", _NO_MOTION)
        try:
            motion = self._governance.motion(uuid).motion
        except NotFoundError as error:
            raise NotFoundError(_NO_MOTION) from error
        if motion.right is None or motion.right is not act.right:
            raise ForbiddenError(
                f"this motion is on {motion.right or 'no right'}, and this takes {act.right}",
                where=name,
                todo="name the act that the body decided on",
            )
        mandate = self._governance.granted(uuid)
        acting = Acting(actor=call.principal.id)
        act.run(Carrier(acting=acting, mandate=mandate, subject=motion.subject), asked)
        told = Carried(
            motion=uuid,
            act=name,
            right=str(motion.right),
            subject=motion.subject,
            status=self._governance.motion(uuid).motion.status,
        )
        return reply(told)


def operations(services: Services, above: Mapping[str, Act] | None = None) -> list[Operation[Principal]]:
    """Return the part of the table that is about mandates; ``above``: the acts of rooms above this one."""
    acts = own_acts(services) | dict(above or {})
    does = Carrying(services, acts)
    limit = max(one.longest for one in acts.values())
    return [
        Operation(
            id="motion-execute",
            tag="governance",
            method="POST",
            path=f"{ROOT}/motions/{{motion}}/execution",
            does=Endpoint(access=CARRY, run=does.execute, body=Body(types=(JSON_TYPE,), limit=limit)),
            summary="Carry out what a body decided, as an operator of the hub",
            says="Once, on what the motion says; what it leaves open stands in the body, and in the log.",
            parts=by_id("motion", "The id of a motion that passed."),
            takes=does.takes,
            answers={HTTPStatus.OK: Answer(says="It is done.", type=Carried)},
            problems=MISSING | REFUSED | TAKEN,
        )
    ]


def _one_of(asked: msgspec.Struct) -> tuple[str, msgspec.Struct]:
    given = {name: getattr(asked, name) for name in asked.__struct_fields__ if getattr(asked, name) is not None}
    if len(given) != 1:
        raise InputError(
            f"a motion is carried out by one act, and here are {len(given)}",
            where=", ".join(given) or None,
            todo="name one act, with what the motion leaves open",
        )
    return next(iter(given.items()))
