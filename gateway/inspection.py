"""Reading a journal from outside: verify, show, export. Nothing is changed.

A running gateway alone knows how far its journal goes, so it is asked over its local socket;
when none runs the file is opened read-only. Both ways say which they were.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.contract.batch import next_head
from gateway.contract.errors import ContractError, JournalCorrupt, JournalError, RolledBack
from gateway.contract.record import decode_record
from gateway.guard import Guard, GuardFile
from gateway.journal import Entry, Journal
from gateway.latches import check_guard
from gateway.local import PAGE, client
from gateway.store import SqliteStore, check_log, open_journal


@dataclass(frozen=True)
class Report:
    """What `journal verify` found."""

    journal: str
    gateway: str
    epoch: int
    records: int
    head: str
    running: bool
    guard: str
    receipt: str
    faults: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        return {**self.__dict__, "good": self.good, "faults": list(self.faults)}

    def in_words(self) -> str:
        lines = [
            f"{self.journal}: {self.gateway}, epoch {self.epoch}, {self.records} records",
            f"  asked: {'the running gateway' if self.running else 'the file; no gateway runs'}",
            f"  head: {self.head}",
            f"  guard: {self.guard}",
            f"  last receipt: {self.receipt}",
        ]
        lines += [f"  FAULT: {fault}" for fault in self.faults] or ["  good: every record is whole"]
        return "\n".join(lines)


def verify(path: Path) -> Report:
    """Walk the chain, then compare its end with the guard and the last receipt."""
    journal = open_journal(path, writable=False)
    try:
        running, entries = _entries(path, journal)
        head, count, faults = journal.first_head, 0, []
        try:
            for entry in entries:
                fault = _fault(entry, count + 1, head)
                if fault:
                    faults.append(fault)
                    break
                head, count = entry.head, count + 1
        except JournalCorrupt as error:
            faults.append(f"record {count + 1} cannot be read: {error}")
        if not faults:
            try:
                if not running:
                    check_log(path)
                journal.store.check()
            except JournalCorrupt as error:
                faults.append(str(error))
        guard, guard_fault = _compare_guard(journal)
        receipt, receipt_fault = _compare_receipt(journal)
        faults += [fault for fault in (guard_fault, receipt_fault) if fault]
        return Report(
            str(path),
            journal.gateway,
            journal.epoch,
            count,
            head.hex(),
            running,
            guard,
            receipt,
            tuple(faults),
        )
    finally:
        journal.close()


def show(path: Path, *, as_json: bool) -> Iterator[str]:
    """The records, one line each."""
    journal = open_journal(path, writable=False)
    try:
        _, entries = _entries(path, journal)
        for entry in entries:
            text = entry.body.decode("utf-8", errors="replace")
            yield text if as_json else f"{entry.seq}\t{entry.head.hex()[:12]}\t{text}"
    finally:
        journal.close()


def export(path: Path, target: Path) -> int:
    """A consistent copy, whether a gateway runs or not; the number of records in it."""
    store = SqliteStore(path, writable=False)
    Journal(store)  # it is a journal at all
    try:
        try:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError as error:
            raise JournalError(f"{target} exists; an export never overwrites") from error
        except OSError as error:
            raise JournalError(f"{target}: {error.strerror}") from error
        try:
            with closing(sqlite3.connect(target)) as copy:
                store.copy_into(copy)
                copy.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it
                return int(copy.execute("SELECT count(*) FROM record").fetchone()[0])
        except (JournalError, sqlite3.Error) as error:
            target.unlink()
            if isinstance(error, JournalError):
                raise
            raise JournalError(f"{target}: {error}") from error
    finally:
        store.close()


def _entries(path: Path, journal: Journal) -> tuple[bool, Iterator[Entry]]:
    http = client(path)
    if http is None:
        return False, journal.entries()

    import httpx

    def pages() -> Iterator[Entry]:
        first = 1
        with closing(http):
            while True:
                try:
                    page = http.get("/journal", params={"first": first}).raise_for_status().json()
                except httpx.HTTPError as error:
                    raise JournalError(f"{path}: its gateway no longer answers: {error}") from error
                for seq, body, head in page["entries"]:
                    yield Entry(seq, bytes.fromhex(body), bytes.fromhex(head))
                if len(page["entries"]) < PAGE:
                    return
                first += PAGE

    return True, pages()


def _fault(entry: Entry, expected: int, head: bytes) -> str:
    if entry.seq != expected:
        return f"record {expected} is missing"
    if next_head(head, entry.body) != entry.head:
        return f"record {entry.seq} does not hash to its head: its bytes were changed"
    try:
        record = decode_record(entry.body)
    except ContractError as error:
        return f"record {entry.seq} cannot be decoded: {error}"
    if record.seq != entry.seq:
        return f"record {entry.seq} says that it is record {record.seq}"
    return ""


def _compare_guard(journal: Journal) -> tuple[str, str]:
    try:
        guard = Guard(GuardFile(Path(journal.meta("guard"))))
    except JournalCorrupt:
        return "not known to this journal", ""
    try:
        check_guard(journal, guard)
    except RolledBack as error:
        if _moved_on(journal, guard):
            return f"{guard.name}: of a later epoch; this one is closed", ""
        return f"{guard.name}", f"rolled back: {error}"
    return f"{guard.name}: record {guard.read().seq}, as here", ""


def _moved_on(journal: Journal, guard: Guard) -> bool:
    try:
        mark = guard.read()
    except RolledBack:
        return False
    return mark.gateway == journal.gateway and mark.epoch > journal.epoch


def _compare_receipt(journal: Journal) -> tuple[str, str]:
    cursor = journal.cursor()
    head = journal.head_at(cursor.committed)
    if head is None:
        return f"record {cursor.committed}", f"rolled back: it ends at {journal.end}"
    if head != cursor.head:
        return f"record {cursor.committed}", f"record {cursor.committed} is another one there"
    return f"record {cursor.committed} of incarnation {cursor.incarnation}, as here", ""
