"""Units over HTTP: numbers for them, their labels, and printing those."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator
from sqlalchemy import Connection, select

from central import schema
from central.access.own import for_own
from central.access.roles import Right
from central.api.desk import AtDesk, Desk, Guarded, needs
from central.api.listing import Cursor, Limit, listed, where
from central.config import Printer
from central.errors import PrinterAway, PrinterBrokenOff, PrinterNotReady, PrinterUnknown
from central.labels import facts, labels, pdf, printing, zpl
from central.queries import units as queries
from central.queries.paging import Page
from central.queries.units import PrintView, UnitNumber
from central.register.prints import service as prints
from central.register.prints.models import NewPrint
from central.register.units import service
from central.register.units.models import GoOn, NewUnits
from central.register.units.service import SERIES, Given, Series
from central.said import said
from central.screens.texts import Language

api = APIRouter(tags=["units"], route_class=Guarded)
_Code = Annotated[str, Path(max_length=50, examples=["106141412345678908"])]
_Prefix = Annotated[str, Path(max_length=20, examples=["00614141", "DA7G1H"])]
_Filter = Annotated[str | None, Query(max_length=60)]
_Density = Annotated[
    Literal[8, 12], BeforeValidator(int), Query(description="of ZPL: dots a millimetre")
]
Form = Literal["pdf", "zpl"]
_FORMS: Mapping[Form, str] = {"pdf": pdf.MEDIA_TYPE, "zpl": zpl.MEDIA_TYPE}
_LABEL: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            pdf.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
            zpl.MEDIA_TYPE: {"schema": {"type": "string"}},
        }
    }
}


class PrinterView(BaseModel):
    """A printer of the configuration; its address is nobody's who prints."""

    name: str
    site: str
    dpmm: int


class Printers(BaseModel):
    printers: list[PrinterView]


@api.post("/units", status_code=201, response_model=Given, **needs(Right.ALLOCATE_UNITS))
def allocate(asked: NewUnits, desk: AtDesk) -> Response:
    """Numbers that nobody has had: SSCCs, or licence plates where the entity has no GS1 prefix."""
    for_own(desk.by, asked.entity)
    return desk.act(lambda work: service.allocate(work, asked), 201)


@api.get("/units", response_model=Page[UnitNumber], **needs(Right.READ_ITEMS))
def all_numbers(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    entity: _Filter = None,
    series: _Filter = None,
    used: bool | None = None,
) -> Page[UnitNumber]:
    """Numbers that were given, used or not. Units that carry one are among the articles."""
    if desk.by.entity is not None:
        if entity not in (None, desk.by.entity):
            return Page(items=[], next=None)
        entity = desk.by.entity
    with desk.looking() as connection:
        return queries.listed(connection, limit, cursor, entity=entity, series=series, used=used)


@api.get("/units/series", response_model=Page[Series], **needs(Right.READ_SUBJECTS))
def all_series(desk: AtDesk, limit: Limit = 100, cursor: Cursor = None) -> Page[Series]:
    """By what their numbers begin with, and with which serial each goes on."""
    with desk.looking() as connection:
        conditions = where(SERIES, entity=desk.by.entity)
        return listed(connection, SERIES, limit, cursor, *conditions)


@api.post("/units/series/{prefix}/go-on", response_model=Series, **needs(Right.CHANGE_ENTITIES))
def go_on(prefix: _Prefix, asked: GoOn, desk: AtDesk) -> Response:
    """Says after a restore with which serial a series goes on; never with an earlier one."""
    return desk.act(lambda work: service.go_on(work, prefix, asked))


@api.get("/printers", **needs(Right.PRINT_LABELS))
def all_printers(request: Request, desk: AtDesk) -> Printers:
    """Those that the caller may print at: of an entity, the ones on its own sites."""
    with desk.looking() as connection:
        found = _printers(request, desk, connection)
    return Printers(
        printers=[PrinterView(name=each.name, site=each.site, dpmm=each.dpmm) for each in found]
    )


@api.get(
    "/articles/{code:path}/label",
    response_class=Response,
    responses=_LABEL,
    **needs(Right.READ_ITEMS),
)
def label(
    code: _Code,
    desk: AtDesk,
    form: Annotated[Form | None, Query(description="goes before Accept; else PDF")] = None,
    lang: Language = "sq",
    dpmm: _Density = 8,
    accept: Annotated[str, Header(max_length=400)] = "",
) -> Response:
    """A6, as the register knows the unit now; also of a number under which nothing is packed."""
    with desk.looking() as connection:
        found = facts.of_unit(connection, code, desk.by.entity)
    if (form or ("zpl" if zpl.MEDIA_TYPE in accept else "pdf")) == "zpl":
        return Response(labels.as_zpl(found, lang, dpmm), media_type=zpl.MEDIA_TYPE)
    return Response(labels.as_pdf(found, lang), media_type=pdf.MEDIA_TYPE)


@api.get(
    "/articles/{code:path}/label/prints",
    response_model=Page[PrintView],
    **needs(Right.READ_ITEMS),
)
def all_prints(
    code: _Code, desk: AtDesk, limit: Limit = 100, cursor: Cursor = None
) -> Page[PrintView]:
    """Who sent the unit's label to which printer, the newest first."""
    with desk.looking() as connection:
        facts.of_unit(connection, code, desk.by.entity)
        return queries.prints(connection, limit, cursor, code)


@api.post(
    "/articles/{code:path}/label/prints",
    status_code=201,
    response_model=PrintView,
    responses={502: {}},
    **needs(Right.PRINT_LABELS),
)
def print_label(code: _Code, asked: NewPrint, request: Request, desk: AtDesk) -> Response:
    """Sends it to a printer of the configuration. `sent` is not printed: `said` is what the printer
    says of itself, `unconfirmed` where it says nothing, as one that is open or empty may do."""
    with desk.looking() as connection:
        found = facts.of_unit(connection, code, desk.by.entity)
        printer = next(
            (each for each in _printers(request, desk, connection) if each.name == asked.printer),
            None,
        )
    if printer is None:
        raise PrinterUnknown(
            said("no printer {printer} where you may print", printer=asked.printer)
        )
    with desk.working() as work:
        kept = prints.ask(work, code, asked, site=printer.site, dpmm=printer.dpmm)
    if kept.state == "asked":
        _send(
            desk, asked, printer, labels.as_zpl(found, asked.language, printer.dpmm, asked.copies)
        )
    return desk.act(
        lambda work: queries.one_print(
            work.connection, prints.PRINT.require(work.connection, asked.number)
        ),
        201,
    )


def _send(desk: Desk, asked: NewPrint, printer: Printer, content: bytes) -> None:
    """Between two transactions: no act waits for a printer."""
    try:
        what, said = "sent", printing.send(printer, content)
    except (PrinterAway, PrinterNotReady, PrinterBrokenOff) as error:
        what = "broken off" if isinstance(error, PrinterBrokenOff) else "failed"
        with desk.working() as work:
            prints.ended(work, asked.number, what, f"{error.code}: {error}")
        raise
    with desk.working() as work:
        prints.ended(work, asked.number, what, said)


def _printers(request: Request, desk: Desk, connection: Connection) -> list[Printer]:
    configured: tuple[Printer, ...] = request.app.state.printers
    if desk.by.entity is None:
        return list(configured)
    table = schema.place
    own = select(table.c.code).where(
        table.c.entity == desk.by.entity, table.c.code.in_([each.site for each in configured])
    )
    sites = set(connection.execute(own).scalars())
    return [each for each in configured if each.site in sites]
