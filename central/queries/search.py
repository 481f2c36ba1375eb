"""One box for everything: what is exactly so, and where there is none, what looks the same."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from central import schema
from central.queries import items
from central.queries.models import Item, SearchResult
from central.queries.records import place_of
from central.register.articles.symbols import read
from central.register.imports.marks import looks

_LIKE, _AS = "OI ", "01"
"""Letters that are taken for digits, and spaces that come and go, where people copy a number."""


def search(connection: Connection, query: str, *, entity: str | None = None) -> SearchResult:
    """A UII, its elements, a symbol's whole content, a serial number, a package, an order, a lot, a
    NATO stock number, a product, a record, an inventory number of stock of before.

    Where nothing is exactly so, capitals, spaces, O and 0, I and 1 count the same, and `folded`
    says it. Nothing is completed. `entity`: only what is its own.
    """
    text = query.strip()
    found = _exactly(connection, text, entity)
    codes = (*found.orders, *found.lots, *found.products, *found.packages, *found.legacy)
    if codes or found.items or found.records:
        return found.model_copy(update={"query": query})
    return _found(connection, _folded, fold(text), entity).model_copy(
        update={"query": query, "folded": True}
    )


def fold(text: str) -> str:
    """As the database folds: see the indexes `item_uii_folded` and `item_serial_folded`."""
    return text.upper().translate(str.maketrans("OI", "01", " "))


def _folded(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.translate(func.upper(column), _LIKE, _AS)


def _same(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column


def _exactly(connection: Connection, text: str, entity: str | None) -> SearchResult:
    found = _found(connection, _same, text, entity)
    more: dict[str, Item] = {each.uii: each for each in found.items}
    symbol = read(text)
    if symbol.code != text:
        as_read = _found(connection, _same, symbol.code, entity)
        found = found.model_copy(update={"packages": found.packages or as_read.packages})
        more |= {each.uii: each for each in as_read.items}
    condition = schema.item.c.elements.in_({text, symbol.elements})
    more |= {each.uii: each for each in _own(items.where(connection, condition), entity)}
    key = items.record_key(text)
    known = entity is None and key is not None and place_of(connection, key) is not None
    return found.model_copy(
        update={
            "items": list(more.values()),
            "records": [key] if known else [],
        }
    )


def _found(
    connection: Connection,
    as_compared: Callable[[ColumnElement[Any]], ColumnElement[Any]],
    text: str,
    entity: str | None,
) -> SearchResult:
    """By the columns that people search by, each as it is compared."""

    def is_it(*columns: ColumnElement[Any]) -> ColumnElement[bool]:
        return or_(*(as_compared(column) == text for column in columns))

    item, article = schema.item, schema.article
    orders, product, lot = schema.orders, schema.product, schema.lot
    made = {
        each.uii: each
        for column in (item.c.uii, item.c.serial)
        for each in _own(items.where(connection, is_it(column)), entity)
    }
    ordered = (
        select(orders.c.code)
        .join(product, product.c.code == orders.c.product)
        .where(is_it(orders.c.code, orders.c.lot))
    )
    lots = select(lot.c.code).where(is_it(lot.c.code, lot.c.number))
    products = select(product.c.code).where(
        is_it(product.c.code, product.c.nsn, func.replace(product.c.nsn, "-", ""))
    )
    packages = select(article.c.code).where(article.c.kind == "unit", is_it(article.c.code))
    if entity is not None:
        ordered = ordered.where(product.c.entity == entity)
        lots = lots.where(lot.c.entity == entity)
        products = products.where(product.c.entity == entity)
        packages = packages.where(or_(article.c.holder == entity, article.c.producer == entity))

    def codes(asked: Any) -> list[str]:
        return list(
            connection.execute(asked.order_by(asked.selected_columns[0]).limit(100)).scalars()
        )

    return SearchResult(
        query=text,
        folded=False,
        items=list(made.values()),
        records=[],
        orders=codes(ordered),
        lots=codes(lots),
        products=codes(products),
        packages=codes(packages),
        legacy=codes(_before(text, entity, exactly=as_compared is _same)),
    )


def _before(text: str, entity: str | None, *, exactly: bool) -> Select[tuple[str]]:
    """What was marked before the register. How its number looks is kept with it, and found by."""
    legacy, article = schema.legacy, schema.article
    found = select(legacy.c.code).join(article, article.c.code == legacy.c.code)
    found = found.where(
        or_(
            legacy.c.code == text,
            legacy.c.inventory == text,
            legacy.c.number == (looks(text) or None),
        )
    )
    if exactly:
        told = (legacy.c.code, legacy.c.inventory, article.c.serial, article.c.lot)
        found = found.where(or_(*(column == text for column in told)))
    return found if entity is None else found.where(article.c.holder == entity)


def _own(found: list[Item], entity: str | None) -> list[Item]:
    return [each for each in found if entity in (None, each.entity)]
