"""Printing: nothing that a party wrote is obeyed, and a document is one document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from tocsin.agreements.document import public_key_of
from tocsin.cli.keyring import new_key, read_key
from tocsin.cli.options import choices, words
from tocsin.cli.output import Output, listed, printable
from tocsin.errors import ConflictError, InputError, UsageError
from tocsin.kernel.ids import SeededEntropy
from tocsin.parties.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable


@given(st.text(st.characters(codec=None)))
def test_what_is_printed_is_printable(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert printable(shown) == shown
    shown.encode()
    if text.isprintable():
        assert shown == text


def test_a_document_is_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(json=True)
    out.line("text")
    out.lines("more\ntext")
    out.table(("a",), [("b",)], nothing="c")
    out.document({"a": [1, 2]})
    assert json.loads(capsys.readouterr().out) == {"a": [1, 2]}


def test_text_is_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(json=False)
    out.document({"a": [1, 2]})
    out.line("[bold]not markup[/bold] :smile: 'x' 12")
    out.lines("one\ntwo\n", indent="  ")
    out.table(("a", "b"), [("c" * 300, "[red]d[/red]")], nothing="e")
    out.table(("a",), [], nothing="nothing")
    assert capsys.readouterr().out.splitlines() == [
        "[bold]not markup[/bold] :smile: 'x' 12",
        "  one",
        "  two",
        "a" + " " * 301 + "b",
        "c" * 300 + "  [red]d[/red]",
        "nothing",
    ]


def test_no_bar_is_drawn_for_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    with Output(json=False).progress("long", 3) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def test_lists_take_commas_and_repetition() -> None:
    assert words(["a,b", "c", ",b,"]) == {"a", "b", "c"}
    assert words(None) == frozenset()
    assert listed({"b", "a"}) == "a, b"
    assert choices(["viewer,analyst"], Role, "--role") == {Role.VIEWER, Role.ANALYST}
    with pytest.raises(UsageError) as refused:
        choices(["viewer,king"], Role, "--role")
    assert refused.value.where == "--role"


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_new_key_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "ring" / "a@b.key"
    public = new_key(path, SeededEntropy(1))
    assert public_key_of(read_key(path)) == public
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    with pytest.raises(ConflictError):
        new_key(path, SeededEntropy(2))
    assert public_key_of(read_key(path)) == public


def test_a_raw_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(range(32)))
    assert read_key(tmp_path / "raw") == bytes(range(32))


def _encrypted() -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))


def _other_kind() -> bytes:
    return generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


NO_KEYS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "a byte short": lambda: bytes(31),
    "text": lambda: b"-----BEGIN PRIVATE KEY-----\nno\n-----END PRIVATE KEY-----\n",
    "encrypted": _encrypted,
    "of another kind": _other_kind,
    "endless": lambda: bytes(100_000),
}


@pytest.mark.parametrize("make", NO_KEYS.values(), ids=NO_KEYS.keys())
def test_what_is_no_key_is_refused(tmp_path: Path, make: Callable[[], bytes]) -> None:
    (tmp_path / "key").write_bytes(make())
    with pytest.raises(InputError):
        read_key(tmp_path / "key")


def test_a_key_that_cannot_be_read_or_written_is_a_matter_of_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_key(tmp_path / "missing")
    with pytest.raises(UsageError):
        new_key(Path("/proc/nowhere/a.key"), SeededEntropy(1))
