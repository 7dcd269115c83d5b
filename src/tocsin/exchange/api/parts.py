"""What the parts of the table of ``/api/v1`` share: rights, segments of paths, what is said of what is missing."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from tocsin.exchange.taxii.filters import MAX_ID
from tocsin.kernel.http.operations import Answer, Operation, Part
from tocsin.kernel.http.routes import Endpoint, needs
from tocsin.parties.model import NAME, Permission

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import msgspec

    from tocsin.kernel.http.routes import Access, Call, Reply
    from tocsin.parties.model import Principal

__all__ = ["COLLECTION", "DELETE", "KNOW", "MISSING", "NAMED", "OBJECT", "READ", "ROOT", "SUBMIT", "Given", "listed"]

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


class Given(NamedTuple):
    """What one GET gives: the operation's id, what runs it, what it is for, and its answer in words and as a type."""

    id: str
    run: Callable[[Call[Principal]], Reply]
    summary: str
    says: str
    type: type[msgspec.Struct]


def listed(
    tag: str, path: str, access: Access, *, every: Given, one: Given, by: Mapping[str, Part]
) -> list[Operation[Principal]]:
    """Return the two operations that read a list, at ``path``, and one thing on it: ``by`` is what names that."""
    return [
        Operation(
            id=given.id,
            tag=tag,
            method="GET",
            path=path + "".join(f"/{{{part}}}" for part in parts),
            does=Endpoint(access=access, run=given.run),
            summary=given.summary,
            parts=parts,
            answers={HTTPStatus.OK: Answer(says=given.says, type=given.type)},
            problems=MISSING if parts else {},
        )
        for given, parts in ((every, {}), (one, by))
    ]
