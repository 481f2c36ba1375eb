"""Entering, holding and releasing an order."""

from datetime import UTC, datetime

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, NotFound, NotLicensed, Refused
from central.register.acts import record_act
from central.register.licences.models import obstacle
from central.register.orders.models import NewOrder
from central.register.unique import inserting
from gateway.contract.plan import Component, Template


def add(connection: Connection, new: NewOrder) -> None:
    """Raises `NotFound`, `NotLicensed`, `Refused` or `Conflict`."""
    product = connection.execute(
        select(schema.product).where(schema.product.c.code == new.product)
    ).one_or_none()
    if product is None:
        raise NotFound(f"no product {new.product}")
    template = new.template or Template.model_validate(product.template)
    components = new.components or tuple(
        Component.model_validate(component) for component in product.components
    )
    tray = product.tray if new.tray is None else new.tray
    faults = new.faults(product.kind, template, components, tray)
    if faults:
        raise Refused("; ".join(faults))
    with inserting(f"order {new.code}"):
        connection.execute(
            schema.orders.insert().values(
                code=new.code,
                product=new.product,
                licence=_licence(connection, product.entity, new.licence),
                kind=product.kind,
                quantity=new.quantity,
                contents=new.contents,
                lot=new.lot,
                job=new.job,
                template=template.model_dump(mode="json"),
                components=[component.model_dump(mode="json") for component in components],
                verify=new.verify.model_dump(mode="json"),
                expect=list(new.expect),
                tray=tray,
            )
        )
        connection.execute(
            schema.order_gateway.insert(),
            [
                {
                    "order_code": new.code,
                    "gateway": member.name,
                    "components": None if member.components is None else list(member.components),
                    "reads": member.reads,
                }
                for member in new.members
            ],
        )
    gateways = [member.name for member in new.members]
    record_act(connection, "order", new.code, "released", gateways=gateways)


def set_state(connection: Connection, code: str, state: str, reason: str) -> None:
    """`held` or `released`. Raises `NotFound` or `Conflict`."""
    table = schema.orders
    row = connection.execute(
        select(table.c.state).where(table.c.code == code).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"no order {code}")
    if row.state == state:
        raise Conflict(f"order {code} is {state} already")
    connection.execute(
        table.update().where(table.c.code == code).values(state=state, reason=reason)
    )
    at = schema.order_gateway
    gateways = connection.execute(select(at.c.gateway).where(at.c.order_code == code)).scalars()
    record_act(connection, "order", code, state, reason, gateways=gateways)


def _licence(connection: Connection, entity: str, asked: int | None) -> int:
    """The asked licence, or the entity's one in force that lasts longest."""
    table = schema.licence
    now = datetime.now(UTC)
    for row in connection.execute(
        select(table).where(table.c.entity == entity).order_by(table.c.valid_until.desc())
    ):
        if asked not in (None, row.id):
            continue
        fault = obstacle(row.state, row.valid_from, row.valid_until, now)
        if not fault:
            return int(row.id)
        if asked is not None:
            raise NotLicensed(f"licence {row.number}: {fault}")
    raise NotLicensed(f"no licence in force covers {entity}")
