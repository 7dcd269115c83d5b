"""The one composition root: from settings to a hub whose rooms are wired together."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, select
from sqlalchemy.exc import DatabaseError

from tocsin.agreements.gatekeeper import Gate
from tocsin.agreements.service import Agreements
from tocsin.errors import ConflictError, InputError, StoreBrokenError, UsageError
from tocsin.exchange.access.delegating import Delegating
from tocsin.exchange.access.granting import Granting
from tocsin.exchange.access.requesting import Requesting
from tocsin.exchange.account.service import Accounts
from tocsin.exchange.again import OfferingAgain
from tocsin.exchange.asking import Asking
from tocsin.exchange.ceilings import Ceilings
from tocsin.exchange.check import SelfTest
from tocsin.exchange.collections import Collections
from tocsin.exchange.cursor import Cursors
from tocsin.exchange.emergency.alarm import Alarm
from tocsin.exchange.emergency.service import Emergencies
from tocsin.exchange.impacts import Impacts
from tocsin.exchange.intake import Intake
from tocsin.exchange.lapsing import Lapsing
from tocsin.exchange.live.streams import Streams
from tocsin.exchange.live.webhooks.courier import Courier
from tocsin.exchange.live.webhooks.service import Secrets, Webhooks
from tocsin.exchange.measures import Measures
from tocsin.exchange.model import DEFAULT_COLLECTION
from tocsin.exchange.reading import Reading
from tocsin.exchange.recall.service import Recalls
from tocsin.exchange.releases import Integrator
from tocsin.exchange.retention.holds import Holds
from tocsin.exchange.retention.purge import Purger
from tocsin.exchange.retention.service import Retention
from tocsin.exchange.sanitise.making import Making
from tocsin.exchange.sanitise.originals import Drafts
from tocsin.exchange.sanitise.service import Sanitised
from tocsin.exchange.sanitise.slots import Slots
from tocsin.exchange.search.indexer import Indexer
from tocsin.exchange.search.saved import SavedSearches
from tocsin.exchange.search.service import Search
from tocsin.exchange.withdraw import Withdrawals
from tocsin.governance.authority import MandateAuthority
from tocsin.governance.charters import Charters
from tocsin.governance.chores import Secretary
from tocsin.governance.disputes import Disputes
from tocsin.governance.model.charter import Measure
from tocsin.governance.service import Governance
from tocsin.kernel.clock import SECOND, Clock, SystemClock
from tocsin.kernel.db.opening import open_store
from tocsin.kernel.db.store import LIVE, LIVE_NAME, Store
from tocsin.kernel.http.outbound import Network, Outbound, parse_networks
from tocsin.kernel.ids import Entropy, SystemEntropy
from tocsin.kernel.keys import HubKeys, create_keys, read_keys
from tocsin.kernel.mandate import Acting, Mandate
from tocsin.log.note import NoteSigner
from tocsin.log.service import Log, Record
from tocsin.log.tables import LOG_HEADS
from tocsin.map.service import Maps
from tocsin.map.shelf import Shelf
from tocsin.map.supply.service import Supplies
from tocsin.map.totals.service import Totals
from tocsin.parties.credentials import Authenticator, TokenKey
from tocsin.parties.model import Kind, Party, Role, User, clearance_rank
from tocsin.parties.passwords import Passwords, password_hasher
from tocsin.parties.service import Parties
from tocsin.parties.store import read_hub
from tocsin.parties.tables import HUBS
from tocsin.parties.vetting.service import Vetting
from tocsin.risk.baselines.service import Baselines
from tocsin.risk.check import Check, check_funds
from tocsin.risk.fund.service import Funds
from tocsin.risk.registry.figures import Seal
from tocsin.risk.registry.service import Registry

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.governance.charters import Measuring
    from tocsin.kernel.clock import Micros
    from tocsin.settings import Settings

__all__ = ["OPERATOR", "Founding", "Hub", "found_hub", "hub_party", "open_hub", "upgrade_hub"]

OPERATOR: Final = "operator"


class Hub:
    """One environment of one hub, wired."""

    def __init__(
        self, *, settings: Settings, keys: HubKeys, hub_uri: str, store: Store, clock: Clock, entropy: Entropy
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.entropy = entropy
        self.environment = LIVE
        self.environment_name = LIVE_NAME
        self.log = Log(
            store=store,
            environment=LIVE,
            environment_name=LIVE_NAME,
            signer=NoteSigner(name=_origin(hub_uri), seed=keys.log),
            clock=clock,
            entropy=entropy,
            authority=MandateAuthority(environment=LIVE, environment_name=LIVE_NAME),
        )
        self.agreements = Agreements(store=store, log=self.log)
        self.governance = Governance(store=store, log=self.log, entropy=entropy)
        self.disputes = Disputes(store=store, log=self.log, entropy=entropy)
        self.charters = Charters(
            store=store,
            log=self.log,
            measuring=_measuring(Measures(store=store, log=self.log, agreements=self.agreements)),
        )
        self.gate = Gate(store=store, log=self.log, environment=LIVE)
        self.alarm = Alarm(store=store, log=self.log, gate=self.gate, clock=clock, environment=LIVE)
        token_key = TokenKey(key=keys.token, environment=LIVE)
        passwords = Passwords(entropy=entropy, hasher=password_hasher())
        self.parties = Parties(
            store=store,
            log=self.log,
            entropy=entropy,
            token_key=token_key,
            passwords=passwords,
            on_policy_change=self.agreements.policy_changed,
        )
        self.vetting = Vetting(store=store, log=self.log, parties=self.parties, entropy=entropy)
        self.secretary = Secretary(
            store=store,
            log=self.log,
            governance=self.governance,
            disputes=self.disputes,
            charters=self.charters,
            vetting=self.vetting,
        )
        self.authenticator = Authenticator(store=store, log=self.log, token_key=token_key, passwords=passwords)
        self.offering = OfferingAgain(store=store, log=self.log, entropy=entropy, environment=LIVE)
        self.granting = Granting(
            store=store, log=self.log, gate=self.gate, offering=self.offering, entropy=entropy, environment=LIVE
        )
        lowered, slot = _ceiling(settings), settings.publish_minutes * 60 * SECOND
        self.ceilings = Ceilings(store=store, log=self.log, environment=LIVE, lowered=lowered)
        self.requesting = Requesting(
            store=store, log=self.log, gate=self.gate, granting=self.granting, entropy=entropy, environment=LIVE
        )
        self.delegating = Delegating(store=store, log=self.log, entropy=entropy, environment=LIVE)
        self.intake = Intake(
            store=store,
            log=self.log,
            entropy=entropy,
            environment=LIVE,
            lowered_ceiling=lowered,
            making=Making(
                adapter=store.adapter,
                log=self.log,
                gate=self.gate,
                entropy=entropy,
                environment=LIVE,
                slot=slot,
            ),
            follow=self.granting.follow,
        )
        self.cursors = cursors = Cursors(keys.cursor, entropy)
        self.reading = Reading(
            store=store, log=self.log, gate=self.gate, cursors=cursors, entropy=entropy, environment=LIVE
        )
        self.indexer = Indexer(store=store, environment=LIVE)
        self.search = Search(
            store=store,
            log=self.log,
            gate=self.gate,
            cursors=cursors,
            entropy=entropy,
            indexer=self.indexer,
            environment=LIVE,
        )
        self.saved_searches = SavedSearches(store=store, log=self.log, environment=LIVE)
        self.streams = Streams(
            store=store,
            log=self.log,
            gate=self.gate,
            reading=self.reading,
            entropy=entropy,
            environment=LIVE,
            crises=self.alarm.of,
        )
        secrets, outbound = Secrets(key=keys.token, environment=LIVE), Outbound(networks=_networks(settings))
        self.webhooks = Webhooks(
            store=store, log=self.log, secrets=secrets, outbound=outbound, entropy=entropy, environment=LIVE
        )
        self.courier = Courier(
            store=store,
            log=self.log,
            reading=self.reading,
            secrets=secrets,
            outbound=outbound,
            entropy=entropy,
            environment=LIVE,
        )
        self.withdrawals = Withdrawals(store=store, log=self.log, environment=LIVE)
        self.sanitised = Sanitised(
            store=store, log=self.log, environment=LIVE, length=slot, least=settings.publish_producers
        )
        self.asking = Asking(store=store, log=self.log, gate=self.gate, environment=LIVE)
        self.integrator = Integrator(store=store, log=self.log, environment=LIVE)
        self.collections = Collections(store=store, log=self.log, entropy=entropy, environment=LIVE)
        self.purger = Purger(
            store=store, log=self.log, environment=LIVE, erase=Drafts(store=store, log=self.log, environment=LIVE).erase
        )
        self.holds = Holds(store=store, log=self.log, entropy=entropy, environment=LIVE)
        self.retention = Retention(store=store, log=self.log, purger=self.purger, environment=LIVE)
        self.recalls = Recalls(
            store=store,
            log=self.log,
            offering=self.offering,
            intake=self.intake,
            integrator=self.integrator,
            purger=self.purger,
            entropy=entropy,
            environment=LIVE,
        )
        self.emergencies = Emergencies(
            store=store,
            log=self.log,
            gate=self.gate,
            offering=self.offering,
            recalls=self.recalls,
            integrator=self.integrator,
            environment=LIVE,
        )
        self.slots = Slots(
            store=store,
            log=self.log,
            gate=self.gate,
            intake=self.intake,
            withdrawals=self.withdrawals,
            recalls=self.recalls,
            entropy=entropy,
            environment=LIVE,
            length=slot,
            least=settings.publish_producers,
        )
        self.accounts = Accounts(store=store, log=self.log, integrator=self.integrator)
        self.impacts = Impacts(store=store, log=self.log)
        self._seal = Seal(key=keys.token, environment=LIVE, entropy=entropy)
        self.self_test = SelfTest(
            store=store,
            log=self.log,
            agreements=self.agreements,
            integrator=self.integrator,
            environment=LIVE,
            above={"risk": Check(self._seal), "fund": check_funds},
        )

    @functools.cached_property
    def maps(self) -> Maps:
        """The map that members share: nothing but intake, reading and withdrawals."""
        return Maps(self.shelf, self._now)

    def _now(self) -> Micros:
        with self.store.read() as connection:
            return self.log.now(connection)

    @functools.cached_property
    def totals(self) -> Totals:
        """Totals of the map, over what a reader may not see as the agreements allow."""
        return Totals(
            store=self.store,
            log=self.log,
            gate=self.gate,
            maps=self.maps,
            entropy=self.entropy,
            environment=LIVE,
        )

    @functools.cached_property
    def shelf(self) -> Shelf:
        """What members share of the map and read of it, whatever the objects are."""
        return Shelf(reading=self.reading, intake=self.intake, withdrawals=self.withdrawals)

    @functools.cached_property
    def supplies(self) -> Supplies:
        """What assets are made of, and from whom it comes."""
        return Supplies(shelf=self.shelf, maps=self.maps, search=self.search)

    @functools.cached_property
    def lapsing(self) -> Lapsing:
        """What follows the lapse of a legal basis."""
        return Lapsing(store=self.store, log=self.log, recalls=self.recalls, environment=LIVE)

    @functools.cached_property
    def registry(self) -> Registry:
        """What may happen, and members' figures of what it would cost."""
        return Registry(store=self.store, log=self.log, reading=self.reading, seal=self._seal, entropy=self.entropy)

    @functools.cached_property
    def baselines(self) -> Baselines:
        """What is required, and who has it."""
        return Baselines(store=self.store, log=self.log)

    @functools.cached_property
    def funds(self) -> Funds:
        """The joint funds."""
        return Funds(store=self.store, log=self.log, entropy=self.entropy, environment=LIVE)

    @property
    def mandate(self) -> Mandate:
        """The founding mandate: under it a partnership without bodies runs. It lacks what was given to bodies."""
        return self.governance.founding()

    def close(self) -> None:
        """Enter what is staged, and give every connection back."""
        self.integrator.integrate()
        self.store.close()


