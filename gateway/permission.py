"""Whether marking may begin: latches, the start's gate, trusted time, then the plan."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.contract.plan import Plan
from gateway.latches import Latches
from gateway.logbook import Logbook
from gateway.moves import (
    Note,
)
from gateway.plan import Permit, permit


@dataclass
class Permission:
    """What every station asks before an intent, and again while a device waits armed."""

    logbook: Logbook
    latches: Latches
    start_grace_s: float
    monotonic: Callable[[], float] = time.monotonic
    plan: Plan | None = None
    held: Note | None = None
    """Why marking is held: a newer plan came and could not be journalled."""
    stopping: bool = False
    """The process is about to end: what waits armed is withdrawn, and nothing begins."""
    answered: bool = False
    """A receipt has answered this boot."""
    _started: float = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._started = self.monotonic()

    @property
    def awaiting(self) -> bool:
        """No receipt has answered this boot yet, and one may still come."""
        return not self.answered and self.monotonic() - self._started < self.start_grace_s

    def to_write(self) -> Note | None:
        """Why nothing may be journalled but what is already true of metal under way; or None."""
        if self.stopping:
            return Note("stopping")
        for latch, cause in self.latches.causes.items():
            return Note(latch, (("cause", cause),))
        if self.logbook.full and self.logbook.lacks_room():
            return Note("journal-full")
        return None

    def ask(self, order: str | None) -> Permit | Note:
        """The permit, or the note that says why not."""
        refused = self.to_write() or self.held
        if refused is not None:
            return refused
        if self.awaiting:
            # Offline the guard alone has to do: it was checked at the start, else a latch stands.
            return Note("awaiting-receipt")
        clock = self.logbook.clock
        if not clock.trusted():
            return Note("no-trusted-time")
        found = permit(self.plan, order, clock.lease_now())
        if self.plan is not None and isinstance(found, Note) and found.code == "lease-ended":
            by_register = clock.by_receipt()
            if by_register is not None and by_register < self.plan.lease_until:
                # The kernel calls a clock synchronised that contradicts the register's receipts.
                return Note("clock-ahead")
        return found
