"""The two STIX Relationship Objects (STIX 2.1 §5)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from tocsin.exchange.stix.model.common import OBJECT_ID, UUID, Timestamp, VersionedObject

__all__ = ["Relationship", "Sighting"]

EndRef = Annotated[
    str,
    Meta(
        pattern=rf"^(?!(?:bundle|relationship|sighting|language-content|marking-definition|extension-definition)--)"
        rf"{OBJECT_ID}",
        extra={"is": "the id of a domain object or an observable", "section": "STIX 2.1 §5.1.2"},
    ),
]
ObservedDataRef = Annotated[str, Meta(pattern=rf"^observed-data--{UUID}\Z", extra={"is": "the id of observed-data"})]
WhereRef = Annotated[
    str,
    Meta(pattern=rf"^(?:identity|location)--{UUID}\Z", extra={"is": "the id of an identity or a location"}),
]
RelationshipType = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9-]+\Z",
        extra={"is": "made of a-z, 0-9 and hyphen", "section": "STIX 2.1 §5.1.2"},
    ),
]


class Relationship(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§5.1."""

    type: Literal["relationship"]
    relationship_type: RelationshipType
    source_ref: EndRef
    target_ref: EndRef
    description: str | None = None
    start_time: Timestamp | None = None
    stop_time: Timestamp | None = None


class Sighting(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§5.2. That `sighting_of_ref` names a domain object is a rule: only a list of types can tell."""

    type: Literal["sighting"]
    sighting_of_ref: EndRef
    description: str | None = None
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    count: Annotated[int, Meta(ge=0, le=999_999_999)] | None = None
    observed_data_refs: tuple[ObservedDataRef, ...] = ()
    where_sighted_refs: tuple[WhereRef, ...] = ()
    summary: bool = False
