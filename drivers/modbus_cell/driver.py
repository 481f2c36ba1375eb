"""A marking cell on Modbus as a `Marker`: handshake by sequence numbers, proof by echo.

The register map and what it leaves open: `drivers.modbus_cell.codec`. The sequence is the map's
own: require READY; write 2-73 in one request and read back; TRIGGER (or ARM) in its own write;
then ACK_SEQ before anything else, and the echo's CRC.

What makes a result certain here:

- A write that could fire is sent once. If its reply is lost, the cell's registers say what became
  of it, never a second write.
- *Not started* is said only after the permission is withdrawn (TRIGGER and ARM off, CMD_SEQ and
  TEXT_LEN zero, all read back): a write that is still under way on the wire then meets an empty
  text, which the cell refuses. The cell copies ACK_SEQ before it moves, so an ACK_SEQ other than
  ours proves that nothing was fired; an ACK_SEQ of 0 is a cell that has never run or has lost its
  memory, and proves nothing.
- RESULT_ACK, which lets the cell forget result and echo, is set by `disarm` and not by `outcome`:
  a caller disarms after it has written the outcome down. If it stops in between, the cell still
  holds the result for the process that comes after.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.catalog import Kind
from drivers.errors import (
    DeviceFault,
    DeviceRefused,
    LinkError,
    OutcomeUnknown,
    ProtocolError,
    UnexpectedReply,
)
from drivers.modbus_cell.codec import (
    CMD_SEQ,
    CONTROL,
    ECHO,
    HIGHEST_SEQUENCE,
    JOB_NO,
    MAP_VERSION,
    TEXT_REGISTERS,
    VERSION,
    CellState,
    Command,
    Control,
    Fault,
    Result,
    Status,
    decode_echo,
    decode_text,
    encode_command,
    encode_text,
    fault_name,
    loaded,
    refuses,
)
from drivers.modbus_cell.link import CellLink
from drivers.protocols import (
    Activity,
    Did,
    Identity,
    MarkerStatus,
    MarkText,
    Outcome,
    Shot,
    Start,
)
from drivers.transport import Rfc2217Target, parse_url

_POLL_SECONDS = 0.02
_STANDING = Control.SHUTTER_REQ | Control.REMOTE_REQ
_FIRING = Control.TRIGGER | Control.ARM
_RECONNECT_SECONDS = 0.1
_LOST = (LinkError, ProtocolError, DeviceRefused)
"""A request whose effect the registers have to tell; a refusal of one request settles no shot."""
_RESETTABLE = {Fault.JOB, Fault.CRC, Fault.TEXT, Fault.COMMS, Fault.WATCHDOG}
"""Faults that this side caused; every other one needs a person at the cell."""


class CellOptions(BaseModel):
    """Options of the kind `modbus-cell`."""

    model_config = ConfigDict(extra="forbid")

    unit: Annotated[int, Field(ge=1, le=247, description="Modbus unit identifier")] = 1
    start: Annotated[
        Literal["command", "input"],
        Field(description="who fires: `fire`, or the cell's own input (pedal, part present)"),
    ] = "command"
    reply_timeout: Annotated[float, Field(gt=0, description="seconds for one reply")] = 1.0
    ready_timeout: Annotated[
        float, Field(gt=0, description="seconds for remote mode, shutter and job")
    ] = 20.0
    accept_timeout: Annotated[
        float, Field(gt=0, description="seconds for the cell to accept or refuse a trigger")
    ] = 2.0
    busy_timeout: Annotated[
        float, Field(gt=0, description="seconds that marking may still take when disarming")
    ] = 60.0


@dataclass(frozen=True)
class _Loaded:
    """The shot that was last loaded; `text` is None where a former process loaded it."""

    sequence: int
    text: bytes | None


class ModbusCell:
    """The `Marker` for one cell. `url` is `tcp://host:port`, or `serial:///dev/...` for RTU."""

    single_shot = True

    def __init__(self, url: str, options: CellOptions, name: str) -> None:
        target = parse_url(url)
        if isinstance(target, Rfc2217Target):
            why = f"{url!r}: a modbus-cell is reached by tcp:// or serial://"
            raise ValueError(why)  # noqa: TRY004 - the value is wrong, not a type
        self.starts: frozenset[Start] = frozenset({options.start})
        self._name = name
        self._options = options
        self._link = CellLink(target, name, options.unit, options.reply_timeout)
        self._shot: _Loaded | None = None
        self._concluded: tuple[int, Outcome] | None = None

    @property
    def link_failure(self) -> LinkError | ProtocolError | None:
        """Why the connection and its heartbeat ended; None while they live."""
        return self._link.failure

    def refuses(self, mark: MarkText) -> str | None:
        if mark.position != 1:
            return f"position {mark.position}: the cell's map has position 1 only"
        return refuses(mark.content, mark.lines)

    async def connect(self) -> None:
        await self._link.open()
        await self._version()

    async def identify(self) -> Identity:
        return Identity("", "marking cell", f"map {await self._version()}")

    async def status(self) -> MarkerStatus:
        command, state = await self._link.snapshot()
        last = None
        if state.result != Result.NONE and not state.status & Status.BUSY:
            last = await self._result(state, None)
        alarm = fault_name(state.fault) if state.status & Status.FAULT else ""
        return MarkerStatus(_activity(command, state), alarm, state.sequence, last)

    async def select_job(self, job: str) -> None:
        """As the protocol says; resets first a fault of ours (job, CRC, text, comms, watchdog).

        Raises DeviceFault for any other fault: it is cleared at the cell, by a person.
        """
        operation = f"select job {job}"
        if not job.isdecimal() or not 1 <= int(job) <= 0xFFFF:
            raise self._refusal(operation, "a job is a number from 1 to 65535")
        _, state = await self._link.snapshot()
        if state.status & (Status.BUSY | Status.DONE):
            raise self._refusal(operation, "a shot is running or its result waits for disarm")
        await self._link.write(CONTROL, _STANDING)
        if state.status & Status.FAULT:
            await self._reset_fault(operation, state)
        await self._link.write(JOB_NO, int(job))
        _, state = await self._wait(
            lambda _, state: (
                bool(state.status & (Status.FAULT | Status.READY))
                and (bool(state.status & Status.FAULT) or state.job == int(job))
            ),
            self._options.ready_timeout,
        )
        if state.status & Status.FAULT and state.fault == Fault.JOB:
            await self._reset_fault(operation, state)
            raise self._refusal(operation, "the cell has no such job", state)
        if state.status & Status.FAULT:
            raise self._fault(operation, state)
        if state.job != int(job) or not state.status & Status.READY:
            raise self._refusal(operation, f"job {state.job}, {_lacks(state)}", state)

    async def arm(self, shot: Shot) -> None:
        """Load the text; with `start: input` also ARM, without it nothing can fire before `fire`.

        `shot.sequence` is the command number to journal before this, 1 to 65535; the caller never
        gives the number of the cell's last shot again.
        """
        sequence, text = self._checked(shot)
        _, state = await self._link.snapshot()
        self._require_ready("arm", state)
        if state.sequence == sequence:
            raise self._refusal("arm", f"the cell has already carried out number {sequence}")
        self._shot, self._concluded = _Loaded(sequence, text), None
        block = encode_command(loaded(sequence, state.job, text))[CMD_SEQ:]
        await self._link.write_block(CMD_SEQ, block)
        command, _ = await self._link.snapshot()
        if encode_command(command)[CMD_SEQ:] != block:
            raise UnexpectedReply(self._name, "arm", "what was loaded does not read back the same")
        if self._options.start == "input":
            await self._permit("arm", self._shot, Control.ARM)

    async def fire(self) -> None:
        """Set TRIGGER once; returns when the cell shows the shot's number in ACK_SEQ.

        Raises DeviceRefused (*not started*, proved), or OutcomeUnknown.
        """
        shot = self._shot
        if self._options.start == "input" or shot is None or self._concluded:
            raise self._refusal("fire", "no text is loaded for a start by command")
        command, state = await self._link.snapshot()
        if (command.sequence, command.text) != (shot.sequence, shot.text):
            await self._give_up("fire", shot, "the cell no longer holds the text that was loaded")
        elif not state.status & Status.READY:
            await self._give_up("fire", shot, _cause(state, _lacks(state)))
        elif not state.status & Status.PART:
            await self._give_up("fire", shot, "no part is present")
        else:
            await self._permit("fire", shot, Control.TRIGGER)

    async def outcome(self, timeout: float) -> Outcome:
        """As the protocol says. Withdraws the permission when time is up or the cell refused.

        The result stays in the cell until `disarm`.
        """
        shot = self._shot
        if shot is None:
            raise self._refusal("outcome", "nothing was armed")
        if self._concluded is None:
            self._concluded = (shot.sequence, await self._outcome(shot, timeout))
        return self._concluded[1]

    async def disarm(self, sequence: int | None = None) -> Outcome | None:
        """Withdraw the permission, then acknowledge the result: call it when that is journalled.

        `sequence` is the journalled number of an open shot, for a process that did not arm it
        itself. Waits while the cell is marking. Returns what the cell proves of that shot (DONE
        with the echo, NOT_STARTED, or UNKNOWN), or None where neither side names one. Raises
        LinkError, ProtocolError, OutcomeUnknown or DeviceRefused if it is not confirmed that
        nothing can fire.
        """
        shot = self._shot
        if sequence is not None and (shot is None or shot.sequence != sequence):
            shot = self._shot = _Loaded(sequence, None)
            self._concluded = None
        state = await self._withdraw("disarm")
        outcome = None
        if shot is not None:
            if self._concluded is None or self._concluded[1].did is Did.UNKNOWN:
                # Kept, so that a repeat after a lost reply still knows it.
                self._concluded = (shot.sequence, await self._conclude(state, shot))
            outcome = self._concluded[1]
        await self._acknowledge(state)
        return outcome

    async def abort(self) -> None:
        await self._link.snapshot()  # reconnects, so that this is not lost with an old connection
        await self._link.write(CONTROL, _STANDING | Control.ABORT)
        await self._link.write(CONTROL, _STANDING)

    async def close(self) -> None:
        await self._link.close()

    async def _version(self) -> int:
        (version,) = await self._link.read(VERSION, 1)
        if version != MAP_VERSION:
            raise UnexpectedReply(
                self._name, "identify", f"register map {version}, this driver knows {MAP_VERSION}"
            )
        return version

    def _checked(self, shot: Shot) -> tuple[int, bytes]:
        if shot.sequence is None or not 1 <= shot.sequence <= HIGHEST_SEQUENCE:
            raise self._refusal("arm", f"command number {shot.sequence} is not 1 to 65535")
        if len(shot.marks) != 1:
            raise self._refusal("arm", f"{len(shot.marks)} marks in a shot, the map has room for 1")
        mark = shot.marks[0]
        if why := self.refuses(mark):
            raise self._refusal("arm", why)
        return shot.sequence, encode_text(mark.content, mark.lines)

    async def _permit(self, operation: str, shot: _Loaded, permission: Control) -> None:
        """Set TRIGGER or ARM in a write of its own, and see that the cell took it."""
        with contextlib.suppress(*_LOST):
            await self._link.write(CONTROL, _STANDING | permission)
        try:
            command, state = await self._wait(
                lambda command, state: (
                    state.sequence == shot.sequence
                    or bool(state.status & Status.FAULT)
                    or bool(command.control & permission & Control.ARM)
                ),
                self._options.accept_timeout,
            )
        except _LOST as fault:
            raise OutcomeUnknown(self._name, operation, fault.detail) from fault
        armed = command.control & permission & Control.ARM and not state.status & Status.FAULT
        if state.sequence != shot.sequence and not armed:
            within = f"not accepted within {self._options.accept_timeout:g} s"
            await self._give_up(operation, shot, _cause(state, within))

    async def _give_up(self, operation: str, shot: _Loaded, cause: str) -> None:
        """Withdraw a shot; raise DeviceRefused if it is proved that it did not start.

        Returns if it is found to have started after all, for `outcome` to follow.
        """
        try:
            state = await self._withdraw(operation)
            outcome = await self._conclude(state, shot)
        except _LOST as fault:
            raise OutcomeUnknown(self._name, operation, f"{cause}; {fault.detail}") from fault
        if outcome.did is Did.NOT_STARTED:
            self._concluded = (shot.sequence, Outcome(Did.NOT_STARTED, cause))
            raise self._refusal(operation, cause, state)
        if state.sequence != shot.sequence:
            raise OutcomeUnknown(self._name, operation, f"{cause}; {outcome.cause}")

    async def _outcome(self, shot: _Loaded, seconds: float) -> Outcome:
        """Wait for the end; on a lost connection, connect again and go on until time is up."""
        deadline = asyncio.get_running_loop().time() + seconds
        cause = f"no end within {seconds:g} s"
        while True:
            left = deadline - asyncio.get_running_loop().time()
            try:
                _, state = await self._wait(lambda _, state: _ended(state, shot.sequence), left)
                break
            except _LOST as fault:
                if left <= 0:
                    return Outcome(Did.UNKNOWN, f"{cause}; {fault.detail}")
            await asyncio.sleep(_RECONNECT_SECONDS)
        try:
            if state.sequence != shot.sequence:
                cause = _cause(state, cause)
                state = await self._withdraw("outcome")
                outcome = await self._conclude(state, shot)
                if outcome.did is not Did.DONE:
                    return Outcome(outcome.did, cause, outcome.echo)
                return outcome
            if state.status & Status.BUSY:
                return Outcome(Did.UNKNOWN, f"{cause}; the cell is still marking")
            outcome = await self._conclude(state, shot)
            await self._link.write(CONTROL, _STANDING)
        except (*_LOST, OutcomeUnknown) as fault:
            return Outcome(Did.UNKNOWN, f"{cause}; {fault.detail}")
        return outcome

    async def _withdraw(self, operation: str) -> CellState:
        """Take permission, number and text away, see them gone, and wait for a running shot."""
        _, state = await self._link.snapshot()
        await self._link.write(CONTROL, _STANDING)
        nothing = encode_command(loaded(0, state.job, b""))[CMD_SEQ:]
        await self._link.write_block(CMD_SEQ, nothing)
        command, state = await self._wait(
            lambda _, state: not state.status & Status.BUSY, self._options.busy_timeout
        )
        if state.status & Status.BUSY:
            raise OutcomeUnknown(self._name, operation, "the cell does not stop marking")
        if command.control & _FIRING or encode_command(command)[CMD_SEQ:] != nothing:
            raise OutcomeUnknown(self._name, operation, "text or permission came back")
        # A proof that one wrong bit could forge is none: Modbus TCP has no checksum of its own.
        _, again = await self._link.snapshot()
        if (again.sequence, again.result) != (state.sequence, state.result):
            raise UnexpectedReply(self._name, operation, "two reads do not show the same result")
        return again

    async def _conclude(self, state: CellState, shot: _Loaded) -> Outcome:
        """What a cell that cannot fire any more proves of `shot`."""
        if state.sequence == shot.sequence:
            return await self._result(state, shot.text)
        if state.sequence == 0:
            return Outcome(Did.UNKNOWN, "the cell holds no number: new, or its memory was lost")
        return Outcome(Did.NOT_STARTED, f"the cell's last number is {state.sequence}")

    async def _result(self, state: CellState, text: bytes | None) -> Outcome:
        """The result that the cell keeps for its ACK_SEQ; checked against `text` where known."""
        if state.result == Result.NONE:
            return Outcome(Did.UNKNOWN, "started; its result was acknowledged before")
        if state.result != Result.OK:
            return Outcome(Did.UNKNOWN, _cause(state, f"result {state.result}"))
        echo = decode_echo(state, await self._link.read(ECHO, TEXT_REGISTERS))
        if echo is None:
            return Outcome(Did.UNKNOWN, "the echo's CRC does not hold")
        try:
            content, _ = decode_text(echo)
        except ValueError as fault:
            return Outcome(Did.UNKNOWN, f"the echo is no text of this map: {fault}")
        if text is not None and echo != text:
            return Outcome(Did.UNKNOWN, "the cell marked another text", content)
        return Outcome(Did.DONE, "", content)

    async def _acknowledge(self, state: CellState) -> None:
        """Let the cell forget its result; returns when it has."""
        if state.result == Result.NONE and not state.status & Status.DONE:
            return
        await self._link.write(CONTROL, _STANDING | Control.RESULT_ACK)
        _, state = await self._wait(
            lambda _, state: state.result == Result.NONE and not state.status & Status.DONE,
            self._options.accept_timeout,
        )
        await self._link.write(CONTROL, _STANDING)
        if state.result != Result.NONE or state.status & Status.DONE:
            raise self._refusal("disarm", "the cell keeps its result after RESULT_ACK", state)

    async def _reset_fault(self, operation: str, state: CellState) -> None:
        if state.fault not in _RESETTABLE:
            raise self._fault(operation, state)
        await self._link.write(CONTROL, _STANDING | Control.FAULT_RESET)
        _, state = await self._wait(
            lambda _, state: not state.status & Status.FAULT, self._options.accept_timeout
        )
        await self._link.write(CONTROL, _STANDING)
        if state.status & Status.FAULT:
            raise self._fault(operation, state)

    async def _wait(
        self, done: Callable[[Command, CellState], bool], seconds: float
    ) -> tuple[Command, CellState]:
        """Snapshots until `done`, or the last one when `seconds` are over."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            command, state = await self._link.snapshot()
            if done(command, state) or asyncio.get_running_loop().time() >= deadline:
                return command, state
            await asyncio.sleep(_POLL_SECONDS)

    def _require_ready(self, operation: str, state: CellState) -> None:
        if state.status & Status.FAULT:
            raise self._fault(operation, state)
        if not state.status & Status.READY:
            raise self._refusal(operation, _lacks(state), state)

    def _refusal(
        self, operation: str, detail: str, state: CellState | None = None
    ) -> DeviceRefused:
        code = str(state.fault) if state is not None and state.status & Status.FAULT else ""
        return DeviceRefused(self._name, operation, detail, code)

    def _fault(self, operation: str, state: CellState) -> DeviceFault:
        alarm = fault_name(state.fault)
        return DeviceFault(self._name, operation, f"fault {alarm}", alarm)


