"""The laws of patterns: what is printed reads back, and what is found is a match by the definitions."""

from __future__ import annotations

import itertools
import json
import random
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.patterns import Maker
from tocsin.errors import InputError
from tocsin.exchange.stix.pattern import (
    Expression,
    Observed,
    diagnose,
    match,
    parse,
    pattern_error,
    to_text,
)
from tocsin.exchange.stix.pattern.lexer import TOKEN
from tocsin.exchange.stix.pattern.model import (
    ExpressionGroup,
    Joiner,
    ObservationExpression,
    Qualified,
    Repeats,
    Within,
)
from tocsin.exchange.stix.pattern.observed import UNITS, Budget, instant
from tocsin.exchange.stix.pattern.paths import satisfier
from tocsin.exchange.stix.pattern.wire import read_observations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEEDS: Final = 400
_quick = settings(max_examples=150, deadline=None, database=None, derandomize=True)
_seeds = st.integers(0, 10**9)


def case(seed: int, most: int = 4) -> tuple[Expression, tuple[Observed, ...]]:
    maker = Maker(random.Random(seed))
    document = maker.observations(most)
    return parse(maker.pattern()), read_observations(json.dumps(document).encode()).observed


def without_places(value: Any) -> Any:  # noqa: ANN401  any node, or what a node holds
    """Return a pattern as plain values, but for where in the text they stood."""
    if isinstance(value, msgspec.Struct):
        fields = [(name, without_places(getattr(value, name))) for name in value.__struct_fields__]
        return type(value).__name__, [(name, one) for name, one in fields if name not in {"start", "end"}]
    if isinstance(value, tuple):
        return [without_places(one) for one in value]
    return repr(value)


# --- text -------------------------------------------------------------------------------------------------------------


@_quick
@given(_seeds)
def test_what_is_printed_reads_back(seed: int) -> None:
    pattern = parse(Maker(random.Random(seed)).pattern(3))
    text = to_text(pattern)
    assert without_places(parse(text)) == without_places(pattern)
    assert to_text(parse(text)) == text


