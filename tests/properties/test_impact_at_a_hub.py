"""An impact that a hub tells is what then happens there: told, activated, and every reader's view taken again."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from support import stores
from support.agreement_strategies import NAMES, START, contents
from support.hub import OPERATOR, World, key_of
from support.sharing import Mark, bundle, indicator, known_marks, object_id, terms_mark
from tocsin.agreements.document import Said, act_bytes, sign_bytes, sign_document
from tocsin.agreements.impact import Seat
from tocsin.errors import ForbiddenError, TransitionError
from tocsin.exchange.impacts import Expected, Question
from tocsin.exchange.model import Outcome
from tocsin.exchange.store import find_collection, read_label_counts
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Acting
from tocsin.log.model import decode_payload
from tocsin.parties.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.agreements.impact import Impact

TYPES = ("indicator", "incident", "report")
TLPS = {mark.tlp: mark for mark in known_marks() if mark.tlp is not None}
MARKS = (
    terms_mark(categories=("export-controlled",)),
    terms_mark(categories=("personal-data", "victim")),
    terms_mark(sectors=("energy",), countries=("NO",)),
    terms_mark(residency="eea"),
    terms_mark(recipients=("bravo", "ana@coast")),
)
CASES = settings(
    max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)
# two that documents drawn here speak of, and the one that is never implied
ASKED = frozenset({"detect", "respond", "enforce"})
Content = dict[str, Any]


class Worlds:
    """Copies of a hub with four parties of every sort, two users each, and objects under many labels."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-test-"))
        self.made = 0
        world = World(self.folder / "template", start=START + 6 * DAY)
        says: dict[str, Content] = {
            "alfa": {"kind": Kind.PUBLIC, "capacities": frozenset({"csirt", "supervisor"})},
            "bravo": {"country": "SE", "sectors": frozenset({"energy", "transport"}), "clearance": "unclassified"},
            "coast": {"country": "DK", "communities": frozenset({"nordic"}), "until": START + 8 * DAY},
            "delta": {"data_region": None, "capacities": frozenset({"operator", "csirt"})},
        }
        for index, name in enumerate(NAMES):
            world.party(name, **says[name])
            world.user(f"ana@{name}", nationality=("NO", "SE", None, "DK")[index])
        for index, name in enumerate(NAMES):
            listed = [
                _object(kind, 100 * index + number, [mark, *_beside(tlp, kind, number + index)])
                for number, (tlp, mark) in enumerate(TLPS.items())
                for kind in TYPES
            ]
            receipt = world.share(name, bundle(listed, marked=MARKS))
            assert [one for one in receipt.results if one.outcome is Outcome.REFUSED] == []
        world.hub.close()

    def world(self) -> World:
        """Return a fresh copy."""
        self.made += 1
        return World(self.folder / str(self.made), start=START + 6 * DAY, template=self.folder / "template")

    def drop(self, world: World) -> None:
        """Close a copy and remove it."""
        world.hub.close()
        stores.drop(world.settings.home)
        shutil.rmtree(world.settings.home)


def _beside(tlp: str, kind: str, number: int) -> list[Mark]:
    """Return what else an object is marked with; what is RED is addressed to somebody."""
    if tlp == "red":
        return [MARKS[-1]]
    return [] if kind == "report" else [MARKS[number % len(MARKS)]]


def _object(kind: str, number: int, marked: list[Mark]) -> Content:
    made = indicator(number, marked=marked)
    if kind == "indicator":
        return made
    for key in ("pattern", "pattern_type", "valid_from", "indicator_types"):
        made.pop(key, None)
    more = {"published": made["created"], "object_refs": [object_id("tool", 1)]} if kind == "report" else {}
    return made | {"type": kind, "id": object_id(kind, number), "name": "So it was"} | more


@pytest.fixture(scope="module")
def worlds() -> Iterator[Worlds]:
    made = Worlds()
    yield made
    for home in stores.made():
        if made.folder in home.parents:
            stores.drop(home)
    shutil.rmtree(made.folder)


