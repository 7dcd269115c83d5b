"""Patterns and observations by the dozen: made from the grammar with a seed, so that a case has a number.

`Maker` writes patterns about what the observations of `observations` are made of, so that about a third match. It stays
where the specification and stix2-matcher say the same: what lies outside is in the table of disagreements.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

NAMESPACE: Final = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""Of deterministic ids (STIX 2.1 §2.9)."""

SECOND: Final = "2020-01-01T00:00:{:02}Z"
_NAMES: Final = ("a.exe", "b.exe", "ab", "é")
_ADDRESSES: Final = ("198.51.100.1/32", "198.51.100.64/26", "203.0.113.9/32")
_SIZES: Final = (0, 1, 7)


def sco(kind: str, **properties: object) -> dict[str, Any]:
    """Make an observable; its id follows from its properties."""
    name = json.dumps({"type": kind, **properties}, sort_keys=True)
    # the namespace belongs to ids that are made by the rules of §2.9; these are not
    identity = uuid.UUID(bytes=uuid.uuid5(NAMESPACE, name).bytes, version=4)
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{identity}", **properties}


def observed_data(
    number: int, refs: Sequence[str], *, first: str, last: str | None = None, count: int = 1
) -> dict[str, Any]:
    """Make an Observed Data object, known by its number."""
    return {
        "type": "observed-data",
        "spec_version": "2.1",
        "id": f"observed-data--{number:08}-0000-4000-8000-000000000000",
        "created": "2020-01-01T00:00:00.000Z",
        "modified": "2020-01-01T00:00:00.000Z",
        "first_observed": first,
        "last_observed": last or first,
        "number_observed": count,
        "object_refs": list(refs),
    }


