"""What the types of STIX 2.1 are made of: data types (§2), common properties (§3.2), granular markings (§7.2.3).

The property names are those of the specification. A list is a tuple here, because a value never changes. Properties
that no type declares are not in these values; they stay in the object's final bytes.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "ArtifactRef",
    "Binary",
    "ExtensionType",
    "ExternalReference",
    "GranularMarking",
    "Hashes",
    "Hex",
    "Identifier",
    "IdentityRef",
    "KillChainPhase",
    "MarkingRef",
    "Natural",
    "SoftwareRef",
    "StixObject",
    "StixObservable",
    "Timestamp",
    "VersionedObject",
]

UUID: Final = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
"""RFC 4122: variant 10, versions 1 to 5, of either case on input (§3 there)."""

OBJECT_ID: Final = rf"(?=.{{41,288}}\Z)[a-z][a-z0-9]*(?:-[a-z0-9]+)*-?--{UUID}\Z"
"""A type of 3 to 250 characters without a double hyphen (§3.1, §11.2.1), two hyphens, a UUID."""

_SECTION_ID: Final = "STIX 2.1 §2.9"

Timestamp = Annotated[str, Meta(extra={"timestamp": True})]
"""A string that the rules check with `times.micros`: faster than a pattern, and it knows the calendar."""

Identifier = Annotated[
    str,
    Meta(
        pattern=rf"^(?!bundle--){OBJECT_ID}",
        extra={"is": "the id of a STIX object: its type, two hyphens, an RFC 4122 UUID", "section": _SECTION_ID},
    ),
]
"""Refers to any STIX Object; a bundle is none (§8.2)."""

MarkingRef = Annotated[
    str,
    Meta(
        pattern=rf"^marking-definition--{UUID}\Z",
        extra={"is": "the id of a marking-definition", "section": "STIX 2.1 §3.2"},
    ),
]
IdentityRef = Annotated[
    str,
    Meta(pattern=rf"^identity--{UUID}\Z", extra={"is": "the id of an identity", "section": "STIX 2.1 §3.2"}),
]
SoftwareRef = Annotated[str, Meta(pattern=rf"^software--{UUID}\Z", extra={"is": "the id of a software object"})]
ArtifactRef = Annotated[str, Meta(pattern=rf"^artifact--{UUID}\Z", extra={"is": "the id of an artifact"})]
Hex = Annotated[
    str,
    Meta(
        pattern=r"^(?:[0-9a-f]{2})+\Z",
        extra={"is": "an even number of hexadecimal digits in lower case", "section": "STIX 2.1 §2.8"},
    ),
]
Binary = Annotated[
    str,
    Meta(
        pattern=r"^(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z",
        extra={"is": "base64 text with padding (RFC 4648 §4)", "section": "STIX 2.1 §2.1"},
    ),
]
Natural = Annotated[int, Meta(ge=0)]
Hashes = dict[str, str]
ExtensionType = Literal["new-sdo", "new-sco", "new-sro", "property-extension", "toplevel-property-extension"]


class ExternalReference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A pointer to something outside of STIX (§2.5)."""

    source_name: str
    description: str | None = None
    url: str | None = None
    hashes: Hashes | None = None
    external_id: str | None = None


class KillChainPhase(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A phase of a kill chain (§2.11)."""

    kill_chain_name: str
    phase_name: str


class GranularMarking(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A marking or a language of a part of an object (§7.2.3): exactly one of `marking_ref` and `lang`."""

    selectors: tuple[str, ...]
    marking_ref: MarkingRef | None = None
    lang: str | None = None


class StixObject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The properties that every STIX Object may have (§3.2).

    `extensions` holds the extensions as they came, by name or id of the extension definition.
    """

    type: str
    id: Identifier
    spec_version: Literal["2.1"] = "2.1"
    object_marking_refs: tuple[MarkingRef, ...] = ()
    granular_markings: tuple[GranularMarking, ...] = ()
    extensions: dict[str, dict[str, Any]] = {}


class StixObservable(StixObject, frozen=True, kw_only=True, gc=False):
    """The common properties of an observable (§3.2)."""

    defanged: bool = False


class VersionedObject(StixObject, frozen=True, kw_only=True, gc=False):
    """The common properties of what has versions (§3.2, §3.6): domain, relationship and most meta objects."""

    spec_version: Literal["2.1"]
    created: Timestamp
    modified: Timestamp
    created_by_ref: IdentityRef | None = None
    revoked: bool = False
    labels: tuple[str, ...] = ()
    confidence: Annotated[int, Meta(ge=0, le=100)] | None = None
    lang: str | None = None
    external_references: tuple[ExternalReference, ...] = ()
