"""Objects to share and what is written on them, with the label that must follow, worked out here a second time."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec
from hypothesis import strategies as st

from tocsin.agreements.model import Label, Pap, Tlp
from tocsin.kernel.clock import DAY, SECOND, Micros, format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = [
    "TERMS",
    "Mark",
    "Shared",
    "bundle",
    "expected_label",
    "indicator",
    "known_marks",
    "marks",
    "object_id",
    "objects",
    "stamp",
    "terms_mark",
]

Json = dict[str, Any]

CREATED: Final = parse_instant("2025-11-01T00:00:00Z")
TERMS: Final = "extension-definition--59a4f6be-6b4a-4b3f-9f57-7d2c4f0a6c11"
_SPACE: Final = uuid.UUID("3f1e9d2a-8c5b-4b7e-9a6d-0c1f2e3d4b5a")
_TLPS: Final = ("clear", "green", "amber", "amber+strict", "red")
_PAPS: Final = ("clear", "green", "amber", "red")
_KNOWN: Final = {
    # STIX 2.1 §7.2.1.4
    "613f2e26-407d-48c7-9eca-b8e91df99dc9": {"tlp": "clear"},
    "34098fce-860f-48ae-8e50-ebd3cc5e41da": {"tlp": "green"},
    "f88d31f6-486f-44da-b317-01333bde0b82": {"tlp": "amber"},
    "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": {"tlp": "red"},
    # TLP 2.0
    "94868c89-83c2-464b-929b-a1a8aa3c8487": {"tlp": "clear"},
    "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": {"tlp": "green"},
    "55d920b0-5e8b-4f79-9ee9-91f868d9b421": {"tlp": "amber"},
    "939a9414-2ddd-4d32-a0cd-375ea402b003": {"tlp": "amber+strict"},
    "e828b379-4e03-4974-9ac4-e53a884c97c1": {"tlp": "red"},
    # PAP
    "a3bea94c-b469-41dc-9cfe-d6e7daba7730": {"pap": "clear"},
    "ad15a0cd-55b6-4588-a14c-a66105329b92": {"pap": "clear"},
    "c43594d1-4b11-4c59-93ab-1c9b14d53ce9": {"pap": "green"},
    "60f8932b-e51e-4458-b265-a2e8be9a80ab": {"pap": "amber"},
    "740d36e5-7714-4c30-961a-3ae632ceee0e": {"pap": "red"},
}


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A marking as an object refers to it, what it says, and its definition where the sender has to bring one."""

    id: str
    tlp: str | None = None
    pap: str | None = None
    categories: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    residency: str | None = None
    recipients: tuple[str, ...] | None = None
    unknown: bool = False
    definition: Json | None = None


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """One object in one version, with its markings: on the whole, and on parts of it."""

    json: Json
    marks: tuple[Mark, ...]

    @property
    def id(self) -> str:
        """The object's id."""
        return str(self.json["id"])


def stamp(at: Micros) -> str:
    """Write an instant as objects do, in milliseconds."""
    return format_instant(at)[:-4] + "Z"


def object_id(kind: str, name: object) -> str:
    """Return the id of an object: equal names, equal ids."""
    # version 4 by its looks: what a STIX id has to be
    made = uuid.UUID(bytes=uuid.uuid5(_SPACE, f"{kind} {name}").bytes, version=4)
    return f"{kind}--{made}"


def known_marks() -> list[Mark]:
    """Return the markings that need no definition."""
    return [
        Mark(id=f"marking-definition--{key}", tlp=says.get("tlp"), pap=says.get("pap")) for key, says in _KNOWN.items()
    ]


def terms_mark(**says: Any) -> Mark:  # noqa: ANN401  the extension's own properties, of several types
    """Return a marking with Tocsin's own terms: categories, sectors, countries, residency, recipients."""
    written = {key: [*value] if isinstance(value, tuple) else value for key, value in says.items()}
    own = object_id("marking-definition", json.dumps(written, sort_keys=True))
    definition = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": own,
        "created": stamp(CREATED),
        "name": "Terms",
        "extensions": {TERMS: {"extension_type": "property-extension", **written}},
    }
    return Mark(id=own, definition=definition, **says)


def _statement() -> Mark:
    own = object_id("marking-definition", "statement")
    definition = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": own,
        "created": stamp(CREATED),
        "definition_type": "statement",
        "definition": {"statement": "Copyright of its author"},
    }
    return Mark(id=own, definition=definition)


def _unreadable() -> list[Mark]:
    foreign = object_id("marking-definition", "foreign")
    definition = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": foreign,
        "created": stamp(CREATED),
        "name": "Foreign",
        "extensions": {
            "extension-definition--11111111-2222-4333-8444-555555555555": {
                "extension_type": "property-extension",
                "level": 3,
            }
        },
    }
    return [
        Mark(id=object_id("marking-definition", "nowhere"), unknown=True),
        Mark(id=foreign, unknown=True, definition=definition),
    ]


