"""From an object's bytes to what the index keeps of it: pure, bounded, and the same every time.

``VERSION`` changes with anything that changes the result, so that an index made by another program is made anew.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.errors import InputError
from tocsin.exchange.search.values import canonical, hosts, term, words
from tocsin.exchange.stix import times
from tocsin.exchange.stix.pattern import parse
from tocsin.exchange.stix.pattern.model import (
    Comparison,
    ConstantKind,
    Expression,
    ObjectPath,
    ObservationExpression,
    Operator,
    Qualified,
    Test,
)
from tocsin.exchange.uncertainty import assess
from tocsin.kernel.clock import Micros
from tocsin.kernel.text import fitting

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["VERSION", "Document", "Reference", "extract", "references", "terms_of", "values_in"]

VERSION: Final = 3

# Different words of one object that are kept, the first ones: a report of some pages has fewer.
MAX_WORDS: Final = 2_000
# Characters of an object that are read for words, in the form in which words are compared.
MAX_READ: Final = 200_000
# Different values and references of one object that are kept. An indicator over a feed lists some hundreds.
MAX_KEPT: Final = 5_000
# Values of one object that are brought into one spelling, repeated ones included: a quarter of a second.
MAX_SPELT: Final = 4 * MAX_KEPT
# An object's properties lie this deep at most; deeper ones are not read.
MAX_DEPTH: Final = 16

# Which properties of a type hold an observable value (STIX 2.1 §6); `hashes` stands for each of its entries.
_OBSERVABLE: Final[dict[str, frozenset[str]]] = {
    "artifact": frozenset({"hashes", "url"}),
    "autonomous-system": frozenset({"number"}),
    "directory": frozenset({"path"}),
    "domain-name": frozenset({"value"}),
    "email-addr": frozenset({"value"}),
    "email-message": frozenset({"message_id", "subject"}),
    "file": frozenset({"hashes", "name"}),
    "ipv4-addr": frozenset({"value"}),
    "ipv6-addr": frozenset({"value"}),
    "mac-addr": frozenset({"value"}),
    "mutex": frozenset({"name"}),
    "process": frozenset({"command_line"}),
    "software": frozenset({"cpe"}),
    "url": frozenset({"value"}),
    "user-account": frozenset({"account_login", "user_id"}),
    "windows-registry-key": frozenset({"key"}),
    "x509-certificate": frozenset({"hashes", "serial_number"}),
}
# Nothing in them is a word that anybody wrote for people.
_WORDLESS: Final = frozenset(
    {
        "type",
        "id",
        "spec_version",
        "lang",
        "pattern_type",
        "pattern_version",
        "payload_bin",
        "decryption_key",
        "granular_markings",
        "extension_type",
        "content_type",
        "mime_type",
    }
)
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_CVE: Final = re.compile(r"cve-\d{4}-\d{4,}", re.IGNORECASE)
_COMPARED: Final = frozenset({Operator.EQUAL, Operator.IN, Operator.IS_SUBSET})

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What the index keeps of one object. Instants are microseconds; what it does not say is None."""

    id: str
    type: str
    words: tuple[str, ...] = ()  # each once, in their order
    values: tuple[str, ...] = ()  # canonical, each once
    refs: tuple[str, ...] = ()  # ids that it refers to, markings aside
    creator: str | None = None  # `created_by_ref`
    sighted: str | None = None  # of a sighting that saw something: what
    created: Micros | None = None
    modified: Micros | None = None
    valid_from: Micros | None = None
    valid_until: Micros | None = None
    seen_from: Micros | None = None
    seen_until: Micros | None = None
    confidence: int | None = None
    reliability: str | None = None
    credibility: int | None = None
    revoked: bool = False


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """One reference of an object: the property that holds it, and the id."""

    property: str
    target: str


def extract(body: bytes) -> Document:
    """Return what the index keeps of an object that intake let in.

    Raises:
        msgspec.DecodeError: it is no JSON object, which intake never stores.
    """
    told = _decode(body)
    refs = list(_kept(reference.target for reference in references(told)))
    sure = assess(told)
    seen = told.get("count", 1) != 0  # STIX 2.1 §5.2: a count of 0 says that it was looked for and not seen
    return Document(
        id=told["id"],
        type=told["type"],
        words=tuple(itertools.islice(dict.fromkeys(_words(told)), MAX_WORDS)),
        values=tuple(_kept(values_in(told))),
        refs=tuple(refs),
        creator=_text(told.get("created_by_ref")),
        sighted=_text(told.get("sighting_of_ref")) if told["type"] == "sighting" and seen else None,
        created=_instant(told.get("created")),
        modified=_instant(told.get("modified")),
        valid_from=_instant(told.get("valid_from")),
        valid_until=_instant(told.get("valid_until")),
        seen_from=_instant(told.get("first_seen", told.get("first_observed"))),
        seen_until=_instant(told.get("last_seen", told.get("last_observed"))),
        confidence=sure.confidence,
        reliability=sure.reliability,
        credibility=sure.credibility,
        revoked=told.get("revoked") is True,
    )


