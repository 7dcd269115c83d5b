"""A hub in a folder, with a partnership as small as a test needs; time and randomness are the test's."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from support import stores
from support.clocks import clock_at, go_on_from
from tocsin.agreements.document import parse_agreement, public_key_of, sign_document
from tocsin.bootstrap import Founding, Hub, found_hub, hub_party, open_hub
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Query, Receipt
from tocsin.exchange.reading import Asker
from tocsin.kernel.clock import parse_instant
from tocsin.kernel.ids import SeededEntropy
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import ROUTINE, Kind, Party, Permission, Role, User

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.agreements.model import Tlp
    from tocsin.exchange.model import PageItem
    from tocsin.settings import Settings

START = parse_instant("2026-06-01T08:00:00Z")
OPERATOR = Acting(actor="operator@hub")
EVERYTHING = ROUTINE


class World:
    """A hub and short ways to do what tests do over and over, all through the public services."""

    def __init__(
        self,
        home: Path,
        *,
        seed: int = 1,
        start: int = START,
        template: Path | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Found a hub in ``home``, or begin with a copy of the closed one in ``template``, which is faster.

        ``settings`` are of a hub that is somewhere else than where this session's tests have theirs.
        """
        if settings is None:
            settings = stores.fresh(home) if template is None else stores.copy_home(template, home)
        self.settings = settings
        self.clock = clock_at(start)
        # a copy draws what its template did not draw: no id twice
        self.entropy = SeededEntropy(seed if template is None else seed + 1_000_000)
        self.parties: dict[str, Party] = {}
        if template is not None:
            self.hub: Hub = open_hub(self.settings, clock=self.clock, entropy=self.entropy)
            with self.hub.store.read() as connection:
                go_on_from(self.clock, self.hub.log.head(connection).at)
            return
        party = hub_party(uri="https://hub.example", name="hub", title="The hub", country="NO")
        self.hub = found_hub(self.settings, Founding(party=party), clock=self.clock, entropy=self.entropy)

    @classmethod
    def again(cls, home: Path, *, seed: int, start: int = START, settings: Settings | None = None) -> World:
        """Open the hub that is in ``home``, as a new process would after whatever ended the last."""
        world = cls.__new__(cls)
        world.settings = settings or stores.settings_of(home)
        world.clock = clock_at(start)
        world.entropy = SeededEntropy(seed)
        world.parties = {}
        world.hub = open_hub(world.settings, clock=world.clock, entropy=world.entropy)
        return world

    def reopen(self) -> Hub:
        """Close the hub and open it again, as a new process would."""
        self.hub.close()
        self.hub = open_hub(self.settings, clock=self.clock, entropy=self.entropy)
        return self.hub

    def party(
        self,
        name: str,
        *,
        kind: Kind = Kind.PRIVATE,
        country: str = "NO",
        capacities: frozenset[str] = frozenset({"operator"}),
        sectors: frozenset[str] = frozenset({"energy"}),
        clearance: str = "restricted",
        until: int | None = None,
        data_region: str | None = "eea",
        communities: frozenset[str] = frozenset(),
    ) -> Party:
        """Add and clear a party, with a signatory whose key is derived from its name."""
        party = Party(
            uri=f"https://{name}.example",
            name=name,
            title=name.title(),
            kind=kind,
            country=country,
            capacities=capacities,
            sectors=sectors,
            data_region=data_region,
            communities=communities,
        )
        with self.hub.parties.acting(OPERATOR, self.hub.mandate) as acts:
            acts.add_party(party)
            cleared = acts.clear_party(name, clearance=clearance, until=until)
            acts.add_user(User(name="sig", party=party.uri, roles=frozenset({Role.SIGNATORY})))
            acts.register_signing_key(f"sig@{name}", public_key_of(key_of(name)))
        self.parties[name] = cleared
        return cleared

    def user(
        self,
        reference: str,
        *,
        roles: frozenset[Role] = frozenset({Role.ANALYST}),
        clearance: str = "restricted",
        nationality: str | None = None,
    ) -> User:
        """Add a user, written ``name@party``."""
        name, _, party = reference.partition("@")
        uri = self.hub.parties.get(party).uri
        user = User(name=name, party=uri, roles=roles, clearance=clearance, nationality=nationality)
        return self.hub.parties.add_user(OPERATOR, self.hub.mandate, user)

    def token(self, reference: str, *, purpose: str = "detect", permissions: frozenset[Permission] = EVERYTHING) -> str:
        """Issue a token for a party's service or a user."""
        text, _ = self.hub.parties.issue_token(
            OPERATOR, self.hub.mandate, reference, purpose=purpose, permissions=permissions
        )
        return text

    def agreement(self, text: str, *, signed_by: tuple[str, ...], activate: bool = True, amends: bool = False) -> str:
        """Propose a document, have it signed by these parties, and bring it into force; returns ``name/version``."""
        document = parse_agreement(text.encode(), where="test").document
        self.hub.agreements.propose(OPERATOR, self.hub.mandate, text.encode(), where="test", amends=amends)
        for name in signed_by:
            signature = sign_document(document, key_of(name))
            self.hub.agreements.sign(
                Acting(actor=f"sig@{name}"),
                document.name,
                document.version,
                signatory=f"sig@{name}",
                signature=signature,
            )
        if activate:
            self.hub.agreements.activate(OPERATOR, self.hub.mandate, document.name, document.version)
        return document.id

    def share(
        self, name: str, data: bytes, *, to: tuple[str, ...] = (), tlp: Tlp | None = None, collection: str = "exchange"
    ) -> Receipt:
        """Submit a bundle for a party."""
        party = self.hub.parties.get(name)
        return self.hub.intake.submit(
            Submission(party=party.uri, acting=Acting(actor=name), data=data, to=to, tlp=tlp, collection=collection)
        )

    def asker(self, reference: str, *, purpose: str = "detect") -> Asker:
        """Return a reader, written ``party`` or ``user@party``."""
        party, user = self.hub.parties.resolve(reference)
        return Asker(party=party.uri, user=user.name if user else None, purpose=purpose, acting=Acting(actor=reference))

    def read(
        self, reference: str, *, purpose: str = "detect", query: Query | None = None, limit: int = 1000
    ) -> list[tuple[PageItem, bytes]]:
        """Read everything a reader gets from the exchange, page by page."""
        asker, cursor = self.asker(reference, purpose=purpose), None
        found: list[tuple[PageItem, bytes]] = []
        while True:
            answer = self.hub.reading.objects(asker, "exchange", query or Query(), limit=limit, cursor=cursor)
            found += zip(answer.page.items, answer.page.bodies, strict=True)
            cursor = answer.next
            if cursor is None:
                return found


def key_of(name: str) -> bytes:
    """Return the signing key of a party's signatory: made up, and the same in every run."""
    return hashlib.sha256(b"signatory of " + name.encode()).digest()
