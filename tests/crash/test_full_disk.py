"""A full disk stops marking, loses nothing, and ends when there is room."""

from collections.abc import Callable
from functools import partial

import pytest

from tests.crash.agreement import assert_agree, assert_balanced, reconcile
from tests.crash.page import Declined
from tests.crash.site import STATION, Site
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
SIZE = 4 * 1024 * 1024
MANY = 60
"""More parts than a write-ahead log has room for before it has to grow or be moved."""


@pytest.fixture
def small(sites: Callable[..., Site]) -> Callable[..., Site]:
    """Makes an enrolled site whose journals lie on a disk of their own."""
    return partial(sites, disk=SIZE)


def test_a_full_disk_stops_marking_and_loses_nothing(small: Callable[..., Site]) -> None:
    site = small("full.disk")
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
    _goes_on(site, good)


@pytest.mark.long
@pytest.mark.parametrize("end", [Site.stop, Site.kill])
def test_a_start_on_a_full_disk_uses_the_reserve(
    small: Callable[..., Site], end: Callable[[Site], object]
) -> None:
    """Killed, it has left its log; stopped, it has to make it anew."""
    site = small(f"full.{end.__name__}")
    site.run()
    site.mark_good()
    end(site)
    _fill(site)
    site.run()
    _stands_still(site, 1)
    _goes_on(site, 1)


@pytest.mark.long
@pytest.mark.parametrize("end", [Site.kill, Site.stop])
def test_a_start_that_finds_not_even_the_reserve_says_so_disarms_and_tries_again(
    small: Callable[..., Site], end: Callable[[Site], object]
) -> None:
    site = small(f"brim.{end.__name__}", "modbus-cell", "pedal")
    site.run()
    site.mark_good()
    if end is Site.kill:
        _die_armed(site)
    else:
        site.stop()
    (site.journals / site.journal.with_suffix(".reserve").name).unlink()
    _fill(site)
    site.run()
    wait_for("the device to be disarmed", lambda: f"{STATION}: disarmed" in site.log)
    assert not site.armed
    assert site.page.latches == ["journal-full"]
    assert site.page.snapshot()["stations"] == []
    _goes_on(site, 1)


def test_a_gateway_that_waits_for_room_can_be_stopped(small: Callable[..., Site]) -> None:
    site = small("brim.ended")
    (site.journals / site.journal.with_suffix(".reserve").name).unlink()
    _fill(site)
    site.run()
    assert site.page.latches == ["journal-full"]
    assert site.stop() == 0


@pytest.mark.long
def test_a_disk_without_room_for_one_more_file_does_not_stop_marking(
    small: Callable[..., Site],
) -> None:
    """Only the commands that ask a running gateway wait for their socket."""
    site = small("names.full")
    site.run()
    site.mark_good()
    site.kill()
    socket = site.journals / site.journal.with_suffix(".sock").name
    socket.unlink()
    assert site.small_disk is not None
    site.small_disk.fill_with_names()
    site.run()
    site.mark_good()
    assert "the commands that ask a running gateway wait" in site.log
    assert not socket.exists()
    site.small_disk.make_room_for_names()
    wait_for("the socket", socket.exists)
    site.wait_delivered()
    states = assert_agree(site)
    assert states["good"] == 2
    assert_balanced(site, states, reconcile(site.centre))


def _fill(site: Site) -> None:
    assert site.small_disk is not None
    site.small_disk.fill()


def _die_armed(site: Site) -> None:
    """The device waits for its pedal when the gateway is killed."""
    site.parts.load(STATION)
    site.begin()
    wait_for("the device to be armed", lambda: site.armed)
    site.kill()
    assert site.armed


def _goes_on(site: Site, good: int) -> None:
    """With room it marks by itself, and all that it knows reaches the register."""
    assert site.small_disk is not None
    site.small_disk.make_room()
    wait_for("its stations", lambda: (site.page.answers() or {}).get("stations"))
    assert site.see_to() == []
    site.mark_good()
    site.wait_delivered()
    wait_for("no latch at the register", lambda: latches(site) == [])
    states = assert_agree(site)
    assert states["good"] == good + 1
    assert_balanced(site, states, reconcile(site.centre))


def _fill_in_the_middle_of_a_cycle(site: Site) -> None:
    """The disk becomes full while the device is armed: the cycle ends as any other."""
    site.parts.load(STATION)
    site.at_device("marker", op="hold", moment="armed")
    cycle = site.begin()
    assert site.at_device("marker", op="await_held", timeout=20)["held"]
    _fill(site)
    site.at_device("marker", op="release")
    view = site.page.wait_rest(cycle=cycle)
    assert (view["phase"], view["note"]["code"]) == ("idle", "good")


def _stands_still(site: Site, good: int) -> None:
    """The exact word at the page and at the register; the button does nothing; no shot."""
    site.page.wait_why_not("journal-full")
    site.page.wait_rest()  # after a start, the station is busy until its recovery is over
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
