"""Worlds in which everything that a verdict may rest on is drawn at once, and those who ask in them.

Agreements live (they are suspended, amended, left, prolonged by graces), some of their permits are emergency annexes
that are activated, over or never were, some keep what they let out inside; parties serve each other as clients, some
act in part of their capacities, some are suspended; and there are grants, standing and over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from hypothesis import strategies as st

from support.agreement_strategies import (
    CAPACITIES,
    DAYS,
    NAMES,
    START,
    Paper,
    Reader,
    World,
    labels,
    living_worlds,
    readers,
)
from tocsin.agreements.annexes.model import ActivatedBy, Activation
from tocsin.agreements.grants import DEFAULT_PURPOSES, Grant, granted_label
from tocsin.agreements.model import Label
from tocsin.kernel.clock import DAY
from tocsin.parties.model import PURPOSES

if TYPE_CHECKING:
    from support.agreement_strategies import Content

__all__ = ["Asked", "asked", "grants_in"]

ANNEX: Final = "flood"
_EMERGENCY: Final[Content] = {
    "emergency": ANNEX,
    "lasts": "P5D",
    "activated_by": {"motion": {"body": "council", "more_than": 0.5}},
}
_OTHERS: Final = {name: tuple(f"https://{other}.example" for other in NAMES if other != name) for name in NAMES}
_KEPT: Final = st.sampled_from([None, None, "own-organisation", "clients", "none"])
_DAY_OF: Final = st.integers(0, DAYS).map(lambda days: START + days * DAY)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A world, who asks in it, about which labels by id, and the grants that were given."""

    world: World
    askers: tuple[Reader, ...]
    labels: dict[int, Label]
    grants: tuple[Grant, ...]


@st.composite
def grants_in(draw: st.DrawFn, world: World) -> Grant:
    """Draw a grant that was given before the world's instant; it may be over or revoked."""
    owner, party = draw(st.permutations(NAMES))[:2]
    given_at = world.at - draw(st.integers(0, 10)) * DAY
    until = given_at + draw(st.integers(1, 20)) * DAY
    return Grant(
        uuid=draw(st.uuids(version=4).map(str)),
        owner=f"https://{owner}.example",
        party=f"https://{party}.example",
        object_id="indicator--x",
        version=None,
        purposes=draw(st.just(DEFAULT_PURPOSES) | st.sets(st.sampled_from(PURPOSES), min_size=1).map(frozenset)),
        given_at=given_at,
        until=until,
        revoked_at=draw(st.none() | st.just(world.at)),
    )


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    """Draw a world with all of this in it, and questions that meet there."""
    world = draw(living_worlds())
    served = {
        name: msgspec.structs.replace(
            world.parties[name], clients=frozenset(draw(st.sets(st.sampled_from(_OTHERS[name]), max_size=2)))
        )
        for name in NAMES
    }
    if draw(st.booleans()):
        # two that nothing but their names tells apart
        one, two = served["alfa"], served["bravo"]
        served["bravo"] = msgspec.structs.replace(one, uri=two.uri, name=two.name, clients=one.clients - {two.uri})
    papers = tuple(_with_annex(draw, paper, world.at) for paper in world.papers)
    world = msgspec.structs.replace(world, parties=served, papers=papers)
    grants = tuple(draw(grants_in(world)) for _ in range(draw(st.integers(0, 3))))
    made = [
        one
        for label in draw(st.lists(labels(), min_size=1, max_size=3))
        for one in (*alike(label), *(_granted(label, grant) for grant in grants))
    ]
    askers = [_serving(draw, world, draw(readers())) for _ in range(draw(st.integers(1, 4)))]
    # one of them again, in another capacity or for somebody else
    again = msgspec.structs.replace(draw(st.sampled_from(askers)), capacity=draw(st.sampled_from([None, *CAPACITIES])))
    askers += [again, _serving(draw, world, again)]
    return Asked(world=world, askers=tuple(askers), labels=dict(enumerate(made)), grants=grants)


def alike(label: Label) -> list[Label]:
    """Return labels that differ from this one in what classes look at: whose it is, and to whom it is addressed."""
    uris = [f"https://{name}.example" for name in NAMES]
    # the last cannot be written as Cedar writes what it names
    odd = frozenset({"https://\u00e6rlig.example"})
    addressed = [frozenset(), frozenset(uris[:1]), frozenset({f"anna@{uris[1]}"}), frozenset(uris[2:]), odd]
    return [
        msgspec.structs.replace(label, owner=owner, recipients=recipients)
        for owner in (*uris, "https://nobody.example")
        for recipients in addressed
    ]


def _granted(label: Label, grant: Grant) -> Label:
    return granted_label(msgspec.structs.replace(label, owner=grant.owner), grant)


def _serving(draw: st.DrawFn, world: World, reader: Reader) -> Reader:
    clients = sorted(name for name in NAMES if world.uri(name) in world.parties[reader.party].clients)
    if not clients:
        return reader
    return msgspec.structs.replace(reader, client=draw(st.none() | st.sampled_from(clients)))


def _with_annex(draw: st.DrawFn, paper: Paper, at: int) -> Paper:
    clauses = []
    for clause in paper.content["clauses"]:
        kept = draw(_KEPT) if "permit" in clause else None
        in_emergency = "permit" in clause and draw(st.booleans())
        clauses.append(clause | ({"onward": kept} if kept else {}) | (_EMERGENCY if in_emergency else {}))
    content = paper.content | {"clauses": clauses}
    if not any("emergency" in clause for clause in clauses):
        return msgspec.structs.replace(paper, content=content)
    # now, or at some time; over by itself, or ended
    starts = draw(st.just(at) | _DAY_OF)
    activation = Activation(
        annex=ANNEX,
        version=content["version"],
        by=ActivatedBy.MOTION,
        number=1,
        starts=starts,
        ends=starts + 5 * DAY,
        ended=draw(st.none() | st.just(starts + DAY)),
    )
    annexes = draw(st.sampled_from([(), (activation,), (activation,)]))
    return msgspec.structs.replace(paper, content=content, annexes=annexes)
