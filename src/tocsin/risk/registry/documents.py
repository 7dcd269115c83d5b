"""Scenarios and members' figures as people write them: YAML 1.2, read as agreements are, every fault with its place."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeVar

from tocsin.agreements.document.checks import Checker
from tocsin.agreements.document.tree import Scalar, Table, read_tree
from tocsin.errors import InputError
from tocsin.governance.wire import from_data
from tocsin.map.rollup.model import MAX_FIGURE
from tocsin.risk.registry.figures import MAX_LINES, Figures
from tocsin.risk.registry.model import EvidenceKind, Scenario, TreatmentStatus
from tocsin.risk.registry.scale import Dimension, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.agreements.document.tree import Entry, Node

__all__ = ["read_figures", "read_scenario"]

_T = TypeVar("_T")
_POINTS: Final = 3
_MAX_REFERENCE: Final = 300


def read_scenario(text: bytes, *, where: str) -> Scenario:
    """Read the document of a scenario.

    Raises:
        AgreementError: it breaks rules; all faults that one reading finds, each with its place.
        InputError: each line is right, and together they make no scenario: a level contradicts the rate, and so on.
        LimitError: it is larger, deeper or more than we take.
    """
    tree = read_tree(text, where=where, document="scenario")
    check = Checker(where=where, document="scenario")
    top = check.table(
        tree,
        "a scenario",
        required=("scenario", "title", "kind", "owner", "review"),
        optional=("level", "rate", "impacts", "losses", "evidence", "treatments"),
    )
    made: dict[str, object] = {}
    for key, field, read in (
        ("scenario", "id", check.name),
        ("title", "title", check.text),
        ("owner", "owner", check.text),
        ("review", "review", check.day),
        ("rate", "rate", lambda node, what: _estimate(check, node, what)),
        ("level", "level", lambda node, what: check.integer(node, what, low=1, high=5)),
        ("kind", "kind", lambda node, what: check.one_of(node, what, map(str, Kind))),
        ("impacts", "impacts", lambda node, what: _impacts(check, node, what)),
    ):
        if key in top:
            made[field] = read(top[key].value, f"'{key}' of a scenario")
    for key, each in (("losses", _loss), ("evidence", _evidence), ("treatments", _treatment)):
        if key in top:
            made[key] = [each(check, node) for node in check.items(top[key].value, f"the {key}")]
    check.done()
    return _converted(made, Scenario, where)


def read_figures(text: bytes, *, where: str) -> Figures:
    """Read a member's figures of one sector; errors as ``read_scenario``."""
    tree = read_tree(text, where=where, document="sheet of figures")
    check = Checker(where=where, document="sheet of figures")
    top = check.table(tree, "figures", required=("sector", "figures"))
    sector = check.name(top["sector"].value, "the sector") if "sector" in top else ""
    lines = _each(check, top["figures"].value, "the figures") if "figures" in top else {}
    figures: list[dict[str, object]] = []
    for scenario, entry in list(lines.items())[: MAX_LINES + 1]:
        parts = check.table(entry.value, "a figure", optional=("money", "people_hours"))
        figures.append(
            {"scenario": scenario}
            | {key: check.integer(part.value, f"'{key}'", low=0, high=MAX_FIGURE) for key, part in parts.items()}
        )
    check.done()
    return _converted({"sector": sector, "figures": figures}, Figures, where)


def _converted(made: Mapping[str, object], kind: type[_T], where: str) -> _T:
    try:
        return from_data(made, kind)
    except InputError as error:
        place = f"{where}: {error.where}" if error.where else where
        raise InputError(error.what, where=place, todo=error.todo) from error


def _each(check: Checker, node: Node, what: str) -> Mapping[str, Entry]:
    """Return the entries of a mapping whose keys are the writer's own."""
    if isinstance(node, Table) and node.entries:
        return node.entries
    check.wrong(node, f"{what}: a mapping with at least one entry")
    return {}


def _number(check: Checker, node: Node, what: str) -> str:
    """Return a number as it is written."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(node, Scalar) and isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return node.text  # exactly as it stands there
    check.wrong(node, f"{what}: a number, 0 or more")
    return "0"


def _estimate(check: Checker, node: Node, what: str) -> dict[str, str]:
    """Return an estimate: one number that is known, or least, likeliest and most."""
    if isinstance(node, Scalar):
        known = _number(check, node, what)
        return {"low": known, "mode": known, "high": known}
    points = [_number(check, one, what) for one in check.items(node, what)]
    if len(points) != _POINTS:
        check.wrong(node, f"{what}: a number, or [least, likeliest, most]")
        return {"low": "0", "mode": "0", "high": "0"}
    if [*map(Fraction, points)] != sorted(map(Fraction, points)):
        check.wrong(node, f"{what}: least, likeliest and most, in this order")
        points = ["0"] * _POINTS
    return dict(zip(("low", "mode", "high"), points, strict=True))


def _impacts(check: Checker, node: Node, what: str) -> dict[str, int]:
    parts = check.table(node, what, optional=tuple(map(str, Dimension)))
    return {key: check.integer(entry.value, f"the impact on {key}", low=1, high=5) for key, entry in parts.items()}


def _loss(check: Checker, node: Node) -> dict[str, object]:
    parts = check.table(node, "a loss", required=("sector",), optional=("money", "people_hours"))
    made: dict[str, object] = {}
    for key, entry in parts.items():
        if key == "sector":
            made[key] = check.name(entry.value, "a sector")
        else:
            made[key] = _estimate(check, entry.value, f"'{key}' of a loss")
    return made


def _evidence(check: Checker, node: Node) -> dict[str, object]:
    parts = check.table(node, "a piece of evidence", required=("kind", "reference"), optional=("sha256",))
    read: Mapping[str, Callable[[Node], object]] = {
        "kind": lambda one: check.one_of(one, "its kind", map(str, EvidenceKind)),
        "reference": lambda one: check.text(one, "its reference", limit=_MAX_REFERENCE),
        "sha256": lambda one: check.text(one, "its SHA-256"),
    }
    return {key: read[key](entry.value) for key, entry in parts.items()}


def _treatment(check: Checker, node: Node) -> dict[str, object]:
    parts = check.table(
        node,
        "a treatment",
        required=("id", "title", "owner", "due"),
        optional=("status", "leaves_rate", "leaves_loss"),
    )
    read: Mapping[str, Callable[[Node], object]] = {
        "id": lambda one: check.name(one, "its id"),
        "title": lambda one: check.text(one, "its title"),
        "owner": lambda one: check.text(one, "who answers for it"),
        "due": lambda one: check.day(one, "the day on which it is due"),
        "status": lambda one: check.one_of(one, "its status", map(str, TreatmentStatus)),
        "leaves_rate": lambda one: _number(check, one, "the share of the rate that it leaves"),
        "leaves_loss": lambda one: _number(check, one, "the share of the loss that it leaves"),
    }
    return {key: read[key](entry.value) for key, entry in parts.items()}
