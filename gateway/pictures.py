"""The pictures by which parts were read, as files named by their SHA-256, within a quota.

The record of a read carries the name, so that nobody can exchange the picture afterwards. The
oldest goes first, and never one that a mark needs which is not settled yet: where those leave no
room, a new picture is not kept, and its record has none. A picture is never worth a mark: whatever
fails here, marking goes on.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)

_NAME = frozenset("0123456789abcdef")


@dataclass
class Pictures:
    """One gateway's, of all its stations. `quota` in bytes. Safe for several threads."""

    folder: Path
    quota: int
    _sizes: dict[str, int] | None = field(default=None, init=False)
    """By name, oldest first; None before the folder was looked at."""
    _refuses: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def keep(self, data: bytes, needed: Collection[str]) -> str | None:
        """Write one, on the disk when this returns, and let older ones go that are not `needed`.

        Its name; None if there is no room for it, or the disk fails.
        """
        name = hashlib.sha256(data).hexdigest()
        with self._lock:
            return name if self._try(name, data, needed) else None

    def _try(self, name: str, data: bytes, needed: Collection[str]) -> bool:
        try:
            kept = self._keep(name, data, needed)
        except OSError as fault:
            self._sizes = None
            kept, why = False, str(fault)
        else:
            why = f"the quota of {self.quota} bytes is full of marks that are not settled"
        if kept == self._refuses:  # one line a change, not one a failure
            self._refuses = not kept
            if kept:
                log.info("pictures are kept again in %s", self.folder)
            else:
                log.warning("no picture is kept in %s: %s", self.folder, why)
        return kept

    def read(self, name: str) -> bytes | None:
        """One picture; None of what is not here, or is not what it was."""
        if len(name) != 64 or not _NAME.issuperset(name):
            return None
        try:
            data = (self.folder / name).read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == name else None

    def _keep(self, name: str, data: bytes, needed: Collection[str]) -> bool:
        sizes = self._look() if self._sizes is None else self._sizes
        if name in sizes:
            sizes[name] = sizes.pop(name)  # it is the youngest again
            os.utime(self.folder / name)
            return True
        over = sum(sizes.values()) + len(data) - self.quota
        going: list[str] = []
        for old, size in sizes.items():
            if over <= 0:
                break
            if old not in needed:
                going.append(old)
                over -= size
        if over > 0:
            return False
        for old in going:
            (self.folder / old).unlink(missing_ok=True)
            del sizes[old]
        growing = self.folder / f".{name}"
        with growing.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        growing.rename(self.folder / name)
        sizes[name] = len(data)
        return True

    def _look(self) -> dict[str, int]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = []
        for path in self.folder.iterdir():
            if path.name.startswith("."):
                path.unlink(missing_ok=True)  # a stop came before it was whole
            elif len(path.name) == 64 and _NAME.issuperset(path.name):
                about = path.stat()
                found.append((about.st_mtime_ns, path.name, about.st_size))
        self._sizes = {name: size for _, name, size in sorted(found)}
        return self._sizes
