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

from drivers.protocols import Activity, Did, MarkerStatus, Outcome
from gateway import verdicts
from gateway.moves import (
    Acknowledged,
    Arm,
    AwaitOutcome,
    Begin,
    Check,
    CheckPart,
    CommitIntent,
    Committed,
    Cycle,
    Decided,
    Disarm,
    Disarmed,
    Done,
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
    Recorded,
    RecordMarked,
    RecordSeen,
    RecordTrial,
    Recover,
    Refused,
    Saw,
    Seen,
    Told,
    Typed,
    WriteGuard,
    remembered,
)
from gateway.verdicts import READ_TRIES, Step, Unexpected, finish, told

DISARM_TRIES = 4
"""Unconfirmed disarms before the screen sends a person to the device's key."""
INSPECT_TRIES = 300
"""Inspections of a device that says it is marking, before it is disarmed all the same."""


def step(state: Cycle, event: Event) -> Step:
    """One step of the machine; raises `Unexpected` for an event that the phase does not know."""
    match state.phase, event:
        case Phase.IDLE, Recover(open=found, before=before, proof=proof):
            return _recover(found, before, proof)
        case Phase.IDLE, Begin(job=job):
            fresh = Cycle(phase=Phase.PREPARING, job=job, before=state.before)
            return fresh, Prepare(job.job)
        case Phase.IDLE, CheckPart(typed=typed):
            after = Cycle(phase=Phase.CHECKING, before=state.before)
            if typed is not None:
                return after, RecordSeen((Seen(1, typed),), "keyed")
            return after, Check()
        case Phase.CHECKING, Saw(seen=seen):
            before = remembered(state.before, (each.content for each in seen))
            return replace(state, before=before), RecordSeen(seen, "device")
        case Phase.CHECKING, (Told(note=note) | Failed(note=note) | Refused(note=note)):
            return _stop(state, note)
        case Phase.PREPARING, Prepared(sequence=sequence):
            assert state.job is not None
            after = replace(state, sequence=sequence)
            if state.job.look:
                return replace(after, phase=Phase.LOOKING), Look()
            return _commit(after)
        case Phase.LOOKING, Saw(seen=seen):
            return _looked(state, seen)
        case Phase.COMMITTING, Committed(seq=seq, marks=marks, sequence=sequence):
            assert state.job is not None
            opened = Open(
                seq,
                marks,
                sequence,
                eye=state.job.eye,
                blind=state.job.eye or not state.job.look,
                expect=state.job.expect,
            )
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
        case Phase.RECORDING, Recorded(due=due):
            return _recorded(state, due)
        case Phase.RECORDING, Done():
            return _trial_recorded(state)
        case ((Phase.DISARMING | Phase.SWITCH_OFF), Disarmed(proof=proof)):
            return _disarmed(state, proof)
        case ((Phase.DISARMING | Phase.SWITCH_OFF), (Failed(note=note) | Refused(note=note))):
            return _disarm_again(state, note)
        case Phase.READING, Saw(seen=seen):
            return verdicts.read(state, seen)
        case Phase.READING, (Failed(note=note) | Refused(note=note)):
            if state.tries + 1 < READ_TRIES:
                return verdicts.read_again(state)
            return replace(state, phase=Phase.READ_BLOCKED, note=note), None
        case Phase.VERIFYING, Done():
            return verdicts.verified(state)
        case Phase.JUDGING, Judged(illegible=illegible):
            return verdicts.judged(state, illegible)
        case ((Phase.READ_BLOCKED | Phase.SET_ASIDE), Typed(seen=seen)):
            return verdicts.typed(state, seen)
        case ((Phase.READ_BLOCKED | Phase.SET_ASIDE | Phase.UNKNOWN), ReadAgain()):
            if state.open is None or state.open.blind:
                raise Unexpected(f"{state.phase.value}: there is no reader to read with")
            # What a reader says counts only after a disarm in the same breath.
            opened = replace(state.open, rejected=())
            return _disarm(replace(state, open=opened, heard=None, read=()))
        case Phase.SET_ASIDE, Acknowledged():
            return finish(state, None)
        case (
            (Phase.UNKNOWN | Phase.READ_BLOCKED | Phase.SET_ASIDE | Phase.JUDGING),
            Decided(how=how, positions=positions),
        ):
            return verdicts.decided(state, how, positions)
        case ((Phase.PREPARING | Phase.LOOKING), (Failed(note=note) | Refused(note=note))):
            return _stop(state, note)
        case Phase.COMMITTING, (NotPermitted(note=note) | Failed(note=note)):
            return _stop(state, note)
    raise Unexpected(f"{type(event).__name__} cannot come while {state.phase.value}")


def _recover(found: Open | None, before: frozenset[str], proof: Outcome | None) -> Step:
    """The first step after a start.

    Even with nothing open, a device may have been left armed by a number that was refused; so
    every start disarms before anything else.
    """
    after = Cycle(open=found, before=before, recovering=True)
    if found is None:
        return _disarm(after)
    if found.outcome is None:
        return _inspect(replace(after, heard=proof))
    if found.unjudged:  # whatever was read of the others, all are read once more
        after = replace(after, open=replace(found, rejected=()))
    return _disarm(after)


