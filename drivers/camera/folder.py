"""Pictures that a camera lays into a folder: by FTP, by a share, by a program beside it.

A picture counts if its file was not there when the session began, under any name: one that was
being written then, and is renamed afterwards, is older than the session. The newest goes first. A
file is whole when nothing of it has changed for `settle` seconds. Where none became whole, one that
came and stayed a part is an error: something was before the camera that nobody has seen.

Not proved: that a picture which appears after the beginning was taken after it; `latency_seconds`
is how long the way from the lens to the folder may take. Nothing is removed here.
"""

import asyncio
import stat
from pathlib import Path

from drivers import clock
from drivers.camera.source import LARGEST_PICTURE
from drivers.errors import BadFrame, LinkClosed
from drivers.protocols import Identity

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".pgm"})
_POLL_SECONDS = 0.03
_Files = dict[int, tuple[str, int, int]]
"""By inode, what is in the folder: name, modification time in ns, size."""


class FolderSource:
    """Implements `drivers.camera.source.Source`. `settle` in seconds."""

    def __init__(self, path: Path, device: str, settle: float) -> None:
        self._path = path
        self._device = device
        self._settle = settle
        self._given = False
        """In this session a whole picture came."""
        self._old: set[int] = set()
        """What was there at the beginning, or has been looked at, and still is there."""

    async def connect(self, operation: str) -> None:
        await self._files(operation)

    async def identify(self, operation: str) -> Identity:
        await self._files(operation)
        return Identity("", f"pictures in {self._path}", "")

    async def begin(self, operation: str) -> None:
        self._old = set(await self._files(operation))
        self._given = False

    async def next(self, earliest: float, deadline: float, operation: str) -> bytes | None:
        unsettled: dict[int, tuple[tuple[str, int, int], float]] = {}
        while True:
            files = await self._files(operation)
            now = clock.now()
            self._old &= files.keys()
            fresh = {at: file for at, file in files.items() if at not in self._old}
            if now < earliest:
                self._old |= fresh.keys()
                fresh = {}
            if now >= deadline:  # what has begun to come is waited for, and no more
                fresh = {at: file for at, file in fresh.items() if at in unsettled}
            pictures = {at: file for at, file in fresh.items() if _is_picture(file[0])}
            unsettled = {
                at: unsettled[at] if at in unsettled and unsettled[at][0] == file else (file, now)
                for at, file in pictures.items()
            }
            for at in sorted(pictures, key=lambda each: pictures[each][1], reverse=True):
                if now - unsettled[at][1] >= self._settle and pictures[at][2]:
                    self._old |= pictures.keys()  # those before it are not wanted any more
                    self._given = True
                    return await self._read(self._path / pictures[at][0], operation)
            if now >= deadline + (2 * self._settle + _POLL_SECONDS if unsettled else 0):
                break
            await asyncio.sleep(_POLL_SECONDS)
        if unsettled and not self._given:
            names = ", ".join(sorted(file[0] for file, _ in unsettled.values()))
            raise BadFrame(self._device, operation, f"{names} did not become whole")
        return None

    async def end(self, operation: str) -> None:
        """Whatever comes later is older than the next session, or does not matter."""

    async def close(self) -> None:
        self._old = set()

    async def _files(self, operation: str) -> _Files:
        """Off the loop: the folder may be another machine's."""
        try:
            return await asyncio.to_thread(_listed, self._path)
        except OSError as fault:
            raise LinkClosed(self._device, operation, f"{self._path}: {fault.strerror}") from fault

    async def _read(self, path: Path, operation: str) -> bytes:
        try:
            data = await asyncio.to_thread(_content, path)
        except OSError as fault:
            raise LinkClosed(self._device, operation, f"{path}: {fault.strerror}") from fault
        if len(data) > LARGEST_PICTURE:
            raise BadFrame(self._device, operation, f"{path.name} is too large for a picture")
        return data


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in ENDINGS


def _listed(folder: Path) -> _Files:
    found: _Files = {}
    for path in folder.iterdir():
        try:
            about = path.stat()
        except FileNotFoundError:
            continue  # renamed or removed since the folder was listed
        if stat.S_ISREG(about.st_mode):
            found[about.st_ino] = (path.name, about.st_mtime_ns, about.st_size)
    return found


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_PICTURE + 1)
