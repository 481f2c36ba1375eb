"""What the pages' own scripts ask for, with the session's cookie and by the rights of the pages."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import Field

from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.queries import marks, refused
from central.queries.events import news
from central.queries.models import Mark
from central.queries.overview import Overview, overview
from central.queries.telling import MARKS_IN_EVENT
from central.queries.terms import ItemState
from gateway.contract.encoding import GATEWAY, INT8_MAX

feed = APIRouter(prefix="/feed", include_in_schema=False, route_class=Guarded)
_Id = Annotated[int, Field(ge=1, le=INT8_MAX)]
_Number = Annotated[int, Path(ge=1, le=INT8_MAX)]
_Name = Annotated[str | None, Query(pattern=f"^{GATEWAY}$")]
EVIDENCE = needs(Right.READ_EVIDENCE)


@feed.get("/overview", **EVIDENCE)
def first(request: Request) -> Overview:
    return overview(request.app.state.engine, request.app.state.live)


@feed.get("/session", **needs(Right.CHANGE_OWN_PASSWORD))
def session() -> dict[str, bool]:
    """Whether who asks is still signed in: 401 says that they are not."""
    return {"here": True}


@feed.get("/live", **EVIDENCE)
async def stream(
    request: Request,
    desk: AtDesk,
    after: Annotated[int | None, Query(ge=0, le=INT8_MAX)] = None,
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """It ends soon after the session that asked for it."""
    return news(request.app.state.live, after, last_event_id, still=desk.still_there)


@feed.get("/marks", **EVIDENCE)
def newest(
    desk: AtDesk,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[int | None, Query(ge=1, le=INT8_MAX)] = None,
    state: ItemState | None = None,
    order: Annotated[str | None, Query(max_length=60)] = None,
    gateway: _Name = None,
) -> list[Mark]:
    with desk.looking() as connection:
        return marks.newest(
            connection, limit, before=before, state=state, order=order, gateway=gateway
        )


@feed.get("/marks/these", **EVIDENCE)
def these(
    desk: AtDesk,
    id_: Annotated[list[_Id], Query(alias="id", max_length=MARKS_IN_EVENT)],
) -> list[Mark]:
    """What stands on a page already, as it is now: of some it may not have been told."""
    with desk.looking() as connection:
        return marks.of_ids(connection, id_)


@feed.get("/evidence/{number}/bytes", **EVIDENCE)
def evidence_bytes(number: _Number, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        return _octets(refused.evidence_bytes(connection, number))


@feed.get("/batches/{number}/bytes", **EVIDENCE)
def batch_bytes(number: _Number, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        return _octets(refused.batch_bytes(connection, number))


def _octets(content: bytes) -> Response:
    return Response(content, media_type="application/octet-stream")
