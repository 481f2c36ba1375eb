"""Markers as physics and `drivers.protocols` have them: a laser that keeps nothing, and a cell
that keeps its last result under a command number.

The device lives on while processes come and go; a `SimMarker` is the driver in one process. What
a device says for certain is true, as the protocol demands; all else may go wrong.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from drivers.errors import DeviceRefused, LinkTimeout, OutcomeUnknown
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
from tests.simulation.chance import Chance
from tests.simulation.loop import SimLoop
from tests.simulation.metal import Engraving, MarkRef, Metal, Place
from tests.simulation.story import Story
from tests.simulation.wire import NotStarted, Wire

T = TypeVar("T")
LAST_SEQUENCE = 65535
ENDED_S = 8.0
"""The longest that a driver waits for a marking device at a disarm."""


@dataclass(frozen=True)
class Whose:
    """What a shot is for: the announced mark at each position; empty for a trial."""

    marks: dict[int, MarkRef] = field(default_factory=dict)
    components: dict[int, str] = field(default_factory=dict)


@dataclass(eq=False)
class Device:
    """The laser itself, with what is loaded in it."""

    kind: Literal["laser", "cell"]
    name: str
    loop: SimLoop
    chance: Chance
    story: Story
    metal: Metal
    place: Place
    wire: Wire
    mark_s: float = 0.4
    """For one position."""
    powered: bool = True
    job: str | None = None
    loaded: Shot | None = None
    whose: Whose = Whose()
    marking: Shot | None = None
    report: Outcome | None = None
    """The end report of the last shot; it waits to be taken."""
    ack: int = 0
    """The cell's last command number, kept through a loss of power."""
    kept: Outcome | None = None
    """The cell's last result, until it is acknowledged."""
    stop_after: int | None = None
    """The next shot stops after so many positions."""
    faint: list[int] = field(default_factory=list)
    """Positions of the next shot that come out illegible; 0 for all."""
    mute: int = 0
    """So many end reports are lost."""
    keeps: int = 0
    """So many times the cell's last result outlives its acknowledgement."""
    start_late: float = 0.0
    """The next trigger is obeyed after so long."""
    shots: int = 0
    _run: int = 0
    _starting: asyncio.TimerHandle | None = None
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def armed(self) -> bool:
        return self.loaded is not None

    def arm(self, shot: Shot, whose: Whose) -> None:
        if self.marking is not None:
            raise NotStarted("it is marking")
        if self.kind == "cell" and shot.sequence == self.ack:
            raise NotStarted(f"number {shot.sequence} has been carried out")
        self.report = None
        self.loaded, self.whose = shot, whose
        self.story.tell(self.name, f"armed for shot {shot.sequence or ''}".rstrip())

    def trigger(self) -> None:
        """By command or by its own input: what is loaded is engraved, once."""
        if self.loaded is None or self._starting is not None:
            return
        if self.start_late:
            self._starting = self.loop.call_later(self.start_late, self._start)
            self.start_late = 0.0
        else:
            self._start()

    def fire(self) -> None:
        if self.loaded is None and self.marking is None and self.report is None:
            raise NotStarted("no text is loaded")
        self.trigger()

    def _start(self) -> None:
        self._starting = None
        shot, self.loaded = self.loaded, None
        if shot is None or not self.powered:
            return
        self.marking = shot
        self.shots += 1
        if self.kind == "cell":
            self.ack, self.kept = shot.sequence or 0, None
        self._run += 1
        self.loop.call_later(self.mark_s, self._position, self._run, 0)

    def _position(self, run: int, index: int) -> None:
        if run != self._run or self.marking is None:
            return
        marks = self.marking.marks
        mark = marks[index]
        self._engrave(mark, legible=0 not in self.faint and mark.position not in self.faint)
        if self.stop_after is not None and index + 1 >= self.stop_after:
            self._end(Outcome(Did.UNKNOWN, "stopped", places=self._places(index + 1)))
        elif index + 1 < len(marks):
            self.loop.call_later(self.mark_s, self._position, run, index + 1)
        else:
            self._end(Outcome(Did.DONE))

    def _places(self, done: int) -> tuple[tuple[int, Did], ...]:
        """A device that can tell its positions apart says so; another leaves them out."""
        assert self.marking is not None
        if self.kind == "laser":
            return ()
        return tuple(
            (mark.position, Did.DONE if index < done else Did.NOT_STARTED)
            for index, mark in enumerate(self.marking.marks)
        )

    def _engrave(self, mark: MarkText, *, legible: bool) -> None:
        part = self.place.at(mark.position)
        engraving = Engraving(
            mark.content,
            legible,
            self.loop.now,
            self.name,
            self.whose.marks.get(mark.position),
            self.whose.components.get(mark.position, ""),
        )
        where = f"position {mark.position}" if self.place.positions > 1 else "the part"
        lies = "nothing" if part is None else str(part)
        how = "" if legible else ", illegibly"
        self.story.tell(self.name, f"engraves {mark.content} on {lies}, {where}{how}")
        self.metal.engrave(part, engraving)

    def _end(self, outcome: Outcome) -> None:
        self.marking = None
        self.stop_after, self.faint = None, []
        if self.kind == "cell":
            self.kept = outcome
        if self.mute:
            self.mute -= 1
        else:
            self.report = outcome
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def ends(self, seconds: float) -> None:
        """Until a shot has ended or the time is up."""
        future = self.loop.create_future()
        self._waiting.append(future)
        await asyncio.wait([future], timeout=seconds)

    def withdraw(self) -> bool:
        """Text and permission are gone; whether it was still loaded."""
        was, self.loaded = self.loaded is not None, None
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None
        return was

    def switch(self, *, on: bool) -> None:
        """The device's key, or its power."""
        if on == self.powered:
            return
        self.powered = on
        self.story.tell(self.name, "switched on" if on else "switched off")
        if on:
            return
        self.wire.forget()
        self.withdraw()
        if self.marking is not None:
            self._run += 1
            done = sum(
                1
                for mark in self.marking.marks
                if (part := self.place.at(mark.position))
                and any(e.content == mark.content for e in part.engravings)
            )
            if done < len(self.marking.marks) and self.chance.yes(0.5):
                self._engrave(self.marking.marks[done], legible=False)
            self.mute = 1
            self._end(Outcome(Did.UNKNOWN, "power was lost"))
        self.report = None
        self.job = None


