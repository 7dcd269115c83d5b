"""YAML 1.2 text as a tree of nodes that remember where they stood.

The tree is built from parser events, so nothing is ever expanded, constructed or resolved behind our back: anchors,
aliases, tags, merge keys, directives and second documents are refused where they are met. Plain scalars are read by
the core schema of YAML 1.2.2 §10.3.2, in which ``NO`` is a string and ``2026-01-01`` is one too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import ruamel.yaml.events as ev
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from tocsin.errors import AgreementError, LimitError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ruamel.yaml.error import StreamMark

    from tocsin.kernel.canonical import Json

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "Entry", "Node", "Place", "Scalar", "Sequence", "Table", "read_tree"]

# The longest agreement that we have seen is 4 KiB; the scanner reads at about 100 KiB a second, so this bounds a
# hostile document to about a second of work.
MAX_BYTES: Final = 64 * 1024
# The deepest thing an agreement can say is six levels down; the scanner's work grows with the square of the depth.
MAX_DEPTH: Final = 12
# Eight bytes a node are as dense as real documents get: this many fill MAX_BYTES.
MAX_NODES: Final = 8 * 1024

# fifteen digits: RFC 8785 holds no integer beyond 2**53 - 1; none behind a zero: to readers of YAML 1.1, 010 is eight
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,14})", re.ASCII)
_OTHER_NUMBER = re.compile(
    r"[-+]?(?:[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?"
    r"|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)",
    re.ASCII,
)
# beyond six decimals RFC 8785 writes an exponent, which we would not read back
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,6}", re.ASCII)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something begins; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One value. ``text`` is what stood in the document, with the quotes taken off."""

    place: Place
    value: str | int | float | bool | None
    text: str

    @property
    def json(self) -> Json:
        """Return the value as JSON."""
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple[Node, ...]

    @property
    def json(self) -> Json:
        """Return the list as JSON."""
        return [item.json for item in self.items]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key of a mapping, where it stood, and its value."""

    place: Place
    value: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A mapping, its keys in the document's order."""

    place: Place
    entries: Mapping[str, Entry]

    @property
    def json(self) -> Json:
        """Return the mapping as JSON."""
        return {key: entry.value.json for key, entry in self.entries.items()}


Node: TypeAlias = "Scalar | Sequence | Table"


def read_tree(text: bytes, *, where: str, document: str = "agreement") -> Node:
    """Read one YAML 1.2 document; ``document`` says in a word what it is to be.

    Raises:
        LimitError: it is larger, deeper or more than the limits above.
        AgreementError: it is not YAML 1.2, or uses what an agreement may not; the first fault is named.
    """
    if len(text) > MAX_BYTES:
        raise LimitError(
            f"the document has {len(text)} bytes; {_a(document)} has at most {MAX_BYTES}",
            where=where,
            todo="split it into two agreements" if document == "agreement" else "say it in fewer words",
        )
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        place = Place(
            line=text.count(b"\n", 0, error.start) + 1, column=error.start - text.rfind(b"\n", 0, error.start)
        )
        found = f"the byte 0x{text[error.start]:02x}"
        raise _fault(where, document, place, found, "UTF-8 text", todo="save it as UTF-8") from error
    events = YAML(typ="safe", pure=True).parse(decoded)
    try:
        return _Builder(where=where, document=document).read(events)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(line=1, column=1) if mark is None else Place(line=mark.line + 1, column=mark.column + 1)
        complaint = " ".join(str(error.problem or error.context or "something unreadable").split())
        todo = "indent with spaces: YAML takes no tabs there" if r"'\t'" in complaint else None
        # what the parser says begins as our own sentence does
        raise _fault(where, document, place, complaint.removeprefix("found "), "YAML 1.2", todo=todo) from error
    except ReaderError as error:
        at = error.position
        place = Place(line=decoded.count("\n", 0, at) + 1, column=at - decoded.rfind("\n", 0, at))
        raise _fault(where, document, place, "a control character", "printable text") from error
    except (YAMLError, ValueError, OverflowError, IndexError) as error:
        # the scanner turns escapes such as "\UFFFFFFFF" into these without a place
        raise _fault(where, document, Place(line=1, column=1), "an escape that is no character", "YAML 1.2") from error


