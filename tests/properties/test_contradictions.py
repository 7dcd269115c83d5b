"""What is said to be the matter with a clause is so: it can be left out, and no verdict is another."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from support.agreement_strategies import Reader, World, forbids, labels, permits, readers, worlds
from tocsin.agreements.contradictions import Kind, contradictions, without_effect
from tocsin.agreements.document import parse_agreement
from tocsin.agreements.gate import decide, slice_for

if TYPE_CHECKING:
    from tocsin.agreements.model import Label

CASES = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)


@st.composite
def crowded(draw: st.DrawFn) -> World:
    """Return a world whose first agreement says things twice, and forbids what it permits."""
    world = draw(worlds(most=2))
    content = world.copy_of(0)
    more = draw(st.lists(st.one_of(permits(), forbids()), max_size=2))
    for clause in [*draw(st.lists(st.sampled_from(content["clauses"]), max_size=2)), *more]:
        other = copy.deepcopy(clause)
        other.pop("rests_on", None)
        other.pop("for", None)
        if draw(st.booleans()) and "permit" in other:
            forbid = {"forbid": "read", "of": other.get("of", {"tlp": {"at_most": "red"}})}
            other = draw(st.sampled_from([other, forbid]))
        other["id"] = f"m{len(content['clauses'])}"
        content["clauses"].append(other)
    return world.with_content(0, content)


def opened(world: World, reader: Reader, batch: list[Label]) -> frozenset[int]:
    profile = world.profile(reader)
    verdicts = decide(slice_for(profile, world.facts()), profile, batch)
    return frozenset(index for index, verdict in enumerate(verdicts) if verdict.allows)


@CASES
@given(crowded(), st.lists(readers(), min_size=3, max_size=6), st.lists(labels(), min_size=3, max_size=10))
def test_a_clause_without_effect_can_be_left_out(world: World, askers: list[Reader], batch: list[Label]) -> None:
    one = world.activated(world.papers[0])
    facts = world.facts()
    users = {reader.user.party: [reader.user] for reader in askers if reader.user is not None}
    words = contradictions(one.document)
    found = words + (without_effect(one, facts, users) if one.id in facts.members else ())
    event(", ".join(sorted({finding.kind for finding in found})) or "nothing")
    for finding in found:
        if finding.kind is Kind.OPPOSITE:
            continue
        content = world.copy_of(0)
        content["clauses"] = [clause for clause in content["clauses"] if clause["id"] != finding.clause]
        if not content["clauses"]:
            continue
        without = world.with_content(0, content)
        # who is said to be there is who was asked for: of one user a party
        asked = [one for one in askers if one.user is None or users[one.user.party] == [one.user]]
        for reader in asked:
            assert opened(world, reader, batch) == opened(without, reader, batch), finding


PERMIT: dict[str, Any] = {"permit": "read", "to": {"parties": "all"}}
TOTAL: dict[str, Any] = {"total": "map", "to": {"parties": "all"}}
FINDINGS: dict[str, tuple[list[dict[str, Any]], list[tuple[str, Kind]]]] = {
    "all of it is forbidden": (
        [PERMIT | {"of": {"type": "report"}}, {"forbid": "read", "of": {"type": ["report", "incident"]}}],
        [("1", Kind.FORBIDDEN)],
    ),
    "a forbid that spares some": (
        [PERMIT | {"of": {"type": "report"}}, {"forbid": "read", "unless": {"countries": "NO"}}],
        [],
    ),
    "a forbid that spares others": (
        [
            PERMIT | {"to": {"countries": "SE"}},
            {"forbid": "read", "unless": {"countries": ["NO", "DK"]}},
        ],
        [("1", Kind.FORBIDDEN)],
    ),
    "a part of it is forbidden": (
        [PERMIT | {"of": {"type": ["report", "incident"]}}, {"forbid": "read", "of": {"type": "report"}}],
        [],
    ),
    "the same twice": ([PERMIT, PERMIT], [("2", Kind.NEEDLESS)]),
    "a part of another": ([PERMIT | {"of": {"type": "report"}}, PERMIT], [("1", Kind.NEEDLESS)]),
    "a part that is kept closer": ([PERMIT | {"of": {"type": "report"}, "onward": "none"}, PERMIT], []),
    "a total of what is forbidden": (
        [TOTAL, {"forbid": "read", "of": {"type": ["asset", "asset-detail", "report"]}}],
        [("1", Kind.FORBIDDEN)],
    ),
    "a total of what another totals": ([TOTAL | {"at_least": 4}, TOTAL], [("1", Kind.NEEDLESS)]),
    "a total of fewer owners": ([TOTAL | {"of": {"type": "asset"}}, TOTAL | {"at_least": 4}], []),
    "a total of what is read": ([PERMIT | {"of": {"type": "asset"}}, TOTAL | {"of": {"type": "asset"}}], []),
    "a total of what is RED": ([TOTAL | {"of": {"tlp": "red"}}], [("1", Kind.NEVER)]),
    "no such purpose": ([PERMIT | {"for": "admire"}], [("1", Kind.NEVER)]),
    "a plan that is not there": (
        [
            {
                "publish": {"sanitised": "nothing", "tlp": "green", "attribution": "withheld", "approve": "owner"},
                "of": {"type": "report"},
            }
        ],
        [("1", Kind.NEVER)],
    ),
    "two times for the same": (
        [
            {"retain": {"for": "P90D", "then": "purge"}, "of": {"type": ["report", "incident"]}},
            {"retain": {"for": "P30D", "then": "purge"}, "of": {"type": "report"}},
        ],
        [("1", Kind.OPPOSITE)],
    ),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding(name: str) -> None:
    clauses, expected = FINDINGS[name]
    content = {
        "agreement": "small",
        "version": 1,
        "title": "Small",
        "in_force": {"from": "2026-01-01", "until": None},
        "parties": [{"name": "alfa"}],
        "purposes": ["detect", "admire"],
        "clauses": [{"id": str(number)} | clause for number, clause in enumerate(clauses, 1)],
    }
    document = parse_agreement(json.dumps(content).encode(), where="small").document
    assert [(one.clause, one.kind) for one in contradictions(document)] == expected
