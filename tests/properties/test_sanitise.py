"""Laws of sanitising: what a plan does not name is in no byte of what leaves, whatever the object; the page says so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from support.publishing import HOUR
from support.stix_objects import stix_object
from support.stix_strategies import TYPES, objects, of_type
from tocsin.errors import InputError
from tocsin.exchange.sanitise import wire
from tocsin.exchange.sanitise.patterns import rewritten
from tocsin.exchange.stix import RefusedObject, parse_object
from tocsin.exchange.stix.model import SCO_TYPES, SDO_TYPES, SRO_TYPES
from tocsin.kernel.clock import parse_instant
from tocsin.scrub.model import Plan, Rule, Treatment
from tocsin.scrub.names import Names, is_internal
from tocsin.scrub.plans import COMMON, PLANS
from tocsin.scrub.sanitise import NOT_PUBLISHED, Draft, sanitise, slot_after, slot_of
from tocsin.scrub.vocabularies import VOCABULARIES

PAGE: Final = (Path(__file__).parents[2] / "docs" / "sanitised.md").read_text(encoding="utf-8")
NOBODY: Final = Names(())
NEW: Final = "11111111-2222-4333-8444-555555555555"
KINDS: Final = {**SDO_TYPES, **SRO_TYPES, **SCO_TYPES}
PLAN: Final = st.sampled_from(list(PLANS.values()))

Json = dict[str, Any]


def attempt(source: Json, plan: Plan, references: dict[str, str] | None = None) -> Draft | None:
    try:
        return sanitise(
            source,
            plan,
            object_id=f"{source['type']}--{NEW}",
            references=references or {},
            slot=HOUR,
            names=NOBODY,
            pattern=rewritten,
        )
    except InputError:
        return None


def texts(value: object) -> set[str]:
    """Return every text within a value that is long enough to be somebody's."""
    if isinstance(value, dict):
        return set().union(*(texts(key) | texts(item) for key, item in value.items())) if value else set()
    if isinstance(value, list):
        return set().union(*map(texts, value)) if value else set()
    return {value} if isinstance(value, str) and len(value) > 5 else set()


# --- what goes -------------------------------------------------------------------------------------------------------


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(source=objects(), plan=PLAN)
def test_no_value_of_a_property_that_goes_is_in_what_leaves(source: Json, plan: Plan) -> None:
    draft = attempt(source, plan)
    if draft is None:
        return
    rules = COMMON | dict(plan.types[source["type"]])
    assert draft.body.keys() <= rules.keys() | {"id"}
    stays = set().union(*(texts(source[name]) for name in rules if name in source))
    gone = set().union(*(texts(value) for name, value in source.items() if name not in rules))
    # what is within something that stays, or is what a property is called, tells nothing by itself
    gone = {text for text in gone if not any(text in other for other in (*stays, *draft.body, *VOCABULARIES))}
    left = wire.rendered(draft, slot=0, born=None).decode()
    assert [text for text in gone if json.dumps(text, ensure_ascii=False)[1:-1] in left] == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(source=objects(), plan=PLAN, extra=st.dictionaries(st.sampled_from(["x_a", "x_b", "labels", "lang"]), st.text()))
def test_what_goes_changes_nothing_of_what_stays(source: Json, plan: Plan, extra: Json) -> None:
    """Two objects that differ in what goes alone leave as the same bytes."""
    assume(source["type"] in plan.types)
    other = {**source, **{name: value for name, value in extra.items() if name not in plan.types[source["type"]]}}
    other |= {"id": f"{source['type']}--99999999-2222-4333-8444-555555555555"}
    assert attempt(source, plan) == attempt(other, plan)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(source=objects(), plan=PLAN)
def test_sanitising_what_was_sanitised_changes_nothing(source: Json, plan: Plan) -> None:
    draft = attempt(source, plan)
    if draft is None:
        return
    body = json.loads(wire.rendered(draft, slot=0, born=None))
    again = attempt(body, plan, {one: one for one in texts(body)})
    assert again is not None
    # what took the slot's time is written now, and stays as it is
    assert {name: again.body.get(name) for name in draft.body} == draft.body


@given(source=st.sampled_from(sorted(TYPES)).flatmap(of_type), number=st.integers(0, 2**32))
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
def test_no_property_that_nobody_named_ever_stays(source: Json, number: int) -> None:
    marker = f"marker-{number}-of-somebody"
    extended = {
        **source,
        "x_theirs": marker,
        "x_deep": {"deeper": [marker]},
        "extensions": {f"extension-definition--{NEW}": {"extension_type": "property-extension", "x": marker}},
        "external_references": [{"source_name": marker}],
        "created_by_ref": f"identity--{NEW}",
        "granular_markings": [{"lang": marker, "selectors": ["type"]}],
        "object_marking_refs": [f"marking-definition--{NEW}"],
    }
    for plan in PLANS.values():
        draft = attempt(extended, plan)
        if draft is not None:
            left = wire.rendered(draft, slot=0, born=None).decode()
            assert marker not in left
            assert left.count(NEW) == 1  # its own id


