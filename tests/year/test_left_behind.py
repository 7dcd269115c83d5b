"""Who does not sign the next version has left: what it shared before is still purged when that is due.

docs/retention.md: clauses "go on to bind what was shared by then when … the party has left it"; docs/agreements.md:
what survives binds "likewise who leaves … by not signing a later version".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from support.year.documents import PARTIES
from support.year.evaluator import Reader
from support.year.living import replay
from tocsin.kernel.clock import DAY, SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from support.year.telling import Act

ORG: Final = {"kind": "private", "country": "NO", "capacities": [], "sectors": [], "clearance": "restricted"}


def version(number: int, *clauses: dict[str, Any], **more: Any) -> Act:  # noqa: ANN401  any key of a document
    content = {
        "agreement": "pact-a",
        "version": number,
        "title": "What is purged",
        "in_force": {"from": "2025-12-12", "until": None},
        "parties": [{"all": {"countries": ["NO"]}}],
        "purposes": ["detect"],
        "clauses": [{"id": "1", "permit": "read", "to": {"parties": "all"}}, *clauses],
    }
    return "propose", {"content": content | more, "amends": False}


@pytest.mark.parametrize("more", [{}, {"withdrawal": {"notice": "P7D", "survives": ["2"]}}], ids=["left", "survives"])
def test_it_is_purged(tmp_path: Path, more: dict[str, Any]) -> None:
    retain = {"id": "2", "retain": {"for": "P10D", "then": "purge"}, "of": {"type": ["indicator"]}}
    script: list[Act] = [
        *(("add", {"name": name, "org": ORG, "people": {}}) for name in PARTIES[:3]),
        version(1, retain, **more),
        ("sign", {"name": "pact-a", "number": 1, "parties": [*PARTIES[:3]]}),
        ("activate", {"name": "pact-a", "number": 1}),
        ("share", {"party": PARTIES[0], "made": {"type": "indicator", "tlp": "green"}, "number": 1, "version": 0}),
        ("wait", {"by": 60 * SECOND}),
        version(2, retain, **more),
        ("sign", {"name": "pact-a", "number": 2, "parties": [*PARTIES[1:3]]}),
        ("activate", {"name": "pact-a", "number": 2}),
        ("wait", {"by": 11 * DAY}),
        ("sweep", {}),
    ]
    assert replay(tmp_path / "hub", script, Reader(party=PARTIES[0])) is None
