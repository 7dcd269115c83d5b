"""The map as STIX 2.1 objects, and back: what members share of it under their agreements. Pure.

One extension-definition of ours brings the types (STIX 2.1 §7.3, ``new-sdo``; the definition is in ``docs/map.md``):

| type | one object for |
|---|---|
| ``asset`` | an asset: name, owner, and what is said of it |
| ``asset-detail`` | one attribute of one asset, under a marking of its own |
| ``dependency`` | one group: what one asset needs, and from whom |
| ``asset-state`` | how an asset was found in the field, by one source |

An object is *one party's word*. Its id follows from what it is about and whose word it is, so that an import made again
makes versions of the same objects, and so that an object under an id of somebody else's word is recognised as none.
Attributes have the names of ``tocsin.map.model``; ``k`` is ``needed``, since a property has three letters or more
(STIX 2.1 §11.1.1), and what has its default value is left out.
"""

from __future__ import annotations

import enum
import re
import uuid
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import structs

from tocsin.errors import InputError, MapError, MapFault
from tocsin.kernel.canonical import canonical_json
from tocsin.kernel.clock import SECOND, Micros, format_instant, parse_instant
from tocsin.map.formats.fields import Wrong, plain_text
from tocsin.map.frame import FRAME, Frame, framed, plain, read_framed, require_id
from tocsin.map.model import Asset, AssetMap, DependencyGroup, Supplier, checked, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tocsin.kernel.canonical import Json

__all__ = [
    "ATTRIBUTES",
    "DEPENDENCIES",
    "EXTENSION",
    "TYPES",
    "AnyWord",
    "AssetWord",
    "DependencyWord",
    "Form",
    "State",
    "StateWord",
    "Told",
    "Word",
    "after",
    "asset_id",
    "encode",
    "encode_state",
    "is_asset_id",
    "read_word",
    "retired",
    "same_content",
]

EXTENSION: Final = "extension-definition--bdad5d7c-0c0a-4b54-a67c-d53599f8e2a4"
_NAMESPACE: Final = uuid.UUID("7acda9a1-3190-412d-bedb-c2ecb50246c2")

# What may be said of an asset, each under a marking of its own if need be: the model's fields, as they are.
ATTRIBUTES: Final = tuple(field.name for field in structs.fields(Asset) if field.name not in {"id", "owner"})
# What a marking is named by that is for every dependency of an import.
DEPENDENCIES: Final = "dependencies"

