"""The types of STIX 2.1: one frozen value per type, strict on what a type can hold.

What a type cannot hold (two properties that depend on each other, a calendar, a selector) is a rule in
`tocsin.exchange.stix.rules`; a value of these types that was built by hand has not been through them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.exchange.stix.model import extensions, meta, sco, sdo, sro
from tocsin.exchange.stix.model.common import (
    ExternalReference,
    GranularMarking,
    KillChainPhase,
    StixObject,
    VersionedObject,
)
from tocsin.exchange.stix.model.meta import (
    Bundle,
    CustomObject,
    CustomObservable,
    ExtensionDefinition,
    LanguageContent,
    MarkingDefinition,
)

if TYPE_CHECKING:
    import msgspec

__all__ = [
    "META_TYPES",
    "PREDEFINED_EXTENSIONS",
    "SCO_TYPES",
    "SDO_TYPES",
    "SRO_TYPES",
    "Bundle",
    "CustomObject",
    "CustomObservable",
    "ExtensionDefinition",
    "ExternalReference",
    "GranularMarking",
    "KillChainPhase",
    "LanguageContent",
    "MarkingDefinition",
    "StixObject",
    "VersionedObject",
]

SDO_TYPES: dict[str, type[VersionedObject]] = {
    "attack-pattern": sdo.AttackPattern,
    "campaign": sdo.Campaign,
    "course-of-action": sdo.CourseOfAction,
    "grouping": sdo.Grouping,
    "identity": sdo.Identity,
    "incident": sdo.Incident,
    "indicator": sdo.Indicator,
    "infrastructure": sdo.Infrastructure,
    "intrusion-set": sdo.IntrusionSet,
    "location": sdo.Location,
    "malware": sdo.Malware,
    "malware-analysis": sdo.MalwareAnalysis,
    "note": sdo.Note,
    "observed-data": sdo.ObservedData,
    "opinion": sdo.Opinion,
    "report": sdo.Report,
    "threat-actor": sdo.ThreatActor,
    "tool": sdo.Tool,
    "vulnerability": sdo.Vulnerability,
}
SRO_TYPES: dict[str, type[VersionedObject]] = {"relationship": sro.Relationship, "sighting": sro.Sighting}
SCO_TYPES: dict[str, type[StixObject]] = {
    "artifact": sco.Artifact,
    "autonomous-system": sco.AutonomousSystem,
    "directory": sco.Directory,
    "domain-name": sco.DomainName,
    "email-addr": sco.EmailAddr,
    "email-message": sco.EmailMessage,
    "file": sco.File,
    "ipv4-addr": sco.IPv4Addr,
    "ipv6-addr": sco.IPv6Addr,
    "mac-addr": sco.MacAddr,
    "mutex": sco.Mutex,
    "network-traffic": sco.NetworkTraffic,
    "process": sco.Process,
    "software": sco.Software,
    "url": sco.Url,
    "user-account": sco.UserAccount,
    "windows-registry-key": sco.WindowsRegistryKey,
    "x509-certificate": sco.X509Certificate,
}
META_TYPES: dict[str, type[StixObject]] = {
    "extension-definition": meta.ExtensionDefinition,
    "language-content": meta.LanguageContent,
    "marking-definition": meta.MarkingDefinition,
}
PREDEFINED_EXTENSIONS: dict[str, dict[str, type[msgspec.Struct]]] = {
    "file": {
        "archive-ext": extensions.ArchiveExt,
        "ntfs-ext": extensions.NtfsExt,
        "pdf-ext": extensions.PdfExt,
        "raster-image-ext": extensions.RasterImageExt,
        "windows-pebinary-ext": extensions.WindowsPeBinaryExt,
    },
    "network-traffic": {
        "http-request-ext": extensions.HttpRequestExt,
        "icmp-ext": extensions.IcmpExt,
        "socket-ext": extensions.SocketExt,
        "tcp-ext": extensions.TcpExt,
    },
    "process": {
        "windows-process-ext": extensions.WindowsProcessExt,
        "windows-service-ext": extensions.WindowsServiceExt,
    },
    "user-account": {"unix-account-ext": extensions.UnixAccountExt},
}
"""By type of observable (§3.10)."""
