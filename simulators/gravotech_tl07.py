"""A Gravotech laser marker with a TL07 controller: what it does, in its own time.

Options: `macro` (05, 06, none: what the stored files' 2D code uses), `lines` (legible lines of the
files), `files` (names, comma-separated), `after` (alive, ready: its state when its one marking is
over), `readback` (plain, quoted, named: how VG answers), `position`, `marking`, `loading`,
`starting`, `late` (seconds, divided by the speed).
Wrong behaviours (the back door's `fault`): see `MISDEEDS`. Own operations: `master` (`on`: another
connection may command, and this one not), `pause`, `resume`.

(U) Whatever is wrong with the parameters of a command that it knows is error 1 4. A file may be
loaded while another one is ready; texts are taken while nothing is being marked;
a new connection may command when no other one does; a start by its input is told as one by `GO`.
"""

import asyncio
from typing import Any

from drivers.gravotech_tl07 import codec
from drivers.gravotech_tl07.codec import (
    Act,
    Command,
    Done,
    Event,
    GetMaster,
    GetVariable,
    ListFiles,
    Load,
    MalformedError,
    Master,
    Mode,
    Readback,
    Refused,
    Reply,
    RunMode,
    SetMaster,
    SetVariable,
    Splitter,
    State,
    Status,
    Text,
)
from simulators.marker import WiredMarker
from simulators.options import Given
from simulators.part import PartStore
from simulators.pipe import Wire

MISDEEDS = {
    "faint": "the next mark is too faint to be read",
    "silent": "the next end is not told",
    "late": "the next mark begins `late` seconds after its start, and so is its end told",
    "kept": "the next end is kept back until a file is loaded again",
    "twice": "the next end is told twice, the second time `late` seconds after the first",
    "failed": "the next mark stops half-way, and the controller is in fault",
    "refuse": "the next GO is refused: its stop input is open",
    "garble": "the next text that is not blank is stored as another",
    "stubborn": "the next loading for simulation is accepted and not done",
}
_MODES = {
    Mode.NORMAL: RunMode.NORMAL,
    Mode.SIMULATION: RunMode.SIMULATION,
    Mode.AUTONOMOUS: RunMode.AUTONOMOUS,
}


class _Refusal(Exception):
    def __init__(self, kind: int, detail: int) -> None:
        self.reply = Refused(kind, detail)