def _ended(state: CellState, sequence: int) -> bool:
    if state.status & Status.BUSY:
        return False
    if state.sequence == sequence:
        return state.result != Result.NONE
    return bool(state.status & Status.FAULT)


def _activity(command: Command, state: CellState) -> Activity:
    if state.status & Status.BUSY:
        return Activity.MARKING
    if state.status & Status.FAULT:
        return Activity.FAULT
    if command.control & _FIRING or command.length:
        return Activity.ARMED
    return Activity.READY if state.status & Status.READY else Activity.OFF


def _cause(state: CellState, otherwise: str) -> str:
    return f"fault {fault_name(state.fault)}" if state.status & Status.FAULT else otherwise


def _lacks(state: CellState) -> str:
    """What keeps the cell from READY, in its own bits."""
    wanted = (Status.REMOTE, Status.INTERLOCK_OK, Status.SHUTTER_OPEN)
    missing = [str(bit.name) for bit in wanted if not state.status & bit]
    hindering = (Status.BUSY, Status.DONE, Status.WDT_TRIP)
    present = [str(bit.name) for bit in hindering if state.status & bit]
    return f"not READY: without {missing or 'nothing'}, with {present or 'nothing'}"


KIND = Kind("modbus-cell", "marker", CellOptions, ModbusCell)
