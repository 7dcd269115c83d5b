"""OSCAL catalogues in JSON, read into ours: every fault with its path, and a count of what is not kept. Pure.

Source: NIST OSCAL 1.1, "catalog" model, JSON format. Kept are controls with their titles, groups, statements (with the
labels of parameters in their places) and whether they are withdrawn. Guidance, assessment methods, properties, links
and back matter are not: who assesses has the catalogue itself.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.errors import CatalogueError, CatalogueFault, InputError, LimitError
from tocsin.exchange.stix.ijson import check_text, not_json, outline, scan
from tocsin.exchange.stix.limits import Limits
from tocsin.risk.baselines.catalogue import CONTROL_ID, MAX_CONTROLS, Catalogue, Control, LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["LIMITS", "MAX_FAULTS", "read_catalogue"]

# NIST SP 800-53 with everything is 11 MB; parts nest some ten deep.
LIMITS: Final = Limits(max_bytes=32 * 1024 * 1024, max_depth=64, max_values=2_000_000)
# After so many, whoever made it has something to do.
MAX_FAULTS: Final = 200
_MAX_TITLE: Final = 300
_MAX_STATEMENT: Final = 20_000

# The fields of each object (OSCAL 1.1); those that ``_USED`` has are used, the others counted.
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "catalog": frozenset({"uuid", "metadata", "params", "controls", "groups", "back-matter"}),
    "metadata": frozenset(
        {
            "title",
            "published",
            "last-modified",
            "version",
            "oscal-version",
            "revisions",
            "document-ids",
            "props",
            "links",
            "roles",
            "locations",
            "parties",
            "responsible-parties",
            "actions",
            "remarks",
        }
    ),
    "group": frozenset({"id", "class", "title", "params", "props", "links", "parts", "groups", "controls"}),
    "control": frozenset({"id", "class", "title", "params", "props", "links", "parts", "controls"}),
    "param": frozenset(
        {
            "id",
            "class",
            "depends-on",
            "props",
            "links",
            "label",
            "usage",
            "constraints",
            "guidelines",
            "values",
            "select",
            "remarks",
        }
    ),
    "part": frozenset({"id", "name", "ns", "class", "title", "props", "prose", "parts", "links"}),
}
_USED: Final[Mapping[str, frozenset[str]]] = {
    "catalog": frozenset({"uuid", "metadata", "groups", "controls", "params"}),
    "metadata": frozenset({"title", "version", "oscal-version"}),
    "group": frozenset({"title", "groups", "controls", "params"}),
    "control": frozenset({"id", "title", "params", "parts", "controls", "props"}),
    "param": frozenset({"id", "label"}),
    "part": frozenset({"name", "prose", "parts", "props"}),
}
_INSERT = re.compile(r"\{\{\s*insert:\s*param,\s*([^\s}]{1,128})\s*\}\}")


def read_catalogue(data: bytes, *, name: str) -> Catalogue:
    """Read an OSCAL catalogue under a short name of ours.

    Raises:
        LimitError: it is larger, deeper or more than we take.
        InputError: it is no JSON, or some that not every program reads alike (I-JSON, RFC 7493).
        CatalogueError: it is no catalogue; with every fault.
    """
    check_text(data, LIMITS)
    outline(data, LIMITS)
    for flaw in scan(data, most=1):
        raise InputError(str(flaw.what), where=flaw.where, todo="name an OSCAL catalogue in JSON")
    try:
        document: Any = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise not_json(data, error) from error
    return _Reading(name).catalogue(document, hashlib.sha256(data).hexdigest())


class _Reading:
    """One reading: what was found so far, and what was wrong with it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._faults: list[CatalogueFault] = []
        self._unused: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._controls: list[Control] = []
        self._paths: dict[str, str] = {}
        self._labels: dict[str, str] = {}

    def catalogue(self, document: object, digest: str) -> Catalogue:
        """Return what was read; raises CatalogueError."""
        top = self._object(document, "$", None)
        for key in top.keys() - {"catalog"}:
            self._unknown[f"$.{key[:40]}"] += 1
        catalog = self._object(top.get("catalog"), "$.catalog", "catalog")
        metadata = self._object(catalog.get("metadata"), "$.catalog.metadata", "metadata")
        title, version = (
            self._text(metadata, key, "$.catalog.metadata", most=_MAX_TITLE) for key in ("title", "version")
        )
        self._text(metadata, "oscal-version", "$.catalog.metadata", most=_MAX_TITLE)
        uuid = self._text(catalog, "uuid", "$.catalog", most=36)
        self._params(catalog, "$.catalog")
        self._inside(catalog, "$.catalog", "", None)
        if not self._controls and not self._faults:
            self._fault("$.catalog", "no control", "controls, alone or in groups")
        if self._faults:
            raise CatalogueError(tuple(self._faults[:MAX_FAULTS]))
        left_out = LeftOut(unused=dict(sorted(self._unused.items())), unknown=dict(sorted(self._unknown.items())))
        return Catalogue(
            name=self._name,
            title=title,
            version=version,
            uuid=uuid,
            sha256=digest,
            controls=tuple(self._labelled(one) for one in self._controls),
            left_out=left_out,
        )

    def _inside(self, holder: Mapping[str, Any], path: str, group: str, within: str | None) -> None:
        """Read the groups and controls that something holds."""
        for key, place in self._items(holder, "groups", path) if within is None else ():
            one = self._object(key, place, "group")
            title = self._text(one, "title", place, most=_MAX_TITLE)
            self._params(one, place)
            self._inside(one, place, title, None)
        for key, place in self._items(holder, "controls", path):
            self._control(self._object(key, place, "control"), place, group, within)

    def _control(self, one: Mapping[str, Any], path: str, group: str, within: str | None) -> None:
        if len(self._controls) >= MAX_CONTROLS:
            raise LimitError(f"more than {MAX_CONTROLS:,} controls", where=path, todo="import a profile of it")
        control_id = self._text(one, "id", path, most=128)
        title = self._text(one, "title", path, most=_MAX_TITLE)
        if control_id and CONTROL_ID.fullmatch(control_id) is None:
            self._fault(f"{path}.id", repr(control_id[:60]), "a token: letters, digits, '.', '_', '-'")
        if control_id in self._paths:
            self._fault(f"{path}.id", f"{control_id!r} again", f"each id once: it stands at {self._paths[control_id]}")
        elif control_id:
            self._paths[control_id] = path
        self._params(one, path)
        control = Control(
            id=control_id,
            title=title,
            statement=self._statement(one, path),
            group=group,
            within=within,
            withdrawn=self._property(one, "status") == "withdrawn",
        )
        self._controls.append(control)
        self._inside(one, path, group, control_id)

    def _statement(self, control: Mapping[str, Any], path: str) -> str:
        lines: list[str] = []
        for part, place in self._items(control, "parts", path):
            one = self._object(part, place, "part")
            if self._text(one, "name", place, most=128) == "statement":
                lines += self._prose(one, place, 0)
            else:
                self._unused["control.parts"] += 1
        text = "\n".join(lines)
        if len(text) > _MAX_STATEMENT:
            self._fault(path, f"a statement of {len(text):,} characters", f"at most {_MAX_STATEMENT:,}")
        return text

    def _prose(self, part: Mapping[str, Any], path: str, depth: int) -> Iterator[str]:
        words = [self._property(part, "label"), self._text(part, "prose", path, most=_MAX_STATEMENT, needed=False)]
        line = " ".join(word for word in words if word)
        if line:
            yield "  " * depth + line
        for child, place in self._items(part, "parts", path):
            yield from self._prose(self._object(child, place, "part"), place, depth + bool(line))

    def _params(self, holder: Mapping[str, Any], path: str) -> None:
        for param, place in self._items(holder, "params", path):
            one = self._object(param, place, "param")
            label = self._text(one, "label", place, most=_MAX_TITLE, needed=False)
            self._labels[self._text(one, "id", place, most=128)] = label or "to be selected"

    def _labelled(self, control: Control) -> Control:
        """Return a control with the labels of parameters in their places, which may stand anywhere in the document."""
        statement = _INSERT.sub(lambda match: f"[{self._labels.get(match[1], match[1])}]", control.statement)
        return msgspec.structs.replace(control, statement=statement)

    def _property(self, holder: Mapping[str, Any], name: str) -> str:
        """Return the value of the first property of a name that has no class; labels have variants that do."""
        found = holder.get("props")
        for one in found if isinstance(found, list) else ():
            if isinstance(one, dict) and one.get("name") == name and "class" not in one:
                value = one.get("value")
                return value[:_MAX_TITLE] if isinstance(value, str) else ""
        return ""

    # --- shapes ------------------------------------------------------------------------------------------------------

    def _object(self, value: object, path: str, shape: str | None) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._fault(path, _called(value), "an object")
            return {}
        for key in value if shape is not None else ():
            if key not in _FIELDS[shape or ""]:
                self._unknown[f"{shape}.{key[:40]}"] += 1
            elif key not in _USED[shape or ""]:
                self._unused[f"{shape}.{key}"] += 1
        return value

    def _items(self, holder: Mapping[str, Any], key: str, path: str) -> Iterator[tuple[object, str]]:
        value = holder.get(key, [])
        if not isinstance(value, list):
            self._fault(f"{path}.{key}", _called(value), "a list")
            return
        for place, item in enumerate(value):
            yield item, f"{path}.{key}[{place}]"

    def _text(self, holder: Mapping[str, Any], key: str, path: str, *, most: int, needed: bool = True) -> str:
        value = holder.get(key)
        if value is None and (not needed or not holder):  # of what is no object the fault is told already
            return ""
        if not isinstance(value, str) or not value.strip():
            self._fault(f"{path}.{key}", _called(value), "a text that is not empty")
            return ""
        if len(value) > most:
            self._fault(f"{path}.{key}", f"{len(value):,} characters", f"at most {most:,}")
        return value

    def _fault(self, path: str, found: str, expected: str) -> None:
        self._faults.append(CatalogueFault(path=path, cause=f"found {found}", expected=expected))


def _called(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return "an empty text" if value == "" else names.get(type(value), "a number")
