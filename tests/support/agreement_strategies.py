"""Random partnerships: parties, users, agreements and labels from vocabularies so small that conditions often meet.

Agreements are drawn as JSON content and read by the project's own parser, so that every world is one that people could
have written. ``World`` keeps the content: ``support.agreement_evaluator`` decides from it without Cedar.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from hypothesis import strategies as st

from tocsin.agreements.annexes.model import Activation
from tocsin.agreements.compile import compile_agreement
from tocsin.agreements.document import AgreementDocument, parse_agreement
from tocsin.agreements.facts import Activated, Facts, Grace
from tocsin.agreements.gate import profile_of
from tocsin.agreements.life import AgreementStatus
from tocsin.agreements.model import Label, Pap, Profile, Tlp
from tocsin.kernel.clock import DAY, Micros, format_instant, parse_date
from tocsin.parties.model import CLEARANCES, PURPOSES, Kind, Party, PartyStatus, Role, User, UserStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tocsin.agreements.cedar import Policy

__all__ = [
    "CAPACITIES",
    "DAYS",
    "NAMES",
    "START",
    "Paper",
    "Reader",
    "World",
    "contents",
    "day",
    "forbids",
    "labels",
    "labels_of",
    "living_worlds",
    "papers",
    "parties",
    "permits",
    "readers",
    "worlds",
]

Content = dict[str, Any]

START: Final[Micros] = parse_date("2026-01-01")
DAYS: Final = 40  # everything happens within so many days of START
NAMES: Final = ("alfa", "bravo", "coast", "delta")

CAPACITIES: Final = ("operator", "csirt", "supervisor")
SECTORS: Final = ("energy", "drinking-water", "transport")
COUNTRIES: Final = ("NO", "SE", "DK")
COMMUNITIES: Final = ("nordic", "grid")
REGIONS: Final = ("eea", "us")
CATEGORIES: Final = ("export-controlled", "personal-data", "victim")
TYPES: Final = ("indicator", "incident", "report")
BASES: Final = ("nis2-29", "by-contract")
SAID_PURPOSES: Final = ("detect", "respond", "enforce")


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """An agreement as its content, the short names of those who signed it, and what became of it since.

    ``status`` may be superseded too: then ``left`` has those whom no later version binds. ``graces`` are basis, short
    names and end of each, ``annexes`` every activation of one.
    """

    content: Content
    signed: frozenset[str]
    status: AgreementStatus = AgreementStatus.IN_FORCE
    amends: int | None = None
    carried: frozenset[str] = frozenset()
    left: Mapping[str, Micros] = msgspec.field(default_factory=dict)
    graces: tuple[tuple[str, frozenset[str], Micros], ...] = ()
    annexes: tuple[Activation, ...] = ()

    @property
    def joined(self) -> frozenset[str]:
        """Return who signed it or was carried into it."""
        return self.signed | self.carried


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Who reads: a user of a party, or its service; the capacity that the credential chose and for whom, if it did."""

    party: str  # short name
    user: User | None
    purpose: str
    capacity: str | None = None
    client: str | None = None  # short name


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Parties by short name, activated agreements, and an instant."""

    at: Micros
    parties: Mapping[str, Party]
    papers: tuple[Paper, ...]
    members: Mapping[str, Party] | None = None  # the parties as agreements see them, where a reader acts in part

    def uri(self, name: str) -> str:
        """Return a party's URI."""
        return self.parties[name].uri

    def facts(self) -> Facts:
        """Return the world as the gate takes it."""
        return Facts(
            at=self.at,
            parties={party.uri: party for party in self.parties.values()},
            agreements=tuple(
                self.activated(paper) for paper in self.papers if paper.status is not AgreementStatus.SUPERSEDED
            ),
            former=tuple(self.activated(paper) for paper in self.papers if paper.status is AgreementStatus.SUPERSEDED),
        )

    def activated(self, paper: Paper) -> Activated:
        """Return a paper as the gate takes it."""
        names = {name: party.uri for name, party in self.parties.items()}
        amendment = paper.amends is not None
        document, policies = _compiled(json.dumps(paper.content), tuple(sorted(names.items())), amendment=amendment)
        return Activated(
            document=document,
            names=names,
            signed=frozenset(names[name] for name in paper.signed),
            policies=policies,
            status=paper.status,
            amends=paper.amends,
            carried=frozenset(names[name] for name in paper.carried),
            left={names[name]: ends for name, ends in paper.left.items()},
            graces=tuple(
                Grace(basis=basis, parties=frozenset(names[name] for name in whom), until=until, number=number)
                for number, (basis, whom, until) in enumerate(paper.graces, 1)
            ),
            annexes=paper.annexes,
        )

    def profile(self, reader: Reader) -> Profile:
        """Return a reader's profile at the world's instant."""
        client = None if reader.client is None else self.parties[reader.client]
        return profile_of(
            self.parties[reader.party],
            reader.user,
            reader.purpose,
            self.at,
            client=client,
            capacity=reader.capacity,
        )

    def with_content(self, index: int, content: Content) -> World:
        """Return the world with another text of one agreement."""
        papers_ = list(self.papers)
        papers_[index] = msgspec.structs.replace(papers_[index], content=content)
        return msgspec.structs.replace(self, papers=tuple(papers_))

    def copy_of(self, index: int) -> Content:
        """Return an agreement's content, to be changed."""
        return copy.deepcopy(self.papers[index].content)


