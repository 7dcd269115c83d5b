"""What intake says of one object by itself, beside whether it is valid STIX: the Admiralty code, an observable's id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.exchange.stix.deterministic import deterministic_id, id_of_text
from tocsin.exchange.stix.model.common import StixObservable
from tocsin.exchange.uncertainty import ADMIRALTY_EXTENSION, contradiction, read_admiralty

if TYPE_CHECKING:
    from tocsin.exchange.stix import ParsedObject

__all__ = ["OTHER_ID", "remarks_on"]

OTHER_ID: Final = (
    "its id is not the one that STIX 2.1 §2.9 makes from its content: others who report the same will not share its id"
)
# Where the version stands in an id that ends in a UUID.
_VERSION: Final = -22


def remarks_on(parsed: ParsedObject) -> tuple[str, ...]:
    """Return notes for the sender of an object.

    Raises:
        InputError: its Admiralty code is none.
    """
    obj = parsed.obj
    notes: tuple[str, ...] = ()
    if ADMIRALTY_EXTENSION in obj.extensions:
        admiralty = read_admiralty(obj.extensions)
        said = None if admiralty is None else contradiction(getattr(obj, "confidence", None), admiralty)
        if said is not None:
            notes += (said,)
    if isinstance(obj, StixObservable) and parsed.id[_VERSION] == "5":
        expected = id_of_text(parsed.type, getattr(obj, "value", None) or getattr(obj, "name", None))
        if expected is None:
            expected = deterministic_id(msgspec.json.decode(parsed.body))
        # what has none of its contributing properties is held to version 4 elsewhere; a custom type has no table
        if expected is not None and expected != parsed.id.lower():
            notes += (OTHER_ID,)
    return notes
