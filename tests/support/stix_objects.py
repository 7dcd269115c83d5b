"""Small STIX objects by hand: valid as they are, or with one thing wrong."""

from __future__ import annotations

from typing import Any

from support.stix_strategies import SCO

__all__ = ["EXTENSION", "TIMES", "UUID4", "UUID5", "ref", "stix_object"]

UUID4 = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
UUID5 = "28bb3599-77cd-5a82-a950-b5bc3caf07c4"
EXTENSION = f"extension-definition--{UUID4}"
TIMES = {"created": "2016-04-29T14:09:00.000Z", "modified": "2016-04-29T14:09:00.000Z"}


def ref(kind: str) -> str:
    """Give an id of a type."""
    return f"{kind}--{UUID4}"


def stix_object(kind: str, /, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Make an object with its type's required common properties; a property given as `...` is left out."""
    item: dict[str, Any] = {"type": kind, "id": ref(kind)}
    if kind not in SCO:
        item |= {"spec_version": "2.1", **TIMES}
    if kind == "marking-definition":
        del item["modified"]
    return {name: value for name, value in (item | properties).items() if value is not ...}
