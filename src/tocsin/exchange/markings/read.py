"""From a marking-definition, as it came in JSON, to what it asks for: TLP, PAP, IEP, ACS, statements, our own terms.

Tocsin's own marking says what TLP cannot: to whom an object is addressed, of which category it is, where it may be
kept. It is a marking-definition with this property extension (see ``docs/markings.md``)::

    "extensions": {
        "extension-definition--59a4f6be-6b4a-4b3f-9f57-7d2c4f0a6c11": {
            "extension_type": "property-extension",
            "recipients": ["https://fjordkraft.example", "anna@https://fjordkraft.example"],
            "categories": ["export-controlled"], "residency": "eea", "sectors": ["energy"], "countries": ["NO"]
        }
    }
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.model import Pap, Tlp
from tocsin.errors import InputError
from tocsin.exchange.markings.acs import ACS_EXTENSION, read_acs
from tocsin.exchange.markings.classification import classification_of
from tocsin.exchange.markings.iep import IEP_EXTENSION, read_iep
from tocsin.exchange.markings.model import UNKNOWN, Marking, join
from tocsin.parties.model import COUNTRY, NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "KNOWN_MARKINGS",
    "MAX_RECIPIENTS",
    "MAX_TERMS",
    "PAP_EXTENSION",
    "TERMS_EXTENSION",
    "TLP_EXTENSION",
    "read_marking",
    "read_own_terms",
    "says_more",
]

TLP_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
PAP_EXTENSION: Final = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
TERMS_EXTENSION: Final = "extension-definition--59a4f6be-6b4a-4b3f-9f57-7d2c4f0a6c11"

# A label names its recipients; more of them is a community, which an agreement names better.
MAX_RECIPIENTS: Final = 256
# Categories, sectors and countries are read by clauses; more on one object than this says nothing.
MAX_TERMS: Final = 64

_M = "marking-definition--"
KNOWN_MARKINGS: Final[dict[str, Marking]] = {
    # TLP 1, STIX 2.1 §7.2.1.4; WHITE is called CLEAR since TLP 2.0
    _M + "613f2e26-407d-48c7-9eca-b8e91df99dc9": Marking(tlp=Tlp.CLEAR),
    _M + "34098fce-860f-48ae-8e50-ebd3cc5e41da": Marking(tlp=Tlp.GREEN),
    _M + "f88d31f6-486f-44da-b317-01333bde0b82": Marking(tlp=Tlp.AMBER),
    _M + "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Marking(tlp=Tlp.RED),
    # TLP 2.0
    _M + "94868c89-83c2-464b-929b-a1a8aa3c8487": Marking(tlp=Tlp.CLEAR),
    _M + "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": Marking(tlp=Tlp.GREEN),
    _M + "55d920b0-5e8b-4f79-9ee9-91f868d9b421": Marking(tlp=Tlp.AMBER),
    _M + "939a9414-2ddd-4d32-a0cd-375ea402b003": Marking(tlp=Tlp.AMBER_STRICT),
    _M + "e828b379-4e03-4974-9ac4-e53a884c97c1": Marking(tlp=Tlp.RED),
    # PAP
    _M + "a3bea94c-b469-41dc-9cfe-d6e7daba7730": Marking(pap=Pap.CLEAR),
    _M + "ad15a0cd-55b6-4588-a14c-a66105329b92": Marking(pap=Pap.CLEAR),
    _M + "c43594d1-4b11-4c59-93ab-1c9b14d53ce9": Marking(pap=Pap.GREEN),
    _M + "60f8932b-e51e-4458-b265-a2e8be9a80ab": Marking(pap=Pap.AMBER),
    _M + "740d36e5-7714-4c30-961a-3ae632ceee0e": Marking(pap=Pap.RED),
}


def read_marking(definition: Mapping[str, object]) -> Marking:
    """Read a marking-definition as it came in JSON: what it asks for, or UNKNOWN with its classification.

    Every extension on it must be one that we can read: half-understood is not understood.
    """
    classification = classification_of(definition)
    read = KNOWN_MARKINGS.get(str(definition.get("id"))) or _read(definition)
    return read if classification is None else msgspec.structs.replace(read, classification=classification)


def _read(definition: Mapping[str, object]) -> Marking:
    extensions = definition.get("extensions")
    parts: list[Marking] = []
    if definition.get("definition_type") == "statement":
        parts.append(Marking())  # a text for people: asks nothing of a machine
    elif definition.get("definition_type") is not None:
        return UNKNOWN  # an own TLP under another id, or a type that we do not know
    for key, value in extensions.items() if isinstance(extensions, dict) else ():
        read = _READERS.get(key)
        if read is None or not isinstance(value, dict):
            return UNKNOWN
        try:
            parts.append(read(value))
        except (InputError, ValueError):
            return UNKNOWN
    return join(parts) if parts else UNKNOWN


def read_own_terms(extensions: Mapping[str, object] | None) -> Marking:
    """Read the Tocsin terms among a marking-definition's extensions: nothing where it has none, else they or UNKNOWN.

    Whatever else the definition says is for the objects that refer to it.
    """
    terms = (extensions or {}).get(TERMS_EXTENSION)
    if terms is None:
        return Marking()
    try:
        return _read_terms(terms) if isinstance(terms, dict) else UNKNOWN
    except InputError:
        return UNKNOWN


def says_more(definition: Mapping[str, object]) -> bool:
    """Return whether a definition under a published id says anything but the level that everybody knows the id for."""
    known = KNOWN_MARKINGS.get(str(definition.get("id")))
    if known is None:
        return False
    kind, text = definition.get("definition_type"), definition.get("definition")
    extensions = definition.get("extensions")
    levels: list[Marking | None] = []
    if kind is not None or text is not None:
        levels.append(_first_tlp(text) if kind == "tlp" else None)
    for key, value in extensions.items() if isinstance(extensions, dict) else ():
        try:
            levels.append(_READERS[key](value) if key in _READERS and isinstance(value, dict) else None)
        except (InputError, ValueError):
            levels.append(None)
    return any(level != known for level in levels)


def _first_tlp(definition: object) -> Marking | None:
    """Return the level of a definition of TLP 1 (STIX 2.1 §7.2.1.4)."""
    tlp = definition.get("tlp") if isinstance(definition, dict) and len(definition) == 1 else None
    level = {"white": Tlp.CLEAR, "green": Tlp.GREEN, "amber": Tlp.AMBER, "red": Tlp.RED}.get(str(tlp))
    return None if level is None else Marking(tlp=level)


def _read_tlp(value: Mapping[str, object]) -> Marking:
    _only(value, "tlp_2_0")
    return Marking(tlp=Tlp(str(value.get("tlp_2_0"))))


def _read_pap(value: Mapping[str, object]) -> Marking:
    _only(value, "pap")
    pap = str(value.get("pap"))
    return Marking(pap=Pap("clear" if pap == "white" else pap))


def _only(value: Mapping[str, object], name: str) -> None:
    """Refuse what says more than its level: what it says besides might narrow it."""
    if unread := value.keys() - {"extension_type", name}:
        raise InputError(f"besides its level it says what we do not know: {min(unread)[:60]!r}")


def _read_terms(value: Mapping[str, object]) -> Marking:
    if unread := set(value) - {"extension_type", "recipients", "categories", "residency", "sectors", "countries"}:
        raise InputError(f"these terms are not ours: {', '.join(sorted(unread))}")
    residency = value.get("residency")
    if residency is not None and (not isinstance(residency, str) or NAME.fullmatch(residency) is None):
        raise InputError("residency is one name")
    countries = _texts(value, "countries", MAX_TERMS) or frozenset()
    if any(COUNTRY.fullmatch(country) is None for country in countries):
        raise InputError("countries are two capital letters each")
    names = {key: _texts(value, key, MAX_TERMS) or frozenset() for key in ("categories", "sectors")}
    if any(NAME.fullmatch(name) is None for listed in names.values() for name in listed):
        raise InputError("categories and sectors are names")
    return Marking(
        categories=names["categories"],
        sectors=names["sectors"],
        countries=countries,
        residency=residency,
        recipients=_texts(value, "recipients", MAX_RECIPIENTS),
    )


def _texts(value: Mapping[str, object], key: str, limit: int) -> frozenset[str] | None:
    listed = value.get(key)
    if listed is None:
        return None
    if not isinstance(listed, list) or not listed or len(listed) > limit:
        raise InputError(f"{key} is a list of 1 to {limit} texts")
    if not all(isinstance(text, str) and text for text in listed):
        raise InputError(f"{key} is a list of texts")
    return frozenset(listed)


_READERS: Final = {
    TLP_EXTENSION: _read_tlp,
    PAP_EXTENSION: _read_pap,
    IEP_EXTENSION: read_iep,
    ACS_EXTENSION: read_acs,
    TERMS_EXTENSION: _read_terms,
}
