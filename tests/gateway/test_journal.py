"""The journal: gapless, chained, locked, never changed, and honest when there is no room."""

import errno
import fcntl
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from gateway.contract.batch import first_head
from gateway.contract.errors import JournalCorrupt, JournalError, JournalFull
from gateway.contract.record import Opened, Record
from gateway.journal import RESERVE_BYTES, Cursor, Entry, StoredPlan
from gateway.logbook import NOBODY, Draft, Logbook
from gateway.store import create, epoch_of, journal_path, must_be_free, newest_journal, open_journal
from tests.contract.wire import literal_heads
from tests.gateway.desk import OPENED, Site, new_journal, new_site, plan
from tests.gateway.records import GATEWAY, common, intent, marked


def opened(seq: int) -> Record:
    return Opened(**common(seq, None), reason="new gateway")


def filled(folder: Path, count: int = 20) -> Path:
    """A closed journal with records of some length."""
    path = new_journal(folder)
    journal = open_journal(path, writable=True)
    journal.append(opened)
    for number in range(count - 1):
        journal.append(lambda seq, number=number: intent(seq, number))  # type: ignore[misc]
    journal.close()
    return path


def test_records_are_gapless_and_chained_as_the_contract_says(tmp_path: Path) -> None:
    journal = open_journal(new_journal(tmp_path), writable=True)
    (first,) = journal.append(opened)
    both = journal.append(lambda seq: intent(seq, 1), lambda seq: marked(seq, 2, "done"))
    assert [first.seq, *(record.seq for record in both)] == [1, 2, 3]
    assert [entry.seq for entry in journal.entries()] == [1, 2, 3]
    bodies = [entry.body for entry in journal.entries()]
    heads = literal_heads(GATEWAY, 1, bytes(32), bodies)
    assert journal.first_head.hex() == heads[0]
    assert [entry.head.hex() for entry in journal.entries()] == heads[1:]
    assert (journal.end, journal.head.hex()) == (3, heads[3])
    assert [journal.head_at(seq) for seq in (0, 3, 4)] == [
        bytes.fromhex(heads[0]),
        bytes.fromhex(heads[3]),
        None,
    ]
    journal.verify()


def test_it_is_the_same_after_it_was_opened_again(tmp_path: Path) -> None:
    path = filled(tmp_path)
    journal = open_journal(path, writable=True)
    before = (journal.end, journal.head, list(journal.records()))
    journal.close()
    again = open_journal(path, writable=False)
    assert (again.end, again.head, list(again.records())) == before


def test_a_record_that_cannot_be_built_leaves_nothing(tmp_path: Path) -> None:
    journal = open_journal(new_journal(tmp_path), writable=True)

    def broken(seq: int) -> Record:
        raise ValueError(seq)

    with pytest.raises(ValueError, match="2"):
        journal.append(opened, broken)
    assert (journal.end, list(journal.entries())) == (0, [])


def test_a_second_writer_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    path = filled(tmp_path)
    journal = open_journal(path, writable=True)
    script = f"""
        from pathlib import Path
        from gateway.store import open_journal
        open_journal(Path({str(path)!r}), writable=True)
    """
    other = [sys.executable, "-c", textwrap.dedent(script)]
    refused = subprocess.run(other, capture_output=True, text=True, check=False)
    assert "another gateway process has this journal open" in refused.stderr
    with pytest.raises(JournalError, match="another gateway"):
        must_be_free(path)
    assert open_journal(path, writable=False).end == 20  # readers are welcome
    journal.close()
    must_be_free(path)
    subprocess.run(other, check=True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET body = x'00' WHERE seq = 3",
        "UPDATE record SET seq = 30 WHERE seq = 3",
        "DELETE FROM record WHERE seq = 20",
        "INSERT OR REPLACE INTO record VALUES (3, x'00', x'00')",
        "INSERT INTO record VALUES (30, x'00', x'00')",
        "INSERT INTO record VALUES (0, x'00', x'00')",
        "INSERT INTO record VALUES (NULL, x'00', x'00')",
    ],
)
def test_the_file_itself_refuses_what_is_not_the_next_record(
    tmp_path: Path, statement: str
) -> None:
    path = filled(tmp_path)
    with closing(sqlite3.connect(path)) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)
    open_journal(path, writable=False).verify()


