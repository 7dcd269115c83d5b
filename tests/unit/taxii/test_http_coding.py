"""RFC 9110 §8.4: what goes in comes out, nothing in one piece is told by another, and bombs do not go off."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InputError, LimitError
from tocsin.kernel.http.coding import CODINGS, GZIP, IDENTITY, ZSTD, decoded, encoded, is_taken
from tocsin.kernel.http.negotiation import chosen_coding

if TYPE_CHECKING:
    from collections.abc import Callable

BIG = 1 << 20
PIECES = st.lists(st.binary(max_size=200) | st.text("ab", max_size=400).map(str.encode), max_size=6)
# Python has zstd from 3.14 on; for an older one it is there where backports.zstd is
EITHER = [
    pytest.param(GZIP, id=GZIP),
    pytest.param(ZSTD, id=ZSTD, marks=pytest.mark.skipif(ZSTD not in CODINGS, reason="backports.zstd is not there")),
]


@given(PIECES)
def test_gzip_is_read_by_others(pieces: list[bytes]) -> None:
    assert gzip.decompress(encoded(pieces, GZIP)) == b"".join(pieces)


@given(PIECES)
def test_gzip_goes_in_as_it_came_out(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert decoded(gzip.compress(whole), GZIP, BIG) == whole
    assert decoded(encoded(pieces, GZIP), GZIP, BIG) == whole


@pytest.mark.parametrize("coding", EITHER)
@given(first=st.binary(max_size=300), other=st.binary(max_size=300), second=st.binary(max_size=300))
def test_no_piece_is_shorter_for_what_another_holds(coding: str, first: bytes, other: bytes, second: bytes) -> None:
    """Were the second guessed by the first, its own share of the length would shrink; it is the same for any first."""

    def share(before: bytes) -> int:
        return len(encoded([before, second], coding)) - len(encoded([before, b""], coding))

    assert share(first) == share(other) == share(second) == share(second * 2)


def test_the_law_would_notice() -> None:
    secret = bytes(range(256))
    together = zlib.compressobj(1, zlib.DEFLATED, 31)
    guessed = len(together.compress(secret) + together.compress(secret) + together.flush())
    assert guessed < len(encoded([secret, secret], GZIP)) - 100


@pytest.mark.parametrize("coding", EITHER)
def test_what_is_decompressed_counts(coding: str) -> None:
    packed = encoded([b"x" * BIG], coding)
    assert len(packed) < BIG // 100
    assert decoded(packed, coding, BIG) == b"x" * BIG
    with pytest.raises(LimitError):
        decoded(packed, coding, BIG - 1)
    with pytest.raises(LimitError):
        decoded(encoded([b"x" * (64 * BIG)], coding), coding, 10)


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda whole: b"",
    "no such coding": lambda whole: b'{"objects":[]}',
    "cut off": lambda whole: whole[:-5],
    "a head": lambda whole: whole[:10],
    "a wrong sum": lambda whole: whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:],
    "something behind it": lambda whole: whole + b"x",
    "two members": lambda whole: whole + whole,
}


@pytest.mark.parametrize("case", SPOILT, ids=SPOILT)
def test_what_is_spoilt_is_refused(case: str) -> None:
    whole = gzip.compress(b'{"objects":[]}' * 20)
    with pytest.raises(InputError):
        decoded(SPOILT[case](whole), GZIP, BIG)


def test_members_without_end_are_refused_at_the_first() -> None:
    """Each empty member costs twenty bytes, and taking them apart one by one would cost the square of them."""
    with pytest.raises(InputError):
        decoded(gzip.compress(b"") * 500_000, GZIP, BIG)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(body: bytes) -> None:
    for coding in CODINGS:
        with contextlib.suppress(InputError):
            assert len(decoded(body, coding, 1000)) <= 1000


def test_which_are_taken() -> None:
    assert is_taken(IDENTITY)
    assert is_taken(GZIP)
    assert not is_taken("br")
    assert not is_taken("")


CHOICES = {
    "no header": ("", IDENTITY),
    "gzip": ("gzip", GZIP),
    "in other case": ("GZip", GZIP),
    "zstd before gzip": ("gzip, zstd", ZSTD),
    "by q": ("zstd;q=0.5, gzip", GZIP),
    "not with q=0": ("gzip;q=0", IDENTITY),
    "not with q=0.000": ("gzip;q=0.000, zstd;q=0", IDENTITY),
    "identity wanted more": ("gzip;q=0.5, identity", IDENTITY),
    "identity wanted less": ("gzip;q=0.5, identity;q=0.1", GZIP),
    "anything": ("*", ZSTD),
    "anything but": ("*, zstd;q=0", GZIP),
    "nothing": ("*;q=0", IDENTITY),
    "what we have not": ("br, deflate", IDENTITY),
    "no q": ("gzip;q=high", IDENTITY),
    "rubbish, and then gzip": (";;q=, ,gzip", GZIP),
    "spaces": ("  br ,\tgzip ; q=1.0 ", GZIP),
}


@pytest.mark.parametrize("case", CHOICES.values(), ids=CHOICES.keys())
def test_the_coding_wanted_most(case: tuple[str, str]) -> None:
    header, expected = case
    assert chosen_coding(header, (ZSTD, GZIP), otherwise=IDENTITY) == expected
