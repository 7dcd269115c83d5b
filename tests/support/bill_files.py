"""Bills of materials as documents: what a test writes down of them, and how it reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from support.bills import packed
from tocsin.errors import MapError
from tocsin.map.supply.reading import read_bill

if TYPE_CHECKING:
    from tocsin.map.supply.draft import ReadBill

__all__ = ["CVE", "Json", "device", "faults_of", "read"]

Json = dict[str, Any]

CVE: Final = "CVE-2024-3094"


def faults_of(document: Json, name: str = "bom") -> dict[str, str]:
    with pytest.raises(MapError) as caught:
        read_bill(packed(document), name=name)
    return {str(fault.at): fault.cause for fault in caught.value.faults}


def device(*components: Json, **more: Any) -> Json:  # noqa: ANN401  JSON
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": {"type": "device", "name": "RTU", "version": "2", "bom-ref": "top"}},
        "components": list(components),
    } | more


def read(document: Json) -> ReadBill:
    return read_bill(packed(document), name="bom")
