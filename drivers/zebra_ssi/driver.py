"""A Zebra reader over SSI as a CodeReader.

The reader has to be set to SSI, with the bar code of its manual; `configure` sets the rest each
time the wire is opened, until the reader is switched off: host trigger mode, packeted decode data,
ACK/NAK, no message when nothing was read, and how soon a packet is sent again. Frame layouts and
their sources are in `codec`, the handshake in `link`.

Zebra recommends RTS/CTS handshaking, or else WAKEUP before all other communication (`Link`). Not
every wire has these lines, so this driver sends WAKEUP, and leaves RTS off: a reader takes RTS that
is on for a host that is about to send, and sends nothing itself (DS457, page 8-13).

Unverified: that WAKEUP means nothing to a reader that is awake; `wake` leaves it out.

What SSI does not have: an identifier of the read in a reply, a report that nothing was seen (a
session without a code just stays silent), and a grade. So a packet that the wire lost whole looks
like nothing seen, until the reader misses its acknowledgement and sends it again: the end of an
empty session waits for that.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from drivers.address import parse_url_without_flow_control
from drivers.catalog import Kind
from drivers.errors import BadFrame, DeviceRefused, LinkClosed, UnexpectedReply
from drivers.protocols import Identity, Reading
from drivers.transport import open_stream
from drivers.zebra_ssi.codec import (
    RESEND_LIMIT,
    RESEND_UNIT,
    Capabilities,
    Cause,
    Decoded,
    Opcode,
    Packet,
    decode_capabilities,
    decode_revision,
    explain,
    host_settings,
    settings,
    symbology,
)
from drivers.zebra_ssi.link import Link

Seconds = Annotated[float, Field(gt=0, le=60)]
Resend = Annotated[float, Field(ge=RESEND_UNIT, le=RESEND_LIMIT, multiple_of=RESEND_UNIT)]


class Options(BaseModel):
    """What can be set for a `zebra-ssi` reader; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    response_timeout: Seconds = 2.0
    """How long an answer of the reader may take before the command is sent again."""
    resend_seconds: Resend = 0.2
    """How long the reader waits for an acknowledgement before it sends a packet again (SSI
    parameter 9B; multiples of 0.1). `configure` sets it; without that the reader has to be set so.
    The end of a session in which nothing was read takes so long, and `linger`."""
    character_timeout: Seconds = 0.2
    """A silence inside a packet after which it is given up (SSI parameter EF)."""
    linger: Seconds = 0.05
    """How long after a code to wait for another that came along; the margin on `resend_seconds`."""
    configure: bool = True
    """Send the reader its settings when the wire is opened."""
    wake: bool = True
    """Send WAKEUP, one zero byte, to a reader that may be in low power mode."""
    aim_identifiers: bool = False
    """The reader is set to put AIM code identifiers (`]d1`) before each code."""


