"""The operator's screen over HTTP: one page, a stream of snapshots, and the buttons."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any, Literal

from fastapi import Cookie, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, Field, field_validator
from sse_starlette import EventSourceResponse

from gateway.contract.record import Counted
from gateway.design import drawing
from gateway.moves import (
    Note,
)
from gateway.screen import veil
from gateway.screen.declining import answer_refusals
from gateway.screen.desk import REPORTS_S, Credentials, Desk, Session, Settlement
from gateway.screen.page import Page, StaticFile
from gateway.screen.press import Press
from gateway.screen.protection import Protection
from gateway.screen.report import NoReport, as_csv, sheet
from gateway.screen.texts import LANGUAGES
from gateway.station import NotNow

COOKIE = "gjurma_session"
SHIFT_COOKIE = "gjurma_shift"
"""Held by the browser at which the end of a shift was signed, for the shift's reports."""
LANGUAGE_COOKIE = "gjurma_language"
HEARTBEAT_S = 5.0
RECONNECT_MS = 1000
"""How soon a browser opens the stream again after it broke."""
FOR_EVER = "public, max-age=31536000, immutable"
DRAWN = "private, max-age=600"

Seq = Annotated[int, Field(ge=1)]
"""A record of this gateway's journal."""
Position = Annotated[int, Field(ge=1, le=1000)]
Pieces = Annotated[int, Field(ge=0, le=10**6)]
SessionCookie = Annotated[str | None, Cookie(alias=COOKIE)]
ShiftCookie = Annotated[str | None, Cookie(alias=SHIFT_COOKIE)]
LanguageCookie = Annotated[str | None, Cookie(alias=LANGUAGE_COOKIE)]


class Witness(BaseModel):
    """A badge and its PIN, as they are typed or scanned."""

    badge: Annotated[str, Field(max_length=200)]
    pin: Annotated[str, Field(max_length=200)]

    def credentials(self) -> Credentials:
        return Credentials(self.badge, self.pin)


class SignInBody(BaseModel):
    """A badge, and its PIN where it was typed."""

    badge: Annotated[str, Field(max_length=200)]
    pin: Annotated[str, Field(max_length=200)] | None = None


class PartBody(BaseModel):
    """A request about the open part, as the screen showed it.

    A request that arrives late or twice is refused once another part is open.
    """

    intent: Seq
    """The record that announced the part."""


class SettleBody(PartBody):
    how: Settlement
    reason: Annotated[str, Field(max_length=2000)]
    witnesses: list[Witness]
    positions: frozenset[Position] | None = None
    """Of these places alone; of all that wait where it is absent."""


class SettleEarlierBody(BaseModel):
    """A part that no cycle has under way: its intent's seq, and its place."""

    seq: Seq
    position: Position = 1
    how: Settlement
    reason: Annotated[str, Field(max_length=2000)]
    witnesses: list[Witness]


class UnlatchBody(PartBody):
    reason: Annotated[str, Field(max_length=2000)]
    witnesses: list[Witness]


class FirstPieceBody(BaseModel):
    """A second person's word on the first piece of an order; a reason where it is set aside.

    `seq` is the record that announced the piece: a word that comes late or twice is on no other.
    """

    seq: Seq
    approves: bool
    reason: Annotated[str, Field(max_length=2000)] = ""
    witness: Witness


class CountBody(BaseModel):
    """What lies on the bench of an order, by hand."""

    order: Annotated[str, Field(max_length=60)]
    good: Pieces
    aside: Pieces
    scrapped: Pieces


class ShiftEndBody(BaseModel):
    """The end of a shift. `lead` and `reason`: where hand and journal differ.

    `first` is the shift's first record: counts that come late or twice end no other shift.
    """

    first: Seq
    orders: Annotated[list[CountBody], Field(max_length=100)]
    operator: Witness
    lead: Witness | None = None
    reason: Annotated[str, Field(max_length=2000)] = ""

    @field_validator("orders")
    @classmethod
    def _each_once(cls, orders: list[CountBody]) -> list[CountBody]:
        if len({each.order for each in orders}) < len(orders):
            raise ValueError("an order is counted twice")
        return orders

    def counted(self) -> dict[str, Counted]:
        return {
            each.order: Counted(good=each.good, aside=each.aside, scrapped=each.scrapped)
            for each in self.orders
        }


class TrialBody(BaseModel):
    order: Annotated[str, Field(max_length=60)] | None
    """The order that the screen showed; null where it showed none."""
    cycles: Annotated[int, Field(ge=0)]
    """How many cycles the screen said had begun: a request that is repeated begins one."""


class BeginBody(TrialBody):
    quantity: Annotated[int, Field(ge=1, le=10**6)] | None = None
    """How many pieces each package holds, where it is not what the order says."""


class JudgeBody(PartBody):
    legible: bool
    illegible: frozenset[Position] = frozenset()
    """Of a tray, the places that are not legible while the others are."""


