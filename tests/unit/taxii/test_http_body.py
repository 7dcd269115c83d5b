"""A body is what arrives, however it is cut, and never more than the limit."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InputError, LimitError
from tocsin.kernel.http.body import BODY_BYTES_A_SECOND, DisconnectedError, Incoming, has_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


CHUNKED = {"transfer-encoding": "chunked"}


class Wire:
    """ASGI's receiving end, with what is still to come; then the client is gone."""

    def __init__(self, chunks: list[bytes], *, ends: bool = True) -> None:
        self.hung_up = 0
        self.left: list[dict[str, Any]] = [
            {"type": "http.request", "body": chunk, "more_body": not ends or place < len(chunks) - 1}
            for place, chunk in enumerate(chunks)
        ]

    async def receive(self) -> dict[str, Any]:
        if self.left:
            return self.left.pop(0)
        self.hung_up += 1
        return {"type": "http.disconnect"}

    @property
    def incoming(self) -> Incoming:
        return Incoming(self.receive, CHUNKED)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=8), st.integers(0, 100))
def test_at_most_the_limit(chunks: list[bytes], limit: int) -> None:
    whole = b"".join(chunks)
    wire = Wire(chunks)
    if len(whole) > limit:
        with pytest.raises(LimitError):
            asyncio.run(wire.incoming.read(limit))
    else:
        assert asyncio.run(wire.incoming.read(limit)) == whole


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_a_body_cut_off_is_no_body(chunks: list[bytes]) -> None:
    with pytest.raises(DisconnectedError):
        asyncio.run(Wire(chunks, ends=False).incoming.read(1_000))


DECLARED = {
    "too long": ("11", True),
    "exact": ("10", False),
    "zeros": ("0000000000010", False),
    "huge": ("9" * 9999, True),
}
DECLARED |= {"words": ("many", False), "other digits": ("\u0661\u0661\u0661", False), "negative": ("-11", False)}


@pytest.mark.parametrize("case", DECLARED.values(), ids=DECLARED.keys())
def test_what_is_declared_can_refuse_and_never_admit(case: tuple[str, bool]) -> None:
    declared, refused = case
    wire = Wire([b"x" * 5])
    if refused:
        with pytest.raises(LimitError):
            asyncio.run(Incoming(wire.receive, {"content-length": declared}).read(10))
        assert len(wire.left) == 1, "refused unread"
    else:
        assert asyncio.run(Incoming(wire.receive, {"content-length": declared}).read(10)) == b"x" * 5
        with pytest.raises(LimitError):
            asyncio.run(Incoming(Wire([b"x" * 11]).receive, {"content-length": declared}).read(10))


async def never() -> dict[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError


def test_a_body_that_does_not_come_is_waited_for_so_long() -> None:
    with pytest.raises(InputError, match="not here"):
        asyncio.run(Incoming(never, CHUNKED).read(10, seconds=0))


class Late:
    """A body whose second piece lets the loop turn some times before it comes, or never comes."""

    def __init__(self, *pieces: bytes) -> None:
        self.first, *self.left = pieces
        self.begun = False

    async def receive(self) -> dict[str, Any]:
        if not self.begun:
            self.begun = True
            return {"type": "http.request", "body": self.first, "more_body": True}
        for _ in range(10):
            await asyncio.sleep(0)
        return {"type": "http.request", "body": self.left.pop(), "more_body": False} if self.left else await never()


def test_a_byte_now_and_then_holds_no_place() -> None:
    """The time for the whole body is long, and over when its bytes have not bought so much of it."""
    with pytest.raises(InputError, match="not here"):
        asyncio.run(Incoming(Late(b"x").receive, CHUNKED).read(10, grace=0))


def test_what_has_come_buys_time_for_what_is_still_to_come() -> None:
    first = b"x" * BODY_BYTES_A_SECOND * 30
    read = Incoming(Late(first, b"y").receive, CHUNKED).read(len(first) + 1, grace=0)
    assert asyncio.run(read) == first + b"y"


ENDS: dict[str, Callable[[], Awaitable[Any]]] = {"never": never, "cut off": Wire([b"x"], ends=False).receive}


@pytest.mark.parametrize("receive", ENDS.values(), ids=ENDS.keys())
def test_draining_never_fails(receive: Callable[[], Awaitable[Any]]) -> None:
    asyncio.run(Incoming(receive, CHUNKED).drain(seconds=0))


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=8), st.integers(0, 100))
def test_nothing_is_waited_for_that_has_come(chunks: list[bytes], limit: int) -> None:
    """A body that is too long by its last piece is over: to wait for more would be to wait for the client's end."""
    wire = Wire(chunks)
    incoming = wire.incoming

    async def both() -> None:
        with contextlib.suppress(LimitError):
            await incoming.read(limit)
        await incoming.drain()

    asyncio.run(both())
    assert not incoming.unread
    assert wire.left == []
    assert wire.hung_up == 0


def test_draining_stops_at_its_limit() -> None:
    wire = Wire([b"x" * 10] * 10)
    asyncio.run(wire.incoming.drain(most=35))
    assert len(wire.left) == 6


ANNOUNCED = {
    "nothing": ({}, False),
    "no bytes": ({"content-length": "0"}, False),
    "bytes": ({"content-length": "1"}, True),
    "chunks": ({"transfer-encoding": "chunked"}, True),
    "words": ({"content-length": "many"}, True),
}


@pytest.mark.parametrize("case", ANNOUNCED.values(), ids=ANNOUNCED.keys())
def test_has_body(case: tuple[dict[str, str], bool]) -> None:
    headers, expected = case
    assert has_body(headers) is expected
