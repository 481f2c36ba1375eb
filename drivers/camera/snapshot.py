"""Pictures by HTTP: each is asked for, so that it is no older than the question.

Unless the camera answers with what it took before: an answer of some cache (`Age`) is refused, and
`latency_seconds` is waited after the beginning, as long as a camera may keep a picture.
"""

import asyncio

import httpx

from drivers import clock
from drivers.camera.source import LARGEST_PICTURE
from drivers.errors import BadFrame, DeviceRefused, LinkClosed, LinkTimeout, UnexpectedReply
from drivers.protocols import Identity

_HEADERS = {"Cache-Control": "no-cache", "Accept": "image/*"}


class SnapshotSource:
    """Implements `drivers.camera.source.Source`. `reply` and `pause` in seconds."""

    def __init__(
        self, url: str, device: str, reply: float, pause: float, auth: httpx.Auth | None
    ) -> None:
        self._url = url
        self._device = device
        self._reply = reply
        self._pause = pause
        self._auth = auth
        self._client: httpx.AsyncClient | None = None
        self._asked = 0.0

    async def connect(self, operation: str) -> None:
        """Take a picture, which counts for nothing: the camera is there and lets us in."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                auth=self._auth, headers=_HEADERS, timeout=self._reply, trust_env=False
            )
            await self._ask(operation)

    async def identify(self, operation: str) -> Identity:
        response, _ = await self._ask(operation)
        return Identity("", response.headers.get("Server", "")[:200], "")

    async def begin(self, operation: str) -> None:
        """Nothing is held here: every picture is asked for anew."""

    async def next(self, earliest: float, deadline: float, operation: str) -> bytes | None:
        at = max(earliest, self._asked + self._pause)
        await asyncio.sleep(max(min(at, deadline) - clock.now(), 0))
        if at >= deadline or clock.now() >= deadline:
            return None
        self._asked = clock.now()
        return (await self._ask(operation))[1]

    async def end(self, operation: str) -> None:
        """Nothing was begun."""

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(self, operation: str) -> tuple[httpx.Response, bytes]:
        if self._client is None:
            raise LinkClosed(self._device, operation, "not connected")
        try:
            async with (
                asyncio.timeout(self._reply),
                self._client.stream("GET", self._url) as response,
            ):
                return response, await self._body(response, operation)
        except (TimeoutError, httpx.TimeoutException) as fault:
            detail = f"no whole picture in {self._reply:g} s"
            raise LinkTimeout(self._device, operation, detail) from fault
        except httpx.TransportError as fault:
            raise LinkClosed(self._device, operation, _told(fault)) from fault
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise UnexpectedReply(self._device, operation, _told(fault)) from fault

    async def _body(self, response: httpx.Response, operation: str) -> bytes:
        status = response.status_code
        if status in (401, 403):
            detail = f"the camera lets nobody in who is not known to it ({status})"
            raise DeviceRefused(self._device, operation, detail, str(status))
        if status != 200:
            raise UnexpectedReply(self._device, operation, f"HTTP status {status}")
        if response.headers.get("Age", "0").strip() != "0":
            raise UnexpectedReply(self._device, operation, "the answer comes out of a cache")
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > LARGEST_PICTURE:
                raise BadFrame(self._device, operation, "the answer is too large for a picture")
        return bytes(body)


def _told(fault: Exception) -> str:
    return str(fault) or type(fault).__name__
