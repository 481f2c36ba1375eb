"""The cable between a line and the register is cut: what people see at both ends, on real programs.

The gateway is `gjurma-gateway run` with simulated devices, the register is central's own programs.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import ON_A_PAGE, Browse
from tests.browser.test_operator import PRIMARY, SQ, sign_in
from tests.crash import page as people
from tests.crash.site import STATION, Site, seed
from tests.support.central import Centre
from tests.support.line import Badge

pytestmark = ON_A_PAGE
GATEWAY = "both.ends"
WHO = people.OPERATOR
OPERATOR = Badge(WHO.code, WHO.badge, WHO.pin, WHO.roles)
WITHOUT = re.compile(re.escape(SQ["link.without"].partition("{")[0]))


@pytest.fixture
def site() -> Iterator[Site]:
    """A line with a cable between it and the register."""
    with Centre.started() as centre:
        seed(centre)
        with Site.enrolled(centre, GATEWAY, cabled=True) as made:
            made.run()
            made.page.wait_permitted()
            yield made


async def mark(site: Site, operator: Page, count: int) -> None:
    """One more good part; `count` stand on the page then."""
    site.parts.load(STATION)
    await operator.locator(PRIMARY).first.click()
    await expect(operator.locator("#parts li.good")).to_have_count(count)


def rows(registry: Page) -> Locator:
    return registry.locator('#marks tbody tr[data-state="good"]')


async def gateway_is(registry: Page, link: str) -> None:
    card = registry.locator(f'[data-gateway="{GATEWAY}"] .health-{link}')
    await expect(card).to_be_visible()


@pytest.mark.long
async def test_work_goes_on_without_the_network_and_all_of_it_arrives_once(
    site: Site, browse: Browse
) -> None:
    async with browse() as operator, browse() as registry:
        await registry.context.add_cookies([site.centre.cookie()])
        await registry.goto(site.centre.url)
        await operator.goto(f"http://127.0.0.1:{site.port}")
        await sign_in(operator, OPERATOR)
        await mark(site, operator, 1)
        await expect(rows(registry)).to_have_count(1)
        await gateway_is(registry, "online")

        site.cable.pull()
        # Until when it may work, and with how many numbers.
        await expect(operator.locator("#foot .off.reach")).to_have_text(WITHOUT)
        await gateway_is(registry, "offline")
        await mark(site, operator, 2)
        await mark(site, operator, 3)
        assert await rows(registry).count() == 1

        site.cable.plug()
        await expect(rows(registry)).to_have_count(3)
        await gateway_is(registry, "online")
        await expect(operator.locator("#foot .reach")).to_have_count(0)
        serials = await registry.locator("#marks .serial").all_inner_texts()
        assert sorted(serials) == ["K000001", "K000002", "K000003"]
    site.wait_delivered()
    orders = {each["order"]: each for each in site.centre.reconcile()["orders"]}
    assert orders[site.order_code]["good"] == 3
