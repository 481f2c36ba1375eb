"""The guard: where the journal stood, kept off the journal's disk.

Two slots in one small file are written in turn, so that a torn write harms only the older
word. What the guard says is a floor: a journal that ends before it was rolled back.
"""

import errno
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.contract.errors import RolledBack
from gateway.details import detail, of_system

_SLOT = 512


@dataclass(frozen=True)
class Mark:
    """The journal's place: `head` is the 32 raw bytes after record `seq`."""

    gateway: str
    epoch: int
    seq: int
    head: bytes


class Slots(Protocol):
    """A small medium of two slots of 512 bytes.

    A write is durable when it returns. One that power or the process's end cuts off leaves that
    slot with any mixture of its old and new bytes, and never touches the other.
    """

    name: str
    """What messages call it: the file's path."""

    def read(self) -> bytes:
        """Both slots as far as they were written; raises OSError."""

    def write(self, slot: int, content: bytes) -> None:
        """Write slot 0 or 1; raises OSError, also when the medium is not there."""

    def create(self, slot: int, content: bytes) -> None:
        """Start anew with this one slot; raises OSError."""


class GuardFile:
    """The slots in a file.

    `write` never makes the file: one that is gone is a medium that was taken out, and a new one
    would lie on whatever disk is under its place.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.resolve())

    def read(self) -> bytes:
        return self.path.read_bytes()

    def write(self, slot: int, content: bytes) -> None:
        self._write(slot, content, os.O_RDWR)

    def create(self, slot: int, content: bytes) -> None:
        """The folder's entry is durable too."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self._write(slot, content, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _write(self, slot: int, content: bytes, flags: int) -> None:
        descriptor = os.open(self.path, flags, 0o600)
        try:
            if os.pwrite(descriptor, content, slot * _SLOT) != _SLOT:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.name)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def kept_mark(journal: Path) -> Path:
    """The file in which enrolment keeps the guard's last word on the journal that it ends."""
    return journal.with_suffix(".guard")


class Guard:
    """The guard on its medium."""

    def __init__(self, slots: Slots) -> None:
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
            raw = self.slots.read()
        except OSError as error:
            fault = of_system(error)
            raise RolledBack(detail("guard-unreadable", guard=self.name, fault=fault)) from error
        slots = [slot for at in (0, _SLOT) if (slot := _decode(raw[at : at + _SLOT])) is not None]
        if not slots:
            raise RolledBack(detail("guard-empty", guard=self.name))
        self._turn, mark = max(slots, key=lambda slot: slot[0])
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
