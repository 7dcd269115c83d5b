"""Hypothesis strategies for valid STIX 2.1 objects of every type, as plain dictionaries ready for JSON.

`objects()` draws from all types, `of_type(name)` from one, `bundles()` wraps some. What they draw is valid by every
MUST of the specification; it is not meant to be sensible.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

__all__ = ["META", "SCO", "SDO", "SRO", "TYPES", "bundles", "identifiers", "objects", "of_type", "timestamps"]

Json = dict[str, Any]
Fields = dict[str, st.SearchStrategy[Any]]

SDO = (
    "attack-pattern",
    "campaign",
    "course-of-action",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "location",
    "malware",
    "malware-analysis",
    "note",
    "observed-data",
    "opinion",
    "report",
    "threat-actor",
    "tool",
    "vulnerability",
)
SRO = ("relationship", "sighting")
SCO = (
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
)
META = ("extension-definition", "language-content", "marking-definition")
CUSTOM = ("x-example-com-thing", "x-example-com-sighted")
TYPES = (*SDO, *SRO, *SCO, *META)

# --- single values ---------------------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8"), max_size=24)
words = st.sampled_from(["unknown", "other-things", "a", "Ünïcode", 'with "quotes"', "back\\slash", "tab\there"])
many = st.lists(words, min_size=1, max_size=3)
flags = st.booleans()
counts = st.integers(0, 2**53 - 1)
integers = st.integers(-(2**53) + 1, 2**53 - 1)
hexes = st.binary(min_size=1, max_size=8).map(bytes.hex)
languages = st.sampled_from(["en", "de", "fr", "sv", "nb", "da", "es"])
_MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31))  # noqa: DTZ001 - hypothesis wants naive bounds


def _stamp(moment: datetime, digits: int) -> str:
    whole = moment.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{moment.microsecond:06d}000"[:digits]
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


timestamps = st.builds(_stamp, _MOMENTS, st.sampled_from([0, 1, 3, 6]))
precise = st.builds(_stamp, _MOMENTS, st.sampled_from([3, 6]))


def identifiers(*kinds: str, version: int = 4) -> st.SearchStrategy[str]:
    """Draw ids of the given types, with UUIDs of one version."""
    return st.builds(
        lambda kind, number: f"{kind}--{uuid.UUID(int=number, version=version)}",
        st.sampled_from(kinds),
        st.integers(0, 2**128 - 1),
    )


def _refs(*kinds: str) -> st.SearchStrategy[list[str]]:
    return st.lists(identifiers(*kinds), min_size=1, max_size=3)


def _digest(length: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=length, max_size=length).map(bytes.hex)


_hash_kinds: Fields = {
    "MD5": _digest(16),
    "SHA-1": _digest(20),
    "SHA-256": _digest(32),
    "SHA-512": _digest(64),
    "SHA3-256": _digest(32),
    "SHA3-512": _digest(64),
}


def _some(fields: Fields, at_least: int = 1) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=fields).filter(lambda drawn: len(drawn) >= at_least)


hashes = st.sampled_from(sorted(_hash_kinds)).flatmap(lambda name: st.fixed_dictionaries({name: _hash_kinds[name]}))
references = st.lists(
    st.fixed_dictionaries(
        {"source_name": words, "description": texts},
        optional={"url": st.just("https://example.com/a?b=c"), "external_id": words, "hashes": hashes},
    ),
    min_size=1,
    max_size=2,
)
phases = st.lists(st.fixed_dictionaries({"kill_chain_name": words, "phase_name": words}), min_size=1, max_size=2)
keys = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{2,11}", fullmatch=True)
patterns = st.sampled_from(
    [
        "[domain-name:value = 'example.com']",
        "[ipv4-addr:value = '198.51.100.1/32' OR ipv6-addr:value = '2001:db8::1'] REPEATS 5 TIMES",
        "([file:hashes.'SHA-256' = '" + "ab" * 32 + "'] AND [process:pid > 4]) WITHIN 120.5 SECONDS",
        "[file:name MATCHES '^a\\\\.b$' AND NOT EXISTS file:size] FOLLOWEDBY [url:value NOT LIKE 'http%']",
        "[network-traffic:dst_ref.type IN ('ipv4-addr', 'ipv6-addr')]",
    ]
)
marking_refs = _refs("marking-definition")

# --- the types -------------------------------------------------------------------------------------------------------

_COMMON: Fields = {
    "created_by_ref": identifiers("identity"),
    "revoked": flags,
    "labels": many,
    "confidence": st.integers(0, 100),
    "lang": languages,
    "external_references": references,
    "object_marking_refs": marking_refs,
    "x_example_com_score": st.one_of(integers, texts, st.floats(allow_nan=False, allow_infinity=False)),
}
_seen: Fields = {"first_seen": timestamps, "last_seen": timestamps}
_REQUIRED: dict[str, Fields] = {
    "attack-pattern": {"name": texts},
    "campaign": {"name": texts},
    "course-of-action": {"name": texts},
    "grouping": {"context": words, "object_refs": _refs(*SDO, *SCO)},
    "identity": {"name": texts},
    "incident": {"name": texts},
    "indicator": {"pattern": patterns, "pattern_type": st.just("stix"), "valid_from": timestamps},
    "infrastructure": {"name": texts},
    "intrusion-set": {"name": texts},
    "location": {"country": st.sampled_from(["SE", "NO", "DK"])},
    "malware": {"is_family": flags, "name": texts},
    "malware-analysis": {"product": words, "result": words},
    "note": {"content": texts, "object_refs": _refs(*SDO)},
    "observed-data": {
        "first_observed": timestamps,
        "last_observed": timestamps,
        "number_observed": st.integers(1, 999_999_999),
        "object_refs": _refs(*SCO),
    },
    "opinion": {
        "opinion": st.sampled_from(["strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"]),
        "object_refs": _refs(*SDO),
    },
    "report": {"name": texts, "published": timestamps, "object_refs": _refs(*SDO)},
    "threat-actor": {"name": texts},
    "tool": {"name": texts},
    "vulnerability": {"name": texts},
    "relationship": {
        "relationship_type": st.sampled_from(["uses", "related-to", "x-y2"]),
        "source_ref": identifiers(*SDO),
        "target_ref": identifiers(*SDO, *SCO),
    },
    "sighting": {"sighting_of_ref": identifiers(*SDO)},
    "artifact": {"payload_bin": st.just("VGhlIGJlbGwgcmluZ3M=")},
    "autonomous-system": {"number": counts},
    "directory": {"path": texts},
    "domain-name": {"value": st.sampled_from(["example.com", "a.b.example.org", "xn--bcher-kva.example"])},
    "email-addr": {"value": st.sampled_from(["jane@example.com", "a.b+c@mail.example"])},
    "email-message": {"is_multipart": st.just(value=False)},
    "file": {"name": texts},
    "ipv4-addr": {"value": st.ip_addresses(v=4).map(str)},
    "ipv6-addr": {"value": st.sampled_from(["2001:db8::1", "2001:db8::/32", "::1"])},
    "mac-addr": {"value": st.just("d2:fb:49:24:37:18")},
    "mutex": {"name": texts},
    "network-traffic": {"protocols": many, "src_ref": identifiers("ipv4-addr", "ipv6-addr", "mac-addr", "domain-name")},
    "process": {"pid": counts},
    "software": {"name": texts},
    "url": {"value": st.sampled_from(["https://example.com/a?b=c#d", "ftp://192.0.2.1/x"])},
    "user-account": {"user_id": texts},
    "windows-registry-key": {"key": st.sampled_from(["HKEY_LOCAL_MACHINE\\System\\Foo", "hkey_users\\x"])},
    "x509-certificate": {"serial_number": texts},
    "extension-definition": {
        "name": texts,
        "schema": texts,
        "version": st.just("1.2.1"),
        "extension_types": st.just(["property-extension", "toplevel-property-extension"]),
        "created_by_ref": identifiers("identity"),
    },
    "language-content": {
        "object_ref": identifiers(*SDO),
        "contents": st.dictionaries(
            languages, st.fixed_dictionaries({"name": texts}, optional={"goals": many}), min_size=1, max_size=2
        ),
    },
    "marking-definition": {
        "definition_type": st.just("statement"),
        "definition": st.fixed_dictionaries({"statement": texts}),
    },
    "x-example-com-thing": {"some_value": texts},
    "x-example-com-sighted": {"some_value": texts},
}
_OPTIONAL: dict[str, Fields] = {
    "attack-pattern": {"description": texts, "aliases": many, "kill_chain_phases": phases},
    "campaign": {"description": texts, "aliases": many, "objective": texts, **_seen},
    "course-of-action": {"description": texts},
    "grouping": {"name": texts, "description": texts},
    "identity": {"roles": many, "identity_class": words, "sectors": many, "contact_information": texts},
    "incident": {"description": texts},
    "indicator": {
        "name": texts,
        "description": texts,
        "indicator_types": many,
        "pattern_version": st.just("2.1"),
        "kill_chain_phases": phases,
    },
    "infrastructure": {"infrastructure_types": many, "aliases": many, "kill_chain_phases": phases, **_seen},
    "intrusion-set": {"aliases": many, "goals": many, "resource_level": words, "secondary_motivations": many, **_seen},
    "location": {"name": texts, "region": words, "city": texts, "postal_code": texts},
    "malware": {
        "malware_types": many,
        "operating_system_refs": _refs("software"),
        "capabilities": many,
        "sample_refs": _refs("artifact", "file"),
        **_seen,
    },
    "malware-analysis": {
        "version": texts,
        "host_vm_ref": identifiers("software"),
        "installed_software_refs": _refs("software"),
        "modules": many,
        "submitted": timestamps,
        "analysis_sco_refs": _refs(*SCO),
        "sample_ref": identifiers("artifact", "file", "network-traffic"),
    },
    "note": {"abstract": texts, "authors": many},
    "opinion": {"explanation": texts, "authors": many},
    "report": {"description": texts, "report_types": many},
    "threat-actor": {"threat_actor_types": many, "roles": many, "sophistication": words, "goals": many, **_seen},
    "tool": {"tool_types": many, "aliases": many, "tool_version": texts, "kill_chain_phases": phases},
    "vulnerability": {"description": texts},
    "relationship": {"description": texts},
    "sighting": {
        "count": st.integers(0, 999_999_999),
        "observed_data_refs": _refs("observed-data"),
        "where_sighted_refs": _refs("identity", "location"),
        "summary": flags,
        **_seen,
    },
    "artifact": {"mime_type": st.just("image/png"), "hashes": hashes},
    "autonomous-system": {"name": texts, "rir": texts},
    "directory": {
        "path_enc": st.just("windows-1252"),
        "ctime": timestamps,
        "contains_refs": _refs("file", "directory"),
    },
    "domain-name": {"resolves_to_refs": _refs("ipv4-addr", "ipv6-addr", "domain-name")},
    "email-addr": {"display_name": texts, "belongs_to_ref": identifiers("user-account")},
    "email-message": {
        "date": timestamps,
        "from_ref": identifiers("email-addr"),
        "to_refs": _refs("email-addr"),
        "subject": texts,
        "body": texts,
        "received_lines": many,
        "raw_email_ref": identifiers("artifact"),
    },
    "file": {
        "hashes": hashes,
        "size": counts,
        "name_enc": st.just("windows-1252"),
        "magic_number_hex": hexes,
        "mime_type": st.just("application/zip"),
        "mtime": timestamps,
        "parent_directory_ref": identifiers("directory"),
        "contains_refs": _refs(*SCO),
        "content_ref": identifiers("artifact"),
    },
    "ipv4-addr": {"resolves_to_refs": _refs("mac-addr"), "belongs_to_refs": _refs("autonomous-system")},
    "ipv6-addr": {"resolves_to_refs": _refs("mac-addr"), "belongs_to_refs": _refs("autonomous-system")},
    "network-traffic": {
        "dst_ref": identifiers("ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"),
        "start": timestamps,
        "is_active": flags,
        "src_port": st.integers(0, 65535),
        "dst_port": st.integers(0, 65535),
        "src_byte_count": counts,
        "dst_packets": counts,
        "ipfix": st.dictionaries(keys, st.one_of(counts, words), min_size=1, max_size=2),
        "dst_payload_ref": identifiers("artifact"),
        "encapsulates_refs": _refs("network-traffic"),
    },
    "process": {
        "is_hidden": flags,
        "created_time": timestamps,
        "cwd": texts,
        "command_line": texts,
        "environment_variables": st.dictionaries(keys, words, min_size=1, max_size=2),
        "opened_connection_refs": _refs("network-traffic"),
        "image_ref": identifiers("file"),
        "child_refs": _refs("process"),
    },
    "software": {
        "cpe": st.just("cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*"),
        "swid": texts,
        "vendor": texts,
        "version": texts,
    },
    "user-account": {
        "account_login": texts,
        "account_type": words,
        "is_privileged": flags,
        "account_created": timestamps,
        "account_last_login": timestamps,
    },
    "windows-registry-key": {
        "values": st.lists(
            _some({"name": texts, "data": texts, "data_type": st.sampled_from(["REG_SZ", "REG_DWORD"])}),
            min_size=1,
            max_size=2,
        ),
        "modified_time": timestamps,
        "creator_user_ref": identifiers("user-account"),
        "number_of_subkeys": counts,
    },
    "x509-certificate": {
        "is_self_signed": flags,
        "hashes": hashes,
        "issuer": texts,
        "validity_not_before": timestamps,
        "subject_public_key_exponent": counts,
        "x509_v3_extensions": _some(
            {"basic_constraints": texts, "key_usage": texts, "private_key_usage_period_not_after": timestamps}
        ),
    },
    "extension-definition": {"description": texts, "extension_properties": st.just(["toxicity", "rank_2"])},
    "language-content": {"object_modified": precise},
    "marking-definition": {"name": texts, "created_by_ref": identifiers("identity")},
}
_EXTENSIONS: dict[str, dict[str, st.SearchStrategy[Json]]] = {
    "file": {
        "archive-ext": st.fixed_dictionaries(
            {"contains_refs": _refs("file", "directory")}, optional={"comment": texts}
        ),
        "ntfs-ext": _some(
            {
                "sid": texts,
                "alternate_data_streams": st.lists(
                    st.fixed_dictionaries({"name": texts}, optional={"hashes": hashes, "size": counts}), min_size=1
                ),
            }
        ),
        "pdf-ext": _some(
            {
                "version": texts,
                "is_optimized": flags,
                "document_info_dict": st.dictionaries(keys, texts, min_size=1, max_size=2),
            }
        ),
        "raster-image-ext": _some(
            {"image_height": counts, "exif_tags": st.just({"Make": "Nikon", "XResolution": 4928})}
        ),
        "windows-pebinary-ext": st.fixed_dictionaries(
            {"pe_type": words, "number_of_sections": counts},
            optional={
                "imphash": texts,
                "machine_hex": hexes,
                "time_date_stamp": st.builds(_stamp, _MOMENTS, st.just(0)),
                "file_header_hashes": hashes,
                "optional_header": _some({"magic_hex": hexes, "size_of_code": counts, "image_base": counts}),
                "sections": st.lists(
                    st.fixed_dictionaries({"name": texts}, optional={"entropy": st.floats(0, 8), "size": counts}),
                    min_size=1,
                    max_size=2,
                ),
            },
        ),
    },
    "network-traffic": {
        "http-request-ext": st.fixed_dictionaries(
            {"request_method": st.just("get"), "request_value": texts},
            optional={
                "request_version": texts,
                "request_header": st.dictionaries(keys, many, min_size=1, max_size=2),
                "message_body_length": counts,
                "message_body_data_ref": identifiers("artifact"),
            },
        ),
        "icmp-ext": st.fixed_dictionaries({"icmp_type_hex": hexes, "icmp_code_hex": hexes}),
        "socket-ext": st.fixed_dictionaries(
            {"address_family": st.sampled_from(["AF_INET", "AF_INET6"])},
            optional={
                "is_blocking": flags,
                "options": st.just({"SO_KEEPALIVE": 1}),
                "socket_type": st.just("SOCK_STREAM"),
                "socket_descriptor": counts,
            },
        ),
        "tcp-ext": _some({"src_flags_hex": hexes, "dst_flags_hex": hexes}),
    },
    "process": {
        "windows-process-ext": _some(
            {
                "aslr_enabled": flags,
                "priority": st.just("HIGH_PRIORITY_CLASS"),
                "owner_sid": texts,
                "startup_info": st.just({"lpDesktop": "x", "dwX": 1}),
            }
        ),
        "windows-service-ext": _some(
            {
                "service_name": texts,
                "descriptions": many,
                "start_type": st.just("SERVICE_AUTO_START"),
                "service_dll_refs": _refs("file"),
                "service_type": st.just("SERVICE_KERNEL_DRIVER"),
                "service_status": st.just("SERVICE_RUNNING"),
            }
        ),
    },
    "user-account": {"unix-account-ext": _some({"gid": counts, "groups": many, "home_dir": texts, "shell": texts})},
}
_property_extension = st.builds(
    lambda name, value: {name: {"extension_type": "property-extension", "some_rank": value}},
    identifiers("extension-definition"),
    st.one_of(counts, many, texts),
)
_RANDOM_ID = {"artifact", "email-message", "process", "user-account", "windows-registry-key", "x509-certificate"}
_ORDERED = (("first_seen", "last_seen"), ("first_observed", "last_observed"), ("created", "modified"))


def _ordered(drawn: Json) -> Json:
    """Put the two ends of each window of time into order, comparing to the microsecond."""
    for first, last in _ORDERED:
        if first in drawn and last in drawn:
            pair = sorted((drawn[first], drawn[last]), key=datetime.fromisoformat)
            drawn[first], drawn[last] = pair
    return drawn


def _extensions(kind: str) -> st.SearchStrategy[Json]:
    predefined = _EXTENSIONS.get(kind)
    if predefined is None:
        return _property_extension
    return st.one_of(_some(dict(predefined)), _property_extension)


def of_type(kind: str) -> st.SearchStrategy[Json]:
    """Draw valid objects of one type."""
    observable = kind in SCO or kind == "x-example-com-sighted"
    required: Fields = {"type": st.just(kind), "id": identifiers(kind, version=5 if _deterministic(kind) else 4)}
    optional: Fields = {"object_marking_refs": marking_refs, "extensions": _extensions(kind)}
    if observable:
        optional |= {"spec_version": st.just("2.1"), "defanged": st.just(value=False)}
    elif kind == "marking-definition":
        required |= {"spec_version": st.just("2.1"), "created": precise}
        optional |= {"external_references": references}
    else:
        required |= {"spec_version": st.just("2.1"), "created": precise, "modified": precise}
        optional |= _COMMON
    if kind in {"extension-definition", "language-content"}:
        for name in ("lang", "confidence"):
            optional.pop(name)
    if kind == "extension-definition":
        optional.pop("extensions")
    if kind == "x-example-com-sighted":
        optional.pop("extensions")
        required["extensions"] = st.builds(
            lambda name: {name: {"extension_type": "new-sco"}}, identifiers("extension-definition")
        )
    optional = {**optional, **_OPTIONAL.get(kind, {})}
    required |= _REQUIRED[kind]
    optional = {name: strategy for name, strategy in optional.items() if name not in required}
    drawn = st.fixed_dictionaries(required, optional=optional)
    item = st.builds(
        _select,
        drawn,
        st.one_of(st.none(), st.none(), st.integers(0, 50)),
        identifiers("marking-definition"),
    )
    return item.filter(_marks_others) if kind == "marking-definition" else item


def _deterministic(kind: str) -> bool:
    return kind in SCO and kind not in _RANDOM_ID


def _select(drawn: Json, pick: int | None, reference: str) -> Json:
    ordered = _ordered(drawn)
    if pick is not None:
        names = sorted(ordered)
        ordered["granular_markings"] = [{"marking_ref": reference, "selectors": [names[pick % len(names)]]}]
    return ordered


def _marks_others(drawn: Json) -> bool:
    """Whether a marking leaves itself alone (§3.2); small ids are drawn often, and twice."""
    granular = [marking["marking_ref"] for marking in drawn.get("granular_markings", ())]
    return drawn["id"] not in [*drawn.get("object_marking_refs", ()), *granular]


def objects(kinds: tuple[str, ...] = (*TYPES, *CUSTOM)) -> st.SearchStrategy[Json]:
    """Draw valid objects of the given types."""
    return st.sampled_from(kinds).flatmap(of_type)


def bundles(items: st.SearchStrategy[Json] | None = None, *, max_size: int = 5) -> st.SearchStrategy[Json]:
    """Draw bundles of one to `max_size` objects."""
    return st.builds(
        lambda name, members: {"type": "bundle", "id": name, "objects": members},
        identifiers("bundle"),
        st.lists(items if items is not None else objects(), min_size=1, max_size=max_size),
    )
