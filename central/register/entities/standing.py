"""Whether anything of an entity's may be marked: what a plan and an order's state follow from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from central import schema


@dataclass(frozen=True)
class Standing:
    """What of an entity decides it."""

    active: bool = True
    reason: str = ""
    """Of the last change of its state, in an officer's words."""

    def obstacle(self) -> str:
        """Why nothing may be marked now, as a stable code; empty where nothing stands against."""
        return "" if self.active else "entity-inactive"


CLEAR = Standing()
"""Nothing stands against it."""


def standings(connection: Connection, entities: Iterable[str]) -> Mapping[str, Standing]:
    """By the entity's code."""
    table = schema.entity
    rows = connection.execute(
        select(table.c.code, table.c.state, table.c.reason).where(table.c.code.in_(set(entities)))
    )
    return {row.code: Standing(row.state == "active", row.reason) for row in rows}
