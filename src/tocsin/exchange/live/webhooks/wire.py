"""A message as bytes, and its signature: Standard Webhooks 1.0.0, symmetric scheme. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.kernel.clock import SECOND, format_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.exchange.live.webhooks.model import Message, Webhook
    from tocsin.kernel.clock import Micros

__all__ = ["message_id", "secret_text", "signed_headers", "write_hint", "write_objects", "write_test"]

# "Signing secret: at least 24 bytes, 512 bits at most" ("Signature scheme"); ours have 32.
_PREFIX: Final = "whsec_"


def secret_text(secret: bytes) -> str:
    """Return a secret as people hand it on ("Secret serialization")."""
    return _PREFIX + base64.b64encode(secret).decode()


def message_id(message: Message) -> str:
    """Return the id that a receiver knows a message by: it holds no full stop, which the signature sets apart."""
    return f"msg_{message.uuid}"


def signed_headers(secret: bytes, id_: str, body: bytes, *, at: Micros) -> dict[str, str]:
    """Return the headers of one attempt at an instant ("Webhook headers", "Signature scheme")."""
    stamp = str(at // SECOND)
    signed = f"{id_}.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    return {
        "content-type": "application/json",
        "user-agent": "tocsin",
        "webhook-id": id_,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }


def write_hint(webhook: Webhook, alias: str, message: Message) -> bytes:
    """Return the body that says that there is something to fetch, and nothing about it."""
    return _write("objects.offered", message.created_at, webhook, alias)


def write_objects(webhook: Webhook, alias: str, message: Message, bodies: Sequence[bytes]) -> bytes:
    """Return the body that holds objects, byte for byte as they are stored."""
    head = _write("objects.shared", message.created_at, webhook, alias)
    return head[:-2] + b',"objects":[' + b",".join(bodies) + b"]}}"


def write_test(webhook: Webhook, alias: str, at: Micros) -> bytes:
    """Return the body that a receiver is tried with."""
    return _write("webhook.test", at, webhook, alias)


def _write(type_: str, at: Micros, webhook: Webhook, alias: str) -> bytes:
    return msgspec.json.encode(
        {
            "type": type_,
            "timestamp": format_instant(at),
            # the last member, so that objects can be put at its end
            "data": {"webhook": webhook.uuid, "collection": webhook.collection, "alias": alias},
        }
    )
