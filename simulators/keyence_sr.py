"""A Keyence SR on its commands: what it sees is what is engraved on the piece at its station.

LON looks until a code is decoded or LOFF comes (`oneshot` seconds if they are given); every
readable symbol on the piece is then sent, one frame each, in the order of the positions, or the
message of nothing read. A symbol engraved over another hides it. With the option `position` it sees
that position of a tray and no other: one reader a position.

As delivered, results have a CR behind them and no items, and LON and LOFF are answered; an SR-2000
does not answer them (`answers=0`). The items of `append` have values of their own form; the grade
is the option `grade`: an engraving here has no modules that could be graded.

Wrong behaviour on demand: `stale` (a trigger also delivers, late and after any flush, what the
trigger with a code before it delivered), `blind` (sees nothing for so many triggers), `mute` (does
not tell how so many triggers ended).

Unverified: that LOFF without a trigger and LON within one are refused with 20; that NUM counts a
trigger when it begins.
"""

import time

from drivers import clock
from drivers.keyence_sr.codec import (
    GRADES,
    ITEMS,
    NO_ERROR,
    NO_GRADE,
    NO_READ,
    NO_TRIGGER,
    NOT_NOW,
    STATE,
    TRIGGER_OFF,
    TRIGGER_ON,
    VERSION,
    Counts,
    FrameError,
    Framing,
    Layout,
    Reply,
    Seen,
    Splitter,
    decode_command,
    encode_counts,
    encode_reply,
    encode_result,
)
from simulators.looking import Looking
from simulators.options import Given
from simulators.part import PartStore
from simulators.pipe import Wire

MODEL = ("SR-1000", "R1.27")
_NAVIGATOR = "23"
_UNDEFINED = "00"
_POINTS = ("100/100", "150/100", "150/150", "100/150")


class KeyenceSr(Looking):
    """One reader. Everything it knows outlives a connection, as on a real serial line."""

    def __init__(
        self,
        parts: PartStore,
        station: str,
        speed: float = 1.0,
        decode_seconds: float = 0.15,
        position: int | None = None,
        aim: str = "",
        data: Framing = Framing.CR,
        layout: Layout | None = None,
        grade: str = "A",
        no_read: str = NO_READ,
        answers: bool = True,
        oneshot: float | None = None,
        error: str = NO_ERROR,
    ) -> None:
        super().__init__(parts, station, speed, decode_seconds, position, keeps_on=True)
        self._aim = aim
        self._data = data
        self._layout = layout or Layout()
        self._grade = grade
        self._no_read = no_read.encode("latin-1")
        self._answers = answers
        self._oneshot = None if oneshot is None else oneshot / speed
        self._error = error
        self._splitter = Splitter(Framing.CR, Framing.STX)
        self.forget_all()

    def forget_all(self) -> None:
        super().forget_all()
        self._splitter.reset()
        self._read = self._failed = self._triggers = 0

    async def hear(self, wire: Wire, data: bytes) -> None:
        for frame in self._splitter.feed(data):
            await self._handle(wire, frame)

    async def deliver(self, wire: Wire, contents: list[str]) -> None:
        self._read += 1
        for content in contents:
            seen = Seen((self._aim + content).encode("latin-1"), self._items())
            await wire.write(encode_result(seen, self._layout, self._data))

    async def deliver_none(self, wire: Wire) -> None:
        self._failed += 1
        await wire.write(encode_result(Seen(self._no_read, nothing=True), Layout(), self._data))

    def _items(self) -> dict[str, tuple[str, ...]]:
        """A value of its own form for each field that is appended."""
        told = {
            "time": (time.strftime("%Y%m%d%H%M%S"),),
            "code-type": ("DataMatrix",),
            "vertices": _POINTS,
            "centre": ("125/125",),
            "unused-ecc": ("100%",),
            "iso15415": (self._grade,),
            "aim-dpm": (self._grade,),
            "aim-dpm-details": tuple(
                NO_GRADE if name in ("FID", "VID") else self._grade for name in GRADES
            ),
        }
        named = {name for name, _, _ in (*self._layout.before, *self._layout.after)}
        return {name: told.get(name, ("1",)) for name in ITEMS if name in named}

    async def _handle(self, wire: Wire, frame: bytes) -> None:
        try:
            text, framing = decode_command(frame)
        except FrameError:
            return
        looking = self._look_at is not None
        match text:
            case "LON" if not self._enabled:
                await self._answer(wire, _refused(text, _NAVIGATOR), framing)
            case "LON" if looking:
                await self._answer(wire, _refused(text, NOT_NOW), framing)
            case "LON":
                await self._answer(wire, Reply(TRIGGER_ON), framing)
                await self.moments.reach("session")
                self._triggers += 1
                self.start_looking(clock.now(), self._oneshot)
            case "LOFF" if looking:
                await self._answer(wire, Reply(TRIGGER_OFF), framing)
                self.stop_looking()
                await self.end(wire, [])
            case "LOFF":
                await self._answer(wire, _refused(text, NO_TRIGGER), framing)
            case "NUM":
                told = (self._read, 0, self._failed, 0, self._triggers)
                await wire.write(encode_reply(encode_counts(Counts(*told)), framing))
            case "ERRSTAT":
                await wire.write(encode_reply(Reply(STATE, (self._error,)), framing))
            case "KEYENCE":
                await wire.write(encode_reply(Reply(VERSION, MODEL), framing))
            case _:
                await wire.write(encode_reply(_refused(_name(text), _UNDEFINED), framing))

    async def _answer(self, wire: Wire, reply: Reply, framing: Framing) -> None:
        """To LON or LOFF, if the reader is set to answer them."""
        if self._answers:
            await wire.write(encode_reply(reply, framing))


def _refused(command: str, code: str) -> Reply:
    return Reply(command, (code,), ok=False)


def _name(text: str) -> str:
    return text.partition(",")[0][:40]


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> KeyenceSr:
    """Options: decode_seconds, position (the one that it sees, 1 and up; without it all), aim (the
    AIM identifier before each code), data (cr or stx), append (items, apart by +), delimiter,
    grade, no_read, answers (0: none to LON and LOFF), oneshot (seconds), error (what ERRSTAT
    tells). Raises ValueError.
    """
    given = Given(options)
    appended = frozenset(filter(None, given.text("append", "").split("+")))
    device = KeyenceSr(
        parts,
        station,
        speed,
        decode_seconds=given.number("decode_seconds", 0.15),
        position=given.whole_or_none("position"),
        aim=given.text("aim", ""),
        data=given.member("data", Framing.CR),
        layout=Layout(appended, given.text("delimiter", ":")),
        grade=given.text("grade", "A"),
        no_read=given.text("no_read", NO_READ),
        answers=given.switch("answers", "1"),
        oneshot=given.number("oneshot", 0) or None,
        error=given.text("error", NO_ERROR),
    )
    given.end()
    return device
