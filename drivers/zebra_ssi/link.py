"""SSI's handshake over a byte stream: who acknowledges what, when to send again, when to give up.

Zebra Simple Serial Interface Programmer's Guide (72E-40451) and Symbol SE955 Integration Guide,
sections on CMD_ACK and CMD_NAK: a command is answered by CMD_ACK, CMD_NAK or by the data it asked
for; without an answer in the response timeout it is sent twice more, with the retransmit bit; an
acknowledgement is never acknowledged.

An ACK does not say what it acknowledges. After anything out of the ordinary (a second try, a
frame that nobody asked for) a late ACK could be taken for the answer to the next command. So the
next command then waits behind a *fence*: a question whose answer is no ACK. The line keeps its
order, so nothing older than that answer is still under way.

Without RTS/CTS handshaking a reader in low power mode loses what wakes it: the host sends WAKEUP
first (DS8108 Product Reference Guide, page 5-5, with the 10 ms of page 5-7; DS457: 7 ms, page 8-7).
Low power mode begins after one second or more.
"""

import asyncio
from collections import deque

from drivers import clock
from drivers.errors import BadFrame, DeviceRefused, LinkClosed, LinkTimeout
from drivers.transport import ByteStream
from drivers.zebra_ssi.codec import (
    DECODER,
    Assembler,
    Cause,
    Decoded,
    Opcode,
    Packet,
    PacketError,
    Splitter,
    again,
    cause_name,
    decode,
    encode,
    nak,
    nak_cause,
)

RETRIES = 2
WAKEUP = b"\0"
AWAKE_SECONDS = 0.5
"""A reader with which bytes were exchanged less long ago is awake."""
WAKING_SECONDS = 0.02
_HANDSHAKE = (Opcode.CMD_ACK, Opcode.CMD_NAK)
_NOISE_SECONDS = 2.0
_NAKS_IN_A_ROW = 3  # against a peer that speaks something else and would be asked for ever


