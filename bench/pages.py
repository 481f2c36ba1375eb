"""What each page weighs when a browser has nothing of it yet, and when a person can act on it.

Every page of the registry, in the roles that may see it, and the operator's: on the wire as the
browser counts it, headers included, and until its scripts have run, what it shows first is painted
and the browser has nothing left to do. Beside it the smallest answer of the same server.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from bench.measure import Measurement
from central.access.roles import Role
from tests.browser.conftest import ARGUMENTS
from tests.browser.test_accessibility import OFFICER, pages
from tests.needs import find_program
from tests.support import shown
from tests.support.line import line, served

ALLOWED_KB, ALLOWED_MS = 150.0, 1000.0
SMALLEST = "/feed/session"
DESK = "/orders"
_HEAVY = ("/", "/design")
OPERATOR = "the operator's page"
_NAMED = 5
_READY = """() => new Promise((tell) => {
  const painted = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  const { domContentLoadedEventEnd } = performance.getEntriesByType("navigation")[0];
  const done = () => tell(Math.max(painted, domContentLoadedEventEnd, window.settled ?? 0));
  const link = document.getElementById("link");
  if (link?.dataset.state !== "waiting") return done();
  new MutationObserver(() => { if (link.dataset.state !== "waiting") tell(performance.now()); })
    .observe(link, { attributes: true });
})"""
# Whatever keeps the browser for longer than a key should wait counts as not yet ready.
_LONG = """new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) window.settled = startTime + duration;
}).observe({ type: "longtask", buffered: true });"""
_WAIT_MS = 300
"""For tasks that begin right after the first paint, and are counted if they are long."""


@dataclass(frozen=True)
class Opened:
    """One page, opened once."""

    name: str
    kilobytes: float
    ready_ms: float


def run(rounds: int, *, quick: bool = False) -> list[Measurement]:
    """`quick`: a few of the pages, and those that load most."""
    chosen = [
        (role, address)
        for number, (role, address) in enumerate(pages())
        if not quick or number % 15 == 0 or address in _HEAVY
    ]
    return asyncio.run(_run(rounds, chosen))


async def _run(rounds: int, chosen: Sequence[tuple[Role | None, str]]) -> list[Measurement]:
    weight = Measurement("pages-weight", "A page on the wire, the first time", "kB", "lower")
    ready = Measurement("pages-ready", "Until a page can be used, the first time", "ms", "lower")
    with shown.register(anew=True) as centre, tempfile.TemporaryDirectory() as folder:
        async with (
            line(Path(folder)) as made,
            served(made) as operator,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(
                executable_path=find_program("chromium"), args=ARGUMENTS
            )
            roles = {OFFICER, *(role for role, _ in chosen if role is not None)}
            cookies = {role: await asyncio.to_thread(centre.cookie, role) for role in sorted(roles)}
            # Once after a start: a desk is drawn from the interface's description.
            first = await _open(browser, centre.url + DESK, cookies[OFFICER])
            for _ in range(rounds):
                smallest = await _open(browser, centre.url + SMALLEST, cookies[OFFICER])
                found = [
                    await _open(
                        browser, centre.url + address, None if role is None else cookies[role]
                    )
                    for role, address in chosen
                ]
                found.append(await _open(browser, operator, None, name=OPERATOR))
                _enter(weight, "kilobytes", found, smallest.kilobytes, ALLOWED_KB)
                _enter(ready, "ready_ms", found, smallest.ready_ms, ALLOWED_MS)
            await browser.close()
    for measurement, field in ((weight, "kilobytes"), (ready, "ready_ms")):
        measurement.notes = [
            f"{len(found)} pages; in the last round most:",
            *(
                f"{getattr(each, field):,.0f} {measurement.unit}  {each.name}"
                for each in _most(found, field)[:_NAMED]
            ),
        ]
    ready.notes.append(f"{first.ready_ms:,.0f} ms  the first page of a desk after a server's start")
    return [weight, ready]


def _most(found: Sequence[Opened], field: str) -> list[Opened]:
    return sorted(found, key=lambda each: -float(getattr(each, field)))


def _enter(
    into: Measurement, field: str, found: Sequence[Opened], smallest: float, allowed: float
) -> None:
    """One round."""
    limits = ("the smallest answer", "allowed")
    for name, value in zip(limits, (smallest, allowed), strict=True):
        into.add(name, value)
    ordered = _most(found, field)
    registry = [each for each in ordered if each.name != OPERATOR]
    for name, page in (
        ("the registry's page in the middle", registry[len(registry) // 2]),
        ("the registry's most", registry[0]),
        (OPERATOR, next(each for each in found if each.name == OPERATOR)),
    ):
        into.add(name, getattr(page, field), against=limits)


async def _open(browser: Browser, address: str, cookie: Any, name: str = "") -> Opened:
    """In a profile that holds nothing."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    if cookie is not None:
        await context.add_cookies([cookie])
    await context.add_init_script(_LONG)
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    weights: Counter[str] = Counter()

    def arrived(told: Any) -> None:
        weights[told["requestId"]] += told["encodedDataLength"]

    def ended(told: Any) -> None:
        # Only now is it known of a document that came compressed; a stream does not end.
        weights[told["requestId"]] = told["encodedDataLength"]

    session.on(
        "Network.responseReceived",
        lambda told: arrived(told["response"] | {"requestId": told["requestId"]}),
    )
    session.on("Network.dataReceived", arrived)
    session.on("Network.loadingFinished", ended)
    await session.send("Network.enable")
    await page.goto(address)
    await page.wait_for_timeout(_WAIT_MS)
    ready = float(await page.evaluate(_READY))
    await context.close()
    shown = name or address.partition("//")[2].partition("/")[2]
    return Opened(shown or "/", weights.total() / 1000, ready)
