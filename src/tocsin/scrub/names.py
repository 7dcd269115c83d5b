"""Finds whom a text names: the parties of a hub, by what they are called and where they are found. Pure."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Names", "is_internal"]

_WORD: Final = re.compile(r"[^\W_]+")
# A shorter name stands in too many words to tell anything.
_SHORTEST: Final = 3

# Wherever digits and points could be read as an address they are: before a port, within a host's name, as the end of an
# IPv6 address. To refuse one too many costs its sender a sentence.
_IPV4: Final = re.compile(r"(?<![0-9])(?=([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?![0-9]))")
_IPV6: Final = re.compile(r"(?<![0-9A-Fa-f:])[0-9A-Fa-f:]*:[0-9A-Fa-f:]+")
_INTERNAL: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # RFC 6598
        "169.254.0.0/16",  # RFC 3927
        "127.0.0.0/8",
        "fc00::/7",  # RFC 4193
        "fe80::/10",
        "::1/128",
    )
)


class Names:
    """Names of parties; each is the words that it consists of, whatever stands between them and however it is cased."""

    def __init__(self, names: Iterable[str]) -> None:
        self._phrases: dict[str, set[tuple[str, ...]]] = {}
        for name in names:
            words = _words(name)
            if sum(map(len, words)) >= _SHORTEST:
                self._phrases.setdefault(words[0], set()).add(words)

    def stand_in(self, text: str) -> bool:
        """Return whether a text holds one of the names as whole words."""
        words = _words(text)
        return any(
            words[place : place + len(phrase)] == phrase
            for place, word in enumerate(words)
            for phrase in self._phrases.get(word, ())
        )


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def is_internal(text: str) -> bool:
    """Return whether a text holds an address of a network that is not the public one: that of a victim."""
    return any(map(_in_internal, (*_IPV4.findall(text), *_IPV6.findall(text))))


def _in_internal(found: str) -> bool:
    # a colon before it may end the word before it, and one behind it begin a port
    for written in (found, found.lstrip(":"), found.rstrip(":")):
        try:
            address = ipaddress.ip_address(written)
        except ValueError:
            continue
        if any(address in network for network in _INTERNAL if network.version == address.version):
            return True
    return False