class ZebraSsi:
    """Implements `drivers.protocols.CodeReader`."""

    def __init__(self, url: str, options: Options, name: str) -> None:
        parse_url_without_flow_control(url)
        self._url = url
        self._options = options
        self._name = name
        self._link: Link | None = None
        self._read: list[Reading] = []

    async def connect(self) -> None:
        """Open the wire and have the reader take commands. Raises LinkError, DeviceRefused."""
        if self._link is not None and not self._link.closed:
            return
        await self.shut()
        stream = await open_stream(self._url, self._name, rts=False)
        link = Link(
            stream,
            self._name,
            self._options.response_timeout,
            self._options.character_timeout,
            wake=self._options.wake,
        )
        self._link = link
        try:
            if self._options.configure:
                changed = settings(host_settings(self._options.resend_seconds))
                await link.command(changed, "connect")
            await link.command(Packet(Opcode.SCAN_ENABLE), "connect")
        except BaseException:
            await self.shut()
            raise

    async def identify(self) -> Identity:
        """SSI gives software revision, board and engine; the engine stands for the model."""
        packet = await self._wire("identify").question(
            Opcode.REQUEST_REVISION, Opcode.REPLY_REVISION, "identify"
        )
        fields = decode_revision(packet)
        version, _board, engine = (fields + [""] * 3)[:3]
        return Identity("Zebra", engine, version)

    async def capabilities(self) -> Capabilities:
        """What the reader says it can do. Raises DeviceRefused by models without the question."""
        packet = await self._wire("capabilities").question(
            Opcode.CAPABILITIES_REQUEST, Opcode.CAPABILITIES_REPLY, "capabilities"
        )
        try:
            return decode_capabilities(packet)
        except ValueError as fault:
            raise BadFrame(self._name, "capabilities", str(fault)) from fault

    async def flush(self) -> None:
        """Empty the reader's queue, then the line: a fence follows the reader's acknowledgement."""
        link = self._wire("flush")
        await link.command(Packet(Opcode.FLUSH_QUEUE), "flush")
        await link.fence("flush")
        link.forget()

    async def open(self) -> None:
        """Start a session. What came before the acknowledgement belongs to no session of ours."""
        link = self._wire("open")
        self._read = []
        await link.command(Packet(Opcode.START_SESSION), "open")
        link.forget()

    async def read(self, timeout: float) -> tuple[Reading, ...]:
        """Different codes once each, in their order.

        Raises BadFrame if something came that could not be read:
        that is not the same as having seen nothing.
        """
        link = self._wire("read")
        known = len(self._read)
        decoded = await link.listen(timeout, "read")
        while decoded is not None:
            reading = self._reading(decoded)
            if reading not in self._read:
                self._read.append(reading)
            decoded = await link.listen(self._options.linger, "read")
        if link.unresolved:
            raise BadFrame(self._name, "read", "the reader sent what could not be read")
        return tuple(self._read[known:])

    async def close(self) -> None:
        """End the session; one in which nothing was read, `resend_seconds` and `linger` later.

        Raises UnexpectedReply if a code that `read` has not returned came before the reader
        acknowledged the end, or in that time: the look that returned without it does not count.
        """
        link = self._wire("close")
        try:
            await link.command(Packet(Opcode.STOP_SESSION), "close")
        except DeviceRefused as refusal:
            # Unverified: a reader whose session ended with the code may say so in this way.
            if refusal.vendor_code != str(Cause.BAD_CONTEXT):
                raise
        decoded = link.taken()
        if not (self._read or decoded or link.unresolved):
            decoded = await self._sent_again(link)
        late = [reading for reading in map(self._reading, decoded) if reading not in self._read]
        if late:
            raise UnexpectedReply(
                self._name, "close", f"{late[0].content!r} came after the read was over"
            )
        if link.unresolved:
            raise BadFrame(self._name, "close", "the reader sent what could not be read")

    async def shut(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _sent_again(self, link: Link) -> list[Decoded]:
        """What the wire lost whole until the end was acknowledged, if there was such a packet.

        Unverified: that a reader sends it again although the session has ended.
        """
        seconds = self._options.resend_seconds + self._options.linger
        decoded = await link.listen(seconds, "close")
        return [] if decoded is None else [decoded]

    def _wire(self, operation: str) -> Link:
        if self._link is None or self._link.closed:
            raise LinkClosed(self._name, operation, "not connected")
        return self._link

    def _reading(self, decoded: Decoded) -> Reading:
        # ISO/IEC 16022: without an ECI a byte is a character of ISO/IEC 8859-1; nothing is lost.
        content = decoded.data.decode("latin-1")
        if self._options.aim_identifiers and content.startswith("]") and len(content) >= 3:
            return Reading(content[3:], content[:3])
        return Reading(content, symbology(decoded.code_type))


def _build(url: str, options: Options, name: str) -> ZebraSsi:
    return ZebraSsi(url, options, name)


KIND = Kind(
    "zebra-ssi",
    "reader",
    Options,
    _build,
    strangers=({"configure": False},),
    explain=explain,
)
