"""Row by row, on each store: what a database of the first schema holds, in more steps than one, comes forward.

That a whole hub then works, and what becomes of a step that fails, is in ``tests/unit/test_upgrade.py``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from alembic import command
from sqlalchemy import column, select, table, text

from tocsin.exchange.access.tables import ACCESS_REQUESTS
from tocsin.exchange.live.webhooks.tables import WEBHOOK_MESSAGES, WEBHOOKS
from tocsin.exchange.releases import encode_offers
from tocsin.exchange.store import object_key
from tocsin.exchange.tables import CONTRIBUTIONS, OFFERS, RELEASES
from tocsin.governance.tables import DISPUTES
from tocsin.kernel.db import migrate
from tocsin.kernel.db.opening import open_store

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.kernel.db import Store
    from tocsin.settings import Settings

COUNT: Final = 2_500  # more than are moved at a time
ROWS: Final[dict[str, list[dict[str, Any]]]] = {
    "environments": [{"environment": 1, "name": "live", "created_at": 0}],
    "parties": [
        {"party_id": 1, "environment": 1, "uri": "u", "name": "n", "status": "vetted", "body": b"", "changed_at": 0}
    ],
    "labels": [
        {"label_id": 1, "environment": 1, "digest": b"d", "owner": "u", "type": "t", "body": b"", "first_at": 0}
    ],
    "profiles": [{"profile_id": 1, "environment": 1, "digest": b"d", "body": b"", "first_at": 0}],
    "collections": [
        {
            "collection_id": 1,
            "environment": 1,
            "uuid": "c",
            "alias": "a",
            "title": "",
            "description": "",
            "head_seq": COUNT,
            "head_added": COUNT,
            "created_at": 0,
        }
    ],
    "submissions": [
        {
            "submission_id": 1,
            "environment": 1,
            "uuid": "s",
            "party_id": 1,
            "collection_id": 1,
            "actor": "a",
            "on_behalf_of": None,
            "received_at": 0,
            "result": b"{}",
        }
    ],
    # two contributions share what is between them: bytes once, or purged ones
    "bodies": [
        {
            "body_id": number,
            "environment": 1,
            "digest": b"%d" % number,
            "bytes": b"b%d" % number if number % 7 else None,
        }
        for number in range(1, COUNT // 2 + 1)
    ],
    "contributions": [
        {
            "contribution_id": number,
            "environment": 1,
            "owner_id": 1,
            "object_id": f"x--{number}",
            "version": number,
            "type": "x",
            "body_id": (number + 1) // 2,
            "label_id": 1,
            "salt": None,
            "submission_id": 1,
            "versioned": True,
            "sealed": False,
            "origin_hub": None,
            "origin_entry": None,
        }
        for number in range(1, COUNT + 1)
    ],
    "offers": [
        {
            "collection_id": 1,
            "offer_seq": number,
            "environment": 1,
            "label_id": 1,
            "contribution_id": number,
            "body_id": (number + 1) // 2,
            "object_id": f"x--{number}",
            "version": number,
            "owner_id": 1,
            "date_added": number,
            "contested": number % 2 == 0,
            "withdrawn_at": None,
        }
        for number in range(1, COUNT + 1)
    ],
    "releases": [
        {
            "release_id": 1,
            "environment": 1,
            "uuid": "r",
            "at": 0,
            "kind": "objects",
            "actor": "a",
            "as_of": 1,
            "on_behalf_of": None,
            "profile_id": 1,
            "party": "u",
            "purpose": "p",
            "slice_digest": b"s",
            "collection_id": 1,
            "filter": b"{}",
            "first_seq": 1,
            "last_seq": 2,
            "count": 2,
            "offers": encode_offers([1, 2]),
            "log_idx": None,
        }
    ],
}


def _begin(connection: Connection) -> None:
    config = migrate.config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
    for name, rows in ROWS.items():
        connection.execute(table(name, *(column(key) for key in rows[0])).insert(), rows)


def test_what_the_first_schema_held_is_there(settings: Settings, opened: list[Store]) -> None:
    store = open_store(settings)
    opened.append(store)
    with store.write() as connection:
        _begin(connection)
    with store.write() as connection:
        migrate.upgrade(connection)
    store.require_current()
    bodies = {row["body_id"]: row for row in ROWS["bodies"]}
    with store.read() as connection:
        contributions = connection.execute(select(CONTRIBUTIONS).order_by(CONTRIBUTIONS.c.contribution_id)).mappings()
        for row, old in zip(contributions, ROWS["contributions"], strict=True):
            body = bodies[old["body_id"]]
            own = {name: value for name, value in old.items() if name != "body_id"}
            assert dict(row) == own | {
                "object_key": object_key(1, old["object_id"]),
                "digest": body["digest"],
                "bytes": body["bytes"],
            }
        offers = connection.execute(select(OFFERS).order_by(OFFERS.c.offer_seq)).mappings()
        gone = {"body_id", "object_id", "owner_id"}
        assert [dict(row) for row in offers] == [
            {name: value for name, value in row.items() if name not in gone} for row in ROWS["offers"]
        ]
        (release,) = connection.execute(select(RELEASES)).mappings()
        assert dict(release) == ROWS["releases"][0] | {"parts": None}
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == migrate.HEAD
        assert store.adapter.faults(connection) == []


def test_a_webhook_is_answered_for_by_who_registered_it(settings: Settings, opened: list[Store]) -> None:
    store = open_store(settings)
    opened.append(store)
    with store.write() as connection:
        config = migrate.config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        for name, rows in {
            **{name: ROWS[name] for name in ("environments", "parties", "collections")},
            "webhooks": [_webhook(number) for number in range(1, 4)],
            "webhook_messages": [_message(number) for number in range(1, 4)],
            "log_entries": [
                _entry(0, "webhook.added", "one@hub", 1),
                _entry(1, "webhook.added", "one@hub", 2),
                _entry(2, "webhook.resumed", "two@hub", 2),
                _entry(3, "webhook.removed", "three@hub", 1),
                _entry(4, "webhook.added", "one@hub", 3) | {"payload": None, "salt": None},
            ],
        }.items():
            connection.execute(table(name, *(column(key) for key in rows[0])).insert(), rows)
    with store.write() as connection:
        migrate.upgrade(connection)
    with store.read() as connection:
        found = connection.execute(select(WEBHOOKS).order_by(WEBHOOKS.c.webhook_id)).mappings().all()
        kept = connection.execute(select(WEBHOOK_MESSAGES).order_by(WEBHOOK_MESSAGES.c.message_id)).mappings().all()
    # of the third the log was purged: nobody answers for it
    assert [row["registrar"] for row in found] == ["one@hub", "two@hub", ""]
    assert [{name: value for name, value in row.items() if name != "registrar"} for row in found] == [
        _webhook(number) for number in range(1, 4)
    ]
    assert [dict(row) for row in kept] == [_message(number) for number in range(1, 4)]


def test_requests_and_disputes_say_whose_they_are(settings: Settings, opened: list[Store]) -> None:
    store = open_store(settings)
    opened.append(store)
    asked = {"request_id": 7, "environment": 1, "uuid": "r", "body": b'{"party":"one","owner":"two"}'}
    filed = {"dispute_id": 8, "environment": 1, "uuid": "d", "status": "filed", "due": None}
    filed["dispute"] = b'{"complainant":"two","respondent":"one"}'
    with store.write() as connection:
        config = migrate.config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0022")
        for name, row in (("environments", ROWS["environments"][0]), ("access_requests", asked)):
            connection.execute(table(name, *(column(key) for key in row)).insert(), [row])
        connection.execute(table("governance_disputes", *(column(key) for key in filed)).insert(), [filed])
    with store.write() as connection:
        migrate.upgrade(connection)
    with store.read() as connection:
        (request,) = connection.execute(select(ACCESS_REQUESTS)).mappings()
        (dispute,) = connection.execute(select(DISPUTES)).mappings()
        assert store.adapter.faults(connection) == []
    assert dict(request) == asked | {"party": "one", "owner": "two"}
    assert dict(dispute) == filed | {"complainant": "two", "respondent": "one"}


def _webhook(number: int) -> dict[str, Any]:
    return {
        "webhook_id": number,
        "environment": 1,
        "uuid": f"w{number}",
        "party_id": 1,
        "collection_id": 1,
        "url": "https://soc.example/",
        "purpose": "detect",
        "content": "hint",
        "types": b"[]" if number == 1 else None,
        "state": "on",
        "place": number,
        "created_at": 0,
        "removed_at": None,
    }


def _message(number: int) -> dict[str, Any]:
    return {
        "message_id": number,
        "environment": 1,
        "webhook_id": number,
        "uuid": f"m{number}",
        "upto": 1,
        "offers": b"",
        "attempts": 0,
        "state": "waiting",
        "next_at": 0,
        "last_at": None,
        "outcome": "",
        "created_at": 0,
    }


def _entry(index: int, kind: str, actor: str, webhook: int) -> dict[str, Any]:
    payload = {"actor": actor, "data": {"webhook": f"w{webhook}"}}
    return {
        "environment": 1,
        "idx": index,
        "kind": kind,
        "at": 0,
        "concerns": "",
        "entry": b"",
        "leaf": b"",
        "salt": b"",
        "payload": json.dumps(payload).encode(),
    }
