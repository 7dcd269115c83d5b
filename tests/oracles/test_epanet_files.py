"""What is read of EPANET's files, against EPANET's own toolkit: what is open, what is drawn, and what is refused."""

from __future__ import annotations

import ctypes
import itertools
import random
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support.epanet import RING
from tocsin.map.formats.draft import Draft
from tocsin.map.formats.epanet import read_water
from tocsin.map.formats.recipe import Places

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.map.formats.network import Network

# the toolkit's numbers (EPANET 2.2, epanet2_enums.h)
INITSTATUS: Final = 4
NODES, LINKS, DEMAND_MULTIPLIER = 0, 2, 4
JUNCTION, CHECK_VALVE, PUMP, PRV = 0, 0, 2, 3

FLOWS: Final = {1: 0.227_124_7, 5: 3.6, 7: 1_000 / 24, 8: 1.0}  # GPM, LPS, MLD and CMH, in m3/h

GOOD: Final = f"""[JUNCTIONS]
 a 0 5
 b 0 10
 c 0 10
[RESERVOIRS]
 lake 200
[TANKS]
 tank 20 4 2 8 10 0
{RING}[VALVES]
 v b c 100 TCV 5 0
[CURVES]
 1 30 40
[PATTERNS]
 1 1 2 3
[DEMANDS]
 b 7 1
[STATUS]
 bc Closed
[CONTROLS]
 LINK bc OPEN IF NODE tank BELOW 3
[RULES]
RULE 1
IF TANK tank LEVEL ABOVE 5
THEN PIPE ac STATUS IS CLOSED
[COORDINATES]
 a 1 2
[OPTIONS]
 Units CMH
 Headloss H-W
[END]
[PIPES]
 never a b c d e
"""


def _toolkit(text: str, folder: Path) -> Any | None:  # noqa: ANN401 -- wntr has no types
    """Return the file as EPANET's toolkit has it open; None where it refuses it."""
    toolkit = pytest.importorskip("wntr.epanet.toolkit")
    path = folder / "net.inp"
    path.write_text(text)
    opened = toolkit.ENepanet(version=2.2)
    try:
        opened.ENopen(str(path), str(folder / "net.rpt"), str(folder / "net.bin"))
    except toolkit.EpanetException:
        return None
    return opened


def _ours(text: str) -> tuple[Network, list[str]]:
    draft = Draft()
    network = read_water(draft, "net.inp", text.encode(), Places.NONE)
    return network, [str(fault) for fault in draft.faults]


