"""Time: a lease never gets longer, and no unsynchronised clock ends one."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import TrustedClock, counter, kernel_synchronised
from gateway.contract.record import ClockState, synchronised_time
from tests.gateway.desk import Time
from tests.gateway.records import NOON

HOUR = timedelta(hours=1)
YEARS = timedelta(days=2 * 365)
SLACK = timedelta(milliseconds=1)
OFFLINE = ClockState(synced=False)

spans_s = st.floats(0, 1e6)
events = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), spans_s),
        st.tuples(st.just("jump"), st.floats(-1e6, 1e6)),
        st.tuples(st.just("receipt"), spans_s),
        st.tuples(st.just("record"), st.just(0.0)),
    ),
    max_size=30,
)


def journal(clock: TrustedClock) -> None:
    """A record of this moment, as the logbook hands it over."""
    clock.journalled(clock.now(), clock.state())


@given(events)
def test_by_receipts_a_lease_ends_when_it_does_in_truth(story: list[tuple[str, float]]) -> None:
    """Central's time is the truth; receipts are `seconds` on their way, in any order.

    The wall clock is not synchronised, jumps as it likes, and does not matter.
    """
    time = Time()
    clock = time.clock(synchronised=False)
    truth = NOON
    time.wall += YEARS
    journal(clock)
    clock.sync(truth)
    for kind, seconds in story:
        if kind == "pass":
            time.pass_by(seconds)
            truth += timedelta(seconds=seconds)
        elif kind == "jump":
            time.wall += timedelta(seconds=seconds)
        elif kind == "receipt":
            clock.sync(truth - timedelta(seconds=seconds))
        else:
            journal(clock)
            assert abs((synchronised_time(clock.now(), clock.state()) or NOON) - truth) <= SLACK
        assert abs(clock.lease_now() - truth) <= SLACK


@given(events)
def test_without_a_receipt_a_lease_is_never_put_back_behind_the_journal(
    story: list[tuple[str, float]],
) -> None:
    time = Time()
    clock = time.clock()
    newest: datetime | None = None
    for kind, seconds in story:
        if kind == "pass":
            time.pass_by(seconds)
            newest = None if newest is None else newest + timedelta(seconds=seconds)
        elif kind == "jump":
            time.wall += timedelta(seconds=seconds)
        elif kind == "record":
            newest = max(newest or clock.now(), clock.now())
            journal(clock)
        assert newest is None or clock.lease_now() >= newest - SLACK
        assert clock.lease_now() >= time.wall


def test_a_clock_put_back_or_forward() -> None:
    time = Time()
    clock = time.clock()
    clock.sync(NOON)
    time.wall -= 5 * HOUR
    time.monotonic += 60
    assert clock.lease_now() == NOON + timedelta(seconds=60)
    time.wall += 10 * HOUR
    assert clock.lease_now() == NOON + 5 * HOUR
    journal(clock)
    time.wall -= 10 * HOUR
    assert clock.lease_now() == NOON + timedelta(seconds=60)


def test_an_unsynchronised_clock_that_ran_ahead_ends_no_lease() -> None:
    time = Time()
    clock = time.clock(synchronised=False)
    clock.journalled(NOON + YEARS, OFFLINE)
    assert not clock.trusted()
    assert clock.lease_now() < NOON
    time.synchronised = True  # NTP has corrected it
    assert clock.trusted()
    assert clock.lease_now() == NOON
    time.synchronised = False
    clock.sync(NOON)
    assert clock.trusted()
    assert clock.lease_now() == NOON


def test_a_receipt_replaces_what_a_synchronised_clock_wrote_in_error() -> None:
    time = Time()
    clock = time.clock()
    clock.journalled(NOON + YEARS, ClockState(synced=True))
    assert clock.lease_now() == NOON + YEARS
    clock.sync(NOON)
    assert clock.lease_now() == NOON
    journal(clock)
    # The next start folds the same records and has no receipt yet.
    again = time.clock()
    again.journalled(NOON + YEARS, ClockState(synced=True))
    again.journalled(NOON, ClockState(synced=True, offset_ms=0.0))
    assert again.lease_now() == NOON


def test_a_replayed_receipt_does_not_put_time_back_and_a_true_one_tells_the_offset() -> None:
    time = Time()
    clock = time.clock(synchronised=False)
    time.wall -= HOUR
    clock.sync(NOON)
    assert clock.state().offset_ms == 3_600_000
    time.pass_by(600)
    clock.sync(NOON)
    assert clock.lease_now() == NOON + timedelta(seconds=600)
    time.wall += 3 * HOUR  # the offset follows the clock at once
    assert clock.state().offset_ms == -7_200_000


def test_what_makes_time_trusted() -> None:
    time = Time()
    assert time.clock(synchronised=True).trusted()
    clock = time.clock(synchronised=False)
    assert not clock.trusted()
    assert not clock.state().synced
    clock.sync(NOON)
    assert clock.trusted()
    assert clock.state().synced


def test_a_hardware_clock_is_trusted_while_it_is_not_behind_the_journal() -> None:
    time = Time()
    clock = time.clock(synchronised=False, hardware=True)
    assert clock.trusted()
    clock.journalled(NOON + HOUR, OFFLINE)
    assert not clock.trusted()
    time.pass_by(3600)
    assert clock.trusted()
    # Held back, it is not believed: the counter goes on.
    time.monotonic += 7200
    assert clock.lease_now() == NOON + 4 * HOUR
    # A synchronised time shows that what stood there was false.
    clock.journalled(NOON + YEARS, OFFLINE)
    assert not clock.trusted()
    clock.journalled(NOON, ClockState(synced=True, offset_ms=0.0))
    assert clock.trusted()


def test_a_record_says_what_the_wall_clock_says() -> None:
    time = Time()
    clock = time.clock()
    clock.sync(NOON + HOUR)
    assert clock.now() == NOON


def test_an_offset_of_thousands_of_years_is_no_time() -> None:
    for offset in (1e18, -1e18, 1e300):
        assert synchronised_time(NOON, ClockState(synced=True, offset_ms=offset)) is None


def test_the_kernel_is_asked_and_nothing_is_set() -> None:
    assert kernel_synchronised() in (True, False)
    assert counter() <= counter()
