"""Rules on observables (STIX 2.1 §6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tocsin.exchange.stix import times
from tocsin.exchange.stix.finding import Finding, Raw, Rule
from tocsin.exchange.stix.model import sco
from tocsin.exchange.stix.model.common import StixObservable
from tocsin.exchange.stix.rules import values

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RULES"]

_HIVE: Final = re.compile(r"(?:HKLM|HKCC|HKCR|HKCU|HKU)(?:\\|\Z)", re.IGNORECASE)


_Valued = sco.DomainName | sco.EmailAddr | sco.IPv4Addr | sco.IPv6Addr | sco.Url


def _value(check: Callable[[str], bool], what: str, section: str) -> Rule:
    """Make the rule on an observable's `value`; a defanged one (§3.2) is not held to its form."""

    def rule(obj: _Valued, _raw: Raw) -> Finding | None:
        return None if obj.defanged or check(obj.value) else Finding(what, "value", section)

    return rule


def _one_of(names: tuple[str, ...], section: str) -> Rule:
    """Make the rule that at least one of the properties is there."""

    def rule(_obj: StixObservable, raw: Raw) -> Finding | None:
        if any(name in raw for name in names):
            return None
        return Finding(f"needs at least one of {', '.join(names)}", "", section)

    return rule


def _random_id(names: tuple[str, ...]) -> Rule:
    """Make the rule of §2.9: without any property that its id could be made from, an observable's UUID is random."""

    def rule(obj: StixObservable, raw: Raw) -> Finding | None:
        if obj.id[-22] == "4" or any(name in raw for name in names):
            return None
        what = "has none of the properties that a deterministic id is made from: its UUID has to be of version 4"
        return Finding(what, "id", "STIX 2.1 §2.9")

    return rule


def _hashes(obj: sco.Artifact | sco.File | sco.X509Certificate, _raw: Raw) -> Finding | None:
    return values.hashes(obj.hashes, "hashes")


def _artifact(obj: sco.Artifact, _raw: Raw) -> Finding | None:
    """§6.1.1."""
    section = "STIX 2.1 §6.1.1"
    if (obj.payload_bin is None) == (obj.url is None):
        return Finding("has to have either 'payload_bin' or 'url', not both", "payload_bin", section)
    if obj.url is not None:
        if obj.hashes is None:
            return Finding("'url' needs 'hashes'", "hashes", section)
        if not obj.defanged and not values.is_url(obj.url):
            return Finding("'url' is no URL by RFC 3986", "url", section)
    if obj.decryption_key is not None and obj.encryption_algorithm is None:
        return Finding("'decryption_key' needs 'encryption_algorithm'", "decryption_key", section)
    return None


def _email_message(obj: sco.EmailMessage, _raw: Raw) -> Finding | None:
    """§6.6.1, §6.6.2."""
    section = "STIX 2.1 §6.6.1"
    if obj.is_multipart and obj.body is not None:
        return Finding("a multipart message has its text in 'body_multipart'", "body", section)
    if not obj.is_multipart and obj.body_multipart is not None:
        return Finding("a message that is not multipart has its text in 'body'", "body_multipart", section)
    for index, part in enumerate(obj.body_multipart or ()):
        if (part.body is None) == (part.body_raw_ref is None):
            what = "a part has either a 'body' or a 'body_raw_ref'"
            return Finding(what, f"body_multipart[{index}]", "STIX 2.1 §6.6.2")
    return values.dictionary(obj.additional_header_fields, "additional_header_fields")


def _file(obj: sco.File, _raw: Raw) -> Finding | None:
    """§6.7, §3.1."""
    if obj.hashes is None and obj.name is None:
        return Finding("needs a 'name' or 'hashes'", "", "STIX 2.1 §6.7")
    if obj.name_enc is not None and obj.name is None:
        return Finding("'name_enc' needs 'name'", "name_enc", "STIX 2.1 §3.1")
    return None


