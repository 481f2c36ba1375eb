"""Issuing, suspending, reinstating and revoking a licence."""

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, NotFound
from central.register.acts import record_act
from central.register.licences.models import LicenceState, NewLicence
from central.register.unique import inserting

_FROM: dict[LicenceState, tuple[LicenceState, ...]] = {
    "suspended": ("active",),
    "active": ("suspended",),
    "revoked": ("active", "suspended"),
}


def add(connection: Connection, new: NewLicence) -> int:
    """Returns the licence's id. Raises `Conflict` or `NotFound`."""
    with inserting(f"licence {new.number}"):
        found = connection.execute(
            schema.licence.insert().values(new.model_dump()).returning(schema.licence.c.id)
        ).scalar_one()
    record_act(connection, "licence", new.number, "issued")
    return int(found)


def set_state(connection: Connection, licence: int, state: LicenceState, reason: str) -> None:
    """Raises `NotFound`, or `Conflict` where that step does not exist: revoked is the end."""
    table = schema.licence
    row = connection.execute(
        select(table.c.number, table.c.state).where(table.c.id == licence).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"no licence {licence}")
    if row.state not in _FROM[state]:
        raise Conflict(f"licence {row.number} is {row.state}; it cannot become {state}")
    connection.execute(
        table.update().where(table.c.id == licence).values(state=state, reason=reason)
    )
    act = "reinstated" if state == "active" else state
    order, at = schema.orders, schema.order_gateway
    gateways = connection.execute(
        select(at.c.gateway)
        .join(order, order.c.code == at.c.order_code)
        .where(order.c.licence == licence)
        .distinct()
    ).scalars()
    record_act(connection, "licence", row.number, act, reason, gateways=gateways)
