"""An agreement as sentences that a lawyer reads: everything that it says, and nothing else. Pure.

Conditions are in the words in which ``tocsin why`` tells them, made beside the policies that decide: no sentence says
other than is enforced. Two documents that mean different things read differently.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from tocsin.agreements.carried import ONWARD_SAYS
from tocsin.agreements.compile import compile_clause, label_conditions, listed, purposes_of, reader_conditions
from tocsin.agreements.document import (
    Accede,
    Approver,
    Attribution,
    Held,
    NewReleases,
    Onward,
    Prevails,
    Survives,
    Then,
    Verb,
    names_of,
)
from tocsin.agreements.model import Tlp
from tocsin.agreements.terms import SILENT_TLP
from tocsin.kernel.clock import DAY, SECOND, format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from tocsin.agreements.document import (
        AgreementDocument,
        AnnexTerms,
        BasisEntry,
        Clause,
        LabelTerms,
        Majority,
        PartyEntry,
        TlpTerm,
    )
    from tocsin.kernel.clock import Micros

__all__ = ["READING", "Afterwards", "Passage", "afterwards", "clause_passage", "prose", "span_text"]

READING: Final = (
    (
        "A member is a party that may be one at that instant, is vetted, has not left, and whose own signatory signed "
        "this version, or whom an amendment carried that it did not object to."
    ),
    (
        "Nobody reads what no permit lets them read; one permit is enough. A forbid outweighs every permit, of this "
        "agreement and of any other, and binds whoever signed this version, as a reader and as an owner."
    ),
    "What a reader or an object lacks meets no condition. Of several values in one condition one is enough.",
    (
        "Whatever a clause says, TLP:RED is read only by users whom the owner addressed in person, and what is "
        "addressed to somebody by nobody else but its owner."
    ),
)
"""What holds of every agreement, and is not repeated with each clause."""

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNITS: Final = ((DAY, "day"), (3_600 * SECOND, "hour"), (60 * SECOND, "minute"), (SECOND, "second"))
_SHARED: Final = "an object that a member contributed"
_BOUND: Final = "a party that this agreement binds"


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """What a document says in one place.

    ``where`` are conditions of which all must hold, ``spares`` those that spare a reader from a forbid if all hold,
    ``more`` further sentences.
    """

    about: str  # what it is about: "clause 3.1", "term"; several speak of "parties by criteria"
    says: str
    where: tuple[str, ...] = ()
    spares: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return it as sentences."""
        sentences = [self.says + _provided(", where", self.where)]
        if self.spares:
            sentences.append("This spares a reader" + _provided(" where", self.spares))
        return ". ".join(sentences) + "." + "".join(f" {one}" for one in self.more)


def prose(document: AgreementDocument) -> tuple[Passage, ...]:
    """Return all that a document says, in the order in which people read it: the whole, its parties, its clauses."""
    return (
        Passage(
            about="title", says=f"This is version {document.version} of {document.name}, {_quoted(document.title)}"
        ),
        _term(document),
        _instrument(document),
        *map(_party, document.parties),
        *_accession(document),
        *(
            _basis(f"legal basis {basis.name}, {entry.key}", basis.name, entry, by_kind=basis.by_kind)
            for basis in document.legal_bases
            for entry in basis.entries
        ),
        Passage(
            about="purposes", says=f"The parties authorise reading in order to {listed(document.purposes, last='or')}"
        ),
        *(clause_passage(document, clause) for clause in document.clauses),
        *_changes(document),
    )


# --- the whole -------------------------------------------------------------------------------------------------------


def _term(document: AgreementDocument) -> Passage:
    return Passage(about="term", says=f"It is in force {_from_until(document.starts, document.ends)}")


def _instrument(document: AgreementDocument) -> Passage:
    paper = document.instrument
    if paper is None:
        return Passage(about="instrument", says="It names no paper of which it is the machine-enforced form")
    tied = (
        f"whose file has the SHA-256 {paper.sha256}" if paper.sha256 is not None else "whose file it does not identify"
    )
    first = "the paper" if paper.prevails is Prevails.INSTRUMENT else "this document"
    return Passage(
        about="instrument",
        says=f"It is the machine-enforced form of the paper {_quoted(paper.title)}, {tied}; where they differ, {first} "
        "prevails",
    )


def _party(entry: PartyEntry) -> Passage:
    if entry.criteria is None:
        part = f", as {entry.part}" if entry.part is not None else ""
        return Passage(about=f"party {entry.name}", says=f"{entry.name} may be a member{part}")
    return Passage(
        about="parties by criteria",
        says="Any vetted party may be a member",
        where=tuple(one.says for one in reader_conditions(entry.criteria, {}, who="the party")),
    )


