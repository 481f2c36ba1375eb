"""Latches: what a start finds, what lasts, what cannot be undone by a damaged file."""

import shutil
from pathlib import Path

import pytest

from gateway.contract.errors import JournalCorrupt
from gateway.guard import Guard, GuardFile, Mark
from gateway.journal import Cursor, Journal
from gateway.latches import Latches, LatchFile, inspect
from gateway.store import open_journal
from tests.gateway.desk import OPENED, Site
from tests.gateway.records import GATEWAY


def found(journal: Journal, guard: Guard) -> dict[str, str]:
    path = Path(journal.name).with_suffix(".other-latches")
    latches = Latches(LatchFile(path))
    inspect(journal, guard, latches)
    path.unlink(missing_ok=True)
    return latches.causes


def test_a_whole_journal_has_none(site: Site) -> None:
    assert found(site.journal, site.logbook.guard) == {}


def test_a_latch_lasts_and_its_first_cause_stays(site: Site) -> None:
    told: list[bool] = []
    site.latches.on_change = lambda: told.append(bool(site.latches))
    site.latches.set("forked", "first")
    site.latches.set("forked", "second")
    site.latches.set("two-of-me", "third")
    again = Latches.beside(site.path)
    assert again.causes == {"forked": "first", "two-of-me": "third"}
    assert told == [True, True]


def test_a_damaged_file_of_latches_is_a_latch(site: Site) -> None:
    site.latches.set("forked", "first")
    for raw in (b"", b"{", b"[1]", b"\xff"):
        site.path.with_suffix(".latches").write_bytes(raw)
        assert list(Latches.beside(site.path).causes) == ["journal-corrupt"]


def test_a_latch_that_cannot_be_kept_holds_and_is_tried_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "no room")

    with monkeypatch.context() as patched:
        patched.setattr("gateway.latches.os.fsync", full)
        with pytest.raises(OSError, match="no room"):
            site.latches.set("forked", "first")
    assert site.latches.causes == {"forked": "first"}
    assert not Latches.beside(site.path)
    site.latches.set("forked", "again")
    assert Latches.beside(site.path).causes == {"forked": "first"}


def test_yesterdays_copy_is_caught_by_the_guard_alone(site: Site, tmp_path: Path) -> None:
    site.journal.close()
    yesterday = tmp_path / "copy.db"
    shutil.copy(site.path, yesterday)
    site.logbook.journal = open_journal(site.path, writable=True)
    site.logbook.append(OPENED)
    site.logbook.write_guard()
    causes = found(open_journal(yesterday, writable=False), site.logbook.guard)
    assert causes == {"rolled-back": "the guard knows record 2, the journal ends at 1"}


def test_a_receipt_beyond_the_end_or_of_another_record(site: Site) -> None:
    site.journal.move_cursor(Cursor(1, 4, bytes(32)))
    causes = found(site.journal, site.logbook.guard)
    assert causes == {"rolled-back": "a receipt stands for record 4, the journal ends at 1"}
    site.journal.move_cursor(Cursor(1, 1, bytes(32)))
    causes = found(site.journal, site.logbook.guard)
    assert causes == {"rolled-back": "record 1 is not the one of the last receipt"}


def test_without_its_guard_it_is_rolled_back(site: Site, tmp_path: Path) -> None:
    causes = found(site.journal, Guard(GuardFile(tmp_path / "nowhere")))
    assert list(causes) == ["rolled-back"]
    other = Guard(GuardFile(tmp_path / "other"))
    other.create(Mark(GATEWAY, 2, 0, bytes(32)))
    assert "epoch 2" in found(site.journal, other)["rolled-back"]


def test_a_changed_record_is_corrupt_and_named(site: Site, tmp_path: Path) -> None:
    site.journal.close()
    raw = site.path.read_bytes()
    copy = tmp_path / "copy.db"
    copy.write_bytes(raw.replace(b"new gateway", b"old gateway"))
    causes = found(open_journal(copy, writable=False), site.logbook.guard)
    assert list(causes) == ["journal-corrupt"]
    assert "record 1 does not hash" in causes["journal-corrupt"]


def test_pages_of_nonsense_latch_and_never_crash(site: Site, tmp_path: Path) -> None:
    for _ in range(60):
        site.logbook.append(OPENED)
    site.logbook.write_guard()
    site.journal.close()
    raw = site.path.read_bytes()
    copy = tmp_path / "copy.db"
    for page in range(1, len(raw) // 4096):
        copy.write_bytes(raw[: page * 4096] + b"\xa5" * 4096 + raw[(page + 1) * 4096 :])
        try:
            journal = open_journal(copy, writable=False)
        except JournalCorrupt:
            continue
        assert "journal-corrupt" in found(journal, site.logbook.guard)
        journal.close()