@functools.lru_cache(maxsize=64)
def _compiled(
    text: str, names: tuple[tuple[str, str], ...], *, amendment: bool
) -> tuple[AgreementDocument, tuple[Policy, ...]]:
    document = parse_agreement(text.encode(), where="drawn").document
    return document, compile_agreement(document, dict(names), amendment=amendment)


def day(number: int) -> str:
    """Return the day so many days after ``START``, as documents write it."""
    return format_instant(START + number * DAY)[:10]


# Strategies are made once, here: making them anew in every draw takes longer than all that is tested.


def _sets(words: Sequence[str], *, most: int = 2) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(list(words)), max_size=most)


def _lists(words: Sequence[str]) -> st.SearchStrategy[Any]:
    """Return a value, or a list of values, as documents may write either."""
    many = st.lists(st.sampled_from(list(words)), min_size=1, max_size=len(words), unique=True)
    return st.one_of(st.sampled_from(list(words)), many)


_SELDOM: Final = st.sampled_from([False, False, True])
_EXPIRY: Final = st.none() | st.integers(1, DAYS).map(lambda days: START + days * DAY)
_CLEARED: Final = st.sampled_from(CLEARANCES[:3])
_PARTIES: Final = {
    name: st.builds(
        Party,
        uri=st.just(f"https://{name}.example"),
        name=st.just(name),
        title=st.just(name.title()),
        kind=st.sampled_from([Kind.PUBLIC, Kind.PRIVATE]),
        country=st.sampled_from(COUNTRIES),
        capacities=_sets(CAPACITIES),
        sectors=_sets(SECTORS),
        communities=_sets(COMMUNITIES),
        clients=st.just(frozenset()),
        data_region=st.none() | st.sampled_from(REGIONS),
        clearance=_CLEARED,
        clearance_until=_EXPIRY,
        status=st.sampled_from([PartyStatus.VETTED] * 7 + [PartyStatus.SUSPENDED]),
    )
    for name in NAMES
}
_USERS: Final = {
    name: st.builds(
        User,
        name=st.sampled_from(["anna", "bo"]),
        party=st.just(f"https://{name}.example"),
        roles=st.frozensets(st.sampled_from([Role.ANALYST, Role.LIAISON, Role.VIEWER]), min_size=1),
        clearance=_CLEARED,
        clearance_until=_EXPIRY,
        nationality=st.none() | st.sampled_from(COUNTRIES),
        purpose=st.just("detect"),
        status=st.just(UserStatus.ACTIVE),
        signing_key=st.none(),
    )
    for name in NAMES
}
_READERS: Final = {
    name: st.builds(
        Reader,
        party=st.just(name),
        user=st.none() | _USERS[name],
        purpose=st.sampled_from([*SAID_PURPOSES, *PURPOSES[:2]]),
        capacity=st.sampled_from([None, None, None, *CAPACITIES]),
    )
    for name in NAMES
}
_READER_OF: Final = st.sampled_from(NAMES).flatmap(_READERS.__getitem__)


