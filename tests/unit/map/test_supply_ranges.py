"""Ranges and lists of versions: a part is in one, or not, or nobody can say."""

from __future__ import annotations

from typing import Final

import pytest

from support.bill_files import CVE, device, read
from tocsin.map.formats.fields import Wrong
from tocsin.map.supply.model import Verdict
from tocsin.map.supply.ranges import require_range

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
