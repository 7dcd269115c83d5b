"""The cases, a module for each part of the specification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.conformance.cases import access, added, content, filters, negotiation, objects, paging, resources, wire

if TYPE_CHECKING:
    from tocsin.conformance.model import Case

__all__ = ["CASES"]

CASES: Final[tuple[Case, ...]] = tuple(
    case
    for module in (negotiation, access, resources, filters, paging, objects, added, content, wire)
    for chapter in module.CHAPTERS
    for case in chapter.cases
)
