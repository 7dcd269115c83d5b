"""What tools of others write is what we read: CycloneDX's own library, and its bill of the environment we run in."""

from __future__ import annotations

import random
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.bills import made_bill
from tocsin.map.supply.model import Part, Verdict
from tocsin.map.supply.names import canonical_purl
from tocsin.map.supply.reading import read_bill

if TYPE_CHECKING:
    from tocsin.map.supply.model import Bill

pytest.importorskip("cyclonedx")

SEEDS = st.integers(0, 2**32)
_STATES: Final = {
    Verdict.AFFECTED: "EXPLOITABLE",
    Verdict.IN_TRIAGE: "IN_TRIAGE",
    Verdict.FIXED: "RESOLVED",
    Verdict.NOT_AFFECTED: "NOT_AFFECTED",
}


def written(bill: Bill, version: str, *, nested: bool) -> bytes:
    """Return a bill as CycloneDX's own library writes it; ``nested``: what is held once stands within its holder."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.contact import OrganizationalEntity
    from cyclonedx.model.impact_analysis import ImpactAnalysisState
    from cyclonedx.model.vulnerability import BomTarget, Vulnerability, VulnerabilityAnalysis
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from packageurl import PackageURL

    made: list[Any] = [
        Component(
            name=part.name,
            version=part.version,
            type=ComponentType(part.kind),
            bom_ref=f"ref-{at}",
            supplier=OrganizationalEntity(name=part.supplier) if part.supplier else None,
            purl=PackageURL.from_string(part.purl) if part.purl else None,
            cpe=part.cpes[0] if part.cpes else None,
        )
        for at, part in enumerate(bill.parts)
    ]
    bom = Bom()
    bom.metadata.component = made[0]
    inside = _nested(bill) if nested else {}
    for at, one in enumerate(made[1:], start=1):
        (made[inside[at]].components if at in inside else bom.components).add(one)
    for at, part in enumerate(bill.parts):
        held = (one for one in part.contains if inside.get(one) != at)
        bom.register_dependency(made[at], [made[other] for other in (*held, *part.depends_on)])
    for said in bill.statements:
        state = getattr(ImpactAnalysisState, _STATES[said.verdict])
        bom.vulnerabilities.add(
            Vulnerability(
                id=said.ids[0],
                analysis=VulnerabilityAnalysis(state=state),
                affects=[BomTarget(ref=f"ref-{number}") for number in said.parts],
            )
        )
    text: str = make_outputter(bom, OutputFormat.JSON, SchemaVersion.from_version(version)).output_as_string()
    return text.encode()


def _nested(bill: Bill) -> dict[int, int]:
    holders: dict[int, list[int]] = {}
    for at, part in enumerate(bill.parts):
        for other in part.contains:
            holders.setdefault(other, []).append(at)
    return {other: held[0] for other, held in holders.items() if held[0] != 0}


def by_name(bill: Bill) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return parts, edges and statements of a bill in an order that does not depend on how it was written."""
    said = [(part.name, part.version, part.kind, part.supplier, part.purl, part.cpes) for part in bill.parts]
    edges = {
        (said[at], said[other]) for at, part in enumerate(bill.parts) for other in (*part.contains, *part.depends_on)
    }
    stated = [
        (one.ids, str(one.verdict), tuple(sorted(said[number] for number in one.parts))) for one in bill.statements
    ]
    return sorted(said), sorted(edges), sorted(stated)


@given(seed=SEEDS, version=st.sampled_from(("1.4", "1.5", "1.6", "1.7")), nested=st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_the_reference_library_writes_is_what_we_read(seed: int, version: str, *, nested: bool) -> None:
    bill = made_bill(random.Random(seed), names=1_000)
    read = read_bill(written(bill, version, nested=nested), name="bom")
    assert read.form == f"CycloneDX {version}"
    assert by_name(read.bill) == by_name(bill)


@pytest.mark.long
@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6", "1.7"])
def test_the_bill_of_this_environment_has_what_is_installed(version: str) -> None:
    pytest.importorskip("cyclonedx_py")
    line = [sys.executable, "-m", "cyclonedx_py", "environment", "--sv", version, "--of", "JSON", sys.executable]
    data = subprocess.run(line, check=True, capture_output=True, timeout=600).stdout
    bill = read_bill(data, name="bom", product=Part(name="this environment")).bill
    there = {canonical_purl(f"pkg:pypi/{one.name}@{one.version}") for one in metadata.distributions()}
    read = {part.purl.partition("?")[0].partition("#")[0] for part in bill.parts if part.purl}
    assert len(read) > 50
    assert read <= there
    told = msgspec.json.decode(data)
    edges = {
        (one["ref"], other) for one in told["dependencies"] for other in one.get("dependsOn", ()) if other != one["ref"]
    }
    assert sum(len(part.depends_on) + len(part.contains) for part in bill.parts[1:]) == len(
        {edge for edge in edges if edge[0] != edge[1]}
    )
