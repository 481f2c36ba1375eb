"""Lots that are suspended or withdrawn: nothing of them goes on its way, and no more is made."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select, tuple_

from central import schema
from central.errors import LotSuspended
from central.register.articles.rules import Article
from central.said import Word, said


def barred(connection: Connection, articles: Iterable[Article]) -> Mapping[str, str]:
    """By code, those of such lots, each with the entity whose lot it is."""
    table = schema.lot
    of = {
        each.code: (each.product, each.lot)
        for each in articles
        if each.product is not None and each.lot is not None
    }
    if not of:
        return {}
    rows = connection.execute(
        select(table.c.product, table.c.number, table.c.entity).where(
            table.c.state != "active",
            tuple_(table.c.product, table.c.number).in_(set(of.values())),
        )
    )
    entities = {(row.product, row.number): row.entity for row in rows}
    return {code: entities[lot] for code, lot in of.items() if lot in entities}


def require_active(connection: Connection, product: str, number: str | None) -> None:
    """A lot that the register does not know yet is none that is barred. Raises `LotSuspended`."""
    table = schema.lot
    state = connection.execute(
        select(table.c.state).where(table.c.product == product, table.c.number == number)
    ).scalar_one_or_none()
    if state not in (None, "active"):
        raise LotSuspended(
            said(
                "lot {number} of {product} is {state}: no more of it is marked",
                number=number,
                product=product,
                state=Word(state, "value"),
            )
        )
