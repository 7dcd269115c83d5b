"""What no answer may count: what was told together with something that is gone, and what one owner floods it with."""

from __future__ import annotations

from tocsin.map.totals.model import MOST_SECTORS, Answer, Earlier, Item, Measure, countable, tellable

PEOPLE = str(Measure.PEOPLE)
FIVE = {"alfa": 100, "bravo": 120, "coast": 90, "delta": 110, "echo": 95}


def item(owner: str, value: int, *, sector: str = "energy") -> Item:
    return Item(
        sector=sector, measure=PEOPLE, owner=owner, ref=f"{owner} {sector}", value=value, offer=(1, 1), label_id=1
    )


def answer(items: list[Item], shown: dict[str, frozenset[tuple[str, str]]], *, whole: bool) -> Answer:
    told = Earlier(items=tuple(items), shown=shown)
    return Answer(id="1", at=0, scope="", at_least=3, told=told, clauses={(1, 1): "1"}, whole=whole)


def test_what_was_counted_with_what_was_purged_is_counted_no_more() -> None:
    items = sorted(item(owner, value) for owner, value in FIVE.items())
    kept, shown = tellable(items, [], {}, at_least=3)
    assert shown
    left = [one for one in kept if one.owner != "alfa"]
    # alfa's was purged: its bytes are in no answer any more, and the sum that was told stands in somebody's notes
    before = answer(left, shown, whole=False)
    now = [one for one in items if one.owner != "alfa"]
    assert countable(now, [before]) == []
    others = [item(owner, value, sector="water") for owner, value in FIVE.items()]
    assert countable([*now, *others], [before]) == others
    assert countable(now, [answer(left, shown, whole=True)]) == now


def test_who_spreads_over_more_sectors_than_there_are_is_left_out_and_alone() -> None:
    items = [item(owner, value) for owner, value in FIVE.items()]
    flood = [item("zulu", 1, sector=f"s{number}") for number in range(MOST_SECTORS + 1)]
    assert countable([*items, *flood], []) == items
    assert countable([*items, *flood[1:]], []) == [*items, *flood[1:]]


def test_more_answers_than_can_be_reckoned_with_are_followed_by_none() -> None:
    items = [item(owner, 100) for owner in FIVE]
    before = [
        Earlier(
            items=tuple(sorted(item(owner, 100 + (number if owner == "alfa" else 0)) for owner in FIVE)),
            shown={PEOPLE: frozenset({("energy", PEOPLE)})},
        )
        for number in range(121)
    ]
    assert tellable(items, before, {}, at_least=3) == ([], {})
