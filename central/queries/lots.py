"""Lots as they stand: their balance, what was told of them, what has them in it, what has left."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, Select, and_, select, text

from central import schema
from central.queries.models import Answer, LotBalanceRow
from central.queries.paging import Count, Page, Text, page, position
from central.queries.terms import ItemState
from central.register.articles.models import Disposition
from central.register.lots import tree
from central.register.lots.balance import LotBalance, balance, balances
from central.register.lots.models import LotState, Movement, Package
from central.register.lots.packages import PIECES
from central.register.lots.rules import MOVES, Lot


class LotRow(Lot):
    """A lot in a list."""

    disputed: Annotated[
        bool, Field(description="something was told of it that cannot be, and nobody settled it")
    ]

    @classmethod
    def showing(cls, lot: Lot) -> Self:
        return cls(**dict(lot), disputed=lot.flagged > 0)


class LotView(LotRow):
    """A lot with its balance."""

    balance: LotBalance


class MovementView(Movement):
    """A movement as it was told. `loose` and `sampled`: so many there were before it, as far as the
    register knew; `faults`: packages that cannot have been opened."""

    happened: datetime
    loose: int
    sampled: int
    faults: list[Package]


class LotTold(LotRow):
    """A lot, and what was told of it just now. Its balance is asked for by itself: to count many
    packages takes its time, and others wait for who acts."""

    movement: MovementView


class LotStep(Answer):
    """One thing that was done to a lot, or told of it."""

    id: int
    at: Annotated[datetime, Field(description="when the register learned of it")]
    what: Annotated[str, Field(examples=["filled", "suspended"])]
    role: str
    reason: str
    basis: str
    movement: Annotated[MovementView | None, Field(description="as it counts now")]


class Use(Answer):
    """A lot that has the one in it that was asked for. `depth` 1: directly; else by `part`."""

    code: str
    product: str
    number: str
    entity: str
    state: LotState
    depth: int
    part: Annotated[
        str | None, Field(description="the lot that went into it; null: the supplier's")
    ]
    role: Annotated[str, Field(description="what the part is to it; `rework`: what it was made of")]
    quantity: int | None


class AffectedLot(Answer):
    """The lot itself (`depth` 0), or one that has it in it."""

    code: str
    state: LotState
    depth: int


class AffectedPackage(Answer):
    """A package of one of these lots."""

    id: int
    uii: Annotated[str, Field(examples=["DA7G1HKMP26L001-012000001"])]
    serial: str
    lot: str
    order: str
    state: ItemState
    quantity: int
    holder: Annotated[str, Field(description="who has it now")]
    disposition: Disposition
    left: Annotated[bool, Field(description="it has left its producer, or is on its way")]


class AffectedByLot(Answer):
    """Packages in the order in which they became known; `next` is `after` of the page that follows.
    All are counted: `packages` and the `pieces` in them, and what of both has left its producer."""

    lot: str
    lots: list[AffectedLot]
    packages: int
    pieces: int
    left: int
    left_pieces: int
    items: list[AffectedPackage]
    next: int | None


class Supplied(NamedTuple):
    """A supplier's lot, as it is named where it was used."""

    number: str
    maker: str | None = None
    country: str | None = None


class Wanted(NamedTuple):
    """Lots with all of it."""

    entity: str | None = None
    product: str | None = None
    number: str | None = None
    state: LotState | None = None
    disputed: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        table = schema.lot
        found = [
            table.c[name] == value
            for name, value in self._asdict().items()
            if value is not None and name != "disputed"
        ]
        if self.disputed is not None:
            found.append((table.c.flagged > 0) == self.disputed)
        return found


def showing(connection: Connection, lot: Lot) -> LotView:
    """With what became of its pieces."""
    return LotView(**dict(LotRow.showing(lot)), balance=balance(connection, lot.code))


def rows(
    connection: Connection,
    *,
    entity: str | None,
    since: datetime | None,
    until: datetime | None,
) -> list[LotBalanceRow]:
    """The balance of each lot that was opened in the period, by code."""
    table = schema.lot
    query = select(table.c.code).order_by(table.c.code)
    if entity is not None:
        query = query.where(table.c.entity == entity)
    if since is not None:
        query = query.where(table.c.created >= since)
    if until is not None:
        query = query.where(table.c.created < until)
    codes = list(connection.execute(query).scalars())
    found = balances(connection, codes)
    return [LotBalanceRow(key=code, **dict(found[code])) for code in codes]


def history(connection: Connection, code: str, limit: int, cursor: str | None) -> Page[LotStep]:
    """In the order in which the register learned of it."""
    act = schema.act
    query = _steps(code).order_by(act.c.id).limit(limit + 1)
    after = position(cursor, Count)
    if after is not None:
        query = query.where(act.c.id > after[0])
    return page([_step(row) for row in connection.execute(query)], limit, lambda each: (each.id,))


def telling(connection: Connection, lot: Lot) -> LotTold:
    """Once its last act was a movement."""
    row = connection.execute(_steps(lot.code).where(schema.act.c.id == lot.version)).one()
    return LotTold(**dict(LotRow.showing(lot)), movement=_movement(row))


def _steps(code: str) -> Select[Any]:
    act, moved = schema.act, schema.lot_movement
    return (
        select(act, *(column.label(f"m_{column.name}") for column in moved.c))
        .outerjoin(moved, and_(moved.c.lot == act.c.key, moved.c.version == act.c.id))
        .where(act.c.subject == "lot", act.c.key == code)
    )


