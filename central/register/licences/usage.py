"""What an order's licence says of it, for those that look at many orders at once."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    case,
    cast,
    func,
    select,
    tuple_,
)

from central import schema
from central.register.licences.models import Suspension, Validity, suspended_until
from central.register.licences.terms import Terms, Use
from central.register.products.service import Product

_SUSPENSIONS = TypeAdapter(tuple[Suspension, ...])


def columns() -> tuple[ColumnElement[Any], ...]:
    """What `of` reads, for a query that joins `orders`, `product` and `licence`."""
    licence, mine = schema.licence, schema.orders
    before = schema.orders.alias("before")
    product = schema.product.alias("product_before")
    until_mine = tuple_(before.c.created, before.c.code) <= tuple_(mine.c.created, mine.c.code)
    of_product = _sum(before).where(before.c.product == mine.c.product)
    of_category = (
        _sum(before)
        .join(product, product.c.code == before.c.product)
        .where(product.c.category == schema.product.c.category)
    )
    unlimited = func.jsonb_array_length(licence.c.quantities) == 0
    shown = ("state", "reason", "valid_from", "valid_until", "suspensions", *Terms.model_fields)
    return (
        *(licence.c[name].label(f"licence_{name}") for name in shown),
        schema.product.c.category,
        *(
            case(
                (unlimited, 0),
                else_=query.where(before.c.licence == mine.c.licence, until_mine)
                .correlate(mine, schema.product)
                .scalar_subquery(),
            ).label(name)
            for name, query in (("of_product", of_product), ("of_category", of_category))
        ),
    )


def of(row: Row[Any]) -> tuple[Validity, Use]:
    """The licence of a row that holds `columns`, and what its order uses of it."""
    suspensions = _SUSPENSIONS.validate_python(row.licence_suspensions)
    terms = Terms.model_validate(
        {name: getattr(row, f"licence_{name}") for name in Terms.model_fields}
    )
    return (
        Validity(
            row.licence_state,
            row.licence_valid_from,
            row.licence_valid_until,
            suspended_until(suspensions),
            terms,
        ),
        Use(row.product, row.category, row.of_product, row.of_category),
    )


def use_of(connection: Connection, licence: str, product: Product, quantity: int) -> Use:
    """What an order would use that is to be entered now."""
    orders, table = schema.orders, schema.product
    under = _sum(orders).where(orders.c.licence == licence)
    of_product = connection.execute(under.where(orders.c.product == product.code)).scalar_one()
    of_category = connection.execute(
        under.join(table, table.c.code == orders.c.product).where(
            table.c.category == product.category
        )
    ).scalar_one()
    return Use(product.code, product.category, of_product + quantity, of_category + quantity)


def _sum(orders: Any) -> Any:
    """Of all orders that were ever released."""
    return select(func.coalesce(cast(func.sum(orders.c.quantity), BigInteger), 0)).where(
        orders.c.state.not_in(("draft", "cancelled"))
    )
