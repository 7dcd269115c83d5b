"""Media types as clients write them: ``Accept`` (RFC 9110 §12.5.1) and ``Content-Type`` (§8.3). Pure."""

from __future__ import annotations

import re
from typing import Final

import msgspec

__all__ = ["MediaType", "accepts", "chosen_coding", "names", "parse_media_type"]

# Real lists have below ten ranges; a longer one is no browser's and no machine's.
MAX_RANGES: Final = 64

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  RFC 9110 §5.6.2, no secret
_TYPE: Final = re.compile(rf"[ \t]*({_TOKEN})/({_TOKEN})[ \t]*", re.ASCII)
_PARAMETER: Final = re.compile(rf";[ \t]*(?:({_TOKEN})[ \t]*=[ \t]*({_TOKEN}|\"[^\"\\]*\"))?[ \t]*", re.ASCII)
_QUALITY: Final = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?", re.ASCII)  # §12.4.2
_CODING: Final = re.compile(rf"({_TOKEN})[ \t]*(?:;[ \t]*[qQ]=(0(?:\.\d{{0,3}})?|1(?:\.0{{0,3}})?))?", re.ASCII)


class MediaType(msgspec.Struct, frozen=True, kw_only=True):
    """A media type or range: names in lower case, parameters without quotes."""

    type: str
    subtype: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Return ``type/subtype``."""
        return f"{self.type}/{self.subtype}"

    @property
    def spelt(self) -> str:
        """Return the whole as it stands in a header."""
        return f"{self.name}{''.join(f';{name}={value}' for name, value in self.parameters)}"

    def parameter(self, name: str) -> str | None:
        """Return a parameter's value, the last one given, or None."""
        return dict(self.parameters).get(name)


def parse_media_type(text: str) -> MediaType | None:
    """Read one media type or range; None when it is none."""
    match = _TYPE.match(text)
    if match is None:
        return None
    parameters: list[tuple[str, str]] = []
    place = match.end()
    while place < len(text):
        found = _PARAMETER.match(text, place)
        if found is None:
            return None
        if found[1] is not None:
            parameters.append((found[1].lower(), found[2].strip('"')))
        place = found.end()
    return MediaType(type=match[1].lower(), subtype=match[2].lower(), parameters=tuple(parameters))


def accepts(header: str | None, offered: tuple[MediaType, ...]) -> bool:
    """Return whether a client takes any of the media types offered; without a header it takes all (§12.5.1).

    The most specific range that fits an offer decides, by whether its ``q`` is above zero. A range's ``charset`` is
    not looked at, since JSON has but one; any other parameter has to be the offer's own. What is no media range fits
    nothing.
    """
    if header is None or not header.strip():
        return True
    ranges = [found for part in header.split(",")[:MAX_RANGES] if (found := _range(part)) is not None]
    return any(_quality(offer, ranges) > 0 for offer in offered)


def names(header: str) -> frozenset[str]:
    """Return the ``type/subtype`` of each range in an ``Accept``, whatever its quality."""
    return frozenset(found[0].name for part in header.split(",")[:MAX_RANGES] if (found := _range(part)) is not None)


def chosen_coding(header: str, offered: tuple[str, ...], *, otherwise: str) -> str:
    """Return the content coding for an answer (§12.5.3): the one wanted most, of equals the first offered.

    ``otherwise`` is the name of no coding at all: it is what a client gets that sent no header or an empty one, that
    wants it most, or that takes nothing of what is offered. What is no element of the list is passed over.
    """
    wanted: dict[str, float] = {}
    for part in header.split(",")[:MAX_RANGES]:
        found = _CODING.fullmatch(part.strip(" \t"))
        if found is not None:
            wanted[found[1].lower()] = 1.0 if found[2] is None else float(found[2])
    any_other = wanted.get("*", 0.0)
    best, quality = otherwise, 0.0
    for coding in offered:
        if wanted.get(coding, any_other) > quality:
            best, quality = coding, wanted.get(coding, any_other)
    return otherwise if wanted.get(otherwise, 0.0) > quality else best


def _range(text: str) -> tuple[MediaType, float] | None:
    media = parse_media_type(text)
    if media is None:
        return None
    quality = media.parameter("q")
    if quality is not None and _QUALITY.fullmatch(quality) is None:
        return None
    asked = tuple(pair for pair in media.parameters if pair[0] not in {"q", "charset"})
    return msgspec.structs.replace(media, parameters=asked), 1.0 if quality is None else float(quality)


def _quality(offer: MediaType, ranges: list[tuple[MediaType, float]]) -> float:
    best, quality = -1, 0.0
    for media, wanted in ranges:
        if media.name == "*/*":
            precision = 0
        elif media.subtype == "*" and media.type == offer.type:
            precision = 1
        elif media.name == offer.name and set(media.parameters) <= set(offer.parameters):
            precision = 2 + len(media.parameters)
        else:
            continue
        if precision > best or (precision == best and wanted > quality):
            best, quality = precision, wanted
    return quality
