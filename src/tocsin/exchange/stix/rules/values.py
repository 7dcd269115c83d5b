"""Rules on single values: data types of STIX 2.1 §2, language tags, addresses, names."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tocsin.exchange.stix import times
from tocsin.exchange.stix.finding import Finding
from tocsin.exchange.stix.ijson import MAX_INTEGER

if TYPE_CHECKING:
    from collections.abc import Container

    import msgspec

__all__ = [
    "HASH_NAMES",
    "all_absent",
    "bad_object",
    "bad_value",
    "dictionary",
    "hashes",
    "is_cpe",
    "is_domain_name",
    "is_email",
    "is_free_name",
    "is_ipv4",
    "is_ipv6",
    "is_language",
    "is_property_name",
    "is_url",
    "timestamps",
]

RESERVED: Final = frozenset({"action", "phone_number", "phone_numbers", "severity", "username"})
"""§3.8; the standard and its errata spell the third one differently, so both are kept free."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{2,249}|id")
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,250}")
_HASH_KEY: Final = re.compile(r"[A-Za-z0-9_-]{3,250}")
_HASHES: Final = {
    "MD5": re.compile(r"[0-9A-Fa-f]{32}"),
    "SHA-1": re.compile(r"[0-9A-Fa-f]{40}"),
    "SHA-256": re.compile(r"[0-9A-Fa-f]{64}"),
    "SHA-512": re.compile(r"[0-9A-Fa-f]{128}"),
    "SHA3-256": re.compile(r"[0-9A-Fa-f]{64}"),
    "SHA3-512": re.compile(r"[0-9A-Fa-f]{128}"),
    "SSDEEP": re.compile(r"[0-9]+:[0-9A-Za-z/+]*:[0-9A-Za-z/+]*"),
    "TLSH": re.compile(r"(?:T1)?[0-9A-Fa-f]{70}"),
}
HASH_NAMES: Final = frozenset(_HASHES)
"""The hash-algorithm-ov of §10; elsewhere than in references, others may be named (§2.7)."""

_LANGUAGE: Final = re.compile(
    # RFC 5646 §2.1, well-formed tags: language, extended language, script, region, variants, extensions, private use.
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+"
    r"|en-gb-oed|i-[a-z]{2,8}|sgn-(?:be-fr|be-nl|ch-de)|art-lojban|cel-gaulish|no-(?:bok|nyn)"
    r"|zh-(?:guoyu|hakka|min|min-nan|xiang)",
    re.IGNORECASE | re.ASCII,
)
_URL: Final = re.compile(
    # RFC 3986 §3: a scheme, then only reserved, unreserved and percent-encoded characters.
    r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+"
)
_LABEL: Final = re.compile(r"(?!..--)\w(?:[\w-]*\w)?")
_A_LABEL: Final = re.compile(r"xn--([a-z0-9-]*[a-z0-9])", re.IGNORECASE)
_CPE_PART: Final = r"(?:[A-Za-z0-9._~\-]|\\[!-/:-@\[-`{-~]|[*?])+"
_CPE: Final = re.compile(rf"cpe:2\.3:[aho*\-](?::{_CPE_PART}){{10}}")
_LONGEST_NAME: Final = 250
_LONGEST_DOMAIN: Final = 253
_LONGEST_LABEL: Final = 63


def is_property_name(name: str) -> bool:
    """§3.1, §7.3.2, §11.1.1: 3 to 250 of a-z, 0-9 and underscore, beginning with a letter; or `id`."""
    return _NAME.fullmatch(name) is not None


@lru_cache(maxsize=4096)
def _is_free_name(name: str) -> bool:
    return is_property_name(name) and name not in RESERVED


def is_free_name(name: str) -> bool:
    """Whether a property that no type declares may have this name: well-formed, and not reserved (§3.8)."""
    # The cache keeps its keys, so their size is bounded before it.
    return len(name) <= _LONGEST_NAME and _is_free_name(name)


