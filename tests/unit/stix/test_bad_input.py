"""Bad input is the normal case: each kind is one clear refusal, of a type that callers know."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from tocsin.errors import InputError, LimitError
from tocsin.exchange.stix import Limits, ParsedObject, RefusedObject, parse_bundle, parse_envelope, parse_object

REALDATA = Path(os.environ.get("TOCSIN_REALDATA", Path(__file__).parents[3] / "../shared/data"))
BUNDLE_ID = "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d"
MARKED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
FINE = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created": "2016-04-29T14:09:00.000Z",
    "modified": "2016-04-29T14:09:00.123456Z",
    "pattern": "[url:value = 'https://example.com']",
    "pattern_type": "stix",
    "valid_from": "2016-01-01T00:00:00Z",
}


def _bundle(*objects: object, **more: object) -> bytes:
    return json.dumps({"type": "bundle", "id": BUNDLE_ID, "objects": list(objects), **more}).encode()


def _changed(**changes: object) -> dict[str, object]:
    return {name: value for name, value in {**FINE, **changes}.items() if value is not ...}


WHOLE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not"),
    "blank": (b" \n ", "not"),
    "not JSON": (b"<stix/>", "stops being JSON"),
    "half of it": (_bundle(FINE)[:-20], "not"),
    "two documents": (_bundle(FINE) + b"{}", "not JSON: trailing characters"),
    "a trailing comma": (b'{"type":"bundle",}', "not JSON: trailing comma"),
    "a string": (b'"bundle"', "not a JSON object"),
    "a list of objects": (json.dumps([FINE]).encode(), "not a JSON object"),
    "one object": (json.dumps(FINE).encode(), "its type is 'indicator'"),
    "no type": (b"{}", "its type is null"),
    "no id": (b'{"type":"bundle","objects":[]}', "'id' is missing"),
    "a number as id": (b'{"type":"bundle","id":7,"objects":[]}', "has to be a string"),
    "another's id": (_bundle(FINE).replace(b"bundle--", b"report--"), "has to be bundle--"),
    "objects is a dictionary": (b'{"type":"bundle","id":"%s","objects":{"a":1}}' % BUNDLE_ID.encode(), "to be a list"),
    "objects is null": (b'{"type":"bundle","id":"%s","objects":null}' % BUNDLE_ID.encode(), "to be a list"),
    "objects is empty": (_bundle(), "must not be"),
    "STIX 2.0": (_bundle(FINE, spec_version="2.0"), "version '2.0'"),
    "a marking on the whole": (_bundle(FINE, object_marking_refs=[MARKED]), "object_marking_refs: the bundle carries"),
    "a marking on a part of the whole": (
        _bundle(FINE, granular_markings=[{"marking_ref": MARKED, "selectors": ["objects"]}]),
        "put it on each object",
    ),
    "a byte order mark": (b"\xef\xbb\xbf" + _bundle(FINE), "byte order mark"),
    "UTF-16": (_bundle(FINE).decode().encode("utf-16"), "byte order mark"),
    "Latin-1": (_bundle(_changed(name="é")).replace(b"\\u00e9", b"\xe9"), "not UTF-8"),
    "a surrogate in UTF-8": (_bundle(_changed(name="X")).replace(b"X", b"\xed\xa0\x80"), "not UTF-8"),
    "a lone surrogate, escaped": (_bundle(_changed(name="X")).replace(b"X", b"\\ud800"), "lone surrogate"),
    "a lone low surrogate": (_bundle(_changed(name="X")).replace(b"X", b"\\udc00 "), "lone surrogate"),
    "a lone surrogate as name": (_bundle(_changed(x_a=1)).replace(b"x_a", b"\\ud83d"), "lone surrogate"),
    "NaN": (_bundle(_changed(x_score=float("nan"))), "NaN is no JSON number"),
    "Infinity": (_bundle(_changed(x_score=float("-inf"))), "Infinity is no JSON number"),
    "a number beyond all": (_bundle(_changed(x_score=0)).replace(b'"x_score": 0', b'"x_score": 1e400'), "no double"),
    "a control character": (_bundle(_changed(name="X")).replace(b"X", b"\n"), "stops being JSON"),
    "duplicate names around": (b'{"type":"bundle",' + _bundle(FINE)[1:], "twice"),
    "duplicate names, escaped": (b'{"\\u0074ype":"bundle",' + _bundle(FINE)[1:], "twice"),
    "two lists of objects": (_bundle(FINE)[:-1] + b',"objects":[]}', "twice"),
}


@pytest.mark.parametrize(("data", "says"), WHOLE.values(), ids=WHOLE.keys())
def test_a_document_that_is_no_bundle(data: bytes, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_bundle(data)
    assert says in str(caught.value)
    assert not isinstance(caught.value, LimitError)


NESTED = b'{"type":"bundle","id":"x","objects":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
TOO_MUCH: dict[str, tuple[bytes, Limits, str]] = {
    "a hundred megabytes": (b" " * 100_000_000, Limits(), "bytes"),
    "depth of ten thousand": (NESTED, Limits(), "deeper than 100"),
    "depth, never closed": (b"[" * 10_000, Limits(), "deeper than 100"),
    "depth of dictionaries": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, Limits(), "deeper than 100"),
    "depth behind brackets in strings": (
        b'["]]]]]]]]","\\"]]]]",' * 200 + b"1" + b"]" * 200,
        Limits(),
        "deeper than 100",
    ),
    "many values": (b"[" + b"[]," * 2_000_000 + b"[]" + b",1" * 2_000_000 + b"]", Limits(), "members"),
    "many objects": (_bundle(*[FINE] * 11), Limits(max_objects=10), "objects"),
}


@pytest.mark.parametrize(("data", "limits", "says"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_a_document_beyond_a_limit(data: bytes, limits: Limits, says: str) -> None:
    with pytest.raises(LimitError) as caught:
        parse_bundle(data, limits=limits)
    assert says in str(caught.value)


ONE: dict[str, tuple[object, str, str]] = {
    "no object": ("indicator", "objects[1]", "is a JSON object"),
    "null": (None, "objects[1]", "is a JSON object"),
    "no type": (_changed(type=...), "objects[1].type", "'type' is missing"),
    "a number as type": (_changed(type=7), "objects[1].type", "to be a string"),
    "a list as type": (_changed(type=["indicator"]), "objects[1].type", "to be a string"),
    "a bundle within": (_changed(type="bundle", id=BUNDLE_ID), "objects[1].type", "a bundle is no STIX object"),
    "no id": (_changed(id=...), "objects[1].id", "'id' is missing"),
    "an id of another type": (
        _changed(id="malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"),
        "objects[1].id",
        "own type: indicator--",
    ),
    "an id without a UUID": (_changed(id="indicator--1"), "objects[1].id", "RFC 4122"),
    "no spec_version": (_changed(spec_version=...), "objects[1].spec_version", "'spec_version' is missing"),
    "spec_version 2.0": (_changed(spec_version="2.0"), "objects[1].spec_version", "'2.0' is not one of 2.1"),
    "two to the sixtieth": (_changed(x_count=2**60), "objects[1].x_count", "2^53"),
    "two to the sixtieth, deep": (_changed(x_a={"b": [1, 2**60]}), "objects[1].x_a.b[1]", "2^53"),
    "null as value": (_changed(name=None), "objects[1].name", "null is no value"),
    "an empty list": (_changed(labels=[]), "objects[1].labels", "must not be empty"),
    "an empty custom list": (_changed(x_list=[]), "objects[1].x_list", "must not be empty"),
    "a day that does not exist": (_changed(valid_from="2019-02-30T00:00:00Z"), "objects[1].valid_from", "a day that"),
    "modified before created": (_changed(modified="2016-04-29T14:08:59.999Z"), "objects[1].modified", "earlier than"),
    "a name not allowed": (_changed(**{"X-Name": 1}), "objects[1].X-Name", "no name of a property"),
    "a reserved name": (_changed(severity=1), "objects[1].severity", "reserved"),
    "a bad pattern": (_changed(pattern="[url:value = ]"), "objects[1].pattern", "expected a constant, found ']'"),
    "no name of a custom type": (_changed(type="X--y", id="X--y"), "objects[1].type", "single hyphens"),
}


@pytest.mark.parametrize(("item", "where", "says"), ONE.values(), ids=ONE.keys())
def test_one_bad_object_does_not_sink_its_bundle(item: object, where: str, says: str) -> None:
    items = parse_bundle(_bundle(FINE, item, FINE)).items
    assert [type(each) for each in items] == [ParsedObject, RefusedObject, ParsedObject]
    refused = items[1]
    assert isinstance(refused, RefusedObject)
    assert refused.index == 1
    assert refused.where == where
    assert says in refused.reason


def test_a_refusal_shows_id_and_type_as_given() -> None:
    refused = parse_bundle(_bundle(_changed(spec_version="2.0"))).items[0]
    assert isinstance(refused, RefusedObject)
    assert (refused.id, refused.type) == (FINE["id"], "indicator")
    assert refused.section == "STIX 2.1 §3.2"
    assert refused.todo is not None
    assert "2.0" in refused.todo


def test_a_refusal_does_not_repeat_long_nonsense() -> None:
    refused = parse_bundle(_bundle(_changed(id="x" * 100_000, type="y" * 100_000))).items[0]
    assert isinstance(refused, RefusedObject)
    assert (refused.id, refused.type) == (None, None)
    assert len(refused.reason) < 500


def test_a_string_beyond_the_limit_is_its_objects_fault() -> None:
    items = parse_bundle(_bundle(FINE, _changed(description="é" * 600)), limits=Limits(max_string=1_000)).items
    assert isinstance(items[0], ParsedObject)
    assert isinstance(items[1], RefusedObject)
    assert items[1].where == "objects[1].description"


def test_an_envelope_by_the_same_rules() -> None:
    items = parse_envelope(json.dumps({"more": False, "objects": [FINE, 7]}).encode()).items
    assert [type(each) for each in items] == [ParsedObject, RefusedObject]
    assert parse_envelope(b"{}").items == []
    with pytest.raises(InputError, match="the envelope carries a marking"):
        parse_envelope(json.dumps({"objects": [FINE], "object_marking_refs": [MARKED]}).encode())
    with pytest.raises(InputError, match="STIX bundle"):
        parse_envelope(_bundle(FINE))


def test_versions_are_microseconds() -> None:
    read = parse_object(json.dumps(FINE).encode())
    assert isinstance(read, ParsedObject)
    assert read.created == 1_461_938_940_000_000
    assert read.version == 1_461_938_940_123_456


def test_versions_of_one_object_are_all_there() -> None:
    items = parse_bundle(_bundle(FINE, FINE, _changed(modified="2017-01-01T00:00:00.000Z"))).items
    assert [each.version for each in items if isinstance(each, ParsedObject)] == [
        1_461_938_940_123_456,
        1_461_938_940_123_456,
        1_483_228_800_000_000,
    ]


def test_a_thousand_changed_bytes_of_a_real_bundle() -> None:
    path = REALDATA / "stix" / "operation_triangulation.stix2"
    if not path.exists():
        pytest.skip(f"no {path}: set TOCSIN_REALDATA to the folder of real data")
    whole = json.loads(path.read_bytes())
    data = json.dumps({**whole, "objects": whole["objects"][:40]}, indent=1).encode()
    chance = random.Random(4)
    outcomes = {"refused whole": 0, "refused objects": 0, "read": 0}
    for _ in range(1_000):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(changed))
            how = chance.randrange(3)
            if how == 0:
                changed[at] = chance.randrange(256)
            elif how == 1:
                del changed[at : at + chance.randint(1, 40)]
            else:
                changed[at:at] = changed[at - 30 : at]
        try:
            items = parse_bundle(bytes(changed)).items
        except InputError as error:
            outcomes["refused whole"] += bool(error.what)
        else:
            refused = any(isinstance(item, RefusedObject) for item in items)
            outcomes["refused objects" if refused else "read"] += 1
    assert sum(outcomes.values()) == 1_000
    assert min(outcomes.values()) > 0