# what is changed, into what, and how the one fault of it begins; nothing: it is taken, by EPANET too
CHANGED: Final[dict[str, tuple[str, str, str]]] = {
    "as it is": ("[JUNCTIONS]", "[JUNCTIONS]", ""),
    "a status in place of a loss": ("old a b 100 300 100 0 Closed", "old a b 100 300 100 Closed", ""),
    "a check valve in place of a loss": ("old a b 100 300 100 0 Closed", "old a b 100 300 100 CV", ""),
    "a loss alone": ("old a b 100 300 100 0 Closed", "old a b 100 300 100 5", ""),
    "a status that goes on": ("old a b 100 300 100 0 Closed", "old a b 100 300 100 0 closedly", ""),
    "a status of seven words mistyped": ("0 Closed", "Clsoed", "net.inp:14: 'old': minor loss is 'Clsoed'"),
    "a status mistyped": ("0 Closed", "0 Clsoed", "net.inp:14: 'old': the status 'Clsoed'"),
    "a pipe of five words": ("ab a b 100 300 100 0 Open", "ab a b 100 300", "net.inp:10: 'ab': 5 values in [PIPES]"),
    "a pipe to itself": ("ab a b", "ab a a", "net.inp:10: 'ab': leads from 'a' to itself"),
    "a pipe to nobody": ("ab a b", "ab a z", "net.inp:10: 'ab': there is no node 'z'"),
    "a length that is no number": ("ab a b 100", "ab a b long", "net.inp:10: 'ab': length is 'long'"),
    "no length": ("ab a b 100", "ab a b 0", "net.inp:10: 'ab': length is '0'"),
    "a diameter below nothing": ("ab a b 100 300", "ab a b 100 -300", "net.inp:10: 'ab': diameter is '-300'"),
    "a loss below nothing": ("ab a b 100 300 100 0", "ab a b 100 300 100 -1", "net.inp:10: 'ab': minor loss is '-1'"),
    "a pump that stands by": (" bc Closed", " pump Closed", ""),
    "a range of links": (" bc Closed", " ab bc Closed", ""),
    "a setting of a pipe": (" bc Closed", " bc 0", ""),
    "a status of nobody": (" bc Closed", " zz Closed", "net.inp:26: 'zz': there is no link 'zz'"),
    "a status that is none": (" bc Closed", " bc Shut", "net.inp:26: 'bc': the status 'Shut'"),
    "a demand of nobody": (" b 7 1", " zz 7 1", "net.inp:24: 'zz': there is no node 'zz'"),
    "a demand that is no number": (" b 7 1", " b x 1", "net.inp:24: 'b': demand is 'x'"),
    "a demand by no pattern": (" b 7 1", " b 7 zz", "net.inp:24: 'b': there is no pattern 'zz'"),
    "demands that are multiplied": (" b 7 1", " b 7 1\n MULTIPLY 2", ""),
    "two demands of one": (" b 7 1", " b 7 1\n b 3", ""),
    "a junction by no pattern": (" a 0 5", " a 0 5 zz", "net.inp:2: 'a': there is no pattern 'zz'"),
    "a junction without its elevation": (" a 0 5", " a", "net.inp:2: 'a': 1 values in [JUNCTIONS]"),
    "a junction at no elevation": (" a 0 5", " a x 5", "net.inp:2: 'a': elevation is 'x'"),
    "a junction twice": (" a 0 5", " a 0 5\n a 0 5", "net.inp:2, net.inp:3: 'a': stands twice"),
    "a reservoir without a head": ("lake 200", "lake", "net.inp:6: 'lake': 1 values in [RESERVOIRS]"),
    "a reservoir by no pattern": ("lake 200", "lake 200 zz", "net.inp:6: 'lake': there is no pattern 'zz'"),
    "a control of nobody": ("LINK bc OPEN", "LINK zz OPEN", "net.inp:28: 'zz': there is no link 'zz'"),
    "a control by nobody": ("NODE tank", "NODE zz", "net.inp:28: 'bc': there is no node 'zz'"),
    "a control to nothing": ("LINK bc OPEN", "LINK bc OPNE", "net.inp:28: 'bc': the status 'OPNE'"),
    "a control cut short": ("OPEN IF NODE tank BELOW 3", "OPEN", "net.inp:28: 'LINK': 3 values in [CONTROLS]"),
    "a rule of nobody": ("THEN PIPE ac", "THEN PIPE zz", "net.inp:32: 'zz': there is no link 'zz'"),
    "a rule by nobody": ("IF TANK tank", "IF TANK zz", "net.inp:31: 'zz': there is no node 'zz'"),
    "a place of nobody": (" a 1 2", " zz 1 2", "net.inp:34: 'zz': there is no node 'zz'"),
    "a place that is no number": (" a 1 2", " a x 2", "net.inp:34: 'a': x is 'x'"),
    "half a place": (" a 1 2", " a 1", "net.inp:34: 'a': 2 values in [COORDINATES]"),
    "a pump's word mistyped": ("HEAD 1", "HAED 1", "net.inp:16: 'pump': 'HAED' of a pump"),
    "a pump without anything": (" HEAD 1", "", "net.inp:16: 'pump': 3 values in [PUMPS]"),
    "a pump with a speed alone": ("HEAD 1", "SPEED 2", "net.inp:16: 'pump': a pump without a curve"),
    "a pump by no curve": ("HEAD 1", "HEAD 7", "net.inp:16: 'pump': there is no curve '7'"),
    "a pump of some power": ("HEAD 1", "POWER 5", ""),
    "a pump of no power": ("HEAD 1", "POWER 0", "net.inp:16: 'pump': power is '0'"),
    "a pump by no pattern": ("HEAD 1", "HEAD 1 PATTERN zz", "net.inp:16: 'pump': there is no pattern 'zz'"),
    "a valve of no type": ("TCV", "XYZ", "net.inp:18: 'v': a valve of type 'XYZ'"),
    "a valve without a setting": ("v b c 100 TCV 5 0", "v b c 100 TCV", "net.inp:18: 'v': 5 values in [VALVES]"),
    "a valve at no setting": ("TCV 5", "TCV x", "net.inp:18: 'v': setting is 'x'"),
    "a valve by no curve": ("TCV 5", "GPV zz", "net.inp:18: 'v': there is no curve 'zz'"),
    "a valve by a curve": ("TCV 5", "GPV 1", ""),
    "a valve beside a tank": ("v b c 100 TCV", "v b tank 100 PRV", "net.inp:18: 'v': a PRV beside a tank"),
    "levels out of order": ("20 4 2 8 10", "20 9 5 1 10", "net.inp:8: 'tank': levels 9 first, 5 least, 1 most"),
    "a level above the most": ("20 4 2 8 10", "20 9 2 8 10", "net.inp:8: 'tank': levels 9 first, 2 least, 8 most"),
    "a tank of five words": ("tank 20 4 2 8 10 0", "tank 20 4 2 8", "net.inp:8: 'tank': 5 values in [TANKS]"),
    "a tank below nothing": ("tank 20 4 2 8 10", "tank 20 4 2 8 -10", "net.inp:8: 'tank': diameter is '-10'"),
    "a tank by no curve": ("8 10 0", "8 10 0 zz", "net.inp:8: 'tank': there is no curve 'zz'"),
    "a curve that is none": (" 1 30 40", " 1 x 40", "net.inp:20: '1': x of the curve is 'x'"),
    "a curve cut short": (" 1 30 40", " 1 30", "net.inp:20: '1': 2 values in [CURVES]"),
    "a pattern that is none": (" 1 1 2 3", " 1 1 x 3", "net.inp:22: '1': multiplier is 'x'"),
    "a pattern cut short": (" 1 1 2 3", " 1", "net.inp:22: '1': 1 values in [PATTERNS]"),
    "units of nobody": ("Units CMH", "Units PINTS", "net.inp:36: the flow unit 'PINTS'"),
    "demands times nothing": ("Units CMH", "Demand Multiplier x", "net.inp:36: 'Demand': demand multiplier is 'x'"),
    "demands, and their model": ("Units CMH", "Units CMH\n Demand Multiplier 3\n Demand Model DDA", ""),
    "a section mistyped": ("[JUNCTIONS]", "[JUNCTOINS]", "net.inp:1: the unknown section [JUNCTOINS]"),
    "words before any section": ("[JUNCTIONS]", "hello\n[JUNCTIONS]", "net.inp:1: 'hello' before any section"),
    "a name in quotes": (" ab a b", ' "ab" "a" b', ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGED)
def test_what_epanet_refuses_is_told_once_with_its_line_and_all_else_is_as_it_has_it(case: str, tmp_path: Path) -> None:
    old, new, begins = CHANGED[case]
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    theirs = _toolkit(text, tmp_path)
    assert (theirs is None) == bool(begins)
    network, told = _ours(text)
    assert [one[: len(begins)] for one in told] == [begins] * bool(begins), told
    if theirs is not None:
        _same(theirs, network, moved={"ac", "bc"})
        theirs.ENclose()


def _asked(theirs: Any, what: str, *where: int, form: Any = ctypes.c_double) -> Any:  # noqa: ANN401 -- as the library has it
    """Ask the toolkit's library for what its Python wrapper leaves out."""
    value = form()
    asked = getattr(theirs.ENlib, what)
    assert asked(theirs._project, *(ctypes.c_int(one) for one in where), ctypes.byref(value)) == 0, what
    return value.value


def _drawn(theirs: Any, node: int) -> float:  # noqa: ANN401
    """Return what is drawn at a junction on average, in the file's units."""
    total = 0.0
    for each in range(1, _asked(theirs, "EN_getnumdemands", node, form=ctypes.c_int) + 1):
        pattern = _asked(theirs, "EN_getdemandpattern", node, each, form=ctypes.c_int)
        mean = _asked(theirs, "EN_getaveragepatternvalue", pattern) if pattern else 1.0
        total += _asked(theirs, "EN_getbasedemand", node, each) * mean
    return total * float(_asked(theirs, "EN_getoption", DEMAND_MULTIPLIER))


def _same(theirs: Any, network: Network, moved: set[str]) -> None:  # noqa: ANN401
    """Check each demand (m3/h) and what leads on and back through each link."""
    drawn = {
        theirs.ENgetnodeid(number): _drawn(theirs, number)
        for number in range(1, theirs.ENgetcount(NODES) + 1)
        if theirs.ENgetnodetype(number) == JUNCTION
    }
    unit = FLOWS[_asked(theirs, "EN_getflowunits", form=ctypes.c_int)]
    ours = {name: one.demand / unit for name, one in network.elements.items() if one.kind == "junction"}
    assert ours == pytest.approx({name: max(demand, 0.0) for name, demand in drawn.items()}, rel=1e-5, abs=1e-9)
    links = [name for name, one in network.elements.items() if one.kind in {"pipe", "pump", "valve"}]
    assert len(links) == theirs.ENgetcount(LINKS)
    for name in links:
        number = theirs.ENgetlinkindex(name)
        kind = theirs.ENgetlinktype(number)
        ends = (ctypes.c_int(), ctypes.c_int())
        theirs.ENlib.EN_getlinknodes(theirs._project, ctypes.c_int(number), *map(ctypes.byref, ends))
        start, end = (theirs.ENgetnodeid(each.value) for each in ends)
        shut = theirs.ENgetlinkvalue(number, INITSTATUS) == 0 and kind != PUMP and name not in moved
        one_way = kind in {CHECK_VALVE, PUMP, PRV}
        leads = [] if shut else [end] if one_way else [start, end]
        assert sorted(network.arcs.get(name, [])) == sorted(leads), name


def _made(draw: random.Random) -> str:
    """Return a network that EPANET takes, written in the ways that it takes."""
    nodes = [f"n{number}" for number in range(1, draw.randint(3, 7))]
    patterns = [f"p{number}" for number in range(draw.randint(0, 2))]
    by_pattern = ["", *(f" {name}" for name in patterns)]
    rows: dict[str, list[str]] = {"JUNCTIONS": [], "RESERVOIRS": ["lake 200"], "PIPES": [], "STATUS": [], "DEMANDS": []}
    for one in nodes:
        draws = draw.choice(["", " 0", f" {draw.uniform(-5, 50):.3f}{draw.choice(by_pattern)}"])
        rows["JUNCTIONS"].append(f"{one} 0{draws}")
        for _ in range(draw.choice([0, 0, 1, 2])):
            rows["DEMANDS"].append(f"{one} {draw.uniform(-5, 50):.3f}{draw.choice(by_pattern)}")
    ends = [("lake", nodes[0]), *itertools.pairwise(nodes)]
    ends += [(one, other) for one, other in (draw.sample(["lake", *nodes], 2) for _ in range(draw.randint(0, 4)))]
    tails = ["", " 0", " 3.5", " Open", " closed", " CV", " 0 OPEN", " 0 Closed", " 1 cv"]
    for number, (start, end) in enumerate(ends, 1):
        rows["PIPES"].append(f"{number} {start} {end} 100 300 100{draw.choice(tails)}")
    plain = [row.split()[0] for row in rows["PIPES"] if not row.upper().endswith("CV")]
    for _ in range(draw.randint(0, 3) if plain else 0):
        rows["STATUS"].append(f"{draw.choice(plain)} {draw.choice(['Open', 'Closed', 'CLOSED', '0', '2.5'])}")
    if draw.random() < 0.3 and len(plain) == len(ends):
        first, last = sorted(draw.choices(range(1, len(ends) + 1), k=2))
        rows["STATUS"].append(f"{first} {last} Closed")
    if draw.random() < 0.3:
        rows["DEMANDS"].append(f"MULTIPLY {draw.randint(1, 3)}")
    rows["PATTERNS"] = [f"{name} {draw.random():.2f} {draw.random():.2f}" for name in patterns for _ in range(2)]
    said = [f"Units {draw.choice(['LPS', 'GPM', 'CMH', 'MLD'])}", "Headloss H-W"]
    said += draw.sample(["Demand Multiplier 2", "Demand Model DDA", f"Pattern {draw.choice(['p0', '1'])}"], 2)
    draw.shuffle(said)
    rows["OPTIONS"] = said
    return "".join(f"[{name}]\n" + "".join(f" {row}\n" for row in those) for name, those in rows.items()) + "[END]\n"


@settings(
    max_examples=40, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10**9))
def test_demands_patterns_and_states_are_those_of_the_toolkit(seed: int, tmp_path: Path) -> None:
    text = _made(random.Random(seed))
    theirs = _toolkit(text, tmp_path)
    assert theirs is not None, text
    network, told = _ours(text)
    assert told == []
    _same(theirs, network, moved=set())
    theirs.ENclose()
