"""Rows out of the pages of a damaged SQLite file, without SQLite.

SQLite drops every frame of the write-ahead log from the first damaged one on, and refuses a file
whose structure is damaged. The pages and frames beyond are on the disk all the same. Here each one
is read for itself, in every version that the file or its log holds, and nothing is believed: a row
counts only where a hash chain proves it.

The format: https://www.sqlite.org/fileformat2.html, sections 1.6 (b-tree pages), 2.1 (records)
and 4 (the write-ahead log).
"""

import itertools
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

Value: TypeAlias = bytes | str | int | None
Row: TypeAlias = tuple[int, tuple[Value, ...]]
"""(row id, columns)."""
PAGE_SIZE = 4096
"""SQLite's default, for a file whose header is damaged."""
LOG_HEADER, FRAME_HEADER = 32, 24
_LEAF = 0x0D
_SIZES = frozenset(512 << power for power in range(8))
_MOST_VERSIONS = 16
"""Readings of one row across damaged overflow pages that are tried."""
_WORDS = struct.Struct(">II")


@dataclass(frozen=True)
class Frame:
    """One page in the write-ahead log. `commit`: the last of its transaction."""

    page: int
    commit: bool
    salt: bytes
    checksum: tuple[int, int]
    """As stored in the frame's header."""
    header: bytes
    content: bytes