def _origin(hub_uri: str) -> str:
    """Return the name of a hub's log: a URL without its scheme, as C2SP tlog-checkpoint advises."""
    return f"{hub_uri.split('://', 1)[-1].rstrip('/')}/tocsin/{LIVE_NAME}"


def _measuring(measures: Measures) -> dict[Measure, Measuring]:
    """Return the measures that a charter's goals may name and that rooms above governance compute."""
    return {
        Measure.TIME_TO_PROTECTION: measures.time_to_protection,
        Measure.USE_CONFIRMED: measures.use_confirmed,
    }


def _networks(settings: Settings) -> tuple[Network, ...]:
    try:
        return parse_networks(settings.webhook_networks)
    except InputError as error:
        raise UsageError(error.what, where="TOCSIN_WEBHOOK_NETWORKS", todo=error.todo) from error


def _ceiling(settings: Settings) -> str | None:
    try:
        if settings.ceiling is not None:
            clearance_rank(settings.ceiling)
    except InputError as error:
        raise UsageError("this is no classification", where="TOCSIN_CEILING", todo=error.todo) from error
    return settings.ceiling


class Founding:
    """What a new hub is called and who runs it."""

    def __init__(self, *, party: Party, operator: str = OPERATOR) -> None:
        self.party = party
        self.operator = operator


