"""axe-core finds nothing in the warehouse app: each view, in both languages, light and dark."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import axe
from tests.browser.phone import Phone, borrowed
from tests.support.store import Store, opened, symbol

pytestmark = [pytest.mark.slow, pytest.mark.needs_browser, pytest.mark.long]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("devices")) as made:
        yield made


def looked_at(made: Phone, what: str, language: str) -> list[str]:
    """In another language colours are the same."""
    made.page.evaluate(axe.source())
    if language == "en":
        return [
            f"{what}: {fault}" for fault in made.page.evaluate(axe.RUN, {"without": axe.COLOURS})
        ]
    found = [f"{what}, light: {fault}" for fault in made.page.evaluate(axe.RUN, {})]
    for look in ("dark", "light-more"):
        made.page.emulate_media(**axe.LOOKS[look])
        told = made.page.evaluate(axe.RUN, {"only": axe.COLOURS})
        found += [f"{what}, {look}: {fault}" for fault in told]
    made.page.emulate_media(color_scheme="light", contrast="no-preference")
    return found


@pytest.mark.parametrize("language", ["sq", "en"])
def test_every_view(language: str, chromium: Browser, store: Store) -> None:
    name = f"gramsh.axe-{language}"
    found = []
    with borrowed(chromium, store, reduced_motion="reduce") as made:
        made.page.goto(made.url)
        expect(made.page.get_by_role("heading", level=1)).to_be_visible()
        found += looked_at(made, "enrol", language)
        made.enrol(name)
        if language == "en":
            made.page.goto(f"{made.url}#/device")
            made.button("English").click()
            expect(made.page.locator("html")).to_have_attribute("lang", "en")
        made.open()
        found += looked_at(made, "home", language)
        made.open("put-away")
        found += looked_at(made, "a place is missing", language)
        made.wedge("UMG.D1")
        found += looked_at(made, "a place is chosen", language)
        made.wedge(symbol(1))
        made.counts(1)
        made.sent(name)
        found += looked_at(made, "kept", language)
        made.wedge(symbol(1))
        expect(made.page.locator(".w-told.g-attention")).to_be_visible()
        found += looked_at(made, "again", language)
        made.wedge("NOTHING-LIKE-IT")
        expect(made.page.locator(".w-told.g-bad")).to_be_visible()
        made.sent(name)
        found += looked_at(made, "doubted", language)
        made.open("pack")
        found += looked_at(made, "pack", language)
        made.open("find")
        made.wedge(symbol(1))
        expect(made.page.locator(".g-facts")).to_be_visible()
        found += looked_at(made, "find", language)
        made.open("receive")
        found += looked_at(made, "receive", language)
        made.page.goto(f"{made.url}#/disputes")
        expect(made.page.locator(".w-disputes > li")).to_have_count(1)
        found += looked_at(made, "disputes", language)
        made.page.goto(f"{made.url}#/device")
        found += looked_at(made, "device", language)
    assert not found, "\n".join(found)