class GravotechTl07(WiredMarker):
    """One marker at one station. Everything but the stored files is forgotten without power."""

    def __init__(
        self, options: dict[str, str], parts: PartStore, station: str, speed: float
    ) -> None:
        given = Given(options)
        super().__init__("gravotech-tl07", given, parts, station, speed, MISDEEDS)
        self._lines = range(1, given.whole("lines", 1) + 1)
        self._files = given.words("files", "blank.t2l,part.t2l")
        self._after = State[given.one_of("after", ("alive", "ready")).upper()]
        self._readback = given.member("readback", Readback.PLAIN)
        self._loading_seconds = given.number("loading", 0.5) / speed
        self._starting_seconds = given.number("starting", 5) / speed
        given.end()
        self._wires: list[Wire] = []
        self._going_on = asyncio.Event()
        self._switch_on()
        self._state = State.ALIVE

    def _switch_on(self) -> None:
        self._state = State.INITIALISING
        self._file = ""
        self._left = 0
        self._mode = RunMode.NORMAL
        self._variables = dict.fromkeys(codec.VARIABLES, "")
        self._master: Wire | None = None
        self._other_master = False
        self._kept: list[Event] = []
        self._going_on.set()

    # What the back door asks.

    def state(self) -> dict[str, Any]:
        return {
            "powered": self._powered,
            "state": self._state.name,
            "mode": self._mode.name,
            "file": self._file,
            "left": self._left,
            "ready": self._ready and self._mode is not RunMode.SIMULATION,
            "marking": self._marking,
            "texts": {str(index): text for index, text in self._variables.items() if text},
        }

    async def pedal(self) -> bool:
        """Whether it began to engrave: a start for simulation does nothing to the metal."""
        if not self._powered or not self._ready:
            return False
        engraves = self._mode is not RunMode.SIMULATION
        self._begin_marking()  # now, not with the task: what is pressed can no longer be stopped
        self.later("shot", self._shoot())
        return engraves

    async def power(self, on: bool) -> None:
        changes = on != self._powered
        await super().power(on)
        if changes and on:
            self.later("starting", self._begin())

    async def _begin(self) -> None:
        await asyncio.sleep(self._starting_seconds)
        self._state = State.ALIVE

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        match op:
            case "master":
                self._other_master = bool(request["on"])
                self._master = None
            case "pause" if self._state is State.MARKING:
                self._state = State.PAUSED
                self._going_on.clear()
                await self._tell(Event.PAUSED)
            case "resume" if self._state is State.PAUSED:
                self._state = State.MARKING
                self._going_on.set()
            case _:
                return await super().operate(op, request)
        return {}

    # What happens on the wire.

    async def talk(self, wire: Wire) -> None:
        self._wires.append(wire)
        splitter = Splitter(codec.COMMAND_END)
        while data := await wire.read():
            for line in splitter.feed(data):
                await self.moments.stand_still()
                if self._powered:
                    if self._master is None and not self._other_master:
                        self._master = wire
                    for reply in await self._obey(line, wire):
                        if self._powered:
                            await wire.write(codec.encode_reply(reply))
        self._wires.remove(wire)
        if self._master is wire:
            self._master = None

    async def _obey(self, line: bytes, wire: Wire) -> list[Reply]:
        try:
            command = codec.decode_command(line)
        except MalformedError:
            known = line.decode("ascii", "replace").split()[:1] or [""]
            return [Refused(codec.SYNTAX, 4 if known[0] in codec.NAMES else 1)]
        try:
            return await self._answer(command, wire)
        except _Refusal as refusal:
            return [refusal.reply]

    async def _answer(self, command: Command, wire: Wire) -> list[Reply]:
        match command:
            case Act.STATUS:
                return [Status(self._state, 0, self._mode)]
            case GetMaster():
                return [Master(self._master is wire)]
            case GetVariable(index):
                return [codec.value_line(self._variables[index], self._readback)]
            case ListFiles(mask):
                found = [file for file in self._files if mask in ("", file)]
                return [Text(str(len(found))), *(Text(file) for file in found)]
            case SetMaster(on):
                self._only_in(State.ALIVE, State.FAULT)
                self._make_master(wire, on)
                return [Done("SP")]
        if self._master is not wire:
            raise _Refusal(codec.RESERVED, 1)
        match command:
            case SetVariable(index, text):
                self._only_in(State.ALIVE, State.READY)
                self._store(index, text)
                return [Done("VS")]
            case Load():
                self._only_in(State.ALIVE, State.READY)
                await self._load(command)
                return [Done("LD")]
            case Act.START:
                await self._start()
                return [Event.MARKING]
            case Act.STOP:
                await self._stop_marking()
                return [Done("AM")]
            case _:
                self._acknowledge()
                return [Done("AD")]

    def _make_master(self, wire: Wire, on: bool) -> None:
        if self._other_master:
            raise _Refusal(codec.RESERVED, 1)
        if on:
            self._master = wire
        elif self._master is wire:
            self._master = None

    def _only_in(self, *states: State) -> None:
        if self._state not in states:
            raise _Refusal(codec.CONTEXT, self._state.value)

    # What the marker does.

    @property
    def _marking(self) -> bool:
        return self._state in (State.MARKING, State.PAUSED)

    @property
    def _ready(self) -> bool:
        return self._state is State.READY and self._left > 0

    def _store(self, index: int, text: str) -> None:
        try:
            codec.value_line(text, self._readback)
        except MalformedError:
            raise _Refusal(codec.SYNTAX, 7) from None
        if text and self._misdeeds.take("garble"):
            text = "?" + text[1:]
        self._variables[index] = text

    async def _load(self, load: Load) -> None:
        if load.file not in self._files:
            raise _Refusal(codec.SYNTAX, 5)
        await asyncio.sleep(self._loading_seconds)
        if self._marking or not self._powered:  # its own input was faster
            raise _Refusal(codec.CONTEXT, self._state.value)
        if load.mode is Mode.SIMULATION and self._misdeeds.take("stubborn"):
            return
        self._file, self._left, self._mode = load.file, load.count or 2**32, _MODES[load.mode]
        self._state = State.READY
        for event in self._kept:
            await self._tell(event)
        self._kept.clear()
        if self.moments.current == "armed":
            self.moments.current = ""
        if load.mode is not Mode.SIMULATION:
            await self.moments.reach("armed")

    async def _start(self) -> None:
        if self._misdeeds.take("refuse"):
            raise _Refusal(codec.PROCESSING, 7)
        self._only_in(State.READY)
        if not self._left:
            raise _Refusal(codec.CONTEXT, State.ALIVE.value)
        self._begin_marking()
        if self._misdeeds.take("late"):
            self.later("shot", self._shoot_late())
            return
        await self._mark()
        if self._powered:
            self.later("shot", self._finish())

    async def _shoot(self) -> None:
        await self._tell(Event.MARKING)
        await super()._shoot()

    def _begin_marking(self) -> None:
        self._state = State.MARKING
        self._left -= 1

    async def _mark(self) -> None:
        """The metal changes first, and before any reply. A blank file changes none."""
        failed = self._misdeeds.take("failed")
        if self._mode is not RunMode.SIMULATION and not self._file.startswith("blank"):
            lines = [self._variables[index] for index in self._lines]
            self._engrave(self._variables[0], lines, failed)
        if failed:
            self._state = State.FAULT
        await self.moments.reach("marked")

    async def _finish(self) -> None:
        if self._state is State.FAULT:
            await self._end(Event.STOPPED)
            return
        await asyncio.sleep(self._marking_seconds)
        await self._going_on.wait()
        self._state = State.READY if self._left else self._after
        await self._end(Event.FINISHED)

    async def _end(self, event: Event) -> None:
        self._engraving = None
        self.moments.current = ""
        if self._misdeeds.take("silent"):
            return
        if self._misdeeds.take("kept"):
            self._kept.append(event)
            return
        await self._tell(event)
        if self._misdeeds.take("twice"):
            self.later("second telling", self._tell_again(event))

    async def _tell(self, event: Event) -> None:
        for wire in self._wires:
            await wire.write(codec.encode_reply(event))

    async def _tell_again(self, event: Event) -> None:
        await asyncio.sleep(self._late_seconds)
        await self._tell(event)

    async def _stop_marking(self) -> None:
        """AM: what is being marked stays half-way."""
        self._only_in(State.READY, State.MARKING, State.PAUSED)
        stopped = self._marking
        self._spoil()
        self.cancel("shot")
        self._going_on.set()
        self._state, self._left = State.FAULT, 0
        if stopped:
            await self._end(Event.STOPPED)

    def _acknowledge(self) -> None:
        if self._state is not State.FAULT:
            raise _Refusal(codec.PROCESSING, 5)
        self._state = State.READY if self._left else State.ALIVE


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> GravotechTl07:
    """Raises ValueError for options that it does not know."""
    return GravotechTl07(options, parts, station, speed)
