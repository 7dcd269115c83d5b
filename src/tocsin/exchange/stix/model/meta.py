"""The STIX Meta Objects (STIX 2.1 §7), the bundle (§8) and the two generic types of custom objects (§7.3, §11.2)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tocsin.exchange.stix.model.common import (
    UUID,
    ExtensionType,
    ExternalReference,
    Identifier,
    IdentityRef,
    StixObject,
    StixObservable,
    Timestamp,
    VersionedObject,
)

__all__ = [
    "Bundle",
    "CustomObject",
    "CustomObservable",
    "ExtensionDefinition",
    "LanguageContent",
    "MarkingDefinition",
]

CustomType = Annotated[
    str,
    Meta(
        pattern=r"^(?=.{3,250}\Z)[a-z][a-z0-9]*(?:-[a-z0-9]+)*-?\Z",
        extra={
            "is": "3 to 250 characters of a-z, 0-9 and single hyphens, beginning with a letter",
            "section": "STIX 2.1 §11.2.1",
        },
    ),
]


class LanguageContent(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§7.1. `contents`: language code → property → translation, as it came."""

    type: Literal["language-content"]
    object_ref: Identifier
    contents: dict[str, dict[str, Any]]
    object_modified: Timestamp | None = None


class MarkingDefinition(StixObject, frozen=True, kw_only=True, gc=False):
    """§7.2.1: has no versions. The marking is in `definition`, or since 2.1 in `extensions`."""

    type: Literal["marking-definition"]
    spec_version: Literal["2.1"]
    created: Timestamp
    created_by_ref: IdentityRef | None = None
    external_references: tuple[ExternalReference, ...] = ()
    name: str | None = None
    definition_type: str | None = None
    definition: dict[str, Any] | None = None


class ExtensionDefinition(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§7.3. Unlike elsewhere, the creator is required."""

    type: Literal["extension-definition"]
    created_by_ref: IdentityRef
    name: str
    schema: str
    version: str
    extension_types: tuple[ExtensionType, ...]
    description: str | None = None
    extension_properties: tuple[str, ...] = ()


class CustomObject(VersionedObject, frozen=True, kw_only=True, gc=False):
    """A domain or relationship object of a type that the specification does not know."""

    type: CustomType


class CustomObservable(StixObservable, frozen=True, kw_only=True, gc=False):
    """An observable of a type that the specification does not know."""

    type: CustomType


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """§8: a wrapper without meaning of its own; the objects are read one by one."""

    type: Literal["bundle"]
    id: Annotated[
        str,
        Meta(
            pattern=rf"^bundle--{UUID}\Z",
            extra={"is": "bundle--, followed by an RFC 4122 UUID", "section": "STIX 2.1 §2.9"},
        ),
    ]
    objects: list[Any] = []
