"""What the addresses of ``/api/v1`` do: each a thin function between a request and a service.

Whatever a reader may not see answers as what does not exist: the gate's answers hold nothing of it, and nothing here
looks past the gate.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import msgspec

from tocsin.errors import ForbiddenError, NotFoundError
from tocsin.exchange.api import forms, lists, wire
from tocsin.exchange.api.parts import id_in
from tocsin.exchange.api.queries import (
    ObjectQuery,
    ObjectsQuery,
    ShareQuery,
    WhyQuery,
    WithdrawQuery,
    chosen_versions,
    objects_query,
)
from tocsin.exchange.asking import Question
from tocsin.exchange.intake import Submission
from tocsin.exchange.model import Query, VersionChoice
from tocsin.exchange.reading import Asker
from tocsin.exchange.taxii.filters import is_object_id
from tocsin.kernel.http.query import read_query
from tocsin.kernel.http.routes import Call, Reply
from tocsin.kernel.mandate import Acting
from tocsin.parties.model import PartyStatus, Principal, check_purpose

if TYPE_CHECKING:
    from tocsin.agreements.service import Agreements
    from tocsin.exchange.access.delegating import Delegating
    from tocsin.exchange.asking import Asking
    from tocsin.exchange.intake import Intake
    from tocsin.exchange.model import Collection
    from tocsin.exchange.reading import Answer, Reading
    from tocsin.exchange.withdraw import Withdrawals
    from tocsin.parties.service import Parties

__all__ = ["RECEIPTS", "Api", "Services"]

RECEIPTS: Final = "/api/v1/receipts"

# As `Asking` says it, so that an id which is none is told from none by nobody.
_NOTHING: Final = "there is no such object, or none that you may see"

ApiCall: TypeAlias = Call[Principal]


class Services(lists.Services, Protocol):
    """What the addresses need of a hub."""

    agreements: Agreements
    asking: Asking
    delegating: Delegating
    intake: Intake
    parties: Parties
    reading: Reading
    withdrawals: Withdrawals


class Api:
    """The addresses of ``/api/v1`` in one environment."""

    def __init__(self, services: Services) -> None:
        self._lists = lists.Lists(services)
        self._agreements = services.agreements
        self._asking = services.asking
        self._delegating = services.delegating
        self._intake = services.intake
        self._parties = services.parties
        self._reading = services.reading
        self._withdrawals = services.withdrawals

    def me(self, call: ApiCall) -> Reply:
        """Answer with who is asking."""
        return wire.reply(forms.me(call.principal))

    # --- collections and objects -------------------------------------------------------------------------------------

    def collections(self, call: ApiCall) -> Reply:
        """Answer with the collections that the asker may know of."""
        found = self._reading.collections(Asker.of(call.principal))
        return wire.reply(wire.Collections(collections=[forms.collection(one) for one in found]))

    def collection(self, call: ApiCall) -> Reply:
        """Answer with one collection."""
        return wire.reply(forms.collection(self._collection(call)))

    def objects(self, call: ApiCall) -> Reply:
        """Answer with a page of objects."""
        asked = read_query(call.query, ObjectsQuery)
        return _page(self._answer(call, objects_query(asked), asked), self._reading)

    def object(self, call: ApiCall) -> Reply:
        """Answer with versions of one object."""
        asked = read_query(call.query, ObjectQuery)
        versions = chosen_versions(asked.version, otherwise=VersionChoice.LAST)
        query = Query(ids=frozenset({_object_id(call)}), versions=versions)
        answer = self._answer(call, query, asked)
        if not answer.page.items:
            raise NotFoundError(_NOTHING)
        return _page(answer, self._reading)

    def share(self, call: ApiCall) -> Reply:
        """Take a bundle; what the answer says is stored when it is given."""
        asked, own = read_query(call.query, ShareQuery), call.principal.party
        receipt = self._intake.submit(
            Submission(
                party=own if asked.for_ is None else self._represented(own, asked.for_),
                delegate=None if asked.for_ is None else own,
                acting=Acting(actor=call.principal.id),
                data=call.body,
                collection=self._collection(call).uuid,
                tlp=asked.tlp,
                to=tuple(sorted(set(asked.to))),
            )
        )
        if receipt.id is None:
            return wire.reply(forms.receipt(receipt if asked.for_ is None else forms.of_another(receipt)))
        if asked.for_ is not None:
            # the receipt is kept for whose submission it is: here it is told once, and as of objects that are all new
            return wire.reply(forms.receipt(forms.of_another(receipt)), status=HTTPStatus.CREATED)
        where = (("location", f"{RECEIPTS}/{receipt.id}"),)
        return wire.reply(forms.receipt(receipt), status=HTTPStatus.CREATED, headers=where)

    def receipt(self, call: ApiCall) -> Reply:
        """Answer with the receipt of one of the asker's party's own submissions."""
        missing = "there is no such receipt"
        found = self._intake.receipt(call.principal.party, id_in(call.path, "receipt", missing))
        if found is None:
            raise NotFoundError(missing)
        return wire.reply(forms.receipt(found))

    def withdraw(self, call: ApiCall) -> Reply:
        """Withdraw the asker's own versions of an object."""
        asked = read_query(call.query, WithdrawQuery)
        withdrawn = self._withdrawals.withdraw(
            Acting(actor=call.principal.id),
            call.principal.party,
            self._collection(call).uuid,
            _object_id(call),
            chosen_versions(asked.version, otherwise=VersionChoice.ALL),
        )
        return wire.reply(wire.Withdrawn(withdrawn=withdrawn))

    # --- why and who -------------------------------------------------------------------------------------------------

    def why(self, call: ApiCall) -> Reply:
        """Answer why an object may or may not be read."""
        asked = read_query(call.query, WhyQuery)
        object_id = _object_id(call)
        principal = call.principal
        party, user = self._parties.resolve(principal.id)
        purpose = principal.purpose if asked.purpose is None else asked.purpose
        check_purpose(purpose)
        if purpose != principal.purpose and asked.reader in {None, principal.id}:
            # what one may read for a purpose is told to who reads for it
            raise ForbiddenError(
                f"these credentials are for the purpose {principal.purpose!r}",
                where="purpose",
                todo="ask with credentials for that purpose, or about another reader",
            )
        found = self._asking.why(
            Question(
                object_id=object_id,
                party=party,
                user=user,
                acting=Acting(actor=principal.id),
                purpose=purpose,
                reader=asked.reader,
            )
        )
        return wire.reply(forms.verdicts(found))

    def who(self, call: ApiCall) -> Reply:
        """Answer who received an object."""
        principal = call.principal
        object_id = _object_id(call)
        party, user = self._parties.resolve(principal.id)
        found = self._asking.who(
            Question(
                object_id=object_id,
                party=party,
                user=user,
                acting=Acting(actor=principal.id),
                purpose=principal.purpose,
            )
        )
        return wire.reply(forms.who_received(found))

    # --- parties and agreements --------------------------------------------------------------------------------------

    def parties(self, call: ApiCall) -> Reply:
        """Answer with the vetted parties: members address each other, and decide whom they trust."""
        found = self._parties.vetted_within(self._lists.span(call, "parties"))
        told = [forms.party(one) for one in found.items]
        return wire.reply(wire.Parties(parties=told, next=self._lists.next(call, "parties", found.last)))

    def party(self, call: ApiCall) -> Reply:
        """Answer with one vetted party."""
        for one in self._parties.all_parties():
            if one.name == call.path["party"] and one.status is PartyStatus.VETTED:
                return wire.reply(forms.party(one))
        raise NotFoundError("there is no such party")

    def agreements(self, call: ApiCall) -> Reply:
        """Answer with every version of the asker's party's agreements."""
        found = self._agreements.versions_of(call.principal.party_name, self._lists.span(call, "agreements"))
        told = [forms.agreement(one) for one in found.items]
        return wire.reply(wire.Agreements(agreements=told, next=self._lists.next(call, "agreements", found.last)))

    def agreement(self, call: ApiCall) -> Reply:
        """Answer with one version of an agreement of the asker's party."""
        for one in self._agreements.all_versions():
            named = (one.name, str(one.version)) == (call.path["agreement"], call.path["version"])
            if named and one.concerns(call.principal.party_name):
                return wire.reply(forms.agreement(one))
        raise NotFoundError("there is no such agreement of yours")

    def _represented(self, delegate: str, name: str) -> str:
        """Return the party (by its URI) that lets another share for it.

        Raises:
            ForbiddenError: none of this name does: the same words, whether there is such a party or not.
        """
        found = next((one.uri for one in self._parties.all_parties() if one.name == name), "")
        return self._delegating.standing(represented=found, delegate=delegate)[0].represented

    # --- what they share ---------------------------------------------------------------------------------------------

    def _collection(self, call: ApiCall) -> Collection:
        return self._reading.collection(Asker.of(call.principal), call.path["collection"])

    def _answer(self, call: ApiCall, query: Query, asked: ObjectsQuery | ObjectQuery) -> Answer:
        asker = Asker.of(call.principal)
        if asked.client is not None:
            # whoever is no party, or none that this one serves, is refused by the gate in the same words
            found = (one.uri for one in self._parties.all_parties() if one.name == asked.client)
            asker = msgspec.structs.replace(asker, client=next(found, ""))
        return self._reading.objects(asker, call.path["collection"], query, limit=asked.limit, cursor=asked.cursor)


def _page(answer: Answer, reading: Reading) -> Reply:
    return wire.reply(forms.page(answer, reading.tlp))


def _object_id(call: ApiCall) -> str:
    text = call.path["object"]
    if not is_object_id(text):
        raise NotFoundError(_NOTHING)
    return text
