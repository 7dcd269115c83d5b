"""The self-test: every way of damaging store or log that we could think of fails the check that is for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import stores
from support.cli import PACT, Cli, bundle, indicator, partnership, tool
from tocsin.exchange.check import CHECKS

if TYPE_CHECKING:
    from pathlib import Path


# Its contribution has the version of its arrival: it says none itself.
DOMAIN: dict[str, object] = {
    "type": "domain-name",
    "spec_version": "2.1",
    "id": "domain-name--00000000-0000-4000-8000-000000000007",
    "value": "example.com",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cli = partnership(tmp_path_factory.mktemp("check") / "home")
    cli.ok("share", "-", "--as", "alpha", stdin=bundle(indicator(1), indicator(2), tool(3)))
    cli.ok("share", "-", "--as", "beta", stdin=bundle(indicator(1), indicator(4)))
    assert cli.run("share", "-", "--as", "beta", stdin=bundle(indicator(4), indicator(5, pattern="no"))).code == 1
    cli.ok("collection", "add", "other", "--title", "Other")
    cli.ok("share", "-", "--as", "alpha", "--collection", "other", stdin=bundle(indicator(2)))
    cli.ok("share", "-", "--as", "alpha", "--collection", "other", stdin=bundle(DOMAIN))
    cli.ok("user", "token", "beta")
    cli.ok("user", "token", "alpha")
    cli.ok("user", "add", "anna@gamma", "--role", "analyst")
    cli.ok("user", "token", "anna@beta")
    cli.ok("user", "revoke", "1")
    cli.ok("read", "--as", "beta")
    cli.ok("read", "--as", "anna@beta", "--limit", "1")
    cli.ok("why", str(indicator(1)["id"]), "--as", "alpha")
    cli.ok("log", "prove", str(indicator(1)["id"]), "--as", "alpha")
    document = cli.home / "pact-2.yaml"
    document.write_text(PACT.replace("version: 1", "version: 2"), encoding="utf-8")
    cli.ok("agreement", "propose", str(document))
    for party in ("alpha", "beta"):
        cli.ok("agreement", "sign", "pact/2", "--as", party)
    cli.ok("agreement", "activate", "pact/2")
    cli.ok("reindex")
    return cli.home


def test_a_hub_that_was_used_passes(made: Path) -> None:
    told = Cli(made).json("check")
    assert told["passed"]
    assert [one["check"] for one in told["checks"]] == [*CHECKS, "risk", "fund"]
    details = {one["check"]: one["detail"] for one in told["checks"]}
    assert details["submissions"] == "5 submissions, 7 offers; 6 contents open their commitments"
    assert details["releases"] == "2 releases"
    assert details["credentials"] == "3 tokens, 1 of them revoked"


LABEL_OF_THREE = "(SELECT label_id FROM contributions WHERE contribution_id = 3)"
# which of the objects came first or third, chance decides
FIRST_CONTESTED = "(SELECT min(offer_seq) FROM offers WHERE collection_id = 1 AND contested = {})"
LABEL_OF_ANOTHER = f"(SELECT min(label_id) FROM contributions WHERE label_id <> {LABEL_OF_THREE})"

# name: statements, and the checks of which at least one must fail
DAMAGE: dict[str, tuple[list[str], set[str]]] = {
    "a row refers to nothing": (["UPDATE contributions SET label_id = 99 WHERE contribution_id = 1"], {"database"}),
    "the index lost a term": (
        ["DELETE FROM search_postings WHERE term = (SELECT min(term) FROM search_postings)"],
        {"index"},
    ),
    "the index has a term too many": (
        [
            (
                "INSERT INTO search_postings SELECT collection_id, 7, label_id, offer_seq, environment "
                "FROM search_postings LIMIT 1"
            )
        ],
        {"index"},
    ),
    "the index shows a term under another label": (
        ["UPDATE search_postings SET label_id = label_id + 1 WHERE term = (SELECT max(term) FROM search_postings)"],
        {"index"},
    ),
    "the index forgot a revocation": (["UPDATE search_facts SET revoked = NOT revoked WHERE offer_seq = 1"], {"index"}),
    "the index goes beyond the offers": (["UPDATE search_states SET indexed_seq = indexed_seq + 1"], {"index"}),
    "an entry is gone": (["DELETE FROM log_entries WHERE idx = 5"], {"log"}),
    "an entry's payload is another": (
        ["UPDATE log_entries SET payload = replace(payload, 'live', 'lave') WHERE idx = 5"],
        {"log"},
    ),
    "an entry's kind is another": (["UPDATE log_entries SET kind = 'inquiry' WHERE idx = 5"], {"log"}),
    "an entry's time is another": (["UPDATE log_entries SET at = at + 1 WHERE idx = 5"], {"log"}),
    "the head is older": (["UPDATE log_heads SET size = size - 1"], {"log"}),
    "a submission is gone": (["DELETE FROM submissions WHERE submission_id = 3"], {"submissions"}),
    "a submission is another's": (["UPDATE submissions SET party_id = 1 WHERE submission_id = 3"], {"submissions"}),
    "a submission came for another": (
        ["UPDATE submissions SET on_behalf_of = 'gamma' WHERE submission_id = 3"],
        {"submissions"},
    ),
    "a submission came later": (
        ["UPDATE submissions SET received_at = received_at + 1 WHERE submission_id = 3"],
        {"submissions"},
    ),
    "a receipt tells another result": (
        ["UPDATE submissions SET result = replace(result, 'repeated', 'accepted') WHERE submission_id = 3"],
        {"submissions"},
    ),
    "a receipt is no receipt": (["UPDATE submissions SET result = 'x' WHERE submission_id = 3"], {"submissions"}),
    "an offer is gone": (["DELETE FROM offers WHERE collection_id = 1 AND offer_seq = 5"], {"submissions"}),
    "an offer is added": (
        [
            (
                "INSERT INTO offers SELECT collection_id, 6, environment, label_id, contribution_id, "
                "version, date_added + 1, contested, withdrawn_at FROM offers "
                "WHERE collection_id = 1 AND offer_seq = 5"
            )
        ],
        {"submissions"},
    ),
    "an offer is of another object": (
        ["UPDATE offers SET contribution_id = 2 WHERE collection_id = 1 AND offer_seq = 3"],
        {"submissions"},
    ),
    "an offer is of another version": (
        ["UPDATE offers SET version = version + 1 WHERE collection_id = 1 AND offer_seq = 3"],
        {"submissions"},
    ),
    "an offer was made at another time": (
        ["UPDATE offers SET date_added = date_added + 1 WHERE collection_id = 1 AND offer_seq = 3"],
        {"submissions"},
    ),
    "an offer is another's": (
        [
            (
                "UPDATE contributions SET owner_id = 3"
                " WHERE contribution_id = (SELECT contribution_id FROM offers WHERE offer_seq = 3)"
            )
        ],
        {"submissions"},
    ),
    "an offer has a wider label": (
        [f"UPDATE offers SET label_id = {LABEL_OF_ANOTHER} WHERE collection_id = 1 AND offer_seq = 3"],
        {"submissions"},
    ),
    "an offer is withdrawn behind the log's back": (
        [
            f"UPDATE label_counts SET offers = offers - 1 WHERE collection_id = 1 AND label_id = {LABEL_OF_THREE}",
            "UPDATE offers SET label_id = 0, withdrawn_at = 5 WHERE collection_id = 1 AND offer_seq = 3",
            "INSERT INTO label_counts VALUES (1, 0, 1, 1)",
        ],
        {"withdrawals"},
    ),
    "a contribution has another label": (
        [f"UPDATE contributions SET label_id = {LABEL_OF_ANOTHER} WHERE contribution_id = 3"],
        {"submissions"},
    ),
    "a contribution is another's": (
        ["UPDATE contributions SET owner_id = 3 WHERE contribution_id = 2"],
        {"submissions"},
    ),
    "a contribution came with another submission": (
        ["UPDATE contributions SET submission_id = 2 WHERE contribution_id = 2"],
        {"submissions"},
    ),
    "a salt is another": (["UPDATE contributions SET salt = zeroblob(32) WHERE contribution_id = 1"], {"submissions"}),
    "a body is another": (
        ["UPDATE contributions SET bytes = replace(bytes, 'indicator', 'indicatos') WHERE contribution_id = 2"],
        {"submissions"},
    ),
    "a body is another, and its digest is right": (
        [
            (
                "UPDATE contributions SET (bytes, digest) ="
                " (SELECT bytes, digest FROM contributions WHERE contribution_id = 1) WHERE contribution_id = 2"
            )
        ],
        {"submissions"},
    ),
    "a contribution is not found by its object": (
        ["UPDATE contributions SET object_key = object_key + 1 WHERE contribution_id = 2"],
        {"submissions"},
    ),
    "a contribution is in another environment": (
        ["INSERT INTO environments VALUES (7, 'x', 0)", "UPDATE contributions SET environment = 7"],
        {"submissions"},
    ),
    "a contribution is added": (
        [
            (
                "INSERT INTO contributions SELECT 77, environment, owner_id, object_key, 'x', version, type, "
                "label_id, salt, submission_id, versioned, sealed, origin_hub, origin_entry, digest, bytes "
                "FROM contributions WHERE contribution_id = 1"
            )
        ],
        {"submissions"},
    ),
    "a label is wider": (["UPDATE labels SET body = replace(body, 'amber', 'clear') WHERE label_id = 1"], {"labels"}),
    "a label is added": (
        ["INSERT INTO labels SELECT 77, environment, 'x', owner, type, body, first_at FROM labels WHERE label_id = 1"],
        {"labels"},
    ),
    "a count is wrong": (["UPDATE label_counts SET offers = offers + 1 WHERE label_id = 1"], {"labels"}),
    "a count is gone": (["DELETE FROM label_counts WHERE label_id = 1"], {"labels"}),
    "a head is behind": (["UPDATE collections SET head_seq = head_seq - 1 WHERE collection_id = 1"], {"collections"}),
    "a head's time is behind": (
        ["UPDATE collections SET head_added = head_added - 1 WHERE collection_id = 1"],
        {"collections"},
    ),
    "times do not rise": (
        ["UPDATE offers SET date_added = date_added - 10000000 WHERE collection_id = 1 AND offer_seq = 3"],
        {"collections"},
    ),
    "a contested object is not marked": (
        [f"UPDATE offers SET contested = 0 WHERE collection_id = 1 AND offer_seq = {FIRST_CONTESTED.format(1)}"],
        {"collections"},
    ),
    "an object alone is marked": (
        [f"UPDATE offers SET contested = 1 WHERE collection_id = 1 AND offer_seq = {FIRST_CONTESTED.format(0)}"],
        {"collections"},
    ),
    "a release is gone": (["DELETE FROM releases WHERE release_id = 1"], {"releases"}),
    "a release is another": (["UPDATE releases SET uuid = 'x' WHERE release_id = 1"], {"releases"}),
    "a release went to another": (
        ["UPDATE releases SET party = 'https://gamma.example' WHERE release_id = 1"],
        {"releases"},
    ),
    "a release was for another": (["UPDATE releases SET on_behalf_of = 'gamma' WHERE release_id = 1"], {"releases"}),
    "a release has another profile": (
        ["UPDATE releases SET profile_id = (SELECT max(profile_id) FROM profiles) WHERE release_id = 1"],
        {"releases"},
    ),
    "a release asked for something else": (["UPDATE releases SET filter = '{}' WHERE release_id = 1"], {"releases"}),
    "a release rested on something else": (
        ["UPDATE releases SET slice_digest = 'x' WHERE release_id = 1"],
        {"releases"},
    ),
    "a release was decided at another time": (["UPDATE releases SET at = at + 1 WHERE release_id = 1"], {"releases"}),
    "a release holds other offers": (
        ["UPDATE releases SET offers = x'03', first_seq = 3, last_seq = 3, count = 1 WHERE release_id = 2"],
        {"releases"},
    ),
    "a release's columns lie": (["UPDATE releases SET count = count + 1 WHERE release_id = 1"], {"releases"}),
    "a release's offers end within a number": (
        ["UPDATE releases SET offers = x'81' WHERE release_id = 2"],
        {"releases"},
    ),
    "a token is added": (
        [
            (
                "INSERT INTO tokens SELECT * FROM (SELECT 77 AS token_id, environment, 'x' AS digest, party_id, "
                "user_id, purpose, permissions, note, created_at, expires_at, revoked_at, capacity "
                "FROM tokens LIMIT 1)"
            )
        ],
        {"credentials"},
    ),
    "a token is good again": (["UPDATE tokens SET revoked_at = NULL WHERE token_id = 1"], {"credentials"}),
    "an agreement's policies are others": (
        ["UPDATE agreements SET policies = replace(policies, 'amber', 'red')"],
        {"agreements"},
    ),
    "an agreement is proposed only": (["UPDATE agreements SET status = 'proposed'"], {"agreements"}),
    "a signature is gone": (
        ["DELETE FROM agreement_signatures WHERE signatory = 'sig' AND agreement_id = 1"],
        {"agreements"},
    ),
    "a party has a higher clearance": (
        ["UPDATE parties SET body = replace(body, 'restricted', 'secret') WHERE name = 'beta'"],
        {"replay"},
    ),
    "a user has another role": (
        ["UPDATE users SET body = replace(body, 'analyst', 'auditor') WHERE name = 'anna'"],
        {"replay"},
    ),
    "a collection has another name": (["UPDATE collections SET alias = 'x' WHERE collection_id = 2"], {"replay"}),
    "another party runs the hub": (["UPDATE hubs SET party = 'https://alpha.example'"], {"replay", "credentials"}),
    "another person founded the hub": (["UPDATE hubs SET operator = 'anna'"], {"credentials"}),
    "the hub was founded later": (["UPDATE hubs SET founded_at = founded_at + 1"], {"credentials"}),
    "an entry concerns somebody else": (
        ["UPDATE log_entries SET concerns = 'https://gamma.example' WHERE kind = 'submission'"],
        {"log"},
    ),
    "an entry concerns one party fewer": (
        ["UPDATE log_entries SET concerns = 'https://beta.example' WHERE kind = 'release'"],
        {"log"},
    ),
    "an agreement concerns nobody": (
        ["UPDATE log_entries SET concerns = '' WHERE kind = 'agreement.activated'"],
        {"log"},
    ),
    "an inquiry concerns somebody else": (
        ["UPDATE log_entries SET concerns = 'https://gamma.example' WHERE kind = 'inquiry'"],
        {"log"},
    ),
    "a contribution has another type": (
        ["UPDATE contributions SET type = 'malware' WHERE contribution_id = 1"],
        {"submissions"},
    ),
    "a contribution has no version of its own": (
        ["UPDATE contributions SET versioned = 0 WHERE contribution_id = 1"],
        {"submissions"},
    ),
    "a contribution without `modified` has a version of its own": (
        ["UPDATE contributions SET versioned = 1 WHERE type = 'domain-name'"],
        {"submissions"},
    ),
    "a contribution is sealed": (["UPDATE contributions SET sealed = 1 WHERE contribution_id = 1"], {"submissions"}),
    "a contribution came from elsewhere": (
        ["UPDATE contributions SET origin_hub = 'https://other.example', origin_entry = 1 WHERE contribution_id = 1"],
        {"submissions"},
    ),
    "a label has another digest": (["UPDATE labels SET digest = 'x' WHERE label_id = 1"], {"labels"}),
    "a label counts for another": (
        ["UPDATE labels SET owner = 'https://gamma.example' WHERE label_id = 1"],
        {"labels"},
    ),
    "a label is of another type": (["UPDATE labels SET type = 'tool' WHERE label_id = 1"], {"labels"}),
    "a label is older": (["UPDATE labels SET first_at = first_at - 1 WHERE label_id = 1"], {"labels"}),
    "a profile has another digest": (["UPDATE profiles SET digest = 'x' WHERE profile_id = 1"], {"labels"}),
    "a collection has another title": (["UPDATE collections SET title = 'x' WHERE collection_id = 2"], {"collections"}),
    "a collection is described otherwise": (
        ["UPDATE collections SET description = 'x' WHERE collection_id = 2"],
        {"collections"},
    ),
    "a collection is older": (
        ["UPDATE collections SET created_at = created_at - 1 WHERE collection_id = 2"],
        {"collections"},
    ),
    "a token is another party's": (["UPDATE tokens SET party_id = 4 WHERE token_id = 2"], {"credentials"}),
    "a token is a user's": (
        ["UPDATE tokens SET user_id = (SELECT min(user_id) FROM users WHERE name = 'anna') WHERE token_id = 1"],
        {"credentials"},
    ),
    "a token is a namesake's": (
        [
            (
                "UPDATE tokens SET user_id = (SELECT user_id FROM users WHERE name = 'anna' AND party_id = 4) "
                "WHERE token_id = 3"
            )
        ],
        {"credentials"},
    ),
    "a user stands with another party": (
        ["UPDATE users SET party_id = 2 WHERE name = 'anna' AND party_id = 3"],
        {"credentials"},
    ),
    "a token has another purpose": (["UPDATE tokens SET purpose = 'respond' WHERE token_id = 2"], {"credentials"}),
    "a token allows more": (["UPDATE tokens SET permissions = 'delete read submit'"], {"credentials"}),
    "a token never expires": (["UPDATE tokens SET expires_at = NULL WHERE token_id = 2"], {"credentials"}),
    "a token expires later": (["UPDATE tokens SET expires_at = expires_at + 1 WHERE token_id = 2"], {"credentials"}),
    "a token has another note": (["UPDATE tokens SET note = 'x' WHERE token_id = 2"], {"credentials"}),
    "a token is older": (["UPDATE tokens SET created_at = created_at - 1 WHERE token_id = 2"], {"credentials"}),
    "a token was revoked earlier": (
        ["UPDATE tokens SET revoked_at = revoked_at - 1 WHERE token_id = 1"],
        {"credentials"},
    ),
    "a signature is older": (
        ["UPDATE agreement_signatures SET signed_at = signed_at - 1 WHERE party LIKE '%alpha%' AND agreement_id = 1"],
        {"agreements"},
    ),
    "a signature is another person's": (
        ["UPDATE agreement_signatures SET signatory = 'anna' WHERE party LIKE '%alpha%' AND agreement_id = 1"],
        {"agreements"},
    ),
    "an agreement was proposed earlier": (["UPDATE agreements SET proposed_at = proposed_at - 1"], {"agreements"}),
    "an agreement came into force earlier": (
        ["UPDATE agreements SET activated_at = activated_at - 1 WHERE version = 1"],
        {"agreements"},
    ),
    "an agreement ended earlier": (
        ["UPDATE agreements SET ended_at = ended_at - 1 WHERE version = 1"],
        {"agreements"},
    ),
    "an agreement in force has ended": (["UPDATE agreements SET ended_at = 5 WHERE version = 2"], {"agreements"}),
    "a release holds nothing": (["UPDATE releases SET offers = x'' WHERE release_id = 1"], {"releases"}),
    "a release is of no year": (["UPDATE releases SET at = 9e18"], {"releases"}),
    "a token expires in no year": (
        ["UPDATE tokens SET expires_at = 9e18 WHERE token_id = 2"],
        {"credentials"},
    ),
}


@pytest.mark.parametrize(("statements", "checks"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_found_and_named(made: Path, tmp_path: Path, statements: list[str], checks: set[str]) -> None:
    home = tmp_path / "home"
    stores.copy_home(made, home)
    assert stores.executed(home, *statements), "this damages nothing"
    ran = Cli(home).run("check", "--json")
    assert ran.code == 3, ran
    assert ran.error["kind"] == "store-broken"
    failed = {one["check"] for one in ran.document["checks"] if not one["passed"]}
    assert checks <= failed, ran.document
    assert all(name in ran.error["what"] for name in failed)


@pytest.mark.sqlite
def test_a_hub_that_cannot_be_read_at_all_is_broken_too(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    stores.copy_home(made, home)
    data = bytearray((home / "hub.db").read_bytes())
    # torn pages in the middle of the file
    data[len(data) // 3 : len(data) // 3 + 40_000] = b"\xa5" * 40_000
    (home / "hub.db").write_bytes(bytes(data))
    ran = Cli(home).run("check")
    assert ran.code == 3
    assert "Traceback" not in ran.err


def test_broken_checks_are_marked_and_the_others_still_told(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    stores.copy_home(made, home)
    stores.executed(home, "UPDATE label_counts SET offers = offers + 1 WHERE label_id = 1")
    ran = Cli(home).run("check")
    lines = {line.split()[1]: line.split()[0] for line in ran.out.splitlines()}
    assert lines == {name: "BROKEN" if name == "labels" else "ok" for name in (*CHECKS, "risk", "fund")}
    assert f"1 of {len(CHECKS) + 2} checks failed: labels" in ran.err
