"""Log and store tell the same after whatever was done, and a change in either is noticed."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from support import stores
from support.hub import OPERATOR, key_of
from support.inspection import export_all, inspect_hub
from support.sharing import Shared, bundle, indicator, marks, objects
from support.treaty import MEMBERS, TREATY, Templates, references, templates
from tocsin.agreements.document import parse_agreement, sign_document
from tocsin.agreements.model import Tlp
from tocsin.errors import LogBrokenError, RefusedError
from tocsin.exchange.asking import Question
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Outcome, Query, VersionChoice
from tocsin.exchange.replay import replay
from tocsin.kernel.clock import DAY, SECOND
from tocsin.kernel.mandate import Acting
from tocsin.log.tables import LOG_ENTRIES
from tocsin.log.verify import Disclosures, verify_export
from tocsin.parties.model import PURPOSES, Role, User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from support.hub import World

PHASES: Final = (Phase.explicit, Phase.reuse, Phase.generate)
READERS: Final = [*references(), "outsider", "ana@outsider"]
MARKING: Final = marks(recipients=["bravo", "coast", "ana@bravo", "ana@coast"])
EVERYBODY: Final = (*MEMBERS, "outsider")


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


class Acts:
    """Everything that can be done to a hub, by number: refusals are fine, and change nothing."""

    def __init__(self, world: World, data: st.DataObject) -> None:
        self.world = world
        self.data = data
        self.version = 1
        self.released: dict[str, list[int]] = {}

    def share(self) -> None:
        items: list[Shared] = self.data.draw(
            st.lists(objects(MARKING, kinds=("indicator", "ipv4-addr"), numbers=3), min_size=1, max_size=4)
        )
        party = self.data.draw(st.sampled_from(EVERYBODY))
        marked = [mark for item in items for mark in item.marks]
        self.world.hub.intake.submit(
            Submission(
                party=f"https://{party}.example",
                acting=Acting(actor=party, on_behalf_of=self.data.draw(st.sampled_from([None, "bravo"]))),
                data=bundle([item.json for item in items], marked=marked),
                tlp=self.data.draw(st.none() | st.sampled_from(Tlp)),
                to=self.data.draw(st.sampled_from([(), (), ("ana@bravo",), ("coast", "ana@alfa")])),
            )
        )

    def read(self) -> None:
        reader = self.data.draw(st.sampled_from(READERS))
        asker = self.world.asker(reader, purpose=self.data.draw(st.sampled_from(PURPOSES[:3])))
        query = Query(versions=self.data.draw(st.sampled_from([frozenset({choice}) for choice in VersionChoice])))
        ask = self.data.draw(st.sampled_from([self.world.hub.reading.objects, self.world.hub.reading.manifest]))
        answer = ask(asker, "exchange", query, limit=self.data.draw(st.integers(1, 5)))
        if answer.release is not None:
            self.released[answer.release] = [item.seq for item in answer.page.items]

    def withdraw(self) -> None:
        party = self.data.draw(st.sampled_from(EVERYBODY))
        self.world.hub.withdrawals.withdraw(
            Acting(actor=party),
            f"https://{party}.example",
            "exchange",
            indicator(self.data.draw(st.integers(1, 3)))["id"],
            self.data.draw(st.sets(st.sampled_from(VersionChoice), min_size=1)),
        )

    def ask(self) -> None:
        party, user = self.world.hub.parties.resolve(self.data.draw(st.sampled_from(READERS)))
        question = Question(
            object_id=indicator(self.data.draw(st.integers(1, 4)))["id"],
            party=party,
            user=user,
            acting=Acting(actor=party.name),
        )
        self.data.draw(st.sampled_from([self.world.hub.asking.why, self.world.hub.asking.who]))(question)

    def suspend(self) -> None:
        self.world.hub.parties.suspend_party(OPERATOR, self.world.hub.mandate, self._party(), "a reason")

    def clear(self) -> None:
        until = self.data.draw(st.none() | st.just(self.world.clock.at + DAY))
        self.world.hub.parties.clear_party(
            OPERATOR, self.world.hub.mandate, self._party(), clearance="confidential", until=until
        )

    def change(self) -> None:
        party = self.world.hub.parties.get(self._party())
        country = self.data.draw(st.sampled_from(["NO", "SE"]))
        changed = msgspec.structs.replace(party, country=country)
        self.world.hub.parties.change_party(OPERATOR, self.world.hub.mandate, changed)

    def hire(self) -> None:
        name = self.data.draw(st.sampled_from(["bo", "cy"]))
        uri = f"https://{self._party()}.example"
        self.world.hub.parties.add_user(
            OPERATOR, self.world.hub.mandate, User(name=name, party=uri, roles=frozenset({Role.ANALYST}))
        )

    def dismiss(self) -> None:
        name = self.data.draw(st.sampled_from(["ana", "bo"]))
        self.world.hub.parties.disable_user(OPERATOR, self.world.hub.mandate, f"{name}@{self._party()}")

    def token(self) -> None:
        self.world.token(self.data.draw(st.sampled_from(READERS)))

    def agree(self) -> None:
        self.version += 1
        changed = TREATY.replace("version: 1", f"version: {self.version}").replace(
            "at_most: amber", f"at_most: {self.data.draw(st.sampled_from(['clear', 'green', 'amber']))}"
        )
        document = parse_agreement(changed.encode(), where="test").document
        self.world.hub.agreements.propose(OPERATOR, self.world.hub.mandate, changed.encode(), where="test")
        for name in self.data.draw(st.sampled_from([MEMBERS, MEMBERS, MEMBERS[:2]])):
            self.world.hub.agreements.sign(
                Acting(actor=f"sig@{name}"),
                document.name,
                document.version,
                signatory=f"sig@{name}",
                signature=sign_document(document, key_of(name)),
            )
        self.world.hub.agreements.activate(OPERATOR, self.world.hub.mandate, document.name, document.version)

    def wait(self) -> None:
        # clocks of machines step back too: hub time does not
        self.world.clock.advance(self.data.draw(st.integers(-5 * SECOND, 2 * DAY)))

    def integrate(self) -> None:
        self.world.hub.integrator.integrate()

    def reopen(self) -> None:
        self.world.reopen()

    def _party(self) -> str:
        return str(self.data.draw(st.sampled_from(EVERYBODY)))


OFTEN: Final = (Acts.share, Acts.read)
ALL: Final[tuple[Callable[[Acts], None], ...]] = (
    *OFTEN * 4,
    *(Acts.withdraw, Acts.ask, Acts.suspend, Acts.clear, Acts.change, Acts.hire, Acts.dismiss, Acts.token),
    *(Acts.agree, Acts.wait, Acts.wait, Acts.integrate, Acts.reopen),
)


def _live(hubs: Templates, data: st.DataObject, *, most: int) -> None:
    world = hubs.world()
    acts = Acts(world, data)
    for act in data.draw(st.lists(st.sampled_from(ALL), min_size=5, max_size=most)):
        with contextlib.suppress(RefusedError):
            act(acts)
    rebuilt = inspect_hub(world.hub)
    with world.hub.store.read() as connection:
        entries = connection.execute(select(LOG_ENTRIES.c.payload).where(LOG_ENTRIES.c.kind == "release")).scalars()
        entered = {json.loads(payload)["data"]["release"] for payload in entries}
    assert entered == acts.released.keys()
    assert rebuilt.releases >= len(entered)
    hubs.drop(world)


@given(st.data())
@settings(max_examples=12, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
def test_whatever_is_done_log_and_store_tell_the_same(hubs: Templates, data: st.DataObject) -> None:
    _live(hubs, data, most=25)


@pytest.mark.long
@given(st.data())
@settings(max_examples=150, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
def test_whatever_is_done_for_long_log_and_store_tell_the_same(hubs: Templates, data: st.DataObject) -> None:
    _live(hubs, data, most=60)


# --- tampering -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lived(hubs: Templates) -> Iterator[World]:
    """A hub in which something of every kind happened."""
    world = hubs.world()
    world.share("alfa", bundle([indicator(number) for number in range(1, 6)]))
    world.share("bravo", bundle([indicator(1, version=2), indicator(7)]))
    assert len(world.read("bravo")) == len(world.read("coast")) == 6
    world.hub.withdrawals.withdraw(
        Acting(actor="alfa"), "https://alfa.example", "exchange", indicator(2)["id"], {VersionChoice.ALL}
    )
    world.read("alfa")
    inspect_hub(world.hub)
    yield world
    inspect_hub(world.hub)  # nothing that was tampered with remained
    hubs.drop(world)


@contextlib.contextmanager
def _tampered(world: World, *statements: str) -> Iterator[None]:
    """Change the database behind the hub's back, and put it back after."""
    with stores.restored(world.hub.store, world.settings.home):
        for statement in statements:
            assert stores.executed(world.settings.home, statement) > 0, statement
        yield