def found_hub(
    settings: Settings, founding: Founding, *, clock: Clock | None = None, entropy: Entropy | None = None
) -> Hub:
    """Make a new hub: its keys, its store, its log whose entry 0 is the founding mandate, its party and operator.

    Raises:
        ConflictError: there is a hub in this home already.
    """
    _clear_unfinished(settings)
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if isinstance(settings.database, Path):
        settings.database.parent.mkdir(parents=True, exist_ok=True)
        # the store holds what only some may read: SQLite gives its journal files the mode of the database
        settings.database.touch(mode=0o600, exist_ok=False)
    store = open_store(settings)
    store.create()
    keys = create_keys(settings.keys, entropy)
    hub = Hub(settings=settings, keys=keys, hub_uri=founding.party.uri, store=store, clock=clock, entropy=entropy)
    with store.write() as connection:
        if read_hub(connection, LIVE) is not None:
            raise ConflictError(
                "somebody else founded a hub in this database meanwhile", where=settings.where, todo="choose another"
            )
        _enter(hub, connection, founding, hub.log.found(connection))
    _marker(settings).write_text(founding.party.uri + "\n", encoding="utf-8")
    return hub


def _marker(settings: Settings) -> Path:
    """Return the file that says whose hub this is; written when everything else is there."""
    return settings.home / "hub"


