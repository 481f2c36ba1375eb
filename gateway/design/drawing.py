"""A mark, drawn: the symbol module by module, and the legible lines. Pure.

A template says what is engraved and not where, so the drawing stands for no measures: the lines
lie beside the symbol or below it, whichever is larger altogether. The symbol is a square Data
Matrix (ECC 200) as zxing-cpp encodes it; a marker that encodes by itself may choose other codewords
for the same content.
"""

from collections.abc import Sequence
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import Any

import zxingcpp

MEDIA_TYPE = "image/svg+xml"
WIDTH, HEIGHT = 240, 100
"""Of the drawing, in its own units."""
PADDING, GAP = 6, 10
ADVANCE, LEADING = 0.602, 1.25
"""Of a monospaced typeface, for its size: a character's width, a line's height."""
LARGEST = 30.0
SMALLEST_SYMBOL = 50.0
"""The symbol's side where the lines lie below it."""
QUIET = 1
"""Modules of the quiet zone."""


class NoSymbol(ValueError):
    """No Data Matrix holds this content."""


@lru_cache(maxsize=256)
def draw(content: str, lines: tuple[str, ...]) -> bytes:
    """The drawing as SVG, dark on white; raises `NoSymbol`."""
    rows = modules(content)
    side, size, beside = _fit(lines)
    across = len(rows) + 2 * QUIET
    scale = side / across
    left = PADDING if beside else (WIDTH - side) / 2
    below = LEADING * size * len(lines)
    top = (HEIGHT - side - (0 if beside else below)) / 2
    at = f"translate({left + QUIET * scale:.3f} {top + QUIET * scale:.3f}) scale({scale:.4f})"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<path transform="{at}" shape-rendering="crispEdges" d="{_path(rows)}"/>',
    ]
    x = PADDING + side + GAP if beside else WIDTH / 2
    y = (HEIGHT - below) / 2 if beside else top + side
    for number, line in enumerate(lines):
        base = y + (number + 0.78) * LEADING * size
        parts.append(_text(line, x, base, size, "start" if beside else "middle"))
    return "".join([*parts, "</svg>"]).encode()


def modules(content: str) -> list[bytes]:
    """Of its square Data Matrix: one byte a module, 0 where it is dark. Raises `NoSymbol`."""
    try:
        symbol = zxingcpp.create_barcode(
            content.encode("ascii"), zxingcpp.BarcodeFormat.DataMatrix, force_square=True
        )
    except (ValueError, RuntimeError) as error:
        raise NoSymbol(str(error)) from error
    image: Any = symbol.to_image(scale=1, add_quiet_zones=False)
    data = memoryview(image).tobytes()
    high, wide = image.shape
    return [data[at : at + wide] for at in range(0, high * wide, wide)]


def _path(rows: Sequence[bytes]) -> str:
    """The dark modules, a rectangle for each run of a row."""
    found = []
    for y, row in enumerate(rows):
        x = 0
        for dark, run in groupby(row, lambda value: value == 0):
            length = len(list(run))
            if dark:
                found.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return "".join(found)


def _fit(lines: Sequence[str]) -> tuple[float, float, bool]:
    """The symbol's side, the size of the text, and whether it lies beside the symbol."""
    whole = float(HEIGHT - 2 * PADDING)
    if not any(lines):
        return whole, LARGEST, False
    widest = ADVANCE * max(len(line) for line in lines)
    room = WIDTH - 2 * PADDING - whole - GAP
    beside = min(LARGEST, whole / (LEADING * len(lines)), room / widest)
    tallest = (whole - SMALLEST_SYMBOL) / (LEADING * len(lines))
    below = min(LARGEST, tallest, (WIDTH - 2 * PADDING) / widest)
    side = whole - LEADING * below * len(lines)
    if beside * whole >= below * side:
        return whole, beside, True
    return side, below, False


def _text(line: str, x: float, y: float, size: float, anchor: str) -> str:
    """One line, as wide as it was reckoned, whatever typeface the browser has."""
    width = len(line) * ADVANCE * size
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size:.2f}" textLength="{width:.2f}"'
        f' lengthAdjust="spacingAndGlyphs" text-anchor="{anchor}" xml:space="preserve"'
        " font-family=\"'DejaVu Sans Mono','JetBrains Mono',Consolas,monospace\""
        f' font-weight="700">{escape(line)}</text>'
    )