class Views:
    """What is open by party, seat and purpose, each reader asked at the gate; and what carries which label."""

    def __init__(self, world: World) -> None:
        hub = world.hub
        self.opened: dict[Any, set[int]] = {}
        with hub.store.read() as connection:
            exchange = find_collection(connection, hub.environment, "exchange", party=None)
            self.counts = read_label_counts(connection, exchange.id)
            self.labels = hub.gate.labels(connection, sorted(self.counts))
            at = hub.log.now(connection)
            for name in NAMES:
                party = hub.parties.get(name)
                hats = [None, "supervisor"] if "supervisor" in party.capacities else [None]
                for user in (None, *(one.name for one in hub.parties.users(name))):
                    seat = Seat.MACHINE if user is None else Seat.PEOPLE
                    for purpose, hat in itertools.product(ASKED, hats):
                        passed = hub.gate.admit(connection, party.uri, user, purpose, capacity=hat)
                        found = self.opened.setdefault((party.uri, seat, purpose), set())
                        found.update(hub.gate.opened(passed, self.labels, at))

    def more(self, other: Views, key: object) -> dict[str, int]:
        """Return how many objects of which types are open here and not there."""
        found: dict[str, int] = {}
        for label_id in self.opened[key] - other.opened[key]:
            kind = self.labels[label_id].type
            found[kind] = found.get(kind, 0) + self.counts[label_id]
        return found

    def changes(self, before: Views) -> dict[Any, tuple[dict[str, int], dict[str, int]]]:
        """Return what is open here and was not before, and the other way round, where anything is."""
        return {
            key: (self.more(before, key), before.more(self, key))
            for key in before.opened
            if before.opened[key] != self.opened[key]
        }


def told(impact: Impact) -> dict[Any, tuple[dict[str, int], dict[str, int]]]:
    """Return gains and losses by party, seat and purpose."""
    return {
        (move.party, move.seat, purpose): (dict(move.gains.objects), dict(move.losses.objects))
        for move in impact.moves
        for purpose in sorted(ASKED.intersection(move.purposes))
    }


def ask(world: World, content: Content, signed_by: list[str] | None, *, by: str | None = None) -> Expected:
    asker = world.hub.parties.resolve(by or "operator@hub")
    source = json.dumps(content).encode()
    return world.hub.impacts.ask(
        Question(acting=OPERATOR, asker=asker, source=source, where="drawn", signed_by=signed_by)
    )


def signers(world: World, content: Content, data: st.DataObject) -> list[str]:
    """Return who signs: all that it names, and some who may; two at least."""
    checked = world.hub.agreements.check(json.dumps(content).encode(), where="drawn")
    may = sorted({*checked.by_criteria} & {*NAMES})
    chosen = sorted({*checked.named, *(data.draw(st.sets(st.sampled_from(may))) if may else ())})
    assume(len(chosen) > 1)
    return chosen


@CASES
@given(contents(), contents(), st.data())
def test_what_is_told_is_what_happens(worlds: Worlds, first: Content, second: Content, data: st.DataObject) -> None:
    first, second = first | {"version": 1}, second | {"version": 2}
    world = worlds.world()
    try:
        if data.draw(st.booleans()):
            world.agreement(json.dumps(first), signed_by=tuple(signers(world, first, data)))
        chosen = signers(world, second, data)
        expected = ask(world, second, chosen)
        assert expected.whole is not None
        # what is told of a later day is so on that day
        world.clock.at = expected.prospect.at
        before = Views(world)
        world.agreement(json.dumps(second), signed_by=tuple(chosen))
        after = Views(world)
        changes = after.changes(before)
        assert told(expected.whole) == changes
        assert (expected.whole.labels, expected.whole.objects) == (len(before.counts), sum(before.counts.values()))
        event("something changes" if changes else "nothing changes")
    finally:
        worlds.drop(world)


