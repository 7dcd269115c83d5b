"""Rules on domain and relationship objects (STIX 2.1 §4, §5)."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tocsin.exchange.stix import times
from tocsin.exchange.stix.explain import explain
from tocsin.exchange.stix.finding import Finding, Raw, Rule
from tocsin.exchange.stix.model import META_TYPES, SCO_TYPES, SDO_TYPES, SRO_TYPES, VersionedObject, sdo, sro
from tocsin.exchange.stix.pattern.parser import pattern_error

__all__ = ["RULES"]

_LOCAL_ID: Final = "00000000-0000-4000-8000-000000000000"
_REF: Final = re.compile(r".*_refs?")


def _window(first: str, last: str, section: str, *, strict: bool = False) -> Rule:
    """Make the rule that `last` is not earlier than `first` (`strict`: is later)."""

    def rule(_obj: VersionedObject, raw: Raw) -> Finding | None:
        start, end = raw.get(first), raw.get(last)
        if start is None or end is None:
            return None
        if times.later(start, end) or (strict and not times.later(end, start)):
            relation = "later than" if strict else "at or after"
            return Finding(f"{last!r} has to be {relation} {first!r}", last, section)
        return None

    return rule


def _external_id(source: str, form: re.Pattern[str], shown: str, section: str) -> Rule:
    """Make the rule that binds a register's ids to the name of their source."""

    def rule(obj: VersionedObject, _raw: Raw) -> Finding | None:
        for index, reference in enumerate(obj.external_references):
            named = reference.source_name == source
            formed = reference.external_id is not None and form.fullmatch(reference.external_id) is not None
            where = f"external_references[{index}]"
            if named and not formed:
                return Finding(f"a reference to {source!r} has an external_id like {shown}", where, section)
            if formed and not named:
                return Finding(f"an external_id like {shown} has the source_name {source!r}", where, section)
        return None

    return rule


def _indicator_pattern(obj: sdo.Indicator, _raw: Raw) -> Finding | None:
    """§4.7.1: what says that it is a STIX pattern is one (§9)."""
    if obj.pattern_type != "stix":
        return None
    error = pattern_error(obj.pattern)
    if error is None:
        return None
    return Finding(f"this is no STIX pattern: {error}", "pattern", "STIX 2.1 §9")


def _location(obj: sdo.Location, _raw: Raw) -> Finding | None:
    """§4.10.1: what locates it at all, and which properties need each other."""
    if (obj.latitude is None) != (obj.longitude is None):
        what = "'latitude' and 'longitude' come together"
        return Finding(what, "longitude" if obj.latitude is None else "latitude", "STIX 2.1 §4.10.1")
    if obj.precision is not None and obj.latitude is None:
        return Finding("'precision' needs 'latitude' and 'longitude'", "precision", "STIX 2.1 §4.10.1")
    if obj.latitude is None and obj.region is None and obj.country is None:
        what = "a location needs a region, a country, or latitude and longitude"
        return Finding(what, "", "STIX 2.1 §4.10.1")
    return None


def _malware(obj: sdo.Malware, _raw: Raw) -> Finding | None:
    """§4.11.1."""
    if obj.is_family and obj.name is None:
        return Finding("a family of malware needs a 'name'", "name", "STIX 2.1 §4.11.1")
    return None


def _malware_analysis(obj: sdo.MalwareAnalysis, _raw: Raw) -> Finding | None:
    """§4.12.1."""
    if obj.result is None and not obj.analysis_sco_refs:
        return Finding("an analysis needs a 'result' or 'analysis_sco_refs'", "", "STIX 2.1 §4.12.1")
    return None


def _observed_data(obj: sdo.ObservedData, raw: Raw) -> Finding | None:
    """§4.14.1: objects or references to them, one of the two; at least one reference to an observable."""
    section = "STIX 2.1 §4.14.1"
    if (obj.objects is None) == (not obj.object_refs):
        return Finding("has to have either 'object_refs' or the deprecated 'objects', not both", "object_refs", section)
    if obj.objects is None:
        others = SDO_TYPES.keys() | SRO_TYPES.keys() | META_TYPES.keys()
        if all(ref.partition("--")[0] in others for ref in obj.object_refs):
            return Finding("at least one reference has to be to an observable", "object_refs", section)
        return None
    return _container(raw["objects"])


