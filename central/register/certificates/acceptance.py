"""Whether an item or a lot was accepted: by the newest acceptance that stands and covers it.

accepted(connection, "DA0G1HAK001200", now)       # by itself, or by its order's lot
lot_accepted(connection, "9x19-fmj-carton", "KMP26L001-012", now)
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select, tuple_

from central import schema
from central.register.certificates.models import Result


@dataclass(frozen=True)
class Acceptance:
    """One certificate of acceptance. `until` None: without an end."""

    number: str
    result: Result
    issued: datetime
    until: datetime | None
    withdrawn: bool
    version: int

    def stands(self, now: datetime) -> bool:
        return not self.withdrawn and (self.until is None or now < self.until)


@dataclass(frozen=True)
class Verdict:
    """`by` is the certificate that decides; `considered` are all that cover it, newest first."""

    accepted: bool
    by: str | None
    until: datetime | None
    considered: tuple[str, ...]


def judge(covering: Iterable[Acceptance], now: datetime) -> Verdict:
    """The newest that stands decides: what failed after it had passed is not accepted. Pure."""
    newest = sorted(covering, key=lambda each: (each.issued, each.version), reverse=True)
    standing = next((each for each in newest if each.stands(now)), None)
    passed = standing is not None and standing.result == "passed"
    return Verdict(
        accepted=passed,
        by=None if standing is None else standing.number,
        until=standing.until if standing is not None and passed else None,
        considered=tuple(each.number for each in newest),
    )


def accepted(connection: Connection, uii: str, now: datetime) -> Verdict:
    """Of an item. One that the register does not know is not accepted."""
    certificate, named = schema.certificate, schema.certificate_item
    item, orders = schema.item, schema.orders
    by_itself = select(named.c.certificate).where(named.c.uii == uii)
    by_lot = (
        select(orders.c.code)
        .join(item, item.c.order_code == orders.c.code)
        .where(
            item.c.uii == uii,
            orders.c.product == certificate.c.product,
            orders.c.lot == certificate.c.lot,
        )
    )
    return _judged(connection, or_(certificate.c.number.in_(by_itself), by_lot.exists()), now)


def lot_accepted(connection: Connection, product: str, lot: str, now: datetime) -> Verdict:
    """Of a lot of a product; not of items that were accepted by themselves."""
    table = schema.certificate
    return _judged(connection, and_(table.c.product == product, table.c.lot == lot), now)


def unaccepted(
    connection: Connection, items: Collection[tuple[str, str, str | None]], now: datetime
) -> frozenset[str]:
    """Of items by UII, product and lot: the UIIs that are not accepted, by themselves or by lot."""
    certificate, named = schema.certificate, schema.certificate_item
    acceptance = certificate.c.kind == "acceptance"
    by_lot: dict[tuple[str, str], list[Acceptance]] = {}
    by_itself: dict[str, list[Acceptance]] = {}
    lots = {(product, lot) for _, product, lot in items if lot is not None}
    for row in connection.execute(
        select(certificate).where(
            acceptance, tuple_(certificate.c.product, certificate.c.lot).in_(lots)
        )
    ):
        by_lot.setdefault((row.product, row.lot), []).append(_of(row))
    for row in connection.execute(
        select(certificate, named.c.uii)
        .join(named, named.c.certificate == certificate.c.number)
        .where(acceptance, named.c.uii.in_([uii for uii, _, _ in items]))
    ):
        by_itself.setdefault(row.uii, []).append(_of(row))
    return frozenset(
        uii
        for uii, product, lot in items
        if not judge([*by_itself.get(uii, ()), *by_lot.get((product, lot or ""), ())], now).accepted
    )


def _judged(connection: Connection, condition: ColumnElement[bool], now: datetime) -> Verdict:
    table = schema.certificate
    rows: Sequence[Row[Any]] = connection.execute(
        select(table).where(table.c.kind == "acceptance", condition)
    ).all()
    return judge(
        map(_of, rows),
        now,
    )


def _of(row: Row[Any]) -> Acceptance:
    return Acceptance(
        row.number,
        row.result,
        row.issued,
        row.valid_until,
        row.state == "withdrawn",
        row.version,
    )
