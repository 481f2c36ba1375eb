"""How the page and the local socket alike answer what cannot be done: a note's code and facts."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from gateway.contract.errors import JournalError
from gateway.details import of_error
from gateway.moves import Note
from gateway.screen.snapshot import note_view
from gateway.station import NotNow


def answer_refusals(app: FastAPI) -> None:
    """Whoever acts lets them through: nothing was done, and 409 says why."""

    @app.exception_handler(NotNow)
    async def not_now(_: Request, error: NotNow) -> JSONResponse:
        return _answer(error.note)

    @app.exception_handler(JournalError)
    async def not_journalled(_: Request, error: JournalError) -> JSONResponse:
        return _answer(Note(error.code, (("detail", of_error(error)),)))


def _answer(note: Note) -> JSONResponse:
    return JSONResponse(note_view(note), status_code=409)
