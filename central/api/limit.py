"""How much a request may bring: more is not read, whoever sends it."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 1024 * 1024
"""Of a body, in bytes."""
LARGEST_FILE = 32 * 1024 * 1024
"""Of a file that is imported; it is read only once it is known who sends it."""

TOO_LARGE = 413


class SmallBodies:
    """Ends the reading of a larger body with 413; the application answers it as any problem."""

    def __init__(
        self, app: ASGIApp, largest: int = LARGEST, files: Mapping[str, int] | None = None
    ) -> None:
        """`files`: by address, what it is there."""
        self._app = app
        self._largest = largest
        self._files = files or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("Content-Length", "")
        size = int(told) if told.isdecimal() else 0
        largest = self._files.get(scope["path"], self._largest)
        read = 0

        async def receiving() -> Message:
            nonlocal read
            if size > largest:
                raise HTTPException(TOO_LARGE)
            message = await receive()
            read += len(message.get("body", b""))
            if read > largest:
                raise HTTPException(TOO_LARGE)
            return message

        await self._app(scope, receiving, send)
