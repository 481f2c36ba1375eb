"""Declaring that the database was restored from a backup."""

from datetime import datetime

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict
from central.register.acts import record_act


def declare(connection: Connection, now: datetime) -> int:
    """A new incarnation, the present UTC second; returns it. Raises `Conflict` within one second.

    From now on receipts may lower `committed`, and no block is issued before every live gateway
    has reported to its journal's end.
    """
    table = schema.setting
    former = int(
        connection.execute(
            select(table.c.value).where(table.c.name == "incarnation").with_for_update()
        ).scalar_one()
    )
    incarnation = int(now.timestamp())
    if incarnation <= former:
        raise Conflict(f"incarnation {former} is not in the past yet; try again in a second")
    for name, value in (("incarnation", str(incarnation)), ("restored", "true")):
        connection.execute(table.update().where(table.c.name == name).values(value=value))
    gateways = connection.execute(select(schema.gateway.c.name)).scalars()
    record_act(connection, "register", str(incarnation), "restore declared", gateways=gateways)
    return incarnation
