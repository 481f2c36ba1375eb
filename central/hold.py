"""The web server's hold: nothing is answered while an undeclared restore is proved."""

import asyncio
from contextlib import suppress

import psycopg
from fastapi import FastAPI, Request
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from starlette.types import ASGIApp, Receive, Scope, Send

from central import problems
from central.errors import DatabaseUnavailable, RegisterOlder
from central.register.incarnation import older
from central.screens import kept
from central.threads import Threads

EVERY_S = 1.0


class Hold:
    """Follows the register; `why` is the proof while it stands."""

    def __init__(self, engine: Engine, threads: Threads) -> None:
        self._engine = engine
        self._threads = threads
        self.why: str | None = None

    async def following(self) -> None:
        """Look again and again, until cancelled; while the database is away `why` stays."""
        while True:
            with suppress(DBAPIError, psycopg.Error, DatabaseUnavailable):
                self.why = await self._threads.run(self._look)
            await asyncio.sleep(EVERY_S)

    def _look(self) -> str | None:
        with self._engine.connect() as connection:
            return older(connection)


class RefuseOlder:
    """Answers 503 in place of the application; people get a page. The pages' files are served."""

    def __init__(self, app: ASGIApp, server: FastAPI, hold: Hold) -> None:
        self._app = app
        self._server = server
        self._hold = hold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        why = self._hold.why
        if why is None or scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        request, error = Request(scope), RegisterOlder(kept.read(why))
        words = problems.told(error)
        assert words is not None
        if "text/html" in request.headers.get("Accept", ""):
            response = self._server.state.screens.problem(request, error, {})
        else:
            response = problems.answer(request, error.code, words, str(error))
        await response(scope, receive, send)
