"""A real catalogue of somebody else's, read whole."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from tocsin.errors import CatalogueError
from tocsin.risk.baselines.oscal import read_catalogue

ROOT = Path(__file__).parents[2]
FILE = Path(os.environ.get("TOCSIN_REALDATA", ROOT.parent / "shared" / "data")) / "baseline"
FILE = FILE / "NIST_SP-800-53_rev5_LOW_catalog.json"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="no TOCSIN_REALDATA")


def test_every_control_of_sp_800_53_low_is_read() -> None:
    catalogue = read_catalogue(FILE.read_bytes(), name="sp-800-53-low")
    assert len(catalogue.controls) == 149
    assert len({control.group for control in catalogue.controls}) == 18
    assert catalogue.left_out.unknown == {}
    enhancement = catalogue.control("at-2.2")
    assert (enhancement.within, enhancement.title) == ("at-2", "Insider Threat")
    statement = catalogue.control("ac-1").statement
    assert statement.startswith("a. Develop, document, and disseminate to")
    assert "insert: param" not in "".join(control.statement for control in catalogue.controls)
    assert all(control.statement for control in catalogue.controls if not control.withdrawn)


def test_fifty_faults_planted_in_it_are_fifty_faults_told() -> None:
    document = msgspec.json.decode(FILE.read_bytes())
    planted: list[str] = []
    for place, group in enumerate(document["catalog"]["groups"]):
        for number, control in enumerate(group["controls"]):
            path = f"$.catalog.groups[{place}].controls[{number}]"
            if len(planted) < 50:
                field, wrong = [("title", ""), ("id", 7), ("parts", {}), ("title", "x" * 301)][len(planted) % 4]
                control[field] = wrong
                planted.append(f"{path}.{field}")
    assert len(planted) == 50
    with pytest.raises(CatalogueError) as told:
        read_catalogue(msgspec.json.encode(document), name="broken")
    assert [fault.path for fault in told.value.faults] == planted
