"""Signed notes: a text and lines of signatures under it, as C2SP signed-note says. Only its Ed25519 type (0x01).

What is read here claims to come from a log, so what does not parse is a broken log; only a verifier key, which a
person hands in, is an input.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tocsin.errors import InputError, LogBrokenError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MAX_NOTE_BYTES",
    "MAX_SIGNATURES",
    "MAX_VKEY_CHARS",
    "Note",
    "NoteSigner",
    "Signature",
    "VerifierKey",
    "exact_base64",
    "open_note",
    "parse_note",
    "sign_note",
]

# A checkpoint is some hundred bytes and each signature at most 7 kB (post-quantum, in base64): this holds all of
# MAX_SIGNATURES.
MAX_NOTE_BYTES = 1_000_000

# The specification asks for at least 16; a hub's key, its successor and a council of witnesses stay below this.
MAX_SIGNATURES = 100

# A name is an address without its scheme; nobody types more.
_MAX_NAME_CHARS = 512
MAX_VKEY_CHARS = _MAX_NAME_CHARS + 64

_ED25519 = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 4

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIGNATURE = re.compile(r"— ([^ ]+) ([A-Za-z0-9+/=]+)")
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


class VerifierKey(msgspec.Struct, frozen=True, kw_only=True):
    """The public half of a key that signs notes, with the name it signs under.

    Raises:
        InputError: the name or the length of the key is not allowed.

    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        # Printable is our own rule: the names of keys are shown to people, on terminals.
        if not _is_name(self.name) or not self.name.isprintable():
            raise InputError(
                f"a key's name has 1 to {_MAX_NAME_CHARS} characters, no spaces, plus signs or control characters",
                where=f"verifier key {self.name[:80]!r}",
            )
        if len(self.public) != _KEY_BYTES:
            raise InputError(
                f"an Ed25519 public key has {_KEY_BYTES} bytes, not {len(self.public)}",
                where=f"verifier key {self.name[:80]!r}",
            )

    @property
    def fingerprint(self) -> str:
        """SHA-256 over name, newline, type and key, in hexadecimal; it begins with the key ID."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).hexdigest()

    @property
    def key_id(self) -> bytes:
        """The four bytes by which signatures name their key (signed-note, "Ed25519 signatures")."""
        return bytes.fromhex(self.fingerprint)[:_ID_BYTES]

    def encode(self) -> str:
        """The key as one word: ``name+hash+base64(0x01 ‖ key)``."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(_ED25519 + self.public).decode('ascii')}"

    @classmethod
    def parse(cls, text: str, *, where: str = "verifier key") -> VerifierKey:
        """Read what ``encode`` writes.

        Raises:
            InputError: it is not a verifier key, is of another type, or contradicts itself.

        """
        todo = "a verifier key looks like log.example.org+1a2b3c4d+Aa1Bb2…"
        match = _VKEY.fullmatch(text) if len(text) <= MAX_VKEY_CHARS else None
        if not match:
            raise InputError("this is not a verifier key", where=where, todo=todo)
        name, key_id, encoded = match.groups()
        blob = exact_base64(encoded)
        if blob is None or len(blob) != 1 + _KEY_BYTES:
            raise InputError("the last part is not a key in base64", where=where, todo=todo)
        if blob[:1] != _ED25519:
            raise InputError(f"keys of type 0x{blob[0]:02x} are not known here, only Ed25519 (0x01)", where=where)
        key = cls(name=name, public=blob[1:])
        if key.key_id.hex() != key_id:
            raise InputError(f"the hash {key_id} is not that of this name and key", where=where, todo="copy it again")
        return key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this is the signature of this key over the message (RFC 8032)."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):  # a ValueError: 32 bytes that are no point of the curve
            return False
        return True


