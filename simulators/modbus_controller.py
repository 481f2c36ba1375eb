"""The controller of a simulated marking cell: registers, handshake, safety, watchdog.

No Modbus here: `simulators.modbus_cell` serves these registers on a wire.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers import clock
from drivers.modbus_cell.codec import (
    AREAS,
    CELL,
    CONTROL,
    HEARTBEAT,
    HIGHEST_POSITION,
    HOST_REGISTERS,
    JOB_NO,
    MAP_VERSION,
    MAP_WITHOUT_TRAYS,
    POSITIONS,
    REPORT,
    REPORT_REGISTERS,
    TABLE,
    TABLE_REGISTERS,
    TEXT_BYTES,
    TEXT_LEN,
    TOTAL_REGISTERS,
    VERSION,
    CellState,
    Command,
    Control,
    Fault,
    Report,
    Result,
    Status,
    crc16,
    decode_command,
    decode_text,
    decode_tray,
    encode_image,
    encode_report,
)
from simulators.control import Moments
from simulators.misdeeds import Misdeeds
from simulators.modbus_laser import Laser, Latched
from simulators.modbus_memory import Memory, Retained
from simulators.part import PartStore

_SCAN_SECONDS = 0.01
_HEARTBEAT_SECONDS = 1.0
MISDEEDS = ("faint", "fail", "echo", "late", "keep")


@dataclass(frozen=True)
class Options:
    unit: int = 1
    map: int = MAP_VERSION
    positions: int = HIGHEST_POSITION
    jobs: tuple[int, ...] = (1, 2, 3)
    input: str = "pedal"
    mark_seconds: float = 2.0
    late_seconds: float = 30.0
    shutter_seconds: float = 1.0
    watchdog: float = 3.0
    memory: Path | None = None
    scan_seconds: float = 0.0
    """How long a scan of the program takes, see `_run`. 0: no time at all."""


class Controller:
    """One cell at `station`; every change of metal goes to `parts` before a register tells it."""

    def __init__(self, options: Options, parts: PartStore, station: str, speed: float) -> None:
        self.moments = Moments(("armed", "between", "marked"))
        self.powered = True
        self.defect: asyncio.Future[BaseException] | None = None
        self.misdeeds = Misdeeds(MISDEEDS)
        self.retained = Retained(options.memory)
        self._options = options
        self._parts = parts
        self._station = station
        self._speed = speed
        self._laser = Laser(
            parts,
            station,
            options.mark_seconds / speed,
            options.late_seconds / speed,
            self.retained,
            self.misdeeds,
            self.moments,
            lambda: self.powered,
        )
        self._interlock = True
        self._e_stop = False
        self._shutter_works = True
        self.running = True
        """The program runs; the registers are answered for also when it does not."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._marking: asyncio.Task[None] | None = None
        self._power_up()

    def _power_up(self) -> None:
        """Forget all that is not retentive. An interrupted shot becomes result 4, unknown."""
        if self._memory.running:
            self.retained.keep(running=False, result=Result.UNKNOWN)
        self.powered = True
        self._host = [0] * TOTAL_REGISTERS
        self._job = 0
        self._fault = Fault.NONE
        self._fault_after = Fault.NONE
        self._busy = False
        self._laser.echo_flaw = 0
        self._latched: Latched | None = None
        self._cycle_ms = 0
        self._beats = 0
        self._watchdog_tripped = True
        self._host_beat_at = self._own_beat_at = self._shutter_at = clock.now()
        self._part_before = self._parts.present(self._station)
        self._job_written = False
        self._shown = self._image()
        """The cell's registers as the program has written them so far."""

    def start(self) -> None:
        self.defect = asyncio.get_running_loop().create_future()
        self._spawn(self._live(), "cell")
        if self._options.scan_seconds:
            self._spawn(self._run(), "program")

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def deaf(self) -> bool:
        """Without power, or held: it hears and says nothing."""
        return not self.powered or self.moments.held

    # What happens at its registers.

    def image(self) -> list[int]:
        """All registers of its map, as they are read at this moment."""
        image = self._image()
        if self._options.scan_seconds:
            for address in self._own_registers():
                image[address] = self._shown[address]
        return image

    def _own_registers(self) -> list[int]:
        """Return those that the program writes, in the order in which it writes them."""
        report = range(REPORT, REPORT + REPORT_REGISTERS)
        return [*range(CELL, VERSION), *(report if len(self._shown) > REPORT else ())]

    def _image(self) -> list[int]:
        version = self._options.map
        image = encode_image(self._command, self.cell_state(), self._echo, version)
        image[HOST_REGISTERS:100] = self._host[HOST_REGISTERS:100]
        if version == MAP_WITHOUT_TRAYS:
            return image
        image += [0] * (TOTAL_REGISTERS - len(image))
        report = self.retained.report if self._memory.marks else Report()
        image[POSITIONS] = self._options.positions
        image[REPORT : REPORT + REPORT_REGISTERS] = encode_report(report)
        for first, end in ((TABLE, TABLE + TABLE_REGISTERS), (AREAS, TOTAL_REGISTERS)):
            image[first:end] = self._host[first:end]
        return image

    def written(self, address: int, values: list[int]) -> None:
        """The host has written registers that it may write."""
        before = self._command
        self._host[address : address + len(values)] = values
        if self._host[HEARTBEAT] != before.heartbeat:
            self._host_beat_at = clock.now()
            self._watchdog_tripped = False
        job = address <= JOB_NO < address + len(values)
        if self._options.scan_seconds:
            self._job_written |= job
            return
        # The controller acts in its next scan, after the communication has answered.
        asyncio.get_running_loop().call_soon(self._scan, before, self._command, job)

    def cell_state(self) -> CellState:
        control = Control(self._host[CONTROL])
        ended = self._memory.result != Result.NONE and not self._busy
        bits = {
            Status.BUSY: self._busy,
            Status.DONE: ended,
            Status.FAULT: self._fault != Fault.NONE,
            Status.REMOTE: Control.REMOTE_REQ in control,
            Status.INTERLOCK_OK: self._interlock and not self._e_stop,
            Status.SHUTTER_OPEN: self._shutter_open,
            Status.PART: self._parts.present(self._station) is not None,
            Status.WDT_TRIP: self._watchdog_tripped,
        }
        status = Status(sum(bit for bit, on in bits.items() if on))
        needs = Status.REMOTE | Status.INTERLOCK_OK | Status.SHUTTER_OPEN
        hinders = Status.BUSY | Status.DONE | Status.FAULT | Status.WDT_TRIP
        asked = control & (Control.TRIGGER | Control.ARM | Control.RESULT_ACK)
        if status & (needs | hinders) == needs and self._job and not asked:
            status |= Status.READY
        echo = self._echo
        return CellState(
            heartbeat=self._beats,
            status=status,
            sequence=self._memory.sequence,
            job=self._job,
            fault=self._fault,
            result=self._memory.result,
            good=self._memory.good,
            failed=self._memory.failed,
            cycle_ms=self._cycle_ms,
            echo_length=len(echo),
            echo_crc=crc16(echo) ^ self._laser.echo_flaw if echo else 0,
        )

    @property
    def armed(self) -> bool:
        return self._latched is not None

    @property
    def places(self) -> dict[int, Result]:
        """What became of each position of the last tray that it began with."""
        results = enumerate(self._memory.places, start=1)
        return {position: Result(result) for position, (result, _, _) in results if result}

    @property
    def _memory(self) -> Memory:
        return self.retained.memory

    @property
    def _command(self) -> Command:
        return decode_command(self._host[:HOST_REGISTERS])

    @property
    def _echo(self) -> bytes:
        return bytes.fromhex(self._memory.echo)

    @property
    def _shutter_open(self) -> bool:
        asked = Control.SHUTTER_REQ in Control(self._host[CONTROL])
        return asked and self._shutter_works and clock.now() >= self._shutter_at

    def _scan(self, before: Command, now: Command, job: bool) -> None:
        """Act on what a write has changed. Bits act on their rising edge, requests on level."""
        if self.deaf:
            return
        rose = now.control & ~before.control
        if Control.SHUTTER_REQ in rose:
            self._shutter_at = clock.now() + self._options.shutter_seconds / self._speed
        if job and now.job and not self._busy:
            if now.job in self._options.jobs:
                self._job = now.job
            else:
                self._trip(Fault.JOB)
        if Control.FAULT_RESET in rose:
            self.reset()
        if Control.RESULT_ACK in rose and not self._busy and not self.misdeeds.take("keep"):
            self.retained.forget_result()
            self._laser.echo_flaw = 0
        if Control.ABORT in rose:
            self._drop_arm()
            if self._marking is not None:
                self._spawn(self._abort(), "abort")
        if before.control & ~now.control & Control.ARM:
            self._drop_arm()
        for bit in (Control.ARM, Control.TRIGGER):
            if bit in rose:
                self._permitted(bit)

    def _permitted(self, bit: Control) -> None:
        """TRIGGER or ARM came: validate, latch the text, fire or wait for the own input."""
        command = self._command
        able = Status.REMOTE in self.cell_state().status and not self._fault
        if self._busy or self._latched or self._memory.result or not able:
            self._drop_arm()
            return
        if command.sequence == self._memory.sequence != 0:
            self._drop_arm()  # a repeated number never marks again
            return
        checked = self._checked(command)
        if isinstance(checked, Fault):
            self._trip(checked)
        elif bit is Control.TRIGGER:
            self._begin(checked, triggered=True)
        else:
            self._latched = checked
            self._spawn(self.moments.reach("armed"), "armed")

    def _checked(self, command: Command) -> Latched | Fault:
        """The shot that the host has loaded, or the fault for which it is refused."""
        if not self._interlock:
            return Fault.INTERLOCK
        if self._e_stop:
            return Fault.E_STOP
        if not self._shutter_open:
            return Fault.SHUTTER
        if not self._job or command.job != self._job:
            return Fault.JOB
        if self._watchdog_tripped:
            return Fault.WATCHDOG
        tray = bool(command.marks) and self._options.map != MAP_WITHOUT_TRAYS
        if not command.sequence or bool(command.length) == tray or command.length > TEXT_BYTES:
            return Fault.TEXT
        texts = self._tray(command) if tray else {1: command.text}
        if texts is None:
            return Fault.CRC
        found = {position: text for position, text in texts.items() if text is not None}
        if found.keys() != texts.keys():
            return Fault.CRC
        try:
            for text in found.values():
                decode_text(text)
        except ValueError:
            return Fault.TEXT
        if max(found) > self._options.positions:
            return Fault.TEXT
        return Latched(command.sequence, found, tray)

    def _tray(self, command: Command) -> dict[int, bytes] | None:
        table = self._host[TABLE : TABLE + TABLE_REGISTERS]
        return decode_tray(command, table, self._host[AREAS:])

    async def _run(self) -> None:
        """Run the program as a PLC does: read what the host has written, act, then write the cell's
        registers one by one. A request in between is answered with some old and some new ones.
        """
        taken = self._command
        while True:
            if self.deaf or not self.running:
                await asyncio.sleep(self._options.scan_seconds)
                continue
            before, taken = taken, self._command
            job, self._job_written = self._job_written, False
            self._scan(before, taken, job)
            image, own = self._image(), self._own_registers()
            for address in own:
                self._shown[address] = image[address]
                await asyncio.sleep(self._options.scan_seconds / len(own))

    # What its laser does.

    def fire_latched(self) -> bool:
        """Its own input: fires what is armed, once. Returns whether it did."""
        if not self.running:
            return False
        shot, self._latched = self._latched, None
        if shot is None or self._busy or self._fault:
            return False
        self._drop_arm()
        self._begin(shot, triggered=False)
        return True

    def _begin(self, shot: Latched, triggered: bool) -> None:
        self._busy = True
        self._marking = self._spawn(self._mark(shot, triggered), "mark")

    async def _mark(self, shot: Latched, triggered: bool) -> None:
        if triggered:
            await self.moments.reach("armed")
        began = clock.now()
        good = await self._laser.mark(shot)
        self._cycle_ms = min(0xFFFF, round((clock.now() - began) * 1000))
        if good:
            echo = b"" if shot.tray else shot.texts[1]
            self._end(Result.OK, self._fault_after, echo)
        else:
            self._end(Result.FAILED, Fault.TIMEOUT)
        self.moments.current = ""

    def _end(self, result: Result, fault: Fault, text: bytes = b"") -> None:
        """The shot is over: result, echo and counters, and whatever fault waited for it."""
        counters = {"good": self._memory.good + 1}
        if result != Result.OK:
            counters = {"failed": self._memory.failed + 1}
        self.retained.keep(running=False, result=result, echo=text.hex(), **counters)
        self._busy, self._marking, self._fault_after = False, None, Fault.NONE
        if fault:
            self._trip(fault)

    async def _stop_marking(self) -> bool:
        """Break a shot off; False if none was running."""
        marking, self._marking = self._marking, None
        if marking is None:
            return False
        marking.cancel()
        await asyncio.wait([marking])
        self.moments.current = ""
        return True

    async def _abort(self) -> None:
        if await self._stop_marking():
            self._end(Result.ABORTED, Fault.NONE)

    # What happens to it.

    async def power(self, on: bool) -> None:
        if on and not self.powered:
            self._power_up()
        elif not on and self.powered:
            self.powered = False
            await self._stop_marking()
            self.moments.release()

    async def input(self, name: str, on: bool) -> None:
        """Raises ValueError for an input that it does not have."""
        match name:
            case "interlock":
                self._interlock = on
                await self._safety(not on, Fault.INTERLOCK)
            case "e-stop":
                self._e_stop = on
                await self._safety(on, Fault.E_STOP)
            case "shutter":
                self._shutter_works = on
            case _:
                raise ValueError(f"no input {name!r}")

    async def _safety(self, tripped: bool, fault: Fault) -> None:
        if not tripped or not self.powered:
            return
        if await self._stop_marking():
            self._end(Result.FAILED, fault)
        else:
            self._trip(fault)

    def _trip(self, fault: Fault) -> None:
        self._fault = self._fault or fault
        self._drop_arm()

    def reset(self) -> None:
        """Clear the fault unless its cause is still there."""
        stays = {Fault.INTERLOCK: not self._interlock, Fault.E_STOP: self._e_stop}
        if not stays.get(self._fault):
            self._fault = Fault.NONE

    def _drop_arm(self) -> None:
        if self._latched is not None:
            self._latched = None
            self.moments.current = ""
        self._host[CONTROL] &= ~Control.ARM

    async def _live(self) -> None:
        """What the cell does on its own: heartbeat, watchdog, part present as an input."""
        while True:
            await asyncio.sleep(_SCAN_SECONDS)
            now = clock.now()
            if self.moments.held:
                self._host_beat_at = now  # its clock stands still too
            if self.deaf or not self.running:
                continue
            if now - self._own_beat_at >= _HEARTBEAT_SECONDS:
                self._own_beat_at = now
                self._beats = (self._beats + 1) % 0x10000
            late = now - self._host_beat_at > self._options.watchdog
            if late and not self._watchdog_tripped:
                self._watchdog_tripped = True
                self._host_silent()
            part = self._parts.present(self._station)
            # Another piece has been laid: between two, however quickly, the sensor is free.
            if part not in (None, self._part_before) and self._options.input == "part":
                self.fire_latched()
            self._part_before = part

    def _host_silent(self) -> None:
        if self._busy:
            self._fault_after = Fault.WATCHDOG
        elif self._latched is not None:
            self._host[TEXT_LEN:HOST_REGISTERS] = [0] * (HOST_REGISTERS - TEXT_LEN)
            self._host[TABLE:] = [0] * (TOTAL_REGISTERS - TABLE)
            self._trip(Fault.WATCHDOG)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        defect = None if task.cancelled() else task.exception()
        if defect is not None and self.defect is not None and not self.defect.done():
            self.defect.set_result(defect)
