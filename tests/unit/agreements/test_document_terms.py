"""Terms that are out of order: what is said of them."""

from __future__ import annotations

from typing import Final

import pytest

from support.agreement_texts import PLAIN
from tocsin.agreements.document import parse_agreement
from tocsin.errors import AgreementError

ANNEX: Final = """\
  - id: "9"
    emergency: flood
    permit: read
    to: {parties: all}
    lasts: PT72H
    activated_by:
      motion: {body: crisis-council, quorum: 0.6, more_than: {public: 0.5, private: 0.5}}
      or: {duty_officers: {public: 1, private: 1}, lasts: PT12H, ratify_within: PT6H}
    afterwards: {new_releases: stop, keep: [indicator], destroy: {types: [incident], within: P30D}}
"""
CLAUSES: Final = (
    ANNEX
    + """\
  - {id: "5", publish: {sanitised: plain, tlp: green, attribution: withheld, approve: owner}, of: {type: report}}
  - {id: "6", retain: {for: P90D, then: purge}, of: {type: sighting}}
  - {id: "7", protect: {from: antitrust, survives: end}}
"""
)
DOCUMENT: Final = """\
instrument: {title: Paper, sha256: "…"}
accession: {who: {capacity: operator}, by: signature}
amend_by: {more_than: 0.5, objection_period: P30D}
withdrawal: {notice: P30D, survives: "2"}
on_lapse: {held: purge}
"""
WHOLE: Final = PLAIN + CLAUSES + DOCUMENT

# what is replaced, by what; what was found; what was expected
FAULTS: Final = {
    "duty officers for more than half a day": ("lasts: PT12H", "lasts: PT13H", "'PT13H'", "at most PT12H"),
    "ratified after it ended": ("ratify_within: PT6H", "ratify_within: PT13H", "'PT13H'", "at most PT12H"),
    "duty officers of one side": ("{public: 1, private: 1}", "{public: 2}", "without 'private'", "'public' and"),
    "no duty officer": ("{public: 1, private: 1}", "{public: 0, private: 1}", "the number 0", "from 1 to 100"),
    "an annex that lasts no time": ("lasts: PT72H", "lasts: PT0S", "'PT0S'", "at least PT1S"),
    "retained for ever": ("for: P90D", "for: P101Y", "'P101Y'", "at most P36500D"),
    "a share above one": ("quorum: 0.6", "quorum: 60", "the number 60", "from 0 to 1"),
    "a majority of nobody": ("{public: 0.5, private: 0.5}", "{}", "an empty mapping", "one at least"),
    "a majority of a kind that is none": (
        "{public: 0.5, private: 0.5}",
        "{publik: 0.5}",
        "the unknown key 'publik'",
        "'public'",
    ),
    "kept and destroyed": ("types: [incident]", "types: [incident, indicator]", "a list", "other types than under"),
    "an attribution that is none": ("attribution: withheld", "attribution: secret", "'secret'", "'pseudonymous'"),
    "no attribution": (" attribution: withheld,", "", "without 'attribution'", "'sanitised', 'tlp'"),
    "nobody to activate it": ("    activated_by:\n", "    activated:\n", "without 'activated_by'", "'lasts'"),
    "no motion": ("      motion: {body", "      emotion: {body", "without 'motion'", "'motion'"),
    "no majority": (", more_than: {public: 0.5, private: 0.5}", "", "a motion without 'more_than'", "'body'"),
    "no time for what follows": (", within: P30D}}", "}}", "without 'within'", "'types' and 'within'"),
    "no end of what is retained": (", then: purge", "", "without 'then'", "'for' and 'then'"),
    "protected from nothing": ("{from: antitrust, ", "{", "without 'from'", "'from'"),
    "another way to accede": ("by: signature", "by: marriage", "'marriage'", "'signature' or 'motion'"),
    "accession of nobody": ("who: {capacity: operator}, ", "", "without 'who'", "'who' and 'by'"),
    "no majority to amend": ("more_than: 0.5, ", "", "amend_by without 'more_than'", "'more_than'"),
    "no notice": ("notice: P30D, ", "", "without 'notice'", "'notice'"),
    "a survivor that is no clause": ('survives: "2"', 'survives: "8"', "clause '8'", "clauses of this agreement"),
    "nothing of what is held": ("{held: purge}", "{}", "on_lapse without 'held'", "'held'"),
    "another on_lapse": ("held: purge", "held: burn", "'burn'", "'keep-protected' or 'purge'"),
    "a hash that is none": ('sha256: "…"', "sha256: abc", "'abc'", "64 hexadecimal digits"),
}


def test_the_whole_is_in_order() -> None:
    assert len(parse_agreement(WHOLE.encode(), where="a.yaml").document.clauses) == 6


def test_what_does_nothing_is_refused_of_a_new_document_and_read_in_an_earlier_one() -> None:
    text = WHOLE.replace("new_releases: stop", "new_releases: continue").encode()
    noted = [one for one in parse_agreement(text, where="a.yaml").notes if "new_releases" in one]
    assert len(noted) == 1
    with pytest.raises(AgreementError) as caught:
        parse_agreement(text, where="a.yaml", new=True)
    (told,) = caught.value.problems
    assert (told.found, told.expected) == ("'continue'", "'stop'")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_terms_is_told(name: str) -> None:
    old, new, found, expected = FAULTS[name]
    assert WHOLE.count(old) >= 1
    with pytest.raises(AgreementError) as caught:
        parse_agreement(WHOLE.replace(old, new, 1).encode(), where="a.yaml")
    told = caught.value.problems
    assert any(found in one.found and expected in one.expected for one in told), "\n".join(map(str, told))
