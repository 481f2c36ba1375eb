"""A Panasonic laser marker, in LP-400/V-compatible or standard mode: what it does, in its own time.

Options: `compatibility` (on: it begins in LP-400/V-compatible mode, and RSM changes that until it
leaves remote mode; off: standard mode, and no RSM), `series` (gs, or rc, whose standard STS has one
item more), `checksum` (on, off), `terminator` (cr, crlf), `macro` (05, 06, none: what the stored
jobs' 2D code uses), `lines` (legible lines of the jobs; without it any text is taken and text 00
alone makes ready), `jobs` (file numbers, comma-separated; without it all), `position`,
`pumping`, `shutter`, `marking`, `text_wait`, `late` (seconds, divided by the speed).
Wrong behaviours (the back door's `fault`): see `MISDEEDS`. Own operations: `remote` (`on`).

On `tcp://` it is the marker's own Ethernet, which has neither checksum nor CR LF, or with these its
RS-232 behind a serial server.

MKM is accepted while it marks (C p.56, 59), and the mark goes on.

(U) The refusals of a trigger while marking and of MKM with a closed shutter carry cause 03, a
text that the job does not have and one that comes too early cause 11.
"""

import asyncio
from typing import Any

from drivers import clock
from drivers.panasonic_lp import codec
from drivers.panasonic_lp.codec import (
    Answer,
    ChecksumError,
    Command,
    Format,
    MalformedError,
    Message,
    Mode,
    Pumping,
    Splitter,
    Status,
)
from simulators.marker import WiredMarker
from simulators.options import Given
from simulators.part import PartStore
from simulators.pipe import Wire

MISDEEDS = {
    "faint": "the next mark is too faint to be read",
    "silent": "the next end is not reported",
    "late": "the next mark begins `late` seconds after its trigger, and so does its end report",
    "kept": "the next end report is kept back until end reports are asked for again (MST)",
    "twice": "the next end is reported twice, the second time `late` seconds after the first",
    "failed": "the next mark stops half-way, with an alarm E400",
    "refuse": "the next trigger command is refused with cause 10",
    "wrong_file": "the next file selection is accepted and not done",
    "stubborn": "reception ON is accepted and not done",
}
_RECEPTION_SECONDS = 10.0  # an unfinished frame is forgotten (C p.28)
_ALARM = 400


class _Refusal(Exception):
    def __init__(self, cause: str) -> None:
        self.cause = cause


