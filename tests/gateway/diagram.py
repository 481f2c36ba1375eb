"""The states and transitions of the marking cycle, walked in the code, as a Mermaid diagram.

python -m tests.gateway.diagram              prints it
python -m tests.gateway.diagram --write      puts it into docs/reliability.md

One mark goes through the machine, with everything that may come of each effect and everything that
a person may ask for.
"""

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from drivers.protocols import Activity, Did, MarkerStatus, Outcome
from gateway.cycle import step
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
    Effect,
    Ended,
    Event,
    Failed,
    Fire,
    Inspect,
    Inspected,
    Job,
    Judged,
    Look,
    Note,
    NotPermitted,
    Open,
    Phase,
    PlaceVerdict,
    Prepare,
    Prepared,
    Read,
    ReadAgain,
    Recorded,
    RecordMarked,
    RecordSeen,
    RecordTrial,
    RecordVerified,
    Recover,
    Refused,
    Saw,
    Seen,
    Told,
    Typed,
    WriteGuard,
)
from gateway.verdicts import Unexpected
from tests.gateway.records import content, mark

Named: TypeAlias = tuple[str, Event]
"""What happened, in words."""
Transition: TypeAlias = tuple[Phase, str, Phase]

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN = "<!-- cycle: written by `python -m tests.gateway.diagram --write` -->"
END = "<!-- end of cycle -->"

MARK = mark(5)
OWN, STRANGER, BEFORE = content(5), content(6), content(4)
WHY = Note("why")
MANY = 5
"""Tries that are told apart; more are all alike to the machine."""
NUMBER = 7
"""The device's command number of the shot."""
DONE, NOT_STARTED, UNKNOWN = (Outcome(did) for did in Did)
JOBS = {
    "an operator begins": Job("o1", "1"),
    "a run goes on": Job("o1", "1", by_input=True, waits=True),
    "an operator begins, eye": Job("o1", "1", look=False, eye=True),
    "a trial begins": Job("o1", "1", trial=True),
}


def saw(*contents: str) -> Saw:
    return Saw(tuple(Seen(1, each) for each in contents))


def opened(outcome: Outcome | None, **more: object) -> Open:
    due = frozenset() if outcome is None or outcome.did is Did.NOT_STARTED else frozenset({1})
    return replace(Open(1, (MARK,), NUMBER, outcome, due), **more)  # type: ignore[arg-type]


STARTS: list[Named] = [
    ("starts", Recover(None)),
    ("starts, an intent is open", Recover(opened(None))),
    ("starts, marked and not read", Recover(opened(DONE))),
    ("starts, unknown and not settled", Recover(opened(UNKNOWN))),
    ("starts, marked and not judged", Recover(opened(DONE, eye=True, blind=True))),
    (
        "starts, a bad part is not set aside",
        Recover(opened(DONE, rejected=(PlaceVerdict(1, "unreadable"),))),
    ),
]
FAILED: Named = ("fails", Failed(WHY))
REFUSED: Named = ("refused", Refused(WHY))


