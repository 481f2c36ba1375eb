"""The guard: a torn write harms only the older word; missing, foreign or ahead, it latches."""

from pathlib import Path

import pytest

from gateway.contract.errors import RolledBack
from gateway.guard import Guard, GuardFile, Mark
from gateway.latches import check_guard
from tests.gateway.desk import OPENED, Site
from tests.gateway.records import GATEWAY


def word(seq: int) -> Mark:
    return Mark(GATEWAY, 1, seq, bytes([seq]) * 32)


def test_it_keeps_the_newest_word_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "usb" / "guard"
    Guard(GuardFile(path)).create(word(1))
    for seq in range(2, 12):
        guard = Guard(GuardFile(path))
        assert guard.read() == word(seq - 1)
        guard.write(word(seq))
        guard.write(word(seq))
    assert Guard(GuardFile(path)).read() == word(11)


@pytest.mark.parametrize("last", [3, 4])
def test_a_torn_write_leaves_the_word_before_and_is_written_over(tmp_path: Path, last: int) -> None:
    """Both slots, every byte at which the write may have stopped."""
    path = tmp_path / "guard"
    guard = Guard(GuardFile(path))
    guard.create(word(1))
    for seq in range(2, last):
        guard.write(word(seq))
    before = path.read_bytes()
    guard.write(word(last))
    after = path.read_bytes()
    before = before.ljust(len(after), b"\0")
    slot = next(at for at in (0, 512) if after[at : at + 512] != before[at : at + 512])
    for cut in range(513):
        torn = before[:slot] + after[slot : slot + cut] + before[slot + cut :]
        path.write_bytes(torn)
        again = Guard(GuardFile(path))
        expected = word(last) if torn.rstrip(b"\0\n") == after.rstrip(b"\n") else None
        found = again.read()
        assert found in (word(last - 1), word(last))
        if expected is not None:
            assert found == expected
        if cut % 32 == 0:  # each is a real write to the disk
            again.write(word(last + 1))
            assert Guard(GuardFile(path)).read() == word(last + 1)


def test_missing_empty_or_damaged_it_is_rolled_back(tmp_path: Path) -> None:
    path = tmp_path / "guard"
    with pytest.raises(RolledBack, match="cannot be read"):
        Guard(GuardFile(path)).read()
    for raw in (b"", b"\n" * 1024, b"x" * 1024, bytes(1024)):
        path.write_bytes(raw)
        with pytest.raises(RolledBack, match="no whole entry"):
            Guard(GuardFile(path)).read()


def test_a_medium_that_was_taken_out_is_not_replaced_by_the_disk_below(tmp_path: Path) -> None:
    path = tmp_path / "usb" / "guard"
    guard = Guard(GuardFile(path))
    guard.create(word(1))
    path.unlink()
    with pytest.raises(FileNotFoundError):
        guard.write(word(2))
    assert not path.exists()


def test_a_new_epoch_starts_a_new_guard(tmp_path: Path) -> None:
    path = tmp_path / "guard"
    guard = Guard(GuardFile(path))
    guard.create(word(9))
    guard.write(word(10))
    fresh = Mark(GATEWAY, 2, 0, bytes(32))
    Guard(GuardFile(path)).create(fresh)
    assert Guard(GuardFile(path)).read() == fresh


def test_it_is_a_floor_under_the_journal(site: Site) -> None:
    journal, guard = site.journal, site.logbook.guard
    check_guard(journal, guard)
    site.logbook.append(OPENED)
    check_guard(journal, guard)  # behind is as it should be

    guard.write(Mark(GATEWAY, 1, 3, bytes(32)))
    with pytest.raises(RolledBack, match="knows record 3, the journal ends at 2"):
        check_guard(journal, guard)
    guard.write(Mark(GATEWAY, 1, 2, bytes(32)))
    with pytest.raises(RolledBack, match="record 2 is not the one"):
        check_guard(journal, guard)
    guard.write(Mark(GATEWAY, 2, 2, journal.head))
    with pytest.raises(RolledBack, match="epoch 2"):
        check_guard(journal, guard)
    guard.write(Mark("polican.line-1", 1, 2, journal.head))
    with pytest.raises(RolledBack, match=r"polican\.line-1"):
        check_guard(journal, guard)