def parties(name: str) -> st.SearchStrategy[Party]:
    """Return a party of one of the names; most are vetted."""
    return _PARTIES[name]


def readers() -> st.SearchStrategy[Reader]:
    """Return somebody who reads in a world."""
    return _READER_OF


def labels() -> st.SearchStrategy[Label]:
    """Return labels of contributions in a world."""
    return labels_of(tuple(f"https://{name}.example" for name in NAMES))


@functools.cache
def labels_of(uris: tuple[str, ...]) -> st.SearchStrategy[Label]:
    """Return labels of contributions that parties of these URIs made."""
    addresses = [*uris, *(f"{user}@{uri}" for uri in uris for user in ("anna", "bo"))]
    return st.builds(
        Label,
        owner=st.sampled_from(list(reversed(uris))),
        type=st.sampled_from(TYPES),
        tlp=st.sampled_from([*Tlp, Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT]),
        pap=st.none() | st.sampled_from(Pap),
        categories=st.just(frozenset()) | st.just(frozenset()) | _sets(CATEGORIES),
        sectors=_sets(SECTORS),
        countries=_sets(COUNTRIES),
        residency=st.none() | st.sampled_from(REGIONS),
        recipients=_SELDOM.flatmap(
            {True: st.frozensets(st.sampled_from(addresses), max_size=3), False: st.just(frozenset())}.__getitem__
        ),
        classification=st.sampled_from([None] * 9 + ["restricted", "secret"]),
        unknown_marking=st.sampled_from([False] * 9 + [True]),
        sealed=st.booleans(),
    )


def _some(keys: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Content]:
    """Return mappings with one or two of the keys."""
    one = _one_of(keys)
    return st.one_of(one, st.tuples(one, one).map(lambda two: two[0] | two[1]))


def _one_of(keys: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Content]:
    return st.sampled_from(sorted(keys)).flatmap(
        {key: st.fixed_dictionaries({key: value}) for key, value in keys.items()}.__getitem__
    )


def _optional(keys: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Content]:
    """Return mappings with at most two of the keys."""
    return st.one_of(st.builds(dict), _some(keys))


def _levels(levels: type[Tlp | Pap]) -> st.SearchStrategy[Any]:
    values = [str(level) for level in levels]
    ordered = st.tuples(st.integers(0, len(values) - 1), st.integers(0, len(values) - 1)).map(sorted)
    return st.one_of(
        _lists(values),
        st.sampled_from(values).map(lambda value: {"at_most": value}),
        st.sampled_from(values).map(lambda value: {"at_least": value}),
        ordered.map(lambda pair: {"at_least": values[pair[0]], "at_most": values[pair[1]]}),
    )


_CRITERIA: Final = {
    "capacity": _lists(CAPACITIES),
    "sectors": _lists(SECTORS),
    "countries": _lists(COUNTRIES),
    "clearance": st.sampled_from(CLEARANCES[:3]),
    "kind": _lists(["public", "private"]),
    "communities": _lists(COMMUNITIES),
    "data_region": _lists(REGIONS),
}
_READER: Final = _CRITERIA | {
    "role": _lists(["analyst", "liaison"]),
    "nationality": _lists(COUNTRIES),
    "persons": _lists([f"{user}@{name}" for user in ("anna", "bo") for name in NAMES[:2]]),
    "parties": st.just("all") | st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
    "addressed": st.just(value=True),
}
_FORBIDDEN: Final = {key: value for key, value in _READER.items() if key != "clearance"}
_SPARED: Final = _READER | {
    "parties": st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
    "purpose": _lists(SAID_PURPOSES),
}
_LABEL: Final = {
    "tlp": _levels(Tlp),
    "pap": _levels(Pap),
    "type": _lists(TYPES),
    "category": _lists(CATEGORIES[:2]),
    "without": _lists(CATEGORIES[2:]),
    "sectors": _lists(SECTORS),
    "countries": _lists(COUNTRIES),
    "residency": _lists(REGIONS),
    "owner": st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
}


