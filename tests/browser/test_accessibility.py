"""axe-core finds nothing on the registry's pages: each, in either language, light and dark."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, BrowserContext, Page

from central.access.roles import RIGHTS, Right, Role
from central.screens.install import ROUTERS
from tests.browser import axe
from tests.support import shown
from tests.support.central import Centre
from tests.support.shown import GATEWAY, ORDER

pytestmark = [pytest.mark.slow, pytest.mark.needs_browser]
OFFICER = Role.REGISTRY_OFFICER
ROLES: tuple[Role, ...] = (OFFICER, Role.ADMINISTRATOR, Role.AUDITOR)
# For each page of one thing, the keys of those that are shown; the last is of none.
ITEM, RECORD = "DA7G1HM70G000001", f"{GATEWAY}/1/2"
KEYS = {
    **{f"/{desk}": (key, "none") for desk, key in shown.KEYS.items()},
    "/items": (ITEM, "none"),
    "/records": (RECORD, f"{GATEWAY}/1/999999"),
    "/accounts": ("registry-officer", "registry-officer?do=roles", "none"),
    "/articles": (ITEM, f"{ITEM}?do=settle", "none"),
    "/orders": (ORDER, f"{ORDER}?do=hold", "none"),
    "/licences": ("L-1", "L-1?do=suspend", "none"),
    "/products": ("M70", "M70?do=amend", "none"),
}
WITHOUT_A_FORM = frozenset(
    {
        *("/", "/design", "/account", "/uploads/imports", "/articles", "/refusals", "/waiting"),
        *("/evidence", "/acts", "/imports", "/stock", "/screenings", "/alerts"),
    }
)
OF_EVERYBODY = {
    "licences": ("AIM-2026-0007", "AIM-2026-0008", shown.REVOKED),
    "entities": ("KMP", "none"),
    "public": ("nothing",),
}
# The other desks have the same templates and nothing to show here.
NOTHING = ("none",)


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    with shown.register() as centre:
        yield centre


def pages() -> Iterator[tuple[Role | None, str]]:
    """Yield the role that may see a page, and its address: of every page that the router has."""
    for route in (each for router in ROUTERS for each in router.routes):
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            yield from shown_by(route)


def shown_by(route: APIRoute) -> Iterator[tuple[Role | None, str]]:
    """Yield what `pages` does, of one route."""
    named = (route.openapi_extra or {}).get("x-right")
    if named is None:  # of who is not signed in
        yield from ((None, address) for address in of_everybody(route.path))
        return
    role = next(r for r in ROLES if named == "anybody" or r in RIGHTS[Right(named)])
    base, _, key = route.path.partition("/{")
    if key:
        end = key.rpartition("}")[2]
        keys = [each for each in KEYS.get(base, NOTHING) if not end or "?" not in each]
        yield from ((role, f"{base}/{each}{end}") for each in keys)
    else:
        yield role, route.path
        yield from more(role, route.path)


def of_everybody(path: str) -> Iterator[str]:
    """What everybody may see, and what a check of a licence may come to."""
    base, _, key = path.partition("/{")
    if key:
        yield from (f"{base}/{each}" for each in OF_EVERYBODY[base.rpartition("/")[2]])
        return
    yield path
    if path.endswith("/check"):
        yield from (f"{path}?number=", f"{path}?number=AIM-2O26-OOO7")
    elif path.endswith("/entities"):
        yield from (f"{path}?kind=producer&sort=-name", f"{path}?q=nobody")


def more(role: Role, path: str) -> Iterator[tuple[Role, str]]:
    """What else an address can show."""
    if path == "/search":
        yield role, "/search?q=G00000l"
        yield role, "/search?q=nonsense"
    elif path not in WITHOUT_A_FORM:
        yield role, f"{path}?do=new"


def faults(page: Page, centre: Centre, address: str, language: str) -> list[str]:
    """In a light surrounding; in a dark one colours alone are others, and in another language
    they are the same."""
    page.goto(f"{centre.url}{address}{'&' if '?' in address else '?'}lang={language}")
    if page.locator("body.live").count():
        page.locator("#marks tbody tr").first.wait_for()
    if language == "en":
        return [f"{address}: {fault}" for fault in page.evaluate(axe.RUN, {"without": axe.COLOURS})]
    found = [f"{address}, light: {fault}" for fault in page.evaluate(axe.RUN, {})]
    page.emulate_media(color_scheme="dark")
    found += [
        f"{address}, dark: {fault}" for fault in page.evaluate(axe.RUN, {"only": axe.COLOURS})
    ]
    page.emulate_media(color_scheme="light")
    return found


@pytest.mark.long
@pytest.mark.parametrize("language", ["sq", "en"])
def test_every_page(centre: Centre, chromium: Browser, language: str) -> None:
    found = []
    looking: dict[Role | None, Page] = {}
    addresses = list(dict.fromkeys(pages()))
    assert len(addresses) > 120
    for role, address in addresses:
        if role not in looking:
            looking[role] = context(chromium, centre, role).new_page()
        found += faults(looking[role], centre, address, language)
    for page in looking.values():
        page.context.close()
    assert not found, "\n".join(found)


def test_high_contrast(centre: Centre, chromium: Browser) -> None:
    """Of every component, and of the page that has most of its own."""
    looking = context(chromium, centre, OFFICER, contrast="more")
    page = looking.new_page()
    found = [each for at in ("/", "/design") for each in faults(page, centre, at, "sq")]
    looking.close()
    assert not found, "\n".join(found)


def test_the_check_finds_a_fault(centre: Centre, chromium: Browser) -> None:
    looking = context(chromium, centre, OFFICER)
    page = looking.new_page()
    page.goto(f"{centre.url}/design")
    page.evaluate("document.querySelector('.g-field .g-label').remove()")
    page.evaluate("document.querySelector('.g-hint').style.color = '#ccc'")
    told = " ".join(page.evaluate(axe.RUN, {}))
    looking.close()
    assert "label:" in told
    assert "color-contrast:" in told


def test_a_table_sorts_without_being_loaded_anew(centre: Centre, chromium: Browser) -> None:
    """htmx works under the pages' policy, and the look that was chosen stays."""
    looking = context(chromium, centre, OFFICER)
    page = looking.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{centre.url}/design?theme=dark")
    page.evaluate("window.same = true")
    first = page.locator("#sample-orders .g-row-link").first
    assert first.inner_text() == "G9-2026-11"
    page.get_by_role("link", name="Të mira").click()
    page.wait_for_url("**/design?sort=good")
    page.locator('#sample-orders [aria-sort="ascending"]').wait_for()
    assert first.inner_text() == "FMJ-2026-09"
    assert page.evaluate("window.same") is True
    assert page.locator(".g-plot canvas").count() == 1
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    looking.close()
    assert said == []


def context(chromium: Browser, centre: Centre, role: Role | None, **wishes: Any) -> BrowserContext:
    made = chromium.new_context(viewport={"width": 1280, "height": 800}, **wishes)
    made.add_init_script(axe.source())
    if role is not None:
        made.add_cookies([centre.cookie(role)])
    return made
