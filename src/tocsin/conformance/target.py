"""The server under judgement: where it is, who asks it, and the objects that the cases rest on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from tocsin.conformance import content, expect
from tocsin.conformance.client import TAXII, Answer, Client, merged
from tocsin.conformance.model import FailedError, Need, Role
from tocsin.errors import InputError
from tocsin.kernel.ids import new_uuid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tocsin.conformance.client import Credentials
    from tocsin.kernel.ids import Entropy

__all__ = ["Seeds", "Target"]

# How long a submission may be pending (§4.3) before we call it lost, and how often we ask meanwhile.
PENDING_SECONDS: Final = 30
POLL_SECONDS: Final = 0.1
INDICATORS: Final = 12
VERSIONS: Final = ("2026-02-01T00:00:00.000Z", "2026-02-02T00:00:00.000Z", "2026-02-03T00:00:00.000Z")
_SUBMITTED: Final = 3


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """What the suite put into the collection: every object in the order of its being posted, in several requests."""

    indicators: tuple[str, ...]
    malware: str  # of three versions
    last: str  # an address, which has no version; or, where the server takes none, an indicator in its place
    refused: str  # what the server said of the address
    objects: tuple[dict[str, Any], ...]

    @property
    def address(self) -> str:
        """Return the id of the object without ``created`` and ``modified``.

        Raises:
            FailedError: the server did not take it.
        """
        if self.refused:
            raise FailedError(f"an object without created and modified: {self.refused}")
        return self.last

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids, each once, in the order in which their last versions were posted."""
        return (*self.indicators, self.malware, self.last)

    @property
    def query(self) -> str:
        """Return the filter that chooses these objects and no others."""
        return "match[id]=" + ",".join(self.ids)