LAST: Final = "(SELECT max(idx) FROM log_entries)"
SHARED: Final = "(SELECT min(idx) FROM log_entries WHERE kind = 'submission')"
RELEASED: Final = "(SELECT min(idx) FROM log_entries WHERE kind = 'release')"
FIRST: Final = "SELECT entry, leaf, salt, payload FROM log_entries WHERE idx = 0"
COLUMNS: Final = "environment, idx, kind, at, concerns, entry, leaf, salt, payload"
NEXT: Final = COLUMNS.replace("idx", "idx + 1")

LOG_CHANGES: Final = {
    "a payload says something else": [
        f"UPDATE log_entries SET payload = CAST(replace(payload, 'alfa', 'coast') AS BLOB) WHERE idx = {SHARED}"
    ],
    "a payload is gone": [f"UPDATE log_entries SET payload = NULL WHERE idx = {SHARED}"],
    "a salt is another": [f"UPDATE log_entries SET salt = zeroblob(32) WHERE idx = {SHARED}"],
    "an entry is another": [f"UPDATE log_entries SET entry = zeroblob(length(entry)) WHERE idx = {SHARED}"],
    "a hash is another": [f"UPDATE log_entries SET leaf = zeroblob(32) WHERE idx = {SHARED}"],
    "an entry and its hash are others": [
        f"UPDATE log_entries SET (entry, leaf, salt, payload) = ({FIRST}) WHERE idx = {SHARED}"
    ],
    "the last entry is dropped": [f"DELETE FROM log_entries WHERE idx = {LAST}"],
    "an entry between is dropped": [f"DELETE FROM log_entries WHERE idx = {SHARED}"],
    "a release is dropped": [f"DELETE FROM log_entries WHERE idx = {RELEASED}"],
    "an entry is added": [f"INSERT INTO log_entries ({COLUMNS}) SELECT {NEXT} FROM log_entries WHERE idx = {LAST}"],
    "two entries change places": [
        "UPDATE log_entries SET idx = -1 WHERE idx = 3",
        "UPDATE log_entries SET idx = 3 WHERE idx = 4",
        "UPDATE log_entries SET idx = 4 WHERE idx = -1",
    ],
    "an instant is earlier": [f"UPDATE log_entries SET at = 0 WHERE idx = {SHARED}"],
    "the head is smaller": ["UPDATE log_heads SET size = size - 1"],
    "the root is another": ["UPDATE log_heads SET root = zeroblob(32)"],
    "the checkpoint is of another size": ["UPDATE log_heads SET checkpoint = replace(checkpoint, 'hub', 'hut')"],
}
STORE_CHANGES: Final = {
    "a party is vetted that was not": ["UPDATE parties SET status = 'candidate' WHERE name = 'outsider'"],
    "an offer has another label": [
        "UPDATE offers SET label_id = (SELECT max(label_id) FROM labels) WHERE offer_seq = 1"
    ],
    "an offer is withdrawn": ["UPDATE offers SET withdrawn_at = NULL WHERE withdrawn_at IS NOT NULL"],
    "an offer is gone": ["DELETE FROM offers WHERE offer_seq = 3"],
    "a contribution has another owner": [
        "UPDATE contributions SET owner_id = (SELECT max(party_id) FROM parties) WHERE contribution_id = 3"
    ],
    "a body says something else": [
        "UPDATE contributions SET bytes = CAST(replace(CAST(bytes AS TEXT), '198.51.100', '192.0.2') AS BLOB)"
    ],
    "a label says something else": [
        """UPDATE labels SET body = CAST(replace(CAST(body AS TEXT), '"amber"', '"clear"') AS BLOB)"""
    ],
    "a release is gone": ["DELETE FROM releases WHERE release_id = 1"],
    "a release holds less": ["UPDATE releases SET offers = substr(offers, 1, 1), last_seq = 1 WHERE count > 1"],
    "a signature is gone": ["DELETE FROM agreement_signatures"],
    "an agreement is no more in force": ["UPDATE agreements SET status = 'signed'"],
    "a receipt promises more": [
        """UPDATE submissions SET result = CAST(replace(CAST(result AS TEXT), '"accepted"', '"repeated"') AS BLOB)"""
    ],
    "a submission is gone": ["DELETE FROM submissions WHERE submission_id = 1"],
    "a count is wrong": ["UPDATE label_counts SET offers = offers + 1"],
}


