"""The composition root of central's web server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from sqlalchemy import Engine

from central import keys, problems
from central.access import answers
from central.access.attempts import Attempts
from central.api import (
    access,
    acts,
    balances,
    certificates,
    entities,
    exclusions,
    gateways,
    inspections,
    licences,
    orders,
    people,
    places,
    products,
    reading,
    sanctions,
)
from central.api.description import Described
from central.api.limit import SmallBodies
from central.config import Config
from central.problems import Problem
from central.queries.live import Live
from central.screens import feed, pages

PREFIX = "/api/v1"


def create_app(config: Config, engine: Engine) -> FastAPI:
    """The interface, the pages and what their scripts ask for."""
    live = Live(engine, config.database.url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        old = asyncio.create_task(answers.forgetting(engine))
        async with live.running():
            yield
        old.cancel()

    app = Described(
        Problem,
        title="gjurma: the register",
        summary="Marked, read back and registered: the life of every item.",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.engine = engine
    app.state.live = live
    app.state.attempts = Attempts()
    app.state.central_keys = keys.load_public(config.keys.dir)
    problems.install(app)
    app.add_middleware(SmallBodies)
    app.include_router(interface())
    app.include_router(feed.router(engine, live))
    pages.install(app, engine)
    return app


def interface() -> APIRouter:
    """All of `/api/v1`, and `/enroll`, to which gateways are configured."""
    v1 = APIRouter(prefix=PREFIX)
    for router in (
        access.open_to_all,
        *(access.api, acts.api, entities.api, licences.api, products.api, gateways.api),
        *(certificates.api, orders.api, balances.api, people.api, reading.api),
        *(places.api, exclusions.api),
        *(inspections.api, sanctions.api),
    ):
        v1.include_router(router)
    found = APIRouter()
    found.include_router(gateways.open_to_all)
    found.include_router(v1)
    return found
