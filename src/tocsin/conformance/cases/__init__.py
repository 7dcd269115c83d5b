"""The cases, a module for each part of the specification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.conformance.cases import access, added, content, filters, negotiation, objects, paging, resources, wire

if TYPE_CHECKING:
    from tocsin.conformance.model import Case

__all__ = ["CASES"]

_MODULES: Final = (negotiation, access, resources, filters, paging, objects, added, content, wire)

CASES: Final[tuple[Case, ...]] = tuple(
    case
    for chapters in (*(module.CHAPTERS for module in _MODULES), negotiation.LAST, added.LAST)
    for chapter in chapters
    for case in chapter.cases
)
