"""Who a sanitised version is of: guessed by members who see everything published, and all that they themselves share.

Swapping which of two producers shared what must change nothing that an attacker sees, byte by byte: both worlds draw
the same numbers. Who of several was first must be told no better than by guessing; the listener is shown a leaky way
too, and must hear it.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from support.publishing import CREATED, HOUR, Press, finding, link, pact
from support.sharing import object_id, stamp
from tocsin.errors import TocsinError
from tocsin.exchange.asking import Question
from tocsin.exchange.evidence import export_log
from tocsin.exchange.model import Query
from tocsin.exchange.sanitise.slots import Slots
from tocsin.exchange.search.model import Facet, SearchQuery
from tocsin.kernel.clock import SECOND
from tocsin.log.verify import Disclosures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

Json = dict[str, Any]

ATTACKERS: Final = ("echo", "delta")  # who reads, and who reads and publishes itself


# --- swapped ---------------------------------------------------------------------------------------------------------


def shared(world: Press, one: str, other: str) -> None:
    """Let two members share, who are not told apart by anything that they say; the attackers share as well."""
    malware: Json = {
        "type": "malware",
        "spec_version": "2.1",
        "id": object_id("malware", 1),
        "created": stamp(CREATED),
        "modified": stamp(CREATED),
        "is_family": True,
        "name": "Nightcap",
    }
    first = finding(1)
    world.give(one, first, malware, link(1, first["id"], malware["id"]))
    world.clock.advance(90 * SECOND)
    world.give("delta", finding(3))
    world.clock.advance(90 * SECOND)
    world.give(other, finding(2))
    world.clock.advance(90 * SECOND)
    world.give("coast", finding(4, pattern="[file:name = 'no']"), finding(5))
    world.wait(3 * HOUR)
    world.give(one, finding(1, modified=stamp(CREATED + HOUR), confidence=20))
    world.wait(HOUR)
    for number, name in enumerate((other, "coast", "delta")):
        world.give(name, finding(10 + number))
    world.wait(3 * HOUR)


def view(world: Press, folder: Path) -> list[object]:
    """Return what the attackers get from everything that they can ask."""
    seen: list[object] = []
    folder.mkdir()
    for name in ATTACKERS:
        seen += _read(world, name)
        seen += _asked(world, name)
        seen += _searched(world, name)
        world.hub.integrator.integrate()
        target = folder / name
        export_log(world.hub.store, world.hub.log, target, scope=f"party:{name}")
        seen.append([msgspec.to_builtins(payload) for _, payload in Disclosures(target)])
    return seen


def _read(world: Press, name: str) -> list[object]:
    asker = world.asker(name)
    objects = world.hub.reading.objects(asker, "exchange", Query(), limit=100)
    narrowed = world.hub.reading.objects(asker, "exchange", Query(types=frozenset({"malware"})), limit=2)
    mine = world.hub.sanitised.of_party(world.hub.parties.get(name).uri)
    return [objects.page.bodies, objects.page.items, objects.next is None, narrowed.page, mine]


def _asked(world: Press, name: str) -> list[object]:
    hub, viewer = world.hub, world.viewer(name)
    bodies = hub.reading.objects(world.asker(name), "exchange", Query(), limit=100).page.bodies
    ids = [json.loads(body)["id"] for body in bodies]
    seen: list[object] = []
    for asked in (*ids, finding(1)["id"], finding(2)["id"]):
        question = Question(object_id=asked, party=viewer.party, user=viewer.user, acting=viewer.acting)
        seen += [
            told(hub.asking.why, question),
            told(hub.asking.who, question),
            told(hub.sanitised.origin, viewer, asked),
            told(hub.sanitised.show, viewer, asked),
            told(hub.sanitised.veto, viewer, asked),
        ]
    return seen


def _searched(world: Press, name: str) -> list[object]:
    asker, search = world.asker(name), world.hub.search
    world.hub.indexer.turn()
    queries = [
        SearchQuery(),
        SearchQuery(text="nightcap"),
        *(SearchQuery(producers=frozenset({f"https://{one}.example"})) for one in ("alfa", "bravo", "hub")),
    ]
    seen: list[object] = []
    for query in queries:
        seen.append(told(search.count, asker, "exchange", query))
        seen += [told(search.facet, asker, "exchange", query, facet) for facet in Facet]
        found = search.find(asker, "exchange", query)
        seen.append([(hit.id, hit.producer, hit.added) for hit in found.hits])
    return seen


def told(ask: Callable[..., object], *about: object) -> object:
    try:
        return repr(ask(*about))
    except TocsinError as error:
        return f"{type(error).__name__}: {error}"


def both_worlds(folder: Path, text: str) -> list[list[object]]:
    """Return what the attackers see when alfa and bravo do it, and when they do it the other way round."""
    seen = []
    for one, other in (("alfa", "bravo"), ("bravo", "alfa")):
        world = Press(folder / one, text=text, countries={"alfa": "SE", "bravo": "NO"})
        shared(world, one, other)
        seen.append(view(world, folder / f"{one}-exports"))
        world.hub.self_test.require()
        world.hub.close()
    assert len(seen[0]) > 50
    # what is equal is not equal because nothing was seen
    assert "Nightcap" in repr(seen[0][0])
    return seen


@pytest.mark.parametrize("attribution", ["withheld", pytest.param("pseudonymous", marks=pytest.mark.long)])
def test_nothing_that_can_be_asked_tells_which_of_two_it_was(tmp_path: Path, attribution: str) -> None:
    here, there = both_worlds(tmp_path, pact("attribution: withheld", f"attribution: {attribution}"))
    for place, (one, other) in enumerate(zip(here, there, strict=True)):
        assert one == other, place


@pytest.mark.long
def test_the_listener_hears_versions_in_the_order_of_their_producers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_name(_self: Slots, items: Iterable[Any]) -> list[Any]:
        return sorted(items, key=lambda item: item.kept.version.chain.party if hasattr(item, "kept") else "")

    monkeypatch.setattr(Slots, "_shuffled", by_name)
    here, there = both_worlds(tmp_path, pact())
    assert here != there


# --- in turn ---------------------------------------------------------------------------------------------------------

ROUNDS: Final = 24


def auc(first: Sequence[float], others: Sequence[float]) -> float:
    """Return how often a number of the first kind is above one of the other, ties counted half."""
    wins = sum((a > b) + (a == b) / 2 for a in first for b in others)
    return wins / (len(first) * len(others))


def bound(first: int, others: int) -> float:
    """Return four standard errors of the area under the curve of two samples of one kind."""
    return 4 * float(((first + others + 1) / (12 * first * others)) ** 0.5)


FEATURES: Final[dict[str, Callable[[Json, int, int], float]]] = {
    "place": lambda _one, place, _added: place,
    "id's first byte": lambda one, _place, _added: int(one["id"].partition("--")[2][:2], 16),
    "id's last byte": lambda one, _place, _added: int(one["id"][-2:], 16),
    "instant": lambda _one, _place, added: added % HOUR,
    "low bits of the instant": lambda _one, _place, added: added % 16,
    "created": lambda one, _place, _added: hash(one["created"]),
    "size": lambda one, _place, _added: len(json.dumps(one)),
}


def rounds(world: Press, chooser: random.Random) -> list[tuple[list[str], list[tuple[Json, int, int]]]]:
    """Let three members share, in an order of chance, once in each slot; return when each was, and what is seen."""
    found = []
    number = 1_000
    for _ in range(ROUNDS):
        order = ["alfa", "bravo", "coast"]
        chooser.shuffle(order)
        owner: dict[str, str] = {}
        for name in order:
            number += 1
            world.clock.advance(chooser.randrange(1, 10) * 60 * SECOND)
            world.give(name, finding(number, pattern=f"[mutex:name = 'm{number}']"))
            owner[f"[mutex:name = 'm{number}']"] = name
        world.wait(HOUR + 30 * 60 * SECOND)
        page = [
            (json.loads(body), item.date_added)
            for item, body in world.read("echo")
            if json.loads(body).get("pattern") in owner
        ]
        world.hub.integrator.integrate()
        assert len(page) == 3
        found.append(
            (
                [order.index(owner[one["pattern"]]) for one, _ in page],
                [(one, place, added) for place, (one, added) in enumerate(page)],
            )
        )
    return found  # type: ignore[return-value]  # places of their producers, in words above


def loudest(found: Iterable[tuple[Any, list[tuple[Json, int, int]]]]) -> tuple[str, float]:
    """Return the feature that tells best who was first, and how well."""
    table = list(found)
    scores: dict[str, float] = {}
    for name, feature in FEATURES.items():
        first: list[float] = []
        others: list[float] = []
        for turns, page in table:
            for turn, (one, place, added) in zip(turns, page, strict=True):
                (first if turn == 0 else others).append(feature(one, place, added))
        scores[name] = max(auc(first, others), auc(others, first))
    name = max(scores, key=scores.__getitem__)
    return name, scores[name]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("slots") / "hub"
    Press(home, text=pact(", delay: PT2H", "")).hub.close()
    return home


def test_who_shared_first_is_told_no_better_than_by_guessing(template: Path, tmp_path: Path) -> None:
    world = Press(tmp_path / "hub", seed=7, template=template)
    name, score = loudest(rounds(world, random.Random(11)))
    world.hub.close()
    assert score < 0.5 + bound(ROUNDS, 2 * ROUNDS), f"by its {name}: {score:.2f}"


def test_the_listener_hears_an_order_that_is_kept(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept(_self: Slots, items: Iterable[Any]) -> list[Any]:
        return list(items)

    monkeypatch.setattr(Slots, "_shuffled", kept)
    world = Press(tmp_path / "hub", seed=7, template=template)
    name, score = loudest(rounds(world, random.Random(11)))
    world.hub.close()
    assert (name, score) in {("place", 1.0), ("instant", 1.0)}


def test_one_order_of_leaving_is_as_likely_as_another(template: Path, tmp_path: Path) -> None:
    """Each of the six orders of three comes about as often: chi-squared with five degrees of freedom, far out."""
    world = Press(tmp_path / "hub", seed=8, template=template)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(3_000):
        mixed = tuple(world.hub.slots._shuffled([0, 1, 2]))
        counts[mixed] = counts.get(mixed, 0) + 1
    world.hub.close()
    assert sum((counts.get(key, 0) - 500) ** 2 / 500 for key in counts) < 30
    assert len(counts) == 6
