"""Two gateways with one identity: a folder that was cloned and started twice."""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.crash.agreement import Metal
from tests.crash.bare_broker import BareBroker
from tests.crash.page import Declined, Page
from tests.crash.site import STATION, Site, seed
from tests.support.central import Centre
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
MakeSite = Callable[..., Site]


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    """One of its own: the balance stays open for what a clone has marked."""
    with Centre.started() as started:
        seed(started)
        yield started


def stream_state(site: Site) -> str:
    ((state,),) = site.centre.sql("SELECT state FROM stream WHERE gateway = %s", site.gateway)
    return str(state)


def latched(page: Page) -> list[str]:
    return wait_for("a latch", lambda: page.latches)


@pytest.mark.long
def test_both_are_latched_once_the_register_hears_of_two(sites: MakeSite) -> None:
    site = sites("twins.line", cabled=True)
    site.run()
    site.mark_good()
    site.wait_delivered()
    site.stop()
    with site.cloned() as twin:
        _meet(site, twin)

    # Neither comes back by a restart; a new epoch is the only way.
    site.stop()
    site.run()
    assert set(site.page.latches) & {"two-of-me", "rolled-back"}
    site.stop()
    site.enrol("the line was cloned")
    site.run()
    site.mark_good()
    site.wait_delivered()
    assert all(len(contents) == 1 for contents in Metal.of(site).contents.values())
    # The balance says which number both have marked.
    told = json.loads(site.centre.run("reconcile", "--json", expect=1))
    (line,) = [each for each in told["orders"] if each["order"] == site.order_code]
    assert len(line["disputed"]) == 1, line
    assert line["unaccounted"] == []


def _meet(site: Site, twin: Site) -> None:
    """Both mark, one of them without a network; each is latched once the register sees two."""
    site.run()
    site.page.wait_permitted()
    site.wait_delivered()
    site.cable.pull()
    wait_for("no link", lambda: not site.page.snapshot()["link"]["connected"])
    site.mark_good()  # lawful: an outage is worked through

    twin.run()
    twin.mark_good()
    twin.wait_delivered()
    assert stream_state(site) == "live"

    site.cable.plug()
    wait_for("the register to see two", lambda: stream_state(site) == "two-of-me")
    for each in (site, twin):
        latches = latched(each.page)
        # The register holds the twin's record where the other has its own; whether that or the
        # register's word comes first is chance.
        assert "two-of-me" in latches or (each is site and latches == ["rolled-back"])
        each.page.wait_why_not(latches[0])
        each.parts.load(STATION)
        with pytest.raises(Declined) as refusal:
            each.page.press("begin")
        assert refusal.value.code == latches[0]
    reasons = site.centre.sql(
        "SELECT DISTINCT reason FROM evidence WHERE gateway = %s", site.gateway
    )
    assert ("two-of-me",) in reasons


def test_a_session_taken_over_latches_and_never_connects_again(sites: MakeSite) -> None:
    site = sites("twins.session")
    site.run()
    site.mark_good()
    site.wait_delivered()
    site.stop()
    broker = BareBroker()
    try:
        site.broker_url = broker.url
        site.configure()
        site.run()
        wait_for("a session", lambda: site.page.snapshot()["link"]["connected"])
        site.page.wait_rest()  # until its recovery is over the answer to the button is "busy"
        broker.give_away()
        site.page.wait_why_not("two-of-me")
        assert site.page.latches == ["two-of-me"]
        wait_for("its last word", lambda: "not connecting again" in site.log)
        with pytest.raises(Declined) as refusal:
            site.page.press("begin")
        assert refusal.value.code == "two-of-me"
        assert not site.page.snapshot()["link"]["connected"]
        assert broker.connections == 1
        site.stop()
        site.run()
        site.page.wait_why_not("two-of-me")
    finally:
        site.kill()
        broker.close()