def bundle(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Wrap objects, each once."""
    kept = {item["id"]: item for item in objects}
    return {"type": "bundle", "id": "bundle--44af6c39-c09b-49c5-9de2-394224b04982", "objects": list(kept.values())}


class Maker:
    """Makes patterns and observations from a source of randomness."""

    def __init__(self, source: random.Random) -> None:
        self.source = source

    def observations(self, most: int = 4) -> dict[str, Any]:
        """Make a bundle with up to `most` Observed Data objects, each of one to three observables."""
        pick = self.source
        objects: list[dict[str, Any]] = []
        for number in range(pick.randint(1, most)):
            found = [item for _ in range(pick.randint(1, 2)) for item in self._observables()]
            objects += found
            objects.append(
                observed_data(
                    number,
                    list(dict.fromkeys(item["id"] for item in found)),
                    first=SECOND.format(pick.randint(0, 9)),
                    count=pick.choice((1, 1, 1, 2)),
                )
            )
        return bundle(objects)

    def _observables(self) -> list[dict[str, Any]]:
        pick = self.source
        kind = pick.randint(0, 4)
        address = sco("ipv4-addr", value=pick.choice(_ADDRESSES))
        if kind == 0:
            return [address]
        if kind == 1:
            return [
                address,
                sco("domain-name", value=pick.choice(("a.example", "b.example")), resolves_to_refs=[address["id"]]),
            ]
        if kind == 2:
            return [
                address,
                sco(
                    "network-traffic",
                    src_ref=address["id"],
                    protocols=["tcp", pick.choice(("ssh", "http"))],
                    src_port=pick.choice((22, 443)),
                    is_active=pick.choice((True, False)),
                ),
            ]
        if kind == 3:
            return [sco("artifact", mime_type="text/plain", payload_bin=pick.choice(("YQ==", "Yg==", "YWI=")))]
        return [
            sco(
                "file",
                name=pick.choice(_NAMES),
                size=pick.choice(_SIZES),
                ctime=SECOND.format(pick.randint(0, 3)),
                hashes={"MD5": pick.choice("ab") * 32},
                extensions={"ntfs-ext": {"sid": pick.choice(("1", "2"))}},
            )
        ]

    def pattern(self, depth: int = 2) -> str:
        """Make a pattern of up to `depth` levels of observation operators."""
        pick = self.source
        if depth == 0 or pick.random() < 0.4:
            return self._qualified(f"[{self.comparison(pick.randint(0, 2), self._kind())}]")
        parts = [self.pattern(depth - 1) for _ in range(pick.choice((2, 2, 3)))]
        text = parts[0] + "".join(f" {pick.choice(('AND', 'OR', 'FOLLOWEDBY'))} {part}" for part in parts[1:])
        return self._qualified(f"({text})") if pick.random() < 0.6 else text

    def _qualified(self, text: str) -> str:
        pick = self.source
        roll = pick.random()
        if roll < 0.15:
            # half seconds: an edge that an observation stands on divides the oracle from the specification
            text += f" WITHIN {pick.choice(('0.5', '2.5', '4.5'))} SECONDS"
        elif roll < 0.3:
            text += f" REPEATS {pick.choice((1, 2, 2, 3))} TIMES"
        elif roll < 0.4:
            begin = pick.randint(0, 8)
            text += f" START t'{SECOND.format(begin)}' STOP t'{SECOND.format(begin + pick.randint(0, 5))}'"
        elif roll < 0.45:
            text += " REPEATS 2 TIMES WITHIN 3.5 SECONDS"
        return text

    def _kind(self) -> str:
        """Choose what an expression is about: mostly one type, since AND joins comparisons of one object."""
        pick = self.source
        return pick.choice(_PATHS)[0].partition(":")[0] if pick.random() < 0.8 else ""

    def comparison(self, depth: int, kind: str = "") -> str:
        """Make a comparison expression, about one type of object if that is given."""
        pick = self.source
        if depth == 0 or pick.random() < 0.5:
            return self.test(kind)
        parts = [self.comparison(depth - 1, kind) for _ in range(2)]
        text = f" {pick.choice(('AND', 'OR'))} ".join(parts)
        return f"({text})" if pick.random() < 0.5 else text

    def test(self, kind: str = "") -> str:
        """Make one comparison."""
        pick = self.source
        path, constants, wider = pick.choice([one for one in _PATHS if one[0].startswith(kind)])
        negated = " NOT" if pick.random() < 0.2 else ""
        constant = pick.choice(constants)
        roll = pick.random()
        if wider and roll < 0.4:
            operator, constant = pick.choice(wider)
            return f"{path}{negated} {operator} {constant}"
        if roll < 0.55:
            some = ", ".join(pick.sample(constants, min(len(constants), pick.randint(1, 3))))
            return f"{path}{negated} IN ({some})"
        ordered = constant not in {"true", "false"} and roll < 0.7
        operator = pick.choice(("<", ">", "<=", ">=")) if ordered else pick.choice(("=", "!=", "="))
        return f"{path}{negated} {operator} {constant}"


_TEXTS: Final = (("LIKE", "'a%'"), ("LIKE", "'_.exe'"), ("LIKE", "'%'"), ("MATCHES", "'^a'"), ("MATCHES", "'b$|e.e'"))
_NETWORKS: Final = (
    ("ISSUBSET", "'198.51.100.0/25'"),
    ("ISSUBSET", "'198.51.100.64/26'"),
    ("ISSUPERSET", "'203.0.113.9'"),
    ("LIKE", "'198.%'"),
)
_STRINGS: Final = [f"'{name}'" for name in _NAMES]
_IPS: Final = [f"'{address}'" for address in _ADDRESSES]
_PATHS: Final[tuple[tuple[str, list[str], tuple[tuple[str, str], ...]], ...]] = (
    ("file:name", _STRINGS, _TEXTS),
    ("file:size", ["0", "1", "7", "-3", "1.0", "0.5"], ()),
    ("file:ctime", [f"t'{SECOND.format(second)}'" for second in range(3)], ()),
    ("file:hashes.MD5", ["'" + "a" * 32 + "'", "'" + "b" * 32 + "'"], (("LIKE", "'a%'"),)),
    ("file:extensions.'ntfs-ext'.sid", ["'1'", "'2'"], ()),
    ("file:nothing", ["'a'"], ()),
    ("ipv4-addr:value", _IPS, _NETWORKS),
    ("domain-name:value", ["'a.example'", "'b.example'"], (("MATCHES", "'^a[.]'"),)),
    ("domain-name:resolves_to_refs[*].value", _IPS, _NETWORKS),
    ("domain-name:resolves_to_refs[0].value", _IPS, ()),
    ("network-traffic:src_ref.value", _IPS, _NETWORKS),
    ("network-traffic:protocols[*]", ["'tcp'", "'ssh'", "'http'"], (("LIKE", "'s%'"),)),
    ("network-traffic:protocols[1]", ["'ssh'", "'http'"], ()),
    ("network-traffic:src_port", ["22", "443"], ()),
    ("network-traffic:is_active", ["true", "false"], ()),
    ("artifact:payload_bin", ["b'YQ=='", "h'62'", "b'YWI='"], (("=", "'ab'"), ("!=", "'a'"))),
)
