"""Where a request is received: who asks, by which right, in one transaction, answered once.

    api = APIRouter(route_class=Guarded)

    @api.post("/entities", status_code=201, response_model=Entity, **needs(Right.CHANGE_ENTITIES))
    def enter(new: NewEntity, desk: AtDesk) -> Response:
        return desk.act(lambda work: entities.add(work, new), 201)

`Idempotency-Key` makes a request that is sent again be answered as the first was; `If-Match` makes
it fail where the subject has changed since its `ETag` was told.
"""

import hashlib
import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypedDict, TypeVar

import psycopg
from fastapi import Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from central import db, schema
from central.access import browsing, tokens
from central.access.roles import Right
from central.access.tokens import Bearer
from central.api.export import columns, exporting
from central.errors import (
    Conflict,
    DatabaseUnavailable,
    Forged,
    KeyUsedAgain,
    Refused,
    Unauthorized,
)
from central.queries.reading import snapshot
from central.register.acts import By, Work
from central.said import said

T = TypeVar("T")
_ATTEMPTS = 3
_ETAG = re.compile(r'"([0-9]{1,18})"')
_TOKEN = HTTPBearer(auto_error=False, description="A token of `/api/v1/tokens`.")


class Needs(TypedDict):
    """A route's right, where the interface's description shows it and a desk looks it up."""

    openapi_extra: dict[str, Any]


def needs(right: Right) -> Needs:
    """What a route needs."""
    return {"openapi_extra": {"x-right": str(right)}}


def transaction(engine: Engine, do: Callable[[Connection], T]) -> T:
    """Do it in one transaction, as often as it takes."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with engine.begin() as connection:
                return do(connection)
        except (OperationalError, psycopg.OperationalError) as error:
            # Two transactions that took the same rows in another order: one goes again.
            if not db.collided(error) or attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


class Guarded(APIRoute):
    """A route that asks who comes before it reads anything, the body included: who has no right
    learns nothing of the request. It needs a right, or the server does not start."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        right = Right((self.openapi_extra or {})["x-right"])

        async def guarded(request: Request) -> Response:
            bearer = await run_in_threadpool(_bearer, request, await _TOKEN(request))
            request.state.by = bearer.by(right)
            request.state.bearer = bearer
            return await handle(request)

        names = columns(self.response_model) if self.methods == {"GET"} else None
        return guarded if names is None else exporting(guarded, names)


class Desk:
    """One request of somebody's who has the route's right; `bearer` is whom their token is, `body`
    what it brings, as it was sent."""

    def __init__(
        self,
        engine: Engine,
        by: By,
        *,
        bearer: Bearer,
        key: str = "",
        line: bytes = b"",
        body: bytes = b"",
        expected: frozenset[int] = frozenset(),
    ) -> None:
        self._engine = engine
        self.by = by
        self.bearer = bearer
        self._key = key
        self._line, self.body = line, body
        self._expected = expected

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """One consistent look at the register. Raises `DatabaseUnavailable`."""
        with snapshot(self._engine) as connection:
            yield connection

    def still_there(self) -> bool:
        """Whether their token is good yet; while the database is away nobody knows otherwise."""
        try:
            with snapshot(self._engine) as connection:
                return tokens.stands(connection, self.bearer.token)
        except DatabaseUnavailable:
            return True

    @contextmanager
    def working(self) -> Iterator[Work]:
        """One transaction of several, where what is asked for is done in portions: each of them has
        to stand by itself, and to be found done when the request comes again."""
        with self._engine.begin() as connection:
            yield Work(connection, self.by)

    def act(
        self,
        do: Callable[[Work], BaseModel],
        status: int = 200,
        *,
        tells_once: bool = False,
        asks_secretly: bool = False,
    ) -> Response:
        """Do it in one transaction, and answer what it returns; an idempotency key is kept in it.

        `tells_once`: the answer is not kept. Sent again, the request is a `Conflict`.
        `asks_secretly`: the body holds a password or a PIN, of which a plain digest would tell too
        much; with the same key, whatever comes to this address is taken for the same request.
        """
        request = hashlib.sha256(self._line + (b"" if asks_secretly else self.body)).digest()
        return transaction(
            self._engine,
            lambda connection: self._answer(connection, request, do, status, tells_once),
        )

    def tell(self, state: BaseModel) -> Response:
        """A state that was looked up, with its version."""
        return _response(200, state.model_dump_json(), _etag(state))

    def _answer(
        self,
        connection: Connection,
        request: bytes,
        do: Callable[[Work], BaseModel],
        status: int,
        tells_once: bool,
    ) -> Response:
        if self._key:
            kept = self._answered(connection, request)
            if kept is not None:
                return kept
        told = do(Work(connection, self.by, self._expected))
        body, etag = told.model_dump_json(), _etag(told)
        if self._key:
            table = schema.answered
            connection.execute(
                table.update()
                .where(table.c.account == self.by.account, table.c.key == self._key)
                .values(status=status, body="" if tells_once else body, etag=etag)
            )
        return _response(status, body, etag)

    def _answered(self, connection: Connection, request: bytes) -> Response | None:
        """The answer that was given before; else the key is ours until this transaction ends."""
        table = schema.answered
        added = connection.execute(
            insert(table)
            .values(
                account=self.by.account,
                key=self._key,
                request=request,
                status=0,
                body="",
                etag="",
            )
            .on_conflict_do_nothing()
            .returning(table.c.key)
        ).scalar_one_or_none()
        if added is not None:
            return None
        row = connection.execute(
            select(table).where(table.c.account == self.by.account, table.c.key == self._key)
        ).one()
        if bytes(row.request) != request:
            raise KeyUsedAgain(
                said("Idempotency-Key {key} came with another request before", key=self._key)
            )
        if not row.body:
            raise Conflict(said("it was done before; what it told is told once"))
        answer = _response(row.status, row.body, row.etag)
        answer.headers["Idempotency-Replayed"] = "true"
        return answer


