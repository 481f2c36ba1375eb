"""The public pages: who is licensed, who is excluded, how much there is, and is this licence real.

They are the same for everybody: the address alone decides what they say, the language too. They
set no cookie, look at none, and carry no script.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple, get_args
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute

from central.api.public import Public
from central.errors import DatabaseUnavailable, TooMany
from central.public import lists, telling
from central.public.figures import COLUMNS
from central.public.lists import (
    EntitySort,
    ExclusionSort,
    WantedEntities,
    WantedExclusions,
)
from central.public.models import ALL, EntityStanding, Figure, Table
from central.public.reading import Published
from central.register.entities.models import EntityKind
from central.register.exclusions.models import Ground
from central.register.licences.terms import Activity
from central.screens import texts
from central.screens.checking import ROOT, at, licence_path
from central.screens.drawing import Screens, plain
from central.screens.headers import WITHOUT_SCRIPTS
from central.screens.texts import DEFAULT, LANGUAGES, Language
from central.screens.words import ZONE

DATA = "/api/v1/public"
ROWS = 50
_LONGEST = 200
"""Of what is typed into a box: more of it is not looked at."""
MISSING, OFTEN, AWAY = 404, 429, 503
_HTML = "text/html; charset=utf-8"
_Key = Annotated[str, Path(max_length=_LONGEST)]

TONES: Mapping[str, tuple[str, str]] = {
    "in-force": ("good", "good"),
    "licensed": ("good", "good"),
    "suspended": ("attention", "attention"),
    "holder-inactive": ("attention", "attention"),
    "inactive": ("attention", "attention"),
    "revoked": ("bad", "bad"),
    "holder-excluded": ("bad", "bad"),
    "excluded": ("bad", "bad"),
    "expired": ("", "voided"),
    "not-licensed": ("", "voided"),
    "not-begun": ("info", "open"),
}
"""By standing, its tone and its shape."""


class Head(NamedTuple):
    """Of a column. `order`: as aria-sort has it, where the list is in its order."""

    label: str
    path: str = ""
    order: str = ""


class ForEverybody(APIRoute):
    """Needs nobody to be anybody. What goes wrong is said in a page too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                Public.of(request)
                return await handle(request)
            except RequestValidationError:
                return _problem(request, MISSING)
            except TooMany:
                return _problem(request, OFTEN)
            except DatabaseUnavailable:
                return _problem(request, AWAY)

        return shown


class _Page:
    """One request for a page in one language."""

    def __init__(self, request: Request, language: Language) -> None:
        self.request = request
        self.language = language
        self.p = texts.load(language, "public")

    @property
    def published(self) -> Published:
        public: Public = self.request.app.state.public
        return public.copy.look()

    def asked(self, name: str) -> str:
        return self.request.query_params.get(name, "").strip()[:_LONGEST]

    def chosen(self, name: str, kinds: Any) -> Any:
        """What is asked for, if there is such a thing."""
        found = self.asked(name)
        return found if found in get_args(kinds) else None

    def draw(self, template: str, status: int = 200, **values: Any) -> Response:
        html = self.html(template, **values)
        return telling.whole(self.request, html.encode(), _HTML, status, WITHOUT_SCRIPTS)

    def html(self, template: str, **values: Any) -> str:
        base = {
            "p": self.p,
            "d": texts.load(self.language, "desks"),
            "at": lambda path="": at(self.language, path),
            "licence_path": lambda number: licence_path(number, self.language),
            "day": _day,
            "minute": _minute,
            "tones": TONES,
            "versions": self._versions(),
            "origin": Screens.of(self.request).origin,
        }
        return plain(template, self.language, **base, **values)

    def _versions(self) -> Sequence[tuple[Language, str]]:
        """This page in each language."""
        path, query = str(self.request.scope["path"]), self.request.url.query
        below = quote(path.removeprefix(at(self.language)))
        more = f"?{query}" if query else ""
        return [(each, at(each, below) + more) for each in LANGUAGES]


