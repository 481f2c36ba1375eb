"""The journal: gapless, hash-chained, durable when `append` returns.

What it means to be a journal is here; where its bytes lie is a `Store`'s affair. Nothing is ever
overwritten, dropped or pruned.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.contract.batch import NO_HEAD, first_head, next_head
from gateway.contract.errors import JournalCorrupt, JournalError
from gateway.contract.record import Record, decode_record, encode_record
from gateway.details import detail, of_error

RESERVE_BYTES = 1024 * 1024
"""Room kept for every record of the cycles under way and for the people's decisions."""


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


@dataclass(frozen=True)
class StoredPlan:
    """An accepted plan's payload; plans are ordered by incarnation, then version."""

    incarnation: int
    version: int
    payload: bytes


class Store(Protocol):
    """Where one journal's bytes lie; one process has it open for writing.

    `add` and `put` are *durable when they return, and all or nothing*: whatever ends the process
    or takes its power, afterwards the store holds either the whole call or no part of it. A call
    that did not return may be either. One that raises has changed nothing. Everything may raise
    `JournalCorrupt` for bytes that cannot be what was written, and `JournalError`; what writes
    may raise `JournalFull`.
    """

    name: str
    """What messages call it: the file's path."""

    def get(self, key: str) -> str | None:
        """A value of the journal's own description; None where there is none."""

    def put(self, values: Mapping[str, str]) -> None:
        """Keep values of its description, in one commit."""

    def last(self) -> Entry | None:
        """The newest record; None while there is none."""

    def entries(self, first: int, last: int) -> Iterator[Entry]:
        """Records `first` to `last` as far as there are such, in order."""

    def head_at(self, seq: int) -> bytes | None:
        """The head kept with record `seq`; None where there is no such record."""

    def add(self, entries: Sequence[Entry], plan: StoredPlan | None = None) -> None:
        """Add records, and the plan that they accept, in one commit.

        Refuses, as `JournalError`, a record that does not follow the newest one.
        """

    def plan(self, age: int) -> bytes | None:
        """The newest plan's payload (`age` 0), or that of the one so many before it."""

    def plan_of(self, incarnation: int, version: int) -> bytes | None:
        """The payload of the plan of that version; None where it is not held."""

    def check(self) -> None:
        """Look at what holds no record as well; raises `JournalCorrupt`."""

    def restore_reserve(self) -> bool:
        """Set `RESERVE_BYTES` of room aside; False when there is none for it."""

    def release_reserve(self) -> None:
        """Give that room to the next records."""

    def close(self) -> None: ...


def description(gateway: str, epoch: int, previous: bytes = NO_HEAD) -> dict[str, str]:
    """What a new journal says of itself, before its first record."""
    return {
        "gateway": gateway,
        "epoch": str(epoch),
        "previous_head": previous.hex(),
        "boot": "0",
        "incarnation": "0",
        "committed": "0",
        "committed_head": first_head(gateway, epoch, previous).hex(),
    }


def _nonce() -> str:
    return secrets.token_hex(8)


