"""How parts are named, and whether one name means another: purl, CPE 2.3, name and version; vulnerabilities. Pure.

purl: ECMA-427 and the package-url specification, read by its reference library. CPE: ``cpe``. Versions are compared as
they stand; ranges stand in statements only (``ranges``).
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

import msgspec
from packageurl import PackageURL

from tocsin.errors import InputError
from tocsin.map.formats.fields import Wrong, plain_text
from tocsin.map.supply.cpe import ANY, Cpe, covers, has_wildcard, is_cpe, may_be, require_cpe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.map.supply.model import Part

__all__ = [
    "MOST_TEXT",
    "Asked",
    "Purl",
    "asked_of",
    "canonical_purl",
    "fits",
    "is_exact",
    "is_vulnerability",
    "key_of",
    "keys_of",
    "may_fit",
    "open_key_of",
    "require_purl",
    "version_of",
]

# Of a purl, a CPE name or a question: with all qualifiers it is some hundred characters.
MOST_TEXT: Final = 2_000
_SHOWN: Final = 80
_PURL_EXPECTED: Final = "a purl, as pkg:deb/debian/openssl@3.0.11-1"
_VERSION: Final = 3
_GENERIC: Final = "generic"
_EPOCHS: Final = frozenset({"deb", "rpm"})
_SEMVER: Final = frozenset({"cargo", "golang", "hex", "npm"})
# CVE, GHSA, and what other catalogues have: letters, a year, a number (PYSEC-2023-1, RUSTSEC-2021-0001, JVNDB-2024-1)
_VULNERABILITY: Final = re.compile(
    r"(?i:CVE-[0-9]{4}-[0-9]{4,19}|GHSA(?:-[0-9a-z]{4}){3})|[A-Z][A-Z0-9]{1,15}(?:-[A-Z]{2,4})?-[0-9]{4}-[0-9A-Z-]{1,40}",
    re.ASCII,
)


class Purl(msgspec.Struct, frozen=True, kw_only=True):
    """A package URL, taken apart; ``package`` is type, namespace and name."""

    package: tuple[str, str, str]
    version: str = ""
    qualifiers: frozenset[tuple[str, str]] = frozenset()
    subpath: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What parts are looked for: one of a purl, a CPE name, or a name with a version and a supplier, if they are said.

    ``text``: as it was asked.
    """

    text: str
    purl: Purl | None = None
    cpe: Cpe | None = None
    name: str = ""
    version: str = ""
    supplier: str = ""


@functools.lru_cache(maxsize=65_536)
def require_purl(text: str) -> Purl:
    """Return a purl, taken apart. Raises ``Wrong``: it is none."""
    url = _parsed(text)
    return Purl(
        package=(url.type, url.namespace or "", url.name),
        version=url.version or "",
        qualifiers=frozenset((str(name), str(value)) for name, value in url.qualifiers.items()),
        subpath=url.subpath or "",
    )


def canonical_purl(text: str) -> str:
    """Return a purl as it is compared and kept: types have rules of their own for capitals and marks.

    Raises:
        Wrong: it is none.
    """
    return _parsed(text).to_string()


