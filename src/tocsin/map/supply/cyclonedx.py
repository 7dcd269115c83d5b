"""CycloneDX JSON 1.4 to 1.7 (ECMA-424) into a bill: every fault with its path, what is not taken counted. Pure.

Taken: ``metadata.component`` as the product; components, nested ones too, with name (and group), version, type,
supplier (else manufacturer, else publisher), purl and CPE 2.3; ``dependencies[].dependsOn``; of vulnerabilities their
ids, ``affects`` and ``analysis.state``. A component that nothing leads to is in the product: the list is its inventory.
Components of scope ``excluded`` are not; one that is external (1.7) is, since the product goes on with it only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tocsin.map.formats.fields import Wrong
from tocsin.map.supply.cpe import is_cpe
from tocsin.map.supply.model import Part, Verdict
from tocsin.map.supply.names import version_of
from tocsin.map.supply.ranges import contains, require_range
from tocsin.map.supply.versions import compared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.map.supply.draft import Draft

__all__ = ["VERSIONS", "read_cyclonedx"]

VERSIONS: Final = ("1.4", "1.5", "1.6", "1.7")
_ROOT: Final = frozenset(
    {"$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies"}
)
_PART: Final = frozenset(
    {
        "type",
        "bom-ref",
        "name",
        "group",
        "version",
        "supplier",
        "manufacturer",
        "publisher",
        "purl",
        "cpe",
        "scope",
        "components",
        "description",
        "mime-type",
        "isExternal",
    }
)
# analysis.state, CycloneDX 1.6 (impactAnalysisState); without it the list is called `affects`
_STATES: Final = {
    "exploitable": Verdict.AFFECTED,
    "in_triage": Verdict.IN_TRIAGE,
    "resolved": Verdict.FIXED,
    "resolved_with_pedigree": Verdict.FIXED,
    "false_positive": Verdict.NOT_AFFECTED,
    "not_affected": Verdict.NOT_AFFECTED,
}
_VERSIONS: Final = {"affected": Verdict.AFFECTED, "unaffected": Verdict.NOT_AFFECTED, "unknown": Verdict.UNCLEAR}


def read_cyclonedx(draft: Draft, root: Mapping[str, object], product: Part | None) -> str:
    """Put a document into a draft; ``product`` stands for its own where that says none. Returns its format."""
    version = root.get("specVersion")
    if not isinstance(version, str) or version not in VERSIONS:
        draft.wrong(
            "specVersion", f"is {str(version)[:20]!r}", f"one of {', '.join(VERSIONS)}: others are not read yet"
        )
    metadata = root.get("metadata", {})
    if not isinstance(metadata, dict):
        draft.wrong("metadata", "is no object", "an object")
        metadata = {}
    about = metadata.get("component")
    if product is not None:
        number = draft.add(product, "the product that was given")
        if isinstance(about, dict):
            _take(draft, about, "metadata.component", number)
    elif isinstance(about, dict):
        _take(draft, about, "metadata.component", None)
    else:
        draft.wrong("metadata.component", "there is none", "the product that the bill is about, or --product")
        draft.add(Part(name="?"), "metadata.component")
    for at, one in draft.listed(root, "components", ""):
        _take(draft, one, at, None)
    _count(draft, root, _ROOT | {"vulnerabilities"})
    for at, one in draft.listed(root, "services", ""):
        draft.aside(draft.text(one, "bom-ref", at), at)
    _dependencies(draft, root)
    for at, one in draft.listed(root, "vulnerabilities", ""):
        _vulnerability(draft, one, at)
    return f"CycloneDX {version}"


def _take(draft: Draft, raw: Mapping[str, object], at: str, holder: int | None) -> None:
    """Take a component and those nested in it, which it contains; of an excluded one, nothing."""
    waiting = [(at, raw, holder)]
    while waiting:
        at, raw, holder = waiting.pop()
        reference = draft.text(raw, "bom-ref", at)
        nested = draft.listed(raw, "components", at)
        if raw.get("scope") == "excluded":
            draft.aside(reference, at)
            draft.left["components that are not in the product (scope: excluded)"] += 1
            waiting += [(where, {**one, "scope": "excluded"}, None) for where, one in reversed(nested)]
            continue
        number = draft.add(_part(draft, raw, at), at, reference)
        if holder is not None:
            draft.contains[holder][number] = None
        _count(draft, raw, _PART)
        waiting += [(where, one, number) for where, one in reversed(nested)]


def _part(draft: Draft, raw: Mapping[str, object], at: str) -> Part:
    name, group = draft.text(raw, "name", at, instead="?"), draft.text(raw, "group", at)
    cpe = draft.text(raw, "cpe", at)
    if is_cpe(cpe) and not cpe.startswith("cpe:2.3:"):
        draft.left["CPE 2.2 names"] += 1
        cpe = ""
    return Part(
        name=f"{group}/{name}" if group and name else name,
        version=draft.text(raw, "version", at),
        kind=draft.text(raw, "type", at),
        supplier=_maker(draft, raw, at),
        purl=draft.text(raw, "purl", at),
        cpes=(cpe,) if cpe else (),
    )


def _maker(draft: Draft, raw: Mapping[str, object], at: str) -> str:
    for field in ("supplier", "manufacturer"):
        entity = raw.get(field)
        if isinstance(entity, dict):
            name = draft.text(entity, "name", f"{at}.{field}")
            if name:
                return name
        elif entity is not None:
            draft.wrong(f"{at}.{field}", "is no object", "an object with `name`")
    return draft.text(raw, "publisher", at)


def _count(draft: Draft, raw: Mapping[str, object], taken: frozenset[str]) -> None:
    for field in raw.keys() - taken:
        value = raw[field]
        draft.left[field[:40]] += len(value) if isinstance(value, list) else 1


def _dependencies(draft: Draft, root: Mapping[str, object]) -> None:
    for at, one in draft.listed(root, "dependencies", ""):
        number = draft.number_of(one.get("ref"), f"{at}.ref")
        others = one.get("dependsOn", [])
        if not isinstance(others, list):
            draft.wrong(f"{at}.dependsOn", "is no list", "a list of references")
            continue
        if "provides" in one:
            draft.left["what components provide (dependencies[].provides)"] += 1
        for place, reference in enumerate(others):
            other = draft.number_of(reference, f"{at}.dependsOn[{place}]")
            if number is not None and other is not None and other not in draft.contains[number]:
                draft.depends_on[number][other] = None


def _vulnerability(draft: Draft, raw: Mapping[str, object], at: str) -> None:
    ids = [draft.text(raw, "id", at)] + [
        draft.text(one, "id", where) for where, one in draft.listed(raw, "references", at)
    ]
    ids = [one for one in ids if one]
    if not ids:
        draft.wrong(at, "it has no id", "`id`, as CVE-2024-3094")
        return
    analysis = raw.get("analysis")
    state = analysis.get("state") if isinstance(analysis, dict) else None
    if state is not None and (not isinstance(state, str) or state not in _STATES):
        draft.wrong(f"{at}.analysis.state", f"is {str(state)[:40]!r}", f"one of {', '.join(_STATES)}")
        return
    said: dict[Verdict, list[int]] = {}
    for where, one in draft.listed(raw, "affects", at):
        reference = one.get("ref")
        if isinstance(reference, str) and reference.startswith("urn:cdx:") and reference not in draft.numbers:
            draft.left["statements on other documents (BOM-Link)"] += 1
            continue
        number = draft.number_of(reference, f"{where}.ref")
        if number is None:
            continue
        # what the analysis says is about all of them; versions say which of them it is about
        verdict = Verdict.AFFECTED if state is None else _STATES[state]
        if not verdict.is_clear:
            verdict = _by_version(draft, one, where, draft.parts[number], verdict)
        said.setdefault(verdict, []).append(number)
    for verdict, parts in said.items():
        draft.state(ids, verdict, parts)


def _by_version(draft: Draft, raw: Mapping[str, object], at: str, part: Part, verdict: Verdict) -> Verdict:
    """Return what a list of versions and ranges says of the part's own.

    Unclear where nothing in it does: CycloneDX does not say what a version is that the list leaves out, and who lists
    the branches that are maintained says nothing of the others. Unclear too where what says that it is affected may be
    about it, and cannot be compared.
    """
    versions = draft.listed(raw, "versions", at)
    if not versions:
        return verdict
    said: set[str] = set()
    doubtful: set[str] = set()
    for where, one in versions:
        status = one.get("status", "affected")
        if not isinstance(status, str) or status not in _VERSIONS:
            draft.wrong(f"{where}.status", f"is {str(status)[:40]!r}", f"one of {', '.join(_VERSIONS)}")
            continue
        about = _is_about(draft, one, where, part)
        if about is None:
            doubtful.add(status)
            draft.left["versions and ranges that cannot be compared with the part's: unclear"] += 1
        elif about:
            said.add(status)
    if "affected" in said:
        return verdict
    return Verdict.NOT_AFFECTED if said == {"unaffected"} and doubtful <= said else Verdict.UNCLEAR


def _is_about(draft: Draft, raw: Mapping[str, object], at: str, part: Part) -> bool | None:
    """Return whether a version or range is that of a part, or has it in it; None where nobody can say."""
    if "range" not in raw:
        told = draft.text(raw, "version", at)
        kind, own = version_of(part)
        place = compared(kind, own, told) if own and told else None
        return None if place is None else place == 0
    told = draft.text(raw, "range", at)
    try:
        range_ = require_range(told)
    except Wrong:
        return None
    kind, own = version_of(part, range_.type)
    if not range_.constraints:
        return contains(range_, own)
    return contains(range_, own) if kind == range_.type and own else None