def _accession(document: AgreementDocument) -> Iterator[Passage]:
    terms = document.accession
    if terms is None:
        yield Passage(
            about="accession", says="Once it is in force, whoever may be a member may still join by signing it"
        )
        return
    how = {
        Accede.SIGNATURE: "Its own signature is enough.",
        Accede.MOTION: "It is admitted under a mandate first, and then signs.",
    }
    yield Passage(
        about="accession",
        says="Once it is in force, a party that may be a member may still join",
        where=tuple(one.says for one in reader_conditions(terms.who, {}, who="the party")),
        more=(how[terms.by],),
    )


def _basis(about: str, name: str, entry: BasisEntry, *, by_kind: bool) -> Passage:
    whom = f"parties of the kind {entry.key}" if by_kind else f"parties in {entry.key}"
    return Passage(
        about=about,
        says=f"The legal basis {name} holds for {whom} {_from_until(entry.valid_from, entry.valid_until)}: "
        f"{_quoted(entry.cite)}",
    )


def _changes(document: AgreementDocument) -> Iterator[Passage]:
    amend, leave, lapse = document.amend_by, document.withdrawal, document.on_lapse
    if amend is None:
        yield Passage(
            about="amendment", says="No majority amends it: whoever does not sign a new version is not bound by that"
        )
    else:
        period = (
            f", and {_passed(amend.objection_period)} since it was proposed or all have signed"
            if amend.objection_period
            else ""
        )
        yield Passage(
            about="amendment",
            says=f"The members may amend it: when {_majority(amend.more_than, 'the members')} signed the new version "
            f"and fewer object to it than signed{period}, it can be adopted, and then binds every member that did not "
            "object",
        )
    if leave is None:
        yield Passage(about="withdrawal", says="No party leaves it on its own")
    else:
        yield Passage(
            about="withdrawal",
            says=f"A party may leave it with notice of {span_text(leave.notice)}; what binds it afterwards is "
            f"{afterwards(document).says}",
        )
    if lapse is not None:
        held = {
            Held.KEEP_PROTECTED: "what was received under it is kept, and stays protected",
            Held.PURGE: "what a party received by clauses that rest on it, and by nothing else, is called back and "
            "destroyed",
        }
        yield Passage(about="lapse", says=f"When a legal basis lapses, {held[lapse.held]}")


class Afterwards(msgspec.Struct, frozen=True, kw_only=True):
    """What binds a party that has left: ids of clauses, and whether a lapse still calls back what it received."""

    survives: tuple[str, ...]
    shared: tuple[str, ...]  # besides: for what it shared until then
    received: tuple[str, ...]  # besides: for what it received until then
    lapse: bool

    @property
    def says(self) -> str:
        """Return it in words, to follow "what binds it afterwards is"."""
        bound = f"{_clauses_named(self.survives)} and nothing else" if self.survives else "nothing of it"
        besides = [f"{_clauses_named(self.shared)} for what it shared until then"] if self.shared else []
        if self.received:
            besides.append(f"{_clauses_named(self.received)} for what it received until then")
        if self.lapse:
            besides.append("what is said of the lapse of a legal basis, for what it received")
        return bound + (f", but {', and '.join(besides)}" if besides else "")


def afterwards(document: AgreementDocument) -> Afterwards:
    """Return what binds who left: what survives, and besides what it promised to destroy, and not to use."""
    survives = document.withdrawal.survives if document.withdrawal is not None else ()
    others = [one for one in document.clauses if one.id not in survives]
    return Afterwards(
        survives=survives,
        shared=tuple(one.id for one in others if one.verb is Verb.RETAIN),
        received=tuple(one.id for one in others if one.protect is not None and one.protect.survives is not None),
        lapse=document.on_lapse is not None and document.on_lapse.held is Held.PURGE,
    )


def _clauses_named(ids: tuple[str, ...]) -> str:
    return listed([f"clause {one}" for one in ids], last="and")


# --- clauses ---------------------------------------------------------------------------------------------------------


def clause_passage(document: AgreementDocument, clause: Clause) -> Passage:
    """Return what one clause of a document says."""
    about = f"clause {clause.id}"
    if clause.verb is Verb.PERMIT:
        passage = _permit(document, clause, "A member may read " + _SHARED)
    elif clause.verb is Verb.REVEAL:
        passage = _permit(
            document, clause, f"A member may know that there is {_SHARED} and it may not read, and whose it is"
        )
    elif clause.verb is Verb.TOTAL:
        passage = _total(document, clause)
    elif clause.verb is Verb.FORBID:
        passage = _forbid(document, clause)
    elif clause.verb is Verb.PUBLISH:
        passage = _publish(document, clause)
    elif clause.verb is Verb.RETAIN:
        passage = _retain(document, clause)
    else:
        passage = _protect(document, clause)
    return msgspec.structs.replace(passage, about=about)


