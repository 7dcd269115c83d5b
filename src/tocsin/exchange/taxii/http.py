"""The routes of TAXII 2.1: each method of each path, who may use it, and what it does.

Whatever a reader may not see answers as what does not exist: the gate's answers hold nothing of it, and nothing here
looks past the gate.
"""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from tocsin.errors import InputError, LimitError, NotFoundError
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Query, VersionChoice
from tocsin.exchange.paging import SPEC_VERSION
from tocsin.exchange.reading import Asker
from tocsin.exchange.stix import DEFAULT_LIMITS
from tocsin.exchange.taxii import filters, wire
from tocsin.kernel.http.routes import KNOWN, Access, Body, Call, Endpoint, Reply, Route, needs
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import Permission, Principal

if TYPE_CHECKING:
    from tocsin.exchange.intake import Intake
    from tocsin.exchange.reading import Answer, Reading
    from tocsin.exchange.releases import Integrator
    from tocsin.exchange.withdraw import Withdrawals
    from tocsin.kernel.ids import Entropy
    from tocsin.log.service import Log
    from tocsin.parties.credentials import Authenticator

__all__ = ["MAX_CONTENT_LENGTH", "Services", "Taxii", "routes"]

# §4.2.1: what a client is told to keep to, and what we count.
MAX_CONTENT_LENGTH: Final = DEFAULT_LIMITS.max_bytes

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_OBJECT: Final = "there is no such object"

TaxiiCall: TypeAlias = Call[Principal]


class Services(Protocol):
    """What the routes need of a hub."""

    authenticator: Authenticator
    entropy: Entropy
    environment_name: str
    intake: Intake
    integrator: Integrator
    log: Log
    reading: Reading
    withdrawals: Withdrawals


class Taxii:
    """The endpoints of one API root: the environment's. ``address`` is where the world finds this server, if known."""

    def __init__(self, services: Services, *, address: str | None = None) -> None:
        self._reading = services.reading
        self._intake = services.intake
        self._withdrawals = services.withdrawals
        self._root = f"/{services.environment_name}/"
        # relative by default (§4.1.1): the Host header is the client's word, and no place to take our own name from
        self._discovery = wire.write_discovery(
            title=f"Tocsin at {services.log.origin.split('/', 1)[0]}",
            description="Threat intelligence under signed agreements",
            api_root=f"{(address or '').rstrip('/')}{self._root}",
        )
        self._api_root = wire.write_api_root(
            title=services.environment_name,
            description=f"Everything that is done here is entered into the log {services.log.origin}",
            max_content_length=MAX_CONTENT_LENGTH,
        )

    # --- server (§4) -------------------------------------------------------------------------------------------------

    def discovery(self, _call: TaxiiCall) -> Reply:
        """Answer with the discovery resource (§4.1); to those who are known only, which the section allows."""
        return Reply(body=self._discovery)

    def api_root(self, _call: TaxiiCall) -> Reply:
        """Answer with the API root resource (§4.2)."""
        return Reply(body=self._api_root)

    def status(self, call: TaxiiCall) -> Reply:
        """Answer with the status of one of the asker's own submissions (§4.3)."""
        uuid = call.path["status"]
        receipt = self._intake.receipt(call.principal.party, uuid) if _UUID.fullmatch(uuid) is not None else None
        if receipt is None:
            raise NotFoundError("there is no such status")
        return Reply(body=wire.write_status(receipt))

    # --- collections (§5) --------------------------------------------------------------------------------------------

    def collections(self, call: TaxiiCall) -> Reply:
        """Answer with the collections that the asker may know of (§5.1)."""
        can_read, can_write = _rights(call.principal)
        found = self._reading.collections(Asker.of(call.principal))
        return Reply(body=wire.write_collections(found, can_read=can_read, can_write=can_write))

    def collection(self, call: TaxiiCall) -> Reply:
        """Answer with one collection, by id or alias (§5.2)."""
        can_read, can_write = _rights(call.principal)
        found = self._reading.collection(Asker.of(call.principal), call.path["collection"])
        return Reply(body=wire.write_collection(found, can_read=can_read, can_write=can_write))

    def manifest(self, call: TaxiiCall) -> Reply:
        """Answer with a page of what there is (§5.3)."""
        ask = filters.read_filters(call.query, filters.MANIFEST)
        answer = self._manifest(call, ask)
        return _page(answer, wire.write_manifest(answer.page.items, answer.next))

    def objects(self, call: TaxiiCall) -> Reply:
        """Answer with a page of objects (§5.4)."""
        ask = filters.read_filters(call.query, filters.OBJECTS)
        answer = self._objects(call, ask)
        return _envelope(answer)

    def add(self, call: TaxiiCall) -> Reply:
        """Take an envelope (§5.5); what the answer says is stored when it is given."""
        acting = Acting(actor=call.principal.id)
        collection = self._reading.collection(Asker.of(call.principal), call.path["collection"])
        submission = Submission(
            party=call.principal.party, acting=acting, data=call.body, envelope=True, collection=collection.uuid
        )
        try:
            receipt = self._intake.submit(submission)
        except LimitError as error:
            # §4.2.1: what is shorter than max_content_length never gets 413; whatever else is too much of is 422
            raise InputError(error.what, where=error.where, todo=error.todo) from error
        return Reply(body=wire.write_status(receipt), status=HTTPStatus.ACCEPTED)

    def object(self, call: TaxiiCall) -> Reply:
        """Answer with the versions of one object that the request asks for (§5.6)."""
        ask = filters.read_filters(call.query, filters.OBJECT, object_id=_object_id(call))
        answer = self._objects(call, ask)
        if not answer.page.items:
            self._require_object(call, ask)
        return _envelope(answer)

    def versions(self, call: TaxiiCall) -> Reply:
        """Answer with the versions of one object (§5.8)."""
        ask = filters.read_filters(call.query, filters.VERSIONS, object_id=_object_id(call), versions=VersionChoice.ALL)
        answer = self._manifest(call, ask)
        if not answer.page.items:
            self._require_object(call, ask)
        return _page(answer, wire.write_versions(answer.page.items, answer.next))

    def delete(self, call: TaxiiCall) -> Reply:
        """Withdraw the asker's own versions of an object (§5.7): those that match, or all of them."""
        object_id = _object_id(call)
        ask = filters.read_filters(call.query, filters.DELETE, object_id=object_id, versions=VersionChoice.ALL)
        collection = self._reading.collection(Asker.of(call.principal), call.path["collection"])
        if ask.query.spec_versions is not None and SPEC_VERSION not in ask.query.spec_versions:
            raise NotFoundError(_OBJECT)
        self._withdrawals.withdraw(
            Acting(actor=call.principal.id), call.principal.party, collection.uuid, object_id, ask.query.versions
        )
        return Reply(body=wire.EMPTY)

    # --- what they share ---------------------------------------------------------------------------------------------

    def _objects(self, call: TaxiiCall, ask: filters.Ask) -> Answer:
        return self._reading.objects(
            Asker.of(call.principal), call.path["collection"], ask.query, limit=ask.limit, cursor=ask.cursor
        )

    def _manifest(self, call: TaxiiCall, ask: filters.Ask) -> Answer:
        return self._reading.manifest(
            Asker.of(call.principal), call.path["collection"], ask.query, limit=ask.limit, cursor=ask.cursor
        )

    def _require_object(self, call: TaxiiCall, ask: filters.Ask) -> None:
        """Tell an object of which nothing matches from one that is not there, for this reader.

        Raises:
            NotFoundError: it is not there.
        """
        if ask.narrows:
            anything = filters.Ask(query=Query(ids=ask.query.ids, versions=frozenset({VersionChoice.ALL})), limit=1)
            if self._manifest(call, anything).page.items:
                return
        raise NotFoundError(_OBJECT)


