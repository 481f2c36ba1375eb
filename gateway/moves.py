"""The vocabulary of the marking cycle: its phases, its state, its effects and its events.

An effect is what the station has to carry out; an event is what came of it, or what a person
asks for. `cycle` says which follows which.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from drivers.protocols import MarkerStatus, Outcome
from gateway.contract.record import Mark

Start: TypeAlias = Literal["operator", "plc"]
Verdict: TypeAlias = Literal["good", "unreadable", "mismatch"]


class Phase(Enum):
    """Where the cycle stands; the screen shows each in words."""

    IDLE = "idle"
    PREPARING = "preparing"
    LOOKING = "looking"
    COMMITTING = "committing"
    GUARDING = "guarding"
    ARMING = "arming"
    FIRING = "firing"
    WAITING = "waiting"
    INSPECTING = "inspecting"
    RECORDING = "recording"
    DISARMING = "disarming"
    READING = "reading"
    VERIFYING = "verifying"
    JUDGING = "judging"
    SET_ASIDE = "set-aside"
    READ_BLOCKED = "read-blocked"
    SWITCH_OFF = "switch-off"
    UNKNOWN = "unknown"


ARMED_PHASES = frozenset(
    {Phase.ARMING, Phase.FIRING, Phase.WAITING, Phase.INSPECTING, Phase.DISARMING}
)
"""The device may fire on its own input, or may already have fired."""

RESTING = frozenset({Phase.IDLE, Phase.JUDGING, Phase.SET_ASIDE, Phase.READ_BLOCKED, Phase.UNKNOWN})
"""Nothing is under way; a person is awaited."""


@dataclass(frozen=True)
class Note:
    """What happened, as a stable code of the catalogues and the facts that go into its text."""

    code: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Job:
    """What a cycle is to do; the numbers are chosen when the intent is journalled."""

    order: str
    job: str
    start: Start = "operator"
    by_input: bool = False
    """The device's own input (pedal, PLC) fires; else the gateway triggers."""
    look: bool = True
    eye: bool = False
    """A person judges in place of a reader, for the reason that the order gives."""
    trial: bool = False
    """A shot of fixed test text, for focus and power: it burns no number."""
    expect: frozenset[str] = frozenset()
    """Other codes that a part may already carry."""


@dataclass(frozen=True)
class Open:
    """The intent whose outcome is not yet final."""

    seq: int
    marks: tuple[Mark, ...]
    sequence: int | None
    outcome: Outcome | None = None
    """What `marked` says, once it is journalled; None before."""
    eye: bool = False
    rejected: str = ""
    """The bad verdict that is journalled: the part waits to be set aside."""


@dataclass(frozen=True)
class Cycle:
    """The machine's state."""

    phase: Phase = Phase.IDLE
    job: Job | None = None
    open: Open | None = None
    heard: Outcome | None = None
    """The outcome as far as it is known, before it is journalled."""
    sequence: int | None = None
    before: frozenset[str] = frozenset()
    """The contents on the part before, which a late read may still deliver."""
    seen: tuple[str, ...] = ()
    tries: int = 0
    recovering: bool = False
    note: Note | None = None


# -- effects


@dataclass(frozen=True)
class Prepare:
    """Connect, disarm whatever was left, select the job and read it back, read the state."""

    job: str


@dataclass(frozen=True)
class Look:
    """One whole reader session before firing."""


@dataclass(frozen=True)
class CommitIntent:
    """Ask the plan, choose the numbers, journal the intent; all or nothing."""

    job: Job
    sequence: int | None


@dataclass(frozen=True)
class WriteGuard:
    """Write the guard for the journal's end."""


@dataclass(frozen=True)
class Arm:
    marks: tuple[Mark, ...]
    sequence: int | None


@dataclass(frozen=True)
class Fire:
    """Trigger by command."""


@dataclass(frozen=True)
class AwaitOutcome:
    by_input: bool


@dataclass(frozen=True)
class Inspect:
    """Read the device's state and its last result."""


@dataclass(frozen=True)
class Disarm:
    sequence: int | None
    attempt: int


@dataclass(frozen=True)
class RecordMarked:
    """What became of the shot; `latches` when no reading can settle it, for lack of a reader."""

    intent: int
    positions: tuple[int, ...]
    outcome: Outcome
    latches: bool = False


@dataclass(frozen=True)
class RecordTrial:
    outcome: Outcome


@dataclass(frozen=True)
class Read:
    """One whole reader session after disarming."""

    attempt: int


@dataclass(frozen=True)
class RecordVerified:
    """What was read; `resolves` also settles an unknown outcome by that reading."""

    intent: int
    position: int
    verdict: Verdict
    content: str | None
    entry: Literal["device", "eye"]
    resolves: bool
    latches: bool


Effect: TypeAlias = (
    Prepare
    | Look
    | CommitIntent
    | WriteGuard
    | Arm
    | Fire
    | AwaitOutcome
    | Inspect
    | Disarm
    | RecordMarked
    | RecordTrial
    | Read
    | RecordVerified
)

# -- events


@dataclass(frozen=True)
class Begin:
    job: Job


@dataclass(frozen=True)
class Recover:
    """The process has started; the journal may hold an open intent of this station, or the last
    part may wait to be set aside.

    `before` is what the part before carries, which a late read may still deliver.
    """

    open: Open | None
    before: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Prepared:
    status: MarkerStatus
    sequence: int | None


@dataclass(frozen=True)
class Saw:
    """A whole reader session: every content seen, none if nothing was."""

    contents: tuple[str, ...]


@dataclass(frozen=True)
class Committed:
    seq: int
    marks: tuple[Mark, ...]
    sequence: int | None


@dataclass(frozen=True)
class NotPermitted:
    note: Note


@dataclass(frozen=True)
class Done:
    """The effect was carried out and has nothing to tell."""


@dataclass(frozen=True)
class Refused:
    """The device declined, which its manual defines as *nothing was started*."""

    note: Note


@dataclass(frozen=True)
class Failed:
    """The effect failed, and nothing else is known."""

    note: Note


@dataclass(frozen=True)
class Ended:
    outcome: Outcome


@dataclass(frozen=True)
class Inspected:
    status: MarkerStatus


@dataclass(frozen=True)
class Disarmed:
    proof: Outcome | None


@dataclass(frozen=True)
class ReadAgain:
    """A person asks for another read."""


@dataclass(frozen=True)
class Judged:
    """A person's eye: legible or not."""

    legible: bool


@dataclass(frozen=True)
class Acknowledged:
    """The part that was rejected lies where rejected parts lie."""


@dataclass(frozen=True)
class Decided:
    """Two named people have settled the open number; the decision is journalled."""

    how: str


Event: TypeAlias = (
    Begin
    | Recover
    | Prepared
    | Saw
    | Committed
    | NotPermitted
    | Done
    | Refused
    | Failed
    | Ended
    | Inspected
    | Disarmed
    | ReadAgain
    | Judged
    | Acknowledged
    | Decided
)
