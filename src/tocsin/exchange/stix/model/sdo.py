"""The nineteen STIX Domain Objects (STIX 2.1 §4)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from tocsin.exchange.stix.model.common import UUID, Identifier, KillChainPhase, SoftwareRef, Timestamp, VersionedObject

__all__ = [
    "AttackPattern",
    "Campaign",
    "CourseOfAction",
    "Grouping",
    "Identity",
    "Incident",
    "Indicator",
    "Infrastructure",
    "IntrusionSet",
    "Location",
    "Malware",
    "MalwareAnalysis",
    "Note",
    "ObservedData",
    "Opinion",
    "Report",
    "ThreatActor",
    "Tool",
    "Vulnerability",
]

SampleRef = Annotated[
    str,
    Meta(pattern=rf"^(?:artifact|file)--{UUID}\Z", extra={"is": "the id of an artifact or a file"}),
]
AnalysisSampleRef = Annotated[
    str,
    Meta(
        pattern=rf"^(?:artifact|file|network-traffic)--{UUID}\Z",
        extra={"is": "the id of an artifact, a file or network traffic"},
    ),
]


class AttackPattern(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.1."""

    type: Literal["attack-pattern"]
    name: str
    description: str | None = None
    aliases: tuple[str, ...] = ()
    kill_chain_phases: tuple[KillChainPhase, ...] = ()


class Campaign(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.2."""

    type: Literal["campaign"]
    name: str
    description: str | None = None
    aliases: tuple[str, ...] = ()
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    objective: str | None = None


class CourseOfAction(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.3."""

    type: Literal["course-of-action"]
    name: str
    description: str | None = None


class Grouping(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.4."""

    type: Literal["grouping"]
    context: str
    object_refs: tuple[Identifier, ...]
    name: str | None = None
    description: str | None = None


class Identity(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.5."""

    type: Literal["identity"]
    name: str
    description: str | None = None
    roles: tuple[str, ...] = ()
    identity_class: str | None = None
    sectors: tuple[str, ...] = ()
    contact_information: str | None = None


class Incident(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.6: a stub of the specification; what is more comes by extensions."""

    type: Literal["incident"]
    name: str
    description: str | None = None


class Indicator(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.7."""

    type: Literal["indicator"]
    pattern: str
    pattern_type: str
    valid_from: Timestamp
    name: str | None = None
    description: str | None = None
    indicator_types: tuple[str, ...] = ()
    pattern_version: str | None = None
    valid_until: Timestamp | None = None
    kill_chain_phases: tuple[KillChainPhase, ...] = ()


class Infrastructure(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.8."""

    type: Literal["infrastructure"]
    name: str
    description: str | None = None
    infrastructure_types: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    kill_chain_phases: tuple[KillChainPhase, ...] = ()
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None


class IntrusionSet(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.9."""

    type: Literal["intrusion-set"]
    name: str
    description: str | None = None
    aliases: tuple[str, ...] = ()
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    goals: tuple[str, ...] = ()
    resource_level: str | None = None
    primary_motivation: str | None = None
    secondary_motivations: tuple[str, ...] = ()


class Location(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.10. Latitude and longitude are WGS 84 degrees, the precision is in metres."""

    type: Literal["location"]
    name: str | None = None
    description: str | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None
    precision: float | None = None
    region: str | None = None
    country: str | None = None
    administrative_area: str | None = None
    city: str | None = None
    street_address: str | None = None
    postal_code: str | None = None


class Malware(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.11."""

    type: Literal["malware"]
    is_family: bool
    name: str | None = None
    description: str | None = None
    malware_types: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    kill_chain_phases: tuple[KillChainPhase, ...] = ()
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    operating_system_refs: tuple[SoftwareRef, ...] = ()
    architecture_execution_envs: tuple[str, ...] = ()
    implementation_languages: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    sample_refs: tuple[SampleRef, ...] = ()


class MalwareAnalysis(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.12."""

    type: Literal["malware-analysis"]
    product: str
    version: str | None = None
    host_vm_ref: SoftwareRef | None = None
    operating_system_ref: SoftwareRef | None = None
    installed_software_refs: tuple[SoftwareRef, ...] = ()
    configuration_version: str | None = None
    modules: tuple[str, ...] = ()
    analysis_engine_version: str | None = None
    analysis_definition_version: str | None = None
    submitted: Timestamp | None = None
    analysis_started: Timestamp | None = None
    analysis_ended: Timestamp | None = None
    result_name: str | None = None
    result: str | None = None
    analysis_sco_refs: tuple[Identifier, ...] = ()
    sample_ref: AnalysisSampleRef | None = None


class Note(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.13."""

    type: Literal["note"]
    content: str
    object_refs: tuple[Identifier, ...]
    abstract: str | None = None
    authors: tuple[str, ...] = ()


class ObservedData(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.14. `objects` is the deprecated container of §2.13, as it came."""

    type: Literal["observed-data"]
    first_observed: Timestamp
    last_observed: Timestamp
    number_observed: Annotated[int, Meta(ge=1, le=999_999_999)]
    objects: dict[str, dict[str, Any]] | None = None
    object_refs: tuple[Identifier, ...] = ()


class Opinion(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.15."""

    type: Literal["opinion"]
    opinion: Literal["strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"]
    object_refs: tuple[Identifier, ...]
    explanation: str | None = None
    authors: tuple[str, ...] = ()


class Report(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.16."""

    type: Literal["report"]
    name: str
    published: Timestamp
    object_refs: tuple[Identifier, ...]
    description: str | None = None
    report_types: tuple[str, ...] = ()


class ThreatActor(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.17."""

    type: Literal["threat-actor"]
    name: str
    description: str | None = None
    threat_actor_types: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    roles: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    sophistication: str | None = None
    resource_level: str | None = None
    primary_motivation: str | None = None
    secondary_motivations: tuple[str, ...] = ()
    personal_motivations: tuple[str, ...] = ()


class Tool(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.18."""

    type: Literal["tool"]
    name: str
    description: str | None = None
    tool_types: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    kill_chain_phases: tuple[KillChainPhase, ...] = ()
    tool_version: str | None = None


class Vulnerability(VersionedObject, frozen=True, kw_only=True, gc=False):
    """§4.19."""

    type: Literal["vulnerability"]
    name: str
    description: str | None = None