class PanasonicLp(WiredMarker):
    """One marker at one station. Everything but the file number is forgotten without power."""

    def __init__(
        self, options: dict[str, str], parts: PartStore, station: str, speed: float
    ) -> None:
        given = Given(options)
        super().__init__("panasonic-lp", given, parts, station, speed, MISDEEDS)
        self._compatible = given.one_of("compatibility", ("on", "off")) == "on"
        self._waiting_told = given.one_of("series", ("gs", "rc")) == "rc"
        self._checksum = given.one_of("checksum", ("off", "on")) == "on"
        terminator = given.one_of("terminator", tuple(codec.TERMINATORS), "cr")
        self._terminator = codec.TERMINATORS[terminator]
        lines = given.whole_or_none("lines", 0)
        self._strings = None if lines is None else set(range(lines + 1))
        self._files = set(given.wholes("jobs", "")) or set(
            codec.FILES["compatible" if self._compatible else "standard"]
        )
        self._pumping_seconds = given.number("pumping", 10) / speed
        self._shutter_seconds = given.number("shutter", 0.5) / speed
        self._text_wait = given.number("text_wait", 1) / speed
        given.end()
        self._wire: Wire | None = None
        self._file = min(self._files)
        self._stored: dict[str, str] = {}
        self._idle = asyncio.Event()
        self._switch_on()

    def _switch_on(self) -> None:
        self._remote = True
        self._pumping = Pumping.OFF
        self._shutter = False
        self._reception = True
        self._reports = False
        self._begin_remote()
        self._alarm = 0
        self._texts: dict[int, str] = {}
        self._latched: dict[int, str] = {}
        self._taken_since = 0.0
        self._kept = 0
        self._idle.set()

    def _begin_remote(self) -> None:
        """The command mode is that of the settings again (C p.135)."""
        self._mode: Mode = "compatible" if self._compatible else "standard"

    @property
    def _form(self) -> Format:
        return Format(self._checksum, self._terminator, self._mode)

    # What the back door asks.

    def state(self) -> dict[str, Any]:
        return {
            "powered": self._powered,
            "remote": self._remote,
            "mode": self._mode,
            "file": self._file,
            "pumping": self._pumping.value,
            "shutter": self._shutter,
            "reception": self._reception,
            "ready": self._ready,
            "marking": self._marking,
            "alarm": self._alarm,
            "texts": {str(number): text for number, text in self._texts.items()},
        }

    async def pedal(self) -> bool:
        if not self._powered or not self._ready:
            return False
        self._begin_shot()  # now, not with the task: what is pressed can no longer be withdrawn
        self.later("shot", self._shoot())
        return True

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        if op != "remote":
            return await super().operate(op, request)
        self._remote = bool(request["on"])
        if not self._remote:
            self._reports = False  # C p.63
            self._begin_remote()
        return {}

    # What happens on the wire.

    async def talk(self, wire: Wire) -> None:
        self._wire = wire
        splitter = Splitter(self._form)  # both modes have the same start and end codes
        while True:
            try:
                async with asyncio.timeout(_RECEPTION_SECONDS):
                    data = await wire.read()
            except TimeoutError:
                splitter.reset()
                continue
            if not data:
                break
            for frame in splitter.feed(data):
                await self.moments.stand_still()
                if self._powered and self._remote:
                    form = self._form  # RSM is answered in the mode before it (C p.135)
                    reply = await self._obey(frame, form)
                    if self._powered:
                        await wire.write(codec.encode(reply, form))
        if self._wire is wire:
            self._wire = None

    async def _obey(self, frame: bytes, form: Format) -> Message:
        name = codec.NAMELESS
        try:
            command = codec.decode(frame, form)
            if not isinstance(command, Command):
                return codec.refused(name, "01", form)
            name = command.name
            if command.sub == "R":
                return Answer(name, self._read(command))
            if command.sub != "S":
                return codec.refused(name, "08", form)
            await self._set(command)
        except _Refusal as refusal:
            return codec.refused(name, refusal.cause, form)
        except ChecksumError:
            return codec.refused(name, "05", form)
        except MalformedError:
            return codec.refused(name, "09" if name != codec.NAMELESS else "04", form)
        return codec.accepted(name, form)

    def _read(self, command: Command) -> str:
        match command.name:
            case "FNO":
                return codec.file_number(self._file, self._mode)
            case "MKM":
                return codec.reception(self._reception or not self._shutter)
            case "LSR":
                return codec.flag(self._pumping is not Pumping.OFF)
            case "MST":
                return codec.flag(self._reports)
            case "RSM" if self._compatible:
                return codec.flag(self._mode == "standard")
            case "STS":
                return self._status()
            case "MCS" | "BCS" if self._mode == "compatible":
                key = command.data[:2]
                return key + self._stored.get(command.name + key, "")
        raise _Refusal("04")

    def _status(self) -> str:
        error, reception = self._alarm != 0, self._reception or not self._shutter
        told = Status(error, self._pumping, reception, self._ready, intervals=False)
        if self._mode == "standard":
            waiting = self._shutter and not self._reception and not self._complete
            told = Status(
                error,
                self._pumping,
                reception,
                self._ready,
                radiating=self._engraving is not None,  # not yet between a trigger and its mark
                shutter=self._shutter,
                waiting=waiting if self._waiting_told else None,
            )
        return codec.status(told, self._mode)

    async def _set(self, command: Command) -> None:
        match command.name:
            case "FNO":
                self._settings_only()
                self._select(codec.parse_file_number(command.data, self._mode))
            case "MCS" if self._mode == "compatible":
                self._settings_only()
                number, text = codec.parse_stored_line(command.data)
                self._stored[f"MCS{number:02}"] = text
            case "BCS" if self._mode == "compatible":
                self._settings_only()
                thing, part, text = codec.parse_stored_code(command.data)
                self._stored[f"BCS{thing}{part}"] = text
            case "LSR":
                self._pump(codec.parse_flag(command.data))
            case "SHT":
                self._move_shutter(codec.parse_flag(command.data))
            case "MST":
                self._reports = codec.parse_flag(command.data)
                await self._report_kept()
            case "RSM" if self._compatible:
                self._mode = "standard" if codec.parse_flag(command.data) else "compatible"
            case "MKM":
                self._permit(codec.parse_reception(command.data))
            case "SIN":
                await self._take_text(*codec.parse_shot_text(command.data, self._mode))
            case "MRK":
                await self._trigger(command.data)
            case "STS":
                raise _Refusal("08")
            case _:
                raise _Refusal("04")

    # What the marker does.

    @property
    def _marking(self) -> bool:
        return not self._idle.is_set()

    @property
    def _complete(self) -> bool:
        return 0 in self._texts if self._strings is None else self._strings <= self._texts.keys()

    @property
    def _ready(self) -> bool:
        return (
            self._pumping is Pumping.DONE
            and self._shutter
            and not self._reception
            and self._complete
            and not self._marking
            and not self._alarm
        )

    def _settings_only(self) -> None:
        """Settings are taken with the shutter closed or with reception ON (C p.34)."""
        if self._marking or (self._shutter and not self._reception):
            raise _Refusal("03")

    def _select(self, file: int) -> None:
        if file not in self._files:
            raise _Refusal("09")
        self._forget_texts()
        if not self._misdeeds.take("wrong_file"):
            self._file = file

    def _pump(self, on: bool) -> None:
        if on and self._pumping is Pumping.OFF:
            self._pumping = Pumping.PREPARING
            self.later("pumping", self._become_pumped())
        elif not on:
            self._pumping = Pumping.OFF
            self.cancel("pumping")
            if self._marking:
                self._spoil()
                self._alarm = _ALARM
            if self._marking and self._engraving is None:  # it had not begun
                self.cancel("shot")
                self._forget_texts()
                self._idle.set()

    async def _become_pumped(self) -> None:
        await asyncio.sleep(self._pumping_seconds)
        self._pumping = Pumping.DONE

    def _move_shutter(self, to_open: bool) -> None:
        if to_open == self._shutter:
            raise _Refusal("03")
        self.later("shutter", self._become(to_open))

    async def _become(self, to_open: bool) -> None:
        await asyncio.sleep(self._shutter_seconds)
        await self._idle.wait()  # it closes after the mark (C p.58)
        self._shutter = to_open
        self._reception = not to_open  # C p.62
        self._forget_texts()
        if not to_open:
            self._alarm = 0

    def _permit(self, reception: bool) -> None:
        if not self._shutter:
            raise _Refusal("03")
        if reception:
            if self._misdeeds.take("stubborn"):
                return
            if not self._marking:
                self._alarm = 0
        self._reception = reception
        self._forget_texts()

    def _forget_texts(self) -> None:
        self._texts.clear()
        self._taken_since = clock.now()
        if self.moments.current == "armed":
            self.moments.current = ""

    async def _take_text(self, number: int, text: str) -> None:
        early = clock.now() - self._taken_since < self._text_wait
        if not self._shutter or self._reception or number in self._texts or early:
            raise _Refusal("11")
        if self._strings is not None and number not in self._strings:
            raise _Refusal("11")
        if self._alarm:
            raise _Refusal(codec.ALARM)
        self._texts[number] = text
        if self._ready:
            await self.moments.reach("armed")

    async def _trigger(self, data: str) -> None:
        if data:
            raise _Refusal("06")
        if self._alarm or self._misdeeds.take("refuse"):
            raise _Refusal(codec.ALARM)
        if not self._ready:
            raise _Refusal("03")
        self._begin_shot()
        if self._misdeeds.take("late"):
            self.later("shot", self._shoot_late())
            return
        await self._mark()
        if self._powered:
            self.later("shot", self._finish())

    def _begin_shot(self) -> None:
        self._idle.clear()
        self._latched, self._texts = self._texts, {}

    async def _mark(self) -> None:
        """The metal changes first, and before any reply."""
        texts, self._latched = self._latched, {}
        failed = self._misdeeds.take("failed")
        self._engrave(texts.get(0, ""), [texts[each] for each in sorted(texts) if each], failed)
        if failed:
            self._alarm = _ALARM
        await self.moments.reach("marked")

    async def _finish(self) -> None:
        await asyncio.sleep(self._marking_seconds)
        self._engraving = None
        self._idle.set()
        self.moments.current = ""
        if not self._reports or not self._remote or self._misdeeds.take("silent"):
            return
        if self._misdeeds.take("kept"):
            self._kept += 1
            return
        await self._report()
        if self._misdeeds.take("twice"):
            self.later("second report", self._report_again())

    async def _report(self) -> None:
        """To whomever is on the line; the report tells an alarm, and not which mark ended."""
        if self._wire is not None:
            report = Answer("MST", codec.end_report(self._alarm))
            await self._wire.write(codec.encode(report, self._form))

    async def _report_again(self) -> None:
        await asyncio.sleep(self._late_seconds)
        await self._report()

    async def _report_kept(self) -> None:
        while self._kept and self._reports:
            self._kept -= 1
            await self._report()


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> PanasonicLp:
    """Raises ValueError for options that it does not know."""
    return PanasonicLp(options, parts, station, speed)
