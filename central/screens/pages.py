"""The registry's first pages: what is marked live, and a search."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from central.access.roles import Right
from central.api.desk import needs
from central.queries.models import SearchResult
from central.queries.search import search as search_for
from central.screens.viewer import AsViewer, Shown, anybody
from central.screens.words import item_path, thing_path
from gateway.contract.encoding import INT8_MAX

pages = APIRouter(include_in_schema=False, route_class=Shown)
Number = Annotated[int, Path(ge=1, le=INT8_MAX)]


@pages.get("/", **anybody())
def first(viewer: AsViewer) -> Response:
    """Marks as they arrive; for who may not see them, what else there is."""
    return viewer.page("live.html" if viewer.may(Right.READ_EVIDENCE) else "home.html")


@pages.get("/search", **needs(Right.READ_ITEMS))
def search(viewer: AsViewer, q: Annotated[str, Query(max_length=500)] = "") -> Response:
    if not q.strip():
        return viewer.page("search.html", found=None)
    with viewer.looking() as connection:
        found = search_for(connection, q, entity=viewer.by.entity)
    only = _only(found)
    if only is not None and (
        only.startswith(("/items/", "/articles/")) or viewer.may(Right.READ_EVIDENCE)
    ):
        return viewer.go(only)
    return viewer.page("search.html", found=found, query=q)


def _only(found: SearchResult) -> str | None:
    """The one page that a search leads to, when it leads to one."""
    if found.folded or found.lots or found.products:
        return None
    keys = (f"{key.gateway}/{key.epoch}/{key.seq}" for key in found.records)
    pages = [
        *(item_path(item.uii) for item in found.items),
        *(f"/records/{key}" for key in keys),
        *(f"/?order={quote(code, safe='')}" for code in found.orders),
        *map(thing_path, (*found.packages, *found.legacy)),
    ]
    return pages[0] if len(pages) == 1 else None