_ASSET_ID: Final = re.compile(r"asset--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# One object on its own is a page of text at most; a word that is longer is not about one asset.
_MOST_BYTES: Final = 1_000_000
_MOST_TEXT: Final = 1_000
# Members' clocks differ by so much: whose is fast must not have its reports left out.
_AHEAD: Final = 300 * SECOND


class Form(enum.StrEnum):
    """The types that the extension brings."""

    ASSET = "asset"
    DETAIL = "asset-detail"
    DEPENDENCY = "dependency"
    STATE = "asset-state"


TYPES: Final = frozenset(str(form) for form in Form)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One object as it was received: its bytes, and the URI of the party whose contribution it is.

    ``added``: when the hub offered it, where that is known.
    """

    by: str
    body: bytes
    tlp: str = ""
    added: Micros | None = None


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What one party says of one asset. ``about`` is the asset's STIX id; ``retired``: it says this no more."""

    id: str
    by: str
    about: str
    modified: Micros
    tlp: str = ""
    retired: bool = False


class AssetWord(Word, frozen=True, kw_only=True):
    """What is said of an asset: ``said`` has the attributes that are.

    ``name`` and ``owner`` are empty in an ``asset-detail``.
    """

    name: str = ""
    owner: str = ""
    said: dict[str, Any] = {}


class DependencyWord(Word, frozen=True, kw_only=True):
    """One group, whose assets are named by their STIX ids. None where it is retired."""

    name: str
    group: DependencyGroup | None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How an asset was found: the share of its service that is left, since when, until when that is expected.

    ``source``: who or what saw it (a crew, a survey, a flight). ``confidence``: 0 to 100 (STIX 2.1 §3.2, appendix A).
    """

    asset: str
    service: Annotated[float, msgspec.Meta(ge=0, le=1)]
    since: Micros
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    until: Micros | None = None
    confidence: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=_MOST_TEXT)] = ""


class StateWord(Word, frozen=True, kw_only=True):
    """One report of the field; ``state.asset`` is the STIX id."""

    state: State


AnyWord: TypeAlias = AssetWord | DependencyWord | StateWord


def asset_id(owner: str, name: str) -> str:
    """Return the STIX id of an owner's asset: whoever knows both can say it."""
    return _id(Form.ASSET, owner, name)


def is_asset_id(text: str) -> bool:
    """Return whether a text has the form of an asset's STIX id; no asset is named so."""
    return _ASSET_ID.fullmatch(text) is not None


def _id(form: Form, *about: str) -> str:
    return f"{form}--{uuid.uuid5(_NAMESPACE, canonical_json([str(form), *about]).decode())}"


# --- a map becomes objects -------------------------------------------------------------------------------------------


def encode(
    plan: AssetMap, *, by: str, at: Micros, markings: Mapping[str, str] | None = None, tlp: str | None = None
) -> list[dict[str, Json]]:
    """Return the objects of a map, as one party's word of now.

    ``markings``: ids of marking-definitions, by attribute or ``DEPENDENCIES``; an attribute with a marking has an
    ``asset-detail`` of its own. ``tlp``: the marking of all else. An asset of no owner is ``by``'s. An asset of another
    owner of which nothing is said is a reference, and becomes no object; so is one whose id is a STIX id.

    Raises:
        MapError: every fault of the map.
        InputError: there is no such attribute to mark.
    """
    own = {} if markings is None else markings
    for name in own:
        if name not in {*ATTRIBUTES, DEPENDENCIES}:
            raise InputError(
                f"there is no such attribute: {name[:80]!r}",
                where="--marking",
                todo=f"use {', '.join((*ATTRIBUTES, DEPENDENCIES))}",
            )
    _require_names(checked(plan))
    encoder = _Encoder(by=by, at=format_instant(at), markings=own, tlp=tlp)
    refs = {asset.id: _reference(asset, by) for asset in plan.assets}
    objects = [one for asset in plan.assets for one in encoder.asset(asset, refs[asset.id])]
    objects += [encoder.dependency(group, refs) for group in plan.groups]
    found = tuple(
        MapFault(asset=str(one.get("name", one["id"])), cause=wrong.cause, expected=wrong.expected)
        for one in objects
        if (wrong := _unplain(one)) is not None
    )
    if found:
        raise MapError(found)
    return objects


def encode_state(state: State, *, by: str, at: Micros, tlp: str | None = None) -> dict[str, Json]:
    """Return a report of the field as an object; ``state.asset`` is a STIX id.

    Raises:
        InputError: the asset has no STIX id, or the report ends before it begins.
    """
    if not is_asset_id(state.asset):
        raise InputError("an asset is named by its STIX id here", where=state.asset[:80])
    if state.until is not None and state.until <= state.since:
        raise InputError("the report ends before it begins", where=state.source, todo="give a later end")
    encoder = _Encoder(by=by, at=format_instant(at), markings={}, tlp=tlp)
    content: dict[str, Json] = {
        "asset_ref": state.asset,
        "service": state.service,
        "since": format_instant(state.since),
        "source": state.source,
    }
    if state.until is not None:
        content["expected_until"] = format_instant(state.until)
    if state.confidence is not None:
        content["confidence"] = state.confidence
    if state.note:
        content["description"] = state.note
    return encoder.object(Form.STATE, _id(Form.STATE, state.asset, state.source, by), content)


def retired(body: bytes, *, at: Micros) -> dict[str, Json]:
    """Return the version of an own object that says: no more. Of what it said, only what it is about stays.

    STIX's ``revoked`` would be for ever (STIX 2.1 §3.6), and what is taken down may be built again.
    """
    before: dict[str, Json] = msgspec.json.decode(body)
    kept = FRAME | {"name", "owner", "asset_ref", "attribute", "source"}
    after = {name: value for name, value in before.items() if name in kept}
    return after | {"modified": format_instant(at), "retired": True}


def _require_names(plan: AssetMap) -> None:
    found = [
        MapFault(
            asset=asset.id,
            cause="it is called like the STIX id of an asset, and something is said of it",
            expected="a name, or nothing but the reference",
        )
        for asset in plan.assets
        if is_asset_id(asset.id) and _said(asset)
    ]
    if found:
        raise MapError(tuple(found))


def _reference(asset: Asset, by: str) -> str:
    return asset.id if is_asset_id(asset.id) else asset_id(asset.owner or by, asset.id)


class _Encoder:
    def __init__(self, *, by: str, at: str, markings: Mapping[str, str], tlp: str | None) -> None:
        self._by = by
        self._at = at
        self._markings = markings
        self._tlp = tlp

    def asset(self, asset: Asset, ref: str) -> Iterator[dict[str, Json]]:
        """Yield an asset and its details; nothing of a mere reference."""
        said = _said(asset)
        own = asset.owner in {"", self._by}
        if is_asset_id(asset.id) or not (said or own):
            return
        owner = asset.owner or self._by
        frame: dict[str, Json] = {"name": asset.id, "owner": owner}
        open_ = {name: value for name, value in said.items() if name not in self._markings}
        yield self.object(Form.ASSET, ref if own else _id(Form.ASSET, owner, asset.id, self._by), frame | open_)
        for name, value in said.items():
            if name in self._markings:
                detail: dict[str, Json] = {"asset_ref": ref, "attribute": name, name: value}
                yield self.object(Form.DETAIL, _id(Form.DETAIL, ref, name, self._by), detail, self._markings[name])

    def dependency(self, group: DependencyGroup, refs: Mapping[str, str]) -> dict[str, Json]:
        """Return a group, with everybody in it by STIX id."""
        ref = refs[group.asset]
        content = plain(group, {"asset", "suppliers", "k"})
        content["needed"] = group.k
        content["suppliers"] = [{"supplier_ref": refs[one.asset], **plain(one, {"asset"})} for one in group.suppliers]
        marking = self._markings.get(DEPENDENCIES)
        id_ = _id(Form.DEPENDENCY, ref, group.name, self._by)
        return self.object(Form.DEPENDENCY, id_, {"asset_ref": ref} | content, marking)

    def object(self, form: Form, id_: str, content: Mapping[str, Json], marking: str | None = None) -> dict[str, Json]:
        """Return one object."""
        return framed(form, id_, content, extension=EXTENSION, at=self._at, tlp=marking or self._tlp)


def _said(asset: Asset) -> dict[str, Json]:
    return plain(asset, {"id", "owner"})


# --- an object becomes a word ----------------------------------------------------------------------------------------


class _Frame(Frame, frozen=True, kw_only=True):
    type: Form


class _Asset(_Frame, frozen=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    owner: Annotated[str, msgspec.Meta(min_length=1, max_length=_MOST_TEXT)]


class _Detail(_Frame, frozen=True, kw_only=True):
    asset_ref: str
    attribute: str


class _Dependency(_Frame, frozen=True, kw_only=True):
    asset_ref: str
    name: Annotated[str, msgspec.Meta(max_length=200)]
    suppliers: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(max_length=10_000)] = ()
    needed: float = 1.0


class _State(_Frame, frozen=True, kw_only=True):
    asset_ref: str
    service: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    since: str = ""
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    expected_until: str | None = None
    confidence: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    description: Annotated[str, msgspec.Meta(max_length=_MOST_TEXT)] = ""


_DECODE: Final = msgspec.json.Decoder().decode


def read_word(told: Told) -> AnyWord:
    """Return what an object says.

    Raises:
        InputError: it is none of ours, breaks a rule, or has an id that only another party's word has.
    """
    return read_framed(told.body, lambda body: _read(told, body), most=_MOST_BYTES, what="what is said of one asset")


def _read(told: Told, body: bytes) -> AnyWord:
    raw = _DECODE(body)
    frame = msgspec.convert(raw, _Frame)
    wrong = _unplain(raw)
    if wrong is not None:
        raise InputError(f"a text of it {wrong.cause}; expected {wrong.expected}")
    return _READERS[frame.type](told, raw)


def _asset(told: Told, raw: dict[str, Any]) -> AssetWord:
    read = msgspec.convert(raw, _Asset)
    if is_asset_id(read.name):
        raise InputError("it is called like the STIX id of an asset", where="name")
    ref = asset_id(read.owner, read.name)
    require_id(read, ref if read.owner == told.by else _id(Form.ASSET, read.owner, read.name, told.by))
    said = {} if read.gone else _attributes(raw, read.name)
    return AssetWord(**_frame(told, read, ref), name=read.name, owner=read.owner, said=said)


def _detail(told: Told, raw: dict[str, Any]) -> AssetWord:
    read = msgspec.convert(raw, _Detail)
    ref = _ref(read.asset_ref, "asset_ref")
    if read.attribute not in ATTRIBUTES:
        raise InputError("there is no such attribute", where="attribute")
    require_id(read, _id(Form.DETAIL, ref, read.attribute, told.by))
    said = {} if read.gone else _attributes({read.attribute: raw.get(read.attribute)}, ref)
    return AssetWord(**_frame(told, read, ref), said=said)


def _dependency(told: Told, raw: dict[str, Any]) -> DependencyWord:
    read = msgspec.convert(raw, _Dependency)
    ref = _ref(read.asset_ref, "asset_ref")
    require_id(read, _id(Form.DEPENDENCY, ref, read.name, told.by))
    group = None if read.gone else _group(read, raw, ref)
    return DependencyWord(**_frame(told, read, ref), name=read.name, group=group)


def _group(read: _Dependency, raw: dict[str, Any], ref: str) -> DependencyGroup:
    known = {field.name for field in structs.fields(DependencyGroup)} - {"asset", "suppliers", "k"}
    suppliers = tuple(
        msgspec.convert(one | {"asset": _ref(one.get("supplier_ref"), "suppliers")}, Supplier) for one in read.suppliers
    )
    said = {name: value for name, value in raw.items() if name in known}
    group = msgspec.convert(said | {"asset": ref, "suppliers": (), "k": read.needed}, DependencyGroup)
    group = structs.replace(group, suppliers=suppliers)
    assets = dict.fromkeys((ref, *(one.asset for one in suppliers)))
    # by itself: what is wrong with one group is no fault of the map that it is put into
    _require_sound(AssetMap(assets=tuple(Asset(id=one) for one in assets), groups=(group,)))
    return group


def _state(told: Told, raw: dict[str, Any]) -> StateWord:
    read = msgspec.convert(raw, _State)
    ref = _ref(read.asset_ref, "asset_ref")
    require_id(read, _id(Form.STATE, ref, read.source, told.by))
    if read.gone:
        state = State(asset=ref, service=1.0, since=0, source=read.source)
        return StateWord(**_frame(told, read, ref), state=state)
    if told.added is not None and parse_instant(read.modified) > told.added + _AHEAD:
        # the latest report counts: whoever dates one ahead would outrank everybody until then
        raise InputError("it is dated after the hub received it", where="modified", todo="withdraw it, report anew")
    state = State(
        asset=ref,
        service=read.service,
        since=parse_instant(read.since),
        until=None if read.expected_until is None else parse_instant(read.expected_until),
        source=read.source,
        confidence=read.confidence,
        note=read.description,
    )
    return StateWord(**_frame(told, read, ref), state=state)


_READERS: Final[dict[Form, Callable[[Told, dict[str, Any]], AnyWord]]] = {
    Form.ASSET: _asset,
    Form.DETAIL: _detail,
    Form.DEPENDENCY: _dependency,
    Form.STATE: _state,
}


def _attributes(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what is said of an asset, as values of the model.

    Raises:
        InputError: one of them is none, or out of its bounds.
    """
    given = {key: value for key, value in raw.items() if key in ATTRIBUTES}
    asset = msgspec.convert(given | {"id": name}, Asset)
    _require_sound(AssetMap(assets=(asset,)))
    defaults = {field.name: field.default for field in structs.fields(Asset)}
    return {key: getattr(asset, key) for key in given if getattr(asset, key) != defaults[key]}


def _unplain(value: object) -> Wrong | None:
    """Return what is wrong with the first text in a value that has characters which nobody sees, or is too long.

    It is written into files and onto terminals by those who receive it.
    """
    if isinstance(value, str):
        try:
            plain_text(value)
        except Wrong as wrong:
            return wrong
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for one in inner if (found := _unplain(one)) is not None), None)


def _require_sound(plan: AssetMap) -> None:
    found = next(faults(plan), None)
    if found is not None:
        raise InputError(f"{found.cause}; expected {found.expected}")


def _ref(value: object, where: str) -> str:
    if not isinstance(value, str) or not is_asset_id(value):
        raise InputError("this is no id of an asset", where=where)
    return value


def _frame(told: Told, read: _Frame, ref: str) -> dict[str, Any]:
    return {
        "id": read.id,
        "by": told.by,
        "about": ref,
        "modified": parse_instant(read.modified),
        "tlp": told.tlp,
        "retired": read.gone,
    }


def same_content(first: Mapping[str, Json], second: Mapping[str, Json]) -> bool:
    """Return whether two versions say the same, whenever they say it."""
    return _timeless(first) == _timeless(second)


def after(version: Micros, at: Micros) -> str:
    """Return when a version is made that follows another: now, or just after that, should a clock have stepped back."""
    return format_instant(max(at, version + 1))


def _timeless(one: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in one.items() if name not in {"created", "modified"}}
