"""What the app is opened by: its page, its service worker and its manifest.

The page is the same for everybody and says nothing: whose browser holds no device sees how to enrol
one. The sources lie in `app`; `make setup` builds them into `static/app`.
"""

import hashlib
import json
from functools import cache
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute

from central.screens.drawing import plain
from central.screens.files import APP, APP_AT, DESIGN_AT, PAGES_AT
from central.screens.headers import CONTENT_SECURITY_POLICY
from central.screens.texts import DEFAULT


class SameForAll(APIRoute):
    """Asks nobody who they are, for it tells nothing."""


pages = APIRouter(include_in_schema=False, route_class=SameForAll)
beside = APIRouter(include_in_schema=False)
"""What is no page."""
AT = "/warehouse/"
OWN = ("main.js", "decoder.js", "decoder.wasm", "words-sq.json", "words-en.json")
DESIGN = ("tokens.css", "components.css", "mark.svg")
ICONS = {"warehouse-192.png": "192x192", "warehouse-512.png": "512x512"}
_HEADERS = {
    # Each time it is looked whether there is a newer one; where there is no network, it is kept.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": f"{CONTENT_SECURITY_POLICY}; worker-src 'self'; manifest-src 'self'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
}


@beside.get("/warehouse")
def without_its_end() -> Response:
    return RedirectResponse(AT, 308)


@pages.get(AT)
def app() -> Response:
    return HTMLResponse(_page(), headers=_HEADERS)


@beside.get(f"{AT}service.js")
def service() -> Response:
    """Another text wherever a file of the app is another, by which a browser knows."""
    files = {"version": _version(), "addresses": _addresses()}
    script = f"const FILES = {json.dumps(files)};\n".encode() + APP["service.js"].body
    return Response(script, media_type="text/javascript", headers=_HEADERS)


@beside.get(f"{AT}manifest.json")
def manifest() -> Response:
    """Which makes a page an app that can be installed (W3C Web Application Manifest)."""
    told: dict[str, Any] = {
        "name": "gjurma",
        "short_name": "gjurma",
        "lang": "sq",
        "start_url": AT,
        "scope": AT,
        "display": "standalone",
        "background_color": "#e9ecef",
        "theme_color": "#7a1420",
        "icons": [
            {"src": f"{PAGES_AT}/{name}", "sizes": size, "type": "image/png"}
            for name, size in ICONS.items()
        ],
    }
    return JSONResponse(told, headers=_HEADERS, media_type="application/manifest+json")


@cache
def _page() -> str:
    return plain("warehouse.html", DEFAULT, app_at=APP_AT, icon=f"{PAGES_AT}/warehouse-192.png")


@cache
def _addresses() -> list[str]:
    """Of all that the page needs where there is no network."""
    return [
        *(f"{APP_AT}/{name}" for name in OWN),
        *(f"{DESIGN_AT}/{name}" for name in DESIGN),
        f"{PAGES_AT}/warehouse.css",
        f"{AT}manifest.json",
    ]


@cache
def _version() -> str:
    told = "\n".join((*_addresses(), _page()))
    return hashlib.sha256(told.encode()).hexdigest()[:16]
