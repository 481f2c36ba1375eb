"""A Zebra reader on SSI: what it sees is what is engraved on the piece at its station.

In host trigger mode and with ACK/NAK on. Decode data is raw when it is switched on, as the maker
delivers it, and packeted once PARAM_SEND has said so, which also changes how long it waits for an
acknowledgement before it sends a packet again (`response_timeout` at first). A session looks until
a code is decoded or the host stops it; every readable symbol on the piece is then sent, in the
order of the positions, and the session is over. A symbol engraved over another hides it. With the
option `position` it sees that position of a tray and no other: one reader a position.

With the option `low_power` it sleeps after so many seconds without a byte, in no session. The byte
that wakes it is lost, and so is what comes in the 10 ms after it (DS8108 guide, page 5-7). WAKEUP,
a zero byte between packets, means nothing to it while it is awake. RTS and CTS are not simulated: a
pseudo-terminal has no such lines.

Wrong behaviour on demand: `stale` (a session also delivers, late and after any flush, what the
session with a code before it delivered), `blind` (sees nothing for so many sessions), `covered`
(sees nothing of so many of the next pieces).

Unverified: that a real reader answers a NAK for an acknowledgement by sending that again, and
that it expects its replies to be acknowledged (it is content if they are not).
"""

import asyncio
from collections import Counter, deque
from typing import Any

from drivers import clock
from drivers.zebra_ssi.codec import (
    AIM,
    DATA_LIMIT,
    DECODER,
    HOST,
    RESEND_UNIT,
    Capabilities,
    Cause,
    Decoded,
    Opcode,
    Packet,
    PacketError,
    Parameter,
    Splitter,
    again,
    code_type,
    decode,
    decode_settings,
    encode,
    encode_capabilities,
    encode_revision,
    frames,
    nak,
    nak_cause,
)
from simulators.misdeeds import Cover
from simulators.options import Given
from simulators.part import PartStore
from simulators.pipe import Wire
from simulators.wired import WiredDevice

REVISION = ("PAAABS00-001-R00", "0", "SE4500", "0")
_TRIES = 3
_STALE_SECONDS = 0.02
_WAKING_SECONDS = 0.01
_COMMANDS = frozenset(
    {
        Opcode.CAPABILITIES_REQUEST,
        Opcode.CMD_ACK,
        Opcode.CMD_NAK,
        Opcode.FLUSH_QUEUE,
        Opcode.PARAM_SEND,
        Opcode.REQUEST_REVISION,
        Opcode.SCAN_DISABLE,
        Opcode.SCAN_ENABLE,
        Opcode.START_SESSION,
        Opcode.STOP_SESSION,
    }
)
# 9600 baud; no parity, one stop bit; packets one by one (layout unverified, see the codec)
_CAPABILITIES = Capabilities(rates=1 << 5, line=0b0010_0100, multipacket=1, commands=_COMMANDS)
MOMENTS = ("session",)
"""Held at `session`: the start is acknowledged and nothing has been looked at."""


