"""What the running gateway answers on its local socket (`gateway.local`)."""

from typing import Annotated, Any, Self

from fastapi import FastAPI, Query
from pydantic import BaseModel, Field, model_validator

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
    intent: Annotated[int, Field(ge=1)] | None = None
    """The open part, by its intent's seq."""
    part: Annotated[int, Field(ge=1)] | None = None
    """An earlier part, by its intent's seq."""
    positions: frozenset[Annotated[int, Field(ge=1, le=1000)]] | None = None
    """Of these places alone; of all that wait, or place 1 of an earlier part, where absent."""
    how: Settlement
    reason: Annotated[str, Field(max_length=2000)]
    witnesses: list[Witness]

    @model_validator(mode="after")
    def _one_part(self) -> Self:
        if (self.intent is None) == (self.part is None):
            raise ValueError("name the open part by intent, or an earlier one by part")
        return self


class UnlatchRequest(BaseModel):
    station: str
    intent: Annotated[int, Field(ge=1)]
    """The open part, by its intent's seq."""
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
        said = body.how, body.reason, people
        if body.intent is not None:
            await desk.settle(body.station, body.intent, *said, body.positions)
        elif body.part is not None:
            for position in sorted(body.positions or {1}):
                await desk.settle_earlier(body.station, (body.part, position), *said)
        return {"settled": True}

    @app.post("/unlatch")
    async def unlatch(body: UnlatchRequest) -> dict[str, bool]:
        people = _credentials(body.witnesses)
        await desk.unlatch(body.station, body.intent, body.reason, people)
        return {"unlatched": True}

    return app


def _credentials(witnesses: list[Witness]) -> list[Credentials]:
    return [Credentials(witness.badge, witness.pin) for witness in witnesses]
