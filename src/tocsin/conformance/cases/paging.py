"""§3.5: pages, whichever way a client goes on, also while others write."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tocsin.conformance import expect
from tocsin.conformance.content import indicator
from tocsin.conformance.model import Chapter, FailedError, Level, Need, Role
from tocsin.conformance.target import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tocsin.conformance.target import Target

__all__ = ["CHAPTERS"]

paging: Final = Chapter(section="3.5", title="Pagination")
CHAPTERS: Final = (paging,)

# A walk that takes more requests than this goes in a circle.
MAX_PAGES: Final = 100
WRITERS: Final = 3
ENVELOPES: Final = 6
OBJECTS: Final = 4


def _by_next(target: Target, path: str, query: str, limit: int) -> Iterator[dict[str, Any]]:
    """Give page after page, going on by ``next`` with the original query, as §3.5 says."""
    following = ""
    for _ in range(MAX_PAGES):
        found = expect.page(target.get(f"{path}?{query}&limit={limit}{following}"))
        yield found
        if not found.get("more"):
            return
        if "next" not in found:
            raise FailedError("more is true, and there is no next (which a server may leave out)")
        following = f"&next={_quoted(found['next'])}"
    raise FailedError(f"{path}: no end after {MAX_PAGES} pages")


def _by_date(target: Target, path: str, query: str, limit: int) -> Iterator[dict[str, Any]]:
    """Give page after page, going on by the date of the last object, as clients do that know no ``next``."""
    following = ""
    for _ in range(MAX_PAGES):
        answer = target.get(f"{path}?{query}&limit={limit}{following}")
        found = expect.page(answer)
        yield found
        if not found.get("more"):
            return
        following = f"&added_after={answer.header('x-taxii-date-added-last')}"
    raise FailedError(f"{path}: no end after {MAX_PAGES} pages")


def _quoted(text: object) -> str:
    expect.that(isinstance(text, str) and text, f"next: {text!r} is no text")
    return quote(str(text), safe="")


LIMITS: Final = {"1": 1, "3": 3, "5": 5, "13": 13, "14": 14}


@paging.table("objects by next, {} at a time: everything once, in order", LIMITS, Level.FIELD, Need.WRITE)
def _next_objects(target: Target, limit: int) -> None:
    whole = expect.ids(expect.page(target.get(f"{target.objects}?{target.seeds.query}")))
    found = [one for page in _by_next(target, target.objects, target.seeds.query, limit) for one in expect.ids(page)]
    expect.same(found, whole, "the ids of all pages")


@paging.table("the manifest by next, {} at a time: everything once, in order", LIMITS, Level.FIELD, Need.WRITE)
def _next_manifest(target: Target, limit: int) -> None:
    # the text has no `next` here; clients look for it all the same, and some go round for ever without it
    whole = expect.ids(expect.page(target.get(f"{target.manifest}?{target.seeds.query}")))
    found = [one for page in _by_next(target, target.manifest, target.seeds.query, limit) for one in expect.ids(page)]
    expect.same(found, whole, "the ids of all pages")


@paging.table("objects as §3.5 goes on, {} at a time: everything once, in order", LIMITS, Level.MUST, Need.WRITE)
def _either(target: Target, limit: int) -> None:
    """By next where the server gives one, else by the date of the last object."""
    page = expect.page(target.get(f"{target.objects}?{target.seeds.query}&limit={limit}"))
    walk = _by_next if "next" in page else _by_date
    whole = expect.ids(expect.page(target.get(f"{target.objects}?{target.seeds.query}")))
    found = [one for page in walk(target, target.objects, target.seeds.query, limit) for one in expect.ids(page)]
    expect.same(found, whole, "the ids of all pages")


@paging.table("objects by added_after, {} at a time: everything once, in order", LIMITS, Level.FIELD, Need.WRITE)
def _date_objects(target: Target, limit: int) -> None:
    whole = expect.ids(expect.page(target.get(f"{target.objects}?{target.seeds.query}")))
    found = [one for page in _by_date(target, target.objects, target.seeds.query, limit) for one in expect.ids(page)]
    expect.same(found, whole, "the ids of all pages")


@paging.table(
    "the manifest by added_after, {} at a time: everything once, in order", {"1": 1, "5": 5}, Level.FIELD, Need.WRITE
)
def _date_manifest(target: Target, limit: int) -> None:
    whole = expect.ids(expect.page(target.get(f"{target.manifest}?{target.seeds.query}")))
    found = [one for page in _by_date(target, target.manifest, target.seeds.query, limit) for one in expect.ids(page)]
    expect.same(found, whole, "the ids of all pages")


@paging.case("all versions by added_after, one at a time", Level.FIELD, Need.WRITE)
def _date_versions(target: Target) -> None:
    query = f"match[id]={target.seeds.malware}&match[version]=all"
    found = [version for page in _by_date(target, target.objects, query, 1) for _, version in expect.versions(page)]
    expect.same(found, list(VERSIONS), "the versions of all pages")


@paging.case("a filter holds through all pages", Level.FIELD, Need.WRITE)
def _filter(target: Target) -> None:
    query = f"{target.seeds.query}&match[type]=indicator"
    found = [one for page in _by_next(target, target.objects, query, 5) for one in expect.ids(page)]
    wanted = [one for one in target.seeds.ids if one.startswith("indicator--")]
    expect.same(sorted(found), sorted(wanted), "the ids of all pages")


@paging.case("versions page by next", Level.FIELD, Need.WRITE)
def _versions(target: Target) -> None:
    path = target.versions(target.seeds.malware)
    found = [one for page in _by_next(target, path, "", 2) for one in page["versions"]]
    expect.same(
        [expect.instant(one, "version") for one in found],
        [expect.instant(one, "version") for one in VERSIONS],
        "the versions of all pages",
    )


@paging.case("the last page has no next", Level.SHOULD, Need.WRITE)
def _last(target: Target) -> None:
    found = expect.page(target.get(f"{target.objects}?{target.seeds.query}"))
    expect.that("next" not in found or found.get("more"), "next is there, and more is not true")


@paging.case("more is a boolean, next a text", Level.MUST, Need.WRITE)
def _types(target: Target) -> None:
    found = expect.page(target.get(f"{target.objects}?{target.seeds.query}&limit=2"))
    expect.that(found.get("more") is True, f"more: {found.get('more')!r}")
    if "next" in found:
        expect.that(isinstance(found["next"], str), f"next: {found['next']!r}")


@paging.case("the same request is the same page", Level.FIELD, Need.WRITE)
def _again(target: Target) -> None:
    path = f"{target.objects}?{target.seeds.query}&limit=4"
    first = expect.ids(expect.page(target.get(path)))
    for _ in range(3):
        expect.same(expect.ids(expect.page(target.get(path))), first, "the ids")


def _first(target: Target, limit: int = 4) -> str:
    found = expect.page(target.get(f"{target.objects}?{target.seeds.query}&limit={limit}"))
    if "next" not in found:
        raise FailedError("there is no next (which a server may leave out)")
    return _quoted(found["next"])


@paging.case("limit may change from page to page", Level.FIELD, Need.WRITE)
def _other_limit(target: Target) -> None:
    # taxii2-client sets it to what it received
    following = _first(target)
    found = expect.page(target.get(f"{target.objects}?{target.seeds.query}&limit=100&next={following}"))
    whole = expect.ids(expect.page(target.get(f"{target.objects}?{target.seeds.query}")))
    expect.same(expect.ids(found), whole[4:], "the ids of the rest")


@paging.case("added_after and next may come together", Level.FIELD, Need.WRITE)
def _both(target: Target) -> None:
    # OpenCTI sends both
    query = f"{target.seeds.query}&added_after=2000-01-01T00:00:00.000000Z"
    found = [one for page in _by_next(target, target.objects, query, 5) for one in expect.ids(page)]
    expect.same(len(found), 14, "the number of objects")


@paging.case("a next that was used may be used again", Level.FIELD, Need.WRITE)
def _replayed(target: Target) -> None:
    following = _first(target)
    path = f"{target.objects}?{target.seeds.query}&limit=4&next={following}"
    first = expect.ids(expect.page(target.get(path)))
    expect.same(expect.ids(expect.page(target.get(path))), first, "the ids")


@paging.case("a next goes on after a restart", Level.FIELD, Need.WRITE, Need.RESTART)
def _restarted(target: Target) -> None:
    path = f"{target.objects}?{target.seeds.query}&limit=4&next={_first(target)}"
    before = expect.page(target.get(path))
    target.restart()
    expect.same(expect.ids(expect.page(target.get(path))), expect.ids(before), "the ids after the restart")


@paging.case("date_added is the same after a restart", Level.MUST, Need.WRITE, Need.RESTART)
def _restarted_dates(target: Target) -> None:
    before = expect.page(target.get(f"{target.manifest}?{target.seeds.query}"))["objects"]
    target.restart()
    expect.same(expect.page(target.get(f"{target.manifest}?{target.seeds.query}"))["objects"], before, "the records")


NEXT: Final = {
    "a word": "nonsense",
    "nothing": "",
    "a quote": "%27",
    "a number": "1",
    "a negative number": "-1",
    "a NUL": "%00",
    "no UTF-8": "%ff",
    "very long": "A" * 4000,
}


@paging.table("a next that was never given ({}) is no defect", NEXT, Level.MUST, Need.WRITE)
def _never(target: Target, text: str) -> None:
    # opaque values of a server may look like anything: 200 is open to it, and so is 404
    answer = target.get(f"{target.objects}?{target.seeds.query}&limit=4&next={text}")
    expect.status(answer, 400, 200, 404, 414)


@paging.case("a next that was changed is 400", Level.FIELD, Need.WRITE)
def _changed(target: Target) -> None:
    following = _first(target)
    changed = ("B" if following[0] != "B" else "C") + following[1:]
    expect.status(target.get(f"{target.objects}?{target.seeds.query}&limit=4&next={changed}"), 400)


@paging.case("a next with another filter is 400, or keeps to both", Level.FIELD, Need.WRITE)
def _elsewhere(target: Target) -> None:
    following = _first(target)
    answer = target.get(f"{target.objects}?match[id]={target.seeds.last}&limit=4&next={following}")
    expect.status(answer, 400, 200)
    if answer.status == 200:
        expect.that(set(expect.ids(answer.json())) <= {target.seeds.last}, "objects that the filter does not ask for")


@paging.case("another party's next is 400", Level.FIELD, Need.WRITE, Need.SECOND)
def _stolen(target: Target) -> None:
    path = f"{target.objects}?{target.seeds.query}&limit=4&next={_first(target)}"
    expect.status(target.get(path, who=Role.SECOND), 400)


@paging.case("what is added during a walk comes at its end, once", Level.MUST, Need.WRITE)
def _added(target: Target) -> None:
    new = indicator(target.uuid())
    query = f"{target.seeds.query},{new['id']}"
    found: list[str] = []
    for number, page in enumerate(_by_date(target, target.objects, query, 5)):
        found += expect.ids(page)
        if number == 0:
            target.stored(new)
    expect.same(found[-1], new["id"], "the last object")
    expect.same(len(found), len(set(found)), "the number of distinct objects")


@paging.case("what is deleted during a walk moves nothing else", Level.MUST, Need.WRITE)
def _deleted(target: Target) -> None:
    mine = [indicator(target.uuid()) for _ in range(6)]
    for one in mine:
        target.stored(one)
    query = "match[id]=" + ",".join(one["id"] for one in mine)
    found: list[str] = []
    for number, page in enumerate(_by_date(target, target.objects, query, 2)):
        found += expect.ids(page)
        if number == 0:
            expect.status(target.ask("DELETE", target.object(mine[0]["id"])), 200)
    expect.same(found, [one["id"] for one in mine], "the ids of all pages")


@paging.case(
    "a reader that follows by next while others write misses nothing and sees nothing twice", Level.FIELD, Need.WRITE
)
def _busy_next(target: Target) -> None:
    _follow(target, by_next=True)


@paging.case("a reader that follows by added_after while others write misses nothing", Level.FIELD, Need.WRITE)
def _busy_date(target: Target) -> None:
    _follow(target, by_next=False)


def _follow(target: Target, *, by_next: bool) -> None:
    target.seeds  # noqa: B018  so that a last date is there to begin from
    newest = _newest(target)
    wanted: set[str] = set()
    problems: list[FailedError] = []
    lock = threading.Lock()

    def write() -> None:
        try:
            for _ in range(ENVELOPES):
                batch = [indicator(target.uuid()) for _ in range(OBJECTS)]
                target.stored(*batch)
                with lock:
                    wanted.update(one["id"] for one in batch)
        except FailedError as error:
            problems.append(error)

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    found: list[str] = []
    after = newest
    for _ in range(MAX_PAGES):
        done = not any(writer.is_alive() for writer in writers)
        before = len(found)
        after = _poll(target, after, found, by_next=by_next)
        if done and len(found) == before:
            break
    for writer in writers:
        writer.join()
    if problems:
        raise problems[0]
    ours = [one for one in found if one in wanted]
    expect.same(len(wanted - set(ours)), 0, "the number of objects that the reader missed")
    expect.same(len(ours) - len(set(ours)), 0, "the number of objects that the reader saw twice")


def _poll(target: Target, after: str, found: list[str], *, by_next: bool) -> str:
    """Read everything that is newer, page by page; returns the date from which to go on the next time."""
    begun, following = after, ""
    for _ in range(MAX_PAGES):
        answer = target.get(f"{target.objects}?match[version]=all&limit=5&added_after={begun}{following}")
        page = expect.page(answer)
        found += expect.ids(page)
        after = answer.header("x-taxii-date-added-last") or after
        if not page.get("more"):
            return after
        if by_next:
            if "next" not in page:
                raise FailedError("there is no next (which a server may leave out)")
            following = f"&next={_quoted(page['next'])}"
        else:
            begun = after
    raise FailedError(f"no end after {MAX_PAGES} pages")


def _newest(target: Target) -> str:
    query = f"match[id]={target.seeds.last}"
    found = expect.page(target.get(f"{target.manifest}?{query}"))["objects"]
    return str(found[0]["date_added"])
