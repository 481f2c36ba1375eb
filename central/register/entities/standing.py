"""Whether anything of an entity's may be marked: what a plan and an order's state follow from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from central import schema


@dataclass(frozen=True)
class Excluding:
    """An exclusion that was not lifted, of this very entity; open-ended where `until` is None."""

    number: str
    since: datetime
    until: datetime | None = None

    def is_in_force(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


@dataclass(frozen=True)
class Standing:
    """What of an entity decides it."""

    active: bool = True
    reason: str = ""
    """Of the last change of its state, in an officer's words."""
    exclusions: tuple[Excluding, ...] = ()

    def obstacle(self, now: datetime) -> str:
        """Why nothing may be marked now, as a stable code; empty where nothing stands against."""
        if self.excluded(now) is not None:
            return "entity-excluded"
        return "" if self.active else "entity-inactive"

    def said(self, obstacle: str) -> str:
        """What an officer said of an obstacle; who is excluded, and why, is not for everybody."""
        return self.reason if obstacle == "entity-inactive" else ""

    def excluded(self, now: datetime) -> Excluding | None:
        """An exclusion in force."""
        return next((each for each in self.exclusions if each.is_in_force(now)), None)

    def turns(self, now: datetime) -> datetime | None:
        """When the next exclusion begins or ends."""
        times = {time for each in self.exclusions for time in (each.since, each.until)}
        return min((time for time in times if time is not None and time > now), default=None)


CLEAR = Standing()
"""Nothing stands against it."""


def standings(connection: Connection, entities: Iterable[str]) -> Mapping[str, Standing]:
    """By the entity's code."""
    table = schema.entity
    codes = set(entities)
    excluded = _excluding(connection, codes)
    rows = connection.execute(
        select(table.c.code, table.c.state, table.c.reason).where(table.c.code.in_(codes))
    )
    return {
        row.code: Standing(row.state == "active", row.reason, tuple(excluded.get(row.code, ())))
        for row in rows
    }


def marking_for(connection: Connection, entity: str) -> set[str]:
    """The gateways of all orders of its products, and those on its lines."""
    product, order, at, place = schema.product, schema.orders, schema.order_gateway, schema.place
    orders = (
        select(at.c.gateway)
        .join(order, order.c.code == at.c.order_code)
        .join(product, product.c.code == order.c.product)
        .where(product.c.entity == entity)
    )
    lines = select(place.c.gateway).where(place.c.entity == entity, place.c.gateway.is_not(None))
    return set(connection.execute(orders.union(lines)).scalars())


def _excluding(connection: Connection, entities: set[str]) -> Mapping[str, list[Excluding]]:
    """By an identifier that is equal, or by a person's decision that both are the same."""
    entity, exclusion, pair = schema.entity, schema.exclusion, schema.screening
    decided = (
        select(pair.c.entity)
        .where(pair.c.entity == entity.c.code, pair.c.exclusion == exclusion.c.number)
        .where(pair.c.excludes)
        .exists()
    )
    found: dict[str, list[Excluding]] = {}
    for row in connection.execute(
        select(entity.c.code, exclusion.c.number, exclusion.c.valid_from, exclusion.c.valid_until)
        .join_from(
            entity,
            exclusion,
            or_(
                exclusion.c.tax_number == entity.c.tax_number,
                exclusion.c.ncage == entity.c.ncage,
                decided,
            ),
        )
        .where(entity.c.code.in_(entities), exclusion.c.state == "active")
        .order_by(exclusion.c.number)
    ):
        excluding = Excluding(row.number, row.valid_from, row.valid_until)
        found.setdefault(row.code, []).append(excluding)
    return found
