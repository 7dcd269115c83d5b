"""The map's derived needs against power flow and pressure-driven hydraulics: which outages are told rightly.

Every single outage of each network, and pairs and triples of them drawn by seed; asked is which loads lose more than a
twentieth of their service within a day. The physics are those of others: pandapower's DC power flow, wntr's
pressure-driven demands. wntr's own simulator and not EPANET 2.2, which lets tanks at their lowest level go on giving
(its issue 623, mended after 2.2): a test holds what that is about.
"""

from __future__ import annotations

import copy
import os
import random
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bench.measure import Ratio, Table
from tocsin.map.cascade import Hit, hits_of, simulate, wire
from tocsin.map.formats import read_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bench.run import Run
    from tocsin.map.model import AssetMap

    Net = Any  # pandapower and wntr have no types
    Outage = tuple[str, ...]
    Lost = dict[Outage, set[str]]

HOURS: Final = 24
LOST: Final = 0.05  # of a load's demand over these hours
DRAWN: Final = 300  # pairs, and triples
REQUIRED_M: Final = 14.0  # pressure at which a demand is met: 20 psi
SHELBY: Final = Path(os.environ.get("TOCSIN_REALDATA", "../shared/data")) / "map" / "shelby"
POWER: Final = ("shelby power", "case118", "case_illinois200", "mv_oberrhein")
WATER: Final = ("shelby water", "Net1", "Net2", "Net3")


