"""The journal's file: SQLite, one file an epoch, WAL, synchronous=FULL.

One connection in the running gateway writes and checkpoints; whoever else wants to read asks
that gateway over its local socket, or opens the file read-only when none runs. Triggers refuse
whatever would change a record.
"""

import contextlib
import errno
import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.contract.batch import NO_HEAD, next_head
from gateway.contract.errors import JournalCorrupt, JournalError, JournalFull
from gateway.details import detail, of_system
from gateway.journal import RESERVE_BYTES, Entry, Journal, StoredPlan, description
from gateway.pages import Pages, Value, read_log, read_pages

BUSY_S = 1.0
"""Nobody else writes, and readers do not hinder: a file that is locked longer is in wrong hands."""

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE record (seq INTEGER PRIMARY KEY, body BLOB NOT NULL, head BLOB NOT NULL) STRICT;
CREATE TABLE plan (
    incarnation INTEGER NOT NULL, version INTEGER NOT NULL, payload BLOB NOT NULL,
    PRIMARY KEY (incarnation, version)
) STRICT;
CREATE TRIGGER record_is_final BEFORE UPDATE ON record
    BEGIN SELECT RAISE(ABORT, 'a record is never changed'); END;
CREATE TRIGGER record_stays BEFORE DELETE ON record
    BEGIN SELECT RAISE(ABORT, 'a record is never removed'); END;
CREATE TRIGGER record_follows BEFORE INSERT ON record
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM record)
    BEGIN SELECT RAISE(ABORT, 'a record follows the last one, and replaces none'); END;
"""
_FILE = re.compile(r"epoch-([0-9]{4,})\.db")
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""How the system says that a disk is full, to this user at least."""
_Statement = tuple[str, tuple[object, ...]]


def journal_path(folder: Path, epoch: int) -> Path:
    return folder / f"epoch-{epoch:04d}.db"


def newest_journal(folder: Path) -> Path | None:
    """The journal of the newest epoch, or None before the first enrolment."""
    found = {
        int(name[1]): path for path in folder.glob("*.db") if (name := _FILE.fullmatch(path.name))
    }
    return found[max(found)] if found else None


def epoch_of(path: Path) -> int:
    """The epoch in a journal's file name."""
    name = _FILE.fullmatch(path.name)
    assert name is not None
    return int(name[1])


def create(path: Path, gateway: str, epoch: int, previous: bytes = NO_HEAD) -> None:
    """A new, empty journal; only enrolment does this. Raises JournalError if there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        raise JournalError(detail("epoch-exists", journal=path))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.executescript(_SCHEMA)
        values = description(gateway, epoch, previous)
        db.executemany("INSERT INTO meta VALUES (?, ?)", list(values.items()))
    path.chmod(0o600)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def open_journal(path: Path, *, writable: bool, guarded: int = 0) -> Journal:
    """The journal of a file. Raises `JournalCorrupt` or `JournalError`.

    `guarded`: the record that the guard knows.
    """
    return Journal(SqliteStore(path, writable=writable, guarded=guarded))


def must_be_free(path: Path) -> None:
    """Raises `JournalError` while a gateway's process has this journal open."""
    _unlock(_lock(path))


def check_log(path: Path, guarded: int = 0) -> None:
    """Raises `JournalCorrupt` where SQLite would drop a record that was safe on the disk.

    SQLite drops the log from the first damaged frame on, without a word, and the next write takes
    the place of what was dropped. So a journal is not opened for writing before its log was read.
    A log whose last transaction alone does not hold is what a power cut leaves: that one was never
    acknowledged, unless the guard knows a record of it (`guarded`: its number).
    """
    try:
        log = read_log(path)
        if not log.dropped:
            return
        kept = read_pages(path, log.kept)
    except OSError as error:
        raise JournalError(detail("file-fails", journal=path, fault=of_system(error))) from error
    records = {row: columns[2] for row, columns in kept.rows() if is_record(columns)}
    end = max(records, default=0)
    lost = False
    for index, transaction in enumerate(log.dropped_transactions()):
        pages = Pages(kept.size)
        for frame in transaction:
            pages.add(frame.page, frame.content)
        # What is left of a transaction that a power cut tore long ago leads on from nothing here.
        lost |= index > 0 and any(
            is_record(columns) and row == end + 1 and _leads_on(records.get(end), columns)
            for row, columns in pages.rows()
        )
    if lost or guarded > end:
        raise JournalCorrupt(detail("log-damaged", journal=path, end=end))