@dataclass
class Pages:
    """Every version of every page: `versions` in the order file, then frames."""

    size: int
    versions: dict[int, list[bytes]] = field(default_factory=dict)

    def add(self, number: int, content: bytes) -> None:
        known = self.versions.setdefault(number, [])
        if content not in known:
            known.append(content)

    def leaves(self) -> Iterator[Iterator[Row]]:
        """The rows of every table leaf, each version for itself."""
        for number, versions in self.versions.items():
            for content in versions:
                start = 100 if number == 1 else 0
                if content[start : start + 1] == bytes((_LEAF,)):
                    yield self._leaf(content, start)

    def rows(self) -> Iterator[Row]:
        """The rows of all of them."""
        return itertools.chain.from_iterable(self.leaves())

    def _leaf(self, page: bytes, start: int) -> Iterator[Row]:
        (count,) = struct.unpack_from(">H", page, start + 3)
        for place in range(min(count, (len(page) - start - 8) // 2)):
            (at,) = struct.unpack_from(">H", page, start + 8 + 2 * place)
            try:
                size, at = _varint(page, at)
                row, at = _varint(page, at)
                for payload in self._payloads(page, at, size):
                    yield row, tuple(_columns(payload))
            except (IndexError, ValueError, struct.error):
                continue  # not a row, or no longer one

    def _payloads(self, page: bytes, at: int, size: int) -> Iterator[bytes]:
        """The payload of a cell; one that goes on in other pages, in each of their versions."""
        usable = self.size
        most = usable - 35
        if size <= most:
            if at + size > len(page):
                raise ValueError(size)
            yield page[at : at + size]
            return
        least = (usable - 12) * 32 // 255 - 23
        here = least + (size - least) % (usable - 4)
        here = here if here <= most else least
        if at + here + 4 > len(page):
            raise ValueError(size)
        (following,) = struct.unpack_from(">I", page, at + here)
        yield from itertools.islice(
            self._beyond(page[at : at + here], following, size - here), _MOST_VERSIONS
        )

    def _beyond(self, begun: bytes, number: int, left: int) -> Iterator[bytes]:
        for content in self.versions.get(number, ()):
            part = content[4 : 4 + min(left, self.size - 4)]
            if left <= len(part):
                yield begun + part
            else:
                (following,) = struct.unpack_from(">I", content)
                yield from self._beyond(begun + part, following, left - len(part))


def read_pages(path: Path, log_too: Iterable[Frame] | None = None) -> Pages:
    """The file and its log, as they lie there, or with these frames of it; raises OSError.

    Nothing is written.
    """
    content = path.read_bytes()
    (size,) = struct.unpack_from(">H", content.ljust(18, b"\0"), 16)
    size = 65536 if size == 1 else size
    log = log_of(path)
    raw = log.read_bytes() if log.exists() else b""
    if content[:16] != b"SQLite format 3\0" or size not in _SIZES:
        (size,) = struct.unpack_from(">I", raw.ljust(12, b"\0"), 8)
        size = size if size in _SIZES else PAGE_SIZE
    pages = Pages(size)
    for number in range(1, len(content) // size + 1):
        pages.add(number, content[(number - 1) * size : number * size])
    for frame in frames(raw, size) if log_too is None else log_too:
        pages.add(frame.page, frame.content)
    return pages


def log_of(path: Path) -> Path:
    """The write-ahead log of a database file."""
    return path.with_name(path.name + "-wal")


def frames(raw: bytes, size: int) -> Iterator[Frame]:
    """Every frame of a log, also those that SQLite drops."""
    for at in range(LOG_HEADER, len(raw) - FRAME_HEADER - size + 1, FRAME_HEADER + size):
        header = raw[at : at + FRAME_HEADER]
        page, total = _WORDS.unpack_from(header)
        content = raw[at + FRAME_HEADER : at + FRAME_HEADER + size]
        checksum = _WORDS.unpack_from(header, 16)
        yield Frame(page, total > 0, header[8:16], checksum, header[:8], content)


def read_log(path: Path) -> "Log":
    """Read the write-ahead log as SQLite will: the frames it keeps and those it drops.

    SQLite drops the first frame whose checksum does not hold, and all that follow. Frames of a
    former generation of the log may lie behind the last one; they are neither kept nor dropped.
    Raises OSError.
    """
    log = log_of(path)
    raw = log.read_bytes() if log.exists() else b""
    if len(raw) <= LOG_HEADER:
        return Log((), ())
    magic, _, size = struct.unpack_from(">III", raw)
    order = ">" if magic & 1 else "<"
    checksum = _sum(raw[:24], order, (0, 0))
    if size not in _SIZES or checksum != _WORDS.unpack_from(raw, 24):
        size = size if size in _SIZES else PAGE_SIZE
        return Log((), tuple(frames(raw, size)), whole=False)
    found = list(frames(raw, size))
    while found and found[-1].salt != raw[16:24]:
        found.pop()
    for index, frame in enumerate(found):
        checksum = _sum(frame.content, order, _sum(frame.header, order, checksum))
        if checksum != frame.checksum or frame.salt != raw[16:24]:
            return Log(tuple(found[:index]), tuple(found[index:]))
    return Log(tuple(found), ())


@dataclass(frozen=True)
class Log:
    """The frames of a write-ahead log. `whole`: the log's header is valid."""

    kept: tuple[Frame, ...]
    dropped: tuple[Frame, ...]
    whole: bool = True

    def dropped_transactions(self) -> Iterator[list[Frame]]:
        """The frames that are dropped, up to each commit."""
        frames: list[Frame] = []
        for frame in self.dropped:
            frames.append(frame)
            if frame.commit:
                yield frames
                frames = []
        if frames:
            yield frames


def _sum(content: bytes, order: str, start: tuple[int, int]) -> tuple[int, int]:
    """The log's running checksum."""
    one, two = start
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(9):
        byte = page[at + index]
        if index == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    raise AssertionError


def _columns(payload: bytes) -> Iterator[Value]:
    size, at = _varint(payload, 0)
    body = size
    while at < size:
        kind, at = _varint(payload, at)
        if kind >= 12:
            length = (kind - 12) // 2
            value = payload[body : body + length]
            if len(value) < length:
                raise ValueError(kind)
            yield value if kind % 2 == 0 else value.decode("utf-8")
            body += length
        elif kind in _INTEGERS:
            length = _INTEGERS[kind]
            yield int.from_bytes(payload[body : body + length], "big", signed=True)
            body += length
        elif kind in (0, 8, 9):
            yield None if kind == 0 else kind - 8
        else:
            raise ValueError(kind)


_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
