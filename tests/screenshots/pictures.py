"""Which pictures there are. A new one is a line in one of the two lists."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from playwright.async_api import Page, expect

from central.access.roles import Role
from gateway.contract.plan import Verify
from gateway.latches import Latch
from tests.support.line import Line
from tests.support.shown import REVOKED

DESK, TABLET, PHONE = (1280, 800), (1024, 768), (390, 844)
PRIMARY = "#primary button:enabled"
Language: TypeAlias = Literal["sq", "en"]
Theme: TypeAlias = Literal["light", "dark"]


@dataclass(frozen=True, kw_only=True)
class _Picture:
    name: str
    """Of the file in docs/screens."""
    language: Language = "sq"
    theme: Theme = "light"
    contrast: Literal["more"] | None = None
    size: tuple[int, int] = DESK


@dataclass(frozen=True, kw_only=True)
class OnRegistry(_Picture):
    """A page of the register, seen in a role."""

    address: str
    role: Role | None = Role.REGISTRY_OFFICER
    steps: Callable[[Page], Awaitable[None]] | None = None
    whole: bool = False
    """All of a long page, and not what stands on the screen."""


@dataclass(frozen=True, kw_only=True)
class AtLine(_Picture):
    """The operator's page of a line of its own, after some steps."""

    steps: Callable[[Page, Line], Awaitable[None]]
    eye: Literal["zebra-ssi", "camera"] = "zebra-ssi"


# --- what is done before a picture --------------------------------------------------------------


async def ready(page: Page, made: Line) -> None:
    connect(made, connected=True)
    await _tone(page, "ready")


async def good(page: Page, made: Line) -> None:
    connect(made, connected=True)
    for count in (1, 2, 3):
        made.parts.load("line-1")
        await page.locator(PRIMARY).first.click()
        await expect(page.locator("#parts li.good")).to_have_count(count)
    await _tone(page, "good")


async def set_aside(page: Page, made: Line) -> None:
    await good(page, made)
    made.parts.load("line-1")
    made.readers["line-1"].misbehave("blind", 4)  # the look, and the three reads
    await page.locator(PRIMARY).first.click()
    await _tone(page, "bad")


async def pictured(page: Page, made: Line) -> None:
    """A mark that is too faint, as the camera took it."""
    await good(page, made)
    made.parts.load("line-1")
    made.markers["line-1"].misbehave("faint", 1)
    await page.locator(PRIMARY).first.click()
    await _tone(page, "bad")
    await page.locator("#plate .taken img").evaluate("image => image.decode()")


async def marking(page: Page, made: Line) -> None:
    connect(made, connected=True)
    made.parts.load("line-1")
    made.markers["line-1"].moments.hold("marked")
    await page.locator(PRIMARY).first.click()
    assert await made.markers["line-1"].moments.await_held(20)


async def switch_off(page: Page, made: Line) -> None:
    """The outcome is unknown, and the laser cannot say that it is safe."""
    await marking(page, made)
    made.readers["line-1"].misbehave("blind", 6)
    await made.markers["line-1"].power(on=False)
    await page.locator("#hold li[aria-current=step]").wait_for()


async def unknown(page: Page, made: Line) -> None:
    """The laser did not answer, and no code was seen."""
    connect(made, connected=True)
    made.parts.load("line-1")
    made.markers["line-1"].misbehave("silent", 1)
    made.readers["line-1"].misbehave("blind", 7)
    await page.locator(PRIMARY).first.click()
    await page.locator("#hold li[aria-current=step]").wait_for()


async def settle(page: Page, made: Line) -> None:
    """It was scanned and nothing was found: two people decide."""
    await unknown(page, made)
    await page.locator("[data-action=read_again]:enabled").click()
    await page.locator("#primary [data-action=settle]:enabled").click()


def latched(latch: Latch) -> Callable[[Page, Line], Awaitable[None]]:
    async def steps(page: Page, made: Line) -> None:
        connect(made, connected=True)
        made.latches.set(latch, "the guard knows record 181, the journal ends at 140")
        await page.locator("#hold dd").first.wait_for()

    return steps


def stopped(reason: str) -> Callable[[Page, Line], Awaitable[None]]:
    """An obstacle of the plan."""

    async def steps(page: Page, made: Line) -> None:
        connect(made, connected=True)
        made.change_order(state="suspended", reason=reason)
        await page.locator("#hold dd").first.wait_for()

    return steps


async def first_piece(page: Page, made: Line) -> None:
    """The first piece of an order lies there, and waits for the shift lead."""
    connect(made, connected=True)
    made.change_order(verify=Verify(mode="each", first_piece="approved-by-second"))
    made.parts.load("line-1")
    await page.locator(PRIMARY).first.click()
    await page.locator("#hold li[aria-current=step]").wait_for()


async def approve(page: Page, made: Line) -> None:
    await first_piece(page, made)
    await page.locator("#primary [data-action=first-piece]:enabled").click()


async def shift(page: Page, made: Line) -> None:
    """At its end, with one piece fewer on the bench than the journal knows of."""
    await good(page, made)
    await page.locator("[data-action=more]:enabled").click()
    await page.locator("#choose [data-action=shift]").click()
    for name, value in (("good", "2"), ("aside", "0"), ("scrapped", "0")):
        await page.locator(f"[name={name}-0]").fill(value)


async def offline(page: Page, made: Line) -> None:
    await good(page, made)
    connect(made, connected=False)
    await page.locator("#foot .reach").first.wait_for()


