"""Items, found by exact keys, and their life: every stored record that names one."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, select, union

from central import schema
from central.errors import NotFound
from central.queries.marks import sample
from central.queries.models import (
    Item,
    ItemComponent,
    ItemLife,
    RecordKey,
    RecordView,
)
from central.queries.paging import Page, Text, page, position
from central.queries.records import Place, entries, place_of
from central.queries.terms import term_of
from central.register.subject import no_such
from gateway.contract.encoding import INT8_MAX

_LIMIT = 100  # a serial number stands on many model lines, but not on more than that
_COMPONENTS = 20  # a product has no more


class Wanted(NamedTuple):
    """Items with all of it; `entity` is that of the product, `record` one that names them."""

    entity: str | None = None
    uii: str | None = None
    serial: str | None = None
    order: str | None = None
    record: RecordKey | None = None


def listed(connection: Connection, limit: int, cursor: str | None, wanted: Wanted) -> Page[Item]:
    """In the order of their UIIs. Raises `Refused` for a cursor that no page gave, and `NotFound`
    where the register does not hold the record."""
    item, orders, product = schema.item, schema.orders, schema.product
    query = select(item.c.uii).group_by(item.c.uii).order_by(item.c.uii).limit(limit + 1)
    if wanted.order is not None:
        # A range of one, in an order that only the index by order and UII is in.
        query = query.where(item.c.order_code.between(wanted.order, wanted.order))
        query = query.group_by(item.c.order_code).order_by(None)
        query = query.order_by(item.c.order_code, item.c.uii)
    for column, value in ((item.c.uii, wanted.uii), (item.c.serial, wanted.serial)):
        if value is not None:
            query = query.where(column == value)
    if wanted.entity is not None:
        query = (
            query.join(orders, orders.c.code == item.c.order_code)
            .join(product, product.c.code == orders.c.product)
            .where(product.c.entity == wanted.entity)
        )
    if wanted.record is not None:
        named = connection.execute(_named_by(_place(connection, wanted.record))).scalars()
        query = query.where(item.c.uii.in_(named))
    after = position(cursor, Text)
    if after is not None:
        query = query.where(item.c.uii > after[0])
    uiis = page(connection.execute(query).scalars().all(), limit, lambda uii: (uii,))
    return Page(items=where(connection, item.c.uii.in_(uiis.items), limit), next=uiis.next)


def by_uii(connection: Connection, uii: str) -> list[Item]:
    """The item of a UII, or of the elements or the whole symbol content that give one."""
    return _grouped(connection.execute(_BY_UII, {"uii": uii}).all(), _LIMIT)


def life(connection: Connection, uii: str) -> ItemLife:
    """An item with its life. Raises `NotFound`."""
    found = by_uii(connection, uii)
    if not found:
        raise NotFound(no_such("item", uii))
    claim, about, item = schema.claim, schema.about, schema.item
    rows = connection.execute(
        select(claim.c.batch, claim.c.pos, item.c.component)
        .join(item, item.c.id == claim.c.item)
        .where(item.c.uii == uii)
        .union(
            select(about.c.batch, about.c.pos, item.c.component)
            .join(item, item.c.id == about.c.item)
            .where(item.c.uii == uii)
        )
    )
    named: dict[Place, list[str]] = {}
    for batch, pos, component in sorted(tuple(row) for row in rows):
        named.setdefault((batch, pos), []).append(component)
    return ItemLife(**dict(found[0]), life=entries(connection, named))


def record(connection: Connection, key: RecordKey) -> RecordView:
    """One record with its proof, whatever it is about. Raises `NotFound`."""
    place = _place(connection, key)
    named = where(connection, schema.item.c.uii.in_(_named_by(place)))
    components = [part.component for item in named for part in item.components]
    return RecordView(entry=entries(connection, {place: components})[0], items=named)


def record_key(text: str) -> RecordKey | None:
    """A record's key as people write it: `gramsh.line-2/3/1207`."""
    parts = text.split("/")
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() for p in parts[1:]):
        return None
    epoch, seq = int(parts[1]), int(parts[2])
    if not 0 < epoch <= INT8_MAX or not 0 < seq <= INT8_MAX:
        return None
    return RecordKey(gateway=parts[0], epoch=epoch, seq=seq)


