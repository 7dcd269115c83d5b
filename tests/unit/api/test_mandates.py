"""What bodies decide of risk, baselines and funds is carried out over the API: as voted on, once, by operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from support.council import constitute, council, decide, motion_on
from support.doors import NOBODY, ask, told
from support.funds import CALCULATION, joint_claim, joint_terms, work
from support.hub import EVERYTHING, OPERATOR
from support.privileged import CATALOGUE, DEEDS, DUTY, OTHERWISE, ready
from support.taxii import Live
from tocsin.errors import ForbiddenError, NotFoundError
from tocsin.exchange.api.acts import Carrier
from tocsin.governance.model.motions import MotionStatus
from tocsin.governance.privileged import ACTS
from tocsin.kernel.clock import format_instant
from tocsin.kernel.http.turn import Turn
from tocsin.kernel.mandate import Mandate, MandateBasis, Right, founding_mandate
from tocsin.parties.model import Permission, Role
from tocsin.risk import http as risk
from tocsin.serving.app import create_app, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from tocsin.governance.model.motions import Motion
    from tocsin.risk.fund.projects import Project

CARRIES: Final = frozenset({Permission.OBJECTS_READ, Permission.MANDATE_USE})


def judged(project: Project) -> dict[str, Any]:
    """Return a project as it is written in a body."""
    return {
        "project": project.id,
        "title": project.title,
        "cost": project.cost,
        "changes": msgspec.to_builtins(project.changes),
    }


def terms() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(joint_terms())
    return found | {"payee": "alfa", "assessor": "coast"}


# by the kind of the entry: the act, and what it takes beside the motions of `support.privileged`
BODIES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "rollup.published": ("publish_rollup", {}),
    "catalogue.imported": ("import_catalogue", {"document": CATALOGUE.decode()}),
    "target.set": ("set_target", {"due": format_instant(DUTY)}),
    "fund.opened": ("open_fund", {"title": "Second", "currency": "EUR"}),
    "fund.decided": (
        "decide_portfolio",
        {"projects": [judged(work("proposed"))], "budget": 100_00, "calculation": CALCULATION},
    ),
    "fund.awarded": ("make_award", terms()),
    "fund.released": ("release_tranche", {}),
    "fund.called-back": ("call_back_award", {"amount": 1_00, "reason": "late"}),
    "fund.settled": ("decide_claim", {"granted": 1_00, "reasons": "usual"}),
}


@pytest.fixture(scope="module")
def senate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A served hub at which each of these acts can be done, and a body that holds every right."""
    world = ready(tmp_path_factory.mktemp("senate") / "hub")
    for name in ("lia@alfa", "aud@hub"):
        world.user(name, roles=frozenset({Role.LIAISON if name.startswith("lia") else Role.AUDITOR}))
    secrets = {
        "operator": (OPERATOR.actor, world.token(OPERATOR.actor, permissions=CARRIES)),
        "reader": (OPERATOR.actor, world.token(OPERATOR.actor, permissions=frozenset({Permission.OBJECTS_READ}))),
        "lia-alfa": ("lia@alfa", world.token("lia@alfa", permissions=EVERYTHING | {Permission.PARTY_SPEAK})),
        "aud-hub": ("aud@hub", world.token("aud@hub", permissions=frozenset({Permission.OBJECTS_READ}))),
        "hub": ("hub", world.token("hub")),
    }
    constitute(world, council(Right, name="senate"))
    live = Live(url="", world=world, secrets=secrets, collections={})
    with running(create_app(world.hub)) as live.url:
        yield live
    live.close()
    world.hub.close()


def entries(world: World, kind: str) -> int:
    with world.hub.store.read() as connection:
        return sum(1 for _ in world.hub.log.rows(connection, kinds={kind}))


def passed(world: World, kind: str, *, document: str | None = None, subject: str | None = None) -> Motion:
    """Pass a motion on what an entry of this kind does, or on something else of the same right."""
    (deed,) = DEEDS[kind]
    return decide(
        world,
        ACTS[kind].right,
        deed.subject(world) if subject is None else subject,
        body="senate",
        document=deed.document if document is None else document,
    )


def execute(live: Live, motion: str, body: object, who: str = "operator") -> tuple[int, dict[str, Any]]:
    answer = ask(live, "POST", f"/motions/{motion}/execution", who, body)
    found: dict[str, Any] = answer.json()
    return answer.status_code, found


def stands(live: Live, motion: Motion) -> MotionStatus:
    return live.world.hub.governance.motion(motion.uuid).motion.status


