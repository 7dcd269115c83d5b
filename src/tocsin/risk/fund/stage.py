"""Where a fund's step is taken: by whom, under whose decision, in which entry. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from tocsin.errors import ForbiddenError, InputError
from tocsin.governance.privileged import ACTS
from tocsin.governance.state import Scene
from tocsin.kernel.mandate import MandateBasis
from tocsin.risk.scene import home

if TYPE_CHECKING:
    from tocsin.governance.state import Governed
    from tocsin.risk.fund.model import Fund, Funded

__all__ = ["Stage", "digest", "put", "speaks", "stage_of"]

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A governance scene, and what funds ask beyond it.

    ``index``: of the entry. ``privileged``: it is one that needs a mandate. ``decider``: the body whose motion gave the
    mandate; None: the founding mandate did. ``bodies``: those that there are. ``hub``: its URI. ``again``: the entry is
    in the log, and who may do it was asked then, of people as they were; what it makes is asked again all the same.
    """

    scene: Scene
    index: int
    environment: str
    hub: str
    privileged: bool = False
    decider: str | None = None
    bodies: frozenset[str] = frozenset()
    again: bool = False

    @property
    def entering(self) -> bool:
        """Whether it is entered now: limits are asked of what comes, and rules also of what is in the log."""
        return not self.again and not self.scene.retold

    def require_body(self, fund: Fund) -> None:
        """Refuse a decision about a fund that another body took than the fund's own.

        Raises:
            ForbiddenError: another did, or nobody; a fund that names no body is decided by whoever holds the right.
        """
        if not self.again and fund.body and self.decider != fund.body:
            raise ForbiddenError(
                f"{fund.body} decides about this fund",
                where=fund.name,
                todo=f"name a motion of {fund.body} that passed, with --motion",
            )

    def require_treasurer(self) -> None:
        """Refuse somebody who does not keep the fund's money: an operator of the hub does.

        Raises:
            ForbiddenError: it is somebody else.
        """
        if not self.again and not self.scene.is_operator(self.scene.who):
            raise ForbiddenError("an operator of the hub enters what was paid", where=self.scene.who)


def stage_of(scene: Scene, kind: str, governed: Governed, *, index: int, environment: str, hub: str) -> Stage:
    """Return the stage of an entry of some kind; ``governed`` holds the motion that the scene's mandate names, if any.

    Raises:
        NotFoundError: there is no such motion.
    """
    basis, _, reference = (scene.mandate or "").partition(":")
    return Stage(
        scene=scene,
        index=index,
        environment=environment,
        hub=hub,
        privileged=kind in ACTS,
        decider=governed.motion(reference).body if basis == MandateBasis.MOTION else None,
        bodies=frozenset(governed.bodies),
    )


def speaks(stage: Stage, uri: str, does: str) -> None:
    """See that an act is a vetted party's own, by somebody who speaks for it.

    Raises:
        ForbiddenError: somebody else does it, the party is not vetted, or the person only reads or is disabled.
    """
    if stage.again:
        return
    party = stage.scene.register.party_of(uri)
    if party is None or stage.scene.who.rpartition("@")[2] != party.name:
        raise ForbiddenError(f"a party {does}", where=stage.scene.who, todo="act for that party, with --as")
    home(stage.scene)


def put(funded: Funded, fund: Fund) -> Funded:
    """Return the funds with one as it is now."""
    return replace(funded, funds={**funded.funds, fund.name: fund})


def digest(text: str, what: str) -> str:
    """Return a SHA-256 in hexadecimal if it is one.

    Raises:
        InputError: it is none.
    """
    if _DIGEST.fullmatch(text) is None:
        raise InputError(f"this is no SHA-256 of a {what}", where=text[:80], todo="64 hexadecimal digits, lower case")
    return text
