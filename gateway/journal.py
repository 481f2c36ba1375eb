"""The journal: SQLite, one file an epoch, gapless, hash-chained, durable when `append` returns.

One connection in the running gateway writes and checkpoints; whoever else wants to read asks
that gateway over its local socket, or opens the file read-only when none runs. Nothing is ever
overwritten, dropped or pruned: triggers refuse it.
"""

import errno
import fcntl
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.contract.batch import NO_HEAD, first_head, next_head
from gateway.contract.errors import JournalCorrupt, JournalError, JournalFull
from gateway.contract.record import Record, decode_record, encode_record

RESERVE_BYTES = 1024 * 1024
"""Room kept for every record of the cycles under way and for the people's decisions."""

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
"""


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
    return max(folder.glob("epoch-*.db"), default=None)


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
                f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None
            )
            if writable:
                self._db.execute("PRAGMA synchronous=FULL")
            self.gateway = self.meta("gateway")
            self.epoch = int(self.meta("epoch"))
            self.first_head = first_head(
                self.gateway, self.epoch, bytes.fromhex(self.meta("previous_head"))
            )
            row = self._db.execute(
                "SELECT seq, head FROM record ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        except sqlite3.DatabaseError as error:
            self.close()
            raise JournalCorrupt(f"{path}: {error}") from error
        self.end: int = row[0] if row else 0
        self.head: bytes = bytes(row[1]) if row else self.first_head
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
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise JournalCorrupt(f"{self.path}: {key} is missing")
        return str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Durable when it returns."""
        self._write([("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))])

    def entries(self, first: int = 1, last: int | None = None) -> Iterator[Entry]:
        """Records `first` to `last`, in order."""
        rows = self._db.execute(
            "SELECT seq, body, head FROM record WHERE seq BETWEEN ? AND ? ORDER BY seq",
            (first, self.end if last is None else last),
        )
        try:
            for seq, body, head in rows:
                yield Entry(seq, bytes(body), bytes(head))
        except sqlite3.DatabaseError as error:
            raise JournalCorrupt(f"{self.path}: {error}") from error

    def records(self) -> Iterator[Record]:
        """Every record, decoded."""
        return (decode_record(entry.body) for entry in self.entries())

    def head_at(self, seq: int) -> bytes | None:
        """The head after record `seq`; None beyond the end."""
        if seq == 0:
            return self.first_head
        row = self._db.execute("SELECT head FROM record WHERE seq = ?", (seq,)).fetchone()
        return bytes(row[0]) if row else None

    def cursor(self) -> Cursor:
        return Cursor(
            int(self.meta("incarnation")),
            int(self.meta("committed")),
            bytes.fromhex(self.meta("committed_head")),
        )

    def newest_plan(self) -> bytes | None:
        row = self._db.execute(
            "SELECT payload FROM plan ORDER BY incarnation DESC, version DESC LIMIT 1"
        ).fetchone()
        return bytes(row[0]) if row else None

    def verify(self) -> None:
        """Walk the whole chain; raises `JournalCorrupt` that names the first bad record."""
        head, expected = self.first_head, 1
        try:
            for entry in self.entries():
                fault = _fault(entry, expected, head)
                if fault:
                    break
                head, expected = entry.head, expected + 1
            else:
                return
        except JournalCorrupt as error:
            fault = f"record {expected} cannot be read ({error})"
        raise JournalCorrupt(f"{self.path}: {fault}")

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
                self._db.execute("ROLLBACK")
            raise _in_our_words(self.path, error) from error

    # -- room

    def restore_reserve(self) -> bool:
        """Keep the reserve on disk; False when there is no room for it."""
        descriptor = os.open(self._reserve, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise JournalError(f"{self._reserve}: {error.strerror}") from error
            return False
        finally:
            os.close(descriptor)
        return True

    def release_reserve(self) -> None:
        """Give the reserve's room to the records of a cycle that has begun."""
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
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
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
    if name in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return JournalCorrupt(f"{path}: {error}")
    return JournalError(f"{path}: {error}")


def _is_full(path: Path) -> bool:
    """SQLite reports a full disk under WAL as an I/O error now and then."""
    space = os.statvfs(path.parent)
    return space.f_bavail * space.f_frsize < RESERVE_BYTES
