"""Opening a lot, telling what it consists of and what became of it, and deciding on it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, NotFound, Refused
from central.register.acts import Why, Work
from central.register.articles.service import AHEAD
from central.register.lots.balance import balance
from central.register.lots.models import (
    Components,
    LotComponent,
    Movement,
    MovementSettlement,
    NewComponent,
    NewComponents,
    NewLot,
    NewMovement,
)
from central.register.lots.packages import opened
from central.register.lots.projection import LOT
from central.register.lots.rules import Lot
from central.register.lots.tree import is_within
from central.register.ownership import owns
from central.register.products.models import lot_faults
from central.register.products.service import PRODUCT
from central.register.subject import no_such
from central.said import joined, said

Decision = Literal["suspended", "released", "withdrawn"]


def code_of(product: str, number: str) -> str:
    """A lot is known by its product and its number."""
    return f"{product}/{number}"


def open_lot(work: Work, asked: NewLot) -> Lot:
    """Raises `NotFound`, `Refused` for a product that has no lots, or `Conflict`."""
    product = PRODUCT.require(work.connection, asked.product)
    if product.kind != "package":
        raise Refused(said("product: {code} is none that is packed in lots", code=product.code))
    faults = lot_faults(product.kind, product.lot_format, asked.number)
    if faults:
        raise Refused(joined("; ", faults))
    code = code_of(asked.product, asked.number)
    payload = asked.model_dump(mode="json", exclude={"components"}) | {
        "entity": product.entity,
        "components": _components(work, code, asked.components),
    }
    return work.act(LOT, code, "opened", payload)


def tell_components(work: Work, code: str, asked: NewComponents) -> Lot:
    """The whole anew. Raises `NotFound`, or `Refused` for a lot that has this one in it, or where
    another quantity of another entity's lot would stand used."""
    before = LOT.require(work.connection, code, lock=True).components
    payload = {"components": _components(work, code, asked.components, before)}
    return work.act(LOT, code, "components told", payload, why=asked.why, expects=True)


def move(work: Work, code: str, asked: NewMovement) -> Lot:
    """Keep it whole, also where there was less than it tells of: then the lot is in dispute.

    Raises `Conflict` where the movement was told before, `NotFound` for a lot that is none,
    `Refused` for what has not happened yet. A lot of another entity is none to rework into.
    """
    connection = work.connection
    if asked.happened > datetime.now(UTC) + AHEAD:
        raise Refused(said("happened: that lies in the future"))
    # Nobody else tells of this lot until the transaction ends: what there is stays what it is.
    lot = LOT.require(connection, code, lock=True)
    _require_new(connection, asked.number)
    if asked.into is not None:
        into = LOT.require(connection, asked.into)
        if not owns(work.by.entity, into.entity):
            raise NotFound(no_such("lot", asked.into))
        if asked.into == code:
            raise Refused(said("into: a lot is reworked into another"))
    there = balance(connection, code)
    packages = opened(connection, lot, asked.packages)
    quantity = asked.quantity
    if quantity is None:
        quantity = sum(package.quantity for package in packages if not package.fault)
    payload: dict[str, Any] = asked.model_dump(
        mode="json", exclude={"what", "packages", "reason", "basis"}
    ) | {
        "quantity": quantity,
        "packages": [package.model_dump(mode="json") for package in packages],
        "loose": there.loose,
        "sampled": there.sampled,
    }
    return work.act(LOT, code, asked.what, payload, why=Why(asked.reason, asked.basis))


def settle(work: Work, code: str, asked: MovementSettlement) -> Lot:
    """A person says whether a movement counts. Raises `NotFound`, or `Conflict` where it is so
    already."""
    connection, table = work.connection, schema.lot_movement
    LOT.require(connection, code, lock=True)
    row = connection.execute(
        select(table).where(table.c.lot == code, table.c.number == asked.movement)
    ).one_or_none()
    if row is None:
        raise NotFound(
            said("lot {code} has no movement {movement}", code=code, movement=asked.movement)
        )
    known = Movement.model_validate(row)
    in_dispute = known.verdict != "ok" and row.settled is None
    if known.stands == asked.stands and not in_dispute:
        already = (
            said("movement {number} counts already", number=asked.movement)
            if known.stands
            else said("movement {number} counts no more already", number=asked.movement)
        )
        raise Conflict(already)
    payload = {
        "movement": asked.movement,
        "stands": asked.stands,
        "ends_dispute": in_dispute,
    }
    return work.act(LOT, code, "settled", payload, why=asked.why, expects=True)


def decide(work: Work, code: str, what: Decision, why: Why) -> Lot:
    """Raises `NotFound` or `Conflict`."""
    return work.act(LOT, code, what, why=why, expects=True)


def _used(components: Iterable[NewComponent | LotComponent]) -> dict[str, int]:
    """By lot of the register, how much of it went in."""
    used: dict[str, int] = {}
    for each in components:
        if each.lot is not None:
            used[each.lot] = used.get(each.lot, 0) + (each.quantity or 0)
    return used


def _require_new(connection: Connection, number: str) -> None:
    table = schema.lot_movement
    if connection.execute(select(table.c.number).where(table.c.number == number)).first():
        raise Conflict(said("movement {number} exists already", number=number))


def _components(
    work: Work, code: str, components: Components, before: tuple[LotComponent, ...] = ()
) -> list[dict[str, Any]]:
    """As an act holds them; `before` are those that stand. Raises `NotFound` or `Refused`."""
    connection = work.connection
    used, told = _used(before), _used(components)
    for lot in used | told:
        part = LOT.require(connection, lot)
        if lot in told and is_within(connection, code, lot):
            raise Refused(said("components: {lot} has {code} in it", lot=lot, code=code))
        if not owns(work.by.entity, part.entity) and used.get(lot, 0) != told.get(lot, 0):
            raise Refused(
                said(
                    "components: {lot} is another entity's; the registry says how much was used",
                    lot=lot,
                )
            )
    return [
        {"position": position, **each.model_dump(mode="json")}
        for position, each in enumerate(components, start=1)
    ]
