"""What the registers of one cell prove: a text loaded, a permission withdrawn, a shot's result."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers import clock
from drivers.errors import DeviceFault, DeviceRefused, OutcomeUnknown, UnexpectedReply
from drivers.modbus_cell.codec import (
    CMD_SEQ,
    CONTROL,
    ECHO,
    HIGHEST_POSITION,
    HIGHEST_SEQUENCE,
    MAP_VERSION,
    MAP_WITHOUT_TRAYS,
    REPORT,
    REPORT_REGISTERS,
    TABLE,
    TEXT_REGISTERS,
    VERSION,
    CellState,
    Command,
    Control,
    Fault,
    Report,
    Result,
    Status,
    area_of,
    decode_echo,
    decode_report,
    decode_text,
    encode_area,
    encode_command,
    encode_table,
    fault_name,
    loaded,
    loaded_tray,
)
from drivers.modbus_cell.link import CellLink
from drivers.modbus_cell.options import CellOptions
from drivers.modbus_cell.tray import outcome_of_tray
from drivers.protocols import Did, Outcome

_POLL_SECONDS = 0.02
_BEAT_SECONDS = 3.0
"""A heartbeat, which changes once a second, has stopped after this time."""
_READINGS = 4
STANDING = Control.SHUTTER_REQ | Control.REMOTE_REQ
NEWEST_STEP = 2
"""A new shot's number is the cell's last one plus 1, or plus 2 where the cell never saw one."""
FIRING = Control.TRIGGER | Control.ARM
_RESETTABLE = {Fault.JOB, Fault.CRC, Fault.TEXT, Fault.COMMS, Fault.WATCHDOG}
"""Faults that this side caused; every other one needs a person at the cell."""


@dataclass(frozen=True)
class Loaded:
    """The shot that was last loaded: its texts by position, and its registers from 2 on.

    All but `sequence` is None where a former process loaded it.
    """

    sequence: int
    texts: Mapping[int, bytes] | None = None
    block: list[int] | None = None
    former: int | None = None
    """The cell's last number when it was loaded."""

    def is_next_after(self, last: int) -> bool:
        """Whether a cell that has this last number can have carried out no shot since."""
        if self.former is not None:
            return last == self.former
        return 0 < (self.sequence - last) % HIGHEST_SEQUENCE <= NEWEST_STEP


@dataclass(frozen=True)
class CellMap:
    """Which map a cell has, and how many positions."""

    version: int
    positions: int

    def refuses(self, position: int) -> str | None:
        """Why it has no such position, or None."""
        if 1 <= position <= self.positions:
            return None
        if self.version == MAP_WITHOUT_TRAYS:
            return f"position {position}: this cell's map is version 1, which has position 1 only"
        return f"position {position}: the tray has 1 to {self.positions}"


