"""Confidence and the Admiralty code: appendix A both ways, with another implementation as the oracle."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stix2.confidence import scales

from tocsin.errors import InputError
from tocsin.exchange.uncertainty import (
    ADMIRALTY_EXTENSION,
    CREDIBILITY_MEANS,
    MAX_CONFIDENCE,
    RELIABILITY_MEANS,
    SCALES,
    Admiralty,
    Assessment,
    Scale,
    assess,
    confidence_of,
    contradiction,
    from_scale,
    read_admiralty,
    read_code,
    to_scale,
)

ORACLE: Final = {
    Scale.LEVELS: (scales.value_to_none_low_medium_high, scales.none_low_med_high_to_value),
    Scale.TEN: (scales.value_to_zero_ten, scales.zero_ten_to_value),
    Scale.ADMIRALTY: (scales.value_to_admiralty_credibility, scales.admiralty_credibility_to_value),
    Scale.WEP: (scales.value_to_wep, scales.wep_to_value),
    Scale.DNI: (scales.value_to_dni, scales.dni_to_value),
}


def _coded(*, confidence: object = None, **says: object) -> dict[str, Any]:
    made: dict[str, Any] = {"extensions": {ADMIRALTY_EXTENSION: {"extension_type": "property-extension", **says}}}
    return made if confidence is None else made | {"confidence": confidence}


@pytest.mark.parametrize("scale", Scale)
def test_every_confidence_is_the_step_that_the_oracle_says(scale: Scale) -> None:
    read, write = ORACLE[scale]
    for confidence in range(MAX_CONFIDENCE + 1):
        assert to_scale(confidence, scale).name == read(confidence)
    for step in SCALES[scale]:
        assert step.value == write(step.name)


@pytest.mark.parametrize("scale", Scale)
def test_steps_cover_everything_once_in_order_and_hold_their_own_value(scale: Scale) -> None:
    steps = SCALES[scale]
    covered = [value for step in steps for value in range(step.lowest, step.highest + 1)]
    assert covered == list(range(MAX_CONFIDENCE + 1))
    for step in steps:
        assert to_scale(step.value, scale) is step
        assert from_scale(step.name, scale) == step.value
        assert from_scale(f"  {step.name.upper()} ", scale) == step.value


@given(st.sampled_from(Scale), st.integers(0, 100), st.integers(0, 100))
def test_a_scale_never_turns_the_order_around(scale: Scale, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert to_scale(low, scale).value <= to_scale(high, scale).value


@pytest.mark.parametrize("confidence", [-1, 101, 10**9])
def test_no_confidence_is_outside_its_range(confidence: int) -> None:
    with pytest.raises(InputError, match="from 0 to 100"):
        to_scale(confidence, Scale.TEN)


@pytest.mark.parametrize(
    ("name", "scale", "value"),
    [
        ("Almost Certain", Scale.WEP, 90),
        ("probable", Scale.DNI, 70),
        ("2", Scale.ADMIRALTY, 70),
        ("7", Scale.TEN, 70),
        ("med", Scale.LEVELS, 50),
    ],
)
def test_people_may_write_a_step_short(name: str, scale: Scale, value: int) -> None:
    assert from_scale(name, scale) == value


@pytest.mark.parametrize(
    ("name", "scale"), [("6", Scale.ADMIRALTY), ("11", Scale.TEN), ("", Scale.LEVELS), ("certain", Scale.DNI)]
)
def test_what_is_no_step_is_refused(name: str, scale: Scale) -> None:
    with pytest.raises(InputError, match="no step"):
        from_scale(name, scale)


@pytest.mark.parametrize("reliability", [None, *RELIABILITY_MEANS])
@pytest.mark.parametrize("credibility", [None, *CREDIBILITY_MEANS])
def test_every_code_is_read_as_written(reliability: str | None, credibility: int | None) -> None:
    says = {"source_reliability": reliability, "information_credibility": credibility}
    coded = _coded(**{name: value for name, value in says.items() if value is not None})
    if reliability is None and credibility is None:
        with pytest.raises(InputError, match="or both"):
            read_admiralty(coded["extensions"])
        assert assess(coded) == Assessment()
        return
    assert read_admiralty(coded["extensions"]) == Admiralty(reliability=reliability, credibility=credibility)
    implied = None if credibility is None else confidence_of(credibility)
    assert assess(coded) == Assessment(confidence=implied, reliability=reliability, credibility=credibility)
    if reliability is not None and credibility is not None:
        assert read_code(f" {reliability.lower()}{credibility}") == read_admiralty(coded["extensions"])


@pytest.mark.parametrize(
    ("says", "where"),
    [
        ({"source_reliability": "G"}, ".source_reliability"),
        ({"source_reliability": "b"}, ".source_reliability"),
        ({"source_reliability": 2}, ".source_reliability"),
        ({"information_credibility": 0}, ".information_credibility"),
        ({"information_credibility": 7}, ".information_credibility"),
        ({"information_credibility": True}, ".information_credibility"),
        ({"information_credibility": "2"}, ".information_credibility"),
        ({"information_credibility": 2.0}, ".information_credibility"),
        ({"source_reliability": "A", "mood": "good"}, ""),
        ({"extension_type": "toplevel-property-extension", "source_reliability": "A"}, ".extension_type"),
    ],
)
def test_a_code_that_is_not_one_is_refused_and_says_where(says: dict[str, object], where: str) -> None:
    coded = {"extensions": {ADMIRALTY_EXTENSION: {"extension_type": "property-extension"} | says}}
    with pytest.raises(InputError) as caught:
        read_admiralty(coded["extensions"])
    assert caught.value.where == f"extensions.{ADMIRALTY_EXTENSION}{where}"
    assert assess(coded) == Assessment()


@pytest.mark.parametrize(
    ("confidence", "credibility", "told"),
    [
        (90, 1, None),
        (80, 1, None),
        (79, 1, "2 - Probably True"),
        (10, 2, "5 - Improbable"),
        (0, 5, None),
        (50, 6, "cannot be judged"),
        (None, 6, None),
        (None, 2, None),
        (50, None, None),
    ],
)
def test_what_contradicts_itself_is_said(confidence: int | None, credibility: int | None, told: str | None) -> None:
    said = contradiction(confidence, Admiralty(reliability="C", credibility=credibility))
    assert (said is None) == (told is None)
    assert told is None or told in str(said)


@given(st.sampled_from(sorted(CREDIBILITY_MEANS)))
def test_what_a_credibility_implies_never_contradicts_it(credibility: int) -> None:
    assert contradiction(confidence_of(credibility), Admiralty(credibility=credibility)) is None


@pytest.mark.parametrize("stated", [True, -1, 101, "50", 50.0, None])
def test_what_is_no_confidence_says_nothing(stated: object) -> None:
    assert assess({"confidence": stated}).confidence is None


def test_an_own_confidence_goes_before_what_the_credibility_implies() -> None:
    assert assess(_coded(confidence=0, information_credibility=1)).confidence == 0


@pytest.mark.parametrize(
    "malformed", [None, 7, "A1", [], {}, True, {ADMIRALTY_EXTENSION: "A1"}, {ADMIRALTY_EXTENSION: []}]
)
def test_what_is_no_extension_says_nothing(malformed: object) -> None:
    assert assess({"extensions": malformed}) == Assessment()


@pytest.mark.parametrize("code", ["", "B", "G2", "B7", "B22", "2B"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(InputError, match="no Admiralty code"):
        read_code(code)