OPEN: Content = {
    "agreement": "open",
    "version": 1,
    "title": "Open",
    "in_force": {"from": "2026-01-01", "until": None},
    "parties": [{"name": "alfa"}, {"name": "bravo"}, {"all": {"countries": "DK"}}],
    "purposes": ["detect"],
    "clauses": [{"id": "1", "permit": "read", "to": {"parties": "all"}, "of": {"tlp": {"at_most": "amber"}}}],
}


def test_a_signatory_is_told_of_what_lies_before_it_and_no_numbers_of_others(worlds: Worlds) -> None:
    world = worlds.world()
    try:
        with pytest.raises(ForbiddenError, match="proposed"):
            ask(world, OPEN, None, by="sig@bravo")
        world.agreement(json.dumps(OPEN), signed_by=("alfa",), activate=False)
        for by, signed_by in (("ana@bravo", None), ("bravo", None), ("sig@bravo", ["alfa"]), ("sig@delta", None)):
            with pytest.raises(ForbiddenError):
                ask(world, OPEN, signed_by, by=by)
        whole = ask(world, OPEN, None).whole
        mine = ask(world, OPEN, None, by="sig@bravo")
        assert whole is not None
        assert mine.own is not None
        assert mine.shared is not None
        assert mine.whole is None
        bravo = world.hub.parties.get("bravo").uri
        all_of_bravo = {key: told_ for key, told_ in told(whole).items() if key[0] == bravo}
        # the size of a gain, and no more
        assert all_of_bravo.keys() == told(mine.own).keys() != set()
        assert {n for gains, _ in told(mine.own).values() for n in gains.values()} <= {1, 10}
        assert mine.own.objects == mine.own.labels == mine.own.changed == 0
        assert {key[0] for key in told(mine.shared)} == {world.hub.parties.get(name).uri for name in ("alfa", "coast")}
    finally:
        worlds.drop(world)


def test_who_asked_stands_in_the_log_whatever_the_answer(worlds: Worlds) -> None:
    world = worlds.world()
    try:
        ask(world, OPEN, None)
        with pytest.raises(ForbiddenError):
            ask(world, OPEN, None, by="sig@bravo")
        with world.hub.store.read() as connection:
            payloads = [decode_payload(row.payload or b"", where="it") for row in world.hub.log.rows(connection)]
        said = [one.data for one in payloads if one.kind == "inquiry"]
        assert [one["asker"] for one in said] == ["operator@hub", "sig@bravo"]
        assert {one["verb"] for one in said} == {"impact"}
        assert all(one["object"].startswith("open/1#") for one in said)
        world.hub.self_test.run()
    finally:
        worlds.drop(world)


def test_an_amendment_carries_and_a_version_that_cannot_come_is_refused(worlds: Worlds) -> None:
    world = worlds.world()
    try:
        first = OPEN | {"amend_by": {"more_than": 0.5}}
        second = OPEN | {"version": 2, "clauses": [OPEN["clauses"][0] | {"of": {"tlp": {"at_most": "green"}}}]}
        with pytest.raises(TransitionError):
            world.hub.impacts.ask(_amending(world, second))
        world.agreement(json.dumps(first), signed_by=("alfa", "bravo", "coast"))
        with pytest.raises(TransitionError):
            ask(world, OPEN, None)
        expected = world.hub.impacts.ask(_amending(world, second))
        assert expected.prospect.amends == 1
        assert expected.prospect.carried == {world.hub.parties.get("coast").uri}
        assert expected.whole is not None
        before = Views(world)
        world.agreement(json.dumps(second), signed_by=("alfa", "bravo"), activate=False, amends=True)
        with world.hub.agreements.living(OPERATOR) as acts:
            acts.adopt(world.hub.mandate, "open", 2)
        after = Views(world)
        changes = after.changes(before)
        assert told(expected.whole) == changes != {}
    finally:
        worlds.drop(world)


