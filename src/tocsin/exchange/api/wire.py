"""The resources of ``/api/v1`` as bytes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tocsin.exchange.model import Collection

__all__ = ["CollectionResource", "Collections", "write_collections"]

_encode: Final = msgspec.json.Encoder().encode


class CollectionResource(msgspec.Struct, frozen=True, kw_only=True):
    """A collection that the asker may know of."""

    id: str
    alias: str
    title: str
    description: str


class Collections(msgspec.Struct, frozen=True, kw_only=True):
    """The collections that the asker may know of."""

    collections: list[CollectionResource]


def write_collections(found: Iterable[Collection]) -> bytes:
    """Return a list of collections."""
    return _encode(
        Collections(
            collections=[
                CollectionResource(id=one.uuid, alias=one.alias, title=one.title, description=one.description)
                for one in found
            ]
        )
    )
