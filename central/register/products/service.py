"""Entering a product, and its number space."""

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from central import schema
from central.register.acts import record_act
from central.register.products.models import NewProduct
from central.register.unique import inserting


def add(connection: Connection, new: NewProduct) -> None:
    """Raises `Conflict` or `NotFound`."""
    space = new.space or f"{new.entity}.{new.code}"
    connection.execute(insert(schema.number_space).values(name=space).on_conflict_do_nothing())
    with inserting(f"product {new.code}"):
        connection.execute(
            schema.product.insert().values(new.model_dump(mode="json") | {"space": space})
        )
    record_act(connection, "product", new.code, "entered")
