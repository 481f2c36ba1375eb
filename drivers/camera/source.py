"""Where pictures come from, as a URL, and what such a source owes.

`folder:///var/spool/camera` · `http://host/snapshot` (or `https`) · `v4l2:///dev/video0`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from drivers.protocols import Identity

SCHEMES = ("folder", "http", "https", "v4l2")
LARGEST_PICTURE = 32 * 1024 * 1024
"""Bytes; a file or an answer that is larger is no picture of a part."""


class Source(Protocol):
    """Takes pictures, one at a time. Everything raises DeviceError."""

    async def connect(self, operation: str) -> None:
        """Make sure that it is there, as far as can be seen without a picture."""

    async def identify(self, operation: str) -> Identity: ...

    async def begin(self, operation: str) -> None:
        """From the return of this on pictures count, and no older one."""

    async def next(self, earliest: float, deadline: float, operation: str) -> bytes | None:
        """The next picture, a whole file; None if none came before `deadline`.

        `earliest`: what appears, or is asked for, before that is left out. Both are times of
        `drivers.clock`, which is the clock of `time.monotonic`.
        """

    async def end(self, operation: str) -> None:
        """No more pictures are wanted."""

    async def close(self) -> None:
        """Idempotent."""


@dataclass(frozen=True)
class FolderTarget:
    path: Path


@dataclass(frozen=True)
class VideoTarget:
    path: Path


@dataclass(frozen=True)
class SnapshotTarget:
    url: str


Target = FolderTarget | VideoTarget | SnapshotTarget


def parse_url(url: str) -> Target:
    """What `url` names; raises ValueError that says what would be right. Never connects."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise ValueError(f"{url!r}: {fault}") from None
    if parts.fragment or parts.username or parts.password:
        raise ValueError(f"{url!r}: no user and no fragment belong in a device's URL")
    if parts.scheme in ("http", "https"):
        if not parts.hostname or port == 0:
            raise ValueError(f"{url!r}: write {parts.scheme}://host/path or …://host:port/path")
        return SnapshotTarget(url)
    right = {"folder": "folder:///var/spool/camera", "v4l2": "v4l2:///dev/video0"}
    if parts.scheme not in right:
        raise ValueError(f"{url!r}: begin with folder://, http://, https:// or v4l2://")
    if parts.netloc or len(parts.path) < 2 or parts.query:
        raise ValueError(f"{url!r}: write three slashes and the path, {right[parts.scheme]}")
    path = Path(parts.path)
    return FolderTarget(path) if parts.scheme == "folder" else VideoTarget(path)
