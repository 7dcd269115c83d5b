"""The laws of grants: exactly as much as no forbid closes, for exactly as long, and nothing for anybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from support.agreement_evaluator import closed
from support.agreement_relations import grants_in
from support.agreement_strategies import Reader, World, labels, readers, worlds
from tocsin.agreements.gate import decide, slice_for
from tocsin.agreements.grants import granted_label
from tocsin.parties.model import PartyStatus

if TYPE_CHECKING:
    from tocsin.agreements.model import Label

CASES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@CASES
@given(worlds(), readers(), labels(), st.data())
def test_it_opens_what_no_forbid_closes_and_no_more(
    world: World, reader: Reader, drawn: Label, data: st.DataObject
) -> None:
    profile, facts = world.profile(reader), world.facts()
    grant = data.draw(grants_in(world))
    # half of the time for this very reader: else nearly all are for others
    if data.draw(st.booleans()) and grant.owner != profile.party:
        grant = msgspec.structs.replace(grant, party=profile.party)
    label = msgspec.structs.replace(drawn, owner=grant.owner)
    slice_ = slice_for(profile, facts, grants=(grant,))
    (verdict,) = decide(slice_, profile, [granted_label(label, grant)])
    addressed = msgspec.structs.replace(label, recipients=label.recipients | {grant.party})
    owner = facts.parties.get(grant.owner)
    holds = (
        grant.party == profile.party
        and profile.purpose in grant.purposes
        and grant.revoked_at is None
        and world.at < grant.until
        and owner is not None
        and owner.status is PartyStatus.VETTED
    )
    forbidden = closed(world, reader, addressed)
    if any(reason.clause == "tocsin.two-hats" for reason in verdict.reasons):
        assert not verdict.allows
        assert reader.purpose == "enforce"
        return
    assert verdict.allows == (holds and not forbidden)
    event(f"holds: {holds}, forbidden: {forbidden}")


@CASES
@given(worlds(), readers(), st.lists(labels(), min_size=1, max_size=4), st.data())
def test_nothing_else_changes_by_it(world: World, reader: Reader, drawn: list[Label], data: st.DataObject) -> None:
    profile, facts = world.profile(reader), world.facts()
    grants = [data.draw(grants_in(world)) for _ in range(3)]
    with_them = slice_for(profile, facts, grants=grants)
    plain = slice_for(profile, facts)
    assert [one.allows for one in decide(with_them, profile, drawn)] == [
        one.allows for one in decide(plain, profile, drawn)
    ]
    standing = [one for one in grants if one.party == profile.party and one.stands(world.at)]
    if not standing:
        assert (with_them.digest, with_them.valid_until) == (plain.digest, plain.valid_until)
    for one in standing:
        assert with_them.valid_until is not None
        assert with_them.valid_until <= one.until
