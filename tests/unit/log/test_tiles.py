"""Paths and encodings of C2SP tlog-tiles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InputError, LimitError, LogBrokenError, TocsinError
from tocsin.log.merkle import MAX_TREE_SIZE
from tocsin.log.tiles import (
    MAX_BUNDLE_BYTES,
    MAX_ENTRY_BYTES,
    Tile,
    bundles_of,
    decode_bundle,
    decode_tile,
    encode_bundle,
    encode_tile,
    tiles_of,
)

PATHS = {
    "the specification's example": (Tile(level=0, index=1_234_067), "tile/0/x001/x234/067"),
    "first": (Tile(level=0, index=0), "tile/0/000"),
    "partial": (Tile(level=1, index=67, width=8), "tile/1/067.p/8"),
    "bundle": (Tile(level=None, index=1000), "tile/entries/x001/000"),
    "partial bundle": (Tile(level=None, index=999, width=255), "tile/entries/999.p/255"),
    "highest": (Tile(level=63, index=MAX_TREE_SIZE), "tile/63/x009/x223/x372/x036/x854/x775/807"),
}


@pytest.mark.parametrize("case", PATHS)
def test_paths(case: str) -> None:
    tile, path = PATHS[case]
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/08",
        "tile/0/../000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/x/000",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/x009/x223/x372/x036/x854/x775/808",
        "tile/0/" + "x001/" * 1000 + "000",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(InputError, match="not the path of a tile"):
        Tile.parse(path)


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, MAX_TREE_SIZE), st.integers(1, 256))
def test_a_path_leads_back(level: int | None, index: int, width: int) -> None:
    tile = Tile(level=level, index=index, width=width)
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(("level", "index", "width"), [(64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_there_are_no_such_tiles(level: int, index: int, width: int) -> None:
    with pytest.raises(InputError):
        Tile(level=level, index=index, width=width)


def test_the_specifications_tree_of_70_000() -> None:
    tiles = [(tile.level, tile.width) for tile in tiles_of(70_000)]
    assert tiles == [(0, 256)] * 273 + [(0, 112), (1, 256), (1, 17), (2, 1)]
    assert [tile.width for tile in bundles_of(70_000)] == [256] * 273 + [112]


def test_the_specifications_tree_of_256() -> None:
    assert [(tile.level, tile.width) for tile in tiles_of(256)] == [(0, 256), (1, 1)]
    assert list(tiles_of(0)) == list(bundles_of(0)) == []


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_a_bundle_reads_back(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data, width=len(entries), where="b") == entries
    assert data.startswith(len(entries[0]).to_bytes(2, "big") + entries[0])


def test_the_largest_entry_and_one_more() -> None:
    largest = encode_bundle([b"x" * MAX_ENTRY_BYTES] * 256)
    assert len(largest) == MAX_BUNDLE_BYTES
    assert len(decode_bundle(largest, width=256, where="b")) == 256
    with pytest.raises(LimitError, match="65535"):
        encode_bundle([b"x" * (MAX_ENTRY_BYTES + 1)])


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=9), st.data())
def test_a_cut_bundle_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    whole = encode_bundle(entries)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(LogBrokenError):
        decode_bundle(cut, width=len(entries), where="b")
    with pytest.raises(LogBrokenError):
        decode_bundle(whole + b"\x00\x00", width=len(entries), where="b")


@given(st.binary(max_size=100), st.integers(1, 5))
def test_any_bytes_are_a_bundle_or_refused(data: bytes, width: int) -> None:
    try:
        entries = decode_bundle(data, width=width, where="b")
    except LogBrokenError:
        return
    assert encode_bundle(entries) == data


def test_tiles_have_their_width() -> None:
    hashes = [bytes([number]) * 32 for number in range(5)]
    assert decode_tile(encode_tile(hashes), width=5, where="t") == hashes
    for width in (4, 6):
        with pytest.raises(LogBrokenError, match="bytes, not"):
            decode_tile(encode_tile(hashes), width=width, where="t")


@pytest.mark.parametrize("count", [0, 257])
def test_nothing_and_too_much_is_not_encoded(count: int) -> None:
    for encode in (encode_tile, encode_bundle):
        with pytest.raises(TocsinError, match="1 to 256"):
            encode([b"\x00" * 32] * count)