def test_every_act_of_these_rooms_is_tried(senate: Live) -> None:
    acts = risk.acts(senate.world.hub, Turn("roll-up"))
    assert {name: one.right for name, one in acts.items()} == {
        name: ACTS[kind].right for kind, (name, _) in BODIES.items()
    }


@pytest.mark.parametrize("kind", sorted(OTHERWISE.keys() & BODIES.keys()))
def test_what_was_voted_on_otherwise_is_not_done(senate: Live, kind: str) -> None:
    document, differs = OTHERWISE[kind]
    motion, (act, body) = passed(senate.world, kind, document=document), BODIES[kind]
    before = entries(senate.world, kind)
    status, refused = execute(senate, motion.uuid, {act: body})
    assert (status, entries(senate.world, kind)) == (403, before)
    assert f"they differ in {differs}" in refused["detail"]
    assert stands(senate, motion) is MotionStatus.PASSED


# a motion on a right of these rooms whose subject is no such thing, by the kind of the entry
NOWHERE: Final[dict[str, tuple[str, int]]] = {
    "rollup.published": ("dollars", 422),
    "catalogue.imported": ("nato-seven", 409),
    "target.set": ("energy", 403),
    "fund.opened": ("joint", 409),
    "fund.decided": ("none", 404),
    "fund.awarded": ("joint", 422),
    "fund.released": ("joint/awarded/one", 422),
    "fund.called-back": ("joint/paid/1", 422),
    "fund.settled": (NOBODY, 404),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_motion_on_nothing_does_nothing(senate: Live, kind: str) -> None:
    subject, status = NOWHERE[kind]
    motion, (act, body) = passed(senate.world, kind, subject=subject), BODIES[kind]
    before = entries(senate.world, kind)
    assert execute(senate, motion.uuid, {act: body})[0] == status
    assert entries(senate.world, kind) == before
    assert stands(senate, motion) is MotionStatus.PASSED


@pytest.mark.parametrize("kind", BODIES)
def test_a_motion_on_another_right_does_nothing(senate: Live, kind: str) -> None:
    act, body = BODIES[kind]
    other = decide(senate.world, Right.PARTY_SUSPEND, "delta", body="senate")
    (deed,) = DEEDS[kind]
    pending = motion_on(
        senate.world, ACTS[kind].right, deed.subject(senate.world), body="senate", document=deed.document
    )
    before = entries(senate.world, kind)
    status, refused = execute(senate, other.uuid, {act: body})
    assert (status, refused["detail"]) == (
        403,
        f"this motion is on parties:party:suspend, and this takes {ACTS[kind].right}",
    )
    assert execute(senate, pending.uuid, {act: body})[0] == 403
    assert execute(senate, NOBODY, {act: body})[0] == 404
    assert entries(senate.world, kind) == before


def test_nobody_else_learns_what_there_is(senate: Live) -> None:
    kind = "fund.settled"
    motion, (act, body) = passed(senate.world, kind), BODIES[kind]
    before = entries(senate.world, kind)
    for who in ("reader", "lia-alfa", "aud-hub", "hub"):
        answers = {
            (status, refused["detail"])
            for uuid in (motion.uuid, NOBODY)
            for status, refused in [execute(senate, uuid, {act: body}, who)]
        }
        assert [status for status, _ in answers] == [403]
    assert entries(senate.world, kind) == before


@pytest.mark.parametrize("kind", BODIES)
def test_past_the_address_the_log_asks_for_the_mandate(senate: Live, kind: str) -> None:
    hub, (name, body) = senate.world.hub, BODIES[kind]
    act = risk.acts(hub, Turn("roll-up"))[name]
    (deed,) = DEEDS[kind]
    subject = deed.subject(senate.world)
    made_up = Mandate(basis=MandateBasis.MOTION, environment="live", reference=NOBODY, right=act.right, subject=subject)
    before = entries(senate.world, kind)
    # a motion that nobody passed; the founding mandate as it is, and as it was before a body held the right
    for mandate in (made_up, hub.mandate, founding_mandate("live")):
        with pytest.raises((ForbiddenError, NotFoundError), match=r"motion|mandate"):
            act.run(Carrier(acting=OPERATOR, mandate=mandate, subject=subject), msgspec.convert(body, act.takes))
    assert entries(senate.world, kind) == before


def test_a_project_that_was_put_in_the_place_of_another_is_not_chosen(senate: Live) -> None:
    funds, speaker, uri = senate.world.hub.funds, OPERATOR.for_("sig@alfa"), "https://alfa.example"
    funds.propose(speaker, "joint", uri, work("swapped"))
    document = f"{{projects: swapped, budget: 10000, calculation: '{CALCULATION}'}}"
    motion = passed(senate.world, "fund.decided", document=document)
    funds.propose(speaker, "joint", uri, replace(work("swapped"), payee="https://bravo.example"))
    asked = {"projects": [judged(work("swapped"))], "budget": 100_00, "calculation": CALCULATION}
    status, refused = execute(senate, motion.uuid, {"decide_portfolio": asked})
    assert (status, refused["detail"]) == (409, "the project that is proposed is another than was judged")
    assert stands(senate, motion) is MotionStatus.PASSED
    funds.propose(speaker, "joint", uri, work("swapped"))
    assert execute(senate, motion.uuid, {"decide_portfolio": asked})[0] == 200


MALFORMED: Final[dict[str, dict[str, Any]]] = {
    "rules that cannot be": {"publish_rollup": {"colluding": 3}},
    "rules that are no percentage": {"publish_rollup": {"dominance": 100}},
    "a catalogue that is none": {"import_catalogue": {"document": "{}"}},
    "a catalogue that is no JSON": {"import_catalogue": {"document": "catalog:"}},
    "a day that is none": {"set_target": {"due": "soon"}},
    "a target that nothing meets": {"set_target": {"due": "2027-01-01", "standing": "not-met"}},
    "no currency": {"open_fund": {"title": "Second", "currency": "euro"}},
    "no project": {"decide_portfolio": {"projects": [], "budget": 1, "calculation": CALCULATION}},
    "less than nothing": {"call_back_award": {"amount": -1, "reason": "late"}},
    "half a cent": {"decide_claim": {"granted": 0.5}},
    "no tranche": {"make_award": terms() | {"tranches": []}},
    "what the motion says": {"release_tranche": {"tranche": 1}},
    "two acts": {"release_tranche": {}, "publish_rollup": {}},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_body_uses_no_motion(senate: Live, name: str) -> None:
    (act, *_) = MALFORMED[name]
    kind = next(kind for kind, (one, _) in BODIES.items() if one == act)
    motion = passed(senate.world, kind)
    before = entries(senate.world, kind)
    assert execute(senate, motion.uuid, MALFORMED[name])[0] == 422
    assert entries(senate.world, kind) == before
    assert stands(senate, motion) is MotionStatus.PASSED


# --- and what was decided is done: each once, so these are the last ---------------------------------------------------

SHOWN: Final[dict[str, tuple[str, str]]] = {
    "rollup.published": ("/risk/rollups", "rollups"),
    "target.set": ("/baselines/targets", "targets"),
    "fund.decided": ("/funds/joint/decisions", "decisions"),
}


@pytest.mark.parametrize("kind", BODIES)
def test_what_was_decided_is_done_once(senate: Live, kind: str) -> None:
    motion, (act, body) = passed(senate.world, kind), BODIES[kind]
    subject = motion.subject
    assert execute(senate, motion.uuid, {act: body}) == (
        200,
        {"motion": motion.uuid, "act": act, "right": str(ACTS[kind].right), "subject": subject, "status": "executed"},
    )
    assert execute(senate, motion.uuid, {act: body})[0] in {403, 409}
    if kind in SHOWN:
        path, name = SHOWN[kind]
        assert told(ask(senate, "GET", path, "reader"))[name][-1]["mandate"] == f"motion:{motion.uuid}"


def test_so_it_stands_now(senate: Live) -> None:
    assert told(ask(senate, "GET", "/funds/second", "reader"))["title"] == "Second"
    assert told(ask(senate, "GET", "/baselines/catalogues/ours", "reader"))["controls"] == 1
    status = {
        one["project"]: one["status"] for one in told(ask(senate, "GET", "/funds/joint/projects", "reader"))["projects"]
    }
    assert {name: status[name] for name in ("proposed", "chosen", "paid")} == {
        "proposed": "chosen",
        "chosen": "awarded",
        "paid": "called-back",
    }
    award = told(ask(senate, "GET", "/funds/joint/projects/awarded", "reader"))["detail"]["award"]
    assert [one["released"] for one in award["tranches"]] == [True, False]
    claim = told(ask(senate, "GET", f"/funds/joint/claims/{joint_claim(senate.world)}", "reader"))
    assert (claim["status"], claim["granted"], claim["reasons"]) == ("granted", 1_00, "usual")
    senate.world.hub.self_test.require()
