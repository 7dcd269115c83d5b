"""Collections, results of intake, queries and pages: values."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError
from tocsin.kernel.clock import Micros

if TYPE_CHECKING:
    from tocsin.kernel.canonical import Json

__all__ = [
    "DEFAULT_COLLECTION",
    "MAX_PAGE",
    "MAX_QUERY_VALUES",
    "Audience",
    "Collection",
    "Outcome",
    "Page",
    "PageItem",
    "Query",
    "Receipt",
    "Result",
    "VersionChoice",
]

DEFAULT_COLLECTION: Final = "exchange"
# A page of the largest objects we take must fit in memory many times over; clients ask again.
MAX_PAGE: Final = 1_000
# What a URL can hold; each value costs an index look-up.
MAX_QUERY_VALUES: Final = 200


class Audience(enum.StrEnum):
    """Who knows of a collection; what they read in it is the gate's to decide."""

    ALL = "all"  # every vetted party
    GIVEN = "given"  # the parties that were given something in it


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """Where objects are offered."""

    id: int
    uuid: str
    alias: str
    title: str
    description: str
    head_seq: int
    head_added: Micros
    audience: Audience = Audience.ALL
    made_for: str = ""  # what the hub offers in it; nobody submits into one that is made for something


class Outcome(enum.StrEnum):
    """What became of one object of a submission."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"  # the submitter had shared exactly this before
    REFUSED = "refused"


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one object, told to its submitter and depending on the submitter's own objects only."""

    index: int
    id: str | None
    version: str | None  # RFC 3339
    outcome: Outcome
    reason: str | None = None
    where: str | None = None
    section: str | None = None
    todo: str | None = None
    notes: tuple[str, ...] = ()


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a submitter gets back, and may ask for again. ``id`` None: nothing was taken, and nothing was stored."""

    id: str | None
    collection: str  # alias
    received_at: str
    results: tuple[Result, ...]

    def count(self, outcome: Outcome) -> int:
        """Return how many objects came out so."""
        return sum(result.outcome is outcome for result in self.results)


class VersionChoice(enum.StrEnum):
    """Which versions of an object a query is about (TAXII 2.1 §3.4.1)."""

    FIRST = "first"
    LAST = "last"
    ALL = "all"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader asks of a collection. Fields are ANDed, values within one are ORed (TAXII 2.1 §3.4).

    ``owners``: what these parties (URIs) shared; ``without``: nothing of what these did.
    """

    ids: frozenset[str] | None = None
    types: frozenset[str] | None = None
    versions: frozenset[VersionChoice | Micros] = frozenset({VersionChoice.LAST})
    spec_versions: frozenset[str] | None = None
    added_after: Micros | None = None
    owners: frozenset[str] | None = None
    without: frozenset[str] = frozenset()

    @property
    def parties(self) -> list[Json]:
        """What a cursor is sealed with beside ``as_json``; nothing where no party is asked about."""
        if self.owners is None and not self.without:
            return []
        return [None if self.owners is None else [*sorted(self.owners)], [*sorted(self.without)]]

    def as_json(self) -> dict[str, Json]:
        """Return the query for the log: sorted, complete, and None where nothing is asked.

        Without the parties: its entries are for owners, and of whom else a reader sees something is not theirs to know.
        """
        return {
            "ids": None if self.ids is None else [*sorted(self.ids)],
            "types": None if self.types is None else [*sorted(self.types)],
            "versions": [*sorted(str(version) for version in self.versions)],
            "spec_versions": None if self.spec_versions is None else [*sorted(self.spec_versions)],
            "added_after": self.added_after,
        }

    def __post_init__(self) -> None:
        for values in (self.ids, self.types, self.versions, self.spec_versions):
            if values is not None and len(values) > MAX_QUERY_VALUES:
                raise InputError(f"a filter takes at most {MAX_QUERY_VALUES} values", todo="ask in several requests")


class PageItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One offer that a reader may see."""

    seq: int
    object_id: str
    version: Micros
    date_added: Micros
    contribution_id: int
    label_id: int


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: what it holds, in the order of being added, and where the next one begins."""

    items: tuple[PageItem, ...]
    bodies: tuple[bytes, ...]  # empty where only a manifest was asked for
    next_seq: int | None  # None: nothing is left
