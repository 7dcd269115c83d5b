"""The two files of an export that are our own: the signed manifest, and the lines that disclose entries.

Bytes to values and back; no file is touched here.
"""

from __future__ import annotations

import re
from base64 import b64encode

import msgspec

from tocsin.errors import InputError, LimitError, LogBrokenError
from tocsin.log.merkle import HASH_BYTES
from tocsin.log.model import MAX_PAYLOAD_BYTES, Disclosure
from tocsin.log.note import exact_base64

__all__ = [
    "MANIFEST_DOMAIN",
    "MAX_DISCLOSURE_LINE",
    "MAX_MANIFEST_BYTES",
    "MAX_SCOPE_CHARS",
    "FileDigest",
    "Manifest",
    "decode_disclosure",
    "encode_disclosure",
    "parse_manifest",
]

# The first line sets a manifest apart from all else that the same key signs: the second line of a checkpoint is a
# number, that of a manifest is not.
MANIFEST_DOMAIN = "tocsin/export/v1"

# About 110 bytes a file and two files for each 256 entries: room for 70 million entries.
MAX_MANIFEST_BYTES = 64 * 1024 * 1024

# A scope names parties or environments on one line; it is read by people.
MAX_SCOPE_CHARS = 2_000

# Quotes and backslashes double a payload within a JSON string.
MAX_DISCLOSURE_LINE = 2 * MAX_PAYLOAD_BYTES + 1024

_NUMBER = r"(0|[1-9][0-9]{0,18})"
_HEAD = re.compile(
    rf"{MANIFEST_DOMAIN}\norigin ([^\n]+)\nsize {_NUMBER}\nroot ([A-Za-z0-9+/=]+)\n"
    rf"scope ([^\n]+)\ndisclosed {_NUMBER}\n"
)
_FILE = re.compile(rf"file ([0-9a-f]{{64}}) {_NUMBER} ([!-~]+)")


class FileDigest(msgspec.Struct, frozen=True, kw_only=True):
    """What the manifest says of one file: SHA-256 and length of its bytes."""

    sha256: bytes
    length: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All that an export holds: whose log at which head, what was to be disclosed, how much was, and each file.

    ``files`` is keyed by path, relative to the export, and holds every file but the manifest itself.

    Raises:
        InputError: the scope is not one line of readable length.

    """

    origin: str
    size: int
    root: bytes
    scope: str
    disclosed: int
    files: dict[str, FileDigest]

    def __post_init__(self) -> None:
        if not 0 < len(self.scope) <= MAX_SCOPE_CHARS or not self.scope.isprintable():
            raise InputError(
                f"a scope is one line of 1 to {MAX_SCOPE_CHARS} characters that can be printed",
                where=f"scope {self.scope[:80]!r}",
            )

    def text(self) -> str:
        """The text that is signed, its files sorted by path."""
        return (
            f"{MANIFEST_DOMAIN}\norigin {self.origin}\nsize {self.size}\nroot {b64encode(self.root).decode('ascii')}\n"
            f"scope {self.scope}\ndisclosed {self.disclosed}\n"
        ) + "".join(
            f"file {digest.sha256.hex()} {digest.length} {path}\n" for path, digest in sorted(self.files.items())
        )


def parse_manifest(text: str, *, where: str) -> Manifest:
    """Read the text of a manifest (of a note that was opened); ``text()`` gives back the same.

    Raises:
        LogBrokenError: it is not the text of a manifest.

    """
    head = _HEAD.match(text)
    root = exact_base64(head.group(3)) if head else None
    if not head or root is None or len(root) != HASH_BYTES or not text.endswith("\n"):
        raise LogBrokenError(
            f"a manifest begins with {MANIFEST_DOMAIN}, then origin, size, root, scope and disclosed", where=where
        )
    files: dict[str, FileDigest] = {}
    previous = ""
    for number, line in enumerate(text[head.end() : -1].split("\n"), text.count("\n", 0, head.end()) + 1):
        match = _FILE.fullmatch(line)
        if not match:
            raise LogBrokenError("a line is not: file, SHA-256, length, path", where=f"{where}, line {number}")
        digest, length, path = match.groups()
        if path <= previous:
            raise LogBrokenError("the files are not in order, or one occurs twice", where=f"{where}, line {number}")
        files[path] = FileDigest(sha256=bytes.fromhex(digest), length=int(length))
        previous = path
    origin, size, _, scope, disclosed = head.groups()
    try:
        return Manifest(origin=origin, size=int(size), root=root, scope=scope, disclosed=int(disclosed), files=files)
    except InputError as error:
        raise LogBrokenError(error.what, where=where) from error


class _Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A disclosure as a line: the salt in base64, the payload's text as a string, so that people can read it."""

    index: int
    salt: bytes
    payload: str


_DECODER = msgspec.json.Decoder(_Line)


def encode_disclosure(disclosure: Disclosure) -> bytes:
    """One line of JSON, with its newline, from which the exact bytes of the payload come back.

    Raises:
        InputError: the payload is not UTF-8.
        LimitError: the line becomes longer than readers take.

    """
    where = f"disclosure of entry {disclosure.index}"
    try:
        text = disclosure.payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("a payload that is disclosed must be UTF-8", where=where) from error
    line = msgspec.json.encode(_Line(index=disclosure.index, salt=disclosure.salt, payload=text)) + b"\n"
    if len(line) > MAX_DISCLOSURE_LINE:
        raise LimitError(f"a line has at most {MAX_DISCLOSURE_LINE} bytes, not {len(line)}", where=where)
    return line


def decode_disclosure(line: bytes, *, where: str) -> Disclosure:
    """Read one line, with or without its newline.

    Raises:
        LogBrokenError: it does not disclose an entry.

    """
    try:
        read = _DECODER.decode(line)
        return Disclosure(index=read.index, salt=read.salt, payload=read.payload.encode())
    except (msgspec.MsgspecError, ValueError, RecursionError, InputError) as error:
        raise LogBrokenError(f"the line does not disclose an entry: {error}", where=where) from error
