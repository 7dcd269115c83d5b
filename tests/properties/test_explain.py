"""The laws of explanations: told of whoever asks, true to the gate, and no condition is said to fail that is met."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from support.agreement_evaluator import condition_holds
from support.agreement_relations import grants_in
from support.agreement_strategies import NAMES, Paper, Reader, World, labels, living_worlds, readers, worlds
from tocsin.agreements.compile import compile_clause
from tocsin.agreements.explain import ClauseAccount, Explanation, explain
from tocsin.agreements.gate import decide, slice_for
from tocsin.agreements.grants import granted_label
from tocsin.agreements.hub_rules import CLIENT, HUB_SENTENCES, TWO_HATS, hub_policies
from tocsin.parties.model import PURPOSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.agreements.compile import Condition
    from tocsin.agreements.grants import Grant
    from tocsin.agreements.model import Label

CASES = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ANY_WORLD = st.one_of(worlds(most=3), living_worlds())


def served(world: World, reader: Reader, client: str | None) -> tuple[World, Reader]:
    """Return the reader as one who reads for a client of its party."""
    if client is None or client == reader.party:
        return world, reader
    party = world.parties[reader.party]
    serving = msgspec.structs.replace(party, clients=frozenset({world.uri(client)}))
    world = msgspec.structs.replace(world, parties={**world.parties, reader.party: serving})
    return world, msgspec.structs.replace(reader, client=client)


@CASES
@given(ANY_WORLD, readers(), labels(), st.data())
def test_it_is_told_to_everybody_and_its_verdict_is_the_gate_s(
    world: World, reader: Reader, label: Label, data: st.DataObject
) -> None:
    reader = msgspec.structs.replace(reader, purpose=data.draw(st.sampled_from(PURPOSES)))
    world, reader = served(world, reader, data.draw(st.none() | st.sampled_from(NAMES)))
    profile, facts = world.profile(reader), world.facts()
    grants: tuple[Grant, ...] = ()
    if data.draw(st.sampled_from([False, False, True])):
        grants = (data.draw(grants_in(world)),)
        label = granted_label(msgspec.structs.replace(label, owner=grants[0].owner), grants[0])
    told = explain(profile, label, facts, grants=grants)
    (verdict,) = decide(slice_for(profile, facts, grants=grants), profile, [label])
    assert told.verdict == verdict
    assert [(one.effect, one.agreement, one.clause) for one in told.reasons] == [
        (one.effect, one.agreement, one.clause) for one in verdict.reasons
    ]
    assert all(one.sentence for one in told.reasons)
    for one in verdict.reasons:
        event(f"a rule of the hub: {one.clause}" if one.agreement is None else f"a clause that says {one.effect}")


@CASES
@given(ANY_WORLD, readers(), labels())
def test_a_condition_is_said_to_fail_exactly_where_it_does(world: World, reader: Reader, label: Label) -> None:
    told = explain(world.profile(reader), label, world.facts())
    for account, paper, conditions in of_clauses(world, told):
        said = {one.partition(" (")[0].removeprefix("not so: ") for one in account.failed}
        where = (paper, account.clause)
        unmet = {one.says for one in conditions if not condition_holds(world, where, one, reader, label)}
        # a stranger to both lacks to be a member, and is told of no more
        stranger = {f"the reader is a member of {account.agreement} version {account.version}"}
        assert said <= unmet
        assert said == (stranger if said == stranger else unmet)
        for sentence in account.failed:
            assert not sentence.endswith("is a member)")
            assert "1970-01-01" not in sentence
            event(sentence.split()[3] if "member" not in sentence else "membership")


def of_clauses(world: World, told: Explanation) -> Iterator[tuple[ClauseAccount, Paper, tuple[Condition, ...]]]:
    """Yield what is told of clauses, with the paper that has each and the conditions that it may say to fail."""
    for account in (*told.reasons, *told.missing):
        if account.agreement is None:
            continue
        (paper,) = (one for one in world.papers if one.content["agreement"] == account.agreement)
        activated = world.activated(paper)
        clause = activated.document.clause(account.clause)
        assert clause is not None
        compiled = compile_clause(activated.document, clause, activated.names, amendment=activated.amends is not None)
        if account in told.missing:
            yield account, paper, compiled.when
        elif account.effect == "deny":
            yield account, paper, compiled.unless


def test_every_rule_of_the_hub_has_its_sentence() -> None:
    assert {one.id for one in hub_policies()} | {CLIENT.clause, TWO_HATS.clause} == HUB_SENTENCES.keys()
