"""``tocsin application`` and ``tocsin vetting``, from a candidate to the end of its vetting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from support.cli import PACT, Cli, partnership

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    home: Path = tmp_path_factory.mktemp("cli") / "home"
    return partnership(home)


def test_from_candidate_to_member(cli: Cli) -> None:
    until = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    cli.ok("party", "add", "small", "--uri", "https://small.example", "--kind", "private", "--country", "NO")
    made = cli.json("application", "open", "small", "--clearance", "restricted")
    uuid = made["application"]
    assert "there is no evidence" in made["missing"]
    empty = cli.run("application", "evidence", uuid, "-", "--kind", "registration", stdin=b"")
    assert (empty.code, "empty" in empty.err) == (1, True)
    assert "there is no evidence" in cli.json("application", "show", uuid)["missing"]
    cli.ok("application", "evidence", uuid, "-", "--kind", "registration", "--title", "register", stdin=b"a paper")
    assert cli.run("application", "admit", uuid, "--until", until).code == 1
    cli.ok("application", "review", uuid, "--as", "sig@alpha", "--approve", "--reason", "seen")
    cli.ok("application", "review", uuid, "--as", "sig@beta", "--approve", "--reason", "known")
    assert cli.json("application", "show", uuid)["missing"] == []
    assert cli.json("application", "admit", uuid, "--until", until)["status"] == "admitted"
    assert cli.json("party", "show", "small")["status"] == "vetted"
    assert {one["party"] for one in cli.json("vetting", "due") if one["kind"] == "vetting"} == {"small"}
    assert cli.json("vetting", "sweep") == {"suspended": [], "left": []}
    later = (datetime.now(UTC) + timedelta(days=50)).date().isoformat()
    said = cli.ok("vetting", "prolong", "small", "--until", later, "--reason", "in an incident").out
    assert f"the vetting of small ends on {later}, and not on {until}\n" in said
    assert f"its clearance restricted ends on {until}, which is another decision" in said
    assert said.endswith(f"next: tocsin party clear small --until {later} --reason TEXT\n")
    assert f"prolonged beyond {until}: in an incident" in cli.ok("application", "show", uuid).out
    assert cli.run("vetting", "prolong", "alpha", "--until", later, "--reason", "in an incident").code == 1
    cli.ok("user", "add", "lia@beta", "--role", "liaison")
    assert cli.json("vetting", "review", "--as", "lia@beta")["users"] == 3
    (listed,) = cli.json("application", "list")
    assert (listed["application"], len(listed["reviews"])) == (uuid, 2)
    assert "register" in cli.ok("application", "show", uuid).out
    cli.ok("check")


def test_the_light_path_refusal_and_withdrawal(cli: Cli) -> None:
    for name in ("tiny", "odd"):
        cli.ok("party", "add", name, "--uri", f"https://{name}.example", "--kind", "private", "--country", "NO")
    uuid = cli.json("application", "open", "tiny", "--light", "alpha")["application"]
    cli.ok("application", "endorse", uuid, "--as", "sig@alpha")
    assert cli.json("application", "refuse", uuid, "--reason", "not an operator")["status"] == "refused"
    uuid = cli.json("application", "open", "odd")["application"]
    assert cli.json("application", "withdraw", uuid, "--as", "odd")["status"] == "withdrawn"


def test_what_one_would_give_and_get(cli: Cli) -> None:
    (offer,) = cli.json("application", "offer", "alpha")
    assert offer["agreement"] == "pact"
    assert len(offer["gets"]) == len(offer["gives"]) == 1
    (held,) = offer["held"]
    assert held.startswith("clause 2: An object contributed by a party that this agreement binds is kept for 90 days")
    assert "you give" in cli.ok("application", "offer", "alpha").out
    assert cli.json("application", "offer", "--kind", "private", "--country", "NO") == []  # the pact names its parties
    assert cli.run("application", "offer").code == 2


def test_the_offer_says_what_an_application_would_have_to_ask_for(cli: Cli) -> None:
    file = cli.home / "cleared.yaml"
    asks = "{all: {kind: private, clearance: restricted, capacity: [operator]}}"
    pact = PACT.replace("agreement: pact", "agreement: cleared").replace("{name: beta}]", f"{{name: beta}}, {asks}]")
    file.write_text(pact, encoding="utf-8")
    cli.ok("agreement", "propose", str(file))
    for name in ("alpha", "beta"):
        cli.ok("agreement", "sign", "cleared", "--as", name)
    cli.ok("agreement", "activate", "cleared")
    private = ("application", "offer", "--kind", "private", "--country", "NO")
    (near,) = cli.json(*private)
    assert near["lacks"] == ["the capacity operator (it has none)", "the clearance restricted (it has unclassified)"]
    assert (near["agreement"], near["gets"], near["held"]) == ("cleared", [], [])
    said = cli.ok(*private, "--capacity", "operator").out
    assert said.startswith("no agreement in force would admit it as it is\n")
    assert "  would admit it, but it lacks the clearance restricted (it has unclassified)\n" in said
    (open_,) = cli.json(*private, "--capacity", "operator", "--clearance", "restricted")
    assert (open_["lacks"], len(open_["gets"])) == ([], 1)
    assert cli.json("application", "offer", "--kind", "public", "--country", "NO") == []  # it is not for those


PRESS = (
    PACT.replace("agreement: pact", "agreement: press")
    .replace("{name: beta}", "{name: beta}, {name: hub}")
    .partition("signatures")[0]
    + """\
  - {id: "3", publish: {sanitised: no-victim, tlp: green, attribution: withheld, approve: owner}, of: {type: report}}
  - {id: "4", reveal: existence, to: {parties: [beta]}, of: {type: incident, owner: [alpha]}}
  - {id: "5", protect: {from: [regulatory-use]}}
  - {id: "6", forbid: read, to: {kind: academia}}
"""
)


def test_the_offer_is_in_the_words_of_the_agreement_and_leaves_no_clause_out(cli: Cli) -> None:
    file = cli.home / "press.yaml"
    file.write_text(PRESS, encoding="utf-8")
    cli.ok("user", "add", "sig@hub", "--role", "signatory")
    cli.ok("agreement", "propose", str(file))
    for name in ("alpha", "beta", "sig@hub"):
        cli.ok("agreement", "sign", "press", "--as", name)
    cli.ok("agreement", "activate", "press")
    said = {one["about"]: one["text"] for one in cli.json("agreement", "show", "press", "--prose")["prose"]}
    told = {
        (name, head): [text.partition(":")[0].removeprefix("clause ") for text in one[head]]
        for name in ("alpha", "beta")
        for one in cli.json("application", "offer", name)
        if one["agreement"] == "press"
        for head in ("gets", "gives", "held")
    }
    assert told == {
        ("alpha", "gets"): ["1"],
        ("alpha", "gives"): ["1", "3", "4"],
        ("alpha", "held"): ["2", "5", "6"],
        ("beta", "gets"): ["1", "4"],
        ("beta", "gives"): ["1", "3"],
        ("beta", "held"): ["2", "5", "6"],
    }
    page = cli.ok("application", "offer", "beta").out
    for number in ("1", "2", "3", "4", "5", "6"):
        assert f"    - clause {number}: {said[f'clause {number}']}\n" in page