class ZebraSsi(WiredDevice):
    """One reader. Everything it knows outlives a connection, as on a real serial line."""

    def __init__(
        self,
        parts: PartStore,
        station: str,
        speed: float = 1.0,
        decode_seconds: float = 0.15,
        symbology: str = "]d1",
        aim_identifiers: bool = False,
        frame: int = DATA_LIMIT,
        response_timeout: float = 2.0,
        character_timeout: float = 0.2,
        position: int | None = None,
        low_power: float = 0.0,
    ) -> None:
        super().__init__(MOMENTS)
        self._parts = parts
        self._station = station
        self._position = position
        self._decode_seconds = decode_seconds / speed
        self._stale_seconds = _STALE_SECONDS / speed
        self._code_type = code_type(symbology)
        self._aim = symbology if aim_identifiers else ""
        self._frame = frame
        self._response_timeout = response_timeout
        self._character_timeout = character_timeout
        self._low_power = low_power
        self._splitter = Splitter()
        self._powered = True
        self._misdeeds: Counter[str] = Counter()
        self._stale = 0
        self._blind = 0
        self._cover = Cover()
        self._sessions = 0
        self._wire: Wire | None = None
        self._forget_all()

    def _forget_all(self) -> None:
        """What the reader is when it is switched on."""
        self._splitter.reset()
        self._noisy = False
        self._heard_at = self._sent_any_at = 0.0
        self._awake_at = 0.0
        self._enabled = True
        self._packeted = False
        self._resend_seconds = self._response_timeout
        self._raw = b""
        self._seeing = True
        self._hid = False
        self._look_at: float | None = None
        self._stale_at: float | None = None
        self._previous: list[Decoded] = []
        self._queue: deque[Packet] = deque()
        self._forget_pending()

    def _forget_pending(self) -> None:
        self._queue.clear()
        self._outstanding: Packet | None = None
        self._sent_at = 0.0
        self._tries = 0
        self._replies = 0
        self._last: Packet | None = None

    def state(self) -> dict[str, Any]:
        return {
            "powered": self._powered,
            "enabled": self._enabled,
            "packeted": self._packeted,
            "session": self._look_at is not None,
            "sessions": self._sessions,
            "pending": len(self._queue) + (self._outstanding is not None),
            "stale": self._stale,
            "blind": self._blind,
            "covered": self._cover.pending,
        }

    async def power(self, on: bool) -> None:
        self._powered = on
        self._forget_all()

    def misbehave(self, name: str, count: int) -> None:
        if count < 1:
            raise ValueError("count is at least 1")
        if name == "stale":
            self._stale += count
        elif name == "blind":
            self._blind += count
        elif name == "covered":
            self._cover.pending += count
        else:
            super().misbehave(name, count)

    def misdeeds(self) -> dict[str, int]:
        hidden = {"covered": self._cover.hidden} if self._cover.hidden else {}
        return {**self._misdeeds, **hidden}

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        if op not in ("stale", "blind", "covered"):
            return await super().operate(op, request)
        self.misbehave(op, int(request.get("count", 1)))
        return {}

    def disable(self) -> None:
        """As a person's SCAN_DISABLE from elsewhere would: sessions are denied."""
        self._enabled = False
        self._stop()

    async def babble(self, data: bytes) -> None:
        """Send bytes of no frame, as noise on the line would."""
        assert self._wire is not None
        await self._wire.write(data)

    async def talk(self, wire: Wire) -> None:
        self._wire = wire
        while True:
            await self._advance(wire)
            try:
                async with asyncio.timeout(self._rest()):
                    data = await wire.read()
            except TimeoutError:
                continue
            if not data:
                return
            now = clock.now()
            if self._sleeps(now):
                self._awake_at = now + _WAKING_SECONDS
            self._heard_at = now
            if now < self._awake_at:
                continue
            if not self._splitter.unfinished:
                data = data.lstrip(b"\0")
            if self._powered and not self._noisy:
                for frame in self._splitter.feed(data):
                    await self._handle(wire, frame)

    def _sleeps(self, now: float) -> bool:
        busy = self._look_at is not None or self._outstanding is not None
        quiet = now - max(self._heard_at, self._sent_any_at)
        return bool(self._low_power) and not busy and quiet >= self._low_power

    def _rest(self) -> float | None:
        """Seconds until something is due."""
        due = [at for at in (self._look_at, self._stale_at) if at is not None]
        if self._outstanding is not None:
            due.append(self._sent_at + self._resend_seconds)
        if self._noisy or self._splitter.unfinished:
            due.append(self._heard_at + self._character_timeout)
        return max(min(due) - clock.now(), 0.0) if due else None

    async def _advance(self, wire: Wire) -> None:
        """Do what is due."""
        now = clock.now()
        broken_off = self._noisy or self._splitter.unfinished
        if broken_off and now >= self._heard_at + self._character_timeout:
            self._splitter.reset()
            self._noisy = False
            await self._send(wire, nak(Cause.RESEND, DECODER))
        if self._stale_at is not None and now >= self._stale_at:
            self._stale_at = None
            self._stale -= 1
            self._misdeeds["stale"] += 1
            self._deliver(self._previous)
        if self._look_at is not None and now >= self._look_at:
            self._look(now)
        if self._raw:
            await wire.write(self._raw)
            self._raw = b""
        if self._outstanding is not None and now >= self._sent_at + self._resend_seconds:
            await self._repeat(wire)
        if self._outstanding is None and self._queue:
            self._outstanding = self._queue.popleft()
            self._tries = 0
            await self._transmit(wire, self._outstanding)

    def _look(self, now: float) -> None:
        """Try to decode; a session without a code goes on until it is stopped."""
        codes = self._codes()
        if codes and not self._seeing:
            self._misdeeds["blind"] += not self._hid
            self._hid = True
        if not codes or not self._seeing:
            self._look_at = now + self._decode_seconds
            return
        self._look_at = None
        self._previous = codes
        self._deliver(codes)

    def _codes(self) -> list[Decoded]:
        if self._cover.hides(self._parts.present(self._station)):
            return []
        top = {engraving.position: engraving for engraving in self._parts.seen(self._station)}
        return [
            Decoded(self._code_type, (self._aim + top[position].content).encode("latin-1"))
            for position in sorted(top)
            if top[position].readable and self._position in (None, position)
        ]

    def _deliver(self, codes: list[Decoded]) -> None:
        for code in codes:
            if not self._packeted:
                self._raw += code.data
                continue
            self._queue.extend(frames(code, self._frame))

    async def _transmit(self, wire: Wire, packet: Packet) -> None:
        self._tries += 1
        self._sent_at = clock.now()
        await self._send(wire, packet)

    async def _repeat(self, wire: Wire) -> None:
        """Send the outstanding frame again, or give its whole message up."""
        packet = self._outstanding
        assert packet is not None
        if self._tries < _TRIES:
            await self._transmit(wire, again(packet))
            return
        while packet.more and self._queue:
            packet = self._queue.popleft()
        self._outstanding = None

    async def _send(self, wire: Wire, packet: Packet) -> None:
        self._last = packet
        self._sent_any_at = clock.now()
        await wire.write(encode(packet))

    async def _handle(self, wire: Wire, frame: bytes) -> None:
        try:
            packet = decode(frame)
        except PacketError:
            # Where the next packet begins shows only after a silence.
            self._splitter.reset()
            self._noisy = True
            return
        if packet.source != HOST:
            return
        if packet.opcode == Opcode.CMD_ACK:
            if self._replies:
                self._replies -= 1
            else:
                self._outstanding = None
            return
        if packet.opcode == Opcode.CMD_NAK:
            if self._outstanding is not None:
                await self._repeat(wire)
            elif nak_cause(packet) == Cause.RESEND and self._last is not None:
                await self._send(wire, again(self._last))
            return
        self._replies = 0
        await self._answer(wire, packet)

    async def _answer(self, wire: Wire, packet: Packet) -> None:
        """Carry a command out. Each may come again without harm."""
        match packet.opcode:
            case Opcode.REQUEST_REVISION:
                await self._reply(wire, encode_revision(REVISION))
                return
            case Opcode.CAPABILITIES_REQUEST:
                await self._reply(wire, encode_capabilities(_CAPABILITIES))
                return
            case Opcode.PARAM_SEND:
                try:
                    changed = decode_settings(packet)
                except PacketError:
                    await self._send(wire, nak(Cause.DENIED, DECODER))
                    return
                self._packeted = bool(changed.get(Parameter.PACKETED_DECODE_DATA, self._packeted))
                if (tenths := changed.get(Parameter.HOST_RESPONSE_TIMEOUT)) is not None:
                    self._resend_seconds = tenths * RESEND_UNIT
            case Opcode.FLUSH_QUEUE:
                self._forget_pending()
            case Opcode.SCAN_ENABLE:
                self._enabled = True
            case Opcode.SCAN_DISABLE:
                self._enabled = False
                self._stop()
            case Opcode.START_SESSION if not self._enabled:
                await self._send(wire, nak(Cause.DENIED, DECODER))
                return
            case Opcode.START_SESSION:
                await self._send(wire, Packet(Opcode.CMD_ACK, DECODER))
                await self.moments.reach("session")
                if not packet.retransmit or self._look_at is None:
                    self._start()
                return
            case Opcode.STOP_SESSION:
                self._stop()
            case _:
                await self._send(wire, nak(Cause.BAD_CONTEXT, DECODER))
                return
        await self._send(wire, Packet(Opcode.CMD_ACK, DECODER))

    async def _reply(self, wire: Wire, packet: Packet) -> None:
        self._replies += 1
        await self._send(wire, packet)

    def _start(self) -> None:
        now = clock.now()
        self._sessions += 1
        self._look_at = now + self._decode_seconds
        self._hid = False
        self._seeing = not self._blind
        self._blind = max(self._blind - 1, 0)
        if self._stale and self._previous:
            self._stale_at = now + self._stale_seconds

    def _stop(self) -> None:
        self._look_at = None
        self._stale_at = None
        self.moments.current = ""


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> ZebraSsi:
    """Options: decode_seconds, symbology (AIM identifier), aim_identifiers (0 or 1), frame (bytes
    of data in one frame), response_timeout (until PARAM_SEND sets another), character_timeout
    (seconds), position (the one that it sees, 1 and up; without it all), low_power (seconds; 0:
    never). Raises ValueError.
    """
    given = Given(options)
    device = ZebraSsi(
        parts,
        station,
        speed,
        symbology=given.one_of("symbology", list(AIM.values()), "]d1"),
        aim_identifiers=given.switch("aim_identifiers"),
        frame=given.whole("frame", DATA_LIMIT, 2, DATA_LIMIT),
        decode_seconds=given.number("decode_seconds", 0.15),
        response_timeout=given.number("response_timeout", 2.0),
        character_timeout=given.number("character_timeout", 0.2),
        position=given.whole_or_none("position"),
        low_power=given.number("low_power", 0.0),
    )
    given.end()
    return device
