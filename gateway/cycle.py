"""The marking cycle: a pure state machine, (state, event) → (state, effect). No I/O, no clock.

    prepare → look → intent → guard → arm → fire → outcome → disarm → read → settle

One effect is under way at a time; what came of it is the next event. The order of the effects
is the promise: the intent is journalled and the guard written before the first byte that
carries a number enters a device; from then on the device is ARMED and nothing but a definite
word of the device, a matching read or two people says what became of the part. A result is
journalled before the device may forget it; *not started* is said only when nothing can fire
any more. Recovery after a stop is a start state of the same machine.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal, TypeAlias

from drivers.protocols import Activity, Did, MarkerStatus, Outcome
from gateway.contract.record import Mark

READ_TRIES = 3
"""Reads of one part before it counts as unreadable; a late read of the part before counts too."""
DISARM_TRIES = 4
"""Unconfirmed disarms before the screen sends a person to the device's key."""
INSPECT_TRIES = 300
"""Inspections of a device that says it is marking, before it is disarmed all the same."""

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

Step: TypeAlias = tuple[Cycle, Effect | None]


class Unexpected(Exception):
    """An event that cannot come in this phase: the caller is at fault, nothing has changed."""


def step(state: Cycle, event: Event) -> Step:
    """One step of the machine; raises `Unexpected` for an event that the phase does not know."""
    match state.phase, event:
        case Phase.IDLE, Recover(open=found, before=before):
            # Even with nothing open, a device may have been left armed by a number that was
            # refused; so every start disarms before anything else.
            after = Cycle(open=found, before=before, recovering=True)
            if found is not None and found.outcome is None:
                return _inspect(after)
            return _disarm(after)
        case Phase.IDLE, Begin(job=job):
            fresh = Cycle(phase=Phase.PREPARING, job=job, before=state.before)
            return fresh, Prepare(job.job)
        case Phase.PREPARING, Prepared(sequence=sequence):
            assert state.job is not None
            after = replace(state, sequence=sequence)
            if state.job.look:
                return replace(after, phase=Phase.LOOKING), Look()
            return _commit(after)
        case Phase.LOOKING, Saw(contents=contents):
            return _looked(state, contents)
        case Phase.COMMITTING, Committed(seq=seq, marks=marks, sequence=sequence):
            assert state.job is not None
            opened = Open(seq, marks, sequence, eye=state.job.eye)
            return replace(state, phase=Phase.GUARDING, open=opened), WriteGuard()
        case Phase.COMMITTING, Done():
            # A trial has no number to journal: it is armed at once.
            return replace(state, phase=Phase.ARMING), Arm((), state.sequence)
        case Phase.GUARDING, Done():
            assert state.open is not None
            return replace(state, phase=Phase.ARMING), Arm(state.open.marks, state.open.sequence)
        case Phase.GUARDING, Failed(note=note):
            # No byte has been sent; the number is spent and voided, once nothing can fire.
            heard = Outcome(Did.NOT_STARTED, note.code)
            return _disarm(replace(state, heard=heard, note=note))
        case Phase.ARMING, Done():
            assert state.job is not None
            if state.job.by_input:
                return replace(state, phase=Phase.WAITING), AwaitOutcome(by_input=True)
            return replace(state, phase=Phase.FIRING), Fire()
        case Phase.FIRING, Done():
            return replace(state, phase=Phase.WAITING), AwaitOutcome(by_input=False)
        case Phase.ARMING, Refused(note=note):
            heard = Outcome(Did.NOT_STARTED, note.code)
            return _disarm(replace(state, heard=heard, note=note))
        case Phase.FIRING, Refused(note=note):
            # Our trigger started nothing, but until the disarm the device's own input may.
            heard = Outcome(Did.UNKNOWN, note.code)
            return _disarm(replace(state, heard=heard, note=note))
        case ((Phase.ARMING | Phase.FIRING | Phase.WAITING), Failed(note=note)) | (
            Phase.WAITING,
            Refused(note=note),
        ):
            heard = Outcome(Did.UNKNOWN, note.code)
            return _inspect(replace(state, heard=heard, note=note))
        case Phase.WAITING, Ended(outcome=outcome):
            return _ended(state, outcome)
        case Phase.INSPECTING, Inspected(status=status):
            return _inspected(state, status)
        case Phase.INSPECTING, (Failed() | Refused()):
            return _disarm(replace(state, heard=state.heard or _restarted()))
        case Phase.RECORDING, Done():
            return _recorded(state)
        case ((Phase.DISARMING | Phase.SWITCH_OFF), Disarmed(proof=proof)):
            return _disarmed(state, proof)
        case ((Phase.DISARMING | Phase.SWITCH_OFF), (Failed(note=note) | Refused(note=note))):
            return _disarm_again(state, note)
        case Phase.READING, Saw(contents=contents):
            return _read(state, contents)
        case Phase.READING, (Failed(note=note) | Refused(note=note)):
            if state.tries + 1 < READ_TRIES:
                tries = state.tries + 1
                return replace(state, tries=tries), Read(tries)
            return replace(state, phase=Phase.READ_BLOCKED, note=note), None
        case Phase.VERIFYING, Done():
            return _verified(state)
        case Phase.JUDGING, Judged(legible=legible):
            return _record_verdict(state, "good" if legible else "unreadable", None, "eye")
        case ((Phase.READ_BLOCKED | Phase.SET_ASIDE | Phase.UNKNOWN), ReadAgain()):
            if state.open is None or state.open.eye:
                raise Unexpected(f"{state.phase.value}: there is no reader to read with")
            # What a reader says counts only after a disarm in the same breath.
            opened = replace(state.open, rejected="")
            return _disarm(replace(state, open=opened, heard=None))
        case Phase.SET_ASIDE, Acknowledged():
            return _finish(state, None)
        case ((Phase.UNKNOWN | Phase.READ_BLOCKED | Phase.SET_ASIDE), Decided(how=how)):
            return _finish(state, Note("settled", (("how", how),)))
        case ((Phase.PREPARING | Phase.LOOKING), (Failed(note=note) | Refused(note=note))):
            return _stop(state, note)
        case Phase.COMMITTING, (NotPermitted(note=note) | Failed(note=note)):
            return _stop(state, note)
    raise Unexpected(f"{type(event).__name__} cannot come while {state.phase.value}")


