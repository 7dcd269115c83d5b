"""Cedar's text: how we quote, what a policy is, and the schema that every policy is checked against."""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING, Final

import cedarpy
import msgspec

from tocsin.agreements.model import Effect
from tocsin.errors import BrokenError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ACTION_READ",
    "Policy",
    "Uid",
    "any_of",
    "entity",
    "policy_text",
    "quoted",
    "schema",
    "schema_text",
    "uid",
    "validate",
]

NAMESPACE: Final = "Tocsin"
# Everything else is written as an escape: no quote, no line end, no character that changes how a line is shown.
_PLAIN: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !#$%&()*+,-./:;<=>?@[]^_`{|}~'"
)
_SURROGATES = range(0xD800, 0xE000)


class Uid(msgspec.Struct, frozen=True):
    """The name of an entity, in the form that cedarpy takes as JSON."""

    type: str
    id: str


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One Cedar policy, and the clause that it says. ``agreement`` and ``version`` are None for the hub's own rules."""

    id: str
    effect: Effect
    clause: str
    text: str
    agreement: str | None = None
    version: int | None = None
    legal_basis: tuple[str, ...] = ()


def quoted(text: str) -> str:
    """Return any text as a Cedar string literal that means exactly that text.

    Raises:
        InputError: it holds half of a surrogate pair, which no Cedar string can.
    """
    parts = []
    for character in text:
        if character in _PLAIN:
            parts.append(character)
        elif ord(character) in _SURROGATES:
            raise InputError("a text holds half of a surrogate pair", todo="write whole characters")
        else:
            parts.append(f"\\u{{{ord(character):x}}}")
    return '"' + "".join(parts) + '"'


def entity(kind: str, name: str) -> str:
    """Return a reference to an entity, as policy text."""
    return f"{NAMESPACE}::{kind}::{quoted(name)}"


def uid(kind: str, name: str) -> Uid:
    """Return a reference to an entity, as JSON takes it."""
    return Uid(f"{NAMESPACE}::{kind}", name)


ACTION_READ: Final = uid("Action", "read")


def any_of(literals: Iterable[str], subject: str) -> str:
    """Return the condition that ``subject`` is one of some literals; nothing is one of none."""
    listed = ", ".join(literals)
    return f"[{listed}].contains({subject})" if listed else "false"


def policy_text(policy: Policy, *, when: Iterable[str], unless: Iterable[str] = ()) -> str:
    """Return the text of a policy: its annotations, then one line for each condition.

    All of ``when`` must hold. Only if all of ``unless`` hold does the policy spare a reader, so they are one condition.
    """
    annotations = {"id": policy.id}
    if policy.agreement is not None:
        annotations |= {"agreement": policy.agreement, "version": str(policy.version)}
    annotations |= {"clause": policy.clause}
    if policy.legal_basis:
        annotations |= {"legal_basis": ",".join(policy.legal_basis)}
    lines = [f"@{key}({quoted(value)})" for key, value in annotations.items()]
    verb = "permit" if policy.effect is Effect.ALLOW else "forbid"
    lines.append(f"{verb} (principal, action == {entity('Action', 'read')}, resource)")
    lines += [f"when {{ {condition} }}" for condition in when]
    spared = tuple(unless)
    if spared:
        joined = spared[0] if len(spared) == 1 else " && ".join(f"({condition})" for condition in spared)
        lines.append(f"unless {{ {joined} }}")
    return "\n".join(lines) + ";\n"


def schema_text() -> str:
    """Return the Cedar schema, in Cedar's own syntax."""
    return resources.files("tocsin.agreements").joinpath("tocsin.cedarschema").read_text(encoding="utf-8")


@functools.cache
def schema() -> cedarpy.Schema:
    """Return the parsed schema: it never changes while we run."""
    return cedarpy.Schema.from_str(schema_text())


def validate(policies: Iterable[Policy]) -> None:
    """Check policies against the schema, strictly.

    Raises:
        BrokenError: one does not conform. Every policy is written by us, so that is a fault of ours.
    """
    found = cedarpy.validate_policies("\n".join(policy.text for policy in policies), schema())
    if not found.validation_passed:
        raise BrokenError(
            f"a policy that we wrote does not conform to our schema: {'; '.join(str(error) for error in found.errors)}"
        )
