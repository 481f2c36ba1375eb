"""Which pictures there are. A new one is a line in one of the two lists."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from playwright.async_api import Page, expect

from central.access.roles import Role
from tests.support.line import Line

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


AT_LINE = (
    AtLine(name="operator-ready", steps=ready),
    AtLine(name="operator-good", steps=good),
    AtLine(name="operator-good-en", steps=good, language="en"),
    AtLine(name="operator-set-aside", steps=set_aside),
    AtLine(name="operator-offline", steps=offline),
    AtLine(name="operator-ready-dark", steps=ready, theme="dark"),
    AtLine(name="operator-set-aside-contrast", steps=set_aside, contrast="more"),
    AtLine(name="operator-good-tablet", steps=good, size=TABLET),
)
ON_REGISTRY = (
    OnRegistry(name="registry-live", address="/", steps=live),
    OnRegistry(name="registry-live-dark", address="/", steps=live, theme="dark", language="en"),
    OnRegistry(name="registry-live-contrast", address="/", steps=live, contrast="more"),
    OnRegistry(name="registry-live-phone", address="/", steps=live, size=PHONE),
    OnRegistry(name="registry-item", address="/items/DA7G1HM70G000005"),
    OnRegistry(name="registry-search", address="/search?q=G00000S", language="en"),
    OnRegistry(name="registry-orders", address="/orders"),
    OnRegistry(name="registry-licence", address="/licences/L-1"),
    OnRegistry(name="registry-sign-in", address="/sign-in", role=None),
    OnRegistry(name="design", address="/design", language="en", size=TABLET, whole=True),
    OnRegistry(name="design-dark", address="/design", theme="dark", size=(1280, 1600)),
    OnRegistry(name="design-contrast", address="/design", contrast="more", size=(1280, 1600)),
    OnRegistry(name="design-phone", address="/design", size=PHONE),
)
