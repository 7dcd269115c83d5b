"""Applications as rows hold them and as the log tells their acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tocsin.errors import InputError
from tocsin.kernel.canonical import Json, digest
from tocsin.parties.vetting.model import AccessReview, Application, ApplicationAct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.parties.model import Token, User

__all__ = ["access_digest", "act_data", "decode", "encode", "review_data", "told_application", "told_review"]

_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(Application)


def encode(application: Application) -> bytes:
    """Return an application as JSON."""
    return _ENCODER.encode(application)


def decode(body: bytes) -> Application:
    """Return the application that JSON holds.

    Raises:
        InputError: it holds none.
    """
    try:
        return _DECODER.decode(body)
    except msgspec.DecodeError as error:
        raise InputError(f"this is no application: {error}") from error


def act_data(act: ApplicationAct, application: Application) -> dict[str, object]:
    """Return the data of the entry of an act, from the application after it."""
    told: dict[str, object] = {"application": application.uuid, "party": application.party}
    match act:
        case ApplicationAct.OPENED:
            told |= {
                "track": application.track,
                "clearance": application.clearance,
                "capacities": sorted(application.capacities),
                "sponsor": application.sponsor,
            }
        case ApplicationAct.EVIDENCE:
            paper = application.evidence[-1]
            told |= {"kind": paper.kind, "title": paper.title, "sha256": paper.sha256, "until": paper.until}
        case ApplicationAct.REVIEWED:
            review = application.reviews[-1]
            told |= {
                "reviewer": review.reviewer,
                "of": review.party,
                "approves": review.approves,
                "reasons": review.reasons,
            }
        case ApplicationAct.ENDORSED:
            told |= {"by": application.endorsed_by}
        case ApplicationAct.PROLONGED:
            told |= {"until": application.prolonged, "reason": application.prolonged_because}
        case _:
            told |= {"reason": application.reason, "until": application.until}
    return told


def told_application(act: ApplicationAct, data: Mapping[str, Any], before: Application | None) -> Application:
    """Return the application as an entry of an act would have it; what the log does not tell is filled in later.

    Raises:
        InputError: the data has not the form of that act.
    """
    try:
        if act is ApplicationAct.OPENED:
            made = {name: data[name] for name in ("party", "track", "clearance", "capacities", "sponsor")}
            return msgspec.convert(made | {"uuid": data["application"], "opened_at": 0}, Application)
        if before is None or before.party != data["party"]:
            raise InputError("it is about an application that was never opened")
        plain: dict[str, Any] = msgspec.to_builtins(before)
        match act:
            case ApplicationAct.EVIDENCE:
                paper = {name: data[name] for name in ("kind", "title", "sha256", "until")} | {"added_at": 0}
                plain["evidence"] = [*plain["evidence"], paper]
            case ApplicationAct.REVIEWED:
                review = {"reviewer": data["reviewer"], "party": data["of"], "at": 0}
                review |= {"approves": data["approves"], "reasons": data["reasons"]}
                plain["reviews"] = [*plain["reviews"], review]
            case ApplicationAct.ENDORSED:
                plain["endorsed_by"] = data["by"]
            case ApplicationAct.PROLONGED:
                plain |= {"prolonged": data["until"], "prolonged_because": data["reason"]}
            case _:
                plain |= {"reason": data["reason"], "until": data["until"]}
        return msgspec.convert(plain, Application)
    except (KeyError, msgspec.ValidationError) as error:
        raise InputError(f"it has not the form of its kind: {error}") from error


def review_data(review: AccessReview) -> dict[str, object]:
    """Return the data of the entry of an access review."""
    return {name: getattr(review, name) for name in ("party", "by", "digest", "users", "tokens")}


def told_review(data: Mapping[str, Any], at: int) -> AccessReview:
    """Return the access review that an entry tells.

    Raises:
        InputError: it has not the form.
    """
    try:
        return msgspec.convert(dict(data) | {"at": at}, AccessReview)
    except msgspec.ValidationError as error:
        raise InputError(f"it has not the form of its kind: {error}") from error


def access_digest(users: list[User], tokens: list[Token]) -> str:
    """Return the digest of who has which roles, and of the tokens that are good."""
    listed: list[Json] = [
        [
            [user.name, [*sorted(map(str, user.roles))], user.clearance]
            for user in sorted(users, key=lambda one: one.name)
        ],
        [
            [token.token_id, token.user, token.purpose, [*sorted(map(str, token.permissions))]]
            for token in sorted(tokens, key=lambda one: one.token_id)
        ],
    ]
    return digest("tocsin/access-review/v1", listed).hex()
