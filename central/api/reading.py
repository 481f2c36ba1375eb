"""What the register holds of items, orders, gateways and evidence, over HTTP.

Each answer is one consistent look. Who acts for an entity sees what was made under its products.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from central.access.own import own
from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit
from central.errors import NotFound, Refused
from central.queries import epochs, gateways, items, marks, orders, refused
from central.queries import search as searching
from central.queries.epochs import GatewayView
from central.queries.events import news
from central.queries.models import (
    BatchView,
    EvidenceRow,
    Gateway,
    Item,
    ItemLife,
    Mark,
    OrderProgress,
    RecordKey,
    RecordView,
    Refusal,
    SearchResult,
    Waiting,
)
from central.queries.overview import Overview, overview
from central.queries.paging import Count, Page, page, position
from central.queries.proof import Proof, prove
from central.queries.terms import ItemState
from central.register.orders.models import OrderState
from gateway.contract.encoding import GATEWAY, INT8_MAX

api = APIRouter(route_class=Guarded)
Number = Annotated[int, Path(ge=1, le=INT8_MAX)]
Name = Annotated[str, Query(pattern=f"^{GATEWAY}$", examples=["gramsh.line-2"])]
Code = Annotated[str, Query(max_length=60)]
Uii = Annotated[str, Query(max_length=50, examples=["DA0G1HAK001200"])]
_OrderSort = Literal[
    "created",
    "-created",
    "code",
    "-code",
    "product",
    "-product",
    "licence",
    "-licence",
    "quantity",
    "-quantity",
]
OCTETS: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


# --- items ----------------------------------------------------------------------------------


@api.get("/items", tags=["items"], responses={404: {}}, **needs(Right.READ_ITEMS))
def find_items(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    uii: Uii | None = None,
    serial: Annotated[str | None, Query(max_length=60, examples=["AK001200"])] = None,
    gateway: Name | None = None,
    epoch: Annotated[int | None, Query(ge=1, le=INT8_MAX, examples=[1])] = None,
    seq: Annotated[int | None, Query(ge=1, le=INT8_MAX, examples=[1207])] = None,
    order: Code | None = None,
) -> Page[Item]:
    """By UII, by serial number (which is no key: several may answer), by order, by a record."""
    record = None
    if gateway is not None and epoch is not None and seq is not None:
        record = RecordKey(gateway=gateway, epoch=epoch, seq=seq)
    elif (gateway, epoch, seq) != (None, None, None):
        raise Refused("a record is named by gateway, epoch and seq")
    wanted = items.Wanted(desk.by.entity, uii, serial, order, record)
    if not any(wanted[1:]):
        raise Refused("give uii, serial, order, or gateway with epoch and seq")
    with desk.looking() as connection:
        try:
            return items.listed(connection, limit, cursor, wanted)
        except NotFound:
            if desk.by.entity is None:
                raise
            # Who acts for an entity does not learn which records there are besides.
            return Page(items=[], next=None)


@api.get("/items/{uii:path}", tags=["items"], **needs(Right.READ_ITEMS))
def item_life(
    uii: Annotated[str, Path(max_length=50, examples=["DA0G1HAK001200"])], desk: AtDesk
) -> ItemLife:
    """An item and every record that names it, each with its verdict and its evidence."""
    with desk.looking() as connection:
        found = items.life(connection, uii)
    return own(desk.by, found, found.entity, "item", uii)


@api.get("/search", tags=["items"], **needs(Right.READ_ITEMS))
def search(
    q: Annotated[str, Query(min_length=1, max_length=500, examples=["AK001200"])], desk: AtDesk
) -> SearchResult:
    """A UII, a serial number (which is no key), a symbol's content, a package, an order, a lot, a
    NATO stock number, a product, gateway/epoch/seq. Where nothing is exactly so, what looks the
    same is found, and `folded` says so."""
    with desk.looking() as connection:
        return searching.search(connection, q, entity=desk.by.entity)


@api.get("/marks", tags=["items"], **needs(Right.READ_ITEMS))
def newest_marks(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    state: ItemState | None = None,
    order: Code | None = None,
    gateway: Name | None = None,
) -> Page[Mark]:
    """The latest first."""
    known = position(cursor, Count)
    with desk.looking() as connection:
        found = marks.newest(
            connection,
            limit + 1,
            before=None if known is None else known[0],
            state=state,
            order=order,
            gateway=gateway,
            entity=desk.by.entity,
        )
    return page(found, limit, lambda mark: (mark.id,))


# --- progress -------------------------------------------------------------------------------


@api.get("/orders", tags=["orders"], **needs(Right.READ_ORDERS))
def all_orders(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    state: OrderState | None = None,
    product: Code | None = None,
    licence: Code | None = None,
    gateway: Name | None = None,
    sort: Annotated[_OrderSort, SORT] = "-created",
) -> Page[OrderProgress]:
    """Each with the mass balance of its numbers. `state` asks for what its acts
    have left it in, whatever stands against it at this moment."""
    wanted = orders.Wanted(desk.by.entity, state, product, licence, gateway)
    with desk.looking() as connection:
        return orders.listed(connection, limit, cursor, wanted, sort)


@api.get("/orders/{code}", tags=["orders"], **needs(Right.READ_ORDERS))
def one_order(
    code: Annotated[str, Path(max_length=60, examples=["ord-31"])], desk: AtDesk
) -> OrderProgress:
    with desk.looking() as connection:
        order = orders.one(connection, code)
    return own(desk.by, order, order.entity, "order", code)


@api.get("/gateways", tags=["gateways"], **needs(Right.READ_GATEWAYS))
def all_gateways(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    sort: Annotated[gateways.Sort, SORT] = "name",
) -> Page[Gateway]:
    """Each with its health."""
    with desk.looking() as connection:
        return gateways.paged(connection, limit, cursor, sort)


@api.get("/gateways/{name}", tags=["gateways"], **needs(Right.READ_GATEWAYS))
def one_gateway(
    name: Annotated[str, Path(max_length=100, examples=["gramsh.line-2"])], desk: AtDesk
) -> GatewayView:
    """With its epochs and their keys, what it runs, and its clock."""
    with desk.looking() as connection:
        return epochs.one(connection, name)


# --- evidence -------------------------------------------------------------------------------


@api.get("/records/{gateway}/{epoch}/{seq}", tags=["evidence"], **needs(Right.READ_EVIDENCE))
def one_record(
    gateway: Annotated[str, Path(pattern=f"^{GATEWAY}$")], epoch: Number, seq: Number, desk: AtDesk
) -> RecordView:
    """One record with its evidence, and the items that it names."""
    with desk.looking() as connection:
        return items.record(connection, RecordKey(gateway=gateway, epoch=epoch, seq=seq))


@api.get("/records/{gateway}/{epoch}/{seq}/proof", tags=["evidence"], **needs(Right.READ_EVIDENCE))
def proof_of_record(
    gateway: Annotated[str, Path(pattern=f"^{GATEWAY}$")], epoch: Number, seq: Number, desk: AtDesk
) -> Proof:
    """Hashes and signatures computed anew from the stored bytes, step by step: what holds, what
    fails and by which values."""
    with desk.looking() as connection:
        return prove(connection, RecordKey(gateway=gateway, epoch=epoch, seq=seq))


@api.get("/refusals", tags=["evidence"], **needs(Right.READ_EVIDENCE))
def all_refusals(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    gateway: Name | None = None,
    which: Annotated[Literal["open", "all"], Query(alias="show")] = "open",
) -> Page[Refusal]:
    """Records that are kept and not accepted, the latest first."""
    with desk.looking() as connection:
        return refused.refusals(
            connection, limit, cursor, gateway=gateway, open_only=which == "open"
        )


@api.get("/waiting", tags=["evidence"], **needs(Right.READ_EVIDENCE))
def all_waiting(desk: AtDesk, limit: Limit = 100, cursor: Cursor = None) -> Page[Waiting]:
    """Reads and decisions that came before the mark that they name, the oldest first."""
    with desk.looking() as connection:
        return refused.waiting(connection, limit, cursor)


@api.get("/evidence", tags=["evidence"], **needs(Right.READ_EVIDENCE))
def all_evidence(
    desk: AtDesk, limit: Limit = 100, cursor: Cursor = None, gateway: Name | None = None
) -> Page[EvidenceRow]:
    """Messages that are no batch, the latest first."""
    with desk.looking() as connection:
        return refused.evidence(connection, limit, cursor, gateway=gateway)


@api.get(
    "/evidence/{number}/bytes",
    tags=["evidence"],
    response_class=Response,
    responses=OCTETS,
    **needs(Right.READ_EVIDENCE),
)
def evidence_bytes(number: Number, desk: AtDesk) -> Response:
    """The message whole, as it arrived."""
    with desk.looking() as connection:
        return _octets(refused.evidence_bytes(connection, number))


@api.get("/batches/{number}", tags=["evidence"], **needs(Right.READ_EVIDENCE))
def one_batch(number: Number, desk: AtDesk) -> BatchView:
    with desk.looking() as connection:
        return refused.batch(connection, number)


@api.get(
    "/batches/{number}/bytes",
    tags=["evidence"],
    response_class=Response,
    responses=OCTETS,
    **needs(Right.READ_EVIDENCE),
)
def batch_bytes(number: Number, desk: AtDesk) -> Response:
    """Header, signature and records. What overlapped an earlier batch is left out."""
    with desk.looking() as connection:
        return _octets(refused.batch_bytes(connection, number))


def _octets(content: bytes) -> Response:
    return Response(content, media_type="application/octet-stream")


# --- live -----------------------------------------------------------------------------------


@api.get("/overview", tags=["live"], **needs(Right.READ_EVIDENCE))
def first_look(request: Request, desk: AtDesk) -> Overview:
    """Marks, orders, gateways, alerts, the pace of the last hour and what was refused; the stream
    goes on from `cursor`."""
    return overview(request.app.state.engine, request.app.state.live)


@api.get(
    "/live",
    tags=["live"],
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Server-sent events"},
        503: {"description": "Too many clients; try again in a moment"},
    },
    **needs(Right.READ_EVIDENCE),
)
async def stream(
    request: Request,
    desk: AtDesk,
    after: Annotated[
        int | None, Query(ge=0, le=INT8_MAX, description="a cursor: what came after it")
    ] = None,
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """What changes, as it is committed: `marks`, `order`, `gateways`, `refusals`, `evidence`,
    `alerts`, `pace`.

    `marks` carries the cursor as its id, and the stream resumes after Last-Event-ID. It is for
    people to look at: some 20 marks a second are told at most, and `sampled` says of how many;
    `GET /api/v1/marks` has them all. `reset`: too much was missed, ask for the overview again.
    `ping` comes every 10 s.
    """
    return news(request.app.state.live, after, last_event_id, still=desk.still_there)
