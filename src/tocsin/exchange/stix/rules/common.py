"""Rules on the common properties (STIX 2.1 §3): what every object, or every one with versions, has to keep."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

import msgspec

from tocsin.exchange.stix import times
from tocsin.exchange.stix.explain import explain
from tocsin.exchange.stix.finding import Finding, Raw
from tocsin.exchange.stix.model.common import (
    UUID,
    ExtensionType,
    ExternalReference,
    GranularMarking,
    IdentityRef,
    StixObject,
    Timestamp,
    VersionedObject,
)
from tocsin.exchange.stix.rules import values
from tocsin.exchange.stix.rules.predefined import check_predefined

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = [
    "check_borrowed",
    "check_created",
    "check_extensions",
    "check_markings",
    "check_names",
    "check_timestamps",
    "check_versioned",
]

_MILLISECONDS: Final = len("2020-01-01T00:00:00.000Z")
_EXTENSION_ID: Final = re.compile(rf"extension-definition--{UUID}")
_EXTENSION_NAME: Final = re.compile(r"(?=.{4,250}\Z)[a-z][a-z0-9-]*-ext")
_EXTENSION_TYPES: Final = frozenset(get_args(ExtensionType))
_COMPONENT: Final = re.compile(r"\[(0|[1-9][0-9]{0,8})\]|[A-Za-z0-9_-]{1,250}")
_LONGEST_SELECTOR: Final = 4096
"""Deeper than any object that we take; a bound because each selector is walked."""


def check_created(created: str) -> Finding | None:
    """§3.2: a timestamp that is precise to the millisecond at least."""
    return _precise(created, "created")


def _precise(text: str, where: str) -> Finding | None:
    try:
        times.micros(text)
    except ValueError:
        return values.not_a_timestamp(text, where)
    if len(text) < _MILLISECONDS:
        what = f"{where!r} has to be precise to the millisecond: three digits after the second, or more"
        return Finding(what, where, "STIX 2.1 §3.2")
    return None


def check_versioned(obj: VersionedObject, raw: Raw) -> Finding | None:
    """§3.2, §3.6.1: created and modified, and what else only objects with versions have."""
    created, modified = obj.created, obj.modified
    found = _precise(created, "created")
    if found is None and modified != created:
        found = _precise(modified, "modified")
        if found is None and times.later(created, modified):
            found = Finding("'modified' is earlier than 'created'", "modified", "STIX 2.1 §3.6.1")
    if found is not None:
        return found
    if obj.external_references:
        found = check_references(obj.external_references)
        if found is not None:
            return found
    if obj.lang is not None and not values.is_language(obj.lang):
        return Finding("'lang' is no language code by RFC 5646", "lang", "STIX 2.1 §3.2")
    if "defanged" in raw:
        return Finding("'defanged' is for observables only", "defanged", "STIX 2.1 §3.2")
    return None


class _Borrowed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The common properties (§3.2) that a type without versions does not have, as they are where it bears them."""

    created: Timestamp | None = None
    modified: Timestamp | None = None
    created_by_ref: IdentityRef | None = None
    revoked: bool | None = None
    labels: tuple[str, ...] = ()
    confidence: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    lang: str | None = None
    external_references: tuple[ExternalReference, ...] = ()


_BORROWED: Final = frozenset(_Borrowed.__struct_fields__)


def check_borrowed(unknown: AbstractSet[str], raw: Raw) -> Finding | None:
    """§7.3.2, §11.2.1: the name of a common property means nothing else where the type has no such property."""
    names = unknown & _BORROWED
    if not names:
        return None
    try:
        borrowed = msgspec.convert({name: raw[name] for name in names}, _Borrowed)
    except msgspec.ValidationError as error:
        return explain(error, _Borrowed, section="STIX 2.1 §3.2")
    found = check_timestamps(raw, tuple(names & {"created", "modified"})) or check_references(
        borrowed.external_references
    )
    if found is None and borrowed.lang is not None and not values.is_language(borrowed.lang):
        return Finding("'lang' is no language code by RFC 5646", "lang", "STIX 2.1 §3.2")
    return found


def check_references(references: tuple[ExternalReference, ...]) -> Finding | None:
    """§2.5.2: besides the name of the source, a description, a URL or an id."""
    for index, reference in enumerate(references):
        if reference.external_id is None and reference.url is None and reference.description is None:
            what = "an external reference needs a description, a url or an external_id besides its source_name"
            return Finding(what, f"external_references[{index}]", "STIX 2.1 §2.5.2")
        if reference.hashes is not None:
            where = f"external_references[{index}].hashes"
            found = values.hashes(reference.hashes, where)
            if found is not None:
                return found
            if not values.HASH_NAMES.issuperset(reference.hashes):
                what = f"a hash of a reference is one of {', '.join(sorted(values.HASH_NAMES))}"
                return Finding(what, where, "STIX 2.1 §2.5.1")
    return None


