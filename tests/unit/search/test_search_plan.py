"""How SQLite finds what is searched for: along the labels that are open, and never along the collection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from support.sharing import bundle, indicator
from support.treaty import found_treaty
from tocsin.exchange.search.model import SearchQuery

if TYPE_CHECKING:
    from pathlib import Path


def test_no_statement_of_a_search_walks_over_a_table(tmp_path: Path) -> None:
    world = found_treaty(tmp_path / "hub")
    adapter = world.hub.store.adapter
    if adapter.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by its statistics: only SQLite's plans are the same every time")
    world.share("alfa", bundle([indicator(number) for number in range(1, 60)]))
    world.hub.indexer.index()
    query = SearchQuery(text="indicator", values=frozenset({"198.51.100.7"}), since=1, min_score=0)
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        seen.append((statement, values))

    event.listen(adapter.engine, "before_cursor_execute", note)
    for asked in (query, SearchQuery()):
        assert world.hub.search.find(world.asker("bravo"), "exchange", asked).hits
    event.remove(adapter.engine, "before_cursor_execute", note)
    plans = []
    with world.hub.store.read() as connection:
        for text, values in seen:
            if re.search(r"search_postings|search_facts|offers", text) and text.startswith("SELECT"):
                steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()
                plans.append(" / ".join(str(step[3]) for step in steps))
    world.hub.close()
    assert plans
    walks = [plan for plan in plans if re.search(r"SCAN (?:walked|offers|contributions|search_\w+|labels)\b", plan)]
    assert walks == []
    whole = [
        plan
        for plan in plans
        if re.search(r"\b(?:offers|search_\w+) USING PRIMARY KEY \(collection_id=\?(?: AND offer_seq<\?)?\)", plan)
    ]
    assert whole == []
    assert any("walked USING PRIMARY KEY (collection_id=? AND term=? AND label_id=?" in plan for plan in plans)
    assert any("ix_offers_contribution" in plan for plan in plans)