class Target:
    """One server. ``others`` are further credentials; ``restart`` restarts it, and returns when it answers again."""

    def __init__(
        self,
        url: str,
        *,
        credentials: Mapping[Role, Credentials],
        entropy: Entropy,
        api_root: str | None = None,
        collection: str | None = None,
        restart: Callable[[], None] | None = None,
    ) -> None:
        self.client = Client(url)
        self.credentials = dict(credentials)
        self.discovery = self.client.path if self.client.path.strip("/") else "/taxii2/"
        self._entropy = entropy
        self._api_root = api_root
        self._collection = collection
        self._restart = restart

    # --- asking ------------------------------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        path: str,
        *,
        who: Role = Role.MAIN,
        accept: str | None = TAXII,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """Send one request as somebody; ``headers`` stand over those that it would carry by itself."""
        known = self.credentials.get(who)
        sent = merged(
            {"Accept": accept} if accept is not None else {},
            {"Authorization": known.header} if known is not None else {},
            headers or {},
        )
        return self.client.ask(method, path, sent, body)

    def get(
        self,
        path: str,
        *,
        who: Role = Role.MAIN,
        accept: str | None = TAXII,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a GET."""
        return self.ask("GET", path, who=who, accept=accept, headers=headers)

    def post(
        self,
        body: bytes | Iterable[bytes],
        *,
        who: Role = Role.MAIN,
        content_type: str | None = TAXII,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Post to the collection's objects."""
        typed = {} if content_type is None else {"Content-Type": content_type}
        return self.ask("POST", self.objects, who=who, headers=typed | dict(headers or {}), body=body)

    def add(self, *objects: dict[str, Any]) -> dict[str, Any]:
        """Add objects, wait until they are there, and return the status resource (§5.5)."""
        answer = self.post(content.envelope(objects))
        expect.status(answer, 202)
        status = answer.json()
        deadline = time.monotonic() + PENDING_SECONDS
        while status.get("status") == "pending":
            if time.monotonic() > deadline:
                raise FailedError("a submission is still pending after half a minute")
            time.sleep(POLL_SECONDS)
            status = expect.page(self.get(self.status_path(status)))
        return status

    def stored(self, *objects: dict[str, Any]) -> dict[str, Any]:
        """Add objects of which every one must be taken; return the status resource."""
        status = self.add(*objects)
        expect.same(status.get("success_count"), len(objects), "success_count of objects that are in order")
        return status

    def restart(self) -> None:
        """Restart the server."""
        if self._restart is None:
            raise FailedError("there is no way to restart this server")
        self._restart()

    def uuid(self) -> str:
        """Return a new UUID."""
        return new_uuid(self._entropy)

    # --- where things are --------------------------------------------------------------------------------------------

    @cached_property
    def root(self) -> str:
        """The path of the API root, with a slash at its end."""
        if self._api_root is not None:
            return _directory(self._path(self._api_root))
        found = expect.page(self.get(self.discovery))
        named = found.get("default") or next(iter(found.get("api_roots") or []), None)
        if not isinstance(named, str):
            raise FailedError(
                "discovery names no API root",
            )
        return _directory(self._path(named))

    @cached_property
    def collections(self) -> list[dict[str, Any]]:
        """The collections that the main credentials may know of."""
        found = expect.page(self.get(f"{self.root}collections/")).get("collections", [])
        return [one for one in found if isinstance(one, dict)]

    @cached_property
    def collection(self) -> dict[str, Any]:
        """The collection that the cases use: the one named, or the first that can be read and written, or read."""
        named = self._collection
        if named is not None:
            for one in self.collections:
                if named in (one.get("id"), one.get("alias")):
                    return one
            raise InputError("there is no such collection", where=named, todo="name one by its id or its alias")
        ranked = sorted(self.collections, key=lambda one: (not one.get("can_read"), not one.get("can_write")))
        if not ranked or not ranked[0].get("can_read"):
            raise InputError("there is no collection that these credentials may read", where=self.root)
        return ranked[0]

    @cached_property
    def base(self) -> str:
        """The path of the collection."""
        return f"{self.root}collections/{quote(str(self.collection['id']))}/"

    @property
    def objects(self) -> str:
        """The path of the collection's objects."""
        return f"{self.base}objects/"

    @property
    def manifest(self) -> str:
        """The path of the collection's manifest."""
        return f"{self.base}manifest/"

    def object(self, object_id: str) -> str:
        """Return the path of one object."""
        return f"{self.objects}{quote(object_id, safe='')}/"

    def versions(self, object_id: str) -> str:
        """Return the path of one object's versions."""
        return f"{self.object(object_id)}versions/"

    def status_path(self, status: Mapping[str, Any]) -> str:
        """Return the path of a status resource."""
        return f"{self.root}status/{quote(str(status.get('id')), safe='')}/"

    def endpoints(self) -> dict[str, str]:
        """Return the path of each endpoint that can be asked with GET, by its name."""
        known = self.seeds.indicators[0]
        return {
            "discovery": self.discovery,
            "API root": self.root,
            "status": self.status_path(self.submission),
            "collections": f"{self.root}collections/",
            "collection": self.base,
            "manifest": self.manifest,
            "objects": self.objects,
            "object": self.object(known),
            "versions": self.versions(known),
        }

    def _path(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.netloc and parts.hostname != self.client.host:
            raise InputError(
                "the API root is on another server", where=url, todo="name that server, or another root with --api-root"
            )
        return parts.path

    # --- what the cases rest on --------------------------------------------------------------------------------------

    def lacks(self, need: Need) -> bool:
        """Return whether the server, or what we were given for it, does not have what a case takes."""
        match need:
            case Need.READ:
                return not self.collection.get("can_read")
            case Need.WRITE:
                return not (self.collection.get("can_read") and self.collection.get("can_write"))
            case Need.CREDENTIALS:
                return Role.MAIN not in self.credentials
            case Need.BASIC:
                return Role.MAIN not in self.credentials or not self.credentials[Role.MAIN].user
            case Need.RESTART:
                return self._restart is None
            case Need.SECOND | Need.READER | Need.WRITER | Need.LISTER:
                return Role[need.name] not in self.credentials

    @cached_property
    def submission(self) -> dict[str, Any]:
        """A submission of three objects that was complete when it was asked for last."""
        return self.stored(*(content.indicator(self.uuid()) for _ in range(_SUBMITTED)))

    @cached_property
    def seeds(self) -> Seeds:
        """The objects that most cases ask for; posted when first needed."""
        indicators = [content.indicator(self.uuid(), name=f"seed {number}") for number in range(INDICATORS)]
        uuid = self.uuid()
        versions = [content.malware(uuid, modified=modified) for modified in VERSIONS]
        for batch in (*_batches(indicators, _SUBMITTED), *([one] for one in versions)):
            self.stored(*batch)
        last, refused = content.address(self.uuid()), ""
        try:
            self.stored(last)
        except FailedError as error:
            # what rests on this object fails for it; the rest is judged all the same
            last, refused = content.indicator(self.uuid()), str(error)
            self.stored(last)
        return Seeds(
            indicators=tuple(one["id"] for one in indicators),
            malware=versions[0]["id"],
            last=last["id"],
            refused=refused,
            objects=(*indicators, *versions, last),
        )


def _batches(objects: Sequence[dict[str, Any]], size: int) -> list[Sequence[dict[str, Any]]]:
    return [objects[start : start + size] for start in range(0, len(objects), size)]


def _directory(path: str) -> str:
    return path if path.endswith("/") else f"{path}/"
