"""Fifty faults drawn from all kinds, in a thousand assets, at random: each is told once, at its place, and no other."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from support.mapfiles import good_map
from tocsin.errors import MapError
from tocsin.map.formats import Format, read_files, write

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, str]
# a kind of fault by its name: the table, the column, what is written there, and how its cause begins
CELLS: Final[dict[str, tuple[str, str, str, str]]] = {
    "an id that is empty": ("assets", "id", "", "there is no id"),
    "an id with a space before it": ("assets", "id", " {}", "id is "),
    "an id that turns text round": ("assets", "id", "{}\u202e", "id has the character U+202E"),
    "an id with what nobody sees": ("assets", "id", "{}\u200b", "id has the character U+200B"),
    "a control character": ("assets", "kind", "a\x07", "kind has the character U+0007"),
    "a longitude that is text": ("assets", "longitude", "59,9", "longitude is '59,9'"),
    "half a place": ("assets", "latitude", "", "half a place"),
    "a place beyond the globe": ("assets", "latitude", "91", "its place is"),
    "a worth below nothing": ("assets", "value_h", "-1", "value_h is -1.0"),
    "half a person": ("assets", "people", "1.5", "people is '1.5'"),
    "a repair of no form": ("assets", "repair", "weibull 1 2", "repair is"),
    "a repair that falls": ("assets", "repair", "quantiles 5 2", "its repair has quantiles"),
    "a group of nobody": ("groups", "asset", "nobody {}", "there is no such asset"),
    "a group of no asset": ("groups", "asset", "", "there is no asset"),
    "a group without a name": ("groups", "name", "", "there is no name"),
    "a group mistyped": ("groups", "name", "powre", "nobody supplies it"),
    "a need of nothing": ("groups", "k", "0", "k is 0.0"),
    "a need that is text": ("groups", "k", "two", "k is 'two'"),
    "a need that cannot be met": ("groups", "k", "9", "k is 9 and all suppliers together give 4"),
    "a buffer beyond its end": ("groups", "buffer_h", "1e6", "buffer_h is"),
    "more than all of it": ("groups", "alpha", "1.5", "alpha is 1.5"),
    "a supplier of nobody's": ("suppliers", "supplier", "nowhere {}", "there is no such asset"),
    "no supplier": ("suppliers", "supplier", "", "there is no supplier"),
    "a supplier with a bell": ("suppliers", "supplier", "{}\x07", "supplier has the character"),
    "a supplier of itself": ("suppliers", "supplier", "itself", "an asset cannot supply itself"),
    "a supplier of no group": ("suppliers", "group", "", "there is no group"),
    "a supplier of another group": ("suppliers", "group", "powre", "there is no such group"),
    "a weight of nothing": ("suppliers", "weight", "0", "weight is 0.0"),
    "a weight that is text": ("suppliers", "weight", "heavy", "weight is 'heavy'"),
    "gossip": ("suppliers", "provenance", "gossip", "provenance is 'gossip'"),
    "assumed without a range": ("suppliers", "provenance", "assumed", "assumed with weight"),
}
# kinds that only one format has
CSV_KINDS: Final = ("a row too short", "a row too long", "a byte that is no UTF-8", "an edge of no asset")


def _planted_csv(draw: random.Random) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    files = write(good_map(), Format.CSV)
    tables = {name: list(csv.DictReader(io.StringIO(data.decode(), newline=""))) for name, data in files.items()}
    where: dict[tuple[str, str], list[int]] = {}
    for name, column in (("assets", "id"), ("groups", "asset"), ("suppliers", "asset")):
        for place, row in enumerate(tables[f"{name}.csv"]):
            where.setdefault((name, row[column]), []).append(place)
    told: list[tuple[str, str]] = []
    raw: list[tuple[str, int, str]] = []
    victims = draw.sample(range(20, 1_000), 50)
    for number, kind in enumerate(draw.choices([*CELLS, *CSV_KINDS], k=50)):
        owner = f"asset {victims[number]}"
        if kind in CELLS:
            table, column, text, cause = CELLS[kind]
        else:
            table, column, text = draw.choice(("assets", "groups", "suppliers")), "", ""
            cause = "the byte 0xff" if "byte" in kind else ""
            if kind == "an edge of no asset":
                table, column, text, cause = "suppliers", "asset", "nobody", "there is no such group"
        rows = tables[f"{table}.csv"]
        place = draw.choice(where[table, owner])
        if column:
            row = rows[place]
            row[column] = row["asset"] if text == "itself" else text.format(row[column])
        else:
            raw.append((f"{table}.csv", place + 1, kind))
            cause = cause or " cells"
        told.append((f"{table}.csv:{place + 2}", cause))
    written = {}
    for name, rows in tables.items():
        text_ = io.StringIO(newline="")
        out = csv.DictWriter(text_, list(rows[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
        lines = text_.getvalue().encode().split(b"\n")
        for file, line, kind in raw:
            if file == name:
                spoil = {
                    "a row too short": lambda one: one.rpartition(b",")[0],
                    "a row too long": lambda one: one + b",x",
                }
                lines[line] = spoil.get(kind, lambda one: one + b"\xff")(lines[line])
        written[name] = b"\n".join(lines)
    return written, told


def _nested(draw: random.Random, features: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Plant fifty in features; return the number of each and how its cause begins."""
    told = []
    shapes: dict[str, Callable[[dict[str, Any]], None]] = {
        "the geometry 'Circle'": lambda one: one["geometry"].update(type="Circle"),
        "the coordinates of its LineString": lambda one: one.update(
            geometry={"type": "LineString", "coordinates": [[1, 2]]}
        ),
        "the coordinates of its Polygon": lambda one: one.update(
            geometry={"type": "Polygon", "coordinates": [[[1, 2], [2, 3], [3, 4], [1, 5]]]}
        ),
        "needs is no list": lambda one: one["properties"].update(needs={}),
        "needs 1 is no object": lambda one: one["properties"].update(needs=[7]),
        "suppliers is no list": lambda one: one["properties"]["needs"][0].update(suppliers="x"),
        "suppliers 1 is no object": lambda one: one["properties"]["needs"][0]["suppliers"].__setitem__(0, 5),
        "the unknown key 'nmae'": lambda one: one["properties"]["needs"][0].update(
            nmae=one["properties"]["needs"][0].pop("name")
        ),
        "the unknown key 'wieght'": lambda one: one["properties"]["needs"][0]["suppliers"][0].update(wieght=3),
        "its properties are no object": lambda one: one.update(properties=[]),
        "no feature": lambda one: one.update(type="Thing"),
        "the key 'twice' stands twice": lambda one: one.update(twice=1, TWICE=2),
    }
    kinds = [kind for kind, (table, *_) in CELLS.items() if CELLS[kind][1] not in {"asset", "group", "latitude"}]
    kinds.remove("a group mistyped")
    kinds.remove("an id that is empty")  # it may be whom a supplier of nobody's means: nobody could tell them apart
    for place in draw.sample(range(20, 1_000), 50):
        kind, one = draw.choice([*kinds, *shapes]), features[place]
        if kind in shapes:
            shapes[kind](one)
            told.append((place, kind))
            continue
        table, column, text, cause = CELLS[kind]
        if column == "longitude":
            one["geometry"]["coordinates"], cause = ["x", 1], "the coordinates of its Point"
        elif column == "id":
            one["id"] = text.format(one["id"])
        else:
            need = one["properties"]["needs"][0]
            row = {"assets": one["properties"], "groups": need}.get(table) or draw.choice(need["suppliers"])
            row[column] = one["id"] if text == "itself" else text.format(row.get(column))
        told.append((place, cause))
    return told


