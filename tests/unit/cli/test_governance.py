"""A council at the command line: from its document to an act under its mandate."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

import pytest

from support.cli import Cli, partnership
from tocsin.agreements.document import sign_bytes
from tocsin.cli.keyring import new_key, new_ml_dsa_key, read_key, read_ml_dsa_seed
from tocsin.kernel.ids import SystemEntropy

if TYPE_CHECKING:
    from pathlib import Path

COUNCIL: Final = """\
body: council
kind: coordinating-body
title: Council of the exchange
rights: [parties:party:suspend, parties:user:add, parties:user:change]
chair: north
decides: {quorum: 0.5, more_than: 0.5, ties: chair, closes: all-voted}
seats:
  - {seat: north, side: private, holder: alpha}
  - {seat: east, side: public, holder: sig@beta, deputies: [dep@beta], weight: 2, from: 2020-01-01, until: 2999-01-01}
"""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    home: Path = tmp_path_factory.mktemp("cli") / "home"
    made = partnership(home)
    made.ok("user", "add", "dep@beta", "--role", "signatory")
    (home / "council.yaml").write_text(COUNCIL, encoding="utf-8")
    assert "there are no bodies" in made.ok("body", "list").out
    made.ok("body", "constitute", str(home / "council.yaml"))
    return made


def table(cli: Cli, *more: str) -> str:
    made = cli.json(
        *("motion", "table", "council", "--title", "Suspend gamma", "--reasons", "It is late", "--open", *more)
    )
    return str(made["motion"])


def test_a_council_from_its_document_to_an_act(cli: Cli) -> None:
    rights = {row["right"]: row for row in cli.json("body", "rights")}
    assert rights["parties:party:clear"]["motion_says"] == ["clearance", "until"]
    assert rights["parties:party:suspend"]["motion_says"] == []
    held = {right: row["held_by"] for right, row in rights.items()}
    assert held["parties:party:suspend"] == "council"
    assert held["parties:party:leave"] is None
    assert "north" in cli.ok("body", "show", "council").out
    refused = cli.run("party", "suspend", "gamma", "--reason", "late")
    assert refused.code == 1
    assert "--motion" in refused.err
    motion = table(cli, "--right", "parties:party:suspend", "--subject", "gamma", "--as", "sig@alpha")
    cli.ok("motion", "vote", motion, "yes", "--as", "dep@beta", "--reasons", "So it is")
    shown = cli.ok("motion", "show", motion).out
    assert "deputy 1" in shown
    assert "So it is" in shown
    cli.ok("motion", "vote", motion, "no", "--as", "sig@beta")
    late = cli.run("motion", "vote", motion, "yes", "--as", "dep@beta", "--json")
    assert late.error["kind"] == "conflict"
    cli.ok("motion", "vote", motion, "yes", "--as", "sig@alpha")
    # two against one: the weight of the east
    assert cli.json("motion", "show", motion)["status"] == "failed"
    motion = table(cli, "--right", "parties:party:suspend", "--subject", "gamma", "--as", "sig@alpha")
    for voter in ("sig@alpha", "sig@beta"):
        cli.ok("motion", "vote", motion, "yes", "--as", voter)
    assert cli.run("party", "suspend", "beta", "--reason", "late", "--motion", motion).code == 1
    cli.ok("party", "suspend", "gamma", "--reason", "late", "--motion", motion)
    (entry,) = cli.json("motion", "show", motion)["used_by_entries"]
    assert cli.json("log", "show", str(entry))["payload"]["mandate"] == f"motion:{motion}"
    assert cli.run("party", "suspend", "gamma", "--reason", "late", "--motion", motion).code == 1
    assert [one["status"] for one in cli.json("motion", "list", "--body", "council")][:2] == ["failed", "executed"]
    cli.ok("check")


def test_a_ballot_is_signed_where_the_key_is(cli: Cli, tmp_path: Path) -> None:
    motion = table(cli)
    bytes_ = cli.json("motion", "vote", motion, "yes", "--as", "sig@alpha", "--to-sign")["to_sign"]
    made = sign_bytes(bytes.fromhex(bytes_), read_key(cli.home / "keyring" / "sig@alpha.key")).signature
    cli.ok("motion", "vote", motion, "yes", "--as", "sig@alpha", "--signature", made)
    assert cli.run("motion", "vote", motion, "no", "--as", "sig@alpha", "--signature", made).code == 1
    twice = ("--signature", made, "--to-sign")
    assert cli.run("motion", "vote", motion, "no", "--as", "sig@alpha", *twice).code == 2
    to_sign = cli.json("motion", "recuse", motion, "--as", "sig@beta", "--reasons", "ours", "--to-sign")["to_sign"]
    made = sign_bytes(bytes.fromhex(to_sign), read_key(cli.home / "keyring" / "sig@beta.key")).signature
    done = cli.json("motion", "recuse", motion, "--as", "sig@beta", "--reasons", "ours", "--signature", made)
    assert done["recused"] == ["east"]
    assert "recused" in cli.ok("motion", "show", motion).out


def test_who_has_a_second_key_votes_with_both(cli: Cli) -> None:
    second = cli.home / "keyring" / "sig@alpha.ml-dsa.key"
    public = new_ml_dsa_key(second, SystemEntropy())
    decided = table(cli, "--right", "parties:user:change", "--subject", "sig@alpha", "--term", f"ml_dsa_key={public}")
    for voter in ("sig@alpha", "sig@beta"):
        cli.ok("motion", "vote", decided, "yes", "--as", voter)
    # a key that is made now is not the one that was voted on
    other = cli.run("user", "second-key", "sig@alpha", "--motion", decided, "--key-file", str(cli.home / "other.key"))
    assert (other.code, "they differ in ml_dsa_key" in other.err) == (1, True)
    cli.ok("user", "second-key", "sig@alpha", "--motion", decided, "--public", public)
    motion = table(cli)
    bytes_ = cli.json("motion", "vote", motion, "yes", "--as", "sig@alpha", "--to-sign")["to_sign"]
    raw = read_key(cli.home / "keyring" / "sig@alpha.key")
    seed = read_ml_dsa_seed(cli.home / "keyring" / "sig@alpha.ml-dsa.key")
    made = sign_bytes(bytes.fromhex(bytes_), raw, seed)
    vote = ("motion", "vote", motion, "yes", "--as", "sig@alpha")
    late = cli.run(*vote, "--signature", made.signature)
    assert (late.code, "this ballot has no ML-DSA-44 signature" in late.err) == (1, True)
    assert cli.run(*vote, "--ml-dsa-signature", made.ml_dsa_signature or "").code == 2
    cli.ok(*vote, "--signature", made.signature, "--ml-dsa-signature", made.ml_dsa_signature or "")
    (kept,) = cli.json("motion", "show", motion)["ballots"]
    assert (kept["signature"], kept["ml_dsa_signature"]) == (made.signature, made.ml_dsa_signature)
    # with both keys on this machine it needs no option; and so is a recusal signed
    cli.ok("motion", "vote", motion, "no", "--as", "sig@alpha")
    assert cli.json("motion", "recuse", motion, "--as", "sig@alpha", "--reasons", "ours")["recused"] != []
    cli.ok("check")


def test_what_exactly_is_decided_is_shown_and_kept_to(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "council.yaml"
    more = COUNCIL.replace("title: Council of the exchange", "title: The council").replace("weight: 2, ", "")
    file.write_text(more, encoding="utf-8")
    asked = ("--right", "governance:body:change", "--subject", "council")
    assert (
        "what exactly is decided" in cli.run("motion", "table", "council", "--title", "T", "--reasons", "R", *asked).err
    )
    motion = table(cli, *asked, "--document", str(file))
    shown = cli.ok("motion", "show", motion).out
    for line in ("title: The council", "- deputies: dep@beta", "holder: sig@beta", "more_than: 1/2"):
        assert line in shown
    kept = cli.json("motion", "show", motion)
    assert f"SHA-256 {kept['document']}" in shown
    assert hashlib.sha256(kept["text"].encode()).hexdigest() == kept["document"]
    for voter in ("sig@alpha", "sig@beta"):
        cli.ok("motion", "vote", motion, "yes", "--as", voter)
    (tmp_path / "other.yaml").write_text(more.replace("chair: north", "chair: east"), encoding="utf-8")
    other = cli.run("body", "change", str(tmp_path / "other.yaml"), "--reason", "decided", "--motion", motion)
    assert (other.code, "they differ in chair" in other.err) == (1, True)
    cli.ok("body", "change", str(file), "--reason", "decided", "--motion", motion)


TYPED_WRONG: Final = {
    "both": (("--document", "council.yaml", "--term", "clearance=secret"), 2, "in one place"),
    "no file": (("--document", "nowhere.yaml"), 2, "cannot be read"),
    "no value": (("--term", "clearance"), 2, "NAME=VALUE"),
    "twice": (("--term", "roles=viewer", "--term", "roles=analyst"), 2, "twice"),
    "no role": (("--term", "roles=king"), 1, "king"),
}


@pytest.mark.parametrize("case", TYPED_WRONG)
def test_what_is_typed_wrong_is_said(cli: Cli, case: str) -> None:
    more, code, said = TYPED_WRONG[case]
    asked = ("--right", "parties:user:add", "--subject", "one@alpha", "--title", "T", "--reasons", "R")
    ran = cli.run("motion", "table", "council", *asked, *more)
    assert (ran.code, said in ran.err) == (code, True), ran


def test_a_motion_is_withdrawn_or_closed(cli: Cli) -> None:
    motion = table(cli)
    assert cli.run("motion", "close", motion).code == 1
    assert cli.run("motion", "close").code == 2
    assert "nothing is due" in cli.ok("motion", "close", "--due").out
    assert cli.run("motion", "withdraw", motion, "--as", "sig@alpha").code == 1
    assert cli.json("motion", "withdraw", motion, "--reason", "settled")["status"] == "withdrawn"
    assert cli.run("motion", "open", motion).code == 1


def test_a_signatory_is_added_where_keys_are_a_council_s(cli: Cli) -> None:
    assert cli.run("user", "add", "new@alpha", "--role", "signatory").code == 1
    public = new_key(cli.home / "new.key", SystemEntropy())
    for right, term, command in (
        ("parties:user:add", "roles=signatory", ("user", "add", "new@alpha", "--role", "signatory")),
        ("parties:user:change", f"signing_key={public}", ("user", "key", "new@alpha", "--public", public)),
    ):
        motion = table(cli, "--right", right, "--subject", "new@alpha", "--term", term)
        for voter in ("sig@alpha", "sig@beta"):
            cli.ok("motion", "vote", motion, "yes", "--as", voter)
        ran = cli.ok(*command, "--motion", motion)
        assert ("no signing key yet" in ran.out) is (right == "parties:user:add")


WRONG: Final = {
    "no kind": (COUNCIL.replace("coordinating-body", "senate"), "2:"),
    "a right there is not": (COUNCIL.replace("parties:user:add", "parties:user:ad"), "4:"),
    "a share of none": (COUNCIL.replace("quorum: 0.5", "quorum: 2"), "6:"),
    "a side of none": (COUNCIL.replace("side: public", "side: civil"), "9:"),
    "nobody": (COUNCIL.replace("holder: alpha", "holder: 7"), "8:"),
    "a quorum of nothing": (COUNCIL.replace("quorum: 0.5", "quorum: 0"), "quorum"),
    "a minority": (COUNCIL.replace("more_than: 0.5", "more_than: 0.2"), "majority"),
    "no chair": (COUNCIL.replace("chair: north\n", ""), "chair"),
    "a list": ("- 1\n", "1:1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_document_that_is_no_body_is_refused_with_its_place(tmp_path: Path, case: str) -> None:
    text, where = WRONG[case]
    file = tmp_path / "body.yaml"
    file.write_text(text, encoding="utf-8")
    ran = Cli(tmp_path / "none").run("body", "check", str(file))
    assert ran.code == 1
    assert where in ran.err


@pytest.mark.parametrize("what", ["body", "charter"])
def test_a_document_is_called_by_its_name(tmp_path: Path, what: str) -> None:
    empty, twice = tmp_path / "empty.yaml", tmp_path / "twice.yaml"
    empty.write_text("", "utf-8")
    twice.write_text("---\na: 1\n---\na: 1\n", "utf-8")
    (wrong := tmp_path / "wrong.yaml").write_text("- 1\n", "utf-8")
    (large := tmp_path / "large.yaml").write_text("#" * 70_000, "utf-8")
    cli = Cli(tmp_path / "none")
    for file, said in (
        (empty, f"expected a {what}"),
        (twice, f"expected one {what} in one file"),
        (wrong, f"a {what}"),
    ):
        ran = cli.run(what, "check", str(file), "--json")
        assert ran.code == 1
        error = json.loads(ran.err)["error"]
        assert (error["kind"], said in error["what"]) == (what, True)
    assert "agreement" not in cli.run(what, "check", str(large)).err


def test_a_document_is_checked_without_a_hub(tmp_path: Path) -> None:
    file = tmp_path / "body.yaml"
    file.write_text(COUNCIL.replace("more_than: 0.5, ties: chair", "more_than: {public: 0.5, private: 0.6}"), "utf-8")
    shown = Cli(tmp_path / "none").json("body", "check", str(file))
    assert shown["decides"]["more_than"] == {"public": "1/2", "private": "3/5"}


def test_a_body_is_changed_and_dissolved_by_who_may(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "advisers.yaml"
    text = COUNCIL.replace("body: council", "body: advisers").replace(
        "rights: [parties:party:suspend, parties:user:add, parties:user:change]\n", ""
    )
    file.write_text(text, encoding="utf-8")
    cli.ok("body", "constitute", str(file))
    file.write_text(text.replace("Council of the exchange", "Advisers"), encoding="utf-8")
    cli.ok("body", "change", str(file), "--reason", "a better name")
    assert "it advises" in cli.ok("body", "show", "advisers").out
    cli.ok("body", "dissolve", "advisers", "--reason", "done")
    assert [one["body"] for one in cli.json("body", "list")] == ["council"]
    assert cli.run("body", "dissolve", "council", "--reason", "in the way").code == 1


def test_a_dispute_at_the_command_line(cli: Cli) -> None:
    statement = ("--statement", "It told others")
    made = cli.json("dispute", "file", "complaint", "--as", "sig@alpha", "--against", "beta", *statement)
    uuid = made["dispute"]
    assert (made["status"], made["overdue"], made["respondent"]) == ("filed", False, "beta")
    assert cli.run("dispute", "show", uuid, "--as", "gamma").code == 1
    assert cli.run("dispute", "list", "--as", "sig@alpha").code == 2
    cli.ok("dispute", "settle", uuid, "--as", "alpha", "--terms", "An apology")
    assert "An apology" in cli.ok("dispute", "show", uuid, "--as", "beta").out
    cli.ok("dispute", "mediate", uuid, "--mediator", "operator@hub")
    cli.ok("dispute", "decide", uuid, "upheld", "--reasons", "It did", "--remedy", "An apology")
    cli.ok("dispute", "appeal", uuid, "--as", "sig@beta", "--reasons", "It did not")
    assert "appeal" in cli.ok("dispute", "show", uuid).out
    assert cli.json("dispute", "withdraw", uuid, "--as", "beta")["status"] == "final"
    assert "nothing is due" in cli.ok("dispute", "conclude").out
    assert cli.json("dispute", "list", "--overdue") == []
    assert [one["dispute"] for one in cli.json("dispute", "list", "--as", "alpha")] == [uuid]
    cli.ok("check")


CHARTER: Final = """\
charter: grid
version: 1
title: What the exchange is for
goals:
  - {id: quick, goal: Soon, measure: time-to-protection, owner: alpha, over: P30D, every: P1D, target: {at_most: 3600}}
  - {id: trained, goal: Trained, measure: reported, owner: beta, over: P90D, every: P30D, target: {at_least: 0.8}}
"""


def test_a_charter_at_the_command_line(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "charter.yaml"
    file.write_text(CHARTER, encoding="utf-8")
    assert Cli(tmp_path / "none").json("charter", "check", str(file))["goals"][0]["target"] == "at most 3600"
    assert "there is no charter" in cli.ok("charter", "list").out
    cli.ok("charter", "adopt", str(file))
    assert "not evaluated yet" in cli.ok("charter", "show", "grid").out
    cli.ok("charter", "report", "grid", "trained", "0.7", "--as", "sig@beta", "--note", "a survey")
    assert cli.run("charter", "evaluate").code == 2
    shown = cli.ok("charter", "evaluate", "grid").out
    assert "NOT met" in shown
    assert "reported by sig@beta" in shown
    assert cli.json("charter", "evaluate", "--due") == []
    assert "nothing is due" in cli.ok("charter", "evaluate", "--due").out
    assert cli.json("charter", "list")[0]["goals"][1]["met"] is False
    cli.ok("check")