def _container(objects: dict[str, Raw]) -> Finding | None:
    """§2.13: each is an observable by this version or the one before; references stay inside of the container."""
    for key, observable in objects.items():
        where = f"objects.{key[:100]}"
        kind = observable.get("type")
        if not isinstance(kind, str):
            return Finding("an observable needs a 'type', a string", where, "STIX 2.1 §2.13")
        found = _local_refs(observable, objects, where) or _local_types(kind, observable, where)
        if found is not None:
            return found
    return None


def _local_refs(value: object, objects: dict[str, Raw], where: str) -> Finding | None:
    if isinstance(value, list):
        items = ((f"{where}[{index}]", item) for index, item in enumerate(value))
        return next((found for at, item in items if (found := _local_refs(item, objects, at))), None)
    if not isinstance(value, dict):
        return None
    for name, item in value.items():
        at = f"{where}.{name}"
        refs = item if isinstance(item, list) else [item]
        if _REF.fullmatch(name) and not name.startswith("x_") and all(isinstance(ref, str) for ref in refs):
            for ref in refs:
                if ref not in objects:
                    return Finding(f"{ref[:80]!r} is no object of this container", at, "STIX 2.1 §2.9")
        else:
            found = _local_refs(item, objects, at)
            if found is not None:
                return found
    return None


def _local_types(kind: str, observable: Raw, where: str) -> Finding | None:
    """Check the types of an observable's own properties, leaving out what version 2.0 formed differently."""
    typed = SCO_TYPES.get(kind)
    if typed is None:
        return None
    plain = {
        name: value
        for name, value in observable.items()
        if not _REF.fullmatch(name)
        and name not in {"id", "spec_version", "extensions", "additional_header_fields", "body_multipart"}
    }
    try:
        msgspec.convert({**plain, "id": f"{kind}--{_LOCAL_ID}"}, typed)
    except msgspec.ValidationError as error:
        return explain(error, typed, section="STIX 2.1 §2.13", base=where)
    return None


def _sighting(obj: sro.Sighting, _raw: Raw) -> Finding | None:
    """§5.2.1: what was sighted is a domain object; a type that we do not know may be one."""
    if obj.sighting_of_ref.partition("--")[0] in SCO_TYPES:
        what = "what is sighted is a domain object; an observable belongs into the observed-data of observed_data_refs"
        return Finding(what, "sighting_of_ref", "STIX 2.1 §5.2.1")
    return None


_SEEN: Final = {
    "campaign": "STIX 2.1 §4.2.1",
    "infrastructure": "STIX 2.1 §4.8.1",
    "intrusion-set": "STIX 2.1 §4.9.1",
    "malware": "STIX 2.1 §4.11.1",
    "threat-actor": "STIX 2.1 §4.17.1",
    "sighting": "STIX 2.1 §5.2.1",
}

RULES: Final[dict[str, tuple[Rule, ...]]] = {
    **{name: (_window("first_seen", "last_seen", section),) for name, section in _SEEN.items()},
    "attack-pattern": (_external_id("capec", re.compile(r"CAPEC-[0-9]+"), "CAPEC-66", "STIX 2.1 §4.1.1"),),
    "indicator": (_window("valid_from", "valid_until", "STIX 2.1 §4.7.1", strict=True), _indicator_pattern),
    "location": (_location,),
    "malware": (_window("first_seen", "last_seen", "STIX 2.1 §4.11.1"), _malware),
    "malware-analysis": (_malware_analysis,),
    "observed-data": (_window("first_observed", "last_observed", "STIX 2.1 §4.14.1"), _observed_data),
    "relationship": (_window("start_time", "stop_time", "STIX 2.1 §5.1.2", strict=True),),
    "sighting": (_window("first_seen", "last_seen", "STIX 2.1 §5.2.1"), _sighting),
    "vulnerability": (_external_id("cve", re.compile(r"CVE-[0-9]{4}-[0-9]{4,}"), "CVE-2014-0160", "STIX 2.1 §4.19.1"),),
}
"""By type of object; every timestamp in it has been checked before a rule runs."""
