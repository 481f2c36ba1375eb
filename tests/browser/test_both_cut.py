"""The network is cut at the line and at the warehouse in the same run, and work goes on at both.

The line is `gjurma-gateway run` with simulated devices, the warehouse a browser with the app.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.phone import Phone, borrowed
from tests.crash.site import CONTENT, Site, seed
from tests.support.central import Centre
from tests.support.store import Store
from tests.support.wait import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.needs_browser, pytest.mark.long]
GATEWAY, DEVICE = "both.line", "both.phone"


@pytest.fixture
def site() -> Iterator[Site]:
    with Centre.started("plan", "ingest-1", "ingest-2", "serve", "scans") as centre:
        seed(centre)
        with Site.enrolled(centre, GATEWAY, cabled=True) as made:
            made.run()
            yield made


@pytest.fixture
def handheld(site: Site, chromium: Browser, tmp_path: Path) -> Iterator[Phone]:
    centre = site.centre
    place = {"code": "UMX.S", "kind": "site", "entity": "UMX", "name": "Depoja"}
    centre.post("/api/v1/places", place)
    with borrowed(chromium, Store(centre, tmp_path)) as made:
        made.enrol(DEVICE, "UMX.S")
        yield made


def scanned(handheld: Phone, *serials: str) -> None:
    handheld.wedge(*(CONTENT.format(serial=serial) for serial in serials))


def test_everything_is_in_the_register_once(site: Site, handheld: Phone) -> None:
    centre = site.centre
    serials = [site.mark_good() for _ in range(2)]
    site.wait_delivered()
    handheld.open("put-away")
    handheld.wedge("UMX.S")
    scanned(handheld, serials[0])
    handheld.counts(1)
    handheld.sent(DEVICE)
    handheld.link("Të gjitha u dërguan")

    site.cable.pull()
    handheld.context.set_offline(True)
    for _ in range(3):
        serials.append(site.mark_good())
        scanned(handheld, serials[-1])
    scanned(handheld, serials[1])
    handheld.counts(5)
    handheld.link("Pa rrjet, 4 skanime presin")
    assert centre.sql("SELECT count(*) FROM item") == [(2,)]

    site.cable.plug()
    site.wait_delivered()
    handheld.context.set_offline(False)
    handheld.link("Të gjitha u dërguan")
    told = handheld.sent(DEVICE)
    assert [(seq, verdict) for seq, _, verdict in told] == [(seq, "ok") for seq in range(2, 7)]
    claims = "SELECT count(*), count(DISTINCT item) FROM claim"
    assert centre.sql(claims) == [(5, 5)], "each mark is claimed once"
    wait_for("all in store", lambda: _in_store(centre) == 5)
    stored = "SELECT count(*), count(DISTINCT key) FROM act WHERE what = 'stored'"
    assert centre.sql(stored) == [(5, 5)], "each scan is one event"
    orders = {each["order"]: each for each in centre.reconcile()["orders"]}
    assert orders[site.order_code]["good"] == 5
    handheld.open()
    expect(handheld.page.locator(".w-unseen")).to_have_count(0)


def _in_store(centre: Centre) -> int:
    told = "SELECT count(*) FROM article WHERE disposition = 'in-store' AND place = 'UMX.S'"
    return int(centre.sql(told)[0][0])
