"""The payloads of the entries that no other room tells, checked for shape, and how a faulty one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from tocsin.agreements.model import Label, Profile
from tocsin.errors import InputError, LogBrokenError
from tocsin.kernel.clock import Micros, parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CollectionAdded",
    "Decided",
    "Founding",
    "Offer",
    "Release",
    "Submission",
    "Withdrawal",
    "broken",
    "instant_of",
    "shaped",
]

_T = TypeVar("_T")


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What of a release's entry says which entries it was decided by."""

    as_of: int


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a release's entry, checked for shape."""

    release: str
    decided_at: str
    as_of: int
    kind: Literal["objects", "manifest", "search", "count", "facet", "total", "total-again"]
    collection: str
    profile: Profile
    slice: str
    filter: dict[str, Any]
    owner: str
    offers: list[int]
    under: list[tuple[str, list[int]]] = []  # annexes, and the steps between the offers that each alone let out


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One offer in a submission's entry; without ``content`` it offers again what was contributed before.

    ``delegation``: under which it was shared, where that is another than its submission names.
    """

    seq: int
    added: Micros
    object: str
    version: Micros
    label: int
    content: str | None = None
    delegation: str | None = None


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a submission's entry, checked for shape."""

    submission: str
    party: str
    collection: str
    labels: list[tuple[int, Label]]
    offers: list[Offer]
    repeated: int
    refused: list[Any]
    delegation: str | None = None
    delegate: str | None = None


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a withdrawal's entry, checked for shape."""

    party: str
    collection: str
    object: str
    offers: list[int]


class CollectionAdded(msgspec.Struct, frozen=True, kw_only=True):
    """The data of the entry that adds a collection."""

    uuid: str
    alias: str
    title: str
    description: str


class Founding(msgspec.Struct, frozen=True, kw_only=True):
    """The data of the entry that a log begins with.

    ``signed_with``: whoever has two keys signs all that it signs with both. ``renewed_by``: what was opened of an annex
    without a motion is renewed by one alone. Logs of earlier versions do not say so.
    """

    hub: str
    operator: str
    origin: str
    vkey: str
    signed_with: Literal["both"] | None = None
    renewed_by: Literal["motion"] | None = None


def shaped(index: int, data: Mapping[str, Any], kind: type[_T]) -> _T:
    """Return the data of an entry in the form of its kind.

    Raises:
        LogBrokenError: it has not that form.
    """
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        raise broken(index, f"its payload has not the form of its kind: {error}") from error


def instant_of(index: int, text: str) -> Micros:
    """Return an instant that an entry tells.

    Raises:
        LogBrokenError: it is none.
    """
    try:
        return parse_instant(text)
    except InputError as error:
        raise broken(index, str(error)) from error


def broken(index: int, what: str) -> LogBrokenError:
    """Return what is wrong with an entry, by its place."""
    return LogBrokenError(what, where=f"entry {index}")
