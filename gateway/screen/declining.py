"""How the page and the local socket alike answer what cannot be done: a note's code and facts."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from gateway.contract.errors import JournalError
from gateway.moves import Note
from gateway.station import NotNow


def answer_refusals(app: FastAPI) -> None:
    """Whoever acts lets them through: nothing was done, and 409 says why."""

    @app.exception_handler(NotNow)
    async def not_now(_: Request, error: NotNow) -> JSONResponse:
        return _answer(error.note)

    @app.exception_handler(JournalError)
    async def not_journalled(_: Request, error: JournalError) -> JSONResponse:
        return _answer(Note(error.code, (("detail", str(error)),)))


def _answer(note: Note) -> JSONResponse:
    return JSONResponse({"code": note.code, "facts": dict(note.facts)}, status_code=409)
