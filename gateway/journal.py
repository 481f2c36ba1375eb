"""The journal: SQLite, one file an epoch, gapless, hash-chained, durable when `append` returns.

One connection in the running gateway writes and checkpoints; whoever else wants to read asks
that gateway over its local socket, or opens the file read-only when none runs. Nothing is ever
overwritten, dropped or pruned: triggers refuse it.
"""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.contract.batch import NO_HEAD, first_head, next_head
from gateway.contract.errors import JournalCorrupt, JournalError, JournalFull
from gateway.contract.record import Record, decode_record, encode_record

RESERVE_BYTES = 1024 * 1024
"""Room kept for every record of the cycles under way and for the people's decisions."""
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
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Cursor:
    """How far the register has committed, by its last valid receipt."""

    incarnation: int
    committed: int
    head: bytes


@dataclass(frozen=True)
class Entry:
    """One record as it lies in the journal."""

    seq: int
    body: bytes
    head: bytes


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
        raise JournalError(f"{path} exists; an epoch is opened once")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.executescript(_SCHEMA)
        db.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            [
                ("gateway", gateway),
                ("epoch", str(epoch)),
                ("previous_head", previous.hex()),
                ("boot", "0"),
                ("incarnation", "0"),
                ("committed", "0"),
                ("committed_head", first_head(gateway, epoch, previous).hex()),
            ],
        )
    path.chmod(0o600)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Journal:
    """An open journal. `writable` takes the lock; a second writer is refused."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path = path
        self._lock: int | None = None
        if not path.is_file():
            raise JournalError(f"{path}: there is no such journal")
        if writable:
            self._lock = _lock(path)
        mode = "rw" if writable else "ro"
        try:
            self._db = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                timeout=BUSY_S,
            )
            if writable:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
            self.gateway = self.meta("gateway")
            self.epoch = int(self.meta("epoch"))
            self.first_head = first_head(
                self.gateway, self.epoch, bytes.fromhex(self.meta("previous_head"))
            )
            row = self._one("SELECT seq, head FROM record ORDER BY seq DESC LIMIT 1")
        except sqlite3.Error as error:
            self.close()
            raise _in_our_words(path, error) from error
        except ValueError as error:
            self.close()
            raise JournalCorrupt(f"{path}: its own description is damaged: {error}") from error
        except JournalError:
            self.close()
            raise
        self.end: int = row[0] if row else 0
        self.head: bytes = self.first_head
        if row:
            try:
                self.head = self._blob(row[1])
            except JournalCorrupt:
                self.close()
                raise
        self.listeners: list[Callable[[], None]] = []
        if writable:
            self._reserve = path.with_suffix(".reserve")
            self.restore_reserve()

    def close(self) -> None:
        if hasattr(self, "_db"):
            self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # -- what it holds

    def meta(self, key: str) -> str:
        row = self._one("SELECT value FROM meta WHERE key = ?", key)
        if row is None:
            raise JournalCorrupt(f"{self.path}: {key} is missing")
        return str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Durable when it returns."""
        self._write([("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))])

    def entries(self, first: int = 1, last: int | None = None) -> Iterator[Entry]:
        """Records `first` to `last`, in order."""
        try:
            rows = self._db.execute(
                "SELECT seq, body, head FROM record WHERE seq BETWEEN ? AND ? ORDER BY seq",
                (first, self.end if last is None else last),
            )
            for seq, body, head in rows:
                yield Entry(seq, self._blob(body), self._blob(head))
        except sqlite3.Error as error:
            raise _in_our_words(self.path, error) from error

    def records(self) -> Iterator[Record]:
        """Every record, decoded."""
        return (decode_record(entry.body) for entry in self.entries())

    def head_at(self, seq: int) -> bytes | None:
        """The head after record `seq`; None beyond the end."""
        if seq == 0:
            return self.first_head
        row = self._one("SELECT head FROM record WHERE seq = ?", seq)
        return self._blob(row[0]) if row else None

    def cursor(self) -> Cursor:
        try:
            return Cursor(
                int(self.meta("incarnation")),
                int(self.meta("committed")),
                bytes.fromhex(self.meta("committed_head")),
            )
        except ValueError as error:
            raise JournalCorrupt(f"{self.path}: the last receipt is damaged: {error}") from error

    def plan_at(self, age: int) -> bytes | None:
        """The newest accepted plan (`age` 0), or the one that was in force so many before it."""
        row = self._one(
            "SELECT payload FROM plan ORDER BY incarnation DESC, version DESC LIMIT 1 OFFSET ?", age
        )
        return self._blob(row[0]) if row else None

    def _blob(self, value: object) -> bytes:
        """SQLite's own promise of a BLOB that is not null does not hold on a damaged page."""
        if not isinstance(value, bytes):
            raise JournalCorrupt(f"{self.path}: {type(value).__name__} where bytes belong")
        return value

    def copy_into(self, copy: sqlite3.Connection) -> None:
        """A consistent copy of the whole file, whoever writes meanwhile."""
        try:
            self._db.backup(copy)
        except sqlite3.Error as error:
            raise _in_our_words(self.path, error) from error

    def _one(self, sql: str, *values: object) -> Any:
        """One row, or None."""
        try:
            return self._db.execute(sql, values).fetchone()
        except sqlite3.Error as error:
            raise _in_our_words(self.path, error) from error

    def verify(self) -> None:
        """Walk the whole chain; raises `JournalCorrupt` that names the first bad record.

        Then every page of the file, for those that hold no record.
        """
        head, expected = self.first_head, 1
        try:
            for entry in self.entries():
                fault = _fault(entry, expected, head)
                if fault:
                    break
                head, expected = entry.head, expected + 1
            else:
                self.check_pages()
                return
        except JournalCorrupt as error:
            if expected > self.end:
                raise
            fault = f"record {expected} cannot be read ({error})"
        raise JournalCorrupt(f"{self.path}: {fault}")

    def check_pages(self) -> None:
        """SQLite's own look at the file; raises `JournalCorrupt`."""
        found = self._one("PRAGMA quick_check(1)")
        if found is None or found[0] != "ok":
            raise JournalCorrupt(f"{self.path}: {found[0] if found else 'it cannot be checked'}")

    # -- what is added

    def append(self, *records: Callable[[int], Record]) -> tuple[Record, ...]:
        """Add records in one commit; each is built from its sequence number.

        Durable when it returns. Raises `JournalFull` or `JournalError`, and then holds none.
        """
        built: list[Record] = []
        statements: list[tuple[str, tuple[object, ...]]] = []
        head = self.head
        for seq, build in enumerate(records, start=self.end + 1):
            record = build(seq)
            body = encode_record(record)
            head = next_head(head, body)
            built.append(record)
            statements.append(("INSERT INTO record VALUES (?, ?, ?)", (seq, body, head)))
        self._write(statements)
        self.end += len(records)
        self.head = head
        for listener in self.listeners:
            listener()
        return tuple(built)

    def accept_plan(
        self, incarnation: int, version: int, payload: bytes, record: Callable[[int], Record]
    ) -> Record:
        """Keep a plan and the record that accepts it, in one commit."""
        built = record(self.end + 1)
        body = encode_record(built)
        head = next_head(self.head, body)
        self._write(
            [
                ("INSERT INTO plan VALUES (?, ?, ?)", (incarnation, version, payload)),
                ("INSERT INTO record VALUES (?, ?, ?)", (self.end + 1, body, head)),
            ]
        )
        self.end += 1
        self.head = head
        for listener in self.listeners:
            listener()
        return built

    def move_cursor(self, cursor: Cursor) -> None:
        """Keep what the register's receipt said."""
        self._write(
            [
                ("INSERT OR REPLACE INTO meta VALUES (?, ?)", pair)
                for pair in (
                    ("incarnation", str(cursor.incarnation)),
                    ("committed", str(cursor.committed)),
                    ("committed_head", cursor.head.hex()),
                )
            ]
        )

    def next_boot(self) -> tuple[int, str]:
        """Count this start; returns the counter and a fresh nonce (16 hex digits)."""
        counter = int(self.meta("boot")) + 1
        self.set_meta("boot", str(counter))
        return counter, secrets.token_hex(8)

    def _write(self, statements: list[tuple[str, tuple[object, ...]]]) -> None:
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
        """Keep the reserve on disk; False when there is no room for it."""
        try:
            descriptor = os.open(self._reserve, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise JournalError(f"{self._reserve}: {error.strerror}") from error
            return False
        return True

    def release_reserve(self) -> None:
        """Give the reserve's room to the records of a cycle that has begun."""
        with contextlib.suppress(FileNotFoundError):
            os.truncate(self._reserve, 0)


def must_be_free(path: Path) -> None:
    """Raises `JournalError` while a gateway's process has this journal open."""
    os.close(_lock(path))


def _fault(entry: Entry, expected: int, head: bytes) -> str:
    if entry.seq != expected:
        return f"record {expected} is missing"
    if next_head(head, entry.body) != entry.head:
        return f"record {entry.seq} does not hash to its head"
    return ""


def _lock(path: Path) -> int:
    try:
        descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise JournalError(f"{path}: cannot be locked: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise JournalError(f"{path}: another gateway process has this journal open") from error
    return descriptor


def _in_our_words(path: Path, error: sqlite3.Error) -> JournalError:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and _is_full(path)):
        return JournalFull(f"{path}: no room on the disk")
    # SQLITE_ERROR is a table of ours that is not there: a file cut to nothing.
    if name.startswith("SQLITE_CORRUPT") or name in ("SQLITE_NOTADB", "SQLITE_ERROR"):
        return JournalCorrupt(f"{path}: {error}")
    return JournalError(f"{path}: {error}")


def _is_full(path: Path) -> bool:
    """SQLite reports a full disk under WAL as an I/O error now and then."""
    space = os.statvfs(path.parent)
    return space.f_bavail * space.f_frsize < RESERVE_BYTES
