"""Every error of the HTTP interface as a problem document (RFC 9457)."""

from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from central.errors import (
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    GjurmaError,
    InvitationInvalid,
    KeyUsedAgain,
    NotFound,
    NotLicensed,
    Refused,
    Stale,
    TooMany,
    Unauthorized,
)

MEDIA_TYPE = "application/problem+json"
_STATUS: dict[type[GjurmaError], tuple[int, str, str]] = {
    NotFound: (404, "Not found", "Check the name; it has to be entered first."),
    Conflict: (409, "It contradicts the register", "Look at what the register holds."),
    NotLicensed: (403, "Not licensed", "A licence in force has to cover it."),
    Refused: (422, "Refused", "Correct the request and send it again."),
    Forbidden: (403, "Not allowed", "Ask somebody whose role has that right."),
    TooMany: (429, "Too many attempts", "Wait a minute and try again."),
    KeyUsedAgain: (422, "Idempotency key used again", "Give each request a key of its own."),
    Stale: (412, "It has changed since", "Look at it again, and decide again."),
    Unauthorized: (401, "No valid token", "Send 'Authorization: Bearer TOKEN'."),
    InvitationInvalid: (403, "Invitation not valid", "Ask the registry for a new invitation."),
    DatabaseUnavailable: (503, "The register is away", "Try again in a moment."),
}


class Problem(BaseModel):
    """`code` is stable; `where` names the part of the request; `what_to_do` is for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    where: str = ""
    what_to_do: str = ""


RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": "A problem"}
}


def answer(problem: Problem) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else None
    return JSONResponse(
        problem.model_dump(), problem.status, media_type=MEDIA_TYPE, headers=headers
    )


def install(app: FastAPI) -> None:
    """Answer every kind of error that this application can meet."""

    @app.exception_handler(GjurmaError)
    async def _known(request: Request, error: GjurmaError) -> JSONResponse:
        status, title, advice = next(
            (_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS),
            (500, "The register failed", "Tell the registry."),
        )
        return answer(
            Problem(
                type=f"urn:gjurma:problem:{error.code}",
                title=title,
                status=status,
                detail=str(error),
                code=error.code,
                where=request.url.path,
                what_to_do=advice,
            )
        )

    @app.exception_handler(RequestValidationError)
    async def _malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            (".".join(str(part) for part in fault["loc"]), str(fault["msg"]))
            for fault in error.errors()
        ]
        return answer(
            Problem(
                type="urn:gjurma:problem:refused",
                title="Refused",
                status=422,
                detail="; ".join(f"{where}: {what}" for where, what in faults),
                code="refused",
                where=", ".join(where for where, _ in faults),
                what_to_do="Correct the request and send it again.",
            )
        )

    @app.exception_handler(DBAPIError)
    async def _database(request: Request, error: DBAPIError) -> JSONResponse:
        if not error.connection_invalidated and not _is_away(error):
            raise error
        return answer(
            Problem(
                type="urn:gjurma:problem:database-unavailable",
                title="The register is away",
                status=503,
                detail="the database does not answer",
                code="database-unavailable",
                where=request.url.path,
                what_to_do="Try again in a moment.",
            )
        )

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        return answer(
            Problem(
                type=f"urn:gjurma:problem:http-{error.status_code}",
                title=str(error.detail),
                status=error.status_code,
                detail=str(error.detail),
                code=f"http-{error.status_code}",
                where=request.url.path,
            )
        )


def _is_away(error: DBAPIError) -> bool:
    return isinstance(error.orig, psycopg.OperationalError)
