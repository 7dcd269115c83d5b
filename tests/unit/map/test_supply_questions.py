"""What may be asked of bills, by purl, CPE name or name, and what it fits."""

from __future__ import annotations

from typing import Final

import pytest

from support.bill_files import CVE
from tocsin.errors import InputError
from tocsin.map.supply.cpe import covers, may_be, require_cpe
from tocsin.map.supply.graph import assembled
from tocsin.map.supply.model import Bill, Part, Statement, Verdict
from tocsin.map.supply.names import asked_of, fits, is_exact, is_vulnerability
from tocsin.map.supply.wire import BillWord

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