def _pages(language: Language) -> APIRouter:
    pages = APIRouter(include_in_schema=False, route_class=ForEverybody)

    @pages.get(at(language))
    def start(request: Request) -> Response:
        page = _Page(request, language)
        entities = page.published.entities.values()
        licensed = sum(each.standing == "licensed" for each in entities)
        return page.draw(
            "public/start.html", licensed=licensed, excluded=len(page.published.exclusions)
        )

    @pages.get(at(language, "/check"))
    def check(request: Request) -> Response:
        page = _Page(request, language)
        typed = page.asked("number")
        if not typed:
            return page.draw("public/check.html", missing="number" in request.query_params)
        return _verdict(page, typed)

    @pages.get(at(language, "/licences/{number}"))
    def licence(number: _Key, request: Request) -> Response:
        return _verdict(_Page(request, language), number)

    @pages.get(at(language, "/entities"))
    def entities(request: Request) -> Response:
        return _entities(_Page(request, language))

    @pages.get(at(language, "/entities/{code}"))
    def entity(code: _Key, request: Request) -> Response:
        page = _Page(request, language)
        found = page.published.entities.get(code)
        if found is None:
            return _problem(request, MISSING)
        licences = page.published.licences_of(code)
        data = _data("/licences", {"entity": code})
        return page.draw("public/entity.html", found=found, licences=licences, data=data)

    @pages.get(at(language, "/exclusions"))
    def exclusions(request: Request) -> Response:
        return _exclusions(_Page(request, language))

    @pages.get(at(language, "/statistics"))
    def statistics(request: Request) -> Response:
        return _statistics(_Page(request, language))

    return pages


_elsewhere = APIRouter(include_in_schema=False, route_class=ForEverybody)
ROUTERS = (*(_pages(language) for language in LANGUAGES), _elsewhere)


@_elsewhere.get(ROOT + "/{rest:path}")
def nowhere(request: Request) -> Response:
    """A visitor who mistypes an address is told so in a page, too."""
    path = request.url.path
    if path.endswith("/"):
        return RedirectResponse(path.rstrip("/"), 308)
    return _problem(request, MISSING)


def _verdict(page: _Page, typed: str) -> Response:
    found = page.published.numbers.find(typed)
    if found.licence is None:
        typed = "".join(c for c in typed if c.isprintable())
        return page.draw("public/unknown.html", 404, typed=typed, alike=found.alike)
    return page.draw("public/licence.html", found=found.licence)


def _entities(page: _Page) -> Response:
    wanted = WantedEntities(
        page.asked("q"),
        page.chosen("kind", EntityKind),
        page.chosen("activity", Activity),
        page.chosen("standing", EntityStanding),
        page.chosen("sort", EntitySort) or "name",
    )
    options = (
        ("activity", page.p("Licensed for"), get_args(Activity), "value"),
        ("kind", page.p("Kind"), get_args(EntityKind), "value"),
        ("standing", page.p("State"), get_args(EntityStanding), "entity standing"),
    )
    columns = (
        *(("name", page.p("Name")), ("", page.p("Licensed for"))),
        *(("standing", page.p("State")), ("valid_until", page.p("Valid until"))),
    )
    rows = lists.entities(page.published, wanted)
    return _list(page, "entities", rows, wanted, options, columns)


def _exclusions(page: _Page) -> Response:
    wanted = WantedExclusions(
        page.asked("q"),
        page.chosen("ground", Ground),
        page.chosen("sort", ExclusionSort) or "name",
    )
    options = (("ground", page.p("Ground"), get_args(Ground), "value"),)
    columns = (
        *(("name", page.p("Name")), ("ground", page.p("Ground"))),
        *(("valid_from", page.p("Since")), ("valid_until", page.p("Until"))),
    )
    rows = lists.exclusions(page.published, wanted)
    return _list(page, "exclusions", rows, wanted, options, columns)


