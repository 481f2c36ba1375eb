"""Disks in memory, with what power, time and other people's bytes do to them.

What `gateway.journal.Store`, `gateway.guard.Slots` and `gateway.latches.Slip` promise holds, and no
more: a call that did not return may have happened or not. A disk that lies loses even what had
returned. `seam(moment, what)` is called before and after each write takes effect; what it raises
ends the process there.
"""

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.contract.batch import NO_HEAD
from gateway.contract.errors import JournalCorrupt, JournalError, JournalFull
from gateway.journal import RESERVE_BYTES, Entry, StoredPlan, description

PLENTY = 1 << 40
SLOT = 512
KEPT_COMMITS = 40
"""How far back a disk that lies may fall."""

Seam = Callable[[str, str], None]


def nothing(_moment: str, _what: str) -> None:
    """The seam of a disk on which nothing happens."""


@dataclass
class Disk:
    """One epoch's journal as it lies there, and the room around it."""

    meta: dict[str, str]
    entries: list[Entry] = field(default_factory=list)
    plans: dict[tuple[int, int], bytes] = field(default_factory=dict)
    room: int = PLENTY
    reserved: bool = False
    broken: bool = False
    """Writes fail, for another reason than room."""
    torn_page: bool = False
    """What is read is not what was written."""
    damaged: set[int] = field(default_factory=set)
    """Records of which a byte was flipped: `entries` holds what was written."""
    open: bool = False
    """A process has it open for writing."""
    _commits: list[tuple[int, dict[tuple[int, int], bytes], dict[str, str]]] = field(
        default_factory=list
    )

    @classmethod
    def new(cls, gateway: str, epoch: int, previous: bytes = NO_HEAD) -> "Disk":
        return cls(description(gateway, epoch, previous))

    @property
    def gateway(self) -> str:
        return self.meta["gateway"]

    @property
    def epoch(self) -> int:
        return int(self.meta["epoch"])

    @property
    def name(self) -> str:
        return f"{self.gateway}/epoch-{self.epoch:04d}"

    def copy(self) -> "Disk":
        """As a backup, or a clone, has it; on a machine with room."""
        return Disk(
            dict(self.meta), list(self.entries), dict(self.plans), damaged=set(self.damaged)
        )

    def read(self) -> Iterator[Entry]:
        """The records as they are read."""
        for entry in self.entries:
            flipped = bytes((entry.body[0] ^ 1,)) + entry.body[1:]
            yield replace(entry, body=flipped) if entry.seq in self.damaged else entry

    def let_go(self) -> None:
        """The process that had it open is gone."""
        self.open = False

    def power_cut(self, lost: int) -> int:
        """Lose the last commits, which the disk had said were safe; how many went."""
        gone = 0
        while gone < lost and self._commits:
            count, self.plans, self.meta = self._commits.pop()
            del self.entries[count:]
            gone += 1
        return gone

    def fill(self, *, reserve_too: bool = False) -> None:
        """Somebody else's bytes take all the room; and the reserve's, where that is meant."""
        self.room = 0
        if reserve_too:
            self.reserved = False

    def free(self) -> None:
        self.room, self.broken = PLENTY, False


