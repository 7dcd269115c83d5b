"""What the registry's entries need and make. Pure.

The hub takes these steps when it acts and when it is retold from its log, so that neither can do what the other does
not know. Members' figures are in no entry: an entry commits to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from tocsin.errors import ConflictError, ForbiddenError, InputError, LimitError, NotFoundError, TransitionError
from tocsin.governance.wire import from_data
from tocsin.kernel.clock import DAY, Micros
from tocsin.map.rollup.model import MAX_PUBLICATIONS, Rules
from tocsin.parties.model import check_name, check_remark
from tocsin.risk.registry.model import Scenario, ScenarioAct, ScenarioStatus, Unit, next_status
from tocsin.risk.scene import home, require_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.governance.state import Scene

__all__ = [
    "MAX_SCENARIOS",
    "MAX_SCENARIOS_OF_ONE",
    "MAX_SHEETS_A_DAY",
    "REGISTRY_STEPS",
    "Registered",
    "RollUp",
    "Sheet",
    "require_own_people",
    "standing",
]

# The longest national registers have some hundred.
MAX_SCENARIOS: Final = 1_000
# Of one party that enters them itself: else one member could leave the others no room. Operators enter the register's.
MAX_SCENARIOS_OF_ONE: Final = 200
# Of one party, retired ones too: each is kept, and read at every look.
_MOST_EVER: Final = 1_000
# Of one party: a sheet for each sector, corrected some times; all that were ever given are kept.
MAX_SHEETS_A_DAY: Final = 100


class Sheet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a party gave its figures for a sector, and a salted commitment to them (base64)."""

    sheet: str
    party: str  # URI
    sector: str
    commitment: str
    at: Micros = 0
    withdrawn: bool = False


class RollUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One publication: of which sheets and scenarios, under which rules, and every sum that is shown."""

    rollup: str
    unit: Unit
    rules: Rules
    sheets: tuple[str, ...]
    scenarios: tuple[str, ...]
    shown: tuple[tuple[str, str, int], ...]
    at: Micros = 0
    mandate: str = ""


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """Scenarios by id, sheets and roll-ups by UUID, each in the order in which they came."""

    scenarios: Mapping[str, Scenario] = msgspec.field(default_factory=dict)
    sheets: Mapping[str, Sheet] = msgspec.field(default_factory=dict)
    rollups: Mapping[str, RollUp] = msgspec.field(default_factory=dict)

    def scenario(self, name: str) -> Scenario:
        """Return a scenario.

        Raises:
            NotFoundError: there is none of this name.
        """
        found = self.scenarios.get(name)
        if found is None:
            raise NotFoundError("there is no such scenario", where=name[:80], todo="`tocsin risk scenario list`")
        return found

    def current(self) -> dict[str, Scenario]:
        """Return the scenarios that count."""
        return {name: one for name, one in self.scenarios.items() if one.status is ScenarioStatus.CURRENT}

    def published(self, unit: Unit) -> list[RollUp]:
        """Return the roll-ups in a unit, in their order."""
        return [one for one in self.rollups.values() if one.unit is unit]


def standing(registered: Registered) -> list[Sheet]:
    """Return each party's last sheet of each sector, unless it was withdrawn."""
    last = {(one.party, one.sector): one for one in registered.sheets.values()}
    return [one for one in last.values() if not one.withdrawn]


