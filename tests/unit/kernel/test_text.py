"""Normal forms: as Unicode has them for whatever people write, and broken where nobody writes."""

from __future__ import annotations

import sys
import time
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.text import MAX_MARKS, fitting, normal

Form = Literal["NFC", "NFKC"]
FORMS: tuple[Form, ...] = ("NFC", "NFKC")
PIECES = st.sampled_from(
    ["a", "e", "\u0301", "\u0316", "\u0344", "\u0f73", "\u1100", "\u1161", "\uff9e", "\ufdfa", " "]
)


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text(max_size=MAX_MARKS) | st.lists(PIECES, max_size=MAX_MARKS).map("".join))
def test_what_people_write_is_as_unicode_has_it(form: Form, text: str) -> None:
    assert normal(form, text) == unicodedata.normalize(form, text)
    assert normal(form, normal(form, text)) == normal(form, text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", [0, 1, 7, 30, 31, 100])
def test_a_run_is_broken_wherever_it_begins(form: Form, before: int) -> None:
    found = normal(form, "x" * before + "\u0316\u0301" * (2 * MAX_MARKS) + "y")
    runs = found[before:-1].split("\u034f")
    assert [len(run) for run in runs] == [MAX_MARKS] * 4
    whole = "x" * before + "\u0316\u0301" * (MAX_MARKS // 2) + "y"
    assert "\u034f" not in normal(form, whole)


def test_every_character_that_combines_is_known() -> None:
    missed = [
        hex(number)
        for number in range(sys.maxunicode + 1)
        if not 0xD800 <= number < 0xE000
        and unicodedata.combining(unicodedata.normalize("NFKD", chr(number))[0])
        and "\u034f" not in normal("NFC", chr(number) * (MAX_MARKS + 1))
    ]
    assert missed == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("run", ["\u0301\u0316", "\u0344\u0316", "\u0f73\u0316", "\uff9e\u0316"])
def test_the_time_grows_with_the_length(form: Form, run: str) -> None:
    normal(form, run)

    def spent(times: int) -> float:
        start = time.thread_time()
        normal(form, "a" + run * times)
        return time.thread_time() - start

    # a square would take sixty-four times as long, and some seconds
    small, large = (min(spent(times) for _ in range(2)) for times in (5_000, 40_000))
    assert large < 24 * small + 0.05


def test_every_character_that_grows_is_known() -> None:
    longer = {
        one: len(unicodedata.normalize("NFKC", one))
        for one in map(chr, range(sys.maxunicode + 1))
        if not "\ud800" <= one <= "\udfff" and not unicodedata.is_normalized("NFKC", one)
    }
    wrong = [hex(ord(one)) for one, length in longer.items() if fitting(one, 18) != (one, length)]
    assert wrong == []


@given(
    st.lists(
        st.sampled_from(["a", "\u00e9", "\u0301", "\ufb01", "\u3316", "\ufdfa", "\U0001f130"]) | st.text(max_size=3)
    ),
    st.integers(0, 60),
)
def test_what_fits_is_as_much_as_fits(pieces: list[str], most: int) -> None:
    text = "".join(pieces)
    read, length = fitting(text, most)
    assert text.startswith(read)
    assert length == sum(len(unicodedata.normalize("NFKC", one)) for one in read) <= most
    assert len(unicodedata.normalize("NFKC", read)) <= length
    rest = text[len(read) :]
    assert not rest or length + len(unicodedata.normalize("NFKC", rest[0])) > most
