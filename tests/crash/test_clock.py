"""A clock that jumps makes no lease longer, and an unsynchronised one ends none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from simulators.broker import free_port
from tests.crash.agreement import assert_agree, assert_balanced, intents, reconcile
from tests.crash.page import Declined
from tests.crash.site import PRODUCT, STATION, Site
from tests.support.central import Centre
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
DAY = 86400


def test_a_day_forward_stops_marking_only_where_the_kernel_vouches_for_it(
    sites: Callable[..., Site], centre: Centre
) -> None:
    ends = datetime.now(UTC) + timedelta(hours=20)  # a licence's end is a lease's end, too
    centre.add_licence("L-forward", "UMX", valid_until=ends.isoformat())
    site = sites("clock.forward", "modbus-cell", "pedal", licence="L-forward")
    clock = site.folder / "clock"
    clock.write_text("0")
    site.run(clock=clock)
    site.mark_good()

    # Nobody synchronises it: the register's receipt for this boot says what time it is.
    clock.write_text(str(DAY))
    site.mark_good()
    clock.write_text("0")

    # Armed, with a foot over the pedal, when a synchronised clock jumps.
    site.parts.load(STATION)
    site.begin()
    wait_for("the device to be armed", lambda: site.armed)
    clock.write_text(f"{DAY} synchronised")
    view = site.page.wait_rest(cycle=3)
    assert not site.armed
    # The cell proves that it never started the shot: nobody has to settle anything.
    assert (view["phase"], view["note"]["code"]) == ("idle", "not-started")
    assert not {"begin", "trial", "run"} & set(view["can"])
    assert view["why_not"]["code"] == "clock-ahead"
    with pytest.raises(Declined) as refusal:
        site.page.press("begin")
    assert refusal.value.code == "clock-ahead"
    site.wait_delivered()
    assert assert_agree(site) == {"good": 2, "voided": 1}

    # What was journalled says tomorrow; once the clock is put right, marking goes on.
    clock.write_text("0")
    site.page.wait_permitted()
    site.mark_good()
    site.wait_delivered()
    assert_balanced(site, assert_agree(site), reconcile(centre))


@pytest.mark.long
def test_a_day_back_makes_no_lease_longer(sites: Callable[[str], Site], centre: Centre) -> None:
    site = sites("clock.back")
    clock = site.folder / "clock"
    clock.write_text("0")
    site.run(clock=clock)
    site.page.wait_permitted()
    site.mark_good()
    ends = datetime.now(UTC) + timedelta(seconds=16)
    centre.add_licence("L-back", "UMX", valid_until=ends.isoformat())
    centre.release_order(
        {
            "code": "X-short",
            "product": PRODUCT,
            "quantity": 10,
            "gateways": [site.gateway],
            "job": "1",
            "licence": "L-back",
        },
    )

    def leased() -> bool:
        until = datetime.fromisoformat(site.page.snapshot()["lease_until"])
        return abs(until - ends) < timedelta(seconds=1)

    wait_for("the short lease", leased)
    site.wait_delivered()
    centre.stop("plan")  # no other plan comes
    try:
        clock.write_text(str(-DAY))
        site.mark_good()  # by our clock it is yesterday; by the lease it is not over yet
        assert datetime.now(UTC) < ends, "too slow a machine for this lease"
        site.page.wait_why_not("lease-ended")
        # At its end by true time, and not a day later.
        assert timedelta() <= datetime.now(UTC) - ends < timedelta(seconds=3)
        spent = intents(site)
        with pytest.raises(Declined) as refusal:
            site.page.press("begin")
        assert refusal.value.code == "lease-ended"

        # Started again without a network: yesterday's clock is not to be trusted at all.
        site.wait_delivered()
        site.stop()
        for trust in (False, True):
            site.broker_url = f"mqtt://127.0.0.1:{free_port()}"
            site.options = {"clock": {"trust_hardware": trust}, "uplink": {"start_grace_s": 0.5}}
            site.configure()
            site.run(clock=clock)
            site.page.wait_why_not("no-trusted-time")
            site.stop()
        # And a clock that is right, but stands for nothing: the lease has ended.
        clock.write_text("0")
        site.run(clock=clock)
        site.page.wait_why_not("lease-ended")
        assert intents(site) == spent
    finally:
        centre.start("plan")
