"""The read-only endpoints under /api."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Engine
from sse_starlette import EventSourceResponse, ServerSentEvent

from central.errors import Refused
from central.problems import RESPONSES
from central.queries import gateways, items, marks, orders, refused
from central.queries.live import HEARTBEAT_S, LISTED, MARKS_IN_EVENT, Live
from central.queries.models import (
    BatchView,
    EvidenceRow,
    Found,
    Gateway,
    Item,
    ItemLife,
    Mark,
    Order,
    Overview,
    RecordKey,
    RecordView,
    Refusal,
    Waiting,
)
from central.queries.reading import snapshot
from central.queries.terms import ItemState
from gateway.contract.encoding import GATEWAY, INT8_MAX

Limit = Annotated[int, Query(ge=1, le=500)]
Number = Annotated[int, Path(ge=1, le=INT8_MAX)]
Name = Annotated[str, Query(pattern=f"^{GATEWAY}$", examples=["gramsh.line-2"])]
Uii = Annotated[str, Query(max_length=50, examples=["DA0G1HAK001200"])]
RETRY_MS = 1000
OCTETS: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


def router(engine: Engine, live: Live) -> APIRouter:
    """All that can be asked. Each answer is one consistent look at the register."""
    api = APIRouter(prefix="/api", responses=RESPONSES)
    _items(api, engine)
    _progress(api, engine)
    _evidence(api, engine)
    _live(api, engine, live)
    return api


def _items(api: APIRouter, engine: Engine) -> None:
    @api.get("/items", tags=["items"])
    def find_items(
        uii: Uii | None = None,
        serial: Annotated[str | None, Query(max_length=60, examples=["AK001200"])] = None,
        gateway: Name | None = None,
        epoch: Annotated[int | None, Query(ge=1, le=INT8_MAX, examples=[1])] = None,
        seq: Annotated[int | None, Query(ge=1, le=INT8_MAX, examples=[1207])] = None,
    ) -> list[Item]:
        """By UII, by serial number (which is no key: several may answer), or by a record."""
        with snapshot(engine) as connection:
            if uii is not None:
                return items.by_uii(connection, uii)
            if serial is not None:
                return items.by_serial(connection, serial)
            if gateway is not None and epoch is not None and seq is not None:
                return items.by_record(connection, RecordKey(gateway=gateway, epoch=epoch, seq=seq))
        raise Refused("give uii, or serial, or gateway with epoch and seq")

    @api.get("/items/{uii:path}", tags=["items"])
    def item_life(uii: Annotated[str, Path(examples=["DA0G1HAK001200"])]) -> ItemLife:
        """An item and every record that names it, each with its verdict and its evidence."""
        with snapshot(engine) as connection:
            return items.life(connection, uii)

    @api.get("/records/{gateway}/{epoch}/{seq}", tags=["items"])
    def one_record(
        gateway: Annotated[str, Path(pattern=f"^{GATEWAY}$")], epoch: Number, seq: Number
    ) -> RecordView:
        """One record with its evidence, and the items that it names."""
        with snapshot(engine) as connection:
            return items.record(connection, RecordKey(gateway=gateway, epoch=epoch, seq=seq))

    @api.get("/search", tags=["items"])
    def search(
        q: Annotated[str, Query(min_length=1, max_length=500, examples=["AK001200"])],
    ) -> Found:
        """Exact: a UII, a serial number, a symbol's content, an order, or gateway/epoch/seq."""
        with snapshot(engine) as connection:
            return items.search(connection, q)

    @api.get("/marks", tags=["items"])
    def newest_marks(
        limit: Limit = 50,
        before: Annotated[int | None, Query(ge=1, le=INT8_MAX)] = None,
        state: ItemState | None = None,
        order: Annotated[str | None, Query(max_length=60)] = None,
        gateway: Name | None = None,
    ) -> list[Mark]:
        """The latest first. For the next page give the last one's id as `before`."""
        with snapshot(engine) as connection:
            return marks.newest(
                connection, limit, before=before, state=state, order=order, gateway=gateway
            )


def _progress(api: APIRouter, engine: Engine) -> None:
    @api.get("/orders", tags=["orders"])
    def all_orders(limit: Limit = LISTED) -> list[Order]:
        """The newest first, each with the mass balance of its numbers."""
        with snapshot(engine) as connection:
            return orders.listed(connection, limit)

    @api.get("/orders/{code:path}", tags=["orders"])
    def one_order(code: Annotated[str, Path(examples=["ord-31"])]) -> Order:
        with snapshot(engine) as connection:
            return orders.one(connection, code)

    @api.get("/gateways", tags=["gateways"])
    def all_gateways() -> list[Gateway]:
        """Each with its health."""
        with snapshot(engine) as connection:
            return gateways.listed(connection)

    @api.get("/gateways/{name}", tags=["gateways"])
    def one_gateway(name: Annotated[str, Path(examples=["gramsh.line-2"])]) -> Gateway:
        with snapshot(engine) as connection:
            return gateways.one(connection, name)


