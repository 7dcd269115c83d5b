"""Bytes to checked STIX objects and back: bound, parse, validate.

A document is decoded once, and each object re-encoded once: what is kept, sent and read is our own encoding of what we
validated, so that no reader's parser can see another object than ours did. Unknown properties stay. One bad object does
not sink its document; a document that is no bundle (or envelope) at all is one error.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.errors import InputError, LimitError
from tocsin.exchange.stix import ijson, times
from tocsin.exchange.stix.explain import explain
from tocsin.exchange.stix.finding import Finding
from tocsin.exchange.stix.limits import DEFAULT_LIMITS, Limits
from tocsin.exchange.stix.model import PREDEFINED_EXTENSIONS, Bundle, MarkingDefinition, StixObject, VersionedObject
from tocsin.exchange.stix.rules import CUSTOM_OBJECT, CUSTOM_OBSERVABLE, SPECS, Spec, check
from tocsin.exchange.stix.rules.common import is_observable_by_extension
from tocsin.exchange.stix.rules.values import bad_object

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ParsedBundle", "ParsedObject", "RefusedObject", "parse_bundle", "parse_envelope", "parse_object"]

_decoder: Final = msgspec.json.Decoder()
_encode: Final = msgspec.json.Encoder().encode
_SHOWN_ID: Final = 256
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG_INTEGER: Final = b"0" * len(str(ijson.MAX_INTEGER))


class ParsedObject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One object that is valid STIX 2.1.

    `version` is `modified` and `created` is `created`, in microseconds since 1970-01-01T00:00:00Z; `None` when the type
    has no such property. `body` is the object's final form: UTF-8, no insignificant whitespace, every property kept.
    """

    id: str
    type: str
    version: int | None
    created: int | None
    body: bytes
    obj: StixObject


class RefusedObject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One object that is not, and why.

    `id` and `type` are as given, where they are strings of at most 256 characters. `where` is the path of what is
    wrong, from the top of the document. `section` is the rule's place in a specification.
    """

    index: int
    id: str | None
    type: str | None
    reason: str
    where: str
    section: str | None
    todo: str | None


class ParsedBundle(msgspec.Struct, frozen=True, kw_only=True):
    """The objects of a document in its order, with the bundle's id; an envelope has none."""

    items: list[ParsedObject | RefusedObject]
    bundle_id: str | None


class _Objects(msgspec.Struct):
    """The undecoded objects of a bundle or envelope."""

    objects: list[msgspec.Raw] = []


