"""stix2-validator as the oracle: both say the same of every object, or the table below says why not.

The validator runs with its MUST checks only (`disabled="all"` turns off what are SHOULDs), offline.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings

from support.stix_mutations import mutants
from support.stix_objects import EXTENSION, ref, stix_object
from support.stix_strategies import objects
from tocsin.exchange.stix import RefusedObject, parse_bundle, parse_object

stix2validator = pytest.importorskip("stix2validator")

REALDATA = Path(os.environ.get("TOCSIN_REALDATA", Path(__file__).parents[2] / "../shared/data"))
OPTIONS = stix2validator.ValidationOptions(version="2.1", silent=True, disabled="all")


class Difference(NamedTuple):
    """One known difference: who refuses, what they say (a regular expression), who is right by what, and a case."""

    refuses: str
    says: str
    right: str
    example: dict[str, Any]


def _tool(**properties: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return stix_object("tool", name="x", **properties)


def _marking(**properties: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    statement = {"definition_type": "statement", "definition": {"statement": "x"}}
    return stix_object("marking-definition", **(statement | properties))


def _file(name: str, contents: object) -> dict[str, Any]:
    return stix_object("file", name="x", extensions={name: contents})


_TRAFFIC = {"protocols": ["tcp"], "src_ref": ref("ipv4-addr")}

DIFFERENCES: dict[str, Difference] = {
    # --- we refuse, the validator does not ---------------------------------------------------------------------------
    "own type": Difference(
        "we",
        r"begin with the object's own type.*§2\.9",
        "we: §2.9, an id begins with the type of the object; theirs looks at the types it knows only",
        stix_object("x-acme-thing", id=ref("x-acme-other")),
    ),
    "type with a line feed": Difference(
        "we",
        r"single hyphens, beginning with a letter.*§11\.2\.1",
        "we: §11.2.1; in their pattern $ lets a line feed pass",
        stix_object("x-acme-thing\n", id="x-acme-thing--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"),
    ),
    "names of properties": Difference(
        "we",
        r"is no name of a property.*§11\.1\.1",
        "we: §3.1 and §11.1.1; their pattern is not anchored, so a good beginning is enough",
        _tool(**{"with-hyphen": 1}),
    ),
    "names of extension properties": Difference(
        "we",
        r"is no name of a property.*§7\.3\.2",
        "we: §7.3.2; not anchored, as above",
        _tool(extensions={EXTENSION: {"extension_type": "property-extension", "with-hyphen": 1}}),
    ),
    "names on markings": Difference(
        "we",
        r"is reserved.*§3\.8",
        "we: §3.8 holds for all objects; theirs looks at no names of markings",
        _marking(severity=1),
    ),
    "defanged": Difference(
        "we", r"for observables only.*§3\.2", "we: §3.2, MUST NOT be used on others than SCOs", _tool(defanged=True)
    ),
    "targets of markings": Difference(
        "we",
        r"the id of a marking-definition.*§3\.2",
        "we: §3.2 with §3.3, the only valid target is a marking-definition",
        _tool(object_marking_refs=[ref("tool")]),
    ),
    "creators": Difference(
        "we", r"the id of an identity.*§3\.2", "we: §3.2, the id of an identity", _tool(created_by_ref=ref("tool"))
    ),
    "targets of references": Difference(
        "we",
        r"has to be the id of .*§(4|5|6)\.",
        "we: the tables of §4 to §6 say what the object referenced MUST be; theirs looks into containers only",
        stix_object("email-message", is_multipart=False, to_refs=[ref("tool")]),
    ),
    "any reference": Difference(
        "we",
        r"has to be the id of a STIX object.*§2\.9",
        "we: §2.9 and §8.2; theirs takes any string where it expects observables, and bundles anywhere",
        stix_object("file", name="x", contains_refs=["other"]),
    ),
    "sighting of an observable": Difference(
        "we",
        r"what is sighted is a domain object.*§5\.2\.1",
        "we: §5.2.1, MUST reference only an SDO",
        stix_object("sighting", sighting_of_ref=ref("url")),
    ),
    "ends of relationships": Difference(
        "we",
        r"domain object or an observable.*§5\.1\.2",
        "we: §5.1.2, an SDO or SCO, which an extension-definition is not",
        stix_object("relationship", relationship_type="uses", source_ref=ref("tool"), target_ref=EXTENSION),
    ),
    "integers": Difference(
        "we",
        r"\(2\^53-1\).*§2\.10",
        "we: §2.10 and RFC 7493 §2.2; their schema has no such bound",
        _tool(x_count=2**53),
    ),
    "empty and null": Difference(
        "we",
        r"(must not be empty|null is no value).*§2(\.3|\.12)?\]",
        "we: §2, §2.3, §2.12; theirs lets custom dictionaries be empty and looks at no values of markings",
        _tool(x_values={}),
    ),
    "borrowed names": Difference(
        "we",
        r"(is no timestamp|has to be|needs a description|language code).*§(2\.16\.1|3\.2|2\.5\.2|2\.5\.1)",
        "we: §7.3.2 and §11.2.1, the name of a common property keeps its meaning where the type has no such property",
        stix_object("mutex", name="x", confidence="high"),
    ),
    "creators of extensions": Difference(
        "we",
        r"'created_by_ref' is missing.*§3\.2",
        "we: §7.3.1 lists it among the required",
        stix_object("extension-definition", name="x", schema="x", version="1", extension_types=["new-sdo"]),
    ),
    "version of markings": Difference(
        "we", r"'2\.0' is not one of 2\.1.*§3\.2", "we: §3.2, MUST be 2.1", _marking(spec_version="2.0")
    ),
    "encoding of nothing": Difference(
        "we",
        r"'name_enc' needs 'name'.*§3\.1",
        "we: §3.1, not without the property that it speaks of",
        stix_object("file", hashes={"MD5": "0" * 32}, name_enc="windows-1252"),
    ),
    "translations": Difference(
        "we",
        r"a translation is a string.*§7\.1\.1",
        "we: §7.1.1, a string, list or object",
        stix_object("language-content", object_ref=ref("tool"), contents={"de": {"name": 1}}),
    ),
    "alternate data streams": Difference(
        "we",
        r"has to be a dictionary.*§6\.7\.3",
        "we: §6.7.3; their schema forgets to say that they are objects",
        _file("ntfs-ext", {"alternate_data_streams": ["x"]}),
    ),
    "values of environment variables": Difference(
        "we",
        r"has to be a string.*environment_variables.*§6\.13",
        "we: §6.13.1, the value as a string; their schema leaves the values of the dictionary open",
        stix_object("process", pid=1, environment_variables={"ABC": 1}),
    ),
    "negative counts": Difference(
        "we",
        r">= 0.*§6\.12",
        "we: §6.12.1, as a positive integer",
        stix_object("network-traffic", **_TRAFFIC, src_packets=-1),
    ),
    "language and marking": Difference(
        "we",
        r"either a 'marking_ref' or a 'lang'.*§7\.2\.3",
        "we: §7.2.3, one and only one",
        _tool(granular_markings=[{"lang": "de", "marking_ref": ref("marking-definition"), "selectors": ["name"]}]),
    ),
    "case of hexadecimals": Difference(
        "we",
        r"hexadecimal digits in lower case.*§2\.8",
        "we: §2.8, the lower-case letters a to f",
        stix_object("file", name="x", magic_number_hex="504B"),
    ),
    "integral floats": Difference(
        "we",
        r"has to be an integer, not a number",
        "they by JSON, where 1.0 is 1; we by §2.6 and §2.10, two types, of which our bytes keep what was written",
        _tool(confidence=1.0),
    ),
    "headers": Difference(
        "we",
        r"additional_header_fields",
        "we: §6.6.1, always a list; an example of the specification slips here",
        stix_object("email-message", is_multipart=False, additional_header_fields={"X-Mailer": "Mutt"}),
    ),
    "observables observed": Difference(
        "we",
        r"reference has to be to an observable.*§4\.14\.1",
        "we: §4.14.1, MUST contain at least one SCO reference",
        stix_object(
            "observed-data",
            first_observed="2016-01-01T00:00:00Z",
            last_observed="2016-01-01T00:00:00Z",
            number_observed=1,
            object_refs=[ref("tool")],
        ),
    ),
    "base64": Difference(
        "we",
        r"base64 text with padding.*§2\.1",
        "we: §2.1; in their pattern $ lets a line feed pass",
        stix_object("artifact", payload_bin="AAAA\n"),
    ),
    "names of relationships": Difference(
        "we",
        r"made of a-z, 0-9 and hyphen.*§5\.1\.2",
        "we: §5.1.2; $, as above",
        stix_object("relationship", relationship_type="uses\n", source_ref=ref("tool"), target_ref=ref("tool")),
    ),
    "timestamps": Difference(
        "we", r"is no timestamp.*§2\.16\.1", "we: §2.16.1; $, as above", _tool(modified="2017-01-01T00:00:00.000Z\n")
    ),
    "precision of markings": Difference(
        "we",
        r"precise to the millisecond.*§3\.2",
        "we: §3.2, for markings too",
        _marking(created="2017-01-01T00:00:00Z"),
    ),
    "windows of time": Difference(
        "we",
        r"has to be later than.*§5\.1\.2",
        "we: §5.1.2, later; theirs compares texts, and '.0Z' sorts before 'Z'",
        stix_object(
            "relationship",
            relationship_type="uses",
            source_ref=ref("tool"),
            target_ref=ref("tool"),
            start_time="2016-01-01T00:00:00.0Z",
            stop_time="2016-01-01T00:00:00Z",
        ),
    ),
    # --- the validator refuses, we do not ----------------------------------------------------------------------------
    "instants": Difference(
        "they",
        r"must be later than",
        "we: they compare texts, and '…018Z' sorts after '…018309Z'; §2.16 makes both the instants that they name",
        _tool(created="2016-04-29T14:09:00.018Z", modified="2016-04-29T14:09:00.018309Z"),
    ),
    "urls of references": Difference(
        "they",
        r"external_references\[\d+\]\.url: .* is not a 'uri'",
        "we: §2.5.1 says string and URL reference, and no MUST says more",
        _tool(external_references=[{"source_name": "x", "url": "no url at all"}]),
    ),
    "registered languages": Difference(
        "they",
        r"is not a valid RFC 5646 language code|must be an RFC 5646 code|invalid ISO 639-2",
        "we: RFC 5646 §2.2.9, a well-formed tag; theirs is a list of two-letter codes without scripts",
        _tool(lang="zh-Hant-TW"),
    ),
    "types of media": Difference(
        "they",
        r"'mime_type'|mime_type:",
        "we: §6.1.1 says SHOULD",
        stix_object("artifact", payload_bin="AAAA", mime_type="x-acme"),
    ),
    "character sets": Difference(
        "they",
        r"(path|name)_enc' property|(path|name)_enc:",
        "they, where they reach the registry; we hold the name to the form of the registry's names",
        stix_object("directory", path="x", path_enc="a.b:c"),
    ),
    "suffixes": Difference(
        "they",
        r"_(bin|hex): .* does not match",
        "we: §3.1 binds the type to the suffix, not the suffix to the type",
        _tool(x_acme_hex="no hex"),
    ),
    "registers elsewhere": Difference(
        "they",
        r"external_references\[\d+\]: If the external reference is",
        "we: §4.1.1 and §4.19.1 bind the ids of attack patterns and vulnerabilities only",
        _tool(external_references=[{"source_name": "nvd", "external_id": "CVE-2014-0160"}]),
    ),
    "options of sockets": Difference(
        "they",
        r"socket-ext\.options",
        "we: §6.12.4 says SHOULD of the names",
        stix_object(
            "network-traffic",
            **_TRAFFIC,
            extensions={"socket-ext": {"address_family": "AF_INET", "options": {"x_option": 1}}},
        ),
    ),
    "types of start-up values": Difference(
        "they",
        r"startup_info",
        "we: §6.13.2 gives the names, not the types; theirs wants null for two of them, which §2 does not have",
        stix_object("process", extensions={"windows-process-ext": {"startup_info": {"dwX": "1"}}}),
    ),
    "tags of images": Difference(
        "they",
        r"exif_tags",
        "we: §6.7.5, names as EXIF spells them",
        _file("raster-image-ext", {"exif_tags": {"make": "Nikon"}}),
    ),
    "languages by marking": Difference(
        "they",
        r"'marking_ref' is a required property",
        "we: §7.2.3, a granular marking may carry a language instead",
        _tool(granular_markings=[{"lang": "de", "selectors": ["name"]}]),
    ),
    "translations of translations": Difference(
        "they",
        r"object_ref: .*should not be valid|object_ref: .* is not allowed|bundle\|language-content",
        "we: §7.1.1, any STIX Object",
        stix_object("language-content", object_ref=ref("language-content"), contents={"de": {"name": "x"}}),
    ),
    "hives anywhere": Difference(
        "they",
        r"HKLM\|HKCC",
        "we: §6.17.1 is about the hive; the alternatives of their pattern are not grouped",
        stix_object("windows-registry-key", key="HKEY_USERS\\Backup\\HKCU"),
    ),
    "repeated headers": Difference(
        "they",
        r"additional_header_fields",
        "we: §6.6.1, always a list, of one as well",
        stix_object("email-message", is_multipart=False, additional_header_fields={"Reply-To": ["a"]}),
    ),
    "hash of another length": Difference(
        "they",
        r"hashes.*TLSH: ",
        "we: §2.7, the format of the algorithm, which since version 4 has a prefix of two",
        stix_object("file", hashes={"TLSH": "T1" + "0" * 70}),
    ),
    "internationalised labels": Difference(
        "they",
        r"is not a 'idn-hostname'",
        "they: RFC 5890 takes its code points from tables; we hold labels to their form and punycode to be punycode",
        stix_object("domain-name", value="\uff41.example"),
    ),
    "properties of two letters in patterns": Difference(
        "they",
        r"'id' is not a valid observable property name",
        "we: §3.2, id is a common property, and §9.7 takes any",
        stix_object(
            "indicator",
            pattern="[app:id = 'x']",
            pattern_type="stix",
            pattern_version="2.1",
            valid_from="2016-01-01T00:00:00Z",
        ),
    ),
}


def _ours(item: object) -> str | None:
    read = parse_object(json.dumps(item).encode())
    return f"{read.reason} @{read.where} [{read.section}]" if isinstance(read, RefusedObject) else None


def _theirs(item: object) -> str | None:
    try:
        result = stix2validator.validate_instance(json.loads(json.dumps(item)), OPTIONS)
    except Exception as error:  # noqa: BLE001  their crash is of any kind, and an answer to be compared like others
        return f"crash: {type(error).__name__}: {error}"
    return None if result.is_valid else "\n".join(str(error) for error in result.errors)


def _endless(item: object) -> bool:
    """Whether their pattern for the names of extensions, `([a-z][a-z0-9]*)+…`, would take longer than a life."""
    extensions = item.get("extensions") if isinstance(item, dict) else None
    return isinstance(extensions, dict) and any(re.search(r"[a-z0-9]{20}", name) for name in extensions)


def _explained(item: object) -> str | None:
    """Compare both verdicts; the difference's words if the table has no place for it."""
    ours = _ours(item)
    if _endless(item):
        return None
    theirs = _theirs(item)
    if (ours is None) == (theirs is None):
        return None
    side, text = ("we", ours) if ours is not None else ("they", theirs)
    assert text is not None
    for difference in DIFFERENCES.values():
        if difference.refuses == side and re.search(difference.says, text, re.DOTALL):
            return None
    return f"only {side} refuse: {text[:500]}\n{json.dumps(item)[:1500]}"


