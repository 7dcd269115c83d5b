"""``tocsin webhook`` from adding to removing, on a receiver of this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from support.cli import Cli, partnership
from support.receiver import Receiver, receiving, verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOPBACK = {"TOCSIN_WEBHOOK_NETWORKS": "127.0.0.0/8"}


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    home: Path = tmp_path_factory.mktemp("cli") / "home"
    return partnership(home)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_a_webhook_from_its_beginning_to_its_end(cli: Cli, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LOOPBACK.items():
        monkeypatch.setenv(name, value)
    made = cli.json("webhook", "add", "beta", "--url", receiver.url, "--type", "indicator,malware")
    webhook = made["webhook"]
    (listed,) = cli.json("webhook", "list", "--party", "beta")
    assert (listed["webhook"], listed["state"], listed["content"]) == (webhook, "on", "hint")
    assert listed["types"] == ["indicator", "malware"]
    assert made["secret"] not in cli.ok("webhook", "list").out
    assert cli.json("webhook", "test", webhook) == {"webhook": webhook, "delivered": True, "outcome": "204"}
    verify(made["secret"], receiver.got[0], now=int(time.time()))
    receiver.answers = [500]
    failed = cli.run("webhook", "test", webhook)
    assert (failed.code, failed.out) == (1, "")
    assert "the message was not taken: 500" in failed.err
    assert cli.json("webhook", "deliveries", webhook) == []
    assert "nothing was sent yet" in cli.ok("webhook", "deliveries", webhook).out
    assert cli.run("webhook", "resume", webhook).code == 1
    cli.ok("webhook", "remove", webhook, "--reason", "moved")
    assert cli.json("webhook", "list") == []
    assert cli.run("webhook", "test", webhook).code == 1
    cli.ok("check")


def test_what_leads_inside_is_refused_by_default(cli: Cli, receiver: Receiver) -> None:
    refused = cli.run("webhook", "add", "beta", "--url", receiver.url)
    assert refused.code == 1
    assert "we do not send there" in refused.err


def test_networks_that_are_none_are_said_at_once(cli: Cli) -> None:
    ran = cli.run("webhook", "list", environ={"TOCSIN_WEBHOOK_NETWORKS": "everywhere"})
    assert ran.code == 2
    assert "TOCSIN_WEBHOOK_NETWORKS" in ran.err
