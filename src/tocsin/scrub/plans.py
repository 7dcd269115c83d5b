"""The plans that agreements can name: for each type which properties stay. What is not named here goes.

Listing what stays rather than what goes is the point: a property that is new to us, an extension, a custom property
goes because nobody looked at it.
"""

from __future__ import annotations

from typing import Final

from tocsin.scrub.model import Plan, Rule, Treatment

__all__ = ["COMMON", "PLANS"]

KEEP: Final = Rule(Treatment.KEEP)
ADVERSARY: Final = Rule(Treatment.ADVERSARY)
EARLIER: Final = Rule(Treatment.EARLIER)
LATER: Final = Rule(Treatment.LATER)
ISSUED: Final = Rule(Treatment.ISSUED)
PHASES: Final = Rule(Treatment.PHASES)
HASHES: Final = Rule(Treatment.HASHES)
REFERENCE: Final = Rule(Treatment.REFERENCE)
PATTERN: Final = Rule(Treatment.PATTERN)


def _generic(word: str) -> Rule:
    return Rule(Treatment.GENERIC, word)


def _of(vocabulary: str, *, otherwise: str = "") -> Rule:
    return Rule(Treatment.WORDS, vocabulary, otherwise)


COMMON: Final[dict[str, Rule]] = {
    "type": KEEP,
    "spec_version": KEEP,
    "revoked": KEEP,
    "defanged": KEEP,
    "confidence": Rule(Treatment.CONFIDENCE),
}
"""Of every type. Its id, times, creator and markings are made anew."""

_SEEN: Final = {"first_seen": EARLIER, "last_seen": LATER}
_MOTIVES: Final = {
    "resource_level": _of("attack-resource-level-ov"),
    "primary_motivation": _of("attack-motivation-ov"),
    "secondary_motivations": _of("attack-motivation-ov"),
}
_INDICATOR: Final = {
    "pattern": PATTERN,
    "pattern_type": _of("pattern-type"),
    "valid_from": ISSUED,
    "valid_until": LATER,
    "indicator_types": _of("indicator-type-ov"),
    "kill_chain_phases": PHASES,
}
# Observables that are the adversary's; a victim's accounts, mail, processes, traffic are not among them
_OBSERVABLES: Final = {
    "autonomous-system": {"number": KEEP},
    "domain-name": {"value": ADVERSARY, "resolves_to_refs": REFERENCE},
    "file": {"hashes": HASHES, "size": KEEP},
    "ipv4-addr": {"value": ADVERSARY, "belongs_to_refs": REFERENCE},
    "ipv6-addr": {"value": ADVERSARY, "belongs_to_refs": REFERENCE},
    "mutex": {"name": ADVERSARY},
    "url": {"value": ADVERSARY},
    "x509-certificate": {"hashes": HASHES},
}
_LINKS: Final = {
    "relationship": {
        "relationship_type": _of("relationship", otherwise="related-to"),
        "source_ref": REFERENCE,
        "target_ref": REFERENCE,
        "start_time": EARLIER,
        "stop_time": LATER,
    },
    "sighting": {
        "sighting_of_ref": REFERENCE,
        **_SEEN,
        "count": KEEP,
        "observed_data_refs": REFERENCE,
        "summary": KEEP,
    },
    "observed-data": {
        "first_observed": EARLIER,
        "last_observed": LATER,
        "number_observed": KEEP,
        "object_refs": REFERENCE,
    },
    "grouping": {"context": _of("grouping-context-ov", otherwise="unspecified"), "object_refs": REFERENCE},
    "report": {
        "name": _generic("Report"),
        "published": ISSUED,
        "report_types": _of("report-type-ov"),
        "object_refs": REFERENCE,
    },
}
_ADVERSARY: Final = {
    "attack-pattern": {"name": ADVERSARY, "aliases": ADVERSARY, "kill_chain_phases": PHASES},
    "campaign": {"name": _generic("Campaign"), **_SEEN},
    "incident": {"name": _generic("Incident")},
    "infrastructure": {
        "name": _generic("Infrastructure"),
        "infrastructure_types": _of("infrastructure-type-ov"),
        "kill_chain_phases": PHASES,
        **_SEEN,
    },
    "intrusion-set": {"name": ADVERSARY, "aliases": ADVERSARY, **_SEEN, **_MOTIVES},
    "malware": {
        "name": ADVERSARY,
        "is_family": KEEP,
        "malware_types": _of("malware-type-ov"),
        "aliases": ADVERSARY,
        "kill_chain_phases": PHASES,
        **_SEEN,
        "architecture_execution_envs": _of("processor-architecture-ov"),
        "implementation_languages": _of("implementation-language-ov"),
        "capabilities": _of("malware-capabilities-ov"),
        "sample_refs": REFERENCE,
    },
    "threat-actor": {
        "name": ADVERSARY,
        "threat_actor_types": _of("threat-actor-type-ov"),
        "aliases": ADVERSARY,
        **_SEEN,
        "roles": _of("threat-actor-role-ov"),
        "sophistication": _of("threat-actor-sophistication-ov"),
        **_MOTIVES,
    },
    "tool": {
        "name": ADVERSARY,
        "tool_types": _of("tool-type-ov"),
        "aliases": ADVERSARY,
        "kill_chain_phases": PHASES,
    },
    "vulnerability": {"name": ADVERSARY},
}
# What a pattern may ask of an object, by its first step: the same that is published of it
_PATHS: Final = {
    kind: frozenset(rules) - {"resolves_to_refs", "belongs_to_refs"} for kind, rules in _OBSERVABLES.items()
} | {"network-traffic": frozenset({"dst_ref", "dst_port", "protocols"})}

PLANS: Final[dict[str, Plan]] = {
    plan.name: plan
    for plan in (
        Plan(
            name="no-victim",
            says="what the adversary does and uses; nothing of whom it was done to, and nothing that people wrote",
            types={"indicator": _INDICATOR, **_OBSERVABLES, **_LINKS, **_ADVERSARY},
            paths=_PATHS,
        ),
        Plan(
            name="indicators-only",
            says="patterns and observables, without a name, a date or a link between them",
            types={
                "indicator": {
                    name: _INDICATOR[name] for name in ("pattern", "pattern_type", "valid_from", "indicator_types")
                },
                **{
                    kind: {name: rule for name, rule in rules.items() if rule is not REFERENCE}
                    for kind, rules in _OBSERVABLES.items()
                },
            },
            paths=_PATHS,
        ),
    )
}
"""By the name that a publish clause gives as ``sanitised``."""
