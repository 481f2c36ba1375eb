"""Every error of the HTTP interface as a problem document (RFC 9457), in English or Albanian."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from central.api.description import methods_at
from central.db import may_pass, unavailable
from central.errors import (
    AlreadyProposed,
    Busy,
    ClockOff,
    CodeNeeded,
    Conflict,
    ContractError,
    DatabaseUnavailable,
    Excluded,
    Forbidden,
    Forged,
    GjurmaError,
    InvitationInvalid,
    KeyUsedAgain,
    LotSuspended,
    NotAccepted,
    NotApproved,
    NotEnabled,
    NotFound,
    NotLicensed,
    PrinterAway,
    PrinterBrokenOff,
    PrinterNotReady,
    PrinterUnknown,
    ProposalOver,
    ProposalStale,
    Refused,
    RegisterOlder,
    SamePerson,
    SessionNeeded,
    SignatureInvalid,
    Stale,
    TooMany,
    Unauthorized,
    Undecided,
    WrongCode,
    WrongPassword,
)
from central.said import raised_in
from central.screens import texts
from central.screens.refusals import listening
from central.screens.texts import Language

MEDIA_TYPE = "application/problem+json"
_STATUS: dict[type[GjurmaError], tuple[int, str, str]] = {
    NotFound: (404, "Not found", "Check the name; it has to be entered first."),
    Conflict: (409, "It contradicts the register", "Look at what the register holds."),
    NotLicensed: (403, "Not licensed", "A licence in force has to cover it."),
    NotAccepted: (
        409,
        "Not accepted",
        "Enter its acceptance (POST /api/v1/certificates), then report the consignment.",
    ),
    LotSuspended: (
        *(409, "The lot is suspended"),
        "Send it to whose lot it is, or to who is licensed to destroy it; or release the lot.",
    ),
    NotApproved: (
        409,
        "The product is not approved",
        "Enter its type approval (POST /api/v1/certificates), then release the order.",
    ),
    Excluded: (403, "Excluded", "Nothing is licensed, ordered or sent while the exclusion stands."),
    Undecided: (
        *(409, "A person has to decide"),
        "Decide at /api/v1/screenings whether the two are the same, then send it again.",
    ),
    Refused: (422, "Refused", "Correct the request and send it again."),
    Forbidden: (403, "Not allowed", "Ask somebody whose role has that right."),
    Forged: (
        *(403, "Not from a page of the register"),
        "Load the page again, and send it from there; programs send a token instead.",
    ),
    TooMany: (429, "Too many attempts", "Wait a minute and try again."),
    KeyUsedAgain: (422, "Idempotency key used again", "Give each request a key of its own."),
    Stale: (412, "It has changed since", "Look at it again, and decide again."),
    ProposalStale: (
        *(412, "What it rests on has changed"),
        "Decline it, or have it withdrawn; if it is still to be done, it is proposed anew.",
    ),
    SamePerson: (403, "Another person decides", "Ask somebody else who may do it to confirm it."),
    SessionNeeded: (
        *(403, "Sign in to decide"),
        "Sign in by password or by your agency's sign-on, and confirm or decline it so.",
    ),
    AlreadyProposed: (
        *(409, "Proposed already"),
        "Look at /api/v1/proposals; another person confirms or declines what is open there.",
    ),
    ProposalOver: (409, "The proposal is over", "Propose it anew if it is still to be done."),
    Unauthorized: (
        401,
        "Not signed in",
        "Sign in at /api/v1/sessions, and send 'Authorization: Bearer TOKEN'.",
    ),
    WrongPassword: (403, "Wrong password", "Give the password that you sign in with now."),
    CodeNeeded: (403, "A code is needed", "Send the code of the authenticator besides."),
    WrongCode: (403, "Wrong code", "Wait for the next code of the authenticator, and send that."),
    PrinterUnknown: (404, "No such printer", "Name one of /api/v1/printers."),
    PrinterAway: (503, "The printer is away", "See that it is on and connected, then print again."),
    PrinterNotReady: (
        *(409, "The printer is not ready"),
        "Put right at the printer what the detail names, then print again.",
    ),
    PrinterBrokenOff: (
        *(502, "The printer hung up"),
        "Look whether it was printed; if not, print it under another number.",
    ),
    SignatureInvalid: (
        *(403, "Not signed by its stream's key"),
        "Enrol the device; look at its epoch and its key.",
    ),
    ContractError: (422, "Not as the contract has it", "Send the bytes of one batch, unchanged."),
    NotEnabled: (404, "Not here", "Send it to the server that takes batches."),
    InvitationInvalid: (403, "Invitation not valid", "Ask the registry for a new invitation."),
    Busy: (503, "The register is busy", "Try again in a moment."),
    ClockOff: (
        *(409, "The clock is off"),
        "Set the gateway's clock, and enrol again with the same code; it is not used up.",
    ),
    DatabaseUnavailable: (503, "The register is away", "Try again in a moment."),
    RegisterOlder: (
        *(503, "The register is older than it was"),
        "Declare the restore on the register's machine: gjurma-central declare-restore.",
    ),
}


_OTHERS: dict[str, tuple[int, str, str]] = {
    "http-400": (400, "Not readable", "Send JSON in UTF-8."),
    "http-404": (404, "No such address", "Look it up in /openapi.json."),
    "http-405": (405, "Not that method", "Use one of those that Allow names."),
    "http-413": (
        413,
        "Too large",
        "Send at most 1 MiB in one request, and a file to import of at most 32 MiB.",
    ),
    "http-415": (415, "Not that type", "Send a batch as application/vnd.gjurma.batch."),
    "internal": (500, "The register failed", "Tell the registry, with the time and the address."),
}
_MEANINGS = {
    "http-400": "The body cannot be read at all.",
    "http-404": "The interface has no such address.",
    "http-405": "The address does not take this method.",
    "http-413": "The body is larger than any request's.",
    "http-415": "The address does not take bodies of this type.",
    "internal": "A fault of ours; it was logged, and nothing was changed.",
}
"""Of what no error of ours stands behind."""
_AWAY = "the database does not answer"
_NOT_KEPT = "a text holds what cannot be kept (NUL), or a number is too large"
_HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    429: {"Retry-After": "60"},
    503: {"Retry-After": "5"},
}


@dataclass(frozen=True)
class Kind:
    """A problem that can be answered: by its stable code, with what to do about it."""

    code: str
    status: int
    title: str
    what_to_do: str
    meaning: str


def kinds() -> list[Kind]:
    """Every one, by status and code."""
    found = [
        Kind(error.code, *told, meaning=(error.__doc__ or "").strip())
        for error, told in _STATUS.items()
    ]
    found += [Kind(code, *told, meaning=_MEANINGS[code]) for code, told in _OTHERS.items()]
    return sorted(found, key=lambda kind: (kind.status, kind.code))


def told(error: GjurmaError) -> tuple[int, str, str] | None:
    """Status, title and what to do, not yet translated; None of what is a fault of ours."""
    kind = next((kind for kind in type(error).__mro__ if kind in _STATUS), None)
    return None if kind is None else _STATUS[kind]


def on_a_page(what_to_do: str, language: Language) -> str:
    """The same for who has a page before them and no program: it names none of our addresses."""
    t = texts.load(language, "problems")
    return t.raw(what_to_do, "page" if t.has(what_to_do, "page") else "")


class Fault(BaseModel):
    """What is wrong at one place of the request: `code` is stable, `detail` says it in English."""

    where: list[str | int]
    code: str
    detail: str


class Problem(BaseModel):
    """`code` is stable; `where` names the part of the request; `what_to_do` is for people.
    `faults`: each place by itself, where the request has not its form."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    where: str = ""
    what_to_do: str = ""
    faults: list[Fault] = []


