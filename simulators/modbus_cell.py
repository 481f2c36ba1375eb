"""A marking cell behind Modbus registers: its controller, its inputs, its retentive memory.

The register image is that of `drivers.modbus_cell.codec`; the Modbus server is pymodbus. On
`serial` it speaks RTU, on `tcp://` Modbus TCP. The wire in front of it carries the faults.

Options: `unit` (1), `jobs` (`1,2,3`), `input` (`pedal`, or `part`: an armed cell fires when a
piece is laid), `mark_seconds` (2.0), `shutter_seconds` (1.0), both divided by the speed,
`watchdog` (3.0 s, never scaled: the host's heartbeat is not either), `memory` (a file for what
is retentive; without it, that lives as long as the process).

Own operations of the back door: `{"op":"input","name":"interlock"|"e-stop"|"shutter","on":bool}`
(interlock closed; emergency stop pressed; shutter able to open) and `{"op":"reset"}`, the key at
the cell that clears a fault. Misbehaviour: `faint` (a mark that no reader can read), `fail` (the
laser stops half-way, result 3 with fault 7), `echo` (an echo whose CRC does not hold).
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.modbus_cell.codec import (
    CELL,
    CONTROL,
    HEARTBEAT,
    HOST_REGISTERS,
    JOB_NO,
    TEXT_LEN,
    TOTAL_REGISTERS,
    CellState,
    Command,
    Control,
    Fault,
    Result,
    Status,
    crc16,
    decode_command,
    decode_text,
    encode_image,
    fault_name,
)
from simulators.control import Moments
from simulators.faults import Faults
from simulators.part import PartStore
from simulators.pipe import Listener, splice

_SCAN_SECONDS = 0.01
_HEARTBEAT_SECONDS = 1.0
_HALF_MARKED = 0.2
_FUNCTIONS = (3, 6, 16)
_MISDEEDS = ("faint", "fail", "echo")


@dataclass(frozen=True)
class Options:
    unit: int = 1
    jobs: tuple[int, ...] = (1, 2, 3)
    input: str = "pedal"
    mark_seconds: float = 2.0
    shutter_seconds: float = 1.0
    watchdog: float = 3.0
    memory: Path | None = None


@dataclass(frozen=True)
class Memory:
    """What outlives a loss of power. `running`: the shot of that number had not ended."""

    sequence: int = 0
    result: int = Result.NONE
    echo: str = ""
    good: int = 0
    failed: int = 0
    running: bool = False


class ModbusCell:
    """One cell at `station`; every change of metal goes to `parts` before a register tells it."""

    def __init__(self, options: Options, parts: PartStore, station: str, speed: float) -> None:
        self.moments = Moments(("armed", "marked"))
        self._options = options
        self._parts = parts
        self._station = station
        self._speed = speed
        self._memory = _recall(options.memory)
        self._misdeeds: Counter[str] = Counter()
        self._done_misdeeds: Counter[str] = Counter()
        self._interlock = True
        self._e_stop = False
        self._shutter_works = True
        self._tasks: set[asyncio.Task[None]] = set()
        self._marking: asyncio.Task[None] | None = None
        self._server: ModbusTcpServer | None = None
        self._listener: Listener | None = None
        self._power_up()

    def _power_up(self) -> None:
        """Forget all that is not retentive. An interrupted shot becomes result 4, unknown."""
        if self._memory.running:
            self._keep(running=False, result=Result.UNKNOWN)
        self._powered = True
        self._host = [0] * CELL
        self._job = 0
        self._fault = Fault.NONE
        self._fault_after = Fault.NONE
        self._busy = False
        self._echo_flaw = 0
        self._latched: tuple[int, bytes] | None = None
        self._cycle_ms = 0
        self._beats = 0
        self._watchdog_tripped = True
        self._host_beat_at = self._own_beat_at = self._shutter_at = time.monotonic()
        self._part_before = self._parts.present(self._station)

    async def start(self, listen: str, faults: Faults) -> str:
        self._defect: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._server = ModbusTcpServer(
            SimDevice(
                id=self._options.unit,
                simdata=[SimData(0, count=TOTAL_REGISTERS, datatype=DataType.REGISTERS)],
                action=self._serve,
            ),
            framer=FramerType.RTU if listen.startswith("serial") else FramerType.SOCKET,
            address=("127.0.0.1", 0),
            trace_packet=lambda sending, data: b"" if sending and self._deaf else data,
        )
        await self._server.serve_forever(background=True)
        # What the library calls its transport is the asyncio server.
        listening = cast("asyncio.Server", self._server.transport)
        host, port = listening.sockets[0].getsockname()[:2]
        self._listener = await splice(listen, f"tcp://{host}:{port}", faults)
        self._spawn(self._live(), "cell")
        return self._listener.url

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listener is not None:
            await self._listener.close()
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]

    async def broken(self) -> BaseException:
        assert self._listener is not None
        ends: set[asyncio.Future[BaseException]] = {self._listener.broken, self._defect}
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()

    def state(self) -> dict[str, Any]:
        state = self._state()
        return {
            "status": [str(bit.name) for bit in state.status],
            "sequence": state.sequence,
            "job": state.job,
            "fault": fault_name(state.fault),
            "result": Result(state.result).name.lower(),
            "good": state.good,
            "failed": state.failed,
            "armed": self._latched is not None,
            "powered": self._powered,
        }

    async def pedal(self) -> None:
        """The pedal and the part's sensor are in series: without a piece nothing happens."""
        if self._powered and self._parts.present(self._station) is not None:
            self._fire_latched()

    async def power(self, on: bool) -> None:
        if on and not self._powered:
            self._power_up()
        elif not on and self._powered:
            self._powered = False
            await self._stop_marking()
            self.moments.release()

    def misbehave(self, name: str, count: int) -> None:
        if name not in _MISDEEDS:
            raise ValueError(f"no fault {name!r}; there are {', '.join(_MISDEEDS)}")
        self._misdeeds[name] += count

    def misdeeds(self) -> dict[str, int]:
        return dict(self._done_misdeeds)

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        match op, request:
            case "input", {"name": "interlock", "on": bool(on)}:
                self._interlock = on
                await self._safety(not on, Fault.INTERLOCK)
            case "input", {"name": "e-stop", "on": bool(on)}:
                self._e_stop = on
                await self._safety(on, Fault.E_STOP)
            case "input", {"name": "shutter", "on": bool(on)}:
                self._shutter_works = on
            case "reset", {}:
                self._reset()
            case _:
                raise ValueError(f"no operation {op!r} with {request}")
        return {}

    @property
    def _deaf(self) -> bool:
        return not self._powered or self.moments.held

    async def _serve(
        self,
        function: int,
        _start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """One access to the registers, before it is answered."""
        if self._deaf:
            return ExcCodes.DEVICE_FAILURE  # never sent: what a deaf cell hears is lost
        if function not in _FUNCTIONS:
            return ExcCodes.ILLEGAL_FUNCTION
        if values is not None:
            if address + count > CELL:
                return ExcCodes.ILLEGAL_ADDRESS
            self._written(address, [int(value) for value in values])
        image = encode_image(decode_command(self._host[:HOST_REGISTERS]), self._state(), self._echo)
        image[HOST_REGISTERS:CELL] = self._host[HOST_REGISTERS:]
        registers[:TOTAL_REGISTERS] = image
        return None

    def _written(self, address: int, values: list[int]) -> None:
        before = self._command
        self._host[address : address + len(values)] = values
        if self._host[HEARTBEAT] != before.heartbeat:
            self._host_beat_at = time.monotonic()
            self._watchdog_tripped = False
        # The controller acts in its next scan, after the communication has answered.
        job = address <= JOB_NO < address + len(values)
        asyncio.get_running_loop().call_soon(self._scan, before, self._command, job)

    def _scan(self, before: Command, now: Command, job: bool) -> None:
        """Act on what a write has changed. Bits act on their rising edge, requests on level."""
        if self._deaf:
            return
        rose = now.control & ~before.control
        if Control.SHUTTER_REQ in rose:
            self._shutter_at = time.monotonic() + self._options.shutter_seconds / self._speed
        if job and now.job and not self._busy:
            if now.job in self._options.jobs:
                self._job = now.job
            else:
                self._trip(Fault.JOB)
        if Control.FAULT_RESET in rose:
            self._reset()
        if Control.RESULT_ACK in rose and not self._busy:
            self._keep(result=Result.NONE, echo="")
            self._echo_flaw = 0
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
        able = Status.REMOTE in self._state().status and not self._fault
        if self._busy or self._latched or self._memory.result or not able:
            self._drop_arm()
            return
        if command.sequence == self._memory.sequence != 0:
            self._drop_arm()  # a repeated number never marks again
            return
        if refusal := self._invalid(command):
            self._trip(refusal)
            return
        assert command.text is not None
        shot = (command.sequence, command.text)
        if bit is Control.TRIGGER:
            self._begin(shot, triggered=True)
        else:
            self._latched = shot
            self._spawn(self.moments.reach("armed"), "armed")

    def _invalid(self, command: Command) -> Fault | None:
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
        if not command.sequence or command.text == b"":
            return Fault.TEXT
        if command.text is None:
            return Fault.TEXT if command.length > len(command.area) else Fault.CRC
        try:
            decode_text(command.text)
        except ValueError:
            return Fault.TEXT
        return None

    def _fire_latched(self) -> None:
        shot, self._latched = self._latched, None
        if shot is not None and not self._busy and not self._fault:
            self._drop_arm()
            self._begin(shot, triggered=False)

    def _begin(self, shot: tuple[int, bytes], triggered: bool) -> None:
        self._busy = True
        self._marking = self._spawn(self._mark(*shot, triggered), "mark")

    async def _mark(self, sequence: int, text: bytes, triggered: bool) -> None:
        if triggered:
            await self.moments.reach("armed")
        began = time.monotonic()
        self._keep(sequence=sequence, running=True)
        fails = self._misdeed("fail")
        try:
            seconds = self._options.mark_seconds / self._speed
            await asyncio.sleep(seconds / 2 if fails else seconds)
        except asyncio.CancelledError:
            self._engrave(text, _HALF_MARKED)
            raise
        quality = _HALF_MARKED if fails or self._misdeed("faint") else 1.0
        self._engrave(text, quality)
        await self.moments.reach("marked")
        self._cycle_ms = min(0xFFFF, round((time.monotonic() - began) * 1000))
        if fails:
            self._end(Result.FAILED, Fault.TIMEOUT)
        else:
            self._echo_flaw = int(self._misdeed("echo"))
            self._end(Result.OK, self._fault_after, text)
        self.moments.current = ""

    def _end(self, result: Result, fault: Fault, text: bytes = b"") -> None:
        """The shot is over: result, echo and counters, and whatever fault waited for it."""
        counters = {"good": self._memory.good + 1}
        if result != Result.OK:
            counters = {"failed": self._memory.failed + 1}
        self._keep(running=False, result=result, echo=text.hex(), **counters)
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

    async def _safety(self, tripped: bool, fault: Fault) -> None:
        if not tripped or not self._powered:
            return
        if await self._stop_marking():
            self._end(Result.FAILED, fault)
        else:
            self._trip(fault)

    def _trip(self, fault: Fault) -> None:
        self._fault = self._fault or fault
        self._drop_arm()

    def _reset(self) -> None:
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
            now = time.monotonic()
            if self.moments.held:
                self._host_beat_at = now  # its clock stands still too
            if self._deaf:
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
                self._fire_latched()
            self._part_before = part

    def _host_silent(self) -> None:
        if self._busy:
            self._fault_after = Fault.WATCHDOG
        elif self._latched is not None:
            self._host[TEXT_LEN:HOST_REGISTERS] = [0] * (HOST_REGISTERS - TEXT_LEN)
            self._trip(Fault.WATCHDOG)

    @property
    def _command(self) -> Command:
        return decode_command(self._host[:HOST_REGISTERS])

    @property
    def _echo(self) -> bytes:
        return bytes.fromhex(self._memory.echo)

    @property
    def _shutter_open(self) -> bool:
        asked = Control.SHUTTER_REQ in Control(self._host[CONTROL])
        return asked and self._shutter_works and time.monotonic() >= self._shutter_at

    def _state(self) -> CellState:
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
            echo_crc=crc16(echo) ^ self._echo_flaw if echo else 0,
        )

    def _engrave(self, text: bytes, quality: float) -> None:
        content, lines = decode_text(text)
        self._parts.engrave(self._station, 1, content, lines, quality, "modbus-cell")

    def _misdeed(self, name: str) -> bool:
        if not self._misdeeds[name]:
            return False
        self._misdeeds[name] -= 1
        self._done_misdeeds[name] += 1
        return True

    def _keep(self, **changes: Any) -> None:
        self._memory = replace(self._memory, **changes)
        path = self._options.memory
        if path is not None:
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(asdict(self._memory)))
            fresh.replace(path)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        defect = None if task.cancelled() else task.exception()
        if defect is not None and not self._defect.done():
            self._defect.set_result(defect)


def _recall(path: Path | None) -> Memory:
    if path is None or not path.exists():
        return Memory()
    return Memory(**json.loads(path.read_text()))


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> ModbusCell:
    """The cell with these options; raises ValueError for an unknown or wrong one."""
    given = dict(options)
    default = Options()
    chosen = Options(
        unit=int(given.pop("unit", default.unit)),
        jobs=tuple(int(job) for job in given.pop("jobs", "1,2,3").split(",")),
        input=given.pop("input", default.input),
        mark_seconds=float(given.pop("mark_seconds", default.mark_seconds)),
        shutter_seconds=float(given.pop("shutter_seconds", default.shutter_seconds)),
        watchdog=float(given.pop("watchdog", default.watchdog)),
        memory=Path(given.pop("memory")) if "memory" in given else None,
    )
    if given:
        raise ValueError(f"modbus-cell has no option {', '.join(given)}")
    if chosen.input not in ("pedal", "part"):
        raise ValueError(f"input is pedal or part, not {chosen.input!r}")
    return ModbusCell(chosen, parts, station, speed)