_quick = settings(
    max_examples=350, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
)
_thorough = settings(_quick, max_examples=3000)


@_quick
@given(item=objects())
def test_what_is_valid_is_valid_to_both(item: dict[str, Any]) -> None:
    assert _ours(item) is None
    assert _explained(item) is None


@_quick
@given(item=mutants(objects()))
def test_what_is_changed_is_the_same_to_both(item: dict[str, Any]) -> None:
    assert _explained(item) is None


@pytest.mark.long
@_thorough
@given(item=objects())
def test_many_that_are_valid(item: dict[str, Any]) -> None:
    assert _explained(item) is None


@pytest.mark.long
@_thorough
@given(item=mutants(mutants(objects())) | mutants(objects()))
def test_many_that_are_changed(item: dict[str, Any]) -> None:
    assert _explained(item) is None


REAL = ("ics-attack-18.1.json", "kingspawn.stix2", "operation_triangulation.stix2", "predator.stix2")


@pytest.mark.parametrize("name", REAL)
def test_real_objects(name: str) -> None:
    path = REALDATA / "stix" / name
    if not path.exists():
        pytest.skip(f"no {path}: set TOCSIN_REALDATA to the folder of real data")
    data = path.read_bytes()
    assert not [item for item in parse_bundle(data).items if isinstance(item, RefusedObject)]
    items = json.loads(data)["objects"]
    every = max(1, len(items) // 150)
    assert [said for item in items[::every] if (said := _explained(item)) is not None] == []


@pytest.mark.long
@pytest.mark.parametrize("name", REAL)
def test_all_real_objects(name: str) -> None:
    path = REALDATA / "stix" / name
    if not path.exists():
        pytest.skip(f"no {path}: set TOCSIN_REALDATA to the folder of real data")
    items = json.loads(path.read_bytes())["objects"]
    assert [said for item in items if (said := _explained(item)) is not None] == []


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_each_difference_is_one(difference: Difference) -> None:
    ours, theirs = _ours(difference.example), _theirs(difference.example)
    refused, passed = (ours, theirs) if difference.refuses == "we" else (theirs, ours)
    assert passed is None
    assert refused is not None
    assert re.search(difference.says, refused, re.DOTALL)


def test_where_the_oracle_has_no_end_we_have_an_answer() -> None:
    item = stix_object("file", name="x", extensions={"x" * 251: {"a": 1}})
    assert _endless(item)
    assert "extension" in (_ours(item) or "")


def test_a_difference_that_is_not_in_the_table_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    example = DIFFERENCES["defanged"].example
    assert _explained(example) is None
    monkeypatch.delitem(DIFFERENCES, "defanged")
    assert "only we refuse" in (_explained(example) or "")
