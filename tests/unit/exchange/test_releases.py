"""The numbers of a release, as bytes and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import StoreBrokenError
from tocsin.exchange.releases import decode_offers, encode_offers

rising = st.frozensets(st.integers(1, 2**62), max_size=50).map(sorted)


@given(rising)
def test_what_is_written_reads_back(sequences: list[int]) -> None:
    assert decode_offers(encode_offers(sequences)) == sequences


@given(st.integers(1, 2**40), st.integers(0, 300))
def test_neighbours_take_one_byte_each(start: int, count: int) -> None:
    assert len(encode_offers(range(start, start + count + 1))) <= 6 + count


@given(rising.filter(bool), st.data())
def test_a_cut_is_noticed_or_at_a_number(sequences: list[int], data: st.DataObject) -> None:
    written = encode_offers(sequences)
    cut = written[: data.draw(st.integers(0, len(written) - 1))]
    try:
        read = decode_offers(cut)
    except StoreBrokenError:
        return
    assert read == sequences[: len(read)]
    assert len(read) < len(sequences)


@pytest.mark.parametrize("sequences", [[0], [1, 1], [2, 1], [-1]])
def test_only_rising_numbers_are_written(sequences: list[int]) -> None:
    with pytest.raises(StoreBrokenError):
        encode_offers(sequences)


def test_none_are_none() -> None:
    assert encode_offers([]) == b""
    assert decode_offers(b"") == []