class Link:
    """One reader's line. Codes that it sends at any time are acknowledged and kept, in order."""

    def __init__(
        self,
        stream: ByteStream,
        device: str,
        response_timeout: float,
        character_timeout: float,
        *,
        wake: bool,
    ) -> None:
        self._stream = stream
        self._wake = wake
        self._exchanged_at = float("-inf")
        self._device = device
        self._response_timeout = response_timeout
        self._character_timeout = character_timeout
        self._splitter = Splitter()
        self._assembler = Assembler()
        self._frames: deque[bytes] = deque()
        self._codes: deque[Decoded] = deque()
        self._dirty = True
        self._fencing = False
        self._damaged = False
        self._naks = 0
        self.closed = False

    @property
    def unresolved(self) -> bool:
        """Something arrived that could not be read and was not sent again, or only in part."""
        return self._damaged or self._assembler.partial

    async def command(self, packet: Packet, operation: str) -> None:
        """Have the reader acknowledge a command. Raises DeviceRefused, LinkError, BadFrame."""
        await self._settle(operation)
        await self._ask(packet, Opcode.CMD_ACK, operation)

    async def question(self, opcode: Opcode, reply: Opcode, operation: str) -> Packet:
        """Ask for data. Raises as `command`."""
        await self._settle(operation)
        return await self._ask(Packet(opcode), reply, operation)

    async def fence(self, operation: str) -> Packet:
        """Ask for the revision: whatever the reader sent before the answer has then arrived."""
        self._fencing = True
        try:
            packet = await self._ask(
                Packet(Opcode.REQUEST_REVISION), Opcode.REPLY_REVISION, operation
            )
        finally:
            self._fencing = False
        self._dirty = False
        return packet

    async def listen(self, seconds: float, operation: str) -> Decoded | None:
        """The oldest code that was sent and not taken, or None after `seconds`."""
        deadline = clock.now() + seconds
        extended = False
        while not self._codes:
            packet = await self._receive(deadline, operation)
            if packet is not None:
                await self._take(packet)
            elif self.unresolved and not extended:
                extended = True  # the rest is under way, or it is being sent again
                deadline = clock.now() + self._response_timeout
            else:
                return None
        return self._codes.popleft()

    def taken(self) -> list[Decoded]:
        """The codes that have arrived and were not taken."""
        codes = list(self._codes)
        self._codes.clear()
        return codes

    def forget(self) -> None:
        """Drop every code that has arrived, whole or in part, and what was damaged."""
        self._codes.clear()
        self._assembler = Assembler()
        self._damaged = False

    async def close(self) -> None:
        self.closed = True
        await self._stream.close()

    async def _settle(self, operation: str) -> None:
        """Take what has arrived unasked, and fence off late answers if there could be any."""
        while packet := await self._receive(clock.now(), operation):
            await self._take(packet)
        if self._dirty:
            await self.fence(operation)

    async def _ask(self, request: Packet, reply: Opcode, operation: str) -> Packet:
        self._dirty = True
        clean = True
        damaged = self._damaged
        for attempt in range(1 + RETRIES):
            clean = clean and attempt == 0
            await self._write(again(request) if attempt else request, operation)
            deadline = clock.now() + self._response_timeout
            while packet := await self._receive(deadline, operation):
                if packet.opcode == reply:
                    if reply is not Opcode.CMD_ACK:
                        await self._acknowledge(operation)
                    self._dirty = not clean
                    if packet.retransmit:  # so it was this answer that had been damaged
                        self._damaged = damaged
                    return packet
                if packet.opcode == Opcode.CMD_NAK:
                    cause = nak_cause(packet)
                    if cause == Cause.RESEND:
                        break
                    if not self._fencing:
                        self._dirty = not clean
                        raise DeviceRefused(
                            self._device, operation, f"NAK {cause_name(cause)}", str(cause)
                        )
                clean = clean and packet.opcode == Opcode.DECODE_DATA
                await self._take(packet)
        if self._damaged:
            raise BadFrame(self._device, operation, "only damaged frames came in answer")
        raise LinkTimeout(self._device, operation, f"no answer to {1 + RETRIES} tries")

    async def _take(self, packet: Packet) -> None:
        """Deal with a packet that answers nothing that is asked now."""
        if packet.opcode in _HANDSHAKE:
            self._dirty = True
            return
        await self._acknowledge("acknowledge")
        if packet.opcode != Opcode.DECODE_DATA:
            return
        try:
            decoded = self._assembler.add(packet)
        except PacketError:
            self._damaged = True
            return
        if packet.retransmit or decoded is not None:
            self._damaged = False
        if decoded is not None:
            self._codes.append(decoded)

    async def _receive(self, deadline: float, operation: str) -> Packet | None:
        """The next good packet, or None at the deadline. Asks for damaged ones again."""
        while True:
            while self._frames:
                try:
                    packet = decode(self._frames.popleft())
                except PacketError:
                    await self._refuse(operation)
                    continue
                if packet.source != DECODER:
                    await self._refuse(operation)
                    continue
                self._naks = 0
                return packet
            if not await self._pull(deadline, operation):
                return None

    async def _pull(self, deadline: float, operation: str) -> bool:
        """Cut more bytes into frames; False at the deadline, unless a frame is unfinished."""
        unfinished = self._splitter.unfinished
        seconds = self._character_timeout if unfinished else deadline - clock.now()
        data = await self._read(seconds, operation)
        if not data and not unfinished:
            return False
        skipped = self._splitter.garbage
        if data:
            self._keep(self._splitter.feed(data))
        else:
            self._splitter.reset()
        if self._splitter.garbage != skipped:
            self._damaged = True
            if not self._frames:
                await self._refuse(operation)
        return True

    def _keep(self, frames: list[bytes]) -> None:
        """Queue frames, each once: a reader waits for our answer before it sends one again, so two
        equal ones in a row come from the line.
        """
        for frame in frames:
            if self._frames and self._frames[-1] == frame:
                self._dirty = True
            else:
                self._frames.append(frame)

    async def _refuse(self, operation: str) -> None:
        """After damage: wait for silence, since nobody knows where the next frame begins."""
        self._damaged = True
        self._frames.clear()
        limit = clock.now() + _NOISE_SECONDS
        while await self._read(self._character_timeout, operation):
            if clock.now() > limit:
                raise BadFrame(self._device, operation, "the line does not become quiet")
        self._splitter.reset()
        self._naks += 1
        if self._naks <= _NAKS_IN_A_ROW:
            await self._write(nak(Cause.RESEND), operation)

    async def _acknowledge(self, operation: str) -> None:
        await self._write(Packet(Opcode.CMD_ACK), operation)

    async def _read(self, seconds: float, operation: str) -> bytes:
        """Some bytes, or none after `seconds`."""
        try:
            data = await self._stream.read(max(seconds, 0.0))
        except LinkClosed as fault:
            self.closed = True
            raise LinkClosed(self._device, operation, fault.detail) from fault
        if data:
            self._exchanged_at = clock.now()
        return data

    async def _write(self, packet: Packet, operation: str) -> None:
        try:
            if self._wake and clock.now() - self._exchanged_at >= AWAKE_SECONDS:
                await self._stream.write(WAKEUP)
                await asyncio.sleep(WAKING_SECONDS)
            await self._stream.write(encode(packet))
            self._exchanged_at = clock.now()
        except LinkClosed as fault:
            self.closed = True
            raise LinkClosed(self._device, operation, fault.detail) from fault
