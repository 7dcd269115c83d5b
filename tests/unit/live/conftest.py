"""A hub of three members, one to each test, and a receiver of the webhooks that it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.posting import Post
from support.receiver import Receiver, receiving
from tocsin.exchange.live.webhooks.model import Content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.hub import World
    from support.treaty import Templates


@pytest.fixture
def world(hubs: Templates) -> Iterator[World]:
    world = hubs.world()
    yield world
    world.hub.self_test.require()
    hubs.drop(world)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def post(world: World, receiver: Receiver) -> Iterator[Post]:
    made = Post(world, receiver)
    yield made
    made.courier.close()


@pytest.fixture
def full(world: World, receiver: Receiver) -> Iterator[Post]:
    made = Post(world, receiver, Content.OBJECTS)
    yield made
    made.courier.close()
