"""STIX objects that cases post: new ones in every run, harmless, from documentation ranges. Pure but for their ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CREATED", "TYPES", "address", "envelope", "indicator", "malware"]

CREATED: Final = "2026-01-01T00:00:00.000Z"
# STIX 2.1 §4 to §7.
TYPES: Final = (
    *("attack-pattern", "campaign", "course-of-action", "grouping", "identity", "incident", "indicator"),
    *("infrastructure", "intrusion-set", "location", "malware", "malware-analysis", "note", "observed-data", "opinion"),
    *("report", "threat-actor", "tool", "vulnerability", "relationship", "sighting", "artifact", "autonomous-system"),
    *("directory", "domain-name", "email-addr", "email-message", "file", "ipv4-addr", "ipv6-addr", "mac-addr"),
    *("mutex", "network-traffic", "process", "software", "url", "user-account", "windows-registry-key"),
    *("x509-certificate", "marking-definition", "extension-definition", "language-content"),
)


def indicator(uuid: str, *, modified: str = CREATED, name: str = "conformance") -> dict[str, Any]:
    """Return an indicator of one documentation address."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid}",
        "created": CREATED,
        "modified": modified,
        "name": name,
        "indicator_types": ["benign"],
        "pattern": "[ipv4-addr:value = '192.0.2.1']",
        "pattern_type": "stix",
        "valid_from": CREATED,
    }


def malware(uuid: str, *, modified: str = CREATED) -> dict[str, Any]:
    """Return a malware."""
    return {
        "type": "malware",
        "spec_version": "2.1",
        "id": f"malware--{uuid}",
        "created": CREATED,
        "modified": modified,
        "name": "conformance",
        "is_family": False,
    }


def address(uuid: str) -> dict[str, Any]:
    """Return an address: a type without ``created`` and ``modified``; the id may be any UUID (STIX 2.1 §2.9)."""
    return {"type": "ipv4-addr", "spec_version": "2.1", "id": f"ipv4-addr--{uuid}", "value": "192.0.2.1"}


def envelope(objects: Sequence[dict[str, Any]]) -> bytes:
    """Return an envelope (§3.7)."""
    return json.dumps({"objects": list(objects)}, ensure_ascii=False).encode()
