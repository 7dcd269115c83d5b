"""A damaged row of a sanitised version is found, and a log that tells what cannot have happened is not believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from support import stores
from support.hub import World
from support.publishing import HOUR, Press, finding, own, pact
from support.sharing import object_id
from tocsin.errors import LogBrokenError
from tocsin.exchange.recall.model import Demand
from tocsin.exchange.replay import replay
from tocsin.exchange.sanitise.model import Ending
from tocsin.kernel.clock import DAY, format_instant
from tocsin.kernel.mandate import Acting
from tocsin.log.model import EntryPayload, decode_payload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


Entries = list[tuple[int, EntryPayload]]
COAST: Final = "https://coast.example"


def used(home: Path) -> Press:
    """Return a hub in which versions stand everywhere they can: pending, approved, published, vetoed, ended."""
    text = pact("attribution: withheld, approve: nobody", "attribution: pseudonymous, approve: owner")
    world = Press(home, text=text)
    for number, name in enumerate(("alfa", "bravo", "coast")):
        world.give(name, finding(number), finding(10 + number))
        first, second = own(world, name)
        world.hub.sanitised.approve(world.viewer(name), first.uuid)
        if name == "alfa":
            world.hub.sanitised.veto(world.viewer(name), second.uuid, "names a site")
    assert world.wait(3 * HOUR) == 3
    world.give("alfa", finding(20), finding(21))
    world.hub.sanitised.approve(world.viewer("alfa"), own(world, "alfa")[2].uuid)
    world.give("alfa", finding(0, modified="2026-05-21T00:00:00.000Z"))
    world.give("alfa", finding(0, modified="2026-05-22T00:00:00.000Z"))
    _ended(world)
    world.seen()
    world.hub.self_test.require()
    return world


def _ended(world: Press) -> None:
    """Let one be invalid when its slot comes, one be destroyed with its original, and one be called back with it."""
    world.give("bravo", finding(30, valid_until=format_instant(world.clock.at + HOUR)))
    world.hub.sanitised.approve(world.viewer("bravo"), own(world, "bravo")[-1].uuid)
    world.give("coast", finding(31), finding(32))
    for number, demand in ((31, Demand.DESTROY), (32, Demand.STOP_USING)):
        known, due = str(finding(number)["id"]), world.clock.at + 3 * DAY
        world.hub.recalls.recall(Acting(actor="coast"), COAST, known, demand=demand, due=due, reason="a site")
    world.wait(3 * HOUR)
    ended = {row.standing.ending for name in ("bravo", "coast") for row in own(world, name)}
    assert ended == {None, Ending.INVALID, Ending.PURGED, Ending.RECALLED}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("log") / "hub"
    used(home).hub.close()
    return home


DAMAGE: Final = {
    "a version is of another original": "UPDATE sanitised SET version = version + 1 WHERE sanitised_key = 1",
    "it is under another clause": "UPDATE sanitised SET clause = '6' WHERE sanitised_key = 1",
    "it is approved behind the log's back": (
        "UPDATE sanitised SET state = 'approved', ready_at = 1 WHERE state = 'pending'"
    ),
    "it may leave alone": "UPDATE sanitised SET alone = (1 = 1) WHERE sanitised_key = 1",
    "its veto is lifted": "UPDATE sanitised SET state = 'approved' WHERE state = 'vetoed'",
    "it is ready earlier": "UPDATE sanitised SET ready_at = ready_at - 1 WHERE state = 'approved'",
    "it left in another slot": "UPDATE sanitised SET slot = slot + 1 WHERE state = 'published'",
    "it became something else": "UPDATE sanitised SET published_as = 5 WHERE state = 'published'",
    "it ended otherwise": "UPDATE sanitised SET ending = 'recalled' WHERE state = 'dropped'",
    "it was not destroyed": "UPDATE sanitised SET ending = 'recalled' WHERE ending = 'purged'",
    "it was not called back": "UPDATE sanitised SET ending = 'invalid' WHERE ending = 'recalled'",
    "it was not invalid": "UPDATE sanitised SET ending = 'purged' WHERE ending = 'invalid'",
    "it is gone": "DELETE FROM sanitised WHERE state = 'pending'",
    "what will leave is another thing": "UPDATE sanitised SET draft = salt WHERE state = 'approved'",
    "what will leave is lost": "UPDATE sanitised SET draft = NULL WHERE state = 'approved'",
    "what left is kept": "UPDATE sanitised SET draft = x'00', salt = x'00' WHERE state = 'published'",
    "a chain is of another object": "UPDATE sanitised_chains SET object_id = 'x' WHERE chain_id = 1",
    "a chain leaves under another id": "UPDATE sanitised_chains SET sanitised_id = 'x' WHERE chain_id = 1",
    "a chain was born later": "UPDATE sanitised_chains SET born = born + 1 WHERE chain_id = 1",
    "a pseudonym is another's": "UPDATE pseudonyms SET owner_id = owner_id + 10 WHERE pseudonym_id = 1",
    "a pseudonym is another": "UPDATE pseudonyms SET identity = 'x' WHERE pseudonym_id = 1",
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_found_and_named(made: Path, tmp_path: Path, case: str) -> None:
    home = tmp_path / "hub"
    stores.copy_home(made, home)
    assert stores.executed(home, DAMAGE[case]), "this damages nothing"
    world = World.again(home, seed=3)
    faults = {one.check: one.fault for one in world.hub.self_test.run()}
    world.hub.close()
    assert faults["sanitised"] is not None


# --- lies ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def entries(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Entries:
    home = tmp_path_factory.mktemp("lies") / "hub"
    stores.copy_home(made, home)
    world = World.again(home, seed=3)
    with world.hub.store.read() as connection:
        found = [
            (row.index, decode_payload(row.payload))
            for row in world.hub.log.rows(connection)
            if row.payload is not None
        ]
    world.hub.close()
    return found


def changed(entries: Entries, kind: str, change: Callable[[dict[str, Any]], None], *, place: int = 0) -> Entries:
    """Return the log with the data of one of its entries changed."""
    at = [index for index, payload in entries if payload.kind == kind][place]
    data = msgspec.json.decode(msgspec.json.encode(entries[at][1].data))
    change(data)
    found = list(entries)
    found[at] = (at, msgspec.structs.replace(entries[at][1], data=data))
    return found


def without(entries: Entries, kind: str, *, place: int = 0) -> Entries:
    """Return the log without one of its entries, which is told as a question that changes nothing."""
    at = [index for index, payload in entries if payload.kind == kind][place]
    found = list(entries)
    found[at] = (at, msgspec.structs.replace(entries[at][1], kind="inquiry", data={}))
    return found


def put(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda data: data.update({key: value})


def put_made(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["made"][0].update({key: value})


def later(data: dict[str, Any]) -> None:
    data["slot"] += 10**15


def earlier(data: dict[str, Any]) -> None:
    data["slot"] -= 10 * HOUR


ALFA: Final = "https://alfa.example"
LIES: Final[dict[str, tuple[Callable[[Entries], Entries], str]]] = {
    "of what was never shared": (
        lambda log: changed(log, "sanitised.made", put_made("object", object_id("indicator", 99))),
        "never shared",
    ),
    "of another's": (lambda log: changed(log, "sanitised.made", put("party", "https://delta.example")), "never shared"),
    "under no clause": (lambda log: changed(log, "sanitised.made", put_made("clause", "1")), "no clause in force"),
    "under a wider TLP": (lambda log: changed(log, "sanitised.made", put_made("tlp", "clear")), "pseudonym"),
    "another countdown": (lambda log: changed(log, "sanitised.made", put_made("leaves_at", 0)), "countdown"),
    "by nobody's leave": (lambda log: changed(log, "sanitised.made", put_made("approve", "nobody")), "no clause"),
    "under its original's id": (
        lambda log: changed(log, "sanitised.made", put_made("sanitised", finding(0)["id"])),
        "id of its original",
    ),
    "of another type": (
        lambda log: changed(log, "sanitised.made", put_made("sanitised", object_id("malware", 1))),
        "of another type",
    ),
    "of no submission": (lambda log: changed(log, "sanitised.made", put("submission", "x")), "submission"),
    "published unapproved": (lambda log: without(log, "sanitised.approved"), "before it was ready"),
    "published twice": (
        lambda log: changed(log, "sanitised.published", lambda data: data["versions"].extend(data["versions"])),
        "before it was ready|it is published",
    ),
    "alone in its slot": (lambda log: changed(log, "sanitised.published", put("submission", "x")), "publisher never"),
    "a slot for one": (lambda log: changed(log, "sanitised.published", put("least", 1)), "fewer than two"),
    "a slot that wants more": (
        lambda log: changed(
            changed(
                changed(log, "sanitised.published", put("least", 4)), "sanitised.published", put("least", 4), place=1
            ),
            "sanitised.published",
            put("least", 4),
            place=2,
        ),
        "3 producers shared a slot that wants 4",
    ),
    "a slot that lies ahead": (lambda log: changed(log, "sanitised.published", later), "not ahead"),
    "another instant": (lambda log: changed(log, "sanitised.made", put_made("made_at", 1)), "of another instant"),
    "a slot before it was ready": (lambda log: changed(log, "sanitised.published", earlier), "before it was ready"),
    "as what the publisher never shared": (
        lambda log: changed(log, "sanitised.published", lambda data: data["versions"][0].__setitem__(1, 5)),
        "publisher never shared it",
    ),
    "approved by another": (
        lambda log: changed(log, "sanitised.approved", put("party", "https://bravo.example")),
        "another party's",
    ),
    "superseded by nothing": (
        lambda log: changed(log, "sanitised.ended", lambda data: data.update(ending="withdrawn")),
        "not taken back",
    ),
    "called back by nobody": (
        lambda log: changed(log, "sanitised.ended", put("ending", "recalled")),
        "not called back",
    ),
    "destroyed by nobody": (lambda log: changed(log, "sanitised.ended", put("ending", "purged")), "was not purged"),
    "invalid before a slot came": (lambda log: changed(log, "sanitised.ended", put("ending", "invalid")), "no slot"),
    "ended when it had not begun": (
        lambda log: changed(log, "sanitised.ended", lambda data: data["versions"].append("x")),
        "not there",
    ),
    "a pseudonym for two": (
        lambda log: changed(log, "sanitised.made", _same_pseudonym(log), place=1),
        "pseudonym",
    ),
    "a form of its own": (lambda log: changed(log, "sanitised.vetoed", put("x", 1)), "form of its kind"),
}


def _same_pseudonym(log: Entries) -> Callable[[dict[str, Any]], None]:
    (first, _) = [payload.data for _, payload in log if payload.kind == "sanitised.made"][:2]
    return lambda data: data.update(pseudonyms=[[*data["pseudonyms"][0][:2], first["pseudonyms"][0][2]]])


@pytest.mark.parametrize("case", LIES)
def test_a_log_that_lies_is_not_believed(entries: Entries, case: str) -> None:
    lie, why = LIES[case]
    with pytest.raises(LogBrokenError, match=why):
        replay(lie(entries))


def test_the_log_as_it_is_is_believed(entries: Entries) -> None:
    told = replay(entries).sanitised
    assert len(told.versions) == 13
    assert {format_instant(slot)[11:16] for slot in told.born.values()} == {"11:00"}
