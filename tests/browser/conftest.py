"""Debian's Chromium, driven by Playwright.

Each page has a fresh profile. Tests of the registry's pages are synchronous, and a file's tests
share one Chromium: Playwright's synchronous interface occupies the thread's event loop while it is
open. Tests of the operator's pages are coroutines of the session's event loop, and all of a
process's tests share one Chromium.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, TypeAlias

import pytest
import pytest_asyncio
from playwright import sync_api
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

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

ON_A_PAGE = [
    pytest.mark.slow,
    pytest.mark.needs_browser,
    pytest.mark.asyncio(loop_scope="session"),
]
"""Marks of a file whose tests are coroutines that use `browse`."""

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
    found = playwright.chromium.launch(
        executable_path=find_program("chromium-headless-shell"), args=ARGUMENTS
    )
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        program = find_program("chromium-headless-shell")
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
def browse(shared_chromium: Browser) -> Browse:
    """`async with browse() as page`, with the size of the screen if it matters."""

    @contextlib.asynccontextmanager
    async def open_page(width: int = 1280, height: int = 800, **wishes: Any) -> AsyncIterator[Page]:
        """A page of a fresh profile; `wishes` are the reader's: `color_scheme`, `contrast`.

        Fails if the page's scripts or its policy report a fault.
        """
        faults: list[str] = []

        def hear(message: ConsoleMessage) -> None:
            if is_fault(message):
                faults.append(message.text)

        size: Any = {"width": width, "height": height}
        context = await shared_chromium.new_context(viewport=size, **wishes)
        try:
            context.set_default_timeout(PATIENCE_MS)
            page = await context.new_page()
            page.on("console", hear)
            page.on("pageerror", lambda error: faults.append(str(error)))
            yield page
        finally:
            await context.close()
        assert faults == []

    return open_page
