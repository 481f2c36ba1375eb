"""The journal in memory behaves as the journal in a file; and media lose only what they may."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.errors import JournalError, JournalFull, RolledBack
from gateway.contract.record import Opened
from gateway.guard import Guard, Mark
from gateway.journal import Cursor, Entry, Journal, StoredPlan
from gateway.latches import Latches, check_guard
from gateway.logbook import NOBODY, Draft, Logbook
from gateway.store import SqliteStore, create, journal_path
from tests.gateway.desk import Time
from tests.gateway.records import GATEWAY, intent
from tests.simulation.disk import Disk, MemorySlip, MemorySlots, MemoryStore

Act = Callable[[Journal], Any]


class Ended(BaseException):
    """The process ends here."""


def _append(count: int) -> Act:
    return lambda journal: [
        record.seq for record in journal.append(*[lambda seq: intent(seq, seq)] * count)
    ]


def _plan(version: int) -> Act:
    payload = f"plan {version}".encode()
    return lambda journal: journal.accept_plan(1, version, payload, lambda s: intent(s, s)).seq


def _astray(seq: int) -> Act:
    entries = [Entry(seq, b"body", bytes(32))]
    return lambda journal: journal.store.add(entries, StoredPlan(2, seq, b"astray"))


def _meta(value: str) -> Act:
    def act(journal: Journal) -> str:
        journal.set_meta("guard", value)
        return journal.meta("guard")

    return act


def _cursor(incarnation: int, committed: int) -> Act:
    def act(journal: Journal) -> Cursor:
        journal.move_cursor(Cursor(incarnation, committed, bytes(32)))
        return journal.cursor()

    return act


_SMALL = st.integers(0, 8)
ACTS: st.SearchStrategy[Act] = st.one_of(
    st.builds(_append, st.integers(0, 4)),
    st.builds(_plan, st.integers(1, 6)),
    st.builds(_astray, st.integers(-1, 20).filter(lambda seq: seq != 0)),
    st.builds(_meta, st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=9)),
    st.builds(_cursor, _SMALL, _SMALL),
    st.just(lambda journal: journal.next_boot()[0]),
    st.builds(lambda age: lambda journal: journal.plan_at(age), _SMALL),
    st.builds(lambda seq: lambda journal: journal.head_at(seq), st.integers(-2, 20)),
    st.builds(
        lambda first, last: lambda journal: list(journal.entries(first, last)),
        st.integers(-2, 12),
        st.integers(-2, 20),
    ),
    st.just(lambda journal: journal.meta("no such key")),
)


def _tell(journal: Journal, act: Act) -> object:
    """What came of it, where an error is its class."""
    try:
        return act(journal)
    except JournalError as error:
        return type(error)


def _whole(journal: Journal) -> object:
    return (
        journal.end,
        journal.head,
        list(journal.entries()),
        journal.cursor(),
        [journal.plan_at(age) for age in range(8)],
        journal.meta("boot"),
    )


@contextmanager
def _a_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = journal_path(Path(folder), 1)
        create(path, GATEWAY, 1)
        yield path


@given(st.lists(st.lists(ACTS, max_size=8), min_size=1, max_size=4))
def test_both_stores_tell_the_same_whatever_is_done_to_them(lives: list[list[Act]]) -> None:
    """Each list of acts is one process's life; the next one opens what it left."""
    disk = Disk.new(GATEWAY, 1)
    with _a_file() as path:
        for life in lives:
            in_file = Journal(SqliteStore(path, writable=True))
            in_memory = Journal(MemoryStore(disk))
            assert _whole(in_file) == _whole(in_memory)
            for act in life:
                assert _tell(in_file, act) == _tell(in_memory, act)
                assert _whole(in_file) == _whole(in_memory)
            if all(b"astray" not in (in_file.plan_at(age) or b"") for age in range(8)):
                in_file.verify()
                in_memory.verify()
            in_file.close()
            in_memory.close()


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=6),
    st.integers(0, 5),
    st.sampled_from(["before", "after"]),
)
def test_a_commit_is_there_whole_or_not_at_all_wherever_the_process_ends(
    commits: list[int], at: int, moment: str
) -> None:
    disk = Disk.new(GATEWAY, 1)
    count = -1

    def seam(when: str, _what: str) -> None:
        nonlocal count
        count += when == moment
        if when == moment and count == at:
            raise Ended

    journal = Journal(MemoryStore(disk, seam=seam))
    known = 0
    try:
        for size in commits:
            _append(size)(journal)
            known = journal.end
    except Ended:
        pass
    disk.let_go()
    again = Journal(MemoryStore(disk))
    again.verify()
    lost = commits[at] if moment == "after" and at < len(commits) else 0
    assert again.end == known + lost


