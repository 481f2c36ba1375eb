"""The pages and their static files."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Cookie, FastAPI, Query, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import Connection, Engine

from central.errors import DatabaseUnavailable, NotFound
from central.queries import items
from central.queries.models import Entry, Found, ItemLife, RecordKey, RecordView
from central.queries.reading import snapshot
from central.screens import texts
from central.screens.headers import SecurityHeaders
from central.screens.texts import LANGUAGES, Language, Texts
from gateway.contract.encoding import INT8_MAX

HERE = Path(__file__).parent
ZONE = ZoneInfo("Europe/Tirane")
COOKIE = "gjurma_language"
_YEAR_S = 365 * 24 * 3600
Number = Annotated[int, InPath(ge=1, le=INT8_MAX)]
Asked = Annotated[str | None, Query(alias="lang", max_length=8)]
Kept = Annotated[str | None, Cookie(alias=COOKIE)]


def install(app: FastAPI, engine: Engine) -> None:
    """Add the pages, their files and the security headers."""
    pages = Pages(engine)
    app.add_middleware(SecurityHeaders)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.include_router(pages.router())


class Pages:
    """Renders the pages in either language."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._texts = {language: texts.load(language) for language in LANGUAGES}
        self._templates = Environment(
            loader=PackageLoader("central.screens"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "moment": moment,
            "item_path": item_path,
            "visible": visible,
            "seq_path": lambda key: f"{key.gateway}/{key.epoch}/{key.seq}",
        }

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)

        @router.get("/", response_class=HTMLResponse)
        def live(request: Request, lang: Asked = None, kept: Kept = None) -> Response:
            return self._page(request, "live.html", lang, kept)

        @router.get("/items/{uii:path}", response_class=HTMLResponse)
        def item(request: Request, uii: str, lang: Asked = None, kept: Kept = None) -> Response:
            return self._found(
                request, "item.html", lang, kept, lambda looking: items.life(looking, uii)
            )

        @router.get("/records/{gateway}/{epoch}/{seq}", response_class=HTMLResponse)
        def record(
            request: Request,
            gateway: str,
            epoch: Number,
            seq: Number,
            lang: Asked = None,
            kept: Kept = None,
        ) -> Response:
            key = RecordKey(gateway=gateway, epoch=epoch, seq=seq)
            return self._found(
                request, "record.html", lang, kept, lambda looking: items.record(looking, key)
            )

        @router.get("/search", response_class=HTMLResponse)
        def search(
            request: Request,
            q: Annotated[str, Query(max_length=500)] = "",
            lang: Asked = None,
            kept: Kept = None,
        ) -> Response:
            if not q.strip():
                return RedirectResponse("/", 303)
            return self._found(
                request, "search.html", lang, kept, lambda looking: items.search(looking, q)
            )

        return router

    def _found(
        self,
        request: Request,
        template: str,
        asked: str | None,
        kept: str | None,
        look: Callable[[Connection], ItemLife | RecordView | Found],
    ) -> Response:
        """The page of what is looked for, or one in words where it is not to be had."""
        try:
            with snapshot(self._engine) as connection:
                found = look(connection)
        except NotFound:
            return self._page(request, "problem.html", asked, kept, 404)
        except DatabaseUnavailable:
            return self._page(request, "problem.html", asked, kept, 503)
        only = _only(found) if isinstance(found, Found) else None
        if only is not None:
            return RedirectResponse(only, 303)
        return self._page(request, template, asked, kept, found=found)

    def _page(
        self,
        request: Request,
        template: str,
        asked: str | None,
        kept: str | None,
        status: int = 200,
        **values: Any,
    ) -> Response:
        language = texts.chosen(asked, kept)
        t = self._texts[language]
        html = self._templates.get_template(template).render(
            t=t,
            language=language,
            switches=_switches(request, language),
            messages=t.by_key,
            query=request.query_params.get("q", ""),
            status=status,
            said=lambda entry: said(entry, t),
            **values,
        )
        response = HTMLResponse(html, status, headers={"Cache-Control": "no-store"})
        if asked is not None:
            response.set_cookie(COOKIE, language, max_age=_YEAR_S, httponly=True, samesite="lax")
        return response


def _only(found: Found) -> str | None:
    """The one page that a search leads to, when it leads to one."""
    if len(found.items) + len(found.records) + len(found.orders) != 1:
        return None
    if found.items:
        return item_path(found.items[0].uii)
    if found.records:
        key = found.records[0]
        return f"/records/{key.gateway}/{key.epoch}/{key.seq}"
    return f"/?order={quote(found.orders[0], safe='')}"


def _switches(request: Request, now: Language) -> list[tuple[Language, str, bool]]:
    """(language, address of this page in it, whether it is this one)."""
    rest = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return [(each, "?" + urlencode([*rest, ("lang", each)]), each == now) for each in LANGUAGES]


def item_path(uii: str) -> str:
    return "/items/" + quote(uii)


def moment(value: datetime | None) -> str:
    """Date and time of day at Tirana, to the second."""
    return "–" if value is None else value.astimezone(ZONE).strftime("%d.%m.%Y %H:%M:%S")


_NAMES = {"\x1e": "‹RS›", "\x1d": "‹GS›", "\x04": "‹EOT›"}


def visible(text: str) -> str:
    """The control characters of a symbol's content by their names: not every font has ␞ ␝ ␄."""
    return "".join(_NAMES.get(c, f"‹{ord(c):02X}›") if ord(c) < 32 else c for c in text)


def said(entry: Entry, t: Texts) -> list[tuple[str, str]]:
    """What a record says, as (label, words), for the people who read an item's life."""
    facts = entry.says or {}
    told: list[tuple[str, str]] = []

    def add(label: str, value: object) -> None:
        if value not in (None, "", [], ()):
            told.append((t(label, "fact"), str(value)))

    for mark in facts.get("marks", []):
        add("content", visible(mark["content"]))
        add("order", mark["order"])
        add("quantity", mark.get("quantity"))
        source = mark["source"]
        if source["kind"] == "block":
            add("number", f"{source['number']} · {source['space']}")
        else:
            of = source["of"]
            add("repeats", f"{of['gateway']}/{of['epoch']}/{of['seq']}")
    for result in facts.get("results", []):
        add("outcome", t(result["did"], "did"))
        add("cause", result["cause"])
    if entry.type == "verified":
        add("read", visible(facts["content"]) if facts.get("content") else None)
        add("entry", t(facts["entry"], "entry"))
        add("grade", facts["grade"])
    add("reason", facts.get("reason"))
    add("witnesses", ", ".join(facts.get("witnesses", [])))
    return told
