"""An account tells every release of what a party shared, and what anybody changes in it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from support.keeping import ALFA, keeping, later
from support.sharing import bundle, indicator
from support.treaty import MEMBERS, TREATY
from tocsin.agreements.model import Tlp
from tocsin.errors import ForbiddenError, LogBrokenError, UsageError
from tocsin.exchange.account.model import Published
from tocsin.exchange.account.service import check_account, tell
from tocsin.exchange.account.wire import decode_account, encode_account
from tocsin.exchange.evidence import export_log
from tocsin.exchange.model import Query
from tocsin.kernel.mandate import Acting
from tocsin.log.model import EntryPayload
from tocsin.log.verify import verify_export

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.hub import World
    from tocsin.exchange.account.model import Account

PROTECTED = (
    TREATY.replace("version: 1", "version: 3")
    + """  - id: "7"
    protect: {from: [regulatory-use], survives: end}
"""
)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    for hubs in keeping():
        made = hubs.world()
        made.share("alfa", bundle([indicator(1), indicator(2)]), tlp=Tlp.GREEN)
        made.share("bravo", bundle([indicator(3)]), tlp=Tlp.GREEN)
        assert len(made.read("bravo")) == 3
        later(made, 1)
        made.agreement(PROTECTED, signed_by=MEMBERS)
        assert len(made.read("ana@coast")) == 3
        made.hub.reading.manifest(made.asker("alfa"), "exchange", Query())
        yield made
        hubs.drop(made)


def account(world: World, asker: str = "lia@alfa", party: str = "alfa") -> tuple[Account, bytes]:
    resolve = world.hub.parties.resolve
    return world.hub.accounts.make(Acting(actor=asker), resolve(asker), resolve(party)[0], lambda _done: None)


def export(world: World, folder: Path, scope: str) -> Path:
    export_log(world.hub.store, world.hub.log, folder, scope=scope)
    return folder


def test_it_tells_who_received_what_by_which_clause(world: World) -> None:
    told, data = account(world)
    assert decode_account(data, trusted_vkey=world.hub.log.vkey) == (told, True)
    seen = [(one.reader[8:-8], one.user, one.kind) for one in told.releases]
    assert seen == [("bravo", None, "objects"), ("coast", "ana", "objects"), ("alfa", None, "manifest")]
    first, second, own = told.releases
    (under,) = first.under
    assert {one for one, _ in under.objects} == {indicator(1)["id"], indicator(2)["id"]}
    assert [(one.clause, one.bases) for one in under.clauses] == [("treaty/2#1", ("by-contract",))]
    assert under.protect == ()
    (under,) = second.under
    assert [(one.clause, one.uses, one.survives) for one in under.protect] == [
        ("treaty/3#7", ("regulatory-use",), "end")
    ]
    assert "tocsin.owner" in {one.clause for one in own.under[0].clauses}


def test_it_is_for_the_party_and_for_who_sees_everything(world: World) -> None:
    for asker in ("sig@alfa", "lia@alfa", "operator@hub"):
        account(world, asker)
    for asker in ("ana@alfa", "alfa", "lia@bravo", "sig@bravo", "hub"):
        with pytest.raises(ForbiddenError):
            account(world, asker)
    with world.hub.store.read() as connection:
        kinds = [row.kind for row in world.hub.log.rows(connection)]
    assert kinds.count("inquiry") >= 3
    assert world.hub.self_test.require() > 0


@pytest.mark.parametrize("scope", ["all", "party:alfa"])
def test_an_export_confirms_it(world: World, tmp_path: Path, scope: str) -> None:
    told, _ = account(world)
    world.read("bravo")  # the log grows on
    folder = export(world, tmp_path / "export", scope)
    checked = check_account(told, folder, verify_export(folder))
    assert (checked.releases, checked.whole) == (len(told.releases), scope == "all")


@pytest.mark.parametrize("scope", ["all", "party:alfa"])
def test_what_was_changed_is_found(world: World, tmp_path: Path, scope: str) -> None:
    told, _ = account(world)
    folder = export(world, tmp_path / "export", scope)
    verified = verify_export(folder)
    first = told.releases[0]
    replace = msgspec.structs.replace
    changed = {
        "left out": replace(told, releases=told.releases[1:]),
        "another reader": replace(told, releases=(replace(first, reader=ALFA), *told.releases[1:])),
        "another instant": replace(told, releases=(replace(first, at=told.releases[1].at), *told.releases[1:])),
        "for a client": replace(told, releases=(replace(first, client=ALFA), *told.releases[1:])),
        "published": replace(
            told,
            published=(Published(object=("x", 1), published_as=("y", 1), clause="treaty/2#1"),),
        ),
        "fewer objects": replace(
            told,
            releases=(
                replace(first, under=(replace(first.under[0], objects=first.under[0].objects[:1]),)),
                *told.releases[1:],
            ),
        ),
        "another root": replace(told, root=bytes(32)),
    }
    for what, one in changed.items():
        with pytest.raises(LogBrokenError):
            check_account(one, folder, verified)
        # and the signature is of another
        forged = encode_account(told, world.hub.log.signer).replace(b'"reader"', b'"reader" ')
        assert decode_account(forged)[0] == told, what
    with pytest.raises(LogBrokenError):
        decode_account(encode_account(told, world.hub.log.signer).replace(b"bravo.example", b"coast.example"))


def test_years_after_its_end_it_says_what_what_was_received_is_protected_from(bare: World) -> None:
    bare.agreement(PROTECTED.replace("until: null", "until: 2026-12-31"), signed_by=MEMBERS)
    bare.share("alfa", bundle([indicator(1)]), tlp=Tlp.GREEN)
    assert len(bare.read("bravo")) == 1
    later(bare, 3 * 365)
    assert bare.read("bravo") == []
    told, _ = account(bare)
    (release,) = [one for one in told.releases if one.kind == "objects"]
    ((clause, uses, survives),) = [(one.clause, one.uses, one.survives) for one in release.under[0].protect]
    assert (clause, uses, survives) == ("treaty/3#7", ("regulatory-use",), "end")


def test_an_older_export_confirms_nothing(world: World, tmp_path: Path) -> None:
    folder = export(world, tmp_path / "export", "all")
    told, _ = account(world)
    with pytest.raises(UsageError):
        check_account(told, folder, verify_export(folder))
    for scope in ("none", "party:bravo"):
        other = export(world, tmp_path / scope, scope)
        with pytest.raises(UsageError):
            check_account(told, other, verify_export(other))


LIES: dict[str, tuple[str, dict[str, object]]] = {
    "published what was never made": ("sanitised.published", {"versions": [["1b4e28ba", 1]]}),
    "no versions": ("sanitised.made", {}),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_entry_of_another_form_is_said_to_be_one(lie: str) -> None:
    kind, says = LIES[lie]
    payload = EntryPayload(
        kind=kind,
        at="2026-06-01T00:00:00.000000Z",
        environment="live",
        actor="hub",
        on_behalf_of=None,
        mandate=None,
        data={"party": ALFA, **says},
    )
    with pytest.raises(LogBrokenError, match="form of its kind"):
        tell([(0, payload)], origin="o", size=1, root=bytes(32), party=ALFA)
