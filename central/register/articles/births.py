"""Items of which no event has told yet: what the register knows of them from their marks alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from central import schema
from central.register.articles.rules import Article
from central.register.certificates.acceptance import unaccepted as without_acceptance

BIRTH = 0
"""The version of an article of which no act tells."""


@dataclass(frozen=True)
class Born:
    """`good`: it is commissioned: each of its components is good, and nothing is doubtful."""

    article: Article
    good: bool


def born(connection: Connection, codes: Collection[str]) -> Mapping[str, Born]:
    """Those of the codes that are UIIs of marked items, each at its producer since its mark."""
    if not codes:
        return {}
    item, orders, product = schema.item, schema.orders, schema.product
    claim, record = schema.claim, schema.record
    rows = connection.execute(
        select(
            item.c.uii,
            item.c.order_code,
            func.min(item.c.serial).label("serial"),
            product.c.code.label("product"),
            product.c.entity,
            orders.c.lot,
            func.min(func.coalesce(record.c.at, orders.c.created)).label("since"),
            func.bool_and(
                and_(
                    item.c.state == "good",
                    ~item.c.quarantined,
                    ~item.c.duplicated,
                    ~item.c.disputed,
                )
            ).label("good"),
        )
        .join(orders, orders.c.code == item.c.order_code)
        .join(product, product.c.code == orders.c.product)
        .join(claim, claim.c.item == item.c.id)
        .join(record, and_(record.c.batch == claim.c.batch, record.c.pos == claim.c.pos))
        .where(item.c.uii.in_(list(codes)))
        .group_by(item.c.uii, item.c.order_code, product.c.code, product.c.entity, orders.c.lot)
    )
    return {row.uii: Born(_article(row), row.good) for row in rows}


def _article(row: Any) -> Article:
    return Article(
        code=row.uii,
        kind="item",
        disposition="commissioned",
        holder=row.entity,
        place=None,
        package=None,
        component=None,
        producer=row.entity,
        product=row.product,
        order_code=row.order_code,
        lot=row.lot,
        serial=row.serial,
        disputed=False,
        since=row.since,
        version=BIRTH,
    )


def unaccepted(
    connection: Connection, articles: Collection[Article], now: datetime
) -> frozenset[str]:
    """Those that are still their producer's, and are covered by no acceptance that stands."""
    own = [
        (each.code, each.product, each.lot)
        for each in articles
        if each.product is not None and each.holder == each.producer
    ]
    return without_acceptance(connection, own, now)
