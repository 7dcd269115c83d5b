"""``tocsin webhook``: where parties' machines hear of what they may read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from tocsin.cli.options import (
    CollectionOption,
    JsonOption,
    MotionOption,
    PurposeOption,
    ReasonOption,
    commands,
    example,
    words,
)
from tocsin.cli.output import Output, instant, listed
from tocsin.cli.session import opened
from tocsin.errors import ConflictError
from tocsin.exchange.live.webhooks.model import ATTEMPTS, Content
from tocsin.exchange.model import DEFAULT_COLLECTION

if TYPE_CHECKING:
    from tocsin.exchange.live.webhooks.model import Message
    from tocsin.exchange.live.webhooks.store import WebhookRow

__all__ = ["app"]

app = commands("Webhooks: where parties' machines hear of what they may read.")

IdArgument: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="Its id; `tocsin webhook list` shows it.")]


@app.command("add", epilog=example("tocsin webhook add nordgrid --url https://soc.nordgrid.example/hooks/tocsin"))
def add(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="Whose it is, by its short name.")],
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Where to send to; https.")],
    purpose: PurposeOption = "detect",
    collection: CollectionOption = DEFAULT_COLLECTION,
    types: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Only objects of this STIX type; repeatable.")
    ] = None,
    objects: Annotated[
        bool, typer.Option("--objects", help="Send the objects themselves, and not only that there are some.")
    ] = False,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Register a webhook for a party, and show its secret, this once. It hears of what is offered from now on."""
    out = Output(json=json)
    with opened() as session:
        uri = session.hub.parties.get(party).name
        webhook, secret = session.hub.webhooks.add(
            session.acting(uri),
            session.mandate(motion),
            party,
            url=url,
            purpose=purpose,
            collection=collection,
            content=Content.OBJECTS if objects else Content.HINT,
            types=words(types) or None,
        )
    out.document({"webhook": webhook.uuid, "party": party, "secret": secret})
    out.line(f"webhook {webhook.uuid} of {party}")
    out.line(f"  secret  {secret}  (shown this once; messages are signed with it)")
    out.line(f"next: tocsin webhook test {webhook.uuid}")


@app.command("list", epilog=example("tocsin webhook list"))
def show_all(
    party: Annotated[str | None, typer.Option("--party", metavar="PARTY", help="Only those of this party.")] = None,
    json: JsonOption = False,
) -> None:
    """List the webhooks, and whether they are sent to."""
    out = Output(json=json)
    with opened() as session:
        rows = session.hub.webhooks.all(party)
    out.document([_document(row) for row in rows])
    out.table(
        ("webhook", "party", "state", "by", "collection", "purpose", "content", "types", "url"),
        (
            (
                row.webhook.uuid,
                row.party_name,
                row.state,
                row.webhook.registrar,
                row.alias,
                row.webhook.purpose,
                row.webhook.content,
                listed(row.webhook.types or ()) or "-",
                row.webhook.url,
            )
            for row in rows
        ),
        nothing="there are no webhooks",
    )


@app.command("test", epilog=example("tocsin webhook test 1b4e28ba-2fa1-41d2-883f-0016d3cca427"))
def try_out(webhook: IdArgument, json: JsonOption = False) -> None:
    """Send one message that is about nothing, and say what was answered."""
    out = Output(json=json)
    with opened() as session:
        outcome = session.hub.webhooks.test(webhook)
    out.document({"webhook": webhook, "delivered": outcome.delivered, "outcome": str(outcome)})
    if not outcome.delivered:
        raise ConflictError(
            f"the message was not taken: {outcome}", where=webhook, todo="look at the receiver, and try again"
        )
    out.line(f"taken: {outcome}")


@app.command("remove", epilog=example("tocsin webhook remove 1b4e28ba-2fa1-41d2-883f-0016d3cca427"))
def remove(
    webhook: IdArgument, reason: ReasonOption = "", motion: MotionOption = None, json: JsonOption = False
) -> None:
    """Remove a webhook for good; what waits for it is not sent."""
    out = Output(json=json)
    with opened() as session:
        session.hub.webhooks.remove(session.acting(), session.mandate(motion), webhook, reason)
    out.document({"webhook": webhook, "removed": True})
    out.line(f"webhook {webhook} is removed")


@app.command("resume", epilog=example("tocsin webhook resume 1b4e28ba-2fa1-41d2-883f-0016d3cca427"))
def resume(webhook: IdArgument, motion: MotionOption = None, json: JsonOption = False) -> None:
    """Answer for a webhook that was given up or stopped, and send to it again, beginning with what it was not told."""
    out = Output(json=json)
    with opened() as session:
        session.hub.webhooks.resume(session.acting(), session.mandate(motion), webhook)
    out.document({"webhook": webhook, "state": "on"})
    out.line(f"webhook {webhook} is sent to again")


@app.command("deliveries", epilog=example("tocsin webhook deliveries 1b4e28ba-2fa1-41d2-883f-0016d3cca427"))
def deliveries(webhook: IdArgument, json: JsonOption = False) -> None:
    """List the last messages to a webhook, newest first, and what came of them."""
    out = Output(json=json)
    with opened() as session:
        rows = session.hub.webhooks.messages(webhook)
    out.document([_message(row.message) for row in rows])
    out.table(
        ("message", "state", "attempts", "last tried", "outcome", "next"),
        (
            (
                f"msg_{row.message.uuid}",
                row.message.state,
                f"{row.message.attempts}/{ATTEMPTS}",
                instant(row.message.last_at) or "-",
                row.message.outcome or "-",
                instant(row.message.next_at) or "-",
            )
            for row in rows
        ),
        nothing="nothing was sent yet",
    )


def _document(row: WebhookRow) -> dict[str, object]:
    return {
        "webhook": row.webhook.uuid,
        "party": row.party_name,
        "state": row.state,
        "registrar": row.webhook.registrar,
        "collection": row.alias,
        "purpose": row.webhook.purpose,
        "content": row.webhook.content,
        "types": None if row.webhook.types is None else sorted(row.webhook.types),
        "url": row.webhook.url,
        "added": instant(row.created_at),
    }


def _message(message: Message) -> dict[str, object]:
    return {
        "id": f"msg_{message.uuid}",
        "state": message.state,
        "attempts": message.attempts,
        "objects": len(message.offers),
        "created": instant(message.created_at),
        "last_tried": instant(message.last_at),
        "outcome": message.outcome,
        "next": instant(message.next_at),
    }
