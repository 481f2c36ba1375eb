"""A phone with the warehouse app: a browser's profile, its keyboard wedge, and what it has kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect

from tests.browser.conftest import ARGUMENTS, PATIENCE_MS, is_fault
from tests.needs import find_program
from tests.support.store import Store
from tests.support.wait import wait_for

SIZE: Any = {"width": 390, "height": 844}
# A wedge is a keyboard that types a whole symbol in a few milliseconds; Playwright's own keys come
# as fast as the machine is idle.
_WEDGE = """(codes) => {
  const control = { "\\x1d": "]", "\\x1e": "6", "\\x04": "d" };
  for (const code of codes) {
    for (const each of [...code, "Enter"]) {
      const made = { key: control[each] ?? each, ctrlKey: each in control, bubbles: true };
      (document.activeElement ?? document.body).dispatchEvent(
        new KeyboardEvent("keydown", { ...made, cancelable: true }));
    }
  }
}"""
_KEPT = """() => new Promise((tell, fail) => {
  const asked = indexedDB.open("gjurma");
  asked.onerror = () => fail(asked.error);
  asked.onsuccess = () => {
    const all = asked.result.transaction("records").objectStore("records").getAll();
    all.onsuccess = () => { asked.result.close(); tell(all.result.map((each) => each.line)); };
  };
})"""


class Phone:
    """One window of it. `page` is Playwright's."""

    def __init__(self, store: Store, context: BrowserContext) -> None:
        self.store = store
        self.context = context
        context.set_default_timeout(PATIENCE_MS)
        self.faults: list[str] = []
        self.page = context.pages[0] if context.pages else context.new_page()
        self._listen(self.page)

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if is_fault(said) else None)

    @property
    def url(self) -> str:
        return f"{self.store.centre.url}/warehouse/"

    def enrol(self, name: str, place: str = "UMG.D1", *, known: bool = False) -> None:
        """As the officer's code leads to it; enters the device where it is not `known`."""
        if not known:
            self.store.centre.post("/api/v1/devices", {"name": name, "place": place})
        self.page.goto("about:blank")
        self.page.goto(f"{self.url}#enrol={name},{self.store.code(name)}")
        self.button("Regjistro").click()
        expect(self.page.locator(".w-tasks")).to_be_visible()
        # From now on it opens without a network.
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    def button(self, words: str) -> Locator:
        return self.page.get_by_role("button", name=words, exact=True)

    def open(self, task: str = "") -> None:
        self.page.goto(f"{self.url}#/{task}")
        shown = ".w-card" if task else ".w-tasks"
        expect(self.page.locator(shown)).to_be_visible()

    def wedge(self, *codes: str) -> None:
        self.page.evaluate(_WEDGE, list(codes))

    def type(self, code: str) -> None:
        self.page.locator("#typed").fill(code)
        self.page.locator("#typed").press("Enter")

    def says(self, word: str) -> None:
        """On the large card."""
        expect(self.page.locator(".w-word")).to_have_text(word)

    def counts(self, number: int) -> None:
        told = f"{number:,}".replace(",", "\u202f")
        expect(self.page.locator(".w-count b")).to_have_text(told)

    def link(self, words: str) -> None:
        expect(self.page.locator(".w-top .g-tag")).to_have_text(words)

    def kept(self) -> list[str]:
        """The lines of its journal."""
        return list(self.page.evaluate(_KEPT))

    def close_window(self) -> None:
        """And open another one, which is empty yet."""
        fresh = self.context.new_page()
        self._listen(fresh)
        self.page.close()
        self.page = fresh

    def sent(self, name: str, epoch: int = 1) -> list[tuple[Any, ...]]:
        """Wait until the register has judged all that is kept; what it made of each scan.

        What a wedge typed is kept a moment later: wait first until the page shows that (`counts`).
        """
        query = (
            "SELECT 1 FROM concluded c JOIN stream s ON s.id = c.stream"
            " WHERE s.gateway = %s AND s.epoch = %s AND c.seq = %s"
        )
        sql = self.store.centre.sql
        wait_for("all judged", lambda: sql(query, name, epoch, len(self.kept())), 120)
        return self.store.centre.sql(
            "SELECT seq, what, verdict FROM scan WHERE gateway = %s AND epoch = %s ORDER BY seq",
            name,
            epoch,
        )


@contextmanager
def borrowed(chromium: Browser, store: Store, **wishes: Any) -> Iterator[Phone]:
    """One of a browser that others share: what it keeps is its own, and goes with it."""
    context = chromium.new_context(**{"viewport": SIZE, "has_touch": True, **wishes})
    with _used(Phone(store, context)) as made:
        yield made


@contextmanager
def phone(
    playwright: Playwright, store: Store, profile: Path, *arguments: str, **wishes: Any
) -> Iterator[Phone]:
    """One that is switched on: what it keeps lies in `profile`, and outlasts it."""
    context = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=find_program("chromium"),
        args=[*ARGUMENTS, *arguments],
        **{"viewport": SIZE, "has_touch": True, **wishes},
    )
    with _used(Phone(store, context)) as made:
        yield made


@contextmanager
def _used(made: Phone) -> Iterator[Phone]:
    """What its scripts or its policy find wrong fails the test."""
    try:
        yield made
    finally:
        made.context.close()
    assert made.faults == []


def video(path: Path, content: str, *, size: tuple[int, int] = (1280, 720)) -> Path:
    """What a camera sees that is held over a mark: nothing yet, then its Data Matrix, a little
    turned, on grey metal. YUV4MPEG2, as Chromium's fake camera reads it."""
    symbol = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.DataMatrix)
    drawn: Any = symbol.to_image(scale=10)
    mark = Image.fromarray(drawn).convert("L").rotate(7, expand=True, fillcolor=255)
    mark = mark.point(lambda level: 70 + level // 2)
    empty = Image.new("L", size, 70 + 255 // 2)
    held = empty.copy()
    held.paste(mark, ((size[0] - mark.width) // 2, (size[1] - mark.height) // 2))
    grey = bytes([128]) * (size[0] * size[1] // 2)
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F15:1 Ip A1:1 C420jpeg\n" % size)
        for frame in [empty] * 10 + [held] * 50:
            file.write(b"FRAME\n" + frame.tobytes() + grey)
    return path


def camera(video_file: Path) -> tuple[str, ...]:
    """Chromium's arguments for a camera that sees it."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video_file}",
    )