@given(source=st.sampled_from(["relationship", "sighting", "report", "grouping", "observed-data"]).flatmap(of_type))
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
def test_no_id_of_an_original_is_in_what_leaves(source: Json) -> None:
    mapped = "malware--99999999-8888-4777-8666-555555555555"
    known = sorted(re.findall(r"[a-z0-9-]+--[0-9a-fA-F-]{36}", json.dumps(source)))
    for references in ({}, {known[0]: mapped}, dict.fromkeys(known, mapped)):
        draft = attempt(source, PLANS["no-victim"], references)
        if draft is not None:
            assert set(re.findall(r"[a-z0-9-]+--[0-9a-fA-F-]{36}", json.dumps(draft.body))) <= {
                f"{source['type']}--{NEW}",
                mapped,
            }


@given(at=st.integers(0, 2**55), length=st.integers(1, 2**40))
def test_slots_are_what_they_say(at: int, length: int) -> None:
    begin, after = slot_of(at, length), slot_after(at, length)
    assert begin <= at < begin + length
    assert after - length < at <= after
    assert begin % length == after % length == 0


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(source=objects())
def test_times_of_the_content_lie_on_slots(source: Json) -> None:
    draft = attempt(source, PLANS["no-victim"])
    if draft is None:
        return
    for name, rule in PLANS["no-victim"].types[source["type"]].items():
        if rule.treatment in {Treatment.EARLIER, Treatment.LATER, Treatment.ISSUED} and name in draft.body:
            at, was = parse_instant(draft.body[name]), parse_instant(source[name])
            assert at % HOUR == 0
            assert abs(at - was) < HOUR
            assert (at >= was) if rule.treatment is Treatment.LATER else (at <= was)


AT_WRITING: Final = {
    "as it is written": "2026-05-20T11:22:33.000Z",
    "less exactly": "2026-05-20T11:22:33Z",
    "a moment before": "2026-05-20T11:22:32.999Z",
    "a minute later": "2026-05-20T11:23:33Z",
}


@pytest.mark.parametrize("case", AT_WRITING)
def test_the_hour_of_writing_is_told_by_no_time(case: str) -> None:
    source = {
        "type": "indicator",
        "spec_version": "2.1",
        "created": "2026-05-20T11:22:33.000Z",
        "modified": "2026-05-21T08:00:00.000Z",
        "pattern": "[ipv4-addr:value = '198.51.100.7']",
        "pattern_type": "stix",
        "valid_from": AT_WRITING[case],
    }
    draft = attempt(source, PLANS["no-victim"])
    assert draft is not None
    assert "2026-05-20T11:" not in str(draft.body)
    assert draft.issued == ("valid_from",)


# --- what stays is valid ---------------------------------------------------------------------------------------------


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(source=objects(), plan=PLAN)
def test_what_leaves_is_valid_or_is_not_made(source: Json, plan: Plan) -> None:
    """The only ways to be no valid object any more: a required property or all ends of a link went."""
    draft = attempt(source, plan)
    if draft is None:
        return
    issued = (*draft.issued, "modified") if "created" in source else draft.issued
    body = draft.body | ({"created": ""} if "created" in source else {})
    checked = parse_object(wire.rendered(Draft(body=body, issued=issued), slot=0, born=None))
    if isinstance(checked, RefusedObject):
        told = source.keys() - draft.body.keys()
        assert re.search(r"missing|required|at least one|needs|one of|empty|has to have", checked.reason), (
            checked,
            told,
        )


# --- the tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_every_rule_is_about_a_property_that_there_is(plan: Plan) -> None:
    for kind, rules in plan.types.items():
        fields = set(KINDS[kind].__struct_fields__)
        assert set(rules) <= fields, kind
        required = {field.name for field in msgspec.structs.fields(KINDS[kind]) if field.required}
        kept = set(rules) | COMMON.keys() | {"id", "created", "modified"}
        assert required <= kept, f"{kind} could never be published"


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_every_rule_fits_its_property(plan: Plan) -> None:
    """A time is rounded, a reference replaced; a text that people write stays under no rule but the adversary's."""
    for kind, rules in plan.types.items():
        for name, rule in rules.items():
            where = f"{kind}.{name}"
            times = {Treatment.EARLIER, Treatment.LATER, Treatment.ISSUED}
            is_time = name.endswith(("_seen", "_time")) or name in {
                *("valid_from", "valid_until", "published", "first_observed", "last_observed"),
            }
            assert (rule.treatment in times) == is_time, where
            assert (rule.treatment is Treatment.REFERENCE) == name.endswith(("_ref", "_refs")), where
            if rule.treatment is Treatment.WORDS:
                assert rule.word in VOCABULARIES, where
            if rule.treatment is Treatment.KEEP:
                assert name in {"number", "size", "count", "number_observed", "summary", "is_family"}, where
    assert all(set(paths) <= set(KINDS[kind].__struct_fields__) for kind, paths in plan.paths.items())


