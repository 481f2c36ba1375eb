"""A marking cell on Modbus as a `Marker`: handshake by sequence numbers, proof by echo.

The register map and what it leaves open: `drivers.modbus_cell.codec`. The sequence is the map's
own: require READY; write a tray's texts, then 2-73 in one request, and read all of it back; TRIGGER
(or ARM) in its own write; then ACK_SEQ before anything else, and the echo's CRC.

What makes a result certain here:

- A write that could fire is sent once. If its reply is lost, the cell's registers say what became
  of it, never a second write.
- *Not started* is said only after the permission is withdrawn (TRIGGER and ARM off, CMD_SEQ,
  TEXT_LEN and MARKS zero, all read back): a write that is still under way on the wire then meets an
  empty text, which the cell refuses. The cell copies ACK_SEQ before it moves, so an ACK_SEQ other
  than ours proves that nothing was fired; an ACK_SEQ of 0 is a cell that has never run or has lost
  its memory, and proves nothing.
- In a tray's shot that is over, a position that the cell reports as 0 was not started: the cell has
  to note a position before its laser moves there. All else but OK with our echo is unknown.
- RESULT_ACK, which lets the cell forget result and echo, is set by `disarm` and not by `outcome`:
  a caller disarms after it has written the outcome down. If it stops in between, the cell still
  holds the result for the process that comes after.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace

from drivers import clock
from drivers.address import parse_url_without_flow_control
from drivers.catalog import Kind
from drivers.errors import DeviceRefused, LinkError, OutcomeUnknown, ProtocolError
from drivers.modbus_cell.codec import (
    CMD_SEQ,
    CONTROL,
    HIGHEST_POSITION,
    HIGHEST_SEQUENCE,
    JOB_NO,
    MAP_VERSION,
    CellState,
    Command,
    Control,
    Fault,
    Result,
    Status,
    encode_command,
    encode_text,
    fault_name,
    refuses,
)
from drivers.modbus_cell.handshake import (
    FIRING,
    STANDING,
    CellMap,
    Handshake,
    Loaded,
    cause_of,
    lacks,
)
from drivers.modbus_cell.link import CellLink
from drivers.modbus_cell.options import CellOptions
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
from drivers.transport import Rfc2217Target, SerialTarget, TlsTarget

_RECONNECT_SECONDS = 0.1
_LOST = (LinkError, ProtocolError, DeviceRefused)
"""A request whose effect the registers have to tell; a refusal of one request settles no shot."""
_ANY_MAP = CellMap(MAP_VERSION, HIGHEST_POSITION)
"""What a cell may turn out to have that has not been asked."""


class ModbusCell:
    """The `Marker` for one cell. `url` is `tcp://host:port` for Modbus TCP, or with the option
    `serial_server` for RTU behind a serial server; or `serial:///dev/...` for RTU.
    """

    single_shot = True

    def __init__(self, url: str, options: CellOptions, name: str) -> None:
        target = parse_url_without_flow_control(url)
        if isinstance(target, Rfc2217Target | TlsTarget):
            why = f"{url!r}: a modbus-cell is reached by tcp:// or serial://"
            raise ValueError(why)  # noqa: TRY004 - the value is wrong, not a type
        if options.serial_server and isinstance(target, SerialTarget):
            raise ValueError(f"{url!r}: serial_server is said of tcp://, and this is a serial port")
        self.starts: frozenset[Start] = frozenset({options.start})
        self._name = name
        self._options = options
        self._link = CellLink(
            target, name, options.unit, options.reply_timeout, rtu_over_tcp=options.serial_server
        )
        self._cell = Handshake(self._link, name, options)
        self._shot: Loaded | None = None
        self._concluded: tuple[int, Outcome] | None = None

    @property
    def link_failure(self) -> LinkError | ProtocolError | None:
        """Why the connection and its heartbeat ended; None while they live."""
        return self._link.failure

    def refuses(self, mark: MarkText) -> str | None:
        """Before the first `connect`, any position that the map could have is accepted."""
        has = self._cell.map or _ANY_MAP
        return has.refuses(mark.position) or refuses(mark.content, mark.lines)

    async def connect(self) -> None:
        await self._link.open()
        await self._cell.ask_map()

    async def identify(self) -> Identity:
        return Identity("", "marking cell", f"map {(await self._cell.ask_map()).version}")

    async def status(self) -> MarkerStatus:
        command, state = await self._link.snapshot()
        last = None
        if state.result != Result.NONE and not state.status & Status.BUSY:
            last = await self._cell.result(state, None)
        alarm = fault_name(state.fault) if state.status & Status.FAULT else ""
        return MarkerStatus(_activity(command, state), alarm, state.sequence, last)

    async def select_job(self, job: str) -> None:
        """As the protocol says; resets first a fault of ours (job, CRC, text, comms, watchdog).

        Raises DeviceFault for any other fault: it is cleared at the cell, by a person.
        """
        operation = f"select job {job}"
        if not job.isdecimal() or not 1 <= int(job) <= 0xFFFF:
            raise self._cell.refusal(operation, "a job is a number from 1 to 65535")
        _, state = await self._link.snapshot()
        if state.status & (Status.BUSY | Status.DONE):
            raise self._cell.refusal(operation, "a shot is running or its result waits for disarm")
        await self._link.write(CONTROL, STANDING)
        if state.status & Status.FAULT:
            await self._cell.reset_fault(operation, state)
        await self._link.write(JOB_NO, int(job))
        _, state = await self._cell.wait(
            lambda _, state: (
                bool(state.status & (Status.FAULT | Status.READY))
                and (bool(state.status & Status.FAULT) or state.job == int(job))
            ),
            self._options.ready_timeout,
        )
        if state.status & Status.FAULT and state.fault == Fault.JOB:
            await self._cell.reset_fault(operation, state)
            raise self._cell.refusal(operation, "the cell has no such job", state)
        if state.status & Status.FAULT:
            raise self._cell.fault(operation, state)
        if state.job != int(job) or not state.status & Status.READY:
            raise self._cell.refusal(operation, f"job {state.job}, {lacks(state)}", state)

    async def arm(self, shot: Shot) -> None:
        """Load the text; with `start: input` also ARM, without it nothing can fire before `fire`.

        `shot.sequence` is the command number to journal before this, 1 to 65535; the caller never
        gives the number of the cell's last shot again.
        """
        sequence, texts = await self._checked(shot)
        _, state = await self._link.snapshot()
        self._cell.require_ready("arm", state)
        if state.sequence == sequence:
            raise self._cell.refusal("arm", f"the cell has already carried out number {sequence}")
        former = state.sequence
        self._shot, self._concluded = Loaded(sequence, texts, former=former), None
        self._shot = await self._cell.load(sequence, state.job, texts, former)
        if self._options.start == "input":
            await self._permit("arm", self._shot, Control.ARM)

    async def fire(self) -> None:
        """Set TRIGGER once; returns when the cell shows the shot's number in ACK_SEQ.

        Raises DeviceRefused (*not started*, proved), or OutcomeUnknown.
        """
        shot = self._shot
        if self._options.start == "input" or shot is None or self._concluded:
            raise self._cell.refusal("fire", "no text is loaded for a start by command")
        command, state = await self._link.snapshot()
        if encode_command(command)[CMD_SEQ:] != shot.block:
            await self._give_up("fire", shot, "the cell no longer holds the text that was loaded")
        elif not state.status & Status.READY:
            await self._give_up("fire", shot, cause_of(state, lacks(state)))
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
            raise self._cell.refusal("outcome", "nothing was armed")
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
            shot = self._shot = Loaded(sequence)
            self._concluded = None
        state = await self._cell.withdraw("disarm")
        outcome = None
        if shot is not None:
            known = None if self._concluded is None else self._concluded[1]
            if known is None or (known.did is Did.UNKNOWN and not known.places):
                # Kept, so that a repeat after a lost reply still knows it.
                state, known = await self._cell.conclude("disarm", state, shot)
                self._concluded = (shot.sequence, known)
            outcome = known
        await self._cell.acknowledge(state)
        return outcome

    async def abort(self) -> None:
        """Hold ABORT for a whole scan: the cell's program misses a pulse that is shorter."""
        await self._link.snapshot()  # reconnects, so that this is not lost with an old connection
        await self._link.write(CONTROL, STANDING | Control.ABORT)
        await self._cell.after_a_scan("abort")
        await self._link.write(CONTROL, STANDING)

    async def close(self) -> None:
        await self._link.close()

    async def _checked(self, shot: Shot) -> tuple[int, Mapping[int, bytes]]:
        """The number and the texts by position of a shot that this cell can carry out."""
        if shot.sequence is None or not 1 <= shot.sequence <= HIGHEST_SEQUENCE:
            raise self._cell.refusal("arm", f"command number {shot.sequence} is not 1 to 65535")
        positions = {mark.position for mark in shot.marks}
        if not positions or len(positions) != len(shot.marks):
            told = f"{len(shot.marks)} marks at {len(positions)} positions"
            raise self._cell.refusal("arm", told)
        if positions != {1}:
            await self._cell.ask_map()
        for mark in shot.marks:
            if why := self.refuses(mark):
                raise self._cell.refusal("arm", why)
        return shot.sequence, {
            mark.position: encode_text(mark.content, mark.lines) for mark in shot.marks
        }

    async def _permit(self, operation: str, shot: Loaded, permission: Control) -> None:
        """Set TRIGGER or ARM in a write of its own, and see that the cell took it."""
        with contextlib.suppress(*_LOST):
            await self._link.write(CONTROL, STANDING | permission)
        try:
            command, state = await self._cell.wait(
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
            await self._give_up(operation, shot, cause_of(state, within))

    async def _give_up(self, operation: str, shot: Loaded, cause: str) -> None:
        """Withdraw a shot; raise DeviceRefused if it is proved that it did not start.

        Returns if it is found to have started after all, for `outcome` to follow.
        """
        try:
            state = await self._cell.withdraw(operation)
            state, outcome = await self._cell.conclude(operation, state, shot)
        except _LOST as fault:
            raise OutcomeUnknown(self._name, operation, f"{cause}; {fault.detail}") from fault
        if outcome.did is Did.NOT_STARTED:
            self._concluded = (shot.sequence, Outcome(Did.NOT_STARTED, cause))
            raise self._cell.refusal(operation, cause, state)
        if state.sequence != shot.sequence:
            raise OutcomeUnknown(self._name, operation, f"{cause}; {outcome.cause}")

    async def _outcome(self, shot: Loaded, seconds: float) -> Outcome:
        """Wait for the end; on a lost connection, connect again and go on until time is up."""
        deadline = clock.now() + seconds
        cause = f"no end within {seconds:g} s"
        while True:
            left = deadline - clock.now()
            try:
                _, state = await self._cell.wait(
                    lambda _, state: _ended(state, shot.sequence), left
                )
                break
            except _LOST as fault:
                if left <= 0:
                    return Outcome(Did.UNKNOWN, f"{cause}; {fault.detail}")
            await asyncio.sleep(_RECONNECT_SECONDS)
        try:
            if state.sequence != shot.sequence:
                cause = cause_of(state, cause)
                state = await self._cell.withdraw("outcome")
                _, outcome = await self._cell.conclude("outcome", state, shot)
                if outcome.did is not Did.DONE:
                    return replace(outcome, cause=cause)
                return outcome
            if state.status & Status.BUSY:
                return Outcome(Did.UNKNOWN, f"{cause}; the cell is still marking")
            _, outcome = await self._cell.conclude("outcome", state, shot)
            await self._link.write(CONTROL, STANDING)
        except (*_LOST, OutcomeUnknown) as fault:
            return Outcome(Did.UNKNOWN, f"{cause}; {fault.detail}")
        return outcome


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
    if command.control & FIRING or not command.empty:
        return Activity.ARMED
    return Activity.READY if state.status & Status.READY else Activity.OFF


KIND = Kind("modbus-cell", "marker", CellOptions, ModbusCell)