@pytest.mark.parametrize("case", LOG_CHANGES)
def test_the_log_notices_what_was_changed_in_it(lived: World, case: str) -> None:
    with _tampered(lived, *LOG_CHANGES[case]), lived.hub.store.read() as connection, pytest.raises(LogBrokenError):
        lived.hub.log.check(connection)


@pytest.mark.parametrize("case", STORE_CHANGES)
def test_a_store_that_tells_another_story_than_its_log_is_noticed(lived: World, case: str) -> None:
    with _tampered(lived, *STORE_CHANGES[case]):
        assert [finding for finding in lived.hub.self_test.run() if not finding.passed]


# --- the log alone ---------------------------------------------------------------------------------------------------


def test_an_export_is_retold_without_the_hub(lived: World, tmp_path: Path) -> None:
    directory = export_all(lived.hub, tmp_path / "export")
    assert verify_export(directory, trusted_vkey=lived.hub.log.vkey).pinned
    rebuilt = replay(Disclosures(directory))
    assert rebuilt.hub == "https://hub.example"
    assert rebuilt.releases == 6  # three readings, each of two owners' objects
    assert len(rebuilt.withdrawn) == 1


def test_a_release_that_the_agreements_did_not_allow_is_noticed(lived: World, tmp_path: Path) -> None:
    """The hub itself lies: a signed and well-formed log, in which somebody got what no clause lets out."""
    told = list(Disclosures(export_all(lived.hub, tmp_path / "export")))
    release = next(index for index, payload in told if payload.kind == "release")
    ended = next(index for index, payload in told if payload.kind == "agreement.activated")
    index, payload = told[ended]
    told[ended] = (index, msgspec.structs.replace(payload, kind="inquiry", mandate=None))
    with pytest.raises(LogBrokenError, match="other policies"):
        replay(told)
    assert release > ended


