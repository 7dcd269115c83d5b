"""The operator tries alone what only a council may decide.

In the field the machine is run by one organisation, at whose keyboard everything can be typed. Each command that takes
a mandate is tried here at a hub whose council holds every right: without a motion, and with one that passed for
something else. A right without a command, and a command without a row, fail this test: whoever adds one adds it here.
The services behind them are tried likewise in tests/unit/governance/test_rights.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import pytest
import typer.main

import tocsin.cli
from support.cli import Cli
from support.council import constitute, council, decide
from support.funds import joint_claim, joint_terms, work
from support.hub import OPERATOR, World
from support.privileged import CATALOGUE, CHARTER, DRAFT, ready
from support.sharing import indicator
from support.works import TOWN
from tocsin.cli.main import app
from tocsin.governance.privileged import ACTS
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Right
from tocsin.parties.model import Kind, Party, Role
from tocsin.parties.vetting.model import Evidence, EvidenceKind, Track

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY: Final = """\
body: {name}
kind: task-force
title: A body of ours
decides: {{quorum: 0.5, more_than: 0.5}}
seats: [{{seat: one, side: private, holder: alfa}}]
"""
# the command; the right that it takes; what is typed behind it, with what stands in braces put in
COMMANDS: Final[dict[str, tuple[Right, str]]] = {
    "hub ceiling": (Right.CEILING_SET, "restricted"),
    "party add": (Right.PARTY_ADD, "echo --uri https://echo.example --kind public --country NO"),
    "party change": (Right.PARTY_CHANGE, "bravo --title Two"),
    "party clear": (Right.PARTY_CLEAR, "bravo --clearance secret"),
    "party suspend": (Right.PARTY_SUSPEND, "bravo --reason late"),
    "party leave": (Right.PARTY_LEAVE, "bravo"),
    "user add": (Right.USER_ADD, "bo@bravo"),
    "user change": (Right.USER_CHANGE, "ana@bravo --role liaison"),
    "user key": (Right.USER_CHANGE, "sig@bravo --key-file {home}/new.key"),
    "user second-key": (Right.USER_CHANGE, "sig@bravo --key-file {home}/second.key"),
    "user authority": (Right.USER_CHANGE, "sig@bravo --agreement pact"),
    "user password": (Right.USER_CHANGE, "ana@bravo --stdin"),
    "user disable": (Right.USER_DISABLE, "ana@bravo"),
    "user token": (Right.TOKEN_ISSUE, "bravo"),
    "user revoke": (Right.TOKEN_REVOKE, "{token}"),
    "application admit": (Right.PARTY_CLEAR, "{application} --until 2027-01-01"),
    "agreement propose": (Right.AGREEMENT_PROPOSE, "{home}/draft.yaml"),
    "agreement activate": (Right.AGREEMENT_ACTIVATE, "compact/1"),
    "agreement adopt": (Right.AGREEMENT_ACTIVATE, "amended/2"),
    "agreement suspend": (Right.AGREEMENT_SUSPEND, "pact/1 --reason late"),
    "agreement resume": (Right.AGREEMENT_RESUME, "resting/1 --reason late"),
    "agreement terminate": (Right.AGREEMENT_TERMINATE, "pact/1 --reason late"),
    "agreement admit": (Right.ACCESSION_ADMIT, "pact/1 coast --reason known"),
    "agreement grace": (Right.LAPSE_GRACE, "pact/1 --basis by-contract --for alfa --until 2026-12-20 --reason late"),
    "body constitute": (Right.BODY_CONSTITUTE, "{home}/task.yaml"),
    "body change": (Right.BODY_CHANGE, "{home}/advisers.yaml --reason fewer"),
    "body dissolve": (Right.BODY_DISSOLVE, "advisers --reason done"),
    "crisis duty": (Right.DUTY_SET, "sig@alfa --from 2026-06-01T08:00:00Z --until 2026-06-02T08:00:00Z"),
    "crisis activate": (Right.ANNEX_ACTIVATE, "flood to-come --reason water"),
    "crisis ratify": (Right.ANNEX_ACTIVATE, "surge called --reason water"),
    "crisis end": (Right.ANNEX_END, "flood active --reason dry"),
    "crisis close": (Right.ANNEX_REVIEW, "flood over --reason fine"),
    "dispute decide": (Right.DISPUTE_DECIDE, "{dispute} rejected --reasons no"),
    "charter adopt": (Right.CHARTER_ADOPT, "{home}/charter.yaml"),
    "collection add": (Right.COLLECTION_ADD, "drills --title Drills"),
    "sanitised approve": (Right.SANITISED_APPROVE, "{sanitised} --coordinator"),
    "sanitised veto": (Right.SANITISED_STOP, "{sanitised} --coordinator"),
    "webhook add": (Right.WEBHOOK_ADD, "bravo --url https://127.0.0.1:9/"),
    "webhook remove": (Right.WEBHOOK_REMOVE, "{hook}"),
    "webhook resume": (Right.WEBHOOK_RESUME, "{dead}"),
    "retention hold": (Right.HOLD_PLACE, "--authority court --reason evidence --until 2026-12-20 --type tool"),
    "retention renew": (Right.HOLD_RENEW, "{hold} --until 2026-12-20 --reason appeal"),
    "retention lift": (Right.HOLD_LIFT, "{hold} --reason done"),
    "vetting prolong": (Right.VETTING_PROLONG, "bravo --until 2026-12-20 --reason late"),
    "risk rollup": (Right.ROLLUP_PUBLISH, "--unit money"),
    "baseline import": (Right.CATALOGUE_IMPORT, "{home}/catalogue.json --name ours"),
    "baseline target": (Right.TARGET_SET, "nato-seven energy --due 2026-12-20"),
    "fund open": (Right.FUND_OPEN, "second --title Second --currency EUR"),
    "fund portfolio": (
        Right.PORTFOLIO_DECIDE,
        "{home}/plan.json {home}/proposed.json --budget 100 --decide joint --samples 50",
    ),
    "fund award": (Right.AWARD_MAKE, "joint chosen {home}/terms.json"),
    "fund release": (Right.TRANCHE_RELEASE, "joint awarded 1"),
    "fund claw-back": (Right.AWARD_CALL_BACK, "joint paid --amount 1 --reason late"),
    "fund settle": (Right.CLAIM_DECIDE, "joint {claim} --grant 1"),
    "recall impose": (Right.RECALL_ORDER, "{object} --of bravo --by 2026-12-20 --reason late"),
}
# it tells what it left to the body, and refuses nothing
SWEEP: Final = "vetting sweep"


class Typed(NamedTuple):
    """A hub at the command line, the names of what is on it, and the same hub as somebody sees it who watches."""

    cli: Cli
    named: dict[str, str]
    watching: World

    def size(self) -> int:
        """Return how many entries its log has."""
        with self.watching.hub.store.read() as connection:
            return self.watching.hub.log.head(connection).frontier.size


def _vetting(world: World) -> str:
    """Let one party's vetting have ended, and another be ready to be admitted; returns the other's application."""
    vetting, until = world.hub.vetting, world.clock.now() + DAY
    for name in ("alfa", "bravo"):
        world.user(f"lia@{name}", roles=frozenset({Role.LIAISON}))
    paper = Evidence(kind=EvidenceKind.REGISTRATION, title="register.pdf", sha256="ab" * 32, added_at=0)
    uuid = ""
    for name in ("ended", "small"):
        party = Party(uri=f"https://{name}.example", name=name, title=name, kind=Kind.PRIVATE, country="NO")
        world.hub.parties.add_party(OPERATOR, world.hub.mandate, party)
        uuid = vetting.open(OPERATOR, name, track=Track.FULL, clearance="restricted", capacities=frozenset()).uuid
        vetting.add_evidence(OPERATOR, uuid, paper)
        for reference in ("lia@alfa", "lia@bravo"):
            vetting.review(OPERATOR.for_(reference), uuid, approves=True, reasons="seen")
        if name == "ended":
            vetting.admit(OPERATOR, world.hub.mandate, uuid, until=until)
    world.clock.at = until
    return uuid


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typed]:
    """Return a hub at which every command could do what it does."""
    home: Path = tmp_path_factory.mktemp("operator") / "hub"
    world = ready(home)
    hooks = [one.webhook.uuid for one in world.hub.webhooks.all()]
    named = {
        "home": str(home),
        "application": _vetting(world),
        "token": str(world.hub.parties.tokens("bravo")[0].token_id),
        "dispute": world.hub.disputes.all()[0].uuid,
        "object": str(indicator(1)["id"]),
        "hold": world.hub.holds.all()[0][0].uuid,
        "sanitised": world.hub.sanitised.of_party("https://bravo.example")[0].uuid,
        "hook": hooks[0],
        "dead": hooks[1],
        "claim": joint_claim(world),
    }
    constitute(world, council(Right, name="senate"))
    named["motion"] = decide(world, Right.PARTY_LEAVE, "coast", body="senate").uuid
    world.hub.close()
    watching = World.again(home, seed=1)
    for name, text in (
        ("draft", DRAFT),
        ("task", BODY.format(name="task")),
        ("advisers", BODY.format(name="advisers")),
        ("charter", CHARTER),
    ):
        (home / f"{name}.yaml").write_text(text, encoding="utf-8")
    (home / "catalogue.json").write_bytes(CATALOGUE)
    for name, value in (("plan", TOWN), ("proposed", (work("proposed"),)), ("terms", joint_terms())):
        (home / f"{name}.json").write_bytes(msgspec.json.encode(value))
    cli = Cli(home)
    cli.ok("hub", "ceiling")  # what the hub itself had to do by now is done with the first command
    yield Typed(cli, named, watching)
    watching.hub.close()


def _leaves(command: object, *path: str) -> Iterator[tuple[str, object]]:
    inner: dict[str, object] = getattr(command, "commands", {})
    if not inner:
        yield " ".join(path), command
    for name, one in inner.items():
        yield from _leaves(one, *path, name)


def test_every_right_and_every_command_is_tried() -> None:
    leaves = dict(_leaves(typer.main.get_command(app)))
    taking = {path for path, one in leaves.items() if "motion" in {each.name for each in one.params}}  # type: ignore[attr-defined]
    assert taking == {*COMMANDS, SWEEP}
    assert {right for right, _ in COMMANDS.values()} == set(Right)
    assert {act.right for act in ACTS.values()} == set(Right)
    # and no command names the founding mandate past `--motion`
    folder = Path(tocsin.cli.__file__).parent
    assert [one.name for one in folder.glob("*.py") if "hub.mandate" in one.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_an_operator_tries_without_a_mandate(typed: Typed, command: str) -> None:
    right, rest = COMMANDS[command]
    motion, before = typed.named["motion"], typed.size()
    arguments = [*command.split(), *(one.format_map(typed.named) for one in rest.split())]
    networks = {"TOCSIN_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    for more in ((), ("--motion", motion)):
        ran = typed.cli.run(*arguments, *more, "--json", stdin=b"correct horse battery staple\n", environ=networks)
        assert (ran.code, ran.out) == (1, ""), ran
        assert ran.error["kind"] == "forbidden", ran
        assert str(right) in ran.err, ran
    assert typed.size() == before


def test_a_sweep_leaves_to_the_council_what_is_the_councils(typed: Typed) -> None:
    before = typed.size()
    ran = typed.cli.run("vetting", "sweep", "--json")
    assert (ran.document["suspended"], ran.document["left"]) == ([], ["ended"])
    assert typed.size() == before