def _step(row: Any) -> LotStep:
    return LotStep(
        id=row.id,
        at=row.at,
        what=row.what,
        role=row.role,
        reason=row.reason,
        basis=row.basis,
        movement=_movement(row) if row.what in MOVES else None,
    )


def _movement(row: Any) -> MovementView:
    told = row.payload
    return MovementView(
        number=row.m_number,
        what=row.m_what,
        quantity=row.m_quantity,
        into=row.m_into,
        document=row.m_document,
        verdict=row.m_verdict,
        stands=row.m_stands,
        happened=row.m_happened,
        loose=told["loose"],
        sampled=told["sampled"],
        faults=[Package(**each) for each in told["packages"] if each["fault"]],
    )


# --- what is made of it --------------------------------------------------------------------------

# Of several ways the shortest.
_USES = (
    " SELECT DISTINCT ON (r.code) r.code, l.product, l.number, l.entity, l.state, r.depth, r.part,"
    " r.role, r.quantity FROM reached r JOIN lot l ON l.code = r.code"
    " WHERE (CAST(:entity AS text) IS NULL OR l.entity = :entity)"
    " AND (CAST(:after AS text) IS NULL OR r.code > :after)"
    " ORDER BY r.code, r.depth, r.part, r.role LIMIT :limit"
)
_OF_A_LOT = tree.wholes(tree.OF_A_LOT, _USES)
_SUPPLIED = tree.wholes(tree.SUPPLIED, _USES)


def uses(
    connection: Connection,
    of: str | Supplied,
    limit: int,
    cursor: str | None,
    entity: str | None,
) -> Page[Use]:
    """The lots that have it in them, over all levels, by code; `entity`: its own alone."""
    after = position(cursor, Text)
    asked = {"entity": entity, "after": None if after is None else after[0], "limit": limit + 1}
    if isinstance(of, str):
        found = connection.execute(_OF_A_LOT, asked | {"lot": of})
    else:
        found = connection.execute(_SUPPLIED, asked | of._asdict())
    return page([Use(**row._mapping) for row in found], limit, lambda each: (each.code,))


# --- what has left -------------------------------------------------------------------------------

_LOTS = tree.wholes(
    tree.OF_A_LOT,
    " SELECT code, state, min(depth) AS depth FROM (SELECT code, depth FROM reached"
    "  UNION ALL SELECT CAST(:lot AS text), 0) f JOIN lot USING (code)"
    " WHERE CAST(:entity AS text) IS NULL OR entity = :entity GROUP BY code, state"
    " ORDER BY depth, code",
)
_PACKAGES = (
    "SELECT i.id, i.uii, i.serial, l.code AS lot, o.code AS order_code, i.state,"
    " {pieces} AS quantity, coalesce(a.holder, l.entity) AS holder,"
    " coalesce(a.disposition, 'commissioned') AS disposition,"
    " coalesce(a.holder <> a.producer OR a.disposition IN ('in-transit', 'exported'), false)"
    "  AS has_left"
    " FROM lot l JOIN orders o ON o.product = l.product AND o.lot = l.number"
    "  AND o.kind = 'package' JOIN item i ON i.order_code = o.code AND i.state <> 'voided'"
    " LEFT JOIN article a ON a.code = i.uii WHERE l.code = ANY(:codes)"
)
_COUNTED = (
    "SELECT count(*) AS packages, coalesce(sum(quantity), 0) AS pieces,"
    " count(*) FILTER (WHERE has_left) AS gone,"
    " coalesce(sum(quantity) FILTER (WHERE has_left), 0) AS gone_pieces"
    " FROM ({packages}) p"
)
_OF_A_PAGE = (
    "SELECT * FROM ({packages}) p WHERE id > :after AND (has_left OR NOT :left_only)"
    " ORDER BY id LIMIT :limit"
)
_COUNTS, _PAGE = (
    text(query.format(packages=_PACKAGES.format(pieces=PIECES))) for query in (_COUNTED, _OF_A_PAGE)
)


def affected(
    connection: Connection,
    code: str,
    limit: int,
    after: int,
    *,
    left_only: bool = False,
    entity: str | None = None,
) -> AffectedByLot:
    """Of the lot and of all that have it in them. `after`: the id of the last package of the page
    before. `left_only`: of packages, only those that have left their producer; all are counted."""
    lots = [
        AffectedLot(code=row.code, state=row.state, depth=row.depth)
        for row in connection.execute(_LOTS, {"lot": code, "entity": entity})
    ]
    asked = {"codes": [lot.code for lot in lots]}
    counts = connection.execute(_COUNTS, asked).one()
    found = connection.execute(
        _PAGE, asked | {"after": after, "left_only": left_only, "limit": limit + 1}
    ).all()
    return AffectedByLot(
        lot=code,
        lots=lots,
        packages=counts.packages,
        pieces=int(counts.pieces),
        left=counts.gone,
        left_pieces=int(counts.gone_pieces),
        items=[
            AffectedPackage(
                id=row.id,
                uii=row.uii,
                serial=row.serial,
                lot=row.lot,
                order=row.order_code,
                state=row.state,
                quantity=int(row.quantity),
                holder=row.holder,
                disposition=row.disposition,
                left=row.has_left,
            )
            for row in found[:limit]
        ],
        next=found[limit - 1].id if len(found) > limit else None,
    )
