"""Declaring that the database was restored from a backup."""

from datetime import datetime

from sqlalchemy import select

from central import schema
from central.errors import Conflict
from central.register.acts import Work
from central.register.incarnation import REGISTER


def declare(work: Work, now: datetime) -> int:
    """A new incarnation, the present UTC second; returns it. Raises `Conflict` within one second.

    From now on receipts may lower `committed`, and no block is issued before every live gateway
    has reported to its journal's end.
    """
    table = schema.setting
    former = int(
        work.connection.execute(
            select(table.c.value).where(table.c.name == "incarnation").with_for_update()
        ).scalar_one()
    )
    incarnation = int(now.timestamp())
    if incarnation <= former:
        raise Conflict(f"incarnation {former} is not in the past yet; try again in a second")
    gateways = work.connection.execute(select(schema.gateway.c.name)).scalars()
    name = str(incarnation)
    work.act(REGISTER, name, "restore declared", {"incarnation": name}, gateways=gateways)
    return incarnation
