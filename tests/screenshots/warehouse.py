"""The pictures of the warehouse app: a phone of its own for each, after some steps."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Playwright, expect

from tests.browser.phone import Phone, camera, phone, video
from tests.register.telling import UII, Told, accept
from tests.support.store import Store, opened, symbol

PALLET = "00003456789012345670"


@dataclass(frozen=True, kw_only=True)
class OnPhone:
    """One picture. `sees`: its camera, over the mark by that index."""

    name: str
    steps: Callable[[Phone], None]
    language: Literal["sq", "en"] = "sq"
    theme: Literal["light", "dark"] = "light"
    size: tuple[int, int] = (390, 844)
    sees: int | None = None
    whole: bool = False


def enrol(made: Phone) -> None:
    made.store.centre.post("/api/v1/devices", {"name": "gramsh.phone-9", "place": "UMG.D1"})
    made.page.goto(f"{made.url}#enrol=gramsh.phone-9,{made.store.code('gramsh.phone-9')}")
    expect(made.button("Regjistro")).to_be_visible()


def home(made: Phone) -> None:
    made.open()


def receive(made: Phone) -> None:
    made.open("receive")
    made.page.locator("#setting-consignment").select_option("D-2026-114")
    made.wedge(symbol(10))
    made.counts(1)


def put_away(made: Phone) -> None:
    made.open("put-away")
    made.wedge("UMG.D1", symbol(1), symbol(2), symbol(3))
    made.counts(3)


def wrong(made: Phone) -> None:
    put_away(made)
    made.wedge(symbol(3))
    expect(made.page.locator(".w-told.g-attention")).to_be_visible()


def doubt(made: Phone) -> None:
    put_away(made)
    made.wedge("SN-4711")
    expect(made.page.locator(".w-told.g-bad")).to_be_visible()


def pack(made: Phone) -> None:
    made.open("pack")
    made.wedge(PALLET, symbol(4), symbol(5))
    made.counts(2)


def dispatch(made: Phone) -> None:
    made.open("dispatch")
    made.says("Skanoni dërgesën")


def count(made: Phone) -> None:
    made.open("count")
    made.wedge(*(symbol(index) for index in range(20, 40)))
    made.counts(20)


def find(made: Phone) -> None:
    put_away(made)
    wait_judged(made)
    made.open("find")
    made.wedge(symbol(2))
    expect(made.page.locator(".g-facts")).to_contain_text("UMG.D1")


def offline(made: Phone) -> None:
    made.open("count")
    made.context.set_offline(True)
    made.wedge(*(symbol(index) for index in range(40, 52)))
    made.counts(12)
    made.link("Pa rrjet, 12 skanime presin")


def seen(made: Phone) -> None:
    made.open("put-away")
    made.wedge("UMG.D1")
    made.button("Përdor kamerën").click()
    made.says("U ruajt")


def conflict(made: Phone) -> None:
    made.open("move")
    made.wedge("UMG.D2", symbol(55), "SN-4711")
    made.counts(2)
    wait_judged(made)
    made.page.goto(f"{made.url}#/disputes")
    expect(made.page.locator(".w-disputes > li")).to_have_count(2)


def device(made: Phone) -> None:
    made.page.goto(f"{made.url}#/device")
    made.wedge("B-0042")
    expect(made.page.get_by_text("Jeni futur me distinktivin")).to_be_visible()


def english(made: Phone) -> None:
    made.page.goto(f"{made.url}#/device")
    made.button("English").click()
    made.open("put-away")
    made.wedge("UMG.D2")
    made.says("The place")


def wait_judged(made: Phone) -> None:
    (name,) = made.page.evaluate(
        """() => new Promise((tell) => {
          const asked = indexedDB.open("gjurma");
          asked.onsuccess = () => {
            const all = asked.result.transaction("device").objectStore("device").getAll();
            all.onsuccess = () => { asked.result.close(); tell(all.result.map((e) => e.name)); };
          };
        })"""
    )
    made.sent(name)


ON_PHONE = (
    OnPhone(name="warehouse-enrol", steps=enrol),
    OnPhone(name="warehouse-home", steps=home),
    OnPhone(name="warehouse-receive", steps=receive),
    OnPhone(name="warehouse-put-away", steps=put_away),
    OnPhone(name="warehouse-put-away-dark", steps=put_away, theme="dark"),
    OnPhone(name="warehouse-wrong", steps=wrong),
    OnPhone(name="warehouse-doubt", steps=doubt),
    OnPhone(name="warehouse-pack", steps=pack),
    OnPhone(name="warehouse-dispatch", steps=dispatch),
    OnPhone(name="warehouse-count", steps=count),
    OnPhone(name="warehouse-find", steps=find),
    OnPhone(name="warehouse-offline", steps=offline),
    OnPhone(name="warehouse-camera", steps=seen, sees=56),
    OnPhone(name="warehouse-conflict", steps=conflict, whole=True),
    OnPhone(name="warehouse-device", steps=device, whole=True),
    OnPhone(name="warehouse-english", steps=english, language="en"),
    OnPhone(name="warehouse-small", steps=put_away, size=(320, 568)),
    OnPhone(name="warehouse-wide", steps=put_away, size=(800, 1280)),
)


def take(
    playwright: Playwright, pictures: list[OnPhone], keep: Callable[[bytes, str], None]
) -> None:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as store:
        furnish(store)
        for number, picture in enumerate(pictures):
            home = Path(folder) / picture.name
            home.mkdir()
            sees = picture.sees
            seen = () if sees is None else camera(video(home / "mark.y4m", symbol(sees)))
            wishes: dict[str, Any] = {
                "viewport": dict(zip(("width", "height"), picture.size, strict=True)),
                "color_scheme": picture.theme,
                "reduced_motion": "reduce",
            }
            with phone(playwright, store, home / "profile", *seen, **wishes) as made:
                if picture.steps is not enrol:
                    made.enrol(f"gramsh.picture-{number}")
                picture.steps(made)
                made.page.wait_for_timeout(2_000)  # for the register's word on what was scanned
                keep(made.page.screenshot(full_page=picture.whole), picture.name)


def furnish(store: Store) -> None:
    """A second store's consignment on its way in, and something that was lost."""
    centre = store.centre
    centre.post("/api/v1/entities", {"code": "DEP", "name": "Depoja Qendrore"})
    centre.add_licence("L-DEP", "DEP", activities=["trade"])
    now, day = datetime.now(UTC), timedelta(days=1)
    accept(centre, *(UII.format(index) for index in range(1, 60)))
    told = Told(centre)
    told("dispatched", UII.format(10), UII.format(11))
    told("received", UII.format(10), UII.format(11), holder="DEP")
    for number, sender, recipient, index in (
        ("D-2026-114", "DEP", "UMG", 10),
        ("D-2026-117", "UMG", "DEP", 12),
    ):
        centre.post(
            "/api/v1/consignments",
            {
                "number": number,
                "direction": "domestic",
                "sender": sender,
                "recipient": recipient,
                "planned_dispatch": (now + day / 24).isoformat(),
                "planned_arrival": (now + day).isoformat(),
                "articles": [UII.format(index)],
            },
        )
    told("dispatched", UII.format(10), consignment="D-2026-114")
    told("lost", UII.format(55), reason="jo në vendin e vet")
