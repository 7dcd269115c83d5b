"""Versions of an object of one owner: what a later one must keep, and that revoking is for ever. Pure.

Another party's version never counts here: whose version it is decides who sees it, and what the hub tells about
versions depends on the submitter's own contributions alone (see ``docs/adr/0014``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.errors import InputError
from tocsin.exchange.stix import times
from tocsin.exchange.stix.model.common import VersionedObject
from tocsin.kernel.clock import Micros

if TYPE_CHECKING:
    from tocsin.exchange.stix import ParsedObject

__all__ = ["STILL_REVOKED", "History", "check_version", "history_of", "read_history"]

STILL_REVOKED: Final = (
    "you had revoked this: STIX 2.1 §3.6 wants no later version of it; taken, since it is revoked still"
)

_REVOKED: Final = InputError(
    "you revoked this, and revoking is for ever (STIX 2.1 §3.6)",
    where="revoked",
    todo="share it as a new object with an id of its own, and a derived-from relationship to this one",
)
_REVOKED_BEFORE: Final = InputError(
    "this revokes a version before the last one that you shared (STIX 2.1 §3.6)",
    where="modified",
    todo="revoke it with a `modified` later than that of the last version",
)
_OTHER_BIRTH: Final = InputError(
    "`created` is not what it is in the version that you shared before (STIX 2.1 §3.2)",
    where="created",
    todo="keep `created`, and change `modified` alone",
)
_OTHER_CREATOR: Final = InputError(
    "`created_by_ref` is not what it is in the version that you shared before: only its creator makes a new version of"
    " an object (STIX 2.1 §3.6)",
    where="created_by_ref",
    todo="make it a new object with an id of its own, and a derived-from relationship to this one",
)


class History(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The last version of an object that its owner shared: when, by whom it was made, and whether it was revoked."""

    version: Micros
    created: Micros
    created_by_ref: str | None
    revoked: bool


class _Stored(msgspec.Struct, gc=False):
    """What a stored body says of its versions."""

    created: str
    created_by_ref: str | None = None
    revoked: bool = False


_STORED: Final = msgspec.json.Decoder(_Stored)


def read_history(version: Micros, body: bytes) -> History:
    """Read what the stored bytes of a versioned object say."""
    stored = _STORED.decode(body)
    return History(
        version=version,
        created=times.micros(stored.created),
        created_by_ref=stored.created_by_ref,
        revoked=stored.revoked,
    )


def history_of(parsed: ParsedObject) -> History | None:
    """Return what an object says of its versions; None for one that has none."""
    obj = parsed.obj
    if parsed.version is None or parsed.created is None or not isinstance(obj, VersionedObject):
        return None
    return History(
        version=parsed.version, created=parsed.created, created_by_ref=obj.created_by_ref, revoked=obj.revoked
    )


def check_version(new: History, last: History) -> tuple[str, ...]:
    """Hold another version of an object to the last one, earlier or later; returns notes for its sender.

    An earlier version that arrives late is taken: it changes nothing about which is the last.

    Raises:
        InputError: it changes what no version may, follows a revoked one, or revokes one that is not the last.
    """
    if new.created != last.created:
        raise _OTHER_BIRTH
    if new.created_by_ref != last.created_by_ref:
        raise _OTHER_CREATOR
    if new.version > last.version and last.revoked:
        if not new.revoked:
            raise _REVOKED
        return (STILL_REVOKED,)
    if new.version < last.version and new.revoked and not last.revoked:
        raise _REVOKED_BEFORE
    return ()
