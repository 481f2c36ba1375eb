"""The pages' templates, drawn in either language, for who is signed in and for who is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from central.access.browsing import Cookies
from central.access.entrance import Entrance
from central.access.sessions import Presence
from central.db import may_pass, unavailable
from central.errors import DatabaseUnavailable, GjurmaError, NotFound
from central.problems import on_a_page, told
from central.screens import files, kept, texts
from central.screens.agents import named
from central.screens.appearance import Appearance
from central.screens.navigation import Entry, bar
from central.screens.refusals import in_words
from central.screens.texts import LANGUAGES, Language
from central.screens.words import item_path, kind_of, moment, said, thing_path, visible
from gateway import design

COOKIE = "gjurma_language"
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True)
class Screens:
    """What every page needs of the server. `entries`: the main navigation, of pages that exist."""

    engine: Engine
    cookies: Cookies
    origin: str
    entrance: Entrance
    presence: Presence
    entries: tuple[Entry, ...]
    agency: Mapping[str, str]
    """What the button of an agency's sign-on says, by language; empty where there is none."""

    @classmethod
    def of(cls, request: Request) -> "Screens":
        found = request.app.state.screens
        assert isinstance(found, cls)
        return found

    def draw(
        self, request: Request, template: str, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A page in the language that was asked for, or that the browser keeps."""
        language = language_of(request)
        t = texts.load(language)
        appearance = Appearance.of(request)
        base = {"viewer": None, "csrf": "", "entries": (), "query": "", "t": t}
        html = _TEMPLATES.get_template(template).render(
            base
            | {
                "language": language,
                "switches": _switches(request, language),
                "appearance": appearance,
                "look": lambda name, value: _here(request, name, value),
                "design": design.words(language),
                "modules": lambda script: files.modules(script, language),
                "path": request.url.path,
                "bar": lambda entries, waiting: bar(entries, request.url.path, t, waiting),
                "status": status,
                "said": lambda entry: said(entry, t),
            }
            | values
        )
        response = HTMLResponse(html, status)
        appearance.keep(request, response, secure=self.cookies.secure)
        if request.query_params.get("lang") == language:
            response.set_cookie(
                COOKIE,
                language,
                max_age=_YEAR_S,
                secure=self.cookies.secure,
                httponly=True,
                samesite="lax",
            )
        return response

    def problem(
        self,
        request: Request,
        error: GjurmaError | DBAPIError,
        values: Mapping[str, Any],
        *,
        part: bool = False,
    ) -> Response:
        """The page that says what is wrong, or the part of one: that is shown only where its status
        is good. Raises what is a fault of ours."""
        if isinstance(error, DBAPIError):
            if not may_pass(error):
                raise error
            error = unavailable(error.orig)
        words = told(error)
        if words is None:
            raise error
        status, title, what_to_do = words
        language = language_of(request)
        t = texts.load(language, "problems")
        more = {"title": t(title), "what_to_do": on_a_page(what_to_do, language), "error": error}
        # What the database says of itself is for the log alone.
        silent = isinstance(error, NotFound | DatabaseUnavailable)
        told_ = None if silent else in_words(error, language)
        more |= {"detail": "" if silent else told_ or str(error), "english": told_ is None}
        if part:
            return self.draw(
                request, "problem-part.html", 200, told_status=status, **more, **values
            )
        return self.draw(request, "problem.html", status, **more, **values)


def plain(template: str, language: Language, **values: Any) -> str:
    """A page that neither who looks nor any cookie changes."""
    base = {"language": language, "design": design.words(language)}
    return _TEMPLATES.get_template(template).render(base | values)


def language_of(request: Request) -> Language:
    return texts.chosen(request.query_params.get("lang"), request.cookies.get(COOKIE))


def _switches(request: Request, now: Language) -> list[tuple[Language, str, bool]]:
    """(language, address of this page in it, whether it is this one)."""
    return [(each, _here(request, "lang", each), each == now) for each in LANGUAGES]


def _here(request: Request, name: str, value: str) -> str:
    """The address of this page with one thing asked for otherwise."""
    rest = [each for each in request.query_params.multi_items() if each[0] != name]
    return "?" + urlencode([*rest, (name, value)])


def prepare() -> None:
    """Compile every template and read every catalogue, so that nobody's first page waits."""
    texts.load_all()
    for language in LANGUAGES:
        design.words(language)
    for name in _TEMPLATES.list_templates(extensions=["html"]):
        _TEMPLATES.get_template(name)


_TEMPLATES = Environment(
    loader=ChoiceLoader([PackageLoader("central.screens"), design.loader()]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,  # an installed file does not change under a server
)
_TEMPLATES.globals |= {
    "design_at": files.DESIGN_AT,
    "pages_at": files.PAGES_AT,
    "vendor": files.vendor,
}
_TEMPLATES.filters |= {
    "agent": named,
    "kept": kept.in_words,
    "moment": moment,
    "item_path": item_path,
    "thing_path": thing_path,
    "visible": visible,
    "told_moment": lambda text: moment(datetime.fromisoformat(text)),
    "zip": zip,
    "kind_of": kind_of,
    "seq_path": lambda key: f"{key.gateway}/{key.epoch}/{key.seq}",
}
