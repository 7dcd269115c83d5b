"""Reports of the field from GeoJSON (RFC 7946): a survey's or a flight's features, each about one asset. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from tocsin.errors import InputError, LimitError, MapError, MapFault, NotFoundError
from tocsin.kernel.clock import parse_date
from tocsin.map.formats.fields import Wrong, plain_text
from tocsin.map.wire import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.kernel.clock import Micros

__all__ = ["MOST_BYTES", "MOST_FEATURES", "read_reports"]

# A flight over a region, with outlines drawn to the metre.
MOST_BYTES: Final = 32 * 1_024 * 1_024
# Of one file: a crew has seen so many assets in a day, and each is an object of one submission.
MOST_FEATURES: Final = 5_000


class _Properties(msgspec.Struct, frozen=True, kw_only=True):
    """What a feature says; whatever else stands there is the survey's own."""

    asset: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    service: Annotated[float, msgspec.Meta(ge=0, le=1)]
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    since: str | None = None
    until: str | None = None
    confidence: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=1_000)] = ""


class _Feature(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["Feature"]
    properties: _Properties


class _Features(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["FeatureCollection"]
    features: list[msgspec.Raw]


def read_reports(data: bytes, *, named: Callable[[str], str], now: Micros, source: str | None = None) -> list[State]:
    """Return what a FeatureCollection reports, each asset by its STIX id.

    A feature's properties are ``asset`` (a name or an id, which ``named`` turns into a STIX id), ``service``, and as
    they are known ``since`` (else ``now``), ``until``, ``source`` (else that of the whole), ``confidence``, ``note``.
    Geometries are not read: which asset it is, whoever saw it says.

    Raises:
        MapError: with every fault, each with its feature; there is then no report at all.
        InputError: it is no FeatureCollection; LimitError: it is larger than we take.
    """
    if len(data) > MOST_BYTES:
        raise LimitError(f"{len(data):,} bytes", todo=f"at most {MOST_BYTES:,}")
    try:
        read = msgspec.json.decode(data, type=_Features)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("it is no GeoJSON FeatureCollection (RFC 7946, section 3.3)") from error
    if len(read.features) > MOST_FEATURES:
        raise LimitError(f"{len(read.features):,} features", todo=f"at most {MOST_FEATURES:,}")
    states: list[State] = []
    faults: list[MapFault] = []
    seen: set[tuple[str, str]] = set()
    for number, raw in enumerate(read.features):
        at = f"features[{number}]"
        try:
            states.append(_state(raw, named, now, source, seen))
        except Wrong as error:
            faults.append(MapFault(at=at, cause=error.cause, expected=error.expected))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            faults.append(MapFault(at=at, cause=str(error)[:200], expected="a feature with `asset` and `service`"))
        except (InputError, NotFoundError) as error:
            cause = error.what if error.where is None else f"{error.where}: {error.what}"
            faults.append(MapFault(at=at, cause=cause, expected=error.todo or "an asset that you see, and instants"))
    if faults:
        raise MapError(tuple(faults))
    return states


def _state(
    raw: msgspec.Raw, named: Callable[[str], str], now: Micros, source: str | None, seen: set[tuple[str, str]]
) -> State:
    said = msgspec.json.decode(raw, type=_Feature).properties
    by = said.source or source
    if by is None:
        raise Wrong("says of no source", "`source`, or one for the whole file")
    for text in (by, said.note):
        plain_text(text)
    since = now if said.since is None else parse_date(said.since)
    until = None if said.until is None else parse_date(said.until)
    if until is not None and until <= since:
        raise Wrong("ends before it begins", "a later `until`")
    asset = named(said.asset)
    if (asset, by) in seen:
        raise Wrong("reports an asset again", "one report of an asset by each source")
    seen.add((asset, by))
    return State(
        asset=asset,
        service=said.service,
        since=since,
        until=until,
        source=by,
        confidence=said.confidence,
        note=said.note,
    )