def _network_traffic(obj: sco.NetworkTraffic, _raw: Raw) -> Finding | None:
    """§6.12, §6.12.1."""
    if obj.src_ref is None and obj.dst_ref is None:
        return Finding("needs a 'src_ref' or a 'dst_ref'", "", "STIX 2.1 §6.12")
    if obj.end is not None and obj.is_active:
        return Finding("traffic that is active has no 'end'", "end", "STIX 2.1 §6.12.1")
    if obj.start is not None and obj.end is not None and times.later(obj.start, obj.end):
        return Finding("'end' is before 'start'", "end", "STIX 2.1 §6.12.1")
    return values.dictionary(obj.ipfix, "ipfix")


def _process(obj: sco.Process, raw: Raw) -> Finding | None:
    """§6.13."""
    names = set(obj.__struct_fields__) - _COMMON
    if names.isdisjoint(raw) and "extensions" not in raw:
        return Finding("needs at least one of its properties", "", "STIX 2.1 §6.13")
    return values.dictionary(obj.environment_variables, "environment_variables")


def _software(obj: sco.Software, _raw: Raw) -> Finding | None:
    """§6.14.1."""
    if obj.cpe is not None and not values.is_cpe(obj.cpe):
        return Finding("'cpe' is no CPE 2.3 formatted string", "cpe", "STIX 2.1 §6.14.1")
    for index, language in enumerate(obj.languages):
        if not values.is_language(language):
            return Finding("this is no language code by RFC 5646", f"languages[{index}]", "STIX 2.1 §6.14.1")
    return None


def _registry_key(obj: sco.WindowsRegistryKey, _raw: Raw) -> Finding | None:
    """§6.17.1, §6.17.2."""
    if obj.key is not None and _HIVE.match(obj.key):
        todo = "write HKEY_LOCAL_MACHINE and so on"
        return Finding("the hive of the key is not written out", "key", "STIX 2.1 §6.17.1", todo)
    for index, value in enumerate(obj.values):
        if values.all_absent(value, ("name", "data", "data_type")):
            return Finding("needs a name, data or data_type", f"values[{index}]", "STIX 2.1 §6.17.2")
    return None


def _certificate(obj: sco.X509Certificate, _raw: Raw) -> Finding | None:
    """§6.18.2."""
    extensions = obj.x509_v3_extensions
    if extensions is None:
        return None
    if values.all_absent(extensions, extensions.__struct_fields__):
        return Finding("needs at least one of its properties", "x509_v3_extensions", "STIX 2.1 §6.18.2")
    names = ("private_key_usage_period_not_before", "private_key_usage_period_not_after")
    return values.timestamps(extensions, names, "x509_v3_extensions")


def _own(kind: type[StixObservable]) -> tuple[str, ...]:
    return tuple(name for name in kind.__struct_fields__ if name not in _COMMON)


_COMMON: Final = frozenset(StixObservable.__struct_fields__)

RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "artifact": (_artifact, _hashes, _random_id(("hashes", "payload_bin"))),
    "domain-name": (_value(values.is_domain_name, "is no domain name by RFC 1034 and RFC 5890", "STIX 2.1 §6.4.1"),),
    "email-addr": (_value(values.is_email, "is no e-mail address alone (addr-spec of RFC 5322)", "STIX 2.1 §6.5.1"),),
    "email-message": (_email_message, _random_id(("from_ref", "subject", "body"))),
    "file": (_file, _hashes),
    "ipv4-addr": (_value(values.is_ipv4, "is no IPv4 address or CIDR block", "STIX 2.1 §6.8.1"),),
    "ipv6-addr": (_value(values.is_ipv6, "is no IPv6 address or CIDR block", "STIX 2.1 §6.9.1"),),
    "network-traffic": (_network_traffic,),
    "process": (_process, _random_id(())),
    "software": (_software,),
    "url": (_value(values.is_url, "is no URL by RFC 3986", "STIX 2.1 §6.15.1"),),
    "user-account": (
        _one_of((*_own(sco.UserAccount), "extensions"), "STIX 2.1 §6.16"),
        _random_id(("account_type", "user_id", "account_login")),
    ),
    "windows-registry-key": (
        _one_of(_own(sco.WindowsRegistryKey), "STIX 2.1 §6.17"),
        _registry_key,
        _random_id(("key", "values")),
    ),
    "x509-certificate": (
        _one_of(_own(sco.X509Certificate), "STIX 2.1 §6.18"),
        _hashes,
        _certificate,
        _random_id(("hashes", "serial_number")),
    ),
}
"""By type of observable."""
