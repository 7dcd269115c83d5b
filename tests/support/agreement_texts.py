"""A small agreement as people write it, to be broken in tests."""

from __future__ import annotations

from typing import Final

__all__ = ["EVERYTHING", "PLAIN", "changed", "place_of", "storm"]

PLAIN: Final = """\
agreement: two-towns
version: 1
title: Two towns
in_force: {from: 2026-01-01, until: 2027-01-01}
parties:
  - {name: alfa, as: coordinator}
  - {name: bravo}
  - {all: {capacity: operator, countries: [NO, SE]}}
legal_bases:
  law:
    NO: {cite: "Act 1", valid: [2026-01-01, null]}
    SE: {cite: "Act 2", valid: [2026-01-15, 2026-06-01]}
purposes: [detect, respond]
clauses:
  - id: "1.1"
    permit: read
    to: {parties: all}
    of: {tlp: {at_most: amber}}
    for: [detect]
    rests_on: [law]
  - id: "2"
    forbid: read
    of: {category: export-controlled}
    unless: {nationality: [NO, SE]}
"""

EVERYTHING: Final = """\
agreement: everything
version: 2
title: All that an agreement can say
instrument: {title: "The paper of 12 December", sha256: "%s", prevails: document}
in_force: {from: 2026-01-01, until: 2028-01-01}
parties:
  - {name: alfa, as: coordinator}
  - {name: bravo}
  - all:
      capacity: [operator, csirt]
      sectors: [energy]
      countries: [NO, SE]
      clearance: restricted
      kind: [public, private]
      communities: [nordic]
      data_region: [eea]
accession: {who: {capacity: operator}, by: motion}
amend_by: {more_than: {public: 0.5, private: 0.25}, objection_period: P30D}
withdrawal: {notice: P30D, survives: ["2", "4"]}
legal_bases:
  law: {NO: {cite: "Act 1", valid: [2026-01-01, 2027-06-01]}, SE: {cite: "Act 2", valid: [2026-01-15, null]}}
  by-kind: {public: {cite: "Article 6(1)(e)", valid: [2018-05-25, null]}}
on_lapse: {held: purge}
purposes: [detect, respond]
clauses:
  - id: "1"
    permit: read
    to: {parties: [alfa, bravo], capacity: csirt, role: [analyst, liaison], sectors: energy, countries: NO,
         clearance: secret, kind: public, communities: nordic, nationality: [NO, SE], data_region: eea, addressed: true,
         persons: [anna@alfa, bo@bravo]}
    of: {tlp: {at_most: amber+strict}, pap: {at_most: amber}, type: [incident, report], category: ics,
         without: personal-data, sectors: energy, countries: [NO, SE], residency: eea, owner: [alfa, bravo]}
    for: [detect, respond]
    rests_on: [law, by-kind]
    onward: own-organisation
  - {id: "1a", permit: read, to: {parties: all}, of: {tlp: {at_most: red}}}
  - id: "2"
    forbid: read
    to: {parties: [bravo], kind: academia}
    of: {category: export-controlled}
    unless: {parties: [alfa], clearance: secret, nationality: [NO, SE], persons: anna@alfa, purpose: [detect],
             addressed: true}
  - id: "3"
    publish: {sanitised: no-victim, tlp: green, attribution: withheld, approve: owner, delay: PT2H}
    of: {type: [incident, indicator], tlp: [amber, amber+strict]}
    rests_on: [law]
  - {id: "4", protect: {from: [regulatory-use, antitrust], survives: end}, of: {type: incident}, rests_on: law}
  - {id: "5", retain: {for: P90D, then: purge}, of: {type: [sighting]}}
  - {id: "6", reveal: existence, to: {capacity: [operator]}, of: {type: [incident, report]}}
  - {id: "6a", total: map, to: {capacity: [operator]}, of: {tlp: [amber], type: [asset, asset-detail]}, at_least: 5}
  - id: "7"
    emergency: grid-crisis
    permit: read
    to: {capacity: [operator, csirt]}
    of: {tlp: {at_most: amber+strict}}
    lasts: PT72H
    activated_by:
      motion: {body: crisis-council, quorum: 0.6, more_than: 0.5}
      or: {duty_officers: {public: 1, private: 2}, lasts: PT12H, ratify_within: PT6H}
    afterwards: {new_releases: continue, keep: [indicator], destroy: {types: [incident, report], within: P30D}}
""" % ("ab" * 32)


def changed(old: str, new: str) -> str:
    """Return the agreement with one piece of its text replaced; the piece is there once."""
    if PLAIN.count(old) != 1:
        raise ValueError(old)
    return PLAIN.replace(old, new)


def place_of(text: str, piece: str) -> tuple[int, int]:
    """Return line and column of the first occurrence of a piece, counted from 1."""
    at = text.index(piece)
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1


def storm(*, purpose: str, type_: str) -> str:
    """Return an agreement of two parties that has nothing but an emergency annex, for one purpose and type."""
    return f"""
agreement: storm
version: 1
title: In a storm
in_force: {{from: 2026-01-01, until: null}}
parties: [{{name: alfa}}, {{name: bravo}}]
purposes: [{purpose}]
clauses:
  - id: "1"
    emergency: gale
    permit: read
    to: {{parties: all}}
    of: {{type: [{type_}]}}
    lasts: PT72H
    activated_by: {{motion: {{body: crisis-council, more_than: 0.5}}}}
"""
