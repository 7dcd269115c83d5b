"""Objects to measure with: ATT&CK's, each under a fresh id, or made-up ones of the same size where ATT&CK is absent."""

from __future__ import annotations

import itertools
import json
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

REALDATA: Final = Path(os.environ.get("TOCSIN_REALDATA", Path(__file__).parents[1] / "../shared/data"))
ATTACK: Final = REALDATA / "stix" / "ics-attack-18.1.json"

TLP_GREEN: Final = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
STAMP: Final = "2026-01-01T00:00:00.000Z"
_SIZE: Final = 1_300  # bytes, of an object that we make up: ATT&CK's mean
_NAMESPACE: Final = uuid.UUID("1f0c1c52-2f6e-4a55-9b55-0f8a0fb1f0d1")

_runs = itertools.count()


def fresh_id(kind: str, name: str) -> str:
    """Return an id of version 4 that is the same for the same name."""
    return f"{kind}--{uuid.UUID(bytes=uuid.uuid5(_NAMESPACE, name).bytes, version=4)}"


class Source:
    """Endless objects that no server has seen: each with ``modified`` (one peer needs it) and one TLP marking."""

    def __init__(self) -> None:
        self.real = ATTACK.exists()
        self._parts = [self._cut(item) for item in (_attack() if self.real else _made_up())]
        self._run = f"{os.getpid()}-{next(_runs)}"
        self._next = itertools.count()

    def note(self) -> str:
        """Say what the objects are."""
        size = sum(len(head) + len(tail) + 36 for _, head, tail in self._parts) // len(self._parts)
        what = "ATT&CK for ICS, each with a fresh id and marked TLP:GREEN" if self.real else "made up (no real data)"
        return f"objects: {what}; {size:,} bytes each on average"

    def take(self, count: int) -> list[bytes]:
        """Return so many objects, as JSON."""
        return [self._object(next(self._next)) for _ in range(count)]

    def envelope(self, count: int) -> bytes:
        """Return a TAXII envelope of fresh objects."""
        return b'{"objects":[' + b",".join(self.take(count)) + b"]}"

    def bundle(self, count: int) -> bytes:
        """Return a bundle of fresh objects."""
        return bundle(self.take(count))

    def _object(self, index: int) -> bytes:
        kind, head, tail = self._parts[index % len(self._parts)]
        return head + fresh_id(kind, f"{self._run}-{index}").encode() + tail

    @staticmethod
    def _cut(item: dict[str, object]) -> tuple[str, bytes, bytes]:
        text = json.dumps(item | {"object_marking_refs": [TLP_GREEN]}, ensure_ascii=False, separators=(",", ":"))
        head, _, tail = text.partition(str(item["id"]))
        return str(item["type"]), head.encode(), tail.encode()


def bundle(objects: list[bytes]) -> bytes:
    """Return a bundle."""
    return b'{"type":"bundle","id":"bundle--%s","objects":[' % str(uuid.uuid4()).encode() + b",".join(objects) + b"]}"


def _attack() -> Iterator[dict[str, object]]:
    for item in json.loads(ATTACK.read_bytes())["objects"]:
        if item["type"] != "marking-definition" and "modified" in item:
            # the id first, so that it can be exchanged as text
            yield {"id": item["id"]} | item


def _made_up() -> Iterator[dict[str, object]]:
    for index in range(100):
        yield {
            "id": fresh_id("attack-pattern", str(index)),
            "type": "attack-pattern",
            "spec_version": "2.1",
            "created": STAMP,
            "modified": STAMP,
            "name": f"technique {index}",
            "description": "x" * (_SIZE - 250),
        }
