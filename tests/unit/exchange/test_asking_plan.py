"""The plan of ``why`` and ``who``: both seek one object, and cost nothing for all the others that a hub holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from support.hub import World
from support.taxii import AGREEMENT, bundle, indicator
from tocsin.exchange.asking import Question
from tocsin.exchange.model import Query
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The steps that may touch the two large tables: by all of an index that leads to the one object.
SEEKS = {
    "contributions": "SEARCH contributions USING INDEX ix_contributions_object (object_key=?)",
    "offers": "SEARCH offers USING INDEX ix_offers_contribution (contribution_id=?)",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "hub")
    for name in ("alfa", "bravo"):
        world.party(name)
    world.agreement(AGREEMENT, signed_by=("alfa", "bravo"))
    world.share("alfa", bundle(indicator("one"), indicator("two")))
    world.hub.reading.objects(world.asker("bravo"), "exchange", Query(), limit=5)
    yield world
    world.hub.close()


@pytest.mark.sqlite
@pytest.mark.parametrize("verb", ["why", "who"])
def test_asking_about_an_object_reads_no_other(world: World, verb: str) -> None:
    seen: list[tuple[str, tuple[object, ...]]] = []

    def note(_c: object, _cursor: object, text: str, values: tuple[object, ...], *_rest: object) -> None:
        if "FROM offers" in text or "FROM contributions" in text:
            seen.append((text, values))

    party = world.hub.parties.get("alfa")
    question = Question(
        object_id=str(indicator("one")["id"]), party=party, user=None, acting=Acting(actor="operator@hub")
    )
    engine = world.hub.store.adapter.engine
    event.listen(engine, "before_cursor_execute", note)
    if verb == "why":
        assert len(world.hub.asking.why(question)) == 1
    else:
        assert [item.party for item in world.hub.asking.who(question).received] == ["bravo"]
    event.remove(engine, "before_cursor_execute", note)
    # why: contributions, offered; who: and where each was offered
    assert len(seen) == {"why": 2, "who": 3}[verb]
    with world.hub.store.read() as connection:
        for text, values in seen:
            steps = [str(step[3]) for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
            touched = [step for step in steps for table in SEEKS if f" {table}" in step.split(" USING ")[0]]
            assert len(touched) == 1, steps
            assert touched[0].replace(" COVERING", "") in SEEKS.values(), steps
