"""Manifests and disclosure lines: exact both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.logs import ORIGIN
from tocsin.errors import InputError, LimitError, LogBrokenError
from tocsin.log import manifest as room
from tocsin.log.checkpoint import parse_checkpoint
from tocsin.log.manifest import FileDigest, Manifest, decode_disclosure, encode_disclosure, parse_manifest
from tocsin.log.model import Disclosure

DIGEST = FileDigest(sha256=b"d" * 32, length=12)
MANIFEST = Manifest(
    origin=ORIGIN,
    size=3,
    root=b"r" * 32,
    scope="live, everything",
    disclosed=2,
    files={"vkey": DIGEST, "checkpoint": DIGEST, "tile/0/000.p/3": DIGEST},
)
TEXT = MANIFEST.text()
FIRST, LAST = TEXT.index("file "), TEXT.rindex("file ")


def test_a_manifest_reads_back() -> None:
    assert parse_manifest(TEXT, where="manifest") == MANIFEST
    assert TEXT.splitlines()[:6] == [
        "tocsin/export/v1",
        "origin hub.example/log",
        "size 3",
        "root cnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=",
        "scope live, everything",
        "disclosed 2",
    ]


def test_a_manifest_is_no_checkpoint() -> None:
    """The same key signs both."""
    with pytest.raises(LogBrokenError, match="line 2"):
        parse_checkpoint(TEXT)


BAD = {
    "empty": "",
    "other domain": TEXT.replace("export/v1", "export/v2"),
    "no files": TEXT[:FIRST],
    "lines swapped": TEXT.replace("size 3\n", "").replace("disclosed 2\n", "disclosed 2\nsize 3\n"),
    "leading zero": TEXT.replace("size 3", "size 03"),
    "short root": TEXT.replace("cnJycnJy", "", 1),
    "loose root": TEXT.replace("cnI=", "cnJ="),
    "file twice": TEXT + TEXT[LAST:],
    "files out of order": TEXT[:FIRST] + TEXT[LAST:] + TEXT[FIRST:LAST],
    "upper-case digest": TEXT.replace("64646464", "6464646A", 1),
    "space in path": TEXT.replace("vkey", "v key"),
    "other line": TEXT + "more\n",
    "last line open": TEXT[:-1],
    "unprintable scope": TEXT.replace("live,", "live\u009b"),
    "long scope": TEXT.replace("live", "l" * 2001),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_manifests(case: str) -> None:
    with pytest.raises(LogBrokenError) as caught:
        parse_manifest(BAD[case], where="manifest")
    assert (caught.value.where or "").startswith(("manifest", "scope"))


@pytest.mark.parametrize("scope", ["", "two\nlines", "x" * 2001, "\u202eevil"])
def test_a_scope_is_one_printable_line(scope: str) -> None:
    with pytest.raises(InputError, match="scope"):
        Manifest(origin=ORIGIN, size=0, root=b"r" * 32, scope=scope, disclosed=0, files={})


@given(st.integers(0, 2**62), st.binary(min_size=32, max_size=32), st.text(max_size=100))
def test_a_disclosure_keeps_the_exact_bytes(index: int, salt: bytes, text: str) -> None:
    disclosure = Disclosure(index=index, salt=salt, payload=text.encode("utf-8", "replace"))
    line = encode_disclosure(disclosure)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode_disclosure(line, where="line 1") == disclosure


def test_a_payload_can_be_read_in_its_line() -> None:
    line = encode_disclosure(Disclosure(index=3, salt=b"s" * 32, payload='{"kind":"é"}'.encode()))
    assert line.decode() == (
        '{"index":3,"salt":"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=","payload":"{\\"kind\\":\\"é\\"}"}\n'
    )


def test_what_no_line_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="UTF-8"):
        encode_disclosure(Disclosure(index=3, salt=b"s" * 32, payload=b"\xff"))
    monkeypatch.setattr(room, "MAX_DISCLOSURE_LINE", 100)
    with pytest.raises(LimitError, match="at most 100"):
        encode_disclosure(Disclosure(index=3, salt=b"s" * 32, payload=b"x" * 100))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}",
        b"[" * 100_000,
        b'{"index":-1,"salt":"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=","payload":""}',
        b'{"index":1.5,"salt":"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=","payload":""}',
        b'{"index":1,"salt":"c3Nz","payload":""}',
        b'{"index":1,"salt":"!","payload":""}',
        b'{"index":1,"salt":"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=","payload":"\xff"}',
        b'{"index":1,"salt":"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=","payload":"\\ud800"}',
        b'{"index":1,"salt":"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=","payload":"","more":1}',
    ],
)
def test_bad_lines(line: bytes) -> None:
    with pytest.raises(LogBrokenError, match="line 9"):
        decode_disclosure(line, where="line 9")
