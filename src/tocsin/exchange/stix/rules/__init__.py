"""What a type cannot hold: rules by type of object, each a function that cites its section of STIX 2.1."""

from __future__ import annotations

from typing import Final

import msgspec

from tocsin.exchange.stix.finding import Finding, Raw, Rule
from tocsin.exchange.stix.model import (
    META_TYPES,
    SCO_TYPES,
    SDO_TYPES,
    SRO_TYPES,
    CustomObject,
    CustomObservable,
    StixObject,
    VersionedObject,
)
from tocsin.exchange.stix.rules import common, meta, sco, sdo

__all__ = ["CUSTOM_OBJECT", "CUSTOM_OBSERVABLE", "SPECS", "Spec", "check"]


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What a type of object is held to: its Python type, the section that defines its properties, its rules."""

    kind: type[StixObject]
    section: str
    names: frozenset[str]
    timestamps: tuple[str, ...]
    rules: tuple[Rule, ...]
    versioned: bool


def _spec(kind: type[StixObject], section: str, rules: tuple[Rule, ...]) -> Spec:
    return Spec(
        kind=kind,
        section=section,
        names=frozenset(kind.__struct_fields__),
        timestamps=common.timestamp_names(kind),
        rules=rules,
        versioned=issubclass(kind, VersionedObject),
    )


def _numbered(chapter: int, types: dict[str, type[StixObject]], suffix: str) -> dict[str, str]:
    """Number the sections: the specification orders the types of a chapter as these tables do."""
    return {name: f"STIX 2.1 §{chapter}.{number}{suffix}" for number, name in enumerate(types, start=1)}


_KINDS: Final[dict[str, type[StixObject]]] = {**SDO_TYPES, **SRO_TYPES, **SCO_TYPES, **META_TYPES}
_SECTIONS: Final[dict[str, str]] = {
    **_numbered(4, {**SDO_TYPES}, ".1"),
    "relationship": "STIX 2.1 §5.1.2",
    "sighting": "STIX 2.1 §5.2.1",
    **_numbered(6, SCO_TYPES, ".1"),
    "extension-definition": "STIX 2.1 §7.3.1",
    "language-content": "STIX 2.1 §7.1.1",
    "marking-definition": "STIX 2.1 §7.2.1",
}
_RULES: Final[dict[str, tuple[Rule, ...]]] = {**sdo.RULES, **sco.RULES, **meta.RULES}

SPECS: Final[dict[str, Spec]] = {
    name: _spec(kind, _SECTIONS[name], _RULES.get(name, ())) for name, kind in _KINDS.items()
}
CUSTOM_OBJECT: Final = _spec(CustomObject, "STIX 2.1 §11.2.1", ())
CUSTOM_OBSERVABLE: Final = _spec(CustomObservable, "STIX 2.1 §11.2.1", ())


def check(spec: Spec, obj: StixObject, raw: Raw) -> Finding | None:
    """Hold a typed object to the rules of its type; `raw` is what it was made from. The first breach, or `None`."""
    if not obj.id.startswith(obj.type) or obj.id[len(obj.type) : -36] != "--":
        what = f"the id has to begin with the object's own type: {obj.type}--"
        return Finding(what, "id", "STIX 2.1 §2.9")
    found = _common(spec, obj, raw)
    if found is not None:
        return found
    for rule in spec.rules:
        found = rule(obj, raw)
        if found is not None:
            return found
    return None


def _common(spec: Spec, obj: StixObject, raw: Raw) -> Finding | None:
    """The common properties, those of them first that the rules of a type build on."""
    found = None
    unknown = raw.keys() - spec.names
    if unknown:
        found = common.check_names(unknown)
        if found is None and not spec.versioned:
            found = common.check_borrowed(unknown, raw)
    if found is None and spec.timestamps:
        found = common.check_timestamps(raw, spec.timestamps)
    if found is None and isinstance(obj, VersionedObject):
        found = common.check_versioned(obj, raw)
    if found is None and obj.granular_markings:
        found = common.check_markings(obj, raw)
    if found is None and obj.extensions:
        found = common.check_extensions(obj)
    return found