@dataclass(frozen=True, kw_only=True)
class Score:
    """Outage by load: told and true, told and not true, true and not told, neither."""

    right: int
    alarm: int
    missed: int
    quiet: int

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.alarm, 1)

    @property
    def recall(self) -> float:
        return self.right / max(self.right + self.missed, 1)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One network: its map, its loads, its elements, and what the physics say of an outage."""

    name: str
    plan: AssetMap
    loads: tuple[str, ...]
    elements: tuple[str, ...]
    truth: Callable[[Outage], set[str]]


def measure(run: Run) -> Iterator[Table]:
    """Measure each network; in a quick run sixty outages, forty pairs and forty triples of each."""
    for name in (*POWER, *WATER):
        if name.startswith("shelby") and not SHELBY.exists():
            continue
        case = made(name)
        notes, ratios = [f"{len(case.elements)} elements, {len(case.loads)} loads"], []
        drawn = 40 if run.quick else DRAWN
        for what, outages in outages_of(case, singles=60 if run.quick else None, pairs=drawn, triples=drawn):
            got = scored(case, outages)
            notes.append(f"{what}: {len(outages)}; right {got.right}, false alarms {got.alarm}, missed {got.missed}")
            ratios += [Ratio(name=f"{what}, precision", value=got.precision)]
            ratios += [Ratio(name=f"{what}, recall", value=got.recall)]
        yield Table(
            name=f"truth {name}",
            title=f"{name}: which loads an outage takes, by the map and by the physics",
            notes=tuple(notes),
            ratios=tuple(ratios),
        )


def made(name: str) -> Case:
    """Return one of the networks that are measured."""
    return power(name) if name in POWER else water(name)


def outages_of(case: Case, *, singles: int | None, pairs: int, triples: int = 0) -> Iterator[tuple[str, list[Outage]]]:
    """Give every single outage, or so many of them, and so many pairs and triples: the same in every run."""
    draw = random.Random(7)
    every: list[Outage] = [(one,) for one in case.elements]
    yield "single outages", every if singles is None else draw.sample(every, min(singles, len(every)))
    yield "pairs", [tuple(draw.sample(case.elements, 2)) for _ in range(pairs)]
    if triples:
        yield "triples", [tuple(draw.sample(case.elements, 3)) for _ in range(triples)]


def scored(case: Case, outages: Sequence[Outage]) -> Score:
    """Compare what the map tells of these outages with what the physics say."""
    return score(case, outages, predicted(case.plan, case.loads, outages), {one: case.truth(one) for one in outages})


def score(case: Case, outages: Iterable[Outage], told: Lost, true: Lost) -> Score:
    """Count loads by outage; those hit themselves are no question."""
    counts = np.zeros(4, dtype=np.int64)
    for outage in outages:
        for load in case.loads:
            if load not in outage:
                counts[(load in told[outage]) + 2 * (load in true[outage])] += 1
    quiet, alarm, missed, right = (int(each) for each in counts)
    return Score(right=right, alarm=alarm, missed=missed, quiet=quiet)


def predicted(plan: AssetMap, loads: Sequence[str], outages: Sequence[Outage]) -> Lost:
    """Return what the map says: who loses more than ``LOST`` of the hours."""
    wiring = wire(plan)
    number = {asset.id: place for place, asset in enumerate(plan.assets)}
    places = np.array([number[load] for load in loads])
    found: Lost = {}
    for outage in outages:
        hits = hits_of(wiring, [[Hit(asset=one, until_h=HOURS) for one in outage]])
        outage_h = simulate(wiring, hits, horizon_h=HOURS, jobs=1).outage_h[places]
        found[outage] = {load for load, hours in zip(loads, outage_h, strict=True) if hours > LOST * HOURS}
    return found


def power(name: str) -> Case:
    """Return a network of pandapower with its power flow as truth."""
    import pandapower as pp
    import pandapower.networks as pn

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = pp.from_json(str(SHELBY / "power.json")) if name == "shelby power" else getattr(pn, name)()
        data = (SHELBY / "power.json").read_bytes() if name == "shelby power" else pp.to_json(net).encode()
    plan = read_files({"net.json": data}, b"map: 1\nfiles: {net.json: {format: pandapower, places: none}}\n").plan
    tables = {"load": "load", "motor": "motor"}
    kinds = ("bus", "line", "trafo", "switch", "ext_grid", "gen", "sgen", *tables)
    ids = _ids(net, kinds)
    known = {asset.id for asset in plan.assets}
    where = {ids[key]: key for key in ids if ids[key] in known}
    loads = tuple(one for one, (table, _) in where.items() if table in tables)
    return Case(
        name=name,
        plan=plan,
        loads=loads,
        elements=tuple(one for one in where if one not in loads),
        truth=_PowerFlow(net, where, loads),
    )


def _ids(net: Net, kinds: tuple[str, ...]) -> dict[tuple[str, int], str]:
    """Return the id that the map gives each element: its name where no other has it."""
    times: dict[str, int] = {}
    every = [(kind, int(key), net[kind].at[key, "name"]) for kind in kinds for key in net[kind].index]
    for _, _, name in every:
        if isinstance(name, str):
            times[name] = times.get(name, 0) + 1
    return {
        (kind, key): name if isinstance(name, str) and name and times[name] == 1 else f"{kind} {key}"
        for kind, key, name in every
    }


class _PowerFlow:
    """DC power flow: islands without a source are dark, those short of generation share it, overloaded lines trip."""

    def __init__(self, net: Net, where: dict[str, tuple[str, int]], loads: tuple[str, ...]) -> None:
        self.net = net
        self.where = where
        self.loads = loads
        whole = copy.deepcopy(net)
        self._flow(whole)
        # what is overloaded with everything whole has a rating that is none
        self.trips = {
            table: set(whole[table].index[~(whole[f"res_{table}"].loading_percent > 100)])
            for table in ("line", "trafo")
        }

    def __call__(self, outage: Outage) -> set[str]:
        net = copy.deepcopy(self.net)
        for one in outage:
            table, key = self.where[one]
            net[table].at[key, "closed" if table == "switch" else "in_service"] = False
        for _ in range(50):
            served = self._served(net)
            self._flow(net)
            tripped = False
            for table, able in self.trips.items():
                over = net[f"res_{table}"].loading_percent > 100
                for key in net[table].index[over & net[table].in_service]:
                    if key in able:
                        net[table].at[key, "in_service"] = False
                        tripped = True
            if not tripped:
                break
        return {load for load in self.loads if served[self.where[load]] < 1 - LOST}

    def _flow(self, net: Net) -> None:
        import pandapower as pp

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if (net.ext_grid.in_service & net.bus.in_service.reindex(net.ext_grid.bus).to_numpy()).any():
                pp.rundcpp(net)
            else:  # nothing but islands of generators, which are balanced without a flow
                for table in ("line", "trafo"):
                    net[f"res_{table}"] = net[f"res_{table}"].assign(loading_percent=0.0)

    def _served(self, net: Net) -> dict[tuple[str, int], float]:
        """Return what each load gets, and balance each island over what its generators have left."""
        import networkx as nx
        from pandapower import topology

        served = {self.where[load]: 0.0 for load in self.loads}
        graph = topology.create_nxgraph(net, respect_switches=True, include_out_of_service=False)
        for island in nx.connected_components(graph):
            here = {
                table: net[table].index[net[table].bus.isin(island) & net[table].in_service]
                for table in ("load", "motor", "gen", "sgen", "ext_grid")
            }
            drawn = _drawn(net, here)
            want = sum(drawn.values())
            static = float((net.sgen.p_mw * net.sgen.scaling).loc[here["sgen"]].sum())
            most = net.gen.max_p_mw if "max_p_mw" in net.gen else net.gen.p_mw
            able = float(np.maximum(most, net.gen.p_mw).loc[here["gen"]].sum()) + static
            share = 1.0 if len(here["ext_grid"]) else (min(1.0, able / want) if want else 1.0)
            for key in drawn:
                served[key] = share
            if not len(here["ext_grid"]):
                for table in ("load", "motor"):
                    net[table].loc[here[table], "in_service"] = False
                continue
            # what an outage leaves missing is shared by what the generators have left, not by the slack alone
            gen = here["gen"]
            room = (np.maximum(most, net.gen.p_mw) - net.gen.p_mw).loc[gen].clip(lower=0)
            slack = float(net.res_ext_grid.p_mw.loc[here["ext_grid"]].sum()) if len(self.net.res_ext_grid) else 0.0
            missing = want - float(net.gen.p_mw.loc[gen].sum()) - static - max(slack, 0.0)
            if missing > 0 and room.sum() > 0:
                net.gen.loc[gen, "p_mw"] += room * min(1.0, missing / room.sum())
        return served


def _drawn(net: Net, here: dict[str, Any]) -> dict[tuple[str, int], float]:
    loads = {("load", int(key)): float(net.load.p_mw.at[key] * net.load.scaling.at[key]) for key in here["load"]}
    return {**loads, **{("motor", int(key)): float(net.motor.pn_mech_mw.at[key]) for key in here["motor"]}}


def water(name: str) -> Case:
    """Return a network of EPANET with its pressure-driven hydraulics as truth."""
    physics = hydraulics(name)
    plan = read_files({"net.inp": physics.path.read_bytes()}, b"map: 1\nfiles: {net.inp: {places: none}}\n").plan
    loads = tuple(physics.expected)
    return Case(
        name=name,
        plan=plan,
        loads=loads,
        elements=tuple(asset.id for asset in plan.assets),
        truth=physics,
    )


def hydraulics(name: str) -> _Hydraulics:
    """Return the physics of one of the networks of pipes."""
    import wntr

    library = Path(wntr.__file__).parent / "library" / "networks"
    return _Hydraulics(SHELBY / "water.inp" if name == "shelby water" else library / f"{name}.inp")


class _Hydraulics:
    """A day, each demand met as its pressure allows (Wagner), the outage lasting from 0 to the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        whole = self.delivered(())
        self.expected = {node: given for node, given in whole.items() if given > 1e-9}

    def __call__(self, outage: Outage) -> set[str]:
        given = self.delivered(outage)
        return {node for node, whole in self.expected.items() if given[node] < (1 - LOST) * whole}

    def delivered(self, outage: Outage) -> dict[str, float]:
        """Return what each junction gets, summed over the hours."""
        import wntr

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = self.net(outage)
            results = wntr.sim.WNTRSimulator(net).run_sim()
        demand = results.node["demand"].clip(lower=0)
        return {node: float(demand[node].sum()) for node in net.junction_name_list}

    def net(self, outage: Outage) -> Net:
        """Return the network with what is out closed, for wntr's simulator or another's."""
        import wntr

        net = wntr.network.WaterNetworkModel(str(self.path))
        net.options.time.duration = HOURS * 3600
        net.options.hydraulic.demand_model = "PDD"
        net.options.hydraulic.required_pressure = REQUIRED_M
        net.options.hydraulic.minimum_pressure = 0.0
        _close(net, outage)
        return net


def _close(net: Net, outage: Outage) -> None:
    """Close what is out, with all links of a node, and take away the controls that would open it again."""
    import wntr

    shut: set[str] = set()
    for one in outage:
        if one in net.node_name_list:
            shut |= set(net.get_links_for_node(one))
        else:  # where a node has the same id, the map calls a link by its kind
            shut.add(one if one in net.link_name_list else one.partition(" ")[2])
    for name, control in list(net.controls()):
        targets = {getattr(action.target()[0], "name", "") for action in control.actions()}
        if not targets & shut:
            continue
        net.remove_control(name)
        kept = [
            [action for action in actions if getattr(action.target()[0], "name", "") not in shut]
            for actions in (control._then_actions, control._else_actions)  # noqa: SLF001 -- no other way to change them
        ]
        if kept[0] or kept[1]:
            control._then_actions, control._else_actions = kept  # noqa: SLF001
            net.add_control(name, control)
    for one in shut:
        link = net.get_link(one)
        if getattr(link, "check_valve", False):
            link.check_valve = False
        link.initial_status = wntr.network.LinkStatus.Closed