def test_a_changed_byte_is_named_by_its_record(tmp_path: Path) -> None:
    path = filled(tmp_path)
    for seq in (1, 7, 20):
        journal = open_journal(path, writable=False)
        (entry,) = journal.entries(seq, seq)
        journal.close()
        copy = tmp_path / f"{seq}.db"
        raw = path.read_bytes()
        assert raw.count(entry.body) == 1
        at = raw.index(entry.body) + len(entry.body) // 2
        copy.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        with pytest.raises(JournalCorrupt, match=rf"record {seq} does not hash"):
            open_journal(copy, writable=False).verify()


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_corrupt_and_nothing_else(tmp_path: Path, kept: float) -> None:
    path = filled(tmp_path, 60)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * kept)])
    with pytest.raises(JournalCorrupt):
        open_journal(path, writable=True).verify()
    must_be_free(path)  # the lock is not left behind


def test_no_part_of_a_damaged_file_is_more_than_corrupt(tmp_path: Path) -> None:
    """Pages of nonsense, one at a time: every way to read it ends in a value or JournalCorrupt."""
    raw = filled(tmp_path, 60).read_bytes()
    damaged = tmp_path / "journal" / "epoch-0002.db"
    for page in range(len(raw) // 4096):
        damaged.write_bytes(raw[: page * 4096] + b"\xa5" * 4096 + raw[(page + 1) * 4096 :])
        found = 0
        for read in (
            lambda journal: journal.verify(),
            lambda journal: journal.cursor(),
            lambda journal: journal.head_at(30),
            lambda journal: journal.plan_at(0),
            lambda journal: list(journal.entries(5, 5)),
        ):
            try:
                journal = open_journal(damaged, writable=False)
                read(journal)
                journal.close()
            except JournalCorrupt:
                found += 1
        assert found > 0, f"page {page} is nonsense, and nobody saw it"


def test_the_lock_is_on_the_journal_and_outlives_what_lies_beside_it(tmp_path: Path) -> None:
    path = filled(tmp_path)
    journal = open_journal(path, writable=True)
    for beside in path.parent.glob("*.lock"):
        beside.unlink()
    for second in (lambda: open_journal(path, writable=True), lambda: must_be_free(path)):
        with pytest.raises(JournalError, match="another gateway process"):
            second()
    journal.append(lambda seq: intent(seq, 99))
    journal.close()
    open_journal(path, writable=True).close()


def test_another_process_does_not_take_the_journal_of_one_that_runs(tmp_path: Path) -> None:
    """SQLite's own locks are there too: whoever reads does not break them."""
    path = filled(tmp_path)
    program = """
        import sys
        from pathlib import Path
        from gateway.store import open_journal
        journal = open_journal(Path(sys.argv[1]), writable=True)
        print("open", flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        path.with_suffix(".lock").unlink(missing_ok=True)
        with pytest.raises(JournalError, match="another gateway process"):
            open_journal(path, writable=True)
        open_journal(path, writable=False).close()
        other.kill()
    open_journal(path, writable=True).close()


def test_a_gateway_of_version_0_1_that_still_runs_is_not_joined(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with path.with_suffix(".lock").open("w") as former:
        fcntl.flock(former, fcntl.LOCK_EX)
        with pytest.raises(JournalError, match="another gateway process"):
            open_journal(path, writable=True)
    open_journal(path, writable=True).close()


def test_a_file_that_cannot_be_opened_is_not_called_corrupt(tmp_path: Path) -> None:
    with pytest.raises(JournalError) as missing:
        open_journal(tmp_path / "epoch-0001.db", writable=True)
    assert not isinstance(missing.value, JournalCorrupt)
    path = filled(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalError) as busy:
            open_journal(path, writable=False)
        assert not isinstance(busy.value, JournalCorrupt)


def test_an_epoch_is_created_once_and_the_newest_is_found_by_number(tmp_path: Path) -> None:
    assert newest_journal(tmp_path) is None
    for epoch in (2, 9999, 10000):
        create(journal_path(tmp_path, epoch), GATEWAY, epoch)
    with pytest.raises(JournalError, match="opened once"):
        create(journal_path(tmp_path, 2), GATEWAY, 2)
    shutil.copy(journal_path(tmp_path, 2), tmp_path / "epoch-99999_copy.db")
    assert newest_journal(tmp_path) == journal_path(tmp_path, 10000)
    assert epoch_of(journal_path(tmp_path, 10000)) == 10000
    path = journal_path(tmp_path, 2)
    assert open_journal(path, writable=False).head == first_head(GATEWAY, 2)
    assert path.stat().st_mode & 0o077 == 0


def test_the_cursor_and_the_boot_last(tmp_path: Path) -> None:
    path = filled(tmp_path)
    journal = open_journal(path, writable=True)
    assert journal.cursor() == Cursor(0, 0, journal.first_head)
    head = journal.head_at(7)
    assert head is not None
    journal.move_cursor(Cursor(5, 7, head))
    counter, nonce = journal.next_boot()
    journal.close()
    again = open_journal(path, writable=True)
    assert again.cursor() == Cursor(5, 7, head)
    following = again.next_boot()
    assert following[0] == counter + 1
    assert following[1] != nonce


# -- no room


def test_an_intent_needs_the_whole_reserve_and_what_follows_may_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site(tmp_path)
    reserve = site.path.with_suffix(".reserve")
    assert reserve.stat().st_blocks * 512 >= RESERVE_BYTES

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    site.journal.release_reserve()
    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", no_room)
        with pytest.raises(JournalFull):
            site.logbook.begin(OPENED, "laser", NOBODY)
        assert site.logbook.full
        assert site.journal.end == 1
    assert not site.logbook.lacks_room()
    assert reserve.stat().st_size == RESERVE_BYTES


FULL_DISK = """
    import os
    from pathlib import Path
    from gateway.contract.errors import JournalFull
    from gateway.logbook import NOBODY, Draft
    from gateway.contract.record import Opened
    from tests.gateway.desk import new_site

    disk = Path({disk!r})
    site = new_site(disk)
    reason = Draft(Opened, {{"reason": "x" * 200}})
    site.logbook.begin(reason, "laser", NOBODY)
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(4096)):
                pass
        except OSError as error:
            print("filled", os.strerror(error.errno))
    try:
        while True:
            site.logbook.begin(reason, "laser", NOBODY)
    except JournalFull:
        print("refused")
    before = site.journal.end
    for _ in range(20):
        site.logbook.append(reason)
    print("said all the same", site.journal.end - before, site.logbook.full)
    try:
        site.logbook.begin(reason, "laser", NOBODY)
    except JournalFull:
        print("refused")
    (disk / "ballast").unlink()
    site.logbook.begin(reason, "laser", NOBODY)
    print("room again", site.logbook.full)
    site.journal.verify()
