"""The guard of the numbers: how far each space was issued, kept off the database's disk.

The file's first line is the SHA-256 of the rest, in hex; the rest is a JSON object. `next`: by
number space the next number, written before a block is committed, so that the register may lawfully
say less. `seen`: by number space what the register of `incarnation` said once it was committed: a
register that says less came back from a backup.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from central.errors import IssueGuardUnreadable, IssueGuardUnwritable

Following = Mapping[str, int]
"""By number space, the next number."""


@dataclass(frozen=True)
class Kept:
    """All that the guard keeps. A guard of version 0.1 has seen nothing."""

    next: Following
    incarnation: int = 0
    seen: Following = field(default_factory=dict)


class Slip(Protocol):
    """A small medium that holds one text.

    `replace` is durable when it returns and all or nothing: cut off, it leaves the text before.
    """

    name: str
    """What messages call it: the file's path."""

    def read(self) -> bytes | None:
        """What it holds, None when there is nothing; raises OSError."""

    def replace(self, content: bytes) -> None:
        """Raises OSError, and then holds what it held."""


class GuardFile:
    """The text in a file. Its folder is made where it is missing, and is written to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def read(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def replace(self, content: bytes) -> None:
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f".{self.path.name}.new")
        fresh.unlink(missing_ok=True)  # of a process that ended here, perhaps another user's
        with fresh.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self.path)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Guard:
    """The guard on its medium."""

    def __init__(self, slip: Slip) -> None:
        self._slip = slip
        self.name = slip.name

    def read(self) -> Kept:
        """Raises `IssueGuardUnreadable`, also when missing."""
        try:
            content = self._slip.read()
        except OSError as error:
            raise IssueGuardUnreadable(
                f"the guard {self.name} cannot be read: {error.strerror}"
            ) from error
        if content is None:
            raise IssueGuardUnreadable(f"the guard {self.name} is not there")
        found = _decode(content)
        if found is None:
            raise IssueGuardUnreadable(f"the guard {self.name} is not as it was written")
        return found

    def write(self, kept: Kept) -> None:
        """Durable when it returns. Raises `IssueGuardUnwritable`; then it says what it said."""
        try:
            self._slip.replace(_encode(kept))
        except OSError as error:
            raise IssueGuardUnwritable(
                f"the guard {self.name} cannot be written: {error.strerror}"
            ) from error


def beyond(*all_said: Following) -> dict[str, int]:
    """By space, the greatest of what several say."""
    found: dict[str, int] = {}
    for said in all_said:
        for space, following in said.items():
            found[space] = max(found.get(space, 1), following)
    return found


def _encode(kept: Kept) -> bytes:
    told = {
        "incarnation": kept.incarnation,
        "next": dict(kept.next),
        "seen": dict(kept.seen),
    }
    body = json.dumps(told, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _decode(content: bytes) -> Kept | None:
    digest, _, body = content.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    told = json.loads(body)
    if isinstance(told.get("next"), dict):
        return Kept(told["next"], told["incarnation"], told["seen"])
    return Kept(told)  # of version 0.1: the next numbers alone
