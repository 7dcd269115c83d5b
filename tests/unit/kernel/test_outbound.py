"""What is sent out goes to addresses of the world, and to those that the operator allows; nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from support.receiver import Receiver, receiving
from tocsin.kernel.http import outbound as outbound_module
from tocsin.kernel.http.outbound import Outbound, parse_networks

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK: Final = parse_networks("127.0.0.0/8")

ADDRESSES: Final[dict[str, tuple[list[str], bool]]] = {
    "public": (["93.184.215.14"], True),
    "public, both kinds": (["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"], True),
    "this machine": (["127.0.0.1"], False),
    "this machine, IPv6": (["::1"], False),
    "private": (["10.1.2.3"], False),
    "private 172": (["172.16.0.1"], False),
    "private 192": (["192.168.1.1"], False),
    "link-local, where clouds keep credentials": (["169.254.169.254"], False),
    "link-local, IPv6": (["fe80::1%eth0"], False),
    "unique local": (["fd00::1"], False),
    "site-local": (["fec0::1"], False),
    "documentation": (["3fff::1"], False),
    "relay of 6to4": (["192.88.99.1"], False),
    "relay of 6to4, mapped": (["::ffff:192.88.99.1"], False),
    "carrier": (["100.64.0.1"], False),
    "mapped": (["::ffff:10.1.2.3"], False),
    "translated": (["64:ff9b::a01:203"], False),
    "6to4": (["2002:a01:203::1"], False),
    "nowhere": (["0.0.0.0"], False),  # noqa: S104  an address of nobody, not one to listen on
    "broadcast": (["255.255.255.255"], False),
    "multicast": (["224.0.0.1"], False),
    "multicast, IPv6": (["ff0e::1"], False),
    "one among others": (["93.184.215.14", "10.1.2.3"], False),
    "none": ([], False),
    "no address": (["soc.example"], False),
    "allowed by the operator": (["10.9.1.1"], True),
    "allowed, mapped": (["::ffff:10.9.1.1"], True),
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.mark.parametrize("case", ADDRESSES)
def test_only_the_world_is_sent_to(case: str) -> None:
    found, allowed = ADDRESSES[case]
    target = outbound_module.parse_target("https://soc.example/hook")
    outbound = Outbound(networks=parse_networks("10.9.0.0/16"), resolve=lambda _host, _port: found)
    if allowed:
        assert outbound.require_allowed(target)
    else:
        with pytest.raises(outbound_module.UnreachableError):
            outbound.require_allowed(target)


def test_a_name_that_changes_its_mind_is_not_asked_twice(receiver: Receiver) -> None:
    """DNS rebinding: the address that was looked at is the one that is connected to."""
    answers = [["127.0.0.1"], ["10.1.2.3"]]
    outbound = Outbound(networks=LOOPBACK, resolve=lambda _host, _port: answers.pop(0))
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    answer = outbound.post(outbound_module.parse_target(f"http://soc.example:{port}/hook"), b"{}", {})
    assert answer.status == 204
    assert receiver.got[0].headers["host"] == f"soc.example:{port}"
    with pytest.raises(outbound_module.UnreachableError):
        outbound.post(outbound_module.parse_target(f"http://soc.example:{port}/hook"), b"{}", {})


def test_a_receiver_that_drips_is_cut_off(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound_module, "TOTAL_SECONDS", 0.2)
    receiver.answers = ["stall"]
    with pytest.raises(outbound_module.UnreachableError, match="in time"):
        Outbound(networks=LOOPBACK).post(outbound_module.parse_target(receiver.url), b"{}", {})