def answers(state: Cycle, effect: Effect) -> list[Named]:
    """All that may come of an effect."""
    match effect:
        case Prepare():
            status = MarkerStatus(Activity.READY)
            return [("ready", Prepared(status, NUMBER)), FAILED, REFUSED]
        case Look():
            looks = [("blank", saw()), ("another code", saw(STRANGER))]
            return [*looks, ("the part before", saw(BEFORE)), FAILED, REFUSED]
        case CommitIntent():
            if state.job is not None and state.job.trial:
                return [("a trial", Done())]
            committed = Committed(1, (MARK,), NUMBER)
            return [
                ("the intent is journalled", committed),
                ("not permitted", NotPermitted(WHY)),
                FAILED,
            ]
        case WriteGuard():
            return [("the guard is written", Done()), FAILED]
        case Arm():
            return [("armed", Done()), REFUSED, FAILED]
        case Fire():
            return [("fired", Done()), REFUSED, FAILED]
        case AwaitOutcome():
            ends = [("done", DONE), ("unknown", UNKNOWN), ("not started", NOT_STARTED)]
            return [*((name, Ended(end)) for name, end in ends), REFUSED, FAILED]
        case Inspect():
            busy = Inspected(MarkerStatus(Activity.MARKING))
            proven = Inspected(MarkerStatus(Activity.READY, "", NUMBER, DONE))
            told: list[Named] = [
                ("it keeps our result: done", proven),
                ("nothing is proved", Inspected(MarkerStatus(Activity.READY))),
                FAILED,
                REFUSED,
            ]
            return told if state.tries else [("it is marking", busy), *told]
        case RecordMarked():
            due = frozenset({1}) if effect.outcome.did is not Did.NOT_STARTED else frozenset()
            recorded = [("journalled", Recorded(due))]
            if effect.outcome.did is Did.DONE:
                recorded.append(("journalled, not to be read here", Recorded(frozenset())))
            return [*recorded]
        case RecordTrial():
            return [("journalled", Done())]
        case Disarm():
            proofs = [("disarmed", None), ("disarmed: done", DONE)]
            proofs.append(("disarmed: not started", NOT_STARTED))
            return [*((name, Disarmed(proof)) for name, proof in proofs), FAILED, REFUSED]
        case Read():
            reads = [
                ("its own code", saw(OWN)),
                ("nothing", saw()),
                ("another code", saw(STRANGER)),
            ]
            return [*reads, ("the part before", saw(BEFORE)), FAILED, REFUSED]
        case RecordVerified():
            return [("journalled", Done())]
        case Check():
            return [("seen", saw(OWN)), FAILED, REFUSED]
        case RecordSeen():
            return [("journalled", Told(WHY))]


def wishes(state: Cycle) -> Iterator[Named]:
    """All that a person, or the start of the process, may ask for."""
    for name, job in JOBS.items():
        yield name, Begin(job)
    yield "a part is read back", CheckPart()
    yield "a code is typed in", CheckPart(OWN)
    yield "legible", Judged()
    yield "illegible", Judged(frozenset({1}))
    yield "read again", ReadAgain()
    yield "typed in", Typed(Seen(1, OWN))
    yield "typed in", Typed(Seen(1, STRANGER))
    yield "set aside", Acknowledged()
    yield "two people settle it", Decided("scrapped", frozenset({1}))


def transitions() -> list[Transition]:
    """Every one that can be walked, in the order of the phases."""
    start = Cycle(before=frozenset({BEFORE}))
    found: dict[Transition, None] = {}
    seen: set[tuple[Cycle, Effect | None]] = set()
    waiting: deque[tuple[Cycle, Effect | None]] = deque()

    def walk(state: Cycle, name: str, event: Event) -> None:
        try:
            after, effect = step(state, event)
        except Unexpected:
            return
        if not (state.phase is after.phase and effect is None):
            found[state.phase, name, after.phase] = None
        # What people are told is no part of where the machine stands, nor how often it tried.
        after = replace(after, note=None, tries=min(after.tries, MANY))
        if isinstance(effect, Disarm | Read):
            effect = replace(effect, attempt=min(effect.attempt, MANY))
        if (after, effect) not in seen:
            seen.add((after, effect))
            waiting.append((after, effect))

    for name, event in STARTS:
        walk(start, name, event)
    waiting.append((start, None))
    while waiting:
        state, effect = waiting.popleft()
        events = wishes(state) if effect is None else answers(state, effect)
        for name, event in events:
            walk(state, name, event)
    order = {phase: index for index, phase in enumerate(Phase)}
    return sorted(found, key=lambda each: (order[each[0]], order[each[2]], each[1]))


def mermaid() -> str:
    """A state diagram: what leads from one state to another, one arrow a pair."""
    names: dict[tuple[Phase, Phase], list[str]] = {}
    for before, name, after in transitions():
        names.setdefault((before, after), []).append(name)
    lines = ["stateDiagram-v2"]
    lines += [f"    state {_name(phase)!s}" for phase in Phase]
    lines += [
        f"    {_name(before)} --> {_name(after)}: {' · '.join(told)}"
        for (before, after), told in names.items()
    ]
    return "\n".join(lines)


def _name(phase: Phase) -> str:
    return phase.value.replace("-", "_")


def section() -> str:
    """What stands in the document between its two marks."""
    return f"{BEGIN}\n```mermaid\n{mermaid()}\n```\n{END}"


def written(document: str) -> str:
    """The document with the diagram of today in the place of the former one."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{section()}{after}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(written(DOCUMENT.read_text()))
    else:
        print(mermaid())
