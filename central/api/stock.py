"""Stock over HTTP: what the register expects at a place, with all within."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from central.access.roles import Right
from central.api.desk import AtDesk, Desk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit
from central.errors import Forbidden
from central.queries import stock as queries
from central.queries.paging import Page
from central.queries.stock import Stock, StockArticle, Wanted
from central.register.articles.models import ArticleKind, Disposition
from central.register.stock.service import is_counting
from central.said import said

api = APIRouter(prefix="/stock", tags=["stock"], route_class=Guarded)
_Filter = Annotated[str | None, Query(max_length=60)]


@api.get("", response_model=Page[Stock], **needs(Right.READ_ITEMS))
def stock(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    place: _Filter = None,
    holder: _Filter = None,
    disposition: Disposition | None = None,
    product: _Filter = None,
    lot: _Filter = None,
    kind: ArticleKind | None = None,
    sort: Annotated[queries.Sort, SORT] = "kind",
) -> Page[Stock]:
    """By kind, product and lot: what lies at a place with all within, and not what is on its way.
    Who counts there sees nothing of it until the count is compared."""
    wanted = Wanted(desk.by.entity, place, holder, disposition, product, lot, kind)
    with desk.looking() as connection:
        _not_counting(connection, desk, wanted)
        return queries.grouped(connection, limit, cursor, wanted, sort)


@api.get("/articles", response_model=Page[StockArticle], **needs(Right.READ_ITEMS))
def articles(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    place: _Filter = None,
    holder: _Filter = None,
    disposition: Disposition | None = None,
    product: _Filter = None,
    lot: _Filter = None,
    kind: ArticleKind | None = None,
) -> Page[StockArticle]:
    """The same, article by article."""
    wanted = Wanted(desk.by.entity, place, holder, disposition, product, lot, kind)
    with desk.looking() as connection:
        _not_counting(connection, desk, wanted)
        return queries.articles(connection, limit, cursor, wanted)


def _not_counting(connection: Connection, desk: Desk, wanted: Wanted) -> None:
    if is_counting(connection, desk.by.account, wanted.places(connection)):
        raise Forbidden(
            said(
                "{account} counts there, and is not shown what is expected",
                account=desk.by.account,
            )
        )
