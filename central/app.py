"""The composition root of central's web server."""

from fastapi import FastAPI
from sqlalchemy import Engine

from central import api, keys, problems
from central.config import Config


def create_app(config: Config, engine: Engine, token_hash: bytes | None = None) -> FastAPI:
    """`token_hash` is the SHA-256 of the token that may write; without one nobody may."""
    app = FastAPI(
        title="gjurma: the register",
        summary="Marked, read back and registered: the life of every item.",
        version="1",
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    app.include_router(api.router(engine, token_hash, keys.load_public(config.keys.dir)))
    return app
