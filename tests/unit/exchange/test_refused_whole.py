"""What is refused as a whole leaves nothing behind: no row, no entry, no receipt to ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import select

from support.hub import World
from support.sharing import bundle, indicator
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Outcome
from tocsin.kernel.db import METADATA
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "home")
    made.party("alfa")
    yield made
    made.hub.close()


def _everything(world: World) -> list[tuple[object, ...]]:
    with world.hub.store.read() as connection:
        return [
            (name, *row)
            for name, table in sorted(METADATA.tables.items())
            for row in connection.execute(select(table).order_by(*table.primary_key.columns))
        ]


BROKEN = {
    "an older specification": {"spec_version": "2.0"},
    "an id of another type": {"id": "malware--2d7b5c1e-9a1f-4a53-8e36-0b8f3f1c0a11"},
    "too large a number": {"confidence": 2**53},
    "no pattern": {"pattern": None},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_bundle_of_refused_objects_changes_nothing(change: dict[str, object], world: World) -> None:
    before = _everything(world)
    item = {key: value for key, value in (indicator(1) | change).items() if value is not None}
    receipt = world.share("alfa", bundle([item]))
    assert [result.outcome for result in receipt.results] == [Outcome.REFUSED]
    assert receipt.results[0].reason
    assert receipt.id is None
    assert _everything(world) == before


def test_over_taxii_there_is_a_status_to_ask_for(world: World) -> None:
    data = msgspec.json.encode({"objects": [indicator(1) | {"spec_version": "2.0"}]})
    receipt = world.hub.intake.submit(
        Submission(party="https://alfa.example", acting=Acting(actor="alfa"), data=data, envelope=True)
    )
    assert receipt.id is not None
    assert world.hub.intake.receipt("https://alfa.example", receipt.id) == receipt
