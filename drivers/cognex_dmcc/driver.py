"""A Cognex DataMan over DMCC as a CodeReader.

Set on the reader: trigger type *single* or *manual*, DMCC on the wire that is used, and for what
was read an end of CR LF. Frame layouts, their sources and what they leave open are in `codec`; the
two ways of a reader to answer in `link`. Nothing but `open` and `read` triggers.

A trigger ends with one result: a code, or the message of nothing read. That message is the reader's
own word that it looked and saw nothing, so an empty look counts only with it. Where a reader is set
to send none (`no_read` empty), the acknowledgement of `TRIGGER OFF` has to do; silent responses
have none, and need the message.

DMCC has no command to empty a queue: `flush` ends any trigger, waits until nothing more comes, and
asks a question, whose answer comes after whatever the reader still held.

Unverified: what a reader says to `TRIGGER OFF` when no trigger is on (both OK and 104 are taken);
that it sends what it read only after it acknowledged the trigger (what comes earlier is dropped).
A result carries no number of its trigger, no symbology and no grade.
"""

import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.catalog import Kind
from drivers.cognex_dmcc.codec import (
    FIRMWARE,
    NO_READ,
    TRIGGER_OFF,
    TRIGGER_ON,
    TYPE,
    Results,
    Span,
    Status,
)
from drivers.cognex_dmcc.link import Extended, Link, Silent, numbers
from drivers.errors import BadFrame, DeviceRefused, LinkClosed, LinkTimeout, UnexpectedReply
from drivers.protocols import Identity, Reading
from drivers.transport import ByteStream, WatchedStream, open_stream, parse_url

Seconds = Annotated[float, Field(gt=0, le=60)]


class Options(BaseModel):
    """What can be set for a `cognex-dmcc` reader; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    responses: Literal["extended", "silent"] = "extended"
    """How the reader answers; silent is what it does as the maker delivers it."""
    configure: bool = True
    """Have the reader answer in that way when the wire is opened; it is not saved in it."""
    extended_mode: Literal[1, 2] = 1
    """The number of extended responses: 1 by the manual; 2 is in use with firmware 6.1."""
    results: Results = Results.BASE64
    """How extended responses bring what was read: `base64`, `framed` (a header and the text), or
    `plain` (the text alone)."""
    no_read: str = NO_READ
    """What the reader sends when it read nothing, as it is set there; empty if it sends nothing."""
    checksum: bool = False
    """Commands and replies carry a checksum."""
    checksum_span: Span = Span.WHOLE
    """Over which bytes: `whole` (the header too) or `body`."""
    reply_seconds: Seconds = 2.0
    """How long a reply may take."""
    result_seconds: Seconds = 1.0
    """How long after the end of a trigger the reader may still tell how it ended."""
    linger: Seconds = 0.05
    """How long after a code to wait for another that came along; so long nothing may come before
    a session."""
    aim_identifiers: bool = False
    """The reader is set to put AIM code identifiers (`]d1`) before each code."""

    @model_validator(mode="after")
    def _silence_needs_a_word(self) -> "Options":
        if self.responses == "silent" and not self.no_read:
            raise ValueError("silent responses need no_read, or nothing tells the end of a look")
        return self


class CognexDmcc:
    """Implements `drivers.protocols.CodeReader`."""

    def __init__(self, url: str, options: Options, name: str) -> None:
        parse_url(url)
        self._url = url
        self._options = options
        self._name = name
        self._idents = numbers()
        self._stream: WatchedStream | None = None
        self._link: Link | None = None
        self._read: list[Reading] = []
        self._owed = 0
        self._garbage = 0

    async def connect(self) -> None:
        """Open the wire and hear the reader answer. Raises LinkError, ProtocolError."""
        if self._stream is not None and not self._stream.ended:
            return
        await self.shut()
        self._stream = WatchedStream(await open_stream(self._url, self._name))
        self._link = self._made(self._stream)
        try:
            await self._link.begin(self._options.configure, "connect")
        except BaseException:
            await self.shut()
            raise

    async def identify(self) -> Identity:
        link = self._wire("identify")
        model = await link.question(TYPE, "identify")
        return Identity("Cognex", model, await link.question(FIRMWARE, "identify"))

    async def flush(self) -> None:
        """End any trigger, then drop what the reader and the line still hold."""
        link = self._wire("flush")
        await self._end_trigger(link, "flush")
        await link.settle(self._options.linger, "flush")

    async def open(self) -> None:
        """Trigger. What came before the acknowledgement belongs to no session of ours."""
        link = self._wire("open")
        self._read = []
        self._owed = 0
        self._garbage = link.garbage
        await self._trigger(link, "open")
        await link.forget_earlier("open")

    async def read(self, timeout: float) -> tuple[Reading, ...]:
        """Different codes once each, in their order. Triggers again while the reader sees nothing.

        Raises BadFrame if something came that could not be read:
        that is not the same as having seen nothing.
        """
        link = self._wire("read")
        deadline = time.monotonic() + timeout
        known = len(self._read)
        while (content := await link.result(deadline - time.monotonic(), "read")) is not None:
            while content is not None:
                self._take(content)
                content = await link.result(self._options.linger, "read")
            if len(self._read) > known:
                break
            if not self._owed and time.monotonic() < deadline:
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
        await self._end_trigger(link, "close")
        deadline = time.monotonic() + self._options.result_seconds
        while True:
            wait = deadline - time.monotonic() if self._owed else 0.0
            content = await link.result(wait, "close")
            if content is None:
                break
            self._take(content)
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

    def _made(self, stream: ByteStream) -> Link:
        options = self._options
        checked, span = options.checksum, options.checksum_span
        if options.responses == "silent":
            return Silent(stream, self._name, options.reply_seconds, checked, span)
        return Extended(
            stream,
            self._name,
            self._idents,
            options.reply_seconds,
            options.results,
            checked,
            span,
            options.extended_mode,
        )

    def _wire(self, operation: str) -> Link:
        if self._link is None:
            raise LinkClosed(self._name, operation, "not connected")
        return self._link

    async def _trigger(self, link: Link, operation: str) -> None:
        await link.command(TRIGGER_ON, operation)
        self._owed = int(bool(self._options.no_read))

    async def _end_trigger(self, link: Link, operation: str) -> None:
        try:
            await link.command(TRIGGER_OFF, operation)
        except DeviceRefused as refusal:
            # Unverified: a reader without a trigger may say so in this way.
            if refusal.vendor_code != str(Status.REJECTED_BY_STATE.value):
                raise

    def _take(self, content: bytes) -> None:
        """One result: the end of a trigger, and a code if it is not the message of none."""
        self._owed = 0
        # ISO/IEC 16022: without an ECI a byte is a character of ISO/IEC 8859-1; nothing is lost.
        text = content.decode("latin-1")
        if text == self._options.no_read:
            return
        reading = Reading(text)
        if self._options.aim_identifiers and text.startswith("]") and len(text) >= 3:
            reading = Reading(text[3:], text[:3])
        if reading not in self._read:
            self._read.append(reading)

    def _check(self, link: Link, operation: str) -> None:
        if link.garbage != self._garbage:
            raise BadFrame(self._name, operation, "the reader sent what could not be read")


def _build(url: str, options: Options, name: str) -> CognexDmcc:
    return CognexDmcc(url, options, name)


KIND = Kind("cognex-dmcc", "reader", Options, _build)