def _permit(document: AgreementDocument, clause: Clause, says: str) -> Passage:
    """Say a permit, or what is written as one: its conditions are those of its policy."""
    names = {name: name for name in names_of(document)}
    compiled = compile_clause(document, msgspec.structs.replace(clause, verb=Verb.PERMIT), names)
    apart = {"reader.member", "owner.member", "reader.annex", "purpose", "reader.basis", "owner.basis"}
    where = tuple(one.says for one in compiled.when if one.about not in apart)
    purposes = purposes_of(document, clause)
    aim = f", in order to {listed(purposes, last='or')}" if purposes else ", for no purpose, so that it opens nothing"
    if clause.emergency is not None:
        says = f"While the annex {clause.emergency} is active, {says[0].lower()}{says[1:]}"
    return Passage(
        about="",
        says=says + aim,
        where=where + _bases(clause, "the reader and for its owner"),
        more=(
            *(() if clause.onward in (None, Onward.AS_MARKED) else (_onward(clause.onward),)),
            *(() if clause.annex is None else _annex(clause.annex)),
        ),
    )


def _total(document: AgreementDocument, clause: Clause) -> Passage:
    passage = _permit(
        document,
        clause,
        f"A member may be told totals of the map, of the whole and by sector, that count {_SHARED} and it may not read",
    )
    return msgspec.structs.replace(
        passage,
        more=(
            (
                f"A figure is told only where at least {clause.at_least} members contributed to it what the member "
                "may not read, and none of them more than 75 % of it."
            ),
            (
                "It is not told where it, beside all that the member was told before, would let the member work out "
                "what any one of them contributed."
            ),
        ),
    )


def _onward(onward: Onward) -> str:
    said = ONWARD_SAYS[onward]
    return f"{said[0].upper()}{said[1:]}."


def _forbid(document: AgreementDocument, clause: Clause) -> Passage:
    names = {name: name for name in names_of(document)}
    compiled = compile_clause(document, clause, names)
    where = tuple(one.says for one in compiled.when if one.about != "bound")
    return Passage(
        about="",
        says="Nobody may read an object" if where else "Nobody may read anything",
        where=where,
        spares=tuple(one.says for one in compiled.unless),
    )


def _publish(document: AgreementDocument, clause: Clause) -> Passage:
    terms = clause.publish
    if terms is None:  # a publish clause has its terms
        raise TypeError(clause.id)
    attribution = {
        Attribution.WITHHELD: "It does not say who produced it.",
        Attribution.PSEUDONYMOUS: "It gives its producer a made-up identity, the same on all that this member "
        "publishes under this agreement.",
        Attribution.NAMED: "It says who produced it.",
    }
    approve = {
        Approver.OWNER: "The owner approves each one first.",
        Approver.COORDINATOR: "The party that runs the hub approves each one first, under a mandate.",
        Approver.NOBODY: "Nobody has to approve it: to sign this clause is to consent, and the owner may veto each.",
    }
    delay = (
        f"It leaves {span_text(terms.delay)} later at the earliest, and may be vetoed until then."
        if terms.delay
        else "It may leave at once."
    )
    return Passage(
        about="",
        says=f"The hub publishes, under TLP:{terms.tlp.upper()}, a sanitised version of {_SHARED}, made by the plan "
        f"{terms.sanitised}",
        where=_of(document, msgspec.structs.replace(clause.of, tlp=_said_aloud(clause.of.tlp)), silent=True)
        + _bases(clause, "its owner and for the party that runs the hub"),
        more=(attribution[terms.attribution], approve[terms.approve], delay),
    )


def _retain(document: AgreementDocument, clause: Clause) -> Passage:
    terms = clause.retain
    if terms is None:  # a retain clause has its terms
        raise TypeError(clause.id)
    lasts = span_text(terms.lasts)
    then = {
        Then.PURGE: f"An object contributed by {_BOUND} is kept for {lasts} from when it was shared, and then purged",
        Then.REVIEW: f"{lasts} after an object was shared by {_BOUND}, its owner is asked whether it is still needed",
    }
    return Passage(about="", says=then[terms.then], where=_of(document, clause.of))