class MemoryStore:
    """A process's open journal. See `gateway.journal.Store`."""

    def __init__(self, disk: Disk, *, writable: bool = True, seam: Seam = nothing) -> None:
        self.disk = disk
        self.name = disk.name
        self._seam = seam
        self._writable = writable
        if writable:
            if disk.open:
                raise JournalError(f"{self.name}: another gateway process has this journal open")
            disk.open = True
            self.restore_reserve()

    def close(self) -> None:
        if self._writable:
            self.disk.open = False

    # -- what it holds

    def get(self, key: str) -> str | None:
        return self.disk.meta.get(key)

    def last(self) -> Entry | None:
        return self.disk.entries[-1] if self.disk.entries else None

    def entries(self, first: int, last: int) -> Iterator[Entry]:
        return iter(list(self.disk.read())[max(0, first - 1) : max(0, last)])

    def head_at(self, seq: int) -> bytes | None:
        entries = self.disk.entries
        return entries[seq - 1].head if 1 <= seq <= len(entries) else None

    def plan(self, age: int) -> bytes | None:
        plans = sorted(self.disk.plans, reverse=True)
        return self.disk.plans[plans[age]] if age < len(plans) else None

    def plan_of(self, incarnation: int, version: int) -> bytes | None:
        return self.disk.plans.get((incarnation, version))

    def check(self) -> None:
        if self.disk.torn_page:
            raise JournalCorrupt(f"{self.name}: a page is damaged")

    # -- what is added

    def put(self, values: Mapping[str, str]) -> None:
        self._commit("put", 0, lambda: self.disk.meta.update(values))

    def add(self, entries: Sequence[Entry], plan: StoredPlan | None = None) -> None:
        for expected, entry in enumerate(entries, start=len(self.disk.entries) + 1):
            if entry.seq != expected:
                raise JournalError(f"{self.name}: record {entry.seq} where {expected} follows")
        if plan is not None and (plan.incarnation, plan.version) in self.disk.plans:
            raise JournalError(f"{self.name}: plan {plan.version} is here already")
        size = sum(len(entry.body) for entry in entries) + (len(plan.payload) if plan else 0)

        def write() -> None:
            self.disk.entries += entries
            if plan is not None:
                self.disk.plans[plan.incarnation, plan.version] = plan.payload

        self._commit("add", size, write)

    def _commit(self, what: str, size: int, write: Callable[[], object]) -> None:
        disk = self.disk
        self._seam("before", what)
        if disk.broken:
            raise JournalError(f"{self.name}: disk I/O error")
        if size > disk.room:
            raise JournalFull(f"{self.name}: no room on the disk")
        disk._commits.append((len(disk.entries), dict(disk.plans), dict(disk.meta)))
        del disk._commits[:-KEPT_COMMITS]
        write()
        disk.room -= size
        self._seam("after", what)

    # -- room

    def restore_reserve(self) -> bool:
        if self.disk.reserved:
            return True
        if self.disk.broken or self.disk.room < RESERVE_BYTES:
            return False
        self.disk.room -= RESERVE_BYTES
        self.disk.reserved = True
        return True

    def release_reserve(self) -> None:
        if self.disk.reserved:
            self.disk.reserved = False
            self.disk.room += RESERVE_BYTES


@dataclass
class MemorySlots:
    """The guard's medium. See `gateway.guard.Slots`."""

    slots: list[bytes] = field(default_factory=lambda: [b"", b""])
    present: bool = True
    """False: it was taken out."""
    broken: bool = False
    seam: Seam = nothing
    name: str = "guard"
    _under_way: tuple[int, bytes] = (0, b"")

    def copy(self) -> "MemorySlots":
        return MemorySlots(list(self.slots))

    def read(self) -> Sequence[bytes]:
        self._require()
        return list(self.slots)

    def write(self, slot: int, content: bytes) -> None:
        self._require()
        if self.broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO), self.name)
        self._under_way = slot, content
        self.seam("before", "guard")
        self.slots[slot] = content
        self.seam("after", "guard")

    def tear(self, kept: int) -> None:
        """Cut off the write under way after so many bytes; a negative number loses its page."""
        slot, content = self._under_way
        former = self.slots[slot].ljust(len(content), b"\0")
        self.slots[slot] = b"" if kept < 0 else content[:kept] + former[kept:]

    def create(self, slot: int, content: bytes) -> None:
        self.slots = [b"", b""]
        self.slots[slot] = content
        self.present, self.broken = True, False

    def _require(self) -> None:
        if not self.present:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.name)


@dataclass
class MemorySlip:
    """One epoch's latches. See `gateway.latches.Slip`."""

    content: bytes | None = None
    full: bool = False
    seam: Seam = nothing
    name: str = "latches"

    def read(self) -> bytes | None:
        return self.content

    def replace(self, content: bytes) -> None:
        self.seam("before", "slip")
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.name)
        self.content = content
        self.seam("after", "slip")
