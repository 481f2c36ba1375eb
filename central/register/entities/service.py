"""Entering an entity."""

from sqlalchemy import Connection

from central import schema
from central.register.acts import record_act
from central.register.entities.models import NewEntity
from central.register.unique import inserting


def add(connection: Connection, new: NewEntity) -> None:
    """Raises `Conflict` when the code or the NCAGE is taken."""
    with inserting(f"entity {new.code}"):
        connection.execute(schema.entity.insert().values(new.model_dump()))
    record_act(connection, "entity", new.code, "entered")