_TO: Final[st.SearchStrategy[Content]] = st.one_of(st.builds(dict), st.builds(dict), _one_of(_READER))
_ALL_OF_TLP: Final = st.builds(lambda: {"tlp": {"at_most": "red"}})
_OF: Final[st.SearchStrategy[Content]] = st.one_of(_ALL_OF_TLP, _ALL_OF_TLP, _optional(_LABEL))
_FOR: Final = _lists([*SAID_PURPOSES])
_RESTS_ON: Final = _lists(BASES)


@st.composite
def _permits(draw: st.DrawFn) -> Content:
    clause: Content = {"permit": "read", "to": draw(_TO) or {"parties": "all"}}
    of = draw(_OF)
    if of:
        clause["of"] = of
    if draw(_SELDOM):
        clause["for"] = draw(_FOR)
    if draw(_SELDOM):
        clause["rests_on"] = draw(_RESTS_ON)
    return clause


_FORBID_PARTS: Final = (("to", _optional(_FORBIDDEN)), ("of", _optional(_LABEL)), ("unless", _optional(_SPARED)))


@st.composite
def _forbids(draw: st.DrawFn) -> Content:
    clause: Content = {"forbid": "read"}
    for key, strategy in _FORBID_PARTS:
        terms = draw(strategy)
        if terms:
            clause[key] = terms
    # one that forbids everything to everybody would leave nothing to look at
    return clause if clause.keys() & {"to", "of"} else clause | {"of": {"category": list(CATEGORIES)}}


_PERMITS: Final = _permits()
_FORBIDS: Final = _forbids()
_CLAUSES: Final = st.lists(st.one_of(*[_PERMITS] * 6, _FORBIDS), min_size=1, max_size=4)
_KINDS: Final = ("public", "private")
_BASIS_KEYS: Final[st.SearchStrategy[list[str]]] = st.one_of(
    st.builds(lambda: list(COUNTRIES)),
    *(st.lists(st.sampled_from(keys), min_size=1, unique=True) for keys in (COUNTRIES, _KINDS)),
)
_SOME_BASES: Final = st.lists(st.sampled_from(BASES), max_size=2, unique=True)
_SOME_NAMES: Final = st.lists(st.sampled_from(NAMES), max_size=3, unique=True)
_SOME_PURPOSES: Final = st.one_of(
    st.builds(lambda: list(SAID_PURPOSES)), st.lists(st.sampled_from(SAID_PURPOSES[:2]), min_size=1, unique=True)
)
_SOME_CRITERIA: Final[st.SearchStrategy[list[Content]]] = st.one_of(
    st.builds(lambda: [{"all": {"countries": list(COUNTRIES)}}]),
    st.lists(_some(_CRITERIA).map(lambda terms: {"all": terms}), max_size=2),
)
_TERMS: Final[st.SearchStrategy[list[str | None]]] = st.tuples(
    st.sampled_from([-5, -1, 0, 3, 8]), st.sampled_from([None, None, None, 9, 20, 30])
).map(lambda days: [day(days[0]), None if days[1] is None else day(days[1])])
_VERSIONS: Final = st.integers(1, 9)
_SIGNED: Final = st.one_of(
    st.just(frozenset(NAMES)),
    st.sampled_from(NAMES).map(lambda name: frozenset(NAMES) - {name}),
    st.frozensets(st.sampled_from(NAMES), min_size=1),
)


def permits() -> st.SearchStrategy[Content]:
    """Return permits without ids; most are for everybody and for much of TLP."""
    return _PERMITS


def forbids() -> st.SearchStrategy[Content]:
    """Return forbids without ids."""
    return _FORBIDS