def _clear_unfinished(settings: Settings) -> None:
    """Remove what a founding left that was interrupted before it was committed.

    Raises:
        ConflictError: there is a hub, or keys whose database is elsewhere: nothing is removed then.
    """
    where = str(settings.home)
    if _marker(settings).exists():
        raise ConflictError("there is a hub here already", where=where, todo="choose another TOCSIN_HOME")
    file = settings.database if isinstance(settings.database, Path) else None
    begun, founder = (False, None) if file is not None and not file.exists() else _found(settings)
    if founder is not None:
        if not settings.keys.exists():
            raise ConflictError(
                "there is a hub in this database already",
                where=settings.where,
                todo="choose another, or copy the home of that hub to serve it from here, too",
            )
        _marker(settings).write_text(founder + "\n", encoding="utf-8")
        raise ConflictError("there is a hub here already", where=where, todo="choose another TOCSIN_HOME")
    if not begun and settings.keys.exists():
        raise ConflictError(
            "there are a hub's keys here, and no database", where=where, todo="restore it, or choose another home"
        )
    if begun:
        # of a server's database the tables stay: they are empty
        files = file.parent.glob(f"{file.name}*") if file is not None else ()
        for path in (*files, *settings.keys.glob("*.key")):
            path.unlink()


def _found(settings: Settings) -> tuple[bool, str | None]:
    """Return whether a founding was begun in a database, and the URI of the party that founded the hub in it.

    Raises:
        ConflictError: it is no database of ours, which is then not ours to remove.
    """
    store = open_store(settings)
    try:
        with store.adapter.translated(), store.adapter.engine.connect() as connection:
            tables = inspect(connection).get_table_names()
            founder = read_hub(connection, LIVE) if HUBS.name in tables else None
            connection.rollback()
    except DatabaseError as error:
        raise ConflictError("what is here is no database of a hub", where=settings.where) from error
    finally:
        store.close()
    if tables and "alembic_version" not in tables:
        raise ConflictError("what is here is no database of a hub", where=settings.where)
    # a file that is there was made for it, even when it is empty yet
    return bool(tables) or isinstance(settings.database, Path), founder


