"""Whether this process can do its work: found out beside the requests, and told to whoever asks without any work.

Anyone may ask whether the hub is ready, as often as they like: the answer is what the last look found, so that asking
costs nothing, waits for nothing and takes no writer's turn from anybody.
"""

from __future__ import annotations

from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from tocsin.errors import TocsinError
from tocsin.kernel.clock import format_instant
from tocsin.serving.metrics import staged_age

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tocsin.exchange.emergency.model import Crisis
    from tocsin.exchange.replica import Replica
    from tocsin.kernel.db import Store
    from tocsin.log.service import Log

__all__ = ["LOOK_SECONDS", "Active", "Check", "Health", "Report"]

LOOK_SECONDS: Final = 5.0
# A look that is older than this was the last one: whoever looks is stuck, and so may be everything else.
STALE_SECONDS: Final = 20.0
# A submission of the largest size takes some seconds; who waits longer has a stuck neighbour.
WRITER_SECONDS: Final = 10.0
# A release is in the log within a second; after so many the integrator is not at work.
STAGED_SECONDS: Final = 30.0


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at. ``detail`` is for the operator: what was found, in words of ours."""

    name: str
    ok: bool
    detail: str


class Active(msgspec.Struct, frozen=True, kw_only=True):
    """An emergency annex that is active; ``annex`` is ``name/version#annex``, ``until`` RFC 3339."""

    annex: str
    until: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the last look found, and which emergency annexes are active: a hub at work is ready in a crisis, too."""

    ready: bool
    checks: list[Check]
    crises: list[Active]


class Health:
    """Looks at the store, the writer, the log and the replica."""

    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        replica: Replica,
        environment: int,
        crises: Callable[[], Sequence[Crisis]] = tuple,
        monotonic_: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._replica = replica
        self._log = log
        self._environment = environment
        self._crises = crises
        self._monotonic = monotonic_
        self._looked: float | None = None
        self._found: tuple[Check, ...] = ()
        self._size = 0  # of the log, as far as a look saw it

    def look(self) -> None:
        """Look at everything; whatever is wrong with the store is a finding, and not raised.

        A fault of ours is raised: the look before then grows old, and nobody is ready any more.
        """
        found = tuple(
            self._checked(name, check)
            for name, check in (
                ("schema", self._schema),
                ("history", self._history),
                ("integrator", self._integrator),
                ("writer", self._writer),
                ("replica", self._near),
            )
        )
        self._found, self._looked = found, self._monotonic()

    @property
    def ready(self) -> bool:
        """Return whether the last look was lately, and found everything in order."""
        return not self._stale and all(check.ok for check in self._found)

    def report(self) -> Report:
        """Return what the last look found."""
        stale = Check(name="look", ok=not self._stale, detail="not lately" if self._stale else "lately")
        active = [Active(annex=one.id, until=format_instant(one.until)) for one in self._crises()]
        return Report(ready=self.ready, checks=[stale, *self._found], crises=active)

    @property
    def _stale(self) -> bool:
        return self._looked is None or self._monotonic() - self._looked > STALE_SECONDS

    def _checked(self, name: str, check: Callable[[], tuple[bool, str]]) -> Check:
        try:
            ok, detail = check()
        except TocsinError as error:
            ok, detail = False, error.what
        except (SQLAlchemyError, OSError) as error:
            # what the store has no words of ours for; its own may hold an address with a password
            ok, detail = False, type(error).__name__
        return Check(name=name, ok=ok, detail=detail)

    def _schema(self) -> tuple[bool, str]:
        self._store.require_current()
        return True, "reachable, and of this program's schema"

    def _history(self) -> tuple[bool, str]:
        with self._store.read() as connection:
            size = self._log.look(connection).size
        # one look after the other: a log that is shorter went back, to a head that may well be known
        self._size = max(size, self._size)
        if size < self._size:
            return False, f"{size} entries, and this process had read {self._size}: start every process of the hub anew"
        return True, f"{size} entries, and all that this process had read is among them"

    def _near(self) -> tuple[bool, str]:
        """Tell how the replica does; whatever it is, pages are made from the database without it."""
        state = self._replica.look()
        if state is None:
            return True, "there is none"
        behind = "never seen" if state.lag is None else f"{state.lag:.1f} s behind"
        return True, f"{state.says}; {behind}; {state.pages} pages from it, {state.passed_over} from the database"

    def _integrator(self) -> tuple[bool, str]:
        with self._store.read() as connection:
            count, age = staged_age(connection, self._environment, self._log.now(connection))
        return age <= STAGED_SECONDS, f"{count} releases wait, the oldest for {age:.1f} s"

    def _writer(self) -> tuple[bool, str]:
        start = perf_counter()
        with self._store.write():
            waited = perf_counter() - start
        return waited <= WRITER_SECONDS, f"its turn came after {waited:.3f} s"