class NoteSigner:
    """A private key and the name it signs under. Never shown: its ``repr`` gives the public half."""

    __slots__ = ("_private", "key")

    def __init__(self, *, name: str, seed: bytes) -> None:
        """Take the 32 bytes of an RFC 8032 private key.

        Raises:
            InputError: the name is not allowed, or the seed has another length.

        """
        if len(seed) != _KEY_BYTES:
            raise InputError(f"an Ed25519 private key has {_KEY_BYTES} bytes, not {len(seed)}", where="signing key")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = VerifierKey(name=name, public=self._private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"NoteSigner({self.key.encode()})"

    def sign(self, text: str) -> Signature:
        """The signature over a note's text."""
        return Signature(name=self.key.name, key_id=self.key.key_id, value=self._private.sign(text.encode()))


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One line under a note: who claims to have signed, with which key, and the signature's bytes, unchecked."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """The line, with its newline."""
        return f"— {self.name} {b64encode(self.key_id + self.value).decode('ascii')}\n"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A text and its signatures. The text ends in a newline."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The note's bytes."""
        return (self.text + "\n" + "".join(signature.line() for signature in self.signatures)).encode()


def sign_note(text: str, *signers: NoteSigner) -> bytes:
    """The bytes of a note with one signature of each signer.

    Raises:
        InputError: the text cannot be that of a note, or nobody signs.

    """
    if not text.endswith("\n") or _CONTROL.search(text):
        raise InputError("a note's text ends in a newline and has no other control characters", where="note")
    if not 1 <= len(signers) <= MAX_SIGNATURES:
        raise InputError(f"a note has 1 to {MAX_SIGNATURES} signatures, not {len(signers)}", where="note")
    return Note(text=text, signatures=tuple(signer.sign(text) for signer in signers)).encode()


def parse_note(data: bytes, *, where: str, limit: int = MAX_NOTE_BYTES) -> Note:
    """Read a note without checking who signed it. ``encode`` gives back the same bytes.

    Raises:
        LogBrokenError: it is not a note, or larger than ``limit`` bytes.

    """
    if len(data) > limit:
        raise LogBrokenError(f"the note has more than {limit} bytes", where=where)
    try:
        everything = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LogBrokenError(f"the note is not UTF-8 at byte {error.start}", where=where) from error
    if found := _CONTROL.search(everything):
        raise LogBrokenError(f"the note has a control character, U+{ord(found.group()):04X}", where=where)
    # signed-note, "Format": the last empty line parts the text from its signatures.
    head, blank, tail = everything.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise LogBrokenError("a note is a text, an empty line and signature lines, each ended", where=where)
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise LogBrokenError(f"the note has more than {MAX_SIGNATURES} signatures", where=where)
    signatures = tuple(_parse_signature(line, where=f"{where}, signature {n}") for n, line in enumerate(lines, 1))
    return Note(text=head + "\n", signatures=signatures)


def open_note(data: bytes, *, keys: Sequence[VerifierKey], where: str, limit: int = MAX_NOTE_BYTES) -> Note:
    """Read a note and check that a known key signed it.

    Signatures of keys that are not known are ignored; one of a known key that fails sinks the note (signed-note,
    "Signatures").

    Raises:
        LogBrokenError: it is no note, no known key signed it, or a known key's signature is wrong.

    """
    note = parse_note(data, where=where, limit=limit)
    known = {(key.name, key.key_id): key for key in keys}
    message = note.text.encode()
    signed = False
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.verifies(signature.value, message):
            raise LogBrokenError(f"the signature of {key.name} does not match the text", where=where)
        signed = True
    if not signed:
        wanted = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in keys)
        raise LogBrokenError(f"no signature by {wanted or 'a known key'}", where=where)
    return note


def exact_base64(text: str) -> bytes | None:
    """Decode standard base64 in its one canonical form (RFC 4648 §4, §3.5); None for any other text."""
    try:
        data = b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    return data if b64encode(data).decode("ascii") == text else None


def _parse_signature(line: str, *, where: str) -> Signature:
    match = _SIGNATURE.fullmatch(line)
    name, encoded = match.groups() if match else ("", "")
    blob = exact_base64(encoded)
    if not _is_name(name) or blob is None or len(blob) <= _ID_BYTES:
        raise LogBrokenError("a signature line is an em dash, a key's name and base64", where=where)
    return Signature(name=name, key_id=blob[:_ID_BYTES], value=blob[_ID_BYTES:])


def _is_name(name: str) -> bool:
    """Whether signed-note lets a key have this name."""
    return (
        0 < len(name) <= _MAX_NAME_CHARS
        and "+" not in name
        and not _CONTROL.search(name)
        and not any(char.isspace() for char in name)
    )
