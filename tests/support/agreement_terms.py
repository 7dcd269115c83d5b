"""Random terms of agreements, as documents write them: content with the values that it must be read as."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hypothesis import strategies as st

from tocsin.agreements.document import (
    Accede,
    Accession,
    Afterwards,
    AmendBy,
    AnnexTerms,
    Approver,
    Attribution,
    Destruction,
    DutyTerms,
    Held,
    Instrument,
    Majority,
    MotionTerms,
    NewReleases,
    OnLapse,
    Onward,
    Prevails,
    ProtectTerms,
    PublishTerms,
    ReaderTerms,
    RetainTerms,
    Survives,
    Then,
    Withdrawal,
)
from tocsin.agreements.model import Tlp
from tocsin.kernel.clock import DAY, SECOND

if TYPE_CHECKING:
    import enum

__all__ = ["CLAUSE_TERMS", "DOCUMENT_TERMS", "Written", "durations", "majorities"]

Content = Any

HOUR: Final = 3_600 * SECOND


class Written(NamedTuple):
    """What stands in a document, and the value that it is."""

    content: Content
    value: Any


_WORDS: Final = st.sampled_from(["alfa", "regulatory-use", "public-records", "antitrust", "crisis-council"])
_TYPES: Final = ("indicator", "incident", "report", "x-own")


def durations(*, least: int = 0, most: int = 400 * DAY) -> st.SearchStrategy[Written]:
    """Return durations within bounds, each in one of the forms that ISO 8601 has for it."""
    weeks = st.integers(1, 60).map(lambda n: Written(f"P{n}W", n * 7 * DAY))
    mixed = st.tuples(*(st.integers(0, 9) for _ in range(6))).filter(any).map(_mixed)
    hours = st.integers(1, 12).map(lambda n: Written(f"PT{n}H", n * HOUR))
    return st.one_of(weeks, mixed, hours, hours).filter(lambda one: least <= one.value <= most)


def _mixed(counts: tuple[int, ...]) -> Written:
    units = (365 * DAY, 30 * DAY, DAY, HOUR, 60 * SECOND, SECOND)
    date = "".join(f"{n}{letter}" for n, letter in zip(counts[:3], "YMD", strict=True) if n)
    time = "".join(f"{n}{letter}" for n, letter in zip(counts[3:], "HMS", strict=True) if n)
    lasts = sum(n * unit for n, unit in zip(counts, units, strict=True))
    return Written(f"P{date}" + (f"T{time}" if time else ""), lasts)


_SHARES: Final = st.integers(0, 100).map(lambda n: Written(n / 100, Fraction(n, 100)))


def majorities() -> st.SearchStrategy[Written]:
    """Return majorities: of all, or of kinds counted apart."""
    kinds = st.dictionaries(st.sampled_from(["public", "private", "academia"]), _SHARES, min_size=1)
    apart = kinds.map(
        lambda said: Written(
            {kind: share.content for kind, share in said.items()},
            Majority(by_kind=tuple((kind, said[kind].value) for kind in sorted(said))),
        )
    )
    return st.one_of(_SHARES.map(lambda share: Written(share.content, Majority(overall=share.value))), apart)


def _enum(words: type[enum.StrEnum]) -> st.SearchStrategy[Written]:
    return st.sampled_from(list(words)).map(lambda word: Written(str(word), word))


_TYPE_LISTS: Final = st.lists(st.sampled_from(_TYPES), min_size=1, max_size=3, unique=True)


@st.composite
def _publish(draw: st.DrawFn) -> Written:
    plan, tlp, attribution, approve = draw(_WORDS), draw(_enum(Tlp)), draw(_enum(Attribution)), draw(_enum(Approver))
    content = {"sanitised": plan, "tlp": tlp[0], "attribution": attribution[0], "approve": approve[0]}
    delay = draw(st.none() | durations())
    value = PublishTerms(
        sanitised=plan,
        tlp=tlp.value,
        attribution=attribution.value,
        approve=approve.value,
        delay=delay.value if delay else 0,
    )
    return Written({"publish": content | ({"delay": delay.content} if delay else {})}, value)


@st.composite
def _retain(draw: st.DrawFn) -> Written:
    lasts, then = draw(durations(least=SECOND)), draw(_enum(Then))
    value = RetainTerms(lasts=lasts.value, then=then.value)
    return Written({"retain": {"for": lasts.content, "then": then.content}}, value)


@st.composite
def _protect(draw: st.DrawFn) -> Written:
    uses = draw(st.lists(_WORDS, min_size=1, unique=True))
    survives = draw(st.none() | _enum(Survives))
    value = ProtectTerms(uses=tuple(uses), survives=survives.value if survives else None)
    said: Content = uses if len(uses) > 1 or draw(st.booleans()) else uses[0]
    return Written({"protect": {"from": said} | ({"survives": survives.content} if survives else {})}, value)


@st.composite
def _duty(draw: st.DrawFn) -> Written:
    lasts = draw(durations(least=SECOND, most=12 * HOUR))
    within = draw(durations(least=SECOND, most=lasts.value))
    officers = {kind: draw(st.integers(1, 3)) for kind in ("public", "private")}
    officers |= draw(st.dictionaries(st.just("academia"), st.integers(1, 100)))
    value = DutyTerms(officers=tuple(sorted(officers.items())), lasts=lasts.value, ratify_within=within.value)
    return Written({"duty_officers": officers, "lasts": lasts.content, "ratify_within": within.content}, value)


@st.composite
def _afterwards(draw: st.DrawFn) -> Written:
    content: dict[str, Any] = {}
    releases = draw(st.none() | _enum(NewReleases))
    types = draw(_TYPE_LISTS)
    cut = draw(st.integers(0, len(types)))
    keep, destroyed = types[:cut], types[cut:]
    within = draw(durations())
    if releases:
        content["new_releases"] = releases.content
    if keep:
        content["keep"] = keep
    if destroyed:
        content["destroy"] = {"types": destroyed, "within": within.content}
    value = Afterwards(
        new_releases=releases.value if releases else NewReleases.STOP,
        keep=tuple(keep),
        destroy=Destruction(types=tuple(destroyed), within=within.value) if destroyed else None,
    )
    return Written(content, value)


@st.composite
def _annex(draw: st.DrawFn) -> Written:
    lasts, body, majority = draw(durations(least=SECOND)), draw(_WORDS), draw(majorities())
    quorum, duty, afterwards = draw(st.none() | _SHARES), draw(st.none() | _duty()), draw(st.none() | _afterwards())
    motion = {"body": body, "more_than": majority.content} | ({"quorum": quorum.content} if quorum else {})
    content = {
        "emergency": "flood",
        "permit": "read",
        "to": {"parties": "all"},
        "lasts": lasts.content,
        "activated_by": {"motion": motion} | ({"or": duty.content} if duty else {}),
    }
    if afterwards:
        content["afterwards"] = afterwards.content
    value = AnnexTerms(
        lasts=lasts.value,
        motion=MotionTerms(body=body, quorum=quorum.value if quorum else None, more_than=majority.value),
        duty=duty.value if duty else None,
        afterwards=afterwards.value if afterwards else Afterwards(),
    )
    return Written(content, value)


def _onward() -> st.SearchStrategy[Written]:
    plain = {"permit": "read", "to": {"parties": "all"}}
    return _enum(Onward).map(lambda word: Written({**plain, "onward": word.content}, word.value))


def _total() -> st.SearchStrategy[Written]:
    plain = {"total": "map", "to": {"parties": "all"}}
    return st.integers(3, 200).map(lambda owners: Written({**plain, "at_least": owners}, owners))


# by the attribute of the clause that holds the value
CLAUSE_TERMS: Final[dict[str, st.SearchStrategy[Written]]] = {
    "publish": _publish(),
    "retain": _retain(),
    "protect": _protect(),
    "annex": _annex(),
    "onward": _onward(),
    "at_least": _total(),
}


@st.composite
def _instrument(draw: st.DrawFn) -> Written:
    hash_, prevails = draw(st.sampled_from(["…", "ab" * 32])), draw(st.none() | _enum(Prevails))
    value = Instrument(
        title="Paper",
        sha256=hash_ if len(hash_) > 1 else None,
        prevails=prevails.value if prevails else Prevails.INSTRUMENT,
    )
    content = {"title": "Paper", "sha256": hash_} | ({"prevails": prevails.content} if prevails else {})
    return Written(content, value)


@st.composite
def _accession(draw: st.DrawFn) -> Written:
    by = draw(_enum(Accede))
    value = Accession(who=ReaderTerms(capacity=("operator",)), by=by.value)
    return Written({"who": {"capacity": "operator"}, "by": by.content}, value)


@st.composite
def _amend_by(draw: st.DrawFn) -> Written:
    majority, period = draw(majorities()), draw(st.none() | durations())
    content = {"more_than": majority.content} | ({"objection_period": period.content} if period else {})
    return Written(content, AmendBy(more_than=majority.value, objection_period=period.value if period else 0))


@st.composite
def _withdrawal(draw: st.DrawFn) -> Written:
    notice, survives = draw(durations()), draw(st.booleans())
    content = {"notice": notice.content} | ({"survives": "1"} if survives else {})
    return Written(content, Withdrawal(notice=notice.value, survives=("1",) if survives else ()))


# by the key of the document, which is the attribute that holds the value
DOCUMENT_TERMS: Final[dict[str, st.SearchStrategy[Written]]] = {
    "instrument": _instrument(),
    "accession": _accession(),
    "amend_by": _amend_by(),
    "withdrawal": _withdrawal(),
    "on_lapse": _enum(Held).map(lambda held: Written({"held": held.content}, OnLapse(held=held.value))),
}
