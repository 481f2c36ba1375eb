"""The guard: where the journal stood, kept off the journal's disk.

Two slots are written in turn, each in a file of its own, so that a torn page harms only one word.
What the guard says is a floor: a journal that ends before it was rolled back.
"""

import asyncio
import errno
import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from drivers.aside import aside
from gateway.contract.errors import RolledBack
from gateway.details import detail, of_system

PATIENCE_S = 5.0
"""How long a cycle waits for the guard to be written."""
_SLOT = 512

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mark:
    """The journal's place: `head` is the 32 raw bytes after record `seq`."""

    gateway: str
    epoch: int
    seq: int
    head: bytes


class Slots(Protocol):
    """A small medium of two slots.

    A write is durable when it returns. One that is cut off leaves anything in its slot, also
    nothing that can be read, and never touches the other slot.
    """

    name: str
    """What messages call it: the path."""

    def read(self) -> Sequence[bytes]:
        """Return what can be read, each with the words that lie in it; raises OSError."""

    def write(self, slot: int, content: bytes) -> None:
        """Write slot 0 or 1; raises OSError, also when the medium is not there."""

    def create(self, slot: int, content: bytes) -> None:
        """Start anew with this one slot; raises OSError."""


class GuardFile:
    """The slots in two files, `<path>.0` and `<path>.1`.

    `write` makes no file: one that is gone is a medium that was taken out, and a new one would lie
    on whatever disk is under its place.

    Version 0.1 kept both slots in one file at `path`. As long as it is there it counts, and the
    newest word of all files is the guard's; the first write that is durable in a file of its own
    removes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.resolve())
        self._files = tuple(path.with_name(f"{path.name}.{slot}") for slot in range(2))

    def read(self) -> Sequence[bytes]:
        """A file that is missing is no torn page: it may hold the newest word."""
        found = [self.path.read_bytes()] if self.path.exists() else []
        taken_over = not found
        for file in self._files:
            try:
                found.append(file.read_bytes())
            except FileNotFoundError:
                if taken_over:
                    raise
            except OSError as error:
                if error.errno != errno.EIO:  # how a page that was torn is read
                    raise
        return found

    def write(self, slot: int, content: bytes) -> None:
        if not self.path.exists():
            self._write(slot, content, os.O_RDWR)
            return
        self._make(slot, content)
        self.path.unlink()
        self._sync_folder()

    def create(self, slot: int, content: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for file in (self.path, *self._files):
            file.unlink(missing_ok=True)
        self._sync_folder()  # no word of an older guard comes back beside the new one
        self._make(slot, content)

    def _make(self, slot: int, content: bytes) -> None:
        """Write this slot, and see that both files are there after a loss of power too."""
        self._write(1 - slot, b"", os.O_RDWR | os.O_CREAT)
        self._write(slot, content, os.O_RDWR | os.O_CREAT)
        self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _write(self, slot: int, content: bytes, flags: int) -> None:
        descriptor = os.open(self._files[slot], flags, 0o600)
        try:
            if os.pwrite(descriptor, content, 0) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.name)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def kept_mark(journal: Path) -> Path:
    """The file in which enrolment keeps the guard's last word on the journal that it ends."""
    return journal.with_suffix(".guard")


class Guard:
    """The guard on its medium.

    `aside` runs a call that may block, beside the event loop.
    """

    def __init__(
        self,
        slots: Slots,
        aside: Callable[[Callable[[], None]], "asyncio.Future[None]"] = aside,
    ) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self.silent = False
        """The medium has not answered a write in time, and still does not."""
        self._aside = aside
        self._writing: asyncio.Future[None] | None = None
        self.slots = slots
        self.name = slots.name
        self._turn = 0

    def write(self, mark: Mark) -> None:
        """Durable when it returns; raises OSError."""
        turn = self._turn + 1
        self.slots.write(turn % 2, _encode(mark, turn))
        self._turn = turn

    def create(self, mark: Mark) -> None:
        """Start a new guard, for a new epoch; raises OSError."""
        turn = self._turn + 1
        self.slots.create(turn % 2, _encode(mark, turn))
        self._turn = turn

    async def keep(self, place: Callable[[], Mark]) -> None:
        """Write the journal's place beside the event loop; durable when it returns.

        `place` is asked when the write begins: who waits for another write would otherwise set the
        guard back. Raises OSError, also where the medium does not answer in time. A write that
        hangs cannot be ended: it may take effect later, and no other one begins before it has
        ended.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                while (former := self._writing) is not None:
                    await asyncio.wait({former})
                mark = place()
                writing = self._writing = self._aside(lambda: self.write(mark))
                writing.add_done_callback(self._written)
                if not writing.done():
                    await asyncio.wait({writing})
        except TimeoutError as error:
            if self._writing is not None and not self.silent:
                self.silent = True
                log.warning("the guard %s does not answer", self.name)
                self.on_change()
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), self.name) from error
        writing.result()

    def _written(self, writing: "asyncio.Future[None]") -> None:
        self._writing = None
        if not writing.cancelled():
            writing.exception()  # looked at: whoever waited may have gone
        if self.silent:
            self.silent = False
            log.info("the guard %s answers again", self.name)
            self.on_change()

    def seq_of(self, epoch: int) -> int:
        """The record that it knows of an epoch's journal; 0 where it knows none."""
        try:
            mark = self.read()
        except RolledBack:
            return 0
        return mark.seq if mark.epoch == epoch else 0

    def read(self) -> Mark:
        """The newest word; raises `RolledBack` when it is missing or unreadable."""
        try:
            found = self.slots.read()
        except OSError as error:
            fault = of_system(error)
            raise RolledBack(detail("guard-unreadable", guard=self.name, fault=fault)) from error
        pieces = [raw[at : at + _SLOT] for raw in found for at in range(0, len(raw), _SLOT)]
        words = [word for piece in pieces if (word := _decode(piece)) is not None]
        if not words:
            raise RolledBack(detail("guard-empty", guard=self.name))
        self._turn, mark = max(words, key=lambda word: word[0])
        return mark


def _encode(mark: Mark, turn: int) -> bytes:
    body = json.dumps([turn, mark.gateway, mark.epoch, mark.seq, mark.head.hex()]).encode()
    return (hashlib.sha256(body).hexdigest().encode() + b" " + body).ljust(_SLOT, b"\n")


def _decode(slot: bytes) -> tuple[int, Mark] | None:
    digest, _, body = slot.rstrip(b"\n").partition(b" ")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    turn, gateway, epoch, seq, head = json.loads(body)
    return turn, Mark(gateway, epoch, seq, bytes.fromhex(head))
