"""Checkpoints: the head of the tree as a signed note, as C2SP tlog-checkpoint says."""

from __future__ import annotations

import re
from base64 import b64encode

import msgspec

from tocsin.errors import InputError, LogBrokenError
from tocsin.log.merkle import EMPTY_ROOT, HASH_BYTES, MAX_TREE_SIZE
from tocsin.log.note import NoteSigner, VerifierKey, exact_base64, open_note, sign_note

__all__ = ["Checkpoint", "open_checkpoint", "parse_checkpoint", "sign_checkpoint"]

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")

_CONTROL = re.compile(r"[\x00-\x1f]")

# Origin, size and root, each with its newline.
_FIXED_LINES = 3


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a log: whose it is, how many entries it has and their root.

    Extension lines are opaque, and not empty.

    Raises:
        InputError: a value cannot stand in a checkpoint.

    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or _CONTROL.search(self.origin):
            raise InputError("the origin is one line and not empty", where="checkpoint")
        if not 0 <= self.size <= MAX_TREE_SIZE:
            raise InputError(f"the size is 0 to {MAX_TREE_SIZE}, not {self.size}", where="checkpoint")
        if len(self.root) != HASH_BYTES:
            raise InputError(f"the root has {HASH_BYTES} bytes, not {len(self.root)}", where="checkpoint")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise InputError("the root is not that of an empty tree", where="checkpoint")
        if any(not line or _CONTROL.search(line) for line in self.extensions):
            raise InputError("an extension is one line and not empty", where="checkpoint")

    def text(self) -> str:
        """The text that is signed."""
        lines = [self.origin, str(self.size), b64encode(self.root).decode("ascii"), *self.extensions]
        return "\n".join(lines) + "\n"


def parse_checkpoint(text: str, *, where: str = "checkpoint") -> Checkpoint:
    """Read the text of a checkpoint (of a note that was opened); ``text()`` gives back the same.

    Raises:
        LogBrokenError: it is not the text of a checkpoint.

    """
    lines = text.split("\n")
    if len(lines) <= _FIXED_LINES or not all(lines[:-1]) or lines[-1]:
        raise LogBrokenError("a checkpoint is an origin, a size and a root, each on its line", where=where)
    origin, size, encoded = lines[:_FIXED_LINES]
    root = exact_base64(encoded)
    if not _SIZE.fullmatch(size):
        raise LogBrokenError(f"the size is no decimal number: {size[:40]!r}", where=f"{where}, line 2")
    if root is None:
        raise LogBrokenError("the root is not base64", where=f"{where}, line 3")
    try:
        return Checkpoint(origin=origin, size=int(size), root=root, extensions=tuple(lines[_FIXED_LINES:-1]))
    except InputError as error:
        raise LogBrokenError(error.what, where=where) from error


def sign_checkpoint(checkpoint: Checkpoint, *signers: NoteSigner) -> bytes:
    """The checkpoint as a signed note. A log must never sign two that contradict each other: its caller sees to that.

    Raises:
        InputError: nobody signs.

    """
    return sign_note(checkpoint.text(), *signers)


def open_checkpoint(data: bytes, *, key: VerifierKey, where: str = "checkpoint") -> Checkpoint:
    """Read a checkpoint that the log itself, whose origin is the key's name, must have signed.

    Raises:
        LogBrokenError: it is no checkpoint, of another log, or not signed by the key.

    """
    checkpoint = parse_checkpoint(open_note(data, keys=[key], where=where).text, where=where)
    if checkpoint.origin != key.name:
        raise LogBrokenError(f"the checkpoint is of {checkpoint.origin}, the key of {key.name}", where=where)
    return checkpoint
