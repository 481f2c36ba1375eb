"""The bytes of the wires, told to whoever watches: a file, or a person.

`watching` says who is told by the wires that are opened within it, in the same task or in tasks
that begin there. Without it nothing is told and nothing is wrapped.
"""

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal, Protocol, cast

log = logging.getLogger(__name__)

Way = Literal["opened", "sent", "received", "closed", "failed"]
FILE_BYTES = 64 * 1024 * 1024
FILES_KEPT = 3
"""Older files beside the one that is written, `FILE.1` being the newest of them."""


@dataclass(frozen=True)
class Seen:
    """One thing that happened on one device's wire."""

    device: str
    way: Way
    data: bytes = b""
    detail: str = ""
    """The URL that was opened, or why it was closed or could not be opened."""


Watcher = Callable[[Seen], None]
"""Is told at once, in the order of the wire; it must neither wait nor raise."""


class Tap(Protocol):
    """What a wire of one device tells its watchers by."""

    def __call__(self, way: Way, data: bytes = b"", detail: str = "") -> None: ...


_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())


@contextmanager
def watching(*watchers: Watcher) -> Iterator[None]:
    """Tell these, beside those that are told already, of each wire that is opened within."""
    before = _watchers.set((*_watchers.get(), *watchers))
    try:
        yield
    finally:
        _watchers.reset(before)


def traced(device: str) -> Tap | None:
    """How to tell of one device's wire; None where nobody watches."""
    watchers = _watchers.get()
    if not watchers:
        return None

    def tap(way: Way, data: bytes = b"", detail: str = "") -> None:
        for watcher in watchers:
            watcher(Seen(device, way, data, detail))

    return tap


def printable(data: bytes) -> str:
    """A character a byte, with a dot for what cannot be shown."""
    return "".join(chr(octet) if 0x20 <= octet <= 0x7E else "." for octet in data)


class TraceFile(RotatingFileHandler):
    """A watcher that writes JSON lines: UTC time, monotonic seconds, device, way, hex, text.

    Each line is with the system when the call returns, so that an end of the process loses none.
    The file grows to `size` bytes at most and `kept` older ones are kept. A disk that takes nothing
    is told once, and stops no marking. Raises OSError where the file cannot be opened.
    """

    def __init__(self, path: Path, size: int = FILE_BYTES, kept: int = FILES_KEPT) -> None:
        super().__init__(path, maxBytes=size, backupCount=kept, encoding="ascii")
        self._told = False

    def __call__(self, seen: Seen) -> None:
        at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        line: dict[str, object] = {
            "at": at,
            "mono": round(time.monotonic(), 6),
            "device": seen.device,
            "way": seen.way,
        }
        if seen.data:
            line |= {"hex": seen.data.hex(" "), "text": printable(seen.data)}
        if seen.detail:
            line["detail"] = seen.detail
        self.handle(logging.makeLogRecord({"msg": json.dumps(line)}))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        if not self._told:
            self._told = True
            log.error("the trace %s lacks what follows: %s", self.baseFilename, sys.exc_info()[1])

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what could not be written was told
            super().close()

    def _open(self) -> TextIOWrapper:
        """For the owner alone: what is engraved is nobody else's business."""
        opener = partial(os.open, mode=0o600)
        file = open(self.baseFilename, self.mode, encoding=self.encoding, opener=opener)  # noqa: SIM115 - Path.open knows no opener
        return cast("TextIOWrapper", file)
