"""Items, found by exact keys, and their life: every stored record that names one."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, union

from central import schema
from central.errors import NotFound
from central.queries.marks import sample
from central.queries.models import Component, Found, Item, ItemLife, RecordKey, RecordView
from central.queries.records import Place, entries, place_of
from central.queries.terms import term_of
from gateway.contract.encoding import INT8_MAX
from gateway.contract.uii import UiiError, identify

_LIMIT = 100  # a serial number stands on many model lines, but not on more than that


def by_uii(connection: Connection, uii: str) -> list[Item]:
    """The item of a UII, or of the elements or the whole symbol content that give one."""
    return _items(connection, schema.item.c.uii == uii)


def by_serial(connection: Connection, serial: str) -> list[Item]:
    """Every item with this serial number: the serial alone is no key."""
    return _items(connection, schema.item.c.serial == serial)


def by_record(connection: Connection, key: RecordKey) -> list[Item]:
    """The items that a record names. Raises `NotFound` when the register does not hold it."""
    return _named_by(connection, _place(connection, key))


def life(connection: Connection, uii: str) -> ItemLife:
    """An item with its life. Raises `NotFound`."""
    found = by_uii(connection, uii)
    if not found:
        raise NotFound(f"no item {uii}")
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
    named = _named_by(connection, place)
    components = [part.component for item in named for part in item.components]
    return RecordView(entry=entries(connection, {place: components})[0], items=named)


def search(connection: Connection, query: str) -> Found:
    """Exact: a UII, its elements, a symbol's whole content, a serial number, an order, a record.

    Nothing is folded or completed: two numbers that look alike are two numbers.
    """
    text = query.strip()
    item = schema.item
    found = {each.uii: each for each in by_uii(connection, text)}
    for condition in (item.c.serial == text, item.c.elements == text, _content(text)):
        if condition is not None:
            found |= {each.uii: each for each in _items(connection, condition)}
    records = []
    key = record_key(text)
    if key is not None and place_of(connection, key) is not None:
        records = [key]
    orders = connection.execute(
        select(schema.orders.c.code).where(schema.orders.c.code == text)
    ).scalars()
    return Found(query=query, items=list(found.values()), records=records, orders=list(orders))


def record_key(text: str) -> RecordKey | None:
    """A record's key as people write it: `gramsh.line-2/3/1207`."""
    parts = text.split("/")
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() for p in parts[1:]):
        return None
    epoch, seq = int(parts[1]), int(parts[2])
    if not 0 < epoch <= INT8_MAX or not 0 < seq <= INT8_MAX:
        return None
    return RecordKey(gateway=parts[0], epoch=epoch, seq=seq)


def _content(text: str) -> ColumnElement[bool] | None:
    try:
        return schema.item.c.elements == identify(text).elements
    except UiiError:
        return None


def _place(connection: Connection, key: RecordKey) -> Place:
    place = place_of(connection, key)
    if place is None:
        raise NotFound(f"no record {key.gateway}/{key.epoch}/{key.seq}")
    return place


def _named_by(connection: Connection, place: Place) -> list[Item]:
    claim, about = schema.claim, schema.about
    named = union(
        select(claim.c.item).where(claim.c.batch == place[0], claim.c.pos == place[1]),
        select(about.c.item).where(about.c.batch == place[0], about.c.pos == place[1]),
    ).subquery()
    item = schema.item
    uiis = select(item.c.uii).join(named, named.c.item == item.c.id)
    return _items(connection, item.c.uii.in_(uiis))


def _items(connection: Connection, condition: ColumnElement[bool]) -> list[Item]:
    item, orders, product = schema.item, schema.orders, schema.product
    group = schema.sample_group
    rows = connection.execute(
        select(
            item,
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
        .where(condition)
        .order_by(item.c.uii, item.c.id)
        .limit(_LIMIT * 10)
    ).all()
    grouped: dict[str, list[Row[Any]]] = {}
    for row in rows:
        grouped.setdefault(row.uii, []).append(row)
    return [_item(parts) for parts in list(grouped.values())[:_LIMIT]]


def _item(parts: Iterable[Row[Any]]) -> Item:
    rows = list(parts)
    first = rows[0]
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
        required=[component["name"] for component in first.components or []],
        components=[
            Component(
                component=row.component,
                state=row.state,
                basis=row.basis,
                readback=row.readback,
                sample=sample(row),
                quarantined=row.quarantined,
                duplicated=row.duplicated,
                remark=row.remark,
            )
            for row in rows
        ],
    )