def _protect(document: AgreementDocument, clause: Clause) -> Passage:
    terms = clause.protect
    if terms is None:  # a protect clause has its terms
        raise TypeError(clause.id)
    more = []
    if terms.survives is not None:
        outlives = {
            Survives.WITHDRAWAL: "Who leaves stays held to it for what it received until then.",
            Survives.END: "Who leaves, and everybody when the agreement ends, stays held to it for what it received "
            "until then.",
        }
        more.append(outlives[terms.survives])
    if clause.rests_on:
        more.append(f"It cites {listed(clause.rests_on, last='and')}, whose lapse takes no protection away.")
    return Passage(
        about="",
        says=f"An object contributed by {_BOUND} must not be used by another that it binds for "
        f"{listed(terms.uses, last='or')}",
        where=_of(document, clause.of),
        more=tuple(more),
    )


def _of(document: AgreementDocument, terms: LabelTerms, *, silent: bool = False) -> tuple[str, ...]:
    """Return the conditions on an object; ``silent``: a clause without TLP covers the three widest only."""
    names = {name: name for name in names_of(document)}
    said = tuple(one.says for one in label_conditions(terms, names))
    return ((f"its TLP is {listed(SILENT_TLP, last='or')}",) if silent and terms.tlp is None else ()) + said


def _said_aloud(term: TlpTerm | None) -> TlpTerm | None:
    """Return what a publish clause covers of TLP: AMBER+STRICT only if that is written out."""
    if term is None or term.names_amber_strict:
        return term
    return msgspec.structs.replace(term, values=tuple(one for one in term.values if one is not Tlp.AMBER_STRICT))


def _bases(clause: Clause, whom: str) -> tuple[str, ...]:
    return tuple(f"the legal basis {basis} holds for {whom}" for basis in clause.rests_on)


def _annex(annex: AnnexTerms) -> Iterator[str]:
    motion = annex.motion
    quorum = "" if motion.quorum is None else f"at least {_share(motion.quorum)} of its seats vote and "
    yield (
        f"A motion of the body {motion.body} activates the annex for {span_text(annex.lasts)}, if, beyond what the "
        f"body's own rule asks, {quorum}{_majority(motion.more_than, 'the votes')} agree."
    )
    if annex.duty is not None:
        officers = listed((f"{count} of {kind} members" for kind, count in annex.duty.officers), last="and")
        yield (
            f"So do people on duty together, {officers}, for {span_text(annex.duty.lasts)} at most; unless it is "
            f"ratified within {span_text(annex.duty.ratify_within)}, it ends then."
        )
    after = annex.afterwards
    if after.new_releases is NewReleases.CONTINUE:
        yield "When the annex has ended, its releases are to go on: the hub stops them all the same."
    if after.destroy is not None:
        yield (
            f"Within {span_text(after.destroy.within)} of its end what nothing else let out is called back and "
            f"destroyed, where its type is {listed(after.destroy.types, last='or')}."
        )
    if after.keep:
        yield f"What nothing else let out is kept all the same, where its type is {listed(after.keep, last='or')}."


# --- words -----------------------------------------------------------------------------------------------------------


def _provided(word: str, conditions: tuple[str, ...]) -> str:
    if not conditions:
        return ""
    if len(conditions) == 1:
        return f"{word} {conditions[0]}"
    return f"{word} all of this holds: {'; '.join(conditions[:-1])}; and {conditions[-1]}"


def _quoted(text: str) -> str:
    """Write a text of the document so that none of it can be taken for ours."""
    return "“" + text.replace("“", "““").replace("”", "””") + "”"


def span_text(lasts: Micros) -> str:
    """Write a duration in words: days, hours, minutes, seconds."""
    parts = []
    for unit, word in _UNITS:
        count, lasts = divmod(lasts, unit)
        if count:
            parts.append(f"{count} {word}{'' if count == 1 else 's'}")
    return listed(parts, last="and") if parts else "no time"


def _passed(lasts: Micros) -> str:
    """Say that a duration is over: of one unit it has passed, of all others they have."""
    text = span_text(lasts)
    one = text.startswith("1 ") and text.count(" ") == 1
    return f"{text} {'has' if one else 'have'} passed"


def _from_until(first: Micros, after: Micros | None) -> str:
    ends = ", without end" if after is None else f" until the end of {_day(after - DAY)}"
    return f"from {_day(first)}{ends} (UTC)"


def _day(at: Micros) -> str:
    day = date.fromisoformat(format_instant(at)[:10])
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _share(share: Fraction) -> str:
    """Write a share of the document exactly: it has so many decimals as were written."""
    exact = Decimal(share.numerator) * 100 / Decimal(share.denominator)
    return f"{exact.normalize():f} %"


def _majority(majority: Majority, counted: str) -> str:
    """Say of whom there must be more than what share."""
    if majority.overall is not None:
        return f"more than {_share(majority.overall)} of {counted}"
    return listed(
        (f"more than {_share(share)} of {counted} that are {kind}" for kind, share in majority.by_kind), last="and"
    )
