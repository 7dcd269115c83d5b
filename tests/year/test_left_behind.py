"""Who does not sign the next version has left, and whom an amendment carries leaves when its notice is over.

docs/retention.md: clauses "go on to bind what was shared by then when … the party has left it"; docs/agreements.md:
what survives binds "likewise who leaves … by not signing a later version"; a notice runs on in an amendment that
carries the party, and whoever signs that has joined it.
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


def version(number: int, *clauses: dict[str, Any], amends: bool = False, **more: Any) -> Act:  # noqa: ANN401  any key
    content = {
        "agreement": "pact-a",
        "version": number,
        "title": "What is purged",
        "in_force": {"from": "2025-12-12", "until": None},
        "parties": [{"all": {"countries": ["NO"]}}],
        "purposes": ["detect"],
        "clauses": [{"id": "1", "permit": "read", "to": {"parties": "all"}}, *clauses],
    }
    return "propose", {"content": content | more, "amends": amends}


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


SIGN: Final[Act] = ("sign", {"name": "pact-a", "number": 2, "parties": [PARTIES[0]]})
NOTICE: Final[Act] = ("withdraw", {"name": "pact-a", "number": 1, "party": PARTIES[0]})


@pytest.mark.parametrize("said", [(NOTICE,), (NOTICE, SIGN), (SIGN, NOTICE)], ids=["carried", "signs", "signed"])
@pytest.mark.parametrize("later", [0, 8 * DAY], ids=["before its notice is over", "after"])
def test_it_gave_notice_when_an_amendment_is_adopted(tmp_path: Path, said: tuple[Act, ...], later: int) -> None:
    forbid = {"id": "2", "forbid": "read", "of": {"type": ["indicator"]}}
    more: dict[str, Any] = {"withdrawal": {"notice": "P7D"}, "amend_by": {"more_than": 0.5, "objection_period": "PT1M"}}
    script: list[Act] = [
        *(("add", {"name": name, "org": ORG, "people": {}}) for name in PARTIES[:4]),
        version(1, **more),
        ("sign", {"name": "pact-a", "number": 1, "parties": [*PARTIES[:4]]}),
        ("activate", {"name": "pact-a", "number": 1}),
        ("share", {"party": PARTIES[0], "made": {"type": "indicator", "tlp": "green"}, "number": 1, "version": 0}),
        ("share", {"party": PARTIES[0], "made": {"type": "report", "tlp": "green"}, "number": 2, "version": 0}),
        version(2, forbid, amends=True, **more),
        ("sign", {"name": "pact-a", "number": 2, "parties": [*PARTIES[1:4]]}),
        *said,
        ("wait", {"by": 2 * 60 * SECOND}),
        ("adopt", {"name": "pact-a", "number": 2}),
        ("wait", {"by": SECOND + later}),
    ]
    for reader in (Reader(party=PARTIES[0]), Reader(party=PARTIES[1])):
        assert replay(tmp_path / "hub", script, reader) is None
