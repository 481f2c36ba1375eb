"""Panasonic LP-GS, LP-RC, LP-RF, LP-RV and LP-400 laser markers as a `Marker`.

The stored job holds one 2D code and its legible lines as "characters specified by SIN command":
text 00 is the code's data, 01 and on are the lines. Such text is taken for one trigger only and
trigger ready stays off without it, so a pedal, a PLC or MRK fires at most once (C p.72, 73; page
references as in the codec). The order follows C p.73: shutter open, end reports on (MST), reception
OFF (MKM S 1), the wait, the lines, the code's data last. Only that last byte makes it fire.

In standard mode the marker also tells that it is marking, and whether its shutter is open. A shot
that was seen marking is never *not started*; a disarm waits until it is seen to have ended.

MKM is accepted while it marks (C p.56, 59), and STS of the compatible mode does not tell marking.
So an accepted MKM proves nothing, and in that mode nothing can prove *not started* where something
but this driver may trigger it. `disarm` waits for the end report of a mark that may be under way,
as long as a mark may take. In that mode a mark may be under way when this object is made, too.

Unverified (U), each in one place here:
- The settings of the job cannot be read: that its code uses the macro is the option's word.
- Radiation may begin some time after its trigger (a delay in the file, C p.59): while it is off,
  that proves nothing.
- `%`, backslash, grave and tilde have other meanings or shapes in parts of the manuals; refused.
- An end report E700 to E799 is not in the manual (those are reported as 0000): taken as unknown.
"""

import asyncio
import math

from drivers import clock
from drivers.catalog import Kind
from drivers.envelope import body_of
from drivers.errors import (
    DeviceFault,
    DeviceRefused,
    LinkError,
    LinkTimeout,
    OutcomeUnknown,
    ProtocolError,
    UnexpectedReply,
)
from drivers.panasonic_lp import codec
from drivers.panasonic_lp.codec import Accepted, Answer, Command, Pumping, Refused, Status
from drivers.panasonic_lp.conversation import TRIES, Conversation
from drivers.panasonic_lp.options import Options, check_wire
from drivers.panasonic_lp.words import explain
from drivers.protocols import Activity, Did, Identity, MarkerStatus, MarkText, Outcome, Shot, Start
from drivers.remembered import remembered

_POLL_SECONDS = 0.02
_WATCH_SECONDS = 0.1
_AMBIGUOUS = "%\\`~"
_parse_status = remembered(codec.parse_status)


