"""Where a request is received: who asks, by which right, in one transaction, answered once.

    @api.post("/entities", status_code=201, response_model=Entity, **needs(Right.CHANGE_ENTITIES))
    def enter(new: NewEntity, desk: AtDesk) -> Response:
        return desk.act(lambda work: entities.add(work, new), 201)

`Idempotency-Key` makes a request that is sent again be answered as the first was; `If-Match` makes
it fail where the subject has changed since its `ETag` was told.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypedDict

from fastapi import Depends, Header, Request
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from psycopg import errors as pg
from pydantic import BaseModel
from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from central import schema
from central.access.roles import Right
from central.access.tokens import bearer
from central.errors import Conflict, KeyUsedAgain, Refused, Unauthorized
from central.queries.reading import snapshot
from central.register.acts import By, Work

_ATTEMPTS = 3
_ETAG = re.compile(r'"([0-9]{1,18})"')
_Token = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="A token of `/api/v1/tokens`.")),
]


class Needs(TypedDict):
    """A route's right, where the interface's description shows it and a desk looks it up."""

    openapi_extra: dict[str, Any]


def needs(right: Right) -> Needs:
    """What a route needs."""
    return {"openapi_extra": {"x-right": str(right)}}


class Desk:
    """One request of somebody's who has the route's right."""

    def __init__(
        self,
        engine: Engine,
        by: By,
        *,
        key: str = "",
        request: bytes = b"",
        expected: frozenset[int] = frozenset(),
    ) -> None:
        self._engine = engine
        self.by = by
        self._key = key
        self._request = request
        self._expected = expected

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """One consistent look at the register. Raises `DatabaseUnavailable`."""
        with snapshot(self._engine) as connection:
            yield connection

    def act(
        self, do: Callable[[Work], BaseModel], status: int = 200, *, secret: bool = False
    ) -> Response:
        """Do it in one transaction, and answer what it returns; an idempotency key is kept in it.

        `secret`: the answer tells what is told once, so it is not kept. Sent again, the request is
        a `Conflict`.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._engine.begin() as connection:
                    return self._answer(connection, do, status, secret)
            except OperationalError as error:
                # Two transactions that took the same rows in another order: one goes again.
                if not isinstance(error.orig, pg.DeadlockDetected) or attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def tell(self, state: BaseModel) -> Response:
        """A state that was looked up, with its version."""
        return _response(200, state.model_dump_json(), _etag(state))

    def _answer(
        self, connection: Connection, do: Callable[[Work], BaseModel], status: int, secret: bool
    ) -> Response:
        if self._key:
            kept = self._answered(connection)
            if kept is not None:
                return kept
        told = do(Work(connection, self.by, self._expected))
        body, etag = told.model_dump_json(), _etag(told)
        if self._key:
            table = schema.answered
            connection.execute(
                table.update()
                .where(table.c.account == self.by.account, table.c.key == self._key)
                .values(status=status, body="" if secret else body, etag=etag)
            )
        return _response(status, body, etag)

    def _answered(self, connection: Connection) -> Response | None:
        """The answer that was given before; else the key is ours until this transaction ends."""
        table = schema.answered
        added = connection.execute(
            insert(table)
            .values(
                account=self.by.account,
                key=self._key,
                request=self._request,
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
        if bytes(row.request) != self._request:
            raise KeyUsedAgain(f"Idempotency-Key {self._key} came with another request before")
        if not row.body:
            raise Conflict("it was done before; what it told is told once")
        answer = _response(row.status, row.body, row.etag)
        answer.headers["Idempotency-Replayed"] = "true"
        return answer


def _etag(told: BaseModel) -> str:
    version = getattr(told, "version", None)
    return "" if version is None else f'"{version}"'


def _response(status: int, body: str, etag: str) -> Response:
    headers = {"ETag": etag} if etag else None
    return Response(body, status, headers=headers, media_type="application/json")


def _caller(request: Request, token: _Token) -> By:
    """Asked before anything else is looked at: who has no right learns nothing of the request."""
    if token is None:
        raise Unauthorized("a token is missing")
    right = Right(request.scope["route"].openapi_extra["x-right"])
    with snapshot(request.app.state.engine) as connection:
        return bearer(connection, token.credentials).by(right)


async def _desk(
    request: Request,
    by: Annotated[By, Depends(_caller)],
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
        by,
        key=idempotency_key or "",
        request=hashlib.sha256(line + await request.body()).digest(),
        expected=_versions(if_match),
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
