"""From a type's complaint to a sentence that a person can act on. Runs only for what is refused."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import inspect

from tocsin.exchange.stix.finding import Finding

__all__ = ["explain"]

_PLACE: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key in )?\$?(?P<path>[^`]*)`)?$", re.DOTALL)
_EXPECTED: Final = re.compile(r"^Expected `(?P<wanted>[^`]+)`(?:, got `(?P<got>[^`]+)`)?")
_MISSING: Final = re.compile(r"^Object missing required field `(?P<name>[^`]+)`")
_WORDS: Final = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "list": "a list",
    "object": "a dictionary",
    "dict": "a dictionary",
    "null": "nothing",
}
_COMMON: Final = frozenset(
    {
        "spec_version",
        "id",
        "created_by_ref",
        "created",
        "modified",
        "revoked",
        "labels",
        "confidence",
        "lang",
        "external_references",
        "object_marking_refs",
        "granular_markings",
        "defanged",
        "extensions",
    }
)


def explain(error: msgspec.ValidationError, kind: type, *, section: str, base: str = "") -> Finding:
    """Turn what `msgspec.convert` said of a value into a finding.

    `kind` is the type that was converted to, `section` the one that defines its properties, `base` the path of the
    value inside of its object.
    """
    match = _PLACE.match(str(error))
    what, path = (match["what"], match["path"] or "") if match else (str(error), "")
    node = _node(kind, path)
    extra = _extra(node)
    missing = _MISSING.match(what)
    if missing is not None:
        name = missing["name"]
        where = f"{path}.{name}"
        what, todo = f"the required property {name!r} is missing", None
        if name == "spec_version":
            todo = 'add "spec_version": "2.1" if this is STIX 2.1; convert STIX 2.0 content first (stix2-elevator)'
    else:
        where, todo = path, None
        what = _sentence(what, node, extra)
        if path == ".spec_version":
            todo = "convert STIX 2.0 content to 2.1 first (stix2-elevator)"
    first = re.split(r"[.\[]", where.lstrip("."), maxsplit=1)[0]
    if not base and first in _COMMON:
        section = "STIX 2.1 §2.9" if first == "id" else "STIX 2.1 §3.2"
    where = (base + where.replace("[...]", ".*")).lstrip(".")
    return Finding(what, where, extra.get("section", section), todo)


def _sentence(what: str, node: inspect.Type | None, extra: dict[str, Any]) -> str:
    if "matching regex" in what and "is" in extra:
        return f"has to be {extra['is']}"
    options = _options(node)
    if what.startswith("Invalid enum value") and options:
        return f"{what.removeprefix('Invalid enum value ')} is not one of {', '.join(options)}"
    expected = _EXPECTED.match(what)
    if expected is None:
        return what
    if "got" in expected.groupdict() and expected["got"] is not None:
        wanted = " or ".join(_WORDS.get(word.strip(), word.strip()) for word in expected["wanted"].split("|"))
        wanted = wanted.removesuffix(" or nothing")
        return f"has to be {wanted}, not {_WORDS.get(expected['got'], expected['got'])}"
    bounds = what.removeprefix(f"Expected `{expected['wanted']}`").strip()
    wanted = _WORDS.get(expected["wanted"].split(" ")[0], expected["wanted"])
    return f"has to be {wanted} {bounds}".strip()


def _node(kind: type, path: str) -> inspect.Type | None:
    """Find the type that a path leads to; `None` where the path leaves the declared types."""
    node: inspect.Type | None = inspect.type_info(kind)
    for name, _index in re.findall(r"\.([A-Za-z0-9_]+)|(\[[^\]]*\])", path):
        node = _member(node, name)
    return node


def _member(node: inspect.Type | None, name: str) -> inspect.Type | None:
    node = _bare(node, inspect.StructType if name else (inspect.VarTupleType, inspect.ListType, inspect.DictType))
    if name and isinstance(node, inspect.StructType):
        return next((field.type for field in node.fields if field.encode_name == name), None)
    if isinstance(node, (inspect.VarTupleType, inspect.ListType)):
        return node.item_type
    if isinstance(node, inspect.DictType):
        return node.value_type
    return None


def _bare(node: inspect.Type | None, wanted: type | tuple[type, ...]) -> inspect.Type | None:
    if isinstance(node, inspect.Metadata):
        return _bare(node.type, wanted)
    if isinstance(node, inspect.UnionType):
        return next((found for each in node.types if (found := _bare(each, wanted)) is not None), None)
    return node if isinstance(node, wanted) else None


def _extra(node: inspect.Type | None) -> dict[str, Any]:
    if isinstance(node, inspect.Metadata):
        return dict(node.extra or {})
    if isinstance(node, inspect.UnionType):
        for each in node.types:
            found = _extra(each)
            if found:
                return found
    return {}


def _options(node: inspect.Type | None) -> list[str]:
    found = _bare(node, inspect.LiteralType)
    return [str(value) for value in found.values] if isinstance(found, inspect.LiteralType) else []
