"""Time at the gateway: when it is trusted, and which time counts against a lease.

The rule as a formula, and why: docs/decisions/0053-the-lease-rule.md.
"""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.contract.record import ClockState, synchronised_time

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
UNKNOWN = datetime.min.replace(tzinfo=UTC)
"""The lease time where nothing is known of the true time; nothing is marked then."""


def kernel_synchronised() -> bool:
    """Whether the kernel says that its clock is synchronised (adjtimex, read only)."""
    libc = ctypes.CDLL(None, use_errno=True)
    # struct timex is 208 bytes on 64-bit Linux; modes = 0 reads and sets nothing.
    buffer = ctypes.create_string_buffer(512)
    state: int = libc.adjtimex(buffer)
    return state not in (-1, _TIME_ERROR)


def wall() -> datetime:
    return datetime.now(UTC)


def counter() -> float:
    """Seconds since the computer was started, including those in which it was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class _Reading:
    """A time, and the counter when it was known."""

    at: datetime
    counter: float

    def advanced(self, now: float) -> datetime:
        """That time, and what the counter has counted since."""
        return self.at + timedelta(seconds=now - self.counter)


@dataclass
class TrustedClock:
    """The wall clock, and what is known of the true time."""

    trust_hardware: bool
    wall: Callable[[], datetime] = wall
    monotonic: Callable[[], float] = counter
    synchronised: Callable[[], bool] = kernel_synchronised
    _receipt: _Reading | None = field(default=None, init=False)
    """The latest time that a receipt for this boot proves."""
    _journal: _Reading | None = field(default=None, init=False)
    """The latest synchronised time of the journal."""
    _unproved: _Reading | None = field(default=None, init=False)
    """The latest `at` of the records without a synchronised time that follow it."""

    def sync(self, at: datetime) -> None:
        """Take the time of a receipt for this boot.

        A receipt that was delayed or is replayed does not set lease time back.
        """
        now = self.monotonic()
        if self._receipt is None or at > self._receipt.advanced(now):
            self._receipt = _Reading(at, now)

    def journalled(self, at: datetime, state: ClockState) -> None:
        """Take the time of a record of the journal, in the journal's order."""
        now = self.monotonic()
        known = synchronised_time(at, state)
        if known is None:
            if self._unproved is None or at > self._unproved.at:
                self._unproved = _Reading(at, now)
            return
        self._unproved = None
        # The register's time replaces what the kernel claimed before: it was signed after that.
        by_receipt = state.offset_ms is not None
        if self._journal is None or by_receipt or known > self._journal.advanced(now):
            self._journal = _Reading(known, now)

    def trusted(self) -> bool:
        """Whether marking may rely on the time at all."""
        return self._receipt is not None or self.synchronised() or self._hardware_counts()

    def _hardware_counts(self) -> bool:
        """Whether the hardware clock is trusted: it is allowed, and not behind the journal."""
        readings = (self._journal, self._unproved)
        return self.trust_hardware and all(
            reading is None or self.wall() >= reading.at for reading in readings
        )

    def lease_now(self) -> datetime:
        """Return the time that counts against a lease, and against the time of a person."""
        now = self.monotonic()
        times = [UNKNOWN]
        if self.synchronised():
            times.append(self.wall())
        if self._receipt is not None:
            times.append(self._receipt.advanced(now))
            return max(times)
        if self._journal is not None:
            times.append(self._journal.advanced(now))
        if self._hardware_counts():
            times.append(self.wall())
            if self._unproved is not None:
                times.append(self._unproved.advanced(now))
        return max(times)

    def by_receipt(self) -> datetime | None:
        """Return the time by the register's receipts for this boot; None before the first."""
        return None if self._receipt is None else self._receipt.advanced(self.monotonic())

    def now(self) -> datetime:
        """Return the `at` of a record: the wall clock as it is. `state` says how true it is."""
        return self.wall()

    def state(self) -> ClockState:
        """Return what a record says of the clock, at the time of the call."""
        known = self.by_receipt()
        if known is None:
            return ClockState(synced=self.synchronised())
        offset = (known - self.wall()).total_seconds() * 1000
        return ClockState(synced=True, offset_ms=round(offset, 3))
