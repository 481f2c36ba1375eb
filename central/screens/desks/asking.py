"""Asks the interface in this process, as who looks at the page."""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict
from starlette.types import Receive, Scope, Send

from central import problems
from central.errors import DatabaseUnavailable, GjurmaError, Refused
from central.screens.refusals import LISTENING, Heard, each_in_words, in_words
from central.screens.viewer import Viewer

PREFIX = "/api/v1"
AWAY = 503
_BASE = "http://register"  # no server of this name is asked: the answer is our own


class Answer(BaseModel):
    """What the interface answered. `body` is a problem document from status 400 on; what is told
    as a bare list stands in it as the `items` of a page."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    status: int
    body: dict[str, Any]
    version: str = ""
    told: str | None = None
    """What was refused, in the language of who looks; None where the body alone says it."""
    sentences: tuple[str, ...] = ()
    """The same one by one; of an answer that refuses nothing, the faults that it tells of."""
    beside: tuple[tuple[str, ...], ...] = ()
    """By fault of the body, what it says in that language; nothing where the body alone says it."""
    error: GjurmaError | None = None
    """What the interface was refused by, where it was an error of the register."""

    @property
    def is_good(self) -> bool:
        return self.status < 400


async def look(viewer: Viewer, path: str, query: Mapping[str, str] | None = None) -> Answer:
    """As `ask`, of what a page cannot do without: raises what was refused."""
    told = await ask(viewer, "GET", path, query=query)
    if told.is_good:
        return told
    if told.error is not None:
        raise told.error
    detail = str(told.body.get("detail", ""))
    raise DatabaseUnavailable(detail) if told.status == AWAY else Refused(detail)


async def ask(
    viewer: Viewer,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    content: bytes | None = None,
    key: str = "",
    version: str = "",
) -> Answer:
    """`path`: below `/api/v1`; `body`: as JSON, `content`: a file in its place; `key`: the form's,
    by which it is done once however often it is sent; `version`: the one that the subject had when
    it was shown."""
    headers = {
        "Authorization": f"Bearer {viewer.secret}",
        "Accept-Language": viewer.language,
        "Accept-Encoding": "identity",
    }
    if key:
        headers["Idempotency-Key"] = key
    if version:
        headers["If-Match"] = f'"{version}"'
    heard = Heard()

    async def listened_to(scope: Scope, receive: Receive, send: Send) -> None:
        await viewer.request.app({**scope, LISTENING: heard}, receive, send)

    transport = httpx.ASGITransport(app=listened_to, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=_BASE, headers=headers) as http:
        response = await http.request(
            method, PREFIX + path, params=query, json=body, content=content
        )
    told = response.json()
    language, error = viewer.language, heard.error
    if error is not None and (words := problems.told(error)):
        told["what_to_do"] = problems.on_a_page(words[2], language)
    sentences = [
        one for each in heard.found for one in each_in_words(each, language) or (str(each),)
    ]
    if error is not None and error.args:
        sentences = list(each_in_words(error.args[0], language))
    return Answer(
        status=response.status_code,
        body={"items": told, "next": None} if isinstance(told, list) else told,
        version=response.headers.get("ETag", "").strip('"'),
        told=None if error is None else in_words(error, language),
        sentences=tuple(sentences),
        beside=tuple(each_in_words(each, language) for each in heard.beside),
        error=error,
    )
