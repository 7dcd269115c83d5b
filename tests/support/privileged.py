"""Every privileged act there is, as something that a test can try under any mandate.

Who adds an act under a mandate adds it here, by the kind of its entry in the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from support import stores
from support.council import DEPUTIES, constitute, council, signatory, written
from support.funds import CALCULATION, joint_claim, joint_document, joint_terms, standing
from support.hub import OPERATOR, START, World, key_of
from support.keeping import hold
from support.sharing import bundle, indicator
from support.treaty import MEMBERS, TREATY
from tocsin.agreements.annexes.model import Asked
from tocsin.agreements.annexes.wire import call_bytes
from tocsin.agreements.document import public_key_of, sign_bytes
from tocsin.exchange.live.webhooks.model import WebhookState
from tocsin.exchange.live.webhooks.store import set_state, webhook_rows
from tocsin.exchange.recall.model import Authority as RecallAuthority
from tocsin.exchange.recall.model import Demand, Order, OurCopy
from tocsin.exchange.retention.model import Scope
from tocsin.governance.model.disputes import DisputeKind, Outcome
from tocsin.kernel.clock import DAY, format_instant, parse_date
from tocsin.kernel.mandate import Mandate
from tocsin.map.rollup.model import Rules
from tocsin.parties.model import Authority, Kind, Party, Permission, Role, User
from tocsin.parties.passwords import PasswordHash
from tocsin.parties.vetting.model import Evidence, EvidenceKind, Track
from tocsin.risk.baselines.model import Standing, Target
from tocsin.risk.baselines.oscal import read_catalogue
from tocsin.risk.registry.documents import read_figures, read_scenario
from tocsin.risk.registry.model import Unit

if TYPE_CHECKING:
    from pathlib import Path

    from tocsin.agreements.life_acts import LifeActs
    from tocsin.parties.acts import Acts
    from tocsin.settings import Settings

__all__ = ["CATALOGUE", "CHARTER", "DEEDS", "DRAFT", "ECHO", "ECHO_TERMS", "OTHERWISE", "Deed", "copy", "ready"]

DRAFT: Final = TREATY.replace("version: 1", "version: 2")
SIGNED: Final = TREATY.replace("agreement: treaty", "agreement: compact")
PRESS: Final = """
agreement: press
version: 1
title: What is published
in_force: {from: 2026-01-01, until: null}
parties: [{name: hub}, {name: bravo}]
purposes: [detect]
clauses:
  - id: "1"
    publish: {sanitised: no-victim, tlp: green, attribution: withheld, approve: coordinator}
    of: {tlp: {at_most: amber}}
"""
# two in force, one of which rests, and one with an amendment that all signed
PACT: Final = (
    TREATY.replace("agreement: treaty", "agreement: pact")
    .replace("valid: [2026-01-01, null]", "valid: [2026-01-01, 2026-12-01]")
    .replace("- {name: coast}", "- {all: {capacity: operator}}")
    + "amend_by: {more_than: 0.5}\n"
)
RESTING: Final = PACT.replace("agreement: pact", "agreement: resting")
AMENDED: Final = PACT.replace("agreement: pact", "agreement: amended")
# one annex for each act: one to be activated, one that is active, one that is over; and one that people on duty
# activated, in an agreement of its own: there only a motion activates anything until one has answered for that
FLOOD: Final = TREATY.replace("agreement: treaty", "agreement: flood").replace("bravo", "watch").replace(
    "  - {name: coast}\n", ""
) + "".join(
    f"""  - id: "{name}"
    emergency: {name}
    permit: read
    to: {{parties: all}}
    lasts: PT72H
    activated_by:
      motion: {{body: council, more_than: 0.5}}
      or: {{duty_officers: {{public: 1, private: 1}}, lasts: PT12H, ratify_within: PT12H}}
"""
    for name in ("to-come", "called", "active", "over")
)
SURGE: Final = FLOOD.replace("agreement: flood", "agreement: surge")
ECHO: Final = Party(
    uri="https://echo.example",
    name="echo",
    title="Echo",
    kind=Kind.PUBLIC,
    country="NO",
    capacities=frozenset({"csirt"}),
)
DUTY: Final = START + DAY
PROLONGED: Final = START + 150 * DAY
ECHO_TERMS: Final = "{uri: 'https://echo.example', title: Echo, kind: public, country: 'NO', capacities: csirt}"
READS: Final = "{purpose: detect, allow: 'exchange:objects:read'}"
HOOK: Final = "https://127.0.0.1:9/"


CHARTER: Final = """\
charter: north
version: 1
title: What we want
goals:
  - {id: quick, goal: Everybody soon, measure: time-to-protection, owner: alfa,
     over: P30D, every: P7D, target: {at_most: 9}}