def routes(services: Services, *, address: str | None = None) -> list[Route[Principal]]:
    """Return the table of routes: every path, its methods, and the permissions that each takes."""
    taxii = Taxii(services, address=address)
    root = f"/{services.environment_name}"
    collection = f"{root}/collections/{{collection:str}}"
    one = f"{collection}/objects/{{object:str}}"
    envelope = Body(types=(wire.TAXII_TYPE,), limit=MAX_CONTENT_LENGTH)
    known = needs(Permission.COLLECTIONS_READ)
    read = needs(Permission.OBJECTS_READ)
    submit = needs(Permission.OBJECTS_SUBMIT)
    # §5.7: only where the asker can read and can write; who can do neither is told 404, and who lacks one of them 403
    delete = Access(
        permissions=frozenset({Permission.OBJECTS_READ, Permission.OBJECTS_SUBMIT, Permission.OBJECTS_DELETE}),
        hidden_without=frozenset({Permission.OBJECTS_READ, Permission.OBJECTS_SUBMIT}),
    )
    return [
        Route(path="/taxii2", methods={"GET": Endpoint(access=KNOWN, run=taxii.discovery)}),
        Route(path=root, methods={"GET": Endpoint(access=KNOWN, run=taxii.api_root)}),
        Route(path=f"{root}/status/{{status:str}}", methods={"GET": Endpoint(access=submit, run=taxii.status)}),
        Route(path=f"{root}/collections", methods={"GET": Endpoint(access=known, run=taxii.collections)}),
        Route(path=collection, methods={"GET": Endpoint(access=known, run=taxii.collection)}),
        Route(path=f"{collection}/manifest", methods={"GET": Endpoint(access=read, run=taxii.manifest)}),
        Route(
            path=f"{collection}/objects",
            methods={
                "GET": Endpoint(access=read, run=taxii.objects),
                "POST": Endpoint(access=submit, run=taxii.add, body=envelope),
            },
        ),
        Route(
            path=one,
            methods={
                "GET": Endpoint(access=read, run=taxii.object),
                "DELETE": Endpoint(access=delete, run=taxii.delete),
            },
        ),
        Route(path=f"{one}/versions", methods={"GET": Endpoint(access=read, run=taxii.versions)}),
    ]


def _rights(principal: Principal) -> tuple[bool, bool]:
    return Permission.OBJECTS_READ in principal.permissions, Permission.OBJECTS_SUBMIT in principal.permissions


def _object_id(call: TaxiiCall) -> str:
    text = call.path["object"]
    if not filters.is_object_id(text):
        raise NotFoundError(_OBJECT)
    return text


def _envelope(answer: Answer) -> Reply:
    bodies, following = answer.page.bodies, answer.next
    page = _page(answer, wire.write_envelope(bodies, following))
    return replace(page, pieces=lambda: wire.envelope_pieces(bodies, following)) if bodies else page


def _page(answer: Answer, body: bytes) -> Reply:
    return Reply(body=body, headers=wire.added_headers(answer.page))
