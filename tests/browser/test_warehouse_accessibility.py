"""axe-core finds nothing in the warehouse app: each view, in both languages, light and dark."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser import axe
from tests.browser.phone import Phone, phone
from tests.support.store import Store, opened, symbol

pytestmark = [pytest.mark.slow, pytest.mark.needs_browser]
COLOURS = ["color-contrast"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("devices")) as made:
        yield made


def looked_at(made: Phone, what: str) -> list[str]:
    made.page.evaluate(axe.source())
    found = [f"{what}, light: {fault}" for fault in made.page.evaluate(axe.RUN, {})]
    for look in ("dark", "light-more"):
        made.page.emulate_media(**axe.LOOKS[look])
        told = made.page.evaluate(axe.RUN, {"only": COLOURS})
        found += [f"{what}, {look}: {fault}" for fault in told]
    made.page.emulate_media(color_scheme="light", contrast="no-preference")
    return found


@pytest.mark.parametrize("language", ["sq", "en"])
def test_every_view(language: str, playwright: Playwright, store: Store, tmp_path: Path) -> None:
    name = f"gramsh.axe-{language}"
    found = []
    with phone(playwright, store, tmp_path / "profile", reduced_motion="reduce") as made:
        made.page.goto(made.url)
        expect(made.page.get_by_role("heading", level=1)).to_be_visible()
        found += looked_at(made, "enrol")
        made.enrol(name)
        if language == "en":
            made.page.goto(f"{made.url}#/device")
            made.button("English").click()
            expect(made.page.locator("html")).to_have_attribute("lang", "en")
        made.open()
        found += looked_at(made, "home")
        made.open("put-away")
        found += looked_at(made, "a place is missing")
        made.wedge("UMG.D1")
        found += looked_at(made, "a place is chosen")
        made.wedge(symbol(1))
        made.counts(1)
        made.sent(name)
        found += looked_at(made, "kept")
        made.wedge(symbol(1))
        expect(made.page.locator(".w-told.g-bad")).to_be_visible()
        found += looked_at(made, "wrong")
        made.wedge("NOTHING-LIKE-IT")
        expect(made.page.locator(".w-told.g-attention")).to_be_visible()
        made.sent(name)
        found += looked_at(made, "doubted")
        made.open("pack")
        found += looked_at(made, "pack")
        made.open("find")
        made.wedge(symbol(1))
        expect(made.page.locator(".g-facts")).to_be_visible()
        found += looked_at(made, "find")
        made.open("receive")
        found += looked_at(made, "receive")
        made.page.goto(f"{made.url}#/disputes")
        expect(made.page.locator(".w-disputes > li")).to_have_count(1)
        found += looked_at(made, "disputes")
        made.page.goto(f"{made.url}#/device")
        found += looked_at(made, "device")
    assert not found, "\n".join(found)