def test_the_page_has_the_plans() -> None:
    def says(rules: dict[str, Rule] | None) -> str:
        if rules is None:
            return "-"
        return ", ".join(
            f"`{name}`" + (f" (the word {rule.word})" if rule.treatment is Treatment.GENERIC else "")
            for name, rule in rules.items()
        )

    rows = [
        "| "
        + " | ".join(
            (f"`{kind}`", *(says(dict(plan.types[kind]) if kind in plan.types else None) for plan in PLANS.values()))
        )
        + " |"
        for kind in sorted(set().union(*(plan.types for plan in PLANS.values())))
    ]
    told = PAGE.partition("<!-- plans -->\n")[2].split("\n\n")[0].splitlines()[2:]
    assert told == rows


def test_types_that_hold_victims_are_in_no_plan() -> None:
    never = {
        *("identity", "location", "user-account", "email-message", "email-addr", "process", "directory", "artifact"),
        *("network-traffic", "mac-addr", "windows-registry-key", "note", "opinion", "malware-analysis", "software"),
    }
    for plan in PLANS.values():
        assert never.isdisjoint(plan.types)
    with pytest.raises(InputError, match=re.escape(NOT_PUBLISHED)):
        sanitise(
            stix_object("identity", name="x"),
            PLANS["no-victim"],
            object_id="identity--x",
            references={},
            slot=HOUR,
            names=NOBODY,
            pattern=rewritten,
        )


# --- names -----------------------------------------------------------------------------------------------------------

NAMED: Final = Names(["Fjordkraft AS", "fjordkraft.example", "nord-grid", "ab"])
FOUND: Final = {
    "a title": ("run by FJORDKRAFT as", True),
    "a host": ("https://vpn.fjordkraft.example:8443/x", True),
    "a defanged host": ("hxxps://fjordkraft[.]example/", True),
    "other separators": ("NORD_GRID", True),
    "a word of a title": ("fjordkraft", False),
    "within a word": ("fjordkraftas", False),
    "another order": ("grid nord", False),
    "wide letters": ("\uff2e\uff2f\uff32\uff24 grid", True),
    "what is too short": ("ab", False),
}


@pytest.mark.parametrize("case", FOUND)
def test_names_are_found_as_words(case: str) -> None:
    text, found = FOUND[case]
    assert NAMED.stand_in(text) is found


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_name_is_found_wherever_it_stands_alone(before: str, after: str) -> None:
    assert NAMED.stand_in(f"{before} nord grid {after}")


INTERNAL: Final = {
    "10.0.0.1": True,
    "[ipv4-addr:value = '172.31.255.255']": True,
    "http://192.168.1.1/": True,
    "[ipv6-addr:value = 'fe80::1']": True,
    "fd00::17": True,
    "http://10.0.0.1:8080/login": True,
    "[url:value = 'https://gw.192.168.1.1.example/']": True,
    "http://[::ffff:10.0.0.1]/": True,
    "http://[fd00::17]:8443/": True,
    "http://198.51.100.7:8080/": False,
    "10.0.0.1234": False,
    "198.51.100.7": False,
    "172.32.0.1": False,
    "1.10.0.0": False,
    "[ipv6-addr:value = '2001:db8::1']": False,
    "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']": False,
    "999.1.1.1": False,
}


@pytest.mark.parametrize("text", INTERNAL)
def test_addresses_of_internal_networks(text: str) -> None:
    assert is_internal(text) is INTERNAL[text]


# --- patterns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling",
    [
        "[ipv4-addr:value='198.51.100.7']",
        "[ ipv4-addr:value = '198.51.100.7' ]",
        "([ipv4-addr:value   =\n'198.51.100.7'])",
        "[(ipv4-addr:value = '198.51.100.7')]",
        "[/* of ours */ ipv4-addr:value = '198.51.100.7'] // T-4711",
    ],
)
def test_all_spellings_of_a_pattern_leave_as_one(spelling: str) -> None:
    assert rewritten(spelling, PLANS["no-victim"]) == "[ipv4-addr:value = '198.51.100.7']"


# --- of several names, those that tell go -----------------------------------------------------------------------------

TELLING: Final = ("Nord Grid", "ops@x.example", "seen at 10.0.0.1", "FJORDKRAFT, AS")


@given(
    aliases=st.lists(
        st.one_of(
            st.sampled_from(TELLING), st.text(st.characters(exclude_characters="@.:", codec="ascii"), min_size=1)
        ),
        min_size=1,
        max_size=6,
    )
)
def test_of_several_names_exactly_those_go_that_tell(aliases: list[str]) -> None:
    assume(not any(NAMED.stand_in(one) for one in aliases if one not in TELLING))
    source = stix_object("malware", name="Fox", is_family=True, aliases=aliases)
    draft = named(source)
    kept = [one for one in aliases if one not in TELLING]
    assert draft.body.get("aliases") == (kept or None)


@pytest.mark.parametrize("telling", TELLING)
def test_a_name_without_which_there_is_no_object_keeps_it_in(telling: str) -> None:
    with pytest.raises(InputError, match="its name"):
        named(stix_object("malware", name=telling, is_family=True, aliases=["Fox"]))


def named(source: Json) -> Draft:
    return sanitise(
        source,
        PLANS["no-victim"],
        object_id=f"{source['type']}--{NEW}",
        references={},
        slot=HOUR,
        names=NAMED,
        pattern=rewritten,
    )
