"""A partnership by commands alone: what each prints, as text and as JSON."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import msgspec
import pytest

from support import stores
from support.cli import PACT, Cli, bundle, indicator, partnership, tool

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO, TOOL = indicator(1), indicator(2), tool(3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("made") / "home"
    cli = partnership(home)
    receipt = cli.json("share", "-", "--as", "alpha", stdin=bundle(ONE, TWO, TOOL))
    assert receipt["counts"] == {"accepted": 3, "repeated": 0, "refused": 0}
    return home


@pytest.fixture
def cli(made: Path, tmp_path: Path) -> Cli:
    home = tmp_path / "home"
    stores.copy_home(made, home)
    return Cli(home)


def test_init_says_where_things_are_and_how_to_verify(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "new")
    made = cli.json("init", "--name", "coordination")
    assert made["home"] == str(tmp_path / "new")
    assert made["hub"].startswith("urn:uuid:")
    assert made["operator"] == "operator@coordination"
    assert cli.json("log", "head")["vkey"] == made["vkey"]
    again = cli.run("init", "--json")
    assert (again.code, again.error["kind"]) == (1, "conflict")


def test_init_as_text_names_the_key_and_what_to_do_next(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "new")
    ran = cli.ok("init", "--uri", "https://hub.example", "--title", "Nordic hub", "--country", "SE")
    assert "hub.example/tocsin/live+" in ran.out
    assert "tocsin party add" in ran.out
    assert cli.json("party", "show", "hub")["country"] == "SE"


def test_a_party_and_a_person_change_and_what_is_not_named_stays(cli: Cli) -> None:
    before = cli.json("party", "show", "beta")
    after = cli.json("party", "change", "beta", "--title", "Beta Nett", "--sector", "", "--country", "SE")
    changed = {key for key in after if after[key] != before[key]}
    assert (changed, after["title"], after["sectors"]) == ({"title", "sectors", "country"}, "Beta Nett", [])
    assert cli.json("read", "--as", "beta")["objects"] == [], "the agreement rests on another country's law for it now"
    assert cli.run("party", "change", "beta", "--title", "Beta Nett", "--json").error["kind"] == "usage"
    assert cli.run("party", "change", "nobody", "--title", "x", "--json").error["kind"] == "not-found"
    cli.ok("user", "add", "kim@beta", "--role", "analyst", "--clearance", "restricted", "--until", "2998-01-31")
    kim = cli.json("user", "change", "kim@beta", "--role", "liaison", "--nationality", "NO")
    assert (kim["roles"], kim["nationality"], kim["clearance"]) == (["liaison"], "NO", "restricted")
    assert kim["clearance_until"] == "2998-01-31T00:00:00.000000Z"
    assert cli.json("user", "change", "kim@beta", "--clearance", "secret")["clearance_until"] is None
    assert cli.run("user", "change", "kim@beta", "--json").error["kind"] == "usage"
    assert cli.run("user", "change", "beta", "--role", "viewer", "--json").error["kind"] == "usage"
    cli.ok("check")


def test_a_party_is_added_cleared_suspended_and_shown(cli: Cli) -> None:
    added = cli.json(
        *("party", "add", "delta", "--uri", "urn:example:delta", "--kind", "public", "--country", "DK"),
        *("--capacity", "csirt,supervisor", "--capacity", "researcher", "--sector", "energy", "--community", "nordic"),
        *("--client", "alpha,https://beta.example", "--data-region", "eea", "--title", "Delta A/S"),
    )
    assert added["status"] == "candidate"
    assert added["capacities"] == ["csirt", "researcher", "supervisor"]
    assert added["clients"] == ["https://alpha.example", "https://beta.example"]
    cleared = cli.json("party", "clear", "delta", "--clearance", "secret", "--until", "2998-01-31", "--reason", "seen")
    assert (cleared["status"], cleared["clearance_until"]) == ("vetted", "2998-01-31T00:00:00.000000Z")
    shown = cli.ok("party", "show", "delta").out
    assert "secret until 2998-01-31" in shown
    assert "alpha, beta" in shown
    assert cli.json("party", "suspend", "delta", "--reason", "review")["status"] == "suspended"
    assert cli.run("read", "--as", "delta", "--json").error["kind"] == "forbidden"
    assert cli.json("party", "leave", "delta")["status"] == "left"
    assert [party["name"] for party in cli.json("party", "list")] == ["alpha", "beta", "delta", "gamma", "hub"]
    assert "Delta A/S" in cli.ok("party", "list").out


def test_a_party_that_is_cleared_again_keeps_its_clearance(cli: Cli) -> None:
    def cleared(*more: str) -> tuple[str, str | None]:
        told = cli.json("party", "clear", "gamma", *more)
        return told["clearance"], told["clearance_until"]

    kept = cleared("--clearance", "secret", "--until", "2998-01-31")
    text = cli.ok("party", "suspend", "gamma", "--reason", "review").out
    assert cleared() == kept == ("secret", "2998-01-31T00:00:00.000000Z")
    assert cleared("--until", "2999-01-31T12:00:00Z") == ("secret", "2999-01-31T12:00:00.000000Z")
    assert cleared("--clearance", "secret") == ("secret", None)
    # what suspending says ends it does so, as it stands
    _, _, command = text.splitlines()[-1].partition("tocsin ")
    assert command == "party clear gamma --clearance secret --until 2998-01-31"
    cli.ok(*command.split())
    assert cleared() == kept


def test_a_party_shows_its_people_tokens_and_agreements(cli: Cli) -> None:
    token = cli.json("user", "token", "beta", "--purpose", "respond", "--allow", "read,submit", "--days", "2")
    assert token["token"].startswith("tocsin_")
    assert token["permissions"] == [
        "exchange:collections:read",
        "exchange:objects:read",
        "exchange:objects:submit",
    ]
    shown = cli.json("party", "show", "beta")
    assert [user["user"] for user in shown["users"]] == ["anna@beta", "sig@beta"]
    assert [(one["subject"], one["stands"]) for one in shown["tokens"]] == [("beta", True)]
    assert shown["agreements"] == [{"agreement": "pact", "version": 1, "status": "in-force", "standing": "member"}]
    assert token["token"] not in json.dumps(shown)
    assert cli.json("user", "revoke", str(token["token_id"]))["revoked_at"] is not None
    assert [one["stands"] for one in cli.json("party", "show", "beta")["tokens"]] == [False]
    assert "sig@beta" in cli.ok("party", "show", "beta").out


def test_a_signatory_gets_a_key_that_only_its_owner_reads(cli: Cli, tmp_path: Path) -> None:
    made = cli.json("user", "add", "second@alpha", "--role", "signatory")
    key = cli.home / "keyring" / "second@alpha.key"
    assert made["key_file"] == str(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert made["signing_key"]
    elsewhere = tmp_path / "third.key"
    text = cli.ok("user", "add", "third@alpha", "--role", "signatory,analyst", "--key-file", str(elsewhere)).out
    assert str(elsewhere) in text
    assert "belongs to the signatory" in text
    assert elsewhere.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert "key_file" in cli.json("user", "add", "viewer@alpha")
    assert not (cli.home / "keyring" / "viewer@alpha.key").exists()


def test_a_user_that_is_refused_leaves_no_key_behind(cli: Cli) -> None:
    before = sorted((cli.home / "keyring").iterdir())
    assert cli.run("user", "add", "sig@alpha", "--role", "signatory").code == 1
    assert cli.run("user", "add", "new@alpha", "--role", "signatory", "--clearance", "cosmic").code == 2
    assert sorted((cli.home / "keyring").iterdir()) == before


def test_a_key_is_never_overwritten(cli: Cli) -> None:
    key = cli.home / "keyring" / "sig@alpha.key"
    before = key.read_bytes()
    assert cli.run("user", "key", "sig@alpha", "--json").error["kind"] == "conflict"
    assert key.read_bytes() == before


def test_a_signatory_may_register_a_key_made_elsewhere(cli: Cli, tmp_path: Path) -> None:
    fresh = cli.json("user", "key", "sig@alpha", "--key-file", str(tmp_path / "fresh.key"))["signing_key"]
    cli.ok("user", "add", "other@alpha", "--role", "signatory")
    taken = cli.run("user", "key", "other@alpha", "--public", fresh, "--json")
    assert (taken.code, taken.error["kind"]) == (1, "conflict")
    assert cli.run("user", "key", "sig@alpha", "--public", "AAAA").code == 1
    assert cli.run("user", "key", "sig@alpha", "--public", fresh, "--key-file", "x").code == 2


def test_users_are_listed_disabled_and_given_passwords(cli: Cli) -> None:
    assert [one["user"] for one in cli.json("user", "list", "beta")] == ["anna@beta", "sig@beta"]
    assert len(cli.json("user", "list")) == 5
    assert "anna@beta" in cli.ok("user", "list").out
    assert cli.json("user", "password", "anna@beta", "--stdin", stdin=b"correct horse battery\n")["password"] == "set"
    assert cli.run("user", "password", "anna@beta", "--stdin", stdin=b"short\n").code == 1
    assert cli.run("user", "password", "anna@beta").code == 2
    assert cli.json("user", "disable", "anna@beta", "--reason", "left")["status"] == "disabled"
    assert cli.run("user", "password", "anna@beta", "--stdin", stdin=b"correct horse battery\n").code == 1


def test_an_agreement_is_checked_with_every_fault_in_its_place(cli: Cli, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(PACT.replace("version: 1", "version: 2"), encoding="utf-8")
    bad.write_text(PACT.replace("version: 1", "version: one").replace("permit: read", "permit: write"))
    checked = cli.json("agreement", "check", str(good))
    assert (checked["policies"], checked["named"]) == (1, ["alpha", "beta"])
    assert any("no instrument" in note for note in checked["notes"])
    text = cli.ok("agreement", "check", "-", stdin=good.read_bytes()).out
    assert "pact version 2 is in order" in text
    assert "note: no instrument" in text
    ran = cli.run("agreement", "check", str(bad))
    assert (ran.code, ran.out) == (1, "")
    assert [line.split(" ")[0] for line in ran.err.splitlines()] == [f"{bad}:2:10:", f"{bad}:10:13:"]
    told = cli.run("agreement", "check", str(bad), "--json").error
    assert told["kind"] == "agreement"
    assert [(one["line"], one["column"]) for one in told["problems"]] == [(2, 10), (10, 13)]


def test_an_agreement_is_checked_without_a_hub(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "none")
    checked = cli.json("agreement", "check", "-", stdin=PACT.encode())
    assert checked["checked_against"].startswith("no hub")
    assert not cli.home.exists()


def test_a_version_follows_another(cli: Cli) -> None:
    second = PACT.replace("version: 1", "version: 2")
    proposed = cli.json("agreement", "propose", "-", stdin=second.encode())
    assert proposed["missing"] == ["alpha", "beta"]
    assert cli.run("agreement", "activate", "pact/2").code == 1
    # without a number the newest is meant
    assert "still to sign: beta" in cli.ok("agreement", "sign", "pact", "--as", "alpha").out
    assert cli.run("agreement", "sign", "pact", "--as", "gamma").code == 1
    stranger = str(cli.home / "keyring" / "sig@gamma.key")
    assert cli.run("agreement", "sign", "pact/2", "--as", "beta", "--key", stranger).code == 1
    assert cli.json("agreement", "sign", "pact/2", "--as", "beta")["status"] == "signed"
    activated = cli.json("agreement", "activate", "pact")
    assert (activated["supersedes"], activated["members"]) == (1, ["alpha", "beta"])
    assert [(one["version"], one["status"]) for one in cli.json("agreement", "list")] == [
        (1, "superseded"),
        (2, "in-force"),
    ]
    assert "superseded" in cli.ok("agreement", "list").out


def test_a_party_with_several_signatories_says_which(cli: Cli) -> None:
    cli.ok("user", "add", "second@alpha", "--role", "signatory")
    ran = cli.run("agreement", "sign", "pact", "--as", "alpha", "--json")
    assert (ran.code, ran.error["todo"]) == (2, "name one: second@alpha, sig@alpha")
    assert cli.run("agreement", "sign", "pact", "--as", "hub", "--json").error["kind"] == "not-found"


def test_an_agreement_is_shown_with_document_or_policies(cli: Cli, tmp_path: Path) -> None:
    shown = cli.json("agreement", "show", "pact", "--cedar")
    assert shown["document"] == PACT
    assert [one["party"] for one in shown["signatures"]] == ["alpha", "beta"]
    assert '@clause("1")' in shown["policies"][0]
    assert "title: Pact between alpha and beta" in cli.ok("agreement", "show", "pact/1").out
    assert '@clause("1")' in cli.ok("agreement", "show", "pact", "--cedar").out
    file = tmp_path / "other.yaml"
    file.write_text(PACT.replace("pact", "other"), encoding="utf-8")
    assert cli.json("agreement", "show", str(file), "--cedar")["agreement"] == "other"
    assert "(not proposed)" in cli.ok("agreement", "show", str(file)).out
    assert cli.run("agreement", "show", "pact/9").code == 1
    assert cli.run("agreement", "show", "pact/x").code == 2


def test_a_marking_is_shown_from_a_file_from_standard_input_and_by_its_id(cli: Cli, tmp_path: Path) -> None:
    definition: dict[str, object] = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--00000000-0000-4000-8000-00000000beef",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "for defenders"},
    }
    told = cli.json("marking", "show", "-", stdin=msgspec.json.encode(definition))
    assert told["unknown"] is False
    file = tmp_path / "definition.json"
    file.write_bytes(msgspec.json.encode(definition))
    assert cli.json("marking", "show", str(file)) == told
    assert cli.json("marking", "show", "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1")["tlp"] == "red"
    by_id = ("marking", "show", str(definition["id"]))
    assert cli.run(*by_id).code == 2  # somebody has to read it
    assert cli.run(*by_id, "--as", "alpha").code == 1
    cli.ok("share", "-", "--as", "alpha", stdin=bundle(definition))
    assert cli.json(*by_id, "--as", "alpha") == told
    assert cli.run(*by_id, "--as", "gamma").code == 1


def test_sharing_tells_what_became_of_each_object(cli: Cli) -> None:
    broken = indicator(9) | {"pattern": 7}
    unknown = indicator(8, object_marking_refs=["marking-definition--00000000-0000-4000-8000-00000000dead"])
    data = bundle(ONE, indicator(7), broken, unknown)
    ran = cli.run("share", "-", "--as", "alpha", stdin=data)
    assert ran.code == 1
    assert "4 objects: 2 accepted, 1 repeated, 1 refused" in ran.out
    assert "refused: objects[2].pattern" in ran.out
    assert "note: carries a marking that this hub cannot read" in ran.out
    assert "receipt " in ran.out
    again = cli.run("share", "-", "--as", "alpha", "--json", stdin=data)
    assert again.code == 1
    assert again.document["counts"] == {"accepted": 0, "repeated": 3, "refused": 1}


def test_sharing_of_which_nothing_is_taken_gives_no_receipt(cli: Cli) -> None:
    ran = cli.run("share", "-", "--as", "alpha", "--to", "beta", stdin=bundle(indicator(9) | {"pattern": 7}))
    assert ran.code == 1
    assert "1 objects: 0 accepted, 0 repeated, 1 refused" in ran.out
    assert ran.out.splitlines()[-1] == "nothing was stored"


def test_a_proof_that_was_cut_off_or_altered_does_not_verify(cli: Cli, tmp_path: Path) -> None:
    proof = cli.ok("log", "prove", "1").out
    assert cli.ok("log", "verify", "-", stdin=proof.encode()).code == 0
    pieces = ("origin", '"v": 1', '"vkey": "', '"salt": "', '"index": ', '"payload": "{')
    altered = [proof[: len(proof) // 2], *(proof.replace(piece, piece + "7") for piece in pieces if piece in proof)]
    assert len(altered) > 4
    for one in altered:
        ran = cli.run("log", "verify", "-", "--json", stdin=one.encode())
        assert (ran.code, ran.error["kind"]) == (3, "log-broken"), one


def test_sharing_with_recipients_tells_who_of_them_can_read_it(cli: Cli) -> None:
    receipt = cli.json(
        *("share", "-", "--as", "alpha", "--to", "beta,anna@beta", "--to", "gamma"),
        stdin=bundle(indicator(20), tool(21)),
    )
    told = {(one["reader"], one["type"]): one for one in receipt["recipients"]}
    assert told["beta", "indicator"]["purposes"] == ["detect"]
    assert told["beta", "indicator"]["missing"] == []
    assert told["anna@beta", "indicator"]["purposes"] == ["detect"]
    assert "clause 1 of pact" in told["beta", "tool"]["missing"][0]
    assert told["gamma", "indicator"]["purposes"] == []
    lacks, remark = told["gamma", "indicator"]["missing"]
    assert lacks.startswith(
        "clause 1 of pact: not so: the reader is a member of pact version 1 (gamma is neither named"
    )
    assert remark == "no agreement in force joins gamma and alpha"
    text = cli.ok("share", "-", "--as", "alpha", "--to", "beta", stdin=bundle(indicator(22), tool(23))).out
    assert "beta can read 1 of 2 objects now" in text
    assert "not 1 objects (tool):" in text
    assert cli.run("share", "-", "--as", "alpha", "--to", "nobody", stdin=bundle(indicator(24))).code == 1


def test_red_goes_to_the_person_and_to_nobody_else(cli: Cli) -> None:
    refused = cli.run("share", "-", "--as", "alpha", "--tlp", "red", stdin=bundle(indicator(30)))
    assert refused.code == 1
    assert "TLP:RED is for individuals" in refused.out
    cli.ok("share", "-", "--as", "alpha", "--tlp", "red", "--to", "anna@beta", stdin=bundle(indicator(30)))
    assert indicator(30) not in cli.json("read", "--as", "beta")["objects"]
    assert indicator(30) not in cli.json("read", "--as", "sig@beta")["objects"]


def test_a_viewer_shares_nothing(cli: Cli) -> None:
    ran = cli.run("share", "-", "--as", "sig@alpha", "--json", stdin=bundle(indicator(40)))
    assert (ran.code, ran.error["kind"]) == (1, "forbidden")


def test_reading_gives_what_the_agreements_open_and_no_more(cli: Cli) -> None:
    read = cli.json("read", "--as", "beta")
    assert read["objects"] == [ONE, TWO]
    assert read["more"] is False
    # in one submission, chance mixes objects of different labels
    assert sorted(cli.json("read", "--as", "alpha")["objects"], key=str) == sorted([ONE, TWO, TOOL], key=str)
    assert cli.json("read", "--as", "beta", "--type", "malware,tool")["objects"] == []
    assert cli.json("read", "--as", "beta", "--purpose", "respond")["objects"] == []
    assert cli.json("read", "--as", "gamma") == {"objects": [], "next": None, "more": False}
    text = cli.ok("read", "--as", "anna@beta").out
    assert "indicator 1" in text
    assert "amber" in text
    assert "2 objects" in text
    assert "nothing for this reader" in cli.ok("read", "--as", "gamma").out
    assert cli.run("read", "--as", "beta", "--purpose", "fun").code == 2


def test_reading_goes_on_where_it_stopped(cli: Cli) -> None:
    first = cli.json("read", "--as", "beta", "--limit", "1")
    assert (first["objects"], first["more"]) == ([ONE], True)
    rest = cli.json("read", "--as", "beta", "--since", first["next"])
    assert (rest["objects"], rest["more"]) == ([TWO], False)
    nothing = cli.json("read", "--as", "beta", "--since", rest["next"])
    assert nothing == {"objects": [], "next": rest["next"], "more": False}
    cli.ok("share", "-", "--as", "alpha", stdin=bundle(indicator(50)))
    assert cli.json("read", "--as", "beta", "--since", nothing["next"])["objects"] == [indicator(50)]
    assert "and there are more" in cli.ok("read", "--as", "beta", "--limit", "2").out
    assert cli.run("read", "--as", "beta", "--since", "yesterday", "--json").error["where"] == "next"


def test_why_an_object_may_be_read(cli: Cli) -> None:
    (told,) = cli.json("why", str(ONE["id"]), "--as", "beta")["verdicts"]
    assert told["verdict"] == "allow"
    (reason,) = told["reasons"]
    assert (reason["agreement"], reason["version"], reason["clause"]) == ("pact", 1, "1")
    assert [(one["end"], one["cite"], one["valid_from"], one["valid_until"]) for one in reason["legal_bases"]] == [
        ("reader", "Section 3", "2020-01-01T00:00:00.000000Z", None),
        ("owner", "Section 3", "2020-01-01T00:00:00.000000Z", None),
    ]
    text = cli.ok("why", str(ONE["id"]), "--as", "beta").out
    assert text.startswith("ALLOW: beta reads, to detect")
    for said in ("pact version 1, clause 1", "Section 3, valid from 2020-01-01", reason["sentence"]):
        assert said in text
    assert all(line in text for line in reason["cedar"].splitlines())


def test_why_an_object_may_not_be_read_is_for_its_owner(cli: Cli) -> None:
    (told,) = cli.json("why", str(TOOL["id"]), "--as", "alpha", "--reader", "beta")["verdicts"]
    assert told["verdict"] == "deny"
    assert told["reasons"] == []
    assert "its type is indicator or malware" in told["missing"][0]["failed"][0]
    text = cli.ok("why", str(TOOL["id"]), "--as", "alpha", "--reader", "gamma").out
    assert "no agreement in force joins gamma and alpha" in text
    assert cli.run("why", str(TOOL["id"]), "--as", "beta").code == 1


def test_who_received_an_object_and_who_may(cli: Cli) -> None:
    cli.ok("read", "--as", "anna@beta")
    for asker in ([], ["--as", "alpha"]):
        told = cli.json("who", str(ONE["id"]), *asker)
        assert [(one["party"], one["actor"], one["on_behalf_of"]) for one in told["received"]] == [
            ("beta", "operator@hub", "anna@beta")
        ]
        # where an entry is in the log counts what everyone does: an owner is not told
        assert (told["received"][0]["log_entry"] is None) == bool(asker)
        assert ("log entry" in cli.ok("who", str(ONE["id"]), *asker).out) == (not asker)
        standings = {one["reader"]: one for one in told["standings"]}
        assert standings["beta"]["purposes"] == ["detect"]
        assert standings["gamma"]["remarks"] == ["no agreement in force joins gamma and alpha"]
    text = cli.ok("who", str(TOOL["id"])).out
    assert "nobody received it" in text
    assert "not so: its type is indicator or malware" in text
    assert cli.run("who", str(ONE["id"]), "--as", "beta").code == 1


def test_the_log_is_shown(cli: Cli) -> None:
    head = cli.json("log", "head")
    assert head["checkpoint"] == cli.ok("log", "head").out
    assert head["checkpoint"].splitlines()[:2] == ["hub.example/tocsin/live", str(head["size"])]
    shown = cli.json("log", "show", "--last", "3")
    assert [one["index"] for one in shown] == [head["size"] - 3, head["size"] - 2, head["size"] - 1]
    assert [one["kind"] for one in cli.json("log", "show", "--kind", "agreement.signed")] == ["agreement.signed"] * 2
    one = cli.json("log", "show", str(head["size"] - 1))
    assert one["payload"]["kind"] == "submission"
    assert one["payload"]["on_behalf_of"] == "alpha"
    assert "operator@hub" in cli.ok("log", "show").out
    assert '"kind": "hub.founded"' in cli.ok("log", "show", "0").out
    assert cli.run("log", "show", str(head["size"])).code == 1


def test_an_export_verifies_and_replays_without_a_hub(cli: Cli, tmp_path: Path) -> None:
    cli.ok("read", "--as", "beta")
    directory = tmp_path / "export"
    written = cli.json("log", "export", str(directory))
    assert written["disclosed"] == written["size"]
    outsider = Cli(tmp_path / "nowhere")
    verified = outsider.json("log", "verify", str(directory))
    assert verified["caveat"]
    pinned = outsider.json("log", "verify", str(directory), "--key", written["vkey"])
    assert (pinned["pinned"], pinned["caveat"], pinned["size"]) == (True, None, written["size"])
    told = outsider.json("log", "replay", str(directory), "--key", str(directory / "vkey"))
    assert (told["parties"], told["offers"], told["releases"], told["verdicts"]) == (4, 3, 1, 1)
    assert told["agreements"] == {"pact/1": "in-force"}
    assert "It replays" in outsider.ok("log", "replay", str(directory)).out
    assert not outsider.home.exists()
    assert cli.run("log", "export", str(directory), "--json").error["kind"] == "conflict"


def test_a_tampered_export_is_a_broken_log(cli: Cli, tmp_path: Path) -> None:
    directory = tmp_path / "export"
    cli.ok("log", "export", str(directory))
    lines = (directory / "disclosed.jsonl").read_bytes()
    (directory / "disclosed.jsonl").write_bytes(lines.replace(b"alpha", b"alphb", 1))
    for command in ("verify", "replay"):
        ran = cli.run("log", command, str(directory), "--json")
        assert (ran.code, ran.error["kind"]) == (3, "log-broken")


def test_an_export_discloses_what_was_asked(cli: Cli, tmp_path: Path) -> None:
    none = cli.json("log", "export", str(tmp_path / "none"), "--disclose", "none")
    assert none["disclosed"] == 0
    gamma = cli.json("log", "export", str(tmp_path / "gamma"), "--disclose", "party:gamma")
    lines = (tmp_path / "gamma" / "disclosed.jsonl").read_text(encoding="utf-8")
    assert 0 < gamma["disclosed"] < gamma["size"]
    assert "gamma" in lines
    assert str(ONE["id"]) not in lines
    ran = cli.run("log", "replay", str(tmp_path / "gamma"), "--json")
    assert (ran.code, ran.error["todo"]) == (2, "export with --disclose all")
    assert cli.run("log", "export", str(tmp_path / "x"), "--disclose", "some").code == 2
    assert cli.run("log", "export", str(tmp_path / "x"), "--disclose", "party:nobody").code == 1
    assert not (tmp_path / "x").exists()


def test_an_entry_and_an_object_are_proven(cli: Cli, tmp_path: Path) -> None:
    vkey = cli.json("log", "head")["vkey"]
    outsider = Cli(tmp_path / "nowhere")
    of_entry = cli.ok("log", "prove", "0").out
    proven = outsider.json("log", "verify", "-", "--key", vkey, stdin=of_entry.encode())
    assert (proven["payload"]["kind"], proven["offer"]) == ("hub.founded", None)
    file = tmp_path / "proof.json"
    assert "tocsin log verify" in cli.ok("log", "prove", str(TWO["id"]), "--as", "alpha", "--out", str(file)).out
    proven = outsider.json("log", "verify", str(file), "--key", vkey)
    assert proven["with_content"]
    assert proven["offer"]["object"] == TWO["id"]
    assert proven["offer"]["party"] == "https://alpha.example"
    assert f"shared {TWO['id']}" in outsider.ok("log", "verify", str(file)).out
    ran = cli.run("log", "prove", str(TWO["id"]), "--as", "alpha", "--out", str(file), "--json")
    assert ran.error["kind"] == "conflict"
    ran = cli.run("log", "prove", str(TWO["id"]), "--json")
    assert (ran.code, ran.error["kind"], ran.error["todo"]) == (2, "usage", "say who that is: --as PARTY")
    forged = json.loads(file.read_text())
    forged["index"] -= 1
    ran = outsider.run("log", "verify", "-", "--json", stdin=json.dumps(forged).encode())
    assert (ran.code, ran.error["kind"]) == (3, "log-broken")
    assert cli.run("log", "prove", "9999").code == 1
    assert cli.run("log", "prove", "tool--00000000-0000-4000-8000-00000000dead", "--as", "alpha").code == 1
    assert cli.run("log", "prove", str(TWO["id"]), "--as", "beta").code == 1


def test_a_collection_is_opened_and_used(cli: Cli) -> None:
    made = cli.json("collection", "add", "incidents", "--title", "Incidents", "--description", "of this week")
    assert cli.run("collection", "add", "incidents", "--title", "Again", "--json").error["kind"] == "conflict"
    cli.ok("share", "-", "--as", "alpha", "--collection", "incidents", stdin=bundle(indicator(60)))
    assert cli.json("read", "--as", "beta", "--collection", made["uuid"])["objects"] == [indicator(60)]
    assert [(one["collection"], one["offers"]) for one in cli.json("collection", "list")] == [
        ("exchange", 3),
        ("recalls", 0),
        ("incidents", 1),
    ]
    assert "Incidents" in cli.ok("collection", "list").out
    assert cli.run("read", "--as", "beta", "--collection", "nowhere").code == 1


def test_a_whole_hub_passes_its_own_check(cli: Cli) -> None:
    cli.ok("read", "--as", "beta")
    told = cli.json("check")
    assert told["passed"]
    assert [one["check"] for one in told["checks"]][-3:] == ["replay", "risk", "fund"]
    text = cli.ok("check").out
    assert all(line.startswith("ok ") for line in text.splitlines())
