"""What the log and the store tell of agreements that lived: a false row and a false entry are found.

Who has two keys signs with both; who has an authority signs within it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from sqlalchemy import text

from support.agreement_texts import PLAIN
from support.hub import OPERATOR, START, World, key_of
from support.told import entries_of, rebuilt
from tocsin.agreements import replay
from tocsin.agreements.document import (
    Said,
    Signed,
    act_bytes,
    ml_dsa_public_key_of,
    parse_agreement,
    public_key_of,
    sign_bytes,
    signing_bytes,
)
from tocsin.errors import ConflictError, ForbiddenError, InputError, LogBrokenError, StoreBrokenError
from tocsin.kernel.clock import DAY, parse_date
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT: Final = (
    PLAIN.replace("until: 2027-01-01", "until: null")
    .replace('cite: "Act 1", valid: [2026-01-01, null]', 'cite: "Act 1", valid: [2026-01-01, 2026-12-01]')
    .replace("valid: [2026-01-15, 2026-06-01]", "valid: [2026-01-15, 2026-12-01]")
    + 'amend_by: {more_than: 0.3, objection_period: P10D}\nwithdrawal: {notice: P30D, survives: "2"}\n'
    + "accession: {who: {capacity: operator}, by: motion}\n"
)
SECOND: Final = TEXT.replace("version: 1", "version: 2")
SEAL: Final = bytes.fromhex("300b06092a864886f70d010702")  # a signature by its outer form, and nothing in it
NAMES: Final = ("alfa", "bravo", "coast", "delta")
SEED: Final = hashlib.sha256(b"a second key").digest()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a hub in which everything happened that can happen to an agreement."""
    folder = tmp_path_factory.mktemp("told") / "hub"
    world = World(folder)
    for name in NAMES:
        world.party(name, country="SE" if name == "coast" else "NO")
    agreements, mandate = world.hub.agreements, world.hub.mandate
    world.agreement(TEXT, signed_by=("alfa", "bravo"))
    with agreements.living(OPERATOR) as acts:
        acts.admit(mandate, "two-towns", 1, "coast", "vetted")
        acts.grace(
            mandate,
            "two-towns",
            1,
            basis="law",
            parties_=["alfa", "bravo"],
            until=parse_date("2026-12-20"),
            reason="the act is late",
        )
        acts.attach("two-towns", 1, party="alfa", title="seal", content=SEAL, over="00" * 32, outcome="not checked")
    sign(world, "coast", TEXT)
    say(world, "coast", Said.WITHDRAW, TEXT)
    agreements.propose(OPERATOR, mandate, SECOND.encode(), where="a", amends=True)
    sign(world, "alfa", SECOND)
    sign(world, "bravo", SECOND)
    say(world, "coast", Said.OBJECT, SECOND)
    world.clock.at = START + 10 * DAY
    with agreements.living(OPERATOR) as acts:
        acts.adopt(mandate, "two-towns", 2)
        acts.suspend(mandate, "two-towns", 2, "a court asks")
        acts.resume(mandate, "two-towns", 2, "it has answered")
    other = TEXT.replace("two-towns", "other")
    world.agreement(other, signed_by=("alfa", "bravo"))
    world.agreement(other.replace("version: 1", "version: 2"), signed_by=("alfa",), activate=False)
    with agreements.living(OPERATOR) as acts:
        acts.terminate(mandate, "other", 2, "a slip")
        acts.terminate(mandate, "other", 1, "over")
    world.hub.self_test.require()
    world.hub.close()
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "hub", template=template, start=START + 10 * DAY)
    yield made
    made.hub.close()


def made_by(name: str, data: bytes) -> Signed:
    return sign_bytes(data, key_of(name))


def sign(world: World, name: str, text_: str, made: Signed | None = None) -> None:
    document = parse_agreement(text_.encode(), where="text").document
    made = made or made_by(name, signing_bytes(document))
    world.hub.agreements.sign(
        Acting(actor=f"sig@{name}"),
        document.name,
        document.version,
        signatory=f"sig@{name}",
        signature=made.signature,
        ml_dsa_signature=made.ml_dsa_signature,
    )


def say(world: World, name: str, said: Said, text_: str) -> None:
    document = parse_agreement(text_.encode(), where="text").document
    made = made_by(name, act_bytes(document, said, party=f"https://{name}.example", reason="because"))
    with world.hub.agreements.living(Acting(actor=f"sig@{name}")) as acts:
        act = acts.object if said is Said.OBJECT else acts.withdraw
        act(document.name, document.version, signatory=f"sig@{name}", made=made, reason="because")


# --- false rows ------------------------------------------------------------------------------------------------------

