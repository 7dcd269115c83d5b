"""Labels, profiles, verdicts: the values that the gate turns on."""

from __future__ import annotations

import enum

import msgspec

from tocsin.kernel.clock import Micros

__all__ = [
    "Action",
    "Effect",
    "Label",
    "Pap",
    "Profile",
    "Reason",
    "Tlp",
    "Verdict",
    "user_address",
]


class Tlp(enum.StrEnum):
    """Traffic Light Protocol 2.0, widest first."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"


class Pap(enum.StrEnum):
    """Permissible Actions Protocol, widest first."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Action(enum.StrEnum):
    """What a verdict is about."""

    READ = "read"


class Effect(enum.StrEnum):
    """The verdict itself."""

    ALLOW = "allow"
    DENY = "deny"


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """The release-relevant attributes of a contribution: those that the Cedar schema names, and when they end.

    From ``ends`` on its policy says nothing that can be read: it is then as ``as_of`` gives it. No policy compares
    times, so that the gate does, beside Cedar.

    ``recipients`` are addresses: a party's URI, or ``name@URI`` for one of its users. Where there are any, nobody
    else but the owner's party is meant.
    """

    owner: str  # URI of the party that contributed it
    type: str  # STIX type
    tlp: Tlp
    pap: Pap | None = None
    categories: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    residency: str | None = None
    recipients: frozenset[str] = frozenset()
    classification: str | None = None  # a clearance above the lowest: whoever has a lower one does not read it
    unknown_marking: bool = False  # carries a marking that we cannot read: for its owner alone
    sealed: bool = False  # a body that only recipients can decrypt
    grant: str | None = None  # id of the grant under which it is offered anew: for whom that is for, alone
    ends: Micros | None = None  # when the policy on it does: from then on it is for its owner alone

    def over(self, at: Micros) -> bool:
        """Return whether its policy has ended."""
        return self.ends is not None and self.ends <= at

    def as_of(self, at: Micros) -> Label:
        """Return the label that counts at an instant."""
        return msgspec.structs.replace(self, unknown_marking=True) if self.over(at) else self


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The release-relevant attributes of a reader, exactly those that the Cedar schema names."""

    party: str  # URI
    party_kind: str
    user: str | None  # name within the party; None for a service
    roles: frozenset[str]
    purpose: str
    capacities: frozenset[str]
    sectors: frozenset[str]
    communities: frozenset[str]
    country: str
    data_region: str | None
    clearance: str  # effective at the instant of the decision
    nationality: str | None
    active: bool  # the party is vetted, and the user, if any, is active
    acts_as: frozenset[str] | None = None  # of its capacities, those in which it reads; None: in all of them
    client: Profile | None = None  # for whose service it reads, as one who serves it (TLP 2.0: AMBER, clients)

    @property
    def addresses(self) -> frozenset[str]:
        """Return the addresses under which an owner may have named this reader."""
        return frozenset({self.party}) | ({user_address(self.user, self.party)} if self.user else set())


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One determining policy of a verdict, read back to what people signed.

    ``agreement`` is None for the hub's own rules (the owner reads its own; the TLP floors), whose name then stands
    in ``clause``.
    """

    agreement: str | None
    version: int | None
    clause: str
    legal_basis: tuple[str, ...]
    effect: Effect
    policy_id: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Allow or deny for (profile, label, action), with its reasons and the instant until which it stands.

    A deny without reasons is the default: no clause permits. ``errors`` are Cedar's; any error is a deny.
    """

    effect: Effect
    reasons: tuple[Reason, ...]
    errors: tuple[str, ...] = ()
    slice_digest: bytes
    valid_until: Micros | None  # None: nothing known will change it

    @property
    def allows(self) -> bool:
        """Return whether the gate opens."""
        return self.effect is Effect.ALLOW


def user_address(user: str, party: str) -> str:
    """Return the address of a user: no party's URI has this form, since a name holds no colon."""
    return f"{user}@{party}"