def _etag(told: BaseModel) -> str:
    version = getattr(told, "version", None)
    return "" if version is None else f'"{version}"'


def _response(status: int, body: str, etag: str) -> Response:
    headers = {"ETag": etag} if etag else None
    return Response(body, status, headers=headers, media_type="application/json")


def _bearer(request: Request, token: HTTPAuthorizationCredentials | None) -> Bearer:
    """By a token, or by the cookie of a session; a token is never taken for granted, a cookie is
    sent by whatever page made the browser ask."""
    state = request.app.state
    if token is not None:
        with snapshot(state.engine) as connection:
            return tokens.bearer(connection, token.credentials)
    secret = state.cookies.get(request, browsing.SESSION)
    if not secret or "Authorization" in request.headers:
        raise Unauthorized("a token is missing")
    with snapshot(state.engine) as connection:
        bearer = tokens.bearer(connection, secret, in_session=True)
    if request.method not in browsing.SAFE:
        told = request.headers.get(browsing.HEADER, "")
        if not (browsing.is_csrf(secret, told) and browsing.from_here(request, state.origin)):
            raise Forged(f"with a session's cookie, {browsing.HEADER} brings what the page holds")
    return bearer


async def _desk(
    request: Request,
    _: Annotated[HTTPAuthorizationCredentials | None, Depends(_TOKEN)],  # for the description
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=100,
            pattern=r"^[!-~]+$",
            description="Sent again with the same request, it is answered as the first time.",
        ),
    ] = None,
    if_match: Annotated[
        str | None,
        Header(
            max_length=400,
            description="The `ETag` that the subject had; refused where it has changed since.",
        ),
    ] = None,
) -> Desk:
    engine: Engine = request.app.state.engine
    line = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return Desk(
        engine,
        request.state.by,
        bearer=request.state.bearer,
        key=idempotency_key or "",
        line=line,
        body=await request.body(),
        # Where nothing is done, nothing was decided on what was seen.
        expected=frozenset() if request.method == "GET" else _versions(if_match),
    )


AtDesk = Annotated[Desk, Depends(_desk)]


def _versions(if_match: str | None) -> frozenset[int]:
    """The versions of an If-Match header; `*` is any."""
    if if_match is None or if_match.strip() == "*":
        return frozenset()
    found = [_ETAG.fullmatch(part.strip()) for part in if_match.split(",")]
    if not all(found):
        raise Refused('If-Match: one or more ETags as they were told, like "1207"')
    return frozenset(int(each[1]) for each in found if each)
