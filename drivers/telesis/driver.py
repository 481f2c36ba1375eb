"""Telesis markers with a BM470 controller (Extended Protocol) as a `Marker`.

The stored pattern holds one 2D code and its legible lines as variable text fields. There is no text
for one shot: what is set stays, and each start marks it. So `single_shot` is False, and only the
gateway's command may start it. The order is: the pattern (`P`), the lines, the code's data last
(`V`), then `G`. The controller tells nothing by itself: the end is its output DONE (page references
as in the codec).

It cannot be asked which pattern it has, nor what its texts are. To disarm, a pattern without marks
is loaded in place of the other one; that the controller acknowledged it is all there is to know.
After that this object, and only this one, takes it as READY.

Unverified (U), each in one place here:
- That `O` clears DONE: `clear_done`. Without it DONE has to be seen off before it counts.
- That READY is off while it marks, and on again after: `_settled`.
- That a pattern which is loaded anew has its stored, blank texts: every field is set all the same.
- `%` begins a flag in a text, and what GS does in one is not told: `_AMBIGUOUS`, `raw_gs`.
- NAK means that the message was not taken, so that nothing was started by it.
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
from drivers.protocols import Activity, Did, Identity, MarkerStatus, MarkText, Outcome, Shot, Start
from drivers.telesis import codec
from drivers.telesis.codec import Command, Format, Input, Replies, Signals
from drivers.telesis.conversation import TRIES, Conversation
from drivers.transport import parse_url

_AMBIGUOUS = "%\\^~`"


class Options(BaseModel):
    """How the controller and its stored patterns are set up; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: Literal["decimal", "hex", "none"] = "decimal"
    """The block check. `none` leaves a changed byte to be found by reading the part."""
    replies: Literal["framed", "bare"] = "framed"
    """How the controller acknowledges: in a frame, or by one character."""
    station: str = Field(default="", pattern=r"^([0-9]{2})?$")
    """Two digits, where several controllers are on the line."""
    macro: Macro = "06"
    """The ECC 200 macro that the pattern's 2D code uses; then only the envelope's body is sent."""
    code_field: int = Field(default=1, ge=1, le=90)
    """The number of the 2D code's field; the lines' fields follow it."""
    lines: int | None = Field(default=None, ge=0, le=9)
    """Legible lines of the pattern; missing ones are blank. None: as many as the mark has."""
    raw_gs: bool = False
    """The 2D code's text may hold GS as it is."""
    blank_pattern: str = Field(default="BLANK", pattern=r"^[!-~]+$")
    """A stored pattern without any mark, which is loaded to disarm."""
    own_input: bool = True
    """Something is wired to its input START. It should not be: see `single_shot`."""
    clear_done: Literal["reset", "start"] = "reset"
    """What puts DONE out: `O`, or nothing but the next start."""
    reply_seconds: float = Field(default=3.0, gt=0)
    """B p.9: no answer in three seconds is none."""
    quiet_seconds: float = Field(default=1.0, gt=0)
    """So long the line has to be quiet after a failure."""
    poll_seconds: float = Field(default=0.1, gt=0)
    """Between two questions for its signals."""
    ready_seconds: float = Field(default=10.0, gt=0)
    """How long it may take to be ready after a pattern or a reset."""
    mark_seconds: float = Field(default=60.0, gt=0)
    """The longest mark of any pattern; so long a disarm waits for its end."""
    shortest_mark_seconds: float = Field(default=0.5, gt=0)
    """The shortest mark of any pattern: none can begin and end unseen in less."""


