"""The eighteen STIX Cyber-observable Objects (STIX 2.1 §6). They have no versions."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tocsin.exchange.stix.model.common import (
    UUID,
    ArtifactRef,
    Binary,
    Hashes,
    Hex,
    Identifier,
    Natural,
    StixObservable,
    Timestamp,
)

__all__ = [
    "Artifact",
    "AutonomousSystem",
    "Directory",
    "DomainName",
    "EmailAddr",
    "EmailMessage",
    "EmailMimePart",
    "File",
    "IPv4Addr",
    "IPv6Addr",
    "MacAddr",
    "Mutex",
    "NetworkTraffic",
    "Process",
    "Software",
    "Url",
    "UserAccount",
    "WindowsRegistryKey",
    "WindowsRegistryValue",
    "X509Certificate",
    "X509V3Extensions",
]

AutonomousSystemRef = Annotated[
    str,
    Meta(pattern=rf"^autonomous-system--{UUID}\Z", extra={"is": "the id of an autonomous system"}),
]
DirectoryRef = Annotated[str, Meta(pattern=rf"^directory--{UUID}\Z", extra={"is": "the id of a directory"})]
EmailAddrRef = Annotated[str, Meta(pattern=rf"^email-addr--{UUID}\Z", extra={"is": "the id of an e-mail address"})]
EndpointRef = Annotated[
    str,
    Meta(
        pattern=rf"^(?:ipv4-addr|ipv6-addr|mac-addr|domain-name)--{UUID}\Z",
        extra={"is": "the id of an IPv4, IPv6 or MAC address or a domain name"},
    ),
]
FileRef = Annotated[str, Meta(pattern=rf"^file--{UUID}\Z", extra={"is": "the id of a file"})]
FileOrDirectoryRef = Annotated[
    str,
    Meta(pattern=rf"^(?:file|directory)--{UUID}\Z", extra={"is": "the id of a file or a directory"}),
]
MacAddrRef = Annotated[str, Meta(pattern=rf"^mac-addr--{UUID}\Z", extra={"is": "the id of a MAC address"})]
NetworkTrafficRef = Annotated[
    str,
    Meta(pattern=rf"^network-traffic--{UUID}\Z", extra={"is": "the id of network traffic"}),
]
ProcessRef = Annotated[str, Meta(pattern=rf"^process--{UUID}\Z", extra={"is": "the id of a process"})]
RawBodyRef = Annotated[
    str,
    Meta(pattern=rf"^(?:artifact|file)--{UUID}\Z", extra={"is": "the id of an artifact or a file"}),
]
ResolvesToRef = Annotated[
    str,
    Meta(
        pattern=rf"^(?:ipv4-addr|ipv6-addr|domain-name)--{UUID}\Z",
        extra={"is": "the id of an IPv4 or IPv6 address or a domain name"},
    ),
]
UserAccountRef = Annotated[str, Meta(pattern=rf"^user-account--{UUID}\Z", extra={"is": "the id of a user account"})]
Port = Annotated[int, Meta(ge=0, le=65_535)]
CharacterSet = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9/.+_:()-]{1,249}\Z",
        extra={"is": "the name of a character set of the IANA registry", "section": "STIX 2.1 §3.9.1"},
    ),
]
MacAddress = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{2}(?::[0-9a-f]{2}){5}\Z",
        extra={"is": "six pairs of hexadecimal digits in lower case, separated by colons", "section": "STIX 2.1 §6.10"},
    ),
]


class Artifact(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.1."""

    type: Literal["artifact"]
    mime_type: str | None = None
    payload_bin: Binary | None = None
    url: str | None = None
    hashes: Hashes | None = None
    encryption_algorithm: Literal["AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"] | None = None
    decryption_key: str | None = None


