"""Catalogues of controls, as baselines use them; and the seven baseline requirements, built in. Pure."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tocsin.errors import InputError, NotFoundError
from tocsin.parties.model import check_name

__all__ = ["CONTROL_ID", "MAX_CONTROLS", "SEVEN", "Catalogue", "Control", "LeftOut"]

# NIST SP 800-53 with all enhancements has some 1,200.
MAX_CONTROLS: Final = 10_000
# OSCAL's token: an XML name without colon, as far as catalogues use it.
CONTROL_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,127}", re.ASCII)


class Control(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One requirement. ``within`` is the control that it enhances; a withdrawn one is known and asked of nobody."""

    id: str
    title: str
    statement: str = ""
    group: str = ""
    within: str | None = None
    withdrawn: bool = False


class LeftOut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a document is not kept: fields that OSCAL has and we do not use, fields that it has not; how often each.

    Named by where they stand: ``control.links``.
    """

    unused: dict[str, int] = msgspec.field(default_factory=dict)
    unknown: dict[str, int] = msgspec.field(default_factory=dict)


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A catalogue under the short name that it has here. ``sha256`` is that of the file it was read from, if any."""

    name: str
    title: str
    version: str
    controls: tuple[Control, ...]
    uuid: str | None = None
    sha256: str | None = None
    left_out: LeftOut = msgspec.field(default_factory=LeftOut)

    def __post_init__(self) -> None:
        check_name(self.name, "catalogue")
        ids = {control.id for control in self.controls}
        if not self.controls or len(ids) < len(self.controls):
            raise InputError("a catalogue has controls, each of an id of its own", where=self.name)

    def control(self, control_id: str) -> Control:
        """Return a control.

        Raises:
            NotFoundError: there is none of this id.
        """
        found = next((one for one in self.controls if one.id == control_id), None)
        if found is None:
            raise NotFoundError(
                "the catalogue has no such control", where=control_id[:80], todo=f"`tocsin baseline show {self.name}`"
            )
        return found


# The names are those under which the requirements are known; the words are ours.
_SEVEN: Final = {
    "government": (
        "Continuity of government and critical government services",
        (
            "Decisions can be taken, made known and carried out, and the services on which life and order depend "
            "go on, when buildings, networks or people in office are lost."
        ),
    ),
    "energy": (
        "Resilient energy supplies",
        (
            "Electricity, gas, heat and fuel reach those who must have them, from more than one source and over "
            "more than one way; there are plans and stocks for when they do not, and the grid can be started from"
            " nothing."
        ),
    ),
    "movement": (
        "Ability to deal with the uncontrolled movement of people",
        (
            "Many people on the move at once can be received, registered, housed and led, without their ways and "
            "those of emergency services and forces blocking each other."
        ),
    ),
    "food-water": (
        "Resilient food and water resources",
        (
            "Drinking water and food are safe, guarded against sabotage, and there in sufficient amount when "
            "works, stores or imports fail."
        ),
    ),
    "casualties": (
        "Ability to deal with mass casualties and disruptive health crises",
        (
            "Hospitals and public health can take in many injured or sick at once and go on with what cannot "
            "wait, with medicines, staff and power in reserve."
        ),
    ),
    "communications": (
        "Resilient civil communications systems",
        (
            "Telephone, data and broadcasting networks work under attack and without mains power for a known "
            "time, with precedence for those who answer the crisis."
        ),
    ),
    "transport": (
        "Resilient transport systems",
        "Roads, railways, ports and airports can be used or soon repaired; civil needs and forces' are both met.",
    ),
}
SEVEN: Final = Catalogue(
    name="nato-seven",
    title="The seven baseline requirements for national resilience",
    version="1",
    controls=tuple(
        Control(id=control_id, title=title, statement=statement, group="National resilience")
        for control_id, (title, statement) in _SEVEN.items()
    ),
)
