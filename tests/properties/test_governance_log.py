"""Whatever a council does, the store holds what the log alone tells, and no mandate served that did not stand."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.council import DEPUTIES, HALF, SEATS, constitute, council, decide, recuse, signatory, vote, written
from support.hub import OPERATOR, World
from support.told import entries_of
from tocsin.errors import RefusedError
from tocsin.governance.model.bodies import Body, Closing, Rule
from tocsin.governance.model.motions import MotionStatus
from tocsin.governance.privileged import decided
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Right

if TYPE_CHECKING:
    from collections.abc import Iterator

PEOPLE: Final = ("sig@alfa", "sig@bravo", "sig@coast", *DEPUTIES, "sig@delta")
RIGHTS: Final = (Right.PARTY_SUSPEND, Right.PARTY_CLEAR, Right.BODY_CHANGE, Right.BODY_DISSOLVE, None)
RULES: Final = (HALF, Rule(quorum="1/4", public="1/2", private="1/2", closes=Closing.SETTLED))
ACTS: Final = ("decide", "use", "vote", "table", "open", "recuse", "withdraw", "close", "wait", "change")
# what an act is mostly tried on; now and then on whatever there is
FITTING: Final = {
    "open": {MotionStatus.TABLED},
    "vote": {MotionStatus.OPEN},
    "recuse": {MotionStatus.OPEN},
    "use": {MotionStatus.PASSED},
}


def changed(rule: Rule) -> Body:
    """Return what the council may be changed into."""
    return council([Right.PARTY_SUSPEND], seats=SEATS, rule=rule)


# what a motion can decide: that which is tried, or something else; or nothing, and it is not tabled
DOCUMENTS: Final = {
    Right.PARTY_CLEAR: ("clearance: restricted", "clearance: restricted", "clearance: secret", None),
    Right.BODY_CHANGE: (*(written(changed(rule)) for rule in RULES), None),
}


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    world = World(folder / "hub")
    for name in ("alfa", "bravo", "coast", "delta"):
        world.party(name)
    for reference in DEPUTIES:
        signatory(world, reference)
    constitute(world, council([Right.PARTY_SUSPEND, Right.PARTY_CLEAR]))
    world.hub.close()
    yield folder / "hub"
    shutil.rmtree(folder)


class Story:
    """One council's history; what is refused is no part of it."""

    def __init__(self, world: World, data: st.DataObject) -> None:
        self.world = world
        self.governance = world.hub.governance
        self.data = data

    def step(self, act: str) -> None:
        motions = self.governance.motions()
        if act in ("decide", "table"):
            self.ask(act)
        elif act == "wait":
            self.world.clock.advance(self.data.draw(st.sampled_from((DAY, 14 * DAY, 40 * DAY, -5 * DAY))))
        elif act == "close":
            self.governance.close_due(OPERATOR)
        elif act == "change":
            self.change(changed(self.data.draw(st.sampled_from(RULES))))
        elif motions:
            wanted = [motion for motion in motions if motion.status in FITTING.get(act, MotionStatus)]
            motion = self.data.draw(st.sampled_from(wanted or motions))
            who = self.data.draw(st.sampled_from(PEOPLE))
            match act:
                case "open":
                    self.governance.open(OPERATOR, motion.uuid)
                case "vote":
                    vote(self.world, motion, who, self.data.draw(st.sampled_from(("yes", "yes", "no", "abstain"))))
                case "recuse":
                    recuse(self.world, motion, self.data.draw(st.sampled_from(("north", "east", "south"))), who)
                case "withdraw":
                    self.governance.withdraw(OPERATOR.for_(motion.mover), motion.uuid)
                case _:
                    self.use(motion.uuid)

    def ask(self, act: str) -> None:
        right = self.data.draw(st.sampled_from(RIGHTS))
        subject = {None: "", Right.BODY_CHANGE: "council", Right.BODY_DISSOLVE: "council"}.get(right, "delta")
        document = None
        if right in DOCUMENTS:
            document = self.data.draw(st.sampled_from(DOCUMENTS[right]))
        if act == "decide":
            decide(self.world, right, subject, document=document)
            return
        who = self.data.draw(st.sampled_from(("operator@hub", *PEOPLE)))
        self.governance.table(
            OPERATOR.for_(who),
            "council",
            title="T",
            reasons="R",
            right=right,
            subject=subject,
            document=None if document is None else document.encode(),
        )

    def change(self, body: Body) -> None:
        passed = [
            motion.uuid
            for motion in self.governance.motions()
            if motion.status is MotionStatus.PASSED and motion.right is Right.BODY_CHANGE
        ]
        mandate = self.governance.granted(passed[0] if passed else None)
        self.governance.change(OPERATOR, mandate, body, "drawn")

    def use(self, uuid: str) -> None:
        mandate = self.governance.granted(uuid)
        parties = self.world.hub.parties
        match mandate.right:
            case Right.PARTY_SUSPEND:
                parties.suspend_party(OPERATOR, mandate, "delta", "decided")
            case Right.PARTY_CLEAR:
                parties.clear_party(OPERATOR, mandate, "delta", clearance="restricted", until=None)
            case Right.BODY_DISSOLVE:
                self.governance.dissolve(OPERATOR, mandate, "council", "decided")
            case _:
                pass


@given(data=st.data(), acts=st.lists(st.sampled_from(ACTS), min_size=20, max_size=45))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_log_tells_what_the_store_holds(template: Path, data: st.DataObject, acts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "hub", template=template)
        story = Story(world, data)
        for act in ("decide", "use", *acts):
            try:
                story.step(act)
            except RefusedError:
                continue
        # a mandate is used once at most, and only after its motion passed
        for motion in story.governance.motions():
            assert len(motion.used) <= 1
            assert bool(motion.used) is (motion.status is MotionStatus.EXECUTED)
            assert not motion.used or (motion.result is not None and motion.result.passed)
            # and for nothing but what was voted on
            for index in motion.used:
                payload = entries_of(world)[index]
                assert decided(payload.kind, payload.data) == (motion.text if motion.document else None)
        world.hub.self_test.require()
        world.hub.close()