STANDING: Final = "UPDATE agreement_standings SET"
ROWS: Final = {
    "a withdrawal takes effect later": f"{STANDING} until = until + 1 WHERE act = 'withdraw'",
    "a withdrawal is gone": "DELETE FROM agreement_standings WHERE act = 'withdraw'",
    "an objection is another party's": f"{STANDING} party = 'https://delta.example' WHERE act = 'object'",
    "an objection is gone": "DELETE FROM agreement_standings WHERE act = 'object'",
    "an objection is unsigned": f"{STANDING} key = NULL, signature = NULL WHERE act = 'object'",
    "another was admitted": f"{STANDING} party = 'https://delta.example' WHERE act = 'admit'",
    "a party did what nobody does": f"{STANDING} act = 'marry' WHERE act = 'admit'",
    "another reason": f"{STANDING} reason = 'x' WHERE act = 'withdraw'",
    "a grace that lasts longer": "UPDATE agreement_graces SET until = until + 1",
    "a grace for others": "UPDATE agreement_graces SET parties = '[\"https://delta.example\"]'",
    "a grace for what is no list": "UPDATE agreement_graces SET parties = 'x'",
    "a grace is gone": "DELETE FROM agreement_graces",
    "an attachment with other bytes": "UPDATE agreement_attachments SET content = 'x'",
    "an attachment said to be checked": "UPDATE agreement_attachments SET outcome = 'checked'",
    "an attachment is gone": "DELETE FROM agreement_attachments",
    "a suspended version": "UPDATE agreements SET status = 'suspended' WHERE version = 2 AND name = 'two-towns'",
    "a terminated version in force": "UPDATE agreements SET status = 'in-force' WHERE version = 1 AND name = 'other'",
    "a version that amends another": "UPDATE agreements SET amends = 7 WHERE amends = 1",
    "a version that amends nothing": "UPDATE agreements SET amends = NULL WHERE amends = 1",
    "another reason of an end": "UPDATE agreements SET reason = 'x' WHERE reason = 'over'",
    "an end at another instant": "UPDATE agreements SET ended_at = ended_at + 1 WHERE reason = 'over'",
}


@pytest.mark.parametrize("name", ROWS)
def test_a_false_row_is_found(world: World, name: str) -> None:
    with world.hub.store.write() as connection:
        done = connection.execute(text(ROWS[name]))
        assert done.rowcount >= 1
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()


# --- false entries ---------------------------------------------------------------------------------------------------


FORGERIES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "a withdrawal that takes effect earlier": ("agreement.withdrawn", {"leaves": 0}),
    "a withdrawal for another reason": ("agreement.withdrawn", {"reason": "another"}),
    "a withdrawal of another": ("agreement.withdrawn", {"party": "https://alfa.example"}),
    "an objection by another": ("agreement.objected", {"party": "https://alfa.example"}),
    "an objection for another reason": ("agreement.objected", {"reason": "another"}),
    "an objection to what amends nothing": ("agreement.objected", {"version": 1}),
    "an adoption that carries others": ("agreement.adopted", {"carried": ["https://delta.example"]}),
    "an adoption that lets others leave": ("agreement.adopted", {"leaving": {"https://alfa.example": 0}}),
    "an adoption of what amends another": ("agreement.adopted", {"amends": 7}),
    "an adoption that loses a grace": ("agreement.adopted", {"graces": []}),
    "an admission of nobody": ("agreement.admitted", {"party": "https://nobody.example"}),
    "an admission of who had joined": ("agreement.admitted", {"party": "https://alfa.example"}),
    "a grace beyond what one can be": ("agreement.grace", {"until": parse_date("2028-01-01")}),
    "a grace for nobody": ("agreement.grace", {"parties": []}),
    "a grace for who was never added": ("agreement.grace", {"parties": ["https://nobody.example"]}),
    "a grace for a basis that is none": ("agreement.grace", {"basis": "rule"}),
    "an attachment that is another": ("agreement.attached", {"content": "AAAA"}),
    "an attachment that is no base64": ("agreement.attached", {"content": "?"}),
    "an attachment of nobody": ("agreement.attached", {"party": "https://nobody.example"}),
    "an amendment of nothing": ("agreement.proposed", {"amends": 7}),
    "a resumption of another version": ("agreement.resumed", {"version": 1}),
    "a termination with more than it has": ("agreement.terminated", {"more": 1}),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_false_entry_is_found(world: World, name: str) -> None:
    kind, changes = FORGERIES[name]
    told = entries_of(world)
    last = max(
        index
        for index, entry in enumerate(told)
        if entry.kind == kind and (kind != "agreement.proposed" or "amends" in entry.data)
    )
    told[last] = msgspec.structs.replace(told[last], data=told[last].data | changes)
    with pytest.raises(LogBrokenError):
        rebuilt(told)


@pytest.mark.parametrize(
    "kind",
    # granting the same grace again is no contradiction; the first three have tests of their own, and annexes theirs
    sorted(
        kind
        for kind in replay.KINDS - {"agreement.proposed", "agreement.signed", "agreement.activated", "agreement.grace"}
        if not kind.startswith(("annex.", "duty."))
    ),
)
def test_an_act_told_twice_is_found(world: World, kind: str) -> None:
    told = entries_of(world)
    rebuilt(told)
    place = next(index for index, entry in enumerate(told) if entry.kind == kind)
    with pytest.raises(LogBrokenError):
        rebuilt([*told[: place + 1], told[place], *told[place + 1 :]])