def _enter(hub: Hub, connection: Connection, founding: Founding, at: Micros) -> None:
    party, operator = founding.party, founding.operator
    acting = Acting(actor=f"{operator}@{party.name}")
    hub.parties.found_hub(connection, party=party.uri, operator=operator, at=at)
    hub.agreements.found(connection, at)
    hub.log.append(
        connection,
        [
            Record(
                kind="hub.founded",
                at=at,
                acting=acting,
                concerns=(party.uri,),
                data={
                    "hub": party.uri,
                    "operator": operator,
                    "origin": hub.log.origin,
                    "vkey": hub.log.vkey,
                    "signed_with": "both",
                    "renewed_by": "motion",
                },
            )
        ],
    )
    acts = hub.parties.acts(connection, acting, hub.mandate)
    acts.add_party(party)
    acts.clear_party(party.name, clearance=party.clearance, until=None, reason="runs the hub")
    acts.add_user(User(name=operator, party=party.uri, roles=frozenset({Role.OPERATOR, Role.AUDITOR})))
    hub.collections.add_in(
        connection,
        acting,
        hub.mandate,
        DEFAULT_COLLECTION,
        title="Exchange",
        description="What members share under their agreements",
    )
    # from the beginning: opened when it is needed first, it would tell everybody that something was called back
    hub.recalls.open(connection, acting)


def hub_party(*, uri: str, name: str, title: str, country: str) -> Party:
    """Return the party that runs a hub."""
    return Party(
        uri=uri, name=name, title=title, kind=Kind.INTERMEDIARY, country=country, capacities=frozenset({"hub"})
    )


def open_hub(settings: Settings, *, clock: Clock | None = None, entropy: Entropy | None = None) -> Hub:
    """Open the hub of these settings.

    Raises:
        StoreBrokenError: there is none, or its store or keys are not what they must be.
    """
    _require_home(settings)
    marker = _marker(settings)
    try:
        hub_uri = marker.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreBrokenError("the hub's own name is not readable", where=str(marker)) from error
    if not hub_uri:
        raise InputError("the hub's own name is empty", where=str(marker))
    store = open_store(settings)
    store.require_current()
    hub = Hub(
        settings=settings,
        keys=read_keys(settings.keys),
        hub_uri=hub_uri,
        store=store,
        clock=clock or SystemClock(),
        entropy=entropy or SystemEntropy(),
    )
    _require_same(hub)
    return hub


def upgrade_hub(settings: Settings) -> tuple[str, str]:
    """Bring the store of a hub that an earlier version made to the present schema; returns the schemas of both.

    Raises:
        StoreBrokenError: there is no hub here, or its store is not one that this version can bring forward.
    """
    _require_home(settings)
    store = open_store(settings)
    try:
        return store.upgrade()
    finally:
        store.close()


def _require_home(settings: Settings) -> None:
    if not settings.keys.exists() and not settings.there:
        raise UsageError("there is no hub here", where=str(settings.home), todo="run `tocsin init`, or set TOCSIN_HOME")
    missing = isinstance(settings.database, Path) and not settings.database.exists()
    if missing or not _marker(settings).exists():
        raise StoreBrokenError(
            "there is no hub here", where=str(settings.home), todo="run `tocsin init`, or set TOCSIN_HOME"
        )


def _require_same(hub: Hub) -> None:
    """Refuse a database that is another hub's: the address of a server is mistyped more easily than a folder.

    Raises:
        StoreBrokenError: its log is not of the name that this home's hub signs with.
    """
    with hub.store.read() as connection:
        origin = connection.execute(select(LOG_HEADS.c.origin).where(LOG_HEADS.c.environment == LIVE)).scalar()
    if origin is not None and origin != hub.log.origin:
        hub.store.close()
        raise StoreBrokenError(
            "the hub in this database is another one than that of this home",
            where=hub.settings.where,
            todo="set TOCSIN_HOME and TOCSIN_DATABASE of the same hub",
        )
