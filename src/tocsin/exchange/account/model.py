"""The account of a party: every release of what it contributed, up to a checkpoint. Pure."""

from __future__ import annotations

import msgspec

__all__ = ["Account", "Clause", "Left", "Protected", "Published", "Under"]


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """A clause that let something out, or one of the hub's own rules, and the legal bases that it rested on."""

    clause: str  # ``agreement/version#clause``, or the rule's name
    bases: tuple[str, ...]


class Protected(msgspec.Struct, frozen=True, kw_only=True):
    """A protect clause that went with it: the uses that are ruled out, and what that outlives."""

    clause: str
    uses: tuple[str, ...]
    survives: str | None


class Under(msgspec.Struct, frozen=True, kw_only=True):
    """Objects that left on the same terms: id and version in microseconds of each."""

    objects: tuple[tuple[str, int], ...]
    clauses: tuple[Clause, ...]
    protect: tuple[Protected, ...]
    onward: str


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """One release, as far as it held the party's objects. ``entry`` is its place in the log."""

    entry: int
    release: str
    at: str
    reader: str  # URI of the party
    user: str | None  # name within it; None: its service
    client: str | None  # for whose service it read
    purpose: str
    kind: str
    collection: str
    under: tuple[Under, ...]


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an object of the party's in whose place a sanitised one left, and under which clause."""

    object: tuple[str, int]
    published_as: tuple[str, int]
    clause: str  # ``agreement/version#clause``


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What left of a party's contributions by the first ``size`` entries of a log: this, and nothing else.

    ``published`` are the sanitised versions that left in place of them, and ``instead`` the releases of those: the
    publisher's, as far as they held these. Of what let those out it names only agreements that the party has joined.
    """

    origin: str
    size: int
    root: bytes
    party: str  # URI
    releases: tuple[Left, ...]
    published: tuple[Published, ...] = ()
    instead: tuple[Left, ...] = ()
