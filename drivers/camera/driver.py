"""A camera as a CodeReader: its pictures are decoded here, and graded by an estimate.

A session looks at one picture after another until a code is in one, or the time is over. It is
empty only if a picture was taken after `open`, was whole, and nothing was in it; no picture at all
is a LinkTimeout, one that cannot be unpacked a BadFrame. Which pictures count is each source's to
say (`folder`, `snapshot`, `v4l2`), and `latency_seconds` keeps out what a camera took before and
delivers late. Decoding climbs the ladder of `codec` in a thread.

The picture by which a session ended is kept in `picture`, a whole file as it came.
"""

import asyncio
from typing import Annotated, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers import clock
from drivers.camera.codec import Code, NoPicture, Seen, decode
from drivers.camera.folder import FolderSource
from drivers.camera.quality import estimate
from drivers.camera.snapshot import SnapshotSource
from drivers.camera.source import (
    SCHEMES,
    FolderTarget,
    SnapshotTarget,
    Source,
    VideoTarget,
    parse_url,
)
from drivers.camera.v4l2 import VideoSource
from drivers.catalog import Kind
from drivers.errors import BadFrame, LinkClosed, LinkTimeout
from drivers.protocols import Identity, Reading

Seconds = Annotated[float, Field(gt=0, le=60)]
Pixels = Annotated[int, Field(ge=64, le=8192)]
Symbology = Literal["DataMatrix", "QRCode", "Code128", "Code39", "EAN13"]


class Options(BaseModel):
    """What can be set for a `camera`; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency_seconds: Annotated[float, Field(ge=0, le=60)] = 0.1
    """A picture that comes, or would be asked for, sooner than this after `open` does not count:
    the longest way from the lens to here."""
    reply_seconds: Seconds = 2.0
    """How long a camera may take to answer with a whole picture (HTTP)."""
    pause_seconds: Seconds = 0.05
    """From one question to the next (HTTP)."""
    settle_seconds: Seconds = 0.1
    """A file that has not changed for so long is whole (folder)."""
    ladder: bool = True
    """Try pictures in which nothing is seen again, filtered for dot-peened marks."""
    symbologies: Annotated[tuple[Symbology, ...], Field(min_length=1)] = ("DataMatrix", "QRCode")
    """What is looked for. Bar codes of one dimension are seen by chance in brushed metal."""
    width: Pixels = 1280
    """Pixels of a picture (V4L2); the device takes what is nearest."""
    height: Pixels = 960
    """Pixels of a picture (V4L2); the device takes what is nearest."""
    user: str = ""
    """As whom the camera is asked (HTTP); nobody where it is empty."""
    password: str = Field("", repr=False)
    """That user's (HTTP)."""
    authentication: Literal["digest", "basic"] = "digest"
    """How the camera is told user and password (HTTP)."""

    @model_validator(mode="after")
    def _a_user(self) -> "Options":
        if self.password and not self.user:
            raise ValueError("a password needs a user")
        return self

    @property
    def auth(self) -> httpx.Auth | None:
        if not self.user:
            return None
        kind = httpx.DigestAuth if self.authentication == "digest" else httpx.BasicAuth
        return kind(self.user, self.password)


class Camera:
    """Implements `drivers.protocols.CodeReader` and `Pictured`."""

    def __init__(self, url: str, options: Options, name: str) -> None:
        self._name = name
        self._options = options
        self._source = _source(url, options, name)
        self._opened: float | None = None
        self._picture: bytes | None = None

    @property
    def picture(self) -> bytes | None:
        return self._picture

    async def connect(self) -> None:
        await self._source.connect("connect")

    async def identify(self) -> Identity:
        return await self._source.identify("identify")

    async def flush(self) -> None:
        """Nothing is held between sessions: `open` draws the line."""
        self._opened = None

    async def open(self) -> None:
        self._picture = None
        await self._source.begin("open")
        self._opened = clock.now()

    async def read(self, timeout: float) -> tuple[Reading, ...]:
        if self._opened is None:
            raise LinkClosed(self._name, "read", "no session is open")
        deadline = clock.now() + timeout
        earliest = self._opened + self._options.latency_seconds
        while True:
            picture = await self._source.next(earliest, deadline, "read")
            if picture is None:
                break
            try:
                readings = await asyncio.to_thread(self._look, picture)
            except NoPicture as fault:
                raise BadFrame(self._name, "read", f"no whole picture: {fault}") from fault
            self._picture = picture
            if readings:
                return readings
        if self._picture is None:
            raise LinkTimeout(self._name, "read", f"no picture came in {timeout:g} s")
        return ()

    async def close(self) -> None:
        self._opened = None
        await self._source.end("close")

    async def shut(self) -> None:
        self._opened = None
        await self._source.close()

    def _look(self, picture: bytes) -> tuple[Reading, ...]:
        """Runs in a thread; touches nothing that another one does."""
        seen = decode(picture, self._options.symbologies, ladder=self._options.ladder)
        return tuple(_reading(seen, code) for code in seen.codes)


def _reading(seen: Seen, code: Code) -> Reading:
    quality = estimate(seen.picture, code)
    return Reading(code.content, code.symbology, "" if quality is None else quality.told)


def _source(url: str, options: Options, name: str) -> Source:
    match parse_url(url):
        case FolderTarget(path):
            return FolderSource(path, name, options.settle_seconds)
        case SnapshotTarget(address):
            reply, pause = options.reply_seconds, options.pause_seconds
            return SnapshotSource(address, name, reply, pause, options.auth)
        case VideoTarget(path):
            return VideoSource(path, name, (options.width, options.height))


def _build(url: str, options: Options, name: str) -> Camera:
    return Camera(url, options, name)


KIND = Kind(
    "camera",
    "reader",
    Options,
    _build,
    wires=SCHEMES,
    grades=True,
    parse_url=parse_url,
)
