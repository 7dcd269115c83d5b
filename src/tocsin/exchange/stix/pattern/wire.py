"""From a bundle's bytes to observations: its Observed Data, with the objects that they refer to or embed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.exchange.stix.limits import DEFAULT_LIMITS, Limits
from tocsin.exchange.stix.model import META_TYPES, SDO_TYPES, SRO_TYPES, sdo
from tocsin.exchange.stix.pattern.observed import Observed, instant
from tocsin.exchange.stix.wire import ParsedObject, RefusedObject, parse_bundle

if TYPE_CHECKING:
    from tocsin.exchange.stix.pattern.observed import ScoValue

__all__ = ["Observations", "read_observations"]

_NO_OBSERVABLES: Final = frozenset({*SDO_TYPES, *SRO_TYPES, *META_TYPES, "bundle"})
_decode: Final = msgspec.json.Decoder(dict[str, object]).decode


class Observations(msgspec.Struct, frozen=True, kw_only=True):
    """The observations of a document, in its order; of several versions of one, the newest, if it is not revoked.

    `refused` are the objects that are not valid STIX. `absent` counts references to objects that the document lacks.
    """

    observed: tuple[Observed, ...]
    refused: tuple[RefusedObject, ...]
    absent: int


def read_observations(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Observations:
    """Read a STIX 2.1 bundle for what was observed.

    Raises:
        LimitError: larger, deeper or more than `limits` allow.
        InputError: not I-JSON, or no bundle.
    """
    items = parse_bundle(data, limits=limits).items
    parsed = [item for item in items if isinstance(item, ParsedObject)]
    known: dict[str, ScoValue] = {}
    newest: dict[str, tuple[int, sdo.ObservedData]] = {}
    for item in parsed:
        if isinstance(item.obj, sdo.ObservedData):
            version = item.version or 0
            if item.id not in newest or newest[item.id][0] < version:
                newest[item.id] = (version, item.obj)
        elif item.type not in _NO_OBSERVABLES:
            known.setdefault(item.id, _decode(item.body))
    current = [one for _, one in newest.values() if not one.revoked]
    return Observations(
        observed=tuple(_observed(one, known) for one in current),
        refused=tuple(item for item in items if isinstance(item, RefusedObject)),
        absent=sum(ref not in known for one in current for ref in one.object_refs if _is_observable(ref)),
    )


def _observed(one: sdo.ObservedData, known: dict[str, ScoValue]) -> Observed:
    # §2.13: embedded objects refer to each other by their keys, and to nothing outside
    embedded = one.objects
    objects = (
        tuple(known[ref] for ref in dict.fromkeys(one.object_refs) if ref in known)
        if embedded is None
        else tuple(embedded.values())
    )
    return Observed(
        id=one.id,
        at=instant(one.first_observed),
        count=one.number_observed,
        objects=objects,
        known=known if embedded is None else embedded,
    )


def _is_observable(ref: str) -> bool:
    return ref.partition("--")[0] not in _NO_OBSERVABLES
