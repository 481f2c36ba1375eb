"""What the register expects at places: what is at hand there, each article and each lot."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from central import schema
from central.errors import Refused
from central.register.articles.tree import below
from central.register.stock.models import AT_HAND
from central.register.stock.rules import Count
from central.said import said

MOST_EXPECTED = 100_000
"""Articles in one count: they stand in one act."""
_KEPT = ("code", "kind", "product", "lot", "package")


def at_hand(places: Collection[str] | None) -> list[ColumnElement[bool]]:
    """What lies at these places, or at any where None; what lies in a package is where that is."""
    table = schema.article
    found: list[ColumnElement[bool]] = [table.c.disposition.in_(AT_HAND)]
    found.append(table.c.place.is_not(None) if places is None else table.c.place.in_(places))
    return found


def articles(
    connection: Connection, count: Count, places: Sequence[str]
) -> list[dict[str, str | None]]:
    """Those that a count is about, by code; loose pieces are counted by quantity. Raises
    `Refused`."""
    table = schema.article
    query = select(*(table.c[name] for name in _KEPT)).where(
        *at_hand(places), table.c.kind != "legacy-lot"
    )
    if count.kind == "product":
        query = query.where(table.c.product.in_(count.products))
    if count.kind == "spot":
        inside = select(below(count.articles).c.code)
        query = query.where(or_(table.c.code.in_(count.articles), table.c.code.in_(inside)))
    rows = connection.execute(query.order_by(table.c.code).limit(MOST_EXPECTED + 1)).all()
    if len(rows) > MOST_EXPECTED:
        raise Refused(
            said(
                "place: more than {most} articles are there; count a part of it",
                most=MOST_EXPECTED,
            )
        )
    return [dict(row._mapping) for row in rows]


def lots(connection: Connection, places: Sequence[str]) -> list[dict[str, Any]]:
    """Loose pieces by the model and the lot that stand on them."""
    article, legacy = schema.article, schema.legacy
    rows = connection.execute(
        select(
            legacy.c.model.label("product"),
            article.c.lot,
            func.sum(legacy.c.quantity).label("pieces"),
            func.array_agg(article.c.code).label("articles"),
        )
        .join(legacy, legacy.c.code == article.c.code)
        .where(*at_hand(places), article.c.kind == "legacy-lot")
        .group_by(legacy.c.model, article.c.lot)
        .order_by(legacy.c.model, article.c.lot)
    )
    return [
        dict(row._mapping) | {"pieces": int(row.pieces), "articles": sorted(row.articles)}
        for row in rows
    ]
