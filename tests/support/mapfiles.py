"""A good map of a thousand assets as files, and fifty faults planted in them, each with its place and cause."""

from __future__ import annotations

import csv
import io
import json
import random
from typing import TYPE_CHECKING, Final

from tocsin.map.formats import Format, write
from tocsin.map.model import (
    Asset,
    AssetMap,
    DependencyGroup,
    FailureMode,
    Fragility,
    Lognormal,
    Place,
    Provenance,
    Quantiles,
    Supplier,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["good_map", "planted_csv", "planted_features", "planted_graph"]

KINDS: Final = ("substation", "pump", "hospital", "exchange")


def good_map(count: int = 1_000, *, seed: int = 1) -> AssetMap:
    """Return a map in which each asset but the first ten has one need of two suppliers before it."""
    draw = random.Random(seed)
    assets = tuple(
        Asset(
            id=f"asset {number}",
            kind=KINDS[number % 4],
            sector="energy",
            owner=f"https://o{number % 9}.example",
            place=Place(longitude=round(draw.uniform(5, 30), 6), latitude=round(draw.uniform(55, 70), 6)),
            value_h=float(draw.randrange(5_000)),
            people=draw.randrange(1, 9_000),
            repair=Lognormal(median_h=24.0, sigma=0.5) if number % 2 else Quantiles(hours=(2.0, 8.0, 72.5)),
            failure_modes=(
                FailureMode(name="quake", fragility=Fragility(measure="PGA g", median=0.4, beta=0.5), damage_least=0.2),
            )
            if number % 5 == 0
            else (),
        )
        for number in range(count)
    )
    groups = tuple(
        DependencyGroup(
            asset=f"asset {number}",
            name="power",
            suppliers=tuple(
                Supplier(asset=f"asset {other}", weight=2.0, provenance=Provenance.DERIVED, basis="the nearest")
                for other in draw.sample(range(number), 2)
            ),
            k=2.0,
            buffer_h=8.0,
            alpha=0.5,
        )
        for number in range(10, count)
    )
    return AssetMap(assets=assets, groups=groups)


Row = dict[str, str]


def _table(data: bytes) -> list[Row]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def planted_csv() -> tuple[dict[str, bytes], dict[str, str]]:  # noqa: C901 -- a list of what is planted
    """Return the files of a map with fifty faults in it, and what each place must say."""
    files = write(good_map(), Format.CSV)
    tables = {name: _table(data) for name, data in files.items()}
    told: dict[str, str] = {}

    def cell(table: str, row: int, column: str, value: str, cause: str) -> None:
        tables[table][row][column] = value
        told[f"{table}:{row + 2}"] = cause

    # assets 900 and on supply few: what follows from a missing asset is a fault of its own
    for row, (column, value, cause) in enumerate(
        (
            ("longitude", "x", "longitude is 'x'"),
            ("longitude", "190", "its place is 190.0"),
            ("latitude", "-91", "its place is"),
            ("latitude", "", "half a place"),
            ("longitude", "NaN", "longitude is 'NaN'"),
            ("value_h", "-1", "value_h is -1.0"),
            ("value_h", "1_000", "value_h is '1_000'"),
            ("value_h", "1e999", "value_h is"),
            ("people", "-5", "people is -5"),
            ("people", "1.5", "people is '1.5'"),
            ("people", "many", "people is 'many'"),
            ("repair", "lognormal 24", "repair is 'lognormal 24'"),
            ("repair", "weibull 1 2", "repair is 'weibull 1 2'"),
            ("repair", "lognormal -1 0.5", "its repair has median_h -1.0"),
            ("repair", "quantiles 5 2", "its repair has quantiles"),
            ("repair", "quantiles 5", "its repair has 1 quantiles"),
            ("owner", "a\tb", "owner has the character U+0009"),
            ("kind", " pump", "kind is ' pump'"),
            ("sector", "x" * 20_001, "sector has 20,001 characters"),
        ),
        start=20,
    ):
        cell("assets.csv", row, column, value, cause)
    for row, (column, value, cause) in enumerate(
        (
            ("k", "0", "k is 0.0"),
            ("k", "5", "k is 5 and all suppliers together give 4"),
            ("k", "two", "k is 'two'"),
            ("k", "nan", "k is 'nan'"),
            ("buffer_h", "-1", "buffer_h is -1.0"),
            ("buffer_h", "1e6", "buffer_h is 1000000.0"),
            ("buffer_h", "8h", "buffer_h is '8h'"),
            ("alpha", "1.5", "alpha is 1.5"),
            ("alpha", "-0.1", "alpha is -0.1"),
            ("alpha", "half", "alpha is 'half'"),
            ("asset", "nobody", "there is no such asset"),
            ("name", "", "there is no name"),
        ),
        start=40,
    ):
        cell("groups.csv", row, column, value, cause)
    for row, (column, value, cause) in enumerate(
        (
            ("supplier", "nowhere", "there is no such asset"),
            ("supplier", "", "there is no supplier"),
            ("weight", "0", "weight is 0.0"),
            ("weight", "-2", "weight is -2.0"),
            ("weight", "heavy", "weight is 'heavy'"),
            ("weight", "1e7", "weight is 10000000.0"),
            ("provenance", "guessed", "provenance is 'guessed'"),
            ("provenance", "assumed", "assumed with weight 2.0 within None to None"),
            ("group", "powre", "there is no such group"),
            ("basis", "a\x7fb", "basis has the character U+007F"),
        ),
        start=0,
    ):
        cell("suppliers.csv", 400 + 2 * row, column, value, cause)
    # a group whose supplier or name is lost must still be met by those that are left, or that is a second fault
    for name in ("suppliers.csv",):
        gone = {tables[name][400 + 2 * row]["asset"] for row in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)}
        for each in tables["groups.csv"]:
            if each["asset"] in gone:
                each["k"] = "1"
    for row, (column, value, cause) in enumerate(
        (
            ("asset", "nobody", "there is no such asset"),
            ("median", "", "half a fragility"),
            ("beta", "-1", "a fragility in 'PGA g'"),
            ("damage_least", "1.5", "has damage from 1.5"),
            ("damage_least", "all", "damage_least is 'all'"),
        ),
        start=30,
    ):
        cell("failure_modes.csv", row, column, value, cause)
    # an asset that is nobody is so in both files; the suppliers of a group without an asset belong to none
    for each in tables["suppliers.csv"]:
        if each["asset"] == "asset 60":
            each["asset"] = "nobody"
    cell("groups.csv", len(tables["groups.csv"]) - 1, "asset", "", "there is no asset")
    del tables["suppliers.csv"][-2:]
    written = {name: _written(rows) for name, rows in tables.items()}
    # and whole rows: one with a cell too many, one that stands twice, in two files
    lines = written["assets.csv"].decode().splitlines()
    lines.append(lines[60])
    told[f"assets.csv:{len(lines)}"] = "stands 2 times, first at assets.csv:61"
    lines.append("new,too,many" + "," * 20 + "x")
    told[f"assets.csv:{len(lines)}"] = "cells"
    written["assets.csv"] = ("\n".join(lines) + "\n").encode()
    lines = written["groups.csv"].decode().splitlines()
    lines.append(lines[80])
    told[f"groups.csv:{len(lines)}"] = "stands 2 times, first at groups.csv:81"
    written["groups.csv"] = ("\n".join(lines) + "\n").encode()
    return written, told