def parse_bundle(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> ParsedBundle:
    """Read a STIX 2.1 bundle (§8).

    Raises:
        LimitError: larger, deeper or more than `limits` allow.
        InputError: not I-JSON, or no bundle.
    """
    document, outline = _load(data, limits)
    if not isinstance(document, dict):
        raise InputError("the document is not a bundle: not a JSON object", todo='begin with {"type": "bundle", …')
    kind = document.get("type")
    if kind != "bundle":
        raise InputError(
            f"the document is not a bundle: its type is {_shown(kind)}",
            where="type",
            todo="wrap the objects into a bundle (STIX 2.1 §8)",
        )
    if document.get("spec_version", "2.1") != "2.1":
        # §3.2 gives a bundle no spec_version; in STIX 2.0 it is required there and says so.
        raise InputError(
            f"the bundle is of STIX version {_shown(document['spec_version'])}",
            where="spec_version",
            todo="convert STIX 2.0 content to 2.1 first (stix2-elevator)",
        )
    _bears_no_marking(document, "bundle", "put it on each object, or share with --tlp")
    try:
        bundle = msgspec.convert({**document, "objects": []}, Bundle)
    except msgspec.ValidationError as error:
        found = explain(error, Bundle, section="STIX 2.1 §8.1")
        raise InputError(f"the bundle is malformed: {found.what} ({found.section})", where=found.where) from error
    items = _items(data, document, outline, limits)
    if not items and "objects" in document:
        raise InputError(
            "the bundle is empty: a list must not be (STIX 2.1 §2.12)", where="objects", todo="leave 'objects' out"
        )
    return ParsedBundle(items=items, bundle_id=bundle.id)


def parse_envelope(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> ParsedBundle:
    """Read the objects of a TAXII 2.1 envelope (TAXII 2.1 §3.7) by the same rules.

    Raises:
        LimitError: larger, deeper or more than `limits` allow.
        InputError: not I-JSON, or no envelope.
    """
    document, outline = _load(data, limits)
    if not isinstance(document, dict):
        raise InputError("the document is not a TAXII envelope: not a JSON object", todo='write {"objects": […]}')
    if document.get("type") == "bundle":
        raise InputError(
            "the document is a STIX bundle, not a TAXII envelope",
            where="type",
            todo='send {"objects": […]} (TAXII 2.1 §3.7)',
        )
    _bears_no_marking(document, "envelope", "put it on each object")
    return ParsedBundle(items=_items(data, document, outline, limits), bundle_id=None)


def parse_object(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> ParsedObject | RefusedObject:
    """Read one STIX object that stands alone; its index is 0 and its paths begin at its own properties.

    Raises:
        LimitError: larger or deeper than `limits` allow.
        InputError: not I-JSON.
    """
    document, outline = _load(data, limits)
    body = _encode(document)
    if ijson.quotes(body) != outline.quotes:
        raise _duplicate(data, "the document")
    return _read(0, document, body, "", limits.max_string if _suspects([body], body, outline, limits) else None)


def _load(data: bytes, limits: Limits) -> tuple[Any, ijson.Outline]:
    ijson.check_text(data, limits)
    outline = ijson.outline(data, limits)
    try:
        return _decoder.decode(data), outline
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ijson.not_json(data, error) from error
    except RecursionError as error:
        # The depth is bounded above; this is for a caller that has used up the stack before us.
        raise LimitError("the document nests too deep to be read here") from error


def _bears_no_marking(document: dict[str, Any], whole: str, todo: str) -> None:
    """Refuse a marking around the objects: to drop it, as other unknown names there are, would widen what it narrows.

    §8 gives a bundle no common properties but `type` and `id`, and no meaning to what it says of its objects.
    """
    for name in ("object_marking_refs", "granular_markings"):
        if name in document:
            raise InputError(
                f"the {whole} carries a marking, which would not reach its objects (STIX 2.1 §8)",
                where=name,
                todo=todo,
            )


def _items(
    data: bytes, document: dict[str, Any], outline: ijson.Outline, limits: Limits
) -> list[ParsedObject | RefusedObject]:
    objects = document.get("objects", [])
    if not isinstance(objects, list):
        raise InputError(f"'objects' has to be a list, not {_shown(objects)}", where="objects")
    if len(objects) > limits.max_objects:
        raise LimitError(
            f"the document has {len(objects):,} objects, more than the {limits.max_objects:,} of one submission",
            where="objects",
            todo="split it into several bundles",
        )
    bodies = [_encode(item) for item in objects]
    frame = _encode({name: [] if name == "objects" else value for name, value in document.items()})
    duplicates: dict[int, str] = {}
    joined = b"".join([*bodies, frame])
    if ijson.quotes(joined) != outline.quotes:
        duplicates = _find_duplicates(data, bodies, frame, outline)
    suspects = _suspects([*bodies, frame], joined, outline, limits)
    if len(objects) in suspects:
        around = {name: value for name, value in document.items() if name != "objects"}
        found = bad_object(around, frozenset(), (), limits.max_string) if around else None
        if found is not None:
            raise InputError(f"the document is malformed: {found.what} ({found.section})", where=found.where)
    items = [
        _read(index, item, bodies[index], f"objects[{index}]", limits.max_string if index in suspects else None)
        for index, item in enumerate(objects)
    ]
    for index, where in duplicates.items():
        finding = Finding("a name appears twice in one object", where, "RFC 7493 §2.3", "keep one of the two")
        items[index] = _refuse(index, objects[index], f"objects[{index}]", finding)
    return items


def _suspects(bodies: Sequence[bytes], joined: bytes, outline: ijson.Outline, limits: Limits) -> set[int]:
    """Tell which bodies may hold what only a walk over their values can find; all others do not.

    Looks at everything at once (`joined`), because most documents hold nothing of the kind.
    """
    needles = [b"[]", b"{}"] if outline.maybe_empty else []
    places = [(joined, needle) for needle in (*needles, b"null")]
    places.append((joined.translate(_DIGITS), _LONG_INTEGER))
    ends = list(accumulate(map(len, bodies)))
    found: set[int] = set()
    for text, needle in places:
        at = text.find(needle)
        while at >= 0:
            index = bisect_right(ends, at)
            found.add(index)
            at = text.find(needle, ends[index])
    if len(joined) > limits.max_string:
        found.update(index for index, body in enumerate(bodies) if len(body) > limits.max_string)
    return found


def _find_duplicates(data: bytes, bodies: Sequence[bytes], frame: bytes, outline: ijson.Outline) -> dict[int, str]:
    """Tell which objects have duplicate names, and where. Duplicates around the objects are the document's fault."""
    raws = msgspec.json.decode(data, type=_Objects).objects
    counts = [ijson.quotes(bytes(raw)) for raw in raws]
    if outline.quotes - sum(counts) != ijson.quotes(frame) or len(raws) != len(bodies):
        raise _duplicate(data, "the document")
    places: dict[int, str] = {}
    budget = ijson.SCAN_BYTES
    offset = 0
    for index, (raw, count, body) in enumerate(zip(raws, counts, bodies, strict=True)):
        text = bytes(raw)
        offset = data.index(text, offset)
        if count != ijson.quotes(body):
            budget -= len(text)
            flaws = ijson.scan(text, most=1) if budget >= 0 else []
            place = f"{flaws[0].where} ({ijson.position(data, offset + flaws[0].offset)})" if flaws else ""
            places[index] = place
        offset += len(text)
    return places


def _duplicate(data: bytes, whole: str) -> InputError:
    flaws = ijson.scan(data, most=1) if len(data) <= ijson.SCAN_BYTES else []
    where = f"{flaws[0].where} ({ijson.position(data, flaws[0].offset)})" if flaws else None
    return InputError(
        f"{whole} has a name twice in one object (RFC 7493 §2.3)", where=where, todo="keep one of the two"
    )


def _read(index: int, item: object, body: bytes, base: str, strings: int | None) -> ParsedObject | RefusedObject:
    """Validate one decoded object. `strings` is the longest allowed string, when its values have to be walked."""
    if not isinstance(item, dict):
        return _refuse(index, item, base, Finding("a STIX object is a JSON object", "", "STIX 2.1 §8.1"))
    kind = item.get("type")
    spec = SPECS.get(kind) if isinstance(kind, str) else None
    if spec is None:
        chosen = _custom(kind, item)
        if isinstance(chosen, Finding):
            return _refuse(index, item, base, chosen)
        spec = chosen
    if strings is not None:
        found = bad_object(item, spec.names, PREDEFINED_EXTENSIONS.get(item["type"], ()), strings)
        if found is not None:
            return _refuse(index, item, base, found)
    try:
        obj = msgspec.convert(item, spec.kind)
    except msgspec.ValidationError as error:
        return _refuse(index, item, base, explain(error, spec.kind, section=spec.section))
    found = check(spec, obj, item)
    if found is not None:
        return _refuse(index, item, base, found)
    version = created = None
    if isinstance(obj, VersionedObject):
        created = times.micros(obj.created)
        version = created if obj.modified == obj.created else times.micros(obj.modified)
    elif isinstance(obj, MarkingDefinition):
        created = times.micros(obj.created)
    return ParsedObject(id=obj.id, type=obj.type, version=version, created=created, body=body, obj=obj)


def _custom(kind: object, item: dict[str, Any]) -> Spec | Finding:
    """Choose what an object of an unknown type is held to, or say why it is none."""
    if not isinstance(kind, str):
        what = "the required property 'type' is missing" if kind is None else "'type' has to be a string"
        return Finding(what, "type", "STIX 2.1 §3.2")
    if kind == "bundle":
        return Finding("a bundle is no STIX object and cannot be inside of one", "type", "STIX 2.1 §8")
    observable = is_observable_by_extension(item)
    if observable is None:
        # §11.2 custom objects do not say what they are: one without times can only be an observable (§3.2).
        observable = "created" not in item and "modified" not in item
    return CUSTOM_OBSERVABLE if observable else CUSTOM_OBJECT


def _refuse(index: int, item: object, base: str, found: Finding) -> RefusedObject:
    given = item if isinstance(item, dict) else {}
    separator = "." if base and found.where else ""
    return RefusedObject(
        index=index,
        id=_given(given.get("id")),
        type=_given(given.get("type")),
        reason=found.what,
        where=f"{base}{separator}{found.where}",
        section=found.section,
        todo=found.todo,
    )


def _given(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= _SHOWN_ID else None


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else _encode(value).decode()
    return text if len(text) <= 80 else f"{text[:80]}…"  # noqa: PLR2004 - a line of a terminal
