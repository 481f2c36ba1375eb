"""Texts put into a box: as large as it goes, in lines, and cut where no size holds them."""

from collections.abc import Sequence
from dataclasses import dataclass

from central.labels.font import drawable, width

PITCH = 1.15
"""From line to line, in sizes."""
_CUT = "…"


@dataclass(frozen=True)
class Lines:
    """In millimetres; `pitch` from the top of one line to that of the next."""

    size: float
    texts: tuple[str, ...]

    @property
    def pitch(self) -> float:
        return self.size * PITCH


def fitted(
    text: str, room: float, height: float, sizes: Sequence[float], *, bold: bool = False
) -> Lines:
    """At the first of the sizes, the largest first, at which it fits in whole words; else at the
    last one, in lines that are full, and cut where those are too many."""
    said = drawable(text)
    for size in sizes:
        texts = _wrapped(said, room, size, bold)
        if len(texts) <= _lines_in(height, size):
            return Lines(size, texts)
    size = sizes[-1]
    texts, most_lines = _broken(said, room, size, bold), _lines_in(height, size)
    if len(texts) <= most_lines:
        return Lines(size, texts)
    texts = texts[:most_lines]
    last = texts[-1]
    while last and width(last + _CUT, size, bold=bold) > room:
        last = last[:-1]
    return Lines(size, (*texts[:-1], last.rstrip() + _CUT))


def on_one_line(
    text: str, room: float, sizes: Sequence[float], *, bold: bool = False
) -> Lines | None:
    """At the first of the sizes at which it needs no second line; None where it always does."""
    said = drawable(text)
    fits = (size for size in sizes if width(said, size, bold=bold) <= room)
    size = next(fits, None)
    return None if size is None else Lines(size, (said,))


def grouped(number: int) -> str:
    """28 160: by threes, as both languages may have it."""
    return f"{number:,}".replace(",", " ")


def most(values: Sequence[str], room: float, size: float) -> str:
    """As many of them as there is room for on one line, and how many more there are."""
    for shown in range(len(values), 0, -1):
        more = f" (+{len(values) - shown})" if shown < len(values) else ""
        told = drawable(", ".join(values[:shown])) + more
        if shown == 1 or width(told, size, bold=True) <= room:
            return told
    return ""


def _lines_in(height: float, size: float) -> int:
    """The last line needs no more than its size."""
    return max(1, 1 + int((height - size) / (size * PITCH) + 1e-9))


def _wrapped(text: str, room: float, size: float, bold: bool) -> tuple[str, ...]:
    """Between words; within one that is wider than the room, where it has to be."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if width(joined, size, bold=bold) <= room:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, room, size, bold)
        lines.extend(full)
    return (*lines, line) if line or not lines else tuple(lines)


def _broken(text: str, room: float, size: float, bold: bool) -> tuple[str, ...]:
    """Wherever a line is full."""
    lines: list[str] = []
    while width(text, size, bold=bold) > room:
        held = _held(text, room, size, bold)
        lines.append(text[:held].rstrip())
        text = text[held:].lstrip()
    return (*lines, text)


def _held(word: str, room: float, size: float, bold: bool) -> int:
    """How many of its first letters go into the room; one at least."""
    held = 1
    while held < len(word) and width(word[: held + 1], size, bold=bold) <= room:
        held += 1
    return held
