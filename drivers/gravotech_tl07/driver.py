"""Gravotech (Technifor) laser markers with a TL07 controller as a `Marker`.

The stored file holds one 2D code, whose data are variable 0, and legible lines, variables 1 and on.
A file is loaded to be marked once (`LD "file" 1 N`), so one start, by `GO` or by the start input,
marks once. The order is that of the manual's first example (M p.1; letters as in the codec): the
texts first, each read back, while nothing is loaded and nothing can start; then `LD`, which alone
arms; then `GO`. To disarm, a file without marks is loaded for simulation in place of the other one:
the controller refuses to load while it marks, so that this stops no mark half-way and its
acceptance proves that none was going on. Then the texts are blanked.

Unverified (U), each in one place here:
- `leaves_ready`: that a controller whose one marking is over is no longer ready.
- `withdraw`: that a file may be loaded in place of one that is ready.
- `rearm`: which value of the safety circuit means that it is closed.
- That a marking by the start input is told by the same events as one by `GO`: `_verdict`.
- That a new connection may command once the former one has ended: `_take_command`.
- That a text may hold GS: it is read back.
- Backslash, tilde and grave may mean something in a file's texts; refused: `_AMBIGUOUS`.
"""

import asyncio
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers import clock
from drivers.catalog import Kind
from drivers.envelope import Macro, body_of
from drivers.errors import (
    DeviceFault,
    DeviceRefused,
    LinkError,
    LinkTimeout,
    OutcomeUnknown,
    ProtocolError,
    UnexpectedReply,
)
from drivers.gravotech_tl07 import codec
from drivers.gravotech_tl07.codec import (
    Act,
    Event,
    GetMaster,
    GetVariable,
    Load,
    Master,
    Mode,
    Readback,
    Refused,
    RunMode,
    SetMaster,
    SetVariable,
    State,
    Status,
    Text,
)
from drivers.gravotech_tl07.conversation import TRIES, Conversation
from drivers.gravotech_tl07.words import explain
from drivers.protocols import Activity, Did, Identity, MarkerStatus, MarkText, Outcome, Shot, Start
from drivers.transport import parse_url

_POLL_SECONDS = 0.02
_AMBIGUOUS = "\\`~"
_BUSY = (State.MARKING, State.PAUSED)
_IS_MARKING = ("ER 2 8", "ER 2 16")
"""Refusals that say that it is marking, or paused in it."""


class Options(BaseModel):
    """How the controller and its stored files are set up; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    macro: Macro = "06"
    """The ECC 200 macro that the file's 2D code uses; then only the envelope's body is sent."""
    lines: int | None = Field(default=None, ge=0, le=9)
    """Legible lines of the file; missing ones are blank. None: as many as the mark has."""
    blank_job: str = Field(default="blank.t2l", pattern=r"^[\w.-]+$")
    """A stored file without any mark, which is loaded for simulation to disarm."""
    readback: Literal["plain", "quoted", "named", "off"] = "plain"
    """How the controller gives a variable's text back. `off`: it is not read back."""
    withdraw: Literal["load", "stop"] = "load"
    """`stop`: by AM and AD, for a controller that loads nothing while it is ready. A mark that the
    start input begins at that moment is then stopped half-way."""
    leaves_ready: bool = False
    """After its one marking the controller is no longer ready: seen on the machine itself. Only
    then does a file that is still ready prove that nothing was marked."""
    own_input: bool = True
    """Something but this driver may start it: a pedal, a PLC."""
    acknowledge: bool = True
    """A fault is acknowledged by disarming; else a person does it at the machine."""
    rearm: int | None = Field(default=None, ge=0)
    """What the status's second value has to be before anything is armed; None: whatever it is."""
    reply_seconds: float = Field(default=2.0, gt=0)
    """How long an answer may take."""
    load_seconds: float = Field(default=10.0, gt=0)
    """The answer to LD, and until the file is ready."""
    mark_seconds: float = Field(default=60.0, gt=0)
    """The longest mark of any file; so long a disarm waits for its end."""
    shortest_mark_seconds: float = Field(default=0.5, gt=0)
    """The shortest mark of any file: none can begin and end unseen in less."""


