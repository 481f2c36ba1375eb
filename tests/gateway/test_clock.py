"""Time: a lease never gets longer, whatever the wall clock and late receipts do."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import kernel_synchronised
from tests.gateway.desk import Time
from tests.gateway.records import NOON

HOUR = timedelta(hours=1)

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


@given(events)
def test_once_synced_a_lease_ends_no_later_than_it_does_in_truth(
    story: list[tuple[str, float]],
) -> None:
    """Central's time is the truth; receipts are `seconds` on their way, in any order."""
    time = Time()
    clock = time.clock(synchronised=False)
    truth = NOON
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
            clock.journalled(clock.now())
        assert clock.lease_now() >= truth - timedelta(milliseconds=1)


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
        elif kind == "jump":
            time.wall += timedelta(seconds=seconds)
        elif kind == "record":
            newest = max(newest or clock.now(), clock.now())
            clock.journalled(clock.now())
        assert newest is None or clock.lease_now() >= newest
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
    clock.journalled(clock.now())
    time.wall -= 10 * HOUR
    assert clock.lease_now() == NOON + 5 * HOUR


def test_a_replayed_receipt_does_not_put_time_back_and_a_true_one_tells_the_offset() -> None:
    time = Time()
    clock = time.clock(synchronised=False)
    time.wall -= HOUR
    clock.sync(NOON)
    assert clock.state().offset_ms == 3_600_000
    time.pass_by(600)
    clock.sync(NOON)
    assert clock.lease_now() == NOON + timedelta(seconds=600)


def test_what_makes_time_trusted() -> None:
    time = Time()
    assert time.clock(synchronised=True).trusted()
    clock = time.clock(synchronised=False)
    assert not clock.trusted()
    assert not clock.state().synced
    clock.sync(NOON)
    assert clock.trusted()
    assert clock.state().synced

    hardware = time.clock(synchronised=False, hardware=True)
    assert hardware.trusted()
    hardware.journalled(NOON + HOUR)
    assert not hardware.trusted()
    time.pass_by(3600)
    assert hardware.trusted()


def test_a_record_says_what_the_wall_clock_says() -> None:
    time = Time()
    clock = time.clock()
    clock.sync(NOON + HOUR)
    assert clock.now() == NOON


def test_the_kernel_is_asked_and_nothing_is_set() -> None:
    assert kernel_synchronised() in (True, False)
