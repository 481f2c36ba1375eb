"""Debian's Chromium, and what it says of a page: its heap, its frames, its long tasks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, Playwright, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.needs import find_program

LONG_MS = 50.0
"""From here on a task is a long one, as browsers count them: a key waits for its end."""
_COLLECT = """() => {
  window.frames_ = { deltas: [], long: 0 };
  let last = performance.now();
  const each = (now) => {
    window.frames_.deltas.push(now - last);
    last = now;
    requestAnimationFrame(each);
  };
  requestAnimationFrame(each);
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.frames_.long += duration;
  }).observe({ type: "longtask" });
}"""
_TAKE = """() => {
  const found = window.frames_;
  window.frames_ = { deltas: [], long: 0 };
  return found;
}"""


@dataclass(frozen=True)
class Frames:
    """Of a while: milliseconds between two frames, and those that long tasks took."""

    deltas: list[float]
    long_ms: float


class Watched:
    """A page whose frames are counted from now on."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Performance.enable")
        page.evaluate(_COLLECT)

    def frames(self) -> Frames:
        """Since they were asked for last."""
        found: Any = self.page.evaluate(_TAKE)
        return Frames(found["deltas"], found["long"])

    def heap_bytes(self) -> float:
        """What scripts hold, once what they do not is thrown away."""
        self._session.send("HeapProfiler.collectGarbage")
        return self._metric("JSHeapUsedSize")

    def nodes(self) -> float:
        return self._metric("Nodes")

    def _metric(self, name: str) -> float:
        told = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in told if each["name"] == name))


@contextmanager
def driven() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


def launch(playwright: Playwright) -> Browser:
    """A browser of its own: a page that is not in front draws no frames."""
    return playwright.chromium.launch(executable_path=find_program("chromium"), args=ARGUMENTS)
