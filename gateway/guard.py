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

from gateway.contract.errors import RolledBack

_SLOT = 512


@dataclass(frozen=True)
class Mark:
    """The journal's place: `head` is the 32 raw bytes after record `seq`."""

    gateway: str
    epoch: int
    seq: int
    head: bytes


class Guard:
    """The guard's file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = 0

    def write(self, mark: Mark) -> None:
        """Durable when it returns; raises OSError.

        Never makes the file: one that is gone is a medium that was taken out, and a new one would
        lie on whatever disk is under its place.
        """
        self._write(mark, os.O_RDWR)

    def _write(self, mark: Mark, flags: int) -> None:
        slot = _encode(mark, self._turn + 1)
        descriptor = os.open(self.path, flags, 0o600)
        try:
            if os.pwrite(descriptor, slot, ((self._turn + 1) % 2) * _SLOT) != _SLOT:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        self._turn += 1

    def create(self, mark: Mark) -> None:
        """Start a new guard, for a new epoch; the folder's entry is durable too."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self._write(mark, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def read(self) -> Mark:
        """The newest word; raises `RolledBack` when it is missing or unreadable."""
        try:
            raw = self.path.read_bytes()
        except OSError as error:
            raise RolledBack(f"the guard {self.path} cannot be read: {error.strerror}") from error
        slots = [slot for at in (0, _SLOT) if (slot := _decode(raw[at : at + _SLOT])) is not None]
        if not slots:
            raise RolledBack(f"the guard {self.path} holds no whole entry")
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
