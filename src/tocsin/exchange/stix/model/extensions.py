"""The twelve predefined extensions of observables (STIX 2.1 §3.10, §6.7, §6.12, §6.13, §6.16)."""

from __future__ import annotations

from typing import Literal

import msgspec

from tocsin.exchange.stix.model.common import ArtifactRef, Hashes, Hex, Natural, Timestamp
from tocsin.exchange.stix.model.sco import FileOrDirectoryRef, FileRef

__all__ = [
    "AlternateDataStream",
    "ArchiveExt",
    "HttpRequestExt",
    "IcmpExt",
    "NtfsExt",
    "PdfExt",
    "RasterImageExt",
    "SocketExt",
    "TcpExt",
    "UnixAccountExt",
    "WindowsPeBinaryExt",
    "WindowsPeOptionalHeader",
    "WindowsPeSection",
    "WindowsProcessExt",
    "WindowsServiceExt",
]


class ArchiveExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.7.2."""

    contains_refs: tuple[FileOrDirectoryRef, ...]
    comment: str | None = None


class AlternateDataStream(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.7.3."""

    name: str
    hashes: Hashes | None = None
    size: Natural | None = None


class NtfsExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.7.3: at least one of its properties."""

    sid: str | None = None
    alternate_data_streams: tuple[AlternateDataStream, ...] = ()


class PdfExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.7.4: at least one of its properties."""

    version: str | None = None
    is_optimized: bool | None = None
    document_info_dict: dict[str, str] | None = None
    pdfid0: str | None = None
    pdfid1: str | None = None


class RasterImageExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.7.5: at least one of its properties."""

    image_height: int | None = None
    image_width: int | None = None
    bits_per_pixel: int | None = None
    exif_tags: dict[str, int | str] | None = None


class WindowsPeOptionalHeader(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.7.6: at least one of its properties."""

    magic_hex: Hex | None = None
    major_linker_version: int | None = None
    minor_linker_version: int | None = None
    size_of_code: Natural | None = None
    size_of_initialized_data: Natural | None = None
    size_of_uninitialized_data: Natural | None = None
    address_of_entry_point: int | None = None
    base_of_code: int | None = None
    base_of_data: int | None = None
    image_base: int | None = None
    section_alignment: int | None = None
    file_alignment: int | None = None
    major_os_version: int | None = None
    minor_os_version: int | None = None
    major_image_version: int | None = None
    minor_image_version: int | None = None
    major_subsystem_version: int | None = None
    minor_subsystem_version: int | None = None
    win32_version_value_hex: Hex | None = None
    size_of_image: Natural | None = None
    size_of_headers: Natural | None = None
    checksum_hex: Hex | None = None
    subsystem_hex: Hex | None = None
    dll_characteristics_hex: Hex | None = None
    size_of_stack_reserve: Natural | None = None
    size_of_stack_commit: Natural | None = None
    size_of_heap_reserve: Natural | None = None
    size_of_heap_commit: Natural | None = None
    loader_flags_hex: Hex | None = None
    number_of_rva_and_sizes: int | None = None
    hashes: Hashes | None = None


class WindowsPeSection(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.7.6."""

    name: str
    size: Natural | None = None
    entropy: float | None = None
    hashes: Hashes | None = None


class WindowsPeBinaryExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.7.6: at least one property besides `pe_type`."""

    pe_type: str
    imphash: str | None = None
    machine_hex: Hex | None = None
    number_of_sections: Natural | None = None
    time_date_stamp: Timestamp | None = None
    pointer_to_symbol_table_hex: Hex | None = None
    number_of_symbols: Natural | None = None
    size_of_optional_header: Natural | None = None
    characteristics_hex: Hex | None = None
    file_header_hashes: Hashes | None = None
    optional_header: WindowsPeOptionalHeader | None = None
    sections: tuple[WindowsPeSection, ...] = ()


class HttpRequestExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.12.2."""

    request_method: str
    request_value: str
    request_version: str | None = None
    request_header: dict[str, tuple[str, ...]] | None = None
    message_body_length: int | None = None
    message_body_data_ref: ArtifactRef | None = None


class IcmpExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.12.3."""

    icmp_type_hex: Hex
    icmp_code_hex: Hex


class SocketExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.12.4."""

    address_family: Literal[
        "AF_UNSPEC", "AF_INET", "AF_IPX", "AF_APPLETALK", "AF_NETBIOS", "AF_INET6", "AF_IRDA", "AF_BTH"
    ]
    is_blocking: bool | None = None
    is_listening: bool | None = None
    options: dict[str, int] | None = None
    socket_type: Literal["SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_RDM", "SOCK_SEQPACKET"] | None = None
    socket_descriptor: Natural | None = None
    socket_handle: int | None = None


class TcpExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.12.5: at least one of its properties."""

    src_flags_hex: Hex | None = None
    dst_flags_hex: Hex | None = None


class WindowsProcessExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.13.2: at least one of its properties."""

    aslr_enabled: bool | None = None
    dep_enabled: bool | None = None
    priority: str | None = None
    owner_sid: str | None = None
    window_title: str | None = None
    startup_info: dict[str, str | int | float | bool] | None = None
    integrity_level: Literal["low", "medium", "high", "system"] | None = None


class WindowsServiceExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.13.3: at least one of its properties."""

    service_name: str | None = None
    descriptions: tuple[str, ...] = ()
    display_name: str | None = None
    group_name: str | None = None
    start_type: (
        Literal[
            "SERVICE_AUTO_START",
            "SERVICE_BOOT_START",
            "SERVICE_DEMAND_START",
            "SERVICE_DISABLED",
            "SERVICE_SYSTEM_ALERT",
        ]
        | None
    ) = None
    service_dll_refs: tuple[FileRef, ...] = ()
    service_type: (
        Literal[
            "SERVICE_KERNEL_DRIVER",
            "SERVICE_FILE_SYSTEM_DRIVER",
            "SERVICE_WIN32_OWN_PROCESS",
            "SERVICE_WIN32_SHARE_PROCESS",
        ]
        | None
    ) = None
    service_status: (
        Literal[
            "SERVICE_CONTINUE_PENDING",
            "SERVICE_PAUSE_PENDING",
            "SERVICE_PAUSED",
            "SERVICE_RUNNING",
            "SERVICE_START_PENDING",
            "SERVICE_STOP_PENDING",
            "SERVICE_STOPPED",
        ]
        | None
    ) = None


class UnixAccountExt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.16.2: at least one of its properties."""

    gid: int | None = None
    groups: tuple[str, ...] = ()
    home_dir: str | None = None
    shell: str | None = None
