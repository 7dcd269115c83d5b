"""What exactly a motion decides: typed or read from a file, and printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tocsin.agreements.document.tree import MAX_BYTES
from tocsin.cli.session import read_bounded
from tocsin.errors import UsageError
from tocsin.governance.texts import read_terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.cli.output import Output
    from tocsin.governance.model.motions import Motion
    from tocsin.kernel.canonical import Json

__all__ = ["motion_source", "motion_text", "tell_text"]


def motion_source(document: str | None, term: list[str] | None) -> bytes | None:
    """Return the document that says what a motion decides: that of a file, or one that lists what was typed.

    Raises:
        UsageError: both are given, the file cannot be read, or what was typed is no name with a value.
        LimitError: the file is too large.
    """
    if document is not None and term:
        raise UsageError("what is decided stands in one place", where="--term", todo="write it into the document")
    if document is not None:
        return read_bounded(document, MAX_BYTES, "the document of a motion")
    if not term:
        return None
    said = [one.partition("=") for one in term]
    if wrong := [name for name, is_, _ in said if not name or not is_]:
        raise UsageError(f"{wrong[0][:40]!r} is no name with a value", where="--term", todo="write NAME=VALUE")
    if len({name for name, _, _ in said}) < len(said):
        raise UsageError("a name stands there twice", where="--term", todo="put commas between its values")
    return msgspec.json.encode({name: value for name, _, value in said})


def motion_text(motion: Motion) -> str | None:
    """Return what exactly a motion decides, as it is kept and hashed; None where right and subject say it all."""
    return None if isinstance(motion.text, msgspec.UnsetType) else motion.text


def tell_text(out: Output, motion: Motion) -> None:
    """Print what exactly is decided, and its digest, which ballots sign and to which the act is held."""
    text = motion_text(motion)
    if text is None:
        return
    out.line(f"  decides      SHA-256 {motion.document}")
    for line in _lines(read_terms(text)):
        out.line(f"    {line}")


def _lines(value: Json, indent: str = "") -> Iterator[str]:
    """Write terms out: a line for each value, and for each of an entry of a list."""
    if isinstance(value, dict):
        for name, one in value.items():
            if isinstance(one, str) and "\n" in one:
                yield f"{indent}{name}:"
                yield from (f"{indent}  {line}" for line in one.rstrip("\n").split("\n"))
            elif isinstance(one, dict) or (isinstance(one, list) and any(isinstance(each, dict) for each in one)):
                yield f"{indent}{name}:"
                yield from _lines(one, indent + "  ")
            else:
                yield f"{indent}{name}: {_cell(one)}"
    elif isinstance(value, list):
        for one in value:
            inner = list(_lines(one))
            yield from (f"{indent}{'  ' if place else '- '}{line}" for place, line in enumerate(inner))


def _cell(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(_cell(one) for one in value)
    return "-" if value is None else str(value)
