"""Debian's Chromium, driven by Playwright in the test's own event loop."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect

from tests.needs import find_program

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)

Browse: TypeAlias = Callable[..., AbstractAsyncContextManager[Page]]


@contextlib.asynccontextmanager
async def _browse(width: int = 1280, height: int = 800, **wishes: Any) -> AsyncIterator[Page]:
    """A page of a fresh profile; `wishes` are the reader's: `color_scheme`, `contrast`.

    What its scripts or its policy find wrong fails the test.
    """
    faults: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # The browser itself reports each refused or failed request; the tests mean those.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            faults.append(message.text)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_program("chromium"), args=ARGUMENTS
        )
        try:
            context = await browser.new_context(
                viewport={"width": width, "height": height}, **wishes
            )
            context.set_default_timeout(PATIENCE_MS)
            page = await context.new_page()
            page.on("console", hear)
            page.on("pageerror", lambda error: faults.append(str(error)))
            yield page
        finally:
            await browser.close()
    assert faults == []


@pytest.fixture
def browse() -> Browse:
    """`async with browse() as page`, with the size of the screen if it matters."""
    return _browse
