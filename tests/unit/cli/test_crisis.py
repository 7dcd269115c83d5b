"""Crisis mode at the command line: two shifts, two calls, what they open, a ratification, an end, a review."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from support.cli import PACT, Cli, bundle, partnership, tool

if TYPE_CHECKING:
    from pathlib import Path

ANNEX = """\
  - id: "9"
    emergency: blackout
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}, type: [tool]}
    for: respond
    rests_on: [by-contract]
    lasts: PT72H
    activated_by:
      motion: {body: crisis-council, more_than: 0.5}
      or: {duty_officers: {public: 1, private: 1}, lasts: PT12H, ratify_within: PT12H}
"""
TEXT = (
    PACT.replace("agreement: pact", "agreement: grid")
    .replace("parties: [{name: alpha}, {name: beta}]", "parties: [{name: alpha}, {name: beta}, {name: watch}]")
    .replace("signatures: []\n", ANNEX)
    .replace("{NO: {", "{NO: {", 1)
)
WHY = ("--reason", "two substations are down")


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return grid(tmp_path_factory.mktemp("cli") / "home")


def grid(home: Path) -> Cli:
    made = partnership(home)
    made.ok("party", "add", "watch", "--uri", "https://watch.example", "--kind", "public", "--country", "NO")
    made.ok("party", "clear", "watch", "--clearance", "restricted")
    made.ok("user", "add", "sig@watch", "--role", "signatory")
    (home / "grid.yaml").write_text(TEXT, encoding="utf-8")
    made.ok("agreement", "propose", str(home / "grid.yaml"))
    for name in ("alpha", "beta", "watch"):
        made.ok("agreement", "sign", "grid", "--as", name)
    made.ok("agreement", "activate", "grid")
    made.ok("share", "-", "--as", "alpha", stdin=bundle(tool(1)))
    return made


def test_from_the_first_call_to_the_review(cli: Cli) -> None:  # noqa: PLR0915  one crisis, from its beginning to its end
    def reads() -> bool:
        return str(tool(1)["id"]) in cli.ok("read", "--as", "beta", "--purpose", "respond").out

    until = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    refused = cli.run("crisis", "call", "grid", "blackout", "--as", "sig@watch", *WHY)
    assert refused.code == 1
    assert "sig@watch is not on duty now; nobody of the members is" in refused.err
    assert "under a mandate for agreements:duty:set: tocsin crisis duty sig@watch --until TIME" in refused.err
    assert cli.run("crisis", "duty", "sig@alpha", "--until", "soon").code == 2
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    (shift,) = cli.json("crisis", "duty", "sig@alpha", "--until", day)
    assert shift["until"] == f"{day}T00:00:00.000000Z"
    told = cli.run("crisis", "call", "grid", "blackout", "--as", "sig@watch", *WHY).err
    assert "sig@alpha of the members is" in told
    for name in ("alpha", "watch"):
        cli.ok("crisis", "duty", f"sig@{name}", "--until", until)
    assert [one["user"] for one in cli.json("crisis", "duty") if one["on_duty"]] == ["sig@alpha", "sig@watch"]
    assert cli.run("crisis", "duty", "sig@beta").code == 2
    assert cli.run("crisis", "call", "grid", "blackout", "--as", "watch", *WHY).code == 2, "a person calls"

    called = cli.json("crisis", "call", "grid", "blackout", "--as", "sig@watch", *WHY)
    assert not called["active"]
    assert [one["user"] for one in called["calls"]] == ["sig@watch"]
    assert not reads()
    sealed = cli.json(
        *("crisis", "seal", str(cli.home / "grid.yaml"), "blackout", "--hub", "https://hub.example"),
        *("--party", "https://alpha.example", "--user", "sig", "--key", str(cli.home / "keyring" / "sig@alpha.key")),
        *WHY,
    )
    opened = cli.json(
        *("crisis", "call", "grid", "blackout", "--as", "sig@alpha", *WHY),
        *("--signature", sealed["signature"], "--said-at", sealed["said_at"]),
    )
    assert opened["active"]
    assert opened["changed"] == [1]
    assert reads()
    assert "CRISIS: annex blackout of grid" in cli.ok("party", "list").out
    assert "CRISIS" in cli.ok("read", "--as", "beta").out
    assert "CRISIS" not in cli.ok("read", "--as", "gamma").out, "who is no member is told nothing"
    names = [one["collection"] for one in cli.json("collection", "list")]
    assert "blackout" in names, "what it widens is offered anew at once"

    assert "unless a motion ratifies it" in cli.ok("crisis", "show").out
    refused = cli.run("crisis", "ratify", "grid", "blackout", *WHY)
    assert (refused.code, "and the founding mandate does not" in refused.err) == (1, True)
    assert "tocsin body constitute" in refused.err
    ended = cli.json("crisis", "end", "grid", "blackout", *WHY)
    assert (ended["active"], ended["review_open"]) == (False, [1])
    assert not reads()
    shown = cli.ok("crisis", "show").out
    assert f"by people on duty (sig@alpha): {WHY[1]}" in shown, "who opened it is told when it is over, too"
    assert "1 objects are called back from 1 parties, since no body answered for it" in shown
    (recall,) = cli.json("recall", "list")
    assert ended["called_back"] == {"objects": 1, "parties": 1, "recalls": [recall["recall"]], "complete": True}
    assert "CRISIS" not in cli.ok("party", "list").out
    assert cli.json("crisis", "sweep") == {"offered": 0, "recalled": 0, "settled": 0}, "every command sees to it"
    left = cli.json("crisis", "review", "grid", "blackout")
    assert {(one["reader"], one["owner"], one["object"]) for one in left} == {("beta", "alpha", tool(1)["id"])}
    closed = cli.json("crisis", "close", "grid", "blackout", "--reason", "nobody read too much")
    assert (closed["review_open"], closed["unanswered"]) == ([], [1])
    assert closed["activations"][0]["reviewed_by"] == "founding"
    shown = cli.ok("crisis", "show").out
    assert "no motion has answered for it: neither people on duty nor the founding mandate renew it" in shown
    assert "what renews it is a motion of crisis-council" in shown
    for again in (("call", "grid", "blackout", "--as", "sig@watch"), ("activate", "grid", "blackout")):
        refused = cli.run("crisis", *again, *WHY)
        assert refused.code == 1
        assert "its review was closed, but under the founding mandate" in refused.err
        assert "tocsin body constitute" in refused.err
    cli.ok("check")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return grid(tmp_path_factory.mktemp("other") / "home")


def test_who_opened_it_alone_is_named_and_a_version_that_is_resumed_says_what_it_opens(other: Cli) -> None:
    cli = other
    told = cli.json("crisis", "activate", "grid", "blackout", *WHY)
    assert cli.run("crisis", "activate", "grid", "blackout", *WHY).code == 1
    last = told["activations"][-1]
    assert (last["by"], last["reason"], last["actor"]) == ("founding", WHY[1], "operator@hub")
    assert last["mandate"].startswith("founding:")
    assert told["ratify_by"] == told["until"]
    assert told["calls"] == []
    shown = cli.ok("crisis", "show").out
    assert f"by the founding mandate ({last['actor']}): {WHY[1]}" in shown
    assert str(tool(1)["id"]) in cli.ok("read", "--as", "beta", "--purpose", "respond").out
    assert "and the founding mandate does not" in cli.run("crisis", "ratify", "grid", "blackout", *WHY).err

    cli.ok("agreement", "suspend", "grid", "--reason", "a doubt")
    (waiting,) = cli.json("crisis", "show")
    assert (waiting["active"], waiting["suspended_until"], waiting["review_open"]) == (False, told["until"], [])
    shown = cli.ok("crisis", "show").out
    assert f"suspended; if the version is resumed it is active again, until {told['until']}" in shown
    assert "to end it for good: tocsin crisis end grid blackout" in shown
    assert "tocsin crisis close" not in shown
    refused = cli.run("crisis", "close", "grid", "blackout", *WHY).err
    assert "which is suspended, is resumed" in refused
    assert "end it first: tocsin crisis end grid blackout" in refused
    resumed = cli.ok("agreement", "resume", "grid", "--reason", "no doubt").out
    assert f"its annex blackout is ACTIVE again, until {told['until']}" in resumed
    cli.ok("agreement", "suspend", "grid", "--reason", "a doubt")
    told = cli.ok("crisis", "end", "grid", "blackout", *WHY).out
    (recall,) = cli.json("recall", "list")
    assert "1 objects are called back from 1 parties, since no body answered for it" in told
    assert f"tocsin recall report {recall['recall']}" in told
    (ended,) = cli.json("crisis", "show")
    assert (ended["suspended_until"], len(ended["review_open"])) == (None, 1)
    back = {"objects": 1, "parties": 1, "recalls": [recall["recall"]], "complete": True}
    assert ended["called_back"] == back
    assert f"by the founding mandate ({last['actor']}): {WHY[1]}" in cli.ok("crisis", "show").out
    cli.ok("crisis", "close", "grid", "blackout", *WHY)
    assert cli.json("agreement", "resume", "grid", "--reason", "no doubt")["annexes_active"] == []
    assert "it does so once: people on duty call" in cli.run("crisis", "activate", "grid", "blackout", *WHY).err
    cli.ok("check")