def _bounded(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise Wrong(f"has {len(text):,} characters", f"at most {MOST_TEXT:,}")
    return text


def _parsed(text: str) -> PackageURL:
    try:
        return PackageURL.from_string(_bounded(text))
    except ValueError as error:
        raise Wrong(f"is {text[:_SHOWN]!r}", _PURL_EXPECTED) from error


def is_vulnerability(text: str) -> bool:
    """Return whether a text is the id of a vulnerability in a catalogue, such as CVE-2024-3094."""
    return _VULNERABILITY.fullmatch(text) is not None


def asked_of(text: str) -> Asked:
    """Return what parts a text asks for: ``pkg:…``, ``cpe:2.3:…``, or NAME or NAME@VERSION.

    Raises:
        InputError: it is no purl or CPE name though it begins as one; or it is empty.
    """
    where = text[:_SHOWN]
    try:
        plain_text(_bounded(text))
        if text.startswith("pkg:"):
            return Asked(text=text, purl=require_purl(text))
        if is_cpe(text):
            return Asked(text=text, cpe=require_cpe(text))
    except Wrong as wrong:
        raise InputError(f"it {wrong.cause}", where=where, todo=f"write {wrong.expected}") from wrong
    if "/vers:" in text or text.startswith("vers:"):
        raise InputError("ranges of versions are not read yet", where=where, todo="ask for each version")
    # the @ of a scope stands in front: @angular/core@17.0.0
    name, at, version = text.rpartition("@")
    name, version = (name, version) if at and name else (text, "")
    if not name:
        raise InputError("it names nothing", todo="write NAME, NAME@VERSION, pkg:…, cpe:2.3:… or CVE-…")
    return Asked(text=text, name=name.casefold(), version=version)


def is_exact(asked: Asked) -> bool:
    """Return whether one product in one version is asked for, and not any."""
    if asked.purl is not None:
        return bool(asked.purl.version)
    if asked.cpe is not None:
        return not any(map(has_wildcard, asked.cpe.attributes[: _VERSION + 1]))
    return bool(asked.version)


def key_of(asked: Asked) -> tuple[str, ...]:
    """Return what every part that fits an exact question has among its ``keys_of``."""
    if asked.purl is not None:
        return ("purl", *asked.purl.package, asked.purl.version)
    if asked.cpe is not None:
        return _cpe_key(asked.cpe)
    return ("name", asked.name, asked.version)


def _cpe_key(cpe: Cpe) -> tuple[str, ...]:
    """Return the first four attributes; a version that may be several is any."""
    *product, version = cpe.attributes[: _VERSION + 1]
    return ("cpe", *product, ANY if has_wildcard(version) else version)


def open_key_of(asked: Asked) -> tuple[str, ...] | None:
    """Return what parts have among their ``keys_of`` whose CPE name leaves open which version they are."""
    return None if asked.cpe is None else (*_cpe_key(asked.cpe)[:-1], ANY)


def keys_of(part: Part) -> Iterator[tuple[str, ...]]:
    """Yield the keys of a part, each once: see ``key_of``."""
    if part.purl:
        purl = require_purl(part.purl)
        yield ("purl", *purl.package, purl.version)
    yield from {_cpe_key(require_cpe(cpe)) for cpe in part.cpes}
    yield from {("name", name, part.version) for name in _names(part)}


def version_of(part: Part, asked: str = "") -> tuple[str, str]:
    """Return the kind of a part's version (``versions``), and the version; of the purl, where that has one.

    ``asked``: the kind that somebody compares it by: that of a part without a purl, or of a type that has no rules of
    its own, and ``semver`` for all kinds that follow it. An epoch may stand in a qualifier (of ``deb`` and ``rpm``).
    """
    if not part.purl:
        return asked or _GENERIC, part.version
    purl = require_purl(part.purl)
    kind, version = purl.package[0], purl.version or part.version
    epoch = dict(purl.qualifiers).get("epoch", "")
    if epoch and ":" not in version and kind in _EPOCHS:
        version = f"{epoch}:{version}"
    if asked == "semver" and kind in _SEMVER:
        return asked, version.removeprefix("v") if kind == "golang" else version
    return asked if asked and kind == _GENERIC else kind, version


def _names(part: Part) -> set[str]:
    """Return what a part is called: a group or scope may stand before the name."""
    name = part.name.casefold()
    return {name, name.rpartition("/")[2]}


def fits(asked: Asked, part: Part) -> bool:
    """Return whether a part is what is asked for: equal in all that the question says, whatever else the part says."""
    if asked.purl is not None:
        return bool(part.purl) and _fits_purl(asked.purl, require_purl(part.purl))
    if asked.cpe is not None:
        return any(covers(asked.cpe, require_cpe(cpe)) for cpe in part.cpes)
    return (
        asked.name in _names(part)
        and asked.version in ("", part.version)
        and asked.supplier.casefold() in ("", part.supplier.casefold())
    )


def may_fit(asked: Asked, part: Part) -> bool:
    """Return whether a part may be what is asked for, since its own CPE name leaves open what the question says."""
    return asked.cpe is not None and any(may_be(asked.cpe, require_cpe(cpe)) for cpe in part.cpes)


def _fits_purl(asked: Purl, found: Purl) -> bool:
    return (
        asked.package == found.package
        and asked.version in ("", found.version)
        and asked.qualifiers <= found.qualifiers
        and asked.subpath in ("", found.subpath)
    )
