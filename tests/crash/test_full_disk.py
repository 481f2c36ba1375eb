"""A full disk stops marking, loses nothing, and ends when there is room."""

import pytest

from tests.crash.agreement import assert_agree, assert_balanced, reconcile
from tests.crash.page import Declined
from tests.crash.site import STATION, Site, SmallDisk
from tests.support.central import Centre
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
SIZE = 4 * 1024 * 1024
MANY = 60
"""More parts than a write-ahead log has room for before it has to grow or be moved."""


def test_a_full_disk_stops_marking_and_loses_nothing(centre: Centre) -> None:
    site = Site(centre, "full.disk")
    try:
        site.start_devices()
        site.small_disk = SmallDisk(site.journal_folder, SIZE)
        site.configure()
        site.order()
        site.enrol("new")
        site.run()
        site.mark_good()
        _fill_in_the_middle_of_a_cycle(site)
        good = 2
        while True:
            # What fits into the room that the log has already is still marked, and whole.
            site.page.wait_rest()
            if site.page.why_not == "journal-full":
                break
            assert site.page.why_not in (None, "journal-full")
            view = site.mark()
            if view["note"]["code"] == "journal-full":
                break
            assert view["note"]["code"] == "good"
            good += 1
            assert good < MANY
        _stands_still(site, good)

        assert site.small_disk is not None
        site.small_disk.make_room()
        site.mark_good()
        site.wait_delivered()
        wait_for("no latch at the register", lambda: latches(site) == [])
        states = assert_agree(site)
        assert states == {"good": good + 1}
        assert_balanced(site, states, reconcile(centre))
    finally:
        site.close()


def _fill_in_the_middle_of_a_cycle(site: Site) -> None:
    """The disk becomes full while the device is armed: the cycle ends as any other."""
    assert site.small_disk is not None
    site.parts.load(STATION)
    site.at_device("marker", op="hold", moment="armed")
    cycle = site.begin()
    assert site.at_device("marker", op="await_held", timeout=20)["held"]
    site.small_disk.fill()
    site.at_device("marker", op="release")
    view = site.page.wait_rest(cycle=cycle)
    assert (view["phase"], view["note"]["code"]) == ("idle", "good")


def _stands_still(site: Site, good: int) -> None:
    """The exact word at the page and at the register; the button does nothing; no shot."""
    site.page.wait_why_not("journal-full")
    assert site.page.view()["can"] == []
    with pytest.raises(Declined) as refusal:
        site.page.press("begin")
    assert refusal.value.code == "journal-full"
    assert site.page.latches == []  # it is not one of those that only a new epoch ends
    wait_for("the latch at the register", lambda: latches(site) == ["journal-full"])
    assert sum(len(piece["engravings"]) for piece in site.parts.dump()) == good


def latches(site: Site) -> list[str]:
    """What the register knows of this gateway's latches."""
    ((found,),) = site.centre.sql(
        "SELECT latches FROM gateway_state WHERE gateway = %s", site.gateway
    )
    return list(found)
