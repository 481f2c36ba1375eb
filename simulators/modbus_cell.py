"""A marking cell behind Modbus registers: the wire and the back door of its controller.

The register image is that of `drivers.modbus_cell.codec`; the Modbus server is pymodbus. On
`serial` it speaks RTU, on `tcp://` Modbus TCP, or with `serial_server` (`off`) the RTU of a cell
behind a serial server. The wire in front of it carries the faults.

Options: `serial_server`, `unit` (1; on RTU it is silent when another is asked, on Modbus TCP it
answers with exception 0B), `map` (2; 1 has no trays), `positions` (16, how many the tray has),
`jobs` (`1,2,3`), `input` (`pedal`, or `part`: an armed cell fires when a piece is laid),
`mark_seconds` (2.0, each position), `late_seconds` (30.0), `shutter_seconds` (1.0), all three
divided by the speed, `watchdog` (3.0 s, never scaled: the host's heartbeat is not either),
`memory` (a file for what is retentive; without it, that lives as long as the process),
`scan_seconds` (0; a scan of the program, never scaled: it takes what the host wrote as it begins
and writes the cell's registers one by one, so that an answer may be half old).

Moments: `armed`, `marked` (the metal has changed and no register tells it yet), `between` (one
position's result is kept, the next has not begun).

Own operations of the back door: `{"op":"input","name":"interlock"|"e-stop"|"shutter","on":bool}`
(interlock closed; emergency stop pressed; shutter able to open), `{"op":"reset"}`, the key at the
cell that clears a fault, and with `scan_seconds` `{"op":"program","on":bool}`: a program that is
stopped, of which the registers are still answered for. Misbehaviour: `faint` (a mark that no reader
can read), `fail` (the laser stops half-way, result 3 with fault 7), `echo` (an echo whose CRC does
not hold), each at the next position that is marked or at `"position":k` alone; `late` (the laser
begins `late_seconds` after it should), `keep` (RESULT_ACK is ignored: the old result stays).
"""

import asyncio
from pathlib import Path
from typing import Any, cast

from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.modbus_cell.codec import HIGHEST_POSITION, WRITABLE, Result, fault_name
from simulators.faults import Faults
from simulators.modbus_controller import Controller, Options
from simulators.options import Given
from simulators.part import PartStore
from simulators.pipe import Listener, splice

_FUNCTIONS = (3, 6, 16)
_ANY_OTHER = 0  # the library's name for each unit that is not served


async def _refuse(*_request: object) -> ExcCodes:
    """As a gateway of Modbus TCP answers for a unit that it does not have."""
    return ExcCodes.GATEWAY_NO_RESPONSE


class ModbusCell:
    """One cell on one wire."""

    def __init__(
        self,
        options: Options,
        parts: PartStore,
        station: str,
        speed: float,
        *,
        serial_server: bool,
    ) -> None:
        self.inner_host = "127.0.0.1"
        """Where the library's server listens, behind the wire."""
        self._options = options
        self._serial_server = serial_server
        self._parts = parts
        self._station = station
        self.controller = Controller(options, parts, station, speed)
        self.moments = self.controller.moments
        self._server: ModbusTcpServer | None = None
        self._listener: Listener | None = None

    async def start(self, listen: str, faults: Faults) -> str:
        rtu = listen.startswith("serial") or self._serial_server
        unit, size = self._options.unit, len(self.controller.image())

        def trace(sending: bool, data: bytes) -> bytes:
            """What is sent: on an RTU line others answer what is asked of them, or nobody does."""
            silent = self.controller.deaf or (rtu and data[:1] != bytes([unit]))
            return b"" if sending and silent else data

        self._server = ModbusTcpServer(
            [
                SimDevice(
                    id=each,
                    simdata=[SimData(0, count=size, datatype=DataType.REGISTERS)],
                    action=action,
                )
                for each, action in ((unit, self._serve), (_ANY_OTHER, _refuse))
            ],
            framer=FramerType.RTU if rtu else FramerType.SOCKET,
            address=(self.inner_host, 0),
            trace_packet=trace,
        )
        await self._server.serve_forever(background=True)
        # What the library calls its transport is the asyncio server.
        listening = cast("asyncio.Server", self._server.transport)
        host, port = listening.sockets[0].getsockname()[:2]
        self._listener = await splice(listen, f"tcp://{host}:{port}", faults)
        self.controller.start()
        return self._listener.url

    async def stop(self) -> None:
        await self.controller.stop()
        if self._listener is not None:
            await self._listener.close()
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]

    async def broken(self) -> BaseException:
        assert self._listener is not None
        assert self.controller.defect is not None
        ends: set[asyncio.Future[BaseException]] = {self._listener.broken, self.controller.defect}
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()

    def state(self) -> dict[str, Any]:
        state = self.controller.cell_state()
        places = self.controller.places
        return {
            "status": [str(bit.name) for bit in state.status],
            "sequence": state.sequence,
            "job": state.job,
            "fault": fault_name(state.fault),
            "result": Result(state.result).name.lower(),
            "places": {str(position): result.name.lower() for position, result in places.items()},
            "good": state.good,
            "failed": state.failed,
            "armed": self.controller.armed,
            "powered": self.controller.powered,
        }

    async def pedal(self) -> bool:
        """The pedal and the part's sensor are in series: without a piece nothing happens."""
        present = self._parts.present(self._station) is not None
        return self.controller.powered and present and self.controller.fire_latched()

    async def power(self, on: bool) -> None:
        await self.controller.power(on)

    def misbehave(self, name: str, count: int, position: int = 0) -> None:
        self.controller.misdeeds.plan(name, count, position)

    def misdeeds(self) -> dict[str, int]:
        return dict(self.controller.misdeeds.done)

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        match op, request:
            case "input", {"name": str(name), "on": bool(on)}:
                await self.controller.input(name, on)
            case "program", {"on": bool(on)}:
                self.controller.running = on
            case "reset", {}:
                self.controller.reset()
            case _:
                raise ValueError(f"no operation {op!r} with {request}")
        return {}

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
        if self.controller.deaf:
            return ExcCodes.DEVICE_FAILURE  # never sent: what a deaf cell hears is lost
        if function not in _FUNCTIONS:
            return ExcCodes.ILLEGAL_FUNCTION
        if values is not None:
            last = address + count - 1
            if not any(address in each and last in each for each in WRITABLE[self._options.map]):
                return ExcCodes.ILLEGAL_ADDRESS
            self.controller.written(address, [int(value) for value in values])
        registers[:] = self.controller.image()
        return None


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> ModbusCell:
    """The cell with these options; raises ValueError for an unknown or wrong one."""
    given, default = Given(options), Options()
    memory = given.text("memory")
    chosen = Options(
        unit=given.whole("unit", default.unit),
        map=given.whole("map", default.map, min(WRITABLE), max(WRITABLE)),
        positions=given.whole("positions", default.positions, 1, HIGHEST_POSITION),
        jobs=given.wholes("jobs", "1,2,3"),
        input=given.one_of("input", ("pedal", "part"), default.input),
        mark_seconds=given.number("mark_seconds", default.mark_seconds),
        late_seconds=given.number("late_seconds", default.late_seconds),
        shutter_seconds=given.number("shutter_seconds", default.shutter_seconds),
        watchdog=given.number("watchdog", default.watchdog),
        memory=Path(memory) if memory else None,
        scan_seconds=given.number("scan_seconds", default.scan_seconds),
    )
    behind = given.one_of("serial_server", ("off", "on"))
    given.end()
    return ModbusCell(chosen, parts, station, speed, serial_server=behind == "on")
