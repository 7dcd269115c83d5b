"""What the entries about baselines need and make. Pure; the hub takes these steps as it acts and as it is retold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from tocsin.errors import ConflictError, ForbiddenError, InputError, LimitError, NotFoundError
from tocsin.governance.wire import from_data
from tocsin.parties.model import check_remark
from tocsin.risk.baselines.catalogue import SEVEN, Catalogue
from tocsin.risk.baselines.model import Assessment, Confirmation, Target, require_independent
from tocsin.risk.scene import home, person

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.governance.state import Scene

__all__ = ["BASELINE_STEPS", "MAX_CATALOGUES", "Held", "assessment_key", "target_key"]

# Each is a baseline that members assess themselves against.
MAX_CATALOGUES: Final = 100
# Of one assessment: after so many opinions the party assesses itself anew.
_MAX_CONFIRMATIONS: Final = 20


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Catalogues by name, targets and assessments by ``target_key`` and ``assessment_key``."""

    catalogues: Mapping[str, Catalogue] = msgspec.field(default_factory=dict)
    targets: Mapping[str, Target] = msgspec.field(default_factory=dict)
    assessments: Mapping[str, Assessment] = msgspec.field(default_factory=dict)

    def catalogue(self, name: str) -> Catalogue:
        """Return a catalogue: imported, or the built-in one.

        Raises:
            NotFoundError: there is none of this name.
        """
        found = SEVEN if name == SEVEN.name else self.catalogues.get(name)
        if found is None:
            raise NotFoundError("there is no such catalogue", where=name[:80], todo="`tocsin baseline list`")
        return found


def target_key(catalogue: str, control: str) -> str:
    """Return what a target goes by: ``catalogue:control``."""
    return f"{catalogue}:{control}"


def assessment_key(party: str, catalogue: str, control: str) -> str:
    """Return what an assessment goes by: the party's URI behind what it is about."""
    return f"{target_key(catalogue, control)} {party}"


class _Imported(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    catalogue: Catalogue


class _Set(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    target: Target


class _Assessed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    party: str
    assessment: Assessment


class _Confirmed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    party: str
    catalogue: str
    control: str
    assessed_at: int
    agrees: bool
    reasons: str


def _import(before: Held, data: Mapping[str, Any], scene: Scene) -> Held:
    told = from_data(data, _Imported).catalogue
    if told.name == SEVEN.name or told.name in before.catalogues:
        raise ConflictError("there is a catalogue of this name", where=told.name, todo="give another version another")
    if len(before.catalogues) >= MAX_CATALOGUES and not scene.retold:
        raise LimitError(f"there are {MAX_CATALOGUES} catalogues")
    return replace(before, catalogues={**before.catalogues, told.name: told})


def _set(before: Held, data: Mapping[str, Any], scene: Scene) -> Held:
    told = from_data(data, _Set).target
    if before.catalogue(told.catalogue).control(told.control).withdrawn:
        raise InputError("this control is withdrawn", where=told.control)
    if told.due <= scene.at or told.mandate:
        raise InputError("a target is for a day to come", where=told.control, todo="name a later day")
    made = replace(told, mandate=scene.mandate or "")
    return replace(before, targets={**before.targets, target_key(told.catalogue, told.control): made})


def _assess(before: Held, data: Mapping[str, Any], scene: Scene) -> Held:
    told = from_data(data, _Assessed)
    one, party = told.assessment, home(scene)
    if {told.party, one.party} != {party.uri} or (one.by, one.at, one.confirmations) != (scene.who, scene.at, ()):
        raise ForbiddenError("a party assesses itself, now, and confirms nothing of that", where=scene.who)
    if before.catalogue(one.catalogue).control(one.control).withdrawn:
        raise InputError("this control is withdrawn", where=one.control)
    key = assessment_key(party.uri, one.catalogue, one.control)
    return replace(before, assessments={**before.assessments, key: one})


def _confirm(before: Held, data: Mapping[str, Any], scene: Scene) -> Held:
    told = from_data(data, _Confirmed)
    key = assessment_key(told.party, told.catalogue, told.control)
    one, assessed = before.assessments.get(key), scene.register.party_of(told.party)
    if one is None or assessed is None:
        raise NotFoundError("this party has not assessed this", where=told.control[:80])
    if one.at != told.assessed_at:
        raise ConflictError("the party has assessed itself anew meanwhile", where=told.control, todo="look at it again")
    if scene.acting.actor.rpartition("@")[2] == assessed.name:
        raise ForbiddenError("nobody enters what others find about their own party", where=scene.acting.actor)
    require_independent(assessed, scene.who, home(scene), person(scene))
    check_remark(told.reasons, "reasons")
    if len(one.confirmations) >= _MAX_CONFIRMATIONS and not scene.retold:
        raise LimitError(f"{_MAX_CONFIRMATIONS} have looked at it", where=told.control)
    made = Confirmation(by=scene.who, at=scene.at, agrees=told.agrees, reasons=told.reasons)
    after = replace(one, confirmations=(*one.confirmations, made))
    return replace(before, assessments={**before.assessments, key: after})


BASELINE_STEPS: Final[dict[str, Callable[[Held, Mapping[str, Any], Scene], Held]]] = {
    "catalogue.imported": _import,
    "target.set": _set,
    "control.assessed": _assess,
    "control.confirmed": _confirm,
}