class Telesis:
    """One marker on one wire. See `drivers.protocols.Marker`."""

    single_shot = False

    def __init__(self, url: str, options: Options, name: str) -> None:
        parse_url(url)
        self.starts: frozenset[Start] = frozenset({"command"})
        self._options = options
        self._name = name
        form = Format(options.check, options.station, Replies(options.replies))
        self._form = form
        seconds = options.reply_seconds, options.quiet_seconds
        self._marker = Conversation(url, form, *seconds, name)
        self._job = ""
        self._parked = False
        """The blank pattern was loaded by this object, and nothing since."""
        self._armed = self._started = False
        self._put_out = False
        """DONE was seen off since the shot was armed, so that it tells this shot's end."""
        self._untouched_at = float("-inf")
        """When it was last seen ready with DONE off."""

    def refuses(self, mark: MarkText) -> str | None:
        if mark.position != 1:
            return f"position {mark.position}: this marker marks one part a shot, at position 1"
        try:
            self._texts(mark)
        except ValueError as fault:
            return str(fault)
        return None

    async def connect(self) -> None:
        if await self._marker.open():
            self._parked = False  # it may have been without power

    async def close(self) -> None:
        await self._marker.close()

    async def identify(self) -> Identity:
        """The protocol has no such question; that it answers `I` shows what it is."""
        await self._signals("identify")
        return Identity("", "", "")

    async def status(self) -> MarkerStatus:
        """Ready and armed look the same: without a disarm by this object it says ARMED."""
        seen = await self._signals("status")
        if seen.fault:
            return MarkerStatus(Activity.FAULT, "the controller shows a fault")
        if seen.paused or (not seen.ready and self._started):
            return MarkerStatus(Activity.MARKING)
        if not seen.ready:
            return MarkerStatus(Activity.OFF)
        return MarkerStatus(Activity.READY if self._parked else Activity.ARMED)

    async def select_job(self, job: str) -> None:
        """Looks that the pattern can be loaded, and loads the blank one again: nothing that a
        start would mark stays loaded. It cannot be read back.
        """
        operation = "select_job"
        seen = await self._signals(operation)
        if seen.fault:
            raise DeviceFault(self._name, operation, "the controller shows a fault", "NO_FAULT")
        if why := self._unfit(seen):
            raise self._refused(operation, why)
        try:
            load = Command(codec.PATTERN, job)
            codec.encode_command(load, self._form)
        except codec.MalformedError as fault:
            raise self._refused(operation, str(fault)) from fault
        if not job:
            raise self._refused(operation, "no pattern is named")
        self._parked = False
        await self._marker.tell(load, operation)
        await self._park(operation)
        self._job = job

    async def arm(self, shot: Shot) -> None:
        """Until the first text leaves, every failure is DeviceRefused: nothing was sent."""
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
            await self._prepare(operation)
        except (LinkError, ProtocolError) as fault:
            raise self._refused(operation, f"no text was sent: {fault.detail}") from fault
        self._armed = True
        for number, text in texts:
            try:
                await self._marker.tell(
                    Command(codec.VARIABLE, codec.field(number, text)), operation
                )
            except DeviceRefused as refusal:
                await self._judge_refusal(refusal, operation)
                raise OutcomeUnknown(self._name, operation, "started by its input") from refusal
        seen = await self._signals(operation)
        if not seen.ready and not self._options.own_input:
            raise OutcomeUnknown(self._name, operation, "not ready after all text was taken")

    async def fire(self) -> None:
        """A refusal counts as *not started* while it is seen ready with DONE off, and nothing else
        can have started it in the meantime.
        """
        operation = "fire"
        self._started = True
        try:
            try:
                await self._marker.tell(Command(codec.GO), operation)
            except DeviceRefused as refusal:
                await self._judge_refusal(refusal, operation)
        except (LinkError, ProtocolError) as fault:
            raise OutcomeUnknown(self._name, operation, fault.detail) from fault

    async def outcome(self, timeout: float) -> Outcome:
        operation = "outcome"
        deadline = clock.now() + timeout
        while True:
            seen = await self._signals(operation)
            verdict = self._verdict(seen)
            if verdict is not None:
                return verdict
            if clock.now() >= deadline:
                paused = "paused" if seen.paused else "its output DONE did not come in time"
                return Outcome(Did.UNKNOWN, paused)
            await asyncio.sleep(self._options.poll_seconds)

    async def disarm(self, sequence: int | None = None) -> Outcome | None:
        """Confirmed by the acknowledgement of the blank pattern and a ready controller after it.

        Proof of *not started*: this object armed it and sent no `G`, or one that was refused;
        nothing else can start it, and it was ready with DONE off to the last.
        """
        operation = "disarm"
        before = await self._signals(operation)
        result = self._verdict(before)
        settled = await self._settled(before, operation)
        result = result or self._verdict(settled)
        await self._park(operation)
        unsent = self._armed and not (self._started or self._options.own_input)
        if result is None and unsent and _untouched(before) and _untouched(settled):
            result = Outcome(Did.NOT_STARTED, "disarmed before anything could start it")
        self._forget()
        return result

    async def abort(self) -> None:
        """Reset the controller (B p.9: O)."""
        await self._marker.tell(Command(codec.RESET), "abort")

    def _texts(self, mark: MarkText) -> list[tuple[int, str]]:
        """Fields and their texts, the code's data last. Raises ValueError, which says why not."""
        options = self._options
        body = body_of(mark.content, options.macro)
        if not body or body.startswith(codec.GS):
            raise ValueError("the code's data is empty or begins with GS, which may mean FNC1")
        most = 9 if options.lines is None else options.lines
        if len(mark.lines) > most:
            raise ValueError(f"the job has {most} lines, not {len(mark.lines)}")
        lines = mark.lines
        if options.lines is not None:
            lines += ("",) * (options.lines - len(lines))
        texts = [*enumerate(lines, start=options.code_field + 1), (options.code_field, body)]
        for number, text in texts:
            allowed = codec.GS if number == options.code_field and options.raw_gs else ""
            wrong = {
                each
                for each in text
                if each in _AMBIGUOUS or not (" " <= each <= "~" or each in allowed)
            }
            if wrong:
                raise ValueError(
                    f"it cannot carry {', '.join(repr(each) for each in sorted(wrong))}"
                )
            command = Command(codec.VARIABLE, codec.field(number, text))
            codec.encode_command(command, self._form)
        return texts

    def _unfit(self, seen: Signals) -> str:
        """Why nothing may be armed now."""
        if seen.fault or seen.paused or not seen.ready:
            return "it is not ready, paused or in fault"
        if Input.START in seen.inputs:
            return "its input START is on: it would mark at once"
        return ""

    async def _prepare(self, operation: str) -> None:
        """All of arming that comes before the text: the former end put out, the pattern loaded."""
        seen = await self._signals(operation)
        if seen.done and self._options.clear_done == "reset":
            await self._marker.tell(Command(codec.RESET), operation)
            seen = await self._await_ready(operation)
            if seen.done:
                raise self._refused(operation, "its output DONE stays on: no end could be told")
        if why := self._unfit(seen):
            raise self._refused(operation, why)
        self._parked = False
        await self._marker.tell(Command(codec.PATTERN, self._job), operation)
        seen = await self._await_ready(operation)
        self._put_out = False
        self._note(seen)
        if why := self._unfit(seen):
            raise self._refused(operation, why)

    async def _judge_refusal(self, refusal: DeviceRefused, operation: str) -> None:
        """Raise what a refused message means, or return if it was started all the same."""
        untouched_at = self._untouched_at
        seen = await self._signals(operation)
        if seen.done and self._put_out:
            return
        soon = clock.now() - untouched_at < self._options.shortest_mark_seconds
        if _untouched(seen) and (soon or not self._options.own_input):
            self._started = False
            raise refusal
        raise OutcomeUnknown(
            self._name, operation, "refused, and its input START may have been first"
        ) from refusal

    async def _settled(self, seen: Signals, operation: str) -> Signals:
        """Wait while it marks; end a pause and a fault. Ready at the end, or an error."""
        deadline = clock.now() + self._options.mark_seconds
        reset = False
        while seen.fault or seen.paused or not seen.ready:
            late = clock.now() > deadline
            if seen.fault or seen.paused or late:
                if reset and seen.fault:
                    detail = "its fault stays: see to the machine"
                    raise DeviceFault(self._name, operation, detail, "NO_FAULT")
                if reset:
                    raise UnexpectedReply(self._name, operation, "it does not become ready")
                await self._marker.tell(Command(codec.RESET), operation)
                reset, deadline = True, clock.now() + self._options.ready_seconds
                seen = await self._await_ready(operation)
            else:
                await asyncio.sleep(self._options.poll_seconds)
                seen = await self._signals(operation)
        return seen

    async def _await_ready(self, operation: str) -> Signals:
        """The signals when it is ready, or when time is up."""
        deadline = clock.now() + self._options.ready_seconds
        while True:
            seen = await self._signals(operation)
            if (seen.ready and not seen.fault) or clock.now() > deadline:
                return seen
            await asyncio.sleep(self._options.poll_seconds)

    async def _park(self, operation: str) -> None:
        """Load the blank pattern; repeated after a failure of the line, for it marks nothing."""
        tries = 0
        while True:
            tries += 1
            try:
                await self._marker.tell(
                    Command(codec.PATTERN, self._options.blank_pattern), operation
                )
                break
            except (LinkTimeout, ProtocolError):
                if tries == TRIES:
                    raise
        seen = await self._await_ready(operation)
        if seen.fault or seen.paused or not seen.ready:
            raise UnexpectedReply(self._name, operation, "not ready after the blank pattern")
        self._parked = True

    async def _signals(self, operation: str) -> Signals:
        seen = await self._marker.signals(operation)
        self._note(seen)
        return seen

    def _note(self, seen: Signals) -> None:
        self._put_out |= not seen.done
        if _untouched(seen):
            self._untouched_at = clock.now()

    def _verdict(self, seen: Signals) -> Outcome | None:
        """What became of the armed shot, or None while its end is not to be seen."""
        if not self._armed:
            return None
        if seen.fault:
            return Outcome(Did.UNKNOWN, "the controller shows a fault")
        if seen.done and self._put_out and not seen.paused:
            return Outcome(Did.DONE)
        return None

    def _forget(self) -> None:
        self._armed = self._started = False

    def _refused(self, operation: str, detail: str) -> DeviceRefused:
        return DeviceRefused(self._name, operation, detail, vendor_code="")


def _untouched(seen: Signals) -> bool:
    """It would start, and has ended nothing."""
    return seen.ready and not seen.done and not seen.fault and not seen.paused


KIND = Kind("telesis", "marker", Options, Telesis, explain=codec.explain)
