"""The registry's first pages: what is marked live, an item's life, a record, a search."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from central.access.own import own
from central.access.roles import Right
from central.api.desk import needs
from central.queries import items
from central.queries.models import RecordKey, SearchResult
from central.queries.search import search as search_for
from central.screens.viewer import AsViewer, Shown, anybody
from central.screens.words import item_path
from gateway.contract.encoding import INT8_MAX

pages = APIRouter(include_in_schema=False, route_class=Shown)
Number = Annotated[int, Path(ge=1, le=INT8_MAX)]


@pages.get("/", **anybody())
def first(viewer: AsViewer) -> Response:
    """Marks as they arrive; for who may not see them, what else there is."""
    return viewer.page("live.html" if viewer.may(Right.READ_EVIDENCE) else "home.html")


@pages.get("/items/{uii:path}", **needs(Right.READ_ITEMS))
def item(uii: str, viewer: AsViewer) -> Response:
    with viewer.looking() as connection:
        found = items.life(connection, uii)
        return viewer.page("item.html", found=own(viewer.by, found, found.entity, f"item {uii}"))


@pages.get("/records/{gateway}/{epoch}/{seq}", **needs(Right.READ_EVIDENCE))
def record(gateway: str, epoch: Number, seq: Number, viewer: AsViewer) -> Response:
    with viewer.looking() as connection:
        key = RecordKey(gateway=gateway, epoch=epoch, seq=seq)
        return viewer.page("record.html", found=items.record(connection, key))


@pages.get("/search", **needs(Right.READ_ITEMS))
def search(viewer: AsViewer, q: Annotated[str, Query(max_length=500)] = "") -> Response:
    if not q.strip():
        return viewer.page("search.html", found=None)
    with viewer.looking() as connection:
        found = search_for(connection, q, entity=viewer.by.entity)
    only = _only(found)
    if only is not None and (only.startswith("/items/") or viewer.may(Right.READ_EVIDENCE)):
        return viewer.go(only)
    return viewer.page("search.html", found=found, query=q)


def _only(found: SearchResult) -> str | None:
    """The one page that a search leads to, when it leads to one."""
    others = found.folded or found.lots or found.products or found.packages or found.legacy
    if others or len(found.items) + len(found.records) + len(found.orders) != 1:
        return None
    if found.items:
        return item_path(found.items[0].uii)
    if found.records:
        key = found.records[0]
        return f"/records/{key.gateway}/{key.epoch}/{key.seq}"
    return f"/?order={quote(found.orders[0], safe='')}"
