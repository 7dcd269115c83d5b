"""Observable values in one spelling each, words, and the numbers under which the index keeps them.

``canonical`` goes by what a text looks like and not by where it stood, so that a value that a person types, an
object's property and a constant in a pattern meet.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from tocsin.kernel.text import normal

__all__ = ["MAX_VALUE", "MAX_WORD", "canonical", "covering", "hosts", "term", "words"]

# Characters. A word that is longer is cut, in objects and in queries alike.
MAX_WORD: Final = 64
# Characters of a value that count; URLs of malware are long, but not longer.
MAX_VALUE: Final = 1_000

_WORD: Final = re.compile(r"[^\W_]+")
_DEFANGED: Final = (
    # brackets within brackets, too: what was defanged twice is one thing
    (re.compile(r"[\[({]+(?:\.|dot)[\])}]+", re.IGNORECASE), "."),
    (re.compile(r"\[+:\]+"), ":"),
    (re.compile(r"\[+://\]+"), "://"),
    (re.compile(r"[\[(]+(?:@|at)[\])]+", re.IGNORECASE), "@"),
    (re.compile(r"^(?:hxxp|h\*\*p|meow)(s?)(?=:)", re.IGNORECASE), r"http\1"),
)
_DOMAIN: Final = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]\.?")
_EMAIL: Final = re.compile(r"[^\s@]{1,64}@([^\s@]+)")
_ASN: Final = re.compile(r"as ?(\d{1,10})", re.IGNORECASE)
_MAC: Final = re.compile(r"(?:[0-9a-f]{2}[-:]){5}[0-9a-f]{2}", re.IGNORECASE)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{1,30}://", re.IGNORECASE)
_PORTS: Final = {"http": 80, "https": 443, "ftp": 21}
# An address is looked for in networks down to these; who lists a larger one lists half the world.
_WIDEST: Final = {4: 8, 6: 16}


def words(text: str) -> list[str]:
    """Return the words of a text, in their order: runs of letters and digits, compatibility forms and case folded."""
    # nothing else about ASCII changes with its form
    folded = text.lower() if text.isascii() else normal("NFKC", text).casefold()
    found = _WORD.findall(folded)
    return found if len(folded) <= MAX_WORD else [one[:MAX_WORD] for one in found]


def canonical(text: str) -> str:
    """Return a value as the index spells it; equal for every usual spelling of the same thing.

    It is its own spelling, unless it is longer than ``MAX_VALUE`` or a letter of it carries some dozens of marks.
    """
    # cut before it is worked on, too: a string may be 16 MiB
    value = normal("NFKC", text.strip()[:MAX_VALUE]).strip()[:MAX_VALUE]
    before = ""
    while value != before:
        before = value
        for defanged, plain in _DEFANGED:
            value = defanged.sub(plain, value)
    for read in (_address, _hardware, _system, _url, _email, _name):
        found = read(value)
        if found is not None:
            return found
    return normal("NFKC", value.casefold()).strip()


def hosts(value: str) -> list[str]:
    """Return the host of a canonical URL, as a value of its own; nothing for other values."""
    if _SCHEME.match(value) is None:
        return []
    try:
        host = urlsplit(value).hostname
    except ValueError:
        return []
    return [canonical(host)] if host else []


def covering(value: str) -> list[str]:
    """Return a canonical address and every network that holds it; any other value alone."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return [value]
    widths = range(_WIDEST[address.version], address.max_prefixlen)
    return [value, *(str(ipaddress.ip_network((address, width), strict=False)) for width in widths)]


def term(kind: str, text: str) -> int:
    """Return the number under which the index keeps a text of a kind: 64 bits of BLAKE2b, signed as databases count."""
    # the words of one object are those of the next: they are remembered, and are short
    return _word_term(text) if kind == "word" and len(text) <= MAX_WORD else _term(kind, text)


@functools.lru_cache(maxsize=32_768)
def _word_term(word: str) -> int:
    return _term("word", word)


def _term(kind: str, text: str) -> int:
    digest = hashlib.blake2b(
        f"{kind}\0{text}".encode(errors="replace"), digest_size=8, person=b"tocsin/search"
    ).digest()
    return int.from_bytes(digest, "big", signed=True)


def _address(value: str) -> str | None:
    try:
        network = ipaddress.ip_network(value.strip("[]"), strict=False)
    except ValueError:
        return None
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _hardware(value: str) -> str | None:
    return value.lower().replace("-", ":") if _MAC.fullmatch(value) else None


def _system(value: str) -> str | None:
    found = _ASN.fullmatch(value)
    return f"as{int(found[1])}" if found else None


def _url(value: str) -> str | None:
    if _SCHEME.match(value) is None:
        return None
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    host = _address(host) or _name(host) or host
    if ":" in host:
        host = f"[{host}]"
    user = parts.netloc.rpartition("@")[0]
    place = "" if port is None or port == _PORTS.get(parts.scheme.lower()) else f":{port}"
    authority = f"{user}@{host}{place}" if user else f"{host}{place}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme.lower()}://{authority}{parts.path or '/'}{query}"


def _email(value: str) -> str | None:
    found = _EMAIL.fullmatch(value)
    if found is None or _SCHEME.match(value):
        return None
    domain = _name(found[1]) or found[1].lower()
    # a mailbox may heed the case of its name, and none that matters does
    return f"{value[: found.start(1) - 1].casefold()}@{domain}"


def _name(value: str) -> str | None:
    if _DOMAIN.fullmatch(value) is None:
        return None
    lowered = value.lower().rstrip(".")
    try:
        return lowered.encode("idna").decode("ascii")
    except UnicodeError:
        return lowered
