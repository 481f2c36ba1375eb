"""The marking cycle: a pure state machine, (state, event) → (state, effect). No I/O, no clock.

    prepare → look → intent → guard → arm → fire → outcome → disarm → read → settle

One effect is under way at a time; what came of it is the next event. The order of the effects
is the promise: the intent is journalled and the guard written before the first byte that
carries a number enters a device; from then on the device is ARMED and nothing but a definite
word of the device, a matching read or two people says what became of the part. A result is
journalled before the device may forget it; *not started* is said only when nothing can fire
any more. Recovery after a stop is a start state of the same machine.
"""

from dataclasses import replace
from typing import Literal, TypeAlias

from drivers.protocols import Activity, Did, MarkerStatus, Outcome
from gateway.moves import (
    Acknowledged,
    Arm,
    AwaitOutcome,
    Begin,
    CommitIntent,
    Committed,
    Cycle,
    Decided,
    Disarm,
    Disarmed,
    Done,
    Effect,
    Ended,
    Event,
    Failed,
    Fire,
    Inspect,
    Inspected,
    Judged,
    Look,
    Note,
    NotPermitted,
    Open,
    Phase,
    Prepare,
    Prepared,
    Read,
    ReadAgain,
    RecordMarked,
    RecordTrial,
    RecordVerified,
    Recover,
    Refused,
    Saw,
    Verdict,
    WriteGuard,
)

READ_TRIES = 3
"""Reads of one part before it counts as unreadable; a late read of the part before counts too."""
DISARM_TRIES = 4
"""Unconfirmed disarms before the screen sends a person to the device's key."""
INSPECT_TRIES = 300
"""Inspections of a device that says it is marking, before it is disarmed all the same."""

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
