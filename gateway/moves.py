"""The vocabulary of the marking cycle: its phases, its state, its effects and its events.

An effect is what the station has to carry out; an event is what came of it, or what a person
asks for. `cycle` says which follows which.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from drivers.protocols import Did, MarkerStatus, Outcome
from gateway.contract.record import Mark

Start: TypeAlias = Literal["operator", "plc"]
Verdict: TypeAlias = Literal["good", "unreadable", "mismatch"]
Entry: TypeAlias = Literal["device", "keyed", "eye"]


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
    CHECKING = "checking"
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
class Seen:
    """A code that the reader of one position saw there."""

    position: int
    content: str


@dataclass(frozen=True)
class PlaceVerdict:
    """What a read, or an eye, says of one position."""

    position: int
    verdict: Verdict
    content: str | None = None


@dataclass(frozen=True)
class Job:
    """What a cycle is to do; the numbers are chosen when the intent is journalled."""

    order: str
    job: str
    component: str = ""
    positions: tuple[int, ...] = (1,)
    """The places of the tray that are to be marked."""
    quantity: int | None = None
    """How many pieces each package holds, where it is not what the order says."""
    start: Start = "operator"
    by_input: bool = False
    """The device's own input (pedal, PLC) fires; else the gateway triggers."""
    look: bool = True
    waits: bool = False
    """The look waits while the part before still lies there: nobody presses a button."""
    eye: bool = False
    """A person judges in place of a reader, for the reason that the order gives."""
    trial: bool = False
    """A shot of fixed test text, for focus and power: it burns no number."""
    expect: frozenset[str] = frozenset()
    """Other codes that a part may already carry."""
    own: frozenset[Seen] = frozenset()
    """What two people allowed to be marked again: each such part may carry its own number."""


@dataclass(frozen=True)
class Open:
    """The intent whose marks have not all come to an end."""

    seq: int
    marks: tuple[Mark, ...]
    sequence: int | None
    outcome: Outcome | None = None
    """What `marked` says, once it is journalled; None before."""
    due: frozenset[int] = frozenset()
    """The positions that wait for a read, a judgement or a decision; known with the outcome."""
    rejected: tuple[PlaceVerdict, ...] = ()
    """Bad verdicts that are journalled: those parts wait to be set aside."""
    eye: bool = False
    blind: bool = False
    """There is no reader: only people can say what became of an unknown outcome."""
    expect: frozenset[str] = frozenset()
    """Other codes that a part may carry."""

    @property
    def unknown(self) -> frozenset[int]:
        """The positions of which nobody knows yet whether they were marked."""
        outcome = self.outcome
        if outcome is None:
            return frozenset()
        return frozenset(at for at in self.due if outcome.at(at) is Did.UNKNOWN)

    @property
    def unjudged(self) -> frozenset[int]:
        """The positions that are due and have no bad verdict either."""
        return self.due - {each.position for each in self.rejected}


MOST_BEFORE = 1000
"""Contents that are remembered of parts before: as many as a tray has places."""


def remembered(before: frozenset[str], seen: Iterable[str]) -> frozenset[str]:
    """Add what was read to what a late read may still deliver.

    A reading post marks nothing, so nothing begins the set anew there: a set that has grown long
    holds only what was read last. Otherwise each read would copy all codes that were ever read.
    """
    return frozenset(seen) | (before if len(before) < MOST_BEFORE else frozenset())


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
    """The contents on the parts before, which a late read may still deliver."""
    read: tuple[PlaceVerdict, ...] = ()
    """Good reads of the positions under way; those that are missing are read again."""
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
    """One whole session of every reader before firing; `waiting` for the part before to go."""

    waiting: bool = False


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
    """What became of the shot, answered by `Recorded`; `latches` when no reading can settle it."""

    intent: int
    positions: tuple[int, ...]
    outcome: Outcome
    latches: bool = False


@dataclass(frozen=True)
class RecordTrial:
    outcome: Outcome


@dataclass(frozen=True)
class Read:
    """One whole session, after disarming, of the readers at these positions."""

    attempt: int
    positions: frozenset[int]


@dataclass(frozen=True)
class RecordVerified:
    """What was read at each position, in one commit.

    `resolved`: positions whose unknown outcome a matching read settles. `latches`: an unknown
    outcome is left, which latches the station; otherwise a latch that stands is lifted.
    """

    intent: int
    verdicts: tuple[PlaceVerdict, ...]
    entry: Entry
    resolved: frozenset[int] = frozenset()
    latches: bool = False


@dataclass(frozen=True)
class Check:
    """One whole session of every reader on parts that no cycle has under way."""


@dataclass(frozen=True)
class RecordSeen:
    """What was seen on such parts: verdicts of the marks that it names. Answered by `Told`."""

    seen: tuple[Seen, ...]
    entry: Entry


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
    | Check
    | RecordSeen
)

# -- events


@dataclass(frozen=True)
class Begin:
    job: Job


@dataclass(frozen=True)
class Recover:
    """The process has started; the journal may hold an open intent of this station, or the last
    part may wait to be set aside.

    `before` is what the part before carries, which a late read may still deliver. `proof` is what
    the device proved of the open intent when it was disarmed before the journal was read.
    """

    open: Open | None
    before: frozenset[str] = frozenset()
    proof: Outcome | None = None


@dataclass(frozen=True)
class Prepared:
    status: MarkerStatus
    sequence: int | None


@dataclass(frozen=True)
class Saw:
    """A whole session: every code seen, at its position; none if nothing was."""

    seen: tuple[Seen, ...]


@dataclass(frozen=True)
class Committed:
    seq: int
    marks: tuple[Mark, ...]
    sequence: int | None


@dataclass(frozen=True)
class Recorded:
    """The outcome is journalled; `due` are the positions to be read or judged here."""

    due: frozenset[int]


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
    """A person's eye: the positions that are not legible."""

    illegible: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Typed:
    """What a person, or a keyboard wedge, says that the symbol at a position says."""

    seen: Seen


@dataclass(frozen=True)
class CheckPart:
    """A person asks for parts to be read back; with `typed`, says what their symbol says."""

    typed: str | None = None


@dataclass(frozen=True)
class Told:
    """What came of a read outside a cycle."""

    note: Note


@dataclass(frozen=True)
class Acknowledged:
    """The parts that were rejected lie where rejected parts lie."""


@dataclass(frozen=True)
class Decided:
    """Two named people have settled these positions; the decision is journalled."""

    how: str
    positions: frozenset[int]


Event: TypeAlias = (
    Begin
    | Recover
    | Prepared
    | Saw
    | Committed
    | Recorded
    | NotPermitted
    | Done
    | Refused
    | Failed
    | Ended
    | Inspected
    | Disarmed
    | ReadAgain
    | Judged
    | Typed
    | CheckPart
    | Told
    | Acknowledged
    | Decided
)
