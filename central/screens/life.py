"""The page of one thing: its mark as engraved, where it lies, its papers, its life; and proofs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from markupsafe import Markup
from sqlalchemy import Connection

from central.access.roles import Right
from central.alerts.words import words
from central.api.articles import traced
from central.api.desk import needs
from central.queries import articles, items
from central.queries.models import ItemLife, RecordKey
from central.queries.proof import prove
from central.queries.trace import Moment
from central.register.articles.rules import Article
from central.screens.desks.pages import Doing, one_of
from central.screens.desks.table import BY_NAME
from central.screens.texts import load
from central.screens.viewer import AsViewer, Shown, Viewer
from central.screens.words import drawn, item_path, thing_path
from gateway.contract.encoding import INT8_MAX

pages = APIRouter(include_in_schema=False, route_class=Shown)
Number = Annotated[int, Path(ge=1, le=INT8_MAX)]
MOST_INSIDE = 50
"""Of what lies in a package, so many are named."""


@dataclass(frozen=True)
class Engraved:
    """One component's mark, as the record announced it to the marker: `svg` is drawn from nothing
    else, and None where no Data Matrix holds the content. `read`: what a reader found is the same;
    None where nothing was read."""

    component: str
    piece: str
    content: str
    lines: tuple[str, ...]
    record: RecordKey
    svg: Markup | None
    read: bool | None


@dataclass(frozen=True)
class Inside:
    """What lies directly in a package: those that are named, and whether there are more."""

    named: tuple[Article, ...] = ()
    more: bool = False


@pages.get("/items/{uii:path}", **needs(Right.READ_ITEMS))
def item(uii: str, viewer: AsViewer) -> Response:
    return _page(viewer, uii)


@pages.get("/articles/{code:path}", **needs(Right.READ_ITEMS))
async def article(code: str, viewer: AsViewer, do: Doing = "") -> Response:
    """A package, or what was marked before the register; an item too. Its steps are the desk's."""
    if do:
        return await one_of(viewer, BY_NAME["articles"], code, do)
    return await run_in_threadpool(_page, viewer, code)


@pages.get("/records/{gateway}/{epoch}/{seq}", **needs(Right.READ_EVIDENCE))
def record(gateway: str, epoch: Number, seq: Number, viewer: AsViewer) -> Response:
    with viewer.looking() as connection:
        key = RecordKey(gateway=gateway, epoch=epoch, seq=seq)
        found = items.record(connection, key)
        return viewer.page("record.html", found=found, w=load(viewer.language, "life"))


@pages.get("/records/{gateway}/{epoch}/{seq}/proof", **needs(Right.READ_EVIDENCE))
def proof(gateway: str, epoch: Number, seq: Number, viewer: AsViewer) -> Response:
    """Worked out as it is asked for, each time."""
    with viewer.looking() as connection:
        found = prove(connection, RecordKey(gateway=gateway, epoch=epoch, seq=seq))
        return viewer.page("proof.html", found=found, w=load(viewer.language, "life"))


def _page(viewer: Viewer, code: str) -> Response:
    with viewer.looking() as connection:
        found = traced(connection, viewer.by, code)
        package = found.article.article.package if found.article else None
        beside = _inside(connection, viewer, package, code) if package else Inside()
        inside = _inside(connection, viewer, code)
    w, d = load(viewer.language, "life"), load(viewer.language, "desks")
    return viewer.page(
        "item.html",
        trace=found,
        found=found.item,
        code=code,
        engraved=list(_engraved(found.item)) if found.item else [],
        records={each.record: each for each in found.item.life} if found.item else {},
        beside=beside,
        inside=inside,
        leads=lambda desk, key: _leads(viewer, desk, key),
        thing=_thing,
        titles={each.number: words(each, viewer.language).title for each in found.alerts},
        key_of=_record_of,
        w=w,
        d=d,
    )


def _engraved(item: ItemLife) -> Iterator[Engraved]:
    """Of each component the newest mark, and of several pieces each one's."""
    newest: dict[tuple[str, Any], tuple[RecordKey, dict[str, Any]]] = {}
    read: dict[tuple[RecordKey, int], bool] = {}
    for entry in item.life:
        says = entry.says or {}
        if entry.type == "intent":
            for mark in says["marks"]:
                if mark["item"]["uii"] == item.uii:
                    newest[mark["component"], mark.get("piece")] = (entry.record, mark)
        elif entry.type == "verified" and entry.verdict == "ok":
            read[RecordKey(**says["of"]), says["position"]] = says["verdict"] == "good"
    for (component, piece), (key, mark) in newest.items():
        lines = tuple(mark.get("text", ()))
        yield Engraved(
            component=component,
            piece=f"{piece} / {mark['pieces']}" if piece else "",
            content=mark["content"],
            lines=lines,
            record=key,
            svg=drawn(mark["content"], lines),
            read=read.get((key, mark["position"])),
        )


def _inside(connection: Connection, viewer: Viewer, package: str, but: str = "") -> Inside:
    """As far as they may see it; `but`: the one that is shown itself."""
    wanted = articles.Wanted(entity=viewer.by.entity, package=package)
    found = articles.listed(connection, MOST_INSIDE, None, wanted)
    named = tuple(each for each in found.items if each.code != but)
    return Inside(named, found.next is not None)


def _thing(article: Article) -> str:
    """Where the page of it is."""
    return item_path(article.code) if article.kind == "item" else thing_path(article.code)


def _leads(viewer: Viewer, name: str, key: str | None) -> str:
    """To the page of one at a desk, where they may open it."""
    desk = BY_NAME[name]
    return desk.path_of(key) if key and viewer.may(desk.right) else ""


def _record_of(moment: Moment) -> RecordKey | None:
    return items.record_key(moment.reference) if moment.kind == "record" else None
