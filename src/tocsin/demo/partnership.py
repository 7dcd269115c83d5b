"""Seven parties in three countries, their people, their two agreements, and an incident told in four submissions."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.document import parse_agreement, public_key_of, sign_document
from tocsin.exchange.intake import Submission
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import ROUTINE, Kind, Party, Role, User

if TYPE_CHECKING:
    from tocsin.bootstrap import Hub
    from tocsin.exchange.model import Receipt

__all__ = ["AGREEMENTS", "HUB", "PARTIES", "STORY", "Credential", "Told", "build", "credentials", "tell"]


def _party(
    name: str, title: str, kind: Kind, country: str, *, capacities: set[str], sectors: set[str], region: str = "eea"
) -> Party:
    return Party(
        uri=f"https://{name}.example",
        name=name,
        title=title,
        kind=kind,
        country=country,
        capacities=frozenset(capacities),
        sectors=frozenset(sectors),
        communities=frozenset({"nordic"}),
        data_region=region,
    )


HUB: Final = Party(
    uri="https://hub.nordic.example",
    name="hub",
    title="Nordic coordination hub",
    kind=Kind.INTERMEDIARY,
    country="NO",
    capacities=frozenset({"hub"}),
)

PARTIES: Final = (
    _party("national-cert", "National CERT", Kind.PUBLIC, "NO", capacities={"csirt"}, sectors={"energy"}),
    _party("grid-authority", "Grid authority", Kind.PUBLIC, "SE", capacities={"csirt"}, sectors={"energy"}),
    _party("fjordkraft", "Fjordkraft AS", Kind.PRIVATE, "NO", capacities={"operator"}, sectors={"energy"}),
    _party("nordvind", "Nordvind A/S", Kind.PRIVATE, "DK", capacities={"operator"}, sectors={"energy"}),
    _party("vannverket", "Vannverket IKS", Kind.PRIVATE, "NO", capacities={"operator"}, sectors={"drinking-water"}),
    _party("telebris", "Telebris AB", Kind.PRIVATE, "SE", capacities={"operator"}, sectors={"telecommunications"}),
    _party("havnlogistikk", "Havnlogistikk A/S", Kind.PRIVATE, "DK", capacities={"operator"}, sectors={"transport"}),
)

# One analyst a party; the one at Fjordkraft is the person whom the RED report names.
_ANALYSTS: Final = {
    "national-cert": "ingrid",
    "grid-authority": "sven",
    "fjordkraft": "anna",
    "nordvind": "bo",
    "vannverket": "liv",
    "telebris": "maja",
    "havnlogistikk": "per",
}

AGREEMENTS: Final = ("nordic-grid-exchange", "common-warning")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One submission of the story."""

    file: str
    party: str
    to: tuple[str, ...]
    says: str


STORY: Final = (
    Told(
        file="1-nordvind-first-report.json",
        party="nordvind",
        to=(),
        says="telecontrol lost at 31 wind and solar farms; the wiper, its hash, and which sites (AMBER, AMBER+STRICT)",
    ),
    Told(
        file="2-national-cert-warning.json",
        party="national-cert",
        to=(),
        says="command and control, what to do now (GREEN), and an advisory for anyone (CLEAR)",
    ),
    Told(
        file="3-fjordkraft-firmware.json",
        party="fjordkraft",
        to=(),
        says="the hole in the terminals' firmware, and a recovery image that is export-controlled (AMBER)",
    ),
    Told(
        file="4-national-cert-for-anna.json",
        party="national-cert",
        to=("anna@fjordkraft",),
        says="whose account was used in March: for one person's eyes (RED)",
    ),
)


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody of the demonstration signs in. Shown once, and good for this demonstration only."""

    reference: str
    secret: str
    purpose: str


def story(name: str) -> bytes:
    """Return a file of the story."""
    return (files("tocsin.demo") / "story" / name).read_bytes()


def build(hub: Hub) -> None:
    """Admit the parties and their people, and bring the two agreements into force, signed by all seven."""
    acting = Acting(actor=f"operator@{HUB.name}")
    keys: dict[str, bytes] = {}
    with hub.parties.acting(acting, hub.mandate) as acts:
        for party in PARTIES:
            acts.add_party(party)
            acts.clear_party(party.name, clearance="restricted", until=None, reason="evidence seen by two")
            analyst = User(
                name=_ANALYSTS[party.name],
                party=party.uri,
                roles=frozenset({Role.ANALYST, Role.LIAISON}),
                clearance="restricted",
                nationality=party.country,
            )
            acts.add_user(analyst)
            acts.add_user(User(name="signatory", party=party.uri, roles=frozenset({Role.SIGNATORY})))
            # a real signatory keeps this key; here it lives as long as this function
            keys[party.name] = hub.entropy.bytes(32)
            acts.register_signing_key(f"signatory@{party.name}", public_key_of(keys[party.name]))
    for name in AGREEMENTS:
        source = story(f"{name}.yaml")
        hub.agreements.propose(acting, hub.mandate, source, where=f"{name}.yaml")
        document = parse_agreement(source, where=f"{name}.yaml").document
        for party in PARTIES:
            signatory = f"signatory@{party.name}"
            signature = sign_document(document, keys[party.name])
            hub.agreements.sign(
                Acting(actor=signatory), document.name, document.version, signatory=signatory, signature=signature
            )
        hub.agreements.activate(acting, hub.mandate, document.name, document.version)


def tell(hub: Hub) -> list[tuple[Told, Receipt]]:
    """Submit the four parts of the incident, each as the party that tells it."""
    receipts = []
    for told in STORY:
        party = hub.parties.get(told.party)
        analyst = f"{_ANALYSTS[told.party]}@{told.party}"
        submission = Submission(
            party=party.uri,
            acting=Acting(actor=f"operator@{HUB.name}", on_behalf_of=analyst),
            data=story(told.file),
            to=told.to,
        )
        receipts.append((told, hub.intake.submit(submission)))
    return receipts


def credentials(hub: Hub) -> list[Credential]:
    """Issue a token to every party's service, and one to the analyst whom the RED report names."""
    acting = Acting(actor=f"operator@{HUB.name}")
    readers = [*(party.name for party in PARTIES), "anna@fjordkraft"]
    issued = []
    with hub.parties.acting(acting, hub.mandate) as acts:
        for reference in readers:
            secret, token = acts.issue_token(reference, purpose="detect", permissions=ROUTINE, note="demonstration")
            issued.append(Credential(reference=reference, secret=secret, purpose=token.purpose))
    return issued
