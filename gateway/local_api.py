"""What the running gateway answers on its local socket (`gateway.local`)."""

from typing import Annotated, Any

from fastapi import FastAPI, Query
from pydantic import BaseModel, Field

from gateway.journal import Journal
from gateway.local import PAGE
from gateway.screen.declining import answer_refusals
from gateway.screen.desk import Credentials, Desk, Settlement


class Witness(BaseModel):
    """One of the two people."""

    badge: Annotated[str, Field(max_length=200)]
    pin: Annotated[str, Field(max_length=200)]


class SettleRequest(BaseModel):
    station: str
    part: Annotated[int, Field(ge=1)] | None = None
    """An earlier part, by its intent's seq; what the station has before it where it is absent."""
    positions: frozenset[Annotated[int, Field(ge=1, le=1000)]] | None = None
    """Of these places alone; of all that wait, or place 1 of an earlier part, where absent."""
    how: Settlement
    reason: Annotated[str, Field(max_length=2000)]
    witnesses: list[Witness]


class UnlatchRequest(BaseModel):
    station: str
    reason: Annotated[str, Field(max_length=2000)]
    witnesses: list[Witness]


def create_local_app(desk: Desk, journal: Journal) -> FastAPI:
    """The socket's own small API."""
    app = FastAPI(openapi_url=None)
    answer_refusals(app)

    @app.get("/status")
    async def status() -> dict[str, Any]:
        return desk.snapshot()

    @app.get("/journal")
    async def page(first: Annotated[int, Query(ge=1)]) -> dict[str, Any]:
        last = min(first + PAGE - 1, journal.end)
        return {
            "end": journal.end,
            "entries": [
                [entry.seq, entry.body.hex(), entry.head.hex()]
                for entry in journal.entries(first, last)
            ],
        }

    @app.post("/settle")
    async def settle(body: SettleRequest) -> dict[str, bool]:
        people = _credentials(body.witnesses)
        if body.part is None:
            await desk.settle(body.station, body.how, body.reason, people, body.positions)
            return {"settled": True}
        for position in sorted(body.positions or {1}):
            part = (body.part, position)
            await desk.settle_earlier(body.station, part, body.how, body.reason, people)
        return {"settled": True}

    @app.post("/unlatch")
    async def unlatch(body: UnlatchRequest) -> dict[str, bool]:
        await desk.unlatch(body.station, body.reason, _credentials(body.witnesses))
        return {"unlatched": True}

    return app


def _credentials(witnesses: list[Witness]) -> list[Credentials]:
    return [Credentials(witness.badge, witness.pin) for witness in witnesses]
