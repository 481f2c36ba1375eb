"""Lots over HTTP: opened, told of, decided on; their balance, and what is made of them."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from central.access.own import for_own, own
from central.access.roles import Right
from central.api.desk import AtDesk, Desk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, shown
from central.queries import lots as queries
from central.queries.lots import AffectedByLot, LotRow, LotStep, LotTold, LotView, Supplied, Use
from central.queries.paging import Page
from central.register.acts import By, Work
from central.register.asked import WithReason
from central.register.lots import service
from central.register.lots.models import (
    LotState,
    MovementSettlement,
    NewComponents,
    NewLot,
    NewMovement,
)
from central.register.lots.projection import LOT
from central.register.lots.rules import Lot
from central.register.products.service import PRODUCT
from gateway.contract.encoding import INT8_MAX

api = APIRouter(prefix="/lots", tags=["lots"], route_class=Guarded)
_Sort = Literal[
    "code",
    "-code",
    "product",
    "-product",
    "number",
    "-number",
    "entity",
    "-entity",
    "state",
    "-state",
]
_Code = Annotated[
    str,
    Path(
        max_length=121,
        description="product/number",
        examples=["9x19-fmj-carton/KMP26L001-012"],
    ),
]
_Rest = Annotated[
    str,
    Path(max_length=200, description="product/number", examples=["9x19-fmj-carton/KMP26L001-012"]),
]
"""Also an address below a lot that takes no look: there is no such lot, whatever its length."""
_Filter = Annotated[str | None, Query(max_length=60)]


@api.get("", response_model=Page[LotRow], **needs(Right.READ_LOTS))
def all_lots(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    entity: _Filter = None,
    product: _Filter = None,
    number: _Filter = None,
    state: LotState | None = None,
    disputed: bool | None = None,
    sort: Annotated[_Sort, SORT] = "code",
) -> Page[LotRow]:
    wanted = queries.Wanted(entity, product, number, state, disputed).conditions()
    wanted += queries.Wanted(desk.by.entity).conditions()
    with desk.looking() as connection:
        return shown(listed(connection, LOT, limit, cursor, *wanted, sort=sort), LotRow.showing)


@api.get("/uses", **needs(Right.READ_LOTS))
def uses_of_suppliers(
    desk: AtDesk,
    number: Annotated[str, Query(min_length=1, max_length=60, description="the supplier's")],
    limit: Limit = 100,
    cursor: Cursor = None,
    maker: Annotated[str | None, Query(max_length=200)] = None,
    country: Annotated[str | None, Query(max_length=2)] = None,
) -> Page[Use]:
    """The lots that have a supplier's lot in them, over all levels."""
    of = Supplied(number, maker, country)
    with desk.looking() as connection:
        return queries.uses(connection, of, limit, cursor, desk.by.entity)


@api.get("/{code:path}/uses", **needs(Right.READ_LOTS))
def uses(code: _Code, desk: AtDesk, limit: Limit = 100, cursor: Cursor = None) -> Page[Use]:
    """The lots that have this one in them, over all levels."""
    with desk.looking() as connection:
        _own(connection, desk.by, code)
        return queries.uses(connection, code, limit, cursor, desk.by.entity)


@api.get("/{code:path}/history", **needs(Right.READ_LOTS))
def history(code: _Code, desk: AtDesk, limit: Limit = 100, cursor: Cursor = None) -> Page[LotStep]:
    """All that was told of it and decided on it, in the order in which the register learned."""
    with desk.looking() as connection:
        _own(connection, desk.by, code)
        return queries.history(connection, code, limit, cursor)


@api.get("/{code:path}/affected", **needs(Right.READ_LOTS))
def affected(
    code: _Code,
    desk: AtDesk,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, le=INT8_MAX, description="`next` of the page before")] = 0,
    left: Annotated[bool, Query(description="only what has left its producer")] = False,
) -> AffectedByLot:
    """Its packages and those of all lots that have it in them, and which have left already."""
    with desk.looking() as connection:
        _own(connection, desk.by, code)
        entity = desk.by.entity
        return queries.affected(connection, code, limit, after, left_only=left, entity=entity)


@api.get("/{code:path}", response_model=LotView, **needs(Right.READ_LOTS))
def one_lot(code: _Rest, desk: AtDesk) -> Response:
    """Each of its pieces in the one term that holds it now, or by how much that does not close."""
    with desk.looking() as connection:
        return desk.tell(queries.showing(connection, _own(connection, desk.by, code)))


@api.post("", status_code=201, response_model=LotRow, **needs(Right.OPEN_LOTS))
def open_lot(asked: NewLot, desk: AtDesk) -> Response:
    """By its producer, when its making begins."""

    def opened(work: Work) -> Lot:
        product = PRODUCT.require(work.connection, asked.product)
        for_own(work.by, product.entity)
        return service.open_lot(work, asked)

    return _act(desk, opened, 201)


@api.post("/{code:path}/components", response_model=LotRow, **needs(Right.OPEN_LOTS))
def components(code: _Code, asked: NewComponents, desk: AtDesk) -> Response:
    """The lots of what it is made of: the whole anew."""
    return _on_own(desk, code, lambda work: service.tell_components(work, code, asked))


@api.post(
    "/{code:path}/movements",
    status_code=201,
    response_model=LotTold,
    **needs(Right.REPORT_LOTS),
)
def move(code: _Code, asked: NewMovement, desk: AtDesk) -> Response:
    """Kept whole, whatever it says. Where there was less than it tells of, it is in dispute."""

    def moved(work: Work) -> LotTold:
        _own(work.connection, work.by, code)
        return queries.telling(work.connection, service.move(work, code, asked))

    return desk.act(moved, 201)


@api.post("/{code:path}/settle", response_model=LotRow, **needs(Right.DECIDE_LOTS))
def settle(code: _Code, asked: MovementSettlement, desk: AtDesk) -> Response:
    """Whether a movement counts, as a person found it."""
    return _act(desk, lambda work: service.settle(work, code, asked))


@api.post("/{code:path}/suspend", response_model=LotRow, **needs(Right.SUSPEND_LOTS))
def suspend(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """Nothing of it is sent, but back to whose lot it is, or to its end."""
    return _on_own(desk, code, lambda work: service.decide(work, code, "suspended", asked.why))


@api.post("/{code:path}/release", response_model=LotRow, **needs(Right.DECIDE_LOTS))
def release(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """It is suspended no more."""
    return _act(desk, lambda work: service.decide(work, code, "released", asked.why))


@api.post("/{code:path}/withdraw", response_model=LotRow, **needs(Right.DECIDE_LOTS))
def withdraw(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """For good."""
    return _act(desk, lambda work: service.decide(work, code, "withdrawn", asked.why))


def _on_own(desk: Desk, code: str, do: Callable[[Work], Lot]) -> Response:
    def done(work: Work) -> Lot:
        _own(work.connection, work.by, code)
        return do(work)

    return _act(desk, done)


def _act(desk: Desk, do: Callable[[Work], Lot], status: int = 200) -> Response:
    return desk.act(lambda work: LotRow.showing(do(work)), status)


def _own(connection: Connection, by: By, code: str) -> Lot:
    lot = LOT.require(connection, code)
    return own(by, lot, lot.entity, "lot", code)
