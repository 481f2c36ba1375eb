"""The live page while thousands of records a second arrive, against a page that does nothing.

The real server and database, and batches that were signed beforehand, taken in by what an ingest
worker does with them; the page in Chromium, and beside it in a browser of its own a page of the
register on which nothing happens. Both share the machine with all the rest, so that a frame which
came late because of that came late on both.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from bench import direct
from bench.chromium import Watched, driven, launch
from bench.fleet import Gateway
from bench.measure import Measurement, percentile
from tests.support.central import Centre

BATCH = 500
_ROWS = "document.querySelectorAll('#marks tbody tr').length"


@dataclass(frozen=True)
class Size:
    """How much is measured: `windows` of so many seconds while records arrive, at that rate or as
    fast as the machine takes them."""

    gateways: int
    rate: int
    windows: int
    seconds: float


FULL = Size(gateways=8, rate=2500, windows=6, seconds=20)
QUICK = Size(gateways=2, rate=1000, windows=2, seconds=3)


def run(size: Size) -> list[Measurement]:
    """Starts a centre of its own."""
    with (
        Centre.started("serve", "plan", block_size=1_000_000, anew=True) as centre,
        driven() as playwright,
    ):
        centre.standard("bench.nobody")
        fleet = [
            Gateway.enrolled(centre, f"bench.line-{n}", f"B-{n}", 500_000)
            for n in range(1, size.gateways + 1)
        ]
        centre.stop("plan")
        turns = int(size.rate * size.seconds * (size.windows + 1) / (size.gateways * BATCH)) + 1
        waiting = [each.rest() + each.batches(turns, BATCH) for each in fleet]
        pages = []
        for address in ("/", "/account"):
            browser = launch(playwright)
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            context.add_cookies([centre.cookie()])
            page = context.new_page()
            page.goto(centre.url + address)
            pages.append(page)
        pages[0].locator('#link[data-state="live"]').wait_for()
        live, idle = (Watched(page) for page in pages)
        lots = [
            [(gateway.peer.gateway, batch)]
            for turn in zip(*waiting, strict=True)
            for gateway, batch in zip(fleet, turn, strict=True)
        ]
        return _measure(centre, lots, size, live, idle)


def _measure(
    centre: Centre, lots: Sequence[direct.Lot], size: Size, live: Watched, idle: Watched
) -> list[Measurement]:
    frames = Measurement("live-frames", "The live page's frames", "ms", "lower")
    heap = Measurement("live-heap", "The live page's memory", "MB", "lower")
    rate = Measurement("live-load", "What arrives meanwhile", "a second", "higher")
    # The table and the plots are full before the first window is measured.
    with _arriving(centre, lots, size.rate):
        live.page.wait_for_timeout(1000 * size.seconds)
        first = {"heap": live.heap_bytes() / 1e6, "nodes": live.nodes()}
        for _ in range(size.windows):
            live.frames(), idle.frames()
            before, began = _records(centre), perf_counter()
            live.page.wait_for_timeout(1000 * size.seconds)
            seen, unseen, spent = live.frames(), idle.frames(), perf_counter() - began
            for name, part in (("p50", 0.5), ("p99", 0.99)):
                limit = f"{name}, idle page"
                frames.add(limit, percentile(unseen.deltas, part))
                frames.add(f"{name}, live page", percentile(seen.deltas, part), against=(limit,))
            frames.add("longest, idle page", max(unseen.deltas))
            frames.add("longest, live page", max(seen.deltas), against=("longest, idle page",))
            # One millisecond is added to both: there may be none.
            frames.add("long tasks a second, idle page", 1 + unseen.long_ms / spent)
            frames.add(
                "long tasks a second, live page",
                1 + seen.long_ms / spent,
                against=("long tasks a second, idle page",),
            )
            heap.add("heap, idle page", idle.heap_bytes() / 1e6)
            heap.add("heap, live page, at first", first["heap"])
            heap.add(
                "heap, live page",
                live.heap_bytes() / 1e6,
                against=("heap, live page, at first", "heap, idle page"),
            )
            heap.add("thousand nodes, live page, at first", first["nodes"] / 1000)
            heap.add(
                "thousand nodes, live page",
                live.nodes() / 1000,
                against=("thousand nodes, live page, at first",),
            )
            rate.add("records", (_records(centre) - before) / (perf_counter() - began))
            rate.add("rows in the page's table", float(live.page.evaluate(_ROWS)))
    frames.notes = [
        "the least is the screen's 60 frames a second: 16.7 ms",
        "the database, the server, what writes and both browsers share the cores",
        "one millisecond is added to both numbers of long tasks",
    ]
    heap.notes = ["after the browser was told to collect its garbage"]
    rate.notes = [live.page.locator("#sampled").inner_text() or "nothing was left out"]
    return [frames, heap, rate]


@contextmanager
def _arriving(centre: Centre, lots: Sequence[direct.Lot], rate: int) -> Iterator[None]:
    """While it lasts, one batch after the other is taken in, each in its time by the rate."""
    stopping, faults = threading.Event(), list[Exception]()

    def paced() -> Iterator[direct.Lot]:
        began = perf_counter()
        for number, lot in enumerate(lots):
            if stopping.wait(max(0.0, number * BATCH / rate - (perf_counter() - began))):
                return
            yield lot

    def write() -> None:
        try:
            direct.ingest(lambda: None, centre.folder / "central.toml", paced())
        except Exception as error:
            faults.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
    if faults:
        raise faults[0]


def _records(centre: Centre) -> int:
    return int(centre.sql("SELECT coalesce(sum(committed), 0) FROM stream")[0][0])
