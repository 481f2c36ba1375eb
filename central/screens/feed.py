"""What the pages' own scripts ask for. It needs no token until the pages have a sign-in.

The server listens on the loopback interface, and answers here with what the pages show.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from sqlalchemy import Engine

from central.queries import marks, refused
from central.queries.events import news
from central.queries.live import Live
from central.queries.models import Mark, Overview
from central.queries.overview import overview
from central.queries.reading import snapshot
from central.queries.terms import ItemState
from gateway.contract.encoding import GATEWAY, INT8_MAX

_Number = Annotated[int, Path(ge=1, le=INT8_MAX)]
_Name = Annotated[str | None, Query(pattern=f"^{GATEWAY}$")]


def router(engine: Engine, live: Live) -> APIRouter:
    feed = APIRouter(prefix="/feed", include_in_schema=False)

    @feed.get("/overview")
    def first() -> Overview:
        return overview(engine, live)

    @feed.get("/live")
    async def stream(
        after: Annotated[int | None, Query(ge=0, le=INT8_MAX)] = None,
        last_event_id: Annotated[str, Header()] = "",
    ) -> Response:
        return news(live, after, last_event_id)

    @feed.get("/marks")
    def newest(
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: Annotated[int | None, Query(ge=1, le=INT8_MAX)] = None,
        state: ItemState | None = None,
        order: Annotated[str | None, Query(max_length=60)] = None,
        gateway: _Name = None,
    ) -> list[Mark]:
        with snapshot(engine) as connection:
            return marks.newest(
                connection, limit, before=before, state=state, order=order, gateway=gateway
            )

    @feed.get("/evidence/{number}/bytes")
    def evidence_bytes(number: _Number) -> Response:
        with snapshot(engine) as connection:
            return _octets(refused.evidence_bytes(connection, number))

    @feed.get("/batches/{number}/bytes")
    def batch_bytes(number: _Number) -> Response:
        with snapshot(engine) as connection:
            return _octets(refused.batch_bytes(connection, number))

    return feed


def _octets(content: bytes) -> Response:
    return Response(content, media_type="application/octet-stream")
