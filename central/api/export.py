"""Lists whole, as CSV or as JSON lines: `?format=csv`, `?format=jsonl`.

A list that is exported is asked for page by page, as a caller would who follows `next`: the same
filters, the same visibility, and no more than a page in memory. Who has lost the right by then gets
no further page.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple, get_args
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from fastapi.routing import request_response
from pydantic import BaseModel
from starlette.types import ASGIApp, Message

from central.errors import Refused

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
FORMATS: Mapping[str, str] = {"csv": "text/csv", "jsonl": "application/jsonl"}
PAGE = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CUT = "the rest of the list cannot be read: {status} {text}"


class CutShort(Exception):
    """A list ended before its end: what was sent of it is not whole, and the connection ends so."""


class _Page(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def in_list(names: Collection[str]) -> str | None:
    """Of an answer's names the one under which the rows of a list stand, if it is one: `items` of a
    page, which says what is `next`, or `rows`."""
    if "items" in names and "next" in names:
        return "items"
    return "rows" if "rows" in names else None


def columns(model: Any) -> Sequence[str] | None:
    """The fields of a list's rows; None of what is no list."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return None
    where = in_list(model.model_fields)
    if where is None:
        return None
    found: dict[str, None] = {}
    for each in _models(model.model_fields[where].annotation):
        found |= dict.fromkeys(each.model_fields)
    return list(found)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """In `list[A]`, or `list[A] | list[B]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def exporting(handle: Handler, names: Sequence[str]) -> Handler:
    """The same list in the form that `format` names. Raises `Refused` for another form."""
    paged: ASGIApp = request_response(handle)

    async def exported(request: Request) -> Response:
        form = wanted(request)
        if form == "json":
            return await handle(request)
        query = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), True))
        del query["format"]
        query.setdefault("limit", str(PAGE))
        first = await _asked(paged, request, query)
        if first.status != 200:
            answer = Response(first.body, first.status)
            answer.raw_headers = first.headers
            return answer
        write = as_csv(names) if form == "csv" else as_jsonl
        name = request.url.path.rpartition("/")[2]
        return StreamingResponse(
            _parts(paged, request, query, first, write),
            media_type=FORMATS[form],
            headers={"Content-Disposition": f'attachment; filename="{name}.{form}"'},
        )

    return exported


def wanted(request: Request) -> str:
    """In which form a list is asked for. Raises `Refused` where there is none such."""
    form = request.query_params.get("format", "json")
    if form != "json" and form not in FORMATS:
        raise Refused("format: json, csv or jsonl")
    return form


async def _asked(paged: ASGIApp, request: Request, query: Mapping[str, str]) -> _Page:
    """One page, as the route answers it."""
    status, headers, body = 0, list[tuple[bytes, bytes]](), bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message["headers"])
        else:
            body.extend(message.get("body", b""))

    asked = {**request.scope, "query_string": urlencode(query).encode("ascii")}
    await paged(asked, receive, send)
    return _Page(status, headers, bytes(body))


async def _parts(
    paged: ASGIApp,
    request: Request,
    query: dict[str, str],
    page: _Page,
    write: Callable[[Sequence[Mapping[str, Any]], bool], str],
) -> AsyncIterator[bytes]:
    first = True
    while True:
        if page.status != 200:
            raise CutShort(_CUT.format(status=page.status, text=page.body[:200]))
        answer = json.loads(page.body)
        yield write(answer[in_list(answer)], first).encode()
        following = answer.get("next")
        if following is None:
            return
        # What a number leads on from is `after`, all else `cursor`.
        query["after" if isinstance(following, int) else "cursor"] = str(following)
        first = False
        page = await _asked(paged, request, query)


def as_jsonl(rows: Sequence[Mapping[str, Any]], _first: bool) -> str:
    """One object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def as_csv(names: Sequence[str]) -> Callable[[Sequence[Mapping[str, Any]], bool], str]:
    """RFC 4180; with a byte order mark, without which spreadsheets do not read ë and ç."""

    def write(rows: Sequence[Mapping[str, Any]], first: bool) -> str:
        text = io.StringIO()
        writer = csv.writer(text)
        if first:
            text.write("\ufeff")
            writer.writerow(names)
        writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
        return text.getvalue()

    return write


def _cell(value: Any) -> str:
    """A list or an object is its JSON; a text that a spreadsheet would compute has a `'` before."""
    if value is None:
        return ""
    if isinstance(value, str):
        return "'" + value if value.startswith(_FORMULA) else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return json.dumps(value, ensure_ascii=False)
