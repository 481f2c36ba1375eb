"""A Keyence MD laser marker: what it does, in its own time.

Options: `dialect` (job, program), `macro` (05, 06, none: what the stored jobs' 2D code uses),
`code_block`, `lines` (legible lines of the jobs), `jobs` (numbers, comma-separated), `idle_code`
(the code's text as the jobs are stored), `counter` (a letter: it counts marks; none without),
`answer` (start, end: when StartMarking is answered), `start_locked` (no, yes: it takes StartMarking
while triggers are locked), `when_locked` (ready, T002: what it says of itself then), `shutter` (no,
yes: it has a laser safety module), `clear_reply` (yes, no: ErrorClear is answered), `position`,
`marking`, `expanding`, `moving`, `late` (seconds, divided by the speed).
Wrong behaviours (the back door's `fault`): see `MISDEEDS`. Own operations: `interlock` (`on`: it is
broken, which stays an error until it is not), `lock` (`on`: somebody sets the trigger lock).

It begins locked, as a station leaves it. Texts stay in their jobs, through a loss of power too;
the lock does not. (U) So does the counter,
which goes on by one at the end of a whole mark. While it marks, expands or moves its shutter it
refuses what would change anything, but the lock and StopMarking.
"""

import asyncio
from typing import Any

from drivers.keyence_md import codec
from drivers.keyence_md.codec import (
    Accepted,
    Act,
    Answer,
    Dialect,
    GetCounter,
    GetMarked,
    GetText,
    MalformedError,
    Question,
    Read,
    Ready,
    Refused,
    Reply,
    SelectJob,
    SetCounter,
    SetLock,
    SetShutter,
    SetText,
    Splitter,
    Write,
)
from simulators.marker import WiredMarker
from simulators.options import Given
from simulators.part import PartStore
from simulators.pipe import Wire

MISDEEDS = {
    "faint": "the next mark is too faint to be read",
    "silent": "the next mark is neither counted nor kept as what was marked last",
    "late": "the next mark begins `late` seconds after its start",
    "failed": "the next mark stops half-way, with an error",
    "refuse": "the next StartMarking is refused",
    "garble": "the next text that is not idle is stored as another",
    "unlock": "the next lock is accepted and not done",
    "twice": "the next mark is made twice",
}
_BROKEN = "E004"  # a scanner's error, as one that can be cleared
_INTERLOCK = "T000"


class _Refusal(Exception):
    def __init__(self, code: str, words: str) -> None:
        self.code, self.words = code, words


