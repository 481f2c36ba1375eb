"""Debian's Chromium, driven by Playwright.

One for all of a file's tests of the registry, with a fresh profile for each page; tests of the
operator's pages have one each, in their own event loop.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, TypeAlias

import pytest
from playwright import sync_api
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect

from tests.needs import find_program
from tests.support.central import Centre

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
sync_api.expect.set_options(timeout=PATIENCE_MS)

Browse: TypeAlias = Callable[..., AbstractAsyncContextManager[Page]]


SignIn: TypeAlias = Callable[..., AbstractContextManager[sync_api.Page]]


def is_fault(message: ConsoleMessage | sync_api.ConsoleMessage) -> bool:
    """The browser itself reports each refused or failed request; the tests mean those."""
    return message.type in ("error", "warning") and "Failed to load resource" not in message.text


@pytest.fixture(scope="module")
def playwright() -> Iterator[sync_api.Playwright]:
    with sync_api.sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: sync_api.Playwright) -> Iterator[sync_api.Browser]:
    found = playwright.chromium.launch(executable_path=find_program("chromium"), args=ARGUMENTS)
    yield found
    found.close()


@contextlib.contextmanager
def fresh(chromium: sync_api.Browser, *cookies: Any, **wishes: Any) -> Iterator[sync_api.Page]:
    """A page of a fresh profile. What its scripts or its policy find wrong fails the test."""
    faults: list[str] = []
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, **wishes)
    try:
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([*cookies])
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if is_fault(said) else None)
        yield page
    finally:
        context.close()
    assert faults == []


@pytest.fixture
def signed_in(chromium: sync_api.Browser) -> SignIn:
    """`with signed_in(centre, role, entity) as page`; `name`: of another account in that role."""

    def sign_in(
        centre: Centre,
        role: str,
        entity: str | None = None,
        *,
        name: str = "",
        scripts: bool = True,
        **wishes: Any,
    ) -> AbstractContextManager[sync_api.Page]:
        cookie = centre.cookie(role, entity, name)
        return fresh(chromium, cookie, java_script_enabled=scripts, **wishes)

    return sign_in


@contextlib.asynccontextmanager
async def _browse(width: int = 1280, height: int = 800, **wishes: Any) -> AsyncIterator[Page]:
    """A page of a fresh profile; `wishes` are the reader's: `color_scheme`, `contrast`.

    What its scripts or its policy find wrong fails the test.
    """
    faults: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if is_fault(message):
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
