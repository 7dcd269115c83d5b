"""FIRST's Information Exchange Policy 2.0, as the marking extension of STIX 2.1 writes it.

A policy says what TLP does not: what a recipient may do, whom it may tell, whether it names the source. The hub
enforces the part that decides who receives; the rest binds whoever received, and is told as terms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.agreements.model import Pap, Tlp
from tocsin.errors import InputError
from tocsin.exchange.markings.model import Marking
from tocsin.exchange.stix import times

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["IEP_ACTIONS", "IEP_EXTENSION", "IEP_TLP", "read_iep"]

IEP_EXTENSION: Final = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"

IEP_TLP: Final = {"white": Tlp.CLEAR, "green": Tlp.GREEN, "amber": Tlp.AMBER, "red": Tlp.RED}
"""IEP 2.0 has the values of TLP 1."""

IEP_ACTIONS: Final = {
    "none": Pap.RED,
    "contact-for-instruction": Pap.RED,
    "internally-visible-actions": Pap.RED,
    "externally-visible-indirect-actions": Pap.AMBER,
    "externally-visible-direct-actions": Pap.CLEAR,
}
"""The narrowest PAP that allows no more; the first two allow less than any PAP does, and say so in a term."""

_CHOICES: Final = {
    "encrypt_in_transit": ("must", "may"),
    "permitted_actions": tuple(IEP_ACTIONS),
    "affected_party_notifications": ("may", "must-not"),
    "tlp": tuple(IEP_TLP),
    "provider_attribution": ("may", "must", "must-not"),
    "unmodified_resale": ("may", "must-not"),
}
_TERMS: Final = {
    ("encrypt_in_transit", "must"): "whoever sends it on must encrypt it in transit",
    ("permitted_actions", "none"): "nobody may act on it",
    ("permitted_actions", "contact-for-instruction"): "whoever wants to act on it must ask its provider first",
    ("permitted_actions", "internally-visible-actions"): "nobody may act on it visibly outside of their own systems",
    ("affected_party_notifications", "must-not"): "nobody may notify affected parties",
    ("provider_attribution", "must"): "whoever passes it on must name its provider",
    ("provider_attribution", "must-not"): "whoever passes it on must not name its provider",
    ("unmodified_resale", "must-not"): "nobody may resell it unmodified",
}
_REQUIRED: Final = frozenset({*_CHOICES, "iep_id", "iep_version", "description", "start_date"})
_ALLOWED: Final = _REQUIRED | {"extension_type", "end_date"}


def read_iep(value: Mapping[str, object]) -> Marking:
    """Read the extension's contents.

    Raises:
        InputError: it is not written as the extension's specification demands, or has what that does not know.
        ValueError: a date is no timestamp.
    """
    missing, unread = _REQUIRED - value.keys(), value.keys() - _ALLOWED
    if missing or unread:
        raise InputError(f"an IEP marking {'needs' if missing else 'has no'} {min(missing or unread)[:60]!r}")
    chosen = {}
    for name, choices in _CHOICES.items():
        said = value[name]
        if not isinstance(said, str) or said not in choices:
            raise InputError(f"{name} is one of {', '.join(choices)}", where=name)
        chosen[name] = said
    version = value["iep_version"]
    if isinstance(version, bool) or version not in (2, "2.0"):
        raise InputError("iep_version is 2.0", where="iep_version")
    ends = value.get("end_date")
    return Marking(
        tlp=IEP_TLP[chosen["tlp"]],
        pap=IEP_ACTIONS[chosen["permitted_actions"]],
        terms=frozenset(_TERMS[pair] for pair in chosen.items() if pair in _TERMS),
        begins=times.micros(str(value["start_date"])),
        ends=None if ends is None else times.micros(str(ends)),
    )