def is_language(tag: str) -> bool:
    """RFC 5646 §2.2.9: the tag is well-formed. Whether it is registered changes with the registry, not with us."""
    return len(tag) <= 100 and _LANGUAGE.fullmatch(tag) is not None  # noqa: PLR2004 - no honest tag is longer


def is_ipv4(value: str) -> bool:
    """§6.8: an address, or addresses in CIDR notation."""
    return _is_address(value, ipaddress.IPv4Address, 32)


def is_ipv6(value: str) -> bool:
    """§6.9: an address, or addresses in CIDR notation; a zone is no part of that notation."""
    return "%" not in value and _is_address(value, ipaddress.IPv6Address, 128)


def _is_address(value: str, kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address], bits: int) -> bool:
    address, slash, length = value.partition("/")
    if slash and not (length.isascii() and length.isdigit() and str(int(length[:4])) == length and int(length) <= bits):
        return False
    try:
        kind(address)
    except ValueError:
        return False
    return True


def is_domain_name(value: str) -> bool:
    """§6.4: a name by RFC 1034 whose labels are A-labels, U-labels or NR-LDH labels (RFC 5890).

    Underscores are let through: RFC 1034's data model has them, and indicators are full of them.
    """
    name = value.removesuffix(".")
    if not name or len(name) > _LONGEST_DOMAIN:
        return False
    return all(_is_label(label) for label in name.split("."))


def _is_label(label: str) -> bool:
    if len(label) > _LONGEST_LABEL:
        return False
    encoded = _A_LABEL.fullmatch(label)
    if encoded is None:
        return _LABEL.fullmatch(label) is not None
    try:
        encoded[1].encode("ascii").decode("punycode")
    except UnicodeError:
        return False
    return True


def is_email(value: str) -> bool:
    """§6.5: an addr-spec without the display name, in the coarse form that tells the two apart."""
    local, at, domain = value.rpartition("@")
    return bool(local and at and domain) and not re.search(r"[<>\x00-\x1f]|\s$|^\s", value) and " " not in domain


def is_url(value: str) -> bool:
    """§6.15: a uniform resource locator by RFC 3986."""
    return _URL.fullmatch(value) is not None


def is_cpe(value: str) -> bool:
    """§6.14: a CPE 2.3 formatted string (NISTIR 7695 §6.2)."""
    return _CPE.fullmatch(value) is not None


def hashes(value: dict[str, str] | None, where: str) -> Finding | None:
    """§2.7: names of 3 to 250 characters, and the form of the algorithms that the vocabulary (§10) knows."""
    if value is None:
        return None
    for name, digest in value.items():
        if _HASH_KEY.fullmatch(name) is None:
            what = f"{name[:80]!r} is no name of a hash: 3 to 250 of letters, digits, hyphen and underscore"
            return Finding(what, where, "STIX 2.1 §2.7")
        form = _HASHES.get(name)
        if form is not None and form.fullmatch(digest) is None:
            return Finding(f"this is no {name} digest", f"{where}.{name}", "STIX 2.1 §2.7")
    return None


def dictionary(value: dict[str, Any] | None, where: str) -> Finding | None:
    """§2.3: keys of at most 250 of letters, digits, hyphen and underscore."""
    for key in value or ():
        if _KEY.fullmatch(key) is None:
            what = f"{key[:80]!r} is no key of a dictionary: up to 250 of letters, digits, hyphen and underscore"
            return Finding(what, where, "STIX 2.1 §2.3")
    return None


def timestamps(value: object, names: tuple[str, ...], where: str) -> Finding | None:
    """§2.16 on the named attributes of a value that is no object of its own."""
    for name in names:
        text = getattr(value, name)
        if text is not None:
            try:
                times.micros(text)
            except ValueError:
                return not_a_timestamp(text, f"{where}.{name}")
    return None