"""


def test_on_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """A file system of 8 MB, in a mount namespace: root's, or the user's own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    program = tmp_path / "fill.py"
    program.write_text(textwrap.dedent(FULL_DISK.format(disk=str(disk))))
    mount = f"mount -t tmpfs -o size=8m none {disk} && exec {sys.executable} {program}"
    namespace = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    done = subprocess.run(
        [*namespace, "sh", "-c", mount],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.splitlines() == [
        "filled No space left on device",
        "refused",
        "said all the same 20 True",
        "refused",
        "room again False",
    ], done.stderr


def test_where_a_file_may_grow_no_further_nothing_is_half_written(tmp_path: Path) -> None:
    """A limit on the size of files, which anybody can set: the write fails in the middle."""
    site = new_site(tmp_path)
    draft = Draft(Opened, {"reason": "x" * 200})
    wal = site.path.with_name(site.path.name + "-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 20_000, hard))
    try:
        with pytest.raises(JournalError):
            fill(site.logbook, draft)
        end, head = site.journal.end, site.journal.head
        with pytest.raises(JournalError):
            site.logbook.append(draft)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, former)
    assert (site.journal.end, site.journal.head) == (end, head)
    site.logbook.append(draft)
    site.journal.verify()
    assert [json.loads(entry.body)["seq"] for entry in site.journal.entries()] == list(
        range(1, end + 2)
    )


def fill(logbook: Logbook, draft: Draft) -> None:
    for _ in range(1000):
        logbook.append(draft)


def test_a_plan_may_use_the_reserve(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    really = site.journal.store.add

    def full_once(entries: Sequence[Entry], plan: StoredPlan | None = None) -> None:
        tries.append(site.path.with_suffix(".reserve").stat().st_size)
        if len(tries) == 1:
            raise JournalFull("no room")
        really(entries, plan)

    monkeypatch.setattr(site.journal.store, "add", full_once)
    site.logbook.accept(plan(), b"payload")
    assert tries == [RESERVE_BYTES, 0]
    assert site.journal.plan_at(0) == b"payload"
    assert site.logbook.ledger.accepted == (1, 1)
