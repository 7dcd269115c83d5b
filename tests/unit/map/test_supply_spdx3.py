"""SPDX 3.0 in JSON-LD: what is read of it, every fault with its place, what is not taken counted."""

from __future__ import annotations

from typing import Final

import pytest

from support.bill_files import CVE, Json, faults_of, read
from tocsin.map.supply.model import Part, Verdict


def graph(*elements: Json, count: int = 4) -> Json:
    packages = [
        {"type": "software_Package", "spdxId": f"urn:p{at}", "name": f"p{at}", "creationInfo": "_:c"}
        for at in range(count)
    ]
    document = {"type": "SpdxDocument", "spdxId": "urn:d", "name": "image", "rootElement": ["urn:s"]}
    sbom = {"type": "software_Sbom", "spdxId": "urn:s", "rootElement": ["urn:p0"], "element": ["urn:p0"]}
    return {
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": [
            document,
            sbom,
            *packages,
            {"type": "Organization", "spdxId": "urn:o", "name": "Maker AS"},
            *elements,
        ],
    }


def between(one: str, kind: str, *others: str, scope: str | None = None) -> Json:
    said: Json = {"type": "Relationship", "spdxId": f"urn:{one}-{kind}-{'-'.join(others)}", "relationshipType": kind}
    said |= {"from": f"urn:{one}", "to": [f"urn:{other}" for other in others]}
    return said | ({"type": "LifecycleScopedRelationship", "scope": scope} if scope else {})


def vex(kind: str, *parts: str) -> Json:
    return between("v", "said", *parts) | {"type": f"security_Vex{kind}VulnAssessmentRelationship"}


VULNERABILITY: Final[Json] = {
    "type": "security_Vulnerability",
    "spdxId": "urn:v",
    "name": CVE,
    "externalIdentifier": [{"externalIdentifierType": "securityOther", "identifier": "GHSA-rxwq-x6h5-x525"}],
}


def test_spdx_3_from_one_graph() -> None:
    found = read(
        graph(
            between("p0", "contains", "p1"),
            between("p1", "dependsOn", "p2", scope="runtime"),
            between("p0", "dependsOn", "p3", scope="build"),
            between("p0", "hasDeclaredLicense", "l"),
        )
    )
    assert found.form == "SPDX 3.0.1"
    assert [(part.name, part.contains, part.depends_on) for part in found.bill.parts] == [
        ("p0", (1,), ()),
        ("p1", (), (2,)),
        ("p2", (), ()),
    ]
    assert dict(found.left) == {
        "packages that only build, test, develop or document the product": 1,
        "relationships of the type hasDeclaredLicense": 1,
    }


def test_spdx_3_elements_within_each_other() -> None:
    document = graph(count=0)
    package = {
        "type": "software_Package",
        "spdxId": "urn:p0",
        "name": "RTU",
        "software_packageVersion": "12.4",
        "software_primaryPurpose": "operatingSystem",
        "suppliedBy": {"type": "Organization", "spdxId": "urn:m", "name": "Inner AS"},
        "externalIdentifier": [
            {"type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": "pkg:generic/rtu@12.4"}
        ],
    }
    document["@graph"][1]["rootElement"] = [package]
    (part,) = read(document).bill.parts
    assert part == Part(
        name="RTU", version="12.4", kind="operating-system", supplier="Inner AS", purl="pkg:generic/rtu@12.4"
    )


def test_what_spdx_3_says_of_vulnerabilities() -> None:
    told = [
        VULNERABILITY,
        vex("Affected", "p0"),
        vex("NotAffected", "p1"),
        vex("Fixed", "p2"),
        vex("UnderInvestigation", "p3"),
    ]
    found = read(graph(*told, between("p1", "hasAssociatedVulnerability", "v"))).bill
    assert {(one.ids, one.verdict, one.parts) for one in found.statements} == {
        ((CVE, "GHSA-rxwq-x6h5-x525"), verdict, (at,))
        for at, verdict in enumerate((Verdict.AFFECTED, Verdict.NOT_AFFECTED, Verdict.FIXED, Verdict.IN_TRIAGE))
    }
    (alone,) = read(graph(VULNERABILITY, between("p1", "hasAssociatedVulnerability", "v"))).bill.statements
    assert (alone.verdict, alone.parts) == (Verdict.AFFECTED, (1,))


SPOILT_GRAPHS: Final[dict[str, tuple[Json, str, str]]] = {
    "no id": (graph({"type": "software_Package", "name": "x"}), "@graph[7]", "it has no spdxId"),
    "twice": (graph({"type": "software_Package", "spdxId": "urn:p1", "name": "x"}), "@graph[7]", "stands twice"),
    "nobody": (graph(between("p0", "contains", "p9")), "@graph[7].to", "nothing with the reference 'urn:p9'"),
    "no text": (
        graph({"type": "software_Package", "spdxId": "urn:x", "name": ["x"]}),
        "@graph[7].name",
        "is \"['x']\"",
    ),
    "no reference": (graph(between("p0", "contains") | {"to": [3]}), "@graph[7].to", "is '[3]'"),
    "from many": (
        graph(between("p0", "contains", "p1") | {"from": ["urn:p0", "urn:p1"]}),
        "@graph[7].from",
        "there are 2",
    ),
    "a vulnerability of fifty names": (
        graph(
            VULNERABILITY
            | {
                "externalIdentifier": [
                    {"type": "ExternalIdentifier", "externalIdentifierType": "cve", "identifier": f"CVE-2024-{number}"}
                    for number in range(10_000, 10_050)
                ]
            },
            vex("Fixed", "p1"),
        ),
        "@graph[8].from",
        "the vulnerability has 51 ids",
    ),
    "no vulnerability": (graph(vex("Fixed", "p1")), "@graph[7].from", "no vulnerability with the id 'urn:v'"),
    "no purl": (
        graph({"type": "software_Package", "spdxId": "urn:x", "name": "x", "software_packageUrl": "pkg:x"}),
        "@graph[7].purl",
        "is 'pkg:x'",
    ),
}


@pytest.mark.parametrize("name", SPOILT_GRAPHS)
def test_faults_of_spdx_3_have_their_places(name: str) -> None:
    document, at, cause = SPOILT_GRAPHS[name]
    found = faults_of(document)
    assert cause in found[f"bom: {at}"]
    assert len(found) == 1


def test_spdx_3_other_documents_are_counted() -> None:
    elsewhere = {"type": "ExternalMap", "externalSpdxId": "urn:far"}
    found = read(graph(elsewhere, between("p0", "dependsOn", "far", "p1")))
    assert found.bill.parts[0].depends_on == (1,)
    assert dict(found.left) == {"relationships with other documents": 1}