def _planted_features(draw: random.Random) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    root = json.loads(write(good_map(), Format.GEOJSON)["map.geojson"])
    told = _nested(draw, root["features"])
    data = json.dumps(root).encode().replace(b'"TWICE"', b'"twice"')
    return {"map.geojson": data}, [(f"map.geojson: feature {place + 1}", cause) for place, cause in told]


GRAPH_KINDS: Final[dict[str, tuple[str, str, str]]] = {
    "there is no key 'nope'": ("node", "</node>", '<data key="nope">x</data></node>'),
    "the data of 'node.kind' stands twice": ("node", "</node>", '<data key="node.kind">x</data></node>'),
    "alpha is 7.0": ("node", '"alpha":0.5', '"alpha":7'),
    "k is 'two'": ("node", '"k":2.0', '"k":"two"'),
    "the key 'k' in groups stands twice": ("node", '"k":2.0', '"k":2.0,"k":2.0'),
    "groups is no list of objects": ("node", 'groups">[', 'groups">'),
    "nobody supplies it": ("node", '"name":"power"', '"name":"powre"'),
    "an edge without a direction": ("edge", "<edge ", '<edge directed="false" '),
    "there is no such asset": ("edge", 'source="asset ', 'source="nowhere '),
    "weight is -2.0": ("edge", 'weight">2', 'weight">-2'),
    "weight is 'heavy'": ("edge", 'weight">2', 'weight">heavy'),
    "provenance is 'gossip'": ("edge", ">derived<", ">gossip<"),
    "there is no group": ("edge", ">power<", "><"),
    "there is no such group": ("edge", ">power<", ">powre<"),
    "the data of 'edge.basis' stands twice": ("edge", "</edge>", '<data key="edge.basis">x</data></edge>'),
    "basis has the character U+2067": ("edge", ">the nearest", ">the \u2067nearest"),
}


def _planted_graph(draw: random.Random) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    lines = write(good_map(), Format.GRAPHML)["map.graphml"].decode().split("\n")
    nodes = [place for place, text in enumerate(lines) if text.startswith("<node")]
    edges: dict[str, list[int]] = {}
    for place, text in enumerate(lines):
        if text.startswith("<edge"):
            edges.setdefault(text.partition('target="')[2].partition('"')[0], []).append(place)
    told = []
    for victim in draw.sample(range(20, 1_000), 50):
        cause = draw.choice(list(GRAPH_KINDS))
        what, old, new = GRAPH_KINDS[cause]
        place = nodes[victim] if what == "node" else draw.choice(edges[f"asset {victim}"])
        assert old in lines[place], (old, lines[place])
        lines[place] = lines[place].replace(old, new, 1)
        told.append((f"map.graphml:{place + 1}", cause))
    return {"map.graphml": "\n".join(lines).encode()}, told


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("planted", [_planted_csv, _planted_features, _planted_graph])
def test_fifty_faults_of_any_kind_are_told_each_once_and_nothing_else(
    planted: Callable[[random.Random], tuple[dict[str, bytes], list[tuple[str, str]]]], seed: int
) -> None:
    files, expected = planted(random.Random(seed))
    assert len(expected) == 50
    with pytest.raises(MapError) as caught:
        read_files(files)
    found = Counter(fault.at for fault in caught.value.faults)
    wanted = Counter(at for at, _ in expected)
    causes = {fault.at: fault.cause for fault in caught.value.faults}
    assert found == wanted, (
        [str(one) for one in caught.value.faults if found[one.at] != wanted[str(one.at)]],
        [one for one in expected if found[one[0]] != wanted[one[0]]],
    )
    for at, cause in expected:
        assert cause in causes[at], (at, cause, causes[at])