def not_a_timestamp(text: str, where: str) -> Finding:
    """Give the finding for a text that `times.micros` would not take."""
    what = f"{text[:80]!r} is no timestamp: YYYY-MM-DDTHH:MM:SS[.digits]Z in UTC, a day that exists"
    return Finding(what, where, "STIX 2.1 §2.16.1")


def bad_object(
    raw: dict[str, Any], declared: frozenset[str], predefined: Container[str], max_string: int
) -> Finding | None:
    """Walk an object for what no property may hold, by `bad_value`.

    What lies inside of a property or extension that this specification does not define is its definer's: it has to be
    I-JSON, but §2 does not reach into it. Public content depends on that (ATT&CK has empty lists in there).
    `predefined` holds the names of the extensions that the specification defines for the object's type.
    """
    if not raw:
        return Finding("a STIX object needs properties", "", "STIX 2.1 §3.2")
    for name, value in raw.items():
        if name == "extensions" and isinstance(value, dict) and value:
            found = _bad_extensions(value, predefined, max_string)
        else:
            found = bad_value(value, name, max_string, inside=name in declared)
        if found is not None:
            return found
    return None


def _bad_extensions(extensions: dict[str, Any], predefined: Container[str], max_string: int) -> Finding | None:
    for name, contents in extensions.items():
        where = f"extensions.{name}"
        if name in predefined or not isinstance(contents, dict) or not contents:
            found = bad_value(contents, where, max_string)
        else:
            members = (bad_value(item, f"{where}.{key}", max_string, inside=False) for key, item in contents.items())
            found = next((each for each in members if each is not None), None)
        if found is not None:
            return found
    return None


def bad_value(item: object, where: str, max_string: int, *, inside: bool = True, top: bool = True) -> Finding | None:
    """Walk a parsed value for what no property may hold.

    null (§2 has no such type), empty lists (§2.12) and dictionaries (§2.3); at any depth integers beyond ±(2^53-1)
    (§2.10), numbers that are not finite (§2.6), strings beyond `max_string` bytes. Depth is bounded before. `inside`
    says whether the first three are looked for below the top, too.
    """
    if isinstance(item, str):
        if len(item) * 4 > max_string and len(item.encode()) > max_string:
            return Finding(f"a string of more than {max_string:,} bytes", where, "a limit of this hub")
    elif isinstance(item, (dict, list)) or item is None:
        if not item and (inside or top):
            return _nothing(item, where)
        if item:
            return _bad_members(item, where, max_string, inside)
    elif isinstance(item, int):
        if abs(item) > MAX_INTEGER:
            return Finding("an integer beyond ±(2^53-1), which a double cannot hold", where, "STIX 2.1 §2.10")
    elif isinstance(item, float) and item - item != 0:
        return Finding("a number that is not finite", where, "STIX 2.1 §2.6")
    return None


def _nothing(item: dict[str, Any] | list[Any] | None, where: str) -> Finding:
    what, section = {
        type(None): ("null is no value in STIX", "STIX 2.1 §2"),
        list: ("a list must not be empty", "STIX 2.1 §2.12"),
        dict: ("a dictionary must not be empty", "STIX 2.1 §2.3"),
    }[type(item)]
    return Finding(what, where, section, "leave the property out")


def _bad_members(item: dict[str, Any] | list[Any], where: str, max_string: int, inside: bool) -> Finding | None:  # noqa: FBT001 - passed on
    members = (
        ((f"{where}.{name}", member) for name, member in item.items())
        if isinstance(item, dict)
        else ((f"{where}[{index}]", member) for index, member in enumerate(item))
    )
    found = (bad_value(member, at, max_string, inside=inside, top=False) for at, member in members)
    return next((each for each in found if each is not None), None)


def all_absent(value: msgspec.Struct, names: tuple[str, ...]) -> bool:
    """Whether none of the named attributes was given: each is `None` or an empty tuple."""
    return all(getattr(value, name) in (None, ()) for name in names)
