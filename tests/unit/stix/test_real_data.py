"""Public STIX 2.1 content comes through whole: all of it accepted, every object JSON-equal to its input."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tocsin.exchange.stix import ParsedObject, parse_bundle, parse_envelope

REALDATA = Path(os.environ.get("TOCSIN_REALDATA", Path(__file__).parents[3] / "../shared/data"))
FILES = {
    "ics-attack-18.1.json": 1_826,
    "kingspawn.stix2": 335,
    "operation_triangulation.stix2": 225,
    "predator.stix2": 1_171,
}


@pytest.mark.parametrize(("name", "count"), FILES.items(), ids=FILES.keys())
def test_every_object_comes_through(name: str, count: int) -> None:
    path = REALDATA / "stix" / name
    if not path.exists():
        pytest.skip(f"no {path}: set TOCSIN_REALDATA to the folder of real data")
    data = path.read_bytes()
    document = json.loads(data)
    parsed = parse_bundle(data)
    assert parsed.bundle_id == document["id"]
    assert len(parsed.items) == count
    assert [json.loads(item.body) for item in parsed.items if isinstance(item, ParsedObject)] == document["objects"]
    del document["type"], document["id"]
    assert parse_envelope(json.dumps(document).encode()).items == parsed.items
