"""What the register expects at places: by product, lot and kind, and each article."""

from collections.abc import Collection
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    cast,
    func,
    lateral,
    literal_column,
    or_,
    select,
    true,
    union,
)

from central import schema
from central.queries.models import Answer
from central.queries.paging import Page, Text, page, position
from central.queries.sorting import Sorting
from central.register.articles.models import ArticleKind, Disposition
from central.register.articles.rules import Article
from central.register.places.service import within
from central.register.stock.expected import at_hand


class Stock(Answer):
    """What there is of one product and lot. Of packages: how many, and what lies in them."""

    kind: ArticleKind
    product: Annotated[str | None, Field(description="null: of no product of the register")]
    model: Annotated[str | None, Field(description="of stock of before, as engraved")]
    lot: str | None
    articles: Annotated[int, Field(description="how many of them there are")]
    packed: Annotated[int, Field(description="of these, how many lie in packages")]
    within: Annotated[
        int | None, Field(description="of packages: how many articles lie in them, packages apart")
    ]
    quantity: Annotated[
        int | None,
        Field(description="pieces: of lots of loose ones, and of what is marked as a package"),
    ]
    disputed: Annotated[int, Field(description="of these, how many are in dispute")]


class StockArticle(Article):
    """One article that is at hand."""

    within: Annotated[
        int | None, Field(description="of a package: how many articles lie in it, packages apart")
    ]


class Wanted(NamedTuple):
    """Stock with all of it. `place`: with all within; `entity`: at its places, or its own."""

    entity: str | None = None
    place: str | None = None
    holder: str | None = None
    disposition: Disposition | None = None
    product: str | None = None
    lot: str | None = None
    kind: ArticleKind | None = None

    def places(self, connection: Connection) -> list[str] | None:
        """None: any."""
        return None if self.place is None else within(connection, self.place)

    def conditions(self, places: Collection[str] | None) -> list[ColumnElement[bool]]:
        table, place = schema.article, schema.place
        found = at_hand(places)
        found += [
            table.c[name] == getattr(self, name)
            for name in ("holder", "disposition", "product", "lot", "kind")
            if getattr(self, name) is not None
        ]
        if self.entity is not None:
            theirs = select(place.c.code).where(place.c.entity == self.entity)
            found.append(or_(table.c.holder == self.entity, table.c.place.in_(theirs)))
        return found


Sort = Literal[
    "kind",
    "-kind",
    "product",
    "-product",
    "lot",
    "-lot",
    "articles",
    "-articles",
    "quantity",
    "-quantity",
]


def grouped(
    connection: Connection, limit: int, cursor: str | None, wanted: Wanted, sort: Sort
) -> Page[Stock]:
    """By kind, product and lot, or by what was added up. Raises `Refused`: a cursor that no page
    of this order gave."""
    article, legacy, orders = schema.article, schema.legacy, schema.orders
    places = wanted.places(connection)
    none: ColumnElement[str] = literal_column("''")  # no parameter: it is grouped by and shown
    by = [
        func.nullif(column, none, type_=column.type).label(column.name)
        for column in (article.c.product, legacy.c.model, article.c.lot)
    ]
    keys = [func.coalesce(column, none).label(f"by_{column.name}") for column in by]
    groups = (
        select(
            article.c.kind,
            *by,
            *keys,
            func.count().label("articles"),
            func.count(article.c.package).label("packed"),
            cast(func.sum(func.coalesce(legacy.c.quantity, orders.c.contents)), BigInteger).label(
                "quantity"
            ),
            func.count().filter(article.c.disputed).label("disputed"),
        )
        .outerjoin(legacy, legacy.c.code == article.c.code)
        .outerjoin(orders, orders.c.code == article.c.order_code)
        .where(*wanted.conditions(places))
        .group_by(article.c.kind, *(column.element for column in by))
        .subquery()
    )
    order = [groups.c.kind, *(groups.c[key.name] for key in keys)]
    sorting = Sorting(sort, groups.c, order)
    found = connection.execute(sorting.page(select(groups), limit, cursor)).all()
    rows = page(found, limit, lambda row: sorting.key([row._mapping[c] for c in sorting.columns]))
    units = any(row.kind == "unit" for row in rows.items)
    # A condition on packages is none on what lies in them.
    every = wanted._replace(kind=None).conditions(places)
    inside = _inside(connection, every) if units else 0
    shown = [
        Stock(
            kind=row.kind,
            product=row.product,
            model=row.model,
            lot=row.lot,
            articles=row.articles,
            packed=row.packed,
            within=inside if row.kind == "unit" else None,
            quantity=row.quantity,
            disputed=row.disputed,
        )
        for row in rows.items
    ]
    return Page(items=shown, next=rows.next)


def articles(
    connection: Connection, limit: int, cursor: str | None, wanted: Wanted
) -> Page[StockArticle]:
    """By code. Raises `Refused`: a cursor that no page gave."""
    table = schema.article
    conditions = wanted._replace(entity=None).conditions(wanted.places(connection))
    after = position(cursor, Text)
    if after is not None:
        conditions.append(table.c.code > after[0])
    query = select(table).order_by(table.c.code).limit(limit + 1)
    if wanted.entity is None:
        query = query.where(*conditions)
    else:  # those that it holds by one index, those at each of its places by another
        codes = connection.execute(_first_of(wanted.entity, conditions, limit + 1)).scalars()
        query = query.where(table.c.code.in_(codes))
    rows = connection.execute(query).all()
    inside = _inside_each(connection, [row.code for row in rows if row.kind == "unit"])
    shown = [
        StockArticle(**row._mapping, within=inside.get(row.code, 0) if row.kind == "unit" else None)
        for row in rows
    ]
    return page(shown, limit, lambda each: (each.code,))


def _first_of(
    entity: str, conditions: list[ColumnElement[bool]], limit: int
) -> CompoundSelect[tuple[str]]:
    """The codes that come first of what it holds, and of what lies at each place of its own."""
    table, place = schema.article, schema.place
    first = select(table.c.code).where(*conditions).order_by(table.c.code).limit(limit)
    held = first.where(table.c.holder == entity).subquery()
    # A range of one place: only the index by place and code is in that order.
    there = lateral(
        select(table.c.code)
        .where(table.c.place.between(place.c.code, place.c.code), *conditions)
        .order_by(table.c.place, table.c.code)
        .limit(limit)
    )
    at = select(there.c.code).select_from(place.join(there, true())).where(place.c.entity == entity)
    return union(select(held.c.code), at)


def _inside(connection: Connection, conditions: list[ColumnElement[bool]]) -> int:
    """How much lies in packages; what is built into a weapon is a part of it."""
    table = schema.article
    lies = (table.c.package.is_not(None), table.c.component.is_(None), table.c.kind != "unit")
    return connection.execute(select(func.count()).where(*conditions, *lies)).scalar_one()


def _inside_each(connection: Connection, units: list[str]) -> dict[str, int]:
    """By package, how much lies in it, however deep; what is built in is not counted again."""
    table = schema.article
    columns = (table.c.code, table.c.kind, table.c.component)
    found = (
        select(table.c.package.label("unit"), *columns)
        .where(table.c.package.in_(units))
        .cte("inside", recursive=True)
    )
    lies = lateral(select(*columns).where(table.c.package == found.c.code).offset(0))
    found = found.union_all(select(found.c.unit, *lies.c).select_from(found.join(lies, true())))
    rows = connection.execute(
        select(found.c.unit, func.count().label("inside"))
        .where(found.c.kind != "unit", found.c.component.is_(None))
        .group_by(found.c.unit)
    )
    return {row.unit: row.inside for row in rows}