def _list(
    page: _Page,
    name: str,
    rows: Sequence[Any],
    wanted: WantedEntities | WantedExclusions,
    options: Sequence[tuple[str, str, tuple[str, ...], str]],
    columns: Sequence[tuple[str, str]],
) -> Response:
    """`options`: a filter's name, its label, its codes and under which context these are said."""
    query = {key: value for key, value in wanted._asdict().items() if value and key != "sort"}
    sort = wanted.sort
    order = {} if sort == "name" else {"sort": sort}
    pages = max(1, -(-len(rows) // ROWS))
    asked = page.asked("page")
    number = min(int(asked), pages) if asked.isdecimal() and len(asked) < 6 and int(asked) else 1

    def to(other: int) -> str:
        more = {"page": str(other)} if other > 1 else {}
        return _address(page, f"/{name}", query | order | more)

    return page.draw(
        f"public/{name}.html",
        rows=rows[(number - 1) * ROWS : number * ROWS],
        total=len(rows),
        number=number,
        pages=pages,
        before=to(number - 1) if number > 1 else "",
        after=to(number + 1) if number < pages else "",
        query=query,
        sort=order.get("sort", ""),
        every=_address(page, f"/{name}", order),
        options=options,
        heads=[_head(page, name, column, label, query, sort) for column, label in columns],
        data=_data(f"/{name}", query | order),
    )


def _head(
    page: _Page, name: str, column: str, label: str, query: Mapping[str, str], now: str
) -> Head:
    if not column:
        return Head(label)
    order = {column: "ascending", f"-{column}": "descending"}.get(now, "")
    following = f"-{column}" if now == column else column
    more = {} if following == "name" else {"sort": following}
    return Head(label, _address(page, f"/{name}", {**query, **more}), order)


def _statistics(page: _Page) -> Response:
    public: Public = page.request.app.state.public
    figures, counted = public.copy.figures()
    by_cell = {(each.table, each.row, each.column): each.count for each in figures}
    return page.draw(
        "public/statistics.html",
        licensed=by_cell["entities", ALL, "licensed"],
        in_force=by_cell["licences", ALL, "in-force"],
        excluded=by_cell["exclusions", ALL, "entity"],
        tables=[(name, _table(name, figures)) for name in COLUMNS],
        counted=counted,
        data=_data("/statistics", {}),
    )


def _table(
    name: Table, figures: Iterable[Figure]
) -> tuple[Sequence[str], Sequence[tuple[str, Sequence[int | None]]]]:
    """Its columns, and its rows with their cells; what is nothing but noughts is left out, whatever
    is withheld beside them."""
    cells = {(each.row, each.column): each.count for each in figures if each.table == name}
    rows = list(dict.fromkeys(row for row, _ in cells))
    rows = [
        row for row in rows if row == ALL or {cells[row, c] for c in COLUMNS[name]} - {None} != {0}
    ]
    columns = [
        column
        for column in COLUMNS[name]
        if column == ALL or any(cells[row, column] != 0 for row in rows)
    ]
    return columns, [(row, [cells[row, column] for column in columns]) for row in rows]


def _address(page: _Page, path: str, query: Mapping[str, str]) -> str:
    return at(page.language, path) + (f"?{urlencode(query)}" if query else "")


def _data(path: str, query: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """What a page shows, as a file: (its name, its address)."""
    json = f"?{urlencode(query)}" if query else ""
    return (
        ("CSV", f"{DATA}{path}?{urlencode({**query, 'format': 'csv'})}"),
        ("JSON", f"{DATA}{path}{json}"),
    )


def _problem(request: Request, status: int) -> Response:
    """What went wrong, in a page of its own. No cache keeps it."""
    below = request.url.path.removeprefix(ROOT)
    language: Language = "en" if below == "/en" or below.startswith("/en/") else DEFAULT
    html = _Page(request, language).html("public/problem.html", status=status)
    wait = {OFTEN: {"Retry-After": "60"}, AWAY: {"Retry-After": "5"}}.get(status, {})
    return Response(html, status, media_type=_HTML, headers={**WITHOUT_SCRIPTS, **wait})


def _day(value: datetime) -> str:
    return value.astimezone(ZONE).strftime("%d.%m.%Y")


def _minute(value: datetime) -> str:
    return value.astimezone(ZONE).strftime("%d.%m.%Y %H:%M")