def _leads_on(head: Value, columns: tuple[Value, ...]) -> bool:
    _, body, after = columns
    assert isinstance(body, bytes)
    return not isinstance(head, bytes) or next_head(head, body) == after


def is_record(columns: tuple[Value, ...]) -> bool:
    """Return whether columns have the form of a record's row: body and head, after a null.

    SQLite keeps the number itself as the row's id.
    """
    return (
        len(columns) == 3
        and columns[0] is None
        and isinstance(columns[1], bytes)
        and isinstance(columns[2], bytes)
        and len(columns[2]) == 32
    )


class SqliteStore:
    """An open file. `writable` takes the lock and the reserve; a second writer is refused."""

    def __init__(self, path: Path, *, writable: bool, guarded: int = 0) -> None:
        self.path = path
        self.name = str(path)
        self._lock: tuple[int, ...] = ()
        if not path.is_file():
            raise JournalError(detail("no-journal", journal=path))
        if writable:
            self._lock = _lock(path)
        try:
            if writable:
                check_log(path, guarded)
            try:
                self._connect(writable=writable)
            except JournalFull:
                if not writable:
                    raise
                self.release_reserve()  # the log and its index have to be made before anything
                self._connect(writable=writable)
            if writable:
                self.restore_reserve()
        except JournalError:
            self.close()
            raise

    def _connect(self, *, writable: bool) -> None:
        mode = "rw" if writable else "ro"
        try:
            self._db = sqlite3.connect(
                f"{self.path.resolve().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                timeout=BUSY_S,
            )
            if writable:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error as error:
            if hasattr(self, "_db"):
                self._db.close()
            raise _in_our_words(self.path, error) from error

    def close(self) -> None:
        if hasattr(self, "_db"):
            self._db.close()
        _unlock(self._lock)
        self._lock = ()

    # -- what it holds

    def get(self, key: str) -> str | None:
        row = self._one("SELECT value FROM meta WHERE key = ?", key)
        return None if row is None else str(row[0])

    def last(self) -> Entry | None:
        row = self._one("SELECT seq, body, head FROM record ORDER BY seq DESC LIMIT 1")
        return self._entry(*row) if row else None

    def entries(self, first: int, last: int) -> Iterator[Entry]:
        try:
            rows = self._db.execute(
                "SELECT seq, body, head FROM record WHERE seq BETWEEN ? AND ? ORDER BY seq",
                (first, last),
            )
            for row in rows:
                yield self._entry(*row)
        except sqlite3.Error as error:
            raise _in_our_words(self.path, error) from error

    def head_at(self, seq: int) -> bytes | None:
        row = self._one("SELECT head FROM record WHERE seq = ?", seq)
        return self._blob(row[0]) if row else None

    def plan(self, age: int) -> bytes | None:
        row = self._one(
            "SELECT payload FROM plan ORDER BY incarnation DESC, version DESC LIMIT 1 OFFSET ?", age
        )
        return self._blob(row[0]) if row else None

    def plan_of(self, incarnation: int, version: int) -> bytes | None:
        row = self._one(
            "SELECT payload FROM plan WHERE incarnation = ? AND version = ?", incarnation, version
        )
        return self._blob(row[0]) if row else None

    def check(self) -> None:
        """SQLite's own look at the file; raises `JournalCorrupt`."""
        found = self._one("PRAGMA quick_check(1)")
        if found is None or found[0] != "ok":
            code = "file-damaged" if found else "file-unchecked"
            facts = {"fault": found[0]} if found else {}
            raise JournalCorrupt(detail(code, journal=self.path, **facts))

    def copy_into(self, copy: sqlite3.Connection) -> None:
        """A consistent copy of the whole file, whoever writes meanwhile."""
        try:
            self._db.backup(copy)
        except sqlite3.Error as error:
            raise _in_our_words(self.path, error) from error

    def _entry(self, seq: int, body: object, head: object) -> Entry:
        return Entry(seq, self._blob(body), self._blob(head))

    def _blob(self, value: object) -> bytes:
        """SQLite's own promise of a BLOB that is not null does not hold on a damaged page."""
        if not isinstance(value, bytes):
            found = type(value).__name__
            raise JournalCorrupt(detail("no-bytes", journal=self.path, found=found))
        return value

    def _one(self, sql: str, *values: object) -> Any:
        """One row, or None."""
        try:
            return self._db.execute(sql, values).fetchone()
        except sqlite3.Error as error:
            raise _in_our_words(self.path, error) from error

    # -- what is added

    def put(self, values: Mapping[str, str]) -> None:
        self._write(
            [("INSERT OR REPLACE INTO meta VALUES (?, ?)", pair) for pair in values.items()]
        )

    def add(self, entries: Sequence[Entry], plan: StoredPlan | None = None) -> None:
        statements: list[_Statement] = []
        if plan is not None:
            row = (plan.incarnation, plan.version, plan.payload)
            statements.append(("INSERT INTO plan VALUES (?, ?, ?)", row))
        for entry in entries:
            values = (entry.seq, entry.body, entry.head)
            statements.append(("INSERT INTO record VALUES (?, ?, ?)", values))
        self._write(statements)

    def _write(self, statements: Sequence[_Statement]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for sql, values in statements:
                self._db.execute(sql, values)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.Error):  # the first error is the one to tell
                    self._db.execute("ROLLBACK")
            raise _in_our_words(self.path, error) from error

    # -- room

    def restore_reserve(self) -> bool:
        return keep_reserve(self.path)

    def release_reserve(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.truncate(_reserve(self.path), 0)


def keep_reserve(journal: Path) -> bool:
    """Set a journal's reserve aside; False when there is no room for it. Raises JournalError."""
    reserve = _reserve(journal)
    try:
        descriptor = os.open(reserve, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NO_ROOM:
            told = detail("reserve-fails", reserve=reserve, fault=of_system(error))
            raise JournalError(told) from error
        return False
    return True


def _reserve(journal: Path) -> Path:
    return journal.with_suffix(".reserve")


def _lock(path: Path) -> tuple[int, ...]:
    """Lock the journal itself, for as long as the descriptors returned are open.

    A file beside it can be deleted, and a second process then locks a new one. `flock` because
    SQLite's own locks are of `fcntl`, and these end when any descriptor of the file is closed: so
    a journal's connection is closed before its lock.
    """
    former = path.with_suffix(".lock")  # all that a running gateway of version 0.1 locks
    held: list[int] = []
    try:
        for file in (path, former) if former.exists() else (path,):
            held.append(os.open(file, os.O_RDWR))
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        _unlock(held)
        if isinstance(error, BlockingIOError):
            raise JournalError(detail("journal-locked", journal=path)) from error
        told = detail("journal-not-locked", journal=path, fault=of_system(error))
        raise JournalError(told) from error
    return tuple(held)


def _unlock(held: Sequence[int]) -> None:
    for descriptor in held:
        os.close(descriptor)


def _in_our_words(path: Path, error: sqlite3.Error) -> JournalError:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and _is_full(path)):
        return JournalFull(detail("no-room", journal=path))
    # SQLITE_ERROR is a table of ours that is not there: a file cut to nothing.
    if name.startswith("SQLITE_CORRUPT") or name in ("SQLITE_NOTADB", "SQLITE_ERROR"):
        return JournalCorrupt(detail("file-damaged", journal=path, fault=error))
    return JournalError(detail("file-fails", journal=path, fault=error))


def _is_full(path: Path) -> bool:
    """SQLite reports a full disk under WAL as an I/O error now and then."""
    space = os.statvfs(path.parent)
    return space.f_bavail * space.f_frsize < RESERVE_BYTES