def _restarted() -> Outcome:
    return Outcome(Did.UNKNOWN, "restarted")


def _stop(state: Cycle, note: Note) -> Step:
    """End a cycle that has spent nothing."""
    return Cycle(before=state.before, note=note), None


def _commit(state: Cycle) -> Step:
    assert state.job is not None
    return (
        replace(state, phase=Phase.COMMITTING, tries=0),
        CommitIntent(state.job, state.sequence),
    )


def _looked(state: Cycle, contents: tuple[str, ...]) -> Step:
    """A blank part goes on; one that carries a code is never marked over."""
    assert state.job is not None
    foreign = [content for content in contents if content not in state.job.expect]
    if not foreign:
        return _commit(state)
    if all(content in state.before for content in foreign):
        if state.tries + 1 < READ_TRIES:  # the reader may have been late
            return replace(state, tries=state.tries + 1), Look()
        return _stop(state, Note("part-before-still-here"))
    return _stop(state, Note("already-marked", (("content", foreign[0]),)))


def _ended(state: Cycle, outcome: Outcome) -> Step:
    if outcome.did is Did.DONE:
        return _record(replace(state, heard=outcome))
    # A shot that had not started when this was said may start until the disarm, which proves it.
    heard = Outcome(Did.UNKNOWN, outcome.cause, outcome.echo)
    after = replace(state, heard=heard, note=Note(outcome.cause or outcome.did.value))
    return _disarm(after) if outcome.did is Did.NOT_STARTED else _inspect(after)


def _inspect(state: Cycle) -> Step:
    return replace(state, phase=Phase.INSPECTING, tries=0), Inspect()


def _inspected(state: Cycle, status: MarkerStatus) -> Step:
    """What the device still knows of this very shot counts; what it knows of another does not."""
    heard = state.heard or _restarted()
    sequence = state.open.sequence if state.open else state.sequence
    if status.activity is Activity.MARKING and state.tries + 1 < INSPECT_TRIES:
        return replace(state, heard=heard, tries=state.tries + 1), Inspect()
    proven = status.last
    if (
        proven is not None
        and proven.did is Did.DONE
        and sequence is not None
        and status.sequence == sequence
    ):
        return _record(replace(state, heard=proven))
    return _disarm(replace(state, heard=heard))


def _record(state: Cycle) -> Step:
    """Journal the outcome."""
    assert state.heard is not None
    if state.open is None:
        return replace(state, phase=Phase.RECORDING), RecordTrial(state.heard)
    positions = tuple(mark.position for mark in state.open.marks)
    latches = state.open.eye and state.heard.did is Did.UNKNOWN
    effect = RecordMarked(state.open.seq, positions, state.heard, latches)
    return replace(state, phase=Phase.RECORDING), effect


def _recorded(state: Cycle) -> Step:
    heard = state.heard
    assert heard is not None
    opened = replace(state.open, outcome=heard) if state.open else None
    after = replace(state, open=opened)
    if heard.did is Did.DONE:
        return _disarm(replace(after, note=None))
    # Anything else was journalled after the disarm.
    return _after_disarm(after)


def _disarm(state: Cycle) -> Step:
    sequence = state.open.sequence if state.open else state.sequence
    return replace(state, phase=Phase.DISARMING, tries=0), Disarm(sequence, 0)