@st.composite
def contents(draw: st.DrawFn, name: str = "treaty") -> Content:
    """Return the content of an agreement."""
    bases: Content = {
        basis: {key: {"cite": f"Act on {key}", "valid": draw(_TERMS)} for key in draw(_BASIS_KEYS)}
        for basis in draw(_SOME_BASES)
    }
    purposes = draw(_SOME_PURPOSES)
    start, end = draw(_TERMS)
    content: Content = {
        "agreement": name,
        "version": draw(_VERSIONS),
        "title": "Drawn",
        "in_force": {"from": start, "until": end},
        "parties": [*({"name": each} for each in draw(_SOME_NAMES)), *draw(_SOME_CRITERIA)] or [{"name": NAMES[0]}],
        "purposes": purposes,
        "clauses": [
            {"id": f"{index + 1}"} | _within(clause, bases=bases, purposes=[*purposes, "enforce"])
            for index, clause in enumerate(draw(_CLAUSES))
        ],
    }
    return content | ({"legal_bases": bases} if bases else {})


def _within(clause: Content, *, bases: Content, purposes: list[str]) -> Content:
    """Return a clause that mentions nothing which its agreement does not have."""
    kept = dict(clause)
    for key, known in (("rests_on", list(bases)), ("for", purposes)):
        if key in kept:
            said = [kept[key]] if isinstance(kept[key], str) else kept[key]
            left = [word for word in said if word in known]
            kept = {name: value for name, value in kept.items() if name != key} | ({key: left} if left else {})
    return kept


@st.composite
def papers(draw: st.DrawFn, name: str = "treaty") -> Paper:
    """Return an agreement that most signed."""
    return Paper(content=draw(contents(name)), signed=draw(_SIGNED))


_PAPERS: Final = tuple(papers(f"treaty-{index}") for index in range(4))
_INSTANTS: Final = st.builds(
    lambda days, more: START + days * DAY + more, st.integers(0, DAYS), st.sampled_from([0, 1, DAY - 1])
)


@st.composite
def worlds(draw: st.DrawFn, *, most: int = 2) -> World:
    """Return four parties, one to ``most`` (at most four) agreements among them, and an instant."""
    return World(
        at=draw(_INSTANTS),
        parties={name: draw(_PARTIES[name]) for name in NAMES},
        papers=tuple(draw(_PAPERS[index]) for index in range(draw(st.integers(1, most)))),
    )


_NOTICES: Final = st.integers(1, DAYS).map(lambda days: START + days * DAY)
_STATUSES: Final = st.sampled_from(
    [
        *[AgreementStatus.IN_FORCE] * 6,
        AgreementStatus.SUSPENDED,
        AgreementStatus.TERMINATED,
        AgreementStatus.SUPERSEDED,
    ]
)


@st.composite
def _lived(draw: st.DrawFn, paper: Paper) -> Paper:
    """Return an agreement to which something happened."""
    content = copy.deepcopy(paper.content)
    ids = [clause["id"] for clause in content["clauses"]]
    survives = draw(st.lists(st.sampled_from(ids), max_size=2, unique=True))
    content["withdrawal"] = {"notice": "P30D"} | ({"survives": survives} if survives else {})
    others = sorted(set(NAMES) - paper.signed)
    amends = draw(st.none() | st.just(1))
    carried = frozenset(draw(st.lists(st.sampled_from(others), unique=True))) if amends and others else frozenset()
    joined = sorted(paper.signed | carried)
    left = draw(st.dictionaries(st.sampled_from(joined), _NOTICES, max_size=2)) if joined else {}
    bases = sorted(content.get("legal_bases", {}))
    graces = draw(
        st.lists(
            st.tuples(st.sampled_from(bases), st.frozensets(st.sampled_from(NAMES), min_size=1), _NOTICES), max_size=2
        )
        if bases
        else st.just([])
    )
    return Paper(
        content=content,
        signed=paper.signed,
        status=draw(_STATUSES),
        amends=amends,
        carried=carried,
        left=left,
        graces=tuple(graces),
    )


@st.composite
def living_worlds(draw: st.DrawFn) -> World:
    """Return a world whose agreements were suspended, ended, amended, left and prolonged."""
    world = draw(worlds())
    return msgspec.structs.replace(world, papers=tuple(draw(_lived(paper)) for paper in world.papers))
