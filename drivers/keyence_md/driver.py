"""Keyence MD laser markers as a `Marker`.

A job (a *program* in the older dialect) holds one 2D code in a block and its legible lines in the
blocks after it. There is no text for one shot: what is set stays in the job, and each trigger marks
it again. So `single_shot` is False, and only the gateway's command may start it. What makes a shot
safe in spite of that:

- `TriggerLock` is on and read back before the first text leaves, and stays on until `fire`, so that
  nothing outside can start what `arm` has loaded. `fire` takes it off just before `StartMarking`,
  or never, where the marker is known to take that command in spite of it (`start_locked`). It is
  put on again as soon as the marker is seen not to mark any more.
- Each text is read back (`CharacterString`) before it may be started. To disarm, idle texts are set
  in its place and read back, while it is locked.
- What was marked is told by the marker: `MarkedCharacter` is the text that was last marked of a
  block, and counts only if it was another one after this shot's text had been loaded.
- Where one is set up for it (`counter`), a counter proves how many marks there were, and keeps that
  through a restart of the gateway: see `tally`.

Whether `StartMarking` is answered at once or when the mark is over, public clients do not agree:
both are taken, and neither is an outcome.

Unverified (U), each in one place here or beside it:
- That `RX,Ready` is 2 from the moment a start is taken until its end: `outcome`, `disarm`.
- When `MarkedCharacter` changes: after an error nothing is believed of it, `_verdict`.
- That a counter may be set so, and goes on by one with each whole mark: `counter`.
- Whether a locked marker takes `StartMarking`: `start_locked`.
- That TriggerLock keeps out every trigger from outside, and may be set while it marks without
  stopping the mark: `_proof`, `Conversation`.
- `%` begins a counter or a date in a text, and what GS does in one is not told: `_AMBIGUOUS`,
  `raw_gs`.
- Whether a code's or a line's block may be empty: `idle_code`, `idle_line`.
"""

import asyncio
from dataclasses import dataclass

from drivers import clock
from drivers.catalog import Kind
from drivers.envelope import body_of
from drivers.errors import (
    DeviceFault,
    DeviceRefused,
    LinkError,
    OutcomeUnknown,
    ProtocolError,
    UnexpectedReply,
)
from drivers.keyence_md import codec
from drivers.keyence_md.codec import Act, Dialect, SelectJob, SetLock, SetText
from drivers.keyence_md.conversation import Conversation, Patience
from drivers.keyence_md.options import Options
from drivers.keyence_md.panel import Panel, Seen
from drivers.keyence_md.tally import Tally, TallyCounter
from drivers.keyence_md.words import explain
from drivers.protocols import Activity, Did, Identity, MarkerStatus, MarkText, Outcome, Shot, Start
from drivers.transport import parse_url

_AMBIGUOUS = "%\\^~`"


@dataclass
class _Armed:
    """What this object has loaded, and what it has seen since of what may have become of it."""

    job: int
    body: str
    sequence: int
    tells: bool = False
    """The text that was last marked was another one after this had been loaded."""
    unlocked_at: float | None = None
    """When it began to be unlocked, until it is locked again."""
    exposed: bool = False
    """It was unlocked for so long, or is so seen, that its own input may have started it."""
    sent: bool = False
    """StartMarking was sent and not refused, or it was seen to mark."""
    failed: str = ""
    """An error that was seen after it might have been started."""

    @property
    def open_for(self) -> float:
        """So long it has been unlocked by us, in seconds."""
        return 0.0 if self.unlocked_at is None else clock.now() - self.unlocked_at

    @property
    def reached(self) -> bool:
        """Something may have started it."""
        return self.sent or self.exposed


