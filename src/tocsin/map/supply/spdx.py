"""SPDX 2.2 and 2.3 JSON into a bill: every fault with its path, what is not taken counted. Pure.

Taken: packages with name, version, purpose, supplier (else originator), purl and CPE 2.3 references; relationships that
put one package into another or make it need another (SPDX 2.3, clause 11). The product is the package that the document
describes. Packages that are tools, or needed only to build, test or develop, are not in it. A package that no
relationship speaks of is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tocsin.map.supply.model import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.map.supply.draft import Draft

__all__ = ["VERSIONS", "read_spdx"]

VERSIONS: Final = ("SPDX-2.2", "SPDX-2.3")
_DOCUMENT: Final = "SPDXRef-DOCUMENT"
_NOTHING: Final = frozenset({"NOASSERTION", "NONE"})
# A holds or needs B; and the same said from B's side.
_CONTAINS: Final = frozenset({"CONTAINS"})
_IS_IN: Final = frozenset({"CONTAINED_BY", "PACKAGE_OF", "OPTIONAL_COMPONENT_OF"})
_NEEDS: Final = frozenset({"DEPENDS_ON", "STATIC_LINK", "DYNAMIC_LINK", "HAS_PREREQUISITE"})
_IS_NEEDED: Final = frozenset(
    {"DEPENDENCY_OF", "RUNTIME_DEPENDENCY_OF", "OPTIONAL_DEPENDENCY_OF", "PROVIDED_DEPENDENCY_OF", "PREREQUISITE_FOR"}
)
# A is of use to whoever makes B, and is not in it.
_MAKES: Final = frozenset(
    {
        "BUILD_DEPENDENCY_OF",
        "BUILD_TOOL_OF",
        "DEV_DEPENDENCY_OF",
        "DEV_TOOL_OF",
        "TEST_DEPENDENCY_OF",
        "TEST_TOOL_OF",
        "TEST_OF",
        "TEST_CASE_OF",
        "DOCUMENTATION_OF",
        "EXAMPLE_OF",
    }
)
_PACKAGE: Final = frozenset(
    {"SPDXID", "name", "versionInfo", "supplier", "originator", "externalRefs", "primaryPackagePurpose"}
)
# The form of a supplier or originator (SPDX 2.3 §7.5): who, and an address in brackets.
_MOST_AGENT: Final = 1_000
_AGENT: Final = re.compile(r"(?:Organization|Person|Tool):\s*(.*?)\s*(?:\([^()]*\))?\s*", re.DOTALL)


def read_spdx(draft: Draft, root: Mapping[str, object], product: Part | None) -> str:
    """Put a document into a draft; ``product`` stands for its own where that is not one. Returns its format."""
    version = root.get("spdxVersion")
    if not isinstance(version, str) or version not in VERSIONS:
        draft.wrong(
            "spdxVersion", f"is {str(version)[:20]!r}", f"one of {', '.join(VERSIONS)}: others are not read yet"
        )
    packages = draft.listed(root, "packages", "")
    relationships = [_Relationship(draft, one, at) for at, one in draft.listed(root, "relationships", "")]
    described = _described(draft, root, relationships)
    makers = {each.one for each in relationships if each.kind in _MAKES}
    held = {each.other for each in relationships if each.kind in _CONTAINS | _NEEDS}
    held |= {each.one for each in relationships if each.kind in _IS_IN | _IS_NEEDED}
    _product(draft, root, packages, described, product)
    for at, one in packages:
        reference = draft.text(one, "SPDXID", at)
        if not reference:
            draft.wrong(at, "it has no SPDXID", "one, as SPDXRef-openssl")
        if reference in draft.numbers and draft.numbers[reference] == 0:
            continue
        if reference in makers - held - described:
            draft.aside(reference, at)
            draft.left["packages that only build, test, develop or document the product"] += 1
            continue
        _add(draft, one, at)
    draft.apart |= {_DOCUMENT}
    for field in ("files", "snippets"):
        for at, one in draft.listed(root, field, ""):
            draft.aside(draft.text(one, "SPDXID", at), at)
            draft.left[field] += 1
    for each in relationships:
        _relate(draft, each)
    return str(version).replace("-", " ")


class _Relationship:
    """One relationship: two references, what it says of them, and its path."""

    __slots__ = ("at", "kind", "one", "other")

    def __init__(self, draft: Draft, raw: Mapping[str, object], at: str) -> None:
        self.at = at
        self.kind = draft.text(raw, "relationshipType", at)
        self.one = draft.text(raw, "spdxElementId", at)
        self.other = draft.text(raw, "relatedSpdxElement", at)


def _described(draft: Draft, root: Mapping[str, object], relationships: list[_Relationship]) -> set[str]:
    """Return the ids of what the document is about."""
    found = root.get("documentDescribes", [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        draft.wrong("documentDescribes", "is no list of ids", "a list of ids")
        found = []
    described = set(found)
    for each in relationships:
        if each.kind == "DESCRIBES" and each.one == _DOCUMENT:
            described.add(each.other)
        if each.kind == "DESCRIBED_BY" and each.other == _DOCUMENT:
            described.add(each.one)
    return described


def _product(
    draft: Draft,
    root: Mapping[str, object],
    packages: list[tuple[str, Mapping[str, object]]],
    described: set[str],
    product: Part | None,
) -> None:
    """Take the product first: the one that is given, or the one package that is described, or else the document."""
    own = [(at, one) for at, one in packages if str(one.get("SPDXID")) in described]
    if product is not None:
        draft.add(product, "the product that was given")
    elif len(own) == 1:
        at, one = own[0]
        _add(draft, one, at)
    else:
        draft.notes.append(
            f"the document describes {len(own)} packages: the product is the document itself, and they are its parts"
        )
        draft.add(Part(name=draft.text(root, "name", "the document")), "name")


def _add(draft: Draft, raw: Mapping[str, object], at: str) -> None:
    for field in raw.keys() - _PACKAGE:
        value = raw[field]
        draft.left[field[:40]] += len(value) if isinstance(value, list) else 1
    purl, cpes = _references(draft, raw, at)
    version = draft.text(raw, "versionInfo", at)
    part = Part(
        name=draft.text(raw, "name", at, instead="?"),
        version="" if version in _NOTHING else version,
        kind=draft.text(raw, "primaryPackagePurpose", at).lower(),
        supplier=_maker(draft, raw, at),
        purl=purl,
        cpes=cpes,
    )
    draft.add(part, at, draft.text(raw, "SPDXID", at))


def _references(draft: Draft, raw: Mapping[str, object], at: str) -> tuple[str, tuple[str, ...]]:
    purls: dict[str, None] = {}
    cpes: dict[str, None] = {}
    for where, one in draft.listed(raw, "externalRefs", at):
        # 2.2 wrote types as addresses of the list that defines them
        kind = draft.text(one, "referenceType", where).rpartition("/")[2]
        found = draft.text(one, "referenceLocator", where)
        if kind == "purl":
            purls[found] = None
        elif kind == "cpe23Type":
            cpes[found] = None
        else:
            draft.left[f"references of the type {kind[:40]}"] += 1
    if len(purls) > 1:
        draft.left["purls beside the first of a package"] += len(purls) - 1
    return next(iter(purls), ""), tuple(cpes)


def _maker(draft: Draft, raw: Mapping[str, object], at: str) -> str:
    for field in ("supplier", "originator"):
        told = draft.text(raw, field, at)
        if not told or told in _NOTHING:
            continue
        # a pattern with three runs of spaces takes its time over long ones
        found = _AGENT.fullmatch(told) if len(told) <= _MOST_AGENT else None
        if found is None:
            draft.wrong(f"{at}.{field}", f"is {told[:60]!r}", "'Organization: NAME (MAIL)', 'Person: …' or NOASSERTION")
        elif found[1]:
            return found[1]
    return ""


def _relate(draft: Draft, each: _Relationship) -> None:
    if each.kind in {"DESCRIBES", "DESCRIBED_BY"}:
        return
    if not _NOTHING.isdisjoint({each.one, each.other}):
        return
    if each.one.startswith("DocumentRef-") or each.other.startswith("DocumentRef-"):
        draft.left["relationships with other documents"] += 1
        return
    one = draft.number_of(each.one, f"{each.at}.spdxElementId")
    other = draft.number_of(each.other, f"{each.at}.relatedSpdxElement")
    if one is None or other is None:
        return
    if each.kind in _CONTAINS:
        draft.contains[one][other] = None
    elif each.kind in _IS_IN:
        draft.contains[other][one] = None
    elif each.kind in _NEEDS:
        draft.depends_on[one][other] = None
    elif each.kind in _IS_NEEDED:
        draft.depends_on[other][one] = None
    elif each.kind not in _MAKES:
        draft.left[f"relationships of the type {each.kind[:40]}"] += 1
