"""Bills of materials as files: every planted fault is told with its place, what is not taken is counted."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from support.bills import cyclonedx_of, packed, spdx_of
from support.tours import ROOT
from tocsin.errors import InputError, LimitError, MapError
from tocsin.map.formats.fields import Wrong
from tocsin.map.supply import reading
from tocsin.map.supply.cpe import covers, may_be, require_cpe
from tocsin.map.supply.graph import assembled
from tocsin.map.supply.model import Bill, Part, Statement, Verdict
from tocsin.map.supply.names import asked_of, fits, is_exact, is_vulnerability
from tocsin.map.supply.ranges import require_range
from tocsin.map.supply.reading import read_bill
from tocsin.map.supply.wire import BillWord

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.map.supply.draft import ReadBill

Json = dict[str, Any]

CVE: Final = "CVE-2024-3094"


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


def faults_of(document: Json, name: str = "bom") -> dict[str, str]:
    with pytest.raises(MapError) as caught:
        read_bill(packed(document), name=name)
    return {str(fault.at): fault.cause for fault in caught.value.faults}


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


def device(*components: Json, **more: Any) -> Json:  # noqa: ANN401  JSON
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": {"type": "device", "name": "RTU", "version": "2", "bom-ref": "top"}},
        "components": list(components),
    } | more


def read(document: Json) -> ReadBill:
    return read_bill(packed(document), name="bom")


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


# part's purl, else its version; the range; whether the part is in it
RANGES: Final = {
    "npm": ("pkg:npm/lodash@4.17.20", "vers:npm/<4.17.21", True),
    "npm, the one that is mended": ("pkg:npm/lodash@4.17.21", "vers:npm/<4.17.21", False),
    "npm, before it": ("pkg:npm/lodash@4.17.21-rc.1", "vers:npm/<4.17.21", True),
    "npm, short": ("pkg:npm/lodash@1.5.0", "vers:npm/>=1|<2", True),
    "npm, short and before": ("pkg:npm/lodash@1.5.0-a", "vers:npm/>=1|<2", None),
    "npm, as semver": ("pkg:npm/lodash@4.17.20", "vers:semver/<4.17.21", True),
    "go, as semver": ("pkg:golang/example.org/x@v1.2.3", "vers:semver/>=1.2.3|<1.2.4", True),
    "go": ("pkg:golang/example.org/x@v0.0.0-20210101000000-abcdef", "vers:golang/<0.1.0", True),
    "deb": ("pkg:deb/debian/openssl@3.0.11-1~deb12u2", "vers:deb/<3.0.11-1", True),
    "deb, an epoch": ("pkg:deb/debian/vim@9.0?epoch=2", "vers:deb/<1:9.1", False),
    "rpm": ("pkg:rpm/redhat/curl@7.61.1-30.el8", "vers:rpm/<7.61.1-33.el8", True),
    "rpm, without a release": ("pkg:rpm/redhat/curl@7.61.1", "vers:rpm/<7.61.1-33.el8", None),
    "pypi": ("pkg:pypi/django@4.2rc1", "vers:pypi/>=4.1|<4.2", True),
    "pypi, an own build": ("pkg:pypi/django@4.2+ours", "vers:pypi/<=4.2", None),
    "pypi, an own build, spelt otherwise": ("pkg:pypi/django@4.2+ours", "vers:pypi/<=4.2.0", None),
    "another kind": ("pkg:deb/debian/node-lodash@4.17.20", "vers:npm/<4.17.21", None),
    "maven": ("pkg:maven/org.x/log4j@2.14.1", "vers:maven/>=2.0|<2.15.0", True),
    "maven, words": ("pkg:maven/org.x/log4j@2.0-beta9", "vers:maven/>=2.0|<2.15.0", None),
    "nothing but its version": ("12.4", "vers:generic/<12.5", True),
    "a letter": ("12.4b", "vers:generic/<12.4", None),
    "no version": ("", "vers:generic/<12.4", None),
    "two branches": ("pkg:npm/a@2.1.0", "vers:npm/<1.4.1|>=2.0.0|<2.17.2", True),
    "between two branches": ("pkg:npm/a@1.5.0", "vers:npm/<1.4.1|>=2.0.0|<2.17.2", False),
    "but for one": ("pkg:npm/a@1.5.0", "vers:npm/>=1.0.0|!=1.5.0|<2.0.0", False),
    "all but one": ("pkg:npm/a@1.6.0", "vers:npm/!=1.5.0", True),
    "one of some": ("pkg:npm/a@1.6.0", "vers:npm/1.5.0|1.6.0|>=3.0.0", True),
    "none of some": ("pkg:npm/a@1.7.0", "vers:npm/1.5.0|1.6.0|>=3.0.0", False),
    "encoded": ("pkg:generic/a@1%2A", "vers:generic/1%2a", True),
    "nothing": ("pkg:npm/a@1.7.0", "vers:none/*", False),
}


@pytest.mark.parametrize("name", RANGES)
def test_a_part_is_in_a_range_or_not_or_nobody_can_say(name: str) -> None:
    told, range_, inside = RANGES[name]
    part = {"purl": told} if told.startswith("pkg:") else {"version": told}
    for status, verdict in (("affected", Verdict.AFFECTED), ("unaffected", Verdict.NOT_AFFECTED)):
        said = {"id": CVE, "affects": [{"ref": "a", "versions": [{"range": range_, "status": status}]}]}
        found = read(device(part | {"name": "a", "bom-ref": "a"}, vulnerabilities=[said]))
        assert found.bill.statements[0].verdict is (verdict if inside else Verdict.UNCLEAR)
        assert bool(found.left) == (inside is None)


def test_versions_of_a_list_are_equal_by_the_rules_of_their_kind() -> None:
    for version, verdict in (("1.0", Verdict.AFFECTED), ("1.1", Verdict.UNCLEAR), ("1.0+ours", Verdict.UNCLEAR)):
        said = {"id": CVE, "affects": [{"ref": "a", "versions": [{"version": version}]}]}
        part = {"name": "a", "bom-ref": "a", "version": "1.0.0", "purl": "pkg:pypi/a@1.0.0"}
        found = read(device(part, vulnerabilities=[said])).bill
        assert found.statements[0].verdict is verdict, version


@pytest.mark.parametrize("spelt", ["v1.0.0", "1.0.0-alpha.x!"])
def test_an_affected_version_that_cannot_be_compared_is_cleared_by_no_range(spelt: str) -> None:
    versions = [{"version": spelt, "status": "affected"}, {"range": "vers:npm/>=1.0.0", "status": "unaffected"}]
    part = {"name": "a", "bom-ref": "a", "version": "1.0.0", "purl": "pkg:npm/a@1.0.0"}
    found = read(device(part, vulnerabilities=[{"id": CVE, "affects": [{"ref": "a", "versions": versions}]}])).bill
    assert found.statements[0].verdict is Verdict.UNCLEAR


@pytest.mark.parametrize(
    "text",
    [
        "vers:npm",
        "vers:npm/",
        "vers:npm/=1.0.0",
        "vers:npm/>=1.0.0|>2.0.0",
        "vers:npm/1.0.0|<2.0.0",
        "vers:npm/<2.0.0|>=1.0.0",
        "vers:npm/1.0.0|!=1.0.0",
        "vers:npm/>= 1.0.0",
        "vers:npm/1.0.0||2.0.0",
        "vers:npm/*|1.0.0",
        "vers:npm/%zz",
        "vers:npm/%ff",
        "vers:all/1",
        "vers:invalid/1",
        "vers:1npm/1",
        "npm/1",
        "vers:npm/" + "9" * 5_000,
        "vers:npm/" + "|".join(str(at) for at in range(600)),
    ],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(Wrong):
        require_range(text)


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


# --- SPDX 3 ----------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("name", "product", "parts"),
    [("gateway.spdx3", "Gateway", 3), ("rtu.cdx", "RTU 560 firmware", 5), ("pump.spdx", "Pump control", 2)],
)
def test_the_examples_are_bills(name: str, product: str, parts: int) -> None:
    data = (ROOT / "examples" / "bills" / f"{name}.json").read_bytes()
    bill = read_bill(data, name=name).bill
    assert (bill.product.name, len(bill.parts)) == (product, parts)


# --- questions -------------------------------------------------------------------------------------------------------

XZ: Final = Part(
    name="debian/xz-utils",
    version="5.6.0",
    supplier="Debian",
    purl="pkg:deb/debian/xz-utils@5.6.0?arch=armhf",
    cpes=("cpe:2.3:a:tukaani:xz:5.6.0:*:*:*:*:*:*:*",),
)
QUESTIONS: Final = {
    "pkg:deb/debian/xz-utils@5.6.0": (True, True),
    "pkg:DEB/Debian/xz-utils@5.6.0": (False, True),  # a namespace of deb keeps its capitals in this library
    "pkg:deb/debian/xz-utils": (True, False),
    "pkg:deb/debian/xz-utils@5.6.1": (False, True),
    "pkg:deb/debian/xz-utils@5.6.0?arch=armhf": (True, True),
    "pkg:deb/debian/xz-utils@5.6.0?arch=amd64": (False, True),
    "pkg:deb/ubuntu/xz-utils@5.6.0": (False, True),
    "cpe:2.3:a:tukaani:xz:5.6.0:*:*:*:*:*:*:*": (True, True),
    "cpe:2.3:a:TUKAANI:xz:5.6.0:*:*:*:*:*:*:*": (True, True),
    "cpe:2.3:a:tukaani:xz:*:*:*:*:*:*:*:*": (True, False),
    "cpe:2.3:a:tukaani:xz:5.6.1:*:*:*:*:*:*:*": (False, True),
    "cpe:2.3:a:tukaani:xz:5.6.0:alpha:*:*:*:*:*:*": (False, True),
    "cpe:2.3:a:tukaani:xz:5.6.*:*:*:*:*:*:*:*": (True, False),
    "cpe:2.3:a:tukaani:xz:5.6.?:*:*:*:*:*:*:*": (True, False),
    "cpe:2.3:a:tukaani:xz:5.6.0??:*:*:*:*:*:*:*": (True, False),
    "cpe:2.3:a:tukaani:xz:5.?:*:*:*:*:*:*:*": (False, False),
    "cpe:2.3:a:*aan*:xz:5\\.6\\.0:*:*:*:*:*:*:*": (True, False),
    "cpe:2.3:a:tukaani:xz:-:*:*:*:*:*:*:*": (False, True),
    "xz-utils": (True, False),
    "XZ-Utils@5.6.0": (True, True),
    "debian/xz-utils@5.6.0": (True, True),
    "xz-utils@5.6": (False, True),
    "xz": (False, False),
}


@pytest.mark.parametrize("text", QUESTIONS)
def test_what_fits(text: str) -> None:
    asked = asked_of(text)
    assert (fits(asked, XZ), is_exact(asked)) == QUESTIONS[text]


# the question's value and the part's of one attribute: whether the first covers the second, and whether they may be one
RELATIONS: Final = {
    ("*", "1.0"): (True, True),
    ("1.0", "*"): (False, True),
    ("*", "-"): (True, True),
    ("-", "*"): (False, True),
    ("-", "-"): (True, True),
    ("-", "1.0"): (False, False),
    ("1.0", "-"): (False, False),
    ("1.*", "1.0"): (True, True),
    ("1.*", "2.0"): (False, False),
    ("1.*", "-"): (False, False),
    ("1.*", "*"): (False, True),
    ("1.0", "1.*"): (False, True),
    ("1.*", "1.*"): (True, True),
    ("1.*", "*.0"): (False, False),
    ("?7", "17"): (True, True),
    ("?7", "7"): (True, True),
    ("1.?", "1."): (True, True),
    ("1.?", "1.10"): (False, False),
    ("1.??", "1.10"): (True, True),
    ("??0", "1.0"): (True, True),
    ("*1\\*", "1\\*"): (True, True),
    ("1\\*", "10"): (False, False),
    ("\\-", "-"): (False, False),
    ("1\\.0", "1.0"): (True, True),
}


@pytest.mark.parametrize("values", RELATIONS)
def test_cpe_names_cover_one_another_as_nistir_7696_has_it(values: tuple[str, str]) -> None:
    one, other = (require_cpe(f"cpe:2.3:a:maker:lib:{value}:*:*:*:*:*:*:*") for value in values)
    assert (covers(one, other), may_be(one, other)) == RELATIONS[values]
    assert may_be(other, one) == RELATIONS[values][1]


def test_a_part_whose_own_cpe_name_leaves_it_open_is_near_and_not_counted() -> None:
    cpe = "cpe:2.3:a:maker:lib:{}:*:*:*:*:*:*:*"

    def word(number: int, version: str, *, said: bool = False) -> BillWord:
        parts = (
            Part(name=f"product {number}", version="1", contains=(1,)),
            Part(name="lib", version=f"v{number}", cpes=(cpe.format(version),)),
        )
        told = (Statement(ids=(CVE,), verdict=Verdict.AFFECTED, parts=(1,)),) if said else ()
        return BillWord(id=f"bill {number}", by="x", modified=0, bill=Bill(parts=parts, statements=told))

    chains = assembled([word(1, "1.0", said=True), word(2, "*"), word(3, "1.*"), word(4, "2.0"), word(5, "1.0")])
    for answer in (chains.vulnerable(CVE), chains.asked(asked_of(cpe.format("1.0")))):
        assert (answer.parts, answer.near) == (2, ("lib v2", "lib v3"))
    assert chains.asked(asked_of(cpe.format("1.*"))).parts == 3
    assert chains.asked(asked_of(cpe.format("*"))).parts == 5


@pytest.mark.parametrize(
    "text", ["", "pkg:", "cpe:/a:x", "vers:npm/<2", "cpe:2.3:a:b:c:1.?.2:*:*:*:*:*:*:*", "a\nb", "x" * 3_000]
)
def test_what_asks_for_nothing_says_what_to_write(text: str) -> None:
    with pytest.raises(InputError) as caught:
        asked_of(text)
    assert caught.value.todo


def test_ids_of_vulnerabilities() -> None:
    ids = (
        "CVE-2024-3094",
        "cve-2024-3094",
        "GHSA-rxwq-x6h5-x525",
        "PYSEC-2023-1",
        "RUSTSEC-2021-0001",
        "RHSA-2024-1234",
    )
    assert all(map(is_vulnerability, ids))
    assert not any(map(is_vulnerability, ("openssl", "rtu-2024-1", "CVE-2024", "pkg:npm/a@1", "RTU 560")))
