"""Labels and profiles as rows: equal values share one row, and no row ever changes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import bindparam, func, select

from tocsin.agreements.model import Label, Profile
from tocsin.agreements.tables import LABELS, PROFILES
from tocsin.errors import StoreBrokenError
from tocsin.kernel.canonical import Json, digest
from tocsin.kernel.db.store import chunks, next_id

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from tocsin.kernel.clock import Micros
    from tocsin.kernel.db.adapter import Adapter

__all__ = [
    "as_json",
    "count_new_labels",
    "intern_labels",
    "intern_profile",
    "label_digest",
    "read_labels",
    "read_profile",
]


_LATER: Final = frozenset({"grant", "client", "acts_as", "ends"})
_LABEL: Final = msgspec.json.Decoder(Label)
_PROFILE: Final = msgspec.json.Decoder(Profile)
_PROFILE_ID: Final = select(PROFILES.c.profile_id).where(
    PROFILES.c.environment == bindparam("environment"), PROFILES.c.digest == bindparam("digest")
)
_KNOWN_LABELS: Final = select(LABELS.c.digest, LABELS.c.label_id).where(
    LABELS.c.environment == bindparam("environment"), LABELS.c.digest.in_(bindparam("digests", expanding=True))
)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def as_json(value: Label | Profile) -> dict[str, Json]:
    """Return a value as it stands in the log and under its digest: sets sorted, every field there.

    Fields that came later are left out where they say nothing: what was told before them keeps its digest.
    """
    plain = msgspec.to_builtins(value, order="deterministic")
    return {
        key: sorted(item) if isinstance(item, (list, tuple, set, frozenset)) else item
        for key, item in plain.items()
        if item is not None or key not in _LATER
    }


def label_digest(label: Label) -> bytes:
    """Return what tells this label from every other."""
    return digest("tocsin/label/v1", as_json(label))


@functools.lru_cache(maxsize=2_048)  # asked for by every page
def profile_digest(profile: Profile) -> bytes:
    """Return what tells this profile from every other."""
    return digest("tocsin/profile/v1", as_json(profile))


def intern_labels(
    connection: Connection, environment: int, labels: Collection[Label], at: Micros
) -> tuple[dict[Label, int], list[tuple[int, Label]]]:
    """Return the id of each label, and those that are new with this call."""
    digests = {label_digest(label): label for label in labels}
    ids: dict[Label, int] = {}
    for part in chunks(list(digests)):
        known = connection.execute(_KNOWN_LABELS, {"environment": environment, "digests": part})
        ids.update((digests[row.digest], int(row.label_id)) for row in known)
    fresh = [(key, label) for key, label in digests.items() if label not in ids]
    new: list[tuple[int, Label]] = []
    if fresh:
        free = next_id(connection, LABELS.c.label_id)
        rows = []
        for place, (key, label) in enumerate(fresh):
            ids[label] = free + place
            new.append((free + place, label))
            rows.append(
                {
                    "label_id": free + place,
                    "environment": environment,
                    "digest": key,
                    "owner": label.owner,
                    "type": label.type,
                    "body": _ENCODER.encode(as_json(label)),
                    "first_at": at,
                }
            )
        connection.execute(LABELS.insert(), rows)
    return ids, new


def count_new_labels(connection: Connection, environment: int, owner: str, since: Micros) -> int:
    """Return how many labels a party's contributions have made since an instant."""
    query = (
        select(func.count())
        .select_from(LABELS)
        .where(LABELS.c.environment == environment, LABELS.c.owner == owner, LABELS.c.first_at >= since)
    )
    return int(connection.execute(query).scalar_one())


def read_labels(connection: Connection, adapter: Adapter, ids: Sequence[int]) -> dict[int, Label]:
    """Return labels by their ids.

    Raises:
        StoreBrokenError: one of them is not there.
    """
    wanted = adapter.integers(ids, "wanted")
    rows = connection.execute(
        select(LABELS.c.label_id, LABELS.c.body).join(wanted, wanted.c.value == LABELS.c.label_id)
    ).all()
    labels = {int(row.label_id): _LABEL.decode(row.body) for row in rows}
    if missing := set(ids) - set(labels):
        raise StoreBrokenError(f"label {min(missing)} is not there", where="labels")
    return labels


def intern_profile(connection: Connection, environment: int, profile: Profile, at: Micros) -> int:
    """Return the id of a profile, entering it when it is new."""
    key = profile_digest(profile)
    known = connection.execute(_PROFILE_ID, {"environment": environment, "digest": key}).scalar_one_or_none()
    if known is not None:
        return int(known)
    free = next_id(connection, PROFILES.c.profile_id)
    connection.execute(
        PROFILES.insert().values(
            profile_id=free, environment=environment, digest=key, body=_ENCODER.encode(as_json(profile)), first_at=at
        )
    )
    return free


def read_profile(connection: Connection, profile_id: int) -> Profile:
    """Return a profile by its id.

    Raises:
        StoreBrokenError: it is not there.
    """
    body = connection.execute(select(PROFILES.c.body).where(PROFILES.c.profile_id == profile_id)).scalar_one_or_none()
    if body is None:
        raise StoreBrokenError(f"profile {profile_id} is not there", where="profiles")
    return _PROFILE.decode(body)
