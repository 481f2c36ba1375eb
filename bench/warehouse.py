"""What the warehouse app weighs, how fast it reads a picture, and whether a long count slows it.

A phone's first visit, as the browser counts it on the wire: what the page needs before it can be
used, and apart from that the decoder, which comes once and stays. Then a camera over a mark, from a
frame to its answer. Then a thousand scans in one count, offline, each from the last key to the word
on the card; beside it the browser's own store: the same bytes put into a database of one table.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from bench.measure import Measurement
from tests.browser.phone import Phone, camera, phone, video
from tests.support.store import opened, symbol

ALLOWED_KB, ALLOWED_MS = 150.0, 100.0
PART = 100
_LOOK_MS = 10_000
# Each scan waits for the one before it, as a hand does.
_COUNT = """async ({ first, scans }) => {
  const card = () => document.querySelector(".w-count b").textContent.replace(/\\D/g, "");
  const took = [];
  for (let index = first; index < first + scans; index++) {
    const code = `T${String(index).padStart(5, "0")}`;
    const began = performance.now();
    for (const key of [...code, "Enter"]) {
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    }
    while (card() !== String(index + 1)) await new Promise(requestAnimationFrame);
    took.push(performance.now() - began);
  }
  return took;
}"""
_BARE = """(puts) => new Promise((tell) => {
  const asked = indexedDB.open("bare", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("lines");
  asked.onsuccess = async () => {
    const took = [];
    for (let index = 0; index < puts; index++) {
      const began = performance.now();
      await new Promise((done) => {
        const put = asked.result.transaction("lines", "readwrite", { durability: "strict" });
        put.objectStore("lines").add("x".repeat(300), index);
        put.oncomplete = done;
      });
      await new Promise(requestAnimationFrame);
      took.push(performance.now() - began);
    }
    asked.result.close();
    indexedDB.deleteDatabase("bare");
    tell(took);
  };
})"""


def run(rounds: int, scans: int) -> list[Measurement]:
    weight = Measurement(
        "app-weight", "The warehouse app on the wire, the first time", "kB", "lower"
    )
    decoding = Measurement("app-decode", "A frame of the camera, to its answer", "ms", "lower")
    counting = Measurement(
        "app-count", f"A scan in a count of {scans:,}, key to word", "ms", "lower"
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder)) as store,
        sync_playwright() as playwright,
    ):
        seen = video(Path(folder) / "mark.y4m", symbol(1))
        for number in range(rounds):
            profile = Path(folder) / f"profile-{number}"
            with phone(playwright, store, profile, *camera(seen)) as made:
                _weigh(made, weight)
                made.enrol(f"bench.phone-{number}")
                _decode(made, decoding)
                _count(made, counting, scans)
    return [weight, decoding, counting]


def _weigh(made: Phone, into: Measurement) -> None:
    """By the page's own requests; the decoder's files are fetched by what keeps them."""
    weights: dict[str, float] = {}
    names: dict[str, str] = {}
    session = made.context.new_cdp_session(made.page)

    def add(told: dict[str, Any], size: float) -> None:
        name = names.get(told["requestId"], "")
        weights[name] = weights.get(name, 0.0) + size / 1000

    def answered(told: dict[str, Any]) -> None:
        names[told["requestId"]] = told["response"]["url"]
        add(told, told["response"]["encodedDataLength"])

    session.on("Network.responseReceived", answered)
    session.on("Network.dataReceived", lambda told: add(told, told["encodedDataLength"]))
    session.send("Network.enable")
    made.page.goto(made.url)
    made.page.get_by_role("heading", level=1).wait_for()
    made.page.wait_for_timeout(1_000)
    session.detach()
    into.add("allowed", ALLOWED_KB)
    into.add("the app, without the decoder", sum(weights.values()), against=("allowed",))
    largest = sorted(weights.items(), key=lambda each: -each[1])[:3]
    into.notes = [f"{size:,.1f} kB  {name.rpartition('/')[2]}" for name, size in largest]


def _decode(made: Phone, into: Measurement) -> None:
    made.open("put-away")
    made.wedge("UMG.D1")
    made.button("Përdor kamerën").click()
    made.says("U ruajt")
    made.page.evaluate("performance.clearMeasures('decode')")
    made.page.wait_for_timeout(_LOOK_MS)
    took = made.page.evaluate("performance.getEntriesByName('decode').map((one) => one.duration)")
    made.button("Ndal kamerën").click()
    into.add("allowed", ALLOWED_MS)
    into.add("a frame, in the middle", statistics.median(took), against=("allowed",))
    into.notes = [f"{len(took)} frames of 720 x 720 in {_LOOK_MS / 1000:.0f} s"]


def _count(made: Phone, into: Measurement, scans: int) -> None:
    made.context.set_offline(True)
    made.open("count")
    bare = statistics.median(made.page.evaluate(_BARE, PART))
    parts = [
        statistics.median(made.page.evaluate(_COUNT, {"first": first, "scans": PART}))
        for first in range(0, scans, PART)
    ]
    made.context.set_offline(False)
    into.add("one line into the browser's store", bare)
    limits = ("one line into the browser's store",)
    into.add("the first hundred", parts[0], against=limits)
    into.add("the last hundred", parts[-1], against=(*limits, "the first hundred"))
