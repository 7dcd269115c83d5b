"""Rules on the predefined extensions of observables (STIX 2.1 §3.10): typed, then what their types cannot hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tocsin.exchange.stix.explain import explain
from tocsin.exchange.stix.finding import Finding
from tocsin.exchange.stix.model import PREDEFINED_EXTENSIONS
from tocsin.exchange.stix.model.extensions import (
    HttpRequestExt,
    NtfsExt,
    PdfExt,
    RasterImageExt,
    SocketExt,
    WindowsPeBinaryExt,
    WindowsProcessExt,
)
from tocsin.exchange.stix.rules import values

if TYPE_CHECKING:
    from tocsin.exchange.stix.model.common import StixObject

__all__ = ["check_predefined"]

_SECTIONS: Final = {
    "archive-ext": "STIX 2.1 §6.7.2",
    "ntfs-ext": "STIX 2.1 §6.7.3",
    "pdf-ext": "STIX 2.1 §6.7.4",
    "raster-image-ext": "STIX 2.1 §6.7.5",
    "windows-pebinary-ext": "STIX 2.1 §6.7.6",
    "http-request-ext": "STIX 2.1 §6.12.2",
    "icmp-ext": "STIX 2.1 §6.12.3",
    "socket-ext": "STIX 2.1 §6.12.4",
    "tcp-ext": "STIX 2.1 §6.12.5",
    "windows-process-ext": "STIX 2.1 §6.13.2",
    "windows-service-ext": "STIX 2.1 §6.13.3",
    "unix-account-ext": "STIX 2.1 §6.16.2",
}
_STARTUP_INFO: Final = frozenset(
    {
        "cb",
        "cbReserved2",
        "dwFillAttribute",
        "dwFlags",
        "dwX",
        "dwXCountChars",
        "dwXSize",
        "dwY",
        "dwYCountChars",
        "dwYSize",
        "hStdError",
        "hStdInput",
        "hStdOutput",
        "lpDesktop",
        "lpReserved",
        "lpReserved2",
        "lpTitle",
        "wShowWindow",
    }
)
"""The members of the structure, as Windows spells them."""
_NEEDS_ONE_MORE: Final = {"windows-pebinary-ext": {"pe_type"}}
_NEEDS_ONE: Final = frozenset(
    {
        "ntfs-ext",
        "pdf-ext",
        "raster-image-ext",
        "windows-pebinary-ext",
        "tcp-ext",
        "windows-process-ext",
        "windows-service-ext",
        "unix-account-ext",
    }
)
"""Those of which at least one property of the specification has to be there."""


def check_predefined(obj: StixObject, name: str, contents: dict[str, Any], where: str) -> Finding | None:
    """Check one extension, if its name is a predefined one of the object's type; say nothing of others."""
    kind = PREDEFINED_EXTENSIONS.get(obj.type, {}).get(name)
    if kind is None:
        return None
    section = _SECTIONS[name]
    try:
        extension: msgspec.Struct = msgspec.convert(contents, kind)
    except msgspec.ValidationError as error:
        return explain(error, kind, section=section, base=where)
    if name in _NEEDS_ONE:
        declared = set(kind.__struct_fields__) - _NEEDS_ONE_MORE.get(name, set())
        if declared.isdisjoint(contents):
            return Finding(f"{name} needs at least one of its properties: {_listed(declared)}", where, section)
    if isinstance(extension, NtfsExt):
        return _ntfs(extension, where)
    if isinstance(extension, WindowsPeBinaryExt):
        return _pe(extension, contents, where)
    return _dictionaries(extension, where)


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _dictionaries(extension: object, where: str) -> Finding | None:
    if isinstance(extension, PdfExt):
        return values.dictionary(extension.document_info_dict, f"{where}.document_info_dict")
    if isinstance(extension, RasterImageExt):
        return values.dictionary(extension.exif_tags, f"{where}.exif_tags")
    if isinstance(extension, HttpRequestExt):
        return values.dictionary(extension.request_header, f"{where}.request_header")
    if isinstance(extension, SocketExt):
        return values.dictionary(extension.options, f"{where}.options")
    if isinstance(extension, WindowsProcessExt):
        for name in extension.startup_info or ():
            if name not in _STARTUP_INFO:
                return Finding(
                    f"{name[:80]!r} is no member of STARTUPINFO", f"{where}.startup_info", "STIX 2.1 §6.13.2"
                )
    return None


def _ntfs(extension: NtfsExt, where: str) -> Finding | None:
    for index, stream in enumerate(extension.alternate_data_streams):
        found = values.hashes(stream.hashes, f"{where}.alternate_data_streams[{index}].hashes")
        if found is not None:
            return found
    return None


def _pe(extension: WindowsPeBinaryExt, contents: dict[str, Any], where: str) -> Finding | None:
    found = values.timestamps(extension, ("time_date_stamp",), where)
    if found is not None:
        return found
    if extension.time_date_stamp is not None and "." in extension.time_date_stamp:
        what = "'time_date_stamp' is precise to the second: no digits after it"
        return Finding(what, f"{where}.time_date_stamp", "STIX 2.1 §6.7.6")
    header = extension.optional_header
    if header is not None:
        if set(header.__struct_fields__).isdisjoint(contents["optional_header"]):
            what = "the optional header needs at least one of its properties"
            return Finding(what, f"{where}.optional_header", "STIX 2.1 §6.7.6")
        found = values.hashes(header.hashes, f"{where}.optional_header.hashes")
    found = found or values.hashes(extension.file_header_hashes, f"{where}.file_header_hashes")
    for index, section in enumerate(extension.sections):
        found = found or values.hashes(section.hashes, f"{where}.sections[{index}].hashes")
    return found
