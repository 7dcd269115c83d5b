"""Networks of EPANET and pandapower: what is derived, what is refused, what an untrusted file may not do."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from support.epanet import RING
from tocsin.errors import MapError
from tocsin.map.cascade import Hit, hits_of, simulate, wire
from tocsin.map.formats import read_files
from tocsin.map.model import Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tocsin.map.model import AssetMap

INP: Final = f"""[JUNCTIONS]
 a 0 0
 b 0 10
 c 0 10
[RESERVOIRS]
 lake 20
[TANKS]
 tank 20 4 2 8 10 0
{RING}[CURVES]
 1 30 40
[OPTIONS]
 Units CMH
[END]
"""


def down(plan: AssetMap, *out: str, hours: float = 24.0) -> dict[str, float]:
    """Return the hours that each asset loses when these are out."""
    wiring = wire(plan)
    lost = simulate(wiring, hits_of(wiring, [[Hit(asset=one, until_h=hours) for one in out]]), horizon_h=hours, jobs=1)
    return {asset.id: float(each) for asset, each in zip(plan.assets, lost.outage_h, strict=True) if each > 0}


def refused(files: Mapping[str, bytes]) -> list[str]:
    with pytest.raises(MapError) as caught:
        read_files(files)
    return [str(fault) for fault in caught.value.faults]


def test_a_ring_of_pipes_is_no_source() -> None:
    plan = read_files({"net.inp": INP.encode()}).plan
    assert set(down(plan, "ab")) == {"ab"}
    assert set(down(plan, "ab", "bc")) == {"ab", "bc", "b"}
    assert {one.provenance for group in plan.groups for one in group.suppliers} == {Provenance.DERIVED}
    assert all(one.basis.startswith("cut of") for group in plan.groups for one in group.suppliers)


def test_a_tank_lasts_as_long_as_its_water_and_then_all_behind_it_falls() -> None:
    plan = read_files({"net.inp": INP.encode()}).plan
    # 2 m of a tank 10 m across, at 20 m3/h; behind its own pipe nobody draws
    filling = {one.asset: group for group in plan.groups if group.name.startswith("filling") for one in group.suppliers}
    assert filling["pump"].buffer_h == filling["lake"].buffer_h == pytest.approx(7.854, abs=1e-3)
    assert filling["ct"].buffer_h == 87_600.0
    assert filling["pump"].buffer_most_h == pytest.approx(2 * filling["pump"].buffer_h)
    lost = down(plan, "pump")
    assert lost["pump"] == 24.0
    assert lost["tank"] == lost["b"] == lost["c"] == pytest.approx(24 - 7.854, abs=1e-3)


TWO_PUMPS: Final = (
    INP.replace(" pump lake a HEAD 1\n", " pump lake a HEAD 1\n spare lake c HEAD 1\n")
    .replace(" 1 30 40\n", " 1 6 40\n")
)  # fmt: skip


def test_a_pump_gives_its_curve_and_a_tank_the_rest_while_it_lasts() -> None:
    plan = read_files({"net.inp": TWO_PUMPS.encode()}).plan
    # a curve of one point, 6 m3/h, ends at twice that: one pump gives 12 of 20, the tank's 157 m3 the other 8
    lasts = 157.0796 / 8
    lost = down(plan, "pump")
    assert lost["b"] == lost["c"] == pytest.approx((24 - lasts) * 8 / 20, abs=1e-3)
    assert set(lost) == {"pump", "b", "c"}
    # with both of them out it gives all
    assert down(plan, "pump", "spare")["b"] == pytest.approx(24 - 157.0796 / 20, abs=1e-3)


def test_a_pump_without_a_curve_gives_what_is_asked() -> None:
    plan = read_files({"net.inp": TWO_PUMPS.replace("HEAD 1", "POWER 5").encode()}).plan
    assert set(down(plan, "pump")) == {"pump"}


INP_FAULTS: Final = {
    "a pipe to nowhere": ("ab a b", "ab a z", "net.inp:10: 'ab': there is no node 'z'"),
    "a demand that is no number": ("b 0 10", "b 0 ten", "net.inp:3: 'b': demand is 'ten'"),
    "a section that is none": ("[CURVES]", "[CURLS]", "net.inp:17: the unknown section [CURLS]"),
    "a unit that is none": ("CMH", "PINTS", "net.inp:20: the flow unit 'PINTS'"),
    "an element twice": (" bc b c", " ac b c", "net.inp:11, net.inp:12: 'ac': stands twice"),
    "too few values": ("tank 20 4 2 8 10 0", "tank 20", "net.inp:8: 'tank': 2 values in [TANKS]"),
    "nothing feeds it": (" lake 20\n[TANKS]\n tank 20 4 2 8 10 0\n", "", "net.inp"),
}


@pytest.mark.parametrize("case", INP_FAULTS)
def test_a_fault_of_epanet_says_its_line(case: str) -> None:
    old, new, expected = INP_FAULTS[case]
    assert INP.count(old) == 1
    told = refused({"net.inp": INP.replace(old, new).encode()})
    assert any(text.startswith(expected) for text in told), told


def table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    columns = sorted({name for row in rows for name in row})
    split = {
        "columns": columns,
        "index": list(range(len(rows))),
        "data": [[row.get(name) for name in columns] for row in rows],
    }
    return {"_module": "pandas.core.frame", "_class": "DataFrame", "_object": json.dumps(split), "orient": "split"}


def net(**tables: object) -> dict[str, Any]:
    return {"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": tables}


def small() -> dict[str, Any]:
    return net(
        bus=table([{"name": name, "vn_kv": 20.0, "in_service": True} for name in ("west", "mid", "east")]),
        ext_grid=table([{"name": "grid", "bus": 0, "in_service": True}]),
        line=table(
            [
                {"name": "one", "from_bus": 0, "to_bus": 1, "max_i_ka": 0.1, "in_service": True},
                {"name": "two", "from_bus": 0, "to_bus": 1, "max_i_ka": 0.1, "in_service": True},
                {"name": "far", "from_bus": 1, "to_bus": 2, "max_i_ka": 1.0, "in_service": True},
            ]
        ),
        load=table([{"name": "town", "bus": 2, "p_mw": 5.0, "scaling": 1.0, "in_service": True}]),
    )


def test_two_lines_that_together_carry_a_load_share_it_by_their_ratings() -> None:
    plan = read_files({"net.json": json.dumps(small()).encode()}).plan
    # 20 kV and 0.1 kA are 3.46 MVA: one line carries 69 % of 5 MW
    assert down(plan, "one", hours=10.0)["town"] == pytest.approx(10 * (1 - 3.4641 / 5), abs=1e-3)
    assert down(plan, "one", "two", hours=10.0)["town"] == 10.0
    assert down(plan, "far", hours=10.0)["town"] == 10.0


def test_ratings_that_cannot_be_meant_are_left_by_kind_and_others_stay() -> None:
    lines = [
        {"name": name, "from_bus": 0, "to_bus": 1, "max_i_ka": 0.01, "in_service": True} for name in ("one", "two")
    ]
    trafos = [{"name": name, "hv_bus": 1, "lv_bus": 2, "sn_mva": 4.0, "in_service": True} for name in ("left", "right")]
    net_ = small()
    net_["_object"] |= {"line": table(lines), "trafo": table(trafos)}
    read = read_files({"net.json": json.dumps(net_).encode()})
    # two lines of 20 kV and 0.01 kA are 0.7 MVA, for 5 MW; of two transformers of 4 MVA one carries four fifths
    assert read.notes == ("net.json: the ratings of kind 'line' carry 1 of 5 MW when all is whole: not taken",)
    assert set(down(read.plan, "one")) == {"one"}
    assert down(read.plan, "left", hours=10.0)["town"] == pytest.approx(2.0, abs=1e-3)


def test_faults_of_a_network_say_table_and_row() -> None:
    spoiled = small()
    spoiled["_object"]["load"] = table([{"name": "town", "bus": 9, "p_mw": 5.0, "in_service": True}])
    spoiled["_object"]["trafo3w"] = table([{"name": "t", "in_service": True}])
    told = refused({"net.json": json.dumps(spoiled).encode()})
    assert any(text.startswith("net.json: load 0: bus is 9") for text in told)
    assert any(text.startswith("net.json: trafo3w 0: 1 of trafo3w") for text in told)
    assert refused({"net.json": b"{}"}) == [
        "net.json: no network of pandapower; expected the JSON that pandapower.to_json writes, not encrypted"
    ]


def spoiled(table_: str, row: int, column: str, value: object) -> dict[str, bytes]:
    """Return the small network with one cell changed; no column: the index of the row."""
    made = small()
    made["_object"]["switch"] = table([{"bus": 1, "element": 2, "et": "l", "closed": True}])
    made["_object"]["load"] = table([{"name": name, "bus": 2, "p_mw": 5.0, "in_service": True} for name in "pq"])
    split = json.loads(made["_object"][table_]["_object"])
    if column:
        split["data"][row][split["columns"].index(column)] = value
    else:
        split["index"][row] = value
    made["_object"][table_]["_object"] = json.dumps(split)
    return {"net.json": json.dumps(made).encode()}


POWER_FAULTS: Final[dict[str, tuple[tuple[str, int, str, object], str]]] = {
    "two loads of one index": (("load", 1, "", 0), "load 0: the index 0 stands twice"),
    "two buses of one index": (("bus", 1, "", 0), "bus 0: the index 0 stands twice"),
    "an index that is none": (("bus", 1, "", "b"), "bus b: a row that its columns do not fit"),
    "power that is text": (("load", 0, "p_mw", "x"), "load 0: p_mw is 'x'"),
    "no power": (("load", 0, "p_mw", None), "load 0: p_mw is nothing"),
    "power that is true": (("load", 0, "p_mw", True), "load 0: p_mw is True"),
    "half a bus": (("line", 0, "to_bus", 1.5), "line 0: to_bus is 1.5; expected the index of a bus"),
    "a bus that is true": (("line", 0, "to_bus", True), "line 0: to_bus is True"),
    "no bus": (("line", 2, "to_bus", None), "line 2: to_bus is nothing"),
    "a bus that is not there": (("line", 2, "to_bus", 9), "line 2: to_bus is 9: there is no such bus"),
    "a line to itself": (("line", 0, "to_bus", 0), "line 0: to_bus is 0: it leads to where it begins"),
    "in service: no": (("line", 0, "in_service", "no"), "line 0: in_service is 'no'"),
    "in service: nothing": (("line", 0, "in_service", None), "line 0: in_service is nothing"),
    "in service: two": (("ext_grid", 0, "in_service", 2), "ext_grid 0: in_service is 2"),
    "closed: False in quotes": (("switch", 0, "closed", "False"), "switch 0: closed is 'False'"),
    "a switch at nothing": (("switch", 0, "et", "q"), "switch 0: et is 'q'"),
    "a switch of no line": (("switch", 0, "element", 7), "switch 0: element is 7: there is no such line"),
    "a switch at another bus": (("switch", 0, "bus", 0), "switch 0: bus is 0; expected a bus at an end of line 2"),
    "a rating that is text": (("line", 0, "max_i_ka", "much"), "line 0: max_i_ka is 'much'"),
    "a voltage that is text": (("bus", 0, "vn_kv", "high"), "bus 0: vn_kv is 'high'"),
}  # fmt: skip


@pytest.mark.parametrize("case", POWER_FAULTS)
def test_a_fault_of_one_cell_is_told_once_and_nothing_that_follows(case: str) -> None:
    cell, begins = POWER_FAULTS[case]
    told = refused(spoiled(*cell))
    assert len(told) == 1, told
    assert told[0].startswith(f"net.json: {begins}")


@pytest.mark.parametrize("name", ["bus", "line", "ext_grid"])
def test_of_a_table_that_is_none_only_that_is_told(name: str) -> None:
    made = small()
    made["_object"][name] = "no table"
    assert refused({"net.json": json.dumps(made).encode()}) == [
        f"net.json: {name}: no table; expected a DataFrame as pandapower.to_json stores it"
    ]
    made = small()
    split = json.loads(made["_object"][name]["_object"])
    split["data"][0].pop()
    made["_object"][name]["_object"] = json.dumps(split)
    told = refused({"net.json": json.dumps(made).encode()})
    assert [one.partition(";")[0] for one in told] == [f"net.json: {name} 0: a row that its columns do not fit"]


def test_a_column_that_is_missing_is_no_column_of_zeros() -> None:
    made = small()
    made["_object"]["load"] = table([{"name": "town", "bus": 2, "p_mww": 5.0, "in_service": True}])
    assert refused({"net.json": json.dumps(made).encode()}) == [
        "net.json: load: there is no column 'p_mw'; expected it, as pandapower.to_json writes it"
    ]


def test_what_refers_to_a_row_of_epanet_that_could_not_be_read_is_not_told() -> None:
    told = refused({"net.inp": INP.replace(" tank 20 4 2 8 10 0", " tank 20").encode()})
    assert told == ["net.inp:8: 'tank': 2 values in [TANKS]; expected 6 or more"]
    told = refused({"net.inp": INP.replace("[JUNCTIONS]", "[JUNCTOINS]").encode()})
    assert told == ["net.inp:1: the unknown section [JUNCTOINS]; expected a section of EPANET 2.2"]


def _hostile(module: str, name: str, payload: object) -> dict[str, Any]:
    return {"_module": module, "_class": name, "_object": payload}


def test_an_untrusted_file_imports_makes_and_calls_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pandapower's reader imports what ``_module`` names; here a module that leaves a mark when it is imported."""
    mark = tmp_path / "mark"
    (tmp_path / "evil_module.py").write_text(
        f"open({str(mark)!r}, 'w').close()\nclass Evil:\n    def __init__(self, *a, **k): pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    attack = small()
    attack["_object"]["controller"] = _hostile("evil_module", "Evil", "{}")
    attack["_object"]["std_types"] = {"line": _hostile("evil_module", "Evil", {"x": 1})}
    attack["_object"]["bus_dc"] = _hostile("builtins", "exec", "raise SystemExit")
    told = refused({"net.json": json.dumps(attack).encode()})
    assert told == ["net.json: bus_dc: no table; expected a DataFrame as pandapower.to_json stores it"]
    del attack["_object"]["bus_dc"]
    assert len(read_files({"net.json": json.dumps(attack).encode()}).plan.assets) == 8
    assert "evil_module" not in sys.modules
    assert not mark.exists()
    # the same file is a real attack on the reader that it was written for
    pandapower = pytest.importorskip("pandapower")
    with contextlib.suppress(Exception):  # whatever it makes of the file: the import has happened or not
        pandapower.from_json_string(json.dumps(attack))
    if not mark.exists():
        pytest.skip("this pandapower does not import what a file names: nothing to compare with")