@given(st.lists(st.integers(1, 3), min_size=1, max_size=6), st.integers(0, 9))
def test_a_disk_that_lied_loses_its_last_commits_and_is_found_by_the_guard(
    commits: list[int], lost: int
) -> None:
    disk, slots = Disk.new(GATEWAY, 1), MemorySlots()
    journal, guard = Journal(MemoryStore(disk)), Guard(slots)
    ends = [0]
    for size in commits:
        _append(size)(journal)
        ends.append(journal.end)
    guard.create(Mark(GATEWAY, 1, journal.end, journal.head))
    disk.let_go()
    gone = disk.power_cut(lost)
    assert gone == min(lost, len(commits))
    again = Journal(MemoryStore(disk))
    again.verify()
    assert again.end == ends[len(ends) - 1 - gone]
    if gone:
        with pytest.raises(RolledBack):
            check_guard(again, Guard(slots))
    else:
        check_guard(again, Guard(slots))


def test_a_copy_goes_its_own_way_and_a_second_writer_is_refused() -> None:
    disk = Disk.new(GATEWAY, 1)
    journal = Journal(MemoryStore(disk))
    _append(2)(journal)
    clone = Journal(MemoryStore(disk.copy()))
    _append(1)(clone)
    _append(2)(journal)
    assert (journal.end, clone.end) == (4, 3)
    with pytest.raises(JournalError, match="another gateway process"):
        MemoryStore(disk)
    assert Journal(MemoryStore(disk, writable=False)).end == 4


def test_a_full_disk_refuses_an_intent_and_takes_what_follows_from_the_reserve() -> None:
    """The story that the real file system of 8 MB tells in tests/gateway/test_journal.py."""
    disk = Disk.new(GATEWAY, 1)
    journal = Journal(MemoryStore(disk))
    logbook = Logbook(journal, Guard(MemorySlots()), Time().clock())
    reason = Draft(Opened, {"reason": "x" * 200})
    logbook.begin(reason, "laser", NOBODY)
    disk.fill()
    with pytest.raises(JournalFull):
        logbook.begin(reason, "laser", NOBODY)
    before = journal.end
    for _ in range(20):
        logbook.append(reason)
    assert (journal.end - before, logbook.full) == (20, True)
    with pytest.raises(JournalFull):
        logbook.begin(reason, "laser", NOBODY)
    disk.free()
    logbook.begin(reason, "laser", NOBODY)
    assert not logbook.full
    journal.verify()


@given(st.integers(2, 5), st.integers(-1, 512))
def test_a_torn_guard_is_the_word_before_or_the_new_one(writes: int, torn: int) -> None:
    slots = MemorySlots()
    guard = Guard(slots)
    guard.create(Mark(GATEWAY, 1, 1, bytes(32)))
    for seq in range(2, writes):
        guard.write(Mark(GATEWAY, 1, seq, bytes(32)))

    def ends(_moment: str, _what: str) -> None:
        slots.tear(torn)
        raise Ended

    slots.seam = ends
    with pytest.raises(Ended):
        guard.write(Mark(GATEWAY, 1, writes, bytes(32)))
    assert Guard(slots).read().seq in (writes - 1, writes)
    slots.present = False
    with pytest.raises(RolledBack):
        Guard(slots).read()


def test_a_slip_that_cannot_be_written_leaves_the_latch_in_memory() -> None:
    slip = MemorySlip(full=True)
    latches = Latches(slip)
    with pytest.raises(OSError, match="No space"):
        latches.set("forked", "because")
    assert latches
    assert not Latches(slip)
    slip.full = False
    latches.set("forked", "again")
    assert Latches(slip).causes == {"forked": "because"}
