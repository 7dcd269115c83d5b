"""What a submitter is told depends on its own contributions only.

The same acts of one party happen in two hubs of the same seed and clock; in the second, others act in between, on the
same objects and under the same markings. What the party is told must be the same, but for ids that are random.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support.hub import OPERATOR
from support.sharing import Shared, bundle, indicator, marks, objects, terms_mark
from support.treaty import Templates, templates
from tocsin.agreements.model import Tlp
from tocsin.errors import RefusedError
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Receipt, VersionChoice
from tocsin.kernel.clock import SECOND
from tocsin.kernel.mandate import Acting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from support.hub import World

# the acts are few and the words small: most objects are shared by everybody, and most acts meet
KINDS = ("indicator", "ipv4-addr", "report")
MARKING = marks(recipients=["bravo", "coast", "ana@bravo", "https://coast.example"])
UUID = re.compile(r"(?<!--)\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


class Share(msgspec.Struct, frozen=True, kw_only=True):
    objects: tuple[Shared, ...]
    tlp: Tlp | None
    to: tuple[str, ...]


class Withdraw(msgspec.Struct, frozen=True, kw_only=True):
    object_id: str
    versions: frozenset[VersionChoice]


class Receipts(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for every receipt of one's own again."""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    micros: int


Act = Share | Withdraw | Receipts | Wait

_objects = objects(MARKING, kinds=KINDS, numbers=2)
_share = st.builds(
    Share,
    objects=st.lists(_objects, min_size=1, max_size=4).map(tuple),
    tlp=st.none() | st.sampled_from(Tlp),
    to=st.just(()) | st.lists(st.sampled_from(["bravo", "ana@coast", "nobody"]), max_size=1).map(tuple),
)
_withdraw = st.builds(
    Withdraw,
    object_id=_objects.map(lambda item: item.id),
    versions=st.frozensets(st.sampled_from(VersionChoice), min_size=1),
)
_wait = st.builds(Wait, micros=st.integers(0, 10 * SECOND))
acts = st.one_of(_share, _share, _share, _withdraw, _withdraw, st.builds(Receipts), _wait)
scripts = st.lists(
    st.tuples(acts, st.lists(st.tuples(st.sampled_from(["bravo", "coast"]), acts), max_size=2)), max_size=6
)


@pytest.fixture(scope="module")
def hubs() -> Iterator[Templates]:
    yield from templates()


