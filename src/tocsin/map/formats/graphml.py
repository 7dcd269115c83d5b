"""GraphML in and out, as networkx and yEd write it: a node is an asset, an edge leads from supplier to asset. Pure.

Edges say their ``group``; what groups and failure modes are beyond that stands at the node, as JSON lists in its
attributes ``groups`` and ``failure_modes``. Text with a DTD or entities is refused (defusedxml).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler, feature_namespaces
from xml.sax.saxutils import escape, quoteattr

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import create_parser

from tocsin.errors import LimitError
from tocsin.map.formats.draft import Draft, Row
from tocsin.map.formats.fields import ASSET, GROUP, MODE, SUPPLIER, text_of
from tocsin.map.formats.limits import MOST_DEPTH, MOST_ROWS, MOST_TEXT
from tocsin.map.formats.plain_json import twice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.sax.xmlreader import AttributesNSImpl

    from tocsin.map.formats.recipe import FileRecipe

__all__ = ["read_graph", "write_graph"]

_GRAPHML: Final = "http://graphml.graphdrawing.org/xmlns"
_LABEL: Final = "label"  # what yEd shows at a node or an edge
_NESTED: Final = ("groups", "failure_modes")
_ALL: Final = ("all", "node", "edge", "graph")
_SHOWN: Final = 60
_EDGE: Final = tuple(field for field in SUPPLIER if field not in {"asset", "supplier"})


class _Element:
    """A node or an edge while it is read."""

    def __init__(self, what: str, at: str, attributes: Mapping[str, str]) -> None:
        self.what = what
        self.at = at
        self.attributes = attributes
        self.data: dict[str, str] = {}
        self.keys: set[str] = set()


class _Handler(ContentHandler):
    def __init__(self, draft: Draft, name: str) -> None:
        super().__init__()
        self.draft = draft
        self.name = name
        self.keys: dict[str, str] = {}  # a key's id to its attribute's name
        self.named: set[tuple[str, str]] = set()
        self.defaults: dict[tuple[str, str], str] = {}
        self.directed = True
        self.open: list[_Element] = []
        self.done: list[_Element] = []
        self.text: list[str] | None = None
        self.filled: tuple[str, str] | None = None
        self.depth = 0
        self.root = ""

    def at(self) -> str:
        return f"{self.name}:{self._locator.getLineNumber()}"  # type: ignore[attr-defined]

    def startElementNS(self, name: tuple[str | None, str], qname: str | None, attrs: AttributesNSImpl) -> None:  # noqa: N802, ARG002
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise LimitError("nested too deeply", where=self.at(), todo=f"at most {MOST_DEPTH} deep")
        given = {local: value for (_, local), value in attrs.items()}
        local = name[1]
        self.root = self.root or local
        if local == "key":
            self._key(given)
            self.filled = ("key", f"{given.get('for', 'all')}\0{given.get('attr.name', '')}")
        elif local == "graph":
            self.directed = given.get("edgedefault", "directed") != "undirected"
        elif local in {"node", "edge"}:
            self._begin(local, given)
        elif local == "hyperedge":
            self.draft.wrong(self.at(), "a hyperedge", "edges: one supplier, one asset")
        elif local == "data" and self.open:
            self._data(given.get("key", ""))
        elif local in {"NodeLabel", "EdgeLabel"} and self.open:
            self.filled = ("data", _LABEL)
            self.text = []
        elif local == "default":
            self.text = []

    def _key(self, given: Mapping[str, str]) -> None:
        key, what, name = given.get("id", ""), given.get("for", "all"), given.get("attr.name", "")
        expected = "each key, and each attribute of a node or an edge, once"
        if key in self.keys:
            self.draft.wrong(self.at(), f"the key {key[:_SHOWN]!r} stands twice", expected)
        elif name and not {(name, one) for one in ({what, "all"} if what != "all" else _ALL)}.isdisjoint(self.named):
            self.draft.wrong(self.at(), f"the attribute {name[:_SHOWN]!r} stands twice", expected)
        self.keys[key] = name
        self.named.add((name, what))

    def _data(self, key: str) -> None:
        self.filled, self.text = ("data", self.keys.get(key, "")), []
        if key not in self.keys:
            self.draft.wrong(self.at(), f"there is no key {key[:_SHOWN]!r}", "a key that the graph declares")
        elif key in self.open[-1].keys:
            self.draft.wrong(self.at(), f"the data of {key[:_SHOWN]!r} stands twice", "each once")
            self.filled = ("data", "")  # the first counts: there will be no map
        self.open[-1].keys.add(key)

    def _begin(self, local: str, given: Mapping[str, str]) -> None:
        if len(self.done) + len(self.open) >= MOST_ROWS:
            raise LimitError("there are more nodes and edges", where=self.at(), todo=f"at most {MOST_ROWS:,}")
        self.open.append(_Element(local, self.at(), given))
        if local == "edge" and given.get("directed", str(self.directed).lower()) not in {"true", "1"}:
            self.draft.wrong(self.at(), "an edge without a direction", "directed edges, from supplier to asset")

    def characters(self, content: str) -> None:
        if self.text is None:
            return
        self.text.append(content)
        if sum(map(len, self.text[-64:])) > MOST_TEXT or len(self.text) > MOST_TEXT:
            raise LimitError("an attribute is longer than we take", where=self.at(), todo=f"at most {MOST_TEXT:,}")

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:  # noqa: N802, ARG002
        self.depth -= 1
        local = name[1]
        if local in {"node", "edge"} and self.open:
            self.done.append(self.open.pop())
        elif local in {"data", "default", "NodeLabel", "EdgeLabel"} and self.text is not None:
            text = "".join(self.text)
            kind, key = self.filled or ("", "")
            self.text = None
            if local == "default" and kind == "key":
                which, _, attribute = key.partition("\0")
                self.defaults[which, attribute] = text
            elif self.open and key and (text.strip() or local == "data"):
                own = self.open[-1].data
                if key != _LABEL or _LABEL not in own:
                    own[key] = text if local == "data" else text.strip()
        elif local == "key":
            self.filled = None


def read_graph(draft: Draft, name: str, data: bytes, recipe: FileRecipe) -> None:
    """Put the nodes and edges of a graph into the draft."""
    handler = _Handler(draft, name)
    parser = create_parser(forbid_dtd=True)
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(handler)
    try:
        parser.parse(io.BytesIO(data))
    except DefusedXmlException:
        draft.wrong(handler.at(), "a DTD or an entity", "GraphML without either")
        return
    except SAXParseException as error:
        draft.wrong(f"{name}:{error.getLineNumber()}", f"no XML: {error.getMessage()}", "GraphML: well-formed XML")
        return
    except (SAXException, ValueError, LookupError) as error:
        draft.wrong(name, f"no XML: {error}", "GraphML: well-formed XML in UTF-8")
        return
    if handler.root != "graphml":
        draft.wrong(f"{name}:1", f"the element {handler.root[:_SHOWN]!r}", "GraphML: the element 'graphml'")
        return
    ids = _nodes(draft, handler, recipe)
    _edges(draft, handler, recipe, ids)


def _values(
    handler: _Handler, element: _Element, recipe: FileRecipe, fields: Iterable[str]
) -> tuple[dict[str, object], dict[str, str]]:
    """Return the values of our fields, and the attributes that are none."""
    data = {
        **{name: text for (what, name), text in handler.defaults.items() if what in {element.what, "all"}},
        **element.data,
    }
    ours = set(fields)
    theirs = {column: field for field, column in recipe.columns.items() if field in ours} or {
        field: field for field in ours
    }
    values: dict[str, object] = {key: value for key, value in recipe.given.items() if key in ours}
    values.update({theirs[name]: text for name, text in data.items() if name in theirs})
    return values, {name: text for name, text in data.items() if name not in theirs}


def _unknown(
    draft: Draft, recipe: FileRecipe, found: Mapping[str, list[str]], fields: Iterable[str], what: str
) -> None:
    for name, places in found.items():
        often = f" at {len(places):,} {what}s" if len(places) > 1 else ""
        if recipe.columns or name in {_LABEL, ""}:
            draft.notes.append(f"{places[0]}: not taken: the attribute {name[:_SHOWN]!r}{often}")
        else:
            draft.wrong(places[0], f"the unknown attribute {name[:_SHOWN]!r} of a {what}{often}", ", ".join(fields))


def _nodes(draft: Draft, handler: _Handler, recipe: FileRecipe) -> dict[str, str]:
    ids: dict[str, str] = {}
    unknown: dict[str, list[str]] = {}
    for element in handler.done:
        if element.what != "node":
            continue
        values, others = _values(handler, element, recipe, ASSET)
        node = element.attributes.get("id", "")
        values.setdefault("id", node)
        ids[node] = str(values["id"])
        for nested, rows, fields in (("groups", draft.groups, GROUP), ("failure_modes", draft.modes, MODE)):
            if nested in others:
                listed = _nested(draft, element.at, nested, others.pop(nested), fields, asset=values["id"])
                rows.extend(listed or ())
                if listed is None and nested == "groups":
                    draft.lose("groups", {str(values["id"])})
        draft.assets.append(Row(at=element.at, values=values))
        for name in others:
            unknown.setdefault(name, []).append(element.at)
    _unknown(draft, recipe, unknown, (*ASSET, *_NESTED), "node")
    return ids


def _edges(draft: Draft, handler: _Handler, recipe: FileRecipe, ids: Mapping[str, str]) -> None:
    unknown: dict[str, list[str]] = {}
    for element in handler.done:
        if element.what != "edge":
            continue
        values, others = _values(handler, element, recipe, _EDGE)
        source, target = (element.attributes.get(end, "") for end in ("source", "target"))
        values["supplier"], values["asset"] = ids.get(source, source), ids.get(target, target)
        held = tuple(end for end, node in (("supplier", source), ("asset", target)) if node in ids)
        draft.suppliers.append(Row(at=element.at, values=values, held=held))
        for name in others:
            unknown.setdefault(name, []).append(element.at)
    _unknown(draft, recipe, unknown, _EDGE, "edge")


def _nested(
    draft: Draft, at: str, key: str, text: str, fields: Mapping[str, object], *, asset: object
) -> list[Row] | None:
    try:
        listed = msgspec.json.decode(text, type=list[dict[str, str | float | int | bool]])
    except (msgspec.DecodeError, RecursionError) as error:
        draft.wrong(at, f"{key} is no list of objects: {error}", "a JSON list of objects with plain values")
        return None
    for _, name in twice(text.encode(), listed):
        draft.wrong(at, f"the key {name[:_SHOWN]!r} in {key} stands twice", "each key of an object once")
    rows = []
    for one in listed:
        unknown = [name for name in one if name not in fields or name == "asset"]
        for name in unknown:
            draft.wrong(at, f"the unknown key {name[:_SHOWN]!r} in {key}", ", ".join(fields))
        known = {name: value for name, value in one.items() if name not in unknown}
        rows.append(Row(at=at, values={**known, "asset": asset}, loose=bool(unknown), held=("asset",)))
    return rows


def write_graph(rows: Mapping[str, Iterable[Mapping[str, object]]]) -> dict[str, bytes]:
    """Return one graph of the tables' rows."""
    nested: dict[object, dict[str, list[dict[str, object]]]] = {}
    for table in _NESTED:
        for row in rows[table]:
            inner: dict[str, object] = {
                name: value if isinstance(value, bool | int | float) else text_of(value)
                for name, value in row.items()
                if name != "asset"
            }
            nested.setdefault(row["asset"], {}).setdefault(table, []).append(inner)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<graphml xmlns="{_GRAPHML}">']
    for what, fields in (("node", (*(field for field in ASSET if field != "id"), *_NESTED)), ("edge", _EDGE)):
        lines += [f'<key id="{what}.{name}" for="{what}" attr.name="{name}" attr.type="string"/>' for name in fields]
    lines.append('<graph edgedefault="directed">')
    for row in rows["assets"]:
        data: dict[str, object] = {key: value for key, value in row.items() if key != "id"}
        data.update({key: msgspec.json.encode(found).decode() for key, found in nested.get(row["id"], {}).items()})
        lines.append(f"<node id={quoteattr(str(row['id']))}>{_data('node', data)}</node>")
    for row in rows["suppliers"]:
        ends = f"source={quoteattr(str(row['supplier']))} target={quoteattr(str(row['asset']))}"
        lines.append(f"<edge {ends}>{_data('edge', {key: row[key] for key in _EDGE if key in row})}</edge>")
    lines += ["</graph>", "</graphml>", ""]
    return {"map.graphml": "\n".join(lines).encode()}


def _data(what: str, values: Mapping[str, object]) -> str:
    return "".join(f'<data key="{what}.{name}">{escape(text_of(value))}</data>' for name, value in values.items())