def _restarted() -> Outcome:
    return Outcome(Did.UNKNOWN, "restarted")


def _stop(state: Cycle, note: Note) -> Step:
    """End a cycle that has spent nothing."""
    return Cycle(before=state.before, note=note), None


def _commit(state: Cycle) -> Step:
    assert state.job is not None
    return (
        replace(state, phase=Phase.COMMITTING, tries=0, note=None),
        CommitIntent(state.job, state.sequence),
    )


def _looked(state: Cycle, seen: tuple[Seen, ...]) -> Step:
    """A blank part goes on; one that carries a code is never marked over."""
    job = state.job
    assert job is not None
    foreign = [
        each.content
        for each in seen
        if each.position in job.positions and each.content not in job.expect and each not in job.own
    ]
    if not foreign:
        return _commit(state)
    if all(content in state.before for content in foreign):
        if job.waits:
            return replace(state, note=Note("take-away")), Look(waiting=True)
        if state.tries + 1 < READ_TRIES:  # the reader may have been late
            return replace(state, tries=state.tries + 1), Look()
        return _stop(state, Note("part-before-still-here"))
    fresh = next(content for content in foreign if content not in state.before)
    return _stop(state, Note("already-marked", (("content", fresh),)))


def _ended(state: Cycle, outcome: Outcome) -> Step:
    if _is_done(state, outcome):
        return _record(replace(state, heard=outcome))
    # A shot that had not started when this was said may start until the disarm, which proves it.
    done = tuple(place for place in outcome.places if place[1] is Did.DONE)
    heard = Outcome(Did.UNKNOWN, outcome.cause, outcome.echo, done)
    after = replace(state, heard=heard, note=Note(outcome.cause or outcome.did.value))
    return _disarm(after) if outcome.did is Did.NOT_STARTED else _inspect(after)


def _is_done(state: Cycle, outcome: Outcome) -> bool:
    """Every position that was asked for is done: nothing is left that may still happen."""
    if state.open is None:
        return outcome.did is Did.DONE
    return all(outcome.at(mark.position) is Did.DONE for mark in state.open.marks)


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
        and _is_done(state, proven)
        and sequence is not None
        and status.sequence == sequence
    ):
        return _record(replace(state, heard=proven))
    return _disarm(replace(state, heard=heard))


def _record(state: Cycle) -> Step:
    """Journal the outcome."""
    heard = state.heard
    assert heard is not None
    if state.open is None:
        return replace(state, phase=Phase.RECORDING), RecordTrial(heard)
    positions = tuple(mark.position for mark in state.open.marks)
    latches = state.open.blind and any(heard.at(at) is Did.UNKNOWN for at in positions)
    effect = RecordMarked(state.open.seq, positions, heard, latches)
    return replace(state, phase=Phase.RECORDING), effect


def _recorded(state: Cycle, due: frozenset[int]) -> Step:
    heard = state.heard
    assert heard is not None
    assert state.open is not None
    after = replace(state, open=replace(state.open, outcome=heard, due=due))
    if _is_done(state, heard):
        return _disarm(replace(after, note=None))
    # Anything else was journalled after the disarm.
    return _after_disarm(after)


def _trial_recorded(state: Cycle) -> Step:
    assert state.heard is not None
    if state.heard.did is Did.DONE:
        return _disarm(replace(state, note=None))
    return _after_disarm(state)


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
        return finish(after, Note("trial-done"))
    return _after_disarm(after)


def _weigh(heard: Outcome | None, proof: Outcome | None) -> Outcome:
    """The outcome, from what was heard before the disarm and what the device then proves.

    A place that was said to be done stays so: no later word blanks the metal.
    """
    if heard is None:
        heard = _restarted()
    if proof is None or (proof.did is Did.UNKNOWN and not proof.places):
        return heard
    done = dict.fromkeys((at for at, did in heard.places if did is Did.DONE), Did.DONE)
    return replace(proof, places=tuple((dict(proof.places) | done).items())) if done else proof


def _after_disarm(state: Cycle) -> Step:
    """Nothing can fire any more, and the outcome is journalled."""
    opened = state.open
    if opened is None:
        if state.job is not None and state.job.trial:
            return finish(state, Note("trial-not-done"))
        return finish(state, None)
    outcome = opened.outcome
    assert outcome is not None
    if all(outcome.at(mark.position) is Did.NOT_STARTED for mark in opened.marks):
        return finish(state, Note("not-started", (("cause", outcome.cause),)))
    if not opened.due:
        return finish(state, Note("marked"))
    if opened.rejected and not opened.unjudged:
        # Judged before a restart; it still lies there, and may look blank to the reader.
        return replace(state, phase=Phase.SET_ASIDE, note=told(opened.rejected)), None
    if opened.blind and opened.unknown:
        # An eye sees a mark, but not whose it is: only the two people's word settles it.
        return replace(state, phase=Phase.UNKNOWN, note=Note("unknown-outcome")), None
    if opened.eye:
        return replace(state, phase=Phase.JUDGING), None
    after = replace(state, phase=Phase.READING, tries=0, read=())
    return after, Read(0, opened.due)