class GravotechTl07:
    """One marker on one wire. See `drivers.protocols.Marker`."""

    single_shot = True

    def __init__(self, url: str, options: Options, name: str) -> None:
        parse_url(url)
        self.starts: frozenset[Start] = frozenset(
            {"command", "input"} if options.own_input else {"command"}
        )
        self._options = options
        self._name = name
        self._marker = Conversation(url, options.reply_seconds, name)
        self._readback = None if options.readback == "off" else Readback(options.readback)
        self._variables = codec.VARIABLES if options.lines is None else range(options.lines + 1)
        self._job = ""
        self._armed = self._started = self._listening = False
        self._ready_at = float("-inf")
        self._told: list[Event] = []
        """The events since the shot was armed, from its start on where that was told."""

    def refuses(self, mark: MarkText) -> str | None:
        if mark.position != 1:
            return f"position {mark.position}: this marker marks one part a shot, at position 1"
        try:
            self._texts(mark)
        except ValueError as fault:
            return str(fault)
        return None

    async def connect(self) -> None:
        await self._marker.open()

    async def close(self) -> None:
        await self._marker.close()

    async def identify(self) -> Identity:
        """The protocol has no such question; that it answers ST shows what it is."""
        await self._status("identify")
        return Identity("", "", "")

    async def status(self) -> MarkerStatus:
        seen = await self._status("status")
        activities = {
            State.INITIALISING: Activity.OFF,
            State.ALIVE: Activity.READY if self._closed(seen) else Activity.OFF,
            State.READY: Activity.ARMED if _loaded(seen) else Activity.READY,
            State.MARKING: Activity.MARKING,
            State.PAUSED: Activity.MARKING,
            State.FAULT: Activity.FAULT,
        }
        alarm = "the controller is in fault" if seen.state is State.FAULT else ""
        return MarkerStatus(activities[seen.state], alarm)

    async def select_job(self, job: str) -> None:
        """Looks that the file and the blank one are stored: a file is loaded by `arm` alone.

        Raises DeviceFault for a fault or an open safety circuit.
        """
        operation = "select_job"
        await self._take_command(operation)
        for file in (self._options.blank_job, job):
            try:
                found = await self._marker.files(file, operation)
            except codec.MalformedError as fault:
                raise self._refused(operation, str(fault)) from fault
            if found != [file]:
                raise self._refused(operation, f"there is no stored file {file!r}: {found}")
        seen = await self._status(operation)
        if seen.state is State.FAULT or not self._closed(seen):
            raise DeviceFault(self._name, operation, "in fault, or its safety circuit open", "ST")
        if why := self._unfit(seen):
            raise self._refused(operation, why)
        self._job = job

    async def arm(self, shot: Shot) -> None:
        """Until the first text leaves, every failure is DeviceRefused: nothing was sent. A text
        that reads back as another is refused too, for nothing is loaded then.
        """
        operation = "arm"
        self._forget()
        if len(shot.marks) != 1:
            raise self._refused(operation, f"one mark a shot, not {len(shot.marks)}")
        if why := self.refuses(shot.marks[0]):
            raise self._refused(operation, why)
        texts = self._texts(shot.marks[0])
        if not self._job:
            raise self._refused(operation, "no job was selected")
        try:
            seen = await self._status(operation)
        except (LinkError, ProtocolError) as fault:
            raise self._refused(operation, f"no text was sent: {fault.detail}") from fault
        if why := self._unfit(seen):
            raise self._refused(operation, why)
        for index, text in texts.items():
            await self._set(index, text, operation)
            if self._readback is not None and await self._get(index, operation) != text:
                raise self._refused(operation, f"variable {index} reads back as another text")
        # What is told by now is of a former shot.
        await self._marker.events(operation)
        self._armed = self._listening = True
        load = Load(self._job, 1, Mode.NORMAL)
        await self._marker.tell(load, operation, self._options.load_seconds)
        await self._await_ready(operation)

    async def fire(self) -> None:
        """Returns also when its own input was first: then it is marking, or has marked, already.

        A refusal counts as *not started* only while the file is seen to be still loaded, or when
        nothing else can start it (`own_input`).
        """
        operation = "fire"
        self._started = True
        try:
            refused = await self._marker.start(operation)
            if refused is None:
                self._note(Event.MARKING)
            else:
                await self._judge_refusal(refused, operation)
        except (LinkError, ProtocolError) as fault:
            raise OutcomeUnknown(self._name, operation, fault.detail) from fault

    async def outcome(self, timeout: float) -> Outcome:
        """An end that is told counts once the controller's state agrees with it: an event carries
        no number.
        """
        operation = "outcome"
        deadline = clock.now() + timeout
        while True:
            if self._ended:
                verdict = self._verdict(await self._status(operation))
                if verdict is not None:
                    return verdict
                pause = _POLL_SECONDS
            else:
                pause = deadline - clock.now()
            event = await self._marker.next_event(pause, operation)
            if event is not None:
                self._note(event)
            elif clock.now() >= deadline:
                paused = Event.PAUSED in self._told
                return Outcome(Did.UNKNOWN, "paused" if paused else "no end told in time")

    async def disarm(self, sequence: int | None = None) -> Outcome | None:
        """Confirmed by a status that shows nothing loaded, or a file for simulation, and by texts
        that read back blank.

        Proof of *not started*: this object armed it, nothing was told of a marking, and the file
        was withdrawn while ready; and either nothing could have started it (no GO but a refused one
        was sent, and there is no other input), or a ready file is an unmarked one (`leaves_ready`)
        and was withdrawn too soon for a mark to have begun and ended.
        """
        operation = "disarm"
        asked_at = clock.now()
        before = await self._status(operation)
        at_once = await self._withdraw(operation)
        at_once &= clock.now() - asked_at < self._options.shortest_mark_seconds
        after = await self._status(operation)
        if after.state is not State.ALIVE and (after.state is not State.READY or _loaded(after)):
            raise UnexpectedReply(self._name, operation, f"it is still {after.state.name}")
        await self._take_command(operation)
        for index in self._variables:
            await self._blank(index, operation)
        result = self._verdict(after)
        if result is None and self._armed and _loaded(before) and not self._told:
            untouched = not (self._options.own_input or self._started)
            if untouched or (self._options.leaves_ready and at_once):
                result = Outcome(Did.NOT_STARTED, "disarmed with its file still ready")
        self._forget()
        return result

    async def abort(self) -> None:
        """Stop marking: the controller then is in fault (C: AM)."""
        await self._marker.tell(Act.STOP, "abort")

    @property
    def _ended(self) -> bool:
        return Event.FINISHED in self._told or Event.STOPPED in self._told

    def _texts(self, mark: MarkText) -> dict[int, str]:
        """The text of each variable. Raises ValueError, which says why not."""
        body = body_of(mark.content, self._options.macro)
        if not body or body.startswith(codec.GS):
            raise ValueError("the code's data is empty or begins with GS, which may mean FNC1")
        if len(mark.lines) >= len(self._variables):
            raise ValueError(f"the job has {len(self._variables) - 1} lines, not {len(mark.lines)}")
        lines = mark.lines
        if self._options.lines is not None:
            lines += ("",) * (self._options.lines - len(lines))
        texts = dict(enumerate((body, *lines)))
        for index, text in texts.items():
            allowed = codec.GS if index == 0 else ""
            wrong = {
                each
                for each in text
                if each in _AMBIGUOUS or not (" " <= each <= "~" or each in allowed)
            }
            if wrong:
                raise ValueError(
                    f"it cannot carry {', '.join(repr(each) for each in sorted(wrong))}"
                )
            codec.encode_command(SetVariable(index, text))
            if self._readback is not None:
                codec.value_line(text, self._readback)
        return texts

    def _closed(self, seen: Status) -> bool:
        """Whether its safety circuit is, as far as `rearm` says what that looks like."""
        return self._options.rearm in (None, seen.rearm)

    def _unfit(self, seen: Status) -> str:
        """Why nothing may be armed in this state."""
        if seen.mode is RunMode.AUTONOMOUS:
            return "it runs autonomously: such a file is started by itself"
        if _loaded(seen):
            return "a file is loaded already, and would be marked"
        if seen.state not in (State.ALIVE, State.READY) or not self._closed(seen):
            return f"it is {seen.state.name}, and its safety circuit shows {seen.rearm}"
        return ""

    def _forget(self) -> None:
        self._armed = self._started = self._listening = False
        self._told = []

    async def _take_command(self, operation: str) -> None:
        """Be the one connection that may command. Raises DeviceRefused if another one is."""
        if not (await self._marker.ask(GetMaster(), Master, operation)).on:
            await self._marker.tell(SetMaster(True), operation)

    async def _await_ready(self, operation: str) -> None:
        """Until it says that it would mark, or has been started by its own input already."""
        deadline = clock.now() + self._options.load_seconds
        while True:
            seen = await self._status(operation)
            await self._listen(operation)
            if _loaded(seen) or seen.state in _BUSY or self._verdict(seen) is not None:
                return
            if seen.state is State.READY or clock.now() > deadline:
                raise OutcomeUnknown(self._name, operation, f"loaded, and {seen.state.name}")
            await asyncio.sleep(_POLL_SECONDS)

    async def _judge_refusal(self, refused: Refused, operation: str) -> None:
        """Raise what a refused start means, or return if the shot was started all the same."""
        ready_at = self._ready_at
        seen = await self._status(operation)
        await self._listen(operation)
        if self._told or seen.state in _BUSY:
            return
        soon = clock.now() - ready_at < self._options.shortest_mark_seconds
        still_loaded = _loaded(seen) and (self._options.leaves_ready or soon)
        if still_loaded or not (self._options.own_input or refused.code in _IS_MARKING):
            self._started = False
            raise self._marker.refusal(refused, operation)
        raise OutcomeUnknown(
            self._name,
            operation,
            f"refused ({refused.code}), and its own input may have been first",
        )

    async def _withdraw(self, operation: str) -> bool:
        """Until nothing is loaded that a start would mark. True if it was so at the first word."""
        deadline = clock.now() + self._options.mark_seconds
        tries = 0
        while True:
            seen = await self._status(operation)
            await self._listen(operation)
            if seen.state is State.ALIVE or (seen.state is State.READY and not _loaded(seen)):
                self._listening = False
                return tries <= 1
            if tries and clock.now() > deadline:
                raise UnexpectedReply(self._name, operation, f"it stays {seen.state.name}")
            tries += 1
            try:
                await self._withdraw_from(seen.state, operation)
            except DeviceRefused as refusal:
                if refusal.vendor_code not in _IS_MARKING:
                    raise
            except (LinkTimeout, ProtocolError):
                if tries >= TRIES:
                    raise
            await asyncio.sleep(_POLL_SECONDS)

    async def _withdraw_from(self, state: State, operation: str) -> None:
        """One step towards nothing being loaded; a mark that is going on is waited for."""
        if state in (State.INITIALISING, State.MARKING):
            return
        await self._take_command(operation)
        if state is State.FAULT:
            await self._end_fault(operation)
        elif state is State.PAUSED or self._options.withdraw == "stop":
            await self._marker.tell(Act.STOP, operation)
        else:
            # What is told from here on may be of a run for simulation; and what was told while
            # the file is still to be marked was of a former shot.
            self._listening = False
            if self._options.leaves_ready or Event.MARKING not in self._told:
                self._told = []
            load = Load(self._options.blank_job, 1, Mode.SIMULATION)
            await self._marker.tell(load, operation, self._options.load_seconds)

    async def _end_fault(self, operation: str) -> None:
        """A loaded file may be ready again after a fault, so a fault is no end of being armed."""
        if not self._options.acknowledge:
            raise DeviceFault(
                self._name, operation, "acknowledge its fault at the machine", "ST 32"
            )
        try:
            await self._marker.tell(Act.ACKNOWLEDGE, operation)
        except DeviceRefused as refusal:
            detail = f"its fault cannot be acknowledged: {refusal.detail}"
            raise DeviceFault(self._name, operation, detail, refusal.vendor_code) from refusal

    async def _blank(self, index: int, operation: str) -> None:
        if self._readback is None:
            await self._set(index, "", operation)
        elif await self._get(index, operation):
            await self._set(index, "", operation)
            if await self._get(index, operation):
                raise UnexpectedReply(self._name, operation, f"variable {index} is not blank")

    async def _set(self, index: int, text: str, operation: str) -> None:
        await self._marker.tell(SetVariable(index, text), operation)

    async def _get(self, index: int, operation: str) -> str:
        assert self._readback is not None
        reply = await self._marker.ask(GetVariable(index), Text, operation)
        try:
            return codec.parse_value(reply, self._readback)
        except codec.MalformedError as fault:
            raise UnexpectedReply(self._name, operation, str(fault)) from fault

    async def _status(self, operation: str) -> Status:
        seen = await self._marker.ask(Act.STATUS, Status, operation)
        if _loaded(seen):
            self._ready_at = clock.now()
        return seen

    async def _listen(self, operation: str) -> None:
        """Take what has been told by now."""
        for event in await self._marker.events(operation):
            self._note(event)

    def _note(self, event: Event) -> None:
        """Keep what is told of the armed shot; an end before its start is a former shot's."""
        if not self._listening:
            return
        if event is Event.MARKING:
            self._told = []
        self._told.append(event)

    def _verdict(self, seen: Status) -> Outcome | None:
        """What became of the armed shot, or None while that is not told or not credible."""
        if not self._ended or seen.state in _BUSY:
            return None
        begun = Event.MARKING in self._told
        if _loaded(seen) and (self._options.leaves_ready or not begun):
            return None
        if not begun and not self._options.own_input:
            return None
        if Event.STOPPED in self._told:
            return Outcome(Did.UNKNOWN, "stopped by a fault")
        return Outcome(Did.DONE)

    def _refused(self, operation: str, detail: str) -> DeviceRefused:
        return DeviceRefused(self._name, operation, detail, vendor_code="")


def _loaded(seen: Status) -> bool:
    """Whether a start would engrave: a file is ready, and not for simulation."""
    return seen.state is State.READY and seen.mode is not RunMode.SIMULATION


KIND = Kind("gravotech-tl07", "marker", Options, GravotechTl07, explain=explain)