class KeyenceMd(WiredMarker):
    """One marker at one station."""

    def __init__(
        self, options: dict[str, str], parts: PartStore, station: str, speed: float
    ) -> None:
        given = Given(options)
        super().__init__("keyence-md", given, parts, station, speed, MISDEEDS)
        self._dialect = given.member("dialect", Dialect.JOB)
        self._code = given.whole("code_block", 0)
        self._lines = range(self._code + 1, self._code + 1 + given.whole("lines", 1))
        self._idle_code = given.text("idle_code", "0")
        idle = {self._code: self._idle_code, **dict.fromkeys(self._lines, " ")}
        self._jobs = {job: dict(idle) for job in given.wholes("jobs", "0,7")}
        self._counter = given.one_of("counter", ("", *"ABCDEFGHIJ"))
        self._count = 0
        self._answers_at_end = given.one_of("answer", ("start", "end")) == "end"
        self._start_locked = given.one_of("start_locked", ("no", "yes")) == "yes"
        self._ready_locked = given.one_of("when_locked", ("ready", "T002")) == "ready"
        self._shutter = given.one_of("shutter", ("no", "yes")) == "yes"
        self._answers_clearing = given.one_of("clear_reply", ("yes", "no")) == "yes"
        self._expanding_seconds = given.number("expanding", 0.4) / speed
        self._moving_seconds = given.number("moving", 1) / speed
        given.end()
        self._job = min(self._jobs, default=0)
        self._marked: dict[tuple[int, int], str] = {}
        self._interlock = False
        self._switch_on()
        self._locked = True

    def _switch_on(self) -> None:
        self._locked = self._marking = self._expanding = self._moving = False
        self._open = not self._shutter
        self._errors: list[str] = []
        self._starter: Wire | None = None

    # What the back door asks.

    def state(self) -> dict[str, Any]:
        return {
            "powered": self._powered,
            "job": self._job,
            "texts": {
                f"{job}/{block}": text
                for job, texts in self._jobs.items()
                for block, text in texts.items()
                if text.strip() not in ("", self._idle_code)
            },
            "locked": self._locked,
            "ready": self._takes_triggers and self._is_loaded,
            "marking": self._marking,
            "errors": list(self._wrong),
            "counter": self._count,
            "shutter": self._open,
        }

    async def pedal(self) -> bool:
        """Its trigger input. Whether it began to mark: it marks the same text again and again."""
        if not self._powered or not self._takes_triggers:
            return False
        self._begin()
        self.later("shot", self._shoot())
        return True

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        match op:
            case "interlock":
                self._interlock = bool(request["on"])
                if self._interlock and self._marking:
                    await self._fail(_BROKEN)
            case "lock":
                self._locked = bool(request["on"])
            case _:
                return await super().operate(op, request)
        return {}

    # What happens on the wire.

    async def talk(self, wire: Wire) -> None:
        splitter = Splitter()
        while data := await wire.read():
            for frame in splitter.feed(data):
                await self.moments.stand_still()
                if self._powered:
                    reply = await self._obey(frame, wire)
                    if reply is not None and self._powered:
                        await wire.write(codec.encode_reply(reply))

    async def _obey(self, frame: bytes, wire: Wire) -> Reply | None:
        try:
            command = codec.decode_command(frame, self._dialect)
        except MalformedError:
            return Refused(codec.answers(frame, asked=True), "S026", "Format Error")
        try:
            if isinstance(command, Read):
                return self._tell(command)
            return await self._take(command, wire)
        except _Refusal as refusal:
            return Refused(isinstance(command, Read), refusal.code, refusal.words)

    def _tell(self, command: Read) -> Reply:
        match command:
            case Question.READY:
                return codec.ready(self._ready)
            case Question.ERRORS:
                return codec.errors(self._wrong)
            case Question.LOCK:
                return codec.flag(self._locked)
            case Question.JOB:
                return codec.job(self._job)
            case Question.SHUTTER if self._shutter:
                return codec.flag(self._open)
            case GetText(job, block):
                return Answer(self._block(job, block))
            case GetMarked(job, block):
                self._block(job, block)
                if self._marking:
                    raise _Refusal(codec.BUSY, "Busy Error")
                if (job, block) not in self._marked:
                    raise _Refusal(codec.NEVER_MARKED, "Mark Data Request Error")
                return Answer(self._marked[job, block])
            case GetCounter(job, name) if job in self._jobs and name == self._counter:
                return codec.counter(self._count)
        raise _Refusal("S024", "Illegal Command Error")

    async def _take(self, command: Write, wire: Wire) -> Reply | None:
        match command:
            case SetLock(on):
                return await self._set_lock(on)
            case Act.STOP:
                await self._stop()
                return Accepted()
            case Act.START:
                return await self._start(wire)
        self._only_idle()
        match command:
            case Act.CLEAR:
                self._errors.clear()
                return Accepted() if self._answers_clearing else None
            case SelectJob(job) if job in self._jobs:
                self._job = job
                self._expand()
            case SetText(job, block, text):
                self._block(job, block)
                idle = text.strip() in ("", self._idle_code)
                garbled = not idle and self._misdeeds.take("garble")
                self._jobs[job][block] = text + "X" if garbled else text
                self._expand()
            case SetCounter(job, name, value) if job in self._jobs and name == self._counter:
                self._count = value
            case SetShutter(is_open) if self._shutter:
                self.later("shutter", self._move(is_open))
            case SelectJob():
                raise _Refusal(codec.NO_JOB, "Program Number Not Registered Error")
            case _:
                raise _Refusal("S024", "Illegal Command Error")
        return Accepted()

    # What the marker does.

    @property
    def _wrong(self) -> tuple[str, ...]:
        locked = self._locked and not self._ready_locked
        return (
            *self._errors,
            *([_INTERLOCK] if self._interlock else []),
            *([codec.LOCKED] if locked else []),
        )

    @property
    def _ready(self) -> Ready:
        if self._marking or self._expanding:
            return Ready.BUSY
        return Ready.ERROR if self._wrong else Ready.ON

    @property
    def _could_mark(self) -> bool:
        busy = self._marking or self._expanding or self._moving
        return not busy and self._open and not self._errors and not self._interlock

    @property
    def _takes_triggers(self) -> bool:
        return self._powered and self._could_mark and not self._locked

    @property
    def _is_loaded(self) -> bool:
        """A trigger would mark a text that somebody has set."""
        return self._jobs.get(self._job, {}).get(self._code, "") not in ("", self._idle_code)

    def _block(self, job: int, block: int) -> str:
        if job not in self._jobs:
            raise _Refusal(codec.NO_JOB, "Program Number Not Registered Error")
        if block not in self._jobs[job]:
            raise _Refusal(codec.NO_BLOCK, "Block Number Not Registered Error")
        return self._jobs[job][block]

    def _only_idle(self) -> None:
        if self._moving:
            raise _Refusal(codec.SHUTTER_MOVES, "Controlling Shutter")
        if self._marking or self._expanding:
            raise _Refusal(codec.BUSY, "Busy Error")

    async def _set_lock(self, on: bool) -> Reply:
        if not (on and self._misdeeds.take("unlock")):
            self._locked = on
        if self._is_loaded and not on:
            await self.moments.reach("armed")
        return Accepted()

    def _expand(self) -> None:
        self._expanding = True
        self.later("expanding", self._expanded())

    async def _expanded(self) -> None:
        await asyncio.sleep(self._expanding_seconds)
        self._expanding = False

    async def _move(self, is_open: bool) -> None:
        self._moving = True
        await asyncio.sleep(self._moving_seconds)
        self._open, self._moving = is_open, False

    async def _start(self, wire: Wire) -> Reply | None:
        if self._misdeeds.take("refuse"):
            raise _Refusal("S006", "Priority Error")
        self._only_idle()
        if not self._could_mark:
            raise _Refusal("S024", "Illegal Command Error")
        if self._locked and not self._start_locked:
            raise _Refusal(codec.LOCKED, "Trigger Inhibited")
        self._begin()
        if self._answers_at_end:
            self._starter = wire
        if self._misdeeds.take("late"):
            self.later("shot", self._shoot_late())
        else:
            await self._mark()
            if self._powered and self._marking:
                self.later("shot", self._finish())
        return None if self._answers_at_end else Accepted()

    def _begin(self) -> None:
        self._marking = True

    async def _mark(self) -> None:
        """The metal changes first, and before any reply."""
        failed = self._misdeeds.take("failed")
        texts = self._jobs[self._job]
        self._engrave(texts[self._code], [texts[block].rstrip() for block in self._lines], failed)
        await self.moments.reach("marked")
        if failed:
            await self._fail(_BROKEN)

    async def _finish(self) -> None:
        if not self._marking:
            return
        await asyncio.sleep(self._marking_seconds)
        if not self._misdeeds.take("silent"):
            self._count += 1
            texts = self._jobs[self._job]
            self._marked |= {(self._job, block): text for block, text in texts.items()}
        if self._misdeeds.take("twice"):
            await self._mark()
            await self._finish()
            return
        await self._end(Accepted())

    async def _fail(self, code: str) -> None:
        """What is being marked stays half-way."""
        self._spoil()
        self._errors.append(code)
        await self._end(Refused(False, code, "Scanner Error"))

    async def _stop(self) -> None:
        if self._marking:
            self._spoil()
            await self._end(Refused(False, "S024", "Illegal Command Error"))
            self.cancel("shot")

    async def _end(self, reply: Reply) -> None:
        """The end of a mark, which is told where StartMarking is answered at the end."""
        self._engraving = None
        self._marking = False
        self.moments.current = ""
        starter, self._starter = self._starter, None
        if starter is not None:
            await starter.write(codec.encode_reply(reply))


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> KeyenceMd:
    """Raises ValueError for options that it does not know."""
    return KeyenceMd(options, parts, station, speed)