def _place(connection: Connection, key: RecordKey) -> Place:
    place = place_of(connection, key)
    if place is None:
        raise NotFound(no_such("record", f"{key.gateway}/{key.epoch}/{key.seq}"))
    return place


def _named_by(place: Place) -> Select[tuple[str]]:
    """The UIIs that a record names."""
    claim, about = schema.claim, schema.about
    named = union(
        select(claim.c.item).where(claim.c.batch == place[0], claim.c.pos == place[1]),
        select(about.c.item).where(about.c.batch == place[0], about.c.pos == place[1]),
    ).subquery()
    item = schema.item
    return select(item.c.uii).join(named, named.c.item == item.c.id)


def where(
    connection: Connection, condition: ColumnElement[bool], limit: int = _LIMIT
) -> list[Item]:
    rows = connection.execute(_WHOLE.where(condition).limit(limit * _COMPONENTS)).all()
    return _grouped(rows, limit)


def _grouped(rows: Iterable[Row[Any]], limit: int) -> list[Item]:
    """The components of each item are together."""
    grouped: dict[str, list[Row[Any]]] = {}
    for row in rows:
        grouped.setdefault(row.uii, []).append(row)
    return [_item(parts) for parts in list(grouped.values())[:limit]]


_OF_ITEM = (
    *("uii", "elements", "serial", "space", "number", "order_code", "component", "state"),
    *("basis", "readback", "quarantined", "duplicated", "disputed", "remark"),
)
"""What is told of it. A column more takes a lookup longer by a hundredth."""


def _whole() -> Select[Any]:
    item, orders, product = schema.item, schema.orders, schema.product
    group = schema.sample_group
    return (
        select(
            *(item.c[name] for name in _OF_ITEM),
            orders.c.product,
            orders.c.lot,
            orders.c.kind,
            orders.c.components,
            product.c.model,
            product.c.calibre,
            product.c.entity,
            group.c.size.label("sample_size"),
            group.c.state.label("sample_state"),
        )
        # An order that the register does not know is refused, and its marks are claimed all the
        # same: they have to be found too.
        .outerjoin(orders, orders.c.code == item.c.order_code)
        .outerjoin(product, product.c.code == orders.c.product)
        .outerjoin(group, group.c.id == item.c.sample)
        .order_by(item.c.uii, item.c.id)
    )


# Put together once: that takes as long as PostgreSQL takes to find an item.
_WHOLE = _whole()
_BY_UII = _WHOLE.where(schema.item.c.uii == bindparam("uii")).limit(_COMPONENTS)


def _item(parts: Iterable[Row[Any]]) -> Item:
    first, *_ = found = list(parts)
    required = [component["name"] for component in first.components or []]
    place = {name: at for at, name in enumerate(required)}
    rows = sorted(found, key=lambda row: place.get(row.component, len(place)))
    return Item(
        uii=first.uii,
        elements=first.elements,
        serial=first.serial,
        space=first.space,
        number=first.number,
        order=first.order_code,
        product=first.product or "",
        model=first.model or "",
        calibre=first.calibre or "",
        kind=first.kind or "",
        lot=first.lot,
        entity=first.entity or "",
        term=term_of(row.state for row in rows),
        required=required,
        components=[
            ItemComponent(
                component=row.component,
                state=row.state,
                basis=row.basis,
                readback=row.readback,
                sample=sample(row),
                quarantined=row.quarantined,
                duplicated=row.duplicated or row.disputed,
                remark=row.remark,
            )
            for row in rows
        ],
    )
