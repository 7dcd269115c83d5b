"""From a file to an agreement in force: who may do what, when, and what the log can rebuild of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from support import stores
from support.agreement_texts import PLAIN, changed
from support.hub import OPERATOR, START, World, key_of
from tocsin.agreements import replay, store
from tocsin.agreements.document import document_digest, parse_agreement, sign_document
from tocsin.agreements.life import AGREEMENT_TRANSITIONS, AgreementAct, AgreementStatus, next_status
from tocsin.agreements.model import Effect
from tocsin.errors import (
    AgreementError,
    ConflictError,
    ForbiddenError,
    InputError,
    LogBrokenError,
    NotFoundError,
    StoreBrokenError,
    TransitionError,
)
from tocsin.kernel.clock import DAY, parse_date, parse_instant
from tocsin.kernel.mandate import Acting, founding_mandate
from tocsin.log.model import EntryPayload, decode_payload
from tocsin.parties.model import Role
from tocsin.parties.replay import People
from tocsin.parties.replay import apply as apply_party

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT: Final = parse_agreement(PLAIN.encode(), where="plain").document


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("agreements") / "hub"
    world = World(folder)
    for name, country in (("alfa", "NO"), ("bravo", "NO"), ("coast", "SE"), ("delta", "DK")):
        world.party(name, country=country)
    world.hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "hub", template=template)
    yield made
    made.hub.close()


def sign(world: World, name: str, text: str = PLAIN, *, key: bytes | None = None) -> AgreementStatus:
    document = parse_agreement(text.encode(), where="text").document
    return world.hub.agreements.sign(
        Acting(actor=f"sig@{name}"),
        document.name,
        document.version,
        signatory=f"sig@{name}",
        signature=sign_document(document, key or key_of(name)),
    )


def propose(world: World, text: str = PLAIN) -> None:
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, text.encode(), where="a.yaml")


def activate(world: World, version: int = 1) -> int | None:
    return world.hub.agreements.activate(OPERATOR, world.hub.mandate, "two-towns", version)


def epoch(world: World) -> int:
    with world.hub.store.read() as connection:
        return store.policy_epoch(connection, world.hub.environment)


# --- the way of a version --------------------------------------------------------------------------------------------


def test_a_version_is_proposed_signed_by_all_it_names_and_activated(world: World) -> None:
    propose(world)
    assert world.hub.agreements.get("two-towns").missing == ("alfa", "bravo")
    assert sign(world, "alfa") is AgreementStatus.PROPOSED
    assert sign(world, "bravo") is AgreementStatus.SIGNED
    assert activate(world) is None
    shown = world.hub.agreements.get("two-towns")
    assert (shown.status, shown.members, shown.missing) == (AgreementStatus.IN_FORCE, ("alfa", "bravo"), ())
    assert shown.eligible == ("coast",)
    assert shown.digest == document_digest(DOCUMENT)
    assert [signed.party for signed in shown.signatures] == ["alfa", "bravo"]
    assert [policy.clause for policy in shown.policies] == ["1.1", "2"]
    assert world.hub.agreements.verify() == 1


def test_who_meets_the_criteria_joins_by_signing_later(world: World) -> None:
    world.agreement(PLAIN, signed_by=("alfa", "bravo"))
    assert sign(world, "coast") is AgreementStatus.IN_FORCE
    assert world.hub.agreements.get("two-towns").members == ("alfa", "bravo", "coast")


def test_a_higher_version_supersedes_the_lower_in_the_same_act(world: World) -> None:
    world.agreement(PLAIN, signed_by=("alfa", "bravo"))
    second, third = changed("version: 1", "version: 2"), changed("version: 1", "version: 3")
    world.agreement(second, signed_by=("alfa",), activate=False)
    world.agreement(third, signed_by=("alfa", "bravo"), activate=False)
    assert activate(world, 3) == 1
    stands = {one.version: one.status for one in world.hub.agreements.all_versions()}
    assert stands == {
        1: AgreementStatus.SUPERSEDED,
        2: AgreementStatus.SUPERSEDED,
        3: AgreementStatus.IN_FORCE,
    }
    with world.hub.store.read() as connection:
        assert [one.id for one in store.read_heeded(connection, world.hub.environment)[0]] == ["two-towns/3"]
    with pytest.raises(TransitionError):
        sign(world, "bravo", second)


def test_every_change_is_counted(world: World) -> None:
    counts = [epoch(world)]
    for act in (
        lambda: propose(world),
        lambda: sign(world, "alfa"),
        lambda: sign(world, "bravo"),
        lambda: activate(world),
        lambda: world.user("anna@alfa"),
        lambda: world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "alfa", "why not"),
    ):
        act()
        counts.append(epoch(world))
    assert counts == sorted(set(counts))


def test_what_is_refused_changes_nothing(world: World) -> None:
    propose(world)
    before = (epoch(world), _entries(world))
    with pytest.raises(ForbiddenError):
        sign(world, "alfa", key=key_of("bravo"))
    with pytest.raises(ConflictError):
        propose(world)
    with pytest.raises(TransitionError):
        activate(world)
    assert (epoch(world), _entries(world)) == before


# --- refusals --------------------------------------------------------------------------------------------------------


def _signed_by_another_key(world: World) -> None:
    propose(world)
    sign(world, "alfa", key=key_of("bravo"))


def _signed_another_text(world: World) -> None:
    propose(world)
    sign(world, "alfa", changed("title: Two towns", "title: Two cities"))


def _signed_twice(world: World) -> None:
    propose(world)
    sign(world, "alfa")
    sign(world, "alfa")


def _signed_by_a_stranger(world: World) -> None:
    propose(world)
    sign(world, "delta")


def _signed_by_a_suspended_party(world: World) -> None:
    propose(world)
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "alfa", "late")
    sign(world, "alfa")


def _signed_by_an_analyst(world: World) -> None:
    propose(world)
    world.user("anna@alfa")
    world.hub.agreements.sign(OPERATOR, "two-towns", 1, signatory="anna@alfa", signature="")


def _signed_without_a_key(world: World) -> None:
    propose(world)
    world.user("new@alfa", roles=frozenset({Role.SIGNATORY}))
    world.hub.agreements.sign(OPERATOR, "two-towns", 1, signatory="new@alfa", signature="")


def _signed_by_a_disabled_signatory(world: World) -> None:
    propose(world)
    world.hub.parties.disable_user(OPERATOR, world.hub.mandate, "sig@alfa")
    sign(world, "alfa")


def _signature_no_base64(world: World) -> None:
    propose(world)
    world.hub.agreements.sign(OPERATOR, "two-towns", 1, signatory="sig@alfa", signature="?")


def _signature_too_short(world: World) -> None:
    propose(world)
    world.hub.agreements.sign(OPERATOR, "two-towns", 1, signatory="sig@alfa", signature="AAAA")


def _signed_after_the_term(world: World) -> None:
    propose(world)
    world.clock.at = parse_date("2027-01-01")
    sign(world, "alfa")


def _signed_what_nobody_proposed(world: World) -> None:
    sign(world, "alfa")


def _activated_too_early(world: World) -> None:
    propose(world)
    sign(world, "alfa")
    activate(world)


def _activated_by_one(world: World) -> None:
    alone = changed("  - {name: bravo}\n", "")
    propose(world, alone)
    sign(world, "alfa", alone)
    activate(world)


def _activated_twice(world: World) -> None:
    world.agreement(PLAIN, signed_by=("alfa", "bravo"))
    activate(world)


def _activated_after_the_term(world: World) -> None:
    world.agreement(PLAIN, signed_by=("alfa", "bravo"), activate=False)
    world.clock.at = parse_date("2027-01-01")
    activate(world)


def _activated_by_another_environment_s_mandate(world: World) -> None:
    world.agreement(PLAIN, signed_by=("alfa", "bravo"), activate=False)
    world.hub.agreements.activate(OPERATOR, founding_mandate("exercise"), "two-towns", 1)


def _proposed_by_another_environment_s_mandate(world: World) -> None:
    world.hub.agreements.propose(OPERATOR, founding_mandate("exercise"), PLAIN.encode(), where="a.yaml")


def _proposed_another_text(world: World) -> None:
    propose(world)
    propose(world, changed("title: Two towns", "title: Two cities"))


def _proposed_a_lower_version(world: World) -> None:
    world.agreement(changed("version: 1", "version: 2"), signed_by=("alfa", "bravo"))
    propose(world)


def _proposed_with_a_stranger(world: World) -> None:
    propose(world, changed("{name: bravo}", "{name: bravissimo}"))


def _proposed_after_its_term(world: World) -> None:
    propose(world, changed("until: 2027-01-01", "until: 2026-05-01"))


def _shown_without_being_there(world: World) -> None:
    world.hub.agreements.get("three-towns")


REFUSALS: Final = {
    "signed with another's key": (_signed_by_another_key, ForbiddenError, "registered key"),
    "signed another text": (_signed_another_text, ForbiddenError, "registered key"),
    "signed twice": (_signed_twice, ConflictError, "already"),
    "signed by a party that it does not admit": (
        _signed_by_a_stranger,
        ForbiddenError,
        "neither named in two-towns version 1 nor meets",
    ),
    "signed by a suspended party": (_signed_by_a_suspended_party, ForbiddenError, "suspended"),
    "signed by an analyst": (_signed_by_an_analyst, ForbiddenError, "only an active signatory"),
    "signed without a registered key": (_signed_without_a_key, ForbiddenError, "no public key"),
    "signed by a disabled signatory": (_signed_by_a_disabled_signatory, ForbiddenError, "only an active signatory"),
    "signed with no base64": (_signature_no_base64, InputError, "not base64"),
    "signed with too little": (_signature_too_short, InputError, "3 bytes, not 64"),
    "signed after the term": (_signed_after_the_term, TransitionError, "has ended"),
    "signed what nobody proposed": (_signed_what_nobody_proposed, NotFoundError, "no version 1"),
    "activated before all signed": (_activated_too_early, TransitionError, "still to sign: bravo"),
    "activated with one signature": (_activated_by_one, TransitionError, "at least 2 parties sign; 1 did"),
    "activated twice": (_activated_twice, TransitionError, "in-force"),
    "activated after the term": (_activated_after_the_term, TransitionError, "has ended"),
    "activated elsewhere": (_activated_by_another_environment_s_mandate, ForbiddenError, "exercise"),
    "proposed elsewhere": (_proposed_by_another_environment_s_mandate, ForbiddenError, "exercise"),
    "proposed with another text": (_proposed_another_text, ConflictError, "says something else"),
    "proposed below what is in force": (_proposed_a_lower_version, ConflictError, "version 2"),
    "proposed with a stranger": (_proposed_with_a_stranger, AgreementError, "a party of this hub"),
    "proposed after its term": (_proposed_after_its_term, InputError, "has ended already"),
    "shown without being there": (_shown_without_being_there, NotFoundError, "three-towns"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_why(world: World, name: str) -> None:
    act, error, said = REFUSALS[name]
    with pytest.raises(error) as caught:
        act(world)
    assert said in str(caught.value)


def test_what_is_missing_is_said_and_what_to_do_is_a_command(world: World) -> None:
    with pytest.raises(TransitionError) as caught:
        _activated_too_early(world)
    assert caught.value.what == "signatures are missing on two-towns version 1: still to sign: bravo"
    assert caught.value.todo == "tocsin agreement sign two-towns/1 --as PARTY"


def test_the_table_of_transitions_is_the_only_way() -> None:
    for status in AgreementStatus:
        for act in AgreementAct:
            if (status, act) in AGREEMENT_TRANSITIONS:
                assert next_status(status, act) is AGREEMENT_TRANSITIONS[status, act]
            else:
                with pytest.raises(TransitionError, match=f"one cannot {act} an agreement that is {status}"):
                    next_status(status, act)


# --- before anything is proposed -------------------------------------------------------------------------------------


def test_a_document_is_checked_without_a_trace(world: World) -> None:
    before = (epoch(world), _entries(world))
    checked = world.hub.agreements.check(PLAIN.encode(), where="a.yaml")
    assert (checked.named, checked.by_criteria) == (("alfa", "bravo"), ("coast",))
    assert [policy.effect for policy in checked.policies] == [Effect.ALLOW, Effect.DENY]
    assert world.hub.agreements.all_versions() == []
    assert (epoch(world), _entries(world)) == before
    with pytest.raises(AgreementError):
        world.hub.agreements.check(b"agreement: x", where="a.yaml")


# --- a store that is not what it must be -----------------------------------------------------------------------------

DAMAGE: Final = {
    "another document": "UPDATE agreements SET document = CAST(replace(document, 'Two towns', 'Two cities') AS BLOB)",
    "no document": "UPDATE agreements SET document = x'00'",
    "another name": "UPDATE agreements SET name = 'three-towns'",
    "another status": "UPDATE agreements SET status = 'proposed'",
    "no status": "UPDATE agreements SET status = 'broken'",
    "other policies": "UPDATE agreements SET policies = replace(policies, 'forbid', 'permit')",
    "no names": "UPDATE agreements SET names = x'00'",
    "another signature": "UPDATE agreement_signatures SET signature = CAST('AAAA' || substr(signature, 5) AS BLOB)",
    "another key": "UPDATE agreement_signatures SET key = 'AAAA'",
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found(world: World, name: str) -> None:
    world.agreement(PLAIN, signed_by=("alfa", "bravo"))
    assert stores.executed(world.settings.home, DAMAGE[name]) > 0
    with pytest.raises(StoreBrokenError):
        world.hub.agreements.verify()


# --- the log alone ---------------------------------------------------------------------------------------------------


def _entries(world: World) -> list[EntryPayload]:
    with world.hub.store.read() as connection:
        rows = list(world.hub.log.rows(connection))
    return [decode_payload(row.payload) for row in rows if row.payload is not None]


def _rebuilt(entries: list[EntryPayload]) -> tuple[replay.Agreed, People]:
    agreed, people = replay.Agreed(), People()
    for entry in entries:
        people = apply_party(people, entry.kind, entry.data)
        at = parse_instant(entry.at)
        agreed = replay.apply(agreed, entry.kind, entry.data, people=people, at=at, mandate=entry.mandate)
    return agreed, people


def test_the_log_alone_rebuilds_what_verdicts_rest_on(world: World) -> None:
    world.agreement(PLAIN, signed_by=("alfa", "bravo"))
    world.agreement(changed("version: 1", "version: 2"), signed_by=("alfa", "bravo", "coast"))
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "coast", "late")
    agreed, people = _rebuilt(_entries(world))
    at = START + DAY
    with world.hub.store.read() as connection:
        assert replay.facts_of(agreed, people, at) == world.hub.agreements.facts(connection, at)


def _forged(entries: list[EntryPayload], kind: str, **changes: object) -> list[EntryPayload]:
    """Return the entries with the last one of a kind changed."""
    last = max(index for index, entry in enumerate(entries) if entry.kind == kind)
    forged = msgspec.structs.replace(entries[last], data=entries[last].data | changes)
    return [*entries[:last], forged, *entries[last + 1 :]]


FORGERIES: Final[dict[str, tuple[str, dict[str, object]]]] = {
    "another document": ("agreement.proposed", {"document": changed("title: Two towns", "title: Two cities")}),
    "a document with a fault": ("agreement.proposed", {"document": "agreement: x"}),
    "other policies": ("agreement.proposed", {"policies": ""}),
    "other names": (
        "agreement.proposed",
        {"names": {"alfa": "https://delta.example", "bravo": "https://delta.example"}},
    ),
    "another version": ("agreement.proposed", {"version": 7}),
    "no document": ("agreement.proposed", {"document": None}),
    "another signatory": ("agreement.signed", {"signatory": "nobody"}),
    "another party": ("agreement.signed", {"party": "https://delta.example"}),
    "another's key": ("agreement.signed", {"key": "AAAA"}),
    "a signature over something else": ("agreement.signed", {"signature": "A" * 86 + "=="}),
    "a signature on another version": ("agreement.signed", {"version": 2}),
    "an activation of nothing": ("agreement.activated", {"agreement": "three-towns"}),
    "an activation that supersedes nothing": ("agreement.activated", {"supersedes": 4}),
    "more than the act has": ("agreement.activated", {"more": 1}),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_entry_is_found(world: World, name: str) -> None:
    world.agreement(PLAIN, signed_by=("alfa", "bravo"))
    kind, changes = FORGERIES[name]
    with pytest.raises(LogBrokenError):
        _rebuilt(_forged(_entries(world), kind, **changes))


@pytest.mark.parametrize("kind", ["agreement.proposed", "agreement.signed", "agreement.activated"])
def test_an_act_told_twice_is_found(world: World, kind: str) -> None:
    world.agreement(PLAIN, signed_by=("alfa", "bravo"))
    entries = _entries(world)
    again = next(entry for entry in reversed(entries) if entry.kind == kind)
    with pytest.raises(LogBrokenError):
        _rebuilt([*entries, again])


def test_an_activation_without_all_signatures_is_found(world: World) -> None:
    world.agreement(PLAIN, signed_by=("alfa", "bravo"))
    entries = _entries(world)
    last = max(index for index, entry in enumerate(entries) if entry.kind == "agreement.signed")
    with pytest.raises(LogBrokenError):
        _rebuilt([*entries[:last], *entries[last + 1 :]])
