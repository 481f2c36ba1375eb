"""Packages as their marks tell of them: of which lot each is, and how many pieces are in it."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Row, text

from central.register.articles.rules import LIVING
from central.register.lots.models import Package, PackageFault
from central.register.lots.rules import Lot

PIECES = (
    "coalesce((SELECT quantity FROM claim WHERE claim.item = i.id"
    " ORDER BY batch DESC, pos DESC, position DESC LIMIT 1), o.contents, 0)"
)
"""In a package `i` of the order `o`: the mark that came last says it, else the order."""
UNPACKED = (
    "EXISTS (SELECT 1 FROM lot_unpacked u JOIN lot_movement m ON m.number = u.movement"
    " AND m.stands WHERE u.uii = i.uii AND u.fault = '')"
)
_PACKAGES = (
    "SELECT i.uii, i.state, o.product, o.lot, a.disposition, {pieces} AS quantity,"
    " {unpacked} AS unpacked"
    " FROM item i JOIN orders o ON o.code = i.order_code AND o.kind = 'package'"
    " LEFT JOIN article a ON a.code = i.uii WHERE i.uii = ANY(:uiis)"
)
_NAMED = text(_PACKAGES.format(pieces=PIECES, unpacked=UNPACKED))


def opened(connection: Connection, lot: Lot, uiis: Collection[str]) -> list[Package]:
    """In the order in which they are named, each with what speaks against it."""
    rows: Mapping[str, Row[Any]] = {
        row.uii: row for row in connection.execute(_NAMED, {"uiis": list(uiis)})
    }
    found = []
    for uii in uiis:
        row = rows.get(uii)
        quantity = 0 if row is None else int(row.quantity)
        found.append(Package(uii=uii, quantity=quantity, fault=_fault(row, lot)))
    return found


def _fault(row: Row[Any] | None, lot: Lot) -> PackageFault:
    if row is None:
        return "unknown"
    if (row.product, row.lot) != (lot.product, lot.number):
        return "not-of-lot"
    if row.state != "good":
        return "not-good"
    if row.unpacked:
        return "unpacked-before"
    if row.disposition is not None and row.disposition not in LIVING:
        return "not-there"
    return ""
