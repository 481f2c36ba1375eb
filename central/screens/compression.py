"""Answers are compressed, but for those whose length could tell a secret that stands in them.

Who chooses a part of an answer's text, and sees how long the answer is once it is compressed, can
guess at the rest of it piece by piece: at the token in its forms, or at what the register holds
(BREACH). So nothing is compressed that may repeat what was asked: an answer to a form, an answer
to an address with a query, an error that names what was not found.
"""

import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST = 1000
"""Bytes: less than that is one packet anyway."""
_LEVEL = 5
_KINDS = ("text/html", "application/json", "image/svg+xml")
_NOTHING_REPEATED = "/feed/"
"""What a page's scripts ask for: rows of the register, no token, and nothing of the question."""


class Compression:
    """Plain ASGI, so that streams stay streams."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _may_be(scope):
            await self._app(scope, receive, send)
            return
        held: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_text(message):
                held = message
                return
            if held is not None:
                start, held = held, None
                if not message.get("more_body") and len(message["body"]) >= LEAST:
                    message = {**message, "body": gzip.compress(message["body"], _LEVEL, mtime=0)}
                    headers = MutableHeaders(scope=start)
                    headers["Content-Encoding"] = "gzip"
                    headers["Content-Length"] = str(len(message["body"]))
                    headers.add_vary_header("Accept-Encoding")
                await send(start)
            await send(message)

        await self._app(scope, receive, sending)


def _may_be(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    if scope["query_string"] and not scope["path"].startswith(_NOTHING_REPEATED):
        return False
    return "gzip" in Headers(scope=scope).get("Accept-Encoding", "")


def _is_text(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return (
        start["status"] == 200
        and headers.get("Content-Type", "").partition(";")[0] in _KINDS
        and "Content-Encoding" not in headers
        and "ETag" not in headers  # it names these very bytes
    )
