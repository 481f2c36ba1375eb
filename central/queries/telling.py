"""What the live stream says: each of its events, made from the register."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import Connection

from central.queries import gateways, orders, refused
from central.queries.alarms import alarms
from central.queries.models import Mark
from central.queries.pace import Pace

MARKS_IN_EVENT = 200
LISTED = 50


@dataclass(frozen=True)
class Event:
    """One event as it goes to every client; `id` is None for those that need no resuming."""

    name: str
    data: str
    id: int | None = None
    about: str = ""
    """What it replaces: an event that says the same of it again is not told."""


def marks(found: Sequence[Mark], cursor: int) -> Event:
    """Oldest first."""
    ordered: list[Mark] = sorted(found, key=lambda mark: mark.id)
    return Event("marks", _json(ordered), cursor)


def sampled(told: int, of: int) -> list[Event]:
    """That only so many of so many marks were told; nothing where it were all."""
    return [Event("sampled", json.dumps({"told": told, "of": of}))] if told < of else []


def pace(hour: Pace) -> Event:
    return Event("pace", _json(hour))


def summary(connection: Connection, codes: set[str] | None) -> list[Event]:
    """Gateways, alerts, refusals, and the orders of these codes; None for all that are shown."""
    shown = (
        orders.listed(connection, LISTED).items
        if codes is None
        else orders.by_codes(connection, codes)
    )
    return [
        Event("gateways", _json(gateways.listed(connection))),
        Event("alerts", _json(alarms(connection))),
        Event("refusals", _json(refused.refusals(connection, LISTED).items)),
        Event("evidence", _json(refused.evidence(connection, LISTED).items)),
        *(Event("order", _json(order), about=f"order {order.code}") for order in shown),
    ]


def database(*, here: bool) -> Event:
    return Event("database", json.dumps({"here": here}))


def _json(value: BaseModel | Sequence[BaseModel]) -> str:
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    return "[" + ",".join(each.model_dump_json() for each in value) + "]"
