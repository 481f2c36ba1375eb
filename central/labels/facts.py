"""A unit's label from the register: who has it, on which way it is, and what lies in it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from central import schema
from central.errors import NotFound
from central.labels.content import Goods, Journey, Label, Party
from central.register.articles.tree import below
from central.register.subject import no_such


def of_unit(connection: Connection, code: str, entity: str | None) -> Label:
    """Also of a number that was given and nothing was packed under yet.

    `entity`: who asks, where that is not the registry; another's unit is `NotFound`.
    """
    article, given = schema.article, schema.unit_number
    row = connection.execute(
        select(article.c.holder, article.c.place).where(
            article.c.code == code, article.c.kind == "unit"
        )
    ).one_or_none()
    place = None if row is None else row.place
    holder = (
        connection.execute(select(given.c.entity).where(given.c.code == code)).scalar_one_or_none()
        if row is None
        else row.holder
    )
    if holder is None or entity not in (None, holder):
        raise NotFound(no_such("unit", code))
    goods, packages = _within(connection, code)
    return Label(
        code=code,
        holder=_entity(connection, holder),
        place=None if place is None else _place(connection, place),
        journey=_journey(connection, code),
        goods=goods,
        packages=packages,
    )


def _entity(connection: Connection, code: str) -> Party:
    table = schema.entity
    row = connection.execute(select(table).where(table.c.code == code)).one()
    return Party(row.name, code, row.ncage)


def _place(connection: Connection, code: str) -> Party:
    table = schema.place
    name = connection.execute(select(table.c.name).where(table.c.code == code)).scalar_one()
    return Party(name, code)


def _journey(connection: Connection, code: str) -> Journey | None:
    """An article is listed in one consignment at a time that is on its way."""
    table, listed = schema.consignment, schema.consignment_article
    row = connection.execute(
        select(table)
        .join(listed, listed.c.consignment == table.c.number)
        .where(
            listed.c.code == code,
            listed.c.listed,
            table.c.state.in_(("reported", "dispatched")),
        )
        .order_by(table.c.version.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None

    def party(role: str) -> Party:
        outsider: Mapping[str, Any] | None = row.outsiders.get(role)
        if outsider is not None:
            return Party(outsider["name"], outsider["country"], outsider.get("ncage"))
        return _entity(connection, row._mapping[role])

    return Journey(row.number, party("sender"), party("recipient"))


def _within(connection: Connection, code: str) -> tuple[tuple[Goods, ...], int]:
    """Whole things alone: what is built into a weapon is a part of that. The most comes first."""
    product, orders, legacy = schema.product, schema.orders, schema.legacy
    inside = below([code], "kind", "component", "product", "order_code", "lot")
    each = (
        select(
            (inside.c.kind == "unit").label("unit"),
            *(inside.c.product, inside.c.lot, product.c.nsn),
            func.coalesce(product.c.model, legacy.c.model, "").label("model"),
            func.coalesce(product.c.calibre, legacy.c.calibre, "").label("calibre"),
            func.coalesce(legacy.c.quantity, 1).label("pieces"),
            orders.c.contents,
        )
        .outerjoin(product, product.c.code == inside.c.product)
        .outerjoin(orders, orders.c.code == inside.c.order_code)
        .outerjoin(legacy, legacy.c.code == inside.c.code)
        .where(inside.c.component.is_(None))
        .subquery()
    )
    alike = [each.c[name] for name in ("unit", "product", "lot", "nsn", "model", "calibre")]
    rows = connection.execute(
        select(
            *alike,
            func.sum(each.c.pieces).label("pieces"),
            func.sum(each.c.contents).label("rounds"),
        ).group_by(*alike)
    ).all()
    packages = sum(int(row.pieces) for row in rows if row.unit)
    found: dict[tuple[str | None, str, str], Goods] = {}
    for row in sorted((row for row in rows if not row.unit), key=lambda row: row.lot or ""):
        key = (row.product, row.model, row.calibre)
        known = found.get(key, Goods(row.model, row.product, row.nsn, row.calibre))
        rounds = known.rounds if row.rounds is None else (known.rounds or 0) + int(row.rounds)
        found[key] = Goods(
            *(known.model, known.product, known.nsn, known.calibre),
            lots=(*known.lots, row.lot) if row.lot else known.lots,
            pieces=known.pieces + int(row.pieces),
            rounds=rounds,
        )
    most_first = sorted(found.values(), key=lambda goods: (-goods.pieces, goods.model))
    return tuple(most_first), packages