class SimMarker:
    """The driver of one device in one process."""

    single_shot = True

    def __init__(
        self,
        device: Device,
        whose: Callable[[], Whose],
        starts: frozenset[Start],
        on_arm: Callable[[Shot], None],
    ) -> None:
        self.device = device
        self.starts = starts
        self._whose = whose
        self._on_arm = on_arm
        self._armed = False
        self._concluded: tuple[int, Outcome] | None = None

    def refuses(self, mark: MarkText) -> str | None:
        if mark.position > self.device.place.positions:
            return f"there is no position {mark.position}"
        return None

    async def connect(self) -> None:
        await self._command("connect", lambda: None)

    async def identify(self) -> Identity:
        return await self._command("identify", lambda: Identity("", self.device.kind, "1"))

    async def status(self) -> MarkerStatus:
        return await self._command("status", self._status)

    def _status(self) -> MarkerStatus:
        device = self.device
        # A laser cannot tell marking from idle; only the driver that armed it knows better.
        if device.marking is not None and (device.kind == "cell" or self._armed):
            activity = Activity.MARKING
        elif device.armed:
            activity = Activity.ARMED
        else:
            activity = Activity.READY
        if device.kind == "laser":
            return MarkerStatus(activity)
        last = None if device.marking is not None else device.kept
        return MarkerStatus(activity, "", device.ack, last)

    async def select_job(self, job: str) -> None:
        def select() -> None:
            self.device.job = job

        await self._command("select_job", select)

    async def arm(self, shot: Shot) -> None:
        self._on_arm(shot)
        whose = self._whose()

        def arm() -> None:
            self.device.arm(shot, whose)
            self._armed = True

        self._concluded = None
        await self._command("arm", arm)

    async def fire(self) -> None:
        try:
            await self._command("fire", self.device.fire)
        except DeviceRefused as refusal:
            if not self.device.armed:
                raise OutcomeUnknown(
                    self.device.name, "fire", "refused, and its text is gone"
                ) from refusal
            raise

    async def outcome(self, timeout: float) -> Outcome:
        deadline = self.device.loop.now + timeout
        while self.device.report is None:
            left = deadline - self.device.loop.now
            if left <= 0:
                return await self._too_late()
            if not self.device.powered:
                await asyncio.sleep(1)
                raise LinkTimeout(self.device.name, "outcome", "nobody answers")
            await self.device.ends(min(left, 5.0))
        return await self._command("outcome", self._take_report)

    def _take_report(self) -> Outcome:
        assert self.device.report is not None
        return self.device.report

    async def _too_late(self) -> Outcome:
        if self.device.kind == "cell":
            # The cell's driver withdraws its permission then, and may prove what became of it.
            return Outcome(Did.UNKNOWN, "no end in time")
        return Outcome(Did.UNKNOWN, "no end report in time")

    async def disarm(self, sequence: int | None = None) -> Outcome | None:
        began = self.device.loop.now
        await self._command("disarm", lambda: None)
        while self.device.marking is not None:
            if self.device.loop.now - began > ENDED_S:
                raise OutcomeUnknown(self.device.name, "disarm", "it does not stop marking")
            await self.device.ends(1.0)
        if self.device.kind == "cell":
            return await self._command("disarm", lambda: self._disarm_cell(sequence))
        return await self._command("disarm", self._disarm_laser)

    def _disarm_laser(self) -> Outcome | None:
        if self.device.marking is not None:
            raise NotStarted("it is marking")
        was_loaded = self.device.withdraw()
        result = self.device.report if self._armed else None
        if was_loaded and self.device.chance.yes(0.9):
            result = Outcome(Did.NOT_STARTED, "disarmed with its text still loaded")
        self._armed, self.device.report = False, None
        return result

    def _disarm_cell(self, sequence: int | None) -> Outcome | None:
        device = self.device
        if device.marking is not None:
            raise NotStarted("it is marking")
        device.withdraw()
        proof: Outcome | None = None
        if sequence is not None:
            if self._concluded is not None and self._concluded[0] == sequence:
                proof = self._concluded[1]
            else:
                proof = self._conclude(sequence)
                self._concluded = (sequence, proof)
        device.report = None
        if device.keeps:
            device.keeps -= 1
        else:
            device.kept = None
        return proof

    def _conclude(self, sequence: int) -> Outcome:
        device = self.device
        if device.ack == sequence:
            if device.kept is None:
                return Outcome(Did.UNKNOWN, "started; its result was acknowledged before")
            return device.kept
        if device.ack == 0:
            return Outcome(Did.UNKNOWN, "the cell holds no number: new, or its memory was lost")
        if (sequence - device.ack) % LAST_SEQUENCE not in (1, 2):
            return Outcome(Did.UNKNOWN, f"the cell's last number is {device.ack}")
        return Outcome(Did.NOT_STARTED, f"the cell's last number is {device.ack}")

    async def abort(self) -> None:
        await self._command("abort", lambda: None)

    async def close(self) -> None:
        """The line stays where it is."""

    async def _command(self, operation: str, act: Callable[[], T]) -> T:
        return await self.device.wire.command(operation, act)