class Journal:
    """An open journal. `nonce` gives 16 hex digits that no other start has."""

    def __init__(self, store: Store, *, nonce: Callable[[], str] = _nonce) -> None:
        """Raises `JournalCorrupt` or `JournalError`, and has then closed the store."""
        self.store = store
        self.name = store.name
        self._nonce = nonce
        self.listeners: list[Callable[[], None]] = []
        try:
            self.gateway = self.meta("gateway")
            self.epoch = int(self.meta("epoch"))
            self.first_head = first_head(
                self.gateway, self.epoch, bytes.fromhex(self.meta("previous_head"))
            )
            last = store.last()
        except ValueError as error:
            store.close()
            told = detail("description-damaged", journal=self.name, fault=error)
            raise JournalCorrupt(told) from error
        except JournalError:
            store.close()
            raise
        self.end = last.seq if last else 0
        self.head = last.head if last else self.first_head

    def close(self) -> None:
        self.store.close()

    # -- what it holds

    def meta(self, key: str) -> str:
        value = self.store.get(key)
        if value is None:
            raise JournalCorrupt(detail("description-lacks", journal=self.name, key=key))
        return value

    def set_meta(self, key: str, value: str) -> None:
        """Durable when it returns."""
        self.store.put({key: value})

    def entries(self, first: int = 1, last: int | None = None) -> Iterator[Entry]:
        """Records `first` to `last`, in order."""
        return self.store.entries(first, self.end if last is None else last)

    def records(self) -> Iterator[Record]:
        """Every record, decoded."""
        return (decode_record(entry.body) for entry in self.entries())

    def head_at(self, seq: int) -> bytes | None:
        """The head after record `seq`; None beyond the end."""
        return self.first_head if seq == 0 else self.store.head_at(seq)

    def cursor(self) -> Cursor:
        try:
            return Cursor(
                int(self.meta("incarnation")),
                int(self.meta("committed")),
                bytes.fromhex(self.meta("committed_head")),
            )
        except ValueError as error:
            told = detail("receipt-damaged", journal=self.name, fault=error)
            raise JournalCorrupt(told) from error

    def plan_at(self, age: int) -> bytes | None:
        """The newest accepted plan (`age` 0), or the one that was in force so many before it."""
        return self.store.plan(age)

    def plan_of(self, incarnation: int, version: int) -> bytes | None:
        """The payload of an accepted plan; None where it is not held."""
        return self.store.plan_of(incarnation, version)

    def verify(self) -> None:
        """Walk the whole chain; raises `JournalCorrupt` that names the first bad record.

        Then what holds no record.
        """
        head, expected = self.first_head, 1
        try:
            for entry in self.entries():
                code = _fault(entry, expected, head)
                if code:
                    fault = detail(code, journal=self.name, seq=expected)
                    break
                head, expected = entry.head, expected + 1
            else:
                self.store.check()
                return
        except JournalCorrupt as error:
            if expected > self.end:
                raise
            fault = detail(
                "record-unreadable", journal=self.name, seq=expected, fault=of_error(error)
            )
        raise JournalCorrupt(fault)

    # -- what is added

    def append(self, *records: Callable[[int], Record]) -> tuple[Record, ...]:
        """Add records in one commit; each is built from its sequence number.

        Durable when it returns. Raises `JournalFull` or `JournalError`, and then holds none.
        """
        return self._add(records, None)

    def accept_plan(
        self, incarnation: int, version: int, payload: bytes, record: Callable[[int], Record]
    ) -> Record:
        """Keep a plan and the record that accepts it, in one commit."""
        (built,) = self._add((record,), StoredPlan(incarnation, version, payload))
        return built

    def _add(
        self, records: Sequence[Callable[[int], Record]], plan: StoredPlan | None
    ) -> tuple[Record, ...]:
        built: list[Record] = []
        entries: list[Entry] = []
        head = self.head
        for seq, build in enumerate(records, start=self.end + 1):
            record = build(seq)
            body = encode_record(record)
            head = next_head(head, body)
            built.append(record)
            entries.append(Entry(seq, body, head))
        self.store.add(entries, plan)
        self.end += len(entries)
        self.head = head
        for listener in self.listeners:
            listener()
        return tuple(built)

    def move_cursor(self, cursor: Cursor, receipt: str = "") -> None:
        """Keep what the register's receipt said, and the receipt as it was signed."""
        self.store.put(
            {
                "incarnation": str(cursor.incarnation),
                "committed": str(cursor.committed),
                "committed_head": cursor.head.hex(),
                "receipt": receipt,
            }
        )

    def receipt(self) -> str | None:
        """Return the receipt that moved the cursor; None where an older version kept none."""
        return self.store.get("receipt") or None

    def next_boot(self) -> tuple[int, str]:
        """Count this start; returns the counter and a fresh nonce (16 hex digits)."""
        counter = int(self.meta("boot")) + 1
        self.set_meta("boot", str(counter))
        return counter, self._nonce()

    # -- room

    def restore_reserve(self) -> bool:
        """Keep the reserve whole; False when there is no room for it."""
        return self.store.restore_reserve()

    def release_reserve(self) -> None:
        """Give the reserve's room to the records of a cycle that has begun."""
        self.store.release_reserve()


def _fault(entry: Entry, expected: int, head: bytes) -> str:
    """The code of what is wrong with it, or nothing."""
    if entry.seq != expected:
        return "record-missing"
    return "" if next_head(head, entry.body) == entry.head else "record-changed"
