"""Words that many producers use: of an open vocabulary only these stay, since a word of one's own is a signature.

STIX 2.1 §10 calls these vocabularies open: a producer may write any other word, and one that no other producer writes
tells who wrote it.
"""

from __future__ import annotations

from typing import Final

__all__ = ["HASHES", "PHASES", "VOCABULARIES"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOCABULARIES: Final[dict[str, frozenset[str]]] = {
    # §10.1 to §10.29, by the name that the specification gives each
    "attack-motivation-ov": _words(
        "accidental coercion dominance ideology notoriety organizational-gain personal-gain personal-satisfaction"
        " revenge unpredictable"
    ),
    "attack-resource-level-ov": _words("individual club contest team organization government"),
    "grouping-context-ov": _words("suspicious-activity malware-analysis unspecified"),
    "implementation-language-ov": _words(
        "applescript bash c c++ c# go java javascript lua objective-c perl php powershell python ruby scala swift"
        " typescript visual-basic x86-32 x86-64"
    ),
    "indicator-type-ov": _words(
        "anomalous-activity anonymization benign compromised malicious-activity attribution unknown"
    ),
    "infrastructure-type-ov": _words(
        "amplification anonymization botnet command-and-control exfiltration hosting-malware"
        " hosting-target-lists phishing reconnaissance staging unknown"
    ),
    "malware-capabilities-ov": _words(
        "accesses-remote-machines anti-debugging anti-disassembly anti-emulation anti-memory-forensics anti-sandbox"
        " anti-vm captures-input-peripherals captures-output-peripherals captures-system-state-data"
        " cleans-traces-of-infection commits-fraud communicates-with-c2 compromises-data-availability"
        " compromises-data-integrity compromises-system-availability controls-local-machine degrades-security-software"
        " degrades-system-updates determines-c2-server emails-spam escalates-privileges evades-av exfiltrates-data"
        " fingerprints-host hides-artifacts hides-executing-code infects-files infects-remote-machines"
        " installs-other-components persists-after-system-reboot prevents-artifact-access prevents-artifact-deletion"
        " probes-network-environment self-modifies steals-authentication-credentials"
        " violates-system-operational-integrity"
    ),
    "malware-type-ov": _words(
        "adware backdoor bot bootkit ddos downloader dropper exploit-kit keylogger ransomware remote-access-trojan"
        " resource-exploitation rogue-security-software rootkit screen-capture spyware trojan unknown virus webshell"
        " wiper worm"
    ),
    "processor-architecture-ov": _words("alpha arm ia-64 mips powerpc sparc x86 x86-64"),
    "report-type-ov": _words(
        "attack-pattern campaign identity indicator intrusion-set malware observed-data threat-actor threat-report tool"
        " vulnerability"
    ),
    "threat-actor-role-ov": _words(
        "agent director independent infrastructure-architect infrastructure-operator malware-author sponsor"
    ),
    "threat-actor-sophistication-ov": _words("none minimal intermediate advanced expert innovator strategic"),
    "threat-actor-type-ov": _words(
        "activist competitor crime-syndicate criminal hacker insider-accidental insider-disgruntled nation-state"
        " sensationalist spy terrorist unknown"
    ),
    "tool-type-ov": _words(
        "denial-of-service exploitation information-gathering network-capture credential-exploitation remote-access"
        " vulnerability-scanning unknown"
    ),
    # of pattern-type-ov (§10.24) the one language that we read; comments in the others are signatures
    "pattern-type": _words("stix"),
    # the relationships that the specification names (§4, §6), and the three that join anything (§3.7)
    "relationship": _words(
        "analysis-of attributed-to authored-by av-analysis-of based-on beacons-to characterizes communicates-with"
        " compromises consists-of controls delivers derived-from downloads drops duplicate-of dynamic-analysis-of"
        " exfiltrates-to exploits has hosts impersonates indicates investigates located-at mitigates originates-from"
        " owns related-to remediates static-analysis-of targets uses variant-of"
    ),
}

HASHES: Final = _words("MD5 SHA-1 SHA-256 SHA-512 SHA3-256 SHA3-512 SSDEEP TLSH")
"""Names of algorithms of hash-algorithm-ov (§10.8)."""

_TACTICS: Final = _words(
    "reconnaissance resource-development initial-access execution persistence privilege-escalation defense-evasion"
    " credential-access discovery lateral-movement collection command-and-control exfiltration impact"
)
PHASES: Final[dict[str, frozenset[str]]] = {
    "lockheed-martin-cyber-kill-chain": _words(
        "reconnaissance weaponization delivery exploitation installation command-and-control actions-on-objectives"
    ),
    "mitre-attack": _TACTICS,
    "mitre-ics-attack": _TACTICS | _words("evasion inhibit-response-function impair-process-control"),
    "mitre-mobile-attack": _TACTICS | _words("network-effects remote-service-effects"),
}
"""Kill chains that everybody uses (§2.11), and their phases."""