class PanasonicLp:
    """One marker on one wire. See `drivers.protocols.Marker`."""

    single_shot = True

    def __init__(self, url: str, options: Options, name: str) -> None:
        check_wire(url, options)
        self.starts: frozenset[Start] = frozenset(
            {"command", "input"} if options.own_input else {"command"}
        )
        self._options = options
        self._name = name
        terminator = codec.TERMINATORS[options.terminator]
        self._form = codec.Format(options.checksum, terminator, options.mode)
        self._marker = Conversation(url, self._form, options.set_mode, options.reply_seconds, name)
        self._armed = False
        self._radiated = False
        """It was seen marking since it was armed, or since this object was made."""
        self._dark_at = math.inf if options.mode == "compatible" else 0.0
        """By then each mark has ended that could have begun. Not finite while one may begin."""
        self._looked_at = 0.0
        self._unseen_seconds = 0.0
        """The longest time between two looks at its status since the disarm began."""
        self._ready_at = 0.0
        self._result: Outcome | None = None

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
        """The protocol has no such question; that it answers STS shows what it is."""
        await self._status("identify")
        return Identity("", "", "")

    async def status(self) -> MarkerStatus:
        """Compatible mode does not tell marking from idle: between ready and its end report, the
        shot that this object armed is taken as being marked. So it is in standard mode until it
        was seen marking: it may not have begun.
        """
        operation = "status"
        seen = await self._status(operation)
        await self._take_reports(operation)
        marking = self._armed and self._result is None and not self._radiated
        marking &= clock.now() < self._marked_by
        if seen.radiating:
            activity = Activity.MARKING
        elif seen.error:
            activity = Activity.FAULT
        elif seen.ready:
            activity = Activity.ARMED
        elif marking:
            activity = Activity.MARKING
        elif seen.pumping is Pumping.DONE:
            activity = Activity.READY
        else:
            activity = Activity.OFF
        alarm = "the marker shows an error or a warning" if seen.error else ""
        return MarkerStatus(activity, alarm)

    async def select_job(self, job: str) -> None:
        """Raises DeviceFault when pumping or shutter do not come, DeviceRefused as well for a job
        that would mark without text for one shot.
        """
        operation = "select_job"
        files = codec.FILES[self._form.mode]
        if not (job.isascii() and job.isdigit() and int(job) in files):
            raise self._refused(operation, f"job {job!r} is not 0 to {files[-1]}")
        seen = await self._status(operation)
        if not seen.reception:
            await self._marker.tell("MKM", codec.reception(True), operation)
        if await self._file(operation) != int(job):
            data = codec.file_number(int(job), self._form.mode)
            await self._marker.tell("FNO", data, operation)
            found = await self._file(operation)
            if found != int(job):
                raise self._refused(operation, f"job {int(job)} was set, {found} is read back")
        await self._open_shutter(await self._pump(operation), operation)

    async def arm(self, shot: Shot) -> None:
        """Until the first text leaves, every failure is DeviceRefused: nothing was loaded."""
        operation = "arm"
        self._armed, self._result = False, None
        if len(shot.marks) != 1:
            raise self._refused(operation, f"one mark a shot, not {len(shot.marks)}")
        if why := self.refuses(shot.marks[0]):
            raise self._refused(operation, why)
        texts = self._texts(shot.marks[0])
        try:
            await self._permit(operation)
        except (LinkError, ProtocolError) as fault:
            raise self._refused(operation, f"no text was sent: {fault.detail}") from fault
        for number, text in texts[:-1]:
            await self._load(number, text, operation)
        # An end report that has come by now is of a former shot.
        await self._marker.reports(operation)
        self._armed, self._radiated, self._dark_at = True, False, math.inf
        await self._load(*texts[-1], operation)
        try:
            await self._await_ready(operation)
        except DeviceRefused as refusal:
            # It declined a question, not the text, which it has: that is no *not started*.
            raise OutcomeUnknown(self._name, operation, refusal.detail) from refusal

    async def _await_ready(self, operation: str) -> None:
        """Until it says that it would fire, or has fired by its own input already."""
        deadline = clock.now() + self._options.ready_seconds
        while not (await self._status(operation)).ready:
            await self._take_reports(operation)
            if self._result is not None or self._radiated:
                return
            if clock.now() > deadline:
                raise OutcomeUnknown(self._name, operation, "not ready after all text was taken")
            await asyncio.sleep(_POLL_SECONDS)

    async def fire(self) -> None:
        """Returns also when its own input was first: then the end report is there already.

        A refusal counts as *not started* only when nothing else can trigger it (`own_input`): with
        an input of its own the text that is still loaded may be fired until the disarm.
        """
        operation = "fire"
        try:
            reply = await self._marker.request(Command("MRK", "S"), operation)
            if isinstance(reply, Accepted):
                return
            if not isinstance(reply, Refused):
                raise self._marker.unexpected(reply, operation)
            await self._judge_refusal(reply, operation)
        except (LinkError, ProtocolError) as fault:
            raise OutcomeUnknown(self._name, operation, fault.detail) from fault

    async def outcome(self, timeout: float) -> Outcome:
        operation = "outcome"
        if self._result is None:
            frame = await self._marker.next_report(timeout, operation)
            if frame is None:
                return Outcome(Did.UNKNOWN, "no end report in time")
            self._note(frame)
        assert self._result is not None
        return self._result

    async def disarm(self, sequence: int | None = None) -> Outcome | None:
        """Reception ON erases text for one shot (C p.73) and ends trigger ready (C p.56).

        Proof of *not started*: ready was on, so the text was still loaded; withdrawing was accepted
        at the first word and confirmed; no end report came for as long as a mark may take; and
        nothing could have fired in between, or the marker was looked at so often that a mark would
        have been seen (`_would_show`).
        """
        operation = "disarm"
        self._looked_at, self._unseen_seconds = clock.now(), 0.0
        before = await self._status(operation)
        if not before.reception:
            self._dark_at = math.inf
        if before.ready and not self._armed:
            await self._marker.reports(operation)  # of a former shot
            self._armed = True
        at_once = await self._withdraw(operation)
        after = await self._status(operation)
        if after.ready or not after.reception:
            raise UnexpectedReply(self._name, operation, "it still permits marking")
        # Laser pumping that is off interrupts a mark (C p.57).
        longest = 0.0 if after.pumping is Pumping.OFF else self._options.mark_seconds
        self._dark_at = min(self._dark_at, clock.now() + longest)
        await self._take_reports(operation)
        result = self._result
        if result is None:
            report = await self._await_report(operation, self._dark_at)
            if self._armed:
                # Nobody but this text can end now, whoever loaded it.
                result = report
            if before.ready and report is None and at_once and self._would_show():
                result = Outcome(Did.NOT_STARTED, "disarmed with its text still loaded")
        if self._radiated:
            await self._await_dark(operation)
        self._armed, self._result, self._radiated = False, None, False
        self._dark_at = 0.0
        return result

    def _would_show(self) -> bool:
        """Return True if a shot that began in this disarm would have shown itself but by its end
        report, which may be lost.
        """
        if self._radiated:
            return False
        if not self._options.own_input:
            return True
        often = self._unseen_seconds < self._options.shortest_mark_seconds
        return self._form.mode == "standard" and often

    async def abort(self) -> None:
        """Switch the laser off: that interrupts the marking with an error (C p.57)."""
        await self._marker.tell("LSR", codec.flag(False), "abort")

    @property
    def _marked_by(self) -> float:
        return self._ready_at + self._options.mark_seconds

    def _texts(self, mark: MarkText) -> list[tuple[int, str]]:
        """Text numbers and texts, the code's data last. Raises ValueError, which says why not."""
        body = body_of(mark.content, self._options.macro)
        if not body or body.startswith(codec.GS):
            raise ValueError("the code's data is empty or begins with GS, which means FNC1 there")
        lines = mark.lines
        if self._options.lines is not None:
            if len(lines) > self._options.lines:
                raise ValueError(f"the job has {self._options.lines} lines, not {len(lines)}")
            lines += ("",) * (self._options.lines - len(lines))
        if len(lines) >= len(codec.TEXT_NUMBERS):
            raise ValueError(f"{len(lines)} lines, at most {codec.TEXT_NUMBERS[-1]} are possible")
        texts = [*enumerate(lines, start=1), (0, body)]
        for number, text in texts:
            allowed = codec.GS if number == 0 else ""
            wrong = {
                each
                for each in text
                if each in _AMBIGUOUS or not (" " <= each <= "~" or each in allowed)
            }
            if wrong:
                raise ValueError(
                    f"it cannot carry {', '.join(repr(each) for each in sorted(wrong))}"
                )
            codec.shot_text(number, text, self._form.mode)
        return texts

    async def _load(self, number: int, text: str, operation: str) -> None:
        data = codec.shot_text(number, text, self._form.mode)
        await self._marker.tell("SIN", data, operation)

    async def _pump(self, operation: str) -> Status:
        deadline = clock.now() + self._options.pumping_seconds
        asked = False
        while (seen := await self._status(operation)).pumping is not Pumping.DONE:
            if seen.error or clock.now() > deadline:
                raise DeviceFault(self._name, operation, "laser pumping does not come", "pumping")
            if seen.pumping is Pumping.OFF and not asked:
                await self._marker.tell("LSR", codec.flag(True), operation)
                asked = True
            await asyncio.sleep(_POLL_SECONDS)
        if seen.error:
            raise DeviceFault(self._name, operation, "it shows an error or a warning", "error")
        return seen

    async def _open_shutter(self, pumped: Status, operation: str) -> None:
        """Open it and see it open: only then can reception be OFF (C p.62). Leaves it ON."""
        if not pumped.shutter:
            await self._marker.tell_unless_so("SHT", codec.flag(True), operation)
        deadline = clock.now() + self._options.shutter_seconds
        while (seen := await self._status(operation)).reception:
            if clock.now() > deadline:
                raise DeviceFault(self._name, operation, "the shutter does not open", "shutter")
            await asyncio.sleep(_POLL_SECONDS)
            await self._marker.tell_unless_so("MKM", codec.reception(False), operation)
        await self._marker.tell("MKM", codec.reception(True), operation)
        if seen.ready:
            raise self._refused(operation, "this job marks without text for one shot")

    async def _permit(self, operation: str) -> None:
        """All of arming that comes before the text: it ends with trigger ready off."""
        await self._marker.tell("MST", codec.flag(True), operation)
        await self._marker.tell("MKM", codec.reception(False), operation)
        seen = await self._status(operation)
        if seen.ready:
            await self._marker.tell("MKM", codec.reception(True), operation)
            raise self._refused(operation, "this job marks without text for one shot")
        if seen.reception or seen.pumping is not Pumping.DONE or seen.error or seen.radiating:
            raise self._refused(operation, "shutter closed, laser not pumped, marking, or in error")
        await asyncio.sleep(self._options.text_wait_seconds)

    async def _judge_refusal(self, reply: Refused, operation: str) -> None:
        """Raise what a refused trigger means, or return if the shot was fired all the same."""
        if (await self._status(operation)).ready:
            if self._options.own_input:
                raise OutcomeUnknown(
                    self._name, operation, f"refused ({reply.cause}), and still armed"
                )
            raise self._marker.refusal(reply, operation)
        await self._take_reports(operation)
        if self._result is None and not self._radiated:
            by = clock.now() + self._options.mark_seconds
            self._result = await self._await_report(operation, by)
        if self._result is None and not self._radiated:
            if self._options.own_input:
                raise OutcomeUnknown(
                    self._name, operation, f"refused ({reply.cause}), and its text is gone"
                )
            raise self._marker.refusal(reply, operation)

    async def _withdraw(self, operation: str) -> bool:
        """Reception ON. True if it was accepted, or was needless, at the first word."""
        deadline = clock.now() + self._options.mark_seconds
        tries = 0
        while True:
            tries += 1
            try:
                await self._marker.tell("MKM", codec.reception(True), operation)
            except DeviceRefused:
                # With a closed shutter there is nothing to withdraw, and MKM is not accepted.
                seen = await self._status(operation)
                if seen.reception and not seen.ready:
                    return tries == 1
                if clock.now() > deadline:
                    raise
            except (LinkTimeout, ProtocolError):
                if tries >= TRIES:
                    raise
            else:
                return tries == 1
            await asyncio.sleep(_POLL_SECONDS)

    async def _file(self, operation: str) -> int:
        mode = self._form.mode
        return await self._marker.read(
            "FNO", lambda data: codec.parse_file_number(data, mode), operation
        )

    async def _status(self, operation: str) -> Status:
        mode = self._form.mode
        asked_at = clock.now()
        seen = await self._marker.read("STS", lambda data: _parse_status(data, mode), operation)
        told_at = clock.now()
        # It was so at some time between question and answer.
        self._unseen_seconds = max(self._unseen_seconds, told_at - self._looked_at)
        self._looked_at = asked_at
        if seen.ready:
            self._ready_at = told_at
        self._radiated |= bool(seen.radiating)
        return seen

    async def _take_reports(self, operation: str) -> None:
        """Take the end report of the armed shot, if it has come."""
        for frame in await self._marker.reports(operation):
            if self._armed and self._result is None:
                self._note(frame)

    async def _await_report(self, operation: str, deadline: float) -> Outcome | None:
        """The end report, if one comes in time. Where the marker tells that it marks, it is asked
        meanwhile: once it was seen marking and no more, the report is due.
        """
        asks = self._form.mode == "standard"
        pause = min(_WATCH_SECONDS, self._options.shortest_mark_seconds / 2)
        while (left := deadline - clock.now()) > 0:
            frame = await self._marker.next_report(min(left, pause) if asks else left, operation)
            if frame is not None:
                return self._judge(frame)
            if asks and not (await self._status(operation)).radiating and self._radiated:
                deadline = min(deadline, clock.now() + self._options.ready_seconds)
        return None

    async def _await_dark(self, operation: str) -> None:
        """Until it is not seen marking: a mark may outlast its permission."""
        deadline = clock.now() + self._options.mark_seconds
        while (await self._status(operation)).radiating:
            if clock.now() > deadline:
                raise UnexpectedReply(self._name, operation, "it still marks")
            await asyncio.sleep(_POLL_SECONDS)

    def _note(self, frame: bytes) -> None:
        self._result = self._judge(frame)

    def _judge(self, frame: bytes) -> Outcome:
        try:
            report = codec.decode(frame, self._form)
            assert isinstance(report, Answer)
            error = codec.parse_end_report(report.data)
        except codec.MalformedError as fault:
            return Outcome(Did.UNKNOWN, f"unreadable end report: {fault}")
        if error:
            return Outcome(Did.UNKNOWN, f"E{error:03}")
        return Outcome(Did.DONE)

    def _refused(self, operation: str, detail: str) -> DeviceRefused:
        return DeviceRefused(self._name, operation, detail, vendor_code="")


KIND = Kind("panasonic-lp", "marker", Options, PanasonicLp, explain=explain)
