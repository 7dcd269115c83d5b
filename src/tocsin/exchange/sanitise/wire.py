"""Drafts of sanitised versions as bytes, and the bytes that leave. Pure."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.agreements.model import Label, Pap, Tlp
from tocsin.exchange.markings import TERMS_EXTENSION
from tocsin.kernel.clock import Micros, format_instant
from tocsin.scrub.sanitise import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["bundle", "decode_draft", "encode_draft", "identity", "markings", "rendered", "terms_definition"]

# FIRST's own definitions of TLP 2.0, and the ones of PAP: known everywhere by these ids
_TLP: Final = {
    Tlp.CLEAR: "94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "e828b379-4e03-4974-9ac4-e53a884c97c1",
}
_PAP: Final = {
    Pap.CLEAR: "ad15a0cd-55b6-4588-a14c-a66105329b92",
    Pap.GREEN: "c43594d1-4b11-4c59-93ab-1c9b14d53ce9",
    Pap.AMBER: "60f8932b-e51e-4458-b265-a2e8be9a80ab",
    Pap.RED: "740d36e5-7714-4c30-961a-3ae632ceee0e",
}
# A definition never changes, and the same terms have the same one: nothing of when they were first needed is in it.
_BORN: Final = "2026-01-01T00:00:00.000Z"

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_DRAFT: Final = msgspec.json.Decoder(Draft)


def encode_draft(draft: Draft) -> bytes:
    """Return a draft as it is kept until it leaves."""
    return _encode(draft)


def decode_draft(data: bytes) -> Draft:
    """Return the draft that was kept."""
    return _DRAFT.decode(data)


def rendered(draft: Draft, *, slot: Micros, born: Micros | None) -> bytes:
    """Return the bytes that leave in a slot: the draft with the slot's instant, and nothing else that is new.

    ``born`` is the slot of the first version of it that left; None: this is the first.
    """
    body: dict[str, Any] = dict(draft.body)
    for name in draft.issued:
        body[name] = format_instant(slot)
    if "created" in body:
        body["created"] = format_instant(slot if born is None else born)
    return _encode(body)


def bundle(objects: Sequence[bytes], *, bundle_id: str) -> bytes:
    """Return a bundle of objects that are written already."""
    return b'{"type":"bundle","id":"bundle--%b","objects":[%b]}' % (bundle_id.encode(), b",".join(objects))


def markings(label: Label) -> tuple[list[str], bytes | None]:
    """Return which markings say what a label says, and the definition of the one that nobody else defines."""
    refs = [f"marking-definition--{_TLP[label.tlp]}"]
    if label.pap is not None:
        refs.append(f"marking-definition--{_PAP[label.pap]}")
    definition = terms_definition(label)
    if definition is not None:
        refs.append(str(msgspec.json.decode(definition)["id"]))
    return refs, definition


def terms_definition(label: Label) -> bytes | None:
    """Return the marking-definition that carries a label's categories and residency; None where it has neither.

    It is marked with the TLP of what carries it, so that whoever reads that reads its terms.
    """
    terms: dict[str, Any] = {"extension_type": "property-extension"}
    if label.categories:
        terms["categories"] = sorted(label.categories)
    if label.residency is not None:
        terms["residency"] = label.residency
    if len(terms) == 1:
        return None
    refs = [f"marking-definition--{_TLP[label.tlp]}"]
    # version 4 by its looks, made of the terms alone: the same in every hub, and telling of nobody
    digest = hashlib.sha256(b"tocsin/sanitised-terms/v1\n" + _encode([terms, refs])).digest()
    return _encode(
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": f"marking-definition--{uuid.UUID(bytes=digest[:16], version=4)}",
            "created": _BORN,
            "name": "Terms",
            "object_marking_refs": refs,
            "extensions": {TERMS_EXTENSION: terms},
        }
    )


def identity(identity_id: str, agreement: str, *, slot: Micros, tlp: Tlp) -> bytes:
    """Return the identity that stands for a producer under a pseudonym."""
    return _encode(
        {
            "type": "identity",
            "spec_version": "2.1",
            "id": identity_id,
            "created": format_instant(slot),
            "modified": format_instant(slot),
            "name": f"A member of {agreement}",
            "identity_class": "organization",
            "object_marking_refs": [f"marking-definition--{_TLP[tlp]}"],
        }
    )