class _Put(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    scenario: Scenario


class _Reviewed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    scenario: str
    review: Micros
    note: str


class _Retired(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    scenario: str
    reason: str


class _Sheet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sheet: str
    party: str


def require_own_people(before: Registered, told: Scenario, scene: Scene) -> None:
    """Refuse a person of another party, here or not, whom neither an operator names nor the scenario named before.

    Asked when a scenario is entered, and not when it is retold: older logs name others' people.

    Raises:
        ForbiddenError: somebody names one.
    """
    if scene.is_operator(scene.acting.actor):
        return
    was, mine = before.scenarios.get(told.id), home(scene).name
    named = frozenset() if was is None else _owners(was)
    for owner in sorted(_owners(told) - named):
        if "@" in owner and _party(owner) != mine:
            raise ForbiddenError(
                "a person of another party is named by an operator alone", where=told.id, todo="name their party"
            )


def _owners(scenario: Scenario) -> frozenset[str]:
    return frozenset({scenario.owner, *(one.owner for one in scenario.treatments)})


def _put(before: Registered, data: Mapping[str, Any], scene: Scene) -> Registered:
    told = from_data(data, _Put).scenario
    require_for(scene, told.owner)
    next_status(None if told.id not in before.scenarios else before.scenarios[told.id].status, ScenarioAct.PUT)
    current = before.current().values()
    if len(current) >= MAX_SCENARIOS and not scene.retold:
        raise LimitError(f"there are {MAX_SCENARIOS} scenarios", todo="join some of them")
    of_one = sum(_party(one.owner) == _party(told.owner) for one in current)
    ever = sum(_party(one.owner) == _party(told.owner) for one in before.scenarios.values())
    full = of_one >= MAX_SCENARIOS_OF_ONE or ever >= _MOST_EVER
    if full and not scene.retold and not scene.is_operator(scene.acting.actor):
        raise LimitError(
            f"your party answers for {MAX_SCENARIOS_OF_ONE} scenarios", todo="an operator of the hub enters more"
        )
    return _kept(before, told, scene)


def _amend(before: Registered, data: Mapping[str, Any], scene: Scene) -> Registered:
    told = from_data(data, _Put).scenario
    was = before.scenario(told.id)
    require_for(scene, was.owner)
    next_status(was.status, ScenarioAct.AMEND)
    if _party(told.owner) != _party(was.owner) and not scene.is_operator(scene.who):
        raise ForbiddenError(
            "only an operator makes another party answer for a scenario",
            where=told.id,
            todo="ask an operator of the hub",
        )
    return _kept(before, told, scene)


def _party(owner: str) -> str:
    return owner.rpartition("@")[2]


def _kept(before: Registered, told: Scenario, scene: Scene) -> Registered:
    if told.status is not ScenarioStatus.CURRENT:
        raise InputError("a scenario is retired by an act of its own", where=told.id)
    if told.review <= scene.at:
        raise InputError("its review is to be later than now", where=told.id, todo="name a day to come")
    for owner in sorted(_owners(told)):
        there = scene.register.user(owner) if "@" in owner else scene.register.party(owner)
        if there is None:
            raise InputError(f"nobody here is {owner}", where=told.id)
    return replace(before, scenarios={**before.scenarios, told.id: told})


def _review(before: Registered, data: Mapping[str, Any], scene: Scene) -> Registered:
    told = from_data(data, _Reviewed)
    was = before.scenario(told.scenario)
    require_for(scene, was.owner)
    next_status(was.status, ScenarioAct.REVIEW)
    check_remark(told.note, "note")
    if not told.note.strip() and not scene.retold:
        raise InputError("what was found at a review has to be said", where=told.scenario, todo="write a note")
    return _kept(before, replace(was, review=told.review), scene)


def _retire(before: Registered, data: Mapping[str, Any], scene: Scene) -> Registered:
    told = from_data(data, _Retired)
    was = before.scenario(told.scenario)
    require_for(scene, was.owner)
    check_remark(told.reason, "reason")
    after = replace(was, status=next_status(was.status, ScenarioAct.RETIRE))
    return replace(before, scenarios={**before.scenarios, was.id: after})


def _submit(before: Registered, data: Mapping[str, Any], scene: Scene) -> Registered:
    told = from_data(data, Sheet)
    if (told.at, told.withdrawn) != (0, False) or told.party != home(scene).uri:
        raise ForbiddenError("a party gives its own figures", where=scene.who)
    check_name(told.sector, "sector")
    if told.sheet in before.sheets:
        raise ConflictError("there is such a sheet already", where=told.sheet)
    today = sum(one.party == told.party and one.at > scene.at - DAY for one in before.sheets.values())
    if today >= MAX_SHEETS_A_DAY and not scene.retold:
        raise LimitError(f"your party gave {MAX_SHEETS_A_DAY} sheets within a day", todo="give the next tomorrow")
    return replace(before, sheets={**before.sheets, told.sheet: replace(told, at=scene.at)})


def _own(before: Registered, data: Mapping[str, Any], scene: Scene) -> Sheet:
    told = from_data(data, _Sheet)
    # who asks is looked up in any case: another party's sheet is as much work as none
    asking, sheet = home(scene).uri, before.sheets.get(told.sheet)
    if sheet is None or (sheet.party, told.party) != (asking, sheet.party):
        raise NotFoundError("your party has no such figures", where=told.sheet[:80])
    return sheet


def _withdraw(before: Registered, data: Mapping[str, Any], scene: Scene) -> Registered:
    sheet = _own(before, data, scene)
    if sheet.sheet not in {one.sheet for one in standing(before)}:
        raise TransitionError("these figures do not stand any more", where=sheet.sheet)
    return replace(before, sheets={**before.sheets, sheet.sheet: replace(sheet, withdrawn=True)})


def _look(before: Registered, data: Mapping[str, Any], scene: Scene) -> Registered:
    _own(before, data, scene)
    return before


def _publish(before: Registered, data: Mapping[str, Any], scene: Scene) -> Registered:
    told = from_data(data, RollUp)
    if (told.at, told.mandate) != (0, "") or told.rollup in before.rollups:
        raise ConflictError("there is such a roll-up already", where=told.rollup)
    earlier = before.published(told.unit)
    if len(earlier) >= MAX_PUBLICATIONS and not scene.retold:
        raise LimitError(f"there are {MAX_PUBLICATIONS} roll-ups in {told.unit}")
    for one in earlier:
        _require_as_strict(told.rules, one.rules)
    stand = {one.sheet for one in standing(before) if _counts(one.party, scene)}
    if set(told.sheets) != stand or set(told.scenarios) != before.current().keys():
        raise ConflictError("figures or scenarios have changed meanwhile", where="roll-up", todo="publish again")
    made = replace(told, at=scene.at, mandate=scene.mandate or "")
    return replace(before, rollups={**before.rollups, told.rollup: made})


def _counts(uri: str, scene: Scene) -> bool:
    party = scene.register.party_of(uri)
    return party is not None and party.status == "vetted"


def _require_as_strict(rules: Rules, earlier: Rules) -> None:
    """Refuse weaker rules: what an earlier roll-up protects, it protects for ever."""
    weaker = [
        name for name in ("group", "colluding", "margin", "least") if getattr(rules, name) < getattr(earlier, name)
    ]
    weaker += ["dominance"] if rules.dominance > earlier.dominance else []
    if weaker:
        raise ForbiddenError(
            f"an earlier roll-up promised more: {', '.join(weaker)}", where="rules", todo="publish under its rules"
        )


REGISTRY_STEPS: Final[dict[str, Callable[[Registered, Mapping[str, Any], Scene], Registered]]] = {
    "scenario.put": _put,
    "scenario.amended": _amend,
    "scenario.reviewed": _review,
    "scenario.retired": _retire,
    "figures.submitted": _submit,
    "figures.withdrawn": _withdraw,
    "figures.shown": _look,
    "rollup.published": _publish,
}
