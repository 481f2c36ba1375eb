"""Entering a product, and its number space."""

from datetime import datetime
from typing import Any

from central import schema
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
    """Raises `Conflict` or `NotFound`."""
    space = asked.space or f"{asked.entity}.{asked.code}"
    work.act(SPACE, space, "opened")
    return work.act(
        PRODUCT, asked.code, "entered", asked.model_dump(mode="json") | {"space": space}
    )
