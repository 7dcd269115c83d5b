"""What the parts of the table of ``/api/v1`` share: rights, segments of paths, what is said of what is missing."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tocsin.exchange.taxii.filters import MAX_ID
from tocsin.kernel.http.operations import Part
from tocsin.kernel.http.routes import needs
from tocsin.parties.model import NAME, Permission

__all__ = ["COLLECTION", "DELETE", "KNOW", "MISSING", "NAMED", "OBJECT", "READ", "ROOT", "SUBMIT"]

ROOT: Final = "/api/v1"

READ: Final = needs(Permission.OBJECTS_READ)
KNOW: Final = needs(Permission.COLLECTIONS_READ)
SUBMIT: Final = needs(Permission.COLLECTIONS_READ, Permission.OBJECTS_SUBMIT)
DELETE: Final = needs(Permission.OBJECTS_READ, Permission.OBJECTS_DELETE)

# What parties, agreements and searches are called.
NAMED: Final = f"^{NAME.pattern}$"
COLLECTION: Final = {"collection": Part(says="The alias or id of a collection.", example="exchange", longest=64)}
OBJECT: Final = {
    "object": Part(
        says="The id of an object.",
        example="indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        pattern="^[!-.0-~]+$",
        longest=MAX_ID,
    )
}
MISSING: Final = {HTTPStatus.NOT_FOUND: "There is none, or none that you may see: the answers are the same."}
