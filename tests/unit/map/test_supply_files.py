"""Bills of materials as files: every planted fault is told with its place, what is not taken is counted."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from support.bills import cyclonedx_of, packed, spdx_of
from support.tours import ROOT
from tocsin.errors import InputError, LimitError, MapError
from tocsin.map.supply import reading
from tocsin.map.supply.model import Bill, Part, Statement, Verdict
from tocsin.map.supply.reading import read_bill

if TYPE_CHECKING:
    from collections.abc import Callable


from support.bill_files import CVE, Json, device, faults_of, read


def big(count: int = 200) -> Bill:
    """Return a bill in which each part holds the next ones."""
    draw = random.Random(5)
    parts = [
        Part(
            name=f"lib{at}" if at else "device",
            version=f"1.{at}",
            kind="library",
            supplier="Maker AS",
            purl=f"pkg:generic/lib{at}@1.{at}" if at else "",
            cpes=(f"cpe:2.3:a:maker:lib{at}:1.{at}:*:*:*:*:*:*:*",),
            depends_on=tuple(sorted(draw.sample(range(at + 1, count), min(2, count - at - 1)))),
        )
        for at in range(count)
    ]
    said = tuple(
        Statement(ids=(f"CVE-2026-{1000 + at}",), verdict=Verdict.AFFECTED, parts=(at,)) for at in range(1, 60)
    )
    return Bill(parts=tuple(parts), statements=said)


# --- faults ----------------------------------------------------------------------------------------------------------

Spoil = tuple[str, "Callable[[Json], object]", str]
COMPONENT: Final[tuple[Spoil, ...]] = (
    ("", lambda one: one.update(name=""), "name has 0 characters"),
    (".name", lambda one: one.update(name=["x"]), "is \"['x']\""),
    ("", lambda one: one.update(name="a\tb"), "name has the character U+0009"),
    ("", lambda one: one.update(version="9" * 201), "version has 201 characters"),
    (".purl", lambda one: one.update(purl="pkg:nothing"), "is 'pkg:nothing'"),
    (".purl", lambda one: one.update(purl="http://example.com/x"), "is 'http://example.com/x'"),
    ("", lambda one: one.update(cpe="cpe:2.3:a:maker"), "cpe is 'cpe:2.3:a:maker'"),
    ("", lambda one: one.update(cpe="cpe:2.3:a:maker:lib:1.*.2:*:*:*:*:*:*:*"), "cpe has '1.*.2'"),
    (".supplier", lambda one: one.update(supplier="Maker"), "is no object"),
    ("", lambda one: one.update({"bom-ref": "ref 1"}), "the reference 'ref 1' stands twice"),
)


STATEMENT: Final[tuple[Spoil, ...]] = (
    ("", lambda one: one.pop("id"), "it has no id"),
    (".analysis.state", lambda one: one.update(analysis={"state": "maybe"}), "is 'maybe'"),
    (".affects[0].ref", lambda one: one["affects"][0].update(ref="gone"), "nothing with the reference 'gone'"),
    (".affects", lambda one: one.update(affects="all"), "is 'all'"),
    (".affects[0]", lambda one: one.update(affects=["ref 1"]), "is 'ref 1'"),
)


def test_fifty_faults_are_fifty_and_nothing_is_read() -> None:
    document = cyclonedx_of(big())
    told: dict[str, str] = {}
    for number in range(30):
        at = 20 + 3 * number
        where, spoil, cause = COMPONENT[number % len(COMPONENT)]
        spoil(document["components"][at])
        told[f"bom.cdx.json: components[{at}]{where}"] = cause
        if "twice" in cause:  # who named this one by its reference names nothing now
            gone = f"ref {at + 1}"
            document["dependencies"] = [one for one in document["dependencies"] if one["ref"] != gone]
            for one in document["dependencies"]:
                one["dependsOn"] = [each for each in one["dependsOn"] if each != gone]
            for one in document["vulnerabilities"]:
                one["affects"] = [{"ref": "ref 1"}]
    for number in range(10):
        document["dependencies"][number]["dependsOn"].append("nobody")
        last = len(document["dependencies"][number]["dependsOn"]) - 1
        told[f"bom.cdx.json: dependencies[{number}].dependsOn[{last}]"] = "there is nothing with the reference 'nobody'"
    for number, (where, spoil, cause) in enumerate(STATEMENT * 2):
        spoil(document["vulnerabilities"][number])
        told[f"bom.cdx.json: vulnerabilities[{number}]{where}"] = cause
    assert len(told) == 50
    found = faults_of(document, "bom.cdx.json")
    assert found.keys() == told.keys()
    for place, cause in told.items():
        assert cause in found[place], place


def test_thirty_faults_of_an_spdx_document() -> None:
    document = spdx_of(big())
    told: dict[str, str] = {}
    spoils: tuple[Spoil, ...] = (
        ("", lambda one: one.pop("SPDXID"), "it has no SPDXID"),
        (".supplier", lambda one: one.update(supplier="Maker AS"), "is 'Maker AS'"),
        (".purl", lambda one: one["externalRefs"][0].update(referenceLocator="pkg:x"), "is 'pkg:x'"),
        (".externalRefs", lambda one: one.update(externalRefs={}), "is '{}'"),
        ("", lambda one: one.update(name="\u200b\x07"), "name has the character U+0007"),
    )
    for number in range(15):
        at = 150 + number
        where, spoil, cause = spoils[number % 5]
        spoil(document["packages"][at])
        told[f"bom: packages[{at}]{where}"] = cause
        if "SPDXID" in cause:
            document["relationships"] = [
                one for one in document["relationships"] if f"SPDXRef-{at}" not in one.values()
            ]
    for number in range(1, 16):
        document["relationships"][number]["relatedSpdxElement"] = "SPDXRef-gone"
        told[f"bom: relationships[{number}].relatedSpdxElement"] = "there is nothing with the reference"
    found = faults_of(document)
    assert found.keys() == told.keys()
    for place, cause in told.items():
        assert cause in found[place], place


def test_so_many_faults_are_told_and_the_others_counted() -> None:
    document = cyclonedx_of(big(1_100))
    for one in document["components"]:
        one["purl"] = "pkg:"
    with pytest.raises(MapError) as caught:
        read_bill(packed(document), name="bom")
    assert len(caught.value.faults) == 1_001
    assert caught.value.faults[-1].cause == "99 more faults"


NO_BILL: Final = {
    "no object": (b"[]", "is no object"),
    "neither": (b"{}", "neither of the two"),
    "CycloneDX 1.3": (
        packed({"bomFormat": "CycloneDX", "specVersion": "1.3", "metadata": {"component": {"name": "x"}}}),
        "is '1.3'",
    ),
    "CycloneDX 2.0": (
        packed({"bomFormat": "CycloneDX", "specVersion": "2.0", "metadata": {"component": {"name": "x"}}}),
        "is '2.0'",
    ),
    "SPDX 2.1": (packed({"spdxVersion": "SPDX-2.1", "name": "x"}), "is 'SPDX-2.1'"),
    "SPDX 3.1": (
        packed({"@context": "https://spdx.org/rdf/3.1/spdx-context.jsonld", "@graph": [{"type": "Bom", "name": "x"}]}),
        "is 'https://spdx.org/rdf/3.1/",
    ),
    "SPDX 3 with another context": (
        packed({"@context": ["https://spdx.org/rdf/3.0.1/spdx-context.jsonld", {"name": "https://x.example"}]}),
        "is \"['https://spdx.org",
    ),
    "no product": (packed({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}), "there is none"),
}


@pytest.mark.parametrize("name", NO_BILL)
def test_what_is_no_bill_that_we_read_says_which_are(name: str) -> None:
    data, cause = NO_BILL[name]
    with pytest.raises(MapError) as caught:
        read_bill(data, name="bom")
    assert cause in caught.value.what
    if name != "no product":
        assert any(form in str(caught.value.faults[0].expected) for form in ("1.6", "SPDX-2.3", "SPDX 3.0"))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'{"bomFormat": "CycloneDX", "bomFormat": "CycloneDX"}', "appears twice"),
        (b"{", "JSON"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b"[" * 100 + b"]" * 100, "nests deeper"),
    ],
)
def test_json_that_programs_read_differently_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what):
        read_bill(data, name="bom")


def test_what_is_larger_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LIMITS", msgspec.structs.replace(reading.LIMITS, max_bytes=100))
    with pytest.raises(LimitError):
        read_bill(packed(cyclonedx_of(big(20))), name="bom")


# --- CycloneDX -------------------------------------------------------------------------------------------------------


def test_nested_components_are_inside() -> None:
    inner = {"name": "busybox", "type": "application", "bom-ref": "b"}
    found = read(
        device({"name": "linux", "type": "operating-system", "components": [inner], "group": "org.yocto"})
    ).bill
    assert [part.name for part in found.parts] == ["RTU", "org.yocto/linux", "busybox"]
    assert [part.contains for part in found.parts] == [(1,), (2,), ()]


def test_what_is_excluded_is_not_in_the_product_nor_what_is_in_it() -> None:
    inner = {"name": "pytest-plugin", "bom-ref": "c"}
    document = device({"name": "pytest", "scope": "excluded", "bom-ref": "b", "components": [inner]}, {"name": "libc"})
    document["dependencies"] = [{"ref": "top", "dependsOn": ["b"]}, {"ref": "b", "dependsOn": ["c"]}]
    found = read(document)
    assert [part.name for part in found.bill.parts] == ["RTU", "libc"]
    assert dict(found.left)["components that are not in the product (scope: excluded)"] == 2


def test_who_makes_it() -> None:
    told: list[Json] = [
        {"name": "a", "supplier": {"name": "S"}, "manufacturer": {"name": "M"}, "publisher": "P"},
        {"name": "b", "supplier": {"url": ["x"]}, "manufacturer": {"name": "M"}, "publisher": "P"},
        {"name": "c", "publisher": " P "},
        {"name": "d", "author": "A"},
    ]
    found = read(device(*told))
    assert [part.supplier for part in found.bill.parts[1:]] == ["S", "M", "P", ""]
    assert dict(found.left)["author"] == 1


def test_what_is_not_taken_is_counted() -> None:
    one = {"name": "a", "licenses": [{}, {}], "hashes": [{}], "cpe": "cpe:/a:maker:lib:1"}
    found = read(device(one, services=[{"name": "s", "bom-ref": "service"}], compositions=[{}], version=3))
    assert dict(found.left) == {"licenses": 2, "hashes": 1, "CPE 2.2 names": 1, "services": 1, "compositions": 1}


def test_a_product_may_be_given() -> None:
    document = device({"name": "a"})
    del document["metadata"]
    found = read_bill(packed(document), name="bom", product=Part(name="RTU", version="3")).bill
    assert [(part.name, part.version) for part in found.parts] == [("RTU", "3"), ("a", "")]
    both = read_bill(packed(device({"name": "a"})), name="bom", product=Part(name="Line")).bill
    assert [part.name for part in both.parts] == ["Line", "RTU", "a"]
    assert both.parts[0].contains == (1, 2)


STATES: Final[dict[str, tuple[Json, Verdict]]] = {
    "nothing": ({}, Verdict.AFFECTED),
    "exploitable": ({"analysis": {"state": "exploitable"}}, Verdict.AFFECTED),
    "in triage": ({"analysis": {"state": "in_triage"}}, Verdict.IN_TRIAGE),
    "resolved": ({"analysis": {"state": "resolved"}}, Verdict.FIXED),
    "false positive": ({"analysis": {"state": "false_positive"}}, Verdict.NOT_AFFECTED),
    "its version": ({"versions": [{"version": "1"}]}, Verdict.AFFECTED),
    "its version is not": ({"versions": [{"version": "1", "status": "unaffected"}]}, Verdict.NOT_AFFECTED),
    "another version": ({"versions": [{"version": "2"}]}, Verdict.UNCLEAR),
    "a range": ({"versions": [{"range": "vers:generic/<2"}]}, Verdict.AFFECTED),
    "a range that leaves it out": ({"versions": [{"range": "vers:generic/>2"}]}, Verdict.UNCLEAR),
    "a range that cannot be compared": ({"versions": [{"range": "vers:unheard-of/<2"}]}, Verdict.UNCLEAR),
    "a range that is none": ({"versions": [{"range": "<2"}]}, Verdict.UNCLEAR),
    "a range that is unaffected": (
        {"versions": [{"range": "vers:generic/<2", "status": "unaffected"}]},
        Verdict.NOT_AFFECTED,
    ),
    "all versions": ({"versions": [{"range": "vers:all/*"}]}, Verdict.AFFECTED),
    "both": (
        {"versions": [{"range": "vers:generic/<2"}, {"version": "1", "status": "unaffected"}]},
        Verdict.AFFECTED,
    ),
    "unaffected, and perhaps affected": (
        {"versions": [{"range": "vers:generic/<2b"}, {"version": "1", "status": "unaffected"}]},
        Verdict.UNCLEAR,
    ),
    "unaffected, and unknown": (
        {
            "versions": [
                {"range": "vers:generic/<2", "status": "unknown"},
                {"version": "1", "status": "unaffected"},
            ]
        },
        Verdict.UNCLEAR,
    ),
    "in triage, by a range": (
        {"analysis": {"state": "in_triage"}, "versions": [{"range": "vers:generic/<2"}]},
        Verdict.IN_TRIAGE,
    ),
    "not affected, whatever the range": (
        {"analysis": {"state": "not_affected"}, "versions": [{"range": "vers:generic/<2"}]},
        Verdict.NOT_AFFECTED,
    ),
    "in triage, its version": ({"analysis": {"state": "in_triage"}, "versions": [{"version": "1"}]}, Verdict.IN_TRIAGE),
}


@pytest.mark.parametrize("name", STATES)
def test_what_is_said_of_a_vulnerability(name: str) -> None:
    given, verdict = STATES[name]
    affects: Json = {"ref": "a"} | {key: value for key, value in given.items() if key == "versions"}
    said: Json = {"id": CVE, "affects": [affects]} | {key: value for key, value in given.items() if key == "analysis"}
    found = read(device({"name": "a", "version": "1", "bom-ref": "a"}, vulnerabilities=[said]))
    assert found.bill.statements == (Statement(ids=(CVE,), verdict=verdict, parts=(1,)),)
    doubtful = {"a range that cannot be compared", "a range that is none", "unaffected, and perhaps affected"}
    assert any("range" in what for what, _ in found.left) == (name in doubtful)


def test_a_vulnerability_has_all_its_ids_and_other_documents_are_counted() -> None:
    said = {
        "id": "GHSA-rxwq-x6h5-x525",
        "references": [{"id": CVE, "source": {"name": "NVD"}}],
        "affects": [{"ref": "top"}, {"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#x"}],
    }
    found = read(device(vulnerabilities=[said]))
    (statement,) = found.bill.statements
    assert statement.ids == ("GHSA-rxwq-x6h5-x525", CVE)
    assert statement.parts == (0,)
    assert dict(found.left) == {"statements on other documents (BOM-Link)": 1}


# --- SPDX ------------------------------------------------------------------------------------------------------------


def related(*kinds: tuple[str, str, str], described: tuple[str, ...] = ("0",), count: int = 4) -> Json:
    return {
        "spdxVersion": "SPDX-2.3",
        "name": "image",
        "documentDescribes": [f"SPDXRef-{one}" for one in described],
        "packages": [{"SPDXID": f"SPDXRef-{at}", "name": f"p{at}", "supplier": "NOASSERTION"} for at in range(count)],
        "files": [{"SPDXID": "SPDXRef-file", "fileName": "./a"}],
        "relationships": [
            {"spdxElementId": f"SPDXRef-{one}", "relationshipType": kind, "relatedSpdxElement": f"SPDXRef-{other}"}
            for one, kind, other in kinds
        ],
    }


def test_relationships_from_either_side() -> None:
    found = read(related(("0", "CONTAINS", "1"), ("2", "CONTAINED_BY", "1"), ("3", "RUNTIME_DEPENDENCY_OF", "2"))).bill
    assert [(part.contains, part.depends_on) for part in found.parts] == [((1,), ()), ((2,), ()), ((), (3,)), ((), ())]


def test_tools_and_tests_are_not_in_the_product() -> None:
    found = read(related(("0", "CONTAINS", "1"), ("2", "BUILD_TOOL_OF", "0"), ("3", "TEST_DEPENDENCY_OF", "0")))
    assert [part.name for part in found.bill.parts] == ["p0", "p1"]
    both = read(related(("2", "TEST_DEPENDENCY_OF", "0"), ("1", "DEPENDS_ON", "2"), ("3", "DEV_TOOL_OF", "1")))
    assert [part.name for part in both.bill.parts] == ["p0", "p1", "p2"]


def test_a_document_that_describes_several_packages_is_the_product() -> None:
    found = read(related(described=("0", "1")))
    assert [part.name for part in found.bill.parts] == ["image", "p0", "p1", "p2", "p3"]
    assert found.bill.parts[0].contains == (1, 2, 3, 4)
    assert found.notes


def test_files_other_documents_and_other_relationships_are_counted() -> None:
    found = read(related(("0", "CONTAINS", "file"), ("0", "VARIANT_OF", "1"), ("0", "DEPENDS_ON", "1")))
    assert dict(found.left) == {"files": 1, "relationships of the type VARIANT_OF": 1}
    document = related()
    document["relationships"] = [
        {"spdxElementId": "SPDXRef-0", "relationshipType": "CONTAINS", "relatedSpdxElement": other}
        for other in ("DocumentRef-os:SPDXRef-1", "NOASSERTION", "NONE")
    ]
    assert dict(read(document).left) == {"files": 1, "relationships with other documents": 1}


@pytest.mark.parametrize(
    ("name", "product", "parts"),
    [("gateway.spdx3", "Gateway", 3), ("rtu.cdx", "RTU 560 firmware", 5), ("pump.spdx", "Pump control", 2)],
)
def test_the_examples_are_bills(name: str, product: str, parts: int) -> None:
    data = (ROOT / "examples" / "bills" / f"{name}.json").read_bytes()
    bill = read_bill(data, name=name).bill
    assert (bill.product.name, len(bill.parts)) == (product, parts)