class Handshake:
    """One cell behind `link`. Errors: those of `CellLink`, and what each method adds."""

    def __init__(self, link: CellLink, name: str, options: CellOptions) -> None:
        self.map: CellMap | None = None
        """As the cell last said; None before it was asked."""
        self._link = link
        self._name = name
        self._options = options

    async def ask_map(self) -> CellMap:
        """Which map the cell has. Raises UnexpectedReply for one that this driver does not know."""
        (version,) = await self._link.read(VERSION, 1)
        if version == MAP_WITHOUT_TRAYS:
            self.map = CellMap(version, 1)
        elif version == MAP_VERSION:
            _, positions = await self._link.read(VERSION, 2)
            if not 1 <= positions <= HIGHEST_POSITION:
                why = f"a tray of {positions} positions, the map has 1 to {HIGHEST_POSITION}"
                raise UnexpectedReply(self._name, "identify", why)
            self.map = CellMap(version, positions)
        else:
            why = f"register map {version}, this driver knows 1 and {MAP_VERSION}"
            raise UnexpectedReply(self._name, "identify", why)
        return self.map

    async def load(
        self, sequence: int, job: int, texts: Mapping[int, bytes], former: int
    ) -> Loaded:
        """Write a shot's texts, then its command in one request; read all of it back.

        `former` is the cell's last number.

        One text at position 1 is a shot without a tray, on either map.
        """
        if texts.keys() == {1}:
            block = encode_command(loaded(sequence, job, texts[1]))[CMD_SEQ:]
        else:
            await self._load_tray(texts)
            block = encode_command(loaded_tray(sequence, job, texts))[CMD_SEQ:]
        await self._link.write_block(CMD_SEQ, block)
        command, _ = await self._link.snapshot()
        if encode_command(command)[CMD_SEQ:] != block:
            raise self._differs()
        return Loaded(sequence, texts, block, former)

    async def _load_tray(self, texts: Mapping[int, bytes]) -> None:
        """Areas and table; inert until the command that names them."""
        blocks = {area_of(position): encode_area(text) for position, text in texts.items()}
        blocks[TABLE] = encode_table(texts)
        for address, block in blocks.items():
            await self._link.write_block(address, block)
        for address, block in blocks.items():
            if await self._link.read(address, len(block)) != block:
                raise self._differs()

    def _differs(self) -> UnexpectedReply:
        return UnexpectedReply(self._name, "arm", "what was loaded does not read back the same")

    async def withdraw(self, operation: str) -> CellState:
        """Take permission, number and text away, see them gone, and wait for a running shot."""
        _, state = await self._link.snapshot()
        await self._link.write(CONTROL, STANDING)
        nothing = encode_command(loaded(0, state.job, b""))[CMD_SEQ:]
        await self._link.write_block(CMD_SEQ, nothing)
        command, state = await self._await_end(operation)
        if command.control & FIRING or encode_command(command)[CMD_SEQ:] != nothing:
            raise OutcomeUnknown(self._name, operation, "text or permission came back")
        # A proof that one wrong bit could forge is none: Modbus TCP has no checksum of its own.
        _, again = await self._link.snapshot()
        if (again.sequence, again.result) != (state.sequence, state.result):
            raise UnexpectedReply(self._name, operation, "two reads do not show the same result")
        return again

    async def conclude(
        self, operation: str, state: CellState, shot: Loaded
    ) -> tuple[CellState, Outcome]:
        """Return what a cell that cannot fire any more proves of `shot`, and the state it shows.

        DONE with our echo is proof by itself. Any other outcome is believed when it reads the same
        before and after a whole scan of the cell's program. Raises OutcomeUnknown if that program
        stands still.
        """
        outcome = await self._proof(state, shot)
        for _ in range(_READINGS):
            if outcome.did is Did.DONE:
                return state, outcome
            before = outcome
            state = await self.after_a_scan(operation)
            outcome = await self._proof(state, shot)
            if outcome == before:
                return state, outcome
        raise UnexpectedReply(self._name, operation, "two reads do not show the same result")

    async def _await_end(self, operation: str) -> tuple[Command, CellState]:
        command, state = await self.wait(
            lambda _, state: not state.status & Status.BUSY, self._options.busy_timeout
        )
        if state.status & Status.BUSY:
            raise OutcomeUnknown(self._name, operation, "the cell does not stop marking")
        return command, state

    async def _proof(self, state: CellState, shot: Loaded) -> Outcome:
        if state.sequence == shot.sequence:
            return await self.result(state, shot.texts)
        if state.sequence == 0:
            return Outcome(Did.UNKNOWN, "the cell holds no number: new, or its memory was lost")
        last = f"the cell's last number is {state.sequence}"
        if not shot.is_next_after(state.sequence):
            # Other shots came after it, or it is another cell: ours may have been before them.
            return Outcome(Did.UNKNOWN, last)
        return Outcome(Did.NOT_STARTED, last)

    async def result(self, state: CellState, texts: Mapping[int, bytes] | None) -> Outcome:
        """The result that the cell keeps for its ACK_SEQ; checked against `texts` where known."""
        if state.result == Result.NONE:
            return Outcome(Did.UNKNOWN, "started; its result was acknowledged before")
        if await self._of_a_tray(state, texts):
            report = await self._report()
            if report.marks or texts is not None:
                if report.sequence != state.sequence:
                    return Outcome(Did.UNKNOWN, f"its report is of number {report.sequence}")
                return outcome_of_tray(report, state.result, texts)
        if state.result != Result.OK:
            return Outcome(Did.UNKNOWN, cause_of(state, f"result {state.result}"))
        echo = decode_echo(state, await self._link.read(ECHO, TEXT_REGISTERS))
        if echo is None:
            return Outcome(Did.UNKNOWN, "the echo's CRC does not hold")
        try:
            content, _ = decode_text(echo)
        except ValueError as fault:
            return Outcome(Did.UNKNOWN, f"the echo is no text of this map: {fault}")
        if texts is not None and echo != texts.get(1):
            return Outcome(Did.UNKNOWN, "the cell marked another text", content)
        return Outcome(Did.DONE, "", content)

    async def _of_a_tray(self, state: CellState, texts: Mapping[int, bytes] | None) -> bool:
        """Whether that shot was of a tray; where a former process asked, whether it may have been.

        The echo of a shot without a tray is in the state.
        """
        if texts is not None:
            return texts.keys() != {1}
        if state.echo_length:
            return False
        return (self.map or await self.ask_map()).version != MAP_WITHOUT_TRAYS

    async def _report(self) -> Report:
        report = decode_report(await self._link.read(REPORT, REPORT_REGISTERS))
        # As in `withdraw`: one wrong bit must not turn a marked position into one not started.
        if decode_report(await self._link.read(REPORT, REPORT_REGISTERS)) != report:
            why = "two reads do not show the same report"
            raise UnexpectedReply(self._name, "read the report", why)
        return report

    async def acknowledge(self, state: CellState) -> None:
        """Let the cell forget its result; returns when it has. Raises DeviceRefused."""
        if state.result == Result.NONE and not state.status & Status.DONE:
            return
        await self._link.write(CONTROL, STANDING | Control.RESULT_ACK)
        _, state = await self.wait(
            lambda _, state: state.result == Result.NONE and not state.status & Status.DONE,
            self._options.accept_timeout,
        )
        await self._link.write(CONTROL, STANDING)
        if state.result != Result.NONE or state.status & Status.DONE:
            raise self.refusal("disarm", "the cell keeps its result after RESULT_ACK", state)

    async def reset_fault(self, operation: str, state: CellState) -> None:
        """Reset a fault of ours. Raises DeviceFault for any other, or if it stays."""
        if state.fault not in _RESETTABLE:
            raise self.fault(operation, state)
        await self._link.write(CONTROL, STANDING | Control.FAULT_RESET)
        _, state = await self.wait(
            lambda _, state: not state.status & Status.FAULT, self._options.accept_timeout
        )
        await self._link.write(CONTROL, STANDING)
        if state.status & Status.FAULT:
            raise self.fault(operation, state)

    async def wait(
        self, done: Callable[[Command, CellState], bool], seconds: float
    ) -> tuple[Command, CellState]:
        """Snapshots until `done`, or the last one when `seconds` are over."""
        deadline = clock.now() + seconds
        while True:
            command, state = await self._link.snapshot()
            if done(command, state) or clock.now() >= deadline:
                return command, state
            await asyncio.sleep(_POLL_SECONDS)

    async def after_a_scan(self, operation: str) -> CellState:
        """Return the state once the cell's program has read what was written, and marks nothing.

        A program reads the host's registers when its scan begins and writes its own one by one
        until its scan ends. So an answer may be older than a shot that has begun, or half old. A
        heartbeat that changes twice has a whole scan in between.
        """
        _, state = await self._link.snapshot()
        for _ in range(2):
            state = await self._next_beat(operation, state.heartbeat)
        _, state = await self._await_end(operation)
        return state

    async def _next_beat(self, operation: str, beat: int) -> CellState:
        _, state = await self.wait(lambda _, state: state.heartbeat != beat, _BEAT_SECONDS)
        if state.heartbeat == beat:
            raise OutcomeUnknown(self._name, operation, "the cell's program stands still")
        return state

    def require_ready(self, operation: str, state: CellState) -> None:
        """Raises DeviceFault or DeviceRefused unless the cell is READY."""
        if state.status & Status.FAULT:
            raise self.fault(operation, state)
        if not state.status & Status.READY:
            raise self.refusal(operation, lacks(state), state)

    def refusal(self, operation: str, detail: str, state: CellState | None = None) -> DeviceRefused:
        code = str(state.fault) if state is not None and state.status & Status.FAULT else ""
        return DeviceRefused(self._name, operation, detail, code)

    def fault(self, operation: str, state: CellState) -> DeviceFault:
        alarm = fault_name(state.fault)
        return DeviceFault(self._name, operation, f"fault {alarm}", alarm)


def cause_of(state: CellState, otherwise: str) -> str:
    """The cell's fault, where it shows one."""
    return f"fault {fault_name(state.fault)}" if state.status & Status.FAULT else otherwise


def lacks(state: CellState) -> str:
    """What keeps the cell from READY, in its own bits."""
    wanted = (Status.REMOTE, Status.INTERLOCK_OK, Status.SHUTTER_OPEN)
    missing = [str(bit.name) for bit in wanted if not state.status & bit]
    hindering = (Status.BUSY, Status.DONE, Status.WDT_TRIP)
    present = [str(bit.name) for bit in hindering if state.status & bit]
    return f"not READY: without {missing or 'nothing'}, with {present or 'nothing'}"
