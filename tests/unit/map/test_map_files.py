"""What is wrong with the files of a map is told, all of it, each with its place; and then nothing is taken."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from support.mapfiles import good_map, planted_csv, planted_features, planted_graph
from tocsin.errors import AgreementError, LimitError, MapError, NotFoundError, UsageError
from tocsin.map.formats import Format, read_files, read_folder, write
from tocsin.map.formats import limits as bounds
from tocsin.map.model import Asset, AssetMap, Need, Place, Provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TWO = b"id,kind\ngrid,substation\nmill,plant\n"
NEEDS = b"asset,name\nmill,power\n"
FROM = b"asset,group,supplier\nmill,power,grid\n"


def told(files: Mapping[str, bytes], mapping: bytes | None = None) -> list[str]:
    with pytest.raises(MapError) as caught:
        read_files(files, mapping)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("form", [Format.CSV, Format.GEOJSON, Format.GRAPHML])
def test_a_good_map_of_a_thousand_comes_back_as_it_was(form: Format) -> None:
    plan = good_map()
    assert read_files(write(plan, form)).plan == plan


@pytest.mark.parametrize("planted", [planted_csv, planted_features, planted_graph])
def test_fifty_faults_in_a_thousand_assets_are_told_each_with_place_and_cause(
    planted: Callable[[], tuple[dict[str, bytes], dict[str, str]]],
) -> None:
    files, expected = planted()
    assert len(expected) == 50
    with pytest.raises(MapError) as caught:
        read_files(files)
    found = Counter(fault.at for fault in caught.value.faults)
    assert found == Counter(expected.keys())
    for fault in caught.value.faults:
        assert fault.at is not None
        assert expected[fault.at] in fault.cause
        assert fault.expected


def test_what_is_derived_says_by_which_rule() -> None:
    files = {"assets.csv": TWO, "groups.csv": NEEDS}
    derived = b"asset,group,supplier,provenance,basis\nmill,power,grid,derived,"
    (fault,) = told(files | {"suppliers.csv": derived + b"\n"})
    assert fault.startswith("suppliers.csv:2: 'mill' needs 'power' from 'grid': it is derived, and no basis is told")
    assert read_files(files | {"suppliers.csv": derived + b"the nearest\n"}).plan.groups[0].suppliers[0].basis


def test_a_fault_says_which_asset_which_edge_and_why() -> None:
    files = {"assets.csv": TWO, "groups.csv": NEEDS, "suppliers.csv": FROM.replace(b"grid", b"wind")}
    assert told(files) == [
        (
            "suppliers.csv:2: 'mill' needs 'power' from 'wind': there is no such asset; "
            "expected the id of an asset of this map"
        )
    ]


FAULTY = {
    "no header": ({"assets.csv": b""}, "assets.csv:1: there is no header"),
    "no column of ids": ({"assets.csv": b"kind\npump\n"}, "assets.csv:1: there is no column 'id'"),
    "a column that means nothing": ({"assets.csv": b"id,colour\na,red\n"}, "assets.csv:1: the unknown column 'colour'"),
    "a column twice": ({"assets.csv": b"id,kind,kind\na,b,c\n"}, "assets.csv:1: the column 'kind' stands twice"),
    "not UTF-8": ({"assets.csv": b"id\na\xff\n"}, "assets.csv:2: the byte 0xff"),
    "a quote that stays open": ({"assets.csv": b'id\n"a\n'}, "assets.csv:2: no CSV"),
    "a number where lines are in quotes": (
        {"assets.csv": b'id,kind\na,"two\nlines"\nb,c,d\n'},
        "assets.csv:4: 3 cells",
    ),
    "JSON that ends": ({"map.geojson": b'{"type":'}, "map.geojson: no JSON"),
    "JSON of something": ({"map.geojson": b"[]"}, "map.geojson: no FeatureCollection"),
    "another system of coordinates": (
        {"map.geojson": b'{"type":"FeatureCollection","features":[],"crs":{"type":"name"}}'},
        "map.geojson: another system of coordinates",
    ),
    "a property that means nothing": (
        {"map.geojson": b'{"type":"FeatureCollection","features":[{"type":"Feature","id":"a","properties":{"x":1}}]}'},
        "map.geojson: feature 1: the unknown property 'x'",
    ),
    "a feature without an id": (
        {"map.geojson": b'{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null}]}'},
        "map.geojson: feature 1: there is no id",
    ),
    "XML that ends": ({"map.graphml": b"<graphml>"}, "map.graphml:1: no XML"),
    "other XML": ({"map.graphml": b"<svg/>"}, "map.graphml:1: the element 'svg'"),
    "an entity": (
        {"map.graphml": b'<!DOCTYPE x [<!ENTITY a "aaaa">]><graphml>&a;</graphml>'},
        "map.graphml:1: a DTD or an entity",
    ),
    "an edge without a direction": (
        {
            "map.graphml": b'<graphml><key id="g" for="edge" attr.name="group"/><graph edgedefault="undirected">\n'
            b'<node id="a"/><node id="b"/>\n<edge source="a" target="b"><data key="g">power</data></edge>\n'
            b"</graph></graphml>"
        },
        "map.graphml:3: an edge without a direction",
    ),
}


@pytest.mark.parametrize("case", FAULTY)
def test_a_file_that_cannot_be_read_says_where(case: str) -> None:
    files, expected = FAULTY[case]
    assert any(text.startswith(expected) for text in told(files)), told(files)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("map.geojson", b"[" * 1_000),
        ("map.geojson", b'{"a":' * 1_000),
        ("map.graphml", b"<graphml>" + b"<graph>" * 1_000),
        ("net.json", b"[" * 100_000),
    ],
)
def test_what_is_nested_too_deeply_is_refused_before_it_is_parsed(name: str, data: bytes) -> None:
    with pytest.raises(LimitError, match="nested too deeply"):
        read_files({name: data})


def test_brackets_within_text_are_no_depth() -> None:
    text = "[" * 100 + '\\"' + "{" * 100
    data = f'{{"type":"FeatureCollection","features":[{{"type":"Feature","id":"a","properties":{{"kind":"{text}"}}}}]}}'
    assert read_files({"map.geojson": data.encode()}).plan.assets[0].kind == text.replace("\\", "")


def test_files_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="201 files"):
        read_files({f"{number}.csv": b"" for number in range(bounds.MOST_FILES + 1)})
    monkeypatch.setattr("tocsin.map.formats.reading.MOST_BYTES", 10)
    with pytest.raises(LimitError, match="bytes"):
        read_files({"assets.csv": TWO})
    monkeypatch.setattr("tocsin.map.formats.folder.MOST_BYTES", 10)
    (tmp_path / "assets.csv").write_bytes(TWO)
    with pytest.raises(LimitError, match="larger than we take"):
        read_folder(tmp_path)


def test_a_folder_is_read_without_what_lies_outside_it(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "assets.csv").write_bytes(TWO)
    (inside / "notes.txt").write_bytes(b"nothing of a map")
    (outside / "groups.csv").write_bytes(NEEDS)
    (inside / "groups.csv").symlink_to(outside / "groups.csv")
    read = read_folder(inside)
    assert [asset.id for asset in read.plan.assets] == ["grid", "mill"]
    assert read.plan.groups == ()
    assert [source.name for source in read.sources] == ["assets.csv"]
    with pytest.raises(NotFoundError):
        read_folder(tmp_path / "gone")
    with pytest.raises(NotFoundError, match="no file of a map"):
        read_folder(outside.parent)


def test_a_mapping_says_which_column_is_what() -> None:
    mapping = b"""