class TypeBody(PartBody):
    """What a person, or a keyboard wedge, says that a symbol says."""

    content: Annotated[str, Field(min_length=1, max_length=2000)]
    position: Position = 1


class CheckBody(BaseModel):
    content: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    """Typed; what the readers see where it is absent."""


class OrderBody(BaseModel):
    order: Annotated[str, Field(max_length=60)]


def _served(request: Request, file: StaticFile, kept: str) -> Response:
    """`kept`: for how long a browser may keep it."""
    headers = {"Cache-Control": kept, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return Response(file.body, media_type=file.media_type, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return Response(file.compressed, media_type=file.media_type, headers=headers)


def create_screen_app(desk: Desk, hosts: Iterable[str] = ()) -> FastAPI:
    """The screen of one gateway.

    `hosts` are the names by which browsers reach it, beside addresses and this machine's own.
    """
    app = FastAPI(title="gjurma gateway", docs_url=None, redoc_url=None)
    app.add_middleware(Protection, hosts=hosts)
    answer_refusals(app)
    page, press = Page(), Press()

    @app.exception_handler(RequestValidationError)
    async def not_valid(_: Request, error: RequestValidationError) -> JSONResponse:
        # What was typed is left out: it may hold a PIN.
        wrong = [{"where": fault["loc"], "type": fault["type"]} for fault in error.errors()]
        return JSONResponse({"code": "not-valid", "facts": {}, "detail": wrong}, status_code=422)

    def signed_in(token: str | None) -> Session:
        session = desk.session(token)
        if session is None:
            raise NotNow(Note("sign-in-first"))
        return session

    def snapshot(token: str | None) -> dict[str, Any]:
        session = desk.session(token)
        person = (
            None if session is None else {"id": session.person.id, "roles": session.person.roles}
        )
        return {**desk.snapshot(), "signed_in": person, "page": page.version}

    @app.get("/", response_class=HTMLResponse)
    async def index(request: Request, language: LanguageCookie = None) -> Response:
        chosen = language if language in LANGUAGES else desk.language
        return _served(request, page.html[chosen], "no-cache")

    @app.get("/static/{version}/{name}")
    async def static(request: Request, version: str, name: str) -> Response:
        file = page.files.get(name)
        if file is None or version != page.version:
            raise HTTPException(404)
        return _served(request, file, FOR_EVER)

    @app.get("/api/drawing.svg")
    async def drawn(
        content: Annotated[str, Query(max_length=400)],
        line: Annotated[list[str] | None, Query(max_length=200)] = None,
    ) -> Response:
        # Of these words alone, so that it never shows another number than the page beside it.
        try:
            body = drawing.draw(content, tuple(line or ()))
        except drawing.NoSymbol as error:
            raise HTTPException(404) from error
        return Response(body, media_type=drawing.MEDIA_TYPE, headers={"Cache-Control": DRAWN})

    @app.get("/api/pictures/{name}")
    async def picture(name: str) -> Response:
        found = await desk.picture(name)
        if found is None:
            raise HTTPException(404)
        # It is named by its content: what was shown once is never another one.
        return Response(found, media_type=veil.MEDIA_TYPE, headers={"Cache-Control": DRAWN})

    @app.get("/api/state")
    async def state(token: SessionCookie = None) -> dict[str, Any]:
        return snapshot(token)

    @app.get("/api/stream")
    async def stream(token: SessionCookie = None) -> EventSourceResponse:
        async def events() -> AsyncIterator[dict[str, Any]]:
            while True:
                coming = desk.coming_change  # taken first: none is missed while this one is sent
                data = json.dumps(snapshot(token))
                yield {"event": "snapshot", "data": data, "retry": RECONNECT_MS}
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_S):
                        await coming.wait()

        return EventSourceResponse(events())

    @app.post("/api/sign-in")
    async def sign_in(body: SignInBody, response: Response) -> dict[str, bool]:
        if body.pin is None:
            token = desk.sign_in_by_badge(body.badge)
        else:
            token = await desk.sign_in(Credentials(body.badge, body.pin))
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return {"signed_in": True}

    @app.post("/api/sign-out")
    async def sign_out(response: Response, token: SessionCookie = None) -> dict[str, bool]:
        desk.sign_out(token or "")
        response.delete_cookie(COOKIE)
        return {"signed_in": False}

    @app.post("/api/stations/{name}/begin")
    async def begin(name: str, body: BeginBody, token: SessionCookie = None) -> dict[str, int]:
        author = signed_in(token).author
        station = desk.station(name)
        station.must_have_begun(body.cycles)
        return {"cycle": station.begin(author, body.order, quantity=body.quantity)}

    @app.post("/api/stations/{name}/run")
    async def start_run(name: str, body: BeginBody, token: SessionCookie = None) -> dict[str, bool]:
        author = signed_in(token).author
        station = desk.station(name)
        station.must_have_begun(body.cycles)
        station.start_run(author, body.order, quantity=body.quantity)
        return {"running": True}

    @app.post("/api/stations/{name}/stop")
    async def stop_run(name: str) -> dict[str, bool]:
        # Whoever stands there may stop it: nobody has to find a badge first.
        desk.station(name).stop_run()
        return {"running": False}

    @app.post("/api/stations/{name}/check")
    async def check(
        name: str, body: CheckBody | None = None, token: SessionCookie = None
    ) -> dict[str, bool]:
        typed = body.content if body else None
        desk.check_part(name, signed_in(token).author, typed)
        return {"begun": True}

    @app.post("/api/stations/{name}/type")
    async def type_in(name: str, body: TypeBody, token: SessionCookie = None) -> dict[str, bool]:
        desk.type_in(name, signed_in(token).author, body.intent, body.content, body.position)
        return {"begun": True}

    @app.post("/api/stations/{name}/trial")
    async def trial(name: str, body: TrialBody, token: SessionCookie = None) -> dict[str, int]:
        author = signed_in(token).author
        station = desk.station(name)
        station.must_have_begun(body.cycles)
        return {"cycle": station.begin(author, body.order, trial=True)}

    @app.post("/api/stations/{name}/read-again")
    async def read_again(name: str, body: PartBody, token: SessionCookie = None) -> dict[str, bool]:
        desk.station(name).read_again(signed_in(token).author, body.intent)
        return {"begun": True}

    @app.post("/api/stations/{name}/acknowledge")
    async def acknowledge(
        name: str, body: PartBody, token: SessionCookie = None
    ) -> dict[str, bool]:
        desk.station(name).acknowledge(signed_in(token).author, body.intent)
        return {"acknowledged": True}

    @app.post("/api/stations/{name}/judge")
    async def judge(name: str, body: JudgeBody, token: SessionCookie = None) -> dict[str, bool]:
        desk.station(name).judge(
            signed_in(token).author, body.intent, legible=body.legible, illegible=body.illegible
        )
        return {"judged": True}

    @app.post("/api/stations/{name}/order")
    async def order(name: str, body: OrderBody, token: SessionCookie = None) -> dict[str, bool]:
        signed_in(token)
        desk.station(name).choose_order(body.order)
        return {"chosen": True}

    @app.post("/api/stations/{name}/settle")
    async def settle(name: str, body: SettleBody) -> dict[str, bool]:
        people = [witness.credentials() for witness in body.witnesses]
        await desk.settle(name, body.intent, body.how, body.reason, people, body.positions)
        return {"settled": True}

    @app.post("/api/stations/{name}/settle-earlier")
    async def settle_earlier(name: str, body: SettleEarlierBody) -> dict[str, bool]:
        people = [witness.credentials() for witness in body.witnesses]
        part = (body.seq, body.position)
        await desk.settle_earlier(name, part, body.how, body.reason, people)
        return {"settled": True}

    @app.post("/api/stations/{name}/first-piece")
    async def first_piece(name: str, body: FirstPieceBody) -> dict[str, bool]:
        witness = body.witness.credentials()
        said = body.seq, body.reason, witness
        await desk.say_of_first_piece(name, *said, approves=body.approves)
        return {"approved": body.approves}

    @app.post("/api/stations/{name}/shift-end")
    async def end_shift(
        name: str, body: ShiftEndBody, response: Response, token: SessionCookie = None
    ) -> dict[str, int]:
        lead = None if body.lead is None else body.lead.credentials()
        operator = body.operator.credentials()
        counted = body.counted()
        seq = await desk.end_shift(name, body.first, counted, operator, lead, body.reason)
        desk.sign_out(token or "")  # the next shift signs in by itself
        response.delete_cookie(COOKIE)
        response.set_cookie(
            SHIFT_COOKIE, desk.signed_end(seq), max_age=REPORTS_S, httponly=True, samesite="strict"
        )
        return {"record": seq}

    @app.get("/api/stations/{name}/report.{form}")
    async def report(
        name: str,
        form: Literal["pdf", "csv"],
        shift: Annotated[int, Query(ge=1)],
        order: Annotated[str, Query(max_length=60)],
        language: Literal["sq", "en"] = "sq",
        token: SessionCookie = None,
        signed_end: ShiftCookie = None,
    ) -> Response:
        if not desk.may_fetch_report(token, signed_end, shift):
            raise NotNow(Note("sign-in-first"))
        try:
            found = await desk.report(name, shift, order)
        except NoReport as error:
            raise HTTPException(404) from error
        t = page.texts[language]
        if form == "csv":
            body, kind = as_csv(found, t), "text/csv; charset=utf-8"
        else:
            body, kind = await press.draw(sheet(found, t, language)), "application/pdf"
        file = f"{found.gateway}-{shift}-{order.replace('/', '-')}.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{file}"'}
        return Response(body, media_type=kind, headers=headers)

    @app.post("/api/stations/{name}/unlatch")
    async def unlatch(name: str, body: UnlatchBody) -> dict[str, bool]:
        people = [witness.credentials() for witness in body.witnesses]
        await desk.unlatch(name, body.intent, body.reason, people)
        return {"unlatched": True}

    return app
