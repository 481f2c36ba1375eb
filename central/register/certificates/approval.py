"""What a product's orders rest on, as they and plans ask for it: its state and type approvals."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, NotApproved
from central.register.certificates.models import Approval, Permit, in_force
from central.said import said


def permits(connection: Connection, products: Iterable[str]) -> Mapping[str, Permit]:
    """By the product's code."""
    product, table = schema.product, schema.certificate
    codes = set(products)
    approvals: dict[str, tuple[Approval, ...]] = dict.fromkeys(codes, ())
    for row in connection.execute(
        select(table)
        .where(
            table.c.kind == "type-approval",
            table.c.result == "passed",
            table.c.product.in_(codes),
        )
        .order_by(table.c.number)
    ):
        approval = Approval(row.number, row.issued, row.valid_until, row.state == "withdrawn")
        approvals[row.product] += (approval,)
    rows = connection.execute(
        select(product.c.code, product.c.state, product.c.reason).where(product.c.code.in_(codes))
    )
    return {
        row.code: Permit(row.state == "withdrawn", row.reason, approvals[row.code]) for row in rows
    }


def require_approval(connection: Connection, product: str) -> None:
    """For an order's release. Raises `NotApproved`; `Conflict` where the product is withdrawn."""
    permit = permits(connection, [product])[product]
    if permit.withdrawn:
        raise Conflict(said("product {code} is withdrawn", code=product))
    if in_force(permit.approvals, datetime.now(UTC)) is None:
        raise NotApproved(said("no type approval in force covers product {code}", code=product))