def connect(made: Line, *, connected: bool) -> None:
    assert made.desk.uplink is not None
    made.desk.uplink.connected = connected
    made.desk.changed()


async def _tone(page: Page, tone: str) -> None:
    await page.locator(f'body[data-tone="{tone}"]').wait_for()


async def live(page: Page) -> None:
    await page.locator('#link[data-state="live"]').wait_for()
    await page.locator("#marks tbody tr").first.wait_for()


GOOD, GOOD_EN = (f"/public{mark}/licences/AIM-2026-0007" for mark in ("", "/en"))
BAD = f"/public/licences/{REVOKED}"
LATCHES: tuple[Latch, ...] = ("rolled-back", "forked", "two-of-me", "journal-corrupt")
OBSTACLES = ("licence-suspended", "entity-excluded", "product-withdrawn", "order-held")
AT_LINE = (
    AtLine(name="operator-ready", steps=ready),
    AtLine(name="operator-good", steps=good),
    AtLine(name="operator-good-en", steps=good, language="en"),
    AtLine(name="operator-set-aside", steps=set_aside),
    AtLine(name="operator-picture", steps=pictured, eye="camera"),
    AtLine(
        name="operator-picture-tablet-en", steps=pictured, eye="camera", size=TABLET, language="en"
    ),
    AtLine(name="operator-offline", steps=offline),
    AtLine(name="operator-ready-dark", steps=ready, theme="dark"),
    AtLine(name="operator-set-aside-contrast", steps=set_aside, contrast="more"),
    AtLine(name="operator-good-tablet", steps=good, size=TABLET),
    AtLine(name="operator-marking", steps=marking),
    AtLine(name="hold-switch-off", steps=switch_off),
    AtLine(name="hold-unknown", steps=unknown),
    AtLine(name="hold-unknown-tablet-en", steps=unknown, size=TABLET, language="en"),
    AtLine(name="hold-settle", steps=settle),
    AtLine(name="hold-first-piece", steps=first_piece),
    AtLine(name="hold-approve", steps=approve),
    AtLine(name="operator-shift", steps=shift),
    *(AtLine(name=f"hold-{latch}", steps=latched(latch)) for latch in LATCHES),
    *(AtLine(name=f"hold-{reason}", steps=stopped(reason)) for reason in OBSTACLES),
)
ON_REGISTRY = (
    OnRegistry(name="registry-live", address="/", steps=live),
    OnRegistry(name="registry-live-dark", address="/", steps=live, theme="dark", language="en"),
    OnRegistry(name="registry-live-contrast", address="/", steps=live, contrast="more"),
    OnRegistry(name="registry-live-phone", address="/", steps=live, size=PHONE),
    OnRegistry(name="registry-item", address="/items/DA7G1HM70G000005"),
    OnRegistry(name="registry-search", address="/search?q=goooooi", language="en"),
    OnRegistry(name="registry-orders", address="/orders"),
    OnRegistry(name="registry-order", address="/orders/G-1"),
    OnRegistry(name="registry-licence", address="/licences/L-1"),
    OnRegistry(name="registry-licence-suspend", address="/licences/L-1?do=suspend"),
    OnRegistry(name="registry-new-product", address="/products?do=new", whole=True),
    OnRegistry(name="registry-inspection", address="/inspections/I-2026-4"),
    OnRegistry(name="registry-consignment", address="/consignments/C-1", language="en"),
    OnRegistry(name="registry-alerts", address="/alerts"),
    OnRegistry(name="registry-gateways", address="/gateways"),
    OnRegistry(name="registry-gateway", address="/gateways/gramsh.line-1"),
    OnRegistry(name="registry-stock", address="/stock"),
    OnRegistry(name="registry-accounts", address="/accounts", role=Role.ADMINISTRATOR),
    OnRegistry(name="registry-item-phone", address="/items/DA7G1HM70G000003", size=PHONE),
    OnRegistry(name="registry-licence-dark", address="/licences/L-1", theme="dark"),
    OnRegistry(name="registry-sign-in", address="/sign-in", role=None),
    *(
        OnRegistry(name=f"public-{name}", address=f"/public{path}", role=None, whole=True)
        for name, path in (
            ("start", ""),
            ("entities", "/entities"),
            ("entity", "/entities/KMP"),
            ("exclusions", "/exclusions"),
            ("statistics", "/statistics"),
            ("good", "/licences/AIM-2026-0007"),
            ("suspended", "/licences/AIM-2026-0008"),
            ("revoked", f"/licences/{REVOKED}"),
            ("unknown", "/check?number=AIM-2O26-OOO7"),
        )
    ),
    OnRegistry(name="public-start-phone", address="/public", role=None, size=PHONE, whole=True),
    OnRegistry(name="public-good-phone", address=GOOD, role=None, size=PHONE, whole=True),
    OnRegistry(
        name="public-entities-phone", address="/public/entities", role=None, size=PHONE, whole=True
    ),
    OnRegistry(name="public-start-dark", address="/public", role=None, theme="dark"),
    OnRegistry(name="public-revoked-dark", address=BAD, role=None, theme="dark", size=PHONE),
    OnRegistry(name="public-good-en", address=GOOD_EN, role=None, language="en"),
    OnRegistry(name="design", address="/design", language="en", size=TABLET, whole=True),
    OnRegistry(name="design-dark", address="/design", theme="dark", size=(1280, 1600)),
    OnRegistry(name="design-contrast", address="/design", contrast="more", size=(1280, 1600)),
    OnRegistry(name="design-phone", address="/design", size=PHONE),
)
