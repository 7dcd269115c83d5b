"""SPDX 3.0 JSON-LD into a bill: every fault with its path, what is not taken counted. Pure.

Taken, by the names that SPDX's own context gives them: ``software_Package`` with name, version, purpose, supplier (else
originator), purl and CPE 2.3; relationships that put one package into another or make it need another; of the security
profile VEX assessments, and vulnerabilities that a package is said to have. The product is the one package that the
document's, or its SBOM's, ``rootElement`` leads to. JSON-LD is read as SPDX writes it: one context, elements in
``@graph`` or within each other, references by ``spdxId``; not as a graph that any context may mean.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tocsin.map.supply.model import MOST_IDS, Part, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tocsin.map.supply.draft import Draft

__all__ = ["VERSIONS", "is_three", "read_spdx3"]

VERSIONS: Final = "SPDX 3.0"
_CONTEXT: Final = re.compile(r"https://spdx\.org/rdf/(3\.0(?:\.[0-9]{1,3})?)/spdx-context\.jsonld")
_SHOWN: Final = 80
_PACKAGE: Final = "software_Package"
# What gathers others: the product is what it leads to.
_GATHERS: Final = frozenset({"SpdxDocument", "software_Sbom", "Bom", "Bundle"})
_NEEDS: Final = frozenset(
    {
        "dependsOn",
        "hasDynamicLink",
        "hasOptionalDependency",
        "hasPrerequisite",
        "hasProvidedDependency",
        "hasStaticLink",
    }
)
_CONTAINS: Final = frozenset({"contains", "hasOptionalComponent"})
# `to` is of use to whoever makes `from`, and is not in it; so is what is needed in these scopes only.
_MAKES: Final = frozenset({"hasDocumentation", "hasExample", "hasTest", "hasTestCase", "usesTool"})
_SCOPES: Final = frozenset({"build", "design", "development", "test"})
_VEX: Final = {
    "security_VexAffectedVulnAssessmentRelationship": Verdict.AFFECTED,
    "security_VexFixedVulnAssessmentRelationship": Verdict.FIXED,
    "security_VexNotAffectedVulnAssessmentRelationship": Verdict.NOT_AFFECTED,
    "security_VexUnderInvestigationVulnAssessmentRelationship": Verdict.IN_TRIAGE,
}
_SECURITY: Final = _VEX.keys() | {"security_Vulnerability"}
_RELATIONSHIPS: Final = frozenset({"Relationship", "LifecycleScopedRelationship"})
_TAKEN: Final = frozenset(
    {
        "type",
        "spdxId",
        "name",
        "creationInfo",
        "software_packageVersion",
        "software_primaryPurpose",
        "software_packageUrl",
        "suppliedBy",
        "originatedBy",
        "externalIdentifier",
    }
)


def is_three(root: Mapping[str, object]) -> bool:
    """Return whether this is SPDX 3, of whatever version."""
    return "@graph" in root or "spdx.org/rdf/3" in str(root.get("@context", ""))[:500]


def read_spdx3(draft: Draft, root: Mapping[str, object], product: Part | None) -> str:
    """Put a document into a draft; ``product`` stands for its own where that is not one. Returns its format."""
    context = root.get("@context")
    found = _CONTEXT.fullmatch(context) if isinstance(context, str) else None
    if found is None:
        draft.wrong("@context", f"is {str(context)[:_SHOWN]!r}", f"that of {VERSIONS}: others are not read yet")
    _Reading(draft, root).read(product)
    return f"SPDX {found[1] if found is not None else '3'}"


class _Reading:
    def __init__(self, draft: Draft, root: Mapping[str, object]) -> None:
        self._draft = draft
        listed = draft.listed(root, "@graph", "") if "@graph" in root else [("the document", root)]
        self._elements = [(at, one) for place, top in listed for at, one in _within(top, place)]
        self._by_id: dict[str, Mapping[str, object]] = {}
        for _, one in self._elements:
            if isinstance(one.get("spdxId"), str):
                self._by_id.setdefault(str(one["spdxId"]), one)
        self._ids: dict[str, list[str]] = {}  # of each vulnerability that was referred to
        self._elsewhere = {str(one.get("externalSpdxId")) for _, one in self._of("ExternalMap")}

    def read(self, product: Part | None) -> None:
        """Take the product, its parts, their edges, and what is said of vulnerabilities."""
        draft = self._draft
        related = [(at, one) for at, one in self._elements if _type(one) in _RELATIONSHIPS]
        described = self._described(related)
        made, held = self._ends(related)
        packages = list(self._of(_PACKAGE))
        self._product(packages, described, product)
        for at, one in packages:
            reference = draft.text(one, "spdxId", at)
            if not reference:
                draft.wrong(at, "it has no spdxId", "one, as https://example.org/openssl")
            if reference and draft.numbers.get(reference) == 0:
                continue
            if reference in made - held - described:
                draft.aside(reference, at)
                draft.left["packages that only build, test, develop or document the product"] += 1
            else:
                self._add(one, at)
        for at, one in self._elements:
            kind = _type(one)
            if kind != _PACKAGE and isinstance(one.get("spdxId"), str):
                draft.aside(str(one["spdxId"]), at)
            if kind.startswith(("software_File", "software_Snippet", "security_")) and kind not in _SECURITY:
                draft.left[f"elements of the type {kind[:60]}"] += 1
        for at, one in related:
            self._relate(at, one)
        self._assess(related)

    def _of(self, kind: str) -> Iterator[tuple[str, Mapping[str, object]]]:
        return ((at, one) for at, one in self._elements if _type(one) == kind)

    def _described(self, related: list[tuple[str, Mapping[str, object]]]) -> set[str]:
        """Return the ids that the document is about: through whatever gathers them."""
        found: set[str] = set()
        waiting = [(at, one) for at, one in self._elements if _type(one) == "SpdxDocument"]
        waiting = waiting or [(at, one) for at, one in self._elements if _type(one) in _GATHERS]
        tops = {str(one.get("spdxId")) for _, one in waiting}
        done: set[int] = set()
        while waiting:
            at, one = waiting.pop()
            if id(one) in done:
                continue
            done.add(id(one))
            for reference in self._references(one, "rootElement", at):
                if _type(self._by_id.get(reference, {})) in _GATHERS:
                    waiting.append((at, self._by_id[reference]))
                else:
                    found.add(reference)
        for at, one in related:
            if one.get("relationshipType") == "describes" and _id(one.get("from")) in tops:
                found |= set(self._references(one, "to", at))
        return found

    def _ends(self, related: list[tuple[str, Mapping[str, object]]]) -> tuple[set[str], set[str]]:
        """Return what is needed to make something, and what is in something or needed there."""
        made: set[str] = set()
        held: set[str] = set()
        for at, one in related:
            kind, to = _said(one, "relationshipType"), self._references(one, "to", at)
            if kind in _MAKES or (kind in _NEEDS and _said(one, "scope") in _SCOPES):
                made |= set(to)
            elif kind in _CONTAINS | _NEEDS:
                held |= set(to)
        return made, held

    def _references(self, raw: Mapping[str, object], field: str, at: str) -> list[str]:
        """Return the ids of a list of references, or of elements that stand in their place."""
        value = raw.get(field)
        found = [_id(one) for one in (value if isinstance(value, list) else [] if value is None else [value])]
        if "" in found:
            self._draft.wrong(f"{at}.{field}", f"is {str(value)[:_SHOWN]!r}", "references, as spdxIds")
        return [one for one in found if one]

    def _product(
        self, packages: list[tuple[str, Mapping[str, object]]], described: set[str], product: Part | None
    ) -> None:
        draft = self._draft
        own = [(at, one) for at, one in packages if str(one.get("spdxId")) in described]
        if product is not None:
            draft.add(product, "the product that was given")
        elif len(own) == 1:
            self._add(own[0][1], own[0][0])
        else:
            draft.notes.append(
                f"the document is about {len(own)} packages: the product is the document itself, and they are its parts"
            )
            names = [draft.text(one, "name", at) for at, one in self._elements if _type(one) in _GATHERS]
            if not any(names):
                draft.wrong("the document", "it has no root package, and no name", "a rootElement, or --product")
            draft.add(Part(name=next(filter(None, names), "?")), "the document")

    def _add(self, raw: Mapping[str, object], at: str) -> None:
        draft = self._draft
        for field in raw.keys() - _TAKEN:
            value = raw[field]
            draft.left[field[:40]] += len(value) if isinstance(value, list) else 1
        purl, cpes = self._identifiers(raw, at)
        purpose = draft.text(raw, "software_primaryPurpose", at)
        part = Part(
            name=draft.text(raw, "name", at, instead="?"),
            version=draft.text(raw, "software_packageVersion", at),
            kind=re.sub(r"([A-Z])", r"-\1", purpose[:_SHOWN]).lower(),  # as CycloneDX writes them
            supplier=self._maker(raw, at),
            purl=purl,
            cpes=cpes,
        )
        draft.add(part, at, draft.text(raw, "spdxId", at))

    def _identifiers(self, raw: Mapping[str, object], at: str) -> tuple[str, tuple[str, ...]]:
        draft = self._draft
        purls: dict[str, None] = {draft.text(raw, "software_packageUrl", at): None}
        cpes: dict[str, None] = {}
        for where, one in draft.listed(raw, "externalIdentifier", at):
            kind, told = draft.text(one, "externalIdentifierType", where), draft.text(one, "identifier", where)
            if kind == "packageUrl":
                purls[told] = None
            elif kind == "cpe23":
                cpes[told] = None
            else:
                draft.left[f"identifiers of the type {kind[:40]}"] += 1
        told_purls = [one for one in purls if one]
        if len(told_purls) > 1:
            draft.left["purls beside the first of a package"] += len(told_purls) - 1
        return next(iter(told_purls), ""), tuple(cpes)

    def _maker(self, raw: Mapping[str, object], at: str) -> str:
        for field in ("suppliedBy", "originatedBy"):
            for reference in self._references(raw, field, at):
                name = self._draft.text(self._by_id.get(reference, {}), "name", f"{at}.{field}")
                if name:
                    return name
        return ""

    def _numbers(self, raw: Mapping[str, object], field: str, at: str) -> list[int]:
        """Return the parts that references name; what is no part, or in another document, is none."""
        found = []
        references = self._references(raw, field, at)
        if field == "from" and len(references) > 1:
            # SPDX 3.0, Relationship: exactly one; many by many would be more edges than the file has bytes
            self._draft.wrong(f"{at}.from", f"there are {len(references):,}", "one reference")
            return []
        for reference in references:
            if reference in self._elsewhere and reference not in self._by_id:
                self._draft.left["relationships with other documents"] += 1
                continue
            number = self._draft.number_of(reference, f"{at}.{field}")
            if number is not None:
                found.append(number)
        return found

    def _relate(self, at: str, one: Mapping[str, object]) -> None:
        draft, kind = self._draft, _said(one, "relationshipType")
        if kind in {"describes", "hasAssociatedVulnerability"} or kind in _MAKES:
            return
        if kind not in _CONTAINS | _NEEDS:
            draft.left[f"relationships of the type {kind[:40]}"] += 1
            return
        if kind in _NEEDS and _said(one, "scope") in _SCOPES:
            return
        edges = draft.contains if kind in _CONTAINS else draft.depends_on
        for number in self._numbers(one, "from", at):
            for other in self._numbers(one, "to", at):
                edges[number][other] = None

    def _assess(self, related: list[tuple[str, Mapping[str, object]]]) -> None:
        """Take VEX assessments; and where there is none, that a package is said to have a vulnerability."""
        draft = self._draft
        assessed: set[tuple[str, int]] = set()
        for at, one in self._elements:
            verdict = _VEX.get(_type(one))
            if verdict is None:
                continue
            parts, ids = self._numbers(one, "to", at), self._vulnerability(_id(one.get("from")), f"{at}.from")
            assessed |= {(id_, part) for id_ in ids for part in parts}
            if ids:
                draft.state(ids, verdict, parts)
        for at, one in related:
            if one.get("relationshipType") != "hasAssociatedVulnerability":
                continue
            parts = self._numbers(one, "from", at)
            for reference in self._references(one, "to", at):
                ids = self._vulnerability(reference, f"{at}.to")
                if ids:
                    free = [part for part in parts if all((id_, part) not in assessed for id_ in ids)]
                    draft.state(ids, Verdict.AFFECTED, free)

    def _vulnerability(self, reference: str, at: str) -> list[str]:
        """Return the ids of a vulnerability; a fault of it is told where it is referred to first."""
        if reference not in self._ids:
            self._ids[reference] = self._told_ids(reference, at)
        return self._ids[reference]

    def _told_ids(self, reference: str, at: str) -> list[str]:
        draft = self._draft
        raw = self._by_id.get(reference, {})
        if _type(raw) != "security_Vulnerability":
            if reference in self._elsewhere:
                draft.left["statements on other documents"] += 1
            else:
                draft.wrong(at, f"there is no vulnerability with the id {reference[:_SHOWN]!r}", "one of this document")
            return []
        told = [draft.text(one, "identifier", where) for where, one in draft.listed(raw, "externalIdentifier", at)]
        ids = [one for one in (draft.text(raw, "name", at), *told) if one]
        if not ids:
            draft.wrong(at, "the vulnerability has no name", "`name`, as CVE-2024-3094")
        if len(ids) > MOST_IDS:
            draft.wrong(at, f"the vulnerability has {len(ids):,} ids", f"at most {MOST_IDS}")
            return []
        return ids


def _said(raw: Mapping[str, object], field: str) -> str:
    """Return a word of a vocabulary; of what is no text, what it looks like, which is no word."""
    return str(raw.get(field, ""))


def _type(raw: Mapping[str, object]) -> str:
    kind = raw.get("type", raw.get("@type"))
    return kind if isinstance(kind, str) else ""


def _id(value: object) -> str:
    """Return the id of an element that is referred to, or stands in place of its reference; empty: it is neither."""
    found = value.get("spdxId") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def _within(raw: Mapping[str, object], at: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield an element and those that stand within it, each with its path."""
    waiting: list[tuple[str, object]] = [(at, raw)]
    while waiting:
        at, value = waiting.pop()
        if isinstance(value, dict):
            if _type(value):
                yield at, value
            waiting += [
                (f"{at}.{name}", inner) for name, inner in reversed(value.items()) if isinstance(inner, dict | list)
            ]
        elif isinstance(value, list):
            waiting += [(f"{at}[{place}]", inner) for place, inner in reversed([*enumerate(value)])]
