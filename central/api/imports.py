"""Files of many rows over HTTP: rehearsed, taken in, and what was refused of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.api.listing import Cursor, Limit, listed, where
from central.queries import legacy as queries
from central.queries.legacy import Legacy
from central.queries.paging import Page
from central.register.articles.models import ArticleKind, Disposition
from central.register.imports import service
from central.register.imports.faults import read_back
from central.register.imports.models import (
    ADVICE,
    Fault,
    ImportKind,
    ImportState,
    NewImport,
)
from central.register.imports.projection import IMPORT, FileImport
from central.register.imports.rows import Table
from central.screens import texts
from central.screens.refusals import sentence_in_words

api = APIRouter(tags=["imports"], route_class=Guarded)
UPLOADS = ("/api/v1/imports", "/api/v1/imports/rehearsals")
"""Where a file may be as large as one that is imported."""
MOST_TOLD = 10_000
"""Refusals in the answer of a rehearsal, of which nothing is kept."""
_Number = Annotated[str, Path(max_length=60, examples=["IMP-2026-001"])]
_Filter = Annotated[str | None, Query(max_length=200)]
_BINARY = {"schema": {"type": "string", "format": "binary"}}


class Told(Fault):
    """Why a row was refused, and what to do: both in the language asked for."""

    what_to_do: str


class Rehearsed(BaseModel):
    """What would become of a file at this moment. `complete`: no refusal is left out."""

    kind: ImportKind
    imported: Annotated[int, Field(description="rows that would come into the register")]
    known: Annotated[int, Field(description="rows that are in it already, as they stand here")]
    refused: int
    refusals: list[Told]
    complete: bool


def _brings(right: Right) -> dict[str, Any]:
    """What a route needs that takes a file."""
    body = {
        "required": True,
        "content": {
            "text/csv": _BINARY,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _BINARY,
            "application/octet-stream": _BINARY,
        },
    }
    return {"openapi_extra": needs(right)["openapi_extra"] | {"requestBody": body}}


@api.post("/imports", status_code=201, response_model=FileImport, **_brings(Right.IMPORT))
def take_in(
    desk: AtDesk,
    number: Annotated[
        str, Query(max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$", examples=["IMP-1"])
    ],
    kind: ImportKind,
    file: Annotated[
        str, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$", examples=["depo.csv"])
    ],
    reason: Annotated[str, Query(max_length=500, pattern=r"^[^\x00-\x1f]*$")] = "",
) -> Response:
    """The file itself is the body, CSV or XLSX, of at most 32 MiB. Broken off, the same request
    goes on where it was; done already, it is answered as it was."""
    asked = NewImport(number=number, kind=kind, file=file, reason=reason)
    service.run(desk.working, asked, desk.body)
    return desk.act(lambda work: IMPORT.require(work.connection, number), 201)


@api.post("/imports/rehearsals", response_model=Rehearsed, **_brings(Right.IMPORT))
def rehearse(request: Request, desk: AtDesk, kind: ImportKind) -> Rehearsed:
    """What would become of the file, its refusals line by line; nothing of it is kept."""
    table = Table(kind, desk.body)  # before a connection is held
    with desk.looking() as connection:
        found = service.rehearse(connection, table)
    return Rehearsed(
        kind=kind,
        imported=found.imported,
        known=found.known,
        refused=found.refused,
        refusals=_told(request, found.faults[:MOST_TOLD]),
        complete=len(found.faults) <= MOST_TOLD,
    )


@api.get("/imports", response_model=Page[FileImport], **needs(Right.READ_IMPORTS))
def all_imports(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    kind: ImportKind | None = None,
    state: ImportState | None = None,
) -> Page[FileImport]:
    with desk.looking() as connection:
        return listed(connection, IMPORT, limit, cursor, *where(IMPORT, kind=kind, state=state))


@api.get("/imports/{number}", response_model=FileImport, **needs(Right.READ_IMPORTS))
def one_import(number: _Number, desk: AtDesk) -> Response:
    """How far it is, and how many rows were taken in, were known, and were refused."""
    with desk.looking() as connection:
        return desk.tell(IMPORT.require(connection, number))


@api.get("/imports/{number}/refusals", **needs(Right.READ_IMPORTS))
def refusals(
    request: Request,
    number: _Number,
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Told]:
    """Line by line, each cell that a row was refused for."""
    with desk.looking() as connection:
        IMPORT.require(connection, number)
        found = queries.refusals(connection, number, limit, cursor)
    return Page(items=_told(request, found.items), next=found.next)


@api.get("/legacy", **needs(Right.READ_ITEMS))
def all_legacy(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    holder: _Filter = None,
    kind: ArticleKind | None = None,
    disposition: Disposition | None = None,
    place: _Filter = None,
    maker: _Filter = None,
    model: _Filter = None,
    serial: _Filter = None,
    lot: _Filter = None,
    inventory: _Filter = None,
    number: Annotated[str | None, Query(alias="import", max_length=60)] = None,
    doubled: bool | None = None,
    alike: Annotated[
        str | None, Query(max_length=50, description="those with marks as on that article")
    ] = None,
) -> Page[Legacy]:
    """Stock that was marked before there was a register, with its marks as engraved."""
    wanted = queries.Wanted(
        *(holder, kind, disposition, place, maker, model, serial, lot, inventory),
        *(number, doubled),
    )
    with desk.looking() as connection:
        return queries.listed(connection, limit, cursor, wanted, entity=desk.by.entity, alike=alike)


def _told(request: Request, faults: list[Fault] | tuple[Fault, ...]) -> list[Told]:
    """In the language that the request wishes."""
    language = texts.wished(request.headers.get("Accept-Language"))
    t = texts.load(language, "problems")
    return [
        Told(
            **dict(fault)
            | {"what": sentence_in_words(read_back(fault.what), language) or fault.what},
            what_to_do=t(ADVICE[fault.code]),
        )
        for fault in faults
    ]
