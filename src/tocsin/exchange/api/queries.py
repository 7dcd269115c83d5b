"""What the addresses of ``/api/v1`` may be asked: a struct for each query, and what it means. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from tocsin.agreements.model import Tlp
from tocsin.errors import InputError
from tocsin.exchange.api.parts import NAMED
from tocsin.exchange.model import MAX_PAGE, MAX_QUERY_VALUES, Query, VersionChoice
from tocsin.exchange.taxii.filters import LAST_INSTANT, MAX_ID
from tocsin.kernel.clock import Micros, parse_instant
from tocsin.parties.model import MAX_REMARK

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MAX_CURSOR",
    "MAX_INSTANT",
    "MAX_RECIPIENTS",
    "Cursor",
    "Day",
    "Name",
    "ObjectQuery",
    "ObjectsQuery",
    "Reference",
    "Said",
    "ShareQuery",
    "StreamQuery",
    "Text",
    "Version",
    "WhyQuery",
    "WithdrawQuery",
    "Word",
    "chosen_versions",
    "objects_query",
]

# A cursor of ours has some hundred characters; what is longer is none.
MAX_CURSOR: Final = 1_024
# As `user@URI` of the longest names there are, with room.
MAX_REFERENCE: Final = 1_024
# Whom one names one by one; who means more, means an agreement.
MAX_RECIPIENTS: Final = MAX_QUERY_VALUES
MAX_INSTANT: Final = 64

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID, pattern="^[!-~]+$")]
Instant = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_INSTANT,
        description="A date-time with `Z`, as 2026-01-31T12:00:00.000000Z",
    ),
]
Version = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_INSTANT)]
Day = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_INSTANT, description="A day, or a date-time with `Z`.")]
# What one party says to another, or to the log: a sentence or two.
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_REMARK)]
Said = Annotated[str, msgspec.Meta(max_length=MAX_REMARK)]
Name = Annotated[str, msgspec.Meta(pattern=NAMED, max_length=64)]
Listed = Annotated[str, msgspec.Meta(min_length=1, description="Values with commas between them, of which one fits.")]
Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_REFERENCE)]
Cursor = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MAX_CURSOR, description="`next` of the page before: the same filters.")
]
Client = Annotated[
    Name | None, msgspec.Meta(description="For whom your party reads: the short name of one that it serves.")
]
Limit = Annotated[int, msgspec.Meta(ge=1, le=MAX_PAGE, description="At most so many objects on this page.")]
Versions = Annotated[
    list[Version],
    msgspec.Meta(
        max_length=MAX_QUERY_VALUES,
        description="`first`, `last` (if nothing is given), `all`, or a version's date-time; of what you may see.",
    ),
]


class ObjectsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Filters are ANDed, the values of one are ORed."""

    type: Annotated[
        list[Word], msgspec.Meta(max_length=MAX_QUERY_VALUES, description="STIX types, as `indicator`.")
    ] = []
    id: Annotated[list[Word], msgspec.Meta(max_length=MAX_QUERY_VALUES, description="Ids of objects.")] = []
    version: Versions = []
    added_after: Instant | None = None
    limit: Limit = MAX_PAGE
    cursor: Cursor | None = None
    client: Client = None


class ObjectQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which versions of one object."""

    version: Versions = []
    limit: Limit = MAX_PAGE
    cursor: Cursor | None = None
    client: Client = None


class WithdrawQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which of one's own versions; all of them when nothing is given."""

    version: Annotated[
        list[Version],
        msgspec.Meta(
            max_length=MAX_QUERY_VALUES,
            description="`first`, `last`, `all` (as if nothing were given), or a version's date-time; of your own.",
        ),
    ] = []


class ShareQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How a submission is to be handled, beyond what its objects say themselves."""

    tlp: Annotated[Tlp | None, msgspec.Meta(description="At least this TLP, for every object.")] = None
    to: Annotated[
        list[Reference],
        msgspec.Meta(
            max_length=MAX_RECIPIENTS,
            description="Only these recipients: `party`, `user@party`, or either with the party's URI.",
        ),
    ] = []
    for_: Annotated[
        Name | None,
        msgspec.Meta(description="On behalf of this party, by its short name, under the delegation that yours has."),
    ] = msgspec.field(name="for", default=None)


class StreamQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The filters of a stream, as TAXII 2.1 names them (§3.4): several values stand with commas between them."""

    collection: Annotated[
        Word | None, msgspec.Meta(description="The alias or id of a collection; `exchange` if not given.")
    ] = None
    added_after: Instant | None = None
    match_id: Listed | None = msgspec.field(name="match[id]", default=None)
    match_type: Listed | None = msgspec.field(name="match[type]", default=None)
    match_version: Listed | None = msgspec.field(name="match[version]", default=None)
    match_spec_version: Listed | None = msgspec.field(name="match[spec_version]", default=None)


class WhyQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whose reading is asked about: one's own, or for an owner somebody's."""

    reader: Annotated[
        Reference | None, msgspec.Meta(description="`party` or `user@party`; answered to the object's owner.")
    ] = None
    purpose: Annotated[
        Word | None, msgspec.Meta(description="For which purpose that reader would read; as these credentials else.")
    ] = None


def objects_query(asked: ObjectsQuery) -> Query:
    """Return what a page's filters ask of a collection.

    Raises:
        InputError: a version or an instant is none.
    """
    added_after = None if asked.added_after is None else _instant(asked.added_after, "added_after")
    return Query(
        ids=frozenset(asked.id) or None,
        types=frozenset(asked.type) or None,
        versions=chosen_versions(asked.version, otherwise=VersionChoice.LAST),
        added_after=None if added_after is None else min(max(added_after, 0), LAST_INSTANT),
    )


def chosen_versions(asked: Sequence[str], *, otherwise: VersionChoice) -> frozenset[VersionChoice | Micros]:
    """Return the versions that are asked for.

    Raises:
        InputError: one is none.
    """
    words = tuple(VersionChoice)
    return frozenset(VersionChoice(one) if one in words else _instant(one, "version") for one in asked) or frozenset(
        {otherwise}
    )


def _instant(text: str, where: str) -> Micros:
    try:
        return parse_instant(text)
    except InputError as error:
        raise InputError(
            f"{text!r} is no date-time", where=where, todo="write it like 2026-01-31T12:00:00.000Z"
        ) from error