def _written(rows: list[Row]) -> bytes:
    text = io.StringIO(newline="")
    out = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
    return text.getvalue().encode()


def planted_features() -> tuple[dict[str, bytes], dict[str, str]]:
    """Return a collection with fifty faults, ten of each kind."""
    root = json.loads(write(good_map(), Format.GEOJSON)["map.geojson"])
    wrong: tuple[tuple[Callable[[dict], None], str], ...] = (  # type: ignore[type-arg]
        (lambda one: one["geometry"].update(type="Circle"), "the geometry 'Circle'"),
        (lambda one: one["geometry"].update(coordinates=[200, 0]), "its place is 200.0"),
        (lambda one: one["properties"].update(people="several"), "people is 'several'"),
        (lambda one: one["properties"]["needs"][0]["suppliers"][0].update(asset="nowhere"), "there is no such asset"),
        (lambda one: one["properties"]["needs"][0].update(alpha=7), "alpha is 7.0"),
    )
    told = {}
    for number in range(50):
        spoil, cause = wrong[number % 5]
        place = 100 + 7 * number
        feature = root["features"][place]
        if number % 5 == 3:
            feature["properties"]["needs"][0]["suppliers"][0]["supplier"] = "nowhere"
        else:
            spoil(feature)
        told[f"map.geojson: feature {place + 1}"] = cause
    return {"map.geojson": json.dumps(root).encode()}, told


def planted_graph() -> tuple[dict[str, bytes], dict[str, str]]:
    """Return a graph with fifty faults: nodes and edges."""
    lines = write(good_map(), Format.GRAPHML)["map.graphml"].decode().split("\n")
    nodes = [place for place, text in enumerate(lines) if text.startswith("<node")]
    edges = [place for place, text in enumerate(lines) if text.startswith("<edge")]
    wrong = (
        (nodes, '<data key="node.people">', '<data key="node.people">-', "people is -"),
        (nodes, '<data key="node.longitude">', '<data key="node.longitude">4', "its place is"),
        (edges, '<data key="edge.weight">2<', '<data key="edge.weight">-2<', "weight is -2.0"),
        (edges, 'source="asset ', 'source="nowhere ', "there is no such asset"),
        (edges, ">derived<", ">gossip<", "provenance is 'gossip'"),
    )
    told = {}
    for number in range(50):
        places, old, new, cause = wrong[number % 5]
        place = places[200 + 4 * number]
        text = lines[place].replace(old, new, 1)
        assert text != lines[place]
        if old.endswith('longitude">'):
            text = text.replace('longitude">4', 'longitude">40', 1)
        lines[place] = text
        told[f"map.graphml:{place + 1}"] = cause
    return {"map.graphml": "\n".join(lines).encode()}, told
