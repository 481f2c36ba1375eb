"""Latches that only a new epoch ends: rolled-back, forked, two-of-me, journal-corrupt.

They are kept in a file beside the journal and not in it: a journal that contradicts its guard
or the register must not grow by a single record.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, get_args

from gateway.contract.errors import JournalCorrupt, RolledBack
from gateway.details import as_json, detail, from_json, of_error
from gateway.guard import Guard
from gateway.journal import Journal

Latch: TypeAlias = Literal["rolled-back", "forked", "two-of-me", "journal-corrupt"]


class Slip(Protocol):
    """A small medium that holds one text.

    `replace` is durable when it returns and all or nothing: cut off, it leaves the text before.
    """

    name: str
    """What messages call it: the file's path."""

    def read(self) -> bytes | None:
        """What it holds; None when nothing was ever written."""

    def replace(self, content: bytes) -> None:
        """Raises OSError, and then holds what it held."""


class LatchFile:
    """The text in a file beside its journal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def read(self) -> bytes | None:
        return self.path.read_bytes() if self.path.exists() else None

    def replace(self, content: bytes) -> None:
        fresh = self.path.with_suffix(".latches-new")
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Latches:
    """The latches of one epoch's journal."""

    def __init__(self, slip: Slip) -> None:
        self.slip = slip
        self.on_change: Callable[[], None] = lambda: None
        self.causes: dict[str, str] = {}
        """By latch, why: a detail, or the bare text that an earlier release kept."""
        raw = slip.read()
        if raw is not None:
            try:
                self.causes = {
                    str(k): from_json(v) for k, v in json.loads(raw.decode("utf-8")).items()
                }
            except (ValueError, AttributeError, KeyError, TypeError) as error:
                # It was written because something was latched; that much is certain.
                told = detail("latches-damaged", path=slip.name, fault=error)
                self.causes = {"journal-corrupt": told}
        self.saved = frozenset(self.causes)
        """Those that are on the medium."""

    @classmethod
    def beside(cls, journal: Path) -> "Latches":
        """Those of the journal in this file."""
        return cls(LatchFile(journal.with_suffix(".latches")))

    def set(self, latch: Latch, cause: str) -> None:
        """Durable when it returns; the first cause of a latch stays.

        Raises OSError when it cannot be written: the latch holds all the same, for as long as
        this process lives, and the next call tries again.
        """
        assert latch in get_args(Latch)
        if latch in self.saved:
            return
        self.causes.setdefault(latch, cause)
        self.on_change()
        kept = {each: as_json(told) for each, told in self.causes.items()}
        self.slip.replace(json.dumps(kept).encode())
        self.saved = frozenset(self.causes)

    def __bool__(self) -> bool:
        return bool(self.causes)


def check_guard(journal: Journal, guard: Guard) -> None:
    """Raises `RolledBack` when the guard is ahead of the journal, another's, or missing."""
    mark = guard.read()
    if (mark.gateway, mark.epoch) != (journal.gateway, journal.epoch):
        raise RolledBack(
            detail(
                "guard-of-another",
                gateway=mark.gateway,
                epoch=mark.epoch,
                ours=journal.gateway,
                our_epoch=journal.epoch,
            )
        )
    head = journal.head_at(mark.seq)
    if head is None:
        raise RolledBack(detail("guard-ahead", seq=mark.seq, end=journal.end))
    if head != mark.head:
        raise RolledBack(detail("guard-other-record", seq=mark.seq))


def inspect(journal: Journal, guard: Guard, latches: Latches) -> None:
    """What a start checks before anything may be marked; sets the latches it finds."""
    try:
        journal.verify()
    except JournalCorrupt as error:
        latches.set("journal-corrupt", of_error(error))
    try:
        check_guard(journal, guard)
    except RolledBack as error:
        latches.set("rolled-back", of_error(error))
    except JournalCorrupt as error:
        latches.set("journal-corrupt", of_error(error))
    try:
        _check_receipt(journal, latches)
    except JournalCorrupt as error:
        latches.set("journal-corrupt", of_error(error))


def _check_receipt(journal: Journal, latches: Latches) -> None:
    cursor = journal.cursor()
    head = journal.head_at(cursor.committed)
    if head is None:
        told = detail("receipt-ahead", seq=cursor.committed, end=journal.end)
        latches.set("rolled-back", told)
    elif head != cursor.head:
        latches.set("rolled-back", detail("receipt-other-record", seq=cursor.committed))
