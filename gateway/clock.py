"""Time at the gateway: when it is trusted, and when a lease has ended.

Lease time is the greatest of the wall clock, the journal's last `at`, and the monotonic
advance since the last sync, so that a clock put back never makes a lease longer.
"""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.contract.record import ClockState

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


def kernel_synchronised() -> bool:
    """Whether the kernel says that its clock is synchronised (adjtimex, read only)."""
    libc = ctypes.CDLL(None, use_errno=True)
    # struct timex is 208 bytes on 64-bit Linux; modes = 0 reads and sets nothing.
    buffer = ctypes.create_string_buffer(512)
    state: int = libc.adjtimex(buffer)
    return state not in (-1, _TIME_ERROR)


def wall() -> datetime:
    return datetime.now(UTC)


@dataclass
class TrustedClock:
    """The wall clock, and what is known of its truth."""

    trust_hardware: bool
    wall: Callable[[], datetime] = wall
    monotonic: Callable[[], float] = time.monotonic
    synchronised: Callable[[], bool] = kernel_synchronised
    last_at: datetime | None = None
    """The greatest `at` of the journal."""
    _sync: tuple[datetime, float] | None = field(default=None, init=False)
    _offset: timedelta = field(default=timedelta(), init=False)

    def sync(self, at: datetime) -> None:
        """A receipt for this boot said what time it is at central.

        One that was long on its way, or is played again, does not put lease time back.
        """
        self._offset = at - self.wall()
        now = self.monotonic()
        if self._sync is None or at > self._advanced(self._sync, now):
            self._sync = (at, now)

    @staticmethod
    def _advanced(sync: tuple[datetime, float], now: float) -> datetime:
        at, then = sync
        return at + timedelta(seconds=now - then)

    def journalled(self, at: datetime) -> None:
        if self.last_at is None or at > self.last_at:
            self.last_at = at

    def trusted(self) -> bool:
        """Whether marking may rely on the time at all."""
        if self._sync is not None or self.synchronised():
            return True
        return self.trust_hardware and (self.last_at is None or self.wall() >= self.last_at)

    def lease_now(self) -> datetime:
        """The time that counts against a lease."""
        times = [self.wall()]
        if self.last_at is not None:
            times.append(self.last_at)
        if self._sync is not None:
            times.append(self._advanced(self._sync, self.monotonic()))
        return max(times)

    def now(self) -> datetime:
        """What a record's `at` says: the wall clock, as it is; `state` says how true it is."""
        return self.wall()

    def state(self) -> ClockState:
        synced = self._sync is not None or self.synchronised()
        offset = round(self._offset.total_seconds() * 1000, 3) if self._sync else None
        return ClockState(synced=synced, offset_ms=offset)