def terms_of(document: Document) -> list[int]:
    """Return the numbers under which the index keeps a document, each once."""
    texts = [("id", document.id), *(("word", word) for word in document.words)]
    texts += [("value", value) for value in document.values]
    texts += [("ref", ref) for ref in document.refs]
    if document.creator is not None:
        texts.append(("creator", document.creator))
    if document.sighted is not None:
        texts.append(("sighted", document.sighted))
    return list({term(kind, text): None for kind, text in texts})


def references(told: dict[str, Any]) -> Iterator[Reference]:
    """Yield the references of a decoded object to others, in their order; markings are no references of this kind."""
    for name, value in told.items():
        if name == "object_marking_refs":
            continue
        if name.endswith("_ref") and isinstance(value, str):
            yield Reference(property=name, target=value)
        elif name.endswith("_refs") and isinstance(value, list):
            yield from (Reference(property=name, target=one) for one in value if isinstance(one, str))


def values_in(told: dict[str, Any]) -> Iterator[str]:
    """Yield the observable values of a decoded object, canonical; some several times."""
    kind = told["type"]
    found = itertools.chain(
        _observed(kind, told),
        _compared(told["pattern"])
        if kind == "indicator" and told.get("pattern_type") == "stix" and isinstance(told.get("pattern"), str)
        else (),
        _embedded(told.get("objects")) if kind == "observed-data" else (),
        _weaknesses(told) if kind == "vulnerability" else (),
    )
    for text in itertools.islice(found, MAX_SPELT):
        value = canonical(text)
        if value:
            yield value
            yield from hosts(value)


def _observed(kind: str, told: dict[str, Any]) -> Iterator[str]:
    for name in sorted(_OBSERVABLE.get(kind, ())):
        value = told.get(name)
        if name == "hashes" and isinstance(value, dict):
            yield from (one for one in value.values() if isinstance(one, str))
        elif name == "number" and isinstance(value, int):
            yield f"AS{value}"
        elif isinstance(value, str):
            yield value


def _embedded(objects: object) -> Iterator[str]:
    """Yield the values of the objects that an observed-data holds itself (STIX 2.1 §4.14, deprecated)."""
    for one in objects.values() if isinstance(objects, dict) else ():
        if isinstance(one, dict) and isinstance(one.get("type"), str):
            yield from _observed(one["type"], one)


def _weaknesses(told: dict[str, Any]) -> Iterator[str]:
    listed = told.get("external_references")
    names = [one.get("external_id") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    for name in (told.get("name"), *names):
        if isinstance(name, str) and _CVE.fullmatch(name):
            yield name


def _compared(pattern: str) -> Iterator[str]:
    """Yield the constants that a pattern compares an observable value with, by equality or as a network."""
    try:
        parsed = parse(pattern)
    except InputError:
        return  # intake refuses it now, and may have taken it once
    for test in _tests(parsed):
        if test.negated or test.operator not in _COMPARED or not _holds_value(test.path):
            continue
        for constant in test.constants:
            if isinstance(constant.value, str) and constant.kind is ConstantKind.STRING:
                yield constant.value
            elif isinstance(constant.value, int) and test.path.object_type == "autonomous-system":
                yield f"AS{constant.value}"


def _tests(pattern: Expression) -> Iterator[Test]:
    """Yield every comparison of a pattern, in the order of the text."""
    waiting: list[Expression | Comparison] = [pattern]
    while waiting:
        one = waiting.pop()
        match one:
            case Test():
                yield one
            case Qualified():
                waiting.append(one.expression)
            case ObservationExpression():
                waiting.append(one.comparison)
            case _:
                waiting += reversed(one.operands)


def _holds_value(path: ObjectPath) -> bool:
    # `network-traffic:dst_ref.value` is an address wherever it stands
    return path.steps[0] in _OBSERVABLE.get(path.object_type, ()) or path.steps[-1] == "value"


def _words(told: dict[str, Any]) -> Iterator[str]:
    left = MAX_READ
    for text in _texts(told, 0):
        if left <= 0:
            return
        read, length = fitting(text, left)
        yield from words(read)
        left -= max(length, len(text))


def _texts(value: object, depth: int) -> Iterator[str]:
    """Yield what an object says in words, properties of other parties' making included."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, str):
        if _TIMESTAMP.fullmatch(value) is None:
            yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, depth + 1)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in _WORDLESS and not name.endswith(("_ref", "_refs")):
                yield from _texts(one, depth + 1)


def _kept(texts: Iterator[str]) -> list[str]:
    return list(itertools.islice(dict.fromkeys(texts), MAX_KEPT))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _instant(value: object) -> Micros | None:
    if not isinstance(value, str):
        return None
    try:
        return times.micros(value)
    except ValueError:
        return None
