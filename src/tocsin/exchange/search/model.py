"""What is asked of the index and what it answers: values."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.model import Tlp
from tocsin.errors import InputError, LimitError
from tocsin.kernel.clock import Micros

if TYPE_CHECKING:
    from tocsin.kernel.canonical import Json

__all__ = [
    "DEFAULT_HITS",
    "JUDGED_CREDIBILITY",
    "JUDGED_RELIABILITY",
    "MAX_COUNTED",
    "MAX_HITS",
    "MAX_TEXT",
    "MAX_VALUES",
    "Correlated",
    "Counted",
    "Edge",
    "Facet",
    "Faceted",
    "Found",
    "Hit",
    "Saved",
    "SearchQuery",
    "Shared",
    "Surroundings",
    "Tally",
    "TimeField",
]

DEFAULT_HITS: Final = 50
# People read some dozens; who wants everything reads the collection.
MAX_HITS: Final = 200
# A count beyond it is "more than": each object that is counted is named in the log.
MAX_COUNTED: Final = 10_000
# Characters of words asked for: far more than a person types.
MAX_TEXT: Final = 1_000
# Values of one filter; each costs a look into the index.
MAX_VALUES: Final = 100
_PERCENT: Final = 100
# F and 6 say that it cannot be judged.
JUDGED_RELIABILITY: Final = "ABCDE"
JUDGED_CREDIBILITY: Final = range(1, 6)


class TimeField(enum.StrEnum):
    """Which time of an object ``since`` and ``until`` are about."""

    ADDED = "added"  # when the hub offered it
    CREATED = "created"  # `created`
    MODIFIED = "modified"  # `modified`, else `created`, else when the hub took it
    VALID = "valid"  # any part of `valid_from` to `valid_until`
    SEEN = "seen"  # any part of `first_seen` to `last_seen` (`first_observed` to `last_observed`)


class Facet(enum.StrEnum):
    """By what the objects found are counted."""

    TYPE = "type"
    TLP = "tlp"
    PRODUCER = "producer"  # URI of the party that shared it
    MONTH = "month"  # of `modified`, as 2026-05


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is looked for. Fields are ANDed, values within one are ORed; nothing given finds everything visible.

    ``text``: every word must stand in the object; a word is a run of letters and digits, whatever their case.
    ``values``: observable values in any spelling (``hxxp://evil[.]example``); an address is found in networks, too.
    ``producers``: URIs of parties that shared the object, or ids of identities that its ``created_by_ref`` names.
    ``min_confidence``: as the object states it, or as its credibility maps to it (STIX 2.1 appendix A).
    ``min_reliability``, ``min_credibility``: by the Admiralty code, A to E and 1 to 5; the unjudged is not found.
    ``expired``, ``revoked``: only such, or only others; None: both.
    ``min_score``: indicators whose score now is at least this (0-100; docs/search.md has the formula).
    ``versions``: every visible version, and not only the last of its owner.

    Raises on construction:
        InputError: a value makes no sense; LimitError: there are too many of them.
    """

    text: str = ""
    values: frozenset[str] | None = None
    ids: frozenset[str] | None = None
    types: frozenset[str] | None = None
    tlps: frozenset[Tlp] | None = None
    producers: frozenset[str] | None = None
    time: TimeField = TimeField.MODIFIED
    since: Micros | None = None  # at or after
    until: Micros | None = None  # before
    min_confidence: int | None = None
    min_reliability: str | None = None
    min_credibility: int | None = None
    min_score: int | None = None
    expired: bool | None = None
    revoked: bool | None = None
    versions: bool = False

    def __post_init__(self) -> None:
        if len(self.text) > MAX_TEXT:
            raise LimitError(f"a search has at most {MAX_TEXT} characters of words", todo="look for fewer words")
        for values in (self.values, self.ids, self.types, self.producers):
            if values is None:
                continue
            if len(values) > MAX_VALUES:
                raise LimitError(f"a filter takes at most {MAX_VALUES} values", todo="ask in several searches")
            if any(len(value) > MAX_TEXT for value in values):
                raise LimitError(f"a value has at most {MAX_TEXT} characters", todo="look for something shorter")
        if self.min_reliability is not None and self.min_reliability not in tuple(JUDGED_RELIABILITY):
            raise InputError("it is none of A to E", where="min_reliability", todo="A is the most reliable source")
        if self.min_credibility is not None and self.min_credibility not in JUDGED_CREDIBILITY:
            raise InputError("it is none of 1 to 5", where="min_credibility", todo="1 is the most credible information")
        for number, name in ((self.min_confidence, "min_confidence"), (self.min_score, "min_score")):
            if number is not None and not 0 <= number <= _PERCENT:
                raise InputError("it is not between 0 and 100", where=name, todo="give a number from 0 to 100")

    def as_json(self) -> dict[str, Json]:
        """Return the query for sealing cursors: sorted and complete."""

        def listed(values: frozenset[str] | None) -> Json:
            return None if values is None else [*sorted(str(value) for value in values)]

        return {
            "text": self.text,
            "values": listed(self.values),
            "ids": listed(self.ids),
            "types": listed(self.types),
            "tlps": None if self.tlps is None else [*sorted(str(tlp) for tlp in self.tlps)],
            "producers": listed(self.producers),
            "time": str(self.time),
            "since": self.since,
            "until": self.until,
            "min_confidence": self.min_confidence,
            "min_reliability": self.min_reliability,
            "min_credibility": self.min_credibility,
            "min_score": self.min_score,
            "expired": self.expired,
            "revoked": self.revoked,
            "versions": self.versions,
        }

    def for_owners(self, words: tuple[str, ...]) -> dict[str, Json]:
        """Return what the log tells an owner of a search that its object was found by.

        Words stand in the object anyway. Values need not (a network holds an address), and of several producers some
        are other owners' matter: how many there were is told. ``ids`` are narrowed to the owner's (``releases``).
        """
        told = self.as_json()
        told["text"] = " ".join(words)
        if self.values is not None:
            told["values"] = len(self.values)
        if self.producers is not None and len(self.producers) > 1:
            told["producers"] = len(self.producers)
        return told


