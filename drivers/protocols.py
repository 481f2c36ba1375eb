"""What a marker, a code reader and a line do, whatever their maker."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol, TypeAlias, runtime_checkable


@dataclass(frozen=True)
class Identity:
    """What a device says of itself; empty strings where its protocol has no such question."""

    maker: str
    model: str
    version: str


@dataclass(frozen=True)
class MarkText:
    """What one shot engraves at one position: the symbol's whole content and the legible lines."""

    position: int
    content: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shot:
    """All that one shot engraves. `sequence` is the device's command number, where it has one."""

    marks: tuple[MarkText, ...]
    sequence: int | None = None


class Activity(Enum):
    """What a marker is doing."""

    OFF = "off"
    """Not ready: not pumping, shutter closed, no remote mode. Nothing can fire."""
    READY = "ready"
    """Could be armed; nothing is armed."""
    ARMED = "armed"
    """Would fire on a trigger. A device that cannot tell READY from ARMED says ARMED."""
    MARKING = "marking"
    FAULT = "fault"


class Did(Enum):
    """What became of a shot, by the device's own word."""

    DONE = "done"
    NOT_STARTED = "not_started"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outcome:
    """The end of one shot. `echo` is what the device says it engraved, where it says so.

    `did` speaks for every position that `places` does not name. A device that can tell them
    apart says UNKNOWN for the shot and gives each position its own word.
    """

    did: Did
    cause: str = ""
    echo: str | None = None
    places: tuple[tuple[int, Did], ...] = ()

    def at(self, position: int) -> Did:
        """What became of one position."""
        return dict(self.places).get(position, self.did)


@dataclass(frozen=True)
class MarkerStatus:
    """A marker's state; `sequence` and `last` only where the device keeps its last result."""

    activity: Activity
    alarm: str = ""
    sequence: int | None = None
    last: Outcome | None = None


Start: TypeAlias = Literal["command", "input"]
"""By `fire`, or by the device's own input: a pedal, a PLC, a part that is present."""


class Marker(Protocol):
    """A device that marks. Only one coroutine may use it at a time.

    Errors: everything raises `DeviceError`. Before `arm` sends its first byte, any of its
    subclasses means that nothing can fire. From that byte on, `DeviceRefused` means *not
    started*, and every other failure has to be treated as `OutcomeUnknown` by the caller.
    """

    single_shot: bool
    """It can be armed so that one trigger, from any side, fires once and no more."""
    starts: frozenset[Start]
    """Who may fire what `arm` has armed, as this driver is configured."""

    def refuses(self, mark: MarkText) -> str | None:
        """Why this device cannot engrave that text exactly, or None. Pure: never connects."""

    async def connect(self) -> None:
        """Open the wire. Safe to call again after a failure; does nothing when open."""

    async def identify(self) -> Identity: ...

    async def status(self) -> MarkerStatus: ...

    async def select_job(self, job: str) -> None:
        """Choose the stored job, read it back, and make ready (pumping, shutter).

        Raises `DeviceRefused` if what is read back is not that job.
        """

    async def arm(self, shot: Shot) -> None:
        """Drain old end reports, then load the text for one shot and give permission to fire."""

    async def fire(self) -> None:
        """Trigger by command. Returns once the device has accepted."""

    async def outcome(self, timeout: float) -> Outcome:
        """Wait for the end of the armed shot, fired by whomever. `timeout` in seconds.

        When time is up: `Outcome(UNKNOWN)`, or NOT_STARTED if the device proves it.
        """

    async def disarm(self, sequence: int | None = None) -> Outcome | None:
        """Blank the text, withdraw permission, and confirm both by reading the state back.

        Called when the outcome has been journalled, or to find it out; a kept result may be
        acknowledged here. Idempotent. `sequence` is the journalled number of the shot in
        question. Returns what the device proves of that shot, if its result is kept; raises if
        it cannot be confirmed that nothing can fire any more. Waits while it is marking.
        """

    async def abort(self) -> None:
        """Stop marking at once; metal may be half marked."""

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Reading:
    """One code that a reader saw. `symbology` is the AIM identifier (`]d1`), or empty."""

    content: str
    symbology: str = ""
    grade: str = ""


class CodeReader(Protocol):
    """A device that reads codes. Only one coroutine may use it at a time.

    A look or a read counts only if `flush`, `open`, `read` and `close` all returned: then the
    reader acknowledged start and end, and nothing older was in its queue.
    """

    async def connect(self) -> None: ...

    async def identify(self) -> Identity: ...

    async def flush(self) -> None:
        """Drop what the reader and the line still hold of earlier reads."""

    async def open(self) -> None:
        """Start a session; returns when the reader has acknowledged it."""

    async def read(self, timeout: float) -> tuple[Reading, ...]:
        """The first code seen, with all that came along; empty after `timeout` seconds."""

    async def close(self) -> None:
        """End the session; returns when the reader has acknowledged it."""

    async def shut(self) -> None:
        """Close the wire."""


@runtime_checkable
class Pictured(Protocol):
    """A reader that keeps the picture by which its last session ended.

    It is no part of a `Reading`: a mark that cannot be read has none, and its picture tells most.
    """

    @property
    def picture(self) -> bytes | None:
        """A whole file; None before the first session, and while one has taken none."""


class LineIo(Protocol):
    """Inputs and outputs of the line: part present, pedal, lamps."""

    async def read(self, name: str) -> bool: ...

    async def write(self, name: str, value: bool) -> None: ...