def check_timestamps(raw: Raw, names: tuple[str, ...]) -> Finding | None:
    """§2.16 on the named top-level properties, which are strings where they are present."""
    for name in names:
        if name in raw:
            try:
                times.micros(raw[name])
            except ValueError:
                return values.not_a_timestamp(raw[name], name)
    return None


def check_names(unknown: AbstractSet[str]) -> Finding | None:
    """§3.1, §3.8, §11.1.1 on the names of properties that the type does not declare."""
    for name in unknown:
        if values.is_free_name(name):
            continue
        if not values.is_property_name(name):
            what = (
                f"{name[:80]!r} is no name of a property: 3 to 250 of a-z, 0-9 and underscore, beginning with a letter"
            )
            return Finding(what, name[:80], "STIX 2.1 §11.1.1")
        what = f"{name!r} is reserved for future versions of STIX"
        return Finding(what, name, "STIX 2.1 §3.8", "prefix it: x_<your domain>_…")
    return None


def check_markings(obj: StixObject, raw: Raw) -> Finding | None:
    """§7.2.3: each granular marking has a marking or a language, and selects what is there."""
    for index, marking in enumerate(obj.granular_markings):
        where = f"granular_markings[{index}]"
        found = _check_marking(marking, where)
        if found is not None:
            return found
        for number, selector in enumerate(marking.selectors):
            if not _selects(selector, raw):
                what = f"the selector {selector[:200]!r} selects nothing that is in this object"
                return Finding(what, f"{where}.selectors[{number}]", "STIX 2.1 §7.2.3")
    return None


def _check_marking(marking: GranularMarking, where: str) -> Finding | None:
    if (marking.lang is None) == (marking.marking_ref is None):
        what = "a granular marking has either a 'marking_ref' or a 'lang': one of them, not both"
        return Finding(what, where, "STIX 2.1 §7.2.3")
    if marking.lang is not None and not values.is_language(marking.lang):
        return Finding("'lang' is no language code by RFC 5646", f"{where}.lang", "STIX 2.1 §7.2.3")
    return None


def _selects(selector: str, raw: Raw) -> bool:
    if len(selector) > _LONGEST_SELECTOR:
        return False
    here: Any = raw
    for component in selector.split("."):
        match = _COMPONENT.fullmatch(component)
        if match is None:
            return False
        if match[1] is not None:
            if not isinstance(here, list) or int(match[1]) >= len(here):
                return False
            here = here[int(match[1])]
        elif isinstance(here, dict) and component in here:
            here = here[component]
        else:
            return False
    return True


def check_extensions(obj: StixObject) -> Finding | None:
    """§3.2, §7.3, §11.3: names and contents of extensions."""
    for name, contents in obj.extensions.items():
        where = f"extensions.{name[:100]}"
        found = check_predefined(obj, name, contents, where)
        if found is not None:
            return found
        if name.startswith("extension-definition--"):
            if _EXTENSION_ID.fullmatch(name) is None:
                return Finding("this is no id of an extension-definition", where, "STIX 2.1 §2.9")
            kind = contents.get("extension_type")
            if kind is None:
                what = "an extension that names its definition needs an 'extension_type'"
                return Finding(what, where, "STIX 2.1 §3.2")
        elif _EXTENSION_NAME.fullmatch(name) is None:
            what = "an extension is named by the id of its extension-definition, or by a name that ends in -ext"
            return Finding(what, where, "STIX 2.1 §11.3.1")
        if "extension_type" in contents and not (
            isinstance(contents["extension_type"], str) and contents["extension_type"] in _EXTENSION_TYPES
        ):
            what = "'extension_type' is one of " + ", ".join(sorted(_EXTENSION_TYPES))
            return Finding(what, f"{where}.extension_type", "STIX 2.1 §3.2")
        for key in contents:
            if not values.is_property_name(key):
                what = f"{key[:80]!r} is no name of a property: 3 to 250 of a-z, 0-9 and underscore"
                return Finding(what, where, "STIX 2.1 §7.3.2")
    return None


def is_observable_by_extension(raw: Raw) -> bool | None:
    """Whether a custom object declares itself an observable (§7.3); `None` when it declares nothing."""
    extensions = raw.get("extensions")
    if isinstance(extensions, dict):
        for contents in extensions.values():
            kind = contents.get("extension_type") if isinstance(contents, dict) else None
            if kind == "new-sco":
                return True
            if kind in {"new-sdo", "new-sro"}:
                return False
    return None


def timestamp_names(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Give the names of a type's own timestamp properties, those of versions aside."""
    names = []
    for field in msgspec.structs.fields(kind):
        if field.name in {"created", "modified"} and issubclass(kind, VersionedObject):
            continue
        if _holds_timestamp(field.type):
            names.append(field.name)
    return tuple(names)


def _holds_timestamp(annotation: object) -> bool:
    for meta in getattr(annotation, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.extra and meta.extra.get("timestamp"):
            return True
    return any(_holds_timestamp(inner) for inner in get_args(annotation) if getattr(inner, "__metadata__", None))
