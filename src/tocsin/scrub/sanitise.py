"""Makes of an object what a plan lets stand of it. Pure: ids, references and the slot are arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tocsin.errors import InputError
from tocsin.kernel.clock import Micros, format_instant, parse_instant
from tocsin.scrub.model import Plan, Rule, Treatment
from tocsin.scrub.names import Names, is_internal
from tocsin.scrub.plans import COMMON
from tocsin.scrub.vocabularies import HASHES, PHASES, VOCABULARIES

__all__ = ["NOT_PUBLISHED", "Draft", "sanitise", "slot_after", "slot_of"]

NOT_PUBLISHED: Final = "objects of this type are not published under this plan"

# STIX 2.1 appendix A, the scale of none, low, medium, high: one value for each
_CONFIDENCES: Final = ((0, 0), (29, 15), (69, 50), (100, 85))


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A sanitised object without its times: ``issued`` names the properties that take the instant of its slot."""

    body: dict[str, Any]
    issued: tuple[str, ...] = ()


def slot_of(at: Micros, length: Micros) -> Micros:
    """Return the slot that an instant lies in, by its beginning."""
    return at - at % length


def slot_after(at: Micros, length: Micros) -> Micros:
    """Return the first beginning of a slot that is not before an instant."""
    return -(-at // length) * length


def sanitise(
    source: Mapping[str, Any],
    plan: Plan,
    *,
    object_id: str,
    references: Mapping[str, str],
    slot: Micros,
    names: Names,
    pattern: Callable[[str, Plan], str],
) -> Draft:
    """Return what is left of an object under its new id; nothing is in it that no rule of the plan let stand.

    Args:
        source: the object, valid STIX.
        plan: which properties stay, and how.
        object_id: its new id.
        references: ids of objects by their old ids; a reference to anything else goes.
        slot: the length of a slot: times are rounded to it.
        names: of whom no text may speak.
        pattern: writes a pattern anew, or refuses it.

    Raises:
        InputError: its type is not published, or something that would stand tells what must not be told.
    """
    rules = plan.types.get(source["type"])
    if rules is None:
        raise InputError(NOT_PUBLISHED, where="type", todo="nothing: it stays with whoever may read the original")
    work = _Work(plan=plan, references=references, slot=slot, names=names, pattern=pattern)
    # as instants, and to the slot: a second less exact, or an instant later, it would tell the hour of writing as well
    written = {slot_of(parse_instant(source[name]), slot) for name in ("created", "modified") if name in source}
    body: dict[str, Any] = {"id": object_id}
    issued: list[str] = []
    for name, rule in (COMMON | dict(rules)).items():
        if name not in source:
            continue
        if rule.treatment is Treatment.ISSUED and slot_of(parse_instant(source[name]), slot) in written:
            issued.append(name)
            continue
        told = _TREATMENTS[rule.treatment](work, name, source[name], rule)
        if told is not None:
            body[name] = told
    return Draft(body=dict(sorted(body.items())), issued=tuple(issued))


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """What the treatments of one object have in common."""

    plan: Plan
    references: Mapping[str, str]
    slot: Micros
    names: Names
    pattern: Callable[[str, Plan], str]


# --- treatments: each returns what stands in place of a value, None where nothing does -------------------------------


def _keep(_work: _Work, _name: str, value: Any, _rule: Rule) -> Any:  # noqa: ANN401  any JSON value of a valid object
    return value


def _adversary(work: _Work, name: str, value: Any, _rule: Rule) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return _untelling(value, name, work.names)
    # of several names for a thing the one that tells is left out, as any other value of a list that may not stand
    return [one for one in value if _tells(one, work.names) is None] or None


def _generic(_work: _Work, _name: str, _value: str, rule: Rule) -> str:
    return rule.word


def _earlier(work: _Work, _name: str, value: str, _rule: Rule) -> str:
    return format_instant(slot_of(parse_instant(value), work.slot))


def _later(work: _Work, name: str, value: str, _rule: Rule) -> str:
    try:
        return format_instant(slot_after(parse_instant(value), work.slot))
    except OverflowError as error:
        raise InputError("rounded up to a slot this is beyond the year 9999", where=name) from error


def _words(_work: _Work, _name: str, value: Any, rule: Rule) -> Any:  # noqa: ANN401
    vocabulary = VOCABULARIES[rule.word]
    if isinstance(value, str):
        return value if value in vocabulary else rule.otherwise or None
    return [word for word in value if word in vocabulary] or None


def _phases(_work: _Work, _name: str, value: list[dict[str, Any]], _rule: Rule) -> list[dict[str, Any]] | None:
    return [
        {key: phase[key] for key in ("kill_chain_name", "phase_name")}
        for phase in value
        if phase["phase_name"] in PHASES.get(phase["kill_chain_name"], ())
    ] or None


def _hashes(_work: _Work, _name: str, value: dict[str, str], _rule: Rule) -> dict[str, str] | None:
    # hexadecimal digits in one case: which one a producer uses tells of its tools; the fuzzy hashes have both
    return {
        key: text.lower() if key.startswith(("MD", "SHA")) else text
        for key, text in sorted(value.items())
        if key in HASHES
    } or None


def _confidence(_work: _Work, _name: str, value: int, _rule: Rule) -> int:
    return next(middle for upto, middle in _CONFIDENCES if value <= upto)


def _reference(work: _Work, _name: str, value: Any, _rule: Rule) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return work.references.get(value)
    return [work.references[one] for one in value if one in work.references] or None


def _pattern(work: _Work, name: str, value: str, _rule: Rule) -> Any:  # noqa: ANN401
    return _untelling(work.pattern(value, work.plan), name, work.names)


_TREATMENTS: Final[Mapping[Treatment, Callable[[_Work, str, Any, Rule], Any]]] = {
    Treatment.KEEP: _keep,
    Treatment.ADVERSARY: _adversary,
    Treatment.GENERIC: _generic,
    Treatment.EARLIER: _earlier,
    Treatment.ISSUED: _earlier,
    Treatment.LATER: _later,
    Treatment.WORDS: _words,
    Treatment.PHASES: _phases,
    Treatment.HASHES: _hashes,
    Treatment.CONFIDENCE: _confidence,
    Treatment.REFERENCE: _reference,
    Treatment.PATTERN: _pattern,
}


def _tells(text: str, names: Names) -> str | None:
    """Return what a text tells of somebody: a party, a login, an address of an internal network; None: nothing."""
    if names.stand_in(text):
        return "names a party of this hub"
    if "@" in text:
        return "holds an address of a person, or a login"
    if is_internal(text):
        return "holds an address of an internal network"
    return None


def _untelling(text: str, name: str, names: Names) -> str:
    """Return a text that tells of nobody.

    Raises:
        InputError: it tells of somebody. Without it there would be no object, or another pattern than was meant.
    """
    what = _tells(text, names)
    if what is not None:
        raise InputError(f"its {name} {what}", where=name, todo="share a version that says it without that")
    return text