"""


CATALOGUE: Final = msgspec.json.encode(
    {
        "catalog": {
            "uuid": "0b2e6f3a-0000-4000-8000-000000000000",
            "metadata": {"title": "Ours", "version": "1", "oscal-version": "1.1.3", "last-modified": "2026-01-01"},
            "controls": [{"id": "a-1", "title": "Lock the door"}],
        }
    }
)
SCENARIO: Final = b"""\
{scenario: flood, title: A flood, kind: natural, owner: alfa, review: 2027-01-01, rate: 0.1,
 losses: [{sector: energy, money: [1, 2, 9]}]}
"""
FIGURES: Final = b"{sector: energy, figures: {flood: {money: 100}}}"


class Deed(msgspec.Struct, frozen=True):
    """One act: what its subject is called in a world made by ``ready``, and how it is done under a mandate.

    ``document`` says the same to who votes on it, where the act leaves something open.
    """

    subject: Callable[[World], str]
    do: Callable[[World, Mandate], object]
    document: str | None = None


def copy(template: Path, home: Path) -> World:
    """Return a copy of a closed hub that ``ready`` made."""
    return World.again(home, seed=1, settings=_with_hooks(stores.copy_home(template, home)))


def _with_hooks(settings: Settings) -> Settings:
    # so that nobody's name is looked up
    return msgspec.structs.replace(settings, webhook_networks="127.0.0.0/8")


def ready(home: Path) -> World:
    """Return a hub in which each of ``DEEDS`` can be done once."""
    world = World(home, settings=_with_hooks(stores.fresh(home)))
    for name in MEMBERS:
        world.party(name)
        world.user(f"ana@{name}")
    for reference in DEPUTIES:
        signatory(world, reference)
    world.token("bravo")
    world.agreement(SIGNED, signed_by=MEMBERS, activate=False)
    for text in (PACT, RESTING, AMENDED):
        world.agreement(text, signed_by=MEMBERS[:2])
    with world.hub.agreements.living(OPERATOR) as acts:
        acts.suspend(world.hub.mandate, "resting", 1, "a test")
    second = AMENDED.replace("version: 1", "version: 2")
    world.agreement(second, signed_by=MEMBERS[:2], activate=False, amends=True)
    for _ in range(2):
        world.hub.webhooks.add(OPERATOR, world.hub.mandate, "bravo", url=HOOK, purpose="detect", collection="exchange")
    with world.hub.parties.acting(OPERATOR, world.hub.mandate) as acts:
        acts.add_user(User(name="sig", party="https://hub.example", roles=frozenset({Role.SIGNATORY})))
        acts.register_signing_key("sig@hub", public_key_of(key_of("hub")))
    _flooded(world)
    world.agreement(PRESS, signed_by=("hub", "bravo"))
    world.share("bravo", bundle([indicator(1)]))
    with world.hub.store.write() as connection:
        given_up = webhook_rows(connection, world.hub.environment)[1]
        set_state(connection, given_up.webhook_id, WebhookState.DEAD)
    constitute(world, council(name="advisers"))
    world.share("alfa", bundle([indicator(1)]))
    hold(world)
    world.hub.registry.put(OPERATOR.for_("ana@alfa"), read_scenario(SCENARIO, where="test"))
    for name in MEMBERS:
        world.hub.registry.submit(OPERATOR.for_(name), name, read_figures(FIGURES, where="test"))
    for name in ("delta", "foxtrot"):
        world.party(name)
    _admit(world, "foxtrot")
    world.hub.disputes.file(
        OPERATOR.for_("sig@delta"),
        DisputeKind.COMPLAINT,
        complainant="delta",
        respondent="foxtrot",
        statement="It told others",
    )
    standing(world)
    return world


def _admit(world: World, name: str) -> None:
    """Vet a party by an application, so that its vetting has an end."""
    vetting = world.hub.vetting
    uuid = vetting.open(OPERATOR, name, track=Track.FULL, clearance="restricted", capacities=frozenset()).uuid
    paper = Evidence(kind=EvidenceKind.REGISTRATION, title="register", sha256="0" * 64, added_at=0)
    vetting.add_evidence(OPERATOR, uuid, paper)
    for reviewer in ("sig@alfa", "sig@bravo"):
        vetting.review(OPERATOR.for_(reviewer), uuid, approves=True, reasons="seen")
    vetting.admit(OPERATOR, world.hub.mandate, uuid, until=START + 300 * DAY)


def _prolong(world: World, mandate: Mandate) -> object:
    return world.hub.vetting.prolong(OPERATOR, mandate, "foxtrot", until=START + 330 * DAY, reason="a test")


def _flooded(world: World) -> None:
    """Bring an agreement into force whose annexes stand in each way in which an act finds one."""
    world.party("watch", kind=Kind.PUBLIC)
    for text in (FLOOD, SURGE):
        world.agreement(text, signed_by=("alfa", "watch"))
    document = world.hub.agreements.get("surge").document
    at = world.clock.now()
    with world.hub.agreements.emergency(OPERATOR) as acts:
        for place, name in enumerate(("alfa", "watch")):
            acts.set_duty(world.hub.mandate, f"sig@{name}", starts=at, until=at + DAY)
            call = call_bytes(
                document,
                annex="called",
                asked=Asked.ACTIVATE,
                hub="https://hub.example",
                party=f"https://{name}.example",
                user="sig",
                said_at=at + place,
                reason="a test",
            )
            acts.call(
                "surge",
                1,
                "called",
                caller=f"sig@{name}",
                asked=Asked.ACTIVATE,
                said_at=at + place,
                made=sign_bytes(call, key_of(name)),
                reason="a test",
            )
        for name in ("active", "over"):
            acts.activate(world.hub.mandate, "flood", 1, name, "a test")
        acts.end(world.hub.mandate, "flood", 1, "over", "a test")


def _annex(verb: str, annex: str, agreement: str = "flood") -> Deed:
    def act(world: World, mandate: Mandate) -> None:
        with world.hub.agreements.emergency(OPERATOR) as acts:
            getattr(acts, verb)(mandate, agreement, 1, annex, "a test")

    return Deed(_said(f"{agreement}/1#{annex}"), act)


def _duty(world: World, mandate: Mandate) -> None:
    with world.hub.agreements.emergency(OPERATOR) as acts:
        acts.set_duty(mandate, "sig@alfa", starts=DUTY, until=DUTY + DAY)


def _said(text: str) -> Callable[[World], str]:
    return lambda _world: text


def _hook(place: int) -> Callable[[World], str]:
    return lambda world: world.hub.webhooks.all()[place].webhook.uuid


def _sanitised(world: World) -> str:
    return world.hub.sanitised.of_party("https://bravo.example")[0].uuid


def _held(world: World) -> str:
    return world.hub.holds.all()[0][0].uuid


def _renew(world: World, mandate: Mandate) -> object:
    return world.hub.holds.renew(OPERATOR, mandate, _held(world), reason="appeal", until=PROLONGED)


def _place(world: World, mandate: Mandate) -> object:
    scope = Scope(types=("tool",))
    return world.hub.holds.place(OPERATOR, mandate, authority="court", reason="evidence", scope=scope, until=DUTY)


def _impose(world: World, mandate: Mandate) -> object:
    order = Order(
        contributions=(1,),
        demand=Demand.DESTROY,
        due=DUTY,
        reason="a test",
        authority=RecallAuthority.MANDATE,
        basis="council",
        ours=OurCopy.KEEP,
    )
    with world.hub.store.write() as connection:
        return world.hub.recalls.order_recall(connection, OPERATOR, order, mandate)


def _rollup(world: World, mandate: Mandate) -> object:
    return world.hub.registry.publish(OPERATOR, mandate, Unit.MONEY, Rules())


def _import(world: World, mandate: Mandate) -> object:
    return world.hub.baselines.import_catalogue(OPERATOR, mandate, read_catalogue(CATALOGUE, name="ours"))


def _target(world: World, mandate: Mandate) -> object:
    asked = Target(catalogue="nato-seven", control="energy", standing=Standing.MET, due=DUTY)
    return world.hub.baselines.set_target(OPERATOR, mandate, asked)


def _token(world: World) -> str:
    return str(world.hub.parties.tokens("bravo")[0].token_id)


def _parties(subject: str, do: Callable[[Acts], object], document: str | None = None) -> Deed:
    def act(world: World, mandate: Mandate) -> None:
        with world.hub.parties.acting(OPERATOR, mandate) as acts:
            do(acts)

    return Deed(_said(subject), act, document)


def _life(subject: str, do: Callable[[LifeActs, Mandate], object], document: str | None = None) -> Deed:
    def act(world: World, mandate: Mandate) -> None:
        with world.hub.agreements.living(OPERATOR) as acts:
            do(acts, mandate)

    return Deed(_said(subject), act, document)


def _issue(subject: str) -> Callable[[Acts], object]:
    return lambda acts: acts.issue_token(subject, purpose="detect", permissions=frozenset({Permission.OBJECTS_READ}))


def _change(world: World, mandate: Mandate) -> object:
    renamed = msgspec.structs.replace(world.hub.parties.get("bravo"), title="Bravo Two")
    return world.hub.parties.change_party(OPERATOR, mandate, renamed)


def _dispute(world: World) -> str:
    return world.hub.disputes.all()[0].uuid


def _decide(world: World, mandate: Mandate) -> object:
    return world.hub.disputes.decide(OPERATOR, mandate, _dispute(world), outcome=Outcome.REJECTED, reasons="It did not")


DEEDS: Final[dict[str, list[Deed]]] = {
    "party.added": [_parties("echo", lambda acts: acts.add_party(ECHO), ECHO_TERMS)],
    "party.changed": [Deed(_said("bravo"), _change, "title: Bravo Two")],
    "party.cleared": [
        _parties(
            "bravo",
            lambda acts: acts.clear_party("bravo", clearance="restricted", until=None),
            "clearance: restricted",
        )
    ],
    "party.suspended": [_parties("bravo", lambda acts: acts.suspend_party("bravo", "a test"))],
    "party.left": [_parties("bravo", lambda acts: acts.leave_party("bravo", "a test"))],
    "application.prolonged": [Deed(_said("foxtrot"), _prolong, f"until: '{format_instant(START + 330 * DAY)}'")],
    "user.added": [
        _parties(
            "bo@bravo",
            lambda acts: acts.add_user(User(name="bo", party="https://bravo.example")),
            "roles: [viewer]",
        )
    ],
    "user.changed": [
        _parties(
            "ana@bravo",
            lambda acts: acts.change_user(User(name="ana", party="https://bravo.example")),
            "{roles: viewer, clearance: unclassified, nationality: null, purpose: detect}",
        ),
        _parties(
            "sig@bravo",
            lambda acts: acts.register_signing_key("sig@bravo", public_key_of(key_of("another"))),
            f"signing_key: {public_key_of(key_of('another'))}",
        ),
        _parties(
            "sig@bravo",
            lambda acts: acts.authorise_signatory("sig@bravo", Authority(until=START)),
            f"authority: {{until: '{format_instant(START)}'}}",
        ),
        _parties("ana@bravo", lambda acts: acts.set_password("ana@bravo", PasswordHash("made up")), "password: set"),
    ],
    "user.disabled": [_parties("ana@bravo", lambda acts: acts.disable_user("ana@bravo", "a test"))],
    "token.issued": [
        _parties("bravo", _issue("bravo"), READS),
        _parties("ana@bravo", _issue("ana@bravo"), READS),
    ],
    "token.revoked": [
        Deed(_token, lambda world, mandate: world.hub.parties.revoke_token(OPERATOR, mandate, int(_token(world))))
    ],
    "agreement.adopted": [_life("amended/2", lambda acts, mandate: acts.adopt(mandate, "amended", 2))],
    "agreement.suspended": [_life("pact/1", lambda acts, mandate: acts.suspend(mandate, "pact", 1, "a test"))],
    "agreement.resumed": [_life("resting/1", lambda acts, mandate: acts.resume(mandate, "resting", 1, "a test"))],
    "agreement.terminated": [_life("pact/1", lambda acts, mandate: acts.terminate(mandate, "pact", 1, "a test"))],
    "agreement.dropped": [_life("compact/1", lambda acts, mandate: acts.terminate(mandate, "compact", 1, "a test"))],
    "agreement.admitted": [
        _life("pact/1:coast", lambda acts, mandate: acts.admit(mandate, "pact", 1, "coast", "a test"))
    ],
    "annex.activated": [_annex("activate", "to-come")],
    "annex.ratified": [_annex("ratify", "called", "surge")],
    "annex.ended": [_annex("end", "active")],
    "annex.reviewed": [_annex("review", "over")],
    "duty.set": [
        Deed(_said("sig@alfa"), _duty, f"{{from: '{format_instant(DUTY)}', until: '{format_instant(DUTY + DAY)}'}}")
    ],
    "agreement.grace": [
        _life(
            "pact/1:by-contract",
            lambda acts, mandate: acts.grace(
                mandate,
                "pact",
                1,
                basis="by-contract",
                parties_=["alfa"],
                until=parse_date("2026-12-20"),
                reason="a test",
            ),
            "{for: [alfa], until: 2026-12-20}",
        )
    ],
    "agreement.proposed": [
        Deed(
            _said("treaty/2"),
            lambda world, mandate: world.hub.agreements.propose(OPERATOR, mandate, DRAFT.encode(), where="test"),
        )
    ],
    "agreement.activated": [
        Deed(
            _said("compact/1"),
            lambda world, mandate: world.hub.agreements.activate(OPERATOR, mandate, "compact", 1),
        )
    ],
    "collection.added": [
        Deed(
            _said("drills"),
            lambda world, mandate: world.hub.collections.add(OPERATOR, mandate, "drills", title="Drills"),
            "title: Drills",
        )
    ],
    "ceiling.set": [
        Deed(
            _said("restricted"),
            lambda world, mandate: world.hub.ceilings.set(OPERATOR, mandate, "restricted"),
        )
    ],
    "hold.placed": [Deed(_said("court"), _place, f"{{types: tool, until: '{format_instant(DUTY)}'}}")],
    "hold.renewed": [Deed(_held, _renew, f"until: '{format_instant(PROLONGED)}'")],
    "hold.lifted": [
        Deed(_held, lambda world, mandate: world.hub.holds.lift(OPERATOR, mandate, _held(world), reason="a test"))
    ],
    "recall.imposed": [
        Deed(
            _said("council"),
            _impose,
            f"{{objects: {indicator(1)['id']}, of: bravo, by: '{format_instant(DUTY)}'}}",
        )
    ],
    "webhook.added": [
        Deed(
            _said("bravo"),
            lambda world, mandate: world.hub.webhooks.add(
                OPERATOR, mandate, "bravo", url=HOOK, purpose="detect", collection="exchange"
            ),
            f"url: '{HOOK}'",
        )
    ],
    "webhook.removed": [
        Deed(_hook(0), lambda world, mandate: world.hub.webhooks.remove(OPERATOR, mandate, _hook(0)(world)))
    ],
    "sanitised.cleared": [
        Deed(_sanitised, lambda world, mandate: world.hub.sanitised.clear(OPERATOR, mandate, _sanitised(world)))
    ],
    "sanitised.stopped": [
        Deed(_sanitised, lambda world, mandate: world.hub.sanitised.stop(OPERATOR, mandate, _sanitised(world)))
    ],
    "webhook.resumed": [
        Deed(_hook(1), lambda world, mandate: world.hub.webhooks.resume(OPERATOR, mandate, _hook(1)(world)))
    ],
    "body.constituted": [
        Deed(
            _said("task"),
            lambda world, mandate: world.hub.governance.constitute(OPERATOR, mandate, council(name="task")),
            written(council(name="task")),
        )
    ],
    "body.changed": [
        Deed(
            _said("advisers"),
            lambda world, mandate: world.hub.governance.change(
                OPERATOR, mandate, council(name="advisers", chair="north"), "a test"
            ),
            written(council(name="advisers", chair="north")),
        )
    ],
    "charter.adopted": [
        Deed(
            _said("north/1"),
            lambda world, mandate: world.hub.charters.adopt(OPERATOR, mandate, CHARTER.encode(), where="test"),
            CHARTER,
        )
    ],
    "rollup.published": [
        Deed(_said("money"), _rollup, "{group: 3, colluding: 1, margin: 10, dominance: 75, least: 1}")
    ],
    "catalogue.imported": [
        Deed(_said("ours"), _import, f"sha256: '{hashlib.sha256(CATALOGUE).hexdigest()}'"),
    ],
    "target.set": [
        Deed(
            _said("nato-seven:energy"),
            _target,
            f"{{standing: met, due: '{format_instant(DUTY)}', confirmed: 'no'}}",
        )
    ],
    "dispute.decided": [Deed(_dispute, _decide, "{outcome: rejected, reasons: It did not}")],
    "body.dissolved": [
        Deed(
            _said("advisers"),
            lambda world, mandate: world.hub.governance.dissolve(OPERATOR, mandate, "advisers", "a test"),
        )
    ],
    "fund.opened": [
        Deed(
            _said("second"),
            lambda world, mandate: world.hub.funds.open(OPERATOR, mandate, "second", title="Second", currency="EUR"),
            "{title: Second, currency: EUR}",
        )
    ],
    "fund.decided": [
        Deed(
            _said("joint"),
            lambda world, mandate: world.hub.funds.decide(
                OPERATOR, mandate, "joint", projects=["proposed"], budget=100_00, calculation=CALCULATION
            ),
            f"{{projects: proposed, budget: 10000, calculation: '{CALCULATION}'}}",
        )
    ],
    "fund.awarded": [
        Deed(
            _said("joint/chosen"),
            lambda world, mandate: world.hub.funds.award(OPERATOR, mandate, "joint", "chosen", joint_terms()),
            joint_document(),
        )
    ],
    "fund.released": [
        Deed(
            _said("joint/awarded/1"),
            lambda world, mandate: world.hub.funds.release(OPERATOR, mandate, "joint", "awarded", 1),
        )
    ],
    "fund.called-back": [
        Deed(
            _said("joint/paid"),
            lambda world, mandate: world.hub.funds.call_back(
                OPERATOR, mandate, "joint", "paid", amount=1_00, reason="late"
            ),
            "{amount: 100, reason: late}",
        )
    ],
    "fund.settled": [
        Deed(
            joint_claim,
            lambda world, mandate: world.hub.funds.settle(
                OPERATOR, mandate, "joint", joint_claim(world), granted=1_00, reasons="usual"
            ),
            "{granted: 100, reasons: usual}",
        )
    ],
}

# the same acts voted on otherwise than they are done, by the kind of their entry, and in which terms that differs
OTHERWISE: Final[dict[str, tuple[str, str]]] = {
    "application.prolonged": (f"until: '{format_instant(START + 331 * DAY)}'", "until"),
    "token.issued": ("{purpose: respond, allow: 'exchange:objects:read'}", "purpose"),
    "collection.added": ("{title: Drills, description: For all}", "description"),
    "hold.placed": (f"{{types: [tool, malware], until: '{format_instant(DUTY)}'}}", "types"),
    "hold.renewed": (f"until: '{format_instant(PROLONGED - 1)}'", "until"),
    "recall.imposed": (
        f"{{objects: {indicator(1)['id']}, of: bravo, from: alfa, demand: stop-using, by: '{format_instant(DUTY)}'}}",
        "demand, from",
    ),
    "rollup.published": ("{group: 3, colluding: 1, margin: 20, dominance: 75, least: 1}", "margin"),
    "catalogue.imported": (f"sha256: '{'0' * 64}'", "sha256"),
    "target.set": (
        f"{{standing: partly, due: '{format_instant(DUTY)}', confirmed: 'no', hours: 8, level: 100, share: 95}}",
        "hours, level, share, standing",
    ),
    "fund.opened": ("{title: Second, currency: NOK}", "currency"),
    "fund.decided": (f"{{projects: chosen, budget: 10001, calculation: '{CALCULATION}'}}", "budget, projects"),
    "fund.awarded": (joint_document().replace("assessor: coast", "assessor: bravo"), "assessor"),
    "fund.called-back": ("{amount: 4000, reason: late}", "amount"),
    "fund.settled": ("{granted: 500, reasons: usual}", "granted"),
    "webhook.added": ("{url: 'https://127.0.0.2:9/', content: objects}", "content, url"),
}
