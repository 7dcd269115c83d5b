"""Made-up bills of materials, and the documents that say them: CycloneDX and SPDX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import structs

from tocsin.map.supply.model import Bill, Part, Statement, Verdict

if TYPE_CHECKING:
    import random

__all__ = ["cyclonedx_of", "edges_of", "made_bill", "packed", "spdx3_of", "spdx_of"]

Json = dict[str, Any]

_STATES: Final = {
    Verdict.AFFECTED: "exploitable",
    Verdict.IN_TRIAGE: "in_triage",
    Verdict.FIXED: "resolved",
    Verdict.NOT_AFFECTED: "not_affected",
}
_SUPPLIERS: Final = ("", "Nordstation AS", "Vannteknikk AB", "Debian")


def made_bill(draw: random.Random, *, product: str = "product", names: int = 12) -> Bill:
    """Return a bill of few names, so that several bills share parts; edges are anybody's, rings included."""
    count = draw.randint(1, 12)
    parts = [Part(name=product, version=str(draw.randint(1, 3)), kind="firmware", supplier=draw.choice(_SUPPLIERS))]
    for _ in range(count - 1):
        name, version = f"lib{draw.randrange(names)}", str(draw.randint(1, 3))
        parts.append(
            Part(
                name=name,
                version=version,
                kind="library",
                supplier=draw.choice(_SUPPLIERS),
                purl=f"pkg:generic/{name}@{version}" if draw.random() < 0.7 else "",
                cpes=(f"cpe:2.3:a:maker:{name}:{version}:*:*:*:*:*:*:*",) if draw.random() < 0.3 else (),
            )
        )
    contains: dict[int, set[int]] = {at: set() for at in range(count)}
    depends: dict[int, set[int]] = {at: set() for at in range(count)}
    for at in range(1, count):
        # every part is in the product: something before it holds it
        contains[draw.randrange(at)].add(at)
    for _ in range(draw.randrange(2 * count)):
        one, other = draw.randrange(count), draw.randrange(count)
        if one != other and other not in contains[one]:
            depends[one].add(other)
    statements = tuple(
        Statement(
            ids=(f"CVE-2026-{1000 + number}",),
            verdict=draw.choice(list(_STATES)),
            parts=tuple(sorted(draw.sample(range(count), draw.randint(1, min(3, count))))),
        )
        for number in range(3)
        if draw.random() < 0.6
    )
    return Bill(
        parts=tuple(
            structs.replace(part, contains=tuple(sorted(contains[at])), depends_on=tuple(sorted(depends[at])))
            for at, part in enumerate(parts)
        ),
        statements=statements,
    )


def edges_of(bill: Bill) -> set[tuple[str, int, int]]:
    """Return the edges of a bill."""
    return {("contains", at, other) for at, part in enumerate(bill.parts) for other in part.contains} | {
        ("depends_on", at, other) for at, part in enumerate(bill.parts) for other in part.depends_on
    }


def _component(part: Part, number: int) -> Json:
    found: Json = {"type": part.kind, "bom-ref": f"ref {number}", "name": part.name, "version": part.version}
    if part.supplier:
        found["supplier"] = {"name": part.supplier}
    if part.purl:
        found["purl"] = part.purl
    if part.cpes:
        found["cpe"] = part.cpes[0]
    return found


def cyclonedx_of(bill: Bill, version: str = "1.6") -> Json:
    """Return a bill as CycloneDX: all components in one list, so that everything held is depended on."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "metadata": {"component": _component(bill.product, 0)},
        "components": [_component(part, at) for at, part in enumerate(bill.parts) if at],
        "dependencies": [
            {"ref": f"ref {at}", "dependsOn": [f"ref {one}" for one in (*part.contains, *part.depends_on)]}
            for at, part in enumerate(bill.parts)
        ],
        "vulnerabilities": [
            {
                "id": one.ids[0],
                "analysis": {"state": _STATES[one.verdict]},
                "affects": [{"ref": f"ref {number}"} for number in one.parts],
            }
            for one in bill.statements
        ],
    }


def spdx_of(bill: Bill, version: str = "SPDX-2.3") -> Json:
    """Return a bill as SPDX; it says nothing of vulnerabilities."""
    packages = []
    for at, part in enumerate(bill.parts):
        found: Json = {
            "SPDXID": f"SPDXRef-{at}",
            "name": part.name,
            "versionInfo": part.version,
            "downloadLocation": "NOASSERTION",
            "primaryPackagePurpose": part.kind.upper(),
            "supplier": f"Organization: {part.supplier} (post@maker.example)" if part.supplier else "NOASSERTION",
            "externalRefs": [
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": kind, "referenceLocator": text}
                for kind, text in (("purl", part.purl), *(("cpe23Type", one) for one in part.cpes))
                if text
            ],
        }
        packages.append(found)
    relationships = [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-0")]
    for kind, at, other in sorted(edges_of(bill)):
        relationships.append(
            (f"SPDXRef-{at}", "CONTAINS", f"SPDXRef-{other}")
            if kind == "contains"
            else (f"SPDXRef-{other}", "DEPENDENCY_OF", f"SPDXRef-{at}")
        )
    return {
        "spdxVersion": version,
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "document",
        "packages": packages,
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relationships
        ],
    }


def packed(document: Json) -> bytes:
    """Return a document as its file."""
    return msgspec.json.encode(document)


_VEX: Final = {
    Verdict.AFFECTED: "Affected",
    Verdict.IN_TRIAGE: "UnderInvestigation",
    Verdict.FIXED: "Fixed",
    Verdict.NOT_AFFECTED: "NotAffected",
}


def spdx3_of(bill: Bill) -> Json:
    """Return a bill as SPDX 3.0.1."""
    makers = {part.supplier: f"urn:maker:{at}" for at, part in enumerate(bill.parts) if part.supplier}
    graph: list[Json] = [
        {"type": "CreationInfo", "@id": "_:c", "created": "2026-01-01T00:00:00Z", "specVersion": "3.0.1"},
        {"type": "SpdxDocument", "spdxId": "urn:document", "name": "document", "rootElement": ["urn:part:0"]},
        *({"type": "Organization", "spdxId": id_, "name": name} for name, id_ in makers.items()),
    ]
    for at, part in enumerate(bill.parts):
        found: Json = {"type": "software_Package", "spdxId": f"urn:part:{at}", "name": part.name}
        found |= {"software_packageVersion": part.version, "software_primaryPurpose": part.kind}
        if part.supplier:
            found["suppliedBy"] = makers[part.supplier]
        if part.purl:
            found["software_packageUrl"] = part.purl
        if part.cpes:
            found["externalIdentifier"] = [{"externalIdentifierType": "cpe23", "identifier": one} for one in part.cpes]
        graph.append(found)
    for kind, at, other in sorted(edges_of(bill)):
        graph.append(
            {"type": "Relationship", "spdxId": f"urn:{kind}:{at}:{other}", "from": f"urn:part:{at}"}
            | {"relationshipType": "contains" if kind == "contains" else "dependsOn", "to": [f"urn:part:{other}"]}
        )
    for number, one in enumerate(bill.statements):
        graph.append({"type": "security_Vulnerability", "spdxId": f"urn:v:{number}", "name": one.ids[0]})
        graph.append(
            {"type": f"security_Vex{_VEX[one.verdict]}VulnAssessmentRelationship", "spdxId": f"urn:said:{number}"}
            | {"from": f"urn:v:{number}", "to": [f"urn:part:{part}" for part in one.parts]}
        )
    return {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph}