class KeyenceMd:
    """One marker on one wire. See `drivers.protocols.Marker`."""

    single_shot = False

    def __init__(self, url: str, options: Options, name: str) -> None:
        parse_url(url)
        self.starts: frozenset[Start] = frozenset({"command"})
        self._options = options
        self._name = name
        patience = Patience(
            options.reply_seconds, options.busy_seconds, options.poll_seconds, options.quiet_seconds
        )
        self._marker = Conversation(url, Dialect(options.dialect), patience, name)
        self._panel = Panel(self._marker, options, name)
        self._tally = (
            None if options.counter is None else TallyCounter(self._marker, options.counter, name)
        )
        self._job: int | None = None
        self._armed: _Armed | None = None
        self._found_open = False
        """A disarm that was not confirmed yet has found it unlocked, or could not see it."""

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
        """No question of that kind is known; that it answers `RX,Ready` shows what it is."""
        with self._marker.looking():
            await self._panel.state("identify")
        return Identity("", "", "")

    async def status(self) -> MarkerStatus:
        """READY only if it is locked and the current job's texts are idle. With a counter, the
        number of the shot that it holds, and that this was done if it proves that.
        """
        with self._marker.looking():
            return await self._status("status")

    async def select_job(self, job: str) -> None:
        """Locks, selects the job, reads its number back, sets its texts idle, opens the shutter.

        Raises DeviceFault for an error, DeviceRefused for what is no job of this marker.
        """
        operation = "select_job"
        if not (job.isascii() and job.isdigit() and int(job) in codec.JOBS):
            raise self._refused(operation, f"a job is a number from 0 to 1999, not {job!r}")
        number = int(job)
        self._job = None
        await self._panel.lock(operation)
        await self._marker.tell(SelectJob(number), operation)
        if missing := await self._panel.set_idle(number, operation):
            raise self._refused(operation, f"job {number} has no block {missing}")
        if self._options.shutter:
            await self._panel.open_shutter(operation)
        seen = await self._panel.settled(self._options.busy_seconds, operation)
        if not (seen.idle or seen.busy):
            raise DeviceFault(self._name, operation, f"it is not ready: {seen.alarm}", seen.alarm)
        if why := await self._unfit(seen, number, operation):
            raise self._refused(operation, why)
        self._job = number

    async def arm(self, shot: Shot) -> None:
        """Until the first text leaves, every failure is DeviceRefused: nothing was sent. It is
        locked from then on too, so that a refusal or another text read back are *not started*.
        """
        operation = "arm"
        self._armed = None
        if len(shot.marks) != 1:
            raise self._refused(operation, f"one mark a shot, not {len(shot.marks)}")
        if why := self.refuses(shot.marks[0]):
            raise self._refused(operation, why)
        texts = self._texts(shot.marks[0])
        if self._job is None:
            raise self._refused(operation, "no job was selected")
        armed = _Armed(self._job, texts[-1][1], shot.sequence or 0)
        try:
            await self._panel.lock(operation)
            seen = await self._panel.settled(self._options.busy_seconds, operation)
            if why := await self._unfit(seen, armed.job, operation):
                raise self._refused(operation, why)
            if self._tally is not None:
                await self._tally.write(armed.job, Tally(armed.sequence), operation)
        except (LinkError, ProtocolError) as fault:
            raise self._refused(operation, f"no text was sent: {fault.detail}") from fault
        self._armed = armed
        for block, text in texts:
            await self._marker.tell(SetText(armed.job, block, text), operation)
        for block, text in texts:
            if not await self._panel.holds(armed.job, block, text, operation):
                raise self._refused(operation, f"block {block} reads back as another text")
        seen = await self._panel.settled(self._options.busy_seconds, operation)
        if not seen.idle:
            raise self._refused(operation, f"not ready with its texts: {seen.alarm}")
        marked = await self._panel.marked(armed.job, armed.body, operation)
        armed.tells = marked is False
        if not await self._panel.locked(operation):
            armed.exposed = True
            raise OutcomeUnknown(self._name, operation, "somebody unlocked it")
        self._marker.locked_blindly = False

    async def fire(self) -> None:
        """Unlock and start. Returns when the start was taken, which may be at its end, or when its
        own input was first.

        A refusal is *not started* only if nothing else can have started it: it stayed locked, or
        was unlocked for less than a mark takes, or nothing is wired to its input.
        """
        operation = "fire"
        armed = self._armed
        if armed is None:
            raise self._refused(operation, "nothing is armed")
        try:
            if self._tally is not None:
                await self._tally.write(armed.job, Tally(armed.sequence, fired=True), operation)
            refusal = await self._start(armed, operation)
            if refusal is not None:
                await self._judge(armed, refusal, operation)
        except (LinkError, ProtocolError) as fault:
            raise OutcomeUnknown(self._name, operation, fault.detail) from fault

    async def outcome(self, timeout: float) -> Outcome:
        """What was marked, once the marker is not marking any more and is locked again."""
        operation = "outcome"
        deadline = clock.now() + timeout
        locked = False
        while True:
            seen = await self._panel.look(operation)
            if not seen.busy:
                if not locked:
                    await self._lock_again(self._armed, operation)
                    locked = True
                verdict = await self._verdict(seen, operation)
                if verdict is not None:
                    return verdict
            if clock.now() >= deadline:
                if seen.busy:
                    return Outcome(Did.UNKNOWN, "it still marks")
                return Outcome(Did.UNKNOWN, "nothing tells that it marked")
            await asyncio.sleep(self._options.poll_seconds)

    async def disarm(self, sequence: int | None = None) -> Outcome | None:
        """Confirmed by the lock and the idle texts, read back, and by a marker that is not busy.

        An error that stays is no hindrance: a marker in error starts nothing, `status` tells it.
        """
        operation = "disarm"
        armed = self._armed
        if armed is not None and sequence not in (None, armed.sequence):
            armed = self._armed = None
        locked = await self._panel.locked(operation) and not self._marker.locked_blindly
        if not locked and (armed is None or armed.unlocked_at is None):
            self._found_open = True
        await self._lock_again(armed, operation)
        seen = await self._panel.settled(self._options.mark_seconds, operation)
        if seen.busy:
            raise UnexpectedReply(self._name, operation, "it does not end")
        job = await self._panel.current_job(operation)
        result = await self._proof(seen, job, sequence, operation)
        if not seen.idle and self._options.clear_errors:
            await self._panel.clear_errors(operation)
        for each in {job} if armed is None else {job, armed.job}:
            await self._panel.set_idle(each, operation)
        seen = await self._panel.settled(self._options.busy_seconds, operation)
        if seen.busy or not await self._panel.locked(operation):
            raise UnexpectedReply(self._name, operation, "it is busy or unlocked after all")
        self._armed = None
        self._found_open = self._marker.locked_blindly = False
        return result

    async def abort(self) -> None:
        """Stop marking: StopMarking."""
        await self._marker.tell(Act.STOP, "abort")

    async def _status(self, operation: str) -> MarkerStatus:
        seen = await self._panel.look(operation)
        if seen.busy:
            return MarkerStatus(Activity.MARKING)
        if not seen.idle:
            return MarkerStatus(Activity.OFF if seen.waits else Activity.FAULT, seen.alarm)
        job = await self._panel.current_job(operation)
        safe = await self._panel.locked(operation) and await self._panel.is_idle(job, operation)
        activity = Activity.READY if safe else Activity.ARMED
        tally = await self._tally.read(job, operation) if self._tally else None
        if tally is None:
            return MarkerStatus(activity)
        last = Outcome(Did.DONE) if tally.proves is Did.DONE else None
        return MarkerStatus(activity, sequence=tally.sequence, last=last)

    def _texts(self, mark: MarkText) -> list[tuple[int, str]]:
        """Blocks and their texts, the code's last. Raises ValueError, which says why not."""
        options = self._options
        body = body_of(mark.content, options.macro)
        if not body or body.startswith(codec.GS) or body == options.idle_code:
            raise ValueError("the code's data is empty, is idle, or begins with GS (FNC1)")
        if len(mark.lines) > options.lines:
            raise ValueError(f"the job has {options.lines} lines, not {len(mark.lines)}")
        lines = mark.lines + (options.idle_line,) * (options.lines - len(mark.lines))
        texts = [*zip(self._panel.line_blocks, lines, strict=True), (options.code_block, body)]
        for block, text in texts:
            allowed = codec.GS if block == options.code_block and options.raw_gs else ""
            wrong = {
                each
                for each in text
                if each in _AMBIGUOUS + ",=" or not (" " <= each <= "~" or each in allowed)
            }
            if wrong:
                named = ", ".join(repr(each) for each in sorted(wrong))
                raise ValueError(f"it cannot carry {named}")
            codec.text(text)
        return texts

    async def _unfit(self, seen: Seen, job: int, operation: str) -> str:
        """Why nothing may be armed now."""
        if not seen.idle:
            return f"it is not ready: {seen.alarm}"
        if (found := await self._panel.current_job(operation)) != job:
            return f"job {found} is selected, not {job}"
        if self._options.shutter and not await self._panel.shutter_open(operation):
            return "its shutter is closed"
        return ""

    async def _start(self, armed: _Armed, operation: str) -> DeviceRefused | None:
        """Unlock and StartMarking, or why not; nothing is sent if its own input was first.

        Raises LinkError, ProtocolError.
        """
        if not self._options.start_locked:
            armed.unlocked_at = clock.now()
            refused = await self._marker.order(SetLock(False), operation)
            if refused is not None:
                return self._marker.refusal(refused, operation)
            if await self._panel.locked(operation):
                return self._refused(operation, "its triggers stay locked")
        seen = await self._panel.look(operation)
        if seen.busy:
            armed.sent = True
            return None
        if why := await self._unfit(seen, armed.job, operation):
            return self._refused(operation, why)
        if armed.open_for >= self._options.shortest_mark_seconds:
            return self._refused(operation, "its own input may have marked since it was unlocked")
        armed.sent = True
        sent_at = clock.now()
        seconds = self._options.mark_seconds + self._options.reply_seconds
        refused = await self._marker.order(Act.START, operation, seconds)
        if refused is None:
            return None
        refusal = self._marker.refusal(refused, operation)
        took = clock.now() - sent_at
        if not refused.declines or took >= self._options.shortest_mark_seconds:
            detail = f"{refusal.detail}; it may have stopped half-way"
            raise OutcomeUnknown(self._name, operation, detail)
        armed.sent = False
        return refusal

    async def _judge(self, armed: _Armed, refusal: DeviceRefused, operation: str) -> None:
        """Raise what a refusal means, or return if its own input was first."""
        await self._lock_again(armed, operation)
        seen = await self._panel.settled(self._options.mark_seconds, operation)
        marked = await self._verdict(seen, operation)
        if marked is not None and marked.did is Did.DONE:
            armed.sent = True
            return
        if marked is None and self._untouched(armed):
            raise refusal
        raise OutcomeUnknown(
            self._name, operation, f"{refusal.detail}; its own input may have been first"
        ) from refusal

    async def _lock_again(self, armed: _Armed | None, operation: str) -> None:
        """Lock, and note whether a mark can have begun, and be over, since it was unlocked."""
        await self._panel.lock(operation)
        if armed is None or armed.unlocked_at is None:
            return
        if not armed.sent:
            seen = await self._panel.look(operation)
            armed.sent |= seen.busy
            # By the end of the look: a mark that began when it was unlocked may be over by then.
            too_late = armed.open_for >= self._options.shortest_mark_seconds
            armed.exposed |= too_late or not seen.idle
        armed.unlocked_at = None

    def _untouched(self, armed: _Armed) -> bool:
        """Nothing can have started it."""
        return not armed.sent and not (armed.exposed and self._options.own_input)

    async def _verdict(self, seen: Seen, operation: str) -> Outcome | None:
        """What became of the armed shot, or None while nothing tells."""
        armed = self._armed
        if armed is None or seen.busy:
            return None
        if not seen.idle and armed.reached:
            armed.failed = seen.alarm
        if armed.failed:
            return Outcome(Did.UNKNOWN, f"its error: {armed.failed}")
        told = None
        if armed.tells:
            told = await self._panel.marked(armed.job, armed.body, operation)
        if self._tally is None:
            return Outcome(Did.DONE) if told else None
        tally = await self._tally.read(armed.job, operation)
        if tally is None or tally.sequence != armed.sequence:
            return Outcome(Did.UNKNOWN, "its counter was set by somebody else")
        if tally.marks > 1:
            return Outcome(Did.UNKNOWN, "it marked more than once")
        if told is not None and told is not bool(tally.marks):
            return Outcome(Did.UNKNOWN, "its counter and the text that it marked disagree")
        return Outcome(Did.DONE) if tally.marks else None

    async def _proof(
        self, seen: Seen, job: int, sequence: int | None, operation: str
    ) -> Outcome | None:
        """What is known of the shot in question, before its texts are taken away.

        *Not started*: StartMarking was not sent, or was refused, and it was locked all the time,
        but for less than a mark takes, or nothing is wired to its input.
        """
        armed = self._armed
        if armed is not None:
            armed.exposed |= self._found_open
            verdict = await self._verdict(seen, operation)
            if verdict is None and self._untouched(armed):
                return Outcome(Did.NOT_STARTED, "disarmed before anything could start it")
            return verdict
        if self._tally is None or sequence is None or not seen.idle:
            return None
        tally = await self._tally.read(job, operation)
        if tally is None or tally.sequence != sequence:
            return None
        if tally.marks > 1:
            return Outcome(Did.UNKNOWN, "it marked more than once")
        if tally.proves is Did.NOT_STARTED and self._found_open and self._options.own_input:
            return None
        return None if tally.proves is None else Outcome(tally.proves)

    def _refused(self, operation: str, detail: str) -> DeviceRefused:
        return DeviceRefused(self._name, operation, detail, vendor_code="")


KIND = Kind("keyence-md", "marker", Options, KeyenceMd, explain=explain)
