"""The guard: a torn page harms only one word; missing, foreign or ahead, it latches."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.contract.errors import RolledBack
from gateway.guard import Guard, GuardFile, Mark, _encode
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


def files(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.*"))


def as_version_0_1_left_it(path: Path, *seqs: int) -> None:
    """Both slots in one file of 1,024 bytes; the words' turns are their numbers."""
    slots = [b"", b""]
    for seq in seqs:
        slots[seq % 2] = _encode(word(seq), seq)
    path.write_bytes(slots[0].ljust(512, b"\0") + slots[1])


@pytest.mark.parametrize("last", [3, 4])
def test_a_torn_write_leaves_the_word_before_and_is_written_over(tmp_path: Path, last: int) -> None:
    """Both slots, every byte at which the write may have stopped."""
    path = tmp_path / "guard"
    guard = Guard(GuardFile(path))
    guard.create(word(1))
    for seq in range(2, last):
        guard.write(word(seq))
    before = {file: file.read_bytes() for file in files(path)}
    guard.write(word(last))
    (torn,) = [file for file in files(path) if file.read_bytes() != before[file]]
    after = torn.read_bytes()
    for cut in range(513):
        for file, content in before.items():
            file.write_bytes(content)
        torn.write_bytes(after[:cut] + before[torn].ljust(512, b"\0")[cut:])
        again = Guard(GuardFile(path))
        found = again.read()
        assert found in (word(last - 1), word(last))
        if torn.read_bytes() == after:
            assert found == word(last)
        if cut % 32 == 0:  # each is a real write to the disk
            again.write(word(last + 1))
            assert Guard(GuardFile(path)).read() == word(last + 1)


@pytest.mark.parametrize("page", [b"", bytes(4096), b"\xff" * 4096])
def test_a_torn_page_leaves_the_word_before(tmp_path: Path, page: bytes) -> None:
    """A medium writes whole pages; a page that tears takes all that lies in it."""
    for last in (5, 6):
        path = tmp_path / f"guard-{last}"
        guard = Guard(GuardFile(path))
        guard.create(word(1))
        for seq in range(2, last + 1):
            guard.write(word(seq))
        newest = next(f for f in files(path) if f.read_bytes() == _encode(word(last), last))
        newest.write_bytes(page)
        again = Guard(GuardFile(path))
        assert again.read() == word(last - 1)
        again.write(word(last))
        assert Guard(GuardFile(path)).read() == word(last)


def test_a_page_that_the_medium_cannot_read_is_a_torn_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "guard"
    guard = Guard(GuardFile(path))
    guard.create(word(1))
    guard.write(word(2))
    read = Path.read_bytes
    bad: list[Path] = []

    def read_bytes(file: Path) -> bytes:
        if file in bad:
            raise OSError(errno.EIO, "Input/output error")
        return read(file)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    bad[:] = files(path)[:1]
    assert Guard(GuardFile(path)).read() == word(1)
    bad[:] = files(path)
    with pytest.raises(RolledBack, match="no whole entry"):
        Guard(GuardFile(path)).read()


def test_a_guard_of_one_file_is_read_and_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "guard"
    as_version_0_1_left_it(path, 7, 8)
    left = path.read_bytes()
    guard = Guard(GuardFile(path))
    assert guard.read() == word(8)
    assert (path.read_bytes(), files(path)) == (left, []), "reading changes nothing"
    guard.write(word(9))
    assert not path.exists()
    assert len(files(path)) == 2
    for seq in (10, 11, 12):
        again = Guard(GuardFile(path))
        assert again.read() == word(seq - 1)
        again.write(word(seq))
    assert Guard(GuardFile(path)).read() == word(12)


@pytest.mark.parametrize("last", [7, 8])
def test_wherever_a_take_over_ends_it_proves_what_was_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    """Before and after every change to a file, and at a torn page of the new word."""

    class Ended(BaseException):
        pass

    path = tmp_path / "guard"
    ended, step = True, 0
    while ended:
        as_version_0_1_left_it(path, last - 1, last)
        for file in files(path):
            file.unlink()
        guard = Guard(GuardFile(path))
        assert guard.read() == word(last)
        left = step

        def count(call: Callable[..., Any]) -> Callable[..., Any]:
            def counted(*args: Any, **options: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Ended
                return call(*args, **options)

            return counted

        with monkeypatch.context() as patch:
            for module, name in (
                (os, "pwrite"),
                (os, "fsync"),
                (os, "fdatasync"),
                (Path, "unlink"),
            ):
                patch.setattr(module, name, count(getattr(module, name)))
            try:
                guard.write(word(last + 1))
                ended = False
            except Ended:
                pass
        again = Guard(GuardFile(path))
        assert again.read() in ((word(last), word(last + 1)) if ended else (word(last + 1),))
        torn = path.with_name(f"{path.name}.{(last + 1) % 2}")
        if path.exists() and torn.exists():
            torn.write_bytes(bytes(4096))
            again = Guard(GuardFile(path))
            assert again.read() == word(last), "the file of version 0.1 still counts"
        again.write(word(last + 2))
        assert Guard(GuardFile(path)).read() == word(last + 2)
        assert not path.exists()
        step += 1
    assert step > 6


def test_a_file_of_version_0_1_that_is_put_back_proves_nothing_less(tmp_path: Path) -> None:
    path = tmp_path / "guard"
    as_version_0_1_left_it(path, 3, 4)
    old = path.read_bytes()
    guard = Guard(GuardFile(path))
    guard.read()
    guard.write(word(5))
    guard.write(word(6))
    path.write_bytes(old)
    assert Guard(GuardFile(path)).read() == word(6)


def test_missing_empty_or_damaged_it_is_rolled_back(tmp_path: Path) -> None:
    path = tmp_path / "guard"
    with pytest.raises(RolledBack, match="cannot be read"):
        Guard(GuardFile(path)).read()
    for raw in (b"", b"\n" * 1024, b"x" * 1024, bytes(1024)):
        path.write_bytes(raw)
        with pytest.raises(RolledBack, match="no whole entry"):
            Guard(GuardFile(path)).read()
    path.unlink()
    guard = Guard(GuardFile(path))
    guard.create(word(1))
    guard.write(word(2))
    for file in files(path):
        file.write_bytes(b"x" * 512)
    with pytest.raises(RolledBack, match="no whole entry"):
        Guard(GuardFile(path)).read()


def test_one_file_that_is_missing_is_no_torn_page(tmp_path: Path) -> None:
    path = tmp_path / "guard"
    for missing in (0, 1):
        guard = Guard(GuardFile(path))
        guard.create(word(1))
        guard.write(word(2))
        files(path)[missing].unlink()
        with pytest.raises(RolledBack, match="cannot be read"):
            Guard(GuardFile(path)).read()


def test_a_medium_that_was_taken_out_is_not_replaced_by_the_disk_below(tmp_path: Path) -> None:
    path = tmp_path / "usb" / "guard"
    guard = Guard(GuardFile(path))
    guard.create(word(1))
    for file in files(path):
        file.unlink()
    with pytest.raises(FileNotFoundError):
        guard.write(word(2))
    assert not list(path.parent.iterdir())


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
