"""The plan of a page: without the right index a page is right all the same, and costs what the collection holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import event

from support.hub import World
from support.taxii import AGREEMENT, bundle, indicator
from tocsin.exchange.model import Query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OBJECTS: Final = 40


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "hub")
    for name in ("alfa", "bravo", "charlie"):
        world.party(name)
    world.agreement(AGREEMENT, signed_by=("alfa", "bravo"))
    # bravo may read one object among many that are charlie's: a sparse view, and so the plan by label
    world.share("charlie", bundle(*(indicator(f"charlie-{number}") for number in range(OBJECTS))))
    world.share("alfa", bundle(indicator("alfa-0")))
    yield world
    world.hub.close()


@pytest.mark.sqlite
def test_a_sparse_reader_is_served_through_the_index_of_labels(world: World) -> None:
    seen: list[tuple[str, tuple[object, ...]]] = []

    def note(_c: object, _cursor: object, text: str, values: tuple[object, ...], *_rest: object) -> None:
        if "FROM offers" in text and "json_each" in text:
            seen.append((text, values))

    event.listen(world.hub.store.adapter.engine, "before_cursor_execute", note)
    answer = world.hub.reading.objects(world.asker("bravo"), "exchange", Query(), limit=1)
    assert len(answer.page.items) == 1
    event.remove(world.hub.store.adapter.engine, "before_cursor_execute", note)
    assert seen
    with world.hub.store.read() as connection:
        for text, values in seen:
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()
            plan = " / ".join(str(step[3]) for step in steps)
            assert "ix_offers_label (collection_id=? AND label_id=? AND offer_seq>? AND offer_seq<?)" in plan