# --- two keys, and an authority --------------------------------------------------------------------------------------

THIRD: Final = TEXT.replace("two-towns", "third")
DOCUMENT: Final = parse_agreement(THIRD.encode(), where="third").document


def with_second_key(world: World) -> None:
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, THIRD.encode(), where="a")
    world.hub.parties.register_signing_key(
        OPERATOR, world.hub.mandate, "sig@alfa", public_key_of(key_of("alfa")), ml_dsa_key=ml_dsa_public_key_of(SEED)
    )


def test_who_has_two_keys_signs_with_both(world: World) -> None:
    with_second_key(world)
    both = sign_bytes(signing_bytes(DOCUMENT), key_of("alfa"), SEED)
    assert both.ml_dsa_signature is not None
    another = sign_bytes(signing_bytes(DOCUMENT), key_of("alfa"), key_of("another"))
    elsewhere = sign_bytes(b"another text", key_of("alfa"), SEED)
    wrong = {
        "the second was taken away": msgspec.structs.replace(both, ml_dsa_signature=None),
        "the second is another's": another,
        "the second is over something else": msgspec.structs.replace(both, ml_dsa_signature=elsewhere.ml_dsa_signature),
        "the first is over something else": msgspec.structs.replace(both, signature=elsewhere.signature),
    }
    for made in wrong.values():
        with pytest.raises(ForbiddenError):
            sign(world, "alfa", THIRD, made)
    with pytest.raises(InputError, match="ML-DSA-44 signature"):
        sign(world, "alfa", THIRD, msgspec.structs.replace(both, ml_dsa_signature="AAAA"))
    sign(world, "alfa", THIRD, both)
    world.hub.self_test.require()


def test_a_second_signature_that_was_taken_away_later_is_found(world: World) -> None:
    with_second_key(world)
    sign(world, "alfa", THIRD, sign_bytes(signing_bytes(DOCUMENT), key_of("alfa"), SEED))
    with world.hub.store.write() as connection:
        connection.execute(text("UPDATE agreement_signatures SET ml_dsa_key = NULL, ml_dsa_signature = NULL"))
    with pytest.raises(StoreBrokenError):
        world.hub.self_test.require()
    told = entries_of(world)
    stripped = {key: value for key, value in told[-1].data.items() if not key.startswith("ml_dsa")}
    told[-1] = msgspec.structs.replace(told[-1], data=stripped)
    with pytest.raises(LogBrokenError, match="ML-DSA-44"):
        rebuilt(told)


def test_a_second_signature_without_a_second_key_is_refused(world: World) -> None:
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, THIRD.encode(), where="a")
    with pytest.raises(ForbiddenError, match="an ML-DSA-44 signature"):
        sign(world, "alfa", THIRD, sign_bytes(signing_bytes(DOCUMENT), key_of("alfa"), SEED))


def test_a_second_key_is_replaced_and_never_taken_away_nor_anybody_else_s(world: World) -> None:
    with_second_key(world)
    register = world.hub.parties.register_signing_key
    kept = register(OPERATOR, world.hub.mandate, "sig@alfa", public_key_of(key_of("new")))
    assert kept.ml_dsa_key == ml_dsa_public_key_of(SEED)
    with pytest.raises(ConflictError, match="another person's"):
        register(
            OPERATOR,
            world.hub.mandate,
            "sig@bravo",
            public_key_of(key_of("bravo")),
            ml_dsa_key=ml_dsa_public_key_of(SEED),
        )
    world.hub.self_test.require()


@pytest.mark.parametrize(
    ("authority", "reaches"),
    [
        (None, True),
        (Authority(agreements=frozenset({"third"})), True),
        (Authority(agreements=frozenset({"other", "third"}), until=START + 11 * DAY), True),
        (Authority(agreements=frozenset({"other"})), False),
        (Authority(until=START + 10 * DAY), False),
        (Authority(until=START + 10 * DAY + 1, evidence="ab" * 32), True),
    ],
)
def test_an_authority_says_what_a_signatory_may_sign(world: World, authority: Authority | None, reaches: bool) -> None:  # noqa: FBT001  a row of the table
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, THIRD.encode(), where="a")
    world.hub.parties.authorise_signatory(OPERATOR, world.hub.mandate, "sig@alfa", authority)
    if reaches:
        sign(world, "alfa", THIRD)
    else:
        with pytest.raises(ForbiddenError, match="authority does not reach"):
            sign(world, "alfa", THIRD)
    world.hub.self_test.require()


@pytest.mark.parametrize("changes", [{"evidence": "x"}, {"agreements": frozenset({"A B"})}, {"until": 10**20}])
def test_an_authority_that_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Authority(**changes)