def marks(
    *,
    recipients: Sequence[str],
    categories: Sequence[str] = ("export-controlled", "personal-data", "victim"),
    sectors: Sequence[str] = ("energy", "drinking-water", "transport"),
    countries: Sequence[str] = ("NO", "SE", "DK"),
    regions: Sequence[str] = ("eea", "us"),
) -> st.SearchStrategy[Mark]:
    """Return markings: most are TLP or PAP, some are terms, few cannot be read."""

    def some(words: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
        return st.lists(st.sampled_from(list(words)), min_size=1, max_size=2, unique=True).map(tuple)

    terms = st.one_of(
        st.builds(lambda found: terms_mark(categories=found), some(categories)),
        st.builds(lambda one, two: terms_mark(sectors=one, countries=two), some(sectors), some(countries)),
        st.builds(lambda found: terms_mark(residency=found), st.sampled_from(list(regions))),
        st.builds(lambda found: terms_mark(recipients=found), some(recipients)),
        st.builds(lambda found: terms_mark(recipients=found), some(recipients)),
    )
    known = st.sampled_from(known_marks())
    return st.one_of(known, known, known, terms, terms, st.just(_statement()), st.sampled_from(_unreadable()))


def _plain(kind: str, number: int) -> Json:
    if kind == "ipv4-addr":
        value = f"198.51.100.{number}"
        return {"type": kind, "spec_version": "2.1", "id": object_id(kind, value), "value": value}
    made: Json = {
        "type": kind,
        "spec_version": "2.1",
        "id": object_id(kind, number),
        "created": stamp(CREATED),
        "modified": stamp(CREATED),
        "name": f"{kind} {number}",
    }
    if kind == "indicator":
        pattern = f"[ipv4-addr:value = '198.51.100.{number % 256}']"
        made |= {"pattern": pattern, "pattern_type": "stix", "valid_from": stamp(CREATED)}
    if kind == "report":
        made |= {"published": stamp(CREATED), "object_refs": [object_id("indicator", 1)]}
    return made


def indicator(number: int, *, version: int = 0, description: str | None = None, marked: Collection[Mark] = ()) -> Json:
    """Return an indicator; equal numbers have equal ids, and ``version`` counts its hours since it was made."""
    made = _plain("indicator", number) | {"modified": stamp(CREATED + version * 3600 * SECOND)}
    if description is not None:
        made["description"] = description
    if marked:
        made["object_marking_refs"] = [mark.id for mark in marked]
    return made


@st.composite
def objects(draw: st.DrawFn, marking: st.SearchStrategy[Mark], *, kinds: Sequence[str], numbers: int) -> Shared:
    """Return an object out of ``numbers`` of each kind, in one of four versions."""
    made = _plain(draw(st.sampled_from(list(kinds))), draw(st.integers(1, numbers)))
    if "modified" in made:
        made["modified"] = stamp(CREATED + draw(st.integers(0, 3)) * DAY)
    whole = draw(st.lists(marking, max_size=2, unique_by=lambda mark: mark.id))
    part = draw(st.lists(marking, max_size=1))
    if whole:
        made["object_marking_refs"] = [mark.id for mark in whole]
    if part:
        selector = "value" if "value" in made else "name"
        made["granular_markings"] = [{"marking_ref": mark.id, "selectors": [selector]} for mark in part]
    return Shared(json=made, marks=(*whole, *part))


def bundle(listed: Sequence[Mapping[str, Any]], *, marked: Sequence[Mark] = ()) -> bytes:
    """Return a bundle of objects, with the definitions of these markings before them."""
    definitions = {mark.id: mark.definition for mark in marked if mark.definition is not None}
    content = [*definitions.values(), *listed]
    return json.dumps({"type": "bundle", "id": object_id("bundle", len(content)), "objects": content}).encode()


def expected_label(
    *,
    owner: str,
    type_: str,
    marked: Sequence[Mark],
    addresses: Mapping[str, str],
    tlp: str | None = None,
    to: Sequence[str] = (),
) -> Label | None:
    """Return the label of an object, or None where intake must refuse it: RED that names no individual.

    ``addresses`` say what each recipient's reference means; ``tlp`` and ``to`` are the submission's own.
    """
    said = [mark.tlp for mark in marked if mark.tlp is not None]
    levels = [*(said or [tlp or "amber"]), *([tlp] if tlp else [])]
    paps = [mark.pap for mark in marked if mark.pap is not None]
    regions = {mark.residency for mark in marked if mark.residency is not None}
    named = [{addresses[one] for one in mark.recipients} for mark in marked if mark.recipients is not None]
    if to:
        named.append({addresses[one] for one in to})
    recipients = (set.intersection(*named) or {owner}) if named else set()
    level = max(levels, key=_TLPS.index)
    if level == "red" and not any("@" in one for one in recipients):
        return None
    return Label(
        owner=owner,
        type=type_,
        tlp=Tlp(level),
        pap=Pap(max(paps, key=_PAPS.index)) if paps else None,
        categories=frozenset(word for mark in marked for word in mark.categories),
        sectors=frozenset(word for mark in marked for word in mark.sectors),
        countries=frozenset(word for mark in marked for word in mark.countries),
        residency=min(regions, default=None),
        recipients=frozenset(recipients),
        unknown_marking=len(regions) > 1 or any(mark.unknown for mark in marked),
    )