def _disarm_again(state: Cycle, note: Note) -> Step:
    """Keep trying: a device that was switched off by its key answers when it is on again."""
    tries = state.tries + 1
    phase = Phase.SWITCH_OFF if tries >= DISARM_TRIES else state.phase
    sequence = state.open.sequence if state.open else state.sequence
    shown = state.note
    if phase is Phase.SWITCH_OFF:
        # With no number under way nothing is at stake: the device is just not there yet.
        code = "switch-off" if state.open else "marker-silent"
        shown = Note(code, (("cause", note.code),))
    return replace(state, phase=phase, tries=tries, note=shown), Disarm(sequence, tries)


def _disarmed(state: Cycle, proof: Outcome | None) -> Step:
    after = replace(state, tries=0)
    if state.open is not None and state.open.outcome is None:
        return _record(replace(after, heard=_weigh(state.heard, proof)))
    if state.open is None and state.job is not None and state.job.trial and not state.recovering:
        if state.heard is not None and state.heard.did is not Did.DONE:
            return _record(replace(after, heard=_weigh(state.heard, proof), job=state.job))
        return _finish(after, Note("trial-done"))
    return _after_disarm(after)


def _weigh(heard: Outcome | None, proof: Outcome | None) -> Outcome:
    """The outcome, from what was heard before the disarm and what the device then proves."""
    if proof is not None and proof.did is not Did.UNKNOWN:
        return proof
    return heard or _restarted()


def _after_disarm(state: Cycle) -> Step:
    """Nothing can fire any more, and the outcome is journalled."""
    opened = state.open
    if opened is None:
        if state.job is not None and state.job.trial:
            return _finish(state, Note("trial-not-done"))
        return _finish(state, None)
    outcome = opened.outcome
    assert outcome is not None
    if outcome.did is Did.NOT_STARTED:
        return _finish(state, Note("not-started", (("cause", outcome.cause),)))
    if opened.rejected:
        # Judged before a restart; it still lies there, and may look blank to the reader.
        note = Note(opened.rejected, (("content", ""),))
        return replace(state, phase=Phase.SET_ASIDE, note=note), None
    if opened.eye:
        if outcome.did is Did.UNKNOWN:
            # An eye sees a mark, but not whose it is: only the two people's word settles it.
            return replace(state, phase=Phase.UNKNOWN, note=Note("unknown-outcome")), None
        return replace(state, phase=Phase.JUDGING), None
    return replace(state, phase=Phase.READING, tries=0, seen=()), Read(0)


def _read(state: Cycle, contents: tuple[str, ...]) -> Step:
    assert state.open is not None
    expected = {mark.content for mark in state.open.marks}
    expect = state.job.expect if state.job else frozenset()
    met = [content for content in contents if content not in expect]
    late = [content for content in met if content in state.before and content not in expected]
    if not met or late:
        if state.tries + 1 < READ_TRIES:
            return replace(state, tries=state.tries + 1), Read(state.tries + 1)
        if not met:
            return _record_verdict(state, "unreadable", None, "device")
        return _record_verdict(state, "mismatch", late[0], "device")
    strangers = [content for content in met if content not in expected]
    if strangers:
        return _record_verdict(state, "mismatch", strangers[0], "device")
    return _record_verdict(state, "good", met[0], "device")


def _record_verdict(
    state: Cycle, verdict: Verdict, content: str | None, entry: Literal["device", "eye"]
) -> Step:
    opened = state.open
    assert opened is not None
    assert opened.outcome is not None
    unknown = opened.outcome.did is Did.UNKNOWN
    effect = RecordVerified(
        intent=opened.seq,
        position=opened.marks[0].position,
        verdict=verdict,
        content=content,
        entry=entry,
        resolves=unknown and verdict == "good",
        latches=unknown and verdict != "good",
    )
    seen = (content,) if content is not None else ()
    note = Note("good") if verdict == "good" else Note(verdict, (("content", content or ""),))
    return replace(state, phase=Phase.VERIFYING, seen=seen, note=note), effect


def _verified(state: Cycle) -> Step:
    assert state.open is not None
    assert state.open.outcome is not None
    if state.note is not None and state.note.code == "good":
        return _finish(state, state.note)
    if state.open.outcome.did is Did.UNKNOWN:
        return replace(state, phase=Phase.UNKNOWN, note=Note("unknown-outcome")), None
    return replace(state, phase=Phase.SET_ASIDE), None


def _finish(state: Cycle, note: Note | None) -> Step:
    """Back to idle; what was on this part is what a late read may still deliver."""
    before = state.before
    blank = state.open and state.open.outcome and state.open.outcome.did is Did.NOT_STARTED
    if state.open is not None and not blank:
        before = frozenset(mark.content for mark in state.open.marks)
    return Cycle(before=before, note=note), None
