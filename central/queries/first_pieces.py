"""First pieces of an order: by whom each was approved, and where one is still waited for."""

from sqlalchemy import Connection, and_, func, literal_column, select

from central import schema
from central.queries.models import FirstPiece
from central.queries.records import batches
from central.register.orders.rules import Order
from gateway.contract.record import Unlatched

_OVER = frozenset({"completed", "closed", "cancelled"})


def of(connection: Connection, order: Order) -> list[FirstPiece]:
    """By gateway, in the order of the components; nothing where none has to be approved."""
    if order.verify.get("first_piece") != "approved-by-second":
        return []
    names = [each["name"] for each in order.components]
    found = _approved(connection, order.code)
    known = {(piece.gateway, piece.component) for piece, is_newest in found if is_newest}
    pieces = [piece for piece, _ in found]
    if order.state not in _OVER:
        pieces += [
            _awaited(member.name, name)
            for member in order.members
            for name in (names if member.components is None else member.components)
            if (member.name, name) not in known
        ]
    place = {name: at for at, name in enumerate(names)}
    return sorted(pieces, key=lambda each: (each.gateway, place.get(each.component, len(place))))


def _awaited(gateway: str, component: str) -> FirstPiece:
    return FirstPiece(
        gateway=gateway,
        station=None,
        component=component,
        state="awaited",
        people=[],
        at=None,
        uii=None,
        reason="",
        record=None,
    )


def _approved(connection: Connection, code: str) -> list[tuple[FirstPiece, bool]]:
    """Each with whether it stands in the newest journal of its gateway: another begins anew."""
    record, about, item = schema.record, schema.about, schema.item
    rows = connection.execute(
        select(record.c.batch, record.c.pos, item.c.uii, item.c.component)
        .join(about, and_(about.c.batch == record.c.batch, about.c.pos == record.c.pos))
        .join(item, item.c.id == about.c.item)
        # To the letter: only so is the index of these few records found.
        .where(record.c.type == literal_column("'unlatched'"), record.c.verdict == "ok")
        .where(item.c.order_code == code)
        .order_by(record.c.batch, record.c.pos)
    ).all()
    stored = batches(connection, (row.batch for row in rows))
    newest = _newest(connection, {each.gateway for each in stored.values()})
    found = []
    for row in rows:
        batch = stored[row.batch]
        says = batch.record(row.pos)
        if isinstance(says, Unlatched):
            piece = FirstPiece(
                gateway=batch.gateway,
                station=says.station,
                component=row.component,
                state="approved",
                people=list(says.witnesses),
                at=says.at,
                uii=row.uii,
                reason=says.reason,
                record=batch.key(row.pos),
            )
            found.append((piece, newest[batch.gateway] == batch.epoch))
    return found


def _newest(connection: Connection, gateways: set[str]) -> dict[str, int]:
    """By gateway, its newest epoch."""
    stream = schema.stream
    rows = connection.execute(
        select(stream.c.gateway, func.max(stream.c.epoch).label("newest"))
        .where(stream.c.gateway.in_(sorted(gateways)))
        .group_by(stream.c.gateway)
    )
    return {row.gateway: row.newest for row in rows}
