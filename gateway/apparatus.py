"""A station's marker and readers, and how the cycle's effects use them.

Devices' errors become events here, and nowhere else. A session counts only if every step of it was
acknowledged by every reader that took part.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from drivers.errors import DeviceError, DeviceRefused
from drivers.protocols import Activity, CodeReader, Marker, MarkText, Pictured, Reading, Shot
from gateway.contract.record import Mark
from gateway.moves import (
    Arm,
    Check,
    Disarm,
    Disarmed,
    Done,
    Effect,
    Event,
    Failed,
    Fire,
    Inspect,
    Inspected,
    Note,
    Prepare,
    Prepared,
    Read,
    Refused,
    Saw,
    Seen,
)

TRIAL_CONTENT = "[)>\x1e06\x1d1PTRIAL\x1e\x04"
"""The fixed text of a trial shot: a part number alone makes no UII."""
INSPECT_PAUSE_S = 0.2
"""Between two questions to a device that says it is marking."""
DISARM_PAUSE_S = 3.0
"""The longest pause between two attempts to disarm; the first are quicker."""
LAST_SEQUENCE = 65535


@dataclass
class Apparatus:
    """A marker, none at a reading post; and one reader a place of the tray, from place 1 on."""

    marker: Marker | None
    readers: tuple[CodeReader, ...]
    read_s: float
    """How long a read waits for a code, in seconds."""
    readings: dict[Seen, Reading] = field(default_factory=dict)
    """What the last session saw, with what its reader said of it."""
    pictures: dict[int, bytes] = field(default_factory=dict)
    """By place, the picture by which its last session ended, of readers that have any."""

    async def carry_out(self, effect: Effect, last_sequence: int | None) -> Event:
        """One effect that touches a device, save for looks and waits, which the station minds.

        `last_sequence` is the last command number that the journal holds.
        """
        try:
            return await self._at_device(effect, last_sequence)
        except DeviceError as error:
            return told(error)

    async def _at_device(self, effect: Effect, last_sequence: int | None) -> Event:
        if isinstance(effect, Read):
            return Saw(await self.session(effect.positions, self.read_s))
        if isinstance(effect, Check):
            return Saw(await self.session(self.places, self.read_s))
        marker = self.marker
        assert marker is not None
        match effect:
            case Prepare(job=job):
                return await self._prepare(marker, job, last_sequence)
            case Arm(marks=marks, sequence=sequence):
                await marker.arm(Shot(tuple(texts(marks)), sequence))
                return Done()
            case Fire():
                await marker.fire()
                return Done()
            case Inspect():
                await marker.connect()
                status = await marker.status()
                if status.activity is Activity.MARKING:
                    await asyncio.sleep(INSPECT_PAUSE_S)
                return Inspected(status)
            case Disarm(sequence=sequence, attempt=attempt):
                if attempt:
                    await asyncio.sleep(min(0.1 * 2 ** min(attempt, 10), DISARM_PAUSE_S))
                await marker.connect()
                return Disarmed(await marker.disarm(sequence))
        raise AssertionError(f"{effect} is not a device's")

    async def _prepare(self, marker: Marker, job: str, last_sequence: int | None) -> Event:
        await marker.connect()
        await marker.disarm()
        await marker.select_job(job)
        status = await marker.status()
        if status.activity is not Activity.READY:
            return Failed(Note("marker-not-ready", (("state", status.activity.value),)))
        sequence = None
        if status.sequence is not None:
            used = {status.sequence, last_sequence}
            sequence = status.sequence % LAST_SEQUENCE + 1
            while sequence in used:  # an intent that the device never saw had it
                sequence = sequence % LAST_SEQUENCE + 1
        return Prepared(status, sequence)

    @property
    def places(self) -> range:
        """The places that a reader sees."""
        return range(1, len(self.readers) + 1)

    async def session(self, places: Iterable[int], seconds: float) -> tuple[Seen, ...]:
        """One whole session of the readers at those places, side by side. Raises DeviceError."""
        wanted = sorted(places)
        for place in wanted:
            self.pictures.pop(place, None)
        found = await asyncio.gather(
            *(_session(self.readers[place - 1], seconds) for place in wanted),
            return_exceptions=True,
        )
        for each in found:
            if isinstance(each, BaseException):
                raise each
        self.readings = {
            Seen(place, reading.content): reading
            for place, readings in zip(wanted, found, strict=True)
            if not isinstance(readings, BaseException)
            for reading in readings
        }
        for place in wanted:
            reader = self.readers[place - 1]
            if isinstance(reader, Pictured) and reader.picture is not None:
                self.pictures[place] = reader.picture
        return tuple(self.readings)


async def _session(reader: CodeReader, seconds: float) -> tuple[Reading, ...]:
    try:
        await reader.connect()
        await reader.flush()
        await reader.open()
        readings = await reader.read(seconds)
        await reader.close()
    except DeviceError:
        # The next session begins on a fresh wire, so that no late answer is taken for its own.
        with contextlib.suppress(DeviceError):
            await reader.shut()
        raise
    return readings


def told(error: DeviceError) -> Event:
    """What a device's error says to the cycle."""
    if isinstance(error, DeviceRefused):
        return Refused(Note(error.code, (("vendor", error.vendor_code), ("detail", error.detail))))
    return Failed(Note(error.code, (("detail", error.detail),)))


def texts(marks: tuple[Mark, ...]) -> list[MarkText]:
    """What the device is given; a trial's fixed text where there is no mark."""
    if not marks:
        return [MarkText(1, TRIAL_CONTENT)]
    return [MarkText(mark.position, mark.content, mark.text) for mark in marks]