class Party:
    """A party that acts, and everything that it is told."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.uri = f"https://{name}.example"
        self.receipts: list[Receipt] = []
        self.told: list[object] = []

    def do(self, act: Act) -> None:
        """Do it, and note what one is told: a result, or the text of the error."""
        try:
            self.told.append(self._do(act))
        except RefusedError as error:
            self.told.append((type(error).__name__, error.what, error.where, error.todo))

    def _do(self, act: Act) -> object:
        hub = self.world.hub
        match act:
            case Share():
                marked = [mark for item in act.objects for mark in item.marks]
                receipt = hub.intake.submit(
                    Submission(
                        party=self.uri,
                        acting=Acting(actor=self.name),
                        data=bundle([item.json for item in act.objects], marked=marked),
                        tlp=act.tlp,
                        to=act.to,
                    )
                )
                self.receipts.append(receipt)
                return receipt
            case Withdraw():
                return hub.withdrawals.withdraw(
                    Acting(actor=self.name), self.uri, "exchange", act.object_id, act.versions
                )
            case Receipts():
                stored = [receipt for receipt in self.receipts if receipt.id is not None]
                again = [hub.intake.receipt(self.uri, receipt.id or "") for receipt in stored]
                assert again == stored
                return again
            case Wait():
                self.world.clock.advance(act.micros)
                return None

    def heard(self) -> str:
        """Return everything that one was told, without the random ids of submissions."""
        return UUID.sub("(id)", repr([msgspec.to_builtins(told) for told in self.told]))


@given(scripts)
@settings(max_examples=25, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
def test_what_a_submitter_is_told_never_depends_on_others(
    hubs: Templates, script: Sequence[tuple[Act, Sequence[tuple[str, Act]]]]
) -> None:
    alone, among = hubs.world(), hubs.world()
    lonely, watched = Party(alone, "alfa"), Party(among, "alfa")
    others = {name: Party(among, name) for name in ("bravo", "coast")}
    for act, meanwhile in script:
        for name, theirs in meanwhile:
            if not isinstance(theirs, Wait):  # one clock for all
                others[name].do(theirs)
        lonely.do(act)
        watched.do(act)
    assert watched.heard() == lonely.heard()
    hubs.drop(alone, among)


def test_random_ids_are_all_that_is_left_out() -> None:
    text = f"{indicator(1)['id']} 02bfd989-be9e-448a-a901-9d9f436b54c9"
    assert UUID.sub("(id)", text) == f"{indicator(1)['id']} (id)"


def test_anothers_receipt_is_like_none(hubs: Templates) -> None:
    world = hubs.world()
    receipt = world.share("alfa", bundle([indicator(1)]))
    assert receipt.id is not None
    assert world.hub.intake.receipt("https://alfa.example", receipt.id) == receipt
    assert world.hub.intake.receipt("https://bravo.example", receipt.id) is None
    assert world.hub.intake.receipt("https://nobody.example", receipt.id) is None
    assert world.hub.intake.receipt("https://alfa.example", "02bfd989-be9e-448a-a901-9d9f436b54c9") is None
    hubs.drop(world)


def test_anothers_definition_means_nothing_for_ones_own_objects(hubs: Templates) -> None:
    """A marking means what its sender defined: another party's definition of that id neither opens nor shuts."""
    world = hubs.world()
    mark = terms_mark(sectors=("energy",))
    world.share("bravo", bundle([], marked=[mark]))
    receipt = world.share("alfa", bundle([indicator(1, marked=[mark])]))
    assert receipt.results[0].notes == (
        "carries a marking that this hub cannot read: nobody but its owner will receive it",
    )
    assert world.read("coast") == world.read("coast", purpose="respond") != []
    assert [item.object_id for item, _ in world.read("alfa")][-1] == indicator(1)["id"]
    assert indicator(1)["id"] not in [item.object_id for item, _ in world.read("coast")]
    hubs.drop(world)


def test_the_daily_limit_of_labels_counts_ones_own(hubs: Templates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.exchange.intake.entering.MAX_NEW_LABELS_A_DAY", 3)
    world = hubs.world()
    alfa, bravo = Party(world, "alfa"), Party(world, "bravo")
    for name in ("one", "two", "three", "four"):
        mark = terms_mark(sectors=(name,))
        item = Shared(json=indicator(1, version=len(name), description=name, marked=[mark]), marks=(mark,))
        bravo.do(Share(objects=(item,), tlp=None, to=()))
    assert "more than 3 new combinations" in repr(bravo.told[-1])
    alfa.do(Share(objects=(Shared(json=indicator(1), marks=()),), tlp=None, to=()))
    assert isinstance(alfa.told[-1], Receipt)
    hubs.drop(world)


def test_recipients_are_told_apart_by_being_members_not_by_what_they_shared(hubs: Templates) -> None:
    """An unknown recipient is refused; that one exists says nothing of what they have."""
    world = hubs.world()
    alfa = Party(world, "alfa")
    item = Shared(json=indicator(1), marks=())
    for to in ("outsider", "nobody"):
        alfa.do(Share(objects=(item,), tlp=None, to=(to,)))
    world.hub.parties.suspend_party(OPERATOR, world.hub.mandate, "outsider", "a test")
    alfa.do(Share(objects=(item,), tlp=None, to=("outsider",)))
    assert isinstance(alfa.told[0], Receipt)
    assert "there is no recipient 'nobody' here" in repr(alfa.told[1])
    assert isinstance(alfa.told[2], Receipt)
    hubs.drop(world)
