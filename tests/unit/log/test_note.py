"""C2SP signed-note and tlog-checkpoint: known answers, strict reading, and what no signature covers."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.logs import ORIGIN, SIGNER, STRANGER, VKEY, checkpoint, entry
from tocsin.errors import InputError, LogBrokenError
from tocsin.log.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from tocsin.log.merkle import EMPTY_ROOT
from tocsin.log.note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Note,
    NoteSigner,
    Signature,
    VerifierKey,
    open_note,
    parse_note,
    sign_note,
)

# The known answer of Go's golang.org/x/mod/sumdb/note, from whose format signed-note comes. Ed25519 is deterministic,
# so that signing must give the same bytes.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SKEY = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
GO_NOTE = f"{GO_TEXT}\n— PeterNeumann {GO_SIGNATURE}\n".encode()

# Verifier keys of other implementations.
OTHER_VKEYS = (
    "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6",
)

# The example of tlog-checkpoint; the specification does not give its key.
SPEC_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def test_the_known_note_opens_and_is_signed_alike() -> None:
    key = VerifierKey.parse(GO_VKEY)
    assert open_note(GO_NOTE, keys=[key], where="note").text == GO_TEXT
    signer = NoteSigner(name="PeterNeumann", seed=base64.b64decode(GO_SKEY)[1:])
    assert signer.key == key
    assert sign_note(GO_TEXT, signer) == GO_NOTE


@pytest.mark.parametrize("vkey", [GO_VKEY, *OTHER_VKEYS])
def test_verifier_keys_read_back(vkey: str) -> None:
    key = VerifierKey.parse(vkey)
    assert key.encode() == vkey
    assert key.fingerprint.startswith(vkey.split("+")[1])
    assert key.key_id == sha256(key.name.encode() + b"\n\x01" + key.public).digest()[:4]


def test_no_mangled_verifier_key_is_taken() -> None:
    for start in range(len(GO_VKEY)):
        for end in range(start + 1, len(GO_VKEY) + 1):
            if end - start < len(GO_VKEY):
                with pytest.raises(InputError):
                    VerifierKey.parse(GO_VKEY[start:end])
    for at, char in enumerate(GO_VKEY):
        with pytest.raises(InputError):
            VerifierKey.parse(GO_VKEY[:at] + chr(ord(char) + 1) + GO_VKEY[at + 1 :])


def _vkey(name: str, blob: bytes) -> str:
    key_id = sha256(name.encode() + b"\n" + blob).hexdigest()[:8]
    return f"{name}+{key_id}+{base64.b64encode(blob).decode()}"


@pytest.mark.parametrize(
    ("vkey", "says"),
    [
        (_vkey("hub.example", b"\x04" + b"k" * 32), "type 0x04"),
        (_vkey("hub.example", b"\x01" + b"k" * 31), "not a key"),
        (_vkey("hub.example", b"\x01" + b"k" * 33), "not a key"),
        (_vkey("hub\u2003example", b"\x01" + b"k" * 32), "name"),
        (_vkey("hub\u009bexample", b"\x01" + b"k" * 32), "name"),
        (_vkey("h" * 513, b"\x01" + b"k" * 32), "name"),
        (VKEY + "\n", "not a verifier key"),
        (VKEY.upper(), "verifier key"),
        ("x" * 100_000, "not a verifier key"),
    ],
    ids=["cosignature", "short", "long", "space in name", "escape in name", "long name", "newline", "case", "huge"],
)
def test_keys_that_are_refused(vkey: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        VerifierKey.parse(vkey)


def test_a_signer_does_not_show_its_key() -> None:
    seed = b"\x2a" * 32
    shown = repr(NoteSigner(name="hub.example", seed=seed)) + str(NoteSigner(name="hub.example", seed=seed))
    assert seed.hex() not in shown
    assert base64.b64encode(seed).decode() not in shown
    with pytest.raises(InputError, match="32 bytes"):
        NoteSigner(name="hub.example", seed=b"short")
    with pytest.raises(InputError, match="name"):
        NoteSigner(name="hub example", seed=seed)


texts = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), max_size=40)
note_texts = st.lists(texts, min_size=1, max_size=5).map(lambda lines: "\n".join(lines) + "\n")


@given(note_texts)
def test_what_is_signed_opens(text: str) -> None:
    data = sign_note(text, SIGNER, STRANGER)
    note = open_note(data, keys=[SIGNER.key], where="note")
    assert note.text == text
    assert note.encode() == data
    assert len(note.signatures) == 2


@given(note_texts, st.data())
@settings(max_examples=300, deadline=None)
def test_no_byte_of_a_note_with_one_signature_can_change(text: str, data: st.DataObject) -> None:
    note = bytearray(sign_note(text, SIGNER))
    at = data.draw(st.integers(0, len(note) - 1))
    note[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(LogBrokenError):
        open_note(bytes(note), keys=[SIGNER.key], where="note")


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_note_or_refused(data: bytes) -> None:
    try:
        note = parse_note(data, where="note")
    except LogBrokenError:
        return
    assert note.encode() == data


UNSIGNED = "text\n\n"
LINE = f"— {ORIGIN} {base64.b64encode(b'1234' + b's' * 64).decode()}\n"

MALFORMED = {
    "empty": "",
    "no signature": UNSIGNED,
    "no blank line": "text\n" + LINE,
    "last line open": UNSIGNED + LINE.rstrip("\n"),
    "hyphen for dash": UNSIGNED + LINE.replace("—", "-"),
    "two spaces": UNSIGNED + LINE.replace("— ", "—  "),
    "no name": UNSIGNED + LINE.replace(ORIGIN, ""),
    "plus in name": UNSIGNED + LINE.replace(ORIGIN, "a+b"),
    "space in name": UNSIGNED + LINE.replace(ORIGIN, "a\u00a0b"),
    "not base64": UNSIGNED + LINE.replace("=", "!"),
    "loose base64": UNSIGNED + f"— {ORIGIN} MTIzNHR=\n",
    "ID only": UNSIGNED + f"— {ORIGIN} {base64.b64encode(b'1234').decode()}\n",
    "tab": "te\txt\n\n" + LINE,
    "carriage return": "text\r\n\n" + LINE,
    "too many signatures": UNSIGNED + LINE * (MAX_SIGNATURES + 1),
    "too large": "x" * MAX_NOTE_BYTES + "\n\n" + LINE,
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_notes(case: str) -> None:
    with pytest.raises(LogBrokenError) as caught:
        parse_note(MALFORMED[case].encode(), where="checkpoint")
    assert (caught.value.where or "").startswith("checkpoint")


def test_a_note_is_utf8() -> None:
    with pytest.raises(LogBrokenError, match="UTF-8 at byte 0"):
        parse_note(b"\xff\n\n" + LINE.encode(), where="note")


def test_sixteen_signatures_are_taken() -> None:
    signers = [NoteSigner(name=f"witness.example/{n}", seed=bytes([n]) * 32) for n in range(16)]
    assert len(open_note(sign_note("text\n", *signers), keys=[signers[15].key], where="note").signatures) == 16


def test_unknown_keys_are_ignored_even_with_a_known_name() -> None:
    open_note(sign_note("text\n", STRANGER, SIGNER), keys=[SIGNER.key], where="note")
    with pytest.raises(LogBrokenError, match="no signature by"):
        open_note(sign_note("text\n", STRANGER), keys=[SIGNER.key], where="note")
    with pytest.raises(LogBrokenError, match="no signature by a known key"):
        open_note(sign_note("text\n", STRANGER), keys=[], where="note")


def test_one_wrong_signature_of_a_known_key_sinks_the_note() -> None:
    wrong = Signature(name=ORIGIN, key_id=SIGNER.key.key_id, value=b"\x00" * 64)
    note = Note(text="text\n", signatures=(SIGNER.sign("text\n"), wrong))
    with pytest.raises(LogBrokenError, match="does not match the text"):
        open_note(note.encode(), keys=[SIGNER.key], where="note")


def test_what_cannot_be_a_note_is_not_signed() -> None:
    for text in ("no newline", "con\x00trol\n"):
        with pytest.raises(InputError, match="ends in a newline"):
            sign_note(text, SIGNER)
    with pytest.raises(InputError, match="signatures"):
        sign_note("text\n")


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    key = VerifierKey(name=ORIGIN, public=b"\xff" * 32)
    assert not key.verifies(b"\x00" * 64, b"text")
    assert not SIGNER.key.verifies(b"short", b"text")


# Checkpoints


def test_the_specifications_checkpoint_is_read() -> None:
    note = parse_note(SPEC_CHECKPOINT.encode(), where="checkpoint")
    head = parse_checkpoint(note.text)
    assert (head.origin, head.size, len(head.root)) == ("example.com/behind-the-sofa", 20852163, 32)
    assert head.text() == note.text
    assert note.encode() == SPEC_CHECKPOINT.encode()


@given(
    st.integers(1, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(texts.filter(bool), max_size=3).map(tuple),
)
def test_a_checkpoint_reads_back(size: int, root: bytes, extensions: tuple[str, ...]) -> None:
    head = Checkpoint(origin=ORIGIN, size=size, root=root, extensions=extensions)
    assert parse_checkpoint(head.text()) == head
    assert open_checkpoint(sign_checkpoint(head, STRANGER, SIGNER), key=SIGNER.key) == head


ROOT = base64.b64encode(b"r" * 32).decode()

BAD_CHECKPOINTS = {
    "no lines": "",
    "two lines": f"{ORIGIN}\n1\n",
    "no origin": f"\n1\n{ROOT}\n",
    "blank extension": f"{ORIGIN}\n1\n{ROOT}\n\n",
    "last line open": f"{ORIGIN}\n1\n{ROOT}",
    "leading zero": f"{ORIGIN}\n01\n{ROOT}\n",
    "negative": f"{ORIGIN}\n-1\n{ROOT}\n",
    "signed": f"{ORIGIN}\n+1\n{ROOT}\n",
    "spaced": f"{ORIGIN}\n 1\n{ROOT}\n",
    "other digits": f"{ORIGIN}\n\u0661\n{ROOT}\n",
    "beyond 63 bits": f"{ORIGIN}\n9223372036854775808\n{ROOT}\n",
    "endless": f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n",
    "root not base64": f"{ORIGIN}\n1\n{ROOT[:-1]}!\n",
    "root short": f"{ORIGIN}\n1\nAAAA\n",
    "root of nothing": f"{ORIGIN}\n0\n{ROOT}\n",
}


@pytest.mark.parametrize("case", BAD_CHECKPOINTS)
def test_bad_checkpoints(case: str) -> None:
    with pytest.raises(LogBrokenError) as caught:
        parse_checkpoint(BAD_CHECKPOINTS[case])
    assert (caught.value.where or "").startswith("checkpoint")


def test_an_empty_log_has_a_checkpoint() -> None:
    head = Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT)
    assert head.text().split("\n")[1:3] == ["0", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]
    assert open_checkpoint(sign_checkpoint(head, SIGNER), key=SIGNER.key) == head


def test_the_origin_is_the_keys_name() -> None:
    head = Checkpoint(origin="other.example/log", size=0, root=EMPTY_ROOT)
    with pytest.raises(LogBrokenError, match=r"is of other\.example/log"):
        open_checkpoint(sign_checkpoint(head, SIGNER), key=SIGNER.key)


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 0, EMPTY_ROOT, ()),
        ("a\nb", 0, EMPTY_ROOT, ()),
        (ORIGIN, -1, EMPTY_ROOT, ()),
        (ORIGIN, 2**63, EMPTY_ROOT, ()),
        (ORIGIN, 1, b"short", ()),
        (ORIGIN, 0, b"r" * 32, ()),
        (ORIGIN, 0, EMPTY_ROOT, ("",)),
        (ORIGIN, 0, EMPTY_ROOT, ("a\nb",)),
    ],
)
def test_no_such_checkpoint_is_made(origin: str, size: int, root: bytes, extensions: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        Checkpoint(origin=origin, size=size, root=root, extensions=extensions)


def test_a_checkpoint_under_another_key_is_refused() -> None:
    with pytest.raises(LogBrokenError, match="no signature by"):
        open_checkpoint(checkpoint([entry(0)], STRANGER), key=SIGNER.key)
