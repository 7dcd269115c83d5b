"""What every entry is held to, whatever it tells: where and when it was done, by whom, for whom and by what right.

And how a hub is founded, which is where a log begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tocsin.agreements.annexes.replay import Emergencies
from tocsin.agreements.replay import Agreed
from tocsin.errors import InputError, TocsinError
from tocsin.exchange.replay.forms import Founding, broken, shaped
from tocsin.governance import course
from tocsin.governance.privileged import ACTS
from tocsin.governance.replay import ToldRegister
from tocsin.governance.state import Scene, Told
from tocsin.kernel.mandate import Acting
from tocsin.log.note import VerifierKey
from tocsin.parties.model import Role
from tocsin.parties.replay import People
from tocsin.parties.vetting.model import last_admission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.exchange.replay.state import State
    from tocsin.kernel.clock import Micros
    from tocsin.log.model import EntryPayload

__all__ = ["FOUNDING", "check_founded", "check_frame", "found"]

# How a hub is founded, in one transaction: by the operator whom its last entry adds.
FOUNDING: Final = ("hub.founded", "party.added", "party.cleared", "user.added")


def check_frame(state: State, index: int, payload: EntryPayload, at: Micros) -> None:
    """Check what every entry says: where and when it was done, by whom, for whom and by what right."""
    if payload.environment != state.environment:
        raise broken(index, "it is of another environment than the entries before it")
    if state.instants and at < state.at:
        raise broken(index, "it is older than the entry before it")
    founding = index < len(FOUNDING)
    if founding and (payload.kind, payload.actor, payload.on_behalf_of) != (FOUNDING[index], state.founder, None):
        raise broken(index, "a hub is not founded in this way")
    privileged = payload.kind in ACTS
    if privileged or payload.mandate is not None or payload.kind in course.KINDS:
        _govern(state, index, payload, at)
    if founding:
        return
    for reference in (payload.actor, payload.on_behalf_of):
        if reference is not None and not state.knows(reference):
            raise broken(index, f"it was done by or for somebody who is not there: {reference[:80]!r}")
    user, _, home = payload.actor.rpartition("@")
    if privileged and state.names[home] == state.rebuilt.hub and not user and _ended(state, payload, at):
        return  # nobody decides it: the hub itself ends what has ended (docs/adr/0093)
    if privileged and (not user or state.names[home] != state.rebuilt.hub):
        raise broken(index, "only people of the party that runs the hub do this")


def _ended(state: State, payload: EntryPayload, at: Micros) -> bool:
    """Return whether an entry suspends a party whose last vetting has ended."""
    if payload.kind != "party.suspended":
        return False
    uri = payload.data["party"]["uri"]
    admitted = last_admission(uri, state.rebuilt.vetted.applications.values())
    return admitted is not None and admitted.ends is not None and admitted.ends <= at


def _govern(state: State, index: int, payload: EntryPayload, at: Micros) -> None:
    """Check by what right it was done, and note what it makes of bodies and motions."""
    told = Told(index=index, kind=payload.kind, data=payload.data, mandate=payload.mandate)
    register = ToldRegister(state.rebuilt.people, state.rebuilt.agreed, state.names)
    acting = Acting(actor=payload.actor, on_behalf_of=payload.on_behalf_of)
    scene = Scene(at=at, acting=acting, register=register)

    def name_of(uri: str) -> str:
        return state.rebuilt.people.parties[uri].name

    try:
        state.rebuilt.governed = course.enter(state.rebuilt.governed, told, scene, name_of)
    except TocsinError as error:
        raise broken(index, str(error)) from error


def check_founded(state: State, index: int) -> None:
    """Check that the founding made the hub's own party and its operator, who did it all, and nobody else."""
    people = state.rebuilt.people
    users = [
        f"{user.name}@{people.parties[user.party].name}"
        for user in people.users.values()
        if user.party == people.hub and Role.OPERATOR in user.roles
    ]
    if list(people.parties) != [people.hub] or users != [state.founder]:
        raise broken(index, "a hub is founded by an operator of the party that runs it")


def found(state: State, index: int, data: Mapping[str, Any]) -> None:
    """Note whose log it is."""
    founding = shaped(index, data, Founding)
    try:
        key = VerifierKey.parse(founding.vkey)
    except InputError as error:
        raise broken(index, str(error)) from error
    if key.name != founding.origin or not key.name.endswith(f"/tocsin/{state.environment}"):
        raise broken(index, "its key is not named after its origin, hub and environment")
    if state.founder.rpartition("@")[0] != founding.operator:
        raise broken(index, "it was not done by the operator whom it names")
    state.rebuilt.hub = founding.hub
    state.rebuilt.people = People(hub=founding.hub)
    state.rebuilt.granted.two_keys = founding.signed_with == "both"
    told = Emergencies(motions_answer=founding.renewed_by == "motion")
    state.rebuilt.agreed = Agreed(emergencies=told)