class Hit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One object that was found. Instants are RFC 3339."""

    id: str
    type: str
    version: str
    added: str
    producer: str  # URI of the party that shared it
    tlp: Tlp
    object: msgspec.Raw  # as it was taken in, byte for byte
    confidence: int | None = None  # 0-100: as the object says it, or its credibility
    valid_until: str | None = None
    score: float | None = None  # 0-100, of indicators only
    sighted: str | None = None  # the newest sighting that the reader may see
    expired: bool = False
    revoked: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One page of what was found, the newest offered first. ``next`` may stand beside an empty page: ask on."""

    hits: tuple[Hit, ...]
    next: str | None
    release: str | None  # None when nothing left the hub


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many objects a search finds; ``complete`` false: at least so many."""

    count: int
    complete: bool
    release: str | None


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many objects have one value of a facet."""

    value: str
    count: int


class Faceted(msgspec.Struct, frozen=True, kw_only=True):
    """The objects that a search finds, counted by a facet: the most frequent first."""

    facet: Facet
    tallies: tuple[Tally, ...]
    complete: bool
    release: str | None


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """One object that carries observable values asked about, and which."""

    hit: Hit
    values: tuple[str, ...]


class Correlated(msgspec.Struct, frozen=True, kw_only=True):
    """What shares observable values with an object, or carries one value."""

    values: tuple[str, ...]  # asked about, in canonical form
    shared: tuple[Shared, ...]
    more: bool  # there are others
    release: str | None


class Edge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reference from an object that the reader may see to another id.

    ``other`` is None where the reader may not see that end, or it was never shared: the two are never told apart.
    """

    property: str  # `source_ref`, `object_refs`, …
    source: str  # the id of the object that refers
    target: str  # the id it refers to
    via: Hit | None = None  # the object that refers, unless it is the one asked about
    other: Hit | None = None  # the end that was not asked about
    relationship: str | None = None  # `relationship_type`, where `via` is a relationship


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around an object, as far as its reader may see it.

    ``next``: the cursor of more of what refers to it; a later page has nothing of what it refers to itself.
    """

    hit: Hit | None  # the object itself; None: invisible, or known by what refers to it only
    edges: tuple[Edge, ...]
    sightings: tuple[Hit, ...]
    notes: tuple[Hit, ...]
    opinions: tuple[Hit, ...]
    more: bool  # there are others
    release: str | None
    next: str | None = None


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A search that a user keeps under a name."""

    name: str
    collection: str  # alias
    query: SearchQuery
    saved_at: str  # RFC 3339
