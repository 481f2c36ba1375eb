"""What reads, eyes and people make of marked parts: the part of the marking cycle after the disarm.

Pure, as `cycle`, which alone calls it. Each position of a tray has a verdict of its own; the right
code in the wrong place is a mismatch, and what is missing is read again before it is bad.
"""

from dataclasses import replace
from typing import TypeAlias

from drivers.protocols import Did
from gateway.moves import (
    Cycle,
    Effect,
    Entry,
    Note,
    Open,
    Phase,
    PlaceVerdict,
    Read,
    RecordVerified,
    Seen,
)
from gateway.numbering import tells_pieces_apart

READ_TRIES = 3
"""Reads of one part before it counts as unreadable; a late read of the part before counts too."""

Step: TypeAlias = tuple[Cycle, Effect | None]


class Unexpected(Exception):
    """An event that cannot come in this phase: the caller is at fault, nothing has changed."""


def read(state: Cycle, seen: tuple[Seen, ...]) -> Step:
    """Each position that is due: its own code, a stranger's, or nothing that counts yet."""
    opened = state.open
    assert opened is not None
    found = {verdict.position: verdict for verdict in state.read}
    is_last = state.tries + 1 >= READ_TRIES
    for mark in opened.marks:
        at = mark.position
        if at not in opened.due or at in found:
            continue
        met = [e.content for e in seen if e.position == at and e.content not in opened.expect]
        late = [content for content in met if content in state.before and content != mark.content]
        strangers = [content for content in met if content != mark.content]
        if met and not strangers:
            found[at] = PlaceVerdict(at, "good", met[0])
        elif strangers and not late:
            found[at] = PlaceVerdict(at, "mismatch", strangers[0])
        elif late and is_last:
            found[at] = PlaceVerdict(at, "mismatch", late[0])
        elif is_last:
            found[at] = PlaceVerdict(at, "unreadable")
    verdicts = tuple(found[at] for at in sorted(found))
    after = replace(state, read=verdicts)
    if len(found) < len(opened.due):
        return read_again(after)
    return _record_verdicts(after, verdicts, "device")


def read_again(state: Cycle) -> Step:
    assert state.open is not None
    tries = state.tries + 1
    missing = state.open.due - {verdict.position for verdict in state.read}
    return replace(state, tries=tries), Read(tries, missing)


def judged(state: Cycle, illegible: frozenset[int]) -> Step:
    assert state.open is not None
    verdicts = [
        PlaceVerdict(at, "unreadable" if at in illegible else "good")
        for at in sorted(state.open.due)
    ]
    return _record_verdicts(state, tuple(verdicts), "eye")


def typed(state: Cycle, seen: Seen) -> Step:
    """What was keyed in counts for a mark that is done; it settles no unknown outcome."""
    opened = state.open
    assert opened is not None
    if seen.position not in opened.due or seen.position in opened.unknown:
        raise Unexpected(f"{state.phase.value}: position {seen.position} awaits no typing")
    mark = next(mark for mark in opened.marks if mark.position == seen.position)
    verdict = PlaceVerdict(
        seen.position, "good" if seen.content == mark.content else "mismatch", seen.content
    )
    return _record_verdicts(state, (verdict,), "keyed")


def _record_verdicts(state: Cycle, verdicts: tuple[PlaceVerdict, ...], entry: Entry) -> Step:
    opened = state.open
    assert opened is not None
    good = _ended(opened, verdicts)
    effect = RecordVerified(
        intent=opened.seq,
        verdicts=verdicts,
        entry=entry,
        resolved=opened.unknown & good,
        latches=bool(opened.unknown - good),
    )
    return replace(state, phase=Phase.VERIFYING, read=verdicts), effect


def _ended(opened: Open, verdicts: tuple[PlaceVerdict, ...]) -> frozenset[int]:
    """The positions that a good verdict brings to their end.

    On several pieces with one symbol a read does not say which of them was read: it settles no
    unknown outcome.
    """
    apart = {mark.position for mark in opened.marks if tells_pieces_apart(mark)}
    return frozenset(
        each.position
        for each in verdicts
        if each.verdict == "good" and each.position not in opened.unknown - apart
    )


def verified(state: Cycle) -> Step:
    """What is journalled as good is over; the rest waits for people."""
    opened = state.open
    assert opened is not None
    good = _ended(opened, state.read)
    judged = {each.position for each in state.read}
    bad = [each for each in state.read if each.verdict != "good"]
    rejected = tuple(
        each
        for each in sorted(
            [*(old for old in opened.rejected if old.position not in judged), *bad],
            key=lambda each: each.position,
        )
        if each.position not in opened.unknown
    )
    after = replace(state, open=replace(opened, due=opened.due - good, rejected=rejected), read=())
    return rest(after, Note("good"))


def decided(state: Cycle, how: str, positions: frozenset[int]) -> Step:
    opened = state.open
    assert opened is not None
    rejected = tuple(each for each in opened.rejected if each.position not in positions)
    left = replace(opened, due=opened.due - positions, rejected=rejected)
    return rest(replace(state, open=left), Note("settled", (("how", how),)))


def rest(state: Cycle, done: Note) -> Step:
    """To rest: over, with nothing due any more; else a person is awaited, and the note says why."""
    opened = state.open
    assert opened is not None
    if not opened.due:
        return finish(state, done)
    if opened.unknown:
        return replace(state, phase=Phase.UNKNOWN, note=Note("unknown-outcome")), None
    if not opened.unjudged:
        return replace(state, phase=Phase.SET_ASIDE, note=told(opened.rejected)), None
    if opened.eye:
        return replace(state, phase=Phase.JUDGING, note=None), None
    return replace(state, phase=Phase.READ_BLOCKED), None


def told(rejected: tuple[PlaceVerdict, ...]) -> Note:
    """The first bad verdict, and every position that has one."""
    first = rejected[0]
    positions = ", ".join(str(each.position) for each in rejected)
    return Note(first.verdict, (("content", first.content or ""), ("positions", positions)))


def finish(state: Cycle, note: Note | None) -> Step:
    """Back to idle; what was on these parts is what a late read may still deliver."""
    before = state.before
    outcome = state.open.outcome if state.open else None
    if state.open is not None and outcome is not None:
        marked = frozenset(
            mark.content
            for mark in state.open.marks
            if outcome.at(mark.position) is not Did.NOT_STARTED
        )
        before = marked or before
    return Cycle(before=before, note=note), None
