"""Which clauses cover an object, and which terms go with it."""

from __future__ import annotations

import cedarpy
from hypothesis import given, settings
from hypothesis import strategies as st

from support.agreement_strategies import Reader, World, labels, readers, worlds
from tocsin.agreements.cedar import Policy, policy_text
from tocsin.agreements.compile import compile_clause
from tocsin.agreements.document import Clause, Onward, ReaderTerms, Survives, Verb
from tocsin.agreements.gate import decide, entities_for, request_for, slice_for
from tocsin.agreements.model import Effect, Label, Tlp
from tocsin.agreements.terms import ONWARD_ORDER, clauses_for, covers, terms_for


@given(worlds(), readers(), labels())
@settings(max_examples=50)
def test_a_clause_covers_what_cedar_says_it_covers(world: World, reader: Reader, label: Label) -> None:
    facts = world.facts()
    profile = world.profile(reader)
    slice_ = slice_for(profile, facts)
    for one in facts.agreements:
        for clause in one.document.clauses:
            bare = Clause(id=clause.id, verb=Verb.FORBID, to=ReaderTerms(), of=clause.of)
            (_, *conditions) = compile_clause(one.document, bare, one.names).when  # without who is bound
            text = policy_text(
                Policy(id="it", effect=Effect.ALLOW, clause="-", text=""),
                when=[condition.cedar for condition in conditions] or ["true"],
            )
            (answer,) = cedarpy.is_authorized_batch(
                [request_for(0)], cedarpy.PolicySet.from_str(text), entities_for(slice_, profile, [label])
            )
            assert not answer.diagnostics.errors
            assert covers(clause.of, label, one.names) is (answer.decision is cedarpy.Decision.Allow)


@st.composite
def _protecting(draw: st.DrawFn) -> World:
    """Return a world whose permits say what may be passed on, and some of whose clauses protect instead."""
    world = draw(worlds())
    for index in range(len(world.papers)):
        content = world.copy_of(index)
        for clause in content["clauses"]:
            if "permit" in clause and draw(st.booleans()):
                clause["onward"] = str(draw(st.sampled_from(Onward)))
        protect = {"from": ["antitrust"], "survives": str(draw(st.sampled_from(Survives)))}
        rests = {"rests_on": sorted(content["legal_bases"])} if content.get("legal_bases") else {}
        content["clauses"].append({"id": "safe", "protect": protect, "of": {"tlp": {"at_most": "amber"}}} | rests)
        world = world.with_content(index, content)
    return world


@given(_protecting(), readers(), labels())
@settings(max_examples=50)
def test_terms_go_with_what_leaves(world: World, reader: Reader, label: Label) -> None:
    facts = world.facts()
    profile = world.profile(reader)
    (verdict,) = decide(slice_for(profile, facts), profile, [label])
    terms = terms_for(label, facts, reader=profile.party, reasons=verdict.reasons)
    # a protection for each agreement in force that both ends signed, whatever its legal bases and their membership say
    expected = [
        (one.document.name, one.document.version)
        for one in facts.agreements
        if one.document.in_term(facts.at)
        and {profile.party, label.owner} <= one.signed
        and label.tlp in (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)
    ]
    assert [(each.agreement, each.version) for each in terms.protect] == expected
    assert {(each.clause, each.uses) for each in terms.protect} <= {("safe", ("antitrust",))}
    # nothing wider than any clause that let it out says
    said = [
        clause.onward
        for reason in verdict.reasons
        for one in facts.agreements
        if reason.agreement == one.document.name
        for clause in one.document.clauses
        if clause.id == reason.clause and clause.onward is not None
    ]
    assert all(ONWARD_ORDER.index(terms.onward) <= ONWARD_ORDER.index(each) for each in said)
    assert terms.onward in said or (not said and terms.onward is Onward.AS_MARKED)


@given(worlds(), labels())
@settings(max_examples=25)
def test_clauses_are_those_of_agreements_that_the_owner_signed(world: World, label: Label) -> None:
    facts = world.facts()
    found = [(one.id, clause.id) for one, clause in clauses_for(Verb.PERMIT, label, facts)]
    assert found == [
        (one.id, clause.id)
        for one in facts.in_force
        if label.owner in one.signed
        for clause in one.document.clauses
        if clause.verb is Verb.PERMIT and covers(clause.of, label, one.names)
    ]


PUBLISH = {"sanitised": "plain", "tlp": "green", "attribution": "withheld", "approve": "owner"}


@given(world=worlds(), label=labels(), said=st.booleans())
@settings(max_examples=25)
def test_silence_about_tlp_publishes_nothing_strict(world: World, label: Label, *, said: bool) -> None:
    content = world.copy_of(0)
    of = {"type": [label.type]} | ({"tlp": {"at_most": "red"}} if said else {})
    content["clauses"].append({"id": "out", "publish": PUBLISH, "of": of})
    world = world.with_content(0, content)
    facts = world.facts()
    found = [one.id for one, _ in clauses_for(Verb.PUBLISH, label, facts)]
    one = facts.agreements[0]
    bound = label.owner in one.signed and one in facts.in_force
    assert found == ([one.id] if bound and (said or label.tlp not in {Tlp.AMBER_STRICT, Tlp.RED}) else [])
