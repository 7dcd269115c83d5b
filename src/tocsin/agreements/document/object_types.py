"""Names of STIX types, as clauses write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tocsin.agreements.document.checks import meant

if TYPE_CHECKING:
    from tocsin.agreements.document.checks import Checker
    from tocsin.agreements.document.tree import Node

__all__ = ["MAP_TYPES", "STIX_TYPES", "TOTALLED_TYPES", "read_types"]

_TYPE = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,248}[a-z0-9])", re.ASCII)  # STIX 2.1 §3.1: 3 to 250 of these
# STIX 2.1 §4, §5, §6 and §7: what a bundle can hold.
_STIX: Final = (
    "attack-pattern campaign course-of-action grouping identity incident indicator infrastructure intrusion-set "
    "location malware malware-analysis note observed-data opinion report threat-actor tool vulnerability "
    "relationship sighting "
    "artifact autonomous-system directory domain-name email-addr email-message file ipv4-addr ipv6-addr mac-addr "
    "mutex network-traffic process software url user-account windows-registry-key x509-certificate "
    "extension-definition language-content marking-definition"
)
STIX_TYPES: Final = frozenset(_STIX.split())
# What extension-definitions of this hub bring (docs/map.md, docs/supply-chains.md): clauses name them as any other.
MAP_TYPES: Final = frozenset({"asset", "asset-bill", "asset-detail", "asset-state", "bill-of-materials", "dependency"})
# Of these a total of the map is made up: that there is an asset, and what is said of it.
TOTALLED_TYPES: Final = ("asset", "asset-detail")


def read_types(check: Checker, node: Node) -> tuple[str, ...]:
    """Read one type or a list of them. One that STIX does not define is only noted: extensions may bring it."""
    return check.many(node, "a type of object", _Reader(check))


class _Reader:
    def __init__(self, check: Checker) -> None:
        self._check = check

    def __call__(self, node: Node, what: str) -> str:
        name = self._check.matching(node, what, _TYPE, "a STIX type: 3 to 250 of a-z, 0-9, '-'")
        # §11.2: names of types of one's own began with x- before extension definitions brought others
        if _TYPE.fullmatch(name) and name not in STIX_TYPES | MAP_TYPES and not name.startswith("x-"):
            asked = meant(self._check.nearest(name, sorted(STIX_TYPES | MAP_TYPES)))
            self._check.note(
                f"line {node.place.line} type: {name!r} is no type of STIX 2.1, and matches only objects of an "
                "extension that brings it" + (f"; {asked}" if asked else "")
            )
        return name
