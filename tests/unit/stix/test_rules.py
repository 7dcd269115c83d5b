"""Each rule has a case that breaks it alone: a table of sections, objects and what is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.stix_objects import EXTENSION, TIMES, UUID4, UUID5, ref, stix_object
from tocsin.exchange.stix import ParsedObject, RefusedObject, parse_object
from tocsin.exchange.stix.model import META_TYPES, SCO_TYPES, SDO_TYPES, SRO_TYPES

EARLY, LATE = "2016-01-01T00:00:00Z", "2016-01-02T00:00:00Z"
STATEMENT = {"definition_type": "statement", "definition": {"statement": "Copyright"}}
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"


def _file(name: str, contents: object) -> dict[str, Any]:
    return stix_object("file", name="x", extensions={name: contents})


TLP_RED = stix_object(
    "marking-definition",
    id=RED,
    created="2017-01-20T00:00:00.000Z",
    name="TLP:RED",
    definition_type="tlp",
    definition={"tlp": "red"},
)
TRAFFIC = {"protocols": ["tcp"], "src_ref": ref("ipv4-addr")}
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "reference without content": (
        stix_object("tool", name="x", external_references=[{"source_name": "a"}]),
        "external_references[0]",
        "§2.5.2",
    ),
    "hash of a reference": (
        stix_object("tool", name="x", external_references=[{"source_name": "a", "url": "b", "hashes": {"CRC": "1"}}]),
        "external_references[0].hashes",
        "§2.5.1",
    ),
    "capec id": (
        stix_object("attack-pattern", name="x", external_references=[{"source_name": "capec", "external_id": "66"}]),
        "external_references[0]",
        "§4.1.1",
    ),
    "cve by another name": (
        stix_object(
            "vulnerability", name="x", external_references=[{"source_name": "nvd", "external_id": "CVE-2014-0160"}]
        ),
        "external_references[0]",
        "§4.19.1",
    ),
    "language": (stix_object("tool", name="x", lang="no language"), "lang", "§3.2"),
    "confidence": (stix_object("tool", name="x", confidence=101), "confidence", "§3.2"),
    "creator": (stix_object("tool", name="x", created_by_ref=ref("tool")), "created_by_ref", "§3.2"),
    "defanged domain object": (stix_object("tool", name="x", defanged=True), "defanged", "§3.2"),
    "precision of created": (stix_object("tool", name="x", created="2016-04-29T14:09:00Z"), "created", "§3.2"),
    "marking ref": (stix_object("tool", name="x", object_marking_refs=[ref("tool")]), "object_marking_refs[0]", "§3.2"),
    "marking and language": (
        stix_object("tool", name="x", granular_markings=[{"lang": "de", "marking_ref": RED, "selectors": ["name"]}]),
        "granular_markings[0]",
        "§7.2.3",
    ),
    "neither marking nor language": (
        stix_object("tool", name="x", granular_markings=[{"selectors": ["name"]}]),
        "granular_markings[0]",
        "§7.2.3",
    ),
    "selector of nothing": (
        stix_object("tool", name="x", granular_markings=[{"lang": "de", "selectors": ["name", "labels.[0]"]}]),
        "granular_markings[0].selectors[1]",
        "§7.2.3",
    ),
    "selector into a string": (
        stix_object("tool", name="x", granular_markings=[{"lang": "de", "selectors": ["name.[0]"]}]),
        "granular_markings[0].selectors[0]",
        "§7.2.3",
    ),
    "extension by no name": (
        stix_object("tool", name="x", extensions={"mine": {"abc": 1}}),
        "extensions.mine",
        "§11.3.1",
    ),
    "extension without type": (
        stix_object("tool", name="x", extensions={EXTENSION: {"abc": 1}}),
        f"extensions.{EXTENSION}",
        "§3.2",
    ),
    "extension of no type": (
        stix_object("tool", name="x", extensions={EXTENSION: {"extension_type": "other"}}),
        f"extensions.{EXTENSION}.extension_type",
        "§3.2",
    ),
    "property of an extension": (
        stix_object("tool", name="x", extensions={EXTENSION: {"extension_type": "property-extension", "A-b": 1}}),
        f"extensions.{EXTENSION}",
        "§7.3.2",
    ),
    "seen": (stix_object("campaign", name="x", first_seen=LATE, last_seen=EARLY), "last_seen", "§4.2.1"),
    "validity": (
        stix_object("indicator", pattern="x", pattern_type="pcre", valid_from=EARLY, valid_until=EARLY),
        "valid_until",
        "§4.7.1",
    ),
    "pattern": (stix_object("indicator", pattern="x", pattern_type="stix", valid_from=EARLY), "pattern", "§9"),
    "no place": (stix_object("location", city="Oslo"), "", "§4.10.1"),
    "half a place": (stix_object("location", country="NO", longitude=10.0), "longitude", "§4.10.1"),
    "beyond the pole": (stix_object("location", latitude=90.1, longitude=0), "latitude", "§4.10.1"),
    "precision of no place": (stix_object("location", country="NO", precision=1.5), "precision", "§4.10.1"),
    "family without name": (stix_object("malware", is_family=True), "name", "§4.11.1"),
    "sample of another type": (
        stix_object("malware", is_family=False, sample_refs=[ref("url")]),
        "sample_refs[0]",
        "§4.11.1",
    ),
    "analysis without result": (stix_object("malware-analysis", product="x"), "", "§4.12.1"),
    "nothing observed": (
        stix_object("observed-data", first_observed=EARLY, last_observed=LATE, number_observed=1),
        "object_refs",
        "§4.14.1",
    ),
    "observed never": (
        stix_object(
            "observed-data", first_observed=EARLY, last_observed=LATE, number_observed=0, object_refs=[ref("url")]
        ),
        "number_observed",
        "§4.14.1",
    ),
    "no observable": (
        stix_object(
            "observed-data", first_observed=EARLY, last_observed=LATE, number_observed=1, object_refs=[ref("tool")]
        ),
        "object_refs",
        "§4.14.1",
    ),
    "reference out of the container": (
        stix_object(
            "observed-data",
            first_observed=EARLY,
            last_observed=LATE,
            number_observed=1,
            objects={"0": {"type": "network-traffic", "protocols": ["tcp"], "src_ref": "1"}},
        ),
        "objects.0.src_ref",
        "§2.9",
    ),
    "opinion": (stix_object("opinion", opinion="perhaps", object_refs=[ref("tool")]), "opinion", "§4.15.1"),
    "no object of a note": (stix_object("note", content="x", object_refs=[]), "object_refs", "§2.12"),
    "end of a relationship": (
        stix_object("relationship", relationship_type="uses", source_ref=ref("tool"), target_ref=ref("sighting")),
        "target_ref",
        "§5.1.2",
    ),
    "name of a relationship": (
        stix_object("relationship", relationship_type="Uses", source_ref=ref("tool"), target_ref=ref("tool")),
        "relationship_type",
        "§5.1.2",
    ),
    "relationship without time": (
        stix_object(
            "relationship",
            relationship_type="uses",
            source_ref=ref("tool"),
            target_ref=ref("tool"),
            start_time=EARLY,
            stop_time=EARLY,
        ),
        "stop_time",
        "§5.1.2",
    ),
    "observable sighted": (stix_object("sighting", sighting_of_ref=ref("url")), "sighting_of_ref", "§5.2.1"),
    "count": (stix_object("sighting", sighting_of_ref=ref("tool"), count=1_000_000_000), "count", "§5.2.1"),
    "payload and url": (stix_object("artifact", payload_bin="AAAA", url="https://a.example"), "payload_bin", "§6.1.1"),
    "payload": (stix_object("artifact", payload_bin="AAA"), "payload_bin", "§2.1"),
    "url without hash": (stix_object("artifact", url="https://a.example"), "hashes", "§6.1.1"),
    "key without algorithm": (
        stix_object("artifact", payload_bin="AAAA", decryption_key="x"),
        "decryption_key",
        "§6.1.1",
    ),
    "algorithm": (
        stix_object("artifact", payload_bin="AAAA", encryption_algorithm="rot13"),
        "encryption_algorithm",
        "§6.1.1",
    ),
    "domain": (stix_object("domain-name", value="no domain"), "value", "§6.4.1"),
    "e-mail": (stix_object("email-addr", value="Jane <jane@example.com>"), "value", "§6.5.1"),
    "body of many parts": (stix_object("email-message", is_multipart=True, body="x"), "body", "§6.6.1"),
    "parts of one body": (
        stix_object("email-message", is_multipart=False, body_multipart=[{"body": "x"}]),
        "body_multipart",
        "§6.6.1",
    ),
    "part without body": (
        stix_object("email-message", is_multipart=True, body_multipart=[{"content_type": "text/plain"}]),
        "body_multipart[0]",
        "§6.6.2",
    ),
    "file of nothing": (stix_object("file", size=1), "", "§6.7"),
    "size": (stix_object("file", name="x", size=-1), "size", "§6.7.1"),
    "hex": (stix_object("file", name="x", magic_number_hex="504B"), "magic_number_hex", "§2.8"),
    "hash": (stix_object("file", hashes={"MD5": "x"}), "hashes.MD5", "§2.7"),
    "hash name": (stix_object("file", hashes={"a": "x"}), "hashes", "§2.7"),
    "encoding of nothing": (stix_object("file", hashes={"x_a": "x"}, name_enc="utf-8"), "name_enc", "§3.1"),
    "archive": (_file("archive-ext", {"comment": "x"}), "extensions.archive-ext.contains_refs", "§6.7.2"),
    "ntfs": (_file("ntfs-ext", {"x_a": 1}), "extensions.ntfs-ext", "§6.7.3"),
    "pdf": (_file("pdf-ext", {"is_optimized": 1}), "extensions.pdf-ext.is_optimized", "§6.7.4"),
    "raster image": (
        _file("raster-image-ext", {"exif_tags": {"Ä": 1}}),
        "extensions.raster-image-ext.exif_tags",
        "§2.3",
    ),
    "pe alone": (_file("windows-pebinary-ext", {"pe_type": "exe"}), "extensions.windows-pebinary-ext", "§6.7.6"),
    "pe time": (
        _file("windows-pebinary-ext", {"pe_type": "exe", "time_date_stamp": "2016-01-01T00:00:00.0Z"}),
        "extensions.windows-pebinary-ext.time_date_stamp",
        "§6.7.6",
    ),
    "pe header": (
        _file("windows-pebinary-ext", {"pe_type": "exe", "optional_header": {"x_a": 1}}),
        "extensions.windows-pebinary-ext.optional_header",
        "§6.7.6",
    ),
    "ipv4": (stix_object("ipv4-addr", value="198.51.100.256"), "value", "§6.8.1"),
    "ipv4 block": (stix_object("ipv4-addr", value="198.51.100.0/33"), "value", "§6.8.1"),
    "ipv6": (stix_object("ipv6-addr", value="2001:db8::1::2"), "value", "§6.9.1"),
    "mac": (stix_object("mac-addr", value="D2:FB:49:24:37:18"), "value", "§6.10"),
    "traffic from nowhere": (stix_object("network-traffic", protocols=["tcp"]), "", "§6.12"),
    "active traffic that ended": (
        stix_object("network-traffic", **TRAFFIC, end=LATE, is_active=True),
        "end",
        "§6.12.1",
    ),
    "traffic ended before": (stix_object("network-traffic", **TRAFFIC, start=LATE, end=EARLY), "end", "§6.12.1"),
    "port": (stix_object("network-traffic", **TRAFFIC, dst_port=65536), "dst_port", "§6.12.1"),
    "http": (
        stix_object("network-traffic", **TRAFFIC, extensions={"http-request-ext": {"request_method": "get"}}),
        "extensions.http-request-ext.request_value",
        "§6.12.2",
    ),
    "icmp": (
        stix_object(
            "network-traffic", **TRAFFIC, extensions={"icmp-ext": {"icmp_type_hex": "8", "icmp_code_hex": "00"}}
        ),
        "extensions.icmp-ext.icmp_type_hex",
        "§2.8",
    ),
    "socket": (
        stix_object("network-traffic", **TRAFFIC, extensions={"socket-ext": {"address_family": "AF_X"}}),
        "extensions.socket-ext.address_family",
        "§6.12.4",
    ),
    "tcp": (
        stix_object("network-traffic", **TRAFFIC, extensions={"tcp-ext": {"x_a": 1}}),
        "extensions.tcp-ext",
        "§6.12.5",
    ),
    "process of nothing": (stix_object("process"), "", "§6.13"),
    "process by name": (stix_object("process", id=f"process--{UUID5}", pid=1), "id", "§2.9"),
    "windows process": (
        stix_object("process", extensions={"windows-process-ext": {"startup_info": {"other": 1}}}),
        "extensions.windows-process-ext.startup_info",
        "§6.13.2",
    ),
    "windows service": (
        stix_object("process", extensions={"windows-service-ext": {"start_type": "NEVER"}}),
        "extensions.windows-service-ext.start_type",
        "§6.13.3",
    ),
    "cpe": (stix_object("software", name="x", cpe="cpe:/a:b"), "cpe", "§6.14.1"),
    "language of software": (stix_object("software", name="x", languages=["?"]), "languages[0]", "§6.14.1"),
    "url": (stix_object("url", value="https://a b"), "value", "§6.15.1"),
    "account of nothing": (stix_object("user-account"), "", "§6.16"),
    "unix account": (
        stix_object("user-account", extensions={"unix-account-ext": {"x_a": 1}}),
        "extensions.unix-account-ext",
        "§6.16.2",
    ),
    "key of nothing": (stix_object("windows-registry-key"), "", "§6.17"),
    "short hive": (stix_object("windows-registry-key", key="HKLM\\System"), "key", "§6.17.1"),
    "value of nothing": (stix_object("windows-registry-key", values=[{"x_a": 1}]), "values[0]", "§6.17.2"),
    "certificate of nothing": (stix_object("x509-certificate"), "", "§6.18"),
    "certificate extensions": (
        stix_object("x509-certificate", x509_v3_extensions={"x_a": 1}),
        "x509_v3_extensions",
        "§6.18.2",
    ),
    "no language": (
        stix_object("language-content", object_ref=ref("tool"), contents={"?": {"name": "x"}}),
        "contents.?",
        "§7.1.1",
    ),
    "no translation": (
        stix_object("language-content", object_ref=ref("tool"), contents={"de": {"name": 1}}),
        "contents.de.name",
        "§7.1.1",
    ),
    "no marking": (stix_object("marking-definition"), "definition_type", "§7.2.1"),
    "half a marking": (stix_object("marking-definition", definition_type="x"), "definition", "§7.2.1"),
    "marks itself": (
        stix_object("marking-definition", **STATEMENT, object_marking_refs=[ref("marking-definition")]),
        "object_marking_refs",
        "§3.2",
    ),
    "statement of nothing": (
        stix_object("marking-definition", definition_type="statement", definition={"x_a": 1}),
        "definition.statement",
        "§7.2.1.3",
    ),
    "tlp of one's own": (
        stix_object("marking-definition", definition_type="tlp", definition={"tlp": "red"}),
        "",
        "§7.2.1.4",
    ),
    "tlp red that says white": ({**TLP_RED, "definition": {"tlp": "white"}}, "", "§7.2.1.4"),
    "tlp red that is a statement": ({**TLP_RED, **STATEMENT}, "", "§7.2.1.4"),
    "extension without creator": (
        stix_object("extension-definition", name="x", schema="x", version="1", extension_types=["new-sdo"]),
        "created_by_ref",
        "§3.2",
    ),
    "properties not at the top": (
        stix_object(
            "extension-definition",
            name="x",
            schema="x",
            version="1",
            extension_types=["new-sdo"],
            created_by_ref=ref("identity"),
            extension_properties=["rank"],
        ),
        "extension_properties",
        "§7.3.1",
    ),
    "reference to a bundle": (
        stix_object("report", name="x", published=EARLY, object_refs=[ref("bundle")]),
        "object_refs[0]",
        "§2.9",
    ),
    "custom object without modified": (
        stix_object("x-acme-thing", modified=..., name="x"),
        "modified",
        "§3.2",
    ),
    "times of an observable": (stix_object("mutex", name="x", created="yesterday"), "created", "§2.16.1"),
}


@pytest.mark.parametrize(("item", "where", "section"), CASES.values(), ids=CASES.keys())
def test_a_rule_that_is_broken(item: dict[str, Any], where: str, section: str) -> None:
    read = parse_object(json.dumps(item).encode())
    assert isinstance(read, RefusedObject)
    assert (read.where, read.section) == (where, f"STIX 2.1 {section}"), read
    assert read.reason


FINE: dict[str, dict[str, Any]] = {
    "tlp red": TLP_RED,
    "marking by extension": stix_object(
        "marking-definition", extensions={EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "red"}}
    ),
    "defanged url": stix_object("url", value="hxxps://example[.]com/a b", defanged=True),
    "observable that is versioned": stix_object("mutex", name="x", **TIMES),
    "container of 2.0": stix_object(
        "observed-data",
        first_observed=EARLY,
        last_observed=LATE,
        number_observed=1,
        objects={
            "0": {"type": "ipv4-addr", "value": "1.2.3.4"},
            "1": {"type": "network-traffic", "protocols": ["tcp"], "src_ref": "0"},
        },
    ),
    "custom observable": stix_object(
        "x-acme-sighted",
        spec_version=...,
        created=...,
        modified=...,
        extensions={EXTENSION: {"extension_type": "new-sco"}},
    ),
    "custom object": stix_object("x-acme-thing", some_list=[{"deep": []}], x_bool=False),
    "leap second": stix_object("tool", name="x", modified="2016-12-31T23:59:60.000Z"),
    "nanoseconds": stix_object("tool", name="x", modified="2016-04-29T14:09:00.123456789Z"),
    "id in upper case": stix_object("tool", name="x", id=f"tool--{UUID4.upper()}"),
    "language marking": stix_object("tool", name="x", granular_markings=[{"lang": "nb-NO", "selectors": ["name"]}]),
    "open vocabulary": stix_object("grouping", context="of-our-own", object_refs=[ref("tool")]),
    "pattern of another language": stix_object("indicator", pattern="(", pattern_type="pcre", valid_from=EARLY),
}


@pytest.mark.parametrize("item", FINE.values(), ids=FINE.keys())
def test_what_no_rule_forbids(item: dict[str, Any]) -> None:
    read = parse_object(json.dumps(item).encode())
    assert isinstance(read, ParsedObject), read
    assert json.loads(read.body) == item


def test_every_type_of_the_specification_is_there() -> None:
    assert [len(types) for types in (SDO_TYPES, SRO_TYPES, SCO_TYPES, META_TYPES)] == [19, 2, 18, 3]