def _fault(
    where: str, document: str, place: Place, found: str, expected: str, *, todo: str | None = None
) -> AgreementError:
    problem = Problem(where=where, line=place.line, column=place.column, found=found, expected=expected, todo=todo)
    return AgreementError((problem,), document=document)


def _a(word: str) -> str:
    return f"an {word}" if word.startswith("a") else f"a {word}"


@dataclass(slots=True, kw_only=True)
class _Builder:
    where: str
    document: str
    nodes: int = field(default=0)

    def read(self, events: Iterator[object]) -> Node:
        root: Node | None = None
        for event in events:
            if isinstance(event, ev.DocumentStartEvent):
                if root is not None:
                    raise self.fault(event, "a second document", f"one {self.document} in one file")
                if event.tags or (event.version is not None and tuple(event.version) != (1, 2)):
                    raise self.fault(
                        event, "a directive", "YAML 1.2 without %TAG", "remove the lines that begin with %"
                    )
                root = self.node(next(events), events, depth=1)
        if root is None:
            raise _fault(self.where, self.document, Place(line=1, column=1), "an empty document", _a(self.document))
        return root

    def node(self, event: object, events: Iterator[object], *, depth: int) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise LimitError(f"the document has more than {MAX_NODES} values", where=self.at(event))
        if depth > MAX_DEPTH:
            raise LimitError(f"the document is nested more than {MAX_DEPTH} deep", where=self.at(event))
        self.refuse_indirection(event)
        place = self.place(event)
        if isinstance(event, ev.ScalarEvent):
            return Scalar(place=place, value=self.scalar(event), text=str(event.value))
        if isinstance(event, ev.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(following := next(events), ev.SequenceEndEvent):
                items.append(self.node(following, events, depth=depth + 1))
            return Sequence(place=place, items=tuple(items))
        entries: dict[str, Entry] = {}
        while not isinstance(following := next(events), ev.MappingEndEvent):
            key = self.key(following, entries)
            value = self.node(next(events), events, depth=depth + 1)
            entries[key] = Entry(place=self.place(following), value=value)
        return Table(place=place, entries=entries)

    def key(self, event: object, entries: Mapping[str, Entry]) -> str:
        self.refuse_indirection(event)
        if not isinstance(event, ev.ScalarEvent):
            raise self.fault(event, "a list or a mapping as a key", "a word as a key")
        key = self.scalar(event)
        if key == "<<" and event.style is None:
            raise self.fault(event, "a merge key", "every key written out", "copy what it would have merged")
        if not isinstance(key, str):
            found = f"the key {event.value}, which is no text" if event.value else "a value without a key"
            raise self.fault(event, found, "text", f'quote it: "{event.value}"' if event.value else None)
        if key in entries:
            first = entries[key].place
            raise self.fault(event, f"the key {key[:60]!r} a second time", f"it once (first on line {first.line})")
        return key

    def scalar(self, event: ev.ScalarEvent) -> str | int | float | bool | None:
        text = str(event.value)
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self.fault(event, "half of a surrogate pair", "whole characters")
        if event.style is not None:
            return text
        if text in _NULLS:
            return None
        if text in _BOOLS:
            return _BOOLS[text]
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _OTHER_NUMBER.fullmatch(text):
            raise self.fault(
                event, f"the number {text[:40]}", "a plain decimal number", f'quote it if it is text: "{text[:40]}"'
            )
        return text

    def refuse_indirection(self, event: object) -> None:
        if isinstance(event, ev.AliasEvent):
            raise self.fault(event, f"the alias *{event.anchor}", "every value written out")
        if getattr(event, "anchor", None) is not None:
            raise self.fault(event, "an anchor", "no anchors: what is signed says everything where it stands")
        if getattr(event, "tag", None) is not None:
            raise self.fault(event, "a tag", "no tags", "quote the value if it is text")

    def fault(self, event: object, found: str, expected: str, todo: str | None = None) -> AgreementError:
        return _fault(self.where, self.document, self.place(event), found, expected, todo=todo)

    def at(self, event: object) -> str:
        place = self.place(event)
        return f"{self.where}:{place.line}:{place.column}"

    @staticmethod
    def place(event: object) -> Place:
        mark: StreamMark | None = getattr(event, "start_mark", None)
        return Place(line=1, column=1) if mark is None else Place(line=mark.line + 1, column=mark.column + 1)
