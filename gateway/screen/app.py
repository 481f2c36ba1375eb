"""The operator's screen over HTTP: one page, a stream of snapshots, and the buttons."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import Cookie, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sse_starlette import EventSourceResponse

from gateway.cycle import Note
from gateway.screen.desk import Credentials, Desk, Session, Settlement
from gateway.station import NotNow

HERE = Path(__file__).parent
COOKIE = "gjurma_session"
HEARTBEAT_S = 5.0

SessionCookie = Annotated[str | None, Cookie(alias=COOKIE)]


class Witness(BaseModel):
    """A badge and its PIN, as they are typed or scanned."""

    badge: Annotated[str, Field(max_length=200)]
    pin: Annotated[str, Field(max_length=200)]

    def credentials(self) -> Credentials:
        return Credentials(self.badge, self.pin)


class SettleBody(BaseModel):
    how: Settlement
    reason: Annotated[str, Field(max_length=2000)]
    witnesses: list[Witness]


class UnlatchBody(BaseModel):
    reason: Annotated[str, Field(max_length=2000)]
    witnesses: list[Witness]


class JudgeBody(BaseModel):
    legible: bool


class OrderBody(BaseModel):
    order: Annotated[str, Field(max_length=60)]


def create_screen_app(desk: Desk) -> FastAPI:
    """The screen of one gateway."""
    app = FastAPI(title="gjurma gateway", docs_url=None, redoc_url=None)

    @app.exception_handler(NotNow)
    async def not_now(_: Request, error: NotNow) -> JSONResponse:
        return JSONResponse(
            {"code": error.note.code, "facts": dict(error.note.facts)}, status_code=409
        )

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
        return {**desk.snapshot(), "signed_in": person}

    @app.get("/api/state")
    async def state(token: SessionCookie = None) -> dict[str, Any]:
        return snapshot(token)

    @app.get("/api/stream")
    async def stream(request: Request, token: SessionCookie = None) -> EventSourceResponse:
        async def events() -> AsyncIterator[dict[str, str]]:
            while not await request.is_disconnected():
                yield {"event": "snapshot", "data": json.dumps(snapshot(token))}
                await desk.next_change(HEARTBEAT_S)

        return EventSourceResponse(events())

    @app.post("/api/sign-in")
    async def sign_in(body: Witness, response: Response) -> dict[str, bool]:
        token = await desk.sign_in(body.credentials())
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return {"signed_in": True}

    @app.post("/api/sign-out")
    async def sign_out(response: Response, token: SessionCookie = None) -> dict[str, bool]:
        desk.sign_out(token or "")
        response.delete_cookie(COOKIE)
        return {"signed_in": False}

    @app.post("/api/stations/{name}/begin")
    async def begin(name: str, token: SessionCookie = None) -> dict[str, int]:
        return {"cycle": desk.station(name).begin(signed_in(token).author)}

    @app.post("/api/stations/{name}/trial")
    async def trial(name: str, token: SessionCookie = None) -> dict[str, int]:
        return {"cycle": desk.station(name).begin(signed_in(token).author, trial=True)}

    @app.post("/api/stations/{name}/read-again")
    async def read_again(name: str, token: SessionCookie = None) -> dict[str, bool]:
        desk.station(name).read_again(signed_in(token).author)
        return {"begun": True}

    @app.post("/api/stations/{name}/acknowledge")
    async def acknowledge(name: str, token: SessionCookie = None) -> dict[str, bool]:
        desk.station(name).acknowledge(signed_in(token).author)
        return {"acknowledged": True}

    @app.post("/api/stations/{name}/judge")
    async def judge(name: str, body: JudgeBody, token: SessionCookie = None) -> dict[str, bool]:
        desk.station(name).judge(signed_in(token).author, legible=body.legible)
        return {"judged": True}

    @app.post("/api/stations/{name}/order")
    async def order(name: str, body: OrderBody, token: SessionCookie = None) -> dict[str, bool]:
        signed_in(token)
        desk.station(name).choose_order(body.order)
        return {"chosen": True}

    @app.post("/api/stations/{name}/settle")
    async def settle(name: str, body: SettleBody) -> dict[str, bool]:
        people = [witness.credentials() for witness in body.witnesses]
        await desk.settle(name, body.how, body.reason, people)
        return {"settled": True}

    @app.post("/api/stations/{name}/unlatch")
    async def unlatch(name: str, body: UnlatchBody) -> dict[str, bool]:
        people = [witness.credentials() for witness in body.witnesses]
        await desk.unlatch(name, body.reason, people)
        return {"unlatched": True}

    return app