class AutonomousSystem(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.2."""

    type: Literal["autonomous-system"]
    number: int
    name: str | None = None
    rir: str | None = None


class Directory(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.3."""

    type: Literal["directory"]
    path: str
    path_enc: CharacterSet | None = None
    ctime: Timestamp | None = None
    mtime: Timestamp | None = None
    atime: Timestamp | None = None
    contains_refs: tuple[FileOrDirectoryRef, ...] = ()


class DomainName(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.4."""

    type: Literal["domain-name"]
    value: str
    resolves_to_refs: tuple[ResolvesToRef, ...] = ()


class EmailAddr(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.5."""

    type: Literal["email-addr"]
    value: str
    display_name: str | None = None
    belongs_to_ref: UserAccountRef | None = None


class EmailMimePart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.6.2: exactly one of `body` and `body_raw_ref`."""

    body: str | None = None
    body_raw_ref: RawBodyRef | None = None
    content_type: str | None = None
    content_disposition: str | None = None


class EmailMessage(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.6."""

    type: Literal["email-message"]
    is_multipart: bool
    date: Timestamp | None = None
    content_type: str | None = None
    from_ref: EmailAddrRef | None = None
    sender_ref: EmailAddrRef | None = None
    to_refs: tuple[EmailAddrRef, ...] = ()
    cc_refs: tuple[EmailAddrRef, ...] = ()
    bcc_refs: tuple[EmailAddrRef, ...] = ()
    message_id: str | None = None
    subject: str | None = None
    received_lines: tuple[str, ...] = ()
    additional_header_fields: dict[str, tuple[str, ...]] | None = None
    body: str | None = None
    body_multipart: tuple[EmailMimePart, ...] | None = None
    raw_email_ref: ArtifactRef | None = None


class File(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.7."""

    type: Literal["file"]
    hashes: Hashes | None = None
    size: Natural | None = None
    name: str | None = None
    name_enc: CharacterSet | None = None
    magic_number_hex: Hex | None = None
    mime_type: str | None = None
    ctime: Timestamp | None = None
    mtime: Timestamp | None = None
    atime: Timestamp | None = None
    parent_directory_ref: DirectoryRef | None = None
    contains_refs: tuple[Identifier, ...] = ()
    content_ref: ArtifactRef | None = None


class IPv4Addr(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.8."""

    type: Literal["ipv4-addr"]
    value: str
    resolves_to_refs: tuple[MacAddrRef, ...] = ()
    belongs_to_refs: tuple[AutonomousSystemRef, ...] = ()


class IPv6Addr(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.9."""

    type: Literal["ipv6-addr"]
    value: str
    resolves_to_refs: tuple[MacAddrRef, ...] = ()
    belongs_to_refs: tuple[AutonomousSystemRef, ...] = ()


class MacAddr(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.10."""

    type: Literal["mac-addr"]
    value: MacAddress


class Mutex(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.11."""

    type: Literal["mutex"]
    name: str


class NetworkTraffic(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.12."""

    type: Literal["network-traffic"]
    protocols: tuple[str, ...]
    start: Timestamp | None = None
    end: Timestamp | None = None
    is_active: bool | None = None
    src_ref: EndpointRef | None = None
    dst_ref: EndpointRef | None = None
    src_port: Port | None = None
    dst_port: Port | None = None
    src_byte_count: Natural | None = None
    dst_byte_count: Natural | None = None
    src_packets: Natural | None = None
    dst_packets: Natural | None = None
    ipfix: dict[str, int | str] | None = None
    src_payload_ref: ArtifactRef | None = None
    dst_payload_ref: ArtifactRef | None = None
    encapsulates_refs: tuple[NetworkTrafficRef, ...] = ()
    encapsulated_by_ref: NetworkTrafficRef | None = None


class Process(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.13."""

    type: Literal["process"]
    is_hidden: bool | None = None
    pid: int | None = None
    created_time: Timestamp | None = None
    cwd: str | None = None
    command_line: str | None = None
    environment_variables: dict[str, str] | None = None
    opened_connection_refs: tuple[NetworkTrafficRef, ...] = ()
    creator_user_ref: UserAccountRef | None = None
    image_ref: FileRef | None = None
    parent_ref: ProcessRef | None = None
    child_refs: tuple[ProcessRef, ...] = ()


class Software(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.14."""

    type: Literal["software"]
    name: str
    cpe: str | None = None
    swid: str | None = None
    languages: tuple[str, ...] = ()
    vendor: str | None = None
    version: str | None = None


class Url(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.15."""

    type: Literal["url"]
    value: str


class UserAccount(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.16."""

    type: Literal["user-account"]
    user_id: str | None = None
    credential: str | None = None
    account_login: str | None = None
    account_type: str | None = None
    display_name: str | None = None
    is_service_account: bool | None = None
    is_privileged: bool | None = None
    can_escalate_privs: bool | None = None
    is_disabled: bool | None = None
    account_created: Timestamp | None = None
    account_expires: Timestamp | None = None
    credential_last_changed: Timestamp | None = None
    account_first_login: Timestamp | None = None
    account_last_login: Timestamp | None = None


class WindowsRegistryValue(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.17.2: at least one of its properties."""

    name: str | None = None
    data: str | None = None
    data_type: (
        Literal[
            "REG_NONE",
            "REG_SZ",
            "REG_EXPAND_SZ",
            "REG_BINARY",
            "REG_DWORD",
            "REG_DWORD_BIG_ENDIAN",
            "REG_DWORD_LITTLE_ENDIAN",
            "REG_LINK",
            "REG_MULTI_SZ",
            "REG_RESOURCE_LIST",
            "REG_FULL_RESOURCE_DESCRIPTION",
            "REG_RESOURCE_REQUIREMENTS_LIST",
            "REG_QWORD",
            "REG_INVALID_TYPE",
        ]
        | None
    ) = None


class WindowsRegistryKey(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.17."""

    type: Literal["windows-registry-key"]
    key: str | None = None
    values: tuple[WindowsRegistryValue, ...] = ()
    modified_time: Timestamp | None = None
    creator_user_ref: UserAccountRef | None = None
    number_of_subkeys: int | None = None


class X509V3Extensions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """§6.18.2: at least one of its properties."""

    basic_constraints: str | None = None
    name_constraints: str | None = None
    policy_constraints: str | None = None
    key_usage: str | None = None
    extended_key_usage: str | None = None
    subject_key_identifier: str | None = None
    authority_key_identifier: str | None = None
    subject_alternative_name: str | None = None
    issuer_alternative_name: str | None = None
    subject_directory_attributes: str | None = None
    crl_distribution_points: str | None = None
    inhibit_any_policy: str | None = None
    private_key_usage_period_not_before: Timestamp | None = None
    private_key_usage_period_not_after: Timestamp | None = None
    certificate_policies: str | None = None
    policy_mappings: str | None = None


class X509Certificate(StixObservable, frozen=True, kw_only=True, gc=False):
    """§6.18."""

    type: Literal["x509-certificate"]
    is_self_signed: bool | None = None
    hashes: Hashes | None = None
    version: str | None = None
    serial_number: str | None = None
    signature_algorithm: str | None = None
    issuer: str | None = None
    validity_not_before: Timestamp | None = None
    validity_not_after: Timestamp | None = None
    subject: str | None = None
    subject_public_key_algorithm: str | None = None
    subject_public_key_modulus: str | None = None
    subject_public_key_exponent: int | None = None
    x509_v3_extensions: X509V3Extensions | None = None
