"""What the parts of the table of ``/api/v1`` share: rights, segments of paths, what is said of what is missing."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from tocsin.errors import NotFoundError
from tocsin.exchange.taxii.filters import MAX_ID
from tocsin.kernel.http.operations import Answer, NoQuery, Operation, Part
from tocsin.kernel.http.problem_details import JSON_TYPE
from tocsin.kernel.http.routes import Access, Body, Endpoint, needs
from tocsin.parties.model import NAME, Permission

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import msgspec

    from tocsin.kernel.http.routes import Call, Reply
    from tocsin.parties.model import Principal

__all__ = [
    "CARRY",
    "COLLECTION",
    "DELETE",
    "KNOW",
    "MISSING",
    "NAMED",
    "OBJECT",
    "READ",
    "REFUSED",
    "ROOT",
    "SMALL",
    "SPEAK",
    "SUBMIT",
    "TAKEN",
    "UUID",
    "WRITE",
    "Given",
    "Thing",
    "by_id",
    "id_in",
    "listed",
]

ROOT: Final = "/api/v1"

READ: Final = needs(Permission.OBJECTS_READ)
KNOW: Final = needs(Permission.COLLECTIONS_READ)
SUBMIT: Final = needs(Permission.COLLECTIONS_READ, Permission.OBJECTS_SUBMIT)
DELETE: Final = needs(Permission.OBJECTS_READ, Permission.OBJECTS_DELETE)
# Who decides for a party may read what it decides on.
SPEAK: Final = needs(Permission.OBJECTS_READ, Permission.PARTY_SPEAK)
# What an analyst writes for a party, and who speaks for it too: figures, assessments, scenarios; a machine that shares.
WRITE: Final = Access(
    permissions=frozenset({Permission.OBJECTS_READ}),
    one_of=frozenset({Permission.OBJECTS_SUBMIT, Permission.PARTY_SPEAK}),
)
# Who carries out what a body decided; that it is an operator of the hub, each act asks itself.
CARRY: Final = needs(Permission.OBJECTS_READ, Permission.MANDATE_USE)

# A reason of the longest, each of its characters escaped; a hybrid signature; a hundred names, instants or versions.
SMALL: Final = Body(types=(JSON_TYPE,), limit=64 * 1_024)

UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID: Final = re.compile(UUID, re.ASCII)

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
REFUSED: Final = {HTTPStatus.UNPROCESSABLE_ENTITY: "It cannot be followed, or says too little: `where` says what."}
TAKEN: Final = {HTTPStatus.CONFLICT: "It is decided, ended or said already."}


class Given(NamedTuple):
    """What one GET gives: the operation's id, what runs it, what it is for, and its answer in words and as a type."""

    id: str
    run: Callable[[Call[Principal]], Reply]
    summary: str
    says: str
    type: type[msgspec.Struct]


def listed(
    tag: str,
    path: str,
    access: Access,
    *,
    every: Given,
    one: Given,
    by: Mapping[str, Part],
    query: type[msgspec.Struct] = NoQuery,
) -> list[Operation[Principal]]:
    """Return the two operations that read a list, at ``path``, and one thing on it.

    ``by`` is what names that, ``query`` what the list is asked with.
    """
    return [
        Operation(
            id=given.id,
            tag=tag,
            method="GET",
            path=path + "".join(f"/{{{part}}}" for part in parts),
            does=Endpoint(access=access, run=given.run),
            summary=given.summary,
            parts=parts,
            query=asked,
            answers={HTTPStatus.OK: Answer(says=given.says, type=given.type)},
            problems=MISSING if parts else {},
        )
        for given, parts, asked in ((every, {}, query), (one, by, NoQuery))
    ]


class Thing(NamedTuple):
    """One thing that members act on: under which tag and path, what names it, and what an act on it answers with."""

    tag: str
    path: str
    parts: Mapping[str, Part]
    answer: Answer

    def act(
        self,
        name: str,
        run: Callable[[Call[Principal]], Reply],
        summary: str,
        takes: type[msgspec.Struct] | None = None,
        *,
        says: str = "",
        access: Access = SPEAK,
    ) -> Operation[Principal]:
        """Return a POST at ``path/name``, by who speaks for a party if not said else; ``takes`` is its body, if any."""
        return Operation(
            id=f"{self.tag}-{name}",
            tag=self.tag,
            method="POST",
            path=f"{self.path}/{name}",
            does=Endpoint(access=access, run=run, body=None if takes is None else SMALL),
            summary=summary,
            says=says,
            parts=self.parts,
            takes=takes,
            answers={HTTPStatus.OK: self.answer},
            problems=MISSING | TAKEN | ({} if takes is None else REFUSED),
        )


def by_id(name: str, says: str) -> Mapping[str, Part]:
    """Return the segment of a path that holds the id of one thing."""
    return {name: Part(says=says, example="1b4e28ba-2fa1-41d2-883f-0016d3cca427", pattern=f"^{UUID}$", longest=36)}


def id_in(path: Mapping[str, str], name: str, missing: str) -> str:
    """Return the id in a path.

    Raises:
        NotFoundError: it is none, so that there is nothing of that id; ``missing`` are the words for what is not there.
    """
    if _UUID.fullmatch(path[name]) is None:
        raise NotFoundError(missing)
    return path[name]
