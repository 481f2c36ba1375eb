"""The composition root of central's web server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import Engine

from central import api, keys, problems
from central.config import Config
from central.queries.live import Live
from central.queries.router import router as queries
from central.screens import pages


def create_app(config: Config, engine: Engine, token_hash: bytes | None = None) -> FastAPI:
    """`token_hash` is the SHA-256 of the token that may write; without one nobody may."""
    live = Live(engine, config.database.url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with live.running():
            yield

    app = FastAPI(
        title="gjurma: the register",
        summary="Marked, read back and registered: the life of every item.",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    problems.install(app)
    app.include_router(api.router(engine, token_hash, keys.load_public(config.keys.dir)))
    app.include_router(queries(engine, live))
    pages.install(app, engine)
    return app
