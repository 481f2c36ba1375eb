"""A session of a reader that looks when it is triggered, whatever its maker's frames.

A trigger ends with one result: a code, or the message of nothing read. That message is the reader's
own word that it looked and saw nothing, so an empty look counts only with it; where a reader is set
to send none (`no_read` empty), the acknowledgement of the end has to do.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers import clock
from drivers.errors import BadChecksum, BadFrame, LinkClosed, LinkTimeout, UnexpectedReply
from drivers.protocols import Identity, Reading
from drivers.transport import ByteStream, WatchedStream, open_stream, parse_url


@dataclass(frozen=True, slots=True)
class Result:
    """How a trigger ended: a code, with the reader's grade of it where it gives one."""

    content: bytes
    grade: str = ""
    nothing: bool = False
    """The family knows it for the message of nothing read, whatever stands around that."""


class Link(Protocol):
    """One reader's wire, as its family asks it. Everything raises DeviceError."""

    @property
    def garbage(self) -> int:
        """Bytes so far that were no frame, or only a part of one."""

    async def begin(self, operation: str) -> None:
        """Have the reader answer as this family needs it, and hear that it does."""

    async def identify(self, operation: str) -> Identity:
        """Who it is; triggers nothing."""

    async def trigger(self, operation: str) -> None:
        """Have the reader acknowledge a trigger, as far as its protocol can."""

    async def stop(self, operation: str) -> None:
        """Have the reader acknowledge that no trigger is on any more."""

    async def result(self, seconds: float, operation: str) -> Result | None:
        """The oldest result that came and was not taken, or None after `seconds`."""

    async def forget_earlier(self, operation: str) -> None:
        """Drop the results that came before the trigger was acknowledged."""

    async def settle(self, quiet: float, operation: str) -> None:
        """Drop results until nothing has come for `quiet` seconds and the reader has answered a
        question after that. Raises BadFrame if it goes on.
        """

    async def close(self) -> None: ...


class TriggeredReader:
    """Implements `drivers.protocols.CodeReader`. `make` puts a family's link on an open wire."""

    def __init__(
        self,
        url: str,
        name: str,
        make: Callable[[ByteStream], Link],
        *,
        no_read: str,
        linger: float,
        result_seconds: float,
        aim_identifiers: bool,
    ) -> None:
        parse_url(url)
        self._url = url
        self._name = name
        self._make = make
        self._no_read = no_read
        self._linger = linger
        self._result_seconds = result_seconds
        self._aim_identifiers = aim_identifiers
        self._stream: WatchedStream | None = None
        self._link: Link | None = None
        self._read: list[Reading] = []
        self._owed = False
        self._garbage = 0

    async def connect(self) -> None:
        """Open the wire and hear the reader answer."""
        if self._stream is not None and not self._stream.ended:
            return
        await self.shut()
        self._stream = WatchedStream(await open_stream(self._url, self._name))
        self._link = self._make(self._stream)
        try:
            await self._link.begin("connect")
        except BaseException:
            await self.shut()
            raise

    async def identify(self) -> Identity:
        return await self._wire("identify").identify("identify")

    async def flush(self) -> None:
        """End any trigger, then drop what the reader and the line still hold."""
        link = self._wire("flush")
        await link.stop("flush")
        await link.settle(self._linger, "flush")

    async def open(self) -> None:
        """Trigger. What came before the acknowledgement belongs to no session of ours."""
        link = self._wire("open")
        self._read = []
        self._garbage = link.garbage
        await self._trigger(link, "open")
        await link.forget_earlier("open")

    async def read(self, timeout: float) -> tuple[Reading, ...]:
        """Different codes once each, in their order. Triggers again while the reader sees nothing.

        Raises BadFrame if something came that could not be read:
        that is not the same as having seen nothing.
        """
        link = self._wire("read")
        deadline = clock.now() + timeout
        known = len(self._read)
        while (result := await link.result(deadline - clock.now(), "read")) is not None:
            while result is not None:
                self._take(result)
                result = await link.result(self._linger, "read")
            if len(self._read) > known:
                break
            if not self._owed and clock.now() < deadline:
                await self._trigger(link, "read")
        self._check(link, "read")
        return tuple(self._read[known:])

    async def close(self) -> None:
        """End the trigger, and hear how it ended.

        Raises UnexpectedReply if a code that `read` has not returned came before the end: the look
        that returned without it does not count. LinkTimeout if the reader does not tell the end.
        """
        link = self._wire("close")
        known = len(self._read)
        await link.stop("close")
        deadline = clock.now() + self._result_seconds
        while True:
            wait = deadline - clock.now() if self._owed else 0.0
            result = await link.result(wait, "close")
            if result is None:
                break
            self._take(result)
        self._check(link, "close")
        if len(self._read) > known:
            late = self._read[known].content
            raise UnexpectedReply(self._name, "close", f"{late!r} came after the read was over")
        if self._owed:
            raise LinkTimeout(self._name, "close", "the reader did not tell how its trigger ended")

    async def shut(self) -> None:
        link, self._link, self._stream = self._link, None, None
        if link is not None:
            await link.close()

    def _wire(self, operation: str) -> Link:
        if self._link is None:
            raise LinkClosed(self._name, operation, "not connected")
        return self._link

    async def _trigger(self, link: Link, operation: str) -> None:
        await link.trigger(operation)
        self._owed = bool(self._no_read)

    def _take(self, result: Result) -> None:
        """One result: the end of a trigger, and a code if it is not the message of none.

        A code that came before is the same one, whatever its grade is now.
        """
        self._owed = False
        # ISO/IEC 16022: without an ECI a byte is a character of ISO/IEC 8859-1; nothing is lost.
        text = result.content.decode("latin-1")
        if result.nothing or text == self._no_read:
            return
        symbology = ""
        if self._aim_identifiers and text.startswith("]") and len(text) >= 3:
            symbology, text = text[:3], text[3:]
        if (text, symbology) not in [(known.content, known.symbology) for known in self._read]:
            self._read.append(Reading(text, symbology, result.grade))

    def _check(self, link: Link, operation: str) -> None:
        if link.garbage != self._garbage:
            raise BadFrame(self._name, operation, "the reader sent what could not be read")


async def drop(link: Link, quiet: float, device: str, operation: str, limit: float = 2.0) -> None:
    """Drop results, whole or damaged, until nothing has come for `quiet` seconds."""
    end = clock.now() + limit
    while True:
        with contextlib.suppress(BadFrame, BadChecksum):
            if await link.result(quiet, operation) is None:
                return
        if clock.now() > end:
            raise BadFrame(device, operation, "the reader does not become quiet")
