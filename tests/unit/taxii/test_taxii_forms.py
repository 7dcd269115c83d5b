"""Laws of filters and of what is written; each case of the specification is in the conformance tests."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote, urlencode

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InputError
from tocsin.exchange.model import MAX_PAGE, Outcome, PageItem, Query, Receipt, Result, VersionChoice
from tocsin.exchange.taxii import filters, wire
from tocsin.kernel.canonical import canonical_json
from tocsin.kernel.clock import format_instant
from tocsin.kernel.http.problems import STATUS, HttpProblem

KNOWN = st.sampled_from([filters.OBJECTS, filters.OBJECT, filters.VERSIONS, filters.DELETE])
WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), min_size=1, max_size=40)
INSTANT = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
JSON_OBJECT = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=3)


def read(raw: bytes, known: frozenset[str]) -> filters.Ask | InputError:
    try:
        return filters.read_filters(raw, known)
    except InputError as error:
        return error


@given(st.binary(max_size=200), KNOWN)
def test_any_bytes_are_a_question_or_a_clear_refusal(raw: bytes, known: frozenset[str]) -> None:
    found = read(raw, known)
    assert found.what if isinstance(found, InputError) else 1 <= found.limit <= MAX_PAGE


@given(st.lists(st.tuples(st.sampled_from(sorted(filters.OBJECTS)), st.text(max_size=30)), max_size=5))
def test_any_values_are_a_question_or_a_clear_refusal(pairs: list[tuple[str, str]]) -> None:
    names = [name for name, _ in pairs]
    found = read(urlencode(pairs, errors="surrogatepass").encode(), filters.OBJECTS)
    if isinstance(found, InputError):
        assert found.where in {*names, "query"}
        assert found.todo
    else:
        assert len(set(names)) == len(names), "a field that stands twice is never taken"
        # whatever was asked can be sealed into a cursor
        canonical_json(msgspec.to_builtins(found.query.as_json()))


@given(
    st.frozensets(WORD, min_size=1, max_size=5),
    st.frozensets(WORD, min_size=1, max_size=5),
    st.frozensets(INSTANT | st.sampled_from((VersionChoice.FIRST, VersionChoice.LAST)), min_size=1, max_size=5)
    | st.just(frozenset({VersionChoice.ALL})),  # which stands alone
    INSTANT,
    st.integers(1, 10_000),
)
def test_what_is_written_is_what_is_read(
    ids: frozenset[str], types: frozenset[str], versions: frozenset[int | VersionChoice], after: int, limit: int
) -> None:
    words = [str(one) if isinstance(one, VersionChoice) else format_instant(one).rjust(27, "0") for one in versions]
    raw = "&".join(
        [
            f"match[id]={','.join(quote(one, safe='') for one in ids)}",
            f"match[type]={','.join(quote(one, safe='') for one in types)}",
            f"match[version]={quote(','.join(words))}",
            f"added_after={quote(format_instant(after).rjust(27, '0'))}",
            f"limit={limit}",
        ]
    )
    ask = filters.read_filters(raw.encode(), filters.OBJECTS)
    expected = Query(ids=ids, types=types, versions=versions, added_after=min(max(after, 0), filters.LAST_INSTANT))
    assert ask.query == expected
    assert ask.limit == min(limit, MAX_PAGE)


# --- what is written --------------------------------------------------------------------------------------------------


@given(st.lists(JSON_OBJECT, max_size=5), st.none() | st.text(min_size=1, max_size=20))
def test_an_envelope_is_its_objects(objects: list[dict[str, object]], following: str | None) -> None:
    envelope = msgspec.json.decode(wire.write_envelope([msgspec.json.encode(one) for one in objects], following))
    if not objects and following is None:
        assert envelope == {}
        return
    assert envelope.get("objects", []) == objects
    assert "objects" not in envelope or envelope["objects"], "a list is never empty"
    assert envelope["more"] is (following is not None)
    assert envelope.get("next") == following


ITEM = st.builds(
    lambda seq, number, version, added: PageItem(
        seq=seq, object_id=f"x--{number}", version=version, date_added=added, contribution_id=0, label_id=0
    ),
    st.integers(1, 9),
    st.integers(0, 3),
    st.integers(0, 4),
    st.integers(0, 10**15),
)


@given(st.lists(ITEM, max_size=5), st.none() | st.just("abc"))
def test_manifest_and_versions(items: list[PageItem], following: str | None) -> None:
    manifest = msgspec.json.decode(wire.write_manifest(items, following))
    versions = msgspec.json.decode(wire.write_versions(items, following))
    assert [one["id"] for one in manifest.get("objects", [])] == [item.object_id for item in items]
    assert set(versions.get("versions", [])) == {format_instant(item.version).replace("000Z", "Z") for item in items}
    assert len(set(versions.get("versions", []))) == len(versions.get("versions", []))
    if items:
        assert manifest["more"] == versions["more"] == (following is not None)
    else:
        assert manifest == versions == {}


RESULT = st.builds(
    lambda index, known, outcome, notes: Result(
        index=index,
        id=f"x--{index}" if known else None,
        version="2026-01-01T00:00:00.000000Z" if known else None,
        outcome=outcome,
        reason="no" if outcome is Outcome.REFUSED else None,
        notes=notes,
    ),
    st.integers(0, 99),
    st.booleans(),
    st.sampled_from(Outcome),
    st.lists(st.text(max_size=5), max_size=2).map(tuple),
)


@given(st.lists(RESULT, max_size=8))
def test_counts_of_a_status_sum(results: list[Result]) -> None:
    receipt = Receipt(id="r", collection="c", received_at="2026-01-01T00:00:00.000000Z", results=tuple(results))
    status = msgspec.json.decode(wire.write_status(receipt))
    assert status["total_count"] == len(results)
    assert status["success_count"] + status["failure_count"] + status["pending_count"] == status["total_count"]
    assert len(status.get("successes", [])) == status["success_count"]
    assert len(status.get("failures", [])) == status["failure_count"]
    for one in (*status.get("successes", []), *status.get("failures", [])):
        assert one["id"]
        assert one["version"]


@given(st.sampled_from(sorted(set(STATUS.values()))), st.text(max_size=20), st.none() | st.text(max_size=20))
def test_a_problem_is_an_error_message(status: int, what: str, where: str | None) -> None:
    body = msgspec.json.decode(wire.write_problem(HttpProblem(status=HTTPStatus(status), what=what, where=where)))
    assert body["http_status"] == str(int(status))
    assert what in body["description"]
    assert body["title"]
