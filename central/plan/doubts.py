"""What a journal that ended may have marked unreported: kept as doubts, and given back by people.

A number of a block that is lost costs nothing, and is never issued again. A further component of a
number whose first one is on metal is needed; yet a second piece with that number could never be
told from the one that the lost journal may have marked. So nobody marks it before an officer says
that there is no such piece; until then another number takes its place.
"""

from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, select, text

from central import schema
from central.errors import NotFound
from central.plan.candidates import load
from central.plan.due import in_doubt
from central.plan.facts import Held, Number, StreamKey, held_by
from central.plan.store import plans_in_play, read_orders
from central.register.acts import Act, Why, Work
from central.register.gateways.projection import GATEWAY
from central.register.numbers import service as numbers
from central.register.orders.service import sharing
from central.said import said


class Doubt(BaseModel):
    """A further component that an ended journal may have marked."""

    number: int
    component: str
    gateway: str
    epoch: int
    at: datetime


def enter_of_ended(work: Work, gateway: str, epoch: int) -> None:
    """Enter what records of an epoch leave in doubt that were taken in after its end, if they were.

    They may tell of a first component, or of a plan, that the register had not heard of by then.
    """
    table = schema.stream
    later = work.connection.execute(
        select(table.c.id).where(table.c.gateway == gateway, table.c.epoch > epoch).limit(1)
    )
    if later.first() is not None:
        enter(work, gateway, epoch)


def enter(work: Work, gateway: str, epoch: int) -> None:
    """Enter the doubts that an ended epoch leaves, but for those that are entered already."""
    connection, table = work.connection, schema.stream
    stream = connection.execute(
        select(table.c.id, table.c.plan_incarnation, table.c.plan_version).where(
            table.c.gateway == gateway, table.c.epoch == epoch
        )
    ).one_or_none()
    orders = {
        order.code: order
        for order in read_orders(connection, gateway)[0]
        if len(order.components) > 1
    }
    if stream is None or not orders:
        return
    accepted = (
        None if stream.plan_incarnation is None else (stream.plan_incarnation, stream.plan_version)
    )
    given = held_by(accepted, plans_in_play(connection, gateway, epoch, accepted))
    if not numbers.may_issue(work):
        given = Held(given.marks, blind=True)  # restored, and not all has been told again yet
    wanted = _touched(connection, stream.id, list(orders), given)
    key = StreamKey(gateway, epoch)
    entered = _entered(connection, stream.id)
    rows = [
        {
            "order_code": number.order,
            "space": orders[number.order].space,
            "number": number.number,
            "component": component,
            "stream": stream.id,
        }
        for number in load(connection, [(orders[code], number) for code, number in wanted])
        if not _is_ended(number)
        if (component := in_doubt(orders[number.order], number, key, given)) is not None
        if (number.order, number.number, component) not in entered
    ]
    if rows:
        work.act(GATEWAY, gateway, "in doubt", {"doubts": rows})


def listed(connection: Connection, order: str) -> list[Doubt]:
    """The open doubts of an order, by number."""
    table, stream = schema.doubt, schema.stream
    rows = connection.execute(
        select(table.c.number, table.c.component, stream.c.gateway, stream.c.epoch, table.c.at)
        .join(stream, stream.c.id == table.c.stream)
        .where(table.c.order_code == order, table.c.returned.is_(None))
        .order_by(table.c.number, table.c.component)
    )
    return [Doubt.model_validate(row._asdict()) for row in rows]


class Numbers:
    """A number of an order, of which pieces are in doubt: `given back` when there is none."""

    name = "number"

    def lock(self, connection: Connection, key: str, expected: frozenset[int]) -> None:
        connection.execute(select(schema.doubt).where(*self._open(key)).with_for_update())

    def project(self, connection: Connection, act: Act) -> None:
        """Raises `NotFound` where nothing of it is in doubt."""
        table = schema.doubt
        done = connection.execute(
            table.update().where(*self._open(act.key)).values(returned=act.at, reason=act.reason)
        )
        if done.rowcount == 0:
            order, _, number = act.key.rpartition("/")
            raise NotFound(
                said(
                    "nothing of number {number} of order {order} is in doubt",
                    number=number,
                    order=order,
                )
            )

    def _open(self, key: str) -> tuple[ColumnElement[bool], ...]:
        table = schema.doubt
        order, _, number = key.rpartition("/")
        return (
            table.c.order_code == order,
            table.c.number == int(number),
            table.c.returned.is_(None),
        )


NUMBER = Numbers()


def give_back(work: Work, order: str, number: int, why: Why) -> None:
    """No such piece was found: the number's further components may be marked. `NotFound`."""
    gateways = sharing(work.connection, order)
    work.act(NUMBER, f"{order}/{number}", "given back", why=why, gateways=gateways)


def _touched(
    connection: Connection, stream: int, codes: list[str], given: Held
) -> list[tuple[str, int]]:
    """Numbers that the stream's records or its plans speak of, and that are not good yet."""
    rows = connection.execute(
        text(
            "SELECT DISTINCT i.order_code, i.number FROM item i"
            " WHERE i.order_code = ANY(:codes) AND i.state <> 'good' AND i.number IS NOT NULL"
            " AND (:blind OR EXISTS (SELECT 1 FROM claim c"
            "   WHERE c.item = i.id AND c.stream = :stream))"
        ),
        {"codes": codes, "stream": stream, "blind": given.blind},
    )
    found = {(row.order_code, row.number) for row in rows}
    found |= {(mark.order, mark.number) for mark in given.marks if mark.order in codes}
    return sorted(found)


def _entered(connection: Connection, stream: int) -> set[tuple[str, int, str]]:
    """What a stream left in doubt, given back or not: by order, number and component."""
    table = schema.doubt
    rows = connection.execute(
        select(table.c.order_code, table.c.number, table.c.component).where(
            table.c.stream == stream
        )
    )
    return {(row.order_code, row.number, row.component) for row in rows}


def _is_ended(number: Number) -> bool:
    return any(
        piece.state == "scrapped" or (piece.state == "voided" and not piece.remark)
        for piece in number.pieces.values()
    )
