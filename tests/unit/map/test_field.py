"""Reports from GeoJSON: all of them, or every fault and none."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InputError, LimitError, MapError, NotFoundError
from tocsin.map import field
from tocsin.map.field import read_reports

NOW: Final = 1_780_000_000_000_000


def named(text: str) -> str:
    if text != "pump":
        raise NotFoundError("there is no such asset on the map that you see", where=text)
    return "asset--pump"


def features(*properties: dict[str, Any]) -> bytes:
    told = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": one}
        for one in properties
    ]
    return msgspec.json.encode({"type": "FeatureCollection", "features": told})


def test_what_is_known_is_read() -> None:
    told = {
        "asset": "pump",
        "service": 0.25,
        "since": "2026-06-01",
        "until": "2026-06-03",
        "confidence": 60,
        "note": "flooded",
        "drone": 7,
    }
    (state,) = read_reports(features(told), named=named, now=NOW, source="flight 1")
    assert (state.asset, state.service, state.source, state.confidence, state.note) == (
        "asset--pump",
        0.25,
        "flight 1",
        60,
        "flooded",
    )
    assert (state.since, state.until) == (1_780_272_000_000_000, 1_780_444_800_000_000)


def test_every_fault_is_told_with_its_feature() -> None:
    good = {"asset": "pump", "service": 1, "source": "a"}
    bad = (
        good | {"service": 2},
        {"service": 1},
        good | {"asset": "moon"},
        good | {"since": "yesterday"},
        good | {"since": "2026-06-02", "until": "2026-06-01"},
        good | {"note": "a\x1b[2J"},
        {"asset": "pump", "service": 1},
        good,
    )
    with pytest.raises(MapError) as caught:
        read_reports(features(good, *bad), named=named, now=NOW)
    assert [one.at for one in caught.value.faults] == [f"features[{number}]" for number in range(1, len(bad) + 1)]


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field, "MOST_FEATURES", 1)
    with pytest.raises(LimitError):
        read_reports(features({}, {}), named=named, now=NOW)
    monkeypatch.setattr(field, "MOST_BYTES", 10)
    with pytest.raises(LimitError):
        read_reports(features({}), named=named, now=NOW)


@given(data=st.binary() | st.recursive(st.none() | st.text(), st.lists).map(msgspec.json.encode))
def test_what_is_no_geojson_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        read_reports(data, named=named, now=NOW)


def test_deep_nesting_is_refused() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(InputError):
        read_reports(b'{"type":"FeatureCollection","features":[' + deep + b"]}", named=named, now=NOW)
