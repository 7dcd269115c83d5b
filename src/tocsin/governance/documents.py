"""Bodies and charters as documents that people write: YAML 1.2, read as agreements are, every fault with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.agreements.document.checks import Checker
from tocsin.agreements.document.parse import MAX_VERSION
from tocsin.agreements.document.tree import Scalar, Table, read_tree
from tocsin.errors import InputError
from tocsin.governance.model.bodies import (
    MAX_WEIGHT,
    Abstentions,
    Body,
    BodyKind,
    Closing,
    Side,
    Ties,
)
from tocsin.governance.model.charter import MAX_WINDOW, Charter, Measure
from tocsin.governance.wire import from_data
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Right

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.agreements.document.tree import Entry, Node

__all__ = ["read_body", "read_charter"]


def read_body(text: bytes, *, where: str) -> Body:
    """Read the document of a body.

    Raises:
        AgreementError: it breaks rules; all faults that one reading finds, each with its place.
        InputError: each line is right, and together they make no body: nobody sits twice, ties need a chair, and so on.
        LimitError: it is larger, deeper or more than we take.
    """
    tree = read_tree(text, where=where, document="body")
    check = Checker(where=where, document="body")
    top = check.table(
        tree, "a body", required=("body", "kind", "title", "decides", "seats"), optional=("rights", "chair", "until")
    )
    name = check.name(top["body"].value, "the name of a body") if "body" in top else ""
    kind = (
        check.one_of(top["kind"].value, "the kind of a body", [str(one) for one in BodyKind]) if "kind" in top else ""
    )
    title = check.text(top["title"].value, "the title of a body") if "title" in top else ""
    chair = check.name(top["chair"].value, "the chair's seat") if "chair" in top else None
    ends = check.open_day(top["until"].value, "the body's last day") if "until" in top else None
    rights: tuple[str, ...] = ()
    if "rights" in top:
        known = [str(right) for right in Right]
        rights = check.list_of(top["rights"].value, "a right", lambda node, what: check.one_of(node, what, known))
    rule = _read_rule(check, top["decides"].value) if "decides" in top else None
    seats = [_read_seat(check, node) for node in check.items(top["seats"].value, "the seats")] if "seats" in top else []
    check.done()
    body = {
        "name": name,
        "kind": kind,
        "title": title,
        "seats": seats,
        "rule": rule,
        "rights": sorted(rights),
        "chair": chair,
        "ends": ends,
    }
    try:
        return from_data(body, Body)
    except InputError as error:
        place = f"{where}: {error.where}" if error.where else where
        raise InputError(error.what, where=place, todo=error.todo) from error


def _read_rule(check: Checker, node: Node) -> dict[str, object]:
    parts = check.table(
        node, "how a body decides", required=("quorum", "more_than"), optional=("abstentions", "ties", "closes")
    )
    rule: dict[str, object] = {}
    if "quorum" in parts:
        rule["quorum"] = str(check.share(parts["quorum"].value, "a quorum"))
    if "more_than" in parts:
        rule |= _read_majority(check, parts["more_than"].value)
    for key, kind in (("abstentions", Abstentions), ("ties", Ties), ("closes", Closing)):
        if key in parts:
            rule[key] = check.one_of(parts[key].value, f"'{key}'", list(map(str, kind)))
    return rule


def _read_majority(check: Checker, node: Node) -> dict[str, object]:
    if isinstance(node, Scalar):
        return {"more_than": str(check.share(node, "a majority"))}
    sides = [str(side) for side in Side]
    parts = check.table(node, "a majority of each side", required=sides)
    return {side: str(check.share(parts[side].value, f"a majority of {side} seats")) for side in sides if side in parts}


def _read_seat(check: Checker, node: Node) -> dict[str, object]:
    parts: Mapping[str, Entry] = check.table(
        node,
        "a seat",
        required=("seat", "side", "holder"),
        optional=("deputies", "weight", "from", "until"),
    )
    seat: dict[str, object] = {}
    if not isinstance(node, Table):
        return seat
    if "seat" in parts:
        seat["name"] = check.name(parts["seat"].value, "the name of a seat")
    if "side" in parts:
        seat["side"] = check.one_of(parts["side"].value, "the side of a seat", list(map(str, Side)))
    if "holder" in parts:
        seat["holder"] = check.text(parts["holder"].value, "who holds a seat")
    if "deputies" in parts:
        seat["deputies"] = list(check.list_of(parts["deputies"].value, "a deputy", check.text))
    if "weight" in parts:
        seat["weight"] = check.integer(parts["weight"].value, "the weight of a seat", low=1, high=MAX_WEIGHT)
    if "from" in parts:
        seat["starts"] = check.day(parts["from"].value, "the first day of a term")
    if "until" in parts:
        seat["ends"] = check.open_day(parts["until"].value, "the day after a term")
    return seat


def read_charter(text: bytes, *, where: str) -> Charter:
    """Read the document of a charter.

    Raises:
        AgreementError: it breaks rules; all faults that one reading finds, each with its place.
        InputError: each line is right, and together they make no charter.
        LimitError: it is larger, deeper or more than we take.
    """
    tree = read_tree(text, where=where, document="charter")
    check = Checker(where=where, document="charter")
    top = check.table(tree, "a charter", required=("charter", "version", "title", "goals"))
    name = check.name(top["charter"].value, "the name of a charter") if "charter" in top else ""
    version = 1
    if "version" in top:
        version = check.integer(top["version"].value, "the version of a charter", low=1, high=MAX_VERSION)
    title = check.text(top["title"].value, "the title of a charter") if "title" in top else ""
    goals = [_read_goal(check, node) for node in check.items(top["goals"].value, "the goals")] if "goals" in top else []
    check.done()
    charter = {"name": name, "version": version, "title": title, "goals": goals, "document": text.decode()}
    try:
        return from_data(charter, Charter)
    except InputError as error:
        place = f"{where}: {error.where}" if error.where else where
        raise InputError(error.what, where=place, todo=error.todo) from error


def _read_goal(check: Checker, node: Node) -> dict[str, object]:
    parts = check.table(node, "a goal", required=("id", "goal", "measure", "owner", "over", "every", "target"))
    goal: dict[str, object] = {}
    if "id" in parts:
        goal["id"] = check.name(parts["id"].value, "the id of a goal")
    for key, what in (("goal", "what is wanted"), ("owner", "who answers for a goal")):
        if key in parts:
            goal[key] = check.text(parts[key].value, what)
    if "measure" in parts:
        goal["measure"] = check.one_of(parts["measure"].value, "a measure", list(map(str, Measure)))
    for key, what in (("over", "the time that is measured"), ("every", "how often it is looked at")):
        if key in parts:
            goal[key] = check.duration(parts[key].value, what, least=DAY, most=MAX_WINDOW)
    if "target" in parts:
        goal |= _read_target(check, parts["target"].value)
    return goal


def _read_target(check: Checker, node: Node) -> dict[str, object]:
    target = check.table(node, "a target", optional=("at_most", "at_least"))
    if len(target) != 1:
        check.wrong(node, "one of 'at_most' and 'at_least'")
    found: dict[str, object] = {}
    for key, entry in target.items():
        if isinstance(entry.value, Scalar) and isinstance(entry.value.value, int | float):
            found[key] = entry.value.text
        else:
            check.wrong(entry.value, f"'{key}' of a target: a number")
    return found