@CASES
@given(
    st.sets(st.sampled_from(NAMES), max_size=3),
    st.sets(st.sampled_from(NAMES), max_size=3),
    st.sets(st.sampled_from(NAMES), max_size=2),
)
def test_who_objected_is_out_unless_it_signs(
    worlds: Worlds, signed: set[str], objecting: set[str], takes_back: set[str]
) -> None:
    world = worlds.world()
    try:
        everybody = [{"name": name} for name in NAMES]
        first = OPEN | {"parties": everybody, "amend_by": {"more_than": 0.25, "objection_period": "P1D"}}
        second = first | {"version": 2, "clauses": [OPEN["clauses"][0] | {"of": {"tlp": {"at_most": "green"}}}]}
        world.agreement(json.dumps(first), signed_by=NAMES)
        world.agreement(json.dumps(second), signed_by=tuple(sorted(signed)), activate=False, amends=True)
        for name in sorted(objecting - signed):
            _objects(world, name)
        for name in sorted(takes_back & (objecting - signed)):
            _signs(world, name)
        out = objecting - signed - takes_back
        expected = ask(world, second, None)
        uris = {name: world.hub.parties.get(name).uri for name in NAMES}
        assert expected.prospect.objected == {uris[name] for name in out}
        assert expected.prospect.signed == {uris[name] for name in NAMES if name not in out}
        assert expected.whole is not None
        # what is told is that everybody signs who did not object
        for name in sorted(set(NAMES) - out - signed - takes_back):
            _signs(world, name)
        for name in sorted((takes_back - objecting) - signed):
            _signs(world, name)
        world.clock.advance(DAY)
        expected = ask(world, second, None)
        assert expected.whole is not None
        event(f"{len(out)} objected")
        if len(NAMES) - len(out) <= len(out):
            return  # it is not adopted
        before = Views(world)
        with world.hub.agreements.living(OPERATOR) as acts:
            acts.adopt(world.hub.mandate, "open", 2)
        changes = Views(world).changes(before)
        assert told(expected.whole) == changes
    finally:
        worlds.drop(world)


def _signs(world: World, name: str) -> None:
    document = world.hub.agreements.get("open", 2).document
    made = sign_document(document, key_of(name))
    world.hub.agreements.sign(Acting(actor=f"sig@{name}"), "open", 2, signatory=f"sig@{name}", signature=made)


def _objects(world: World, name: str) -> None:
    document = world.hub.agreements.get("open", 2).document
    said = act_bytes(document, Said.OBJECT, party=world.hub.parties.get(name).uri, reason="so")
    with world.hub.agreements.living(Acting(actor=f"sig@{name}")) as acts:
        acts.object("open", 2, signatory=f"sig@{name}", made=sign_bytes(said, key_of(name)), reason="so")


def _amending(world: World, content: Content) -> Question:
    return Question(
        acting=OPERATOR,
        asker=world.hub.parties.resolve("operator@hub"),
        source=json.dumps(content).encode(),
        where="drawn",
        signed_by=["alfa", "bravo"],
        amends=True,
    )


def test_a_grace_that_goes_on_is_told_as_it_goes_on(worlds: Worlds) -> None:
    world = worlds.world()
    try:
        bases = {"law": {key: {"cite": "Act", "valid": ["2025-01-01", "2026-01-06"]} for key in ("NO", "SE")}}
        clause = OPEN["clauses"][0] | {"rests_on": "law"}
        first = OPEN | {"legal_bases": bases, "clauses": [clause]}
        world.agreement(json.dumps(first), signed_by=("alfa", "bravo"))
        with world.hub.agreements.living(OPERATOR) as acts:
            acts.grace(
                world.hub.mandate,
                "open",
                1,
                basis="law",
                parties_=("alfa", "bravo"),
                until=START + 20 * DAY,
                reason="so",
            )
        second = first | {"version": 2, "clauses": [clause | {"of": {"tlp": {"at_most": "green"}}}]}
        expected = ask(world, second, ["alfa", "bravo"])
        assert expected.whole is not None
        before = Views(world)
        world.agreement(json.dumps(second), signed_by=("alfa", "bravo"))
        after = Views(world)
        changes = after.changes(before)
        # what is amber closes; what is green stays open by the grace alone
        assert told(expected.whole) == changes != {}
        assert not any(gains for gains, _ in changes.values())
    finally:
        worlds.drop(world)
