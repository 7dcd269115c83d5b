"""Names of types and objects that somebody writes by hand: what cannot be one is refused, with what may be meant."""

from __future__ import annotations

import difflib
import re
from typing import Final

from tocsin.agreements.document.object_types import MAP_TYPES
from tocsin.errors import InputError
from tocsin.exchange.stix.model import META_TYPES, SCO_TYPES, SDO_TYPES, SRO_TYPES
from tocsin.exchange.stix.model.common import OBJECT_ID

__all__ = ["check_object_id", "check_type"]

_TYPES: Final = sorted({*SDO_TYPES, *SRO_TYPES, *SCO_TYPES, *META_TYPES, *MAP_TYPES})
# STIX 2.1 §11.2.1: 3 to 250 characters, of which the first are `x-`.
_CUSTOM: Final = re.compile(r"(?=.{3,250}\Z)x(?:-[a-z0-9]+)+-?", re.ASCII)
_OBJECT_ID: Final = re.compile(rf"(?!bundle--){OBJECT_ID}", re.ASCII)


def check_type(name: str) -> None:
    """Refuse what is neither a type of STIX 2.1, nor one of the map, nor a custom one, `x-…` (§11.2.1).

    Raises:
        InputError: it is none.
    """
    if name in _TYPES or _CUSTOM.fullmatch(name):
        return
    near = difflib.get_close_matches(name[:80], _TYPES, n=3)
    meant = f"did you mean {' or '.join(near)}?" if near else f"name one of {', '.join(_TYPES)}, or a custom x-… type"
    raise InputError("STIX 2.1 defines no such type, and a custom one begins with x-", where=name[:80], todo=meant)


def check_object_id(name: str) -> None:
    """Refuse what no object can have as its id: a type, two hyphens, a UUID (STIX 2.1 §2.9).

    Raises:
        InputError: it is none.
    """
    if _OBJECT_ID.fullmatch(name) is None:
        raise InputError(
            "this is no id of a STIX object",
            where=name[:80],
            todo="write its type, two hyphens and its UUID: indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        )
