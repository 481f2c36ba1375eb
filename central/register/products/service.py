"""Entering a product, and its number space."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from central import schema
from central.errors import Conflict
from central.register.acts import Act, Work
from central.register.numbers.spaces import SPACE
from central.register.products.models import NewProduct
from central.register.subject import Row, Subject, new


class Product(Row):
    """A product as the register holds it."""

    code: str
    entity: str
    model: str
    calibre: str
    kind: str
    components: list[dict[str, Any]]
    template: dict[str, Any]
    space: str
    tray: int | None
    created: datetime


def apply(state: Product | None, act: Act) -> Product:
    """Raises `Conflict` when it exists."""
    new("product", state, act)
    return Product.of(act, created=act.at)


PRODUCT = Subject("product", schema.product, Product, apply)


def add(work: Work, asked: NewProduct) -> Product:
    """Raises `Conflict` or `NotFound`. The numbers of a space are of one entity."""
    space = asked.space or f"{asked.entity}.{asked.code}"
    table = schema.product
    others = select(table.c.code).where(table.c.space == space, table.c.entity != asked.entity)
    if work.connection.execute(others.limit(1)).first() is not None:
        raise Conflict(f"number space {space} is another entity's")
    work.act(SPACE, space, "opened")
    return work.act(
        PRODUCT, asked.code, "entered", asked.model_dump(mode="json") | {"space": space}
    )