@pytest.mark.parametrize("kept", [0, 1, 5])
def test_an_entry_that_is_not_disclosed_stops_the_replay(lived: World, tmp_path: Path, kept: int) -> None:
    told: Sequence[object] = list(Disclosures(export_all(lived.hub, tmp_path / "export")))
    with pytest.raises(LogBrokenError, match="not disclosed"):
        replay([*told[:kept], *told[kept + 1 :]])  # type: ignore[list-item]  # as read


def test_a_draft_that_is_superseded_before_all_have_signed(hubs: Templates) -> None:
    world = hubs.world()
    world.agreement(TREATY.replace("version: 1", "version: 2"), signed_by=MEMBERS[:2], activate=False)
    world.agreement(TREATY.replace("version: 1", "version: 3"), signed_by=MEMBERS)
    rebuilt = inspect_hub(world.hub)
    statuses = {key: str(one.status) for key, one in rebuilt.agreed.versions.items()}
    assert statuses == {"treaty/1": "superseded", "treaty/2": "superseded", "treaty/3": "in-force"}
    hubs.drop(world)


def test_repeated_and_refused_objects_leave_an_entry_and_no_offer(hubs: Templates) -> None:
    world = hubs.world()
    world.share("alfa", bundle([indicator(1)]))
    before = inspect_hub(world.hub)
    receipt = world.share("alfa", bundle([indicator(1), indicator(1, description="other"), {"type": "indicator"}]))
    assert [result.outcome for result in receipt.results] == [Outcome.REPEATED, Outcome.REFUSED, Outcome.REFUSED]
    after = inspect_hub(world.hub)
    assert after.entries == before.entries + 1
    assert after.offers == before.offers
    hubs.drop(world)