map: 1
files:
  anlegg.csv:
    columns: {id: Navn, longitude: X, latitude: Y}
    given: {sector: water, owner: "https://vann.example"}
    places: web-mercator
    delimiter: ";"
  kobling.csv:
    holds: suppliers
    columns: {asset: til, supplier: fra}
    given: {group: power, provenance: published, basis: the operators' list}
    groups: {need: count, k: 1, buffer_h: 4}
ignore: {old.csv: of last year}
rules:
  - rule: nearest
    name: the nearest plant
    assets: {sector: water}
    suppliers: {sector: water}
    within_km: 100
    group: {name: treatment, buffer_h: 6, buffer_least_h: 2, buffer_most_h: 12}
    supplier: {provenance: assumed}
"""
    files = {
        "anlegg.csv": b"Navn;X;Y;Farge\nverk;1113194.907933;8399737.889818;r\npumpe;1114194.9;8399737.9;b\n",
        "kobling.csv": b"til,fra\npumpe,verk\n",
        "old.csv": b"\xff",
    }
    read = read_files(files, mapping)
    plant = read.plan.assets[0]
    assert plant.place is not None
    assert plant.place.longitude == pytest.approx(10.0)
    assert plant.place.latitude == pytest.approx(60.0, abs=1e-6)
    assert (plant.sector, plant.owner) == ("water", "https://vann.example")
    power = next(group for group in read.plan.groups if group.name == "power")
    assert (power.asset, power.need, power.buffer_h) == ("pumpe", Need.COUNT, 4.0)
    assert power.suppliers[0].provenance is Provenance.PUBLISHED
    nearest = [group for group in read.plan.groups if group.name == "treatment"]
    assert [(one.asset, one.suppliers[0].asset) for one in nearest] == [("verk", "pumpe"), ("pumpe", "verk")]
    assert "0.5 km away" in nearest[0].suppliers[0].basis
    assert nearest[0].buffer_most_h == 12.0
    assert any("Farge" in note for note in read.notes)
    assert any("of last year" in note for note in read.notes)


def test_a_mapping_file_is_read_as_strictly_as_an_agreement() -> None:
    mapping = b"map: 1\nfiles:\n  a.csv: {columns: {ident: X}, places: moon, given: {people: NO}}\nrule: []\n"
    with pytest.raises(AgreementError) as caught:
        read_files({"a.csv": TWO}, mapping)
    places = [(problem.line, problem.found) for problem in caught.value.problems]
    assert [line for line, _ in places] == [3, 3, 3, 4]
    assert told({"a.csv": TWO}, b"map: 1\nfiles: {b.csv: {holds: assets}}\n")[0].startswith("mapping.yaml: there is no")


def test_a_formula_in_a_name_is_text_to_a_spreadsheet_and_comes_back() -> None:
    names = ('=cmd|"/c calc"!A1', "+1", "-1", "@x", "'=y", "'", "plain")
    plan = AssetMap(assets=tuple(Asset(id=name, place=Place(longitude=-1.0, latitude=-2.0)) for name in names))
    files = write(plan, Format.CSV)
    for line in files["assets.csv"].decode().splitlines():
        assert not line.lstrip('"').startswith(("=", "+", "-", "@"))
    assert read_files(files).plan == plan


def test_what_no_file_holds_is_not_written() -> None:
    with pytest.raises(MapError, match="U\\+0007"):
        write(AssetMap(assets=(Asset(id="a", kind="bell\x07"),)), Format.GRAPHML)
    with pytest.raises(UsageError, match="not written as epanet"):
        write(good_map(5), Format.EPANET)


def test_graphs_of_networkx_and_of_yed_are_read() -> None:
    networkx = pytest.importorskip("networkx")
    graph = networkx.DiGraph()
    graph.add_node("grid", typ="substation", leute=120)
    graph.add_node("mill", typ="plant", leute=7)
    graph.add_edge("grid", "mill", last=2.5)
    data = "\n".join(networkx.generate_graphml(graph)).encode()
    mapping = (
        b"map: 1\nfiles:\n  net.graphml:\n    columns: {kind: typ, people: leute, weight: last}\n"
        b"    given: {group: power}\n    groups: {need: count, k: 1}\n"
    )
    plan = read_files({"net.graphml": data}, mapping).plan
    assert [(asset.id, asset.kind, asset.people) for asset in plan.assets] == [
        ("grid", "substation", 120),
        ("mill", "plant", 7),
    ]
    assert plan.groups[0].suppliers[0].weight == 2.5
    yed = (
        b'<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://www.yworks.com/xml/graphml">'
        b'<key id="d0" for="node" yfiles.type="nodegraphics"/><graph edgedefault="directed">'
        b'<node id="n0"><data key="d0"><y:ShapeNode><y:NodeLabel>grid</y:NodeLabel></y:ShapeNode></data></node>'
        b'<node id="n1"><data key="d0"><y:ShapeNode><y:NodeLabel>mill</y:NodeLabel></y:ShapeNode></data></node>'
        b'<edge source="n0" target="n1"/></graph></graphml>'
    )
    mapping = (
        b"map: 1\nfiles: {a.graphml: {columns: {id: label}, given: {group: power}, groups: {need: count, k: 1}}}\n"
    )
    plan = read_files({"a.graphml": yed}, mapping).plan
    assert [asset.id for asset in plan.assets] == ["grid", "mill"]
    assert plan.groups[0].suppliers[0].asset == "grid"
