"""One agreement of two towns, its parties' words on it, and what each act on it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from support.agreement_texts import PLAIN
from support.hub import OPERATOR, World, key_of
from tocsin.agreements.document import Said, Signed, act_bytes, parse_agreement, sign_bytes, signing_bytes
from tocsin.agreements.gate import decide, profile_of, slice_for
from tocsin.agreements.model import Label, Tlp
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from tocsin.agreements.life import AgreementStatus

__all__ = [
    "ALL",
    "MORE",
    "SAUCE",
    "SECOND",
    "TEXT",
    "admit",
    "adopt",
    "amend",
    "change",
    "grace",
    "in_force",
    "members",
    "object_",
    "reads",
    "sign",
    "status",
    "uri",
    "withdraw",
    "word",
]

MORE: Final = """\
accession: {who: {countries: [SE]}, by: signature}
amend_by: {more_than: 0.5, objection_period: P30D}
withdrawal: {notice: P30D, survives: ["3"]}
"""
# every party here is named or meets the criteria; clause 3 survives, clause 2 does not
TEXT: Final = (
    PLAIN.replace("until: 2027-01-01", "until: null")
    .replace("capacity: operator, countries: [NO, SE]", "capacity: operator")
    .replace('cite: "Act 1", valid: [2026-01-01, null]', 'cite: "Act 1", valid: [2026-01-01, 2026-12-01]')
    .replace("valid: [2026-01-15, 2026-06-01]", "valid: [2026-01-15, 2026-12-01]")
    + """\
  - id: "3"
    forbid: read
    of: {category: secret-sauce}
"""
    + MORE
)
SECOND: Final = TEXT.replace("version: 1", "version: 2")
ALL: Final = ("alfa", "bravo", "coast", "delta")


def uri(name: str) -> str:
    return f"https://{name}.example"


def word(name: str, said: Said, text: str, reason: str = "because") -> Signed:
    document = parse_agreement(text.encode(), where="text").document
    return sign_bytes(act_bytes(document, said, party=uri(name), reason=reason), key_of(name))


def sign(world: World, name: str, text: str = TEXT) -> None:
    document = parse_agreement(text.encode(), where="text").document
    made = sign_bytes(signing_bytes(document), key_of(name))
    world.hub.agreements.sign(
        Acting(actor=f"sig@{name}"),
        document.name,
        document.version,
        signatory=f"sig@{name}",
        signature=made.signature,
    )


def withdraw(world: World, name: str, text: str = TEXT) -> int:
    version = parse_agreement(text.encode(), where="text").document.version
    with world.hub.agreements.living(Acting(actor=f"sig@{name}")) as acts:
        return acts.withdraw(
            "two-towns", version, signatory=f"sig@{name}", made=word(name, Said.WITHDRAW, text), reason="because"
        )


def object_(world: World, name: str, text: str = SECOND) -> None:
    with world.hub.agreements.living(Acting(actor=f"sig@{name}")) as acts:
        acts.object("two-towns", 2, signatory=f"sig@{name}", made=word(name, Said.OBJECT, text), reason="because")


def amend(world: World, text: str = SECOND) -> None:
    world.hub.agreements.propose(OPERATOR, world.hub.mandate, text.encode(), where="a.yaml", amends=True)


def adopt(world: World) -> frozenset[str]:
    with world.hub.agreements.living(OPERATOR) as acts:
        return acts.adopt(world.hub.mandate, "two-towns", 2)


def change(world: World, act: str, version: int = 1) -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        getattr(acts, act)(world.hub.mandate, "two-towns", version, "because")


def grace(world: World, *names: str, until: int, basis: str = "law") -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.grace(world.hub.mandate, "two-towns", 1, basis=basis, parties_=names, until=until, reason="because")


def admit(world: World, name: str) -> None:
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.admit(world.hub.mandate, "two-towns", 1, name, "because")


def status(world: World, version: int = 1) -> AgreementStatus:
    return world.hub.agreements.get("two-towns", version).status


def members(world: World) -> tuple[str, ...]:
    return world.hub.agreements.get("two-towns").members


def reads(world: World, reader: str, owner: str, *, purpose: str = "detect", **more: object) -> bool:
    """Return whether a party's service may read an indicator of another's."""
    with world.hub.store.read() as connection:
        at = world.hub.log.now(connection)
        facts = world.hub.agreements.facts(connection, at)
    profile = profile_of(facts.parties[uri(reader)], None, purpose, at)
    label = Label(owner=uri(owner), type="indicator", **({"tlp": Tlp.GREEN} | more))  # type: ignore[arg-type]
    (verdict,) = decide(slice_for(profile, facts), profile, [label])
    return verdict.allows


SAUCE: Final = frozenset({"secret-sauce"})


def in_force(world: World, signed_by: tuple[str, ...] = ("alfa", "bravo"), text: str = TEXT) -> None:
    world.agreement(text, signed_by=signed_by)
