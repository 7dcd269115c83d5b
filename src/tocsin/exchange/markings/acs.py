"""The Access Control Specification 3.0 of the US Information Sharing Architecture, as a marking extension of STIX 2.1.

It grants privileges by action, nationality, organisation, shareability and kind of entity: attributes of readers that
a hub's parties do not have. So it is read for two things only: its classification, and whether it restricts nobody.
Whatever lies between is for its owner alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.errors import InputError
from tocsin.exchange.markings.model import Marking

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ACS_CLASSIFICATIONS", "ACS_EXTENSION", "read_acs"]

ACS_EXTENSION: Final = "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce"

ACS_CLASSIFICATIONS: Final = {"U": "unclassified", "C": "confidential", "S": "secret", "TS": "top-secret"}

# Without these it is no ACS marking (the extension's schema).
_REQUIRED: Final = frozenset(
    {"identifier", "create_date_time", "responsible_entity_custodian", "policy_reference", "control_set"}
)
# What neither grants nor limits: who made it, and when, and that it may be published.
_HARMLESS: Final = _REQUIRED | {
    "extension_type",
    "name",
    "responsible_entity_originator",
    "authority_reference",
    "public_release",
}
_OPEN: Final = "urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=permit"
# Determinations that tell what the content is about; others, NF (no foreigners) and FOUO among them, narrow.
_DESCRIBING: Final = frozenset(
    {
        "PUBREL",
        "AIS",
        "NO-PII-PRESENT",
        "INFORMATION-DIRECTLY-RELATED-TO-CYBERSECURITY-THREAT",
    }
)


def read_acs(value: Mapping[str, object]) -> Marking:
    """Read the extension's contents: an ACS marking that permits everything to everybody asks nothing.

    Raises:
        InputError: it limits somebody, or is not written as the extension's schema demands.
    """
    if value.keys() - _HARMLESS or _REQUIRED - value.keys():
        raise InputError("an ACS marking with privileges of its own is not evaluated here")
    control = value["control_set"]
    if not isinstance(control, dict) or control.keys() - {"classification", "formal_determination"}:
        raise InputError("an ACS marking with a control set is not evaluated here", where="control_set")
    determined = control.get("formal_determination", [])
    if not isinstance(determined, list) or not all(isinstance(one, str) and one in _DESCRIBING for one in determined):
        raise InputError("an ACS determination that narrows is not evaluated here", where="control_set")
    if control.get("classification") != "U" or value["policy_reference"] != _OPEN:
        raise InputError("an ACS policy that denies by default is not evaluated here", where="policy_reference")
    return Marking()