@_quick
@given(st.text(max_size=30), st.text(max_size=10), st.binary(max_size=9), st.floats(-1e200, 1e200), st.integers())
def test_any_value_is_printed_and_read(string: str, key: str, octets: bytes, real: float, whole: int) -> None:
    def quoted(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    text = f"[a:b.{quoted(key)} IN ({quoted(string)}, h'{octets.hex()}', {whole}) OR c:d = {format(real, '.12f')}]"
    pattern = parse(text)
    assert without_places(parse(to_text(pattern))) == without_places(pattern)


@_quick
@given(_seeds, st.sampled_from(["keep", "drop", "double", "swap"]), st.data())
def test_frequent_forms_are_read_as_their_tokens_are(seed: int, change: str, data: st.DataObject) -> None:
    """A comment keeps an expression that reads several tokens at once from matching: the result is the same."""
    tokens = _tokens(Maker(random.Random(seed)).pattern(3))
    at = data.draw(st.integers(0, len(tokens) - 2))
    if change == "drop":
        del tokens[at]
    elif change == "double":
        tokens.insert(at, tokens[at])
    elif change == "swap":
        tokens[at : at + 2] = reversed(tokens[at : at + 2])
    plain, apart = " ".join(tokens), "/**/ ".join(tokens)
    dense = "".join(
        one + (" " if one[-1].isalnum() and after[0].isalnum() else "") for one, after in itertools.pairwise(tokens)
    )
    assert _read(plain) == _read(apart)
    if change == "keep":
        assert _read(dense + tokens[-1]) == _read(plain)


def _read(text: str) -> object:
    fault = diagnose(text)
    return without_places(parse(text)) if fault is None else (fault.what, fault.todo)


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while (token := TOKEN.match(text, at)) is not None and token.lastgroup != "end":
        found.append(token[token.lastgroup or 0])
        at = token.end()
    return found


@_quick
@given(st.text(alphabet=st.sampled_from("[]()'\\ :.=*<>!,-+0t/\n") | st.characters(), max_size=40))
def test_any_text_is_a_pattern_or_has_a_fault_with_a_place(text: str) -> None:
    fault = diagnose(text)
    assert (pattern_error(text) is None) == (fault is None)
    if fault is None:
        parse(text)
        return
    before = text[: fault.offset].replace("\r\n", "\n").replace("\r", "\n")
    assert (fault.line, fault.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert fault.todo
    with pytest.raises(InputError) as refused:
        parse(text)
    assert refused.value.where == f"line {fault.line}, column {fault.column}"


@_quick
@given(_seeds)
def test_each_part_is_where_it_says(seed: int) -> None:
    text = Maker(random.Random(seed)).pattern(3)
    waiting: list[Any] = [parse(text)]
    while waiting:
        one = waiting.pop()
        part = text[one.start : one.end]
        if isinstance(one, ObservationExpression):
            assert (part[0], part[-1]) == ("[", "]")
        if not hasattr(one, "joiner") or isinstance(one, ExpressionGroup):
            waiting += [*getattr(one, "operands", ()), *filter(None, [getattr(one, "expression", None)])]
        if isinstance(one, ExpressionGroup | ObservationExpression | Qualified):
            assert without_places(parse(part)) == without_places(one)


# --- matching, by the definitions -------------------------------------------------------------------------------------

# One observation each: a number and an instant. Two of one Observed Data object are two.
Moment = tuple[int, int]


def by_definition(pattern: Expression, moments: Sequence[Moment], satisfied: Any) -> Iterator[frozenset[int]]:  # noqa: ANN401
    """Yield every set of observations that makes an expression true, straight from §9.5: slow, and plainly right."""
    at = [moment for _, moment in moments]
    if isinstance(pattern, ObservationExpression):
        yield from (frozenset({place}) for place, (number, _) in enumerate(moments) if number in satisfied(pattern))
    elif isinstance(pattern, ExpressionGroup):
        sides = [list(by_definition(operand, moments, satisfied)) for operand in pattern.operands]
        if pattern.joiner is Joiner.OR:
            yield from itertools.chain.from_iterable(sides)
            return
        found = set(sides[0])
        for side in sides[1:]:
            found = {
                one | other
                for one in found
                for other in side
                if not one & other
                and (
                    pattern.joiner is Joiner.AND or max(at[place] for place in one) <= min(at[place] for place in other)
                )
            }
        yield from found
    else:
        sets = set(by_definition(pattern.expression, moments, satisfied))
        for qualifier in pattern.qualifiers:
            if isinstance(qualifier, Repeats):
                chosen = {frozenset[int]()}
                for _ in range(qualifier.times):
                    chosen = {one | other for one in chosen for other in sets if not one & other}
                sets = chosen
            elif isinstance(qualifier, Within):
                length = Fraction(qualifier.seconds) * UNITS
                sets = {one for one in sets if max(at[p] for p in one) - min(at[p] for p in one) < length}
            else:
                begin, stop = instant(qualifier.begin), instant(qualifier.stop)
                sets = {one for one in sets if all(begin <= at[place] < stop for place in one)}
        yield from sets


def matches_by_definition(pattern: Expression, observed: Sequence[Observed]) -> bool:
    moments = [(number, one.at) for number, one in enumerate(observed) for _ in range(one.count)]

    def satisfied(expression: ObservationExpression) -> set[int]:
        holds = satisfier(expression.comparison, Budget(10**6))
        return {number for number, one in enumerate(observed) if holds(one)}

    return next(by_definition(pattern, moments, satisfied), None) is not None


def defined(seeds: range) -> None:
    matched = 0
    for seed in seeds:
        pattern, observed = case(seed)
        expected = matches_by_definition(pattern, observed)
        assert match(pattern, observed).matched == expected, (seed, to_text(pattern))
        matched += expected
    assert matched > len(seeds) / 20


def test_a_match_is_what_the_definitions_say() -> None:
    defined(range(SEEDS))


@pytest.mark.long
def test_a_match_is_what_the_definitions_say_of_many() -> None:
    defined(range(SEEDS, 20_000))


# few observations, all alike, and much structure: what is hard is who gets which
ALIKE: Final = ("[a:b = 1]", "[a:b = 2]", "[a:b IN (1, 2)]", "[a:c = 3]")


def structured(source: random.Random) -> tuple[str, tuple[Observed, ...]]:
    def pattern(depth: int) -> str:
        text = source.choice(ALIKE)
        if depth:
            joined = [pattern(depth - 1) for _ in range(source.randint(2, 3))]
            text = "(" + "".join(f"{one} {source.choice(('AND', 'OR', 'FOLLOWEDBY'))} " for one in joined[:-1])
            text += joined[-1] + ")"
        for qualifier in source.sample(("REPEATS 2 TIMES", "WITHIN 2 SECONDS", "WITHIN 3 SECONDS"), 2):
            if source.random() < 0.3 and qualifier.split()[0] not in text.rpartition(")")[2]:
                text += f" {qualifier}"
        return text

    observed = tuple(
        Observed(
            id=f"observed-data--{number}",
            at=source.randint(0, 4) * UNITS,
            count=source.choice((1, 1, 2)),
            objects=({"type": "a", "b": source.choice((1, 2, 2, 9)), "c": source.choice((3, 4))},),
            known={},
        )
        for number in range(source.randint(1, 4))
    )
    return pattern(source.randint(1, 2)), observed


def test_contended_observations_are_given_out_as_the_definitions_say() -> None:
    matched = 0
    for seed in range(1_000):
        text, observed = structured(random.Random(seed))
        pattern = parse(text)
        expected = matches_by_definition(pattern, observed)
        found = match(pattern, observed)
        assert found.matched == expected, (seed, text)
        matched += expected
        _is_a_witness(pattern, observed, found.bound)
    assert 100 < matched < 900


def _is_a_witness(pattern: Expression, observed: Sequence[Observed], bound: Sequence[Any]) -> None:
    """What is bound is enough by itself, and no observation is bound more often than it was observed."""
    times: dict[str, int] = {}
    for one in bound:
        times[one.observed] = times.get(one.observed, 0) + one.times
    kept = [msgspec.structs.replace(one, count=times[one.id]) for one in observed if one.id in times]
    assert all(times[one.id] <= one.count for one in observed if one.id in times)
    if bound:
        assert match(pattern, kept).matched


@_quick
@given(_seeds)
def test_what_is_bound_is_a_match_by_itself(seed: int) -> None:
    pattern, observed = case(seed)
    _is_a_witness(pattern, observed, match(pattern, observed).bound)


@_quick
@given(_seeds)
def test_order_does_not_matter_and_more_observations_never_unmatch(seed: int) -> None:
    pattern, observed = case(seed, most=6)
    matched = match(pattern, observed).matched
    shuffled = list(observed)
    random.Random(seed).shuffle(shuffled)
    assert match(pattern, shuffled).matched == matched
    if not matched:
        assert not match(pattern, observed[1:]).matched


@_quick
@given(_seeds)
def test_two_observed_together_are_two_observed_apart(seed: int) -> None:
    pattern, observed = case(seed)
    apart = [
        msgspec.structs.replace(one, count=1, id=f"{one.id}-{place}") for one in observed for place in range(one.count)
    ]
    assert match(pattern, apart).matched == match(pattern, observed).matched