def answer(
    request: Request,
    code: str,
    told: tuple[int, str, str],
    detail: str,
    *,
    where: str | None = None,
    headers: Mapping[str, str] | None = None,
    faults: Sequence[Fault] = (),
) -> JSONResponse:
    """`told`: status, title and what to do, said in the language that the request wishes."""
    status, title, what_to_do = told
    language = texts.wished(request.headers.get("Accept-Language"))
    t = texts.load(language, "problems")
    problem = Problem(
        type=f"urn:gjurma:problem:{code}",
        title=t(title),
        status=status,
        detail=detail,
        code=code,
        where=request.url.path if where is None else where,
        what_to_do=t(what_to_do) if what_to_do else "",
        faults=list(faults),
    )
    return JSONResponse(
        problem.model_dump(exclude=None if faults else {"faults"}),
        status,
        media_type=MEDIA_TYPE,
        headers={
            "Content-Language": language,
            "Vary": "Accept-Language",
            **_HEADERS.get(status, {}),
            **(headers or {}),
        },
    )


def install(app: FastAPI) -> None:
    """Answer every kind of error that this application can meet."""

    @app.exception_handler(GjurmaError)
    async def _known(request: Request, error: GjurmaError) -> JSONResponse:
        words = told(error)
        if words is None:
            raise error
        listening(request.scope).error = error
        return answer(request, error.code, words, _detail(error))

    @app.exception_handler(RequestValidationError)
    async def _malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        told = error.errors()
        listening(request.scope).beside = [raised_in(each) for each in told]
        faults = [
            (visible(".".join(str(part) for part in fault["loc"])), visible(str(fault["msg"])))
            for fault in told
        ]
        return answer(
            request,
            Refused.code,
            _STATUS[Refused],
            "; ".join(f"{where}: {what}" for where, what in faults),
            where=", ".join(where for where, _ in faults),
            faults=[_fault(each) for each in told],
        )

    @app.exception_handler(DBAPIError)
    async def _database(request: Request, error: DBAPIError) -> JSONResponse:
        if isinstance(error.orig, psycopg.DataError):
            return answer(request, Refused.code, _STATUS[Refused], _NOT_KEPT)
        if not may_pass(error):
            raise error
        away = unavailable(error.orig)
        return answer(request, away.code, _STATUS[type(away)], _detail(away))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        code = f"http-{error.status_code}"
        told = _OTHERS.get(code, (error.status_code, str(error.detail), ""))
        headers = dict(error.headers or {})
        if error.status_code == 405:
            # The framework names those of the first route that it met there.
            found = methods_at(request.app, request.url.path)
            headers |= {"Allow": ", ".join(found)} if found else {}
        return answer(request, code, told, str(error.detail), headers=headers)

    @app.exception_handler(Exception)
    async def _failed(request: Request, _error: Exception) -> JSONResponse:
        # The server logs it; who asked learns nothing of our insides.
        return answer(request, "internal", _OTHERS["internal"], "it was logged")


def _detail(error: GjurmaError) -> str:
    # What the database says of itself is for the log alone.
    of_database = isinstance(error, DatabaseUnavailable) and not isinstance(error, Busy)
    return _AWAY if of_database else str(error)


def _fault(told: Mapping[str, Any]) -> Fault:
    where = [part if isinstance(part, int) else visible(str(part)) for part in told["loc"]]
    return Fault(where=where, code=told["type"], detail=visible(str(told["msg"])))


def visible(text: str) -> str:
    """What came from outside, as text that can be sent: lone halves of characters are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