def _evidence(api: APIRouter, engine: Engine) -> None:
    @api.get("/refusals", tags=["evidence"])
    def all_refusals(
        limit: Limit = LISTED,
        gateway: Name | None = None,
        which: Annotated[Literal["open", "all"], Query(alias="show")] = "open",
    ) -> list[Refusal]:
        """Records that are kept and not accepted, the latest first."""
        with snapshot(engine) as connection:
            return refused.refusals(connection, limit, gateway=gateway, open_only=which == "open")

    @api.get("/waiting", tags=["evidence"])
    def all_waiting(limit: Limit = LISTED) -> list[Waiting]:
        """Reads and decisions that came before the mark that they name, the oldest first."""
        with snapshot(engine) as connection:
            return refused.waiting(connection, limit)

    @api.get("/evidence", tags=["evidence"])
    def all_evidence(limit: Limit = LISTED, gateway: Name | None = None) -> list[EvidenceRow]:
        """Messages that are no batch, the latest first."""
        with snapshot(engine) as connection:
            return refused.evidence(connection, limit, gateway=gateway)

    @api.get(
        "/evidence/{number}/bytes", tags=["evidence"], response_class=Response, responses=OCTETS
    )
    def evidence_bytes(number: Number) -> Response:
        """The message whole, as it arrived."""
        with snapshot(engine) as connection:
            return _octets(refused.evidence_bytes(connection, number))

    @api.get("/batches/{number}", tags=["evidence"])
    def one_batch(number: Number) -> BatchView:
        with snapshot(engine) as connection:
            return refused.batch(connection, number)

    @api.get(
        "/batches/{number}/bytes", tags=["evidence"], response_class=Response, responses=OCTETS
    )
    def batch_bytes(number: Number) -> Response:
        """Header, signature and records. What overlapped an earlier batch is left out."""
        with snapshot(engine) as connection:
            return _octets(refused.batch_bytes(connection, number))


def _live(api: APIRouter, engine: Engine, live: Live) -> None:
    @api.get("/overview", tags=["live"])
    def overview() -> Overview:
        """What the live page shows first; the stream goes on from `cursor`."""
        cursor = live.cursor  # before the look: what comes after it may be told twice, never not
        with snapshot(engine) as connection:
            return Overview(
                cursor=cursor,
                now=datetime.now(UTC),
                marks=marks.newest(connection, MARKS_IN_EVENT),
                orders=orders.listed(connection, LISTED),
                gateways=gateways.listed(connection),
                refusals=refused.refusals(connection, LISTED),
                evidence=refused.evidence(connection, LISTED),
            )

    @api.get(
        "/live",
        tags=["live"],
        response_class=StreamingResponse,
        responses={
            200: {"content": {"text/event-stream": {}}, "description": "Server-sent events"},
            503: {"description": "Too many clients; try again in a moment"},
        },
    )
    async def stream(
        after: Annotated[
            int | None, Query(ge=0, le=INT8_MAX, description="a cursor: what came after it")
        ] = None,
        last_event_id: Annotated[str, Header()] = "",
    ) -> Response:
        """Marks and what they change, as they are committed; resumes after Last-Event-ID.

        `marks`: a list of Mark, with the cursor as its id · `order`: an Order · `gateways`: a list
        of Gateway · `refusals`, `evidence`: as their endpoints · `database`: {"here": bool} ·
        `hello`: to who resumes from nothing · `ping`: every 10 s · `reset`: too much was missed,
        ask for the overview again.
        """
        if live.full:
            return Response(status_code=503, headers={"Retry-After": "5"})
        seen = int(last_event_id) if last_event_id.isdecimal() else after

        async def events() -> AsyncIterator[ServerSentEvent]:
            yield ServerSentEvent(comment="gjurma", retry=RETRY_MS)
            async for event in live.subscribe(seen):
                yield ServerSentEvent(
                    event.data, event=event.name, id=None if event.id is None else str(event.id)
                )

        return EventSourceResponse(
            events(),
            ping=HEARTBEAT_S,
            # An event and not a comment, so that a page's own script can tell silence from death.
            ping_message_factory=lambda: ServerSentEvent("{}", event="ping"),
            send_timeout=HEARTBEAT_S,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


def _octets(content: bytes) -> Response:
    return Response(content, media_type="application/octet-stream")
