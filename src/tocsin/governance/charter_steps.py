"""What the entries about charters need and make. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from tocsin.errors import ForbiddenError, InputError, TransitionError
from tocsin.governance.documents import read_charter
from tocsin.governance.model.charter import Figure, Report, number
from tocsin.governance.wire import from_data
from tocsin.parties.model import check_remark

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.governance.model.charter import Charter
    from tocsin.governance.state import Governed, Scene

__all__ = ["CHARTER_STEPS", "charter_digest"]


class _Adopted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    charter: str
    version: int
    digest: str
    document: str


class _Reported(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    charter: str
    goal: str
    value: str
    note: str


class _Evaluated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    charter: str
    version: int
    figures: tuple[Figure, ...]


def charter_digest(document: str) -> str:
    """Return the SHA-256 of a charter's text, in hexadecimal."""
    return hashlib.sha256(document.encode()).hexdigest()


def _adopt(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Adopted)
    charter = read_charter(told.document.encode(), where=f"{told.charter}/{told.version}")
    if (charter.name, charter.version, charter_digest(told.document)) != (told.charter, told.version, told.digest):
        raise InputError("the document is another than the entry says", where=told.charter[:80])
    before = governed.charters.get(charter.name)
    if before is not None and before.version >= charter.version:
        raise TransitionError(
            f"version {before.version} is adopted", where=charter.name, todo=f"write version: {before.version + 1}"
        )
    for goal in charter.goals:
        there = scene.register.user(goal.owner) if "@" in goal.owner else scene.register.party(goal.owner)
        if there is None:
            raise InputError(f"nobody here is {goal.owner}", where=f"{charter.name}: {goal.id}")
    return _put(governed, replace(charter, adopted_at=scene.at, mandate=scene.mandate or ""))


def _report(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Reported)
    charter = governed.charter(told.charter)
    goal = charter.goal(told.goal)
    if goal is None:
        raise InputError("the charter has no such goal", where=told.goal[:80])
    if scene.who != goal.owner and scene.who.rpartition("@")[2] != goal.owner:
        raise ForbiddenError(f"{goal.owner} answers for this goal", where=goal.id)
    number(told.value)
    report = Report(value=told.value, note=check_remark(told.note, "note"), by=scene.who, at=scene.at)
    return _put(governed, replace(charter, reports={**charter.reports, goal.id: report}))


def _evaluate(governed: Governed, data: Mapping[str, Any], scene: Scene) -> Governed:
    told = from_data(data, _Evaluated)
    charter = governed.charter(told.charter)
    if not scene.is_operator(scene.who) and scene.who != scene.register.hub():
        raise ForbiddenError("the secretary evaluates a charter, or the hub itself", where=scene.who)
    if told.version != charter.version or [one.goal for one in told.figures] != [goal.id for goal in charter.goals]:
        raise InputError("it has other goals", where=charter.name)
    for goal, figure in zip(charter.goals, told.figures, strict=True):
        if figure.met is not goal.met(figure.value):
            raise InputError("the target says otherwise", where=goal.id)
    return _put(governed, replace(charter, evaluated_at=scene.at, figures=told.figures))


def _put(governed: Governed, charter: Charter) -> Governed:
    return replace(governed, charters={**governed.charters, charter.name: charter})


CHARTER_STEPS: Final[dict[str, Callable[[Governed, Mapping[str, Any], Scene], Governed]]] = {
    "charter.adopted": _adopt,
    "charter.reported": _report,
    "charter.evaluated": _evaluate,
}
